"""The tables of what CloudFront offers to origins, held against OpenSSL's and Python's own knowledge of the names."""

from __future__ import annotations

import datetime as dt
import ssl
import subprocess
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.cloudfront import origin_tls
from cfrunbook.cloudfront.origin_tls import GROUPS, PROTOCOLS, SCHEMES, SUITES, TLS_1_3, Provenance, offer
from cfrunbook.cloudfront.targets import TlsMinimum

DOCUMENTED = [
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES256-SHA384",
    "ECDHE-ECDSA-AES256-SHA",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES128-SHA256",
    "ECDHE-ECDSA-AES128-SHA",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-SHA384",
    "ECDHE-RSA-AES256-SHA",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-SHA256",
    "ECDHE-RSA-AES128-SHA",
    "AES256-SHA",
    "AES128-SHA",
    "DES-CBC3-SHA",
    "RC4-MD5",
]


@pytest.mark.parametrize(
    ("minimum", "versions"),
    [
        ("SSLv3", (0x0304, 0x0303, 0x0302, 0x0301, 0x0300)),
        ("TLSv1", (0x0304, 0x0303, 0x0302, 0x0301)),
        ("TLSv1.1", (0x0304, 0x0303, 0x0302)),
        ("TLSv1.2", (0x0304, 0x0303)),
    ],
)
def test_everything_from_the_minimum_up_to_tls_13_is_offered(minimum: Any, versions: tuple[int, ...]) -> None:
    offered = offer(minimum)
    assert (offered.name, offered.versions) == (f"cloudfront-{minimum}", versions)
    assert offered.since == dt.date(2025, 11, 1)
    assert (offered.groups, offered.key_shares) == ((0x17, 0x1D, 0x18), (0x17,))
    assert (len(offered.suites), len(offered.schemes)) == (22, 16)


def test_there_is_an_offer_for_every_minimum_and_no_other() -> None:
    assert [offer(m).minimum for m in get_args(TlsMinimum)] == [0x0300, 0x0301, 0x0302, 0x0303]
    with pytest.raises(KeyError):
        offer("TLSv1.3")  # type: ignore[arg-type]


def test_provenance() -> None:
    listed = [s.openssl for s in SUITES if s.provenance is Provenance.DOCUMENTATION]
    assert sorted(listed) == sorted(DOCUMENTED)
    assert {s.openssl for s in SUITES if not s.documented} == {
        "AES128-GCM-SHA256",
        "AES256-GCM-SHA384",
        "AES128-SHA256",
    }
    assert {s.code for s in SCHEMES if s.provenance is Provenance.POLICY} == {
        *range(0x0804, 0x0807),
        *range(0x0809, 0x080C),
    }
    assert all(p.url.startswith("https://") for p in Provenance)


def test_codes_and_names_are_unique() -> None:
    for table in (SUITES, GROUPS, SCHEMES, PROTOCOLS):
        assert len({row.code for row in table}) == len(table)  # type: ignore[attr-defined]
    assert len({s.iana for s in SUITES}) == len({s.openssl for s in SUITES}) == len(SUITES)


def test_python_knows_the_suites_by_the_same_codes() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("ALL:@SECLEVEL=0")
    known = {c["name"]: c["id"] & 0xFFFF for c in context.get_ciphers()}
    ours = {s.openssl: s.code for s in SUITES}
    both = known.keys() & ours.keys()
    assert len(both) >= 20  # most builds lack RC4-MD5 and 3DES
    assert {n: known[n] for n in both} == {n: ours[n] for n in both}
    for name in known.keys() & set(origin_tls._OTHER_SUITES.values()):
        assert origin_tls._OTHER_SUITES[known[name]] == name


@pytest.mark.needs("openssl")
def test_openssl_knows_both_names_and_the_lowest_version_of_each_suite() -> None:
    out = subprocess.run(
        ["openssl", "ciphers", "-V", "-stdname", "ALL:@SECLEVEL=0"], capture_output=True, text=True, check=True
    )
    seen = 0
    for line in out.stdout.splitlines():
        code, _, iana, _, openssl, version, *_ = line.split()
        row = origin_tls.suite(int(code.replace("0x", "").replace(",", ""), 16))
        if row is None:
            continue
        seen += 1
        assert (row.iana, row.openssl) == (iana, openssl)
        assert {"SSLv3": 0x0300, "TLSv1": 0x0301, "TLSv1.2": 0x0303, "TLSv1.3": 0x0304}[version] == row.minimum
    assert seen >= 20


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("minimum", get_args(TlsMinimum))
def test_openssl_takes_the_options(minimum: Any) -> None:
    options = origin_tls.openssl_options(offer(minimum)).split()
    command = ["openssl", "s_client", "-connect", "127.0.0.1:1", *options]
    said = subprocess.run(command, input="", capture_output=True, text=True, timeout=20, check=False).stderr
    assert "refused" in said, "it got as far as connecting"


@pytest.mark.parametrize(
    ("lookup", "code", "name"),
    [
        (origin_tls.suite_name, 0xC02F, "ECDHE-RSA-AES128-GCM-SHA256"),
        (origin_tls.suite_name, 0x009F, "DHE-RSA-AES256-GCM-SHA384"),
        (origin_tls.suite_name, 0xFAFA, "cipher suite 0xFAFA"),
        (origin_tls.group_name, 0x17, "P-256"),
        (origin_tls.group_name, 0x19, "P-521"),
        (origin_tls.group_name, 0x7777, "group 0x7777"),
        (origin_tls.scheme_name, 0x0804, "rsa_pss_rsae_sha256"),
        (origin_tls.scheme_name, 0x0807, "ed25519"),
        (origin_tls.scheme_name, 1, "signature scheme 0x0001"),
        (origin_tls.version_name, TLS_1_3, "TLS 1.3"),
        (origin_tls.version_name, 0x0300, "SSL 3.0"),
        (origin_tls.version_name, 0x7F1C, "version 0x7F1C"),
        (origin_tls.alert_name, 112, "unrecognized_name"),
        (origin_tls.alert_name, 70, "protocol_version"),
        (origin_tls.alert_name, 255, "unassigned"),
    ],
)
def test_names(lookup: Any, code: int, name: str) -> None:
    assert lookup(code) == name


@given(code=st.integers())
def test_every_number_has_a_name(code: int) -> None:
    for lookup in (
        origin_tls.suite_name,
        origin_tls.group_name,
        origin_tls.scheme_name,
        origin_tls.version_name,
        origin_tls.alert_name,
    ):
        assert lookup(code)
