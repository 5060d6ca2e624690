"""The training notebooks are thin, committed without outputs, hold no answers, and run with nobody before the screen."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from cfrunbook.lab import SCENARIOS
from cfrunbook.lab.training import LESSONS
from cfrunbook.report.runbooks import training_files
from cfrunbook.report.working_copy import make

FILES = training_files()
LESSON_FILES = {plan.notebook: plan for plan in LESSONS.values()}

each = pytest.mark.parametrize("path", FILES, ids=[p.stem for p in FILES])


def cells(path: Path, kind: str) -> list[dict]:
    return [c for c in json.loads(path.read_text(encoding="utf-8"))["cells"] if c["cell_type"] == kind]


def source(cell: dict) -> str:
    return "".join(cell["source"])


def test_all_of_them_are_there() -> None:
    assert [p.stem for p in FILES] == ["01_guided_incident", *LESSON_FILES, "09_game_day"]


@each
def test_code_cells_are_thin_and_show_one_thing(path: Path) -> None:
    for cell in cells(path, "code"):
        if "parameters" in cell["metadata"].get("tags", []):
            continue
        tree = ast.parse(source(cell))
        assert len(source(cell).splitlines()) <= 6
        assert isinstance(tree.body[-1], ast.Expr)
        assert sum(isinstance(node, ast.Expr) for node in tree.body) == 1
        allowed = (ast.Expr, ast.Assign, ast.ImportFrom)
        assert all(isinstance(node, allowed) for node in tree.body)
        assert "!" not in source(cell).partition("#")[0]


@each
def test_parameters_have_defaults_and_say_what_they_are(path: Path) -> None:
    tagged = [c for c in cells(path, "code") if "parameters" in c["metadata"].get("tags", [])]
    assert len(tagged) == 1
    for line in source(tagged[0]).splitlines():
        (statement,) = ast.parse(line).body
        assert isinstance(statement, ast.AnnAssign)
        ast.literal_eval(statement.value)  # type: ignore[arg-type]
        assert re.search(r"  # \w.+", line)


@each
def test_nothing_of_a_run_is_left_and_the_form_is_canonical(path: Path) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    assert all(c["outputs"] == [] and c["execution_count"] is None for c in cells(path, "code"))
    ids = [c["id"] for c in document["cells"]]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z][a-z-]{2,40}", i) for i in ids)
    nbformat.validate(nbformat.from_dict(document))
    assert path.read_text(encoding="utf-8") == json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


@each
def test_links_lead_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+\.ipynb)\)", path.read_text(encoding="utf-8")):
        assert (path.parent / link).is_file(), link


def test_the_game_day_holds_no_answer() -> None:
    text = FILES[-1].read_text(encoding="utf-8")
    assert not any(name in text for name in SCENARIOS if "-" in name)


def test_they_come_along_with_a_working_copy(tmp_path: Path) -> None:
    assert make(tmp_path) == ()
    assert [p.name for p in sorted((tmp_path / "training").iterdir())] == [p.name for p in FILES]
    (tmp_path / "training" / FILES[0].name).write_bytes(FILES[1].read_bytes())
    assert make(tmp_path) == (f"training/{FILES[0].name}",)


# All cells of all notebooks in one process, as a kernel runs them: with IPython's shell, one namespace for each.
_RUN = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance(colors="NoColor")
for path in sys.argv[1:]:
    shell.reset()
    for cell in json.load(open(path, encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            result = shell.run_cell("".join(cell["source"]), silent=False)
            if not result.success:
                sys.exit(f"{path}: {cell['id']}: {result.error_in_exec or result.error_before_exec!r}")
            shown = result.result._repr_mimebundle_()[0] if hasattr(result.result, "_repr_mimebundle_") else {}
            if "parameters" not in cell["metadata"].get("tags", []) and not shown.get("text/html"):
                sys.exit(f"{path}: {cell['id']}: shows nothing")
"""


@pytest.mark.needs("openssl", "curl", "dig")
def test_every_cell_of_every_notebook_runs_and_shows_something(tmp_path: Path) -> None:
    """The first and the last once more, in the same process, as after Run all cells twice."""
    command = [sys.executable, "-c", _RUN, *map(str, FILES), str(FILES[0]), str(FILES[-1])]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert list(tmp_path.iterdir()) == [], "nothing is written that nobody asked for"


@pytest.mark.needs("openssl", "curl")
def test_papermill_hands_in_an_answer(tmp_path: Path) -> None:
    """As an exam without anybody: answers are parameters, and the score sheet is a file."""
    answers = '{"1": {"cause": "dns", "evidence": "x", "fix": "x"}}'
    out = tmp_path / "out.ipynb"
    command = [sys.executable, "-m", "papermill", str(FILES[-1]), str(out), "-p", "seed", "14", "-p", "team", "A"]
    command += ["-y", f"answers: {answers}", "-p", "save_to", str(tmp_path / "scores")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads((tmp_path / "scores" / "score-14.json").read_text())["team"] == "A"
    shown = json.dumps([c["outputs"] for c in cells(out, "code")])
    assert "of 100 points" in shown
    assert "application/vnd.jupyter.widget" not in shown, "what is headless needs no widgets"
    assert "not handed in" in shown
