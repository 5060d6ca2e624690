"""What the lab's edge reads in a distribution: where a request goes, how it is asked there, what is kept of the answer.

The lab's own reader, which shares no code with the package's: the edge stays an independent judge also where somebody
edits the distribution. It reads what the edge acts on and nothing else.

https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_DistributionConfig.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from cfrunbook.lab.edge import MinimumTls

DEFAULT_ERROR_TTL = 10
"""Seconds that an error is kept, where the distribution does not say:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/custom-error-pages-expiration.html"""
KEPT_ERRORS = frozenset({400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504})
"""https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HTTPStatusCodes.html"""

# Managed policies: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-policies.html
_FORWARD_HOST = frozenset({
    "216adef6-5c7f-47e4-b989-5492eafa07d3",  # AllViewer
    "33f36d7e-f396-46d9-90e0-52428a34d9dc",  # AllViewerAndCloudFrontHeaders-2022-06
    "bf0718e1-ba1e-49d1-88b1-f726733018ae",  # HostHeaderOnly
})  # fmt: skip
_KEY_HOST = frozenset({
    "2e54312d-136d-493c-8eb9-b001f22f67d2",  # Amplify
    "83da9c7e-98b4-4e11-a168-04f0df8e2c65",  # UseOriginCacheControlHeaders
    "4cc15a8a-d715-48a4-82b8-cc0b614638fe",  # UseOriginCacheControlHeaders-QueryStrings
})  # fmt: skip
_KEY_QUERY = frozenset({
    "2e54312d-136d-493c-8eb9-b001f22f67d2",  # Amplify
    "4cc15a8a-d715-48a4-82b8-cc0b614638fe",  # UseOriginCacheControlHeaders-QueryStrings
})  # fmt: skip
_CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
_VERSIONS: tuple[MinimumTls, ...] = ("SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2")

Protocol = Literal["https", "http"]


@dataclass(frozen=True, slots=True)
class Behavior:
    """One cache behavior."""

    pattern: str
    """The path pattern; `*` for the default."""
    target: str
    """Id of an origin or of an origin group."""
    methods: tuple[str, ...]
    host_forwarded: bool
    allows_http: bool
    """Viewers may come by http; else they were redirected, or turned away."""
    keeps: bool = True
    """Answers may be kept in the cache."""
    query_in_key: bool = False

    def takes(self, path: str) -> bool:
        """Tell whether it is for `path`, which is without query string."""
        parts = re.split(r"([*?])", self.pattern.removeprefix("/"))
        expression = "".join({"*": ".*", "?": "."}.get(part, re.escape(part)) for part in parts)
        return re.fullmatch(expression, path.removeprefix("/"), re.DOTALL) is not None


@dataclass(frozen=True, slots=True)
class OriginConfig:
    """One origin."""

    id: str
    domain: str
    policy: Literal["https-only", "http-only", "match-viewer", "unknown"]
    """`unknown`: a VPC origin's is not in the distribution."""
    ports: Mapping[Protocol, int] = field(default_factory=lambda: {"http": 80, "https": 443})
    minimum_tls: MinimumTls = "TLSv1.2"
    ip_address_type: Literal["ipv4", "ipv6", "dualstack"] = "ipv4"
    path: str = ""
    is_bucket: bool = False

    def protocol(self, viewer: Protocol) -> Protocol:
        """Return what is spoken to it for a viewer who speaks `viewer`."""
        if self.policy in ("https-only", "http-only"):
            return "https" if self.policy == "https-only" else "http"
        return viewer


@dataclass(frozen=True, slots=True)
class GroupConfig:
    """One origin group."""

    members: tuple[str, str]
    failover_at: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """What is to be done with one error status."""

    ttl: int = DEFAULT_ERROR_TTL
    """Seconds."""
    page: str = ""
    """Path of the page to send instead; empty: the error itself."""
    status: int = 0
    """The status to send with it."""


@dataclass(frozen=True, slots=True)
class Config:
    """All that the edge reads in a distribution."""

    id: str
    domain: str
    """`d111111abcdef8.cloudfront.net`."""
    aliases: tuple[str, ...]
    behaviors: tuple[Behavior, ...]
    """In their order, the default last."""
    origins: Mapping[str, OriginConfig]
    groups: Mapping[str, GroupConfig]
    errors: Mapping[int, ErrorResponse]
    default_root: str = ""
    http3: bool = False

    def behavior(self, path: str) -> Behavior:
        """Return the behavior for a path."""
        return next(b for b in self.behaviors if b.takes(path))

    def error(self, status: int) -> ErrorResponse:
        """Return what is to be done with this status."""
        return self.errors.get(status, ErrorResponse())

    def members(self, target: str) -> tuple[OriginConfig, ...]:
        """Return the origin with this id, or the members of the group, the primary first."""
        group = self.groups.get(target)
        return tuple(self.origins[member] for member in (group.members if group else (target,)))


def read(document: Mapping[str, Any]) -> Config:
    """Read a distribution in the shape of GetDistribution, GetDistributionConfig or DistributionConfig.

    Raises ValueError with one sentence where a request cannot be sent on its way by it.
    """
    try:
        outer = document.get("Distribution", document)
        config = outer.get("DistributionConfig", outer)
        found = Config(
            id=str(outer.get("Id") or "EDFDVBD6EXAMPLE"),
            domain=str(outer.get("DomainName") or "d111111abcdef8.cloudfront.net"),
            aliases=tuple(str(alias).lower() for alias in _items(config, "Aliases")),
            behaviors=(
                *(_behavior(item, str(item["PathPattern"])) for item in _items(config, "CacheBehaviors")),
                _behavior(config["DefaultCacheBehavior"], "*"),
            ),
            origins={item["Id"]: _origin(item) for item in _items(config, "Origins")},
            groups={item["Id"]: _group(item) for item in _items(config, "OriginGroups")},
            errors={int(item["ErrorCode"]): _error(item) for item in _items(config, "CustomErrorResponses")},
            default_root=str(config.get("DefaultRootObject") or ""),
            http3="http3" in str(config.get("HttpVersion", "")).lower(),
        )
    except KeyError as missing:
        raise ValueError(f"{missing.args[0]} is missing.") from None
    except (AttributeError, TypeError, IndexError):
        raise ValueError("it does not have the shape of a distribution.") from None
    for target in (behavior.target for behavior in found.behaviors):
        members = found.groups[target].members if target in found.groups else (target,)
        for member in members:
            if member not in found.origins:
                raise ValueError(f"there is no origin with the id {member!r}, to which requests shall go.")
    return found


def _items(node: Mapping[str, Any], name: str) -> Iterator[Any]:
    """Yield what a list of the API holds; where it is empty it has no Items."""
    yield from (node.get(name) or {}).get("Items") or ()


def _behavior(node: Mapping[str, Any], pattern: str) -> Behavior:
    policy = str(node.get("CachePolicyId") or "")
    legacy = {} if policy else node.get("ForwardedValues") or {}
    named = {str(name).lower() for name in _items(legacy, "Headers")}
    return Behavior(
        pattern=pattern,
        target=str(node["TargetOriginId"]),
        methods=tuple(_items(node, "AllowedMethods")) or ("HEAD", "GET"),
        host_forwarded=bool(
            named & {"host", "*"} or policy in _KEY_HOST or node.get("OriginRequestPolicyId") in _FORWARD_HOST
        ),
        allows_http=node.get("ViewerProtocolPolicy") == "allow-all",
        keeps=policy != _CACHING_DISABLED and "*" not in named,
        query_in_key=policy in _KEY_QUERY or bool(legacy.get("QueryString")),
    )


def _origin(node: Mapping[str, Any]) -> OriginConfig:
    custom = node.get("CustomOriginConfig")
    plain = OriginConfig(
        id=str(node["Id"]),
        domain=str(node["DomainName"]).lower().rstrip("."),
        policy="match-viewer" if "S3OriginConfig" in node else "unknown",
        path=str(node.get("OriginPath") or ""),
        is_bucket=custom is None and "S3OriginConfig" in node,
    )
    if custom is None:
        return plain
    policy: Any = custom["OriginProtocolPolicy"]
    kind: Any = custom.get("IpAddressType") or "ipv4"
    if policy not in ("https-only", "http-only", "match-viewer"):
        raise ValueError(f"OriginProtocolPolicy is {policy!r}; it is http-only, https-only or match-viewer.")
    if kind not in ("ipv4", "ipv6", "dualstack"):
        raise ValueError(f"IpAddressType is {kind!r}; it is ipv4, ipv6 or dualstack.")
    listed = set(_items(custom, "OriginSslProtocols"))
    return replace(
        plain,
        policy=policy,
        ports={"http": _port(custom, "HTTPPort"), "https": _port(custom, "HTTPSPort")},
        minimum_tls=next((version for version in _VERSIONS if version in listed), "TLSv1.2"),
        ip_address_type=kind,
    )


def _port(custom: Mapping[str, Any], name: str) -> int:
    """Return a port that CloudFront accepts: 80, 443, or 1024 to 65535.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesOrigin.html
    """
    port = int(custom[name])
    if port not in (80, 443) and not 1024 <= port <= 65535:
        raise ValueError(f"{name} is {port}; CloudFront takes 80, 443, and 1024 to 65535.")
    return port


def _group(node: Mapping[str, Any]) -> GroupConfig:
    primary, secondary = (str(member["OriginId"]) for member in _items(node, "Members"))
    statuses = _items(node.get("FailoverCriteria") or {}, "StatusCodes")
    return GroupConfig((primary, secondary), tuple(int(status) for status in statuses))


def _error(node: Mapping[str, Any]) -> ErrorResponse:
    ttl = node.get("ErrorCachingMinTTL")
    return ErrorResponse(
        ttl=DEFAULT_ERROR_TTL if ttl is None else max(0, int(ttl)),
        page=str(node.get("ResponsePagePath") or ""),
        status=int(node.get("ResponseCode") or 0),
    )
