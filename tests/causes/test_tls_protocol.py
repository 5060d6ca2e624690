"""What CloudFront's hello is answered with, and what that means: a table of cases, then the rules behind all of them."""

from __future__ import annotations

import asyncio
import datetime as dt
import socket
import subprocess
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.causes import tls_protocol
from cfrunbook.causes.case import Case
from cfrunbook.causes.tls_answer_rules import ALERT_MEANINGS
from cfrunbook.causes.tls_protocol import RULES, judge_case
from cfrunbook.cloudfront.targets import ServerName, Target
from cfrunbook.evidence import Exchange, ExchangeOutcome, Handshake, Inputs, Observations
from cfrunbook.evidence import HandshakeOutcome as Outcome
from cfrunbook.findings import Cause, Finding, Stage, Status
from cfrunbook.probes.endpoint import Endpoint
from cfrunbook.x509.roots import from_der

DOMAIN, HOST = "origin.example.com", "www.example.com"
HELLO = {"outcome": Outcome.HELLO, "version": 0x0304, "cipher_suite": 0x1301, "group": 0x17, "certificates": (b"leaf",)}


def name(sni: str) -> ServerName:
    return ServerName(sni=sni, host=sni, acceptable=(sni, DOMAIN), why="")


def target(*names: str, **more: Any) -> Target:
    given = {"tls_minimum": "TLSv1.2", "names": tuple(map(name, names or (DOMAIN,)))} | more
    return Target(id="web:443", origin_id="web", domain=DOMAIN, port=443, protocol="https", **given)


def seen(sni: str | None = DOMAIN, address: str = "192.0.2.1", **more: Any) -> Handshake:
    given = {"id": "", "offer": "cloudfront-TLSv1.2"} | more
    return Handshake(host=DOMAIN, port=443, address=address, sni=sni, **given)


def judge(*handshakes: Handshake, of: Target | None = None, **observed: Any) -> tuple[Finding, ...]:
    numbered = tuple(
        Handshake(**{f: getattr(h, f) for f in h.__struct_fields__} | {"id": f"handshake-{n}"})
        for n, h in enumerate(handshakes, 1)
    )
    at = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
    observations = Observations(recorded_at=at, handshakes=numbered, **observed)
    return judge_case(Case(target=of or target(), observations=observations, at=at, roots=from_der((), name="none")))


def codes(findings: tuple[Finding, ...]) -> dict[str, Status]:
    return {f.code.removeprefix("tls_protocol."): f.status for f in findings}


OK, FAULT, UNKNOWN, WARNING = Status.OK, Status.FAULT, Status.UNKNOWN, Status.WARNING

ONE_HELLO: dict[str, tuple[dict[str, Any], dict[str, Status], str]] = {
    "TLS 1.3": (HELLO, {"ok": OK}, "chooses TLS 1.3 with TLS_AES_128_GCM_SHA256."),
    "a documented suite": (HELLO | {"version": 0x0303, "cipher_suite": 0xC02F}, {"ok": OK}, "TLS 1.2 with ECDHE-RSA-AES128"),
    "an undocumented suite": (
        HELLO | {"version": 0x0303, "cipher_suite": 0x009C},
        {"undocumented_suite": WARNING, "ok": OK},
        "TLS 1.2 with AES128-GCM-SHA256, which CloudFront's documentation does not list",
    ),
    "a client certificate": (
        HELLO | {"client_certificate_requested": True},
        {"client_certificate": UNKNOWN, "ok": OK},
        "asks for a client certificate",
    ),
    "a warning alert": (HELLO | {"warnings": (112, 112)}, {"warning_alert": UNKNOWN, "ok": OK}, "112 (unrecognized_name)."),
    "certificates too large for s2n": (
        HELLO | {"certificates": (bytes(40_000), bytes(40_000))},
        {"too_large": FAULT},
        "certificates of 80000 bytes",
    ),
    "alert 70": ({"outcome": Outcome.ALERT, "alert": 70}, {"no_common_version": FAULT}, "(TLS 1.2 and TLS 1.3): it answers"),
    "an older version": (
        {"outcome": Outcome.MALFORMED, "version": 0x0301, "cipher_suite": 0x2F, "detail": "…"},
        {"no_common_version": FAULT},
        "it chooses TLS 1.0.",
    ),
    "alert 40": ({"outcome": Outcome.ALERT, "alert": 40}, {"no_common_suite": FAULT}, "alert 40 (handshake_failure)"),
    "alert 71": ({"outcome": Outcome.ALERT, "alert": 71}, {"no_common_suite": FAULT}, "alert 71 (insufficient_security)"),
    "alert 80": ({"outcome": Outcome.ALERT, "alert": 80}, {"internal_error": FAULT}, "alert 80 (internal_error)"),
    "alert 47": ({"outcome": Outcome.ALERT, "alert": 47}, {"refused": FAULT}, "alert 47 (illegal_parameter)"),
    "an unknown alert": ({"outcome": Outcome.ALERT, "alert": 200}, {"refused": FAULT}, "alert 200 (unassigned)"),
    "an alert about the name": ({"outcome": Outcome.ALERT, "alert": 112}, {}, ""),
    "close_notify": ({"outcome": Outcome.ALERT, "alert": 0}, {"closed": UNKNOWN}, "alert 0 (close_notify)"),
    "closed once": ({"outcome": Outcome.CLOSED, "bytes_received": 90, "detail": "closed after ServerHello"}, {"closed": UNKNOWN}, "after ServerHello"),
    "reset once": ({"outcome": Outcome.RESET, "bytes_received": 90, "detail": "Connection reset by peer"}, {"reset": UNKNOWN}, "reset by peer"),
    "slow for a while": ({"outcome": Outcome.TIMEOUT, "bytes_received": 1, "elapsed_ms": 5000.0}, {"timeout": UNKNOWN}, "does not complete"),
    "slow as long as CloudFront waits": ({"outcome": Outcome.TIMEOUT, "bytes_received": 1, "elapsed_ms": 10_001.0}, {"timeout": FAULT}, "TLS hello"),
    "malformed": ({"outcome": Outcome.MALFORMED, "detail": "a second HelloRetryRequest"}, {"malformed": FAULT}, "a second Hello"),
    "a suite that was not offered": (
        {"outcome": Outcome.MALFORMED, "version": 0x0303, "cipher_suite": 0x9F, "detail": "DHE, which was not offered"},
        {"malformed": FAULT},
        "which was not offered",
    ),
    "truncated": ({"outcome": Outcome.TRUNCATED, "detail": "closed in the middle"}, {"truncated": FAULT}, "closed in the middle"),
    "too large": ({"outcome": Outcome.TOO_LARGE, "detail": "the flight goes on"}, {"too_large": FAULT}, "the flight goes on"),
    "no TLS": ({"outcome": Outcome.NOT_TLS, "first_bytes": b"HTTP/1.1 400"}, {}, ""),
    "not connected": ({"outcome": Outcome.NOT_CONNECTED}, {}, ""),
}  # fmt: skip


@pytest.mark.parametrize("case", ONE_HELLO)
def test_one_hello(case: str) -> None:
    observed, expected, title = ONE_HELLO[case]
    findings = judge(seen(**observed))
    assert codes(findings) == expected
    if findings:
        first = findings[0]
        assert title in first.title
        assert first.title.startswith(f"{DOMAIN}:443 ")
        assert (first.target, first.cause, first.stage) == ("web:443", Cause.TLS_PROTOCOL, Stage.TLS)
        assert [e.observation for e in first.evidence] == ["handshake-1"]


@pytest.mark.parametrize("case", ONE_HELLO)
def test_every_finding_is_complete(case: str) -> None:
    for finding in judge(seen(**ONE_HELLO[case][0])):
        assert finding.source.startswith("https://")
        assert finding.reproduce.startswith(
            "openssl s_client -connect origin.example.com:443 -servername origin.example.com"
        )
        assert finding.title.count(". ") == 0
        assert not {c for c in finding.title if not c.isprintable()}
        if finding.status is OK:
            assert finding.cloudfront_status is None
            continue
        assert finding.remedy.steps
        assert finding.verify.command
        if finding.status in (FAULT, UNKNOWN):
            assert finding.cloudfront_status == (504 if finding.code.endswith(".timeout") else 502)
        if finding.status is UNKNOWN:
            assert finding.next_check


def test_rules() -> None:
    assert len({r.code for r in RULES}) == len(RULES)
    assert {r.cause for r in RULES} == {tls_protocol.CAUSE}
    assert "no_common_version" in RULES[0].code, "the surest cause is named first"


ALERT_40, ALERT_80 = {"outcome": Outcome.ALERT, "alert": 40}, {"outcome": Outcome.ALERT, "alert": 80}
ALERT_112 = {"outcome": Outcome.ALERT, "alert": 112}
CLOSED, RESET = {"outcome": Outcome.CLOSED, "bytes_received": 90}, {"outcome": Outcome.RESET, "bytes_received": 90}


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        (ALERT_40, {"ok": OK}),
        (ALERT_80, {"ok": OK}),
        (ALERT_112, {"ok": OK}),
        (CLOSED, {"ok": OK}),
        (RESET, {"ok": OK}),
        ({"outcome": Outcome.ALERT, "alert": 70}, {"no_common_version": FAULT, "ok": OK}),
        ({"outcome": Outcome.TRUNCATED}, {"truncated": FAULT, "ok": OK}),
    ],
)
def test_where_another_name_is_served_the_name_is_the_cause(
    refusal: dict[str, Any], expected: dict[str, Status]
) -> None:
    both = target(DOMAIN, HOST)
    assert codes(judge(seen(HOST, **refusal), seen(DOMAIN, **HELLO), of=both)) == expected
    by_name_only = len(expected) == 1
    without = codes(judge(seen(HOST, **refusal), seen(None, **HELLO), of=target(HOST)))
    assert without == (expected if by_name_only else {k: v for k, v in expected.items() if k != "ok"})
    elsewhere = judge(seen(HOST, **refusal), seen(DOMAIN, "192.0.2.2", **HELLO), of=both)
    assert (codes(elsewhere) == {"ok": OK}) == (refusal is ALERT_112), "another address says nothing about the name"


def test_a_hello_without_a_name_counts_only_where_no_name_is_served() -> None:
    assert codes(judge(seen(**HELLO), seen(None, **ALERT_112))) == {"ok": OK}
    assert codes(judge(seen(**HELLO), seen(None, **ALERT_40))) == {"ok": OK}
    findings = judge(seen(HOST, **ALERT_112), seen(None, **HELLO), of=target(HOST))
    assert [(f.code, f.evidence[0].observation) for f in findings] == [("tls_protocol.ok", "handshake-2")]


@pytest.mark.parametrize(("end", "code"), [(CLOSED, "closed"), (RESET, "reset")])
def test_an_end_without_a_word_is_a_fault_only_where_it_is_always_so(end: dict[str, Any], code: str) -> None:
    assert codes(judge(seen(**end))) == {code: UNKNOWN}
    twice = judge(seen(DOMAIN, **end), seen(HOST, **end), of=target(DOMAIN, HOST))
    assert codes(twice) == {code: FAULT}
    assert twice[0].data["confidence"] == "medium"
    sometimes = judge(seen(DOMAIN, **end), seen(DOMAIN, "192.0.2.2", **end), seen(DOMAIN, "192.0.2.3", **HELLO))
    assert codes(sometimes) == {code: UNKNOWN, "ok": OK}


def test_addresses_that_differ_are_named() -> None:
    findings = judge(
        seen(address="192.0.2.1", **HELLO),
        seen(address="192.0.2.2", **ALERT_40),
        seen(address="2001:db8::3", **ALERT_40),
        of=target(ip_address_type="dualstack"),
    )
    assert codes(findings) == {"no_common_suite": FAULT, "ok": OK}
    fault, ok = findings
    assert f"{DOMAIN}:443 on 2 of 3 addresses (192.0.2.2 and 2001:db8::3) refuses" in fault.title
    assert fault.title.endswith("; some requests fail.")
    assert "on 1 of 3 addresses (192.0.2.1) accepts" in ok.title
    assert "some requests fail" not in ok.title
    assert "intermittent" in fault.meaning
    assert (fault.data["intermittent"], fault.data["addresses"]) == (True, ["192.0.2.2", "2001:db8::3"])
    assert fault.reproduce.startswith("openssl s_client -connect 192.0.2.2:443 -servername origin.example.com")
    assert [e.observation for e in fault.evidence] == ["handshake-2", "handshake-3"]


@pytest.mark.parametrize("outcome", [Outcome.CLOSED, Outcome.RESET, Outcome.TIMEOUT])
def test_a_port_where_nobody_speaks_tls_is_left_to_the_cause_port(outcome: Outcome) -> None:
    wordless = seen(outcome=outcome)
    both = target(DOMAIN, HOST)
    assert judge(wordless) == ()
    assert judge(wordless, seen(HOST, outcome=outcome), of=both) == ()
    assert judge(wordless, seen(HOST, outcome=Outcome.NOT_TLS, bytes_received=40), of=both) == ()
    assert judge(seen(outcome=outcome, bytes_received=7)), "it began to speak TLS"
    assert judge(wordless, seen(**ALERT_80, bytes_received=7)), "it speaks TLS to others"
    elsewhere = seen(address="192.0.2.2", **HELLO, bytes_received=900)
    assert codes(judge(wordless, elsewhere)) == {"ok": OK}


def test_only_the_hello_of_cloudfront_counts() -> None:
    assert judge(seen(offer="something-else", **ALERT_40)) == ()
    assert judge() == ()
    assert judge(seen(**ALERT_40), of=Target(**{**plain_fields(target()), "protocol": "http"})) == ()
    old = target(tls_minimum="TLSv1")
    findings = judge(seen(offer="cloudfront-TLSv1", **HELLO | {"version": 0x0302, "cipher_suite": 0xC013}), of=old)
    assert codes(findings) == {"deprecated": WARNING, "ok": OK}


def test_a_minimum_is_lowered_only_where_there_is_a_lower_one() -> None:
    def advice(minimum: str) -> str:
        found = judge(
            seen(offer=f"cloudfront-{minimum}", outcome=Outcome.ALERT, alert=70), of=target(tls_minimum=minimum)
        )
        return " ".join(step.text for step in found[0].remedy.steps)

    assert "lower Minimum origin SSL protocol" in advice("TLSv1.2")
    assert "lower Minimum origin SSL protocol" in advice("TLSv1.1")
    assert "lower" not in advice("TLSv1")


def offering(*names: str, uncertain: tuple[str, ...], **more: Any) -> Target:
    """Return a target to which CloudFront sends `names`, of which the `uncertain` only perhaps."""
    return target(
        **{"names": tuple(msgspec.structs.replace(name(n), certain=n not in uncertain) for n in names)} | more
    )


ALERT_70 = {"outcome": Outcome.ALERT, "alert": 70}
PERHAPS = "d111111abcdef8.cloudfront.net"


@pytest.mark.parametrize("refusal", [ALERT_70, {"outcome": Outcome.ALERT, "alert": 49}, {"outcome": Outcome.TRUNCATED}])
@pytest.mark.parametrize("other", [DOMAIN, None])
def test_what_is_asked_for_comparison_only_is_nobodys_fault(refusal: dict[str, Any], other: str | None) -> None:
    findings = judge(seen(HOST, **HELLO), seen(other, **refusal), of=target(HOST))
    assert codes(findings) == {"ok": OK}
    asked = HELLO | {"client_certificate_requested": True, "warnings": (112,)}
    assert codes(judge(seen(HOST, **HELLO), seen(other, **asked), of=target(HOST))) == {"ok": OK}


@pytest.mark.parametrize(
    ("host", "perhaps", "uncertain", "expected", "confidence"),
    [
        (HELLO, ALERT_70, (PERHAPS,), {"no_common_version": UNKNOWN, "ok": OK}, "low"),
        (ALERT_70, ALERT_70, (PERHAPS,), {"no_common_version": FAULT}, "high"),
        (ALERT_70, ALERT_70, (PERHAPS, HOST), {"no_common_version": FAULT}, "medium"),
        (HELLO, ALERT_70, (PERHAPS, HOST), {"no_common_version": UNKNOWN, "ok": OK}, "low"),
        (ALERT_70, HELLO, (PERHAPS,), {"no_common_version": FAULT, "ok": OK}, "high"),
    ],
)
def test_a_fault_for_a_name_that_may_not_be_sent(
    host: dict[str, Any],
    perhaps: dict[str, Any],
    uncertain: tuple[str, ...],
    expected: dict[str, Status],
    confidence: str,
) -> None:
    findings = judge(seen(HOST, **host), seen(PERHAPS, **perhaps), of=offering(HOST, PERHAPS, uncertain=uncertain))
    assert codes(findings) == expected
    first = findings[0]
    assert first.data.get("confidence", "high") == confidence
    assert ("--policies" in first.next_check) is (first.status is UNKNOWN)
    assert (f"Whether CloudFront sends {PERHAPS} is not certain" in first.meaning) is (first.status is UNKNOWN)


def test_where_every_name_fares_alike_at_one_address_it_does_not_depend_on_the_name() -> None:
    of = offering(HOST, PERHAPS, uncertain=(HOST, PERHAPS))
    findings = judge(
        seen(HOST, **ALERT_70),
        seen(PERHAPS, **ALERT_70),
        seen(HOST, "192.0.2.2", **HELLO),
        seen(PERHAPS, "192.0.2.2", **HELLO),
        of=of,
    )
    assert codes(findings) == {"no_common_version": FAULT, "ok": OK}
    assert findings[0].data["intermittent"] is True


@pytest.mark.parametrize("asks", [{"client_certificate_requested": True}, {"warnings": (112,)}])
def test_what_may_be_fatal_for_a_name_that_may_not_be_sent_is_a_warning(asks: dict[str, Any]) -> None:
    of = offering(HOST, PERHAPS, uncertain=(PERHAPS,))
    one, other = seen(HOST, **HELLO), seen(PERHAPS, **HELLO | asks)
    assert set(codes(judge(one, other, of=of)).values()) == {WARNING, OK}
    assert set(codes(judge(one, other, of=target(HOST, PERHAPS))).values()) == {UNKNOWN, OK}


def test_what_ends_without_a_word_was_seen_again_where_it_was_asked_for_comparison() -> None:
    assert codes(judge(seen(**CLOSED), seen(None, **CLOSED))) == {"closed": FAULT}
    assert codes(judge(seen(**CLOSED), seen(None, **RESET))) == {"closed": UNKNOWN}


def test_a_name_that_nobody_asked_for_is_not_judged() -> None:
    assert judge(seen(DOMAIN, **HELLO), seen(None, **HELLO), of=target(HOST)) == ()


def test_addresses_of_a_family_that_cloudfront_does_not_use_do_not_count() -> None:
    assert codes(judge(seen(**HELLO), seen(address="2001:db8::1", **ALERT_70))) == {"ok": OK}
    relocated = seen(address="::1", connected_to="[::1]:8443", **ALERT_70)
    assert codes(judge(relocated)) == {"no_common_version": FAULT}


@pytest.mark.parametrize("distribution", ["", "E2EXAMPLE"])
def test_the_minimum_is_changed_in_the_distribution_at_hand(distribution: str) -> None:
    document = (
        {"Distribution": {"Id": distribution, "DistributionConfig": bare_distribution("")}} if distribution else None
    )
    findings = judge(seen(**ALERT_70), inputs=Inputs(distribution=document))
    command = findings[0].remedy.steps[-1].command
    known = distribution or "DISTRIBUTION_ID"
    assert f"get-distribution-config --id {known} --query DistributionConfig > config.json" in command


def test_hellos_are_observed_one_after_the_other_until_one_gets_no_answer() -> None:
    of = target(HOST)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = Endpoint(DOMAIN, 443, "192.0.2.1", "127.0.0.1", silent.getsockname()[1])
        seen_there = asyncio.run(tls_protocol.observe(of, endpoint, deadline=0.05))
    assert [(h.sni, h.outcome) for h in seen_there] == [(HOST, Outcome.TIMEOUT)]
    closed = asyncio.run(tls_protocol.observe(of, endpoint, deadline=5))
    assert [(h.sni, h.outcome) for h in closed] == [(n, Outcome.NOT_CONNECTED) for n in (HOST, DOMAIN, None)]
    assert tls_protocol.judge(closed, target=of) == ()


def plain_fields(value: Any) -> dict[str, Any]:
    return {f: getattr(value, f) for f in value.__struct_fields__}


def bare_distribution(arn: str) -> dict[str, Any]:
    """Return a configuration with one origin, to which CloudFront shows the client certificate `arn`, if any."""
    settings: dict[str, Any] = {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}
    settings |= {"OriginMtlsConfig": {"ClientCertificateArn": arn}} if arn else {}
    origin = {"Id": "web", "DomainName": DOMAIN, "CustomOriginConfig": settings}
    behavior = {"TargetOriginId": "web", "ViewerProtocolPolicy": "allow-all"}
    return {"Origins": {"Quantity": 1, "Items": [origin]}, "DefaultCacheBehavior": behavior, "CallerReference": "x"}


def test_origin_mtls_is_no_reason_to_wonder() -> None:
    asked = seen(**HELLO, client_certificate_requested=True)
    arn = "arn:aws:acm:us-east-1:111122223333:certificate/a"
    assert codes(judge(asked, inputs=Inputs(distribution=bare_distribution(arn)))) == {"ok": OK}
    assert "client_certificate" in codes(judge(asked, inputs=Inputs(distribution=bare_distribution(""))))
    assert "client_certificate" in codes(judge(asked, inputs=Inputs(distribution={"not": "a distribution"})))


def request(outcome: str = "tls_failed", **more: Any) -> Exchange:
    given = {"id": "exchange-1", "sni": DOMAIN, "address": "192.0.2.1"} | more
    return Exchange(
        host=DOMAIN, port=443, scheme="https", request="GET / HTTP/1.1", outcome=ExchangeOutcome(outcome), **given
    )


ASKS = HELLO | {"client_certificate_requested": True}
OLDER = {"version": 0x0303, "cipher_suite": 0xC02F}
WITHOUT: dict[str, tuple[dict[str, Any], tuple[Exchange, ...], str, Status]] = {
    "refused after the handshake": ({}, (request("closed", alert=116),), "client_certificate_required", FAULT),
    "refused within the handshake": (OLDER, (request(alert=40),), "client_certificate_required", FAULT),
    "refused by Go and Java": (OLDER, (request(alert=42),), "client_certificate_required", FAULT),
    "refused by nginx's page": (
        {}, (request("http", status_line="HTTP/1.1 400 Bad Request", page="client-certificate"),),
        "client_certificate_required", FAULT,
    ),
    "our OpenSSL has not what was chosen": (
        {"version": 0x0303, "cipher_suite": 0x000A}, (request(alert=40),), "client_certificate", UNKNOWN
    ),
    "refused for another reason": ({}, (request(alert=80),), "client_certificate", UNKNOWN),
    "closed without a word": ({}, (request("closed"),), "client_certificate", UNKNOWN),
    "answered": ({}, (request("http", status_line="HTTP/1.1 200 OK"),), "client_certificate", UNKNOWN),
    "answered another time": (
        {}, (request(alert=116), request("http", status_line="HTTP/1.1 400 x")), "client_certificate", UNKNOWN
    ),
    "asked with another name": ({}, (request(alert=116, sni=HOST),), "client_certificate", UNKNOWN),
    "asked elsewhere": ({}, (request(alert=116, address="192.0.2.2"),), "client_certificate", UNKNOWN),
    "not asked": ({}, (), "client_certificate", UNKNOWN),
}  # fmt: skip


@pytest.mark.parametrize(("chosen", "requests", "code", "status"), WITHOUT.values(), ids=WITHOUT)
def test_a_client_certificate_is_demanded_where_our_own_request_was_refused_without_one(
    chosen: dict[str, Any], requests: tuple[Exchange, ...], code: str, status: Status
) -> None:
    none = Inputs(distribution=bare_distribution(""))
    findings = judge(seen(**ASKS | chosen), inputs=none, exchanges=requests)
    assert codes(findings)[code] is status
    assert len([c for c in codes(findings) if c.startswith("client_certificate")]) == 1


def test_a_refusal_by_a_page_says_which_answer_and_what_viewers_would_get() -> None:
    page = request("http", status_line="HTTP/1.1 400 Bad Request", page="client-certificate")
    (demanded, _) = judge(seen(**ASKS), inputs=Inputs(distribution=bare_distribution("")), exchanges=(page,))
    ends = "without one it answers 400 Bad Request, with a page that says that a client certificate is required."
    assert demanded.title.endswith(ends)
    assert "viewers would get that answer instead of 502" in demanded.meaning
    (asks, _) = judge(seen(**ASKS), exchanges=(page,))  # whether CloudFront has one is not known
    assert asks.status is UNKNOWN
    assert asks.next_check.startswith("The origin demands one, so all hangs on whether CloudFront has one")
    with_arn = Inputs(distribution=bare_distribution("arn:aws:acm:us-east-1:123456789012:certificate/1"))
    assert codes(judge(seen(**ASKS), inputs=with_arn, exchanges=(page,))) == {"ok": OK}


def test_what_a_request_without_a_client_certificate_came_to_is_said() -> None:
    refused, answered = request("closed", alert=116), request("http", status_line="HTTP/1.1 200 OK")
    (demanded, _) = judge(seen(**ASKS), inputs=Inputs(distribution=bare_distribution("")), exchanges=(refused,))
    assert demanded.title.endswith("without one it answers alert 116 (certificate_required).")
    assert [e.observation for e in demanded.evidence] == ["handshake-1", "exchange-1"]
    for exchange, says in ((refused, "alert 116 (certificate_required)."), (answered, "200 OK.")):
        (asks, _) = judge(seen(**ASKS), exchanges=(exchange,))  # whether CloudFront has one is not known
        assert asks.status is UNKNOWN
        assert f"a request without a client certificate ended so: {says}" in asks.meaning


def test_what_an_origin_says_is_made_harmless() -> None:
    evil = "a'; rm -rf $HOME"
    findings = judge(seen(sni=evil, outcome=Outcome.MALFORMED, detail="\x1b[31m\u202e"), of=target(evil))
    assert "\x1b" not in findings[0].title + findings[0].reproduce
    assert "-servername 'a'\"'\"'; rm -rf $HOME'" in findings[0].reproduce


@given(
    hellos=st.lists(
        st.builds(
            seen,
            sni=st.sampled_from([DOMAIN, HOST, None]),
            address=st.sampled_from(["192.0.2.1", "2001:db8::1"]),
            outcome=st.sampled_from(Outcome),
            alert=st.none() | st.integers(-1, 300),
            warnings=st.lists(st.integers(0, 255), max_size=3).map(tuple),
            version=st.none() | st.integers(0x0200, 0x0400),
            cipher_suite=st.none() | st.sampled_from([0x1301, 0x9C, 0x04, 0xFFFF]),
            certificates=st.lists(st.binary(max_size=3), max_size=2).map(tuple),
            client_certificate_requested=st.booleans(),
            detail=st.text(max_size=20),
            elapsed_ms=st.floats(0, 20_000),
        ),
        max_size=6,
    )
)
def test_whatever_was_seen_is_judged(hellos: list[Handshake]) -> None:
    findings = judge(*hellos, of=target(DOMAIN, HOST))
    assert len({f.code for f in findings}) == len(findings), "one finding for each code"
    ids = {f"handshake-{n}" for n in range(1, len(hellos) + 1)}
    assert {e.observation for f in findings for e in f.evidence} <= ids
    assert all(f.evidence for f in findings)


@pytest.mark.parametrize("alert", [0, 40, 47, 70, 71, 80])
def test_evidence_says_what_servers_mean_by_an_alert(alert: int) -> None:
    (finding,) = judge(seen(outcome=Outcome.ALERT, alert=alert, bytes_received=7))
    assert f"alert {alert} (" in finding.title
    assert finding.evidence[0].says.endswith(ALERT_MEANINGS[alert])


def test_settings_for_every_kind_of_server_are_recommended() -> None:
    for alert in (40, 70):
        (finding,) = judge(seen(outcome=Outcome.ALERT, alert=alert))
        texts = [s.text for s in finding.remedy.steps]
        for server in ("nginx", "Apache", "HAProxy", "Application or Network Load Balancer", "IIS", "Caddy"):
            assert any(t.startswith(server) for t in texts), server
        assert "ECDHE-RSA-AES128-GCM-SHA256" in finding.remedy.steps[1].command


# --- a limit, an intolerance, a closed port -----------------------------------------------------------------------

GOOD = HELLO | {"version": 0x0303, "cipher_suite": 0xC02F, "bytes_received": 900}
END, ALONE = {"outcome": Outcome.CLOSED}, {"alone": True}
GOOD_ALONE, END_ALONE = GOOD | ALONE, END | ALONE
TLS_1_2 = {"offer": "version-TLSv1.2"}


@pytest.mark.parametrize(
    ("exact", "others", "expected"),
    [
        ([END, *[END_ALONE] * 4], [GOOD, GOOD_ALONE], {"version_intolerance": FAULT}),
        ([END, END], [GOOD], {"closed": FAULT}),
        ([END], [GOOD], {"closed": UNKNOWN}),
        ([END, *[END_ALONE] * 4], [GOOD, END_ALONE], {"closed": UNKNOWN, "limits_connections": WARNING}),
        ([END, *[END_ALONE] * 4], [END, END], {}),
        ([GOOD, END, *[GOOD_ALONE] * 4], [GOOD], {"ok": OK, "limits_connections": WARNING}),
        ([GOOD, END, *[GOOD_ALONE] * 3, END_ALONE], [GOOD], {"ok": OK, "answers_sometimes": UNKNOWN}),
        ([GOOD, *[END_ALONE] * 4], [GOOD, END], {"ok": OK, "answers_sometimes": UNKNOWN}),
        ([GOOD, END], [], {"ok": OK, "answers_sometimes": UNKNOWN}),
        ([GOOD, {"outcome": Outcome.NOT_CONNECTED}], [GOOD], {"ok": OK, "answers_sometimes": UNKNOWN}),
        ([GOOD, GOOD], [GOOD, END], {"ok": OK, "limits_connections": WARNING}),
    ],
)
def test_what_ends_without_a_word(
    exact: list[dict[str, Any]], others: list[dict[str, Any]], expected: dict[str, Status]
) -> None:
    findings = judge(*(seen(**e) for e in exact), *(seen(**o | TLS_1_2) for o in others))
    found = {code: status for code, status in codes(findings).items() if status is not Status.INFO}
    assert found == expected
    for finding in findings:
        if finding.status is UNKNOWN:
            assert finding.cloudfront_status == 502
            assert finding.next_check


@given(
    exact=st.lists(st.sampled_from([GOOD, END, GOOD_ALONE, END_ALONE]), max_size=9),
    others=st.lists(st.sampled_from([GOOD, END, GOOD_ALONE, END_ALONE]), max_size=4),
)
def test_an_origin_that_ends_a_single_connection_is_never_simply_well(
    exact: list[dict[str, Any]], others: list[dict[str, Any]]
) -> None:
    found = codes(judge(*(seen(**e) for e in exact), *(seen(**o | TLS_1_2) for o in others)))
    answered, ended = [e for e in exact if "certificates" in e], [e for e in exact if "certificates" not in e]
    if not answered:
        assert "ok" not in found
    if answered and END_ALONE in ended:
        assert found["answers_sometimes"] is UNKNOWN
    if answered and ended:
        assert {"answers_sometimes", "limits_connections"} & set(found)
    if "version_intolerance" in found:
        assert not answered
        assert ended.count(END_ALONE) >= 3
        assert all("certificates" in other for other in others)


@pytest.mark.needs("openssl")
def test_the_command_that_reproduces_runs_as_it_is_shown() -> None:
    """Against a port where nothing listens: every option is understood and it gets as far as connecting."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{unused.getsockname()[1]}"
        command = judge(seen(**ALERT_40, connected_to=place))[0].reproduce
        assert f"-connect {place}" in command
        said = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=20, check=False)
    assert "refused" in said.stderr
    assert "tls1_2:" in said.stdout
