"""What the checks of Lambda@Edge results work on and write to: the result, the event, and a bounded report."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from cfrunbook.findings import Json, Status
from cfrunbook.functions.documents import Document
from cfrunbook.functions.model import Edit, EventType, FunctionRule, Path, Violation

MAX_LISTED = 20
"""Violations of one rule that are listed; the rest are counted, and mended all the same."""

MAX_FOUND = 5000
"""Violations after which no more are looked for: a result of 6 MB can have millions, and mending them helps nobody."""

Object = dict[str, Any]


def found(rule: FunctionRule, path: Path = (), shown: str = "", edits: Iterable[Edit] = (), **data: Json) -> Violation:
    """Return a violation of `rule` at `path`."""
    return Violation(rule, path, shown, data, tuple(edits))


def below(base: Path, violation: Violation) -> Violation:
    """Return a violation that was found inside of something, with the path of that put before its own."""
    if not base:
        return violation
    edits = tuple(Edit((*base, *edit.path), edit.value) for edit in violation.edits)
    return dataclasses.replace(violation, path=(*base, *violation.path), edits=edits)


def new(check: Callable[[Any], Iterable[Violation]], value: Any, before: Any) -> list[Violation]:
    """Return what `check` finds in `value`, without the rules that what came with the event breaks in the same way.

    CloudFront takes back what it gave: a URI that the viewer sent is no fault of the function.
    """
    violations = list(islice(check(value), MAX_FOUND))
    if not violations or before is None:
        return violations
    known = {violation.rule.id for violation in islice(check(before), MAX_FOUND)}
    return [violation for violation in violations if violation.rule.id not in known]


@dataclass(slots=True)
class Report:
    """The violations of one result as they are found."""

    violations: list[Violation] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    has_fault: bool = False
    has_unmendable_fault: bool = False

    def add(self, violations: Iterable[Violation], base: Path = ()) -> None:
        """Take in violations that were found below `base`."""
        for violation in violations:
            rule = violation.rule
            placed = below(base, violation)
            self.edits += placed.edits
            self.counts[rule.id] += 1
            if self.counts[rule.id] <= MAX_LISTED:
                self.violations.append(placed)
            if rule.status is Status.FAULT:
                self.has_fault = True
                self.has_unmendable_fault |= not placed.edits

    @property
    def is_full(self) -> bool:
        """True where looking on makes no sense."""
        return self.counts.total() >= MAX_FOUND

    def left_off(self) -> Mapping[str, int]:
        """Return how many violations of each rule are not listed."""
        return {rule: count - MAX_LISTED for rule, count in self.counts.items() if count > MAX_LISTED}


@dataclass(frozen=True, slots=True)
class Event:
    """What CloudFront gave to the function, as far as it is there."""

    type: EventType | None
    request: Object
    response: Object | None

    def subject(self, event_type: EventType) -> Object | None:
        """Return what a function of this event changes: the request or the response."""
        return self.request if event_type.is_request else self.response


@dataclass(frozen=True, slots=True)
class Subject:
    """A result that is an object, what is known of the event, and where violations go."""

    document: Document
    value: Object
    event_type: EventType | None
    event: Event | None
    report: Report

    @property
    def before(self) -> Object | None:
        """What the function was given to change; None without the event."""
        return self.event.subject(self.event_type) if self.event and self.event_type else None

    def add(self, *violations: Violation) -> None:
        """Report violations whose paths start at the top."""
        self.report.add(violations)

    def add_all(self, violations: Iterable[Violation], *base: str | int) -> None:
        """Report violations that were found below `base`."""
        self.report.add(violations, base)


def members(value: Object, limit: int = 6) -> list[str]:
    """Return the names of an object's members as they may be shown."""
    return [f"“{name[:60]}”" for name in list(value)[:limit]] + (["more"] if len(value) > limit else [])
