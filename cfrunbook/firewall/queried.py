"""What `--query` and jq leave of a dump: made whole again where that is unambiguous, refused where it is too little."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cfrunbook.errors import BadInput

_Holds = Callable[[Mapping[str, Any]], bool]

_OF_NFT = frozenset({
    "metainfo", "table", "chain", "rule", "set", "map", "element", "flowtable", "counter", "quota", "limit",
    "ct helper", "ct timeout", "ct expectation", "secmark", "synproxy",
})  # fmt: skip
"""What the objects of nft's JSON are: libnftables-json(5)."""
_ITEMS: Mapping[str, _Holds] = {
    "SecurityGroups": lambda item: "GroupId" in item and isinstance(item.get("IpPermissions"), list),
    "SecurityGroupRules": lambda item: {"GroupId", "IsEgress", "IpProtocol"} <= set(item),
    "NetworkAcls": lambda item: "NetworkAclId" in item and isinstance(item.get("Entries"), list),
    "PrefixLists": lambda item: {"PrefixListId", "PrefixListName"} <= set(item),
    "Entries": lambda item: "Cidr" in item and not set(item) - {"Cidr", "Description"},
}
"""The member of AWS's answer that holds such items, and what tells one of them."""
_TOO_LITTLE: tuple[tuple[str, _Holds, str], ...] = (
    (
        "permissions that do not say of which group they are, nor whether inbound",
        lambda item: "IpProtocol" in item and ("IpRanges" in item or "UserIdGroupPairs" in item),
        "the whole groups: aws ec2 describe-security-groups without --query",
    ),
    (
        "entries that do not say of which network ACL they are",
        lambda item: {"RuleNumber", "RuleAction"} <= set(item),
        "the whole ACL: aws ec2 describe-network-acls without --query",
    ),
    (
        "names of security groups, not their rules",
        lambda item: "GroupId" in item and not set(item) - {"GroupId", "GroupName"},
        "the output of aws ec2 describe-security-groups --group-ids ...",
    ),
    (
        "rules that do not say of which network security group they are",
        lambda item: "access" in item and "priority" in item,
        "the whole group: az network nsg show -o json",
    ),
)
"""What may be left that is not enough, what tells it, and what to give instead."""


def whole(document: Any, file: str) -> Any:
    """Return a document as its tool prints it, where a list of it, or one item of that, was given.

    So is what `--query SecurityGroups`, `--query 'SecurityGroups[0]'` and `jq .nftables` leave. Raises BadInput for
    what does not say enough.
    """
    items = document if isinstance(document, list) else [document]
    if not items or not all(isinstance(item, Mapping) for item in items):
        return document
    for member, holds in _ITEMS.items():
        if all(map(holds, items)):
            return {member: items}
    if isinstance(document, Mapping):
        return [document] if "network" in document and {"allowed", "denied"} & set(document) else document
    if all(item.get("kind") == "NetworkPolicy" for item in items):
        return {"kind": "List", "items": items}
    if all(len(item) == 1 and not set(item) - _OF_NFT for item in items) and any("chain" in item for item in items):
        return {"nftables": items}
    for what, holds, instead in _TOO_LITTLE:
        if all(map(holds, items)):
            raise BadInput(f"Firewall: {file} holds {what}; give {instead}.")
    return document
