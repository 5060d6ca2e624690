"""A resolver to ask in the lab, as public ones are asked: the edge's own, which walks from the lab's root.

SERVFAIL is what it says where no name server can be believed. Nothing is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import dns.exception
import dns.flags
import dns.message
import dns.rcode

from cfrunbook.lab.connections import Connection
from cfrunbook.lab.dns.resolver import Resolver, Unresolved, View
from cfrunbook.lab.dns.server import bound
from cfrunbook.lab.servers import LOOPBACK, Address, Servers


def answer(wire: bytes, view: View) -> bytes | None:
    """Return the answer to one question; None where it is none. Blocks while name servers are asked. Never raises."""
    try:
        query = dns.message.from_wire(wire)
    except (dns.exception.DNSException, ValueError):
        return None
    if query.flags & dns.flags.QR or len(query.question) != 1:
        return None
    (question,) = query.question
    response = dns.message.make_response(query, recursion_available=True)
    try:
        rcode, records = Resolver(view).look_up(question.name, question.rdtype)
    except Unresolved:
        rcode, records = dns.rcode.SERVFAIL, []
    response.set_rcode(rcode)
    response.answer.extend(records)
    return response.to_wire()


def listen(servers: Servers, view: Callable[[], View]) -> Address:
    """Bring a resolver up, UDP and TCP, and return where. `view` is asked at every question: it may change."""
    tcp, udp = bound(LOOPBACK, 0)
    where: Address = tcp.getsockname()[:2]
    servers.serve_datagrams(lambda: _Datagrams(view), udp)
    servers.serve_on(lambda: _Stream(servers.connections, view), tcp)
    return where


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, view: Callable[[], View]) -> None:
        self._view = view
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        task = asyncio.get_running_loop().create_task(self._answer(data, addr))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, data: bytes, addr: tuple[str, int]) -> None:
        wire = await asyncio.get_running_loop().run_in_executor(None, partial(answer, data, self._view()))
        if wire is not None and not self._transport.is_closing():
            self._transport.sendto(wire, addr)


class _Stream(Connection):
    """One question with its length in front (RFC 7766), after it the next."""

    def __init__(self, open_connections: set[asyncio.Transport], view: Callable[[], View]) -> None:
        super().__init__(open_connections)
        self._view = view
        self._received = b""
        self._tasks: set[asyncio.Task[None]] = set()

    def data_received(self, data: bytes) -> None:
        self._received += data
        while len(self._received) >= 2 and len(self._received) >= (end := 2 + int.from_bytes(self._received[:2])):
            message, self._received = self._received[2:end], self._received[end:]
            task = asyncio.get_running_loop().create_task(self._answer(message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _answer(self, message: bytes) -> None:
        wire = await asyncio.get_running_loop().run_in_executor(None, partial(answer, message, self._view()))
        if wire is not None and not self.transport.is_closing():
            self.transport.write(len(wire).to_bytes(2) + wire)
