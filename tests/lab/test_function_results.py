"""Every rule about results of edge functions has its scenario, and what we say of it is what its edge answers."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

import cfrunbook as cf
from cfrunbook.causes.edge_function import judge
from cfrunbook.cloudfront import distribution_reader, plan
from cfrunbook.diagnosis import judge as judge_everything
from cfrunbook.evidence import Observations
from cfrunbook.functions import inputs
from cfrunbook.functions.cloudfront_function import known_origins
from cfrunbook.functions.model import Effect, Kind
from cfrunbook.functions.validation import rules
from cfrunbook.lab import SCENARIOS
from cfrunbook.lab.authority import Authority
from cfrunbook.lab.distribution import document
from cfrunbook.lab.edge import Answer, Origin, Refusing, fetch, fetch_all
from cfrunbook.lab.scenario import FunctionResult, Scenario, Setup
from cfrunbook.lab.scenarios import function_results
from cfrunbook.lab.scenarios.function_results import name_of
from cfrunbook.lab.training import expert, grading
from tests.tables import table

RULES = {name_of(rule.id): rule for rule in rules().values()}
NOT_SHOWN = {"cloudfront_function.event_unusable", "lambda_edge.event_unusable"}
"""Whoever gives an event that is none is told so, before anything is judged."""
TWO_THINGS = {"lambda_edge.header_read_only_unknown": {"lambda_edge.not_compared"}}
"""Without its event, two things are said of a response."""


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def given(returned: FunctionResult) -> tuple[Any, ...]:
    return inputs.load(
        returned.result,
        event=returned.event,
        event_type=returned.event_type.value if returned.event_type else "",
        kind=returned.kind.value,
    )


def origins(setup: Setup) -> known_origins.KnownOrigins | None:
    if not setup.is_given:
        return None
    read = distribution_reader.load(document(setup))
    return known_origins.of_distribution(read, setup.origin.id)


def test_every_rule_has_its_scenario_but_those_about_events() -> None:
    shown = {scenario.name for scenario in function_results.SCENARIOS}
    assert shown == {name_of(rule) for rule in rules() if rule not in NOT_SHOWN}
    assert shown <= SCENARIOS.keys()
    assert shown <= RULES.keys()


@table("scenario", function_results.SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_scenario_shows_its_rule_and_nothing_else(scenario: Scenario, authority: Authority) -> None:
    setup, rule = scenario.set_up(authority), RULES[scenario.name]
    assert setup.function_result is not None
    found = judge(given(setup.function_result), url=setup.url, origins=origins(setup))
    said = {f.code for f in found} - {"edge_function.ok", "edge_function.event_type_unknown"}
    assert said == {f"edge_function.{r}" for r in {rule.id} | TWO_THINGS.get(rule.id, set())}
    fault = next((f for f in found if f.status is cf.Status.FAULT), None)
    assert (fault is not None) == (scenario.expected.status == "fault")
    # What the edge answers follows from the rule's effect, which its author wrote down, not from our judgement.
    assert (fault.cloudfront_status if fault else None) == setup.function_result.effect.status


@table("scenario", function_results.SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_verdict_is_what_the_author_says(scenario: Scenario, authority: Authority) -> None:
    setup = scenario.set_up(authority)
    assert setup.function_result is not None
    options = {"distribution": document(setup)} if setup.is_given else {}
    incident = cf.Incident.load(function_result=given(setup.function_result), url=setup.url, **options)
    of_function = msgspec.structs.replace(plan.of_functions(), routes=incident.plan.routes)
    alone = msgspec.structs.replace(incident, plan=of_function, findings=())  # its origin is a healthy one
    seen = Observations(recorded_at=authority.now, inputs=alone.inputs)
    diagnosis, expected = judge_everything(alone, seen), scenario.expected
    verdict = diagnosis.verdict
    assert (verdict.status, verdict.cause, verdict.code, verdict.cloudfront_status) == (
        expected.status,
        expected.cause,
        expected.code,
        expected.cloudfront_status,
    ), verdict.sentence
    graded = grading.grade(scenario, expert.written(diagnosis))
    assert graded.points == graded.of, [part.why for part in graded.parts]


# --- the edge -----------------------------------------------------------------------------------------------------

NOWHERE = Origin("origin.shop.example", "http", (), viewer_host="www.shop.example", host_forwarded=False)


@pytest.mark.parametrize(
    ("event", "origin_said", "status"),
    [
        ("viewer-request", None, 502),
        ("origin-request", None, 502),
        ("origin-response", Answer(200, ""), 502),
        ("origin-response", Answer(404, ""), 502),
        ("viewer-response", Answer(200, ""), 502),
        ("viewer-response", Answer(404, ""), 404),  # it is not run then
        ("origin-response", Answer(504, "nobody answered"), 504),  # CloudFront's own error page
        ("viewer-response", Answer(504, "nobody answered"), 504),
    ],
)
def test_a_function_that_is_refused_answers_where_it_runs(
    monkeypatch: pytest.MonkeyPatch, event: str, origin_said: Answer | None, status: int
) -> None:
    def ask(*_: object, **__: object) -> Answer:
        assert origin_said is not None, "the origin is not asked"
        return origin_said

    monkeypatch.setattr("cfrunbook.lab.edge._ask", ask)
    monkeypatch.setattr("cfrunbook.lab.edge._picks", lambda *_: (None,))
    refusing = Refusing(NOWHERE, 502, "LambdaValidationError", event)
    answers = (fetch(refusing), *fetch_all(refusing))
    assert {answer.status for answer in answers} == {status}
    assert {answer.x_cache for answer in answers} == {"LambdaValidationError" if status == 502 else ""}


@pytest.mark.parametrize(
    ("kind", "effect", "x_cache"),
    [
        (Kind.LAMBDA_EDGE, Effect.VALIDATION, "LambdaValidationError"),
        (Kind.LAMBDA_EDGE, Effect.EXECUTION, "LambdaExecutionError"),
        (Kind.LAMBDA_EDGE, Effect.THROTTLE, "LambdaLimitExceeded"),
        (Kind.CLOUDFRONT_FUNCTION, Effect.VALIDATION, "FunctionValidationError"),
        (Kind.CLOUDFRONT_FUNCTION, Effect.EXECUTION, "FunctionExecutionError"),
        (Kind.CLOUDFRONT_FUNCTION, Effect.THROTTLE, "FunctionThrottledError"),
    ],
)
def test_x_cache_says_which_kind_of_function_failed_how(kind: Kind, effect: Effect, x_cache: str) -> None:
    assert FunctionResult(kind, None, b"", effect=effect).x_cache == x_cache
