"""Tier 3: the security groups before an origin, and the prefix lists and groups that they name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from cfrunbook.aws import reading
from cfrunbook.aws.steps import Steps
from cfrunbook.aws_facts import MAX_LINES, MAX_NAMES, InboundRule, SecurityGroup
from cfrunbook.evidence import FirewallDump
from cfrunbook.findings import NotExamined
from cfrunbook.firewall import dumps, prefix_lists
from cfrunbook.text import visible

MAX_LISTS = 10
"""Prefix lists whose entries are fetched."""


@dataclass(frozen=True, slots=True)
class Guards:
    """The security groups of a load balancer that is a VPC origin."""

    balancer: str
    found: tuple[SecurityGroup, ...]


@dataclass(frozen=True, slots=True)
class Firewall:
    """The security groups before an origin, and the prefix lists that they name."""

    domain: str
    dumps: tuple[FirewallDump, ...]


def of_interface(steps: Steps, domain: str, filters: dict[str, Any], region: str) -> None:
    """Fetch the security groups of the network interface that `filters` find: an instance's."""
    answer = steps.session.call("ec2", "DescribeNetworkInterfaces", region=region, Filters=[filters])
    for node in reading.nodes(answer, "NetworkInterfaces", 1):
        groups = tuple(reading.text(group, "GroupId") for group in reading.nodes(node, "Groups"))
        of_origin(steps, domain, groups, region)
        return
    steps.miss(
        NotExamined(
            what=f"the security groups of {visible(domain, 120)}",
            why=f"no network interface of this account in {region} has its address: it is another account's, or gone",
        )
    )


def of_origin(steps: Steps, domain: str, groups: Sequence[str], region: str) -> None:
    """Fetch the security groups before an origin that viewers could reach, with the prefix lists that they name."""
    listed, more = steps.session.pages(
        "ec2",
        "DescribeSecurityGroups",
        "SecurityGroups",
        marks=("NextToken", "NextToken"),
        region=region,
        GroupIds=list(groups),
    )
    if not listed or more:
        steps.miss(reading.some_left_out(f"the security groups of {visible(domain, 120)}", len(listed)))
        return
    found = [_dump({"SecurityGroups": listed}, "security-groups.json")]
    wanted = sorted({
        reading.text(entry, "PrefixListId")
        for group in listed
        for permission in reading.nodes(group, "IpPermissions", 1000)
        for entry in reading.nodes(permission, "PrefixListIds")
        if reading.text(entry, "PrefixListId")
    })  # fmt: skip
    if wanted:
        names = steps.attempt(
            f"the names of prefix lists {visible(', '.join(wanted), 120)}",
            lambda: steps.session.call(
                "ec2", "DescribeManagedPrefixLists", region=region, PrefixListIds=wanted[:MAX_NAMES]
            ),
        )
        if names is not None:
            named = reading.nodes(names, "PrefixLists")
            found.append(_dump({"PrefixLists": named}, "prefix-lists.json"))
            # CloudFront's own lists hold its addresses, whatever these are: nothing to be fetched and compared.
            own = {
                reading.text(n, "PrefixListId")
                for n in named
                if reading.text(n, "PrefixListName") in prefix_lists.NAMES
            }
            wanted = [one for one in wanted if one not in own]
    for prefix_list in wanted[:MAX_LISTS]:
        title = f"the entries of prefix list {visible(prefix_list, 40)}"
        entries = steps.attempt(title, _entries(steps, prefix_list, region))
        if entries is not None:
            found.append(_dump({"Entries": entries}, f"{prefix_list}.json"))
    steps.keep(Firewall(domain, tuple(found)))


def of_vpc_origin(steps: Steps, balancer: str, groups: Sequence[str], region: str) -> None:
    """Keep what the security groups before a VPC origin let in, with the names of lists and groups that they name."""
    answer = steps.session.call("ec2", "DescribeSecurityGroups", region=region, GroupIds=list(groups))
    listed = reading.nodes(answer, "SecurityGroups", MAX_NAMES)
    inbound = {reading.text(node, "GroupId"): _inbound(node) for node in listed}
    if any(len(rules) > MAX_LINES for rules in inbound.values()) or len(inbound) < len(set(groups)):
        steps.miss(reading.some_left_out("the security groups before a VPC origin", MAX_LINES))
        return  # some of it would look like all of it
    sources = sorted({rule.source for rules in inbound.values() for rule in rules})
    names = {reading.text(node, "GroupId"): reading.text(node, "GroupName") for node in listed}
    for prefix, operation, argument, key, ident, title in _NAMED:
        wanted = [one for one in sources if one.startswith(prefix) and one not in names][:MAX_NAMES]
        if not wanted:
            continue
        found = steps.attempt(
            f"the names of {visible(', '.join(wanted), 120)}",
            lambda operation=operation, argument=argument, wanted=wanted: steps.session.call(  # type: ignore[misc]
                "ec2", operation, region=region, **{argument: wanted}
            ),
        )
        names |= {reading.text(node, ident): reading.text(node, title) for node in reading.nodes(found or {}, key)}
    steps.keep(
        Guards(
            balancer,
            tuple(
                SecurityGroup(
                    id=group,
                    name=names.get(group, ""),
                    inbound=tuple(msgspec.structs.replace(rule, name=names.get(rule.source, "")) for rule in rules),
                )
                for group, rules in inbound.items()
            ),
        )
    )


_NAMED = (
    ("pl-", "DescribeManagedPrefixLists", "PrefixListIds", "PrefixLists", "PrefixListId", "PrefixListName"),
    ("sg-", "DescribeSecurityGroups", "GroupIds", "SecurityGroups", "GroupId", "GroupName"),
)
"""How a source begins, and the call that tells its name."""


def _inbound(group: dict[str, Any]) -> list[InboundRule]:
    found = []
    for permission in reading.nodes(group, "IpPermissions", 1000):
        protocol = reading.text(permission, "IpProtocol")
        is_ported = protocol in ("tcp", "6") and permission.get("FromPort") != -1
        low = reading.number(permission, "FromPort", 65535) if is_ported else 0
        high = reading.number(permission, "ToPort", 65535) if is_ported else 65535
        for key, inner in _SOURCES:
            for source in reading.nodes(permission, key, 1000):
                value = reading.text(source, inner)
                found.append(InboundRule(protocol=protocol, low=low, high=high, source=value))
    return found


_SOURCES = (
    ("IpRanges", "CidrIp"),
    ("Ipv6Ranges", "CidrIpv6"),
    ("PrefixListIds", "PrefixListId"),
    ("UserIdGroupPairs", "GroupId"),
)


def _entries(steps: Steps, prefix_list: str, region: str) -> Any:
    def fetch() -> list[dict[str, Any]] | None:
        listed, more = steps.session.pages(
            "ec2",
            "GetManagedPrefixListEntries",
            "Entries",
            marks=("NextToken", "NextToken"),
            region=region,
            PrefixListId=prefix_list,
        )
        if more:  # some of a list would look like all of it
            steps.miss(reading.some_left_out(f"the entries of prefix list {visible(prefix_list, 40)}", len(listed)))
            return None
        return listed

    return fetch


def _dump(document: dict[str, Any], name: str) -> FirewallDump:
    """Return a document as the dump that the AWS command line would have printed, redacted. Raises BadInput."""
    return dumps.read(json.dumps(document, default=str).encode(), name)
