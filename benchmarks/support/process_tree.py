"""A process with all that it starts: what it says and when, how long it takes, and what all of them use together."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
SAMPLE_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class TreeRun:
    """A process from its start to its end."""

    wall_s: float
    cpu_s: float
    """User and system, of the process and everything below it that was waited for."""
    first_line_s: float
    """From the start to the first line on standard output; the end where there is none."""
    memory_mib: float
    """The most that the process and everything below it used at one moment, shared memory counted once (PSS)."""
    status: int


def run(command: Sequence[str], *, cwd: Path, memory: bool = False) -> TreeRun:
    """Run `command` in `cwd`; with `memory` look at the memory of all processes, which takes time of its own."""
    before = os.times()
    start = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    peak = _Peak(process.pid)
    if memory:
        peak.start()
    assert process.stdout is not None
    try:
        said = process.stdout.readline()
        first = time.perf_counter() - start
        process.stdout.read()
        process.wait()
    except BaseException:
        process.send_signal(signal.SIGTERM)
        raise
    finally:
        peak.stop()
    wall = time.perf_counter() - start
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return TreeRun(wall, cpu, first if said else wall, peak.mib, process.returncode)


class _Peak(threading.Thread):
    """Watches the memory of a process and everything below it."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.mib = 0.0
        self._pid = pid
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            self.mib = max(self.mib, sum(map(_pss_mib, below(self._pid))))

    def stop(self) -> None:
        self._over.set()
        if self.is_alive():
            self.join()


def below(pid: int) -> list[int]:
    """Return the process and all below it, as far as they still run."""
    parents: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            with suppress(OSError, IndexError):
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                parents.setdefault(parent, []).append(int(entry.name))
    found = [pid]
    for known in found:
        found += parents.get(known, [])
    return found


def _pss_mib(pid: int) -> float:
    with suppress(OSError, StopIteration):
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("Pss:")).split()[1]) / 1024
    return 0.0


def alternately(commands: Sequence[tuple[str, Callable[[], TreeRun]]], rounds: int) -> dict[str, list[TreeRun]]:
    """Run each `rounds` times, in turns, after a round that does not count."""
    runs: dict[str, list[TreeRun]] = {name: [] for name, _ in commands}
    for number in range(rounds + 1):
        for name, command in commands:
            done = command()
            if number:
                runs[name].append(done)
    return runs
