"""Host names and what in a certificate covers them; OpenSSL is the independent judge."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.hostname import canonical
from cfrunbook.x509.names import MatchedBy, Near, find_match, matches, near_misses
from tests.x509.pki import mint


@pytest.mark.parametrize(
    ("given_name", "normal"),
    [
        ("Shop.Example.COM", "shop.example.com"),
        ("shop.example.com.", "shop.example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("_dmarc.example.com", "_dmarc.example.com"),
        ("localhost", "localhost"),
        ("", None),
        (".", None),
        ("a..b", None),
        ("-a.example", None),
        ("a-.example", None),
        ("a b.example", None),
        ("example.com:443", None),
        ("*.example.com", None),
        ("192.0.2.1", None),
        ("[2001:db8::1]", None),
        ("2001:db8::1", None),
        ("1.2.3", None),
        ("x" * 64 + ".example", None),
        (".".join(["x" * 60] * 5), None),
        ("ü" * 5000, None),
        ("\ud800.example", None),
    ],
)
def test_canonical_names(given_name: str, normal: str | None) -> None:
    assert canonical(given_name) == normal


@pytest.mark.parametrize(
    ("pattern", "name", "covered"),
    [
        ("shop.example.com", "shop.example.com", True),
        ("Shop.EXAMPLE.com", "shop.example.com", True),
        ("*.example.com", "shop.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "a.shop.example.com", False),
        ("*.shop.example.com", "shop.example.com", False),
        ("s*.example.com", "shop.example.com", False),
        ("*p.example.com", "shop.example.com", False),
        ("shop.*.com", "shop.example.com", False),
        ("*", "shop.example.com", False),
        ("*.", "shop.example.com", False),
        ("shop.example.com.", "shop.example.com", False),
        ("example.com", "shop.example.com", False),
        ("192.0.2.1", "192.0.2.1", False),
        ("*.0.2.1", "192.0.2.1", False),
        ("", "shop.example.com", False),
        ("shop.example.com", "", False),
    ],
)
def test_matches(pattern: str, name: str, covered: bool) -> None:
    assert matches(pattern, name) is covered


@pytest.mark.parametrize(
    ("dns", "common_name", "others", "by"),
    [
        (["shop.test"], "other.test", None, MatchedBy.ALTERNATIVE_NAME),
        (["other.test"], "shop.test", None, None),  # alternative names shut the common name out
        ([], "shop.test", None, MatchedBy.COMMON_NAME),
        ([], "*.test", None, MatchedBy.COMMON_NAME),
        ([], "shop.test", True, None),  # an address or URI is an alternative name too
        ([], "", None, None),
    ],
)
def test_the_common_name_counts_only_where_there_is_nothing_else(
    dns: list[str], common_name: str, others: bool | None, by: MatchedBy | None
) -> None:
    found = find_match("shop.test", dns_names=dns, common_name=common_name, has_alternative_names=others)
    assert (found.by if found else None) == by


@pytest.mark.parametrize(
    ("patterns", "name", "kind", "says"),
    [
        (["*.example.com"], "example.com", Near.WILDCARD_PARENT, "not example.com itself"),
        (["*.example.com"], "a.b.example.com", Near.WILDCARD_DEPTH, "exactly one label"),
        (["sh*.example.com"], "shop.example.com", Near.WILDCARD_PARTIAL, "partial wildcard"),
        (["www.example.com"], "example.com", Near.WWW, "www. is not implied"),
        (["example.com"], "www.example.com", Near.WWW, "www. is not implied"),
        (["shpo.example.com"], "shop.example.com", Near.TYPO, "by a character or two"),
        (["shop.example.com."], "shop.example.com", Near.TRAILING_DOT, "ends in a dot"),
        (["mail.example.com"], "shop.example.com", Near.SIBLING, "another name under example.com"),
    ],
)
def test_near_misses(patterns: list[str], name: str, kind: Near, says: str) -> None:
    (miss,) = near_misses(patterns, name)
    assert miss.kind is kind
    assert says in miss.sentence


def test_near_misses_leave_strangers_and_matches_out() -> None:
    assert near_misses(["panel.hosting.test", "shop.example.com", "*.example.com"], "shop.example.com") == ()


def test_near_misses_name_a_common_name_that_is_ignored() -> None:
    kinds = [m.kind for m in near_misses(["x.test"], "shop.example.com", common_name="shop.example.com")]
    assert kinds == [Near.COMMON_NAME_IGNORED]


@given(st.lists(st.text(max_size=40), max_size=8), st.text(max_size=40))
def test_any_text_is_compared_without_an_error(patterns: list[str], name: str) -> None:
    canonical(name)
    assert all(m.sentence for m in near_misses(patterns, name))
    for pattern in patterns:
        matches(pattern, name)


@given(st.text(alphabet="aB-_.xn1ü*", max_size=70))
def test_normal_names_stay_as_they_are(name: str) -> None:
    normal = canonical(name)
    assert normal is None or (canonical(normal) == normal and matches(normal.upper(), normal))


@pytest.mark.needs("openssl")
@pytest.mark.parametrize(
    # Left out, because there s2n-tls differs from OpenSSL and we follow s2n-tls: partial wildcards, `*.tld`.
    "carried",
    [
        ["ex.test"],
        ["*.ex.test"],
        ["*.a.ex.test"],
        ["A.eX.test"],
        ["*.*.ex.test"],
        ["a.*.ex.test"],
        ["*ex.test"],
        ["b.ex.test", "*.a.ex.test", "ex.test"],
    ],
)
def test_openssl_agrees(tmp_path: Path, carried: list[str]) -> None:
    file = tmp_path / "leaf.pem"
    file.write_bytes(mint("nothing", names=carried, number=0).pem)
    for name in [
        "ex.test",
        "a.ex.test",
        "b.ex.test",
        "a.a.ex.test",
        "b.a.ex.test",
        "a.b.ex.test",
        "test",
        "other.test",
    ]:
        command = ["openssl", "x509", "-in", file, "-noout", "-checkhost", name]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        ours = find_match(name, dns_names=carried, common_name="nothing") is not None
        assert ours is ("does match" in said), (carried, name)
