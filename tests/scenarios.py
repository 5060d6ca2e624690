"""Which of the lab's scenarios tests go through, where going through all of them says no more."""

from __future__ import annotations

from functools import cache

from cfrunbook.lab import SCENARIOS
from cfrunbook.lab.authority import Authority
from cfrunbook.lab.scenario import Scenario
from cfrunbook.lab.scenarios import configured, function_results

OF_RESULTS = frozenset(scenario.name for scenario in function_results.SCENARIOS)
"""Those about results of edge functions: one for every rule, and they differ in nothing but a file.

tests/lab/test_function_results.py judges every one of them.
"""
APART = frozenset(
    name for name, s in SCENARIOS.items() if s.on_paper or s.is_fickle or s.disagreement or s in configured.SCENARIOS
)
"""Those in which the edge does not answer what the verdict says, each for its reason: what is wrong is on paper or waits
to be deployed, the edge's answer is a draw, or AWS's library and we disagree.

tests/lab/test_catalogue.py judges every one of them.
"""
OTHERS = tuple(name for name in SCENARIOS if name not in OF_RESULTS | APART)


@cache
def distinct() -> dict[str, Scenario]:
    """Return all scenarios, but of those about results of functions one for each kind, event and verdict."""
    authority, chosen = Authority(), {}
    for scenario in function_results.SCENARIOS:
        returned = scenario.set_up(authority).function_result
        assert returned is not None
        chosen.setdefault((returned.kind, returned.event_type, scenario.expected.cloudfront_status), scenario.name)
    return {name: s for name, s in SCENARIOS.items() if name in OTHERS or name in chosen.values()}
