"""A small recursive resolver, the edge's own: from the root down, the first server whose answer can be used wins.

It is part of the lab's independent judge and shares no code with the probes and judges of this package. Like other
resolvers it goes on to the next server where one is silent, refuses or is lame, believes an authoritative NXDOMAIN,
asks over TCP what is truncated, and gives up on servers that never answer questions with EDNS
(https://www.dnsflagday.net/2019/), but not on those that answer FORMERR (RFC 6891, section 7).

Whether CloudFront validates DNSSEC is not documented. With a trust anchor this resolver does, as public ones do.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Literal

import dns.dnssec
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

Kind = Literal["A", "AAAA"]
MAX_ALIASES = 11
"""CNAMEs followed at most; unbound's number."""
_MAX_DEPTH = 6
_MAX_CUTS = 16
_PATIENCE = 1.5  # seconds for all servers together; loopback answers at once or never
_PATIENCE_AGAIN = 0.5  # seconds for one that has answered already
_PAYLOAD = 1232
_IN = dns.rdataclass.IN
_NS, _DS, _DNSKEY, _CNAME = dns.rdatatype.NS, dns.rdatatype.DS, dns.rdatatype.DNSKEY, dns.rdatatype.CNAME

_Place = tuple[str, int]
_Records = list[dns.rrset.RRset]
_Keys = Mapping[dns.name.Name, dns.rrset.RRset]


class Unresolved(Exception):
    """There is no address: why."""


@dataclass(frozen=True, slots=True)
class View:
    """Where resolvers begin, and how name servers are reached."""

    roots: tuple[str, ...]
    """Addresses of the root's name servers."""
    places: Mapping[str, _Place]
    """Where each name server really is, by its address; one that is not here is not reached."""
    anchor: str = ""
    """The data of the root's DS record, as text; empty: nothing is validated."""
    silent: set[tuple[_Place, dns.name.Name, dns.rdatatype.RdataType]] = field(default_factory=set, compare=False)
    """Who gave no answer to which question, and is not asked it again; resolvers remember this for minutes."""


@dataclass(frozen=True, slots=True)
class _Zone:
    """A zone on the way down: its servers, and its keys where the way down to it is signed."""

    name: dns.name.Name
    addresses: tuple[str, ...]
    keys: _Keys = field(default_factory=dict)


class Resolver:
    """Resolves names, each time anew; only who said nothing is remembered, in the view."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._first = 0
        self._under_way: set[tuple[dns.name.Name, Kind]] = set()
        self._name_servers: dict[dns.name.Name, tuple[str, ...]] = {}

    def resolve(self, name: str, kind: Kind = "A", *, first: int = 0) -> tuple[str, ...]:
        """Return the addresses of `name`, sorted. Raises Unresolved.

        `first` counts from 0 which server of each zone is asked first.
        """
        self._first = first
        self._name_servers = {}
        return self._resolve(dns.name.from_text(name), kind)

    def _resolve(self, name: dns.name.Name, kind: Kind) -> tuple[str, ...]:
        """Follow aliases until there are addresses."""
        asked = (name, kind)
        if asked in self._under_way or len(self._under_way) == _MAX_DEPTH:
            raise Unresolved(f"{name}: to find its name servers takes these name servers")
        self._under_way.add(asked)
        try:
            for _ in range(MAX_ALIASES + 1):
                found = self._walk(name, kind)
                if isinstance(found, tuple):
                    return found
                name = found
            raise Unresolved(f"{name}: too many aliases")
        finally:
            self._under_way.discard(asked)

    def _walk(self, name: dns.name.Name, kind: Kind) -> tuple[str, ...] | dns.name.Name:
        """Return the addresses of `name`, or where its alias leads."""
        return _final(self._descend(name, dns.rdatatype.from_text(kind)), name, kind)

    def look_up(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> tuple[dns.rcode.Rcode, _Records]:
        """Return what a resolver answers to any question: its code, and the records with the aliases before them.

        Raises Unresolved where no server can be believed.
        """
        self._first, self._name_servers, found = 0, {}, []
        for _ in range(MAX_ALIASES + 1):
            reply = self._descend(name, kind)
            records = reply.get_rrset(reply.answer, name, _IN, kind)
            alias = None if records else reply.get_rrset(reply.answer, name, _IN, _CNAME)
            found += [rrset for rrset in (records, alias) if rrset]
            if alias is None:
                return reply.rcode(), found
            name = alias[0].target
        raise Unresolved(f"{name}: too many aliases")

    def _descend(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> dns.message.Message:
        """Go down from the root to the zone that answers, and return its answer. Raises Unresolved."""
        root = _Zone(dns.name.root, self._view.roots)
        ds = dns.rrset.from_text(dns.name.root, 0, _IN, _DS, self._view.anchor) if self._view.anchor else None
        zone = self._entered(root, ds)
        for _ in range(_MAX_CUTS):
            reply = self._ask(zone, name, kind)
            cut = _cut(reply, zone.name, name)
            if cut is None:
                return reply
            below = _Zone(cut.name, self._addresses(reply, cut, zone.name))
            zone = self._entered(below, reply.get_rrset(reply.authority, cut.name, _IN, _DS) if zone.keys else None)
        raise Unresolved(f"{name}: too many delegations")

    def _entered(self, zone: _Zone, ds: dns.rrset.RRset | None) -> _Zone:
        """Return the zone with its keys, where the zone above says that it is signed. Raises Unresolved."""
        if ds is None:
            return zone
        reply = self._ask(zone, zone.name, _DNSKEY)
        keys = reply.get_rrset(reply.answer, zone.name, _IN, _DNSKEY)
        if keys is None:
            raise Unresolved(f"{zone.name} bogus: signed, says the zone above, and has no keys")
        known = {dns.dnssec.make_ds(zone.name, key, record.digest_type) for key in keys for record in ds}
        if not known & set(ds) or not _is_signed(reply, keys, {zone.name: keys}):
            raise Unresolved(f"{zone.name} bogus: the DS record fits no key")
        return _Zone(zone.name, zone.addresses, {zone.name: keys})

    def _addresses(self, reply: dns.message.Message, cut: dns.rrset.RRset, zone: dns.name.Name) -> tuple[str, ...]:
        """Return the addresses of the servers of a delegation: glue counts for names inside the zone that gave it."""
        found: set[str] = set()
        for record in cut:
            glue = {
                address.address
                for rrset in reply.additional
                if rrset.name == record.target and rrset.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA)
                for address in rrset
            }
            found |= glue if glue and record.target.is_subdomain(zone) else set(self._server(record.target, cut.name))
        if not found:
            raise Unresolved(f"{cut.name}: none of its name servers has a known address")
        return tuple(sorted(found))

    def _server(self, name: dns.name.Name, zone: dns.name.Name) -> tuple[str, ...]:
        """Return the addresses of a name server without glue; inside its own zone nobody can find it."""
        if name.is_subdomain(zone):
            return ()
        if name not in self._name_servers:
            found: list[str] = []
            kinds: tuple[Kind, ...] = ("A", "AAAA")
            for kind in kinds:
                try:
                    found += self._resolve(name, kind)
                except Unresolved:
                    continue
            self._name_servers[name] = tuple(found)
        return self._name_servers[name]

    def _ask(self, zone: _Zone, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> dns.message.Message:
        """Return the first usable answer of the servers of a zone. Raises Unresolved."""
        first = self._first % len(zone.addresses)
        order = zone.addresses[first:] + zone.addresses[:first]
        places = [self._view.places[address] for address in order if address in self._view.places]
        why: set[str] = set()
        for reply in self._replies(places, name, kind):
            problem = _problem(reply, zone, name, kind)
            if not problem:
                return reply
            why.add(problem)
        said = ", ".join(sorted(why)) or "silence"
        raise Unresolved(f"{name}: no server of {zone.name} gives a usable answer ({said})")

    def _replies(
        self, places: Iterable[_Place], name: dns.name.Name, kind: dns.rdatatype.RdataType
    ) -> Iterator[dns.message.Message]:
        """Ask all at once, and yield the answers in the order of the servers, as if one were asked after the other."""
        query = dns.message.make_query(name, kind, want_dnssec=True, payload=_PAYLOAD)
        query.flags &= ~dns.flags.RD
        until = time.monotonic() + _PATIENCE
        with ExitStack() as stack:
            willing = [place for place in places if (place, name, kind) not in self._view.silent]
            for place, sock in [(place, _sent(stack, place, query)) for place in willing]:
                reply = _received(sock, query, until)
                whole = _completed(place, query, reply) if reply else None
                if whole is None:
                    self._view.silent.add((place, name, kind))
                else:
                    yield whole


def _cut(reply: dns.message.Message, zone: dns.name.Name, name: dns.name.Name) -> dns.rrset.RRset | None:
    """Return the NS records of a zone further down towards `name`, where that is all that the answer holds."""
    if reply.answer or reply.rcode() != dns.rcode.NOERROR:
        return None
    cuts = (r for r in reply.authority if r.rdtype == _NS and name.is_subdomain(r.name))
    return next((r for r in cuts if r.name != zone and r.name.is_subdomain(zone)), None)


def _final(reply: dns.message.Message, name: dns.name.Name, kind: Kind) -> tuple[str, ...] | dns.name.Name:
    """Return the addresses in an authoritative answer, or where its alias leads. Raises Unresolved."""
    if alias := reply.get_rrset(reply.answer, name, _IN, _CNAME):
        target: dns.name.Name = alias[0].target
        return target
    if records := reply.get_rrset(reply.answer, name, _IN, dns.rdatatype.from_text(kind)):
        return tuple(sorted(record.address for record in records))
    missing = "it does not exist" if reply.rcode() == dns.rcode.NXDOMAIN else f"it has no {kind} record"
    raise Unresolved(f"{name}: {missing}")


def _problem(reply: dns.message.Message, zone: _Zone, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> str:
    """Say why an answer cannot be used; empty: it can."""
    if reply.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return dns.rcode.to_text(reply.rcode())
    cut = _cut(reply, zone.name, name)
    if cut is None and not reply.flags & dns.flags.AA:
        return "lame"
    said = (
        [reply.get_rrset(reply.authority, cut.name, _IN, _DS)]
        if cut
        else [reply.get_rrset(reply.answer, name, _IN, k) for k in (_CNAME, kind)]
    )
    if zone.keys and not all(_is_signed(reply, rrset, zone.keys) for rrset in said if rrset):
        return "bogus"
    return ""


def _is_signed(reply: dns.message.Message, rrset: dns.rrset.RRset, keys: _Keys) -> bool:
    """Tell whether valid signatures come with the records. That records are absent is believed without proof."""
    section = reply.answer if rrset in reply.answer else reply.authority
    signatures = reply.get_rrset(section, rrset.name, _IN, dns.rdatatype.RRSIG, rrset.rdtype)
    try:
        if signatures is None:
            return False
        dns.dnssec.validate(rrset, signatures, dict(keys))
    except dns.exception.DNSException:
        return False
    return True


def _sent(stack: ExitStack, place: _Place, query: dns.message.Message) -> socket.socket:
    family = socket.AF_INET6 if ":" in place[0] else socket.AF_INET
    sock = stack.enter_context(socket.socket(family, socket.SOCK_DGRAM))
    sock.connect(place)  # so that ICMP is heard
    sock.send(query.to_wire())
    return sock


def _received(sock: socket.socket, query: dns.message.Message, until: float) -> dns.message.Message | None:
    """Return the answer that came, or comes until then."""
    while True:
        sock.settimeout(max(until - time.monotonic(), 0.001))
        try:
            message = dns.message.from_wire(sock.recv(65_535))
        except (OSError, dns.exception.DNSException, ValueError):
            return None
        if query.is_response(message):
            return message


def _completed(place: _Place, query: dns.message.Message, reply: dns.message.Message) -> dns.message.Message | None:
    """Return the whole answer where the first is truncated, or where the server does not know EDNS."""
    address, port = place
    try:
        if reply.rcode() == dns.rcode.FORMERR and reply.edns < 0:
            query = dns.message.make_query(query.question[0].name, query.question[0].rdtype, use_edns=False)
            reply = dns.query.udp(query, address, port=port, timeout=_PATIENCE_AGAIN)
        if reply.flags & dns.flags.TC:
            reply = dns.query.tcp(query, address, port=port, timeout=_PATIENCE_AGAIN)
    except (OSError, EOFError, dns.exception.DNSException):
        return None
    return reply
