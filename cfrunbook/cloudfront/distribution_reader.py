"""Read a distribution from any of its JSON forms; what is no distribution is refused with what to do instead.

Forms: the output of get-distribution and get-distribution-config, a bare DistributionConfig, a DistributionList and
one of its items. https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_Distribution.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast, get_args

from cfrunbook import hostname
from cfrunbook.cloudfront import documents, shapes, viewer_url
from cfrunbook.cloudfront.distribution import (
    Behavior,
    CustomErrorResponse,
    Distribution,
    EventType,
    FunctionAssociation,
    IpAddressType,
    Member,
    Origin,
    OriginGroup,
    OriginProtocolPolicy,
    ViewerProtocolPolicy,
)
from cfrunbook.cloudfront.documents import Reader, Source
from cfrunbook.errors import BadInput
from cfrunbook.redaction import Secrets
from cfrunbook.text import join_names, visible

_ID = re.compile(r"E[A-Z0-9]{5,31}")
_ARN = re.compile(r"arn:[a-z-]+:cloudfront::([0-9]{12}):distribution/(E[A-Z0-9]{5,31})")


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
            identity = match[2] if match.re is _ARN else source
            raise BadInput(
                f"Distribution: {identity} is an id, not a file; fetch it with"
                f" `aws cloudfront get-distribution --id {identity} > {identity}.json` and give that file."
            )
    name = visible(source, 120) if isinstance(source, Path) or _is_path(source) else "the document"
    return parse(documents.read(source, "Distribution"), url=url, name=name)


def load_whole(source: Source, *, url: str = "", what: str = "Distribution") -> tuple[Distribution, Mapping[str, Any]]:
    """Return the distribution, and its configuration as it was given: with secrets, so to compare and not to keep.

    `what` starts the sentence of the BadInput that is raised as by `load`.
    """
    name = visible(source, 120) if isinstance(source, Path) or _is_path(source) else "the document"
    try:
        chosen = _chosen(documents.read(source, "Distribution"), url, name)
        return _build(chosen, name), _config(chosen)[1]
    except BadInput as error:
        raise BadInput(str(error).replace("Distribution: ", f"{what}: ", 1)) from None


def is_id(text: str) -> bool:
    """Tell whether a text is a distribution's id or ARN."""
    return bool(_ARN.fullmatch(text) or _ID.fullmatch(text))


def config_of(distribution: Distribution) -> Mapping[str, Any]:
    """Return the configuration in the document that a distribution keeps: without secrets and unknown members."""
    return cast(Mapping[str, Any], _config(distribution.document)[1])


def parse(document: Any, *, url: str = "", name: str = "the document") -> Distribution:
    """Return the distribution in a JSON value; see `load`."""
    return _build(_chosen(document, url, name), name)


def _chosen(document: Any, url: str, name: str) -> Any:
    """Return the one distribution of a document. Raises BadInput where it is something else, or holds several."""
    _refuse_other_documents(document, name)
    if isinstance(document, list):
        document = _choose(document, url, name)
    elif isinstance(listing := document.get("DistributionList", document), Mapping) and "Origins" not in listing:
        items = listing.get("Items", [] if "DistributionList" in document else None)
        if isinstance(items, list):
            document = _choose(items, url, name)
    return document


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
        elif keys & {"OriginRequestPolicy", "CachePolicy", "VpcOrigin", "ContinuousDeploymentPolicy"}:
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
    """Return the distribution of one document that holds one; only its redacted copy is read, so no secret is kept."""
    reader = Reader()
    secrets = Secrets(shapes.secrets(document, shapes.DOCUMENT))
    document = shapes.redacted({k: v for k, v in document.items() if k != "ResponseMetadata"}, shapes.DOCUMENT)
    outer, config = _config(document)
    if not isinstance(config, Mapping) or not config.keys() & {"Origins", "DefaultCacheBehavior"}:
        raise BadInput(f"Distribution: {name} holds no CloudFront distribution (no Origins); {_GET}.")
    for key in ("Origins", "DefaultCacheBehavior"):
        if not isinstance(config.get(key), Mapping):
            found = documents.kind(config[key]) if key in config else "missing"
            raise BadInput(f"Distribution: {name}: {key} is {found}, not an object; {_GET}.")
    if isinstance(comment := config.get("Comment"), str):
        cast(dict[str, Any], config)["Comment"] = secrets.hidden(comment)
    origins = _unique([_origin(reader, node, where) for where, node in reader.objects(config, "Origins", "")], reader)
    if not origins:
        raise BadInput(f"Distribution: {name} has no origins, so there is nothing to examine.")
    domain = reader.text(outer, "DomainName", "") if outer is not config or "Id" in outer else ""
    is_summary = outer is config and "Id" in outer
    aliases = (_alias(a, f"Aliases.Items[{i}]", reader) for i, a in enumerate(reader.texts(config, "Aliases", "")))
    behaviors = [_behavior(reader, node, where) for where, node in reader.objects(config, "CacheBehaviors", "")]
    default = _behavior(reader, config["DefaultCacheBehavior"], "DefaultCacheBehavior", is_default=True)
    groups = [_group(reader, node, where) for where, node in reader.objects(config, "OriginGroups", "")]
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
                caching_min_ttl=ttl if (ttl := reader.integer(node, "ErrorCachingMinTTL", where, -1)) >= 0 else None,
            )
            for where, node in reader.objects(config, "CustomErrorResponses", "")
        ),
        document=document,
        unknown_fields=tuple(_unknown_fields(outer, config, is_summary=is_summary)),
        malformed=tuple(reader.malformed),
        staging=reader.flag(config, "Staging", "", default=False),
        continuous_deployment_policy_id=reader.text(config, "ContinuousDeploymentPolicyId", ""),
        secrets=secrets,
        account=arn[1] if (arn := _ARN.fullmatch(reader.text(outer, "ARN", ""))) else "",
    )


def _config(document: Mapping[str, Any]) -> tuple[Mapping[str, Any], Any]:
    """Return what has the distribution's own members, and its configuration, which may be the same object."""
    outer = document["Distribution"] if isinstance(document.get("Distribution"), Mapping) else document
    return outer, outer.get("DistributionConfig", outer)


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
        reader.report(where, f"is '{visible(name, 80)}', which is not a host name")
        return ""


def _unique(origins: list[Origin], reader: Reader) -> tuple[Origin, ...]:
    found: dict[str, Origin] = {}
    for origin in origins:
        if origin.id in found:
            reader.report(f"{origin.where}.Id", f"is '{visible(origin.id, 80)}', which another origin has too")
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
    settings, at = shapes.known(reader.mapping(node, key, where), shapes.ORIGIN[key]), f"{where}.{key}"
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
        access_identity=reader.text(settings, "OriginAccessIdentity", at),
        response_completion_timeout=reader.integer(node, "ResponseCompletionTimeout", where, 0),
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
        forwards_query=reader.flag(forwarded, "QueryString", f"{where}.ForwardedValues", default=False),
        forwarded_cookies=_cookies(reader, forwarded, f"{where}.ForwardedValues"),
        grpc=reader.flag(reader.mapping(node, "GrpcConfig", where), "Enabled", f"{where}.GrpcConfig", default=False),
        functions=(*_lambdas(reader, node, where), *_functions(reader, node, where)),
    )


def _cookies(reader: Reader, forwarded: Mapping[str, Any], where: str) -> tuple[str, ...]:
    """Return the cookies that the legacy settings forward: names, or `*` for all."""
    cookies, at = reader.mapping(forwarded, "Cookies", where), f"{where}.Cookies"
    match reader.choice(cookies, "Forward", at, ("none", "whitelist", "all"), "none"):
        case "all":
            return ("*",)
        case "whitelist":
            return reader.texts(cookies, "WhitelistedNames", at)
        case _:
            return ()


def _lambdas(reader: Reader, node: Mapping[str, Any], where: str) -> list[FunctionAssociation]:
    found = []
    for at, item in reader.objects(node, "LambdaFunctionAssociations", where):
        if event := _event(reader, item, at):
            arn = reader.text(item, "LambdaFunctionARN", at)
            body = reader.flag(item, "IncludeBody", at, default=False)
            found.append(FunctionAssociation("lambda-edge", arn, event, body, at))
    return found


def _functions(reader: Reader, node: Mapping[str, Any], where: str) -> list[FunctionAssociation]:
    return [
        FunctionAssociation("cloudfront-function", reader.text(item, "FunctionARN", at), event, where=at)
        for at, item in reader.objects(node, "FunctionAssociations", where)
        if (event := _event(reader, item, at))
    ]


def _event(reader: Reader, node: Mapping[str, Any], where: str) -> EventType | None:
    value = reader.text(node, "EventType", where)
    if value in tuple(EventType):
        return EventType(value)
    reader.report(f"{where}.EventType", f"is '{visible(value, 60)}', which is no event")
    return None
