"""What name servers were asked and said, as tables: server by server, along the aliases, and every single question."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cfrunbook.causes.dns_delegation import Delegations, Hop, fold
from cfrunbook.causes.dns_words import percent, said
from cfrunbook.cloudfront.targets import Target
from cfrunbook.evidence import DnsQuery, DnsTransport, Observations
from cfrunbook.probes.dns.names import plain
from cfrunbook.views import style
from cfrunbook.views.dns_cells import (
    COLUMNS,
    Cell,
    Row,
    answered_by,
    asked_in,
    hop_said,
    records,
    rows,
    ttl,
    zone_shown,
    zones_of_all_ways,
)
from cfrunbook.views.tables import MAX_ROWS, Table


def name_servers(seen: Observations, wanted: Sequence[Target] = ()) -> Table:
    """Return what every address of the name servers answers to each kind of question, with the mark of each answer.

    Without the targets that are `wanted`, every name that was resolved counts. Nothing where no name server was asked.
    """
    found = [row for walk in walks(seen, wanted) for row in _servers(walk)]
    return _table(
        "What every name server answers",
        ("Name server", "Asked for", *COLUMNS.values()),
        list(dict.fromkeys(found)),
        monospace={0, 1},
        wide={0, 1},
        empty="No name server was asked.",
    )


def alias_chain(seen: Observations, wanted: Sequence[Target] = ()) -> Table:
    """Return each name of the chains of aliases: the zone it is in, what it is, how long that may be kept, who says so.

    Without the targets that are `wanted`, every name that was resolved counts. Names that are no alias give nothing.
    """
    found = [row for walk in walks(seen, wanted) if len(walk.hops) > 1 or walk.loops_to for row in _hops(walk)]
    return _table(
        "The chain of aliases",
        ("Step", "Name", "Zone", "Is", "TTL", "Answered by"),
        found,
        monospace={1, 2, 3},
        wide={1, 3},
        empty="No alias was seen.",
    )


def dns_queries(seen: Observations) -> Table:
    """Return every question to a name server, and what came of it."""
    kept = seen.dns_queries[:MAX_ROWS]
    return Table(
        title="Questions to name servers",
        columns=("Id", "Name server", "For zone", "Question", "Answer", "Time"),
        rows=tuple(_query(q) for q in kept),
        ids=tuple(q.id for q in kept),
        monospace=frozenset({0, 1, 2, 3}),
        wide=frozenset({1, 3, 4}),
        empty="No name server was asked.",
        left_out=len(seen.dns_queries) - len(kept),
    )


def walks(seen: Observations, wanted: Sequence[Target] = ()) -> Iterator[Delegations]:
    """Yield the walk to each name that was walked to."""
    asked = {q.name for q in seen.dns_queries}
    names = [(t.domain, t.ip_address_type) for t in wanted] or [(r.name, "ipv4") for r in seen.resolutions]
    for name, family in dict.fromkeys((plain(name), family) for name, family in names):
        if name in asked:
            yield fold(seen.dns_queries, name, kind="AAAA" if family == "ipv6" else "A")


def _servers(walk: Delegations) -> Iterator[tuple[str, ...]]:
    for way, zone in zones_of_all_ways(walk):
        for row in rows(way, zone):
            place = f"{row.server} at {row.address or 'no address'}"
            asked = f"{asked_in(way, zone)} in {zone_shown(zone)}"
            yield (place, asked, *(_shown(cell) for cell in _cells(row)))


def _cells(row: Row) -> Iterator[Cell]:
    """Yield what a row shows below each heading; where nothing was asked, the reason comes first."""
    first = row.summary if not row.cells else Cell()
    for number, column in enumerate(COLUMNS):
        yield row.cells.get(column, first if number == 0 else Cell())


def _shown(cell: Cell) -> str:
    return f"{style.symbol(cell.status)} {cell.words}" if cell.status else ""


def _hops(walk: Delegations) -> Iterator[tuple[str, ...]]:
    for number, way in enumerate(walk.ways):
        if number:
            yield (f"or, for {percent(way.share)} of lookups", *[""] * 5)
        names = [hop.name for before in walk.ways[:number] for hop in before.hops]
        for step, hop in enumerate(way.hops, 1):
            if hop.name not in names:
                yield _hop(step, hop)
        if way.loops_to:
            circle = f"{style.symbol('fault')} where it began: a circle"
            yield (str(len(way.hops) + 1), way.loops_to, "", circle, "", "")


def _hop(number: int, hop: Hop) -> tuple[str, ...]:
    is_what = hop_said(hop)
    words = f"{style.symbol(is_what.status)} {is_what}"
    return str(number), hop.name, zone_shown(hop.zone), words, ttl(records(hop)) or "–", answered_by(hop)


def _query(query: DnsQuery) -> tuple[str, ...]:
    relocated = f" (relocated to {query.connected_to})" if query.connected_to else ""
    over = " over TCP" if query.transport is DnsTransport.TCP else ""
    question = f"{query.name} {query.type}{over}{'' if query.edns else ' without EDNS'}"
    times = f", sent {len(query.sent_at)} times" if len(query.sent_at) > 1 else ""
    took = f"{query.elapsed_ms:.0f} ms" if query.elapsed_ms >= 1 else "<1 ms"
    server = f"{query.server} at {query.address}{relocated}"
    return query.id, server, zone_shown(query.zone), question, f"{said(query)}{times}", took


def _table(
    title: str,
    columns: tuple[str, ...],
    found: Sequence[tuple[str, ...]],
    *,
    monospace: set[int],
    empty: str,
    wide: set[int] | None = None,
) -> Table:
    return Table(
        title=title,
        columns=columns,
        rows=tuple(found[:MAX_ROWS]),
        monospace=frozenset(monospace),
        wide=frozenset(wide or ()),
        empty=empty,
        left_out=max(0, len(found) - MAX_ROWS),
    )
