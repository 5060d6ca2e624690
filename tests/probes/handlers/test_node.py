"""Lambda@Edge handlers in JavaScript give here what they give in AWS's runtime for Node.js."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cfrunbook.probes.handlers import HandlerLimits, HandlerOutcome, Phase, ReturnKind

pytestmark = pytest.mark.needs("node")

VALUE, UNDEFINED, NULL = ReturnKind.VALUE, ReturnKind.UNDEFINED, ReturnKind.NULL


@pytest.mark.parametrize(
    ("file", "code", "kind", "result"),
    [
        ("index.js", "exports.handler = async (event) => event.Records[0].cf.request.uri;", VALUE, "/a"),
        ("index.cjs", "module.exports.handler = async () => ({ status: '200' });", VALUE, {"status": "200"}),
        ("index.mjs", "export const handler = async () => ({ status: '200' });", VALUE, {"status": "200"}),
        ("index.mjs", "await 1; export async function handler() { return 1; }", VALUE, 1),
        ("index.js", "exports.handler = (event, context, callback) => callback(null, 1);", VALUE, 1),
        ("index.js", "exports.handler = (e, c, callback) => { setTimeout(() => callback(null, 1), 5); };", VALUE, 1),
        ("index.js", "exports.handler = (e, c, callback) => { callback(null, 1); return 2; };", VALUE, 1),
        ("index.js", "exports.handler = (e, c, callback) => { callback(); };", UNDEFINED, None),
        ("index.js", "exports.handler = (e, c) => c.succeed(1);", VALUE, 1),
        ("index.js", "exports.handler = (e, c) => c.done(null, 1);", VALUE, 1),
        ("index.js", "exports.handler = () => new Promise((resolve) => setTimeout(resolve, 5, 1));", VALUE, 1),
        ("index.js", "exports.handler = () => ({ then(resolve) { resolve(1); } });", VALUE, 1),
        ("index.js", "exports.handler = async () => null;", NULL, None),
        ("index.js", "exports.handler = async () => {};", UNDEFINED, None),
        # An async handler's own return counts, and not the callback that it calls too.
        ("index.js", "exports.handler = async (e, c, callback) => { callback(null, 1); };", UNDEFINED, None),
        ("index.js", "exports.handler = (event) => event.Records[0].cf.request;", ReturnKind.NOT_AWAITED, None),
        ("index.js", "exports.handler = () => {};", ReturnKind.NO_CALLBACK, None),
        ("index.js", "exports.handler = () => new Promise(() => {});", ReturnKind.NEVER_SETTLED, None),
        ("index.js", "console.log('loading'); exports.handler = async () => { console.error('running'); return 1; };", VALUE, 1),
    ],
)  # fmt: skip
def test_a_result_is_what_lambda_makes_of_it(run: Any, file: str, code: str, kind: ReturnKind, result: object) -> None:
    done = run(file, code)
    assert (done.outcome, done.returned) == (HandlerOutcome.RETURNED, kind), done
    assert json.loads(done.result) == result
    assert done.result_bytes == len(done.result)
    assert done.runtime == "node"


def test_the_json_is_kept_as_it_was_made(run: Any) -> None:
    done = run("index.js", "exports.handler = async () => ({ b: '\\u00e9\\ud800', a: 1.0, n: NaN });")
    assert done.result == b'{"b":"\xc3\xa9\\ud800","a":1,"n":null}'


def test_what_json_does_not_show_is_named_with_its_place(run: Any) -> None:
    code = """
    exports.handler = async () => ({
      status: Promise.resolve('200'), body: undefined, f() {}, n: [1, Infinity],
      headers: { 'x-foo': [{ value: new Map() }, { value: Buffer.from('a') }] },
    });
    """
    done = run("index.js", code)
    assert done.outcome is HandlerOutcome.RETURNED
    assert [(lost.path, lost.what) for lost in done.lost] == [
        ("status", "promise"),
        ("body", "undefined"),
        ("f", "function"),
        ("n[1]", "Infinity"),
        ('headers["x-foo"][0].value', "Map"),
        ('headers["x-foo"][1].value', "Buffer"),
    ]


def test_a_function_has_no_json_at_all(run: Any) -> None:
    done = run("index.js", "exports.handler = async () => () => 1;")
    assert (done.outcome, done.returned, done.result) == (HandlerOutcome.RETURNED, ReturnKind.NO_JSON, b"")


@pytest.mark.parametrize(
    ("code", "type_", "message", "phase"),
    [
        ("exports.handler = async () => { throw new RangeError('no'); };", "RangeError", "no", Phase.RUN),
        ("exports.handler = () => { throw new Error('no'); };", "Error", "no", Phase.RUN),
        ("exports.handler = (e, c, callback) => callback(new Error('no'));", "Error", "no", Phase.RUN),
        ("exports.handler = (e, c, callback) => callback('no');", "string", "no", Phase.RUN),
        ("exports.handler = (e, c) => c.fail(new Error('no'));", "Error", "no", Phase.RUN),
        ("exports.handler = () => { setTimeout(() => { throw new Error('later'); }); };", "Error", "later", Phase.RUN),
        ("exports.handler = (e, c, cb) => { Promise.reject(new Error('no')); };", "Runtime.UnhandledPromiseRejection", "no", Phase.RUN),
        ("exports.handler = async () => { throw null; };", "object", "null", Phase.RUN),
        ("exports.handler = async () => { throw new Proxy({}, { get() { throw 1; } }); };", "object", "", Phase.RUN),
        ("exports.handler = async () => process.exit(3);", "Runtime.ExitError", "status 3", Phase.RUN),
        ("exports.handler = async () => process.reallyExit(4);", "Runtime.ExitError", "status 4", Phase.RUN),
        ("exports.handler = async () => { const a = {}; a.a = a; return a; };", "TypeError", "circular", Phase.RESULT),
        ("exports.handler = async () => ({ n: 1n });", "TypeError", "BigInt", Phase.RESULT),
        ("exports.handler = async () => ({ get a() { throw new Error('no'); } });", "Error", "no", Phase.RESULT),
        ("const f = () => f(); exports.handler = async () => f();", "RangeError", "call stack", Phase.RUN),
        ("exports.handler = async () => { let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return a; };", "RangeError", "call stack", Phase.RESULT),
        ("throw new Error('while loading');", "Error", "while loading", Phase.LOAD),
    ],
)  # fmt: skip
def test_what_is_thrown_is_an_execution_error(run: Any, code: str, type_: str, message: str, phase: Phase) -> None:
    done = run("index.js", code)
    assert done.outcome is HandlerOutcome.THREW, done
    assert done.error.type == type_
    assert message in done.error.message
    if not type_.startswith("Runtime.Exit"):
        assert done.error.phase is phase


def test_printing_does_not_disturb_the_result(run: Any) -> None:
    code = """
    exports.handler = async () => {
      console.log('{"end":"returned"}'); process.stdout.write('no newline'); console.error('\\u001b[31m');
      return 1;
    };
    """
    done = run("index.js", code)
    assert done.result == b"1"
    assert done.console == '{"end":"returned"}\nno newline\x1b[31m\n'


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("exports.handler = async () => { for (;;); };", HandlerOutcome.TIMED_OUT),
        ("for (;;);", HandlerOutcome.TIMED_OUT),
        ("exports.handler = () => { setInterval(() => {}, 1000); };", HandlerOutcome.TIMED_OUT),
        # A callback's result waits until nothing is left to do, unless the handler says otherwise.
        ("exports.handler = (e, c, cb) => { setInterval(() => {}, 1000); cb(null, 1); };", HandlerOutcome.TIMED_OUT),
        (
            "exports.handler = (e, c, cb) => { c.callbackWaitsForEmptyEventLoop = false; setInterval(() => {}, 9); cb(null, 1); };",
            HandlerOutcome.RETURNED,
        ),
        ("exports.handler = async () => { setInterval(() => {}, 1000); return 1; };", HandlerOutcome.RETURNED),
    ],
)
def test_a_handler_that_does_not_end_is_ended(run: Any, code: str, outcome: HandlerOutcome) -> None:
    assert run("index.js", code, limits=HandlerLimits(seconds=0.5)).outcome is outcome


def test_the_context_is_that_of_lambda(run: Any) -> None:
    code = """
    exports.handler = async (event, context) => ({
      ...context, left: context.getRemainingTimeInMillis(), here: process.cwd() === __dirname,
      root: process.env.LAMBDA_TASK_ROOT === __dirname, name: process.env._HANDLER,
    });
    """
    told = json.loads(run("index.js", code).result)
    assert told["functionName"] == "us-east-1.package"
    assert told["invokedFunctionArn"] == "arn:aws:lambda:us-east-1:123456789012:function:package:1"
    assert (told["functionVersion"], told["memoryLimitInMB"]) == ("1", "128")
    assert told["logGroupName"] == "/aws/lambda/us-east-1.package"
    assert len(told["awsRequestId"]) == 36
    assert 0 < told["left"] <= 30_000
    assert (told["here"], told["root"], told["name"]) == (True, True, "index.handler")


@pytest.mark.parametrize(
    ("path", "name", "files"),
    [
        (".", None, {"index.js": "exports.handler = async () => 1;"}),
        (".", "index.main", {"index.mjs": "export const main = async () => 1;"}),
        (".", "src/app.edge.main", {"src/app.js": "exports.edge = { main: async () => 1 };"}),
        ("src/app.js", "src/app.main", {"src/app.js": "exports.main = async () => require('../other');", "other.js": "module.exports = 1;"}),
        ("index.js", None, {"index.js": "export const handler = async () => 1;", "package.json": '{"type": "module"}'}),
        ("index.js", None, {"index.js": "exports.handler = async () => require('dep');", "node_modules/dep/index.js": "module.exports = 1;"}),
        ("index.js", None, {"index.js": "exports.handler = async () => +require('fs').readFileSync('one.txt');", "one.txt": "1"}),
    ],
)  # fmt: skip
def test_a_package_is_found_and_may_read_what_is_its_own(
    run: Any, path: str, name: str | None, files: dict[str, str]
) -> None:
    done = run("unused.txt", "", files=files, path=path, name=name)
    assert done.result == b"1", done


def test_modules_above_the_handler_are_found(run: Any) -> None:
    files = {"node_modules/dep/index.js": "module.exports = 1;"}
    assert run("dist/index.js", "exports.handler = async () => require('dep');", files=files).result == b"1"


def test_the_size_of_the_code_is_told(run: Any) -> None:
    code = "exports.handler = async () => 1; //" + "x" * 20_000
    assert run("index.js", code).code_bytes == len(code)
