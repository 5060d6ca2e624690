"""What findings about name servers are filled with: facts, words and evidence that several judges share. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import msgspec

from cfrunbook.causes.dns_delegation import Delegations, Place, ZoneView
from cfrunbook.cloudfront.targets import Target
from cfrunbook.evidence import DnsOutcome, DnsQuery, DnsTransport
from cfrunbook.findings import Evidence, Finding, Rule, Status
from cfrunbook.probes import address as addresses
from cfrunbook.probes.dns.names import ROOT
from cfrunbook.text import visible

MAX_EVIDENCE = 12
_ROUTE_53 = re.compile(r"ns-\d+\.awsdns-\d+\.(com|net|org|co\.uk)", re.ASCII)
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
    "deny": ("denies", "deny"),
}


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


def where(query: DnsQuery | None) -> dict[str, Any]:
    """Return, for the templates, how `dig` is told to ask where a question went."""
    server, port = _at(query)
    return {"server": server, "server_port": port}


def _at(query: DnsQuery | None) -> tuple[str, int]:
    """Return how `dig` is told where to ask."""
    if query is None:
        return "+nosearch", 53  # an option in the place of a server: dig then asks the system's
    try:
        at, port = addresses.split(query.connected_to or addresses.join(query.address, 53), 53)
    except ValueError:
        return "+nosearch", 53
    return f"@{at}", port


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


def percent(share: float) -> str:
    """Return a share of look-ups for people: `about 25 %`."""
    return f"about {round(share * 100)} %" if share >= 0.005 else "less than 1 %"


def unresolvable(walk: Delegations) -> str:
    """Return what it means that nothing comes of this way, as a clause: `nobody can resolve origin.example.com`."""
    name = visible(walk.name, 260)
    if walk.share < 1:
        return f"{percent(walk.share)} of lookups of {name}, those that come here, fail"
    return f"nobody can resolve {name}"


def for_this_way(found: Finding, walk: Delegations) -> Finding:
    """Return a finding about what is at the end of a way; where lookups go other ways too, it says how many go here."""
    if walk.share == 1:
        return found
    title = f"{found.title.removesuffix('.')}; {percent(walk.share)} of lookups go there."
    more = {"share": round(walk.share, 4), "intermittent": True} if found.status is Status.FAULT else {}
    return msgspec.structs.replace(found, title=title, data=found.data | more)


def which(number: int, total: int, what: str) -> str:
    """Return how many of how many, to begin a sentence: `2 of 4 name servers`, `All 4 name servers`."""
    if number < total:
        return f"{number} of {total} {what}"
    return f"All {total} {what}" if total > 1 else f"The only {what.removesuffix('s')}"


def how_many(zone: ZoneView, members: Collection[Place]) -> dict[str, Any]:
    """Return how many servers, or addresses of servers, are concerned, and the verbs that go with the number."""
    servers = {p.server for p in zone.asked}
    spared = {p.server for p in zone.asked if p not in members}
    affected = {p.server for p in members}
    number, total, what = len(affected), len(servers), "name servers"
    if affected & spared:
        number, total, what = len(members), len(zone.asked), "name server addresses"
    return {"which": which(number, total, what), "servers": [shown(p) for p in members], **verbs(number)} | {
        "affected": number,
        "total": total,
    }


def verbs(number: int) -> dict[str, str]:
    """Return the verbs of the templates as they go with so many."""
    return {verb: forms[number != 1] for verb, forms in _VERBS.items()}
