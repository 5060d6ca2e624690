"""How long all scenarios of the lab take in one process, up and judged, and what is left afterwards.

`python -m benchmarks.lab [WORKERS]`: scenarios come up in that many threads, 4 unless given. A scenario whose packets
are dropped waits for a deadline, so more are at work than there are cores. Exits with 1 where a goal is missed: all
of it takes longer than the limit, more than one scenario in a hundred comes up too slowly when it is alone, a verdict
is not the author's even when the scenario is alone and in no hurry, or sockets, tasks, threads or files are left. On
a busy machine, the seconds of processor time tell more than those of the clock: they are what it would take with
nobody else there, on one core.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cfrunbook as cf
from cfrunbook.lab import SCENARIOS, start
from cfrunbook.lab.folder import PREFIX
from cfrunbook.lab.running import DEADLINE

LIMIT = 60.0
"""Seconds, on two cores."""
UP_LIMIT = 1.0
"""Seconds until a scenario is up."""
WORKERS = 4


@dataclass(frozen=True, slots=True)
class Measured:
    """One scenario: seconds until it is up and until it is judged after that, and whether the verdict is right."""

    name: str
    up: float
    judged: float
    said: str
    is_right: bool


def measured(name: str, deadline: float = DEADLINE) -> Measured:
    """Bring a scenario up and judge it; a probe waits for `deadline` seconds."""
    began = time.perf_counter()
    with start(name, deadline=deadline) as running:
        is_up = time.perf_counter()
        verdict = cf.diagnose_sync(cf.Incident.load(**running.options)).verdict
    expected = SCENARIOS[name].expected
    is_right = (verdict.status, verdict.code) == (expected.status, expected.code)
    return Measured(name, is_up - began, time.perf_counter() - is_up, f"{verdict.status} {verdict.code}", is_right)


def up_alone() -> list[tuple[float, str]]:
    """Return how long scenarios take to come up one after the other, the slowest first."""
    took = []
    for name in SCENARIOS:
        began = time.perf_counter()
        with start(name):
            took.append((time.perf_counter() - began, name))
    return sorted(took, reverse=True)


def left() -> dict[str, int]:
    """Return what there is of what can be left behind."""
    gc.collect()
    tasks = sum(isinstance(thing, asyncio.Task) and not thing.done() for thing in gc.get_objects())
    descriptors = os.listdir("/proc/self/fd") if Path("/proc/self/fd").is_dir() else []  # noqa: PTH208
    folders = len(list(Path(tempfile.gettempdir()).glob(f"{PREFIX}*")))
    return {"descriptors": len(descriptors), "threads": threading.active_count(), "tasks": tasks, "folders": folders}


def main(workers: int = WORKERS) -> int:
    """Measure, print, and return an exit status."""
    unhurried = partial(measured, deadline=3 * DEADLINE)
    measured("healthy")  # imports, and what is made once
    alone = up_alone()
    before = left()
    began, worked = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(workers) as pool:
        results = list(pool.map(measured, SCENARIOS))
    took, worked = time.perf_counter() - began, time.process_time() - worked
    after = left()
    wrong = [row for row in results if not row.is_right]
    again = {row.name for row in map(unhurried, [row.name for row in wrong]) if not row.is_right}
    hundredth, slow = alone[len(alone) // 100]
    goals = {
        f"all in {LIMIT:.0f} s": took <= LIMIT,
        f"99 of 100 up within {UP_LIMIT:.0f} s": hundredth <= UP_LIMIT,
        "verdicts as their authors say": not again,
        "nothing left": all(after[what] <= before[what] for what in before if what != "descriptors")
        and after["descriptors"] <= before["descriptors"] + 2,  # libraries keep one open that they use again
    }
    print(f"{len(results)} scenarios up and judged, {workers} at a time: {took:.1f} s,", end=" ")
    print(f"of which {worked:.1f} s of processor time")
    print(f"up, one by one: median {alone[len(alone) // 2][0] * 1000:.0f} ms,", end=" ")
    print(f"99 of 100 within {hundredth * 1000:.0f} ms ({slow}), slowest {alone[0][0] * 1000:.0f} ms ({alone[0][1]})")
    for row in sorted(results, key=lambda row: -(row.up + row.judged))[:5]:
        print(f"  {row.name}: up in {row.up * 1000:.0f} ms, judged in {row.judged * 1000:.0f} ms")
    for what, number in before.items():
        print(f"{what}: {number} before, {after[what]} after")
    for row in wrong:
        later = "" if row.name in again else "; right when alone and in no hurry"
        print(f"not as its author says: {row.name}: {row.said}{later}")
    for goal, is_met in goals.items():
        print(f"{'met ' if is_met else 'MISSED'}  {goal}")
    return int(not all(goals.values()))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as own:  # nobody else's folders are counted
        tempfile.tempdir = own
        sys.exit(main(*map(int, sys.argv[1:2])))
