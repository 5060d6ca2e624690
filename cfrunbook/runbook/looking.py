"""Looking, so that nothing seen is lost: where a look is stopped or interrupted, what there is is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from cfrunbook.observation import Progress, observe

if TYPE_CHECKING:
    from cfrunbook.evidence import Observations
    from cfrunbook.incident import Incident


async def observed(
    incident: Incident,
    keep: Callable[[Observations], None],
    *,
    progress: Progress | None,
    stop: asyncio.Event | None,
    so_far: Callable[[Observations], None] | None = None,
) -> Observations:
    """Observe, and have `keep` keep what was seen: also where this is cancelled, as an interrupted cell is.

    `so_far` is that of `observe`.
    """
    stop = stop or asyncio.Event()
    looking = asyncio.create_task(observe(incident, progress=progress, stop=stop, so_far=so_far))
    try:
        seen = await asyncio.shield(looking)
    except asyncio.CancelledError:
        stop.set()
        keep(await looking)
        raise
    keep(seen)
    return seen
