"""Edge functions and the behaviors that they are associated with: what CloudFront takes, and what runs when.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-at-edge-function-restrictions.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-cloudfront-trigger-events.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType

import msgspec

from cfrunbook.cloudfront.distribution import Behavior, EventType, FunctionAssociation, Origin
from cfrunbook.text import visible

REGION = "us-east-1"
"""Where a function of Lambda@Edge must be; CloudFront copies it from there."""

# Compiled, by `re` itself, when first used.
_LAMBDA_ARN = (
    r"arn:(?P<partition>aws[a-z-]*):lambda:(?P<region>[a-z]{2}(?:-[a-z]+)+-\d+):(?P<account>\d{12})"
    r":function:(?P<name>[A-Za-z0-9_-]{1,140})(?::(?P<qualifier>\$LATEST|[A-Za-z0-9_-]{1,128}))?"
)
_FUNCTION_ARN = r"arn:(?P<partition>aws[a-z-]*):cloudfront::(?P<account>\d{12}):function/(?P<name>[A-Za-z0-9_-]{1,64})"
_VERSION = r"[1-9][0-9]*"

ORDER = (EventType.VIEWER_REQUEST, EventType.ORIGIN_REQUEST, EventType.ORIGIN_RESPONSE, EventType.VIEWER_RESPONSE)
"""In which a request meets the events."""
VIEWER_EVENTS = frozenset({EventType.VIEWER_REQUEST, EventType.VIEWER_RESPONSE})
ORIGIN_EVENTS = frozenset({EventType.ORIGIN_REQUEST, EventType.ORIGIN_RESPONSE})
REQUEST_EVENTS = frozenset({EventType.VIEWER_REQUEST, EventType.ORIGIN_REQUEST})

RUNS: Mapping[EventType, str] = MappingProxyType(
    {
        EventType.VIEWER_REQUEST: (
            "for every request, before the cache; not while CloudFront redirects http to https, nor for its own request"
            " for a custom error page"
        ),
        EventType.ORIGIN_REQUEST: (
            "only where the cache has no answer, after CloudFront has resolved the Origin Domain: where that fails, it"
            " does not run and CloudFront answers 502"
        ),
        EventType.ORIGIN_RESPONSE: (
            "for every answer of the origin, errors included; not for an answer from the cache, nor for one that an"
            " origin-request function made"
        ),
        EventType.VIEWER_RESPONSE: (
            "for every answer, cached ones too; not where the origin answers 400 or higher, with a custom error page,"
            " after an answer that a viewer-request function made, nor while CloudFront redirects http to https"
        ),
    }
)
"""When functions of an event run; reads after "It runs"."""


class Trouble(StrEnum):
    """What is wrong with an association. CloudFront refuses every one of these when it is asked for."""

    MALFORMED_ARN = "malformed_arn"
    UNVERSIONED = "unversioned"
    """Of Lambda@Edge: $LATEST, an alias, or no version at all."""
    REGION = "region"
    ACCOUNT = "account"
    BODY_OF_RESPONSE = "body_of_response"
    """IncludeBody at a response event."""
    WRONG_EVENT = "wrong_event"
    """A CloudFront Function at an origin event."""
    EVENT_TWICE = "event_twice"
    KINDS_MIXED = "kinds_mixed"
    """Both kinds at viewer events of one behavior, be it request and response."""


class Arn(msgspec.Struct, frozen=True):
    """The parts of a function's ARN."""

    partition: str
    region: str
    """Empty for a CloudFront Function."""
    account: str
    name: str
    qualifier: str = ""
    """Of Lambda@Edge: the version, `$LATEST` or an alias; empty: none."""

    @property
    def is_version(self) -> bool:
        """Tell whether the qualifier is a published version's number."""
        return re.fullmatch(_VERSION, self.qualifier) is not None


def read_arn(function: FunctionAssociation) -> Arn | None:
    """Return the parts of a function's ARN; None where it has not the form of its kind."""
    if function.kind == "lambda-edge":
        match = re.fullmatch(_LAMBDA_ARN, function.arn)
        return Arn(**match.groupdict(default="")) if match else None
    match = re.fullmatch(_FUNCTION_ARN, function.arn)
    return Arn(region="", **match.groupdict()) if match else None


class Misassociation(msgspec.Struct, frozen=True):
    """One association, or several together, that CloudFront refuses."""

    trouble: Trouble
    functions: tuple[FunctionAssociation, ...]
    says: str
    """What is there, as a clause that reads after a colon."""


def misassociations(behavior: Behavior, *, account: str = "") -> Iterator[Misassociation]:
    """Yield what CloudFront refuses about the functions of a behavior; `account` owns the distribution, if known."""
    for function in behavior.functions:
        for trouble, says in _single(function, account):
            yield Misassociation(trouble, (function,), says)
    for event in ORDER:
        here = tuple(f for f in behavior.functions if f.event is event)
        if len(here) > 1:
            yield Misassociation(Trouble.EVENT_TWICE, here, f"{len(here)} functions at {event}")
    at_viewer = tuple(f for f in in_order(behavior.functions) if f.event in VIEWER_EVENTS)
    if len({f.kind for f in at_viewer}) > 1:
        says = ", ".join(f"{visible(f.title, 120)} at {f.event}" for f in at_viewer)
        yield Misassociation(Trouble.KINDS_MIXED, at_viewer, says)


def _single(function: FunctionAssociation, account: str) -> Iterator[tuple[Trouble, str]]:
    """Yield what is wrong with one association by itself."""
    shown = visible(function.arn, 200)
    is_lambda = function.kind == "lambda-edge"
    arn = read_arn(function)
    if arn is None:
        yield Trouble.MALFORMED_ARN, f"{shown!r}"
    else:
        if is_lambda and arn.partition == "aws" and arn.region != REGION:
            yield Trouble.REGION, arn.region
        if is_lambda and not arn.is_version:
            yield Trouble.UNVERSIONED, f"the qualifier is {arn.qualifier!r}" if arn.qualifier else "there is no version"
        if account and arn.account != account:
            yield Trouble.ACCOUNT, f"{arn.account}, not {account}"
    if is_lambda and function.include_body and function.event not in REQUEST_EVENTS:
        yield Trouble.BODY_OF_RESPONSE, f"IncludeBody at {function.event}"
    if not is_lambda and function.event not in VIEWER_EVENTS:
        yield Trouble.WRONG_EVENT, f"at {function.event}"


def in_order(functions: Sequence[FunctionAssociation]) -> tuple[FunctionAssociation, ...]:
    """Return functions in the order in which a request meets them."""
    return tuple(sorted(functions, key=lambda f: ORDER.index(f.event)))


class Obstacle(StrEnum):
    """What of an origin keeps functions from its origin events, and gRPC and WebSocket from it; reads after its id.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-vpc-origins.html
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/origin-enable-mtls-distributions.html
    """

    VPC = "is a VPC origin"
    MUTUAL_TLS = "has origin mutual TLS"


def obstacle(origin: Origin) -> Obstacle | None:
    """Return what keeps functions from the origin events of an origin; None where they are supported."""
    if origin.member == "vpc":
        return Obstacle.VPC
    return Obstacle.MUTUAL_TLS if origin.client_certificate else None


class Reach(StrEnum):
    """What a function may change of where a request goes: no configuration shows whether it does."""

    HOST = "Host"
    SNI = "SNI"
    ORIGIN = "origin"


def reach(function: FunctionAssociation) -> tuple[Reach, ...]:
    """Return what a function may change of where requests go.

    Host is read-only for a viewer-request function of Lambda@Edge, which sees no origin; CloudFront Functions have
    origin helpers. SNI follows Host, and such a helper can set it by itself.
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/helper-functions-origin-modification.html
    """
    return _REACH.get((function.kind, function.event), ())


_REACH: Mapping[tuple[str, EventType], tuple[Reach, ...]] = MappingProxyType(
    {
        ("lambda-edge", EventType.ORIGIN_REQUEST): (Reach.HOST, Reach.SNI, Reach.ORIGIN),
        ("cloudfront-function", EventType.VIEWER_REQUEST): (Reach.HOST, Reach.SNI, Reach.ORIGIN),
    }
)
