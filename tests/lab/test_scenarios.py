"""Every scenario is what it says: CloudFront's status, the chain on the wire, a complete story."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace

import pytest

from cfrunbook.findings import Cause
from cfrunbook.lab import DEFAULT, SCENARIOS, Running, Scenario, start
from cfrunbook.lab.edge import fetch
from cfrunbook.lab.scenario import ORIGIN, VIEWER_HOST
from cfrunbook.lab.servers import Chain, Tls

REQUIRED = {
    *("healthy", "certificate-expired", "certificate-not-yet-valid", "tls-name-mismatch", "tls-name-forwarded-host"),
    *("certificate-self-signed", "certificate-untrusted-root", "certificate-missing-intermediate"),
    *("certificate-wrong-order", "certificate-expired-intermediate", "tls-protocol-old-only", "port-refused"),
    *("port-silent", "port-dropped", "port-http-on-443", "port-s3-website", "port-closes"),
    *("healthy-extra-root-included", "healthy-wildcard", "healthy-expiring-soon", "healthy-tls13-only"),
    "healthy-http-only",
}

each = pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)


def test_the_required_scenarios_are_there() -> None:
    assert set(SCENARIOS) >= REQUIRED
    assert DEFAULT == "certificate-missing-intermediate"
    assert [s.name for s in SCENARIOS.values()] == list(SCENARIOS)


@each
def test_the_edge_answers_what_is_expected_of_cloudfront(scenario: Scenario) -> None:
    expected = scenario.expected.cloudfront_status or 200
    with Running(scenario) as running:
        answer = fetch(replace(running.edge_facts, patience=0.2 if expected == 504 else 10.0))
    assert (answer.status, bool(answer.reason)) == (expected, expected != 200)


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
        assert expected.cloudfront_status in (502, 504)
    else:
        assert (expected.cause, expected.code, expected.cloudfront_status) == (None, None, None)


GIVEN_AWAY = re.compile(r"expired|self-signed|wrong order|intermediate|refused|dropped|plain HTTP", re.IGNORECASE)


@each
def test_the_story_does_not_give_the_answer_away(scenario: Scenario) -> None:
    assert not any(GIVEN_AWAY.search(line) for line in scenario.story)


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("scenario", [s for s in SCENARIOS if not s.startswith("port-") and s != "healthy-http-only"])
def test_s_client_sees_the_chain_in_its_order(scenario: str) -> None:
    with start(scenario) as running:
        service = running.setup.ports[443]
        assert isinstance(service, Tls)
        for name in (ORIGIN, VIEWER_HOST):
            chain = service.by_name.get(name, service.chain)
            assert s_client(running, name) == (list(chain.der) if chain else [])


def s_client(running: Running, name: str) -> list[bytes]:
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import load_pem_x509_certificate

    address, port = running.addresses[443]
    command = ["openssl", "s_client", "-connect", f"{address}:{port}", "-servername", name, "-showcerts"]
    old = ["-cipher", "ALL:@SECLEVEL=0", "-min_protocol", "TLSv1"]
    result = subprocess.run([*command, *old], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=30)
    shown = re.findall(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", result.stdout, re.DOTALL)
    return [load_pem_x509_certificate(pem).public_bytes(Encoding.DER) for pem in shown]


def test_chains_of_scenarios_are_short() -> None:
    with start("certificate-wrong-order") as running:
        service = running.setup.ports[443]
        assert isinstance(service, Tls)
        assert isinstance(service.chain, Chain)
        names = [(i.common_name, i.issuer_name) for i in service.chain.sent]
    assert names == [
        (ORIGIN, "Lab Issuing CA E2"),
        ("Lab Policy CA P1", "Lab Root R1"),
        ("Lab Issuing CA E2", "Lab Policy CA P1"),
    ]
