"""Which column of a log stands where: from its `#Fields:` line, from names that were given, or from its lines. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from string import punctuation

import msgspec

from cfrunbook.cloudfront import log_fields
from cfrunbook.cloudfront.log_fields import Field
from cfrunbook.cloudfront.result_types import Side, is_known, result_type
from cfrunbook.logs import moments
from cfrunbook.logs.batch import Columns
from cfrunbook.logs.refusal import Refused

SAMPLE = 60
"""Lines by which columns are told apart."""
FEW = 12
"""Lines by which it is told what separates columns whose names are known."""
OWN_DOMAIN = b".cloudfront.net"

_NAME = re.compile(r"[A-Za-z][\w()-]*")
_DELIMITERS = (b"\t", b",", b"|", b";", b" ")
_STATUSES = frozenset(
    f"{code:03}".encode()
    for code in (
        *(0, 100, 101, 200, 201, 202, 204, 206, 207, 301, 302, 303, 304, 307, 308, 400, 401, 402, 403, 404, 405, 406),
        *(408, 409, 410, 411, 412, 413, 414, 415, 416, 421, 422, 425, 426, 428, 429, 431, 451, 463, 494, 499, 500, 501),
        *(502, 503, 504, 505, 507, 508, 520, 521, 522, 523, 524, 525, 526, 530),
    )
)
_METHODS = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH"})
_POP = re.compile(rb"[A-Z]{3}\d{1,3}(-[A-Z]{1,2}\d{1,3})?")
_HOST = re.compile(rb"(?=[^.]*[A-Za-z])[\w-]+(\.[\w-]+)+(:\d{1,5})?")
_SECONDS = re.compile(rb"1\d{9}\.\d{1,6}")
_MILLISECONDS = re.compile(rb"1\d{12}")


class Layout(msgspec.Struct, frozen=True, dict=True):
    """The columns of the lines that follow."""

    names: tuple[str, ...]
    delimiter: bytes | None
    """What separates them; None: any white space."""
    at: Mapping[Field, int]
    is_real_time: bool = False
    guessed: str = ""
    """How the columns were told apart where the file does not say: a sentence after "columns were "."""

    @cached_property
    def host(self) -> int | None:
        """Where the name stands that the viewer asked for."""
        first, second = (Field.HOST, Field.HOST_HEADER) if self.is_real_time else (Field.HOST_HEADER, Field.HOST)
        return self.at.get(first, self.at.get(second))

    @cached_property
    def width(self) -> int:
        """How many columns, from the first, are needed of every line."""
        fields = (*_TIMES, Field.POP, Field.METHOD, Field.PATH, Field.STATUS, Field.RESULT, Field.ORIGIN)
        return 1 + max(*(self.at[f] for f in fields if f in self.at), self.host or 0)

    @cached_property
    def columns(self) -> Columns:
        """Where the columns stand that every line is counted by."""
        at = self.at
        return Columns(
            status=at[Field.STATUS],
            pop=at.get(Field.POP),
            method=at.get(Field.METHOD),
            host=self.host,
            path=at.get(Field.PATH),
            result=at.get(Field.RESULT),
            origin=at.get(Field.ORIGIN),
        )

    @cached_property
    def whole(self) -> tuple[int, ...]:
        """Where the columns of a `Row` stand, in its order from the edge location on; one place too far: not there."""
        fields = (Field.POP, Field.METHOD, None, Field.PATH, Field.STATUS, Field.RESULT, Field.DETAILED)
        more = (Field.ORIGIN, Field.REQUEST_ID, Field.TIME_TAKEN)
        found = [self.host if field is None else self.at.get(field) for field in (*fields, *more)]
        return tuple(len(self.names) if position is None else position for position in found)

    @cached_property
    def begins_with_minute(self) -> bool:
        """Whether the first 16 bytes of a line are its minute, as `moments.minute` takes it."""
        is_one_byte = self.delimiter is not None and len(self.delimiter) == 1
        return is_one_byte and (self.at.get(Field.DATE), self.at.get(Field.TIME)) == (0, 1)

    @property
    def is_usual(self) -> bool:
        """Whether the lines begin, and are divided, as those that CloudFront writes for a standard log."""
        return self.begins_with_minute and self.delimiter == b"\t" and not self.is_real_time

    @property
    def has_time(self) -> bool:
        """Whether the lines say when."""
        return any(field in self.at for field in _TIMES)


_TIMES = (Field.DATE, Field.TIME, Field.TIMESTAMP, Field.TIMESTAMP_MS)


def names_of_header(line: bytes) -> tuple[str, ...]:
    """Return the names in a `#Fields:` line, whatever separates them; empty for another comment."""
    text = line.decode("utf-8", "replace").lstrip("\ufeff").strip()
    if not text.lower().startswith("#fields:"):
        return ()
    return tuple(_NAME.findall(text[len("#fields:") :]))


def check(names: Sequence[str]) -> None:
    """Refuse columns of which nothing can be counted. Raises Refused."""
    if log_fields.is_rtmp(names):
        raise Refused(
            "is a log of an RTMP distribution, which has no HTTP status; CloudFront ended those on 2020-12-31."
        )
    if Field.STATUS not in log_fields.positions(names):
        raise Refused("has no column sc-status; select it in the fields of the log delivery.")


def of_header(names: Sequence[str], lines: Sequence[bytes]) -> Layout:
    """Return the layout of lines below a header; what separates their columns is told by the lines. Raises Refused."""
    check(names)
    few = lines[:FEW]
    return _layout(tuple(names), _delimiter(len(names), few), few)


def of_names(names: Sequence[str], lines: Sequence[bytes]) -> Layout:
    """Return the layout of lines without a header, whose names a person gave. Raises Refused."""
    return of_header(names, lines)


def of_json(names: Sequence[str], values: Sequence[Mapping[str, bytes]]) -> Layout:
    """Return the layout of JSON objects with these member names. Raises Refused."""
    check(names)
    lines = [b"\x00".join(v.get(name, b"") for name in names) for v in values]
    return _layout(tuple(names), b"\x00", lines)


def of_lines(lines: Sequence[bytes]) -> Layout | None:
    """Return the layout of lines without a header, told from the lines themselves; None where they are no such log."""
    for delimiter in (*_DELIMITERS, *_odd_delimiters(lines)):
        rows = [line.split(delimiter) for line in lines]
        count = Counter(map(len, rows)).most_common(1)[0][0]
        if count < 2:
            continue
        whole = [row for row in rows if len(row) == count]
        while count > 1 and all(not row[count - 1] for row in whole):  # a delimiter at the end of each line
            whole, count = [row[: count - 1] for row in whole], count - 1
        found = _known(whole, count, delimiter, lines) or _inferred(whole, count, delimiter)
        if found:
            return found
    return None


def _layout(names: tuple[str, ...], delimiter: bytes | None, lines: Sequence[bytes], guessed: str = "") -> Layout:
    at = log_fields.positions(names)
    is_real_time = log_fields.is_real_time(names)
    ours, theirs = at.get(Field.HOST), at.get(Field.HOST_HEADER)
    if ours is not None and theirs is not None:
        # The values decide where the spelling is not CloudFront's own: the distribution's name ends in its domain.
        rows = [cells for cells in (line.split(delimiter) for line in lines) if len(cells) > max(ours, theirs)]
        left = [row[ours].lower().endswith(OWN_DOMAIN) for row in rows]
        right = [row[theirs].lower().endswith(OWN_DOMAIN) for row in rows]
        if rows and any(left) != any(right):
            is_real_time = any(right)
    return Layout(names, delimiter, at, is_real_time, guessed)


def _delimiter(count: int, lines: Sequence[bytes]) -> bytes | None:
    """Return what separates the columns: what divides most lines into `count`, or else into most columns."""
    if count == 1:
        return b"\t"
    if all(line.count(b"\t") == count - 1 for line in lines):
        return b"\t"
    best: tuple[int, int, bytes | None] = (0, 0, b"\t")
    for delimiter in (*_DELIMITERS, None, *_odd_delimiters(lines)):
        sizes = [len(line.split(delimiter)) for line in lines]
        exact = sum(size == count for size in sizes)
        near = sum(size for size in sizes if size <= count + 8)
        if (exact, near) > best[:2]:
            best = (exact, near, delimiter)
    return best[2]


def _odd_delimiters(lines: Sequence[bytes]) -> list[bytes]:
    """Return delimiters that people chose: what stands between date and time, and signs that every line has."""
    found: dict[bytes, None] = {}
    for line in lines[:3]:
        between = re.match(rb"\d{4}-\d\d-\d\d([^\d\s:T.-].{0,4}?|T?\W{2,5})\d\d:\d\d:\d\d", line)
        if between:
            found[between[1]] = None
    if lines:
        signs = Counter(bytes([byte]) for byte in lines[0] if byte == 1 or chr(byte) in punctuation)
        usual = {*_DELIMITERS, b"-", b"_", b".", b":", b"/", b"%", b'"'}
        found |= dict.fromkeys(sign for sign, times in signs.most_common(4) if sign not in usual and times >= 2)
    return list(found)


def _known(rows: Sequence[Sequence[bytes]], count: int, delimiter: bytes, lines: Sequence[bytes]) -> Layout | None:
    """Return the layout of a standard log that had so many columns once, or of a full real-time log."""
    full = len(log_fields.REAL_TIME_FIELDS)
    candidates = [log_fields.columns_of(count), log_fields.REAL_TIME_FIELDS[:count] if count in (46, full) else ()]
    for names in candidates:
        if not names:
            continue
        at = log_fields.positions(names)
        if all(
            _holds(rows, at[field], test) for field, test in _TESTS.items() if field in at and field not in _RESULTS
        ):
            what = "real-time" if log_fields.is_real_time(names) else "standard"
            guessed = f"taken to be those of {what} logs with {count} columns: the file has no #Fields line"
            return _layout(names, delimiter, lines, guessed)
    return None


def _inferred(rows: Sequence[Sequence[bytes]], count: int, delimiter: bytes) -> Layout | None:
    """Return the layout as the values show it; None without a status and a time."""
    names: dict[int, str] = {}
    for field, test in _TESTS.items():
        if field in _RESULTS:
            continue
        where = next((i for i in range(count) if i not in names and _holds(rows, i, test)), None)
        if where is not None:
            names[where] = field.value
    at = {Field(name): i for i, name in names.items()}
    if Field.STATUS not in at or not (({Field.DATE, Field.TIME} <= at.keys()) or _STAMPS & at.keys()):
        return None
    is_real_time = Field.TIMESTAMP in at
    names |= _results(rows, [i for i in range(count) if i not in names and _holds(rows, i, _is_result)], is_real_time)
    hosts = [i for i in range(count) if i not in names and _holds(rows, i, _is_host)]
    viewer = [i for i in hosts if not all(row[i].lower().endswith(OWN_DOMAIN) for row in rows)] or hosts
    if viewer:
        names[viewer[0]] = Field.HOST.value if is_real_time else Field.HOST_HEADER.value
    listed = ", ".join(names[i] for i in sorted(names))
    guessed = (
        f"told by their values ({listed}): the file has no #Fields line. Name all columns with --fields to be sure"
    )
    every = tuple(names.get(i, f"column-{i + 1}") for i in range(count))
    return Layout(every, delimiter, log_fields.positions(every), is_real_time, guessed)


def _results(rows: Sequence[Sequence[bytes]], columns: Sequence[int], is_real_time: bool) -> dict[int, str]:
    """Return which of the columns with result types is which.

    The detailed one has values that only it can have; where none shows, it is the last of three, in every log.
    """
    told = [i for i in columns if any(_is_detail(row[i]) for row in rows)] or list(columns[2:])
    named = {told[-1]: Field.DETAILED.value} if told else {}
    rest = [i for i in columns if i not in named]
    order = (Field.RESPONSE_RESULT, Field.RESULT) if is_real_time and len(rest) > 1 else (Field.RESULT,)
    return named | {i: field.value for i, field in zip(rest, order, strict=False)}


def _holds(rows: Sequence[Sequence[bytes]], column: int, test: Callable[[bytes], object]) -> bool:
    """Return whether nearly every value of a column passes, and at least one is there: some lines are broken."""
    values = [row[column] for row in rows if row[column] not in (b"", b"-")]
    return bool(values) and sum(1 for value in values if test(value)) >= 0.9 * len(values)


def _is_host(value: bytes) -> bool:
    return bool(_HOST.fullmatch(value)) and not value.startswith(b"TLS")


def _is_result(value: bytes) -> bool:
    return is_known(value.decode("ascii", "replace"))


def _is_detail(value: bytes) -> bool:
    name = value.decode("ascii", "replace")
    return is_known(name) and name != "Error" and result_type(name).side in (Side.ORIGIN, Side.VIEWER)


_TESTS: Mapping[Field, Callable[[bytes], object]] = {
    Field.DATE: lambda v: len(v) == 10 and v[4:5] == b"-" and moments.second(v) is not None,
    Field.TIME: re.compile(rb"\d\d:\d\d:\d\d").fullmatch,
    Field.TIMESTAMP_MS: _MILLISECONDS.fullmatch,
    Field.TIMESTAMP: lambda v: _SECONDS.fullmatch(v) or (len(v) > 10 and moments.second(v) is not None),
    Field.STATUS: _STATUSES.__contains__,
    Field.POP: _POP.fullmatch,
    Field.METHOD: _METHODS.__contains__,
    Field.PATH: lambda v: v.startswith(b"/"),
    Field.RESULT: _is_result,
    Field.RESPONSE_RESULT: _is_result,
    Field.DETAILED: _is_result,
}
_RESULTS = frozenset({Field.RESULT, Field.RESPONSE_RESULT, Field.DETAILED})
_STAMPS = frozenset({Field.TIMESTAMP, Field.TIMESTAMP_MS})
