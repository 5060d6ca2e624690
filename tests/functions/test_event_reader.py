"""Event files of every origin are recognized, and what is none is named in one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.errors import BadInput
from cfrunbook.functions.events import Kind, cloudfront_function_event, lambda_edge_event, read_event, read_events

URL = "https://www.example.com/a?b=1"
WHOLE = lambda_edge_event("origin-request", URL)
RECORD = WHOLE["Records"][0]
CORE = RECORD["cf"]
RESPONSE = lambda_edge_event("viewer-response", URL)["Records"][0]["cf"]
FUNCTION = cloudfront_function_event("viewer-request", URL)
SHARED = {
    "openapi": "3.0.0", "info": {"version": "1.0.0"}, "paths": {},
    "components": {"schemas": {"Event": {"type": "object"}}, "examples": {"mine": {"value": WHOLE}}},
}  # fmt: skip


def without_type(core: dict[str, Any]) -> dict[str, Any]:
    return {**core, "config": {k: v for k, v in core["config"].items() if k not in ("eventType", "requestId")}}


# What is in the file: kind, type, where, whether the type is inferred.
FORMS: list[tuple[str, Any, Kind, str, str, bool]] = [
    ("whole", WHOLE, Kind.LAMBDA_EDGE, "origin-request", "", False),
    ("one record", RECORD, Kind.LAMBDA_EDGE, "origin-request", "", False),
    ("the cf object", CORE, Kind.LAMBDA_EDGE, "origin-request", "", False),
    ("function", FUNCTION, Kind.CLOUDFRONT_FUNCTION, "viewer-request", "", False),
    ("harness", {"event": WHOLE, "context": {}}, Kind.LAMBDA_EDGE, "origin-request", "event", False),
    ("text in a wrapper", {"Payload": json.dumps(WHOLE)}, Kind.LAMBDA_EDGE, "origin-request", "Payload", False),
    ("shared test event", SHARED, Kind.LAMBDA_EDGE, "origin-request", "components.examples.mine.value", False),
    ("in a list", [FUNCTION], Kind.CLOUDFRONT_FUNCTION, "viewer-request", "[0]", False),
    ("origin, no type", without_type(CORE), Kind.LAMBDA_EDGE, "origin-request", "", True),
    (
        "origin and response, no type", {**without_type(CORE), "response": RESPONSE["response"]},
        Kind.LAMBDA_EDGE, "origin-response", "", True,
    ),
    ("response, no type", without_type(RESPONSE), Kind.LAMBDA_EDGE, "viewer-response", "", True),
    (
        "no config at all", {"Records": [{"cf": {"request": RESPONSE["request"]}}]},
        Kind.LAMBDA_EDGE, "viewer-request", "", True,
    ),
    (
        "function of the console", {"context": {}, "viewer": {"ip": "1.2.3.4"}, "request": FUNCTION["request"]},
        Kind.CLOUDFRONT_FUNCTION, "viewer-request", "", True,
    ),
    (
        "function, response, no type", {**FUNCTION, "context": {}, "response": {"statusCode": 200}},
        Kind.CLOUDFRONT_FUNCTION, "viewer-response", "", True,
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("form", "kind", "event_type", "where", "inferred"), [f[1:] for f in FORMS], ids=[f[0] for f in FORMS]
)
def test_every_form_of_an_event(form: Any, kind: Kind, event_type: str, where: str, inferred: bool) -> None:
    found = read_event(form)
    assert (found.kind, found.event_type, found.where) == (kind, event_type, where)
    assert found.is_inferred is inferred
    assert found.request["uri"] == "/a"
    assert (found.response is not None) is event_type.endswith("response")
    # read again, what was read is a whole event
    again = read_event(found.document)
    assert (again.kind, again.event_type, again.document, again.where) == (kind, event_type, found.document, "")


def test_a_file_with_several(tmp_path: Path) -> None:
    made = {event: lambda_edge_event(event, URL) for event in ("viewer-request", "origin-request")}
    lines = "\n".join(json.dumps(event) for event in made.values())
    path = tmp_path / "events.jsonl"
    path.write_text(lines + "\n")
    several = [list(made.values()), made, {"Records": [e["Records"][0] for e in made.values()]}, lines, path, str(path)]
    for source in several:
        assert [e.event_type for e in read_events(source)] == list(made)  # type: ignore[arg-type]
        assert read_event(source, event_type="origin-request").document == made["origin-request"]  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="the file holds 2 events; give the event type to choose one: viewer-request at"):
        read_event(list(made.values()))
    with pytest.raises(BadInput, match="there is none of type 'viewer-response'; there is: viewer-request at"):
        read_event(list(made.values()), event_type="viewer-response")


OTHERS: list[tuple[str, Any, str]] = [
    (
        "REST API", {"resource": "/", "httpMethod": "GET", "headers": {}, "requestContext": {"stage": "prod"}},
        "this is an API Gateway event",
    ),
    (
        "HTTP API, payload 1.0", {"version": "1.0", "httpMethod": "GET", "path": "/", "requestContext": {}},
        "this is an API Gateway event",
    ),
    (
        "HTTP API, payload 2.0", {"version": "2.0", "routeKey": "$default", "requestContext": {"http": {}}},
        "an API Gateway event (HTTP API)",
    ),
    ("authorizer", {"type": "TOKEN", "methodArn": "arn:x", "authorizationToken": "x"}, "an API Gateway event"),
    (
        "function URL",
        {"version": "2.0", "requestContext": {"http": {}, "domainName": "a.lambda-url.us-east-1.on.aws"}},
        "a Lambda function URL's event",
    ),
    ("load balancer", {"httpMethod": "GET", "requestContext": {"elb": {}}}, "an Application Load Balancer's event"),
    ("S3", {"Records": [{"eventSource": "aws:s3", "s3": {}}]}, "an S3 event, not CloudFront's"),
    ("SNS", {"Records": [{"EventSource": "aws:sns", "Sns": {}}]}, "an event of another service"),
    ("EventBridge", {"detail-type": "Scheduled Event", "detail": {}}, "an EventBridge event"),
    ("connection function", {"connectionId": "x", "clientCertificate": {}}, "a connection function"),
    ("result of a request", {"uri": "/", "method": "GET", "headers": {}}, "a function's result, not its event"),
    ("result of a response", {"status": "200"}, "a function's result, not its event"),
    ("distribution", {"DistributionConfig": {}}, "a CloudFront distribution; give it as distribution"),
    ("function 2.0", {**FUNCTION, "version": "2.0"}, "has the version '2.0'"),
    ("unknown type", {"Records": [{"cf": {**CORE, "config": {"eventType": "viewer"}}}]}, "has the eventType 'viewer'"),
    (
        "function at the origin", {**FUNCTION, "context": {"eventType": "origin-request"}},
        "none of viewer-request, viewer-response",
    ),
    ("type is a list", {"Records": [{"cf": {**CORE, "config": {"eventType": []}}}]}, "has the eventType '[]'"),
    ("no request", {"Records": [{"cf": {"config": {}}}]}, "the event: request is missing, not an object"),
    ("headers", {"cf": {"request": {"headers": []}}}, "the event: request: headers is a list, not an object"),
    (
        "no response", {"cf": {**CORE, "config": {"eventType": "origin-response"}}},
        "the event: response is missing, not an object",
    ),
    ("empty", {}, "this is no event of an edge function (its members: none)"),
    ("empty list", [], "the file holds none"),
    ("no records", {"Records": []}, "no event of an edge function (its members: Records)"),
    ("text", ["x"], "[0] is text, not an event"),
    ("other", {"hello": "world"}, "no event of an edge function (its members: hello)"),
    ("wrapped too deeply", {"event": {"event": {"event": {"event": {"event": {"event": {"event": {}}}}}}}}, "too deeply"),
    ("no JSON", "{'Records': []}", "is not JSON"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "sentence"), [o[1:] for o in OTHERS], ids=[o[0] for o in OTHERS])
def test_what_is_no_event_is_named(source: Any, sentence: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_event(source)
    said = str(refused.value)
    assert said.startswith("Event: ")
    assert sentence in said
    assert said.count(". ") == 0
    assert said.endswith(".")
    assert "\n" not in said


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["viewer-request", "1.0", "{}"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Records", "cf", "config", "context", "request", "response", "headers", "event", "eventType",
                             "requestContext", "body", "version", "a", "eventSource"]),
            inner, max_size=4,
        )
    ),
    max_leaves=12,
)  # fmt: skip


@given(
    st.dictionaries(st.sampled_from(["Records", "cf", "event", "context", "request"]), json_values)
    | st.lists(json_values)
)
def test_whatever_a_file_holds_it_is_read_or_refused_in_a_sentence(document: Any) -> None:
    try:
        found = read_events(document)
    except BadInput:
        return
    for event in found:
        assert read_event(event.document).event_type == event.event_type
        assert isinstance(event.request, dict)
        assert isinstance(event.request_id, str)
