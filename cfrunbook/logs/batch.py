"""Some lines of one file, column by column: what every format is turned into before it is counted. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Column = Sequence[bytes] | None
"""The values of one column, a line each; None where the log does not have it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of interest. `-` and what the line lacks are empty."""

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
    has_detailed: bool
    """Whether the log has the column of the detailed type, and this line one so long."""
    is_cut: bool = False
    is_wide: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """Lines, column by column."""

    minutes: Sequence[bytes]
    """See `moments.minute`."""
    statuses: Sequence[bytes]
    pops: Column
    methods: Column
    hosts: Column
    paths: Column
    results: Column
    origins: Column
    row: Callable[[int], Row]
    """The line at an index, whole."""
    place: Callable[[int], tuple[int, str]]
    """The number of the line at an index, and why it cannot be used, should that be so."""

    def select(self, kept: Sequence[int]) -> Batch:
        """Return only the lines at the indices `kept`."""

        def pick(column: Column) -> Column:
            return None if column is None else [column[i] for i in kept]

        row, place = self.row, self.place
        return Batch(
            minutes=[self.minutes[i] for i in kept],
            statuses=[self.statuses[i] for i in kept],
            pops=pick(self.pops),
            methods=pick(self.methods),
            hosts=pick(self.hosts),
            paths=pick(self.paths),
            results=pick(self.results),
            origins=pick(self.origins),
            row=lambda i: row(kept[i]),
            place=lambda i: place(kept[i]),
        )
