"""503 and 504 are said first, whoever says so, and lead to AWS's page about them; a 502 stays a 502."""

from __future__ import annotations

import datetime as dt

import pytest

import cfrunbook as cf
from cfrunbook import neighbors
from cfrunbook.causes import registry
from cfrunbook.evidence import Observations
from cfrunbook.findings import Finding, Rule, Status, Verdict
from cfrunbook.verdicts import verdict
from cfrunbook.views import html, markdown, outline, terminal
from tests.captures import classic, curl, of_2026, page
from tests.findings import made

NOW = dt.datetime(2026, 11, 22, 18, 0, tzinfo=dt.UTC)
INCIDENT = cf.Incident.load(origin="origin.example.com")
TARGET = INCIDENT.targets[0].id
FAULTS = [r for r in registry.rules().values() if r.status is Status.FAULT]


def told(*findings: Finding) -> Verdict:
    return verdict(INCIDENT, findings, (), vantage="here")


def rule(code: str) -> Rule:
    return registry.rules()[code]


def test_every_fault_says_first_which_neighbor_of_502_it_is_and_points_to_its_page() -> None:
    seen = set()
    for one in FAULTS:
        status = one.cloudfront_status
        answer = told(made(one, target=TARGET))
        assert answer.code == one.code
        first = f"This is a {status}, not a 502: " if status in (503, 504) else ""
        assert answer.sentence.startswith(first or made(one).title), one.code
        assert "not a 502" in answer.sentence or not first, one.code
        assert answer.page == neighbors.page(status), one.code
        assert bool(answer.next_check) == bool(first), one.code
        assert answer.page in answer.next_check or not first, one.code
        assert (f"CloudFront answers {status}." in answer.sentence) == (status == 502), one.code
        seen.add(status)
    assert seen == {None, 502, 503, 504}


def test_the_remedy_of_a_neighbor_is_not_that_of_a_502() -> None:
    """Its source is AWS's page about 503 or 504, or a service's own page beside which the views show that one."""
    for one in FAULTS:
        if one.cloudfront_status in (503, 504):
            assert one.remedy.steps, one.code
            assert "http-502-bad-gateway" not in one.source, one.code


def test_what_could_not_be_told_says_that_it_would_be_a_neighbor() -> None:
    answer = told(made(rule("port.dropped"), target=TARGET))
    assert answer.status == "unknown"
    assert answer.sentence.endswith("Where it is so for CloudFront too, viewers get 504 and not 502.")
    assert answer.page == neighbors.PAGES[504]


# What was captured, and how the verdict's sentence begins; None: it is no such error.
CAPTURED = {
    "504": (curl(504, of_2026(504)), "This is a 504, not a 502, and its cause is open: CloudFront made this 504"),
    "503": (curl(503, of_2026(503)), "This is a 503, not a 502, and its cause is open: CloudFront made this 503"),
    "capacity": (curl(503, x_cache="CapacityExceeded"), "This is a 503, not a 502: CloudFront met a limit"),
    "limit": (curl(503, x_cache="LimitExceeded"), "This is a 503, not a 502: CloudFront met a limit"),
    "function threw": (curl(503, x_cache="FunctionExecutionError"), "This is a 503, not a 502: CloudFront answered"),
    "lambda threw": (curl(503, x_cache="LambdaExecutionError"), "This is a 503, not a 502: CloudFront answered"),
    "throttled": (curl(503, x_cache="FunctionThrottledError"), "This is a 503, not a 502: CloudFront answered"),
    "connection 504": (curl(504, classic(504)), "This is a 504, not a 502, and its cause is open: "),
    "load balancer 504": (
        curl(504, page("<html><head><title>{0} {1}</title></head><body><center><h1>{0} {1}</h1></center></body></html>", 504),
             Server="awselb/2.0"),
        "This is a 504, not a 502: The origin answered 504",
    ),
    "refused result": (curl(502, x_cache="LambdaValidationError"), "CloudFront refused what"),
    "502": (curl(502, of_2026()), "Inconclusive: CloudFront made this 502 itself"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "begins"), CAPTURED.values(), ids=CAPTURED)
def test_every_view_begins_with_the_status_that_was_captured(text: str, begins: str) -> None:
    diagnosis = cf.judge(cf.Incident.load(response=text), Observations(recorded_at=NOW))
    assert diagnosis.verdict.sentence.startswith(begins)
    shown = " ".join(terminal.render(diagnosis, color=False, width=120).split())
    marked = markdown.summary(diagnosis)
    status = diagnosis.verdict.cloudfront_status
    assert shown[2:].startswith(begins)
    assert begins.split(":", maxsplit=1)[0] in marked.split("\n")[0]
    assert outline.below_label(diagnosis.verdict.sentence)[0][:30] in html.verdict(diagnosis).html
    if status in (503, 504):
        assert neighbors.PAGES[status] in shown
        assert neighbors.PAGES[status] in marked
        assert neighbors.PAGES[status] in html.diagnosis(diagnosis).html


def test_cloudfronts_own_status_counts_before_what_a_fault_would_give() -> None:
    timeout = made(rule("cloudfront.timeout"), observation="input:response")
    refused = made(rule("port.refused"), target=TARGET)
    differs = told(refused, timeout)
    assert differs.sentence.startswith("This is a 504, not a 502, and what was seen would give 502: ")
    assert (differs.code, differs.cloudfront_status, differs.page) == ("port.refused", 504, neighbors.PAGES[504])
    silent = made(rule("port.silent"), target=TARGET)
    assert told(silent, timeout).sentence.startswith("This is a 504, not a 502: ")
    a_502 = made(rule("cloudfront.page_without_reason"), observation="input:response")
    assert not told(silent, a_502).sentence.startswith("This is")
