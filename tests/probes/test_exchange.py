"""Plain HTTP requests to real sockets: HTTP, TLS, banners, silence, and the ways of hanging up."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable

import pytest

from cfrunbook.evidence import Exchange, ExchangeOutcome
from cfrunbook.probes import tcp
from cfrunbook.probes.endpoint import Endpoint
from cfrunbook.probes.exchange import Asked, http_get
from cfrunbook.probes.http1 import MAX_HEAD
from cfrunbook.redaction import REDACTED

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def exchange(serve: Serve, *, host: str = "www.example.com", deadline: float = 5, tls: bool = False) -> Exchange:
    """Send one request to a server that does `serve` with the connection."""

    async def run() -> Exchange:
        served: list[asyncio.Task[None]] = []

        async def serve_and_close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            served.append(asyncio.current_task())  # type: ignore[arg-type]
            try:
                await serve(reader, writer)
            finally:
                writer.close()

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if tls else None
        server = await asyncio.start_server(serve_and_close, "127.0.0.1", 0, ssl=context)
        try:
            port = server.sockets[0].getsockname()[1]
            endpoint = Endpoint(host="shop.example.com", port=80, address="127.0.0.1", connect_port=port)
            return await http_get(endpoint, Asked(host=host), deadline=deadline)
        finally:
            server.close()
            for task in served:
                task.cancel()
            await asyncio.gather(*served, return_exceptions=True)

    return asyncio.run(run())


def sends(*chunks: bytes, first: bool = False) -> Serve:
    """Say `chunks` one by one, after the request or `first`, and hang up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not first:
            await reader.readuntil(b"\r\n\r\n")
        for chunk in chunks:
            writer.write(chunk)
            await writer.drain()
            await asyncio.sleep(0)
        if first:
            await reader.readuntil(b"\r\n\r\n")

    return serve


async def is_silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read(65536)
    await reader.read(65536)


async def resets(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


BANNERS = [
    (sends(b"SSH-2.0-OpenSSH_9.2\r\n", first=True), "ssh"),
    (sends(b"SS", b"H-2.0-Open", b"SSH_9.2\r\n", first=True), "ssh"),
    (sends(b"220 mail.example.com ESMTP\r\n", first=True), "smtp"),
    (sends(b"\x4a\x00\x00\x00\x0a8.0.36\x00", first=True), "mysql"),
    (sends(b"<html>no status line</html>"), "http/0.9"),
    (sends(b"\x1b[2J\x07what\r\n"), ""),
    (sends(b"x" * 100_000), ""),
]


@pytest.mark.parametrize(("serve", "service"), BANNERS)
def test_other_services_are_named(serve: Serve, service: str) -> None:
    seen = exchange(serve)
    assert seen.outcome is ExchangeOutcome.BANNER
    assert seen.service == service
    assert 0 < len(seen.first_bytes) <= 64
    assert seen.status_line == ""


@pytest.mark.parametrize(
    ("serve", "outcome"),
    [
        (sends(bytes.fromhex("15030300020246")), ExchangeOutcome.TLS),
        (sends(b"\x16\x03\x03", b"\x00\x7a\x02"), ExchangeOutcome.TLS),
        (sends(), ExchangeOutcome.CLOSED),
        (resets, ExchangeOutcome.RESET),
        (sends(b"HTTP/1.1 204 No Content\r\n\r\n"), ExchangeOutcome.HTTP),
        (sends(b"HTTP/1.1 200 O"), ExchangeOutcome.HTTP),
    ],
)
def test_what_came_back_is_told_apart(serve: Serve, outcome: ExchangeOutcome) -> None:
    assert exchange(serve).outcome is outcome


def test_silence_costs_one_deadline_and_is_called_silence() -> None:
    seen = exchange(is_silent, deadline=0.2)
    assert seen.outcome is ExchangeOutcome.SILENT
    assert seen.first_bytes == b""


def test_a_real_tls_server_is_not_http() -> None:
    seen = exchange(is_silent, tls=True)
    assert seen.outcome in (ExchangeOutcome.TLS, ExchangeOutcome.CLOSED)
    assert seen.status_line == ""


def test_a_closed_port_is_not_connected() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        endpoint = Endpoint(host="a", port=sock.getsockname()[1], address="127.0.0.1")
        seen = asyncio.run(http_get(endpoint, Asked(host="a"), deadline=5))
    assert seen.outcome is ExchangeOutcome.NOT_CONNECTED


def test_the_answer_is_kept_in_order_and_without_secrets() -> None:
    seen = exchange(
        sends(
            b"HTTP/1.1 200 OK\r\nServer: nginx\r\nSet-Cookie: id=1\r\nX-Api-Key: s3cret\r\n",
            b"Via: 1.1 a\r\nno colon here\r\n: nameless\r\nVia: 1.1 b\r\n\r\nbody",
        )
    )
    assert seen.status_line == "HTTP/1.1 200 OK"
    assert seen.headers == (
        ("Server", "nginx"),
        ("Set-Cookie", REDACTED),
        ("X-Api-Key", REDACTED),
        ("Via", "1.1 a"),
        ("Via", "1.1 b"),
    )
    assert (seen.first_bytes, seen.service) == (b"", "http")


def test_endless_header_fields_are_read_to_a_limit() -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X-Long: " + b"a" * 5000 + b"\r\n")
            await writer.drain()

    seen = exchange(endless)
    assert seen.outcome is ExchangeOutcome.HTTP
    assert sum(len(name) + len(value) for name, value in seen.headers) <= MAX_HEAD


@pytest.mark.parametrize(
    ("host", "sent"),
    [
        ("www.example.com", b"www.example.com"),
        ("www.example.com:8080", b"www.example.com:8080"),
        ("a\r\nX-Injected: yes", b"a%0D%0AX-Injected:%20yes"),
        ("bücher.example", b"b%C3%BCcher.example"),
    ],
)
def test_the_request_is_one_request_whatever_the_host(host: str, sent: bytes) -> None:
    received: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")

    seen = exchange(serve, host=host)
    lines = received[0].split(b"\r\n")
    assert lines[:2] == [b"GET / HTTP/1.1", b"Host: " + sent]
    assert lines[2:] == [b"User-Agent: Amazon CloudFront", b"Connection: Keep-Alive", b"", b""]
    assert seen.request.encode() == b"\n".join(lines[:2])


def test_a_connected_socket_is_used_and_closed() -> None:
    async def run() -> tuple[Exchange, int]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            endpoint = Endpoint(host="a", port=server.sockets[0].getsockname()[1], address="127.0.0.1")
            _, sock = await tcp.connect(endpoint, deadline=5)
            assert sock is not None
            seen = await http_get(endpoint, Asked(host="a"), deadline=5, sock=sock)
            return seen, sock.fileno()

    seen, number = asyncio.run(run())
    assert seen.outcome is ExchangeOutcome.HTTP
    assert number == -1
