"""What each x-edge-detailed-result-type and x-edge-result-type means, whose fault it is, and what to do next.

Documented values and their meaning: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html
Which cause a value points to is inferred from that meaning, except for DNS and functions. A value that is not in the
table is kept and shown as it is: CloudFront has always written some that its guide does not name.
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum

import msgspec

from cfrunbook.cloudfront.log_fields import REAL_TIME_PAGE, STANDARD_PAGE
from cfrunbook.findings import Cause

_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
DNS_PAGE = _GUIDE + "http-502-bad-gateway.html#http-502-dns-error"
LAMBDA_PAGE = _GUIDE + "http-502-bad-gateway.html#http-502-lambda-validation-error"
FUNCTION_PAGE = _GUIDE + "http-502-bad-gateway.html#http-502-cloudfront-function-validation-error"
TIMEOUT_PAGE = _GUIDE + "http-504-gateway-timeout.html"
UNAVAILABLE_PAGE = _GUIDE + "http-503-service-unavailable.html"
ERROR_PAGES = _GUIDE + "creating-custom-error-pages.html"
DETAILED_LOGS = dt.date(2019, 12, 12)
"""Since then standard logs have x-edge-detailed-result-type:
https://aws.amazon.com/about-aws/whats-new/2019/12/cloudfront-detailed-logs/"""


class Side(StrEnum):
    """Where the error arose."""

    NONE = "none"
    """No error: the request was served."""
    ORIGIN = "origin"
    EDGE_FUNCTION = "edge_function"
    EDGE = "edge"
    """CloudFront itself: capacity, limits."""
    VIEWER = "viewer"
    """The viewer, or a rule that turned the viewer away. Never the cause of a 502."""
    UNKNOWN = "unknown"
    """The value does not tell."""


class ResultType(msgspec.Struct, frozen=True):
    """One value, and what to make of it."""

    name: str
    meaning: str
    side: Side
    statuses: tuple[int, ...] = ()
    """The status that CloudFront answers with, the usual one first; empty: any, or none."""
    causes: tuple[Cause, ...] = ()
    """What it points to, the most likely first."""
    next_step: str = ""
    source: str = STANDARD_PAGE
    documented: bool = True
    """Whether the guide's table of log fields names it. Others were seen in real logs or in X-Cache."""
    since: dt.date | None = None
    until: dt.date | None = None

    @property
    def is_cause_of_502(self) -> bool:
        """Whether this is how CloudFront logs a 502 of its own first of all."""
        return self.statuses[:1] == (502,) and self.side is not Side.UNKNOWN


_CONNECT = (Cause.PORT, Cause.TLS_NAME, Cause.TLS_PROTOCOL, Cause.CERTIFICATE)
_DIAGNOSE = "cfrunbook diagnose --origin NAME --host VIEWER-HOST"


def _served(name: str, meaning: str, *, documented: bool = True) -> ResultType:
    return ResultType(name, meaning, Side.NONE, documented=documented)


def _origin(
    name: str, meaning: str, next_step: str, *causes: Cause, statuses: tuple[int, ...] = (502,), source: str = ""
) -> ResultType:
    return ResultType(
        name, meaning, Side.ORIGIN, statuses, causes, next_step, source or STANDARD_PAGE, since=DETAILED_LOGS
    )


def _viewer(name: str, meaning: str, *statuses: int) -> ResultType:
    next_step = "Nothing to do at the origin: this is no cause of a 502."
    return ResultType(name, meaning, Side.VIEWER, statuses, (), next_step, since=DETAILED_LOGS)


def _other(
    name: str,
    meaning: str,
    side: Side,
    status: int,
    next_step: str,
    *causes: Cause,
    source: str = STANDARD_PAGE,
    documented: bool = False,
) -> ResultType:
    return ResultType(name, meaning, side, (status,), causes, next_step, source, documented)


RESULT_TYPES: tuple[ResultType, ...] = (
    _origin(
        "OriginDnsError",
        "CloudFront could not resolve the origin's name. The guide's prose calls it NonS3OriginDnsError.",
        f"Walk the delegation and ask every name server for the origin's name: {_DIAGNOSE}, runbook 05_dns.",
        Cause.DNS,
        source=DNS_PAGE,
    ),
    _origin(
        "OriginConnectError",
        "CloudFront could not connect to the origin: the port refuses, or the TLS handshake fails (name, certificate,"
        " protocol or cipher suite). A firewall that drops gives 504 instead.",
        f"See which it is with the exact port and TLS hello: {_DIAGNOSE}, runbooks 04_port, 01_tls_name,"
        " 02_tls_protocol, 03_certificate.",
        *_CONNECT,
        statuses=(502, 504),
    ),
    _origin(
        "OriginCommError",
        "The request to the origin timed out while connecting to it or reading from it.",
        "That is a 504, not a 502: look for a firewall that drops, and for answers slower than OriginReadTimeout. With"
        " 502, look for an answer that breaks off.",
        Cause.PORT,
        Cause.ORIGIN_RESPONSE,
        statuses=(504, 502),
        source=TIMEOUT_PAGE,
    ),
    _origin(
        "OriginInvalidResponseError",
        "The origin's answer is not valid HTTP: a malformed header, TLS spoken on the HTTP port or HTTP on the TLS"
        " port, HTTP/2 only.",
        f"Look at the raw bytes of an answer: {_DIAGNOSE}, runbook 07_origin_response; then OriginProtocolPolicy"
        " against the port.",
        Cause.ORIGIN_RESPONSE,
        Cause.PORT,
    ),
    _origin(
        "OriginHeaderTooBigError",
        "A header of the origin's answer is too big for CloudFront.",
        "Measure the answer's header, cookies first (runbook 07_origin_response), and make the application send less.",
        Cause.ORIGIN_RESPONSE,
    ),
    _origin(
        "OriginReadError",
        "CloudFront could not read the answer: the origin closed the connection, often one that was idle before.",
        "Compare OriginKeepaliveTimeout with the origin's own keep-alive (the origin's must be longer); then crashes"
        " and restarts in the application's log. Runbooks 04_port (--keep-alive) and 07_origin_response.",
        Cause.ORIGIN_RESPONSE,
        Cause.PORT,
    ),
    _origin(
        "OriginWriteError",
        "CloudFront could not send the request: the origin closed the connection meanwhile, for example because the"
        " body is too large for it, or because the connection had been idle for too long.",
        "See which methods it hits. With bodies only: the origin's limit for them. Else compare keep-alive times.",
        Cause.ORIGIN_RESPONSE,
        Cause.PORT,
    ),
    _origin(
        "OriginContentRangeLengthError",
        "Content-Length of the origin's answer does not agree with its Content-Range.",
        "Ask the origin itself for a range of the file (curl -r 0-99 -D -) and repair what answers ranges there.",
        Cause.ORIGIN_RESPONSE,
    ),
    _origin(
        "OriginZeroSizeObjectError",
        "An empty object at the origin led to an error.",
        "Look at the object: an upload that broke off, or an answer without Content-Length that ends at once.",
        Cause.ORIGIN_RESPONSE,
    ),
    _origin(
        "OriginError",
        "The origin's answer is not right. Often the origin, or a gateway before it, answered with an error itself.",
        "Ask the origin past CloudFront (runbook 07_origin_response): Server and body tell a load balancer's or API"
        " Gateway's own 502 from the application's.",
        Cause.ORIGIN_RESPONSE,
        statuses=(502, 500, 503, 504),
    ),
    _origin(
        "AbortedOrigin",
        "There was an issue with the origin; the value says no more than that.",
        f"Look at the whole path: {_DIAGNOSE}; and at the other result types of the same minutes.",
        *_CONNECT,
        Cause.ORIGIN_RESPONSE,
        statuses=(502, 503, 504),
    ),
    _origin(
        "SlowReaderOriginError",
        "An error of the origin, whose message the viewer then read slowly.",
        "Look at the other result types of the same path and minute: they name the origin's error.",
        Cause.ORIGIN_RESPONSE,
        statuses=(502, 500, 503, 504),
    ),
    ResultType(
        "Error",
        "An error that no other value describes; above all an error served from the cache, a repeat of an earlier one.",
        Side.UNKNOWN,
        (502, 500, 503, 504, 404, 403),
        (),
        "Look for the first cause in an earlier line of the same path: CloudFront repeats an error for at least 10"
        " seconds. Then see who made it: runbook 00_start_here.",
    ),
    _other(
        "LambdaValidationError",
        "A Lambda@Edge function returned something that CloudFront cannot use.",
        Side.EDGE_FUNCTION,
        502,
        "Read the validation message in the log group /aws/cloudfront/LambdaEdge/DISTRIBUTION-ID, in the region near"
        " the viewers.",
        Cause.EDGE_FUNCTION,
        source=LAMBDA_PAGE,
    ),
    _other(
        "FunctionValidationError",
        "A CloudFront Function returned something that CloudFront cannot use. Its test in the console passes.",
        Side.EDGE_FUNCTION,
        502,
        "Compare what the function returns with the rules for headers: read-only ones must stay as they came.",
        Cause.EDGE_FUNCTION,
        source=FUNCTION_PAGE,
    ),
    _other(
        "LambdaExecutionError",
        "A Lambda@Edge function failed: an exception, a timeout, a missing permission.",
        Side.EDGE_FUNCTION,
        503,
        "That is a 503, not a 502: read the function's own log in the region near the viewers.",
        source=UNAVAILABLE_PAGE,
        documented=True,
    ),
    _other(
        "LambdaLimitExceeded",
        "Lambda@Edge was throttled.",
        Side.EDGE_FUNCTION,
        503,
        "That is a 503, not a 502: compare concurrent executions with the account's quota in that region.",
        source=UNAVAILABLE_PAGE,
    ),
    _other(
        "FunctionExecutionError",
        "A CloudFront Function failed: an exception, or its limits of time and memory.",
        Side.EDGE_FUNCTION,
        503,
        "That is a 503, not a 502: test the function with the failing request, and look at ComputeUtilization.",
        source=UNAVAILABLE_PAGE,
    ),
    _other(
        "FunctionThrottledError",
        "A CloudFront Function was throttled.",
        Side.EDGE_FUNCTION,
        503,
        "That is a 503, not a 502: make the function do less; ComputeUtilization above 70 is throttled.",
        source=UNAVAILABLE_PAGE,
    ),
    _other(
        "CapacityExceeded",
        "The edge location had no capacity for the request at that moment.",
        Side.EDGE,
        503,
        "That is a 503, not a 502: it passes by itself; where it does not, ask AWS Support with the request ids.",
        source=ERROR_PAGES,
        documented=True,
    ),
    _other(
        "LimitExceeded",
        "The request was denied because a CloudFront quota was exceeded.",
        Side.EDGE,
        503,
        "That is a 503, not a 502: compare requests and bytes per second with the distribution's quotas.",
        source=ERROR_PAGES,
        documented=True,
    ),
    _viewer("ClientCommError", "The connection with the viewer broke off.", 0, 200),
    _viewer("ClientGeoBlocked", "The viewer's country is not allowed.", 403),
    _viewer("ClientHungUpRequest", "The viewer went away while it sent the request.", 0),
    _viewer("InvalidRequest", "The viewer's request is not valid.", 400),
    _viewer("InvalidRequestBlocked", "The request was blocked, for example by AWS WAF.", 403),
    _viewer("InvalidRequestCertificate", "The request does not fit the certificate it came with.", 421, 403),
    _viewer("InvalidRequestHeader", "A header of the viewer's request is not valid.", 400),
    _viewer("InvalidRequestMethod", "The cache behavior does not allow the request's method.", 403),
    _served("Hit", "Served from the cache."),
    _served("RefreshHit", "Served from the cache after the origin confirmed it."),
    _served("OriginShieldHit", "Served from the cache of Origin Shield."),
    _served("Miss", "Served from the origin; WebSocket and gRPC are always this."),
    _served("MissGeneratedResponse", "Answered by a Lambda@Edge function in an origin request."),
    _served("Redirect", "Redirected from HTTP to HTTPS."),
    _served("LambdaGeneratedResponse", "Answered by a Lambda@Edge function.", documented=False),
    _served("FunctionGeneratedResponse", "Answered by a CloudFront Function.", documented=False),
)

_BY_NAME = {r.name: r for r in RESULT_TYPES}
_UNKNOWN_STEP = f"The value is not known to this version; see the current list at {STANDARD_PAGE} and {REAL_TIME_PAGE}."


def result_type(name: str) -> ResultType:
    """Return what is known of a value; one that is not known comes back under its own name, and says so."""
    known = _BY_NAME.get(name)
    return known or ResultType(
        name, "A value that CloudFront's guide does not name.", Side.UNKNOWN, (), (), _UNKNOWN_STEP, documented=False
    )


def is_known(name: str) -> bool:
    """Return whether the value is in the table."""
    return name in _BY_NAME


def is_repeat(name: str) -> bool:
    """Return whether the value says that this is, or may be, a cached repeat: its first cause is in another line."""
    return name == "Error"


def is_error(name: str) -> bool:
    """Return whether the value says that something went wrong, here or at the viewer."""
    known = _BY_NAME.get(name)
    return known is None or known.side is not Side.NONE
