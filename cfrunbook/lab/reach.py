"""How the lab's edge gets from a behavior of the distribution to servers on loopback."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cfrunbook.lab.edge import REFUSED, Answer, Names, Origin, OriginGroup, Refusing
from cfrunbook.lab.edge_config import Behavior, Config, OriginConfig, Protocol
from cfrunbook.lab.scenario import FunctionResult, OriginSetup
from cfrunbook.lab.servers import Address

if TYPE_CHECKING:
    from cfrunbook.lab.dns.resolver import Kind, View

_RECORDS: Final[Mapping[str, tuple[Kind, ...]]] = {"ipv4": ("A",), "ipv6": ("AAAA",), "dualstack": ("A", "AAAA")}
_NO_SUCH_NAME: Final = Answer(502, "DNS: nobody here has this name", counts_as=503, detail="OriginDnsError")


@dataclass(frozen=True, slots=True)
class LiveOrigin:
    """One origin that is up."""

    setup: OriginSetup
    addresses: tuple[Mapping[int, Address], ...]
    """For every address of the origin's name, where its ports really are."""

    @property
    def places(self) -> tuple[Address, ...]:
        """Where CloudFront's connections to this origin go, as the scenario begins."""
        return tuple(ports[self.setup.port] for ports in self.addresses if self.setup.port in ports)

    @property
    def hosts(self) -> tuple[str, ...]:
        """What is relocated, for every address: the origin's name, or the address that DNS gives for it."""
        return self.setup.published or (self.setup.domain,) * len(self.addresses)


@dataclass(frozen=True, slots=True)
class Reach:
    """The servers that are up, for the edge."""

    config: Config
    origins: Sequence[LiveOrigin]
    roots: str
    """PEM."""
    view: View | None
    """Where names are looked up; None: they are not."""
    returned: FunctionResult | None = None
    refusing: Address | None = None
    """Where nothing listens: what stands in for ports of servers that are not set."""

    def target(self, behavior: Behavior, viewer_host: str, viewer: Protocol) -> Origin | OriginGroup | Refusing:
        """Return what a behavior sends requests to."""
        members = [self._origin(one, behavior, viewer_host, viewer) for one in self.config.members(behavior.target)]
        group = self.config.groups.get(behavior.target)
        target = OriginGroup(members[0], members[1], group.failover_at) if group else members[0]
        status = self.returned.status if self.returned else None
        if self.returned is None or status is None:
            return target
        return Refusing(target, status, self.returned.x_cache, self.returned.event_type or "viewer-request")

    def _origin(self, origin: OriginConfig, behavior: Behavior, viewer_host: str, viewer: Protocol) -> Origin:
        up = [live for live in self.origins if live.setup.domain == origin.domain]
        is_vpc = origin.policy == "unknown" and up  # what it speaks is set where nobody sees it
        protocol = up[0].setup.protocol if is_vpc else origin.protocol(viewer)
        port = origin.ports[protocol]
        is_looked_up = self.view is not None and not (up and not up[0].setup.published)
        return Origin(
            domain=origin.domain,
            protocol=protocol,
            addresses=() if is_looked_up else self._places(up, port),
            viewer_host=viewer_host,
            host_forwarded=behavior.host_forwarded and not origin.is_bucket,
            minimum_tls=origin.minimum_tls,
            roots=self.roots,
            names=self._names(origin, port) if is_looked_up else None,
            path=origin.path,
        )

    def _places(self, up: Sequence[LiveOrigin], port: int) -> tuple[Address | Answer, ...]:
        """Return where an origin's port is at each of its addresses; nothing listens at a port that is not set."""
        places = tuple(ports.get(port, self.refusing or REFUSED) for live in up for ports in live.addresses)
        return places or (_NO_SUCH_NAME,)

    def _names(self, origin: OriginConfig, port: int) -> Names:
        """Return how the edge gets from a name to ports, where that takes DNS."""
        assert self.view is not None
        places = {
            (host, number): place
            for live in self.origins
            for host, ports in zip(live.setup.published, live.addresses, strict=True)
            for number, place in (({port: self.refusing} if self.refusing else {}) | dict(ports)).items()
        }
        return Names(self.view, _RECORDS[origin.ip_address_type], places, port)
