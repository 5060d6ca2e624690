"""Our name servers answer as the RFCs say, and fail as they are told; dnspython's own queries, and dig, are the clients."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import dns.dnssec
import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.query
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.lab.dns.internet import SHOP, SHOP_SERVERS, delegation, zone
from cfrunbook.lab.dns.server import Responder, listen
from cfrunbook.lab.dns.setup import Fault, NameServer, Template, Zone
from cfrunbook.lab.dns.signing import Signer
from cfrunbook.lab.servers import Address, Servers

SUB = {"ns1.sub.shop.lab.": "198.51.100.41", "ns.elsewhere.net.": "198.51.100.42"}
RECORDS = f"""
origin 60 A 203.0.113.10
origin 60 A 203.0.113.20
origin AAAA 2001:db8::10
alias CNAME origin
chain CNAME alias
outside CNAME www.example.net.
to-missing CNAME missing
loop1 CNAME loop2
loop2 CNAME loop1
deep.below TXT "so below exists"
*.wild A 203.0.113.30
*.wildalias CNAME origin
known.wild A 203.0.113.31
old DNAME new
origin.new A 203.0.113.40
{delegation("sub.shop.lab.", SUB)}
"""
PLAIN = NameServer("198.51.100.1", (zone(SHOP, SHOP_SERVERS, RECORDS),))
LARGE = NameServer("", (zone(SHOP, SHOP_SERVERS, "\n".join(f"origin A 203.0.113.{n}" for n in range(100))),))


@pytest.fixture
def up(servers: Servers) -> Callable[[NameServer], Address]:
    return lambda server: listen(servers, server)


@pytest.fixture
def at(up: Callable[[NameServer], Address]) -> Address:
    return up(PLAIN)


def ask(at: Address, name: str, kind: str = "A", *, tcp: bool = False, **options: object) -> dns.message.Message:
    query = dns.message.make_query(name, kind, **{"use_edns": 0, "payload": 1232, **options})  # type: ignore[arg-type]
    query.flags &= ~dns.flags.RD
    exchange = dns.query.tcp if tcp else dns.query.udp
    return exchange(query, at[0], port=at[1], timeout=10)


def shown(message: dns.message.Message) -> tuple[str, str, list[str], list[str], list[str]]:
    """Return rcode, flags but for QR, and the sections as sorted lines without class and TTL."""
    sections = [
        sorted(f"{str(r.name).lower()} {dns.rdatatype.to_text(r.rdtype)} {record}" for r in section for record in r)
        for section in (message.answer, message.authority, message.additional)
    ]
    flags = dns.flags.to_text(message.flags).replace("QR", "").strip()
    return dns.rcode.to_text(message.rcode()), flags, *sections  # type: ignore[return-value]


ORIGIN = ["origin.shop.lab. A 203.0.113.10", "origin.shop.lab. A 203.0.113.20"]
NS = sorted(f"shop.lab. NS {name}" for name in SHOP_SERVERS)
NS_ADDRESSES = sorted(f"{name} A {address}" for name, address in SHOP_SERVERS.items())
SOA = ["shop.lab. SOA ns1.shop.lab. hostmaster.shop.lab. 2026112201 7200 900 1209600 300"]
SUB_NS = ["sub.shop.lab. NS ns.elsewhere.net.", "sub.shop.lab. NS ns1.sub.shop.lab."]
SUB_GLUE = ["ns1.sub.shop.lab. A 198.51.100.41"]
ANSWERS = {
    "addresses": ("origin.shop.lab A", ("NOERROR", "AA", ORIGIN, [], [])),
    "in any case, which comes back as it went": ("oRiGiN.SHOP.lab A", ("NOERROR", "AA", ORIGIN, [], [])),
    "another type": ("origin.shop.lab AAAA", ("NOERROR", "AA", ["origin.shop.lab. AAAA 2001:db8::10"], [], [])),
    "the zone's servers, with addresses": ("shop.lab NS", ("NOERROR", "AA", NS, [], NS_ADDRESSES)),
    "SOA": ("shop.lab SOA", ("NOERROR", "AA", SOA, [], [])),
    "NODATA": ("origin.shop.lab MX", ("NOERROR", "AA", [], SOA, [])),
    "NXDOMAIN": ("missing.shop.lab A", ("NXDOMAIN", "AA", [], SOA, [])),
    "below a name with records": ("x.origin.shop.lab A", ("NXDOMAIN", "AA", [], SOA, [])),
    "empty non-terminal": ("below.shop.lab A", ("NOERROR", "AA", [], SOA, [])),
    "alias": ("alias.shop.lab A", ("NOERROR", "AA", ["alias.shop.lab. CNAME origin.shop.lab.", *ORIGIN], [], [])),
    "the alias itself": (
        "alias.shop.lab CNAME",
        ("NOERROR", "AA", ["alias.shop.lab. CNAME origin.shop.lab."], [], []),
    ),
    "chain": (
        "chain.shop.lab A",
        (
            "NOERROR",
            "AA",
            ["alias.shop.lab. CNAME origin.shop.lab.", "chain.shop.lab. CNAME alias.shop.lab.", *ORIGIN],
            [],
            [],
        ),
    ),
    "alias out of the zone": (
        "outside.shop.lab A",
        ("NOERROR", "AA", ["outside.shop.lab. CNAME www.example.net."], [], []),
    ),
    "alias of nothing": (
        "to-missing.shop.lab A",
        ("NXDOMAIN", "AA", ["to-missing.shop.lab. CNAME missing.shop.lab."], SOA, []),
    ),
    "loop": (
        "loop1.shop.lab A",
        ("NOERROR", "AA", ["loop1.shop.lab. CNAME loop2.shop.lab.", "loop2.shop.lab. CNAME loop1.shop.lab."], [], []),
    ),
    "wildcard": ("a.b.wild.shop.lab A", ("NOERROR", "AA", ["a.b.wild.shop.lab. A 203.0.113.30"], [], [])),
    "the star itself": ("*.wild.shop.lab A", ("NOERROR", "AA", ["*.wild.shop.lab. A 203.0.113.30"], [], [])),
    "a name beside the wildcard": (
        "known.wild.shop.lab A",
        ("NOERROR", "AA", ["known.wild.shop.lab. A 203.0.113.31"], [], []),
    ),
    "below a name beside the wildcard": ("x.known.wild.shop.lab A", ("NXDOMAIN", "AA", [], SOA, [])),
    "wildcard, another type": ("x.wild.shop.lab AAAA", ("NOERROR", "AA", [], SOA, [])),
    "wildcard alias": (
        "x.wildalias.shop.lab A",
        ("NOERROR", "AA", [*ORIGIN, "x.wildalias.shop.lab. CNAME origin.shop.lab."], [], []),
    ),
    "DNAME": (
        "origin.old.shop.lab A",
        (
            "NOERROR",
            "AA",
            [
                "old.shop.lab. DNAME new.shop.lab.",
                "origin.new.shop.lab. A 203.0.113.40",
                "origin.old.shop.lab. CNAME origin.new.shop.lab.",
            ],
            [],
            [],
        ),
    ),
    "the DNAME's owner": ("old.shop.lab A", ("NOERROR", "AA", [], SOA, [])),
    "referral": ("www.sub.shop.lab A", ("NOERROR", "", [], SUB_NS, SUB_GLUE)),
    "referral at the cut": ("sub.shop.lab NS", ("NOERROR", "", [], SUB_NS, SUB_GLUE)),
    "DS at the cut": ("sub.shop.lab DS", ("NOERROR", "AA", [], SOA, [])),
    "glue is not an answer": ("ns1.sub.shop.lab A", ("NOERROR", "", [], SUB_NS, SUB_GLUE)),
    "another zone": ("www.example.net A", ("REFUSED", "", [], [], [])),
    "the zone above": ("lab SOA", ("REFUSED", "", [], [], [])),
}


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
@pytest.mark.parametrize(("question", "expected"), ANSWERS.values(), ids=ANSWERS)
def test_answers(at: Address, question: str, expected: object, tcp: bool) -> None:
    assert shown(ask(at, *question.split(), tcp=tcp)) == expected


def test_every_type_is_answered_with_all_there_is(at: Address) -> None:
    assert shown(ask(at, "origin.shop.lab", "ANY"))[2] == [*ORIGIN, "origin.shop.lab. AAAA 2001:db8::10"]


def test_negative_answers_are_kept_for_the_soa_minimum_at_most(up: Callable[[NameServer], Address]) -> None:
    at = up(NameServer("", (zone(SHOP, SHOP_SERVERS, "", minimum=7),)))
    (soa,) = ask(at, "missing.shop.lab").authority
    assert soa.ttl == 7
    assert ask(at, "shop.lab", "SOA").answer[0].ttl == 300


def test_parent_and_child_on_one_server(up: Callable[[NameServer], Address]) -> None:
    child = zone("sub.shop.lab.", SUB, "@ A 203.0.113.50")
    at = up(replace(PLAIN, zones=(*PLAIN.zones, child)))
    assert shown(ask(at, "sub.shop.lab"))[:3] == ("NOERROR", "AA", ["sub.shop.lab. A 203.0.113.50"])
    assert shown(ask(at, "sub.shop.lab", "DS"))[3] == SOA  # the parent's
    alias = NameServer("", (zone(SHOP, SHOP_SERVERS, "origin CNAME sub"), child))
    both = ["origin.shop.lab. CNAME sub.shop.lab.", "sub.shop.lab. A 203.0.113.50"]
    assert shown(ask(up(alias), "origin.shop.lab"))[2] == both


def test_a_server_without_zone_refuses(up: Callable[[NameServer], Address]) -> None:
    assert shown(ask(up(NameServer("", ())), "shop.lab", "SOA")) == ("REFUSED", "", [], [], [])


@pytest.mark.parametrize(
    ("options", "size"), [({"use_edns": False}, 512), ({"payload": 600}, 600), ({"payload": 4096}, 1232)]
)
def test_what_does_not_fit_is_truncated(
    up: Callable[[NameServer], Address], options: dict[str, object], size: int
) -> None:
    at = up(LARGE)
    over_udp = ask(at, "origin.shop.lab", **options)
    assert over_udp.flags & dns.flags.TC
    assert not over_udp.answer
    assert len(over_udp.to_wire()) <= size
    over_tcp = ask(at, "origin.shop.lab", tcp=True, **options)
    assert not over_tcp.flags & dns.flags.TC
    assert len(over_tcp.answer[0]) == 100
    assert len(over_tcp.to_wire()) > 1232


def test_edns(at: Address) -> None:
    with_it, without = ask(at, "origin.shop.lab", want_dnssec=True), ask(at, "origin.shop.lab", use_edns=False)
    assert (with_it.edns, with_it.payload, with_it.ednsflags) == (0, 1232, dns.flags.DO)
    assert without.edns == -1
    assert ask(at, "origin.shop.lab", use_edns=1).rcode() == dns.rcode.BADVERS
    unknown = ask(at, "origin.shop.lab", options=[dns.edns.GenericOption(65001, b"?")])
    assert (unknown.rcode(), unknown.options) == (dns.rcode.NOERROR, ())


def test_what_is_no_ordinary_question(at: Address) -> None:
    notify = dns.message.make_query("shop.lab", "SOA")
    notify.set_opcode(dns.opcode.NOTIFY)
    chaos = dns.message.make_query("version.bind", "TXT", "CH")
    none = dns.message.make_query("shop.lab", "A")
    none.question.clear()
    answers = [dns.query.udp(q, at[0], port=at[1], timeout=10).rcode() for q in (notify, chaos)]
    assert answers == [dns.rcode.NOTIMP, dns.rcode.REFUSED]
    assert raw(at, none.to_wire())[3] & 0xF == dns.rcode.FORMERR
    assert raw(at, b"\x12\x34\x01\x00\x00\x01" + bytes(6) + b"\xff\xff") == b"\x12\x34\x81\x01" + bytes(8)


def raw(at: Address, wire: bytes, patience: float = 10) -> bytes:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(patience)
        sock.connect(at)
        sock.send(wire)
        return sock.recv(65535)


@given(st.binary(max_size=80))
def test_no_bytes_are_too_strange(wire: bytes) -> None:
    answer = Responder(PLAIN).respond(wire, tcp=False)
    assert answer is None or answer[:2] == wire[:2]


def test_several_questions_on_one_connection(at: Address) -> None:
    wires = [dns.message.make_query("origin.shop.lab", "A", id=n).to_wire() for n in (1, 2, 3)]
    with socket.create_connection(at, timeout=10) as sock:
        stream = b"".join(len(w).to_bytes(2) + w for w in wires)
        sock.sendall(stream[:7])
        sock.sendall(stream[7:])
        file = sock.makefile("rb")
        got = [file.read(int.from_bytes(file.read(2))) for _ in wires]
    assert [dns.message.from_wire(g).id for g in got] == [1, 2, 3]


# --- faults -------------------------------------------------------------------------------------------------------

SAID = {
    Fault.REFUSED: ("REFUSED", "", [], [], []),
    Fault.SERVFAIL: ("SERVFAIL", "", [], [], []),
    Fault.NOTIMP: ("NOTIMP", "", [], [], []),
    Fault.NXDOMAIN: ("NXDOMAIN", "AA", [], [], []),
    Fault.NOT_AUTHORITATIVE: ("NOERROR", "", ORIGIN, [], []),
    Fault.UPWARD_REFERRAL: ("NOERROR", "", [], [". NS a.root-servers."], []),
}


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
@pytest.mark.parametrize(("fault", "said"), SAID.items())
def test_servers_that_answer_wrongly(
    up: Callable[[NameServer], Address], fault: Fault, said: object, tcp: bool
) -> None:
    assert shown(ask(up(PLAIN.failing(fault)), "origin.shop.lab", tcp=tcp)) == said


def test_a_fault_may_concern_some_types_only(up: Callable[[NameServer], Address]) -> None:
    at = up(PLAIN.failing(Fault.SERVFAIL, types=("A", "AAAA")))
    rcodes = [dns.rcode.to_text(ask(at, "origin.shop.lab", kind).rcode()) for kind in ("A", "AAAA", "MX")]
    assert rcodes == ["SERVFAIL", "SERVFAIL", "NOERROR"]


def test_truncated_although_it_would_fit(up: Callable[[NameServer], Address]) -> None:
    at = up(PLAIN.failing(Fault.TRUNCATE))
    assert shown(ask(at, "origin.shop.lab")) == ("NOERROR", "AA TC", [], [], [])
    assert shown(ask(at, "origin.shop.lab", tcp=True)) == ("NOERROR", "AA", ORIGIN, [], [])


def test_edns_is_an_error_or_gets_no_answer(up: Callable[[NameServer], Address]) -> None:
    error, silent = up(PLAIN.failing(Fault.FORMERR_EDNS)), up(PLAIN.failing(Fault.DROP_EDNS))
    answer = ask(error, "origin.shop.lab")
    assert (answer.rcode(), answer.edns) == (dns.rcode.FORMERR, -1)
    assert is_silent(silent)
    for at in (error, silent):
        assert shown(ask(at, "origin.shop.lab", use_edns=False))[2] == ORIGIN


def test_garbage_and_the_wrong_id(up: Callable[[NameServer], Address]) -> None:
    wire = dns.message.make_query("origin.shop.lab", "A").to_wire()
    garbage = raw(up(PLAIN.failing(Fault.GARBAGE)), wire)
    assert garbage[:2] == wire[:2]
    with pytest.raises(dns.exception.DNSException):
        dns.message.from_wire(garbage)
    mixed_up = raw(up(PLAIN.failing(Fault.WRONG_ID)), wire)
    assert mixed_up[:2] != wire[:2]
    assert shown(dns.message.from_wire(mixed_up))[2] == ORIGIN


def is_silent(at: Address) -> bool:
    """Tell whether a question with EDNS gets no answer, where the one after it, which nobody understands, does."""
    query = dns.message.make_query("origin.shop.lab", "A", use_edns=0)
    marker = query.id.to_bytes(2) + b"\x01\x00\x00\x01" + bytes(6)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(10)
        sock.connect(at)
        sock.send(query.to_wire())
        sock.send(marker)
        return sock.recv(65535)[3] & 0xF == dns.rcode.FORMERR


def over_udp(at: Address) -> str:
    wire = dns.message.make_query("origin.shop.lab", "A").to_wire()
    try:
        raw(at, wire, 0.1)
    except ConnectionRefusedError:
        return "refused"
    except TimeoutError:
        return "silent"
    return "answers"


def over_tcp(at: Address) -> str:
    wire = dns.message.make_query("origin.shop.lab", "A").to_wire()
    with socket.socket() as sock:
        sock.settimeout(0.1)
        try:
            sock.connect(at)
        except ConnectionRefusedError:
            return "refused"
        except TimeoutError:
            return "not connected"
        sock.sendall(len(wire).to_bytes(2) + wire)
        try:
            sock.settimeout(0.1)
            return "answers" if sock.recv(2) else "closed"
        except TimeoutError:
            return "silent"


@pytest.mark.parametrize(
    ("faults", "udp", "tcp"),
    [
        ((Fault.DROP,), "silent", "not connected"),
        ((Fault.NO_UDP,), "silent", "answers"),
        ((Fault.NO_TCP,), "answers", "not connected"),
        ((Fault.TCP_REFUSED,), "answers", "refused"),
        ((Fault.CLOSED,), "refused", "refused"),
        ((Fault.SILENT,), "silent", "silent"),
        ((Fault.NO_UDP, Fault.TCP_REFUSED), "silent", "refused"),
    ],
)
def test_transports(up: Callable[[NameServer], Address], faults: tuple[Fault, ...], udp: str, tcp: str) -> None:
    at = up(PLAIN.failing(*faults))
    assert (over_udp(at), over_tcp(at)) == (udp, tcp)


def test_answers_in_turn(up: Callable[[NameServer], Address]) -> None:
    one, two = (zone(SHOP, SHOP_SERVERS, f"origin A {address}") for address in ("203.0.113.1", "203.0.113.2"))
    at = up(NameServer("", (one,), rotation=((two,),)))
    given = [ask(at, "origin.shop.lab").answer[0][0].to_text() for _ in range(4)]
    assert given == ["203.0.113.1", "203.0.113.2"] * 2


def test_a_template_answers_what_no_zone_can_hold(up: Callable[[NameServer], Address]) -> None:
    template = Template(SHOP, "shop.lab. 60 IN CNAME www.example.net.", types=("A",))
    at = up(replace(PLAIN, templates=(template,)))
    assert shown(ask(at, "shop.lab"))[:3] == ("NOERROR", "AA", ["shop.lab. CNAME www.example.net."])
    assert shown(ask(at, "shop.lab", "SOA"))[2] == SOA


def test_a_slow_server_answers(up: Callable[[NameServer], Address]) -> None:
    at = up(replace(PLAIN, delay=0.01))
    assert shown(ask(at, "origin.shop.lab"))[2] == shown(ask(at, "origin.shop.lab", tcp=True))[2] == ORIGIN


def test_a_zone_that_cannot_be_read_is_an_error(servers: Servers) -> None:
    with pytest.raises(dns.exception.DNSException):
        listen(servers, NameServer("", (Zone(SHOP, "origin A not-an-address\n"),)))


# --- DNSSEC -------------------------------------------------------------------------------------------------------


def signed(days: tuple[int, int] = (-1, 14)) -> tuple[NameServer, Signer]:
    signer = Signer(days=days)
    return NameServer("", (zone(SHOP, SHOP_SERVERS, RECORDS, signer=signer),)), signer


def keys_of(at: Address) -> dict[dns.name.Name, dns.rrset.RRset]:
    keys, signature = ask(at, "shop.lab", "DNSKEY", want_dnssec=True).answer
    found = {keys.name: keys}
    dns.dnssec.validate(keys, signature, found)  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize("question", ["origin A", "x.wild A", "missing A", "below A", "x.wild MX", "sub DS"])
def test_every_record_of_the_zone_is_signed(up: Callable[[NameServer], Address], question: str) -> None:
    server, _ = signed()
    at = up(server)
    name, kind = question.split()
    answer = ask(at, f"{name}.shop.lab", kind, want_dnssec=True, tcp=True)
    sets = [r for r in (*answer.answer, *answer.authority) if r.rdtype != dns.rdatatype.RRSIG]
    assert sets
    for rrset in sets:
        section = answer.answer if rrset in answer.answer else answer.authority
        signature = answer.get_rrset(section, rrset.name, dns.rdataclass.IN, dns.rdatatype.RRSIG, rrset.rdtype)
        assert signature is not None, rrset
        dns.dnssec.validate(rrset, signature, keys_of(at))  # type: ignore[arg-type]


def test_signatures_come_on_request_only(up: Callable[[NameServer], Address]) -> None:
    server, _ = signed()
    assert shown(ask(up(server), "origin.shop.lab"))[2] == ORIGIN


def test_denials_are_proven(up: Callable[[NameServer], Address]) -> None:
    server, _ = signed()
    at = up(server)

    def proof(name: str, kind: str = "A") -> set[tuple[str, str]]:
        answer = ask(at, name, kind, want_dnssec=True, tcp=True)
        found = [r for r in answer.authority if r.rdtype == dns.rdatatype.NSEC]
        return {(str(r.name), str(r[0].next)) for r in found}

    assert proof("missing.shop.lab") == {("loop2.shop.lab.", "origin.new.shop.lab."), ("shop.lab.", "alias.shop.lab.")}
    assert {owner for owner, _ in proof("origin.shop.lab", "MX")} == {"origin.shop.lab."}
    assert {owner for owner, _ in proof("www.sub.shop.lab")} == {"sub.shop.lab."}  # that it has no DS record


def test_signatures_may_be_over(up: Callable[[NameServer], Address]) -> None:
    server, _ = signed(days=(-30, -2))
    with pytest.raises(dns.dnssec.ValidationFailure):
        keys_of(up(server))


def test_the_ds_record_fits_the_key(up: Callable[[NameServer], Address]) -> None:
    server, signer = signed()
    ((name, keys),) = keys_of(up(server)).items()
    assert dns.dnssec.make_ds(name, keys[0], "SHA256").to_text() == signer.ds(SHOP)


# --- dig, as people use it --------------------------------------------------------------------------------------------


def dig(at: Address, *words: str) -> str:
    command = ["dig", f"@{at[0]}", "-p", str(at[1]), "+tries=1", "+time=5", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30).stdout


@pytest.mark.needs("dig")
def test_dig_understands(up: Callable[[NameServer], Address]) -> None:
    at, large = up(PLAIN), up(LARGE)
    assert sorted(dig(at, "+short", "origin.shop.lab", "A").split()) == ["203.0.113.10", "203.0.113.20"]
    assert "status: NXDOMAIN" in dig(at, "missing.shop.lab", "A")
    assert "WARNING" not in dig(at, "+norecurse", "www.sub.shop.lab", "A")
    assert len(dig(large, "+short", "origin.shop.lab", "A").split()) == 100
    assert "flags: qr tc" not in dig(large, "+tcp", "+norecurse", "origin.shop.lab", "A")


@pytest.mark.needs("delv")
def test_delv_validates(up: Callable[[NameServer], Address], tmp_path: Path) -> None:
    server, signer = signed()
    good, anchor = up(server), tmp_path / "anchor"
    tag, algorithm, kind, digest = signer.ds(SHOP).split()
    anchor.write_text(f'trust-anchors {{ "shop.lab." static-ds {tag} {algorithm} {kind} "{digest}"; }};\n')

    def delv(at: Address, name: str) -> str:
        command = ["delv", f"@{at[0]}", "-p", str(at[1]), "-a", str(anchor), "+root=shop.lab", name, "A"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
        return done.stdout + done.stderr

    assert "; fully validated\norigin.shop.lab" in delv(good, "origin.shop.lab")
    assert "; fully validated\nx.wild.shop.lab" in delv(good, "x.wild.shop.lab")
    assert "ncache nxdomain" in delv(good, "missing.shop.lab")
    assert "; negative response, fully validated" in delv(good, "missing.shop.lab")
