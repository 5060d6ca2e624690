"""A middlebox does what its quirk says, and nothing else: OpenSSL shakes hands through it."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from cfrunbook.lab import middlebox
from cfrunbook.lab.authority import Authority
from cfrunbook.lab.middlebox import Quirk
from cfrunbook.lab.servers import Address, Chain, Closed, Servers, Tls

NAME = "origin.shop.example"
PATIENCE = 10.0
AUTHORITY = Authority()
CHAIN = Chain((AUTHORITY.leaf(NAME), AUTHORITY.intermediate))
OLD = Tls(CHAIN, maximum=ssl.TLSVersion.TLSv1_2)

Front = Callable[[Quirk], Address]


@pytest.fixture
def front(servers: Servers) -> Front:
    return lambda quirk: middlebox.listen(servers, servers.listen(Tls(CHAIN)), quirk)


@contextmanager
def shaken(address: Address, highest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> Iterator[ssl.SSLSocket]:
    context = ssl.create_default_context(cadata=AUTHORITY.root.pem.decode())
    context.maximum_version = highest
    plain = socket.create_connection(address, PATIENCE)
    with plain, context.wrap_socket(plain, server_hostname=NAME) as secured:
        yield secured


def get(secured: ssl.SSLSocket) -> int:
    secured.sendall(f"GET / HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
    response = http.client.HTTPResponse(secured)
    response.begin()
    assert response.read()
    return response.status


def answer(address: Address) -> bytes:
    """Everything that comes back on a ClientHello, however it ends."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname=NAME)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    received = b""
    with socket.create_connection(address, PATIENCE) as sock:
        sock.sendall(outgoing.read())
        while chunk := sock.recv(65536):
            received += chunk
    return received


HARMLESS = [
    middlebox.Splits(1),
    middlebox.Splits(300),
    middlebox.Dribbles(7),
    middlebox.Delays(0.05),
    middlebox.AtMost(1),
    middlebox.RateLimit(1),
    middlebox.Rations(1, 1),
    middlebox.Cuts(100_000),
    middlebox.Overwrites(0, b""),
    middlebox.Warns(),
    middlebox.Balances(()),
]


@pytest.mark.parametrize("highest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("quirk", HARMLESS, ids=str)
def test_openssl_gets_its_page_through_it(front: Front, quirk: Quirk, highest: ssl.TLSVersion) -> None:
    with shaken(front(quirk), highest) as secured:
        assert get(secured) == 200


@pytest.mark.parametrize("intolerant_of", [middlebox.TLS_1_2, middlebox.TLS_1_3])
def test_an_intolerant_one_closes_on_higher_hellos_only(front: Front, intolerant_of: int) -> None:
    address = front(middlebox.Intolerant(intolerant_of))
    with pytest.raises(OSError), shaken(address):
        pass
    if intolerant_of == middlebox.TLS_1_3:
        with shaken(address, ssl.TLSVersion.TLSv1_2) as secured:
            assert get(secured) == 200


@pytest.mark.parametrize("nonsense", [b"GET / HTTP/1.1\r\n\r\n" + bytes(20_000), b"\x16\x03\x01\x00\x04junk", b"\x16"])
@pytest.mark.parametrize("quirk", [middlebox.Intolerant(middlebox.TLS_1_3), middlebox.Balances(())], ids=str)
def test_nonsense_ends_a_connection_or_waits_for_more(front: Front, nonsense: bytes, quirk: Quirk) -> None:
    with socket.create_connection(front(quirk), PATIENCE) as sock:
        sock.sendall(nonsense)
        sock.shutdown(socket.SHUT_WR)
        with suppress(ConnectionResetError):
            assert sock.recv(1) in (b"", b"\x15", b"H")  # an alert of the server behind


@pytest.mark.parametrize("size", [0, 1, 5, 700])
def test_a_cutting_one_lets_exactly_so_much_through(front: Front, size: int) -> None:
    received = answer(front(middlebox.Cuts(size)))
    assert len(received) == size
    assert received[:1] in (b"", b"\x16")


def test_it_resets(front: Front) -> None:
    with pytest.raises(ConnectionResetError):
        answer(front(middlebox.Cuts(0, reset=True)))
    address = front(middlebox.RateLimit(1))
    with shaken(address) as secured:
        assert get(secured) == 200
    with pytest.raises(OSError), shaken(address):
        pass


def test_it_serves_some_and_refuses_some_in_turn(front: Front) -> None:
    address = front(middlebox.Rations(2, 1))
    served = []
    for _ in range(6):
        try:
            with shaken(address) as secured:
                served.append(get(secured))
        except OSError:
            served.append(0)
    assert served == [200, 200, 0] * 2


def test_it_warns_first(front: Front) -> None:
    address = front(middlebox.Warns(112))
    with socket.create_connection(address, PATIENCE) as sock:
        sock.sendall(b"\x16\x03\x01\x00\x05hello")
        assert sock.recv(7) == bytes((21, 3, 3, 0, 2, 1, 112))


def test_it_overwrites(servers: Servers) -> None:
    address = middlebox.listen(servers, servers.listen(OLD), middlebox.Overwrites(1, b"\xaa\xbb"))
    with pytest.raises(ssl.SSLError, match=r"(?i)version"), shaken(address):
        pass


def test_it_serves_so_many_at_a_time(front: Front) -> None:
    address = front(middlebox.AtMost(2))
    with shaken(address) as first, shaken(address) as second:
        with pytest.raises(OSError), shaken(address):
            pass
        assert (get(first), get(second)) == (200, 200)


def test_each_kind_of_hello_meets_the_servers_in_turns(servers: Servers) -> None:
    old, new = servers.listen(OLD), servers.listen(Tls(CHAIN))
    address = middlebox.listen(servers, old, middlebox.Balances((new,)))

    def version(highest: ssl.TLSVersion) -> str | None:
        with shaken(address, highest) as secured:
            assert get(secured) == 200
            return secured.version()

    newest = ssl.TLSVersion.TLSv1_3
    assert [version(newest) for _ in range(3)] == ["TLSv1.2", "TLSv1.3", "TLSv1.2"]
    assert version(ssl.TLSVersion.TLSv1_2) == "TLSv1.2"  # another kind: its own turns
    assert version(newest) == "TLSv1.3"


def test_nobody_behind(servers: Servers) -> None:
    address = middlebox.listen(servers, servers.listen(Closed()), middlebox.Warns())
    with pytest.raises(OSError), shaken(address):
        pass


@pytest.mark.parametrize("quirk", [*HARMLESS, middlebox.Intolerant(middlebox.TLS_1_3)], ids=str)
def test_it_stops_with_connections_open(quirk: Quirk) -> None:
    with Servers() as servers:
        address = middlebox.listen(servers, servers.listen(Tls(CHAIN)), quirk)
        sock = socket.create_connection(address, PATIENCE)
        sock.sendall(b"\x16\x03")
    with sock, suppress(ConnectionResetError):
        while sock.recv(1):  # a warning may still have come
            pass
