"""Results of other services written as Lambda@Edge's: what the function meant, as far as it can be told. Never raises.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cfrunbook.functions.lambda_edge.subject import Event, Object


def from_api_gateway(value: Object) -> Object:
    """Return the Lambda@Edge response that a result for API Gateway or a load balancer stands for."""
    made: Object = {"status": _text(value["statusCode"])}
    if isinstance(value.get("statusDescription"), str):
        made["statusDescription"] = value["statusDescription"].removeprefix(made["status"]).strip()
    headers: dict[str, list[Any]] = {}
    for name, entry in _items(value.get("headers")):
        headers[name.lower()] = _entries(name, [entry])
    for name, entry in _items(value.get("multiValueHeaders")):
        headers[name.lower()] = _entries(name, entry if isinstance(entry, list) else [entry])
    if isinstance(value.get("cookies"), list):
        headers.setdefault("set-cookie", []).extend(_entries("Set-Cookie", value["cookies"]))
    if headers:
        made["headers"] = {name: entries for name, entries in headers.items() if entries}
    if value.get("body") is not None:
        made["body"] = value["body"]
        if value.get("isBase64Encoded") is True:
            made["bodyEncoding"] = "base64"
    return made


def from_cloudfront_functions(value: Object, event: Event | None) -> Object:
    """Return the Lambda@Edge request or response that a result for CloudFront Functions stands for."""
    headers: dict[str, list[Any]] = {}
    for name, entry in _items(value.get("headers")):
        headers[name.lower()] = _entries(name, _values(entry)) if isinstance(entry, dict) else entry
    cookies = value.get("cookies")
    if "statusCode" in value:
        made: Object = {"status": _text(value["statusCode"])}
        for name in ("statusDescription", "bodyEncoding"):
            if isinstance(value.get(name), str):
                made[name] = value[name]
        set_cookies = [cookie for name, entry in _items(cookies) for cookie in _set_cookies(name, entry)]
        if set_cookies:
            headers["set-cookie"] = _entries("Set-Cookie", set_cookies)
        _copy_body(value.get("body"), made)
    else:
        made = {name: value[name] for name in ("method", "uri", "clientIp", "origin", "body") if name in value}
        for name in ("method", "clientIp"):
            if event and name not in made and name in event.request:
                made[name] = event.request[name]
        query = value.get("querystring", "")
        made["querystring"] = _joined(query, "&") if isinstance(query, dict) else query
        if isinstance(cookies, dict) and cookies:
            headers["cookie"] = _entries("Cookie", [_joined(cookies, "; ")])
    made["headers"] = headers
    return made


def _copy_body(body: Any, made: Object) -> None:
    if isinstance(body, dict):
        made["body"] = body.get("data", "")
        if isinstance(body.get("encoding"), str):
            made["bodyEncoding"] = body["encoding"]
    elif body is not None:
        made["body"] = body


def _items(value: Any) -> Iterable[tuple[str, Any]]:
    return value.items() if isinstance(value, dict) else ()


def _values(entry: Any) -> list[Any]:
    """Return all values of a header, cookie or parameter of CloudFront Functions."""
    if not isinstance(entry, dict):
        return [entry]
    several = entry.get("multiValue")
    if isinstance(several, list):
        return [item.get("value") for item in several if isinstance(item, dict)]
    return [entry.get("value")]


def _set_cookies(name: str, entry: Any) -> Iterable[str]:
    several = entry.get("multiValue") if isinstance(entry, dict) else None
    for item in several if isinstance(several, list) else [entry]:
        if isinstance(item, dict):
            attributes = item.get("attributes")
            yield f"{name}={_text(item.get('value'))}" + (f"; {attributes}" if isinstance(attributes, str) else "")


def _joined(parameters: Object, separator: str) -> str:
    """Return `a=1&b=2` of parameters as CloudFront Functions has them; one without a value stays a bare name."""
    pairs = ((name, _text(one)) for name, entry in parameters.items() for one in _values(entry))
    return separator.join(f"{name}={one}" if one else name for name, one in pairs)


def _entries(name: str, values: Iterable[Any]) -> list[Any]:
    return [{"key": name, "value": _text(one)} for one in values if isinstance(one, str | int | float)]


def _text(value: Any) -> str:
    """Return a scalar as JavaScript would write it into a string."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value) if isinstance(value, str | int | float) else ""
