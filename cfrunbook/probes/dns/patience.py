"""How often a question to a name server is sent, and how long its answer is waited for.

A server is called dead after three sends over at least two seconds at the earliest, and a try over TCP meanwhile. What
is waited for after the last send goes by what the other servers of the zone took: one that is much slower than they are
has long been passed over by resolvers, which wait 0.4 to 1 s and go on to the next. Time that this machine itself was
late does not count: an answer may have been there, or never have been asked for.
https://www.rfc-editor.org/rfc/rfc1035#section-4.2.1 (retransmission), https://www.rfc-editor.org/rfc/rfc1536#section-1
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from cfrunbook.probes.deadline import USUAL

DEADLINE = 3.0
"""Seconds after which a name server that said nothing will say nothing."""
SENDS = (0.0, 0.4, 1.2, 2.0)
"""Seconds at which a question is sent: a lost datagram is no dead server."""
LAST_WAIT = 0.5
"""Seconds at least from the last sending on."""
TIMES_SLOWER = 3
"""How many times as long as the slowest answer of the zone the last sending is waited for, up to the deadline."""

LOOK_EVERY = 0.05
"""Seconds between two looks at how late this machine is."""


def send_times(deadline: float) -> tuple[float, ...]:
    """Return when a question is sent, in seconds: `SENDS`, closer together where there is less time than usual."""
    return tuple(at * min(1.0, deadline / DEADLINE) for at in SENDS)


def enough(deadline: float, *, asked_at: float = 0.0, slowest: float | None = None) -> float:
    """Return the seconds that a question is waited for: `deadline`, or what is enough of it.

    `slowest`: the seconds of the slowest answer of the zone's other servers so far, from the first sending on, so with
    what was lost. Where none of them has answered there is nothing to go by but the deadline, which is the walk's:
    `asked_at` (in seconds after its beginning) it has been used so far by servers above. Who gives more time than
    `DEADLINE` wants more patience in the same measure.
    """
    measure = max(1.0, deadline / DEADLINE)
    if slowest is None:
        return max(min(deadline, measure * (SENDS[-1] + LAST_WAIT)), deadline - asked_at)
    return min(deadline, measure * (SENDS[-1] + max(LAST_WAIT, TIMES_SLOWER * slowest)))


class Patience:
    """How long one question is waited for, which may change while it is under way."""

    def __init__(self, deadline: float) -> None:
        """Wait `deadline` seconds from when the waiting begins, unless that is changed."""
        self.seconds = deadline
        self.sends = send_times(deadline)
        """When it is sent, in seconds from then on."""
        self._begin = 0.0
        self._late = 0.0
        self._timeout: asyncio.Timeout | None = None

    @asynccontextmanager
    async def limit(self) -> AsyncIterator[None]:
        """Begin to wait. Raises TimeoutError out of the block when it has been long enough."""
        self._begin = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(self._end) as self._timeout:
                yield
        finally:
            self._timeout = None

    def change(self, seconds: float) -> None:
        """Wait `seconds` from the beginning on instead: no longer at all where they have passed."""
        self.seconds = seconds
        self._reschedule()

    def postpone(self, late: float) -> None:
        """Wait `late` seconds more, in which this machine did not listen."""
        self._late += late
        self._reschedule()

    @property
    def _end(self) -> float:
        return self._begin + self.seconds + self._late

    def _reschedule(self) -> None:
        if self._timeout and not self._timeout.expired():
            self._timeout.reschedule(self._end)


class Lateness:
    """How late the event loop's own timers are: what a busy machine does to everything that waits in it."""

    def __init__(self, tell: Callable[[float], None]) -> None:
        """Prepare to call `tell` with the seconds of each delay, before timers that fell due in it are called."""
        self._tell = tell
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Begin to look."""
        loop = asyncio.get_running_loop()
        self._due = loop.time() + LOOK_EVERY
        self._timer = loop.call_at(self._due, self._look)

    def end(self) -> None:
        """Look no more."""
        if self._timer:
            self._timer.cancel()

    def _look(self) -> None:
        late = asyncio.get_running_loop().time() - self._due
        if late > USUAL:
            self._tell(late)
        self.begin()
