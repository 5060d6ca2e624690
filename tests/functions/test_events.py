"""Events made from a distribution and a request are CloudFront's in every field that the configuration decides."""

from __future__ import annotations

import base64
import copy
import json
import re
import subprocess
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.cloudfront import distribution_reader, policies
from cfrunbook.cloudfront.distribution import Distribution, EventType
from cfrunbook.errors import BadInput
from cfrunbook.functions.events import (
    Kind,
    ViewerRequest,
    cloudfront_function_event,
    lambda_edge_event,
    read_event,
    viewer_request,
)

URL = "https://www.example.com/img/a.png?size=2&token=x&flag"
ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3"
ALL_VIEWER_CLOUDFRONT = "33f36d7e-f396-46d9-90e0-52428a34d9dc"
EXCEPT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
FUNCTION = "arn:aws:lambda:us-east-1:111122223333:function:auth:7"


def items(*values: Any) -> dict[str, Any]:
    return {"Quantity": len(values), "Items": list(values)} if values else {"Quantity": 0}


CUSTOM = {
    "Id": "web", "DomainName": "Origin.Example.com", "OriginPath": "/app",
    "CustomHeaders": items(
        {"HeaderName": "X-Origin-Key", "HeaderValue": "secret"}, {"HeaderName": "Host", "HeaderValue": "x"}
    ),
    "ResponseCompletionTimeout": 90,
    "CustomOriginConfig": {
        "HTTPPort": 8080, "HTTPSPort": 8443, "OriginProtocolPolicy": "match-viewer", "OriginReadTimeout": 20,
        "OriginKeepaliveTimeout": 9, "OriginSslProtocols": items("TLSv1.1", "TLSv1.2"),
    },
}  # fmt: skip
BUCKET = {
    "Id": "bucket", "DomainName": "b.s3.eu-west-1.amazonaws.com", "OriginPath": "",
    "S3OriginConfig": {"OriginAccessIdentity": ""},
}  # fmt: skip
VPC = {"Id": "inside", "DomainName": "internal.example.com", "VpcOriginConfig": {"VpcOriginId": "vo_1"}}
PAIR = {
    "Id": "pair", "Members": items({"OriginId": "web"}, {"OriginId": "bucket"}),
    "FailoverCriteria": {"StatusCodes": items(502)},
}  # fmt: skip


def distribution(target: str = "web", *, origins: Any = (CUSTOM, BUCKET, VPC), **behavior: Any) -> Distribution:
    default = {
        "TargetOriginId": target, "ViewerProtocolPolicy": "allow-all", "CachePolicyId": OPTIMIZED, **behavior,
    }  # fmt: skip
    if "ForwardedValues" in behavior:
        del default["CachePolicyId"]
    return distribution_reader.load({
        "Distribution": {
            "Id": "E1EXAMPLE", "DomainName": "d111111abcdef8.cloudfront.net",
            "ARN": "arn:aws:cloudfront::111122223333:distribution/E1EXAMPLE",
            "DistributionConfig": {
                "Aliases": items("www.example.com"), "Origins": items(*copy.deepcopy(origins)), "Enabled": True,
                "OriginGroups": items(PAIR), "DefaultCacheBehavior": default, "CacheBehaviors": items(),
                "DefaultRootObject": "index.html",
            },
        }
    })  # fmt: skip


def cf(event: str, url: Any = URL, **options: Any) -> dict[str, Any]:
    found: dict[str, Any] = lambda_edge_event(event, url, **options)["Records"][0]["cf"]
    return found


def values(headers: dict[str, Any]) -> dict[str, str]:
    """Return name and values of headers in Lambda@Edge's form, and hold that form."""
    for name, entries in headers.items():
        assert name == name.lower()
        assert all(entry.keys() == {"key", "value"} and entry["key"].lower() == name for entry in entries)
    return {name: "|".join(entry["value"] for entry in entries) for name, entries in headers.items()}


def test_a_viewer_request_is_what_the_viewer_sent() -> None:
    sent = viewer_request(
        URL,
        headers=[("Accept", "*/*"), ("Connection", "close"), ("X-Forwarded-Proto", "http"), ("accept", "text/html")],
    )
    found = cf("viewer-request", sent, distribution=distribution())
    assert found["config"] == {
        "distributionDomainName": "d111111abcdef8.cloudfront.net", "distributionId": "E1EXAMPLE",
        "eventType": "viewer-request", "requestId": sent.request_id("E1EXAMPLE"),
    }  # fmt: skip
    request = found["request"]
    assert request.keys() == {"clientIp", "headers", "method", "querystring", "uri"}
    assert (request["uri"], request["querystring"]) == ("/img/a.png", "size=2&token=x&flag")
    assert (request["clientIp"], request["method"]) == ("203.0.113.178", "GET")
    # Host is the viewer's; what no function sees is not there
    assert values(request["headers"]) == {"host": "www.example.com", "accept": "*/*|text/html"}


def test_an_origin_request_is_cloudfronts_own() -> None:
    request = cf("origin-request", distribution=distribution())["request"]
    headers = values(request["headers"])
    assert re.fullmatch(r"2\.0 [0-9a-f]{32}\.cloudfront\.net \(CloudFront\)", headers.pop("via"))
    assert headers == {
        "host": "origin.example.com", "user-agent": "Amazon CloudFront", "x-forwarded-for": "203.0.113.178",
        "accept-encoding": "br,gzip",
    }  # fmt: skip
    assert request["querystring"] == ""  # CachingOptimized takes none along
    assert request["origin"] == {
        "custom": {
            "customHeaders": {"x-origin-key": [{"key": "X-Origin-Key", "value": "[redacted]"}]},
            "domainName": "origin.example.com", "keepaliveTimeout": 9, "path": "/app", "port": 8443,
            "protocol": "https", "readTimeout": 20, "responseCompletionTimeout": 90,
            "sslProtocols": ["TLSv1.1", "TLSv1.2"],
        }
    }  # fmt: skip


@pytest.mark.parametrize(
    ("url", "policy", "leg"),
    [
        (URL, "match-viewer", ("https", 8443)),
        ("http://www.example.com/", "match-viewer", ("http", 8080)),
        ("http://www.example.com/", "https-only", ("https", 8443)),
        (URL, "http-only", ("http", 8080)),
    ],
)
def test_protocol_and_port_are_those_of_this_request(url: str, policy: str, leg: tuple[str, int]) -> None:
    origin = copy.deepcopy(CUSTOM)
    origin["CustomOriginConfig"]["OriginProtocolPolicy"] = policy  # type: ignore[index]
    custom = cf("origin-request", url, distribution=distribution(origins=(origin,)))["request"]["origin"]["custom"]
    assert (custom["protocol"], custom["port"]) == leg


LEGACY: dict[str, Any] = {"QueryString": False, "Cookies": {"Forward": "none"}}
SENT = viewer_request(
    "https://www.example.com/x?a=1&b=2",
    method="POST",
    body=b"name=x",
    headers=[
        ("User-Agent", "curl/8"), ("Accept-Encoding", "gzip, br"), ("Authorization", "Basic eA=="),
        ("Cookie", "s=1; t=2"), ("Origin", "https://a.example"), ("Content-Type", "text/plain"), ("TE", "trailers"),
        ("X-Forwarded-For", "192.0.2.4"), ("X-Own", "1"),
    ],
)  # fmt: skip
ALWAYS = {"content-length": "6", "content-type": "text/plain", "x-forwarded-for": "192.0.2.4,203.0.113.178"}
VIEWERS = {**ALWAYS, "authorization": "Basic eA==", "cookie": "s=1; t=2", "origin": "https://a.example", "x-own": "1"}
# Settings of the behavior: Host, User-Agent, Accept-Encoding, the other fields, the query string.
FORWARDING: list[tuple[dict[str, Any], str, str, str | None, dict[str, str], str]] = [
    ({}, "origin.example.com", "Amazon CloudFront", "br,gzip", ALWAYS, ""),
    ({"OriginRequestPolicyId": ALL_VIEWER}, "www.example.com", "curl/8", "br,gzip", VIEWERS, "a=1&b=2"),
    ({"OriginRequestPolicyId": EXCEPT_HOST}, "origin.example.com", "curl/8", "br,gzip", VIEWERS, "a=1&b=2"),
    (
        {"CachePolicyId": CACHING_DISABLED, "OriginRequestPolicyId": EXCEPT_HOST},
        "origin.example.com", "curl/8", "gzip, br", VIEWERS, "a=1&b=2",
    ),
    (
        {"ForwardedValues": LEGACY}, "origin.example.com", "Amazon CloudFront", "gzip",
        {**ALWAYS, "authorization": "Basic eA==", "origin": "https://a.example", "x-own": "1"}, "",
    ),
    (
        {"ForwardedValues": {"QueryString": True, "Cookies": {"Forward": "all"}, "Headers": items("*")}},
        "www.example.com", "curl/8", "gzip", VIEWERS, "a=1&b=2",
    ),
    (
        {
            "ForwardedValues": {
                "QueryString": True, "Headers": items("User-Agent"),
                "Cookies": {"Forward": "whitelist", "WhitelistedNames": items("t")},
            }
        },
        "origin.example.com", "curl/8", "gzip",
        {**ALWAYS, "authorization": "Basic eA==", "cookie": "t=2", "origin": "https://a.example", "x-own": "1"},
        "a=1&b=2",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "host", "agent", "encoding", "others", "query"), FORWARDING)
def test_the_origin_gets_what_the_settings_forward(
    settings: dict[str, Any], host: str, agent: str, encoding: str | None, others: dict[str, str], query: str
) -> None:
    request = cf("origin-request", SENT, distribution=distribution(**settings))["request"]
    headers = values(request["headers"])
    del headers["via"]
    found = (headers.pop("host"), headers.pop("user-agent"), headers.pop("accept-encoding", None))
    assert found == (host, agent, encoding)
    assert headers == others
    assert request["querystring"] == query


def test_a_policy_that_was_given_decides() -> None:
    policy = {
        "OriginRequestPolicy": {
            "Id": "own",
            "OriginRequestPolicyConfig": {
                "Name": "own",
                "HeadersConfig": {
                    "HeaderBehavior": "whitelist",
                    "Headers": items("x-own", "cloudfront-viewer-country", "CloudFront-Forwarded-Proto"),
                },
                "CookiesConfig": {"CookieBehavior": "allExcept", "Cookies": items("s")},
                "QueryStringsConfig": {"QueryStringBehavior": "whitelist", "QueryStrings": items("b")},
            },
        }
    }
    known = policies.load([policy])
    read = distribution(OriginRequestPolicyId="own")
    request = cf("origin-request", SENT, distribution=read, policies=known)["request"]
    headers = values(request["headers"])
    assert (headers["x-own"], headers["cookie"], request["querystring"]) == ("1", "t=2", "b=2")
    assert (headers["cloudfront-viewer-country"], headers["cloudfront-forwarded-proto"]) == ("US", "https")
    assert "origin" not in headers


def test_cloudfronts_fields_come_after_the_viewer_request_of_lambda_edge_and_before_that_of_a_function() -> None:
    read = distribution(OriginRequestPolicyId=ALL_VIEWER_CLOUDFRONT)
    at_origin = cf("origin-request", distribution=read)["request"]["headers"]
    assert sum(name.startswith("cloudfront-") for name in at_origin) == 21
    at_viewer = cf("viewer-request", distribution=read)["request"]["headers"]
    assert not any(name.startswith("cloudfront-") for name in at_viewer)
    function = cloudfront_function_event("viewer-request", URL, distribution=read)["request"]["headers"]
    assert function["cloudfront-viewer-country"] == {"value": "US"}
    plain = cloudfront_function_event("viewer-request", "http://www.example.com/", distribution=read)
    assert "cloudfront-viewer-tls" not in plain["request"]["headers"]


@pytest.mark.parametrize(
    ("identity", "domain", "wanted"),
    [
        ("", "b.s3.eu-west-1.amazonaws.com", {"authMethod": "none"}),
        (
            "origin-access-identity/cloudfront/E1", "b.s3.eu-west-1.amazonaws.com",
            {"authMethod": "origin-access-identity", "region": "eu-west-1"},
        ),
        (
            "origin-access-identity/cloudfront/E1", "b.s3.amazonaws.com",
            {"authMethod": "origin-access-identity", "region": "us-east-1"},
        ),
    ],
)  # fmt: skip
def test_a_bucket_is_an_s3_origin_and_gets_its_own_name(identity: str, domain: str, wanted: dict[str, str]) -> None:
    bucket = {**BUCKET, "DomainName": domain, "S3OriginConfig": {"OriginAccessIdentity": identity}}
    read = distribution("bucket", origins=(bucket,), OriginRequestPolicyId=ALL_VIEWER)
    request = cf("origin-request", distribution=read)["request"]
    assert request["origin"] == {"s3": {"customHeaders": {}, "domainName": domain, "path": "", **wanted}}
    assert values(request["headers"])["host"] == domain
    answer = cf("origin-response", distribution=read)["response"]
    assert values(answer["headers"])["server"] == "AmazonS3"


def test_of_an_origin_group_the_primary_unless_asked() -> None:
    read = distribution("pair")
    assert "custom" in cf("origin-request", distribution=read)["request"]["origin"]
    assert "s3" in cf("origin-request", distribution=read, origin="bucket")["request"]["origin"]


def test_the_default_root_object_is_what_the_origin_is_asked_for() -> None:
    read = distribution()
    assert cf("origin-request", "https://www.example.com/", distribution=read)["request"]["uri"] == "/index.html"
    assert cf("viewer-request", "https://www.example.com/", distribution=read)["request"]["uri"] == "/"


@pytest.mark.parametrize(
    ("event", "size", "kept"),
    [
        ("viewer-request", 10, 10),
        ("viewer-request", 40 * 1024 + 1, 40 * 1024),
        ("origin-request", 40 * 1024 + 1, 40 * 1024 + 1),
        ("origin-request", 1024 * 1024 + 1, 1024 * 1024),
    ],
)
def test_a_body_is_there_where_the_association_includes_it(event: str, size: int, kept: int) -> None:
    def association(include: bool) -> dict[str, Any]:
        return items({"LambdaFunctionARN": FUNCTION, "EventType": event, "IncludeBody": include})

    sent = viewer_request(URL, method="PUT", body=b"x" * size)
    read = distribution(LambdaFunctionAssociations=association(True))
    body = cf(event, sent, distribution=read)["request"]["body"]
    assert (body["action"], body["encoding"], body["inputTruncated"]) == ("read-only", "base64", kept < size)
    assert len(base64.b64decode(body["data"])) == kept
    without = distribution(LambdaFunctionAssociations=association(False))
    assert "body" not in cf(event, sent, distribution=without)["request"]
    assert "body" in cf(event, sent, distribution=without, include_body=True)["request"]
    assert "body" not in cf("origin-response", sent, distribution=read, include_body=True)["request"]


@pytest.mark.parametrize(("status", "phrase"), [(200, "OK"), (204, "No Content"), (502, "Bad Gateway")])
def test_an_origin_response_has_the_origins_answer(status: int, phrase: str) -> None:
    found = cf("origin-response", distribution=distribution(), status=status)
    assert (found["response"]["status"], found["response"]["statusDescription"]) == (str(status), phrase)
    headers = values(found["response"]["headers"])
    assert ("content-length" in headers) is (status != 204)
    assert found["request"]["origin"]["custom"]["domainName"] == "origin.example.com"


def test_a_viewer_response_has_the_viewers_request_and_no_origin() -> None:
    found = cf("viewer-response", distribution=distribution())
    assert "origin" not in found["request"]
    assert values(found["request"]["headers"])["host"] == "www.example.com"
    assert values(found["response"]["headers"])["via"].endswith(".cloudfront.net (CloudFront)")


def test_a_functions_request_has_cookies_and_query_apart() -> None:
    sent = viewer_request(
        "https://www.example.com/a?b=1&c&b=%202&=x",
        headers=[("Cookie", "s=1; t=a=b"), ("Accept", "a"), ("Accept", "b"), ("Host", "other.example")],
    )
    event = cloudfront_function_event("viewer-request", sent, distribution=distribution())
    assert (event["version"], event["viewer"]) == ("1.0", {"ip": "203.0.113.178"})
    assert event["request"] == {
        "method": "GET",
        "uri": "/a",
        "querystring": {
            "b": {"value": "1", "multiValue": [{"value": "1"}, {"value": "%202"}]},
            "c": {"value": ""},
            "": {"value": "x"},
        },
        "headers": {
            "host": {"value": "www.example.com"},
            "accept": {"value": "a", "multiValue": [{"value": "a"}, {"value": "b"}]},
        },
        "cookies": {"s": {"value": "1"}, "t": {"value": "a=b"}},
    }
    assert "response" not in event


def test_a_functions_response_is_of_its_own_form() -> None:
    event = cloudfront_function_event("viewer-response", URL)
    response = event["response"]
    assert (response["statusCode"], response["statusDescription"], response["cookies"]) == (200, "OK", {})
    assert all(name == name.lower() and field.keys() == {"value"} for name, field in response["headers"].items())


def test_a_multi_tenant_distribution_has_an_endpoint() -> None:
    read = distribution_reader.load(
        {
            "Origins": items(CUSTOM), "ConnectionMode": "tenant-only",
            "DefaultCacheBehavior": {"TargetOriginId": "web", "CachePolicyId": OPTIMIZED},
        }
    )  # fmt: skip
    context = cloudfront_function_event("viewer-request", URL, distribution=read)["context"]
    assert "distributionDomainName" not in context
    assert context["endpoint"] == "d111111abcdef8.cloudfront.net"


NO_SUCH_EVENT: list[tuple[str, dict[str, Any], str]] = [
    ("viewer-response", {"status": 404}, "CloudFront runs no viewer-response function where the origin answers 404"),
    ("origin-response", {"status": 199}, "199 is no HTTP status"),
    ("origin-response", {"status": 599}, "599 is no HTTP status"),
    ("origin-request", {"distribution": distribution("inside")}, "origin inside is a VPC origin"),
    ("origin-request", {"distribution": distribution("gone")}, "sends no request to 'gone'"),
    ("origin-request", {"distribution": distribution("pair"), "origin": "inside"}, "sends no request to 'inside'"),
    ("viewer-request", {"distribution": distribution(), "request": "https://other.example/"}, "serves other.example"),
    ("origin-something", {}, "'origin-something' is not one of viewer-request"),
    (
        "viewer-request",
        {
            "distribution": distribution(ViewerProtocolPolicy="redirect-to-https"),
            "request": "http://www.example.com/",
        },
        "redirects http to https before any function runs",
    ),
]


@pytest.mark.parametrize(("event", "options", "sentence"), NO_SUCH_EVENT)
def test_an_event_that_cloudfront_never_makes_is_refused(event: str, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadInput, match=re.escape(sentence)):
        lambda_edge_event(event, options.pop("request", URL), **options)


def test_with_origin_mutual_tls_there_are_no_origin_events() -> None:
    origin = copy.deepcopy(CUSTOM)
    origin["CustomOriginConfig"]["OriginMtlsConfig"] = {  # type: ignore[index]
        "ClientCertificateArn": "arn:aws:acm:us-east-1:111122223333:certificate/1"
    }
    read = distribution(origins=(origin,))
    with pytest.raises(BadInput, match="has origin mutual TLS"):
        lambda_edge_event("origin-response", URL, distribution=read)
    assert lambda_edge_event("viewer-response", URL, distribution=read)


def test_cloudfront_functions_run_at_viewer_events_only() -> None:
    with pytest.raises(BadInput, match="'origin-request' is not one of viewer-request, viewer-response"):
        cloudfront_function_event("origin-request", URL)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"method": "TRACE"}, "'TRACE' is none that CloudFront takes"),
        ({"body": b"x"}, "CloudFront answers 403 to a GET request with a body"),
        ({"address": "example.com"}, "is not an IP address"),
        ({"address": "[::1]"}, "is not an IP address"),
        ({"headers": [("X\nY", "1")]}, "is not a header field that a viewer can send"),
        ({"headers": [("X", "1\r\nY: 2")]}, "is not a header field that a viewer can send"),
    ],
)
def test_what_no_viewer_can_send_is_refused(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadInput, match=re.escape(sentence)):
        viewer_request(URL, **options)


def test_request_ids_have_cloudfronts_form_and_tell_requests_apart() -> None:
    one, two = viewer_request(URL), viewer_request(URL + "2")
    assert re.fullmatch(r"[A-Za-z0-9_-]{54}==", one.request_id("E1"))
    assert one.request_id("E1") == viewer_request(URL).request_id("E1")
    assert len({one.request_id("E1"), one.request_id("E2"), two.request_id("E1")}) == 3
    # the same in all events of one request, and for both kinds
    ids = {cf(event)["config"]["requestId"] for event in EventType}
    assert ids == {cloudfront_function_event("viewer-request", URL)["context"]["requestId"]}


def test_a_redacted_url_of_an_incident_still_makes_an_event() -> None:
    from cfrunbook.cloudfront import viewer_url

    request = cf("viewer-request", viewer_url.parse(URL))["request"]
    assert request["querystring"] == "size=[redacted]&token=[redacted]&[redacted]"


token = st.text("abcXYZ-09", min_size=1, max_size=8)
requests = st.builds(
    ViewerRequest,
    host=st.just("www.example.com"),
    path=st.text(min_size=0, max_size=20).map(lambda t: "/" + t),
    query=st.text(max_size=20),
    scheme=st.sampled_from(["http", "https"]),
    method=st.sampled_from(["GET", "POST"]),
    headers=st.lists(
        st.tuples(token | st.sampled_from(["Cookie", "Via", "Accept-Encoding", "Host"]), st.text(max_size=9)),
        max_size=5,
    ).map(tuple),
    body=st.binary(max_size=20),
)
behaviors = st.fixed_dictionaries(
    {"target": st.sampled_from(["web", "bucket", "pair"])},
    optional={
        "OriginRequestPolicyId": st.sampled_from([ALL_VIEWER, EXCEPT_HOST, ALL_VIEWER_CLOUDFRONT, "not-known", ""]),
        "ForwardedValues": st.just(LEGACY),
        "CachePolicyId": st.sampled_from([OPTIMIZED, "not-known"]),
    },
)


@given(requests, behaviors, st.sampled_from(list(EventType)), st.sampled_from([200, 301, 404, 502]))
def test_every_event_is_stable_and_is_read_as_what_it_is(
    request: ViewerRequest, settings: dict[str, Any], event: EventType, status: int
) -> None:
    read = distribution(**settings)
    if event is EventType.VIEWER_RESPONSE and status >= 400:
        status = 200
    made = lambda_edge_event(event, request, distribution=read, status=status)
    assert lambda_edge_event(event, request, distribution=read, status=status) == made
    found = read_event(made)
    assert (found.kind, found.event_type, found.is_inferred) == (Kind.LAMBDA_EDGE, event, False)
    assert read_event(json.dumps(made)).document == json.loads(json.dumps(found.document))
    values(made["Records"][0]["cf"]["request"]["headers"])
    if event in (EventType.VIEWER_REQUEST, EventType.VIEWER_RESPONSE):
        made = cloudfront_function_event(event, request, distribution=read, status=min(status, 301))
        found = read_event(made)
        assert (found.kind, found.event_type) == (Kind.CLOUDFRONT_FUNCTION, event)
        assert found.request_id == request.request_id("E1EXAMPLE")


@pytest.mark.needs("node")
def test_javascript_reads_and_writes_the_same_event() -> None:
    made = [lambda_edge_event(event, URL, distribution=distribution()) for event in EventType]
    script = "process.stdout.write(JSON.stringify(JSON.parse(require('fs').readFileSync(0))))"
    done = subprocess.run(
        ["node", "-e", script], input=json.dumps(made), capture_output=True, text=True, check=True, timeout=30
    )
    assert json.loads(done.stdout) == made
