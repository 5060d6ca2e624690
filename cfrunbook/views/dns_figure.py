"""What every name server answers to every question, as a matrix; and the chain of aliases, hop by hop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cfrunbook.causes.dns_delegation import Delegations, Hop
from cfrunbook.causes.dns_words import percent
from cfrunbook.findings import Cause, Finding
from cfrunbook.text import join_names, visible
from cfrunbook.views import style
from cfrunbook.views.dns_cells import (
    COLUMNS,
    Cell,
    Row,
    answered_by,
    asked_in,
    hop_said,
    of_hop,
    records,
    rows,
    ttl,
    zone_shown,
    zones_of_all_ways,
)
from cfrunbook.views.drawing import SMALL, TEXT, Drawing, Picture

MAX_SERVERS = 26
"""Rows drawn of one zone, those with a fault first; what is left out is counted."""
MAX_ZONES = 8
"""Zones drawn in the matrix; what is left out is counted."""
MAX_HOPS = 20
"""Names drawn of a chain of aliases; there are never more, since nobody follows more."""

_C = style.LIGHT
_WIDTH, _EDGE = style.FIGURE_WIDTH, 8.0
_LOUD = ("fault", "unknown", "warning")

# --- the matrix -------------------------------------------------------------------------------------------------------

_NAMES, _ROW, _HEAD, _ZONE = 172.0, 30.0, 22.0, 26.0
_PITCH = (_WIDTH - 2 * _EDGE - _NAMES) / len(COLUMNS)


def servers(walk: Delegations) -> Picture:
    """Draw what every address of every name server on the way answers, to each kind of question."""
    ways = {zone.name: way for way, zone in zones_of_all_ways(walk)}
    zones = [(z, all_rows) for way, z in zones_of_all_ways(walk) if (all_rows := rows(way, z))]
    shown = [(z, _first(found)) for z, found in zones[:MAX_ZONES]]
    more = [len(found) - len(first) for (_, found), (_, first) in zip(zones, shown, strict=False)]
    notes = [f"and {n} more addresses of {zone_shown(z)}" for n, (z, _) in zip(more, shown, strict=True) if n]
    notes += [f"and {len(zones) - MAX_ZONES} more zones"] if len(zones) > MAX_ZONES else []
    height = _HEAD + sum(_ZONE + _ROW * len(found) for _, found in shown) + 15 * len(notes) + (0 if shown else 24) + 4
    drawing = Drawing(height)
    for number, heading in enumerate(COLUMNS.values()):
        middle = _EDGE + _NAMES + _PITCH * (number + 0.5)
        drawing.text(middle, 11, heading, size=SMALL, bold=True, align="center", width=_PITCH - 2)
    drawing.text(_EDGE, 11, "Name server and address", size=SMALL, color=_C.muted)
    y, words = _HEAD, []
    for zone, found in shown:
        asked = asked_in(ways[zone.name], zone)
        drawing.line([(_EDGE, y), (_WIDTH - _EDGE, y)], color=_C.none, width=1)
        heading = f"{zone_shown(zone)}, asked for {visible(asked, 120)}"
        drawing.text(_EDGE, y + 14, heading, size=SMALL + 0.5, bold=True, width=_WIDTH - 2 * _EDGE)
        y += _ZONE
        for row in found:
            _row(drawing, row, y)
            y += _ROW
        words.append(f"{heading}: {'; '.join(_alike(found))}")
    if not shown:
        drawing.text(_EDGE, y + 12, "No name server could be asked.", color=_C.muted)
        words.append("No name server could be asked")
    for note in notes:
        drawing.text(_EDGE, y + 9, note, size=SMALL, color=_C.muted)
        y += 15
    return drawing.finish(
        "What every name server answers",
        ". ".join([*words, *notes]) + ".",
        _meaning(zone_shown(shown[0][0]), shown[0][1]) if shown else "",
    )


def _meaning(zone: str, found: Sequence[Row]) -> str:
    """Return in a line whether it matters which server of the name's own zone is asked."""
    kinds = len(list(_alike(found)))
    if kinds == 1:
        return f"{zone}: every address of its name servers answers alike."
    return f"{zone}: its name servers answer in {kinds} different ways."


def _first(found: Sequence[Row]) -> Sequence[Row]:
    """Return what is drawn of a zone's rows, in their order; where there are too many, the troubled ones first."""
    if len(found) <= MAX_SERVERS:
        return found
    return sorted(found, key=lambda row: _trouble(row) is None)[:MAX_SERVERS]


def _trouble(row: Row) -> str | None:
    """Return the worst mark of a row; None where there is nothing to look at."""
    looks = {style.look(c.status) for c in (row.summary, *row.cells.values()) if c.status}
    return next((look for look in _LOUD if look in looks), None)


def _row(drawing: Drawing, row: Row, y: float) -> None:
    middle = y + _ROW / 2
    drawing.line([(_EDGE, y), (_WIDTH - _EDGE, y)], color=_C.line, width=0.6)
    if (trouble := style.look(row.summary.status)) in _LOUD:
        drawing.mark(_EDGE + 7, middle, trouble, radius=6.5)
    left = _EDGE + 18
    ink = getattr(_C, trouble) if trouble == "fault" else _C.ink
    server = visible(row.server, 260)
    drawing.text(left, middle - 6, server, size=SMALL, bold=trouble in _LOUD, color=ink, width=_NAMES - 22)
    where = visible(row.address, 60) or "no address"
    drawing.text(left, middle + 7, where, size=SMALL - 0.5, color=_C.muted, width=_NAMES - 22)
    if not row.cells:
        ink = getattr(_C, trouble) if trouble in _LOUD else _C.muted
        drawing.text(_EDGE + _NAMES + 8, middle, row.summary.words, size=SMALL, bold=trouble in _LOUD, color=ink)
    for number, column in enumerate(COLUMNS):
        _cell(drawing, row.cells.get(column, Cell()), _EDGE + _NAMES + _PITCH * number, y)


def _cell(drawing: Drawing, cell: Cell, x: float, y: float) -> None:
    """Draw one answer: quiet where all is well, so that what is not stands out."""
    if not cell.status:
        return
    look = style.look(cell.status)
    loud = look in _LOUD
    color: str = getattr(_C, look)
    middle = x + _PITCH / 2
    if loud:
        drawing.box(x + 1.5, y + 1.5, _PITCH - 3, _ROW - 3, edge="", fill=color, alpha=0.13, rounding=3)
        drawing.mark(middle, y + 9.5, look, radius=5.5)
    else:
        symbol = style.symbol(look)
        drawing.text(middle, y + 9.5, symbol, color=color, size=SMALL + 0.5, bold=True, align="center")
    ink = color if loud else _C.muted
    drawing.text(middle, y + 22, cell.words, size=SMALL - 1, color=ink, bold=loud, align="center", width=_PITCH - 3)


def _alike(found: Sequence[Row]) -> Iterator[str]:
    """Yield what servers answer, once for all that answer alike."""
    groups: dict[str, list[str]] = {}
    for row in found:
        told = [f"{COLUMNS[c]} {cell} {_status(cell)}".rstrip() for c, cell in row.cells.items() if cell.status]
        where = f" ({visible(row.address, 60)})" if row.address else ""
        groups.setdefault(", ".join(told) or str(row.summary), []).append(f"{visible(row.server, 80)}{where}")
    for told_alike, servers_alike in groups.items():
        yield f"{join_names(servers_alike, MAX_SERVERS)}: {told_alike}"


def _status(cell: Cell) -> str:
    return f"({style.word(cell.status)})" if style.look(cell.status) in _LOUD else ""


# --- the chain of aliases ---------------------------------------------------------------------------------------------

_HOP, _STEP, _MARGIN = 40.0, 22.0, 34.0


def aliases(walk: Delegations, findings: Sequence[Finding] = ()) -> Picture:
    """Draw the name and what it is an alias of, hop by hop: the zone of each, how long it may be kept, who says so.

    `findings` are what the judges say of it: they mark the hop that is broken.
    """
    mine = [f for f in findings if f.cause is Cause.DNS]
    steps = list(_steps(walk))
    drawing = Drawing(len(steps) * (_HOP + _STEP) - _STEP + (34 if walk.loops_to else 0) + 8)
    words = []
    for number, step in enumerate(steps):
        y = 4 + (_HOP + _STEP) * number
        if number:
            x, last = _MARGIN + 20, y - _STEP
            drawing.line([(x, last + 1), (x, y - 6)], color=_C.none, dashed=bool(step.otherwise))
            drawing.arrow(x, y - 1, color=_C.none, size=3.6)
            drawing.text(x + 14, last + _STEP / 2 - 1, step.by, size=SMALL - 0.5, color=_C.muted, width=_WIDTH - x - 30)
        words.append(f"{step.otherwise}{_hop(drawing, step.hop, y, mine)}")
    if walk.loops_to:
        names = [step.hop.name for step in steps]
        top = 4 + (_HOP + _STEP) * (names.index(walk.loops_to) if walk.loops_to in names else 0) + _HOP / 2
        bottom = drawing.height - 22
        middle, left = _MARGIN + 20, _EDGE + 8
        corners = [(middle, bottom - 14), (middle, bottom), (left, bottom), (left, top), (_MARGIN - 6, top)]
        drawing.line(corners, color=_C.fault, dashed=True, width=1.8)
        drawing.arrow(_MARGIN - 1, top, color=_C.fault, size=4, direction="right")
        back = f"and back to {visible(walk.loops_to, 120)}: a circle"
        drawing.text(middle + 14, bottom, back, size=SMALL, bold=True, color=_C.fault, width=_WIDTH - middle - 30)
        words.append(back)
    alone = " It is no alias." if len(steps) == 1 and not walk.loops_to else ""
    return drawing.finish("The chain of aliases", "; ".join(words) + "." + alone, _in_a_line(walk, steps))


def _in_a_line(walk: Delegations, steps: Sequence[_Step]) -> str:
    names = [visible(step.hop.name, 120) for step in steps]
    if walk.loops_to:
        return f"{' → '.join(names)} → {visible(walk.loops_to, 120)}: a circle."
    said = hop_said(steps[-1].hop).words if steps else "nothing was answered"
    return f"{names[0]} is no alias: {said}." if len(names) == 1 else f"{' → '.join(names)}: {said}."


@dataclass(frozen=True, slots=True)
class _Step:
    """One name of the chain, and how one gets there."""

    hop: Hop
    by: str
    otherwise: str = ""
    """Where the way before has ended, and this is another one: that it is, and for how many lookups."""


def _steps(walk: Delegations) -> Iterator[_Step]:
    """Yield the names of all ways that lookups go, each once; as many as are drawn."""
    seen: set[str] = set()
    for way in walk.ways:
        otherwise = f"or, for {percent(way.share)} of lookups, " if seen else ""
        for before, hop in zip((None, *way.hops), way.hops, strict=False):
            if hop.name in seen or len(seen) == MAX_HOPS:
                continue
            seen.add(hop.name)
            times = ttl(records(before)) if before else ""
            owner = f" of {visible(before.name, 120)}" if before and otherwise else ""
            yield _Step(hop, f"{otherwise}CNAME{owner}{f', TTL {times}' if times else ''}", otherwise)
            otherwise = ""


def _hop(drawing: Drawing, hop: Hop, y: float, findings: Sequence[Finding]) -> str:
    found = of_hop(findings, hop)
    said = hop_said(hop)
    status = found[0].status.value if found else said.status
    look = style.look(status)
    loud = look in _LOUD
    color: str = getattr(_C, look)
    width = _WIDTH - _EDGE - _MARGIN
    edge, fill = (color, color) if loud else (_C.line, "")
    drawing.box(_MARGIN, y, width, _HOP, edge=edge, fill=fill, line=1.5 if loud else 1.2, dashed=said.status != "ok")
    drawing.mark(_MARGIN + 20, y + _HOP / 2, status, radius=8)
    left, inner = _MARGIN + 38, width - 50
    by = " · ".join(_hop_facts(hop))
    drawing.text(left, y + 13, hop.name, bold=True, size=TEXT, width=inner * 0.56)
    drawing.text(_WIDTH - _EDGE - 10, y + 13, by, size=SMALL - 0.5, color=_C.muted, align="right", width=inner * 0.43)
    times = ttl(records(hop))
    detail = said.words + (f"  (TTL {times})" if times and not hop.aliases else "")
    drawing.text(left, y + 29, detail, size=SMALL, color=color if loud else _C.ink, bold=look == "fault", width=inner)
    ended = f", TTL {times}" if times else ""
    judged = "" if status == "ok" else f", {style.word(status)}"
    return f"{visible(hop.name, 120)} ({by}{ended}): {said}{judged}"


def _hop_facts(hop: Hop) -> Iterator[str]:
    yield f"zone {zone_shown(hop.zone)}"
    yield f"{answered_by(hop)} answer"
