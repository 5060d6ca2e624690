"""Lambda@Edge handlers in Python give here what they give in AWS's runtime for Python."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from cfrunbook.probes.handlers import HandlerLimits, HandlerOutcome, Phase, ReturnKind, run_handlers


@pytest.mark.parametrize(
    ("code", "result"),
    [
        ("def lambda_handler(event, context): return event['Records'][0]['cf']['request']['uri']", b'"/a"'),
        ("def handler(event, context): return {'a': (1, 2)}", b'{"a": [1, 2]}'),
        ("def handler(e, c): return 0\ndef lambda_handler(e, c): return 1", b"1"),
        ("class H:\n    def __call__(self, e, c): return 1\nlambda_handler = H()", b"1"),
        ("def lambda_handler(e, c):\n    print('x', flush=False)\n    return 'é'", b'"\\u00e9"'),
        ("from decimal import Decimal\ndef lambda_handler(e, c): return Decimal('1.5')", b"1.5"),
        # AWS's runtime writes NaN as well, and CloudFront cannot parse that.
        ("def lambda_handler(e, c): return {'n': float('nan')}", b'{"n": NaN}'),
        ("def lambda_handler(e, c): return {1: 2}", b'{"1": 2}'),
        ("import os\ndef lambda_handler(e, c): return open('one.txt').read() + os.listdir()[0]", None),
    ],
)  # fmt: skip
def test_a_result_is_what_lambda_makes_of_it(run: Any, code: str, result: bytes | None) -> None:
    done = run("lambda_function.py", code, files={"one.txt": "1"})
    assert (done.outcome, done.returned) == (HandlerOutcome.RETURNED, ReturnKind.VALUE), done
    assert result is None or done.result == result
    assert done.runtime_version == sys.version.split()[0]


def test_nothing_returned_is_null(run: Any) -> None:
    done = run("index.py", "def handler(event, context): pass")
    assert (done.returned, done.result) == (ReturnKind.NULL, b"null")


@pytest.mark.parametrize(
    ("code", "type_", "message", "phase"),
    [
        ("def handler(e, c): raise ValueError('no')", "ValueError", "no", Phase.RUN),
        ("def handler(e, c): return {1, 2}", "Runtime.MarshalError", "set is not JSON serializable", Phase.RESULT),
        ("def handler(e, c): return b'x'", "Runtime.MarshalError", "bytes", Phase.RESULT),
        ("def handler(e, c):\n    a = []\n    a.append(a)\n    return a", "Runtime.MarshalError", "ircular", Phase.RESULT),
        ("def handler(e, c):\n    a = []\n    for _ in range(10**5): a = [a]\n    return a", "Runtime.MarshalError", "recursion", Phase.RESULT),
        ("import warnings\nwarnings.simplefilter('ignore')\nasync def handler(e, c): return 1", "Runtime.MarshalError", "coroutine", Phase.RESULT),
        ("import sys\ndef handler(e, c): sys.exit(3)", "Runtime.ExitError", "3", Phase.RUN),
        ("import os\ndef handler(e, c): os._exit(3)", "Runtime.ExitError", "status 3", Phase.RUN),
        ("import ctypes\ndef handler(e, c): ctypes.string_at(0)", "Runtime.ExitError", "SIGSEGV", Phase.RUN),
        ("def handler(e, c): handler(e, c)", "RecursionError", "recursion", Phase.RUN),
        ("class E(Exception):\n    def __str__(self): raise ValueError\ndef handler(e, c): raise E", "E", "", Phase.RUN),
        ("1 / 0", "ZeroDivisionError", "division", Phase.LOAD),
        ("def handler(e, c): return e['Records'][0]['cf']['request']['headers']['host']", "KeyError", "host", Phase.RUN),
    ],
)  # fmt: skip
def test_what_is_raised_is_an_execution_error(run: Any, code: str, type_: str, message: str, phase: Phase) -> None:
    done = run("index.py", code)
    assert done.outcome is HandlerOutcome.THREW, done
    assert done.error.type == type_
    assert message in done.error.message
    if "status" not in message and "SIG" not in message:
        assert done.error.phase is phase
    if phase is Phase.RUN:
        assert "run_python.py" not in done.error.stack


def test_the_context_is_that_of_lambda(run: Any) -> None:
    code = """
    import os
    def lambda_handler(event, context):
        given = {k: v for k, v in vars(context).items() if not k.startswith("_")}
        return {**given, "left": context.get_remaining_time_in_millis(), "cwd": os.getcwd() == os.environ["LAMBDA_TASK_ROOT"]}
    """
    told = json.loads(run("lambda_function.py", code).result)
    assert told["function_name"] == "us-east-1.package"
    assert told["invoked_function_arn"] == "arn:aws:lambda:us-east-1:123456789012:function:package:1"
    assert told["memory_limit_in_mb"] == "128"
    assert 0 < told["left"] <= 30_000
    assert told["cwd"] is True


@pytest.mark.parametrize(
    ("path", "name", "files"),
    [
        (".", None, {"lambda_function.py": "def lambda_handler(e, c): return 1"}),
        (".", "app.main", {"app.py": "def main(e, c): return 1"}),
        (".", "src/app.main", {"src/app.py": "from src.other import ONE\ndef main(e, c): return ONE", "src/other.py": "ONE = 1"}),
        ("json.py", None, {"json.py": "def handler(e, c): return 1"}),  # the name of a module that is loaded already
        ("my-handler.py", None, {"my-handler.py": "import dep\ndef handler(e, c): return dep.ONE", "dep.py": "ONE = 1"}),
    ],
)  # fmt: skip
def test_a_package_is_found(run: Any, path: str, name: str | None, files: dict[str, str]) -> None:
    done = run("unused.txt", "", files=files, path=path, name=name)
    assert done.result == b"1", done


@pytest.mark.parametrize("code", ["def handler(e, c):\n    while True: pass", "while True: pass"])
def test_a_handler_that_does_not_end_is_ended(run: Any, code: str) -> None:
    done = run("index.py", f"print('begun')\n{code}", limits=HandlerLimits(seconds=0.5))
    assert (done.outcome, done.console) == (HandlerOutcome.TIMED_OUT, "begun\n")


def test_many_events_are_run_each_by_itself(package: Path) -> None:
    path = package / "index.py"
    path.write_text(
        "count = 0\ndef handler(e, c):\n    global count\n    count += 1\n    return [count, e['Records'][0]['n']]"
    )
    events = [{"Records": [{"n": n, "cf": {"request": {}}}]} for n in range(5)]
    done = asyncio.run(run_handlers(path, events, kind="lambda-edge"))
    assert [json.loads(run.result) for run in done] == [[1, n] for n in range(5)]


def test_any_text_of_an_event_arrives(run: Any) -> None:
    event = {"Records": [{"cf": {"request": {"uri": "/\ud800é\0"}}}]}
    assert run("index.py", "def handler(e, c): return e", event=event).result == json.dumps(event).encode()


def test_modules_installed_here_are_not_there(run: Any) -> None:
    assert run("index.py", "import msgspec\ndef handler(e, c): return 1").outcome is HandlerOutcome.COULD_NOT_RUN
