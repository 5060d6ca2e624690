"""Grading: one table of answers and points; what proves nothing, and who is innocent."""

from __future__ import annotations

import csv
import io
import json
import random
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfrunbook.errors import BadInput
from cfrunbook.lab import SCENARIOS
from cfrunbook.lab.training import exam, fixes, grading, naming, proofs
from cfrunbook.lab.training.drawing import Draw
from cfrunbook.lab.training.grading import Answer
from cfrunbook.lab.training.sheet import Line, Sheet

EXPIRED, HEALTHY = "certificate-expired", "healthy"
OPEN = "capture-page-without-reason"

# The scenario and the answer; points for cause, evidence, fix, and what else is counted.
ANSWERS: dict[str, tuple[str, dict[str, object], list[int]]] = {
    "all of it, by hand": (
        EXPIRED,
        {"cause": "certificate", "evidence": "openssl s_client: notAfter=Nov 20 is past", "fix": "renew it and reload nginx"},
        [40, 40, 20],
    ),
    "by the finding's code": (
        EXPIRED,
        {"cause": "Certificate", "evidence": "cfrunbook: certificate.expired", "fix": "Install a renewed one"},
        [40, 40, 20],
    ),
    "in other words": (EXPIRED, {"cause": "cert", "evidence": "verify return code: 10"}, [40, 40, 0]),
    "a claim is no evidence": (EXPIRED, {"cause": "certificate", "evidence": "the certificate is broken"}, [40, 0, 0]),
    "no evidence": (EXPIRED, {"cause": "certificate", "fix": "renew"}, [40, 0, 10]),
    "another cause": (EXPIRED, {"cause": "dns", "evidence": "NXDOMAIN", "fix": "renew it, reload"}, [0, 0, 0]),
    "a false accusation": (
        EXPIRED,
        {"cause": "certificate and dns", "evidence": "num=10", "fix": "renew and reload"},
        [40, 40, 20, -20],
    ),
    "two of them": (EXPIRED, {"cause": "certificate, dns, port", "evidence": "num=10"}, [40, 40, 0, -40]),
    "hints": (EXPIRED, {"cause": "certificate", "evidence": "expired", "fix": "renew, reload", "hints": 2}, [40, 40, 20, -20]),
    "nothing at all": (EXPIRED, {}, [0, 0, 0]),
    "nothing is broken": (HEALTHY, {"cause": "none", "evidence": "curl: 200, Verify return code: 0 (ok)"}, [40, 40, 20]),
    "nothing is broken, mended nevertheless": (
        HEALTHY,
        {"cause": "none", "evidence": "all answers are 200", "fix": "renew the certificate"},
        [40, 40, 0],
    ),
    "the innocent accused": (HEALTHY, {"cause": "certificate", "evidence": "expired", "fix": "renew"}, [0, 0, 0]),
    "open": (OPEN, {"cause": "unknown", "evidence": "the page gives no reason", "fix": "look at the access logs"}, [40, 40, 20]),
    "both are at fault": (
        "compound-three-addresses",
        {"cause": "port, certificate", "evidence": "connection refused at one", "fix": "start the server there, listen"},
        [40, 40, 20],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("name", "answer", "points"), ANSWERS.values(), ids=ANSWERS)
def test_what_an_answer_is_worth(name: str, answer: dict[str, object], points: list[int]) -> None:
    graded = grading.grade(SCENARIOS[name], msgspec.convert(answer, Answer))
    assert [part.points for part in graded.parts] == points
    assert graded.points == max(0, sum(points))
    assert all(part.why for part in graded.parts)
    assert SCENARIOS[name].title in graded.explanation[0]


# --- how people say it ---------------------------------------------------------------------------------------------

NAMED = {
    "certificate": "Certificate | the SSL certificate has expired | self-signed certificate | the intermediate | untrusted CA"
    " | certificate.expired | intermediate certificate missing",
    "tls_name": "TLS name | tls-name | the certificate's name does not match | SNI refused | certificate is for another host",
    "tls_protocol": "TLS protocol | handshake | no common cipher suite | the origin asks for a client certificate",
    "port": "Port | firewall drops CloudFront | connection refused | plain HTTP on the TLS port | security group"
    " | port 443 is closed | DNS is fine but the port is closed",
    "dns": "DNS | name servers are dead | NXDOMAIN | name resolution | the domain expired | name servers disagree",
    "edge_function": "edge function | Lambda@Edge | lambda@edge function returned a bad header | CloudFront Function"
    " | edge_function.cloudfront_function.value_control",
    "origin_response": "origin response | application returns 502 | response header too large | the origin is too slow",
    "none": "none | nothing is broken | everything works | false alarm | no fault",
    "unknown": "unknown | cannot tell | not enough evidence",
    "certificate dns": "certificate, dns | certificate and dns | DNS/certificate | dns + cert",
    "": " | 42 | certifcate | ???",
}  # fmt: skip


@pytest.mark.parametrize("wanted", NAMED)
def test_a_cause_is_recognised_in_whatever_words(wanted: str) -> None:
    for said in NAMED[wanted].split(" | "):
        assert naming.causes(said) == set(wanted.split()), said


def test_the_innocent_are_not_accused_by_being_named() -> None:
    assert naming.causes("not dns, it's the certificate") == {"certificate"}
    assert naming.causes("the port is fine; the certificate is not trusted") == {"certificate"}


words = st.text(max_size=60)


@given(st.sampled_from(sorted(SCENARIOS)), st.builds(Answer, cause=words, evidence=words, fix=words))
def test_whatever_is_written_is_graded(name: str, answer: Answer) -> None:
    graded = grading.grade(SCENARIOS[name], answer)
    assert 0 <= graded.points <= graded.of == 100


EVERYTHING = {
    "codes": naming.rules(),
    "what findings mean": [rule.title + rule.meaning for rule in naming.rules().values()],
    "hints": [hint for scenario in SCENARIOS.values() for hint in scenario.hints],
    "what tools print": proofs._SAID.values(),
    "fixes": {fixes.fix_of(scenario) for scenario in SCENARIOS.values()},
}
FAULTS = sorted(name for name, scenario in SCENARIOS.items() if scenario.expected.status == "fault")


@settings(max_examples=30)
@given(st.sampled_from(FAULTS), st.sampled_from(sorted(EVERYTHING)), st.randoms())
def test_a_list_of_everything_is_neither_evidence_nor_a_fix(name: str, kind: str, dice: random.Random) -> None:
    given = list(EVERYTHING[kind])
    dice.shuffle(given)
    text = "; ".join(given)
    answer = Answer(
        cause=str(SCENARIOS[name].expected.cause), evidence=text, fix=text if kind != "what tools print" else ""
    )
    assert grading.grade(SCENARIOS[name], answer).points == grading.CAUSE_POINTS


@given(st.sampled_from(sorted(SCENARIOS)), st.lists(st.sampled_from(naming.NAMES), min_size=6, unique=True))
def test_a_list_of_causes_is_no_diagnosis(name: str, causes: list[str]) -> None:
    """Even with all that proves it: what is accused beside it costs more than half."""
    scenario = SCENARIOS[name]
    answer = Answer(cause=", ".join(causes), evidence=scenario.expected.code or "curl: 200", fix=fixes.fix_of(scenario))
    assert grading.grade(scenario, answer).points <= 40


@given(st.sampled_from(FAULTS), st.sampled_from(FAULTS))
def test_evidence_for_another_cause_is_worth_nothing(name: str, other: str) -> None:
    given, asked = SCENARIOS[other].expected, SCENARIOS[name].expected
    answer = Answer(cause=str(given.cause), evidence=str(given.code), fix=fixes.fix_of(SCENARIOS[other]))
    points = grading.grade(SCENARIOS[name], answer).points
    if given.code == asked.code:
        assert points == 100
    elif not {given.cause, str(given.code).partition(".")[0]} & {asked.cause, str(asked.code).partition(".")[0]}:
        assert points == 0


def test_every_scenario_has_a_fix_in_a_sentence() -> None:
    for scenario in SCENARIOS.values():
        fix = fixes.fix_of(scenario)
        assert fix[0].isupper(), scenario.name
        assert fix.endswith("."), scenario.name
        assert (fix == fixes.NOTHING) == (scenario.expected.cause is None), scenario.name


# --- the sheet ----------------------------------------------------------------------------------------------------


def sheet(evidence: str = "x", team: str = "Team 1") -> Sheet:
    answers = [Answer(cause="none", evidence=evidence, fix="", seconds=90.0)]
    return exam.graded(Draw(seed=1, count=2), answers, team=team)


def test_a_sheet_has_a_line_for_every_incident() -> None:
    made = sheet()
    assert [line.incident for line in made.lines] == [1, 2]
    assert made.of == 200
    assert json.loads(made.to_json())["points"] == made.points
    rows = list(csv.DictReader(io.StringIO(made.to_csv())))
    assert [row["scenario"] for row in rows] == [line.scenario for line in made.lines]
    assert made.to_markdown().startswith(f"# Team 1: {made.points} of 200 points")


@pytest.mark.parametrize("evil", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", "\t=1"])
def test_no_cell_is_a_formula(evil: str) -> None:
    (row, _) = csv.DictReader(io.StringIO(sheet(evil, team=evil).to_csv()))
    assert row["evidence"][:1] not in "=+-@\t\r"
    assert row["team"][:1] not in "=+-@\t\r"


@given(st.text(max_size=80))
def test_what_people_write_does_not_break_the_markdown(text: str) -> None:
    made = exam.graded(Draw(seed=1, count=1), [Answer(cause=text)], team=text)
    table = [line for line in made.to_markdown().splitlines() if line.startswith("| 1 ")]
    assert len(table) == 1
    assert len(table[0].replace("\\|", "").split("|")) == 8


def test_it_is_saved_in_one_format_or_in_all(tmp_path: Path) -> None:
    assert [p.name for p in sheet().save(tmp_path / "a" / "score")] == ["score.json", "score.csv", "score.md"]
    assert [p.name for p in sheet().save(tmp_path / "one.md")] == ["one.md"]


def test_answers_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "answers.json"
    file.write_text(json.dumps(exam.template(Draw(seed=1, count=2))))
    assert len(exam.read(file).answers) == 2
    for broken in ("{", "[]", '{"seed": 1, "answers": [], "more": 1}', '{"seed": "x", "answers": []}'):
        file.write_text(broken)
        with pytest.raises(BadInput, match="is no file of answers"):
            exam.read(file)
    with pytest.raises(BadInput, match="there are 3 answers and 2 incidents"):
        exam.graded(Draw(seed=1, count=2), [Answer()] * 3)


def test_a_line_reads_as_text() -> None:
    line: Line = sheet().lines[0]
    assert f"{line.grade.points} of 100 points in 2 min." in exam.shown(line)
