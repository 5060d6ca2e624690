"""Tier 3: the hosted zones of this account that enclose an origin's name, with their delegation sets and records."""

from __future__ import annotations

from typing import Any

from cfrunbook.aws import load_balancers, reading
from cfrunbook.aws.session import AwsError
from cfrunbook.aws.steps import Steps
from cfrunbook.aws_facts import MAX_LINE, MAX_NAME, HostedZone, RecordSet
from cfrunbook.text import visible

MAX_LABELS = 6
"""Names above the origin's own for which hosted zones are looked up."""
MAX_ZONES = 10
_RECORD_TYPES = frozenset({"A", "AAAA", "CNAME", "NS"})


class Asked(str):
    """An Origin Domain whose hosted zones were all listed."""

    __slots__ = ()


def start(steps: Steps, domain: str) -> None:
    """Start fetching the hosted zones for an origin's name (lower case, A-labels)."""
    steps.start(f"the hosted zones for {visible(domain, 120)}", _zones, domain)


def _zones(steps: Steps, domain: str) -> None:
    found: list[dict[str, Any]] = []
    missed = None
    for name in _enclosing(domain):
        try:
            answer = steps.session.call("route53", "ListHostedZonesByName", DNSName=name, MaxItems="20")
        except AwsError as error:
            missed = error
            break
        found += [
            node
            for node in reading.nodes(answer, "HostedZones")
            if _plain(reading.text(node, "Name", MAX_NAME)) == name
        ]
    for node in found[:MAX_ZONES]:
        _zone(steps, domain, node)
    if missed is not None:
        raise missed
    if len(found) > MAX_ZONES:
        steps.miss(reading.some_left_out(f"the hosted zones for {visible(domain, 120)}", MAX_ZONES))
    else:
        steps.keep(Asked(reading.cut(domain, MAX_NAME)))


def _zone(steps: Steps, domain: str, node: dict[str, Any]) -> None:
    identity = reading.text(node, "Id").removeprefix("/hostedzone/")
    name, private = (
        _plain(reading.text(node, "Name", MAX_NAME)),
        reading.flag(reading.node(node, "Config"), "PrivateZone"),
    )
    title = f"hosted zone {visible(identity, 40)} ({visible(name, 120)})"
    delegated = None
    if not private:
        delegated = steps.attempt(
            f"the name servers of {title}", lambda: steps.session.call("route53", "GetHostedZone", Id=identity)
        )
    listed = steps.attempt(
        f"the records for {visible(domain, 120)} in {title}",
        lambda: [
            *_records(steps, identity, domain),
            *_records(steps, identity, f"*.{domain.partition('.')[2]}"),
        ],
    )
    servers = (
        reading.texts(reading.node(delegated, "DelegationSet"), "NameServers", 20, MAX_NAME) if delegated else None
    )
    steps.keep(
        HostedZone(
            domain=reading.cut(domain, MAX_NAME),
            id=identity,
            name=name,
            private=private,
            name_servers=tuple(_plain(server) for server in servers) if servers is not None else None,
            records=tuple(listed[:50]) if listed is not None else None,
        )
    )
    for record in listed or ():
        if record.name != domain or private:
            continue
        for target in (record.alias, *(record.values if record.type == "CNAME" else ())):
            if load_balancers.is_recognized(_plain(target)):
                load_balancers.start(steps, domain, _plain(target))


def _records(steps: Steps, zone: str, name: str) -> list[RecordSet]:
    """Return the record sets of exactly this name. Raises AwsError."""
    answer = steps.session.call(
        "route53", "ListResourceRecordSets", HostedZoneId=zone, StartRecordName=name, MaxItems="50"
    )
    found = []
    for node in reading.nodes(answer, "ResourceRecordSets"):
        kind = reading.text(node, "Type")
        if _plain(reading.text(node, "Name", MAX_NAME)) != name or kind not in _RECORD_TYPES:
            continue
        values = (reading.text(n, "Value", MAX_LINE) for n in reading.nodes(node, "ResourceRecords", 50))
        found.append(
            RecordSet(
                name=name,
                type=kind,
                values=tuple(values),
                alias=_plain(reading.text(reading.node(node, "AliasTarget"), "DNSName", MAX_NAME)),
                routing=_routing(node),
            )
        )
    return found


def _routing(node: dict[str, Any]) -> str:
    """Return what chooses this record set among several of its name and type."""
    if "Weight" in node:
        return f"weight {reading.number(node, 'Weight')}"
    for member, word in (("Failover", "failover"), ("Region", "region")):
        if chosen := reading.text(node, member):
            return reading.cut(f"{word} {chosen}")
    for member in ("GeoLocation", "GeoProximityLocation", "CidrRoutingConfig"):
        if member in node:
            return member
    return "multivalue" if reading.flag(node, "MultiValueAnswer") else ""


def _enclosing(domain: str) -> list[str]:
    """Return the name and the names above it, the nearest first, without top-level domains."""
    labels = domain.split(".")
    return [".".join(labels[i:]) for i in range(len(labels) - 1)][: MAX_LABELS + 1]


def _plain(name: str) -> str:
    r"""Return a name that Route 53 writes, lower case, without trailing dot, with `*` for its escape `\052`."""
    return name.lower().removesuffix(".").replace("\\052", "*")
