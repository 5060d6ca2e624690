"""What findings about name servers are filled with: facts, words and evidence that several judges share. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from cfrunbook.causes.dns_delegation import Delegations, Place, ZoneView
from cfrunbook.cloudfront.targets import Target
from cfrunbook.evidence import DnsOutcome, DnsQuery, DnsTransport
from cfrunbook.findings import Evidence, Finding, Remedy, Rule, Status
from cfrunbook.probes import address as addresses
from cfrunbook.probes.dns.names import ROOT, depth, plain
from cfrunbook.text import join_names, visible

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
    "give": ("gives", "give"),
    "belong": ("belongs", "belong"),
    "it": ("it", "them"),
    "deviate": ("server that deviates", "servers that deviate"),
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
        **of_servers([shown(p) for p in zone.places], len({p.server for p in zone.places})),
        "listed_servers": join_names([visible(s, 120) for s in zone.listed]) or "that the zone above names",
        **_at_route_53(zone),
    }


def of_servers(servers: Sequence[str], number: int | None = None) -> dict[str, Any]:
    """Return how the templates speak of name servers: all of them by name, and in short where they were named before.

    `number` is that of servers, where `servers` are addresses of them.
    """
    count = len(servers) if number is None else number
    them = join_names(list(servers)) if len(servers) <= 2 else f"these {len(servers)} servers"
    return {"servers": list(servers), "them": them, **verbs(count)}


def _at_route_53(zone: ZoneView) -> dict[str, Any]:
    """Return commands of the AWS CLI for a zone's delegation, with its real names.

    https://docs.aws.amazon.com/cli/latest/reference/route53/get-hosted-zone.html
    """
    name = visible(zone.name, 260)
    delegated, delegate = _registered(name, zone) if is_registry(zone.parent) else _below(name, zone)
    return {
        "is_route_53": any(is_route_53(s) for s in zone.listed),
        "hosted_zones": f"HostedZones[?Name==`{name}.`].Id",
        "delegated": delegated,
        "delegate": delegate,
    }


def _registered(name: str, zone: ZoneView) -> tuple[str, str]:
    """Return how a registered domain's name servers are shown, and changed to those that hold the zone.

    https://docs.aws.amazon.com/cli/latest/reference/route53domains/update-domain-nameservers.html
    """
    differing = zone.held if zone.held and set(zone.held) != set(zone.listed) else ()
    named = " ".join(shlex.quote(f"Name={visible(s, 120)}") for s in differing)
    servers = "\"DelegationSet.NameServers[].join('', ['Name=', @])\""
    right = named or f'$(aws route53 get-hosted-zone --id "$HOSTED_ZONE" --query {servers} --output text)'
    domain = f"--region us-east-1 --domain-name {shlex.quote(name)}"
    return (
        f"aws route53domains get-domain-detail {domain} --query 'Nameservers[].Name'",
        f"aws route53domains update-domain-nameservers {domain} --nameservers {right}",
    )


def _below(name: str, zone: ZoneView) -> tuple[str, str]:
    """Return how the change of a subdomain's name servers is written, and made in the zone above, also at Route 53.

    https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/dns-routing-traffic-for-subdomains.html
    """
    parent = visible(zone.parent, 260)
    servers = "DelegationSet.NameServers[].{Value: @}"
    record = f'Name: `"{name}"`, Type: `"NS"`, TTL: `300`, ResourceRecords: {servers}'
    change = shlex.quote(f'{{Changes: [{{Action: `"UPSERT"`, ResourceRecordSet: {{{record}}}}}]}}')
    above = shlex.quote(f"HostedZones[?Name==`{parent}.`].Id | [0]")
    return (
        f'aws route53 get-hosted-zone --id "$HOSTED_ZONE" --query {change} --output json > ns.json',
        'aws route53 change-resource-record-sets --change-batch file://ns.json --hosted-zone-id "$(aws route53'
        f' list-hosted-zones-by-name --dns-name {shlex.quote(parent)} --query {above} --output text)"',
    )


def is_route_53(server: str) -> bool:
    """Tell whether a name server is one of Amazon Route 53's, by its name.

    https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/route-53-concepts.html
    """
    return bool(_ROUTE_53.fullmatch(server))


_SECOND_LEVEL = frozenset({"ac", "co", "com", "edu", "go", "gov", "ne", "net", "or", "org"})
"""Below a country's domain, labels under which registries register: `co.uk`, `com.au`."""


def is_registry(zone: str) -> bool:
    """Tell whether domains are registered right below `zone`; used for wording only."""
    labels = zone.split(".")
    return depth(zone) < 2 or (len(labels) == 2 and labels[0] in _SECOND_LEVEL and len(labels[1]) == 2)


def parent_shown(zone: ZoneView) -> str:
    """Return the zone above, for people."""
    return "the root" if zone.parent in ("", ROOT) else visible(zone.parent, 260)


def shown(place: Place) -> str:
    """Return a name server with the address that was asked, for people."""
    return f"{visible(place.server, 120)} ({visible(place.address, 60)})"


def evidence(queries: Iterable[DnsQuery]) -> list[Evidence]:
    """Return the questions that show something, each in a line; of those to one server with one answer, the first."""
    shown: dict[tuple[str, ...], DnsQuery] = {}
    for query in queries:
        over = "" if query.outcome in _REPLIES else f"{query.transport} {query.edns}"
        shown.setdefault((query.server, query.address, query.name, query.type, said(query), over), query)
    return [Evidence(observation=q.id, says=line(q)) for q in list(shown.values())[:MAX_EVIDENCE]]


def line(query: DnsQuery) -> str:
    """Return one question and what came of it, in a line."""
    asked = f"{visible(query.server, 120)} ({visible(query.address, 60)}) {visible(query.name, 120)} {query.type}"
    how = "" if query.edns else " without EDNS"
    over = " over TCP" if query.transport is DnsTransport.TCP else ""
    return f"{asked}{how}{over}: {said(query)}{_after(query)}"


def _after(query: DnsQuery) -> str:
    """Return how long it took, or how often it was tried where nothing came."""
    if query.outcome is DnsOutcome.TIMEOUT:
        times = len(query.sent_at)
        return f", asked {times} times" if times > 1 else ""
    return f" after {query.elapsed_ms:.0f} ms" if query.elapsed_ms >= 1 else " after less than 1 ms"


_REPLIES = frozenset({DnsOutcome.ANSWER, DnsOutcome.NODATA, DnsOutcome.NXDOMAIN})
_OUTCOMES = {
    DnsOutcome.NODATA: "no such record",
    DnsOutcome.NXDOMAIN: "NXDOMAIN",
    DnsOutcome.TRUNCATED: "truncated",
    DnsOutcome.REFUSED_PORT: "port closed",
    DnsOutcome.UNREACHABLE: "unreachable",
    DnsOutcome.CLOSED: "hung up",
    DnsOutcome.MALFORMED: "unreadable",
    DnsOutcome.NO_LOCAL_ROUTE: "not asked",
    DnsOutcome.ERROR: "not asked",
    DnsOutcome.UNFINISHED: "no time left",
}


def said(query: DnsQuery) -> str:
    """Return what came of a question, in a few words."""
    words = _OUTCOMES.get(query.outcome, query.rcode)
    detail = visible(query.detail, 120)
    if query.outcome is DnsOutcome.TIMEOUT:
        words = detail or "no answer"
    elif query.outcome is DnsOutcome.ANSWER:
        words = _records(query)
    elif query.outcome is DnsOutcome.REFERRAL:
        words = f"referral to {visible(next((r.owner for r in query.authority if r.type == 'NS'), '?'), 120)}"
    elif detail:
        words += f": {detail[0].lower()}{detail[1:]}" if detail[1:2].islower() else f": {detail}"
    lame = query.outcome in _REPLIES and not query.authoritative
    return f"{words}, not authoritative" if lame else words


def _records(query: DnsQuery) -> str:
    """Return the records of an answer that are about the name itself, and how many there are beside."""
    own = [r for r in query.answer if r.owner == query.name and r.type in ("CNAME", query.type)] or query.answer
    found = [f"alias of {plain(r.data)}" if r.type == "CNAME" != query.type else r.data for r in own]
    words = ", ".join(visible(data, 60) for data in found[:4])
    return f"{words} and {len(found) - 4} more" if len(found) > 4 else words


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
    remedy: Remedy | None = None,
) -> Finding:
    """Return the finding of a rule; only a fault has a status of CloudFront, only what is unknown a next check."""
    shown_by = [*evidence(shows), *also]
    found = rule.finding(target=target.id, evidence=shown_by, status=status, remedy=remedy, **data)
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
    if total == 2:
        return f"Both {what}"
    return f"All {total} {what}" if total > 1 else f"The only {what.removesuffix('s')}"


def how_many(zone: ZoneView, members: Collection[Place]) -> dict[str, Any]:
    """Return how many servers, or addresses of servers, are concerned, and the verbs that go with the number."""
    servers = {p.server for p in zone.asked}
    spared = {p.server for p in zone.asked if p not in members}
    affected = {p.server for p in members}
    number, total, what = len(affected), len(servers), "name servers"
    if affected & spared:
        number, total, what = len(members), len(zone.asked), "name server addresses"
    return {"which": which(number, total, what), "affected": number, "total": total} | of_servers(
        [shown(p) for p in members], number
    )


def verbs(number: int) -> dict[str, str]:
    """Return the verbs of the templates as they go with so many."""
    return {verb: forms[number != 1] for verb, forms in _VERBS.items()}
