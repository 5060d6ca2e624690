"""Blocks of many lines on their way into a tally: with numpy where it is installed; what is odd, line by line."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cfrunbook.logs.batch import Batch
from cfrunbook.logs.delimited import Block
from cfrunbook.logs.tally import SUSPECT, Tally

if TYPE_CHECKING:
    from cfrunbook.logs.vectors import BlockCounter, Found

_LEAST = 64 * 1024
"""Bytes of a block that are worth its many small steps; fewer are counted line by line."""
_THREADS = "OPENBLAS_NUM_THREADS"
"""Keeps the library below numpy from starting threads when it is loaded: they turn in circles until there is work."""


class Blocks:
    """Counts what a `DelimitedReader` gives."""

    def __init__(self, tally: Tally, *, are_wanted: bool) -> None:
        """Count into `tally`; where blocks `are_wanted`, numpy is imported once the first one comes."""
        self._tally, self.are_wanted = tally, are_wanted
        self._counter: BlockCounter | None = None
        self._is_new = True

    def add(self, given: Batch | Block, file: str) -> None:
        """Count the lines of a batch or a block."""
        if isinstance(given, Batch):
            self._tally.add(given, file)
            return
        is_worth = given.size >= _LEAST
        if is_worth and self._is_new:
            self._is_new, self._counter = False, self._made()
        found = self._counter.add(given) if is_worth and self._counter else None
        if found is None:
            for batch in given.batches():
                self._tally.add(batch, file)
        else:
            self._add(found, given, file)
            self._drain(everything=False)

    def finish(self) -> None:
        """Give all that was counted to the tally."""
        self._drain(everything=True)

    def _drain(self, *, everything: bool) -> None:
        if self._counter and (everything or self._counter.is_full):
            self._tally.add_totals(*self._counter.drain(self._tally.focus, self._tally.step, everything=everything))

    def _made(self) -> BlockCounter | None:
        is_told = _THREADS in os.environ
        os.environ.setdefault(_THREADS, "1")
        try:
            from cfrunbook.logs.vectors import BlockCounter
        except ImportError:
            return None
        finally:
            if not is_told:
                del os.environ[_THREADS]
        return BlockCounter(self._tally.meaning_of_minute, self._tally.meaning_of_status, SUSPECT)

    def _add(self, found: Found, block: Block, file: str) -> None:
        tally, block.lines = self._tally, found.lines
        tally.add_counted(block.layout.columns, found.parsed, found.outside)
        if found.chosen:
            tally.look(block.batch(found.texts(found.chosen), found.chosen))
        if found.odd:
            tally.add(block.batch(found.texts(found.odd), found.odd), file)
