"""AWS-managed prefix lists: CloudFront's own, by name and id, and others where their entries are given.

https://docs.aws.amazon.com/vpc/latest/userguide/working-with-aws-managed-prefix-lists.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cfrunbook.firewall import intervals
from cfrunbook.firewall.documents import objects, text
from cfrunbook.firewall.intervals import Family, Intervals
from cfrunbook.firewall.model import Companions, Match, exactly, perhaps
from cfrunbook.text import visible

NAMES: Mapping[str, Family] = {
    "com.amazonaws.global.cloudfront.origin-facing": 4,
    "com.amazonaws.global.ipv6.cloudfront.origin-facing": 6,
}
"""CloudFront's managed prefix lists, and the family that each holds."""
WEIGHT, QUOTA = 55, 60
"""Rules that each of them counts as, and inbound rules that a security group may have unless the quota was raised.
https://docs.aws.amazon.com/vpc/latest/userguide/working-with-aws-managed-prefix-lists.html"""
IDS: Mapping[str, str] = {
    "pl-3b927c52": "us-east-1",
    "pl-b6a144df": "us-east-2",
    "pl-4ea04527": "us-west-1",
    "pl-82a045eb": "us-west-2",
    "pl-4fa04526": "eu-west-1",
    "pl-93a247fa": "eu-west-2",
    "pl-a3a144ca": "eu-central-1",
    "pl-31a34658": "ap-southeast-1",
}
"""Ids of the IPv4 list in some regions, as public code has them; describe-managed-prefix-lists tells all."""
_ID = re.compile(r"pl-[0-9a-f]{8,17}")


def names_of(document: Mapping[str, Any], file: str) -> dict[str, str]:
    """Return name by id from describe-managed-prefix-lists. Raises BadInput."""
    return {
        text(node, "PrefixListId", where, file): text(node, "PrefixListName", where, file)
        for where, node in objects(document, "PrefixLists", "", file)
    }


def entries_of(document: Mapping[str, Any], file: str) -> dict[str, tuple[str, ...]]:
    """Return the prefixes of get-managed-prefix-list-entries by the id in the file's name, else by ``."""
    found = _ID.search(file)
    cidrs = [text(node, "Cidr", where, file) for where, node in objects(document, "Entries", "", file)]
    return {found[0] if found else "": tuple(cidrs)}


def match(prefix_list: str, family: Family, companions: Companions, *, only_one_unknown: bool) -> Match:
    """Return the sources that a prefix list holds; perhaps any where that is not known.

    `only_one_unknown`: entries whose file does not say of which list they are belong to this one.
    """
    entries = companions.prefix_list_entries.get(prefix_list)
    name = companions.prefix_list_names.get(prefix_list, "")
    if name in NAMES or prefix_list in IDS:
        # AWS keeps it up to date: where its entries lack an address of our list, our list is what is out of date.
        of = NAMES.get(name, 4)
        return exactly(companions.cloudfront.get(of, Intervals()) if of == family else Intervals())
    if entries is None and only_one_unknown:
        entries = companions.prefix_list_entries.get("")
    shown = visible(prefix_list, 40)
    if entries is None:
        return perhaps(
            family,
            f"what the prefix list {shown} holds is not known: give the output of aws ec2 describe-managed-prefix-lists"
            f" and of aws ec2 get-managed-prefix-list-entries --prefix-list-id {shown}",
        )
    try:
        return exactly(intervals.of_networks(entries, family))
    except ValueError:
        return perhaps(family, f"the entries given of the prefix list {shown} hold what is no prefix")


def is_known(prefix_list: str, companions: Companions) -> bool:
    """Tell whether what the list holds is known without entries that do not say whose they are."""
    name = companions.prefix_list_names.get(prefix_list, "")
    return prefix_list in companions.prefix_list_entries or name in NAMES or prefix_list in IDS


def shown(prefix_list: str, companions: Companions) -> str:
    """Return a list's id, with its name where that is known."""
    name = companions.prefix_list_names.get(prefix_list, "")
    if not name and prefix_list in IDS:
        name = f"CloudFront's managed list in {IDS[prefix_list]}"
    return f"{visible(prefix_list, 40)}{f' ({visible(name, 80)})' if name else ''}"
