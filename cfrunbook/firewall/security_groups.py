"""EC2 security groups: the union of what their rules allow; whatever none allows is dropped. Stateful: no way back.

`aws ec2 describe-security-groups` and `describe-security-group-rules`.
https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cfrunbook.errors import BadInput
from cfrunbook.firewall import intervals, prefix_lists
from cfrunbook.firewall.documents import Node, number, objects, text
from cfrunbook.firewall.model import (
    Action,
    Chain,
    Companions,
    Layer,
    Match,
    Place,
    Question,
    Rule,
    Ruleset,
    Verdict,
    exactly,
    perhaps,
    shorten,
)
from cfrunbook.text import join_names, visible

MOST_TOGETHER = 5
"""Security groups of one network interface, unless the quota was raised.
https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html"""


@dataclass(frozen=True, slots=True)
class _Permission:
    """One source of one inbound rule."""

    group: str
    place: Place
    protocol: str
    ports: tuple[int, int]
    kind: str
    """`network`, `prefix list` or `group`."""
    value: str


def read(dumps: Sequence[tuple[str, Mapping[str, Any]]], question: Question, companions: Companions) -> Ruleset:
    """Return what all groups of `dumps` (file name and document) together let in. Raises BadInput."""
    groups: dict[str, list[_Permission]] = {}
    networks: set[str] = set()
    places: dict[str, str] = {}
    for file, document in dumps:
        for group, vpc, permissions in _groups(document, file):
            groups.setdefault(group, []).extend(permissions)
            networks |= {vpc} - {""}
            places.setdefault(group, file)
    unknown = {
        p.value
        for permissions in groups.values()
        for p in permissions
        if p.kind == "prefix list" and not prefix_lists.is_known(p.value, companions)
    }
    files = join_names([file for file, _ in dumps], 3)
    rules = {
        name: [r for p in permissions if (r := _rule(p, question, companions, len(unknown) == 1)) is not None]
        for name, permissions in groups.items()
    }
    if len(groups) <= MOST_TOGETHER and len(networks) <= 1 and not _apart(groups, places):
        every = [r for name in groups for r in rules[name]]
        notes: tuple[str, ...] = ()
        if len(groups) > 1:
            notes = (f"{join_names(list(groups))} count together, as on one network interface of the origin.",)
        return Ruleset((_layer(join_names(list(groups)), every, files),), notes)
    why = (
        f"{len(groups)} groups were given{f' of {len(networks)} VPCs' if len(networks) > 1 else ''}, and which of them"
        " the machine has that CloudFront connects to is not known: give only those, in one file"
        " (aws ec2 describe-security-groups --group-ids ...)"
    )
    return Ruleset(tuple(_layer(name, rules[name], files, why) for name in groups))


def _apart(groups: Mapping[str, list[_Permission]], places: Mapping[str, str]) -> bool:
    """Tell whether the groups may be those of different machines, such as a load balancer and what is behind it.

    So it is where they come from several files, or where one of them lets in the members of another.
    """
    let_in = {
        p.value for group, permissions in groups.items() for p in permissions if p.kind == "group" and p.value != group
    }
    return len(set(places.values())) > 1 or bool(let_in & set(groups))


def _layer(name: str, rules: list[Rule], files: str, group_why: str = "") -> Layer:
    place = Place(files, "", f"no inbound rule of {name} lets this in, so it is dropped")
    return Layer(
        name=f"security group {name}",
        entry="in",
        chains={"in": Chain(tuple(rules))},
        policy=Verdict.DROPPED,
        policy_place=place,
        group="security groups" if group_why else "",
        group_why=group_why,
    )


def _rule(permission: _Permission, question: Question, companions: Companions, only_one_unknown: bool) -> Rule | None:
    low, high = permission.ports
    if permission.protocol not in ("-1", "tcp", "6") or not (
        permission.protocol == "-1" or low <= question.port <= high
    ):
        return None
    match: Match
    place = permission.place
    if permission.kind == "network":
        try:
            family, pair = intervals.network(permission.value)
        except ValueError:
            match = perhaps(question.family, f"{visible(permission.value, 40)} is no network")
        else:
            match = exactly(intervals.Intervals((pair,) if family == question.family else ()))
    elif permission.kind == "prefix list":
        shown = prefix_lists.shown(permission.value, companions)
        place = replace(place, text=place.text.replace(permission.value, shown))
        match = prefix_lists.match(permission.value, question.family, companions, only_one_unknown=only_one_unknown)
    else:
        match = perhaps(
            question.family,
            f"it lets in members of the group {visible(permission.value, 40)}, not addresses; CloudFront's are never"
            " members, so give the groups of the load balancer that stands before this one",
        )
    return Rule(place, Action.ACCEPT, match) if match.may else None


def _groups(document: Mapping[str, Any], file: str) -> Iterator[tuple[str, str, list[_Permission]]]:
    """Yield id, VPC and inbound permissions of every group in a document of either kind."""
    found = False
    for where, node in objects(document, "SecurityGroups", "", file):
        group = text(node, "GroupId", where, file) or text(node, "GroupName", where, file)
        found = True
        yield group, text(node, "VpcId", where, file), list(_of_group(node, group, where, file))
    rules: dict[str, list[_Permission]] = {}
    for where, node in objects(document, "SecurityGroupRules", "", file):
        group = text(node, "GroupId", where, file)
        rules.setdefault(group, [])
        if node.get("IsEgress") is not True:
            rules[group].extend(_of_rule(node, group, where, file))
    for group, permissions in rules.items():
        yield group, "", permissions
    if not found and not rules:
        raise BadInput(
            f"Firewall: {file} has no security group in it: look at the region and the --group-ids asked for."
        )


def _of_group(node: Node, group: str, where: str, file: str) -> Iterator[_Permission]:
    for path, permission in objects(node, "IpPermissions", where, file):
        protocol, ports = _protocol(permission, path, file)
        for key, inner, kind in _SOURCES:
            for at, source in objects(permission, key, path, file):
                value = text(source, inner, at, file) or text(source, "GroupName", at, file)
                says = f"{group} inbound: {_says(protocol, ports)} from {value}"
                yield _Permission(group, Place(file, at, shorten(says)), protocol, ports, kind, value)


_SOURCES = (
    ("IpRanges", "CidrIp", "network"),
    ("Ipv6Ranges", "CidrIpv6", "network"),
    ("PrefixListIds", "PrefixListId", "prefix list"),
    ("UserIdGroupPairs", "GroupId", "group"),
)


def _of_rule(node: Node, group: str, where: str, file: str) -> Iterator[_Permission]:
    protocol, ports = _protocol(node, where, file)
    referenced = node.get("ReferencedGroupInfo")
    given = (
        ("network", text(node, "CidrIpv4", where, file)),
        ("network", text(node, "CidrIpv6", where, file)),
        ("prefix list", text(node, "PrefixListId", where, file)),
        ("group", text(referenced, "GroupId", where, file) if isinstance(referenced, Mapping) else ""),
    )
    for kind, value in given:
        if value:
            says = f"{group} inbound: {_says(protocol, ports)} from {value}"
            yield _Permission(group, Place(file, where, shorten(says)), protocol, ports, kind, value)


def _protocol(node: Node, where: str, file: str) -> tuple[str, tuple[int, int]]:
    protocol = text(node, "IpProtocol", where, file).lower()
    if protocol not in ("tcp", "6"):
        return protocol, (0, 65535)  # "-1" has no ports, and of others they do not matter
    low, high = number(node, "FromPort", where, file), number(node, "ToPort", where, file)
    return protocol, (0, 65535) if low == -1 else (low, high)


def _says(protocol: str, ports: tuple[int, int]) -> str:
    if protocol == "-1":
        return "all traffic"
    low, high = ports
    return f"{visible(protocol, 20)} {low if low == high else f'{low}-{high}'}"
