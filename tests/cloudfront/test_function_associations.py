"""ARNs of edge functions, the order in which requests meet them, and what they may change."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.cloudfront.distribution import Behavior, EventType, FunctionAssociation, Origin
from cfrunbook.cloudfront.function_associations import (
    ORDER,
    ORIGIN_EVENTS,
    REQUEST_EVENTS,
    RUNS,
    VIEWER_EVENTS,
    Obstacle,
    Reach,
    in_order,
    misassociations,
    obstacle,
    reach,
    read_arn,
)

LAMBDA = "arn:aws:lambda:us-east-1:111122223333:function:auth"
FUNCTION = "arn:aws:cloudfront::111122223333:function/tidy"


@pytest.mark.parametrize(
    ("arn", "qualifier", "is_version"),
    [
        (LAMBDA, "", False),
        (f"{LAMBDA}:7", "7", True),
        (f"{LAMBDA}:120", "120", True),
        (f"{LAMBDA}:0", "0", False),
        (f"{LAMBDA}:07", "07", False),
        (f"{LAMBDA}:$LATEST", "$LATEST", False),
        (f"{LAMBDA}:live-7", "live-7", False),
    ],
)
def test_arns_of_lambda_edge(arn: str, qualifier: str, is_version: bool) -> None:
    found = read_arn(FunctionAssociation("lambda-edge", arn, EventType.VIEWER_REQUEST))
    assert found is not None
    assert (found.region, found.account, found.name) == ("us-east-1", "111122223333", "auth")
    assert (found.qualifier, found.is_version) == (qualifier, is_version)


@pytest.mark.parametrize(
    "arn",
    [
        "", "auth", "auth:7", FUNCTION, f"{LAMBDA}:", f"{LAMBDA}:7:8", f"{LAMBDA}:$latest", f"{LAMBDA}:7\n",
        LAMBDA.replace("us-east-1", ""), LAMBDA.replace("111122223333", "1111"), LAMBDA.replace("aws", "AWS"),
        LAMBDA.replace("lambda", "Lambda"),
    ],
)  # fmt: skip
def test_what_is_no_arn_of_lambda_edge(arn: str) -> None:
    assert read_arn(FunctionAssociation("lambda-edge", arn, EventType.VIEWER_REQUEST)) is None


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        (FUNCTION, "tidy"),
        (FUNCTION + "_-" + "x" * 58, "tidy_-" + "x" * 58),
        (FUNCTION.replace("aws", "aws-cn"), "tidy"),
        (FUNCTION + "x" * 61, None),
        (FUNCTION.replace("tidy", "ti dy"), None),
        (FUNCTION.replace("::", ":us-east-1:"), None),
        (f"{LAMBDA}:7", None),
    ],
)
def test_arns_of_cloudfront_functions(arn: str, name: str | None) -> None:
    found = read_arn(FunctionAssociation("cloudfront-function", arn, EventType.VIEWER_REQUEST))
    assert (found and found.name) == name


def test_the_events_are_all_known() -> None:
    assert set(ORDER) == set(EventType) == set(RUNS) == VIEWER_EVENTS | ORIGIN_EVENTS
    assert {event for event in EventType if event.endswith("request")} == REQUEST_EVENTS


ALL = tuple(FunctionAssociation("lambda-edge", f"{LAMBDA}:7", event) for event in EventType)


@given(st.permutations(ALL))
def test_functions_are_met_in_the_order_of_events(functions: list[FunctionAssociation]) -> None:
    assert [f.event for f in in_order(functions)] == list(ORDER)
    behavior = Behavior("*", "web", "DefaultCacheBehavior", functions=tuple(functions))
    assert not [*misassociations(behavior, account="111122223333")]


@pytest.mark.parametrize("event", EventType)
def test_who_may_change_where_a_request_goes(event: EventType) -> None:
    everything = (Reach.HOST, Reach.SNI, Reach.ORIGIN)
    of_lambda = reach(FunctionAssociation("lambda-edge", f"{LAMBDA}:7", event))
    of_function = reach(FunctionAssociation("cloudfront-function", FUNCTION, event))
    assert of_lambda == (everything if event is EventType.ORIGIN_REQUEST else ())
    assert of_function == (everything if event is EventType.VIEWER_REQUEST else ())


@pytest.mark.parametrize(
    ("origin", "found"),
    [
        (Origin("web", "o.example", ""), None),
        (Origin("web", "b.s3.amazonaws.com", "", member="s3"), None),
        (Origin("web", "o.example", "", member="vpc"), Obstacle.VPC),
        (Origin("web", "o.example", "", client_certificate="arn:aws:acm:x"), Obstacle.MUTUAL_TLS),
    ],
)
def test_what_keeps_functions_from_origin_events(origin: Origin, found: Obstacle | None) -> None:
    assert obstacle(origin) is found
