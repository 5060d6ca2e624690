"""Tier 3: the load balancer or instance that an origin's name leads to, and its targets.

Its listeners and the security groups before it are fetched by the modules of those names.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Any

from cfrunbook.aws import listeners, reading, security_groups
from cfrunbook.aws.steps import Steps
from cfrunbook.aws_facts import (
    MAX_ARN,
    MAX_LINE,
    MAX_NAME,
    MAX_TARGETS,
    LoadBalancer,
    TargetGroup,
    TargetHealth,
)
from cfrunbook.findings import NotExamined
from cfrunbook.text import visible

MAX_GROUPS = 50
"""Target groups of one load balancer whose health is fetched."""

_REGION = reading.REGION
_BALANCER = re.compile(
    rf"(?:dualstack\.)?(?P<name>.+)\.(?:(?P<alb>{_REGION})\.elb|elb\.(?P<nlb>{_REGION}))\.amazonaws\.com(?:\.cn)?"
)
_INSTANCE = re.compile(
    rf"ec2-(?P<address>\d+-\d+-\d+-\d+)\.(?:compute-1|(?P<region>{_REGION})\.compute)\.amazonaws\.com(?:\.cn)?"
)
_RESOURCE = re.compile(
    rf"arn:aws[a-z-]*:(?P<service>elasticloadbalancing|ec2):(?P<region>{_REGION}):\d{{12}}:(?P<resource>.+)"
)


@dataclass(frozen=True, slots=True)
class Groups:
    """The target groups of a load balancer, their health not yet among them."""

    balancer: str
    found: tuple[TargetGroup, ...]


@dataclass(frozen=True, slots=True)
class Health:
    """The health of the targets of a group."""

    group: str
    found: tuple[TargetHealth, ...]


def is_recognized(name: str) -> bool:
    """Tell whether a DNS name is one that AWS gives to a load balancer or an instance."""
    return bool(_BALANCER.fullmatch(name) or _INSTANCE.fullmatch(name))


def start(steps: Steps, domain: str, name: str, *, firewall: bool = True) -> None:
    """Start fetching what is behind the origin `domain`, whose DNS name at AWS is `name`."""
    name = name.lower().removesuffix(".")
    if not steps.is_first(("origin", domain, name)):
        return
    if found := _BALANCER.fullmatch(name):
        dns_name = name.removeprefix("dualstack.")
        region = found["alb"] or found["nlb"]
        steps.start(f"the load balancer behind {visible(domain, 120)}", _of_name, domain, dns_name, region, firewall)
    elif found := _INSTANCE.fullmatch(name):
        address = found["address"].replace("-", ".")
        try:
            ipaddress.IPv4Address(address)
        except ValueError:
            return
        filters = {"Name": "association.public-ip", "Values": [address]}
        what = f"the security groups of {visible(domain, 120)}"
        steps.start(what, security_groups.of_interface, domain, filters, found["region"] or "us-east-1")


def start_resource(steps: Steps, domain: str, arn: str) -> None:
    """Start fetching the load balancer of a VPC origin, by its ARN."""
    found = _RESOURCE.fullmatch(arn)
    if found and found["service"] == "elasticloadbalancing" and steps.is_first(("origin", domain, arn)):
        steps.start(f"the load balancer behind {visible(domain, 120)}", _of_arn, domain, arn, found["region"])


def _of_name(steps: Steps, domain: str, dns_name: str, region: str, firewall: bool) -> None:
    listed, more = steps.session.pages(
        "elbv2",
        "DescribeLoadBalancers",
        "LoadBalancers",
        marks=("Marker", "NextMarker"),
        region=region,
        PageSize=400,
    )
    for node in listed:
        if reading.text(node, "DNSName", MAX_NAME).lower() == dns_name:
            _balancer(steps, domain, node, region, firewall)
            return
    said = f"none of the first {len(listed)}" if more else f"none of the {len(listed)}"
    steps.miss(
        NotExamined(
            what=f"the load balancer behind {visible(domain, 120)}",
            why=f"{said} Application and Network Load Balancers of this account in {region} is"
            f" {visible(dns_name, 120)}: it is a Classic Load Balancer, or another account's",
            next_check=f"Look with the credentials of the account that owns it: aws elbv2 describe-load-balancers"
            f" --region {region}",
        )
    )


def _of_arn(steps: Steps, domain: str, arn: str, region: str) -> None:
    answer = steps.session.call("elbv2", "DescribeLoadBalancers", region=region, LoadBalancerArns=[arn])
    for node in reading.nodes(answer, "LoadBalancers", 1):
        _balancer(steps, domain, node, region, firewall=False)


def _balancer(steps: Steps, domain: str, node: dict[str, Any], region: str, firewall: bool) -> None:
    state = reading.node(node, "State")
    arn = reading.text(node, "LoadBalancerArn", MAX_ARN)
    found = LoadBalancer(
        domain=reading.cut(domain, MAX_NAME),
        arn=arn,
        dns_name=reading.text(node, "DNSName", MAX_NAME),
        name=reading.text(node, "LoadBalancerName"),
        region=region,
        type=reading.text(node, "Type"),
        scheme=reading.text(node, "Scheme"),
        state=reading.text(state, "Code"),
        state_reason=reading.text(state, "Reason", MAX_LINE),
        ip_address_type=reading.text(node, "IpAddressType"),
        security_groups=reading.texts(node, "SecurityGroups"),
    )
    steps.keep(found)
    name = visible(found.name, 80)
    if steps.is_first(arn):
        steps.start(f"the listeners of load balancer {name}", listeners.fetch, arn, name, region)
        steps.start(f"the target groups of load balancer {name}", _groups, arn, name, region)
    if found.security_groups:
        what = f"the security groups of load balancer {name}"
        if firewall:
            steps.start(what, security_groups.of_origin, domain, found.security_groups, region)
        else:
            steps.start(what, security_groups.of_vpc_origin, arn, found.security_groups, region)


def _groups(steps: Steps, arn: str, name: str, region: str) -> None:
    listed, more = steps.session.pages(
        "elbv2",
        "DescribeTargetGroups",
        "TargetGroups",
        marks=("Marker", "NextMarker"),
        region=region,
        most=2,
        LoadBalancerArn=arn,
    )
    if more or len(listed) > MAX_GROUPS:
        steps.miss(reading.some_left_out(f"all target groups of load balancer {name}", MAX_GROUPS))
    found = tuple(_group(node) for node in listed[:MAX_GROUPS])
    steps.keep(Groups(arn, found))
    for group in found:
        steps.start(f"the health of target group {visible(group.name, 80)}", _health, group.arn, region)


def _group(node: dict[str, Any]) -> TargetGroup:
    matcher = reading.node(node, "Matcher")
    check = (
        reading.text(node, "HealthCheckProtocol"),
        reading.text(node, "HealthCheckPort"),
        reading.text(node, "HealthCheckPath"),
        reading.text(matcher, "HttpCode") or reading.text(matcher, "GrpcCode"),
    )
    return TargetGroup(
        arn=reading.text(node, "TargetGroupArn", MAX_ARN),
        name=reading.text(node, "TargetGroupName"),
        protocol=reading.text(node, "Protocol"),
        port=reading.number(node, "Port", 65535),
        kind=reading.text(node, "TargetType"),
        check=reading.cut(" ".join(part for part in check if part)),
    )


def _health(steps: Steps, group: str, region: str) -> None:
    answer = steps.session.call("elbv2", "DescribeTargetHealth", region=region, TargetGroupArn=group)
    found = []
    for node in reading.nodes(answer, "TargetHealthDescriptions", MAX_TARGETS):
        target, health = reading.node(node, "Target"), reading.node(node, "TargetHealth")
        found.append(
            TargetHealth(
                id=reading.text(target, "Id"),
                port=reading.number(target, "Port", 65535),
                zone=reading.text(target, "AvailabilityZone"),
                state=reading.text(health, "State"),
                reason=reading.text(health, "Reason"),
                description=reading.text(health, "Description", MAX_LINE),
            )
        )
    steps.keep(Health(group, tuple(found)))
