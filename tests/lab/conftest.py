"""What the lab's tests share."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from cfrunbook.lab.servers import Address, Servers


@pytest.fixture
def servers() -> Iterator[Servers]:
    with Servers() as started:
        yield started


@pytest.fixture(autouse=True)
def no_threads_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


@pytest.fixture
def is_listening() -> Callable[[Address], bool]:
    """Whether somebody accepts connections there."""

    def ask(address: Address) -> bool:
        with socket.socket() as sock:
            sock.settimeout(5)
            return sock.connect_ex(address) == 0

    return ask
