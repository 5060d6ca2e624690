"""What is counted: every error with its denominator, first causes apart from repeats, neighbours, masked errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from cfrunbook.log_summary import TOOK_S, Dimension, LogSummary
from cfrunbook.logs import tally, timeline
from tests.logs.made import EPOCH, NAMES, count, failed, real_time, request, standard


def by_key(dimension: Dimension) -> dict[str, tuple[int, int, int]]:
    return {k.key: (k.requests, k.errors, k.repeats) for k in dimension.keys}


def test_every_error_has_its_denominator(tmp_path: Path) -> None:
    rows = [request(i, pop="LHR3-C1", path="/a", host="a.example.com") for i in range(5)]
    rows += [failed(i, pop="FRA56-P1", path="/b", method="POST") for i in range(2)]
    rows += [failed(9, "Error", pop="FRA56-P1", path="/b"), failed(10, "Error", pop="LHR3-C1", path="/c")]
    seen = count(tmp_path, standard(rows))
    assert by_key(seen.pops) == {"FRA56-P1": (3, 3, 1), "LHR3-C1": (6, 1, 1)}
    assert by_key(seen.paths) == {"/b": (3, 3, 1), "/c": (1, 1, 1), "/a": (5, 0, 0)}
    assert by_key(seen.hosts) == {"www.example.com": (4, 4, 2), "a.example.com": (5, 0, 0)}
    assert by_key(seen.methods) == {"GET": (7, 2, 2), "POST": (2, 2, 0)}
    assert not seen.origins.known
    assert (seen.repeats, seen.repeats_explained) == (2, 1), "of /c no first cause is there"
    assert seen.seconds == (EPOCH, EPOCH + 1)
    rows_of_grid = {r.key: [(p.at, p.requests, p.errors) for p in r.points] for r in seen.grid.rows}
    assert rows_of_grid == {"FRA56-P1": [(EPOCH, 3, 3)], "LHR3-C1": [(EPOCH, 6, 1)]}


def test_the_origin_is_known_from_real_time_logs(tmp_path: Path) -> None:
    rows = [failed(1, origin="b.example.com"), request(2, origin="a.example.com"), request(3, origin="b.example.com")]
    seen = count(tmp_path, real_time(rows))
    assert by_key(seen.origins) == {"b.example.com": (2, 1, 0), "a.example.com": (1, 0, 0)}


def test_neighbours_are_counted_over_time_and_by_type(tmp_path: Path) -> None:
    rows = [failed(i, "OriginCommError", status="504") for i in range(3)] + [
        request(70, status="503", detailed="LimitExceeded")
    ]
    rows += [request(71, status="404", detailed="Error")]
    seen = count(tmp_path, standard(rows))
    assert seen.errors == 0
    assert {(t.name, t.status, t.count) for t in seen.types} == {("OriginCommError", 504, 3), ("LimitExceeded", 503, 1)}
    told = {name: [(p.at, p.errors) for p in series.points] for name, series in seen.neighbors.items()}
    assert told == {"500": [], "502": [], "503": [(EPOCH + 60, 1)], "504": [(EPOCH, 3)]}
    assert seen.statuses == {"404": 1, "503": 1, "504": 3}
    other = count(tmp_path, standard(rows), status=504)
    assert (other.errors, other.status, by_key(other.paths)) == (3, 504, {"/cart": (5, 3, 0)})


def test_an_error_behind_a_replaced_status_is_found(tmp_path: Path) -> None:
    rows = [
        failed(1, "OriginConnectError", status="200"),
        failed(2, "OriginCommError", status="200"),  # a 504
        failed(3, "ClientCommError", status="200"),  # the viewer left
        failed(4, "Error", status="200"),
        failed(5, "FunctionValidationError", result="FunctionValidationError", status="302"),
        request(6),
    ]
    seen = count(tmp_path, standard(rows))
    assert (seen.errors, seen.masked) == (0, 2)
    assert {(t.name, t.status) for t in seen.types} == {("OriginConnectError", 200), ("FunctionValidationError", 302)}


def test_a_value_that_nobody_knows_is_shown(tmp_path: Path) -> None:
    seen = count(tmp_path, standard([failed(1, "OriginOnFireError")]))
    assert [(t.name, t.detailed) for t in seen.types] == [("OriginOnFireError", True)]


def test_how_long_it_took_and_the_earliest_examples(tmp_path: Path) -> None:
    rows = [
        failed(9 - i, took=took, id=f"id-{9 - i}") for i, took in enumerate(("0.001", "0.1", "30.002", "-", "x", "10"))
    ]
    (of,) = count(tmp_path, standard(rows)).types
    assert dict(zip((*TOOK_S, None), of.took, strict=True)) == {
        0.02: 1,
        0.1: 1,
        0.5: 0,
        1: 0,
        5: 0,
        9.5: 0,
        29.5: 1,
        None: 1,
    }
    assert [(e.at, e.request_id, e.pop, e.path) for e in of.examples] == [
        (EPOCH + i, f"id-{i}", "FRA56-P1", "/cart") for i in (4, 5, 6)
    ]
    assert (of.first, of.last) == (EPOCH + 4, EPOCH + 9)


def check_sums(seen: LogSummary) -> None:
    """However many keys were put together, nothing is lost."""
    for dimension in (seen.paths, seen.hosts, seen.methods, seen.pops):
        if dimension.known:
            every = (*dimension.keys, dimension.others)
            assert sum(k.errors for k in every) == seen.errors
            assert sum(k.repeats for k in every) == seen.repeats
            assert abs(sum(k.requests for k in every) - seen.requests) <= 0
    assert sum(p.requests for p in seen.series.points) == seen.requests == seen.lines.parsed
    assert sum(p.errors for p in seen.series.points) == seen.errors
    assert sum(p.requests for r in seen.grid.rows for p in r.points) == (seen.requests if seen.pops.known else 0)
    assert sum(seen.statuses.values()) == seen.requests
    assert sum(t.count for t in seen.types if t.status == seen.status) == seen.errors
    lines = seen.lines
    assert lines.read == lines.parsed + lines.malformed + lines.outside


@pytest.mark.parametrize("limit", [3, 50])
def test_too_many_keys_are_put_together_with_an_honest_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    for name in ("MAX_PATHS", "MAX_HOSTS", "MAX_POPS", "MAX_METHODS", "MAX_TYPES", "MAX_HOT", "MAX_STEPS", "MAX_CELLS"):
        monkeypatch.setattr(tally, name, limit)
    rows = []
    for i in range(400):
        keys = {"path": f"/{i % 170}", "host": f"h{i % 60}.example.com", "pop": f"FRA{i % 70}", "method": f"M{i % 90}"}
        rows += [failed(i * 40, f"Type{i % 80}", **keys), request(i * 40, **keys), request(i * 40, path="/hot")]
    seen = count(tmp_path, standard(rows))
    check_sums(seen)
    hot = next(k for k in seen.paths.keys if k.key == "/hot")
    assert hot.requests <= 400 <= hot.requests + seen.paths.missed
    assert seen.paths.others.requests > 0
    assert seen.series.width_s > 60
    assert len(seen.series.points) <= limit


def test_steps_become_longer_and_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    line = timeline.Timeline(10)
    for minute in range(1000):
        line.add(EPOCH + 60 * minute, "", 2, 1)
    assert line.width in timeline.WIDTHS
    assert len(line.cells) <= 10
    series = line.series("")
    assert (sum(p.requests for p in series.points), sum(p.errors for p in series.points)) == (2000, 1000)
    assert all(p.at % series.width_s == 0 for p in series.points)
    assert all(b % a == 0 for a, b in zip(timeline.WIDTHS, timeline.WIDTHS[1:], strict=False))


def test_seconds_beyond_the_limit_keep_the_earliest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "MAX_SECONDS", 3)
    seen = count(tmp_path, standard([failed(at) for at in (5, 9, 7, 1, 1, 8)]))
    assert seen.seconds == (EPOCH + 1, EPOCH + 5, EPOCH + 7)
    assert not seen.seconds_complete


def test_columns_that_are_not_there_are_unknown_not_empty(tmp_path: Path) -> None:
    seen = count(tmp_path, standard([failed(1)], [n for n in NAMES if n in ("date", "time", "sc-status")]))
    assert seen.errors == 1
    assert not any(d.known or d.keys for d in (seen.pops, seen.hosts, seen.paths, seen.methods, seen.origins))
    assert seen.grid.rows == ()
    assert [(t.name, t.detailed) for t in seen.types] == [("", False)]
