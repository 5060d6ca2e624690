"""The missing rule in the dump's own language, with the real values, bounded in length. Pure."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Sequence

import msgspec

from cfrunbook.findings import Step
from cfrunbook.firewall import intervals
from cfrunbook.firewall.answer import BLOCKED, Answer
from cfrunbook.firewall.intervals import Family, Intervals
from cfrunbook.firewall.model import Part
from cfrunbook.firewall.prefix_lists import NAMES, QUOTA, WEIGHT

MAX_PREFIXES = 60
"""Prefixes listed in one command; beyond, the list of all of CloudFront's is shorter."""
MAX_STEPS = 4
_FEW = 20
"""Rules that still fit into a security group or network ACL beside its own."""


class _Missing(msgspec.Struct, frozen=True):
    """What one layer keeps out."""

    layer: str
    text: str
    """The rule that decides, as it stands."""
    port: int
    family: Family
    prefixes: tuple[str, ...]

    @property
    def spaced(self) -> str:
        return " ".join(self.prefixes)

    @property
    def set_name(self) -> str:
        return f"cloudfront{self.family}"

    def named(self, prefix: str) -> str:
        """Return the layer's name behind `prefix`, its first word where it lists several."""
        return re.split(r",? and |, ", self.layer.removeprefix(prefix).strip())[0]


def steps(answer: Answer, those: Sequence[Part] | None = None) -> tuple[Step, ...]:
    """Return what to add so that none of these parts is blocked (default: all that are), by layer."""
    blocked: dict[str, list[tuple[Intervals, str]]] = {}
    for part in answer.having(*BLOCKED) if those is None else those:
        blocked.setdefault(part.layer, []).append((part.sources, part.place.text))
    made: list[Step] = []
    for layer, parts in list(blocked.items())[:MAX_STEPS]:
        missing = Intervals.of(pair for sources, _ in parts for pair in sources.pairs)
        family = answer.question.family
        prefixes = intervals.to_networks(missing, family)
        if len(prefixes) > MAX_PREFIXES:
            prefixes = intervals.to_networks(answer.universe, family)
        one = _Missing(layer, parts[0][1], answer.question.port, family, prefixes[:MAX_PREFIXES])
        made += next((write(one) for prefix, write in _WRITERS.items() if layer.startswith(prefix)), [_by_hand(one)])
    return tuple(made)


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
    acl, _, way = missing.named("network ACL").partition(",")
    outbound = "answers" in missing.layer or "outbound" in way
    rule = re.search(r"rule (\d+)", missing.text)
    below = f"a number below {rule[1]}" if rule else "a free number"
    first = max(1, min(10, int(rule[1]) - _FEW // 2)) if rule else 10
    direction = "--egress" if outbound else "--ingress"
    ports = "From=1024,To=65535" if outbound else f"From={missing.port},To={missing.port}"
    option = "--cidr-block" if missing.family == 4 else "--ipv6-cidr-block"
    few = len(missing.prefixes) <= _FEW // 2
    everyone = "0.0.0.0/0" if missing.family == 4 else "::/0"
    cidrs = missing.spaced if few else everyone
    why = (
        ""
        if few
        else " A network ACL has room for 20 rules in a direction and cannot refer to a prefix list: allow the port for"
        " everybody here, and let the security group hold the list."
    )
    return (
        Step(
            text=f"Network ACL {acl}: allow {'answers to ephemeral ports' if outbound else f'TCP {missing.port}'} with"
            f" {below}; the lowest that matches decides.{why}",
            command=f"NUMBER={first}; for cidr in {cidrs}; do aws ec2 create-network-acl-entry --network-acl-id {acl}"
            f" {direction} --rule-number $((NUMBER++)) --protocol tcp --port-range {ports} {option}"
            ' "$cidr" --rule-action allow; done',
        ),
    )


def _iptables(missing: _Missing) -> Sequence[Step]:
    tool, table, chain = [*missing.layer.partition(",")[0].split(), "", "", ""][:3]
    inet6 = " family inet6" if missing.family == 6 else ""
    port = f"-p tcp --dport {missing.port}"
    if chain == "FORWARD":  # behind a DNAT the port is another one
        port = f"-p tcp -m conntrack --ctdir ORIGINAL --ctorigdstport {missing.port}"
    adds = "\n".join(f"add {missing.set_name} {p}" for p in missing.prefixes)
    into = "" if table == "filter" else f" -t {table}"
    return (
        Step(
            text=f"On the origin's host: let in what is missing, in front of all other rules of {chain}; keep it over a"
            " restart with the tool that manages this firewall (netfilter-persistent, ufw's before.rules, a systemd"
            " unit).",
            command=f"ipset restore -exist <<'END'\ncreate {missing.set_name} hash:net{inet6}\n{adds}\nEND\n"
            f"{tool}{into} -I {chain} 1 {port} -m set --match-set {missing.set_name} src -j ACCEPT",
        ),
    )


def _nftables(missing: _Missing) -> Sequence[Step]:
    family, table, chain = [*missing.layer.removeprefix("nftables ").partition(",")[0].split(), "", "", ""][:3]
    kind, header = ("ipv4_addr", "ip") if missing.family == 4 else ("ipv6_addr", "ip6")
    elements = ", ".join(missing.prefixes)
    where = f"{family} {table}"
    return (
        Step(
            text="On the origin's host: let in what is missing, in front of the other rules of this chain; a later"
            " chain at the same hook may still drop it. Put the same into the file that nftables is started from.",
            command=f"nft -f - <<'END'\nadd set {where} {missing.set_name} {{ type {kind}; flags interval; }}\n"
            f"add element {where} {missing.set_name} {{ {elements} }}\n"
            f"insert rule {where} {chain} {header} saddr @{missing.set_name} tcp dport {missing.port} accept\nEND",
        ),
    )


def _nginx(missing: _Missing) -> Sequence[Step]:
    lines = "\n".join(f"allow {p};" for p in missing.prefixes)
    return (
        Step(
            text=f"nginx: put these before “{missing.text}”, in the same block.",
            command=f"{lines}\n# then: nginx -t && systemctl reload nginx",
        ),
    )


def _network_policy(missing: _Missing) -> Sequence[Step]:
    peers = [{"ipBlock": {"cidr": p}} for p in missing.prefixes]
    # The pod's own port is not known here: a rule without ports would open all of them.
    rule = {"from": peers, "ports": [{"protocol": "TCP", "port": missing.port}]}
    patch = json.dumps([{"op": "add", "path": "/spec/ingress/-", "value": rule}])
    return (
        Step(
            text=f"Add this to the policy's ingress (port is the pod's own port, where that is not {missing.port}).",
            command=f'kubectl patch networkpolicy "$POLICY" --type=json -p {shlex.quote(patch)}',
        ),
    )


def _google(missing: _Missing) -> Sequence[Step]:
    network = missing.named("VPC network")
    priority = re.search(r"priority (\d+)", missing.text)
    number = max(0, int(priority[1]) - 1) if priority else 1000
    return (
        Step(
            text="Google Cloud: allow what is missing, with a priority before that of the rule that denies it.",
            command=f"gcloud compute firewall-rules create allow-cloudfront-{missing.port}-ipv{missing.family}"
            f" --network={shlex.quote(network)} --direction=INGRESS --action=ALLOW --priority={number}"
            f" --rules=tcp:{missing.port} --source-ranges={','.join(missing.prefixes)}",
        ),
    )


def _azure(missing: _Missing) -> Sequence[Step]:
    name = shlex.quote(missing.named("network security group"))
    priority = re.search(r"priority (\d+)", missing.text)
    number = max(100, min(4096, int(priority[1]) - 1)) if priority else 4000
    return (
        Step(
            text="Azure: allow what is missing, with a priority before that of the rule that denies it.",
            command=f'az network nsg rule create -g "$RESOURCE_GROUP" --nsg-name {name}'
            f" -n AllowCloudFront{missing.port}v{missing.family} --priority {number} --direction Inbound --access Allow"
            f" --protocol Tcp --destination-port-ranges {missing.port} --source-address-prefixes {missing.spaced}",
        ),
    )


def _by_hand(missing: _Missing) -> Step:
    return Step(text=f"Let in TCP {missing.port} from what is missing.", command="\n".join(missing.prefixes))


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
