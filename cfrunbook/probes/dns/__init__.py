"""Ask every authoritative name server: the walk from the root to a name, and the sockets it takes."""

from __future__ import annotations

from cfrunbook.probes.dns.hints import Hint, built_in
from cfrunbook.probes.dns.patience import DEADLINE, Patience
from cfrunbook.probes.dns.runner import Walked, Walking
from cfrunbook.probes.dns.transport import Replay, Sockets, Transport
from cfrunbook.probes.dns.walk import Resolved

__all__ = [
    "DEADLINE",
    "Hint",
    "Patience",
    "Replay",
    "Resolved",
    "Sockets",
    "Transport",
    "Walked",
    "Walking",
    "built_in",
]
