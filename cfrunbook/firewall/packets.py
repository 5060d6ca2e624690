"""CloudFront's packets as a Linux firewall sees them: what of a condition is known, and what is not.

The TCP SYN of a new connection from the internet to the question's port, the packets that follow it, and the answers on
their way back: a connection needs all of them. Every answer is yes, no or perhaps (None).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from cfrunbook.firewall import intervals
from cfrunbook.firewall.intervals import Family

LOCAL_INTERFACES = re.compile(
    r"lo|docker\d*|docker_gwbridge|br-[0-9a-f]{6,12}|veth\w*|virbr\d+|cni\d*|cni-podman\d+|podman\d+|flannel\S*|"
    r"cali\w*|lxcbr\d+|lxdbr\d+|cbr\d+"
)
"""Interfaces by which nothing comes in from the internet: the loopback, and bridges to containers on this machine."""
EPHEMERAL = (1024, 65535)
"""Ports from which clients connect. https://docs.aws.amazon.com/vpc/latest/userguide/custom-network-acl.html"""
_FEW_PORTS = 100
ASK_INTERFACE = (
    "whether packets from the internet come in by {0} is not known: ask again with --interface {0} if this is how they"
    " come in"
)
ASK_DESTINATION = (
    "it is not known by which address the internet's packets reach this machine (behind NAT it is not the public one):"
    " ask again with --destination ADDRESS"
)
LATER = ", for packets after the first"
ANSWERS = ", for answers"
"""What the name of a layer ends in, for whom it is. Answers come first where it is both."""
_NEVER_OURS = (
    "0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/4", "255.255.255.255/32", "169.254.0.0/16", "::1/128", "ff00::/8",
    "fe80::/10",
)  # fmt: skip
"""Loopback, link-local, multicast and broadcast destinations: nothing comes there from the internet."""


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet of a connection, at one place on its way."""

    port: int
    family: Family
    interface: str = ""
    destination: str = ""
    out_interface: str = ""
    original_port: int = 0
    """The port before a DNAT; 0: none took place."""
    forwarded: bool = False
    """Leaves by another interface instead of ending at this machine."""
    mark: int | None = None
    """The packet's mark; None: not known."""
    established: bool = False
    """Not the first of its connection, or not its first answer: it has ACK, not SYN."""
    answering: bool = False
    """Goes back to CloudFront. The other members stay those of the way in: readers mirror what they ask of it."""

    @property
    def state(self) -> str:
        """What connection tracking makes of it."""
        return "established" if self.established or self.answering else "new"

    @property
    def direction(self) -> str:
        """Which way of its connection it goes, as connection tracking names it."""
        return "reply" if self.answering else "original"

    def has_flags(self, looked_at: Iterable[str], wanted: Iterable[str]) -> bool | None:
        """Tell whether of the TCP flags `looked_at` (lower case) exactly `wanted` are set."""
        of = set(looked_at)
        if self.established and "psh" in of:
            return None
        has = {"ack"} if self.established else {"syn", "ack"} if self.answering else {"syn"}
        return has & of == set(wanted)

    def has_client_port(self, low: int, high: int) -> bool | None:
        """Tell whether the port that CloudFront chose lies between these.

        A rule about outgoing connections to a port or a few may meet an answer too, but one in hundreds: not counted.
        """
        if self.answering and high - low < _FEW_PORTS:
            return False
        return from_ports(low, high)

    def comes_in_by(self, name: str, *, wildcard: str = "+") -> bool | None:
        """Tell whether this is the interface by which the packet comes in."""
        return _same_interface(name, self.interface, wildcard)

    def goes_out_by(self, name: str, *, wildcard: str = "+") -> bool | None:
        """Tell whether this is the interface by which the packet leaves."""
        if not self.forwarded:
            return False
        return _same_interface(name, self.out_interface, wildcard, local=False)

    def goes_to(self, network: str) -> bool | None:
        """Tell whether the packet's destination lies in `network`. Raises ValueError for what is none."""
        family, (a, b) = intervals.network(network)
        if family != self.family:
            return False
        if self.destination:
            return a <= intervals.address(self.destination)[1] < b
        if (a, b) == intervals.everything(family).pairs[0]:
            return True
        never = intervals.of_networks(_NEVER_OURS, family)
        return None if intervals.Intervals(((a, b),)) - never else False


def _same_interface(name: str, known: str, wildcard: str, *, local: bool = True) -> bool | None:
    if name == wildcard:
        return True
    if local and not known and LOCAL_INTERFACES.fullmatch(name.rstrip(wildcard)):
        return False
    if not known:
        return None
    return known.startswith(name[:-1]) if name.endswith(wildcard) else known == name


def port_range(text: str, separator: str = ":") -> tuple[int, int]:
    """Return the bounds of `443`, `1024:65535`, `:1023` or `1024:`. Raises ValueError."""
    first, mark, last = text.partition(separator)
    low = _port(first) if first else 0
    high = (_port(last) if last else 65535) if mark else low
    return low, high


def _port(text: str) -> int:
    if text in _SERVICES:
        return _SERVICES[text]
    if not re.fullmatch("[0-9]{1,5}", text) or int(text) > 65535:
        raise ValueError(f"{text!r} is no port")
    return int(text)


def from_ports(low: int, high: int) -> bool | None:
    """Tell whether the source port, which CloudFront chooses, lies between these."""
    if low <= EPHEMERAL[0] and high >= EPHEMERAL[1]:
        return True
    return False if high < EPHEMERAL[0] else None


_SERVICES = {"http": 80, "https": 443, "http-alt": 8080, "ssh": 22, "domain": 53, "smtp": 25}
"""Port names that dumps hold where a tool resolved them (/etc/services)."""
