"""A diagnosis as one small JSON document for pagers and chats: neutral fields, and the same in the words of three.

Nothing is sent: a hook of yours picks the document up and adds what only you have, a webhook's address or a routing
key. Slack: https://docs.slack.dev/messaging/formatting-message-text/. PagerDuty Events API v2:
https://developer.pagerduty.com/docs/send-alert-event. ServiceNow, the Table API on `incident`:
https://www.servicenow.com/docs/bundle/zurich-api-reference/page/integrate/inbound-rest/concept/c_TableAPI.html
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from cfrunbook.evidence import Observations
from cfrunbook.findings import Cause, Diagnosis, Finding, Struct, schema_of
from cfrunbook.text import visible
from cfrunbook.views import html, outline

Severity = Literal["critical", "error", "warning", "info"]
"""PagerDuty's four."""
LONGEST_TITLE = 160
"""Characters of ServiceNow's `short_description`."""
LONGEST_TEXT = 1024
"""Characters of PagerDuty's `summary`."""
LONGEST_DESCRIPTION = 4000
"""Characters of ServiceNow's `description`."""
_MARKS = re.compile(r"(?<![^\W_])[*_~`]|[*_~`](?![^\W_])")
"""What Slack makes bold, italic, struck out or code: not within a word, where codes and names have underscores."""
_URGENCY = {"critical": "1", "error": "2", "warning": "2", "info": "3"}


class Notification(Struct, frozen=True, kw_only=True):
    """What a pager is told of a diagnosis."""

    kind: Literal["cfrunbook.notification"] = "cfrunbook.notification"
    schema: Literal[1] = 1
    status: Literal["fault", "ok", "unknown"]
    severity: Severity
    title: str
    """One line for a list of alerts."""
    sentence: str
    """The verdict."""
    cause: Cause | None
    code: str
    cloudfront_status: int | None
    confidence: str
    url: str
    origin: str
    distribution: str
    seen_from: str
    seen_at: dt.datetime | None
    next_step: str
    """What to do, or what to look at, first."""
    source: str
    """The public page about it."""
    report: str
    """Where the report was written; empty: it was not."""
    anchor: str
    """The part of the report about the root cause, `#finding-…`; empty where there is none."""
    dedup_key: str
    """The same in every run about this distribution, URL host and origin, whatever is found: one alert."""
    problems: tuple[str, ...]
    """What went wrong with the report, a sentence each: a runbook failed, a disk was full. Empty: it is whole."""
    lab: str
    """The lab scenario; empty for a real incident."""
    slack: dict[str, Any]
    """The body for an incoming webhook."""
    pagerduty: dict[str, Any]
    """The body for the Events API v2, without `routing_key`. It never resolves an alert: one look is no proof."""
    servicenow: dict[str, Any]
    """The fields of an incident; look for an open one by `correlation_id` first."""

    def to_json(self) -> bytes:
        """Return this as JSON (UTF-8, indented)."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a notification."""
    return schema_of(Notification, "cfrunbook notification")


def of(
    diagnosis: Diagnosis, seen: Observations | None = None, *, report: str = "", problems: Sequence[str] = ()
) -> Notification:
    """Return the notification of a diagnosis; `report` is where its report is, `problems` what went wrong with that."""
    verdict, first = diagnosis.verdict, outline.root(diagnosis)
    anchors = outline.anchors(diagnosis.findings)
    anchor = next((f"#{a.own}" for f, a in zip(diagnosis.findings, anchors, strict=True) if f is first), "")
    severity: Severity = {"fault": "critical", "unknown": "warning", "ok": "info"}[verdict.status]  # type: ignore[assignment]
    source = first.source if first else verdict.page
    lab = outline.lab_of(diagnosis)
    if lab:
        severity = "info"
    url, distribution = (outline.given(diagnosis.inputs, name) for name in ("url", "distribution"))
    sentence = visible(("LAB: " if lab else "") + verdict.sentence, LONGEST_TEXT)
    neutral = Notification(
        status=verdict.status,
        severity=severity,
        title=visible(("LAB: " if lab else "") + (first.title if first else verdict.sentence), LONGEST_TITLE),
        sentence=sentence,
        cause=verdict.cause,
        code=visible(verdict.code or "", 200),
        cloudfront_status=verdict.cloudfront_status,
        confidence=verdict.confidence,
        url=url,
        origin=visible(verdict.target or outline.given(diagnosis.inputs, "origin")),
        distribution=distribution,
        seen_from=visible(seen.vantage if seen else outline.given(diagnosis.inputs, "vantage")),
        seen_at=seen.recorded_at if seen else None,
        next_step=visible(_next_step(diagnosis, first), LONGEST_TEXT),
        source=source if html.linkable(source) else "",
        report=visible(report, LONGEST_TEXT),
        anchor=anchor,
        dedup_key=_dedup_key(diagnosis),
        problems=tuple(visible(problem, LONGEST_TEXT) for problem in problems),
        lab=lab,
        slack={},
        pagerduty={},
        servicenow={},
    )
    return msgspec.structs.replace(
        neutral, slack=_slack(neutral), pagerduty=_pagerduty(neutral), servicenow=_servicenow(neutral)
    )


def _next_step(diagnosis: Diagnosis, first: Finding | None) -> str:
    if first is not None and first.remedy.steps:
        return first.remedy.steps[0].text
    return diagnosis.verdict.next_check or (first.next_check if first else "")


def _dedup_key(diagnosis: Diagnosis) -> str:
    """Return a key from what the incident is about, not from what was found, which may change while it goes on."""
    from urllib.parse import urlsplit

    url = outline.given(diagnosis.inputs, "url")
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        host = url
    origin = diagnosis.verdict.target or outline.given(diagnosis.inputs, "origin")
    about = (outline.lab_of(diagnosis), outline.given(diagnosis.inputs, "distribution"), host, origin)
    if not any(about):
        about = (outline.given(diagnosis.inputs, "name"), "", "", "")
    digest = hashlib.sha256("\n".join(about).encode("utf-8", "backslashreplace")).hexdigest()
    return f"cfrunbook-{digest[:24]}"


def _details(value: Notification) -> dict[str, str]:
    """Return what people want to read below the title, in that order, without what is not known."""
    told = {
        "Verdict": value.sentence,
        "Cause": outline.CAUSE_TITLES[value.cause] if value.cause else "",
        "Code": value.code,
        "CloudFront answers": str(value.cloudfront_status or ""),
        "Confidence": value.confidence,
        "URL": value.url,
        "Origin": value.origin,
        "Distribution": value.distribution,
        "Seen from": value.seen_from,
        "Next": value.next_step,
        "Source": value.source,
        "Report": value.report,
        "Problems": " ".join(value.problems),
    }
    return {name: text for name, text in told.items() if text}


def _slack(value: Notification) -> dict[str, Any]:
    mark = {"fault": ":red_circle:", "unknown": ":large_yellow_circle:", "ok": ":white_check_mark:"}[value.status]
    shown = _details(value)
    lines = [f"{mark} *{_mrkdwn(shown.pop('Verdict', value.title))}*"]
    lines += [f"{name}: {_mrkdwn(text)}" for name, text in shown.items()]
    return {"text": "\n".join(lines), "unfurl_links": False}


def _mrkdwn(text: str) -> str:
    """Return `text` so that Slack makes no mention, link or markup of it.

    https://docs.slack.dev/messaging/formatting-message-text/#escaping
    """
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKS.sub("\\g<0>\u200b", escaped)  # a zero-width space: Slack has no escape for these


def _pagerduty(value: Notification) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "summary": value.sentence,
        "source": value.distribution or value.origin or value.url or value.seen_from or "cfrunbook",
        "severity": value.severity,
        "component": value.origin,
        "group": value.distribution,
        "class": value.code or value.status,
        "custom_details": _details(value),
    }
    if value.seen_at is not None:
        payload["timestamp"] = value.seen_at.isoformat()
    return {
        "event_action": "trigger",
        "dedup_key": value.dedup_key,
        "client": "cfrunbook",
        "payload": {name: part for name, part in payload.items() if part},
        "links": [{"href": value.source, "text": "AWS about it"}] if value.source else [],
    }


def _servicenow(value: Notification) -> dict[str, Any]:
    description = "\n".join(f"{name}: {text}" for name, text in _details(value).items())
    return {
        "short_description": value.title,
        "description": description[:LONGEST_DESCRIPTION],
        "category": "network",
        "urgency": _URGENCY[value.severity],
        "impact": _URGENCY[value.severity],
        "correlation_id": value.dedup_key,
        "correlation_display": "cfrunbook",
    }
