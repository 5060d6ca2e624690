"""The certificates that an origin shows, but not to CloudFront's own hello: to one version or kind of key only.

No fault by themselves, for CloudFront does not meet them; but it does once what stands before them goes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from cfrunbook.causes.case import Case
from cfrunbook.causes.hellos import Place, place_of
from cfrunbook.causes.leaves import Reader, Way, kind_of, way_of
from cfrunbook.causes.sightings import Sightings, connect_to, sni_option, spread
from cfrunbook.cloudfront.origin_tls import TLS_1_2, offer, version_name
from cfrunbook.evidence import Handshake
from cfrunbook.findings import Evidence
from cfrunbook.text import join_names
from cfrunbook.x509.certificate import CertificateFacts

_MAX_EVIDENCE = 6


class Unmet(msgspec.Struct, frozen=True):
    """A chain that CloudFront's own hello did not get, and which hellos did."""

    leaf: CertificateFacts
    hellos: tuple[Handshake, ...]
    among: tuple[Handshake, ...]
    """All hellos that asked in the same ways and were shown a certificate."""
    own: tuple[tuple[int, CertificateFacts], ...]
    """What CloudFront's own hello got there: version and leaf; empty where it got no certificate."""
    alike: tuple[Handshake, ...] = ()
    """Those of `hellos` that agreed on the version and kind of key of CloudFront's own: nothing asked tells them apart.

    Most likely several servers answer there, and differ.
    """

    @property
    def ways(self) -> tuple[Way, ...]:
        """How it was asked for, the newest version first; a kind of key only where that made a difference."""
        found = {way for h in self.hellos if (way := way_of(h)) is not None}
        kept = (way for way in found if not way.kind or Way(way.version) not in found)
        return tuple(sorted(kept, key=lambda way: way.rank))

    @property
    def evidence(self) -> list[Evidence]:
        """One line for each way."""
        first = {way: h for h in reversed(self.alike or self.hellos) if (way := way_of(h)) is not None}
        told = sorted(first.items(), key=lambda pair: pair[0].rank)[:_MAX_EVIDENCE]
        return [Evidence(observation=h.id, says=f"{spread([h])}, {way}: {self.leaf.label}") for way, h in told]

    @property
    def data(self) -> dict[str, Any]:
        """What findings about it say of where it was seen, and when CloudFront would meet it."""
        first = (self.alike or self.hellos)[0]
        places = {h.address for h in self.among}
        sightings = Sightings(self.hellos, self.among)
        some = len(sightings.addresses) < len(places)
        way = way_of(first)
        return {
            "connect": connect_to(first, by_address=some),
            "sni": first.sni or "",
            "sni_option": sni_option(first.sni),
            "openssl": way.openssl if way else "",
            "where": f" on {len(sightings.addresses)} of {len(places)} addresses ({join_names(sightings.addresses)})"
            if some
            else "",
            "addresses": sightings.addresses,
            "subject": self.leaf.label,
            "key": self.leaf.key,
            "fingerprint": self.leaf.fingerprint_sha256,
            "ways": [str(way) for way in self.ways],
            "own": join_names([f"{leaf.label} ({leaf.key}, {version_name(v)})" for v, leaf in self.own])
            if self.own
            else "no certificate at all",
            "meets": self._meets(),
            "count": len(self.alike),
            "total": sum(self._is_like(h) for h in self.among),
        }

    def _meets(self) -> str:
        """Return under which circumstances CloudFront would get it, as a clause."""
        if not self.own:
            return "once its own hello is answered"
        versions = sorted({version for version, _ in self.own}, reverse=True)
        lower = [way.version for way in self.ways if not way.kind and way.version < versions[0]]
        if lower:
            here = version_name(versions[0])
            return f"wherever a server, a load balancer or a change leaves it {version_name(lower[0])} without {here}"
        kinds = sorted({kind_of(leaf) for _, leaf in self.own} - {kind_of(self.leaf)})
        if kinds:
            return f"if the {' or '.join(kinds)} certificate went away"
        return "if the origin chose differently among what CloudFront offers"

    def _is_like(self, hello: Handshake) -> bool:
        return any(h.version == hello.version and h.address == hello.address for h in self.alike)


def unmet(case: Case) -> tuple[Unmet, ...]:
    """Return the chains shown to parts of what CloudFront offers this origin, but not to all of it. Pure."""
    return tuple(_Look(case).unmet())


def below_tls_1_3(case: Case, hellos: Sequence[Handshake]) -> str:
    """Return what TLS 1.2 brought where these hellos brought a key that works in TLS 1.3 only; empty if not asked.

    A sentence with a space before it.
    """
    places = {(place_of(h), h.sni) for h in hellos}
    asked = [h for h in case.scanned if (place_of(h), h.sni) in places and _version_asked(h) == TLS_1_2]
    reader = Reader()
    usable = [leaf.key for h in asked if h.certificates and (leaf := reader.leaf(h)).key != "EC P-521"]
    if usable:
        return f" Here TLS 1.2 is answered with another certificate ({usable[0]}), so CloudFront could do without 1.3."
    if any(h.alert is not None and way_of(h) == Way(TLS_1_2) for h in asked):
        return " Here TLS 1.2 is refused already."
    return ""


def _version_asked(hello: Handshake) -> int:
    way = way_of(hello)
    return way.version if way else 0


class _Look:
    """The hellos of one case: CloudFront's own, and those that offered a part of the same."""

    def __init__(self, case: Case) -> None:
        known = {name.sni for name in case.target.names}
        self.reader = Reader()
        self.own = [h for h in case.handshakes if h.sni in known and h.certificates]
        offered = offer(case.target.tls_minimum).versions
        self.parts = [h for h in case.scanned if h.sni in known and h.certificates and _version_asked(h) in offered]

    def unmet(self) -> Iterator[Unmet]:
        met = {h.certificates for h in self.own}
        chains: dict[tuple[bytes, ...], list[Handshake]] = {}
        for hello in self.parts:
            if hello.certificates not in met:
                chains.setdefault(hello.certificates, []).append(hello)
        for hellos in chains.values():
            ways, places = {way_of(h) for h in hellos}, {_spot(h) for h in hellos}
            own = [h for h in self.own if _spot(h) in places]
            agreed = {(_spot(h), h.version, kind_of(self.reader.leaf(h))) for h in own}
            leaf = self.reader.leaf(hellos[0])
            yield Unmet(
                leaf=leaf,
                hellos=tuple(hellos),
                among=tuple(h for h in self.parts if way_of(h) in ways),
                own=tuple({(h.version or 0, self.reader.leaf(h).der): self._got(h) for h in own}.values()),
                alike=tuple(h for h in hellos if (_spot(h), h.version, kind_of(leaf)) in agreed),
            )

    def _got(self, hello: Handshake) -> tuple[int, CertificateFacts]:
        return hello.version or 0, self.reader.leaf(hello)


def _spot(hello: Handshake) -> tuple[Place, str | None]:
    return place_of(hello), hello.sni
