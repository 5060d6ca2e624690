"""Every rule of Lambda@Edge is complete, and a result that breaks it is caught: that rule, and nothing else."""

from __future__ import annotations

from string import Formatter
from urllib.parse import urlsplit

import pytest

from cfrunbook.findings import Status
from cfrunbook.functions.documents import Document, of_value, read
from cfrunbook.functions.lambda_edge.examples import Example, examples, twins
from cfrunbook.functions.lambda_edge.rules import RULES
from cfrunbook.functions.model import Effect, FunctionRule, Kind, Validation, show_path
from cfrunbook.functions.validation import rules, validate
from tests.tables import table

EXAMPLES = examples()
SOURCES = ("docs.aws.amazon.com", "docs.python.org", "github.com", "www.rfc-editor.org")


def given(example: Example) -> Document | None:
    return of_value(example.event) if example.event is not None else None


def judged(example: Example) -> Validation:
    return validate(Kind.LAMBDA_EDGE, read(example.text), example.event_type, given(example))


def broken() -> list[object]:
    return [pytest.param(example, id=rule.removeprefix("lambda_edge.")) for rule, example in EXAMPLES.items()]


def test_every_rule_has_an_example_that_breaks_it() -> None:
    assert list(EXAMPLES) == [rule.id for rule in RULES]
    assert rules(Kind.LAMBDA_EDGE).keys() == EXAMPLES.keys()


@table("example", broken())
def test_what_breaks_a_rule_is_caught_and_nothing_else_is_reported(example: Example) -> None:
    validation = judged(example)
    expected = {example.rule}
    if example.rule == "lambda_edge.header_read_only_unknown":  # a response without its event can be said two things of
        expected.add("lambda_edge.not_compared")
    assert {violation.rule.id for violation in validation.violations} == expected
    assert len(validation.violations) == len(expected)
    assert example.story.endswith(".")


@table("example", broken())
def test_it_is_said_in_full(example: Example) -> None:
    for violation in judged(example).violations:
        rule = violation.rule
        texts = [violation.say(text) for text in (rule.title, rule.meaning, rule.node, rule.python, rule.next_check)]
        assert all("{{" not in text and "  }}" not in text for text in texts)
        assert violation.title.endswith((".", ":"))
        assert not violation.say(rule.page).count("{")
        assert not violation.say(rule.log).count("{")


@table("example", broken())
def test_what_can_be_mended_is_mended(example: Example) -> None:
    validation = judged(example)
    edits = [violation.edits for violation in validation.violations]
    if validation.corrected is None:
        assert not any(edits) or not all(edits)
        return
    again = validate(Kind.LAMBDA_EDGE, of_value(validation.corrected), example.event_type, given(example))
    assert not again.of(Status.FAULT)
    assert example.rule not in {violation.rule.id for violation in again.violations}


@table("example", broken())
def test_it_holds_in_the_events_that_the_rule_names(example: Example) -> None:
    assert example.event_type is None or example.event_type in rules(Kind.LAMBDA_EDGE)[example.rule].events


@table("twin", [pytest.param(t, id=f"{t.event_type}: {t.story}") for t in twins()])
def test_valid_results_are_clean(twin: Example) -> None:
    validation = judged(twin)
    assert validation.violations == ()
    assert validation.effect is Effect.NONE
    assert not validation.is_refused
    assert validation.corrected is None


@table("rule", [pytest.param(rule, id=rule.id) for rule in RULES])
def test_a_rule_says_what_why_how_and_from_where(rule: FunctionRule) -> None:
    assert rule.id.startswith("lambda_edge.")
    assert rule.kind is Kind.LAMBDA_EDGE
    assert rule.events
    assert rule.meaning.strip().endswith(".")
    assert urlsplit(rule.source).scheme == "https"
    assert urlsplit(rule.source).hostname in SOURCES
    match rule.status:
        case Status.FAULT:
            assert rule.effect.status in (502, 503)
            assert rule.node
            assert rule.python
        case Status.WARNING:
            assert rule.effect is Effect.NONE
            assert rule.node
            assert rule.python
        case Status.UNKNOWN:
            assert rule.effect is Effect.NONE
            assert rule.next_check
        case other:
            pytest.fail(f"{other} is not used")
    fields = [name for text in (rule.page, rule.log) for _, name, _, _ in Formatter().parse(text) if name]
    assert set(fields) <= {"header", "character"}


def test_paths_read_as_code_would_name_them() -> None:
    assert show_path(("headers", "x-foo", 0, "value")) == 'headers["x-foo"][0].value'
    assert show_path(()) == "result"
