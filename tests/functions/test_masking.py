"""A masked result breaks the same rules at the same places, can be written as JSON, and holds none of the secrets."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.findings import Json
from cfrunbook.functions.cloudfront_function import examples as cloudfront_function
from cfrunbook.functions.cloudfront_function import validation
from cfrunbook.functions.cloudfront_function.calls import OriginCall
from cfrunbook.functions.documents import Document, of_value, read
from cfrunbook.functions.lambda_edge.examples import Example, examples
from cfrunbook.functions.lambda_edge.sample_events import (
    custom_origin,
    generated_response,
    header,
    s3_origin,
    sample_event,
)
from cfrunbook.functions.masking import MAX_BODY, mask, mask_setting
from cfrunbook.functions.model import EventType, Kind, Validation
from cfrunbook.functions.validation import validate
from tests.tables import table

EXAMPLES = examples().values()
OTHERS = cloudfront_function.EXAMPLES


def recorded(document: Document, kind: Kind = Kind.LAMBDA_EDGE, *, leave_out: bool = True) -> Document:
    """Return a document as it comes back out of a recording."""
    masked = mask(document, kind, leave_out=leave_out)
    return msgspec.json.decode(msgspec.json.encode(masked), type=Document)


def places(judged: Validation) -> list[tuple[str, str]]:
    """Return rules and places; sorted, because of what is left out the order is not known any more."""
    return sorted((violation.rule.id, violation.where.replace("\\ud800", "\ufffd")) for violation in judged.violations)


def both(result: Document, event_type: EventType | None, event: Document | None) -> tuple[Validation, Validation]:
    before = validate(Kind.LAMBDA_EDGE, result, event_type, event)
    after = validate(Kind.LAMBDA_EDGE, recorded(result), event_type, event and recorded(event))
    return before, after


@table("example", [pytest.param(one, id=one.rule.partition(".")[2]) for one in EXAMPLES])
def test_a_masked_example_breaks_the_same_rule(example: Example) -> None:
    event = of_value(example.event) if example.event is not None else None
    before, after = both(read(example.text), example.event_type, event)
    assert places(after) == places(before)
    assert (after.size, after.limit, after.shape) == (before.size, before.limit, before.shape)


@given(data=st.data())
def test_a_masked_result_is_judged_like_the_result(
    data: st.DataObject, spoilt: st.SearchStrategy[tuple[Json, EventType, Json]]
) -> None:
    result, event_type, event = data.draw(spoilt)
    before, after = both(of_value(result), event_type, of_value(event))
    assert places(after) == places(before)
    assert after.size == before.size


@given(data=st.data(), event_type=st.sampled_from(EventType) | st.none())
def test_anything_is_masked_and_can_be_recorded(
    data: st.DataObject, anything: st.SearchStrategy[Json], event_type: EventType | None
) -> None:
    before, after = both(of_value(data.draw(anything)), event_type, None)
    assert places(after) == places(before)


@table("example", [pytest.param(one, id=one.rule.partition(".")[2]) for one in OTHERS])
@pytest.mark.parametrize("part", ["broken", "valid"])
def test_a_masked_result_of_cloudfront_functions_breaks_the_same_rule(
    example: cloudfront_function.Example, part: str
) -> None:
    case: cloudfront_function.Given = getattr(example, part)
    before = case.validate()
    event = None if case.event is None else recorded(of_value(case.event), Kind.CLOUDFRONT_FUNCTION)
    calls = tuple(
        OriginCall(call.helper, call.arguments and tuple(mask_setting(one) for one in call.arguments))
        for call in case.calls
    )
    result = recorded(case.document, Kind.CLOUDFRONT_FUNCTION)
    after = validation.validate(result, case.at, event, calls=calls, origins=case.origins, run=case.run)
    assert places(after) == places(before)


SECRETS = st.text("BDGHJKQVWZbdghjkqvwz0123456789+/!@$%-", min_size=8, max_size=60)
"""No vowels: what is there anyway (Set-Cookie) holds no part of one."""


def holders(secret: str) -> list[Json]:
    """Results of every shape with a secret where secrets are."""
    request: dict[str, Any] = sample_event(EventType.ORIGIN_REQUEST)["Records"][0]["cf"]["request"]
    response = generated_response()
    headers = {**header("Authorization", f"Bearer {secret}"), **header("X-Api-Key", secret), "x-plain": secret,
               **header("Cookie", f"session={secret}; theme=light"), "x-list": [secret], "x-number": [{"value": 7}],
               **header("Set-Cookie", f"session={secret}; Path=/; Secure"), "x-several": [{"value": [secret, secret]}],
               **header("Location", f"https://user:{secret.replace('/', '')}@example.com/?token={secret}#{secret}"),
               "x-functions": {"value": secret, "multiValue": [{"value": secret}]}}  # fmt: skip
    origin = custom_origin() | {"customHeaders": {**header("Vary", secret), "x-key": secret}}
    made: list[Json] = [
        {**request, "headers": headers, "querystring": f"token={secret}&{secret}", "origin": {"custom": origin}},
        {**request, "uri": f"/a?token={secret}", "origin": {"s3": s3_origin(customHeaders=header("X-Key", secret))}},
        {**request, "body": {"action": "replace", "encoding": "text", "data": secret}},
        {**request, "body": {"action": "replace", "encoding": "base64", "data": secret * 500}},
        {**request, "querystring": {"token": {"value": secret}}, "cookies": {"session": {"value": secret}}},
        {**response, "headers": headers, "body": secret, "statusDescription": secret},
        {**response, "body": {"password": secret}, "other": {"deep": [secret]}, "more": [[secret], {"a": secret}]},
        {"statusCode": 200, "cookies": [f"session={secret}"], "headers": {"x-api-key": secret}, "body": secret},
        {"statusCode": 200, "cookies": {"session": {"value": secret, "attributes": f"Path=/; {secret}"}}},
        {**response, "headers": [{"key": "Authorization", "value": secret}, secret]},
        [{**response, "body": secret}, secret],
        json.dumps({**response, "body": secret}),
        secret,
    ]
    event = sample_event(EventType.ORIGIN_REQUEST)
    event["Records"][0]["cf"]["request"]["headers"] |= headers
    return [*made, event, event["Records"][0]["cf"]]


@given(SECRETS)
def test_no_part_of_a_secret_is_left(secret: str) -> None:
    for holder in holders(secret):
        text = msgspec.json.encode(mask(of_value(holder), Kind.LAMBDA_EDGE)).decode()
        for kind in Kind:
            text += msgspec.json.encode(mask(of_value(holder), kind)).decode()
        parts = {secret[start : start + 6] for start in range(len(secret) - 5)}
        assert not {part for part in parts if part in text and part not in "--------!!!!!!!!"}


def test_what_is_harmless_is_kept() -> None:
    event = sample_event(EventType.ORIGIN_REQUEST)
    masked = mask(of_value(event), Kind.LAMBDA_EDGE).value
    assert isinstance(masked, dict)
    cf, was = masked["Records"][0]["cf"], event["Records"][0]["cf"]
    assert cf["config"] == was["config"]
    for member in ("clientIp", "method", "uri"):
        assert cf["request"][member] == was["request"][member]
    assert cf["request"]["querystring"] == "color=xxxx"
    for name in ("host", "via", "user-agent", "cloudfront-viewer-country"):
        assert cf["request"]["headers"][name] == was["request"]["headers"][name]
    assert cf["request"]["headers"]["cookie"][0]["value"] == "xxxxxxx=xxxxxxxx; xxxxx=xxxxx"
    assert cf["request"]["origin"]["custom"]["domainName"] == "origin.example.com"


@pytest.mark.parametrize("leave_out", [True, False])
@pytest.mark.parametrize("encoding", ["text", "base64"])
@pytest.mark.parametrize("size", [2000, 30_500, 60_000])
def test_a_body_counts_the_same_whether_it_is_left_out_or_not(size: int, encoding: str, leave_out: bool) -> None:
    document = of_value({"status": "200", "body": "Zm9v" * (size // 4), "bodyEncoding": encoding})
    before = validate(Kind.LAMBDA_EDGE, document, EventType.VIEWER_REQUEST)
    after = validate(Kind.LAMBDA_EDGE, recorded(document, leave_out=leave_out), EventType.VIEWER_REQUEST)
    assert places(after) == places(before)
    assert (after.size, after.limit) == (before.size, before.limit)
    assert [violation.title for violation in after.violations] == [violation.title for violation in before.violations]


def test_a_long_body_is_left_out_and_its_size_stays() -> None:
    document = of_value({"status": "200", "body": "x" * 3_000_000})
    kept = recorded(document)
    assert kept.value == {"status": "200", "body": "[3,000,000 bytes left out]"}
    assert kept.size == document.size
    assert len(msgspec.json.encode(kept)) < MAX_BODY
    before, after = both(document, EventType.ORIGIN_REQUEST, None)
    assert places(after) == places(before) == [("lambda_edge.response_size", "body")]
    assert after.violations[0].title == before.violations[0].title
