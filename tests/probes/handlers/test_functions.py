"""CloudFront Functions: the world that their code meets, in both runtimes, and what is recorded of it.

Documented in https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-javascript-runtime-features.html.
Every case holds for Node.js and, where it needs no Buffer or crypto, for QuickJS.
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from cfrunbook.errors import BadInput
from cfrunbook.probes.handlers import HandlerLimits, HandlerOutcome, Phase, ReturnKind, Wanted, WhyNot
from tests.conftest import REQUIRE_ALL
from tests.probes.handlers.conftest import function_event

V1, V2 = "cloudfront-js-1.0", "cloudfront-js-2.0"
needs_node = pytest.mark.needs("node")
needs_quickjs = pytest.mark.skipif(not find_spec("quickjs") and not REQUIRE_ALL, reason="needs the extra quickjs")


@pytest.fixture(params=[pytest.param("node", marks=needs_node), pytest.param("quickjs", marks=needs_quickjs)])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Whatever runs JavaScript, one after the other."""
    if request.param == "quickjs":
        monkeypatch.setattr("cfrunbook.probes.handlers.runtimes.node", lambda: None)
    return str(request.param)


def function(body: str) -> str:
    return f"function handler(event) {{ {body} }}"


@pytest.mark.parametrize(
    ("code", "kind", "result"),
    [
        (function("return event.request.uri;"), ReturnKind.VALUE, "/a"),
        (function("return { statusCode: 302, headers: { location: { value: '/' } } };"), ReturnKind.VALUE, {"statusCode": 302, "headers": {"location": {"value": "/"}}}),
        ("async function handler(event) { return await Promise.resolve(1); }", ReturnKind.VALUE, 1),
        ("const handler = async (event) => 1;", ReturnKind.VALUE, 1),
        (function("event.request.uri = '/b';"), ReturnKind.UNDEFINED, None),
        (function("return null;"), ReturnKind.NULL, None),
        (function("return handler;"), ReturnKind.NO_JSON, ...),
        # Strict mode, always.
        (function("return (function () { return this === undefined; })();"), ReturnKind.VALUE, True),
        # The time stands still.
        (function("var a = Date.now(); for (var i = 0; i < 1e6; i++); return Date.now() - a + (new Date() - new Date(a));"), ReturnKind.VALUE, 0),
        (function("return [new Date(0).toISOString(), Date.UTC(2020, 0), typeof Date()];"), ReturnKind.VALUE, ["1970-01-01T00:00:00.000Z", 1577836800000, "string"]),
        (function("return ['process', 'fetch', 'setTimeout', 'Map', 'WebAssembly', 'module', 'global'].filter(function (n) { return n in globalThis; });"), ReturnKind.VALUE, []),
        ("import qs from 'querystring';\n" + function("return [qs.parse('a=1&a=2&b=%20'), qs.stringify({ a: [1, 'x y'], b: '' })];"), ReturnKind.VALUE, [{"a": ["1", "2"], "b": " "}, "a=1&a=x%20y&b="]),
        (function("return require('querystring').escape('a b');"), ReturnKind.VALUE, "a%20b"),
    ],
)  # fmt: skip
def test_what_a_function_returns(run: Any, engine: str, code: str, kind: ReturnKind, result: object) -> None:
    done = run("f.js", code, kind="cloudfront-function")
    assert (done.outcome, done.returned, done.runtime) == (HandlerOutcome.RETURNED, kind, engine), done
    if result is not ...:
        assert json.loads(done.result) == result
    assert any("ompute utilization was not measured" in sentence for sentence in done.not_imitated)


@pytest.mark.parametrize(
    ("code", "type_", "message", "phase"),
    [
        (function("throw new TypeError('no');"), "TypeError", "no", Phase.RUN),
        (function("throw 'no';"), "string", "no", Phase.RUN),
        ("async function handler() { throw new Error('no'); }", "Error", "no", Phase.RUN),
        ("async function handler() { await new Promise(() => {}); }", "Error", "never settled", Phase.RUN),
        (function("return eval('1');"), "EvalError", "", Phase.RUN),
        (function("return new Function('return 1')();"), "EvalError", "", Phase.RUN),
        (function("return (function () {}).constructor('return 1')();"), "EvalError", "", Phase.RUN),
        (function("setTimeout(function () {}, 1);"), "ReferenceError", "setTimeout", Phase.RUN),
        (function("return process.env;"), "ReferenceError", "process", Phase.RUN),
        (function("return fetch('https://www.example.com/');"), "ReferenceError", "fetch", Phase.RUN),
        (function("return require('fs');"), "Error", "fs", Phase.RUN),
        ("const fs = require('fs');", "Error", "fs", Phase.LOAD),
        (function("undeclared = 1;"), "ReferenceError", "undeclared", Phase.RUN),
        (function("return handler(event);"), ..., "stack", Phase.RUN),
        (function("var a = {}; a.a = a; return a;"), "TypeError", "circular", Phase.RESULT),
    ],
)  # fmt: skip
def test_what_it_throws_is_an_execution_error(
    run: Any, engine: str, code: str, type_: str, message: str, phase: Phase
) -> None:
    done = run("f.js", code, kind="cloudfront-function")
    assert done.outcome is HandlerOutcome.THREW, done
    assert type_ is ... or done.error.type == type_
    assert message in done.error.message
    assert done.error.phase is phase


def test_the_query_string_is_there_as_it_came(run: Any, engine: str) -> None:
    code = function("return [event.request.rawQueryString(), Object.keys(event.request).includes('rawQueryString')];")
    given = {"a": {"value": "2", "multiValue": [{"value": "1"}, {"value": "2"}]}, "b": {"value": ""}}
    done = run("f.js", code, kind="cloudfront-function", event=function_event(querystring=given))
    assert json.loads(done.result) == ["a=1&a=2&b=", False]


def test_only_log_prints(run: Any, engine: str) -> None:
    done = run(
        "f.js", function("console.log('a'); console.log({}); return typeof console.error;"), kind="cloudfront-function"
    )
    assert (done.console, done.result) == ("a\n[object Object]\n", b'"undefined"')


class TestCloudFrontModule:
    @pytest.fixture
    def store(self, tmp_path: Path) -> Path:
        path = tmp_path / "store.json"
        path.write_text(json.dumps({"data": [{"key": "a", "value": "1"}, {"key": "json", "value": '{"b": 2}'}]}))
        return path

    @staticmethod
    def asking(body: str) -> str:
        return f"import cf from 'cloudfront';\nconst store = cf.kvs();\nasync function handler(event) {{ {body} }}"

    @pytest.mark.parametrize(
        ("body", "result"),
        [
            ("return await store.get('a');", "1"),
            ("return await store.get('json', { format: 'json' });", {"b": 2}),
            ("return [await store.exists('a'), await store.exists('toString')];", [True, False]),
            ("return (await store.meta()).keyCount;", 2),
            ("try { await store.get('c'); } catch (error) { return 'none'; }", "none"),
        ],
    )
    def test_a_key_value_store_is_asked(self, run: Any, engine: str, store: Path, body: str, result: object) -> None:
        done = run("f.js", self.asking(body), kind="cloudfront-function", store=store)
        assert json.loads(done.result) == result, done

    def test_a_missing_key_is_an_execution_error(self, run: Any, engine: str, store: Path) -> None:
        done = run("f.js", self.asking("return await store.get('c');"), kind="cloudfront-function", store=store)
        assert done.outcome is HandlerOutcome.THREW
        assert "c" in done.error.message

    def test_no_store_is_no_verdict(self, run: Any, engine: str) -> None:
        done = run("f.js", self.asking("return 1;"), kind="cloudfront-function")
        assert (done.outcome, done.reason) == (HandlerOutcome.COULD_NOT_RUN, WhyNot.KEY_VALUE_STORE)
        assert "JSON file" in done.why

    @pytest.mark.parametrize("content", ["nonsense", "[1]", '"x"', "[" * 100_000])
    def test_a_store_that_is_none(self, run: Any, tmp_path: Path, content: str) -> None:
        path = tmp_path / "store.json"
        path.write_text(content)
        with pytest.raises(BadInput, match="key value store"):
            run("f.js", function("return 1;"), kind="cloudfront-function", store=path)

    def test_origin_helpers_are_recorded_in_their_order(self, run: Any, engine: str) -> None:
        code = """
        import cf from 'cloudfront';
        function handler(event) {
          cf.updateRequestOrigin({ domainName: 'a.example', customHeaders: { x: '1' }, timeouts: undefined });
          cf.selectRequestOriginById('b', { hostHeader: 'b.example' });
          cf.createRequestOriginGroup({ originIds: [{ originId: 'a' }, { originId: 'b' }] });
          cf.updateRequestOrigin();
          return event.request;
        }
        """
        done = run("f.js", code, kind="cloudfront-function")
        assert [(call.name, json.loads(call.arguments)) for call in done.calls] == [
            ("updateRequestOrigin", [{"domainName": "a.example", "customHeaders": {"x": "1"}}]),
            ("selectRequestOriginById", ["b", {"hostHeader": "b.example"}]),
            ("createRequestOriginGroup", [{"originIds": [{"originId": "a"}, {"originId": "b"}]}]),
            ("updateRequestOrigin", []),
        ]

    def test_recorded_calls_are_bounded(self, run: Any, engine: str) -> None:
        code = """
        import cf from 'cloudfront';
        function handler(event) {
          const loop = {}; loop.loop = loop;
          cf.updateRequestOrigin('x'.repeat(1e6)); cf.updateRequestOrigin(loop);
          for (let i = 0; i < 1000; i++) cf.updateRequestOrigin(1);
          return 1;
        }
        """
        done = run("f.js", code, kind="cloudfront-function")
        assert [call.arguments for call in done.calls] == ["null", "null", *["[1]"] * 18], done

    def test_a_helper_that_is_not_imitated_is_no_verdict(self, run: Any, engine: str) -> None:
        code = "import cf from 'cloudfront';\n" + function("return cf.cwt.validateToken('x');")
        done = run("f.js", code, kind="cloudfront-function")
        assert (done.outcome, done.reason) == (HandlerOutcome.COULD_NOT_RUN, WhyNot.NOT_IMITATED)
        assert "cf.cwt" in done.why
        assert done.attempts[0].what is Wanted.HELPER

    @pytest.mark.parametrize(("event_type", "result"), [("viewer-request", "us-west-2"), ("viewer-response", None)])
    def test_the_edge_location_is_that_of_requests(
        self, run: Any, engine: str, event_type: str, result: object
    ) -> None:
        event = function_event()
        event["context"]["eventType"] = event_type
        code = "import cf from 'cloudfront';\n" + function("return cf.edgeLocation ? cf.edgeLocation.region : null;")
        assert json.loads(run("f.js", code, kind="cloudfront-function", event=event).result) == result

    def test_runtime_1_has_no_such_module(self, run: Any, engine: str) -> None:
        done = run(
            "f.js", "import cf from 'cloudfront';\n" + function("return 1;"), kind="cloudfront-function", runtime=V1
        )
        assert (done.outcome, done.error.phase) == (HandlerOutcome.THREW, Phase.LOAD)


@needs_node
class TestBytes:
    @pytest.mark.parametrize(
        ("body", "result"),
        [
            ("return require('crypto').createHash('sha256').update('a').digest('hex').slice(0, 8);", "ca978112"),
            (
                "return require('crypto').createHmac('sha1', 'k').update('a').update('b').digest('base64url');",
                "ix7Xzz4IVJqOJi1Z99KqNkqFd_c",
            ),
            ("return require('crypto').createHash('md5').update('a').digest().length;", 16),
            ("return Buffer.from('YQ==', 'base64').toString() + require('buffer').Buffer.from('b');", "ab"),
            ("return atob('YQ==') + btoa('a') + new TextDecoder().decode(new TextEncoder().encode('é'));", "aYQ==é"),
            ("return typeof String.bytesFrom;", "undefined"),
        ],
    )
    def test_runtime_2(self, run: Any, body: str, result: object) -> None:
        done = run("f.js", function(body), kind="cloudfront-function")
        assert json.loads(done.result) == result, done

    @pytest.mark.parametrize(
        ("body", "result"),
        [
            ("return require('crypto').createHash('md5').update('a').digest().length;", 16),
            ("return String.bytesFrom('YQ==', 'base64') + String.bytesFrom([98]) + String.bytesFrom('63', 'hex');", "abc"),
            ("return ['é'.toUTF8().length, 'é'.toUTF8().fromUTF8(), 'a€'.toBytes(), 'abc'.toBytes(1, 2), '\\xff'.fromUTF8()];", [2, "é", None, "b", None]),
            ("return typeof Buffer + typeof atob;", "undefinedundefined"),
        ],
    )  # fmt: skip
    def test_runtime_1(self, run: Any, body: str, result: object) -> None:
        assert json.loads(run("f.js", function(body), kind="cloudfront-function", runtime=V1).result) == result

    def test_other_hashes_are_not_there(self, run: Any) -> None:
        done = run("f.js", function("return require('crypto').createHash('sha512');"), kind="cloudfront-function")
        assert (done.outcome, done.error.type) == (HandlerOutcome.THREW, "TypeError")


class TestRuntime1:
    @pytest.mark.parametrize(
        ("code", "line", "word"),
        [
            ("const a = 1;\n" + function("return 1;"), 1, "const"),
            (function("\n let a = 1; return a;"), 2, "let"),
            (function("const { a } = event; return a;"), 1, "const"),
            ("// const\nasync function handler(event) { return 1; }", 2, "async"),
            ("var f = async (x) => x;" + function("return 1;"), 1, "async"),
            ("var a = /const x/.test('const y') ? 1 : 4 / 2; let b = 1;" + function("return 1;"), 1, "let"),
        ],
    )
    def test_what_it_lacks_is_named_with_its_line(self, run: Any, code: str, line: int, word: str) -> None:
        done = run("f.js", code, kind="cloudfront-function", runtime=V1)
        assert (done.outcome, done.reason) == (HandlerOutcome.COULD_NOT_RUN, WhyNot.RUNTIME_SYNTAX)
        assert f"`{word}` in line {line}" in done.why

    @pytest.mark.parametrize(
        "code",
        [
            function("return { const: 1, let: 2, await: 3 }.let;"),
            function("var a = 'const x'; /* let y */ // async function f\n return `let z` && event.let;"),
            function("return 'a'.replace(/const x['\"]/g, '') && 4 / 2 / 1;"),
            function("return (function () { var f = (...a) => a.length; return f(1, 2) ** 2; })();"),
        ],
    )
    def test_words_that_are_something_else_are_no_matter(self, run: Any, engine: str, code: str) -> None:
        done = run("f.js", code, kind="cloudfront-function", runtime=V1)
        assert done.outcome is HandlerOutcome.RETURNED, done

    def test_a_promise_is_not_awaited(self, run: Any, engine: str) -> None:
        done = run("f.js", function("return Promise.resolve(event.request);"), kind="cloudfront-function", runtime=V1)
        assert (done.returned, done.result) == (ReturnKind.VALUE, b"{}")


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (function("for (;;);"), HandlerOutcome.TIMED_OUT),
        ("for (;;);", HandlerOutcome.TIMED_OUT),
        (function("return 'x'.repeat(9e6);"), HandlerOutcome.OUTPUT_TOO_LARGE),
        (function("var a = []; for (;;) a.push(new Array(1e5).fill(a.length));"), HandlerOutcome.RAN_OUT_OF_MEMORY),
    ],
)
def test_limits_hold(run: Any, engine: str, code: str, outcome: HandlerOutcome) -> None:
    seconds = 0.5 if outcome is HandlerOutcome.TIMED_OUT else 60
    done = run("f.js", code, kind="cloudfront-function", limits=HandlerLimits(seconds=seconds, memory_mb=32))
    assert done.outcome is outcome, done


@needs_node
def test_the_world_leads_not_to_the_one_around_it(run: Any) -> None:
    """It is an imitation and no wall; the process is that. But no code that works here by accident fails at the edge."""
    code = function(
        "var found = [];"
        "[require, console.log, Buffer, event, require('crypto').createHash].forEach(function (x) {"
        "  try { found.push(typeof x.constructor.constructor('return process')()); } catch (error) { found.push(error.name); }"
        "}); return found;"
    )
    assert json.loads(run("f.js", code, kind="cloudfront-function").result) == ["EvalError"] * 5


@needs_node
def test_the_size_of_the_code_is_told_and_does_not_stop_it(run: Any) -> None:
    code = function("return 1;") + "//" + "x" * 10_240
    assert (done := run("f.js", code, kind="cloudfront-function")).code_bytes == len(code) > 10_240
    assert done.outcome is HandlerOutcome.RETURNED
