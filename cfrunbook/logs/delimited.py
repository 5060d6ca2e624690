"""Lines of columns with something between them, as batches. Pure, and the part that has to be fast."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

from cfrunbook.cloudfront.log_fields import Field
from cfrunbook.logs import foreign, layout, moments
from cfrunbook.logs.batch import Batch, Row
from cfrunbook.logs.layout import Layout
from cfrunbook.logs.refusal import Refused

_MARK = codecs.BOM_UTF8
BLOCK = 512 * 1024
"""Bytes of a `Block`, about: fewer are not worth its many small steps, more leave the processor's cache."""
SHORT_LOOK = 3
"""Lines by which a time stamp's form is told."""


class DelimitedReader:
    """Takes whole lines of one file, in order, and gives batches."""

    def __init__(
        self,
        *,
        names: Sequence[str] = (),
        header: bytes = b"",
        fallback: int | None = None,
        before: Callable[[], int] = lambda: 0,
        in_blocks: bool = False,
    ) -> None:
        """Take what the file itself may not tell.

        `names` are the columns where it has no header, `header` is one that came before, `fallback` the second that
        stands for lines without a time, and `before` tells how many lines came before. With `in_blocks`, lines that
        can be counted many at once are given so.
        """
        self._given = tuple(names)
        self._names = layout.names_of_header(header) if header else ()
        self._layout: Layout | None = None
        self.layout: Layout | None = None
        """The columns of the lines that came last."""
        self._fallback = fallback
        self._before = before
        self._held = b""
        self._in_blocks = in_blocks
        self._block: Block | None = None
        self.number = 0
        """Lines so far, headers included."""

    def batches(self, data: bytes) -> Iterator[Batch | Block]:
        """Yield the lines in `data`, or those before whose layout they complete. Raises Refused for another log."""
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").removesuffix(b"\r")
        if b"\xef" in data:
            data = data.replace(_MARK + b"#", b"#")  # of files that were put together
        if b"#" in data and (data.startswith(b"#") or b"\n#" in data):
            yield from self._between_comments(data)
        elif data:
            yield from self._batch(data)

    def finish(self) -> Iterator[Batch | Block]:
        """Yield the lines that are still held. Raises Refused."""
        held, self._held = self._held, b""
        if held:
            yield from self._told(held)
        yield from self._whole()

    def _between_comments(self, data: bytes) -> Iterator[Batch | Block]:
        start = 0
        while start < len(data):
            at = start if data.startswith(b"#", start) else data.find(b"\n#", start) + 1 or len(data)
            if at > start:
                yield from self._batch(data[start:at])
            start = data.find(b"\n", at) + 1 or len(data)
            if at < len(data):
                yield from self.finish()
                self._comment(data[at:start])

    def _comment(self, line: bytes) -> None:
        self.number += 1
        what = foreign.recognize(line) if line.startswith(b"#Software") else ""
        if what:
            raise Refused(f"{what}.")
        names = layout.names_of_header(line)
        if names:
            layout.check(names)
            if names != self._names or (self._layout and self._layout.guessed):
                self._names, self._layout = names, None

    def _batch(self, data: bytes) -> Iterator[Batch | Block]:
        if self._layout is None:  # hold lines until there are enough: what is told must not depend on the blocks
            data, self._held = self._held + data, b""
            if data.count(b"\n") < layout.SAMPLE:
                self._held = data
                return
        yield from self._told(data)

    def _told(self, data: bytes) -> Iterator[Batch | Block]:
        if self._layout is None:
            lines = data.split(b"\n")
            told = list(islice(filter(None, lines), layout.SAMPLE))
            if not told:
                self.number += len(lines) - 1
                return
            self._layout = self.layout = self._find(told)
        if self._in_blocks and self._layout.is_usual and data.endswith(b"\n"):
            yield from self._gathered(data, self._layout)
        else:
            yield from self._whole()
            lines = _divided(data)
            start = self._before, self.number
            self.number += len(lines)
            yield _Lines(lines, self._layout, self._fallback, start).batch()

    def _gathered(self, data: bytes, of: Layout) -> Iterator[Block]:
        if self._block is None:
            self._block = Block(of, self._fallback, (self._before, self.number))
        self._block.pieces.append(data)
        self._block.size += len(data)
        if self._block.size >= BLOCK:
            yield from self._whole()

    def _whole(self) -> Iterator[Block]:
        block, self._block = self._block, None
        if block:
            yield block
            self.number += block.lines

    def _find(self, lines: Sequence[bytes]) -> Layout:
        names = self._names or self._given
        if names:
            found: Layout | None = layout.of_header(names, lines)
        else:
            what = foreign.recognize(b"\n".join(lines[:5]))
            if what:
                raise Refused(f"{what}.")
            found = layout.of_lines(lines)
        if found is None:
            raise Refused(
                "has no #Fields line, and its lines are not those of a CloudFront access log; for real-time logs, name "
                "their fields with --fields."
            )
        if not found.has_time and self._fallback is None:
            raise Refused(
                "has no column that says when; select date and time, or timestamp(ms), in the fields of the delivery."
            )
        return found


class Block:
    """Many whole lines of one usual layout, not divided yet."""

    def __init__(self, of: Layout, fallback: int | None, start: tuple[Callable[[], int], int]) -> None:
        self.layout, self._fallback, self._start = of, fallback, start
        self.pieces: list[bytes] = []
        """The lines, as they came."""
        self.size = 0
        """Bytes of them."""
        self.lines = 0
        """How many there are, told by who counts them."""

    def batches(self) -> Iterator[Batch]:
        """Yield the lines, divided, as they came."""
        number = 0
        for piece in self.pieces:
            lines = _divided(piece)
            yield self.batch(lines, range(number, number + len(lines)))
            number += len(lines)
        self.lines = number

    def batch(self, lines: list[bytes], numbers: Sequence[int]) -> Batch:
        """Return some of the lines, of these numbers, divided."""
        return _Lines(lines, self.layout, self._fallback, self._start, numbers).batch()


def _divided(data: bytes) -> list[bytes]:
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return lines


class _Lines:
    """Lines of one layout."""

    __slots__ = ("_fallback", "_layout", "_lines", "_numbers", "_rows", "_start")

    def __init__(
        self,
        lines: list[bytes],
        of: Layout,
        fallback: int | None,
        start: tuple[Callable[[], int], int],
        numbers: Sequence[int] | None = None,
    ) -> None:
        """Take lines and their `numbers`, from 0 on without; before that came `start`.

        That is in two parts: one is only asked when it is needed.
        """
        self._lines, self._layout, self._fallback, self._start = lines, of, fallback, start
        self._numbers = range(len(lines)) if numbers is None else numbers
        if len(lines) > 4 and not (lines[1] and lines[len(lines) // 2]):  # a sign of many empty lines
            self._drop_empty()
        delimiter, width = of.delimiter, of.width
        self._rows = [line.split(delimiter, width) for line in self._lines]
        if self._rows and min(map(len, self._rows)) < width:
            self._repair(width)

    def _repair(self, width: int) -> None:
        """Leave out empty lines, and fill up short ones."""
        if b"" in self._lines:
            self._drop_empty()
            self._rows = [line.split(self._layout.delimiter, width) for line in self._lines]
        self._rows = [row if len(row) >= width else row + [b""] * (width - len(row)) for row in self._rows]

    def _drop_empty(self) -> None:
        self._numbers = [number for number, line in zip(self._numbers, self._lines, strict=True) if line]
        self._lines = [line for line in self._lines if line]

    def batch(self) -> Batch:
        """Return them, divided."""
        of = self._layout
        path = of.columns.path
        if path is not None and of.is_real_time:  # the path has the query string there
            for row in self._rows:
                row[path] = row[path].partition(b"?")[0]
        return Batch(self._minutes(), self._rows, of.columns, self._row, self._place)

    def _minutes(self) -> Sequence[bytes]:
        at, rows = self._layout.at, self._rows
        if self._layout.begins_with_minute:
            return [line[:16] for line in self._lines]
        day, clock = at.get(Field.DATE), at.get(Field.TIME)
        if day is not None and clock is not None:
            return [row[day] + b" " + row[clock][:5] for row in rows]
        stamp = at.get(Field.TIMESTAMP_MS, at.get(Field.TIMESTAMP, day))
        if stamp is None:
            return [str(self._fallback).encode()] * len(rows)
        if any(row[stamp][4:5] == b"-" for row in rows[:SHORT_LOOK]):
            return [row[stamp][:16] for row in rows]
        return [row[stamp][:10] for row in rows]

    def _row(self, index: int) -> Row:
        line, at, count = self._lines[index], self._layout.at, len(self._layout.names)
        cells = line.split(self._layout.delimiter)
        is_cut = len(cells) < count
        if is_cut:
            cells = [*cells[:-1], *[b""] * (count - len(cells) + 1)]  # the last one may be half of what it was
            for field in (Field.STATUS, Field.DATE, Field.TIME):
                if field in at:
                    cells[at[field]] = self._rows[index][at[field]]
        is_wide = len(cells) > count and any(cells[count:])
        second = _second(cells, at, self._fallback)
        cells[count:] = (b"",)
        return Row._make((second, *[_known(cells[i]) for i in self._layout.whole], is_cut, is_wide))

    def _place(self, index: int) -> tuple[int, str]:
        before, here = self._start
        number = before() + here + self._numbers[index] + 1
        line, at, row = self._lines[index], self._layout.at, self._rows[index]
        columns = len(line.split(self._layout.delimiter))
        shape = f"({columns} of {len(self._layout.names)} columns, {len(line)} bytes)"
        status = row[at[Field.STATUS]]
        if not (len(status) == 3 and status.isdigit()):
            return number, f"no HTTP status in its place {shape}"
        return number, f"no date and time in their place {shape}"


def _known(value: bytes) -> bytes:
    return b"" if value == b"-" else value


def _second(cells: Sequence[bytes], at: Mapping[Field, int], fallback: int | None) -> int | None:
    day, clock = at.get(Field.DATE), at.get(Field.TIME)
    if day is not None and clock is not None:
        return moments.second(cells[day], cells[clock])
    stamp = at.get(Field.TIMESTAMP_MS, at.get(Field.TIMESTAMP, day))
    return fallback if stamp is None else moments.second(cells[stamp])
