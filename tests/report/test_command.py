"""`cfrunbook report` from its options to its files; the runbooks themselves are run elsewhere."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from cfrunbook import evidence, lab
from cfrunbook.cli import entry
from cfrunbook.incident import Incident
from cfrunbook.observation import observe_sync


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory):
    path = tmp_path_factory.mktemp("seen") / "evidence.json"
    with lab.start("certificate-expired") as running:
        observe_sync(Incident.load(lab=running.file)).save(path)
    return path


@pytest.fixture
def report(recording, tmp_path, monkeypatch, capsys):
    """Run the command on the recording, without runbooks; return status, standard output and error."""
    monkeypatch.setattr("cfrunbook.report.folder.runbook_files", tuple)

    def report(*options: str):
        given = ("report", "--evidence", str(recording), "--output", str(tmp_path / "out"), "--kernels", "ordinary")
        status = entry([*given, *options])
        return status, *capsys.readouterr()

    return report


def test_a_report_for_everybody(report, tmp_path, monkeypatch):
    monkeypatch.setenv("CFRUNBOOK_FORMAT", "html json")
    status, told, _ = report("--redacted", "--notify-file", str(tmp_path / "alert.json"), "--json")
    result = json.loads(told)
    (folder,) = (tmp_path / "out").iterdir()
    assert (status, result["path"], result["redacted"]) == (1, str(folder), f"{folder}/redacted")
    assert {p.name for p in folder.iterdir()} == {
        "report.html",
        "diagnosis.json",
        "evidence.json",
        "notebooks",
        "redacted",
        "redaction-key.json",
    }
    assert {p.name for p in (folder / "redacted").iterdir()} == {"report.html", "diagnosis.json", "notification.json"}
    alert = json.loads((tmp_path / "alert.json").read_text())
    assert (alert["code"], alert["report"]) == ("certificate.expired", str(folder))
    shared = json.loads((folder / "redacted" / "notification.json").read_text())
    assert (shared["code"], shared["report"]) == ("certificate.expired", "")
    assert shared["dedup_key"] != alert["dedup_key"], "names could be guessed from it"


def test_what_could_not_be_made_is_said_and_the_status_is_the_verdicts(report, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    status, told, _ = report("--format", "markdown,pdf")
    assert status == 1
    assert "/report.html\n" in told, "what was to be printed is there to be read"
    assert "Note:    report.pdf was not made: no Chromium was found on PATH" in told


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--format", "docx"], "--format: 'docx' is none of html, markdown, json, pdf and all."),
        (["--notify-file", "/"], "--notify-file: / is a folder; give a file name."),
        (["--notify-file", "/absent/alert.json"], "--notify-file: cannot write in the folder /absent: "),
        (
            ["--format", "pdf", "--output", "https://bucket/incidents"],
            "--output: papermill cannot write a folder to https://",
        ),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is(report, options, said):
    status, told, error = report(*options)
    assert (status, told) == (2, "")
    assert said in error


def test_the_pager_is_told_even_where_the_report_cannot_be_written(report, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cfrunbook.report.folder._write_page", full)
    status, _, error = report("--notify-file", str(tmp_path / "alert.json"))
    assert status == 2
    assert "No space left on device; what was gathered is in " in error
    alert = json.loads((tmp_path / "alert.json").read_text())
    assert (alert["code"], alert["report"]) == ("certificate.expired", "")


def test_the_pager_is_told_even_where_we_fail_ourselves(report, tmp_path, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("a\x1b defect")

    monkeypatch.setattr("cfrunbook.report.folder._write_page", broken)
    status, _, error = report("--notify-file", str(tmp_path / "alert.json"))
    assert status == 70
    assert "a defect of cfrunbook itself, what was gathered is in " in error
    kept = error.partition("what was gathered is in ")[2].partition(" (ZeroDivisionError: ")[0]
    assert (Path(kept) / "evidence.json").is_file()
    alert = json.loads((tmp_path / "alert.json").read_text())
    assert alert["code"] == "certificate.expired"
    told = rf"A defect of cfrunbook: ZeroDivisionError: a\x1b defect; what was gathered is in {kept}."
    assert alert["problems"] == [told]


@pytest.mark.parametrize(("place", "left"), [("_write_gathered", "seen"), ("_write_page", "gathered")])
def test_a_defect_without_words_costs_nothing_of_what_was_seen(tmp_path, monkeypatch, capsys, place, left):
    class Wordless(Exception):
        def __init__(self, needed: int) -> None:
            super().__init__()

    def broken(*_: object, **__: object) -> None:
        raise Wordless(1)

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("cfrunbook.report.folder.runbook_files", tuple)
    monkeypatch.setattr(f"cfrunbook.report.folder.{place}", broken)
    with socket.socket() as deaf:  # nobody else gets the port, and nobody listens
        deaf.bind(("127.0.0.1", 0))
        to = f"origin.shop.example:443:127.0.0.1:{deaf.getsockname()[1]}"
        given = ("--origin", "origin.shop.example", "--connect-to", to, "--kernels", "ordinary")
        assert entry(["report", *given, "--output", str(tmp_path / "out")]) == 70
    told = capsys.readouterr().err
    kept = Path(told.partition(f"what was {left} is in ")[2].partition(" (Wordless: )")[0])
    assert evidence.load(kept / "evidence.json" if kept.is_dir() else kept).connections[0].outcome == "refused"
