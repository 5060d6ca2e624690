"""What the response header field `X-Cache` says: who answered, and with which status, as data.

The guide documents a few of its values; the others are those of the access log's `x-edge-result-type`, or were seen in
responses that people published. A value that is not in the table is kept and shown.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
_LOG_PAGE = _GUIDE + "standard-logs-reference.html"
_FUNCTION_PAGE = _GUIDE + "functions-tutorial.html"
_ERROR_PAGE = _GUIDE + "http-502-bad-gateway.html"
_LAMBDA_PAGE = "https://github.com/awsdocs/amazon-cloudfront-developer-guide"
"""The guide's repository, archived in 2023: pages of 2018 and 2019 name the values of Lambda@Edge."""


class Answered(StrEnum):
    """Where the answer comes from."""

    CACHE = "cache"
    ORIGIN = "origin"
    CLOUDFRONT = "cloudfront"
    """CloudFront by itself: a redirect, or a limit."""
    LAMBDA_EDGE = "lambda-edge"
    CLOUDFRONT_FUNCTION = "cloudfront-function"
    NOT_SAID = "not_said"
    """An error, of CloudFront or of the origin, from the cache or not."""


class Outcome(StrEnum):
    """What became of the request, as far as the value says."""

    SERVED = "served"
    ERROR = "error"
    """Some error: `X-Cache` does not say whose."""
    GENERATED = "generated"
    """The function itself made the response."""
    REFUSED = "refused"
    """CloudFront refused what the function returned."""
    FAILED = "failed"
    """The function failed while it ran."""
    LIMITED = "limited"
    """A limit was met: the function did not run, or CloudFront had no capacity."""
    UNKNOWN = "unknown"


Known = Literal["documented", "observed", "inferred", ""]


@dataclass(frozen=True, slots=True)
class XCache:
    """One value of `X-Cache`, without ` from cloudfront`."""

    value: str
    outcome: Outcome
    answered: Answered
    status: int | None
    """The status that CloudFront sends with it; None: any."""
    meaning: str
    """A clause: `the function itself made the response`."""
    known: Known
    """How we know: in the guide; seen in responses that people published; or only as a value of the access log."""
    source: str


def _table(*rows: XCache) -> Mapping[str, XCache]:
    return MappingProxyType({row.value.lower(): row for row in rows})


_CLOUDFRONT, _CACHE, _ORIGIN = Answered.CLOUDFRONT, Answered.CACHE, Answered.ORIGIN
_LAMBDA, _FUNCTION = Answered.LAMBDA_EDGE, Answered.CLOUDFRONT_FUNCTION

VALUES: Mapping[str, XCache] = _table(
    XCache("Hit", Outcome.SERVED, _CACHE, None, "it came from the cache", "observed", _LOG_PAGE),
    XCache(
        "RefreshHit",
        Outcome.SERVED,
        _CACHE,
        None,
        "it came from the cache, after the origin said that it is still valid",
        "observed",
        _LOG_PAGE,
    ),
    XCache("Miss", Outcome.SERVED, _ORIGIN, None, "it was not in the cache", "observed", _LOG_PAGE),
    XCache(
        "Error",
        Outcome.ERROR,
        Answered.NOT_SAID,
        None,
        "an error, of CloudFront or of the origin, cached or not",
        "documented",
        _ERROR_PAGE,
    ),
    XCache("Redirect", Outcome.SERVED, _CLOUDFRONT, None, "CloudFront redirected to HTTPS", "observed", _LOG_PAGE),
    XCache(
        "LambdaGeneratedResponse",
        Outcome.GENERATED,
        _LAMBDA,
        None,
        "a Lambda@Edge function itself made the response",
        "documented",
        _LAMBDA_PAGE,
    ),
    XCache(
        "LambdaValidationError",
        Outcome.REFUSED,
        _LAMBDA,
        502,
        "CloudFront refused what a Lambda@Edge function returned",
        "documented",
        _LAMBDA_PAGE,
    ),
    XCache(
        "LambdaExecutionError",
        Outcome.FAILED,
        _LAMBDA,
        503,
        "a Lambda@Edge function failed while it ran",
        "documented",
        _LOG_PAGE,
    ),
    XCache(
        "LambdaLimitExceeded",
        Outcome.LIMITED,
        _LAMBDA,
        503,
        "a Lambda@Edge function was throttled",
        "documented",
        _LAMBDA_PAGE,
    ),
    XCache(
        "FunctionGeneratedResponse",
        Outcome.GENERATED,
        _FUNCTION,
        None,
        "a CloudFront Function itself made the response",
        "documented",
        _FUNCTION_PAGE,
    ),
    XCache(
        "FunctionValidationError",
        Outcome.REFUSED,
        _FUNCTION,
        502,
        "CloudFront refused what a CloudFront Function returned",
        "observed",
        _GUIDE + "http-502-bad-gateway.html#http-502-cloudfront-function-validation-error",
    ),
    XCache(
        "FunctionExecutionError",
        Outcome.FAILED,
        _FUNCTION,
        503,
        "a CloudFront Function failed while it ran",
        "observed",
        _GUIDE + "http-503-service-unavailable.html",
    ),
    XCache(
        "FunctionThrottledError",
        Outcome.LIMITED,
        _FUNCTION,
        503,
        "a CloudFront Function was throttled",
        "observed",
        _GUIDE + "http-503-service-unavailable.html",
    ),
    XCache(
        "LimitExceeded",
        Outcome.LIMITED,
        _CLOUDFRONT,
        503,
        "a limit of CloudFront was exceeded",
        "inferred",
        _LOG_PAGE,
    ),
    XCache(
        "CapacityExceeded",
        Outcome.LIMITED,
        _CLOUDFRONT,
        503,
        "the edge location had no capacity",
        "inferred",
        _LOG_PAGE,
    ),
)
"""By value in lower case, as of 2026-11. Statuses: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/http-503-service-unavailable.html;
execution errors were 500 in the guide of 2023."""

_FIELD = re.compile(r"\s*([A-Za-z]{1,60})\s+from\s+cloudfront\s*", re.IGNORECASE)


def read(field: str) -> XCache | None:
    """Return what a value of the field `X-Cache` says; None where CloudFront did not write it.

    Of several values that were joined by commas, CloudFront's nearest to the viewer is the last. A value that is not in
    the table is returned as one of which nothing is known.
    """
    for part in reversed(field[:1024].split(",")):
        if match := _FIELD.fullmatch(part):
            return VALUES.get(match[1].lower()) or _not_known(match[1])
    return None


def _not_known(value: str) -> XCache:
    meaning = f"what {value} means is not known here"
    return XCache(value, Outcome.UNKNOWN, Answered.NOT_SAID, None, meaning, "", _LOG_PAGE)
