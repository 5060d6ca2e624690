"""How long it takes to know how a zone's name servers are: our walk to all of them, against what people use for it.

All look at the lab's DNS (root, top-level domain, a zone on four servers, 20 ms for every answer) in four states. It
has port 53 of its own addresses in a network namespace, because the peers know no other; where there can be none, only
ours is measured. What is measured runs as a process of its own, from its start to its end.

    python benchmarks/dns_walk.py                          # a quarter of an hour with all peers
    python benchmarks/dns_walk.py --only cfrunbook --rounds 3
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from support import bytecode, network, timed
from support.dns_peers import DNSVIZ, OF_A_RESOLVER, PEERS, commands, named, program_of, saw
from support.name_servers import Trouble, everywhere, tree

from cfrunbook.lab.dns.internet import ORIGIN_NAME
from cfrunbook.probes.dns import DEADLINE

ROUNDS = 5
DELAY_MS = 20.0
BUDGET_S = 30.0
"""Seconds after which a slow peer is not run again, in each state."""
LIMIT_S = 60.0
"""Seconds after which a peer is stopped."""
LEVELS = 3
"""The physical limit in round trips: root, top-level domain, zone."""
ALLOWANCE_S, OVERTIME_S = 0.08, 0.3

HERE = Path(__file__).parent
SCAN = HERE / "support" / "dns_scan.py"
OURS, WARM, START = "cfrunbook walk", "cfrunbook, imported", "cfrunbook, start only"
"""As `cfrunbook diagnose` does it; with everything imported before the walk begins; without the walk."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One process."""

    wall_s: float
    cpu_s: float
    questions: int | None
    """None where they cannot be counted."""
    verdict_s: float | None = None
    """Until ours has everything, from when it begins: without the start of its process."""
    address_s: float | None = None
    """Until ours has the origin's addresses."""


@dataclass(slots=True)
class Row:
    """What a contender took, and what it saw."""

    samples: list[Sample] = field(default_factory=list)
    saw: list[bool] = field(default_factory=list)
    """For each run that was not stopped, whether it saw how things are."""
    problem: str = ""
    spent_s: float = 0.0

    def median(self, name: str) -> float | None:
        """Return the median of a field of the samples; None where there is none."""
        values = [value for sample in self.samples if (value := getattr(sample, name)) is not None]
        return statistics.median(values) if values else None


Results = Mapping[Trouble, Mapping[str, Row]]


# --- measuring --------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def name_servers(trouble: Trouble, delay_ms: float, where: str) -> Iterator[tuple[str, list[str]]]:
    """Run the lab's DNS; yield its root hints and relocations."""
    command = [sys.executable, "-m", "support.name_servers", trouble.value, str(delay_ms), where]
    process = subprocess.Popen(command, cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        said = json.loads(process.stdout.readline() or "{}")
        if not said:
            raise RuntimeError("the name servers did not start")
        yield said["hints"], said["places"]
    finally:
        process.stdin.close()
        process.wait(timeout=20)


def ours(hints: str, places: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return what cfrunbook runs."""
    scan = (sys.executable, str(SCAN))
    walk = (ORIGIN_NAME, hints, *places)
    return {OURS: (*scan, *walk), WARM: (*scan, "--imported", *walk), START: (*scan, "--start")}


def measure(title: str, command: Sequence[str], trouble: Trouble, counter: network.Counter | None, row: Row) -> Sample:
    """Run a contender once."""
    if counter:
        counter.take()
    took = timed.run(command, LIMIT_S)
    questions = counter.take() if counter else None
    if took.stopped:
        row.problem = f"gave up after {LIMIT_S:g} s"
        return Sample(took.wall_s, took.cpu_s, questions)
    if title in (OURS, WARM):
        try:
            told = json.loads(took.output)
        except ValueError:
            raise SystemExit(f"{title} failed:\n{took.output}") from None
        row.saw.append(saw(trouble, "\n".join(words for _, _, words in told["findings"])))
        return Sample(took.wall_s, took.cpu_s, questions, told["verdict_s"], told["address_s"])
    if title != START:
        row.saw.append(saw(trouble, took.output))
    return Sample(took.wall_s, took.cpu_s, questions)


def run(
    contenders: Mapping[str, Sequence[str]],
    trouble: Trouble,
    counter: network.Counter | None,
    rounds: int,
    budget: float,
) -> dict[str, Row]:
    """Measure all alternately, after one uncounted round of those that are not slow."""
    rows = {title: Row() for title in contenders}
    for number in range(rounds + 1):
        for title, command in contenders.items():
            row = rows[title]
            if row.problem or row.spent_s > budget:
                continue
            say(f"{trouble}: {number}/{rounds} {title}")
            sample = measure(title, command, trouble, counter, row)
            row.spent_s += sample.wall_s
            if number or row.spent_s > budget / rounds:
                row.samples.append(sample)
    say("")
    return rows


def say(text: str) -> None:
    """Show on a terminal what is going on."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def look(trouble: Trouble, options: argparse.Namespace, counter: network.Counter | None) -> dict[str, Row]:
    """Bring up the lab's DNS in this state and measure everybody."""
    where = "own" if counter else "loopback"
    with contextlib.ExitStack() as stack:
        hints, places = stack.enter_context(name_servers(trouble, options.delay_ms, where))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        path = folder / "root.hints"
        path.write_text(hints)
        everybody = ours(str(path), places)
        if counter:
            has_resolver = bool(shutil.which("unbound"))
            everybody |= {
                peer: command
                for peer, command in commands(ORIGIN_NAME, str(path)).items()
                if shutil.which(program_of(peer)) and (has_resolver or peer not in OF_A_RESOLVER)
            }
        wanted = {t: c for t, c in everybody.items() if not options.only or any(text in t for text in options.only)}
        if counter and not OF_A_RESOLVER.isdisjoint(wanted):
            stack.enter_context(network.resolver(hints))
        return run(wanted, trouble, counter, options.rounds, options.budget)


# --- results ----------------------------------------------------------------------------------------------------------


def show(trouble: Trouble, rows: Mapping[str, Row], limit_s: float) -> None:
    """Print one row per contender."""
    print(f"\n{trouble}\n{'median of n runs':<24}{'n':>2}{'wall s':>9}{'min-max':>17}{'cpu s':>7}{'asked':>7}", end="")
    print(f"{'x ours':>8}{'x limit':>9}  saw it")
    base = rows[OURS].median("wall_s") if OURS in rows else None
    for title, row in rows.items():
        walls = [sample.wall_s for sample in row.samples]
        wall, cpu, asked = row.median("wall_s"), row.median("cpu_s"), row.median("questions")
        if wall is None or cpu is None:
            continue
        print(f"{title:<24}{len(walls):>2}{wall:>9.3f}{f'{min(walls):.3f}-{max(walls):.3f}':>17}{cpu:>7.2f}", end="")
        print(f"{'' if asked is None else f'{asked:.0f}':>7}{f'{wall / base:.1f}' if base else '-':>8}", end="")
        print(f"{wall / limit_s:>9.1f}  {'' if title == START else row.problem or seen(row)}")
        for what, name in (("the origin's addresses", "address_s"), ("everything", "verdict_s")):
            if (value := row.median(name)) is not None:
                print(f"  {what:<24}{value:>9.3f}{'without the start of the process':>40}{value / limit_s:>16.1f}")


def seen(row: Row) -> str:
    """Return in how many of the runs a contender saw how things are."""
    if all(row.saw):
        return "yes"
    return f"in {sum(row.saw)} of {len(row.saw)} runs" if any(row.saw) else "NO"


def goals(results: Results, round_trip_s: float) -> Iterator[tuple[str, float, str, bool]]:
    """Yield what must be reached, what was, and whether it is; only what was measured."""

    def of(trouble: Trouble, title: str, name: str = "wall_s") -> float | None:
        row = results.get(trouble, {}).get(title)
        return row.median(name) if row else None

    soon = LEVELS * round_trip_s + ALLOWANCE_S
    for trouble, name, bound in (
        (Trouble.NONE, "verdict_s", soon),
        (Trouble.ONE_REFUSES, "verdict_s", soon),
        (Trouble.ONE_DEAD, "address_s", soon),
        (Trouble.ONE_DEAD, "verdict_s", DEADLINE + OVERTIME_S),
        (Trouble.ALL_DEAD, "verdict_s", DEADLINE + OVERTIME_S),
    ):
        value, wall = of(trouble, WARM, name), of(trouble, OURS)
        if value is not None and wall is not None:
            what = "the origin's addresses" if name == "address_s" else f"everything (whole process {wall:.2f})"
            yield f"{trouble}: {what}, seconds", value, f"<= {bound:.2f}", value <= bound
    for trouble, times in ((Trouble.NONE, 5), (Trouble.ONE_DEAD, 6)):
        theirs, mine = of(trouble, DNSVIZ), of(trouble, OURS)
        if theirs is not None and mine is not None:
            yield f"{trouble}: dnsviz over ours, whole processes", theirs / mine, f">= {times}", theirs / mine >= times
    runs = [right for rows in results.values() for title in (OURS, WARM) if title in rows for right in rows[title].saw]
    if runs:
        yield "runs in which ours saw how things are, per cent", 100 * sum(runs) / len(runs), "= 100", all(runs)


def main() -> int:
    """Measure every state, print its table and what must be reached."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"counted runs of each command (default: {ROUNDS})")
    parser.add_argument("--delay-ms", type=float, default=DELAY_MS, help="before each answer (default: 20)")
    parser.add_argument("--budget", type=float, default=BUDGET_S, help="seconds after which a peer is not run again")
    parser.add_argument("--only", action="append", default=[], metavar="TEXT", help="contenders whose title has TEXT")
    parser.add_argument("--state", action="append", default=[], metavar="TEXT", help="states whose title has TEXT")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.inside and network.is_possible():
        network.enter("--inside")
    print(f"load average at the start {os.getloadavg()[0]:.2f} on {os.cpu_count()} processors")
    bytecode.write()
    counter = None
    if options.inside:
        network.have(server.address for server in everywhere(tree(Trouble.NONE)))
        counter = network.Counter()
        print(*(named(p) for p in PEERS if not options.only or any(text in p for text in options.only)), sep="; ")
        if not shutil.which("unbound"):
            print(f"Without unbound there is no resolver: {', '.join(sorted(OF_A_RESOLVER))} are left out.")
    else:
        print("No network namespace here (unshare -rnm, ip): only ours is measured, and questions are not counted.")
    round_trip_s = options.delay_ms / 1000
    results: dict[Trouble, dict[str, Row]] = {}
    for trouble in Trouble:
        if options.state and not any(text in trouble for text in options.state):
            continue
        results[trouble] = look(trouble, options, counter)
        show(trouble, results[trouble], LEVELS * round_trip_s)
    print()
    for what, value, bound, reached in goals(results, round_trip_s):
        print(f"{'reached' if reached else 'MISSED':<8}{what}: {value:.2f} ({bound})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
