"""ICMP errors on a connection attempt: what they are called, what they mean, and how Linux hands them over.

Types and codes: https://www.iana.org/assignments/icmp-parameters, https://www.iana.org/assignments/icmpv6-parameters.
Error queue: https://man7.org/linux/man-pages/man7/ip.7.html (IP_RECVERR), .../man7/ipv6.7.html (IPV6_RECVERR).
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable, Mapping

import msgspec

from cfrunbook.evidence import ConnectOutcome, Icmp

LEVEL_IPV4, LEVEL_IPV6 = 0, 41  # IPPROTO_IP, IPPROTO_IPV6
RECVERR_IPV4, RECVERR_IPV6 = 11, 25  # IP_RECVERR in linux/in.h, IPV6_RECVERR in linux/in6.h
_ORIGIN_ICMP, _ORIGIN_ICMP6 = 2, 3  # SO_EE_ORIGIN_* in linux/errqueue.h

_REFUSED, _PROHIBITED, _UNREACHABLE = ConnectOutcome.REFUSED, ConnectOutcome.PROHIBITED, ConnectOutcome.UNREACHABLE
_Meaning = tuple[str, ConnectOutcome]

# (type, code) -> name, outcome. RFC 1122 section 4.2.3.9: protocol and port unreachable abort a connection.
ICMPV4: Mapping[tuple[int, int], _Meaning] = {
    (3, 0): ("network unreachable", _UNREACHABLE),
    (3, 1): ("host unreachable", _UNREACHABLE),
    (3, 2): ("protocol unreachable", _REFUSED),
    (3, 3): ("port unreachable", _REFUSED),
    (3, 5): ("source route failed", _UNREACHABLE),
    (3, 6): ("destination network unknown", _UNREACHABLE),
    (3, 7): ("destination host unknown", _UNREACHABLE),
    (3, 8): ("source host isolated", _UNREACHABLE),
    (3, 9): ("network administratively prohibited", _PROHIBITED),
    (3, 10): ("host administratively prohibited", _PROHIBITED),
    (3, 11): ("network unreachable for this type of service", _UNREACHABLE),
    (3, 12): ("host unreachable for this type of service", _UNREACHABLE),
    (3, 13): ("communication administratively prohibited", _PROHIBITED),
    (3, 14): ("host precedence violation", _PROHIBITED),
    (3, 15): ("precedence cutoff in effect", _PROHIBITED),
    (11, 0): ("time to live exceeded in transit", _UNREACHABLE),
}
ICMPV6: Mapping[tuple[int, int], _Meaning] = {
    (1, 0): ("no route to destination", _UNREACHABLE),
    (1, 1): ("communication administratively prohibited", _PROHIBITED),
    (1, 2): ("beyond scope of source address", _UNREACHABLE),
    (1, 3): ("address unreachable", _UNREACHABLE),
    (1, 4): ("port unreachable", _REFUSED),
    (1, 5): ("source address failed ingress/egress policy", _PROHIBITED),
    (1, 6): ("reject route to destination", _PROHIBITED),
    (3, 0): ("hop limit exceeded in transit", _UNREACHABLE),
}


class QueuedError(msgspec.Struct, frozen=True):
    """One entry of a socket's error queue."""

    errno: int
    icmp: Icmp | None
    """None where this machine itself reported the error."""


def meaning(icmp: Icmp, *, ipv6: bool) -> _Meaning:
    """Return what an ICMP error is called, and the outcome of the connection attempt that it ended."""
    unknown = (f"type {icmp.type} code {icmp.code}", _UNREACHABLE)
    return (ICMPV6 if ipv6 else ICMPV4).get((icmp.type, icmp.code), unknown)


def describe(icmp: Icmp, *, ipv6: bool) -> str:
    """Return an ICMP error in words: `ICMP 3/13 (communication administratively prohibited) from 192.0.2.1`."""
    name, _ = meaning(icmp, ipv6=ipv6)
    by = f" from {icmp.reporter}" if icmp.reporter else ""
    return f"{'ICMPv6' if ipv6 else 'ICMP'} {icmp.type}/{icmp.code} ({name}){by}"


def read_ancillary(ancillary: Iterable[tuple[int, int, bytes]]) -> QueuedError | None:
    """Return the error in a message from MSG_ERRQUEUE; None where it holds none.

    The data is a `struct sock_extended_err` (16 bytes) and the socket address of the reporter.
    """
    for level, kind, data in ancillary:
        if (level, kind) not in ((LEVEL_IPV4, RECVERR_IPV4), (LEVEL_IPV6, RECVERR_IPV6)) or len(data) < 16:
            continue
        errno, origin, icmp_type, code = struct.unpack_from("=IBBB", data)
        if origin not in (_ORIGIN_ICMP, _ORIGIN_ICMP6):
            return QueuedError(errno=errno, icmp=None)
        start, size = (20, 4) if level == LEVEL_IPV4 else (24, 16)  # sin_addr, sin6_addr
        packed = data[start : start + size]
        reporter = str(ipaddress.ip_address(packed)) if len(packed) == size and any(packed) else ""
        return QueuedError(errno=errno, icmp=Icmp(type=icmp_type, code=code, reporter=reporter))
    return None
