"""What AWS's own TLS library adds to our reading: evidence where it agrees, a finding where it does not."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.causes import tls_second_opinion
from cfrunbook.causes.case import Case
from cfrunbook.cloudfront.targets import ServerName, Target
from cfrunbook.evidence import Handshake, HandshakeOutcome, Inputs, Observations, SecondOpinion
from cfrunbook.findings import Cause, Finding, Stage, Status
from cfrunbook.text import visible
from cfrunbook.x509.roots import from_der

NOW = dt.datetime(2026, 11, 22, 3, tzinfo=dt.UTC)
NAME, ADDRESS = "origin.example.com", "192.0.2.1"
STAGES = {"port": Stage.TCP, "tls_protocol": Stage.TLS, "certificate": Stage.CERTIFICATE, "tls_name": Stage.NAME}
CONNECTED = {"connected": True, "version": 0x0304, "cipher": "TLS_AES_128_GCM_SHA256", "group": "secp256r1"}
EXPIRED = {"error": "CERT_EXPIRED", "detail": "Certificate has expired"}
ALERT = {"error": "ALERT", "detail": "TLS alert received", "alert": 40}


def opinion(**more: Any) -> SecondOpinion:
    where = {"id": "second-opinion-1", "host": NAME, "port": 443, "address": ADDRESS, "sni": NAME}
    policy = {"policy": "CloudFront-Upstream-TLS-1-2-2025", "connected": False}
    return SecondOpinion(**where | policy | more)


def hello(**more: Any) -> Handshake:
    where = {"id": "handshake-1", "host": NAME, "port": 443, "address": ADDRESS, "sni": NAME}
    return Handshake(**where | {"offer": "cloudfront-TLSv1.2", "outcome": HandshakeOutcome.HELLO} | more)


def finding(code: str, status: Status = Status.FAULT, **data: Any) -> Finding:
    cause = code.partition(".")[0]
    return Finding(
        **{"code": code, "cause": Cause(cause), "stage": STAGES[cause], "status": status, "title": code},
        meaning="",
        data=data,
    )


def case(*seen: SecondOpinion | Handshake, at: dt.datetime = NOW, roots: bytes = b"", minimum: str = "TLSv1.2") -> Case:
    observations = Observations(
        recorded_at=NOW,
        inputs=Inputs(trust_anchors=(b"",)),
        handshakes=tuple(s for s in seen if isinstance(s, Handshake)),
        second_opinions=tuple(s for s in seen if isinstance(s, SecondOpinion)),
    )
    name = ServerName(sni=NAME, host=NAME, acceptable=(NAME,), why="")
    target = Target(
        **{"id": "o:443", "origin_id": "o", "domain": NAME, "port": 443, "tls_minimum": minimum, "protocol": "https"},
        names=(name,),
    )
    return Case(target=target, observations=observations, at=at, roots=from_der((roots,), name="some"))


def weigh(seen: SecondOpinion, *findings: Finding, hellos: tuple[Handshake, ...] = (hello(),)) -> list[str]:
    """Return what came of it: the codes of new findings, and those that got more evidence, with `+`."""
    weighed = tls_second_opinion.weigh(case(seen, *hellos), findings)
    assert [f.code for f in weighed[: len(findings)]] == [f.code for f in findings]
    assert [f.status for f in weighed[: len(findings)]] == [f.status for f in findings]
    more = [f"+{f.code}" for f, old in zip(weighed, findings, strict=False) if f.evidence != old.evidence]
    return more + [f.code for f in weighed[len(findings) :]]


AGREES, FAILS, CONNECTS = "tls_protocol.s2n_agrees", "tls_protocol.s2n_fails", "tls_protocol.s2n_connects"
FAULT, DIFFER = finding("certificate.expired"), finding("tls_protocol.nodes_differ", Status.WARNING)
LIMITS = finding("tls_protocol.limits_connections", Status.WARNING)
ORDER = finding("certificate.wrong_order")
UNKNOWN = finding("tls_protocol.warning_alert", Status.UNKNOWN)
BY_DOMAIN = finding("tls_name.origin_domain_only", Status.WARNING)
WRONG_NAME = {"error": "CERT_INVALID_HOSTNAME"}


@pytest.mark.parametrize(
    ("seen", "findings", "expected"),
    [
        (CONNECTED, (), [AGREES]),
        (EXPIRED, (), [FAILS]),
        (EXPIRED, (FAULT,), ["+certificate.expired"]),
        (CONNECTED, (FAULT,), [CONNECTS]),
        # What is known of the library, or of the origin, explains the difference.
        (CONNECTED, (ORDER,), ["+certificate.wrong_order"]),
        (CONNECTED, (ORDER, FAULT), [CONNECTS]),
        (CONNECTED, (finding("certificate.expired", intermittent=True),), ["+certificate.expired"]),
        (WRONG_NAME, (BY_DOMAIN,), ["+tls_name.origin_domain_only"]),
        (EXPIRED, (BY_DOMAIN,), [FAILS]),
        (EXPIRED, (DIFFER,), ["+tls_protocol.nodes_differ"]),
        ({"error": "CLOSED"}, (LIMITS,), ["+tls_protocol.limits_connections"]),
        (EXPIRED, (LIMITS,), [FAILS]),
        # Where we cannot tell, it is evidence of what may be.
        (ALERT, (UNKNOWN,), ["+tls_protocol.warning_alert"]),
        (CONNECTED, (UNKNOWN,), ["+tls_protocol.warning_alert"]),
        # About another address, name or stage.
        (CONNECTED, (finding("certificate.expired", addresses=["192.0.2.2"]),), [AGREES]),
        (CONNECTED, (finding("certificate.expired", server_names=["www.example.com"]),), [AGREES]),
        (CONNECTED, (finding("tls_name.mismatch", sni="www.example.com"),), [AGREES]),
        (CONNECTED, (finding("tls_name.mismatch", sni=NAME, addresses=[ADDRESS]),), [CONNECTS]),
        (CONNECTED, (msgspec.structs.replace(FAULT, stage=Stage.HTTP),), [AGREES]),
    ],
)
def test_what_comes_of_it(seen: dict[str, Any], findings: tuple[Finding, ...], expected: list[str]) -> None:
    assert weigh(opinion(**seen), *findings) == expected


TURNED_AWAY = hello(id="handshake-2", outcome=HandshakeOutcome.RESET)


@pytest.mark.parametrize(
    ("seen", "hellos", "expected"),
    [
        (CONNECTED, (), []),
        (EXPIRED, (), []),
        (EXPIRED, (hello(outcome=HandshakeOutcome.TIMEOUT),), []),
        (EXPIRED, (hello(address="192.0.2.2"),), []),
        (EXPIRED, (hello(connected_to="127.0.0.1:5"),), []),
        ({"error": "IO"}, (hello(),), [FAILS]),
        ({"error": "IO"}, (hello(), TURNED_AWAY), []),
        (EXPIRED, (hello(), TURNED_AWAY), [FAILS]),
    ],
)
def test_what_is_compared_is_a_hello_of_ours_that_was_answered_there(
    seen: dict[str, Any], hellos: tuple[Handshake, ...], expected: list[str]
) -> None:
    assert weigh(opinion(**seen), hellos=hellos) == expected


@pytest.mark.parametrize(
    "judged",
    [
        case(opinion(**EXPIRED), hello(), at=NOW + dt.timedelta(days=1)),
        case(opinion(**EXPIRED), hello(), roots=b"others"),
        case(opinion(**EXPIRED), hello(), minimum="TLSv1"),
        case(opinion(**EXPIRED, policy="CloudFront-Upstream-2025"), hello()),
        case(opinion(**EXPIRED, sni="www.example.com"), hello()),
        case(opinion(**EXPIRED, host="www.example.com"), hello()),
        case(opinion(**EXPIRED, address="2001:db8::1"), hello()),
        case(hello()),
    ],
)
def test_nothing_where_it_was_asked_something_else(judged: Case) -> None:
    assert tls_second_opinion.weigh(judged, (FAULT,)) == (FAULT,)


def test_the_sentences() -> None:
    def said(seen: SecondOpinion, *findings: Finding) -> Finding:
        return tls_second_opinion.weigh(case(seen, hello()), findings)[-1]

    agrees = said(opinion(**CONNECTED))
    assert agrees.title == (
        "AWS's own TLS library connects to origin.example.com:443 (192.0.2.1) too: TLS 1.3 with TLS_AES_128_GCM_SHA256."
    )
    assert agrees.evidence[0].observation == "second-opinion-1"
    fails = said(opinion(**ALERT, connected_to="[::1]:4433"), DIFFER)
    assert fails.evidence[-1].says == "AWS's own TLS library, at 192.0.2.1: ALERT 40 (handshake_failure)"
    fails = said(opinion(**EXPIRED))
    assert "fails at origin.example.com:443 (192.0.2.1), where by our reading CloudFront connects" in fails.title
    assert "CERT_EXPIRED (Certificate has expired)" in fails.title
    assert f"{ADDRESS} 443 {NAME} TLSv1.2" in fails.reproduce
    connects = said(opinion(**CONNECTED), FAULT)
    assert "does not (certificate.expired): TLS 1.3 with" in connects.title


TEXT = st.text(max_size=30)


def test_a_refusal_for_want_of_the_certificate_that_cloudfront_has_is_not_its_own_finding() -> None:
    """With origin mTLS nothing of ours speaks of the client certificate; the library has none to show."""
    asks = (hello(client_certificate_requested=True),)
    assert weigh(opinion(**ALERT), hellos=asks) == []
    assert weigh(opinion(error="CLOSED"), hellos=asks) == []
    assert weigh(opinion(**EXPIRED), hellos=asks) == [FAILS]
    assert weigh(opinion(**ALERT)) == [FAILS]


def test_a_client_certificate_demanded_after_the_handshake_is_nothing_that_the_library_sees() -> None:
    demanded = finding("tls_protocol.client_certificate_required")
    for seen in (opinion(**CONNECTED), opinion(**ALERT)):
        assert weigh(seen, demanded) == ["+tls_protocol.client_certificate_required"]


@given(
    st.builds(
        SecondOpinion,
        id=TEXT,
        host=st.just(NAME),
        port=st.just(443),
        address=st.just(ADDRESS),
        sni=st.just(NAME),
        policy=st.just("CloudFront-Upstream-TLS-1-2-2025"),
        connected=st.booleans(),
        error=TEXT,
        detail=TEXT,
        alert=st.none() | st.integers(0, 255),
        version=st.none() | st.integers(0, 0xFFFF),
        cipher=TEXT,
    ),
    st.lists(st.sampled_from([FAULT, ORDER, UNKNOWN, DIFFER, LIMITS, BY_DOMAIN])),
)
def test_it_never_fails_and_never_changes_a_status(seen: SecondOpinion, findings: list[Finding]) -> None:
    weighed = tls_second_opinion.weigh(case(seen, hello()), findings)
    assert [(f.code, f.status) for f in weighed[: len(findings)]] == [(f.code, f.status) for f in findings]
    assert all(f.status in (Status.INFO, Status.WARNING) for f in weighed[len(findings) :])
    assert all(visible(f.title, 10_000) == f.title for f in weighed)
