"""Addresses that nobody reaches over the internet, and so CloudFront does not either.

CloudFront resolves origins through public DNS and connects over the internet; private addresses need a VPC origin:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-vpc-origins.html

Our own table, because the standard library's `is_global` changed between patch releases of Python. From the IANA
registries (https://www.iana.org/assignments/iana-ipv4-special-registry, https://www.iana.org/assignments/
iana-ipv6-special-registry) and the multicast registries, read 2026-11. Two kinds of entries are left out: those that
are globally reachable, and the documentation prefixes (RFC 5737, RFC 3849, RFC 9637), which stand for public addresses
in examples and recordings.
"""

from __future__ import annotations

import ipaddress

import msgspec


class SpecialPurpose(msgspec.Struct, frozen=True):
    """One entry of the registries."""

    prefix: ipaddress.IPv4Network | ipaddress.IPv6Network
    name: str
    """Reads after "is a": `private address`."""
    source: str


_TABLE = (
    ("0.0.0.0/8", "address of “this network”", "RFC 791"),
    ("10.0.0.0/8", "private address", "RFC 1918"),
    ("100.64.0.0/10", "shared address (carrier-grade NAT)", "RFC 6598"),
    ("127.0.0.0/8", "loopback address", "RFC 1122"),
    ("169.254.0.0/16", "link-local address", "RFC 3927"),
    ("172.16.0.0/12", "private address", "RFC 1918"),
    ("192.0.0.0/29", "address of an IPv4 service continuity prefix", "RFC 7335"),
    ("192.0.0.8/32", "dummy address", "RFC 7600"),
    ("192.0.0.170/31", "NAT64 discovery address", "RFC 8880"),
    ("192.168.0.0/16", "private address", "RFC 1918"),
    ("198.18.0.0/15", "benchmarking address", "RFC 2544"),
    ("224.0.0.0/4", "multicast address", "RFC 5771"),
    ("240.0.0.0/4", "reserved address", "RFC 1112"),
    ("::/128", "unspecified address", "RFC 4291"),
    ("::1/128", "loopback address", "RFC 4291"),
    ("::ffff:0:0/96", "IPv4-mapped address", "RFC 4291"),
    ("64:ff9b:1::/48", "local-use translation address", "RFC 8215"),
    ("100::/64", "discard-only address", "RFC 6666"),
    ("100:0:0:1::/64", "dummy address", "RFC 9780"),
    ("2001:2::/48", "benchmarking address", "RFC 5180"),
    ("2001:10::/28", "deprecated ORCHID identifier", "RFC 4843"),
    ("5f00::/16", "segment routing identifier", "RFC 9602"),
    ("fc00::/7", "unique local address", "RFC 4193"),
    ("fe80::/10", "link-local address", "RFC 4291"),
    ("fec0::/10", "deprecated site-local address", "RFC 3879"),
    ("ff00::/8", "multicast address", "RFC 4291"),
)
ENTRIES = tuple(SpecialPurpose(ipaddress.ip_network(prefix), name, source) for prefix, name, source in _TABLE)


def special_purpose(address: str) -> SpecialPurpose | None:
    """Return why nobody reaches `address` over the internet; None if nothing speaks against it, or it is no address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    return next((entry for entry in ENTRIES if parsed in entry.prefix), None)
