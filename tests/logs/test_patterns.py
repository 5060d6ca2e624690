"""Patterns that are there are named with their numbers; chance, and traffic that is uneven by itself, is none."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.logs import patterns
from cfrunbook.logs.patterns import Pattern, PatternKind
from tests.logs.made import EPOCH, count, failed, real_time, request, standard

HOUR = 3600


def found(folder: Path, rows: list[dict[str, str]]) -> dict[PatternKind, Pattern]:
    return {p.kind: p for p in reversed(patterns.find(count(folder, standard(rows))))}


def traffic(hours: int = 2, every: int = 10, **columns: str) -> list[dict[str, str]]:
    return [request(at, **columns) for at in range(0, hours * HOUR, every)]


def test_a_burst_has_its_times_its_share_and_its_rate(tmp_path: Path) -> None:
    rows = traffic() + [failed(HOUR + 600 + i) for i in range(0, 240, 4)] + [failed(700), failed(5000)]
    told = found(tmp_path, rows)
    burst = told[PatternKind.BURST]
    assert (burst.start, burst.end) == (EPOCH + HOUR + 600, EPOCH + HOUR + 840)
    assert (burst.errors, burst.requests) == (60, 84)
    assert round(burst.rate, 2) == 0.71
    assert PatternKind.ENDED in told


def test_two_bursts_most_errors_first(tmp_path: Path) -> None:
    rows = traffic(4) + [failed(HOUR + i) for i in range(50)] + [failed(3 * HOUR + i) for i in range(90)]
    summary = count(tmp_path, standard(rows))
    assert [(b.start, b.errors) for b in patterns.bursts(summary)] == [(EPOCH + 3 * HOUR, 90), (EPOCH + HOUR, 50)]


def test_what_goes_on_at_the_end_is_said_to(tmp_path: Path) -> None:
    told = found(tmp_path, traffic(1) + [failed(at) for at in range(3000, HOUR, 10)])
    assert (told[PatternKind.ONGOING].start, told[PatternKind.ONGOING].end) == (EPOCH + 3000, None)
    assert PatternKind.ENDED not in told


def test_what_is_spread_over_all_the_time_is_steady(tmp_path: Path) -> None:
    dice = random.Random(502)
    rows = [failed(at) if dice.random() < 0.05 else request(at) for at in range(0, 6 * HOUR, 3)]
    told = found(tmp_path, rows)
    assert set(told) == {PatternKind.STEADY}
    assert 0.04 < told[PatternKind.STEADY].rate < 0.06


COMMON = {
    PatternKind.ONE_POP: ("pop", "NRT57-P2"),
    PatternKind.ONE_HOST: ("host", "shop.example.com"),
    PatternKind.ONE_PATH: ("path", "/api/login"),
    PatternKind.ONE_METHOD: ("method", "POST"),
}


@pytest.mark.parametrize("kind", COMMON)
def test_what_all_errors_have_in_common_is_named(tmp_path: Path, kind: PatternKind) -> None:
    column, key = COMMON[kind]
    rows = traffic() + [request(at + 1, **{column: key}) for at in range(0, 2 * HOUR, 60)]
    rows += [failed(at + 2, **{column: key}) for at in range(0, 2 * HOUR, 240)]
    told = found(tmp_path, rows)
    assert kind in told
    assert (told[kind].key, told[kind].errors, told[kind].requests) == (key, 30, 150)
    assert not set(COMMON) & set(told) - {kind}


def test_one_origin_of_real_time_logs(tmp_path: Path) -> None:
    rows = [r | {"r-host": "a.example.com"} for r in traffic()]
    rows += [failed(at, origin="b.example.com") for at in range(0, 2 * HOUR, 100)]
    told = {p.kind: p.key for p in patterns.find(count(tmp_path, real_time(rows)))}
    assert told[PatternKind.ONE_ORIGIN] == "b.example.com"


def test_a_key_that_has_nearly_all_requests_anyway_is_none(tmp_path: Path) -> None:
    rows = (
        traffic(pop="FRA56-P1")
        + [request(5, pop="LHR3-C1")]
        + [failed(at, pop="FRA56-P1") for at in range(0, HOUR, 300)]
    )
    assert PatternKind.ONE_POP not in found(tmp_path, rows)


@pytest.mark.parametrize("period", [10, 30, 60, 61, 300])
@pytest.mark.parametrize("missing", [0, 1])
def test_a_rhythm_is_named(tmp_path: Path, period: int, missing: int) -> None:
    at = [7 + period * n for n in range(20) if not missing or n % 7]
    told = found(tmp_path, traffic() + [failed(second) for second in at] + [failed(second + 1) for second in at])
    assert told[PatternKind.PERIODIC].period_s == pytest.approx(period, abs=0.5)
    assert told[PatternKind.PERIODIC].errors == len(at)


@given(seed=st.integers(0, 10_000))
def test_chance_has_no_rhythm(seed: int) -> None:
    import tempfile

    dice = random.Random(seed)
    rows = [failed(dice.randrange(6 * HOUR)) for _ in range(60)]
    with tempfile.TemporaryDirectory() as folder:
        assert PatternKind.PERIODIC not in {p.kind for p in patterns.find(count(Path(folder), standard(rows)))}


def test_few_errors_make_no_pattern(tmp_path: Path) -> None:
    assert patterns.find(count(tmp_path, standard([failed(i * 60) for i in range(5)]))) == ()
    assert patterns.find(count(tmp_path, standard([request(1)]))) == ()


def test_cached_repeats_hide_no_rhythm(tmp_path: Path) -> None:
    rows = traffic() + [failed(60 * n) for n in range(20)]
    rows += [failed(60 * n + 1 + i, "Error") for n in range(20) for i in range(9)]
    assert found(tmp_path, rows)[PatternKind.PERIODIC].period_s == 60


def test_every_pattern_says_what_to_check() -> None:
    assert set(patterns._NEXT) == set(PatternKind)
