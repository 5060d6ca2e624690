"""The catalogue: the scenarios whose edge answers otherwise than the verdict says, and what can be chosen.

That every result code is shown, or has a reason, is held in tests/test_agreement.py, where scenarios are looked at.
"""

from __future__ import annotations

import re
from functools import cache

import pytest

import cfrunbook as cf
from cfrunbook.errors import BadInput
from cfrunbook.lab import SCENARIOS, catalogue, logs, start
from cfrunbook.lab.authority import Authority
from cfrunbook.lab.catalogue import Judge
from cfrunbook.lab.edge import fetch_all
from cfrunbook.lab.scenarios import configured, papers
from cfrunbook.probes import s2n
from tests.scenarios import APART


@cache
def judged(name: str) -> tuple[cf.Diagnosis, frozenset[int]]:
    """Return the diagnosis of a scenario, and what its edge answers."""
    with start(name) as running:
        diagnosis = cf.diagnose_sync(cf.Incident.load(**running.options))
        statuses = frozenset(
            a.status for m in running.setup.methods for a in fetch_all(running.edge_facts, method=m, patience=5.0)
        )
    return diagnosis, statuses


@pytest.mark.parametrize("name", sorted(APART))
def test_the_verdict_is_what_the_author_says(name: str) -> None:
    """Elsewhere this is held against the edge; here the edge answers something else, for a reason."""
    diagnosis, statuses = judged(name)
    verdict, expected = diagnosis.verdict, SCENARIOS[name].expected
    assert (verdict.status, verdict.cause, verdict.code, verdict.cloudfront_status) == (
        expected.status,
        expected.cause,
        expected.code,
        expected.cloudfront_status,
    ), verdict.sentence
    if SCENARIOS[name].is_fickle:
        assert statuses <= expected.edge_answers
    else:
        assert statuses == expected.edge_answers


@pytest.mark.parametrize("row", configured.ROWS, ids=lambda row: row.code)
def test_a_change_shows_the_code_that_it_is_named_for(row: configured.Row) -> None:
    diagnosis, _ = judged(configured.name_of(row.code))
    assert f"distribution.{row.code}" in {f.code for f in diagnosis.findings}


def test_reasons_are_sentences() -> None:
    reasons = (*catalogue.NOT_SHOWN.values(), *catalogue.disagreements().values())
    assert all(reason.endswith(".") and reason[0].isupper() for reason in reasons)


def test_who_disagrees_still_does() -> None:
    """A row of the table that no longer holds fails here; one that is missing fails where the judges are asked."""
    for name, judge in catalogue.disagreements():
        expected = SCENARIOS[name].expected
        if judge in (Judge.S2N, Judge.UNBOUND, Judge.BIND) or s2n.available():
            continue  # tests/real asks them
        with start(name) as running:
            found = fetch_all(running.edge_facts, patience=5.0, with_s2n=judge is Judge.EDGE)
        is_served = not {a.status for a in found} & {502, 503, 504}
        if expected.status == "unknown" and judge is Judge.EDGE:
            assert is_served, name  # where the verdict leaves it open, the edge has an opinion
        else:
            assert is_served != (expected.status == "ok"), name


@pytest.mark.parametrize("row", [*papers.RESPONSES, *papers.LOGS], ids=lambda row: row.name)
def test_what_was_kept_is_given(row: papers.Row) -> None:
    with start(row.name) as running:
        assert ("response" in running.options) == (row.response is not None)
        assert ("logs" in running.options) == (row.logs is not None)


def test_scenarios_are_chosen_by_cause_and_difficulty() -> None:
    easy = catalogue.choose(cause="dns", difficulty="easy")
    assert easy
    assert {(s.expected.cause, s.difficulty) for s in easy} == {(cf.Cause.DNS, "easy")}
    assert len(catalogue.choose()) == len(SCENARIOS)
    with pytest.raises(BadInput, match="is no cause; there are tls_name"):
        catalogue.choose(cause="moon")
    with pytest.raises(BadInput, match="is no difficulty; there are easy"):
        catalogue.choose(difficulty="moon")


# --- every scenario is told well --------------------------------------------------------------------------------------

ANCHORS = {
    "http-502-dns-error": {cf.Cause.DNS},
    "dns-resolution-failure": {cf.Cause.DNS},
    "ssl-certificate-expired": {cf.Cause.CERTIFICATE, cf.Cause.TLS_PROTOCOL},
    "ssl-negotitation-failure": {cf.Cause.TLS_NAME, cf.Cause.CERTIFICATE},
    "origin-not-responding-with-supported-ciphers-protocols": {cf.Cause.TLS_PROTOCOL},
    "origin-not-responding-on-specified-ports": {cf.Cause.PORT},
    "cloudfront-alb-502-error": {cf.Cause.ORIGIN_RESPONSE},
    "http-502-lambda-validation-error": {cf.Cause.EDGE_FUNCTION},
    "http-502-cloudfront-function-validation-error": {cf.Cause.EDGE_FUNCTION},
}
"""The sections of AWS's page about 502, and the causes that they are about."""
CODES = re.compile(r"\b50[234]\b")


def test_every_story_is_two_lines_and_every_hint_a_step() -> None:
    for name, told in SCENARIOS.items():
        pager, ticket = told.story
        assert re.match(r"\d\d:\d\d (PAGE|MAIL|TICKET|REVIEW)  \S", pager), name
        assert re.match(r"Ticket: \S", ticket), name
        assert all(len(line) <= 120 and "\n" not in line for line in told.story), name
        assert len({*told.story, *told.hints, told.title, told.why_in_real_life}) == 7, name
        assert all(len(hint) >= 12 for hint in told.hints), name


def test_the_first_hint_does_not_name_the_answer() -> None:
    """Hints go from the vague to the specific: whoever opens one is not done."""
    for name, told in SCENARIOS.items():
        said = told.hints[0].lower()
        code = (told.expected.code or ".").partition(".")[2]
        assert not code or code.replace("_", " ") not in said, name
        assert not re.search(r"\b(expired|self-signed|refuses connections|nxdomain|lame)\b", said), name


def test_the_pager_names_no_status_that_it_is_not() -> None:
    for name, told in SCENARIOS.items():
        said = set(map(int, CODES.findall(told.story[0].partition("Somebody said")[0])))
        if told.expected.status == "fault":
            assert said <= {told.expected.cloudfront_status}, name


def test_the_page_is_about_the_cause() -> None:
    for name, told in SCENARIOS.items():
        _, _, anchor = told.page.rpartition("/")[2].partition("#")
        if anchor in ANCHORS and told.expected.cause:
            assert told.expected.cause in ANCHORS[anchor], name
        assert not told.page.rpartition("/")[2].startswith("http-502") or not anchor or anchor in ANCHORS, name


TYPES = {
    cf.Cause.DNS: r"OriginDnsError|OriginCommError",
    cf.Cause.PORT: r"OriginConnectError|OriginCommError",
    cf.Cause.TLS_NAME: "OriginConnectError",
    cf.Cause.TLS_PROTOCOL: "OriginConnectError",
    cf.Cause.CERTIFICATE: "OriginConnectError",
    cf.Cause.ORIGIN_RESPONSE: r"Origin\w+",
    cf.Cause.EDGE_FUNCTION: r"(Lambda|Function)\w+",
    cf.Cause.CLOUDFRONT: r"\w+",
}
"""What x-edge-detailed-result-type says, by cause."""


def test_logs_and_captured_responses_tell_of_the_same_incident() -> None:
    authority = Authority()
    counted = 0
    for name, told in SCENARIOS.items():
        expected = told.expected
        if expected.status != "fault" or expected.cause is None:
            continue
        setup = told.set_up(authority)
        if setup.response is not None:
            assert setup.response.status == expected.cloudfront_status, name
            counted += 1
        if told.has_logs:
            story = logs.story_of(setup, expected)
            assert story.status in (expected.cloudfront_status, 200), name  # 200: masked by a page of one's own
            assert re.fullmatch(TYPES[expected.cause], story.type), (name, story.type)
            counted += 1
    assert counted > 30
