"""Pseudonyms: the same for the same, kinds stay visible, public things stay, and once more changes nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.pseudonyms import Pseudonyms

FINGERPRINT = "0f" * 32


def made() -> Pseudonyms:
    known = Pseudonyms()
    known.add_host("origin.shop.example.com", "origin")
    known.add_host("www.example.com", "viewer")
    known.add_host("shop-1.eu-west-1.elb.amazonaws.com", "origin")
    known.add_word("shop-origin", "origin-id")
    known.add_word("/cart", "path")
    known.add_word("/home/ann/dist.json", "file", keep_suffix=True)
    known.add_word("Example Corp Ltd", "name")
    known.add_digits(FINGERPRINT)
    known.add_address("192.0.2.1")
    return known


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("origin.shop.example.com:443", "origin-1.site-1.example:443"),
        ("ORIGIN.shop.example.com.", "origin-1.site-1.example."),
        ("*.shop.example.com and example.com", "*.host-1.site-1.example and site-1.example"),
        ("never.seen.example.com", "host-1.site-1.example"),
        ("dig @www.example.com", "dig @viewer-1.site-1.example"),
        ("https://www.example.com/cart?a=1", "https://viewer-1.site-1.example/path-1?a=1"),
        ("shop-1.eu-west-1.elb.amazonaws.com", "origin-1.aws.example"),
        ("shop-origin:443, not my-shop-origin", "origin-id-1:443, not my-shop-origin"),
        ("/cart. Not /cart.html, not /carts", "/path-1. Not /cart.html, not /carts"),
        ("--distribution /home/ann/dist.json", "--distribution file-1.json"),
        ("O=Example Corp Ltd, C=GB", "O=name-1, C=GB"),
        ("203.0.113.9 and 203.0.113.9:80", "192.0.2.2 and 192.0.2.2:80"),  # 192.0.2.1 is somebody's
        ("10.0.0.0/8 2a00:1::5", "192.0.2.2/8 2001:db8::1"),
        ("127.0.0.1 0.0.0.0/0 ::1 12:30:45", "127.0.0.1 0.0.0.0/0 ::1 12:30:45"),
        ("arn:aws:iam::123456789012:role/x;", "arn-1;"),
        ("E2EXAMPLE9ABCD in 123456789012.", "id-1 in account-1."),
        ("sg-0a1b2c3d4e5f60718", "resource-1"),
        (FINGERPRINT, "fingerprint-1"),
        (":".join(["0F"] * 32), "fingerprint-1"),
        ("SHA-256 0f0f0f0f", "SHA-256 fingerprint-1"),
        ("origin.shop.exam…", "origin-1.site-1.example…"),
        ("CN=Example Corp Ltd", "CN=name-1"),
        ('-m comment --comment "ann\'s office" -j DROP', "-m comment --comment [redacted] -j DROP"),
        ("ask ann.lee@corp.example", "ask person-1@mail.example"),
    ],
)
def test_what_identifies_is_replaced(text: str, expected: str) -> None:
    known = made()
    assert known.text(text) == expected
    assert known.text(expected) == expected
    assert known.remaining(expected) == ()
    assert (known.remaining(text) == ()) == (text == expected or "Not /cart" in text), "a plain word proves nothing"


@pytest.mark.parametrize(
    "text",
    [
        "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/http-502-bad-gateway.html",
        "certificate.missing_intermediate",
        "Origins[api].CustomOriginConfig.HTTPSPort",
        "ECDHE-RSA-AES128-GCM-SHA256:TLS_AES_128_GCM_SHA256 x25519 0xc02f",
        "2026-11-22 03:12:05 UTC, 1,204 of 34,000 requests (3.5 %) at NRT57-P2",
        "nginx.conf, openssl x509 -noout, ssl_certificate /etc/nginx/tls/fullchain.pem;",
        "cryptography 46.0.3",
    ],
)
def test_what_is_everybodys_stays(text: str) -> None:
    assert made().text(text) == text


@given(st.text(alphabet=st.sampled_from("abz.-_/:=@*19…\"' \n"), max_size=60))
def test_once_more_changes_nothing(text: str) -> None:
    known = made()
    once = known.text(f"{text} origin.shop.example.com")
    assert known.text(once) == once
    assert "origin.shop" not in once


def test_the_key_says_what_stands_for_what() -> None:
    known = made()
    known.text("https://www.example.com/ at 198.51.100.7 with 0f0f0f0f")
    key = known.key()
    assert key["viewer-1.site-1.example"] == "www.example.com"
    assert key["192.0.2.2"] == "198.51.100.7"
    assert key["fingerprint-1"] == FINGERPRINT
