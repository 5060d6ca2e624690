"""Figures of access logs: errors over time with bursts marked, edge location by time, paths and hosts, result types."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cfrunbook.log_summary import Dimension, KeyCount, LogSummary, Point, TypeCount
from cfrunbook.logs import patterns, words
from cfrunbook.logs.timeline import shortened, widened
from cfrunbook.text import visible
from cfrunbook.views import style
from cfrunbook.views.drawing import SMALL, Drawing, Picture

MAX_STEPS, MAX_POPS, MAX_KEYS, MAX_TYPES = 96, 16, 8, 5
"""Steps of time, edge locations, keys and result types that are drawn; what is left out is counted."""

_C = style.LIGHT
_WIDTH, _EDGE = style.FIGURE_WIDTH, 8.0
_LEFT, _RIGHT = 92.0, _WIDTH - _EDGE
_NOTHING = "No such request in the logs."
_LOOKS: tuple[tuple[str, float], ...] = (
    (_C.fault, 0.9),
    (_C.info, 0.75),
    (_C.warning, 0.55),
    (_C.unknown, 0.8),
    (_C.ok, 0.45),
)
"""Colour and density of the result types: also without colour, neighbours differ."""
_REST = (_C.none, 0.2)


@dataclass(frozen=True, slots=True)
class _Time:
    """The span that is drawn, in steps."""

    start: int
    steps: int
    width_s: int

    def x(self, second: float) -> float:
        """Return where a moment is."""
        share = (second - self.start) / (self.steps * self.width_s)
        return _LEFT + (_RIGHT - _LEFT) * min(1.0, max(0.0, share))

    @property
    def step(self) -> float:
        """Return how wide a step is."""
        return (_RIGHT - _LEFT) / self.steps


def error_rate(summary: LogSummary) -> Picture:
    """Draw the share of requests answered with the status, step by step; bursts lie on a coloured ground."""
    time, points = _steps(summary)
    if not summary.errors or time is None:
        return _empty(f"{summary.status} over time")
    found = patterns.bursts(summary)
    high, low, top = 96.0, 26.0, 40.0 if found else 10.0
    drawing = Drawing(top + high + low + 44)
    base = top + high
    most = max(p.errors / p.requests for p in points if p.requests)
    for number, burst in enumerate(found):
        assert burst.start is not None
        assert burst.end is not None
        left, right = time.x(burst.start), time.x(burst.end)
        drawing.box(
            left - 2, top - 6, max(6.0, right - left) + 4, high + 6, edge=_C.warning, fill=_C.warning, alpha=0.16
        )
        if number == 0:
            says = f"{words.percent(burst.errors, burst.requests)} of {burst.requests:,} requests"
            x = min(max((left + right) / 2, _LEFT + 100), _RIGHT - 100)
            drawing.text(x, 14, f"burst {_clock(burst.start)} to {_clock(burst.end)} UTC", size=SMALL, align="center")
            drawing.text(x, 27, says, size=SMALL, color=_C.muted, align="center")
    for point in points:
        if point.requests and point.errors:
            tall = max(1.5, high * point.errors / point.requests / most)
            _bar(drawing, time, point.at, (base, tall), (_C.fault, 0.9))
    drawing.line([(_LEFT, base), (_RIGHT, base)], color=_C.line)
    drawing.text(_LEFT - 8, top + 3, words.percent(round(most * 10_000), 10_000), size=SMALL, align="right")
    drawing.text(_LEFT - 8, base - 4, "0", size=SMALL, color=_C.muted, align="right")
    drawing.text(_EDGE, top + 20, f"{summary.status} rate", size=SMALL, bold=True)
    busiest = max(p.requests for p in points)
    for point in points:
        tall = max(0.8, (low - 8) * point.requests / busiest)
        _bar(drawing, time, point.at, (base + low, tall), (_C.none, 0.45))
    drawing.text(_EDGE, base + low - 8, "requests", size=SMALL, color=_C.muted)
    _axis(drawing, time, base + low + 2)
    told = [
        words.headline(summary),
        f"At most {words.percent(round(most * 10_000), 10_000)} in {_length(time.width_s)}.",
    ]
    told += [words.pattern(b) for b in found]
    return drawing.finish(f"{summary.status} over time, in steps of {_length(time.width_s)}", " ".join(told))


def heat_map(summary: LogSummary) -> Picture:
    """Draw each edge location's requests over time; the larger and denser a mark, the more of them failed."""
    time, _ = _steps(summary)
    title = f"{summary.status} by edge location and time"
    rows = {row.key: row.points for row in summary.grid.rows}
    chosen = [k for k in summary.pops.keys if k.errors and k.key in rows][:MAX_POPS]
    if not chosen or time is None:
        return _empty(title)
    width = max(time.width_s, summary.grid.width_s)
    start, end = time.start - time.start % width, time.start + time.steps * time.width_s
    time = _Time(start, -(-(end - start) // width), width)
    row, top = 20.0, 22.0
    left_out = sum(1 for k in summary.pops.keys if k.errors) - len(chosen)
    drawing = Drawing(top + row * len(chosen) + 44 + (16 if left_out else 0))
    for number, key in enumerate(chosen):
        y = top + row * number
        drawing.text(_LEFT - 8, y + row / 2, visible(key.key, 20), size=SMALL, align="right", width=_LEFT - 12)
        for point in widened(rows[key.key], width):
            x, wide = time.x(point.at), time.step
            drawing.box(x, y + 2, max(1.0, wide - 0.6), row - 4, edge="", fill=_C.line, alpha=0.55, rounding=0)
            if point.errors:
                rate = point.errors / max(1, point.requests)
                tall = (row - 4) * (0.25 + 0.75 * rate**0.5)
                color_at = 0.35 + 0.65 * rate**0.5
                drawing.box(
                    x,
                    y + row / 2 - tall / 2,
                    max(1.6, wide - 0.6),
                    tall,
                    edge="",
                    fill=_C.fault,
                    alpha=color_at,
                    rounding=0,
                )
    drawing.text(_LEFT, 9, "grey: requests; red: the more of them fail, the taller", size=SMALL, color=_C.muted)
    bottom = top + row * len(chosen)
    _axis(drawing, time, bottom + 2)
    if left_out:
        drawing.text(_EDGE, bottom + 46, f"and {left_out} more edge locations with errors", size=SMALL, color=_C.muted)
    told = [f"{k.key}: {k.errors:,} of {k.requests:,} ({words.percent(k.errors, k.requests)})" for k in chosen]
    return drawing.finish(f"{title}, in steps of {_length(width)}", "; ".join(told) + ".")


def top_keys(summary: LogSummary) -> Picture:
    """Draw the paths and hosts with most errors: cached repeats and unspecific ones in a lighter tone."""
    panels = [(name, d) for name, d in (("Path", summary.paths), ("Host", summary.hosts)) if d.known]
    panels = [(name, d) for name, d in panels if any(k.errors for k in d.keys)]
    title = f"Where the {summary.status}s are"
    if not panels:
        return _empty(title)
    row, head = 22.0, 24.0
    drawing = Drawing(sum(head + row * len(_worst(d)) + 10 for _, d in panels) + 18)
    y, told = 0.0, []
    for name, dimension in panels:
        worst = _worst(dimension)
        drawing.text(_EDGE, y + 11, name, size=SMALL + 0.5, bold=True)
        most = worst[0].errors
        y += head
        for key in worst:
            label = visible(key.key, 100) or "(none)"
            drawing.text(300, y + row / 2, label, size=SMALL, align="right", width=290)
            long = 230.0 * key.errors / most
            first = long * (key.errors - key.repeats) / key.errors
            if first:
                drawing.box(310, y + 4, first, row - 8, edge=_C.fault, fill=_C.fault, alpha=0.85, rounding=0)
            if key.repeats:
                drawing.box(
                    310 + first, y + 4, long - first, row - 8, edge=_C.fault, fill=_C.fault, alpha=0.2, rounding=0
                )
            says = f"{key.errors:,} of {key.requests:,} ({words.percent(key.errors, key.requests)})"
            drawing.text(310 + long + 8, y + row / 2, says, size=SMALL, color=_C.muted)
            y += row
        y += 10
        told.append(f"{name}: " + "; ".join(f"{k.key} {k.errors:,} of {k.requests:,}" for k in worst) + ".")
    says = "dense: first causes; light: only Error, a cached repeat or unspecific"
    drawing.text(310, y + 6, says, size=SMALL, color=_C.muted)
    return drawing.finish(title, " ".join(told))


def detailed_types(summary: LogSummary) -> Picture:
    """Draw the errors over time, stacked by detailed result type."""
    time, _ = _steps(summary)
    title = f"What CloudFront says of the {summary.status}s"
    types = [t for t in summary.types if t.status == summary.status]
    if not types or time is None:
        return _empty(title)
    shown, rest = types[:MAX_TYPES], types[MAX_TYPES:]
    layers = [(_name(t), t.count, _by_step((t,), time)) for t in shown]
    if rest:
        layers.append((f"{len(rest)} more", sum(t.count for t in rest), _by_step(rest, time)))
    looks = [*_LOOKS[: len(shown)], *([_REST] if rest else [])]
    totals = {at: sum(layer.get(at, 0) for _, _, layer in layers) for _, _, each in layers for at in each}
    most, high, top = max(totals.values()), 110.0, 10.0
    base = top + high
    drawing = Drawing(base + 40 + 20 * len(layers))
    heights = dict.fromkeys(totals, 0.0)
    for (_, _, layer), look in zip(layers, looks, strict=True):
        for at, count in sorted(layer.items()):
            tall = high * count / most
            _bar(drawing, time, at, (base - heights[at], tall), look)
            heights[at] += tall
    drawing.line([(_LEFT, base), (_RIGHT, base)], color=_C.line)
    drawing.text(_LEFT - 8, top + 4, f"{most:,}", size=SMALL, align="right")
    drawing.text(_LEFT - 8, base - 4, "0", size=SMALL, color=_C.muted, align="right")
    _axis(drawing, time, base + 2)
    total = sum(count for _, count, _ in layers)
    for number, ((name, count, _), (color, alpha)) in enumerate(zip(layers, looks, strict=True)):
        y = base + 46 + 20 * number
        drawing.box(_LEFT, y - 6, 12, 12, edge=color, fill=color, alpha=alpha, rounding=0)
        says = f"{name}: {count:,} ({words.percent(count, total)})"
        drawing.text(_LEFT + 20, y, says, size=SMALL, width=_RIGHT - _LEFT - 24)
    told = "; ".join(f"{name} {count:,}" for name, count, _ in layers)
    return drawing.finish(f"{title}, in steps of {_length(time.width_s)}", f"Bottom to top: {told}.", f"{told}.")


def _steps(summary: LogSummary) -> tuple[_Time | None, tuple[Point, ...]]:
    """Return the span of all requests in few enough steps, and the counts in them."""
    series = shortened(summary.series, MAX_STEPS)
    if not series.points:
        return None, ()
    start = series.points[0].at
    steps = (series.points[-1].at - start) // series.width_s + 1
    return _Time(start, max(steps, 12), series.width_s), series.points


def _by_step(types: Sequence[TypeCount], time: _Time) -> Mapping[int, int]:
    counts: dict[int, int] = {}
    for one in types:
        width = max(time.width_s, one.series.width_s)
        for point in widened(one.series.points, width):
            counts[point.at] = counts.get(point.at, 0) + point.errors
    return counts


def _bar(drawing: Drawing, time: _Time, at: int, place: tuple[float, float], look: tuple[str, float]) -> None:
    """Draw the bar of a step: `place` is its foot and height, `look` its colour and density."""
    (base, tall), (color, alpha) = place, look
    wide = max(1.2, time.step - (1.0 if time.step > 4 else 0.3))
    drawing.box(time.x(at), base - tall, wide, tall, edge="", fill=color, alpha=alpha, rounding=0)


def _axis(drawing: Drawing, time: _Time, y: float) -> None:
    """Draw the moments below a figure, and the day where it changes."""
    day = ""
    last = -100.0
    for moment in _ticks(time):
        x = time.x(moment)
        if x - last < 58 or x > _RIGHT - 16:
            continue
        last = x
        at = dt.datetime.fromtimestamp(moment, dt.UTC)
        drawing.line([(x, y), (x, y + 4)], color=_C.none)
        drawing.text(x, y + 13, at.strftime("%H:%M"), size=SMALL, color=_C.muted, align="center")
        if at.strftime("%Y-%m-%d") != day:
            day = at.strftime("%Y-%m-%d")
            drawing.text(max(x, _EDGE + 32), y + 26, day, size=SMALL, color=_C.muted, align="center")
    drawing.text(_EDGE, y + 13, "UTC", size=SMALL, color=_C.muted)


def _ticks(time: _Time) -> Iterator[int]:
    span = time.steps * time.width_s
    step = next((s for s in (60, 300, 600, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400) if span / s <= 9), 0)
    if not step:
        step = 86_400 * max(1, span // 86_400 // 9)
    first = -(-time.start // step) * step
    yield from range(first, time.start + span + 1, step)


def _worst(dimension: Dimension) -> list[KeyCount]:
    return [key for key in dimension.keys if key.errors][:MAX_KEYS]


def _name(value: TypeCount) -> str:
    return (visible(value.name, 60) or "(none)") + ("" if value.detailed else " (x-edge-result-type)")


def _clock(second: int) -> str:
    return dt.datetime.fromtimestamp(second, dt.UTC).strftime("%H:%M")


def _length(seconds: int) -> str:
    for size, name in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds % size == 0:
            count = seconds // size
            return f"a {name}".replace("a hour", "an hour") if count == 1 else f"{count} {name}s"
    return f"{seconds} seconds"


def _empty(title: str) -> Picture:
    drawing = Drawing(40)
    drawing.text(_EDGE, 18, _NOTHING, color=_C.muted)
    return drawing.finish(title, _NOTHING)
