"""Read event files: whose event it is, Lambda@Edge's or a CloudFront Function's, and of which type.

Events come as a whole (`{"Records": [{"cf": …}]}`), as one record, as its `cf` object, as an event of CloudFront
Functions, and wrapped by the tools that keep them; several may be in one file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from cfrunbook.cloudfront import documents
from cfrunbook.cloudfront.distribution import EventType
from cfrunbook.cloudfront.documents import Source, kind
from cfrunbook.cloudfront.function_associations import VIEWER_EVENTS
from cfrunbook.errors import BadInput
from cfrunbook.functions.model import Kind
from cfrunbook.text import join_names, visible

MAX_EVENTS = 1000
"""Events that are read of one file."""
_MAX_WRAPPERS = 6
_WRAPPERS = ("event", "Event", "payload", "Payload", "input", "body", "value", "examples", "components")
"""Members under which tools keep an event: test harnesses, `sam remote test-event`, invocation logs."""
_GENERATE = "cfrunbook can make one from the distribution and the URL"


class FunctionEvent(msgspec.Struct, frozen=True):
    """One event, and what it is."""

    kind: Kind
    event_type: EventType
    document: dict[str, Any]
    """The event as a function is handed it: of Lambda@Edge with `Records`, of CloudFront Functions with `version`."""
    where: str = ""
    """JSON path in the file; empty: the file is the event."""
    is_inferred: bool = False
    """The event does not say its type; it follows from what it holds."""

    @property
    def core(self) -> dict[str, Any]:
        """What holds `request` and `response`: the `cf` object, or the event itself."""
        found: dict[str, Any] = self.document["Records"][0]["cf"] if self.kind is Kind.LAMBDA_EDGE else self.document
        return found

    @property
    def request(self) -> dict[str, Any]:
        """The request of the event."""
        found: dict[str, Any] = self.core["request"]
        return found

    @property
    def response(self) -> dict[str, Any] | None:
        """The response of the event; None at request events."""
        found: dict[str, Any] | None = self.core.get("response")
        return found if self.event_type.endswith("response") else None

    @property
    def request_id(self) -> str:
        """CloudFront's id of the request; empty where the event has none."""
        config = self.core.get("config" if self.kind is Kind.LAMBDA_EDGE else "context")
        found = config.get("requestId") if isinstance(config, dict) else None
        return found if isinstance(found, str) else ""


def read_event(source: Source, *, event_type: EventType | str = "") -> FunctionEvent:
    """Return the one event in a file, in bytes, in JSON text or in a dictionary; of several, the one of `event_type`.

    Raises BadInput with one sentence where there is none, more than one, or something else instead.
    """
    found = read_events(source)
    chosen = [event for event in found if event.event_type == event_type] if event_type else list(found)
    if len(chosen) == 1:
        return chosen[0]
    listed = join_names([f"{e.event_type} at {e.where or 'the top'}" for e in found], 6)
    if event_type and not chosen:
        raise BadInput(f"Event: there is none of type '{visible(event_type, 40)}'; there is: {listed}.")
    of_type = f" of type {event_type}" if event_type else "; give the event type to choose one"
    raise BadInput(f"Event: the file holds {len(chosen)} events{of_type}: {listed}.")


def read_events(source: Source) -> tuple[FunctionEvent, ...]:
    """Return the events in a file, in its order; also of JSON Lines. Raises BadInput; see `read_event`."""
    document = _document(source)
    found = tuple(_events(document, "", 0))
    if len(found) > MAX_EVENTS:
        raise BadInput(f"Event: the file holds more than {MAX_EVENTS} events; give fewer.")
    if not found:
        raise BadInput(f"Event: the file holds none; {_GENERATE}.")
    return found


def _document(source: Source) -> Any:
    try:
        return documents.read(source, "Event")
    except BadInput:
        lines = _lines(source)
        if lines is None:
            raise
        return [documents.read(line, "Event") for line in lines]


def _lines(source: Source) -> list[str] | None:
    """Return the lines of what may be JSON Lines; None where it cannot be."""
    if isinstance(source, Path) or (isinstance(source, str) and source.lstrip()[:1] not in ("{", "[")):
        from cfrunbook.files import read_bounded

        source = read_bounded(Path(source), "Event", documents.MAX_BYTES)
    if isinstance(source, bytes):
        source = source.decode("utf-8-sig", "replace")
    if not isinstance(source, str):
        return None
    lines = [line for line in source.splitlines() if line.strip()]
    is_each_one = len(lines) > 1 and all(line.lstrip()[:1] == "{" and line.rstrip()[-1:] == "}" for line in lines)
    return lines[: MAX_EVENTS + 1] if is_each_one else None


def _events(value: Any, where: str, depth: int) -> Iterator[FunctionEvent]:
    """Yield the events in a JSON value. Raises BadInput for what is known to be something else, or is nothing known."""
    if depth > _MAX_WRAPPERS:
        raise BadInput("Event: it is wrapped too deeply; give the event itself.")
    if isinstance(value, str) and value.lstrip()[:1] == "{":
        value = documents.read(value, "Event")
    if isinstance(value, list):
        for index, item in enumerate(value[: MAX_EVENTS + 1]):
            yield from _events(item, f"{where}[{index}]", depth + 1)
        return
    if not isinstance(value, Mapping):
        raise BadInput(f"Event: {where or 'it'} is {kind(value)}, not an event; {_GENERATE}.")
    made = _one(value, where)
    if made is not None:
        yield from made
        return
    if misfit := _misfit(value):
        raise BadInput(f"Event: {where or 'this'} is {misfit}.")
    inner = [key for key in _WRAPPERS if isinstance(value.get(key), Mapping | list | str)]
    named = {key: item for key, item in value.items() if isinstance(item, Mapping) and _looks_like_one(item)}
    if inner:
        yield from _events(value[inner[0]], f"{where}.{inner[0]}" if where else inner[0], depth + 1)
    elif named:
        for key, item in named.items():
            yield from _events(item, f"{where}.{key}" if where else visible(key, 80), depth + 1)
    else:
        members = visible(", ".join(map(str, value)), 80) or "none"
        raise BadInput(
            f"Event: {where or 'this'} is no event of an edge function (its members: {members}); {_GENERATE}."
        )


def _looks_like_one(value: Mapping[str, Any]) -> bool:
    return bool(value.keys() & {"Records", "cf", "context", "config", *_WRAPPERS})


def _one(value: Mapping[str, Any], where: str) -> list[FunctionEvent] | None:
    """Return the events that an object is by itself; None where it is none."""
    records = value.get("Records")
    if isinstance(records, list):
        cores = [r["cf"] for r in records if isinstance(r, Mapping) and isinstance(r.get("cf"), Mapping)]
        if not records or len(cores) != len(records):
            return None
        at = [f"{where}.Records[{i}]" if where else f"Records[{i}]" for i in range(len(cores))]
        many = len(cores) > 1
        return [_lambda_edge(core, place if many else where) for core, place in zip(cores, at, strict=True)]
    if isinstance(value.get("cf"), Mapping):
        return [_lambda_edge(value["cf"], where)]
    if isinstance(value.get("config"), Mapping) and isinstance(value.get("request"), Mapping):
        return [_lambda_edge(value, where)]
    is_function = isinstance(value.get("context"), Mapping) and isinstance(value.get("request"), Mapping)
    if is_function and "requestContext" not in value and "httpMethod" not in value:
        return [_function(value, where)]
    return None


def _lambda_edge(core: Mapping[str, Any], where: str) -> FunctionEvent:
    place = where or "the event"
    request = _object(core, "request", place)
    _object(request, "headers", f"{place}: request")
    config = core.get("config")
    said = config.get("eventType") if isinstance(config, Mapping) else None
    if said is None:
        at_origin, is_response = "origin" in request, "response" in core
        event_type = EventType(f"{'origin' if at_origin else 'viewer'}-{'response' if is_response else 'request'}")
    else:
        event_type = _type(said, tuple(EventType), place)
    if event_type.endswith("response"):
        _object(core, "response", place)
    return FunctionEvent(Kind.LAMBDA_EDGE, event_type, {"Records": [{"cf": dict(core)}]}, where, said is None)


def _function(event: Mapping[str, Any], where: str) -> FunctionEvent:
    place = where or "the event"
    version = event.get("version", "1.0")
    if version != "1.0":
        raise BadInput(
            f"Event: {place} has the version '{visible(version, 20)}'; CloudFront Functions have events of version 1.0."
        )
    said = event["context"].get("eventType")
    is_response = isinstance(event.get("response"), Mapping) and bool(event["response"])
    event_type = (
        _type(said, tuple(VIEWER_EVENTS), place)
        if said is not None
        else EventType.VIEWER_RESPONSE
        if is_response
        else EventType.VIEWER_REQUEST
    )
    if event_type is EventType.VIEWER_RESPONSE:
        _object(event, "response", place)
    return FunctionEvent(Kind.CLOUDFRONT_FUNCTION, event_type, dict(event), where, said is None)


def _type(said: Any, possible: tuple[EventType, ...], place: str) -> EventType:
    if isinstance(said, str) and said in possible:
        return EventType(said)
    shown = visible(said if isinstance(said, str) else json.dumps(said), 40)
    raise BadInput(f"Event: {place} has the eventType {shown!r}, which is none of {', '.join(sorted(possible))}.")


def _object(node: Mapping[str, Any], key: str, place: str) -> Mapping[str, Any]:
    found = node.get(key)
    if not isinstance(found, Mapping):
        what = kind(found) if key in node else "missing"
        raise BadInput(f"Event: {place}: {key} is {what}, not an object; CloudFront hands no function such an event.")
    return found


def _source_of(event: Mapping[str, Any]) -> str:
    """Return the service that a `Records` event names: `aws:s3`."""
    records = event.get("Records")
    first = records[0] if isinstance(records, list) and records else None
    named = (first.get("eventSource") or first.get("EventSource")) if isinstance(first, Mapping) else None
    return named if isinstance(named, str) else ""


def _context(event: Mapping[str, Any]) -> Mapping[str, Any]:
    found = event.get("requestContext")
    return found if isinstance(found, Mapping) else {}


_OTHERS: tuple[tuple[str, Callable[[Mapping[str, Any]], bool]], ...] = (
    (
        "an Application Load Balancer's event, not CloudFront's: such a function is a target of the load balancer",
        lambda e: "elb" in _context(e),
    ),
    (
        "a Lambda function URL's event, not CloudFront's: such a function is an origin, not an edge function",
        lambda e: "http" in _context(e) and ".lambda-url." in str(_context(e).get("domainName", "")),
    ),
    (
        "an API Gateway event (HTTP API), not CloudFront's: such a function is behind an origin",
        lambda e: "http" in _context(e) or "routeKey" in e,
    ),
    (
        "an API Gateway event, not CloudFront's: such a function is behind an origin",
        lambda e: "httpMethod" in e or "methodArn" in e or "authorizationToken" in e or bool(_context(e)),
    ),
    ("an S3 event, not CloudFront's: Amazon S3 notifies such a function", lambda e: _source_of(e) == "aws:s3"),
    (
        "an event of another service, not CloudFront's: the eventSource of its records says so",
        lambda e: bool(_source_of(e)),
    ),
    ("an EventBridge event, not CloudFront's", lambda e: "detail-type" in e),
    (
        "an event of a connection function (viewer mutual TLS), which returns neither request nor response",
        lambda e: "clientCertificate" in e or "connectionId" in e,
    ),
    (
        "a CloudFront distribution; give it as distribution, and the function's event here",
        lambda e: bool(e.keys() & {"Distribution", "DistributionConfig", "Origins"}),
    ),
    (
        "a function's result, not its event; give it as result",
        lambda e: bool(e.keys() & {"status", "statusCode"}) or {"uri", "method"} <= e.keys(),
    ),
)
"""What people give by mistake, and how to tell; the first that holds."""


def _misfit(event: Mapping[str, Any]) -> str:
    return next((says for says, holds in _OTHERS if holds(event)), "")
