"""What a judge is given: one target and what was seen of it. Plain values; judges do no input/output."""

from __future__ import annotations

import datetime as dt
from functools import cached_property

import msgspec

from cfrunbook.causes.hellos import Hellos, place_of
from cfrunbook.cloudfront.distribution import Distribution
from cfrunbook.cloudfront.distribution_reader import parse
from cfrunbook.cloudfront.origin_tls import S2N_POLICIES, offer
from cfrunbook.cloudfront.targets import Target
from cfrunbook.errors import BadInput
from cfrunbook.evidence import (
    AddressRanges,
    Connection,
    Exchange,
    FirewallDump,
    Handshake,
    Observations,
    Resolution,
    SecondOpinion,
)
from cfrunbook.probes import address as addresses
from cfrunbook.x509.roots import TrustStore

_FAMILIES = {"ipv4": (4,), "ipv6": (6,), "dualstack": (4, 6)}


class Case(msgspec.Struct, frozen=True, dict=True):
    """One target, the observations, the moment of judging and the roots that count.

    What was seen at an address of a family that CloudFront does not use for this origin is left out, and so are TLS
    hellos that offer something else than CloudFront offers this origin.
    """

    target: Target
    observations: Observations
    at: dt.datetime
    """Aware; certificates are judged at this moment."""
    roots: TrustStore
    expiry_warning_days: int = 14
    distribution: Distribution | None = None
    """The distribution that counts; None: the recording's own, see `configuration`."""
    firewall: tuple[FirewallDump, ...] = ()
    """Rules of the firewalls before this target."""
    interface: str = ""
    """The interface by which packets come to the firewall's machine; empty: not known."""
    destination: str = ""
    """The address by which they reach it; empty: not known."""
    address_ranges: AddressRanges | None = None
    """CloudFront's addresses; None: the list that comes with the package."""

    @cached_property
    def resolutions(self) -> tuple[Resolution, ...]:
        """The resolutions of this target's name."""
        return tuple(r for r in self.observations.resolutions if r.name == self.target.domain)

    @cached_property
    def connections(self) -> tuple[Connection, ...]:
        """The TCP connections to this target."""
        return tuple(c for c in self.observations.connections if self._counts(c))

    @cached_property
    def exchanges(self) -> tuple[Exchange, ...]:
        """The plain HTTP exchanges with this target."""
        return tuple(e for e in self.observations.exchanges if self._counts(e))

    @cached_property
    def handshakes(self) -> tuple[Handshake, ...]:
        """CloudFront's TLS hellos to this target.

        One that ended before any byte is left out where the same was answered another time: an origin that limits
        connections ends some of ours, and the cause "TLS protocol" says what that means.
        """
        offered = offer(self.target.tls_minimum).name
        hellos = [h for h in self.observations.handshakes if h.offer == offered and self._counts(h)]
        answered = {(place_of(h), h.sni) for h in hellos if h.bytes_received}
        return tuple(h for h in hellos if not h.is_wordless or (place_of(h), h.sni) not in answered)

    @cached_property
    def scanned(self) -> tuple[Handshake, ...]:
        """All TLS hellos to this target for a name that CloudFront may send, or without: its own and partial offers."""
        names = {None, *(n.sni for n in self.target.names)}
        return tuple(h for h in self.observations.handshakes if h.sni in names and self._counts(h))

    @cached_property
    def second_opinions(self) -> tuple[SecondOpinion, ...]:
        """What AWS's own TLS library made of this target, for a name and with a policy that CloudFront may use."""
        policy, names = S2N_POLICIES[self.target.tls_minimum], {n.sni for n in self.target.names}
        return tuple(
            o for o in self.observations.second_opinions if o.policy == policy and o.sni in names and self._counts(o)
        )

    @property
    def is_as_recorded(self) -> bool:
        """True where this judges at the moment of the look and with its roots, as others did who then judged."""
        anchors = self.observations.inputs.trust_anchors
        same_roots = self.roots.is_mozilla if anchors is None else self.roots.anchors == anchors
        return same_roots and self.at == self.observations.recorded_at

    @cached_property
    def hellos(self) -> Hellos:
        """The same TLS hellos, to be found by name and by place."""
        return Hellos(self.handshakes)

    @cached_property
    def configuration(self) -> Distribution | None:
        """The distribution that counts; None where none was given or the recording's own cannot be read."""
        inputs = self.observations.inputs
        if self.distribution is not None or inputs.distribution is None:
            return self.distribution
        try:
            return parse(inputs.distribution, url=inputs.url)
        except BadInput:
            return None

    def _counts(self, seen: Connection | Exchange | Handshake | SecondOpinion) -> bool:
        if (seen.host, seen.port) != (self.target.domain, self.target.port):
            return False
        family = addresses.version(seen.address)
        if not family or family in _FAMILIES[self.target.ip_address_type]:
            return True
        return self._was_given(seen.address) if self.resolutions else bool(seen.connected_to)

    def _was_given(self, address: str) -> bool:
        """Tell whether an address did not come from name resolution: --connect-to named it."""
        return not any(address in r.ipv4 or address in r.ipv6 for r in self.resolutions)
