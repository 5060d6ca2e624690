"""What one resolver's answer means: a table of answers and conclusions, and what must never be concluded."""

from __future__ import annotations

import asyncio
import datetime as dt
import subprocess
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.causes import dns
from cfrunbook.causes.case import Case
from cfrunbook.cloudfront.targets import Target
from cfrunbook.evidence import Inputs, Observations, Resolution, ResolutionOutcome
from cfrunbook.findings import Finding, Stage, Status
from cfrunbook.probes.resolve import resolve
from cfrunbook.x509.roots import from_der

NOW = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
HOST = "shop.example.com"
GLOBAL = "203.0.113.10"


def resolution(outcome: str = "answer", **more: Any) -> Resolution:
    fields = {"id": "resolution-1", "name": HOST, "resolver": "system", "elapsed_ms": 12.0, **more}
    return Resolution(outcome=ResolutionOutcome(outcome), **fields)


def judge(*seen: Resolution, lab: str = "", **more: Any) -> tuple[Finding, ...]:
    fields = {"id": "shop:443", "origin_id": "shop", "domain": HOST, "port": 443, "protocol": "https", **more}
    observations = Observations(recorded_at=NOW, resolutions=seen, inputs=Inputs(lab=lab))
    case = Case(target=Target(**fields), observations=observations, at=NOW, roots=from_der([], name="none"))
    return dns.judge_case(case)


# the answer, IpAddressType -> code, status, CloudFront's status, what the title says
CASES = [
    (
        resolution(ipv4=(GLOBAL,)),
        "ipv4",
        "ok",
        "ok",
        None,
        f"{HOST} resolves to {GLOBAL}, says this machine's resolver.",
    ),
    (
        resolution(ipv4=(GLOBAL, "203.0.113.11"), cnames=("lb.example.net",)),
        "ipv4",
        "ok",
        "ok",
        None,
        f"resolves to {GLOBAL} and 203.0.113.11 by way of lb.example.net, says",
    ),
    (resolution(ipv6=("2001:db8::1",)), "ipv6", "ok", "ok", None, "resolves to 2001:db8::1"),
    (resolution(ipv6=("2001:db8::1",)), "dualstack", "ok", "ok", None, "resolves to 2001:db8::1"),
    (
        resolution(ipv6=("2001:db8::1",)),
        "ipv4",
        "wrong_family",
        "fault",
        502,
        f"{HOST} has only IPv6 addresses (2001:db8::1), and CloudFront connects to this origin over IPv4 only.",
    ),
    (resolution(ipv4=(GLOBAL,)), "ipv6", "wrong_family", "fault", 502, f"has only IPv4 addresses ({GLOBAL})"),
    (
        resolution(ipv4=("10.0.3.7",)),
        "ipv4",
        "private_address",
        "unknown",
        504,
        f"{HOST} resolves to 10.0.3.7, a private address (RFC 1918), and CloudFront cannot reach that.",
    ),
    (resolution(ipv4=("10.0.3.7",), resolver="8.8.8.8"), "ipv4", "private_address", "fault", 504, "10.0.3.7"),
    (resolution(ipv4=("10.0.3.7",), resolver="[2620:fe::fe]:53"), "ipv4", "private_address", "fault", 504, "10.0.3.7"),
    (resolution(ipv4=("10.0.3.7",), resolver="127.0.0.1:5353"), "ipv4", "private_address", "unknown", 504, "10.0.3.7"),
    (resolution(ipv4=("10.0.3.7",), resolver="not one"), "ipv4", "private_address", "unknown", 504, "10.0.3.7"),
    (
        resolution(ipv4=("10.0.3.7", GLOBAL)),
        "ipv4",
        "private_address",
        "unknown",
        504,
        "resolves to 10.0.3.7 (1 of 2 addresses), a private address",
    ),
    (
        resolution(ipv4=("100.64.0.1",)),
        "ipv4",
        "private_address",
        "unknown",
        504,
        "a shared address (carrier-grade NAT)",
    ),
    (resolution(ipv6=("fd00::1",)), "ipv6", "private_address", "unknown", 504, "a unique local address (RFC 4193)"),
    # The family that CloudFront does not use may have what addresses it likes.
    (resolution(ipv4=(GLOBAL,), ipv6=("fd00::1",)), "ipv4", "ok", "ok", None, f"resolves to {GLOBAL}, says"),
    (
        resolution("nxdomain"),
        "ipv4",
        "resolver_nxdomain",
        "unknown",
        502,
        f"{HOST} does not exist, says this machine's resolver.",
    ),
    (
        resolution("nxdomain", cnames=("gone.example.net",)),
        "ipv4",
        "resolver_dangling_alias",
        "unknown",
        502,
        f"{HOST} is an alias of gone.example.net, which does not exist",
    ),
    (resolution("nodata"), "ipv4", "resolver_nodata", "unknown", 502, "exists but has no address"),
    (resolution(), "ipv4", "resolver_nodata", "unknown", 502, "exists but has no address"),
    (
        resolution("servfail"),
        "ipv4",
        "resolver_servfail",
        "unknown",
        502,
        f"This machine's resolver cannot resolve {HOST}",
    ),
    (
        resolution("refused", resolver="192.0.2.53"),
        "ipv4",
        "resolver_refused",
        "unknown",
        502,
        "192.0.2.53 refuses to resolve",
    ),
    (resolution("timeout", elapsed_ms=3000.0), "ipv4", "resolver_timeout", "unknown", 502, "did not say within 3.0 s"),
    (
        resolution("error", detail="no resolver"),
        "ipv4",
        "not_asked",
        "unknown",
        502,
        "from here, by this machine's resolver: no resolver.",
    ),
]


@pytest.mark.parametrize(("seen", "ip_address_type", "code", "status", "cloudfront_status", "title"), CASES)
def test_what_was_answered_and_what_it_means(
    seen: Resolution, ip_address_type: str, code: str, status: str, cloudfront_status: int | None, title: str
) -> None:
    (finding,) = judge(seen, ip_address_type=ip_address_type)
    assert (finding.code, finding.status) == (f"dns.{code}", Status(status))
    assert finding.cloudfront_status == cloudfront_status
    assert title in finding.title
    assert (finding.target, finding.stage) == ("shop:443", Stage.DNS)
    assert [e.observation for e in finding.evidence] == ["resolution-1"]
    assert bool(finding.next_check) == (finding.status is Status.UNKNOWN)


def test_some_private_addresses_in_public_dns_fail_some_requests() -> None:
    (finding,) = judge(resolution(ipv4=("10.0.3.7", GLOBAL), resolver="8.8.8.8"))
    assert finding.status is Status.FAULT
    assert finding.title.endswith("and CloudFront cannot reach that; some requests fail.")
    assert finding.data["intermittent"] is True


def test_a_name_is_observed_and_judged_as_it_is() -> None:
    of = Target(id="s:443", origin_id="s", domain="shop.localhost", port=443, protocol="https")
    seen = asyncio.run(dns.observe(of, deadline=1))
    assert [f.code for f in dns.judge((seen,), target=of)] == ["dns.localhost"]


def test_a_relocated_name_was_not_examined() -> None:
    assert judge(resolution("relocated", resolver="connect-to")) == ()
    assert judge() == ()


def test_in_a_lab_the_resolver_plays_public_dns() -> None:
    (finding,) = judge(resolution(ipv4=("10.0.3.7",), resolver="127.0.0.1:5353"), lab="dns-private-address")
    assert (finding.code, finding.status) == ("dns.private_address", Status.FAULT)


def test_an_internal_load_balancer_is_private_for_everybody() -> None:
    name = "internal-shop-1234.eu-west-1.elb.amazonaws.com"
    (finding,) = judge(resolution(name=name, ipv4=("10.0.3.7",)), domain=name)
    assert (finding.code, finding.status) == ("dns.private_address", Status.FAULT)


def test_an_instance_name_resolves_privately_inside_its_vpc_and_that_is_no_fault() -> None:
    name = "ec2-203-0-113-25.compute-1.amazonaws.com"
    (finding,) = judge(resolution(name=name, ipv4=("10.0.3.7",)), domain=name)
    assert finding.status is Status.UNKNOWN
    assert "dig @1.1.1.1" in finding.next_check


@pytest.mark.parametrize("name", ["localhost", "shop.localhost"])
def test_localhost_is_a_remark(name: str) -> None:
    seen = asyncio.run(resolve(name, deadline=1))
    (finding,) = judge(msgspec.structs.replace(seen, id="resolution-1"), domain=name)
    assert (finding.code, finding.status) == ("dns.localhost", Status.INFO)


def test_each_resolver_is_quoted_for_what_it_said() -> None:
    findings = judge(resolution("nxdomain"), resolution(resolver="8.8.8.8", ipv4=(GLOBAL,), id="resolution-2"))
    assert [f.code for f in findings] == ["dns.resolver_nxdomain", "dns.ok"]
    assert [f.evidence[0].observation for f in findings] == ["resolution-1", "resolution-2"]


@pytest.mark.parametrize(
    ("resolver", "command"),
    [
        ("system", f"dig +nosearch -p 53 {HOST} A {HOST} AAAA"),
        ("8.8.8.8", f"dig @8.8.8.8 -p 53 {HOST} A {HOST} AAAA"),
        ("127.0.0.1:5353", f"dig @127.0.0.1 -p 5353 {HOST} A {HOST} AAAA"),
        ("[::1]:5353, 127.0.0.1", f"dig @::1 -p 5353 {HOST} A {HOST} AAAA"),
        ("$(reboot)", f"dig +nosearch -p 53 {HOST} A {HOST} AAAA"),
    ],
)
def test_the_same_question_can_be_asked_again(resolver: str, command: str) -> None:
    (finding,) = judge(resolution("servfail", resolver=resolver))
    assert finding.reproduce == command


@pytest.mark.parametrize(("seen", "ip_address_type"), [row[:2] for row in CASES])
def test_commands_are_shell(seen: Resolution, ip_address_type: str) -> None:
    (finding,) = judge(seen, ip_address_type=ip_address_type)
    script = "\n".join([finding.reproduce, finding.verify.command, *(s.command for s in finding.remedy.steps)])
    done = subprocess.run(["sh", "-n"], input=script, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


addresses = st.sampled_from([GLOBAL, "2001:db8::1", "10.0.0.1", "::1", "nonsense", "", "\x1b[2J"])
resolutions = st.builds(
    Resolution,
    id=st.sampled_from(["r-1", "r-2"]),
    name=st.just(HOST),
    resolver=st.sampled_from(["system", "connect-to", "8.8.8.8", "127.0.0.1:5353", "x, y", ""]) | st.text(max_size=20),
    outcome=st.sampled_from(ResolutionOutcome),
    ipv4=st.lists(addresses, max_size=3).map(tuple),
    ipv6=st.lists(addresses, max_size=3).map(tuple),
    cnames=st.lists(st.text(max_size=10), max_size=3).map(tuple),
    detail=st.text(max_size=20),
    elapsed_ms=st.floats(0, 1e6),
)


@given(st.lists(resolutions, max_size=4), st.sampled_from(["ipv4", "ipv6", "dualstack"]))
def test_any_answer_is_judged_completely(seen: list[Resolution], ip_address_type: str) -> None:
    findings = judge(*seen, ip_address_type=ip_address_type)
    assert len(findings) == sum(r.outcome is not ResolutionOutcome.RELOCATED for r in seen)
    for finding in findings:
        assert finding.code in {r.code for r in dns.RULES}
        assert "\x1b" not in finding.title + finding.meaning + finding.reproduce
        assert bool(finding.next_check) == (finding.status is Status.UNKNOWN)
        msgspec.json.encode(finding)


@given(resolutions.filter(lambda r: r.outcome is not ResolutionOutcome.ANSWER))
def test_a_resolvers_error_alone_is_never_a_fault(seen: Resolution) -> None:
    assert all(f.status is Status.UNKNOWN for f in judge(seen))
