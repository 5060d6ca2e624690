"""Cause "dns": the Origin Domain has no address that CloudFront can use.

The zone's own name servers, all of them, say what public DNS is. A resolver asked from here is one view of it and may
see another tree (split horizon): alone, its errors are unknown, not faults.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/http-502-bad-gateway.html#http-502-dns-error
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from cfrunbook.causes import (
    dns_answer_rules,
    dns_answers,
    dns_server_rules,
    dns_servers,
    dns_signatures,
    dns_words,
    dns_zones,
)
from cfrunbook.causes import dns_rules as rules
from cfrunbook.causes.case import Case
from cfrunbook.causes.dns_conditions import Control
from cfrunbook.causes.dns_delegation import Delegations, fold
from cfrunbook.causes.sightings import some_requests_fail
from cfrunbook.cloudfront.special_purpose import SpecialPurpose, special_purpose
from cfrunbook.cloudfront.targets import Target
from cfrunbook.evidence import AUTHORITATIVE, DnsQuery, Resolution, ResolutionOutcome
from cfrunbook.findings import Cause, Evidence, Finding, Rule, Status
from cfrunbook.hostname import canonical
from cfrunbook.probes import address as addresses
from cfrunbook.probes.dns.names import plain
from cfrunbook.text import join_names, visible

__all__ = ["AWS_PAGE", "CAUSE", "NOTEBOOK", "RULES", "judge", "judge_case", "observe"]

CAUSE = Cause.DNS
AWS_PAGE = rules.AWS_PAGE
NOTEBOOK = "05_dns"
RULES: tuple[Rule, ...] = (*dns_server_rules.RULES, *dns_answer_rules.RULES, *rules.RULES)

_BY_OUTCOME = {
    ResolutionOutcome.NXDOMAIN: rules.NXDOMAIN,
    ResolutionOutcome.NODATA: rules.NODATA,
    ResolutionOutcome.SERVFAIL: rules.SERVFAIL,
    ResolutionOutcome.REFUSED: rules.REFUSED,
    ResolutionOutcome.TIMEOUT: rules.TIMEOUT,
    ResolutionOutcome.ERROR: rules.NOT_ASKED,
}


async def observe(target: Target, *, deadline: float, resolvers: Sequence[str] = ()) -> Resolution:
    """Ask `resolvers`, or those of this machine, for the addresses of `target` within `deadline` seconds.

    Raises BadInput for a resolver that is not an address.
    """
    from cfrunbook.probes.resolve import resolve

    return await resolve(target.domain, ip_address_type=target.ip_address_type, resolvers=resolvers, deadline=deadline)


def judge_case(case: Case) -> tuple[Finding, ...]:
    """Judge what name servers and resolvers said about a target's name, see `judge`."""
    return judge(
        case.resolutions,
        target=case.target,
        in_lab=bool(case.observations.inputs.lab),
        queries=case.observations.dns_queries,
        at=case.at,
    )


def judge(
    resolutions: Iterable[Resolution],
    *,
    target: Target,
    in_lab: bool = False,
    queries: Sequence[DnsQuery] = (),
    at: dt.datetime | None = None,
) -> tuple[Finding, ...]:
    """Judge what name servers and resolvers said about a target's name; relocated names give nothing. Pure.

    Where the name servers decide it, resolvers are only compared with them. `at` is the moment for which signatures
    must be valid; without it they are not judged. In a lab, whatever resolver was asked plays public DNS.
    """
    unsaid = (ResolutionOutcome.RELOCATED,)
    asked = [r for r in resolutions if r.outcome not in unsaid and r.resolver != AUTHORITATIVE]
    kind = "AAAA" if target.ip_address_type == "ipv6" else "A"
    walk = fold(queries, target.domain, kind=kind) if any(q.name == plain(target.domain) for q in queries) else None
    found: list[Finding] = []
    if walk is not None and walk.control is Control.FINE:
        found += _on_every_way(walk, target, at)
        if any(f.status in (Status.FAULT, Status.OK) for f in found):
            compared = (_compare(target, walk, found, r) for r in asked)
            return (*found, *(f for f in compared if f is not None))
    if walk is not None and not any(f.status is Status.UNKNOWN for f in found):
        found.append(dns_servers.not_walked(walk, target))
    return (*found, *(_judge(target, resolution, in_lab=in_lab) for resolution in asked))


def _on_every_way(walk: Delegations, target: Target, at: dt.datetime | None) -> Iterator[Finding]:
    """Yield what is to be said of each way that lookups go; what several have in common, once."""
    said: set[tuple[str, str]] = set()
    common = frozenset.intersection(*(frozenset(z.name for z in way.zones) for way in walk.ways))
    for way in walk.ways:
        found = [*dns_servers.judge(way, target), *dns_zones.judge(way, target), *dns_answers.judge(way, target)]
        if at is not None:
            found += dns_signatures.judge(way, target, at, common)
        for finding in found:
            if (finding.code, finding.title) not in said:
                said.add((finding.code, finding.title))
                yield finding


def _judge(target: Target, seen: Resolution, *, in_lab: bool) -> Finding:
    if seen.outcome is not ResolutionOutcome.ANSWER:
        rule = _BY_OUTCOME[seen.outcome]
        if rule is rules.NXDOMAIN and seen.cnames:
            rule = rules.DANGLING_ALIAS
        return _finding(target, seen, rule, [])
    usable, other = seen.ipv4, seen.ipv6
    if target.ip_address_type == "ipv6":
        usable, other = other, usable
    elif target.ip_address_type == "dualstack":
        usable, other = usable + other, ()
    if _is_localhost(seen.name):
        return _finding(target, seen, rules.LOCALHOST, [*seen.ipv4, *seen.ipv6])
    if not usable:
        return _finding(target, seen, rules.WRONG_FAMILY if other else rules.NODATA, list(other))
    private = {a: purpose for a in usable if (purpose := special_purpose(a)) is not None}
    if private:
        status = Status.FAULT if in_lab or _is_public_knowledge(seen) else None
        return _finding(
            target,
            seen,
            rules.PRIVATE_ADDRESS,
            list(private),
            total=len(usable),
            purpose=next(iter(private.values())),
            status=status,
        )
    return _finding(target, seen, rules.OK, list(usable))


def _is_localhost(name: str) -> bool:
    """Tell whether RFC 6761, section 6.3, reserves this name for loopback."""
    return name == "localhost" or name.endswith(".localhost")


def _is_public_knowledge(seen: Resolution) -> bool:
    """Tell whether public DNS gives the same answer: the name or the resolver is public.

    Internal load balancers have private addresses in public DNS, and names that begin with `internal-`.
    """
    if addresses.version(seen.name):
        return True
    if seen.name.startswith("internal-") and ".elb." in seen.name:
        return True
    try:
        resolver, _ = addresses.split(seen.resolver, 53)
    except ValueError:
        return False
    return special_purpose(resolver) is None


def _finding(
    target: Target,
    seen: Resolution,
    rule: Rule,
    found: list[str],
    *,
    total: int = 0,
    purpose: SpecialPurpose | None = None,
    status: Status | None = None,
) -> Finding:
    ipv6 = target.ip_address_type == "ipv6"
    shown = [visible(a, 60) for a in found]
    data: dict[str, Any] = {
        "name": visible(seen.name, 260),
        "record": canonical(seen.name) or "ORIGIN_DOMAIN",
        "origin": target.origin_id,
        "kind": "AAAA" if ipv6 else "A",
        "family": {"ipv4": "IPv4", "ipv6": "IPv6"}.get(target.ip_address_type, "IPv4 or IPv6"),
        "other": "IPv4" if ipv6 else "IPv6",
        **_resolver(seen),
        "addresses": shown,
        "share": f" ({len(found)} of {total} addresses)" if 0 < len(found) < total else "",
        "intermittent": 0 < len(found) < total,
        "cnames": [visible(c, 260) for c in seen.cnames],
        "alias": visible(seen.cnames[-1], 260) if seen.cnames else "",
        "through": f" by way of {join_names([visible(c, 120) for c in seen.cnames], 3)}" if seen.cnames else "",
        "purpose": purpose.name if purpose else "",
        "rfc": purpose.source if purpose else "",
        "detail": _detail(seen) or "no reason is recorded",
        "seconds": f"{seen.elapsed_ms / 1000:.1f}",
    }
    if rule is rules.WRONG_FAMILY:
        data["confidence"] = "medium"  # that it gives 502 is inferred
    finding = rule.finding(target=target.id, evidence=[_evidence(seen)], status=status, **data)
    if finding.status is Status.UNKNOWN:
        return finding
    return msgspec.structs.replace(some_requests_fail(finding), next_check="")


def _resolver(seen: Resolution) -> dict[str, Any]:
    """Return who said it: for people, and how `dig` is told to ask there."""
    resolver = "this machine's resolver"
    if seen.resolver != "system":
        resolver = f"the resolver{'s' if ', ' in seen.resolver else ''} {visible(seen.resolver, 120)}"
    server, port = "+nosearch", 53  # an option in the place of a server: dig then asks the system's
    if seen.resolver != "system":
        try:
            server, port = addresses.split(seen.resolver.partition(",")[0], 53)
            server = f"@{server}"
        except ValueError:
            server, port = "+nosearch", 53
    capital = resolver[:1].upper() + resolver[1:]
    return {"resolver": resolver, "resolver_capital": capital, "server": server, "server_port": port}


def _evidence(seen: Resolution) -> Evidence:
    took = "" if seen.outcome is ResolutionOutcome.TIMEOUT else f" after {seen.elapsed_ms:.0f} ms"
    return Evidence(observation=seen.id, says=f"{_resolver(seen)['resolver']}: {_said(seen)}{took}")


def _said(seen: Resolution) -> str:
    """Return what a resolver said: addresses, or the error and what is known of it."""
    if addresses_given := (*seen.ipv4, *seen.ipv6)[:6]:
        return ", ".join(visible(a, 60) for a in addresses_given)
    detail = _detail(seen)
    if seen.outcome in (ResolutionOutcome.TIMEOUT, ResolutionOutcome.ERROR):
        return detail or _WITHOUT_WORDS[seen.outcome]
    name = seen.outcome.upper()
    return f"{name} ({detail})" if detail and detail != name else name


_WITHOUT_WORDS = {ResolutionOutcome.TIMEOUT: "no answer", ResolutionOutcome.ERROR: "it could not be asked"}


def _detail(seen: Resolution) -> str:
    """Return the reason without the resolver's address, where only one was asked."""
    return visible(seen.detail.removeprefix(f"{seen.resolver}: "), 200)


def _compare(target: Target, walk: Delegations, found: Sequence[Finding], seen: Resolution) -> Finding | None:
    """Return how a resolver's answer differs from what the name servers say; None where it does not."""
    failed = seen.outcome in (ResolutionOutcome.TIMEOUT, ResolutionOutcome.ERROR)
    public = {a for way in walk.ways for kind in ("A", "AAAA") for a in way.last.addresses(kind)}
    if seen.outcome is ResolutionOutcome.ANSWER:
        here = {*seen.ipv4, *seen.ipv6}
        if here & public or _is_localhost(seen.name):
            return None
        private = any(special_purpose(a) for a in here) and not any(special_purpose(a) for a in public)
        status = Status.WARNING if private else Status.INFO
        why = _SPLIT if private else _MAY_DIFFER
        if not public:
            why = _CACHED
    elif public:
        status, why = (Status.INFO, _RESOLVER_FAULT) if failed else (Status.WARNING, _NEGATIVE)
    else:
        return None  # both fail: the name servers' finding says it better
    answered = next((f for f in found if f.status is Status.OK), found[0])
    data = {
        **answered.data,
        **_resolver(seen),
        "resolver_says": f"gave no answer ({_said(seen)})" if failed else f"says {_said(seen)}",
        "servers_say": join_names(sorted(public)) if public else "that there is none",
        "why_different": why,
    }
    return dns_words.finding(dns_answer_rules.RESOLVER_DIFFERS, target, (), status, data, also=[_evidence(seen)])


_SPLIT = (
    "This resolver sees a private view of the zone (split horizon, Amazon Route 53 private hosted zone): tests from"
    " here go to another address than CloudFront does."
)
_MAY_DIFFER = "The resolver may hold an older answer, or the zone gives other answers elsewhere (geolocation, weights)."
_CACHED = "The resolver may still hold an answer from before; when its TTL is over, it fails as well."
_RESOLVER_FAULT = "Asking this resolver failed, which says nothing about the name."
_NEGATIVE = (
    "The resolver may have cached an error from before the record was there, validate DNSSEC where the zone is"
    " broken, or see a private view of the zone."
)
