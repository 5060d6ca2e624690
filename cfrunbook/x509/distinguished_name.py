"""Distinguished names: shown to people, and compared as RFC 5280 section 7.1 says, not byte by byte.

The same authority may write its name as PrintableString in one certificate and as UTF8String in the next; that is
the same name. https://www.rfc-editor.org/rfc/rfc5280#section-7.1
"""

from __future__ import annotations

import unicodedata

import msgspec

from cfrunbook.text import visible
from cfrunbook.x509 import der

NameKey = tuple[tuple[tuple[str, str], ...], ...]

_MAX_ATTRIBUTES = 64

_SHORT_NAMES = {
    "2.5.4.3": "CN",
    "2.5.4.4": "SN",
    "2.5.4.5": "serialNumber",
    "2.5.4.6": "C",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.9": "street",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.12": "title",
    "2.5.4.15": "businessCategory",
    "2.5.4.42": "GN",
    "2.5.4.97": "organizationIdentifier",
    "0.9.2342.19200300.100.1.1": "UID",
    "0.9.2342.19200300.100.1.25": "DC",
    "1.2.840.113549.1.9.1": "emailAddress",
    "1.3.6.1.4.1.311.60.2.1.3": "jurisdictionC",
}


class DistinguishedName(msgspec.Struct, frozen=True):
    """A subject or an issuer."""

    text: str = ""
    """Most specific part first: `CN=R3, O=Let's Encrypt, C=US`; made visible, at most 300 characters."""
    key: NameKey = ()
    """Equal for names that RFC 5280 calls equal."""
    common_name: str = ""
    """The last (most specific) common name as written, or empty."""
    organization: str = ""


NO_NAME = DistinguishedName()


def read(name: bytes) -> DistinguishedName:
    """Read a DER Name. Raises der.Malformed."""
    shown: list[str] = []
    key: list[tuple[tuple[str, str], ...]] = []
    values: dict[str, str] = {}
    count = 0
    for relative in der.elements(der.element(name, der.SEQUENCE).content):
        part: list[tuple[str, str]] = []
        for attribute in der.elements(der.expect(relative, der.SET).content):
            count += 1
            if count > _MAX_ATTRIBUTES:
                raise der.Malformed("a name with too many attributes")
            kind, value = _attribute(attribute)
            part.append((kind, _comparable(value)))
            values[kind] = value
            shown.append(f"{_SHORT_NAMES.get(kind, kind)}={visible(value, 120)}")
        key.append(tuple(sorted(part)))
    return DistinguishedName(
        text=visible(", ".join(reversed(shown)), 300),
        key=tuple(key),
        common_name=values.get("2.5.4.3", ""),
        organization=values.get("2.5.4.10", ""),
    )


def _attribute(attribute: der.Element) -> tuple[str, str]:
    parts = der.elements(der.expect(attribute, der.SEQUENCE).content)
    if len(parts) != 2:
        raise der.Malformed("bad attribute in a name")
    return der.oid(der.expect(parts[0], der.OID).content), der.text(parts[1])


def _comparable(value: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", value).casefold().split())
