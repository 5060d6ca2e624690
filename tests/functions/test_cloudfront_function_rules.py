"""Every rule about CloudFront Functions has an example: it is found at its place, alone, and its twin is clean."""

from __future__ import annotations

import re

from cfrunbook.findings import Status
from cfrunbook.functions.cloudfront_function.examples import EXAMPLES, Example
from cfrunbook.functions.cloudfront_function.rules import RULES
from cfrunbook.functions.cloudfront_function.validation import validate
from cfrunbook.functions.documents import of_value
from cfrunbook.functions.model import EVENT_TYPES, Certainty, Effect, FunctionRule, Kind
from tests.tables import table

EXAMPLE = table("example", EXAMPLES, ids=lambda e: e.rule.partition(".")[2])
RULE = table("rule", RULES, ids=lambda r: r.id.partition(".")[2])


def test_every_rule_has_one_example() -> None:
    assert sorted(example.rule for example in EXAMPLES) == sorted(rule.id for rule in RULES)


@EXAMPLE
def test_a_mistake_is_found_and_nothing_else(example: Example) -> None:
    found = example.broken.validate()
    assert {violation.rule.id for violation in found.violations} == {example.rule}, [v.title for v in found.violations]


@EXAMPLE
def test_the_same_without_the_mistake_is_clean(example: Example) -> None:
    found = example.valid.validate()
    assert [violation.title for violation in found.violations] == []
    assert found.effect is Effect.NONE
    assert found.corrected is None


@EXAMPLE
def test_what_is_mended_is_clean(example: Example) -> None:
    found = example.broken.validate()
    mends = any(violation.edits for violation in found.violations)
    assert (found.corrected is not None) == mends
    if mends:
        event = None if example.broken.event is None else of_value(example.broken.event)
        again = validate(of_value(found.corrected), example.broken.at, event)
        assert [violation.title for violation in again.violations] == []


@EXAMPLE
def test_all_texts_of_a_violation_can_be_filled(example: Example) -> None:
    for violation in example.broken.validate().violations:
        rule = violation.rule
        texts = [violation.say(text) for text in (rule.title, rule.meaning, rule.node, rule.page, rule.next_check)]
        assert not re.search(r"[«»]|\{\w+\}", texts[0] + texts[1] + texts[4])
        assert "\n" not in texts[0]


@RULE
def test_a_rule_is_complete(rule: FunctionRule) -> None:
    assert rule.kind is Kind.CLOUDFRONT_FUNCTION
    assert set(rule.events) <= set(EVENT_TYPES[rule.kind])
    assert rule.events
    assert rule.title
    assert rule.meaning
    assert rule.source.startswith("https://")
    assert rule.python == ""
    assert rule.title.endswith(("}", ".")), "one sentence"
    if rule.status is Status.UNKNOWN:
        assert rule.next_check
    else:
        assert rule.node
    if rule.status is Status.FAULT:
        assert rule.effect is not Effect.NONE
        assert rule.effect.status in (502, 503)


@RULE
def test_only_what_is_known_is_said_with_a_page(rule: FunctionRule) -> None:
    """A page's sentence is one that CloudFront was seen to give."""
    known = {
        "",
        "The CloudFront function returned an invalid value: response.headers must have header names in lower case.",
        "The CloudFront function returned an invalid value for origin rewrite.",
        "The CloudFront function tried to add, delete, or change a read-only header.",
        "The CloudFront function tried to add a disallowed header.",
        "The CloudFront function associated with the CloudFront distribution is invalid or could not run.",
    }
    assert rule.page in known


def test_what_is_not_documented_is_tagged() -> None:
    inferred = {rule.id.partition(".")[2] for rule in RULES if rule.certainty is Certainty.INFERRED}
    faults = {r.id.partition(".")[2] for r in RULES if r.certainty is Certainty.INFERRED and r.status is Status.FAULT}
    assert faults == {
        "name_invalid", "value_control", "cookie_in_headers", "origin_at_response", "origin_custom_header_value",
    }, "a fault that only follows from the structure is the exception"  # fmt: skip
    assert faults < inferred
