"""Summaries put together, and made short enough to travel. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from cfrunbook.log_summary import (
    MAX_EXAMPLES,
    MAX_GUESSES,
    MAX_PATHS,
    MAX_PROBLEMS,
    MAX_SAMPLES,
    Dimension,
    Files,
    Grid,
    KeyCount,
    Labeled,
    Lines,
    LogSummary,
    Series,
    TypeCount,
)
from cfrunbook.logs.tally import MAX_SECONDS, rank
from cfrunbook.logs.timeline import joined, shortened, widened

SHORT_KEYS, SHORT_TYPES, SHORT_STEPS, SHORT_COLUMNS, SHORT_ROWS, SHORT_SECONDS = 25, 15, 288, 72, 20, 1000
"""What `shortened_summary` keeps."""


def merged(summaries: Sequence[LogSummary]) -> LogSummary:
    """Return the sum of summaries of the same status and window; the window is that of the first."""
    total = summaries[0]
    for one in summaries[1:]:
        total = _sum(total, one)
    return total


def _sum(a: LogSummary, b: LogSummary) -> LogSummary:
    paths = _dimensions(a.paths, b.paths)
    beyond = sum(s.repeats_explained - _explained(s.paths) for s in (a, b))
    seconds = sorted({*a.seconds, *b.seconds})
    return LogSummary(
        status=a.status,
        files=_files(a.files, b.files),
        lines=_lines(a.lines, b.lines),
        requests=a.requests + b.requests,
        errors=a.errors + b.errors,
        repeats=a.repeats + b.repeats,
        repeats_explained=max(0, beyond) + _explained(paths),
        untyped=a.untyped + b.untyped,
        cut=a.cut + b.cut,
        wide=a.wide + b.wide,
        masked=a.masked + b.masked,
        since=a.since,
        until=a.until,
        first_request=_least(a.first_request, b.first_request),
        last_request=_most(a.last_request, b.last_request),
        first_error=_least(a.first_error, b.first_error),
        last_error=_most(a.last_error, b.last_error),
        statuses=_counts(a.statuses, b.statuses),
        types=_types((*a.types, *b.types)),
        series=joined(a.series, b.series),
        neighbors={
            name: joined(a.neighbors.get(name, Series()), b.neighbors.get(name, Series()))
            for name in sorted({*a.neighbors, *b.neighbors})
        },
        pops=_dimensions(a.pops, b.pops),
        hosts=_dimensions(a.hosts, b.hosts),
        paths=paths,
        methods=_dimensions(a.methods, b.methods),
        origins=_dimensions(a.origins, b.origins),
        grid=_grids(a.grid, b.grid),
        seconds=tuple(seconds[:MAX_SECONDS]),
        seconds_complete=a.seconds_complete and b.seconds_complete and len(seconds) <= MAX_SECONDS,
    )


def shortened_summary(summary: LogSummary) -> LogSummary:
    """Return the summary with the most important keys, and time in fewer steps: a hundred kilobytes at most, about."""
    total = shortened(summary.series, SHORT_STEPS)
    width = total.width_s

    def short(series: Series) -> Series:
        return Series(width_s=max(width, series.width_s), points=widened(series.points, max(width, series.width_s)))

    few_wide = shortened(summary.series, SHORT_COLUMNS).width_s

    def few(series: Series) -> Series:
        return Series(
            width_s=max(few_wide, series.width_s), points=widened(series.points, max(few_wide, series.width_s))
        )

    types = [t for t in summary.types if t.status == summary.status][:SHORT_TYPES]
    types += [t for t in summary.types if t.status != summary.status][:SHORT_TYPES]
    return msgspec.structs.replace(
        summary,
        types=tuple(msgspec.structs.replace(t, series=few(t.series)) for t in types),
        series=total,
        neighbors={name: short(series) for name, series in summary.neighbors.items()},
        pops=_short(summary.pops),
        hosts=_short(summary.hosts),
        paths=_short(summary.paths),
        methods=_short(summary.methods),
        origins=_short(summary.origins),
        grid=_short_grid(summary),
        seconds=summary.seconds[:SHORT_SECONDS],
        seconds_complete=summary.seconds_complete and len(summary.seconds) <= SHORT_SECONDS,
    )


def with_files(summary: LogSummary, *, paths: Sequence[str], given: int, skipped: int) -> LogSummary:
    """Return the summary with what was named, and the number of files that this was and that were skipped."""
    files = msgspec.structs.replace(summary.files, paths=tuple(paths[:MAX_PATHS]), given=given, skipped=skipped)
    return msgspec.structs.replace(summary, files=files)


def _explained(paths: Dimension) -> int:
    return sum(key.repeats for key in paths.keys if key.repeats < key.errors)


def _files(a: Files, b: Files) -> Files:
    guesses = _counts(a.guesses, b.guesses)
    return Files(
        paths=tuple(dict.fromkeys((*a.paths, *b.paths)))[:MAX_PATHS],
        given=a.given + b.given,
        read=a.read + b.read,
        empty=a.empty + b.empty,
        skipped=a.skipped + b.skipped,
        bytes=a.bytes + b.bytes,
        failed=a.failed + b.failed,
        problems=tuple(sorted((*a.problems, *b.problems), key=lambda p: p.file))[:MAX_PROBLEMS],
        formats=_counts(a.formats, b.formats),
        guesses=dict(list(guesses.items())[:MAX_GUESSES]),
    )


def _lines(a: Lines, b: Lines) -> Lines:
    return Lines(
        read=a.read + b.read,
        parsed=a.parsed + b.parsed,
        malformed=a.malformed + b.malformed,
        outside=a.outside + b.outside,
        samples=tuple(sorted((*a.samples, *b.samples), key=lambda s: (s.file, s.line)))[:MAX_SAMPLES],
    )


def _counts(a: dict[str, int], b: dict[str, int]) -> dict[str, int]:
    return {name: a.get(name, 0) + b.get(name, 0) for name in sorted({*a, *b})}


def _types(types: Iterable[TypeCount]) -> tuple[TypeCount, ...]:
    found: dict[tuple[str, int, bool], TypeCount] = {}
    for one in types:
        key = (one.name, one.status, one.detailed)
        have = found.get(key)
        found[key] = one if have is None else _type(have, one)
    return tuple(sorted(found.values(), key=lambda t: (-t.count, t.name, t.status, t.detailed)))


def _type(a: TypeCount, b: TypeCount) -> TypeCount:
    examples = sorted({*a.examples, *b.examples}, key=lambda e: (e.at, e.request_id, e.pop, e.path))[:MAX_EXAMPLES]
    return TypeCount(
        name=a.name,
        status=a.status,
        count=a.count + b.count,
        detailed=a.detailed,
        first=min(a.first, b.first),
        last=max(a.last, b.last),
        took=tuple(x + y for x, y in zip(a.took, b.took, strict=True)),
        series=joined(a.series, b.series),
        examples=tuple(examples),
    )


def _dimensions(a: Dimension, b: Dimension) -> Dimension:
    found: dict[str, list[int]] = {}
    for key in (*a.keys, *b.keys):
        count = found.setdefault(key.key, [0, 0, 0])
        for i, more in enumerate((key.requests, key.errors, key.repeats)):
            count[i] += more
    return Dimension(
        known=a.known or b.known,
        keys=tuple(
            sorted((KeyCount(key=k, requests=r, errors=e, repeats=n) for k, (r, e, n) in found.items()), key=rank)
        ),
        others=_together((a.others, b.others)),
        missed=a.missed + b.missed,
    )


def _short(dimension: Dimension) -> Dimension:
    rest = dimension.keys[SHORT_KEYS:]
    return msgspec.structs.replace(
        dimension, keys=dimension.keys[:SHORT_KEYS], others=_together((*rest, dimension.others))
    )


def _together(counts: Iterable[KeyCount]) -> KeyCount:
    requests = errors = repeats = 0
    for count in counts:
        requests, errors, repeats = requests + count.requests, errors + count.errors, repeats + count.repeats
    return KeyCount(key="", requests=requests, errors=errors, repeats=repeats)


def _grids(a: Grid, b: Grid) -> Grid:
    width = max(a.width_s, b.width_s)
    rows: dict[str, list[Labeled]] = {}
    for row in (*a.rows, *b.rows):
        rows.setdefault(row.key, []).append(row)
    return Grid(
        width_s=width,
        rows=tuple(
            Labeled(key=key, points=widened((p for row in rows[key] for p in row.points), width))
            for key in sorted(rows)
        ),
    )


def _short_grid(summary: LogSummary) -> Grid:
    """Return the edge locations with most errors, in as many steps as can be drawn."""
    chosen = [key.key for key in summary.pops.keys[:SHORT_ROWS]]
    rows = {row.key: row for row in summary.grid.rows}
    total = shortened(summary.series, SHORT_COLUMNS)
    width = max(total.width_s, summary.grid.width_s)
    return Grid(
        width_s=width,
        rows=tuple(Labeled(key=key, points=widened(rows[key].points, width)) for key in chosen if key in rows),
    )


def _least(a: int | None, b: int | None) -> int | None:
    return b if a is None else a if b is None else min(a, b)


def _most(a: int | None, b: int | None) -> int | None:
    return b if a is None else a if b is None else max(a, b)
