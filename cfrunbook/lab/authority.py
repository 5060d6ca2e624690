"""A certificate authority made on the spot: roots, intermediates and leaves, right or wrong in any way wanted.

Nothing minted here is trusted anywhere else, and nothing can expire in a repository: dates are relative to the
moment the authority was made.

>>> authority = Authority()
>>> leaf = authority.leaf("origin.shop.example")
>>> chain = (leaf, authority.intermediate)  # what a well configured origin sends
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID, ObjectIdentifier

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
KeyType = Literal["EC P-256", "EC P-384", "EC P-521", "RSA 1024", "RSA 2048", "RSA 3072", "Ed25519"]

DAY = dt.timedelta(days=1)
YEAR = 365 * DAY
SERVER_AUTH = ExtendedKeyUsageOID.SERVER_AUTH
CLIENT_AUTH = ExtendedKeyUsageOID.CLIENT_AUTH
AIA_BASE = "http://ca.lab.example/"
"""Where certificates say that their issuers can be fetched. Nothing answers there: CloudFront does not ask."""

_ORGANIZATION = "cfrunbook lab"
_CURVES = {"EC P-256": ec.SECP256R1(), "EC P-384": ec.SECP384R1(), "EC P-521": ec.SECP521R1()}


@dataclass(frozen=True, eq=False)
class Identity:
    """A certificate and its private key. Equal are those with the same certificate, which is for one key only."""

    certificate: x509.Certificate
    key: PrivateKey

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Identity) and self.der == other.der

    def __hash__(self) -> int:
        return hash(self.der)

    @cached_property
    def der(self) -> bytes:
        """The certificate, DER."""
        return self.certificate.public_bytes(Encoding.DER)

    @cached_property
    def pem(self) -> bytes:
        """The certificate, PEM."""
        return self.certificate.public_bytes(Encoding.PEM)

    @cached_property
    def key_pem(self) -> bytes:
        """The private key, unencrypted PKCS #8 PEM."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def common_name(self) -> str:
        """The subject's common name; empty where it has none."""
        return _common_name(self.certificate.subject)

    @property
    def issuer_name(self) -> str:
        """The issuer's common name."""
        return _common_name(self.certificate.issuer)


class Authority:
    """A root that the lab trusts, one intermediate under it, and whatever else a scenario mints."""

    def __init__(self, now: dt.datetime | None = None) -> None:
        self.now = (now or dt.datetime.now(dt.UTC)).replace(microsecond=0)

    @cached_property
    def root(self) -> Identity:
        """The one root of the lab's trust store."""
        return self.root_ca("Lab Root R1")

    @cached_property
    def intermediate(self) -> Identity:
        """The issuing authority of an ordinary leaf."""
        return self.intermediate_ca("Lab Issuing CA E1", issuer=self.root)

    def root_ca(self, name: str) -> Identity:
        """Mint a self-signed root. Only `self.root` is in the lab's trust store."""
        return self.mint(name, ca=True, begins=-10 * YEAR, ends=15 * YEAR)

    def intermediate_ca(
        self,
        name: str,
        *,
        issuer: Identity,
        begins: dt.timedelta = -2 * YEAR,
        ends: dt.timedelta = 3 * YEAR,
        path_length: int | None = None,
    ) -> Identity:
        """Mint a certificate authority under `issuer`."""
        return self.mint(name, ca=True, issuer=issuer, begins=begins, ends=ends, path_length=path_length)

    def cross_signed(self, root: Identity) -> Identity:
        """Mint the twin of a root: same name and key, signed by the lab's trusted root instead of itself."""
        return self.mint(root.common_name, ca=True, issuer=self.root, begins=-3 * YEAR, ends=5 * YEAR, key=root.key)

    def leaf(
        self,
        *names: str,
        issuer: Identity | None = None,
        begins: dt.timedelta = -30 * DAY,
        ends: dt.timedelta = 60 * DAY,
        usages: Sequence[ObjectIdentifier] = (SERVER_AUTH,),
        key: PrivateKey | KeyType = "EC P-256",
    ) -> Identity:
        """Mint a server certificate for DNS names and IP addresses, by default under `self.intermediate`."""
        return self.mint(
            names[0], names=names, issuer=issuer or self.intermediate, begins=begins, ends=ends, usages=usages, key=key
        )

    def mint(
        self,
        common_name: str,
        *,
        issuer: Identity | None = None,
        names: Sequence[str] = (),
        ca: bool = False,
        path_length: int | None = None,
        begins: dt.timedelta = -30 * DAY,
        ends: dt.timedelta = 60 * DAY,
        usages: Sequence[ObjectIdentifier] = (),
        key: PrivateKey | KeyType = "EC P-256",
        aia: str | None = None,
        key_usage: x509.KeyUsage | None = None,
        extra: Sequence[tuple[x509.ExtensionType, bool]] = (),
        names_issuer_key: bool = True,
        signed_by: PrivateKey | None = None,
        organization: str = _ORGANIZATION,
    ) -> Identity:
        """Mint any certificate; self-signed where `issuer` is None.

        `begins` and `ends` are relative to the authority's now. `names` become subject alternative names, IP
        addresses where they read as such. `usages` are extended key usages. `aia` is the caIssuers URL: None gives
        `http://ca.lab.example/<issuer>.cer` to what has an issuer, an empty string leaves it out. `extra` are further
        extensions, each with whether it is critical. Without `names_issuer_key` there is no authority key identifier.
        `signed_by` is another key than the issuer's, so that the signature is wrong. `organization` is that of a CA.
        """
        own_key = new_key(key) if isinstance(key, str) else key
        signer, signer_key = (issuer.certificate, issuer.key) if issuer else (None, own_key)
        subject = _name(common_name, organization if ca else "")
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(signer.subject if signer else subject)
            .public_key(own_key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now + begins)
            .not_valid_after(self.now + ends)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=path_length if ca else None), critical=True)
            .add_extension(key_usage or _key_usage(ca=ca), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(own_key.public_key()), critical=False)
        )
        if names_issuer_key:
            identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer_key.public_key())
            builder = builder.add_extension(identifier, critical=False)
        for extension, critical in extra:
            builder = builder.add_extension(extension, critical=critical)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(map(_general_name, names)), critical=False)
        if usages:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        if aia is None and issuer is not None:
            aia = AIA_BASE + issuer.common_name.lower().replace(" ", "-") + ".cer"
        if aia:
            where = x509.AccessDescription(
                AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(aia)
            )
            builder = builder.add_extension(x509.AuthorityInformationAccess([where]), critical=False)
        signing = signed_by or signer_key
        digest = None if isinstance(signing, ed25519.Ed25519PrivateKey) else hashes.SHA256()
        return Identity(builder.sign(signing, digest), own_key)


def new_key(kind: KeyType) -> PrivateKey:
    """Make a private key. RSA takes tens to hundreds of milliseconds, the others well under one."""
    if kind == "Ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if kind.startswith("RSA"):
        return rsa.generate_private_key(public_exponent=65537, key_size=int(kind.removeprefix("RSA ")))
    return ec.generate_private_key(_CURVES[kind])


def pem_bundle(identities: Sequence[Identity]) -> bytes:
    """Return the certificates as one PEM file, in the given order."""
    return b"".join(identity.pem for identity in identities)


def _common_name(name: x509.Name) -> str:
    values = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(values[0].value) if values else ""


def _name(common_name: str, organization: str) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)] if organization else []
    return x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=ca,
        crl_sign=ca,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
