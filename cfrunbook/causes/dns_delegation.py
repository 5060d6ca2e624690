"""What a walk to the name servers showed: zone by zone, server by server. Pure, and from the recording alone.

Facts only: `fold` orders questions and answers; what a fact means is for the judges (`dns_servers`, `dns_answers`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice

import msgspec
from msgspec.structs import replace

from cfrunbook.causes.dns_conditions import REPLIES, Condition, Control, Heard, condition, control, cut_of
from cfrunbook.evidence import DnsOutcome, DnsQuery, DnsTransport
from cfrunbook.probes import address as addresses
from cfrunbook.probes.dns.names import ROOT, depth, enclosing, is_within, plain
from cfrunbook.probes.dns.questions import RANDOM_LABEL
from cfrunbook.probes.dns.walk import MAX_ALIASES

MAX_WAYS = 16
"""Ways that are judged where aliases have several targets."""


class Place(msgspec.Struct, frozen=True):
    """One address of one name server of a zone."""

    zone: str
    server: str
    address: str
    condition: Condition
    telling: DnsQuery
    """The question whose outcome shows the condition."""
    queries: tuple[DnsQuery, ...]

    @property
    def connected_to(self) -> str:
        """`address:port` really used when relocated, else empty."""
        return self.telling.connected_to

    def reply(self, name: str, kind: str) -> DnsQuery | None:
        """Return the authoritative answer of this place for a name and type, over whichever transport."""
        found = [q for q in self.queries if (q.name, q.type) == (name, kind) and q.authoritative]
        return next((q for q in found if q.outcome in REPLIES), None)

    def replies(self, name: str, kind: str) -> tuple[DnsQuery, ...]:
        """Return all authoritative answers of this place for a name and type."""
        asked = (q for q in self.queries if (q.name, q.type) == (name, kind))
        return tuple(q for q in asked if q.authoritative and q.outcome in REPLIES)


class ZoneView(msgspec.Struct, frozen=True, dict=True):
    """One zone on the way: what the zone above says of it, and what its servers say and are."""

    name: str
    parent: str
    """Empty for the root."""
    referrals: tuple[DnsQuery, ...]
    places: tuple[Place, ...]

    @cached_property
    def listed(self) -> tuple[str, ...]:
        """The name servers that the zone above lists."""
        records = (r for q in self.referrals for r in q.authority if r.type == "NS" and r.owner == self.name)
        return tuple(sorted({plain(r.data) for r in records}))

    @cached_property
    def held(self) -> tuple[str, ...]:
        """The name servers that the zone itself lists; empty where no server said so."""
        answers = (q for p in self.places for q in p.replies(self.name, "NS"))
        records = (r for q in answers for r in q.answer if r.type == "NS" and r.owner == self.name)
        return tuple(sorted({plain(r.data) for r in records}))

    @cached_property
    def glue(self) -> dict[str, tuple[str, ...]]:
        """The addresses that the zone above gives for name servers, as far as it is hers to know."""
        found: dict[str, dict[str, None]] = {}
        for query in self.referrals:
            for record in query.additional:
                known = record.type in ("A", "AAAA") and record.owner in self.listed
                if known and is_within(record.owner, query.zone):
                    found.setdefault(record.owner, {})[record.data] = None
        return {server: tuple(found[server]) for server in found}

    @cached_property
    def asked(self) -> tuple[Place, ...]:
        """The places that could be asked from here."""
        return tuple(p for p in self.places if p.condition is not Condition.NOT_TRIED)

    @cached_property
    def well(self) -> tuple[Place, ...]:
        """The places that do what they are there for, if need be over TCP."""
        return tuple(p for p in self.places if p.condition in (Condition.WELL, Condition.LIMITS))

    @cached_property
    def versions(self) -> dict[tuple[str, str], frozenset[int]]:
        """All SOA serials by server name and address, those beside negative answers too: of several, one by turns."""
        found: dict[tuple[str, str], frozenset[int]] = {}
        for place in self.places:
            said = (q for q in place.queries if q.authoritative and q.outcome in REPLIES)
            records = (r for q in said for r in (*q.answer, *q.authority) if r.type == "SOA" and r.owner == self.name)
            words = (r.data.split() for r in records)
            found[place.server, place.address] = frozenset(int(w[2]) for w in words if len(w) == 7 and w[2].isdecimal())
        return found

    @cached_property
    def serials(self) -> dict[tuple[str, str], int]:
        """The SOA serial by server name and address."""
        found: dict[tuple[str, str], int] = {}
        for place in self.places:
            for query in place.replies(self.name, "SOA"):
                for record in query.answer:
                    words = record.data.split()
                    if record.type == "SOA" and record.owner == self.name and len(words) == 7 and words[2].isdecimal():
                        found[place.server, place.address] = int(words[2])
        return found

    def share(self, places: Iterable[Place]) -> float:
        """Return which part of cold lookups goes to `places` first: every server counts the same, then its addresses.

        Servers that have no address count as well: resolvers cannot go there either way.
        """
        chosen = list(places)
        by_server: dict[str, list[Place]] = {}
        for place in self.asked:
            by_server.setdefault(place.server, []).append(place)
        parts = [sum(p in chosen for p in here) / len(here) for here in by_server.values()]
        return sum(parts) / len(parts) if parts else 0.0


class Hop(msgspec.Struct, frozen=True):
    """One name of the alias chain, and the zone that it is in."""

    name: str
    zone: ZoneView
    aliases: tuple[str, ...]
    """The different targets that the servers give; more than one: they disagree, or take turns."""

    def replies(self, kind: str) -> tuple[tuple[Place, DnsQuery], ...]:
        """Return the authoritative answers of the zone's well servers for this name, repetitions included."""
        return tuple((p, q) for p in self.zone.well for q in p.replies(self.name, kind))

    def addresses(self, kind: str) -> tuple[str, ...]:
        """Return the addresses of one type that the servers give for this name."""
        records = (r for _, q in self.replies(kind) for r in q.answer)
        return tuple(sorted({r.data for r in records if (r.owner, r.type) == (self.name, kind)}))

    @property
    def outcomes(self) -> frozenset[DnsOutcome]:
        """How the servers' answers for addresses ended."""
        return frozenset(q.outcome for kind in ("A", "AAAA") for _, q in self.replies(kind))

    @property
    def apex(self) -> str:
        """The zone that holds the name, by the SOA record that its servers give: it may be below the one delegated."""
        for kind in ("SOA", "AAAA", "A"):
            for _, query in self.replies(kind):
                for record in (*query.answer, *query.authority):
                    if record.type == "SOA" and is_within(self.name, record.owner):
                        return record.owner
        return self.zone.name


class Delegations(msgspec.Struct, frozen=True, dict=True):
    """The walk to one name, as the recording shows it."""

    name: str
    control: Control
    hops: tuple[Hop, ...]
    """The name, then what it is an alias of, in order."""
    loops_to: str = ""
    """The name at which the chain of aliases comes back to itself."""
    queries: tuple[DnsQuery, ...] = ()
    zones_by_name: tuple[ZoneView, ...] = ()
    share: float = 1.0
    """Which part of the lookups goes this way: less than all of them where an alias has several targets."""
    branches: tuple[Delegations, ...] = ()
    """The other ways that lookups go, each as if it were the only one."""

    @property
    def ways(self) -> tuple[Delegations, ...]:
        """All ways that lookups go, this one first."""
        return (self, *self.branches)

    @property
    def last(self) -> Hop:
        """The end of the chain of aliases."""
        return self.hops[-1]

    @cached_property
    def zones(self) -> tuple[ZoneView, ...]:
        """The zones whose servers resolvers must ask: below the top-level domains, and the last one of every name."""
        wanted = {h.zone.name for h in self.hops}
        for hop in self.hops:
            wanted |= {z.name for z in self.zones_by_name if depth(z.name) > 1 and is_within(hop.name, z.name)}
        return tuple(z for z in self.zones_by_name if z.name in wanted)

    @property
    def apex(self) -> str:
        """The zone that holds the last name."""
        return self.last.apex

    @property
    def is_answered(self) -> bool:
        """Whether some server of the last zone gave an authoritative answer."""
        return bool(self.last.outcomes)

    def addresses_of(self, server: str) -> tuple[str, ...]:
        """Return what authoritative servers say the addresses of a name server are."""
        records = (
            r
            for q in self.queries
            if q.name == server and q.authoritative and q.outcome is DnsOutcome.ANSWER
            for r in q.answer
            if r.owner == server and r.type in ("A", "AAAA")
        )
        return tuple(dict.fromkeys(r.data for r in records))

    def random_answers(self, zone: str) -> tuple[DnsQuery, ...]:
        """Return what servers of `zone` answered for a name that nobody has created."""
        return tuple(q for q in self.queries if q.zone == zone and q.name.startswith(RANDOM_LABEL))


def fold(queries: Sequence[DnsQuery], name: str, *, kind: str = "A") -> Delegations:
    """Return what `queries`, in any order, show of the way to `name`, for whose records of type `kind` servers are.

    Where an alias has several targets, there are as many ways; the first answer's is the first.
    """
    name = plain(name)
    zones = _zones(queries, kind, name)
    by = control(queries)
    ways = [_way(queries, kind, zones, path, by) for path in islice(_paths(zones, name, kind), MAX_WAYS)]
    return replace(ways[0], branches=tuple(ways[1:]))


class _Path(msgspec.Struct, frozen=True):
    """Names that are aliases one of the next."""

    names: tuple[str, ...]
    share: float = 1.0
    loops_to: str = ""


def _way(
    queries: Sequence[DnsQuery], kind: str, zones: Mapping[str, ZoneView], path: _Path, by: Control
) -> Delegations:
    hops = tuple(_hop(zones, name, kind) for name in path.names)
    if len(hops) > 1 and not hops[-1].replies(kind):  # how servers are for the name that they do not give
        zones = _zones(queries, kind, path.names[-1])
        hops = tuple(_hop(zones, name, kind) for name in path.names)
    in_order = tuple(sorted(zones.values(), key=lambda z: (depth(z.name), z.name)))
    return Delegations(path.names[0], by, hops, path.loops_to, tuple(queries), in_order, path.share)


def _paths(zones: Mapping[str, ZoneView], name: str, kind: str) -> Iterator[_Path]:
    """Yield every way from a name along its aliases, to their end or until they come back to themselves."""
    waiting = [_Path((name,))]
    while waiting:
        path = waiting.pop()
        hop = _hop(zones, path.names[-1], kind)
        if path.loops_to or not hop.aliases or len(path.names) > MAX_ALIASES:
            yield path
            continue
        shares = _shares(hop)
        for target in reversed(hop.aliases):
            share = path.share * shares[target]
            if target in path.names:
                waiting.append(replace(path, share=share, loops_to=target))
            else:
                waiting.append(_Path((*path.names, target), share))


def _hop(zones: Mapping[str, ZoneView], name: str, kind: str) -> Hop:
    known = [zones[n] for n in enclosing(name) if n in zones]
    # The deepest zone whose servers answer for the name; a stray referral makes no zone.
    zone = next((z for z in known if any(p.replies(name, kind) for p in z.places)), known[0])
    replies = (q for p in zone.places for k in ("A", "AAAA") for q in p.replies(name, k))
    return Hop(name, zone, tuple(dict.fromkeys(target for q in replies for target in _targets(q))))


def _targets(query: DnsQuery) -> list[str]:
    """Return what an answer says that the name is an alias of."""
    return [plain(r.data) for r in query.answer if (r.owner, r.type) == (query.name, "CNAME")]


def _shares(hop: Hop) -> dict[str, float]:
    """Return which part of the lookups each target of an alias gets, by the answers: every server counts the same."""
    if len(hop.aliases) == 1:
        return {hop.aliases[0]: 1.0}
    by_server: dict[str, list[list[str]]] = {}
    for place in hop.zone.places:
        for kind in ("A", "AAAA"):
            by_server.setdefault(place.server, []).extend(_targets(q) for q in place.replies(hop.name, kind))
    answers = [found for found in by_server.values() if found]
    return {
        target: sum(sum(t.count(target) / len(t) for t in found if t) / len(found) for found in answers) / len(answers)
        for target in hop.aliases
    }


def _zones(queries: Sequence[DnsQuery], kind: str, name: str) -> dict[str, ZoneView]:
    referrals: dict[str, list[DnsQuery]] = {ROOT: []}
    by_place: dict[str, dict[tuple[str, str], list[DnsQuery]]] = {}
    for query in queries:
        if cut := cut_of(query):
            referrals.setdefault(cut, []).append(query)
        by_place.setdefault(query.zone, {}).setdefault((query.server, query.address), []).append(query)
    heard = Heard(
        frozenset(addresses.version(q.address) for q in queries if q.rcode),
        over_tcp=any(q.rcode for q in queries if q.transport is DnsTransport.TCP),
    )
    found = {}
    for zone in {**referrals, **by_place}:
        above = referrals.get(zone, [])
        places = [
            Place(zone, *key, *condition(zone, here, heard, kind, name), tuple(here))
            for key, here in sorted(by_place.get(zone, {}).items())
        ]
        found[zone] = ZoneView(zone, above[0].zone if above else "", tuple(above), tuple(places))
    return found
