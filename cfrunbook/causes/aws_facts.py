"""Judge what an AWS account shows, beside what was probed: each finding under the cause that it concerns. Pure.

The account is a witness of its own: a target that the load balancer calls unhealthy, a zone that nobody asks, a result
that CloudFront logged as refused. What could not be fetched gives no finding; that it is missing is said elsewhere.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from cfrunbook.aws_facts import AwsFacts
from cfrunbook.causes import aws_edge, aws_edge_rules, aws_guards, aws_listeners, aws_origin, aws_rules, aws_zones
from cfrunbook.causes.remedies import NO_ID
from cfrunbook.cloudfront.distribution import Distribution
from cfrunbook.cloudfront.policies import Policies
from cfrunbook.cloudfront.targets import Target
from cfrunbook.evidence import DnsQuery, Resolution
from cfrunbook.findings import Finding, Rule

__all__ = ["RULES", "judge"]

RULES: tuple[Rule, ...] = (*aws_rules.RULES, *aws_listeners.RULES, *aws_guards.RULES, *aws_edge_rules.RULES)


def judge(
    facts: AwsFacts | None,
    distribution: Distribution | None,
    *,
    targets: Sequence[Target],
    at: dt.datetime,
    known: Policies | None = None,
    resolutions: Sequence[Resolution] = (),
    queries: Sequence[DnsQuery] = (),
    expiry_days: int = 14,
) -> tuple[Finding, ...]:
    """Return what the facts show about a distribution and its targets; nothing without facts.

    `resolutions` and `queries` are what probes saw of public DNS: with them a hosted zone can be told from the one that
    the world asks. `known` holds the VPC origins. `at` is the moment for which certificates are judged.
    """
    if facts is None:
        return ()
    identity = facts.distribution or (distribution.id if distribution else "") or NO_ID

    def found() -> Iterator[Finding]:
        yield from aws_edge.judge(facts, identity, at)
        if distribution is not None and known is not None:
            yield from aws_edge.vpc_origins(distribution, known, targets)
        for target in targets:
            for balancer in facts.load_balancers:
                if balancer.domain == target.domain:
                    yield from aws_origin.judge(
                        balancer, facts.certificates, target, distribution=identity, at=at, expiry_days=expiry_days
                    )
                    yield from aws_listeners.judge(balancer, target)
                    yield from aws_guards.judge(balancer, target)
            yield from aws_zones.judge(facts.hosted_zones, target, resolutions, queries)

    return tuple(found())
