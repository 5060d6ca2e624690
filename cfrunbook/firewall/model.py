"""What a rule dump says, made plain for one question: chains of rules that match by source address alone.

A reader answers everything else about a rule (port, protocol, interface, state …) for the question asked, with yes,
no or perhaps, so that what is left of a match is two sets of sources: where it certainly matches and where it may.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from functools import lru_cache

from cfrunbook.firewall.intervals import NOTHING, Family, Intervals, everything
from cfrunbook.text import visible


class Verdict(StrEnum):
    """What becomes of a connection attempt."""

    ALLOWED = "allowed"
    DROPPED = "dropped"
    """Without an answer: CloudFront waits in vain and gives 504."""
    REJECTED = "rejected"
    """With a reset or an ICMP error, or closed by the server: CloudFront gives 502."""
    UNDECIDABLE = "undecidable"
    """The dump alone does not tell."""


class Action(Enum):
    """What a rule does with what it matches."""

    ACCEPT = "accept"
    DROP = "drop"
    REJECT = "reject"
    JUMP = "jump"
    GOTO = "goto"
    RETURN = "return"
    UNKNOWN = "unknown"
    """Something of which the dump does not show the outcome (a queue to a program, a synproxy)."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a rule stands and how it reads there."""

    file: str
    where: str
    """`line 12`, or a JSON path such as `SecurityGroups[0].IpPermissions[2]`; empty for what no line says."""
    text: str
    number: int | None = None
    """Its number or priority, where that says which rule comes first; None where lines do, and for a policy."""
    is_policy: bool = False
    """Whether this is what holds at the end of a chain, which a line of its own says."""

    def __str__(self) -> str:
        return f"{self.file}{f', {self.where}' if self.where else ''}: {self.text}"


@dataclass(frozen=True, slots=True)
class Match:
    """For which sources something matches: `must` certainly, `may` at most."""

    must: Intervals
    may: Intervals
    why: str = ""
    """What makes the difference undecidable, and what would settle it."""

    def __and__(self, other: Match) -> Match:
        if not self.may or not other.may:
            return NEVER
        if self.must is self.may and other.must is other.may:  # nothing is uncertain: one set will do
            return exactly(self.may & other.may)
        return Match(self.must & other.must, self.may & other.may, self.why or other.why)

    def negated(self, family: Family) -> Match:
        """Return where this does not match."""
        space = everything(family)
        return Match(space - self.may, space - self.must, self.why)


@lru_cache(maxsize=2)
def yes(family: Family) -> Match:
    """Return what matches every source."""
    return Match(everything(family), everything(family))


NEVER = Match(NOTHING, NOTHING)


def perhaps(family: Family, why: str) -> Match:
    """Return what matches, for all we know, any source or none."""
    return Match(NOTHING, everything(family), why)


def answer(known: bool | None, family: Family, why: str = "") -> Match:
    """Return the match of a condition that does not depend on the source; None: perhaps, because of `why`."""
    if known is None:
        return perhaps(family, why)
    return yes(family) if known else NEVER


def exactly(sources: Intervals) -> Match:
    """Return what matches these sources and no other."""
    return Match(sources, sources)


def any_of(matches: Iterable[Match]) -> Match:
    """Return what matches where one of `matches` does."""
    found = list(matches)
    return Match(
        Intervals.of(p for m in found for p in m.must.pairs),
        Intervals.of(p for m in found for p in m.may.pairs),
        next((m.why for m in found if m.why), ""),
    )


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, as far as it concerns the question."""

    place: Place
    action: Action
    match: Match
    chain: str = ""
    """For a jump or goto."""
    tag: str = ""
    """What a reader wants to know of the rule that decides, such as where a DNAT leads."""


@dataclass(frozen=True, slots=True)
class Chain:
    """Rules in the order in which they are tried."""

    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Room:
    """What a new rule of a layer has to keep clear of, and what it must name to belong there."""

    numbers: frozenset[int] = frozenset()
    """Numbers or priorities that its rules have."""
    names: frozenset[str] = frozenset()
    """Names that its rules, or the sets beside them, have."""
    selector: str = ""
    """Namespace and podSelector of a network policy, as JSON."""
    translated: bool = False
    """Packets come here with another port than the one asked about, by nat."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One thing that a packet must get through: a chain to enter, the chains it leads to, and what holds at its end."""

    name: str
    """For people: `iptables filter INPUT`, `security group sg-1`."""
    entry: str
    chains: Mapping[str, Chain]
    policy: Verdict
    policy_place: Place
    policy_why: str = ""
    """For an undecidable policy: why."""
    status: int = 0
    """HTTP status with which it rejects, where it answers at all; 0: it rejects the connection."""
    within: Intervals | None = None
    """The sources that come this way; None: all. Others pass unseen."""
    group: str = ""
    """Layers of one group are alternatives of which one applies, and nobody knows which; empty: it applies."""
    group_why: str = ""
    """What would tell which of the group applies."""
    room: Room = field(default=Room(), compare=False)


@dataclass(frozen=True, slots=True)
class Question:
    """A new TCP connection from the internet to this port of the origin."""

    port: int
    family: Family
    interface: str = ""
    """The interface by which packets from the internet come in; empty: not known."""
    destination: str = ""
    """The address by which the firewall's machine is reached, behind NAT not the public one; empty: not known."""


@dataclass(frozen=True, slots=True)
class Part:
    """Addresses that meet the same end by the same rule."""

    sources: Intervals
    verdict: Verdict
    place: Place
    """The rule that decides, or that makes it undecidable."""
    layer: str
    why: str = ""
    """For undecidable: why, and what would settle it."""
    status: int = 0
    """HTTP status with which it is rejected; 0: the connection is."""


@dataclass(frozen=True, slots=True)
class Ruleset:
    """What one dump says to one question."""

    layers: tuple[Layer, ...]
    notes: tuple[str, ...] = ()
    """What was assumed, in sentences."""
    if_allowed: tuple[str, ...] = ()
    """What was assumed, which matters only where something is let in."""


@dataclass(frozen=True, slots=True)
class Companions:
    """What rules refer to and other files hold."""

    cloudfront: Mapping[Family, Intervals] = field(default_factory=dict)
    """CloudFront's own addresses: what its managed prefix lists hold."""
    prefix_list_names: Mapping[str, str] = field(default_factory=dict)
    """Name of a prefix list by its id (describe-managed-prefix-lists)."""
    prefix_list_entries: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Prefixes of a list by its id (get-managed-prefix-list-entries); the key `` where the file does not say whose."""
    ip_sets: Mapping[str, IpSet] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class IpSet:
    """One set of `ipset save`: its type and entries as written."""

    type: str
    """`hash:net`, `hash:ip,port` …"""
    family: Family
    entries: tuple[str, ...]


def undecidable(name: str, place: Place, why: str) -> Layer:
    """Return a layer of which nothing is known but that it is there."""
    return Layer(name, "", {}, Verdict.UNDECIDABLE, place, why)


def shorten(text: str, limit: int = 200) -> str:
    """Return a rule's text as one visible line."""
    return visible(" ".join(text.split()) if len(text) < 20 * limit else text, limit)
