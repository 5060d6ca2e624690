"""The ClientHello against what AWS's s2n-tls writes under its policies for CloudFront."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from cfrunbook.cloudfront.origin_tls import TLS_1_1, TLS_1_2, TLS_1_3, offer
from cfrunbook.probes.tls.client_hello import ClientHello, server_name
from cfrunbook.probes.tls.flight import Flight
from cfrunbook.probes.tls.keys import KeyShare, expand_label, handshake_secret, server_handshake_secret

# Recorded from s2n-tls (awscrt 0.38.1) with policy CloudFront-Upstream-TLS-1-2-2025 and server name shop.example.com;
# random, session id and key share, which differ each time, are replaced by R, S and K.
S2N_SUITES = "13011302 1303c02b c02fc02c c030c023 c027c024 c028c009 c013c00a c014009c 009d003c 002f0035 000a0004 00ff"
S2N_SCHEMES = "0403 0503 0603 0303 0809 080a 080b 0804 0805 0806 0401 0501 0601 0301 0201 0203"
S2N_HELLO = (
    "0303 " + "52" * 32 + " 20" + "53" * 32 + " 002e " + S2N_SUITES + " 0100"
    " {extensions}"
    " 002b {versions}"
    " 000a 0008 0006 0017001d0018"
    " 0033 0047 0045 0017 0041 " + "4b" * 65 + " 000d 0022 0020 " + S2N_SCHEMES + " 0000 0015 0013 00 0010"
    + b"shop.example.com".hex() + " 000b 0002 0100 0017 0000"
)  # fmt: skip


@pytest.mark.parametrize(
    ("minimum", "versions"),
    [
        ("SSLv3", "000b 0a 0304 0303 0302 0301 0300"),
        ("TLSv1", "0009 08 0304 0303 0302 0301"),
        ("TLSv1.1", "0007 06 0304 0303 0302"),
        ("TLSv1.2", "0005 04 0304 0303"),
    ],
)
def test_it_is_byte_for_byte_what_s2n_writes(minimum: Any, versions: str) -> None:
    share = KeyShare(0x17, b"K" * 65, lambda peer: peer)
    hello = ClientHello(offer(minimum), "shop.example.com", (share,), random=b"R" * 32, session_id=b"S" * 32)
    extensions = bytes.fromhex(S2N_HELLO.partition("{extensions}")[2].format(versions=versions))
    expected = bytes.fromhex(S2N_HELLO.partition("{extensions}")[0]) + len(extensions).to_bytes(2, "big") + extensions
    assert hello.to_bytes() == b"\x01" + len(expected).to_bytes(3, "big") + expected


def test_the_record_around_it_has_the_version_that_every_server_takes() -> None:
    sent = Flight(offer("TLSv1.2"), "shop.example.com").start()
    assert sent[:3] == b"\x16\x03\x01"
    assert len(sent) == 5 + int.from_bytes(sent[3:5], "big") == 297


def test_every_hello_is_fresh() -> None:
    one, other = (Flight(offer("TLSv1.2"), None).start() for _ in range(2))
    assert one[11:43] != other[11:43]
    assert one[44:76] != other[44:76]
    assert one[-65:] != other[-65:]


@pytest.mark.parametrize("maximum", [TLS_1_1, TLS_1_2])
def test_without_tls_13_nothing_of_it_is_sent(maximum: int) -> None:
    old = replace(offer("TLSv1"), name="old", maximum=maximum, key_shares=())
    sent = ClientHello(old, None).to_bytes()
    assert sent[4:6] == maximum.to_bytes(2, "big")
    assert b"\x00\x2b\x00" not in sent[70:]
    assert (bytes.fromhex(S2N_SCHEMES) in sent) == (maximum == TLS_1_2)
    assert TLS_1_3 not in old.versions


@pytest.mark.parametrize(
    ("sni", "sent"),
    [
        ("shop.example.com", b"shop.example.com"),
        ("shop.example.com.", b"shop.example.com"),
        ("xn--bcher-kva.example", b"xn--bcher-kva.example"),
        ("bücher.example", b""),
        ("192.0.2.1", b""),
        ("[2001:db8::1]", b""),
        ("", b""),
        (None, b""),
        ("a" * 256, b""),
    ],
)
def test_server_name(sni: str | None, sent: bytes) -> None:
    assert server_name(sni) == sent


def test_the_key_schedule_of_rfc_8448() -> None:
    """https://www.rfc-editor.org/rfc/rfc8448#section-3: the numbers of a simple 1-RTT handshake."""
    shared = bytes.fromhex("8bd4054fb55b9d63fdfbacf9f04b9f0d35e6d63f537563efd46272900f89492d")
    assert handshake_secret("sha256", shared).hex() == (
        "1dc826e93606aa6fdc0aadc12f741b01046aa6b99f691ed221a9f0ca043fbeac"
    )
    transcript = bytes.fromhex("860c06edc07858ee8e78f0e7428c58edd6b43f2ca3e6e95f02ed063cf0e1cad8")
    secret = server_handshake_secret("sha256", shared, transcript)
    assert secret.hex() == "b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38"
    assert expand_label("sha256", secret, "key", b"", 16).hex() == "3fce516009c21727d0f2e4e86ee403bc"
    assert expand_label("sha256", secret, "iv", b"", 12).hex() == "5d313eb2671276ee13000b30"
