"""Tier 4: CloudFront's metrics, and what is not there: never a zero."""

from __future__ import annotations

import datetime as dt
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cfrunbook as cf
from cfrunbook.aws.metrics import FUNCTION_METRICS, METRICS, period_for
from cfrunbook.aws_facts import MAX_POINTS, AdditionalMetrics
from tests.aws.answers import AT, ID, Account, Refused, behavior, distribution, items

REWRITE = {"FunctionARN": "arn:aws:cloudfront::111122223333:function/rewrite", "EventType": "viewer-request"}
OFF = Refused("NoSuchMonitoringSubscription", 404)


def subscription(status: str) -> dict[str, Any]:
    return {
        "MonitoringSubscription": {"RealtimeMetricsSubscriptionConfig": {"RealtimeMetricsSubscriptionStatus": status}}
    }


def account(**answers: Any) -> Account:
    document = distribution(default=behavior(FunctionAssociations=items(REWRITE)))
    known = {"GetDistribution": document, "GetMonitoringSubscription": OFF, "GetMetricData": {"MetricDataResults": []}}
    return Account(**{**known, **answers})


def fetch(found: Account) -> cf.Fetched:
    return cf.fetch(ID, session=found.session, tiers=(4,), at=AT)


@pytest.mark.parametrize(
    ("answer", "state", "gaps"),
    [
        (subscription("Enabled"), AdditionalMetrics.ENABLED, 0),
        (subscription("Disabled"), AdditionalMetrics.DISABLED, 0),
        (OFF, AdditionalMetrics.DISABLED, 0),
        ({}, AdditionalMetrics.UNKNOWN, 0),
        (Refused("AccessDenied", 403), AdditionalMetrics.UNKNOWN, 1),
        (Refused("NoSuchDistribution", 404), AdditionalMetrics.UNKNOWN, 1),
    ],
)
def test_whether_additional_metrics_are_enabled(answer: Any, state: AdditionalMetrics, gaps: int) -> None:
    fetched = fetch(account(GetMonitoringSubscription=answer))
    assert fetched.facts.additional_metrics is state
    assert len(fetched.not_examined) == gaps


def test_both_dimensions_are_asked_for_and_a_third_for_functions() -> None:
    found = account()
    fetch(found)
    (asked,) = found.asked("GetMetricData")
    queries = [q["MetricStat"] for q in asked["MetricDataQueries"]]
    assert len(queries) == len(METRICS) + len(FUNCTION_METRICS)
    for query in queries:
        dimensions = {d["Name"]: d["Value"] for d in query["Metric"]["Dimensions"]}
        assert (dimensions["DistributionId"], dimensions["Region"]) == (ID, "Global")
        assert dimensions.get("FunctionName", "") == (
            "rewrite" if query["Metric"]["MetricName"].startswith("Function") else ""
        )
        assert query["Metric"]["Namespace"] == "AWS/CloudFront"
    assert asked["EndTime"] - asked["StartTime"] == dt.timedelta(hours=3)
    assert {q["Stat"] for q in queries if q["Metric"]["MetricName"] == "OriginLatency"} == {"p90"}


def test_points_of_several_pages_are_put_together_in_order() -> None:
    def page(given: dict[str, Any]) -> dict[str, Any]:
        late = "NextToken" in given
        when = AT - dt.timedelta(minutes=1 if late else 2)
        result = {
            "Id": "m2",
            "Label": "502ErrorRate",
            "Timestamps": [when],
            "Values": [float(late)],
            "StatusCode": "Complete",
        }
        return {"MetricDataResults": [result], **({} if late else {"NextToken": "more"})}

    metrics = fetch(account(GetMetricData=page)).facts.metrics
    assert metrics is not None
    series = metrics.of("502ErrorRate")
    assert series is not None
    assert [value for _, value in series.points] == [0.0, 1.0]
    assert series.last_above_zero == AT - dt.timedelta(minutes=1)


def test_a_metric_without_data_is_not_there() -> None:
    metrics = fetch(
        account(GetMetricData={"MetricDataResults": [{"Id": "m2", "Timestamps": [], "Values": []}]})
    ).facts.metrics
    assert metrics is not None
    assert metrics.series == ()
    assert metrics.of("502ErrorRate") is None


def test_metrics_that_may_not_be_read_are_said() -> None:
    fetched = fetch(account(GetMetricData=Refused("AccessDenied", 403)))
    assert fetched.facts.metrics is None
    (gap,) = fetched.not_examined
    assert gap.why == "needs cloudwatch:GetMetricData, which these credentials do not have"


@pytest.mark.parametrize(
    "results",
    [
        [{"Id": "m2", "Timestamps": "x", "Values": [1.0]}],
        [{"Id": "m2", "Timestamps": [AT], "Values": [float("nan")]}],
        [{"Id": "m2", "Timestamps": [AT, None, "x"], "Values": ["1", 2.0, True]}],
        [{"Id": 7, "Timestamps": [AT], "Values": [1.0]}, None, "x"],
        "x",
    ],
)
def test_hostile_points_are_left_out(results: Any) -> None:
    found = account(GetMetricData={"MetricDataResults": results})
    found.unchecked.add("GetMetricData")
    metrics = fetch(found).facts.metrics
    assert metrics is not None
    assert all(value == value for series in metrics.series for _, value in series.points)


def test_more_points_than_are_kept_are_the_latest() -> None:
    times = [AT - dt.timedelta(seconds=n) for n in range(1000)]
    result = {"Id": "m0", "Timestamps": times, "Values": [1.0] * 1000}
    metrics = fetch(account(GetMetricData={"MetricDataResults": [result]})).facts.metrics
    assert metrics is not None
    assert len(metrics.series[0].points) == MAX_POINTS
    assert metrics.series[0].points[-1][0] == AT


@given(st.integers(1, 400 * 86_400), st.integers(0, 450 * 86_400))
def test_a_period_gives_few_enough_points_and_is_one_that_cloudwatch_takes(length: int, age: int) -> None:
    end = AT - dt.timedelta(seconds=age)
    period = period_for(end - dt.timedelta(seconds=length), end, AT)
    assert period % 60 == 0
    assert length / period <= MAX_POINTS
    if length + age > 63 * 86_400:
        assert period >= 3600
    elif length + age > 15 * 86_400:
        assert period >= 300


def test_a_cloudwatch_on_loopback_brings_what_was_put(endpoint: str) -> None:
    config = distribution()["Distribution"]["DistributionConfig"]
    config["DefaultCacheBehavior"]["ForwardedValues"] = {"QueryString": False, "Cookies": {"Forward": "none"}}
    made = boto3.client("cloudfront").create_distribution(DistributionConfig=config)["Distribution"]["Id"]
    now = dt.datetime.now(dt.UTC)
    dimensions = [{"Name": "DistributionId", "Value": made}, {"Name": "Region", "Value": "Global"}]
    data = [
        {"MetricName": name, "Dimensions": dimensions, "Timestamp": now - dt.timedelta(minutes=5), "Value": value}
        for name, value in (("502ErrorRate", 12.5), ("LambdaValidationError", 4.0))
    ]
    boto3.client("cloudwatch", region_name="us-east-1").put_metric_data(Namespace="AWS/CloudFront", MetricData=data)
    metrics = cf.fetch(made, tiers=(4,)).facts.metrics
    assert metrics is not None
    assert {series.metric: series.peak[1] for series in metrics.series if series.peak} == {
        "502ErrorRate": 12.5,
        "LambdaValidationError": 4.0,
    }
