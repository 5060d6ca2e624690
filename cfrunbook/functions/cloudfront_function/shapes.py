"""Is the result a request or a response at all? If not: the hint that fits, and a conversion."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cfrunbook.findings import Json
from cfrunbook.functions.cloudfront_function import result_rules as rules
from cfrunbook.functions.cloudfront_function.case import Shape, kind_of
from cfrunbook.functions.cloudfront_function.conversions import from_api_gateway, from_lambda_edge
from cfrunbook.functions.documents import Document, FlawKind
from cfrunbook.functions.model import Edit, EventType, Violation

_RESPONSE_ONLY = ("statusCode", "statusDescription", "body")


@dataclass(frozen=True, slots=True)
class Seen:
    """What the result is: the object and its shape, or the one thing that is wrong with it as a whole."""

    result: dict[str, Any] | None = None
    shape: Shape | None = None
    violations: tuple[Violation, ...] = ()


def see(document: Document, event_type: EventType | None) -> Seen:
    """Return what a document is."""
    expected: Shape = "response" if event_type is EventType.VIEWER_RESPONSE else "request"
    if not document.is_readable:
        return _unreadable(document, expected)
    value = document.value
    if value is None:
        return _wrong(Violation(rules.MISSING, (), "null", {"problem": "null", "object": expected}))
    if not isinstance(value, dict):
        return _wrong(Violation(rules.NOT_OBJECT, (), "", {"kind": kind_of(value), "object": expected}))
    if not value:
        return _wrong(Violation(rules.IS_PROMISE, (), "{}", {}))
    if held := _held(value, expected):
        return _wrong(held)
    foreign = _foreign(value)
    if foreign is not None:
        return _wrong(foreign)
    return _own(value, event_type, expected)


def _own(value: dict[str, Any], event_type: EventType | None, expected: Shape) -> Seen:
    is_request = "uri" in value or "method" in value
    extra = [name for name in _RESPONSE_ONLY if name in value]
    if is_request and event_type is EventType.VIEWER_RESPONSE and "statusCode" not in value:
        return _wrong(Violation(rules.WRONG_KIND, (), "", {}))
    if is_request and event_type is not EventType.VIEWER_RESPONSE:
        found = [Violation(rules.BOTH_KINDS, (extra[0],), "", {"fields": extra})] if extra else []
        return Seen(value, "request", tuple(found))
    if extra or event_type is EventType.VIEWER_RESPONSE:
        return Seen(value, "response")
    keys = [str(key) for key in value]
    return _wrong(Violation(rules.NEITHER, (), "", {"keys": keys, "object": expected}))


def _unreadable(document: Document, expected: Shape) -> Seen:
    flaw = document.flaws[0]
    if flaw.kind in (FlawKind.EMPTY, FlawKind.UNDEFINED):
        problem = "undefined" if flaw.kind is FlawKind.UNDEFINED else "no output at all"
        return _wrong(Violation(rules.MISSING, (), "", {"problem": problem, "object": expected}))
    problem = f"{flaw.kind.replace('_', ' ')}: {flaw.detail}" if flaw.detail else flaw.kind.replace("_", " ")
    return _wrong(Violation(rules.UNREADABLE, (), "", {"problem": problem}))


def _held(value: dict[str, Any], expected: Shape) -> Violation | None:
    """Return the violation of a result that holds the request or response under its name."""
    holds = [name for name in (expected, "response", "request") if isinstance(value.get(name), dict)]
    if not holds or "uri" in value or "statusCode" in value:
        return None
    is_event = any(name in value for name in ("context", "viewer", "version")) or {"request", "response"} <= set(value)
    wanted = expected if is_event and expected in holds else holds[0]
    edit = Edit((), value[wanted])
    return Violation(rules.IS_EVENT if is_event else rules.WRAPPED, (), "", {"object": wanted}, (edit,))


def _foreign(value: dict[str, Any]) -> Violation | None:
    """Return the violation of a result with the structure of Lambda@Edge or API Gateway."""
    raw = value.get("headers")
    headers = raw if isinstance(raw, dict) else {}
    if isinstance(value.get("Records"), list):
        data = {"problem": "it is an event of Lambda@Edge", "object": "request"}
        return Violation(rules.LAMBDA_EDGE, (), "", data)
    if "status" in value and "statusCode" not in value:
        return _converted(rules.LAMBDA_EDGE, "status instead of statusCode", from_lambda_edge(value))
    if headers and all(isinstance(entry, list) for entry in headers.values()):
        return _converted(rules.LAMBDA_EDGE, "headers are arrays", from_lambda_edge(value))
    if "statusCode" not in value:
        return None
    if "isBase64Encoded" in value or "multiValueHeaders" in value:
        return _converted(rules.API_GATEWAY, "isBase64Encoded or multiValueHeaders", from_api_gateway(value))
    if headers and all(isinstance(entry, str | int | float) for entry in headers.values()):
        return _converted(rules.API_GATEWAY, "each header is plain text", from_api_gateway(value))
    return None


def _converted(rule: Any, problem: str, converted: Json) -> Violation:
    return Violation(rule, (), "", {"problem": problem, "object": "response"}, (Edit((), converted),))


def _wrong(*violations: Violation) -> Seen:
    return Seen(violations=tuple(violations))


def flaws_of(document: Document) -> Iterable[Violation]:
    """Yield what the JSON itself hides, for a result that could be read."""
    said = {
        FlawKind.DUPLICATE_KEY: "has a key twice",
        FlawKind.NOT_FINITE: "holds a number that JSON does not have",
        FlawKind.LONE_SURROGATE: "holds half of a character",
    }
    for flaw in document.flaws:
        if flaw.kind in said:
            problem = f"{said[flaw.kind]} ({flaw.detail})" if flaw.detail else said[flaw.kind]
            yield Violation(rules.JSON_FLAW, flaw.path or (), "", {"problem": problem})
