"""Where there is no Node.js, QuickJS runs what needs nothing of it, with the same results."""

from __future__ import annotations

import json
from importlib.util import find_spec
from typing import Any

import pytest

from cfrunbook.probes.handlers import HandlerLimits, HandlerOutcome, Phase, ReturnKind, WhyNot
from tests.conftest import REQUIRE_ALL

pytestmark = pytest.mark.skipif(not find_spec("quickjs") and not REQUIRE_ALL, reason="needs the extra quickjs")


@pytest.fixture(autouse=True)
def _no_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cfrunbook.probes.handlers.runtimes.node", lambda: None)


@pytest.mark.parametrize(
    ("code", "kind", "result"),
    [
        ("exports.handler = async (event) => event.Records[0].cf.request.uri;", ReturnKind.VALUE, "/a"),
        ("module.exports = { handler: (e, c, callback) => callback(null, 1) };", ReturnKind.VALUE, 1),
        ("export const handler = async () => 1;", ReturnKind.VALUE, 1),
        ("export async function handler() { return await Promise.resolve(1); }", ReturnKind.VALUE, 1),
        ("exports.handler = async () => {};", ReturnKind.UNDEFINED, None),
        ("exports.handler = () => ({});", ReturnKind.NOT_AWAITED, None),
        ("exports.handler = () => {};", ReturnKind.NO_CALLBACK, None),
        ("exports.handler = () => new Promise(() => {});", ReturnKind.NEVER_SETTLED, None),
        ("exports.handler = async () => require('querystring').parse('a=1').a;", ReturnKind.VALUE, "1"),
        ("exports.handler = async (e, context) => context.functionName;", ReturnKind.VALUE, "us-east-1.package"),
    ],
)
def test_a_result_is_what_lambda_makes_of_it(run: Any, code: str, kind: ReturnKind, result: object) -> None:
    done = run("index.js", code)
    assert (done.outcome, done.returned, done.runtime) == (HandlerOutcome.RETURNED, kind, "quickjs"), done
    assert json.loads(done.result) == result


@pytest.mark.parametrize(
    ("code", "type_", "phase"),
    [
        ("exports.handler = async () => { throw new TypeError('no'); };", "TypeError", Phase.RUN),
        ("exports.handler = (e, c, callback) => callback(new Error('no'));", "Error", Phase.RUN),
        ("exports.handler = async () => process.exit(1);", "Runtime.ExitError", Phase.RUN),
        ("exports.handler = async () => ({ n: 1n });", "TypeError", Phase.RESULT),
        ("throw new Error('no');", "Error", Phase.LOAD),
    ],
)
def test_what_is_thrown_is_an_execution_error(run: Any, code: str, type_: str, phase: Phase) -> None:
    done = run("index.js", code)
    assert done.outcome is HandlerOutcome.THREW, done
    assert (done.error.type, done.error.phase) == (type_, phase)


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("const fs = require('fs');", "fs"),
        ("exports.handler = async () => Buffer.from('a');", "Buffer"),
        ("exports.handler = (e, c, cb) => { setTimeout(cb, 1); };", "setTimeout"),
        ("exports.handler = async () => fetch('https://www.example.com/');", "fetch"),
    ],
)
def test_what_needs_node_is_no_verdict(run: Any, code: str, what: str) -> None:
    done = run("index.js", code)
    assert (done.outcome, done.reason) == (HandlerOutcome.COULD_NOT_RUN, WhyNot.NOT_IMITATED), done
    assert what in done.why
    assert "Node.js" in done.why


@pytest.mark.parametrize("code", ["exports.handler = async () => {", "import dep from 'dep';"])
def test_what_is_no_script_is_no_verdict(run: Any, code: str) -> None:
    assert run("index.js", code).reason is WhyNot.SYNTAX


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ("for (;;);", HandlerOutcome.TIMED_OUT),
        ("const f = () => Promise.resolve().then(f); await f();", HandlerOutcome.TIMED_OUT),
        ("const a = []; for (;;) a.push(new Array(1e5).fill(1));", HandlerOutcome.RAN_OUT_OF_MEMORY),
        ("return 'x'.repeat(9e6);", HandlerOutcome.OUTPUT_TOO_LARGE),
    ],
)
def test_limits_hold(run: Any, body: str, outcome: HandlerOutcome) -> None:
    seconds = 0.5 if outcome is HandlerOutcome.TIMED_OUT else 60
    assert (
        run("index.js", f"exports.handler = async () => {{ {body} }};", limits=HandlerLimits(seconds=seconds)).outcome
        is outcome
    )
