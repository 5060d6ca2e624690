"""What stands between CloudFront and a healthy origin, and what it can do to TLS: a relay with one quirk on loopback.

Firewalls, rate limiters, inspection devices and outdated balancers break handshakes that the server behind them
would complete. The server stays a real one; only what passes through is delayed, cut, split or refused.

>>> with Servers() as servers:
...     behind = servers.listen(Tls(chain))
...     front = listen(servers, behind, Intolerant(TLS_1_3))
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

from cfrunbook.lab.connections import Connection
from cfrunbook.lab.servers import LOOPBACK, Address, Servers

TLS_1_1, TLS_1_2, TLS_1_3 = 0x0302, 0x0303, 0x0304
_CHANGE_CIPHER_SPEC, _ALERT, _HANDSHAKE = 20, 21, 22
_SUPPORTED_VERSIONS = 43
_HELLO_LIMIT = 16_384


@dataclass(frozen=True, slots=True)
class Intolerant:
    """Closes on a ClientHello that offers `version` or a higher one, instead of choosing a lower one.

    https://www.rfc-editor.org/rfc/rfc8446#appendix-D.2
    """

    version: int


@dataclass(frozen=True, slots=True)
class Warns:
    """Sends a warning alert first: 112, unrecognized_name, as some servers do for names that they do not know.

    https://www.rfc-editor.org/rfc/rfc6066#section-3
    """

    alert: int = 112


@dataclass(frozen=True, slots=True)
class Splits:
    """Sends every handshake message in records of `size` bytes, which TLS allows."""

    size: int = 1


@dataclass(frozen=True, slots=True)
class Dribbles:
    """Sends at most `size` bytes in a segment."""

    size: int = 7


@dataclass(frozen=True, slots=True)
class Delays:
    """Lets nothing of the server's answer through for the first `seconds` of a connection."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Cuts:
    """Closes once `size` bytes of the server's answer have passed."""

    size: int
    reset: bool = False
    """With RST instead of FIN."""


@dataclass(frozen=True, slots=True)
class Overwrites:
    """Changes the server's answer: `by` stands at byte `place` of it, as after a bit error or a device that "fixes"."""

    place: int
    by: bytes


@dataclass(frozen=True, slots=True)
class AtMost:
    """Serves at most `connections` at a time and closes any other without a word."""

    connections: int = 2


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Serves `connections` in `seconds` and resets any other, as firewalls do."""

    connections: int
    seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Rations:
    """Serves `connections`, closes the next `refused` without a word, serves again, and so on: a limit without a clock.

    Or the way to nodes in turn, some of which are down.
    """

    connections: int = 1
    refused: int = 4


@dataclass(frozen=True, slots=True)
class Balances:
    """Sends clients to several servers in turns: nodes behind one address, which may differ.

    Each kind of hello has turns of its own, the server behind first, so that no race between connections decides who
    meets which node. Kinds differ in cipher suites or in length.
    """

    others: tuple[Address, ...]


Quirk = Intolerant | Warns | Splits | Dribbles | Delays | Cuts | Overwrites | AtMost | RateLimit | Rations | Balances


def listen(servers: Servers, behind: Address, quirk: Quirk, address: str = LOOPBACK) -> Address:
    """Put a middlebox with `quirk` in front of the server at `behind`; return where its own new port is."""
    door = _Door(quirk)
    return servers.serve(lambda: _Client(servers.connections, behind, door), address)


@dataclass(slots=True)
class _Door:
    """What one middlebox knows of all its connections."""

    quirk: Quirk
    open: int = 0
    count: int = 0
    seen: deque[float] = field(default_factory=deque)
    turns: Counter[tuple[int, bytes]] = field(default_factory=Counter)

    def admits(self, now: float) -> bool:
        match self.quirk:
            case AtMost(connections):
                return self.open < connections
            case Rations(connections, refused):
                self.count += 1
                return (self.count - 1) % (connections + refused) < connections
            case RateLimit(connections, seconds):
                while self.seen and now - self.seen[0] > seconds:
                    self.seen.popleft()
                if len(self.seen) >= connections:
                    return False
                self.seen.append(now)
        return True

    def server(self, hello: bytes, behind: Address) -> Address | None:
        """Return the server for a connection that starts with `hello`, None where it has none."""
        match self.quirk:
            case Intolerant(version):
                highest = _highest_version(hello)
                return behind if highest is not None and highest < version else None
            case Balances(others):
                kind = len(hello), _suites(hello)
                self.turns[kind] += 1
                return (behind, *others)[(self.turns[kind] - 1) % (1 + len(others))]
        return behind


class _Client(Connection):
    """The connection to the middlebox."""

    def __init__(self, open_connections: set[asyncio.Transport], behind: Address, door: _Door) -> None:
        super().__init__(open_connections)
        self._behind, self._door, self._quirk = behind, door, door.quirk
        self._reads_first = isinstance(door.quirk, Intolerant | Balances)
        self._counted = False
        self._server: _Server | None = None
        self._waiting = bytearray()
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        loop = asyncio.get_running_loop()
        if not self._door.admits(loop.time()):
            self.refuse(reset=isinstance(self._quirk, RateLimit))
            return
        self._counted = True
        self._door.open += 1
        sock = self.transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not self._reads_first:
            self._task = loop.create_task(self._connect())

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._door.open -= self._counted
        if self._server is not None:
            self._server.transport.close()
        elif self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        """Pass it on, once it is clear that it may pass."""
        if self._server is not None:
            self._server.transport.write(data)
            return
        self._waiting += data
        if self._task is not None or not self._reads_first:
            return
        hello = bytes(self._waiting)
        if not _is_whole(hello) and len(hello) < _HELLO_LIMIT:
            return
        server = self._door.server(hello, self._behind)
        if server is None:
            self.transport.close()
        else:
            self._behind = server
            self._task = asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        make = asyncio.get_running_loop().create_connection
        try:
            _, self._server = await make(lambda: _Server(self._open_connections, self, self._quirk), *self._behind)
        except OSError:
            self.transport.abort()
            return
        self._server.transport.write(bytes(self._waiting))
        self._waiting.clear()

    def refuse(self, *, reset: bool) -> None:
        """End the connection, by RST where wanted."""
        if reset:
            _linger_none(self.transport)
            self.transport.abort()
        else:
            self.transport.close()


class _Server(Connection):
    """The connection to the server behind."""

    def __init__(self, open_connections: set[asyncio.Transport], client: _Client, quirk: Quirk) -> None:
        super().__init__(open_connections)
        self._client, self._quirk = client, quirk
        self._records = bytearray()
        self._passed = 0
        self._is_sealed = False
        self._queue: asyncio.Queue[bytes] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if isinstance(self._quirk, Dribbles | Delays):
            self._task = asyncio.get_running_loop().create_task(self._pass_slowly())

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        if self._task is None:
            self._client.transport.close()
        else:
            self._queue.put_nowait(b"")

    def data_received(self, data: bytes) -> None:
        """Pass it on, with the quirk."""
        write = self._client.transport.write
        match self._quirk:
            case Dribbles() | Delays():
                self._queue.put_nowait(data)
            case Splits(size):
                for record in self._split(data, size):
                    write(record)
            case Warns(alert):
                if not self._passed:
                    self._passed = 1
                    write(bytes((_ALERT, 3, 3, 0, 2, 1, alert)))
                write(data)
            case Overwrites(place, by):
                changed = bytearray(data)
                for offset, byte in enumerate(by, place - self._passed):
                    if 0 <= offset < len(changed):
                        changed[offset] = byte
                self._passed += len(data)
                write(bytes(changed))
            case Cuts(size, reset):
                room = size - self._passed
                self._passed += len(data)
                write(data[: max(room, 0)])
                if self._passed >= size:
                    self._client.refuse(reset=reset)
            case _:
                write(data)

    async def _pass_slowly(self) -> None:
        if isinstance(self._quirk, Delays):
            await asyncio.sleep(self._quirk.seconds)
        size = self._quirk.size if isinstance(self._quirk, Dribbles) else 0
        transport = self._client.transport
        while data := await self._queue.get():
            for start in range(0, len(data), size or len(data)):
                if transport.is_closing():  # the client has gone, and asyncio would say so for every piece
                    return
                transport.write(data[start : start + (size or len(data))])
                await asyncio.sleep(0)  # each its own segment
        transport.close()

    def _split(self, data: bytes, size: int) -> Iterator[bytes]:
        """Yield handshake records in small ones. After ChangeCipherSpec they are sealed, and only pass."""
        self._records += data
        while len(self._records) >= 5:
            length = int.from_bytes(self._records[3:5], "big")
            record = bytes(self._records[: 5 + length])
            if len(record) < 5 + length:
                return
            del self._records[: 5 + length]
            self._is_sealed = self._is_sealed or record[0] == _CHANGE_CIPHER_SPEC
            if record[0] != _HANDSHAKE or self._is_sealed:
                yield record
                continue
            for start in range(5, len(record), size):
                part = record[start : start + size]
                yield record[:3] + len(part).to_bytes(2, "big") + part


def _linger_none(transport: asyncio.Transport) -> None:
    """Make the end of a connection an RST."""
    sock = cast("socket.socket", transport.get_extra_info("socket"))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _is_whole(hello: bytes) -> bool:
    """Tell whether the first record is complete."""
    return len(hello) >= 5 and len(hello) >= 5 + int.from_bytes(hello[3:5], "big")


def _suites(hello: bytes) -> bytes:
    """Return the cipher suites of a ClientHello as they stand there; empty where it is none.

    https://www.rfc-editor.org/rfc/rfc8446#section-4.1.2
    """
    body = hello[9:]
    place = 35 + int.from_bytes(body[34:35], "big")  # behind version, random and session id
    return body[place + 2 : place + 2 + int.from_bytes(body[place : place + 2], "big")]


def _highest_version(hello: bytes) -> int | None:
    """Return the highest version that a ClientHello in one record offers; None where it is not whole, or is none.

    https://www.rfc-editor.org/rfc/rfc8446#section-4.1.2
    """
    if not _is_whole(hello):
        return None
    try:
        return max(_versions(hello[9:]))
    except IndexError:
        return None


def _versions(body: bytes) -> Iterator[int]:
    yield body[0] << 8 | body[1]
    place = 34
    place += 1 + body[place]  # session id
    place += 2 + (body[place] << 8 | body[place + 1])  # cipher suites
    place += 1 + body[place] + 2  # compression methods, and the length of the extensions
    while place < len(body):
        kind, length = body[place] << 8 | body[place + 1], body[place + 2] << 8 | body[place + 3]
        if kind == _SUPPORTED_VERSIONS:
            offered = body[place + 5 : place + 4 + length]
            yield from (high << 8 | low for high, low in zip(offered[::2], offered[1::2], strict=False))
        place += 4 + length
