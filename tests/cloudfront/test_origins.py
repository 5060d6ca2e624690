"""The kind of an origin, told from its name and configuration member, and what follows from it."""

from __future__ import annotations

import pytest

from cfrunbook.cloudfront import origins
from cfrunbook.cloudfront.distribution import Member, Origin
from cfrunbook.cloudfront.targets import OriginKind as Kind


def origin(domain: str, member: Member = "custom") -> Origin:
    return Origin(id="o", domain_name=domain, where="Origins.Items[0]", member=member)


@pytest.mark.parametrize(
    ("domain", "kind"),
    [
        ("bucket.s3.eu-west-1.amazonaws.com", Kind.S3),
        ("bucket.s3.amazonaws.com", Kind.S3),
        ("bucket.s3-eu-west-1.amazonaws.com", Kind.S3),
        ("my.dotted.bucket.s3.us-gov-west-1.amazonaws.com", Kind.S3),
        ("bucket.s3.dualstack.eu-west-1.amazonaws.com", Kind.S3),
        ("bucket.s3.cn-north-1.amazonaws.com.cn", Kind.S3),
        ("alias.accesspoint.s3-global.amazonaws.com", Kind.S3),
        ("ap-123.s3-accesspoint.eu-west-1.amazonaws.com", Kind.S3),
        ("bucket.s3-website-us-east-1.amazonaws.com", Kind.S3_WEBSITE),
        ("bucket.s3-website.eu-central-1.amazonaws.com", Kind.S3_WEBSITE),
        ("bucket.s3-website.cn-north-1.amazonaws.com.cn", Kind.S3_WEBSITE),
        ("alb-1.eu-west-1.elb.amazonaws.com", Kind.LOAD_BALANCER),
        ("internal-alb-1.eu-west-1.elb.amazonaws.com", Kind.LOAD_BALANCER),
        ("nlb-1.elb.eu-west-1.amazonaws.com", Kind.LOAD_BALANCER),
        ("alb-1.cn-north-1.elb.amazonaws.com.cn", Kind.LOAD_BALANCER),
        ("ec2-192-0-2-1.compute-1.amazonaws.com", Kind.EC2),
        ("EC2-192-0-2-1.eu-west-1.compute.amazonaws.com.", Kind.EC2),
        ("abc123.execute-api.eu-west-1.amazonaws.com", Kind.API_GATEWAY),
        ("abc123.lambda-url.eu-west-1.on.aws", Kind.FUNCTION_URL),
        ("abc.data.mediastore.eu-west-1.amazonaws.com", Kind.MEDIASTORE),
        ("abc.mediapackage.eu-west-1.amazonaws.com", Kind.MEDIAPACKAGE),
        ("x.egress.y.mediapackagev2.eu-west-1.amazonaws.com", Kind.MEDIAPACKAGE),
        ("abc.mediatailor.eu-west-1.amazonaws.com", Kind.MEDIATAILOR),
        ("d111111abcdef8.cloudfront.net", Kind.CLOUDFRONT),
        ("origin.example.com", Kind.CUSTOM),
        ("elb.amazonaws.com.example.com", Kind.CUSTOM),
        ("bucket.s3.eu-west-1.amazonaws.com.evil.example", Kind.CUSTOM),
        ("s3.eu-west-1.amazonaws.com", Kind.CUSTOM),
        ("", Kind.CUSTOM),
    ],
)
def test_kinds_by_name(domain: str, kind: Kind) -> None:
    assert origins.kind_of_name(domain) is kind


@pytest.mark.parametrize(
    ("domain", "member", "kind"),
    [
        ("origin.example.com", "s3", Kind.S3),
        ("bucket.s3.eu-west-1.amazonaws.com", "none", Kind.S3),
        ("bucket.s3.eu-west-1.amazonaws.com", "custom", Kind.CUSTOM),
        ("bucket.s3-website-us-east-1.amazonaws.com", "custom", Kind.S3_WEBSITE),
        ("internal-alb-1.eu-west-1.elb.amazonaws.com", "vpc", Kind.VPC),
    ],
)
def test_the_configuration_member_comes_first(domain: str, member: Member, kind: Kind) -> None:
    assert origins.kind_of(origin(domain, member)) is kind


@pytest.mark.parametrize(
    ("domain", "member", "reason"),
    [
        ("origin.example.com", "custom", ""),
        ("bucket.s3.eu-west-1.amazonaws.com", "s3", "S3 presents its own certificate"),
        ("private.example.com", "vpc", "it is in a private subnet"),
        ("10.0.0.1", "custom", "its Origin Domain is an IP address"),
        ("{{tenant}}.example.com", "custom", "its Origin Domain has a {{parameter}}"),
    ],
)
def test_what_is_not_probed_says_why(domain: str, member: Member, reason: str) -> None:
    assert reason in origins.not_probed(origin(domain, member))
    assert bool(reason) == bool(origins.not_probed(origin(domain, member)))


@pytest.mark.parametrize(
    ("port", "allowed"),
    [(80, True), (443, True), (1024, True), (65535, True), (0, False), (22, False), (1023, False), (65536, False)],
)
def test_ports_that_cloudfront_takes(port: int, allowed: bool) -> None:
    assert origins.port_allowed(port) is allowed


def test_every_kind_has_its_facts() -> None:
    assert set(origins.KINDS) == set(Kind)


@pytest.mark.parametrize(
    ("domain", "path_style", "accelerate", "internal"),
    [
        ("s3.eu-west-1.amazonaws.com", True, False, False),
        ("s3.amazonaws.com", True, False, False),
        ("bucket.s3.amazonaws.com", False, False, False),
        ("bucket.s3-accelerate.amazonaws.com", False, True, False),
        ("bucket.s3-accelerate.dualstack.amazonaws.com", False, True, False),
        ("internal-alb-1.eu-west-1.elb.amazonaws.com", False, False, True),
        ("internal-tools.example.com", False, False, False),
    ],
)
def test_names_that_do_not_work_as_origins(domain: str, path_style: bool, accelerate: bool, internal: bool) -> None:
    assert origins.is_path_style_s3(domain) is path_style
    assert origins.is_accelerate_s3(domain) is accelerate
    assert origins.is_internal_load_balancer(domain) is internal
