"""The event that a Lambda@Edge function was called with, read leniently: a test event lacks much of a real one.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-event-structure.html
"""

from __future__ import annotations

from typing import Any

from cfrunbook.functions.documents import Document
from cfrunbook.functions.lambda_edge.subject import Event
from cfrunbook.functions.model import EventType


def cf_of(value: Any) -> dict[str, Any] | None:
    """Return `Records[0].cf` of an event, or None where there is none."""
    records = value.get("Records") if isinstance(value, dict) else None
    first = records[0] if isinstance(records, list) and records else None
    cf = first.get("cf") if isinstance(first, dict) else None
    return cf if isinstance(cf, dict) else None


def type_of(value: Any) -> EventType | None:
    """Return the type that an event says it has, or None."""
    cf = cf_of(value)
    config = cf.get("config") if cf else None
    name = config.get("eventType") if isinstance(config, dict) else None
    return EventType(name) if isinstance(name, str) and name in set(EventType) else None


def read(document: Document, event_type: EventType | None = None) -> tuple[Event | None, str]:
    """Return the event, and else why it cannot be compared with a result of an `event_type` function (after "it ")."""
    if not document.is_readable:
        return None, "it cannot be read as JSON"
    cf = cf_of(document.value)
    if cf is None:
        return None, "it has no Records[0].cf"
    own = type_of(document.value)
    if own and event_type and own is not event_type:
        return None, f"it is of a {own} function, not of {event_type}"
    request, response = cf.get("request"), cf.get("response")
    if not isinstance(request, dict):
        return None, "it has no Records[0].cf.request"
    event = Event(own, request, response if isinstance(response, dict) else None)
    kind = event_type or own
    if kind and not kind.is_request and event.response is None:
        return None, "it has no Records[0].cf.response"
    return event, ""
