"""What follows from an origin's TLS capabilities; what real servers lead to is in tests/probes/tls/test_scan.py."""

from __future__ import annotations

from string import Formatter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.causes import tls_answers
from cfrunbook.causes.tls_answer_rules import ALERT_MEANINGS, BROWSERS, RULES, SUPERSEDES
from cfrunbook.causes.tls_capabilities import fold, fold_each
from cfrunbook.causes.tls_remedies import suites_for
from cfrunbook.cloudfront import tls_offers
from cfrunbook.cloudfront.origin_tls import TLS_1_2, TLS_1_3
from cfrunbook.cloudfront.targets import ServerName, Target
from cfrunbook.evidence import Handshake
from cfrunbook.evidence import HandshakeOutcome as Outcome
from cfrunbook.findings import Finding, Rule, Status
from tests.x509.pki import mint

NAME = "shop.example.com"
EXACT = "cloudfront-TLSv1.2"
GOOD = {"outcome": Outcome.HELLO, "version": TLS_1_2, "cipher_suite": 0xC02F, "group": 0x17, "bytes_received": 900}
ALERT = {"outcome": Outcome.ALERT, "alert": 40, "bytes_received": 7}
RESET = {"outcome": Outcome.RESET}


def target(**more: Any) -> Target:
    name = ServerName(sni=NAME, host=NAME, acceptable=(NAME,), why="")
    given = {"tls_minimum": "TLSv1.2", "names": (name,), "protocol": "https"} | more
    return Target(id="web:443", origin_id="web", domain=NAME, port=443, **given)


def seen(offer: str, sni: str | None = NAME, address: str = "192.0.2.1", **more: Any) -> Handshake:
    return Handshake(
        **{"id": f"{offer}@{address}", "host": NAME, "port": 443, "sni": sni, "offer": offer, "address": address} | more
    )


def judge(*hellos: Handshake, **more: Any) -> tuple[Finding, ...]:
    return tls_answers.judge(fold_each(hellos), target(**more))


def codes(findings: tuple[Finding, ...]) -> dict[str, Status]:
    return {f.code.removeprefix("tls_protocol."): f.status for f in findings}


SERVED = (seen(EXACT, **GOOD), seen("version-TLSv1.2", **GOOD))
DHE = (
    seen(EXACT, **ALERT),
    seen("version-TLSv1.2", **ALERT),
    seen("beyond-suites-TLSv1.2", **GOOD | {"cipher_suite": 0x009E, "group": None}),
)


@pytest.mark.parametrize(
    ("hellos", "expected"),
    [
        (SERVED, {"accepted_parameters": Status.INFO}),
        (DHE, {"dhe_only": Status.FAULT}),
        ((*DHE[:2],), {}),
        ((*SERVED, seen(EXACT, **ALERT | {"id": "x"})), {"nodes_differ": Status.WARNING, "accepted_parameters": Status.INFO}),
        ((*SERVED, seen(EXACT, **RESET | {"id": "x"})), {"answers_sometimes": Status.UNKNOWN, "accepted_parameters": Status.INFO}),
        ((*SERVED, seen("version-TLSv1.2", **RESET | {"id": "x"})), {"limits_connections": Status.WARNING, "accepted_parameters": Status.INFO}),
        ((*SERVED, seen(EXACT, None, **ALERT | {"alert": 112, "id": "x"})), {"sni_required": Status.INFO, "accepted_parameters": Status.INFO}),
        ((seen(EXACT, outcome=Outcome.TIMEOUT),), {}),
        ((), {}),
    ],
)  # fmt: skip
def test_conclusions(hellos: tuple[Handshake, ...], expected: dict[str, Status]) -> None:
    assert codes(judge(*hellos)) == expected


@pytest.mark.parametrize(
    ("key", "group", "code", "wanted"),
    [
        ("P-521", 0x19, "unusable_key", "ECDSA on P-521"),
        ("P-521", 0x1D, "unusable_key", "ECDSA on P-521"),
        ("P-384", 0x19, "no_common_curve", "P-521"),
        ("RSA 2048", 0x19, "no_common_curve", "P-521"),
    ],
)
def test_a_key_may_need_a_curve_that_the_key_exchange_does_not(key: str, group: int, code: str, wanted: str) -> None:
    leaf = mint(NAME, key_kind=key).der
    beyond = seen("beyond-groups-TLSv1.2", **GOOD | {"group": group, "certificates": (leaf,)})
    (finding,) = judge(seen(EXACT, **ALERT), seen("version-TLSv1.2", **ALERT), beyond)
    assert (finding.code, finding.data["wanted"]) == (f"tls_protocol.{code}", wanted)


def test_an_http_target_has_no_tls() -> None:
    assert judge(*DHE, protocol="http") == ()


def test_addresses_that_differ_are_named_and_the_fault_is_intermittent() -> None:
    other = tuple(seen(h.offer, address="192.0.2.2", **GOOD) for h in SERVED)
    fault = judge(*DHE, *other)[0]
    assert "on 1 of 2 addresses: 192.0.2.1" in fault.title
    assert fault.data["intermittent"] is True
    assert "192.0.2.1:443" in fault.reproduce


def test_a_reason_takes_the_place_of_what_is_judged_from_one_hello_alone() -> None:
    generic = tuple(
        Finding(**{f: getattr(judge(*DHE)[0], f) for f in Finding.__struct_fields__} | {"code": f"tls_protocol.{code}"})
        for code in ("no_common_suite", "client_certificate")
    )
    merged = tls_answers.merge(generic, judge(*DHE))
    assert [f.code for f in merged] == ["tls_protocol.client_certificate", "tls_protocol.dhe_only"]
    other = tuple(seen(h.offer, address="192.0.2.2", **GOOD) for h in SERVED)
    assert "tls_protocol.no_common_suite" in {f.code for f in tls_answers.merge(generic, judge(*DHE, *other))}


def test_why_a_browser_works() -> None:
    assert "curl and openssl s_client offer DHE suites" in tls_answers.why_browser_works(fold_each(DHE), target())
    assert "not the difference" in tls_answers.why_browser_works(fold_each(SERVED), target())
    assert tls_answers.why_browser_works(fold_each([seen(EXACT, outcome=Outcome.TIMEOUT)]), target()) == ""
    assert tls_answers.why_browser_works((), target()) == ""


@pytest.mark.parametrize("alert", [40, 70, 80, 112])
def test_an_alert_is_explained(alert: int) -> None:
    assert tls_answers.alert_meaning(alert).startswith(f"alert {alert} (")
    assert ALERT_MEANINGS[alert] in tls_answers.alert_meaning(alert)


@pytest.mark.parametrize("alert", [40, 80, 112])
def test_the_alert_without_a_server_name_is_explained(alert: int) -> None:
    without = seen(EXACT, None, **ALERT | {"alert": alert, "id": "x"})
    finding = next(f for f in judge(*SERVED, without) if f.code.endswith("sni_required"))
    assert f"alert {alert} (" in finding.title
    assert finding.evidence[0].says.endswith(ALERT_MEANINGS[alert])


def test_the_alert_that_refuses_newer_versions_is_explained() -> None:
    refused = [seen(o, **ALERT | {"alert": 70}) for o in (EXACT, "version-TLSv1.3", "version-TLSv1.2")]
    old = seen("version-TLSv1.1", **GOOD | {"version": 0x0302, "cipher_suite": 0xC013})
    (finding,) = [f for f in judge(*refused, old) if f.status is Status.FAULT]
    assert finding.code == "tls_protocol.old_versions_only"
    assert ALERT_MEANINGS[70] in finding.evidence[0].says


def test_what_was_not_asked_is_said_by_version() -> None:
    old = seen("version-TLSv1", **GOOD | {"version": 0x0301, "cipher_suite": 0xC013})
    refused = seen("suite-TLSv1-C014", **ALERT)
    found = {f.code: f for f in judge(*SERVED, old, refused, tls_minimum="TLSv1")}
    meaning = found["tls_protocol.accepted_parameters"].meaning
    assert "Refused: ECDHE-RSA-AES256-SHA." in meaning
    not_asked = meaning.split("Not asked: ")[1]
    assert "TLS 1.2 with " in not_asked
    assert "TLS 1.0 with ECDHE-ECDSA-AES128-SHA" in not_asked
    assert "ECDHE-RSA-AES256-SHA" not in not_asked.split("; TLS 1.0")[1]


def test_what_would_be_negotiated() -> None:
    assert tls_answers.would_negotiate(fold(SERVED)) == "TLS 1.2 with ECDHE-RSA-AES128-GCM-SHA256"
    assert tls_answers.would_negotiate(fold(DHE)) == "nothing: alert 40 (handshake_failure)"
    assert tls_answers.would_negotiate(fold(())) == "no certain answer: not asked"


# --- rules and remedies -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_rule_is_complete(rule: Rule) -> None:
    assert rule.title
    assert rule.meaning
    assert rule.source.startswith("https://")
    if rule.status is Status.FAULT:
        assert (rule.cloudfront_status, bool(rule.reproduce), bool(rule.verify.text)) == (502, True, True)
        assert rule.code in BROWSERS
        assert rule.code in SUPERSEDES
    if rule.status in (Status.FAULT, Status.WARNING):
        assert rule.remedy.steps
    unquoted = {"openssl", "sni_option"}
    for command in (rule.reproduce, rule.verify.command):
        fields = {name for _, name, _, conversion in Formatter().parse(command) if name and conversion != "q"}
        assert not fields - unquoted


def test_suites_to_enable_fit_the_certificates() -> None:
    assert suites_for(["RSA"])[0] == ("ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384")
    assert suites_for(["ECDSA"])[1] == (
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    )
    assert len(suites_for([])[0]) == 4


outcomes = st.sampled_from(
    [GOOD, ALERT, RESET, {"outcome": Outcome.TIMEOUT}, GOOD | {"group": 0x19}, GOOD | {"cipher_suite": 0x009E}]
)


@given(st.lists(st.tuples(st.sampled_from(sorted(tls_offers._questions())), outcomes), max_size=12))
def test_judging_never_fails_and_never_calls_silence_a_fault(answers: list[tuple[str, dict[str, Any]]]) -> None:
    hellos = []
    for n, (offer, answer) in enumerate(answers):
        asked = tls_offers.question(offer)
        assert asked is not None
        version = answer.get("version") and (TLS_1_3 if asked.version == TLS_1_3 else asked.version)
        hellos.append(seen(offer, **answer | {"id": f"h{n}", "version": version}))
    findings = judge(*hellos)
    for finding in findings:
        assert "{" not in finding.title
        assert {e.observation for e in finding.evidence} <= {h.id for h in hellos}
    if all(h.outcome is Outcome.TIMEOUT for h in hellos):
        assert findings == ()
    assert isinstance(tls_answers.why_browser_works(fold_each(hellos), target()), str)
