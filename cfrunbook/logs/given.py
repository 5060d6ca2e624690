"""Access logs as an incident is given them: paths that are read, or a summary; checked, and short enough to travel."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

from cfrunbook.errors import BadInput
from cfrunbook.log_summary import Dimension, LogSummary, Point
from cfrunbook.logs import merging

LogSource = str | os.PathLike[str] | LogSummary
Progress = Callable[[int, int], None]
"""Told how many bytes were read, about, and how many there are."""


def load(given: LogSource | Sequence[LogSource], progress: Progress | None = None) -> LogSummary:
    """Return what access logs say, from files and folders or as it was counted before. Raises BadInput."""
    sources = list(given) if isinstance(given, list | tuple) else [given]
    if len(sources) == 1 and isinstance(sources[0], LogSummary):
        check(sources[0])
        return merging.shortened_summary(sources[0])
    paths = [source for source in sources if isinstance(source, str | os.PathLike)]
    if len(paths) < len(sources):
        wrong = next(type(s).__name__ for s in sources if not isinstance(s, str | os.PathLike))
        raise BadInput(
            f"Access logs: give files and folders, or one LogSummary; not a value of type {wrong} among them."
        )
    from cfrunbook.logs import reading

    return merging.shortened_summary(reading.read(paths, progress=progress))


def check(summary: LogSummary) -> None:
    """Refuse counts that cannot be of any logs. Raises BadInput: a summary in a recording may hold anything."""
    wrong = next(_contradictions(summary), "")
    if wrong:
        raise BadInput(f"Access logs: what was counted contradicts itself ({wrong}); count them again.")


def _contradictions(summary: LogSummary) -> Iterator[str]:
    s = summary
    if s.errors and (s.first_error is None or s.last_error is None or s.first_error > s.last_error):
        yield "errors without a time"
    if s.requests and (s.first_request is None or s.last_request is None or s.first_request > s.last_request):
        yield "requests without a time"
    if s.errors > s.requests:
        yield "more errors than requests"
    if max(s.repeats, s.untyped, s.cut, s.wide) > s.errors or s.repeats_explained > s.repeats:
        yield "more errors of one kind than errors"
    if sum(t.count for t in s.types if t.status == s.status) > s.errors:
        yield "more errors in its result types than errors"
    series = (s.series, *s.neighbors.values(), *(t.series for t in s.types))
    if any(a.at >= b.at for each in series for a, b in pairwise(each.points)):
        yield "time that does not go on"
    if any(a.at >= b.at for row in s.grid.rows for a, b in pairwise(row.points)):
        yield "time that does not go on"
    if any(a >= b for a, b in pairwise(s.seconds)):
        yield "time that does not go on"
    if _has_excess(s.series.points) or any(_has_excess(row.points) for row in s.grid.rows):
        yield "more errors than requests at some time"
    if s.errors and not any(p.requests for p in s.series.points):
        yield "errors at no time"
    if any(not t.count or not any(p.errors for p in t.series.points) for t in s.types):
        yield "a result type at no time"
    if any(t.first > t.last for t in s.types):
        yield "a last error before the first"
    for name in ("pops", "hosts", "paths", "methods", "origins"):
        dimension: Dimension = getattr(s, name)
        if any(key.repeats > key.errors for key in dimension.keys):
            yield "more repeats than errors"


def _has_excess(points: Iterable[Point]) -> bool:
    return any(point.errors > point.requests for point in points)
