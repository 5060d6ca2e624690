"""What running an edge function's handler costs beyond the bare start of its runtime.

Ours is `run_handler` as it is used: namespaces, limits, the event in, the result out. The peers are the same program
with nothing to do (`python -I -c pass`, and `node` with an empty file, which is faster than `node -e 0`), started from
the same event loop. All take turns in one run: read the ratios. The goal is 1.5 times the bare start.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from cfrunbook.probes.handlers import HandlerOutcome, Kind, run_handler, runtimes

EDGE = {
    "Records": [
        {
            "cf": {
                "config": {"eventType": "viewer-request", "requestId": "4TyzHTaYWb1GX1qTfsHhEqV6HUDd"},
                "request": {"clientIp": "192.0.2.7", "method": "GET", "uri": "/", "querystring": "", "headers": {}},
            }
        }
    ]
}
FUNCTION = {
    "version": "1.0",
    "context": {"eventType": "viewer-request"},
    "viewer": {"ip": "192.0.2.7"},
    "request": {"method": "GET", "uri": "/", "querystring": {}, "headers": {}, "cookies": {}},
}
CODE = {
    "index.js": "exports.handler = async (event) => event.Records[0].cf.request;",
    "lambda_function.py": "def lambda_handler(event, context): return event['Records'][0]['cf']['request']",
    "function.js": "function handler(event) { return event.request; }",
}


def handler(file: Path, kind: Kind) -> Callable[[], Awaitable[None]]:
    """Return a run of the handler in `file`."""

    async def run() -> None:
        done = await run_handler(file, kind=kind, event=EDGE if kind == "lambda-edge" else FUNCTION)
        assert done.outcome is HandlerOutcome.RETURNED, done

    return run


def bare(*command: str) -> Callable[[], Awaitable[None]]:
    """Return a run of a program that has nothing to do."""

    async def run() -> None:
        process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.DEVNULL)
        assert await process.wait() == 0

    return run


async def measure(table: dict[str, Callable[[], Awaitable[None]]], rounds: int) -> dict[str, float]:
    """Return the median of each in milliseconds, after a round that does not count."""
    times: dict[str, list[float]] = {name: [] for name in table}
    for number in range(rounds + 1):
        for name, run in table.items():
            start = time.perf_counter()
            await run()
            if number:
                times[name].append(1000 * (time.perf_counter() - start))
    return {name: statistics.median(took) for name, took in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=21)
    rounds = parser.parse_args().rounds
    python = "python -I -c pass"
    table: dict[str, Callable[[], Awaitable[None]]] = {python: bare(sys.executable, "-I", "-c", "pass")}
    peers = {"handler in Python": python}
    with tempfile.TemporaryDirectory() as folder:
        for name, code in CODE.items():
            (Path(folder) / name).write_text(code)
        table["handler in Python"] = handler(Path(folder, "lambda_function.py"), "lambda-edge")
        if node := runtimes.node():
            empty, plain = Path(folder, "empty.cjs"), "node with an empty file"
            empty.touch()
            table[plain] = bare(node.program, str(empty))
            table["node -e 0"] = bare(node.program, "-e", "0")
            table["handler in JavaScript"] = handler(Path(folder, "index.js"), "lambda-edge")
            table["CloudFront function"] = handler(Path(folder, "function.js"), "cloudfront-function")
            peers |= dict.fromkeys(("node -e 0", "handler in JavaScript", "CloudFront function"), plain)
        else:
            print("There is no node on PATH: only Python is measured.")
        medians = asyncio.run(measure(table, rounds))
    print(f"Median of {rounds} rounds:")
    for name, took in medians.items():
        ratio = f"{took / medians[peers[name]]:6.2f} x" if name in peers else ""
        print(f"  {name:28} {took:8.1f} ms  {ratio}")


if __name__ == "__main__":
    main()
