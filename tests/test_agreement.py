"""Our verdict and the independent edge agree: the edge connects with OpenSSL and shares no code with our judges."""

from __future__ import annotations

import pytest

import cfrunbook as cf
from cfrunbook import lab
from cfrunbook.lab.edge import fetch


@pytest.mark.parametrize("name", list(lab.SCENARIOS))
def test_our_verdict_equals_the_independent_edges_answer(name: str) -> None:
    with lab.start(name) as running:
        answer = fetch(running.edge_facts)
        diagnosis = cf.diagnose_sync(cf.Incident.load(**running.options))
    expected = running.scenario.expected
    verdict = diagnosis.verdict
    # The edge answers 200 exactly where we find no fault, and the status that we say otherwise.
    assert (answer.status == 200) == (verdict.status == "ok"), (answer, verdict)
    if verdict.status == "fault":
        assert verdict.cloudfront_status == answer.status, (answer, verdict)
    # And both are what the scenario's author says.
    assert (verdict.status, verdict.cause, verdict.code, verdict.cloudfront_status) == (
        expected.status,
        expected.cause,
        expected.code,
        expected.cloudfront_status,
    ), verdict.sentence


@pytest.mark.parametrize("name", list(lab.SCENARIOS))
def test_every_finding_is_complete(name: str) -> None:
    with lab.start(name) as running:
        incident = cf.Incident.load(**running.options)
        observations = cf.observe_sync(incident)
        diagnosis = cf.judge(incident, observations)
    assert diagnosis.findings
    for finding in diagnosis.findings:
        assert finding.title, finding.code
        assert finding.source.startswith("https://"), finding.code
        if finding.status in (cf.Status.FAULT, cf.Status.WARNING):
            assert finding.evidence, finding.code
            assert finding.reproduce, finding.code
            assert finding.remedy.steps, finding.code
            assert finding.verify.text, finding.code
        if finding.status is cf.Status.UNKNOWN:
            assert finding.next_check, finding.code
        for evidence in finding.evidence:
            known = evidence.observation.startswith("input:") or observations.find(evidence.observation)
            assert known, (finding.code, evidence)


def test_judging_a_recording_gives_the_same_diagnosis_as_the_live_look() -> None:
    with lab.start("certificate-expired") as running:
        incident = cf.Incident.load(**running.options)
        observations = cf.observe_sync(incident)
        live = cf.judge(incident, observations)
        folder = running.folder
        recording = folder / "evidence.json"
        observations.save(recording)
        again = cf.diagnose_sync(cf.Incident.load(evidence=recording))
    assert again.verdict == live.verdict
    assert again.findings == live.findings
    assert again.paths == live.paths
