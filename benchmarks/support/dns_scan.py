"""The walk to every name server of an origin's name and what is concluded from it, as a program of its own.

python support/dns_scan.py [--imported] NAME HINTS [PLACE…]     PLACE: where a name server is, as for --connect-to
python support/dns_scan.py --start                              start, import and end

Prints one line of JSON; seconds count from when the walk is begun. What reads and judges is imported while it waits, as
`cfrunbook diagnose` does; with --imported before it begins.
"""
# ruff: noqa: E402

from __future__ import annotations

from cfrunbook import garbage

garbage.seldom()  # before the rest is imported, as our command line does

import asyncio
import datetime as dt
import sys
import time
from pathlib import Path

import msgspec

from cfrunbook import idle
from cfrunbook.cloudfront import plan
from cfrunbook.probes import relocation
from cfrunbook.probes.dns import Walking
from cfrunbook.probes.dns.hints import load


async def look(name: str, hints: Path, places: list[str]) -> dict[str, object]:
    """Return what is found, and when."""
    (target,) = plan.of_origin(name, host="", url=None).targets
    roots, relocations = load(hints), relocation.parse_all(places)
    start, before = time.perf_counter(), time.process_time()
    walking = Walking([name], roots, relocations=relocations)
    known: list[float] = []

    async def wait() -> None:
        if await walking.addresses(name):
            known.append(time.perf_counter() - start)

    async with asyncio.TaskGroup() as group:
        walk = group.create_task(walking.run())
        group.create_task(wait())
        group.create_task(idle.bring((*idle.WALK, *idle.JUDGES)))
    from cfrunbook.causes import dns as cause

    walked = walk.result()
    queries = tuple(msgspec.structs.replace(q, id=f"dns-{n}") for n, q in enumerate(walked.queries, 1))
    found = cause.judge((), target=target, in_lab=True, queries=queries, at=dt.datetime.now(dt.UTC))
    return {
        "address_s": known[0] if known else None,
        "verdict_s": time.perf_counter() - start,
        "cpu_s": time.process_time() - before,
        "questions": len(queries),
        "findings": [(f.code, f.status, f.title) for f in found],
    }


def main() -> None:
    """Look, and say so."""
    if sys.argv[1] == "--start":
        asyncio.run(asyncio.sleep(0))
        return
    words = sys.argv[1:]
    if words[0] == "--imported":
        words.pop(0)
        asyncio.run(idle.bring((*idle.WALK, *idle.JUDGES)))
    name, hints, *places = words
    print(msgspec.json.encode(asyncio.run(look(name, Path(hints), places))).decode())


if __name__ == "__main__":
    main()
