"""A TCP proxy on loopback that is as far away as wanted: every byte takes half a round trip each way.

Loopback answers a connect at once, so the proxy charges for it: nothing is under way before one round trip has passed
since the connection was accepted. There is no loss and no bandwidth, and a congestion window is not modelled: what
fits the first flight of a real server (ten segments, https://www.rfc-editor.org/rfc/rfc6928) is what this is true for.
A connection that either side closes, half-closes or resets is closed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import cast

BACKLOG = 1024


class DelayProxy:
    """Forwards connections to one port of `address`; `take_count` tells how many came."""

    def __init__(self, address: str, port: int, *, round_trip_s: float) -> None:
        self.upstream = (address, port)
        self.round_trip_s = round_trip_s
        self.port = 0
        self._count = 0

    async def start(self) -> None:
        """Listen on a free port of loopback, `port`."""
        server = await asyncio.get_running_loop().create_server(lambda: _Near(self), "127.0.0.1", 0, backlog=BACKLOG)
        self.port = server.sockets[0].getsockname()[1]

    def count(self) -> None:
        """Count one connection."""
        self._count += 1

    def take_count(self) -> int:
        """Return how many connections came since the last call."""
        count, self._count = self._count, 0
        return count


class _Lane:
    """One direction: what was read goes out later, in order."""

    def __init__(self, delay_s: float, opens_at: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._delay_s = delay_s
        self._opens_at = opens_at
        self._under_way: deque[tuple[float, bytes | None]] = deque()
        self._out: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connect(self, out: asyncio.Transport) -> None:
        """Say where it leads to; what was put in before has waited."""
        self._out = out
        self._arm()

    def put(self, data: bytes | None) -> None:
        """Send bytes on their way, or with None the end of the connection."""
        self._under_way.append((max(self._loop.time(), self._opens_at) + self._delay_s, data))
        self._arm()

    def _arm(self) -> None:
        if self._under_way and self._out is not None and self._timer is None:
            self._timer = self._loop.call_at(self._under_way[0][0], self._deliver)

    def _deliver(self) -> None:
        self._timer = None
        assert self._out is not None
        while self._under_way and self._under_way[0][0] <= self._loop.time():
            data = self._under_way.popleft()[1]
            if data is None:
                self._out.close()
            elif not self._out.is_closing():
                self._out.write(data)
        self._arm()


class _Near(asyncio.Protocol):
    """The side of the client."""

    def __init__(self, proxy: DelayProxy) -> None:
        self._proxy = proxy

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._proxy.count()
        loop = asyncio.get_running_loop()
        delay_s = self._proxy.round_trip_s / 2
        opens_at = loop.time() + self._proxy.round_trip_s
        self._to_origin, to_client = _Lane(delay_s, opens_at), _Lane(delay_s, loop.time())
        to_client.connect(cast("asyncio.Transport", transport))
        self._task = loop.create_task(self._reach(to_client, delay_s))

    async def _reach(self, to_client: _Lane, delay_s: float) -> None:
        await asyncio.sleep(delay_s)  # the SYN
        far = _Far(self._to_origin, to_client)
        try:
            await asyncio.get_running_loop().create_connection(lambda: far, *self._proxy.upstream)
        except OSError:
            to_client.put(None)

    def data_received(self, data: bytes) -> None:
        self._to_origin.put(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._to_origin.put(None)


class _Far(asyncio.Protocol):
    """The side of the origin."""

    def __init__(self, to_origin: _Lane, to_client: _Lane) -> None:
        self._to_origin = to_origin
        self._to_client = to_client

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._to_origin.connect(cast("asyncio.Transport", transport))

    def data_received(self, data: bytes) -> None:
        self._to_client.put(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._to_client.put(None)
