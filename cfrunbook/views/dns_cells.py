"""What name servers said, as a mark and a few words: for the table, the matrix and the drawing of the delegation.

A mark is that of one server or one answer. What it does to the name as a whole is for the findings to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

import msgspec

from cfrunbook.causes.dns_conditions import Condition, cut_of, is_local
from cfrunbook.causes.dns_delegation import Delegations, Hop, Place, ZoneView
from cfrunbook.causes.dns_zones import is_newer
from cfrunbook.evidence import DnsOutcome, DnsQuery, DnsRecord, DnsTransport
from cfrunbook.findings import Finding, Status
from cfrunbook.probes.dns.names import ROOT, depth, is_within, plain
from cfrunbook.text import visible

Column = Literal["A", "AAAA", "SOA", "NS", "DNSKEY", "no EDNS", "TCP"]
COLUMNS: Mapping[Column, str] = {
    "A": "A",
    "AAAA": "AAAA",
    "SOA": "SOA serial",
    "NS": "NS",
    "DNSKEY": "DNSKEY",
    "no EDNS": "A, no EDNS",
    "TCP": "A, over TCP",
}
"""What is asked of every server, and the heading of it."""

CONDITIONS: Mapping[Condition, tuple[str, str]] = {
    Condition.WELL: ("ok", "answers"),
    Condition.SILENT: ("fault", "no answer"),
    Condition.NO_UDP: ("fault", "only over TCP"),
    Condition.NOT_RUNNING: ("fault", "port 53 closed"),
    Condition.UNREACHABLE: ("fault", "unreachable"),
    Condition.REFUSES: ("fault", "refuses"),
    Condition.FAILS: ("fault", "fails"),
    Condition.NOT_AUTHORITATIVE: ("fault", "no authority"),
    Condition.UPWARD: ("fault", "refers back up"),
    Condition.MALFORMED: ("fault", "no DNS answer"),
    Condition.DROPS_EDNS: ("fault", "drops EDNS"),
    Condition.TRUNCATES: ("fault", "cut off, no TCP"),
    Condition.IGNORES: ("fault", "ignores this"),
    Condition.LIMITS: ("warning", "only over TCP"),
    Condition.UNPROVEN: ("unknown", "no answer yet"),
    Condition.UNFINISHED: ("unknown", "no time left"),
    Condition.NOT_TRIED: ("not_examined", "not from here"),
}
"""Mark and words of a server in each condition; an error code says it better than `refuses` and `fails`."""
OUTCOMES: Mapping[DnsOutcome, tuple[str, str]] = {
    DnsOutcome.ANSWER: ("ok", "answer"),
    DnsOutcome.NODATA: ("none", "none"),
    DnsOutcome.NXDOMAIN: ("fault", "NXDOMAIN"),
    DnsOutcome.REFERRAL: ("ok", "refers on"),
    DnsOutcome.TRUNCATED: ("fault", "cut off"),
    DnsOutcome.RCODE: ("fault", "error"),
    DnsOutcome.TIMEOUT: ("fault", "no answer"),
    DnsOutcome.REFUSED_PORT: ("fault", "port closed"),
    DnsOutcome.UNREACHABLE: ("fault", "unreachable"),
    DnsOutcome.CLOSED: ("fault", "hung up"),
    DnsOutcome.MALFORMED: ("fault", "garbled"),
    DnsOutcome.NO_LOCAL_ROUTE: ("not_examined", "not from here"),
    DnsOutcome.ERROR: ("not_examined", "not from here"),
    DnsOutcome.UNFINISHED: ("unknown", "no time left"),
}
"""Mark and words of a question that ended so."""

_DENIALS = frozenset({DnsOutcome.NODATA, DnsOutcome.NXDOMAIN})
_NO_PATH = frozenset({DnsOutcome.TIMEOUT, DnsOutcome.UNREACHABLE})
_UNCERTAIN = frozenset({Condition.UNPROVEN, Condition.UNFINISHED, Condition.NOT_TRIED})
_ORDER = {status: rank for rank, status in enumerate((Status.FAULT, Status.UNKNOWN, Status.WARNING))}


class Cell(msgspec.Struct, frozen=True):
    """One answer, or none: a status for its mark, and a few words. Both empty where nothing was asked."""

    status: str = ""
    words: str = ""

    def __str__(self) -> str:
        return self.words or "not asked"


class Row(msgspec.Struct, frozen=True):
    """One address of one name server, or a server without any."""

    server: str
    address: str
    summary: Cell
    """How the server is, and what it says of the name."""
    cells: Mapping[Column, Cell]


def rows(walk: Delegations, zone: ZoneView) -> tuple[Row, ...]:
    """Return what every name server of a zone said of the name that leads there; servers without address come last."""
    name = asked_in(walk, zone)
    tcp_works = any(q.rcode for q in walk.queries if q.transport is DnsTransport.TCP)
    newest = _newest(zone)
    positive = {kind: _is_there(zone, name, kind) for kind in ("A", "AAAA")}
    found: list[Row] = []
    for place in zone.places:
        cells: dict[Column, Cell] = {}
        for column in COLUMNS:
            query = _question(zone, place, name, column)
            cell = _cell(query, place, tcp_works=tcp_works)
            denies = query is not None and query.outcome in _DENIALS and query.authoritative
            if column == "SOA" and newest is not None and _serial(zone, place) not in (None, newest):
                cell = Cell("warning", cell.words)
            elif query is not None and denies and positive.get(query.type):
                cell = Cell("fault", cell.words)
            cells[column] = cell
        found.append(Row(place.server, place.address, _summary(place, zone, name, cells), cells))
    return (*found, *(Row(server, "", cell, {}) for server, cell in addressless(walk, zone)))


def addressless(walk: Delegations, zone: ZoneView) -> Iterator[tuple[str, Cell]]:
    """Yield the name servers that the zone above lists and that could not be asked, for want of an address."""
    reached = {p.server for p in zone.places}
    for server in zone.listed:
        if server in reached:
            continue
        if is_within(server, zone.name) and server not in zone.glue:
            yield server, Cell("fault", "no glue")
        elif any(q.name == server for q in walk.queries):
            yield server, Cell("fault", "no address")
        else:
            yield server, Cell("not_examined", "not asked")


def asked_in(walk: Delegations, zone: ZoneView) -> str:
    """Return the first name of the alias chain that leads to or through a zone."""
    own = (h.name for h in walk.hops if h.zone.name == zone.name)
    through = (h.name for h in walk.hops if is_within(h.name, zone.name))
    return next(own, next(through, walk.name))


def zones_in_order(walk: Delegations) -> tuple[ZoneView, ...]:
    """Return the zones whose servers matter, in the order in which the chain of aliases leads through them."""
    ranks = {z.name: (hop, depth(z.name)) for hop, z in _passed(walk)}
    return tuple(sorted(walk.zones, key=lambda z: ranks.get(z.name, (len(walk.hops), 0))))


def zones_of_all_ways(walk: Delegations) -> Iterator[tuple[Delegations, ZoneView]]:
    """Yield the zones whose servers matter on any way that lookups go, each once, with the first way through it."""
    seen: set[str] = set()
    for way in walk.ways:
        for zone in zones_in_order(way):
            if zone.name not in seen:
                seen.add(zone.name)
                yield way, zone


def _passed(walk: Delegations) -> Iterator[tuple[int, ZoneView]]:
    """Yield every zone with the number of each name that it leads to, the first name last."""
    for number in reversed(range(len(walk.hops))):
        yield from ((number, z) for z in walk.zones if is_within(walk.hops[number].name, z.name))


def of_zone(findings: Iterable[Finding], zone: ZoneView) -> list[Finding]:
    """Return what findings say of a zone's servers and delegation, the worst first."""
    mine = (f for f in findings if f.status in _ORDER and "hop" not in f.data)
    return sorted((f for f in mine if f.data.get("zone") == visible(zone.name, 260)), key=_rank)


def of_hop(findings: Iterable[Finding], hop: Hop) -> list[Finding]:
    """Return what findings say of a name, the worst first; how resolvers differ is another matter."""
    mine = (f for f in findings if f.status in _ORDER and "resolver_says" not in f.data)
    return sorted((f for f in mine if f.data.get("hop") == visible(hop.name, 260)), key=_rank)


def _rank(finding: Finding) -> int:
    return _ORDER[finding.status]


def records(hop: Hop) -> tuple[DnsRecord, ...]:
    """Return the different records that the name servers give for a name: its alias, or its addresses."""
    wanted = ("CNAME",) if hop.aliases else ("A", "AAAA")
    answers = (q for kind in ("A", "AAAA") for _, q in hop.replies(kind))
    found = (r for q in answers for r in q.answer if r.owner == hop.name and r.type in wanted)
    return tuple({(r.type, r.data): r for r in found}.values())


def ttl(found: Sequence[DnsRecord]) -> str:
    """Return how long resolvers may keep records, `60 s` or `0 to 60 s`; empty where there is none."""
    times = sorted({r.ttl for r in found})
    if not times:
        return ""
    return f"{times[0]} s" if len(times) == 1 else f"{times[0]} to {times[-1]} s"


def hop_said(hop: Hop) -> Cell:
    """Return what the name servers of its zone say of a name."""
    found = records(hop)
    denied = {o for o in hop.outcomes if o in _DENIALS}
    values = [plain(r.data) if r.type == "CNAME" else r.data for r in found]
    words = (" or " if hop.aliases else ", ").join(visible(v, 120) for v in values[:6])
    words += f" and {len(found) - 6} more" if len(found) > 6 else ""
    if found and DnsOutcome.NXDOMAIN in denied:
        words += "; or NXDOMAIN, depending on the server"
    if hop.aliases:
        return Cell("ok", f"alias of {words}")
    if found:
        return Cell("ok", words)
    if denied == {DnsOutcome.NODATA}:
        return Cell("fault", "exists, and has no address")
    if denied:
        return Cell("fault", "does not exist (NXDOMAIN)")
    return Cell("not_reached", "nobody says what it is")


def answered_by(hop: Hop) -> str:
    """Return how many of the zone's name servers answered for a name: `3 of 4 name servers`."""
    servers = {p.server for p in hop.zone.places} | set(hop.zone.listed)
    answered = {p.server for kind in ("A", "AAAA") for p, _ in hop.replies(kind)}
    return f"{len(answered)} of {len(servers)} name server{'' if len(servers) == 1 else 's'}"


def zone_shown(zone: ZoneView | str) -> str:
    """Return a zone's name for people."""
    name = zone if isinstance(zone, str) else zone.name
    return "the root" if name == ROOT else visible(name, 260)


# --- one answer -------------------------------------------------------------------------------------------------------


def _question(zone: ZoneView, place: Place, name: str, column: Column) -> DnsQuery | None:
    """Return the question to a place that a column shows; for a truncated answer the one over TCP, if one came."""
    owner = zone.name if column in ("SOA", "NS", "DNSKEY") else name
    kind = "A" if column in ("no EDNS", "TCP") else column
    here = [q for q in place.queries if (q.name, q.type) == (owner, kind)]
    over_tcp = next((q for q in here if q.transport is DnsTransport.TCP), None)
    if column == "TCP":
        return over_tcp
    over_udp = (q for q in here if q.transport is DnsTransport.UDP and q.edns == (column != "no EDNS"))
    found = next(over_udp, None)
    truncated = found is not None and found.outcome is DnsOutcome.TRUNCATED
    return over_tcp if truncated and over_tcp is not None and over_tcp.rcode else found


def _cell(query: DnsQuery | None, place: Place, *, tcp_works: bool) -> Cell:
    if query is None:
        return Cell()
    status, words = OUTCOMES[query.outcome]
    well = place.condition is Condition.WELL
    match query.outcome:
        case DnsOutcome.ANSWER | DnsOutcome.NODATA | DnsOutcome.NXDOMAIN if not query.authoritative:
            return Cell("fault", "no authority")
        case DnsOutcome.ANSWER:
            return Cell(status, _said(query))
        case DnsOutcome.REFERRAL:
            return Cell(status, words) if cut_of(query) else Cell("fault", "refers back")
        case DnsOutcome.RCODE:
            return Cell("warning" if well else status, visible(query.rcode, 20))
    if status != "fault" or query.outcome in _DENIALS:
        return Cell(status, words)
    if place.condition in _UNCERTAIN:
        return Cell("unknown", words)
    if well:  # only this question fails
        over_tcp = query.transport is DnsTransport.TCP
        proven = not over_tcp or tcp_works or is_local(query) or query.outcome not in _NO_PATH
        return Cell("warning" if proven else "unknown", words)
    return Cell(status, words)


def _said(query: DnsQuery) -> str:
    """Return an answer in a word or two."""
    found = [r for r in query.answer if r.owner == query.name and r.type == query.type]
    if any(r.owner == query.name and r.type == "CNAME" for r in query.answer) and query.type != "CNAME":
        return "alias"
    if query.type == "SOA":
        words = found[0].data.split() if found else []
        return visible(words[2], 20) if len(words) == 7 else "SOA"
    if query.type in ("A", "AAAA"):
        more = f" +{len(found) - 1}" if len(found) > 1 else ""
        return f"{visible(found[0].data, 60)}{more}" if found else "other records"
    unit = {"NS": "server", "DNSKEY": "key"}.get(query.type, "record")
    return f"{len(found)} {unit}{'' if len(found) == 1 else 's'}"


def _summary(place: Place, zone: ZoneView, name: str, cells: Mapping[Column, Cell]) -> Cell:
    """Return how a place is: what it says of the name where it is well, else what is wrong with it."""
    if place.condition is Condition.WELL:
        telling = place.telling
        if telling.rcode == "FORMERR":
            return Cell("warning", "knows no EDNS")
        said = next((cells[c] for c in ("A", "AAAA") if place.reply(name, c) and cells[c].status != "none"), None)
        if said is None:
            said = cells["A"] if place.reply(name, "A") else Cell("ok", OUTCOMES[telling.outcome][1])
        if said.words == "none":
            said = Cell(said.status, "no address")
        if said.status in ("ok", "none") and cells["SOA"].status == "warning":
            return Cell("warning", said.words)
        # That a name is not there is no fault of a server, unless another one has it.
        if said.words == "NXDOMAIN" and not _is_there(zone, name, "A"):
            return Cell("ok", said.words)
        return said
    status, words = CONDITIONS[place.condition]
    if place.condition in (Condition.REFUSES, Condition.FAILS):
        words = visible(place.telling.rcode, 20) or words
    return Cell(status, words)


def _is_there(zone: ZoneView, name: str, kind: str) -> bool:
    """Tell whether some server of a zone has records of one type for a name, or an alias."""
    return any(q.outcome is DnsOutcome.ANSWER for p in zone.well for q in p.replies(name, kind))


def _serial(zone: ZoneView, place: Place) -> int | None:
    return zone.serials.get((place.server, place.address))


def _newest(zone: ZoneView) -> int | None:
    newest: int | None = None
    for serial in zone.serials.values():
        newest = serial if newest is None or is_newer(serial, newest) else newest
    return newest
