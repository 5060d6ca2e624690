"""Every runbook runs headless: with no parameters at all, on a recording of something else, and with papermill alone."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest

from cfrunbook import lab
from cfrunbook.diagnosis import judge
from cfrunbook.incident import Incident
from cfrunbook.observation import observe_sync
from cfrunbook.report import Job, notebooks_folder, run_notebooks
from cfrunbook.runbook import GUIDES
from cfrunbook.views.mime import DIAGNOSIS, FINDING

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # papermill's own: entrypoints, datetime


def run(name: str, output: Path, **parameters: Any) -> nbformat.NotebookNode:
    papermill.execute_notebook(
        notebooks_folder() / f"{name}.ipynb", output, parameters=parameters, cwd=output.parent, progress_bar=False
    )
    return nbformat.read(output, as_version=4)


def outputs(notebook: nbformat.NotebookNode, mime: str) -> list[Any]:
    """Everything of the type `mime` that the notebook shows, in order."""
    return [o.data[mime] for c in notebook.cells for o in c.get("outputs", ()) if mime in o.get("data", {})]


def shown(notebook: nbformat.NotebookNode) -> str:
    return "\n".join("".join(text) for text in outputs(notebook, "text/html"))


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What was seen of an origin whose certificate has expired."""
    folder = tmp_path_factory.mktemp("recording")
    with lab.start("certificate-expired") as running:
        incident = Incident.load(lab=running.file)
        seen = observe_sync(incident)
    assert judge(incident, seen).verdict.code == "certificate.expired"
    seen.save(folder / "evidence.json")
    return folder


@pytest.fixture(scope="module")
def on_nothing(tmp_path_factory: pytest.TempPathFactory) -> dict[str, nbformat.NotebookNode]:
    """Every runbook run with no parameters at all."""
    folder = tmp_path_factory.mktemp("nothing")
    jobs = [Job(notebooks_folder() / f"{name}.ipynb", folder / f"{name}.ipynb") for name in GUIDES]
    return {done.name: nbformat.read(done.output, as_version=4) for done in run_notebooks(jobs)}


@pytest.mark.parametrize("name", list(GUIDES))
def test_without_parameters_it_finds_what_its_own_lab_scenario_broke(name, on_nothing):
    scenario = lab.SCENARIOS[GUIDES[name].scenario]
    notebook = on_nothing[name]
    (judged,) = outputs(notebook, DIAGNOSIS)
    assert judged["verdict"]["status"] == "fault"
    assert judged["verdict"]["code"] == scenario.expected.code
    assert scenario.expected.code in [f["code"] for f in judged["findings"]]
    (finding,) = outputs(notebook, FINDING)
    assert finding["code"] == scenario.expected.code
    page = shown(notebook)
    assert "Lab scenario: simulated" in page
    assert "<script" not in page
    assert "Not fixed yet" in page, "verify looked a second time"
    assert "widgets" not in notebook.metadata
    assert outputs(notebook, "application/vnd.jupyter.widget-view+json") == []


@pytest.fixture(scope="module")
def on_recording(recording) -> dict[str, nbformat.NotebookNode]:
    """Every runbook run on the recording, all at once."""
    jobs = [
        Job(notebooks_folder() / f"{name}.ipynb", recording / f"{name}.ipynb", {"evidence": "evidence.json"})
        for name in GUIDES
    ]
    return {done.name: nbformat.read(done.output, as_version=4) for done in run_notebooks(jobs)}


@pytest.mark.parametrize("name", list(GUIDES))
def test_on_a_recording_it_judges_that_and_probes_nothing(name, on_recording):
    notebook = on_recording[name]
    (judged,) = outputs(notebook, DIAGNOSIS)
    assert judged["verdict"]["code"] == "certificate.expired"
    page = shown(notebook)
    assert "Nothing was probed" in page
    assert "A recording cannot tell whether a fix worked" in page
    codes = [f["code"] for f in judged["findings"]]
    is_elsewhere = not name.startswith(("00", "03", "99"))
    assert ("certificate.expired" in codes) != is_elsewhere
    if is_elsewhere:
        assert "03_certificate.ipynb" in page, "it leads to the runbook of the root cause"


def test_only_its_own_findings_are_in_a_causes_runbook(on_recording):
    (judged,) = outputs(on_recording["04_port"], DIAGNOSIS)
    assert {f["cause"] for f in judged["findings"]} == {"port"}
    assert [c["cause"] for c in judged["causes"]] == ["port"]


def test_papermill_and_our_runner_show_the_same(recording, on_recording, tmp_path):
    (tmp_path / "evidence.json").write_bytes((recording / "evidence.json").read_bytes())
    ours, theirs = on_recording["03_certificate"], run("03_certificate", tmp_path / "a.ipynb", evidence="evidence.json")
    assert outputs(ours, DIAGNOSIS) == outputs(theirs, DIAGNOSIS)
    assert outputs(ours, "text/plain")[1:] == outputs(theirs, "text/plain")[1:], "only the evidence's age may differ"
    assert [c.source for c in ours.cells] == [c.source for c in theirs.cells]


def test_bad_input_is_one_sentence(tmp_path):
    with pytest.raises(papermill.PapermillExecutionError) as raised:
        run("03_certificate", tmp_path / "out.ipynb", evidence="missing.json")
    assert raised.value.ename == "BadInput"
    assert raised.value.evalue == "Evidence: no such file: missing.json."


def test_the_plain_command_line_of_papermill(recording):
    done = subprocess.run(
        check=False,
        args=[
            *(sys.executable, "-m", "papermill", str(notebooks_folder() / "03_certificate.ipynb"), "cli.ipynb"),
            *("-p", "evidence", "evidence.json", "-p", "vantage", "a test", "--no-progress-bar"),
        ],
        cwd=recording,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    (judged,) = outputs(nbformat.read(recording / "cli.ipynb", as_version=4), DIAGNOSIS)
    assert judged["verdict"]["code"] == "certificate.expired"


def test_the_environment_of_a_running_lab_is_found(tmp_path):
    """`cfrunbook lab run SCENARIO -- papermill …` examines that scenario."""
    done = subprocess.run(
        check=False,
        args=[
            *(sys.executable, "-m", "cfrunbook", "lab", "run", "port-refused", "--", sys.executable, "-m", "papermill"),
            *(str(notebooks_folder() / "00_start_here.ipynb"), "out.ipynb", "--no-progress-bar"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    (judged,) = outputs(nbformat.read(tmp_path / "out.ipynb", as_version=4), DIAGNOSIS)
    assert judged["verdict"]["code"] == lab.SCENARIOS["port-refused"].expected.code


def nbval(*places: Path, **environment: str) -> list[str]:
    """Return the names of the notebooks that nbval does not accept: a cell fails, or shows something else than before."""
    done = subprocess.run(
        check=False,
        args=[
            *(sys.executable, "-m", "pytest", "--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=60"),
            *("-p", "no:cacheprovider", "-q", "--tb=short", "-rf", *map(str, places)),
        ],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    failed = {Path(name).name for name in re.findall(r"^FAILED (\S+)::", done.stdout, re.MULTILINE)}
    assert bool(failed) == bool(done.returncode), done.stdout
    return sorted(failed)


def test_outputs_from_a_recording_are_the_same_every_time(tmp_path):
    """Every runbook on a recording that was committed, and by nbval cell by cell again; a copy was tampered with."""
    recording = Path(__file__).parent.parent / "data" / "port-refused.evidence.json"
    jobs = [
        Job(notebooks_folder() / f"{name}.ipynb", tmp_path / f"{name}.ipynb", {"evidence": str(recording)})
        for name in GUIDES
    ]
    for done in run_notebooks(jobs):
        notebook = nbformat.read(done.output, as_version=4)
        assert "origin.shop.example:443 refuses connections at 127.0.0.1:1. CloudFront answers 502." in shown(notebook)
        for cell in notebook.cells:
            if cell.cell_type == "code" and cell.id != "open":  # it says how old the evidence is
                cell.metadata["tags"] = [*cell.metadata.get("tags", ()), "nbval-check-output"]
        nbformat.write(notebook, done.output)
    page = (tmp_path / "04_port.ipynb").read_text(encoding="utf-8")
    tampered = page.replace("refuses connections", "accepts connections")
    (tmp_path / "tampered.ipynb").write_text(tampered, encoding="utf-8")
    assert nbval(tmp_path, TMPDIR=str(tmp_path)) == ["tampered.ipynb"]


def test_findings_can_be_read_by_anything_that_reads_json(recording, on_recording):
    document = json.loads((recording / "99_incident_report.ipynb").read_text())
    shown = [output["data"] for cell in document["cells"] for output in cell.get("outputs", ()) if "data" in output]
    found = [data[FINDING] for data in shown if FINDING in data]
    assert [f["code"] for f in found] == ["certificate.expired"]
    assert {"title", "evidence", "reproduce", "remedy", "verify", "source"} <= set(found[0])
