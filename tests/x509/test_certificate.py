"""Certificates are read tolerantly: right ones as the strict parser reads them, odd ones as far as they go."""

from __future__ import annotations

import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.x509 import roots
from cfrunbook.x509.certificate import KeyType, read
from tests.x509.pki import ANY, CLIENT, DAY, NAME, NOW, SERVER, Pki, mint, name, usage, weaken

PKI = Pki()


def test_every_mozilla_root_is_read_as_the_strict_parser_reads_it() -> None:
    for der in roots.mozilla().anchors:
        facts = read(der)
        strict = facts.parsed
        assert strict is not None
        assert (facts.readable, facts.problem, facts.extension_problem) == (True, "", "")
        assert (facts.not_before, facts.not_after) == (strict.not_valid_before_utc, strict.not_valid_after_utc)
        if facts.serial.strip("0"):  # for a zero, which one root has, the strict parser gives a warning
            assert int(facts.serial, 16) == strict.serial_number
        assert facts.self_issued
        assert facts.is_ca
        assert facts.signature_hash.replace("-", "").lower() == strict.signature_hash_algorithm.name
        if isinstance(strict.public_key(), rsa.RSAPublicKey):
            assert (facts.key_type, facts.key_bits) == (KeyType.RSA, strict.public_key().key_size)
        identifiers = [e.value for e in strict.extensions if isinstance(e.value, x509.SubjectKeyIdentifier)]
        assert facts.ski == (identifiers[0].digest.hex() if identifiers else "")


def test_what_a_leaf_says() -> None:
    leaf = mint(
        name("Shop", "Shop & Sons"),
        PKI.inter,
        names=("*.shop.test", "shop.test", "192.0.2.1", "2001:db8::1"),
        eku=[SERVER, CLIENT],
        key_usage=usage("digital_signature", "key_encipherment"),
        aia="http://ca.test/1.cer",
    )
    facts = read(leaf.der)
    assert facts.subject == "CN=Shop, O=Shop & Sons"
    assert facts.issuer == "CN=Test CA 1"
    assert facts.dns_names == ("*.shop.test", "shop.test")
    assert facts.ip_names == ("192.0.2.1", "2001:db8::1")
    assert facts.eku == ("serverAuth", "clientAuth")
    assert facts.key_usage == ("digitalSignature", "keyEncipherment")
    assert facts.aia_issuer_urls == ("http://ca.test/1.cer",)
    assert facts.aki == read(PKI.inter.der).ski
    assert (facts.is_ca, facts.path_length, facts.key, facts.signature_hash) == (False, None, "EC P-256", "SHA-256")
    assert (facts.not_before, facts.not_after) == (NOW - 30 * DAY, NOW + 60 * DAY)


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("P-384", "EC P-384"),
        ("P-521", "EC P-521"),
        ("RSA 2048", "RSA 2048"),
        ("Ed25519", "Ed25519"),
        ("Ed448", "Ed448"),
    ],
)
def test_keys_are_named_as_people_name_them(kind: str, shown: str) -> None:
    assert read(mint(NAME, PKI.inter, key_kind=kind).der).key == shown


def test_public_claims() -> None:
    policy = x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier("2.23.140.1.2.1"), None)])
    assert read(mint(NAME, PKI.inter, extra=[(policy, False)]).der).claims_public
    assert not read(PKI.leaf.der).claims_public


def _odd_extension(identifier: str, value: bytes, *, critical: bool = False) -> bytes:
    odd = x509.UnrecognizedExtension(x509.ObjectIdentifier(identifier), value)
    return mint(NAME, PKI.inter, eku=[ANY], extra=[(odd, critical)]).der


@pytest.mark.parametrize(
    ("der", "problem"),
    [
        (_odd_extension("1.3.6.1.5.5.7.1.24", bytes.fromhex("3003020163")), ""),  # tls-feature 99: strict KeyError
        (_odd_extension("1.3.6.1.5.5.7.1.1", b"\x30\x7f"), "extension 1.3.6.1.5.5.7.1.1: truncated"),
        (_odd_extension("2.5.29.32", b"\x02\x01\x01"), "extension 2.5.29.32: tag 0x02 where 0x30 belongs"),
    ],
)
def test_an_odd_extension_costs_only_itself(der: bytes, problem: str) -> None:
    facts = read(der)
    assert facts.extension_problem == problem
    assert facts.dns_names == (NAME,)
    assert facts.problem == ""


def test_a_printable_string_that_is_none_is_still_read() -> None:
    # "@" is not allowed in a PrintableString; old CAs wrote it all the same and strict parsers refuse it.
    good = mint(name("a_b", "Org"), PKI.inter).der
    odd = good.replace(b"\x0c\x03a_b", b"\x13\x03a_b")
    assert odd != good
    facts = read(odd)
    assert facts.readable
    assert facts.subject == "CN=a_b, O=Org"
    assert facts.dns_names == (NAME,)


def test_critical_extensions_nobody_knows_are_listed() -> None:
    facts = read(_odd_extension("1.2.3.4", b"\x05\x00", critical=True))
    assert facts.unhandled_critical == ("1.2.3.4",)


@pytest.mark.parametrize("digest", ["SHA-1", "MD5"])
def test_old_signatures_are_recognised(digest: str) -> None:
    issuer = mint("Old CA", ca=True, key_kind="RSA 2048")
    leaf = mint(NAME, issuer)
    assert read(weaken(leaf, issuer, digest)).signature_hash == digest


def test_names_are_shown_harmlessly() -> None:
    facts = read(mint("evil\x1b[31m\u202etxt", PKI.inter).der)
    assert facts.subject == "CN=evil\\x1b[31m\\u202etxt"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Test CA", "test  ca", True),
        ("Test CA", "Test CA 2", False),
        ("Straße", "STRASSE", True),
    ],
)
def test_names_are_compared_as_rfc_5280_says(one: str, other: str, same: bool) -> None:
    keys = [read(mint(n, PKI.inter).der).subject_name.key for n in (one, other)]
    assert (keys[0] == keys[1]) is same


@pytest.mark.parametrize(
    "junk", [b"", b"\x30", b"\x30\x00", b"not a certificate", b"\x30\x84\xff\xff\xff\xff", bytes(2_000_000)]
)
def test_junk_is_a_value_with_a_problem(junk: bytes) -> None:
    facts = read(junk)
    assert not facts.readable
    assert facts.problem
    assert facts.label.startswith("SHA-256 ")


@given(st.binary(max_size=300))
def test_any_bytes_are_read_without_an_error(data: bytes) -> None:
    assert read(data).der == data


@given(st.data())
def test_damaged_certificates_are_read_without_an_error(data: st.DataObject) -> None:
    der = bytearray(PKI.leaf.der)
    for _ in range(data.draw(st.integers(1, 6))):
        der[data.draw(st.integers(0, len(der) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, 8))
    facts = read(bytes(der[: len(der) - cut]))
    assert facts.readable or facts.problem
    assert isinstance(facts.not_after, dt.datetime | None)
