"""A report written where papermill's handlers write to: a bucket, and any handler as an extra registers it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import nbformat
import pytest
from papermill import iorw
from papermill.exceptions import missing_dependency_generator

from cfrunbook import lab
from cfrunbook.cli import entry
from cfrunbook.errors import BadInput
from cfrunbook.report import elsewhere, notebooks_folder
from cfrunbook.runbook import GUIDES

RECORDING = Path(__file__).parent.parent / "data" / "port-refused.evidence.json"


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


@pytest.mark.parametrize("full", [False, True], ids=["written", "refused"])
def test_a_signature_goes_behind_every_address_and_is_shown_to_nobody(registered, tmp_path, full):
    class Signed(Bucket):
        def write(self, text: str, address: str) -> None:
            if full:
                raise PermissionError(f"Denied: {address}")
            super().write(text, address)

    store = registered(Signed())
    folder = tmp_path / "aside" / "name"
    folder.mkdir(parents=True)
    (folder / "evidence.json").write_text("{}")
    if full:
        with pytest.raises(BadInput, match=r"Cannot write mem://store/x/name/evidence\.json \(.*redacted") as raised:
            elsewhere.put_away(folder, "mem://store/x?sv=2025&sig=abc%2B")
        assert "sig=" not in str(raised.value)
    else:
        assert elsewhere.put_away(folder, "mem://store/x?sv=2025&sig=abc%2B") == "mem://store/x/name"
        assert list(store.written) == ["mem://store/x/name/evidence.json?sv=2025&sig=abc%2B"]


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


# --- a bucket -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bucket() -> Iterator[tuple[Any, dict[str, str]]]:
    """An S3 on loopback with the bucket `incidents`, and the environment in which boto3 finds it."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        found = {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
        away = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CFRUNBOOK_"))}
        client = boto3.client(
            "s3",
            endpoint_url=url,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            region_name="us-east-1",
        )
        client.create_bucket(Bucket="incidents")
        yield client, {**away, **found, "AWS_DEFAULT_REGION": "us-east-1"}
    finally:
        server.stop()


def run(environment: dict[str, str], *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        env={**environment, "TMPDIR": str(cwd)},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def read(client: Any, key: str) -> str:
    return str(client.get_object(Bucket="incidents", Key=key)["Body"].read().decode())


def test_a_report_is_written_to_a_bucket(bucket, tmp_path):
    client, environment = bucket
    command = ("cfrunbook", "report", "--evidence", str(RECORDING), "--redacted", "--json")
    done = run(environment, *command, "--output", "s3://incidents/shop", "--notify-file", "alert.json", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    place = json.loads(done.stdout)["path"]
    assert place.startswith("s3://incidents/shop/2")
    prefix = place.removeprefix("s3://incidents/")
    keys = {o["Key"].removeprefix(f"{prefix}/") for o in client.list_objects_v2(Bucket="incidents")["Contents"]}
    assert {"report.html", "summary.md", "evidence.json", "redacted/report.html", "redaction-key.json"} <= keys
    assert {f"notebooks/{name}.ipynb" for name in GUIDES} <= keys
    assert "port.refused" in read(client, f"{prefix}/report.html")
    assert json.loads((tmp_path / "alert.json").read_text())["report"] == place
    assert [p.name for p in tmp_path.iterdir() if not p.name.startswith("_jinja2")] == ["alert.json"]


@pytest.mark.needs("chromium")
def test_a_pdf_is_written_to_a_bucket_as_it_is(bucket, tmp_path):
    client, environment = bucket
    command = ("cfrunbook", "report", "--evidence", str(RECORDING), "--format", "pdf", "--json")
    done = run(environment, *command, "--output", "s3://incidents/printed", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)
    assert told["notes"] == []
    prefix = told["path"].removeprefix("s3://incidents/")
    found = client.list_objects_v2(Bucket="incidents", Prefix=prefix)["Contents"]
    assert {o["Key"].removeprefix(f"{prefix}/") for o in found} >= {"report.pdf", "evidence.json"}
    printed = client.get_object(Bucket="incidents", Key=f"{prefix}/report.pdf")["Body"].read()
    assert printed.startswith(b"%PDF-")
    assert printed.rstrip().endswith(b"%%EOF")


@pytest.mark.parametrize("scheme", ["abs", "adl", "gs", "hdfs"])
def test_a_pdf_goes_to_other_clouds_by_the_client_of_papermills_handler(scheme, monkeypatch):
    """None of their libraries is needed here: what is called is the client that the handler has."""
    handler = iorw.papermill_io.get_handler(f"{scheme}://x/y")
    client = MagicMock(_split_url=lambda _: ("store", "path"))
    monkeypatch.setattr(handler, "_client", client)
    monkeypatch.setattr(
        iorw, {"abs": "AzureBlobStore", "adl": "ADL", "gs": "GCSFileSystem"}.get(scheme, "HadoopFileSystem"), object
    )
    elsewhere.check_bytes(f"{scheme}://x/y")(handler, b"%PDF-\xff", f"{scheme}://x/y/report.pdf")
    given = [argument for call in client.mock_calls for argument in call.args]
    assert b"%PDF-\xff" in given


def test_a_handler_that_takes_text_alone_is_refused_a_pdf_before_anything_is_done(registered, capsys):
    registered(Bucket())
    assert entry(["report", "--origin", "shop.example", "--output", "mem://x", "--format", "pdf"]) == 2
    assert "--format: what writes to mem:// takes text alone; leave pdf out" in capsys.readouterr().err


def test_a_bucket_that_is_not_there_costs_nothing_but_the_place(bucket, tmp_path):
    command = ("cfrunbook", "report", "--evidence", str(RECORDING), "--notify-file", "alert.json")
    done = run(bucket[1], *command, "--output", "s3://absent/shop", cwd=tmp_path)
    assert done.returncode == 2
    said = done.stderr.splitlines()[-1]
    assert said.startswith("cfrunbook: Cannot write s3://absent/shop/")
    assert "NoSuchBucket" in said
    kept = Path(said.rpartition("the report is in ")[2].rstrip("."))
    assert (kept / "report.html").is_file()
    assert json.loads((tmp_path / "alert.json").read_text())["problems"] == [said.removeprefix("cfrunbook: ")]


def test_papermill_reads_a_runbook_from_a_bucket_and_writes_it_there(bucket, tmp_path):
    client, environment = bucket
    (tmp_path / "evidence.json").write_bytes(RECORDING.read_bytes())
    client.put_object(Bucket="incidents", Key="04.ipynb", Body=(notebooks_folder() / "04_port.ipynb").read_bytes())
    places = ("s3://incidents/04.ipynb", "s3://incidents/done/04.ipynb")
    command = ("papermill", *places, "--engine", "cfrunbook", "-p", "evidence", "evidence.json", "--no-progress-bar")
    done = run(environment, *command, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    notebook = nbformat.reads(read(client, "done/04.ipynb"), as_version=4)
    assert "port.refused" in json.dumps(notebook)
    assert notebook.metadata.papermill.output_path == places[1]
