"""The catalogue: the scenarios whose edge answers otherwise than the verdict says, and what can be chosen.

That every result code is shown, or has a reason, is held in tests/test_agreement.py, where scenarios are looked at.
"""

from __future__ import annotations

from functools import cache

import pytest

import cfrunbook as cf
from cfrunbook.errors import BadInput
from cfrunbook.lab import SCENARIOS, catalogue, start
from cfrunbook.lab.edge import fetch_all
from cfrunbook.lab.scenarios import configured, papers
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
    assert all(reason.endswith(".") and reason[0].isupper() for reason in catalogue.NOT_SHOWN.values())


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
