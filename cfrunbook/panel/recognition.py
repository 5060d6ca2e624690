"""What a file that somebody gave is, by what it holds: the name of the parameter that takes it."""

from __future__ import annotations

import re

import msgspec

FILES = (
    "distribution", "policies", "response", "evidence", "function_result", "function_event", "firewall",
    "address_ranges", "trust_store", "handler", "root_hints",
)  # fmt: skip
"""Parameters that take a file."""

_MEMBERS: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"DistributionConfig", "Distribution", "Origins"}), "distribution"),
    (
        frozenset(
            {"OriginRequestPolicy", "CachePolicy", "OriginRequestPolicyConfig", "CachePolicyConfig", "VpcOrigin"}
        ),
        "policies",
    ),
    (frozenset({"syncToken"}), "address_ranges"),
    (frozenset({"Records"}), "function_event"),
    (
        frozenset({"SecurityGroups", "SecurityGroupRules", "NetworkAcls", "PrefixLists", "nftables"}),
        "firewall",
    ),
)
_TEXTS: tuple[tuple[str, str], ...] = (
    (r"(?m)\A(\* |[<>] )?\s*HTTP/[\d.]+ \d{3}|^< HTTP/[\d.]+ \d{3}", "response"),
    (r"(?m)^\*(filter|nat|raw|mangle)\s*$|^table \w+ \w+ \{|^-A INPUT ", "firewall"),
    (r"-----BEGIN CERTIFICATE-----", "trust_store"),
    (r"(?m)^(exports\.handler|export const handler|(async )?function handler\b|def \w*handler\()", "handler"),
    (r"(?i)\A\s*(<!doctype html|<html)", "response"),
)


def recognize(content: bytes) -> str:
    """Return the parameter that takes a file with this content; empty where that is not plain."""
    head = content[:200_000].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head[:1] in (b"{", b"["):
        return _of_json(content)
    text = head.decode("utf-8", "replace")
    return next((name for pattern, name in _TEXTS if re.search(pattern, text)), "")


def _of_json(content: bytes) -> str:
    try:
        document = msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    if isinstance(document, list):
        return "firewall" if document and isinstance(document[0], dict) and "ip_protocol" in document[0] else ""
    if not isinstance(document, dict):
        return ""
    if document.get("kind") == "cfrunbook.evidence":
        return "evidence"
    if isinstance(document.get("log"), dict) and "entries" in document["log"]:
        return "response"
    found = next((name for members, name in _MEMBERS if members & document.keys()), "")
    if not found and {"version", "context", "request"} <= document.keys():
        return "function_event"
    if not found and {"status", "statusCode", "uri"} & document.keys():
        return "function_result"
    return found
