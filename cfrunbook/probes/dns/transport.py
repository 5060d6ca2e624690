"""How a DNS message gets to a name server and what comes back: real sockets, or answers kept in memory.

One question has one socket of its own: connected, so that it hears ICMP (a server that does not run is noticed at
once), and from a port of its own, so that nobody can guess it.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
from collections.abc import Callable
from typing import Protocol

import msgspec

from cfrunbook.evidence import ConnectOutcome, DnsOutcome
from cfrunbook.probes import icmp, tcp
from cfrunbook.probes.dns import message
from cfrunbook.probes.dns.patience import Patience
from cfrunbook.probes.endpoint import Endpoint

_MAX_DATAGRAM = 65_535
_NO_LIMIT = 3600.0  # the question's own patience ends sooner
_LOCAL = frozenset({errno.ENETUNREACH, errno.ENETDOWN, errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL})
_BY_CONNECTION = {
    ConnectOutcome.REFUSED: DnsOutcome.REFUSED_PORT,
    ConnectOutcome.RESET: DnsOutcome.CLOSED,
    ConnectOutcome.TIMEOUT: DnsOutcome.TIMEOUT,
    ConnectOutcome.PROHIBITED: DnsOutcome.UNREACHABLE,
    ConnectOutcome.UNREACHABLE: DnsOutcome.UNREACHABLE,
    ConnectOutcome.NO_LOCAL_ROUTE: DnsOutcome.NO_LOCAL_ROUTE,
}


class Received(msgspec.Struct, frozen=True):
    """What came back to one question."""

    data: bytes = b""
    """The answer; empty where none came."""
    outcome: DnsOutcome = DnsOutcome.TIMEOUT
    """Why there is no answer; of no account where there is one."""
    sends: int = 1
    """How often the question was sent."""
    detail: str = ""
    stray: bytes = b""
    """The first bytes of something that came and was no answer to the question (another id)."""
    seconds: float | None = None
    """How long it took, where that is not to be measured."""


class Transport(Protocol):
    """A way to a name server."""

    async def exchange(self, endpoint: Endpoint, question: bytes, *, over_tcp: bool, patience: Patience) -> Received:
        """Send `question` and return the first answer, within `patience`. Never raises for what servers do."""
        ...


class Sockets:
    """The network. The endpoint says where a name server really is: in a lab, on some port of loopback."""

    async def exchange(self, endpoint: Endpoint, question: bytes, *, over_tcp: bool, patience: Patience) -> Received:
        """Ask over UDP, again and again as far as needed, or over TCP, once."""
        if over_tcp:
            return await _over_tcp(endpoint, question, patience)
        return await _over_udp(endpoint, question, patience)


class Replay:
    """Name servers in memory: `respond` is given the endpoint, the question and whether it came over TCP.

    It returns the answer's bytes, None for silence, or another outcome. No time passes, whatever is recorded.
    """

    def __init__(self, respond: Callable[[Endpoint, bytes, bool], bytes | DnsOutcome | None]) -> None:
        self._respond = respond

    async def exchange(self, endpoint: Endpoint, question: bytes, *, over_tcp: bool, patience: Patience) -> Received:
        """Return what `respond` says."""
        said = self._respond(endpoint, question, over_tcp)
        sends = 1 if over_tcp else len(patience.sends)
        if said is None:
            return Received(sends=sends, detail=_nothing(patience), seconds=patience.seconds)
        if isinstance(said, DnsOutcome):
            return Received(outcome=said, detail="as kept", seconds=0.0)
        if not message.answers(question, said):
            return Received(sends=sends, stray=said[: message.FIRST_BYTES] or b"\0", seconds=patience.seconds)
        return Received(data=said, seconds=0.0)


def _nothing(patience: Patience, what: str = "no answer") -> str:
    """Return that nothing came, and within which time."""
    seconds = patience.seconds
    return f"{what} within {f'{seconds:.2g}' if seconds < 10 else f'{seconds:.0f}'} s"


async def _over_udp(endpoint: Endpoint, question: bytes, patience: Patience) -> Received:
    address, port = endpoint.socket_address
    try:
        version = ipaddress.ip_address(address).version
        sock = socket.socket(socket.AF_INET if version == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
    except ValueError:
        return Received(outcome=DnsOutcome.ERROR, sends=0, detail="not an IP address")
    except OSError as error:
        return _failed(error, 0, None, version)
    with sock:
        sock.setblocking(False)
        tcp.ask_for_icmp(sock, version, on=True)
        try:
            sock.connect((address, port))
        except (OSError, OverflowError) as error:
            return _failed(error, 0, None, version)
        conversation = _Datagrams(sock, question, version)
        try:
            async with patience.limit():
                return await conversation.answer(patience.sends)
        except TimeoutError:
            if conversation.found:  # in the same moment
                return conversation.found
            return Received(sends=conversation.sends, detail=_nothing(patience), stray=conversation.stray)


class _Datagrams:
    """One question under way over UDP."""

    def __init__(self, sock: socket.socket, question: bytes, version: int) -> None:
        self.sends = 0
        self.stray = b""
        self.found: Received | None = None
        self._sock = sock
        self._question = question
        self._version = version

    async def answer(self, times: tuple[float, ...]) -> Received:
        """Send at `times` and wait for the answer, however long it takes."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Received] = loop.create_future()
        timers = [loop.call_later(at, self._send, done) for at in times[1:]]
        self._send(done)
        loop.add_reader(self._sock.fileno(), self._receive, done)
        try:
            return await done
        finally:
            loop.remove_reader(self._sock.fileno())
            for timer in timers:
                timer.cancel()

    def _send(self, done: asyncio.Future[Received]) -> None:
        if done.done():
            return
        try:
            self._sock.send(self._question)
            self.sends += 1
        except BlockingIOError:
            self.sends += 1  # the local queue is full: as good as lost on the way
        except OSError as error:
            self._fail(done, error)

    def _receive(self, done: asyncio.Future[Received]) -> None:
        while not done.done():
            try:
                data = self._sock.recv(_MAX_DATAGRAM)
            except BlockingIOError:
                return
            except OSError as error:
                self._fail(done, error)
                return
            if message.answers(self._question, data):
                self.found = Received(data=data, sends=self.sends)
                done.set_result(self.found)
            else:
                self.stray = self.stray or data[: message.FIRST_BYTES] or b"\0"

    def _fail(self, done: asyncio.Future[Received], error: OSError) -> None:
        if not done.done():
            done.set_result(_failed(error, self.sends, tcp.queued_error(self._sock), self._version))


def _failed(error: Exception, sends: int, queued: icmp.QueuedError | None, version: int) -> Received:
    """Return what an error of a UDP socket means."""
    code = error.errno or 0 if isinstance(error, OSError) else 0
    if queued and queued.icmp:
        _, outcome = icmp.meaning(queued.icmp, ipv6=version == 6)
        words = icmp.describe(queued.icmp, ipv6=version == 6)
        return Received(outcome=_BY_CONNECTION[outcome], sends=sends, detail=words)
    if code == errno.ECONNREFUSED:
        return Received(outcome=DnsOutcome.REFUSED_PORT, sends=sends, detail="ICMP port unreachable")
    if code in _LOCAL:
        detail = f"this machine has no IPv{version} route to it ({errno.errorcode[code]})"
        return Received(outcome=DnsOutcome.NO_LOCAL_ROUTE, sends=sends, detail=detail)
    if code == errno.EHOSTUNREACH:
        return Received(outcome=DnsOutcome.UNREACHABLE, sends=sends, detail="EHOSTUNREACH; by whom is not known")
    words = getattr(error, "strerror", None) or str(error)
    return Received(outcome=DnsOutcome.ERROR, sends=sends, detail=f"this machine could not ask: {words}"[:200])


async def _over_tcp(endpoint: Endpoint, question: bytes, patience: Patience) -> Received:
    """Ask over TCP (RFC 7766): the length in two bytes, then the message, both ways."""
    loop = asyncio.get_running_loop()
    sock: socket.socket | None = None
    try:
        async with patience.limit():
            connection, sock = await tcp.connect(endpoint, deadline=_NO_LIMIT)
            if sock is None:
                outcome = _BY_CONNECTION.get(connection.outcome, DnsOutcome.ERROR)
                return Received(outcome=outcome, detail=connection.detail)
            await loop.sock_sendall(sock, len(question).to_bytes(2) + question)
            size = int.from_bytes(await _exactly(loop, sock, 2))
            data = await _exactly(loop, sock, size)
    except TimeoutError:
        return Received(detail=_nothing(patience, "connected, but no whole answer" if sock else "no answer"))
    except (EOFError, OSError) as error:
        words = "the connection was closed" if isinstance(error, EOFError) else error.strerror or str(error)
        return Received(outcome=DnsOutcome.CLOSED, detail=f"{words} before a whole answer"[:200])
    finally:
        if sock:
            sock.close()
    if not message.answers(question, data):
        return Received(detail="another id", stray=data[: message.FIRST_BYTES] or b"\0")
    return Received(data=data)


async def _exactly(loop: asyncio.AbstractEventLoop, sock: socket.socket, size: int) -> bytes:
    """Return the next `size` bytes, at most 65535. Raises EOFError where the connection ends before."""
    found = bytearray()
    while len(found) < size:
        data = await loop.sock_recv(sock, size - len(found))
        if not data:
            raise EOFError
        found += data
    return bytes(found)
