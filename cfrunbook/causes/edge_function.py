"""The cause "edge function": CloudFront refuses what a function returned, or the function failed. Pure.

Only a refused result (validation) is a 502; a function that throws, takes too long or is throttled gives a 503.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/http-502-bad-gateway.html#http-502-lambda-validation-error
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/http-502-bad-gateway.html#http-502-cloudfront-function-validation-error
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import msgspec

from cfrunbook.causes import edge_function_rules as table
from cfrunbook.causes.edge_function_rules import AWS_PAGE, RULES
from cfrunbook.evidence import FunctionDocument, FunctionOutcome, FunctionResult, FunctionRun, Observations
from cfrunbook.findings import Cause, Evidence, Finding, Json, Status
from cfrunbook.functions import recording
from cfrunbook.functions.cloudfront_function.known_origins import KnownOrigins
from cfrunbook.functions.documents import Document
from cfrunbook.functions.model import TITLES, Certainty, EventType, Kind, Validation, Violation
from cfrunbook.functions.validation import rules as function_rules
from cfrunbook.functions.validation import validate
from cfrunbook.text import visible

__all__ = [
    "AWS_PAGE", "CAUSE", "HANDED_OVER", "NOTEBOOK", "OF_RUNS", "RULES", "Judged", "judge", "judge_inputs", "judged",
]  # fmt: skip

CAUSE = Cause.EDGE_FUNCTION
NOTEBOOK = "06_edge_function"
MAX_FINDINGS = 200
"""Findings about all results of one incident; how many more there are is in the last one's data (`left_out`)."""
HANDED_OVER: Mapping[str, str] = {
    "null": "it returned null itself, or a Python handler ended without return",
    "undefined": "an async handler, or its callback, gave undefined: the way that it took has no return",
    "not_awaited": "the handler is not async, so Lambda drops what it returned: make it async, or call the callback",
    "no_callback": "the handler is not async, and it never called its callback",
    "never_settled": "the promise that it returned was never settled",
    "no_json": "it returned a function or a symbol, for which there is no JSON",
}
"""Why a run gave no result, in a clause."""
OF_RUNS = frozenset(
    rule.code
    for rule in (table.THREW, table.TIMED_OUT, table.RAN_OUT_OF_MEMORY, table.OUTPUT_TOO_LARGE, table.COULD_NOT_RUN)
)
"""Codes about a run that gave no result."""
_EDGE_SECONDS = 30.0
"""https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html#limits-lambda-at-edge"""

_NOTHING = Document(None, 0)


@dataclass(frozen=True, slots=True)
class Judged:
    """One result of a function, given or run here, and what CloudFront would make of it."""

    seen: FunctionResult | FunctionRun
    validation: Validation | None
    """None: there is no result to be judged, since the handler did not return one."""
    file: str
    """Its file, and the line there, for people; empty where it was no file."""

    @property
    def document(self) -> FunctionDocument | None:
        """The result as recorded."""
        return self.seen.result

    @property
    def title(self) -> str:
        """For people: which function, by its file, at which event."""
        event = self.seen.event_type or "an event that was not said"
        name = f" {visible(self.file, 120)}" if self.file else ""
        return f"{TITLES[Kind(self.seen.kind)]}{name}, {event}"

    @property
    def corrected(self) -> Json:
        """The result as CloudFront would accept it; None where it needs no mending, or only its author can mend it.

        What a run lost on the way to JSON (a promise that nobody awaited) only the author knows.
        """
        if self.validation is None or (isinstance(self.seen, FunctionRun) and self.seen.lost):
            return None
        return self.validation.corrected


def _files(everything: Sequence[FunctionResult | FunctionRun]) -> Iterator[str]:
    """Yield the file of each, and the line there, for people; empty where it was no file.

    With its folder only where two files have the same name.
    """
    given = {seen.name for seen in everything if isinstance(seen, FunctionResult)}
    often = Counter(PurePath(name).name for name in given)
    for seen in everything:
        if isinstance(seen, FunctionRun):
            yield seen.handler
        elif seen.name.startswith("-:"):
            yield f"standard input, line {seen.name[2:]}"
        else:
            name = PurePath(seen.name).name
            yield name if often[name] == 1 else seen.name


def judged(
    given: Sequence[FunctionResult], runs: Sequence[FunctionRun] = (), *, origins: KnownOrigins | None = None
) -> tuple[Judged, ...]:
    """Return what CloudFront would make of every result that was given or came of a run, in that order.

    `origins` are those of the distribution: they decide what a CloudFront Function's origin helpers may do.
    """
    everything: tuple[FunctionResult | FunctionRun, ...] = (*given, *runs)
    files = zip(everything, _files(everything), strict=True)
    return tuple(Judged(seen, _validation(seen, origins), file) for seen, file in files)


def judge(
    given: Sequence[FunctionResult],
    *,
    runs: Sequence[FunctionRun] = (),
    url: str = "",
    origins: KnownOrigins | None = None,
) -> tuple[Finding, ...]:
    """Return what was concluded about results of functions and about runs of handlers on this machine.

    `url` is the failing URL, for the commands; `origins` are those of the distribution. What is the same in several
    results is said once, and their number is in its data (`results`). At most `MAX_FINDINGS`, faults first where there
    are more.
    """
    found = _folded(f for one in judged(given, runs, origins=origins) for f in _findings(one, url))
    if len(found) <= MAX_FINDINGS:
        return tuple(found)
    found.sort(key=lambda f: (f.status is not Status.FAULT, f.status is Status.OK))
    *kept, last = found[:MAX_FINDINGS]
    return (*kept, msgspec.structs.replace(last, data={**last.data, "left_out": len(found) - MAX_FINDINGS}))


def judge_inputs(observations: Observations) -> tuple[Finding, ...]:
    """Return what a recording shows about edge functions; nothing where it holds none."""
    inputs = observations.inputs
    return judge(inputs.functions, runs=observations.function_runs, url=inputs.url)


def _validation(seen: FunctionResult | FunctionRun, origins: KnownOrigins | None) -> Validation | None:
    event = recording.of_record(seen.event) if seen.event else None
    event_type = EventType(seen.event_type) if seen.event_type else None
    if Kind(seen.kind) is Kind.LAMBDA_EDGE:
        return validate(Kind.LAMBDA_EDGE, recording.of_record(seen.result), event_type, event) if seen.result else None
    if seen.result is None and not seen.facts.threw:
        return None
    # Imported where it is needed: half of what this module would import, and most incidents have no function.
    from cfrunbook.functions.cloudfront_function.validation import validate as validate_function

    result = recording.of_record(seen.result) if seen.result else _NOTHING
    calls = recording.calls_of(seen.facts)
    return validate_function(result, event_type, event, calls=calls, origins=origins, run=recording.run_of(seen.facts))


def _folded(findings: Iterator[Finding]) -> list[Finding]:
    """Return findings in order, those that say the same of several results as one."""
    alike: dict[tuple[str, ...], list[Finding]] = {}
    for f in findings:
        same = str(f.data["event_type"]) if f.status is Status.OK else f.title  # that names the file
        alike.setdefault((f.code, same, str(f.data["confidence"])), []).append(f)
    return [_several(first, 1 + len(others)) if others else first for first, *others in alike.values()]


def _several(first: Finding, number: int) -> Finding:
    more = Evidence(observation=first.evidence[0].observation, says=f"the same in {number - 1:,} more")
    return msgspec.structs.replace(first, data={**first.data, "results": number}, evidence=(*first.evidence, more))


def _findings(one: Judged, url: str) -> Iterator[Finding]:
    data = _arguments(one, url)
    validation = one.validation
    if isinstance(one.seen, FunctionRun) and one.seen.outcome is not FunctionOutcome.RETURNED and validation is None:
        yield _of_run(one.seen, data)
        return
    if validation is None:
        return
    if validation.event_type is None and validation.kind is Kind.CLOUDFRONT_FUNCTION:
        yield table.EVENT_TYPE_UNKNOWN.finding(evidence=[_evidence(one, "no event type was given")], **data)
    for violation in validation.violations:
        yield _of_violation(one, violation, data)
    if not validation.of(Status.FAULT, Status.UNKNOWN):
        warned = validation.of(Status.WARNING)
        unsaid = f"; {len(warned)} warning{'s' * (len(warned) > 1)} beside" if warned else ""
        rules = len(function_rules(validation.kind))
        yield table.OK.finding(evidence=[_evidence(one, "accepted")], rules=rules, unsaid=unsaid, **data)


def _of_violation(one: Judged, violation: Violation, data: dict[str, Any]) -> Finding:
    arguments = violation.arguments
    says = f"{arguments['path']}: {arguments['value']}" if arguments["value"] else str(arguments["path"])
    doubtful = isinstance(one.seen, FunctionRun) or violation.rule.certainty is Certainty.INFERRED
    own = {name: data[name] for name in ("event_type", "failing_url", "reproduce_command")}
    return table.OF_FUNCTION_RULES[violation.rule.id].apply(
        {**data, **arguments, **own, "confidence": "medium" if doubtful else "high"},
        evidence=[_evidence(one, visible(says + _hint(one.seen), 400))],
    )


def _hint(seen: FunctionResult | FunctionRun) -> str:
    why = HANDED_OVER.get(seen.returned, "") if isinstance(seen, FunctionRun) else ""
    return f" ({why})" if why else ""


def _of_run(run: FunctionRun, data: dict[str, Any]) -> Finding:
    is_lambda = Kind(run.kind) is Kind.LAMBDA_EDGE
    may_have_more = is_lambda and run.limits.seconds < _EDGE_SECONDS
    prefix = "Lambda" if is_lambda else "Function"
    more = {
        "error": run.error or "no message",
        "runtime": run.runtime or "a runtime that was not recorded",
        "x_cache": f"“{prefix}ExecutionError from cloudfront”",
        "event_is": f"the event in {run.event_name}" if run.event_name else "an event made for it",
        "logs_command": _logs_command(run),
        "seconds": f"{run.limits.seconds:g}",
        "memory": run.limits.memory_mb,
        "size": f"{run.limits.result_bytes // (1024 * 1024)} MB",
        "longer": _LONGER if may_have_more else "",
        "allowed": _HANDED_BY_LAMBDA if is_lambda else _MEMORY_OF_FUNCTIONS,
        "larger": _MORE_MEMORY if is_lambda else _MEMORY_OF_FUNCTIONS,
        "what_to_do": run.advice or "Give a result that it returned elsewhere (--function-result).",
        "confidence": "low" if is_lambda and run.outcome in _DEPENDS_ON_SETTINGS else "medium",
    }
    rule = {
        FunctionOutcome.THREW: table.THREW,
        FunctionOutcome.TIMED_OUT: table.TIMED_OUT,
        FunctionOutcome.RAN_OUT_OF_MEMORY: table.RAN_OUT_OF_MEMORY,
        FunctionOutcome.OUTPUT_TOO_LARGE: table.OUTPUT_TOO_LARGE,
    }.get(run.outcome, table.COULD_NOT_RUN)
    evidence = [Evidence(observation=run.id, says=visible(run.error or run.outcome.value.replace("_", " "), 300))]
    return rule.finding(evidence=evidence, **{**data, **more})


_DEPENDS_ON_SETTINGS = (FunctionOutcome.TIMED_OUT, FunctionOutcome.RAN_OUT_OF_MEMORY)
_LONGER = " At the edge it may have up to 30 s: --deadline 30 lets it have them here too."
_MORE_MEMORY = "A Lambda@Edge function may be given more memory than that."
_MEMORY_OF_FUNCTIONS = "A CloudFront Function has 2 MB of memory."
_HANDED_BY_LAMBDA = "Lambda hands over 6 MB at most, and fails the invocation before CloudFront sees a result."


def _logs_command(run: FunctionRun) -> str:
    if Kind(run.kind) is Kind.CLOUDFRONT_FUNCTION:
        return "aws logs tail /aws/cloudfront/function/FUNCTION_NAME --region us-east-1 --since 1h"
    return "aws logs tail /aws/lambda/us-east-1.FUNCTION_NAME --region REGION_OF_THE_EDGE --since 1h"


def _evidence(one: Judged, says: str) -> Evidence:
    if isinstance(one.seen, FunctionRun):
        return Evidence(observation=one.seen.id, says=says)
    return Evidence(observation="input:function_result", says=says)


def _arguments(one: Judged, url: str) -> dict[str, Any]:
    """Return what all rows of one result share; a rule's own arguments come before them."""
    seen = one.seen
    of = visible(one.file, 200)
    kind = "Lambda@Edge function" if Kind(seen.kind) is Kind.LAMBDA_EDGE else "CloudFront Function"
    return {
        "function": f"{kind} ({of})" if of else kind,
        "event_type": seen.event_type or "any event",
        "confidence": "high",
        "failing_url": url or "https://YOUR_SITE/THE_PATH_THAT_FAILS",
        "reproduce_command": reproduce(seen, url),
    }


def reproduce(seen: FunctionResult | FunctionRun, url: str = "") -> str:
    """Return the command that judges the same result again, quoted for a shell; `url` is what an event is made for."""
    words = ["cfrunbook", "function", "--kind", seen.kind]
    if seen.event_type:
        words += ["--event-type", seen.event_type]
    if isinstance(seen, FunctionRun):
        words += ["--handler", seen.handler, "--run-handler"]
    else:
        words += ["--result", seen.name.rpartition(":")[0] if _is_line(seen.name) else seen.name or "result.json"]
    if seen.event_name:
        words += ["--event", seen.event_name]
    elif isinstance(seen, FunctionRun) and url:
        words += ["--url", url]
    if isinstance(seen, FunctionRun) and seen.key_value_store:
        words += ["--key-value-store", seen.key_value_store]
    return " ".join(shlex.quote(visible(word, 1000)) for word in words)


def _is_line(name: str) -> bool:
    """Tell whether a name is that of a line in a file, `results.jsonl:17`, or of standard input."""
    file, colon, number = name.rpartition(":")
    return bool(colon) and number.isdecimal() and (file == "-" or file.lower().endswith(_OF_LINES))


_OF_LINES = (".jsonl", ".ndjson", ".json", ".log", ".txt")
