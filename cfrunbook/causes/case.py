"""What a judge is given: one target and what was seen of it. Plain values; judges do no input/output."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from cfrunbook.cloudfront.targets import ServerName, Target
from cfrunbook.evidence import Connection, Exchange, Handshake, Observations, Resolution
from cfrunbook.x509.roots import TrustStore


@dataclass(frozen=True, slots=True)
class Case:
    """One target, the observations, the moment of judging and the roots that count."""

    target: Target
    observations: Observations
    at: dt.datetime
    """Aware; certificates are judged at this moment."""
    roots: TrustStore
    expiry_warning_days: int = 14

    @property
    def resolutions(self) -> tuple[Resolution, ...]:
        """The resolutions of this target's name."""
        return tuple(r for r in self.observations.resolutions if r.name == self.target.domain)

    @property
    def connections(self) -> tuple[Connection, ...]:
        """The TCP connections to this target."""
        return tuple(c for c in self.observations.connections if self._mine(c.host, c.port))

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """The plain HTTP exchanges with this target."""
        return tuple(e for e in self.observations.exchanges if self._mine(e.host, e.port))

    @property
    def handshakes(self) -> tuple[Handshake, ...]:
        """The TLS hellos to this target."""
        return tuple(h for h in self.observations.handshakes if self._mine(h.host, h.port))

    def handshakes_for(self, name: ServerName) -> tuple[Handshake, ...]:
        """The TLS hellos to this target with `name` as SNI."""
        return tuple(h for h in self.handshakes if h.sni == name.sni)

    def _mine(self, host: str, port: int) -> bool:
        return host == self.target.domain and port == self.target.port
