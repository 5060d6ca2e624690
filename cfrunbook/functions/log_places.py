"""Where an edge function's log lines are, and the commands that find those of one request.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-functions-logs.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-edge-testing-debugging.html
"""

from __future__ import annotations

import datetime as dt
import math
import re
import shlex
from enum import StrEnum

import msgspec

from cfrunbook.cloudfront import function_associations
from cfrunbook.cloudfront.distribution import FunctionAssociation
from cfrunbook.cloudfront.edge_locations import REGIONS, locate
from cfrunbook.cloudfront.function_associations import REGION
from cfrunbook.errors import BadInput
from cfrunbook.findings import Struct
from cfrunbook.text import visible

NO_ID = "DISTRIBUTION_ID"
"""Stands for the distribution where its id is not known."""

_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide"
_DISTRIBUTION = re.compile(r"E[A-Z0-9]{5,31}")
_GROUP = re.compile(r"[A-Za-z0-9_/.#-]{1,512}")
_REQUEST = re.compile(r"[A-Za-z0-9_=-]{8,100}")
_INVOCATION = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_REGION = re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d+")
MAX_LINES = 200


class LogKind(StrEnum):
    """Who writes the lines."""

    CLOUDFRONT = "cloudfront"
    """CloudFront, of what it made of a Lambda@Edge function's result: the line that names the broken rule."""
    LAMBDA = "lambda"
    """The function of Lambda@Edge, and the runtime: exceptions, timeouts, what the code prints."""
    FUNCTION = "function"
    """The CloudFront Function: what the code prints, and nothing else."""


class LogPlace(Struct, frozen=True, kw_only=True):
    """One log group, and in which regions it may be."""

    kind: LogKind
    group: str
    regions: tuple[str, ...]
    """In the order in which to look."""
    distribution: str
    """Its id, or `DISTRIBUTION_ID`."""
    holds: str
    """What is to be found there, in a sentence."""
    needs: str
    """What must be so for lines to be there, in a sentence."""
    check: str
    """The command that shows whether it is."""
    find: str
    """The command that names the regions that have this group."""
    source: str


class LogSearch(Struct, frozen=True, kw_only=True):
    """How to find lines in one region of a log group."""

    region: str
    group: str
    query: str
    """For CloudWatch Logs Insights, also in the console."""
    start_query: str
    """The command that starts it and keeps its id in `query_id`."""
    get_results: str
    """The command that shows what it found; repeat it until its status is Complete."""
    filter: str
    """The command that finds the lines without Insights."""


class Window(msgspec.Struct, frozen=True):
    """A span of time."""

    start: dt.datetime
    end: dt.datetime

    def __post_init__(self) -> None:
        """Raise BadInput where it has no zone, or ends before it starts."""
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise BadInput("Time: give it with its zone, as in 2026-11-23T03:00:00Z.")
        if self.end <= self.start:
            raise BadInput(f"Time: {self.end.isoformat()} is not after {self.start.isoformat()}.")

    @property
    def seconds(self) -> tuple[int, int]:
        """Start and end in whole seconds since 1970, rounded outward."""
        return max(0, math.floor(self.start.timestamp())), max(1, math.ceil(self.end.timestamp()))


def around(moment: dt.datetime, minutes: int = 15) -> Window:
    """Return the time from `minutes` before a moment to as much after it. Raises BadInput for one without a zone."""
    try:
        return Window(moment - dt.timedelta(minutes=minutes), moment + dt.timedelta(minutes=minutes))
    except OverflowError:
        raise BadInput(f"Time: {moment.isoformat()} is too near the end of the calendar.") from None


def log_places(
    function: FunctionAssociation, *, distribution_id: str = "", pop: str = "", log_group: str = ""
) -> tuple[LogPlace, ...]:
    """Return where the lines about a function are, the one that names the broken rule first.

    `pop` is the value of X-Amz-Cf-Pop, by which regions are ordered; `log_group` a custom log group of a Lambda@Edge
    function (`aws lambda get-function-configuration`, LoggingConfig). Raises BadInput where an id, a name or the
    function's ARN has not the form that it must have.
    """
    arn = function_associations.read_arn(function)
    if arn is None:
        raise BadInput(f"Logs: '{visible(function.arn, 120)}' is not the ARN of an edge function.")
    if distribution_id and not _DISTRIBUTION.fullmatch(distribution_id):
        raise BadInput(f"Logs: '{visible(distribution_id, 60)}' is not the id of a distribution.")
    if log_group and not _GROUP.fullmatch(log_group):
        raise BadInput(f"Logs: '{visible(log_group, 120)}' is not the name of a log group.")
    identity = distribution_id or NO_ID
    if function.kind == "cloudfront-function":
        return (_of_function(arn.name, identity),)
    regions = locate(pop).regions if pop else tuple(region.name for region in REGIONS)
    return (_of_cloudfront(identity, regions), _of_lambda(arn.name, identity, regions, log_group))


def _of_cloudfront(distribution: str, regions: tuple[str, ...]) -> LogPlace:
    group = f"/aws/cloudfront/LambdaEdge/{distribution}"
    return LogPlace(
        kind=LogKind.CLOUDFRONT,
        group=group,
        regions=regions,
        distribution=distribution,
        holds="What CloudFront made of the function's result, by CloudFront's request id: a line with Validation error"
        " names the rule and the header.",
        needs="The service-linked role AWSServiceRoleForCloudFrontLogger must be there; CloudFront makes it when the"
        " first function is associated.",
        check="aws iam get-role --role-name AWSServiceRoleForCloudFrontLogger",
        find=_find(group, regions),
        source=f"{_GUIDE}/lambda-edge-permissions.html#using-service-linked-roles-lambda-edge",
    )


def _of_lambda(name: str, distribution: str, regions: tuple[str, ...], custom: str) -> LogPlace:
    # A custom group of the default's own name gets the region's prefix as well.
    own = custom if custom and custom != f"/aws/lambda/{name}" else f"/aws/lambda/{REGION}.{name}"
    return LogPlace(
        kind=LogKind.LAMBDA,
        group=own,
        regions=regions,
        distribution=distribution,
        holds="What the code prints, exceptions and timeouts, by Lambda's own request id; CloudFront's is there only"
        " where the code prints it.",
        needs="The function's execution role must allow logs:CreateLogGroup, logs:CreateLogStream and logs:PutLogEvents"
        " in every region.",
        check=f"aws lambda get-function-configuration --region {REGION} --function-name {shlex.quote(name)}"
        " --query '[Role,LoggingConfig]'",
        find=_find(own, regions),
        source=f"{_GUIDE}/edge-functions-logs.html#lambda-at-edge-logs",
    )


def _of_function(name: str, distribution: str) -> LogPlace:
    group = f"/aws/cloudfront/function/{name}"
    return LogPlace(
        kind=LogKind.FUNCTION,
        group=group,
        regions=(REGION,),
        distribution=distribution,
        holds="What the code prints with console.log(), by CloudFront's request id; nothing says that a result failed"
        " validation.",
        needs="The code must call console.log(): otherwise there are no lines, and no group.",
        check=f"aws cloudfront get-function --stage LIVE --name {shlex.quote(name)} code.js",
        find=_find(group, (REGION,)),
        source=f"{_GUIDE}/edge-functions-logs.html#cloudfront-function-logs",
    )


def search(
    place: LogPlace, window: Window, *, region: str = "", request_id: str = "", invocation_id: str = ""
) -> LogSearch:
    """Return how to find the lines of a request, or without its id those about errors, in one region.

    `region` is the first one to look into where it is empty. `request_id` is CloudFront's (X-Amz-Cf-Id,
    x-edge-request-id), `invocation_id` is Lambda's, which CloudFront's own log names beside it. Raises BadInput where
    one has not its form.
    """
    where = region or place.regions[0]
    if not _REGION.fullmatch(where):
        raise BadInput(f"Region: '{visible(where, 60)}' is not the name of a region.")
    if request_id and not _REQUEST.fullmatch(request_id):
        raise BadInput(f"Request id: '{visible(request_id, 120)}' is not the X-Amz-Cf-Id of a request.")
    if invocation_id and not _INVOCATION.fullmatch(invocation_id):
        raise BadInput(f"Invocation id: '{visible(invocation_id, 60)}' is not the request id of a Lambda function.")
    terms = [i for i in (request_id, invocation_id if place.kind is not LogKind.FUNCTION else "") if i]
    terms = terms or _without_id(place)
    conditions = " or ".join(f'@message like "{term}"' for term in terms)
    order = f"sort @timestamp asc | limit {MAX_LINES}"
    query = f"fields @timestamp, @logStream, @message | filter {conditions} | {order}"
    pattern = " ".join(f'?"{term}"' for term in terms) if len(terms) > 1 else f'"{terms[0]}"'
    group, seconds = shlex.quote(place.group), window.seconds
    at = f"--region {where}"
    return LogSearch(
        region=where,
        group=place.group,
        query=query,
        start_query=(
            f"query_id=$(aws logs start-query {at} --log-group-name {group} --start-time {seconds[0]}"
            f" --end-time {seconds[1]} --query-string {shlex.quote(query)} --query queryId --output text)"
        ),
        get_results=f'aws logs get-query-results {at} --query-id "$query_id"',
        filter=(
            f"aws logs filter-log-events {at} --log-group-name {group} --start-time {seconds[0] * 1000}"
            f" --end-time {seconds[1] * 1000} --filter-pattern {shlex.quote(pattern)}"
        ),
    )


def _without_id(place: LogPlace) -> list[str]:
    """Return the words that lines about errors have in a place."""
    match place.kind:
        case LogKind.CLOUDFRONT:
            return ["Validation error", "ERROR"]
        case LogKind.LAMBDA:
            return ["ERROR", "Error", "Exception", "Task timed out"]
        case _:
            return ["START DistributionID" if place.distribution == NO_ID else place.distribution]


def _find(group: str, regions: tuple[str, ...]) -> str:
    """Return the command that prints the regions in which a log group exists."""
    exactly = f"logGroups[?logGroupName=='{group}'].logGroupName"
    return (
        f"for region in {' '.join(regions)}; do aws logs describe-log-groups --region $region"
        f" --log-group-name-prefix {shlex.quote(group)} --output text"
        f" --query {shlex.quote(exactly)}"
        ' | grep -q . && echo "$region"; done'
    )
