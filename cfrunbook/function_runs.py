"""Run an edge function's handler as it was asked for, and make of it what a recording keeps: secrets masked."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from cfrunbook.evidence import FunctionDocument, FunctionFacts, FunctionLimits, FunctionOutcome, FunctionRun
from cfrunbook.functions import documents, recording
from cfrunbook.functions.cloudfront_function.calls import Run, recorded
from cfrunbook.functions.cloudfront_function.facts import Runtime
from cfrunbook.functions.documents import Document
from cfrunbook.functions.inputs import Handler
from cfrunbook.functions.model import Kind
from cfrunbook.probes import handlers
from cfrunbook.probes.handlers import HandlerError, HandlerLimits, HandlerOutcome, HandlerRun, WhyNot
from cfrunbook.redaction import redact_words
from cfrunbook.text import visible

MAX_OUTPUT_LINES, MAX_LINE = 100, 160
"""Of what a handler prints, as far as it is kept."""
_WHY_NOT: Mapping[WhyNot, str] = {
    WhyNot.NO_RUNTIME: "the program that would run it is not installed",
    WhyNot.NO_CODE: "there is no code that runs here",
    WhyNot.TYPESCRIPT: "it is TypeScript",
    WhyNot.ARCHIVE: "it is an archive",
    WhyNot.NO_HANDLER: "the file has no such function",
    WhyNot.MISSING_MODULE: "a module that it needs is not here",
    WhyNot.MISSING_FILE: "a file that it reads is not here",
    WhyNot.SYNTAX: "the file cannot be loaded",
    WhyNot.RUNTIME_SYNTAX: "its runtime does not have this syntax",
    WhyNot.PLACEHOLDER: "a placeholder in it is not filled in",
    WhyNot.CREDENTIALS: "it wants AWS credentials",
    WhyNot.NETWORK: "it needs the network",
    WhyNot.CONTAINED: "it wants what it may not have here",
    WhyNot.WRONG_EVENT: "it is made for another event",
    WhyNot.KEY_VALUE_STORE: "it asks a key value store",
    WhyNot.NOT_IMITATED: "it uses what is not imitated here",
    WhyNot.HARNESS: "what was to run it failed",
}
"""In a clause; the sentence with the names and what to do is the advice."""
_MOST_SECONDS = 60.0


async def run(handler: Handler, *, deadline: float) -> FunctionRun:
    """Run `handler` in a process of its own, for at most `deadline` seconds, and return what a recording keeps.

    This executes code that a person gave; `cfrunbook.probes.handlers` says what it is kept from. Raises BadInput for
    a key value store that cannot be read.
    """
    recorded, _ = await run_both(handler, deadline=deadline)
    return recorded


async def run_both(handler: Handler, *, deadline: float) -> tuple[FunctionRun, FunctionRun]:
    """Do as `run`, and return the same run also with its real values, which are for the author's own file alone."""
    event = handler.event
    limits = HandlerLimits(seconds=min(deadline, _MOST_SECONDS))
    seen = await handlers.run_handler(
        handler.path, kind=event.kind.value, event=event.value, limits=limits, store=handler.key_value_store
    )
    kind = Kind(seen.kind)
    return (
        _recorded(handler, seen, limits, lambda document: recording.to_record(document, kind)),
        _recorded(handler, seen, limits, recording.unmasked),
    )


def _recorded(
    handler: Handler, seen: HandlerRun, limits: HandlerLimits, kept: Callable[[Document], FunctionDocument]
) -> FunctionRun:
    kind = Kind(seen.kind)
    returned = seen.outcome is HandlerOutcome.RETURNED
    # What is no JSON at all (a function, a symbol) is, at the edge as here, a result that was not given.
    result = documents.read(seen.result) if returned else None
    return FunctionRun(
        id="",
        handler=visible(handler.path, 4096),
        kind=kind.value,
        event_type=handler.event.event_type.value,
        event=kept(handler.event.document),
        event_name=handler.event.name,
        key_value_store=visible(handler.key_value_store, 4096) if handler.key_value_store else "",
        outcome=FunctionOutcome(seen.outcome.value),
        result=kept(result) if result is not None else None,
        returned=seen.returned.value if seen.returned else "",
        lost=tuple((visible(lost.path, 200), visible(lost.what, 40)) for lost in seen.lost[:16]),
        facts=_facts(handler, seen) if kind is Kind.CLOUDFRONT_FUNCTION else FunctionFacts(),
        error=_WHY_NOT[seen.reason] if seen.reason else _error(seen.error),
        advice=visible(redact_words(seen.why[:1000]), 1000),
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
