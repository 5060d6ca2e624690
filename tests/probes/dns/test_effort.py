"""How much work hostile messages may make: counted, never timed."""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable, Sequence
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.evidence import MAX_DNS_RECORDS, DnsOutcome
from cfrunbook.probes.dns import effort, message

NAME = "a.lab"
OWNER = b"\xc0\x0c"
QUESTION = b"\x01a\x03lab\0" + struct.pack("!HH", 1, 1)
LONGEST = b"\x01x" * 126 + b"\0"
TO_LONGEST = struct.pack("!H", 0xC000 | (12 + len(QUESTION) + 12))
"""A pointer to `LONGEST`, where it is the data of the first record."""
A, NS, SOA, TXT, NSEC, HIP = 1, 2, 6, 16, 47, 55


def record(kind: int, data: bytes, owner: bytes = OWNER) -> bytes:
    return owner + struct.pack("!HHIH", kind, 1, 60, len(data)) + data


def answer(*sections: Sequence[bytes]) -> bytes:
    counts = [len(s) for s in sections] + [0] * (3 - len(sections))
    return struct.pack("!6H", 1, 0x8400, 1, *counts) + QUESTION + b"".join(r for s in sections for r in s)


def long_names(kind: int, data: bytes) -> bytes:
    """Return three sections full of records whose names all are the longest one."""
    first = record(5, LONGEST)
    more = record(kind, data, TO_LONGEST)
    return answer([first, *[more] * 127], [more] * 128, [more] * 128)


BITMAP = b"\0" + b"".join(bytes([window, 32]) + b"\xff" * 32 for window in range(256))
HOSTILE = {
    "names of servers": long_names(NS, TO_LONGEST),
    "two names each": long_names(SOA, TO_LONGEST * 2 + bytes(20)),
    "every type there could be": answer([record(NSEC, BITMAP)] * 7),
    "empty strings": answer([record(TXT, b"\0" * 60_000)]),
    "strings of one character": answer([record(TXT, b"\1\xff" * 80)] * 128, [record(TXT, b"\1\xff" * 80)] * 128),
    "rendezvous servers": answer([record(HIP, b"\0\1\0\0" + b"\0" * 60_000)]),
    "thousands of addresses": answer([record(A, bytes([10, 0, n // 250, n % 250])) for n in range(4000)]),
}


BOUND = 500_000


class TooMuchError(BaseException):
    """Four times the bound: nobody needs to wait for the rest."""


def calls(do: Callable[[], object]) -> int:
    """Return how many functions were called, of Python and C: what work is, on any machine; at most 4 * BOUND."""
    made = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal made
        made += event in ("call", "c_call")
        if made >= 4 * BOUND:
            sys.setprofile(None)
            raise TooMuchError

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        do()
    except TooMuchError:
        pass
    finally:
        sys.setprofile(before)
    return made


@pytest.mark.parametrize("received", HOSTILE.values(), ids=HOSTILE)
def test_reading_a_hostile_message_is_a_bounded_amount_of_work(received: bytes) -> None:
    assert len(received) < 65_536
    assert calls(lambda: message.read(NAME, "A", received)) < BOUND
    assert effort.points(effort.cut(received)) <= effort.MOST


def test_the_same_without_a_bound_would_be_far_more_work() -> None:
    import dns.message

    received = HOSTILE["two names each"]
    assert calls(lambda: dns.message.from_wire(received).to_text()) >= 4 * BOUND


ORDINARY = {
    "a page of addresses": answer([record(A, bytes([192, 0, 2, n])) for n in range(MAX_DNS_RECORDS)]),
    "an alias": answer([record(5, b"\x01b\xc0\x0e")]),
    "large keys": answer([record(48, bytes(520))] * 4 + [record(46, bytes(18) + b"\x03lab\0" + bytes(512))] * 4),
    "a referral to 13 servers": answer(
        [], [record(NS, bytes([1, 97 + n]) + b"\xc0\x0e") for n in range(13)], [record(A, bytes(4))] * 26
    ),
    "a denial with proof": answer([], [record(NSEC, b"\x01b\xc0\x0e" + b"\0\7" + b"\xff" * 7)] * 4),
}


@pytest.mark.parametrize("received", ORDINARY.values(), ids=ORDINARY)
def test_an_ordinary_message_is_read_whole(received: bytes) -> None:
    assert effort.cut(received) == received
    assert 0 < effort.points(received) <= effort.MOST / 4


@pytest.mark.parametrize("name", ["every type there could be", "empty strings", "rendezvous servers"])
def test_what_was_not_read_is_not_called_missing(name: str) -> None:
    reply = message.read(NAME, "A", HOSTILE[name])
    assert (reply.outcome, reply.detail) == (DnsOutcome.MALFORMED, "it holds more than is worth reading")


def test_what_was_asked_for_is_told_from_what_was_read() -> None:
    reply = message.read(NAME, "A", HOSTILE["thousands of addresses"])
    assert (reply.outcome, len(reply.answer)) == (DnsOutcome.ANSWER, MAX_DNS_RECORDS)


def test_names_that_point_to_themselves_have_an_end() -> None:
    looping = struct.pack("!6H", 1, 0x8400, 0, 1, 0, 0) + record(A, bytes(4))
    assert effort.points(looping) < effort.LABORIOUS


@given(st.binary(max_size=300))
def test_no_bytes_raise(received: bytes) -> None:
    assert effort.points(effort.cut(received)) <= effort.MOST


@given(st.sampled_from(sorted({**HOSTILE, **ORDINARY})), st.data())
def test_no_damaged_message_raises_or_is_more_work(name: str, data: st.DataObject) -> None:
    damaged = bytearray({**HOSTILE, **ORDINARY}[name])
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    assert effort.points(effort.cut(bytes(damaged))) <= effort.MOST
