"""Which rule dumps are known, what command prints each, and telling them apart by their content."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cfrunbook.errors import BadInput
from cfrunbook.text import visible

KINDS: Mapping[str, tuple[str, str]] = {
    "security_groups": ("EC2 security groups", "aws ec2 describe-security-groups --group-ids ..."),
    "security_group_rules": (
        "EC2 security group rules",
        "aws ec2 describe-security-group-rules --filters Name=group-id,Values=...",
    ),
    "prefix_lists": ("names of managed prefix lists", "aws ec2 describe-managed-prefix-lists"),
    "prefix_list_entries": (
        "entries of a prefix list",
        "aws ec2 get-managed-prefix-list-entries --prefix-list-id pl-... > pl-....json",
    ),
    "network_acls": (
        "network ACLs",
        "aws ec2 describe-network-acls --filters Name=association.subnet-id,Values=...",
    ),
    "iptables": ("iptables rules (also ufw's and Docker's)", "iptables-save, ip6tables-save"),
    "ipset": ("the sets of iptables rules", "ipset save"),
    "nftables": ("nftables rules", "nft -j list ruleset"),
    "nginx": ("nginx's allow and deny", "nginx -T"),
    "network_policies": ("Kubernetes network policies", "kubectl get networkpolicy -o json"),
    "google": ("Google Cloud firewall rules", "gcloud compute firewall-rules list --format=json"),
    "azure": ("an Azure network security group", "az network nsg show -g ... -n ... -o json"),
}
"""Kind, what it is, and the command that prints it."""
COMPANIONS = frozenset({"prefix_lists", "prefix_list_entries", "ipset"})
"""Kinds that decide nothing alone: what rules of another dump refer to."""
JSON_KINDS = frozenset(KINDS) - {"iptables", "ipset", "nginx"}

_MEMBERS = {
    "SecurityGroups": "security_groups",
    "SecurityGroupRules": "security_group_rules",
    "PrefixLists": "prefix_lists",
    "NetworkAcls": "network_acls",
    "nftables": "nftables",
}
_POLICY = re.compile(r"^kind:\s*[\"']?(NetworkPolicy(List)?|List)[\"']?\s*$", re.MULTILINE)
_TABLE = re.compile(r"^\*(filter|nat|mangle|raw|security)\s*$", re.MULTILINE)
_IPSET = re.compile(r"^create \S+ (hash|bitmap|list):", re.MULTILINE)
_NGINX = re.compile(
    r"^# configuration file /|^[ \t]*(allow|deny)\s+\S+;|\b(server|http|stream|location\s+\S+)\s*\{", re.MULTILINE
)
_OTHERS = (
    (re.compile(r"^Status: (in)?active", re.MULTILINE), "what `ufw status` prints", "iptables-save"),
    (re.compile(r"^Chain \S+ \((policy|\d+ ref)", re.MULTILINE), "what `iptables -L` prints", "iptables-save"),
    (re.compile(r"^-P (INPUT|FORWARD) ", re.MULTILINE), "what `iptables -S` prints", "iptables-save"),
    (re.compile(r"^table (ip6?|inet|arp|bridge|netdev) \S+ \{", re.MULTILINE), "nft's language", "nft -j list ruleset"),
    (re.compile(r"^Name: \S+\s+Type: (hash|bitmap|list):", re.MULTILINE), "what `ipset list` prints", "ipset save"),
    (re.compile(r"^[ \t]*resource \"aws_", re.MULTILINE), "Terraform", KINDS["security_groups"][1]),
    (re.compile(r"^\S+ \((active|default)", re.MULTILINE), "what `firewall-cmd` prints", "nft -j list ruleset"),
    (re.compile(r"^[ \t]*<(ipsets|\?xml)", re.MULTILINE), "XML", "ipset save"),
    (re.compile(r"^\S+ +\S+ +(INGRESS|EGRESS) ", re.MULTILINE), "gcloud's table", KINDS["google"][1]),
)  # fmt: skip


def of_document(document: Any, file: str) -> str:
    """Return the kind of a JSON document. Raises BadInput for one that is no dump that is known."""
    if isinstance(document, Mapping):
        for member, kind in _MEMBERS.items():
            if isinstance(document.get(member), list):
                return kind
        entries = document.get("Entries")
        if isinstance(entries, list) and all(isinstance(e, Mapping) and "Cidr" in e for e in entries):
            return "prefix_list_entries"
        if document.get("kind") in ("NetworkPolicy", "NetworkPolicyList"):
            return "network_policies"
        items = document.get("items") if document.get("kind") == "List" else None
        if isinstance(items, list) and any(isinstance(i, Mapping) and i.get("kind") == "NetworkPolicy" for i in items):
            return "network_policies"
        if _is_azure(document):
            return "azure"
    elif isinstance(document, list) and document:
        if all(isinstance(d, Mapping) and _is_azure(d) for d in document):
            return "azure"
        if all(isinstance(d, Mapping) and ("allowed" in d or "denied" in d) for d in document):
            return "google"
    elif document == []:
        raise BadInput(
            f"Firewall: {file} is an empty list: it has no rule in it; look at the project or resource group."
        )
    raise BadInput(f"Firewall: {file} is JSON, but no rule dump that is known; {known()}")


def of_text(text: str, file: str) -> str:
    """Return the kind of a dump that is not JSON. Raises BadInput for what is none that is known."""
    if not text.strip():
        raise BadInput(f"Firewall: {file} is empty; {known()}")
    if _TABLE.search(text):
        return "iptables"
    if _IPSET.search(text):
        return "ipset"
    if _POLICY.search(text):
        return "network_policies"
    for pattern, what, command in _OTHERS:
        if pattern.search(text):
            raise BadInput(f"Firewall: {file} is {what}, which leaves out too much; give the output of {command}.")
    if _NGINX.search(text):
        return "nginx"
    if text.lstrip()[:1] in ("{", "["):
        raise BadInput(f"Firewall: {file} is cut off, or not JSON; save it again.")
    raise BadInput(f"Firewall: {file} is no rule dump that is known; {known()}")


def known() -> str:
    """Return a clause that lists what can be given."""
    return "give the output of one of: " + "; ".join(command for _, command in KINDS.values()) + "."


def title(kind: str) -> str:
    """Return what a kind is, for people."""
    return KINDS[kind][0] if kind in KINDS else visible(kind, 40)


def _is_azure(document: Mapping[str, Any]) -> bool:
    held = document.get("properties")
    inner = held if isinstance(held, Mapping) else document
    return "securityRules" in inner or "defaultSecurityRules" in inner
