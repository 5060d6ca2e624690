"""Fetch what the inputs of an incident can be taken from, all at once, each part softly: `cf.fetch("E123EXAMPLE")`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from cfrunbook import free_text
from cfrunbook.aws import configuration, functions, load_balancers, logs, metrics, reading, zones
from cfrunbook.aws.actions import Tier
from cfrunbook.aws.configuration import ConnectionGroup, PolicyDocument
from cfrunbook.aws.functions import FunctionCode, RegionLines, RegionMissed
from cfrunbook.aws.identity import identity
from cfrunbook.aws.listeners import Listeners
from cfrunbook.aws.load_balancers import Groups, Health
from cfrunbook.aws.security_groups import Firewall, Guards
from cfrunbook.aws.session import AwsError, Reason, Session, open_session
from cfrunbook.aws.steps import WORKERS, Progress, Steps
from cfrunbook.aws_facts import (
    MAX_ARN,
    MAX_LINES,
    AcmCertificate,
    AdditionalMetrics,
    AwsFacts,
    FunctionFacts,
    FunctionLines,
    HostedZone,
    LoadBalancer,
    LogDestination,
    Metrics,
    TargetGroup,
    Tenant,
)
from cfrunbook.cloudfront import distribution_reader, plan, policies, viewer_url
from cfrunbook.cloudfront.distribution import Distribution
from cfrunbook.cloudfront.targets import OriginKind
from cfrunbook.errors import BadInput
from cfrunbook.evidence import FirewallDump
from cfrunbook.findings import NotExamined
from cfrunbook.redaction import Secrets
from cfrunbook.text import join_names, visible

if TYPE_CHECKING:
    import boto3

DEADLINE = 15.0
"""Seconds for everything together."""
SHORTEST, LONGEST = 1.0, 600.0
WINDOW = dt.timedelta(hours=3)
"""How far back metrics and function logs are read."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was fetched: the inputs of an incident, and facts beyond them."""

    distribution: dict[str, Any] | None
    """What get-distribution answers, redacted; None where it could not be had."""
    policies: tuple[dict[str, Any], ...]
    """What get-cache-policy, get-origin-request-policy and get-vpc-origin answer."""
    firewall: tuple[FirewallDump, ...]
    """Security groups before the origin, and the prefix lists that they name."""
    facts: AwsFacts
    codes: tuple[FunctionCode, ...] = ()
    """The code of CloudFront Functions, as deployed; for a look at it, not for a recording."""
    secrets: Secrets = field(default_factory=Secrets)
    """What the distribution lost."""

    @property
    def inputs(self) -> dict[str, Any]:
        """The arguments of `Incident.load`: `cf.Incident.load(**fetched.inputs, url=...)`."""
        found = {
            "distribution": self.distribution, "policies": self.policies, "firewall": self.firewall,
            "secrets": self.secrets,
        }  # fmt: skip
        return {"aws": self.facts, **{key: value for key, value in found.items() if value}}

    @property
    def not_examined(self) -> tuple[NotExamined, ...]:
        """What could not be fetched, why, and what to do about it."""
        return self.facts.not_fetched


def fetch(
    distribution: str,
    *,
    url: str = "",
    origin: str = "",
    profile: str = "",
    region: str = "",
    at: dt.datetime | None = None,
    tiers: Iterable[int] | None = None,
    deadline: float = DEADLINE,
    progress: Progress | None = None,
    session: boto3.Session | None = None,
) -> Fetched:
    """Fetch a distribution by id, ARN or a name that it serves, and what belongs to it, within `deadline` seconds.

    `url` and `origin` choose which of its origins are looked at, as in an incident. `at` is the end of the three hours
    for which metrics and function logs are read; None: now. `tiers` are those of `cfrunbook aws policy`; None: all.
    `session` is a boto3 session to use instead of `profile` and `region`. Whatever could not be fetched is in the
    result, with what it needs. Raises BadInput, in one sentence, where there are no credentials, no such distribution,
    or nothing that can be used.
    """
    if not isinstance(distribution, str) or not distribution.strip():
        raise BadInput("Distribution: give an id, an ARN or a name that it serves.")
    if not SHORTEST <= deadline <= LONGEST:
        raise BadInput(f"Deadline: give a number of seconds from {SHORTEST:g} to {LONGEST:g}.")
    host = viewer_url.parse(url).host if url else ""
    try:
        wanted = {Tier.CONFIGURATION, *(Tier(t) for t in (Tier if tiers is None else tiers))}
    except ValueError:
        raise BadInput("Tiers: give numbers from 0 to 4.") from None
    look = Session(session or open_session(profile, region), seconds=deadline)
    end = dt.datetime.now(dt.UTC) if at is None else at.astimezone(dt.UTC)
    request = Request(distribution.strip(), url, host, origin, end, frozenset(wanted))
    return run(look, request, progress=progress)


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be fetched."""

    distribution: str
    """An id, an ARN or a name."""
    url: str
    host: str
    """The URL's; empty without one."""
    origin: str
    end: dt.datetime
    """Of the window for metrics and function logs."""
    tiers: frozenset[Tier]


def run(session: Session, request: Request, *, progress: Progress | None = None, workers: int = WORKERS) -> Fetched:
    """Fetch with a session that is there; see `fetch`."""
    now = dt.datetime.now(dt.UTC)
    try:
        document = configuration.fetch_distribution(session, request.distribution)
    except AwsError as error:
        missed = error.not_examined(f"distribution {visible(request.distribution, 120)}")
        known = identity(request.distribution)
        return Fetched(None, (), (), AwsFacts(fetched_at=now, distribution=known, not_fetched=(missed,)))
    steps = Steps(session, progress=progress, workers=workers)
    read = distribution_reader.load(document)
    tenant = None
    if read.tenant_only and request.host:
        tenant, document = _tenant(steps, read, document, request.host)
        read = distribution_reader.load(document)
    domains = _origins(read, request)
    look_at_origin = Tier.ORIGIN in request.tiers
    vpc = {o.vpc_origin_id: o.domain_name.lower().removesuffix(".") for o in read.origins if o.vpc_origin_id}

    def then(steps: Steps, found: str, config: Mapping[str, Any]) -> None:
        domain = vpc.get(found, "")
        if look_at_origin and domain in domains:
            load_balancers.start_resource(steps, domain, reading.text(config, "Arn", MAX_ARN))

    configuration.start(steps, read, then)
    window = (request.end - WINDOW, request.end)
    for domain, kind in domains.items() if look_at_origin else ():
        if load_balancers.is_recognized(domain):
            load_balancers.start(steps, domain, domain)
        elif kind is OriginKind.CUSTOM:
            zones.start(steps, domain)
    if Tier.METRICS in request.tiers:
        named = [f.name for f in functions.associations(read) if f.kind == "cloudfront-function"]
        metrics.start(steps, read.id, named, window, now)
    if Tier.FUNCTIONS in request.tiers:
        functions.start(steps, read, window)
    if Tier.LOGS in request.tiers:
        arn = reading.text(reading.node(document, "Distribution"), "ARN", MAX_ARN)
        logs.start_destinations(steps, arn, document)
    steps.wait()
    return _assembled(steps, read, tenant, window, now)


def _tenant(
    steps: Steps, read: Distribution, document: dict[str, Any], host: str
) -> tuple[Tenant | None, dict[str, Any]]:
    """Return the tenant that serves `host`, and the distribution's document as it is for this tenant."""
    what = f"the tenant that serves {visible(host, 120)}"
    found = steps.attempt(what, lambda: configuration.fetch_tenant(steps.session, read.id, host))
    if found is None:
        return None, document
    tenant, values = found
    if tenant.group_id:
        what = f"connection group {visible(tenant.group_id, 60)}"
        steps.start(what, configuration.connection_group, tenant.group_id)
    return tenant, configuration.filled_in(document, values)


def _origins(read: Distribution, request: Request) -> dict[str, OriginKind]:
    """Return the names of the origins that an incident would look at. Raises BadInput."""
    url = viewer_url.parse(request.url) if request.url else None
    planned = plan.of_distribution(read, policies.Policies(), url=url, origin=request.origin)
    return {target.domain: target.kind for target in planned.targets}


def _assembled(
    steps: Steps, read: Distribution, tenant: Tenant | None, window: tuple[dt.datetime, dt.datetime], now: dt.datetime
) -> Fetched:
    """Put together what the steps have brought, in an order that does not depend on who was first."""
    documents = sorted(steps.kept(PolicyDocument), key=lambda d: (d.kind, d.id))
    read_policies, bad = _readable(documents)
    firewall, unclear = _firewall(steps.kept(Firewall))
    lines, missed_lines = _lines(steps, read.id, window)
    groups = {g.id: g.enabled for g in steps.kept(ConnectionGroup)}
    if tenant is not None:
        tenant = msgspec.structs.replace(tenant, group_enabled=groups.get(tenant.group_id))
    facts = AwsFacts(
        fetched_at=now,
        distribution=reading.cut(read.id),
        load_balancers=_balancers(steps)[:50],
        certificates=_sorted(steps.kept(AcmCertificate), lambda c: c.arn)[:200],
        hosted_zones=_sorted(steps.kept(HostedZone), lambda z: (z.domain, -z.name.count("."), z.name, z.id))[:200],
        zones_asked=tuple(sorted(str(name) for name in steps.kept(zones.Asked)))[:50],
        additional_metrics=next(iter(steps.kept(AdditionalMetrics)), AdditionalMetrics.UNKNOWN),
        metrics=next(iter(steps.kept(Metrics)), None),
        log_destinations=_sorted(steps.kept(LogDestination), lambda d: (d.kind, d.type, d.where, d.prefix))[:50],
        functions=_sorted(steps.kept(FunctionFacts), lambda f: (f.kind, f.name))[:100],
        function_lines=lines,
        tenant=tenant,
        not_fetched=tuple(dict.fromkeys((*sorted(steps.missed, key=lambda n: n.what), *bad, *unclear, *missed_lines)))[
            :500
        ],
    )
    codes = _sorted(steps.kept(FunctionCode), lambda c: c.name)
    facts = free_text.of_account(facts, read.secrets)
    return Fetched(read.document, read_policies, firewall, facts, codes, read.secrets)


def _sorted(found: list[T], key: Any) -> tuple[T, ...]:
    return tuple(sorted(found, key=key))


def _readable(found: Sequence[PolicyDocument]) -> tuple[tuple[dict[str, Any], ...], list[NotExamined]]:
    """Return the policies that can be read, redacted; one that cannot must not spoil the rest."""
    kept: list[dict[str, Any]] = []
    bad = []
    for one in found:
        try:
            kept += policies.load([one.document]).given
        except BadInput as error:
            what = f"{one.kind} {visible(one.id, 60)}"
            bad.append(NotExamined(what=what, why=visible(f"the answer was not understood ({error})", 300)))
    return tuple(kept), bad


def _firewall(found: Sequence[Firewall]) -> tuple[tuple[FirewallDump, ...], list[NotExamined]]:
    """Return the rules before the one origin that has some; rules of several must not be taken together."""
    domains = sorted({one.domain for one in found})
    if len(domains) == 1:
        return found[0].dumps, []
    if not domains:
        return (), []
    return (), [
        NotExamined(
            what="the security groups before the origins",
            why=f"there are those of {join_names(domains, 4)}, and rules are judged for one origin at a time",
            next_check=f"Name the origin too: --origin {visible(domains[0], 120)}",
        )
    ]


def _balancers(steps: Steps) -> tuple[LoadBalancer, ...]:
    """Return the load balancers with their listeners, target groups and the health of their targets."""
    listeners = {one.balancer: one.found for one in steps.kept(Listeners)}
    groups = {one.balancer: one.found for one in steps.kept(Groups)}
    health = {one.group: one.found for one in steps.kept(Health)}
    guards = {one.balancer: one.found for one in steps.kept(Guards)}

    def whole(group: TargetGroup) -> TargetGroup:
        return msgspec.structs.replace(group, targets=health.get(group.arn))

    found = []
    for one in _sorted(steps.kept(LoadBalancer), lambda b: (b.domain, b.arn)):
        of = groups.get(one.arn)
        found.append(
            msgspec.structs.replace(
                one,
                guards=guards.get(one.arn),
                listeners=listeners.get(one.arn),
                target_groups=tuple(whole(g) for g in of) if of is not None else None,
            )
        )
    return tuple(found)


def _lines(
    steps: Steps, distribution: str, window: tuple[dt.datetime, dt.datetime]
) -> tuple[FunctionLines | None, list[NotExamined]]:
    """Return the lines of all regions together, and one sentence for all regions that failed alike."""
    answered, failed = steps.kept(RegionLines), steps.kept(RegionMissed)
    gaps: dict[Reason, list[RegionMissed]] = {}
    for one in failed:
        gaps.setdefault(one.error.reason, []).append(one)
    missed = [
        some[0].error.not_examined(
            f"CloudFront's log of function results in {join_names(sorted(one.region for one in some), 30)}"
        )
        for _, some in sorted(gaps.items())
    ]
    if not answered:
        return None, missed
    lines = sorted((line for one in answered for line in one.lines), key=lambda line: (line.at, line.region, line.text))
    return FunctionLines(
        group=reading.cut(functions.log_group(distribution)),
        start=window[0],
        end=window[1],
        asked=tuple(sorted(one.region for one in answered)),
        lines=tuple(lines[-MAX_LINES:]),
        more=any(one.more for one in answered) or len(lines) > MAX_LINES,
    ), missed
