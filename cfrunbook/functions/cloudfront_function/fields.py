"""Checks of a response's status and body, and of a request's method, path and query string."""

from __future__ import annotations

import base64
import binascii

from cfrunbook.findings import Json
from cfrunbook.functions.cloudfront_function import facts
from cfrunbook.functions.cloudfront_function import field_rules as rules
from cfrunbook.functions.cloudfront_function.case import Case, kind_of, name_character, same, show, show_url
from cfrunbook.functions.cloudfront_function.conversions import status_number
from cfrunbook.functions.cloudfront_function.result_rules import FOREIGN_FIELD
from cfrunbook.functions.model import DELETE, Edit, Path


def check(case: Case) -> None:
    """Note what is wrong with the fields of a request or response, headers and the like apart."""
    for name, hint in facts.FOREIGN_FIELDS.items():
        if name in case.result and not (case.before and name in case.before):
            case.add(FOREIGN_FIELD, (name,), edits=[Edit((name,), DELETE)], hint=hint)
    if case.shape == "response":
        _status(case)
        _description(case)
        if "body" in case.result:
            _body(case, case.result["body"])
    else:
        _method(case)
        _uri(case)
        if "querystring" in case.result:
            _query(case, case.result["querystring"])
        _length(case)


def body_size(result: Json) -> int | None:
    """Return how many bytes the body of a response has on the wire, None where it has none or is no text."""
    body = result.get("body") if isinstance(result, dict) else None
    is_base64 = isinstance(body, dict) and body.get("encoding") == facts.BASE64_BODY
    data = body.get("data") if isinstance(body, dict) else body
    if not isinstance(data, str):
        return None
    if is_base64:
        return len(data) * 3 // 4 - data[-2:].count("=")
    return len(data) if data.isascii() else len(data.encode("utf-8", "surrogatepass"))


def whole(number: Json) -> int | None:
    """Return a JSON number as an integer, None where it is none as JavaScript sees it: 200.0 is one, true is not."""
    if isinstance(number, bool) or not isinstance(number, int | float) or number != number // 1:
        return None
    return int(number)


def _status(case: Case) -> None:
    path: Path = ("statusCode",)
    if "statusCode" not in case.result:
        before = whole(case.before.get("statusCode")) if case.before else None
        case.add(rules.STATUS_MISSING, path, edits=[Edit(path, before or 200)])
        return
    status = case.result["statusCode"]
    integer = whole(status)
    if integer is None:
        number = status_number(status)
        edits = [Edit(path, number)] if number is not status else []
        case.add(rules.STATUS_NOT_INTEGER, path, shown=show(status), edits=edits, kind=kind_of(status))
    elif not facts.MIN_STATUS <= integer <= facts.MAX_STATUS:
        case.add(rules.STATUS_RANGE, path, shown=show(status))


def _description(case: Case) -> None:
    path: Path = ("statusDescription",)
    text = case.result.get("statusDescription", "")
    if not isinstance(text, str):
        case.add(rules.DESCRIPTION_TYPE, path, shown=show(text), edits=[Edit(path, DELETE)], kind=kind_of(text))
    elif found := facts.CONTROL.search(text):
        cleaned = Edit(path, facts.CONTROL.sub(" ", text))
        case.add(rules.DESCRIPTION_CONTROL, path, edits=[cleaned], character=name_character(found[0]))


def _body(case: Case, body: Json) -> None:
    if isinstance(body, dict):
        data = body.get("data")
        _encoding(case, body, data)
    else:
        data = body
        if not isinstance(body, str):
            edits = [Edit(("body",), "")] if body is None else []
            case.add(rules.BODY_TYPE, ("body",), shown=show(body), edits=edits, kind=kind_of(body))
    if not isinstance(data, str):
        return
    size = body_size(case.result) or 0
    if len(data) > facts.MAX_MEMORY:
        case.add(rules.MEMORY, ("body",), size=f"{len(data):,}", limit=f"{facts.MAX_MEMORY:,}")
    elif size > facts.REPORTED_MAX_BODY:
        case.add(rules.BODY_LARGE, ("body",), size=f"{size:,}", limit=f"{facts.REPORTED_MAX_BODY:,}")
    status = whole(case.result.get("statusCode"))
    if data and status in facts.NO_CONTENT:
        case.add(rules.BODY_NO_CONTENT, ("body",), edits=[Edit(("body",), DELETE)], status=status)
    _stale_headers(case, size, is_text=isinstance(body, str) or body == {"encoding": "text", "data": data})


def _encoding(case: Case, body: dict[str, Json], data: Json) -> None:
    path: Path = ("body", "encoding")
    encoding = body.get("encoding")
    if not isinstance(data, str):
        kind = kind_of(data) if "data" in body else "not there"
        case.add(rules.BODY_DATA, ("body", "data"), shown=show(data) if "data" in body else "", kind=kind)
    if "encoding" not in body:
        case.add(rules.BODY_ENCODING_MISSING, ("body",), edits=[Edit(path, facts.PLAIN_BODY)])
    elif encoding not in facts.BODY_ENCODINGS:
        lower = encoding.strip().lower() if isinstance(encoding, str) else ""
        guess = facts.BASE64_BODY if lower == facts.BASE64_BODY else facts.PLAIN_BODY
        case.add(rules.BODY_ENCODING, path, shown=show(encoding), edits=[Edit(path, guess)])
    elif encoding == facts.BASE64_BODY and isinstance(data, str):
        try:
            base64.b64decode(data, validate=True)
        except (ValueError, binascii.Error) as error:
            problem = "not ASCII" if not data.isascii() else str(error).lower()
            case.add(rules.BODY_BASE64, ("body", "data"), edits=_mended_base64(data), problem=problem)


def _mended_base64(data: str) -> list[Edit]:
    """Return the edit that makes base64 of the other alphabet, with line breaks or without padding valid."""
    joined = "".join(data.split()).replace("-", "+").replace("_", "/").rstrip("=")
    padded = joined + "=" * (-len(joined) % 4)
    try:
        base64.b64decode(padded, validate=True)
    except ValueError:
        return []
    return [Edit(("body", "data"), padded)]


def _stale_headers(case: Case, size: int, *, is_text: bool) -> None:
    """Note headers of the replaced answer that cannot be true of the new body."""
    headers = case.result.get("headers")
    if not isinstance(headers, dict):
        return
    for name in ("content-encoding", "content-length"):
        entry = headers.get(name)
        text = entry.get("value") if isinstance(entry, dict) else None
        if not isinstance(text, str) or (case.is_generated and name == "content-length"):
            continue
        coding = text.strip().lower()
        is_stale = coding != str(size) if name == "content-length" else is_text and coding not in ("", "identity")
        if is_stale:
            path: Path = ("headers", name, "value")
            edits = [Edit(path[:2], DELETE)]
            case.add(rules.BODY_STALE_HEADERS, path, shown=show(text), edits=edits, header=name)


def _method(case: Case) -> None:
    method = case.result.get("method")
    before = case.before.get("method") if case.before else None
    is_there = "method" in case.result
    edits = [Edit(("method",), before)] if isinstance(before, str) else []
    if not is_there:
        if case.before is None or before is not None:
            case.add(rules.METHOD_CHANGED, ("method",), edits=edits, what="leaves out", from_to="")
    elif not isinstance(method, str) or (isinstance(before, str) and method != before):
        was = f" from {show(before, 20)}" if isinstance(before, str) else ""
        from_to = f"{was} to {show(method, 20)}"
        case.add(
            rules.METHOD_CHANGED, ("method",), shown=show(method, 20), edits=edits, what="changes", from_to=from_to
        )


def _uri(case: Case) -> None:
    path: Path = ("uri",)
    before = case.before.get("uri") if case.before else None
    back = [Edit(path, before)] if isinstance(before, str) and before.startswith("/") else []
    if "uri" not in case.result:
        case.add(rules.URI_MISSING, path, edits=back)
        return
    uri = case.result["uri"]
    if not isinstance(uri, str):
        case.add(rules.URI_TYPE, path, shown=show(uri), edits=back, kind=kind_of(uri))
        return
    if not uri.startswith("/"):
        edits = back if "://" in uri or not uri else [Edit(path, f"/{uri}")]
        case.add(rules.URI_NO_SLASH, path, shown=show_url(uri), edits=edits)
        return
    if same(uri, before):
        return
    if found := facts.NOT_IN_URI.search(uri):
        case.add(rules.URI_CHARACTERS, path, shown=show_url(uri), character=name_character(found[0]))
    if mark := next((mark for mark in "?#" if mark in uri), ""):
        case.add(rules.URI_QUERY, path, shown=show_url(uri), character=mark)


def _query(case: Case, query: Json) -> None:
    path: Path = ("querystring",)
    if isinstance(query, dict):
        return  # its entries are checked with those of headers and cookies
    if not isinstance(query, str):
        case.add(rules.QUERY_TYPE, path, shown=show(query), edits=[Edit(path, {})], kind=kind_of(query))
    elif found := facts.NOT_IN_QUERY.search(query):
        edits = [Edit(path, percent_encoded(query))]
        case.add(rules.QUERY_CHARACTERS, path, edits=edits, character=name_character(found[0]))


def percent_encoded(text: str) -> str:
    """Return a query string, or a part of one, without the characters that it cannot include."""
    return facts.NOT_IN_QUERY.sub(lambda found: f"%{ord(found[0]):02X}", text)


def _length(case: Case) -> None:
    """Note a path and query string that are too long together."""
    uri, query = case.result.get("uri"), case.result.get("querystring", {})
    size = len(uri) if isinstance(uri, str) else 0
    if isinstance(query, str):
        size += len(query) + 1
    elif isinstance(query, dict):
        size += sum(len(name) + 2 + len(text) for name, entry in query.items() for text in _texts(entry))
    if size >= facts.URL_LIMIT:
        case.add(rules.URI_LONG, ("uri",), size=f"{size:,}", limit=f"{facts.URL_LIMIT:,}")


def _texts(entry: Json) -> list[str]:
    """Return the values of a parameter that are text: each is one more `name=value`."""
    if not isinstance(entry, dict):
        return []
    several = entry.get("multiValue")
    items = several if isinstance(several, list) and several else [entry]
    values = [item.get("value") for item in items if isinstance(item, dict)]
    return [value for value in values if isinstance(value, str)]
