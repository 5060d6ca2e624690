"""What a certificate says, read tolerantly: an odd or broken certificate is a value with a `problem`, never an error.

The strict parser of `cryptography` is asked too, because signatures are checked through it; what it refuses is still
read here as far as it goes, because CloudFront's TLS library (s2n-tls over an OpenSSL-like parser) is more lenient.
https://www.rfc-editor.org/rfc/rfc5280#section-4
"""

from __future__ import annotations

import datetime as dt
import hashlib
import ipaddress
import warnings
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from cfrunbook.text import visible
from cfrunbook.x509 import der
from cfrunbook.x509.distinguished_name import NO_NAME, DistinguishedName
from cfrunbook.x509.distinguished_name import read as read_name

if TYPE_CHECKING:
    from cryptography import x509

MAX_BYTES = 1024 * 1024
"""A larger certificate is not parsed."""

_SIGNATURES: Mapping[str, tuple[str, str]] = {
    "1.2.840.113549.1.1.2": ("md2WithRSAEncryption", "MD2"),
    "1.2.840.113549.1.1.4": ("md5WithRSAEncryption", "MD5"),
    "1.2.840.113549.1.1.5": ("sha1WithRSAEncryption", "SHA-1"),
    "1.3.14.3.2.29": ("sha1WithRSASignature", "SHA-1"),
    "1.2.840.113549.1.1.14": ("sha224WithRSAEncryption", "SHA-224"),
    "1.2.840.113549.1.1.11": ("sha256WithRSAEncryption", "SHA-256"),
    "1.2.840.113549.1.1.12": ("sha384WithRSAEncryption", "SHA-384"),
    "1.2.840.113549.1.1.13": ("sha512WithRSAEncryption", "SHA-512"),
    "1.2.840.10045.4.1": ("ecdsa-with-SHA1", "SHA-1"),
    "1.2.840.10045.4.3.1": ("ecdsa-with-SHA224", "SHA-224"),
    "1.2.840.10045.4.3.2": ("ecdsa-with-SHA256", "SHA-256"),
    "1.2.840.10045.4.3.3": ("ecdsa-with-SHA384", "SHA-384"),
    "1.2.840.10045.4.3.4": ("ecdsa-with-SHA512", "SHA-512"),
    "1.2.840.10040.4.3": ("dsa-with-SHA1", "SHA-1"),
    "2.16.840.1.101.3.4.3.2": ("dsa-with-SHA256", "SHA-256"),
    "1.3.101.112": ("Ed25519", ""),
    "1.3.101.113": ("Ed448", ""),
}
_RSA_PSS = "1.2.840.113549.1.1.10"
_HASHES: Mapping[str, str] = {
    "1.3.14.3.2.26": "SHA-1",
    "2.16.840.1.101.3.4.2.4": "SHA-224",
    "2.16.840.1.101.3.4.2.1": "SHA-256",
    "2.16.840.1.101.3.4.2.2": "SHA-384",
    "2.16.840.1.101.3.4.2.3": "SHA-512",
}
_PURPOSES: Mapping[str, str] = {
    "1.3.6.1.5.5.7.3.1": "serverAuth",
    "1.3.6.1.5.5.7.3.2": "clientAuth",
    "1.3.6.1.5.5.7.3.3": "codeSigning",
    "1.3.6.1.5.5.7.3.4": "emailProtection",
    "1.3.6.1.5.5.7.3.8": "timeStamping",
    "1.3.6.1.5.5.7.3.9": "OCSPSigning",
    "2.5.29.37.0": "anyExtendedKeyUsage",
    "1.3.6.1.4.1.311.10.3.3": "msSGC",
    "2.16.840.1.113730.4.1": "nsSGC",
}
_KEY_USAGES = (
    "digitalSignature",
    "nonRepudiation",
    "keyEncipherment",
    "dataEncipherment",
    "keyAgreement",
    "keyCertSign",
    "cRLSign",
    "encipherOnly",
    "decipherOnly",
)
# The critical extensions that OpenSSL's path validation handles; any other critical one makes it refuse (RFC 5280 4.2).
_HANDLED_WHEN_CRITICAL = frozenset(f"2.5.29.{n}" for n in (14, 15, 17, 19, 30, 31, 32, 33, 35, 36, 37, 54)) | frozenset(
    {"2.16.840.1.113730.1.1", "1.3.6.1.5.5.7.1.7", "1.3.6.1.5.5.7.1.8", "1.3.6.1.5.5.7.1.14"}
)
_SCT_LIST = "1.3.6.1.4.1.11129.2.4.2"
_CABF_POLICIES = "2.23.140.1.2."


class KeyType(StrEnum):
    """The kind of a public key."""

    RSA = "RSA"
    EC = "EC"
    ED25519 = "Ed25519"
    ED448 = "Ed448"
    DSA = "DSA"
    OTHER = "other"


class CertificateFacts(msgspec.Struct, frozen=True):
    """One certificate. Where `problem` is not empty, the fields after it hold what could be read nevertheless."""

    der: bytes
    fingerprint_sha256: str
    """Lower-case hex of the SHA-256 of the DER."""
    problem: str = ""
    """Why the strict parser refuses this certificate; empty if it does not."""
    readable: bool = False
    """True where names, validity and key were found, be it by the tolerant reader only."""
    extension_problem: str = ""
    """Which extension could not be read, and why; empty if all could."""

    version: int = 0
    """X.509 version: 3, rarely 1."""
    serial: str = ""
    """Lower-case hex."""
    subject: str = ""
    issuer: str = ""
    subject_name: DistinguishedName = NO_NAME
    issuer_name: DistinguishedName = NO_NAME
    common_name: str = ""
    not_before: dt.datetime | None = None
    not_after: dt.datetime | None = None

    public_key: bytes = b""
    """SubjectPublicKeyInfo, DER."""
    key: str = ""
    """`RSA 2048`, `EC P-256`, `Ed25519`, or the algorithm's object identifier."""
    key_type: KeyType = KeyType.OTHER
    key_bits: int = 0
    signature_algorithm: str = ""
    """Name, or the object identifier where unknown."""
    signature_hash: str = ""
    """`SHA-256` …; empty where the algorithm has none or is unknown."""

    dns_names: tuple[str, ...] = ()
    ip_names: tuple[str, ...] = ()
    has_alternative_names: bool = False
    """True with any dNSName, iPAddress or URI: the common name is then not looked at."""
    is_ca: bool | None = None
    """basicConstraints.cA; None without that extension."""
    path_length: int | None = None
    key_usage: tuple[str, ...] | None = None
    eku: tuple[str, ...] | None = None
    """Extended key usages by name (`serverAuth`) or object identifier; None without that extension."""
    aia_issuer_urls: tuple[str, ...] = ()
    """Where the issuer's certificate can be fetched (authority information access, caIssuers)."""
    ski: str = ""
    aki: str = ""
    """Key identifiers of the subject's and the issuer's key, hex; empty if absent."""
    claims_public: bool = False
    """Carries signed certificate timestamps or a CA/Browser Forum policy: says that a public CA issued it."""
    unhandled_critical: tuple[str, ...] = ()
    """Object identifiers of critical extensions that path validation does not know."""

    parsed: x509.Certificate | None = None
    """The strictly parsed certificate, for checking signatures; None where `problem` says why."""

    def __repr__(self) -> str:
        return f"CertificateFacts({self.label!r}, SHA-256 {self.fingerprint_sha256})"  # the DER alone is screens full

    @property
    def self_issued(self) -> bool:
        """True where subject and issuer are the same name."""
        return self.readable and self.subject_name.key == self.issuer_name.key

    @property
    def entity(self) -> tuple[object, bytes]:
        """Name and key together: two certificates of one entity are interchangeable in a path (RFC 4158 2.4.2)."""
        return (self.subject_name.key, self.public_key)

    @property
    def label(self) -> str:
        """What to call it in a sentence: its subject, or its fingerprint where it has none."""
        if self.subject:
            return self.subject
        if self.dns_names:
            return visible(self.dns_names[0], 120)
        return f"SHA-256 {self.fingerprint_sha256[:16]}…"

    @property
    def short_label(self) -> str:
        """What to call it in a list: its common name, else its `label`."""
        return visible(self.common_name, 80) or self.label


def read(certificate: bytes) -> CertificateFacts:
    """Return what these DER bytes say. Never raises: what cannot be read says so in `problem`."""
    facts = CertificateFacts(der=certificate, fingerprint_sha256=hashlib.sha256(certificate).hexdigest())
    if len(certificate) > MAX_BYTES:
        return replace(facts, problem=f"{len(certificate)} bytes are more than a certificate has")
    parsed, problem = _parse(certificate)
    facts = replace(facts, parsed=parsed, problem=problem)
    try:
        return _read_fields(facts)
    except der.Malformed as error:
        return replace(facts, parsed=None, problem=f"these {len(certificate)} bytes are no certificate: {error}")


def _parse(certificate: bytes) -> tuple[x509.Certificate | None, str]:
    from cryptography import x509

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecations of the parser, about certificates that we only look at
            return x509.load_der_x509_certificate(certificate), ""
    except (ValueError, TypeError, KeyError, OverflowError, x509.InvalidVersion) as error:
        return None, visible(f"{error}" or type(error).__name__, 200)


def subject_of(certificate: bytes) -> DistinguishedName | None:
    """Return the subject of the certificate in these DER bytes, without reading the rest; None where there is none."""
    try:
        _, fields, _ = _parts(certificate)
        return read_name(fields[4].whole)
    except der.Malformed:
        return None


def _parts(certificate: bytes) -> tuple[int, list[der.Element], der.Element]:
    """Return the version, the fields of what is signed from the serial number on, and the signature algorithm."""
    outer = der.elements(der.element(certificate, der.SEQUENCE).content)
    if len(outer) != 3:
        raise der.Malformed("not a certificate")
    fields = list(der.elements(der.expect(outer[0], der.SEQUENCE).content))
    version = 1
    if fields and fields[0].tag == 0xA0:
        version = der.integer(der.element(fields.pop(0).content, der.INTEGER).content) + 1
    if len(fields) < 6:
        raise der.Malformed("not a certificate")
    return version, fields, outer[1]


def _read_fields(facts: CertificateFacts) -> CertificateFacts:
    version, fields, signed_with = _parts(facts.der)
    serial, _, issuer, validity, subject, key = fields[:6]
    dates = der.elements(der.expect(validity, der.SEQUENCE).content)
    if len(dates) != 2:
        raise der.Malformed("bad validity")
    issuer_name, subject_name = read_name(issuer.whole), read_name(subject.whole)
    algorithm, digest = _signature(der.expect(signed_with, der.SEQUENCE))
    key_type, bits, shown = _key(key.whole)
    facts = replace(
        facts,
        readable=True,
        version=version if 0 < version < 256 else 0,
        serial=der.expect(serial, der.INTEGER).content[:64].hex(),
        subject=subject_name.text,
        issuer=issuer_name.text,
        subject_name=subject_name,
        issuer_name=issuer_name,
        common_name=subject_name.common_name,
        not_before=der.time(dates[0]),
        not_after=der.time(dates[1]),
        public_key=key.whole,
        key=shown,
        key_type=key_type,
        key_bits=bits,
        signature_algorithm=algorithm,
        signature_hash=digest,
    )
    extensions = next((f.content for f in fields[6:] if f.tag == 0xA3), b"")
    return replace(facts, **_extensions(extensions)) if extensions else facts


def _signature(algorithm: der.Element) -> tuple[str, str]:
    parts = der.elements(algorithm.content)
    if not parts:
        raise der.Malformed("no signature algorithm")
    identifier = der.oid(der.expect(parts[0], der.OID).content)
    if identifier != _RSA_PSS:
        return _SIGNATURES.get(identifier, (identifier, ""))
    digest = "SHA-1"  # the default of RSASSA-PSS-params, RFC 4055 section 3.1
    try:
        for parameter in der.elements(parts[1].content):
            if parameter.tag == 0xA0:
                inner = der.elements(der.element(parameter.content, der.SEQUENCE).content)
                digest = _HASHES.get(der.oid(inner[0].content), "")
    except (der.Malformed, IndexError):
        digest = ""
    return "rsassaPss", digest


def _key(info: bytes) -> tuple[KeyType, int, str]:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            key = load_der_public_key(info)
    except (ValueError, TypeError, OverflowError, UnsupportedAlgorithm):
        return KeyType.OTHER, 0, _algorithm(info)
    match key:
        case rsa.RSAPublicKey():
            return KeyType.RSA, key.key_size, f"RSA {key.key_size}"
        case ec.EllipticCurvePublicKey():
            names = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521", "secp224r1": "P-224"}
            return KeyType.EC, key.key_size, f"EC {names.get(key.curve.name, key.curve.name)}"
        case ed25519.Ed25519PublicKey():
            return KeyType.ED25519, 256, "Ed25519"
        case ed448.Ed448PublicKey():
            return KeyType.ED448, 456, "Ed448"
        case dsa.DSAPublicKey():
            return KeyType.DSA, key.key_size, f"DSA {key.key_size}"
        case _:
            return KeyType.OTHER, 0, _algorithm(info)


def _algorithm(info: bytes) -> str:
    try:
        algorithm = der.elements(der.element(info, der.SEQUENCE).content)[0]
        return "algorithm " + der.oid(der.elements(algorithm.content)[0].content)
    except (der.Malformed, IndexError):
        return "unreadable key"


def _extensions(wrapped: bytes) -> dict[str, Any]:
    """Return the fields that the extensions hold; one that cannot be read costs only itself."""
    found: dict[str, Any] = {}
    unhandled: list[str] = []
    seen: set[str] = set()
    problem = ""
    try:
        listed = der.elements(der.element(wrapped, der.SEQUENCE).content)
    except der.Malformed as error:
        return {"extension_problem": f"extensions: {error}"}
    for extension in listed:
        identifier = ""
        try:
            parts = der.elements(der.expect(extension, der.SEQUENCE).content)
            if len(parts) not in (2, 3):
                raise der.Malformed("bad extension")
            identifier = der.oid(der.expect(parts[0], der.OID).content)
            critical = len(parts) == 3 and der.boolean(der.expect(parts[1], der.BOOLEAN).content)
            value = der.expect(parts[-1], der.OCTET_STRING).content
            if identifier in seen:
                raise der.Malformed("occurs twice")
            seen.add(identifier)
            if critical and identifier not in _HANDLED_WHEN_CRITICAL:
                unhandled.append(identifier)
            if identifier in _READERS:
                found |= _READERS[identifier](value)
        except der.Malformed as error:
            problem = problem or f"extension {identifier or '?'}: {error}"
    if unhandled:
        found["unhandled_critical"] = tuple(unhandled[:16])
    if problem:
        found["extension_problem"] = problem
    claims = _SCT_LIST in seen or found.get("claims_public", False)
    return {**found, "claims_public": claims}


def _basic_constraints(value: bytes) -> dict[str, Any]:
    is_ca, length = False, None
    for part in der.elements(der.element(value, der.SEQUENCE).content):
        if part.tag == der.BOOLEAN:
            is_ca = der.boolean(part.content)
        elif part.tag == der.INTEGER:
            length = der.integer(part.content[:8])
    return {"is_ca": is_ca, "path_length": length if length is not None and length >= 0 else None}


def _key_usage(value: bytes) -> dict[str, Any]:
    bits = der.element(value, der.BIT_STRING).content[1:3]
    flags = "".join(f"{octet:08b}" for octet in bits)
    return {"key_usage": tuple(name for name, bit in zip(_KEY_USAGES, flags, strict=False) if bit == "1")}


def _extended_key_usage(value: bytes) -> dict[str, Any]:
    purposes = [der.oid(der.expect(p, der.OID).content) for p in der.elements(der.element(value, der.SEQUENCE).content)]
    return {"eku": tuple(_PURPOSES.get(p, p) for p in purposes[:64])}


def _alternative_names(value: bytes) -> dict[str, Any]:
    dns: list[str] = []
    addresses: list[str] = []
    others = False
    for name in der.elements(der.element(value, der.SEQUENCE).content):
        if name.tag == 0x82:
            dns.append(name.content.decode("latin-1"))
        elif name.tag == 0x87:
            addresses.append(_address(name.content))
        elif name.tag == 0x86:
            others = True
    named = bool(dns or addresses or others)
    return {"dns_names": tuple(dns), "ip_names": tuple(addresses), "has_alternative_names": named}


def _address(octets: bytes) -> str:
    return str(ipaddress.ip_address(octets)) if len(octets) in (4, 16) else "#" + octets[:32].hex()


def _authority_information(value: bytes) -> dict[str, Any]:
    urls: list[str] = []
    for access in der.elements(der.element(value, der.SEQUENCE).content):
        parts = der.elements(access.content)
        if len(parts) == 2 and der.oid(parts[0].content) == "1.3.6.1.5.5.7.48.2" and parts[1].tag == 0x86:
            urls.append(visible(parts[1].content.decode("latin-1"), 500))
    return {"aia_issuer_urls": tuple(urls[:8])}


def _subject_key_identifier(value: bytes) -> dict[str, Any]:
    return {"ski": der.element(value, der.OCTET_STRING).content[:64].hex()}


def _authority_key_identifier(value: bytes) -> dict[str, Any]:
    parts = der.elements(der.element(value, der.SEQUENCE).content)
    return {"aki": next((p.content[:64].hex() for p in parts if p.tag == 0x80), "")}


def _policies(value: bytes) -> dict[str, Any]:
    for policy in der.elements(der.element(value, der.SEQUENCE).content):
        parts = der.elements(policy.content)
        if parts and der.oid(parts[0].content).startswith(_CABF_POLICIES):
            return {"claims_public": True}
    return {}


_READERS: Mapping[str, Callable[[bytes], dict[str, Any]]] = {
    "2.5.29.19": _basic_constraints,
    "2.5.29.15": _key_usage,
    "2.5.29.37": _extended_key_usage,
    "2.5.29.17": _alternative_names,
    "2.5.29.14": _subject_key_identifier,
    "2.5.29.35": _authority_key_identifier,
    "2.5.29.32": _policies,
    "1.3.6.1.5.5.7.1.1": _authority_information,
}
