"""Where the log lines of edge functions are, and the commands that find them: for the terminal and for a notebook."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from cfrunbook.cloudfront.distribution import FunctionAssociation
from cfrunbook.cloudfront.edge_locations import locate
from cfrunbook.errors import BadInput
from cfrunbook.findings import Step
from cfrunbook.functions.log_places import LogPlace, Window, log_places, search
from cfrunbook.text import visible

MAX_REGIONS = 6
"""Regions named in a sentence; the command looks into all."""


def steps(
    functions: Sequence[FunctionAssociation],
    *,
    distribution_id: str = "",
    pop: str = "",
    request_id: str = "",
    window: Window,
) -> tuple[Step, ...]:
    """Return for each function the log groups in which to look, and the commands, the most telling first.

    `pop` is X-Amz-Cf-Pop, which orders the regions; `request_id` is X-Amz-Cf-Id. Raises BadInput for one that has not
    its form.
    """
    return tuple(step for f in functions for step in _of(f, distribution_id, pop, request_id, window))


def window_of(moment: dt.datetime | None, now: dt.datetime) -> Window:
    """Return a quarter of an hour around a moment; without one, the last hour."""
    from cfrunbook.functions.log_places import around

    return around(moment) if moment else Window(now - dt.timedelta(hours=1), now)


def place_sentence(pop: str) -> str:
    """Return what X-Amz-Cf-Pop says of where to look; empty without one."""
    return locate(pop).sentence if pop else ""


def _of(
    function: FunctionAssociation, distribution_id: str, pop: str, request_id: str, window: Window
) -> Iterator[Step]:
    try:
        places = log_places(function, distribution_id=distribution_id, pop=pop)
    except BadInput:
        if distribution_id and function.arn:
            places = log_places(function, pop=pop)  # an id in a document that has not its form is left out
        else:
            raise
    for place in places:
        yield _step(function, place, request_id, window)


def _step(function: FunctionAssociation, place: LogPlace, request_id: str, window: Window) -> Step:
    found = search(place, window, request_id=request_id)
    shown = ", ".join(place.regions[:MAX_REGIONS]) + (" …" if len(place.regions) > MAX_REGIONS else "")
    several = f" Look into these regions in this order: {shown}." if len(place.regions) > 1 else f" In {shown}."
    commands = (
        f"# which regions have it\n{place.find}" if len(place.regions) > 1 else "",
        f"# in {found.region}, with CloudWatch Logs Insights\n{found.start_query}\n{found.get_results}",
        f"# or without\n{found.filter}",
    )
    text = f"{visible(function.title, 160)} at {function.event}, log group {place.group}: {place.holds}{several}"
    return Step(text=f"{text} {place.needs}", command="\n".join(c for c in commands if c))
