"""For every rule of Lambda@Edge a result that breaks it and nothing else: a valid result, and what is changed in it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cfrunbook.findings import Json
from cfrunbook.functions.lambda_edge.sample_events import (
    BUCKET,
    generated_response,
    header,
    s3_origin,
    sample_event,
    sample_request,
)
from cfrunbook.functions.lambda_edge.subject import Object
from cfrunbook.functions.model import DELETE, Edit, EventType, Path, apply

VIEWER_REQUEST, ORIGIN_REQUEST = EventType.VIEWER_REQUEST, EventType.ORIGIN_REQUEST
ORIGIN_RESPONSE, VIEWER_RESPONSE = EventType.ORIGIN_RESPONSE, EventType.VIEWER_RESPONSE


@dataclass(frozen=True, slots=True)
class Example:
    """One rule, and a result that breaks it."""

    rule: str
    """The id of the rule; empty for a valid result."""
    event_type: EventType | None
    """None where the rule is about not knowing it."""
    event: Json
    """What the function was called with; None where the rule is about not having it."""
    result: Json
    story: str
    """How such a result comes about, in one line."""
    raw: str | None = None
    """The result as text, where that is no JSON, or JSON that not every reader takes."""

    @property
    def text(self) -> str:
        """The result as it is given to the validation: JSON, or what was to be JSON."""
        return self.raw if self.raw is not None else json.dumps(self.result)


def _with_body(request: Object) -> Object:
    body = {"inputTruncated": False, "action": "read-only", "encoding": "base64", "data": "eyJjb2xvciI6ImJsdWUifQ=="}
    return {**request, "method": "POST", "body": body}


@dataclass(frozen=True, slots=True)
class _Row:
    """One rule: in which event, from which valid result, changed how."""

    rule: str
    event_type: EventType | None
    story: str
    edits: tuple[Edit, ...] = ()
    base: str = "passed"
    """`passed`: what came with the event; `generated`: a page; `bodied`: a POST with its body; `bucket`: from S3."""
    has_event: bool = True
    event_edits: tuple[Edit, ...] = ()
    raw: str | None = None

    def example(self) -> Example:
        """Return the row as an example."""
        event = _event_for(self.event_type or VIEWER_REQUEST, self.base)
        result = apply(self.edits, _valid(event, self.event_type or VIEWER_REQUEST, self.base))
        given = apply(self.event_edits, event) if self.has_event else None
        rule = f"lambda_edge.{self.rule}"
        return Example(rule, self.event_type, given, result, self.story, self.raw)


def _event_for(event_type: EventType, base: str) -> Object:
    event = sample_event(event_type)
    cf = event["Records"][0]["cf"]
    if base == "bodied":
        cf["request"] = _with_body(cf["request"])
    if base == "bucket":
        cf["request"]["origin"] = {"s3": s3_origin()}
        cf["request"]["headers"] |= header("Host", BUCKET)
    return event


def _valid(event: Object, event_type: EventType, base: str) -> Object:
    if base == "generated":
        return generated_response()
    cf = event["Records"][0]["cf"]
    return copy.deepcopy(cf["request" if event_type.is_request else "response"])


def _set(value: Any, *path: str | int) -> tuple[Edit, ...]:
    return (Edit(path, value),)


def _drop(*path: str | int) -> tuple[Edit, ...]:
    return (Edit(path, DELETE),)


def _add(name: str, *values: str) -> tuple[Edit, ...]:
    """Return the edit that adds a header."""
    return tuple(Edit(("headers", lower), entry) for lower, entry in header(name, *values).items())


def _whole(value: Any) -> tuple[Edit, ...]:
    return (Edit((), value),)


_CUSTOM: Path = ("origin", "custom")
_LOCATION: Path = ("headers", "location")


def _result_rows() -> Iterable[_Row]:
    page = generated_response()
    yield _Row("result_null", VIEWER_REQUEST, "An async handler without “return”.", raw="null")
    yield _Row("result_empty_object", VIEWER_REQUEST, "A promise given to the callback, not awaited.", _whole({}))
    yield _Row("result_array", ORIGIN_REQUEST, "A list with the response in it.", _whole([page]))
    yield _Row("result_string", ORIGIN_REQUEST, "JSON made twice.", _whole('{"status":"200"}'))
    yield _Row("result_scalar", VIEWER_RESPONSE, "A handler that says that it went well.", _whole(True))
    yield _Row("result_event", ORIGIN_RESPONSE, "“return event”.", _whole(sample_event(ORIGIN_RESPONSE)))
    cf = sample_event(VIEWER_REQUEST)["Records"][0]["cf"]
    yield _Row("result_cf", VIEWER_REQUEST, "“return event.Records[0].cf”.", _whole(cf))
    gateway = {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": '{"ok":true}'}
    yield _Row("result_api_gateway", VIEWER_REQUEST, "A handler written for API Gateway.", _whole(gateway))
    functions = {"statusCode": 302, "headers": {"location": {"value": "/en/"}}}
    yield _Row("result_cloudfront_functions", VIEWER_REQUEST, "Code from CloudFront Functions.", _whole(functions))
    only_headers = {"headers": header("X-Version", "7")}
    yield _Row("result_shape", ORIGIN_REQUEST, "Only the headers are returned.", _whole(only_headers))
    request = sample_request(ORIGIN_RESPONSE)
    yield _Row("result_request_for_response", ORIGIN_RESPONSE, "The wrong one of two.", _whole(request))
    redirect = {"status": "302", "headers": header("Location", "/en/"), "uri": "/products/7", "method": "GET"}
    yield _Row("result_both_shapes", VIEWER_REQUEST, "A status put onto the request.", _whole(redirect))
    yield _Row("json_invalid", VIEWER_REQUEST, "A result that was cut off.", raw='{"status": "200", "body": "<html>')
    yield _Row("json_not_finite", VIEWER_REQUEST, "A division by zero.", raw='{"status": "200", "n": NaN}')
    doubled = '{"status": "302", "status": "302", "headers": {"location": [{"value": "/en/"}]}}'
    yield _Row("json_duplicate_key", VIEWER_REQUEST, "JSON put together by hand.", raw=doubled)
    halved = '{"status": "200", "body": "A smile cut in two: \\ud83d"}'
    yield _Row("json_lone_surrogate", ORIGIN_REQUEST, "A teaser cut after 100 UTF-16 units.", raw=halved)
    deep = '{"status": "200", "data": ' + "[" * 80 + "]" * 80 + "}"
    yield _Row("json_too_deep", VIEWER_REQUEST, "A tree returned along with the response.", raw=deep)
    large = '{"status": "200", "body": "' + "x" * 6_400_000 + '"}'
    yield _Row("result_too_large", ORIGIN_REQUEST, "A video as the body.", raw=large)
    yield _Row(
        "event_type_unknown",
        None,
        "A result in a ticket.",
        base="generated",
        has_event=False,
    )
    other = _set("origin-request", "Records", 0, "cf", "config", "eventType")
    yield _Row("event_unusable", VIEWER_REQUEST, "Another event.", base="generated", event_edits=other)
    yield _Row("not_compared", VIEWER_REQUEST, "The request alone.", _drop("headers", "host"), has_event=False)


def _response_rows() -> Iterable[_Row]:
    page: dict[str, Any] = {"base": "generated"}
    yield _Row("status_missing", VIEWER_REQUEST, "The status was forgotten.", _drop("status"), **page)
    yield _Row("status_invalid", ORIGIN_REQUEST, "The reason in the status.", _set("200 OK", "status"), **page)
    yield _Row("status_number", ORIGIN_RESPONSE, "A number for the status.", _set(404, "status"))
    yield _Row("status_changed", VIEWER_RESPONSE, "An error made of a page that came.", _set("404", "status"))
    yield _Row("no_content_body", VIEWER_REQUEST, "An empty JSON object with 204.", _set("204", "status"), **page)
    empty = (*_set("204", "status"), *_set("", "body"))
    yield _Row("no_content_empty_body", VIEWER_REQUEST, "204 with an empty body.", empty, **page)
    yield _Row("status_description_type", ORIGIN_REQUEST, "null for no text.", _set(None, "statusDescription"), **page)
    broken = _set("Found\nhere", "statusDescription")
    yield _Row("status_description_characters", ORIGIN_REQUEST, "A line break in the text.", broken, **page)
    yield _Row("body_type", ORIGIN_REQUEST, "An object for the body.", _set({"ok": True}, "body"), **page)
    yield _Row("body_encoding", ORIGIN_REQUEST, "A character set.", _set("utf-8", "bodyEncoding"), **page)
    yield _Row("body_base64", ORIGIN_REQUEST, "Plain text said to be base64.", _set("base64", "bodyEncoding"), **page)
    url_safe = (*_set("base64", "bodyEncoding"), *_set("_-8=", "body"))
    yield _Row("body_base64_unusual", ORIGIN_REQUEST, "base64url instead of base64.", url_safe, **page)
    yield _Row("viewer_response_body", VIEWER_RESPONSE, "A page for viewers after the cache.", _set("Hello", "body"))
    yield _Row("response_size", VIEWER_REQUEST, "A page of 50 KB.", _set("x" * 51_200, "body"), **page)
    yield _Row("size_unclear", VIEWER_REQUEST, "A page of almost 40 KB.", _set("x" * 40_500, "body"), **page)


def _header_rows() -> Iterable[_Row]:
    page: dict[str, Any] = {"base": "generated"}
    to_shop = "https://shop.example.com/"
    as_list = _set([{"key": "Location", "value": to_shop}], "headers")
    yield _Row("headers_type", VIEWER_REQUEST, "A list of headers.", as_list, **page)
    spaced = _set([{"value": "7"}], "headers", "x version")
    yield _Row("header_name_invalid", VIEWER_REQUEST, "A space in a name.", spaced, **page)
    cased = _set([{"value": "DENY"}], "headers", "X-Frame-Options")
    yield _Row("header_name_case", VIEWER_RESPONSE, "The usual spelling as key.", cased)
    yield _Row("header_not_array", VIEWER_REQUEST, "A plain string.", _set(to_shop, *_LOCATION), **page)
    yield _Row("header_empty", VIEWER_RESPONSE, "Emptied instead of deleted.", _set([], "headers", "server"))
    yield _Row("header_entry_type", VIEWER_RESPONSE, "Plain strings.", _set(["no-cache"], "headers", "pragma"))
    missing = _set([{"key": "X-Auth"}], "headers", "x-auth")
    yield _Row("header_value_missing", ORIGIN_REQUEST, "A query parameter that was not there.", missing)
    number = _set([{"key": "X-Version", "value": 7}], "headers", "x-version")
    yield _Row("header_value_type", VIEWER_REQUEST, "A number for a value.", number)
    several = _set([{"key": "Vary", "value": ["Origin", "Accept"]}], "headers", "vary")
    yield _Row("header_value_list", ORIGIN_RESPONSE, "All values in one entry.", several)
    yield _Row("header_value_characters", VIEWER_REQUEST, "A form's body behind a redirect.",
               _add("Location", "/?name=Ann\r\nage=7"), **page)  # fmt: skip
    yield _Row("header_value_unusual", ORIGIN_RESPONSE, "A file name in German.",
               _add("Content-Disposition", 'attachment; filename="Übersicht.pdf"'))  # fmt: skip
    keyed = _set([{"key": None, "value": "7"}], "headers", "x-version")
    yield _Row("header_key_type", VIEWER_REQUEST, "None for no name.", keyed)
    copied = _set([{"key": "X-Amz-Meta-Date", "value": "Mon, 12 Oct 2026 10:15:00 GMT"}], "headers", "last-modified")
    yield _Row("header_key_mismatch", ORIGIN_RESPONSE, "An entry copied from another header.", copied)
    yield _Row("header_disallowed", ORIGIN_RESPONSE, "All headers copied.", _add("Connection", "keep-alive"))
    yield _Row("header_read_only_added", ORIGIN_RESPONSE, "Headers copied from an upstream.",
               _add("Transfer-Encoding", "chunked"))  # fmt: skip
    yield _Row("header_read_only_changed", VIEWER_REQUEST, "Another host for the origin.",
               _add("Host", "origin.example.com"))  # fmt: skip
    yield _Row("header_read_only_deleted", ORIGIN_RESPONSE, "A response made anew.", _drop("headers", "via"))
    alone = _set(header("Via", "1.1 proxy"), "headers")
    yield _Row("header_read_only_unknown", ORIGIN_RESPONSE, "The response alone.", alone, has_event=False)
    yield _Row("generated_read_only", ORIGIN_REQUEST, "A length worked out by a framework.",
               _add("Content-Length", "43"), **page)  # fmt: skip
    yield _Row("viewer_country_added", VIEWER_REQUEST, "A country.", _add("CloudFront-Viewer-Country", "DE"))
    yield _Row("set_cookie_joined", VIEWER_RESPONSE, "All cookies in one line.",
               _add("Set-Cookie", "a=1; Path=/, b=2; Path=/"))  # fmt: skip


def _request_rows() -> Iterable[_Row]:
    yield _Row("request_member_missing", VIEWER_REQUEST, "A request made anew.", _drop("querystring"))
    yield _Row("uri_type", VIEWER_REQUEST, "A URL object for the path.", _set({"href": "/a"}, "uri"))
    yield _Row("uri_no_slash", VIEWER_REQUEST, "The name of the file alone.", _set("index.html", "uri"))
    yield _Row("uri_absolute", ORIGIN_REQUEST, "A redirect tried by the URI.", _set("https://example.com/a", "uri"))
    yield _Row("uri_characters", VIEWER_REQUEST, "A title for a path.", _set("/blue shirt", "uri"))
    yield _Row("uri_query", VIEWER_REQUEST, "Path and query in one.", _set("/search?q=shirt", "uri"))
    yield _Row("not_percent_encoded", VIEWER_REQUEST, "A path that was decoded.", _set("/hemd/größe", "uri"))
    yield _Row("querystring_type", VIEWER_REQUEST, "Parameters as an object.", _set(["color"], "querystring"))
    yield _Row("querystring_characters", VIEWER_REQUEST, "A value not encoded.", _set("q=blue shirt", "querystring"))
    yield _Row("querystring_question_mark", VIEWER_REQUEST, "“URL.search” as it is.", _set("?q=shirt", "querystring"))
    yield _Row("uri_too_long", VIEWER_REQUEST, "A state in the query string.", _set("s=" + "x" * 8190, "querystring"))
    yield _Row("method_changed", ORIGIN_REQUEST, "GET turned into POST.", _set("POST", "method"))
    yield _Row("client_ip_changed", VIEWER_REQUEST, "The first address of a list.", _set("198.51.100.7", "clientIp"))
    posted: dict[str, Any] = {"base": "bodied"}
    yield _Row("request_body_type", VIEWER_REQUEST, "A string for the body.", _set('{"color":"red"}', "body"), **posted)
    yield _Row("request_body_action", VIEWER_REQUEST, "Another word.", _set("overwrite", "body", "action"), **posted)
    yield _Row("request_body_encoding", VIEWER_REQUEST, "A character set.", _set("utf-8", "body", "encoding"), **posted)
    replace = _set("replace", "body", "action")
    yield _Row("request_body_data_type", VIEWER_REQUEST, "An object for the data.",
               (*replace, *_set({"color": "red"}, "body", "data")), **posted)  # fmt: skip
    yield _Row("request_body_base64", VIEWER_REQUEST, "Text where base64 is said.",
               (*replace, *_set('{"color":"red"}', "body", "data")), **posted)  # fmt: skip
    large = (*replace, *_set("text", "body", "encoding"), *_set("x" * 51_200, "body", "data"))
    yield _Row("request_body_size", VIEWER_REQUEST, "A form of 50 KB.", large, **posted)
    body = {"action": "replace", "encoding": "text", "data": "color=red"}
    yield _Row("request_body_not_included", VIEWER_REQUEST, "A body for a request without.", _set(body, "body"))
    truncated = _set(True, "body", "inputTruncated")
    yield _Row("input_truncated_changed", VIEWER_REQUEST, "A flag that is not the function's.", truncated, **posted)


def _origin_rows() -> Iterable[_Row]:
    def custom(rule: str, member: str, value: Any, story: str) -> _Row:
        return _Row(rule, ORIGIN_REQUEST, story, _set(value, *_CUSTOM, member))

    def bucket(rule: str, member: str, value: Any, story: str) -> _Row:
        return _Row(rule, ORIGIN_REQUEST, story, _set(value, "origin", "s3", member), base="bucket")

    yield _Row("origin_in_viewer_request", VIEWER_REQUEST, "An origin chosen too early.",
               _set({"s3": s3_origin()}, "origin"))  # fmt: skip
    yield _Row("origin_deleted", ORIGIN_REQUEST, "A request made anew.", _drop("origin"))
    yield _Row("origin_type", ORIGIN_REQUEST, "A name for the origin.", _set("origin.example.com", "origin"))
    yield _Row("origin_kind", ORIGIN_REQUEST, "A bucket beside the custom origin.", _set(s3_origin(), "origin", "s3"))
    yield _Row("origin_member_missing", ORIGIN_REQUEST, "Half of the settings.", _drop(*_CUSTOM, "sslProtocols"))
    yield custom("origin_domain_name", "domainName", "https://origin.example.com/", "A URL for the name.")
    yield bucket("origin_s3_domain_name", "domainName", "shop-eu.s3-website.eu-central-1.amazonaws.com",
                 "The website endpoint of the bucket.")  # fmt: skip
    yield custom("origin_path", "path", "/v2/", "A slash at the end.")
    yield custom("origin_port", "port", 81, "A port of long ago.")
    yield custom("origin_protocol", "protocol", "https-only", "The distribution's word for it.")
    yield custom("origin_ssl_protocols", "sslProtocols", ["TLSv1.2", "TLSv1.3"], "TLS 1.3 wished for.")
    yield custom("origin_read_timeout", "readTimeout", 180, "Three minutes for a report.")
    yield custom("origin_keepalive_timeout", "keepaliveTimeout", 0, "No connection kept.")
    yield custom("origin_completion_timeout", "responseCompletionTimeout", 10, "Less than one answer may take.")
    yield custom("origin_timeout_raised", "readTimeout", 60, "A minute for a report.")
    yield bucket("origin_auth_method", "authMethod", "origin-access-control", "The newer way to reach a bucket.")
    yield bucket("origin_region", "authMethod", "origin-access-identity", "An identity, and no region.")
    headers: Path = (*_CUSTOM, "customHeaders")
    denied = _set([{"value": "no-cache"}], *headers, "cache-control")
    yield _Row("custom_header_denied", ORIGIN_REQUEST, "The origin told not to cache.", denied)
    plain = _set("k3y-0f-the-0rigin", *headers, "x-origin-key")
    yield _Row("custom_header_invalid", ORIGIN_REQUEST, "A plain string.", plain)
    both = _set([{"value": "k3y"}], "headers", "x-origin-key")
    yield _Row("custom_header_collision", ORIGIN_REQUEST, "A key set in both places.", both)
    long = _set([{"value": "x" * 2000}], *headers, "x-long")
    yield _Row("custom_headers_size", ORIGIN_REQUEST, "A token of 2,000 characters.", long)
    yield _Row("origin_host_header", ORIGIN_REQUEST, "A bucket chosen, and Host as it was.",
               _set({"s3": s3_origin()}, "origin"))  # fmt: skip


@lru_cache(maxsize=1)
def examples() -> dict[str, Example]:
    """Return the broken results by the ids of the rules that they break."""
    groups = (_result_rows(), _response_rows(), _header_rows(), _request_rows(), _origin_rows())
    rows = (row.example() for group in groups for row in group)
    return {example.rule: example for example in rows}


@lru_cache(maxsize=1)
def twins() -> tuple[Example, ...]:
    """Return valid results: passed on as they came in every event, and generated where that is possible."""
    bases = [(event_type, "passed") for event_type in EventType]
    bases += [(event_type, base) for event_type in (VIEWER_REQUEST, ORIGIN_REQUEST) for base in ("generated", "bodied")]
    bases.append((ORIGIN_REQUEST, "bucket"))
    stories = {
        "passed": "Passed on as it came.",
        "generated": "A small page.",
        "bodied": "A POST with its body.",
        "bucket": "A request to a bucket.",
    }
    made = []
    for event_type, base in bases:
        event = _event_for(event_type, base)
        result = _valid(event, event_type, base)
        made.append(Example("", event_type, event, result, stories[base]))
    return tuple(made)
