"""What was fetched from an AWS account as one table: part, name, what it says; and what could not be fetched."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator

from cfrunbook.aws_facts import (
    AcmCertificate,
    AwsFacts,
    FunctionFacts,
    HostedZone,
    InboundRule,
    Listener,
    LoadBalancer,
    Metrics,
    TargetGroup,
)
from cfrunbook.evidence import Inputs, Observations
from cfrunbook.text import join_names, visible
from cfrunbook.views.tables import MAX_ROWS, Table

_LINES = 5
"""Lines shown of a function's log, and names of a certificate."""
Row = tuple[str, str, str]


def account(seen: Observations) -> Table:
    """Return what the AWS account says; without an account, no row."""
    facts = seen.inputs.aws
    rows = list(_rows(facts, seen.inputs)) if facts is not None else []
    return Table(
        title="What the AWS account says",
        columns=("Part", "Name", "It says"),
        rows=tuple(rows[:MAX_ROWS]),
        monospace=frozenset({1}),
        wide=frozenset({1, 2}),
        empty="Nothing was fetched from an AWS account.",
        left_out=max(0, len(rows) - MAX_ROWS),
    )


def _rows(facts: AwsFacts, inputs: Inputs) -> Iterator[Row]:
    if facts.distribution:
        yield "Distribution", facts.distribution, f"fetched {_moment(facts.fetched_at)}"
    if facts.tenant is not None:
        tenant = facts.tenant
        state = "enabled" if tenant.enabled else "disabled"
        yield "Tenant", tenant.name or tenant.id, f"{state}; {tenant.domain}: {tenant.domain_status or 'not said'}"
    yield from _vpc_origins(inputs)
    for function in facts.functions:
        yield "Function", function.name, _function(function)
    if lines := facts.function_lines:
        shown = [f"{line.region} {_moment(line.at)}: {line.text}" for line in lines.lines[-_LINES:]]
        yield "Function log", lines.group, "; ".join(shown) or f"no line in {len(lines.asked)} regions"
    for dump in inputs.firewall:
        yield "Firewall rules", dump.name, dump.kind
    for balancer in facts.load_balancers:
        yield from _balancer(balancer)
    for certificate in facts.certificates:
        yield "Certificate (ACM)", certificate.arn, _certificate(certificate)
    for zone in facts.hosted_zones:
        yield "Hosted zone", f"{zone.name} ({zone.id})", _zone(zone)
    if facts.metrics is not None:
        yield from _metrics(facts.metrics)
    yield "Additional metrics", facts.distribution, facts.additional_metrics.value
    for place in facts.log_destinations:
        off = "" if place.enabled else ", off"
        yield "Access logs", place.where, f"{place.kind} to {place.type or 'S3'}{off}"
    for missed in facts.not_fetched:
        yield "Not examined", missed.what, missed.why


def _vpc_origins(inputs: Inputs) -> Iterator[Row]:
    for document in inputs.policies:
        origin = document.get("VpcOrigin")
        if not isinstance(origin, dict):
            continue
        config = origin.get("VpcOriginEndpointConfig")
        known = config if isinstance(config, dict) else {}
        ports = f"HTTP {known.get('HTTPPort', '?')}, HTTPS {known.get('HTTPSPort', '?')}"
        says = f"{origin.get('Status', 'not said')}; {ports}; {known.get('OriginProtocolPolicy', 'not said')}"
        yield "VPC origin", visible(origin.get("Id", ""), 80), visible(says, 200)


def _function(function: FunctionFacts) -> str:
    parts = [function.kind, function.stage, function.runtime, function.status]
    parts.append(f"changed {_moment(function.modified)}" if function.modified else "")
    if function.trusts is not None:
        parts.append(f"its role trusts {join_names(list(function.trusts), 4)}")
    return ", ".join(part for part in parts if part)


def _balancer(balancer: LoadBalancer) -> Iterator[Row]:
    state = ", ".join(p for p in (balancer.type, balancer.scheme, balancer.state, balancer.region) if p)
    yield "Load balancer", balancer.name, f"behind {balancer.domain}: {state}"
    for group in balancer.guards or ():
        let_in = [f"{rule.name or rule.source} at {_ports(rule)}" for rule in group.inbound]
        says = f"lets in {join_names(let_in, 8)}" if let_in else "lets nothing in"
        yield "Security group", group.name or group.id, says
    for listener in balancer.listeners or ():
        yield "Listener", f"{balancer.name}:{listener.port}", _listener(listener)
    for target_group in balancer.target_groups or ():
        yield "Target group", target_group.name, _group(target_group)


def _ports(rule: InboundRule) -> str:
    if rule.protocol == "-1":
        return "any port"
    return f"port {rule.low}" if rule.low == rule.high else f"ports {rule.low} to {rule.high}"


def _listener(listener: Listener) -> str:
    default = listener.action + (f" {listener.status}" if listener.status else "")
    rules = "rules not fetched" if listener.rules is None else f"{len(listener.rules)} rules before that"
    number = len(listener.certificates or ())
    held = f", {number} certificate{'s' * (number > 1)}" if number else ""
    return f"{listener.protocol}{held}; default action {default or 'not said'}; {rules}"


def _group(group: TargetGroup) -> str:
    if group.targets is None:
        return f"{group.protocol} {group.port}; health not fetched"
    counted = Counter(f"{t.state}{f' ({t.reason})' if t.reason else ''}" for t in group.targets)
    health = [f"{number} × {state}" for state, number in counted.most_common(_LINES)]
    return f"{group.protocol} {group.port}; {join_names(health) if health else 'no target'}"


def _certificate(certificate: AcmCertificate) -> str:
    parts = [certificate.status, certificate.type, f"for {join_names(list(certificate.names), _LINES)}"]
    parts.append(f"until {_moment(certificate.not_after)}" if certificate.not_after else "")
    parts.append(f"renewal {certificate.renewal}" if certificate.renewal else "")
    return ", ".join(part for part in parts if part)


def _zone(zone: HostedZone) -> str:
    kind = "private" if zone.private else "public"
    servers = f"; name servers {join_names(list(zone.name_servers), 4)}" if zone.name_servers else ""
    if zone.records is None:
        return f"{kind}{servers}; records not fetched"
    kinds = [f"{r.type} {r.name}{f' → {r.alias}' if r.alias else ''}" for r in zone.records]
    return f"{kind}{servers}; {join_names(kinds, 4) if kinds else f'no record for {zone.domain}'}"


def _metrics(metrics: Metrics) -> Iterator[Row]:
    window = f"{_moment(metrics.start)} to {_moment(metrics.end)}"
    for series in metrics.series:
        peak = series.peak
        says = f"highest {peak[1]:.3g} {series.unit} at {_moment(peak[0])}" if peak else "no data"
        yield "Metric", f"{series.metric}{f' of {series.function}' if series.function else ''}", f"{says} ({window})"


def _moment(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
