"""Judge what the name servers say of a name: whether it exists, where it leads, and whether they agree. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cfrunbook.causes import dns_answer_rules as rules
from cfrunbook.causes import dns_rules
from cfrunbook.causes.dns_delegation import Delegations, Hop, Place, ZoneView
from cfrunbook.causes.dns_words import (
    facts,
    finding,
    for_this_way,
    how_many,
    is_registry,
    of_servers,
    percent,
    shown,
)
from cfrunbook.causes.sightings import some_requests_fail
from cfrunbook.cloudfront.special_purpose import special_purpose
from cfrunbook.cloudfront.targets import Target
from cfrunbook.evidence import DnsOutcome, DnsQuery
from cfrunbook.findings import Finding, Status
from cfrunbook.hostname import canonical
from cfrunbook.probes.dns.names import depth, enclosing, is_within, plain
from cfrunbook.text import join_names, visible

LONG_CHAIN, TOO_LONG_CHAIN = 8, 11
"""Aliases beyond which a chain is long, and beyond which unbound gives up (MAX_RESTART_COUNT in iterator.h).
https://github.com/NLnetLabs/unbound/blob/master/iterator/iterator.h"""

_MOST_ARROWS = 8
_KINDS = {"ipv4": ("A",), "ipv6": ("AAAA",), "dualstack": ("A", "AAAA")}
_FAMILY = {"ipv4": "IPv4", "ipv6": "IPv6", "dualstack": "IPv4 or IPv6"}
_NEGATIVE = frozenset({DnsOutcome.NXDOMAIN, DnsOutcome.NODATA})
_TO_BE_HAD = (
    ".s3.amazonaws.com", ".elasticbeanstalk.com", ".azurewebsites.net", ".cloudapp.net", ".cloudapp.azure.com",
    ".trafficmanager.net", ".azureedge.net", ".blob.core.windows.net", ".herokuapp.com", ".github.io", ".netlify.app",
)  # fmt: skip
"""Services where anybody may register a name that is free: https://github.com/EdOverflow/can-i-take-over-xyz"""

Answer = tuple[str, frozenset[str]]
"""How a question ended, and the data of the answer."""


def judge(walk: Delegations, target: Target) -> Iterator[Finding]:
    """Yield what the answers mean, and that all is well where there is an address to connect to."""
    for hop in walk.hops:
        yield from _denied_by_type(walk, target, hop)
        if hop.aliases:
            yield from _beside_alias(walk, target, hop)
            yield from _several_aliases(walk, target, hop)
            yield from _agreement(walk, target, hop, "A")
    if walk.loops_to:
        yield for_this_way(_loop(walk, target), walk)
        return
    yield from _length(walk, target)
    if walk.last.aliases:
        return  # too long to be followed to its end
    kinds = _KINDS[target.ip_address_type]
    is_there = any(walk.last.addresses(kind) for kind in kinds)
    if is_there:
        for kind in kinds:
            yield from _agreement(walk, target, walk.last, kind)
    yield from (for_this_way(found, walk) for found in _end(walk, target))
    if is_there:
        yield from _remarks(walk, target)


def _end(walk: Delegations, target: Target) -> Iterator[Finding]:
    """Judge where the aliases end."""
    kinds = _KINDS[target.ip_address_type]
    found = {kind: walk.last.addresses(kind) for kind in ("A", "AAAA")}
    if any(found[kind] for kind in kinds):
        yield from _addresses(walk, target, [a for kind in kinds for a in found[kind]])
    elif walk.last.outcomes == {DnsOutcome.NXDOMAIN}:
        yield _missing(walk, target)
    elif not any(walk.last.replies(kind) for kind in kinds):
        return  # no server said that there is none
    elif other := [a for addresses in found.values() for a in addresses]:
        yield _other_family(walk, target, other)
    else:
        yield _no_address(walk, target, kinds)


# --- aliases ----------------------------------------------------------------------------------------------------------


def _loop(walk: Delegations, target: Target) -> Finding:
    chain = [*(h.name for h in walk.hops), walk.loops_to]
    data = {**_facts(walk, target, walk.hops[0]), "chain": _arrows(chain)}
    shows = [q for h in walk.hops for _, q in h.replies("A")[:1]]
    return finding(rules.ALIAS_LOOP, target, shows, Status.FAULT, data)


def _length(walk: Delegations, target: Target) -> Iterator[Finding]:
    number = len(walk.hops) - 1
    if number <= LONG_CHAIN:
        return
    data = {
        **_facts(walk, target, walk.hops[0]),
        "count": f"{number} times or more" if walk.last.aliases else f"{number} times",
        "end": "the name at its end"
        if walk.last.aliases
        else f"the last name of the chain, {visible(walk.last.name, 260)}",
        "chain": _arrows([h.name for h in walk.hops]),
        "confidence": "medium",
    }
    shows = [q for h in walk.hops for _, q in h.replies("A")[:1]]
    status = Status.FAULT if number > TOO_LONG_CHAIN else Status.WARNING
    yield finding(rules.ALIAS_CHAIN_TOO_LONG, target, shows, status, data)


def _arrows(names: Sequence[str]) -> str:
    """Return a chain of names, the middle of a long one counted only."""
    shown_names = [visible(n, 80) for n in names]
    if len(names) > _MOST_ARROWS:
        shown_names[3:-2] = [f"{len(names) - 5} more"]
    return " → ".join(shown_names)


def _beside_alias(walk: Delegations, target: Target, hop: Hop) -> Iterator[Finding]:
    """Judge an alias whose name holds other records as well, such as a zone's apex always does."""
    types: dict[str, DnsQuery] = {}
    for place in hop.zone.well:
        for query in place.queries:
            for record in query.answer if query.authoritative else ():
                if record.owner == hop.name and record.type not in ("CNAME", "RRSIG"):
                    types.setdefault(record.type, query)
    at_apex = hop.name == hop.zone.name
    if types or at_apex:
        data = {
            **_facts(walk, target, hop),
            "others": join_names(sorted(types)) if types else "SOA and NS, which every zone has",
            "at_apex": ", at the apex of its zone" if at_apex else "",
        }
        shows = [*(q for _, q in hop.replies("A")[:1]), *types.values()]
        yield finding(rules.ALIAS_AND_OTHER_DATA, target, shows, Status.WARNING, data)


def _several_aliases(walk: Delegations, target: Target, hop: Hop) -> Iterator[Finding]:
    """Judge a name with more than one CNAME record in one answer."""
    shows = [q for _, q in hop.replies("A") if len(_answer(q, hop.name)[1]) > 1]
    if shows:
        targets = sorted(_answer(shows[0], hop.name)[1])
        data = {**_facts(walk, target, hop), "targets": [visible(t, 120) for t in targets]}
        yield finding(rules.SEVERAL_ALIASES, target, shows, Status.WARNING, data)


# --- agreement --------------------------------------------------------------------------------------------------------


def _agreement(walk: Delegations, target: Target, hop: Hop, kind: str) -> Iterator[Finding]:
    """Judge whether all servers of a zone say the same of a name."""
    said: dict[Place, list[Answer]] = {}
    for place, query in hop.replies(kind):
        said.setdefault(place, []).append(_answer(query, hop.name))
    different = {answer for answers in said.values() for answer in answers}
    if len(different) < 2:
        return
    votes = Counter(answer for answers in said.values() for answer in set(answers))
    positive = [a for a in different if a[0] not in _NEGATIVE]
    majority = max(different, key=lambda a: (a[0] not in _NEGATIVE, votes[a], sorted(a[1])))
    deviating = [p for p, answers in said.items() if majority not in answers]
    negative = [p for p, answers in said.items() if any(a[0] in _NEGATIVE for a in answers)]
    fails = bool(negative) and bool(positive)
    by_turns = any(len(hop.zone.versions[p.server, p.address]) > 1 for p in said)
    same_version = len(set(hop.zone.serials.values())) < 2 or _is_variety(hop.zone, said)
    meant = not fails and not by_turns and same_version
    members = negative if fails else deviating or [p for p, answers in said.items() if len(set(answers)) > 1]
    data = {
        **_facts(walk, target, hop, members[0] if members else None),
        "versions": _versions(said, sorted(different, key=lambda a: (-votes[a], sorted(a[1])))[:4]),
        **of_servers([shown(p) for p in members]),
        "share": round(hop.zone.share(members), 4),
        "share_words": percent(hop.zone.share(members)),
        "kind": kind,
        "intermittent": True,
    }
    shows = [q for _, q in hop.replies(kind)]
    if meant:
        yield finding(rules.ANSWERS_VARY, target, shows, Status.INFO, data)
        return
    if not fails:
        data["confidence"] = "medium"  # what an old zone says may still work
    yield some_requests_fail(finding(rules.SERVERS_DISAGREE, target, shows, Status.FAULT, data))


def _denied_by_type(walk: Delegations, target: Target, hop: Hop) -> Iterator[Finding]:
    """Judge servers that deny a name when asked for one type of record, and know it when asked for another."""
    by_kind = {kind: {p for p, q in hop.replies(kind) if q.outcome is DnsOutcome.NXDOMAIN} for kind in ("A", "AAAA")}
    for kind, other in (("AAAA", "A"), ("A", "AAAA")):
        knows = {p: q for p, q in hop.replies(other) if q.outcome is not DnsOutcome.NXDOMAIN}
        members = [p for p in hop.zone.well if p in by_kind[kind] and p in knows]
        if not members:
            continue
        denials = [q for p, q in hop.replies(kind) if p in members and q.outcome is DnsOutcome.NXDOMAIN]
        said = {knows[p].outcome for p in members}
        data = {
            **_facts(walk, target, hop, members[0]),
            **how_many(hop.zone, members),
            "kind": kind,
            "known": other,
            "how_known": "has records" if DnsOutcome.ANSWER in said else "exists",
            "share": round(hop.zone.share(members), 4),
            "consequence": f"{percent(hop.zone.share(members))} of cold lookups go there first"
            if len(members) < len(hop.zone.asked)
            else "every cold lookup asks one of them",
        }
        shows = [q for pair in zip(denials, (knows[p] for p in members), strict=False) for q in pair]
        yield finding(rules.DENIED_BY_TYPE, target, shows, Status.WARNING, data)


def _is_variety(zone: ZoneView, said: Mapping[Place, Sequence[Answer]]) -> bool:
    """Tell whether answers vary within every version of a zone that is served: two providers count each on its own."""
    by_serial: dict[int, set[Place]] = {}
    for place in said:
        if (serial := zone.serials.get((place.server, place.address))) is not None:
            by_serial.setdefault(serial, set()).add(place)
    return all(any(len(set(said[p])) > 1 for p in places) for places in by_serial.values())


def _answer(query: DnsQuery, name: str) -> Answer:
    """Return what a server says, for comparison: without TTL, order and signatures."""
    wanted = [r for r in query.answer if r.owner == name and r.type in ("CNAME", query.type)]
    aliases = [plain(r.data) for r in wanted if r.type == "CNAME"]
    return query.outcome, frozenset(aliases or [r.data for r in wanted])


def _shown(answer: Answer) -> str:
    outcome, data = answer
    return ", ".join(visible(d, 80) for d in sorted(data)[:6]) or outcome.upper()


def _versions(said: Mapping[Place, Sequence[Answer]], different: Sequence[Answer]) -> str:
    """Return who gave which answer, for people."""
    by = {answer: [p for p, answers in said.items() if answer in answers] for answer in different}
    if len(said) > 1 and all(len(places) == len(said) for places in by.values()):
        every = "name servers" if len({p.server for p in said}) == len(said) else "name server addresses"
        return f"{', '.join(f'now {_shown(answer)}' for answer in by)}, from each of its {len(said)} {every}"
    return "; ".join(f"{_shown(answer)} from {join_names([shown(p) for p in by[answer]], 4)}" for answer in by)


# --- no address -------------------------------------------------------------------------------------------------------


def _missing(walk: Delegations, target: Target) -> Finding:
    """Return that a name does not exist: the origin's, its domain, or what it is an alias of."""
    hop = walk.last
    shows = [q for _, q in hop.replies("A")]
    zone = _denier(hop, shows)
    data = {**_facts(walk, target, hop), "zone": visible(zone, 260)}
    if len(walk.hops) > 1:
        shows = [*_leading(walk), *shows]
        data |= {
            "alias_owner": visible(walk.hops[-2].name, 260),
            "takeover": "; anybody may register that name" if hop.name.endswith(_TO_BE_HAD) else "",
        }
        return finding(rules.DANGLING_ALIAS, target, shows, Status.FAULT, data)
    if is_registry(zone):
        data["zone"] = "the root" if zone == "." else data["zone"]
        domain = next((n for n in enclosing(hop.name) if depth(n) == depth(zone) + 1), hop.name)
        return finding(rules.NOT_DELEGATED, target, shows, Status.FAULT, {**data, "domain": visible(domain, 260)})
    return finding(rules.NXDOMAIN, target, shows, Status.FAULT, data)


def _leading(walk: Delegations) -> list[DnsQuery]:
    """Return the answer that leads to the last name."""
    owner, last = walk.hops[-2:]
    answers = (q for kind in ("A", "AAAA") for _, q in owner.replies(kind))
    return [q for q in answers if last.name in _answer(q, owner.name)[1]][:1]


def _denier(hop: Hop, answers: Sequence[DnsQuery]) -> str:
    """Return the zone that denies a name: the owner of the SOA record that comes along."""
    records = (r for q in answers for r in q.authority)
    return next((r.owner for r in records if r.type == "SOA" and is_within(hop.name, r.owner)), hop.zone.name)


def _no_address(walk: Delegations, target: Target, kinds: Sequence[str]) -> Finding:
    data = {**_facts(walk, target, walk.last), "kinds": " or ".join(kinds)}
    shows = [q for kind in kinds for _, q in walk.last.replies(kind)]
    return finding(rules.NODATA, target, shows, Status.FAULT, data)


def _other_family(walk: Delegations, target: Target, other: Sequence[str]) -> Finding:
    addresses = [visible(a, 60) for a in other]
    data = {**_facts(walk, target, walk.last), "addresses": addresses, "confidence": "medium"}  # 502 is inferred
    shows = [q for kind in ("A", "AAAA") for _, q in walk.last.replies(kind)]
    return finding(dns_rules.WRONG_FAMILY, target, shows, Status.FAULT, data)


# --- addresses --------------------------------------------------------------------------------------------------------


def _addresses(walk: Delegations, target: Target, found: Sequence[str]) -> Iterator[Finding]:
    private = {a: purpose for a in found if (purpose := special_purpose(a)) is not None}
    shows = [q for kind in _KINDS[target.ip_address_type] for _, q in walk.last.replies(kind)]
    data = {**_facts(walk, target, walk.last), "addresses": [visible(a, 60) for a in found]}
    if private:
        purpose = next(iter(private.values()))
        some = len(private) < len(found)
        data |= {
            "addresses": [visible(a, 60) for a in private],
            "share": f" ({len(private)} of {len(found)} addresses)" if some else "",
            "intermittent": some,
            "purpose": purpose.name,
            "rfc": purpose.source,
        }
        yield some_requests_fail(finding(dns_rules.PRIVATE_ADDRESS, target, shows, Status.FAULT, data))
        return
    zone = walk.last.zone
    servers = {p.server for p in zone.asked}
    positive = (pair for kind in _KINDS[target.ip_address_type] for pair in walk.last.replies(kind))
    good = {p.server for p, q in positive if q.outcome is DnsOutcome.ANSWER}
    data["asked_servers"] = f"{len(good)} of {len(servers)} name servers of {visible(zone.name, 120)} say so"
    yield finding(rules.RESOLVES, target, shows, Status.OK, data)


def _remarks(walk: Delegations, target: Target) -> Iterator[Finding]:
    for hop in walk.hops:
        answers = [q for _, q in hop.replies("A") if q.outcome is DnsOutcome.ANSWER]
        zero = [q for q in answers if any(r.owner == hop.name and r.ttl == 0 and r.type != "RRSIG" for r in q.answer)]
        if zero:
            yield finding(rules.TTL_ZERO, target, zero, Status.INFO, _facts(walk, target, hop))
    hop = walk.hops[0]
    made_up = [q for q in walk.random_answers(hop.zone.name) if q.authoritative and q.outcome is DnsOutcome.ANSWER]
    usual = {_answer(q, hop.name) for _, q in hop.replies("A")}
    same = [q for q in made_up if _answer(q, q.name) in usual]
    if same:
        yield finding(rules.ANY_NAME_RESOLVES, target, same, Status.INFO, _facts(walk, target, hop))


def _facts(walk: Delegations, target: Target, hop: Hop, place: Place | None = None) -> Mapping[str, Any]:
    """Return what the templates of answers need beside what those of servers do."""
    place = place or next((p for p in hop.zone.well if p.replies(hop.name, "A")), None)
    data = facts(walk, target, hop.zone, place)
    aliases = [h.name for h in walk.hops[1:]]
    ipv6 = target.ip_address_type == "ipv6"
    return {
        **data,
        "hop": visible(hop.name, 260),
        "record": canonical(hop.name) or "ORIGIN_DOMAIN",
        "apex": visible(walk.apex, 260),
        "serial": next(iter(hop.zone.serials.values()), "unknown"),
        "family": _FAMILY[target.ip_address_type],
        "other": "IPv4" if ipv6 else "IPv6",
        "alias_owner": visible(walk.hops[-2].name, 260) if aliases else data["name"],
        "through": f" by way of {join_names([visible(a, 120) for a in aliases], 3)}" if aliases else "",
        "cnames": [visible(a, 260) for a in aliases],
    }
