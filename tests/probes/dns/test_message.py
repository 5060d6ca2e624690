"""DNS messages: what is asked, and what hostile bytes are read as."""

from __future__ import annotations

import struct

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.evidence import MAX_DNS_RECORDS, DnsOutcome
from cfrunbook.probes.dns import message

NAME = "shop.example.com"


def answer(
    *records: str,
    authority: tuple[str, ...] = (),
    rcode: int = dns.rcode.NOERROR,
    flags: int = dns.flags.AA,
    question: bytes = b"",
) -> bytes:
    made = dns.message.make_response(dns.message.from_wire(question or asked()))
    made.set_rcode(rcode)
    made.flags |= flags
    for section, texts in ((made.answer, records), (made.authority, authority)):
        section.extend(dns.rrset.from_text(*text.split(" ", 4)) for text in texts)
    return made.to_wire(max_size=65_535)


def asked(name: str = NAME, kind: str = "A", *, edns: bool = True) -> bytes:
    return message.wire(4711, name, kind, edns=edns, dnssec_ok=edns)


@pytest.mark.parametrize(("edns", "payload", "flags"), [(True, 1232, dns.flags.DO), (False, 0, 0)])
def test_a_question_desires_no_recursion(edns: bool, payload: int, flags: int) -> None:
    question = dns.message.from_wire(asked("Shop.Example.com", "AAAA", edns=edns))
    assert question.id == 4711
    assert question.flags == 0
    assert [q.to_text() for q in question.question] == ["Shop.Example.com. IN AAAA"]
    assert (question.edns, question.payload, question.ednsflags) == (0 if edns else -1, payload, flags)


def test_the_root_can_be_asked_about() -> None:
    assert dns.message.from_wire(asked(".", "NS")).question[0].to_text() == ". IN NS"


LABEL = st.text("azAZ09-_", min_size=1, max_size=64) | st.sampled_from([r"a\.b", r"\200x", "*", "münchen", ""])


@given(st.lists(LABEL, max_size=6).map(".".join) | st.integers(240, 260).map(lambda n: ".".join("x" * (n // 2))))
def test_a_name_is_written_as_dnspython_writes_it(name: str) -> None:
    try:
        expected = dns.name.from_text(name).to_wire() or b""
    except (dns.exception.DNSException, UnicodeError):
        with pytest.raises(ValueError, match="is no domain name"):
            asked(name)
        return
    assert asked(name, edns=False) == struct.pack("!6H", 4711, 0, 1, 0, 0, 0) + expected + struct.pack("!2H", 1, 1)


@pytest.mark.parametrize(("name", "kind"), [("a" * 64, "A"), ("a..b", "A"), (NAME, "TXT"), ("x." * 200, "A")])
def test_what_cannot_be_asked(name: str, kind: str) -> None:
    with pytest.raises(ValueError, match=r"domain name|not asked"):
        asked(name, kind)


A = f"{NAME}. 300 IN A 192.0.2.1"
NS = "example.com. 300 IN NS ns1.example.com."
OF_ANOTHER_CLASS = f"{NAME}. 300 HS A \\# 4 c0000202"
SOA = "example.com. 300 IN SOA ns1.example.com. h.example.com. 1 2 3 4 5"


@pytest.mark.parametrize(
    ("wire", "outcome"),
    [
        (answer(A), "answer"),
        (answer(f"{NAME}. 300 IN CNAME other.example."), "answer"),
        (answer(authority=(SOA,)), "nodata"),
        (answer(), "nodata"),
        (answer(authority=(SOA, NS)), "nodata"),
        (answer(rcode=dns.rcode.NXDOMAIN, authority=(SOA,)), "nxdomain"),
        (answer(f"{NAME}. 300 IN CNAME x.", rcode=dns.rcode.NXDOMAIN), "answer"),  # x does not exist
        (answer("x. 300 IN CNAME y.", rcode=dns.rcode.NXDOMAIN), "nxdomain"),
        (answer(authority=(NS,), flags=0), "referral"),
        (answer("other.example. 300 IN A 192.0.2.1"), "nodata"),
        (answer(OF_ANOTHER_CLASS), "nodata"),
        (answer(authority=("example.com. 300 CH NS ns1.example.com.",)), "nodata"),
        (answer(rcode=dns.rcode.SERVFAIL, flags=0), "rcode"),
        (answer(A, flags=dns.flags.TC), "truncated"),
        (answer(flags=dns.flags.TC), "truncated"),
    ],
)
def test_what_an_answer_is(wire: bytes, outcome: str) -> None:
    assert message.read(NAME, "A", wire).outcome is DnsOutcome(outcome)


def test_records_are_kept_as_dig_prints_them() -> None:
    reply = message.read(NAME, "A", answer(f"{NAME.upper()}. 300 IN A 192.0.2.1"))
    (record,) = reply.answer
    assert (record.owner, record.ttl, record.type, record.data) == (NAME, 300, "A", "192.0.2.1")
    assert (reply.rcode, reply.authoritative, reply.truncated) == ("NOERROR", True, False)


def test_records_of_another_class_are_not_kept() -> None:
    mixed = answer(OF_ANOTHER_CLASS, A, f"{NAME}. 300 CLASS385 A \\# 4 c0000203")
    assert [r.data for r in message.read(NAME, "A", mixed).answer] == ["192.0.2.1"]


def test_no_more_records_are_kept_than_a_recording_takes() -> None:
    many = answer(*(f"{NAME}. 300 IN A 10.0.{n // 250}.{n % 250}" for n in range(1000)))
    assert len(message.read(NAME, "A", many).answer) == MAX_DNS_RECORDS


@pytest.mark.parametrize(
    ("wire", "why"),
    [
        (b"", "too short"),
        (b"\x12\x67\x80", "too short"),
        (answer(A)[:-1], ""),
        (asked(), "a question, not an answer"),
        (asked()[:4] + b"\0\2" + asked()[6:], "more than one question"),
        (answer(question=asked("other.example")), "another question"),
        (answer(question=asked(kind="AAAA")), "another question"),
        (answer(question=asked(edns=False)[:-1] + b"\x03"), "another question"),  # of class CH
        (asked()[:2] + b"\x84\x00\x00\x01\x00\x01\x00\x00\x00\x00" + b"\xc0\x0c" * 9, ""),  # a pointer to itself
        (asked()[:2] + b"\x84\x00\x00\x01\xff\xff\xff\xff\xff\xff", ""),
    ],
)
def test_what_is_no_answer(wire: bytes, why: str) -> None:
    reply = message.read(NAME, "A", wire)
    assert reply.outcome is DnsOutcome.MALFORMED
    assert why in reply.detail.lower()
    assert reply.first_bytes == wire[:64]


def test_what_name_servers_say_alike_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    alike = answer("alike.example. 300 IN A 192.0.2.1", question=asked("alike.example"))
    read: list[bytes] = []
    from_wire = dns.message.from_wire
    monkeypatch.setattr(dns.message, "from_wire", lambda wire, **more: read.append(wire) or from_wire(wire, **more))
    replies = {message.read("alike.example", "A", number.to_bytes(2) + alike[2:]) for number in (0, 1, 4711, 65535)}
    assert [r.data for reply in replies for r in reply.answer] == ["192.0.2.1"]
    assert len(read) == 1
    assert message.read("other.example", "A", alike).outcome is DnsOutcome.MALFORMED


def test_bytes_behind_the_answer_are_ignored_as_resolvers_do() -> None:
    assert message.read(NAME, "A", answer(A) + b"x").outcome is DnsOutcome.ANSWER


def test_a_message_of_thousands_of_records_is_not_read_to_its_end() -> None:
    """Each of these records refers to the longest name there is: all of them take most of a minute to read."""
    head = asked()[12:-11]  # without the OPT record
    longest = b"\x01a" * 126 + b"\0"
    pointers = [(0xC000 | (12 + len(head) + 2 * (n % 120))).to_bytes(2) for n in range(4000)]
    records = b"".join(p + b"\0\2\0\1\0\0\0\0\0\2" + pointers[0] for p in (longest, *pointers))
    for section, outcome in ((0, "malformed"), (1, "referral")):
        counts = [0, 0, 0]
        counts[section] = 4001
        wire = asked()[:2] + b"\x84\0" + b"".join(c.to_bytes(2) for c in (1, *counts)) + head + records
        reply = message.read(NAME, "A", wire)
        assert len(reply.answer) + len(reply.authority) < MAX_DNS_RECORDS
        assert reply.outcome is DnsOutcome(outcome)


def test_an_error_may_leave_the_question_out() -> None:
    bare = asked()[:2] + b"\x80\x01" + bytes(8)
    assert message.read(NAME, "A", bare).rcode == "FORMERR"


@pytest.mark.parametrize(
    ("received", "is_answer"),
    [(answer(A), True), (b"\0\0" + answer(A)[2:], False), (asked(), False), (b"\x12\x67", False)],
)
def test_whose_answer_it_is(received: bytes, is_answer: bool) -> None:
    assert message.answers(asked(), received) is is_answer


@given(st.binary(max_size=200))
def test_no_bytes_raise(received: bytes) -> None:
    assert message.read(NAME, "A", received).outcome in DnsOutcome
    message.answers(asked(), received)


@given(st.data())
def test_no_damaged_answer_raises(data: st.DataObject) -> None:
    wire = bytearray(answer(A, f"{NAME}. 300 IN RRSIG A 13 3 300 20300101000000 20200101000000 1 example.com. AAAA"))
    for _ in range(data.draw(st.integers(1, 6))):
        wire[data.draw(st.integers(0, len(wire) - 1))] = data.draw(st.integers(0, 255))
    reply = message.read(NAME, "A", bytes(wire[: data.draw(st.integers(0, len(wire)))]))
    assert all(len(r.data) <= message.MAX_DATA for r in (*reply.answer, *reply.authority, *reply.additional))
