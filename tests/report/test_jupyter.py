"""`cfrunbook notebooks`: the working copy, a recorded incident in it, the start page, and what JupyterLab is given."""

from __future__ import annotations

import ast
import datetime as dt
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from cfrunbook import lab
from cfrunbook.cli import entry
from cfrunbook.diagnosis import judge
from cfrunbook.errors import BadInput
from cfrunbook.incident import Incident
from cfrunbook.observation import observe_sync
from cfrunbook.panel.fields import fields
from cfrunbook.report import (
    Report,
    jupyter,
    notebooks_folder,
    open_notebooks,
    runbook_files,
    working_copy,
    write_report,
)
from cfrunbook.report.runbooks import training_files
from cfrunbook.runbook import GUIDES

DATA = Path(jupyter.__file__).parent / "jupyter_data"
SCRIPT = (DATA / "labextensions" / "cfrunbook" / "static" / "runbooks.js").read_text(encoding="utf-8")
AT = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """A report without its runbooks, judged at another moment than the one it was recorded at."""
    with lab.start("port-refused") as running:
        incident = Incident.load(lab=running.file, at=AT.isoformat())
        seen = observe_sync(incident)
    return write_report(incident, seen, judge(incident, seen), output=tmp_path_factory.mktemp("out"), notebooks=[])


def parameters(notebook: Path) -> dict[str, object]:
    """What a notebook's parameters cell gives, empty values left out."""
    (cell,) = [c for c in nbformat.read(notebook, 4).cells if "parameters" in c.metadata.get("tags", ())]
    given = {s.target.id: ast.literal_eval(s.value) for s in ast.parse(cell.source).body}  # type: ignore[attr-defined]
    return {name: value for name, value in given.items() if value}


# --- the working copy ---------------------------------------------------------------------------------------------


def test_a_working_copy_is_made_and_yours_is_kept(tmp_path):
    folder = tmp_path / "new" / "work"
    assert working_copy.make(folder) == ()
    assert {p.name for p in folder.iterdir()} == {p.name for p in runbook_files()} | {"START.md", "training"}
    mine = folder / "04_port.ipynb"
    mine.write_text("mine")
    (folder / "01_tls_name.ipynb").unlink()
    assert working_copy.make(folder) == ("04_port.ipynb",)
    assert mine.read_text() == "mine"
    assert (folder / "01_tls_name.ipynb").is_file()


@pytest.mark.parametrize(
    ("edit", "is_same"),
    [
        (lambda d: d["cells"][-1].update(outputs=[{"output_type": "stream", "name": "stdout", "text": "x"}]), True),
        (lambda d: d["cells"][-1].update(execution_count=3), True),
        (lambda d: d["metadata"].update(widgets={}), True),
        (lambda d: d["cells"][4].update(source=[s.replace('""', '"x"') for s in d["cells"][4]["source"]]), True),
        (lambda d: d["cells"][4]["source"].pop(), False),  # a parameter is missing
        (lambda d: d["cells"][0].update(source="# Mine"), False),
        (lambda d: d["cells"].pop(), False),
        (lambda d: d["cells"].append(None), False),
        (lambda d: d.pop("cells"), False),
    ],
)
def test_values_and_outputs_make_no_other_runbook(edit, is_same):
    shipped = (notebooks_folder() / "04_port.ipynb").read_bytes()
    document = json.loads(shipped)
    assert working_copy._is_parameters(document["cells"][4])
    edit(document)
    assert working_copy.is_same_runbook(json.dumps(document).encode(), shipped) is is_same


def test_a_page_of_the_app_runs_nothing_but_the_panel(tmp_path):
    assert working_copy.make(tmp_path, pages=True) == ()
    assert not (tmp_path / "START.md").exists()
    for file in runbook_files():
        page, shipped = nbformat.read(tmp_path / file.name, 4), nbformat.read(file, 4)
        nbformat.validate(page)
        assert [c.source for c in page.cells if c.cell_type == "code"] == [
            c.source for c in shipped.cells if c.id in ("parameters", "open")
        ]


# --- a recorded incident ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("given", ["folder", "file"])
def test_a_recorded_incident_is_opened_with_its_evidence(given, written, tmp_path):
    recording = working_copy.read_recording(written.path if given == "folder" else written.path / "evidence.json")
    assert working_copy.make(tmp_path, recording) == ()
    assert (tmp_path / "evidence.json").read_bytes() == (written.path / "evidence.json").read_bytes()
    at = {"at": AT.isoformat()} if given == "folder" else {}
    for name in GUIDES:
        assert parameters(tmp_path / f"{name}.ipynb") == {"evidence": "evidence.json", **at}
        nbformat.validate(nbformat.read(tmp_path / f"{name}.ipynb", 4))
    assert working_copy.make(tmp_path, recording) == (), "opened again, it is what it was"


def test_another_recording_is_never_overwritten(written, tmp_path):
    (tmp_path / "evidence.json").write_text("mine")
    with pytest.raises(BadInput, match=r"is another recording: say with --folder where this one shall go"):
        working_copy.make(tmp_path, working_copy.read_recording(written.path))
    assert (tmp_path / "evidence.json").read_text() == "mine"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, r"holds no evidence\.json\. Give a folder that cfrunbook report wrote"),
        ({"evidence.json": "{}"}, "is not a cfrunbook recording"),
        ({"evidence.json": "RECORDED", "before.json": "nothing"}, r"before\.json is not a cfrunbook recording"),
        (
            {"evidence.json": "RECORDED", "diagnosis.json": "{}"},
            r"diagnosis\.json is not one that cfrunbook report wrote",
        ),
        (
            {
                "evidence.json": "RECORDED",
                "diagnosis.json": '{"inputs": {"recorded_at": "x", "judged_at": "\\"; x = 1"}}',
            },
            r"diagnosis\.json is not one that cfrunbook report wrote",
        ),
    ],
)
def test_another_folder_is_refused_in_a_sentence(files, said, written, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    given = tmp_path / "given"
    given.mkdir()
    for name, content in files.items():
        recorded = (written.path / "evidence.json").read_text()
        (given / name).write_text(recorded if content == "RECORDED" else content)
    assert entry(["notebooks", "--incident", "given"]) == 2
    error = capsys.readouterr().err
    assert re.search(said, error)
    assert error.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["given"], "nothing was copied"


def test_an_incident_that_is_not_there_is_one_sentence():
    with pytest.raises(BadInput, match=r"Incident: no such folder or file: missing\."):
        open_notebooks(incident=Path("missing"))


# --- what is started ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "folder", "program", "opened"),
    [
        ([], "cfrunbook-notebooks", "jupyterlab", "START.md"),
        (["--folder", "x"], "x", "jupyterlab", "START.md"),
        (["--incident", "INCIDENT"], "cfrunbook-notebooks/INCIDENT", "jupyterlab", "00_start_here.ipynb"),
        (["--app"], "cfrunbook-notebooks/app", "voila", "."),
        (["--app", "--incident", "INCIDENT"], "cfrunbook-notebooks/INCIDENT/app", "voila", "."),
    ],
)
def test_what_is_opened_where(arguments, folder, program, opened, written, tmp_path, monkeypatch):
    started: list[tuple[list[str], Path, dict[str, str]]] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("JUPYTERLAB_WORKSPACES_DIR", raising=False)
    monkeypatch.setattr(jupyter, "_run", lambda *given: started.append(given) or 0)
    given = [str(written.path) if a == "INCIDENT" else a for a in arguments]
    assert entry(["notebooks", "--no-browser", *given]) == 0
    ((command, place, environment),) = started
    assert place == Path(folder.replace("INCIDENT", written.path.name))
    assert command[:4] == [sys.executable, "-m", "cfrunbook.report.serving", program]
    assert {"--no-browser", opened} <= set(command)
    assert (place / "00_start_here.ipynb").is_file()
    if program == "jupyterlab":  # what is left open elsewhere is not looked for here
        assert environment["JUPYTERLAB_WORKSPACES_DIR"] == str(tmp_path / place / ".cfrunbook" / "workspaces")


OPENS_A_SERVER = """
import os, sys
from pathlib import Path
from cfrunbook.report.jupyter import _run
serves = "import time; print('serving', flush=True); time.sleep(600)"
sys.exit(_run([sys.executable, "-c", serves], Path(), os.environ))
"""


def test_the_server_is_ended_where_we_alone_are_told_to_end():
    with subprocess.Popen([sys.executable, "-c", OPENS_A_SERVER], stdout=subprocess.PIPE, text=True) as opened:
        assert opened.stdout is not None
        assert opened.stdout.readline() == "serving\n"
        opened.terminate()
        assert opened.stdout.read() == ""  # nobody is left to write there
    assert opened.returncode == 128 + signal.SIGTERM


LEAVES_A_THREAD = """
import atexit, threading
def main():
    threading.Thread(target=threading.Event().wait).start()
    atexit.register(print, "tidied up")
    print("served")
"""


@pytest.mark.parametrize(
    ("server", "status", "said"),
    [
        ("import signal; signal.raise_signal(signal.SIGINT)", 128 + signal.SIGINT, ""),
        (LEAVES_A_THREAD, 0, "served\ntidied up\n"),
        ("def main(): raise SystemExit(3)", 3, ""),
    ],
    ids=["stopped while it starts", "a thread that waits for ever", "its own status"],
)
def test_a_server_that_ends_leaves_no_process_and_no_traceback(server, status, said, tmp_path):
    (tmp_path / "jupyterlab").mkdir()
    (tmp_path / "jupyterlab" / "__init__.py").write_text("")
    (tmp_path / "jupyterlab" / "labapp.py").write_text(server)
    command = [sys.executable, "-m", "cfrunbook.report.serving", "jupyterlab"]
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    given = {**os.environ, "PYTHONPATH": path}
    ended = subprocess.run(command, env=given, capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stdout, ended.stderr) == (status, said, "")


@pytest.mark.parametrize(("app", "extra"), [(False, "lab"), (True, "app")])
def test_without_the_program_the_copies_are_made_and_the_extra_is_named(app, extra, tmp_path, monkeypatch):
    monkeypatch.setattr("cfrunbook.report.jupyter.find_spec", lambda _: None)
    with pytest.raises(BadInput, match=rf'pip install "cfrunbook\[{extra}\]"'):
        open_notebooks(tmp_path / "work", app=app)
    assert list((tmp_path / "work").rglob("00_start_here.ipynb"))


def test_copies_alone_need_no_program(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("cfrunbook.report.jupyter.find_spec", lambda _: None)
    assert open_notebooks(tmp_path, copy_only=True) == 0
    assert (tmp_path / "00_start_here.ipynb").is_file()
    assert capsys.readouterr().out.startswith(f"The runbooks are in {tmp_path}. ")


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="Cannot copy the runbooks to"):
        open_notebooks(tmp_path / "file" / "work")


def test_no_part_of_the_pages_names_another_host():
    for file in DATA.rglob("*"):
        if file.is_file():
            found = re.findall(r"""(?:src|href)\s*=\s*["']https?:|url\(\s*["']?https?:|@import""", file.read_text())
            assert not found, file


# --- the start page, and the cards --------------------------------------------------------------------------------


def test_the_start_page_leads_to_every_runbook_in_the_words_of_the_panel():
    page = (notebooks_folder() / working_copy.START_PAGE).read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)]+)\)", page)
    assert set(links) == {p.name for p in runbook_files()} | {f"training/{p.name}" for p in training_files()}
    have = page.partition("## What do you have?")[2].partition("## What do you want?")[0]
    assert set(re.findall(r"\*([A-Z][^*]+)\*", have)) <= {field.label for field in fields()}


def test_there_is_a_card_for_each_runbook():
    cards = re.findall(r'^    \["(\w+)", "([^"]+)", "([^"]+)"\],$', SCRIPT, re.MULTILINE)
    assert [name for name, _, _ in cards] == list(GUIDES)


def expression(name: str) -> re.Pattern[str]:
    """A regular expression of the script; what it is written with means the same in Python."""
    (found,) = re.findall(rf"^  const {name} =\s+/(.+)/;$", SCRIPT, re.MULTILINE)
    return re.compile(found)


def runs_unasked(given: str, opening: str) -> bool:
    """Whether the script runs two such cells when a notebook is opened."""
    plain = (expression("LITERAL"), expression("GIVEN"))
    is_plain = all(any(e.fullmatch(line) for e in plain) for line in given.rstrip().split("\n"))
    return is_plain and bool(expression("OPENS").fullmatch(opening.rstrip()))


@pytest.mark.parametrize("name", list(GUIDES))
def test_a_runbook_that_was_not_changed_shows_its_panel_unasked(name, written, tmp_path):
    working_copy.make(tmp_path, working_copy.read_recording(written.path))
    for folder in (notebooks_folder(), tmp_path):
        given, opening = [c.source for c in nbformat.read(folder / f"{name}.ipynb", 4).cells if c.cell_type == "code"][
            :2
        ]
        assert runs_unasked(given, opening)


OPENING = 'import cfrunbook as cf\n\nrunbook = cf.open_runbook("04_port", namespace=globals())\nrunbook'


@pytest.mark.parametrize(
    ("given", "opening", "runs"),
    [
        ('url: str = ""  # x\npolicies: list = []', OPENING, True),
        ('lab: str = "port-refused"', OPENING, True),
        ('distribution: str = "E2EXAMPLE51"', OPENING, False),  # would ask AWS
        ('address_ranges: str = "live"', OPENING, False),
        ("run_handler: bool = True", OPENING, False),
        ('evidence: str = __import__("os").system("id")', OPENING, False),
        ('evidence: str = "" or print("x")', OPENING, False),
        ('evidence: str = "\\" + print(1) + \\""', OPENING, False),
        ('evidence: str = f"{print(1)}"', OPENING, False),
        ('url: str = ""\nprint("x")', OPENING, False),
        ('url: str = ""; print("x")', OPENING, False),
        ('url: str = ""  # x\r\nprint("x")', OPENING, False),
        ('url: str = ""\u2028print("x")', OPENING, False),
        ('url: str = ""', f"{OPENING}\nprint(1)", False),
        ('url: str = ""', OPENING.replace("import cfrunbook as cf", "import evil as cf"), False),
        ('url: str = ""', OPENING.replace("globals())", "globals()); print(1)"), False),
    ],
)  # fmt: skip
def test_nothing_but_the_panel_is_ever_run_unasked(given, opening, runs):
    assert runs_unasked(given, opening) is runs
