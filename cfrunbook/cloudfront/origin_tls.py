"""What CloudFront offers to an origin in its TLS ClientHello, as data: versions, cipher suites, groups, signatures.

Every row says where it is known from:

- *AWS documentation*: Supported protocols and ciphers between CloudFront and the origin,
  https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/secure-connections-supported-ciphers-cloudfront-to-origin.html
- *AWS's s2n-tls policy*: the security policies `CloudFront-Upstream-*-2025` of AWS's own TLS library,
  https://github.com/aws/s2n-tls/pull/5460

The documented list has no TLS 1.3 suite, no RSA-PSS and not the three static-RSA suites of TLS 1.2 that the policies
have; order, and what goes into one hello, come from the policies. They show what AWS prepared for CloudFront, and
hellos seen at origins agree; they do not prove what a given edge location runs today.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from enum import StrEnum
from typing import get_args

import msgspec

from cfrunbook.cloudfront.other_tls import OTHER_GROUPS, OTHER_SCHEMES, OTHER_SUITES
from cfrunbook.cloudfront.targets import TlsMinimum

SSL_3_0 = 0x0300
TLS_1_0 = 0x0301
TLS_1_1 = 0x0302
TLS_1_2 = 0x0303
TLS_1_3 = 0x0304

DOCUMENTED_AT = (
    "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
    "secure-connections-supported-ciphers-cloudfront-to-origin.html"
)
POLICY_AT = "https://github.com/aws/s2n-tls/pull/5460"
TLS13_ANNOUNCED_AT = "https://aws.amazon.com/about-aws/whats-new/2025/11/amazon-cloudfront-tls13-origin/"

TLS13_SINCE = dt.date(2025, 11, 1)
"""CloudFront negotiates TLS 1.3 with origins since November 2025 (month announced, day not known)."""


class Provenance(StrEnum):
    """Where a row of these tables is known from."""

    DOCUMENTATION = "AWS documentation"
    POLICY = "AWS's s2n-tls policy"
    FIELD = "seen at origins"

    @property
    def url(self) -> str:
        """A public page that shows it."""
        return _PROVENANCE_URLS[self]


_PROVENANCE_URLS: Mapping[Provenance, str] = {
    Provenance.DOCUMENTATION: DOCUMENTED_AT,
    Provenance.POLICY: POLICY_AT,
    Provenance.FIELD: TLS13_ANNOUNCED_AT,
}


class ProtocolVersion(msgspec.Struct, frozen=True):
    """A version of TLS, as on the wire (`code`), as people and as `OriginSslProtocols` write it."""

    code: int
    name: str
    api_name: str
    """Value of `OriginSslProtocols`; TLS 1.3 has none, it is negotiated whatever the minimum."""
    provenance: Provenance
    openssl: str
    """Value of OpenSSL's `-min_protocol`."""


PROTOCOLS: tuple[ProtocolVersion, ...] = (
    ProtocolVersion(SSL_3_0, "SSL 3.0", "SSLv3", Provenance.DOCUMENTATION, "SSLv3"),
    ProtocolVersion(TLS_1_0, "TLS 1.0", "TLSv1", Provenance.DOCUMENTATION, "TLSv1"),
    ProtocolVersion(TLS_1_1, "TLS 1.1", "TLSv1.1", Provenance.DOCUMENTATION, "TLSv1.1"),
    ProtocolVersion(TLS_1_2, "TLS 1.2", "TLSv1.2", Provenance.DOCUMENTATION, "TLSv1.2"),
    ProtocolVersion(TLS_1_3, "TLS 1.3", "", Provenance.FIELD, "TLSv1.3"),
)


class CipherSuite(msgspec.Struct, frozen=True):
    """A cipher suite that CloudFront offers to origins."""

    code: int
    openssl: str
    iana: str
    minimum: int
    """The lowest version that may negotiate it."""
    provenance: Provenance

    @property
    def documented(self) -> bool:
        """True where AWS's documentation lets an origin count on it: listed there, or part of TLS 1.3."""
        return self.provenance is Provenance.DOCUMENTATION or self.minimum == TLS_1_3


_D, _P = Provenance.DOCUMENTATION, Provenance.POLICY

SUITES: tuple[CipherSuite, ...] = (
    CipherSuite(0x1301, "TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256", TLS_1_3, _P),
    CipherSuite(0x1302, "TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384", TLS_1_3, _P),
    CipherSuite(0x1303, "TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256", TLS_1_3, _P),
    CipherSuite(0xC02B, "ECDHE-ECDSA-AES128-GCM-SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", TLS_1_2, _D),
    CipherSuite(0xC02F, "ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", TLS_1_2, _D),
    CipherSuite(0xC02C, "ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", TLS_1_2, _D),
    CipherSuite(0xC030, "ECDHE-RSA-AES256-GCM-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", TLS_1_2, _D),
    CipherSuite(0xC023, "ECDHE-ECDSA-AES128-SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", TLS_1_2, _D),
    CipherSuite(0xC027, "ECDHE-RSA-AES128-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", TLS_1_2, _D),
    CipherSuite(0xC024, "ECDHE-ECDSA-AES256-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", TLS_1_2, _D),
    CipherSuite(0xC028, "ECDHE-RSA-AES256-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", TLS_1_2, _D),
    CipherSuite(0xC009, "ECDHE-ECDSA-AES128-SHA", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", TLS_1_0, _D),
    CipherSuite(0xC013, "ECDHE-RSA-AES128-SHA", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", TLS_1_0, _D),
    CipherSuite(0xC00A, "ECDHE-ECDSA-AES256-SHA", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", TLS_1_0, _D),
    CipherSuite(0xC014, "ECDHE-RSA-AES256-SHA", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", TLS_1_0, _D),
    CipherSuite(0x009C, "AES128-GCM-SHA256", "TLS_RSA_WITH_AES_128_GCM_SHA256", TLS_1_2, _P),
    CipherSuite(0x009D, "AES256-GCM-SHA384", "TLS_RSA_WITH_AES_256_GCM_SHA384", TLS_1_2, _P),
    CipherSuite(0x003C, "AES128-SHA256", "TLS_RSA_WITH_AES_128_CBC_SHA256", TLS_1_2, _P),
    CipherSuite(0x002F, "AES128-SHA", "TLS_RSA_WITH_AES_128_CBC_SHA", SSL_3_0, _D),
    CipherSuite(0x0035, "AES256-SHA", "TLS_RSA_WITH_AES_256_CBC_SHA", SSL_3_0, _D),
    CipherSuite(0x000A, "DES-CBC3-SHA", "TLS_RSA_WITH_3DES_EDE_CBC_SHA", SSL_3_0, _D),
    CipherSuite(0x0004, "RC4-MD5", "TLS_RSA_WITH_RC4_128_MD5", SSL_3_0, _D),
)
"""In the order of the ClientHello."""


class Group(msgspec.Struct, frozen=True):
    """A key exchange group that CloudFront offers to origins."""

    code: int
    openssl: str
    iana: str
    key_share: bool
    """True where the hello carries a TLS 1.3 key share for it; a server that wants another sends HelloRetryRequest."""
    provenance: Provenance = Provenance.DOCUMENTATION


P_256, P_384, P_521, X25519, X448 = 0x0017, 0x0018, 0x0019, 0x001D, 0x001E

GROUPS: tuple[Group, ...] = (
    Group(P_256, "P-256", "secp256r1", key_share=True),
    Group(X25519, "X25519", "x25519", key_share=False),
    Group(P_384, "P-384", "secp384r1", key_share=False),
)
"""In the order of the ClientHello."""


class SignatureScheme(msgspec.Struct, frozen=True):
    """A signature scheme that CloudFront accepts from origins."""

    code: int
    openssl: str
    """As in OpenSSL's `-sigalgs`."""
    iana: str
    provenance: Provenance
    tls13: bool
    """True where TLS 1.3 may use it to sign the handshake (RFC 8446 section 4.2.3)."""


SCHEMES: tuple[SignatureScheme, ...] = (
    SignatureScheme(0x0403, "ECDSA+SHA256", "ecdsa_secp256r1_sha256", _D, tls13=True),
    SignatureScheme(0x0503, "ECDSA+SHA384", "ecdsa_secp384r1_sha384", _D, tls13=True),
    SignatureScheme(0x0603, "ECDSA+SHA512", "ecdsa_secp521r1_sha512", _D, tls13=True),
    SignatureScheme(0x0303, "ECDSA+SHA224", "ecdsa_sha224", _D, tls13=False),
    SignatureScheme(0x0809, "rsa_pss_pss_sha256", "rsa_pss_pss_sha256", _P, tls13=True),
    SignatureScheme(0x080A, "rsa_pss_pss_sha384", "rsa_pss_pss_sha384", _P, tls13=True),
    SignatureScheme(0x080B, "rsa_pss_pss_sha512", "rsa_pss_pss_sha512", _P, tls13=True),
    SignatureScheme(0x0804, "rsa_pss_rsae_sha256", "rsa_pss_rsae_sha256", _P, tls13=True),
    SignatureScheme(0x0805, "rsa_pss_rsae_sha384", "rsa_pss_rsae_sha384", _P, tls13=True),
    SignatureScheme(0x0806, "rsa_pss_rsae_sha512", "rsa_pss_rsae_sha512", _P, tls13=True),
    SignatureScheme(0x0401, "RSA+SHA256", "rsa_pkcs1_sha256", _D, tls13=False),
    SignatureScheme(0x0501, "RSA+SHA384", "rsa_pkcs1_sha384", _D, tls13=False),
    SignatureScheme(0x0601, "RSA+SHA512", "rsa_pkcs1_sha512", _D, tls13=False),
    SignatureScheme(0x0301, "RSA+SHA224", "rsa_pkcs1_sha224", _D, tls13=False),
    SignatureScheme(0x0201, "RSA+SHA1", "rsa_pkcs1_sha1", _D, tls13=False),
    SignatureScheme(0x0203, "ECDSA+SHA1", "ecdsa_sha1", _D, tls13=False),
)
"""In the order of the ClientHello."""


S2N_POLICIES: Mapping[TlsMinimum, str] = {
    "SSLv3": "CloudFront-Upstream-2025",
    "TLSv1": "CloudFront-Upstream-TLS-1-0-2025",
    "TLSv1.1": "CloudFront-Upstream-TLS-1-1-2025",
    "TLSv1.2": "CloudFront-Upstream-TLS-1-2-2025",
}
"""Name of s2n-tls's security policy for each minimum origin SSL protocol. Source: `POLICY_AT`."""


# --- offers -------------------------------------------------------------------------------------------------------


class Offer(msgspec.Struct, frozen=True):
    """What one ClientHello offers. Codes are those on the wire, in its order."""

    name: str
    minimum: int
    maximum: int
    suites: tuple[int, ...]
    groups: tuple[int, ...]
    key_shares: tuple[int, ...]
    """The groups for which a TLS 1.3 key share is sent."""
    schemes: tuple[int, ...]
    since: dt.date | None = None
    """Since when CloudFront offers exactly this, where known."""

    @property
    def versions(self) -> tuple[int, ...]:
        """The versions offered, highest first."""
        return tuple(p.code for p in reversed(PROTOCOLS) if self.minimum <= p.code <= self.maximum)


def offer(minimum: TlsMinimum) -> Offer:
    """Return CloudFront's ClientHello for an origin whose minimum origin SSL protocol is `minimum`.

    Every version from the minimum up to TLS 1.3 is offered; the rule holds since `TLS13_SINCE`, before that TLS 1.2
    was the ceiling. `minimum` is the lowest of the `OriginSslProtocols`. Raises KeyError for any other value.
    """
    return _OFFERS[minimum]


_OFFERS: Mapping[str, Offer] = {
    p.api_name: Offer(
        name=f"cloudfront-{p.api_name}",
        minimum=p.code,
        maximum=TLS_1_3,
        suites=tuple(s.code for s in SUITES),
        groups=tuple(g.code for g in GROUPS),
        key_shares=tuple(g.code for g in GROUPS if g.key_share),
        schemes=tuple(s.code for s in SCHEMES),
        since=TLS13_SINCE,
    )
    for p in PROTOCOLS
    if p.api_name in get_args(TlsMinimum)
}


def openssl_options(offered: Offer) -> str:
    """Return the `openssl s_client` options that offer the same; security level 0 lets OpenSSL offer the old ones too.

    OpenSSL passes over names it was built without (usually DES-CBC3-SHA and RC4-MD5) and cannot offer SSL 3.0 at all.
    """
    suites = [s for s in SUITES if s.code in offered.suites]
    old = ":".join(s.openssl for s in suites if s.minimum < TLS_1_3)
    new = ":".join(s.openssl for s in suites if s.minimum == TLS_1_3)
    groups = ":".join(g.openssl for g in GROUPS if g.code in offered.groups)
    schemes = ":".join(s.openssl for s in SCHEMES if s.code in offered.schemes)
    lowest = _PROTOCOLS_BY_CODE[max(offered.minimum, TLS_1_0)].openssl
    return f"-min_protocol {lowest} -cipher {old}:@SECLEVEL=0 -ciphersuites {new} -curves {groups} -sigalgs {schemes}"


# --- names --------------------------------------------------------------------------------------------------------

_PROTOCOLS_BY_CODE: Mapping[int, ProtocolVersion] = {p.code: p for p in PROTOCOLS}
_SUITES_BY_CODE: Mapping[int, CipherSuite] = {s.code: s for s in SUITES}

_OTHER_SUITES: Mapping[int, str] = {s.code: s.openssl for s in OTHER_SUITES}
_GROUP_NAMES: Mapping[int, str] = {**{g.code: g.openssl for g in OTHER_GROUPS}, **{g.code: g.openssl for g in GROUPS}}
_SCHEME_NAMES: Mapping[int, str] = {**{s.code: s.iana for s in SCHEMES}, **dict(OTHER_SCHEMES)}

# RFC 8446 section 6, RFC 5246 section 7.2, RFC 6066 section 9, RFC 7301 section 3.2
_ALERT_NAMES: Mapping[int, str] = {
    0: "close_notify",
    10: "unexpected_message",
    20: "bad_record_mac",
    21: "decryption_failed",
    22: "record_overflow",
    30: "decompression_failure",
    40: "handshake_failure",
    41: "no_certificate",
    42: "bad_certificate",
    43: "unsupported_certificate",
    44: "certificate_revoked",
    45: "certificate_expired",
    46: "certificate_unknown",
    47: "illegal_parameter",
    48: "unknown_ca",
    49: "access_denied",
    50: "decode_error",
    51: "decrypt_error",
    60: "export_restriction",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
    86: "inappropriate_fallback",
    90: "user_canceled",
    100: "no_renegotiation",
    109: "missing_extension",
    110: "unsupported_extension",
    111: "certificate_unobtainable",
    112: "unrecognized_name",
    113: "bad_certificate_status_response",
    114: "bad_certificate_hash_value",
    115: "unknown_psk_identity",
    116: "certificate_required",
    120: "no_application_protocol",
    121: "ech_required",
}


def suite(code: int) -> CipherSuite | None:
    """Return the row of a cipher suite that CloudFront offers; None for any other code."""
    return _SUITES_BY_CODE.get(code)


def suite_name(code: int) -> str:
    """Return OpenSSL's name of a cipher suite; for an unknown code its number."""
    known = _SUITES_BY_CODE.get(code)
    return known.openssl if known else _OTHER_SUITES.get(code, f"cipher suite {_hex(code)}")


def group_name(code: int) -> str:
    """Return the name of a key exchange group; for an unknown code its number."""
    return _GROUP_NAMES.get(code, f"group {_hex(code)}")


def scheme_name(code: int) -> str:
    """Return the IANA name of a signature scheme; for an unknown code its number."""
    return _SCHEME_NAMES.get(code, f"signature scheme {_hex(code)}")


def version_name(code: int) -> str:
    """Return the name of a protocol version (`TLS 1.2`); for an unknown code its number."""
    known = _PROTOCOLS_BY_CODE.get(code)
    return known.name if known else f"version {_hex(code)}"


def alert_name(code: int) -> str:
    """Return the name of an alert description (`protocol_version`); for an unknown code `unassigned`."""
    return _ALERT_NAMES.get(code, "unassigned")


def _hex(code: int) -> str:
    return f"0x{code:04X}"
