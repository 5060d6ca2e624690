"""Every scenario in which something is broken can be mended by editing its site: then the edge answers 200."""

from __future__ import annotations

import subprocess

import pytest

import cfrunbook as cf
from cfrunbook import lab
from cfrunbook.errors import BadInput
from cfrunbook.findings import Cause
from tests.looking import looked_at
from tests.scenarios import distinct

BROKEN = {name: s for name, s in distinct().items() if s.expected.cause is not None}
PATIENCE = 10.0
"""Seconds; only what stays broken waits that long."""
NOT_BROKEN = {
    name for name, s in BROKEN.items() if s.expected.cause is Cause.EDGE_FUNCTION and s.expected.status != "fault"
}
"""What it takes is not known, and nothing is wrong."""
NOT_SEEN = {"account-vpc-origin-shut-out"}
"""A VPC origin: from here nobody sees whether it is mended."""


def test_every_scenario_with_a_fault_can_be_mended() -> None:
    assert {name for name, s in lab.SCENARIOS.items() if s.expected.status == "fault" and not s.on_paper} <= {
        name for name, s in lab.SCENARIOS.items() if mendable(s)
    }


def mendable(scenario: lab.Scenario) -> bool:
    from cfrunbook.lab.mending import is_mendable

    return is_mendable(scenario)


@pytest.mark.parametrize("name", sorted(BROKEN.keys() - NOT_BROKEN))
def test_mended_the_edge_answers_200(name: str) -> None:
    assert looked_at(name).mended == {200}


def one_of_each_code() -> list[str]:
    """Return one scenario for every code outside edge functions, and one for each kind of function."""
    chosen: dict[str | None, str] = {}
    for name in sorted(BROKEN.keys() - NOT_BROKEN - NOT_SEEN):
        expected = BROKEN[name].expected
        is_function = expected.cause is Cause.EDGE_FUNCTION
        chosen.setdefault(name.partition("-")[0] if is_function else expected.code, name)
    return sorted(chosen.values())


@pytest.mark.parametrize("name", one_of_each_code())
def test_mended_the_diagnosis_is_ok(name: str) -> None:
    with lab.start(name, deadline=PATIENCE) as running:
        running.mend()
        verdict = cf.diagnose_sync(cf.Incident.load(lab=running.file)).verdict
    assert verdict.status == "ok", verdict.sentence


VERIFIED = {
    "certificate-expired": "Verify return code: 0 (ok)",
    "tls-name-forwarded-host": "does match certificate",
    "tls-protocol-dhe-only": "Cipher is TLS_AES",
    "port-refused": "\n200\n",
    "dns-nodata": "203.0.113.10",
    "response-alb-502": "HTTP/1.1 200 OK",
}


@pytest.mark.needs("openssl", "curl", "dig")
@pytest.mark.parametrize(("name", "proof"), VERIFIED.items())
def test_the_remedys_own_check_fails_before_and_passes_after(name: str, proof: str) -> None:
    with lab.start(name) as running:
        diagnosis = cf.diagnose_sync(cf.Incident.load(lab=running.file))
        finding = next(f for f in diagnosis.findings if f.code == diagnosis.verdict.code)
        assert finding.verify.command
        before = said(finding.verify.command)
        running.mend()
        after = said(finding.verify.command)
    assert (proof in before, proof in after) == (False, True), (before, after)


def said(command: str) -> str:
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False, timeout=60)
    return done.stdout + done.stderr


@pytest.mark.parametrize("name", ["healthy", "lambda-edge-not-compared"])
def test_there_may_be_nothing_to_mend(name: str) -> None:
    with lab.start(name) as running:
        assert not running.is_mendable
        with pytest.raises(BadInput, match="cannot be mended"):
            running.mend()
