"""Deadlines that do not count time in which this machine did not listen.

A machine that was paused, or had too much else to do, finds a deadline over before it has read what arrived long ago.
What answered in time would be called silent, which is a fault where there is none.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

USUAL = 0.1
"""Seconds that a timer may be late where nothing is wrong: something is imported, a large answer is read."""


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """End the block after `seconds`, later by as much as this machine is late then: once, at most as long again.

    Raises TimeoutError out of the block, as `asyncio.timeout` does.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    timer: asyncio.TimerHandle

    def look() -> None:
        nonlocal timer
        late = loop.time() - end
        if late > USUAL:
            timer = loop.call_later(min(late, seconds), expire)
        else:
            expire()

    def expire() -> None:
        limit.reschedule(loop.time())  # in the next turn: what has just been read still counts

    timer = loop.call_at(end, look)
    try:
        async with asyncio.timeout(None) as limit:
            yield
    finally:
        timer.cancel()
