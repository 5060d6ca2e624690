"""Name servers on sockets: questions in, answers or faults out, over UDP and TCP on one port."""

from __future__ import annotations

import asyncio
import errno
import secrets
import socket
from collections.abc import Callable
from itertools import cycle

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.zonefile

from cfrunbook.lab.connections import Connection
from cfrunbook.lab.dns.setup import Fault, NameServer, Template
from cfrunbook.lab.dns.zone import LoadedZone, Reply, look_up
from cfrunbook.lab.servers import LOOPBACK, Address, Servers, fill_queue

UDP_PAYLOAD = 1232
"""Bytes of an answer over UDP at most (https://www.dnsflagday.net/2020/); without EDNS 512."""
_PLAIN_PAYLOAD = 512
_HEADER = 12
_TRIES = 16
_LONGEST_TCP_MESSAGE = 65_535

_RCODES = {
    Fault.REFUSED: dns.rcode.REFUSED,
    Fault.SERVFAIL: dns.rcode.SERVFAIL,
    Fault.NOTIMP: dns.rcode.NOTIMP,
}
_ROOT_REFERRAL = "a.root-servers."


class Responder:
    """One name server's answers, without sockets."""

    def __init__(self, server: NameServer) -> None:
        """Read the zones. Raises dns.exception.DNSException for one that cannot be read."""
        loaded: dict[int, LoadedZone] = {}
        views = [
            [loaded.setdefault(id(zone), LoadedZone(zone)) for zone in zones]
            for zones in (server.zones, *server.rotation)
        ]
        self._views = cycle(views)
        self._server = server
        self._templates = [(_read(t), t.types) for t in server.templates]

    def respond(self, wire: bytes, *, tcp: bool) -> bytes | None:
        """Return what goes back for one message; None: nothing. Never raises for what a message holds."""
        try:
            query = dns.message.from_wire(wire)
        except (dns.exception.DNSException, ValueError):
            return _unreadable(wire)
        if query.flags & dns.flags.QR:
            return None
        if query.opcode() != dns.opcode.QUERY or len(query.question) != 1:
            rcode = dns.rcode.FORMERR if query.opcode() == dns.opcode.QUERY else dns.rcode.NOTIMP
            return _wire(query, Reply(rcode=rcode, authoritative=False), tcp=tcp)
        kind = query.question[0].rdtype
        types = self._server.types
        faults = self._server.faults if not types or dns.rdatatype.to_text(kind) in types else ()
        return self._fail(query, faults, tcp=tcp)

    def _fail(self, query: dns.message.Message, faults: tuple[Fault, ...], *, tcp: bool) -> bytes | None:
        """Return the answer, made wrong by every fault in its turn."""
        has_edns = query.edns >= 0
        if Fault.SILENT in faults or (has_edns and Fault.DROP_EDNS in faults):
            return None
        if has_edns and Fault.FORMERR_EDNS in faults:
            query.use_edns(False)
            return _wire(query, Reply(rcode=dns.rcode.FORMERR, authoritative=False), tcp=tcp)
        if Fault.GARBAGE in faults:
            return query.id.to_bytes(2) + b"\x84\x00\x00\x01\x00\x09\x00\x00\x00\x00" + b"\xc0\xff\xee" * 9
        wire = _wire(query, self._reply(query, faults), tcp=tcp, truncate=Fault.TRUNCATE in faults)
        if Fault.WRONG_ID in faults:
            return ((query.id + 1 + secrets.randbelow(65_534)) % 65_536).to_bytes(2) + wire[2:]
        return wire

    def _reply(self, query: dns.message.Message, faults: tuple[Fault, ...]) -> Reply:
        (question,) = query.question
        for fault in faults:
            if fault in _RCODES:
                return Reply(rcode=_RCODES[fault], authoritative=False)
        if Fault.NXDOMAIN in faults:
            return Reply(rcode=dns.rcode.NXDOMAIN)
        if Fault.UPWARD_REFERRAL in faults:
            return Reply(authoritative=False, authority=[_root_servers()])
        if query.edns > 0:
            return Reply(rcode=dns.rcode.BADVERS, authoritative=False)
        if question.rdclass != dns.rdataclass.IN:
            return Reply(rcode=dns.rcode.REFUSED, authoritative=False)
        zones = next(self._views)
        reply = self._template(question)
        if reply is None:
            dnssec = bool(query.ednsflags & dns.flags.DO)
            reply = look_up(zones, question.name, question.rdtype, dnssec=dnssec)
        if Fault.NOT_AUTHORITATIVE in faults:
            reply.authoritative = False
        return reply

    def _template(self, question: dns.rrset.RRset) -> Reply | None:
        for (name, records), types in self._templates:
            if name == question.name and (not types or dns.rdatatype.to_text(question.rdtype) in types):
                return Reply(answer=records)
        return None


def _read(template: Template) -> tuple[dns.name.Name, list[dns.rrset.RRset]]:
    """Read the records one by one: together, of several CNAME records only the last would be left."""
    lines = (dns.zonefile.read_rrsets(line, rdclass=None, default_ttl=300) for line in template.records.splitlines())
    return dns.name.from_text(template.name), [rrset for found in lines for rrset in found]


def _root_servers() -> dns.rrset.RRset:
    return dns.rrset.from_text(dns.name.root, 3_600_000, dns.rdataclass.IN, dns.rdatatype.NS, _ROOT_REFERRAL)


def _wire(query: dns.message.Message, reply: Reply, *, tcp: bool, truncate: bool = False) -> bytes:
    """Return the message; over UDP one that does not fit is cut to its question, with TC set."""
    response = dns.message.make_response(query, our_payload=UDP_PAYLOAD)
    if query.edns >= 0:  # DO is copied (RFC 3225, section 3)
        response.use_edns(0, query.ednsflags & dns.flags.DO, UDP_PAYLOAD)
    response.set_rcode(reply.rcode)
    if reply.authoritative:
        response.flags |= dns.flags.AA
    limit = _LONGEST_TCP_MESSAGE if tcp else max(_PLAIN_PAYLOAD, min(query.payload, UDP_PAYLOAD))
    if not truncate or tcp:
        response.answer, response.authority, response.additional = reply.answer, reply.authority, reply.additional
        try:
            return response.to_wire(max_size=limit)
        except dns.exception.TooBig:
            response.answer, response.authority, response.additional = [], [], []
    response.flags |= dns.flags.TC
    return response.to_wire(max_size=limit)


def _unreadable(wire: bytes) -> bytes | None:
    """Return FORMERR to what has at least the header of a query."""
    if len(wire) < _HEADER or wire[2] & 0x80:
        return None
    return wire[:2] + bytes([wire[2] & 0x79 | 0x80, dns.rcode.FORMERR]) + bytes(8)


# --- sockets ------------------------------------------------------------------------------------------------------


def listen(servers: Servers, server: NameServer, address: str = LOOPBACK, port: int = 0) -> Address:
    """Bring `server` up on one port, UDP and TCP, a new one unless it is given; return where.

    Raises OSError, or dns.exception.DNSException for a zone that cannot be read.
    """
    responder = Responder(server)
    tcp, udp = bound(address, port)
    where: Address = tcp.getsockname()[:2]
    faults = set(server.faults)
    if faults & {Fault.CLOSED}:
        udp.connect(where)  # to itself: the kernel answers everybody else that nobody listens
        servers.hold(tcp, udp)
        return where
    if faults & {Fault.DROP, Fault.NO_UDP}:
        servers.hold(udp)
    else:
        servers.serve_datagrams(lambda: _Datagrams(responder, server.delay), udp)
    if faults & {Fault.DROP, Fault.NO_TCP}:
        servers.hold(*fill_queue(tcp))
    elif Fault.TCP_REFUSED in faults:
        servers.hold(tcp)
    else:
        servers.serve_on(lambda: _Stream(servers.connections, responder, server.delay), tcp)
    return where


def bound(address: str, port: int) -> tuple[socket.socket, socket.socket]:
    """Return a TCP and a UDP socket of one port. Raises OSError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for attempt in range(_TRIES):
        tcp, udp = socket.socket(family, socket.SOCK_STREAM), socket.socket(family, socket.SOCK_DGRAM)
        try:
            if port:  # connections that have ended linger there
                tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tcp.bind((address, port))
            udp.bind(tcp.getsockname())
        except OSError as error:
            tcp.close()
            udp.close()
            if port or error.errno != errno.EADDRINUSE or attempt == _TRIES - 1:
                raise
        else:
            return tcp, udp
    raise AssertionError("unreachable")


def _after(delay: float, do: Callable[[], None]) -> None:
    if delay:
        asyncio.get_running_loop().call_later(delay, do)
    else:
        do()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, responder: Responder, delay: float) -> None:
        self._responder = responder
        self._delay = delay

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = self._responder.respond(data, tcp=False)
        if answer is not None:
            _after(self._delay, lambda: self._transport.sendto(answer, addr))


class _Stream(Connection):
    """Questions with their length in front (RFC 7766), any number on one connection."""

    def __init__(self, open_connections: set[asyncio.Transport], responder: Responder, delay: float) -> None:
        super().__init__(open_connections)
        self._responder = responder
        self._delay = delay
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        while len(self._received) >= 2 and len(self._received) >= (end := 2 + int.from_bytes(self._received[:2])):
            message, self._received = self._received[2:end], self._received[end:]
            answer = self._responder.respond(message, tcp=True)
            if answer is not None:
                self._answer(len(answer).to_bytes(2) + answer)

    def _answer(self, framed: bytes) -> None:
        _after(self._delay, lambda: self.transport.write(framed))
