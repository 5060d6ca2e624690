"""A distribution: what CloudFront was told about origins, behaviors and functions, read from any of its JSON forms.

Forms: the output of get-distribution and get-distribution-config, a bare DistributionConfig, a DistributionList and
one of its items. https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_Distribution.html
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, get_args

from cfrunbook import hostname
from cfrunbook.cloudfront import documents, shapes, viewer_url
from cfrunbook.cloudfront.documents import Malformed, Reader, Source
from cfrunbook.errors import BadInput
from cfrunbook.evidence import redact_distribution
from cfrunbook.text import join_names, visible

Member = Literal["s3", "custom", "vpc", "none"]
"""Which configuration member an origin has: S3OriginConfig, CustomOriginConfig, VpcOriginConfig or none."""
OriginProtocolPolicy = Literal["http-only", "match-viewer", "https-only"]
ViewerProtocolPolicy = Literal["allow-all", "https-only", "redirect-to-https"]
IpAddressType = Literal["ipv4", "ipv6", "dualstack"]

_ID = re.compile(r"E[A-Z0-9]{5,31}")
_ARN = re.compile(r"arn:[a-z-]+:cloudfront::[0-9]{12}:distribution/(E[A-Z0-9]{5,31})")


class EventType(StrEnum):
    """When an edge function runs. CloudFront Functions run at the two viewer events only."""

    VIEWER_REQUEST = "viewer-request"
    VIEWER_RESPONSE = "viewer-response"
    ORIGIN_REQUEST = "origin-request"
    ORIGIN_RESPONSE = "origin-response"


@dataclass(frozen=True, slots=True)
class FunctionAssociation:
    """An edge function at an event of a behavior."""

    kind: Literal["lambda-edge", "cloudfront-function"]
    arn: str
    event: EventType
    include_body: bool = False

    @property
    def name(self) -> str:
        """The function's name, with the version for Lambda@Edge: `auth:7`."""
        _, _, tail = self.arn.partition(":function:" if self.kind == "lambda-edge" else ":function/")
        return tail or self.arn

    @property
    def title(self) -> str:
        """For people: `Lambda@Edge function auth:7`."""
        return f"{'Lambda@Edge function' if self.kind == 'lambda-edge' else 'CloudFront Function'} {self.name}"

    @property
    def fetch(self) -> str:
        """The command that fetches its code."""
        if self.kind == "lambda-edge":
            return f"aws lambda get-function --region us-east-1 --function-name {shlex.quote(visible(self.arn, 200))}"
        return f"aws cloudfront get-function --stage LIVE --name {shlex.quote(visible(self.name, 80))} code.js"


@dataclass(frozen=True, slots=True)
class Origin:
    """One origin, with CloudFront's defaults where the document is silent.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesOrigin.html
    """

    id: str
    domain_name: str
    """As written; it may be no host name at all, see `cfrunbook.hostname.problem`."""
    where: str
    """JSON path in the configuration."""
    member: Member = "custom"
    path: str = ""
    http_port: int = 80
    https_port: int = 443
    protocol_policy: OriginProtocolPolicy = "match-viewer"
    ssl_protocols: tuple[str, ...] = ()
    """As written, in the document's order; empty where the document has none."""
    ip_address_type: IpAddressType = "ipv4"
    read_timeout: int = 30
    """Seconds."""
    keepalive_timeout: int = 5
    """Seconds."""
    connection_attempts: int = 3
    connection_timeout: int = 10
    """Seconds, per attempt."""
    custom_headers: tuple[str, ...] = ()
    """Names only: values may be secrets and are never kept."""
    client_certificate: str = ""
    """ARN of the certificate for mutual TLS with the origin; empty: none."""
    vpc_origin_id: str = ""
    access_control_id: str = ""


@dataclass(frozen=True, slots=True)
class OriginGroup:
    """A primary and a secondary origin, and the statuses at which CloudFront turns to the secondary.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/high_availability_origin_failover.html
    """

    id: str
    members: tuple[str, ...]
    """Origin ids, the primary first."""
    status_codes: tuple[int, ...]
    where: str


@dataclass(frozen=True, slots=True)
class Behavior:
    """One cache behavior: which requests it takes, and where it sends them.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesCacheBehavior.html
    """

    path_pattern: str
    target_origin_id: str
    """The id of an origin or of an origin group."""
    where: str
    is_default: bool = False
    viewer_protocol_policy: ViewerProtocolPolicy = "allow-all"
    allowed_methods: tuple[str, ...] = ()
    cache_policy_id: str = ""
    origin_request_policy_id: str = ""
    forwarded_headers: tuple[str, ...] | None = None
    """Legacy `ForwardedValues.Headers`; None where the document has no ForwardedValues."""
    functions: tuple[FunctionAssociation, ...] = ()

    @property
    def title(self) -> str:
        """For people: `the cache behavior /api/*`."""
        return "the default cache behavior" if self.is_default else f"the cache behavior {visible(self.path_pattern)}"


@dataclass(frozen=True, slots=True)
class CustomErrorResponse:
    """What viewers get in place of an error status."""

    error_code: int
    response_code: str
    """Text in the API; empty: the error's own status."""
    page: str
    where: str


@dataclass(frozen=True, slots=True)
class Distribution:
    """A distribution's configuration as far as it decides what the edge asks of which origin."""

    id: str
    """Empty where the document has none (get-distribution-config)."""
    domain_name: str
    """`d111111abcdef8.cloudfront.net`; empty where the document has none."""
    aliases: tuple[str, ...]
    """Alternate domain names, lower case, A-labels; `*.example.com` possible."""
    enabled: bool
    status: str
    """`Deployed`, `InProgress`, or empty where the document has none."""
    default_root_object: str
    tenant_only: bool
    """A multi-tenant distribution: its names belong to its tenants."""
    origins: tuple[Origin, ...]
    groups: tuple[OriginGroup, ...]
    behaviors: tuple[Behavior, ...]
    """In the order in which CloudFront tries them; the default one is last."""
    custom_error_responses: tuple[CustomErrorResponse, ...]
    document: dict[str, Any]
    """The document, custom header values redacted; `parse` reads it again."""
    unknown_fields: tuple[str, ...] = ()
    """JSON paths of members that the API, as known here, does not have."""
    malformed: tuple[Malformed, ...] = ()
    """Places of a wrong type, left out of what was read."""

    @property
    def title(self) -> str:
        """For people: the id, else the cloudfront.net name, else the first alias."""
        return self.id or self.domain_name or next(iter(self.aliases), "") or "this distribution"

    @property
    def names(self) -> tuple[str, ...]:
        """Every name under which viewers may reach it: the aliases, then its cloudfront.net name."""
        return (*self.aliases, *([self.domain_name] if self.domain_name else []))

    def origin(self, origin_id: str) -> Origin | None:
        """Return the origin with this id, or None."""
        return next((o for o in self.origins if o.id == origin_id), None)

    def group(self, group_id: str) -> OriginGroup | None:
        """Return the origin group with this id, or None."""
        return next((g for g in self.groups if g.id == group_id), None)

    def serves(self, host: str) -> int:
        """Return how specifically a viewer's host belongs here: 0 not at all, 1 by a wildcard, 2 by its own name.

        A wildcard alias takes every name that ends in its domain, of however many labels:
        https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/CNAMEs.html
        """
        if host in self.names:
            return 2
        return int(any(a.startswith("*.") and host.endswith(a[1:]) and host != a[2:] for a in self.aliases))


def load(source: Source, *, url: str = "") -> Distribution:
    """Return the distribution in a file, in bytes, in JSON text or in a dictionary.

    `url` chooses one of several in a DistributionList, by its host. Raises BadInput with one sentence for anything
    that does not hold exactly one distribution; members of a wrong type or unknown are reported, not refused.
    """
    if isinstance(source, str) and (match := _ARN.fullmatch(source) or _ID.fullmatch(source)):
        try:
            is_file = Path(source).is_file()
        except OSError:
            is_file = False
        if not is_file:
            identity = match[1] if match.re is _ARN else source
            raise BadInput(
                f"Distribution: {identity} is an id, not a file; fetch it with"
                f" `aws cloudfront get-distribution --id {identity} > {identity}.json` and give that file."
            )
    name = visible(source, 120) if isinstance(source, Path) or _is_path(source) else "the document"
    return parse(documents.read(source, "Distribution"), url=url, name=name)


def parse(document: Any, *, url: str = "", name: str = "the document") -> Distribution:
    """Return the distribution in a JSON value; see `load`."""
    _refuse_other_documents(document, name)
    if isinstance(document, list):
        document = _choose(document, url, name)
    elif isinstance(listing := document.get("DistributionList", document), Mapping) and "Origins" not in listing:
        items = listing.get("Items", [] if "DistributionList" in document else None)
        if isinstance(items, list):
            document = _choose(items, url, name)
    return _build(document, name)


def _is_path(source: Source) -> bool:
    return isinstance(source, str) and source.lstrip()[:1] not in ("{", "[")


_GET = "run `aws cloudfront get-distribution --id ...` and give what that prints"


def _refuse_other_documents(document: Any, name: str) -> None:
    """Raise BadInput where the document is known to be something else, saying what and what to do instead."""
    what = ""
    if isinstance(document, Mapping):
        keys = document.keys()
        inner = document.get("Distribution", document)
        config = inner.get("DistributionConfig", inner) if isinstance(inner, Mapping) else {}
        if keys & {"AWSTemplateFormatVersion", "Resources"} or document.get("Type") == "AWS::CloudFront::Distribution":
            what = f"a CloudFormation template; {_GET}"
        elif isinstance(config, Mapping) and isinstance(config.get("Origins"), list):
            what = f"in CloudFormation's form (Origins is a plain list); {_GET}"
        elif keys & {"terraform_version", "planned_values", "resource", "default_cache_behavior", "format_version"}:
            what = f"Terraform's; {_GET}"
        elif keys & {"OriginRequestPolicy", "CachePolicy", "VpcOrigin"}:
            what = "a policy or VPC origin; give it as policies, beside the distribution"
        elif document.get("kind") == "cfrunbook.evidence":
            what = "a recording; give it as evidence"
        elif document.get("kind") == "cfrunbook.lab":
            what = "a running lab; give it as lab"
        elif keys & {"DistributionTenant", "DistributionTenantList"}:
            what = "a distribution tenant; give the multi-tenant distribution that it belongs to"
    elif not isinstance(document, list):
        what = f"{documents.kind(document)}, not an object; {_GET}"
    if what:
        raise BadInput(f"Distribution: {name} is {what}.")


def _choose(items: list[Any], url: str, name: str) -> Mapping[str, Any]:
    """Return the one item of a list, or the one that serves the URL's host."""
    candidates = [item for item in items if isinstance(item, Mapping)]
    if not candidates:
        raise BadInput(f"Distribution: {name} lists no distribution.")
    if len(candidates) == 1:
        return candidates[0]
    listed = join_names([_label(item) for item in candidates], 12)
    if not url:
        raise BadInput(f"Distribution: {name} lists {len(candidates)}: {listed}; give the failing URL to choose one.")
    host = viewer_url.parse(url).host
    ranked = [(_serving(item, host), item) for item in candidates]
    best = max(rank for rank, _ in ranked)
    chosen = [item for rank, item in ranked if rank == best]
    if best == 0 or len(chosen) > 1:
        number = "none" if best == 0 else "more than one"
        raise BadInput(f"Distribution: of the {len(candidates)} in {name}, {number} serves {host}: {listed}.")
    return chosen[0]


def _serving(item: Mapping[str, Any], host: str) -> int:
    try:
        return _build(item, "a list item").serves(host)
    except BadInput:
        return 0


def _label(item: Mapping[str, Any]) -> str:
    aliases = Reader().texts(item, "Aliases", "")
    names = " ".join(str(n) for n in (item.get("Id"), aliases[0] if aliases else item.get("DomainName")) if n)
    return visible(names or "one without an id", 80)


def _build(document: Any, name: str) -> Distribution:
    """Return the distribution of one document that holds one."""
    reader = Reader()
    outer: Mapping[str, Any] = document
    if isinstance(document.get("Distribution"), Mapping):
        outer = document["Distribution"]
    config = outer.get("DistributionConfig", outer)
    if not isinstance(config, Mapping) or not config.keys() & {"Origins", "DefaultCacheBehavior"}:
        raise BadInput(f"Distribution: {name} holds no CloudFront distribution (no Origins); {_GET}.")
    for key in ("Origins", "DefaultCacheBehavior"):
        if not isinstance(config.get(key), Mapping):
            found = documents.kind(config[key]) if key in config else "missing"
            raise BadInput(f"Distribution: {name}: {key} is {found}, not an object; {_GET}.")
    origins = _unique([_origin(reader, node, where) for where, node in reader.objects(config, "Origins", "")], reader)
    if not origins:
        raise BadInput(f"Distribution: {name} has no origins, so there is nothing to examine.")
    domain = reader.text(outer, "DomainName", "") if outer is not config or "Id" in outer else ""
    is_summary = outer is config and "Id" in outer
    aliases = (_alias(a, f"Aliases.Items[{i}]", reader) for i, a in enumerate(reader.texts(config, "Aliases", "")))
    behaviors = [_behavior(reader, node, where) for where, node in reader.objects(config, "CacheBehaviors", "")]
    default = _behavior(reader, config["DefaultCacheBehavior"], "DefaultCacheBehavior", is_default=True)
    groups = [_group(reader, node, where) for where, node in reader.objects(config, "OriginGroups", "")]
    kept = {key: value for key, value in document.items() if key != "ResponseMetadata"}
    return Distribution(
        id=reader.text(outer, "Id", ""),
        domain_name=_alias(domain, "DomainName", reader) if domain else "",
        aliases=tuple(dict.fromkeys(a for a in aliases if a)),
        enabled=reader.flag(config, "Enabled", "", default=True),
        status=reader.text(outer, "Status", ""),
        default_root_object=reader.text(config, "DefaultRootObject", ""),
        tenant_only=reader.text(config, "ConnectionMode", "") == "tenant-only",
        origins=origins,
        groups=tuple(groups),
        behaviors=(*behaviors, default),
        custom_error_responses=tuple(
            CustomErrorResponse(
                error_code=reader.integer(node, "ErrorCode", where, 0),
                response_code=str(reader.integer(node, "ResponseCode", where, 0) or ""),
                page=reader.text(node, "ResponsePagePath", where),
                where=where,
            )
            for where, node in reader.objects(config, "CustomErrorResponses", "")
        ),
        document=redact_distribution(kept),
        unknown_fields=tuple(_unknown_fields(outer, config, is_summary=is_summary)),
        malformed=tuple(reader.malformed),
    )


def _unknown_fields(outer: Mapping[str, Any], config: Mapping[str, Any], *, is_summary: bool) -> list[str]:
    found: list[str] = []
    if outer is not config and "Id" in outer:
        found += shapes.unknown(outer, {**shapes.DISTRIBUTION, "DistributionConfig": None})
    for path in shapes.unknown(config, shapes.SUMMARY if is_summary else shapes.CONFIG):
        found.append(path)
        if len(found) >= documents.MAX_REPORTED:
            break
    return found[: documents.MAX_REPORTED]


def _alias(name: str, where: str, reader: Reader) -> str:
    """Return an alternate domain name in canonical form, or nothing where it is no name."""
    star = "*." if name.startswith("*.") else ""
    try:
        return star + hostname.to_ascii(name[len(star) :])
    except BadInput:
        reader.report(where, f"is {visible(name, 80)!r}, which is not a host name")
        return ""


def _unique(origins: list[Origin], reader: Reader) -> tuple[Origin, ...]:
    found: dict[str, Origin] = {}
    for origin in origins:
        if origin.id in found:
            reader.report(f"{origin.where}.Id", f"is {visible(origin.id, 80)!r}, which another origin has too")
        else:
            found[origin.id] = origin
    return tuple(found.values())


_MEMBERS: Mapping[str, Member] = {
    "CustomOriginConfig": "custom",
    "S3OriginConfig": "s3",
    "VpcOriginConfig": "vpc",
}


def _origin(reader: Reader, node: Mapping[str, Any], where: str) -> Origin:
    present = [key for key in _MEMBERS if node.get(key) is not None]
    if len(present) != 1:
        reader.report(where, f"has {join_names(present)} of CustomOriginConfig, S3OriginConfig and VpcOriginConfig")
    key = present[0] if present else "CustomOriginConfig"
    settings, at = reader.mapping(node, key, where), f"{where}.{key}"
    headers = reader.objects(node, "CustomHeaders", where)
    mutual_tls = reader.mapping(settings, "OriginMtlsConfig", at)
    domain_name = reader.text(node, "DomainName", where)
    policy: Any = "https-only"
    if key == "CustomOriginConfig" and present:
        policies = get_args(OriginProtocolPolicy)
        policy = reader.choice(settings, "OriginProtocolPolicy", at, policies, "match-viewer")
    family: Any = reader.choice(settings, "IpAddressType", at, get_args(IpAddressType), "ipv4")
    return Origin(
        id=reader.text(node, "Id", where) or domain_name,
        domain_name=domain_name,
        where=where,
        member=_MEMBERS[key] if present else "none",
        path=reader.text(node, "OriginPath", where),
        http_port=reader.integer(settings, "HTTPPort", at, 80),
        https_port=reader.integer(settings, "HTTPSPort", at, 443),
        protocol_policy=policy,
        ssl_protocols=reader.texts(settings, "OriginSslProtocols", at),
        ip_address_type=family,
        read_timeout=reader.integer(settings, "OriginReadTimeout", at, 30),
        keepalive_timeout=reader.integer(settings, "OriginKeepaliveTimeout", at, 5),
        connection_attempts=reader.integer(node, "ConnectionAttempts", where, 3),
        connection_timeout=reader.integer(node, "ConnectionTimeout", where, 10),
        custom_headers=tuple(reader.text(header, "HeaderName", at) for at, header in headers),
        client_certificate=reader.text(mutual_tls, "ClientCertificateArn", f"{at}.OriginMtlsConfig"),
        vpc_origin_id=reader.text(settings, "VpcOriginId", at),
        access_control_id=reader.text(node, "OriginAccessControlId", where),
    )


def _group(reader: Reader, node: Mapping[str, Any], where: str) -> OriginGroup:
    criteria = reader.mapping(node, "FailoverCriteria", where)
    codes = reader.items(criteria, "StatusCodes", f"{where}.FailoverCriteria")
    members = reader.objects(node, "Members", where)
    return OriginGroup(
        id=reader.text(node, "Id", where),
        members=tuple(reader.text(member, "OriginId", at) for at, member in members),
        status_codes=tuple(code for code in codes if isinstance(code, int) and not isinstance(code, bool)),
        where=where,
    )


def _behavior(reader: Reader, node: Mapping[str, Any], where: str, *, is_default: bool = False) -> Behavior:
    forwarded = reader.mapping(node, "ForwardedValues", where)
    policies = get_args(ViewerProtocolPolicy)
    policy: Any = reader.choice(node, "ViewerProtocolPolicy", where, policies, "allow-all")
    return Behavior(
        path_pattern="*" if is_default else reader.text(node, "PathPattern", where),
        target_origin_id=reader.text(node, "TargetOriginId", where),
        where=where,
        is_default=is_default,
        viewer_protocol_policy=policy,
        allowed_methods=reader.texts(node, "AllowedMethods", where),
        cache_policy_id=reader.text(node, "CachePolicyId", where),
        origin_request_policy_id=reader.text(node, "OriginRequestPolicyId", where),
        forwarded_headers=reader.texts(forwarded, "Headers", f"{where}.ForwardedValues") if forwarded else None,
        functions=(*_lambdas(reader, node, where), *_functions(reader, node, where)),
    )


def _lambdas(reader: Reader, node: Mapping[str, Any], where: str) -> list[FunctionAssociation]:
    found = []
    for at, item in reader.objects(node, "LambdaFunctionAssociations", where):
        if event := _event(reader, item, at):
            arn = reader.text(item, "LambdaFunctionARN", at)
            body = reader.flag(item, "IncludeBody", at, default=False)
            found.append(FunctionAssociation("lambda-edge", arn, event, body))
    return found


def _functions(reader: Reader, node: Mapping[str, Any], where: str) -> list[FunctionAssociation]:
    return [
        FunctionAssociation("cloudfront-function", reader.text(item, "FunctionARN", at), event)
        for at, item in reader.objects(node, "FunctionAssociations", where)
        if (event := _event(reader, item, at))
    ]


def _event(reader: Reader, node: Mapping[str, Any], where: str) -> EventType | None:
    value = reader.text(node, "EventType", where)
    if value in tuple(EventType):
        return EventType(value)
    reader.report(f"{where}.EventType", f"is {visible(value, 60)!r}, which is no event")
    return None
