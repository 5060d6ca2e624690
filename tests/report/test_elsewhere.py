"""A report written where papermill's handlers write to: through a handler as an extra registers it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from papermill import iorw
from papermill.exceptions import missing_dependency_generator

from cfrunbook import lab
from cfrunbook.cli import entry
from cfrunbook.errors import BadInput
from cfrunbook.report import elsewhere


class Bucket:
    """A handler of papermill that keeps what is written."""

    def __init__(self, full: bool = False) -> None:
        self.written: dict[str, str] = {}
        self.full = full

    def write(self, text: str, address: str) -> None:
        if self.full:
            raise PermissionError("Access\x1b[31m Denied")
        self.written[address] = text


@pytest.fixture
def registered(monkeypatch):
    def register(handler: object) -> object:
        monkeypatch.setattr(iorw.papermill_io, "_handlers", [("mem://", handler), *iorw.papermill_io._handlers])
        return handler

    return register


def test_the_whole_folder_is_written_the_page_last(registered, tmp_path, capsys, monkeypatch):
    bucket = registered(Bucket())
    monkeypatch.setattr("cfrunbook.report.folder.runbook_files", lambda: ())
    with lab.start("port-refused") as running:
        status = entry(["report", "--lab", str(running.file), "--output", "mem://bucket/prefix/", "--json"])
    assert status == 1
    place = json.loads(capsys.readouterr().out)["path"]
    assert place.startswith("mem://bucket/prefix/2")
    names = ["diagnosis.json", "evidence.json", "report.html", "summary.md"]
    assert sorted(bucket.written) == [f"{place}/{name}" for name in names]
    assert list(bucket.written)[-1] == f"{place}/report.html"


def test_what_cannot_be_written_stays_here(registered, tmp_path):
    registered(Bucket(full=True))
    folder = tmp_path / "aside" / "name"
    folder.mkdir(parents=True)
    (folder / "evidence.json").write_text("{}")
    with pytest.raises(BadInput) as raised:
        elsewhere.put_away(folder, "mem://bucket")
    assert str(raised.value) == (
        r"Cannot write mem://bucket/name/evidence.json (PermissionError: Access\x1b[31m Denied); "
        f"the report is in {folder}."
    )
    assert folder.is_dir()


@pytest.mark.parametrize("address", ["ftp://host/x", "https://host/x", "https://github.com/o/r", "://"])
def test_an_address_that_cannot_be_written_to_is_refused_before_anything_is_done(address, capsys):
    assert entry(["report", "--origin", "shop.example", "--output", address]) == 2
    assert "papermill cannot write a folder" in capsys.readouterr().err


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setattr(iorw, "S3", missing_dependency_generator("boto3", "s3"))
    with pytest.raises(BadInput, match=r"pip install \"papermill\[s3\]\""):
        elsewhere.check("s3://bucket/prefix")


def test_a_folder_is_a_folder():
    assert not elsewhere.is_elsewhere("incident")
    assert not elsewhere.is_elsewhere(Path("s3:/bucket"))
