"""Walks over name servers in memory: the lab's own, with their faults, and no sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import msgspec

from cfrunbook.evidence import DnsOutcome, DnsQuery
from cfrunbook.lab.dns.server import Responder
from cfrunbook.lab.dns.setup import Fault, Tree
from cfrunbook.probes.dns import Replay, Walked, Walking
from cfrunbook.probes.dns.hints import parse
from cfrunbook.probes.endpoint import Endpoint

Respond = Callable[[Endpoint, bytes, bool], bytes | DnsOutcome | None]


def responding(tree: Tree) -> Respond:
    """Return how the servers of `tree` answer, those that fail on the transport included."""
    servers = {server.address: (Responder(server), set(server.faults)) for server in tree.servers}

    def respond(endpoint: Endpoint, question: bytes, over_tcp: bool) -> bytes | DnsOutcome | None:
        responder, faults = servers.get(endpoint.address, (None, {Fault.DROP}))
        if Fault.CLOSED in faults or (over_tcp and Fault.TCP_REFUSED in faults):
            return DnsOutcome.REFUSED_PORT
        if responder is None or faults & {Fault.DROP, Fault.NO_TCP if over_tcp else Fault.NO_UDP}:
            return None
        return responder.respond(question, tcp=over_tcp)

    return respond


def walked(tree: Tree, *names: str, respond: Respond | None = None, deadline: float = 3.0) -> Walked:
    """Walk to `names` through `tree`; the questions are numbered as in a recording."""

    async def run() -> Walked:
        hints = parse(tree.hints())
        walking = Walking(names, hints, transport=Replay(respond or responding(tree)), deadline=deadline)
        return await walking.run()

    found = asyncio.run(run())
    found.queries = [msgspec.structs.replace(q, id=f"dns-{n}") for n, q in enumerate(found.queries, 1)]
    return found


def by_place(queries: list[DnsQuery]) -> Mapping[tuple[str, str], list[DnsQuery]]:
    """Return the questions by server name and address."""
    found: dict[tuple[str, str], list[DnsQuery]] = {}
    for query in queries:
        found.setdefault((query.server, query.address), []).append(query)
    return found
