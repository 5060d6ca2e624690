"""Our verdict and the independent edge agree.

The edge connects with OpenSSL and with AWS's own TLS library, and shares no code with our judges.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

import cfrunbook as cf
from cfrunbook import lab
from cfrunbook.causes import registry
from cfrunbook.functions.validation import rules as function_rules
from cfrunbook.lab import catalogue
from cfrunbook.lab.edge import Origin, OriginGroup, fetch_all
from cfrunbook.lab.scenarios.function_results import name_of
from cfrunbook.lab.training import expert, grading
from cfrunbook.probes import s2n
from cfrunbook.views.html import report_page
from cfrunbook.views.markdown import summary
from tests.conftest import REQUIRE_ALL
from tests.lab.test_catalogue import judged
from tests.looking import codes, looked_at
from tests.scenarios import APART, OF_RESULTS, distinct

WHY_NOT = s2n.available()
NAMES = list(distinct())
BROKEN = frozenset({502, 503, 504})


@pytest.mark.parametrize("name", NAMES)
def test_our_verdict_equals_the_independent_edges_answer(name: str) -> None:
    if lab.SCENARIOS[name].needs_s2n and WHY_NOT and not REQUIRE_ALL:
        pytest.skip(f"needs awscrt: {WHY_NOT}")
    look = looked_at(name)
    reading, writing, diagnosis = look.reading, look.writing, look.diagnosis
    verdict = diagnosis.verdict
    # Wherever CloudFront connects, whatever the method: the edge answers nothing but 200, or an error that is the
    # origin's own, exactly where we find no fault; and where we do, the status that we say and no other error.
    # A function's result that cannot be told may well be accepted.
    if not (name in OF_RESULTS and verdict.status == "unknown"):
        assert (not (reading | writing) & BROKEN) == (verdict.status == "ok"), (reading, writing, verdict)
    if verdict.status == "fault":
        assert verdict.cloudfront_status != 200
        assert (reading | writing) - {200} == {verdict.cloudfront_status}, (reading, writing, verdict)
        # We say that it depends on the address exactly where the edge answers 200 at others.
        named = next(f for f in diagnosis.findings if (f.code, f.target) == (verdict.code, verdict.target))
        assert named.data.get("intermittent", False) == (200 in writing), (writing, named)
        # And that reading fails over exactly where it does.
        assert ("HEAD and OPTIONS fail over" in verdict.sentence) == (reading != writing), (reading, writing, verdict)
    # And both are what the scenario's author says.
    expected = lab.SCENARIOS[name].expected
    assert reading | writing == expected.edge_answers
    assert (verdict.status, verdict.cause, verdict.code, verdict.cloudfront_status) == (
        expected.status,
        expected.cause,
        expected.code,
        expected.cloudfront_status,
    ), verdict.sentence


WARNINGS = {
    "healthy-expiring-soon": "certificate.expires_soon",
    "healthy-all-viewer-no-url": "tls_name.mismatch_if_sent",
    "origin-group-secondary-broken": "certificate.expired",
    "healthy-two-certificates": "certificate.other_bad",
    "response-half-a-page": "origin_response.cut_body",
    "healthy-many-cookies": "origin_response.header_large",
    "port-keep-alive-short": "port.keep_alive_short",
    "dns-one-server-dead": "dns.server_silent",
    "dns-one-server-stopped": "dns.server_not_running",
    "dns-one-server-refuses": "dns.server_refuses",
    "dns-one-server-fails": "dns.server_fails",
    "dns-one-server-lame": "dns.server_not_authoritative",
    "dns-one-server-refers-upward": "dns.server_refers_upward",
    "dns-one-server-without-udp": "dns.server_without_udp",
    "dns-one-server-garbled": "dns.server_garbles",
    "dns-one-server-wrong-id": "dns.server_garbles",
    "dns-one-server-stale": "dns.serials_differ",
    "dns-zone-lists-more": "dns.servers_mismatch",
    "dns-without-tcp": "dns.server_without_tcp",
    "dns-alias-at-apex": "dns.alias_and_other_data",
    "dns-one-instance-stale": "dns.instances_differ",
    "dns-two-aliases": "dns.several_aliases",
    "dns-aaaa-denied": "dns.denied_by_type",
    "dns-split-horizon": "dns.resolver_differs",
    "function-with-mutual-tls": "distribution.function_with_mutual_tls",
    "function-with-vpc-origin": "distribution.function_with_vpc_origin",
    "grpc-with-mutual-tls": "distribution.grpc_with_mutual_tls",
    "grpc-with-vpc-origin": "distribution.grpc_with_vpc_origin",
}
SUSPICIOUS = [name for name in lab.SCENARIOS if name.startswith("dns-") and lab.SCENARIOS[name].expected.status == "ok"]
SEVERAL_WARNINGS = {"dns-registry-lists-more", "dns-old-glue-of-one"}


@pytest.mark.parametrize(("name", "code"), WARNINGS.items())
def test_what_will_bite_later_is_a_warning(name: str, code: str) -> None:
    diagnosis = looked_at(name).diagnosis
    assert [f.code for f in diagnosis.findings if f.status is cf.Status.WARNING] == [code]
    assert "1 warning" in diagnosis.verdict.sentence


@pytest.mark.parametrize("name", [name for name in SUSPICIOUS if name not in {*WARNINGS, *SEVERAL_WARNINGS}])
def test_what_only_looks_suspicious_is_not_even_a_warning(name: str) -> None:
    diagnosis = looked_at(name).diagnosis
    assert {f.status for f in diagnosis.findings if f.cause is cf.Cause.DNS} <= {cf.Status.OK, cf.Status.INFO}


def test_the_warned_of_name_is_refused_by_the_edge() -> None:
    with lab.start("healthy-all-viewer-no-url") as running:
        facts = running.edge_facts
        assert isinstance(facts, Origin)
        name = running.options["distribution"]["Distribution"]["DomainName"]
        assert [a.status for a in fetch_all(replace(facts, viewer_host=name), patience=5.0)] == [502]


def test_the_secondary_that_is_warned_of_is_refused_by_the_edge() -> None:
    with lab.start("origin-group-secondary-broken") as running:
        facts = running.edge_facts
        assert isinstance(facts, OriginGroup)
        assert [a.status for a in fetch_all(facts.secondary, patience=5.0)] == [502]


@pytest.mark.parametrize("name", NAMES)
def test_every_finding_is_complete(name: str) -> None:
    look = looked_at(name)
    observations, diagnosis = look.observations, look.diagnosis
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


@pytest.mark.parametrize("name", NAMES)
def test_the_report_names_the_cause(name: str) -> None:
    look = looked_at(name)
    observations, diagnosis = look.observations, look.diagnosis
    page = report_page(diagnosis, observations, generated_at=observations.recorded_at)
    ticket = summary(diagnosis, observations)
    code = lab.SCENARIOS[name].expected.code
    if code is not None:
        assert f'id="finding-{code}"' in page
        assert code in ticket
    else:
        assert "No fault found" in page
        assert "No fault found" in ticket


def test_judging_a_recording_gives_the_same_diagnosis_as_the_live_look() -> None:
    with lab.start("certificate-expired") as running:
        incident = cf.Incident.load(**running.options)
        observations = cf.observe_sync(incident)
        live = cf.judge(incident, observations)
        recording = running.folder / "evidence.json"
        observations.save(recording)
        again = cf.diagnose_sync(cf.Incident.load(evidence=recording))
    assert again.verdict == live.verdict
    assert again.findings == live.findings
    assert again.paths == live.paths


def test_every_code_has_a_scenario_or_a_reason() -> None:
    """The catalogue is complete: each result code is shown by a scenario, or it is said why none can show it."""
    rules = registry.rules()
    logged = [name for name in OF_RESULTS if lab.SCENARIOS[name].has_logs]
    shown = {f.code for name in APART for f in judged(name)[0].findings}
    shown = shown.union(*(codes(name) for name in (*NAMES, *logged)))
    shown |= {f"edge_function.{rule}" for rule in function_rules() if name_of(rule) in OF_RESULTS}
    assert rules.keys() - shown - catalogue.NOT_SHOWN.keys() == set(), "these want a scenario, or a reason"
    assert catalogue.NOT_SHOWN.keys() & shown == set(), "these are shown after all"
    assert catalogue.NOT_SHOWN.keys() - rules.keys() == set()


@pytest.mark.parametrize("name", [*NAMES, *sorted(APART)])
def test_the_expert_scores_everything(name: str) -> None:
    """What our own diagnosis writes down is worth all points, whatever the scenario."""
    diagnosis = looked_at(name).diagnosis if name in NAMES else judged(name)[0]
    graded = grading.grade(lab.SCENARIOS[name], expert.written(diagnosis))
    assert graded.points == graded.of, [part.why for part in graded.parts]
