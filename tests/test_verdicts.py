"""The verdict replays the edge: a function speaks where it runs on a request's way, and no earlier."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

import cfrunbook as cf
from cfrunbook.causes import edge_function
from cfrunbook.cloudfront import plan
from cfrunbook.evidence import FunctionResult, Observations
from cfrunbook.findings import STAGES, Cause, Evidence, Finding, Stage, Status, Verdict
from cfrunbook.functions import documents
from cfrunbook.functions.recording import unmasked
from cfrunbook.verdicts import verdict
from tests.captures import curl

ORIGIN = "origin.example.com"
REFUSED = {"status": "200", "headers": {"connection": [{"value": "close"}]}}
EVENT_TYPES = ("viewer-request", "origin-request", "origin-response", "viewer-response")


def function(event_type: str, value: Any = REFUSED) -> tuple[Finding, ...]:
    document = unmasked(documents.of_value(value))
    result = FunctionResult(name="r.json", kind="lambda-edge", event_type=event_type, result=document)  # type: ignore[arg-type]
    return tuple(f for f in edge_function.judge((result,)) if not f.code.endswith("not_compared"))


def origin(stage: Stage, status: Status = Status.FAULT) -> Finding:
    incident = cf.Incident.load(origin=ORIGIN)
    return Finding(
        code=f"port.{stage}",
        cause=Cause.PORT,
        stage=stage,
        status=status,
        title="The origin is broken.",
        meaning="",
        target=incident.targets[0].id,
        evidence=(Evidence(observation="connection-1", says="x"),),
        cloudfront_status=504,
    )


def told(*findings: Finding) -> Verdict:
    return verdict(cf.Incident.load(origin=ORIGIN), findings, (), vantage="here")


@pytest.mark.parametrize(
    ("event_type", "before", "after"),
    [
        ("viewer-request", (Stage.DISTRIBUTION, Stage.BEHAVIOR), (Stage.ORIGIN, Stage.DNS, Stage.TCP, Stage.HTTP)),
        ("origin-request", (Stage.ORIGIN, Stage.DNS), (Stage.TCP, Stage.TLS, Stage.CERTIFICATE, Stage.HTTP)),
        ("origin-response", (Stage.DNS, Stage.TCP, Stage.CERTIFICATE, Stage.HTTP), ()),
        ("viewer-response", (Stage.DNS, Stage.TCP, Stage.CERTIFICATE, Stage.HTTP), ()),
    ],
)
def test_a_function_comes_where_it_runs(event_type: str, before: tuple[Stage, ...], after: tuple[Stage, ...]) -> None:
    (refused,) = function(event_type)
    for stage in before:
        assert told(refused, origin(stage)).cause is Cause.PORT, stage
    for stage in after:
        assert told(refused, origin(stage)).code == refused.code, stage


def test_of_two_functions_the_one_that_runs_first_is_the_root() -> None:
    codes = []
    found = [f for event_type in reversed(EVENT_TYPES) for f in function(event_type)]
    while found:
        first = told(*found)
        codes.append(first.sentence.split(":")[0].removeprefix("Lambda@Edge, "))
        found = [f for f in found if f.title not in first.sentence]
    assert codes == list(EVENT_TYPES)


def test_a_documented_rule_speaks_before_an_inferred_one() -> None:
    for_api_gateway = function("viewer-request", {"statusCode": 302, "headers": {"location": "/"}, "body": ""})
    assert told(*for_api_gateway, *function("viewer-request")).confidence == "high"


def test_a_fault_of_the_origin_outranks_what_could_not_be_told_of_a_function() -> None:
    unknown = [f for f in function("", {"status": "200"}) if f.status is Status.UNKNOWN]
    assert unknown
    assert told(*unknown, origin(Stage.TCP)).cause is Cause.PORT
    assert told(*unknown, origin(Stage.TCP, Status.OK)).status == "unknown"


def test_only_a_function_that_is_accepted_is_no_fault_and_says_what_else_was_not_examined() -> None:
    result = FunctionResult(
        name="r.json", kind="lambda-edge", event_type="viewer-request", result=unmasked(documents.of_value({"status": "200"}))
    )  # fmt: skip
    incident = cf.Incident.load(function_result=(result,) * 1000)
    assert incident.plan == plan.of_functions()
    one = verdict(incident, edge_function.judge(incident.inputs.functions), (), vantage="here")
    assert (one.status, one.confidence) == ("ok", "medium")
    assert one.sentence.endswith("So it does with 999 more results. Nothing else was examined.")
    assert "its log in CloudWatch" in one.next_check


def test_a_function_that_is_accepted_with_a_warning_says_so_in_the_verdict() -> None:
    found = function("viewer-request", {"status": 404})
    one = verdict(
        cf.Incident.load(function_result={"status": "200"}, function_kind="lambda-edge"), found, (), vantage="here"
    )
    assert one.status == "ok"
    assert "1 warning: Lambda@Edge, viewer-request: “status” is the number 404" in one.sentence


def test_every_stage_has_a_place() -> None:
    assert STAGES[-1] is Stage.EDGE_FUNCTION


# What CloudFront says of a function, the kind and result that were given; whether the result explains it.
EXPLAINED = [
    (curl(502, x_cache="LambdaValidationError"), "lambda-edge", True),
    (curl(502, x_cache="FunctionValidationError"), "lambda-edge", False),
    (curl(503, x_cache="LambdaExecutionError"), "lambda-edge", False),
]


@pytest.mark.parametrize(("text", "kind", "explains"), EXPLAINED)
def test_a_result_names_the_rule_where_cloudfront_refused_just_that(text: str, kind: str, explains: bool) -> None:
    result = FunctionResult(
        name="r.json", kind=kind, event_type="viewer-request", result=unmasked(documents.of_value(REFUSED))  # type: ignore[arg-type]
    )  # fmt: skip
    incident = cf.Incident.load(response=text, function_result=(result,))
    told = cf.judge(incident, Observations(recorded_at=dt.datetime(2026, 11, 23, tzinfo=dt.UTC))).verdict
    assert (told.code or "").startswith("edge_function.lambda_edge.") == explains
    assert ("CloudFront itself says so too" in told.sentence) == explains
    assert explains or "something else was seen that CloudFront does not name" in told.sentence
