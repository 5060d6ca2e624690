"""Network ACLs: rules by number, first match, in and out. Stateless: answers to ephemeral ports need a rule too.

`aws ec2 describe-network-acls`. https://docs.aws.amazon.com/vpc/latest/userguide/nacl-basics.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from cfrunbook.errors import BadInput
from cfrunbook.firewall import intervals
from cfrunbook.firewall.documents import Node, number, objects, text
from cfrunbook.firewall.intervals import Pair
from cfrunbook.firewall.model import (
    Action,
    Chain,
    Companions,
    Layer,
    Place,
    Question,
    Room,
    Rule,
    Ruleset,
    Verdict,
    exactly,
    shorten,
    undecidable,
)
from cfrunbook.firewall.packets import EPHEMERAL

MOST_SPANS = 200
"""Spans of ephemeral ports that are told apart; a network ACL has at most 40 rules in a direction."""
_LAST = 32767
"""From this number on a rule is shown as `*`: it denies the rest, of IPv4 and of IPv6."""


@dataclass(frozen=True, slots=True)
class _Entry:
    number: int
    egress: bool
    allow: bool
    ports: tuple[int, int]
    networks: tuple[Pair, ...]
    place: Place


def read(document: Mapping[str, Any], file: str, question: Question, companions: Companions) -> Ruleset:
    """Return what the subnet's ACL lets in and out; of several ACLs any may be the subnet's. Raises BadInput."""
    del companions
    acls = list(objects(document, "NetworkAcls", "", file))
    if not acls:
        raise BadInput(f"Firewall: {file} has no network ACL in it: look at the region and the filters asked for.")
    layers: list[Layer] = []
    why = (
        f"{len(acls)} network ACLs were given, and which one the origin's subnet has is not known: give only that one"
        " (aws ec2 describe-network-acls --filters Name=association.subnet-id,Values=...)"
    )
    group = f"network ACLs of {file}" if len(acls) > 1 else ""
    for where, acl in acls:
        name = text(acl, "NetworkAclId", where, file)
        entries = sorted(_entries(acl, name, where, file, question), key=lambda e: e.number)
        ways = {way: [e for e in entries if e.egress is way] for way in (False, True)}
        inbound = [e for e in ways[False] if e.ports[0] <= question.port <= e.ports[1]]
        parts = [_layer(f"network ACL {name}, inbound", inbound, file, group and f"{group}, inbound", why)]
        parts += _answers(name, ways[True], file, group, why)
        held = {way: _numbers(acl, way, where, file) for way in (False, True)}
        layers += [replace(p, room=Room(held[number > 0])) for number, p in enumerate(parts)]
    return Ruleset(tuple(layers))


def _numbers(acl: Node, egress: bool, where: str, file: str) -> frozenset[int]:
    """Return the numbers of all rules of one direction, of whatever protocol."""
    every = objects(acl, "Entries", where, file)
    return frozenset(number(e, "RuleNumber", at, file) for at, e in every if (e.get("Egress") is True) is egress)


def _answers(name: str, entries: list[_Entry], file: str, group: str, why: str) -> list[Layer]:
    """Return a layer for each span of ephemeral ports that the rules treat alike.

    Where they differ, answers reach CloudFront or not as it happens to choose its port: alternatives, that is.
    """
    low, high = EPHEMERAL
    bounds = {low, high + 1}
    for entry in entries:
        bounds |= {p for p in (entry.ports[0], entry.ports[1] + 1) if low < p <= high}
    if len(bounds) > MOST_SPANS + 1:
        why = f"it has more than {MOST_SPANS} ranges of ports for answers, which no network ACL can have"
        place = Place(file, "", f"the outbound rules of {name}")
        return [undecidable(f"network ACL {name}, outbound", place, why)]
    spans = list(pairwise(sorted(bounds)))
    some = f"answers get out to some of the ports {low}-{high} from which CloudFront may connect, and not to others"
    layers = []
    for a, b in spans:
        here = [e for e in entries if e.ports[0] <= a and e.ports[1] >= b - 1]
        one = group and f"{group}, outbound"
        layers.append(
            _layer(
                f"network ACL {name}, answers to ports {a}-{b - 1}",
                here,
                file,
                one or (f"{name} {file} outbound" if len(spans) > 1 else ""),
                why if group else some,
            )
        )
    return layers


def _layer(name: str, entries: list[_Entry], file: str, group: str, why: str) -> Layer:
    rules = tuple(
        Rule(e.place, Action.ACCEPT if e.allow else Action.DROP, exactly(intervals.Intervals.of(e.networks)))
        for e in entries
        if e.networks
    )
    return Layer(
        name=name,
        entry="rules",
        chains={"rules": Chain(rules)},
        policy=Verdict.DROPPED,
        policy_place=Place(file, "", f"rule * of {name}: deny"),
        group=group,
        group_why=why,
    )


def _entries(acl: Node, name: str, where: str, file: str, question: Question) -> list[_Entry]:
    found = []
    for path, node in objects(acl, "Entries", where, file):
        protocol = text(node, "Protocol", path, file)
        if protocol not in ("-1", "6", "tcp"):
            continue
        ports = (0, 65535)
        held = node.get("PortRange")
        if protocol != "-1" and isinstance(held, Mapping):
            ports = number(held, "From", path, file), number(held, "To", path, file)
        rule, egress = number(node, "RuleNumber", path, file), node.get("Egress") is True
        action = text(node, "RuleAction", path, file)
        cidr = text(node, "CidrBlock", path, file) or text(node, "Ipv6CidrBlock", path, file)
        if action not in ("allow", "deny"):
            raise BadInput(f"Firewall: {file}, {path}.RuleAction is neither allow nor deny.")
        try:
            family, pair = intervals.network(cidr)
        except ValueError:
            raise BadInput(f"Firewall: {file}, {path} has no CIDR block that can be read.") from None
        shown = "*" if rule >= _LAST else str(rule)
        way = "outbound to" if egress else "inbound from"
        says = (
            f"{name} rule {shown}: {action} {'all' if protocol == '-1' else f'tcp {ports[0]}-{ports[1]}'} {way} {cidr}"
        )
        networks = (pair,) if family == question.family else ()
        place = Place(file, path, shorten(says), None if rule >= _LAST else rule)
        found.append(_Entry(rule, egress, action == "allow", ports, networks, place))
    return found
