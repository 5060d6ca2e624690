"""Sets of addresses as sorted, disjoint half-open intervals of integers. One address family at a time.

The set operations walk both operands once; `overlapping` finds its place by bisection, so that a rule about few
addresses costs little however long the set is.
"""

from __future__ import annotations

import ipaddress
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

Family = Literal[4, 6]
Pair = tuple[int, int]
"""First address, and the one after the last."""

_IPV4 = re.compile(
    r"(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})(?:/([0-9]{1,2}))?", re.ASCII
)
BITS: dict[Family, int] = {4: 32, 6: 128}


@dataclass(frozen=True, slots=True)
class Intervals:
    """A set of integers. Build it with `of`, `everything` or a network; the constructor takes pairs as they are."""

    pairs: tuple[Pair, ...] = ()
    """Sorted, disjoint, not adjacent, none empty."""
    _starts: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_starts", tuple(a for a, _ in self.pairs))

    @classmethod
    def of(cls, pairs: Iterable[Pair]) -> Intervals:
        """Return the set of these half-open pairs, in any order, overlapping or empty."""
        merged: list[Pair] = []
        for a, b in sorted(p for p in pairs if p[0] < p[1]):
            if merged and a <= merged[-1][1]:
                if b > merged[-1][1]:
                    merged[-1] = (merged[-1][0], b)
            else:
                merged.append((a, b))
        return cls(tuple(merged))

    def __bool__(self) -> bool:
        return bool(self.pairs)

    def __contains__(self, number: int) -> bool:
        place = bisect_right(self._starts, number) - 1
        return place >= 0 and number < self.pairs[place][1]

    @property
    def size(self) -> int:
        """How many addresses it holds."""
        return sum(b - a for a, b in self.pairs)

    def overlapping(self, a: int, b: int) -> Iterator[Pair]:
        """Yield the parts of this set that lie in [a, b), in order."""
        place = max(0, bisect_right(self._starts, a) - 1)
        pairs = self.pairs
        while place < len(pairs):
            first, last = pairs[place]
            if first >= b:
                return
            if last > a:
                yield max(a, first), min(b, last)
            place += 1

    def __and__(self, other: Intervals) -> Intervals:
        few, many = (self, other) if len(self.pairs) <= len(other.pairs) else (other, self)
        return Intervals(tuple(part for a, b in few.pairs for part in many.overlapping(a, b)))

    def __or__(self, other: Intervals) -> Intervals:
        return Intervals.of((*self.pairs, *other.pairs))

    def __sub__(self, other: Intervals) -> Intervals:
        left: list[Pair] = []
        for a, b in self.pairs:
            at = a
            for first, last in other.overlapping(a, b):
                if first > at:
                    left.append((at, first))
                at = last
            if at < b:
                left.append((at, b))
        return Intervals(tuple(left))


NOTHING = Intervals()


@lru_cache(maxsize=2)
def everything(family: Family) -> Intervals:
    """Return all addresses of a family."""
    return Intervals(((0, 1 << BITS[family]),))


@lru_cache(maxsize=65536)
def network(text: str) -> tuple[Family, Pair]:
    """Return family and interval of `192.0.2.0/24`, `192.0.2.0/255.255.255.0` or one address; host bits may be set.

    Raises ValueError for anything else, also for an address with a zone.
    """
    if plain := _IPV4.fullmatch(text):  # nearly all of what dumps hold, and ten times as fast
        a, b, c, d, length = (int(n) if n else 32 for n in plain.groups())
        if max(a, b, c, d) < 256 and length <= 32:
            size = 1 << 32 - length
            first = (a << 24 | b << 16 | c << 8 | d) & -size
            return 4, (first, first + size)
    net = ipaddress.ip_network(text, strict=False)
    if isinstance(net, ipaddress.IPv6Network) and net.network_address.scope_id:
        raise ValueError(f"{text!r} has a zone")
    first = int(net.network_address)
    return net.version, (first, first + net.num_addresses)


def address(text: str) -> tuple[Family, int]:
    """Return family and number of one address. Raises ValueError."""
    family, (first, after) = network(text)
    if after != first + 1:
        raise ValueError(f"{text!r} is not one address")
    return family, first


def of_networks(texts: Iterable[str], family: Family) -> Intervals:
    """Return the set of those networks that belong to `family`. Raises ValueError."""
    return Intervals.of(pair for kind, pair in map(network, texts) if kind == family)


def to_networks(these: Intervals, family: Family) -> tuple[str, ...]:
    """Return the fewest prefixes that hold exactly `these`, in order."""
    bits = BITS[family]
    found = []
    for a, b in these.pairs:
        at = a
        while at < b:
            # As large as its alignment and what is left allow.
            size = min((at & -at) or (1 << bits), 1 << ((b - at).bit_length() - 1))
            found.append(f"{show(at, family)}/{bits - size.bit_length() + 1}")
            at += size
    return tuple(found)


def show(number: int, family: Family) -> str:
    """Return an address as text."""
    return str(ipaddress.IPv4Address(number) if family == 4 else ipaddress.IPv6Address(number))
