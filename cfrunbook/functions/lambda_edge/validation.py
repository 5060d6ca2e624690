"""What CloudFront makes of the result of a Lambda@Edge function. Pure: documents in, a validation out; never raises.

The result is walked once; `subject` has what the checks share, and each part of a result has its own module of them.
"""

from __future__ import annotations

from dataclasses import dataclass

from cfrunbook.cloudfront.edge_headers import READ_ONLY_LAMBDA_EDGE
from cfrunbook.findings import Json, Status
from cfrunbook.functions.documents import Document, Flaw, FlawKind
from cfrunbook.functions.lambda_edge import events, headers, requests, responses
from cfrunbook.functions.lambda_edge import result_rules as rules
from cfrunbook.functions.lambda_edge.shapes import REQUEST, RESPONSE, shape_of
from cfrunbook.functions.lambda_edge.subject import Event, Report, Subject, found
from cfrunbook.functions.model import EventType, Kind, Path, Validation, Violation, apply

LAMBDA_LIMIT = 6 * 1024 * 1024 + 256
"""Bytes of JSON that Lambda hands over as the result of one invocation: 6 MB.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""
MENDABLE = 2 * 1024 * 1024
"""Bytes of JSON that are mended: more than CloudFront takes of anything, so mending more helps nobody."""
ROUNDS = 6
"""How often a result is mended: a mended structure may show what could not be seen in the broken one."""


@dataclass(slots=True)
class _Judgement:
    report: Report
    shape: str = ""
    size: int | None = None
    limit: int | None = None


def validate(result: Document, event_type: EventType | None = None, event: Document | None = None) -> Validation:
    """Return what CloudFront makes of `result`; see `cfrunbook.functions.validation.validate`."""
    given, why = events.read(event, event_type) if event is not None else (None, "")
    kind = event_type or (events.type_of(event.value) if event is not None and event.is_readable else None)
    judgement = _judge(result, kind, given)
    report = judgement.report
    _say_what_cannot_be_told(judgement, kind, given, why)
    corrected = _mended(result, kind, given, report)
    violations = sorted(report.violations, key=_Order(result.value))
    return Validation(
        kind=Kind.LAMBDA_EDGE,
        event_type=kind,
        shape=judgement.shape,
        violations=tuple(violations),
        corrected=corrected,
        size=judgement.size,
        limit=judgement.limit,
        left_off=report.left_off(),
    )


def _judge(result: Document, event_type: EventType | None, event: Event | None) -> _Judgement:
    """Walk the result once, as far as it can be walked."""
    judgement = _Judgement(Report())
    report = judgement.report
    if result.size > LAMBDA_LIMIT:
        report.add([found(rules.RESULT_TOO_LARGE, size=result.size, limit=LAMBDA_LIMIT)])
        return judgement
    for flaw in result.flaws:
        report.add([_of_flaw(flaw)])
    if not result.is_readable or any(flaw.kind is FlawKind.NOT_FINITE for flaw in result.flaws):
        return judgement
    judgement.shape, violations = shape_of(result.value, event_type, event)
    report.add(violations)
    if judgement.shape and isinstance(result.value, dict):
        subject = Subject(result, result.value, event_type, event, report)
        if judgement.shape == REQUEST:
            requests.check(subject)
        else:
            judgement.size, judgement.limit = responses.check(subject)
    return judgement


def _of_flaw(flaw: Flaw) -> Violation:
    path: Path = flaw.path or ()
    match flaw.kind:
        case FlawKind.EMPTY:
            return found(rules.RESULT_NULL, shown="nothing", what="nothing at all")
        case FlawKind.UNDEFINED:
            return found(rules.RESULT_NULL, shown="undefined", what="undefined")
        case FlawKind.TOO_DEEP:
            return found(rules.JSON_TOO_DEEP, detail=flaw.detail)
        case FlawKind.NOT_FINITE:
            return found(rules.JSON_NOT_FINITE, path, detail=flaw.detail)
        case FlawKind.DUPLICATE_KEY:
            return found(rules.JSON_DUPLICATE_KEY, path, detail=flaw.detail)
        case FlawKind.LONE_SURROGATE:
            return found(rules.JSON_LONE_SURROGATE, path)
    return found(rules.JSON_INVALID, detail=flaw.detail)


def _say_what_cannot_be_told(judgement: _Judgement, kind: EventType | None, event: Event | None, why: str) -> None:
    """Add what would have to be known to say more. Nothing of it matters where there is no request or response."""
    report = judgement.report
    if not judgement.shape:
        return
    if kind is None:
        report.add([found(rules.EVENT_TYPE_UNKNOWN)])
    if why:
        report.add([found(rules.EVENT_UNUSABLE, why=why)])
    generated = judgement.shape == RESPONSE and (kind is None or kind.is_request)
    if event is None and kind is not None and not generated:
        report.add([found(rules.NOT_COMPARED, what=_compared(kind))])


def _compared(kind: EventType) -> str:
    """Return what a function of this event may not change, in words."""
    names = ", ".join(headers.canonical(name) for name in sorted(READ_ONLY_LAMBDA_EDGE[kind]))
    others = {EventType.VIEWER_RESPONSE: ", or the status"}
    return f"a read-only header ({names})" + (", the method or clientIp" if kind.is_request else others.get(kind, ""))


def _mended(result: Document, kind: EventType | None, event: Event | None, report: Report) -> Json:
    """Return the result with all edits made, again and again until nothing is left to mend; None where it is not so."""
    if not report.edits or report.has_unmendable_fault or report.is_full or result.size > MENDABLE:
        return None
    value = result.value
    for _ in range(ROUNDS):
        value = apply(report.edits, value)
        mended = Document(value, 0, left_out=result.left_out)
        report = _judge(mended, kind, event).report
        if not report.edits:
            break
    return None if report.has_fault else value


class _Order:
    """Sorts violations by where in the result they are; what is about something missing comes last in its object."""

    def __init__(self, value: Json) -> None:
        self._value = value
        self._places: dict[int, dict[str, int]] = {}

    def __call__(self, violation: Violation) -> tuple[int, tuple[int, ...]]:
        here: Json = self._value
        order: list[int] = []
        for step in violation.path:
            if isinstance(step, int):
                order.append(step)
                here = here[step] if isinstance(here, list) and step < len(here) else None
            elif isinstance(here, dict) and step in here:
                places = self._places.setdefault(id(here), {})
                if not places:
                    places.update({name: number for number, name in enumerate(here)})
                order.append(places[step])
                here = here[step]
            else:
                order.append(1 << 30)
                here = None
        return (violation.rule.status is Status.UNKNOWN and not violation.path, tuple(order))
