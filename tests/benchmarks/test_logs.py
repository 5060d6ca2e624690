"""The benchmark's files are what they say they are, and its comparison sees a difference."""

from __future__ import annotations

import logs as benchmark
from support import log_files

from cfrunbook.logs import reading
from cfrunbook.views import logs as views


def test_the_files_hold_what_was_counted_while_they_were_made(tmp_path, monkeypatch):
    monkeypatch.setattr(log_files, "_SHARE", 0.05)
    monkeypatch.setattr(log_files, "_BAD", 0.01)
    made = log_files.write_plain(tmp_path / "plain", 4800, 1)
    assert made == log_files.write_plain(tmp_path / "again", 4800, 1)
    assert (tmp_path / "plain").read_bytes() == (tmp_path / "again").read_bytes()
    log_files.compress(tmp_path / "plain", tmp_path / "gz", 48)
    assert len(list((tmp_path / "gz").iterdir())) == 48
    for place in (tmp_path / "plain", tmp_path / "gz"):
        seen = reading.read([place])
        assert (seen.lines.read, seen.errors, seen.lines.malformed) == (made.lines, made.errors, made.bad)
        assert made.bad > 10


def test_a_difference_is_seen(tmp_path):
    log_files.write_plain(tmp_path / "plain", 24_000, 1)
    ours = benchmark.told(benchmark.OURS, views.to_json(reading.read([tmp_path / "plain"])).decode())
    minutes: dict[str, int] = {}
    for at, count in ours["series"].items():
        minutes[f"{at % 86_400 // 3600:02}:{at % 3600 // 60:02}"] = count
    theirs = {**ours, "minutes": minutes}
    assert benchmark.compare(ours, theirs) == []
    pop = next(iter(ours["pops"]))
    assert benchmark.compare(ours, {**theirs, "errors": 1}) == ["errors"]
    assert benchmark.compare(ours, {**theirs, "pops": {**ours["pops"], pop: 0}}) == [f"pop {pop}"]
    first = next(iter(m for m, n in minutes.items() if n))
    assert len(benchmark.compare(ours, {**theirs, "minutes": {**minutes, first: 99}})) == 1
