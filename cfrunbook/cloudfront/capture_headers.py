"""Captured header fields without a status line, as browsers' developer tools and people copy them.

`name: value` on a line; the name on one line and the value on the next (Chrome); with a tab between them; in lower case
(HTTP/2), perhaps with pseudo-header fields (`:status: 502`); with the general part before them (`Status Code: 502`).
"""

from __future__ import annotations

import re

from cfrunbook.cloudfront.capture_parts import MAX_FIELDS, MAX_LINE, REQUEST_LINE, Parts, field_of
from cfrunbook.evidence import CaptureForm

_TELLING = frozenset({
    "age", "alt-svc", "cache-control", "connection", "content-length", "content-type", "date", "etag", "expires",
    "last-modified", "retry-after", "server", "strict-transport-security", "vary", "via", "x-amz-apigw-id",
    "x-amz-cf-id", "x-amz-cf-pop", "x-amzn-errortype", "x-amzn-requestid", "x-cache", "x-powered-by",
})  # fmt: skip
"""Response header fields by which a list of them is known."""
_CLOUDFRONTS = frozenset({"x-amz-cf-id", "x-amz-cf-pop", "x-cache"})
_OTHERS = frozenset({
    "accept-ranges", "access-control-allow-origin", "content-encoding", "content-language", "content-security-policy",
    "location", "pragma", "referrer-policy", "set-cookie", "transfer-encoding", "x-content-type-options",
    "x-frame-options", "x-xss-protection",
})  # fmt: skip
"""More fields that a list may have with name and value on lines of their own."""
_GENERAL = frozenset({"request url", "request method", "status code", "remote address", "referrer policy", "status"})
"""What Chrome and Firefox show beside the header fields, in lower case."""
_STATUS = re.compile(r"\s*([1-5]\d{2})\b[ \t]*(.{0,200})")
_NAME = re.compile(r"[ \t]*(:?[A-Za-z][A-Za-z0-9-]{1,60}):?[ \t]*", re.ASCII)
_SECTION = re.compile(r"\s*(request|response) headers\b.*", re.IGNORECASE)
_MAX_LINES = 2000


def read(text: str) -> Parts | None:
    """Return the response that a list of header fields describes; None where text is no such list."""
    parts = Parts(CaptureForm.HEADERS)
    lines = [line[:MAX_LINE].rstrip("\r") for line in text.split("\n")[:_MAX_LINES]]
    pseudo_fields: dict[str, str] = {}
    is_request = False
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if section := _SECTION.fullmatch(line):
            is_request = section[1].lower() == "request"
            continue
        if match := REQUEST_LINE.fullmatch(line.strip()):
            parts.method, parts.url = match[1], match[2] if "://" in match[2] else parts.url
            continue
        following = lines[number] if number < len(lines) else ""
        if (found := _one(line, following)) is None:
            continue
        name, value, used = found
        number += used
        _take(parts, name, value, pseudo_fields, is_request=is_request)
    if not parts.url and (host := pseudo_fields.get(":authority")):
        parts.url = f"https://{host}{pseudo_fields.get(':path', '/')}"
    telling = {name.lower() for name, _ in parts.headers} & _TELLING
    is_list = len(telling) >= 3 or bool(telling & _CLOUDFRONTS) or bool(parts.status and telling)
    return parts if is_list else None


def _one(line: str, following: str) -> tuple[str, str, int] | None:
    """Return name, value and how many further lines they take; None where no field begins here."""
    label, _, rest = line.partition(":")
    if label.strip().lower() in _GENERAL and (rest.strip() or ":" in line):
        return (label, rest, 0) if rest.strip() else (label, following, 1)
    if line.strip().lower() in _GENERAL:
        return line, following, 1
    if "\t" in line.strip():
        name, _, value = line.strip().partition("\t")
        if _NAME.fullmatch(name):
            return name.rstrip(": "), value, 0
    one = field_of(line)
    if one is not None and one[1]:
        return one[0], one[1], 0
    match = _NAME.fullmatch(line)
    if match and following.strip() and (one or match[1].lower() in _TELLING | _OTHERS | {":status"}):
        return match[1], following, 1
    return None


def _take(parts: Parts, name: str, value: str, pseudo_fields: dict[str, str], *, is_request: bool) -> None:
    """Put one field where it belongs; header fields of the request are dropped."""
    name, value = name.strip(), value.strip()
    match name.lower():
        case "request url":
            parts.url = value
        case "request method" | ":method":
            parts.method = value[:20]
        case "status code" | "status" | ":status" if match := _STATUS.fullmatch(value):
            parts.status = int(match[1])
            parts.reason = re.sub(r"\(from .*|HTTP/\d.*", "", match[2]).strip()
        case "remote address" | "referrer policy" | "status" | "status code":
            pass
        case pseudo if pseudo.startswith(":"):
            pseudo_fields.setdefault(pseudo, value)
        case _ if not is_request and len(parts.headers) < MAX_FIELDS:
            parts.headers.append((name, value))
