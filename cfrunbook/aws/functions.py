"""Tier 2: which code runs at the edge, and what CloudFront logged about results that it did not accept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cfrunbook.aws import reading
from cfrunbook.aws.session import AwsError, Reason
from cfrunbook.aws.steps import Steps
from cfrunbook.aws_facts import MAX_ARN, MAX_LINE, FunctionFacts, FunctionLine
from cfrunbook.cloudfront.distribution import Distribution, FunctionAssociation
from cfrunbook.redaction import redact_words
from cfrunbook.text import visible

MAX_CODE = 128 * 1024
"""Bytes kept of a CloudFront Function's code; CloudFront takes 10 KB:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html"""
PAGES, PAGE = 3, 100
"""Pages, and lines of a page, read of the log of one region."""

REGIONS: tuple[str, ...] = (
    *("us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1"),
    *("eu-central-1", "eu-west-1", "eu-west-2", "eu-west-3", "eu-north-1"),
    *("ap-south-1", "ap-northeast-1", "ap-northeast-2", "ap-southeast-1", "ap-southeast-2"),
    *("me-south-1", "me-central-1", "af-south-1"),
)
"""Where Lambda@Edge runs, so where its logs are: in the region near the viewer, not in us-east-1 alone.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-functions-logs.html"""


@dataclass(frozen=True, slots=True)
class FunctionCode:
    """The deployed code of a CloudFront Function. Not part of a recording."""

    name: str
    runtime: str
    code: bytes


@dataclass(frozen=True, slots=True)
class RegionLines:
    """What one region's log holds in the window."""

    region: str
    lines: tuple[FunctionLine, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class RegionMissed:
    """A region whose log could not be read."""

    region: str
    error: AwsError


def associations(distribution: Distribution) -> tuple[FunctionAssociation, ...]:
    """Return the functions of all behaviors, each once."""
    found = {f.arn: f for behavior in distribution.behaviors for f in behavior.functions}
    return tuple(found.values())


def log_group(distribution: str) -> str:
    """Return the log group in which CloudFront writes what it does not accept of a function's result."""
    return f"/aws/cloudfront/LambdaEdge/{distribution}"


def start(steps: Steps, distribution: Distribution, window: tuple[dt.datetime, dt.datetime]) -> None:
    """Start fetching what is deployed, and the log of every region where there is a Lambda@Edge function."""
    found = associations(distribution)
    for function in found:
        step = _lambda if function.kind == "lambda-edge" else _function
        steps.start(visible(function.title, 200), step, function)
    if distribution.id and any(f.kind == "lambda-edge" for f in found):
        for region in REGIONS:
            what = f"CloudFront's log of function results in {region}"
            steps.start(what, _lines, region, log_group(distribution.id), window)


def _function(steps: Steps, function: FunctionAssociation) -> None:
    answer = reading.node(
        steps.session.call("cloudfront", "DescribeFunction", Name=function.name, Stage="LIVE"), "FunctionSummary"
    )
    config, metadata = reading.node(answer, "FunctionConfig"), reading.node(answer, "FunctionMetadata")
    runtime = reading.text(config, "Runtime")
    got = steps.attempt(
        f"the code of {visible(function.title, 200)}",
        lambda: steps.session.call("cloudfront", "GetFunction", Name=function.name, Stage="LIVE"),
    )
    code = _bytes(got.get("FunctionCode")) if got else b""
    if code:
        steps.keep(FunctionCode(function.name, runtime, code))
    steps.keep(
        FunctionFacts(
            kind="cloudfront-function",
            name=reading.cut(function.name),
            arn=reading.cut(function.arn, MAX_ARN),
            stage=reading.text(metadata, "Stage"),
            runtime=runtime,
            status=reading.text(answer, "Status"),
            code_bytes=len(code),
            modified=reading.moment(metadata.get("LastModifiedTime")),
        )
    )


def _bytes(body: Any) -> bytes:
    """Return a body, also one that is still to be read; nothing where it is larger than a function can be."""
    if hasattr(body, "read"):
        body = body.read(MAX_CODE + 1)
    return body if isinstance(body, bytes) and len(body) <= MAX_CODE else b""


def _lambda(steps: Steps, function: FunctionAssociation) -> None:
    # The answer also holds environment variables: only what is named below is kept.
    answer = steps.session.call("lambda", "GetFunctionConfiguration", FunctionName=function.arn)
    role = reading.text(answer, "Role", MAX_ARN)
    trusts = None
    if role:
        trusts = steps.attempt(
            f"who may assume the role of {visible(function.title, 200)}",
            lambda: _trusts(steps.session.call("iam", "GetRole", RoleName=role.rpartition("/")[2])),
        )
    steps.keep(
        FunctionFacts(
            kind="lambda-edge",
            name=reading.cut(function.name),
            arn=reading.cut(function.arn, MAX_ARN),
            runtime=reading.text(answer, "Runtime"),
            status=reading.text(answer, "State"),
            handler=reading.text(answer, "Handler"),
            timeout=reading.number(answer, "Timeout"),
            memory=reading.number(answer, "MemorySize"),
            role=role,
            trusts=trusts,
            code_sha256=reading.text(answer, "CodeSha256"),
            code_bytes=reading.number(answer, "CodeSize"),
            modified=reading.moment(answer.get("LastModified")),
        )
    )


def _trusts(answer: Mapping[str, Any]) -> tuple[str, ...] | None:
    """Return the services that a role's trust policy lets assume it; None where the policy cannot be read."""
    document = reading.node(reading.node(answer, "Role"), "AssumeRolePolicyDocument")
    statements = document.get("Statement")
    if isinstance(statements, Mapping):
        statements = [statements]
    if not isinstance(statements, Sequence) or isinstance(statements, str):
        return None
    found: list[str] = []
    for statement in statements:
        if isinstance(statement, Mapping) and statement.get("Effect") == "Allow":
            principal = statement.get("Principal")
            services = principal.get("Service") if isinstance(principal, Mapping) else None
            found += [services] if isinstance(services, str) else reading.texts({"_": services}, "_")
    return tuple(dict.fromkeys(reading.cut(service) for service in found))[:20]


def _lines(steps: Steps, region: str, group: str, window: tuple[dt.datetime, dt.datetime]) -> None:
    start, end = window
    try:
        listed, more = steps.session.pages(
            "logs",
            "FilterLogEvents",
            "events",
            marks=("nextToken", "nextToken"),
            region=region,
            most=PAGES,
            logGroupName=group,
            startTime=int(start.timestamp() * 1000),
            endTime=int(end.timestamp() * 1000),
            limit=PAGE,
        )
    except AwsError as error:
        if error.reason is not Reason.NOT_FOUND:
            steps.keep(RegionMissed(region, error))
            return
        listed, more = [], False  # no function of this distribution had an invalid result there
    lines = []
    for node in listed[: PAGES * PAGE]:
        at = reading.moment(node.get("timestamp"))
        if at is not None:
            text = redact_words(reading.text(node, "message", MAX_LINE).strip()[:1000])
            lines.append(FunctionLine(region=region, at=at, text=reading.cut(text, MAX_LINE)))
    steps.keep(RegionLines(region, tuple(lines), more))
