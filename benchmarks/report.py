"""How long `cfrunbook report` takes: an origin examined, all runbooks run, the HTML report written, from process start.

The peer is the papermill command line over the same notebooks, one after the other, with the recording as parameter: it
looks at no origin and writes no report. Ours is measured with kernels that are forked, with ordinary ones, and (option
`--engine`) as papermill's engine. All take turns in one run, so that what else the machine does hits them alike: read
the ratios.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from support import bytecode
from support.process_tree import TreeRun, alternately, run

from cfrunbook.report import runbook_files

ROUNDS = 5
SCENARIO = "certificate-missing-intermediate"
FAULT_FOUND = 1
GOALS = {"forked": (2.5, 7.0), "ordinary": (3.5, 5.0)}
"""Kernels: seconds at most, and how many times faster than papermill at least."""
MAX_FIRST_LINE_S, MAX_PAGE_MIB, MAX_MEMORY_MIB = 1.0, 2.0, 900


def report(folder: Path, kernels: str, *, memory: bool = False) -> TreeRun:
    """Run `cfrunbook report` in the lab that the environment names. Raises RuntimeError if it is not a whole report."""
    output = Path(tempfile.mkdtemp(dir=folder))
    command = [sys.executable, "-m", "cfrunbook", "report", "--kernels", kernels, "--output", str(output)]
    done = run(command, cwd=folder, memory=memory)
    pages, notebooks = list(output.glob("*/report.html")), list(output.glob("*/notebooks/*.ipynb"))
    if done.status != FAULT_FOUND or len(pages) != 1 or len(notebooks) != len(runbook_files()):
        raise RuntimeError(f"{' '.join(command)}: exit status {done.status}, {len(notebooks)} notebooks")
    return done


def page_mib(folder: Path) -> float:
    """Return the size of the last report's page."""
    newest = max(folder.glob("*/*/report.html"), key=lambda page: page.stat().st_mtime)
    return newest.stat().st_size / 2**20


def papermill(folder: Path, evidence: Path, *options: str) -> TreeRun:
    """Run the papermill command line over all notebooks, one after the other."""
    output = Path(tempfile.mkdtemp(dir=folder))
    runs = []
    for notebook in runbook_files():
        command = [sys.executable, "-m", "papermill", str(notebook), str(output / notebook.name), *options]
        runs.append(run([*command, "-p", "evidence", str(evidence), "--no-progress-bar"], cwd=folder))
        if runs[-1].status:
            raise RuntimeError(f"{' '.join(command)}: exit status {runs[-1].status}")
    wall, cpu = sum(one.wall_s for one in runs), sum(one.cpu_s for one in runs)
    return TreeRun(wall, cpu, wall, max(one.memory_mib for one in runs), 0)


def measure(rounds: int, *, engine: bool) -> None:
    """Measure within a lab and print a row for each way."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        evidence = folder / "evidence.json"
        seen = [sys.executable, "-m", "cfrunbook", "diagnose", "--save-evidence", str(evidence)]
        subprocess.run(seen, check=False, stdout=subprocess.DEVNULL)
        ways: list[tuple[str, Callable[[], TreeRun]]] = [
            ("cfrunbook report, forked", lambda: report(folder, "forked")),
            ("cfrunbook report, ordinary", lambda: report(folder, "ordinary")),
            ("papermill, one by one", lambda: papermill(folder, evidence)),
        ]
        if engine:
            ways.append(("papermill --engine cfrunbook", lambda: papermill(folder, evidence, "--engine", "cfrunbook")))
        runs = alternately(ways, rounds)
        memory = {kernels: report(folder, kernels, memory=True).memory_mib for kernels in GOALS}
        show(runs, memory, page_mib(folder))


def show(runs: dict[str, list[TreeRun]], memory: dict[str, float], page: float) -> None:
    """Print medians, ratios and goals."""
    rounds = len(next(iter(runs.values())))
    peer = runs["papermill, one by one"]
    print(f"{len(runbook_files())} notebooks, {rounds} rounds, {os.cpu_count()} processors")
    print(f"{'median':<30}{'wall s':>8}{'min-max':>14}{'cpu s':>8}{'x papermill':>13}{'verdict s':>11}{'MiB':>6}  goal")
    for name, rows in runs.items():
        walls = [row.wall_s for row in rows]
        wall, cpu = statistics.median(walls), statistics.median(row.cpu_s for row in rows)
        # In the same round, what else the machine does hits both alike.
        faster = statistics.median(there.wall_s / here.wall_s for here, there in zip(rows, peer, strict=True))
        kernels = name.rpartition(" ")[2]
        ours = kernels in GOALS
        first = f"{statistics.median(row.first_line_s for row in rows):.2f}" if ours else "-"
        used = f"{memory[kernels]:.0f}" if ours else "-"
        goal = f"{GOALS[kernels][0]} s, {GOALS[kernels][1]:g} x" if ours else ""
        spread = f"{min(walls):.2f}-{max(walls):.2f}"
        print(f"{name:<30}{wall:>8.2f}{spread:>14}{cpu:>8.2f}{faster:>13.1f}{first:>11}{used:>6}  {goal}")
    print(f"report.html: {page:.2f} MiB (goal {MAX_PAGE_MIB:g})", end="; ")
    print(f"goals of every report: verdict within {MAX_FIRST_LINE_S:g} s, {MAX_MEMORY_MIB} MiB")


def main() -> int:
    """Measure in a running lab, or start one and measure in there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"counted runs of each way (default: {ROUNDS})")
    parser.add_argument("--engine", action="store_true", help="measure papermill --engine cfrunbook too")
    options = parser.parse_args()
    if not os.environ.get("CFRUNBOOK_LAB"):
        inside = [sys.executable, __file__, *sys.argv[1:]]
        lab = [sys.executable, "-m", "cfrunbook", "lab", "run", SCENARIO, "--", *inside]
        return subprocess.run(lab, check=False).returncode
    bytecode.write()
    measure(options.rounds, engine=options.engine)
    return 0


if __name__ == "__main__":
    sys.exit(main())
