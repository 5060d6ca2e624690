"""What arrived while this machine did not listen still counts; what never comes is not waited for much longer."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from cfrunbook.cloudfront.origin_tls import offer
from cfrunbook.evidence import ConnectOutcome, ExchangeOutcome, HandshakeOutcome
from cfrunbook.probes import tcp, tls
from cfrunbook.probes.deadline import USUAL, within
from cfrunbook.probes.endpoint import Endpoint
from cfrunbook.probes.exchange import Asked, http_get

T = TypeVar("T")
HOST = "shop.example.com"
DEADLINE = 5.0
PAUSE = 60.0
ALERT = bytes.fromhex("15030300020246")  # fatal, protocol_version
PAGE = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Paused(asyncio.SelectorEventLoop):
    """An event loop whose clock can be set forward, as it is after a pause."""

    late = 0.0

    def time(self) -> float:
        return super().time() + self.late


def timed(running: Callable[[Paused], Awaitable[T]]) -> T:
    loop = Paused()

    async def run() -> T:
        return await running(loop)

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(run())


def answered_in_a_pause(answer: bytes, ask: Callable[[Endpoint], Awaitable[T]]) -> T:
    """Ask a server on loopback; while its answer arrives, the asking process stands still."""
    begun, sent = threading.Event(), threading.Event()

    def serve(listener: socket.socket, loop: Paused) -> None:
        def pause() -> None:
            begun.set()
            sent.wait(DEADLINE)
            loop.late += PAUSE

        with contextlib.suppress(OSError):
            peer, _ = listener.accept()
            with peer:
                peer.recv(4096)
                loop.call_soon_threadsafe(pause)
                begun.wait(DEADLINE)
                peer.sendall(answer)
                sent.set()
                peer.recv(1)

    async def running(loop: Paused) -> T:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(DEADLINE)  # where nobody comes, the test fails and does not hang
            server = threading.Thread(target=serve, args=(listener, loop))
            server.start()
            try:
                return await ask(Endpoint(HOST, 443, "192.0.2.1", "127.0.0.1", listener.getsockname()[1]))
            finally:
                server.join()

    return timed(running)


def test_a_connection_that_came_about_in_a_pause_came_about() -> None:
    async def running(loop: Paused) -> ConnectOutcome:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            endpoint = Endpoint(HOST, 443, "192.0.2.1", "127.0.0.1", listener.getsockname()[1])
            task = asyncio.create_task(tcp.connect(endpoint, deadline=DEADLINE))
            await asyncio.sleep(0)  # now it waits
            loop.late += PAUSE
            connection, sock = await task
            if sock is not None:
                sock.close()
            return connection.outcome

    assert timed(running) is ConnectOutcome.CONNECTED


def test_a_hello_that_was_answered_in_a_pause_was_answered() -> None:
    async def ask(endpoint: Endpoint) -> tuple[HandshakeOutcome, int | None]:
        seen = await tls.hello(endpoint, sni=HOST, offer=offer("TLSv1.2"), deadline=DEADLINE)
        return seen.outcome, seen.alert

    assert answered_in_a_pause(ALERT, ask) == (HandshakeOutcome.ALERT, 70)


def test_a_page_that_came_in_a_pause_came() -> None:
    async def ask(endpoint: Endpoint) -> tuple[ExchangeOutcome, str]:
        seen = await http_get(endpoint, Asked(host=HOST), deadline=DEADLINE)
        return seen.outcome, seen.status_line

    assert answered_in_a_pause(PAGE, ask) == (ExchangeOutcome.HTTP, "HTTP/1.1 200 OK")


def test_a_page_is_waited_for_where_the_pause_was_before_it_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = time.perf_counter

    def serve(listener: socket.socket) -> None:
        with contextlib.suppress(OSError), listener.accept()[0] as peer:
            peer.recv(4096)
            peer.sendall(PAGE)
            peer.recv(1)

    async def running(loop: Paused) -> tuple[ExchangeOutcome, str]:
        monkeypatch.setattr(time, "perf_counter", lambda: seconds() + loop.late)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            threading.Thread(target=serve, args=(listener,), daemon=True).start()
            endpoint = Endpoint(HOST, 80, "192.0.2.1", "127.0.0.1", listener.getsockname()[1])
            task = asyncio.create_task(http_get(endpoint, Asked(host=HOST), deadline=DEADLINE))
            await asyncio.sleep(0)  # now it connects
            loop.late += PAUSE
            seen = await task
            return seen.outcome, seen.status_line

    assert timed(running) == (ExchangeOutcome.HTTP, "HTTP/1.1 200 OK")


@pytest.mark.parametrize(
    ("late", "longer"),
    [(0.0, 0.0), (USUAL / 2, 0.0), (1.0, 1.0), (PAUSE, DEADLINE)],
    ids=["in time", "as usual", "late", "long paused"],
)
def test_what_never_comes_is_waited_for_so_much_longer(late: float, longer: float) -> None:
    """By a clock that stands still but for being set forward to when the next timer is due, and further."""

    class Clock(asyncio.SelectorEventLoop):
        now, late_by = 0.0, late
        _scheduled: list[asyncio.TimerHandle]

        def time(self) -> float:
            return self.now

        def _run_once(self) -> None:
            if self._scheduled and not self._ready:  # type: ignore[attr-defined]
                self.now = self._scheduled[0].when() + self.late_by
                self.late_by = 0.0
            super()._run_once()  # type: ignore[misc]

    async def silence() -> None:
        with pytest.raises(TimeoutError):
            async with within(DEADLINE):
                await asyncio.Event().wait()

    clock = Clock()
    with asyncio.Runner(loop_factory=lambda: clock) as runner:
        runner.run(silence())
    assert clock.now == pytest.approx(DEADLINE + late + longer)


def test_what_is_done_in_time_leaves_no_timer() -> None:
    async def done(loop: Paused) -> int:
        async with within(DEADLINE):
            await asyncio.sleep(0)
        return sum(not timer.cancelled() for timer in loop._scheduled)  # type: ignore[attr-defined]

    assert timed(done) == 0
