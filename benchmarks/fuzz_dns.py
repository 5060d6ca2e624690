"""Hostile name servers by the thousand: damaged and invented answers into the walk; only what it documents comes out.

With atheris (https://pypi.org/project/atheris/) coverage leads the fuzzer; without it the same seeds are mutated
blindly, which is said and finds less. An input is either the bytes of one answer, or edits of what the lab's healthy
name servers say during a walk: bytes overwritten, records invented, silence. What the walk saw is recorded, judged, and
has to come back from JSON as it went.

    python benchmarks/fuzz_dns.py --seconds 600      # what is found is written as crash-…
    python benchmarks/fuzz_dns.py crash-0123abcd     # replay
"""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import struct
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

import msgspec
from support import fuzzing

with fuzzing.instrumented("cfrunbook.probes.dns", "cfrunbook.causes"):
    from cfrunbook.causes import dns as cause
    from cfrunbook.cloudfront import plan
    from cfrunbook.probes.dns import Replay, Resolved, Walked, Walking, message, questions, walk
    from cfrunbook.probes.dns.hints import parse

from cfrunbook.evidence import MAX_DNS_RECORDS, DnsOutcome, DnsQuery, DnsTransport
from cfrunbook.lab.dns.internet import ORIGIN_NAME, SHOP, SHOP_SERVERS, internet, route_53_names
from cfrunbook.lab.dns.server import Responder
from cfrunbook.lab.dns.shop import FIRST, cloud, shop
from cfrunbook.probes.endpoint import Endpoint

MAX_INPUT = 4096
HEADER = 12
"""Bytes of a DNS message before its question."""
AT = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
ID = b"\x12\x67"
TARGET = plan.of_origin(ORIGIN_NAME, host="", url=None).targets[0]

NAMES = (
    *(".", "lab.", SHOP, f"{ORIGIN_NAME}.", f"x.{ORIGIN_NAME}.", "com.", "net.", "cloud.net.", "gone.org."),
    *SHOP_SERVERS,
    *("ns.gone.org.", "a.nic.lab.", "a.root-servers.", "*.shop.lab.", r"\000\027[2J\..shop.lab.", "a" * 63 + ".lab."),
)
"""What invented records are of, and lead to."""
TYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "AAAA": 28, "DS": 43, "RRSIG": 46, "DNSKEY": 48, "DNAME": 39, "OPT": 41}
ADDRESSES = (FIRST, "198.51.100.1", "192.0.2.1", "10.0.0.1", "0.0.0.0", "255.255.255.255", "2001:db8::1", "::")


class Mode(IntEnum):
    """What the rest of an input is."""

    MESSAGE = 0
    """One answer: all bytes behind the id."""
    WALK = 1
    """Edits of answers, see `edits`."""


class Do(IntEnum):
    """What an edit makes of an answer."""

    OVERWRITE = 0
    """Two bytes say where, the others are written there."""
    REPLACE = 1
    """The content is all that comes behind the id."""
    INVENT = 2
    """The header's flags, then records of four bytes each: section and type, owner, data, time to live."""
    ADD = 3
    """The same records, behind those that are there; flags are left alone."""
    SILENCE = 4
    CUT = 5
    """Two bytes say after how many bytes the answer ends."""
    REFUSE = 6
    """The port is closed."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What is done to the answers to every question whose number has this remainder."""

    do: Do
    divisor: int
    remainder: int
    content: bytes


def edits(payload: bytes) -> Iterator[Edit]:
    """Cut a payload into edits: what to do, divisor and remainder, one byte of length, content."""
    place = 0
    while place + 4 <= len(payload):
        do, divisor, remainder, size = payload[place : place + 4]
        divisor = divisor % 64 + 1
        content = payload[place + 4 : place + 4 + size]
        yield Edit(Do(do % len(Do)), divisor, remainder % divisor, content)
        place += 4 + size


# --- the name servers that an input plays -----------------------------------------------------------------------------


class Servers:
    """The lab's name servers without sockets, whose answers are edited."""

    def __init__(self) -> None:
        tree = internet(shop(), cloud(f"shop A {FIRST}"), *route_53_names())
        self.hints = parse(tree.hints())
        self._responders = {server.address: Responder(server) for server in tree.servers}
        self._known: dict[tuple[str, bool, bytes], bytes] = {}

    def answer(self, address: str, question: bytes, *, tcp: bool) -> bytes | None:
        """Return the right answer, which is the same every time but for its id."""
        key = (address, tcp, question[2:])
        if key not in self._known:
            responder = self._responders.get(address)
            said = responder.respond(question, tcp=tcp) if responder else None
            if len(self._known) < 10_000:
                self._known[key] = (said or b"")[2:]
            return said
        rest = self._known[key]
        return question[:2] + rest if rest else None


SERVERS = Servers()


class Hostile:
    """What an input makes of them, for one walk."""

    def __init__(self, payload: bytes) -> None:
        self._edits = list(edits(payload))
        self._number = -1

    def respond(self, endpoint: Endpoint, question: bytes, over_tcp: bool) -> bytes | DnsOutcome | None:
        """Answer a question."""
        self._number += 1
        said = SERVERS.answer(endpoint.address, question, tcp=over_tcp)
        for edit in self._edits:
            if self._number % edit.divisor != edit.remainder:
                continue
            match edit.do:
                case Do.SILENCE:
                    return None
                case Do.REFUSE:
                    return DnsOutcome.REFUSED_PORT
                case _:
                    said = edited(edit, question, said)
        return said


def edited(edit: Edit, question: bytes, said: bytes | None) -> bytes:
    """Return an answer with its bytes changed."""
    said, content = said or asked_back(question), edit.content
    at = int.from_bytes(content[:2]) % (len(said) + 1)
    match edit.do:
        case Do.OVERWRITE:
            return said[:at] + content[2:] + said[at + len(content[2:]) :]
        case Do.CUT:
            return said[:at]
        case Do.REPLACE:
            return question[:2] + content
        case Do.INVENT:
            flags = 0x8000 | int.from_bytes(content[:2])
            return with_records(asked_back(question), content[2:], flags)
        case _:
            return with_records(said, content, None)


def asked_back(question: bytes) -> bytes:
    """Return an answer that holds the question alone."""
    return question[:2] + b"\x84\x00\x00\x01" + bytes(6) + question[HEADER : question.index(0, HEADER) + 5]


def with_records(said: bytes, rows: bytes, flags: int | None) -> bytes:
    """Return a message with invented records behind it, in their sections' order where there was none."""
    sections: tuple[list[bytes], ...] = ([], [], [])
    for at in range(0, len(rows) - 3, 4):
        kind = list(TYPES.values())[(rows[at] >> 2) % len(TYPES)]
        sections[rows[at] % 3].append(record(rows[at + 1], kind, rows[at + 2], rows[at + 3]))
    head = bytearray(said[:HEADER].ljust(HEADER, b"\0"))
    if flags is not None:
        head[2:4] = flags.to_bytes(2)
    for number, section in enumerate(sections):
        place = 6 + 2 * number
        count = int.from_bytes(head[place : place + 2]) + len(section)
        head[place : place + 2] = (count % 65_536).to_bytes(2)
    return bytes(head) + said[HEADER:] + b"".join(b"".join(section) for section in sections)


def record(owner: int, kind: int, data: int, ttl: int) -> bytes:
    """Return one record; numbers are places in the tables above."""
    match kind:
        case 1 | 28:
            fitting = [a for a in ADDRESSES if (":" in a) == (kind == 28)]
            content = ipaddress.ip_address(fitting[data % len(fitting)]).packed
        case 2 | 5 | 39:
            content = name(data)
        case 6:
            content = name(data) + name(data + 1) + struct.pack("!5I", data << 24, 7200, 900, 1_209_600, ttl)
        case 46:
            head = struct.pack("!HBBIIIH", (1, 6, 48)[data % 3], 13, data % 4, 300, data << 24, ttl << 24, data)
            content = head + name(data) + bytes(64)
        case 43:
            content = struct.pack("!HBB", data, 13, 2) + bytes(32)
        case 48:
            content = struct.pack("!HBB", 257, 3, 13) + bytes([data]) * 64
        case _:
            content = struct.pack("!HH", data, 2) + bytes(2)
    return name(owner) + struct.pack("!HHIH", kind, 1, ttl << 8, len(content)) + content


WIRE_NAMES = [message.wire(0, text, "A", edns=False, dnssec_ok=False)[HEADER:-4] for text in NAMES]


def name(number: int) -> bytes:
    """Return a name of the table; beyond it new ones without end, below names that exist."""
    if number < len(WIRE_NAMES) * 4:
        return WIRE_NAMES[number % len(WIRE_NAMES)]
    return b"\x03" + f"{number:03}".encode() + WIRE_NAMES[number % 5]


# --- what must hold ---------------------------------------------------------------------------------------------------


def test_one_input(data: bytes) -> None:
    """Play one input. Raises AssertionError for what must never be; any other exception is a finding too."""
    if not data:
        return
    if data[0] % len(Mode) == Mode.MESSAGE:
        kind = ("A", "NS", "SOA", "DS", "DNSKEY")[data[0] // len(Mode) % 5]
        check_reply(message.read(ORIGIN_NAME if kind == "A" else SHOP, kind, ID + data[1:]))
        return
    walked, found = asyncio.run(walk_over(Hostile(data[1:])))
    check_walk(walked, found)
    check_findings(walked.queries)


async def walk_over(servers: Hostile) -> tuple[Walked, Resolved | None]:
    """Walk to the origin's name, and return what was seen and what comes of it."""
    walking = Walking([ORIGIN_NAME], SERVERS.hints, transport=Replay(servers.respond))
    walked = await walking.run()
    return walked, walking.final(ORIGIN_NAME)


def check_reply(reply: message.Reply) -> None:
    """Require what holds of any answer."""
    records = (*reply.answer, *reply.authority, *reply.additional)
    assert all(len(s) <= MAX_DNS_RECORDS for s in (reply.answer, reply.authority, reply.additional))
    assert all(len(r.data) <= message.MAX_DATA and r.owner == r.owner.lower() for r in records)
    assert all(ipaddress.ip_address(r.data) for r in records if r.type in ("A", "AAAA"))
    assert len(reply.first_bytes) <= message.FIRST_BYTES
    assert len(reply.detail) <= 200
    assert bool(reply.detail) == (reply.outcome is DnsOutcome.MALFORMED)


def check_walk(walked: Walked, found: Resolved | None) -> None:
    """Require what holds of any walk."""
    assert len(walked.queries) <= walk.MAX_QUESTIONS
    sent = {(q.address, q.zone, q.transport, q.name, q.type, q.edns, q.id) for q in walked.queries}
    assert len(walked.queries) <= len(sent) * (1 + questions.REPEATS)
    for query in walked.queries:
        ipaddress.ip_address(query.address)
        assert query.transport in DnsTransport
        assert query.outcome is not DnsOutcome.ERROR, query  # nothing is asked that cannot be asked
    if found:
        assert all(ipaddress.ip_address(a).version == 4 for a in found.ipv4)
        assert all(ipaddress.ip_address(a).version == 6 for a in found.ipv6)
        assert len(found.cnames) <= walk.MAX_ALIASES + 1


def check_findings(queries: Sequence[DnsQuery]) -> None:
    """Require that what was seen can be kept and read again, and is judged in words that are safe to show."""
    numbered = tuple(msgspec.structs.replace(q, id=f"dns-{n}") for n, q in enumerate(queries, 1))
    kept = msgspec.json.decode(msgspec.json.encode(numbered), type=tuple[DnsQuery, ...])
    assert kept == numbered
    findings = cause.judge((), target=TARGET, in_lab=True, queries=kept, at=AT)
    assert findings
    for finding in findings:
        assert finding.title.isprintable(), finding.title
        assert finding.evidence, finding.code


# --- seeds ------------------------------------------------------------------------------------------------------------


def seeds() -> list[bytes]:
    """Return good answers and walks with every kind of edit, to start from."""

    def row(section: int, kind: str, owner: str, data: int, ttl: int = 1) -> bytes:
        return bytes([(list(TYPES).index(kind) << 2) | section, NAMES.index(owner), data, ttl])

    def edit(do: Do, content: bytes = b"", divisor: int = 1, remainder: int = 0) -> bytes:
        return bytes([do, divisor - 1, remainder, len(content)]) + content

    origin, missing = f"{ORIGIN_NAME}.", NAMES.index("gone.org.")
    questions = [(0, ORIGIN_NAME, "A"), (2, SHOP, "NS"), (4, SHOP, "SOA"), (6, SHOP, "DS"), (8, SHOP, "DNSKEY")]
    answers = [
        bytes([mode]) + (SERVERS.answer(address, question, tcp=False) or b"")[2:]
        for mode, what, kind in questions
        for address in ("192.0.2.1", "192.0.2.11", "198.51.100.1")
        for question in [message.wire(0x1267, what, kind, edns=True, dnssec_ok=True)]
    ]
    authoritative, aliases = b"\x04\x00", row(0, "CNAME", origin, NAMES.index("cloud.net."))
    endless = row(1, "NS", origin, 200) + row(1, "NS", SHOP, 150) + row(2, "A", "ns.gone.org.", 0)
    every_kind = b"".join(row(number % 3, kind, origin, 90 + number) for number, kind in enumerate(TYPES))
    walks = [
        b"",
        edit(Do.SILENCE),
        edit(Do.SILENCE, divisor=4, remainder=1) + edit(Do.REFUSE, divisor=4, remainder=2),
        edit(Do.OVERWRITE, b"\x00\x02\x81\x05", 3),
        edit(Do.OVERWRITE, b"\x00\x02\x86\x00", 2),
        edit(Do.CUT, b"\x00\x20", 5, 1),
        edit(Do.REPLACE, b"\x84\x00\x00\x01\x00\x09" + bytes(4) + b"\xc0\xff\xee" * 9, 4, 3),
        edit(Do.INVENT, authoritative + aliases + row(0, "A", "cloud.net.", 1), 3, 2),
        edit(Do.INVENT, authoritative + row(0, "CNAME", origin, missing), 2),
        edit(Do.INVENT, b"\x04\x03" + row(1, "SOA", SHOP, 9), 2, 1),
        edit(Do.INVENT, b"\x00\x00" + endless),
        edit(Do.ADD, endless, 2),
        edit(Do.ADD, every_kind, 3),
        edit(Do.INVENT, authoritative + every_kind, 3, 1),
    ]
    return [*answers, *(bytes([Mode.WALK]) + payload for payload in walks)]


if __name__ == "__main__":
    sys.exit(fuzzing.main(__doc__.splitlines()[0] if __doc__ else "", test_one_input, seeds(), MAX_INPUT))
