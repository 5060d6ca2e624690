"""What a function's key value store holds goes along with a run, wherever a handler is run; a runbook takes a profile."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import cfrunbook as cf
from cfrunbook import cli
from cfrunbook.aws import inputs
from cfrunbook.runbook import open_runbook

CODE = """import cf from 'cloudfront';
async function handler(event) {
    event.request.uri = await cf.kvs('x').get('home');
    return event.request;
}
"""


@pytest.fixture
def function(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "handler.js").write_text(CODE)
    (tmp_path / "store.json").write_text(json.dumps({"home": "/from-the-store"}))
    return {
        "handler": str(tmp_path / "handler.js"),
        "function_kind": "cloudfront-function",
        "event_type": "viewer-request",
        "key_value_store": str(tmp_path / "store.json"),
    }


@pytest.mark.needs("node")
def test_diagnose_gives_the_store_to_the_run(function: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [word for name, value in function.items() for word in (f"--{name.replace('_', '-')}", value)]
    assert cli.entry(["diagnose", "--json", *arguments, "--run-handler"]) == 0
    shown = json.loads(capsys.readouterr().out)
    (said,) = (f for f in shown["findings"] if f["code"] == "edge_function.ok")
    assert f"--key-value-store {function['key_value_store']}" in said["reproduce"]


def test_a_runbook_takes_it_too_and_without_code_it_is_bad_input(function: dict[str, str]) -> None:
    runbook = open_runbook("06_edge_function", **function, run_handler=True)
    assert runbook.incident.handler is not None
    assert str(runbook.incident.handler.key_value_store) == function["key_value_store"]
    with pytest.raises(cf.BadInput, match="Key value store: it is for a run"):
        cf.Incident.load(origin="origin.example.com", key_value_store=function["key_value_store"])


def test_a_runbook_fetches_with_the_profile_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def fetched(*, profile: str = "", **given: object) -> dict[str, object]:
        asked.append(profile)
        return {"origin": "origin.example.com"}

    monkeypatch.setattr(inputs, "with_fetched", fetched)
    open_runbook("00_start_here", distribution="E2EXAMPLE51", aws_profile="shop")
    assert asked == ["shop"]
