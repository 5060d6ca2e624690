"""What of a viewer's request CloudFront sends on to the origin: header fields, query string, cookies.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/understanding-how-origin-request-policies-and-cache-policies-work-together.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Literal

import msgspec

from cfrunbook.cloudfront.distribution import Behavior
from cfrunbook.cloudfront.documents import Reader
from cfrunbook.cloudfront.policies import HeaderPolicy, Policies
from cfrunbook.cloudfront.request_headers import (
    ALL_CLOUDFRONT_2022_06,
    ALWAYS_FORWARDED,
    LEGACY_TAKEN_AWAY,
    NEVER_FORWARDED,
    VIEWER_HEADERS,
)

Mode = Literal["none", "whitelist", "allExcept", "all"]

_ALL_CLOUDFRONT = "33f36d7e-f396-46d9-90e0-52428a34d9dc"  # AllViewerAndCloudFrontHeaders-2022-06
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


class Selection(msgspec.Struct, frozen=True):
    """Which of several named things are taken: none, all, some, or all but some. Names count as written."""

    mode: Mode
    names: frozenset[str] = frozenset()

    def takes(self, name: str) -> bool:
        """Tell whether the thing called `name` is taken."""
        match self.mode:
            case "all":
                return True
            case "whitelist":
                return name in self.names
            case "allExcept":
                return name not in self.names
            case _:
                return False


NOTHING, EVERYTHING = Selection("none"), Selection("all")

_COMPRESSED: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "2e54312d-136d-493c-8eb9-b001f22f67d2": ("br", "gzip"),  # Amplify
    "658327ea-f89d-4fab-a63d-7e88639e58f6": ("br", "gzip"),  # CachingOptimized
    "08627262-05a9-4f76-9ded-b50ca2e3a84f": ("gzip",),  # Elemental-MediaPackage
    "83da9c7e-98b4-4e11-a168-04f0df8e2c65": ("br", "gzip"),  # UseOriginCacheControlHeaders
    "4cc15a8a-d715-48a4-82b8-cc0b614638fe": ("br", "gzip"),  # UseOriginCacheControlHeaders-QueryStrings
})  # fmt: skip
"""Managed cache policies that have compressed objects cached."""

_MANAGED: Mapping[str, tuple[Selection, Selection]] = MappingProxyType({
    # Origin request policies: query strings, cookies.
    "216adef6-5c7f-47e4-b989-5492eafa07d3": (EVERYTHING, EVERYTHING),  # AllViewer
    "33f36d7e-f396-46d9-90e0-52428a34d9dc": (EVERYTHING, EVERYTHING),  # AllViewerAndCloudFrontHeaders-2022-06
    "b689b0a8-53d0-40ab-baf2-68738e2966ac": (EVERYTHING, EVERYTHING),  # AllViewerExceptHostHeader
    "775133bc-15f2-49f9-abea-afb2e0bf67d2": (EVERYTHING, NOTHING),  # Elemental-MediaTailor-PersonalizedManifests
    # Cache policies.
    "2e54312d-136d-493c-8eb9-b001f22f67d2": (EVERYTHING, EVERYTHING),  # Amplify
    "08627262-05a9-4f76-9ded-b50ca2e3a84f": (
        Selection("whitelist", frozenset({"aws.manifestfilter", "start", "end", "m"})), NOTHING,
    ),  # Elemental-MediaPackage
    "83da9c7e-98b4-4e11-a168-04f0df8e2c65": (NOTHING, EVERYTHING),  # UseOriginCacheControlHeaders
    "4cc15a8a-d715-48a4-82b8-cc0b614638fe": (EVERYTHING, EVERYTHING),  # UseOriginCacheControlHeaders-QueryStrings
})  # fmt: skip
"""Managed policies by id; those that are not here take neither query strings nor cookies. As of 2026-04.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-origin-request-policies.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html
"""


class Forwarded(msgspec.Struct, frozen=True):
    """What the settings of a behavior send on to the origin."""

    headers: tuple[HeaderPolicy, ...]
    query: tuple[Selection, ...]
    cookies: tuple[Selection, ...]
    encodings: tuple[str, ...]
    """Of `br` and `gzip`, those that CloudFront asks the origin for where the viewer takes them."""
    legacy: bool
    """By ForwardedValues, without a cache policy."""
    unknown: tuple[str, ...] = ()
    """Ids of policies that are not known here; what they add is left out."""

    @property
    def viewer_headers(self) -> tuple[str, ...]:
        """The CloudFront-* fields that CloudFront adds for the origin, in the table's order."""
        asked: set[str] = set()
        for policy in self.headers:
            if policy.behavior in ("whitelist", "allViewerAndWhitelistCloudFront"):
                asked |= policy.headers
            if policy.id == _ALL_CLOUDFRONT:
                asked |= {name.lower() for name in ALL_CLOUDFRONT_2022_06}
        return tuple(name for name in VIEWER_HEADERS if name.lower() in asked)

    def takes_header(self, name: str, method: str = "GET") -> bool:
        """Tell whether a viewer's header field goes along; Host and Cookie have rules of their own, not looked at."""
        lowered = name.lower()
        if lowered in NEVER_FORWARDED or lowered.startswith(("cloudfront-", "x-edge-", "x-amz-cf-")):
            return False
        if lowered in ALWAYS_FORWARDED or any(policy.forwards(lowered) for policy in self.headers):
            return True
        if lowered == "authorization":
            return self.legacy and method not in _READING
        return self.legacy and lowered not in LEGACY_TAKEN_AWAY

    def query_string(self, query: str) -> str:
        """Return what of a query string goes along, unchanged and in order."""
        if any(s.mode == "all" for s in self.query):
            return query
        parts = (part for part in query.split("&") if part)
        return "&".join(p for p in parts if any(s.takes(p.partition("=")[0]) for s in self.query))

    def accept_encoding(self, value: str) -> str:
        """Return the normalized Accept-Encoding that goes along; empty: none.

        https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/ServingCompressedFiles.html
        """
        taken = {part.partition(";")[0].strip().lower() for part in value.split(",")}
        return ",".join(encoding for encoding in self.encodings if encoding in taken)

    def cookie_header(self, value: str) -> str:
        """Return what of a Cookie field's value goes along."""
        if any(s.mode == "all" for s in self.cookies):
            return value
        parts = (part.strip() for part in value.split(";"))
        return "; ".join(p for p in parts if p and any(s.takes(p.partition("=")[0].strip()) for s in self.cookies))


def forwarded(behavior: Behavior, policies: Policies) -> Forwarded:
    """Return what the policies of a behavior, or its legacy settings, send on to the origin.

    What either policy includes goes along; ForwardedValues counts only without a cache policy.
    """
    ids = [behavior.cache_policy_id, behavior.origin_request_policy_id]
    known = {**policies.cache, **policies.origin_request}
    found = [known[i] for i in ids if i in known]
    selections = [_selections(i, policies) for i in ids if i in known]
    legacy = not behavior.cache_policy_id
    query, cookies = [q for q, _ in selections], [c for _, c in selections]
    if legacy:
        found += _listed(behavior)
        query += [EVERYTHING] if behavior.forwards_query else []
        cookies.append(
            EVERYTHING
            if "*" in behavior.forwarded_cookies
            else Selection("whitelist", frozenset(behavior.forwarded_cookies))
        )
    encodings = ("gzip",) if legacy else _encodings(behavior.cache_policy_id, policies)
    unknown = tuple(i for i in ids if i and i not in known)
    return Forwarded(tuple(found), tuple(query), tuple(cookies), encodings, legacy, unknown)


def query_in_cache_key(behavior: Behavior, policies: Policies) -> Selection | None:
    """Return which parts of the query string are in the cache key; None where the cache policy is not known here.

    With legacy settings what is forwarded is in the key; that QueryStringCacheKeys may list less is not looked at.
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/understanding-the-cache-key.html
    """
    if not behavior.cache_policy_id:
        return EVERYTHING if behavior.forwards_query else NOTHING
    return _selections(behavior.cache_policy_id, policies)[0] if behavior.cache_policy_id in policies.cache else None


def _listed(behavior: Behavior) -> Iterator[HeaderPolicy]:
    """Yield the legacy list of headers as a policy."""
    names = frozenset(h.lower() for h in behavior.forwarded_headers or ())
    if names:
        yield HeaderPolicy("", "ForwardedValues", "allViewer" if "*" in names else "whitelist", names)


def _selections(policy_id: str, policies: Policies) -> tuple[Selection, Selection]:
    """Return what a policy takes of query strings and cookies; what is malformed takes nothing."""
    reader = Reader()
    config = _given(policy_id, policies, reader)
    if config is None:
        return _MANAGED.get(policy_id, (NOTHING, NOTHING))
    return (
        _selection(reader, config, "QueryStringsConfig", "QueryStringBehavior", "QueryStrings"),
        _selection(reader, config, "CookiesConfig", "CookieBehavior", "Cookies"),
    )


def _given(policy_id: str, policies: Policies, reader: Reader) -> Mapping[str, Any] | None:
    """Return what a policy document that a person gave says; None where none was given for this policy."""
    for document in policies.given:
        for kind in ("OriginRequestPolicy", "CachePolicy"):
            node = document.get(kind)
            if isinstance(node, Mapping) and node.get("Id") == policy_id:
                config = reader.mapping(node, f"{kind}Config", "")
                if kind == "CachePolicy":
                    config = reader.mapping(config, "ParametersInCacheKeyAndForwardedToOrigin", "")
                return config
    return None


def _encodings(policy_id: str, policies: Policies) -> tuple[str, ...]:
    reader = Reader()
    config = _given(policy_id, policies, reader)
    if config is None:
        return _COMPRESSED.get(policy_id, ())
    asked = (("br", "EnableAcceptEncodingBrotli"), ("gzip", "EnableAcceptEncodingGzip"))
    return tuple(encoding for encoding, key in asked if reader.flag(config, key, "", default=False))


_MODES: Mapping[str, Mode] = {"all": "all", "whitelist": "whitelist", "allExcept": "allExcept"}


def _selection(reader: Reader, config: Mapping[str, Any], key: str, behavior: str, names: str) -> Selection:
    node = reader.mapping(config, key, "")
    mode = _MODES.get(reader.text(node, behavior, key), "none")
    return Selection(mode, frozenset(reader.texts(node, names, key)))
