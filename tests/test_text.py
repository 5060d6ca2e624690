"""Hostile text, made harmless: nothing that moves a cursor, reorders a sentence or leaves a shell's quotes."""

from __future__ import annotations

import shlex
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.text import fill, join_names, visible

ANYTHING = st.text() | st.text(st.characters(categories=("Cc", "Cf", "Cs", "Zl", "Zp", "Lu")))


@given(ANYTHING, st.integers(1, 400))
def test_visible_is_one_line_of_harmless_text_within_the_limit(text: str, limit: int) -> None:
    shown = visible(text, limit)
    assert len(shown) <= limit
    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    shown.encode()  # no lone surrogates


@given(st.text(st.characters(categories=("L", "N", "P", "S", "Zs"))))
def test_visible_leaves_printable_text_alone(text: str) -> None:
    assert visible(text, max(1, len(text))) == text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("shop.example.com", "shop.example.com"),
        ("Zürich 東京", "Zürich 東京"),
        ("a\x1b[2Jb", r"a\x1b[2Jb"),
        ("one\r\ntwo", r"one\x0d\x0atwo"),
        ("abc\u202edcba", r"abc\u202edcba"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
        (502, "502"),
        (None, "None"),
        ("x" * 301, "x" * 299 + "…"),
    ],
)
def test_visible(value: object, shown: str) -> None:
    assert visible(value) == shown


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ([], "none"),
        (["a"], "a"),
        (("a", "b"), "a and b"),
        (["a", "b", "c"], "a, b and c"),
        (list("abcdefgh"), "a, b, c, d, e, f and 2 more"),
        ("alone", "alone"),
        (["a\n"], r"a\x0a"),
    ],
)
def test_join_names(names: object, sentence: str) -> None:
    assert join_names(names) == sentence


@given(ANYTHING)
def test_a_quoted_field_is_one_word_for_a_shell(value: str) -> None:
    words = shlex.split(fill("openssl s_client -connect {host!q} -brief", {"host": value}))
    assert words == ["openssl", "s_client", "-connect", visible(value, 1000), "-brief"]


@given(st.text(st.characters(exclude_characters="{}")), ANYTHING)
def test_a_filled_template_keeps_its_own_words(words: str, value: str) -> None:
    assert fill(words + "{x}", {"x": value}) == words + visible(value, 2000)


@pytest.mark.parametrize(
    ("template", "data", "text"),
    [
        ("Port {port} of {host}", {"port": 443, "host": "a\x07"}, r"Port 443 of a\x07"),
        ("{names}", {"names": ["a", "b"]}, "a and b"),
        ("{days:>4}", {"days": 14}, "  14"),
        ("{host!r}", {"host": "a"}, "'a'"),
        ("{{literally}}", {}, "{literally}"),
        ("{command!q}", {"command": "$(reboot)"}, "'$(reboot)'"),
    ],
)
def test_fill(template: str, data: dict[str, object], text: str) -> None:
    assert fill(template, data) == text


@pytest.mark.parametrize("template", ["{missing}", "{x.__class__}", "{x[0]}", "{0}", "{}"])
def test_a_template_reaches_its_data_and_nothing_else(template: str) -> None:
    with pytest.raises(KeyError):
        fill(template, {"x": "value"})
