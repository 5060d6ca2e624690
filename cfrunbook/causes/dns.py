"""Cause "dns": the Origin Domain has no address that CloudFront can use, as far as a resolver tells.

CloudFront asks public DNS. A resolver asked from here is one view of it and may see another tree (split horizon), so
its errors are unknown, not faults, until the name servers themselves have been asked.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/http-502-bad-gateway.html#http-502-dns-error
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from cfrunbook.causes.case import Case
from cfrunbook.causes.sightings import some_requests_fail
from cfrunbook.cloudfront.special_purpose import SpecialPurpose, special_purpose
from cfrunbook.cloudfront.targets import Target
from cfrunbook.evidence import Resolution, ResolutionOutcome
from cfrunbook.findings import Cause, Evidence, Finding, Remedy, Rule, Stage, Status, Step
from cfrunbook.hostname import canonical
from cfrunbook.probes import address as addresses
from cfrunbook.text import join_names, visible

__all__ = ["AWS_PAGE", "CAUSE", "NOTEBOOK", "RULES", "judge", "judge_case", "observe"]

CAUSE = Cause.DNS
_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
AWS_PAGE = _GUIDE + "http-502-bad-gateway.html#http-502-dns-error"
IPV6_PAGE = _GUIDE + "cloudfront-enable-ipv6.html"
VPC_PAGE = _GUIDE + "private-content-vpc-origins.html"
NOTEBOOK = ""

_DIG = "dig {server!q} -p {server_port!q} {name!q} A {name!q} AAAA"
_PUBLIC = "dig @1.1.1.1 {name!q} {kind!q} && dig @8.8.8.8 {name!q} {kind!q}"
_ASK_ALL = (
    "CloudFront uses public DNS: ask every name server of the zone itself. `dig +trace {name!q} {kind}` lists them;"
    " then `dig @NAMESERVER {name!q} {kind}` for each. Compare with public resolvers: `dig @1.1.1.1 {name!q} {kind}`."
)
_RESOLVES = Step(
    text="Public resolvers give the address; those that cached the error do so only after its TTL.", command=_PUBLIC
)
_CORRECT_NAME = Step(
    text="If the name is wrong: CloudFront console > the distribution > Origins > {origin} > Edit: correct Origin"
    " domain (DomainName).",
)
_CREATE_RECORD = Step(
    text="If the name is right: create the record in its zone; Amazon Route 53:",
    command='aws route53 change-resource-record-sets --hosted-zone-id "$HOSTED_ZONE" --change-batch'
    ' \'{{"Changes":[{{"Action":"UPSERT","ResourceRecordSet":{{"Name":"{record}","Type":"{kind}","TTL":60,'
    '"ResourceRecords":[{{"Value":"ORIGIN_ADDRESS"}}]}}}}]}}\'',
)
_DELEGATION = Step(
    text="See that the domain is registered and its registrar names the servers of the zone that holds the record"
    " (two hosted zones of one name are a common mistake).",
    command='aws route53 get-hosted-zone --id "$HOSTED_ZONE" --query DelegationSet.NameServers',
)


def _rule(code: str, status: Status, title: str, meaning: str, **more: Any) -> Rule:
    fields: dict[str, Any] = {
        "source": AWS_PAGE,
        "reproduce": _DIG,
        "verify": _RESOLVES,
        "cloudfront_status": 502,
        "remedy": Remedy(steps=(_CORRECT_NAME, _CREATE_RECORD, _DELEGATION)),
        **more,
    }
    return Rule(code=f"dns.{code}", cause=CAUSE, stage=Stage.DNS, status=status, title=title, meaning=meaning, **fields)


def _unresolved(code: str, title: str, meaning: str, **more: Any) -> Rule:
    return _rule(code, Status.UNKNOWN, title, meaning, next_check=_ASK_ALL, **more)


PRIVATE_ADDRESS = _rule(
    "private_address",
    Status.UNKNOWN,
    "{name} resolves to {addresses}{share}, a {purpose} ({rfc}), and CloudFront cannot reach that.",
    "CloudFront connects over the internet. If public DNS gives this address too, the connection never comes about and"
    " viewers get 504. A resolver inside a VPC or company may give another address than public DNS does.",
    source=VPC_PAGE,
    cloudfront_status=504,
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(text="Let the public DNS record name a public address, such as an internet-facing load balancer's."),
            Step(
                text="Keep the origin private and make it a VPC origin: CloudFront console > VPC origins > Create, then"
                " choose it as Origin domain of {origin}.",
                command="aws cloudfront create-vpc-origin --vpc-origin-endpoint-config"
                ' "Name=$NAME,Arn=$LOAD_BALANCER_ARN,HTTPPort=80,HTTPSPort=443,OriginProtocolPolicy=https-only"',
            ),
        ),
    ),
    verify=Step(text="Public resolvers give a public address.", command=_PUBLIC),
    next_check="Ask a public resolver, from outside the VPC or company network: dig @1.1.1.1 {name!q} {kind}",
)
WRONG_FAMILY = _rule(
    "wrong_family",
    Status.FAULT,
    "{name} has only {other} addresses ({addresses}), and CloudFront connects to this origin over {family} only.",
    "There is no address that CloudFront may use. That it answers 502 for this, as for a name without any address, is"
    " inferred; AWS does not say so.",
    source=IPV6_PAGE,
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(
                text="CloudFront console > the distribution > Origins > {origin} > Edit: set IP address type to"
                " dualstack or {other} (IpAddressType in CustomOriginConfig).",
            ),
            _CREATE_RECORD,
        ),
    ),
)
NXDOMAIN = _unresolved(
    "nxdomain",
    "{name} does not exist, says {resolver}.",
    "If public DNS says so too, CloudFront answers 502 (NonS3OriginDnsError). The name is misspelt, its record was"
    " deleted, or the domain has expired.",
)
DANGLING_ALIAS = _unresolved(
    "dangling_alias",
    "{name} is an alias of {alias}, which does not exist, says {resolver}.",
    "If public DNS says so too, CloudFront answers 502 (NonS3OriginDnsError). What the alias points to was deleted or"
    " renamed; whoever can create that name takes over the origin.",
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(text="Point the alias {name} to the present name of the load balancer or service, or remove it."),
            _CORRECT_NAME,
        ),
    ),
)
NODATA = _unresolved(
    "nodata",
    "{name} exists but has no address, says {resolver}.",
    "If public DNS says so too, CloudFront answers 502 (NonS3OriginDnsError). A record of another type exists, or only"
    " names below this one.",
)
SERVFAIL = _unresolved(
    "servfail",
    "{resolver_capital} cannot resolve {name}: SERVFAIL.",
    "The name servers of the zone do not answer, answer wrongly, or DNSSEC does not validate. CloudFront answers 502"
    " where it meets the same.",
    remedy=Remedy(
        steps=(
            _DELEGATION,
            Step(
                text="Tell DNSSEC from dead servers: if only +cd (checking disabled) gives an answer, the DS record at"
                " the registrar and the zone's keys do not fit.",
                command="dig +cd @1.1.1.1 {name!q} {kind!q}; dig @1.1.1.1 {name!q} {kind!q}",
            ),
        )
    ),
)
REFUSED = _unresolved(
    "refused",
    "{resolver_capital} refuses to resolve {name}.",
    "Resolvers refuse clients that they do not serve; name servers refuse zones that they do not hold. It says little"
    " about the name itself.",
)
TIMEOUT = _unresolved(
    "timeout",
    "{resolver_capital} did not say within {seconds} s what addresses {name} has.",
    "Either this machine's way to its resolver is broken, or the name servers of the zone do not answer. In the second"
    " case CloudFront answers 502.",
)
NOT_ASKED = _unresolved(
    "not_asked",
    "{name} could not be resolved from here: {detail}.",
    "This says nothing about the name: asking failed.",
)
LOCALHOST = _rule(
    "localhost",
    Status.INFO,
    "{name} is this machine itself ({addresses}): no CloudFront reaches it there.",
    "localhost names are loopback by definition (RFC 6761). The origin is examined as it stands.",
    cloudfront_status=None,
    remedy=Remedy(),
)
OK = _rule(
    "ok",
    Status.OK,
    "{name} resolves to {addresses}{through}, says {resolver}.",
    "There is an address of the family that CloudFront uses for this origin ({family}), and it is a public one.",
    cloudfront_status=None,
    remedy=Remedy(),
)
RULES: tuple[Rule, ...] = (
    PRIVATE_ADDRESS,
    WRONG_FAMILY,
    NXDOMAIN,
    DANGLING_ALIAS,
    NODATA,
    SERVFAIL,
    REFUSED,
    TIMEOUT,
    NOT_ASKED,
    LOCALHOST,
    OK,
)

_BY_OUTCOME = {
    ResolutionOutcome.NXDOMAIN: NXDOMAIN,
    ResolutionOutcome.NODATA: NODATA,
    ResolutionOutcome.SERVFAIL: SERVFAIL,
    ResolutionOutcome.REFUSED: REFUSED,
    ResolutionOutcome.TIMEOUT: TIMEOUT,
    ResolutionOutcome.ERROR: NOT_ASKED,
}


async def observe(target: Target, *, deadline: float, resolvers: Sequence[str] = ()) -> Resolution:
    """Ask `resolvers`, or those of this machine, for the addresses of `target` within `deadline` seconds.

    Raises BadInput for a resolver that is not an address.
    """
    from cfrunbook.probes.resolve import resolve

    return await resolve(target.domain, ip_address_type=target.ip_address_type, resolvers=resolvers, deadline=deadline)


def judge_case(case: Case) -> tuple[Finding, ...]:
    """Judge what resolvers said about a target's name, see `judge`."""
    return judge(case.resolutions, target=case.target, in_lab=bool(case.observations.inputs.lab))


def judge(resolutions: Iterable[Resolution], *, target: Target, in_lab: bool = False) -> tuple[Finding, ...]:
    """Judge what resolvers said about a target's name; relocated names were not examined and give nothing. Pure.

    In a lab, whatever resolver was asked plays public DNS.
    """
    asked = [r for r in resolutions if r.outcome is not ResolutionOutcome.RELOCATED]
    return tuple(_judge(target, resolution, in_lab=in_lab) for resolution in asked)


def _judge(target: Target, seen: Resolution, *, in_lab: bool) -> Finding:
    if seen.outcome is not ResolutionOutcome.ANSWER:
        rule = _BY_OUTCOME[seen.outcome]
        if rule is NXDOMAIN and seen.cnames:
            rule = DANGLING_ALIAS
        return _finding(target, seen, rule, [])
    usable, other = seen.ipv4, seen.ipv6
    if target.ip_address_type == "ipv6":
        usable, other = other, usable
    elif target.ip_address_type == "dualstack":
        usable, other = usable + other, ()
    if _is_localhost(seen.name):
        return _finding(target, seen, LOCALHOST, [*seen.ipv4, *seen.ipv6])
    if not usable:
        return _finding(target, seen, WRONG_FAMILY if other else NODATA, list(other))
    private = {a: purpose for a in usable if (purpose := special_purpose(a)) is not None}
    if private:
        status = Status.FAULT if in_lab or _is_public_knowledge(seen) else None
        return _finding(
            target,
            seen,
            PRIVATE_ADDRESS,
            list(private),
            total=len(usable),
            purpose=next(iter(private.values())),
            status=status,
        )
    return _finding(target, seen, OK, list(usable))


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
    resolver = "this machine's resolver" if seen.resolver == "system" else visible(seen.resolver, 120)
    server, port = "+nosearch", 53  # an option in the place of a server: dig then asks the system's
    if seen.resolver != "system":
        try:
            server, port = addresses.split(seen.resolver.partition(",")[0], 53)
            server = f"@{server}"
        except ValueError:
            server, port = "+nosearch", 53
    ipv6 = target.ip_address_type == "ipv6"
    shown = [visible(a, 60) for a in found]
    data: dict[str, Any] = {
        "name": visible(seen.name, 260),
        "record": canonical(seen.name) or "ORIGIN_DOMAIN",
        "origin": target.origin_id,
        "kind": "AAAA" if ipv6 else "A",
        "family": {"ipv4": "IPv4", "ipv6": "IPv6"}.get(target.ip_address_type, "IPv4 or IPv6"),
        "other": "IPv4" if ipv6 else "IPv6",
        "resolver": resolver,
        "resolver_capital": resolver[:1].upper() + resolver[1:],
        "server": server,
        "server_port": port,
        "addresses": shown,
        "share": f" ({len(found)} of {total} addresses)" if 0 < len(found) < total else "",
        "intermittent": 0 < len(found) < total,
        "cnames": [visible(c, 260) for c in seen.cnames],
        "alias": visible(seen.cnames[-1], 260) if seen.cnames else "",
        "through": f" by way of {join_names([visible(c, 120) for c in seen.cnames], 3)}" if seen.cnames else "",
        "purpose": purpose.name if purpose else "",
        "rfc": purpose.source if purpose else "",
        "detail": visible(seen.detail, 200) or "no reason is recorded",
        "seconds": f"{seen.elapsed_ms / 1000:.1f}",
    }
    answer = ", ".join(visible(a, 60) for a in (*seen.ipv4, *seen.ipv6)[:6]) or visible(seen.detail, 200)
    says = f"{resolver}: {seen.outcome}{f' ({answer})' if answer else ''} after {seen.elapsed_ms:.0f} ms"
    finding = rule.finding(target=target.id, evidence=[Evidence(observation=seen.id, says=says)], status=status, **data)
    if finding.status is Status.UNKNOWN:
        return finding
    return msgspec.structs.replace(some_requests_fail(finding), next_check="")
