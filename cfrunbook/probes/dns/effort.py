"""How much work it is to read a DNS message, told beforehand; and messages cut to what is worth it. Pure.

64 KiB hold thousands of records, each with names that point to the longest one there is (127 labels), or with a bitmap
of every type there could be: reading one takes seconds, and a hostile server may send one to every question. What is
counted here is labels and bytes, by types; what they take was measured once and is written as points, so that what
is kept is the same everywhere, whatever the machine.
https://www.rfc-editor.org/rfc/rfc1035#section-4.1.4 (compression), https://www.rfc-editor.org/rfc/rfc4034#section-4.1.2
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from cfrunbook.evidence import MAX_DNS_RECORDS

MOST = 10_000
"""Points of one message that are read; 128 addresses have 2,300, four of the largest RSA keys with signatures 500."""
LABORIOUS = 1_500
"""Points from which a message is better read where it holds up nobody."""

_RECORD, _BYTE, _BITMAP_BYTE, _OPAQUE_BYTES = 15, 1, 4, 16
"""Points of a record, of a byte, of a byte of a bitmap; and bytes that make one point where they are just copied."""
_OPAQUE = frozenset({1, 28, 43, 46, 48})
"""A, AAAA, DS, RRSIG, DNSKEY."""
_BITMAPS = frozenset({47, 50})
"""NSEC, NSEC3."""
_NAMES: Mapping[int, tuple[int, int]] = {
    2: (0, 1),
    5: (0, 1),
    6: (0, 2),
    12: (0, 1),
    15: (2, 1),
    33: (6, 1),
    39: (0, 1),
}
"""Where in the data of NS, CNAME, SOA, PTR, MX, SRV and DNAME names begin, and how many follow on each other."""
_HEADER, _FIXED = struct.Struct("!6H"), struct.Struct("!HHIH")
_MAX_LABELS, _MAX_POINTERS = 128, 128


def points(message: bytes) -> int:
    """Return how much work a message is; what cannot be followed any more costs nothing further. Never raises."""
    return _read(message)[0]


def cut(message: bytes) -> bytes:
    """Return a message that says that it ends where it would become too much work, or hold more records than are kept.

    Never raises.
    """
    if len(message) < _HEADER.size:
        return message
    number, flags, asked, *counts = _HEADER.unpack_from(message)
    kept = _read(message)[1]
    if kept == tuple(counts):
        return message
    return _HEADER.pack(number, flags, asked, *kept) + message[_HEADER.size :]


def _read(message: bytes) -> tuple[int, tuple[int, int, int]]:
    """Return the points of what is kept of a message, and how many records of each section that is.

    Where the message breaks off, its counts stay as they are: whoever reads it has to notice.
    """
    if len(message) < _HEADER.size:
        return 0, (0, 0, 0)
    _, _, asked, *counts = _HEADER.unpack_from(message)
    whole = (counts[0], counts[1], counts[2])
    spent, kept = 0, [0, 0, 0]
    try:
        at = _HEADER.size
        if asked:  # an answer has one question; whoever reads it refuses more
            labels, at = _name(message, at)
            spent, at = _cost(labels), at + 4
        for section, count in enumerate(counts):
            for _ in range(count):
                cost, end = _record(message, at)
                if kept[section] == MAX_DNS_RECORDS or spent + cost > MOST:
                    return spent, (kept[0], kept[1], kept[2])
                spent, at = spent + cost, end
                kept[section] += 1
    except (IndexError, struct.error):
        return spent, whole
    return spent, whole


def _record(message: bytes, at: int) -> tuple[int, int]:
    """Return the points of the record at `at`, and where it ends. Raises IndexError or struct.error beyond the end."""
    labels, at = _name(message, at)
    kind, _, _, length = _FIXED.unpack_from(message, at)
    begin = at + _FIXED.size
    if begin + length > len(message):
        raise IndexError
    cost = _RECORD + _cost(labels)
    if kind in _NAMES:
        offset, number = _NAMES[kind]
        place = begin + offset
        for _ in range(number):
            labels, place = _name(message, place)
            cost += _cost(labels)
    elif kind in _BITMAPS:
        cost += length * _BITMAP_BYTE
    else:
        cost += length // _OPAQUE_BYTES if kind in _OPAQUE else length * _BYTE
    return cost, begin + length


def _cost(labels: int) -> int:
    """Return the points of a name: dnspython makes a name of every end of it as well."""
    return labels + labels * labels // 16


def _name(message: bytes, at: int) -> tuple[int, int]:
    """Return how many labels the name at `at` has, and where its own bytes end. Raises IndexError beyond the end."""
    labels = pointers = end = 0
    while labels < _MAX_LABELS and pointers < _MAX_POINTERS:
        size = message[at]
        if size >= 0xC0:
            end = end or at + 2
            at = (size & 0x3F) << 8 | message[at + 1]
            pointers += 1
        elif size == 0:
            break
        else:
            labels, at = labels + 1, at + size + 1
    return labels + pointers, end or at + 1
