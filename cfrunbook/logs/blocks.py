"""Blocks of many lines on their way into a tally: with numpy where it is installed, else, and what is odd, line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfrunbook.logs.batch import Batch
from cfrunbook.logs.delimited import Block
from cfrunbook.logs.tally import SUSPECT, Tally

if TYPE_CHECKING:
    from cfrunbook.logs.vectors import BlockCounter, Found

_MAX_ODD = 4
"""Where every so manieth line is odd, a block is counted line by line from the beginning."""


class Blocks:
    """Counts what a `DelimitedReader` gives."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._counter: BlockCounter | None = None
        self._is_new = True

    def add(self, given: Batch | Block, file: str) -> None:
        """Count the lines of a batch or a block."""
        if isinstance(given, Batch):
            self._tally.add(given, file)
            return
        if self._is_new:  # numpy takes longer to import than a small file to be counted
            self._is_new, self._counter = False, self._made()
        found = self._counter.add(given) if self._counter else None
        if found is None:
            for batch in given.batches():
                self._tally.add(batch, file)
        else:
            given.lines = found.lines
            self._add(found, given, file)
        if self._counter and self._counter.is_full:
            self.finish()

    def finish(self) -> None:
        """Give all that was counted to the tally."""
        if self._counter:
            self._tally.add_totals(*self._counter.drain(self._tally.focus, self._tally.step))

    def _made(self) -> BlockCounter | None:
        try:
            from cfrunbook.logs.vectors import BlockCounter
        except ImportError:
            return None
        return BlockCounter(self._tally.meaning_of_minute, self._tally.meaning_of_status, SUSPECT)

    def _add(self, found: Found, block: Block, file: str) -> None:
        tally = self._tally
        tally.add_counted(block.layout.columns, found.parsed, found.outside)
        if found.chosen:
            tally.look(block.batch(found.texts(found.chosen), found.chosen))
        if found.odd:
            tally.add(block.batch(found.texts(found.odd), found.odd), file)
