"""What was fetched from an account is one table: every part a row, and what could not be fetched with what it needs."""

from __future__ import annotations

import datetime as dt

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
    LogDestination,
    Metrics,
    RecordSet,
    SecurityGroup,
    Series,
    TargetGroup,
    TargetHealth,
    Tenant,
)
from cfrunbook.evidence import FirewallDump, Inputs, Observations
from cfrunbook.findings import NotExamined
from cfrunbook.views import html, tables, terminal
from cfrunbook.views.account_table import account

AT = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC)
FACTS = AwsFacts(
    fetched_at=AT,
    distribution="E1",
    tenant=Tenant(id="t1", name="shop", domain="www.shop.example", domain_status="active"),
    functions=(
        FunctionFacts(kind="lambda-edge", name="auth:7", runtime="nodejs22.x", status="Active", trusts=("lambda.amazonaws.com",)),
    ),
    function_lines=FunctionLines(
        group="/aws/cloudfront/LambdaEdge/E1", start=AT, end=AT, asked=("eu-west-1",),
        lines=(FunctionLine(region="eu-west-1", at=AT, text="ERROR Validation error: \x1b[31mred"),),
    ),
    load_balancers=(
        LoadBalancer(
            domain="origin.shop.example", arn="arn:lb", name="shop", type="application", state="active",
            guards=(
                SecurityGroup(id="sg-1", name="alb", inbound=(InboundRule(protocol="tcp", low=443, high=443, source="10.0.0.0/8"),)),
                SecurityGroup(id="sg-2"),
            ),
            listeners=(
                Listener(arn="arn:l", port=443, protocol="HTTPS", action="fixed-response", status="503",
                         certificates=("arn:c",), rules=(ListenerRule(priority=1),)),
            ),
            target_groups=(
                TargetGroup(arn="arn:t", name="web", protocol="HTTP", port=80,
                            targets=(TargetHealth(id="i-1", state="unhealthy", reason="Target.Timeout"),)),
                TargetGroup(arn="arn:u", name="api", protocol="HTTP", port=80),
            ),
        ),
    ),
    certificates=(AcmCertificate(arn="arn:c", names=("shop.example",), status="ISSUED", not_after=AT, renewal="FAILED"),),
    hosted_zones=(
        HostedZone(domain="origin.shop.example", id="Z1", name="shop.example", name_servers=("ns-1.example",),
                   records=(RecordSet(name="origin.shop.example", type="A", alias="lb.example"),)),
    ),
    metrics=Metrics(start=AT, end=AT, period=60, series=(Series(metric="502ErrorRate", statistic="Average", unit="Percent", points=((AT, 4.5),)),)),
    additional_metrics=AdditionalMetrics.ENABLED,
    log_destinations=(LogDestination(kind="standard", where="logs-bucket"),),
    not_fetched=(NotExamined(what="the listeners of load balancer other", why="needs elasticloadbalancing:DescribeListeners"),),
)  # fmt: skip
SEEN = Observations(
    recorded_at=AT,
    inputs=Inputs(
        aws=FACTS,
        firewall=(FirewallDump(name="security-groups.json", kind="security-groups", text="{}"),),
        policies=({"VpcOrigin": {"Id": "vo_1", "Status": "Deployed", "VpcOriginEndpointConfig": {"HTTPSPort": 8443}}},),
    ),
)
ROWS = {
    "Distribution": ("E1", "fetched 2026-11-23 12:00 UTC"),
    "Tenant": ("shop", "enabled; www.shop.example: active"),
    "VPC origin": ("vo_1", "Deployed; HTTP ?, HTTPS 8443; not said"),
    "Function": ("auth:7", "lambda-edge, nodejs22.x, Active, its role trusts lambda.amazonaws.com"),
    "Function log": ("/aws/cloudfront/LambdaEdge/E1", "eu-west-1 2026-11-23 12:00 UTC: ERROR Validation error: \x1b[31mred"),
    "Firewall rules": ("security-groups.json", "security-groups"),
    "Load balancer": ("shop", "behind origin.shop.example: application, active"),
    "Security group": ("alb", "lets in 10.0.0.0/8 at port 443"),
    "Listener": ("shop:443", "HTTPS, 1 certificate; default action fixed-response 503; 1 rules before that"),
    "Target group": ("web", "HTTP 80; 1 × unhealthy (Target.Timeout)"),
    "Certificate (ACM)": ("arn:c", "ISSUED, for shop.example, until 2026-11-23 12:00 UTC, renewal FAILED"),
    "Hosted zone": ("shop.example (Z1)", "public; name servers ns-1.example; A origin.shop.example → lb.example"),
    "Metric": ("502ErrorRate", "highest 4.5 Percent at 2026-11-23 12:00 UTC (2026-11-23 12:00 UTC to 2026-11-23 12:00 UTC)"),
    "Additional metrics": ("E1", "enabled"),
    "Access logs": ("logs-bucket", "standard to S3"),
    "Not examined": ("the listeners of load balancer other", "needs elasticloadbalancing:DescribeListeners"),
}  # fmt: skip


def test_every_part_is_a_row() -> None:
    found: dict[str, tuple[str, str]] = {}
    for part, name, says in account(SEEN).rows:
        found.setdefault(part, (name, says))
    assert found == ROWS
    assert all(getattr(FACTS, field) for field in AwsFacts.__struct_fields__ if field != "zones_asked")


def test_it_is_shown_harmless_and_only_where_there_is_an_account() -> None:
    (table,) = tables.observations(SEEN)
    assert "\x1b" not in terminal.table(table)
    assert "What the AWS account says" in html.observations(SEEN).html
    assert tables.observations(msgspec.structs.replace(SEEN, inputs=Inputs())) == ()
