"""`--pace polite` promises at most sixteen connections to an address at a time: counted where they arrive."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator

import pytest

from cfrunbook.incident import Incident
from cfrunbook.lab.authority import Authority
from cfrunbook.lab.servers import Chain, Http, Servers, Tls
from cfrunbook.observation import observe_sync
from cfrunbook.probes.endpoint import POLITE_CONNECTIONS

HOST = "origin.shop.example"
HELD = 0.03
"""Seconds for which a new connection is held before anything passes, so that those that come at once are seen at once."""
ESTABLISHED = 1


class Counter:
    """Relays on loopback, and the most connections that were open on all of them at a time.

    A connection counts while the kernel calls it established: one that the client has closed is no more, whenever the
    relay comes to notice.
    """

    def __init__(self) -> None:
        self.peak = self.total = 0
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listening: list[socket.socket] = []

    def before(self, server: tuple[str, int]) -> int:
        """Listen before `server` and return the port."""
        listening = socket.create_server(("127.0.0.1", 0), backlog=200)
        self._listening.append(listening)
        threading.Thread(target=self._accept, args=(listening, server), daemon=True).start()
        return int(listening.getsockname()[1])

    def stop(self) -> None:
        for listening in self._listening:
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            listening.close()

    def _accept(self, listening: socket.socket, server: tuple[str, int]) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listening.accept()
                with self._lock:
                    self._open.add(client)
                    self.total += 1
                    self.peak = max(self.peak, sum(map(_is_established, self._open)))
                threading.Thread(target=self._relay, args=(client, server), daemon=True).start()

    def _relay(self, client: socket.socket, server: tuple[str, int]) -> None:
        threading.Event().wait(HELD)
        with contextlib.suppress(OSError), socket.create_connection(server) as there:
            back = threading.Thread(target=_pump, args=(there, client), daemon=True)
            back.start()
            _pump(client, there)
            back.join()
        with self._lock:
            self._open.discard(client)
            client.close()


def _is_established(sock: socket.socket) -> bool:
    state: int = struct.unpack("B", sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1))[0]
    return state == ESTABLISHED


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@pytest.fixture
def counter() -> Iterator[Counter]:
    made = Counter()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def distribution(policy: str) -> dict:
    origin = {
        "Id": "shop",
        "DomainName": HOST,
        "CustomOriginConfig": {
            "HTTPPort": 80,
            "HTTPSPort": 443,
            "OriginProtocolPolicy": policy,
            "OriginSslProtocols": {"Quantity": 1, "Items": ["TLSv1.2"]},
        },
    }
    return {
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": {"TargetOriginId": "shop", "ViewerProtocolPolicy": "allow-all"},
        "Enabled": True,
    }


@pytest.mark.parametrize(
    ("policy", "keep_alive", "targets"),
    [("https-only", False, 1), ("https-only", True, 1), ("match-viewer", False, 2)],
)
def test_no_more_than_sixteen_connections_at_a_time(counter, authority, policy, keep_alive, targets):
    with Servers() as servers:
        chain = Chain((authority.leaf(HOST), authority.intermediate))
        secure = counter.before(
            servers.listen(Tls(chain, beside=Chain((authority.leaf(HOST, key="RSA 2048"), authority.intermediate))))
        )
        plain = counter.before(servers.listen(Http()))
        incident = Incident.load(
            distribution=distribution(policy),
            connect_to=[f"{HOST}:443:127.0.0.1:{secure}", f"{HOST}:80:127.0.0.1:{plain}"],
            keep_alive=keep_alive,
        )
        assert len(incident.targets) == targets
        seen = observe_sync(incident)
    assert len(seen.handshakes) > 30, "everything was asked"
    assert counter.total >= len(seen.handshakes)
    assert POLITE_CONNECTIONS / 2 < counter.peak <= POLITE_CONNECTIONS == 16
