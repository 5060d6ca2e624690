"""Every scenario is what it says: CloudFront's status, the chain on the wire, a complete story."""

from __future__ import annotations

import contextlib
import http.client
import re
import subprocess

import pytest

from cfrunbook.findings import Cause
from cfrunbook.lab import DEFAULT, SCENARIOS, Scenario, catalogue, start
from cfrunbook.lab.catalogue import Judge
from cfrunbook.lab.edge import fetch, fetch_all
from cfrunbook.lab.scenario import ORIGIN, VIEWER_HOST
from cfrunbook.lab.scenarios import account, balancers, hellos
from cfrunbook.lab.servers import Address, Behind, Chain, Service, Tls
from cfrunbook.probes import s2n
from tests.conftest import REQUIRE_ALL
from tests.looking import looked_at
from tests.scenarios import APART, OTHERS, distinct
from tests.tables import table

WHY_NOT = s2n.available()

REQUIRED = {
    *("healthy", "certificate-expired", "certificate-not-yet-valid", "tls-name-mismatch", "tls-name-forwarded-host"),
    *("certificate-self-signed", "certificate-untrusted-root", "certificate-missing-intermediate"),
    *("certificate-wrong-order", "certificate-expired-intermediate", "tls-protocol-old-only", "port-refused"),
    *("port-silent", "port-dropped", "port-http-on-443", "port-s3-website", "port-closes"),
    *("healthy-extra-root-included", "healthy-wildcard", "healthy-expiring-soon", "healthy-tls13-only"),
    *("healthy-http-only", "healthy-cross-signed", "certificate-cross-signed-twin", "healthy-all-viewer-no-url"),
    *("one-address-of-three-refuses", "one-address-of-three-expired", "function-and-expired", "function-and-healthy"),
    *("origin-group-primary-broken", "origin-group-secondary-broken", "origin-group-criteria-miss"),
    *("tls-client-certificate-required", "http-only-answers-502", "tls-protocol-p521-curve-only"),
    *("compound-dead-server-and-last-days", "compound-renewed-and-cached", "capture-error-cached"),
    *("tls-protocol-ed25519-certificate", "tls-protocol-p521-certificate", "tls-protocol-dhe-only"),
}

OF_HELLOS = {s.name for s in hellos.SCENARIOS}
"""Of these some send what OpenSSL could not."""

STATUSES = {Cause.EDGE_FUNCTION: (502, 503), Cause.ORIGIN_RESPONSE: (502, 503, 504)}
"""What CloudFront answers, by cause, where this is not 502 or 504."""
OF_ACCOUNTS = {s.name for s in (*account.SCENARIOS, *balancers.SCENARIOS)}
"""What is up in these is up in others, too."""

each = table("scenario", SCENARIOS.values(), ids=lambda scenario: scenario.name)
each_distinct = pytest.mark.parametrize("scenario", distinct().values(), ids=distinct())


def test_the_required_scenarios_are_there() -> None:
    assert set(SCENARIOS) >= REQUIRED
    assert DEFAULT == "certificate-missing-intermediate"
    assert [s.name for s in SCENARIOS.values()] == list(SCENARIOS)


@each_distinct
def test_the_edge_answers_what_is_expected_of_cloudfront(scenario: Scenario) -> None:
    if scenario.needs_s2n and WHY_NOT and not REQUIRE_ALL:
        pytest.skip(f"needs awscrt: {WHY_NOT}")
    expected = scenario.expected.edge_answers
    answers = [answer for said in looked_at(scenario.name).answers.values() for answer in said]
    assert {a.status for a in answers} == expected
    is_its_own = scenario.expected.code == "origin_response.origin_status"
    passed_on = {200, 400, 403, 404, 417, 500} | ({scenario.expected.cloudfront_status} if is_its_own else set())
    assert all(bool(a.reason) == (a.status not in passed_on) for a in answers)


def test_only_where_it_is_said_does_the_answer_need_awss_library() -> None:
    needing = [s.name for s in SCENARIOS.values() if s.needs_s2n]
    assert needing == ["tls-protocol-warns-first", "tls-protocol-p521-curve-only"]
    assert set(needing) == {name for name, judge in catalogue.disagreements() if judge is Judge.OPENSSL}
    with start(needing[1]) as running:
        assert {a.status for a in fetch_all(running.edge_facts, patience=10.0, with_s2n=False)} == {200}


REASONS = {
    "certificate-cross-signed-twin": "certificate: self-signed certificate in certificate chain (19)",
    "certificate-expired": "certificate: certificate has expired (10)",
    "certificate-wrong-order": "certificate: chain in wrong order after certificate 0",
    "function-and-expired": "certificate: certificate has expired (10)",
    "origin-group-criteria-miss": "connection refused",
}


@pytest.mark.parametrize(("name", "reason"), REASONS.items())
def test_the_edge_says_no_for_the_wanted_reason(name: str, reason: str) -> None:
    with start(name) as running:
        assert [a.reason for a in fetch_all(running.edge_facts, patience=10.0)] == [reason]


def test_one_of_several_addresses_is_broken() -> None:
    with start("one-address-of-three-refuses") as one, start("one-address-of-three-expired") as two:
        answers = [[a.status for a in fetch_all(running.edge_facts, patience=10.0)] for running in (one, two)]
    assert answers == [[200, 502, 200], [200, 200, 502]]


def test_only_writing_meets_the_broken_primary() -> None:
    with start("origin-group-primary-broken") as running:
        statuses = {m: fetch(running.edge_facts, method=m, patience=10.0).status for m in running.setup.methods}
        front = running.edge_url
        seen = {m: asked(front, m) for m in ("GET", "POST")}
    assert {m for m, status in statuses.items() if status == 200} == {"GET", "HEAD", "OPTIONS"}
    assert set(statuses.values()) == {200, 502}
    assert seen == {"GET": 200, "POST": 502}


def asked(front: str, method: str) -> int:
    connection = http.client.HTTPConnection(front.removeprefix("http://"), timeout=20)
    with contextlib.closing(connection):
        connection.request(method, "/cart", headers={"Host": VIEWER_HOST})
        return connection.getresponse().status


@each
def test_the_scenario_is_complete(scenario: Scenario) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", scenario.name)
    assert scenario.page.startswith("https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/")
    texts = (scenario.title, *scenario.story, *scenario.hints, scenario.why_in_real_life)
    assert all(text.strip() == text and text for text in texts)
    expected = scenario.expected
    if expected.status == "fault":
        assert expected.cause is not None
        assert (expected.code or "").partition(".")[0] in (expected.cause.value, Cause.DISTRIBUTION.value)
        if scenario.name in APART and not scenario.is_fickle:
            assert expected.edge == {200}
            return
        assert expected.cloudfront_status in STATUSES.get(expected.cause, (502, 504))
        assert expected.cloudfront_status in expected.edge_answers
    elif expected.status == "unknown":
        assert (expected.code or "").partition(".")[0] == (expected.cause or "")
        assert expected.cloudfront_status is None or scenario.on_paper
    else:
        assert (expected.cause, expected.code, expected.cloudfront_status) == (None, None, None)
        assert scenario.disagreement or not expected.edge_answers & {502, 503, 504}


GIVEN_AWAY = re.compile(r"expired|self-signed|wrong order|intermediate|refused|dropped|plain HTTP", re.IGNORECASE)


@each
def test_the_story_does_not_give_the_answer_away(scenario: Scenario) -> None:
    assert not any(GIVEN_AWAY.search(line) for line in scenario.story)


@pytest.mark.needs("openssl")
@pytest.mark.parametrize(
    "scenario",
    [
        s
        for s in OTHERS
        if not s.startswith(("port-", "dns-")) and "http-only" not in s and s not in OF_HELLOS | OF_ACCOUNTS
    ],
)
def test_s_client_sees_the_chain_in_its_order(scenario: str) -> None:
    with start(scenario) as running:
        services = [(s, a) for o in running.origins for s, a in zip(o.setup.addresses, o.addresses, strict=True)]
        secured = [(service, a[443]) for s, a in services if (service := web_server(s[443]))]
        assert secured
        for service, address in secured:
            for name in (ORIGIN, VIEWER_HOST):
                chain = service.by_name.get(name, service.chain)
                assert s_client(address, name) == (list(chain.der) if chain else [])


def web_server(service: Service) -> Tls | None:
    service = service.service if isinstance(service, Behind) else service
    return service if isinstance(service, Tls) else None


def s_client(at: Address, name: str) -> list[bytes]:
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import load_pem_x509_certificate

    address, port = at
    command = ["openssl", "s_client", "-connect", f"{address}:{port}", "-servername", name, "-showcerts"]
    old = ["-cipher", "ALL:@SECLEVEL=0", "-min_protocol", "TLSv1"]
    result = subprocess.run([*command, *old], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=30)
    shown = re.findall(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", result.stdout, re.DOTALL)
    return [load_pem_x509_certificate(pem).public_bytes(Encoding.DER) for pem in shown]


def test_chains_of_scenarios_are_short() -> None:
    with start("certificate-wrong-order") as running:
        service = running.setup.origin.addresses[0][443]
        assert isinstance(service, Tls)
        assert isinstance(service.chain, Chain)
        names = [(i.common_name, i.issuer_name) for i in service.chain.sent]
    assert names == [
        (ORIGIN, "Lab Issuing CA E2"),
        ("Lab Policy CA P1", "Lab Root R1"),
        ("Lab Issuing CA E2", "Lab Policy CA P1"),
    ]
