"""What holds for every result: it is judged without an exception, mended where it can be, and passing on is valid."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.findings import Json, Status
from cfrunbook.functions.documents import Document, of_value, read
from cfrunbook.functions.lambda_edge.sample_events import sample_event
from cfrunbook.functions.model import EventType, Kind, Validation
from cfrunbook.functions.validation import validate

EVENT_TYPES = st.sampled_from(EventType)


def judge(result: Json, event_type: EventType | None, event: Json) -> Validation:
    given_event = of_value(event) if event is not None else None
    return validate(Kind.LAMBDA_EDGE, of_value(result), event_type, given_event)


def check_texts(validation: Validation) -> None:
    """Every text can be filled, and the places can be named."""
    for violation in validation.violations:
        rule = violation.rule
        for text in (rule.title, rule.meaning, rule.page, rule.log, rule.node, rule.python, rule.next_check):
            said = violation.say(text)
            assert not any(unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp") and one != "\n" for one in said)
        assert violation.where


@given(data=st.data(), event_type=EVENT_TYPES | st.none())
def test_any_json_is_judged(
    data: st.DataObject, anything: st.SearchStrategy[Json], event_type: EventType | None
) -> None:
    check_texts(judge(data.draw(anything), event_type, data.draw(anything)))


@given(st.binary() | st.text(), EVENT_TYPES | st.none())
def test_any_bytes_are_judged(content: bytes | str, event_type: EventType | None) -> None:
    validation = validate(Kind.LAMBDA_EDGE, read(content), event_type)
    check_texts(validation)
    assert validation.violations or read(content).is_readable


@given(data=st.data())
def test_a_spoilt_result_is_judged_and_what_is_mended_is_clean(
    data: st.DataObject, spoilt: st.SearchStrategy[tuple[Json, EventType, Json]]
) -> None:
    result, event_type, event = data.draw(spoilt)
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
def real_events(draw: st.DrawFn, names: st.SearchStrategy[str]) -> tuple[EventType, Json]:
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
            st.dictionaries(names, st.lists(st.text(max_size=20), min_size=1, max_size=3))
        ).items():
            subject["headers"][name.lower()] = [{"key": name, "value": value} for value in values]
    if "response" in cf:
        cf["response"]["status"] = str(draw(st.integers(200, 599)))
        cf["response"]["statusDescription"] = draw(st.text(max_size=10))
    return event_type, event


@given(data=st.data())
def test_passing_on_what_came_is_valid(data: st.DataObject, names: st.SearchStrategy[str]) -> None:
    event_type, event = data.draw(real_events(names))
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
