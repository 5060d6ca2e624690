"""Sends one ClientHello to one address and records the flight that comes back: sockets and a deadline, no judgement."""

from __future__ import annotations

import asyncio
import os
import socket
import time

from cfrunbook.cloudfront.origin_tls import Offer
from cfrunbook.evidence import Handshake, HandshakeOutcome
from cfrunbook.probes.deadline import within
from cfrunbook.probes.endpoint import Endpoint
from cfrunbook.probes.tls.client_hello import server_name
from cfrunbook.probes.tls.flight import FIRST_BYTES, Flight

CHUNK = 64 * 1024
BANNER_GRACE = 0.2
"""Seconds that the rest of a first line is waited for, once it is clear that the answer is not TLS."""


async def hello(
    endpoint: Endpoint, *, sni: str | None, offer: Offer, deadline: float, sock: socket.socket | None = None
) -> Handshake:
    """Send the ClientHello of `offer` to `endpoint` and return how it was answered, within `deadline` seconds.

    `sni` goes into server_name (never an IP address); None leaves it out. `sock` is a connected socket to use instead
    of a new connection; it is closed in any case. The handshake is never finished. Network errors are outcomes, not
    exceptions; only cancellation is raised.
    """
    flight = Flight(offer, sni)
    started = time.monotonic()
    try:
        async with within(deadline):
            if sock is None:
                sock = await _connect(endpoint, flight)
            if sock is not None:
                await _converse(sock, flight)
    except TimeoutError:
        outcome = HandshakeOutcome.TIMEOUT if sock is not None else HandshakeOutcome.NOT_CONNECTED
        stopped = f"the server stopped {flight.reached}" if sock is not None else "no TCP connection came about"
        flight.abort(outcome, f"{stopped}; waited {deadline:g} s")
    finally:
        if sock is not None:
            sock.close()
    return _observation(endpoint, flight, offer, sni, (time.monotonic() - started) * 1000)


async def _connect(endpoint: Endpoint, flight: Flight) -> socket.socket | None:
    address, port = endpoint.socket_address
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock: socket.socket | None = None
    try:
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, (address, port))
    except OSError as error:
        flight.abort(HandshakeOutcome.NOT_CONNECTED, _reason(error))
    except BaseException:
        if sock is not None:
            sock.close()
        raise
    else:
        return sock
    if sock is not None:
        sock.close()
    return None


async def _converse(sock: socket.socket, flight: Flight) -> None:
    loop = asyncio.get_running_loop()
    sock.setblocking(False)
    to_send = flight.start()
    try:
        while flight.outcome is None:
            if to_send:
                await _send(sock, to_send)
            data = await loop.sock_recv(sock, CHUNK)
            if not data:
                flight.eof()
                return
            to_send = flight.feed(data)
        if flight.outcome is HandshakeOutcome.NOT_TLS:
            await _read_banner(sock, flight)
    except OSError as error:
        outcome = HandshakeOutcome.TIMEOUT if isinstance(error, TimeoutError) else HandshakeOutcome.RESET
        flight.abort(outcome, f"{_reason(error)}, {flight.reached}")


async def _send(sock: socket.socket, data: bytes) -> None:
    """Send; a peer that is gone already may have left us something to read, so its going is noticed there."""
    try:
        await asyncio.get_running_loop().sock_sendall(sock, data)
    except (BrokenPipeError, ConnectionResetError):
        return


async def _read_banner(sock: socket.socket, flight: Flight) -> None:
    """Read what is on its way of the first line, so that a person can recognise the service."""
    try:
        async with asyncio.timeout(BANNER_GRACE):
            while len(flight.first_bytes) < FIRST_BYTES and b"\n" not in flight.first_bytes:
                data = await asyncio.get_running_loop().sock_recv(sock, CHUNK)
                if not data:
                    return
                flight.feed(data)
    except TimeoutError:
        return


def _reason(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else error.strerror or type(error).__name__


def _observation(endpoint: Endpoint, flight: Flight, offer: Offer, sni: str | None, elapsed_ms: float) -> Handshake:
    sent_name = server_name(sni)
    return Handshake(
        id="",
        host=endpoint.host,
        port=endpoint.port,
        address=endpoint.address,
        connected_to=endpoint.connected_to,
        sni=sent_name.decode("ascii") if sent_name else None,
        offer=offer.name,
        outcome=flight.outcome or HandshakeOutcome.CLOSED,
        alert=flight.alert,
        warnings=flight.warnings,
        version=flight.version,
        cipher_suite=flight.cipher_suite,
        group=flight.group,
        signature_scheme=flight.signature_scheme,
        hello_retry=flight.hello_retry,
        certificates=flight.certificates,
        client_certificate_requested=flight.client_certificate_requested,
        first_bytes=flight.first_bytes,
        bytes_received=flight.bytes_received,
        detail=flight.detail,
        elapsed_ms=round(elapsed_ms, 3),
    )
