"""Minted chains verify, or fail for the wanted reason, in the eyes of OpenSSL and of cryptography."""

from __future__ import annotations

import datetime as dt
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID
from cryptography.x509.verification import PolicyBuilder, Store

from cfrunbook.lab.authority import CLIENT_AUTH, DAY, Authority, Identity, new_key, pem_bundle

NAME = "origin.shop.example"


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def openssl_verify(authority: Authority, sent: Sequence[Identity], folder: Path) -> str:
    (folder / "root.pem").write_bytes(authority.root.pem)
    (folder / "leaf.pem").write_bytes(sent[0].pem)
    (folder / "others.pem").write_bytes(pem_bundle(sent[1:]))
    others = ["-untrusted", "others.pem"] if sent[1:] else []
    command = ["openssl", "verify", "-no-CApath", "-no-CAstore", "-CAfile", "root.pem", "-purpose", "sslserver"]
    result = subprocess.run(
        [*command, "-verify_hostname", NAME, *others, "leaf.pem"],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )
    return result.stdout + result.stderr


def foreign(a: Authority) -> list[Identity]:
    issuer = a.intermediate_ca("Other CA", issuer=a.root_ca("Other Root"))
    return [a.leaf(NAME, issuer=issuer), issuer]


def too_long(a: Authority) -> list[Identity]:
    upper = a.intermediate_ca("Upper", issuer=a.root, path_length=0)
    lower = a.intermediate_ca("Lower", issuer=upper)
    return [a.leaf(NAME, issuer=lower), lower, upper]


def under_expired(a: Authority) -> list[Identity]:
    old = a.intermediate_ca("Old CA", issuer=a.root, ends=-DAY)
    return [a.leaf(NAME, issuer=old), old]


def cross_signed(a: Authority, *, twin: bool) -> list[Identity]:
    root = a.root_ca("Young Root")
    issuer = a.intermediate_ca("Young CA", issuer=root)
    return [a.leaf(NAME, issuer=issuer), issuer, *([root] if twin else []), a.cross_signed(root)]


CASES: dict[str, tuple[Callable[[Authority], list[Identity]], str]] = {
    "good": (lambda a: [a.leaf(NAME), a.intermediate], "leaf.pem: OK"),
    "wildcard": (lambda a: [a.leaf("*.shop.example"), a.intermediate], "leaf.pem: OK"),
    "root sent along": (lambda a: [a.leaf(NAME), a.intermediate, a.root], "leaf.pem: OK"),
    "RSA": (lambda a: [a.leaf(NAME, key="RSA 2048"), a.intermediate], "leaf.pem: OK"),
    "P-384": (lambda a: [a.leaf(NAME, key="EC P-384"), a.intermediate], "leaf.pem: OK"),
    "Ed25519": (lambda a: [a.leaf(NAME, key="Ed25519"), a.intermediate], "leaf.pem: OK"),
    "expired": (lambda a: [a.leaf(NAME, ends=-DAY), a.intermediate], "error 10 at 0 depth"),
    "not yet valid": (lambda a: [a.leaf(NAME, begins=DAY), a.intermediate], "error 9 at 0 depth"),
    "expired intermediate": (under_expired, "error 10 at 1 depth"),
    "other name": (lambda a: [a.leaf("www.shop.example"), a.intermediate], "error 62 at 0 depth"),
    "client only": (lambda a: [a.leaf(NAME, usages=(CLIENT_AUTH,)), a.intermediate], "error 26 at 0 depth"),
    "no intermediate": (lambda a: [a.leaf(NAME)], "error 20 at 0 depth"),
    "self-signed": (lambda a: [a.mint(NAME, names=(NAME,))], "error 18 at 0 depth"),
    "other authority": (foreign, "error 20 at 1 depth"),
    "path too long": (too_long, "error 25 at 2 depth"),
    "cross-signed": (lambda a: cross_signed(a, twin=False), "leaf.pem: OK"),
    "untrusted twin before the cross-signed": (lambda a: cross_signed(a, twin=True), "error 19 at 2 depth"),
}


@pytest.mark.needs("openssl")
@pytest.mark.parametrize(("mint", "verdict"), CASES.values(), ids=CASES)
def test_openssl_says_what_was_wanted(
    authority: Authority, tmp_path: Path, mint: Callable[[Authority], list[Identity]], verdict: str
) -> None:
    assert verdict in openssl_verify(authority, mint(authority), tmp_path)


@pytest.mark.parametrize("key", ["EC P-256", "EC P-384", "RSA 2048"])
def test_a_good_chain_passes_the_strict_web_profile(authority: Authority, key: str) -> None:
    leaf = authority.leaf(NAME, key=new_key(key))  # type: ignore[arg-type]
    verifier = PolicyBuilder().store(Store([authority.root.certificate])).build_server_verifier(x509.DNSName(NAME))
    chain = verifier.verify(leaf.certificate, [authority.intermediate.certificate])
    assert [c.subject for c in chain] == [i.certificate.subject for i in (leaf, authority.intermediate, authority.root)]


def test_dates_are_relative_to_the_moment_given() -> None:
    now = dt.datetime(2027, 3, 1, 12, tzinfo=dt.UTC)
    leaf = Authority(now).leaf(NAME, begins=-2 * DAY, ends=3 * DAY).certificate
    assert (leaf.not_valid_before_utc, leaf.not_valid_after_utc) == (now - 2 * DAY, now + 3 * DAY)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, ["http://ca.lab.example/lab-issuing-ca-e1.cer"]),
        ("http://ca.lab.example/x.cer", ["http://ca.lab.example/x.cer"]),
        ("", []),
    ],
)
def test_certificates_say_where_their_issuer_is(authority: Authority, given: str | None, expected: list[str]) -> None:
    certificate = authority.mint("x", issuer=authority.intermediate, aia=given).certificate
    extensions = [e.value for e in certificate.extensions if isinstance(e.value, x509.AuthorityInformationAccess)]
    places = [d for e in extensions for d in e if d.access_method == AuthorityInformationAccessOID.CA_ISSUERS]
    assert [d.access_location.value for d in places] == expected


def test_addresses_become_ip_names(authority: Authority) -> None:
    names = authority.leaf(NAME, "192.0.2.1", "2001:db8::1").certificate.extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert names.value.get_values_for_type(x509.DNSName) == [NAME]
    assert [str(a) for a in names.value.get_values_for_type(x509.IPAddress)] == ["192.0.2.1", "2001:db8::1"]
