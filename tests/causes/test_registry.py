"""Every row of every cause's table of result codes is complete: anyone can check it, act on it and prove the fix."""

from __future__ import annotations

import datetime as dt
import inspect
from collections import Counter
from pathlib import Path
from string import Formatter
from typing import Literal
from urllib.parse import urlsplit

import pytest

from cfrunbook.causes import access_logs, aws_facts, captured_response, distribution, edge_function, registry
from cfrunbook.causes.case import Case
from cfrunbook.cloudfront.targets import ServerName, Target
from cfrunbook.evidence import Connection, ConnectOutcome, Observations
from cfrunbook.findings import Cause, Rule, Status
from cfrunbook.x509.roots import from_der

NOTEBOOKS = Path(__file__).parent.parent.parent / "notebooks"
SOURCES = (
    "aws.amazon.com",
    "docs.aws.amazon.com",
    "repost.aws",
    "github.com",
    "www.rfc-editor.org",
    "bind9.readthedocs.io",
    "cryptography.io",
    "docs.openssl.org",
    "docs.python.org",
)
UNQUOTED = {
    *(
        "log_files",
        "port",
        "standard",
        "openssl",
        "sni_option",
        "ca_option",
        "everywhere",
        "files",
        "how",
        "reproduce_command",
    ),
}
"""Numbers, and words and options that a judge itself has chosen or quoted."""
MODULES = [*registry.modules(), distribution, edge_function, captured_response, access_logs, aws_facts]
ANY_STATUS = {"origin_response.origin_status", "origin_response.relayed", "edge_function.answered_itself"}
"""Faults that come with whichever error status somebody chose."""
OF_SEVERAL_CAUSES = [access_logs, captured_response, aws_facts]
"""CloudFront itself may name any cause, and what an account shows concerns several."""
RULES = [pytest.param(rule, id=rule.code) for rule in registry.rules().values()]


def test_codes_are_unique_and_named_after_their_cause() -> None:
    codes = Counter(rule.code for module in MODULES for rule in module.RULES)
    assert not [code for code, times in codes.items() if times > 1]
    for module in MODULES:
        several = module in OF_SEVERAL_CAUSES
        assert all(r.code.split(".")[0] == (r.cause if several else module.CAUSE) for r in module.RULES)
        assert several or any(r.cause == module.CAUSE for r in module.RULES)


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


@pytest.mark.parametrize("protocol", ["http", "https"])
@pytest.mark.parametrize("outcome", ConnectOutcome)
def test_causes_that_are_left_out_have_nothing_to_say(
    outcome: ConnectOutcome, protocol: Literal["http", "https"]
) -> None:
    name = "shop.example.com"
    names = (ServerName(sni=name, host=name, acceptable=(name,), why=""),)
    target = Target(id=name, origin_id=name, domain=name, port=443, protocol=protocol, names=names)
    seen = Connection(id="connection-1", host=name, port=443, address="203.0.113.10", outcome=outcome)
    now = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
    observations = Observations(recorded_at=now, connections=(seen,))
    case = Case(target=target, observations=observations, at=now, roots=from_der((), name="none"))
    asked = registry.modules_for(case)
    assert {module.CAUSE for module in asked} == {Cause.DNS, Cause.PORT}
    assert [module.judge_case(case) for module in registry.modules() if module not in asked] == [()] * 5


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
            depends = rule.code.startswith("distribution.") or rule.code in ANY_STATUS
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
