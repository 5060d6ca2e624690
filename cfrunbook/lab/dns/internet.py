"""A small public DNS: a root, a few top-level domains, and the domains that a scenario puts below them.

Every address is from a documentation prefix (RFC 5737, RFC 3849): it stands for a public one, and belongs to nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cfrunbook.lab.dns.setup import Fault, NameServer, Tree, Zone

if TYPE_CHECKING:
    from cfrunbook.lab.dns.signing import Signer

SHOP = "shop.lab."
ORIGIN_NAME = "origin.shop.lab"
ORIGIN_ADDRESSES = ("203.0.113.10", "203.0.113.20")
"""Where the origin is, as the zone says."""
SHOP_SERVERS: Mapping[str, str] = {f"ns{n}.shop.lab.": f"198.51.100.{n}" for n in (1, 2, 3, 4)}
"""The shop's own four name servers, inside its own zone."""
ROUTE_53: Mapping[str, str] = {
    "ns-101.awsdns-12.com.": "198.51.100.101",
    "ns-622.awsdns-13.net.": "198.51.100.102",
    "ns-1044.awsdns-02.org.": "198.51.100.103",
    "ns-1901.awsdns-45.co.uk.": "198.51.100.104",
}
"""Four name servers as Amazon Route 53 assigns them: each below another top-level domain.

https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/route-53-concepts.html
"""
SERIAL = 2026112201
TTL = 300

_ROOTS = (("a.root-servers.", "192.0.2.1"), ("b.root-servers.", "192.0.2.2"))
_REGISTRY = (("a.nic.lab.", "192.0.2.11"), ("b.nic.lab.", "192.0.2.12"))
_TLDS = ("lab.", "com.", "net.", "org.", "uk.")
ROUTE_53_ANEW: Mapping[str, str] = {
    "ns-207.awsdns-25.com.": "198.51.100.105",
    "ns-713.awsdns-26.net.": "198.51.100.106",
    "ns-1340.awsdns-39.org.": "198.51.100.107",
    "ns-1682.awsdns-18.co.uk.": "198.51.100.108",
}
"""Those that it assigns to the same zone once that was deleted and made again."""
_ROUTE_53_OWN = ("198.51.100.111", "198.51.100.112")  # who knows the names of Route 53's name servers


@dataclass(frozen=True, slots=True)
class Domain:
    """A domain: what the zone above publishes of it, and the servers that hold it."""

    name: str
    """Absolute."""
    delegation: str
    """Records in the zone above, with absolute names; empty: it is not delegated."""
    servers: tuple[NameServer, ...]
    above: str = ""
    """The zone above where this is no top-level domain; it is then the scenario's to put the delegation there."""


@dataclass(frozen=True, slots=True)
class Signers:
    """Who signs the root and the top-level domains."""

    root: Signer
    tld: Mapping[str, Signer] = field(default_factory=dict)


def address_record(address: str) -> str:
    """Return the type and data of the record for an address: `A 192.0.2.1`."""
    return f"{'AAAA' if ':' in address else 'A'} {address}"


def delegation(name: str, servers: Mapping[str, str], *, glue: bool = True) -> str:
    """Return what the zone above says of the domain `name`: its NS records, and the addresses of those inside it."""
    lines = [f"{name} {TTL} IN NS {server}" for server in servers]
    if glue:
        lines += [
            f"{server} {TTL} IN {address_record(a)}" for server, a in servers.items() if server.endswith(f".{name}")
        ]
    return "\n".join(lines) + "\n"


def zone_text(
    origin: str,
    servers: Mapping[str, str],
    records: str,
    *,
    serial: int = SERIAL,
    minimum: int = TTL,
    primary: str = "",
) -> str:
    """Return a zone file: SOA, NS, the addresses of the servers inside the zone, and `records`.

    `primary` is the name in the SOA record where that is not the first of the servers.
    """
    lines = [
        f"$TTL {TTL}",
        f"@ IN SOA {primary or next(iter(servers))} hostmaster.{origin} {serial} 7200 900 1209600 {minimum}",
        *(f"@ IN NS {server}" for server in servers),
        *(f"{server} IN {address_record(a)}" for server, a in servers.items() if server.endswith(f".{origin}")),
        records,
    ]
    return "\n".join(lines) + "\n"


def zone(
    origin: str,
    servers: Mapping[str, str],
    records: str,
    *,
    serial: int = SERIAL,
    minimum: int = TTL,
    primary: str = "",
    signer: Signer | None = None,
) -> Zone:
    """Return an ordinary zone; see `zone_text`."""
    text = zone_text(origin, servers, records, serial=serial, minimum=minimum, primary=primary)
    return Zone(origin, text, signer)


def domain(
    held: Zone,
    servers: Mapping[str, str],
    *,
    instead: Mapping[str, Zone | None] = {},
    faults: Mapping[str, tuple[Fault, ...]] = {},
    types: tuple[str, ...] = (),
    published: str | None = None,
) -> Domain:
    """Return a domain whose servers hold one zone, except those that hold something else `instead`, or nothing.

    `instead` and `faults` are by server name, the faults about these record `types`; `published` is the delegation
    where it is not what it should be.
    """
    held_by = {name: instead.get(name, held) for name in servers}
    return Domain(
        held.origin,
        delegation(held.origin, servers) if published is None else published,
        tuple(
            NameServer(address, (has,) if (has := held_by[name]) else (), faults.get(name, ()), types)
            for name, address in servers.items()
        ),
    )


def route_53_names(servers: Mapping[str, str] = ROUTE_53) -> tuple[Domain, ...]:
    """Return the domains in which these name servers of Route 53 have their names."""
    return tuple(_provider(server.partition(".")[2], {server: address}) for server, address in servers.items())


def made_anew(records: str) -> tuple[Domain, ...]:
    """Return the shop's zone as Route 53 serves it since it was made again: nobody delegates to it."""
    held = domain(zone(SHOP, ROUTE_53_ANEW, records), ROUTE_53_ANEW, published="")
    return (held, *route_53_names(ROUTE_53_ANEW))


def _provider(name: str, hosts: Mapping[str, str]) -> Domain:
    own = {f"g-ns-{n}.{name}": address for n, address in enumerate(_ROUTE_53_OWN, 1)}
    records = "\n".join(f"{host} {address_record(address)}" for host, address in hosts.items())
    return domain(zone(name, own, records), own)


def internet(*domains: Domain, signers: Signers | None = None) -> Tree:
    """Return the tree with these domains below its root and top-level domains."""
    servers = dict(_ROOTS)
    top = "".join(delegation(tld, dict(_REGISTRY), glue=False) for tld in _TLDS)
    top += "".join(f"{name} {TTL} IN {address_record(a)}\n" for name, a in _REGISTRY)
    registries = []
    for tld in _TLDS:
        signer = signers.tld.get(tld) if signers else None
        if signer:
            top += f"{tld} {TTL} IN DS {signer.ds(tld)}\n"
        below = "".join(d.delegation for d in domains if not d.above and d.name.endswith(f".{tld}"))
        names = dict(_REGISTRY)
        registries.append(zone(tld, names, below, signer=signer))
    root = Zone(".", _root_text(servers, top), signers.root if signers else None)
    everybody = [
        *(NameServer(address, (root,)) for _, address in _ROOTS),
        *(NameServer(address, tuple(registries)) for _, address in _REGISTRY),
        *(server for d in domains for server in d.servers),
    ]
    return Tree(tuple(_merged(everybody)), _ROOTS, signers.root.ds(".") if signers else "")


def _root_text(servers: Mapping[str, str], delegations: str) -> str:
    lines = [
        f". {TTL} IN SOA {next(iter(servers))} hostmaster.root-servers. {SERIAL} 1800 900 604800 86400",
        *(f". {TTL} IN NS {name}" for name in servers),
        *(f"{name} {TTL} IN {address_record(address)}" for name, address in servers.items()),
        delegations,
    ]
    return "\n".join(lines) + "\n"


def _merged(servers: Iterable[NameServer]) -> Iterator[NameServer]:
    """Make one server of those with the same address; what is said of faults first counts."""
    by_address: dict[str, NameServer] = {}
    for server in servers:
        known = by_address.get(server.address)
        by_address[server.address] = replace(known, zones=known.zones + server.zones) if known else server
    yield from by_address.values()
