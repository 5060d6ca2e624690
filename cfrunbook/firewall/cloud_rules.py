"""Rules of cloud networks by priority: Google Cloud VPC firewall rules and Azure network security groups.

`gcloud compute firewall-rules list --format=json`: https://cloud.google.com/firewall/docs/firewalls
`az network nsg show -o json`: https://learn.microsoft.com/en-us/azure/virtual-network/network-security-groups-overview
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cfrunbook.errors import BadInput
from cfrunbook.firewall import intervals
from cfrunbook.firewall.documents import Node, number, objects, text, texts
from cfrunbook.firewall.intervals import Intervals
from cfrunbook.firewall.model import (
    Action,
    Chain,
    Companions,
    Layer,
    Match,
    Place,
    Question,
    Room,
    Rule,
    Ruleset,
    Verdict,
    answer,
    any_of,
    exactly,
    perhaps,
    shorten,
    yes,
)
from cfrunbook.firewall.packets import from_ports, port_range
from cfrunbook.text import join_names, visible

_ANYWHERE = ("*", "any", "0.0.0.0/0", "::/0", "internet")
"""Azure's words for every public address. https://learn.microsoft.com/en-us/azure/virtual-network/service-tags-overview"""
_INSIDE = ("virtualnetwork", "azureloadbalancer")


def read_google(document: Sequence[Any], file: str, question: Question, companions: Companions) -> Ruleset:
    """Return what the rules of a VPC network let in; of several networks any may be the origin's. Raises BadInput."""
    del companions
    networks: dict[str, list[tuple[int, bool, Rule]]] = {}
    names = frozenset(n for node in document if isinstance(node, Mapping) and isinstance(n := node.get("name"), str))
    for where, node in objects({"rules": list(document)}, "rules", "", file):
        path = where.removeprefix("rules")
        network = text(node, "network", path, file).rpartition("/")[2]
        rules = networks.setdefault(network, [])
        if text(node, "direction", path, file, "INGRESS") != "INGRESS" or node.get("disabled") is True:
            continue
        for key, action in (("allowed", Action.ACCEPT), ("denied", Action.DROP)):
            match = any_of(
                _google_match(part, question, f"{path}.{key}", file) for _, part in objects(node, key, path, file)
            )
            match = match & _google_sources(node, path, file, question) & _google_targets(node, path, file, question)
            if match.may:
                priority = number(node, "priority", path, file, 1000)
                says = f"{text(node, 'name', path, file)} (priority {priority}): {key} from {_shown_sources(node)}"
                place = Place(file, path, shorten(says), priority)
                rules.append((priority, action is Action.ACCEPT, Rule(place, action, match)))
    why = (
        f"rules of the networks {join_names(list(networks))} were given, and which one the origin is in is not known:"
        " give those of its network alone (--filter=network:NAME)"
    )
    return Ruleset(
        tuple(
            Layer(
                name=f"VPC network {visible(name, 80)}",
                entry="ingress",
                # Of equal priority, a deny comes first.
                chains={"ingress": Chain(tuple(r for *_, r in sorted(rules, key=lambda item: item[:2])))},
                policy=Verdict.DROPPED,
                policy_place=Place(
                    file,
                    "",
                    f"no rule{f' of {visible(name, 80)}' if name else ''} lets this in, so it is denied (implied rule)",
                ),
                group=f"networks of {file}" if len(networks) > 1 else "",
                group_why=why,
                room=Room(names=names),
            )
            for name, rules in networks.items()
        )
    )


def _google_match(part: Node, question: Question, where: str, file: str) -> Match:
    protocol = text(part, "IPProtocol", where, file).lower()
    if protocol not in ("all", "tcp", "6"):
        return exactly(Intervals())
    ports = texts(part, "ports", where, file)
    return answer(not ports or _in_ranges(ports, question.port, where, file), question.family)


def _in_ranges(ranges: Iterable[str], port: int, where: str, file: str) -> bool:
    try:
        return any(low <= port <= high for low, high in (port_range(r, "-") for r in ranges))
    except ValueError:
        raise BadInput(f"Firewall: {file}, {where} has a port that cannot be read.") from None


def _google_sources(node: Node, where: str, file: str, question: Question) -> Match:
    given = texts(node, "sourceRanges", where, file)
    if given:
        return exactly(_networks(given, question, f"{where}.sourceRanges", file))
    if node.get("sourceTags") or node.get("sourceServiceAccounts"):  # only instances of the network have these
        return exactly(Intervals())
    return answer(question.family == 4, question.family)  # without a source, it is 0.0.0.0/0


def _google_targets(node: Node, where: str, file: str, question: Question) -> Match:
    family = question.family
    for key in ("targetTags", "targetServiceAccounts"):
        if named := texts(node, key, where, file):
            why = f"it is for instances with {key} {join_names(named, 3)}, and whether the origin has them is not known"
            return perhaps(family, why)
    ranges = texts(node, "destinationRanges", where, file)
    if ranges and _networks(ranges, question, f"{where}.destinationRanges", file) != intervals.everything(family):
        return perhaps(family, "the rule is for some destinations, and whether the origin is one is not known")
    return yes(family)


def _shown_sources(node: Node) -> str:
    ranges = node.get("sourceRanges")
    return join_names(ranges, 4) if isinstance(ranges, list) and ranges else "anywhere"


def _networks(given: Iterable[str], question: Question, where: str, file: str) -> Intervals:
    try:
        return intervals.of_networks(given, question.family)
    except ValueError:
        raise BadInput(f"Firewall: {file}, {where} has an address that cannot be read.") from None


def read_azure(
    document: Mapping[str, Any] | Sequence[Any], file: str, question: Question, companions: Companions
) -> Ruleset:
    """Return what a network security group lets in; of several in one file any may be the origin's. Raises BadInput."""
    del companions
    listed = isinstance(document, Sequence)
    groups = list(objects({"": list(document) if listed else [document]}, "", "", file))
    why = (
        f"{len(groups)} network security groups were given, and which one the origin has is not known: give only that"
        " one (az network nsg show), and the subnet's in a file of its own"
    )
    layers = []
    for number_, (_, node) in enumerate(groups):
        where = f"[{number_}]" if listed else ""
        name = visible(text(node, "name", where, file), 80)
        rules = [
            rule
            for key in ("securityRules", "defaultSecurityRules")
            for path, entry in objects(_properties(node), key, where, file)
            if (rule := _azure_rule({**entry, **_properties(entry)}, path, file, question)) is not None
        ]
        layers.append(
            Layer(
                name=f"network security group {name}",
                entry="inbound",
                chains={"inbound": Chain(tuple(r for _, r in sorted(rules, key=lambda item: item[0])))},
                policy=Verdict.DROPPED,
                policy_place=Place(file, "", f"no inbound rule of {name} allows this (DenyAllInBound)"),
                group=f"network security groups of {file}" if len(groups) > 1 else "",
                group_why=why,
                room=_azure_room(node, where, file),
            )
        )
    return Ruleset(tuple(layers))


def _azure_room(node: Node, where: str, file: str) -> Room:
    """Return the priorities and names of a group's own inbound rules, of whatever protocol."""
    own = [({**e, **_properties(e)}, at) for at, e in objects(_properties(node), "securityRules", where, file)]
    inbound = [(e, at) for e, at in own if text(e, "direction", at, file).lower() == "inbound"]
    numbers = frozenset(number(e, "priority", at, file) for e, at in inbound)
    return Room(numbers, frozenset(text(e, "name", at, file).lower() for e, at in own))


def _properties(node: Node) -> Node:
    held = node.get("properties")
    return held if isinstance(held, Mapping) else node


def _azure_rule(node: Node, where: str, file: str, question: Question) -> tuple[int, Rule] | None:
    if text(node, "direction", where, file).lower() != "inbound":
        return None
    if text(node, "protocol", where, file, "*").lower() not in ("*", "tcp", "any"):
        return None
    ports = _several(node, "destinationPortRange", where, file)
    if not ports:
        raise BadInput(f"Firewall: {file}, {where} has no destination port.")
    if "*" not in ports and not _in_ranges(ports, question.port, where, file):
        return None
    family = question.family
    sources = _several(node, "sourceAddressPrefix", where, file)
    if not sources and not node.get("sourceApplicationSecurityGroups"):
        raise BadInput(f"Firewall: {file}, {where} has no source.")
    match = any_of(_azure_source(s, question) for s in sources)
    if node.get("sourceApplicationSecurityGroups"):
        why = "it is about an application security group: CloudFront is no member, what stands before the origin may be"
        match = any_of((match, perhaps(family, why)))
    match = match & _azure_destination(node, where, file, question)
    starts = _several(node, "sourcePortRange", where, file)
    if "*" not in starts and starts:
        try:
            known = [from_ports(*port_range(s, "-")) for s in starts]
        except ValueError:
            raise BadInput(f"Firewall: {file}, {where} has a port that cannot be read.") from None
        sure = True if True in known else None if None in known else False
        match = match & answer(sure, family, "the port from which CloudFront connects is not known")
    if not match.may:
        return None
    access = text(node, "access", where, file).lower()
    if access not in ("allow", "deny"):
        raise BadInput(f"Firewall: {file}, {where}.access is neither Allow nor Deny.")
    priority = number(node, "priority", where, file)
    says = f"{text(node, 'name', where, file)} (priority {priority}): {access} from {join_names(sources, 4)}"
    action = Action.ACCEPT if access == "allow" else Action.DROP
    return priority, Rule(Place(file, where, shorten(says), priority), action, match)


def _several(node: Node, key: str, where: str, file: str) -> list[str]:
    """Return the values of a member that Azure has in a singular and a plural form."""
    plural = f"{key}es" if key.endswith("x") else f"{key}s"
    return [v for v in (*texts(node, key, where, file), *texts(node, plural, where, file)) if v]


def _azure_source(given: str, question: Question) -> Match:
    family = question.family
    if given.lower() in _ANYWHERE:
        of = {"0.0.0.0/0": 4, "::/0": 6}.get(given, family)
        return yes(family) if of == family else exactly(Intervals())
    if given.lower() in _INSIDE:
        return exactly(Intervals())
    try:
        kind, pair = intervals.network(given)
    except ValueError:
        return perhaps(family, f"which addresses the service tag {visible(given, 60)} stands for is not in the dump")
    return exactly(Intervals((pair,) if kind == family else ()))


def _azure_destination(node: Node, where: str, file: str, question: Question) -> Match:
    family = question.family
    given = [d.lower() for d in _several(node, "destinationAddressPrefix", where, file)]
    if node.get("destinationApplicationSecurityGroups"):
        return perhaps(
            family, "it is for members of an application security group, and whether the origin is one is not known"
        )
    if not given or any(d in (*_ANYWHERE, "virtualnetwork") for d in given):
        return yes(family)
    return perhaps(family, f"it is for {join_names(given, 3)}, and whether that is the origin's address is not known")
