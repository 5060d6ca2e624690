"""Every scenario in which something is broken can be mended by editing its site: then the edge answers 200."""

from __future__ import annotations

import pytest

import cfrunbook as cf
from cfrunbook import lab
from cfrunbook.errors import BadInput
from cfrunbook.findings import Cause
from cfrunbook.lab.edge import fetch_all
from tests.scenarios import distinct

BROKEN = {name: s for name, s in distinct().items() if s.expected.cause is not None}
NOT_BROKEN = {
    name for name, s in BROKEN.items() if s.expected.cause is Cause.EDGE_FUNCTION and s.expected.status != "fault"
}
"""What it takes is not known, and nothing is wrong."""


def test_every_scenario_with_a_fault_can_be_mended() -> None:
    assert {name for name, s in lab.SCENARIOS.items() if s.expected.status == "fault" and not s.on_paper} <= {
        name for name, s in lab.SCENARIOS.items() if mendable(s)
    }


def mendable(scenario: lab.Scenario) -> bool:
    from cfrunbook.lab.mending import is_mendable

    return is_mendable(scenario)


@pytest.mark.parametrize("name", sorted(BROKEN.keys() - NOT_BROKEN))
def test_mended_the_edge_answers_200(name: str) -> None:
    with lab.start(name) as running:
        running.mend()
        methods = running.setup.methods
        found = {
            a.status
            for m in methods
            for a in fetch_all(running.edge_facts, method=m, patience=5.0, with_s2n=m == "GET")
        }
        assert found == {200}


def one_of_each_code() -> list[str]:
    """Return one scenario for every code outside edge functions, and one for each kind of function."""
    chosen: dict[str | None, str] = {}
    for name in sorted(BROKEN.keys() - NOT_BROKEN):
        expected = BROKEN[name].expected
        is_function = expected.cause is Cause.EDGE_FUNCTION
        chosen.setdefault(name.partition("-")[0] if is_function else expected.code, name)
    return sorted(chosen.values())


@pytest.mark.parametrize("name", one_of_each_code())
def test_mended_the_diagnosis_is_ok(name: str) -> None:
    with lab.start(name) as running:
        running.mend()
        verdict = cf.diagnose_sync(cf.Incident.load(lab=running.file)).verdict
    assert verdict.status == "ok", verdict.sentence


@pytest.mark.parametrize("name", ["healthy", "lambda-edge-not-compared"])
def test_there_may_be_nothing_to_mend(name: str) -> None:
    with lab.start(name) as running:
        assert not running.is_mendable
        with pytest.raises(BadInput, match="cannot be mended"):
            running.mend()
