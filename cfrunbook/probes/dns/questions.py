"""What the name servers of a zone are asked, and what a walk knows of zones and names. Pure.

Where one answer will do, a few addresses are asked; the servers of an origin's own zones are asked everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from msgspec.structs import replace

from cfrunbook.evidence import DnsTransport
from cfrunbook.probes.dns.names import ROOT, below, depth

MAX_SERVERS, MAX_ADDRESSES = 26, 32
"""Name servers, and addresses of them, that are used of one zone."""
WIDTH = 3
"""Addresses asked where one answer will do."""
FULL = 16
"""Addresses of a zone that get every question; further ones get those on which resolution hangs."""
REPEATS = 2
"""Times that a question is repeated where servers gave different answers: weighted answers change."""
RANDOM_LABEL = "cfrunbook-"
"""How the label begins that nobody has created."""
CONTROL = -1
"""Number of the questions to the root over TCP that only tell whether UDP is blocked from here, and TCP is not."""

_UDP, _TCP = DnsTransport.UDP, DnsTransport.TCP


class Question(msgspec.Struct, frozen=True):
    """One question to one address of a name server, by one transport."""

    zone: str
    """The zone as whose server it is asked."""
    server: str
    address: str
    name: str
    type: str
    transport: DnsTransport = _UDP
    edns: bool = True
    """With EDNS, signatures are asked for as well (DO)."""
    number: int = 0
    """Tells repetitions apart."""


class Zone(msgspec.Struct):
    """A zone on the way, as its parent delegates it."""

    name: str
    parent: str
    servers: dict[str, dict[str, None]] = msgspec.field(default_factory=dict)
    """The addresses of every name server, in order."""
    referrers: list[tuple[str, str]] = msgspec.field(default_factory=list)
    """Servers of the parent, with their address, that delegated it."""
    apexes: list[str] = msgspec.field(default_factory=list)
    """Its own name, and those of zones below it that the same servers hold."""
    first: str = ""
    """The first name that was looked up here for its own sake."""
    thorough: bool = False
    """Whether every address is asked everything."""
    slowest: float | None = None
    """Seconds that the slowest of its servers' answers took; None: none has answered."""

    def places(self) -> list[tuple[str, str]]:
        """Return every server with every address of it."""
        return [(s, a) for s, addresses in self.servers.items() for a in addresses][:MAX_ADDRESSES]


class Lookup(msgspec.Struct):
    """A name whose addresses are wanted: an origin's, an alias's target or a name server's."""

    name: str
    for_origin: bool
    hops: int = 0
    """Aliases before it."""
    nesting: int = 0
    """Name servers that had to be looked up before it."""
    checking: bool = False
    """Its address is known and only to be compared: no effort where servers are silent."""
    zones: list[str] = msgspec.field(default_factory=list)
    answered_in: set[str] = msgspec.field(default_factory=set)
    aliases: dict[str, None] = msgspec.field(default_factory=dict)
    """Where it leads if it is an alias; more than one where servers disagree, or take turns (weighted records)."""
    found: dict[str, dict[str, None]] = msgspec.field(default_factory=dict)
    """Addresses by type; empty: a server says that there are none."""
    missing: bool = False
    """A server says that the name does not exist."""
    sets: set[tuple[str, ...]] = msgspec.field(default_factory=set)
    """The different answers: addresses, or where it leads."""


class Few(msgspec.Struct):
    """A name asked of only a few servers of a zone."""

    since: float = 0.0
    """When the first of those under way was asked."""
    width: int = WIDTH
    waiting: int = 0
    helped: bool = False


def to_few(lookup: Lookup, zone: Zone, few: Few, *, with_control: bool) -> Iterator[Question]:
    """Yield what is asked of a few servers: for the way onwards, or for a name server's address.

    `with_control`: where even all root servers are asked in vain, some are asked over TCP as well.
    """
    places = zone.places()[: few.width]
    both = not lookup.for_origin and (depth(zone.name) > 1 or zone.name in lookup.answered_in)
    for kind in ("A", "AAAA") if both else ("A",):
        for server, address in places:
            yield Question(zone.name, server, address, lookup.name, kind)
    if zone.name == ROOT and few.width > WIDTH and with_control:
        for server, address in places[:WIDTH]:
            yield Question(zone.name, server, address, lookup.name, "A", _TCP, number=CONTROL)


def to_all(lookup: Lookup, zone: Zone, label: str) -> Iterator[Question]:
    """Yield what every address of the zone's servers is asked; `label` makes a name that nobody has created."""
    places = zone.places()
    full = places[:FULL]

    def ask(places: Iterable[tuple[str, str]], name: str, kind: str) -> Iterator[Question]:
        return (Question(zone.name, server, address, name, kind) for server, address in places)

    yield from ask(places, lookup.name, "A")
    yield from ask(places, lookup.name, "AAAA")
    for apex in zone.apexes:
        yield from ask(places, apex, "SOA")
        yield from ask(full, apex, "NS")
        yield from ask(full, apex, "DNSKEY")
    if lookup.name not in zone.apexes:
        yield from ask(full, lookup.name, "SOA")
    if lookup.name == zone.first:
        yield from (replace(q, edns=False) for q in ask(full, lookup.name, "A"))
        yield from (replace(q, transport=_TCP) for q in ask(places, lookup.name, "A"))
        yield from ask(places[:2], below(zone.name, label), "A")
        for apex in zone.apexes[1:]:
            yield from ask(places[:2], apex, "DS")
    if len(lookup.sets) > 1:
        for number in range(1, REPEATS + 1):
            yield from (replace(q, number=number) for q in ask(places, lookup.name, "A"))


def for_trust(zone: Zone) -> Iterator[Question]:
    """Yield what is asked about a zone itself, of its servers or of those above: keys, and what signs them."""
    if zone.first and not zone.thorough:  # its keys, to follow DNSSEC from the root down
        for server, address in zone.places()[:2]:
            yield Question(zone.name, server, address, zone.name, "DNSKEY")
    if zone.thorough and depth(zone.name) > 1:
        for server, address in zone.referrers[:2]:
            yield Question(zone.parent, server, address, zone.name, "DS")
        for server, address in zone.referrers[:1]:  # whether TCP gets out from here at all
            yield Question(zone.parent, server, address, zone.name, "DS", _TCP)
