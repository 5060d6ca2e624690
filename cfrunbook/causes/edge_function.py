"""The cause "edge function": CloudFront refuses what a function returned, or the function failed. Pure.

Only a refused result (validation) is a 502; a function that throws, takes too long or is throttled gives a 503.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/http-502-bad-gateway.html#http-502-lambda-validation-error
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/http-502-bad-gateway.html#http-502-cloudfront-function-validation-error
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cfrunbook.causes import edge_function_rules as table
from cfrunbook.causes.edge_function_rules import AWS_PAGE, RULES
from cfrunbook.evidence import FunctionDocument, FunctionOutcome, FunctionResult, FunctionRun, Observations
from cfrunbook.findings import Cause, Evidence, Finding, Status
from cfrunbook.functions import recording
from cfrunbook.functions.cloudfront_function.known_origins import KnownOrigins
from cfrunbook.functions.cloudfront_function.validation import validate as validate_function
from cfrunbook.functions.documents import Document
from cfrunbook.functions.model import TITLES, Certainty, EventType, Kind, Validation, Violation
from cfrunbook.functions.validation import rules as function_rules
from cfrunbook.functions.validation import validate
from cfrunbook.text import visible

__all__ = ["AWS_PAGE", "CAUSE", "NOTEBOOK", "RULES", "Judged", "judge", "judge_inputs", "judged"]

CAUSE = Cause.EDGE_FUNCTION
NOTEBOOK = "06_edge_function"
MAX_FINDINGS = 200
"""Findings about all results of one incident; the others are counted in the last one's data."""

_NOTHING = Document(None, 0)


@dataclass(frozen=True, slots=True)
class Judged:
    """One result of a function, given or run here, and what CloudFront would make of it."""

    seen: FunctionResult | FunctionRun
    validation: Validation | None
    """None: there is no result to be judged, since the handler did not return one."""

    @property
    def document(self) -> FunctionDocument | None:
        """The result as recorded."""
        return self.seen.result

    @property
    def title(self) -> str:
        """For people: which function, by its file, at which event."""
        of = self.seen.handler if isinstance(self.seen, FunctionRun) else self.seen.name
        event = self.seen.event_type or "an event that was not said"
        name = f" {visible(of, 120)}" if of else ""
        return f"{TITLES[Kind(self.seen.kind)]}{name}, {event}"


def judged(
    given: Sequence[FunctionResult], runs: Sequence[FunctionRun] = (), *, origins: KnownOrigins | None = None
) -> tuple[Judged, ...]:
    """Return what CloudFront would make of every result that was given or came of a run, in that order.

    `origins` are those of the distribution: they decide what a CloudFront Function's origin helpers may do.
    """
    everything: tuple[FunctionResult | FunctionRun, ...] = (*given, *runs)
    return tuple(Judged(seen, _validation(seen, origins)) for seen in everything)


def judge(
    given: Sequence[FunctionResult],
    *,
    runs: Sequence[FunctionRun] = (),
    url: str = "",
    origins: KnownOrigins | None = None,
) -> tuple[Finding, ...]:
    """Return what was concluded about results of functions and about runs of handlers on this machine.

    `url` is the failing URL, for the commands; `origins` are those of the distribution. At most `MAX_FINDINGS`, faults
    first where there are more.
    """
    found = [f for one in judged(given, runs, origins=origins) for f in _findings(one, url)]
    if len(found) > MAX_FINDINGS:
        found.sort(key=lambda f: (f.status is not Status.FAULT, f.status is Status.OK))
    return tuple(found[:MAX_FINDINGS])


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
    result = recording.of_record(seen.result) if seen.result else _NOTHING
    calls = recording.calls_of(seen.facts)
    return validate_function(result, event_type, event, calls=calls, origins=origins, run=recording.run_of(seen.facts))


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
    run = {"confidence": "medium" if doubtful else "high"}
    return table.OF_FUNCTION_RULES[violation.rule.id].apply(
        {**data, **arguments, "event_type": data["event_type"], **run}, evidence=[_evidence(one, visible(says, 300))]
    )


def _of_run(run: FunctionRun, data: dict[str, Any]) -> Finding:
    is_lambda = Kind(run.kind) is Kind.LAMBDA_EDGE
    prefix = "Lambda" if is_lambda else "Function"
    more = {
        "error": run.error or "no message",
        "runtime": run.runtime or "a runtime that was not recorded",
        "x_cache": f"“{prefix}ExecutionError from cloudfront”",
        "event_is": f"the event in {run.event_name}" if run.event_name else "an event made for it",
        "logs_command": _logs_command(run),
        "limit": _limit(run),
        "allowed": "40 KB" if EventType(run.event_type).is_viewer else "1 MB",
        "what_to_do": run.advice or "Give a result that it returned elsewhere (--function-result).",
        "confidence": "medium",
    }
    rule = {
        FunctionOutcome.THREW: table.THREW,
        FunctionOutcome.TIMED_OUT: table.TIMED_OUT,
        FunctionOutcome.RAN_OUT_OF_MEMORY: table.RAN_OUT_OF_MEMORY,
        FunctionOutcome.OUTPUT_TOO_LARGE: table.OUTPUT_TOO_LARGE,
    }.get(run.outcome, table.COULD_NOT_RUN)
    evidence = [Evidence(observation=run.id, says=visible(run.error or run.outcome.value, 300))]
    return rule.finding(evidence=evidence, **{**data, **more})


def _limit(run: FunctionRun) -> str:
    return {
        FunctionOutcome.TIMED_OUT: f"{run.limits.seconds:g}",
        FunctionOutcome.RAN_OUT_OF_MEMORY: str(run.limits.memory_mb),
        FunctionOutcome.OUTPUT_TOO_LARGE: f"{run.limits.result_bytes // (1024 * 1024)} MB",
    }.get(run.outcome, "")


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
    of = visible(seen.handler if isinstance(seen, FunctionRun) else seen.name, 200)
    kind = "Lambda@Edge function" if Kind(seen.kind) is Kind.LAMBDA_EDGE else "CloudFront Function"
    return {
        "function": f"{kind} ({of})" if of else kind,
        "event_type": seen.event_type or "any event",
        "failing_url": url or "https://www.example.com/",
        "reproduce_command": reproduce(seen),
    }


def reproduce(seen: FunctionResult | FunctionRun) -> str:
    """Return the command that judges the same result again, quoted for a shell."""
    words = ["cfrunbook", "function", "--kind", seen.kind]
    if seen.event_type:
        words += ["--event-type", seen.event_type]
    if isinstance(seen, FunctionRun):
        words += ["--handler", seen.handler, "--run-handler"]
    else:
        words += ["--result", seen.name.rpartition(":")[0] if _is_line(seen.name) else seen.name or "result.json"]
    if seen.event_name:
        words += ["--event", seen.event_name]
    return " ".join(shlex.quote(visible(word, 1000)) for word in words)


def _is_line(name: str) -> bool:
    """Tell whether a name is that of a line in a file: `results.jsonl:17`."""
    file, colon, number = name.rpartition(":")
    return bool(colon) and number.isdecimal() and file.lower().endswith((".jsonl", ".ndjson"))
