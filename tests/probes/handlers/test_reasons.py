"""What keeps a handler from running here is named with what to do, and is never taken for what CloudFront would see."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.errors import BadInput
from cfrunbook.probes.handlers import Guard, Guarded, HandlerOutcome, WhyNot, run_handler, runtimes
from cfrunbook.probes.handlers.runtimes import Runtime
from cfrunbook.probes.handlers.source import newer_syntax
from tests.probes.handlers.conftest import edge_event, function_event

NODE = pytest.mark.needs("node")
JS, PY = "index.js", "index.py"
DEEP: list[object] = []
for _ in range(100_000):
    DEEP = [DEEP]

RESPONSE = {"status": "200", "headers": {}}


def javascript(body: str) -> str:
    return f"exports.handler = async (event) => {{ {body} }};"


def python(body: str) -> str:
    return f"def handler(event, context): {body}"


@pytest.mark.parametrize(
    ("file", "code", "reason", "words"),
    [
        pytest.param(JS, "const jwt = require('jsonwebtoken');", WhyNot.MISSING_MODULE, ["jsonwebtoken", "npm install"], marks=NODE),
        pytest.param(JS, javascript("require('@scope/dep');"), WhyNot.MISSING_MODULE, ["@scope/dep"], marks=NODE),
        pytest.param(JS, javascript("await import('dep');"), WhyNot.MISSING_MODULE, ["dep"], marks=NODE),
        pytest.param("index.mjs", "import dep from 'dep';", WhyNot.MISSING_MODULE, ["dep"], marks=NODE),
        pytest.param(JS, "require('./lib/other');", WhyNot.MISSING_MODULE, ["./lib/other"], marks=NODE),
        pytest.param(JS, "require('@aws-sdk/client-s3');", WhyNot.MISSING_MODULE, ["Lambda brings it along"], marks=NODE),
        (PY, "import requests", WhyNot.MISSING_MODULE, ["requests", "pip install --target"]),
        (PY, "import boto3", WhyNot.MISSING_MODULE, ["Lambda brings it along"]),
        (PY, python("from no.such import thing"), WhyNot.MISSING_MODULE, ["module no"]),
        pytest.param(JS, "const urls = INPUT_URL_MAPPING;", WhyNot.PLACEHOLDER, ["INPUT_URL_MAPPING"], marks=NODE),
        pytest.param(JS, javascript("return REDIRECT_MAP[1];"), WhyNot.PLACEHOLDER, ["REDIRECT_MAP"], marks=NODE),
        pytest.param(JS, "const id = {{ user_pool_id }};", WhyNot.PLACEHOLDER, ["{{ user_pool_id }}"], marks=NODE),
        pytest.param(JS, "const id = <YOUR_BUCKET>;", WhyNot.PLACEHOLDER, ["<YOUR_BUCKET>"], marks=NODE),
        (PY, "URLS = INPUT_URL_MAPPING", WhyNot.PLACEHOLDER, ["INPUT_URL_MAPPING"]),
        pytest.param(JS, "exports.handler = async (event) => {", WhyNot.SYNTAX, ["index.js", "503"], marks=NODE),
        pytest.param("index.cjs", "export const handler = 1;", WhyNot.SYNTAX, [".mjs"], marks=NODE),
        pytest.param("index.mjs", javascript("return 1;"), WhyNot.SYNTAX, [".cjs"], marks=NODE),
        (PY, "def handler(event, context)\n  return", WhyNot.SYNTAX, ["index.py", "503"]),
        (PY, "print 'Python 2'", WhyNot.SYNTAX, ["503"]),
        pytest.param(JS, javascript("require('fs').readFileSync(__dirname + '/page.html');"), WhyNot.MISSING_FILE, ["page.html"], marks=NODE),
        (PY, python("open('page.html')"), WhyNot.MISSING_FILE, ["page.html"]),
        pytest.param(JS, javascript("throw Object.assign(new Error('Could not load credentials from any providers'), { name: 'CredentialsProviderError' });"), WhyNot.CREDENTIALS, ["credentials"], marks=NODE),
        (PY, f"class NoCredentialsError(Exception): pass\n{python('raise NoCredentialsError')}", WhyNot.CREDENTIALS, ["credentials"]),
        pytest.param(JS, javascript("await require('dns').promises.lookup('www.example.com');"), WhyNot.NETWORK, ["network"], marks=NODE),
        pytest.param(JS, "exports.main = exports.other = () => 1;", WhyNot.NO_HANDLER, ["other, main", "index.FUNCTION"], marks=NODE),
        pytest.param(JS, "exports.handler = 1;", WhyNot.NO_HANDLER, ["handler"], marks=NODE),
        pytest.param(JS, "", WhyNot.NO_HANDLER, ["exports nothing"], marks=NODE),
        (PY, "def main(event, context): pass", WhyNot.NO_HANDLER, ["main", "index.FUNCTION"]),
        ("index.ts", "export const handler = 1;", WhyNot.TYPESCRIPT, ["index.ts", "compiles"]),
        ("code.zip", "PK", WhyNot.ARCHIVE, ["unzip"]),
        ("index.rb", "", WhyNot.NO_CODE, [".mjs"]),
    ],
)  # fmt: skip
def test_what_stops_a_handler_here_has_a_name(run: Any, file: str, code: str, reason: WhyNot, words: list[str]) -> None:
    done = run(file, code)
    assert (done.outcome, done.reason) == (HandlerOutcome.COULD_NOT_RUN, reason), done
    assert all(word in done.why for word in words), done.why
    assert done.why.endswith(".")
    assert "\n" not in done.why
    assert (done.result, done.returned) == (b"", None)


def test_a_module_that_a_cause_hides_is_named(run: Any) -> None:
    code = "try:\n    import requests\nexcept ImportError as error:\n    raise RuntimeError('no') from error"
    assert run(PY, code).reason is WhyNot.MISSING_MODULE


@pytest.mark.parametrize(
    ("file", "code", "event"),
    [
        pytest.param(
            JS, javascript("return event.Records[0].cf.response.headers;"), edge_event("origin-request"), marks=NODE
        ),
        pytest.param(
            JS,
            javascript("const { response } = event.Records[0].cf; return response.status;"),
            edge_event(),
            marks=NODE,
        ),
        pytest.param(
            JS, javascript("event.Records[0].cf.request.origin.custom.path = '/a';"), edge_event(), marks=NODE
        ),
        (PY, python("return event['Records'][0]['cf']['response']"), edge_event("origin-request")),
        (
            PY,
            python("return event['Records'][0]['cf']['request']['origin']"),
            edge_event("viewer-response", response=RESPONSE),
        ),
    ],
)
def test_an_event_of_another_type_is_told_from_a_fault(run: Any, file: str, code: str, event: Any) -> None:
    done = run(file, code, event=event)
    assert (done.outcome, done.reason) == (HandlerOutcome.COULD_NOT_RUN, WhyNot.WRONG_EVENT), done
    assert event["Records"][0]["cf"]["config"]["eventType"] in done.why
    assert "503" in done.why


@pytest.mark.parametrize("config", [None, [1], "x", {"eventType": ["\x1b"]}])
def test_an_event_with_a_strange_config_is_no_matter(run: Any, config: Any) -> None:
    event = {"Records": [{"cf": {"config": config, "request": {}}}]}
    done = run(PY, python("return event['Records'][0]['cf']['response']"), event=event)
    assert done.reason is WhyNot.WRONG_EVENT
    assert done.why.isprintable()


def test_a_fault_is_none_of_another_event(run: Any) -> None:
    code = python("return event['Records'][0]['cf']['response']['headers']['host']")
    assert run(PY, code, event=edge_event("origin-response", response=RESPONSE)).outcome is HandlerOutcome.THREW


@NODE
@pytest.mark.parametrize(
    "body",
    [
        "return event.Records[0].cf.request.headers.host[0];",
        "return undefinedName;",
        "JSON.parse('{');",
        "throw 'ENOENT';",
    ],
)
def test_a_fault_of_the_code_is_a_fault(run: Any, body: str) -> None:
    assert run(JS, javascript(body)).outcome is HandlerOutcome.THREW


@pytest.mark.parametrize(
    ("kind", "event", "words"),
    [
        ("lambda-edge", function_event(), "CloudFront Functions"),
        ("lambda-edge", {"requestContext": {}, "httpMethod": "GET"}, "API Gateway"),
        ("lambda-edge", {"Records": [{"eventSource": "aws:s3", "s3": {}}]}, "aws:s3"),
        ("lambda-edge", {"Records": []}, "Records"),
        ("lambda-edge", {"Records": [{"cf": {"request": 1}}]}, "Records"),
        ("lambda-edge", None, "Records"),
        ("lambda-edge", [], "Records"),
        ("cloudfront-function", edge_event(), "Lambda@Edge"),
        ("cloudfront-function", "x", "request"),
    ],
)
def test_an_event_of_another_kind_is_not_tried(run: Any, kind: Any, event: Any, words: str) -> None:
    done = run(JS, "exports.handler = () => { throw 1; };", kind=kind, event=event)
    assert (done.outcome, done.reason) == (HandlerOutcome.COULD_NOT_RUN, WhyNot.WRONG_EVENT)
    assert words in done.why
    assert done.runtime == ""


def test_no_function_named_handler(run: Any) -> None:
    done = run("f.py", "def handler(event): pass", kind="cloudfront-function")
    assert (done.reason, "a .js file" in done.why) == (WhyNot.NO_CODE, True)


@NODE
def test_a_function_must_be_named_handler(run: Any) -> None:
    done = run("f.js", "function main(event) {}", kind="cloudfront-function")
    assert (done.reason, "named handler" in done.why) == (WhyNot.NO_HANDLER, True)


def test_a_folder_without_a_handler(run: Any) -> None:
    done = run("readme.txt", "", path=".")
    assert (done.reason, "index.js" in done.why) == (WhyNot.NO_CODE, True)
    done = run("readme.txt", "", path=".", name="src/app.handler")
    assert "src/app.js" in done.why


def test_a_name_leads_not_out_of_the_package(run: Any, package: Path) -> None:
    (package.parent / "secret.py").write_text("def handler(e, c): return 1")
    assert run("index.py", "", path=".", name="../secret.handler").reason is WhyNot.NO_CODE


def test_nothing_to_run_it_with(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cfrunbook.probes.handlers.runtimes.node", lambda: None)
    monkeypatch.setattr("cfrunbook.probes.handlers.runtimes.quickjs", lambda: None)
    done = run(JS, javascript("return 1;"))
    assert done.reason is WhyNot.NO_RUNTIME
    assert "pip install 'cfrunbook[quickjs]'" in done.why
    assert "--result" in done.why


@pytest.mark.parametrize("program", ["/nonexistent/python", "/dev/null", "/bin/false"])
def test_a_runtime_that_does_not_start(run: Any, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    monkeypatch.setattr("sys.executable", program)
    done = run(PY, python("return 1"))
    assert (done.outcome, done.reason) == (HandlerOutcome.COULD_NOT_RUN, WhyNot.HARNESS), done
    assert program in done.why


@NODE
def test_a_script_in_place_of_node_is_asked_for_the_real_one(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shims = tmp_path / "shims"
    shims.mkdir()
    (shims / "node").write_text(
        '#!/bin/sh\n[ -n "$HOME" ] && [ "$HOME" != /nonexistent ] || exit 1\nPATH=$REST exec node "$@"\n'
    )
    (shims / "node").chmod(0o755)
    monkeypatch.setenv("REST", os.environ["PATH"])
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(shims), prepend=":")
    assert run(JS, javascript("return 1;")).result == b"1"


@pytest.mark.parametrize(
    ("version", "flag"),
    [
        ((18, 20, 1), ""),
        ((20, 20, 2), "--experimental-permission"),
        ((22, 12, 0), "--experimental-permission"),
        ((22, 13, 0), "--permission"),
        ((23, 4, 0), "--experimental-permission"),
        ((23, 5, 0), "--permission"),
        ((26, 0, 0), "--permission"),
    ],
)
def test_the_permission_model_has_its_option_by_version(version: tuple[int, ...], flag: str) -> None:
    assert Runtime("node", "/usr/bin/node", version).permission_flag == flag


@NODE
def test_an_old_node_runs_without_permissions_and_elsewhere(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where writing is not prevented, the working directory is an empty one that is removed."""
    real = runtimes.node()
    assert real is not None
    monkeypatch.setattr("cfrunbook.probes.handlers.runtimes.node", lambda: replace(real, version=(18, 20, 1)))
    done = run(JS, javascript("return [process.cwd() === __dirname, require('fs').readdirSync('.').length];"))
    assert done.result == b"[false,0]"
    assert {c.what: c.by for c in done.containment}[Guarded.FILE_WRITES] is Guard.NOBODY


@pytest.mark.parametrize("name", ["index", "index.", ".handler", ".", "src/"])
def test_a_name_that_is_none(run: Any, name: str) -> None:
    with pytest.raises(BadInput, match=r"index\.handler"):
        run(PY, python("return 1"), name=name)


@pytest.mark.parametrize("event", [float("nan"), {"a": {1, 2}}, "x" * (9 << 20), DEEP])
def test_an_event_that_is_no_json(run: Any, event: Any) -> None:
    with pytest.raises(BadInput, match="event"):
        run(PY, python("return 1"), event=event)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file"):
        asyncio.run(run_handler(tmp_path / "index.js", kind="lambda-edge", event=edge_event()))


@given(st.text(alphabet="const let/*'\"`\\\n ={}[]()a.:?", max_size=60))
def test_looking_for_newer_syntax_always_ends(code: str) -> None:
    found = newer_syntax(code)
    assert found is None or (1 <= found[0] <= code.count("\n") + 1 and found[1] in code)
