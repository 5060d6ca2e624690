"""Kinds of origins: how to tell them apart, which protocols they speak, and what is not probed and why.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistS3AndCustomOrigins.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

import msgspec

from cfrunbook import hostname
from cfrunbook.cloudfront.distribution import Origin
from cfrunbook.cloudfront.targets import OriginKind

Protocol = Literal["https", "http"]

# Patterns here are compiled, by `re` itself, when first used: most origins are not AWS's.
_AWS = r"\.amazonaws\.com(\.cn)?\Z"
_REGION = r"[a-z]{2}(-[a-z]+)+-\d+"

_ENDINGS = (".amazonaws.com", ".amazonaws.com.cn", ".on.aws", ".cloudfront.net", ".cloudfront.cn")
"""Of all names that `_PATTERNS` tells apart."""
_PATTERNS: tuple[tuple[OriginKind, str], ...] = (
    (OriginKind.S3_WEBSITE, rf".+\.s3-website[.-]{_REGION}{_AWS}"),
    (OriginKind.S3, rf".+\.s3([.-](dualstack\.)?{_REGION})?{_AWS}"),
    (OriginKind.S3, rf".+\.s3-(accesspoint|object-lambda)\.({_REGION}){_AWS}"),
    (OriginKind.S3, rf".+\.accesspoint\.s3-global{_AWS}"),
    (OriginKind.LOAD_BALANCER, rf".+\.elb(\.{_REGION})?{_AWS}"),
    (OriginKind.EC2, rf"ec2-[0-9a-z-]+(\.{_REGION})?\.compute(-1)?{_AWS}"),
    (OriginKind.API_GATEWAY, rf"[a-z0-9-]+\.execute-api\.{_REGION}{_AWS}"),
    (OriginKind.FUNCTION_URL, rf"[a-z0-9]+\.lambda-url\.{_REGION}\.on\.aws\Z"),
    (OriginKind.MEDIASTORE, rf".+\.data\.mediastore\.{_REGION}{_AWS}"),
    (OriginKind.MEDIAPACKAGE, rf".+\.mediapackage(v2)?\.{_REGION}{_AWS}"),
    (OriginKind.MEDIATAILOR, rf".+\.mediatailor\.{_REGION}{_AWS}"),
    (OriginKind.CLOUDFRONT, r".+\.cloudfront\.(net|cn)\Z"),
)

_BUCKET = rf".+\.s3[.-](?:dualstack\.)?({_REGION}){_AWS}"
_PATH_STYLE = rf"s3([.-](dualstack\.)?{_REGION})?{_AWS}"
_ACCELERATE = rf"(.+\.)?s3-accelerate(\.dualstack)?{_AWS}"
_INTERNAL = rf"internal-.+\.elb(\.{_REGION})?{_AWS}"


class KindFacts(msgspec.Struct, frozen=True):
    """What holds for every origin of a kind."""

    title: str
    """For people, with its article: `an Application, Network or Classic Load Balancer`."""
    protocols: tuple[Protocol, ...] = ("https", "http")
    """What it can speak at all."""
    standard_ports: bool = False
    """It listens on 80 and 443 only."""
    not_probed: str = ""
    """Why nothing is probed; empty: it is probed."""
    certificate_for_name: bool = True
    """Whether a publicly trusted certificate can name its Origin Domain."""


KINDS: Mapping[OriginKind, KindFacts] = {
    OriginKind.CUSTOM: KindFacts("a custom origin"),
    OriginKind.S3: KindFacts(
        "an Amazon S3 bucket",
        standard_ports=True,
        not_probed=(
            "CloudFront connects to S3 buckets by itself: there are no port, protocol or certificate settings,"
            " and S3 presents its own certificate"
        ),
    ),
    OriginKind.S3_WEBSITE: KindFacts("an S3 website endpoint", protocols=("http",), standard_ports=True),
    OriginKind.LOAD_BALANCER: KindFacts("an Elastic Load Balancing name", certificate_for_name=False),
    OriginKind.EC2: KindFacts("the public DNS name of an EC2 instance", certificate_for_name=False),
    OriginKind.API_GATEWAY: KindFacts("an API Gateway endpoint", protocols=("https",), standard_ports=True),
    OriginKind.FUNCTION_URL: KindFacts("a Lambda function URL", protocols=("https",), standard_ports=True),
    OriginKind.MEDIASTORE: KindFacts("a MediaStore container", protocols=("https",), standard_ports=True),
    OriginKind.MEDIAPACKAGE: KindFacts("a MediaPackage endpoint", protocols=("https",), standard_ports=True),
    OriginKind.MEDIATAILOR: KindFacts("a MediaTailor endpoint", protocols=("https",), standard_ports=True),
    OriginKind.CLOUDFRONT: KindFacts("another CloudFront distribution", standard_ports=True),
    OriginKind.VPC: KindFacts(
        "a VPC origin",
        not_probed=(
            "it is in a private subnet: by design nothing outside the VPC resolves or reaches it, and its ports and"
            " protocols are settings of the VPC origin, not of the distribution"
        ),
    ),
}


def kind_of(origin: Origin) -> OriginKind:
    """Return the kind of an origin, from its configuration member first and its Origin Domain second.

    The REST name of a bucket with CustomOriginConfig is a custom origin: CloudFront then uses the ports, protocols
    and certificate checks of one.
    """
    if origin.member == "vpc":
        return OriginKind.VPC
    if origin.member == "s3":
        return OriginKind.S3
    kind = kind_of_name(origin.domain_name)
    return OriginKind.CUSTOM if kind is OriginKind.S3 and origin.member == "custom" else kind


def kind_of_name(domain: str) -> OriginKind:
    """Return the kind of an Origin Domain, from the name alone."""
    name = domain.lower().removesuffix(".")
    if not name.endswith(_ENDINGS):
        return OriginKind.CUSTOM
    return next((kind for kind, pattern in _PATTERNS if re.match(pattern, name)), OriginKind.CUSTOM)


def is_internal_load_balancer(domain: str) -> bool:
    """Tell whether the name is that of a load balancer of scheme `internal`, which has private addresses only.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/how-elastic-load-balancing-works.html
    """
    return re.match(_INTERNAL, domain.lower()) is not None


def is_path_style_s3(domain: str) -> bool:
    """Tell whether the name is an S3 endpoint without a bucket in it."""
    return re.match(_PATH_STYLE, domain.lower()) is not None


def bucket_region(domain: str) -> str:
    """Return the region in a bucket's regional name; empty where it has none, as in `bucket.s3.amazonaws.com`."""
    match = re.match(_BUCKET, domain.lower())
    return match[1] if match else ""


def is_accelerate_s3(domain: str) -> bool:
    """Tell whether the name is an S3 Transfer Acceleration endpoint."""
    return re.match(_ACCELERATE, domain.lower()) is not None


def port_allowed(port: int) -> bool:
    """Tell whether CloudFront takes this port for a custom origin: 80, 443, 1024 to 65535.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesOrigin.html#DownloadDistValuesHTTPPort
    """
    return port in (80, 443) or 1024 <= port <= 65535


def not_probed(origin: Origin) -> str:
    """Return why nothing of this origin can be probed from outside, or nothing if it can."""
    if reason := KINDS[kind_of(origin)].not_probed:
        return reason
    found = hostname.problem(origin.domain_name)
    return f"its Origin Domain {found}, so there is nothing to resolve or connect to" if found else ""
