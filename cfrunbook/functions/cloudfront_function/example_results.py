"""Examples of rules about results: each is a mistake that is easily made, and the same without it."""

from __future__ import annotations

import json

from cfrunbook.functions.cloudfront_function import facts
from cfrunbook.functions.cloudfront_function.calls import Run
from cfrunbook.functions.cloudfront_function.example_parts import (
    AT_REQUEST,
    VIA,
    Example,
    Given,
    answer_headers,
    at_request,
    at_response,
    event,
    given,
    headers,
    pair,
    request,
    response,
    value,
)
from cfrunbook.functions.cloudfront_function.facts import Runtime

_FOUND = {"statusCode": 302, "statusDescription": "Found", "headers": {"location": value("/de/")}}
_PAGE = {"statusCode": 200, "headers": {"content-type": value("text/plain")}, "body": "hello"}
_OUTPUT_OF_RUN = "// a comment: const and await in it are no code\nfunction handler(event) { return event.request; }"


def _ran(run: Run, result: object = None) -> Given:
    return Given(json.dumps(result or request()), AT_REQUEST, event(AT_REQUEST), run=run)


RUNS: tuple[Example, ...] = (
    pair(
        "handler_threw",
        "A header that not every viewer sends is read without asking whether it is there.",
        Given(
            "undefined", event=event(AT_REQUEST), run=Run(threw='TypeError: cannot get property "value" of undefined')
        ),
        given(request()),
    ),
    pair(
        "kvs_key_missing",
        "The key of a redirect is looked up for every path; get() throws for those without one.",
        Given("undefined", event=event(AT_REQUEST), run=Run(threw="Error: KeyNotFound: /media/index.html")),
        given(request()),
    ),
    pair(
        "kvs_store_missing",
        "The function was copied to another account without its key value store.",
        Given("undefined", event=event(AT_REQUEST), run=Run(threw="Error: KVSNamespaceNotFound")),
        given(request()),
    ),
    pair(
        "kvs_reads_at_once",
        "Two keys are read at the same time to save time.",
        _ran(Run(code="async function handler(event) { await Promise.all([kvs.get('a'), kvs.get('b')]); }")),
        _ran(Run(code="async function handler(event) { await kvs.get('a'); await kvs.get('b'); }")),
    ),
    pair(
        "runtime_1_syntax",
        "The code was written for runtime 2.0, and the function is still on 1.0.",
        _ran(Run(code="async function handler(event) { const r = event.request; return r; }", runtime=Runtime.JS_1_0)),
        _ran(Run(code=_OUTPUT_OF_RUN, runtime=Runtime.JS_1_0)),
    ),
    pair(
        "restricted_feature",
        "The function asks another server, as a Lambda function could.",
        _ran(Run(code="async function handler(event) { await fetch('https://auth.example.com'); }")),
        _ran(Run(code="function handler(event) { return event.request; } // no fetch() here")),
    ),
    pair(
        "code_large",
        "The redirects are a table inside the code.",
        _ran(Run(code="var table = {" + "'/old': '/new', " * 700 + "};")),
        _ran(Run(code=_OUTPUT_OF_RUN)),
    ),
    pair(
        "compute_utilization",
        "A regular expression with a thousand alternatives runs on every request.",
        _ran(Run(compute_utilization=88)),
        _ran(Run(compute_utilization=21)),
    ),
)

WHOLE: tuple[Example, ...] = (
    pair("unreadable", "The result was copied from console.log.", Given("{ statusCode: 302 }"), given(_FOUND)),
    pair(
        "result_missing",
        "One branch of the handler ends without return.",
        Given("undefined", event=event(AT_REQUEST)),
        given(request()),
    ),
    at_request("result_promise", "The handler returns what an async function gives, without await.", {}),
    at_request("result_not_object", "The handler returns JSON text.", json.dumps(_FOUND), _FOUND),
    at_request("result_event", "The handler ends with return event.", event(AT_REQUEST)),
    at_response("result_wrapped", "The handler returns { response: response }.", {"response": response()}),
    at_request(
        "result_lambda_edge",
        "A Lambda@Edge function was pasted into a CloudFront Function.",
        {"status": "302", "headers": {"location": [{"key": "Location", "value": "/de/"}]}},
        {"statusCode": 302, "headers": {"location": value("/de/")}},
    ),
    at_request(
        "result_api_gateway",
        "The answer is written as for API Gateway.",
        {"statusCode": 200, "headers": {"content-type": "text/plain"}, "body": "hello"},
        _PAGE,
    ),
    at_response("result_wrong_kind", "One function is used for both events and always returns the request.", request()),
    at_request("result_neither", "Only the headers are returned.", {"headers": headers()}),
    at_request("result_both", "The request is given a status to make it a redirect.", request(statusCode=302), _FOUND),
    pair(
        "json_flaw",
        "The result was put together by hand, with uri twice.",
        Given(json.dumps(request()).replace('"uri":', '"uri": "/", "uri":'), event=event(AT_REQUEST)),
        given(request()),
    ),
    at_request(
        "foreign_field",
        "The body of the answer is marked as base64 the Lambda@Edge way.",
        {**_PAGE, "body": "aGVsbG8=", "bodyEncoding": "base64"},
        {**_PAGE, "body": {"encoding": "base64", "data": "aGVsbG8="}},
    ),
    pair(
        "event_unusable",
        "The event is one of Lambda@Edge.",
        given(_FOUND, event={"Records": [{"cf": {"request": {}}}]}),
        given(_FOUND),
    ),
    pair("not_compared", "Only the result was kept, not the event.", given(request(), event=None), given(request())),
)

FIELDS: tuple[Example, ...] = (
    at_request("status_missing", "The answer is made without a status.", {"body": "hello"}, _PAGE),
    at_request("status_not_integer", "The status is text, as in Lambda@Edge.", {**_FOUND, "statusCode": "302"}, _FOUND),
    at_request("status_out_of_range", "A status of one's own for logs.", {**_PAGE, "statusCode": 600}, _PAGE),
    at_request("status_description_type", "The description is a number.", {**_FOUND, "statusDescription": 302}, _FOUND),
    at_request(
        "status_description_control",
        "The description is an exception's message of two lines.",
        {**_PAGE, "statusDescription": "Bad\nrequest"},
        {**_PAGE, "statusDescription": "Bad request"},
    ),
    at_request("body_type", "The body is an object, not its JSON.", {**_PAGE, "body": ["hello"]}, _PAGE),
    at_request(
        "body_encoding",
        "The encoding names the compression.",
        {**_PAGE, "body": {"encoding": "gzip", "data": "H4sI"}},
        {**_PAGE, "body": {"encoding": "base64", "data": "H4sI"}},
    ),
    at_request(
        "body_encoding_missing",
        "Only the data is given.",
        {**_PAGE, "body": {"data": "hello"}},
        {**_PAGE, "body": {"encoding": "text", "data": "hello"}},
    ),
    at_request(
        "body_data",
        "The data is an object, not its JSON.",
        {**_PAGE, "body": {"encoding": "text", "data": {"error": "no token"}}},
        {**_PAGE, "body": {"encoding": "text", "data": '{"error": "no token"}'}},
    ),
    at_request(
        "body_base64",
        "The data is base64 of the URL alphabet.",
        {**_PAGE, "body": {"encoding": "base64", "data": "aGk_"}},
        {**_PAGE, "body": {"encoding": "base64", "data": "aGk/"}},
    ),
    at_request(
        "body_large",
        "A whole page is served from the function.",
        {**_PAGE, "body": "x" * (facts.REPORTED_MAX_BODY + 1)},
        {**_PAGE, "body": "x" * facts.REPORTED_MAX_BODY},
    ),
    at_request(
        "memory",
        "A text is doubled until it is larger than the function's memory.",
        {**_PAGE, "body": "x" * (facts.MAX_MEMORY + 1)},
        _PAGE,
    ),
    at_request(
        "body_no_content",
        "A preflight answer says ok in its body.",
        {"statusCode": 204, "body": "ok"},
        {"statusCode": 204},
    ),
    at_response(
        "body_stale_headers",
        "The body is replaced, and the length is still that of the old one.",
        response(body="maintenance"),
        response(body="maintenance", headers=answer_headers(content_length=value("11"))),
    ),
    at_request("method_changed", "A HEAD request is to be answered by GET's object.", request(method="HEAD")),
    at_request("uri_missing", "The request is built anew, without its path.", request(uri=None)),
    at_request("uri_type", "The path is left as the array that split() gave.", request(uri=["media", "index.html"])),
    at_request("uri_no_slash", "The path is put together without its slash.", request(uri="media/index.html")),
    at_request(
        "uri_characters", "A name with a space is not encoded.", request(uri="/my file"), request(uri="/my%20file")
    ),
    at_request(
        "uri_query",
        "The query string is appended to the path.",
        request(uri="/search?q=1"),
        request(uri="/search", querystring={"q": value("1")}),
    ),
    at_request(
        "uri_long", "A state is kept in the path.", request(uri="/" + "a" * 8180), request(uri="/" + "a" * 8160)
    ),
    at_request("querystring_type", "The parameters are an array.", request(querystring=["id=42"])),
    at_request(
        "querystring_characters",
        "A search term is not encoded.",
        request(querystring={"q": value("two words")}),
        request(querystring="q=two%20words"),
    ),
)

HEADERS: tuple[Example, ...] = (
    at_request("entries_type", "The headers are a list of pairs.", request(cookies=[["consent", "yes"]])),
    at_response(
        "header_name_case",
        "The header is written as documentation writes it.",
        response(headers={**answer_headers(), "X-Frame-Options": value("DENY")}),
        response(headers=answer_headers(x_frame_options=value("DENY"))),
    ),
    at_response(
        "name_invalid",
        "The name has the colon of a header line.",
        response(headers={**answer_headers(), "x-frame-options:": value("DENY")}),
    ),
    at_response(
        "entry_not_object",
        "One header is plain text.",
        response(headers=answer_headers(x_frame_options="DENY")),
        response(headers=answer_headers(x_frame_options=value("DENY"))),
    ),
    at_request(
        "value_missing",
        "A header is set from a variable that is undefined.",
        request(headers=headers(x_country={})),
        request(headers=headers(x_country=value("DE"))),
    ),
    at_request(
        "value_not_string",
        "A number is put into a header.",
        request(headers=headers(x_bucket={"value": 7})),
        request(headers=headers(x_bucket=value("7"))),
    ),
    at_request(
        "value_promise",
        "kvs.get() is not awaited.",
        request(headers=headers(x_target={"value": {}})),
        request(headers=headers(x_target=value("blue"))),
    ),
    at_request(
        "promise_text",
        "A promise is put into a string.",
        request(headers=headers(x_target=value("to-[object Promise]"))),
        request(headers=headers(x_target=value("to-blue"))),
    ),
    at_request(
        "value_control",
        "A decoded parameter with a line break goes into location.",
        {"statusCode": 302, "headers": {"location": value("/next\r\nset-cookie: a=b")}},
        _FOUND,
    ),
    at_request(
        "value_only_multi",
        "A new header with two values has only multiValue.",
        request(headers=headers(x_tag={"multiValue": [value("a"), value("b")]})),
        request(headers=headers(x_tag={"value": "a", "multiValue": [value("a"), value("b")]})),
    ),
    at_request(
        "multi_value_invalid",
        "multiValue is a list of texts.",
        request(headers=headers(x_tag={"value": "a", "multiValue": ["a", "b"]})),
        request(headers=headers(x_tag={"value": "a", "multiValue": [value("a"), value("b")]})),
    ),
    at_request(
        "multi_value_wins",
        "The value of a header that came twice is replaced.",
        request(
            headers=headers(accept={"value": "image/avif", "multiValue": [value("text/html"), value("image/webp")]})
        ),
        request(headers=headers(accept=value("image/avif"))),
    ),
    at_response(
        "cookie_attributes",
        "A cookie's attributes are an object.",
        response(cookies={"session": {"value": "s2", "attributes": {"Secure": True}}}),
        response(cookies={"session": {"value": "s2", "attributes": "Secure"}}),
    ),
    at_response(
        "cookie_in_headers",
        "A cookie is set with the header set-cookie.",
        response(headers=answer_headers(set_cookie=value("ab=blue; Path=/"))),
        response(cookies={"ab": {"value": "blue", "attributes": "Path=/"}}),
    ),
    at_request(
        "header_disallowed",
        "The origin is to know the viewer's protocol.",
        request(headers=headers(x_forwarded_proto=value("https"))),
        request(headers=headers(x_viewer_protocol=value("https"))),
    ),
    at_request(
        "header_read_only_added",
        "A header of the upstream server is copied.",
        request(headers=headers(transfer_encoding=value("chunked"))),
    ),
    at_request(
        "header_read_only_changed",
        "The Host is rewritten for the origin.",
        request(headers=headers(host=value("origin.example.com"))),
        request(headers=headers(x_original_host=value("video.example.com"))),
    ),
    at_response(
        "header_read_only_deleted",
        "Headers that tell of CloudFront are removed.",
        response(headers=answer_headers(via=None)),
        response(headers=answer_headers(server=None)),
    ),
    at_request(
        "host_deleted",
        "A new headers object has only what the origin needs.",
        request(headers={"user-agent": value("curl/8.9")}),
        request(headers={"host": value("video.example.com")}),
    ),
    at_request(
        "header_read_only_generated",
        "An upstream answer is copied with all its headers.",
        {**_PAGE, "headers": {"via": value(VIA)}},
        _PAGE,
    ),
)
