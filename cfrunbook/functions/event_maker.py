"""The parts of an event: what of a viewer's request, of the origin and of its answer a function is shown."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any

from cfrunbook import hostname
from cfrunbook.cloudfront import behaviors, edge_headers, function_associations, origins, plan, request_headers
from cfrunbook.cloudfront.behaviors import Destination, Route
from cfrunbook.cloudfront.distribution import Behavior, Distribution, EventType, Origin
from cfrunbook.cloudfront.forwarding import forwarded
from cfrunbook.cloudfront.function_associations import ORIGIN_EVENTS, REQUEST_EVENTS
from cfrunbook.cloudfront.policies import Forwarding, Policies, host_forwarding
from cfrunbook.cloudfront.targets import OriginKind
from cfrunbook.cloudfront.viewer_url import ViewerUrl
from cfrunbook.errors import BadInput
from cfrunbook.functions.viewer_request import ViewerRequest, viewer_request
from cfrunbook.redaction import REDACTED
from cfrunbook.text import visible

DISTRIBUTION_ID, DISTRIBUTION_DOMAIN = "EDFDVBD6EXAMPLE", "d111111abcdef8.cloudfront.net"
"""Stand for the distribution where none was given; AWS uses the same in its guide."""
DATE = "Mon, 05 Jan 2026 12:00:00 GMT"
"""When typical answers were made."""
VIEWER_BODY, ORIGIN_BODY = 40 * 1024, 1024 * 1024
"""Bytes of a request's body that a function sees at viewer and at origin events; the rest is cut off.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-at-edge-function-restrictions.html#lambda-at-edge-restrictions-request-body"""

_ORIGIN = Origin("origin", "origin.example.com", "", protocol_policy="https-only", ssl_protocols=("TLSv1.2",))
_BEHAVIOR = Behavior(
    "*",
    _ORIGIN.id,
    "DefaultCacheBehavior",
    is_default=True,
    cache_policy_id="658327ea-f89d-4fab-a63d-7e88639e58f6",
    origin_request_policy_id="b689b0a8-53d0-40ab-baf2-68738e2966ac",
)
DEFAULT_ROUTE = Route(None, _BEHAVIOR, None, (Destination(_ORIGIN, "only"),), ())
"""Where no distribution was given: one custom origin, CachingOptimized and AllViewerExceptHostHeader."""
_TLS_FIELDS = ("CloudFront-Viewer-TLS", "CloudFront-Viewer-JA3-Fingerprint", "CloudFront-Viewer-JA4-Fingerprint")

Fields = list[tuple[str, str]]
"""Header fields as they are sent: name and value, repeated ones too."""


class EventMaker:
    """One request, and the way that it takes through a distribution."""

    def __init__(
        self,
        request: ViewerRequest | ViewerUrl | str,
        distribution: Distribution | None,
        policies: Policies | None,
        origin: str,
    ) -> None:
        self.request = request if isinstance(request, ViewerRequest) else viewer_request(request)
        self.distribution = distribution
        self.policies = policies or Policies()
        self.member = origin
        self.id = (distribution.id if distribution else "") or DISTRIBUTION_ID
        self.domain = (distribution.domain_name if distribution else "") or DISTRIBUTION_DOMAIN
        self.request_id = self.request.request_id(self.id)
        self.url = ViewerUrl(
            scheme="http" if self.request.scheme == "http" else "https",
            host=self.request.host,
            path=self.request.path,
            text=f"{self.request.scheme}://{self.request.host}{self.request.path}",
        )
        self.route = behaviors.route(distribution, self.url) if distribution else DEFAULT_ROUTE
        if self.request.scheme == "http" and self.route.behavior.viewer_protocol_policy == "redirect-to-https":
            title = self.route.behavior.title
            raise BadInput(f"URL: {title} redirects http to https before any function runs; give the https URL.")
        self.forwarded = forwarded(self.route.behavior, self.policies)
        self.via = f"2.0 {_digest(self.id)[:32]}.cloudfront.net (CloudFront)"

    def lambda_request(self, event: EventType, include_body: bool | None) -> dict[str, Any]:
        """Return the request as Lambda@Edge sees it: the viewer's, or at origin events CloudFront's own."""
        request = self.request
        found: dict[str, Any] = {"clientIp": request.address}
        if event in ORIGIN_EVENTS:
            origin = self.origin()
            found["headers"] = lists(self.origin_fields(origin))
            found["method"] = request.method
            found["origin"] = self.origin_object(origin)
            found["querystring"] = self.forwarded.query_string(request.query)
            found["uri"] = self.object_path()
        else:
            found["headers"] = lists(f for f in request.all_headers if not edge_headers.is_disallowed(f[0]))
            found["method"] = request.method
            found["querystring"] = request.query
            found["uri"] = request.path
        if event in REQUEST_EVENTS and self.has_body(event, include_body):
            limit = ORIGIN_BODY if event is EventType.ORIGIN_REQUEST else VIEWER_BODY
            found["body"] = {
                "inputTruncated": len(request.body) > limit,
                "action": "read-only",
                "encoding": "base64",
                "data": base64.b64encode(request.body[:limit]).decode(),
            }
        return found

    def has_body(self, event: EventType, include_body: bool | None) -> bool:
        """Tell whether the event carries the body: as asked for, else as the behavior's association says."""
        if include_body is not None:
            return include_body
        mine = (f for f in self.route.functions if f.kind == "lambda-edge" and f.event is event)
        return any(f.include_body for f in mine)

    def function_request(self) -> dict[str, Any]:
        """Return the request as a CloudFront Function sees it: the viewer's, and the CloudFront-* fields asked for."""
        request = self.request
        cookies = [
            pair.strip() for name, value in request.headers if name.lower() == "cookie" for pair in value.split(";")
        ]
        fields = [f for f in request.all_headers if f[0].lower() != "cookie" and not edge_headers.is_disallowed(f[0])]
        return {
            "method": request.method,
            "uri": request.path,
            "querystring": objects(_pair(part) for part in request.query.split("&") if part),
            "headers": objects((n.lower(), v) for n, v in (*fields, *self.about_viewer())),
            "cookies": objects(_pair(part) for part in cookies if part),
        }

    def about_viewer(self) -> Iterator[tuple[str, str]]:
        """Yield the CloudFront-* fields that the policies ask for."""
        request = self.request
        sent = [name for name, _ in request.all_headers]
        values = {
            "scheme": request.scheme,
            "address": request.address,
            "count": str(len(sent)),
            "order": ":".join(sent)[:7680],
        }
        for name in self.forwarded.viewer_headers:
            if name in _TLS_FIELDS and request.scheme == "http":
                continue
            yield name, request_headers.VIEWER_HEADERS[name].format_map(values)

    def origin(self) -> Origin:
        """Return the origin that the request goes to, or the member of an origin group that was asked for."""
        destinations = self.route.destinations
        found = [d.origin for d in destinations if self.member in ("", d.origin.id)]
        title = self.route.behavior.title
        if not found:
            wanted = self.member or self.route.behavior.target_origin_id
            raise BadInput(f"Origin: {title} sends no request to '{visible(wanted, 80)}', so no function runs there.")
        origin = found[0]
        if why := function_associations.obstacle(origin):
            raise BadInput(
                f"Origin: CloudFront supports no function at the origin events of {title}:"
                f" origin {visible(origin.id, 80)} {why}."
            )
        return origin

    def object_path(self) -> str:
        """Return the path that CloudFront asks an origin for, without the origin path; `/` is the default root object.

        https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DefaultRootObject.html
        """
        root = self.distribution.default_root_object.lstrip("/") if self.distribution else ""
        return f"/{root}" if self.request.path == "/" else self.request.path

    def origin_fields(self, origin: Origin) -> Fields:
        """Return the header fields of the request that CloudFront makes to the origin, as far as a function sees them.

        https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html#request-custom-headers-behavior
        """
        rules, request = self.forwarded, self.request
        configured = host_forwarding(self.route.behavior, origin, self.policies).configured
        host = request.host if configured is Forwarding.YES else _domain(origin)
        before = ",".join(v for n, v in request.headers if n.lower() == "x-forwarded-for")
        fields: Fields = [
            ("X-Forwarded-For", f"{before},{request.address}" if before else request.address),
            ("User-Agent", "Amazon CloudFront"),
            ("Via", self.via),
            ("Host", host),
        ]
        for name, value in request.all_headers:
            match name.lower():
                case "host" | "x-forwarded-for" | "via":
                    continue
                case "user-agent":
                    if rules.takes_header(name):
                        fields[1] = (name, value)
                case "cookie":
                    if kept := rules.cookie_header(value):
                        fields.append((name, kept))
                case "accept-encoding" if kept := rules.accept_encoding(value):
                    fields.append((name, kept))
                case _:
                    if rules.takes_header(name, request.method) and not edge_headers.is_disallowed(name):
                        fields.append((name, value))
        return [*fields, *self.about_viewer()]

    def origin_object(self, origin: Origin) -> dict[str, Any]:
        """Return the event's `origin`: what the configuration says, under the names that events use."""
        headers = {
            name.lower(): [{"key": name, "value": REDACTED}]
            for name in origin.custom_headers
            if name and not edge_headers.is_denied_as_custom(name)
        }
        common: dict[str, Any] = {
            "customHeaders": headers,
            "domainName": _domain(origin),
            "path": origin.path.rstrip("/"),
        }
        if origin.response_completion_timeout:
            common["responseCompletionTimeout"] = origin.response_completion_timeout
        if origin.member == "s3":
            by_identity = bool(origin.access_identity)
            common["authMethod"] = "origin-access-identity" if by_identity else "none"
            if by_identity:
                common["region"] = origins.bucket_region(_domain(origin)) or "us-east-1"
            return {"s3": dict(sorted(common.items()))}
        protocol, port = self.leg(origin)
        common |= {
            "keepaliveTimeout": origin.keepalive_timeout,
            "port": port,
            "protocol": protocol,
            "readTimeout": origin.read_timeout,
            "sslProtocols": list(origin.ssl_protocols),
        }
        return {"custom": dict(sorted(common.items()))}

    def leg(self, origin: Origin) -> tuple[str, int]:
        """Return by which protocol and to which port CloudFront connects for this request."""
        if self.distribution is None:
            return "https", origin.https_port
        planned = plan.of_distribution(self.distribution, self.policies, url=self.url, origin=origin.id)
        target = planned.targets[0]
        return target.protocol, target.port

    def answer_fields(self, event: EventType, status: int) -> Fields:
        """Return the header fields of a typical answer: the origin's, or the one that is about to go to the viewer."""
        destinations = self.route.destinations
        origin = self.origin() if event is EventType.ORIGIN_RESPONSE or not destinations else destinations[0].origin
        is_bucket = origins.kind_of(origin) is OriginKind.S3
        body = f"{status} {HTTPStatus(status).phrase}\n"
        has_body = status not in (204, 304)
        fields: Fields = [("Date", DATE), ("Server", "AmazonS3" if is_bucket else "nginx")]
        if is_bucket:
            fields += [("x-amz-request-id", _digest(self.request_id)[:16].upper()), ("x-amz-id-2", self.request_id)]
        if has_body:
            fields += [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(body)))]
        if status == 200:
            etag = _digest(self.request.path)[:32]
            fields += [("Last-Modified", DATE), ("ETag", f'"{etag}"'), ("Accept-Ranges", "bytes")]
            fields += [] if is_bucket else [("Cache-Control", "max-age=60")]
        if 300 <= status < 400 and has_body:
            fields.append(("Location", f"https://{self.request.host}/"))
        if event is EventType.VIEWER_RESPONSE:
            fields.append(("Via", self.via.replace("2.0 ", "1.1 ", 1)))
        return fields


def _domain(origin: Origin) -> str:
    name = origin.domain_name
    return visible(name, 253) if hostname.problem(name) else hostname.to_ascii(name)


def lists(fields: Iterable[tuple[str, str]]) -> dict[str, list[dict[str, str]]]:
    """Return header fields in Lambda@Edge's form: under the lower-case name, a list of keys and values."""
    found: dict[str, list[dict[str, str]]] = {}
    for name, value in fields:
        found.setdefault(name.lower(), []).append({"key": name, "value": value})
    return dict(sorted(found.items()))


def objects(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return names and values in the form of CloudFront Functions; a name that is repeated has its `multiValue`."""
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {
        name: {"value": of[0]} | ({"multiValue": [{"value": v} for v in of]} if len(of) > 1 else {})
        for name, of in values.items()
    }


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name.strip(), value.strip()
