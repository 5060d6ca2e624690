"""Header fields that edge functions may not touch: facts, in lower case.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html
"""

from __future__ import annotations

from collections.abc import Mapping

DISALLOWED = frozenset({
    "connection", "expect", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "trailer",
    "upgrade", "x-accel-buffering", "x-accel-charset", "x-accel-limit-rate", "x-accel-redirect", "x-amzn-auth",
    "x-amzn-cf-billing", "x-amzn-cf-id", "x-amzn-cf-xff", "x-amzn-errortype", "x-amzn-fle-profile",
    "x-amzn-header-count", "x-amzn-header-order", "x-amzn-lambda-integration-tag", "x-amzn-requestid", "x-cache",
    "x-forwarded-proto", "x-real-ip",
})  # fmt: skip
"""Never shown to a function and never accepted from one, of either kind, in any event."""
DISALLOWED_PREFIXES = ("x-amz-cf-", "x-edge-")

READ_ONLY_LAMBDA_EDGE: Mapping[str, frozenset[str]] = {
    "viewer-request": frozenset({"cdn-loop", "content-length", "host", "transfer-encoding", "via"}),
    "origin-request": frozenset({
        "accept-encoding", "cdn-loop", "content-length", "if-modified-since", "if-none-match", "if-range",
        "if-unmodified-since", "transfer-encoding", "via",
    }),
    "origin-response": frozenset({"transfer-encoding", "via"}),
    "viewer-response": frozenset({"content-encoding", "content-length", "transfer-encoding", "via", "warning"}),
}  # fmt: skip
"""May be read and passed on as they came; adding, changing or deleting one is refused."""
READ_ONLY_CLOUDFRONT_FUNCTION: Mapping[str, frozenset[str]] = {
    "viewer-request": frozenset({"cdn-loop", "content-length", "host", "transfer-encoding", "via"}),
    "viewer-response": frozenset({"via", "warning"}),
}

ORIGIN_CUSTOM_DENIED = frozenset({
    "cache-control", "connection", "content-length", "cookie", "host", "if-match", "if-modified-since", "if-none-match",
    "if-range", "if-unmodified-since", "max-forwards", "pragma", "proxy-authenticate", "proxy-authorization",
    "proxy-connection", "range", "request-range", "te", "trailer", "transfer-encoding", "upgrade", "via", "x-real-ip",
})  # fmt: skip
"""Cannot be custom headers of an origin, in a distribution or in a function's origin object.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/add-origin-custom-headers.html
"""
ORIGIN_CUSTOM_DENIED_PREFIXES = ("x-amz-", "x-edge-")


def is_disallowed(name: str) -> bool:
    """Tell whether no edge function may set the header field `name` (any case)."""
    lower = name.lower()
    return lower in DISALLOWED or lower.startswith(DISALLOWED_PREFIXES)


def is_denied_as_custom(name: str) -> bool:
    """Tell whether the header field `name` (any case) cannot be a custom header of an origin."""
    lower = name.lower()
    return lower in ORIGIN_CUSTOM_DENIED or lower.startswith(ORIGIN_CUSTOM_DENIED_PREFIXES)
