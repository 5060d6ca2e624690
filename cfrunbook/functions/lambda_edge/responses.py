"""Checks of a response: one that a function generated in a request event, or that it changed after the origin's answer.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-generating-http-responses.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cfrunbook.functions.documents import Base64, TextSize, plain_base64
from cfrunbook.functions.lambda_edge import headers
from cfrunbook.functions.lambda_edge import response_rules as rules
from cfrunbook.functions.lambda_edge.subject import Object, Subject, found, new
from cfrunbook.functions.model import DELETE, Edit, EventType, Violation
from cfrunbook.functions.secrets import describe
from cfrunbook.text import visible

_STATUS = re.compile(r"[2-5][0-9][0-9]", re.ASCII)
_LEADING_STATUS = re.compile(r"\s*([2-5][0-9][0-9])(?![0-9])", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_KILO, _KIBI = 1000, 1024
_RESPONSE_EVENTS = (EventType.ORIGIN_RESPONSE, EventType.VIEWER_RESPONSE)


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit that AWS gives in KB or MB: surely kept below `low` bytes, surely broken above `high`."""

    name: str
    low: int
    high: int


def limit(kilobytes: float) -> Limit:
    """Return the limit of so many KB; 1,000 or more are named in MB."""
    mega = kilobytes >= _KILO
    name = f"{kilobytes / _KILO:g} MB" if mega else f"{kilobytes:g} KB"
    factor, low, high = (kilobytes / _KILO, _KILO**2, _KIBI**2) if mega else (kilobytes, _KILO, _KIBI)
    return Limit(name, int(factor * low), int(factor * high))


VIEWER_LIMIT, ORIGIN_LIMIT = limit(40), limit(1000)
"""Headers and body of a generated response, or of one whose body was replaced."""


def check(subject: Subject) -> tuple[int | None, int | None]:
    """Check a response; return its size in bytes and the limit, or None where none applies."""
    generated = subject.event_type is None or subject.event_type.is_request
    _check_status(subject)
    _check_description(subject)
    size = _check_body(subject) if "body" in subject.value else None
    _check_encoding(subject, size)
    headers.check(subject, generated=generated)
    if not generated and size is None:
        return None, None
    return _check_size(subject, size or TextSize(0))


def _check_status(subject: Subject) -> None:
    value = subject.value
    given = (subject.before or {}).get("status") if subject.event_type in _RESPONSE_EVENTS else None
    old = given if isinstance(given, str) else None
    if "status" not in value:
        edits = [Edit(("status",), old)] if old is not None else []
        subject.add(found(rules.STATUS_MISSING, ("status",), edits=edits))
        return
    status = value["status"]
    violations = new(_status_violations, status, old)
    subject.add(*violations)
    is_fixed = subject.event_type is EventType.VIEWER_RESPONSE and old is not None
    if is_fixed and _is_valid(status) and _number(status) != old:
        edits = [Edit(("status",), old)]
        subject.add(found(rules.STATUS_CHANGED, ("status",), visible(status, 40), edits, before=visible(old, 40)))


def _is_valid(status: Any) -> bool:
    return not any(violation.rule is rules.STATUS_INVALID for violation in _status_violations(status))


def _status_violations(status: Any) -> Iterator[Violation]:
    text = str(int(status)) if isinstance(status, float) and status.is_integer() and status < 1000 else None
    if isinstance(status, int) and not isinstance(status, bool) and 0 < status < 1000:
        text = str(status)
    if text is not None and _STATUS.fullmatch(text):
        yield found(rules.STATUS_NUMBER, ("status",), text, [Edit(("status",), text)])
    elif not (isinstance(status, str) and _STATUS.fullmatch(status)):
        leading = _LEADING_STATUS.match(status) if isinstance(status, str) else None
        edits = [Edit(("status",), leading[1])] if leading else []
        shown = f"“{visible(status, 40)}”" if isinstance(status, str | int | float) else describe(status)
        yield found(rules.STATUS_INVALID, ("status",), shown, edits)


def _number(status: Any) -> str:
    return str(int(status)) if isinstance(status, float) else str(status)


def _check_description(subject: Subject) -> None:
    if "statusDescription" not in subject.value:
        return
    old = (subject.before or {}).get("statusDescription")
    subject.add(*new(_description_violations, subject.value["statusDescription"], old))


def _description_violations(value: Any) -> Iterator[Violation]:
    path = ("statusDescription",)
    if not isinstance(value, str):
        yield found(rules.STATUS_DESCRIPTION_TYPE, path, describe(value), [Edit(path, DELETE)])
    elif bad := _CONTROL.search(value):
        edits = [Edit(path, _CONTROL.sub(" ", value).strip())]
        yield found(rules.STATUS_DESCRIPTION_CHARACTERS, path, edits=edits, character=f"%{ord(bad[0]):02X}")


def _check_body(subject: Subject) -> TextSize | None:
    """Check `body`, and return how large it is; None where it is no string."""
    body, event_type = subject.value["body"], subject.event_type
    without = [Edit(("body",), DELETE), Edit(("bodyEncoding",), DELETE)]
    as_base64 = subject.value.get("bodyEncoding") == "base64"
    size = subject.document.measure(("body",), body, as_base64=as_base64) if isinstance(body, str) else None
    if size is None:
        subject.add(found(rules.BODY_TYPE, ("body",), describe(body), _mended_body(body)))
    if event_type is EventType.VIEWER_RESPONSE:
        subject.add(found(rules.VIEWER_RESPONSE_BODY, ("body",), edits=without))
    if event_type is EventType.VIEWER_REQUEST and _number(subject.value.get("status")) == "204" and size is not None:
        rule = rules.NO_CONTENT_BODY if size.size else rules.NO_CONTENT_EMPTY_BODY
        subject.add(found(rule, ("body",), edits=without))
    return size


def _mended_body(body: Any) -> list[Edit]:
    if body is None:
        return [Edit(("body",), DELETE)]
    if isinstance(body, dict) and isinstance(body.get("data"), str):
        encoding = body.get("encoding")
        return [Edit(("body",), body["data"])] + ([Edit(("bodyEncoding",), encoding)] if encoding else [])
    return [Edit(("body",), json.dumps(body))]


def _check_encoding(subject: Subject, size: TextSize | None) -> None:
    value = subject.value
    if "bodyEncoding" not in value:
        return
    encoding, path = value["bodyEncoding"], ("bodyEncoding",)
    if encoding not in ("text", "base64"):
        shown = f"“{visible(encoding, 40)}”" if isinstance(encoding, str) else describe(encoding)
        lower = encoding.lower() if isinstance(encoding, str) else ""
        edits = [Edit(path, lower if lower in ("text", "base64") else DELETE)]
        subject.add(found(rules.BODY_ENCODING, path, shown, edits))
    elif encoding == "base64" and size is not None:
        if size.base64 is Base64.NOT:
            shown = f"a string of {size.size:,} bytes"
            subject.add(found(rules.BODY_BASE64, ("body",), shown, [Edit(path, "text")]))
        elif size.base64 is not Base64.STRICT:
            edits = [Edit(("body",), plain_base64(value["body"]))]
            subject.add(found(rules.BODY_BASE64_UNUSUAL, ("body",), edits=edits, problem=size.base64.value))


def _check_size(subject: Subject, body: TextSize) -> tuple[int, int]:
    value, event_type = subject.value, subject.event_type
    most_allowed = VIEWER_LIMIT if event_type and event_type.is_viewer else ORIGIN_LIMIT
    least_headers, most_headers = headers.byte_size(value.get("headers"))
    is_base64 = value.get("bodyEncoding") == "base64" and body.base64 is not Base64.NOT
    least = least_headers + (body.decoded if is_base64 else body.size)
    most = most_headers + body.size
    path = ("body",) if "body" in value else ("headers",)
    words: Object = {"event_type": event_type.value if event_type else "origin-request"}
    if least > most_allowed.high:
        subject.add(found(rules.RESPONSE_SIZE, path, size=least, limit=most_allowed.high, **words))
    elif most > most_allowed.low:
        count = f"{least:,} to {most:,}"
        subject.add(found(rules.SIZE_UNCLEAR, path, limit=most_allowed.name, count=count, what="The response", **words))
    return least, most_allowed.high
