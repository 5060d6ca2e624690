"""What access logs say, counted: values that travel in JSON. Nothing of a viewer is in them, and nothing is concluded.

No client address, cookie, query string, referer or user agent is ever kept. `errors` is always the number of requests
answered with the status that was asked for (`LogSummary.status`, 502 unless told otherwise); `requests` is the number
of all requests of the same minute, edge location, path …, so that every error has its denominator.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from cfrunbook.findings import Struct

Count = Annotated[int, Meta(ge=0, le=1 << 53)]
EpochSecond = Annotated[int, Meta(ge=0, le=32_503_680_000)]
"""Seconds since 1970 in UTC; until the year 3000."""
Width = Annotated[int, Meta(ge=1, le=31_449_600)]
"""Seconds of a step of time: up to a year of whole weeks."""
Status = Annotated[int, Meta(ge=0, le=999)]
ShortText = Annotated[str, Meta(max_length=300)]

MAX_PROBLEMS, MAX_SAMPLES, MAX_EXAMPLES, MAX_GUESSES, MAX_PATHS = 20, 5, 3, 20, 20
NEIGHBORS: tuple[int, ...] = (500, 502, 503, 504)
"""Statuses that are counted over time beside the one asked for: what people take for one another."""
TOOK_S: tuple[float, ...] = (0.02, 0.1, 0.5, 1, 5, 9.5, 29.5)
"""Upper bounds of the steps of `TypeCount.took`, in seconds; the last step has none. CloudFront gives up connecting
after 10 seconds an attempt and reading after 30, unless the origin's settings say otherwise."""


class FileProblem(Struct, frozen=True, kw_only=True):
    """A file that could not be read, or not to its end."""

    file: ShortText
    says: Annotated[str, Meta(max_length=600)]
    """One sentence: what, and what to do."""
    salvaged: bool = False
    """Whether what came before the damage was counted."""


class Files(Struct, frozen=True, kw_only=True):
    """What was read."""

    paths: Annotated[tuple[Annotated[str, Meta(max_length=4096)], ...], Meta(max_length=MAX_PATHS)] = ()
    """The first files and folders as they were named, for commands; empty where that is not known."""
    given: Count = 0
    """Files that were named, or found in the folders that were."""
    read: Count = 0
    """Files that were read to their end."""
    empty: Count = 0
    skipped: Count = 0
    """Files whose name says that their hour lies outside the window."""
    bytes: Count = 0
    """As they are stored."""
    failed: Count = 0
    problems: Annotated[tuple[FileProblem, ...], Meta(max_length=MAX_PROBLEMS)] = ()
    """The first of what failed."""
    formats: dict[str, Count] = {}
    """How many files of each format: `standard`, `JSON`, `real-time`, …"""
    guesses: dict[str, Count] = {}
    """How the columns were told apart where a file does not say, and of how many files."""


class Sample(Struct, frozen=True, kw_only=True):
    """A line that could not be used: where it is and why. Its text stays where it is."""

    file: ShortText
    line: Count
    says: ShortText


class Lines(Struct, frozen=True, kw_only=True):
    """Every line is in one of `parsed`, `malformed` and `outside`."""

    read: Count = 0
    """Headers and empty lines do not count."""
    parsed: Count = 0
    malformed: Count = 0
    outside: Count = 0
    """Of another time than was asked for."""
    samples: Annotated[tuple[Sample, ...], Meta(max_length=MAX_SAMPLES)] = ()


class Example(Struct, frozen=True, kw_only=True):
    """One request, as AWS Support wants to know of it."""

    at: EpochSecond
    pop: ShortText = ""
    request_id: ShortText = ""
    """What `X-Amz-Cf-Id` said to the viewer."""
    path: ShortText = ""


class Point(Struct, frozen=True, array_like=True):
    """A step of time; in JSON a list of three."""

    at: EpochSecond
    requests: Count
    errors: Count


class Series(Struct, frozen=True, kw_only=True):
    """Counts over time, in steps of `width_s` seconds; a step in which nothing happened is left out."""

    width_s: Width = 60
    points: tuple[Point, ...] = ()


class KeyCount(Struct, frozen=True, kw_only=True):
    """One edge location, host, path, method or origin."""

    key: ShortText
    requests: Count
    errors: Count
    repeats: Count = 0
    """Of the errors, those whose detailed result type is only `Error`: cached repeats, or unspecific."""


class Dimension(Struct, frozen=True, kw_only=True):
    """Requests and errors by one column: the keys with most errors, and the rest in one number."""

    known: bool = False
    """Whether the logs have the column at all."""
    keys: tuple[KeyCount, ...] = ()
    others: KeyCount = KeyCount(key="", requests=0, errors=0)
    """All keys that are not listed."""
    missed: Count = 0
    """There were too many keys to count each from the start: `requests` of one may be too low by at most this."""


class TypeCount(Struct, frozen=True, kw_only=True):
    """One detailed result type with one status."""

    name: ShortText
    status: Status
    count: Count
    detailed: bool = True
    """False where the logs lack the detailed type, and this is x-edge-result-type."""
    first: EpochSecond
    last: EpochSecond
    took: Annotated[tuple[Count, ...], Meta(min_length=len(TOOK_S) + 1, max_length=len(TOOK_S) + 1)] = (0,) * (
        len(TOOK_S) + 1
    )
    """How many took how long, in the steps of `TOOK_S`."""
    series: Series = Series()
    """Its `errors` are the count, its `requests` are not used."""
    examples: Annotated[tuple[Example, ...], Meta(max_length=MAX_EXAMPLES)] = ()
    """The earliest."""


class Labeled(Struct, frozen=True, kw_only=True):
    """The counts of one key over time."""

    key: ShortText
    points: tuple[Point, ...]


class Grid(Struct, frozen=True, kw_only=True):
    """Edge location by time, in steps of `width_s` seconds."""

    width_s: Width = 60
    rows: tuple[Labeled, ...] = ()


class LogSummary(Struct, frozen=True, kw_only=True):
    """What access logs say about requests answered with `status`."""

    status: Status = 502
    files: Files = Files()
    lines: Lines = Lines()
    requests: Count = 0
    errors: Count = 0
    repeats: Count = 0
    """Errors whose detailed type is only `Error`: cached repeats, or unspecific."""
    repeats_explained: Count = 0
    """Those of them whose path also has an error with a cause."""
    untyped: Count = 0
    """Errors without a detailed result type."""
    cut: Count = 0
    """Errors whose line ends early, so that columns at its end are unknown."""
    wide: Count = 0
    """Errors whose line has more columns than its header names; the rest of such a line was not used."""
    masked: Count = 0
    """Requests that failed like a 502 by their result type, and were answered with a status below 400: a custom error
    response replaced it."""
    since: EpochSecond | None = None
    until: EpochSecond | None = None
    first_request: EpochSecond | None = None
    """To the minute, as `last_request`."""
    last_request: EpochSecond | None = None
    first_error: EpochSecond | None = None
    last_error: EpochSecond | None = None
    statuses: dict[str, Count] = {}
    """Requests by status (`000`: the viewer went away first)."""
    types: tuple[TypeCount, ...] = ()
    """Detailed result types of the status and its neighbours, most errors first; masked ones under their own status."""
    series: Series = Series()
    neighbors: dict[str, Series] = {}
    """The statuses of `NEIGHBORS` and the one asked for, over time; `errors` is the count."""
    pops: Dimension = Dimension()
    hosts: Dimension = Dimension()
    paths: Dimension = Dimension()
    methods: Dimension = Dimension()
    origins: Dimension = Dimension()
    grid: Grid = Grid()
    seconds: tuple[EpochSecond, ...] = ()
    """The distinct seconds with an error that is no repeat, in order; the earliest ones."""
    seconds_complete: bool = True

    def to_json(self) -> bytes:
        """Return this as JSON (UTF-8, indented)."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"
