"""Checks of a request that a function hands on: URI, query string, method, body; its headers and origin are apart.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-event-structure.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from cfrunbook.functions.lambda_edge import headers, origins, request_bodies
from cfrunbook.functions.lambda_edge import request_rules as rules
from cfrunbook.functions.lambda_edge.subject import Object, Subject, found, new
from cfrunbook.functions.model import Edit, Violation
from cfrunbook.functions.secrets import describe, show_uri
from cfrunbook.text import visible

MAX_URL = 8192
"""Characters of `uri` and `querystring` together; it has to be fewer.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html
"""
_MEMBERS = ("uri", "method", "querystring", "clientIp", "headers")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f#]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def check(subject: Subject) -> None:
    """Check a request in all its parts."""
    value, before = subject.value, subject.before or {}
    for member in _MEMBERS:
        if member not in value:
            edits = [Edit((member,), before[member])] if member in before else []
            subject.add(found(rules.REQUEST_MEMBER_MISSING, (member,), edits=edits, member=member))
    if "uri" in value:
        query = value.get("querystring", "")
        subject.add(*new(lambda uri: _uri_violations(uri, query), value["uri"], before.get("uri")))
    if "querystring" in value:
        subject.add(*new(_query_violations, value["querystring"], before.get("querystring")))
    subject.add(*new(_length_violations, value, before or None))
    _check_unchanged(subject, before)
    request_bodies.check(subject)
    headers.check(subject)
    origins.check(subject)


def _check_unchanged(subject: Subject, before: Object) -> None:
    value = subject.value
    for member, rule in (("method", rules.METHOD_CHANGED), ("clientIp", rules.CLIENT_IP_CHANGED)):
        if member in value and member in before and value[member] != before[member]:
            given = value[member]
            shown = f"“{visible(given, 40)}”" if isinstance(given, str) else describe(given)
            edits = [Edit((member,), before[member])]
            subject.add(found(rule, (member,), shown, edits, before=f"“{visible(before[member], 40)}”"))


def _uri_violations(uri: Any, query: Any) -> Iterator[Violation]:
    path = ("uri",)
    if not isinstance(uri, str):
        yield found(rules.URI_TYPE, path, describe(uri))
        return
    if _SCHEME.match(uri):
        yield found(rules.URI_ABSOLUTE, path, show_uri(uri), [Edit(path, _path_of(uri))])
        return
    if not uri.startswith("/"):
        yield found(rules.URI_NO_SLASH, path, show_uri(uri), [Edit(path, "/" + uri)])
        return
    if bad := _FORBIDDEN.search(uri):
        edits = [Edit(path, _FORBIDDEN.sub(_percent, uri))]
        yield found(rules.URI_CHARACTERS, path, show_uri(uri), edits, character=_percent(bad))
    elif "?" in uri:
        before, _, after = uri.partition("?")
        both = "&".join(part for part in (after, query) if part) if isinstance(query, str) else after
        edits = [Edit(path, before), Edit(("querystring",), both)]
        yield found(rules.URI_QUERY, path, show_uri(uri), edits)
    elif not uri.isascii():
        edits = [Edit(path, _encoded(uri))]
        yield found(rules.NOT_ENCODED, path, edits=edits, character=_first_not_ascii(uri))


def _path_of(url: str) -> str:
    try:
        return urlsplit(url).path or "/"
    except ValueError:  # an invalid host in brackets
        return "/" + url.split("://", 1)[1].partition("/")[2]


def _query_violations(query: Any) -> Iterator[Violation]:
    path = ("querystring",)
    if not isinstance(query, str):
        mended = urlencode(_flat(query)) if isinstance(query, dict) else ""
        edits = [Edit(path, mended)] if isinstance(query, dict) or query is None else []
        yield found(rules.QUERYSTRING_TYPE, path, describe(query), edits)
    elif bad := _FORBIDDEN.search(query):
        edits = [Edit(path, _FORBIDDEN.sub(_percent, query))]
        yield found(rules.QUERYSTRING_CHARACTERS, path, edits=edits, character=_percent(bad))
    elif query.startswith("?"):
        yield found(rules.QUERYSTRING_QUESTION_MARK, path, edits=[Edit(path, query.lstrip("?"))])
    elif not query.isascii():
        edits = [Edit(path, _encoded(query))]
        yield found(rules.NOT_ENCODED, path, edits=edits, character=_first_not_ascii(query))


def _flat(query: Object) -> list[tuple[bytes, bytes]]:
    """Return parameters as pairs; what is no scalar is left without a value."""
    pairs = ((name, str(one) if isinstance(one, str | int | float) else "") for name, one in query.items())
    return [(name.encode("utf-8", "replace"), one.encode("utf-8", "replace")) for name, one in pairs]


def _length_violations(request: Object) -> Iterator[Violation]:
    uri, query = request.get("uri"), request.get("querystring")
    size = sum(len(part) for part in (uri, query) if isinstance(part, str))
    size += bool(query)  # the question mark between them
    if size >= MAX_URL:
        path = ("querystring",) if isinstance(query, str) and len(query) > size / 2 else ("uri",)
        yield found(rules.URI_TOO_LONG, path, size=size, limit=MAX_URL)


def _percent(match: re.Match[str]) -> str:
    return f"%{ord(match[0]):02X}"


def _encoded(text: str) -> str:
    """Return a text with everything that is not ASCII percent-encoded; half a character becomes a question mark."""
    return "".join(one if one.isascii() else quote(one, errors="replace") for one in text)


def _first_not_ascii(text: str) -> str:
    return next(f"U+{ord(one):04X}" for one in text if not one.isascii())
