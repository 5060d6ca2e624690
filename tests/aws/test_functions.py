"""Tier 2: what runs at the edge, and CloudFront's log of refused results, in every region at once."""

from __future__ import annotations

import datetime as dt
import io
import json
from typing import Any
from urllib.parse import quote

import boto3
import pytest

import cfrunbook as cf
from cfrunbook.aws.functions import MAX_CODE, PAGE, PAGES, REGIONS
from tests.aws.answers import AT, ID, Account, Refused, behavior, distribution, items

EDGE = {"LambdaFunctionARN": "arn:aws:lambda:us-east-1:111122223333:function:auth:7", "EventType": "origin-request"}
REWRITE = {"FunctionARN": "arn:aws:cloudfront::111122223333:function/rewrite", "EventType": "viewer-request"}
CODE = b"function handler(event) { return event.request; }"
SUMMARY = {
    "FunctionSummary": {
        "Name": "rewrite", "Status": "DEPLOYED", "FunctionConfig": {"Comment": "", "Runtime": "cloudfront-js-2.0"},
        "FunctionMetadata": {"FunctionARN": REWRITE["FunctionARN"], "Stage": "LIVE", "LastModifiedTime": AT},
    }
}  # fmt: skip
CONFIGURATION = {
    "Runtime": "nodejs22.x", "Role": "arn:aws:iam::111122223333:role/service-role/edge", "Handler": "index.handler",
    "Timeout": 5, "MemorySize": 128, "State": "Active", "CodeSha256": "abc=", "CodeSize": 512,
    "LastModified": "2026-11-01T10:00:00.000+0000", "Environment": {"Variables": {"DB_PASSWORD": "hunter2"}},
}  # fmt: skip


def role(*services: str) -> dict[str, Any]:
    """Return what get-role answers: the policy is JSON in URL encoding, which boto3 undoes."""
    statement = {"Effect": "Allow", "Principal": {"Service": list(services)}, "Action": "sts:AssumeRole"}
    return trusting({"Version": "2012-10-17", "Statement": [statement]})


def trusting(document: Any) -> dict[str, Any]:
    encoded = document if isinstance(document, str) else quote(json.dumps(document))
    return {"Role": {"Path": "/", "RoleName": "edge", "RoleId": "AROAEXAMPLEEXAMPLE", "Arn": CONFIGURATION["Role"], "CreateDate": AT, "AssumeRolePolicyDocument": encoded}}  # fmt: skip


def account(*functions: dict[str, Any], **answers: Any) -> Account:
    edge = [f for f in functions if "LambdaFunctionARN" in f]
    viewer = [f for f in functions if "FunctionARN" in f]
    document = distribution(
        default=behavior(LambdaFunctionAssociations=items(*edge), FunctionAssociations=items(*viewer))
    )
    known: dict[str, Any] = {
        "GetDistribution": document,
        "DescribeFunction": SUMMARY,
        "GetFunction": {"FunctionCode": CODE},
        "GetFunctionConfiguration": CONFIGURATION,
        "GetRole": role("lambda.amazonaws.com", "edgelambda.amazonaws.com"),
        "FilterLogEvents": Refused("ResourceNotFoundException"),
    }
    return Account(**{**known, **answers})


def fetch(found: Account) -> cf.Fetched:
    return cf.fetch(ID, session=found.session, tiers=(2,), at=AT)


def event(minute: int, message: str = "x") -> dict[str, Any]:
    return {"timestamp": int((AT - dt.timedelta(minutes=minute)).timestamp() * 1000), "message": message}


def test_without_functions_nothing_is_asked() -> None:
    found = account()
    assert fetch(found).facts.functions == ()
    assert [operation for _, operation in found.calls] == ["GetDistribution"]


@pytest.mark.parametrize("body", [CODE, io.BytesIO(CODE)], ids=["bytes", "stream"])
def test_the_code_that_is_live_is_fetched_but_not_recorded(body: Any) -> None:
    found = account(REWRITE, GetFunction={"FunctionCode": body})
    found.unchecked.add("GetFunction")
    fetched = fetch(found)
    (facts,) = fetched.facts.functions
    assert (facts.name, facts.stage, facts.runtime, facts.status) == (
        "rewrite",
        "LIVE",
        "cloudfront-js-2.0",
        "DEPLOYED",
    )
    assert facts.code_bytes == len(CODE)
    assert [code.code for code in fetched.codes] == [CODE]
    assert "event.request" not in repr(fetched.inputs)
    assert found.asked("GetFunction") == [{"Name": "rewrite", "Stage": "LIVE"}]


@pytest.mark.parametrize("body", [b"x" * (MAX_CODE + 1), io.BytesIO(b"x" * 10 * MAX_CODE), 7, None])
def test_code_that_can_be_none_is_left_out(body: Any) -> None:
    found = account(REWRITE, GetFunction={"FunctionCode": body})
    found.unchecked.add("GetFunction")
    assert fetch(found).codes == ()


def test_of_a_lambda_only_what_is_deployed_is_kept() -> None:
    fetched = fetch(account(EDGE))
    (facts,) = fetched.facts.functions
    assert (facts.name, facts.runtime, facts.status, facts.timeout, facts.memory) == (
        "auth:7",
        "nodejs22.x",
        "Active",
        5,
        128,
    )
    assert facts.modified == dt.datetime(2026, 11, 1, 10, tzinfo=dt.UTC)
    assert facts.trusts == ("lambda.amazonaws.com", "edgelambda.amazonaws.com")
    assert "hunter2" not in repr(fetched)


@pytest.mark.parametrize(
    ("document", "trusts"),
    [
        (
            {"Statement": {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}},
            ("lambda.amazonaws.com",),
        ),
        ({"Statement": [{"Effect": "Deny", "Principal": {"Service": "x"}}, None, "x"]}, ()),
        ({"Statement": [{"Effect": "Allow", "Principal": "*"}]}, ()),
        ({"Statement": "x"}, None),
        ("%7B", None),
        (None, None),
    ],
)
def test_who_may_assume_a_role(document: Any, trusts: Any) -> None:
    (facts,) = fetch(account(EDGE, GetRole=trusting(document))).facts.functions
    assert facts.trusts == trusts


@pytest.mark.parametrize("denied", ["DescribeFunction", "GetFunction", "GetFunctionConfiguration", "GetRole"])
def test_each_missing_permission_costs_its_own_part_only(denied: str) -> None:
    fetched = fetch(account(EDGE, REWRITE, **{denied: Refused("AccessDenied", 403)}))
    (gap,) = fetched.not_examined
    assert f":{denied}," in gap.why
    gone = {"DescribeFunction": 1, "GetFunctionConfiguration": 1}.get(denied, 0)
    assert len(fetched.facts.functions) == 2 - gone


def test_every_region_is_asked_and_lines_come_in_order() -> None:
    asked: list[dict[str, Any]] = []

    def lines(given: dict[str, Any]) -> Any:
        asked.append(given)
        if len(asked) > 2:
            return Refused("ResourceNotFoundException")
        return {
            "events": [event(len(asked), f"line {len(asked)} password=hunter2"), {"timestamp": "x", "message": "lost"}]
        }

    found = account(EDGE, FilterLogEvents=lines)
    found.unchecked.add("FilterLogEvents")
    facts = fetch(found).facts
    assert facts.function_lines is not None
    assert set(facts.function_lines.asked) == set(REGIONS)
    assert len(asked) == len(REGIONS)
    assert {given["logGroupName"] for given in asked} == {"/aws/cloudfront/LambdaEdge/E1EXAMPLE"}
    assert {given["endTime"] - given["startTime"] for given in asked} == {3 * 3600 * 1000}
    assert [line.text for line in facts.function_lines.lines] == [
        "line 2 password=[redacted]",
        "line 1 password=[redacted]",
    ]
    assert not facts.function_lines.more


def test_regions_that_fail_alike_are_said_together() -> None:
    number = iter(range(100))

    def lines(_: dict[str, Any]) -> Any:
        found = next(number)
        return (
            Refused("UnrecognizedClientException")
            if found < 3
            else Refused("Throttling")
            if found < 4
            else {"events": []}
        )

    fetched = fetch(account(EDGE, FilterLogEvents=lines))
    assert len(fetched.not_examined) == 2
    assert sum(gap.what.count("-") for gap in fetched.not_examined) >= 4
    assert fetched.facts.function_lines is not None
    assert len(fetched.facts.function_lines.asked) == len(REGIONS) - 4


def test_a_log_that_may_not_be_read_anywhere_is_one_sentence() -> None:
    fetched = fetch(account(EDGE, FilterLogEvents=Refused("AccessDeniedException")))
    assert fetched.facts.function_lines is None
    (gap,) = fetched.not_examined
    assert "needs logs:FilterLogEvents" in gap.why
    assert all(region in gap.what for region in REGIONS)


def test_a_log_without_end_is_left_and_said() -> None:
    found = account(
        EDGE, FilterLogEvents=lambda p: {"events": [event(1)] * PAGE, "nextToken": p.get("nextToken", "") + "x"}
    )
    facts = fetch(found).facts
    assert facts.function_lines is not None
    assert facts.function_lines.more
    assert len(found.asked("FilterLogEvents")) == PAGES * len(REGIONS)


def test_lines_are_found_where_they_are(endpoint: str) -> None:
    """An AWS on loopback forgets Lambda@Edge associations, so the step is run by itself."""
    from cfrunbook.aws import functions
    from cfrunbook.aws.session import Session, open_session
    from cfrunbook.aws.steps import Steps

    now = dt.datetime.now(dt.UTC)
    logs, group = boto3.client("logs", region_name="ap-south-1"), functions.log_group(ID)
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="s")
    stamp = int((now - dt.timedelta(minutes=5)).timestamp() * 1000)
    events = [{"timestamp": stamp, "message": "Validation failed: the body is not a string"}]
    logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)
    steps = Steps(Session(open_session(), seconds=20))
    for region in ("us-east-1", "ap-south-1"):
        steps.start(region, functions._lines, region, group, (now - dt.timedelta(hours=1), now))
    steps.wait()
    found = {one.region: [line.text for line in one.lines] for one in steps.kept(functions.RegionLines)}
    assert found == {"us-east-1": [], "ap-south-1": ["Validation failed: the body is not a string"]}
    assert not steps.missed
