"""How long the first answer takes, and how much memory: `cfrunbook diagnose` of a lab origin, from process start.

The peer is `openssl s_client`, the one command that people type by hand at this point; bare Python is the floor. All
are run alternately in one run, so that what else the machine does hits them alike: read the ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from support import bytecode

ROUNDS = 11
SCENARIO = "certificate-missing-intermediate"
FAULT_FOUND = 1


@dataclass(frozen=True, slots=True)
class Sample:
    """One process, from its start to its end."""

    wall_s: float
    cpu_s: float
    memory_mib: float
    """Peak resident size."""


def measure(command: Sequence[str], *, expected: int) -> Sample:
    """Run `command` and return what it took. Raises RuntimeError if its exit status is not the expected one."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, close_fds=False
    )
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != expected:
        raise RuntimeError(f"{' '.join(command)}: exit status {process.returncode}, expected {expected}")
    return Sample(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def commands(lab_file: Path) -> dict[str, tuple[list[str], int]]:
    """Return what is compared, by title: the command and its expected exit status."""
    options = json.loads(lab_file.read_text())["options"]
    origin = next(entry for entry in options["connect_to"] if entry.split(":")[1] == "443")
    name, _, address, port = origin.split(":")
    table = {
        "cfrunbook diagnose": ([sys.executable, "-m", "cfrunbook", "diagnose"], FAULT_FOUND),
        "cfrunbook diagnose --json": ([sys.executable, "-m", "cfrunbook", "diagnose", "--json"], FAULT_FOUND),
        "import cfrunbook": ([sys.executable, "-c", "import cfrunbook"], 0),
        "python -c pass": ([sys.executable, "-c", "pass"], 0),
    }
    if openssl := shutil.which("openssl"):
        hello = [openssl, "s_client", "-connect", f"{address}:{port}", "-servername", name, "-showcerts"]
        table["openssl s_client"] = (hello, 0)
    return table


def check(command: Sequence[str]) -> None:
    """Make sure that what is measured is a diagnosis that finds the fault: a crash would be fast too."""
    done = subprocess.run(command, capture_output=True, check=False)
    if json.loads(done.stdout)["verdict"]["status"] != "fault":
        raise RuntimeError(f"{' '.join(command)}: found no fault; choose a scenario that has one")


def run(lab_file: Path, rounds: int) -> dict[str, list[Sample]]:
    """Measure every command `rounds` times, alternately, after one uncounted round."""
    table = commands(lab_file)
    check(table["cfrunbook diagnose --json"][0])
    samples: dict[str, list[Sample]] = {title: [] for title in table}
    for number in range(rounds + 1):
        for title, (command, expected) in table.items():
            sample = measure(command, expected=expected)
            if number:
                samples[title].append(sample)
    return samples


def show(samples: Mapping[str, Sequence[Sample]]) -> None:
    """Print one row per command: medians, the range, and the ratio to the peer."""
    peer = samples.get("openssl s_client")
    print(f"{'median of ' + str(len(next(iter(samples.values())))):<28}{'wall s':>8}{'min-max':>16}", end="")
    print(f"{'cpu s':>8}{'MiB':>7}{'x openssl':>11}")
    for title, rows in samples.items():
        walls = [row.wall_s for row in rows]
        wall = statistics.median(walls)
        ratio = f"{wall / statistics.median(row.wall_s for row in peer):.1f}" if peer else "-"
        cpu, memory = (statistics.median(getattr(row, name) for row in rows) for name in ("cpu_s", "memory_mib"))
        spread = f"{min(walls):.3f}-{max(walls):.3f}"
        print(f"{title:<28}{wall:>8.3f}{spread:>16}{cpu:>8.3f}{memory:>7.0f}{ratio:>11}")


def main() -> int:
    """Measure in a running lab, or start one and measure in there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"counted runs of each command (default: {ROUNDS})")
    parser.add_argument("--scenario", default=SCENARIO, help=f"a scenario with a fault (default: {SCENARIO})")
    options = parser.parse_args()
    lab_file = os.environ.get("CFRUNBOOK_LAB")
    if not lab_file:
        inside = [sys.executable, __file__, "--rounds", str(options.rounds)]
        lab = [sys.executable, "-m", "cfrunbook", "lab", "run", options.scenario, "--", *inside]
        return subprocess.run(lab, check=False).returncode
    bytecode.write()
    show(run(Path(lab_file), options.rounds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
