"""What comes back to one question over real sockets: the lab's name servers, and ones made of two lines."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from cfrunbook.evidence import DnsOutcome
from cfrunbook.lab.dns.internet import SHOP, SHOP_SERVERS, zone
from cfrunbook.lab.dns.server import listen
from cfrunbook.lab.dns.setup import Fault, NameServer
from cfrunbook.lab.servers import Servers
from cfrunbook.probes.dns import Patience, Sockets, message
from cfrunbook.probes.dns.patience import send_times
from cfrunbook.probes.dns.transport import Received
from cfrunbook.probes.endpoint import Endpoint

NAME = "origin.shop.lab"
QUESTION = message.wire(4711, NAME, "A", edns=True, dnssec_ok=True)
HELD = zone(SHOP, SHOP_SERVERS, "origin A 203.0.113.10")


@pytest.fixture
def servers() -> Iterator[Servers]:
    made = Servers()
    yield made
    made.stop()


def exchange(address: str, port: int, *, over_tcp: bool = False, deadline: float) -> Received:
    endpoint = Endpoint("ns1.shop.lab", 53, "198.51.100.1", connect_address=address, connect_port=port)
    return asyncio.run(Sockets().exchange(endpoint, QUESTION, over_tcp=over_tcp, patience=Patience(deadline)))


# fault -> what comes over UDP, over TCP; answer: a message that can be read
FAULTS = [
    ((), "answer", "answer"),
    ((Fault.DROP,), "timeout", "timeout"),
    ((Fault.NO_UDP,), "timeout", "answer"),
    ((Fault.NO_TCP,), "answer", "timeout"),
    ((Fault.TCP_REFUSED,), "answer", "refused_port"),
    ((Fault.CLOSED,), "refused_port", "refused_port"),
    ((Fault.SILENT,), "timeout", "timeout"),
    ((Fault.WRONG_ID,), "stray", "stray"),
]


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
@pytest.mark.parametrize(("faults", "udp", "tcp"), FAULTS, ids=lambda v: "-".join(v) if isinstance(v, tuple) else v)
def test_what_comes_back(servers: Servers, address: str, faults: tuple[Fault, ...], udp: str, tcp: str) -> None:
    at, port = listen(servers, NameServer("198.51.100.1", (HELD,), faults), address)
    for over_tcp, expected in ((False, udp), (True, tcp)):
        received = exchange(at, port, over_tcp=over_tcp, deadline=10.0 if expected == "answer" else 0.3)
        if expected == "stray":
            assert (received.data, received.outcome) == (b"", DnsOutcome.TIMEOUT)
            assert 0 < len(received.stray) <= message.FIRST_BYTES
            assert received.stray[:2] != QUESTION[:2]
        elif expected == "answer":
            assert message.read(NAME, "A", received.data).answer[0].data == "203.0.113.10"
        else:
            assert (received.outcome, received.data) == (DnsOutcome(expected), b"")
            assert received.detail


@contextmanager
def serving(kind: int, serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """Serve one conversation in a thread on a socket of our own; yield its port."""
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            sock.listen()
        thread = threading.Thread(target=serve, args=(sock,))
        thread.start()
        try:
            yield sock.getsockname()[1]
        finally:
            thread.join()


def test_a_question_is_sent_four_times_and_the_last_may_be_answered() -> None:
    seen = []

    def last_time(sock: socket.socket) -> None:
        for _ in range(4):
            data, sender = sock.recvfrom(512)
            seen.append(data)
        sock.sendto(_answer(QUESTION), sender)

    with serving(socket.SOCK_DGRAM, last_time) as port:
        received = exchange("127.0.0.1", port, deadline=10.0)
    assert seen == [QUESTION] * 4
    assert (received.sends, received.data) == (4, _answer(QUESTION))


def test_strangers_and_noise_before_the_answer_change_nothing() -> None:
    def noise_first(sock: socket.socket) -> None:
        _, sender = sock.recvfrom(512)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.sendto(_answer(QUESTION) + b"stranger", sender)
        for noise in (b"", b"x", b"\0\0" + _answer(QUESTION)[2:], QUESTION):
            sock.sendto(noise, sender)
        sock.sendto(_answer(QUESTION), sender)

    with serving(socket.SOCK_DGRAM, noise_first) as port:
        assert exchange("127.0.0.1", port, deadline=10.0).data == _answer(QUESTION)


def _closes(connection: socket.socket) -> None:
    connection.close()


def _resets(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _half(connection: socket.socket) -> None:
    connection.recv(512)
    connection.sendall(b"\xff\xff" + bytes(100))
    connection.close()


def _slowly(connection: socket.socket) -> None:
    connection.recv(512)
    for byte in len(_answer(QUESTION)).to_bytes(2) + _answer(QUESTION):
        connection.sendall(bytes([byte]))
    connection.recv(512)
    connection.close()


@pytest.mark.parametrize(
    ("serve", "outcome", "data"),
    [
        (_closes, "closed", False),
        (_resets, "closed", False),
        (_half, "closed", False),
        (_slowly, "timeout", True),
    ],
)
def test_tcp_conversations_that_end_early(serve: Callable[[socket.socket], None], outcome: str, data: bool) -> None:
    def accept(sock: socket.socket) -> None:
        connection, _ = sock.accept()
        with connection:
            serve(connection)

    with serving(socket.SOCK_STREAM, accept) as port:
        received = exchange("127.0.0.1", port, over_tcp=True, deadline=10.0)
    assert bool(received.data) is data
    assert data or received.outcome is DnsOutcome(outcome)


@pytest.mark.parametrize("over_tcp", [False, True])
@pytest.mark.parametrize("address", ["nonsense", ""])
def test_what_is_no_address(address: str, over_tcp: bool) -> None:
    endpoint = Endpoint("ns", 53, address)
    received = asyncio.run(Sockets().exchange(endpoint, QUESTION, over_tcp=over_tcp, patience=Patience(1)))
    assert received.outcome is DnsOutcome.ERROR


def test_with_less_time_the_questions_come_closer_together() -> None:
    assert send_times(3.0) == send_times(30.0) == (0.0, 0.4, 1.2, 2.0)
    assert send_times(1.5) == pytest.approx((0.0, 0.2, 0.6, 1.0))


def test_a_cancelled_question_leaves_no_socket_behind() -> None:
    async def cancelled() -> int:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
            silent.bind(("127.0.0.1", 0))
            endpoint = Endpoint("ns", 53, "127.0.0.1", connect_port=silent.getsockname()[1])
            task = asyncio.create_task(Sockets().exchange(endpoint, QUESTION, over_tcp=False, patience=Patience(60)))
            await asyncio.get_running_loop().sock_recv(_nonblocking(silent), 512)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return len(asyncio.all_tasks())

    assert asyncio.run(cancelled()) == 1  # an unclosed socket is a ResourceWarning, which fails the test


def _nonblocking(sock: socket.socket) -> socket.socket:
    sock.setblocking(False)
    return sock


def _answer(question: bytes) -> bytes:
    return question[:2] + b"\x84" + question[3:]
