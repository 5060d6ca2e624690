"""What an AWS account says of a scenario: facts as they are fetched, made with few words.

Only what a scenario is about is said otherwise than usual. Moments are relative to the one at which it is looked.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from cfrunbook.aws_facts import (
    AcmCertificate,
    AdditionalMetrics,
    AwsFacts,
    FunctionFacts,
    FunctionLine,
    FunctionLines,
    HostedZone,
    InboundRule,
    Listener,
    ListenerRule,
    LoadBalancer,
    Metrics,
    RecordSet,
    SecurityGroup,
    Series,
    TargetGroup,
    TargetHealth,
    Tenant,
)
from cfrunbook.lab.distribution import ACCOUNT
from cfrunbook.lab.scenario import DISTRIBUTION_ID, ORIGIN, VIEWER_HOST

Account = Callable[[dt.datetime], AwsFacts]
"""What is fetched at a moment."""

REGION: Final = "eu-west-1"
_ELB: Final = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}"
_BALANCER: Final = f"{_ELB}:loadbalancer/app/shop/50dc6c495c0c9188"
_GROUP: Final = f"{_ELB}:targetgroup/web/73e2d6bc24d8a067"
_CERTIFICATE: Final = f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/11111111-2222-3333-4444-555555555555"
_WINDOW: Final = dt.timedelta(hours=3)
ORIGIN_FACING: Final = "com.amazonaws.global.cloudfront.origin-facing"
NAME_SERVERS: Final = ("ns-7.awsdns-00.com", "ns-519.awsdns-01.net", "ns-1027.awsdns-02.org", "ns-1543.awsdns-03.co.uk")
"""Of a hosted zone that nobody asks."""


def facts(**known: Any) -> Account:
    """Return an account that says this and nothing else."""
    return lambda at: AwsFacts(fetched_at=at, distribution=DISTRIBUTION_ID, **known)


# --- load balancers -----------------------------------------------------------------------------------------------


def targets(state: str = "healthy", reason: str = "", *, number: int = 3) -> tuple[TargetHealth, ...]:
    """Return targets of a load balancer in this state."""
    return tuple(
        TargetHealth(id=f"i-0a1b2c3d4e5f6071{n}", port=8080, zone=f"{REGION}{'abc'[n % 3]}", state=state, reason=reason)
        for n in range(number)
    )


def listener(port: int = 443, protocol: str = "HTTPS", **more: Any) -> Listener:
    """Return a listener that forwards to the one target group, with the one certificate."""
    held = (_CERTIFICATE,) if protocol == "HTTPS" else ()
    usual = {"action": "forward", "target_groups": (_GROUP,), "rules": (), "certificates": held}
    usual |= {
        "default_certificate": _CERTIFICATE if held else "",
        "arn": f"{_ELB}:listener/app/shop/50dc6c495c0c9188/1",
    }
    return Listener(**{"port": port, "protocol": protocol, **usual, **more})


def answering(status: str, *rules: ListenerRule) -> Listener:
    """Return a listener that answers what none of `rules` takes."""
    return listener(action="fixed-response", status=status, target_groups=(), rules=rules)


def forwarding(host: str) -> ListenerRule:
    """Return a rule that forwards the requests for a host."""
    return ListenerRule(priority=1, hosts=(host,), action="forward", target_groups=(_GROUP,))


def balancer(
    *listeners: Listener,
    behind: tuple[TargetHealth, ...] | None = None,
    certificate: Mapping[str, Any] | None = None,
    days: float = 60,
    **more: Any,
) -> Account:
    """Return an account with one load balancer, to which the origin's name leads.

    `certificate` is how the listener's differs from a good one, which ends in `days`.
    """
    group = TargetGroup(
        arn=_GROUP,
        name="web",
        protocol="HTTP",
        port=8080,
        kind="instance",
        check="HTTP traffic-port /health 200",
        targets=targets() if behind is None else behind,
    )
    usual = {
        "domain": ORIGIN, "arn": _BALANCER, "dns_name": f"shop-1234567890.{REGION}.elb.amazonaws.com", "name": "shop",
        "region": REGION, "type": "application", "scheme": "internet-facing", "state": "active",
        "ip_address_type": "ipv4",
    }  # fmt: skip
    one = LoadBalancer(**{**usual, "listeners": listeners or (listener(),), "target_groups": (group,), **more})

    def found(at: dt.datetime) -> AwsFacts:
        good = AcmCertificate(
            arn=_CERTIFICATE,
            names=(ORIGIN,),
            status="ISSUED",
            type="AMAZON_ISSUED",
            issuer="Amazon",
            key_algorithm="EC_prime256v1",
            not_before=at + dt.timedelta(days=days - 90),
            not_after=at + dt.timedelta(days=days),
            in_use_by=1,
        )
        held = msgspec.structs.replace(good, **certificate) if certificate else good
        return facts(load_balancers=(one,), certificates=(held,))(at)

    return found


def guarded(source: str, name: str = "", *, port: int = 443) -> Account:
    """Return an account with an internal load balancer whose security group lets in this source."""
    rule = InboundRule(protocol="tcp", low=port, high=port, source=source, name=name)
    group = SecurityGroup(id="sg-0a1b2c3d4e5f60718", name="shop-alb", inbound=(rule,))
    return balancer(scheme="internal", guards=(group,), security_groups=(group.id,))


# --- hosted zones -------------------------------------------------------------------------------------------------


def zones(*found: HostedZone) -> Account:
    """Return an account with these hosted zones."""
    return facts(hosted_zones=found, zones_asked=tuple(dict.fromkeys(zone.domain for zone in found)))


def zone(
    domain: str, *servers: str, identity: str = "Z0123456789ABCDEFGHIJ", address: str = "", private: bool = False
) -> HostedZone:
    """Return the hosted zone shop.lab with these name servers; without `address` it has no record for the domain."""
    records = (RecordSet(name=domain, type="A", values=(address,)),) if address else ()
    held = None if private else servers
    return HostedZone(domain=domain, id=identity, name="shop.lab", private=private, name_servers=held, records=records)


# --- the edge -----------------------------------------------------------------------------------------------------


def metrics(enabled: AdditionalMetrics = AdditionalMetrics.ENABLED, **values: tuple[float, ...]) -> Account:
    """Return an account with metrics: their values of the last minutes, a name's beginning with a digit after `_`.

    A CloudFront Function's name follows after two underscores.
    """

    def found(at: dt.datetime) -> AwsFacts:
        end = at.replace(second=0, microsecond=0)
        series = tuple(_series(name, points, end) for name, points in values.items())
        window = Metrics(start=end - _WINDOW, end=end, period=60, series=series)
        return facts(metrics=window, additional_metrics=enabled)(at)

    return found


def _series(name: str, values: tuple[float, ...], end: dt.datetime) -> Series:
    metric, _, function = name.removeprefix("_").partition("__")
    is_rate = metric.endswith("Rate")
    points = tuple((end - dt.timedelta(minutes=len(values) - n), value) for n, value in enumerate(values))
    return Series(
        metric=metric,
        statistic="Average" if is_rate else "Sum",
        unit="Percent" if is_rate else "None",
        function=function,
        points=points,
    )


def logged(*texts: str) -> Account:
    """Return an account in whose logs CloudFront wrote these lines about results of Lambda@Edge functions."""

    def found(at: dt.datetime) -> AwsFacts:
        lines = tuple(
            FunctionLine(region=REGION, at=at - dt.timedelta(minutes=len(texts) - n), text=text)
            for n, text in enumerate(texts)
        )
        group = f"/aws/cloudfront/LambdaEdge/{DISTRIBUTION_ID}"
        return facts(
            function_lines=FunctionLines(
                group=group, start=at - _WINDOW, end=at, asked=(REGION, "us-east-1"), lines=lines
            )
        )(at)

    return found


def function(name: str, arn: str, **more: Any) -> Account:
    """Return an account with a Lambda@Edge function in good order, but for `more`."""
    usual = {
        "kind": "lambda-edge", "name": name, "arn": arn, "runtime": "nodejs22.x", "status": "Active",
        "handler": "index.handler", "timeout": 5, "memory": 128, "role": f"arn:aws:iam::{ACCOUNT}:role/service/edge",
        "trusts": ("lambda.amazonaws.com", "edgelambda.amazonaws.com"),
    }  # fmt: skip
    return facts(functions=(FunctionFacts(**{**usual, **more}),))


def tenant(**more: Any) -> Account:
    """Return an account with the tenant that serves the viewers' host, in good order, but for `more`."""
    usual = {"id": "dt_2abcDEF", "name": "shop", "domain": VIEWER_HOST, "domain_status": "active", "status": "Deployed"}
    return facts(tenant=Tenant(**{**usual, "group_id": "cg_2abcDEF", "group_enabled": True, **more}))
