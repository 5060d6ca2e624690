"""Run one JavaScript handler on one event in QuickJS, where there is no Node.js, and report on a pipe what it gave.

Started by `run.py` as a script in a process of its own, never imported. QuickJS (extra `quickjs`) has the language and
nothing of Node.js: no modules but querystring, no Buffer and no timers. What needs them could not be run.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from pathlib import Path
from typing import Any

import quickjs

_HERE = Path(__file__).parent
_EXPORT = re.compile(
    r"^([ \t]*)export[ \t]+(default[ \t]+)?(?=(?:async[ \t]+)?function\b|const\b|let\b|var\b|class\b)", re.M
)
_STACK_BYTES = 512 * 1024


def _send(job: dict[str, Any], report: dict[str, Any], body: bytes = b"") -> None:
    data = json.dumps(report).encode() + b"\n" + body
    while data:
        data = data[os.write(job["fd"], data) :]


def _log(text: str) -> None:
    sys.stdout.write(str(text) + "\n")


def main() -> None:
    """Read the job and the event from stdin, run, report."""
    first, _, rest = sys.stdin.buffer.read().partition(b"\n")
    job = json.loads(first)
    _send(job, {"runtime": "quickjs", "version": getattr(quickjs, "__version__", "")})
    context = quickjs.Context()
    context.set_memory_limit(job["memory_mb"] * 1024 * 1024)
    context.set_max_stack_size(_STACK_BYTES)
    context.add_callable("__log", _log)
    for name in ("report.cjs", "quickjs_world.js"):
        context.eval((_HERE / name).read_text())
    if job["kind"] == "cloudfront-function":
        context.set("__imitate", context.eval((_HERE / "cloudfront_js.js").read_text()))
    names = ("kind", "export", "result_bytes", "seconds", "request_id", "arn", "runtime", "event_type", "kvs")
    environment = dict(os.environ) if job["kind"] == "lambda-edge" else {}
    begin, run, tell = (context.eval(f"__world.{name}") for name in ("begin", "run", "told"))
    begin(json.dumps({name: job.get(name) for name in names} | {"environment": environment}))
    began = time.monotonic()
    run(_EXPORT.sub(r"\1", job["code"]) if job["kind"] == "lambda-edge" else job["code"], rest.decode())
    while context.execute_pending_job():
        pass  # promises; the deadline ends those that go on for ever
    told = json.loads(tell())
    sys.stdout.flush()
    body = told.pop("text").encode("utf-8", "surrogatepass")
    report: dict[str, Any] = {"bytes": len(body), **told, "ms": (time.monotonic() - began) * 1000}
    if len(body) > job["result_bytes"]:
        report, body = {"end": "too_large", "bytes": len(body)}, b""
    _send(job, report, body)
    os._exit(0)


if __name__ == "__main__":
    main()
