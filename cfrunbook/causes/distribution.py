"""Mistakes that a distribution's configuration shows by itself, before anything is probed. Pure.

Most are refused by the API or made right by the console; they are in files edited by hand, in templates, and in
distributions made before CloudFront checked for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cfrunbook import hostname
from cfrunbook.causes import (
    distribution_function_rules,
    distribution_functions,
    distribution_rules,
    distribution_staging,
)
from cfrunbook.causes.case import Case
from cfrunbook.causes.distribution_rules import (
    AWS_NAME_HTTPS,
    BARE_PORT,
    CHAINED,
    CUSTOM_HEADER,
    DISABLED,
    DOMAIN_RULES,
    ERROR_MASKED,
    FAILOVER_CRITERIA,
    GROUP_SIZE,
    HOST_BY_CACHE_POLICY,
    IN_PROGRESS,
    INTERNAL_LOAD_BALANCER,
    LEGACY_IGNORED,
    MALFORMED,
    MEDIASTORE_ENDED,
    MEMBER_MISSING,
    OK,
    ORIGIN_IS_OWN_NAME,
    PORT_NOT_ALLOWED,
    S3_ACCELERATE,
    S3_PATH_STYLE,
    S3_WEBSITE_HTTPS,
    SERVICE_PLAIN_HTTP,
    SERVICE_PORT,
    SSLV3_AMONG_OTHERS,
    SSLV3_ONLY,
    TARGET_MISSING,
    TLS13_IN_API,
    UNKNOWN_FIELDS,
)
from cfrunbook.causes.remedies import NO_ID
from cfrunbook.cloudfront import origins, plan, policies, viewer_url
from cfrunbook.cloudfront.behaviors import route_of
from cfrunbook.cloudfront.distribution import Behavior, Distribution, Origin, OriginGroup
from cfrunbook.cloudfront.distribution_reader import parse
from cfrunbook.cloudfront.edge_headers import is_denied_as_custom
from cfrunbook.cloudfront.plan import Plan, Stop
from cfrunbook.cloudfront.policies import Policies
from cfrunbook.cloudfront.targets import OriginKind
from cfrunbook.errors import BadInput
from cfrunbook.findings import Cause, Evidence, Finding, Rule, Status
from cfrunbook.text import visible

__all__ = ["AWS_PAGE", "CAUSE", "NOTEBOOK", "RULES", "judge", "judge_case", "judge_plan"]

CAUSE = Cause.DISTRIBUTION
AWS_PAGE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesOrigin.html"
NOTEBOOK = "00_start_here"
RULES: tuple[Rule, ...] = (
    *distribution_rules.RULES,
    *distribution_function_rules.RULES,
    *distribution_staging.RULES,
)

_REFUSED = frozenset(rule.code for rule in distribution_function_rules.REFUSALS.values())
_MASKED = frozenset({500, 502, 503, 504})
_FAILOVER = (502, 503, 504)


def judge(distribution: Distribution, known: Policies | None = None, *, url: str = "") -> tuple[Finding, ...]:
    """Return what the configuration shows; with `url`, mistakes beside its path are warnings at most.

    Raises BadInput for a URL that no behavior serves.
    """
    known = known or Policies()
    parsed = viewer_url.parse(url) if url else None
    return judge_plan(plan.of_distribution(distribution, known, url=parsed), distribution, known)


def judge_plan(planned: Plan, distribution: Distribution | None, known: Policies) -> tuple[Finding, ...]:
    """Return what the configuration shows about a plan; without a distribution, what the targets show."""
    if distribution is None:
        return tuple(_warning(f) for stop in planned.stops for f in _of_stop(stop, NO_ID))
    judgement = _Judgement(distribution, known, planned)
    found = [*judgement.findings()]
    if not any(f.status in (Status.FAULT, Status.WARNING) or f.code in _REFUSED for f in found):
        found.append(judgement.say(OK, "", "no known mistake", origins=len(distribution.origins)))
    return tuple(found)


def judge_case(case: Case) -> tuple[Finding, ...]:
    """Return what the recording's own distribution shows about the case's target and about itself.

    The same findings as those of the incident that made the recording: who has the incident need not ask again.
    """
    inputs = case.observations.inputs
    if inputs.distribution is None:
        return ()
    try:
        known = policies.load(inputs.policies)
        url = viewer_url.parse(inputs.url) if inputs.url else None
        distribution = parse(inputs.distribution, url=inputs.url)
        planned = plan.of_distribution(distribution, known, url=url, origin=inputs.origin, host=inputs.host)
    except BadInput:
        return ()
    return tuple(f for f in judge_plan(planned, distribution, known) if f.target in ("", case.target.id))


class _Judgement:
    """One distribution, and the plan that says which of its origins matter."""

    def __init__(self, distribution: Distribution, known: Policies, planned: Plan) -> None:
        self.distribution = distribution
        self.known = known
        self.planned = planned
        self.id = distribution.id or NO_ID

    def findings(self) -> Iterator[Finding]:
        yield from self._whole()
        on_path = {route.behavior.where for route in self.planned.routes}
        for behavior in self.distribution.behaviors:
            found = list(self._behavior(behavior))
            yield from found if behavior.where in on_path else map(_warning, found)
        yield from distribution_functions.judge_routes(self.planned.routes, self.distribution.account, self.say)
        is_whole = not any(route.url for route in self.planned.routes)
        groups = {route.group.id for route in self.planned.routes if route.group}
        for group in self.distribution.groups:
            found = list(self._group(group))
            yield from found if is_whole or group.id in groups else map(_warning, found)
        reached_origins = {stop.target.origin_id for stop in self.planned.stops}
        for origin in self.distribution.origins:
            found = list(self._origin(origin))
            yield from found if origin.id in reached_origins else map(_warning, found)
        for stop in self.planned.stops:
            yield from _of_stop(stop, self.id)

    def say(self, rule: Rule, where: str, says: str, /, *, target: str = "", **data: Any) -> Finding:
        """Return a finding about a place in the configuration."""
        query = f"DistributionConfig.{where}" if where else "DistributionConfig"
        read = f"{where}: {says}" if where else says
        evidence = [Evidence(observation="input:distribution", says=visible(read, 300))]
        return rule.finding(
            target=target, evidence=evidence, distribution=self.id, where=where or "the document", query=query, **data
        )

    def _whole(self) -> Iterator[Finding]:
        distribution = self.distribution
        if not distribution.enabled:
            yield self.say(DISABLED, "Enabled", "false")
        if distribution.status == "InProgress":
            yield self.say(IN_PROGRESS, "", "Status is InProgress")
        yield from distribution_staging.judge(distribution, self.known, self.say)
        if distribution.unknown_fields:
            fields = list(distribution.unknown_fields)
            yield self.say(UNKNOWN_FIELDS, "", f"{len(fields)} unknown members", fields=fields)
        for place in distribution.malformed[:10]:
            yield self.say(MALFORMED, place.where, place.says, says=place.says, count=len(distribution.malformed))
        for error in distribution.custom_error_responses:
            if error.error_code in _MASKED and error.response_code not in ("", str(error.error_code)):
                says = f"ErrorCode {error.error_code}, ResponseCode {error.response_code}"
                yield self.say(
                    ERROR_MASKED, error.where, says, error=error.error_code, shown=error.response_code, page=error.page
                )

    def _behavior(self, behavior: Behavior) -> Iterator[Finding]:
        known: dict[str, Any] = {"behavior": behavior.title, "pattern": behavior.path_pattern}
        route = route_of(self.distribution, behavior)
        if not route.destinations and route.group is None:
            says = f"TargetOriginId is {behavior.target_origin_id!r}"
            ids = [o.id for o in self.distribution.origins] + [g.id for g in self.distribution.groups]
            yield self.say(TARGET_MISSING, behavior.where, says, wanted=behavior.target_origin_id, ids=ids, **known)
        yield from distribution_functions.judge_behavior(route, self.distribution.account, self.say)
        if not behavior.cache_policy_id:
            return
        if behavior.forwarded_headers is not None:
            yield self.say(LEGACY_IGNORED, behavior.where, "has both CachePolicyId and ForwardedValues", **known)
        cache = self.known.cache.get(behavior.cache_policy_id)
        request = self.known.origin_request.get(behavior.origin_request_policy_id)
        if cache and request and cache.forwards("host") and not request.forwards("host"):
            says = f"CachePolicyId is {cache.name}, OriginRequestPolicyId is {request.name}"
            yield self.say(HOST_BY_CACHE_POLICY, behavior.where, says, cache=cache.name, request=request.name, **known)

    def _group(self, group: OriginGroup) -> Iterator[Finding]:
        if len(group.members) != 2:
            count = len(group.members)
            yield self.say(GROUP_SIZE, f"{group.where}.Members", f"{count} members", group=group.id, count=count)
        for member in group.members:
            if self.distribution.origin(member) is None:
                ids = [o.id for o in self.distribution.origins]
                says = f"OriginId {member!r}"
                yield self.say(MEMBER_MISSING, f"{group.where}.Members", says, group=group.id, wanted=member, ids=ids)
        missing = [code for code in _FAILOVER if code not in group.status_codes]
        if missing:
            codes = list(group.status_codes)
            where = f"{group.where}.FailoverCriteria"
            yield self.say(FAILOVER_CRITERIA, where, f"{codes}", group=group.id, codes=codes, missing=missing)

    def _origin(self, origin: Origin) -> Iterator[Finding]:
        """Yield what the origin's own settings show, whoever uses it."""
        stops = [stop for stop in self.planned.stops if stop.target.origin_id == origin.id]
        target = stops[0].target.id if stops else f"{origin.id}:{origin.https_port}"
        name = origin.domain_name
        known: dict[str, Any] = {"origin": origin.id, "domain": name}

        def say(rule: Rule, member: str, says: str, /, **data: Any) -> Finding:
            return self.say(rule, f"{origin.where}.{member}", says, target=target, **known, **data)

        if problem := hostname.problem(name):
            yield say(DOMAIN_RULES[problem], "DomainName", f"{name!r} {problem}", problem=str(problem))
        elif origins.is_path_style_s3(name):
            yield say(S3_PATH_STYLE, "DomainName", repr(name))
        elif origins.is_accelerate_s3(name):
            yield say(S3_ACCELERATE, "DomainName", repr(name))
        elif hostname.to_ascii(name) in self.distribution.names:
            yield say(ORIGIN_IS_OWN_NAME, "DomainName", f"{name!r} is one of the distribution's own names")
        denied = [h for h in origin.custom_headers if is_denied_as_custom(h)]
        if denied:
            yield say(CUSTOM_HEADER, "CustomHeaders", ", ".join(denied), headers=denied)
        if origin.member != "custom":
            return
        settings = "CustomOriginConfig"
        for member, port in (("HTTPPort", origin.http_port), ("HTTPSPort", origin.https_port)):
            if not origins.port_allowed(port):
                yield say(PORT_NOT_ALLOWED, f"{settings}.{member}", str(port), member=member, port=port)
        protocols = list(origin.ssl_protocols)
        says = f"{protocols}"
        if "TLSv1.3" in protocols:
            yield say(TLS13_IN_API, f"{settings}.OriginSslProtocols", says, protocols=protocols)
        uses_tls = any(stop.target.protocol == "https" for stop in stops) or not stops
        if uses_tls and origin.protocol_policy != "http-only" and "SSLv3" in protocols:
            rule = SSLV3_ONLY if set(protocols) == {"SSLv3"} else SSLV3_AMONG_OTHERS
            yield say(rule, f"{settings}.OriginSslProtocols", says, protocols=protocols)


def _of_stop(stop: Stop, distribution: str) -> Iterator[Finding]:
    """Yield what the port, the protocol and the names that CloudFront uses show about one target."""
    target, origin = stop.target, stop.origin
    if origin and (origin.member != "custom" or hostname.problem(origin.domain_name)):
        return
    kind, facts = target.kind, origins.KINDS[target.kind]
    where = origin.where if origin else "origin"
    known: dict[str, Any] = {
        "origin": target.origin_id, "domain": target.domain, "port": target.port, "protocol": target.protocol,
        "kind": facts.title, "distribution": distribution, "where": where, "query": f"DistributionConfig.{where}",
    }  # fmt: skip

    def say(rule: Rule, says: str, *, status: Status | None = None, **data: Any) -> Finding:
        observation = "input:distribution" if origin else "input:origin"
        evidence = [Evidence(observation=observation, says=visible(f"{where}: {says}", 300))]
        return rule.finding(target=target.id, evidence=evidence, status=status, **known, **data)

    port_says = f"{target.domain}, {target.protocol} to port {target.port}"
    if origin is None and not origins.port_allowed(target.port):
        yield say(BARE_PORT, port_says)
    if kind is OriginKind.MEDIASTORE:
        yield say(MEDIASTORE_ENDED, target.domain)
    elif kind is OriginKind.S3_WEBSITE and target.protocol == "https":
        yield say(S3_WEBSITE_HTTPS, port_says, confidence="medium")
    elif target.protocol not in facts.protocols:
        yield say(SERVICE_PLAIN_HTTP, port_says, confidence="medium")
    elif facts.standard_ports and target.port != (443 if target.protocol == "https" else 80):
        standard = 443 if target.protocol == "https" else 80
        yield say(SERVICE_PORT, port_says, standard=standard, confidence="medium")
    if kind is OriginKind.CLOUDFRONT:
        yield say(CHAINED, target.domain)
    if kind is OriginKind.LOAD_BALANCER and origins.is_internal_load_balancer(target.domain):
        yield say(INTERNAL_LOAD_BALANCER, target.domain, confidence="medium")
    own = [name for name in target.names if name.sni == target.domain]
    if target.protocol == "https" and not facts.certificate_for_name and own:
        is_certain = any(name.certain for name in own) and origin is not None
        status = None if is_certain else Status.WARNING
        says = f"{port_says}, Host {target.domain}: {own[0].why}"
        yield say(AWS_NAME_HTTPS, says, status=status, why=own[0].why, confidence="medium")


def _warning(finding: Finding) -> Finding:
    """Return a finding that is a fault as a warning: it is not on the path that is examined, or only supposed."""
    import msgspec

    return msgspec.structs.replace(finding, status=Status.WARNING) if finding.status is Status.FAULT else finding
