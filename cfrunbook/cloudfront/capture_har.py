"""Captured responses in a HAR file, as browsers save it: the failing entries, else those of CloudFront.

https://w3c.github.io/web-performance/specs/HAR/Overview.html
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from typing import Any

import msgspec

from cfrunbook.cloudfront.capture_parts import MAX_FIELDS, Parts
from cfrunbook.cloudfront.error_pages import MAX_TEXT
from cfrunbook.evidence import CaptureForm

MAX_ENTRIES = 100_000


class _Header(msgspec.Struct):
    name: Any = ""
    value: Any = ""


class _Content(msgspec.Struct, frozen=True):
    text: Any = None
    encoding: Any = ""
    size: Any = None


class _Response(msgspec.Struct, frozen=True):
    status: Any = 0
    statusText: Any = ""
    httpVersion: Any = ""
    headers: list[_Header] = []
    content: _Content = _Content()
    bodySize: Any = None


class _Request(msgspec.Struct, frozen=True):
    method: Any = ""
    url: Any = ""


class _Entry(msgspec.Struct):
    request: _Request = _Request()
    response: _Response = _Response()
    startedDateTime: Any = ""


class _Log(msgspec.Struct):
    entries: list[_Entry]


class _Har(msgspec.Struct):
    log: _Log


def read(content: bytes) -> list[Parts] | None:
    """Return the responses that matter in a HAR file; None where `content` is none.

    Those with an error status or an error in `X-Cache`; where there are none, those that came through CloudFront.
    """
    try:
        har = msgspec.json.decode(content, type=_Har)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    found = [parts for entry in har.log.entries[:MAX_ENTRIES] if (parts := _parts(entry)).status]
    failing = [p for p in found if (p.status or 0) >= 500 or "error" in p.value("x-cache").lower()]
    return failing or [p for p in found if "cloudfront" in (p.value("x-cache") + p.value("via")).lower()]


def _parts(entry: _Entry) -> Parts:
    response = entry.response
    status = response.status if isinstance(response.status, int) and 100 <= response.status <= 999 else None
    headers = [(_text(h.name), _text(h.value)) for h in response.headers[:MAX_FIELDS]]
    body, size = _body(response.content)
    if body is None and "0" in (str(response.bodySize), next((v for n, v in headers if n == "content-length"), "")):
        body = ""
    return Parts(
        CaptureForm.HAR,
        status=status,
        reason=_text(response.statusText),
        version=_version(_text(response.httpVersion)),
        headers=headers,
        body=body,
        body_bytes=size,
        method=_text(entry.request.method),
        url=_text(entry.request.url),
        at=_moment(_text(entry.startedDateTime)),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _body(content: _Content) -> tuple[str | None, int | None]:
    """Return the beginning of a body, and how many bytes it has."""
    text = content.text
    size = content.size if isinstance(content.size, int) and 0 <= content.size < 2**53 else None
    if not isinstance(text, str) or (not text and size):
        return None, None  # browsers leave out what they did not keep
    if content.encoding == "base64":
        try:
            raw = base64.b64decode(text[: MAX_TEXT * 4 // 3 // 4 * 4], validate=False)
        except (binascii.Error, ValueError):
            return None, None
        return raw.decode("utf-8", "replace"), size
    return text, size


def _version(text: str) -> str:
    """Return `HTTP/2` for what browsers call `h2` or `http/2.0`."""
    lower = text.lower()
    known = {"h2": "HTTP/2", "http/2.0": "HTTP/2", "h3": "HTTP/3", "http/3.0": "HTTP/3"}
    return known.get(lower, text.upper() if lower.startswith("http/") else "")


def _moment(text: str) -> dt.datetime | None:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None
