"""Many lines counted at once, column by column, with numpy: several times as fast as line by line. Pure.

Values of a column become numbers, so that counting is counting numbers. A value only has the number of one that is the
same byte for byte: a table found by a hash tells which one may be meant, and all their bytes are compared.
Whatever is not plain is left to `delimited` and `tally`, which look at every line; the counts are the same.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cfrunbook.logs import moments
from cfrunbook.logs.batch import Meaning, Times
from cfrunbook.logs.delimited import Block

_TAB, _LINE_END = b"\t\n"
_MINUTE = 16
"""Bytes at the beginning of a line that say its minute."""
_PADDING = bytes(64)
"""Follows the lines: every value is read with as many bytes as the widest column has."""

_WIDTHS = {"pop": 16, "method": 8, "host": 32, "path": 64, "origin": 64}
"""Bytes of a value that are compared at once; longer ones are looked up one by one."""
_MAX_LINES = 1 << 16
"""Lines before they are added up."""
_MAX_VALUES = 1 << 12
"""Values of a column that have a number, before they are added up."""
_MAX_VALUE = 512
"""Bytes of a value that are kept, as `keys` does."""
_SHORT = 20
"""Bytes of a line: on average, no log has shorter ones."""
_KEPT = 8 << 20
"""Bytes that glibc keeps for us once so many were freed in one piece, see M_MMAP_THRESHOLD in mallopt(3): it takes a
tenth less time where the arrays of a block get the memory of those before."""
_SLOTS = 14
"""Bits of a hash; there are four times as many for wide columns, whose values are many."""
_SHIFT, _LOW = 20, (1 << 20) - 1
"""Bits of a number, where several are put together."""

_Bytes = npt.NDArray[np.uint8]
_Ints = npt.NDArray[np.int64]
_Bools = npt.NDArray[np.bool_]


class Found(NamedTuple):
    """What became of the lines of a block."""

    lines: int
    parsed: int
    outside: int
    chosen: list[int]
    """Which of those that were counted may be of interest."""
    odd: list[int]
    """Which were not counted."""
    texts: Callable[[Sequence[int]], list[bytes]]
    """The lines of these numbers, without their ends."""


class BlockCounter:
    """Counts of the lines of many blocks."""

    def __init__(
        self, minute: Callable[[bytes], Meaning], status: Callable[[bytes], Meaning], suspects: Collection[bytes]
    ) -> None:
        """`minute` and `status` tell what a value means; `suspects` are results of interest with some statuses."""
        self._minutes, self._statuses = _Values(_MINUTE, minute), _Values(8, status)
        self._values = {name: _Values(width) for name, width in _WIDTHS.items()}
        self._of_times = (self._minutes, self._statuses, self._values["pop"])
        self._every = (self._minutes, self._statuses, *self._values.values())
        self._is_initial = np.zeros(256, np.bool_)
        self._is_initial[[value[0] for value in suspects]] = True
        self._hot: list[_Ints] = []
        self._lines = 0
        bytes(_KEPT)  # of zeros: no page of it is touched

    @property
    def is_full(self) -> bool:
        """Whether it is time for `drain`."""
        return self._lines > _MAX_LINES or any(values.is_full for values in self._every)

    def add(self, block: Block) -> Found | None:
        """Count the lines of a block; None where that cannot be done, and nothing was counted."""
        lines = _divided(block)
        if lines is None:
            return None
        columns = block.layout.columns
        of_minute = self._minutes.numbers(lines, lines.starts, lines.starts + _MINUTE)
        meaning = self._minutes.meanings[of_minute]
        outside = 0
        if meaning.min(initial=Meaning.PLAIN) < Meaning.PLAIN:
            outside = int(np.count_nonzero(meaning == Meaning.OUTSIDE))
            (of_minute,) = lines.keep(meaning >= Meaning.PLAIN, meaning == Meaning.ODD, of_minute)
        of_status = self._statuses.numbers(lines, *lines.column(columns.status))
        meaning = self._statuses.meanings[of_status]
        if meaning.min(initial=Meaning.PLAIN) < Meaning.PLAIN:
            is_plain = meaning >= Meaning.PLAIN
            of_minute, of_status, meaning = lines.keep(is_plain, ~is_plain, of_minute, of_status, meaning)
        is_chosen = meaning == Meaning.WANTED
        if columns.result is not None:
            is_chosen |= (meaning == Meaning.SUSPECT) & self._is_initial[lines.bytes[lines.column(columns.result)[0]]]
        hot = of_minute << 2 * _SHIFT | of_status
        for name, values in self._values.items():
            position: int | None = getattr(columns, name)
            if position is None:
                continue
            numbers = values.numbers(lines, *lines.column(position))
            if name == "pop":
                hot |= numbers << _SHIFT
            else:
                values.count(numbers)
        self._hot.append(hot)
        self._lines += len(hot)
        return Found(lines.count, len(hot), outside, lines.places[is_chosen].tolist(), lines.odd(), lines.texts)

    def drain(self, focus: bytes, step: int, *, everything: bool) -> tuple[Times, dict[str, Counter[bytes]]]:
        """Return what takes too much room, or all, over time and by column, and forget it.

        `focus` is the status asked for, and `step` how many seconds those of edge locations are to have.
        """
        times, totals = Times({}, {}, {}), {}
        if everything or self._lines > _MAX_LINES or any(values.is_full for values in self._of_times):
            times = self._times(focus, step)
        for name, values in self._values.items():
            if name != "pop" and (everything or values.is_full):
                totals[name] = values.total()
        for values in self._every:
            if values.is_full:
                values.clear()
        return times, totals

    def _times(self, focus: bytes, step: int) -> Times:
        found = Times({}, {}, {})
        if not self._lines:
            return found
        keys, counts = np.unique(np.concatenate(self._hot), return_counts=True)
        self._hot, self._lines = [], 0
        pops, statuses = keys >> _SHIFT & _LOW, keys & _LOW
        used, which = np.unique(keys >> 2 * _SHIFT, return_inverse=True)
        minutes = [self._minutes.known[number] for number in used.tolist()]
        begins = np.array([moments.minute(key) or 0 for key in minutes], np.int64)[which]
        errors = np.where(statuses == self._statuses.number(focus), counts, 0)
        for begin, count, error in zip(*_summed(begins, counts, errors), strict=True):
            found.total[begin] = [count, error]
        for key, count, _ in zip(*_summed(begins << _SHIFT | statuses, counts, errors), strict=True):
            found.statuses[key >> _SHIFT, self._statuses.known[key & _LOW]] = count
        for key, count, error in zip(*_summed((begins - begins % step) << _SHIFT | pops, counts, errors), strict=True):
            found.pops[key >> _SHIFT, self._values["pop"].known[key & _LOW]] = [count, error]
        return found


class _Lines:
    """The lines of a block that can be counted, and where their columns are."""

    def __init__(self, data: bytes, marks: _Ints, ends: _Ints, width: int) -> None:
        """Take lines, where their columns end, and which of these are the last of a line."""
        self._data, self._marks = data, marks
        self.bytes: _Bytes = np.frombuffer(data, np.uint8)
        self._first = np.concatenate(([0], ends[:-1] + 1))
        """Of each line, the end of its first column: which of the marks."""
        self._all_ends = marks[ends]
        self._all_starts = np.concatenate(([0], self._all_ends[:-1] + 1))
        self.count = len(ends)
        self.places: _Ints = np.arange(len(ends))
        """The numbers of the lines."""
        self.starts: _Ints = self._all_starts
        self._odd: list[_Ints] = []
        is_wide = ends - self._first >= width - 1
        if not is_wide.all():
            self.keep(is_wide, ~is_wide)

    def keep(self, kept: _Bools, odd: _Bools, *others: Any) -> Any:
        """Go on with those `kept`, of `others` too, and note those that are `odd`."""
        self._odd.append(self.places[odd])
        self.places, self.starts, self._first = self.places[kept], self.starts[kept], self._first[kept]
        return [other[kept] for other in others]

    def odd(self) -> list[int]:
        """Return the numbers of the odd ones, in order."""
        return np.sort(np.concatenate(self._odd)).tolist() if self._odd else []

    def column(self, position: int) -> tuple[_Ints, _Ints]:
        """Return where the values of a column start and end."""
        end = self._first + position
        return (self._marks[end - 1] + 1 if position else self.starts), self._marks[end]

    def words(self, width: int, starts: _Ints) -> npt.NDArray[np.uint64]:
        """Return `width` bytes from each start, eight in a number."""
        windows: Any = np.ndarray((len(self._data) - width + 1,), f"V{width}", self._data, strides=(1,))
        words: npt.NDArray[np.uint64] = windows[starts].view(np.uint64).reshape(-1, width // 8)
        return words

    def texts(self, places: Sequence[int]) -> list[bytes]:
        """Return lines by their numbers."""
        starts, ends = self._all_starts[places].tolist(), self._all_ends[places].tolist()
        return [self._data[start:end] for start, end in zip(starts, ends, strict=True)]

    def values(self, starts: _Ints, ends: _Ints) -> list[bytes]:
        """Return what stands there."""
        data = self._data
        return [data[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]


def _divided(block: Block) -> _Lines | None:
    """Return the lines of a block; None where that has other control characters than TAB, or many empty lines.

    A value with zeros at its end could not be told from one without, once all are filled up with zeros.
    """
    data = b"".join((*block.pieces, _PADDING))
    signs = np.frombuffer(data, np.uint8, len(data) - len(_PADDING))
    marks = np.flatnonzero(signs <= _LINE_END)
    found = signs[marks]
    is_end = found == _LINE_END
    ends = np.flatnonzero(is_end)
    if len(ends) * _SHORT > len(data) or not (is_end | (found == _TAB)).all():
        return None
    return _Lines(data, marks, ends, block.layout.width)


class _Values:
    """The values of a column, each with a number; 0 is the empty one."""

    def __init__(self, width: int, mean: Callable[[bytes], Meaning] | None = None) -> None:
        self._width, self._mean = width, mean
        self._masks = _masks(width)
        bits = _SLOTS if width <= 32 else _SLOTS + 2
        self._shift = np.uint64(64 - bits)
        self._factors = np.frombuffer(os.urandom(width), np.uint64) | np.uint64(1)
        self._slots = np.zeros(1 << bits, np.int32)
        self._words = np.zeros((_MAX_VALUES, width // 8), np.uint64)
        self.clear()

    def clear(self) -> None:
        """Forget them all."""
        self.known = [b""]
        """By number."""
        self._numbers = {b"": 0}
        self.meanings = np.array([self._mean(b"")] if self._mean else [], np.int8)
        """By number."""
        self._slots[:] = 0  # only of the empty value are all bytes as in the first row of `_words`
        self._counts = np.zeros(0, np.int64)

    @property
    def is_full(self) -> bool:
        """Whether it is time for `clear`."""
        return len(self.known) > _MAX_VALUES

    def numbers(self, lines: _Lines, starts: _Ints, ends: _Ints) -> _Ints:
        """Return the numbers of values; new ones get one."""
        lengths = ends - starts
        words = lines.words(self._width, starts)
        words &= self._masks.take(np.minimum(lengths, self._width), 0)
        slots = (words @ self._factors) >> self._shift
        numbers: _Ints = self._slots[slots].astype(np.int64)
        is_same = self._words.take(numbers, 0) == words
        is_short = lengths <= self._width
        if not (is_same.all() and is_short.all()):
            missed = np.flatnonzero(~(is_same.all(1) & is_short))
            numbers[missed] = self._look_up(lines.values(starts[missed], ends[missed]), slots[missed], words[missed])
        return numbers

    def _look_up(self, values: list[bytes], slots: Any, words: Any) -> list[int]:
        found = []
        before = len(self.known)
        for i, (value, slot) in enumerate(zip(values, slots.tolist(), strict=True)):
            number = self._numbers.get(value[:_MAX_VALUE])
            if number is None:
                number = self._numbers[value[:_MAX_VALUE]] = len(self.known)
                self.known.append(value[:_MAX_VALUE])
                if number < _MAX_VALUES and len(value) <= self._width and not self._slots[slot]:
                    self._slots[slot], self._words[number] = number, words[i]
            found.append(number)
        if self._mean and len(self.known) > before:
            more = np.array([self._mean(value) for value in self.known[before:]], np.int8)
            self.meanings = np.concatenate((self.meanings, more))
        return found

    def number(self, value: bytes) -> int:
        """Return the number of a value, 0 where it has none."""
        return self._numbers.get(value, 0)

    def count(self, numbers: _Ints) -> None:
        """Count each of `numbers`."""
        counts = np.bincount(numbers, minlength=len(self.known))
        counts[: len(self._counts)] += self._counts
        self._counts = counts

    def total(self) -> Counter[bytes]:
        """Return how often each value was counted, and begin anew."""
        which = np.flatnonzero(self._counts)
        times = self._counts[which].tolist()
        self._counts = np.zeros(0, np.int64)
        return Counter({self.known[number]: count for number, count in zip(which.tolist(), times, strict=True)})


@cache
def _masks(width: int) -> npt.NDArray[np.uint64]:
    """Return the bits that count of a value, by its length."""
    counts = np.arange(width) < np.arange(width + 1)[:, None]
    return np.where(counts, np.uint8(255), np.uint8(0)).view(np.uint64)


def _summed(keys: _Ints, counts: _Ints, errors: _Ints) -> tuple[list[int], list[int], list[int]]:
    """Return each key once, with the sums of its counts and errors."""
    found, which = np.unique(keys, return_inverse=True)
    sums = [np.bincount(which, weights=of).astype(np.int64).tolist() for of in (counts, errors)]
    return found.tolist(), sums[0], sums[1]
