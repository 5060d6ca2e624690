"""What the lab's tests share."""

from __future__ import annotations

import gc
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cfrunbook.lab.servers import Address, Servers

ENDING_SECONDS = 5.0


@pytest.fixture
def servers() -> Iterator[Servers]:
    with Servers() as started:
        yield started


def open_sockets() -> int:
    """Return how many sockets this process has; 0 where the system does not tell."""
    folder = Path("/proc/self/fd")
    names = list(folder.iterdir()) if folder.is_dir() else []
    return sum(str(name.readlink()).startswith("socket:") for name in names if name.is_symlink())


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Hold that a scenario that was taken down leaves neither thread nor socket; an event loop has sockets, too."""
    threads, sockets = set(threading.enumerate()), open_sockets()
    yield
    for thread in set(threading.enumerate()) - threads:
        thread.join(ENDING_SECONDS)  # asyncio's, that waited for a process, may be about to end
    assert set(threading.enumerate()) <= threads
    if open_sockets() > sockets:
        gc.collect()  # what a failed test still holds in its traceback, or a reference cycle
        assert open_sockets() <= sockets


@pytest.fixture
def is_listening() -> Callable[[Address], bool]:
    """Whether somebody accepts connections there."""

    def ask(address: Address) -> bool:
        with socket.socket() as sock:
            sock.settimeout(5)
            return sock.connect_ex(address) == 0

    return ask
