"""What CloudFront makes of one result of a CloudFront Function, and of what the function called.

A path in a violation is the way within the returned object: `headers["x-foo"].value` is what the code knows as
`response.headers["x-foo"].value`, or `request.`. For a call of an origin helper it begins with the helper's name and
the number of the argument: `updateRequestOrigin[0].customHeaders["x-foo"]`.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cfrunbook.findings import Json, Status
from cfrunbook.functions.cloudfront_function import (
    code,
    compared,
    entries,
    facts,
    fields,
    origin_calls,
    shapes,
    tested,
)
from cfrunbook.functions.cloudfront_function.calls import OriginCall, Run
from cfrunbook.functions.cloudfront_function.case import MAX_VIOLATIONS, Case
from cfrunbook.functions.cloudfront_function.known_origins import KnownOrigins
from cfrunbook.functions.cloudfront_function.result_rules import EVENT_UNUSABLE
from cfrunbook.functions.documents import MAX_BYTES, Base64, Document
from cfrunbook.functions.model import EVENT_TYPES, Edit, EventType, Kind, Validation, Violation, apply

_KIND = Kind.CLOUDFRONT_FUNCTION
_NOTHING_KNOWN = Run()
_ROUNDS = 4
"""Mending a result may show what was hidden behind the first fault: a converted header may be a read-only one."""


def validate(
    result: Document,
    event_type: EventType | None = None,
    event: Document | None = None,
    *,
    calls: tuple[OriginCall, ...] = (),
    origins: KnownOrigins | None = None,
    run: Run = _NOTHING_KNOWN,
) -> Validation:
    """Return what CloudFront makes of `result`. Pure; never raises, whatever the documents hold.

    Without `event_type` it is taken from `event`. Without `event`, what must be compared with it is reported as
    "cannot tell"; without `origins`, so is what depends on the distribution. `calls` are those of the origin helpers.
    The output of `aws cloudfront test-function` is taken as well.
    """
    if (unpacked := tested.unpack(result)) is not None:
        result, run = unpacked[0], _joined(run, unpacked[1])
    result = _filled(result)
    given, said = _event(event, event_type)
    wanted = event_type if event_type in EVENT_TYPES[_KIND] else _event_type_of(given)
    if event_type is not None and event_type not in EVENT_TYPES[_KIND]:
        problem = f"CloudFront Functions do not run at {event_type}, only at viewer-request and viewer-response"
        said = (*said, Violation(EVENT_UNUSABLE, (), "", {"problem": problem}))
    beside = (
        *code.check(run, wanted),
        *origin_calls.check(calls, run, origins, event_type=wanted, names=_header_names(given, result)),
    )
    if run.threw:
        return Validation(_KIND, wanted, "", (*beside, *said))
    seen = shapes.see(result, wanted)
    case = _case(seen, wanted, given)
    own = tuple(seen.violations) if case is None else _ordered(case, (*seen.violations, *_checked(case)))
    size = None if case is None else fields.body_size(case.result)
    return Validation(
        kind=_KIND,
        event_type=wanted,
        shape=seen.shape or "",
        violations=(*own, *(shapes.flaws_of(result) if result.is_readable else ()), *beside, *said),
        corrected=_corrected(result.value, own, wanted, given),
        size=size,
        limit=None if size is None else facts.REPORTED_MAX_BODY,
    )


def _filled(result: Document) -> Document:
    """Return a result with every text that was left out of its recording as one of the same size and alphabet."""
    if not result.left_out:
        return result
    edits = [
        Edit(text.path, ("!" if text.measure.base64 is Base64.NOT else "A") * min(text.measure.size, MAX_BYTES))
        for text in result.left_out
    ]
    return Document(apply(edits, result.value), result.size, result.flaws)


def _case(seen: shapes.Seen, event_type: EventType | None, event: dict[str, Any] | None) -> Case | None:
    if seen.result is None or seen.shape is None:
        return None
    is_generated = seen.shape == "response" and event_type is EventType.VIEWER_REQUEST
    before = None if event is None or is_generated else event.get(seen.shape)
    request = event.get("request") if event else None
    return Case(
        result=seen.result,
        shape=seen.shape,
        event_type=event_type,
        before=before if isinstance(before, dict) else None,
        request=request if isinstance(request, dict) else None,
        is_generated=is_generated,
    )


def _checked(case: Case) -> list[Violation]:
    fields.check(case)
    entries.check(case)
    compared.check(case)
    return case.found


def _joined(given: Run, seen: Run) -> Run:
    """Return what is known of the run; what was given goes before what `test-function` says."""
    return Run(
        threw=given.threw or seen.threw,
        code=given.code,
        runtime=given.runtime or seen.runtime,
        compute_utilization=seen.compute_utilization
        if given.compute_utilization is None
        else given.compute_utilization,
    )


def _header_names(event: dict[str, Any] | None, result: Document) -> frozenset[str]:
    """Return the names of the request's headers, lower case: as the viewer sent them, and as the function left them."""
    found: set[str] = set()
    for message in (event.get("request") if event else None, result.value):
        headers = message.get("headers") if isinstance(message, dict) else None
        if isinstance(headers, dict):
            found.update(name.lower() for name in headers)
    return frozenset(found)


def _ordered(case: Case, found: Iterable[Violation]) -> tuple[Violation, ...]:
    """Return violations in the order of the result; what is about something that is not there comes last."""
    place = {name: number for number, name in enumerate(case.result)}
    return tuple(sorted(found, key=lambda v: place.get(str(v.path[0]), len(place)) if v.path else -1))


def _corrected(
    value: Json, found: tuple[Violation, ...], event_type: EventType | None, event: dict[str, Any] | None
) -> Json:
    """Return the result with all edits applied, once nothing that can be mended is left; None where that is not so."""
    mended = value
    for _ in range(_ROUNDS):
        if any(v.rule.status is Status.FAULT and not v.edits for v in found):
            return None
        edits = [edit for violation in found for edit in violation.edits]
        if len(found) >= MAX_VIOLATIONS:
            return None  # there is more wrong than is kept
        if not edits:
            return None if mended is value else mended
        mended = apply(edits, mended)
        found = _judged(mended, event_type, event)
    return None if any(v.edits or v.rule.status is Status.FAULT for v in found) else mended


def _judged(value: Json, event_type: EventType | None, event: dict[str, Any] | None) -> tuple[Violation, ...]:
    seen = shapes.see(Document(value, 0), event_type)
    case = _case(seen, event_type, event)
    return (*seen.violations, *(_checked(case) if case else ()))


def _event(
    document: Document | None, event_type: EventType | None
) -> tuple[dict[str, Any] | None, tuple[Violation, ...]]:
    """Return the event if it is one of CloudFront Functions, else None and what is wrong with it."""
    if document is None:
        return None, ()
    value = document.value if document.is_readable else None
    if isinstance(value, dict) and isinstance(value.get("request"), dict):
        own = _event_type_of(value)
        wanted = event_type or own
        if wanted is EventType.VIEWER_RESPONSE and not isinstance(value.get("response"), dict):
            return value, (_unusable("it has no response, which every event at viewer-response has"),)
        if event_type is not None and own is not None and own is not event_type:
            return None, (_unusable(f"it is one of {own}, and the result is to be one of {event_type}"),)
        return value, ()
    if isinstance(value, dict) and "Records" in value:
        return None, (_unusable("it is one of Lambda@Edge, not of CloudFront Functions"),)
    if not document.is_readable:
        flaw = document.flaws[0]
        return None, (_unusable(f"it is not readable JSON ({flaw.kind.replace('_', ' ')})"),)
    return None, (_unusable("it has no request"),)


def _unusable(problem: str) -> Violation:
    return Violation(EVENT_UNUSABLE, (), "", {"problem": problem})


def _event_type_of(event: dict[str, Any] | None) -> EventType | None:
    """Return what the event says of itself, or what can be seen: only viewer-response has a response."""
    if event is None:
        return None
    context = event.get("context")
    said = context.get("eventType") if isinstance(context, dict) else None
    found = next((known for known in EVENT_TYPES[_KIND] if known == said), None)
    if found is None and said is None:
        return EventType.VIEWER_RESPONSE if isinstance(event.get("response"), dict) else EventType.VIEWER_REQUEST
    return found
