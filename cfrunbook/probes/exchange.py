"""One HTTP request as CloudFront sends it, plain or within TLS, and what came back.

GET of the failing path, not HEAD: CloudFront sends GET for a viewer's GET, and origins answer HEAD otherwise often
enough. Of a long body only the beginning is read. What CloudFront adds for this origin (custom headers) is not known
here, and neither cookies nor credentials are ever sent.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/RequestAndResponseBehaviorCustomOrigin.html
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from typing import Literal, Protocol
from urllib.parse import quote

import msgspec

from cfrunbook.cloudfront.targets import Target, TlsMinimum
from cfrunbook.evidence import ConnectOutcome, Exchange, ExchangeEnd, ExchangeOutcome, IdleEnd
from cfrunbook.probes import tcp
from cfrunbook.probes.deadline import within
from cfrunbook.probes.endpoint import Endpoint
from cfrunbook.probes.error_pages import page_of, refusal_of
from cfrunbook.probes.http1 import Response
from cfrunbook.probes.services import ENOUGH, service_of
from cfrunbook.probes.tls_stream import TlsFailed, TlsStream
from cfrunbook.redaction import hidden, lost_values, redact_headers

__all__ = ["Asked", "http_get", "of_target", "service_of"]

BODY_GRACE = 1.0
"""Seconds that the rest of a body is waited for once the header is there: a stream may never end."""
_BANNER_GRACE = 0.2  # seconds to wait for the rest of a banner once its first bytes have come
_CHUNK = 64 * 1024
_MAX_PATH = 4096
_PRINTABLE = "".join(chr(code) for code in range(0x21, 0x7F))


class Asked(msgspec.Struct, frozen=True):
    """A request: what is asked for, of whom, and over what."""

    host: str
    path: str = "/"
    scheme: Literal["http", "https"] = "http"
    sni: str | None = None
    minimum: TlsMinimum = "TLSv1.2"

    @property
    def shown(self) -> str:
        """The request line and the Host header, for people; no byte of path or host can end a line."""
        path = quote(self.path[:_MAX_PATH], safe=_PRINTABLE)
        return f"GET {path} HTTP/1.1\nHost: {quote(self.host[:255], safe=_PRINTABLE)}"

    @property
    def wire(self) -> bytes:
        """The whole request, with the fields that CloudFront always sends."""
        fields = "User-Agent: Amazon CloudFront\nConnection: Keep-Alive\n\n"
        return f"{self.shown}\n{fields}".replace("\n", "\r\n").encode("ascii")


def of_target(target: Target) -> Asked:
    """Return what CloudFront asks `target` for, by the first of its names."""
    first = target.names[0] if target.names else None
    return Asked(
        host=first.host if first else target.domain,
        path=target.path,
        scheme=target.protocol,
        sni=(first.sni if first else target.domain) if target.protocol == "https" else None,
        minimum=target.tls_minimum,
    )


class _Stream(Protocol):
    async def send(self, data: bytes) -> None: ...
    async def receive(self) -> bytes: ...


class _Plain:
    """A connection without TLS."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    async def send(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self._sock, data)

    async def receive(self) -> bytes:
        return await asyncio.get_running_loop().sock_recv(self._sock, _CHUNK)


class _Talk(msgspec.Struct):
    """What is known of one exchange so far."""

    begin: float = msgspec.field(default_factory=time.perf_counter)
    response: Response = msgspec.field(default_factory=Response)
    first_bytes: bytearray = msgspec.field(default_factory=bytearray)
    outcome: ExchangeOutcome | None = None
    end: ExchangeEnd | None = None
    secured: TlsStream | None = None
    alert: int | None = None
    detail: str = ""
    connected_ms: float | None = None
    secured_ms: float | None = None
    first_byte_ms: float | None = None
    ended_ms: float = 0.0
    idle_end: IdleEnd | None = None
    idle_ms: float = 0.0

    def now(self) -> float:
        """Milliseconds since the beginning."""
        return round((time.perf_counter() - self.begin) * 1000, 3)


async def http_get(
    endpoint: Endpoint, asked: Asked, *, deadline: float, sock: socket.socket | None = None, idle: float = 0.0
) -> Exchange:
    """Send the request `asked` to `endpoint` and return what came back within `deadline` seconds.

    `sock`, if given, is connected and non-blocking (see `tcp.connect`), and is closed here like one of our own. With
    `idle`, the connection is left open after a complete answer and watched for at most so many seconds. Never raises
    for what the other side does.
    """
    talk = _Talk()
    try:
        if sock is None:
            connection, sock = await tcp.connect(endpoint, deadline=deadline)
            if sock is not None:
                talk.connected_ms = talk.now()
            elif connection.outcome is ConnectOutcome.RESET:
                talk.end = ExchangeEnd.RESET
            else:
                talk.outcome = ExchangeOutcome.NOT_CONNECTED
                talk.detail = connection.detail or connection.outcome.value
        if sock is not None:
            sock.setblocking(False)
            await _within(talk, sock, asked, deadline, idle)
    finally:
        if sock is not None:
            sock.close()
    return _observation(endpoint, asked, talk)


async def _within(talk: _Talk, sock: socket.socket, asked: Asked, deadline: float, idle: float) -> None:
    """Talk within the deadline, then watch the idle connection."""
    stream: _Stream | None = None
    left = deadline - talk.now() / 1000
    try:
        async with within(left if left > 0 else deadline):  # connecting took longer only where nobody listened
            stream = await _open(talk, sock, asked)
            if stream is not None:
                await _converse(talk, stream, asked.wire)
    except TimeoutError:
        talk.end = ExchangeEnd.TIMEOUT  # what has come by now is the answer
        if asked.scheme == "https" and talk.secured_ms is None:
            talk.outcome = ExchangeOutcome.TLS_FAILED
            talk.detail = f"the TLS handshake was not done within {deadline:g} s"
    talk.ended_ms = talk.now()
    if idle > 0 and stream is not None and talk.end is ExchangeEnd.COMPLETE:
        await _watch(talk, stream, idle)


async def _open(talk: _Talk, sock: socket.socket, asked: Asked) -> _Stream | None:
    """Return the stream to talk over; None where the TLS handshake failed."""
    if asked.scheme == "http":
        return _Plain(sock)
    try:
        talk.secured = TlsStream(sock, sni=asked.sni, minimum=asked.minimum)
        await talk.secured.shake_hands()
    except TimeoutError:
        raise  # the deadline's
    except OSError as error:
        _broken(talk, error)
        talk.outcome = ExchangeOutcome.TLS_FAILED
        return None
    talk.secured_ms = talk.now()
    return talk.secured


async def _converse(talk: _Talk, stream: _Stream, request: bytes) -> None:
    """Send the request and read until the answer is complete, or known to be something else."""
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # what came before that can still be read
        await stream.send(request)
    while not talk.response.done:
        wait = BODY_GRACE if talk.response.head_complete else None
        if not await _receive(talk, stream, wait):
            return
    if talk.response.is_http:
        talk.end = ExchangeEnd.COMPLETE if talk.response.complete else ExchangeEnd.ENOUGH
    else:
        talk.end = ExchangeEnd.ENOUGH
        await _read_banner(talk, stream)


async def _read_banner(talk: _Talk, stream: _Stream) -> None:
    """Read what is on its way of a first line, so that a person can recognise the service."""
    while len(talk.first_bytes) < ENOUGH and b"\n" not in talk.first_bytes:
        if service_of(bytes(talk.first_bytes)) == "tls" or not await _receive(talk, stream, _BANNER_GRACE):
            return


async def _receive(talk: _Talk, stream: _Stream, wait: float | None) -> bool:
    """Read once, for at most `wait` seconds; return False at the end of the stream, however it ended."""
    waiting = asyncio.timeout(wait)
    try:
        async with waiting:
            data = await stream.receive()
    except TimeoutError:
        if not waiting.expired():
            raise  # the deadline's own
        talk.end = ExchangeEnd.TIMEOUT
        return False
    except OSError as error:
        _broken(talk, error)
        return False
    if not data:
        talk.response.end()
        talk.end = ExchangeEnd.COMPLETE if talk.response.complete else ExchangeEnd.CLOSED
        return False
    if talk.first_byte_ms is None:
        talk.first_byte_ms = talk.now()
    talk.first_bytes += data[: ENOUGH - len(talk.first_bytes)]
    talk.response.feed(data)
    return True


def _broken(talk: _Talk, error: OSError) -> None:
    """Note how a connection broke."""
    if isinstance(error, TlsFailed):
        talk.end, talk.detail, talk.alert = ExchangeEnd.CLOSED, error.reason, error.alert
    else:
        talk.end, talk.detail = ExchangeEnd.RESET, _reason(error)


async def _watch(talk: _Talk, stream: _Stream, idle: float) -> None:
    """Say nothing more, and see for at most `idle` seconds whether the origin closes the connection."""
    if not talk.response.reusable:
        talk.idle_end = IdleEnd.NOT_OFFERED
        return
    begin = time.perf_counter()
    try:
        async with asyncio.timeout(idle):
            while await stream.receive():
                pass
        talk.idle_end = IdleEnd.CLOSED
    except TimeoutError:
        talk.idle_end = IdleEnd.KEPT
    except OSError:
        talk.idle_end = IdleEnd.CLOSED
    talk.idle_ms = round((time.perf_counter() - begin) * 1000, 3)


def _outcome(talk: _Talk, service: str) -> ExchangeOutcome:
    if service in ("http", "tls"):
        return ExchangeOutcome(service)
    if talk.first_bytes:
        return ExchangeOutcome.BANNER
    if talk.end is ExchangeEnd.RESET:
        return ExchangeOutcome.RESET
    return ExchangeOutcome.CLOSED if talk.end is ExchangeEnd.CLOSED else ExchangeOutcome.SILENT


def _page(response: Response) -> str:
    if response.status >= 500:
        return page_of(bytes(response.sample))
    return refusal_of(bytes(response.sample)) if response.status >= 400 else ""


def _observation(endpoint: Endpoint, asked: Asked, talk: _Talk) -> Exchange:
    response, secured = talk.response, talk.secured
    first_bytes = bytes(talk.first_bytes)
    service = service_of(first_bytes)
    outcome = talk.outcome or _outcome(talk, service)
    http = outcome is ExchangeOutcome.HTTP
    return Exchange(
        id="",
        host=endpoint.host,
        port=endpoint.port,
        address=endpoint.address,
        connected_to=endpoint.connected_to,
        scheme=asked.scheme,
        sni=asked.sni,
        request=asked.shown,
        outcome=outcome,
        status_line=hidden(response.status_line, lost_values(response.fields)) if http else "",
        interim=tuple(response.interim),
        headers=redact_headers(response.fields),
        header_bytes=response.head_bytes,
        header_complete=response.head_complete or not http,
        deviations=tuple(response.deviations),
        framing=response.framing,
        content_length=response.content_length,
        body_bytes=response.body_bytes,
        page=_page(response),
        first_bytes=b"" if http else first_bytes,
        service=service,
        end=talk.end if talk.first_bytes else None,
        tls_version=secured.version if secured else None,
        alert=talk.alert,
        renegotiation_requested=bool(secured and secured.renegotiation_requested),
        idle_end=talk.idle_end,
        idle_ms=talk.idle_ms,
        detail=talk.detail[:200],
        connected_ms=talk.connected_ms,
        secured_ms=talk.secured_ms,
        first_byte_ms=talk.first_byte_ms,
        elapsed_ms=talk.ended_ms or talk.now(),
    )


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else error.strerror or type(error).__name__
