"""How long it takes to count the 502s of a gigabyte of access logs, in how much memory, against DuckDB.

One file, 24 packed ones and 2,400 packed ones of the same lines, made with a seed. What is measured runs as a process
of its own, from its start to its end; all take turns in one run, so read the ratios. Ours also counts every request,
which is what makes rates of the numbers; DuckDB is only asked for the 502s. The counts have to be the same.

    python benchmarks/logs.py                              # a minute to make the files, 2 GB of disk while it runs
    python benchmarks/logs.py --duckdb /path/to/python     # a Python that has duckdb
    python benchmarks/logs.py --lines 260000 --rounds 3    # a tenth
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support import process_tree, timed
from support.log_files import FIELDS, Made

# This process imports little on purpose: the kernel counts the peak memory of who starts a process as that process's.

LINES, ROUNDS, SEED = 2_600_000, 5, 502
LIMIT_S = 900.0
OURS, DUCKDB = "cfrunbook logs", "DuckDB"
HERE = Path(__file__).parent
GOALS = {"plain": 2.0, "24 gz": 2.5, "2400 gz": 1.2}
"""How many times DuckDB's wall time ours may take."""
MEMORY_MIB = 80.0


@dataclass(slots=True)
class Row:
    """What one contender took for one set of files."""

    runs: list[timed.Run] = field(default_factory=list)
    answer: dict[str, Any] = field(default_factory=dict)

    def median(self, name: str) -> float:
        """Return the median of a field of the runs."""
        values: list[float] = [getattr(run, name) for run in self.runs]
        return statistics.median(values)


def command(contender: str, place: Path, duckdb: str) -> list[str]:
    """Return how a contender is run."""
    if contender == OURS:
        return [sys.executable, "-m", "cfrunbook", "logs", "--json", str(place)]
    pattern = f"{place}/*.gz" if place.is_dir() else str(place)
    return [duckdb, str(HERE / "support" / "log_duckdb.py"), pattern]


def told(contender: str, output: str) -> dict[str, Any]:
    """Return the counts that a contender printed, in one form for both."""
    answer: dict[str, Any] = json.loads(output[output.index("{") :])
    if contender == DUCKDB:
        return answer
    summary = answer["summary"]
    return {
        "errors": summary["errors"],
        "types": {t["name"]: t["count"] for t in summary["types"] if t["status"] == 502},
        "hosts": {k["key"]: k["errors"] for k in summary["hosts"]["keys"] if k["errors"]},
        "pops": {k["key"]: k["errors"] for k in summary["pops"]["keys"] if k["errors"]},
        "series": {p[0]: p[2] for p in summary["series"]["points"]},
        "width": summary["series"]["width_s"],
        "lines": summary["lines"],
    }


def compare(ours: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    """Return in what the counts differ."""
    found = [name for name in ("errors", "types", "hosts") if ours[name] != theirs[name]]
    found += [f"pop {key}" for key, count in ours["pops"].items() if theirs["pops"].get(key) != count]
    steps: dict[int, int] = {}
    day = min(ours["series"]) // 86_400 * 86_400
    for minute, count in theirs["minutes"].items():
        second = day + int(minute[:2]) * 3600 + int(minute[3:]) * 60
        step = second - second % ours["width"]
        steps[step] = steps.get(step, 0) + count
    found += [f"step {at}" for at, count in ours["series"].items() if steps.get(at, 0) != count]
    return found


def measure(places: dict[str, Path], contenders: Sequence[str], rounds: int, duckdb: str) -> dict[tuple[str, str], Row]:
    """Let every contender take its turn with every set of files, `rounds` times after one that does not count."""
    rows = {(name, contender): Row() for name in places for contender in contenders}
    for number in range(rounds + 1):
        for (name, contender), row in rows.items():
            run = timed.run(command(contender, places[name], duckdb), LIMIT_S)
            if run.stopped or "{" not in run.output:
                raise SystemExit(f"{contender} failed with {name}: {run.output[-400:]}")
            row.answer = told(contender, run.output)
            if number:
                row.runs.append(run)
    return rows


def show(rows: dict[tuple[str, str], Row], names: Sequence[str], contenders: Sequence[str]) -> None:
    """Print the medians, the ratios, and whether the counts are the same."""
    print(f"{'':10} {'':16} {'wall s':>8} {'CPU s':>8} {'MiB':>6} {'ratio':>6}")
    for name in names:
        base = rows[name, DUCKDB].median("wall_s") if DUCKDB in contenders else 0.0
        for contender in contenders:
            row = rows[name, contender]
            ratio = f"{row.median('wall_s') / base:6.2f}" if base else ""
            print(
                f"{name:10} {contender:16} {row.median('wall_s'):8.2f} {row.median('cpu_s'):8.2f}"
                f" {row.median('memory_mib'):6.0f} {ratio}"
            )
        ours = rows[name, OURS]
        lines = ours.answer["lines"]
        print(f"{'':10} {lines['read']:,} lines read, {lines['malformed']:,} malformed, {ours.answer['errors']:,} 502s")
        if base:
            different = compare(ours.answer, rows[name, DUCKDB].answer)
            print(f"{'':10} counts: {'differ in ' + ', '.join(different[:5]) if different else 'the same as DuckDB'}")
            ratio_now = ours.median("wall_s") / base
            print(
                f"{'':10} goal: {GOALS[name]} times DuckDB's time: {'met' if ratio_now <= GOALS[name] else 'not met'}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--lines", type=int, default=LINES)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--only", choices=("cfrunbook",), help="leave DuckDB out")
    parser.add_argument("--duckdb", default=sys.executable, metavar="PYTHON", help="a Python that has duckdb")
    parser.add_argument("--folder", default=None, metavar="DIR", help="where the files are made for the time")
    options = parser.parse_args()
    has_duckdb = timed.run([options.duckdb, "-c", "import duckdb; print('there')"], 60).output.strip() == "there"
    contenders = [OURS] if options.only or not has_duckdb else [OURS, DUCKDB]
    if not has_duckdb and not options.only:
        print("DuckDB is not installed: cfrunbook alone (see --duckdb).")
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        places = {"plain": Path(folder, "plain.log"), "24 gz": Path(folder, "gz24"), "2400 gz": Path(folder, "gz2400")}
        # In a process of its own: making the files takes memory, which would count as that of all that we start.
        making = [sys.executable, str(HERE / "support" / "log_files.py"), folder, str(options.lines), str(options.seed)]
        made = Made(*json.loads(timed.run(making, LIMIT_S).output))
        size = places["plain"].stat().st_size / 1e9
        print(
            f"{made.lines:,} lines of {len(FIELDS)} columns, {size:.2f} GB, {made.errors:,} 502s, {made.bad} broken;"
            f" median of {options.rounds}; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"
        )
        rows = measure(places, contenders, options.rounds, options.duckdb)
        show(rows, list(places), contenders)
        most = max(process_tree.run(command(OURS, at, ""), cwd=HERE, memory=True).memory_mib for at in places.values())
    print(f"cfrunbook: {most:.0f} MiB of all processes together, shared memory once (goal: {MEMORY_MIB:.0f})")
    print(f"load afterwards: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
