"""Tier 4: what CloudWatch counted for the distribution, and whether the metrics that cost extra are enabled.

CloudFront's metrics are in us-east-1 only, under the two dimensions DistributionId and Region=Global.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/programming-cloudwatch-metrics.html
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cfrunbook.aws import reading
from cfrunbook.aws.session import AwsError, Reason
from cfrunbook.aws.steps import Steps
from cfrunbook.aws_facts import MAX_POINTS, AdditionalMetrics, Metrics, Series

NAMESPACE = "AWS/CloudFront"
REGION = "us-east-1"
MAX_FUNCTIONS = 20
"""CloudFront Functions whose metrics are fetched."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric, the statistic that makes sense of it, and whether it exists only where it is paid for."""

    name: str
    statistic: str
    unit: str
    additional: bool = False


METRICS: tuple[Metric, ...] = (
    Metric("Requests", "Sum", "None"),
    Metric("5xxErrorRate", "Average", "Percent"),
    Metric("502ErrorRate", "Average", "Percent", additional=True),
    Metric("503ErrorRate", "Average", "Percent", additional=True),
    Metric("504ErrorRate", "Average", "Percent", additional=True),
    Metric("OriginLatency", "p90", "Milliseconds", additional=True),
    Metric("LambdaValidationError", "Sum", "None"),
    Metric("LambdaExecutionError", "Sum", "None"),
    Metric("LambdaLimitExceededErrors", "Sum", "None"),
)
FUNCTION_METRICS: tuple[Metric, ...] = (
    Metric("FunctionValidationErrors", "Sum", "None"),
    Metric("FunctionExecutionErrors", "Sum", "None"),
    Metric("FunctionThrottles", "Sum", "None"),
)
"""Of each CloudFront Function, with a third dimension FunctionName."""

_KEPT_FOR = ((dt.timedelta(days=15), 60), (dt.timedelta(days=63), 300), (dt.timedelta(days=455), 3600))
"""How long CloudWatch keeps points of which period (seconds).
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html#metrics-retention"""
_PERIODS = (60, 300, 900, 3600, 21600, 86400)


def period_for(start: dt.datetime, end: dt.datetime, now: dt.datetime) -> int:
    """Return the finest period, in seconds, that CloudWatch still has and that gives few enough points."""
    kept = next((period for age, period in _KEPT_FOR if now - start <= age), 3600)
    enough = (end - start).total_seconds() / (MAX_POINTS - 1)
    return next((period for period in _PERIODS if period >= max(kept, enough)), _PERIODS[-1])


def start(
    steps: Steps, distribution: str, functions: Sequence[str], window: tuple[dt.datetime, dt.datetime], now: dt.datetime
) -> None:
    """Start fetching the metrics of a distribution and its CloudFront Functions in a window of time."""
    steps.start("whether additional metrics are enabled", _subscription, distribution)
    steps.start("the metrics of CloudWatch", _metrics, distribution, tuple(functions[:MAX_FUNCTIONS]), window, now)


def _subscription(steps: Steps, distribution: str) -> None:
    try:
        answer = steps.session.call("cloudfront", "GetMonitoringSubscription", DistributionId=distribution)
    except AwsError as error:
        if error.reason is Reason.NOT_FOUND and error.code == "NoSuchMonitoringSubscription":
            steps.keep(AdditionalMetrics.DISABLED)  # never enabled
            return
        raise
    config = reading.node(reading.node(answer, "MonitoringSubscription"), "RealtimeMetricsSubscriptionConfig")
    said = reading.text(config, "RealtimeMetricsSubscriptionStatus")
    steps.keep(
        {"Enabled": AdditionalMetrics.ENABLED, "Disabled": AdditionalMetrics.DISABLED}.get(
            said, AdditionalMetrics.UNKNOWN
        )
    )


def _metrics(
    steps: Steps,
    distribution: str,
    functions: tuple[str, ...],
    window: tuple[dt.datetime, dt.datetime],
    now: dt.datetime,
) -> None:
    start, end = window
    period = period_for(start, end, now)
    wanted = [(metric, "") for metric in METRICS] + [(m, name) for name in functions for m in FUNCTION_METRICS]
    points: dict[str, list[tuple[dt.datetime, float]]] = {}
    listed, more = steps.session.pages(
        "cloudwatch",
        "GetMetricData",
        "MetricDataResults",
        marks=("NextToken", "NextToken"),
        region=REGION,
        most=10,
        MetricDataQueries=[
            _query(f"m{n}", distribution, metric, name, period) for n, (metric, name) in enumerate(wanted)
        ],
        StartTime=start,
        EndTime=end,
        ScanBy="TimestampAscending",
    )
    if more:
        steps.miss(reading.some_left_out("all points of the metrics", sum(len(r.get("Values") or ()) for r in listed)))
    for result in listed:
        points.setdefault(reading.text(result, "Id"), []).extend(_points(result))
    found = (
        Series(
            metric=metric.name,
            statistic=metric.statistic,
            unit=metric.unit,
            function=reading.cut(name),
            points=tuple(sorted(points.get(f"m{n}", ()))[-MAX_POINTS:]),
        )
        for n, (metric, name) in enumerate(wanted)
    )
    steps.keep(Metrics(start=start, end=end, period=period, series=tuple(s for s in found if s.points)))


def _query(identity: str, distribution: str, metric: Metric, function: str, period: int) -> dict[str, Any]:
    dimensions = [{"Name": "DistributionId", "Value": distribution}, {"Name": "Region", "Value": "Global"}]
    if function:
        dimensions.append({"Name": "FunctionName", "Value": function})
    named = {"Namespace": NAMESPACE, "MetricName": metric.name, "Dimensions": dimensions}
    return {"Id": identity, "MetricStat": {"Metric": named, "Period": period, "Stat": metric.statistic}}


def _points(result: Mapping[str, Any]) -> list[tuple[dt.datetime, float]]:
    """Return the points of one result; what is no moment or no number is left out."""
    times, values = result.get("Timestamps"), result.get("Values")
    if not isinstance(times, list) or not isinstance(values, list):
        return []
    found = []
    for when, value in zip(times, values, strict=False):
        at = reading.moment(when)
        if at is not None and isinstance(value, int | float) and math.isfinite(value):
            found.append((at, float(value)))
    return found
