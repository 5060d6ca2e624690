"""What an AWS account shows: each fault where it is, with the status that CloudFront gives, and silence where nothing is."""

from __future__ import annotations

import datetime as dt
import shlex
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from cfrunbook.causes import aws_facts
from cfrunbook.cloudfront import distribution_reader, policies
from cfrunbook.cloudfront.targets import ServerName, Target
from cfrunbook.evidence import DnsOutcome, DnsQuery, DnsRecord, Resolution, ResolutionOutcome
from cfrunbook.findings import Finding, Status

AT = dt.datetime(2026, 11, 23, 12, 0, tzinfo=dt.UTC)
DOMAIN = "origin.shop.example"
GROUP, OTHER_GROUP = "arn:tg/web", "arn:tg/api"
CERT = "arn:aws:acm:eu-west-1:111122223333:certificate/1"
OTHER = "arn:aws:acm:eu-west-1:111122223333:certificate/2"


def name(sni: str = DOMAIN, *, certain: bool = True) -> ServerName:
    return ServerName(
        sni=sni, host=sni, acceptable=tuple(dict.fromkeys((sni, DOMAIN))), why="the policy says so", certain=certain
    )


def target(**more: Any) -> Target:
    known = {
        "id": "web:443",
        "origin_id": "web",
        "domain": DOMAIN,
        "port": 443,
        "protocol": "https",
        "names": (name(),),
    }
    return Target(**{**known, **more})


def health(state: str = "healthy", reason: str = "", number: int = 1) -> tuple[TargetHealth, ...]:
    return tuple(TargetHealth(id=f"i-{n}", port=80, state=state, reason=reason) for n in range(number))


def group(*targets: TargetHealth, arn: str = GROUP, known: bool = True) -> TargetGroup:
    return TargetGroup(
        arn=arn, name=arn[-3:], check="HTTP traffic-port /health 200", targets=targets if known else None
    )


def listener(port: int = 443, protocol: str = "HTTPS", **more: Any) -> Listener:
    certificates = (CERT,) if protocol in ("HTTPS", "TLS") else ()
    known = {"default_certificate": CERT, "certificates": certificates, "target_groups": (GROUP,), "action": "forward"}
    return Listener(**{"arn": "arn:listener", "port": port, "protocol": protocol, **known, **more})


def balancer(*groups: TargetGroup, listeners: tuple[Listener, ...] | None = None, **more: Any) -> LoadBalancer:
    known: dict[str, Any] = {
        "domain": DOMAIN, "arn": "arn:lb", "name": "shop", "region": "eu-west-1", "state": "active", "type": "application",
        "listeners": (listener(),) if listeners is None else listeners,
        "target_groups": groups or (group(*health()),),
    }  # fmt: skip
    return LoadBalancer(**{**known, **more})


def certificate(*names: str, arn: str = CERT, days: float = 90, **more: Any) -> AcmCertificate:
    known = {"status": "ISSUED", "type": "AMAZON_ISSUED", "not_after": AT + dt.timedelta(days=days)}
    return AcmCertificate(arn=arn, names=names or (DOMAIN,), **{**known, **more})


def facts(**more: Any) -> AwsFacts:
    return AwsFacts(fetched_at=AT, distribution="E1EXAMPLE", **more)


def judge(found: AwsFacts | None, *targets: Target, **options: Any) -> dict[str, Finding]:
    judged = aws_facts.judge(found, None, targets=targets or (target(),), at=AT, **options)
    for finding in judged:
        assert finding.evidence[0].observation == "input:aws"
        assert shlex.split(finding.reproduce)
        for step in (*finding.remedy.steps, finding.verify):
            shlex.split(step.command)
    return {f.code: f for f in judged}


def lb(
    *arguments: Any, certificates: tuple[AcmCertificate, ...] | None = None, of: Target | None = None, **more: Any
) -> dict[str, Finding]:
    held = (certificate(),) if certificates is None else certificates
    return judge(facts(load_balancers=(balancer(*arguments, **more),), certificates=held), of or target())


def test_without_facts_nothing_is_said() -> None:
    assert judge(None) == {}
    assert judge(facts()) == {}


# --- targets ------------------------------------------------------------------------------------------------------

TARGETS: list[tuple[str, tuple[TargetGroup, ...], str, Status, int | None, str]] = [
    ("all refuse", (group(*health("unhealthy", "Target.FailedHealthChecks", 3)),), "origin_response.alb_targets_unhealthy", Status.FAULT, 502, "None of the 3 targets"),
    ("all silent", (group(*health("unhealthy", "Target.Timeout", 2)),), "origin_response.alb_targets_unhealthy", Status.FAULT, 504, "2 × Target.Timeout"),
    ("all answer wrongly", (group(*health("unhealthy", "Target.ResponseCodeMismatch", 2)),), "origin_response.alb_targets_unhealthy", Status.WARNING, 502, "ResponseCodeMismatch"),
    ("some", (group(*health("unhealthy", "Target.Timeout"), *health("healthy", number=3)),), "origin_response.alb_some_targets_unhealthy", Status.WARNING, None, "1 of 4 targets"),
    ("none registered", (group(),), "origin_response.alb_no_targets", Status.FAULT, 503, "has no target in use"),
    ("all unused", (group(*health("unused", "Target.NotInUse", 2)),), "origin_response.alb_no_targets", Status.FAULT, 503, "no target in use"),
    ("all draining", (group(*health("draining", "Target.DeregistrationInProgress")),), "origin_response.alb_no_targets", Status.FAULT, 503, "no target in use"),
    ("of another rule's group", (group(*health()), group(*health("unhealthy", "Target.Timeout"), arn=OTHER_GROUP)), "origin_response.alb_targets_unhealthy", Status.WARNING, 504, "target group api"),
    ("healthy", (group(*health(number=4)),), "distribution.targets_healthy", Status.INFO, None, "All 4 targets"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("case", "groups", "code", "status", "given", "words"), TARGETS, ids=lambda v: v if isinstance(v, str) else ""
)
def test_health(
    case: str, groups: tuple[TargetGroup, ...], code: str, status: Status, given: int | None, words: str
) -> None:
    found = lb(*groups)
    assert list(found) == [code], case
    assert (found[code].status, found[code].cloudfront_status) == (status, given)
    assert words in found[code].title
    assert found[code].target == "web:443"


@pytest.mark.parametrize(
    "groups",
    [
        (group(known=False),),
        (group(*health("initial", "Elb.InitialHealthChecking")),),
        (group(*health(), *health("initial")),),
        (group(*health()), group(arn=OTHER_GROUP, known=False)),
    ],
)
def test_health_that_is_not_known_gives_nothing(groups: tuple[TargetGroup, ...]) -> None:
    assert lb(*groups) == {}


# --- listeners ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("listeners", "of", "code", "given"),
    [
        ((listener(80, "HTTP"),), target(), "port.alb_listener_missing", 504),
        ((), target(), "port.alb_listener_missing", 504),
        ((listener(443, "UDP"),), target(), "port.alb_listener_missing", 504),
        ((listener(443, "HTTP"),), target(), "port.alb_listener_not_tls", 502),
        ((listener(443, "HTTPS"),), target(protocol="http"), "port.alb_listener_not_plain", None),
    ],
)
def test_a_listener_that_does_not_fit(
    listeners: tuple[Listener, ...], of: Target, code: str, given: int | None
) -> None:
    found = lb(listeners=listeners, of=of)
    assert code in found
    assert found[code].cloudfront_status == given


@pytest.mark.parametrize(
    "listeners", [(listener(443, "TCP"),), (listener(443, "TLS"),), (listener(80, "HTTP"), listener())]
)
def test_a_listener_that_fits(listeners: tuple[Listener, ...]) -> None:
    assert set(lb(listeners=listeners)) <= {"distribution.targets_healthy"}


def test_listeners_that_are_not_known_give_nothing() -> None:
    found = judge(facts(load_balancers=(msgspec.structs.replace(balancer(), listeners=None),)))
    assert set(found) == {"distribution.targets_healthy"}


def test_a_load_balancer_that_is_not_active() -> None:
    found = lb(state="active_impaired", state_reason="not enough addresses")
    assert (
        found["port.alb_not_active"].title == "Load balancer shop is active_impaired, not active: not enough addresses."
    )


def test_a_load_balancer_of_another_origin_is_not_this_ones() -> None:
    assert lb(group(), domain="other.example") == {}


# --- certificates -------------------------------------------------------------------------------------------------

CERTIFICATES: list[tuple[str, tuple[AcmCertificate, ...], tuple[ServerName, ...], str, Status | None]] = [
    ("fine", (certificate(),), (name(),), "", None),
    ("wildcard", (certificate("*.shop.example"),), (name(),), "", None),
    ("expired", (certificate(days=-1),), (name(),), "certificate.acm_expired", Status.FAULT),
    ("expired by status", (certificate(days=9, status="EXPIRED"),), (name(),), "certificate.acm_expired", Status.FAULT),
    ("perhaps expired", (certificate(days=-1),), (name(certain=False),), "certificate.acm_expired", Status.WARNING),
    ("soon", (certificate(days=10),), (name(),), "certificate.acm_expires_soon", Status.WARNING),
    ("private", (certificate(type="PRIVATE"),), (name(),), "certificate.acm_private", Status.FAULT),
    ("revoked", (certificate(status="REVOKED"),), (name(),), "certificate.acm_status", Status.WARNING),
    ("other name", (certificate("www.other.example"),), (name(),), "tls_name.acm_name_missing", Status.FAULT),
    ("one label only", (certificate("*.example"),), (name(),), "tls_name.acm_name_missing", Status.FAULT),
    ("perhaps other name", (certificate("www.other.example"),), (name(certain=False),), "tls_name.acm_name_missing", Status.WARNING),
    ("origin domain will do", (certificate(),), (name("www.shop.example"),), "", None),
]  # fmt: skip


@pytest.mark.parametrize(
    ("case", "held", "names", "code", "status"), CERTIFICATES, ids=lambda v: v if isinstance(v, str) else ""
)
def test_certificates(
    case: str, held: tuple[AcmCertificate, ...], names: tuple[ServerName, ...], code: str, status: Status | None
) -> None:
    found = {
        c: f for c, f in lb(certificates=held, of=target(names=names)).items() if c != "distribution.targets_healthy"
    }
    assert list(found) == ([code] if code else []), case
    if code:
        assert found[code].status is status
        assert found[code].cloudfront_status == (
            502 if found[code].status is Status.FAULT or "perhaps" in case else None
        )


def test_the_certificate_of_the_name_counts_not_the_default_one() -> None:
    both = (listener(certificates=(CERT, OTHER)),)
    old_default, fitting = certificate("old.example", days=-9), certificate(arn=OTHER)
    assert set(lb(listeners=both, certificates=(old_default, fitting))) == {"distribution.targets_healthy"}
    assert "certificate.acm_expired" in lb(
        listeners=both, certificates=(certificate(days=-9), certificate("x.example", arn=OTHER))
    )
    # Which of two that fit is presented is not documented to the last: a valid one is enough for no fault.
    assert "certificate.acm_expired" not in lb(
        listeners=both, certificates=(certificate(days=-9), certificate(arn=OTHER))
    )


@pytest.mark.parametrize("certificates", [None, (), (CERT, OTHER)])
def test_certificates_that_are_not_all_known_give_nothing(certificates: Any) -> None:
    found = lb(listeners=(listener(certificates=certificates),), certificates=(certificate("x.example", days=-1),))
    assert set(found) == {"distribution.targets_healthy"}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"type": "IMPORTED"}, "It was imported: ACM does not renew it."),
        ({"renewal": "PENDING_VALIDATION", "failure": "CAA_ERROR"}, "renewal of it is PENDING_VALIDATION (CAA_ERROR)."),
        ({"renewal": "SUCCESS"}, "CloudFront answers 502."),
    ],
)
def test_why_it_was_not_renewed(more: dict[str, Any], words: str) -> None:
    assert lb(certificates=(certificate(days=3, **more),))["certificate.acm_expires_soon"].meaning.endswith(words)


# --- hosted zones -------------------------------------------------------------------------------------------------

OURS, THEIRS = ("ns-1.awsdns-1.com", "ns-2.awsdns-2.net"), ("ns1.old.example", "ns2.old.example")
RECORD = (RecordSet(name=DOMAIN, type="A", values=("192.0.2.1",)),)


def zone(identity: str = "Z1", servers: tuple[str, ...] | None = OURS, **more: Any) -> HostedZone:
    return HostedZone(
        **{"domain": DOMAIN, "id": identity, "name": "shop.example", "name_servers": servers, "records": RECORD, **more}
    )


def delegation(*servers: str) -> tuple[DnsQuery, ...]:
    records = tuple(DnsRecord(owner="shop.example", type="NS", ttl=300, data=f"{s}.") for s in servers)
    return (
        DnsQuery(
            id="dns-1", server="a.gtld", address="192.0.2.53", zone="example", name=DOMAIN, type="A",
            transport="udp", outcome=DnsOutcome.REFERRAL, authority=records,
        ),
    )  # fmt: skip


def resolution(outcome: ResolutionOutcome) -> Resolution:
    return Resolution(id="r-1", name=DOMAIN, resolver="system", outcome=outcome)


NX, ANSWER = ResolutionOutcome.NXDOMAIN, ResolutionOutcome.ANSWER
ZONES: list[tuple[str, tuple[HostedZone, ...], tuple[str, ...], ResolutionOutcome | None, dict[str, Status]]] = [
    ("fine", (zone(),), OURS, ANSWER, {}),
    ("nobody asked", (zone(),), (), None, {}),
    ("not delegated and no address", (zone(),), THEIRS, NX, {"dns.route53_not_delegated": Status.FAULT}),
    ("not delegated, resolves", (zone(),), THEIRS, ANSWER, {"dns.route53_not_delegated": Status.WARNING}),
    ("not delegated, not known", (zone(),), THEIRS, None, {"dns.route53_not_delegated": Status.WARNING}),
    ("partly", (zone(),), (OURS[0], THEIRS[0]), ANSWER, {"dns.route53_delegation_differs": Status.WARNING}),
    ("fewer than it has", (zone(),), OURS[:1], ANSWER, {}),
    ("servers not known", (zone(servers=None),), THEIRS, NX, {}),
    ("no record", (zone(records=()),), OURS, NX, {"dns.route53_record_missing": Status.FAULT}),
    ("no record, resolves", (zone(records=()),), OURS, ANSWER, {}),
    ("records not known", (zone(records=None),), OURS, NX, {}),
    ("two", (zone(), zone("Z2", THEIRS)), OURS, ANSWER, {"dns.route53_duplicate_zones": Status.WARNING}),
    (
        "two, and the record is in the wrong one", (zone(records=()), zone("Z2", THEIRS)), OURS, NX,
        {"dns.route53_duplicate_zones": Status.WARNING, "dns.route53_record_missing": Status.FAULT},
    ),
    ("the nearest counts", (zone(), zone("Z0", THEIRS, name="example")), OURS, ANSWER, {}),
    ("private only", (zone(servers=None, private=True),), (), NX, {"dns.route53_private_only": Status.FAULT}),
    ("private only, not known", (zone(servers=None, private=True),), (), None, {"dns.route53_private_only": Status.WARNING}),
    ("private beside a public one", (zone(), zone("Z2", None, private=True)), OURS, ANSWER, {}),
    ("private without the name", (zone(servers=None, private=True, records=()),), (), NX, {}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("case", "zones", "servers", "seen", "wanted"), ZONES, ids=lambda v: v if isinstance(v, str) else ""
)
def test_hosted_zones(
    case: str,
    zones: tuple[HostedZone, ...],
    servers: tuple[str, ...],
    seen: ResolutionOutcome | None,
    wanted: dict[str, Status],
) -> None:
    found = judge(
        facts(hosted_zones=zones),
        queries=delegation(*servers) if servers else (),
        resolutions=(resolution(seen),) if seen else (),
    )
    assert {code: f.status for code, f in found.items()} == wanted, case
    for finding in found.values():
        assert finding.cloudfront_status == (502 if finding.code.endswith(("delegated", "missing", "only")) else None)


@pytest.mark.parametrize(
    ("servers", "words"),
    [(OURS, "The world asks Z1."), (("x.example",), "asks none of them"), ((), "is not known here")],
)
def test_which_of_several_zones_counts_is_said(servers: tuple[str, ...], words: str) -> None:
    found = judge(facts(hosted_zones=(zone(), zone("Z2", THEIRS))), queries=delegation(*servers) if servers else ())
    assert words in found["dns.route53_duplicate_zones"].title


def test_zones_do_not_matter_to_what_is_not_looked_up() -> None:
    assert judge(facts(hosted_zones=(zone(), zone("Z2"))), target(not_probed="it is private")) == {}


# --- functions and metrics ----------------------------------------------------------------------------------------


def minutes(*values: float, last: int = 0) -> tuple[tuple[dt.datetime, float], ...]:
    """Points of one minute each, the last of them `last` minutes before the end."""
    return tuple((AT - dt.timedelta(minutes=last + len(values) - 1 - n), float(v)) for n, v in enumerate(values))


def metrics(**series: Any) -> Metrics:
    found = tuple(
        Series(
            metric=metric.partition("__")[0].lstrip("_"),
            statistic="Sum",
            unit="None",
            function=metric.partition("__")[2],
            points=points,
        )
        for metric, points in series.items()
    )
    return Metrics(start=AT - dt.timedelta(hours=3), end=AT, period=60, series=found)


@pytest.mark.parametrize(
    ("series", "code", "status", "given", "words"),
    [
        ({"LambdaValidationError": minutes(0, 3, 2)}, "edge_function.validation_counted", Status.FAULT, 502, "5 results of Lambda@Edge functions"),
        ({"FunctionValidationErrors__rewrite": minutes(1)}, "edge_function.validation_counted", Status.FAULT, 502, "CloudFront Function rewrite"),
        ({"LambdaValidationError": minutes(7, last=60)}, "edge_function.validation_counted", Status.WARNING, 502, "7 results"),
        ({"LambdaExecutionError": minutes(1)}, "edge_function.execution_counted", Status.FAULT, 503, "(LambdaExecutionError)"),
        ({"FunctionThrottles__x": minutes(1)}, "edge_function.execution_counted", Status.FAULT, 503, "(FunctionThrottles)"),
        ({"_502ErrorRate": minutes(0, 12.5, 3, 0)}, "distribution.metrics_502", Status.INFO, None, "up to 12.5 %"),
        ({"_502ErrorRate": minutes(0, 0)}, "distribution.metrics_no_502", Status.INFO, None, "of 2 points is 0 %"),
        ({"_5xxErrorRate": minutes(4)}, "distribution.metrics_5xx", Status.INFO, None, "how many of them are 502 is not known"),
        ({"_5xxErrorRate": minutes(0)}, "distribution.metrics_no_5xx", Status.INFO, None, "no 5xx"),
        ({"Requests": minutes(9)}, "distribution.metrics_none", Status.INFO, None, "no data about errors"),
    ],
)  # fmt: skip
def test_metrics(series: dict[str, Any], code: str, status: Status, given: int | None, words: str) -> None:
    found = judge(facts(metrics=metrics(**series)))
    if code != "distribution.metrics_none":
        found.pop("distribution.metrics_none", None)
    assert list(found) == [code]
    assert (found[code].status, found[code].cloudfront_status) == (status, given)
    assert words in found[code].title
    assert found[code].target == ""


@pytest.mark.parametrize("series", [{"LambdaValidationError": minutes(0, 0)}, {"LambdaExecutionError": ()}, {}])
def test_absence_is_never_read_as_zero_nor_zero_as_a_fault(series: dict[str, Any]) -> None:
    found = judge(facts(metrics=metrics(**series)))
    assert list(found) == ["distribution.metrics_none"]
    assert "That is not zero errors" in found["distribution.metrics_none"].meaning


@pytest.mark.parametrize(
    ("enabled", "words"),
    [(AdditionalMetrics.DISABLED, "are not enabled"), (AdditionalMetrics.ENABLED, "no data in this time"), (AdditionalMetrics.UNKNOWN, "could not be seen")],
)  # fmt: skip
def test_why_the_rate_of_502_is_not_known(enabled: AdditionalMetrics, words: str) -> None:
    found = judge(facts(metrics=metrics(_5xxErrorRate=minutes(4)), additional_metrics=enabled))
    assert words in found["distribution.metrics_5xx"].meaning
    assert "{RealtimeMetricsSubscriptionStatus=Enabled}" in found["distribution.metrics_5xx"].remedy.steps[0].command


def test_neighbours_of_502_are_named() -> None:
    found = judge(facts(metrics=metrics(_502ErrorRate=minutes(1), _504ErrorRate=minutes(2), _503ErrorRate=minutes(0))))
    assert found["distribution.metrics_502"].meaning.endswith("In the same time it answered 504 up to 2 %.")


def lines(*texts: str, last: int = 1, more: bool = False) -> FunctionLines:
    found = tuple(
        FunctionLine(region="ap-south-1", at=AT - dt.timedelta(minutes=last + len(texts) - 1 - n), text=text)
        for n, text in enumerate(texts)
    )
    return FunctionLines(
        group="/aws/cloudfront/LambdaEdge/E1EXAMPLE", start=AT - dt.timedelta(hours=3), end=AT, lines=found, more=more
    )


def test_lines_that_cloudfront_logged_are_the_fault_itself() -> None:
    found = judge(
        facts(
            function_lines=lines("one", "The body is not a string"), metrics=metrics(LambdaValidationError=minutes(2))
        )
    )
    logged = found["edge_function.validation_logged"]
    assert (logged.status, logged.cloudfront_status) == (Status.FAULT, 502)
    assert "refused 2 results" in logged.title
    assert logged.title.endswith("the last said: The body is not a string")
    assert "--region ap-south-1" in logged.reproduce
    assert "edge_function.validation_counted" not in found, "the same, said once"


def test_lines_of_long_ago_may_be_over() -> None:
    found = judge(facts(function_lines=lines("x", last=90, more=True)))["edge_function.validation_logged"]
    assert found.status is Status.WARNING
    assert "at least 1 results" in found.title
    assert "90 minutes before" in found.meaning


def test_lines_none_give_nothing() -> None:
    assert judge(facts(function_lines=lines())) == {}


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"trusts": ("lambda.amazonaws.com",)}, "edge_function.role_not_trusted"),
        ({"trusts": ("edgelambda.amazonaws.com", "lambda.amazonaws.com")}, ""),
        ({"trusts": None}, ""),
        ({"status": "Failed"}, "edge_function.not_active"),
        ({"status": "Active"}, ""),
        ({"kind": "cloudfront-function", "status": "UNPUBLISHED"}, ""),
    ],
)
def test_functions(more: dict[str, Any], code: str) -> None:
    known = {"kind": "lambda-edge", "name": "auth:7", "arn": "arn:x", "role": "arn:aws:iam::1:role/service/edge"}
    assert list(judge(facts(functions=(FunctionFacts(**{**known, **more}),)))) == ([code] if code else [])


@pytest.mark.parametrize(
    ("more", "words"),
    [({}, ""), ({"enabled": False}, "it is disabled"), ({"group_enabled": False, "group_id": "cg_1"}, "connection group cg_1"), ({"domain_status": "inactive"}, "the domain is inactive")],
)  # fmt: skip
def test_tenants(more: dict[str, Any], words: str) -> None:
    found = judge(facts(tenant=Tenant(id="dt_1", name="blue", domain="blue.example", **more)))
    assert list(found) == (["distribution.tenant_off"] if words else [])
    assert not words or words in found["distribution.tenant_off"].title


def test_a_vpc_origin_that_is_not_deployed() -> None:
    document = {
        "Origins": {"Quantity": 1, "Items": [{"Id": "web", "DomainName": DOMAIN, "VpcOriginConfig": {"VpcOriginId": "vo_1"}}]},
        "DefaultCacheBehavior": {"TargetOriginId": "web"},
    }  # fmt: skip
    for state, wanted in (("Deploying", ["distribution.vpc_origin_not_deployed"]), ("Deployed", [])):
        known = policies.load([{"VpcOrigin": {"Id": "vo_1", "Status": state, "VpcOriginEndpointConfig": {}}}])
        found = aws_facts.judge(facts(), distribution_reader.load(document), targets=(target(),), at=AT, known=known)
        assert [f.code for f in found] == wanted


# --- whatever comes -----------------------------------------------------------------------------------------------

WORDS = st.sampled_from(["", "healthy", "unhealthy", "HTTPS", "HTTP", "\x1b[31m'; rm -rf", "{port}", "{}", "a" * 200])
HEALTH = st.builds(TargetHealth, id=WORDS, state=WORDS, reason=WORDS, description=WORDS)
GROUPS = st.builds(
    TargetGroup,
    arn=st.sampled_from([GROUP, ""]),
    name=WORDS,
    targets=st.none() | st.lists(HEALTH, max_size=3).map(tuple),
)
LISTENERS = st.builds(
    Listener, arn=WORDS, port=st.sampled_from([443, 80, 0]), protocol=WORDS, default_certificate=st.sampled_from(["", CERT]),
    certificates=st.none() | st.lists(st.sampled_from([CERT, OTHER]), max_size=2).map(tuple), target_groups=st.just((GROUP,)),
)  # fmt: skip
MOMENTS = st.none() | st.datetimes(timezones=st.just(dt.UTC))
CERTS = st.builds(
    AcmCertificate, arn=st.sampled_from([CERT, OTHER]), names=st.lists(WORDS, max_size=3).map(tuple), status=WORDS, type=WORDS,
    not_after=MOMENTS, renewal=WORDS, failure=WORDS,
)  # fmt: skip
BALANCERS = st.builds(
    LoadBalancer, domain=st.just(DOMAIN), arn=WORDS, name=WORDS, state=WORDS, state_reason=WORDS,
    listeners=st.none() | st.lists(LISTENERS, max_size=2).map(tuple), target_groups=st.none() | st.lists(GROUPS, max_size=2).map(tuple),
)  # fmt: skip


@given(st.lists(BALANCERS, max_size=2), st.lists(CERTS, max_size=3))
def test_any_load_balancer_is_judged_without_an_exception_and_shown_harmless(
    found: list[LoadBalancer], held: list[AcmCertificate]
) -> None:
    for finding in judge(facts(load_balancers=tuple(found), certificates=tuple(held))).values():
        assert "\x1b" not in finding.title + finding.meaning + finding.reproduce + finding.evidence[0].says
        assert msgspec.json.decode(msgspec.json.encode(finding), type=Finding) == finding


# --- what takes a request at the load balancer ------------------------------------------------------------------------


def fixed(status: str, **more: Any) -> dict[str, Any]:
    return {"action": "fixed-response", "status": status, "target_groups": (), **more}


def forward(priority: int, *hosts: str, arn: str = OTHER_GROUP, **more: Any) -> ListenerRule:
    return ListenerRule(priority=priority, hosts=hosts, action="forward", target_groups=(arn,), **more)


# The listener's own action and its rules; code, status, status of CloudFront, and a word of the title.
TAKEN: list[tuple[dict[str, Any], list[ListenerRule] | None, str, Status | None, int | None, str]] = [
    (fixed("503"), [], "alb_fixed_response", Status.FAULT, 503, "none of 0 rules takes it"),
    (fixed("502"), [forward(1, "www.other.example")], "alb_fixed_response", Status.FAULT, 502, "none of 1 rules"),
    (fixed("404"), [], "alb_answers_itself", Status.INFO, None, "answers 404 by itself"),
    (fixed("503"), [forward(1, DOMAIN)], "", None, None, ""),
    (fixed("503"), [forward(1, "ORIGIN.*.example")], "", None, None, ""),
    (fixed("503"), [forward(1, DOMAIN, paths=("/API/*",))], "alb_fixed_response", Status.FAULT, 503, "none of 1"),
    (
        fixed("503"),
        [forward(1, DOMAIN, other=("http-header",))],
        "alb_fixed_response",
        Status.WARNING,
        503,
        "none of 1",
    ),
    ({}, [ListenerRule(priority=4, **fixed("503"))], "alb_fixed_response", Status.FAULT, 503, "rule 4 says so"),
    ({}, [forward(1), ListenerRule(priority=4, **fixed("503"))], "", None, None, ""),
    (fixed("503"), None, "", None, None, ""),
]


@pytest.mark.parametrize(("action", "rules", "code", "status", "given", "says"), TAKEN)
def test_a_load_balancer_that_answers_by_itself(action, rules, code, status, given, says) -> None:
    one = listener(**action, rules=None if rules is None else tuple(rules))
    found = lb(group(*health()), group(*health(), arn=OTHER_GROUP), listeners=(one,))
    mine = {c: f for c, f in found.items() if c.startswith("origin_response.")}
    assert list(mine) == ([f"origin_response.{code}"] if code else [])
    for finding in mine.values():
        assert (finding.status, finding.cloudfront_status) == (status, given)
        assert says in finding.title


def test_only_the_group_that_a_request_comes_to_counts() -> None:
    """A default group whose targets are all unhealthy is nothing to a request that a rule sends elsewhere."""
    bad, well = group(*health("unhealthy", "Target.Timeout")), group(*health(), arn=OTHER_GROUP)
    sent_elsewhere = lb(bad, well, listeners=(listener(rules=(forward(1, DOMAIN),)),))
    assert set(sent_elsewhere) == {"distribution.targets_healthy"}
    taken = lb(bad, well, listeners=(listener(rules=(forward(1, "www.other.example"),)),))
    assert taken["origin_response.alb_targets_unhealthy"].status is Status.FAULT
    reversed_ = lb(
        well, msgspec.structs.replace(bad, arn="arn:x"), listeners=(listener(rules=(forward(1, arn="arn:x"),)),)
    )
    assert reversed_["origin_response.alb_targets_unhealthy"].status is Status.FAULT
    unknown = lb(bad, well, listeners=(listener(target_groups=(OTHER_GROUP,), rules=None),))
    assert unknown["origin_response.alb_targets_unhealthy"].status is Status.WARNING


# --- what guards a VPC origin -------------------------------------------------------------------------------------

LIST = "com.amazonaws.global.cloudfront.origin-facing"
# What one rule lets in: source, name, port; and the code that follows.
GUARDED = [
    ("pl-1", LIST, 443, "let_in"),
    ("sg-2", "CloudFront-VPCOrigins-Service-SG", 443, "let_in"),
    ("0.0.0.0/0", "", 443, "let_in"),
    ("pl-1", LIST, 80, "shut_out"),
    ("sg-2", "web-servers", 443, "shut_out"),
    ("203.0.113.0/24", "", 443, "not_certain"),  # documentation addresses are not global
    ("198.51.100.7/32", "", 443, "not_certain"),
    ("8.8.8.0/24", "", 443, "shut_out"),
    ("10.0.0.0/16", "", 443, "not_certain"),
    ("pl-7", "our-list", 443, "not_certain"),
    ("pl-7", "com.amazonaws.eu-west-1.s3", 443, "shut_out"),
    ("sg-3", "", 443, "not_certain"),
    ("no network", "", 443, "not_certain"),
]


@pytest.mark.parametrize(("source", "named", "port", "code"), GUARDED)
def test_who_gets_to_a_vpc_origin(source: str, named: str, port: int, code: str) -> None:
    rule = InboundRule(protocol="tcp", low=port, high=port, source=source, name=named)
    found = lb(guards=(SecurityGroup(id="sg-1", name="alb", inbound=(rule,)),))
    (said,) = (f for c, f in found.items() if c.startswith("port."))
    assert said.code == f"port.vpc_origin_{code}"
    assert said.cloudfront_status == (504 if code == "shut_out" else None)


def test_without_rules_nothing_is_let_in_and_without_groups_nothing_is_said() -> None:
    closed = lb(guards=(SecurityGroup(id="sg-1"),))["port.vpc_origin_shut_out"]
    assert closed.title.endswith("nothing is let in there.")
    assert not any(c.startswith("port.") for c in (*lb(), *lb(guards=())))
    everything = InboundRule(protocol="-1", source="pl-1", name=LIST)
    assert "port.vpc_origin_let_in" in lb(guards=(SecurityGroup(id="sg-1", inbound=(everything,)),))


def test_a_line_of_the_log_names_the_rule_that_was_broken() -> None:
    said = "Lambda function result failed validation, the function tried to delete read-only header, headerName : host."
    line = FunctionLine(region="eu-west-1", at=AT, text=said)
    lines = FunctionLines(group="/aws/cloudfront/LambdaEdge/E1", start=AT, end=AT, asked=("eu-west-1",), lines=(line,))
    found = judge(facts(function_lines=lines))["edge_function.validation_logged"]
    assert found.data["rules"] == ["edge_function.lambda_edge.header_read_only_deleted"]
    assert "What it broke: edge_function.lambda_edge.header_read_only_deleted." in found.meaning
