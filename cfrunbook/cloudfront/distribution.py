"""A distribution: what CloudFront was told about origins, behaviors and functions, as values.

https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_Distribution.html
`cfrunbook.cloudfront.distribution_reader` makes them from JSON.
"""

from __future__ import annotations

import shlex
from enum import StrEnum
from typing import Any, Literal

import msgspec

from cfrunbook.cloudfront.documents import Malformed
from cfrunbook.redaction import Secrets
from cfrunbook.text import visible

Member = Literal["s3", "custom", "vpc", "none"]
"""Which configuration member an origin has: S3OriginConfig, CustomOriginConfig, VpcOriginConfig or none."""
OriginProtocolPolicy = Literal["http-only", "match-viewer", "https-only"]
ViewerProtocolPolicy = Literal["allow-all", "https-only", "redirect-to-https"]
IpAddressType = Literal["ipv4", "ipv6", "dualstack"]


class EventType(StrEnum):
    """When an edge function runs. CloudFront Functions run at the two viewer events only."""

    VIEWER_REQUEST = "viewer-request"
    ORIGIN_REQUEST = "origin-request"
    ORIGIN_RESPONSE = "origin-response"
    VIEWER_RESPONSE = "viewer-response"

    @property
    def is_request(self) -> bool:
        """True where the function runs before there is a response."""
        return self in (EventType.VIEWER_REQUEST, EventType.ORIGIN_REQUEST)

    @property
    def is_viewer(self) -> bool:
        """True where the function runs between the viewer and the cache."""
        return self in (EventType.VIEWER_REQUEST, EventType.VIEWER_RESPONSE)


class FunctionAssociation(msgspec.Struct, frozen=True):
    """An edge function at an event of a behavior."""

    kind: Literal["lambda-edge", "cloudfront-function"]
    arn: str
    event: EventType
    include_body: bool = False
    where: str = ""
    """JSON path in the configuration; empty where it did not come from a document."""

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


class Origin(msgspec.Struct, frozen=True):
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
    access_identity: str = ""
    """Origin access identity of an S3 origin, as written; empty: none."""
    response_completion_timeout: int = 0
    """Seconds for the whole answer, all attempts together; 0: no limit."""


class OriginGroup(msgspec.Struct, frozen=True):
    """A primary and a secondary origin, and the statuses at which CloudFront turns to the secondary.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/high_availability_origin_failover.html
    """

    id: str
    members: tuple[str, ...]
    """Origin ids, the primary first."""
    status_codes: tuple[int, ...]
    where: str


class Behavior(msgspec.Struct, frozen=True):
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
    forwards_query: bool = False
    """Legacy `ForwardedValues.QueryString`."""
    forwarded_cookies: tuple[str, ...] = ()
    """Legacy `ForwardedValues.Cookies`: names, or `*` for all."""
    grpc: bool = False
    functions: tuple[FunctionAssociation, ...] = ()

    @property
    def title(self) -> str:
        """For people: `the cache behavior /api/*`."""
        return "the default cache behavior" if self.is_default else f"the cache behavior {visible(self.path_pattern)}"


class CustomErrorResponse(msgspec.Struct, frozen=True):
    """What viewers get in place of an error status."""

    error_code: int
    response_code: str
    """Text in the API; empty: the error's own status."""
    page: str
    where: str
    caching_min_ttl: int | None = None
    """Seconds for which the error is cached at least; None: not said, so 10."""


class Distribution(msgspec.Struct, frozen=True):
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
    """The document, redacted; it reads as the same distribution again."""
    unknown_fields: tuple[str, ...] = ()
    """JSON paths of members that the API, as known here, does not have."""
    malformed: tuple[Malformed, ...] = ()
    """Places of a wrong type, left out of what was read."""
    account: str = ""
    """The AWS account that owns it, from its ARN; empty where the document has none."""
    staging: bool = False
    """A staging distribution: CloudFront sends it a part of its primary distribution's requests."""
    continuous_deployment_policy_id: str = ""
    """The policy by which a part of the requests goes to a staging distribution; empty: none."""
    secrets: Secrets = Secrets()
    """Values of custom headers: what `document` lost."""

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
