"""The TLS hellos to one target: how to make them, and an index of how they were answered."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import msgspec

from cfrunbook.cloudfront.origin_tls import offer
from cfrunbook.cloudfront.targets import Target
from cfrunbook.evidence import Connection, Exchange, Handshake, HandshakeOutcome
from cfrunbook.probes.endpoint import Endpoint

Place = tuple[str, str]
"""The address that CloudFront would use, and where that really was (see `Handshake.connected_to`)."""


def place_of(seen: Connection | Exchange | Handshake) -> Place:
    """Return where something was seen."""
    return seen.address, seen.connected_to


async def observe(target: Target, endpoint: Endpoint, *, deadline: float) -> tuple[Handshake, ...]:
    """Send CloudFront's hello to one address of `target`, one name after the other, each within `deadline` seconds.

    Asked for are the names that CloudFront may send, and for comparison the Origin Domain and no name at all; after a
    hello without an answer in time no other is sent.
    """
    from cfrunbook.probes import tls

    seen: list[Handshake] = []
    for sni in (*dict.fromkeys((*(n.sni for n in target.names), target.domain)), None):
        seen.append(await tls.hello(endpoint, sni=sni, offer=offer(target.tls_minimum), deadline=deadline))
        if seen[-1].outcome is HandshakeOutcome.TIMEOUT:
            break
    return tuple(seen)


class Hellos(msgspec.Struct, frozen=True, dict=True):
    """The hellos of one offer to one target, found by name and by place without looking at all of them."""

    handshakes: tuple[Handshake, ...]

    def named(self, sni: str) -> tuple[Handshake, ...]:
        """Return the hellos with this server name."""
        return self._by_name.get(sni, ())

    def without_name(self, like: Handshake) -> Handshake | None:
        """Return the hello to the same place without server name that brought certificates."""
        return self._served.get(place_of(like), {}).get(None)

    def served_otherwise(self, refused: Handshake) -> Handshake | None:
        """Return a hello to the same place with another server name, or else with none, that brought certificates."""
        served = self._served.get(place_of(refused), {})
        named = (h for sni, h in served.items() if sni not in (None, refused.sni))
        return next(named, None if refused.sni is None else served.get(None))

    def speaks_tls(self, like: Handshake) -> bool:
        """Tell whether a byte of TLS was ever received at the same place."""
        return place_of(like) in self._speaking

    def varies(self, like: Handshake) -> bool:
        """Tell whether at the same place any hello was answered one time and ended without a word another time."""
        return place_of(like) in self._varying

    @cached_property
    def _by_name(self) -> Mapping[str | None, tuple[Handshake, ...]]:
        found: dict[str | None, list[Handshake]] = {}
        for hello in self.handshakes:
            found.setdefault(hello.sni, []).append(hello)
        return {sni: tuple(hellos) for sni, hellos in found.items()}

    @cached_property
    def _served(self) -> Mapping[Place, Mapping[str | None, Handshake]]:
        found: dict[Place, dict[str | None, Handshake]] = {}
        for hello in self.handshakes:
            if hello.certificates:
                found.setdefault(place_of(hello), {}).setdefault(hello.sni, hello)
        return found

    @cached_property
    def _speaking(self) -> frozenset[Place]:
        return frozenset(
            place_of(h) for h in self.handshakes if h.bytes_received and h.outcome is not HandshakeOutcome.NOT_TLS
        )

    @cached_property
    def _varying(self) -> frozenset[Place]:
        answered = {(place_of(h), h.offer, h.sni) for h in self.handshakes if h.bytes_received}
        return frozenset(
            place_of(h) for h in self.handshakes if h.is_wordless and (place_of(h), h.offer, h.sni) in answered
        )
