"""Tier 3: the load balancer or instance that an origin's name leads to: listeners, certificates, targets, firewall."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from cfrunbook.aws import reading
from cfrunbook.aws.steps import Steps
from cfrunbook.aws_facts import (
    MAX_ARN,
    MAX_LINE,
    MAX_LINES,
    MAX_NAME,
    MAX_NAMES,
    MAX_TARGETS,
    AcmCertificate,
    InboundRule,
    Listener,
    ListenerRule,
    LoadBalancer,
    SecurityGroup,
    TargetGroup,
    TargetHealth,
)
from cfrunbook.evidence import FirewallDump
from cfrunbook.findings import NotExamined
from cfrunbook.firewall import dumps, prefix_lists
from cfrunbook.text import visible

MAX_GROUPS = 50
"""Target groups of one load balancer whose health is fetched."""
MAX_LISTENERS = 50
MAX_LISTS = 10
"""Prefix lists whose entries are fetched."""

_REGION = r"[a-z]{2}(?:-[a-z]+)+-\d+"
_BALANCER = re.compile(
    rf"(?:dualstack\.)?(?P<name>.+)\.(?:(?P<alb>{_REGION})\.elb|elb\.(?P<nlb>{_REGION}))\.amazonaws\.com(?:\.cn)?"
)
_INSTANCE = re.compile(
    rf"ec2-(?P<address>\d+-\d+-\d+-\d+)\.(?:compute-1|(?P<region>{_REGION})\.compute)\.amazonaws\.com(?:\.cn)?"
)
_ACM = re.compile(rf"arn:aws[a-z-]*:acm:(?P<region>{_REGION}):\d{{12}}:certificate/[A-Za-z0-9-]+")
_RESOURCE = re.compile(
    rf"arn:aws[a-z-]*:(?P<service>elasticloadbalancing|ec2):(?P<region>{_REGION}):\d{{12}}:(?P<resource>.+)"
)


@dataclass(frozen=True, slots=True)
class Listeners:
    """The listeners of a load balancer."""

    balancer: str
    found: tuple[Listener, ...]


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


@dataclass(frozen=True, slots=True)
class Guards:
    """The security groups of a load balancer that is a VPC origin."""

    balancer: str
    found: tuple[SecurityGroup, ...]


@dataclass(frozen=True, slots=True)
class Firewall:
    """The security groups before an origin, and the prefix lists that they name."""

    domain: str
    dumps: tuple[FirewallDump, ...]


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
        steps.start(what, _interfaces, domain, filters, found["region"] or "us-east-1")


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
        steps.start(f"the listeners of load balancer {name}", _listeners, arn, name, region)
        steps.start(f"the target groups of load balancer {name}", _groups, arn, name, region)
    if found.security_groups:
        what = f"the security groups of load balancer {name}"
        if firewall:
            steps.start(what, _security_groups, domain, found.security_groups, region)
        else:
            steps.start(what, _guards, arn, found.security_groups, region)


def _listeners(steps: Steps, arn: str, name: str, region: str) -> None:
    listed, more = steps.session.pages(
        "elbv2",
        "DescribeListeners",
        "Listeners",
        marks=("Marker", "NextMarker"),
        region=region,
        most=2,
        LoadBalancerArn=arn,
    )
    if more or len(listed) > MAX_LISTENERS:
        steps.miss(reading.some_left_out(f"all listeners of load balancer {name}", MAX_LISTENERS))
    found = tuple(_listener(steps, node, name, region) for node in listed[:MAX_LISTENERS])
    steps.keep(Listeners(arn, found))
    arns = dict.fromkeys(c for listener in found for c in listener.certificates or ())
    for certificate in arns:
        if steps.is_first(certificate):
            title = f"certificate {visible(certificate, 160)} of load balancer {name}"
            if match := _ACM.fullmatch(certificate):
                steps.start(title, _certificate, certificate, match["region"])
            else:
                steps.miss(NotExamined(what=title, why="it is not one of AWS Certificate Manager"))


def _listener(steps: Steps, node: dict[str, Any], name: str, region: str) -> Listener:
    arn, protocol = reading.text(node, "ListenerArn", MAX_ARN), reading.text(node, "Protocol")
    port = reading.number(node, "Port", 65535)
    default = next((reading.text(n, "CertificateArn", MAX_ARN) for n in reading.nodes(node, "Certificates")), "")
    actions = reading.nodes(node, "DefaultActions")
    last = actions[-1] if actions else {}
    certificates: tuple[str, ...] | None = (default,) if default else ()
    if protocol in ("HTTPS", "TLS"):
        listed = steps.attempt(
            f"the certificates of port {port} of load balancer {name}",
            lambda: steps.session.pages(
                "elbv2",
                "DescribeListenerCertificates",
                "Certificates",
                marks=("Marker", "NextMarker"),
                region=region,
                most=5,
                ListenerArn=arn,
            ),
        )
        others = [reading.text(n, "CertificateArn", MAX_ARN) for n in listed[0]] if listed else []
        # Some only: "no certificate has the name" must not be said.
        whole = listed is not None and not listed[1] and len(others) < MAX_NAMES
        certificates = tuple(dict.fromkeys(c for c in (default, *others) if c)) if whole else None
    is_application = protocol in ("HTTP", "HTTPS")  # only their listeners have rules
    rules = steps.attempt(
        f"the rules of port {port} of load balancer {name}", lambda: _rules(steps, arn, port, name, region)
    ) if is_application else None  # fmt: skip
    return Listener(
        arn=arn,
        port=port,
        protocol=protocol,
        ssl_policy=reading.text(node, "SslPolicy"),
        default_certificate=default,
        certificates=certificates,
        action=reading.text(last, "Type"),
        status=reading.text(reading.node(last, "FixedResponseConfig"), "StatusCode"),
        rules=rules,
        target_groups=_groups_of(last),
        client_certificates=reading.text(reading.node(node, "MutualAuthentication"), "Mode"),
    )


def _groups_of(action: dict[str, Any]) -> tuple[str, ...]:
    """Return the target groups that an action forwards to."""
    listed = reading.nodes(reading.node(action, "ForwardConfig"), "TargetGroups", 20)
    arns = [reading.text(node, "TargetGroupArn", MAX_ARN) for node in (action, *listed)]
    return tuple(dict.fromkeys(arn for arn in arns if arn))[:20]


def _rules(steps: Steps, arn: str, port: int, name: str, region: str) -> tuple[ListenerRule, ...] | None:
    """Return the rules of a listener in their order; None where there are more than are read: some say nothing."""
    listed, more = steps.session.pages(
        "elbv2",
        "DescribeRules",
        "Rules",
        marks=("Marker", "NextMarker"),
        region=region,
        most=2,
        ListenerArn=arn,
    )
    if more or len(listed) > MAX_NAMES:
        steps.miss(reading.some_left_out(f"all rules of port {port} of load balancer {name}", MAX_NAMES))
        return None
    return tuple(sorted((_rule(node) for node in listed if not node.get("IsDefault")), key=lambda r: r.priority))


def _rule(node: dict[str, Any]) -> ListenerRule:
    hosts: list[str] = []
    paths: list[str] = []
    other: list[str] = []
    for condition in reading.nodes(node, "Conditions", 20):
        field = reading.text(condition, "Field")
        kept = {"host-header": (hosts, "HostHeaderConfig"), "path-pattern": (paths, "PathPatternConfig")}.get(field)
        values: tuple[str, ...] = ()
        if kept is not None:
            config = reading.node(condition, kept[1])
            values = reading.texts(config, "Values", 20, MAX_NAME) or reading.texts(condition, "Values", 20, MAX_NAME)
        if kept is not None and values and not kept[0]:
            kept[0].extend(values)
        else:  # a regular expression, or a second condition of the kind: this may hold or not
            other.append(field or "unknown")
    actions = reading.nodes(node, "Actions", 20)
    last = actions[-1] if actions else {}
    priority = reading.text(node, "Priority")
    return ListenerRule(
        priority=int(priority) if priority.isascii() and priority.isdecimal() else 0,
        hosts=tuple(hosts),
        paths=tuple(paths),
        other=tuple(dict.fromkeys(other))[:10],
        action=reading.text(last, "Type"),
        status=reading.text(reading.node(last, "FixedResponseConfig"), "StatusCode"),
        target_groups=_groups_of(last),
    )


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


def _certificate(steps: Steps, arn: str, region: str) -> None:
    answer = steps.session.call("acm", "DescribeCertificate", region=region, CertificateArn=arn)
    node = reading.node(answer, "Certificate")
    renewal = reading.node(node, "RenewalSummary")
    domain = reading.text(node, "DomainName", MAX_NAME)
    names = (domain, *reading.texts(node, "SubjectAlternativeNames", MAX_NAMES - 1, MAX_NAME))
    steps.keep(
        AcmCertificate(
            arn=arn,
            names=tuple(dict.fromkeys(name for name in names if name)),
            status=reading.text(node, "Status"),
            type=reading.text(node, "Type"),
            issuer=reading.text(node, "Issuer", MAX_NAME),
            key_algorithm=reading.text(node, "KeyAlgorithm"),
            not_before=reading.moment(node.get("NotBefore")),
            not_after=reading.moment(node.get("NotAfter")),
            renewal=reading.text(renewal, "RenewalStatus"),
            failure=reading.text(node, "FailureReason") or reading.text(renewal, "RenewalStatusReason"),
            in_use_by=len(reading.texts(node, "InUseBy")),
        )
    )


def _interfaces(steps: Steps, domain: str, filters: dict[str, Any], region: str) -> None:
    answer = steps.session.call("ec2", "DescribeNetworkInterfaces", region=region, Filters=[filters])
    for node in reading.nodes(answer, "NetworkInterfaces", 1):
        groups = tuple(reading.text(group, "GroupId") for group in reading.nodes(node, "Groups"))
        _security_groups(steps, domain, groups, region)
        return
    steps.miss(
        NotExamined(
            what=f"the security groups of {visible(domain, 120)}",
            why=f"no network interface of this account in {region} has its address: it is another account's, or gone",
        )
    )


def _security_groups(steps: Steps, domain: str, groups: Sequence[str], region: str) -> None:
    listed, more = steps.session.pages(
        "ec2",
        "DescribeSecurityGroups",
        "SecurityGroups",
        marks=("NextToken", "NextToken"),
        region=region,
        GroupIds=list(groups),
    )
    if not listed or more:
        steps.miss(reading.some_left_out(f"the security groups of {visible(domain, 120)}", len(listed)))
        return
    found = [_dump({"SecurityGroups": listed}, "security-groups.json")]
    wanted = sorted({
        reading.text(entry, "PrefixListId")
        for group in listed
        for permission in reading.nodes(group, "IpPermissions", 1000)
        for entry in reading.nodes(permission, "PrefixListIds")
        if reading.text(entry, "PrefixListId")
    })  # fmt: skip
    if wanted:
        names = steps.attempt(
            f"the names of prefix lists {visible(', '.join(wanted), 120)}",
            lambda: steps.session.call(
                "ec2", "DescribeManagedPrefixLists", region=region, PrefixListIds=wanted[:MAX_NAMES]
            ),
        )
        if names is not None:
            named = reading.nodes(names, "PrefixLists")
            found.append(_dump({"PrefixLists": named}, "prefix-lists.json"))
            # CloudFront's own lists hold its addresses, whatever these are: nothing to be fetched and compared.
            own = {
                reading.text(n, "PrefixListId")
                for n in named
                if reading.text(n, "PrefixListName") in prefix_lists.NAMES
            }
            wanted = [one for one in wanted if one not in own]
    for prefix_list in wanted[:MAX_LISTS]:
        title = f"the entries of prefix list {visible(prefix_list, 40)}"
        entries = steps.attempt(title, _entries(steps, prefix_list, region))
        if entries is not None:
            found.append(_dump({"Entries": entries}, f"{prefix_list}.json"))
    steps.keep(Firewall(domain, tuple(found)))


def _guards(steps: Steps, balancer: str, groups: Sequence[str], region: str) -> None:
    """Keep what the security groups before a VPC origin let in, with the names of lists and groups that they name."""
    answer = steps.session.call("ec2", "DescribeSecurityGroups", region=region, GroupIds=list(groups))
    listed = reading.nodes(answer, "SecurityGroups", MAX_NAMES)
    inbound = {reading.text(node, "GroupId"): _inbound(node) for node in listed}
    if any(len(rules) > MAX_LINES for rules in inbound.values()) or len(inbound) < len(set(groups)):
        steps.miss(reading.some_left_out("the security groups before a VPC origin", MAX_LINES))
        return  # some of it would look like all of it
    sources = sorted({rule.source for rules in inbound.values() for rule in rules})
    names = {reading.text(node, "GroupId"): reading.text(node, "GroupName") for node in listed}
    for prefix, operation, argument, key, ident, title in _NAMED:
        wanted = [one for one in sources if one.startswith(prefix) and one not in names][:MAX_NAMES]
        if not wanted:
            continue
        found = steps.attempt(
            f"the names of {visible(', '.join(wanted), 120)}",
            lambda operation=operation, argument=argument, wanted=wanted: steps.session.call(  # type: ignore[misc]
                "ec2", operation, region=region, **{argument: wanted}
            ),
        )
        names |= {reading.text(node, ident): reading.text(node, title) for node in reading.nodes(found or {}, key)}
    steps.keep(
        Guards(
            balancer,
            tuple(
                SecurityGroup(
                    id=group,
                    name=names.get(group, ""),
                    inbound=tuple(msgspec.structs.replace(rule, name=names.get(rule.source, "")) for rule in rules),
                )
                for group, rules in inbound.items()
            ),
        )
    )


_NAMED = (
    ("pl-", "DescribeManagedPrefixLists", "PrefixListIds", "PrefixLists", "PrefixListId", "PrefixListName"),
    ("sg-", "DescribeSecurityGroups", "GroupIds", "SecurityGroups", "GroupId", "GroupName"),
)
"""How a source begins, and the call that tells its name."""


def _inbound(group: dict[str, Any]) -> list[InboundRule]:
    found = []
    for permission in reading.nodes(group, "IpPermissions", 1000):
        protocol = reading.text(permission, "IpProtocol")
        is_ported = protocol in ("tcp", "6") and permission.get("FromPort") != -1
        low = reading.number(permission, "FromPort", 65535) if is_ported else 0
        high = reading.number(permission, "ToPort", 65535) if is_ported else 65535
        for key, inner in _SOURCES:
            for source in reading.nodes(permission, key, 1000):
                value = reading.text(source, inner)
                found.append(InboundRule(protocol=protocol, low=low, high=high, source=value))
    return found


_SOURCES = (
    ("IpRanges", "CidrIp"),
    ("Ipv6Ranges", "CidrIpv6"),
    ("PrefixListIds", "PrefixListId"),
    ("UserIdGroupPairs", "GroupId"),
)


def _entries(steps: Steps, prefix_list: str, region: str) -> Any:
    def fetch() -> list[dict[str, Any]] | None:
        listed, more = steps.session.pages(
            "ec2",
            "GetManagedPrefixListEntries",
            "Entries",
            marks=("NextToken", "NextToken"),
            region=region,
            PrefixListId=prefix_list,
        )
        if more:  # some of a list would look like all of it
            steps.miss(reading.some_left_out(f"the entries of prefix list {visible(prefix_list, 40)}", len(listed)))
            return None
        return listed

    return fetch


def _dump(document: dict[str, Any], name: str) -> FirewallDump:
    """Return a document as the dump that the AWS command line would have printed, redacted. Raises BadInput."""
    return dumps.read(json.dumps(document, default=str).encode(), name)
