"""The incident folder: complete, self-contained, in agreement with itself, whole or not there."""

from __future__ import annotations

import datetime as dt
import re
import resource
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest

from cfrunbook import lab
from cfrunbook.diagnosis import judge
from cfrunbook.errors import BadInput
from cfrunbook.evidence import load
from cfrunbook.incident import Incident
from cfrunbook.observation import observe_sync
from cfrunbook.report import Kernels, notebooks_folder, write_report
from cfrunbook.report import folder as report_folder
from cfrunbook.report.formats import Format
from cfrunbook.runbook import GUIDES
from cfrunbook.views.mime import DIAGNOSIS

NOW = dt.datetime(2026, 11, 22, 3, 4, 5, tzinfo=dt.UTC)


def judged(path: Path) -> dict:
    """The diagnosis that an executed notebook shows."""
    notebook = nbformat.read(path, as_version=4)
    shown = [output.data for cell in notebook.cells for output in cell.get("outputs", ()) if "data" in output]
    (diagnosis,) = [data[DIAGNOSIS] for data in shown if DIAGNOSIS in data]
    return diagnosis


@pytest.fixture(scope="module")
def seen():
    """An incident, what was seen of it, and what that means."""
    with lab.start("certificate-missing-intermediate") as running:
        incident = Incident.load(lab=running.file, name="shop 502!")
        observations = observe_sync(incident)
    return incident, observations, judge(incident, observations)


@pytest.fixture(scope="module")
def report(seen, tmp_path_factory: pytest.TempPathFactory):
    """The report of it, moved elsewhere after it was written: nothing in it may depend on where it is."""
    output = tmp_path_factory.mktemp("out")
    written = write_report(*seen, output=output / "incident", now=NOW)
    elsewhere = output / "elsewhere"
    shutil.move(written.path, elsewhere)
    return written, elsewhere


def test_the_folder_is_complete_and_nothing_else_is_left(report):
    written, elsewhere = report
    assert re.fullmatch(r"20261122T030405Z-shop-?502", written.path.name)
    assert sorted(p.relative_to(elsewhere).as_posix() for p in elsewhere.rglob("*") if p.is_file()) == sorted(
        [
            "report.html",
            "summary.md",
            "diagnosis.json",
            "evidence.json",
            *(f"notebooks/{name}.ipynb" for name in GUIDES),
        ]
    )
    assert list(written.path.parent.iterdir()) == []
    assert written.failed == ()


@pytest.mark.parametrize("forked", [True, False])
def test_no_kernel_draws_what_the_page_shows_too(seen, report, tmp_path, forked):
    """Each picture is drawn once, in a process of its own, with either kind of kernels."""
    looking = nbformat.read(notebooks_folder() / "03_certificate.ipynb", as_version=4)
    looking.cells.append(nbformat.v4.new_code_cell("import sys; print('matplotlib.figure' in sys.modules)"))
    nbformat.write(looking, tmp_path / "03_certificate.ipynb")
    with Kernels(forked=forked) as kernels:
        written = write_report(
            *seen, output=tmp_path / "out", now=NOW, notebooks=[tmp_path / "03_certificate.ipynb"], kernels=kernels
        )
    assert written.failed == ()
    ran = nbformat.read(written.path / "notebooks" / "03_certificate.ipynb", as_version=4)
    assert ran.cells[-1].outputs[0].text == "False\n"
    assert (written.path / "report.html").read_text().count("<svg") == (report[1] / "report.html").read_text().count(
        "<svg"
    )


def test_the_folder_can_be_read_by_others(report):
    mode = report[1].stat().st_mode
    assert mode & stat.S_IRUSR
    assert mode & stat.S_IXUSR
    current = report[1].parent / "probe"
    current.mkdir()
    assert stat.S_IMODE(mode) == stat.S_IMODE(current.stat().st_mode), "as any folder made here"


def test_diagnosis_evidence_and_notebooks_agree(seen, report):
    _, elsewhere = report
    diagnosis = seen[2]
    assert (elsewhere / "diagnosis.json").read_bytes() == diagnosis.to_json()
    again = Incident.load(evidence=elsewhere / "evidence.json")
    assert judge(again, load(elsewhere / "evidence.json")).verdict == diagnosis.verdict
    for name in GUIDES:
        verdict = judged(elsewhere / "notebooks" / f"{name}.ipynb")["verdict"]
        assert (verdict["code"], verdict["sentence"]) == (diagnosis.verdict.code, diagnosis.verdict.sentence)


def test_notebooks_name_the_recording_by_a_path_that_moves_with_the_folder(report):
    written, elsewhere = report
    for path in (elsewhere / "notebooks").iterdir():
        notebook = nbformat.read(path, as_version=4)
        assert notebook.metadata.papermill.parameters["evidence"] == "../evidence.json"
        assert (path.parent / notebook.metadata.papermill.parameters["evidence"]).is_file()
        assert str(written.path.parent) not in path.read_text(encoding="utf-8")


def test_the_page_is_self_contained(report):
    page = (report[1] / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert not re.search(r"""(src|href)=["'](?!https://|#|data:|notebooks/|[a-z]+\.(?:json|md)")""", page)
    assert not re.search(r"<(link|img|iframe)[^>]*https?:", page)
    for href in re.findall(r'href="([a-z]+[/.][^":]+)"', page):
        assert (report[1] / href).is_file()


def test_the_summary_says_the_verdict(seen, report):
    summary = (report[1] / "summary.md").read_text(encoding="utf-8")
    assert "CloudFront answers 502" in summary
    assert "handshake-1" in summary


def test_only_what_was_asked_for_is_written_and_what_cannot_be_made_is_a_note(seen, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    written = write_report(*seen, output=tmp_path, notebooks=[], now=NOW, formats=frozenset({Format.PDF}))
    assert {p.name for p in written.path.iterdir()} == {"evidence.json", "notebooks", "report.html"}
    assert written.notes[0].startswith("report.pdf was not made: no Chromium was found on PATH")
    plain = write_report(*seen, output=tmp_path, notebooks=[], now=NOW, formats=frozenset({Format.MARKDOWN}))
    assert {p.name for p in plain.path.iterdir()} == {"evidence.json", "notebooks", "summary.md"}


def broken_notebook(folder: Path) -> Path:
    path = folder / "03_certificate.ipynb"
    notebook = nbformat.read(notebooks_folder() / path.name, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell("raise RuntimeError('the <b>disk</b> is full')"))
    nbformat.write(notebook, path)
    return path


def edited_notebook(folder: Path) -> Path:
    """One whose parameters cell lost its tag: what it is given would be overwritten, and it would examine a lab."""
    path = folder / "05_dns.ipynb"
    notebook = nbformat.read(notebooks_folder() / path.name, as_version=4)
    for cell in notebook.cells:
        cell.metadata.pop("tags", None)
    nbformat.write(notebook, path)
    return path


def killed_notebook(folder: Path) -> Path:
    path = folder / "01_tls_name.ipynb"
    notebook = nbformat.read(notebooks_folder() / path.name, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell("import os, signal; os.kill(os.getpid(), signal.SIGKILL)"))
    nbformat.write(notebook, path)
    return path


def test_a_failed_notebook_is_kept_and_named_and_the_report_is_there(seen, tmp_path):
    whole = notebooks_folder() / "04_port.ipynb"
    sources = [broken_notebook(tmp_path), edited_notebook(tmp_path), killed_notebook(tmp_path), whole]
    written = write_report(*seen, output=tmp_path / "incident", notebooks=sources, now=NOW)
    assert written.failed == ("03_certificate", "05_dns", "01_tls_name")
    page = (written.path / "report.html").read_text(encoding="utf-8")
    assert "03_certificate" in page
    assert "RuntimeError: the &lt;b&gt;disk&lt;/b&gt; is full" in page
    assert "no cell has the tag “parameters”, so it cannot be told what to examine" in page
    assert "DeadKernelError: Kernel died" in page
    assert "04_port" in page
    kept = nbformat.read(written.path / "notebooks" / "03_certificate.ipynb", as_version=4)
    assert kept.metadata.papermill.exception is True
    assert kept.cells[-1].outputs[0].ename == "RuntimeError"


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_was_gathered_is_kept_when_the_rest_fails(seen, tmp_path, monkeypatch, failure):
    def fail(*_, **__):
        raise failure

    monkeypatch.setattr(report_folder, "_write_page", fail)
    expected = KeyboardInterrupt if isinstance(failure, KeyboardInterrupt) else BadInput
    with pytest.raises(expected) as raised:
        write_report(*seen, output=tmp_path / "incident", notebooks=[], now=NOW)
    (kept,) = (tmp_path / "incident").iterdir()
    assert kept.name.endswith("-incomplete")
    assert str(raised.value).rstrip(".").endswith(f"what was gathered is in {kept}")
    assert (
        judge(Incident.load(evidence=kept / "evidence.json"), load(kept / "evidence.json")).verdict == seen[2].verdict
    )
    assert {p.name for p in kept.iterdir()} == {"evidence.json", "diagnosis.json", "summary.md", "notebooks"}


def test_a_folder_without_the_evidence_is_not_left_behind(seen, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(report_folder, "_write_gathered", full)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "full too"))
    with pytest.raises(BadInput, match=r"No space left on device\.$"):
        write_report(*seen, output=tmp_path / "incident", notebooks=[], now=NOW)
    assert list((tmp_path / "incident").iterdir()) == []


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """Let the kernel refuse to write more than `size` bytes to a file, as it does where a disk is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_where_the_page_does_not_fit_what_was_seen_is_kept(seen, tmp_path):
    with files_of_at_most(100_000), pytest.raises(BadInput, match=r"Cannot write the report to .*: File too large; "):
        write_report(*seen, output=tmp_path, notebooks=[], now=NOW)
    (kept,) = tmp_path.iterdir()
    assert kept.name.endswith("-incomplete")
    assert load(kept / "evidence.json").handshakes == seen[1].handshakes
    assert (kept / "summary.md").is_file()


def vanish(output: Path) -> None:
    shutil.rmtree(output)


def lock(output: Path) -> None:
    """Make nothing writable there: also for root, to whom permissions are nothing."""
    for part in output.iterdir():
        shutil.rmtree(part)
    output.rmdir()
    output.write_text("a file now")


@pytest.mark.parametrize("happens", [vanish, lock])
def test_where_the_folder_goes_away_what_was_seen_is_kept_elsewhere(seen, tmp_path, monkeypatch, happens):
    output, temporary = tmp_path / "out", tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    monkeypatch.setattr(report_folder, "_print", lambda *_: happens(output) or ())
    with pytest.raises(BadInput) as raised:
        write_report(*seen, output=output, notebooks=[], now=NOW)
    told = re.fullmatch(r"Cannot write the report to .*/out: (.*); what was seen is in (.*)\.", str(raised.value))
    assert told, raised.value
    assert load(Path(told[2])).handshakes == seen[1].handshakes


def test_what_was_read_from_a_file_is_not_kept_twice(seen, tmp_path, monkeypatch):
    seen[1].save(tmp_path / "e.json")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    (tmp_path / "file").write_text("")
    again = Incident.load(evidence=tmp_path / "e.json")
    with pytest.raises(BadInput, match=r"Cannot write the report to .*/file: [A-Z][a-z ]+\.$"):
        write_report(again, seen[1], seen[2], output=tmp_path / "file", notebooks=[])


def test_two_reports_of_one_second_do_not_meet(seen, tmp_path):
    first, second = (write_report(*seen, output=tmp_path, notebooks=[], now=NOW).path for _ in range(2))
    assert first != second
    assert second.name == f"{first.name}-2"
    assert {first, second} == set(tmp_path.iterdir())


def test_an_output_that_is_a_file_is_one_sentence(seen, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match=r"Cannot write the report to .*file"):
        write_report(*seen, output=tmp_path / "file", notebooks=[])


def test_what_was_judged_with_is_in_the_recording(seen, tmp_path):
    """A recording judged at another moment: the notebooks beside the page say the same as the page."""
    _, observations, before = seen
    observations.save(tmp_path / "e.json")
    later = Incident.load(evidence=tmp_path / "e.json", at="2030-01-01T00:00:00Z")
    diagnosis = judge(later, observations)
    assert diagnosis.verdict.code != before.verdict.code
    written = write_report(
        later, observations, diagnosis, output=tmp_path / "out", notebooks=[notebooks_folder() / "00_start_here.ipynb"]
    )
    assert judged(written.path / "notebooks" / "00_start_here.ipynb")["verdict"]["code"] == diagnosis.verdict.code
