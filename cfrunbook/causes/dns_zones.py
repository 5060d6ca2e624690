"""Judge delegations and zones: who is listed where, with which address, and whether all have the same version. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from cfrunbook.causes import dns_server_rules as rules
from cfrunbook.causes.dns_delegation import Delegations, ZoneView
from cfrunbook.causes.dns_words import (
    facts,
    finding,
    how_many,
    of_servers,
    parent_shown,
    percent,
    shown,
    unresolvable,
    verbs,
    which,
)
from cfrunbook.cloudfront.targets import Target
from cfrunbook.evidence import DnsOutcome, DnsQuery
from cfrunbook.findings import Finding, Status
from cfrunbook.probes import address as addresses
from cfrunbook.probes.dns.names import is_within
from cfrunbook.text import join_names, visible


def judge(walk: Delegations, target: Target) -> Iterator[Finding]:
    """Yield what is wrong with delegations and versions, zone by zone from the top."""
    for zone in walk.zones:
        if zone.parent:
            yield from _addressless(walk, target, zone)
            yield from _old_glue(walk, target, zone)
            yield from _mismatch(walk, target, zone)
        yield from _serials(walk, target, zone)
        yield from _instances(walk, target, zone)


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
            **of_servers([visible(s, 120) for s in servers]),
            "which": which(number, total, "name servers"),
            "which_ones": f"{number} of {total} name servers" if number < total else _any_of(total),
            "with_glue": " ".join(
                f'{shlex.quote(f"Name={visible(s, 120)},GlueIps=")}"$ADDRESS_{n}"' for n, s in enumerate(servers, 1)
            ),
            "first_server": visible(servers[0], 260),
            "affected": number,
            "total": total,
            "intermittent": bool(zone.well),
            "share": round(number / total, 4),
            "why_no_address": _no_address_why(walk, servers),
            "consequence": _of_no_use(number, total, found=sum(s in reached for s in servers))
            if zone.well
            else unresolvable(walk),
        }
        status = Status.WARNING if zone.well else Status.FAULT
        shows = [*zone.referrals[:2], *(q for q in walk.queries if q.name in servers)]
        yield finding(rule, target, shows, status, data)


def _any_of(total: int) -> str:
    return {1: "the only name server", 2: "either name server"}.get(total, f"any of the {total} name servers")


def _of_no_use(number: int, total: int, *, found: int) -> str:
    if found == number:
        return "resolvers find them only by asking the others first"
    return f"{percent((number - found) / total)} of the servers are of no use"


def _no_address_why(walk: Delegations, servers: Sequence[str]) -> str:
    missing = [s for s in servers if any(q.name == s and q.outcome is DnsOutcome.NXDOMAIN for q in walk.queries)]
    if missing:
        return (
            f"{join_names(missing)} {verbs(len(missing))['do']} not exist: misspelt in the delegation, or the"
            " provider's domain is gone. Whoever registers that domain answers for the zone."
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
                    **of_servers([visible(server, 120)]),
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
    of_no_use = {p.server for p in zone.asked} - {p.server for p in zone.well}
    remedy = rules.LIST_OF_THE_ZONE if (above - own) & of_no_use else None
    yield finding(rules.SERVERS_MISMATCH, target, shows, Status.WARNING, data, remedy=remedy)


def _serials(walk: Delegations, target: Target, zone: ZoneView) -> Iterator[Finding]:
    # Of an address with several versions, by turns, is spoken elsewhere.
    serials = {place: serial for place, serial in zone.serials.items() if len(zone.versions[place]) == 1}
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
        **of_servers([shown(p) for p in behind]),
        "versions": "; ".join(versions),
        "newest": newest,
        "share": round(zone.share(behind), 4),
        "same_answers": f" For {visible(walk.name, 260)} they say the same." if _agree(walk, zone) else "",
    }
    shows = [q for p in zone.places for q in p.replies(zone.name, "SOA")]
    yield finding(rules.SERIALS_DIFFER, target, shows, Status.WARNING, data)


def _instances(walk: Delegations, target: Target, zone: ZoneView) -> Iterator[Finding]:
    """Judge addresses behind which several servers stand that hold different versions of a zone."""
    several = [p for p in zone.places if len(zone.versions[p.server, p.address]) > 1]
    if not several:
        return
    serials = sorted({str(s) for p in several for s in zone.versions[p.server, p.address]}, reverse=True)
    data = {
        **facts(walk, target, zone, several[0]),
        **how_many(zone, several),
        "versions": f"serial {join_names(serials, 4)}",
        "share": round(zone.share(several), 4),
        "same_answers": f" For {visible(walk.name, 260)} they say the same." if _agree(walk, zone) else "",
    }
    shows = [q for p in several for q in p.queries if q.authoritative and _tells_serial(q, zone.name)]
    yield finding(rules.INSTANCES_DIFFER, target, shows, Status.WARNING, data)


def _tells_serial(query: DnsQuery, zone: str) -> bool:
    return any(r.type == "SOA" and r.owner == zone for r in (*query.answer, *query.authority))


def _agree(walk: Delegations, zone: ZoneView) -> bool:
    """Tell whether the servers of a zone answer, and all answer the same, for the first name in it."""
    name = next((h.name for h in walk.hops if h.zone.name == zone.name), "")
    replies = (q for p in zone.well for q in p.replies(name, "A"))
    return len({(q.outcome, frozenset(r.data for r in q.answer if r.type != "RRSIG")) for q in replies}) == 1


def is_newer(one: int, other: int) -> bool:
    """Compare serial numbers, which wrap around: https://www.rfc-editor.org/rfc/rfc1982#section-3.2."""
    return one != other and (one - other) % 2**32 < 2**31
