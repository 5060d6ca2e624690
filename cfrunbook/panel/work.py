"""Where panels work: a thread of its own with an event loop, so that a busy or interrupted kernel stops no button.

A button's message may arrive in any thread of the kernel, and while a cell runs; only one thing at a time is done for
a panel, and it can be stopped.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from functools import lru_cache
from typing import Any

Doing = Callable[[asyncio.Event], Coroutine[Any, Any, None]]
"""Something to do; the event is set when it shall end."""


@lru_cache(maxsize=1)
def _loop() -> asyncio.AbstractEventLoop:
    """Return the event loop of all panels of this process."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="cfrunbook-panel", daemon=True).start()
    return loop


def _import() -> None:
    """Import what takes long. What is missing here is said by the step that needs it."""
    for name in ("cryptography.x509", "cfrunbook.probes.tls", "cfrunbook.diagnosis", "cfrunbook.views.lettering"):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


class Work:
    """What one panel is doing: nothing, or one thing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._future: Future[None] | None = None
        self._stop: asyncio.Event | None = None

    @property
    def busy(self) -> bool:
        """Whether something is being done."""
        with self._lock:  # what is being done may ask before `start`, in another thread, has noted it down
            return self._is_busy

    @property
    def _is_busy(self) -> bool:
        return self._future is not None and not self._future.done()

    def start(self, doing: Doing) -> bool:
        """Begin `doing` and return True; False where something is being done already."""
        with self._lock:
            if self._is_busy:
                return False
            stop = self._stop = asyncio.Event()
            self._future = asyncio.run_coroutine_threadsafe(doing(stop), _loop())
            return True

    def warm_up(self) -> None:
        """Import what the first click needs, while a person still reads."""
        _loop().call_soon_threadsafe(_import)

    def stop(self) -> None:
        """Ask what is being done to end; what it has gathered is kept."""
        if self._stop is not None:
            _loop().call_soon_threadsafe(self._stop.set)

    def wait(self, seconds: float = 60.0) -> None:
        """Wait until what is being done has ended. Raises what it raised, or TimeoutError."""
        if self._future is not None:
            try:
                self._future.result(seconds)
            except CancelledError:
                return
