"""Judge DNSSEC: whether the DS record above a zone, its keys and its signatures fit together. Pure.

The chain from the root to the DS record is taken as it is. Whether CloudFront's resolvers validate is not documented.
https://www.rfc-editor.org/rfc/rfc4035#section-5
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from cfrunbook.causes import dns_answer_rules as rules
from cfrunbook.causes.dns_delegation import Delegations, Hop, ZoneView
from cfrunbook.causes.dns_words import facts, finding, for_this_way, parent_shown
from cfrunbook.cloudfront.targets import Target
from cfrunbook.evidence import DnsQuery, DnsRecord
from cfrunbook.findings import Finding, Status
from cfrunbook.text import join_names, visible

if TYPE_CHECKING:
    import dns.name
    import dns.node
    import dns.rdataset
    import dns.rrset

_DIGESTS = frozenset({1, 2, 4})
_SUPPORTED = frozenset({8, 10, 13, 14, 15, 16})
"""Algorithms that resolvers validate; a zone with others counts as not signed (RFC 8624)."""


def judge(
    walk: Delegations, target: Target, at: dt.datetime, common: frozenset[str] = frozenset()
) -> Iterator[Finding]:
    """Yield what would make a validating resolver refuse the zones on the way, one finding for each zone.

    The zones in `common` are on every way that lookups go.
    """
    signs = any(r.type == "RRSIG" for q in walk.queries for r in (*q.answer, *q.authority))
    for zone in walk.zones:
        problem = next(_problems(walk, zone, at), None)
        if problem is not None:
            shows, more = problem
            if not signs and more["problem"].startswith(_MISSING):
                continue  # no signature came from anywhere: something on the way may take EDNS from what is asked
            status = Status.WARNING if more.get("intermittent") else Status.FAULT
            data = {**facts(walk, target, zone), "confidence": "medium", **more}
            found = finding(rules.DNSSEC_BOGUS, target, shows, status, data)
            yield found if zone.name in common else for_this_way(found, walk)


_Problem = tuple[Sequence[DnsQuery], dict[str, Any]]

_MISSING = "there is no signature"

_MOVED = "After a change of DNS provider or key, the DS record at the registrar stayed as it was."
_UNSIGNED = "The zone is no longer signed, and the DS record at the registrar stayed."
_NOT_RENEWED = "The zone is signed, and nobody renews its signatures."
_INVALID = "The DS record says that the zone is signed, and the signature does not fit the zone's keys, or is missing."


def _problems(walk: Delegations, zone: ZoneView, at: dt.datetime) -> Iterator[_Problem]:
    said_so, secured = _secured(walk, zone)
    keyed = [q for p in zone.well for q in p.replies(zone.name, "DNSKEY")]
    if not secured or not keyed:
        return
    checked = {query.id: (query, *_keys(zone, query, secured, at)) for query in keyed}
    broken = [(query, more) for query, _, more in checked.values() if more]
    if broken:
        shows = [*said_so, *(query for query, _ in broken)]
        yield shows, broken[0][1] | {"intermittent": len(broken) < len(checked)}
        return
    keys = next(keys for _, keys, _ in checked.values())
    for hop in walk.hops:
        if keys is not None and hop.zone.name == hop.apex == zone.name:
            yield from _hop(zone, hop, keys, at)


def _keys(
    zone: ZoneView, query: DnsQuery, secured: Sequence[Any], at: dt.datetime
) -> tuple[dns.rrset.RRset | None, dict[str, Any]]:
    """Return the keys of a zone as one server gives them, and what is wrong with them; empty if nothing is."""
    import dns.dnssec
    import dns.exception
    import dns.rrset

    keys = _rrset(query.answer, zone.name, "DNSKEY")
    ds = f"{parent_shown(zone)} has a DS record for key {join_names(sorted({str(r.key_tag) for r in secured}))}"
    asked = {"asked": visible(query.name, 260), "asked_type": query.type}
    if keys is None:
        return None, asked | {"problem": f"{ds}, and the zone has no key at all", "how_so": _UNSIGNED}
    try:
        tags = {key: dns.dnssec.key_id(key) for key in keys}
        fitting = [key for key in keys for record in secured if _fits(zone.name, key, record)]
        if not fitting:
            present = join_names(sorted({str(tag) for tag in tags.values()}))
            return keys, asked | {"problem": f"{ds}, and the zone has key {present}", "how_so": _MOVED}
        entry = dns.rrset.from_rdata_list(keys.name, keys.ttl, fitting)
        return keys, next((more for _, more in _signed(zone, query, keys, entry, at)), {})
    except (dns.exception.DNSException, ValueError) as error:
        return keys, asked | {"problem": f"its keys cannot be read ({visible(error, 120)})", "how_so": _INVALID}


def _hop(zone: ZoneView, hop: Hop, keys: dns.rrset.RRset, at: dt.datetime) -> Iterator[_Problem]:
    """Yield what is wrong with the signatures over a name's alias or address; with some servers only, it says so."""
    problems: list[_Problem] = []
    good = False
    for _, query in hop.replies("A"):
        rrset = _rrset(query.answer, hop.name, "CNAME" if hop.aliases else "A")
        renamed = any(r.type == "DNAME" for r in query.answer)  # the alias that follows from it is not signed
        if not query.edns or rrset is None or renamed:
            continue
        found = list(_signed(zone, query, rrset, keys, at))
        problems += found
        good |= not found
    for shows, more in problems[:1]:
        yield shows, more | {"intermittent": good}


def _secured(walk: Delegations, zone: ZoneView) -> tuple[list[DnsQuery], Sequence[Any]]:
    """Return the DS records that the zone above has, and who said so; only those that a resolver can use."""
    asked = [q for q in walk.queries if (q.zone, q.name, q.type) == (zone.parent, zone.name, "DS") and q.authoritative]
    for query in asked:
        rrset = _rrset(query.answer, zone.name, "DS")
        if rrset is not None:
            return [query], [r for r in rrset if r.algorithm in _SUPPORTED and r.digest_type in _DIGESTS]
    for query in [] if asked else zone.referrals:
        rrset = _rrset(query.authority, zone.name, "DS")
        if rrset is not None:
            return [query], [r for r in rrset if r.algorithm in _SUPPORTED and r.digest_type in _DIGESTS]
    return [], []


def _fits(zone: str, key: Any, ds: Any) -> bool:
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


def _signed(
    zone: ZoneView, query: DnsQuery, rrset: dns.rrset.RRset, keys: dns.rrset.RRset, at: dt.datetime
) -> Iterator[_Problem]:
    """Yield what is wrong with the signatures over `rrset`, unless one of them is good."""
    import dns.dnssec
    import dns.exception
    import dns.name
    import dns.rdatatype

    kind = dns.rdatatype.to_text(rrset.rdtype)
    asked = {"asked": visible(str(rrset.name).rstrip(".") or ".", 260), "asked_type": kind}
    what = f"{asked['asked']} {kind}"
    signatures = [r for r in query.answer if r.type == "RRSIG" and r.data.startswith(f"{kind} ")]
    found = _rrset(signatures, str(rrset.name).rstrip(".").lower() or ".", "RRSIG")
    if found is None:
        yield [query], asked | {"problem": f"{_MISSING} over {what}", "how_so": _INVALID}
        return
    moment = at.timestamp()
    if all(signature.expiration < moment for signature in found):
        ended = dt.datetime.fromtimestamp(max(s.expiration for s in found), dt.UTC)
        problem = f"the signature over {what} ended {ended:%Y-%m-%d %H:%M} UTC"
        yield [query], asked | {"problem": problem, "how_so": _NOT_RENEWED}
        return
    try:
        trusted: dict[dns.name.Name, dns.node.Node | dns.rdataset.Rdataset] = {dns.name.from_text(zone.name): keys}
        dns.dnssec.validate(rrset, found, trusted, now=moment, policy=dns.dnssec.allow_all_policy)
    except dns.exception.DNSException as error:
        problem = f"the signature over {what} is not valid ({visible(error, 120) or type(error).__name__})"
        yield [query], asked | {"problem": problem, "how_so": _INVALID}


def _rrset(records: Sequence[DnsRecord], owner: str, kind: str) -> dns.rrset.RRset | None:
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
