"""TCP connection attempts against real sockets, and against a real kernel's firewall in a network of our own."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.evidence import Connection, ConnectOutcome, Icmp
from cfrunbook.probes import icmp
from cfrunbook.probes.endpoint import Endpoint
from cfrunbook.probes.tcp import connect

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: error queue and accept queue")


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


LOOPBACK = [
    "127.0.0.1",
    pytest.param("::1", marks=pytest.mark.skipif(not has_ipv6(), reason="needs IPv6 on loopback")),
]


@contextmanager
def bound(address: str, *, backlog: int | None = None) -> Iterator[int]:
    """A port of our own; it listens only with a `backlog`, so without one it is closed for sure."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as sock:
        sock.bind((address, 0))
        if backlog is not None:
            sock.listen(backlog)
        yield sock.getsockname()[1]


def attempt(address: str, port: int, *, deadline: float = 5) -> Connection:
    async def run() -> Connection:
        connection, sock = await connect(
            Endpoint(host="shop.example.com", port=443, address=address, connect_port=port), deadline=deadline
        )
        assert (sock is not None) == (connection.outcome is ConnectOutcome.CONNECTED)
        if sock is not None:
            sock.close()
        return connection

    return asyncio.run(run())


@pytest.mark.parametrize("address", LOOPBACK)
def test_a_listening_port_connects(address: str) -> None:
    with bound(address, backlog=5) as port:
        seen = attempt(address, port)
    assert seen.outcome is ConnectOutcome.CONNECTED
    assert (seen.id, seen.host, seen.port, seen.address) == ("", "shop.example.com", 443, address)
    assert seen.connected_to == (f"[::1]:{port}" if address == "::1" else f"127.0.0.1:{port}")


@pytest.mark.parametrize("address", LOOPBACK)
def test_a_closed_port_refuses(address: str) -> None:
    with bound(address) as port:
        seen = attempt(address, port)
    assert seen.outcome is ConnectOutcome.REFUSED
    assert seen.icmp is None


@LINUX
@pytest.mark.parametrize("address", LOOPBACK)
def test_a_full_accept_queue_looks_like_a_dropped_packet(address: str) -> None:
    with bound(address, backlog=0) as port:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        waiting = [socket.socket(family) for _ in range(4)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex((address, port))
        try:
            seen = attempt(address, port, deadline=0.2)
        finally:
            for sock in waiting:
                sock.close()
    assert seen.outcome is ConnectOutcome.TIMEOUT
    assert seen.detail == "no answer within 0.2 s"


def test_the_socket_is_handed_on_ready_to_use() -> None:
    async def run() -> bytes:
        async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"hello")
            writer.close()

        async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            _, sock = await connect(Endpoint(host="a", port=port, address="127.0.0.1"), deadline=5)
            assert sock is not None
            with closing(sock):
                assert sock.getblocking() is False
                return await asyncio.get_running_loop().sock_recv(sock, 10)

    assert asyncio.run(run()) == b"hello"


@pytest.mark.parametrize(
    ("address", "port", "deadline"),
    [("shop.example.com", 443, 5), ("", 443, 5), ("127.0.0.1", 70000, 5), ("127.0.0.1", 443, 0), ("127.0.0.1", 9, -1)],
)
def test_what_cannot_be_tried_is_an_error_of_ours_and_never_the_origins(
    address: str, port: int, deadline: float
) -> None:
    seen = attempt(address, port, deadline=deadline)
    assert seen.outcome is ConnectOutcome.ERROR
    assert seen.detail


@LINUX
def test_cancelling_closes_the_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[socket.socket] = []

    class Remembered(socket.socket):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            made.append(self)

    async def run(port: int) -> None:
        monkeypatch.setattr(socket, "socket", Remembered)
        task = asyncio.create_task(connect(Endpoint(host="a", port=port, address="127.0.0.1"), deadline=60))
        while not made:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        monkeypatch.undo()
        assert [sock.fileno() for sock in made] == [-1]

    with bound("127.0.0.1", backlog=0) as port, socket.socket() as first, socket.socket() as second:
        for sock in (first, second):
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", port))
        asyncio.run(run(port))


# --- in a network of our own, with the kernel's own firewall --------------------------------------------------------


@pytest.fixture(scope="module")
def network() -> dict[str, Connection]:
    """What `firewalled_network.py` saw, by case."""
    if subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs permission to make a network namespace (unshare -rn)")
    program = Path(__file__).with_name("firewalled_network.py")
    run = subprocess.run(
        ["unshare", "-rn", sys.executable, str(program)], capture_output=True, text=True, check=False, timeout=60
    )
    assert run.returncode == 0, run.stderr
    seen = json.loads(run.stdout)
    return {case: msgspec.convert(connection, Connection) for case, connection in seen.items()}


ORIGIN, HERE = ("192.0.2.2", "2001:db8::2"), ("192.0.2.1", "2001:db8::1")

# what really happens -> outcome, ICMP over IPv4, ICMP over IPv6 (type, code), who says so
REALITY = [
    ("open", ConnectOutcome.CONNECTED, None, None, None),
    ("closed", ConnectOutcome.REFUSED, None, None, None),
    ("tcp reset", ConnectOutcome.REFUSED, None, None, None),
    ("icmpx port-unreachable", ConnectOutcome.REFUSED, (3, 3), (1, 4), ORIGIN),
    ("icmpx admin-prohibited", ConnectOutcome.PROHIBITED, (3, 13), (1, 1), ORIGIN),
    ("icmpx host-unreachable", ConnectOutcome.UNREACHABLE, (3, 1), (1, 3), ORIGIN),
    ("icmpx no-route", ConnectOutcome.UNREACHABLE, (3, 0), (1, 0), ORIGIN),
    ("drop", ConnectOutcome.TIMEOUT, None, None, None),
    ("router icmpx host-unreachable", ConnectOutcome.UNREACHABLE, (3, 1), (1, 3), ORIGIN),
    ("router icmpx admin-prohibited", ConnectOutcome.PROHIBITED, (3, 13), (1, 1), ORIGIN),
    ("absent", ConnectOutcome.UNREACHABLE, (3, 1), (1, 3), HERE),
    ("own firewall", ConnectOutcome.ERROR, (3, 13), (1, 1), HERE),
    ("elsewhere", ConnectOutcome.NO_LOCAL_ROUTE, None, None, None),
]


@pytest.mark.netns
@pytest.mark.needs("unshare", "nsenter", "ip", "nft")
@pytest.mark.parametrize("family", [4, 6])
@pytest.mark.parametrize(("case", "outcome", "v4", "v6", "reporter"), REALITY, ids=[row[0] for row in REALITY])
def test_every_reality_is_told_apart(
    network: dict[str, Connection],
    family: int,
    case: str,
    outcome: ConnectOutcome,
    v4: tuple[int, int] | None,
    v6: tuple[int, int] | None,
    reporter: tuple[str, str] | None,
) -> None:
    seen = network[f"{case} {family}"]
    assert seen.outcome is outcome, seen.detail
    code = v4 if family == 4 else v6
    expected = Icmp(type=code[0], code=code[1], reporter=reporter[family == 6]) if code and reporter else None
    assert seen.icmp == expected


# --- ICMP in words ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seen", "ipv6", "words"),
    [
        (
            Icmp(type=3, code=13, reporter="192.0.2.1"),
            False,
            "ICMP 3/13 (communication administratively prohibited) from 192.0.2.1",
        ),
        (Icmp(type=1, code=4, reporter=""), True, "ICMPv6 1/4 (port unreachable)"),
        (Icmp(type=200, code=7, reporter=""), False, "ICMP 200/7 (type 200 code 7)"),
    ],
)
def test_icmp_is_described(seen: Icmp, ipv6: bool, words: str) -> None:
    assert icmp.describe(seen, ipv6=ipv6) == words


def test_an_error_of_this_machine_has_no_icmp() -> None:
    local = (101).to_bytes(4, sys.byteorder) + bytes([1, 0, 0, 0]) + bytes(24)
    assert icmp.read_ancillary([(0, 11, local)]) == icmp.QueuedError(errno=101, icmp=None)


@given(st.lists(st.tuples(st.sampled_from([0, 41, 1]), st.sampled_from([11, 25, 2]), st.binary(max_size=60))))
def test_any_ancillary_data_is_read(ancillary: list[tuple[int, int, bytes]]) -> None:
    icmp.read_ancillary(ancillary)
