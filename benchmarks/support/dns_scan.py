"""The walk to every name server of an origin's name and what is concluded from it, as a program of its own.

python support/dns_scan.py NAME HINTS [PLACE…]     PLACE: where a name server really is, as for --connect-to
python support/dns_scan.py --start                 start, import and end

Prints one line of JSON; seconds count from when the walk is begun, everything imported.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import sys
import time
from pathlib import Path

import dns.zonefile  # noqa: F401 - what the walk imports when it needs it, so that it is not counted
import msgspec

from cfrunbook.causes import dns as cause
from cfrunbook.cloudfront import plan
from cfrunbook.probes import relocation
from cfrunbook.probes.dns import Walking, message
from cfrunbook.probes.dns.hints import load

message.read("a.", "A", message.wire(0, "a.", "A", edns=True, dnssec_ok=True))


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

    waiting = asyncio.create_task(wait())
    walked = await walking.run()
    await waiting
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
    name, hints, *places = sys.argv[1:]
    print(json.dumps(asyncio.run(look(name, Path(hints), places))))


if __name__ == "__main__":
    main()
