"""JSON logs as batches: an object a line, objects one after another, pretty-printed ones, or all in one array. Pure.

Standard logging v2 writes an object a line; Firehose puts objects together without a line end; tools make arrays.
Values are strings in one delivery and numbers in another.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from cfrunbook.cloudfront.log_fields import Field, positions
from cfrunbook.logs import layout, moments
from cfrunbook.logs.batch import Batch, Columns, Row
from cfrunbook.logs.layout import Layout
from cfrunbook.logs.lines import MAX_LINE, LineSplitter
from cfrunbook.logs.refusal import Refused

_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|"|[{}]', re.DOTALL)
_decode = msgspec.json.Decoder().decode
_MEMBERS = 200
_AHEAD = 1000
"""Objects of a batch at most."""
_HEAD = 64 * 1024
"""Bytes by which it is told how the objects are divided."""


class ObjectSplitter:
    """Takes blocks and gives back the JSON objects that they complete, whatever is between them."""

    def __init__(self, limit: int = MAX_LINE) -> None:
        self._rest = b""
        self._limit = limit
        self.too_long = 0
        """Objects that were dropped because of their length."""

    def feed(self, block: bytes) -> list[bytes]:
        """Return the objects that `block` completes."""
        data, at = self._rest + block, 0
        found: list[bytes] = []
        while True:
            start = data.find(b"{", at)
            if start < 0:
                self._rest = b""
                return found
            end = _end(data, start)
            if not end:
                self._rest = data[start:]
                if len(self._rest) > self._limit:
                    self.too_long += 1
                    self._rest = b""
                return found
            if end - start > self._limit:
                self.too_long += 1
            else:
                found.append(data[start:end])
            at = end

    def finish(self) -> bytes:
        """Return what is left: an object that is not whole."""
        rest, self._rest = self._rest, b""
        return rest


def _end(data: bytes, start: int) -> int:
    """Return where the object that begins at `start` ends; 0 where it does not."""
    depth = 0
    for token in _TOKEN.finditer(data, start):
        sign = token[0]
        if sign == b"{":
            depth += 1
        elif sign == b"}":
            depth -= 1
            if not depth:
                return token.end()
        elif len(sign) == 1:
            return 0
    return 0


class JsonReader:
    """Takes the text of one file, block by block, and gives batches."""

    def __init__(self, *, fallback: int | None = None) -> None:
        """`fallback` is the second that stands for objects without a time."""
        self._head: bytes | None = b""
        self._lines: LineSplitter | None = LineSplitter()
        self._objects = ObjectSplitter()
        self._layout: Layout | None = None
        self._fallback = fallback
        self._early: list[dict[str, bytes]] = []
        self._early_numbers: list[int] = []
        self.number = 0
        """Objects, or lines, so far."""
        self.broken = 0
        """How many of them are no JSON object."""
        self.first_broken = 0
        """The number of the first of these."""

    @property
    def layout(self) -> Layout | None:
        """The members of the objects that came last."""
        return self._layout

    @property
    def too_long(self) -> int:
        """Lines and objects that were dropped because of their length."""
        return (self._lines.too_long if self._lines else 0) + self._objects.too_long

    def batches(self, block: bytes) -> Iterator[Batch]:
        """Yield objects that are complete. Raises Refused for objects that are no log."""
        if self._head is not None:  # hold bytes until there are enough: what is told must not depend on the blocks
            block, self._head = self._head + block, b""
            if len(block) < _HEAD:
                self._head = block
                return
            self._begin(block)
        yield from self._fed(block)

    def finish(self) -> Iterator[Batch]:
        """Yield what is left. Raises Refused."""
        if self._head is not None:
            head = self._head
            self._begin(head)
            yield from self._fed(head)
        last = self._lines.finish() if self._lines else self._objects.finish()
        if last.strip():
            yield from self._given([last])
        yield from self._same_layout(self._early, self._early_numbers)
        self._early, self._early_numbers = [], []

    def _begin(self, head: bytes) -> None:
        """Tell lines of objects from objects that are divided in another way."""
        self._head = None
        first, end, _ = head.lstrip().partition(b"\n")
        if _object(first) is None and not (end and first.startswith(b"{") and b"}{" in first):
            self._lines = None

    def _fed(self, block: bytes) -> Iterator[Batch]:
        if self._lines is None:
            yield from self._given(self._objects.feed(block))
        else:
            yield from self._given(line for line in self._lines.feed(block).split(b"\n") if line.strip())

    def rows(self, rows: Sequence[Mapping[str, Any]]) -> Iterator[Batch]:
        """Yield rows that are already read, such as a table's. Raises Refused."""
        for start in range(0, len(rows), _AHEAD):
            part = rows[start : start + _AHEAD]
            numbers = list(range(self.number + 1, self.number + 1 + len(part)))
            self.number += len(part)
            yield from self._same_layout([{n: _text(v) for n, v in row.items()} for row in part], numbers)

    def _given(self, texts: Iterator[bytes] | Sequence[bytes]) -> Iterator[Batch]:
        found: list[dict[str, bytes]] = []
        numbers: list[int] = []
        for text in texts:
            self.number += 1
            for value in self._values(text):
                found.append(value)
                numbers.append(self.number)
            if len(found) >= _AHEAD:
                yield from self._enough(found, numbers)
                found, numbers = [], []
        yield from self._enough(found, numbers)

    def _enough(self, found: list[dict[str, bytes]], numbers: list[int]) -> Iterator[Batch]:
        if self._layout is None:
            self._early += found
            self._early_numbers += numbers
            if len(self._early) < layout.SAMPLE:
                return
            found, self._early = self._early, []
            numbers, self._early_numbers = self._early_numbers, []
        yield from self._same_layout(found, numbers)

    def _values(self, text: bytes) -> list[dict[str, bytes]]:
        value = _object(text)
        if value is not None:
            return [value]
        several = ObjectSplitter().feed(text) if b"}{" in text else []
        values = [found for part in several if (found := _object(part)) is not None]
        if not values or len(values) < len(several):
            self.broken += 1
            self.first_broken = self.first_broken or self.number
        return values

    def _same_layout(self, found: list[dict[str, bytes]], numbers: list[int]) -> Iterator[Batch]:
        """Yield the objects in runs that have the same names for the same columns."""
        start = 0
        for i, value in enumerate(found):
            if self._layout is None or self._layout.names[self._layout.at[Field.STATUS]] not in value:
                if self._layout is not None and Field.STATUS not in positions(list(value)):
                    continue  # counted as malformed: it has no status
                if i > start:
                    yield self._batch(found[start:i], numbers[start:i])
                start = i
                self._layout = self._find(found[i : i + layout.SAMPLE])
        if found[start:]:
            yield self._batch(found[start:], numbers[start:])

    def _find(self, found: Sequence[Mapping[str, bytes]]) -> Layout:
        names = list(found[0])
        if Field.STATUS not in positions(names):
            raise Refused("is JSON, but its objects have no sc-status: it is no CloudFront access log.")
        made = layout.of_json(names, found)
        if not made.has_time and self._fallback is None:
            raise Refused("has no member that says when; select date and time, or timestamp(ms), in the log's fields.")
        return made

    def _batch(self, found: list[dict[str, bytes]], numbers: list[int]) -> Batch:
        of = self._layout
        assert of is not None
        values = _Values(found, of, self._fallback)
        return Batch(
            minutes=[values.minute(i) for i in range(len(found))],
            cells=[values.cells(i) for i in range(len(found))],
            columns=_columns(of),
            row=values.row,
            place=lambda i: (numbers[i], "no HTTP status or no time in the object"),
        )


class _Values:
    """Objects of one layout."""

    def __init__(self, found: Sequence[Mapping[str, bytes]], of: Layout, fallback: int | None) -> None:
        self._found, self._fallback, self._of = found, fallback, of
        self._names = {field: of.names[position] for field, position in of.at.items()}
        self._host = "" if of.host is None else of.names[of.host]

    def cells(self, index: int) -> list[bytes]:
        """Return the columns that every line is counted by, in the order of `_ORDER`."""
        one, names = self._found[index], self._names
        row = [one.get(names[field], b"") if field in names else b"" for field in _ORDER]
        row[0] = row[0].zfill(3)  # 0 stands for 000 where statuses are numbers
        row[_PATH] = row[_PATH].partition(b"?")[0]
        row.append(one.get(self._host, b""))
        return row

    def minute(self, index: int) -> bytes:
        """Return the object's time, see `moments.minute`."""
        if Field.DATE in self._names and Field.TIME in self._names:
            return self._value(index, Field.DATE) + b" " + self._value(index, Field.TIME)[:5]
        return str(self._second(index)).encode()

    def row(self, index: int) -> Row:
        """Return one object, whole."""
        host = self._found[index].get(self._host, b"")
        return Row(
            second=self._second(index),
            pop=self._value(index, Field.POP),
            method=self._value(index, Field.METHOD),
            host=b"" if host == b"-" else host,
            path=self._value(index, Field.PATH),
            status=self._value(index, Field.STATUS).zfill(3),
            result=self._value(index, Field.RESULT),
            detailed=self._value(index, Field.DETAILED),
            origin=self._value(index, Field.ORIGIN),
            request_id=self._value(index, Field.REQUEST_ID),
            took=self._value(index, Field.TIME_TAKEN),
        )

    def _value(self, index: int, field: Field) -> bytes:
        given = self._found[index].get(self._names.get(field, ""), b"")
        return b"" if given == b"-" else given

    def _second(self, index: int) -> int | None:
        if Field.DATE in self._names and Field.TIME in self._names:
            return moments.second(self._value(index, Field.DATE), self._value(index, Field.TIME))
        field = next((f for f in (Field.TIMESTAMP_MS, Field.TIMESTAMP, Field.DATE) if f in self._names), None)
        return self._fallback if field is None else moments.second(self._value(index, field))


_ORDER = (Field.STATUS, Field.POP, Field.METHOD, Field.PATH, Field.RESULT, Field.ORIGIN)
_PATH = _ORDER.index(Field.PATH)


def _columns(of: Layout) -> Columns:
    """Return where `_Values.cells` puts what a layout has."""
    have = {field: place for place, field in enumerate(_ORDER) if field in of.at}
    return Columns(
        status=0,
        pop=have.get(Field.POP),
        method=have.get(Field.METHOD),
        host=None if of.host is None else len(_ORDER),
        path=have.get(Field.PATH),
        result=have.get(Field.RESULT),
        origin=have.get(Field.ORIGIN),
    )


def _object(text: bytes) -> dict[str, bytes] | None:
    try:
        value = _decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, ValueError):
        return None
    return {n: _text(v) for n, v in value.items()} if isinstance(value, dict) and len(value) <= _MEMBERS else None


def _text(value: Any) -> bytes:
    """Return a value as a line would have it: numbers without a fraction of zero, nothing for null."""
    match value:
        case str():
            return value.encode("utf-8", "replace")
        case bool() | None:
            return b""
        case int():
            return str(value).encode() if abs(value) < 1 << 63 else b""
        case float():
            return (str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)).encode()
        case dt.datetime():
            return value.replace(tzinfo=None).isoformat(timespec="seconds").encode()
        case dt.date() | dt.time():
            return value.isoformat().encode()
        case bytes():
            return value
    return b""
