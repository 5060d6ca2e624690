"""What CloudFront and CloudWatch recorded of functions and errors; tenants, VPC origins. Pure."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from typing import Any

from cfrunbook.aws_facts import AdditionalMetrics, AwsFacts, FunctionLines, Metrics, Series
from cfrunbook.causes import aws_edge_rules as rules
from cfrunbook.cloudfront.distribution import Distribution
from cfrunbook.cloudfront.policies import Policies
from cfrunbook.cloudfront.targets import Target
from cfrunbook.findings import Evidence, Finding, Rule, Status
from cfrunbook.text import join_names, visible

RECENT = dt.timedelta(minutes=15)
"""What happened within this time before the end of the window still counts as going on."""
_VALIDATION = ("LambdaValidationError", "FunctionValidationErrors")
_EXECUTION = ("LambdaExecutionError", "LambdaLimitExceededErrors", "FunctionExecutionErrors", "FunctionThrottles")
_EDGE_SERVICES = ("lambda.amazonaws.com", "edgelambda.amazonaws.com")


def judge(facts: AwsFacts, distribution: str, at: dt.datetime) -> Iterator[Finding]:
    """Yield what is about the distribution as a whole."""
    lines, metrics = facts.function_lines, facts.metrics
    if lines is not None and lines.lines:
        yield _logged(lines)
    if metrics is not None:
        for series in metrics.series:
            is_logged = lines is not None and bool(lines.lines) and series.metric == "LambdaValidationError"
            if series.last_above_zero is not None and not is_logged:
                yield from _counted(series, metrics, distribution)
        yield from _rates(metrics, facts.additional_metrics, distribution)
    yield from _functions(facts)
    yield from _tenant(facts)


def vpc_origins(distribution: Distribution, known: Policies, targets: Sequence[Target]) -> Iterator[Finding]:
    """Yield the VPC origins that are not deployed."""
    for target in targets:
        origin = distribution.origin(target.origin_id)
        settings = known.vpc_origins.get(origin.vpc_origin_id) if origin else None
        if settings is not None and settings.status not in ("", "Deployed"):
            yield _finding(
                rules.VPC_ORIGIN_NOT_DEPLOYED,
                f"VPC origin {settings.id}: {settings.status}",
                target=target.id,
                vpc_origin=settings.id,
                origin=target.origin_id,
                state=settings.status,
            )


def _logged(lines: FunctionLines) -> Finding:
    first, last = lines.lines[0], lines.lines[-1]
    status, age = _age(last.at, lines.end)
    return _finding(
        rules.VALIDATION_LOGGED,
        f"{lines.group}, {last.region}, {_moment(last.at)}: {last.text}",
        status=status,
        count=f"at least {len(lines.lines)}" if lines.more else len(lines.lines),
        first=_moment(first.at),
        last=_moment(last.at),
        text=visible(last.text, 400),
        **_broken(last.text),
        regions=sorted({line.region for line in lines.lines}),
        region=last.region,
        group=lines.group,
        since=str(int(lines.start.timestamp() * 1000)),
        age=age,
        confidence="medium",
    )


def _broken(text: str) -> dict[str, Any]:
    """Return the rules that a line of CloudFront's names, and a sentence about them with a space before it."""
    from cfrunbook.functions import messages

    rules = list(dict.fromkeys(f"edge_function.{rule}" for one in messages.read(text) for rule in one.rules))
    return {"rules": rules, "broken": f" What it broke: {join_names(rules, 3)}." if rules else ""}


def _counted(series: Series, metrics: Metrics, distribution: str) -> Iterator[Finding]:
    rule = next(
        (
            rule
            for names, rule in ((_VALIDATION, rules.VALIDATION_COUNTED), (_EXECUTION, rules.EXECUTION_COUNTED))
            if series.metric in names
        ),
        None,
    )
    last = series.last_above_zero
    if rule is None or last is None:
        return
    status, age = _age(last, metrics.end)
    what = f"CloudFront Function {visible(series.function, 80)}" if series.function else "Lambda@Edge functions"
    yield _finding(
        rule,
        f"{series.metric}: {series.total:g} from {_moment(metrics.start)} to {_moment(metrics.end)}",
        status=status,
        count=f"{series.total:g}",
        what=what,
        last=_moment(last),
        age=age,
        confidence="medium",
        **_metric(series.metric, series.statistic, metrics, distribution, series.function),
    )


def _age(last: dt.datetime, end: dt.datetime) -> tuple[Status | None, str]:
    """Return the status and a sentence for what was last seen at a moment: is it still going on?"""
    if end - last <= RECENT:
        return None, ""
    minutes = int((end - last).total_seconds() // 60)
    return Status.WARNING, f" The last was {minutes} minutes before the end of what was read: it may be over."


# --- rates of errors ----------------------------------------------------------------------------------------------


def _rates(metrics: Metrics, additional: AdditionalMetrics, distribution: str) -> Iterator[Finding]:
    """Yield what the rates say; a metric without data says nothing, and nothing is taken for zero."""
    exact, all_5xx = metrics.of("502ErrorRate"), metrics.of("5xxErrorRate")
    if exact is not None:
        others = _others(metrics)
        if exact.last_above_zero is not None:
            last = _moment(exact.last_above_zero)
            yield _rate(rules.METRICS_502, exact, metrics, distribution, others=others, last=last)
        else:
            yield _rate(rules.METRICS_NO_502, exact, metrics, distribution, others=others)
    elif all_5xx is not None:
        if all_5xx.last_above_zero is not None:
            why = {
                AdditionalMetrics.DISABLED: "Additional metrics are not enabled for this distribution.",
                AdditionalMetrics.ENABLED: "Additional metrics are enabled, but have no data in this time.",
                AdditionalMetrics.UNKNOWN: "Whether additional metrics are enabled could not be seen.",
            }[additional]
            yield _rate(rules.METRICS_5XX, all_5xx, metrics, distribution, why=why)
        else:
            yield _rate(rules.METRICS_NO_5XX, all_5xx, metrics, distribution)
    else:
        yield _finding(
            rules.METRICS_NONE,
            f"no data from {_moment(metrics.start)} to {_moment(metrics.end)}",
            **_metric("5xxErrorRate", "Average", metrics, distribution),
        )


def _others(metrics: Metrics) -> str:
    """Return a sentence about the neighbours of 502 that were seen, with a space before it."""
    seen = []
    for name in ("503ErrorRate", "504ErrorRate"):
        series = metrics.of(name)
        if series is not None and series.peak is not None and series.peak[1] > 0:
            seen.append(f"{name[:3]} up to {series.peak[1]:.3g} %")
    return f" In the same time it answered {join_names(seen)}." if seen else ""


def _rate(rule: Rule, series: Series, metrics: Metrics, distribution: str, **data: Any) -> Finding:
    when, value = series.peak or (metrics.end, 0.0)
    return _finding(
        rule,
        f"{series.metric}: {len(series.points)} points, the highest {value:.3g} % at {_moment(when)}",
        peak=f"{value:.3g}",
        when=_moment(when),
        points=len(series.points),
        **_metric(series.metric, series.statistic, metrics, distribution),
        **data,
    )


def _metric(name: str, statistic: str, metrics: Metrics, distribution: str, function: str = "") -> dict[str, Any]:
    """Return the values of the command that shows a metric."""
    named = {"DistributionId": distribution, "Region": "Global", **({"FunctionName": function} if function else {})}
    return {
        "metric": name,
        "statistic": statistic,
        "distribution": distribution,
        "dimensions": json.dumps([{"Name": key, "Value": value} for key, value in named.items()]),
        "start": _moment(metrics.start),
        "end": _moment(metrics.end),
    }


# --- functions, tenants -------------------------------------------------------------------------------------------


def _functions(facts: AwsFacts) -> Iterator[Finding]:
    for function in facts.functions:
        if function.kind != "lambda-edge":
            continue
        title = f"Lambda@Edge function {function.name}"
        if function.trusts is not None and (missing := [s for s in _EDGE_SERVICES if s not in function.trusts]):
            yield _finding(
                rules.ROLE_NOT_TRUSTED,
                f"{title}: role {function.role} trusts {join_names(list(function.trusts))}",
                function=title,
                trusts=list(function.trusts),
                missing=missing,
                role=function.role.rpartition("/")[2],
            )
        if function.status not in ("", "Active"):
            yield _finding(
                rules.FUNCTION_NOT_ACTIVE,
                f"{title}: {function.status}",
                function=title,
                state=function.status,
                arn=function.arn,
            )


def _tenant(facts: AwsFacts) -> Iterator[Finding]:
    tenant = facts.tenant
    if tenant is None:
        return
    problem = ""
    if not tenant.enabled:
        problem = "it is disabled"
    elif tenant.group_enabled is False:
        problem = f"its connection group {tenant.group_id} is disabled"
    elif tenant.domain_status not in ("", "active"):
        problem = f"the domain is {tenant.domain_status}"
    if problem:
        name = tenant.name or tenant.id
        yield _finding(
            rules.TENANT_OFF, f"tenant {name}: {problem}", tenant=name, domain=tenant.domain, problem=problem
        )


def _moment(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _finding(rule: Rule, says: str, *, status: Status | None = None, target: str = "", **data: Any) -> Finding:
    evidence = [Evidence(observation="input:aws", says=visible(says, 300))]
    return rule.finding(target=target, evidence=evidence, status=status, **data)
