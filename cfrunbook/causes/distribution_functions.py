"""What a distribution shows about its edge functions: associations that CloudFront refuses, and what runs when. Pure.

Whether a function's code is right, no configuration shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from cfrunbook.causes.distribution_function_rules import (
    AFTER_DNS,
    FORMS,
    GRPC_NOT_SUPPORTED,
    MET,
    MOVES_VPC_ORIGIN,
    NOT_SUPPORTED,
    REFUSALS,
)
from cfrunbook.cloudfront import function_associations as associations
from cfrunbook.cloudfront.behaviors import Route
from cfrunbook.cloudfront.distribution import Behavior, EventType, FunctionAssociation
from cfrunbook.cloudfront.function_associations import ORIGIN_EVENTS, Misassociation, Obstacle, Reach
from cfrunbook.findings import Finding
from cfrunbook.text import join_names, visible

Say = Callable[..., Finding]
"""Make a finding of a rule, the place in the configuration, what stands there, and the rule's data."""

_KIND_TITLES = {"lambda-edge": "Lambda@Edge function", "cloudfront-function": "CloudFront Function"}


def judge_behavior(route: Route, account: str, say: Say) -> Iterator[Finding]:
    """Yield what one behavior's associations show; `account` owns the distribution, where that is known."""
    behavior = route.behavior
    known = {"behavior": behavior.title, "pattern": behavior.path_pattern}
    for wrong in associations.misassociations(behavior, account=account):
        yield _refused(behavior, wrong, say)
    at_origin = [_named(f) for f in associations.in_order(behavior.functions) if f.event in ORIGIN_EVENTS]
    for obstacle in Obstacle:
        ids = [visible(d.origin.id, 80) for d in route.destinations if associations.obstacle(d.origin) is obstacle]
        for origin in ids[:1]:
            why = f"origin {origin} {obstacle}"
            if at_origin:
                yield say(NOT_SUPPORTED[obstacle], behavior.where, why, functions=at_origin, why=why, **known)
            if behavior.grpc:
                yield say(
                    GRPC_NOT_SUPPORTED[obstacle], f"{behavior.where}.GrpcConfig", f"Enabled; {why}", why=why, **known
                )
    in_vpc = [visible(d.origin.id, 80) for d in route.destinations if d.origin.member == "vpc"]
    for function in behavior.functions:
        if in_vpc and function.kind == "cloudfront-function" and Reach.ORIGIN in associations.reach(function):
            why = f"origin {join_names(in_vpc)} is a VPC origin"
            data = {"function": function.title, "fetch": function.fetch, "why": why}
            yield say(MOVES_VPC_ORIGIN, function.where or behavior.where, why, **data, **known)


def judge_routes(routes: Sequence[Route], account: str, say: Say) -> Iterator[Finding]:
    """Yield which functions the requests that count meet, once for behaviors with the same functions.

    A behavior of which CloudFront refuses an association is not deployed like this, so nothing is said of it.
    """
    groups: dict[tuple[str, ...], list[Route]] = {}
    for route in routes:
        if route.functions and not any(associations.misassociations(route.behavior, account=account)):
            same = tuple(f"{f.event} {f.kind} {f.arn}" for f in route.functions)
            groups.setdefault(same, []).append(route)
    for through in groups.values():
        functions = through[0].functions
        behaviors = [route.behavior.title for route in through]
        where = through[0].behavior.where
        runs = " ".join(f"{_named(f)} runs {associations.RUNS[f.event]}." for f in functions)
        says = ", ".join(f"{f.name} at {f.event}" for f in functions)
        yield say(MET, where, says, behaviors=behaviors, functions=[_named(f) for f in functions], runs=runs)
        customs = (d.origin for route in through for d in route.destinations if d.origin.member == "custom")
        names = dict.fromkeys(visible(origin.domain_name, 253) for origin in customs)
        for function in functions:
            if names and (function.kind, function.event) == ("lambda-edge", EventType.ORIGIN_REQUEST):
                yield say(AFTER_DNS, function.where or where, function.name, function=function.title, domains=[*names])


def _refused(behavior: Behavior, wrong: Misassociation, say: Say) -> Finding:
    first = wrong.functions[0]
    arn = associations.read_arn(first)
    data = {
        "behavior": behavior.title,
        "pattern": behavior.path_pattern,
        "function": first.title,
        "functions": [f.title for f in wrong.functions],
        "name": arn.name if arn else first.name,
        "arn": first.arn,
        "event": str(first.event),
        "kind": _KIND_TITLES[first.kind],
        "form": FORMS[first.kind],
        "says": wrong.says,
    }
    where = first.where if len(wrong.functions) == 1 and first.where else behavior.where
    evidence = ", ".join(
        f"{f.arn or 'no ARN'} at {f.event}{' with IncludeBody' * f.include_body}" for f in wrong.functions
    )
    return say(REFUSALS[wrong.trouble], where, evidence, **data)


def _named(function: FunctionAssociation) -> str:
    return f"{visible(function.title, 120)} at {function.event}"
