"""What name servers are set to: zones as text, and the ways in which a server fails, as values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cfrunbook.lab.dns.signing import Signer


class Fault(StrEnum):
    """One way in which a name server fails. Those of the transport are the same for every question."""

    DROP = "drop"
    """Packets get no answer, neither UDP nor TCP, as behind a security group."""
    NO_UDP = "no_udp"
    """Only TCP is answered."""
    NO_TCP = "no_tcp"
    """SYNs get no answer."""
    TCP_REFUSED = "tcp_refused"
    """TCP gets RST."""
    CLOSED = "closed"
    """The host is up and no name server runs: ICMP port unreachable, RST."""

    SILENT = "silent"
    """Questions get no answer, over TCP either; connections do come up."""
    DROP_EDNS = "drop_edns"
    """Questions with an OPT record get no answer."""
    FORMERR_EDNS = "formerr_edns"
    """Questions with an OPT record get FORMERR without one (RFC 6891, section 7)."""
    REFUSED = "refused"
    SERVFAIL = "servfail"
    NOTIMP = "notimp"
    NXDOMAIN = "nxdomain"
    """Authoritatively says that no name exists, without SOA."""
    NOT_AUTHORITATIVE = "not_authoritative"
    """The right answer without AA, as from a resolver's cache."""
    UPWARD_REFERRAL = "upward_referral"
    """Sends the asker back to the root servers."""
    TRUNCATE = "truncate"
    """Every answer over UDP has TC set and is empty."""
    GARBAGE = "garbage"
    """The right ID, and behind the header what is no message."""
    WRONG_ID = "wrong_id"
    """The right answer to somebody else's question."""


TRANSPORT = frozenset({Fault.DROP, Fault.NO_UDP, Fault.NO_TCP, Fault.TCP_REFUSED, Fault.CLOSED})
"""Faults that are there before any question is read."""


@dataclass(frozen=True, slots=True)
class Zone:
    """One zone as a server holds it."""

    origin: str
    """Absolute: `shop.lab.`."""
    text: str
    """In the format of zone files (RFC 1035, section 5); names without trailing dot are relative to `origin`."""
    signer: Signer | None = None
    """Who signs it; None: unsigned."""


@dataclass(frozen=True, slots=True)
class Template:
    """Records that a server answers with whatever its zones say: what no zone file may hold, such as CNAME at apex."""

    name: str
    """The owner name that is asked for, absolute."""
    records: str
    """In the format of zone files, one in a line."""
    types: tuple[str, ...] = ()
    """Record types to answer so; empty: all."""


@dataclass(frozen=True, slots=True)
class NameServer:
    """One name server at one address."""

    address: str
    """The address that the tree publishes for it; nobody goes there, it is relocated to loopback."""
    zones: tuple[Zone, ...]
    faults: tuple[Fault, ...] = ()
    types: tuple[str, ...] = ()
    """Record types that the faults are about, except those of the transport; empty: all."""
    templates: tuple[Template, ...] = ()
    rotation: tuple[tuple[Zone, ...], ...] = ()
    """Other sets of zones, used in turn after `zones`, one per question: weighted and multi-value answers."""
    delay: float = 0.0
    """Seconds before each answer."""

    def failing(self, *faults: Fault, types: tuple[str, ...] = ()) -> NameServer:
        """Return the same server with these faults."""
        return replace(self, faults=faults, types=types)


@dataclass(frozen=True, slots=True)
class Tree:
    """A DNS of its own: every name server there is, and the names and addresses of the root's."""

    servers: tuple[NameServer, ...]
    """Addresses are unique."""
    roots: tuple[tuple[str, str], ...]
    """Name and address."""
    anchor: str = ""
    """The data of the DS record for the signed root, as text; empty: the root is not signed."""

    def hints(self) -> str:
        """Return the root hints file (https://www.internic.net/domain/named.root)."""
        return "".join(_hints(self.roots))

    def addresses(self) -> Iterable[str]:
        """Return the addresses of all name servers."""
        return (server.address for server in self.servers)


def _hints(roots: Iterable[tuple[str, str]]) -> Iterator[str]:
    for name, address in roots:
        yield f".                        3600000      NS    {name}\n"
        yield f"{name:<24} 3600000      {'AAAA' if ':' in address else 'A'}  {address}\n"
