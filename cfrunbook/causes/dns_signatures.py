"""Judge DNSSEC: whether the DS record above a zone, its keys and its signatures fit together. Pure.

Whether CloudFront's resolvers validate is not documented.
https://www.rfc-editor.org/rfc/rfc4035#section-5
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from cfrunbook.causes import dns_answer_rules as rules
from cfrunbook.causes.dns_chain import (
    DIGESTS,
    MISSING,
    SUPPORTED,
    Security,
    broken_signature,
    ends_of,
    fits,
    follow,
    rrset_of,
)
from cfrunbook.causes.dns_delegation import Delegations, Hop, ZoneView
from cfrunbook.causes.dns_trust import IANA
from cfrunbook.causes.dns_words import facts, finding, for_this_way, parent_shown
from cfrunbook.cloudfront.targets import Target
from cfrunbook.evidence import DnsQuery
from cfrunbook.findings import Finding, Status
from cfrunbook.probes.dns.names import plain
from cfrunbook.text import join_names, visible

if TYPE_CHECKING:
    import dns.name
    import dns.node
    import dns.rdataset
    import dns.rrset


_ANCHORS = tuple(anchor.ds for anchor in IANA)


def judge(
    walk: Delegations,
    target: Target,
    at: dt.datetime,
    common: frozenset[str] = frozenset(),
    anchors: Sequence[str] = _ANCHORS,
) -> Iterator[Finding]:
    """Yield what would make a validating resolver refuse the zones on the way, one finding for each zone.

    Where nothing does, how far the way from the root is signed. The zones in `common` are on every way that lookups go.
    """
    bogus = False
    signs = any(r.type == "RRSIG" for q in walk.queries for r in (*q.answer, *q.authority))
    for zone in walk.zones:
        problem = next(_problems(walk, zone, at), None)
        if problem is not None:
            shows, more = problem
            if not signs and more["problem"].startswith(MISSING):
                continue  # no signature came from anywhere: something on the way may take EDNS from what is asked
            status = Status.WARNING if more.get("intermittent") else Status.FAULT
            data = {**facts(walk, target, zone), "confidence": "medium", **more}
            found = finding(rules.DNSSEC_BOGUS, target, shows, status, data)
            bogus = True
            yield found if zone.name in common else for_this_way(found, walk)
    if signs and not bogus:
        yield from _chained(walk, target, at, anchors)


def _chained(walk: Delegations, target: Target, at: dt.datetime, anchors: Sequence[str]) -> Iterator[Finding]:
    """Yield how far the way from the root to the zone of the last name is signed."""
    zone = walk.last.zone
    _, secured = _secured(walk, zone)
    chain = follow(walk, zone, at, anchors)
    name = visible(zone.name, 260)
    if chain.security is Security.SECURE:
        words = f"{name} is signed, and so is every step from the root down to it"
    elif chain.security is Security.INSECURE:
        words = f"{name} is not protected by DNSSEC: {chain.why}"
    elif secured and any(p.replies(zone.name, "DNSKEY") for p in zone.well):
        words = f"{name} is signed, and its keys fit its DS record; that record was not followed up to the root:"
        words += f" {chain.why}"
    elif chain.security is Security.UNKNOWN:
        words = f"Whether {name} is signed cannot be told: {chain.why}"
    else:
        return  # there is no DNSSEC above this zone
    if walk.last.apex != zone.name:
        words += f". {visible(walk.last.apex, 260)}, a zone of its own on the same servers, was not followed"
    data = {**facts(walk, target, zone), "words": words, "security": chain.security.value}
    yield finding(
        rules.DNSSEC_FOLLOWED, target, chain.shows or zone.referrals[:1] or walk.queries[:1], Status.INFO, data
    )


_Problem = tuple[Sequence[DnsQuery], dict[str, Any]]

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

    keys = rrset_of(query.answer, zone.name, "DNSKEY")
    ds = f"{parent_shown(zone)} has a DS record for key {join_names(sorted({str(r.key_tag) for r in secured}))}"
    asked = {"asked": visible(query.name, 260), "asked_type": query.type}
    if keys is None:
        return None, asked | {"problem": f"{ds}, and the zone has no key at all", "how_so": _UNSIGNED}
    try:
        tags = {key: dns.dnssec.key_id(key) for key in keys}
        fitting = [key for key in keys for record in secured if fits(zone.name, key, record)]
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
        rrset = rrset_of(query.answer, hop.name, "CNAME" if hop.aliases else "A")
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
    found = [(q, rrset_of(q.answer, zone.name, "DS")) for q in asked]
    if not asked:
        found = [(q, rrset_of(q.authority, zone.name, "DS")) for q in zone.referrals]
    for query, rrset in found:
        if rrset is not None:
            return [query], [r for r in rrset if r.algorithm in SUPPORTED and r.digest_type in DIGESTS]
    return [], []


def _signed(
    zone: ZoneView, query: DnsQuery, rrset: dns.rrset.RRset, keys: dns.rrset.RRset, at: dt.datetime
) -> Iterator[_Problem]:
    """Yield what is wrong with the signatures over `rrset`, unless one of them is good."""
    import dns.rdatatype

    if problem := broken_signature(query.answer, rrset, zone.name, keys, at):
        ended = all(end < at for end in ends_of(query.answer, rrset)) and not problem.startswith(MISSING)
        yield (
            [query],
            {
                "asked": visible(plain(str(rrset.name)), 260),
                "asked_type": dns.rdatatype.to_text(rrset.rdtype),
                "problem": problem,
                "how_so": _NOT_RENEWED if ended else _INVALID,
            },
        )
