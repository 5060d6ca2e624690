"""One hello over real sockets, against real servers and hostile ones, on loopback."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import struct
import subprocess
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from cfrunbook.cloudfront.origin_tls import TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3, offer, openssl_options
from cfrunbook.evidence import Handshake
from cfrunbook.evidence import HandshakeOutcome as Outcome
from cfrunbook.probes import tls
from cfrunbook.probes.endpoint import Endpoint

NAME = "shop.example.com"


def look(endpoint: Endpoint, *, sni: str | None = NAME, minimum: Any = "TLSv1.2", deadline: float = 10) -> Handshake:
    return asyncio.run(tls.hello(endpoint, sni=sni, offer=offer(minimum), deadline=deadline))


def test_an_observation_says_where_it_was_made_and_what_was_offered(identities: Any, peers: SimpleNamespace) -> None:
    with peers.tls(identities["ecdsa"].context()) as endpoint:
        seen = look(endpoint)
    assert (seen.id, seen.host, seen.port, seen.address) == ("", NAME, 443, "192.0.2.1")
    assert seen.connected_to == f"127.0.0.1:{endpoint.connect_port}"
    assert (seen.sni, seen.offer, seen.outcome, seen.detail) == (NAME, "cloudfront-TLSv1.2", Outcome.HELLO, "")
    assert (seen.version, seen.certificates) == (TLS_1_3, identities["ecdsa"].sent)
    assert seen.bytes_received > sum(map(len, seen.certificates))
    assert seen.elapsed_ms > 0


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "large"])
def test_the_chain_is_byte_for_byte_what_the_files_hold(
    kind: str, version: ssl.TLSVersion, identities: Any, peers: SimpleNamespace
) -> None:
    context = identities[kind].context()
    context.minimum_version = context.maximum_version = version
    with peers.tls(context) as endpoint:
        seen = look(endpoint)
    assert seen.outcome is Outcome.HELLO
    served = re.findall(r"-----BEGIN.*?-----END CERTIFICATE-----\n", identities[kind].chain.read_text(), re.DOTALL)
    assert seen.certificates == tuple(map(ssl.PEM_cert_to_DER_cert, served))


@pytest.mark.needs("openssl")
@pytest.mark.parametrize(
    ("kind", "options", "minimum", "expected"),
    [
        ("rsa", ["-tls1", "-cipher", "ALL:@SECLEVEL=0"], "TLSv1", {"version": TLS_1_0}),
        ("rsa", ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], "TLSv1", {"version": TLS_1_1}),
        ("ecdsa", ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], "TLSv1.1", {"version": TLS_1_1, "group": 0x17}),
        ("rsa", ["-tls1", "-cipher", "AES128-SHA:@SECLEVEL=0"], "SSLv3", {"version": TLS_1_0, "cipher_suite": 0x002F}),
        ("rsa", ["-tls1_2"], "TLSv1.2", {"version": TLS_1_2}),
        ("ecdsa", ["-tls1_3"], "TLSv1", {"version": TLS_1_3}),
        ("ecdsa", ["-groups", "P-384"], "TLSv1.2", {"hello_retry": True, "group": 0x18, "version": TLS_1_3}),
        ("rsa", ["-groups", "X25519"], "TLSv1.2", {"hello_retry": True, "group": 0x1D}),
        ("ecdsa", ["-Verify", "1"], "TLSv1.2", {"client_certificate_requested": True}),
    ],
)
def test_openssl_agrees_on_the_chain(
    kind: str, options: list[str], minimum: Any, expected: dict[str, Any], identities: Any, peers: SimpleNamespace
) -> None:
    with peers.s_server(identities[kind], *options) as endpoint:
        seen = look(endpoint, minimum=minimum)
        command = f"openssl s_client -connect 127.0.0.1:{endpoint.connect_port} -servername {NAME} -showcerts "
        shown = subprocess.run(
            [*command.split(), *openssl_options(offer(minimum)).split()],
            input="", capture_output=True, text=True, timeout=20, check=False,
        ).stdout  # fmt: skip
    assert seen.outcome is Outcome.HELLO, seen.detail
    assert {name: getattr(seen, name) for name in expected} == expected
    printed = re.findall(r"-----BEGIN.*?-----END CERTIFICATE-----", shown, re.DOTALL)
    assert seen.certificates == identities[kind].sent == tuple(map(ssl.PEM_cert_to_DER_cert, printed))


@pytest.mark.needs("openssl")
@pytest.mark.parametrize(
    ("kind", "options", "minimum", "alert"),
    [
        ("rsa", ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], "TLSv1.2", 70),
        ("rsa", ["-tls1", "-cipher", "ALL:@SECLEVEL=0"], "TLSv1.1", 70),
        ("rsa", ["-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"], "TLSv1.2", 40),
        ("ecdsa", ["-groups", "P-521"], "TLSv1.2", 40),
        ("ed25519", [], "TLSv1.2", 40),
        ("rsa", ["-tls1"], "TLSv1", 80),
    ],
)
def test_openssl_refuses(
    kind: str, options: list[str], minimum: Any, alert: int, identities: Any, peers: SimpleNamespace
) -> None:
    with peers.s_server(identities[kind], *options) as endpoint:
        seen = look(endpoint, minimum=minimum)
    assert (seen.outcome, seen.alert, seen.certificates) == (Outcome.ALERT, alert, ())


# --- hostile servers ----------------------------------------------------------------------------------------------


def read_hello(peer: socket.socket) -> None:
    assert peer.recv(4096)[:3] == b"\x16\x03\x01"


def says(*pieces: bytes) -> Any:
    def behave(peer: socket.socket) -> None:
        read_hello(peer)
        for piece in pieces:
            peer.sendall(piece)

    return behave


def resets(peer: socket.socket) -> None:
    read_hello(peer)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def holds(*pieces: bytes) -> Any:
    def behave(peer: socket.socket) -> None:
        says(*pieces)(peer)
        peer.recv(1)  # until the client goes away

    return behave


def drips(peer: socket.socket) -> None:
    read_hello(peer)
    peer.settimeout(0.02)
    for byte in b"\x16\x03\x03\x40\x00" + bytes(10_000):
        peer.send(bytes([byte]))
        try:
            if not peer.recv(1):
                return
        except TimeoutError:
            continue


def floods(peer: socket.socket) -> None:
    read_hello(peer)
    while True:
        peer.sendall(b"\x14\x03\x03\x00\x01\x01" * 2000)


def closes_unread(peer: socket.socket) -> None:
    """Answer and close without reading the hello: our side sees a reset behind the bytes."""
    peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@pytest.mark.parametrize(
    ("behave", "outcome", "detail"),
    [
        (says(), Outcome.CLOSED, "before any byte"),
        (says(b"\x15\x03\x03\x00\x02\x02\x50"), Outcome.ALERT, ""),
        (says(b"\x16\x03\x03\x00\x30\x02"), Outcome.TRUNCATED, "after 6 bytes"),
        (says(b"\x16\x03\x03\x00\x04\x0e\x00\x00\x00"), Outcome.MALFORMED, "ServerHelloDone comes instead"),
        (says(b"SSH-2.0-OpenSSH_9.2p1\r\n"), Outcome.NOT_TLS, "no TLS record"),
        (holds(b"220 mail.example ESMTP\r\n"), Outcome.NOT_TLS, "no TLS record"),
        (closes_unread, Outcome.NOT_TLS, "no TLS record"),
        (resets, Outcome.RESET, "Connection reset by peer, before any byte"),
        (floods, Outcome.TOO_LARGE, "at most 262144 bytes are read"),
    ],
)
def test_how_a_hello_can_end(behave: Any, outcome: Outcome, detail: str, peers: SimpleNamespace) -> None:
    with peers.listen(behave) as endpoint:
        seen = look(endpoint)
    assert seen.outcome is outcome, seen.detail
    assert detail in seen.detail
    assert (outcome is Outcome.NOT_TLS) == bool(seen.first_bytes)
    assert len(seen.first_bytes) <= 64
    assert seen.bytes_received <= 256 * 1024 + 64 * 1024


@pytest.mark.parametrize(
    ("behave", "received", "detail"),
    [
        (holds(), range(1), "the server stopped before any byte; waited 0.2 s"),
        (holds(b"\x15\x03\x03\x00\x02\x01\x70"), range(7, 8), "after a warning alert"),
        (drips, range(2, 10_000), "in the middle of a record"),
    ],
)
def test_a_server_that_is_slow_costs_one_deadline(
    behave: Any, received: range, detail: str, peers: SimpleNamespace
) -> None:
    with peers.listen(behave) as endpoint:
        seen = look(endpoint, deadline=0.2)
    assert seen.outcome is Outcome.TIMEOUT
    assert seen.bytes_received in received
    assert detail in seen.detail


def test_what_was_read_before_the_deadline_is_kept(identities: Any, peers: SimpleNamespace) -> None:
    context = identities["ecdsa"].context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2

    def stops_before_the_end(peer: socket.socket) -> None:
        flight = peers.memory(context).answer(peer.recv(4096))
        peer.sendall(flight[:-9])  # all but ServerHelloDone
        peer.recv(1)

    with peers.listen(stops_before_the_end) as endpoint:
        seen = look(endpoint, deadline=0.3)
    assert (seen.outcome, seen.version) == (Outcome.TIMEOUT, TLS_1_2)
    assert seen.certificates == identities["ecdsa"].sent
    assert seen.detail == "the server stopped after ServerKeyExchange; waited 0.3 s"


@pytest.mark.parametrize("family", ["127.0.0.1", "::1"])
def test_no_connection_is_told_as_such(family: str) -> None:
    with socket.socket(socket.AF_INET6 if ":" in family else socket.AF_INET) as unused:
        try:
            unused.bind((family, 0))
        except OSError:
            pytest.skip("this machine has no IPv6 loopback")
        port = unused.getsockname()[1]
        seen = look(Endpoint(NAME, 443, family, family, port))
    assert (seen.outcome, seen.detail, seen.bytes_received) == (Outcome.NOT_CONNECTED, "Connection refused", 0)


def test_no_connection_within_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:  # the accept queue is full: further SYNs are dropped
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        seen = look(Endpoint(NAME, full.getsockname()[1], "127.0.0.1"), deadline=0.2)
        for filler in fillers:
            filler.close()
    assert (seen.outcome, seen.connected_to) == (Outcome.NOT_CONNECTED, "")
    assert seen.detail == "no TCP connection came about; waited 0.2 s"


def test_a_connected_socket_is_used_and_closed(identities: Any, peers: SimpleNamespace) -> None:
    with peers.tls(identities["ecdsa"].context()) as endpoint:
        sock = socket.create_connection(endpoint.socket_address)
        elsewhere = Endpoint(NAME, 443, "127.0.0.1", "127.0.0.1", 1)
        seen = asyncio.run(tls.hello(elsewhere, sni=NAME, offer=offer("TLSv1.2"), deadline=10, sock=sock))
        assert seen.outcome is Outcome.HELLO
        assert sock.fileno() == -1


def test_cancelling_closes_the_socket(peers: SimpleNamespace) -> None:
    async def cancel(endpoint: Endpoint, sock: socket.socket) -> None:
        task = asyncio.create_task(tls.hello(endpoint, sni=NAME, offer=offer("TLSv1.2"), deadline=60, sock=sock))
        while sock.fileno() != -1 and not task.done():
            await asyncio.sleep(0)
            if arrived.is_set():
                task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    arrived = threading.Event()

    def behave(peer: socket.socket) -> None:
        read_hello(peer)
        arrived.set()
        peer.recv(1)

    with peers.listen(behave) as endpoint:
        sock = socket.create_connection(endpoint.socket_address)
        asyncio.run(cancel(endpoint, sock))
        assert sock.fileno() == -1


def test_many_at_once(identities: Any, peers: SimpleNamespace) -> None:
    async def all_at_once(endpoint: Endpoint) -> list[Handshake]:
        one = [tls.hello(endpoint, sni=NAME, offer=offer("TLSv1.2"), deadline=10) for _ in range(20)]
        return await asyncio.gather(*one)

    with peers.tls(identities["ecdsa"].context()) as endpoint:
        seen = asyncio.run(all_at_once(endpoint))
    assert {(s.outcome, s.certificates) for s in seen} == {(Outcome.HELLO, identities["ecdsa"].sent)}
