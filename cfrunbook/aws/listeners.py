"""Tier 3: what a load balancer listens to: its ports, their certificates, and the rules of each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from cfrunbook.aws import reading
from cfrunbook.aws.steps import Steps
from cfrunbook.aws_facts import MAX_ARN, MAX_NAME, MAX_NAMES, AcmCertificate, Listener, ListenerRule
from cfrunbook.findings import NotExamined
from cfrunbook.text import visible

MAX_LISTENERS = 50

_ACM = re.compile(rf"arn:aws[a-z-]*:acm:(?P<region>{reading.REGION}):\d{{12}}:certificate/[A-Za-z0-9-]+")


@dataclass(frozen=True, slots=True)
class Listeners:
    """The listeners of a load balancer."""

    balancer: str
    found: tuple[Listener, ...]


def fetch(steps: Steps, arn: str, name: str, region: str) -> None:
    """Fetch the listeners of the load balancer `arn`, and start fetching their certificates."""
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
