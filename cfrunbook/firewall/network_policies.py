"""Kubernetes NetworkPolicy: what any policy that selects the pod allows; nothing else, once one selects it.

`kubectl get networkpolicy -o json` (or YAML). https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
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
    any_of,
    exactly,
    perhaps,
    shorten,
    yes,
)
from cfrunbook.text import visible

_SEEN = (
    "It is taken that the pod sees CloudFront's address (externalTrafficPolicy: Local, or a load balancer that sends to"
    " pods and keeps the client's address); otherwise it sees a node's or the load balancer's."
)


def read(document: Mapping[str, Any], file: str, question: Question, companions: Companions) -> Ruleset:
    """Return what the policies let into a pod; of several selectors any may be the origin's. Raises BadInput."""
    del companions
    everyone: dict[str, list[Rule]] = {}
    selected: dict[tuple[str, str], list[Rule]] = {}
    for where, policy in _policies(document, file):
        found = _policy(policy, where, file, question)
        if found is None:
            continue
        namespace, selector, rules = found
        if selector == "{}":
            everyone.setdefault(namespace, []).extend(rules)
        else:
            selected.setdefault((namespace, selector), []).extend(rules)
    ways = {
        (namespace, selector): [*everyone.get(namespace, []), *rules]
        for (namespace, selector), rules in selected.items()
    }
    alone = everyone.keys() - {namespace for namespace, _ in selected}
    ways |= {(namespace, "{}"): rules for namespace, rules in everyone.items() if namespace in alone}
    names = frozenset(n for n in map(_name, (policy for _, policy in _policies(document, file))) if n)
    if not ways:
        raise BadInput(f"Firewall: {file} has no NetworkPolicy for ingress: look at the namespace that was asked.")
    why = (
        f"policies for {len(ways)} kinds of pods were given, and which the origin is is not known: give only those that"
        " select it"
    )
    layers = tuple(
        Layer(
            name=f"NetworkPolicy {visible(name := _called(*way), 120)}",
            entry="ingress",
            chains={"ingress": Chain(tuple(rules))},
            policy=Verdict.DROPPED,
            policy_place=Place(file, "", shorten(f"no policy for {name} allows this, so it is dropped")),
            group=f"policies of {file}" if len(ways) > 1 else "",
            group_why=why,
            room=Room(names=names, selector=json.dumps({"namespace": way[0], "podSelector": json.loads(way[1])})),
        )
        for way, rules in ways.items()
    )
    return Ruleset(layers, (_SEEN,))


def _called(namespace: str, selector: str) -> str:
    return f"{'all pods' if selector == '{}' else f'pods {selector}'} in {namespace}"


def _name(policy: Node) -> str:
    metadata = policy.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else ""
    return name if isinstance(name, str) else ""


def _policies(document: Mapping[str, Any], file: str) -> Iterator[tuple[str, Node]]:
    if "items" not in document:
        yield "", document
        return
    for where, item in objects(document, "items", "", file):
        if item.get("kind", "NetworkPolicy") == "NetworkPolicy":
            yield where, item


def _policy(policy: Node, where: str, file: str, question: Question) -> tuple[str, str, list[Rule]] | None:
    """Return namespace, selector and rules; None where the policy is not about ingress."""
    metadata, spec = policy.get("metadata"), policy.get("spec")
    if not isinstance(spec, Mapping):
        raise BadInput(f"Firewall: {file}, {where or 'the policy'} has no spec.")
    named: Node = metadata if isinstance(metadata, Mapping) else {}
    namespace = text(named, "namespace", where, file, "default")
    selector = json.dumps(spec.get("podSelector") or {}, sort_keys=True, default=str)
    if "Ingress" not in (texts(spec, "policyTypes", where, file) or ["Ingress"]):
        return None
    rules = []
    inside = f"{where}.spec" if where else "spec"
    for path, entry in objects(spec, "ingress", inside, file):
        ports = any_of(_port(p, question, at, file) for at, p in objects(entry, "ports", path, file))
        if not entry.get("ports"):
            ports = yes(question.family)
        peers = list(objects(entry, "from", path, file))
        for at, peer in peers or [(path, {})]:
            match = ports & _peer(peer, question, at, file)
            if match.may:
                says = f"{text(named, 'name', where, file)}: ingress from {_shown(peer)}"
                rules.append(Rule(Place(file, at, shorten(says)), Action.ACCEPT, match))
    return namespace, selector, rules


def _port(node: Node, question: Question, where: str, file: str) -> Match:
    if text(node, "protocol", where, file, "TCP").upper() != "TCP":
        return exactly(Intervals())
    given = node.get("port")
    family = question.family
    if given is None:
        return yes(family)
    if isinstance(given, str) and not given.isdecimal():
        return perhaps(family, f"which number the pod's port {visible(given, 40)} has is not in the policy")
    low = number(node, "port", where, file)
    if low <= question.port <= number(node, "endPort", where, file, low):
        return yes(family)
    why = f"it is about the pod's port {low}, and whether port {question.port} of the origin leads there is not known"
    return perhaps(family, why)


def _peer(node: Node, question: Question, where: str, file: str) -> Match:
    family = question.family
    if not node:
        return yes(family)
    block = node.get("ipBlock")
    if not isinstance(block, Mapping):
        return perhaps(
            family,
            "it lets in pods, not addresses; CloudFront's addresses are never pods, so give the policies of the ingress"
            " that stands before this one",
        )
    try:
        inside = intervals.of_networks([text(block, "cidr", where, file)], family)
        return exactly(inside - intervals.of_networks(texts(block, "except", where, file), family))
    except ValueError:
        raise BadInput(f"Firewall: {file}, {where}.ipBlock has an address that cannot be read.") from None


def _shown(peer: Node) -> str:
    block = peer.get("ipBlock")
    if isinstance(block, Mapping):
        excepted = block.get("except")
        number = len(excepted) if isinstance(excepted, list) else 0
        return f"{block.get('cidr')}{f' except {number} network' + 's' * (number > 1) if number else ''}"
    return "pods" if peer else "anywhere"
