"""What functions like those of AWS's guide return is valid, on the events they are for; and what they show of secrets.

Written anew after https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-examples.html
"""

from __future__ import annotations

import base64
import copy
import gzip
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from cfrunbook.findings import Json, Status
from cfrunbook.functions.documents import of_value
from cfrunbook.functions.lambda_edge.sample_events import BUCKET, custom_origin, header, s3_origin, sample_event
from cfrunbook.functions.model import EventType, Kind, Validation
from cfrunbook.functions.validation import validate

VIEWER_REQUEST, ORIGIN_REQUEST = EventType.VIEWER_REQUEST, EventType.ORIGIN_REQUEST
ORIGIN_RESPONSE, VIEWER_RESPONSE = EventType.ORIGIN_RESPONSE, EventType.VIEWER_RESPONSE
Handler = Callable[[dict[str, Any]], Json]


def a_b_by_cookie(cf: dict[str, Any]) -> Json:
    request = cf["request"]
    cookies = "".join(item["value"] for item in request["headers"].get("cookie", []))
    request["uri"] = "/b/pixel.jpg" if "experiment=b" in cookies else "/a/pixel.jpg"
    return request


def overridden_header(cf: dict[str, Any]) -> Json:
    headers = cf["response"]["headers"]
    headers["last-modified"] = [{"key": "Last-Modified", "value": headers["date"][0]["value"]}]
    return cf["response"]


def static_page(_: dict[str, Any]) -> Json:
    headers = {**header("Cache-Control", "max-age=100"), **header("Content-Type", "text/html")}
    return {"status": "200", "statusDescription": "OK", "headers": headers, "body": "<!DOCTYPE html><p>Hello"}


def compressed_page(_: dict[str, Any]) -> Json:
    body = base64.b64encode(gzip.compress(b"<!DOCTYPE html><p>Hello" * 200)).decode()
    headers = {**header("Content-Type", "text/html; charset=utf-8"), **header("Content-Encoding", "gzip")}
    return {"status": "200", "headers": headers, "body": body, "bodyEncoding": "base64"}


def redirect(_: dict[str, Any]) -> Json:
    return {"status": "302", "statusDescription": "Found", "headers": header("Location", "https://example.com/a?b=c#d")}


def redirect_with_body(_: dict[str, Any]) -> Json:
    return {
        "status": "302",
        "headers": {"location": [{"value": "/en/"}]},
        "body": base64.b64encode(b"\x00moved").decode(),
        "bodyEncoding": "base64",
    }


def header_from_query(cf: dict[str, Any]) -> Json:
    request = cf["request"]
    name, _, value = request["querystring"].partition("=")
    request["headers"]["auth-header"] = [{"key": "Auth-Header", "value": value or name}]
    request["querystring"] = ""
    return request


def sorted_query(cf: dict[str, Any]) -> Json:
    request = cf["request"]
    request["querystring"] = "&".join(sorted(request["querystring"].lower().split("&")))
    return request


def sign_in(cf: dict[str, Any]) -> Json:
    request = cf["request"]
    host = request["headers"]["host"][0]["value"]
    back = quote(f"https://{host}{request['uri']}?{request['querystring']}", safe="")
    return {"status": "302", "headers": header("Location", f"https://www.example.com/signin?redirect_url={back}")}


def page_by_country(cf: dict[str, Any]) -> Json:
    country = cf["request"]["headers"]["cloudfront-viewer-country"][0]["value"]
    return {"status": "302", "headers": header("Location", f"https://{country.lower()}.example.com/")}


def path_by_device(cf: dict[str, Any]) -> Json:
    request = cf["request"]
    request["uri"] = "/mobile" + request["uri"]
    return request


def index_of_folder(cf: dict[str, Any]) -> Json:
    request = cf["request"]
    request["uri"] = request["uri"].rstrip("/") + "/index.html"
    return request


def custom_origin_to_bucket(cf: dict[str, Any]) -> Json:
    request = cf["request"]
    request["origin"] = {"s3": s3_origin("shop.s3.amazonaws.com")}
    request["headers"]["host"] = [{"key": "host", "value": "shop.s3.amazonaws.com"}]
    return request


def bucket_by_country(cf: dict[str, Any]) -> Json:
    request = cf["request"]
    request["origin"] = {"s3": s3_origin(region="eu-central-1", authMethod="origin-access-identity")}
    request["headers"]["host"] = [{"key": "host", "value": BUCKET}]
    return request


def another_custom_origin(cf: dict[str, Any]) -> Json:
    request = cf["request"]
    request["origin"] = {"custom": custom_origin("eu.example.com") | {"sslProtocols": ["TLSv1", "TLSv1.2"]}}
    request["headers"]["host"] = [{"key": "host", "value": "eu.example.com"}]
    return request


def error_to_page(cf: dict[str, Any]) -> Json:
    response = cf["response"]
    response |= {"status": "200", "statusDescription": "OK", "body": "A page for the error"}
    return response


def error_to_redirect(cf: dict[str, Any]) -> Json:
    response = cf["response"]
    response |= {"status": "302", "statusDescription": "Found", "body": ""}
    response["headers"]["location"] = [{"key": "Location", "value": "/plan-b/path?color=blue"}]
    return response


def security_headers(cf: dict[str, Any]) -> Json:
    headers = cf["response"]["headers"]
    headers |= {
        **header("Strict-Transport-Security", "max-age=63072000; includeSubDomains; preload"),
        **header("Content-Security-Policy", "default-src 'none'; img-src 'self'; script-src 'self'; style-src 'self'"),
        **header("X-Content-Type-Options", "nosniff"),
        **header("X-Frame-Options", "DENY"),
        **header("Referrer-Policy", "same-origin"),
    }
    headers.pop("server", None)
    return cf["response"]


def replaced_body(cf: dict[str, Any]) -> Json:
    request = cf["request"]
    request["body"] = {"inputTruncated": False, "action": "replace", "encoding": "text", "data": "name=Ann+B&done=yes"}
    return request


def no_content(_: dict[str, Any]) -> Json:
    return {"status": "204", "headers": header("Access-Control-Allow-Origin", "*")}


HANDLERS: list[tuple[Handler, tuple[EventType, ...]]] = [
    (a_b_by_cookie, (VIEWER_REQUEST, ORIGIN_REQUEST)),
    (overridden_header, (ORIGIN_RESPONSE, VIEWER_RESPONSE)),
    (static_page, (VIEWER_REQUEST, ORIGIN_REQUEST)),
    (compressed_page, (VIEWER_REQUEST, ORIGIN_REQUEST)),
    (redirect, (VIEWER_REQUEST, ORIGIN_REQUEST)),
    (redirect_with_body, (VIEWER_REQUEST, ORIGIN_REQUEST)),
    (header_from_query, (VIEWER_REQUEST, ORIGIN_REQUEST)),
    (sorted_query, (VIEWER_REQUEST, ORIGIN_REQUEST)),
    (sign_in, (VIEWER_REQUEST,)),
    (page_by_country, (ORIGIN_REQUEST,)),
    (path_by_device, (ORIGIN_REQUEST,)),
    (index_of_folder, (ORIGIN_REQUEST,)),
    (custom_origin_to_bucket, (ORIGIN_REQUEST,)),
    (bucket_by_country, (ORIGIN_REQUEST,)),
    (another_custom_origin, (ORIGIN_REQUEST,)),
    (error_to_page, (ORIGIN_RESPONSE,)),
    (error_to_redirect, (ORIGIN_RESPONSE,)),
    (security_headers, (ORIGIN_RESPONSE, VIEWER_RESPONSE)),
    (replaced_body, (VIEWER_REQUEST, ORIGIN_REQUEST)),
    (no_content, (VIEWER_REQUEST, ORIGIN_REQUEST)),
]


def judge(result: Json, event_type: EventType, event: Json) -> Validation:
    return validate(Kind.LAMBDA_EDGE, of_value(result), event_type, of_value(event))


@pytest.mark.parametrize(
    ("handler", "event_type"),
    [pytest.param(handler, at, id=f"{handler.__name__}-{at}") for handler, types in HANDLERS for at in types],
)
def test_what_the_guides_functions_return_is_valid(handler: Handler, event_type: EventType) -> None:
    event: Any = sample_event(event_type)
    if handler is replaced_body:
        empty = {"inputTruncated": False, "action": "read-only", "encoding": "base64", "data": ""}
        event["Records"][0]["cf"]["request"] |= {"method": "POST", "body": empty}
    result = handler(copy.deepcopy(event)["Records"][0]["cf"])
    assert [violation.title for violation in judge(result, event_type, event).violations] == []


def test_a_number_for_the_status_as_in_some_of_the_guides_examples_is_warned_of() -> None:
    event = sample_event(ORIGIN_RESPONSE)
    response = event["Records"][0]["cf"]["response"] | {"status": 200, "body": "A page"}
    validation = judge(response, ORIGIN_RESPONSE, event)
    assert [violation.rule.id for violation in validation.violations] == ["lambda_edge.status_number"]
    assert not validation.is_refused
    assert isinstance(validation.corrected, dict)
    assert validation.corrected["status"] == "200"


@pytest.mark.parametrize("kilobytes", [39, 41, 1000, 1100])
@pytest.mark.parametrize("event_type", [VIEWER_REQUEST, ORIGIN_REQUEST])
def test_the_limit_of_a_page_depends_on_the_event(kilobytes: int, event_type: EventType) -> None:
    result = {"status": "200", "headers": header("Content-Type", "text/plain"), "body": "x" * (kilobytes * 1024)}
    validation = judge(result, event_type, sample_event(event_type))
    allowed = 40 if event_type is VIEWER_REQUEST else 1024
    assert validation.is_refused is (kilobytes > allowed)
    assert validation.limit == allowed * 1024
    assert validation.size == kilobytes * 1024 + len("content-typetext/plain")


@pytest.mark.parametrize(
    ("size", "statuses"), [(29_000, ()), (30_500, (Status.UNKNOWN,)), (41_000, (Status.FAULT,))], ids=str
)
def test_a_page_of_base64_counts_as_what_it_decodes_to_and_the_rest_is_not_known(
    size: int, statuses: tuple[Status, ...]
) -> None:
    result = {"status": "200", "body": base64.b64encode(b"x" * size).decode(), "bodyEncoding": "base64"}
    found = judge(result, VIEWER_REQUEST, sample_event(VIEWER_REQUEST)).violations
    assert tuple(violation.rule.status for violation in found) == statuses


SECRET = "hunter2-k3y-0f-the-c4stle"


def leaky() -> list[tuple[EventType, Json]]:
    """Results that break rules where their secrets are."""
    request: Any = sample_event(ORIGIN_REQUEST)["Records"][0]["cf"]["request"]
    headers = {
        **request["headers"],
        **header("Authorization", f"Bearer {SECRET}\r\n"),
        **header("X-Api-Key", f"\t{SECRET}"),
        "x-token": SECRET,
        "x-list": [SECRET],
        "cookie": [{"key": "X", "value": [SECRET]}],
        "set-cookie": [{"value": f"a={SECRET}, b={SECRET}"}],
        "location": [{"value": f"https://user:{SECRET}@example.com/é?token={SECRET}#{SECRET}"}],
    }
    origin = custom_origin() | {"customHeaders": {"x-key": SECRET, **header("Cookie", SECRET)}, "path": f"?{SECRET}"}
    body = {"action": "replace", "encoding": "base64", "data": SECRET}
    query = f"?token={SECRET} {SECRET}"
    wrong = {**request, "headers": headers, "origin": {"custom": origin}, "querystring": query, "body": body}
    return [
        (ORIGIN_REQUEST, wrong),
        (ORIGIN_REQUEST, {**wrong, "uri": f"a?token={SECRET}", "body": SECRET, "querystring": {"token": SECRET}}),
        (ORIGIN_REQUEST, {**request, "headers": [{"key": "authorization", "value": SECRET}]}),
        (VIEWER_REQUEST, {"status": "204", "headers": headers, "body": {"password": SECRET}}),
        (VIEWER_REQUEST, {"status": "200", "body": SECRET, "bodyEncoding": "base64", "statusDescription": f"\n{SECRET}"}),
        (VIEWER_REQUEST, {"statusCode": 200, "headers": {"x-api-key": SECRET}, "body": SECRET}),
        (VIEWER_REQUEST, [SECRET]),
        (VIEWER_REQUEST, SECRET),
    ]  # fmt: skip


@pytest.mark.parametrize(("event_type", "result"), leaky())
def test_no_secret_is_shown(event_type: EventType, result: Json) -> None:
    validation = judge(result, event_type, sample_event(event_type))
    assert validation.violations
    for violation in validation.violations:
        rule = violation.rule
        texts = [
            violation.say(text) for text in (rule.title, rule.meaning, rule.node, rule.python, rule.page, rule.log)
        ]
        assert SECRET not in "\n".join([*texts, violation.shown, violation.where, repr(dict(violation.data))])
