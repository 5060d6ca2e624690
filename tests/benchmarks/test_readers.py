"""What is read in the outputs of other scanners: cut from real ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.peers import NMAP, PEERS, S_CLIENT, SSLSCAN, SSLYZE, TESTSSL
from support.readers import Trouble, read

from cfrunbook.cloudfront.origin_tls import SSL_3_0, TLS_1_0, TLS_1_2, TLS_1_3

NAME = "origin.shop.example"

S_CLIENT_HELLOS = """\
CONNECTED(00000003)
Server Temp Key: ECDH, secp521r1, 521 bits
New, SSLv3, Cipher is ECDHE-RSA-AES128-SHA
    Protocol  : TLSv1.2
    Cipher    : ECDHE-RSA-AES128-SHA
40E7F8:error:0A00042E:SSL routines:ssl3_read_bytes:tlsv1 alert protocol version:../ssl/record/rec_layer_s3.c:1602
CONNECTED(00000003)
New, (NONE), Cipher is (NONE)
    Protocol  : TLSv1.1
    Cipher    : 0000
CONNECTED(00000003)
Certificate chain
 0 s:CN = Difficult RSA CA
   i:CN = Difficult Root
   a:PKEY: rsaEncryption, 2048 (bit); sigalg: ecdsa-with-SHA256
 1 s:CN = origin.shop.example
   i:CN = Difficult RSA CA
subject=CN = Difficult RSA CA
Server Temp Key: X25519, 253 bits
New, TLSv1.3, Cipher is TLS_AES_256_GCM_SHA384
Verify return code: 62 (hostname mismatch)
"""
S_CLIENT_INTOLERANT = """\
CONNECTED(00000003)
New, TLSv1.2, Cipher is AES128-SHA
    Protocol  : TLSv1.2
40A7C0:error:0A000126:SSL routines:ssl3_read_n:unexpected eof while reading:../ssl/record/rec_layer_s3.c:318:
CONNECTED(00000003)
New, (NONE), Cipher is (NONE)
"""
NMAP_SUITES = """\
| ssl-cert: Subject: commonName=other.shop.example
| Subject Alternative Name: DNS:other.shop.example
| Public Key type: unknown
| ssl-enum-ciphers:
|   SSLv3:
|     ciphers:
|       TLS_RSA_WITH_3DES_EDE_CBC_SHA (rsa 2048) - C
|   TLSv1.2:
|     ciphers:
|       TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA - unknown
|   TLSv1.3:
|     ciphers:
|       TLS_AKE_WITH_AES_128_GCM_SHA256 (ecdh_x25519) - A
|     cipher preference: client
"""
SSLSCAN_SUITES = """\
  \x1b[1;34mSSL/TLS Protocols:\x1b[0m
SSLv2     disabled
TLSv1.0   enabled
TLSv1.2   \x1b[32menabled\x1b[0m
  Supported Server Cipher(s):
\x1b[32mPreferred\x1b[0m TLSv1.2  256 bits  ECDHE-RSA-AES256-GCM-SHA384   Curve P-521 DHE 521
Subject:  origin.shop.example
Altnames: DNS:origin.shop.example
"""
SSLYZE_SUITES = """\
       Common Name:                       origin.shop.example
       Received Chain Order:              OK - Order is valid
 * SSL 3.0 Cipher Suites:
     Attempted to connect using 80 cipher suites; the server rejected all cipher suites.
 * TLS 1.2 Cipher Suites:
     The server accepted the following 1 cipher suites:
        TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256             128       ECDH: secp521r1 (521 bits)
"""
TESTSSL_SUITES = """\
 TLS 1      not offered
 TLS 1.2    offered (OK)
 TLS 1.3    not offered and downgraded to a weaker protocol
   Common Name (CN)             other.shop.example
   Trust (hostname)             certificate does not match supplied URI (same w/o SNI)
 Testing ciphers per protocol via OpenSSL plus sockets against the server, ordered by encryption strength

Hexcode  Cipher Suite Name (OpenSSL)       KeyExch.   Encryption  Bits     Cipher Suite Name (IANA/RFC)
-----------------------------------------------------------------------------------------------------------------------------
TLS 1.1
TLS 1.2
 xc030   ECDHE-RSA-AES256-GCM-SHA384       ECDH 253   AESGCM      256      TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
"""


@pytest.mark.parametrize(
    ("peer", "output", "versions", "suites", "troubles"),
    [
        pytest.param(
            S_CLIENT,
            S_CLIENT_HELLOS,
            {TLS_1_2, TLS_1_3},
            {(TLS_1_2, "ECDHE-RSA-AES128-SHA"), (TLS_1_3, "TLS_AES_256_GCM_SHA384")},
            {Trouble.ORDER, Trouble.NAME},
            id="s_client: the version of the session, not of the suite; the chain's order",
        ),
        pytest.param(
            S_CLIENT,
            S_CLIENT_INTOLERANT,
            {TLS_1_2},
            {(TLS_1_2, "AES128-SHA")},
            {Trouble.INTOLERANT, Trouble.CLOSED, Trouble.FAILED},
            id="s_client: connects with one version, is closed on with all",
        ),
        pytest.param(
            NMAP,
            NMAP_SUITES,
            {SSL_3_0, TLS_1_2, TLS_1_3},
            {
                (SSL_3_0, "DES-CBC3-SHA"),
                (TLS_1_2, "ECDHE-ECDSA-AES128-SHA"),
                (TLS_1_3, "TLS_AES_128_GCM_SHA256"),
            },
            {Trouble.NAME, Trouble.KEY},
            id="nmap",
        ),
        pytest.param(
            SSLSCAN,
            SSLSCAN_SUITES,
            {TLS_1_0, TLS_1_2},
            {(TLS_1_2, "ECDHE-RSA-AES256-GCM-SHA384")},
            {Trouble.CURVE},
            id="sslscan, in color: a version without suites counts as listed",
        ),
        pytest.param(
            SSLYZE, SSLYZE_SUITES, {TLS_1_2}, {(TLS_1_2, "ECDHE-RSA-AES128-GCM-SHA256")}, {Trouble.CURVE}, id="sslyze"
        ),
        pytest.param(
            SSLYZE,
            "127.0.0.1:1 => ERROR: Unexpected connection error: tlsv1 unrecognized name; discarding scan.",
            set(),
            set(),
            {Trouble.NAME_REFUSED, Trouble.FAILED},
            id="sslyze: fails and says why",
        ),
        pytest.param(
            TESTSSL,
            TESTSSL_SUITES,
            {TLS_1_2},
            {(TLS_1_2, "ECDHE-RSA-AES256-GCM-SHA384")},
            {Trouble.NAME},
            id="testssl: 'ordered' and 'downgraded' are no trouble",
        ),
        pytest.param(
            TESTSSL,
            "127.0.0.1:80 doesn't seem to be a TLS/SSL enabled server",
            set(),
            set(),
            {Trouble.NOT_TLS},
            id="testssl: not TLS",
        ),
    ],
)
def test_what_is_read(
    peer: str, output: str, versions: set[int], suites: set[tuple[int, str]], troubles: set[Trouble]
) -> None:
    reading = read(peer, output, NAME)
    assert (reading.versions, reading.suites, reading.troubles) == (versions, suites, troubles)


@pytest.mark.parametrize("peer", PEERS)
def test_an_empty_output_says_nothing(peer: str) -> None:
    reading = read(peer, "", NAME)
    assert not reading.versions | reading.suites | reading.troubles


SAMPLES = (S_CLIENT_HELLOS, NMAP_SUITES, SSLSCAN_SUITES, SSLYZE_SUITES, TESTSSL_SUITES)


@given(st.sampled_from(PEERS), st.sampled_from(SAMPLES), st.integers(0, 900), st.text(max_size=30))
def test_an_output_that_is_cut_off_is_read_as_far_as_it_goes(peer: str, output: str, end: int, more: str) -> None:
    read(peer, output[:end] + more, NAME)
