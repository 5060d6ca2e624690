"""How long all scenarios of the lab take in one process, up and judged, and what is left afterwards.

`python -m benchmarks.lab [WORKERS]`: scenarios come up in that many threads, 4 unless given. A scenario whose packets
are dropped waits for a deadline, so more are at work than there are cores. Exits with 1 where it takes longer than the
limit, a verdict is not the author's, or sockets, threads or files are left.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cfrunbook as cf
from cfrunbook.lab import SCENARIOS, start
from cfrunbook.lab.folder import PREFIX

LIMIT = 60.0
"""Seconds, on two cores."""
WORKERS = 4


def judged(name: str) -> tuple[str, float, float, bool]:
    """Bring a scenario up and judge it; return seconds until it is up and for the rest, and whether it is right."""
    began = time.perf_counter()
    with start(name) as running:
        is_up = time.perf_counter()
        verdict = cf.diagnose_sync(cf.Incident.load(**running.options)).verdict
    expected = SCENARIOS[name].expected
    is_right = (verdict.status, verdict.code) == (expected.status, expected.code)
    return name, is_up - began, time.perf_counter() - is_up, is_right


def left() -> tuple[int, int, int]:
    """Return how many file descriptors, threads and folders of the lab there are."""
    descriptors = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").is_dir() else 0  # noqa: PTH208
    folders = len(list(Path(tempfile.gettempdir()).glob(f"{PREFIX}{'*'}")))
    return descriptors, threading.active_count(), folders


def main(workers: int = WORKERS) -> int:
    """Measure, print, and return an exit status."""
    judged("healthy")  # imports, and what is made once
    before = left()
    began = time.perf_counter()
    with ThreadPoolExecutor(workers) as pool:
        results = list(pool.map(judged, SCENARIOS))
    took = time.perf_counter() - began
    after = left()
    ups = sorted(up for _, up, _, _ in results)
    wrong = [name for name, _, _, is_right in results if not is_right]
    slowest = sorted(results, key=lambda row: -(row[1] + row[2]))[:5]
    print(f"{len(results)} scenarios, {workers} at a time: {took:.1f} s (limit {LIMIT:.0f} s on two cores)")
    print(f"up: median {ups[len(ups) // 2] * 1000:.0f} ms, slowest {ups[-1] * 1000:.0f} ms")
    for name, up, look, _ in slowest:
        print(f"  {name}: up in {up * 1000:.0f} ms, judged in {look * 1000:.0f} ms")
    print(f"descriptors, threads, folders: {before} before, {after} after")
    print(f"not as their author says: {', '.join(wrong) or 'none'}")
    return int(took > LIMIT or bool(wrong) or any(a > b + 2 for a, b in zip(after, before, strict=True)))


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:2])))
