"""Run a handler on an event, and return what it gave."""

from __future__ import annotations

import asyncio
import json
import marshal
import os
import re
import tempfile
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from cfrunbook.errors import BadInput
from cfrunbook.files import read_bounded
from cfrunbook.probes.handlers import child, containment, reasons, runtimes, source
from cfrunbook.probes.handlers.model import (
    Attempt,
    Guard,
    Guarded,
    HandlerError,
    HandlerLimits,
    HandlerOutcome,
    HandlerRun,
    HelperCall,
    JavaScriptRuntime,
    Kind,
    Lost,
    Phase,
    ReturnKind,
    WhyNot,
)
from cfrunbook.probes.handlers.runtimes import Runtime
from cfrunbook.probes.handlers.source import CannotRun, Source
from cfrunbook.text import visible

MAX_EVENT_BYTES = 8 * 1024 * 1024
MAX_STORE_BYTES = 8 * 1024 * 1024
"""A key value store has 5 MB: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html"""
_AT_ONCE = 2
_DEFAULT_LIMITS = HandlerLimits()
_VALIDATE = "validate a pasted result instead (--result)"
_HEAP_IS_FULL = re.compile(
    rb"heap out of memory|JavaScript heap|Array buffer allocation failed|^MemoryError", re.MULTILINE
)
_TOO_MUCH = re.compile(r"Array buffer allocation failed|Invalid (?:string|array buffer) length|^out of memory$")
_SIGNALS = {-6: "SIGABRT", -7: "SIGBUS", -8: "SIGFPE", -9: "SIGKILL", -11: "SIGSEGV", -4: "SIGILL", -5: "SIGTRAP"}
_TIME_IS_UP = (-24, 152)  # SIGXCPU, itself or through the shell's exit status

_LAMBDA_DIFFERS = (
    "Loading and running share one time limit, and every run is a cold start.",
    "The runtime is this machine's, not Lambda's, and modules that Lambda brings along are not there.",
)
_FUNCTION_DIFFERS = (
    "Compute utilization was not measured: at CloudFront, code that takes too long is ended, which is 503.",
    "The 2 MB of memory that CloudFront gives were not enforced.",
    "The JavaScript engine is another one, which takes syntax that CloudFront's may refuse.",
)


class _Report(msgspec.Struct):
    """The second line of a report; the handler could have written it, so all of it is checked."""

    end: str
    bytes: int = 0
    kind: ReturnKind | None = None
    lost: list[Lost] = []
    phase: Phase = Phase.RUN
    type: str = ""
    message: str = ""
    stack: str = ""
    codes: list[str] = []
    names: list[str] = []
    attempts: list[Attempt] = []
    calls: list[HelperCall] = []
    ms: float = 0.0


class _Hello(msgspec.Struct):
    """The first line of a report."""

    runtime: str
    version: str


@dataclass(frozen=True, slots=True)
class _Job:
    """One run to be made."""

    kind: Kind
    source: Source
    event: Any
    runtime: Runtime
    limits: HandlerLimits
    command: list[str]
    options: dict[str, Any]


async def run_handler(
    code: Path,
    *,
    kind: Kind,
    event: Any,
    name: str | None = None,
    limits: HandlerLimits = _DEFAULT_LIMITS,
    runtime: JavaScriptRuntime = "cloudfront-js-2.0",
    store: Path | None = None,
) -> HandlerRun:
    """Run the handler in `code` once on `event`, in a process of its own, and return what it gave.

    This executes code. What it is kept from on this machine stands in `HandlerRun.containment`; call it only for code
    that the person who asks would run anyway. It gets none of our environment, no credentials and, where the kernel
    allows it, no network; it is ended with all that it started.

    `code` is a file or the folder of a deployment package, `name` the handler as Lambda names it (`index.handler`).
    For CloudFront Functions, `runtime` is the function's, and `store` a JSON file with its key value store: an object,
    or what ImportSource takes ({"data": [{"key": …, "value": …}]}).
    Raises BadInput where a file cannot be read or the event is no JSON; whatever else keeps the handler from running is
    an outcome, `could_not_run`, and never a verdict about it.
    """
    given = _encoded(event)
    values = _store(store) if store else None
    size = 0
    try:
        found = source.find(code, kind, name)
        size = len(found.code)
        source.check_event(kind, event)
        job = _prepare(found, kind, event, limits=limits, runtime=runtime, values=values)
    except CannotRun as error:
        return HandlerRun(
            kind=kind, outcome=HandlerOutcome.COULD_NOT_RUN, reason=error.reason, why=str(error), code_bytes=size
        )
    return await _run(job, given)


async def run_handlers(code: Path, events: Sequence[Any], *, kind: Kind, **options: Any) -> tuple[HandlerRun, ...]:
    """Run the handler on each event, two at a time and each in a process of its own; see `run_handler`."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(event: Any) -> HandlerRun:
        async with gate:
            return await run_handler(code, kind=kind, event=event, **options)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(event)) for event in events]
    return tuple(task.result() for task in tasks)


def _encoded(event: Any) -> bytes:
    try:
        given = json.dumps(event, allow_nan=False).encode()
        marshal.dumps(json.loads(given))  # how a handler in Python gets it; it takes less depth
    except (TypeError, ValueError, RecursionError) as error:
        raise BadInput(f"The event is no JSON: {visible(error, 120)}.") from None
    if len(given) > MAX_EVENT_BYTES:
        raise BadInput(f"The event is larger than {MAX_EVENT_BYTES // (1024 * 1024)} MiB; refused.")
    return given


def _store(path: Path) -> str:
    """Return a key value store as the imitation wants it. Raises BadInput."""
    what = "The key value store"
    try:
        content = json.loads(read_bounded(path, what, MAX_STORE_BYTES))
    except (ValueError, RecursionError):
        raise BadInput(f"{what}: {visible(path)} is no JSON.") from None
    if isinstance(content, dict) and isinstance(content.get("data"), list):
        pairs = [(entry.get("key"), entry.get("value")) for entry in content["data"] if isinstance(entry, dict)]
    elif isinstance(content, dict):
        pairs = list(content.items())
    else:
        raise BadInput(f'{what}: {visible(path)} is neither an object of keys nor {{"data": [{{"key", "value"}}]}}.')
    values = {str(key): value if isinstance(value, str) else json.dumps(value) for key, value in pairs}
    return json.dumps({"values": values, "time": datetime.now(UTC).isoformat()})


def _prepare(
    found: Source, kind: Kind, event: Any, *, limits: HandlerLimits, runtime: JavaScriptRuntime, values: str | None
) -> _Job:
    """Choose what runs it. Raises CannotRun."""
    program = runtimes.python() if found.language == "python" else runtimes.node() or runtimes.quickjs()
    if program is None:
        why = f"There is no node on PATH: install Node.js or pip install 'cfrunbook[quickjs]', or {_VALIDATE}."
        raise CannotRun(WhyNot.NO_RUNTIME, why)
    readable = [] if kind == "cloudfront-function" else source.readable(found)
    options: dict[str, Any] = {
        "path": str(found.path),
        "root": str(found.root),
        "module": found.module.replace("/", "."),
        "export": found.export,
        "readable": [str(path) for path in readable],
        "seconds": limits.seconds,
        "result_bytes": limits.result_bytes,
        "request_id": str(uuid.uuid4()),
        "arn": f"arn:aws:lambda:us-east-1:123456789012:function:{_function_name(found)}:1",
    }
    if kind == "cloudfront-function":
        context = event.get("context")
        event_type = context.get("eventType") if isinstance(context, dict) else None
        options |= {"runtime": runtime, "event_type": event_type, "kvs": values}
        options["code"] = source.function_code(found, runtime)
    if program.name == "quickjs":
        script = "run_quickjs.py"
        options |= {"kind": kind, "memory_mb": limits.memory_mb, "code": options.get("code", found.text)}
    elif program.name == "python":
        script = "run_python.py"
    else:
        script = "run_cloudfront.cjs" if kind == "cloudfront-function" else "run_node.cjs"
    command = runtimes.command(program, script, memory_mb=limits.memory_mb, readable=readable)
    return _Job(kind, found, event, program, limits, command, options)


def _function_name(found: Source) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "-", found.root.name or found.path.stem)[:64] or "function"


async def _run(job: _Job, given: bytes) -> HandlerRun:
    limits, program = job.limits, job.runtime
    version = f"python{program.version[0]}.{program.version[1]}" if program.name == "python" else "nodejs"
    if program.name == "node":
        version = f"nodejs{program.version[0]}.x"
    environment = containment.environment(
        name=f"{job.source.module}.{job.source.export}",
        arn=job.options["arn"],
        version="1",
        limits=limits,
        runtime=f"AWS_Lambda_{version}",
        root=str(job.source.root),
    )
    guards = containment.summary(runtimes.guards(program, job.kind))
    # Lambda's working directory is that of the code; here only where writing to it is prevented.
    is_kept = any(entry.what is Guarded.FILE_WRITES and entry.by is not Guard.NOBODY for entry in guards)
    is_kept = is_kept and job.kind == "lambda-edge" and os.access(job.source.root, os.X_OK)
    with tempfile.TemporaryDirectory(prefix="cfrunbook-") as empty:

        def command(report: int) -> tuple[list[str], bytes]:
            options = job.options | {"fd": report}
            if program.name == "python":  # the same Python that runs this, which reads it without importing anything
                data = runtimes.python_script("run_python.py") + marshal.dumps((options, json.loads(given)))
            else:
                data = json.dumps(options).encode() + b"\n" + given
            return containment.contained(job.command, limits, program.overhead_mb), data

        try:
            ended = await child.run(
                command,
                environment=environment,
                directory=str(job.source.root) if is_kept else empty,
                seconds=limits.seconds,
                keep_report=limits.result_bytes,
                keep_console=limits.console_bytes,
            )
        except OSError as error:
            why = (
                f"{visible(program.program)} cannot be started: {error.strerror or type(error).__name__}; {_VALIDATE}."
            )
            return HandlerRun(kind=job.kind, outcome=HandlerOutcome.COULD_NOT_RUN, reason=WhyNot.HARNESS, why=why)
    hello, report, result = _read(ended)
    run = HandlerRun(
        kind=job.kind,
        outcome=HandlerOutcome.COULD_NOT_RUN,
        console=ended.console.decode("utf-8", "replace"),
        console_bytes=ended.console_bytes,
        code_bytes=len(job.source.code),
        runtime=program.name,
        runtime_version=visible(hello.version, 40) if hello else "",
        containment=guards,
        not_imitated=_FUNCTION_DIFFERS if job.kind == "cloudfront-function" else _LAMBDA_DIFFERS,
        elapsed_ms=ended.elapsed_ms,
    )
    outcome = _without_report(job, ended) if report is None else _with_report(job, ended, report, result)
    return msgspec.structs.replace(run, **outcome)


def _read(ended: child.Ended) -> tuple[_Hello | None, _Report | None, bytes]:
    """Read the two lines of a report, where they are there and are what they should be, and return what follows."""
    lines = bytes(ended.report).split(b"\n", 2)
    try:
        hello = msgspec.json.decode(lines[0], type=_Hello)
    except (msgspec.DecodeError, RecursionError):
        return None, None, b""
    if len(lines) < 3:
        return hello, None, b""
    try:
        return hello, msgspec.json.decode(lines[1], type=_Report), lines[2]
    except (msgspec.DecodeError, RecursionError):
        return hello, _Report(end="garbled"), b""


def _with_report(job: _Job, ended: child.Ended, report: _Report, result: bytes) -> dict[str, Any]:
    """Return the fields of a run that its report settles."""
    told: dict[str, Any] = {
        "attempts": tuple(report.attempts[:20]),
        "calls": tuple(report.calls[:20]),
        "handler_ms": min(max(report.ms, 0.0), ended.elapsed_ms),
    }
    match report.end:
        case "returned" if ended.overflow:
            return told | {"outcome": HandlerOutcome.OUTPUT_TOO_LARGE, "result_bytes": report.bytes}
        case "returned" if report.bytes == len(result) and report.kind:
            told |= {
                "returned": report.kind,
                "result": result,
                "result_bytes": len(result),
                "lost": tuple(report.lost[:50]),
            }
            return told | {"outcome": HandlerOutcome.RETURNED}
        case "too_large":
            return told | {"outcome": HandlerOutcome.OUTPUT_TOO_LARGE, "result_bytes": max(report.bytes, 0)}
        case "out_of_memory":
            return told | {"outcome": HandlerOutcome.RAN_OUT_OF_MEMORY}
        case "no_handler":
            return told | _could_not(WhyNot.NO_HANDLER, _no_handler(job, report.names))
        case "threw":
            error = HandlerError(
                type=report.type[:200], message=report.message[:4000], stack=report.stack[:8000], phase=report.phase
            )
            if error.type in ("RangeError", "InternalError") and _TOO_MUCH.search(error.message):
                return told | {"outcome": HandlerOutcome.RAN_OUT_OF_MEMORY, "error": error}
            stopped = reasons.stopped(
                error, report.codes, told["attempts"], kind=job.kind, source=job.source, event=job.event
            )
            if stopped:
                return told | {"error": error} | _could_not(*stopped)
            return told | {"outcome": HandlerOutcome.THREW, "error": error}
    if ended.timed_out:
        return told | {"outcome": HandlerOutcome.TIMED_OUT}
    why = f"What came back is no report of the harness: the handler may have written to its pipe; {_VALIDATE}."
    return _could_not(WhyNot.HARNESS, why)


def _without_report(job: _Job, ended: child.Ended) -> dict[str, Any]:
    """Return the fields of a run whose process ended, or was ended, before there was a report."""
    if not ended.started:
        said = visible(ended.console.decode("utf-8", "replace").strip().rpartition("\n")[2], 160)
        why = f"{visible(job.runtime.program)} did not come up here ({said or 'no word'}); {_VALIDATE}."
        return _could_not(WhyNot.HARNESS, why)
    if len(ended.report) >= child.MAX_HEADER:
        return _with_report(job, ended, _Report(end="garbled"), b"")
    if ended.timed_out or ended.status in _TIME_IS_UP:
        return {"outcome": HandlerOutcome.TIMED_OUT}
    if _HEAP_IS_FULL.search(ended.console[-4096:]) or _HEAP_IS_FULL.search(ended.console):
        return {"outcome": HandlerOutcome.RAN_OUT_OF_MEMORY}
    status = ended.status or 0
    signal = _SIGNALS.get(status) or _SIGNALS.get(128 - status)
    ending = f"signal {signal}" if signal else f"status {status}"
    error = HandlerError(type="Runtime.ExitError", message=f"the runtime exited with {ending}")
    return {"outcome": HandlerOutcome.THREW, "error": error}


def _could_not(reason: WhyNot, why: str) -> dict[str, Any]:
    return {"outcome": HandlerOutcome.COULD_NOT_RUN, "reason": reason, "why": why}


def _no_handler(job: _Job, names: Sequence[str]) -> str:
    file = visible(job.source.path.name)
    if job.kind == "cloudfront-function":
        return f"{file} has no function named handler, which a CloudFront function must have."
    there = f"it has {', '.join(visible(name, 60) for name in names[:8])}" if names else "it exports nothing"
    name = f"{job.source.module}.FUNCTION"
    return f"{file} exports no function {visible(job.source.export, 60)}; {there}: say which it is ({visible(name)})."
