"""Whatever a function returns, validation never raises, is bounded, and mends only what is then clean."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.findings import Status
from cfrunbook.functions.cloudfront_function.calls import OriginCall, Run
from cfrunbook.functions.cloudfront_function.example_parts import ORIGINS, event, request, response
from cfrunbook.functions.cloudfront_function.facts import GROUP_SETTINGS, UPDATE_SETTINGS, Helper, Runtime
from cfrunbook.functions.cloudfront_function.validation import validate
from cfrunbook.functions.documents import of_value, read
from cfrunbook.functions.model import EVENT_TYPES, EventType, Kind, Validation
from cfrunbook.text import visible

AT = st.sampled_from(EVENT_TYPES[Kind.CLOUDFRONT_FUNCTION])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAME = st.from_regex(r"[a-z][a-z0-9-]{0,11}", fullmatch=True).filter(
    lambda n: (
        n not in {"connection", "expect", "trailer", "upgrade", "cookie", "set-cookie", "keep-alive", "x-cache"}
        and not n.startswith(("x-amz", "x-edge-", "x-accel-", "proxy-", "x-real-ip", "x-forwarded-proto"))
    )
)
TEXT = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_characters="#\x7f"), max_size=12)
ENTRY = TEXT.map(lambda t: {"value": t}) | st.lists(TEXT, min_size=2, max_size=4).map(
    lambda texts: {"value": texts[0], "multiValue": [{"value": t} for t in texts]}
)
ENTRIES = st.dictionaries(NAME, ENTRY, max_size=5)
HEADERS = st.dictionaries(NAME | st.sampled_from(["host", "via", "content-length", "cdn-loop"]), ENTRY, max_size=6)
REQUESTS = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["GET", "HEAD", "POST"]),
        "uri": TEXT.map(lambda t: "/" + t),
        "querystring": ENTRIES,
        "headers": HEADERS,
        "cookies": ENTRIES,
    }
)
RESPONSES = st.fixed_dictionaries(
    {"statusCode": st.integers(200, 599), "headers": HEADERS, "cookies": ENTRIES},
    optional={"statusDescription": TEXT},
)


@st.composite
def events(draw: st.DrawFn) -> tuple[EventType, dict[str, Any]]:
    at = draw(AT)
    made = event(at) | {"request": draw(REQUESTS)}
    if at is EventType.VIEWER_RESPONSE:
        made["response"] = draw(RESPONSES)
    return at, made


@st.composite
def mutated(draw: st.DrawFn) -> tuple[EventType, Any]:
    """A valid result with anything at all somewhere in it."""
    at = draw(AT)
    result: Any = request() if at is EventType.VIEWER_REQUEST and draw(st.booleans()) else response()
    for _ in range(draw(st.integers(1, 4))):
        holder = result
        for _ in range(draw(st.integers(0, 3))):
            inner = [
                item
                for item in (holder.values() if isinstance(holder, dict) else holder)
                if isinstance(item, dict | list) and item
            ]
            if not inner:
                break
            holder = draw(st.sampled_from(inner))
        names = [
            *list(holder),
            "X-Foo",
            "connection",
            "via",
            "Host",
            "set-cookie",
            "status",
            "value",
            "multiValue",
            "encoding",
        ]
        if isinstance(holder, list):
            holder[0] = draw(JSON)
        elif draw(st.booleans()):
            holder.pop(draw(st.sampled_from(names)), None)
        else:
            holder[draw(st.sampled_from(names))] = draw(JSON)
    return at, result


def sound(found: Validation) -> None:
    """Hold what is true of every validation: all texts can be filled, and what was mended is clean."""
    for violation in found.violations:
        rule = violation.rule
        for text in (rule.title, rule.meaning, rule.node, rule.next_check):
            violation.say(text)
        assert violation.title == visible(violation.title, 2000)
        assert len(violation.title) < 1500
        json.dumps(dict(violation.arguments))


def mends(found: Validation, at: EventType, came: Any) -> None:
    if found.corrected is None:
        return
    again = validate(of_value(found.corrected), at, came)
    assert not again.is_refused
    assert not any(violation.edits for violation in again.violations)


@given(events())
def test_passing_an_event_on_is_clean(made: tuple[EventType, dict[str, Any]]) -> None:
    at, came = made
    result = came["response" if at is EventType.VIEWER_RESPONSE else "request"]
    assert [v.title for v in validate(of_value(result), at, of_value(came)).violations] == []


@given(JSON, AT | st.none() | st.sampled_from(EventType), JSON)
def test_any_json_is_judged(result: Any, at: EventType | None, came: Any) -> None:
    sound(validate(of_value(result), at, of_value(came)))


@given(st.binary(max_size=60), AT)
def test_any_bytes_are_judged(raw: bytes, at: EventType) -> None:
    sound(validate(read(raw), at, read(raw)))


@given(mutated())
def test_what_is_mended_is_clean(made: tuple[EventType, Any]) -> None:
    at, result = made
    came = of_value(event(at))
    document = of_value(result)
    for known in (came, None):
        found = validate(document, at, known)
        sound(found)
        mends(found, at, known)
        if not found.of(Status.FAULT, Status.WARNING):
            assert found.corrected is None


SETTINGS = st.dictionaries(st.sampled_from(sorted(UPDATE_SETTINGS | GROUP_SETTINGS)), JSON, max_size=5)


@given(st.sampled_from([*Helper, "setOrigin"]), st.lists(JSON | SETTINGS, max_size=3), AT | st.none())
def test_any_call_is_judged(helper: str, arguments: list[Any], at: EventType | None) -> None:
    call = OriginCall(helper, tuple(json.loads(json.dumps(arguments))))
    for origins in (None, ORIGINS):
        sound(validate(of_value(request()), at, calls=(call,), origins=origins))


@given(st.text(max_size=200), st.text(max_size=60), st.sampled_from([None, *Runtime]))
def test_any_code_is_read(code: str, threw: str, runtime: Runtime | None) -> None:
    sound(validate(of_value(request()), None, run=Run(threw=threw, code=code, runtime=runtime)))
