"""Checks of the custom headers of an `origin` object: which may be set, their structure, and who else sets them.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/add-origin-custom-headers.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from cfrunbook.cloudfront.edge_headers import READ_ONLY_LAMBDA_EDGE, is_denied_as_custom, is_disallowed
from cfrunbook.findings import Status
from cfrunbook.functions.lambda_edge import headers
from cfrunbook.functions.lambda_edge import origin_rules as rules
from cfrunbook.functions.lambda_edge.subject import Object, Subject, below, found
from cfrunbook.functions.model import DELETE, Edit, EventType, Path, Violation
from cfrunbook.functions.secrets import describe

MAX_HEADERS, MAX_NAME, MAX_VALUE, MAX_TOTAL = 30, 256, 1783, 10240
"""Quotas of a distribution: custom headers of an origin, characters of a name, of a value, and of all of them.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html#limits-custom-headers
"""


def check(subject: Subject, kind: str, value: Any, before: Object | None) -> None:
    """Check `customHeaders` of the origin of this kind; `before` has the settings that came with the event."""
    base: Path = ("origin", kind, "customHeaders")
    old = before.get("customHeaders") if before else None
    if not isinstance(value, dict):
        edits = [Edit(base, old if isinstance(old, dict) else {})]
        problem = f"customHeaders is {describe(value)}, and it has to be an object."
        subject.add(found(rules.CUSTOM_HEADER_INVALID, base, describe(value), edits, kind=kind, problem=problem))
        return
    known = {name.lower(): entry for name, entry in old.items()} if isinstance(old, dict) else {}
    spellings = Counter(name.lower() for name in value)
    for name, entry in value.items():
        if subject.report.is_full:
            return
        lower = name.lower()
        path = (*base, name)
        if is_denied_as_custom(lower) or is_disallowed(lower):
            if lower not in known:
                edits = [Edit(path, DELETE)]
                subject.add(found(rules.CUSTOM_HEADER_DENIED, path, edits=edits, header=lower, kind=kind))
            continue
        violations = headers.entry_violations(value, name, entry, known, spellings, base=base)
        subject.add(*(_as_custom(below(base, violation), kind) for violation in violations))
    subject.add(*_collisions(subject, kind, value, known, base))
    if (problem := _over_limit(value)) and not _over_limit(known):
        subject.add(found(rules.CUSTOM_HEADERS_SIZE, base, problem=problem))


def _as_custom(violation: Violation, kind: str) -> Violation:
    """Return what CloudFront says of a fault in a custom header; warnings stay what they are."""
    if violation.rule.status is not Status.FAULT:
        return violation
    edits, problem = violation.edits, violation.title
    return found(rules.CUSTOM_HEADER_INVALID, violation.path, violation.shown, edits, kind=kind, problem=problem)


def _collisions(subject: Subject, kind: str, value: Object, known: Object, base: Path) -> Iterator[Violation]:
    """Yield headers that the request has as well; what came so with the event is left alone."""
    given, before = _names(subject.value), _names(subject.before)
    for name in value:
        lower = name.lower()
        if lower not in given or (lower in known and lower in before):
            continue
        if is_denied_as_custom(lower) or is_disallowed(lower):
            continue
        path = (*base, name)
        is_fixed = lower in READ_ONLY_LAMBDA_EDGE[EventType.ORIGIN_REQUEST]
        edits = [Edit(path if is_fixed else ("headers", given[lower]), DELETE)]
        yield found(rules.CUSTOM_HEADER_COLLISION, path, edits=edits, header=lower, kind=kind)


def _names(request: Object | None) -> dict[str, str]:
    found_headers = request.get("headers") if request else None
    return {name.lower(): name for name in found_headers} if isinstance(found_headers, dict) else {}


def _over_limit(value: Object) -> str:
    """Return which quota of a distribution the headers are over, or an empty string."""
    entries = [
        (name, item["value"])
        for name, entry in value.items()
        for item in (entry if isinstance(entry, list) else ())
        if isinstance(item, dict) and isinstance(item.get("value"), str)
    ]
    total = sum(len(name) + len(text) for name, text in entries)
    if len(entries) > MAX_HEADERS:
        return f"there are {len(entries):,} of them"
    if longest := next((name for name, _ in entries if len(name) > MAX_NAME), ""):
        return f"a name has {len(longest):,} characters"
    if long_value := next((text for _, text in entries if len(text) > MAX_VALUE), ""):
        return f"a value has {len(long_value):,} characters"
    return f"all of them have {total:,} characters" if total > MAX_TOTAL else ""
