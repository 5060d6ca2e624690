"""A test PKI: any certificate, right or wrong. Keys are made once per process; dates are relative to `NOW`."""

from __future__ import annotations

import datetime as dt
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from cfrunbook.x509.roots import TrustStore, from_der

NOW = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
NAME = "origin.shop.test"
SERVER, CLIENT, ANY = (
    ExtendedKeyUsageOID.SERVER_AUTH,
    ExtendedKeyUsageOID.CLIENT_AUTH,
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
)


@cache
def key(kind: str, number: int = 0) -> Any:
    """Return the `number`th key of a kind: `P-256`, `RSA 2048`, `Ed25519` …"""
    match kind.split():
        case ["RSA", bits]:
            return rsa.generate_private_key(65537, int(bits))
        case ["Ed25519"]:
            return ed25519.Ed25519PrivateKey.generate()
        case ["Ed448"]:
            return ed448.Ed448PrivateKey.generate()
    curves = {"P-224": ec.SECP224R1, "P-256": ec.SECP256R1, "P-384": ec.SECP384R1, "P-521": ec.SECP521R1}
    return ec.generate_private_key(curves[kind]())


@dataclass(frozen=True)
class Party:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: Any

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)


def name(common_name: str, organization: str = "", **encoding: Any) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)] if organization else []
    if common_name:
        attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, common_name, **encoding))
    return x509.Name(attributes)


def usage(*flags: str) -> x509.KeyUsage:
    every = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement"
        " key_cert_sign crl_sign encipher_only decipher_only"
    )
    return x509.KeyUsage(**{flag: flag in flags for flag in every.split()})


def mint(
    common_name: str | x509.Name,
    issuer: Party | None = None,
    *,
    ca: bool | None = False,
    names: Sequence[str] | None = None,
    key_kind: str = "P-256",
    number: int | None = None,
    begins: dt.timedelta = -30 * DAY,
    ends: dt.timedelta = 60 * DAY,
    path_length: int | None = None,
    eku: Sequence[x509.ObjectIdentifier] | None = None,
    key_usage: x509.KeyUsage | None = None,
    aki: bool = True,
    aia: str = "",
    issuer_name: x509.Name | None = None,
    extra: Iterable[tuple[x509.ExtensionType, bool]] = (),
    signed_by: Any = None,
) -> Party:
    """Mint a certificate; self-signed without `issuer`. `ca=None` leaves basicConstraints out."""
    subject = common_name if isinstance(common_name, x509.Name) else name(common_name)
    mine = key(key_kind, hash(subject) if number is None else number)
    signer = signed_by or (issuer.key if issuer else mine)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer_name or (issuer.certificate.subject if issuer else subject))
        .public_key(mine.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + begins)
        .not_valid_after(NOW + ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(mine.public_key()), critical=False)
    )
    if ca is not None:
        builder = builder.add_extension(x509.BasicConstraints(ca, path_length if ca else None), critical=True)
    if aki:
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
        builder = builder.add_extension(identifier, critical=False)
    if names is None and not ca:
        names = (NAME,)
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(map(_general_name, names)), critical=False)
    if eku is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage(eku), critical=False)
    if key_usage is None:
        key_usage = usage("key_cert_sign", "crl_sign") if ca else usage("digital_signature")
    builder = builder.add_extension(key_usage, critical=True)
    if aia:
        where = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(aia))
        builder = builder.add_extension(x509.AuthorityInformationAccess([where]), critical=False)
    for extension, critical in extra:
        builder = builder.add_extension(extension, critical=critical)
    digest = None if isinstance(signer, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey) else hashes.SHA256()
    return Party(builder.sign(signer, digest), mine)


def _general_name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        return x509.DNSName(text)


class Pki:
    """One trusted root, one intermediate under it and a leaf under that; and everything else on request."""

    def __init__(self) -> None:
        self.root = mint("Test Root", ca=True, begins=-3000 * DAY, ends=3000 * DAY)
        self.inter = mint("Test CA 1", self.root, ca=True, begins=-300 * DAY, ends=300 * DAY)
        self.leaf = mint(NAME, self.inter, eku=[SERVER])

    @property
    def roots(self) -> TrustStore:
        return from_der([self.root.der], name="test-roots.pem")


def weaken(party: Party, issuer: Party, digest: str) -> bytes:
    """Return the certificate signed anew by an RSA issuer over SHA-1 or MD5, which no library mints any more.

    The object identifiers of sha256, sha1 and md5WithRSAEncryption differ in their last octet only. Where the
    signature itself cannot be made any more either, it is left as it was: nothing will check it.
    """
    prefix = bytes.fromhex("06092a864886f70d0101")
    old, new = prefix + b"\x0b", prefix + {"SHA-1": b"\x05", "MD5": b"\x04"}[digest]
    certificate = party.certificate
    tbs = certificate.tbs_certificate_bytes.replace(old, new)
    algorithm = hashes.SHA1() if digest == "SHA-1" else hashes.MD5()
    signature = issuer.key.sign(tbs, PKCS1v15(), algorithm)
    head = party.der[: party.der.index(certificate.tbs_certificate_bytes)]
    tail = party.der[len(head) + len(tbs) :].replace(old, new)
    return head + tbs + tail[: -len(signature)] + signature


def openssl_verify(
    sent: Sequence[bytes], roots: Sequence[bytes], *extra: str, at: dt.datetime = NOW
) -> tuple[bool, str]:
    """Return OpenSSL's verdict on DER certificates, the first being the leaf, and what it printed."""

    def pem(ders: Iterable[bytes]) -> bytes:
        return b"".join(x509.load_der_x509_certificate(d).public_bytes(Encoding.PEM) for d in ders)

    with tempfile.TemporaryDirectory() as folder:
        leaf, chain, anchors = Path(folder, "leaf.pem"), Path(folder, "chain.pem"), Path(folder, "roots.pem")
        leaf.write_bytes(pem(sent[:1]))
        chain.write_bytes(pem(sent[1:]))
        anchors.write_bytes(pem(roots))
        command = ["openssl", "verify", "-no-CApath", "-no-CAstore", "-CAfile", anchors, "-purpose", "sslserver"]
        command += ["-attime", str(int(at.timestamp())), *extra]
        if sent[1:]:
            command += ["-untrusted", chain]
        done = subprocess.run([*map(str, command), str(leaf)], capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stdout + done.stderr
