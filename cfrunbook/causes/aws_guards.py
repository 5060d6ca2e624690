"""Whether the security groups before a VPC origin let CloudFront in: its prefix list, or the group it comes with. Pure.

CloudFront comes to a VPC origin from network interfaces in the VPC, which have a service-managed security group.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-vpc-origins.html
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence

from cfrunbook.aws_facts import InboundRule, LoadBalancer, SecurityGroup
from cfrunbook.causes.family import Family
from cfrunbook.cloudfront.targets import Target
from cfrunbook.findings import Cause, Evidence, Finding, Remedy, Stage, Status, Step
from cfrunbook.text import join_names, visible

SERVICE_GROUP = "CloudFront-VPCOrigins-Service-SG"
"""How the name of the group begins that CloudFront makes in the VPC."""

_PAGE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-vpc-origins.html"
_SHOW = "aws ec2 describe-security-groups --region {region!q} --group-ids {group!q}"
_family = Family(
    Cause.PORT,
    Stage.TCP,
    source=_PAGE,
    reproduce=_SHOW,
    verify=Step(text="A rule for port {port} names the prefix list or the group.", command=_SHOW),
)
_ALLOW = Remedy(
    kind="one_of",
    steps=(
        Step(
            text="Let in CloudFront's prefix list com.amazonaws.global.cloudfront.origin-facing: EC2 console >"
            " Security groups > {group} > Edit inbound rules.",
            command="aws ec2 authorize-security-group-ingress --region {region!q} --group-id {group!q}"
            " --ip-permissions"
            " IpProtocol=tcp,FromPort={port},ToPort={port},PrefixListIds=[{{PrefixListId=PREFIX_LIST}}]",
        ),
        Step(
            text="Or, narrower, the group whose name begins with CloudFront-VPCOrigins-Service-SG in the same VPC,"
            " which CloudFront makes with the first VPC origin there; do not change that group.",
            command="aws ec2 authorize-security-group-ingress --region {region!q} --group-id {group!q} --protocol tcp"
            " --port {port} --source-group SERVICE_GROUP",
        ),
    ),
)
SHUT_OUT = _family.rule(
    "vpc_origin_shut_out",
    Status.FAULT,
    "The security groups of VPC origin {domain} let nothing in at port {port} that CloudFront comes from: {lets_in}.",
    "CloudFront comes from interfaces in the VPC, so that its packets are dropped and it answers 504.",
    cloudfront_status=504,
    remedy=_ALLOW,
)
NOT_CERTAIN = _family.rule(
    "vpc_origin_not_certain",
    Status.UNKNOWN,
    "Whether the security groups of VPC origin {domain} let CloudFront in at port {port} cannot be told: {lets_in}.",
    "An address range lets CloudFront in only where its interfaces in the VPC have addresses of that range; a group"
    " only where it is the one that CloudFront made.",
    remedy=_ALLOW,
    next_check="See whether the range holds the addresses of CloudFront's interfaces: aws ec2"
    " describe-network-interfaces --region {region!q} --filters"
    " Name=group-name,Values='CloudFront-VPCOrigins-Service-SG*'",
)
LETS_IN = _family.rule(
    "vpc_origin_let_in",
    Status.INFO,
    "The security groups of VPC origin {domain} let CloudFront in at port {port}: {lets_in}.",
    "By the rules of the groups; network ACLs and the machine's own firewall were not read.",
)
RULES = (SHUT_OUT, NOT_CERTAIN, LETS_IN)


def judge(balancer: LoadBalancer, target: Target) -> Iterator[Finding]:
    """Yield what the security groups of a VPC origin make of CloudFront; nothing where they were not fetched."""
    if not balancer.guards:
        return
    open_to = [(group, rule) for group in balancer.guards for rule in group.inbound if _covers(rule, target.port)]
    sure = [rule for _, rule in open_to if _is_cloudfronts(rule)]
    perhaps = [rule for _, rule in open_to if _may_be(rule, balancer.guards)]
    rule, shown = (
        (LETS_IN, sure) if sure else (NOT_CERTAIN, perhaps) if perhaps else (SHUT_OUT, [r for _, r in open_to])
    )
    lets_in = join_names(list(dict.fromkeys(map(_shown, shown))), 4) if shown else "nothing is let in there"
    if rule is SHUT_OUT and shown:
        lets_in = f"only {lets_in}"
    names = join_names([f"{group.id}{f' ({group.name})' if group.name else ''}" for group in balancer.guards], 4)
    yield rule.finding(
        target=target.id,
        evidence=[Evidence(observation="input:aws", says=visible(f"{names}, port {target.port}: {lets_in}", 300))],
        domain=target.domain,
        port=target.port,
        region=balancer.region,
        group=balancer.guards[0].id,
        lets_in=lets_in,
    )


def _covers(rule: InboundRule, port: int) -> bool:
    return rule.protocol == "-1" or (rule.protocol in ("tcp", "6") and rule.low <= port <= rule.high)


def _is_cloudfronts(rule: InboundRule) -> bool:
    """Tell whether a source certainly is where CloudFront comes from."""
    from cfrunbook.firewall import prefix_lists

    return (
        rule.name in prefix_lists.NAMES
        or (rule.source.startswith("sg-") and rule.name.startswith(SERVICE_GROUP))
        or rule.source == "0.0.0.0/0"
    )


def _may_be(rule: InboundRule, own: Sequence[SecurityGroup]) -> bool:
    """Tell whether a source may be where CloudFront comes from: private addresses, an own list, a group unnamed."""
    if rule.source.startswith("pl-"):
        return not rule.name.startswith("com.amazonaws.")
    if rule.source.startswith("sg-"):
        return not rule.name and rule.source not in {group.id for group in own}
    try:
        return ipaddress.ip_network(rule.source, strict=False).is_private
    except ValueError:
        return True


def _shown(rule: InboundRule) -> str:
    return visible(f"{rule.name} ({rule.source})" if rule.name else rule.source, 100)
