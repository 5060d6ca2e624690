"""What the functions of AWS's guide and samples give back, in our own short versions, is accepted."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from cfrunbook.functions.cloudfront_function.calls import OriginCall
from cfrunbook.functions.cloudfront_function.example_parts import AT_REQUEST, AT_RESPONSE, ORIGINS, event, value
from cfrunbook.functions.cloudfront_function.known_origins import KnownOrigins
from cfrunbook.functions.cloudfront_function.validation import validate
from cfrunbook.functions.documents import of_value
from cfrunbook.functions.model import Effect, EventType

Result = dict[str, Any]


def redirect_by_country(came: Result) -> Result:
    if came["request"]["headers"]["cloudfront-viewer-country"]["value"] != "DE":
        return came["request"]
    location = f"https://{came['request']['headers']['host']['value']}/de/index.html"
    return {"statusCode": 302, "statusDescription": "Found", "headers": {"location": value(location)}}


def add_security_headers(came: Result) -> Result:
    headers = came["response"]["headers"]
    headers["strict-transport-security"] = value("max-age=63072000; includeSubdomains; preload")
    headers["content-security-policy"] = value("default-src 'none'; img-src 'self'")
    headers["x-content-type-options"] = value("nosniff")
    headers["x-frame-options"] = value("DENY")
    return came["response"]


def add_cors_header(came: Result) -> Result:
    came["response"]["headers"].setdefault("access-control-allow-origin", value("*"))
    return came["response"]


def cache_control(came: Result) -> Result:
    came["response"]["headers"]["cache-control"] = value("public, max-age=63072000")
    return came["response"]


def add_index_html(came: Result) -> Result:
    came["request"]["uri"] = "/media/index.html".removesuffix("index.html") + "index.html"
    return came["request"]


def true_client_ip(came: Result) -> Result:
    came["request"]["headers"]["true-client-ip"] = value(came["viewer"]["ip"])
    return came["request"]


def refuse_without_token(came: Result) -> Result:
    assert "token" not in came["request"]["querystring"]
    return {"statusCode": 401, "statusDescription": "Unauthorized"}


def pass_on_without_token(came: Result) -> Result:
    del came["request"]["querystring"]["id"]
    return came["request"]


def choose_by_cookie(came: Result) -> Result:
    came["request"]["cookies"]["ab"] = value("blue")
    came["request"]["uri"] = "/blue" + came["request"]["uri"]
    return came["request"]


def remember_choice(came: Result) -> Result:
    came["response"]["cookies"]["ab"] = {"value": "blue", "attributes": "Secure; HttpOnly; Path=/; Max-Age=86400"}
    return came["response"]


def sort_query_as_object(came: Result) -> Result:
    query = came["request"]["querystring"]
    came["request"]["querystring"] = {name: query[name] for name in sorted(query)}
    return came["request"]


def sort_query_as_text(came: Result) -> Result:
    came["request"]["querystring"] = "id=42&size=a&size=b"
    return came["request"]


def answer_from_store(came: Result) -> Result:
    return {
        "statusCode": 200,
        "statusDescription": "OK",
        "headers": {"content-type": value("text/html; charset=utf-8")},
        "body": {"encoding": "text", "data": "<p>Grüße</p>"},
        "cookies": {"seen": {"value": "1", "multiValue": [value("1"), value("2")], "attributes": "Secure"}},
    }


def replace_error(came: Result) -> Result:
    for name in ("content-length", "content-encoding"):
        came["response"]["headers"].pop(name, None)
    came["response"] |= {"statusCode": 200, "statusDescription": "OK", "body": ""}
    return came["response"]


def drop_body(came: Result) -> Result:
    came["response"]["headers"]["content-length"] = value("0")
    came["response"]["body"] = {"encoding": "text", "data": ""}
    return came["response"]


@pytest.mark.parametrize(
    ("at", "function"),
    [
        (AT_REQUEST, redirect_by_country),
        (AT_RESPONSE, add_security_headers),
        (AT_RESPONSE, add_cors_header),
        (AT_RESPONSE, cache_control),
        (AT_REQUEST, add_index_html),
        (AT_REQUEST, true_client_ip),
        (AT_REQUEST, refuse_without_token),
        (AT_REQUEST, pass_on_without_token),
        (AT_REQUEST, choose_by_cookie),
        (AT_RESPONSE, remember_choice),
        (AT_REQUEST, sort_query_as_object),
        (AT_REQUEST, sort_query_as_text),
        (AT_REQUEST, answer_from_store),
        (AT_RESPONSE, replace_error),
        (AT_RESPONSE, drop_body),
    ],
)
def test_a_function_of_the_guide_is_accepted(at: EventType, function: Any) -> None:
    came = event(at)
    found = validate(of_value(function(copy.deepcopy(came))), at, of_value(came))
    assert [violation.title for violation in found.violations] == []
    assert found.effect is Effect.NONE


BUCKET = {
    "domainName": "amzn-s3-demo-bucket-in-us-east-1.s3.us-east-1.amazonaws.com",
    "originAccessControlConfig": {
        "enabled": True,
        "region": "us-east-1",
        "signingBehavior": "always",
        "signingProtocol": "sigv4",
        "originType": "s3",
    },
    "customHeaders": {},
}
BALANCER = {
    "domainName": "example-1234567890.us-east-1.elb.amazonaws.com",
    "timeouts": {"readTimeout": 30, "connectionTimeout": 5},
    "customHeaders": {"x-stage": "production", "x-region": "us-east-1"},
}


@pytest.mark.parametrize(
    ("assigned", "call"),
    [
        ("bucket", OriginCall("updateRequestOrigin", (BUCKET,))),
        ("web", OriginCall("updateRequestOrigin", (BALANCER,))),
        ("web", OriginCall("updateRequestOrigin", ({"domainName": "www.example.com"},))),
        ("web", OriginCall("updateRequestOrigin", ({"hostHeader": "example.com", "sni": "example.com"},))),
        ("partner", OriginCall("updateRequestOrigin", ({"domainName": "public.example.com", "mTLSConfig": "off"},))),
        ("private", OriginCall("selectRequestOriginById", ("private",))),
        ("web", OriginCall("selectRequestOriginById", ("bucket", {}))),
        (
            "web",
            OriginCall(
                "createRequestOriginGroup",
                (
                    {
                        "originIds": [{"originId": "bucket"}, {"originId": "web"}],
                        "selectionCriteria": "default",
                        "failoverCriteria": {"statusCodes": [500, 502, 503, 504]},
                    },
                ),
            ),
        ),
    ],
)
def test_a_call_of_the_guide_is_accepted(assigned: str, call: OriginCall) -> None:
    came = event(AT_REQUEST)
    origins = KnownOrigins(ORIGINS.origins, assigned)
    found = validate(of_value(came["request"]), AT_REQUEST, of_value(came), calls=(call,), origins=origins)
    assert [violation.title for violation in found.violations] == []
