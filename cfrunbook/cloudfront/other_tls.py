"""What TLS servers may want and CloudFront never offers to an origin: other cipher suites, groups and signatures.

Only to name what an origin does, where it has nothing in common with CloudFront; what CloudFront offers is in
`origin_tls`. Code points: https://www.iana.org/assignments/tls-parameters/
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

_SSL_3_0, _TLS_1_0, _TLS_1_2, _TLS_1_3 = 0x0300, 0x0301, 0x0303, 0x0304


class Family(StrEnum):
    """Why a cipher suite is none of CloudFront's."""

    DHE = "DHE"
    """Finite-field Diffie-Hellman, whatever the cipher."""
    CHACHA20 = "ChaCha20"
    """In TLS 1.2; the ChaCha20 suite of TLS 1.3 is offered."""
    CCM = "AES-CCM"
    ARIA = "ARIA"
    CAMELLIA = "Camellia"
    AES_CBC = "AES256-SHA256"
    LEGACY = "RC4 or 3DES"


class OtherSuite(msgspec.Struct, frozen=True):
    """A cipher suite that CloudFront does not offer."""

    code: int
    openssl: str
    minimum: int
    """The lowest version that may negotiate it."""
    family: Family


_F = Family

OTHER_SUITES: tuple[OtherSuite, ...] = (
    OtherSuite(0x1304, "TLS_AES_128_CCM_SHA256", _TLS_1_3, _F.CCM),
    OtherSuite(0x1305, "TLS_AES_128_CCM_8_SHA256", _TLS_1_3, _F.CCM),
    OtherSuite(0xCCA9, "ECDHE-ECDSA-CHACHA20-POLY1305", _TLS_1_2, _F.CHACHA20),
    OtherSuite(0xCCA8, "ECDHE-RSA-CHACHA20-POLY1305", _TLS_1_2, _F.CHACHA20),
    OtherSuite(0xCCAA, "DHE-RSA-CHACHA20-POLY1305", _TLS_1_2, _F.DHE),
    OtherSuite(0xC0AC, "ECDHE-ECDSA-AES128-CCM", _TLS_1_2, _F.CCM),
    OtherSuite(0xC0AD, "ECDHE-ECDSA-AES256-CCM", _TLS_1_2, _F.CCM),
    OtherSuite(0xC0AE, "ECDHE-ECDSA-AES128-CCM8", _TLS_1_2, _F.CCM),
    OtherSuite(0xC0AF, "ECDHE-ECDSA-AES256-CCM8", _TLS_1_2, _F.CCM),
    OtherSuite(0xC05C, "ECDHE-ECDSA-ARIA128-GCM-SHA256", _TLS_1_2, _F.ARIA),
    OtherSuite(0xC05D, "ECDHE-ECDSA-ARIA256-GCM-SHA384", _TLS_1_2, _F.ARIA),
    OtherSuite(0xC060, "ECDHE-ARIA128-GCM-SHA256", _TLS_1_2, _F.ARIA),
    OtherSuite(0xC061, "ECDHE-ARIA256-GCM-SHA384", _TLS_1_2, _F.ARIA),
    OtherSuite(0xC072, "ECDHE-ECDSA-CAMELLIA128-SHA256", _TLS_1_2, _F.CAMELLIA),
    OtherSuite(0xC073, "ECDHE-ECDSA-CAMELLIA256-SHA384", _TLS_1_2, _F.CAMELLIA),
    OtherSuite(0xC076, "ECDHE-RSA-CAMELLIA128-SHA256", _TLS_1_2, _F.CAMELLIA),
    OtherSuite(0xC077, "ECDHE-RSA-CAMELLIA256-SHA384", _TLS_1_2, _F.CAMELLIA),
    OtherSuite(0x009E, "DHE-RSA-AES128-GCM-SHA256", _TLS_1_2, _F.DHE),
    OtherSuite(0x009F, "DHE-RSA-AES256-GCM-SHA384", _TLS_1_2, _F.DHE),
    OtherSuite(0xC09E, "DHE-RSA-AES128-CCM", _TLS_1_2, _F.DHE),
    OtherSuite(0xC09F, "DHE-RSA-AES256-CCM", _TLS_1_2, _F.DHE),
    OtherSuite(0xC052, "DHE-RSA-ARIA128-GCM-SHA256", _TLS_1_2, _F.DHE),
    OtherSuite(0xC053, "DHE-RSA-ARIA256-GCM-SHA384", _TLS_1_2, _F.DHE),
    OtherSuite(0x0067, "DHE-RSA-AES128-SHA256", _TLS_1_2, _F.DHE),
    OtherSuite(0x006B, "DHE-RSA-AES256-SHA256", _TLS_1_2, _F.DHE),
    OtherSuite(0x0033, "DHE-RSA-AES128-SHA", _SSL_3_0, _F.DHE),
    OtherSuite(0x0039, "DHE-RSA-AES256-SHA", _SSL_3_0, _F.DHE),
    OtherSuite(0x0045, "DHE-RSA-CAMELLIA128-SHA", _SSL_3_0, _F.DHE),
    OtherSuite(0x0088, "DHE-RSA-CAMELLIA256-SHA", _SSL_3_0, _F.DHE),
    OtherSuite(0x0016, "DHE-RSA-DES-CBC3-SHA", _SSL_3_0, _F.DHE),
    OtherSuite(0x00A2, "DHE-DSS-AES128-GCM-SHA256", _TLS_1_2, _F.DHE),
    OtherSuite(0x00A3, "DHE-DSS-AES256-GCM-SHA384", _TLS_1_2, _F.DHE),
    OtherSuite(0x0032, "DHE-DSS-AES128-SHA", _SSL_3_0, _F.DHE),
    OtherSuite(0x0038, "DHE-DSS-AES256-SHA", _SSL_3_0, _F.DHE),
    OtherSuite(0x003D, "AES256-SHA256", _TLS_1_2, _F.AES_CBC),
    OtherSuite(0xC09C, "AES128-CCM", _TLS_1_2, _F.CCM),
    OtherSuite(0xC09D, "AES256-CCM", _TLS_1_2, _F.CCM),
    OtherSuite(0xC0A0, "AES128-CCM8", _TLS_1_2, _F.CCM),
    OtherSuite(0xC0A1, "AES256-CCM8", _TLS_1_2, _F.CCM),
    OtherSuite(0xC050, "ARIA128-GCM-SHA256", _TLS_1_2, _F.ARIA),
    OtherSuite(0xC051, "ARIA256-GCM-SHA384", _TLS_1_2, _F.ARIA),
    OtherSuite(0x00BA, "CAMELLIA128-SHA256", _TLS_1_2, _F.CAMELLIA),
    OtherSuite(0x00C0, "CAMELLIA256-SHA256", _TLS_1_2, _F.CAMELLIA),
    OtherSuite(0x0041, "CAMELLIA128-SHA", _SSL_3_0, _F.CAMELLIA),
    OtherSuite(0x0084, "CAMELLIA256-SHA", _SSL_3_0, _F.CAMELLIA),
    OtherSuite(0xC008, "ECDHE-ECDSA-DES-CBC3-SHA", _TLS_1_0, _F.LEGACY),
    OtherSuite(0xC012, "ECDHE-RSA-DES-CBC3-SHA", _TLS_1_0, _F.LEGACY),
    OtherSuite(0xC007, "ECDHE-ECDSA-RC4-SHA", _TLS_1_0, _F.LEGACY),
    OtherSuite(0xC011, "ECDHE-RSA-RC4-SHA", _TLS_1_0, _F.LEGACY),
    OtherSuite(0x0005, "RC4-SHA", _SSL_3_0, _F.LEGACY),
)


class OtherGroup(msgspec.Struct, frozen=True):
    """A key exchange group that CloudFront does not offer."""

    code: int
    openssl: str
    minimum: int
    """The lowest version in which we ask for it. A hello of TLS 1.2 that names finite-field groups could forbid DHE
    with any other (RFC 7919 section 4), so those are asked for in TLS 1.3 only."""


OTHER_GROUPS: tuple[OtherGroup, ...] = (
    OtherGroup(0x0019, "P-521", _TLS_1_0),
    OtherGroup(0x001E, "X448", _TLS_1_0),
    OtherGroup(0x001A, "brainpoolP256r1", _TLS_1_0),
    OtherGroup(0x001B, "brainpoolP384r1", _TLS_1_0),
    OtherGroup(0x001C, "brainpoolP512r1", _TLS_1_0),
    OtherGroup(0x0100, "ffdhe2048", _TLS_1_3),
    OtherGroup(0x0101, "ffdhe3072", _TLS_1_3),
    OtherGroup(0x0102, "ffdhe4096", _TLS_1_3),
    OtherGroup(0x11EB, "SecP256r1MLKEM768", _TLS_1_3),
    OtherGroup(0x11EC, "X25519MLKEM768", _TLS_1_3),
    OtherGroup(0x11ED, "SecP384r1MLKEM1024", _TLS_1_3),
)

OTHER_SCHEMES: tuple[tuple[int, str], ...] = (
    (0x0807, "ed25519"),
    (0x0808, "ed448"),
    (0x0402, "dsa_sha256"),
    (0x0202, "dsa_sha1"),
)
"""Signature schemes that CloudFront does not accept: code point and name."""


def family(code: int) -> Family | None:
    """Return why a cipher suite is none of CloudFront's; None for one that this table does not have."""
    return _FAMILIES.get(code)


_FAMILIES = {s.code: s.family for s in OTHER_SUITES}
