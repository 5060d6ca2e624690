"""Every result code about edge functions in a distribution has its scenario, which shows that code and no other."""

from __future__ import annotations

import pytest

from cfrunbook.causes import distribution as cause
from cfrunbook.causes.distribution_function_rules import RULES
from cfrunbook.cloudfront import distribution_reader
from cfrunbook.findings import Rule, Status
from cfrunbook.lab import SCENARIOS
from cfrunbook.lab.authority import Authority
from cfrunbook.lab.distribution import document
from cfrunbook.lab.scenarios.functions import ROWS, name_of

WHAT_RUNS = {"distribution.functions_met", "distribution.function_after_dns"}


def test_every_rule_has_its_scenario() -> None:
    assert [f"distribution.{row.code}" for row in ROWS] == [rule.code for rule in RULES]
    assert {name_of(rule.code) for rule in RULES} <= SCENARIOS.keys()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_the_scenario_shows_the_rule(rule: Rule) -> None:
    setup = SCENARIOS[name_of(rule.code)].set_up(Authority())
    found = cause.judge(distribution_reader.load(document(setup)), url=setup.url)
    odd = {f.code: f.status for f in found if f.code not in WHAT_RUNS and f.status is not Status.OK}
    if rule.code in WHAT_RUNS:
        assert odd == {}
        assert rule.code in {f.code for f in found}
    else:
        assert odd == {rule.code: rule.status}
