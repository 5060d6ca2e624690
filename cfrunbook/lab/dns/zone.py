"""What a name server knows: the answer that its zones give to one question.

RFC 1034 (section 4.3.2), RFC 2308 (negative answers), RFC 4592 (wildcards), RFC 6672 (DNAME), RFC 4035 (section 3).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import dns.name
import dns.node
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rdtypes.ANY.CNAME
import dns.rdtypes.ANY.DNAME
import dns.rrset
import dns.zone

from cfrunbook.lab.dns import setup

_MAX_CHAIN = 16
_IN = dns.rdataclass.IN
_A, _AAAA, _NS, _SOA = dns.rdatatype.A, dns.rdatatype.AAAA, dns.rdatatype.NS, dns.rdatatype.SOA
_CNAME, _DNAME, _DS = dns.rdatatype.CNAME, dns.rdatatype.DNAME, dns.rdatatype.DS
_NSEC, _RRSIG, _ANY = dns.rdatatype.NSEC, dns.rdatatype.RRSIG, dns.rdatatype.ANY


@dataclass(slots=True)
class Reply:
    """The sections of an answer."""

    rcode: dns.rcode.Rcode = dns.rcode.NOERROR
    authoritative: bool = True
    answer: list[dns.rrset.RRset] = field(default_factory=list)
    authority: list[dns.rrset.RRset] = field(default_factory=list)
    additional: list[dns.rrset.RRset] = field(default_factory=list)


class LoadedZone:
    """A zone, read and, where wanted, signed."""

    def __init__(self, zone: setup.Zone) -> None:
        """Raise dns.exception.DNSException for a text that is no zone."""
        self.origin = dns.name.from_text(zone.origin)
        self._zone = dns.zone.from_text(zone.text, origin=self.origin, relativize=False, check_origin=bool(zone.text))
        self.signed = zone.signer is not None
        if zone.signer:
            zone.signer.sign(self._zone)
        self._names = sorted(self._zone.nodes)
        # Names between a record and the apex exist, too, although they have no records: empty non-terminals.
        self._existing = {
            dns.name.Name(name.labels[cut:]) for name in self._names for cut in range(len(name) - len(self.origin) + 1)
        }

    def node(self, name: dns.name.Name) -> dns.node.Node | None:
        """Return the records at exactly this name."""
        return self._zone.nodes.get(name)

    def exists(self, name: dns.name.Name) -> bool:
        """Tell whether the name has records, or a name below it has."""
        return name in self._existing

    def below_apex(self, name: dns.name.Name) -> Iterable[dns.name.Name]:
        """Yield the names from just below the apex down to `name` itself."""
        for length in range(len(self.origin) + 1, len(name) + 1):
            yield dns.name.Name(name.labels[-length:])

    def closest_encloser(self, name: dns.name.Name) -> dns.name.Name:
        """Return the nearest ancestor of `name` that exists (RFC 4592, section 3.3.1)."""
        while not self.exists(name):
            name = name.parent()
        return name

    def rrset(
        self, name: dns.name.Name, kind: dns.rdatatype.RdataType, *, owner: dns.name.Name | None = None
    ) -> dns.rrset.RRset | None:
        """Return the records of one type, with another owner name for a wildcard's."""
        node = self.node(name)
        found = node.get_rdataset(_IN, kind) if node else None
        return _rrset(owner or name, found) if found else None

    def signature(
        self, name: dns.name.Name, kind: dns.rdatatype.RdataType, *, owner: dns.name.Name | None = None
    ) -> dns.rrset.RRset | None:
        """Return the signatures over the records of one type."""
        node = self.node(name)
        found = node.get_rdataset(_IN, _RRSIG, kind) if node else None
        return _rrset(owner or name, found) if found else None

    def covering(self, name: dns.name.Name) -> dns.name.Name:
        """Return the owner of the NSEC record that covers `name` or is at it."""
        owners = [n for n in self._names if n <= name and self.rrset(n, _NSEC)]
        return owners[-1] if owners else self.origin


def look_up(zones: Sequence[LoadedZone], name: dns.name.Name, kind: dns.rdatatype.RdataType, *, dnssec: bool) -> Reply:
    """Answer one question from these zones, and follow aliases as far as they go; about other zones REFUSED."""
    reply = Reply()
    asked: set[dns.name.Name] = set()
    while (zone := _zone_for(zones, name, kind)) and name not in asked and len(asked) < _MAX_CHAIN:
        asked.add(name)
        target = _Lookup(zone, reply, dnssec=dnssec and zone.signed).step(name, kind)
        if target is None:
            return reply
        name = target
    if not asked:
        return Reply(rcode=dns.rcode.REFUSED, authoritative=False)
    return reply


def _zone_for(zones: Sequence[LoadedZone], name: dns.name.Name, kind: dns.rdatatype.RdataType) -> LoadedZone | None:
    """Return the zone that answers; DS is the parent's, where the parent is here too."""
    holding = sorted((z for z in zones if name.is_subdomain(z.origin)), key=lambda z: len(z.origin), reverse=True)
    if kind == _DS and len(holding) > 1 and holding[0].origin == name:
        return holding[1]
    return holding[0] if holding else None


class _Lookup:
    """One zone's part in an answer."""

    def __init__(self, zone: LoadedZone, reply: Reply, *, dnssec: bool) -> None:
        self.zone = zone
        self.reply = reply
        self.dnssec = dnssec

    def step(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> dns.name.Name | None:
        """Add what this zone says of `name`; return where an alias leads, None when that was all."""
        zone = self.zone
        for ancestor in zone.below_apex(name):
            if zone.rrset(ancestor, _NS) and not (ancestor == name and kind == _DS):
                self._refer(ancestor)
                return None
        for ancestor in (zone.origin, *zone.below_apex(name)):
            if ancestor != name and (dname := zone.rrset(ancestor, _DNAME)):
                return self._rename(name, ancestor, dname)
        if zone.exists(name):
            return self._records(name, name, kind)
        encloser = zone.closest_encloser(name)
        wildcard = dns.name.Name((b"*", *encloser.labels))
        if zone.node(wildcard):
            self._prove(zone.covering(name))
            return self._records(wildcard, name, kind)
        self.reply.rcode = dns.rcode.NXDOMAIN
        self._deny()
        self._prove(zone.covering(name), zone.covering(wildcard))
        return None

    def _records(
        self, source: dns.name.Name, owner: dns.name.Name, kind: dns.rdatatype.RdataType
    ) -> dns.name.Name | None:
        """Answer with the records at `source`, under the name `owner`."""
        node = self.zone.node(source)
        kinds = [kind]
        if kind == _ANY:
            kinds = [r.rdtype for r in node.rdatasets if r.rdtype != _RRSIG] if node else []
        found = [rrset for k in kinds if (rrset := self.zone.rrset(source, k, owner=owner))]
        for rrset in found:
            self._add(self.reply.answer, rrset, source)
        if found:
            for nameservers in (r for r in found if r.rdtype == _NS):
                self._point_to(nameservers)
            return None
        if alias := self.zone.rrset(source, _CNAME, owner=owner):
            self._add(self.reply.answer, alias, source)
            (record,) = alias
            assert isinstance(record, dns.rdtypes.ANY.CNAME.CNAME)
            return record.target
        self._deny()
        self._prove(self.zone.covering(source))
        return None

    def _rename(self, name: dns.name.Name, ancestor: dns.name.Name, dname: dns.rrset.RRset) -> dns.name.Name | None:
        """Answer with a DNAME record and the CNAME record that follows from it."""
        self._add(self.reply.answer, dname, ancestor)
        (record,) = dname
        assert isinstance(record, dns.rdtypes.ANY.DNAME.DNAME)
        try:
            target = name.relativize(ancestor).concatenate(record.target)
        except dns.name.NameTooLong:
            self.reply.rcode = dns.rcode.YXDOMAIN
            return None
        self.reply.answer.append(dns.rrset.from_text(name, dname.ttl, _IN, _CNAME, target.to_text()))
        return target

    def _refer(self, cut: dns.name.Name) -> None:
        """Point to the servers of the zone below: they are in authority, the glue that is here in additional."""
        delegation = self.zone.rrset(cut, _NS)
        assert delegation
        self.reply.authoritative = bool(self.reply.answer)
        self.reply.authority.append(delegation)
        if self.dnssec:
            if secured := self.zone.rrset(cut, _DS):
                self._add(self.reply.authority, secured, cut)
            else:
                self._prove(self.zone.covering(cut))
        self._point_to(delegation)

    def _point_to(self, nameservers: dns.rrset.RRset) -> None:
        """Add the addresses of name servers, as far as they are in this zone."""
        for record in nameservers:
            for kind in (_A, _AAAA):
                if addresses := self.zone.rrset(record.target, kind):
                    self.reply.additional.append(addresses)

    def _deny(self) -> None:
        soa = self.zone.rrset(self.zone.origin, _SOA)
        if soa:
            soa.ttl = min(soa.ttl, soa[0].minimum)  # RFC 2308, section 3
            self._add(self.reply.authority, soa, self.zone.origin)

    def _prove(self, *owners: dns.name.Name) -> None:
        """Add the NSEC records at `owners`, each once."""
        for owner in dict.fromkeys(owners):
            if self.dnssec and (nsec := self.zone.rrset(owner, _NSEC)):
                self._add(self.reply.authority, nsec, owner)

    def _add(self, section: list[dns.rrset.RRset], rrset: dns.rrset.RRset, source: dns.name.Name) -> None:
        section.append(rrset)
        if self.dnssec and (signature := self.zone.signature(source, rrset.rdtype, owner=rrset.name)):
            section.append(signature)


def _rrset(owner: dns.name.Name, records: dns.rdataset.Rdataset) -> dns.rrset.RRset:
    rrset = dns.rrset.RRset(owner, records.rdclass, records.rdtype, records.covers)
    rrset.update(records)
    rrset.update_ttl(records.ttl)
    return rrset
