"""Follow DNSSEC from the root's keys down to a zone: signed all the way, provably not signed, or not to be told. Pure.

What a validating resolver does (https://www.rfc-editor.org/rfc/rfc4035#section-5), with what a walk brought along: the
keys of every zone on the way, the DS records that lead to them, and the proofs that there is none.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

from cfrunbook.causes.dns_delegation import Delegations, ZoneView
from cfrunbook.causes.dns_words import parent_shown
from cfrunbook.evidence import DnsQuery, DnsRecord
from cfrunbook.probes.dns.names import ROOT, depth, enclosing, is_below, is_within, plain
from cfrunbook.text import join_names, visible

if TYPE_CHECKING:
    import dns.rrset

MAX_ITERATIONS = 500
"""Rounds of NSEC3's hash that are computed; resolvers stop at 150 or fewer (RFC 9276, section 3.2)."""
DIGESTS = frozenset({1, 2, 4})
SUPPORTED = frozenset({8, 10, 13, 14, 15, 16})
"""Algorithms that resolvers validate; a zone with others counts as not signed (RFC 8624)."""
_NS, _SOA, _DS = 2, 6, 43
_OPT_OUT = 1


class Security(StrEnum):
    """What a validating resolver makes of a zone."""

    SECURE = "secure"
    INSECURE = "insecure"
    """Not signed, and a signed zone above proves that it is not."""
    UNKNOWN = "unknown"
    UNSIGNED_ROOT = "unsigned_root"
    """The root itself has no keys: there is no DNSSEC in this tree."""


class Chain(msgspec.Struct, frozen=True):
    """How far the way from the root to a zone is signed."""

    security: Security
    why: str = ""
    """What proves it, or why it cannot be told; a clause."""
    shows: tuple[DnsQuery, ...] = ()


def follow(walk: Delegations, zone: ZoneView, at: dt.datetime, anchors: Sequence[str]) -> Chain:
    """Return how far the way from the root to `zone` is signed at the moment `at`; `anchors` are the root's DS data."""
    above = sorted((z for z in walk.zones_by_name if is_within(zone.name, z.name)), key=lambda z: depth(z.name))
    root = next((z for z in above if z.name == ROOT), None)
    if root is None:
        return Chain(Security.UNKNOWN, "the recording holds no question to the root")
    keys, chain = _root_keys(root, at, anchors)
    shows = [*chain.shows]
    for below in (z for z in above if z.name != ROOT):
        if keys is None:
            return chain
        keys, chain = _step(walk, below, keys, at)
        shows += chain.shows
    if keys is None:
        return chain
    return Chain(Security.SECURE, chain.why, tuple(shows))


_Keys = Any


def _root_keys(root: ZoneView, at: dt.datetime, anchors: Sequence[str]) -> tuple[_Keys, Chain]:
    asked = [q for p in root.places for q in p.replies(ROOT, "DNSKEY")]
    if not asked:
        return None, Chain(Security.UNKNOWN, "no root server told its keys")
    query = asked[0]
    keys = rrset_of(query.answer, ROOT, "DNSKEY")
    if keys is None:
        return None, Chain(Security.UNSIGNED_ROOT, "the root has no keys", (query,))
    trusted = rrset_of([DnsRecord(owner=ROOT, ttl=0, type="DS", data=ds) for ds in anchors], ROOT, "DS") or ()
    fitting = [key for key in keys for ds in trusted if fits(ROOT, key, ds)]
    if not fitting:
        why = f"the root that was asked has other keys ({tags(keys)}) than the internet's"
        return None, Chain(Security.UNKNOWN, why, (query,))
    problem = broken_signature(query.answer, keys, ROOT, _set_of(keys, fitting), at)
    if problem:
        return None, Chain(Security.UNKNOWN, problem, (query,))
    return keys, Chain(Security.SECURE, f"from the root's key {tags(_set_of(keys, fitting))} down", (query,))


def _step(walk: Delegations, zone: ZoneView, parent_keys: _Keys, at: dt.datetime) -> tuple[_Keys, Chain]:
    """Follow one delegation: by its DS records to the keys of the zone, or by the proof that there is none."""
    name = visible(zone.name, 120)
    about = [q for q in walk.queries if (q.zone, q.name, q.type) == (zone.parent, zone.name, "DS") and q.authoritative]
    about += zone.referrals
    for query in about:
        records = [*query.answer, *query.authority]
        if (ds := rrset_of(records, zone.name, "DS")) is None:
            continue
        if problem := broken_signature(records, ds, zone.parent, parent_keys, at):
            return None, Chain(Security.UNKNOWN, problem, (query,))
        usable = [r for r in ds if r.algorithm in SUPPORTED and r.digest_type in DIGESTS]
        if not usable:
            why = f"the DS records of {name} are of kinds that resolvers do not know"
            return None, Chain(Security.INSECURE, why, (query,))
        return _keys_of(zone, usable, query, at)
    for query in about:
        if proof := proof_of_none([*query.answer, *query.authority], zone, parent_keys, at):
            why = f"{parent_shown(zone)} proves that {name} has no DS record ({proof})"
            return None, Chain(Security.INSECURE, why, (query,))
    if not about:
        return None, Chain(Security.UNKNOWN, f"nobody was asked for the DS record of {name}")
    why = f"{parent_shown(zone)} gives no DS record for {name}, and no proof came that there is none"
    return None, Chain(Security.UNKNOWN, why, tuple(about[:1]))


def _keys_of(zone: ZoneView, ds: Sequence[Any], told_by: DnsQuery, at: dt.datetime) -> tuple[_Keys, Chain]:
    asked = [q for p in zone.places for q in p.replies(zone.name, "DNSKEY")]
    name = visible(zone.name, 120)
    for query in asked:
        keys = rrset_of(query.answer, zone.name, "DNSKEY")
        if keys is None:
            continue
        fitting = [key for key in keys for record in ds if fits(zone.name, key, record)]
        if not fitting:
            return None, Chain(Security.UNKNOWN, f"the DS record of {name} fits none of its keys", (told_by, query))
        if problem := broken_signature(query.answer, keys, zone.name, _set_of(keys, fitting), at):
            return None, Chain(Security.UNKNOWN, problem, (query,))
        return keys, Chain(Security.SECURE, "", (told_by, query))
    why = f"{name} has a DS record and no keys" if asked else f"no server of {name} told its keys"
    return None, Chain(Security.UNKNOWN, why, (told_by, *asked[:1]))


# --- that there is no DS record ---------------------------------------------------------------------------------------


def proof_of_none(records: Sequence[DnsRecord], zone: ZoneView, keys: Any, at: dt.datetime) -> str:
    """Return by what a zone above proves that `zone` has no DS record; empty where it does not.

    https://www.rfc-editor.org/rfc/rfc4035#section-5.2, https://www.rfc-editor.org/rfc/rfc5155#section-8.6
    """
    nsec = rrset_of(records, zone.name, "NSEC")
    if nsec is not None and _is_bare_delegation(nsec[0]):
        return "" if broken_signature(records, nsec, zone.parent, keys, at) else "NSEC"
    hashed = []
    for owner in dict.fromkeys(r.owner for r in records if r.type == "NSEC3"):
        found = rrset_of(records, owner, "NSEC3")
        if found is not None and not broken_signature(records, found, zone.parent, keys, at):
            hashed.append((owner.partition(".")[0].upper(), found[0]))
    return _hashed_proof(hashed, zone)


def _hashed_proof(hashed: Sequence[tuple[str, Any]], zone: ZoneView) -> str:
    for name in enclosing(zone.name):
        if not is_below(name, zone.parent):
            return ""
        for owner, record in hashed:
            digest = _hash(name, record)
            if not digest:
                continue
            if owner == digest and name == zone.name:
                return "NSEC3" if _is_bare_delegation(record) else ""
            covered = _is_between(digest, owner, record.next_name().to_text().upper().rstrip("."))
            encloser = name.partition(".")[2] or ROOT
            encloser_exists = any(o == _hash(encloser, r) for o, r in hashed)
            if covered and record.flags & _OPT_OUT and encloser_exists:
                return "NSEC3, opt-out"
    return ""


def _is_bare_delegation(record: Any) -> bool:
    """Tell whether the bitmap of an NSEC or NSEC3 record has NS, and neither DS nor SOA."""
    return _has(record, _NS) and not _has(record, _DS) and not _has(record, _SOA)


def _has(record: Any, kind: int) -> bool:
    for window, bitmap in record.windows:
        if window == kind >> 8 and (kind & 0xFF) // 8 < len(bitmap):
            return bool(bitmap[(kind & 0xFF) // 8] & 0x80 >> kind % 8)
    return False


def _hash(name: str, record: Any) -> str:
    import dns.dnssec
    import dns.exception

    if record.iterations > MAX_ITERATIONS:
        return ""
    try:
        return dns.dnssec.nsec3_hash(name, record.salt, record.iterations, record.algorithm).upper()
    except (dns.exception.DNSException, ValueError):
        return ""


def _is_between(digest: str, owner: str, following: str) -> bool:
    """Tell whether a hash lies between two that follow on each other; after the last comes the first."""
    if owner < following:
        return owner < digest < following
    return digest > owner or digest < following


# --- records, keys and signatures -------------------------------------------------------------------------------------


def rrset_of(records: Sequence[DnsRecord], owner: str, kind: str) -> dns.rrset.RRset | None:
    """Return the records of one name and type; None where there is none, or one that cannot be read."""
    import dns.exception
    import dns.name
    import dns.rrset

    mine = [r for r in records if (r.owner, r.type) == (owner, kind)]
    if not mine:
        return None
    try:
        return dns.rrset.from_text_list(dns.name.from_text(owner), mine[0].ttl, "IN", kind, [r.data for r in mine])
    except (dns.exception.DNSException, ValueError):
        return None


def fits(zone: str, key: Any, ds: Any) -> bool:
    """Tell whether a DS record is that of a key."""
    import dns.dnssec
    import dns.dnssectypes
    import dns.exception
    import dns.name

    try:
        kind = dns.dnssectypes.DSDigest(ds.digest_type)
        made = dns.dnssec.make_ds(dns.name.from_text(zone), key, kind, policy=dns.dnssec.allow_all_policy)
    except (dns.exception.DNSException, ValueError):
        return False
    return bool(made == ds)


def tags(keys: Iterable[Any]) -> str:
    """Return the tags of keys, for people."""
    import dns.dnssec

    return join_names(sorted({str(dns.dnssec.key_id(key)) for key in keys}))


def _set_of(keys: dns.rrset.RRset, some: Sequence[Any]) -> dns.rrset.RRset:
    import dns.rrset

    return dns.rrset.from_rdata_list(keys.name, keys.ttl, list(some))


def ends_of(records: Sequence[DnsRecord], rrset: dns.rrset.RRset) -> Iterator[dt.datetime]:
    """Yield when the signatures over records end."""
    for signature in _signatures(records, rrset) or ():
        yield dt.datetime.fromtimestamp(signature.expiration, dt.UTC)


def _signatures(records: Sequence[DnsRecord], rrset: dns.rrset.RRset) -> dns.rrset.RRset | None:
    import dns.rdatatype

    kind = dns.rdatatype.to_text(rrset.rdtype)
    owner = plain(str(rrset.name))
    over = [r for r in records if r.type == "RRSIG" and r.owner == owner and r.data.startswith(f"{kind} ")]
    return rrset_of(over, owner, "RRSIG")


MISSING = "there is no signature"


def broken_signature(
    records: Sequence[DnsRecord], rrset: dns.rrset.RRset, signer: str, keys: dns.rrset.RRset, at: dt.datetime
) -> str:
    """Return what is wrong with the signatures over `rrset`, by the keys of the zone `signer`; empty if one is good.

    The words begin with `MISSING` where there is none.
    """
    import dns.dnssec
    import dns.exception
    import dns.name
    import dns.rdatatype

    what = f"{visible(plain(str(rrset.name)), 260)} {dns.rdatatype.to_text(rrset.rdtype)}"
    found = _signatures(records, rrset)
    if found is None:
        return f"{MISSING} over {what}"
    moment = at.timestamp()
    if all(signature.expiration < moment for signature in found):
        ended = max(ends_of(records, rrset))
        return f"the signature over {what} ended {ended:%Y-%m-%d %H:%M} UTC"
    try:
        trusted: Any = {dns.name.from_text(signer): keys}
        dns.dnssec.validate(rrset, found, trusted, now=moment, policy=dns.dnssec.allow_all_policy)
    except dns.exception.DNSException as error:
        return f"the signature over {what} is not valid ({visible(error, 120) or type(error).__name__})"
    return ""
