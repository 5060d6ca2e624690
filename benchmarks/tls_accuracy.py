"""Who is right about difficult TLS servers: cfrunbook beside the scanners that people use, server by server.

One question: would a client with CloudFront's offer connect, and if not, what is wrong? AWS's own TLS library answers
it first (awscrt, extra `s2n`); then cfrunbook and every peer that is installed look at the same server, one after the
other, all with their own timeouts, and what they say is held against what is true. How each output is read stands in
support/readers.py, what is true of each server in support/difficult_servers.py.

    python benchmarks/tls_accuracy.py                               # everything: half an hour, nearly all of it peers
    python benchmarks/tls_accuracy.py --only cfrunbook --only nmap --servers 57 silence
    python benchmarks/tls_accuracy.py --markdown --keep outputs     # and every output, to look for oneself
    python benchmarks/tls_accuracy.py --again outputs               # read those anew, after a reader was changed
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import logging
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from support.accuracy import Judged, Line, Mark, judge_ours, judge_peer, markdown, text
from support.difficult_servers import ROWS, Difficult
from support.peers import PEERS, commands, named, program_of
from support.readers import read

from cfrunbook.lab.distribution import document
from cfrunbook.lab.scenario import URL, OriginSetup, Setup
from cfrunbook.probes import s2n
from tests.real import difficult
from tests.real.difficult import Bench
from tests.real.origins import ORIGIN

OURS = "cfrunbook"
LIMIT_S = 60.0
"""Seconds after which a tool is stopped at one server."""
ORACLE_S = 10.0
GAVE_UP = -signal.SIGKILL


def run(command: Sequence[str], limit_s: float) -> tuple[int, str, float]:
    """Run a command; return its exit status (`GAVE_UP` after `limit_s`), all that it said, and the seconds it took."""
    start = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=limit_s)
    except BaseException as error:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        if not isinstance(error, subprocess.TimeoutExpired):
            raise
        return GAVE_UP, output.decode(errors="replace"), time.perf_counter() - start
    return process.returncode, output.decode(errors="replace"), time.perf_counter() - start


def our_command(bench: Bench, row: Difficult, port: int) -> list[str]:
    """Return `cfrunbook diagnose` of a distribution whose origin is the server."""
    distribution = bench.certificates.folder / f"distribution-{row.minimum}.json"
    distribution.write_text(json.dumps(document(Setup(OriginSetup((), minimum_tls=row.minimum)))))
    options = ("--json", "--distribution", str(distribution), "--url", URL)
    where = ("--connect-to", f"{ORIGIN}:443:127.0.0.1:{port}", "--trust-store", str(bench.certificates.trust))
    return [sys.executable, "-m", "cfrunbook", "diagnose", *options, *where]


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where what a tool says about a server comes from."""

    limit_s: float
    keep: Path | None = None
    """Keep it here."""
    again: Path | None = None
    """It was kept here: run nothing."""

    def of(self, tool: str, row: Difficult, bench: Bench) -> tuple[int, str, float]:
        """Return exit status, output and seconds. Raises OSError where `again` has no such output."""
        name = f"{re.sub('[^a-z0-9.]+', '-', f'{row.server} {tool}'.lower())}.json"
        if self.again:
            status, output, seconds = json.loads((self.again / name).read_text())
            return status, output, seconds
        with row.serve(bench) as (_, port):
            if tool == OURS:
                command: Sequence[str] = our_command(bench, row, port)
            else:
                command = commands(ORIGIN, port, str(bench.certificates.trust))[tool]
            said = run(command, self.limit_s)
        if self.keep:
            (self.keep / name).write_text(json.dumps(said))
        return said


def ask(tool: str, bench: Bench, row: Difficult, outputs: Outputs) -> Judged:
    """Let a tool look at a server, and judge what it says."""
    status, output, seconds = outputs.of(tool, row, bench)
    if status == GAVE_UP:
        return Judged(Mark.GAVE_UP, f"gave up after {seconds:.0f} s", seconds)
    if tool == OURS:
        try:
            verdict = json.loads(output)["verdict"]
        except ValueError:
            return Judged(Mark.WRONG, f"no verdict, exit status {status}", seconds)
        return judge_ours(row, verdict["status"], verdict["code"] or "", seconds)
    return dataclasses.replace(judge_peer(row, tool, read(tool, output, ORIGIN)), seconds=seconds)


def oracle(bench: Bench, row: Difficult) -> str:
    """Return what AWS's library does; empty where it cannot be asked. Raises RuntimeError where the row is wrong."""
    with row.serve(bench) as (address, port):
        trust = bench.certificates.trust.read_bytes()
        said = s2n.connect(address, port, sni=ORIGIN, minimum=row.minimum, trust_pem=trust, deadline=ORACLE_S)
    if not said.asked:
        return ""
    if said.connected != row.connects:
        raise RuntimeError(
            f"{row.server}: AWS's library {'connects' if said.connected else said.error}, the row is wrong"
        )
    return "connects" if said.connected else said.error


def table(bench: Bench, rows: Sequence[Difficult], tools: Sequence[str], outputs: Outputs) -> Iterator[Line]:
    """Yield a line for every server whose programs are here."""
    for row in rows:
        if any(shutil.which(program) is None for program in row.needs):
            print(f"left out: {row.server} (needs {', '.join(row.needs)})", file=sys.stderr)
            continue
        line = Line(row.server, row.truth, oracle(bench, row), {})
        for tool in tools:
            if sys.stderr.isatty():
                print(f"\r\x1b[K{row.server}: {tool}", end="", file=sys.stderr, flush=True)
            line.judged[tool] = ask(tool, bench, row, outputs)
        yield line
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def main() -> int:
    """Print the table. The exit status is 1 where cfrunbook is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    everybody = (OURS, *PEERS)
    parser.add_argument("--only", action="append", default=[], metavar="TOOL", help=f"of {', '.join(everybody)}")
    parser.add_argument("--servers", nargs="+", default=[], metavar="TEXT", help="servers whose title has TEXT")
    parser.add_argument("--limit", type=float, default=LIMIT_S, help="seconds per tool and server (default: 60)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep every output here: status, text, seconds")
    parser.add_argument("--again", type=Path, metavar="FOLDER", help="read what was kept here instead of running tools")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument("--markdown", action="store_true", help="print Markdown")
    options = parser.parse_args()
    wanted = [tool for tool in everybody if not options.only or any(only in tool for only in options.only)]
    rows = [row for row in ROWS if not options.servers or any(part in row.server for part in options.servers)]
    if not wanted or not rows:
        parser.error("nothing to do: --only or --servers names nothing that is here")
    tools = [tool for tool in wanted if tool == OURS or shutil.which(program_of(tool))]
    os.environ["PATH"] += os.pathsep + "/usr/sbin"
    if missing := [program for program in ("nginx", "openssl") if not shutil.which(program)]:
        parser.error(f"the servers need {' and '.join(missing)}, not installed here")
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
    outputs = Outputs(options.limit, options.keep, options.again)
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # peers hang up while a middlebox writes
    with tempfile.TemporaryDirectory(prefix="cfrunbook-accuracy-") as folder, difficult.bench(Path(folder)) as bench:
        lines = list(table(bench, rows, tools, outputs))
    versions = [named(tool) for tool in wanted if tool != OURS]
    if options.json:
        shown = [dataclasses.asdict(line) for line in lines]
        print(json.dumps({"tools": versions, "limit_seconds": options.limit, "servers": shown}, indent=1))
    else:
        print(*versions, sep="; ", end="\n\n")
        print((markdown if options.markdown else text)(lines, tools))
    return int(any(line.judged[OURS].mark is Mark.WRONG for line in lines if OURS in line.judged))


if __name__ == "__main__":
    sys.exit(main())
