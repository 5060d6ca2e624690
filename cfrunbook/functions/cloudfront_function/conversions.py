"""Results of Lambda@Edge and of API Gateway, written as CloudFront Functions take them."""

from __future__ import annotations

from typing import Any

from cfrunbook.findings import Json

_SAME = ("method", "uri", "querystring", "statusDescription", "cookies")


def from_lambda_edge(value: dict[str, Any]) -> dict[str, Json]:
    """Return a Lambda@Edge request or response in the structure of CloudFront Functions, as far as it has a place."""
    made: dict[str, Json] = {name: value[name] for name in _SAME if name in value}
    if "status" in value or "statusCode" in value:
        made["statusCode"] = status_number(value.get("statusCode", value.get("status")))
    _take_headers(made, value.get("headers"))
    if "statusCode" in made and "body" in value:
        made["body"] = _body(value["body"], value.get("bodyEncoding") == "base64")
    return made


def from_api_gateway(value: dict[str, Any]) -> dict[str, Json]:
    """Return an API Gateway answer in the structure of CloudFront Functions."""
    made: dict[str, Json] = {name: value[name] for name in _SAME if name in value and name != "cookies"}
    made["statusCode"] = status_number(value.get("statusCode"))
    several = value.get("multiValueHeaders")
    _take_headers(made, several if isinstance(several, dict) else None)
    _take_headers(made, value.get("headers"))
    if isinstance(value.get("cookies"), dict):
        made["cookies"] = value["cookies"]
    if "body" in value:
        made["body"] = _body(value["body"], value.get("isBase64Encoded") is True)
    return made


def status_number(status: Json) -> Json:
    """Return a status given as text as a number; anything else as it is."""
    return (
        int(status) if isinstance(status, str) and status.isascii() and status.isdigit() and len(status) < 6 else status
    )


def entry_of(value: Json) -> dict[str, Json] | None:
    """Return an entry for a header given as text, as a number, or as Lambda@Edge's array; None where there is none."""
    texts = [text for item in (value if isinstance(value, list) else [value]) if (text := _text(item)) is not None]
    if not texts:
        return None
    entry: dict[str, Json] = {"value": texts[0]}
    if len(texts) > 1:
        entry["multiValue"] = [{"value": text} for text in texts]
    return entry


def cookies_of(name: str, entry: Json) -> dict[str, Json]:
    """Return what the header `cookie` or `set-cookie` sets, as the object `cookies` has it."""
    values: list[Json] = []
    if isinstance(entry, dict):
        several = entry.get("multiValue")
        values = several if isinstance(several, list) and several else [entry]
    made: dict[str, Json] = {}
    for text in [text for item in values or [entry] if (text := _text(item))]:
        pairs = text.split(";") if name == "cookie" else [text]
        for pair in pairs:
            _take_cookie(made, pair, with_attributes=name == "set-cookie")
    return made


def _take_cookie(made: dict[str, Json], pair: str, *, with_attributes: bool) -> None:
    head, _, attributes = pair.partition(";") if with_attributes else (pair, "", "")
    key, equals, text = head.strip().partition("=")
    if not key or not equals:
        return
    entry: dict[str, Json] = {"value": text}
    if attributes.strip():
        entry["attributes"] = attributes.strip()
    before = made.get(key)
    if isinstance(before, dict):
        several = before.setdefault("multiValue", [{k: v for k, v in before.items() if k != "multiValue"}])
        several.append(entry)
    else:
        made[key] = entry


def _take_headers(made: dict[str, Json], headers: Json) -> None:
    if not isinstance(headers, dict):
        return
    kept = made.setdefault("headers", {})
    assert isinstance(kept, dict)
    for name, value in headers.items():
        lower = name.lower()
        entry = value if isinstance(value, dict) else entry_of(value)
        if entry is None or lower in kept:
            continue
        if lower in ("cookie", "set-cookie"):
            jar = made.setdefault("cookies", {})
            if isinstance(jar, dict):
                jar.update(cookies_of(lower, entry))
        else:
            kept[lower] = entry


def _text(item: Json) -> str | None:
    if isinstance(item, dict):
        item = item.get("value")
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, int | float):
        return str(item)
    return item if isinstance(item, str) else None


def _body(body: Json, is_base64: bool) -> Json:
    if not isinstance(body, str):
        return body
    return {"encoding": "base64" if is_base64 else "text", "data": body}
