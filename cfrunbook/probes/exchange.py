"""One plain HTTP request to a port, and what came back: HTTP, a TLS record, another service's banner, or nothing."""

from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import dataclass
from urllib.parse import quote

import cfrunbook
from cfrunbook.evidence import ConnectOutcome, Exchange, ExchangeOutcome
from cfrunbook.probes import tcp
from cfrunbook.probes.endpoint import Endpoint
from cfrunbook.probes.services import ENOUGH, service_of
from cfrunbook.redaction import redact_headers

__all__ = ["http_head", "service_of"]

MAX_HEADER_BYTES = 8 * 1024
_MAX_FIELDS = 100
_MAX_LINE = 1024  # characters kept of a status line
_BANNER_GRACE = 0.2  # seconds to wait for the rest of a banner once its first bytes have come
_PRINTABLE = "".join(chr(code) for code in range(0x21, 0x7F))


@dataclass(slots=True)
class _Answer:
    """What has come back so far, and how it ended."""

    received: bytearray
    reset: bool = False
    closed: bool = False


async def http_head(endpoint: Endpoint, *, host: str, deadline: float, sock: socket.socket | None = None) -> Exchange:
    """Send `HEAD /` with `host` as Host to `endpoint`; return what came back within `deadline` seconds.

    `sock`, if given, is connected and non-blocking (see `tcp.connect`), and is closed here like one of our own.
    Reads at most 8 KiB. Never raises for what the other side does.
    """
    begin = time.perf_counter()
    shown, request = _request(host)
    answer = _Answer(bytearray())
    outcome: ExchangeOutcome | None = None
    try:
        if sock is None:
            connection, sock = await tcp.connect(endpoint, deadline=deadline)
            if connection.outcome is ConnectOutcome.RESET:
                answer.reset = True
            elif sock is None:
                outcome = ExchangeOutcome.NOT_CONNECTED
        if sock is not None:
            try:
                async with asyncio.timeout(deadline - (time.perf_counter() - begin)):
                    await _converse(sock, request, answer)
            except TimeoutError:
                pass  # what has come by now is the answer
    finally:
        if sock is not None:
            sock.close()
    received = bytes(answer.received)
    service = service_of(received)
    outcome = outcome or _outcome(answer, service)
    http = outcome is ExchangeOutcome.HTTP
    status_line, headers = _parse_head(received) if http else ("", [])
    return Exchange(
        id="",
        host=endpoint.host,
        port=endpoint.port,
        address=endpoint.address,
        connected_to=endpoint.connected_to,
        request=shown,
        outcome=outcome,
        status_line=status_line,
        headers=redact_headers(headers),
        first_bytes=b"" if http else received[:ENOUGH],
        service=service,
        elapsed_ms=round((time.perf_counter() - begin) * 1000, 3),
    )


def _request(host: str) -> tuple[str, bytes]:
    """Return the request line and Host header for people, and the whole request; no byte of `host` can end a line."""
    shown = f"HEAD / HTTP/1.1\nHost: {quote(host[:255], safe=_PRINTABLE)}"
    fields = f"User-Agent: cfrunbook/{cfrunbook.__version__}\nAccept: */*\nConnection: close\n\n"
    return shown, f"{shown}\n{fields}".replace("\n", "\r\n").encode("ascii")


async def _converse(sock: socket.socket, request: bytes, answer: _Answer) -> None:
    """Send the request and read into `answer` until it is complete, or known to be something else."""
    loop = asyncio.get_running_loop()
    try:
        await loop.sock_sendall(sock, request)
    except OSError:
        answer.reset = True  # what was sent to us before that can still be read
    while not await _receive(sock, answer):
        head = bytes(answer.received[:ENOUGH])
        if _may_be_http(head):
            if b"\r\n\r\n" in answer.received or b"\n\n" in answer.received:
                return
        elif service_of(head) == "tls" or len(head) >= ENOUGH or b"\n" in head:
            return
        else:
            try:
                async with asyncio.timeout(_BANNER_GRACE):
                    if await _receive(sock, answer):
                        return
            except TimeoutError:
                return


async def _receive(sock: socket.socket, answer: _Answer) -> bool:
    """Read once into `answer`; return True at the end of the stream, after a reset and at the limit."""
    room = MAX_HEADER_BYTES - len(answer.received)
    if room <= 0:
        return True
    try:
        chunk = await asyncio.get_running_loop().sock_recv(sock, room)
    except OSError:
        answer.reset = True
        return True
    answer.received += chunk
    answer.closed = not chunk
    return answer.closed


def _may_be_http(head: bytes) -> bool:
    return head.startswith(b"HTTP/") or b"HTTP/".startswith(head)


def _outcome(answer: _Answer, service: str) -> ExchangeOutcome:
    if service in ("http", "tls"):
        return ExchangeOutcome(service)
    if answer.received:
        return ExchangeOutcome.BANNER
    if answer.reset:
        return ExchangeOutcome.RESET
    return ExchangeOutcome.CLOSED if answer.closed else ExchangeOutcome.SILENT


def _parse_head(received: bytes) -> tuple[str, list[tuple[str, str]]]:
    """Return the status line and the header fields, as far as they came whole and without judging them."""
    head, end, _ = received.decode("latin-1").replace("\r\n", "\n").partition("\n\n")
    lines = head.split("\n")
    fields: list[tuple[str, str]] = []
    for line in (lines if end else lines[:-1])[1 : _MAX_FIELDS + 1]:  # a field cut short cannot be redacted well
        name, colon, value = line.partition(":")
        if colon and name.strip():
            fields.append((name.strip(), value.strip()))
    return lines[0][:_MAX_LINE], fields
