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
from cfrunbook.logs import foreign, layout, moments
from cfrunbook.logs.batch import Batch, Column, Row
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
        data, found, at = self._rest + block, [], 0
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
        self.broken: list[int] = []
        """Numbers of those that are no JSON object, since this was last emptied."""

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
            self.broken.append(self.number)
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
            what = foreign.recognize(msgspec.json.encode({n: v.decode("utf-8", "replace") for n, v in found[0].items()}))
            if not what:
                what = "is JSON, but its objects have no sc-status: it is no CloudFront access log"
            raise Refused(f"{what}.")
        made = layout.of_json(names, found)
        if not made.has_time and self._fallback is None:
            raise Refused("has no member that says when; select date and time, or timestamp(ms), in the log's fields.")
        return made

    def _batch(self, found: list[dict[str, bytes]], numbers: list[int]) -> Batch:
        of = self._layout
        assert of is not None
        names, at = of.names, of.at

        def column(position: int | None) -> Column:
            if position is None:
                return None
            name = names[position]
            return [value.get(name, b"") for value in found]

        def value(index: int, field: Field) -> bytes:
            given = b"" if field not in at else found[index].get(names[at[field]], b"")
            return b"" if given == b"-" else given

        def second(index: int) -> int | None:
            if Field.DATE in at and Field.TIME in at:
                return moments.second(value(index, Field.DATE), value(index, Field.TIME))
            field = next((f for f in (Field.TIMESTAMP_MS, Field.TIMESTAMP, Field.DATE) if f in at), None)
            return self._fallback if field is None else moments.second(value(index, field))

        def minute(index: int) -> bytes:
            if Field.DATE in at and Field.TIME in at:
                return value(index, Field.DATE) + b" " + value(index, Field.TIME)[:5]
            return str(second(index)).encode()

        def row(index: int) -> Row:
            host = b"" if of.host is None else found[index].get(names[of.host], b"")
            return Row(
                second=second(index),
                pop=value(index, Field.POP),
                method=value(index, Field.METHOD),
                host=b"" if host == b"-" else host,
                path=value(index, Field.PATH),
                status=value(index, Field.STATUS).zfill(3),
                result=value(index, Field.RESULT),
                detailed=value(index, Field.DETAILED),
                origin=value(index, Field.ORIGIN),
                request_id=value(index, Field.REQUEST_ID),
                took=value(index, Field.TIME_TAKEN),
                has_detailed=bool(value(index, Field.DETAILED)),
            )

        paths = column(at.get(Field.PATH))
        return Batch(
            minutes=[minute(i) for i in range(len(found))],
            statuses=[value(i, Field.STATUS).zfill(3) for i in range(len(found))],
            pops=column(at.get(Field.POP)),
            methods=column(at.get(Field.METHOD)),
            hosts=column(of.host),
            paths=None if paths is None else [path.partition(b"?")[0] for path in paths],
            results=column(at.get(Field.RESULT)),
            origins=column(at.get(Field.ORIGIN)),
            row=row,
            place=lambda i: (numbers[i], "no HTTP status or no time in the object"),
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
