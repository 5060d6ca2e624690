"""When each certificate is valid, as bars around the moment of judging."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cfrunbook.text import visible
from cfrunbook.views import style
from cfrunbook.views.drawing import SMALL, Drawing, Picture

if TYPE_CHECKING:
    from cfrunbook.x509.certificate import CertificateFacts

MAX_CERTIFICATES = 10
"""Certificates drawn; what is left out is counted."""

_C = style.LIGHT
_WIDTH, _EDGE = style.FIGURE_WIDTH, 8.0
_LEFT, _LENGTH = _EDGE + 10, _WIDTH - 2 * _EDGE - 20
_TOP, _ROW = 26.0, 46.0
_MARGIN = 0.08
_TICKS = 7
"""Dates on the axis, at most."""
_MIN_SPAN, _MAX_SPAN = dt.timedelta(days=30), dt.timedelta(days=3 * 365)
_SOON = dt.timedelta(days=14)
_NOTHING = "No certificate whose validity could be read."


def validity_timeline(certificates: Sequence[CertificateFacts], at: dt.datetime) -> Picture:
    """Draw when each certificate is valid, around the aware moment `at`; the window follows the shortest-lived one."""
    dated = [_Span(c.label, c.not_before, c.not_after) for c in certificates if c.not_before and c.not_after]
    shown = dated[:MAX_CERTIFICATES]
    left_out = len(certificates) - len(shown)
    bottom = _TOP + _ROW * max(1, len(shown))
    drawing = Drawing(bottom + 30 + (16 if left_out else 0))
    scale = _window(shown, at)
    told = [_bar(drawing, scale, _TOP + _ROW * row, span, at) for row, span in enumerate(shown)]
    judged = f"judged at {at.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"
    drawing.text(_inside(scale.x(at), 92), 10, judged, size=SMALL, align="center")
    if shown:
        drawing.arrow(scale.x(at), _TOP - 2, color=_C.ink)
    else:
        drawing.text(_WIDTH / 2, _TOP + 16, _NOTHING, color=_C.muted, align="center")
    _axis(drawing, scale, bottom + 4)
    if left_out:
        drawing.text(_EDGE, drawing.height - 8, f"and {left_out} more, not drawn", size=SMALL, color=_C.muted)
    return drawing.finish("Validity of the certificates", " ".join(told) or _NOTHING)


@dataclass(frozen=True, slots=True)
class _Span:
    """A certificate's name and validity."""

    label: str
    begin: dt.datetime
    end: dt.datetime


@dataclass(frozen=True, slots=True)
class _Scale:
    """The window of time that is drawn."""

    start: dt.datetime
    end: dt.datetime

    def x(self, moment: dt.datetime) -> float:
        """Return where `moment` is, or the edge that it lies beyond."""
        share = (moment - self.start).total_seconds() / (self.end - self.start).total_seconds()
        return _LEFT + _LENGTH * min(1.0, max(0.0, share))


def _bar(drawing: Drawing, scale: _Scale, y: float, span: _Span, at: dt.datetime) -> str:
    """Draw one certificate's row and return it in words."""
    begin, end = span.begin, span.end
    status, words = _validity(begin, end, at)
    good = status == "ok"
    color = getattr(_C, style.look(status))
    dates = f"{_day(begin)} to {_day(end)}, {words}"
    drawing.mark(_EDGE + 8, y + 8, status, radius=7)
    drawing.text(_EDGE + 22, y + 8, span.label, size=SMALL + 0.5, bold=True, width=_WIDTH * 0.5 - 40)
    drawing.text(_WIDTH - _EDGE, y + 8, dates, size=SMALL, color=_C.muted if good else color, align="right")
    left, right, thick = scale.x(begin), scale.x(end), 9.0
    drawing.box(
        left,
        y + 21,
        max(2.0, right - left),
        thick,
        edge=color,
        fill=color,
        alpha=0.85 if good else 0.35,
        rounding=0,
        dashed=status == "fault",
    )
    if begin < scale.start:
        drawing.arrow(_LEFT - 9, y + 25.5, color=color, direction="left")
    if end > scale.end:
        drawing.arrow(_LEFT + _LENGTH + 9, y + 25.5, color=color, direction="right")
    now = scale.x(at)
    drawing.line([(now, y + 17), (now, y + 34)], color=_C.ink, width=1.6)
    return f"{visible(span.label, 120)}: {dates}."


def _axis(drawing: Drawing, scale: _Scale, y: float) -> None:
    drawing.line([(_LEFT, y), (_LEFT + _LENGTH, y)], color=_C.line)
    for moment in _ticks(scale):
        x = scale.x(moment)
        drawing.line([(x, y), (x, y + 4)], color=_C.none)
        drawing.text(_inside(x, 30), y + 13, _day(moment), size=SMALL, color=_C.muted, align="center")


def _validity(begin: dt.datetime, end: dt.datetime, at: dt.datetime) -> tuple[str, str]:
    if at > end:
        return "fault", f"expired {_days(at - end)} ago"
    if at < begin:
        return "fault", f"not valid for another {_days(begin - at)}"
    left = end - at
    return ("warning" if left < _SOON else "ok"), f"{_days(left)} left"


def _days(span: dt.timedelta) -> str:
    if span.days >= 730:
        return f"{span.days / 365.25:.0f} years"
    if span.days >= 2:
        return f"{span.days} days"
    hours = int(span.total_seconds() // 3600)
    return f"{hours} hours" if hours != 1 else "1 hour"


def _day(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%d").rjust(10, "0")


def _window(spans: Sequence[_Span], at: dt.datetime) -> _Scale:
    """Return what to draw: the shortest validity, what is over or to come, and `at`, with margins; 30 days at least."""
    moments = [at]
    if spans:
        shortest = min(spans, key=lambda span: abs(span.end - span.begin))
        moments += [shortest.begin, shortest.end]
        moments += [span.end for span in spans if span.end < at]
        moments += [span.begin for span in spans if span.begin > at]
    first = max(min(moments), _shift(at, -_MAX_SPAN / 2))
    last = min(max(moments), _shift(at, _MAX_SPAN / 2))
    margin = max((last - first) * _MARGIN, (_MIN_SPAN - (last - first)) / 2)
    return _Scale(_shift(first, -margin), _shift(last, margin))


def _shift(moment: dt.datetime, by: dt.timedelta) -> dt.datetime:
    try:
        return moment + by
    except OverflowError:
        return (dt.datetime.max if by > dt.timedelta() else dt.datetime.min).replace(tzinfo=dt.UTC)


def _ticks(scale: _Scale) -> Iterator[dt.datetime]:
    days = (scale.end - scale.start).days
    if days > _TICKS * 14:
        yield from _months(scale, next((m for m in (1, 2, 3, 6) if days / (m * 30.5) <= _TICKS), 12))
        return
    step = next(s for s in (7, 14) if days / s <= _TICKS)
    midnight = scale.start.replace(hour=0, minute=0, second=0, microsecond=0)
    for number in range(1, 9):
        moment = _shift(midnight, dt.timedelta(days=step * number))
        if moment >= scale.end:
            return
        yield moment


def _months(scale: _Scale, step: int) -> Iterator[dt.datetime]:
    """Yield the first days of every so many months, counted from January."""
    month = scale.start.year * 12 + (scale.start.month - 1) // step * step
    while True:
        month += step
        year = month // 12
        if year > dt.MAXYEAR or (moment := dt.datetime(year, month % 12 + 1, 1, tzinfo=dt.UTC)) >= scale.end:
            return
        yield moment


def _inside(x: float, half: float) -> float:
    return min(max(x, _EDGE + half), _WIDTH - _EDGE - half)
