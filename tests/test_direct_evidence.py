"""What CloudFront itself said leads the verdict; where what was seen from here differs, the verdict says why that may be."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

import cfrunbook as cf
from cfrunbook import cli, lab
from cfrunbook import evidence as recordings
from cfrunbook.evidence import MAX_RESPONSES, Observations
from cfrunbook.runbook import open_runbook
from tests import captures
from tests.captures import classic, curl, of_2026, page, seen, verbose
from tests.test_diagnosis import NOW

NOTHING = Observations(recorded_at=NOW)
DNS = curl(502, classic(502, captures.DNS_SENTENCE))
CONNECT = curl(502, classic())
REFUSED = curl(502, x_cache="LambdaValidationError")
ALB = curl(502, page(captures.ALB), Server="awselb/2.0")
NO_REASON = curl(502, of_2026())
TIMED_OUT = curl(504, of_2026(504))


def alone(*texts: str, **more: Any) -> cf.Diagnosis:
    """Judge captured responses without anything else."""
    return cf.judge(cf.Incident.load(response=list(texts), **more), NOTHING)


# What was captured; status, cause, code, status that CloudFront gave, and a word of the sentence.
ALONE = {
    "function": (REFUSED, "fault", "edge_function", "edge_function.refused_at_edge", 502, "LambdaValidationError"),
    "name": (DNS, "fault", "dns", "dns.cloudfront_cannot_resolve", 502, "could not resolve"),
    "load balancer": (ALB, "fault", "origin_response", "origin_response.relayed", 502, "Application Load Balancer"),
    "capacity": (curl(503, x_cache="CapacityExceeded"), "fault", "cloudfront", "cloudfront.limit", 503, "limit"),
    "connection": (CONNECT, "unknown", "cloudfront", "cloudfront.could_not_connect", 502, "could not connect"),
    "no reason": (NO_REASON, "unknown", "cloudfront", "cloudfront.page_without_reason", 502, "made this 502 itself"),
    "504": (TIMED_OUT, "unknown", "cloudfront", "cloudfront.timeout", 504, "made this 504 itself"),
    "503": (curl(503, of_2026(503)), "unknown", "cloudfront", "cloudfront.unavailable", 503, "made this 503 itself"),
    "403": (seen("Request blocked.", 403), "unknown", "cloudfront", "cloudfront.request_refused", None, "no 502"),
    "hidden": (curl(200, "Sorry"), "unknown", "cloudfront", "cloudfront.error_masked", None, "hides an error"),
    "200": (curl(200, "x", x_cache="Miss", Via=f"1.1 a.cloudfront.net (x), {captures.VIA}"), "ok", None, None, None, "no error"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "status", "cause", "code", "answered", "says"), ALONE.values(), ids=ALONE)
def test_a_response_alone_gives_a_verdict_with_what_to_look_at_next(text, status, cause, code, answered, says) -> None:
    diagnosis = alone(text)
    verdict = diagnosis.verdict
    assert (verdict.status, verdict.cause, verdict.code, verdict.cloudfront_status) == (status, cause, code, answered)
    assert says in verdict.sentence
    assert verdict.next_check or status == "fault"
    assert not diagnosis.paths
    shown = {row.cause for row in diagnosis.causes}
    assert (cf.Cause.CLOUDFRONT in shown) == any(f.cause == "cloudfront" for f in diagnosis.findings)
    assert any(n.what == "the origin" for n in diagnosis.not_examined)


def test_most_responses_decide_which_fault_is_named() -> None:
    assert alone(DNS, REFUSED, REFUSED).verdict.code == "edge_function.refused_at_edge"


# --- beside what was seen from here -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def looks() -> dict[str, tuple[dict[str, Any], Observations]]:
    """Real looks at lab origins: the options of each, and what was seen."""
    found = {}
    for scenario in (
        "healthy",
        "dns-healthy",
        "port-refused",
        "certificate-expired",
        "dns-nxdomain",
        "response-alb-502",
    ):
        with lab.start(scenario) as running:
            incident = cf.Incident.load(**running.options)
            found[scenario] = (dict(running.options), cf.observe_sync(incident))
    return found


def beside(looks: dict[str, tuple[dict[str, Any], Observations]], scenario: str, *texts: str) -> cf.Diagnosis:
    """Judge a real look together with captured responses."""
    _, observations = looks[scenario]
    return cf.judge(cf.Incident.load(evidence=observations, response=list(texts)), observations)


# The scenario that was seen, what was captured, the verdict's code, and a word of how the two go together.
TOGETHER = [
    ("healthy", DNS, "fault", "dns.cloudfront_cannot_resolve", "could not resolve"),
    ("dns-healthy", DNS, "fault", "dns.cloudfront_cannot_resolve", "put right meanwhile"),
    ("dns-healthy", curl(502, classic(502, captures.DNS_SENTENCE), age="4"), "fault", "dns.cloudfront_cannot_resolve", "cache"),
    ("healthy", REFUSED, "fault", "edge_function.refused_at_edge", "LambdaValidationError"),
    ("healthy", CONNECT, "unknown", "cloudfront.could_not_connect", "no fault was found on the way to"),
    ("healthy", NO_REASON, "unknown", "cloudfront.page_without_reason", "put right meanwhile"),
    ("healthy", curl(200, "x", x_cache="Miss"), "ok", None, "No fault found"),
    ("port-refused", CONNECT, "fault", "port.refused", "says fits"),
    ("port-refused", NO_REASON, "fault", "port.refused", "CloudFront answers 502."),
    ("port-refused", TIMED_OUT, "fault", "port.refused", "has 504, though"),
    ("port-refused", DNS, "fault", "dns.cloudfront_cannot_resolve", "something else was seen"),
    ("certificate-expired", CONNECT, "fault", "certificate.expired", "says fits"),
    ("certificate-expired", REFUSED, "fault", "edge_function.refused_at_edge", "something else was seen"),
    ("certificate-expired", ALB, "fault", "origin_response.relayed", "does not name"),
    ("dns-nxdomain", DNS, "fault", "dns.nxdomain", "CloudFront itself says so too"),
    ("dns-nxdomain", CONNECT, "fault", "dns.nxdomain", "does not speak of this, though"),
    ("response-alb-502", ALB, "fault", "origin_response.origin_status", "CloudFront itself says so too"),
]  # fmt: skip


@pytest.mark.parametrize(("scenario", "text", "status", "code", "says"), TOGETHER)
def test_cloudfronts_word_comes_first_and_a_difference_is_explained(looks, scenario, text, status, code, says) -> None:
    diagnosis = beside(looks, scenario, text)
    assert (diagnosis.verdict.status, diagnosis.verdict.code) == (status, code)
    assert says in diagnosis.verdict.sentence
    if code:
        assert diagnosis.findings[0].code == code


def test_the_path_shows_what_cloudfront_names_and_not_what_is_about_its_response(looks) -> None:
    stages = {s.stage: s for s in beside(looks, "healthy", DNS).stages}
    assert stages["dns"].status == "fault"
    assert "dns.cloudfront_cannot_resolve" in stages["dns"].findings
    assert stages["http"].status == "ok"
    codes = {c for path in beside(looks, "healthy", NO_REASON).paths for s in path.stages for c in s.findings}
    assert not {c for c in codes if c.startswith("cloudfront.")}


# --- as an input --------------------------------------------------------------------------------------------------


def test_a_recording_keeps_the_response_and_is_judged_alike() -> None:
    incident = cf.Incident.load(response=verbose(502, classic(502, captures.DNS_SENTENCE)))
    seen_now = msgspec.structs.replace(NOTHING, inputs=incident.inputs)
    written = seen_now.to_json()
    assert b"hunter2" not in written
    assert b"Trying" not in written  # of the capture only what was recognised is kept
    again = recordings.from_json(written)
    assert cf.judge(cf.Incident.load(evidence=again), again).verdict == cf.judge(incident, seen_now).verdict
    assert any(fact.label == "Captured response" for fact in incident.describe())


def test_a_recording_with_too_many_responses_is_refused() -> None:
    one = cf.Incident.load(response=DNS).inputs.responses[0]
    many = msgspec.structs.replace(NOTHING, inputs=recordings.Inputs(responses=(one,) * (MAX_RESPONSES + 1)))
    with pytest.raises(cf.BadInput, match="does not follow schema"):
        recordings.from_json(many.to_json())


def test_nothing_to_examine_names_the_captured_response() -> None:
    with pytest.raises(cf.BadInput, match="a captured response"):
        cf.Incident.load()


def test_the_command_line_takes_several_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = []
    for number, text in enumerate((DNS, NO_REASON)):
        file = tmp_path / f"{number}.txt"
        file.write_text(text, newline="")
        files.append(str(file))
    assert cli.entry(["diagnose", "--json", "--response", *files]) == 1
    diagnosis = json.loads(capsys.readouterr().out)
    assert diagnosis["verdict"]["code"] == "dns.cloudfront_cannot_resolve"
    assert {f["code"] for f in diagnosis["findings"]} >= {"cloudfront.page_without_reason", "cloudfront.for_support"}
    assert cli.entry(["diagnose", "--response", files[1]]) == 3
    assert "made this 502 itself" in re.sub(r"\s+", " ", capsys.readouterr().out)
    assert cli.entry(["diagnose", "--response", str(tmp_path / "none.txt")]) == 2
    assert capsys.readouterr().err.startswith("cfrunbook: Response: no such file")


def test_the_environment_gives_it_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "my capture.txt"
    file.write_text(REFUSED, newline="")
    monkeypatch.setenv("CFRUNBOOK_RESPONSE", f"'{file}'")
    assert cli.entry(["diagnose", "--json"]) == 1


def test_a_runbook_takes_pasted_text_and_does_not_show_it_again() -> None:
    runbook = open_runbook("00_start_here", response=verbose(502, of_2026()))
    asyncio.run(runbook.look())
    assert runbook.diagnosis.verdict.code == "cloudfront.page_without_reason"
    shown_next = str(runbook.next()._repr_mimebundle_())
    assert "x-edge-detailed-result-type" in shown_next
    assert "hunter2" not in shown_next
    assert "cfrunbook report --response response.txt" in shown_next
