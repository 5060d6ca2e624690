"""Alarms and their notifications: which distribution, which metric, and when. Pure and bounded.

CloudWatch's own (SNS, EventBridge, describe-alarms), and what pagers wrap around them.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/monitoring-using-cloudwatch.html
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from typing import Any

from cfrunbook.evidence import GivenKind
from cfrunbook.recognizing import mentions, words
from cfrunbook.recognizing.taken import SAID, Taken
from cfrunbook.text import join_names, visible

MAX_NODES = 5000
"""Members of a document that are looked at."""
MAX_NESTED = 3
"""JSON texts within JSON texts: SNS puts CloudWatch's into its own, a pager both into its own."""
MAX_DEPTH = 40

_SIGNS = frozenset({
    "AlarmName", "alarmName", "NewStateValue", "MetricAlarms", "TopicArn", "incident", "messages", "event_type",
    "detail-type", "MetricDataResults", "Datapoints", "routing_key", "incident_key",
})  # fmt: skip
_MOMENTS = (
    "StateTransitionedTimestamp", "StateChangeTime", "timestamp", "StateUpdatedTimestamp", "occurred_at", "created_at",
    "triggered_at", "time", "Timestamp", "created_on",
)  # fmt: skip
"""Members that say when, the most telling first: when the alarm's state changed, when a pager heard of it."""


def read(value: Any) -> list[Taken] | None:
    """Return what an alarm, or a message about one, says; None where the document is none. Never raises."""
    nodes = list(_walk(value))
    objects = [node for node in nodes if isinstance(node, Mapping)]
    if not any(_SIGNS & node.keys() for node in objects[:200]):
        return None
    metrics = list(dict.fromkeys(_texts(objects, ("MetricName", "metricName", "Label", "name"))))
    names = list(dict.fromkeys(_texts(objects, ("AlarmName", "alarmName"))))
    spaces = list(dict.fromkeys(_texts(objects, ("Namespace", "namespace"))))
    identities = list(dict.fromkeys(_dimensions(objects)))
    found = [words.distribution_id(i, "the distribution that an alarm is about", SAID) for i in identities]
    if (moment := _moment(objects)) is not None:
        found.append(words.time(moment, "when the alarm's state changed"))
    text = "\n".join(node for node in nodes if isinstance(node, str))
    mentioned = [t for t in mentions.read(text) if t.kind is not GivenKind.TIME and t.identity not in identities]
    if identities:
        mentioned = [t for t in mentioned if t.kind is not GivenKind.DISTRIBUTION_ID]
    if not names and not identities and not metrics and not mentioned:
        return None
    about = next((m for m in metrics if m.endswith(("Rate", "Requests", "Latency", "Errors"))), "")
    other = next((s for s in spaces if s.startswith("AWS/") and s not in ("AWS/CloudFront", "AWS/Lambda")), "")
    what = " ".join(
        part
        for part in (
            "an alarm or a pager's message" if not names else f"the alarm '{visible(names[0], 120)}'",
            f"about {visible(about, 60)}" if about else "",
            f"of {visible(other, 60)}" if other else "",
        )
        if part
    )
    notes = []
    if other and not identities:
        notes.append(f"It is about {visible(other, 60)}, not about CloudFront: it names no distribution.")
    elif not identities and not any(t.input == "distribution" for t in mentioned):
        notes.append("It names no distribution: an alarm of CloudFront has the dimension DistributionId.")
    if len(names) > 1:
        notes.append(f"It tells of {len(names)} alarms: {join_names([visible(n, 80) for n in names], 4)}.")
    return [Taken(kind=GivenKind.ALARM, what=what, notes=tuple(notes)), *found, *mentioned]


def _walk(value: Any, depth: int = 0, nested: int = 0) -> Iterator[Any]:
    """Yield the members of a document, also of JSON that stands in it as text; at most `MAX_NODES`."""
    left = [(value, depth, nested)]
    given = 0
    while left and given < MAX_NODES:
        node, depth, nested = left.pop()
        given += 1
        if isinstance(node, str) and nested < MAX_NESTED and node.lstrip()[:1] in ("{", "["):
            try:
                node, nested = json.loads(node), nested + 1
            except (ValueError, RecursionError):
                yield node
                continue
        yield node
        if depth >= MAX_DEPTH:
            continue
        if isinstance(node, Mapping):
            left += [(inner, depth + 1, nested) for inner in reversed(list(node.values())[:MAX_NODES])]
        elif isinstance(node, list):
            left += [(inner, depth + 1, nested) for inner in reversed(node[:MAX_NODES])]


def _texts(objects: list[Mapping[str, Any]], keys: tuple[str, ...]) -> Iterator[str]:
    for key in keys:
        for node in objects:
            if isinstance(found := node.get(key), str) and found:
                yield found


def _dimensions(objects: list[Mapping[str, Any]]) -> Iterator[str]:
    """Yield ids of distributions in dimensions, in each of the ways that AWS writes them."""
    for node in objects:
        direct = node.get("DistributionId")
        named = node.get("Name", node.get("name"))
        value = node.get("Value", node.get("value")) if named == "DistributionId" else direct
        if isinstance(value, str) and words.ID.fullmatch(value):
            yield value


def _moment(objects: list[Mapping[str, Any]]) -> dt.datetime | None:
    for key in _MOMENTS:
        for text in _texts(objects, (key,)):
            if (moment := words.time_of(text.strip())) is not None:
                return moment
    return None
