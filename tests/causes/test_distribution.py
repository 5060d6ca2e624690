"""Every mistake that a configuration shows by itself: seen where it is made, and not where it is not."""

from __future__ import annotations

import copy
import datetime as dt
import shlex
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfrunbook.causes import distribution as cause
from cfrunbook.causes import distribution_rules
from cfrunbook.causes.case import Case
from cfrunbook.cloudfront import distribution_reader as distributions
from cfrunbook.cloudfront import plan, policies
from cfrunbook.errors import BadInput
from cfrunbook.evidence import Observations
from cfrunbook.findings import Cause, Finding, Status
from cfrunbook.incident import Incident
from cfrunbook.x509.roots import TrustStore

ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3"
EXCEPT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
ORIGIN_HEADERS = "83da9c7e-98b4-4e11-a168-04f0df8e2c65"
URL = "https://www.example.com/x"


def items(*values: Any) -> dict[str, Any]:
    return {"Quantity": len(values), "Items": list(values)} if values else {"Quantity": 0}


def custom(domain: str, policy: str = "https-only", identity: str = "web", **settings: Any) -> dict[str, Any]:
    config = {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": policy, **settings}
    config.setdefault("OriginSslProtocols", items("TLSv1.2"))
    return {"Id": identity, "DomainName": domain, "CustomOriginConfig": config}


def behavior(target: str = "web", **more: Any) -> dict[str, Any]:
    policies = {"CachePolicyId": OPTIMIZED, "OriginRequestPolicyId": EXCEPT_HOST}
    return {"TargetOriginId": target, "ViewerProtocolPolicy": "redirect-to-https", **policies, **more}


def document(*origins: dict[str, Any], default: Any = None, **config: Any) -> dict[str, Any]:
    config = {
        "Aliases": items("www.example.com"),
        "Origins": items(*(origins or (custom("origin.example.com"),))),
        "DefaultCacheBehavior": default or behavior(),
        "CacheBehaviors": items(),
        "Enabled": True,
        **config,
    }
    own = {"Id": "E1EXAMPLE", "Status": "Deployed", "DomainName": "d111111abcdef8.cloudfront.net"}
    return {"Distribution": {**own, "DistributionConfig": config}}


def judge(source: dict[str, Any], **options: Any) -> tuple[Finding, ...]:
    return cause.judge(distributions.load(copy.deepcopy(source)), **options)


def group(*members: str, codes: tuple[int, ...] = (502, 503, 504)) -> dict[str, Any]:
    return {
        "Id": "pair",
        "Members": items(*({"OriginId": member} for member in members)),
        "FailoverCriteria": {"StatusCodes": items(*codes)},
    }


WEBSITE = "site.s3-website-us-east-1.amazonaws.com"
BALANCER = "alb-1.eu-west-1.elb.amazonaws.com"
PAIR = (custom("a.example", identity="a"), custom("b.example", identity="b"))
HEADER = {"HeaderName": "Host", "HeaderValue": "x"}
# Code, status, cause, what CloudFront answers: the configuration that shows it.
MISTAKES: list[tuple[str, str, Cause, int | None, dict[str, Any]]] = [
    ("ip_address", "fault", Cause.DISTRIBUTION, None, document(custom("192.0.2.10"))),
    ("port_in_domain", "fault", Cause.DISTRIBUTION, None, document(custom("webpage:3000"))),
    ("scheme_or_path", "fault", Cause.DISTRIBUTION, None, document(custom("https://origin.example.com"))),
    ("scheme_or_path", "fault", Cause.DISTRIBUTION, None, document(custom("origin.example.com/stage"))),
    ("not_a_host_name", "fault", Cause.DISTRIBUTION, None, document(custom("origin example com"))),
    ("not_a_host_name", "fault", Cause.DISTRIBUTION, None, document(custom(""))),
    ("tenant_parameter", "info", Cause.DISTRIBUTION, None, document(custom("{{tenant}}.example.com"))),
    ("s3_website_https", "fault", Cause.PORT, 504, document(custom(WEBSITE))),
    ("s3_website_https", "fault", Cause.PORT, 504, document(custom(WEBSITE, "match-viewer"))),
    ("service_plain_http", "fault", Cause.PORT, None, document(custom("a.execute-api.eu-west-1.amazonaws.com", "http-only"))),
    ("service_plain_http", "fault", Cause.PORT, None, document(custom("a.lambda-url.eu-west-1.on.aws", "http-only"))),
    (
        "service_plain_http", "fault", Cause.PORT, None,
        document(custom("a.lambda-url.eu-west-1.on.aws", "match-viewer"), default=behavior(ViewerProtocolPolicy="allow-all")),
    ),
    ("service_port", "fault", Cause.PORT, None, document(custom("a.lambda-url.eu-west-1.on.aws", HTTPSPort=8443))),
    ("mediastore_ended", "fault", Cause.DISTRIBUTION, None, document(custom("a.data.mediastore.eu-west-1.amazonaws.com"))),
    ("internal_load_balancer", "fault", Cause.PORT, 504, document(custom(f"internal-{BALANCER}", "http-only"))),
    ("aws_name_https", "fault", Cause.TLS_NAME, 502, document(custom(BALANCER))),
    ("aws_name_https", "fault", Cause.TLS_NAME, 502, document(custom("ec2-192-0-2-1.compute-1.amazonaws.com", "match-viewer"))),
    (
        "aws_name_https", "warning", Cause.TLS_NAME, 502,
        document(custom(BALANCER), default=behavior(OriginRequestPolicyId="not-known-here")),
    ),
    ("sslv3_only", "fault", Cause.TLS_PROTOCOL, 502, document(custom("o.example", OriginSslProtocols=items("SSLv3")))),
    (
        "sslv3_among_others", "warning", Cause.TLS_PROTOCOL, None,
        document(custom("o.example", OriginSslProtocols=items("SSLv3", "TLSv1.2"))),
    ),
    (
        "tls13_in_api", "fault", Cause.DISTRIBUTION, None,
        document(custom("o.example", OriginSslProtocols=items("TLSv1.2", "TLSv1.3"))),
    ),
    ("port_not_allowed", "fault", Cause.DISTRIBUTION, None, document(custom("o.example", HTTPSPort=444))),
    ("s3_path_style", "warning", Cause.DISTRIBUTION, None, document(custom("s3.eu-west-1.amazonaws.com"))),
    ("s3_accelerate", "warning", Cause.DISTRIBUTION, None, document(custom("b.s3-accelerate.amazonaws.com"))),
    ("origin_is_own_name", "warning", Cause.DISTRIBUTION, None, document(custom("WWW.example.com"))),
    ("chained", "info", Cause.DISTRIBUTION, None, document(custom("d222222abcdef8.cloudfront.net"))),
    (
        "custom_header_denied", "warning", Cause.DISTRIBUTION, None,
        document({**custom("o.example"), "CustomHeaders": items(HEADER, {"HeaderName": "X-Amz-Key", "HeaderValue": "x"})}),
    ),
    ("target_missing", "fault", Cause.DISTRIBUTION, None, document(default=behavior("gone"))),
    (
        "member_missing", "fault", Cause.DISTRIBUTION, None,
        document(*PAIR, default=behavior("pair"), OriginGroups=items(group("a", "gone"))),
    ),
    (
        "group_size", "fault", Cause.DISTRIBUTION, None,
        document(*PAIR, default=behavior("pair"), OriginGroups=items(group("a"))),
    ),
    (
        "failover_criteria", "info", Cause.DISTRIBUTION, None,
        document(*PAIR, default=behavior("pair"), OriginGroups=items(group("a", "b", codes=(500, 502)))),
    ),
    (
        "legacy_ignored", "info", Cause.DISTRIBUTION, None,
        document(default=behavior(ForwardedValues={"QueryString": True, "Headers": items("Host")})),
    ),
    (
        "host_by_cache_policy", "warning", Cause.DISTRIBUTION, None,
        document(default=behavior(CachePolicyId=ORIGIN_HEADERS)),
    ),
    ("disabled", "info", Cause.DISTRIBUTION, None, document(Enabled=False)),
    ("unknown_fields", "info", Cause.DISTRIBUTION, None, document(Tomorrow=1)),
    ("malformed", "warning", Cause.DISTRIBUTION, None, document(Comment="", HttpVersion="http2", Aliases="www.example.com")),
    (
        "error_masked", "info", Cause.DISTRIBUTION, None,
        document(CustomErrorResponses=items({"ErrorCode": 502, "ResponseCode": "200", "ResponsePagePath": "/s.html"})),
    ),
    ("in_progress", "info", Cause.DISTRIBUTION, None, {"Distribution": {**document()["Distribution"], "Status": "InProgress"}}),
    ("ok", "ok", Cause.DISTRIBUTION, None, document()),
]  # fmt: skip


@pytest.mark.parametrize(("code", "status", "of", "answer", "source"), MISTAKES, ids=[m[0] for m in MISTAKES])
def test_mistakes(code: str, status: str, of: Cause, answer: int | None, source: dict[str, Any]) -> None:
    found = judge(source)
    (finding,) = [f for f in found if f.code == f"distribution.{code}"]
    assert (finding.status, finding.cause, finding.cloudfront_status) == (status, of, answer)
    # nothing else is at fault in this configuration, and a fault speaks against "no known mistake"
    assert {f.code for f in found if f.status is Status.FAULT} <= {finding.code}
    assert any(f.status is Status.OK for f in found) is (status not in ("fault", "warning"))
    for each in found:
        complete(each)


def complete(finding: Finding) -> None:
    assert finding.title.endswith(".")
    assert finding.meaning
    assert finding.source.startswith("https://")
    assert all(e.observation in ("input:distribution", "input:origin") and e.says for e in finding.evidence)
    if finding.status in (Status.FAULT, Status.WARNING):
        assert finding.evidence
        assert finding.remedy.steps
        assert finding.verify.text
        assert shlex.split(finding.reproduce, comments=True)
    for command in (finding.reproduce, finding.verify.command, *(s.command for s in finding.remedy.steps)):
        shlex.split(command, comments=True)


def test_every_result_code_is_tried_here() -> None:
    tried = {f"distribution.{m[0]}" for m in MISTAKES} | {"distribution.origin_port_not_allowed"}
    assert tried == {rule.code for rule in distribution_rules.RULES}


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(document(custom(WEBSITE, "http-only")), id="S3 website by http"),
        pytest.param(document(custom("o.example", "http-only", HTTPSPort=8080)), id="HTTPS port that is not used"),
        pytest.param(
            document(custom(BALANCER), default=behavior(OriginRequestPolicyId=ALL_VIEWER)),
            id="load balancer, Host forwarded",
        ),
        pytest.param(document(custom(BALANCER, "http-only")), id="load balancer by http"),
        pytest.param(
            document(custom("o.example", "http-only", OriginSslProtocols=items("SSLv3"))), id="SSLv3, not used"
        ),
        pytest.param(document(custom("o.example", OriginSslProtocols=items("TLSv1.2"))), id="TLS 1.2 as minimum"),
        pytest.param(
            document(
                {
                    "Id": "web",
                    "DomainName": "b.s3.eu-west-1.amazonaws.com",
                    "S3OriginConfig": {"OriginAccessIdentity": ""},
                }
            ),
            id="S3 bucket",
        ),
        pytest.param(
            document({"Id": "web", "DomainName": f"internal-{BALANCER}", "VpcOriginConfig": {"VpcOriginId": "vo_1"}}),
            id="VPC origin",
        ),
        pytest.param(document(*PAIR, default=behavior("pair"), OriginGroups=items(group("a", "b"))), id="origin group"),
        pytest.param(
            document(
                {**custom("o.example"), "CustomHeaders": items({"HeaderName": "X-Origin-Key", "HeaderValue": "x"})}
            ),
            id="custom header",
        ),
    ],
)
def test_what_is_no_mistake(source: dict[str, Any]) -> None:
    assert [f.code for f in judge(source)] == ["distribution.ok"]


def test_match_viewer_is_at_fault_only_for_viewers_of_that_scheme() -> None:
    source = document(custom(WEBSITE, "match-viewer"), default=behavior(ViewerProtocolPolicy="allow-all"))
    assert [f.code for f in judge(source, url="http://www.example.com/")] == ["distribution.ok"]
    assert [f.code for f in judge(source, url="https://www.example.com/")] == ["distribution.s3_website_https"]


def test_mistakes_beside_the_urls_path_are_warnings() -> None:
    source = document(
        custom("o.example"), custom("192.0.2.10", identity="old"),
        CacheBehaviors=items(behavior("old", PathPattern="/old/*"), behavior("gone", PathPattern="/gone/*")),
    )  # fmt: skip

    def statuses(url: str) -> dict[str, str]:
        return {f.code: f.status for f in judge(source, url=url)}

    assert statuses(URL) == {"distribution.target_missing": "warning", "distribution.ip_address": "warning"}
    assert statuses("https://www.example.com/old/x")["distribution.ip_address"] == "fault"
    assert statuses("")["distribution.target_missing"] == "fault"


def test_a_behavior_without_a_target_is_at_fault_for_its_own_url() -> None:
    ways = (behavior("gone", PathPattern="/gone/*"), behavior("lost", PathPattern="/lost/*"))
    gone, lost = judge(document(CacheBehaviors=items(*ways)), url="https://www.example.com/gone/x")
    assert (gone.code, gone.status) == ("distribution.target_missing", Status.FAULT)
    assert (lost.code, lost.status) == ("distribution.target_missing", Status.WARNING)


def test_a_finding_about_an_origin_names_its_target() -> None:
    found = judge(document(custom("o.example", HTTPSPort=444)))
    assert [f.target for f in found] == ["web:444"]


def test_evidence_points_to_the_place() -> None:
    (finding,) = judge(document(custom("192.0.2.10")))
    (evidence,) = finding.evidence
    assert evidence.observation == "input:distribution"
    assert evidence.says == "Origins.Items[0].DomainName: '192.0.2.10' is an IP address"
    assert finding.reproduce == (
        "aws cloudfront get-distribution-config --id E1EXAMPLE --query 'DistributionConfig.Origins.Items[0].DomainName'"
    )


@pytest.mark.parametrize(
    ("origin", "code"),
    [
        ("shop.example.com:22", "origin_port_not_allowed"),
        (WEBSITE, "s3_website_https"),
        (BALANCER, "aws_name_https"),
        ("http://a.execute-api.eu-west-1.amazonaws.com", "service_plain_http"),
    ],
)
def test_an_origin_by_itself_gives_warnings_only(origin: str, code: str) -> None:
    found = cause.judge_plan(plan.of_origin(origin), None, policies.Policies())
    assert [(f.code, f.status) for f in found] == [(f"distribution.{code}", Status.WARNING)]
    assert found[0].evidence[0].observation == "input:origin"
    complete(found[0])


def test_a_hostile_name_cannot_break_out_of_a_command_or_a_line() -> None:
    (finding,) = [f for f in judge(document(custom("x'; rm -rf / #\x1b[2J\n"))) if f.status is Status.FAULT]
    assert "\x1b" not in finding.title
    assert "\n" not in finding.title
    complete(finding)


def test_a_case_is_judged_from_its_recording_alone() -> None:
    incident = Incident.load(distribution=document(custom(WEBSITE)), url=URL)
    moment = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
    observations = Observations(recorded_at=moment, inputs=incident.inputs)
    case = Case(target=incident.targets[0], observations=observations, at=moment, roots=TrustStore("none", ()))
    assert cause.judge_case(case) == incident.findings
    empty = Observations(recorded_at=moment)
    assert cause.judge_case(Case(target=case.target, observations=empty, at=moment, roots=case.roots)) == ()


values = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 70_000), st.text(max_size=30),
    st.sampled_from([WEBSITE, BALANCER, "192.0.2.1", "a:1", "SSLv3", "TLSv1.3", "pair", "Host", "{{x}}"]),
    st.lists(st.sampled_from(["SSLv3", "TLSv1.2", "TLSv1.3", 3]), max_size=3).map(lambda v: items(*v)),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    domain=values,
    member=st.dictionaries(
        st.sampled_from(["HTTPPort", "HTTPSPort", "OriginProtocolPolicy", "OriginSslProtocols"]), values
    ),
    members=st.lists(st.sampled_from(["web", "gone"]), max_size=3),
    target=st.sampled_from(["web", "pair", "gone"]),
    host=st.sampled_from([OPTIMIZED, ORIGIN_HEADERS, "unknown", ""]),
)
def test_whatever_a_document_holds_every_finding_is_complete(
    domain: Any, member: dict[str, Any], members: list[str], target: str, host: str
) -> None:
    origin = custom("o.example")
    origin["DomainName"] = domain
    origin["CustomOriginConfig"] |= member
    source = document(origin, default=behavior(target, CachePolicyId=host), OriginGroups=items(group(*members)))
    try:
        found = judge(source)
    except BadInput:
        return
    assert found
    for finding in found:
        complete(finding)
