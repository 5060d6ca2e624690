"""Lines of columns with something between them, as batches. Pure, and the part that has to be fast."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import itemgetter

from cfrunbook.cloudfront.log_fields import Field
from cfrunbook.logs import foreign, layout, moments
from cfrunbook.logs.batch import Batch, Column, Row
from cfrunbook.logs.layout import Layout
from cfrunbook.logs.refusal import Refused

SHORT_LOOK = 3
"""Lines by which a time stamp's form is told."""

_NOTHING = (b"", b"-")


class DelimitedReader:
    """Takes whole lines of one file, in order, and gives batches."""

    def __init__(
        self,
        *,
        names: Sequence[str] = (),
        header: bytes = b"",
        fallback: int | None = None,
        before: Callable[[], int] = lambda: 0,
    ) -> None:
        """`names` are the columns where the file has no header, `header` is one that came before, `fallback` the second
        that stands for lines without a time, and `before` tells how many lines came before."""
        self._given = tuple(names)
        self._names = layout.names_of_header(header) if header else ()
        self._layout: Layout | None = None
        self._fallback = fallback
        self._before = before
        self._held = b""
        self.number = 0
        """Lines so far, headers included."""

    @property
    def layout(self) -> Layout | None:
        """The columns of the lines that came last."""
        return self._layout

    def batches(self, data: bytes) -> Iterator[Batch]:
        """Yield the lines in `data`, or those before whose layout they complete. Raises Refused for another log."""
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").removesuffix(b"\r")
        if b"#" in data and (data.startswith(b"#") or b"\n#" in data):
            yield from self._between_comments(data)
        elif data:
            yield from self._batch(data)

    def finish(self) -> Iterator[Batch]:
        """Yield the lines that are still held. Raises Refused."""
        held, self._held = self._held, b""
        if held:
            yield from self._told(held)

    def _between_comments(self, data: bytes) -> Iterator[Batch]:
        start = 0
        while start < len(data):
            at = start if data.startswith(b"#", start) else data.find(b"\n#", start) + 1
            if not at and start:
                at = len(data)
            elif not at:
                at = len(data) if not data.startswith(b"#") else 0
            if at > start:
                yield from self._batch(data[start:at])
            if at >= len(data):
                return
            end = data.find(b"\n", at)
            end = len(data) if end < 0 else end + 1
            yield from self.finish()
            self._comment(data[at:end])
            start = end

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

    def _batch(self, data: bytes) -> Iterator[Batch]:
        if self._layout is None:  # hold lines until there are enough: what is told must not depend on the blocks
            data, self._held = self._held + data, b""
            if data.count(b"\n") < layout.SAMPLE:
                self._held = data
                return
        yield from self._told(data)

    def _told(self, data: bytes) -> Iterator[Batch]:
        lines = data.split(b"\n")
        if not lines[-1]:
            lines.pop()
        base = self.number
        self.number += len(lines)
        numbers: list[int] | None = None
        if b"\n\n" in data or data.startswith(b"\n"):
            numbers = [base + i + 1 for i, line in enumerate(lines) if line]
            lines = [line for line in lines if line]
        if not lines:
            return
        if self._layout is None:
            self._layout = self._find(lines[: layout.SAMPLE])
        yield _Lines(lines, self._layout, self._fallback, base, numbers, self._before).batch()

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


class _Lines:
    """Lines of one layout."""

    __slots__ = ("_base", "_before", "_fallback", "_layout", "_lines", "_numbers", "_rows")

    def __init__(
        self,
        lines: list[bytes],
        of: Layout,
        fallback: int | None,
        base: int,
        numbers: list[int] | None,
        before: Callable[[], int],
    ) -> None:
        self._lines, self._layout, self._fallback = lines, of, fallback
        self._base, self._numbers, self._before = base, numbers, before
        delimiter, width = of.delimiter, of.width
        self._rows = [line.split(delimiter, width) for line in lines]
        if min(map(len, self._rows)) < width:
            for row in self._rows:
                if len(row) < width:
                    row += [b""] * (width - len(row))

    def batch(self) -> Batch:
        """Return them column by column."""
        paths = self._column(Field.PATH)
        if paths is not None and self._layout.is_real_time:
            paths = [path.partition(b"?")[0] for path in paths]  # it has the query string in real-time logs
        host = self._layout.host
        statuses = self._column(Field.STATUS)
        assert statuses is not None
        return Batch(
            minutes=self._minutes(),
            statuses=statuses,
            pops=self._column(Field.POP),
            methods=self._column(Field.METHOD),
            hosts=None if host is None else list(map(itemgetter(host), self._rows)),
            paths=paths,
            results=self._column(Field.RESULT),
            origins=self._column(Field.ORIGIN),
            row=self._row,
            place=self._place,
        )

    def _column(self, field: Field) -> Column:
        at = self._layout.at.get(field)
        return None if at is None else list(map(itemgetter(at), self._rows))

    def _minutes(self) -> Sequence[bytes]:
        at, rows = self._layout.at, self._rows
        day, clock = at.get(Field.DATE), at.get(Field.TIME)
        if day is not None and clock is not None:
            delimiter = self._layout.delimiter
            if (day, clock) == (0, 1) and delimiter and len(delimiter) == 1:
                return [line[:16] for line in self._lines]
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

        def cell(position: int | None) -> bytes:
            value = b"" if position is None else cells[position]
            return b"" if value in _NOTHING else value

        detailed = at.get(Field.DETAILED)
        return Row(
            second=_second(cells, at, self._fallback),
            pop=cell(at.get(Field.POP)),
            method=cell(at.get(Field.METHOD)),
            host=cell(self._layout.host),
            path=cell(at.get(Field.PATH)),
            status=cells[at[Field.STATUS]],
            result=cell(at.get(Field.RESULT)),
            detailed=cell(detailed),
            origin=cell(at.get(Field.ORIGIN)),
            request_id=cell(at.get(Field.REQUEST_ID)),
            took=cell(at.get(Field.TIME_TAKEN)),
            has_detailed=bool(cell(detailed)),
            is_cut=is_cut,
            is_wide=is_wide,
        )

    def _place(self, index: int) -> tuple[int, str]:
        number = self._before() + (self._base + index + 1 if self._numbers is None else self._numbers[index])
        line, at, row = self._lines[index], self._layout.at, self._rows[index]
        columns = len(line.split(self._layout.delimiter))
        shape = f"({columns} of {len(self._layout.names)} columns, {len(line)} bytes)"
        status = row[at[Field.STATUS]]
        if not (len(status) == 3 and status.isdigit()):
            return number, f"no HTTP status in its place {shape}"
        return number, f"no date and time in their place {shape}"


def _second(cells: Sequence[bytes], at: Mapping[Field, int], fallback: int | None) -> int | None:
    day, clock = at.get(Field.DATE), at.get(Field.TIME)
    if day is not None and clock is not None:
        return moments.second(cells[day], cells[clock])
    stamp = at.get(Field.TIMESTAMP_MS, at.get(Field.TIMESTAMP, day))
    return fallback if stamp is None else moments.second(cells[stamp])
