"""The shop's domain and a healthy origin behind it: what the scenarios about DNS have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from cfrunbook.lab.authority import Authority
from cfrunbook.lab.dns.internet import (
    ORIGIN_ADDRESSES,
    ORIGIN_NAME,
    SERIAL,
    SHOP,
    SHOP_SERVERS,
    Domain,
    Signers,
    domain,
    internet,
    zone,
)
from cfrunbook.lab.dns.setup import Fault, Zone
from cfrunbook.lab.scenario import OriginSetup, Setup
from cfrunbook.lab.servers import Chain, Http, Service, Tls

FIRST, SECOND = ORIGIN_ADDRESSES
RECORDS = f"origin A {FIRST}\n"
"""What the zone holds besides SOA and NS."""
EVERY_SERVER = tuple(SHOP_SERVERS)

_CLOUD = "cloud.net."
_CLOUD_SERVERS = {"ns1.cloud.net.": "198.51.100.21", "ns2.cloud.net.": "198.51.100.22"}


def shop_zone(records: str = RECORDS, *, serial: int = SERIAL, primary: str = "") -> Zone:
    """Return the shop's zone with these records."""
    return zone(SHOP, SHOP_SERVERS, records, serial=serial, primary=primary)


def shop(
    records: str = RECORDS,
    *,
    instead: Mapping[str, Zone | None] = {},
    faults: Mapping[str, tuple[Fault, ...]] = {},
    types: tuple[str, ...] = (),
    published: str | None = None,
) -> Domain:
    """Return the shop's domain on its own four servers; see `internet.domain`."""
    held = shop_zone(records)
    return domain(held, SHOP_SERVERS, instead=instead, faults=faults, types=types, published=published)


def cloud(records: str, *, faults: tuple[Fault, ...] = ()) -> Domain:
    """Return the domain of a hosting provider, to which aliases may lead."""
    held = zone(_CLOUD, _CLOUD_SERVERS, records)
    return domain(held, _CLOUD_SERVERS, faults=dict.fromkeys(_CLOUD_SERVERS, faults))


def cloud_name(label: str) -> str:
    """Return a name in the hosting provider's domain, absolute."""
    return f"{label}.{_CLOUD}"


def failing(*faults: Fault, servers: tuple[str, ...] = EVERY_SERVER) -> Mapping[str, tuple[Fault, ...]]:
    """Return these faults for each of these servers."""
    return dict.fromkeys(servers, faults)


def secure(authority: Authority, name: str = ORIGIN_NAME) -> Tls:
    """Return a healthy web server for this name."""
    return Tls(Chain((authority.leaf(name), authority.intermediate)))


def setup(
    authority: Authority,
    *domains: Domain,
    name: str = ORIGIN_NAME,
    published: tuple[str, ...] = (FIRST,),
    services: tuple[Service, ...] = (),
    ip_address_type: Literal["ipv4", "ipv6", "dualstack"] = "ipv4",
    signers: Signers | None = None,
) -> Setup:
    """Return a healthy web server at each of the `published` addresses, whatever these domains say of it.

    `services` are at port 443 where they are not healthy web servers.
    """
    services = services or (secure(authority, name),) * len(published)
    ports = tuple({443: service, 80: Http(redirect=True)} for service in services)
    origin = OriginSetup(ports, domain=name, published=published, ip_address_type=ip_address_type)
    return Setup(origin, dns=internet(*domains, signers=signers))
