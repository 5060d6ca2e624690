"""Which action of a load balancer's listener takes the request: a rule, or the default; and what that gives. Pure.

Rules are tried by priority, the first whose conditions all hold decides. Host patterns ignore case, path patterns do
not; `*` is any characters and `?` is one.
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-rules.html
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from cfrunbook.aws_facts import Listener, ListenerRule, LoadBalancer
from cfrunbook.causes.family import Family
from cfrunbook.cloudfront.behaviors import wildcard
from cfrunbook.cloudfront.targets import Target
from cfrunbook.findings import Cause, Evidence, Finding, Remedy, Stage, Status, Step
from cfrunbook.text import visible

_ELB = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application"
_SHOW = "aws elbv2 describe-rules --region {region!q} --listener-arn {listener_arn!q}"
_family = Family(
    Cause.ORIGIN_RESPONSE,
    Stage.HTTP,
    source=f"{_ELB}/rule-action-types.html",
    reproduce=_SHOW,
    verify=Step(text="The rule that takes the request forwards it to a target group.", command=_SHOW),
)
FIXED_RESPONSE = _family.rule(
    "alb_fixed_response",
    Status.FAULT,
    "Load balancer {balancer} answers {answered} by itself to {host}{path}: {by}.",
    "No target is asked. CloudFront passes the answer on as the origin's own.{depends}",
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(
                text="Add a rule that forwards {host} to its target group: EC2 console > Load balancers > {balancer} >"
                " the listener on port {port} > Rules.",
                command="aws elbv2 create-rule --region {region!q} --listener-arn {listener_arn!q} --priority NUMBER"
                " --conditions Field=host-header,Values={host!q} --actions Type=forward,TargetGroupArn=ARN",
            ),
            Step(
                text="Or let CloudFront send the Host that a rule has: with the origin request policy"
                " AllViewerExceptHostHeader it sends the Origin Domain, with AllViewer the viewer's."
            ),
        ),
    ),
)
ANSWERS_ITSELF = _family.rule(
    "alb_answers_itself",
    Status.INFO,
    "Load balancer {balancer} answers {answered} by itself to {host}{path}: {by}.",
    "No target is asked. CloudFront passes the answer on; it is no 502.",
)
RULES = (FIXED_RESPONSE, ANSWERS_ITSELF)


class Taken(msgspec.Struct, frozen=True):
    """What takes a request."""

    rule: ListenerRule | None
    """None: the default action."""
    certain: bool
    """False: a rule that comes before has a condition that the request may fulfill, or this one has."""


def taken_by(listener: Listener, host: str, path: str) -> Taken | None:
    """Return what takes a request to `host` for `path`; None where the rules are not known."""
    if listener.rules is None:
        return None
    certain = True
    for rule in listener.rules:
        hosts = tuple(pattern.lower() for pattern in rule.hosts)
        if not _any(hosts, host.lower()) or not _any(rule.paths, path):
            continue
        if not rule.other:
            return Taken(rule, certain)
        certain = False
    return Taken(None, certain)


def target_groups(listener: Listener, target: Target) -> frozenset[str] | None:
    """Return the target groups that every request of a target certainly comes to one of; None: not known."""
    found: set[str] = set()
    for name in target.names:
        taken = taken_by(listener, name.host, target.path)
        if taken is None or not taken.certain or not name.certain:
            return None
        found |= set(taken.rule.target_groups if taken.rule else listener.target_groups)
    return frozenset(found) if target.names else None


def judge(balancer: LoadBalancer, target: Target) -> Iterator[Finding]:
    """Yield where the load balancer answers by itself what CloudFront asks for."""
    listener = next((one for one in balancer.listeners or () if one.port == target.port), None)
    if listener is None:
        return
    said: set[tuple[str, str]] = set()
    for name in target.names:
        taken = taken_by(listener, name.host, target.path)
        if taken is None:
            continue
        rule = taken.rule
        action, status = (rule.action, rule.status) if rule else (listener.action, listener.status)
        if action != "fixed-response" or (name.host, status) in said:
            continue
        said.add((name.host, status))
        by = f"rule {rule.priority} says so" if rule else f"none of {len(listener.rules or ())} rules takes it"
        is_error = status in ("502", "503", "504")
        is_sure = taken.certain and name.certain
        yield (FIXED_RESPONSE if is_error else ANSWERS_ITSELF).finding(
            target=target.id,
            evidence=[
                Evidence(
                    observation="input:aws",
                    says=visible(f"load balancer {balancer.name}, port {listener.port}: {action} {status}, {by}", 300),
                )
            ],
            status=Status.WARNING if is_error and not is_sure else None,
            cloudfront_status=int(status) if is_error else None,
            balancer=balancer.name,
            region=balancer.region,
            listener_arn=listener.arn,
            port=listener.port,
            answered=visible(status or "a status", 20),
            host=name.host,
            path=target.path,
            by=by,
            depends="" if is_sure else " That is so unless a rule with further conditions takes the request before.",
        )


def _any(patterns: tuple[str, ...], value: str) -> bool:
    return not patterns or any(wildcard(pattern, value) for pattern in patterns)
