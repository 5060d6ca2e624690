"""What batches of lines add up to, in bounded memory: hot counters of bytes, folded now and then into counts over time.

Every line is counted by minute, edge location and status, by path, host, method and origin: that is the denominator.
Only lines of interest (the status asked for, its neighbours, errors behind a replaced status) are looked at whole.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import compress, islice, repeat
from operator import itemgetter

from cfrunbook.cloudfront.result_types import is_repeat, result_type
from cfrunbook.log_summary import (
    MAX_EXAMPLES,
    MAX_SAMPLES,
    NEIGHBORS,
    TOOK_S,
    Dimension,
    Example,
    Files,
    KeyCount,
    Lines,
    LogSummary,
    Sample,
    TypeCount,
)
from cfrunbook.logs import keys, moments
from cfrunbook.logs.batch import Batch, Cells, Columns, Meaning, Row, Times, add_pair
from cfrunbook.logs.keys import BoundedCounts
from cfrunbook.logs.timeline import Timeline

MAX_HOT = 8_000
"""Combinations of minute, edge location and status before they are folded."""
MAX_PATHS, MAX_HOSTS, MAX_POPS, MAX_METHODS, MAX_ORIGINS = 10_000, 2_000, 1_500, 50, 500
MAX_TYPES = 150
MAX_STEPS, MAX_CELLS, MAX_TYPE_STEPS = 6_000, 6_000, 6_000
MAX_SECONDS = 20_000
MAX_POP = 60
"""Bytes kept of the name of an edge location."""
MAX_PAIR = 600
"""Bytes of a method and host together that are held until they are counted apart."""
OTHER = "other"
"""Stands for all edge locations, or result types, beyond those that are told apart."""

SUSPECT = frozenset({b"Error", b"LambdaValidationError", b"FunctionValidationError"})
"""Results that are of interest where the status is that of a success."""

_CLEAN: Mapping[str, Callable[[bytes], str]] = {
    "pop": keys.text,
    "host": keys.host,
    "path": keys.path,
    "method": keys.text,
    "origin": keys.host,
}
"""How the values of a column become keys."""


class _Errors:
    """Errors and repeats by one key, so many keys at most."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.counts: dict[str, list[int]] = {}
        self.others = [0, 0]

    def add(self, key: str, *, is_repeat: bool) -> None:
        count = self.counts.get(key)
        if count is None:
            if len(self.counts) >= 2 * self._limit:
                self._prune()
            count = self.counts[key] = [0, 0]
        count[0] += 1
        count[1] += is_repeat

    def _prune(self) -> None:
        ranked = sorted(self.counts.items(), key=lambda item: -item[1][0])
        self.counts = dict(ranked[: self._limit])
        for _, (errors, repeats) in ranked[self._limit :]:
            self.others[0] += errors
            self.others[1] += repeats


class _Type:
    """One detailed result type with one status."""

    def __init__(self, key: tuple[str, int, bool], second: int) -> None:
        self.name, self.status, self.is_detailed = key
        self.label = f"{self.name} {self.status} {self.is_detailed}"
        self.count = 0
        self.first = self.last = second
        self.took = [0] * (len(TOOK_S) + 1)
        self.examples: list[Example] = []


class Tally:
    """Everything counted so far."""

    def __init__(self, status: int = 502, since: int | None = None, until: int | None = None) -> None:
        """`since` and `until` are seconds since 1970; `until` itself is outside."""
        self.focus = f"{status:03}".encode()
        """The status asked for, as it stands in a log."""
        self._status, self._since, self._until = status, since, until
        self._wanted = frozenset(f"{code:03}".encode() for code in {*NEIGHBORS, status})
        self._hot: Counter[tuple[bytes, bytes, bytes]] = Counter()
        self._total, self._grid, self._typed = Timeline(MAX_STEPS), Timeline(MAX_CELLS), Timeline(MAX_TYPE_STEPS)
        self._starts: dict[bytes, int | None] = {}
        self._pops: dict[str, int] = {}
        self._statuses: Counter[str] = Counter()
        self._errors = {
            "pop": _Errors(MAX_POPS),
            "host": _Errors(MAX_HOSTS),
            "path": _Errors(MAX_PATHS),
            "method": _Errors(MAX_METHODS),
            "origin": _Errors(MAX_ORIGINS),
        }
        paths, hosts = self._errors["path"], self._errors["host"]
        self._counts = {
            "host": BoundedCounts(MAX_HOSTS, lambda key: keys.host(key) in hosts.counts),
            "path": BoundedCounts(MAX_PATHS, lambda key: keys.path(key) in paths.counts),
            "method": BoundedCounts(MAX_METHODS),
            "origin": BoundedCounts(MAX_ORIGINS),
        }
        self._pairs: Counter[tuple[bytes, ...]] = Counter()
        self._columns: Columns | None = None
        self._known: set[str] = set()
        self._types: dict[tuple[str, int, bool], _Type] = {}
        self._first = self._last = self._first_error = self._last_error = -1
        self._seconds: list[int] = []
        self._is_complete = True
        self.parsed = 0
        """Lines that count."""
        self.malformed = 0
        self.outside = 0
        """Lines of another time than was asked for."""
        self._samples: list[Sample] = []
        self._found = dict.fromkeys(("errors", "repeats", "untyped", "cut", "wide", "masked"), 0)

    def drop(self, count: int, file: str, line: int, says: str) -> None:
        """Count lines that could not even be divided into columns."""
        if count:
            self.malformed += count
            self._sample(file, line, says)

    def add(self, batch: Batch, file: str) -> None:
        """Count the lines of a batch."""
        if self._since is not None or self._until is not None:
            batch = self._inside(batch)
        batch = self._usable(batch, file)
        if not batch.minutes:
            return
        self.parsed += len(batch.cells)
        self._add_denominators(batch.cells, batch.columns)
        self.look(batch)
        if len(self._hot) > MAX_HOT:
            self._fold()

    def look(self, batch: Batch) -> None:
        """Look at the lines of interest in a batch that was counted."""
        cells, columns = batch.cells, batch.columns
        chosen = set(
            compress(range(len(cells)), map(self._wanted.__contains__, map(itemgetter(columns.status), cells)))
        )
        if columns.result is not None:
            suspect = compress(range(len(cells)), map(SUSPECT.__contains__, map(itemgetter(columns.result), cells)))
            chosen.update(i for i in suspect if cells[i][columns.status][:1] in b"23")
        for i in sorted(chosen):
            row = batch.row(i)
            second = self._start(batch.minutes[i]) if row.second is None else row.second
            assert second is not None
            self._add_row(row, second)

    def meaning_of_minute(self, key: bytes) -> Meaning:
        """Return whether all lines of a minute count, or none; ODD where that has to be asked of each."""
        if self._start(key) is None:
            return Meaning.ODD
        side = True if self._since is None and self._until is None else self._side(key)
        return Meaning.ODD if side is None else Meaning.PLAIN if side else Meaning.OUTSIDE

    def meaning_of_status(self, status: bytes) -> Meaning:
        """Return whether lines with a status count, and are of interest."""
        if not _is_status(status):
            return Meaning.ODD
        if status in self._wanted:
            return Meaning.WANTED
        return Meaning.SUSPECT if status[:1] in b"23" else Meaning.PLAIN

    def add_counted(self, columns: Columns, parsed: int, outside: int) -> None:
        """Take note of lines whose counts will be given to `add_totals`."""
        self.parsed += parsed
        self.outside += outside
        if parsed:
            self._know(columns)

    def add_totals(self, times: Times, counts: Mapping[str, Counter[bytes]]) -> None:
        """Add what was counted elsewhere: over time, and by column."""
        self._add_times(times)
        for name, count in counts.items():
            self._counts[name].add_counts(count)

    @property
    def step(self) -> int:
        """Seconds of the steps in which edge locations are counted, for now."""
        return self._grid.width

    def _know(self, columns: Columns) -> None:
        if columns is not self._columns:
            self._columns = columns
            self._known.update(name for name in _CLEAN if getattr(columns, name) is not None)

    def _add_denominators(self, cells: Sequence[Cells], columns: Columns) -> None:
        """Count every line by path, host, method and origin."""
        self._know(columns)
        apart = [("path", columns.path), ("origin", columns.origin)]
        if columns.method is not None and columns.host is not None:
            self._add_pairs(map(itemgetter(columns.method, columns.host), cells))
        else:
            apart += [("method", columns.method), ("host", columns.host)]
        for name, position in apart:
            if position is not None:
                self._counts[name].add(map(itemgetter(position), cells))

    def _add_pairs(self, found: Iterable[tuple[bytes, ...]]) -> None:
        """Count methods and hosts together: there are few pairs of them, so it is quicker than each alone."""
        pairs = self._pairs
        before = len(pairs)
        pairs.update(found)
        fresh = islice(reversed(pairs), len(pairs) - before)
        if len(pairs) > MAX_HOT or any(sum(map(len, pair)) > MAX_PAIR for pair in fresh):
            self._unpair()

    # --- lines that do not count ----------------------------------------------------------------------------------

    def _inside(self, batch: Batch) -> Batch:
        """Return what lies in the window that was asked for; a line without a time stays, and turns out malformed."""
        sides: dict[bytes, bool | None] = {}
        kept: list[int] = []
        for i, key in enumerate(batch.minutes):
            if key not in sides:
                sides[key] = self._side(key)
            side = sides[key]
            if side is None:
                second = batch.row(i).second
                since, until = self._window
                side = second is None or since <= second < until
            if side:
                kept.append(i)
        self.outside += len(batch.minutes) - len(kept)
        return batch if len(kept) == len(batch.minutes) else batch.select(kept)

    @property
    def _window(self) -> tuple[int, int]:
        return self._since or 0, self._until or moments.LATEST

    def _side(self, key: bytes) -> bool | None:
        """Return whether the minute of `key` lies in the window that was asked for; None: some of it."""
        since, until = self._window
        start = moments.minute(key)
        length = 60 if len(key) > 10 else 1
        whole = start is None or (since <= start and start + length <= until)
        apart = start is not None and (start + length <= since or start >= until)
        return True if whole else False if apart else None

    def _usable(self, batch: Batch, file: str) -> Batch:
        """Count by minute, edge location and status, and return the batch without lines that lack a time or status."""
        hot, cells, columns = self._hot, batch.cells, batch.columns
        before = len(hot)
        statuses = list(map(itemgetter(columns.status), cells))
        pops: Iterable[bytes] = repeat(b"", len(cells)) if columns.pop is None else map(itemgetter(columns.pop), cells)
        hot.update(zip(batch.minutes, pops, statuses, strict=True))
        fresh = list(islice(reversed(hot), len(hot) - before))
        bad = {key for key in fresh if not self._is_usable(key)}
        for key in fresh:
            if len(key[1]) > MAX_POP and key not in bad:
                hot[key[0], key[1][:MAX_POP], key[2]] += hot.pop(key)
        if not bad:
            return batch
        for key in bad:
            self.malformed += hot.pop(key)
        kept = []
        pops = repeat(b"", len(cells)) if columns.pop is None else map(itemgetter(columns.pop), cells)
        for i, key in enumerate(zip(batch.minutes, pops, statuses, strict=True)):
            if key not in bad:
                kept.append(i)
            elif len(self._samples) < MAX_SAMPLES:
                line, says = batch.place(i)
                self._sample(file, line, says)
        return batch.select(kept)

    def _sample(self, file: str, line: int, says: str) -> None:
        if len(self._samples) < MAX_SAMPLES:
            self._samples.append(Sample(file=file[-300:], line=line, says=says[:300]))

    # --- lines of interest ----------------------------------------------------------------------------------------

    def _add_row(self, row: Row, second: int) -> None:
        name = (row.detailed or row.result).decode("utf-8", "replace")[:60]
        status = int(row.status)
        known = result_type(name)
        if row.status not in self._wanted:
            if not known.is_cause_of_502:
                return
            self._found["masked"] += 1
        self._add_type(row, second, name, status)
        if status != self._status:
            return
        repeats = bool(row.detailed) and is_repeat(name)
        found = self._found
        found["errors"] += 1
        found["repeats"] += repeats
        found["untyped"] += not row.detailed
        found["cut"] += row.is_cut
        found["wide"] += row.is_wide
        if self._first_error < 0 or second < self._first_error:
            self._first_error = second
        self._last_error = max(self._last_error, second)
        errors = self._errors
        for dimension, key in (
            ("pop", self._pop(row.pop)),
            ("host", keys.host(row.host)),
            ("path", keys.path(row.path)),
            ("method", keys.text(row.method)),
            ("origin", keys.host(row.origin)),
        ):
            if dimension in self._known:
                errors[dimension].add(key, is_repeat=repeats)
        if not repeats:
            self._add_second(second)

    def _add_type(self, row: Row, second: int, name: str, status: int) -> None:
        key = name, status, bool(row.detailed)
        of = self._types.get(key)
        if of is None:
            if len(self._types) >= MAX_TYPES:
                key = OTHER, status, True
            of = self._types.setdefault(key, _Type(key, second))
        of.count += 1
        of.first, of.last = min(of.first, second), max(of.last, second)
        self._typed.add(second, of.label, 0, 1)
        took = _seconds(row.took)
        if took is not None:
            of.took[bisect_left(TOOK_S, took)] += 1
        if len(of.examples) < MAX_EXAMPLES or second <= of.examples[-1].at:
            example = Example(
                at=second,
                pop=keys.text(row.pop),
                request_id=keys.text(row.request_id),
                path=keys.path(row.path),
            )
            if example not in of.examples:
                insort(of.examples, example, key=lambda e: (e.at, e.request_id, e.pop, e.path))
                del of.examples[MAX_EXAMPLES:]

    def _add_second(self, second: int) -> None:
        at = bisect_left(self._seconds, second)
        if at < len(self._seconds) and self._seconds[at] == second:
            return
        if len(self._seconds) < MAX_SECONDS:
            self._seconds.insert(at, second)
        else:
            self._is_complete = False
            if at < len(self._seconds):
                self._seconds.insert(at, second)
                self._seconds.pop()

    # --- folding --------------------------------------------------------------------------------------------------

    def _is_usable(self, key: tuple[bytes, bytes, bytes]) -> bool:
        return _is_status(key[2]) and self._start(key[0]) is not None

    def _start(self, minute: bytes) -> int | None:
        """Return `moments.minute`, which is asked again and again for the same minutes."""
        try:
            return self._starts[minute]
        except KeyError:
            if len(self._starts) >= MAX_HOT:
                self._starts.clear()
            start = self._starts[minute] = moments.minute(minute)
            return start

    def _fold(self) -> None:
        """Put the hot counter into the counts over time."""
        total: dict[int, list[int]] = {}
        by_status: dict[tuple[int, bytes], int] = {}
        by_pop: dict[tuple[int, bytes], list[int]] = {}
        width = self.step
        for (minute, pop, status), count in self._hot.items():
            start = self._start(minute)
            assert start is not None
            errors = count if status == self.focus else 0
            add_pair(total, start, count, errors)
            key = start, status
            by_status[key] = by_status.get(key, 0) + count
            add_pair(by_pop, (start - start % width, pop), count, errors)
        self._hot.clear()
        self._add_times(Times(total, by_status, by_pop))

    def _add_times(self, times: Times) -> None:
        """Put counts over time into those that are kept."""
        total, by_status, by_pop = times
        has_pops = "pop" in self._known
        for start, (count, errors) in total.items():
            self._total.add(start, "", count, errors)
        for (start, status), count in by_status.items():
            self._statuses[status.decode()] += count
            if status in self._wanted:
                self._total.add(start, status.decode(), 0, count)
        for (start, pop), (count, errors) in by_pop.items():
            name = self._pop(pop)
            self._pops[name] = self._pops.get(name, 0) + count
            if has_pops:
                self._grid.add(start, name, count, errors)
        if total:
            first = min(total)
            self._first = first if self._first < 0 else min(self._first, first)
            self._last = max([self._last, *total])

    def _unpair(self) -> None:
        """Put the pairs of method and host into the counts of each."""
        for place, name in enumerate(("method", "host")):
            count: Counter[bytes] = Counter()
            for pair, number in self._pairs.items():
                count[pair[place]] += number
            self._counts[name].add_counts(count)
        self._pairs.clear()

    def _pop(self, value: bytes) -> str:
        name = keys.text(value[:MAX_POP])
        return name if name in self._pops or len(self._pops) < MAX_POPS else OTHER

    def summary(self, files: Files | None = None) -> LogSummary:
        """Return everything counted so far, with as many keys as are held."""
        self._fold()
        self._unpair()
        found = self._found
        return LogSummary(
            status=self._status,
            files=files or Files(),
            lines=Lines(
                read=self.parsed + self.malformed + self.outside,
                parsed=self.parsed,
                malformed=self.malformed,
                outside=self.outside,
                samples=tuple(self._samples),
            ),
            requests=self.parsed,
            errors=found["errors"],
            repeats=found["repeats"],
            repeats_explained=sum(r for e, r in self._errors["path"].counts.values() if r < e),
            untyped=found["untyped"],
            cut=found["cut"],
            wide=found["wide"],
            masked=found["masked"],
            since=self._since,
            until=self._until,
            first_request=_known(self._first),
            last_request=_known(max(self._last, self._last_error)),
            first_error=_known(self._first_error),
            last_error=_known(self._last_error),
            statuses=dict(sorted(self._statuses.items())),
            types=self._type_counts(),
            series=self._total.series(""),
            neighbors={f"{c:03}": self._total.series(f"{c:03}") for c in sorted({*NEIGHBORS, self._status})},
            pops=self._dimension("pop"),
            hosts=self._dimension("host"),
            paths=self._dimension("path"),
            methods=self._dimension("method"),
            origins=self._dimension("origin"),
            grid=self._grid.grid(),
            seconds=tuple(self._seconds),
            seconds_complete=self._is_complete,
        )

    def _type_counts(self) -> tuple[TypeCount, ...]:
        return tuple(
            TypeCount(
                name=t.name,
                status=t.status,
                count=t.count,
                detailed=t.is_detailed,
                first=t.first,
                last=t.last,
                took=tuple(t.took),
                series=self._typed.series(t.label),
                examples=tuple(t.examples),
            )
            for t in sorted(self._types.values(), key=lambda t: (-t.count, t.name, t.status, t.is_detailed))
        )

    def _dimension(self, name: str) -> Dimension:
        if name not in self._known:
            return Dimension()
        errors = self._errors[name]
        requests: dict[str, int] = {}
        others, missed = 0, 0
        if name == "pop":
            requests = self._pops
        else:
            counts = self._counts[name]
            clean = _CLEAN[name]
            for key, count in counts.counts.items():
                shown = clean(key)
                requests[shown] = requests.get(shown, 0) + count
            others, missed = counts.others, counts.missed
        found = [
            KeyCount(key=key, requests=requests.get(key, 0), errors=e, repeats=r)
            for key, (e, r) in (
                *errors.counts.items(),
                *((key, (0, 0)) for key in requests if key not in errors.counts),
            )
        ]
        return Dimension(
            known=True,
            keys=tuple(sorted(found, key=rank)),
            others=KeyCount(key="", requests=others, errors=errors.others[0], repeats=errors.others[1]),
            missed=missed,
        )


def rank(count: KeyCount) -> tuple[int, int, str]:
    """Return by what keys are put in order: most errors first, then most requests."""
    return (-count.errors, -count.requests, count.key)


def _is_status(value: bytes) -> bool:
    return len(value) == 3 and value.isdigit()


def _known(second: int) -> int | None:
    return None if second < 0 else second


def _seconds(text: bytes) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 <= value < 1e9 else None
