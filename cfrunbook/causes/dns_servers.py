"""Judge the name servers on the way to a name, and the delegations that lead to them. Pure.

A server that fails is a warning while another one answers: resolvers go on to it, later. Where none answers, nobody can
resolve the name, and that is the fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from cfrunbook.causes import dns_server_rules as rules
from cfrunbook.causes.dns_delegation import Condition, Control, Delegations, Place, ZoneView, is_local
from cfrunbook.cloudfront.targets import Target
from cfrunbook.evidence import DnsOutcome, DnsQuery, DnsTransport
from cfrunbook.findings import Evidence, Finding, Rule, Status
from cfrunbook.probes import address as addresses
from cfrunbook.probes.dns.names import ROOT, is_within
from cfrunbook.text import join_names, visible

MAX_EVIDENCE = 12
_ROUTE_53 = re.compile(r"ns-\d+\.awsdns-\d+\.(com|net|org|co\.uk)", re.ASCII)
_RULES: Mapping[Condition, Rule] = {
    Condition.SILENT: rules.SERVER_SILENT,
    Condition.NOT_RUNNING: rules.SERVER_NOT_RUNNING,
    Condition.UNREACHABLE: rules.SERVER_UNREACHABLE,
    Condition.UNPROVEN: rules.SERVER_UNPROVEN,
    Condition.REFUSES: rules.SERVER_REFUSES,
    Condition.FAILS: rules.SERVER_FAILS,
    Condition.NOT_AUTHORITATIVE: rules.SERVER_NOT_AUTHORITATIVE,
    Condition.UPWARD: rules.SERVER_REFERS_UPWARD,
    Condition.MALFORMED: rules.SERVER_GARBLES,
    Condition.DROPS_EDNS: rules.EDNS_DROPPED,
    Condition.TRUNCATES: rules.TCP_NEEDED,
    Condition.IGNORES: rules.SERVER_IGNORES,
}
_DEAD = frozenset({Condition.SILENT, Condition.NOT_RUNNING, Condition.UNREACHABLE, Condition.MALFORMED})
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
_CERTAIN = frozenset({Condition.REFUSES, Condition.FAILS, Condition.NOT_RUNNING, Condition.MALFORMED})
"""What has nothing to do with where one asks from, nor with what a resolver makes of it."""
_VERBS = {
    "do": ("does", "do"),
    "run": ("runs", "run"),
    "refuse": ("refuses", "refuse"),
    "fail": ("fails", "fail"),
    "answer": ("answers", "answer"),
    "refer": ("refers", "refer"),
    "drop": ("drops", "drop"),
    "send": ("sends", "send"),
    "have": ("has", "have"),
}
_WHY_NOT_WALKED = {
    Control.BLOCKED: "no root server answered, so port 53 seems to be blocked from here",
    Control.INTERCEPTED: "something here answers in the place of the root servers, so port 53 seems to be intercepted",
    Control.NOT_ASKED: "the recording holds no question to them",
    Control.FINE: "the walk from the root got to none that could be asked from here",
}


def judge(walk: Delegations, target: Target) -> Iterator[Finding]:
    """Yield what is wrong with name servers and delegations, zone by zone from the top."""
    for zone in walk.zones:
        yield from _conditions(walk, target, zone)
        if zone.parent:
            yield from _addressless(walk, target, zone)
            yield from _old_glue(walk, target, zone)
            yield from _mismatch(walk, target, zone)
        yield from _without_tcp(walk, target, zone)
        yield from _serials(walk, target, zone)


def not_walked(walk: Delegations, target: Target) -> Finding:
    """Return that the name servers could not be asked, and why."""
    data = facts(walk, target, walk.hops[0].zone)
    seen = [q for q in walk.queries if q.zone == ROOT]
    return rules.PORT_53_BLOCKED.finding(
        target=target.id, evidence=evidence(seen), **{**data, "why": _WHY_NOT_WALKED[walk.control]}
    )


# --- what every finding is filled with --------------------------------------------------------------------------------


def facts(walk: Delegations, target: Target, zone: ZoneView, place: Place | None = None) -> dict[str, Any]:
    """Return what the rules' templates need to know of a zone, and of the place that a command is to ask."""
    place = place or next(iter((*zone.well, *zone.places)), None)
    server, port = _at(place.telling if place else None)
    parent_server, parent_port = _at(zone.referrals[0] if zone.referrals else None)
    return {
        "name": visible(walk.name, 260),
        "origin": target.origin_id,
        "kind": "AAAA" if target.ip_address_type == "ipv6" else "A",
        "zone": visible(zone.name, 260),
        "parent": parent_shown(zone),
        "server": server,
        "server_port": port,
        "parent_server": parent_server,
        "parent_port": parent_port,
        "asked": visible(walk.name, 260),
        "first_server": visible(place.server if place else "", 260),
        "servers": [shown(p) for p in zone.places],
        "is_route_53": any(_ROUTE_53.fullmatch(s) for s in zone.listed),
    }


def parent_shown(zone: ZoneView) -> str:
    """Return the zone above, for people."""
    return "the root" if zone.parent in ("", ROOT) else visible(zone.parent, 260)


def shown(place: Place) -> str:
    """Return a name server with the address that was asked, for people."""
    return f"{visible(place.server, 120)} ({visible(place.address, 60)})"


def evidence(queries: Iterable[DnsQuery]) -> list[Evidence]:
    """Return the questions that show something, each in a line."""
    return [Evidence(observation=q.id, says=line(q)) for q in list(queries)[:MAX_EVIDENCE]]


def line(query: DnsQuery) -> str:
    """Return one question and what came of it, in a line."""
    asked = f"{visible(query.server, 120)} ({visible(query.address, 60)}) {visible(query.name, 120)} {query.type}"
    how = "" if query.edns else " without EDNS"
    over = " over TCP" if query.transport is DnsTransport.TCP else ""
    return f"{asked}{how}{over}: {said(query)} after {query.elapsed_ms:.0f} ms"


def said(query: DnsQuery) -> str:
    """Return what came of a question, in a few words."""
    words = query.rcode if query.outcome is DnsOutcome.RCODE else query.outcome.replace("_", " ")
    if query.outcome is DnsOutcome.ANSWER:
        words = ", ".join(visible(r.data, 60) for r in query.answer if r.type != "RRSIG")[:200]
    elif query.outcome is DnsOutcome.REFERRAL:
        words = f"referral to {visible(next((r.owner for r in query.authority if r.type == 'NS'), '?'), 120)}"
    elif query.detail:
        words += f", {visible(query.detail, 120)}"
    lame = query.outcome in (DnsOutcome.ANSWER, DnsOutcome.NODATA, DnsOutcome.NXDOMAIN) and not query.authoritative
    return f"{words}, not authoritative" if lame else words


def _at(query: DnsQuery | None) -> tuple[str, int]:
    """Return how `dig` is told where to ask."""
    if query is None:
        return "+nosearch", 53  # an option in the place of a server: dig then asks the system's
    try:
        at, port = addresses.split(query.connected_to or addresses.join(query.address, 53), 53)
    except ValueError:
        return "+nosearch", 53
    return f"@{at}", port


# --- servers ----------------------------------------------------------------------------------------------------------


def _conditions(walk: Delegations, target: Target, zone: ZoneView) -> Iterator[Finding]:
    groups: dict[tuple[Condition, str], list[Place]] = {}
    for place in zone.asked:
        variant = place.telling.rcode if place.condition in (Condition.FAILS, Condition.REFUSES) else ""
        groups.setdefault((place.condition, variant), []).append(place)
    conditions = {condition for condition, _ in groups}
    if conditions and not conditions & {Condition.WELL, Condition.UNPROVEN}:
        yield _nobody(walk, target, zone, groups)
        return
    for (condition, _), members in groups.items():
        if condition is Condition.WELL:
            continue
        status = Status.WARNING
        if condition is Condition.UNPROVEN:
            status = Status.INFO if zone.well else Status.UNKNOWN
        data = {
            **_group(walk, target, zone, members),
            "consequence": f"{percent(zone.share(members))} of cold lookups go there first",
        }
        yield finding(_RULES[condition], target, [q for m in members for q in _telling(m)], status, data)


def _group(walk: Delegations, target: Target, zone: ZoneView, members: Sequence[Place]) -> dict[str, Any]:
    """Return what the templates need about places that are in the same condition."""
    first = members[0].telling
    return {
        **facts(walk, target, zone, members[0]),
        **_how_many(zone, members),
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
        "intermittent": False,
        "share": 1.0,
        "consequence": f"nobody can resolve {visible(walk.name, 260)}",
    }
    if not conditions <= _CERTAIN and not all(is_local(p.telling) for p in places):
        data["confidence"] = "medium"
    return finding(rule, target, [q for p in places for q in _telling(p)], Status.FAULT, data)


def _telling(place: Place) -> list[DnsQuery]:
    """Return the question that shows how a place is, and the one over TCP that confirms it."""
    same = [q for q in place.queries if (q.name, q.type) == (place.telling.name, place.telling.type)]
    over_tcp = [q for q in same if q.transport is DnsTransport.TCP and q is not place.telling]
    return [place.telling, *over_tcp[:1]]


def finding(
    rule: Rule,
    target: Target,
    shows: Iterable[DnsQuery],
    status: Status,
    data: Mapping[str, Any],
    *,
    also: Iterable[Evidence] = (),
) -> Finding:
    """Return the finding of a rule; only a fault has a status of CloudFront, only what is unknown a next check."""
    found = rule.finding(target=target.id, evidence=[*evidence(shows), *also], status=status, **data)
    return msgspec.structs.replace(
        found,
        cloudfront_status=found.cloudfront_status if status is Status.FAULT else None,
        next_check=found.next_check if status is Status.UNKNOWN else "",
    )


def _how_many(zone: ZoneView, members: Sequence[Place]) -> dict[str, Any]:
    """Return how many servers, or addresses of servers, are concerned, and the verbs that go with the number."""
    servers = {p.server for p in zone.asked}
    spared = {p.server for p in zone.asked if p not in members}
    affected = {p.server for p in members}
    number, total, what = len(affected), len(servers), "name servers"
    if affected & spared:
        number, total, what = len(members), len(zone.asked), "name server addresses"
    return {"which": _which(number, total, what), "servers": [shown(p) for p in members], **_verbs(number)} | {
        "affected": number,
        "total": total,
    }


def _which(number: int, total: int, what: str) -> str:
    if number < total:
        return f"{number} of {total} {what}"
    return f"All {total} {what}" if total > 1 else f"The only {what.removesuffix('s')}"


def _verbs(number: int) -> dict[str, str]:
    return {verb: forms[number != 1] for verb, forms in _VERBS.items()}


def percent(share: float) -> str:
    """Return a share of look-ups for people: `about 25 %`."""
    return f"about {round(share * 100)} %" if share >= 0.005 else "less than 1 %"


def _without_tcp(walk: Delegations, target: Target, zone: ZoneView) -> Iterator[Finding]:
    over_tcp = [q for q in walk.queries if q.transport is DnsTransport.TCP]
    works = any(q.rcode for q in over_tcp)
    failed = {DnsOutcome.REFUSED_PORT, DnsOutcome.CLOSED} | (
        {DnsOutcome.TIMEOUT, DnsOutcome.UNREACHABLE} if works else set()
    )
    found: dict[Place, DnsQuery] = {}
    for place in zone.well:
        mine = [q for q in place.queries if q.transport is DnsTransport.TCP]
        if mine and not any(q.rcode for q in mine) and (mine[0].outcome in failed or is_local(mine[0])):
            found[place] = mine[0]
    if found:
        members = list(found)
        data = {
            **facts(walk, target, zone, members[0]),
            **_how_many(zone, members),
            "said": join_names(list(dict.fromkeys(said(q) for q in found.values())), 3),
        }
        yield finding(rules.SERVER_WITHOUT_TCP, target, found.values(), Status.WARNING, data)


# --- delegations ------------------------------------------------------------------------------------------------------


def _addressless(walk: Delegations, target: Target, zone: ZoneView) -> Iterator[Finding]:
    """Judge name servers that the zone above lists, and for which nobody knows an address."""
    reached = {p.server for p in zone.places}
    inside = [s for s in zone.listed if is_within(s, zone.name) and s not in zone.glue]
    outside = [
        s for s in zone.listed if s not in reached and s not in inside and any(q.name == s for q in walk.queries)
    ]
    for rule, servers in ((rules.GLUE_MISSING, inside), (rules.SERVER_NAMES_UNRESOLVED, outside)):
        if not servers:
            continue
        number, total = len(servers), len(zone.listed)
        data = {
            **facts(walk, target, zone),
            **_verbs(number),
            "which": _which(number, total, "name servers"),
            "servers": [visible(s, 120) for s in servers],
            "first_server": visible(servers[0], 260),
            "affected": number,
            "total": total,
            "intermittent": bool(zone.well),
            "share": round(number / total, 4),
            "why_no_address": _no_address_why(walk, servers),
            "consequence": f"{percent(number / total)} of the servers are of no use"
            if zone.well
            else f"nobody can resolve {visible(walk.name, 260)}",
        }
        status = Status.WARNING if zone.well else Status.FAULT
        shows = [*zone.referrals[:2], *(q for q in walk.queries if q.name in servers)]
        yield finding(rule, target, shows, status, data)


def _no_address_why(walk: Delegations, servers: Sequence[str]) -> str:
    missing = [s for s in servers if any(q.name == s and q.outcome is DnsOutcome.NXDOMAIN for q in walk.queries)]
    if missing:
        return (
            f"{join_names(missing)} does not exist: misspelt in the delegation, or the provider's domain is gone."
            " Whoever registers that domain answers for the zone."
        )
    return "The names of these servers did not resolve to any address when they were looked up from the root down."


def _old_glue(walk: Delegations, target: Target, zone: ZoneView) -> Iterator[Finding]:
    for server, glue in zone.glue.items():
        own = walk.addresses_of(server)
        if not is_within(server, zone.name):
            continue
        for family in (4, 6):
            new = [a for a in own if addresses.version(a) == family]
            old = [a for a in glue if addresses.version(a) == family and a not in new]
            if old and new:
                data = {
                    **facts(walk, target, zone),
                    "servers": [visible(server, 120)],
                    "old": [visible(a, 60) for a in old],
                    "new": [visible(a, 60) for a in new],
                }
                shows = [*zone.referrals[:1], *(q for q in walk.queries if q.name == server and q.authoritative)]
                yield finding(rules.GLUE_WRONG, target, shows, Status.WARNING, data)


def _mismatch(walk: Delegations, target: Target, zone: ZoneView) -> Iterator[Finding]:
    above, own = set(zone.listed), set(zone.held)
    if not above or not own or above == own:
        return
    parts = []
    for where, servers in ((f"only in {parent_shown(zone)}", above - own), ("only in the zone", own - above)):
        if servers:
            parts.append(f"{join_names(sorted(servers))} {where}")
    telling = next((p for p in zone.places if p.replies(zone.name, "NS")), None)
    data = {
        **facts(walk, target, zone, telling),
        "difference": ", ".join(parts),
        "listed": [visible(s, 120) for s in zone.listed],
        "held": [visible(s, 120) for s in zone.held],
    }
    shows = [*zone.referrals[:1], *(telling.replies(zone.name, "NS") if telling else ())]
    yield finding(rules.SERVERS_MISMATCH, target, shows, Status.WARNING, data)


def _serials(walk: Delegations, target: Target, zone: ZoneView) -> Iterator[Finding]:
    serials = zone.serials
    if len(set(serials.values())) < 2:
        return
    newest = next(iter(serials.values()))
    for serial in serials.values():
        newest = serial if is_newer(serial, newest) else newest
    by_serial: dict[int, list[str]] = {}
    for (server, address), serial in serials.items():
        by_serial.setdefault(serial, []).append(f"{visible(server, 120)} ({visible(address, 60)})")
    behind = [p for p in zone.places if serials.get((p.server, p.address), newest) != newest]
    versions = [f"serial {serial} at {join_names(by_serial[serial], 4)}" for serial in sorted(by_serial, reverse=True)]
    data = {
        **facts(walk, target, zone, behind[0]),
        "servers": [shown(p) for p in behind],
        "versions": "; ".join(versions),
        "newest": newest,
        "share": round(zone.share(behind), 4),
        "same_answers": ""
        if len(_first_answers(walk, zone)) > 1
        else f"For {visible(walk.name, 260)} they say the same.",
    }
    shows = [q for p in zone.places for q in p.replies(zone.name, "SOA")]
    yield finding(rules.SERIALS_DIFFER, target, shows, Status.WARNING, data)


def _first_answers(walk: Delegations, zone: ZoneView) -> set[object]:
    names = [h.name for h in walk.hops if h.zone.name == zone.name]
    return {
        (name, q.outcome, frozenset(r.data for r in q.answer if r.type != "RRSIG"))
        for name in names[:1]
        for p in zone.well
        for q in p.replies(name, "A")
    }


def is_newer(one: int, other: int) -> bool:
    """Compare serial numbers, which wrap around: https://www.rfc-editor.org/rfc/rfc1982#section-3.2."""
    return one != other and (one - other) % 2**32 < 2**31
