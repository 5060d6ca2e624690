"""Run an edge function's handler as it was asked for, and make of it what a recording keeps: secrets masked."""

from __future__ import annotations

import msgspec

from cfrunbook.evidence import FunctionFacts, FunctionLimits, FunctionOutcome, FunctionRun
from cfrunbook.functions import documents, recording
from cfrunbook.functions.cloudfront_function.calls import Run, recorded
from cfrunbook.functions.cloudfront_function.facts import Runtime
from cfrunbook.functions.inputs import Handler
from cfrunbook.functions.model import Kind
from cfrunbook.probes import handlers
from cfrunbook.probes.handlers import HandlerError, HandlerLimits, HandlerOutcome, HandlerRun
from cfrunbook.redaction import redact_words
from cfrunbook.text import visible

MAX_OUTPUT_LINES, MAX_LINE = 100, 160
"""Of what a handler prints, as far as it is kept."""


async def run(handler: Handler, *, deadline: float) -> FunctionRun:
    """Run `handler` in a process of its own, for at most `deadline` seconds, and return what a recording keeps.

    This executes code that a person gave; `cfrunbook.probes.handlers` says what it is kept from.
    """
    event = handler.event
    limits = HandlerLimits(seconds=min(deadline, 60.0))
    seen = await handlers.run_handler(handler.path, kind=event.kind.value, event=event.value, limits=limits)
    return _recorded(handler, seen, limits)


def _recorded(handler: Handler, seen: HandlerRun, limits: HandlerLimits) -> FunctionRun:
    kind = Kind(seen.kind)
    returned = seen.outcome is HandlerOutcome.RETURNED
    # What is no JSON at all (a function, a symbol) is, at the edge as here, a result that was not given.
    result = documents.read(seen.result) if returned else None
    return FunctionRun(
        id="",
        handler=visible(handler.path, 4096),
        kind=kind.value,
        event_type=handler.event.event_type.value,
        event=recording.to_record(handler.event.document, kind),
        event_name=handler.event.name,
        outcome=FunctionOutcome(seen.outcome.value),
        result=recording.to_record(result, kind) if result is not None else None,
        returned=seen.returned.value if seen.returned else "",
        facts=_facts(handler, seen) if kind is Kind.CLOUDFRONT_FUNCTION else FunctionFacts(),
        error=_error(seen.error) or visible(seen.why.partition(".")[0], 400) if not returned else "",
        advice=visible(seen.why, 1000),
        limits=FunctionLimits(seconds=limits.seconds, memory_mb=limits.memory_mb, result_bytes=limits.result_bytes),
        output=_output(seen.console),
        runtime=visible(f"{seen.runtime} {seen.runtime_version}".strip(), 200),
        contained=tuple((c.what.value, c.by.value) for c in seen.containment[:16]),
        attempts=tuple((a.what.value, visible(redact_words(a.on[:400]), 400)) for a in seen.attempts[:64]),
        elapsed_ms=seen.elapsed_ms,
    )


def _error(error: HandlerError | None) -> str:
    if error is None:
        return ""
    message = visible(redact_words(error.message[:1000]), 1000)
    return visible(error.type, 100) + (f": {message}" if message else "")


def _facts(handler: Handler, seen: HandlerRun) -> FunctionFacts:
    """Return what the rules about CloudFront Functions look at beside the result."""
    threw = f"{seen.error.type}: {seen.error.message}" if seen.error and seen.outcome is HandlerOutcome.THREW else ""
    run = Run(
        threw=threw,
        code=handler.path.read_bytes()[: recording.MAX_CODE].decode("utf-8", "replace"),
        runtime=Runtime.JS_2_0,
        code_bytes=seen.code_bytes,
    )
    calls = tuple(recorded(call.name, call.arguments) for call in seen.calls)
    return msgspec.structs.replace(recording.to_facts(calls, run), code_bytes=seen.code_bytes)


def _output(console: str) -> str:
    lines = [visible(redact_words(line[:1000]), MAX_LINE) for line in console.splitlines()[:MAX_OUTPUT_LINES]]
    return "\n".join(lines)
