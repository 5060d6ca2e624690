"""Judge the name servers on the way to a name. Pure.

A server that fails is a warning while another one answers: resolvers go on to it, later. Where none answers, nobody can
resolve the name, and that is the fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cfrunbook.causes import dns_server_rules as rules
from cfrunbook.causes.dns_conditions import Condition, Control, control, is_local
from cfrunbook.causes.dns_delegation import Delegations, Place, ZoneView
from cfrunbook.causes.dns_words import (
    evidence,
    facts,
    finding,
    how_many,
    is_route_53,
    percent,
    said,
    shown,
    unresolvable,
    where,
)
from cfrunbook.cloudfront.targets import Target
from cfrunbook.evidence import DnsOutcome, DnsQuery, DnsTransport
from cfrunbook.findings import Finding, Remedy, Rule, Status
from cfrunbook.probes.dns.names import ROOT, is_within
from cfrunbook.text import join_names, visible

_RULES: Mapping[Condition, Rule] = {
    Condition.SILENT: rules.SERVER_SILENT,
    Condition.NO_UDP: rules.SERVER_WITHOUT_UDP,
    Condition.NOT_RUNNING: rules.SERVER_NOT_RUNNING,
    Condition.UNREACHABLE: rules.SERVER_UNREACHABLE,
    Condition.UNPROVEN: rules.SERVER_UNPROVEN,
    Condition.UNFINISHED: rules.SERVER_UNFINISHED,
    Condition.REFUSES: rules.SERVER_REFUSES,
    Condition.FAILS: rules.SERVER_FAILS,
    Condition.NOT_AUTHORITATIVE: rules.SERVER_NOT_AUTHORITATIVE,
    Condition.UPWARD: rules.SERVER_REFERS_UPWARD,
    Condition.MALFORMED: rules.SERVER_GARBLES,
    Condition.DROPS_EDNS: rules.EDNS_DROPPED,
    Condition.TRUNCATES: rules.TCP_NEEDED,
    Condition.IGNORES: rules.SERVER_IGNORES,
    Condition.LIMITS: rules.SERVER_LIMITS,
}
_UNKNOWN = frozenset({Condition.UNPROVEN, Condition.UNFINISHED})
"""What says nothing about a server, which may be well."""
_GONE = frozenset({Condition.SILENT, Condition.NOT_RUNNING, Condition.UNREACHABLE})
_DEAD = _GONE | {Condition.MALFORMED}
_ALL: Sequence[tuple[frozenset[Condition], Rule]] = (
    (_DEAD, rules.ALL_SERVERS_DEAD),
    (frozenset({Condition.REFUSES}), rules.ALL_SERVERS_REFUSE),
    (frozenset({Condition.FAILS}), rules.SERVFAIL),
    (frozenset({Condition.NOT_AUTHORITATIVE, Condition.UPWARD}), rules.ALL_SERVERS_LAME),
    (frozenset({Condition.DROPS_EDNS}), rules.EDNS_DROPPED),
    (frozenset({Condition.TRUNCATES}), rules.TCP_NEEDED),
)
"""What it is called when no server is in another condition than these."""
_WORDS: Mapping[Condition, str] = {
    Condition.SILENT: "no answer",
    Condition.NO_UDP: "answers over TCP only",
    Condition.NOT_RUNNING: "port 53 is closed",
    Condition.UNREACHABLE: "unreachable",
    Condition.REFUSES: "refuses",
    Condition.FAILS: "an error",
    Condition.NOT_AUTHORITATIVE: "not authoritative",
    Condition.UPWARD: "refers back up",
    Condition.MALFORMED: "not a DNS answer",
    Condition.DROPS_EDNS: "no answer to questions with EDNS",
    Condition.TRUNCATES: "truncated over UDP, nothing over TCP",
    Condition.IGNORES: "no answer to this question",
}
_WHY_NONE: Mapping[Condition, str] = {
    Condition.NO_UDP: "Resolvers ask over UDP first, and over TCP only when told to: to them these servers are silent.",
    Condition.IGNORES: "Other questions that went there at the same time were answered, so they are up; a rate limiter,"
    " a firewall or the servers drop this one.",
}
"""What it means where all are in a condition that has no result code of its own for that."""
_NO_CONNECTION = frozenset({DnsOutcome.REFUSED_PORT, DnsOutcome.CLOSED, DnsOutcome.TIMEOUT, DnsOutcome.UNREACHABLE})
_CERTAIN = frozenset({Condition.REFUSES, Condition.FAILS, Condition.NOT_RUNNING, Condition.MALFORMED})
"""What has nothing to do with where one asks from, nor with what a resolver makes of it."""


def judge(walk: Delegations, target: Target) -> Iterator[Finding]:
    """Yield what is wrong with name servers, zone by zone from the top."""
    for zone in walk.zones:
        yield from _conditions(walk, target, zone)
        yield from _without_tcp(walk, target, zone)


def not_walked(walk: Delegations, target: Target) -> Finding:
    """Return that the name servers could not be asked, and why."""
    seen = [q for q in walk.queries if q.zone == ROOT]
    zone = walk.last.zone
    if walk.control is Control.FINE:
        seen = [q for p in zone.places for q in _telling(p)] or seen
    data = facts(walk, target, walk.hops[0].zone) | where(next((q for q in walk.queries if q.zone == ROOT), None))
    why = _why_no_place(zone) if walk.control is Control.FINE else why_not_heard(walk.queries)
    return rules.NOT_WALKED.finding(target=target.id, evidence=evidence(seen), **{**data, "why": why})


def why_not_heard(queries: Sequence[DnsQuery]) -> str:
    """Return why nothing can be said of name servers, by what came of the questions to the root servers."""
    root = [q for q in queries if q.zone == ROOT]
    tried = [q for q in root if q.outcome not in (DnsOutcome.NO_LOCAL_ROUTE, DnsOutcome.ERROR)]
    over_tcp = any(q.transport is DnsTransport.TCP for q in tried)
    match control(queries):
        case Control.NOT_ASKED:
            return "the recording holds no question to them"
        case Control.INTERCEPTED:
            return "something here answers in the place of the root servers, so port 53 seems to be intercepted"
        case Control.NO_UDP:
            return (
                "no root server answered over UDP, and one did over TCP, so UDP port 53 seems to be blocked from here,"
                " and TCP port 53 is not"
            )
    if not tried:
        return f"this machine could not ask the root servers ({join_names(_details(root), 2)})"
    if all(q.outcome in (DnsOutcome.REFUSED_PORT, DnsOutcome.UNREACHABLE) for q in tried):
        how = f"questions to the root servers are rejected on the way ({join_names(_details(tried), 2)})"
    else:
        how = f"no root server answered{', over UDP or TCP' if over_tcp else ' over UDP'}"
    return f"{how}, so {'' if over_tcp else 'UDP '}port 53 seems to be blocked from here"


def _details(queries: Sequence[DnsQuery]) -> list[str]:
    return list(dict.fromkeys(visible(q.detail, 80) or q.outcome.replace("_", " ") for q in queries))


def _why_no_place(zone: ZoneView) -> str:
    """Return why none of the zone's servers could be asked although the root's were."""
    name = "the root" if zone.name == ROOT else visible(zone.name, 120)
    if any(p.telling.transport is DnsTransport.TCP for p in zone.places):
        return (
            f"the answer of the name servers of {name} does not fit into UDP, and no server anywhere answered over TCP,"
            " so TCP port 53 seems to be blocked from here"
        )
    if zone.places and all(":" in p.address for p in zone.places):
        return f"those of {name} have IPv6 addresses only, and this machine seems to have no way to the IPv6 internet"
    return f"the walk from the root came to no server of {name} that could be asked from here"


def _conditions(walk: Delegations, target: Target, zone: ZoneView) -> Iterator[Finding]:
    groups: dict[tuple[Condition, str], list[Place]] = {}
    for place in zone.asked:
        variant = place.telling.rcode if place.condition in (Condition.FAILS, Condition.REFUSES) else ""
        groups.setdefault((place.condition, variant), []).append(place)
    conditions = {condition for condition, _ in groups}
    if conditions and not conditions & {Condition.WELL, Condition.LIMITS, *_UNKNOWN}:
        yield _nobody(walk, target, zone, groups)
        return
    for (condition, _), members in groups.items():
        if condition is Condition.WELL:
            continue
        status = Status.WARNING
        if condition in _UNKNOWN:
            status = Status.INFO if zone.well else Status.UNKNOWN
        data = {
            **_group(walk, target, zone, members),
            "consequence": f"{percent(zone.share(members))} of cold lookups go there first",
        }
        shows = [q for m in members for q in _telling(m)]
        yield finding(_RULES[condition], target, shows, status, data, remedy=_remedy(condition, zone, members))


def _group(walk: Delegations, target: Target, zone: ZoneView, members: Sequence[Place]) -> dict[str, Any]:
    """Return what the templates need about places that are in the same condition."""
    first = members[0].telling
    return {
        **facts(walk, target, zone, members[0]),
        **how_many(zone, members),
        "intermittent": True,
        "kind": first.type,
        "asked": visible(first.name, 260),
        "said": join_names(list(dict.fromkeys(said(m.telling) for m in members)), 3),
        "sends": len(first.sent_at),
        "seconds": f"{max(m.telling.elapsed_ms for m in members) / 1000:.1f}",
        "first_bytes": first.first_bytes[:32].hex(" "),
        "share": round(zone.share(members), 4),
    }


def _nobody(
    walk: Delegations, target: Target, zone: ZoneView, groups: Mapping[tuple[Condition, str], list[Place]]
) -> Finding:
    """Return that no server of a zone helps, so that nobody can resolve the name."""
    conditions = {condition for condition, _ in groups}
    rule = next((r for group, r in _ALL if conditions <= group), rules.NO_SERVER_HELPS)
    places = list(zone.asked)
    accounts = []
    for (condition, variant), members in groups.items():
        servers = join_names([shown(m) for m in members], 4)
        accounts.append(f"{servers}: {variant or _WORDS[condition]}")
    data = {
        **_group(walk, target, zone, places),
        "account": "; ".join(accounts),
        "total": len({p.server for p in places}),
        "intermittent": walk.share < 1,
        "share": round(walk.share, 4),
        "consequence": unresolvable(walk),
        "why_none": "Each fails in its own way.",
    }
    if not conditions <= _CERTAIN and not all(is_local(p.telling) for p in places):
        data["confidence"] = "medium"
    remedy = None
    if len(conditions) == 1:
        (condition,) = conditions
        data["why_none"] = _WHY_NONE.get(condition, data["why_none"])
        remedy = _remedy(condition, zone, places)
        if remedy is None and (rule is rules.NO_SERVER_HELPS or condition is Condition.MALFORMED):
            remedy = _RULES[condition].remedy
    return finding(rule, target, [q for p in places for q in _telling(p)], Status.FAULT, data, remedy=remedy)


def _remedy(condition: Condition, zone: ZoneView, members: Sequence[Place]) -> Remedy | None:
    """Return what to do instead of the rule's own remedy.

    On Route 53's servers nobody loads a zone by hand; and a silent server may be alive at an address of its own zone
    that the zone above does not know yet.
    """
    if condition is Condition.REFUSES and all(is_route_53(m.server) for m in members):
        return rules.AT_ROUTE_53
    glue = (m.address in zone.glue.get(m.server, ()) and is_within(m.server, zone.name) for m in members)
    if condition in _GONE and all(glue):
        return rules.MOVED
    return None


def _telling(place: Place) -> list[DnsQuery]:
    """Return the question that shows how a place is, and those that confirm it: over TCP, truncated, without EDNS."""
    telling = place.telling
    same = [q for q in place.queries if (q.name, q.type) == (telling.name, telling.type) and q is not telling]
    also = [q for q in same if q.transport is DnsTransport.TCP and q.edns][:1]
    if place.condition is Condition.TRUNCATES:
        also = [q for q in same if q.outcome is DnsOutcome.TRUNCATED and q.edns][:1]
    elif place.condition is Condition.DROPS_EDNS:
        also = [q for q in same if not q.edns and q.transport is DnsTransport.UDP][:1]
    return [telling, *also]


def _without_tcp(walk: Delegations, target: Target, zone: ZoneView) -> Iterator[Finding]:
    over_tcp = [q for q in walk.queries if q.transport is DnsTransport.TCP]
    works = any(q.rcode for q in over_tcp)
    # Where nobody answers over TCP, a firewall here may be what refuses it.
    failed = _NO_CONNECTION if works else frozenset()
    found: dict[Place, DnsQuery] = {}
    for place in zone.well:
        mine = [q for q in place.queries if q.transport is DnsTransport.TCP]
        if mine[:1] and mine[0].outcome is DnsOutcome.UNFINISHED:
            continue
        if mine and not any(q.rcode for q in mine) and (mine[0].outcome in failed or is_local(mine[0])):
            found[place] = mine[0]
    if found:
        members = list(found)
        data = {
            **facts(walk, target, zone, members[0]),
            **how_many(zone, members),
            "said": join_names(list(dict.fromkeys(said(q) for q in found.values())), 3),
        }
        yield finding(rules.SERVER_WITHOUT_TCP, target, found.values(), Status.WARNING, data)
