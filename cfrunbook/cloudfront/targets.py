"""A target: one port of one origin that CloudFront would connect to, with the names it would send there, and why."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from cfrunbook.findings import Struct

TlsMinimum = Literal["SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2"]


class OriginKind(StrEnum):
    """What kind of origin a distribution names.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistS3AndCustomOrigins.html
    """

    S3 = "s3"
    S3_WEBSITE = "s3_website"
    LOAD_BALANCER = "load_balancer"
    EC2 = "ec2"
    API_GATEWAY = "api_gateway"
    FUNCTION_URL = "function_url"
    MEDIASTORE = "mediastore"
    MEDIAPACKAGE = "mediapackage"
    MEDIATAILOR = "mediatailor"
    CLOUDFRONT = "cloudfront"
    VPC = "vpc"
    CUSTOM = "custom"


class ServerName(Struct, frozen=True, kw_only=True):
    """One name that CloudFront may send to the origin, as SNI and as Host."""

    sni: str
    """Lower case, A-label form, no trailing dot."""
    host: str
    """The Host header that goes with it."""
    acceptable: tuple[str, ...]
    """The names of which the certificate must carry one: the forwarded Host and the Origin Domain."""
    why: str
    certain: bool = True
    """False where the configuration alone cannot tell that CloudFront sends this name."""


class Target(Struct, frozen=True, kw_only=True):
    """One origin, one port, one protocol."""

    id: str
    """`<origin id>:<port>`, unique in an incident."""
    origin_id: str
    domain: str
    """The Origin Domain, lower case, A-label form, no trailing dot."""
    port: int
    protocol: Literal["https", "http"]
    kind: OriginKind = OriginKind.CUSTOM
    names: tuple[ServerName, ...] = ()
    """At least one: for `http`, only the Host matters."""
    ip_address_type: Literal["ipv4", "ipv6", "dualstack"] = "ipv4"
    tls_minimum: TlsMinimum = "TLSv1.2"
    connection_attempts: int = 3
    connection_timeout: int = 10
    """Seconds, per attempt."""
    read_timeout: int = 30
    """Seconds."""
    keepalive_timeout: int = 5
    """Seconds that CloudFront keeps an idle connection for the next request."""
    path: str = "/"
    """What is asked for: the origin path, then the URL's path or the default root object; without a query."""
    custom_headers: tuple[str, ...] = ()
    """Names of the header fields that CloudFront adds for this origin; their values are never kept."""
    role: Literal["only", "primary", "secondary"] = "only"
    """Place in an origin group, if any."""
    why: str = ""
    """Why CloudFront connects there, in a sentence."""
    not_probed: str = ""
    """Why nothing is probed (VPC origin, S3, a name that is no host name); empty: it is probed."""
