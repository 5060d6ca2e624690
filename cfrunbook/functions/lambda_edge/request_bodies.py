"""Checks of the body that a function puts into a request, in place of the viewer's.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-include-body-access.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from cfrunbook.functions.documents import Base64, plain_base64
from cfrunbook.functions.lambda_edge import request_rules as rules
from cfrunbook.functions.lambda_edge.response_rules import BODY_BASE64_UNUSUAL, SIZE_UNCLEAR
from cfrunbook.functions.lambda_edge.responses import Limit, limit
from cfrunbook.functions.lambda_edge.subject import Object, Subject, found, new
from cfrunbook.functions.model import DELETE, Edit, EventType, Violation
from cfrunbook.functions.secrets import describe
from cfrunbook.text import visible

LIMITS: dict[tuple[bool, str], Limit] = {
    (True, "text"): limit(40),
    (True, "base64"): limit(53.2),
    (False, "text"): limit(1000),
    (False, "base64"): limit(1330),
}
"""By whether the event is a viewer event, and the encoding of the data: what a replaced body may be."""
_BODY, _ACTION, _ENCODING, _DATA = ("body",), ("body", "action"), ("body", "encoding"), ("body", "data")


def check(subject: Subject) -> None:
    """Check `body` of a request, where there is one."""
    if "body" not in subject.value:
        return
    body, before = subject.value["body"], subject.before
    old = before.get("body") if before else None
    if not isinstance(body, dict):
        if before is None or "body" not in before or isinstance(old, dict):
            subject.add(found(rules.REQUEST_BODY_TYPE, _BODY, describe(body), _whole_body(body, old)))
        return
    subject.add(*new(_member_violations, body, old if isinstance(old, dict) else None))
    was = old.get("inputTruncated") if isinstance(old, dict) else None
    if was is not None and body.get("inputTruncated", was) is not was:
        path = ("body", "inputTruncated")
        subject.add(found(rules.INPUT_TRUNCATED_CHANGED, path, edits=[Edit(path, was)]))
    if body.get("action") == "replace":
        if before is not None and "body" not in before:
            subject.add(found(rules.REQUEST_BODY_NOT_INCLUDED, _BODY))
        _check_data(subject, body)


def _whole_body(body: Any, old: Any) -> list[Edit]:
    if body is None:
        return [Edit(_BODY, old if isinstance(old, dict) else DELETE)]
    data = body if isinstance(body, str) else json.dumps(body)
    return [Edit(_BODY, {"action": "replace", "encoding": "text", "data": data})]


def _member_violations(body: Object) -> Iterator[Violation]:
    action, encoding = body.get("action", "read-only"), body.get("encoding", "base64")
    if action not in ("read-only", "replace"):
        lower = action.lower() if isinstance(action, str) else ""
        edits = [Edit(_ACTION, lower if lower in ("read-only", "replace") else "replace")]
        yield found(rules.REQUEST_BODY_ACTION, _ACTION, _shown(action), edits)
    if encoding not in ("base64", "text"):
        lower = encoding.lower() if isinstance(encoding, str) else ""
        edits = [Edit(_ENCODING, lower if lower in ("base64", "text") else "text")]
        yield found(rules.REQUEST_BODY_ENCODING, _ENCODING, _shown(encoding), edits)


def _shown(value: Any) -> str:
    return f"“{visible(value, 40)}”" if isinstance(value, str) else describe(value)


def _check_data(subject: Subject, body: Object) -> None:
    """Check the data of a body that is to replace the viewer's."""
    data, encoding = body.get("data"), body.get("encoding", "base64")
    if not isinstance(data, str):
        mended = "" if data is None else json.dumps(data)
        shown = describe(data) if "data" in body else "missing"
        edits = [Edit(_DATA, mended), Edit(_ENCODING, "text")]
        subject.add(found(rules.REQUEST_BODY_DATA_TYPE, _DATA, shown, edits))
        return
    if encoding not in ("base64", "text"):
        return
    size = subject.document.measure(_DATA, data, as_base64=encoding == "base64")
    if encoding == "base64" and size.base64 is Base64.NOT:
        said = "“base64”" if "encoding" in body else "not given"
        shown = f"a string of {size.size:,} bytes"
        edits = [Edit(_ENCODING, "text")]
        subject.add(found(rules.REQUEST_BODY_BASE64, _DATA, shown, edits, encoding=said))
        return
    if encoding == "base64" and size.base64 is not Base64.STRICT:
        edits = [Edit(_DATA, plain_base64(data))]
        subject.add(found(BODY_BASE64_UNUSUAL, _DATA, edits=edits, problem=size.base64.value))
    event_type = subject.event_type or EventType.ORIGIN_REQUEST
    allowed = LIMITS[event_type.is_viewer, encoding]
    words: Object = {"event_type": event_type.value}
    if size.size > allowed.high:
        edits = [Edit(_ACTION, "read-only")]
        subject.add(
            found(
                rules.REQUEST_BODY_SIZE,
                _DATA,
                size=size.size,
                limit=allowed.high,
                encoding=encoding,
                edits=edits,
                **words,
            )
        )
    elif size.size > allowed.low:
        words["what"] = "The replaced body"
        subject.add(found(SIZE_UNCLEAR, _DATA, limit=allowed.name, count=f"{size.size:,}", **words))
