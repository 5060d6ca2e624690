"""Rules carry the days between which CloudFront behaved so: outside of them, nothing is a fault by them."""

from __future__ import annotations

import datetime as dt

import cfrunbook as cf
from cfrunbook import lab, validity
from cfrunbook.causes import registry
from cfrunbook.evidence import Observations
from cfrunbook.findings import Status
from cfrunbook.views import html
from tests.findings import made

DAY = dt.timedelta(days=1)
DATED = [r for r in registry.rules().values() if r.since or r.until]


def noon(day: dt.date) -> dt.datetime:
    return dt.datetime(day.year, day.month, day.day, 12, tzinfo=dt.UTC)


def test_some_rules_are_dated_and_the_dates_make_sense() -> None:
    dated = {r.code for r in DATED}
    assert {"tls_protocol.tls13_only", "tls_protocol.tls13_not_yet", "distribution.mediastore_ended"} <= dated
    for rule in DATED:
        assert rule.since is None or rule.until is None or rule.since <= rule.until, rule.code
        assert all(day < dt.date(2026, 12, 1) for day in (rule.since, rule.until) if day), rule.code


def test_every_rule_counts_within_its_days_and_not_outside() -> None:
    for rule in registry.rules().values():
        said = made(rule)
        inside = rule.since or rule.until or dt.date(2026, 11, 23)
        assert validity.settle([said], noon(inside)) == [said], rule.code
        outside = [day for day in (rule.since and rule.since - DAY, rule.until and rule.until + DAY) if day]
        for day in outside:
            for left in validity.settle([said], noon(day)):
                assert left.status is Status.INFO, rule.code
                assert left.cloudfront_status is None
                assert left.title.startswith(f"Not in force on {day} (it is so ")


def test_the_first_and_the_last_day_count_whole_in_utc() -> None:
    said = made(registry.rules()["distribution.mediastore_ended"])
    assert said.since is not None
    for moment, holds in ((dt.time(0, 0), True), (dt.time(23, 59), True)):
        at = dt.datetime.combine(said.since, moment, dt.UTC)
        assert (validity.settle([said], at) == [said]) == holds
    midnight = dt.datetime.combine(said.since, dt.time(0, 30), dt.timezone(dt.timedelta(hours=2)))
    assert validity.settle([said], midnight)[0].status is Status.INFO


def test_a_service_that_still_ran_is_no_fault_and_the_remark_says_since_when() -> None:
    incident = {"origin": "abc.data.mediastore.eu-west-1.amazonaws.com", "at": "2025-06-01T12:00:00Z"}
    before = cf.judge(cf.Incident.load(**incident), Observations(recorded_at=noon(dt.date(2025, 6, 1))))
    (said,) = (f for f in before.findings if f.code == "distribution.mediastore_ended")
    assert said.status is Status.INFO
    assert "since 2025-11-13" in said.title
    assert before.verdict.code != said.code
    assert "rule valid since 2025-11-13" in html.finding(said).html
    after = cf.judge(cf.Incident.load(**incident | {"at": "2026-06-01T12:00:00Z"}), Observations(recorded_at=noon(dt.date(2025, 6, 1))))  # fmt: skip
    assert next(f for f in after.findings if f.code == said.code).status is not Status.INFO


def test_an_origin_of_tls_13_only_was_a_502_until_november_2025() -> None:
    with lab.start("healthy-tls13-only") as running:
        incident = cf.Incident.load(**running.options)
        seen = cf.observe_sync(incident)
    now = cf.judge(incident, seen)
    assert now.verdict.status == "ok"
    assert any(f.code == "tls_protocol.tls13_only" for f in now.findings)
    then = cf.judge(cf.Incident.load(evidence=seen, at="2025-10-31T23:00:00Z"), seen)
    codes = {f.code: f.status for f in then.findings}
    assert codes["tls_protocol.tls13_not_yet"] is Status.FAULT
    assert "tls_protocol.tls13_only" not in codes
