"""Origins that mean harm: whatever they send is bounded in bytes and time, and ends as a finding."""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

import cfrunbook as cf
from cfrunbook.evidence import HandshakeOutcome

DOMAIN = "origin.hostile.example"


def record(kind: int, payload: bytes) -> bytes:
    return b"".join(
        struct.pack("!BHH", kind, 0x0303, len(payload[i : i + 16384])) + payload[i : i + 16384]
        for i in range(0, len(payload), 16384)
    )


def message(kind: int, body: bytes) -> bytes:
    return struct.pack("!B", kind) + len(body).to_bytes(3, "big") + body


SERVER_HELLO = message(2, b"\x03\x03" + bytes(32) + b"\x00" + b"\xc0\x2f" + b"\x00")


def ten_megabytes_of_certificates(peer: socket.socket) -> None:
    one = (1000).to_bytes(3, "big") + bytes(1000)
    body = one * 10_000
    peer.sendall(record(22, SERVER_HELLO + message(11, len(body).to_bytes(3, "big") + body)))


def one_byte_at_a_time(peer: socket.socket) -> None:
    peer.settimeout(0.2)
    for byte in record(22, SERVER_HELLO):
        peer.send(bytes([byte]))
        try:  # wait 0.2 s for the client to go away before the next byte
            if peer.recv(1) == b"":
                return
        except TimeoutError:
            continue


def garbage(peer: socket.socket) -> None:
    peer.sendall(b"\x16\x03\x03\x00\x40" + os.urandom(64) + os.urandom(4096))


def random_bytes(peer: socket.socket) -> None:
    peer.sendall(b"\xff" + os.urandom(1 << 20))


def a_flight_cut_in_the_middle(peer: socket.socket) -> None:
    peer.sendall(record(22, SERVER_HELLO)[:30])


def an_ansi_banner(peer: socket.socket) -> None:
    peer.sendall(b"\x1b[2J\x1b[31m<script>alert(1)</script>\x07\r\n")


@contextmanager
def origin(behave: Callable[[socket.socket], None]) -> Iterator[int]:
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def serve(peer: socket.socket) -> None:
        with peer:
            try:
                peer.settimeout(5)
                peer.recv(4096)
                behave(peer)
            except OSError:
                pass

    def accept() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=serve, args=(peer,), daemon=True))
            threads[-1].start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        acceptor.join(5)
        for thread in threads:
            thread.join(5)


@pytest.mark.parametrize(
    ("behave", "outcomes"),
    [
        (ten_megabytes_of_certificates, {HandshakeOutcome.TOO_LARGE}),
        (one_byte_at_a_time, {HandshakeOutcome.TIMEOUT}),
        (garbage, {HandshakeOutcome.MALFORMED, HandshakeOutcome.TRUNCATED, HandshakeOutcome.RESET}),
        (random_bytes, {HandshakeOutcome.NOT_TLS}),
        (a_flight_cut_in_the_middle, {HandshakeOutcome.TRUNCATED}),
        (an_ansi_banner, {HandshakeOutcome.NOT_TLS}),
    ],
)
def test_a_hostile_origin_is_bounded_and_becomes_a_finding(
    behave: Callable[[socket.socket], None], outcomes: set[HandshakeOutcome]
) -> None:
    deadline = 1.0 if HandshakeOutcome.TIMEOUT in outcomes else 10.0
    with origin(behave) as port:
        incident = cf.Incident.load(origin=DOMAIN, connect_to=[f"{DOMAIN}:443:127.0.0.1:{port}"], deadline=deadline)
        observations = cf.observe_sync(incident)
    diagnosis = cf.judge(incident, observations)
    assert observations.handshakes
    for handshake in observations.handshakes:
        assert handshake.outcome in outcomes, handshake.detail
        assert handshake.bytes_received <= 300 * 1024
        assert len(handshake.first_bytes) <= 64
    assert diagnosis.verdict.status in ("fault", "unknown")
    assert diagnosis.verdict.code is not None
    for finding in diagnosis.findings:
        assert "\x1b" not in finding.title
        assert "\x07" not in finding.reproduce
