"""Events as CloudFront sends them to Lambda@Edge functions, and parts of valid results, with made-up values.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-event-structure.html
"""

from __future__ import annotations

from typing import Any

from cfrunbook.findings import Json
from cfrunbook.functions.lambda_edge.subject import Object
from cfrunbook.functions.model import EventType

BUCKET = "shop-eu.s3.eu-central-1.amazonaws.com"


def header(name: str, *values: str) -> dict[str, list[Any]]:
    """Return one header as it stands in `headers`."""
    return {name.lower(): [{"key": name, "value": value} for value in values]}


def sample_event(event_type: EventType) -> Object:
    """Return an event as CloudFront sends it: a GET of /products/7?color=blue at shop.example.com, and its answer."""
    cf: Object = {
        "config": {
            "distributionDomainName": "d111111abcdef8.cloudfront.net",
            "distributionId": "EDFDVBD6EXAMPLE",
            "eventType": event_type.value,
            "requestId": "4TyzHTaYWb1GX1qTfsHhEqV6HUDd_BzoBZnwfnvQc_1oF26ClkoUSEQ==",
        },
        "request": sample_request(event_type),
    }
    if not event_type.is_request:
        cf["response"] = sample_response()
    return {"Records": [{"cf": cf}]}


def sample_request(event_type: EventType) -> Object:
    """Return the request of such an event."""
    request: Object = {
        "clientIp": "203.0.113.178",
        "headers": {
            **header("Host", "shop.example.com"),
            **header("User-Agent", "curl/8.5.0"),
            **header("Accept", "*/*"),
            **header("Cookie", "session=Zm9vYmFy; theme=light"),
        },
        "method": "GET",
        "querystring": "color=blue",
        "uri": "/products/7",
    }
    if event_type in (EventType.ORIGIN_REQUEST, EventType.ORIGIN_RESPONSE):
        request["headers"] |= {
            **header("Host", "origin.example.com"),
            **header("User-Agent", "Amazon CloudFront"),
            **header("X-Forwarded-For", "203.0.113.178"),
            **header("Via", "2.0 2afae0d44e2540f472c0635ab62c232b.cloudfront.net (CloudFront)"),
            **header("CloudFront-Viewer-Country", "DE"),
        }
        request["origin"] = {"custom": custom_origin()}
    return request


def custom_origin(domain: str = "origin.example.com") -> Object:
    """Return the settings of a custom origin as they stand in an event."""
    return {
        "customHeaders": header("X-Origin-Key", "k3y-0f-the-0rigin"),
        "domainName": domain,
        "keepaliveTimeout": 5,
        "path": "",
        "port": 443,
        "protocol": "https",
        "readTimeout": 30,
        "sslProtocols": ["TLSv1.2"],
    }


def s3_origin(domain: str = BUCKET, **settings: Json) -> Object:
    """Return the settings of a bucket as origin."""
    return {"authMethod": "none", "customHeaders": {}, "domainName": domain, "path": "", "region": "", **settings}


def sample_response() -> Object:
    """Return the response of such an event."""
    return {
        "status": "200",
        "statusDescription": "OK",
        "headers": {
            **header("Content-Type", "text/html; charset=utf-8"),
            **header("Content-Length", "5213"),
            **header("Date", "Mon, 12 Oct 2026 10:15:00 GMT"),
            **header("Via", "1.1 2afae0d44e2540f472c0635ab62c232b.cloudfront.net (CloudFront)"),
            **header("Server", "nginx"),
            **header("Set-Cookie", "session=Zm9vYmFy; Path=/; Secure", "theme=light; Path=/"),
        },
    }


def generated_response() -> Object:
    """Return a small page that a function makes in a request event."""
    return {
        "status": "200",
        "statusDescription": "OK",
        "headers": {
            **header("Content-Type", "text/html; charset=utf-8"),
            **header("Cache-Control", "max-age=100"),
            **header("Set-Cookie", "seen=1; Path=/"),
        },
        "body": "<!DOCTYPE html><title>Hello</title><p>Hello",
    }
