"""How long it takes to see an origin's TLS: cfrunbook's scan against the scanners that people use, near and far.

All look at the same origin on loopback (nginx with an ECDSA and an RSA certificate), directly and through a proxy that
adds a round trip. What is measured runs as a process of its own, from its start to its end; an answer that lacks what
the origin does is no answer. A peer that is not installed is named and left out.

    python benchmarks/tls.py                              # everything, about ten minutes with all peers
    python benchmarks/tls.py --only cfrunbook --rounds 11
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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from support import bytecode, timed
from support.peers import NMAP, PEERS, S_CLIENT, SSLSCAN, SSLYZE, TESTSSL, commands, named

# This process imports little on purpose: the kernel counts the peak memory of who starts a process as that process's.

ROUNDS = 5
ROUND_TRIP_MS = 100.0
BUDGET_S = 120.0
"""Seconds after which a slow peer is not run again, on each way."""
LIMIT_S = 300.0
"""Seconds after which a peer is stopped."""
LIMIT_ROUND_TRIPS = 2
"""The physical limit: one for the TCP connection and one for the flight, everything at once."""

HERE = Path(__file__).parent
SCAN = HERE / "support" / "tls_scan.py"
FAST, POLITE = "cfrunbook scan, fast", "cfrunbook scan, polite"
START, IMPORT = "cfrunbook, start only", "import cfrunbook"


@dataclass(frozen=True, slots=True)
class Way:
    """A way to the origin."""

    title: str
    port: int
    round_trip_s: float


@dataclass(frozen=True, slots=True)
class Contender:
    """One command that is measured."""

    title: str
    command: tuple[str, ...]
    shows: tuple[str, ...] = ()
    """What its output must contain."""

    @property
    def program(self) -> str:
        """The program that must be installed."""
        return "openssl" if self.command[0] == "sh" else self.command[0]


@dataclass(frozen=True, slots=True)
class Sample:
    """One process, from its start to its end."""

    wall_s: float
    cpu_s: float
    """User and system, of the process and the children that it waited for."""
    memory_mib: float
    """Peak resident size of the largest of them."""
    connections: int


@dataclass(slots=True)
class Row:
    """What a contender took on one way."""

    samples: list[Sample] = field(default_factory=list)
    problem: str = ""
    spent_s: float = 0.0

    def median(self, name: str) -> float:
        """Return the median of a field of the samples."""
        values: list[float] = [getattr(sample, name) for sample in self.samples]
        return statistics.median(values)


# --- the origin -----------------------------------------------------------------------------------------------------


class Origin:
    """The origin's process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._in, self._out = _pipes(process)
        where = json.loads(self._out.readline() or "{}")
        if not where:
            raise RuntimeError("the origin did not start")
        self.server: str = where["server"]
        self.name: str = where["name"]
        self.roots: str = where["roots"]
        self.port: int = where["port"]
        self.distant_port: int = where["distant_port"]

    def take_count(self) -> int:
        """Return how many connections came to the distant port since the last call."""
        self._in.write("\n")
        self._in.flush()
        return int(self._out.readline())


def _pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout


@contextlib.contextmanager
def origin(round_trip_ms: float) -> Iterator[Origin]:
    """Run the origin; it ends when its standard input does."""
    command = [sys.executable, "-m", "support.origin", "--round-trip-ms", str(round_trip_ms)]
    process = subprocess.Popen(command, cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield Origin(process)
    finally:
        _pipes(process)[0].close()
        process.wait(timeout=20)


# --- the contenders -------------------------------------------------------------------------------------------------

SUITE_13, SUITE_12, IANA_12 = (
    "TLS_AES_256_GCM_SHA384",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
)


def ours(name: str, roots: str, port: int) -> list[Contender]:
    """Return what cfrunbook runs."""
    python = sys.executable
    relocation = f"{name}:443:127.0.0.1:{port}"
    relocated = ("--connect-to", relocation, "--trust-store", roots)
    diagnose = (python, "-m", "cfrunbook", "diagnose", "--json", "--origin", name, *relocated)
    scan = (python, str(SCAN), name, "127.0.0.1", str(port))
    return [
        Contender(FAST, (*scan, "fast"), (SUITE_13, SUITE_12)),
        Contender(POLITE, (*scan, "polite"), (SUITE_13, SUITE_12)),
        Contender("cfrunbook diagnose, fast", (*diagnose, "--pace", "fast"), ('"status": "ok"',)),
        Contender("cfrunbook diagnose", diagnose, ('"status": "ok"',)),
        Contender(START, (*scan, "none")),
        Contender(IMPORT, (python, "-c", "import cfrunbook")),
        Contender("python -c pass", (python, "-c", "pass")),
    ]


SHOWS = {
    S_CLIENT: (SUITE_12,),
    NMAP: (IANA_12, "commonName"),
    SSLSCAN: (SUITE_13, SUITE_12),
    SSLYZE: (SUITE_13, IANA_12),
    TESTSSL: (SUITE_12, "Certificate Validity"),
}


def peers(name: str, port: int) -> list[Contender]:
    """Return what others run."""
    return [Contender(peer, command, SHOWS[peer]) for peer, command in commands(name, port).items()]


# --- measuring ------------------------------------------------------------------------------------------------------


def measure(contender: Contender, source: Origin) -> Sample:
    """Run a contender once. Raises RuntimeError where it gives no answer, or none within `LIMIT_S`."""
    source.take_count()
    took = timed.run(contender.command, LIMIT_S)
    if took.stopped:
        raise RuntimeError(f"stopped after {LIMIT_S:g} s")
    missing = [text for text in contender.shows if text not in took.output]
    if missing:
        last = next((line.strip() for line in reversed(took.output.splitlines()) if line.strip()), "nothing")
        raise RuntimeError(f"does not show {', '.join(missing)}; says: {last[:80]}")
    return Sample(took.wall_s, took.cpu_s, took.memory_mib, source.take_count())


def run(contenders: Sequence[Contender], source: Origin, rounds: int, budget_s: float) -> dict[str, Row]:
    """Measure all alternately, after one uncounted round of those that are not slow."""
    rows = {contender.title: Row() for contender in contenders}
    for number in range(rounds + 1):
        for contender in contenders:
            row = rows[contender.title]
            if row.problem or row.spent_s > budget_s:
                continue
            say(f"{number}/{rounds} {contender.title}")
            try:
                sample = measure(contender, source)
            except RuntimeError as error:
                row.problem = str(error)
                continue
            row.spent_s += sample.wall_s
            if number or row.spent_s > budget_s / rounds:
                row.samples.append(sample)
    say("")
    return rows


def say(text: str) -> None:
    """Show on a terminal what is going on."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


# --- results --------------------------------------------------------------------------------------------------------


def show(way: Way, rows: Mapping[str, Row]) -> None:
    """Print one row per contender: medians, the range, and the ratios."""
    limit_s = way.round_trip_s * LIMIT_ROUND_TRIPS
    print(f"\n{way.title}\n{'median of n runs':<28}{'n':>3}{'wall s':>8}{'min-max':>16}{'cpu s':>7}{'MiB':>6}", end="")
    print(f"{'conns':>7}{'x fast':>8}{'x polite':>9}{'x limit':>9}" if limit_s else f"{'x fast':>15}{'x polite':>9}")
    for title, row in rows.items():
        if not row.samples:
            print(f"{title:<28}{row.problem:>3}")
            continue
        walls = [sample.wall_s for sample in row.samples]
        wall = row.median("wall_s")
        spread = f"{min(walls):.3f}-{max(walls):.3f}"
        print(f"{title:<28}{len(walls):>3}{wall:>8.3f}{spread:>16}{row.median('cpu_s'):>7.2f}", end="")
        connections = f"{row.median('connections'):.0f}" if limit_s else ""
        print(f"{row.median('memory_mib'):>6.0f}{connections:>7}", end="")
        print(*(f"{ratio(wall, rows.get(base)):>8}" for base in (FAST, POLITE)), end="")
        print(f"{wall / limit_s:>9.1f}" if limit_s else "", row.problem)


def ratio(wall_s: float, base: Row | None) -> str:
    """Return how many times as long as `base` something took."""
    return f"{wall_s / base.median('wall_s'):.1f}" if base and base.samples else "-"


def goals(near: Mapping[str, Row], far: Mapping[str, Row], limit_s: float) -> Iterator[tuple[str, float, str, bool]]:
    """Yield what must be reached, what was, and whether it is; only what was measured."""

    def of(rows: Mapping[str, Row], title: str, name: str = "wall_s") -> float | None:
        row = rows.get(title)
        return row.median(name) if row and row.samples else None

    fast, polite, start = of(far, FAST), of(far, POLITE), of(far, START)
    if fast is not None and start is not None:
        value = (fast - start) / limit_s
        yield "far: fast, without process start, over the physical limit", value, "<= 2.0", value <= 2
    if polite is not None:
        yield "far: polite, seconds", polite, "<= 1.0", polite <= 1
    others = [wall for title in PEERS if (wall := of(far, title)) is not None]
    for title, wall in (("fast", fast), ("polite", polite)):
        if others and wall is not None:
            value = min(others) / wall
            yield f"far: the fastest peer over {title}", value, ">= 10", value >= 10
    for title in (FAST, POLITE):
        if (value_or_none := of(far, title, "connections")) is not None:
            yield f"far: connections, {title}", value_or_none, "<= 60", value_or_none <= 60
        if (value_or_none := of(near, title, "cpu_s")) is not None:
            yield f"directly: processor seconds, {title}", value_or_none, "< 0.3", value_or_none < 0.3
        if (value_or_none := of(near, title, "memory_mib")) is not None:
            yield f"directly: MiB, {title}", value_or_none, "< 80", value_or_none < 80
    if (value_or_none := of(near, IMPORT)) is not None:
        yield "import cfrunbook, seconds of the whole process", value_or_none, "< 0.1", value_or_none < 0.1


def main() -> int:
    """Measure near and far, print both tables and what must be reached."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"counted runs of each command (default: {ROUNDS})")
    parser.add_argument("--round-trip-ms", type=float, default=ROUND_TRIP_MS, help="of the far way (default: 100)")
    parser.add_argument("--budget", type=float, default=BUDGET_S, help="seconds after which a peer is not run again")
    parser.add_argument("--only", action="append", default=[], metavar="TEXT", help="contenders whose title has TEXT")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    bytecode.write()
    with origin(options.round_trip_ms) as source:
        print(f"origin: {source.server}; load average at the start {load:.2f} on {os.cpu_count()} processors")
        round_trip_s = options.round_trip_ms / 1000
        far = f"far: {options.round_trip_ms:g} ms round trip"
        ways = [Way("directly", source.port, 0), Way(far, source.distant_port, round_trip_s)]
        results: list[dict[str, Row]] = []
        for way in ways:
            everybody = ours(source.name, source.roots, way.port) + peers(source.name, way.port)
            wanted = [c for c in everybody if not options.only or any(text in c.title for text in options.only)]
            present = [c for c in wanted if shutil.which(c.program)]
            if not results:
                print(*(named(c.title) for c in wanted if c.title in PEERS), sep="; ")
            results.append(run(present, source, options.rounds, options.budget))
            show(way, results[-1])
        if any(len(row.samples) < options.rounds for rows in results for row in rows.values()):
            print(f"\nn below {options.rounds}: not run again after {options.budget:g} s")
    print()
    for what, value, bound, reached in goals(results[0], results[1], ways[1].round_trip_s * LIMIT_ROUND_TRIPS):
        print(f"{'reached' if reached else 'MISSED':<8}{what}: {value:.2f} ({bound})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
