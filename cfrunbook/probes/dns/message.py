"""DNS messages: one question as bytes, and what came back, read without trust. Pure.

https://www.rfc-editor.org/rfc/rfc1035#section-4, https://www.rfc-editor.org/rfc/rfc6891 (EDNS)
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from cfrunbook.evidence import MAX_DNS_RECORDS, DnsOutcome, DnsRecord
from cfrunbook.probes.dns import effort
from cfrunbook.probes.dns.names import ROOT, plain

if TYPE_CHECKING:
    import dns.message
    import dns.rrset

PAYLOAD = 1232
"""Bytes of a datagram that we accept: https://www.dnsflagday.net/2020/."""
MAX_DATA = 2048
"""Characters of one record's data that are kept: an RSA key of 4096 bits has 700."""
FIRST_BYTES = 64

_IN = 1
_OPT, _DO = 41, 0x8000
_QR = 0x80
_NO_ID = bytes(2)
_OF_A_HOST = re.compile(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*")
_MAX_HOST = 253
"""Characters: 255 bytes with a length before each label and the root's at the end."""
_TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "AAAA": 28, "DS": 43, "DNSKEY": 48}


class Reply(msgspec.Struct, frozen=True):
    """What a message says."""

    outcome: DnsOutcome
    rcode: str = ""
    authoritative: bool = False
    truncated: bool = False
    answer: tuple[DnsRecord, ...] = ()
    authority: tuple[DnsRecord, ...] = ()
    additional: tuple[DnsRecord, ...] = ()
    first_bytes: bytes = b""
    detail: str = ""


def wire(number: int, name: str, kind: str, *, edns: bool, dnssec_ok: bool) -> bytes:
    """Return the question for `name` and record type `kind`, with id `number`, recursion not desired.

    Raises ValueError for what is no domain name or no type that we ask for.
    """
    return struct.pack("!H", number) + _body(name, kind, edns, dnssec_ok)


@lru_cache(maxsize=512)
def _body(name: str, kind: str, edns: bool, dnssec_ok: bool) -> bytes:
    """Return the question without its id: it is the same for every server."""
    if kind not in _TYPES:
        raise ValueError(f"{kind} is not asked")
    head = struct.pack("!HHHHH", 0, 1, 0, 0, int(edns))
    opt = struct.pack("!BHHIH", 0, _OPT, PAYLOAD, _DO if dnssec_ok else 0, 0) if edns else b""
    return head + _owner(name) + struct.pack("!HH", _TYPES[kind], _IN) + opt


def _owner(name: str) -> bytes:
    """Return a name as bytes: as good as always the root or of host names' characters, without waiting for dnspython.

    Raises ValueError for what is no domain name.
    """
    if name == ROOT:
        return b"\0"
    if _OF_A_HOST.fullmatch(name) and len(name) <= _MAX_HOST:
        labels = name.encode().split(b".")
        return b"".join(bytes((len(label),)) + label for label in labels) + b"\0"
    from cfrunbook.probes.dns import library  # noqa: F401, I001  # before dnspython
    import dns.exception
    import dns.name

    try:
        return dns.name.from_text(name).to_wire() or b"\0"
    except (dns.exception.DNSException, UnicodeError) as error:
        raise ValueError(f"{name!r} is no domain name: {error}") from None


def answers(question: bytes, received: bytes) -> bool:
    """Tell whether `received` claims to answer `question`: it has its id and is a response."""
    return len(received) > 2 and received[:2] == question[:2] and bool(received[2] & _QR)


def read(name: str, kind: str, received: bytes) -> Reply:
    """Read the answer to the question for `name` and `kind`; MALFORMED, with the reason, for what is none.

    Never raises.
    """
    reply = _read(name, kind, received[2:])
    return replace(reply, first_bytes=received[:FIRST_BYTES]) if reply.outcome is DnsOutcome.MALFORMED else reply


@lru_cache(maxsize=64)  # with 64 KB each 4 MB at most
def _read(name: str, kind: str, rest: bytes) -> Reply:
    """Read an answer without its id: of it, the servers of a zone mostly say the same, byte for byte."""
    from cfrunbook.probes.dns import library  # noqa: F401, I001  # before dnspython
    import dns.exception
    import dns.flags
    import dns.message
    import dns.name
    import dns.rcode
    import dns.rdatatype

    received = _NO_ID + rest
    if int.from_bytes(received[4:6]) > 1:
        return malformed(received, "it holds more than one question")
    try:
        # unbound and BIND take no offence at bytes behind the message either. One by one: of several CNAME records
        # of one name, which are not allowed and happen, only the last would be kept.
        worthwhile = effort.cut(received)
        message = dns.message.from_wire(worthwhile, ignore_trailing=True, one_rr_per_rrset=True)
        if not message.flags & dns.flags.QR:
            return malformed(received, "it is a question, not an answer")
        rcode = dns.rcode.to_text(message.rcode())
        asked = [(q.name, q.rdtype, q.rdclass) for q in message.question]
        wanted = (dns.name.from_text(name), dns.rdatatype.from_text(kind))
        # Servers may leave the question out of an error.
        if asked != [(*wanted, _IN)] and (asked or rcode == "NOERROR"):
            return malformed(received, "it answers another question")
        for section in (message.answer, message.authority, message.additional):
            section[:] = [r for r in section if r.rdclass == _IN]  # an A record of another class has no address
        sections = [_records(section) for section in (message.answer, message.authority, message.additional)]
        truncated = bool(message.flags & dns.flags.TC)
        outcome = DnsOutcome.TRUNCATED if truncated else _outcome(message, rcode, *wanted)
        if outcome is DnsOutcome.NODATA and worthwhile != received:
            return malformed(received, "it holds more than is worth reading")  # what was asked for may be in there
        return Reply(
            outcome=outcome,
            rcode=rcode,
            authoritative=bool(message.flags & dns.flags.AA),
            truncated=truncated,
            answer=sections[0],
            authority=sections[1],
            additional=sections[2],
        )
    except (dns.exception.DNSException, ValueError, LookupError, struct.error, ArithmeticError) as error:
        return malformed(received, str(error) or type(error).__name__)
    except (AttributeError, TypeError, AssertionError, RecursionError, NotImplementedError) as error:
        return malformed(received, type(error).__name__)  # a record type that dnspython reads wrongly


def malformed(received: bytes, why: str) -> Reply:
    """Return that bytes came that are no answer, and why."""
    return Reply(outcome=DnsOutcome.MALFORMED, first_bytes=received[:FIRST_BYTES], detail=why[:200].removesuffix("."))


def _outcome(message: dns.message.Message, rcode: str, name: object, kind: object) -> DnsOutcome:
    import dns.rdatatype as types

    # With an alias in the answer, NXDOMAIN is said of what it leads to: https://www.rfc-editor.org/rfc/rfc6604#section-3
    if rcode == "NXDOMAIN" and not any(r.name == name and r.rdtype == types.CNAME for r in message.answer):
        return DnsOutcome.NXDOMAIN
    if rcode not in ("NOERROR", "NXDOMAIN"):
        return DnsOutcome.RCODE
    if any(r.name == name and r.rdtype in (kind, types.CNAME) for r in message.answer):
        return DnsOutcome.ANSWER
    found = {r.rdtype for r in message.authority}
    return DnsOutcome.REFERRAL if types.NS in found and types.SOA not in found else DnsOutcome.NODATA


def _records(rrsets: Iterable[dns.rrset.RRset]) -> tuple[DnsRecord, ...]:
    import dns.rdatatype

    found: list[DnsRecord] = []
    for rrset in rrsets:
        owner, kind = plain(str(rrset.name)), dns.rdatatype.to_text(rrset.rdtype)
        for record in rrset:
            if len(found) == MAX_DNS_RECORDS:
                return tuple(found)
            data = record.to_text()
            if len(data) <= MAX_DATA:
                found.append(DnsRecord(owner=owner, ttl=rrset.ttl, type=kind, data=data))
    return tuple(found)
