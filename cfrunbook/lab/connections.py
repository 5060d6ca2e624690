"""Connections that a server has accepted: plain ones, HTTP, and TLS below another kind."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import responses
from typing import cast

HEAD_LIMIT = 65_536
"""Bytes of a request head that a server reads before it gives up."""


class Connection(asyncio.Protocol):
    """One accepted connection, kept in `open_connections` while it is open. By itself: reads and says nothing."""

    transport: asyncio.Transport

    def __init__(self, open_connections: set[asyncio.Transport]) -> None:
        self._open_connections = open_connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take note of the connection."""
        self.transport = cast("asyncio.Transport", transport)
        self._open_connections.add(self.transport)

    def connection_lost(self, _: Exception | None) -> None:
        """Forget the connection."""
        self._open_connections.discard(self.transport)


@dataclass(frozen=True, slots=True)
class Request:
    """The head of an HTTP request; `method` is empty where it is none."""

    method: str
    target: str
    headers: Mapping[str, str]
    """By lower-case name."""

    @classmethod
    def read(cls, head: bytes) -> Request:
        """Read a request head up to its empty line. Never raises."""
        first, *lines = head.decode("latin-1").split("\r\n")
        words = first.split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            return cls("", "", {})
        fields = (line.partition(":") for line in lines if ":" in line)
        return cls(words[0], words[1], {name.strip().lower(): value.strip() for name, _, value in fields})


class HttpConnection(Connection):
    """One HTTP/1.1 request and its answer, then the connection is closed."""

    def __init__(self, open_connections: set[asyncio.Transport]) -> None:
        super().__init__(open_connections)
        self._head = b""
        self._answered = False

    def data_received(self, data: bytes) -> None:
        """Collect the request head; what comes after it is not read."""
        if self._answered:
            return
        self._head += data
        if b"\r\n\r\n" in self._head or len(self._head) > HEAD_LIMIT or not self._head[:1].isalpha():
            self._answered = True
            self.answer(Request.read(self._head.partition(b"\r\n\r\n")[0]))

    def answer(self, request: Request) -> None:
        """Send the answer to `request` with `respond`."""
        raise NotImplementedError

    def respond(self, status: int, headers: Mapping[str, str], body: bytes, *, head_only: bool = False) -> None:
        """Send one answer and close."""
        lines = [f"HTTP/1.1 {status} {responses.get(status, '')}", *(f"{k}: {v}" for k, v in headers.items())]
        lines += [f"Content-Length: {len(body)}", "Connection: close", "", ""]
        self.send("\r\n".join(lines).encode("latin-1", "replace") + (b"" if head_only else body))
        self.finish()

    def send(self, data: bytes) -> None:
        """Send bytes to the peer."""
        self.transport.write(data)

    def finish(self) -> None:
        """Close once everything is sent."""
        self.transport.close()


class TlsLayer(Connection):
    """TLS below another kind of connection, which follows it among the bases and never notices.

    `wrap` comes first, in the constructor.
    """

    tls: ssl.SSLObject

    def wrap(self, context: ssl.SSLContext) -> None:
        """Begin a handshake as server."""
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._established = False

    def data_received(self, data: bytes) -> None:
        """Shake hands, then pass on what was deciphered."""
        self._incoming.write(data)
        try:
            if not self._established:
                self.tls.do_handshake()
                self._established = True
            while plain := self.tls.read(HEAD_LIMIT):
                super().data_received(plain)
            self.transport.close()
        except ssl.SSLWantReadError:
            self._flush()
        except ssl.SSLError:  # also a failed handshake: the alert that says so is waiting to be sent
            self._flush()
            self.transport.close()

    def send(self, data: bytes) -> None:
        """Send bytes to the peer."""
        self.tls.write(data)
        self._flush()

    def finish(self) -> None:
        """Close once everything is sent."""
        if self.transport.is_closing():
            return
        with contextlib.suppress(ssl.SSLError):  # wants the peer's close_notify; ours is written before it says so
            self.tls.unwrap()
        self._flush()
        self.transport.close()

    def _flush(self) -> None:
        if self._outgoing.pending:
            self.transport.write(self._outgoing.read())
