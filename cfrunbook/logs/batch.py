"""Some lines of one file, divided into columns: what every format is turned into before it is counted. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any, NamedTuple

import msgspec

Cells = Sequence[bytes]
"""The columns of one line, as many as are counted by."""


class Columns(msgspec.Struct, frozen=True):
    """Where the columns stand that every line is counted by; None where the log does not have one."""

    status: int
    pop: int | None
    method: int | None
    host: int | None
    path: int | None
    result: int | None
    origin: int | None


class Meaning(IntEnum):
    """What a minute or a status means for its lines, in blocks that are counted at once."""

    OUTSIDE = 0
    """They are not asked for."""
    ODD = 1
    """They may not count, and are to be looked at one by one."""
    PLAIN = 2
    """They are counted."""
    SUSPECT = 3
    """They are counted, and of interest with some results."""
    WANTED = 4
    """They are counted, and of interest."""


class Row(NamedTuple):
    """One line of interest, whole. `-` and what the line lacks are empty."""

    second: int | None
    pop: bytes
    method: bytes
    host: bytes
    path: bytes
    status: bytes
    result: bytes
    detailed: bytes
    origin: bytes
    request_id: bytes
    took: bytes
    is_cut: bool = False
    is_wide: bool = False


class Times(NamedTuple):
    """Lines counted over time: pairs of lines, and those with the status asked for; by the second a step begins at."""

    total: dict[int, list[int]]
    """By minute."""
    statuses: dict[tuple[int, bytes], int]
    """Lines by minute and status."""
    pops: dict[tuple[int, bytes], list[int]]
    """By a longer step and edge location."""


def add_pair(counts: dict[Any, list[int]], key: object, count: int, errors: int) -> None:
    """Add to the pair at `key`."""
    have = counts.get(key)
    if have is None:
        counts[key] = [count, errors]
    else:
        have[0] += count
        have[1] += errors


class Batch(msgspec.Struct, frozen=True):
    """Lines of one layout."""

    minutes: Sequence[bytes]
    """See `moments.minute`."""
    cells: Sequence[Cells]
    columns: Columns
    row: Callable[[int], Row]
    """The line at an index, whole."""
    place: Callable[[int], tuple[int, str]]
    """The number of the line at an index, and why it cannot be used, should that be so."""

    def select(self, kept: Sequence[int]) -> Batch:
        """Return only the lines at the indices `kept`."""
        row, place = self.row, self.place
        return Batch(
            minutes=[self.minutes[i] for i in kept],
            cells=[self.cells[i] for i in kept],
            columns=self.columns,
            row=lambda i: row(kept[i]),
            place=lambda i: place(kept[i]),
        )
