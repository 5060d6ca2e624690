"""What a Lambda@Edge result is at all: a request, a response, or one of the things that people return by mistake."""

from __future__ import annotations

import json
from typing import Any

from cfrunbook.findings import Json
from cfrunbook.functions.lambda_edge import events
from cfrunbook.functions.lambda_edge import result_rules as rules
from cfrunbook.functions.lambda_edge.converting import from_api_gateway, from_cloudfront_functions
from cfrunbook.functions.lambda_edge.subject import Event, Object, found, members
from cfrunbook.functions.model import DELETE, Edit, EventType, Violation
from cfrunbook.functions.secrets import describe

REQUEST, RESPONSE = "request", "response"
_REQUEST_MEMBERS = ("uri", "method")
_ONLY_REQUEST = (*_REQUEST_MEMBERS, "querystring", "clientIp", "origin")


def shape_of(value: Json, event_type: EventType | None, event: Event | None) -> tuple[str, list[Violation]]:
    """Return `request` or `response`, or empty with the violation that says why the result is neither."""
    if not isinstance(value, dict):
        return "", [_no_object(value)]
    if not value:
        return "", [found(rules.RESULT_EMPTY_OBJECT, shown="{}")]
    wrapped = _wrapped(value, event_type) or _foreign(value, event)
    if wrapped:
        return "", [wrapped]
    if event_type and not event_type.is_request:
        return _of_response_event(value, event_type, event)
    requestish = [f"“{name}”" for name in _REQUEST_MEMBERS if name in value]
    if "status" in value:
        if not requestish:
            return RESPONSE, []
        edits = (Edit((name,), DELETE) for name in _ONLY_REQUEST)
        return RESPONSE, [found(rules.RESULT_BOTH_SHAPES, edits=edits, members=requestish)]
    if requestish:
        return REQUEST, []
    if "statusDescription" in value or "bodyEncoding" in value or isinstance(value.get("body"), str):
        return RESPONSE, []
    return "", [_neither(value, event_type)]


def _of_response_event(value: Object, event_type: EventType, event: Event | None) -> tuple[str, list[Violation]]:
    if "status" not in value and any(name in value for name in _REQUEST_MEMBERS):
        edits = [Edit((), event.response)] if event and event.response else []
        return "", [found(rules.RESULT_REQUEST_FOR_RESPONSE, edits=edits, event_type=event_type.value)]
    if any(name in value for name in ("status", "statusDescription", "headers", "body", "bodyEncoding")):
        return RESPONSE, []
    return "", [_neither(value, event_type)]


def _neither(value: Object, event_type: EventType | None) -> Violation:
    return found(rules.RESULT_SHAPE, shown=describe(value), members=members(value), object=_wanted(event_type))


def _wanted(event_type: EventType | None) -> str:
    return RESPONSE if event_type and not event_type.is_request else REQUEST


def _no_object(value: Json) -> Violation:
    match value:
        case None:
            return found(rules.RESULT_NULL, shown="null", what="null")
        case list():
            edits = [Edit((), value[0])] if len(value) == 1 and isinstance(value[0], dict) else []
            return found(rules.RESULT_ARRAY, shown=describe(value), edits=edits)
        case str():
            inner = _inner_json(value)
            return found(rules.RESULT_STRING, shown=describe(value), edits=[Edit((), inner)] if inner else [])
    return found(rules.RESULT_SCALAR, shown=describe(value))


def _inner_json(text: str) -> Object | None:
    """Return the object that a string holds as JSON, or None."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        inner = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return inner if isinstance(inner, dict) else None


def _wrapped(value: Object, event_type: EventType | None) -> Violation | None:
    """Return the violation of a result that wraps what it should be: the event, or a part of it."""
    cf = events.cf_of(value)
    if cf is not None:
        object_name = _wanted(event_type or events.type_of(value))
        return found(rules.RESULT_EVENT, edits=_unwrap(cf, object_name), object=object_name)
    inside = value.get("cf") if isinstance(value.get("cf"), dict) else value
    parts = [name for name in (REQUEST, RESPONSE) if isinstance(inside, dict) and isinstance(inside.get(name), dict)]
    if not parts or "status" in value or any(name in value for name in _REQUEST_MEMBERS):
        return None
    object_name = _wanted(event_type) if event_type else parts[-1]
    shown = [f"“{name}”" for name in parts]
    return found(rules.RESULT_CF, edits=_unwrap(inside, object_name), object=object_name, members=shown)


def _unwrap(cf: Any, object_name: str) -> list[Edit]:
    inner = cf.get(object_name)
    return [Edit((), inner)] if isinstance(inner, dict) else []


def _foreign(value: Object, event: Event | None) -> Violation | None:
    """Return the violation of a result that is shaped for another service."""
    if "status" in value:
        return None
    headers = value.get("headers")
    hints = [f"“{name}”" for name in ("cookies", "querystring") if isinstance(value.get(name), dict)]
    if isinstance(headers, dict) and headers and all(_is_functions_header(entry) for entry in headers.values()):
        hints.append("headers as objects")
    if "statusCode" in value and hints:
        hints.insert(0, "“statusCode”")
    if hints:
        edits = [Edit((), from_cloudfront_functions(value, event))]
        return found(rules.RESULT_CLOUDFRONT_FUNCTIONS, edits=edits, members=hints)
    if "statusCode" in value:
        return found(rules.RESULT_API_GATEWAY, edits=[Edit((), from_api_gateway(value))])
    return None


def _is_functions_header(entry: Any) -> bool:
    return isinstance(entry, dict) and ("value" in entry or "multiValue" in entry)
