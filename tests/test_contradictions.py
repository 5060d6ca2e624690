"""Two witnesses that cannot both be right: both sides are named, with why that may be and what decides."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cfrunbook as cf
from cfrunbook import contradictions, direct_evidence, joining
from cfrunbook.aws_facts import (
    AcmCertificate,
    AwsFacts,
    HostedZone,
    Listener,
    LoadBalancer,
    Metrics,
    RecordSet,
)
from cfrunbook.causes import registry
from cfrunbook.cloudfront import captured_response, distribution_reader
from cfrunbook.contradictions.reasons import noun
from cfrunbook.evidence import Handshake, HandshakeOutcome, Observations
from cfrunbook.findings import Contradiction, Evidence, Finding, Status, Witness
from cfrunbook.joining import Scene
from cfrunbook.verdicts import verdict
from tests.captures import curl
from tests.findings import made

CAPTURED = dt.datetime(2026, 11, 22, 18, 0, tzinfo=dt.UTC)  # the Date of `curl`
LATER = dt.datetime(2026, 11, 22, 19, 8, tzinfo=dt.UTC)
NAME = "origin.example.com"
TARGET = f"{NAME}:443"
RULES = registry.rules()
INCIDENT = cf.Incident.load(origin=NAME)


def finding(code: str, **data: Any) -> Finding:
    """Return what a rule says of the target, by the witness that its kind of rule has."""
    is_response = code.startswith("cloudfront.") or code in _OF_RESPONSES
    where = "connection-1"
    if is_response:
        where = "input:response"
    elif "firewall" in code:
        where = "input:firewall"
    elif code in _OF_ACCOUNT:
        where = "input:aws"
    elif code.startswith("edge_function."):
        where = "input:function_result"
    return made(RULES[code], observation=where, target="" if is_response else TARGET, **data)


_OF_RESPONSES = (
    *("dns.cloudfront_cannot_resolve", "origin_response.relayed"),
    *("edge_function.refused_at_edge", "edge_function.failed_at_edge"),
)
_OF_ACCOUNT = {r.code for r in RULES.values() if "alb_" in r.code or "route53" in r.code or "metrics" in r.code} | {
    "distribution.targets_healthy"
}


def scene(*codes: str, recorded: dt.datetime = LATER, findings: tuple[Finding, ...] = (), **more: Any) -> Scene:
    observations = more.pop("observations", Observations(recorded_at=recorded, vantage="bastion"))
    responses = tuple(
        captured_response.read(text.encode(), name="c.txt")[0] for text in more.pop("responses", (curl(502),))
    )
    return Scene(
        findings=(*findings, *map(finding, codes)), observations=observations, at=LATER, responses=responses, **more
    )


def one(of: Scene) -> Contradiction:
    (found,) = contradictions.find(of)
    return found


# The two findings that do not go together, what that is called, and a word of the likely reason.
PAIRS = [
    ("dns.cloudfront_cannot_resolve", "dns.ok", "cloudfront_says_fault", "put right meanwhile"),
    ("origin_response.relayed", "origin_response.ok", "cloudfront_says_fault", "put right meanwhile"),
    ("edge_function.refused_at_edge", "edge_function.ok", "cloudfront_says_fault", "not that of the request"),
    ("cloudfront.page_without_reason", "port.ok", "cloudfront_has_error", "put right meanwhile"),
    ("cloudfront.timeout", "origin_response.ok", "cloudfront_has_error", "put right meanwhile"),
    ("origin_response.relayed", "port.dropped", "cloudfront_reached_origin", "broken meanwhile"),
    ("origin_response.relayed", "dns.nxdomain", "cloudfront_reached_origin", "broken meanwhile"),
    ("origin_response.relayed", "certificate.expired", "cloudfront_reached_origin", "broken meanwhile"),
    ("origin_response.relayed", "port.alb_listener_missing", "cloudfront_reached_origin", "another origin"),
    ("cloudfront.timeout", "port.refused", "status_differs", "changed meanwhile"),
    ("origin_response.relayed", "port.firewall_blocks_all", "firewall_blocks_but_reached", "those in effect"),
    ("cloudfront.timeout", "port.firewall_allows", "firewall_allows_but_timeout", "another filter"),
    ("port.dropped", "port.firewall_open_to_all", "firewall_open_but_silent", "those in effect"),
    ("distribution.targets_healthy", "port.dropped", "targets_healthy_but_unreachable", "allow list"),
    ("origin_response.alb_targets_unhealthy", "origin_response.ok", "targets_unhealthy_but_answers", "another target"),
    ("origin_response.alb_no_targets", "origin_response.ok", "targets_unhealthy_but_answers", "another target"),
    ("port.alb_listener_missing", "port.ok", "no_listener_but_open", "leads elsewhere"),
]


@pytest.mark.parametrize(("first", "second", "code", "reason"), PAIRS)
def test_two_findings_that_cannot_both_hold(first: str, second: str, code: str, reason: str) -> None:
    facts = AwsFacts(fetched_at=LATER)
    found = {c.code: c for c in contradictions.find(scene(first, second, facts=facts))}
    assert code in found
    told = found[code]
    assert {side.code for side in told.sides} == {first, second}
    assert reason in " ".join(told.reasons)
    assert named(told)


def named(told: Contradiction) -> bool:
    """Tell whether both sides are said in the sentence, and everything else is there."""
    sentence = told.sentence.lower().replace("“", "")
    sides = [side for side in told.sides if side.says and noun(side).lower() in sentence]
    return len(sides) == 2 and bool(told.reasons) and bool(told.next_check)


# What goes together, though one is well and one is not.
FINE = [
    ("dns.cloudfront_cannot_resolve", "port.ok"),
    ("dns.cloudfront_cannot_resolve", "dns.nxdomain"),
    ("origin_response.relayed", "origin_response.origin_status"),
    ("cloudfront.page_without_reason", "port.refused"),
    ("cloudfront.could_not_connect", "port.refused"),
    ("cloudfront.timeout", "port.silent"),
    ("cloudfront.ok", "origin_response.ok"),
    ("port.firewall_allows", "port.dropped"),
    ("distribution.targets_healthy", "port.ok"),
]


@pytest.mark.parametrize("codes", FINE)
def test_what_goes_together_is_no_contradiction(codes: tuple[str, str]) -> None:
    known = {"candidates": ["port", "tls_protocol"]}
    found = tuple(finding(code, **known) for code in codes)
    assert contradictions.find(scene(findings=found, facts=AwsFacts(fetched_at=LATER))) == ()


def test_a_fault_of_another_target_does_not_say_that_the_origin_is_out_of_reach() -> None:
    elsewhere = msgspec.structs.replace(finding("port.refused"), target="b:443")
    assert contradictions.find(scene("origin_response.relayed", "port.ok", findings=(elsewhere,))) == ()


def test_a_page_that_speaks_of_the_connection_goes_with_what_it_may_mean_only() -> None:
    said = finding("cloudfront.could_not_connect", candidates=["port", "tls_protocol", "certificate", "tls_name"])
    told = one(scene("dns.nxdomain", findings=(said,)))
    assert (told.code, told.cause) == ("page_speaks_of_another", "dns")


def test_what_a_log_says_is_not_told_as_of_a_page() -> None:
    """A log is no response: it has errors, and it ends at some time."""
    open_one = finding("cloudfront.logged_could_not_connect", candidates=["port", "certificate"])
    logged = msgspec.structs.replace(
        open_one,
        status=Status.UNKNOWN,
        cloudfront_status=502,
        evidence=(Evidence(observation="input:logs", says="the access log"),),
    )
    for codes, code, says in (
        (("dns.nxdomain",), "log_names_another", "The access log names an error that has other causes; the look from"),
        (("port.ok",), "cloudfront_has_error", "The access log has 502s; the look from bastion finds no fault"),
    ):
        told = one(scene(*codes, findings=(logged,), responses=(), logged_until=CAPTURED))
        assert (told.code, told.sides[0].witness) == (code, "access_logs")
        assert told.sentence.startswith(says)
        assert not any("page" in reason for reason in told.reasons)
        assert "the access log is of 2026-11-22 18:00:00 UTC, the look from bastion 68 minutes later" in told.reasons[0]


# --- why ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("recorded", "says"),
    [
        (LATER, "put right meanwhile: the captured response is of 2026-11-22 18:00:00 UTC, the look from bastion 68 minutes later"),
        (CAPTURED - dt.timedelta(hours=5), "broken meanwhile: the look from bastion is of 2026-11-22 13:00:00 UTC"),
        (CAPTURED + dt.timedelta(days=9), "9 days later"),
        (CAPTURED + dt.timedelta(seconds=30), ""),
    ],
)  # fmt: skip
def test_moments_are_compared(recorded: dt.datetime, says: str) -> None:
    told = one(scene("dns.cloudfront_cannot_resolve", "dns.ok", recorded=recorded))
    assert says in told.reasons[0]
    assert says or not any("meanwhile" in reason for reason in told.reasons)


def test_without_a_moment_it_may_have_been_put_right_and_that_comes_last() -> None:
    told = one(scene("dns.cloudfront_cannot_resolve", "dns.ok", responses=(curl(502, Date=None),)))
    assert "of when the captured response is, is not known" in told.reasons[-1]


def test_what_is_known_comes_before_what_may_be() -> None:
    at_once = {"recorded": CAPTURED}
    reached = one(scene("origin_response.relayed", "port.dropped", "port.firewall_allows", **at_once))
    assert reached.reasons[0] == "The origin's firewall lets in CloudFront's addresses, and not bastion."
    cached = one(
        scene("dns.cloudfront_cannot_resolve", "dns.ok", findings=(finding("cloudfront.error_cached", age=7),))
    )
    assert cached.reasons[0] == "The response came from CloudFront's cache, 7 s old, so the fault may be over."


# --- what was given, and the account --------------------------------------------------------------------------------


def test_a_response_that_a_function_made_goes_against_a_result_that_breaks_a_rule() -> None:
    code = next(c for c in RULES if c.startswith("edge_function.lambda_edge.") and RULES[c].status is Status.FAULT)
    told = one(scene(code, responses=(curl(200, x_cache="LambdaGeneratedResponse"),)))
    assert told.code == "function_accepted"
    assert named(told)
    assert contradictions.find(scene(code, responses=(curl(200, x_cache="FunctionGeneratedResponse"),))) == ()


def test_a_response_of_another_host_than_the_distribution_serves() -> None:
    document = {"Id": "E1", "DomainName": "d1.cloudfront.net", "Origins": {"Items": [{"Id": "a", "DomainName": NAME,
        "CustomOriginConfig": {"OriginProtocolPolicy": "https-only"}}]}, "DefaultCacheBehavior": {"TargetOriginId": "a",
        "ViewerProtocolPolicy": "allow-all"}}  # fmt: skip
    distribution = distribution_reader.load(document)

    def asked(host: str) -> tuple[Contradiction, ...]:
        known = scene(distribution=distribution)
        (response,) = known.responses
        of = msgspec.structs.replace(response, url=f"https://{host}/x")
        return contradictions.find(msgspec.structs.replace(known, responses=(of,)))

    assert asked("d1.cloudfront.net") == ()
    (told,) = asked("www.elsewhere.example")
    assert "www.elsewhere.example" in told.sentence
    assert named(told)


def test_resolvers_that_differ_are_two_sides() -> None:
    said = {"name": NAME, "resolver_capital": "Resolver 10.0.0.2", "resolver_says": "says 10.1.1.1",
            "servers_say": "203.0.113.10", "why_different": "This resolver sees a private view."}  # fmt: skip
    told = one(scene(findings=(finding("dns.resolver_differs", **said),)))
    assert [side.says for side in told.sides] == [
        "The zone's own servers say 203.0.113.10 for origin.example.com.",
        "Resolver 10.0.0.2 says 10.1.1.1 for origin.example.com.",
    ]
    assert told.reasons == ("This resolver sees a private view.",)


def balancer(certificate_maker: Any, *, in_acm: dt.timedelta) -> tuple[AwsFacts, Observations]:
    """Return a load balancer whose certificate in ACM is `in_acm` longer valid than what the origin presents."""
    from cfrunbook.x509.certificate import read

    der = certificate_maker
    leaf = read(der)
    assert leaf.not_after is not None
    acm = AcmCertificate(
        arn="arn:1", names=(NAME,), not_before=leaf.not_before, not_after=leaf.not_after + in_acm, status="ISSUED"
    )
    listener = Listener(arn="arn:l", port=443, protocol="HTTPS", default_certificate="arn:1", certificates=("arn:1",))
    lb = LoadBalancer(domain=NAME, arn="arn:lb", name="web", dns_name="web.elb.example", listeners=(listener,))
    hello = Handshake(
        id="handshake-1", host=NAME, port=443, address="203.0.113.10", sni=NAME, offer="cloudfront-TLSv1.2",
        outcome=HandshakeOutcome.HELLO, certificates=(der,),
    )  # fmt: skip
    seen = Observations(recorded_at=LATER, vantage="bastion", handshakes=(hello,))
    return AwsFacts(fetched_at=LATER, load_balancers=(lb,), certificates=(acm,)), seen


def leaf_der() -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    made_one = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(LATER - dt.timedelta(days=90))
        .not_valid_after(LATER + dt.timedelta(days=2))
        .sign(key, hashes.SHA256())
    )
    return made_one.public_bytes(serialization.Encoding.DER)


def test_a_certificate_renewed_in_acm_that_is_not_the_one_presented() -> None:
    der = leaf_der()
    facts, seen = balancer(der, in_acm=dt.timedelta(days=300))
    told = one(scene(facts=facts, observations=seen, targets=INCIDENT.targets, responses=()))
    assert told.code == "other_certificate_served"
    assert told.target == TARGET
    assert "renewed in ACM" in told.reasons[0]
    assert f"-connect web.elb.example:443 -servername {NAME}" in told.next_check
    assert named(told)
    facts, seen = balancer(der, in_acm=dt.timedelta())
    assert contradictions.find(scene(facts=facts, observations=seen, responses=())) == ()


def test_a_record_in_route_53_for_a_name_that_does_not_resolve() -> None:
    record = RecordSet(name=NAME, type="A", values=("203.0.113.10",))
    zone = HostedZone(domain=NAME, id="Z1", name="example.com", records=(record,))
    facts = AwsFacts(fetched_at=LATER, hosted_zones=(zone,))
    denied = finding("dns.nxdomain", name=NAME)
    told = one(scene(findings=(denied,), facts=facts, responses=()))
    assert told.code == "record_but_no_address"
    assert named(told)
    explained = finding("dns.route53_not_delegated")
    assert contradictions.find(scene(findings=(denied, explained), facts=facts, responses=())) == ()


@pytest.mark.parametrize(("start", "told"), [(CAPTURED - dt.timedelta(hours=1), True), (LATER, False)])
def test_a_captured_502_in_a_time_in_which_cloudwatch_has_none(start: dt.datetime, told: bool) -> None:
    metrics = Metrics(start=start, end=start + dt.timedelta(hours=3), period=60)
    found = contradictions.find(scene("distribution.metrics_no_502", facts=AwsFacts(fetched_at=LATER, metrics=metrics)))
    assert [c.code for c in found] == (["captured_but_not_counted"] if told else [])
    assert all(map(named, found))


# --- whatever comes together ------------------------------------------------------------------------------------------

SOURCES = ("connection-1", "input:response", "input:aws", "input:firewall", "input:function_result", "input:log")
ANY = st.lists(
    st.builds(
        lambda code, where, target, sure: made(
            RULES[code],
            observation=where,
            target=target,
            confidence=sure,
            candidates=["port", "certificate"],
            intermittent=sure == "low",
        ),
        st.sampled_from(sorted(RULES)),
        st.sampled_from(SOURCES),
        st.sampled_from(["", TARGET]),
        st.sampled_from(["high", "medium", "low"]),
    ),
    max_size=6,
)


@given(ANY, st.booleans())
def test_whatever_was_found_the_verdict_is_founded_and_both_sides_are_named(
    found: list[Finding], fetched: bool
) -> None:
    facts = AwsFacts(fetched_at=LATER) if fetched else None
    known = scene(findings=tuple(found), facts=facts, targets=INCIDENT.targets)
    differing = contradictions.find(known)
    told = verdict(INCIDENT, found, (), vantage="bastion", contradictions=differing)
    faults = [f for f in found if f.status is Status.FAULT]
    direct = [f for f in faults if direct_evidence.is_direct(f)]
    assert (told.status == "fault") == bool(faults)
    if direct:
        assert told.cause in {cause for f in direct for cause in direct_evidence.causes_of(f)}
    if told.status != "fault":
        assert told.next_check
    assert told.next_check or told.cloudfront_status in (None, 502)
    assert all(map(named, differing))
    rows = {row.cause: row for row in joining.causes(known)}
    for row in rows.values():
        assert (row.status == "fault") == any(f.cause is row.cause for f in faults)
        assert row.why
        weights = [{"direct": 0, "strong": 1, "weak": 2, "open": 3}[s.strength] for s in row.evidence_for]
        assert weights == sorted(weights)
        assert all(s.says and s.witness in Witness for s in (*row.evidence_for, *row.evidence_against, *row.missing))
        assert all(f.title in {s.says for s in row.evidence_for} for f in faults if f.cause is row.cause)


def test_a_page_that_leaves_causes_open_is_weak_evidence_for_each_and_an_answer_of_the_origin_against() -> None:
    said = finding("cloudfront.could_not_connect", candidates=["port", "certificate"])
    rows = {row.cause: row for row in joining.causes(scene("port.ok", findings=(said,)))}
    assert [(s.witness, s.strength) for s in rows[cf.Cause.PORT].evidence_for] == [("captured_response", "weak")]
    assert rows[cf.Cause.PORT].status == "ok"
    assert rows[cf.Cause.TLS_NAME].evidence_for == ()
    rows = {row.cause: row for row in joining.causes(scene("origin_response.relayed", "port.dropped"))}
    assert [(s.code, s.strength) for s in rows[cf.Cause.PORT].evidence_against] == [
        ("origin_response.relayed", "direct")
    ]
    assert rows[cf.Cause.PORT].missing[0].seen_from == "bastion"
