"""Cache and origin request policies, and the question that matters for 502: is the viewer's Host forwarded?

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/understanding-how-origin-request-policies-and-cache-policies-work-together.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Literal, cast, get_args

import msgspec

from cfrunbook.cloudfront import documents, shapes
from cfrunbook.cloudfront.distribution import Behavior, IpAddressType, Origin, OriginProtocolPolicy
from cfrunbook.cloudfront.documents import Reader, Source
from cfrunbook.cloudfront.function_associations import Reach, reach
from cfrunbook.cloudfront.origins import kind_of
from cfrunbook.cloudfront.targets import OriginKind
from cfrunbook.errors import BadInput
from cfrunbook.text import visible

HeaderBehavior = Literal["none", "whitelist", "allViewer", "allViewerAndWhitelistCloudFront", "allExcept"]


class HeaderPolicy(msgspec.Struct, frozen=True):
    """What a cache policy or an origin request policy says about request headers."""

    id: str
    name: str
    behavior: HeaderBehavior
    headers: frozenset[str] = frozenset()
    """Lower case."""
    managed: bool = False

    def forwards(self, header: str) -> bool:
        """Tell whether a viewer's header of this name goes to the origin, as far as this policy says."""
        match self.behavior:
            case "allViewer" | "allViewerAndWhitelistCloudFront":
                return True
            case "whitelist":
                return header.lower() in self.headers
            case "allExcept":
                return header.lower() not in self.headers
            case _:
                return False


def _managed(policy_id: str, name: str, behavior: HeaderBehavior, headers: str = "") -> HeaderPolicy:
    return HeaderPolicy(policy_id, name, behavior, frozenset(headers.lower().split()), managed=True)


_CORS = "Origin Access-Control-Request-Headers Access-Control-Request-Method"
_ORIGIN_CACHE_CONTROL = "Host Origin X-HTTP-Method-Override X-HTTP-Method X-Method-Override"

MANAGED_ORIGIN_REQUEST: Mapping[str, HeaderPolicy] = MappingProxyType({
    policy.id: policy
    for policy in (
        _managed("216adef6-5c7f-47e4-b989-5492eafa07d3", "AllViewer", "allViewer"),
        _managed(
            "33f36d7e-f396-46d9-90e0-52428a34d9dc",
            "AllViewerAndCloudFrontHeaders-2022-06",
            "allViewerAndWhitelistCloudFront",
        ),
        _managed("b689b0a8-53d0-40ab-baf2-68738e2966ac", "AllViewerExceptHostHeader", "allExcept", "Host"),
        _managed("59781a5b-3903-41f3-afcb-af62929ccde1", "CORS-CustomOrigin", "whitelist", "Origin"),
        _managed("88a5eaf4-2fd4-4709-b370-b4c650ea3fcf", "CORS-S3Origin", "whitelist", _CORS),
        _managed(
            "775133bc-15f2-49f9-abea-afb2e0bf67d2",
            "Elemental-MediaTailor-PersonalizedManifests",
            "whitelist",
            f"{_CORS} User-Agent X-Forwarded-For",
        ),
        _managed("bf0718e1-ba1e-49d1-88b1-f726733018ae", "HostHeaderOnly", "whitelist", "Host"),
        _managed("acba4595-bd28-49b8-b9fe-13317c0390fa", "UserAgentRefererHeaders", "whitelist", "User-Agent Referer"),
    )
})  # fmt: skip
"""By id, as of 2026-04:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-origin-request-policies.html"""

MANAGED_CACHE: Mapping[str, HeaderPolicy] = MappingProxyType({
    policy.id: policy
    for policy in (
        _managed(
            "2e54312d-136d-493c-8eb9-b001f22f67d2",
            "Amplify",
            "whitelist",
            "Authorization CloudFront-Viewer-Country Host",
        ),
        _managed("4135ea2d-6df8-44a3-9df3-4b5a84be39ad", "CachingDisabled", "none"),
        _managed("658327ea-f89d-4fab-a63d-7e88639e58f6", "CachingOptimized", "none"),
        _managed("b2884449-e4de-46a7-ac36-70bc7f1ddd6d", "CachingOptimizedForUncompressedObjects", "none"),
        _managed("08627262-05a9-4f76-9ded-b50ca2e3a84f", "Elemental-MediaPackage", "whitelist", "Origin"),
        _managed(
            "83da9c7e-98b4-4e11-a168-04f0df8e2c65",
            "UseOriginCacheControlHeaders",
            "whitelist",
            _ORIGIN_CACHE_CONTROL,
        ),
        _managed(
            "4cc15a8a-d715-48a4-82b8-cc0b614638fe",
            "UseOriginCacheControlHeaders-QueryStrings",
            "whitelist",
            _ORIGIN_CACHE_CONTROL,
        ),
    )
})  # fmt: skip
"""By id, as of 2026-04:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html"""


class VpcOriginSettings(msgspec.Struct, frozen=True):
    """The ports and protocols of a VPC origin, which are not in the distribution."""

    id: str
    status: str
    http_port: int = 80
    https_port: int = 443
    protocol_policy: OriginProtocolPolicy = "match-viewer"
    ssl_protocols: tuple[str, ...] = ()
    ip_address_type: IpAddressType = "ipv4"


class ContinuousDeployment(msgspec.Struct, frozen=True):
    """Which requests for a primary distribution are served by a staging one.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/understanding-continuous-deployment.html
    """

    id: str
    enabled: bool
    staging_names: tuple[str, ...]
    """`cloudfront.net` names of the staging distributions."""
    kind: Literal["SingleWeight", "SingleHeader", ""] = ""
    weight: float = 0.0
    """Of `SingleWeight`: the share of requests, 0 to 0.15."""
    header: str = ""
    """Of `SingleHeader`: name of the request header that sends a request there. Its value is never kept."""

    @property
    def requests(self) -> str:
        """Which requests go to the staging distribution, in a few words."""
        if not self.enabled:
            return "no requests: the policy is disabled"
        if self.kind == "SingleWeight":
            return f"{100 * self.weight:g} % of the requests"
        if self.kind == "SingleHeader":
            return f"requests with the header {visible(self.header, 80)} of a certain value"
        return "requests that its policy does not name"


class Policies(msgspec.Struct, frozen=True):
    """The managed policies, and those a person gave."""

    origin_request: Mapping[str, HeaderPolicy] = msgspec.field(default_factory=lambda: MANAGED_ORIGIN_REQUEST)
    cache: Mapping[str, HeaderPolicy] = msgspec.field(default_factory=lambda: MANAGED_CACHE)
    vpc_origins: Mapping[str, VpcOriginSettings] = msgspec.field(default_factory=dict)
    continuous: Mapping[str, ContinuousDeployment] = msgspec.field(default_factory=dict)
    """Continuous deployment policies, by id."""
    given: tuple[dict[str, Any], ...] = ()
    """The documents as given, redacted; `load` reads them again."""


def load(sources: Iterable[Source]) -> Policies:
    """Return the managed policies and those in get-/list- output, VPC origins and continuous deployment among them.

    Raises BadInput with one sentence for a document that is none of these.
    """
    origin_request = dict(MANAGED_ORIGIN_REQUEST)
    cache = dict(MANAGED_CACHE)
    vpc_origins: dict[str, VpcOriginSettings] = {}
    continuous: dict[str, ContinuousDeployment] = {}
    given = []
    for source in sources:
        for single in _documents(documents.read(source, "Policy")):
            document = shapes.redacted(single, shapes.POLICY)
            if isinstance(node := document.get("OriginRequestPolicy"), Mapping):
                policy = _header_policy(node, "OriginRequestPolicyConfig")
                origin_request[policy.id] = policy
            elif isinstance(node := document.get("CachePolicy"), Mapping):
                policy = _header_policy(node, "CachePolicyConfig")
                cache[policy.id] = policy
            elif isinstance(node := document.get("VpcOrigin"), Mapping):
                settings = _vpc_origin(node)
                vpc_origins[settings.id] = settings
            elif isinstance(node := document.get("ContinuousDeploymentPolicy"), Mapping):
                deployment = _continuous_deployment(node)
                continuous[deployment.id] = deployment
            given.append({key: value for key, value in document.items() if key != "ResponseMetadata"})
    return Policies(
        MappingProxyType(origin_request),
        MappingProxyType(cache),
        MappingProxyType(vpc_origins),
        MappingProxyType(continuous),
        tuple(given),
    )


_LISTS = ("OriginRequestPolicyList", "CachePolicyList", "ContinuousDeploymentPolicyList")
_KINDS = ("OriginRequestPolicy", "CachePolicy", "VpcOrigin", "ContinuousDeploymentPolicy")
_WANTED = (
    "give the output of `aws cloudfront get-origin-request-policy`, `get-cache-policy`, `get-vpc-origin` or"
    " `get-continuous-deployment-policy` with --id"
)


def _documents(document: Any) -> list[dict[str, Any]]:
    """Return the single policies of a document: itself, the items of a list- output, or those of a JSON list."""
    if isinstance(document, list):
        return [single for item in document for single in _documents(item)]
    if not isinstance(document, dict):
        raise BadInput(f"Policy: {documents.kind(document)} is not a policy; {_WANTED}.")
    for key in _LISTS:
        if isinstance(document.get(key), Mapping):
            return [item for item in document[key].get("Items") or [] if isinstance(item, dict)]
    if "OriginRequestPolicyConfig" in document or "CachePolicyConfig" in document:
        raise BadInput(f"Policy: this is a policy's configuration without its id; {_WANTED}.")
    if not any(isinstance(document.get(key), Mapping) for key in _KINDS):
        raise BadInput(
            f"Policy: the document holds no policy (its members: {visible(', '.join(document), 80)}); {_WANTED}."
        )
    return [document]


def _header_policy(node: Mapping[str, Any], key: str) -> HeaderPolicy:
    reader = Reader()
    identity = reader.text(node, "Id", "")
    config = reader.mapping(node, key, "")
    name = reader.text(config, "Name", key)
    holder = config
    if key == "CachePolicyConfig":
        holder = reader.mapping(config, "ParametersInCacheKeyAndForwardedToOrigin", key)
    headers = reader.mapping(holder, "HeadersConfig", key)
    behavior = reader.choice(headers, "HeaderBehavior", f"{key}.HeadersConfig", get_args(HeaderBehavior), "")
    names = reader.texts(headers, "Headers", f"{key}.HeadersConfig")
    if reader.malformed or not identity:
        problem = reader.malformed[0] if reader.malformed else documents.Malformed("Id", "is missing")
        raise BadInput(f"Policy: {visible(identity or name or key, 80)}: {problem.where} {problem.says}.")
    lowered = frozenset(n.lower() for n in names)
    return HeaderPolicy(identity, name, cast(HeaderBehavior, behavior), lowered)


def _vpc_origin(node: Mapping[str, Any]) -> VpcOriginSettings:
    reader = Reader()
    config = reader.mapping(node, "VpcOriginEndpointConfig", "")
    at = "VpcOriginEndpointConfig"
    policy = reader.choice(config, "OriginProtocolPolicy", at, get_args(OriginProtocolPolicy), "match-viewer")
    family = reader.choice(config, "IpAddressType", at, get_args(IpAddressType), "ipv4")
    settings = VpcOriginSettings(
        id=reader.text(node, "Id", ""),
        status=reader.text(node, "Status", ""),
        http_port=reader.integer(config, "HTTPPort", at, 80),
        https_port=reader.integer(config, "HTTPSPort", at, 443),
        protocol_policy=cast(OriginProtocolPolicy, policy),
        ssl_protocols=reader.texts(config, "OriginSslProtocols", at),
        ip_address_type=cast(IpAddressType, family),
    )
    if reader.malformed or not settings.id:
        problem = reader.malformed[0] if reader.malformed else documents.Malformed("Id", "is missing")
        raise BadInput(f"Policy: VPC origin {visible(settings.id, 80)}: {problem.where} {problem.says}.")
    return settings


def _continuous_deployment(node: Mapping[str, Any]) -> ContinuousDeployment:
    reader = Reader()
    at = "ContinuousDeploymentPolicyConfig"
    config = reader.mapping(node, at, "")
    traffic = reader.mapping(config, "TrafficConfig", at)
    kind = reader.choice(traffic, "Type", f"{at}.TrafficConfig", ("SingleWeight", "SingleHeader", ""), "")
    weight = reader.mapping(traffic, "SingleWeightConfig", at).get("Weight")
    deployment = ContinuousDeployment(
        id=reader.text(node, "Id", ""),
        enabled=reader.flag(config, "Enabled", at, default=False),
        staging_names=tuple(n.lower() for n in reader.texts(config, "StagingDistributionDnsNames", at)),
        kind=cast(Literal["SingleWeight", "SingleHeader", ""], kind),
        weight=float(weight) if isinstance(weight, int | float) and 0 <= weight <= 1 else 0.0,
        header=reader.text(reader.mapping(traffic, "SingleHeaderConfig", at), "Header", at),
    )
    if reader.malformed or not deployment.id:
        problem = reader.malformed[0] if reader.malformed else documents.Malformed("Id", "is missing")
        raise BadInput(f"Policy: continuous deployment {visible(deployment.id, 80)}: {problem.where} {problem.says}.")
    return deployment


class Forwarding(StrEnum):
    """Whether the viewer's Host goes to the origin."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class HostForwarding(msgspec.Struct, frozen=True):
    """Whether the viewer's Host goes to the origin, and how we know."""

    value: Forwarding
    why: str
    """A clause: `origin request policy AllViewer forwards Host`."""
    next_check: str = ""
    """For unknown: the command that settles it."""
    function: str = ""
    """The edge function that makes it unknown: its code may set another Host, which the configuration does not show."""
    without_function: Forwarding | None = None
    """What the configuration says where no function interferes; None: there is no such function."""

    @property
    def configured(self) -> Forwarding:
        """What the configuration by itself says."""
        return self.value if self.without_function is None else self.without_function


def host_forwarding(behavior: Behavior, origin: Origin, policies: Policies) -> HostForwarding:
    """Return whether requests of `behavior` reach `origin` with the viewer's Host.

    Host goes along if the cache policy or the origin request policy includes it: a cache policy that lists Host beats
    an origin request policy that leaves it out. ForwardedValues counts only without a cache policy. An S3 origin
    always gets its own name. An origin-request Lambda@Edge function may set any Host, and a viewer-request CloudFront
    Function may do so through its origin helpers: with one of them the configuration cannot tell.
    """
    kind = kind_of(origin)
    if kind in (OriginKind.S3, OriginKind.MEDIASTORE):
        service = "S3" if kind is OriginKind.S3 else "MediaStore"
        return HostForwarding(Forwarding.NO, f"CloudFront never forwards Host to {service} origins")
    static = _by_policies(behavior, policies) if behavior.cache_policy_id else _by_forwarded_values(behavior, policies)
    for function in behavior.functions:
        if Reach.HOST in reach(function):
            return HostForwarding(
                Forwarding.UNKNOWN,
                f"the {function.event} {visible(function.title, 120)} may set another Host; without it, {static.why}",
                function.fetch,
                function.title,
                static.value,
            )
    return static


def _by_policies(behavior: Behavior, policies: Policies) -> HostForwarding:
    """Combine the cache policy and the origin request policy of a behavior."""
    unknown: list[tuple[str, str]] = []
    leaving_out: list[str] = []
    for what, command, policy_id, known in (
        ("cache policy", "get-cache-policy", behavior.cache_policy_id, policies.cache),
        (
            "origin request policy",
            "get-origin-request-policy",
            behavior.origin_request_policy_id,
            policies.origin_request,
        ),
    ):
        if not policy_id:
            leaving_out.append(f"there is no {what}")
        elif (policy := known.get(policy_id)) is None:
            shown = visible(policy_id, 60)
            unknown.append((f"{what} {shown}", f"aws cloudfront {command} --id {shown}"))
        elif policy.forwards("host"):
            return HostForwarding(Forwarding.YES, f"{what} {visible(policy.name, 80)} forwards Host")
        else:
            leaving_out.append(f"{what} {visible(policy.name, 80)} does not forward Host")
    if unknown:
        names, commands = zip(*unknown, strict=True)
        return HostForwarding(
            Forwarding.UNKNOWN,
            f"what {' and '.join(names)} forwards is not known here",
            "; ".join(f"{command} > policy.json" for command in commands) + ", then give the file as policies",
        )
    return HostForwarding(Forwarding.NO, " and ".join(leaving_out))


def _by_forwarded_values(behavior: Behavior, policies: Policies) -> HostForwarding:
    """Read the legacy settings, which count only without a cache policy."""
    headers = {h.lower() for h in behavior.forwarded_headers or ()}
    if listed := headers & {"host", "*"}:
        entry = "*" if "*" in listed else "Host"
        return HostForwarding(Forwarding.YES, f"ForwardedValues.Headers (legacy settings) holds {entry}")
    if behavior.origin_request_policy_id:
        found = _by_policies(behavior, policies)
        return HostForwarding(found.value, found.why, found.next_check)
    if behavior.forwarded_headers is None:
        return HostForwarding(
            Forwarding.NO, "there is neither a cache policy nor ForwardedValues, and by default Host is not forwarded"
        )
    return HostForwarding(Forwarding.NO, "ForwardedValues.Headers (legacy settings) does not hold Host")
