"""Where the time of a request goes at each address: connecting, TLS, waiting for the first byte, the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from cfrunbook.evidence import Connection, Exchange, ExchangeEnd, ExchangeOutcome
from cfrunbook.text import visible
from cfrunbook.views import style
from cfrunbook.views.drawing import SMALL, Drawing, Picture, text_width

MAX_EXCHANGES = 8
"""Requests drawn; what is left out is counted."""

_C = style.LIGHT
_WIDTH, _EDGE = style.FIGURE_WIDTH, 8.0
_LEFT, _LENGTH = _EDGE + 22, _WIDTH - 2 * _EDGE - 30
_TOP, _ROW, _THICK = 30.0, 48.0, 11.0
_NOTHING = "No HTTP request was sent."
_PHASES = (("connect", _C.muted), ("TLS handshake", _C.unknown), ("wait for the first byte", _C.info), ("rest", _C.ok))


@dataclass(frozen=True, slots=True)
class _Phase:
    """A part of an exchange, in milliseconds from its beginning."""

    name: str
    color: str
    begin: float
    end: float


def exchange_timeline(exchanges: Sequence[Exchange], connections: Sequence[Connection] = ()) -> Picture:
    """Draw each exchange as a bar of its phases; `connections` say how long connecting took if that was done before."""
    shown = exchanges[:MAX_EXCHANGES]
    left_out = len(exchanges) - len(shown)
    connecting = {(c.address, c.connected_to): c.elapsed_ms for c in connections}
    rows = [tuple(_phases(e, connecting)) for e in shown]
    longest = max((row[-1].end for row in rows if row), default=0.0) or 1.0
    drawing = Drawing(_TOP + _ROW * max(1, len(rows)) + (16 if left_out else 0))
    _legend(drawing, {phase.name for row in rows for phase in row})
    told = [
        _row(drawing, _TOP + _ROW * place, exchange, row, longest)
        for place, (exchange, row) in enumerate(zip(shown, rows, strict=True))
    ]
    if not shown:
        drawing.text(_WIDTH / 2, _TOP + 16, _NOTHING, color=_C.muted, align="center")
    if left_out:
        drawing.text(_EDGE, drawing.height - 8, f"and {left_out} more, not drawn", size=SMALL, color=_C.muted)
    return drawing.finish("Where the time of a request goes", " ".join(told) or _NOTHING)


def _phases(exchange: Exchange, connecting: Mapping[tuple[str, str], float]) -> Iterator[_Phase]:
    """Yield the phases that were reached, one after the other."""
    before = 0.0
    at = exchange.connected_ms
    if at is None:  # it was connected already
        before = connecting.get((exchange.address, exchange.connected_to), 0.0)
        at = 0.0
    marks = (at, exchange.secured_ms, exchange.first_byte_ms, exchange.elapsed_ms)
    begin = 0.0
    for place, ((name, color), mark) in enumerate(zip(_PHASES, marks, strict=True)):
        if mark is None:
            if place == 1 and exchange.scheme == "http":
                continue
            stalled = max(exchange.elapsed_ms, begin - before)
            yield _Phase(name, color, begin, stalled + before)
            return
        end = max(mark + before, begin)
        yield _Phase(name, color, begin, end)
        begin = end


def _row(drawing: Drawing, y: float, exchange: Exchange, phases: Sequence[_Phase], longest: float) -> str:
    """Draw one exchange and return it in words."""
    status = _status(exchange)
    place = exchange.connected_to or exchange.address
    title = f"{exchange.request.partition(' HTTP/')[0]} at {place}"
    answer = exchange.status_line or exchange.outcome.replace("_", " ")
    drawing.mark(_EDGE + 8, y + 8, status, radius=7)
    drawing.text(_LEFT, y + 8, title, size=SMALL + 0.5, bold=True, width=_WIDTH * 0.6)
    color = _C.muted if status == "ok" else getattr(_C, style.look(status))
    drawing.text(_WIDTH - _EDGE, y + 8, answer, size=SMALL, color=color, align="right", width=_WIDTH * 0.32)
    for phase in phases:
        left, right = (_LEFT + (_LENGTH - 60) * at / longest for at in (phase.begin, phase.end))
        size = max(1.5, right - left)
        drawing.box(left, y + 20, size, _THICK, edge="", fill=phase.color, alpha=0.85, rounding=0)
    total = phases[-1].end if phases else 0.0
    end = _LEFT + (_LENGTH - 60) * total / longest
    drawing.text(end + 6, y + 26, _time(total), size=SMALL, color=_C.muted)
    told = ", ".join(f"{phase.name} {_time(phase.end - phase.begin)}" for phase in phases)
    return f"{visible(title, 160)}: {visible(answer, 80)}; {told}."


def _legend(drawing: Drawing, used: set[str]) -> None:
    x = _LEFT
    for name, color in _PHASES:
        if name in used:
            drawing.box(x, 5, 9, 9, edge="", fill=color, alpha=0.85, rounding=0)
            drawing.text(x + 14, 10, name, size=SMALL, color=_C.muted)
            x += 14 + text_width(name, SMALL) + 16


def _status(exchange: Exchange) -> str:
    """Return how the answer looks, without judging more than that there was one and what its status says."""
    if exchange.outcome is not ExchangeOutcome.HTTP or not exchange.header_complete:
        return "unknown" if exchange.end is ExchangeEnd.TIMEOUT or exchange.end is None else "fault"
    if exchange.status_line.partition(" ")[2][:3] in ("502", "503", "504"):
        return "fault"
    return "warning" if exchange.deviations else "ok"


def _time(milliseconds: float) -> str:
    if milliseconds >= 1000:
        return f"{milliseconds / 1000:.1f} s"
    return f"{milliseconds:.0f} ms" if milliseconds >= 10 else f"{milliseconds:.1f} ms"
