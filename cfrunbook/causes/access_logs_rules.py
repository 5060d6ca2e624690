"""The result codes of access logs: what CloudFront logged of failing requests, and how far the logs can be trusted.

What a detailed result type names outright is a fault of that cause (its code begins with it); what does not decide, and
what is about the logs themselves, is of `cloudfront`. `{many}` says how many requests of how many, and when.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from cfrunbook.causes import told_rules
from cfrunbook.cloudfront.log_fields import STANDARD_PAGE
from cfrunbook.cloudfront.result_types import (
    DNS_PAGE,
    ERROR_PAGES,
    FUNCTION_PAGE,
    LAMBDA_PAGE,
    TIMEOUT_PAGE,
    UNAVAILABLE_PAGE,
)
from cfrunbook.findings import Remedy, Rule, Stage, Status, Step
from cfrunbook.logs.patterns import PatternKind

_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
AWS_PAGE = STANDARD_PAGE
_PAGE_502 = _GUIDE + "http-502-bad-gateway.html"
_CACHING_PAGE = _GUIDE + "custom-error-pages-expiration.html"
_TIMING = STANDARD_PAGE + "#access-logs-timing"

_COUNT = "cfrunbook logs {files} --status {logged_status!q} --since {since!q} --until {until!q}"
_VERIFY = Step(
    text="Count in newer logs after the fix: no {name} any more. CloudFront delivers logs within an hour or so, at the"
    " latest after 24, and serves an error from its cache for 10 seconds or more.",
    command="cfrunbook logs {files} --status {logged_status!q} --since {until!q}",
)
_EXAMINE = Step(
    text="Examine the origin as CloudFront sees it, together with these logs.",
    command="cfrunbook diagnose --distribution distribution.json --url {url!q} --logs {files}",
)
_SUPPORT = Step(text="Where AWS is to look at it: {examples}")

_rule = partial(told_rules.rule, source=STANDARD_PAGE, reproduce=_COUNT, proof=_VERIFY)

_SEEN = "{type_meaning} {took}{masked}{when_most}"


def _named(code: str, stage: Stage, title: str, *steps: Step, status: int = 502, source: str = STANDARD_PAGE) -> Rule:
    """Return a rule about a type that names its cause."""
    return _rule(
        code,
        stage,
        Status.FAULT,
        f"{{many}} were answered {{answered}} and logged as {{name}}: {title}.",
        _SEEN,
        source=source,
        cloudfront_status=status,
        remedy=Remedy(steps=(*steps, _SUPPORT)),
    )


# --- what CloudFront itself names as the cause ---------------------------------------------------------------------

CANNOT_RESOLVE = _named(
    "dns.logged_cannot_resolve",
    Stage.DNS,
    "CloudFront could not resolve the name of its origin",
    Step(
        text="Ask every authoritative name server of the origin's name, from the root down; one of several may fail.",
        command="cfrunbook diagnose --distribution distribution.json --url {url!q} --logs {files}",
    ),
    source=DNS_PAGE,
)
_FUNCTION_LOG = Step(text="Read what the function logged at the edge around {since}: {function_log}")
REFUSED = _named(
    "edge_function.logged_refused",
    Stage.EDGE_FUNCTION,
    "CloudFront could not use what the edge function returned",
    Step(
        text="Judge what the function returns for a failing request against CloudFront's rules (add --event event.json"
        " and --event-type where you have them).",
        command="cfrunbook function --kind {kind!q} --result result.json",
    ),
    _FUNCTION_LOG,
    source=LAMBDA_PAGE,
)
FAILED = _named(
    "edge_function.logged_failed",
    Stage.EDGE_FUNCTION,
    "the edge function failed while it ran",
    _FUNCTION_LOG,
    Step(
        text="Run the handler here on the failing request, to see what it throws.",
        command="cfrunbook function --kind {kind!q} --handler index.js --event event.json --run-handler",
    ),
    status=503,
    source=UNAVAILABLE_PAGE,
)
THROTTLED = _named(
    "edge_function.logged_throttled",
    Stage.EDGE_FUNCTION,
    "the edge function met a limit and was not run",
    Step(
        text="Lambda@Edge: compare concurrent executions with the quota in the regions of the edge. CloudFront"
        " Functions: look at ComputeUtilization, and make the function do less."
    ),
    status=503,
    source=UNAVAILABLE_PAGE,
)
INVALID = _named(
    "origin_response.logged_invalid",
    Stage.HTTP,
    "the origin's answer is not valid HTTP",
    _EXAMINE,
    Step(
        text="Compare OriginProtocolPolicy with what the port speaks: TLS on the HTTP port, or HTTP on the HTTPS port,"
        " looks like this; else look at the raw bytes of the answer, header fields first."
    ),
)
HEADER_TOO_BIG = _named(
    "origin_response.logged_header_too_big",
    Stage.HTTP,
    "a header of the origin's answer is too big for CloudFront",
    Step(
        text="Measure the header of the origin's answer, cookies first, and make the application send less.",
        command="cfrunbook diagnose --distribution distribution.json --url {url!q} --logs {files}",
    ),
)
CLOSED_READING = _named(
    "origin_response.logged_read_failed",
    Stage.HTTP,
    "the origin closed the connection, or let it break, before CloudFront had the answer",
    Step(
        text="Measure how long the origin keeps an idle connection, against OriginKeepaliveTimeout: the origin's own"
        " must be longer.",
        command="cfrunbook diagnose --distribution distribution.json --url {url!q} --keep-alive --logs {files}",
    ),
    Step(text="Look for crashes, restarts and deployments in the application's own log from {since} on."),
)
CLOSED_WRITING = _named(
    "origin_response.logged_write_failed",
    Stage.HTTP,
    "the origin closed the connection while CloudFront sent the request",
    Step(
        text="See which methods it hits. Only those with a body: raise the origin's limit for bodies. All: compare"
        " keep-alive times, the origin's own must be longer than OriginKeepaliveTimeout.",
        command="cfrunbook diagnose --distribution distribution.json --url {url!q} --keep-alive --logs {files}",
    ),
)
RANGE = _named(
    "origin_response.logged_range",
    Stage.HTTP,
    "Content-Length of the origin's answer does not agree with its Content-Range",
    Step(
        text="Ask the origin itself for a range, compare the two fields, and repair what answers ranges there.",
        command="curl -sS -o /dev/null -D - -r 0-99 https://ORIGIN{path}",
    ),
)
EMPTY_OBJECT = _named(
    "origin_response.logged_empty_object",
    Stage.HTTP,
    "an empty object at the origin led to an error",
    Step(text="Look at the object {path} at the origin: an upload that broke off, or an answer that ends at once."),
)
ORIGIN_ERROR = _named(
    "origin_response.logged_origin_error",
    Stage.HTTP,
    "CloudFront reached the origin, and what the origin answered is the error",
    Step(
        text="Ask the origin past CloudFront: Server and body tell a load balancer's or API Gateway's own error from"
        " the application's.",
        command="cfrunbook diagnose --distribution distribution.json --url {url!q} --logs {files}",
    ),
    Step(text="Read the log of whoever made it, from {since} on."),
    source=_PAGE_502 + "#cloudfront-alb-502-error",
)
LIMIT = _named(
    "cloudfront.logged_limit",
    Stage.HTTP,
    "CloudFront met a limit of its own",
    Step(text="In a load test: spread it over time, places and addresses. Else compare requests and bytes per second"
         " with the distribution's quotas."),
    status=503,
    source=ERROR_PAGES,
)  # fmt: skip


# --- what it says without naming the cause -------------------------------------------------------------------------


def _open(code: str, title: str, meaning: str, next_check: str, **more: Any) -> Rule:
    fields: dict[str, Any] = {"cloudfront_status": 502, "remedy": Remedy(kind="one_of", steps=(_EXAMINE, _SUPPORT))}
    return _rule(
        f"cloudfront.{code}", Stage.HTTP, Status.UNKNOWN, title, meaning, next_check=next_check, **fields | more
    )


_NEXT_EXAMINE = (
    "Examine the origin as CloudFront sees it: cfrunbook diagnose --distribution distribution.json --url {url!q} --logs"
    " {files}"
)
COULD_NOT_CONNECT = _open(
    "logged_could_not_connect",
    "{many} were answered {answered} and logged as {name}: CloudFront could not connect to the origin, and the log does"
    " not say whether the port or the TLS handshake is the reason.",
    _SEEN + " A port that refuses and a handshake that fails (name, certificate, protocol, cipher suite) are both"
    " logged like this. Name resolution has a type of its own, so it is not that.",
    _NEXT_EXAMINE,
)
TIMED_OUT = _open(
    "logged_timeout",
    "{many} were answered {answered} and logged as {name}: the origin did not accept the connection, or did not answer,"
    " in time.",
    _SEEN + " 504 is not 502: packets to the origin are dropped (security group, network ACL, firewall), or the"
    " application takes longer than the origin's response timeout (30 s by default).",
    "Tell the two apart by time-taken, and look at the port: cfrunbook diagnose --distribution distribution.json --url"
    " {url!q} --logs {files}; cfrunbook firewall --port 443 rules.json",
    cloudfront_status=504,
    source=TIMEOUT_PAGE,
)
BROKE_OFF = _open(
    "logged_communication_failed",
    "{many} were answered {answered} and logged as {name}: CloudFront and the origin did not get to the end of an"
    " exchange.",
    _SEEN + " With 502, look for an answer that breaks off; a timeout is 504.",
    _NEXT_EXAMINE,
)
UNSPECIFIC = _open(
    "logged_unspecific",
    "{many} were answered {answered} and logged as {name}, which says that the origin is concerned and no more.",
    _SEEN,
    _NEXT_EXAMINE,
)
VALUE_NOT_KNOWN = _open(
    "logged_value_not_known",
    "{many} were answered {answered} and logged as {name}, which is not known here.",
    "CloudFront has always written some values that its guide does not name; the name may say what it is about."
    " {when_most}",
    "See the guide's current list of x-edge-detailed-result-type (" + STANDARD_PAGE + "); and examine the origin:"
    " cfrunbook diagnose --distribution distribution.json --url {url!q}",
)
WITHOUT_TYPE = _open(
    "logged_without_type",
    "{many} were answered {answered}, and these logs have no detailed result type that would say why.",
    "Standard logs have x-edge-detailed-result-type since 2019-12-12; in logs of version 2 and real-time logs it is"
    " there only if it was selected. {name_words}{took}{when_most}",
    "Select x-edge-detailed-result-type in the log configuration; until then examine the origin: cfrunbook diagnose"
    " --distribution distribution.json --url {url!q} --logs {files}",
)
ONLY_REPEATS = _open(
    "logged_only_repeats",
    "{many} were answered {answered}, and all of them are logged as Error alone: repeats of an error in CloudFront's"
    " cache, whose first cause is not in these logs.",
    "Error is the type of what is served from the cache, and of what no other type describes; CloudFront repeats an"
    " error for 10 seconds at least, and as long as the error caching minimum TTL says. {took}{when_most}",
    "Read logs that begin earlier, and see the first line of the same path: cfrunbook logs EARLIER_LOGS --until"
    " {since!q}; with real-time logs of one sampled part, the first cause may have been left out.",
    source=_CACHING_PAGE,
)

# --- about the logs, and what the errors have in common ------------------------------------------------------------


def _about(code: str, status: Status, title: str, meaning: str, **more: Any) -> Rule:
    return _rule(f"cloudfront.{code}", Stage.HTTP, status, title, meaning, **more)


WITHOUT_ERROR = _about(
    "logs_without_error",
    Status.OK,
    "None of the {requests:,} requests in the access logs, {when}, was answered {logged_status}.",
    "Logs hold what CloudFront answered to viewers. They may come up to 24 hours late and need not be complete;"
    " requests with more than 20 KB of header are not logged.",
    source=_TIMING,
    reproduce="cfrunbook logs {files} --status {logged_status!q}",
)
WITHOUT_REQUEST = _about(
    "logs_without_request",
    Status.INFO,
    "The access logs hold no request ({read}), so they tell nothing.",
    "A distribution without traffic writes no lines, and logs come an hour late or more.",
    source=_TIMING,
    reproduce="cfrunbook logs {files} --status {logged_status!q}",
    next_check="Give the logs of the hours in which it fails; files of the newest hours may still be to come.",
)
NOT_WHOLE = _about(
    "logs_not_whole",
    Status.WARNING,
    "Not all of the access logs could be used: {lacking}.",
    "What was read is counted; what was not may hold more errors, or the first of them. {problems}",
    reproduce="cfrunbook logs {files} --status {logged_status!q}",
    next_check="Copy the files anew, or name only those that are CloudFront's access logs.",
)
OF_OTHER_HOSTS = _about(
    "logs_of_other_hosts",
    Status.WARNING,
    "The access logs are of {hosts}, and this incident is about {expected}: what they say is not counted for it.",
    "None of their {requests:,} requests came for a name of this incident. They may be the logs of another"
    " distribution, or the URL or distribution that was given is another one.",
    reproduce="cfrunbook logs {files} --status {logged_status!q}",
    next_check="Give the logs of this distribution: standard logs have its id at the beginning of each file name.",
)
END_EARLIER = _about(
    "logs_end_earlier",
    Status.INFO,
    "The access logs end {last}, {how_long} before {moment}.",
    "What they say is of then; the failing request itself need not be in them. CloudFront delivers logs up to 24 hours"
    " late.",
    source=_TIMING,
    reproduce="cfrunbook logs {files} --status {logged_status!q}",
    next_check="Give newer logs too.",
)
GO_ON_LATER = _about(
    "logs_go_on_later",
    Status.INFO,
    "The access logs go on until {last}, {how_long} after {moment}, and all of them are counted.",
    "The moment to judge at (--at, or when the recording was made) does not cut the logs.",
    reproduce="cfrunbook logs {files} --status {logged_status!q} --until {until!q}",
    next_check="Count only what was before: cfrunbook logs {files} --until {until!q}",
)
REPEATS = _about(
    "logged_repeats",
    Status.INFO,
    "{repeats:,} of the {errors:,} requests answered {logged_status} are logged as Error alone: {explained_words}.",
    "That is the type of errors served from CloudFront's cache, and of what no other type describes. They do not count"
    " as causes of their own.",
    source=_CACHING_PAGE,
)
MASKED = _about(
    "logged_masked",
    Status.INFO,
    "{masked_count:,} requests failed like a 502 and were answered with a status below 400: a custom error response"
    " replaced theirs.",
    "sc-status shows what viewers got; only x-edge-result-type and the detailed type show the error. Monitoring of"
    " statuses does not see it.",
    source=ERROR_PAGES,
)
BESIDE = _about(
    "logged_beside",
    Status.INFO,
    "The access logs also have {others}.",
    "Neighbours of 502 with causes of their own: 504 is a timeout towards the origin, 503 a failed or throttled edge"
    " function, a limit, or an origin that is overloaded. {types}",
    reproduce="cfrunbook logs {files} --status {other_status!q}",
    source=UNAVAILABLE_PAGE,
)
FOR_SUPPORT = _about(
    "logged_requests",
    Status.INFO,
    "For AWS Support and for other logs, from the access logs: {example}.",
    "x-edge-request-id is what X-Amz-Cf-Id said to the viewer, and requestId in an event of Lambda@Edge. The first of"
    " {name}: {examples}",
    reproduce="zgrep -h {request_id!q} {log_files}",
)


def _pattern(kind: PatternKind) -> Rule:
    return _about(
        f"logged_{kind.value}",
        Status.INFO,
        "In the access logs, {pattern}",
        "What to look at because of that: {suggests}",
    )


PATTERNS: Mapping[PatternKind, Rule] = {kind: _pattern(kind) for kind in PatternKind}

BY_TYPE: Mapping[str, Rule] = {
    "OriginDnsError": CANNOT_RESOLVE,
    "NonS3OriginDnsError": CANNOT_RESOLVE,
    "OriginConnectError": COULD_NOT_CONNECT,
    "OriginCommError": BROKE_OFF,
    "OriginInvalidResponseError": INVALID,
    "OriginHeaderTooBigError": HEADER_TOO_BIG,
    "OriginReadError": CLOSED_READING,
    "OriginWriteError": CLOSED_WRITING,
    "OriginContentRangeLengthError": RANGE,
    "OriginZeroSizeObjectError": EMPTY_OBJECT,
    "OriginError": ORIGIN_ERROR,
    "AbortedOrigin": UNSPECIFIC,
    "SlowReaderOriginError": UNSPECIFIC,
    "LambdaValidationError": REFUSED,
    "FunctionValidationError": REFUSED,
    "LambdaExecutionError": FAILED,
    "FunctionExecutionError": FAILED,
    "LambdaLimitExceeded": THROTTLED,
    "FunctionThrottledError": THROTTLED,
    "CapacityExceeded": LIMIT,
    "LimitExceeded": LIMIT,
}
"""What each detailed result type makes of a failing request; `Error` and unknown ones have rules of their own."""

RULES: tuple[Rule, ...] = (
    *(REFUSED, FAILED, THROTTLED, CANNOT_RESOLVE),
    *(INVALID, HEADER_TOO_BIG, CLOSED_READING, CLOSED_WRITING, RANGE, EMPTY_OBJECT, ORIGIN_ERROR, LIMIT),
    *(COULD_NOT_CONNECT, TIMED_OUT, BROKE_OFF, UNSPECIFIC, VALUE_NOT_KNOWN, WITHOUT_TYPE, ONLY_REPEATS),
    *(OF_OTHER_HOSTS, NOT_WHOLE, WITHOUT_ERROR, WITHOUT_REQUEST),
    *(END_EARLIER, GO_ON_LATER, REPEATS, MASKED, BESIDE, *PATTERNS.values(), FOR_SUPPORT),
)
"""The worst first, then what is worth knowing beside it."""
FUNCTION_SOURCES: Mapping[str, str] = {"lambda-edge": LAMBDA_PAGE, "cloudfront-function": FUNCTION_PAGE}
"""Where a refused result of each kind of function is documented."""
