"""Ports do what they are said to do, whatever clients do to them, and are gone after `stop`."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import struct
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.lab.authority import CLIENT_AUTH, Authority
from cfrunbook.lab.connections import Connection, Request
from cfrunbook.lab.servers import (
    Address,
    Banner,
    Chain,
    Closed,
    Closes,
    Dropped,
    Http,
    Reply,
    Servers,
    Service,
    Silent,
    Tls,
)

NAME = "origin.shop.example"
OTHER = "www.shop.example"
PATIENCE = 10.0
"""Seconds; only a broken test waits that long."""
SILENCE = 0.2


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def chain(authority: Authority) -> Chain:
    return Chain((authority.leaf(NAME), authority.intermediate))


def connect(address: Address, patience: float = PATIENCE) -> socket.socket:
    return socket.create_connection(address, timeout=patience)


def get(sock: socket.socket, method: str = "GET") -> http.client.HTTPResponse:
    sock.sendall(f"{method} /cart HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
    response = http.client.HTTPResponse(sock, method=method)
    response.begin()
    return response


def client(authority: Authority) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=authority.root.pem.decode())
    return context


def test_http_answers_200(servers: Servers) -> None:
    with connect(servers.listen(Http())) as sock, get(sock) as response:
        assert (response.status, b"Shop" in response.read()) == (200, True)


def test_head_has_no_body(servers: Servers) -> None:
    with connect(servers.listen(Http())) as sock, get(sock, "HEAD") as response:
        assert (response.status, response.read()) == (200, b"")
        assert sock.recv(100) == b""


def test_http_can_redirect_to_https(servers: Servers) -> None:
    with connect(servers.listen(Http(redirect=True))) as sock, get(sock) as response:
        assert (response.status, response.headers["Location"]) == (301, f"https://{NAME}/cart")


def test_http_answers_a_client_hello_with_400(servers: Servers, authority: Authority) -> None:
    address = servers.listen(Http())
    with connect(address) as sock:
        sock.sendall(b"\x16\x03\x01\x00\x05hello")
        assert sock.recv(100).startswith(b"HTTP/1.1 400 ")
    with connect(address) as sock, pytest.raises(ssl.SSLError, match="WRONG_VERSION_NUMBER"):
        client(authority).wrap_socket(sock, server_hostname=NAME)


def test_closed_refuses(servers: Servers) -> None:
    with pytest.raises(ConnectionRefusedError):
        connect(servers.listen(Closed()))


def test_dropped_never_answers(servers: Servers) -> None:
    address = servers.listen(Dropped())
    for _ in range(2):
        with pytest.raises(TimeoutError):
            connect(address, SILENCE)


def test_silent_accepts_and_says_nothing(servers: Servers) -> None:
    with connect(servers.listen(Silent()), SILENCE) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with pytest.raises(TimeoutError):
            sock.recv(1)


def test_closes_accepts_and_closes(servers: Servers) -> None:
    with connect(servers.listen(Closes())) as sock:
        assert sock.recv(1) == b""


def test_banner_speaks_first(servers: Servers) -> None:
    with connect(servers.listen(Banner(b"SSH-2.0-lab\r\n"))) as sock:
        assert sock.recv(100) == b"SSH-2.0-lab\r\n"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_serves_http(servers: Servers, authority: Authority, chain: Chain, version: ssl.TLSVersion) -> None:
    address = servers.listen(Tls(chain))
    context = client(authority)
    context.maximum_version = context.minimum_version = version
    with connect(address) as plain, context.wrap_socket(plain, server_hostname=NAME) as sock, get(sock) as response:
        assert (response.status, sock.version()) == (200, version.name.replace("_", "."))


def test_tls_handshake_byte_by_byte(servers: Servers, authority: Authority, chain: Chain) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = client(authority).wrap_bio(incoming, outgoing, server_hostname=NAME)
    with connect(servers.listen(Tls(chain))) as sock:
        done = False
        while not done:
            try:
                tls.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                for byte in outgoing.read():
                    sock.sendall(bytes([byte]))
                incoming.write(sock.recv(1))
    assert tls.getpeercert()


def test_the_server_name_selects_the_certificate(servers: Servers, authority: Authority, chain: Chain) -> None:
    other = Chain((authority.leaf(OTHER), authority.intermediate))
    address = servers.listen(Tls(chain, by_name={OTHER: other}))
    for asked in (NAME, OTHER, OTHER.upper()):
        with connect(address) as plain, client(authority).wrap_socket(plain, server_hostname=asked) as sock:
            assert sock.getpeercert()["subjectAltName"] == (("DNS", asked.lower()),)  # type: ignore[index]


@pytest.mark.parametrize("asked", [OTHER, None])
def test_an_unknown_server_name_is_refused(
    servers: Servers, authority: Authority, chain: Chain, asked: str | None
) -> None:
    context = client(authority)
    context.check_hostname = False
    with (
        connect(servers.listen(Tls(by_name={NAME: chain}))) as sock,
        pytest.raises(ssl.SSLError, match=r"(?i)unrecognized[_ ]name"),
    ):
        context.wrap_socket(sock, server_hostname=asked)


def test_a_version_below_the_minimum_is_refused(servers: Servers, authority: Authority, chain: Chain) -> None:
    context = client(authority)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    address = servers.listen(Tls(chain, minimum=ssl.TLSVersion.TLSv1_3))
    with connect(address) as sock, pytest.raises(ssl.SSLError, match="PROTOCOL_VERSION"):
        context.wrap_socket(sock, server_hostname=NAME)


RUDE = {
    "says nothing": b"",
    "half a hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "no hello": b"\x00" * 500,
    "an alert": b"\x15\x03\x03\x00\x02\x02\x28",
    "half a request": b"GET / HTTP/1.1\r\nHost:",
    "no request": b"\xff\xfe\r\n\r\n",
    "an endless line": b"A" * 200_000,
}


@pytest.mark.parametrize("service", ["tls", "http", "silent", "banner", "closes"])
def test_rude_clients_change_nothing_for_others(
    servers: Servers, chain: Chain, service: str, is_listening: Callable[[Address], bool]
) -> None:
    services: dict[str, Service] = {
        "tls": Tls(chain),
        "http": Http(),
        "silent": Silent(),
        "banner": Banner(b"220 hello\r\n"),
        "closes": Closes(),
    }
    address = servers.listen(services[service])
    for words in RUDE.values():
        for reset in (False, True):
            sock = connect(address)
            try:
                sock.sendall(words)
            except (BrokenPipeError, ConnectionResetError):
                assert service != "silent"
            if reset:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
    assert is_listening(address)


def test_an_exception_in_one_connection_stays_there(servers: Servers) -> None:
    class Broken(Connection):
        def data_received(self, data: bytes) -> None:
            raise RuntimeError("as wanted")

    address = servers.serve(lambda: Broken(servers.connections))
    for _ in range(2):
        with connect(address) as sock:
            sock.sendall(b"x")
            assert sock.recv(1) == b""


def test_stop_ends_ports_connections_and_the_thread(chain: Chain, is_listening: Callable[[Address], bool]) -> None:
    before = set(threading.enumerate())
    servers = Servers()
    services = (Tls(chain), Http(), Silent(), Closes(), Banner(b"x"), Dropped(), Closed())
    addresses = [servers.listen(service) for service in services]
    clients = [connect(address) for address in addresses[:3]]  # also one in the middle of its handshake
    clients[0].sendall(b"\x16\x03\x01\x02\x00")
    servers.stop()
    servers.stop()
    assert not any(map(is_listening, addresses))
    for sock in clients:
        with sock, contextlib.suppress(ConnectionResetError):
            assert sock.recv(1) == b""
    assert set(threading.enumerate()) <= before


def test_stop_at_the_moment_of_connecting_leaves_nothing(chain: Chain) -> None:
    for _ in range(5):
        servers = Servers()
        address = servers.listen(Tls(chain))
        clients = [socket.socket() for _ in range(10)]
        for sock in clients:
            sock.setblocking(False)
            sock.connect_ex(address)
        servers.stop()
        for sock in clients:
            sock.close()


def test_no_key_stays_on_disk(servers: Servers, chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    servers.listen(Tls(chain))
    assert not list(tmp_path.iterdir())


@given(st.binary(max_size=300))
def test_any_bytes_are_a_request_or_none(head: bytes) -> None:
    request = Request.read(head)
    assert request.method == "" or head.startswith(request.method.encode("latin-1"))


@pytest.mark.parametrize("service", [Http(), Silent(), Closes(), Banner(b"x"), Dropped(), Closed()], ids=repr)
def test_a_service_can_have_another_loopback_address(servers: Servers, service: Service) -> None:
    assert servers.listen(service, "127.0.0.2")[0] == ("127.0.0.2" if sys.platform == "linux" else "127.0.0.1")


def test_an_address_that_the_system_does_not_have_is_127_0_0_1(servers: Servers) -> None:
    assert servers.listen(Closed(), "192.0.2.1")[0] == "127.0.0.1"


def test_a_status_can_be_asked_for(servers: Servers) -> None:
    with connect(servers.listen(Http(status=502))) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert sock.recv(1000).startswith(b"HTTP/1.1 502 Bad Gateway\r\n")


@pytest.mark.parametrize("shown", [True, False])
def test_a_client_certificate_can_be_demanded(
    servers: Servers, authority: Authority, chain: Chain, tmp_path: Path, shown: bool
) -> None:
    clients = authority.root_ca("Clients")
    address = servers.listen(Tls(chain, maximum=ssl.TLSVersion.TLSv1_2, clients=clients))
    context = client(authority)
    if shown:
        own = authority.mint("partner", issuer=clients, usages=(CLIENT_AUTH,))
        (tmp_path / "partner.pem").write_bytes(own.key_pem + own.pem)
        context.load_cert_chain(tmp_path / "partner.pem")
    expectation = contextlib.nullcontext() if shown else pytest.raises(ssl.SSLError, match="HANDSHAKE_FAILURE")
    with connect(address) as sock, expectation, context.wrap_socket(sock, server_hostname=NAME) as secured:
        assert secured.version() == "TLSv1.2"


@pytest.mark.parametrize("then", ["closes", "keeps"])
def test_a_reply_is_sent_byte_for_byte(servers: Servers, authority: Authority, chain: Chain, then: str) -> None:
    sent = b"anything\0at all"
    address = servers.listen(Tls(chain, reply=Reply(sent, then)))  # type: ignore[arg-type]
    patience = PATIENCE if then == "closes" else SILENCE
    with client(authority).wrap_socket(connect(address), server_hostname=NAME) as secured:
        secured.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert secured.recv(100) == sent
        secured.settimeout(patience)
        if then == "closes":
            assert secured.recv(100) == b""
        else:
            with pytest.raises(TimeoutError):
                secured.recv(100)


def test_an_idle_connection_is_kept_for_a_while(servers: Servers, authority: Authority, chain: Chain) -> None:
    address = servers.listen(Tls(chain, keep_alive=0.05))
    with client(authority).wrap_socket(connect(address), server_hostname=NAME) as secured:
        response = get(secured)  # type: ignore[arg-type]
        assert (response.status, response.getheader("Connection")) == (200, None)
        response.read()
        assert secured.recv(100) == b""
