"""What CloudFront makes of a CloudFront Function's result: places, values, comparisons, what cannot be told, and limits."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cfrunbook.findings import Status
from cfrunbook.functions.cloudfront_function import facts
from cfrunbook.functions.cloudfront_function.calls import OriginCall, Run, recorded
from cfrunbook.functions.cloudfront_function.example_parts import (
    AT_REQUEST,
    AT_RESPONSE,
    ORIGINS,
    answer_headers,
    event,
    headers,
    request,
    response,
    value,
)
from cfrunbook.functions.cloudfront_function.facts import Runtime
from cfrunbook.functions.cloudfront_function.known_origins import KnownOrigin, of_distribution
from cfrunbook.functions.cloudfront_function.validation import validate
from cfrunbook.functions.documents import MAX_BYTES, of_value, read
from cfrunbook.functions.model import Effect, EventType, Kind, Validation


def judged(result: Any, at: EventType | None = AT_REQUEST, came: Any = "own", **rest: Any) -> Validation:
    own = event(at or AT_REQUEST) if came == "own" else came
    return validate(of_value(result), at, None if own is None else of_value(own), **rest)


def names(found: Validation) -> list[str]:
    return [violation.rule.id.removeprefix("cloudfront_function.") for violation in found.violations]


def places(found: Validation) -> dict[str, str]:
    return {v.rule.id.removeprefix("cloudfront_function."): v.where for v in found.violations}


# Where the rule is broken, as the code would name it within the returned object.
@pytest.mark.parametrize(
    ("at", "result", "where"),
    [
        (AT_REQUEST, request(uri="x"), {"uri_no_slash": "uri"}),
        (AT_REQUEST, request(headers=headers(x_foo={"value": 1})), {"value_not_string": 'headers["x-foo"].value'}),
        (AT_REQUEST, request(headers=headers(x_foo="1")), {"entry_not_object": 'headers["x-foo"]'}),
        (AT_REQUEST, request(cookies={"a": {"value": None}}), {"value_not_string": "cookies.a.value"}),
        (AT_REQUEST, request(querystring={"q": "1"}), {"entry_not_object": "querystring.q"}),
        (
            AT_REQUEST,
            request(querystring={"q": {"value": "a", "multiValue": [{"value": "a"}, {"value": 3}]}}),
            {"multi_value_invalid": "querystring.q.multiValue[1]"},
        ),
        (
            AT_REQUEST,
            request(headers=headers(x_a={"value": "a", "multiValue": [{"value": "a"}, {"value": "b\n"}]})),
            {"value_control": 'headers["x-a"].multiValue[1].value'},
        ),
        (AT_RESPONSE, response(statusCode="200"), {"status_not_integer": "statusCode"}),
        (AT_RESPONSE, response(body={"encoding": "base64", "data": "%"}), {"body_base64": "body.data"}),
        (
            AT_RESPONSE,
            response(cookies={"s": {"value": "1", "attributes": ["Secure"]}}),
            {"cookie_attributes": "cookies.s.attributes"},
        ),
        (AT_RESPONSE, response(headers=answer_headers(via=None)), {"header_read_only_deleted": "headers.via"}),
        (AT_REQUEST, "request", {"result_not_object": "result"}),
    ],
)
def test_a_violation_has_its_place(at: EventType, result: Any, where: dict[str, str]) -> None:
    found = judged(result, at)
    without_stale = {name: place for name, place in places(found).items() if name != "body_stale_headers"}
    assert without_stale == where


def test_violations_come_in_the_order_of_the_result() -> None:
    result = {"headers": headers(connection=value("close")), "uri": "x", "method": "GET", "cookies": []}
    assert names(judged(result)) == ["header_disallowed", "uri_no_slash", "entries_type"]


# Read-only is not forbidden: what came may be passed on.
@pytest.mark.parametrize(
    ("at", "result", "rules"),
    [
        (AT_REQUEST, request(), []),
        (AT_RESPONSE, response(), []),
        (AT_REQUEST, request(headers=headers(host={"value": "video.example.com", "multiValue": [value("video.example.com")]})), []),
        (AT_REQUEST, request(headers=headers(host=value("a.example"))), ["header_read_only_changed"]),
        (AT_REQUEST, request(headers=headers(host=None)), ["host_deleted"]),
        (AT_REQUEST, request(headers=headers(content_length=value("0"))), ["header_read_only_added"]),
        (AT_REQUEST, request(headers=None), ["host_deleted"]),
        (AT_REQUEST, request(headers={}), ["host_deleted"]),
        (AT_REQUEST, request(headers=headers(cdn_loop=value("x"), via=value("y"))), ["header_read_only_added"] * 2),
        # Read-only for Lambda@Edge only; the guide even says to align content-length with a new body.
        (AT_RESPONSE, response(headers=answer_headers(content_length=None, content_encoding=value("br"))), []),
        (AT_RESPONSE, response(headers=answer_headers(warning=value("199 - stale"))), ["header_read_only_added"]),
        (AT_RESPONSE, response(headers=answer_headers(host=value("a.example"))), []),
    ],
)  # fmt: skip
def test_read_only_headers_are_compared_with_the_event(at: EventType, result: Any, rules: list[str]) -> None:
    assert names(judged(result, at)) == rules


@pytest.mark.parametrize(
    "name",
    ["connection", "x-amz-cf-id", "x-edge-location", "x-real-ip", "x-cache", "X-Forwarded-Proto", "x-amzn-requestid"],
)
def test_no_function_sets_a_disallowed_header(name: str) -> None:
    for at, made in ((AT_REQUEST, request), (AT_RESPONSE, response)):
        plain = made()
        plain["headers"][name] = value("x")
        found = judged(plain, at)
        assert names(found) == ["header_disallowed"]
        assert found.corrected == made()
    assert names(judged({"statusCode": 200, "headers": {name: value("x")}})) == ["header_disallowed"]


@pytest.mark.parametrize("name", ["x-amz-meta-a", "x-forwarded-host", "x-forwarded-for", "x-edgeoptimize-url", "range"])
def test_headers_that_look_disallowed_are_not(name: str) -> None:
    assert names(judged(request(headers={**headers(), name: value("x")}))) == []


def test_without_the_event_nobody_can_tell() -> None:
    for at, result in ((AT_REQUEST, request()), (AT_RESPONSE, response()), (None, request()), (None, response())):
        found = judged(result, at, None)
        assert names(found) == ["not_compared"]
        assert found.of(Status.UNKNOWN)
        assert not found.is_refused
    assert names(judged({"statusCode": 204}, AT_REQUEST, None)) == [], "nothing to compare: the function made it"


def test_the_event_type_is_taken_from_the_event() -> None:
    assert judged(request(), None).event_type is AT_REQUEST
    bare = {name: item for name, item in event(AT_RESPONSE).items() if name != "context"}
    assert judged(response(), None, bare).event_type is AT_RESPONSE
    assert names(judged(request(), None, event(AT_RESPONSE))) == ["result_wrong_kind"]


@pytest.mark.parametrize(
    ("at", "came", "problem"),
    [
        (AT_REQUEST, {"Records": []}, "Lambda@Edge"),
        (AT_REQUEST, [1], "no request"),
        (AT_REQUEST, event(AT_RESPONSE), "one of viewer-response"),
        (AT_RESPONSE, {**event(AT_RESPONSE), "response": None}, "no response"),
        (EventType.ORIGIN_REQUEST, event(AT_REQUEST), "do not run at origin-request"),
    ],
)
def test_an_event_that_does_not_fit_is_said(at: EventType, came: Any, problem: str) -> None:
    result = response() if at is AT_RESPONSE else {"statusCode": 200}
    found = judged(result, at, came)
    assert "event_unusable" in names(found)
    assert any(problem in violation.title for violation in found.violations)
    assert not found.is_refused


def test_secrets_are_not_shown() -> None:
    secret = "hunter2hunter2"
    result = {
        "method": "POST",
        "uri": f"media?token={secret}",
        "headers": {"host": value(secret), "Authorization": value(f"Bearer {secret}"), "x-key": secret},
        "cookies": {"session": secret},
        "querystring": {"token": secret},
    }
    found = judged(result)
    assert len(found.violations) >= 6
    shown = " ".join(v.title + v.shown + json.dumps(v.arguments) for v in found.violations)
    assert secret not in shown
    assert secret in json.dumps(found.corrected), "the corrected result is the author's own"


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ("undefined", "result_missing"),
        ("", "result_missing"),
        ("null", "result_missing"),
        ("\ufeffnull", "result_missing"),
        ("[]", "result_not_object"),
        ("true", "result_not_object"),
        ("{}", "result_promise"),
        ("{'a': 1}", "unreadable"),
        ("[" * 5000, "unreadable"),
        ('{"statusCode": ' + "[" * 70 + "]" * 70 + "}", "unreadable"),
        ('{"statusCode": NaN}', "status_not_integer"),
        ('{"statusCode": 2' + "0" * 5000 + "}", "unreadable"),
        ('{"statusCode": 200, "statusDescription": "\\ud800"}', "json_flaw"),
        (" " * (MAX_BYTES + 1), "unreadable"),
    ],
)
def test_what_is_no_result_says_so(given: str, kind: str) -> None:
    found = validate(read(given), AT_REQUEST)
    assert kind in names(found)
    assert found.kind is Kind.CLOUDFRONT_FUNCTION


@pytest.mark.parametrize(
    ("result", "corrected"),
    [
        (
            {
                "status": "302",
                "headers": {
                    "Location": [{"key": "Location", "value": "/a"}],
                    "set-cookie": [{"value": "a=1; Path=/"}, {"value": "b=2"}],
                    "connection": [{"value": "close"}],
                },
                "body": "aGk=",
                "bodyEncoding": "base64",
            },
            {
                "statusCode": 302,
                "headers": {"location": value("/a")},
                "cookies": {"a": {"value": "1", "attributes": "Path=/"}, "b": {"value": "2"}},
                "body": {"encoding": "base64", "data": "aGk="},
            },
        ),
        (
            {"statusCode": 200, "multiValueHeaders": {"Vary": ["a", "b"]}, "body": "x", "isBase64Encoded": False},
            {
                "statusCode": 200,
                "headers": {"vary": {"value": "a", "multiValue": [value("a"), value("b")]}},
                "body": {"encoding": "text", "data": "x"},
            },
        ),
        (
            {"statusCode": "404", "headers": {"Content-Type": "text/plain", "X-Count": 3}},
            {"statusCode": 404, "headers": {"content-type": value("text/plain"), "x-count": value("3")}},
        ),
        (
            request(headers={name: [{"value": item["value"]}] for name, item in headers().items()}),
            request(headers=headers(accept=value("text/html"))),
        ),
    ],
)  # fmt: skip
def test_results_of_other_platforms_are_written_anew(result: Any, corrected: Any) -> None:
    found = judged(result)
    assert len(found.violations) == 1, "one hint, not one for each header"
    assert found.corrected == corrected


def test_a_converted_host_is_set_back() -> None:
    result = request(headers=headers(host=None) | {"Host": value("other.example")})
    assert judged(result).corrected == request(headers=headers())


def test_what_only_the_author_knows_is_not_mended() -> None:
    assert judged(request(uri="x", headers=headers(a={"value": 1}))).corrected is not None
    assert judged({"statusCode": "no", "headers": {}}).corrected is None


@pytest.mark.parametrize(
    ("status", "rules"),
    [
        (200, []), (204.0, []), (599, []), (199, ["status_out_of_range"]), (0, ["status_out_of_range"]),
        (200.5, ["status_not_integer"]), (True, ["status_not_integer"]), (None, ["status_not_integer"]),
        ("200", ["status_not_integer"]), ([200], ["status_not_integer"]),
    ],
)  # fmt: skip
def test_the_status_is_an_integer(status: Any, rules: list[str]) -> None:
    assert names(judged({"statusCode": status})) == rules


@pytest.mark.parametrize(
    ("body", "size", "rules"),
    [
        ("", 0, []),
        ("hé", 3, []),
        ({"encoding": "text", "data": "é"}, 2, []),
        ({"encoding": "base64", "data": "aGk="}, 2, []),
        ({"encoding": "base64", "data": ""}, 0, []),
        ({"encoding": "base64", "data": "aGk"}, 2, ["body_base64"]),
        ({"encoding": "base64", "data": "é==="}, None, ["body_base64"]),
        ({"encoding": "BASE64", "data": "aGk="}, None, ["body_encoding"]),
        ({"encoding": "text"}, None, ["body_data"]),
        (None, None, ["body_type"]),
        (7, None, ["body_type"]),
    ],
)
def test_the_body_is_text_or_encoded(body: Any, size: int | None, rules: list[str]) -> None:
    found = judged({"statusCode": 200, "body": body})
    assert names(found) == rules
    if size is not None:
        assert (found.size, found.limit) == (size, facts.REPORTED_MAX_BODY)


def test_content_encoding_of_a_replaced_body() -> None:
    compressed = answer_headers(content_encoding=value("gzip"), content_length=None)
    assert names(judged(response(headers=compressed), AT_RESPONSE)) == []
    assert names(judged(response(headers=compressed, body="x"), AT_RESPONSE)) == ["body_stale_headers"]
    packed = response(headers=compressed, body={"encoding": "base64", "data": "H4sI"})
    assert names(judged(packed, AT_RESPONSE)) == [], "bytes may well be compressed"


def test_a_run_that_threw_has_no_result() -> None:
    found = validate(read("undefined"), AT_REQUEST, run=Run(threw="ReferenceError: password=hunter2 is not defined"))
    assert names(found) == ["handler_threw"]
    assert found.effect is Effect.EXECUTION
    assert found.effect.status == 503
    assert "hunter2" not in found.violations[0].title


@pytest.mark.parametrize(
    ("code", "used"),
    [
        ("var a = 'const b';", ""),
        ('var a = "await x"; /* let y */ // async function', ""),
        ("var letter = 1; var constant = 2;", ""),
        ("var f = x => x;", ""),
        ("let a = 1;", "let"),
        ("const {a} = b;", "const"),
        ("import cf from 'cloudfront';\nasync function handler(e) { await f(); }", "async, await, import ... from"),
        ("var x = 'it\\'s'; const y = 1;", "const"),
    ],
)
def test_what_runtime_1_does_not_know(code: str, used: str) -> None:
    found = validate(
        of_value(request()), AT_REQUEST, of_value(event(AT_REQUEST)), run=Run(code=code, runtime=Runtime.JS_1_0)
    )
    assert [violation.shown for violation in found.violations] == ([used] if used else [])
    newer = Run(code=code, runtime=Runtime.JS_2_0)
    assert validate(of_value(request()), AT_REQUEST, of_value(event(AT_REQUEST)), run=newer).violations == ()


# The output of `aws cloudfront test-function`, as the command line writes it.
def test_the_output_of_the_test_is_unpacked() -> None:
    tested = {
        "TestResult": {
            "FunctionSummary": {"Name": "f", "FunctionConfig": {"Comment": "", "Runtime": "cloudfront-js-2.0"}},
            "ComputeUtilization": "72",
            "FunctionExecutionLogs": [],
            "FunctionErrorMessage": "",
            "FunctionOutput": json.dumps({"request": request(uri="x")}),
        }
    }
    found = judged(tested)
    assert names(found) == ["uri_no_slash", "compute_utilization"]
    assert found.corrected == request(uri="/x")
    tested["TestResult"] |= {"FunctionErrorMessage": "TypeError: x is undefined", "FunctionOutput": ""}
    assert judged(tested).effect is Effect.EXECUTION


@pytest.mark.parametrize(
    ("query", "mended"),
    [
        ("q=two words#top", "q=two%20words%23top"),
        ({"q": value("a\tb")}, {"q": value("a%09b")}),
        ({"q": {"value": "a", "multiValue": [value("a"), value("b c")]}}, {"q": {"value": "a", "multiValue": [value("a"), value("b%20c")]}}),
    ],
)  # fmt: skip
def test_a_query_string_is_percent_encoded(query: Any, mended: Any) -> None:
    found = judged(request(querystring=query))
    assert names(found) == ["querystring_characters"]
    assert found.corrected == request(querystring=mended)


# "/", then "?a=" and the value, for each value once more: fewer than 8,192 characters.
@pytest.mark.parametrize(
    ("query", "is_long"),
    [
        ("a" * 8190, True),
        ("a" * 8189, False),
        ({"a": value("b" * 8188)}, True),
        ({"a": value("b" * 8187)}, False),
        ({"a": {**value("b" * 4093), "multiValue": [value("b" * 4093)] * 2}}, True),
        ({"a": {**value("b" * 4092), "multiValue": [value("b" * 4092)] * 2}}, False),
    ],
)
def test_path_and_query_string_are_measured_together(query: Any, is_long: bool) -> None:
    assert names(judged(request(uri="/", querystring=query))) == ["uri_long"] * is_long


def test_a_function_that_changes_an_old_name_may_have_it_in_either_case() -> None:
    """A test event may have names as documentation writes them; what came so may be passed on."""
    came = event(AT_REQUEST)
    came["request"]["headers"] = {"Host": value("a.example"), "X-Foo": value("1")}
    assert names(judged(came["request"], AT_REQUEST, came)) == []


@pytest.mark.parametrize(
    "hostile", ["/*" * 20000, "`" * 30001, "\\" * 30000, "\n" * 40000, "'\\" * 20000, "Promise " * 5000]
)
def test_hostile_code_is_read_once(hostile: str) -> None:
    run = Run(code=hostile, runtime=Runtime.JS_1_0)
    assert names(validate(of_value(request()), AT_REQUEST, of_value(event(AT_REQUEST)), run=run)) == ["code_large"]


def test_a_call_is_read_from_its_record() -> None:
    assert recorded("updateRequestOrigin", '[{"domainName": "a.example"}]') == update(domainName="a.example")
    assert recorded("selectRequestOriginById", '["web", null]').arguments == ("web", None)
    for lost in ("null", "", "{}", "[", "[" * 1000):
        assert recorded("updateRequestOrigin", lost).arguments is None
    found = judged(request(), calls=(recorded("updateRequestOrigin", "null"),), origins=ORIGINS)
    assert names(found) == ["origin_arguments_lost"]
    assert not found.is_refused


def update(**settings: Any) -> OriginCall:
    return OriginCall("updateRequestOrigin", (settings,))


TLS = {"port": 443, "protocol": "https", "sslProtocols": ["TLSv1.2"]}


@pytest.mark.parametrize(
    ("call", "where"),
    [
        (update(domainName="192.0.2.1"), "updateRequestOrigin[0].domainName"),
        (update(domainName="[2001:db8::1]"), "updateRequestOrigin[0].domainName"),
        (update(domainName="www.example.com:8443"), "updateRequestOrigin[0].domainName"),
        (update(domainName=""), "updateRequestOrigin[0].domainName"),
        (update(domainName=None), "updateRequestOrigin[0].domainName"),
        (update(domainName="a." * 130 + "example"), "updateRequestOrigin[0].domainName"),
        (update(sni="a:1"), "updateRequestOrigin[0].sni"),
        (update(hostHeader="192.0.2.1"), "updateRequestOrigin[0].hostHeader"),
        (update(originPath="v2"), "updateRequestOrigin[0].originPath"),
        (update(originPath="/" + "a" * 255), "updateRequestOrigin[0].originPath"),
        (update(originPath="/a b"), "updateRequestOrigin[0].originPath"),
        (update(customHeaders=[]), "updateRequestOrigin[0].customHeaders"),
        (update(customHeaders={"x-a": [{"value": "b"}]}), 'updateRequestOrigin[0].customHeaders["x-a"]'),
        (update(customHeaders={"x-amz-a": "b"}), 'updateRequestOrigin[0].customHeaders["x-amz-a"]'),
        (update(customHeaders={"Connection": "b"}), "updateRequestOrigin[0].customHeaders.Connection"),
        (update(connectionAttempts=0), "updateRequestOrigin[0].connectionAttempts"),
        (update(connectionAttempts="3"), "updateRequestOrigin[0].connectionAttempts"),
        (update(timeouts=30), "updateRequestOrigin[0].timeouts"),
        (update(timeouts={"readTimeout": 0}), "updateRequestOrigin[0].timeouts.readTimeout"),
        (update(timeouts={"readTimeout": 121}), "updateRequestOrigin[0].timeouts.readTimeout"),
        (update(timeouts={"keepAliveTimeout": "5"}), "updateRequestOrigin[0].timeouts.keepAliveTimeout"),
        (update(timeouts={"keepaliveTimeout": 5}), "updateRequestOrigin[0].timeouts.keepaliveTimeout"),
        (update(timeouts={"connectionTimeout": 11}), "updateRequestOrigin[0].timeouts.connectionTimeout"),
        (
            update(timeouts={"readTimeout": 60, "responseCompletionTimeout": 30}),
            "updateRequestOrigin[0].timeouts.responseCompletionTimeout",
        ),
        (update(customOriginConfig=None), "updateRequestOrigin[0].customOriginConfig"),
        (update(customOriginConfig={**TLS, "port": 8000.5}), "updateRequestOrigin[0].customOriginConfig.port"),
        (update(customOriginConfig={**TLS, "port": 1023}), "updateRequestOrigin[0].customOriginConfig.port"),
        (update(customOriginConfig={**TLS, "port": 65536}), "updateRequestOrigin[0].customOriginConfig.port"),
        (update(customOriginConfig={**TLS, "sslProtocols": "TLSv1.2"}), "updateRequestOrigin[0].customOriginConfig.sslProtocols"),
        (update(customOriginConfig={**TLS, "sslProtocols": []}), "updateRequestOrigin[0].customOriginConfig.sslProtocols"),
        (
            update(domainName="a.example", customOriginConfig={**TLS, "ipAddressType": "IPv6"}),
            "updateRequestOrigin[0].customOriginConfig.ipAddressType",
        ),
        (update(originShield=True), "updateRequestOrigin[0].originShield"),
        (update(originShield={"region": "eu-west-1"}), "updateRequestOrigin[0].originShield.enabled"),
        (update(originShield={"enabled": True, "region": "Ireland"}), "updateRequestOrigin[0].originShield.region"),
        (update(originAccessControlConfig={"enabled": "no"}), "updateRequestOrigin[0].originAccessControlConfig.enabled"),
        (
            update(originAccessControlConfig={"enabled": True, "signingProtocol": "sigv4a"}),
            "updateRequestOrigin[0].originAccessControlConfig.signingProtocol",
        ),
        (update(allowedCertificateNames=["a"] * 21), "updateRequestOrigin[0].allowedCertificateNames"),
        (update(allowedCertificateNames=["a" * 65]), "updateRequestOrigin[0].allowedCertificateNames[0]"),
        (update(mTLSConfig="on"), "updateRequestOrigin[0].mTLSConfig"),
        (OriginCall("updateRequestOrigin"), "updateRequestOrigin[0]"),
        (OriginCall("selectRequestOriginById", (None,)), "selectRequestOriginById[0]"),
        (OriginCall("selectRequestOriginById", ("web", "x")), "selectRequestOriginById[1]"),
        (OriginCall("selectRequestOriginById", ("web", {"sni": "a/b"})), "selectRequestOriginById[1].sni"),
        (OriginCall("selectRequestOriginById", ("web", {"domainName": "a"})), "selectRequestOriginById[1].domainName"),
        (
            OriginCall("createRequestOriginGroup", ({"originIds": ["web", "no"], "failoverCriteria": {"statusCodes": [500]}},)),
            "createRequestOriginGroup[0].originIds[1]",
        ),
        (
            OriginCall("createRequestOriginGroup", ({"originIds": ["web"], "failoverCriteria": {"statusCodes": [500]}},)),
            "createRequestOriginGroup[0].originIds",
        ),
        (
            OriginCall("createRequestOriginGroup", ({"originIds": ["web", "bucket"], "failoverCriteria": {"statusCodes": [500, 501]}},)),
            "createRequestOriginGroup[0].failoverCriteria.statusCodes[1]",
        ),
        (
            OriginCall("createRequestOriginGroup", ({"originIds": ["web", "bucket"], "failoverCriteria": {}},)),
            "createRequestOriginGroup[0].failoverCriteria",
        ),
    ],
)  # fmt: skip
def test_the_limits_of_each_setting_of_an_origin(call: OriginCall, where: str) -> None:
    found = judged(request(), calls=(call,), origins=ORIGINS)
    assert [violation.where for violation in found.violations] == [where]
    assert found.corrected is None, "the result itself is right"


def test_a_header_that_the_function_itself_adds_collides_as_well() -> None:
    result = request(headers=headers(x_stage=value("blue")))
    assert names(judged(result, calls=(update(customHeaders={"x-stage": "blue"}),), origins=ORIGINS)) == [
        "origin_custom_header_collision"
    ]


def test_custom_header_values_are_not_shown() -> None:
    found = judged(request(), calls=(update(customHeaders={"Host": "hunter2", "x-a": "hunter2\n"}),), origins=ORIGINS)
    assert len(found.violations) == 2
    assert "hunter2" not in " ".join(v.title + v.shown for v in found.violations)


def test_the_origins_of_a_distribution() -> None:
    from cfrunbook.cloudfront.distribution_reader import parse

    origin = {"DomainName": "www.example.com", "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}}  # fmt: skip
    bucket = {"DomainName": "b.s3.us-east-1.amazonaws.com", "S3OriginConfig": {"OriginAccessIdentity": ""}}
    document = {
        "Origins": {
            "Quantity": 4,
            "Items": [
                {"Id": "web", **origin},
                {"Id": "bucket", "OriginAccessControlId": "E1", **bucket},
                {"Id": "url", **origin, "DomainName": "abc.lambda-url.us-east-1.on.aws"},
                {"Id": "vpc", "DomainName": "a.internal", "VpcOriginConfig": {"VpcOriginId": "vo_1"}},
            ],
        },
        "OriginGroups": {
            "Quantity": 1,
            "Items": [
                {
                    "Id": "group",
                    "FailoverCriteria": {"StatusCodes": {"Quantity": 1, "Items": [503]}},
                    "Members": {"Quantity": 2, "Items": [{"OriginId": "bucket"}, {"OriginId": "web"}]},
                }
            ],
        },
        "DefaultCacheBehavior": {"TargetOriginId": "group", "ViewerProtocolPolicy": "https-only"},
        "CallerReference": "x",
        "Comment": "",
        "Enabled": True,
    }
    known = of_distribution(parse(document), "group")
    assert known.assigned == KnownOrigin("bucket", "s3", has_access_control=True)
    assert [o.type for o in known.origins] == ["custom", "s3", "lambda", "vpc"]
    assert of_distribution(parse(document), "nowhere").assigned is None
