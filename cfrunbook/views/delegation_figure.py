"""The delegation drawn: from the root down to the name, every name server with its mark, and where it breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from cfrunbook.causes import dns_answer_rules, dns_server_rules
from cfrunbook.causes.dns_conditions import Condition
from cfrunbook.causes.dns_delegation import Delegations, Hop, ZoneView
from cfrunbook.causes.dns_words import percent
from cfrunbook.findings import Cause, Finding, Status
from cfrunbook.probes.dns.names import ROOT, is_below, is_within
from cfrunbook.text import visible
from cfrunbook.views import style
from cfrunbook.views.dns_cells import Row, answered_by, hop_said, of_hop, of_zone, records, rows, ttl, zone_shown
from cfrunbook.views.drawing import SMALL, TEXT, Drawing, Picture, Point, text_width, wrapped

MAX_SERVERS = 26
"""Servers drawn of one zone, those with a fault first; what is left out is counted."""
MAX_ZONES = 16
"""Zones drawn; what is left out is counted."""
MAX_LINES = 4
"""Findings told below the drawing."""

_C = style.LIGHT
_WIDTH, _EDGE = style.FIGURE_WIDTH, 8.0
_INDENT, _MOST_INDENTS = 22.0, 3
_HEAD, _CELL, _FOOT, _ARROW, _NAME = 24.0, 17.0, 5.0, 28.0, 40.0
_RANK = ("fault", "unknown", "warning")
_OF_DELEGATIONS = frozenset(
    rule.code
    for rule in (
        *(dns_server_rules.GLUE_MISSING, dns_server_rules.GLUE_WRONG, dns_server_rules.SERVERS_MISMATCH),
        *(dns_server_rules.SERVER_NAMES_UNRESOLVED, dns_answer_rules.DNSSEC_BOGUS),
    )
)
"""Codes that are about what the zone above says; warnings with another one are about the servers."""


@dataclass(slots=True)
class _Block:
    """One thing in the column: its height, how it is drawn at a height, and what it says."""

    height: float
    draw: Callable[[Drawing, float], None]
    words: str = ""


@dataclass(slots=True)
class _Column:
    """The blocks so far, and what was drawn already."""

    walk: Delegations
    findings: Sequence[Finding]
    blocks: list[_Block] = field(default_factory=list)
    zones: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    left_out: int = 0
    broken: bool = False
    """Whether nothing can be reached from here on down."""
    indent: float = 0.0
    skipped: int = 0
    """Aliases not drawn before the next one."""
    last_zone: str = ""
    """The zone whose box is the last block; empty where that is something else."""


def delegation(walk: Delegations, findings: Sequence[Finding] = ()) -> Picture:
    """Draw the way from the root to the name, zone by zone, and on along its aliases.

    `findings` are what the judges say of it: they mark and name the edges that are broken.
    """
    mine = [f for f in findings if f.cause is Cause.DNS]
    column = _Column(walk, mine)
    condensed = set(_condensed(walk, mine))
    for number, hop in enumerate(walk.hops):
        if number in condensed:
            column.skipped += 1
            continue
        column.indent = _EDGE + _INDENT * min(number, _MOST_INDENTS)
        _way_to(column, hop)
        _name(column, hop)
    if walk.loops_to:
        _circle(column)
    for way in walk.branches:
        _branch(column, way)
    if column.left_out:
        _note(column, f"and {column.left_out} more zones, not drawn")
    told = list(_told(mine))
    drawing = Drawing(sum(b.height for b in column.blocks) + 10 + sum(15 * len(lines) + 3 for _, lines in told) + 4)
    y = 4.0
    for block in column.blocks:
        block.draw(drawing, y)
        y += block.height
    y += 10
    for status, lines in told:
        drawing.mark(_EDGE + 7, y + 7, status, radius=6.5)
        for line in lines:
            drawing.text(_EDGE + 20, y + 7, line, size=SMALL + 0.5, width=_WIDTH - 2 * _EDGE - 20)
            y += 15
        y += 3
    conclusion = " ".join(line for _, lines in told for line in lines)
    words = "; ".join(b.words for b in column.blocks if b.words)
    return drawing.finish("From the root to the name, server by server", f"{conclusion} {words}.".strip(), conclusion)


def _branch(column: _Column, way: Delegations) -> None:
    """Add another way that lookups go: its names that are not drawn yet, with the zones above them."""
    new = [number for number, hop in enumerate(way.hops) if hop.name not in column.names]
    if not new and not way.loops_to:
        return
    column.walk, column.broken, column.skipped = way, False, 0
    owner = visible(way.hops[max(new[0] - 1, 0) if new else -1].name, 120)
    _note(column, f"or, for {percent(way.share)} of lookups, from {owner} on")
    for number in new:
        column.indent = _EDGE + _INDENT * min(number, _MOST_INDENTS)
        _way_to(column, way.hops[number])
        _name(column, way.hops[number])
    if way.loops_to:
        _circle(column)


def _condensed(walk: Delegations, findings: Sequence[Finding]) -> Iterator[int]:
    """Yield the places of aliases of one zone that are left out: the middle of a long chain, if all is well there."""
    middle = range(2, len(walk.hops) - 2)
    dull = all(walk.hops[n].zone is walk.hops[1].zone and not of_hop(findings, walk.hops[n]) for n in middle)
    if dull and len(middle) > 1:
        yield from middle


def _way_to(column: _Column, hop: Hop) -> None:
    """Add the zones above a name that are not drawn yet."""
    above = [z for z in column.walk.zones_by_name if is_within(hop.zone.name, z.name)]
    for zone in above:
        if zone.name in column.zones:
            continue
        if len(column.zones) >= MAX_ZONES:
            column.left_out += 1
            continue
        column.zones.add(zone.name)
        if zone.name != ROOT:
            _edge_to_zone(column, zone)
        _zone(column, zone, hop)


# --- edges ------------------------------------------------------------------------------------------------------------


def _edge(column: _Column, status: str, label: str, said: str = "") -> None:
    """Add an arrow down: `said` is what is wrong; `status` is `fault` where it is broken, `not_reached` behind that."""
    x = column.indent + 22
    look = style.look(status)
    loud = look in _RANK
    height = _ARROW + (16 if loud else 0)

    def draw(drawing: Drawing, y: float) -> None:
        color: str = getattr(_C, look if loud else "none")
        is_broken = look in ("fault", "unknown") or status == "not_reached"
        middle = y + height / 2 - 2
        drawing.line([(x, y + 1), (x, y + height - 6)], color=color, dashed=is_broken, width=2 if loud else 1.3)
        drawing.arrow(x, y + height - 1, color=color, size=3.6)
        if loud:
            drawing.mark(x, middle, status, radius=7)
        left = x + 14
        if said:
            drawing.text(left, middle, said, size=SMALL, color=color, bold=True, width=_WIDTH - _EDGE - left)
            left += text_width(said, SMALL, bold=True) + 10
        if left + 40 < _WIDTH - _EDGE:
            drawing.text(left, middle, label, size=SMALL, color=_C.muted, width=_WIDTH - _EDGE - left)

    column.blocks.append(_Block(height, draw, f"{said}: {label}" if said else label))
    column.last_zone = ""


def _edge_to_zone(column: _Column, zone: ZoneView) -> None:
    """Add what the zone above says of a zone, and what is wrong with that."""
    found = [f for f in of_zone(column.findings, zone) if _is_of_edge(f)]
    servers = len(zone.listed)
    label = f"{zone_shown(zone.parent)} names {servers} name server{'' if servers == 1 else 's'}"
    with_glue = sum(s in zone.glue for s in zone.listed)
    if with_glue:
        whose = f"the address{'' if with_glue == 1 else 'es'} of {with_glue}"
        label += f" and gives {'their addresses' if with_glue == servers > 1 else whose}"
    if zone.parent == ROOT and len(column.zones) > 2 and not column.broken:
        label = f"from the root again: {label}"
    status = "not_reached" if column.broken else _status(found)
    _edge(column, status, label, "" if column.broken else _labels(found))
    faults = any(f.status in (Status.FAULT, Status.UNKNOWN) for f in found)
    column.broken |= faults and not any(p.condition is Condition.WELL for p in zone.places)


def _is_of_edge(finding: Finding) -> bool:
    """Tell whether a finding about a zone is drawn where the zone above leads to it: that edge is broken, or wrong."""
    return finding.status in (Status.FAULT, Status.UNKNOWN) or finding.code in _OF_DELEGATIONS


def _labels(findings: Sequence[Finding]) -> str:
    return ", ".join(dict.fromkeys(_label(f) for f in findings))


def _status(findings: Sequence[Finding]) -> str:
    return findings[0].status.value if findings else "ok"


def _label(finding: Finding) -> str:
    """Return a code in words: `dns.glue_missing` is `glue missing`."""
    words = finding.code.partition(".")[2].replace("_", " ")
    for plain, proper in _PROPER:
        words = words.replace(plain, proper)
    return words


_PROPER = (
    *(("nxdomain", "NXDOMAIN"), ("nodata", "no such record"), ("dnssec", "DNSSEC"), ("edns", "EDNS")),
    *(("tcp", "TCP"), ("servfail", "SERVFAIL")),
)


# --- zones ------------------------------------------------------------------------------------------------------------


def _zone(column: _Column, zone: ZoneView, hop: Hop) -> None:
    """Add the box of a zone; what is well run and not ours is told in one line."""
    servers = rows(column.walk, zone)
    found = of_zone(column.findings, zone)
    troubled = [r for r in servers if style.look(r.summary.status) in _RANK]
    in_full = zone in column.walk.zones or bool(troubled)
    status = _status(found) if found else _worst(servers) if servers else "not_reached"
    said = _labels([f for f in found if zone.name == ROOT or not _is_of_edge(f)])
    note = _summary(zone, servers, troubled)
    if zone.name == hop.zone.name and is_below(hop.apex, zone.name):
        note = f"also holds {visible(hop.apex, 80)} · {note}"
    shown = sorted(servers, key=lambda r: r not in troubled)[:MAX_SERVERS] if len(servers) > MAX_SERVERS else servers
    left_out = len(servers) - len(shown)
    lines = (len(shown) + 1) // 2 if in_full else 0
    height = _HEAD + _CELL * lines + (_FOOT if lines else 2) + (14 if left_out else 0)
    left, width = column.indent, _WIDTH - _EDGE - column.indent

    def draw(drawing: Drawing, y: float) -> None:
        _frame(drawing, (left, y), (width, height), status)
        drawing.mark(left + 22, y + 13, status, radius=7)
        x, right = left + 36, left + width - 10
        drawing.text(right, y + 13, note, size=SMALL, color=_C.muted, align="right", width=width * 0.62)
        right -= min(text_width(note, SMALL), width * 0.62) + 12
        drawing.text(x, y + 13, zone_shown(zone), bold=True, width=right - x)
        x += text_width(zone_shown(zone), TEXT, bold=True) + 12
        if said and x + 40 < right:
            drawing.text(x, y + 13, said, size=SMALL, bold=True, color=getattr(_C, style.look(status)), width=right - x)
        half = (width - 18) / 2
        for number, row in enumerate(shown if in_full else ()):
            _server(drawing, row, left + 12 + half * (number % 2), y + _HEAD + _CELL * (number // 2 + 0.5), width=half)
        if left_out:
            more = f"and {left_out} more, not drawn"
            drawing.text(left + 24, y + height - 9, more, size=SMALL - 0.5, color=_C.muted)

    told = "; ".join(f"{visible(r.server, 80)}{_at(r)} {r.summary}" for r in (troubled or servers)[:MAX_SERVERS])
    name = f"{zone_shown(zone)}{f', {said}' if said else ''}"
    column.blocks.append(_Block(height, draw, f"{name}: {note}" + (f" ({told})" if in_full else "")))
    column.last_zone = zone.name


def _at(row: Row) -> str:
    return f" ({visible(row.address, 60)})" if row.address else ""


def _worst(servers: Sequence[Row]) -> str:
    """Return the mark of a zone that no finding is about: a server that fails is no fault of the whole."""
    found = {r.summary.status for r in servers}
    if found & {"ok", "none"}:
        return "warning" if found & {"fault", "warning"} else "ok"
    return next((status for status in _RANK if status in found), "not_examined")


def _summary(zone: ZoneView, servers: Sequence[Row], troubled: Sequence[Row]) -> str:
    """Return a zone's servers in a few words."""
    asked = [r for r in servers if r.address and r.summary.status != "not_examined"]
    if not asked:
        return "no server could be asked" if servers else "no server is known"
    bad = sum(r in troubled for r in asked)
    every = "it answers" if len(asked) == 1 else "all answer"
    words = f"{len(asked)} address{'' if len(asked) == 1 else 'es'} asked, {f'{bad} in trouble' if bad else every}"
    missing = len([r for r in servers if r.address]) - len(asked)
    words += f", {missing} not" if missing else ""
    serials = sorted(set(zone.serials.values()))
    if len(serials) == 1:
        words += f" · serial {serials[0]}"
    return f"{words} · {len(serials)} serials" if len(serials) > 1 else words


def _frame(drawing: Drawing, corner: Point, size: Point, status: str) -> None:
    (x, y), (width, height) = corner, size
    look = style.look(status)
    loud = look in _RANK
    color: str = getattr(_C, look)
    dashed = status in ("not_reached", "unknown")
    edge, fill = color if loud else _C.line, color if look == "fault" else ""
    drawing.box(x, y, width, height, edge=edge, fill=fill, dashed=dashed, line=1.6 if loud else 1.2)


def _server(drawing: Drawing, row: Row, x: float, y: float, *, width: float) -> None:
    """Draw one server as a line: mark, name, address, what it says."""
    look = style.look(row.summary.status)
    loud = look in _RANK
    color: str = getattr(_C, look) if loud else _C.muted
    if loud:
        drawing.box(x, y - 7.5, width - 4, 15, edge="", fill=color, alpha=0.13, rounding=3)
    drawing.mark(x + 10, y, row.summary.status, radius=5.5)
    columns = (0.0, (width - 26) * 0.43, (width - 26) * 0.7, width - 26)
    words = (visible(row.server, 260), visible(row.address, 60), row.summary.words)
    for place, (text, left) in enumerate(zip(words, columns, strict=False)):
        last = place == 2
        ink = color if last else _C.ink if not place else _C.muted
        room = columns[place + 1] - left - 4
        if text:
            drawing.text(x + 20 + left, y, text, size=SMALL - 0.5, color=ink, bold=loud and last, width=room)


# --- names ------------------------------------------------------------------------------------------------------------


def _name(column: _Column, hop: Hop) -> None:
    """Add a name with what is said of it, and the edge that leads to it."""
    column.names.add(hop.name)
    found = of_hop(column.findings, hop)
    said = hop_said(hop)
    status = "not_reached" if column.broken else _status(found) if found else said.status
    is_first = hop is column.walk.hops[0]
    label = f"{answered_by(hop)} answer"
    if column.last_zone != hop.zone.name:
        label = f"in {zone_shown(hop.zone)}, above: {label}"
    if column.skipped:
        label = f"{column.skipped} aliases later, {label}"
        column.skipped = 0
    if column.broken:
        label = "nobody can tell"
    what = "" if column.broken else _labels(found)
    edge = status if what or status in ("fault", "not_reached") else "ok"
    _edge(column, edge, label, what)
    times = ttl(records(hop))
    detail = "not reached" if column.broken else said.words + (f"  (TTL {times})" if times else "")
    _name_box(column, hop.name, detail, status, is_first=is_first)


def _name_box(column: _Column, name: str, detail: str, status: str, *, is_first: bool) -> None:
    left, width = column.indent, _WIDTH - _EDGE - column.indent

    def draw(drawing: Drawing, y: float) -> None:
        look = style.look(status)
        color: str = getattr(_C, look)
        _frame(drawing, (left, y), (width, _NAME), status)
        if look == "ok":
            drawing.box(left, y, width, _NAME, edge=_C.ok, line=1.4)
        drawing.mark(left + 22, y + _NAME / 2, status, radius=8)
        drawing.text(left + 40, y + 13, name, bold=True, size=TEXT + 0.5, width=width - 150)
        kind = "the origin's name" if is_first else "its alias"
        drawing.text(left + width - 10, y + 13, kind, size=SMALL, color=_C.muted, align="right")
        ink = color if look in _RANK else _C.muted if look == "none" else _C.ink
        drawing.text(left + 40, y + 29, detail, size=SMALL, color=ink, bold=look == "fault", width=width - 52)

    column.blocks.append(_Block(_NAME, draw, f"{visible(name, 120)}: {detail}"))


def _circle(column: _Column) -> None:
    """Add the edge with which the chain of aliases comes back to itself."""
    back = visible(column.walk.loops_to, 120)
    _edge(column, "fault", "it never ends", f"back to {back}")


def _note(column: _Column, words: str) -> None:
    def draw(drawing: Drawing, y: float) -> None:
        drawing.text(_EDGE, y + 12, words, size=SMALL, color=_C.muted)

    column.blocks.append(_Block(20, draw, words))


def _told(findings: Sequence[Finding]) -> Iterator[tuple[str, list[str]]]:
    """Yield what findings say, the worst first, in lines that fit; where nothing is wrong, what is right."""
    wrong = [f for status in _RANK for f in findings if f.status.value == status]
    right = sorted((f for f in findings if f.status in (Status.OK, Status.INFO)), key=lambda f: f.status is Status.INFO)
    shown = wrong[:MAX_LINES] or right[:1]
    for finding in shown:
        yield finding.status.value, list(wrapped(finding.title, _WIDTH - 2 * _EDGE - 24, SMALL + 0.5))[:3]
    if len(wrong) > len(shown):
        more = len(wrong) - len(shown)
        yield "none", [f"and {more} more finding{'' if more == 1 else 's'}"]
