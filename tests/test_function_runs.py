"""A run of a handler as a recording keeps it: how it ended, bounded and without secrets."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cfrunbook import function_runs
from cfrunbook.evidence import FunctionFacts, FunctionOutcome, FunctionRun
from cfrunbook.functions import inputs
from cfrunbook.functions.cloudfront_function.calls import OriginCall
from cfrunbook.functions.recording import calls_of
from cfrunbook.probes import handlers
from cfrunbook.probes.handlers import (
    Attempt,
    Containment,
    Guard,
    Guarded,
    HandlerError,
    HandlerLimits,
    HandlerOutcome,
    HandlerRun,
    HelperCall,
    Lost,
    ReturnKind,
    Wanted,
    WhyNot,
)

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"


def recorded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, seen: HandlerRun, code: str = "x = 1\n") -> FunctionRun:
    """Return what is recorded of `seen`, as if the handler had been run."""

    async def run_handler(
        path: Path, *, kind: str, event: Any, limits: HandlerLimits, store: Path | None
    ) -> HandlerRun:
        assert (path.name, kind, store, limits.seconds) == ("handler.js", seen.kind, None, 7)
        return seen

    monkeypatch.setattr(handlers, "run_handler", run_handler)
    file = tmp_path / "handler.js"
    file.write_text(code)
    handler = inputs.handler(file, kind=seen.kind, event_type="viewer-request")
    return asyncio.run(function_runs.run(handler, deadline=7))


def seen(outcome: HandlerOutcome = HandlerOutcome.RETURNED, **more: Any) -> HandlerRun:
    return HandlerRun(**{"kind": "lambda-edge", "outcome": outcome, **more})


def test_every_outcome_of_the_harness_has_its_place_in_a_recording():
    assert [o.value for o in HandlerOutcome] == [o.value for o in FunctionOutcome]


@pytest.mark.parametrize("reason", WhyNot)
def test_why_it_could_not_run_is_a_clause_and_what_to_do_a_sentence(monkeypatch, tmp_path, reason):
    run = recorded(
        monkeypatch, tmp_path, seen(HandlerOutcome.COULD_NOT_RUN, reason=reason, why="a.b.js is wrong: mend it.")
    )
    assert run.outcome is FunctionOutcome.COULD_NOT_RUN
    assert run.error
    assert "." not in run.error
    assert run.advice == "a.b.js is wrong: mend it."
    assert run.result is None


@pytest.mark.parametrize("outcome", [o for o in HandlerOutcome if o is not HandlerOutcome.RETURNED])
def test_only_what_returned_has_a_result(monkeypatch, tmp_path, outcome):
    assert recorded(monkeypatch, tmp_path, seen(outcome, result=b'{"status":"200"}')).result is None


@pytest.mark.parametrize(
    ("result", "returned", "value", "flaw"),
    [
        (b'{"status": "200"}', ReturnKind.VALUE, {"status": "200"}, None),
        (b"null", ReturnKind.NOT_AWAITED, None, None),
        (b"", ReturnKind.NO_JSON, None, "empty"),
        (b'{"status": NaN}', ReturnKind.VALUE, ..., "not_finite"),
    ],
    ids=["a value", "null", "no JSON", "NaN"],
)
def test_a_result_is_recorded_as_the_runtime_made_it(monkeypatch, tmp_path, result, returned, value, flaw):
    run = recorded(monkeypatch, tmp_path, seen(result=result, returned=returned))
    assert run.result is not None
    assert value is ... or run.result.value == value
    assert [f.kind for f in run.result.flaws] == ([flaw] if flaw else [])
    assert run.returned == returned


def test_what_was_printed_and_thrown_is_cut_and_without_secrets(monkeypatch, tmp_path):
    console = f"Authorization: Bearer {TOKEN}\n\x1b[2J\u202e\n" + "x" * 5000 + "\n" + "line\n" * 500
    error = HandlerError(type="Error", message=f"bad token Bearer {TOKEN}\nand more")
    run = recorded(monkeypatch, tmp_path, seen(HandlerOutcome.THREW, console=console, error=error))
    assert TOKEN not in msgspec.json.encode(run).decode()
    assert "\x1b" not in run.output
    assert "\u202e" not in run.output
    lines = run.output.split("\n")
    assert len(lines) == function_runs.MAX_OUTPUT_LINES
    assert max(map(len, lines)) == function_runs.MAX_LINE
    assert run.error.startswith("Error: bad token")
    assert "\n" not in run.error


def test_what_it_was_held_to_and_what_it_tried_is_kept(monkeypatch, tmp_path):
    run = recorded(
        monkeypatch,
        tmp_path,
        seen(
            result=b"{}",
            runtime="node",
            runtime_version="20.11.1",
            elapsed_ms=12.5,
            containment=(Containment(what=Guarded.NETWORK, by=Guard.KERNEL),),
            attempts=(Attempt(what=Wanted.NETWORK, on=f"https://api.example/?token={TOKEN}"),),
            lost=(Lost(path='headers["x\u202e"]', what="promise"),),
        ),
    )
    assert run.runtime == "node 20.11.1"
    assert run.contained == (("network", "kernel"),)
    assert run.attempts[0][0] == "network"
    assert TOKEN not in run.attempts[0][1]
    assert run.lost == (('headers["x\\u202e"]', "promise"),)
    assert run.elapsed_ms == 12.5
    assert run.limits.seconds == 7


@pytest.mark.parametrize(
    ("kind", "facts"),
    [
        ("lambda-edge", FunctionFacts()),
        ("cloudfront-function", FunctionFacts(threw="TypeError: x", code="var a;", code_bytes=6, runtime="cloudfront-js-2.0")),
    ],
)  # fmt: skip
def test_what_the_rules_about_cloudfront_functions_look_at_is_kept(monkeypatch, tmp_path, kind, facts):
    threw = seen(HandlerOutcome.THREW, kind=kind, error=HandlerError(type="TypeError", message="x"), code_bytes=6)
    assert recorded(monkeypatch, tmp_path, threw, "var a;").facts == facts


def test_calls_of_origin_helpers_are_kept(monkeypatch, tmp_path):
    calls = (
        HelperCall(name="updateRequestOrigin", arguments='[{"domainName": "a.example"}]'),
        HelperCall(name="selectRequestOriginById", arguments="null"),
    )
    run = recorded(monkeypatch, tmp_path, seen(kind="cloudfront-function", result=b"{}", calls=calls))
    assert calls_of(run.facts) == (
        OriginCall("updateRequestOrigin", ({"domainName": "a.example"},)),
        OriginCall("selectRequestOriginById", None),
    )


def test_a_recording_of_a_run_is_read_again(monkeypatch, tmp_path):
    run = recorded(monkeypatch, tmp_path, seen(result=b'{"status":"200","n":NaN}', console="x\n" * 1000))
    assert msgspec.json.decode(msgspec.json.encode(run), type=FunctionRun).handler == run.handler


@pytest.mark.parametrize(
    ("code", "outcome", "returned"),
    [
        ("def lambda_handler(event, context):\n    return event['Records'][0]['cf']['request']\n", "returned", "value"),
        ("def lambda_handler(event, context):\n    pass\n", "returned", "null"),
        ("def lambda_handler(event, context):\n    raise ValueError('no')\n", "threw", ""),
        ("import nothing_like_it\n", "could_not_run", ""),
    ],
    ids=["returns", "returns nothing", "throws", "misses a module"],
)
def test_a_handler_is_really_run(tmp_path, code, outcome, returned):
    file = tmp_path / "lambda_function.py"
    file.write_text(code)
    handler = inputs.handler(file, event_type="origin-request", url=None)
    run, as_it_is = asyncio.run(function_runs.run_both(handler, deadline=30))
    assert (run.outcome, run.returned) == (outcome, returned)
    assert msgspec.structs.replace(run, result=as_it_is.result, event=as_it_is.event) == as_it_is
    if returned == "value":
        assert as_it_is.result is not None
        assert as_it_is.result.value == handler.event.value["Records"][0]["cf"]["request"]


@pytest.mark.needs("node")
def test_a_key_value_store_is_there_for_a_cloudfront_function(tmp_path):
    file, store = tmp_path / "f.js", tmp_path / "kv.json"
    file.write_text(
        "import cf from 'cloudfront';\nasync function handler(event) {"
        " event.request.uri = await cf.kvs().get('home'); return event.request; }\n"
    )
    store.write_text('{"home": "/start.html"}')

    def run(given: Path | None) -> FunctionRun:
        handler = inputs.handler(file, kind="cloudfront-function", event_type="viewer-request", key_value_store=given)
        return asyncio.run(function_runs.run(handler, deadline=30))

    without, with_store = run(None), run(store)
    assert without.outcome is FunctionOutcome.COULD_NOT_RUN
    assert "--key-value-store" in without.advice
    assert with_store.result is not None
    assert with_store.result.value["uri"] == "/start.html"
    assert with_store.key_value_store == str(store)
