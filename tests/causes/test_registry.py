"""Every row of every cause's table of result codes is complete: anyone can check it, act on it and prove the fix."""

from __future__ import annotations

import inspect
from collections import Counter
from pathlib import Path
from string import Formatter
from urllib.parse import urlsplit

import pytest

from cfrunbook.causes import aws_facts, distribution, registry
from cfrunbook.findings import Cause, Rule, Status

NOTEBOOKS = Path(__file__).parent.parent.parent / "notebooks"
SOURCES = (
    "aws.amazon.com",
    "docs.aws.amazon.com",
    "repost.aws",
    "github.com",
    "www.rfc-editor.org",
    "cryptography.io",
    "docs.openssl.org",
)
UNQUOTED = {"port", "standard", "openssl", "sni_option", "ca_option", "everywhere", "files"}
"""Numbers, and words and options that a judge itself has chosen or quoted."""
MODULES = [*registry.modules(), distribution, aws_facts]
RULES = [pytest.param(rule, id=rule.code) for rule in registry.rules().values()]


def test_codes_are_unique_and_named_after_their_cause() -> None:
    codes = Counter(rule.code for module in MODULES for rule in module.RULES)
    assert not [code for code, times in codes.items() if times > 1]
    # What an AWS account shows concerns several causes: each of its rows is named after its own.
    assert all(
        rule.code.split(".")[0] == getattr(module, "CAUSE", rule.cause) for module in MODULES for rule in module.RULES
    )


@pytest.mark.parametrize("module", registry.modules(), ids=lambda module: module.CAUSE)
def test_a_cause_can_be_observed_and_judged(module: registry.CauseModule) -> None:
    assert inspect.iscoroutinefunction(module.observe)  # type: ignore[attr-defined]
    assert inspect.isfunction(module.judge)  # type: ignore[attr-defined]
    assert {"observe", "judge", "judge_case"} <= set(module.__all__)  # type: ignore[attr-defined]


@pytest.mark.parametrize("module", registry.modules(), ids=lambda module: module.CAUSE)
def test_a_cause_names_its_page_its_runbook_and_what_all_well_looks_like(module: registry.CauseModule) -> None:
    assert module.CAUSE in Cause
    assert urlsplit(module.AWS_PAGE).hostname == "docs.aws.amazon.com"
    assert not module.NOTEBOOK or (NOTEBOOKS / f"{module.NOTEBOOK}.ipynb").is_file()
    assert Status.OK in {rule.status for rule in module.RULES}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_says_what_it_means_and_where_that_is_documented(rule: Rule) -> None:
    assert rule.title.strip()
    assert rule.meaning.strip()
    assert urlsplit(rule.source).scheme == "https"
    assert urlsplit(rule.source).hostname in SOURCES


@pytest.mark.parametrize("rule", RULES)
def test_a_fault_can_be_reproduced_fixed_and_verified_and_unknown_says_what_next(rule: Rule) -> None:
    match rule.status:
        case Status.FAULT:
            # Of a setting alone the circumstances decide, or CloudFront does not even accept it; an origin's own error
            # is passed on, whichever it is.
            depends = rule.code.startswith("distribution.") or rule.code == "origin_response.origin_status"
            assert rule.cloudfront_status in (502, 503, 504) or depends
            assert rule.reproduce
            assert rule.remedy.steps
            assert rule.verify.text
        case Status.UNKNOWN:
            assert rule.next_check


@pytest.mark.parametrize("rule", RULES)
def test_values_in_commands_are_quoted_for_a_shell(rule: Rule) -> None:
    for command in (rule.reproduce, rule.verify.command):
        assert (
            not {name for _, name, _, conversion in Formatter().parse(command) if name and conversion != "q"} - UNQUOTED
        )
