"""What of a function's result may be shown: a value that may let someone in is described, never repeated.

What is known to be harmless is kept; everything else is named by its kind and size. `cfrunbook.functions.masking`
uses the same list for what is recorded.
"""

from __future__ import annotations

from cfrunbook.cloudfront.edge_headers import READ_ONLY_CLOUDFRONT_FUNCTION, READ_ONLY_LAMBDA_EDGE
from cfrunbook.redaction import redact_url
from cfrunbook.text import visible

MAX_SHOWN = 120
"""Characters of a value that are shown."""

HARMLESS = frozenset({
    "accept", "accept-ch", "accept-encoding", "accept-language", "accept-ranges", "access-control-allow-credentials",
    "access-control-allow-headers", "access-control-allow-methods", "access-control-allow-origin",
    "access-control-expose-headers", "access-control-max-age", "access-control-request-headers",
    "access-control-request-method", "age", "allow", "alt-svc", "cache-control", "cdn-loop",
    "cloudfront-forwarded-proto", "cloudfront-is-desktop-viewer", "cloudfront-is-mobile-viewer",
    "cloudfront-is-smarttv-viewer", "cloudfront-is-tablet-viewer", "cloudfront-viewer-country", "connection",
    "content-encoding", "content-language", "content-length", "content-security-policy", "content-type",
    "cross-origin-embedder-policy", "cross-origin-opener-policy", "cross-origin-resource-policy", "date", "expect",
    "expires", "feature-policy", "host", "if-modified-since", "if-unmodified-since", "keep-alive", "last-modified",
    "origin", "permissions-policy", "pragma", "range", "referrer-policy", "retry-after", "server",
    "strict-transport-security", "te", "trailer", "transfer-encoding", "upgrade", "upgrade-insecure-requests",
    "user-agent", "vary", "via", "warning", "x-cache", "x-content-type-options", "x-dns-prefetch-control",
    "x-forwarded-proto", "x-frame-options", "x-permitted-cross-domain-policies", "x-powered-by", "x-xss-protection",
}).union(*READ_ONLY_LAMBDA_EDGE.values(), *READ_ONLY_CLOUDFRONT_FUNCTION.values())  # fmt: skip
"""Header fields whose values are shown and recorded as they are: none lets anyone in. In lower case.

The read-only ones must be among them: whether one was changed is seen by its value.
"""
URLS = frozenset({"content-location", "location", "referer"})
"""Header fields that hold a URL: user information and query values are taken out."""


def show_header(name: str, value: object) -> str:
    """Return the value of the header field `name` as it may be shown: itself, cut, or what kind of thing it is."""
    lower = name.lower()
    if isinstance(value, str) and lower in HARMLESS:
        return visible(value, MAX_SHOWN)
    if isinstance(value, str) and lower in URLS:
        return visible(redact_url(value), MAX_SHOWN)
    return describe(value)


def show_uri(uri: str) -> str:
    """Return a path (or what was given for one) without user information and query values."""
    return visible(redact_url(uri), MAX_SHOWN)


def show_query(query: str) -> str:
    """Return a query string without its values."""
    redacted = redact_url("?" + query.removeprefix("?"))
    return visible(redacted.removeprefix("?"), MAX_SHOWN)


def describe(value: object) -> str:
    """Return what kind of JSON value this is and how large, without any of it."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case "":
            return "an empty string"
        case str():
            return f"a string of {len(value):,} character{'s' if len(value) != 1 else ''}"
        case list():
            return f"an array of {len(value):,}" if value else "an empty array"
        case dict():
            return "an object" if value else "an empty object"
    return "something else"
