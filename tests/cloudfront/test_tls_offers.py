"""The hellos that ask one question each, held against OpenSSL's names and the exact hello they take apart."""

from __future__ import annotations

import subprocess

import pytest

from cfrunbook.cloudfront import origin_tls, other_tls, tls_offers
from cfrunbook.cloudfront.origin_tls import GROUPS, PROTOCOLS, SUITES, TLS_1_2, TLS_1_3, offer
from cfrunbook.cloudfront.tls_offers import Beyond, Purpose, question

VERSIONS = [p.code for p in PROTOCOLS]


@pytest.mark.parametrize(
    ("made", "name"),
    [
        (tls_offers.version_offer(0x0302), "version-TLSv1.1"),
        (tls_offers.version_offer(0x0300), "version-SSLv3"),
        (tls_offers.suite_offer(TLS_1_2, 0xC02F), "suite-TLSv1.2-C02F"),
        (tls_offers.suite_offer(TLS_1_2, 0x0004), "suite-TLSv1.2-0004"),
        (tls_offers.group_offer(TLS_1_3, 0x18), "group-TLSv1.3-P-384"),
        (tls_offers.ecdsa_offer(), "ecdsa-TLSv1.2"),
        (tls_offers.rsa_offer(TLS_1_3), "rsa-TLSv1.3"),
        (tls_offers.beyond_offer(TLS_1_2), "beyond-TLSv1.2"),
        (tls_offers.beyond_offer(TLS_1_3, Beyond.GROUPS), "beyond-groups-TLSv1.3"),
        (offer("TLSv1"), "cloudfront-TLSv1"),
    ],
)
def test_a_name_says_what_was_offered_and_leads_back_to_it(made: origin_tls.Offer, name: str) -> None:
    asked = question(name)
    assert asked is not None
    assert made.name == name
    assert asked.offer == made


def test_an_unknown_name_is_no_question() -> None:
    assert question("cloudfront-TLSv9") is None


@pytest.mark.parametrize("version", VERSIONS)
def test_a_version_is_offered_alone_with_all_that_cloudfront_has_for_it(version: int) -> None:
    made = tls_offers.version_offer(version)
    assert made.versions == (version,)
    assert set(made.suites) < set(offer("SSLv3").suites)
    assert all((origin_tls.suite(c).minimum == TLS_1_3) == (version == TLS_1_3) for c in made.suites)  # type: ignore[union-attr]


def test_every_suite_of_cloudfront_is_asked_for_in_some_version() -> None:
    assert {s.code for v in VERSIONS for s in tls_offers.suites_of(v)} == {s.code for s in SUITES}
    assert len(tls_offers.suites_of(TLS_1_2)) == 19
    assert [s.openssl for s in tls_offers.suites_of(0x0300)] == ["AES128-SHA", "AES256-SHA", "DES-CBC3-SHA", "RC4-MD5"]


@pytest.mark.parametrize("version", [TLS_1_2, TLS_1_3])
def test_a_kind_of_certificate_is_asked_for_with_nothing_of_the_other_kind(version: int) -> None:
    ecdsa, rsa = tls_offers.ecdsa_offer(version), tls_offers.rsa_offer(version)
    assert not set(ecdsa.schemes) & set(rsa.schemes)
    assert set(ecdsa.schemes) | set(rsa.schemes) == set(offer("TLSv1.2").schemes)
    if version == TLS_1_2:
        assert not set(ecdsa.suites) & set(rsa.suites)
        assert set(ecdsa.suites) | set(rsa.suites) == set(tls_offers.version_offer(TLS_1_2).suites)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("part", [None, *Beyond])
def test_what_goes_beyond_does_so_in_one_part_only(version: int, part: Beyond | None) -> None:
    own, made = offer("SSLv3"), tls_offers.beyond_offer(version, part)
    beyond = {
        Beyond.SUITES: bool(set(made.suites) - set(own.suites)),
        Beyond.GROUPS: bool(set(made.groups) - set(own.groups)),
        Beyond.KEYS: bool(set(made.schemes) - set(own.schemes)),
    }
    if version > 0x0300:
        assert beyond == {p: part in (None, p) for p in Beyond}
    assert made.versions == (version,)


@pytest.mark.needs("openssl")
def test_openssl_knows_the_other_suites_by_the_same_names() -> None:
    listed = subprocess.run(
        ["openssl", "ciphers", "-V", "ALL:@SECLEVEL=0"], capture_output=True, text=True, check=True, timeout=20
    ).stdout
    names = {
        int(code.replace("0x", "").replace(",", ""), 16): name
        for code, _, name, *_ in map(str.split, listed.splitlines())
    }
    known = {s.code: s.openssl for s in other_tls.OTHER_SUITES if s.code in names}
    assert len(known) > 35
    assert known == {code: names[code] for code in known}
    assert not {s.code for s in other_tls.OTHER_SUITES} & {s.code for s in SUITES}
    assert not {g.code for g in other_tls.OTHER_GROUPS} & {g.code for g in GROUPS}


def test_every_purpose_has_a_question() -> None:
    asked = {q.purpose for name in tls_offers._questions() if (q := question(name))}
    assert asked == set(Purpose)
