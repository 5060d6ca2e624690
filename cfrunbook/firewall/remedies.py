"""The missing rule in the dump's own language, with the real values, bounded in length. Pure."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from cfrunbook.findings import Step
from cfrunbook.firewall import intervals
from cfrunbook.firewall.answer import BLOCKED, Answer
from cfrunbook.firewall.intervals import Family, Intervals
from cfrunbook.firewall.model import Layer, Part
from cfrunbook.firewall.packets import ANSWERS, LATER
from cfrunbook.firewall.prefix_lists import NAMES, QUOTA, WEIGHT

MAX_PREFIXES = 60
"""Prefixes listed in one command; beyond, the list of all of CloudFront's is shorter."""
MOST_LISTED = 500
"""Prefixes listed where that list too is longer, as AWS's is not."""
MAX_STEPS = 6
"""Places in which a rule is missing, of which each gets a step."""
_LAST_OF_ACL = 32766
"""The largest number that a rule of a network ACL may have.
https://docs.aws.amazon.com/vpc/latest/userguide/nacl-rules.html"""
_AZURE_PRIORITIES = (100, 4096)
"""https://learn.microsoft.com/en-us/azure/virtual-network/network-security-groups-overview"""
_FEW = 20
"""Rules that still fit into a security group or network ACL beside its own."""


@dataclass(frozen=True, slots=True)
class _Missing:
    """What one layer keeps out."""

    layer: Layer
    name: str
    """The layer's, and that of others that one rule opens together with it."""
    parts: tuple[Part, ...]
    """The rules that keep it out, the largest part first."""
    port: int
    family: Family
    prefixes: tuple[str, ...]
    names: frozenset[str]
    """Names that rules and sets have, also those of the steps before."""

    @property
    def spaced(self) -> str:
        return " ".join(self.prefixes)

    @property
    def set_name(self) -> str:
        """A name for a set that none has."""
        return _unused(f"cloudfront{self.family}", "_", self.names)

    @property
    def rule_name(self) -> str:
        """A name for a rule or policy that none has."""
        return _unused(f"allow-cloudfront-{self.port}-ipv{self.family}", "-", self.names)

    def named(self, prefix: str) -> str:
        """Return the layer's name behind `prefix`, its first word where it lists several."""
        return re.split(r",? and |, ", self.name.removeprefix(prefix).strip())[0]

    @property
    def first(self) -> int | None:
        """The number of the first rule that keeps anything out; None where only what holds at the end does."""
        return min((p.place.number for p in self.parts if p.place.number is not None), default=None)

    def free(self, lowest: int, highest: int, wanted: int, begin: int) -> list[int]:
        """Return numbers in order that no rule has and that come before the first that keeps anything out.

        The nearest to that rule, else from `begin` on; fewer than `wanted` where there are not so many.
        """
        taken = self.layer.room.numbers
        if self.first is None or self.first > highest:
            order: Iterable[int] = (*range(begin, highest + 1), *range(begin - 1, lowest - 1, -1))
        else:
            order = range(self.first - 1, lowest - 1, -1)
        found: list[int] = []
        for number in order:
            if len(found) == wanted:
                break
            if number not in taken:
                found.append(number)
        return sorted(found)


def _unused(name: str, mark: str, names: frozenset[str]) -> str:
    return next(n for n in (name, *(f"{name}{mark}{i}" for i in range(2, len(names) + 3))) if n not in names)


def steps(answer: Answer, those: Sequence[Part] | None = None) -> tuple[Step, ...]:
    """Return what to add so that none of these parts is blocked (default: all that are), layer by layer.

    Also what is blocked by one layer behind another gets its rule: with one alone nothing would be won.
    """
    sources = Intervals.of(
        p for part in (answer.having(*BLOCKED) if those is None else those) for p in part.sources.pairs
    )
    blocked: dict[str, list[tuple[Layer, tuple[Part, ...]]]] = {}
    for layer, parts in answer.blocked_by_each(sources):
        blocked.setdefault(_together(layer.name), []).append((layer, parts))
    made: list[Step] = []
    used: frozenset[str] = frozenset()
    family = answer.question.family
    for name, found in list(blocked.items())[:MAX_STEPS]:
        every = sorted((p for _, parts in found for p in parts), key=lambda p: -p.sources.size)
        prefixes = intervals.to_networks(Intervals.of(pair for p in every for pair in p.sources.pairs), family)
        if len(prefixes) > MAX_PREFIXES:
            prefixes = intervals.to_networks(answer.universe, family)
        missing = _Missing(
            layer=found[0][0],
            name=name,
            parts=tuple(every),
            port=answer.question.port,
            family=family,
            prefixes=tuple(prefixes[:MOST_LISTED]),
            names=found[0][0].room.names | used,
        )
        used |= {missing.set_name, missing.rule_name}
        write = next((w for prefix, w in _WRITERS.items() if name.startswith(prefix)), _by_hand)
        made += write(missing)
    return tuple(made)


def _together(name: str) -> str:
    """Return the name under which one rule opens what several layers keep out.

    That is an iptables or nftables chain for the first packet and for later ones, and a network ACL for every port to
    which answers go.
    """
    if name.startswith("network ACL "):
        return re.sub(r", answers to ports .*", ", outbound", name)
    return name.removesuffix(LATER)


def _security_group(missing: _Missing) -> Sequence[Step]:
    name = next(name for name, family in NAMES.items() if family == missing.family)
    group = shlex.quote(missing.named("security group"))
    lines = [
        "PREFIX_LIST=$(aws ec2 describe-managed-prefix-lists"
        f" --filters Name=prefix-list-name,Values={name} --query 'PrefixLists[0].PrefixListId' --output text)",
        f"aws ec2 authorize-security-group-ingress --group-id {group} --ip-permissions"
        f' "IpProtocol=tcp,FromPort={missing.port},ToPort={missing.port}'
        ',PrefixListIds=[{PrefixListId=$PREFIX_LIST}]"',
    ]
    managed = Step(
        text=f"Let in CloudFront's managed prefix list, which AWS keeps up to date. It counts as {WEIGHT} of"
        f" the {QUOTA} inbound rules that a group may have: where there is no room, put it into a group of its own, or"
        " have the quota raised.",
        command="\n".join(lines),
    )
    if len(missing.prefixes) > _FEW:
        return (managed,)
    key, member = ("IpRanges", "CidrIp") if missing.family == 4 else ("Ipv6Ranges", "CidrIpv6")
    ranges = ",".join(f"{{{member}={p}}}" for p in missing.prefixes)
    alone = Step(
        text="Or add what is missing alone; it is out of date again when AWS adds the next range.",
        command=f"aws ec2 authorize-security-group-ingress --group-id {group} --ip-permissions"
        f" 'IpProtocol=tcp,FromPort={missing.port},ToPort={missing.port},{key}=[{ranges}]'",
    )
    return (managed, alone)


def _network_acl(missing: _Missing) -> Sequence[Step]:
    acl = missing.named("network ACL").partition(",")[0]
    outbound = "outbound" in missing.name
    what = "answers to ephemeral ports" if outbound else f"TCP {missing.port}"
    cidrs = missing.prefixes if len(missing.prefixes) <= _FEW // 2 else ()
    numbers = missing.free(1, _LAST_OF_ACL, max(1, len(cidrs)), 100)
    why = ""
    if not cidrs or len(numbers) < len(cidrs):
        cidrs = ("0.0.0.0/0" if missing.family == 4 else "::/0",)
        why = (
            " A network ACL has room for 20 rules in a direction and cannot refer to a prefix list: allow the port for"
            " everybody here, and let the security group hold the list."
        )
    if not numbers:
        return (_renumber(missing, f"Network ACL {acl}", "1"),)
    direction = "--egress" if outbound else "--ingress"
    ports = "From=1024,To=65535" if outbound else f"From={missing.port},To={missing.port}"
    option = "--cidr-block" if missing.family == 4 else "--ipv6-cidr-block"
    rows = "\n".join(f"{number} {cidr}" for number, cidr in zip(numbers, cidrs, strict=False))
    place = f"numbers before rule {missing.first}" if missing.first else "numbers that are free"
    return (
        Step(
            text=f"Network ACL {acl}: allow {what} {'to' if outbound else 'from'} what is missing, with {place};"
            f" the lowest that matches decides.{why}",
            command="while read -r number cidr; do aws ec2 create-network-acl-entry --network-acl-id"
            f' {shlex.quote(acl)} {direction} --rule-number "$number" --protocol tcp --port-range {ports}'
            f' {option} "$cidr" --rule-action allow; done'
            f" <<'END'\n{rows}\nEND",
        ),
    )


def _renumber(missing: _Missing, where: str, lowest: str) -> Step:
    """Return what to do where no rule can come before the one that keeps out: the order is its owner's business."""
    rules = "; ".join(dict.fromkeys(p.place.text for p in missing.parts if p.place.number == missing.first))
    return Step(
        text=f"{where}: no number from {lowest} on is free before the rule that keeps out what is missing ({rules})."
        " Give the rules larger numbers in the same order, or narrow that rule, then allow"
        f" TCP {missing.port} before it from:",
        command="\n".join(missing.prefixes),
    )


def _iptables(missing: _Missing) -> Sequence[Step]:
    tool, table, chain = [*missing.name.removesuffix(ANSWERS).split(), "", "", ""][:3]
    name = missing.set_name
    inet6 = " family inet6" if missing.family == 6 else ""
    what, side, end, direction = "in what is missing", "--dport", "src", "ORIGINAL"
    if missing.name.endswith(ANSWERS):
        what, side, end, direction = "answers out to what is missing", "--sport", "dst", "REPLY"
    port = f"-p tcp {side} {missing.port}"
    if missing.layer.room.translated:
        port = f"-p tcp -m conntrack --ctdir {direction} --ctorigdstport {missing.port}"
    adds = "\n".join(f"add {name} {p}" for p in missing.prefixes)
    into = "" if table == "filter" else f" -t {table}"
    return (
        Step(
            text=f"On the origin's host: let {what}, in front of all other rules of {chain}; keep it over a"
            " restart with the tool that manages this firewall (netfilter-persistent, ufw's before.rules, a systemd"
            " unit).",
            command=f"ipset restore -exist <<'END'\ncreate {name} hash:net{inet6}\n{adds}\nEND\n"
            f"{tool}{into} -I {chain} 1 {port} -m set --match-set {name} {end} -j ACCEPT",
        ),
    )


def _nftables(missing: _Missing) -> Sequence[Step]:
    family, table, chain = [*missing.name.removeprefix("nftables ").removesuffix(ANSWERS).split(), "", "", ""][:3]
    name = missing.set_name
    what, side, end, direction = "in what is missing", "dport", "saddr", ""
    if missing.name.endswith(ANSWERS):
        what, side, end, direction = "answers out to what is missing", "sport", "daddr", " ct direction reply"
    port = f"tcp {side} {missing.port}"
    if missing.layer.room.translated:
        port = f"meta l4proto tcp{direction} ct original proto-dst {missing.port}"
    kind, header = ("ipv4_addr", "ip") if missing.family == 4 else ("ipv6_addr", "ip6")
    elements = ", ".join(missing.prefixes)
    where = f"{family} {table}"
    return (
        Step(
            text=f"On the origin's host: let {what}, in front of the other rules of this chain; a later"
            " chain at the same hook may still drop it. Put the same into the file that nftables is started from.",
            command=f"nft -f - <<'END'\nadd set {where} {name} {{ type {kind}; flags interval; }}\n"
            f"add element {where} {name} {{ {elements} }}\n"
            f"insert rule {where} {chain} {header} {end} @{name} {port} accept\nEND",
        ),
    )


def _nginx(missing: _Missing) -> Sequence[Step]:
    lines = "\n".join(f"allow {p};" for p in missing.prefixes)
    return (
        Step(
            text=f"nginx: put these before “{missing.parts[0].place.text}”"
            f" ({missing.parts[0].place.where}), in the same block.",
            command=f"{lines}\n# then: nginx -t && systemctl reload nginx",
        ),
    )


def _network_policy(missing: _Missing) -> Sequence[Step]:
    chosen = json.loads(missing.layer.room.selector or "{}")
    # Policies add up: one more lets in what is missing, whatever the others look like.
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": missing.rule_name, "namespace": chosen.get("namespace") or "default"},
        "spec": {
            "podSelector": chosen.get("podSelector") or {},
            "policyTypes": ["Ingress"],
            "ingress": [
                {
                    "from": [{"ipBlock": {"cidr": p}} for p in missing.prefixes],
                    # The pod's own port is not known here: a rule without ports would open all of them.
                    "ports": [{"protocol": "TCP", "port": missing.port}],
                }
            ],
        },
    }
    return (
        Step(
            text="Add this policy: what any policy of a pod allows is let in (port is the pod's own port, where that is"
            f" not {missing.port}).",
            command=f"kubectl apply -f - <<'END'\n{json.dumps(policy)}\nEND",
        ),
    )


def _google(missing: _Missing) -> Sequence[Step]:
    network = missing.named("VPC network")
    # A deny comes before an allow of the same priority; several rules may have the same.
    number = 1000 if missing.first is None else missing.first - 1
    if number < 0:
        return (_renumber(missing, f"Google Cloud, network {network}", "0"),)
    return (
        Step(
            text="Google Cloud: allow what is missing, with a priority before that of any rule that denies it.",
            command=f"gcloud compute firewall-rules create {missing.rule_name}"
            f"{f' --network={shlex.quote(network)}' if network else ''} --direction=INGRESS --action=ALLOW"
            f" --priority={number} --rules=tcp:{missing.port} --source-ranges={','.join(missing.prefixes)}",
        ),
    )


def _azure(missing: _Missing) -> Sequence[Step]:
    group = missing.named("network security group")
    numbers = missing.free(*_AZURE_PRIORITIES, 1, 1000)
    if not numbers:
        return (_renumber(missing, f"Azure, network security group {group}", str(_AZURE_PRIORITIES[0])),)
    return (
        Step(
            text="Azure: allow what is missing, with a free priority before that of any rule that denies it.",
            command=f'az network nsg rule create -g "$RESOURCE_GROUP" --nsg-name {shlex.quote(group)}'
            f" -n {missing.rule_name} --priority {numbers[0]} --direction Inbound --access Allow"
            f" --protocol Tcp --destination-port-ranges {missing.port} --source-address-prefixes {missing.spaced}",
        ),
    )


def _by_hand(missing: _Missing) -> Sequence[Step]:
    return (Step(text=f"Let in TCP {missing.port} from what is missing.", command="\n".join(missing.prefixes)),)


_WRITERS: dict[str, Callable[[_Missing], Sequence[Step]]] = {
    "security group": _security_group,
    "network ACL": _network_acl,
    "iptables": _iptables,
    "ip6tables": _iptables,
    "nftables": _nftables,
    "nginx": _nginx,
    "NetworkPolicy": _network_policy,
    "VPC network": _google,
    "network security group": _azure,
}
