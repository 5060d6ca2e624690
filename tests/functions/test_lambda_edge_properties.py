"""What holds for every result: it is judged without an exception, mended where it can be, and passing on is valid."""

from __future__ import annotations

import copy
import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.findings import Json, Status
from cfrunbook.functions.documents import Document, of_value, read
from cfrunbook.functions.examples import twins
from cfrunbook.functions.lambda_edge.sample_events import sample_event
from cfrunbook.functions.model import EventType, Kind, Validation
from cfrunbook.functions.validation import validate

EVENT_TYPES = st.sampled_from(EventType)
NAMES = st.sampled_from(
    [
        "status",
        "statusCode",
        "statusDescription",
        "headers",
        "body",
        "bodyEncoding",
        "uri",
        "method",
        "querystring",
        "clientIp",
        "origin",
        "custom",
        "s3",
        "action",
        "encoding",
        "data",
        "inputTruncated",
        "domainName",
        "path",
        "port",
        "protocol",
        "sslProtocols",
        "readTimeout",
        "keepaliveTimeout",
        "responseCompletionTimeout",
        "customHeaders",
        "authMethod",
        "region",
        "Records",
        "cf",
        "request",
        "response",
        "config",
        "eventType",
        "key",
        "value",
        "multiValue",
        "cookies",
        "isBase64Encoded",
        "multiValueHeaders",
        "host",
        "via",
        "Via",
        "connection",
        "transfer-encoding",
        "content-length",
        "x-foo",
        "X-Foo",
        "set-cookie",
        "location",
        "cloudfront-viewer-country",
        "x-edge-key",
        "cache-control",
    ]
)
WORDS = st.sampled_from(
    ["", "200", "204", "200 OK", "/", "/a b", "index.html", "text", "base64", "replace", "read-only", "GET", "https",
     "example.com", "https://example.com/", "10.0.0.1", "b.s3.eu-central-1.amazonaws.com", "origin-access-identity",
     "TLSv1.2", "a\r\nb", "eA==", "é", "\ud800", "x" * 300]
)  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=20)
ANYTHING: st.SearchStrategy[Json] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | st.text(max_size=8), inner, max_size=8),
    max_leaves=30,
)
VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=40).map(str.strip)


def judge(result: Json, event_type: EventType | None, event: Json) -> Validation:
    given_event = of_value(event) if event is not None else None
    return validate(Kind.LAMBDA_EDGE, of_value(result), event_type, given_event)


def places(value: Json, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [path]
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        found += places(item, (*path, key))
    return found


@st.composite
def spoilt(draw: st.DrawFn) -> tuple[Json, EventType, Json]:
    """A valid result with anything in up to three of its places."""
    twin = draw(st.sampled_from(twins(Kind.LAMBDA_EDGE)))
    result: Any = copy.deepcopy(twin.result)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(places(result)))
        value = draw(ANYTHING)
        if not path:
            return value, twin.event_type or EventType.VIEWER_REQUEST, twin.event
        holder = result
        for step in path[:-1]:
            holder = holder[step]
        if isinstance(holder, dict) and draw(st.booleans()):
            holder.pop(path[-1])
            holder[draw(NAMES)] = value
        else:
            holder[path[-1]] = value
    return result, twin.event_type or EventType.VIEWER_REQUEST, twin.event


def check_texts(validation: Validation) -> None:
    """Every text can be filled, and the places can be named."""
    for violation in validation.violations:
        rule = violation.rule
        for text in (rule.title, rule.meaning, rule.page, rule.log, rule.node, rule.python, rule.next_check):
            said = violation.say(text)
            assert not any(unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp") and one != "\n" for one in said)
        assert violation.where


@given(ANYTHING, EVENT_TYPES | st.none(), ANYTHING)
def test_any_json_is_judged(result: Json, event_type: EventType | None, event: Json) -> None:
    check_texts(judge(result, event_type, event))


@given(st.binary() | st.text(), EVENT_TYPES | st.none())
def test_any_bytes_are_judged(content: bytes | str, event_type: EventType | None) -> None:
    validation = validate(Kind.LAMBDA_EDGE, read(content), event_type)
    check_texts(validation)
    assert validation.violations or read(content).is_readable


@given(spoilt())
def test_a_spoilt_result_is_judged_and_what_is_mended_is_clean(case: tuple[Json, EventType, Json]) -> None:
    result, event_type, event = case
    validation = judge(result, event_type, event)
    check_texts(validation)
    faults = validation.of(Status.FAULT)
    if validation.corrected is not None:
        assert not judge(validation.corrected, event_type, event).of(Status.FAULT)
        assert validation.violations
    elif faults and validation.shape:
        assert not all(fault.edits for fault in faults) or not is_mendable_twice(result, event_type, event)


def is_mendable_twice(result: Json, event_type: EventType, event: Json) -> bool:
    """Tell whether no mended state of the result shows a fault that only the author can mend."""
    from cfrunbook.functions.model import apply

    for _ in range(8):
        validation = judge(result, event_type, event)
        if not all(fault.edits for fault in validation.of(Status.FAULT)):
            return False
        edits = [edit for violation in validation.violations for edit in violation.edits]
        if not edits:
            return True
        result = apply(edits, result)
    return True


@st.composite
def real_events(draw: st.DrawFn) -> tuple[EventType, Json]:
    """An event with whatever headers, URI and status a viewer and an origin may send."""
    event_type = draw(EVENT_TYPES)
    event: Any = sample_event(event_type)
    cf = event["Records"][0]["cf"]
    request = cf["request"]
    request["uri"] = "/" + draw(st.text(max_size=30))
    request["querystring"] = draw(st.text(max_size=30))
    request["method"] = draw(st.sampled_from(["GET", "HEAD", "POST", "OPTIONS"]))
    for subject in (request, cf.get("response")):
        if subject is None:
            continue
        for name, values in draw(
            st.dictionaries(NAMES, st.lists(st.text(max_size=20), min_size=1, max_size=3))
        ).items():
            subject["headers"][name.lower()] = [{"key": name, "value": value} for value in values]
    if "response" in cf:
        cf["response"]["status"] = str(draw(st.integers(200, 599)))
        cf["response"]["statusDescription"] = draw(st.text(max_size=10))
    return event_type, event


@given(real_events())
def test_passing_on_what_came_is_valid(case: tuple[EventType, Json]) -> None:
    event_type, event = case
    text = json.dumps(event)
    cf = json.loads(text)["Records"][0]["cf"]
    result = cf["request" if event_type.is_request else "response"]
    validation = validate(Kind.LAMBDA_EDGE, of_value(result), None, read(text))
    allowed = {"lambda_edge.json_lone_surrogate"}
    assert {violation.rule.id for violation in validation.violations} <= allowed
    assert validation.event_type is event_type


@pytest.mark.parametrize("many", [21, 60])
def test_the_list_is_bounded_and_says_how_many_more_there_are(many: int) -> None:
    headers = {f"x-{number}": [{"value": number}] for number in range(many)}
    result = {"status": "200", "headers": headers}
    validation = judge(result, EventType.ORIGIN_REQUEST, None)
    assert len(validation.violations) == 20
    assert validation.left_off == {"lambda_edge.header_value_type": many - 20}
    mended = validation.corrected
    assert isinstance(mended, dict)
    assert all(isinstance(entry[0]["value"], str) for entry in mended["headers"].values())


def test_violations_come_in_the_order_of_the_result() -> None:
    result = {
        "uri": "index.html",
        "headers": {"x-b": "1", "x-a": [{"value": 1}], "connection": [{"value": "close"}]},
        "querystring": "a b",
        "method": "PUT",
    }
    validation = judge(result, None, sample_event(EventType.VIEWER_REQUEST))
    wheres = [violation.where for violation in validation.violations]
    assert wheres == [
        "uri", 'headers["x-b"]', 'headers["x-a"][0].value', "headers.connection", "headers.host", "querystring",
        "method", "clientIp",
    ]  # fmt: skip


def test_without_the_event_what_it_takes_to_tell_is_said() -> None:
    document: Document = of_value({"status": "200", "headers": {"via": [{"value": "1.1 x"}]}})
    validation = validate(Kind.LAMBDA_EDGE, document, EventType.VIEWER_RESPONSE)
    assert not validation.is_refused
    unknown = validation.of(Status.UNKNOWN)
    assert [violation.where for violation in unknown] == ["headers.via", "result"]
    assert all(violation.rule.next_check for violation in unknown)
