"""Just enough DER to read certificates that a strict parser refuses (ITU-T X.690, RFC 5280).

Every length is checked against what is there; nothing recurses on the input; anything else raises Malformed.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, OID, SEQUENCE, SET = 0x01, 0x02, 0x03, 0x04, 0x06, 0x30, 0x31
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18

_MAX_LENGTH_OCTETS = 4
_MAX_OID_ARCS = 64

_ENCODINGS = {
    0x0C: "utf-8",  # UTF8String
    0x12: "latin-1",  # NumericString
    0x13: "latin-1",  # PrintableString
    0x14: "latin-1",  # TeletexString: in practice Latin-1
    0x16: "latin-1",  # IA5String
    0x1A: "latin-1",  # VisibleString
    0x1C: "utf-32-be",  # UniversalString
    0x1E: "utf-16-be",  # BMPString
}


class Malformed(ValueError):
    """These bytes are not the DER that is expected here."""


class Element(NamedTuple):
    """One tag-length-value."""

    tag: int
    content: bytes
    whole: bytes
    """Tag and length included."""


def elements(data: bytes) -> tuple[Element, ...]:
    """Return the elements that `data` consists of, one after the other. Raises Malformed."""
    found = []
    at = 0
    while at < len(data):
        element = _element(data, at)
        found.append(element)
        at += len(element.whole)
    return tuple(found)


def element(data: bytes, tag: int | None = None) -> Element:
    """Return the one element that `data` consists of, with this tag. Raises Malformed."""
    only = _element(data, 0)
    if len(only.whole) != len(data):
        raise Malformed("bytes follow the last element")
    return expect(only, tag)


def expect(candidate: Element, tag: int | None) -> Element:
    """Return `candidate` if it has this tag. Raises Malformed."""
    if tag is not None and candidate.tag != tag:
        raise Malformed(f"tag 0x{candidate.tag:02x} where 0x{tag:02x} belongs")
    return candidate


def _element(data: bytes, at: int) -> Element:
    if len(data) - at < 2:
        raise Malformed("truncated")
    tag, first = data[at], data[at + 1]
    if tag & 0x1F == 0x1F:
        raise Malformed("multi-byte tag")
    start = at + 2
    length = first
    if first >= 0x80:
        octets = first & 0x7F
        if not 1 <= octets <= _MAX_LENGTH_OCTETS or len(data) - start < octets:
            raise Malformed("bad length")
        length = int.from_bytes(data[start : start + octets], "big")
        start += octets
    if len(data) - start < length:
        raise Malformed("truncated")
    return Element(tag, data[start : start + length], data[at : start + length])


def integer(content: bytes) -> int:
    """Return an INTEGER. Raises Malformed."""
    if not content:
        raise Malformed("empty integer")
    return int.from_bytes(content, "big", signed=True)


def boolean(content: bytes) -> bool:
    """Return a BOOLEAN, any non-zero octet being true as in BER. Raises Malformed."""
    if len(content) != 1:
        raise Malformed("bad boolean")
    return content != b"\x00"


def oid(content: bytes) -> str:
    """Return an OBJECT IDENTIFIER as dotted decimals. Raises Malformed."""
    arcs: list[int] = []
    value = 0
    if not content or content[-1] & 0x80 or len(content) > 4 * _MAX_OID_ARCS:
        raise Malformed("bad object identifier")
    for octet in content:
        value = value << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    if max(arcs).bit_length() > 128 or len(arcs) > _MAX_OID_ARCS:
        raise Malformed("object identifier too large")
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def text(value: Element) -> str:
    """Return a character string, whatever its type; what does not decode becomes U+FFFD, unknown types hex."""
    encoding = _ENCODINGS.get(value.tag)
    return value.content.decode(encoding, "replace") if encoding else "#" + value.content[:64].hex()


def time(value: Element) -> dt.datetime:
    """Return a UTCTime or GeneralizedTime as aware UTC (RFC 5280 section 4.1.2.5). Raises Malformed."""
    digits = value.content.decode("ascii", "replace")
    if value.tag == UTC_TIME and len(digits) >= 2 and digits[:2].isdigit():
        digits = ("19" if digits[:2] >= "50" else "20") + digits
    elif value.tag != GENERALIZED_TIME:
        raise Malformed("no time")
    if len(digits) == 13:  # seconds left out
        digits = digits[:-1] + "00" + digits[-1]
    if len(digits) != 15 or not digits.endswith("Z") or not (digits[:-1].isascii() and digits[:-1].isdigit()):
        raise Malformed("bad time")
    try:
        return dt.datetime.strptime(digits, "%Y%m%d%H%M%SZ").replace(tzinfo=dt.UTC)
    except ValueError:
        raise Malformed("bad time") from None
