"""Results and events as they were given: what is wrong with the JSON itself, and how large texts are."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.functions.documents import (
    MAX_BYTES,
    MAX_DEPTH,
    Base64,
    Document,
    FlawKind,
    TextSize,
    measure,
    of_value,
    plain_base64,
    read,
)


@pytest.mark.parametrize(
    ("content", "kinds"),
    [
        (b"", [FlawKind.EMPTY]),
        (b" \r\n\t", [FlawKind.EMPTY]),
        (b"\xef\xbb\xbf", [FlawKind.EMPTY]),
        (b"undefined\n", [FlawKind.UNDEFINED]),
        (b'{"a": "\xff"}', [FlawKind.NOT_UTF8]),
        (b"{'a': 1}", [FlawKind.NOT_JSON]),
        (b'{"a": 1} x', [FlawKind.NOT_JSON]),
        (b"9" * 5000, [FlawKind.NOT_JSON]),
        (b'{"a": [NaN, -Infinity]}', [FlawKind.NOT_FINITE, FlawKind.NOT_FINITE]),
        (b"NaN", [FlawKind.NOT_FINITE]),
        (b'{"a": 1, "b": 2, "a": 3}', [FlawKind.DUPLICATE_KEY]),
        (b'{"a": "\\ud83d"}', [FlawKind.LONE_SURROGATE]),
        (b'{"\\ude00": 1}', [FlawKind.LONE_SURROGATE]),
        (b'{"a": "\\ud83d\\ude00"}', []),
        (b"[" * 1_000_000, [FlawKind.TOO_DEEP]),
        (b"[" * (MAX_DEPTH + 2) + b"]" * (MAX_DEPTH + 2), [FlawKind.TOO_DEEP]),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), []),
        (b" " * (MAX_BYTES + 1), [FlawKind.TOO_LARGE]),
        (b'\xef\xbb\xbf{"a": 1}', []),
    ],
    ids=lambda value: repr(value)[:40],
)  # fmt: skip
def test_what_is_wrong_with_a_document_is_named(content: bytes, kinds: list[FlawKind]) -> None:
    document = read(content)
    assert [flaw.kind for flaw in document.flaws] == kinds
    assert document.size == len(content)
    assert document.value is None or document.is_readable


def test_flaws_say_where_they_are() -> None:
    document = read('{"headers": {"x-a": [{"value": "\\ud83d"}, {"value": NaN}]}}')
    paths = [flaw.path for flaw in document.flaws]
    assert paths == [("headers", "x-a", 0, "value"), ("headers", "x-a", 1, "value")]


@given(st.recursive(st.none() | st.integers() | st.text(), lambda s: st.lists(s) | st.dictionaries(st.text(), s)))
def test_what_can_be_written_is_read_again(value: object) -> None:
    document = of_value(value)
    assert document.value == json.loads(json.dumps(value))
    if not document.flaws:
        assert msgspec.json.decode(msgspec.json.encode(document), type=Document) == document


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("", TextSize(0, Base64.STRICT, 0)),
        ("aGk=", TextSize(4, Base64.STRICT, 2)),
        ("aGVsbG8h", TextSize(8, Base64.STRICT, 6)),
        ("aGk", TextSize(3, Base64.UNPADDED, 2)),
        ("aG\nk=\n", TextSize(6, Base64.WHITE_SPACE, 2)),
        ("_-8=", TextSize(4, Base64.URL_SAFE, 2)),
        ("_-8", TextSize(3, Base64.URL_SAFE, 2)),
        ("a", TextSize(1)),
        ("aGk===", TextSize(6)),
        ("=aGk", TextSize(4)),
        ("aG=k", TextSize(4)),
        ("Hello, world", TextSize(12)),
        ("=" * 8, TextSize(8)),
        ("é", TextSize(2)),
        ("\ud800", TextSize(3)),
    ],
)
def test_how_large_a_text_is_and_whether_it_is_base64(text: str, size: TextSize) -> None:
    assert measure(text) == size
    assert measure(text, as_base64=False) == TextSize(size.size)
    if size.base64 is not Base64.NOT:
        assert measure(plain_base64(text)).base64 is Base64.STRICT


@given(st.text())
def test_any_text_is_measured(text: str) -> None:
    assert measure(text).size == len(text.encode("utf-8", "surrogatepass"))
