"""CloudFront's exact hello, with and without server name, and the scan, as a program of its own to be measured.

python support/tls_scan.py NAME ADDRESS PORT fast|polite|none      (none: start, import and end)
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import AbstractAsyncContextManager, nullcontext

from cfrunbook.cloudfront.origin_tls import group_name, offer, suite_name, version_name
from cfrunbook.evidence import Handshake
from cfrunbook.probes.endpoint import POLITE_CONNECTIONS, Endpoint
from cfrunbook.probes.tls.keys import generate_key_share
from cfrunbook.probes.tls.probe import hello
from cfrunbook.probes.tls.scan import Pace, scan

DEADLINE_S = 10.0


async def look(endpoint: Endpoint, pace: Pace) -> list[Handshake]:
    """Return every answer."""
    gate: AbstractAsyncContextManager[object]
    gate = asyncio.Semaphore(POLITE_CONNECTIONS) if pace == "polite" else nullcontext()

    async def exact(sni: str | None) -> Handshake:
        async with gate:
            return await hello(endpoint, sni=sni, offer=offer("TLSv1.2"), deadline=DEADLINE_S)

    async with asyncio.TaskGroup() as group:
        first = [group.create_task(exact(sni)) for sni in (endpoint.host, None)]
        rest = group.create_task(
            scan(endpoint, sni=endpoint.host, minimum="TLSv1.2", deadline=DEADLINE_S, pace=pace, gate=gate)
        )
    return [*(task.result() for task in first), *rest.result()]


def main() -> int:
    """Look, and print one line per answer."""
    name, address, port, pace = sys.argv[1:]
    if pace == "none":
        generate_key_share(23)  # imports what the first hello would
        asyncio.run(asyncio.sleep(0))
        return 0
    endpoint = Endpoint(name, 443, address, address, int(port))
    answers = asyncio.run(look(endpoint, "fast" if pace == "fast" else "polite"))
    for answer in answers:
        group = group_name(answer.group) if answer.group else "no group"
        chosen = (version_name(answer.version or 0), suite_name(answer.cipher_suite or 0), group)
        print(answer.offer, answer.outcome, *(chosen if answer.version else (answer.alert, answer.detail)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
