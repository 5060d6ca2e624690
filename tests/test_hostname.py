"""Host names in their canonical form, judged against the idna package; what is none says why."""

from __future__ import annotations

import idna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook import hostname
from cfrunbook.errors import BadInput
from cfrunbook.hostname import NameProblem


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", NameProblem.EMPTY),
        (" ", NameProblem.EMPTY),
        ("10.0.0.1", NameProblem.IP_ADDRESS),
        ("2001:db8::1", NameProblem.IP_ADDRESS),
        ("[2001:db8::1]", NameProblem.IP_ADDRESS),
        ("１０.0.0.1", NameProblem.IP_ADDRESS),
        ("webpage:3000", NameProblem.PORT),
        ("origin.example.com:", NameProblem.PORT),
        ("https://origin.example.com", NameProblem.SCHEME),
        ("origin.example.com/path", NameProblem.PATH),
        ("{{tenant}}.example.com", NameProblem.PARAMETER),
        ("a b.example.com", NameProblem.NOT_A_NAME),
        ("-a.example.com", NameProblem.NOT_A_NAME),
        ("a..example.com", NameProblem.NOT_A_NAME),
        (".example.com", NameProblem.NOT_A_NAME),
        ("*.example.com", NameProblem.NOT_A_NAME),
        ("user@example.com", NameProblem.NOT_A_NAME),
        ("example.com\n", NameProblem.NOT_A_NAME),
        ("a\x1b[2J.example", NameProblem.NOT_A_NAME),
        ("\ud800.example", NameProblem.NOT_A_NAME),
        ("a\u202e.example", NameProblem.NOT_A_NAME),
        ("℀.example", NameProblem.NOT_A_NAME),
        ("1.2.3.4.5", NameProblem.NOT_A_NAME),
        (f"{'a' * 64}.example", NameProblem.NOT_A_NAME),
        (".".join(["a" * 63] * 4), NameProblem.TOO_LONG),
        ("a" * 5000, NameProblem.TOO_LONG),
    ],
)
def test_what_is_no_host_name_says_why(name: str, problem: NameProblem) -> None:
    assert hostname.problem(name) is problem
    with pytest.raises(BadInput, match="is not a host name: it ") as raised:
        hostname.to_ascii(name, "Origin")
    assert str(raised.value).startswith("Origin: ")


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("Origin.Example.COM", "origin.example.com"),
        ("origin.example.com.", "origin.example.com"),
        ("webpage", "webpage"),
        ("_acme.example.com", "_acme.example.com"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)
def test_names_in_canonical_form(name: str, canonical: str) -> None:
    assert hostname.to_ascii(name) == canonical


@pytest.mark.parametrize(
    "name", ["bücher.example", "BÜCHER.example", "faß.de", "例え。jp", "пример.рф", "ａｂｃ.example"]
)
def test_internationalized_names_are_converted_as_browsers_do(name: str) -> None:
    assert hostname.to_ascii(name) == idna.encode(name, uts46=True).decode()


@given(st.text(max_size=40))
def test_any_text_is_a_name_or_bad_input(name: str) -> None:
    try:
        converted = hostname.to_ascii(name)
    except BadInput:
        assert hostname.problem(name) is not None
    else:
        assert converted.isascii()
        assert hostname.to_ascii(converted) == converted
