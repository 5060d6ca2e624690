"""Figures of access logs say in words what they draw, from nothing at all to more than fits."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from cfrunbook.log_summary import LogSummary
from cfrunbook.logs import merging
from cfrunbook.views import log_figures
from tests.logs.made import count, failed, request, standard
from tests.views.test_figures import check

FIGURES = (log_figures.error_rate, log_figures.heat_map, log_figures.top_keys, log_figures.detailed_types)
HOUR = 3600


@pytest.fixture
def incident(tmp_path: Path) -> LogSummary:
    rows = [request(at, pop="LHR3-C1") for at in range(0, 4 * HOUR, 20)]
    rows += [failed(2 * HOUR + i, pop="FRA56-P1", path="/pay") for i in range(0, 300, 3)]
    rows += [failed(2 * HOUR + i, "Error", pop="LHR3-C1") for i in range(0, 300, 10)]
    return count(tmp_path, standard(rows))


def test_what_is_drawn_is_said(incident: LogSummary) -> None:
    rate, grid, keys, types = (check(figure(incident)) for figure in FIGURES)
    assert "130 of 850 requests were answered with 502" in rate.alt
    assert "A burst from 2026-11-20 02:00 to 02:05 UTC: 130 of 145 requests fail (90 %)." in rate.alt
    assert "FRA56-P1: 100 of 100 (100 %); LHR3-C1: 30 of 750 (4.0 %)." in grid.alt
    assert "Path: /pay 100 of 100; /cart 30 of 750." in keys.alt
    assert types.alt == "Bottom to top: OriginConnectError 100; Error 30."


def test_the_same_from_the_short_summary(incident: LogSummary) -> None:
    short = merging.shortened_summary(incident)
    assert [figure(short).alt for figure in FIGURES] == [figure(incident).alt for figure in FIGURES]


@pytest.mark.parametrize(
    "rows", [[], [request(1)], [failed(1)], [failed(1, "\x1b[2J$x_y$", path="/$a_b$\u202e", pop="\x07")]]
)
def test_from_nothing_to_one(tmp_path: Path, rows: list[dict[str, str]]) -> None:
    seen = count(tmp_path, standard(rows))
    for figure in FIGURES:
        drawn = check(figure(seen))
        assert ("No such request" in drawn.alt) is (not seen.errors)
        assert "\x1b" not in drawn.alt


def test_more_than_fits(tmp_path: Path) -> None:
    dice = random.Random(502)
    rows = [
        failed(
            dice.randrange(9 * 86_400), f"Type{i % 30}", path=f"/{i}" * 20, pop=f"FRA{i % 60}", host=f"h{i}.example.com"
        )
        for i in range(600)
    ]
    seen = count(tmp_path, standard(rows))
    for figure in FIGURES:
        check(figure(seen))
    assert "25 more" in log_figures.detailed_types(seen).alt
