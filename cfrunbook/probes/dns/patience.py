"""How often a question to a name server is sent, and how long its answer is waited for.

A server is called dead after three sends over at least two seconds at the earliest, and a try over TCP meanwhile. What
is waited for after the last send goes by what the other servers of the zone took: one that is much slower than they are
has long been passed over by resolvers, which wait 0.4 to 1 s and go on to the next.
https://www.rfc-editor.org/rfc/rfc1035#section-4.2.1 (retransmission), https://www.rfc-editor.org/rfc/rfc1536#section-1
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

DEADLINE = 3.0
"""Seconds after which a name server that said nothing will say nothing."""
SENDS = (0.0, 0.4, 1.2, 2.0)
"""Seconds at which a question is sent: a lost datagram is no dead server."""
LAST_WAIT = 0.5
"""Seconds at least from the last sending on."""
TIMES_SLOWER = 3
"""How many times as long as the slowest answer of the zone the last sending is waited for, up to the deadline."""


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
        self._timeout: asyncio.Timeout | None = None

    @asynccontextmanager
    async def limit(self) -> AsyncIterator[None]:
        """Begin to wait. Raises TimeoutError out of the block when it has been long enough."""
        self._begin = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(self._begin + self.seconds) as self._timeout:
                yield
        finally:
            self._timeout = None

    def change(self, seconds: float) -> None:
        """Wait `seconds` from the beginning on instead: no longer at all where they have passed."""
        self.seconds = seconds
        if self._timeout and not self._timeout.expired():
            self._timeout.reschedule(self._begin + seconds)
