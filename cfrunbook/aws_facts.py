"""What an AWS account says about an incident, fetched with read-only calls: facts for a recording, nothing concluded.

Bounded and redacted when fetched: no tags, no environment variables, no presigned addresses, no code. What could not be
fetched is in `not_fetched`, with why. `cfrunbook.aws` fetches it, `cfrunbook.causes.aws_facts` judges it.
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Annotated, Literal

from msgspec import Meta

from cfrunbook.findings import NotExamined, Struct

Short = Annotated[str, Meta(max_length=256)]
Name = Annotated[str, Meta(max_length=512)]
Arn = Annotated[str, Meta(max_length=2048)]
Line = Annotated[str, Meta(max_length=2048)]
Count = Annotated[int, Meta(ge=0)]
Port = Annotated[int, Meta(ge=0, le=65535)]
"""0: none; a Lambda function as target has no port."""

MAX_SHORT, MAX_NAME, MAX_ARN, MAX_LINE = 256, 512, 2048, 2048
MAX_POINTS = 400
"""Data points kept of one metric."""
MAX_TARGETS = 500
MAX_NAMES = 200
MAX_LINES = 500


class TargetHealth(Struct, frozen=True, kw_only=True):
    """How a load balancer sees one of its targets.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/check-target-health.html
    """

    id: Short
    """Instance id, address, or ARN of a function or load balancer."""
    port: Port = 0
    zone: Short = ""
    state: Short = ""
    """`healthy`, `unhealthy`, `initial`, `draining`, `unused`, `unavailable`, `unhealthy.draining`."""
    reason: Short = ""
    """Reason code: `Target.Timeout`, `Target.FailedHealthChecks`, `Target.ResponseCodeMismatch` …"""
    description: Line = ""


class TargetGroup(Struct, frozen=True, kw_only=True):
    """One target group of a load balancer, with the health of what is in it."""

    arn: Arn
    name: Short = ""
    protocol: Short = ""
    port: Port = 0
    kind: Short = ""
    """`instance`, `ip`, `lambda` or `alb`."""
    check: Short = ""
    """What the health check asks for, e.g. `HTTP traffic-port /health 200`."""
    targets: Annotated[tuple[TargetHealth, ...], Meta(max_length=MAX_TARGETS)] | None = None
    """None: the health could not be fetched."""


class ListenerRule(Struct, frozen=True, kw_only=True):
    """A rule of a listener, which takes the requests that fulfill all its conditions before the default action does.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-rules.html
    """

    priority: Count
    hosts: Annotated[tuple[Name, ...], Meta(max_length=20)] = ()
    """Patterns of the Host header field; empty: any."""
    paths: Annotated[tuple[Name, ...], Meta(max_length=20)] = ()
    """Patterns of the path; empty: any."""
    other: Annotated[tuple[Short, ...], Meta(max_length=10)] = ()
    """Fields of further conditions: `http-header`, `source-ip` …"""
    action: Short = ""
    status: Short = ""
    """StatusCode of a `fixed-response`."""
    target_groups: Annotated[tuple[Arn, ...], Meta(max_length=20)] = ()


class Listener(Struct, frozen=True, kw_only=True):
    """One listener of a load balancer."""

    arn: Arn
    port: Port
    protocol: Short
    """`HTTP`, `HTTPS`, `TCP`, `TLS` …"""
    ssl_policy: Short = ""
    default_certificate: Arn = ""
    certificates: Annotated[tuple[Arn, ...], Meta(max_length=MAX_NAMES)] | None = ()
    """ARNs, the default one among them; None: they could not be fetched."""
    action: Short = ""
    """Type of the default action: `forward`, `redirect`, `fixed-response` …"""
    status: Short = ""
    """StatusCode of the default action, where that is a `fixed-response`."""
    rules: Annotated[tuple[ListenerRule, ...], Meta(max_length=MAX_NAMES)] | None = None
    """In the order in which they are tried, without the default action; None: they could not be fetched."""
    target_groups: Annotated[tuple[Arn, ...], Meta(max_length=MAX_NAMES)] = ()
    """Those that the default action forwards to."""
    client_certificates: Short = ""
    """Mode of mutual authentication: `off`, `passthrough`, `verify`; empty where the API does not say."""


class InboundRule(Struct, frozen=True, kw_only=True):
    """One source that a security group lets in."""

    protocol: Short
    """`tcp`, or `-1` for all."""
    low: Port = 0
    high: Port = 65535
    source: Short
    """A network, the id of a prefix list, or that of another security group."""
    name: Short = ""
    """Of the prefix list or group, where it is known."""


class SecurityGroup(Struct, frozen=True, kw_only=True):
    """A security group before a VPC origin: what it lets in."""

    id: Short
    name: Short = ""
    inbound: Annotated[tuple[InboundRule, ...], Meta(max_length=MAX_LINES)] = ()


class LoadBalancer(Struct, frozen=True, kw_only=True):
    """An Application or Network Load Balancer that an origin's name leads to."""

    domain: Name
    """The Origin Domain that leads there."""
    arn: Arn
    dns_name: Name = ""
    name: Short = ""
    region: Short = ""
    type: Short = ""
    """`application`, `network` or `gateway`."""
    scheme: Short = ""
    """`internet-facing` or `internal`."""
    state: Short = ""
    """`active`, `provisioning`, `active_impaired` or `failed`."""
    state_reason: Line = ""
    ip_address_type: Short = ""
    security_groups: Annotated[tuple[Short, ...], Meta(max_length=MAX_NAMES)] = ()
    guards: Annotated[tuple[SecurityGroup, ...], Meta(max_length=MAX_NAMES)] | None = None
    """What `security_groups` let in, fetched for VPC origins; None: not fetched. Others are
    among the rules of the firewall."""
    listeners: Annotated[tuple[Listener, ...], Meta(max_length=MAX_NAMES)] | None = None
    """None: they could not be fetched."""
    target_groups: Annotated[tuple[TargetGroup, ...], Meta(max_length=MAX_NAMES)] | None = None
    """None: they could not be fetched."""


class AcmCertificate(Struct, frozen=True, kw_only=True):
    """A certificate of AWS Certificate Manager that a listener presents.

    https://docs.aws.amazon.com/acm/latest/APIReference/API_CertificateDetail.html
    """

    arn: Arn
    names: Annotated[tuple[Name, ...], Meta(max_length=MAX_NAMES)] = ()
    """Subject alternative names, the domain name first."""
    status: Short = ""
    """`ISSUED`, `EXPIRED`, `REVOKED`, `PENDING_VALIDATION` …"""
    type: Short = ""
    """`AMAZON_ISSUED`, `IMPORTED` or `PRIVATE`."""
    issuer: Name = ""
    key_algorithm: Short = ""
    not_before: dt.datetime | None = None
    not_after: dt.datetime | None = None
    renewal: Short = ""
    """RenewalStatus: `PENDING_AUTO_RENEWAL`, `PENDING_VALIDATION`, `SUCCESS`, `FAILED`; empty: none is under way."""
    failure: Short = ""
    """FailureReason, or RenewalStatusReason."""
    in_use_by: Count = 0
    """How many resources use it."""


class RecordSet(Struct, frozen=True, kw_only=True):
    """A record set of a hosted zone with the origin's own name, or a wildcard that covers it."""

    name: Name
    type: Short
    values: Annotated[tuple[Line, ...], Meta(max_length=50)] = ()
    alias: Name = ""
    """DNS name that an alias record points to."""
    routing: Short = ""
    """What chooses among several: `weight 0`, `failover PRIMARY`, `region eu-west-1` …; empty: simple routing."""


class HostedZone(Struct, frozen=True, kw_only=True):
    """A Route 53 hosted zone of this account that encloses an origin's name.

    https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/route-53-concepts.html
    """

    domain: Name
    """The Origin Domain."""
    id: Short
    name: Name
    """Without trailing dot, lower case."""
    private: bool = False
    name_servers: Annotated[tuple[Name, ...], Meta(max_length=20)] | None = None
    """The delegation set; None: it could not be fetched. A private zone has none."""
    records: Annotated[tuple[RecordSet, ...], Meta(max_length=50)] | None = None
    """Record sets for the origin's name; None: they could not be fetched."""


class Series(Struct, frozen=True, kw_only=True):
    """Data points of one CloudWatch metric of the distribution.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/programming-cloudwatch-metrics.html
    """

    metric: Short
    statistic: Short
    unit: Short
    function: Short = ""
    """FunctionName of a CloudFront Function's metric."""
    points: Annotated[tuple[tuple[dt.datetime, float], ...], Meta(max_length=MAX_POINTS)] = ()
    """Oldest first. A moment without a point has no data: that is not zero."""

    @property
    def peak(self) -> tuple[dt.datetime, float] | None:
        """The highest point, the latest of several; None without data."""
        return max(self.points, key=lambda point: (point[1], point[0]), default=None)

    @property
    def total(self) -> float:
        """The sum of all points."""
        return sum(value for _, value in self.points)

    @property
    def last_above_zero(self) -> dt.datetime | None:
        """The latest moment with a value above zero."""
        return max((when for when, value in self.points if value > 0), default=None)


class Metrics(Struct, frozen=True, kw_only=True):
    """What CloudWatch has about the distribution in a window of time."""

    start: dt.datetime
    end: dt.datetime
    period: Annotated[int, Meta(ge=1)]
    """Seconds that a point stands for."""
    series: Annotated[tuple[Series, ...], Meta(max_length=200)] = ()

    def of(self, metric: str, function: str = "") -> Series | None:
        """Return the series of a metric that has data, or None."""
        found = (s for s in self.series if (s.metric, s.function) == (metric, function) and s.points)
        return next(found, None)


class AdditionalMetrics(StrEnum):
    """Whether the metrics that cost extra, 502ErrorRate and OriginLatency among them, are enabled."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    UNKNOWN = "unknown"


class LogDestination(Struct, frozen=True, kw_only=True):
    """A place to which CloudFront writes access logs of the distribution."""

    kind: Literal["standard", "standard-v2", "real-time"]
    type: Short = ""
    """`S3`, `CWL` (CloudWatch Logs) or `FH` (Firehose)."""
    where: Arn = ""
    """ARN of the bucket (with prefix), log group or stream; the bucket's name for standard logs."""
    prefix: Name = ""
    """Prefix of standard logs, or suffix path of standard logs v2."""
    format: Short = ""
    """`w3c`, `plain`, `json`, `parquet` or `raw`."""
    hive: bool = False
    """The files have Hive-compatible paths."""
    enabled: bool = True


class FunctionFacts(Struct, frozen=True, kw_only=True):
    """What is deployed of one edge function. Its code is not in a recording."""

    kind: Literal["lambda-edge", "cloudfront-function"]
    name: Short
    """With the version for Lambda@Edge: `auth:7`."""
    arn: Arn = ""
    stage: Short = ""
    """`LIVE` for a CloudFront Function."""
    runtime: Short = ""
    status: Short = ""
    """`DEPLOYED`, `UNPUBLISHED` …, or the state of a Lambda function: `Active`, `Failed` …"""
    handler: Short = ""
    timeout: Count = 0
    """Seconds, Lambda@Edge only."""
    memory: Count = 0
    """MB, Lambda@Edge only."""
    role: Arn = ""
    trusts: Annotated[tuple[Short, ...], Meta(max_length=20)] | None = None
    """Services that may assume the role; None: that could not be fetched."""
    code_sha256: Short = ""
    code_bytes: Count = 0
    modified: dt.datetime | None = None


class FunctionLine(Struct, frozen=True, kw_only=True):
    """A line that CloudFront logged about a Lambda@Edge function's result."""

    region: Short
    at: dt.datetime
    text: Line
    """Redacted."""


class FunctionLines(Struct, frozen=True, kw_only=True):
    """What `/aws/cloudfront/LambdaEdge/<distribution>` holds, over the regions that could be asked.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-functions-logs.html
    """

    group: Short
    start: dt.datetime
    end: dt.datetime
    asked: Annotated[tuple[Short, ...], Meta(max_length=50)] = ()
    """Regions that answered, also those that have no such log group."""
    lines: Annotated[tuple[FunctionLine, ...], Meta(max_length=MAX_LINES)] = ()
    """Oldest first."""
    more: bool = False
    """There are more lines than were read."""


class Tenant(Struct, frozen=True, kw_only=True):
    """The tenant of a multi-tenant distribution that serves the URL's host."""

    id: Short
    name: Short = ""
    domain: Name = ""
    domain_status: Short = ""
    """`active` or `inactive`."""
    enabled: bool = True
    status: Short = ""
    parameters: Annotated[tuple[Short, ...], Meta(max_length=50)] = ()
    """Names of the parameters it fills in."""
    group_id: Short = ""
    group_enabled: bool | None = None
    """Whether its connection group is enabled; None: that could not be fetched."""


class AwsFacts(Struct, frozen=True, kw_only=True):
    """Everything that was fetched from an AWS account besides the distribution, its policies and firewall rules."""

    fetched_at: dt.datetime
    distribution: Short = ""
    load_balancers: Annotated[tuple[LoadBalancer, ...], Meta(max_length=50)] = ()
    certificates: Annotated[tuple[AcmCertificate, ...], Meta(max_length=MAX_NAMES)] = ()
    hosted_zones: Annotated[tuple[HostedZone, ...], Meta(max_length=MAX_NAMES)] = ()
    zones_asked: Annotated[tuple[Name, ...], Meta(max_length=50)] = ()
    """Origin Domains whose hosted zones were all listed: without one, this account has none."""
    additional_metrics: AdditionalMetrics = AdditionalMetrics.UNKNOWN
    metrics: Metrics | None = None
    log_destinations: Annotated[tuple[LogDestination, ...], Meta(max_length=50)] = ()
    functions: Annotated[tuple[FunctionFacts, ...], Meta(max_length=100)] = ()
    function_lines: FunctionLines | None = None
    tenant: Tenant | None = None
    not_fetched: Annotated[tuple[NotExamined, ...], Meta(max_length=500)] = ()
