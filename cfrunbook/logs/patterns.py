"""What is to be seen in a summary of logs: bursts, since when, and what the errors have in common. Pure.

A pattern is a description of counts with its numbers, never a cause: what to check next is said with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from itertools import pairwise
from math import sqrt
from statistics import median

from cfrunbook.findings import Struct
from cfrunbook.log_summary import Dimension, KeyCount, LogSummary, Point

MIN_ERRORS = 6
"""Fewer errors than this make no pattern: chance is enough."""
MAX_BURSTS = 5
SHARE = 0.9
"""Share of the errors that one key must have for them to be its own."""
CLUSTER_S = 2
"""Errors so many seconds apart are one event."""


class PatternKind(StrEnum):
    """What the errors have in common."""

    BURST = "burst"
    ONGOING = "ongoing"
    STEADY = "steady"
    ENDED = "ended"
    ONE_POP = "one_pop"
    ONE_HOST = "one_host"
    ONE_PATH = "one_path"
    ONE_METHOD = "one_method"
    ONE_ORIGIN = "one_origin"
    PERIODIC = "periodic"


class Pattern(Struct, frozen=True, kw_only=True):
    """One thing that is to be seen."""

    kind: PatternKind
    key: str = ""
    """The edge location, host, path, method or origin; else empty."""
    errors: int
    """Of those that are part of it."""
    requests: int
    """Of the same time or key, whatever became of them."""
    start: int | None = None
    """Seconds since 1970."""
    end: int | None = None
    """Where a burst is over; its last step is before."""
    period_s: float | None = None
    next_check: str = ""

    @property
    def rate(self) -> float:
        """Errors per request, from 0 to 1."""
        return self.errors / self.requests if self.requests else 0.0


_NEXT: Mapping[PatternKind, str] = {
    PatternKind.BURST: "See what was changed just before: a deployment, a certificate, DNS, a security group, scaling.",
    PatternKind.ONGOING: "It goes on at the end of the logs. See what was changed just before it began.",
    PatternKind.STEADY: "It is spread over the whole time, so no change within these logs began it: look further back,"
    " or for something that fails a part of the time (one of several addresses or name servers, keep-alive).",
    PatternKind.ENDED: "There are later requests without an error. See what was changed when it ended.",
    PatternKind.ONE_POP: "What differs by region: answers of the origin's DNS (geolocation, latency), an allow list"
    " that lacks some of CloudFront's addresses, or a network on the way.",
    PatternKind.ONE_HOST: "What differs by Host: the certificate's names where the Host header is forwarded, and the"
    " origin's virtual hosts.",
    PatternKind.ONE_PATH: "Which cache behavior, origin and functions this path selects; then ask the origin for it.",
    PatternKind.ONE_METHOD: "CloudFront tries GET and HEAD again, and not other methods: connections that the origin"
    " closes while idle then show with those alone. Compare keep-alive times; and limits for bodies.",
    PatternKind.ONE_ORIGIN: "Examine this origin: cfrunbook diagnose --origin NAME.",
    PatternKind.PERIODIC: "What runs in this rhythm: a health check, a scheduled job, a restart, a DNS TTL that brings"
    " one bad address of several.",
}
_DIMENSIONS: tuple[tuple[PatternKind, str], ...] = (
    (PatternKind.ONE_ORIGIN, "origins"),
    (PatternKind.ONE_POP, "pops"),
    (PatternKind.ONE_HOST, "hosts"),
    (PatternKind.ONE_PATH, "paths"),
    (PatternKind.ONE_METHOD, "methods"),
)


def find(summary: LogSummary) -> tuple[Pattern, ...]:
    """Return the patterns of a summary: first when, then what the errors have in common, then their rhythm."""
    if summary.errors < MIN_ERRORS:
        return ()
    found = [*_over_time(summary)]
    for kind, name in _DIMENSIONS:
        dimension: Dimension = getattr(summary, name)
        found += _concentrated(kind, dimension, summary)
    found += _periodic(summary)
    return tuple(found)


def bursts(summary: LogSummary) -> tuple[Pattern, ...]:
    """Return the spans of time with far more errors than their share of requests makes likely, most errors first."""
    points, width = summary.series.points, summary.series.width_s
    if summary.errors < MIN_ERRORS or len(points) < 2:
        return ()
    spans: list[list[Point]] = []
    for point in _hot(points):
        if spans and point.at - spans[-1][-1].at <= 3 * width:
            spans[-1].append(point)
        else:
            spans.append([point])
    found = []
    for span in spans:
        start, end = span[0].at, span[-1].at + width
        inside = [p for p in points if start <= p.at < end]
        errors, requests = sum(p.errors for p in inside), sum(p.requests for p in inside)
        if errors >= MIN_ERRORS:
            found.append(_pattern(PatternKind.BURST, errors, requests, start=start, end=end))
    return tuple(sorted(found, key=lambda b: -b.errors)[:MAX_BURSTS])


def _hot(points: Sequence[Point]) -> list[Point]:
    """Return the steps with more errors than chance makes of the rate that all the other steps have."""
    hot: list[Point] = []
    for _ in range(5):
        beyond = {p.at for p in hot}
        usual = [p for p in points if p.at not in beyond] or points
        rate = sum(p.errors for p in usual) / max(1, sum(p.requests for p in usual))
        found = []
        for point in points:
            expected = rate * point.requests
            if point.errors >= 3 and point.errors > 2 * expected + 5 * sqrt(expected):
                found.append(point)
        if found == hot:
            break
        hot = found
    return hot


def _over_time(summary: LogSummary) -> list[Pattern]:
    found = list(bursts(summary))
    points, width = summary.series.points, summary.series.width_s
    first, last = summary.first_error, summary.last_error
    assert first is not None
    assert last is not None
    before = sum(p.requests for p in points if p.at + width <= first)
    later = sum(p.requests for p in points if p.at > last)
    inside = [p for p in points if p.at + width > first and p.at <= last]
    errors, requests = sum(p.errors for p in inside), sum(p.requests for p in inside)
    rate = errors / max(1, requests)
    if later * rate >= 5 and later:  # so many requests without an error are no chance
        found.append(_pattern(PatternKind.ENDED, errors, requests, start=first, end=last + 1))
    elif before * rate >= 5:
        found.append(_pattern(PatternKind.ONGOING, errors, requests, start=first))
    elif not found:
        found.append(_pattern(PatternKind.STEADY, errors, requests, start=first))
    return found


def _concentrated(kind: PatternKind, dimension: Dimension, summary: LogSummary) -> list[Pattern]:
    """Return the one key that has nearly all errors, where it has far from all requests."""
    if not dimension.known or not dimension.keys:
        return []
    top = dimension.keys[0]
    others = summary.requests - top.requests
    if top.errors < MIN_ERRORS or top.errors < SHARE * summary.errors or not top.key:
        return []
    # Were the others as bad, this many errors of theirs would be expected.
    if others * top.errors / max(1, top.requests) < 5 + 2 * (summary.errors - top.errors):
        return []
    if _rate(top) < 3 * (summary.errors - top.errors) / max(1, others):
        return []
    return [_pattern(kind, top.errors, top.requests, key=top.key)]


def _rate(key: KeyCount) -> float:
    return key.errors / max(1, key.requests)


def _periodic(summary: LogSummary) -> list[Pattern]:
    """Return the rhythm of the errors, where most events are a multiple of one span apart."""
    starts: list[int] = []
    last = None
    for second in summary.seconds:
        if last is None or second - last > CLUSTER_S:
            starts.append(second)
        last = second
    gaps = [b - a for a, b in pairwise(starts)]
    if len(gaps) < MIN_ERRORS:
        return []
    period = median(gaps)
    if period < 5:
        return []
    slack = max(1.5, 0.05 * period)
    times = [max(1, round(gap / period)) for gap in gaps]
    fitting = [(gap, n) for gap, n in zip(gaps, times, strict=True) if abs(gap - n * period) <= slack and n <= 3]
    if len(fitting) < 0.8 * len(gaps):
        return []
    # In a rhythm of 30 seconds with 3 of slack, every fifth gap fits by chance: single steps must prevail.
    if sum(n == 1 for _, n in fitting) < 0.6 * len(gaps):
        return []
    exact = sum(gap for gap, _ in fitting) / sum(n for _, n in fitting)
    events = len(starts)
    return [
        _pattern(
            PatternKind.PERIODIC, events, summary.requests, start=starts[0], end=starts[-1], period_s=round(exact, 1)
        )
    ]


def _pattern(
    kind: PatternKind,
    errors: int,
    requests: int,
    *,
    key: str = "",
    start: int | None = None,
    end: int | None = None,
    period_s: float | None = None,
) -> Pattern:
    return Pattern(
        kind=kind,
        key=key,
        errors=errors,
        requests=requests,
        start=start,
        end=end,
        period_s=period_s,
        next_check=_NEXT[kind],
    )
