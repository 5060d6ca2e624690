"""What Route 53 holds about an origin's name, against what public DNS was seen to say. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from cfrunbook.aws_facts import HostedZone
from cfrunbook.causes import aws_rules as rules
from cfrunbook.cloudfront.targets import Target
from cfrunbook.evidence import DnsOutcome, DnsQuery, Resolution, ResolutionOutcome
from cfrunbook.findings import Evidence, Finding, Rule, Status
from cfrunbook.probes.dns.names import plain
from cfrunbook.text import join_names, visible

_NO_ADDRESS = frozenset({ResolutionOutcome.NXDOMAIN, ResolutionOutcome.NODATA, ResolutionOutcome.SERVFAIL})


def judge(
    zones: Sequence[HostedZone], target: Target, resolutions: Sequence[Resolution], queries: Sequence[DnsQuery]
) -> Iterator[Finding]:
    """Yield what the zones that enclose a target's name show."""
    mine = [zone for zone in zones if zone.domain == target.domain]
    if not mine or target.not_probed:
        return
    resolves = _resolves(target.domain, resolutions)
    public = [zone for zone in mine if not zone.private]
    nearest = max((zone.name.count("."), zone.name) for zone in public)[1] if public else ""
    same = [zone for zone in public if zone.name == nearest]
    if not public:
        yield from _private(mine, target, resolves)
        return
    delegated = delegated_to(nearest, queries)
    if len(same) > 1:
        yield _duplicates(same, target, delegated)
        same = [zone for zone in same if delegated & set(zone.name_servers or ())]
    for zone in same[:1]:
        yield from _zone(zone, target, delegated, resolves)


def delegated_to(zone: str, queries: Sequence[DnsQuery]) -> frozenset[str]:
    """Return the name servers that the zone above was seen to list; none where nobody asked it."""
    return frozenset(
        plain(record.data)
        for query in queries
        if query.outcome is DnsOutcome.REFERRAL
        for record in query.authority
        if record.type == "NS" and plain(record.owner) == zone
    )


def _resolves(domain: str, resolutions: Sequence[Resolution]) -> bool | None:
    """Tell whether the name was seen to have an address; None where that is not known."""
    outcomes = {r.outcome for r in resolutions if r.name == domain}
    if ResolutionOutcome.ANSWER in outcomes:
        return True
    return False if outcomes & _NO_ADDRESS else None


def _zone(zone: HostedZone, target: Target, delegated: frozenset[str], resolves: bool | None) -> Iterator[Finding]:
    own = frozenset(zone.name_servers or ())
    if not delegated or not own:
        return
    if not delegated & own:
        status = Status.FAULT if resolves is False else Status.WARNING
        yield _finding(
            rules.NOT_DELEGATED, zone, target, status, delegated=sorted(delegated), resolves=_still(resolves)
        )
    elif others := delegated - own:
        listed = {"delegated": sorted(delegated), "others": sorted(others)}
        yield _finding(rules.DELEGATION_DIFFERS, zone, target, None, **listed)
    elif zone.records == () and resolves is False:
        yield _finding(rules.RECORD_MISSING, zone, target, None)


def _private(zones: Sequence[HostedZone], target: Target, resolves: bool | None) -> Iterator[Finding]:
    holding = [zone for zone in zones if zone.records]
    if holding and resolves is not True:
        status = None if resolves is False else Status.WARNING
        yield _finding(rules.PRIVATE_ONLY, holding[0], target, status, resolves=_still(resolves))


def _duplicates(zones: Sequence[HostedZone], target: Target, delegated: frozenset[str]) -> Finding:
    asked = [zone.id for zone in zones if delegated & set(zone.name_servers or ())]
    if asked:
        which = f"The world asks {join_names([visible(a, 40) for a in asked])}."
    elif delegated:
        which = "The world asks none of them."
    else:
        which = "Which of them the world asks is not known here."
    ids = [zone.id for zone in zones]
    return _finding(rules.DUPLICATE_ZONES, zones[0], target, None, count=len(zones), ids=ids, which=which)


def _still(resolves: bool | None) -> str:
    if resolves:
        return " The name has an address all the same, from elsewhere."
    return "" if resolves is False else " Whether the name has an address was not seen here."


def _finding(rule: Rule, zone: HostedZone, target: Target, status: Status | None, **data: Any) -> Finding:
    says = f"hosted zone {zone.id} of {zone.name}{' (private)' if zone.private else ''}"
    servers = list(zone.name_servers or ())
    if servers:
        says += f": {join_names(servers)}"
    return rule.finding(
        target=target.id,
        evidence=[Evidence(observation="input:aws", says=visible(says, 300))],
        status=status,
        zone=zone.name,
        zone_id=zone.id,
        servers=servers,
        domain=target.domain,
        **data,
    )
