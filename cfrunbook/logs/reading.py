"""Access logs from files, counted: one pass, two processes where that helps, one sentence for each file that fails."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

import msgspec

from cfrunbook.errors import BadInput
from cfrunbook.findings import Struct
from cfrunbook.log_summary import MAX_GUESSES, MAX_PROBLEMS, FileProblem, Files, LogSummary
from cfrunbook.logs import files, foreign, inflate, merging, moments, parquet, shares
from cfrunbook.logs.blocks import Blocks
from cfrunbook.logs.delimited import DelimitedReader
from cfrunbook.logs.json_rows import JsonReader
from cfrunbook.logs.lines import MAX_LINE, LineSplitter
from cfrunbook.logs.refusal import Damaged, Refused
from cfrunbook.logs.shares import Part
from cfrunbook.logs.tally import Tally
from cfrunbook.text import visible

MAX_MALFORMED = 50_000
"""Lines that cannot be used, and no other, after which the rest of a file is left alone."""
WORTH_BLOCKS = 32 << 20
"""Bytes of log text for each process from which counting in blocks pays for the start of numpy."""
_HEAD, _BEGUN = 4096, 1 << 20
"""Bytes by which it is told what a file is, and how far they are looked for behind white space."""


class Options(Struct, frozen=True, kw_only=True):
    """What is asked of the logs."""

    status: int = 502
    since: int | None = None
    """Seconds since 1970; requests before are left out."""
    until: int | None = None
    """Seconds since 1970; requests from then on are left out."""
    fields: tuple[str, ...] = ()
    """Names of the columns, for files that do not say."""


def read(
    paths: Sequence[str | os.PathLike[str]],
    options: Options | None = None,
    *,
    processes: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> LogSummary:
    """Return what the logs say.

    `processes` is how many read; None: as many as help. `progress` is told now and then how many bytes were read,
    about, and how many there are. Raises BadInput where nothing that was named is a CloudFront access log.
    """
    options = options or Options()
    found = files.find(paths)
    meant = [file for file in found if files.may_hold(file, options.since, options.until)]
    divided = shares.divide(meant, processes)
    in_blocks = sum(part.weight for share in divided for part in share) >= len(divided) * WORTH_BLOCKS
    if len(divided) > 1:
        from cfrunbook.logs import worker

        summaries = worker.work(divided, options, progress, in_blocks=in_blocks)
    else:
        total = sum(part.length for part in divided[0])
        summaries = [count(divided[0], options, steps(progress, total, 1), in_blocks=in_blocks)]
    named = [visible(path, 4096) for path in paths]
    summary = merging.with_files(
        merging.merged(summaries), paths=named, given=len(found), skipped=len(found) - len(meant)
    )
    seen = summary.files
    if seen.problems and not seen.read and not summary.lines.read:
        others = seen.failed - 1
        more = f" Nor can the other {f'{others:,} files' if others > 1 else 'file'} be used." if others else ""
        raise BadInput(f"Access logs: {seen.problems[0].file} {seen.problems[0].says}{more}")
    return summary


def count(
    parts: Sequence[Part],
    options: Options,
    progress: Callable[[int], None] | None = None,
    *,
    in_blocks: bool = False,
) -> LogSummary:
    """Return what some parts say, read one after the other; `progress` is told how many bytes more were read.

    With `in_blocks`, numpy counts many lines at once where it is installed.
    """
    tally = Tally(options.status, options.since, options.until)
    blocks = Blocks(tally, are_wanted=in_blocks)
    seen = _Seen()
    for part in parts:
        seen.add(_File(part, tally, options, blocks), progress)
    blocks.finish()
    return tally.summary(seen.files())


def steps(progress: Callable[[int, int], None] | None, total: int, times: int) -> Callable[[int], None] | None:
    """Return how one of `times` equal shares tells its progress as that of all."""
    if progress is None:
        return None
    done = 0

    def step(more: int) -> None:
        nonlocal done
        done += more * times
        progress(min(done, total), total)

    return step


class _Seen(msgspec.Struct):
    """What became of the files."""

    problems: list[FileProblem] = []
    formats: dict[str, int] = {}
    guesses: dict[str, int] = {}
    read: int = 0
    empty: int = 0
    failed: int = 0
    bytes: int = 0

    def files(self) -> Files:
        return Files(
            read=self.read,
            empty=self.empty,
            bytes=self.bytes,
            failed=self.failed,
            problems=tuple(self.problems),
            formats=dict(sorted(self.formats.items())),
            guesses=self.guesses,
        )

    def add(self, file: _File, progress: Callable[[int], None] | None) -> None:
        """Count one part; what is wrong with it is noted, and the next one is read all the same."""
        part, tally = file.part, file.tally
        before = tally.parsed
        try:
            file.count(progress)
        except (Refused, Damaged) as error:
            self._fail(file.name, str(error), salvaged=tally.parsed > before)
        except OSError as error:
            self._fail(file.name, f"cannot be read: {error.strerror or error}.", salvaged=tally.parsed > before)
        else:
            if part.start == 0:
                self.read += 1
                self.empty += not file.has_lines
        self.bytes += part.length
        if part.start == 0 and file.format:
            self.formats[file.format] = self.formats.get(file.format, 0) + 1
            if file.guessed and (file.guessed in self.guesses or len(self.guesses) < MAX_GUESSES):
                self.guesses[file.guessed] = self.guesses.get(file.guessed, 0) + 1

    def _fail(self, name: str, says: str, *, salvaged: bool) -> None:
        self.failed += 1
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(FileProblem(file=name, says=says[:600], salvaged=salvaged))


class _File:
    """One part on its way into a tally."""

    def __init__(self, part: Part, tally: Tally, options: Options, blocks: Blocks) -> None:
        self.part, self.tally, self._options, self._blocks = part, tally, options, blocks
        self._fallback = moments.hour_of_file(part.path.name)
        self.name = visible(part.path, 290)
        self.has_lines = False
        self.format = ""
        self.guessed = ""

    def count(self, progress: Callable[[int], None] | None) -> None:
        """Read it to its end. Raises Refused, Damaged, OSError."""
        part = self.part
        if part.is_regular and part.start == 0 and inflate.is_parquet(part.path):
            self._parquet()
            return
        with part.path.open("rb", buffering=0) as file:
            if part.start:
                file.seek(part.start)
            given = inflate.blocks(file, None if part.end is None else part.end - part.start, progress)
            self._text(_Blocks(given))

    def _parquet(self) -> None:
        reader = JsonReader(fallback=self._fallback)
        self.format = "Parquet"
        for batch in parquet.batches(self.part.path, reader):
            self.has_lines = True
            self.tally.add(batch, self.name)

    def _text(self, blocks: _Blocks) -> None:
        head = blocks.head
        if self.part.start == 0 and not head.startswith(b"#"):
            what = foreign.recognize(head)
            if what:
                raise Refused(f"{what}.")
        if self.part.start == 0 and head[:1] in (b"{", b"["):
            self._json(blocks)
        else:
            self._lines(blocks)
        if blocks.damage:
            raise blocks.damage

    def _json(self, blocks: _Blocks) -> None:
        reader = JsonReader(fallback=self._fallback)
        for block in blocks:
            for batch in reader.batches(block):
                self.tally.add(batch, self.name)
        for batch in reader.finish():
            self.tally.add(batch, self.name)
        self.tally.drop(reader.broken, self.name, reader.first_broken, "no JSON object")
        self.tally.drop(reader.too_long, self.name, 0, f"an object of more than {MAX_LINE // 1024} KiB")
        self.has_lines = reader.number > 0
        if not self.has_lines and not blocks.damage:
            raise Refused("has no object in it: it is no CloudFront access log.")
        if reader.layout:
            self.format = "JSON"

    def _lines(self, blocks: _Blocks) -> None:
        part = self.part
        splitter = LineSplitter()
        reader = DelimitedReader(
            names=self._options.fields,
            header=shares.header_before(part.path, part.start) if part.start else b"",
            fallback=self._fallback,
            before=lru_cache(maxsize=1)(lambda: shares.lines_before(part.path, part.start)),
            in_blocks=self._blocks.are_wanted,
        )
        add, name, tally = self._blocks.add, self.name, self.tally
        good, bad = tally.parsed + tally.outside, tally.malformed
        for block in blocks:
            for batch in reader.batches(splitter.feed(block)):
                add(batch, name)
            if tally.malformed - bad > MAX_MALFORMED and tally.parsed + tally.outside == good:
                raise Damaged(f"begins with more than {MAX_MALFORMED:,} malformed lines; it was left at that.")
        for batch in reader.batches(splitter.finish()):
            add(batch, name)
        for batch in reader.finish():
            add(batch, name)
        self.tally.drop(splitter.too_long, name, 0, f"a line of more than {MAX_LINE // 1024} KiB")
        of = reader.layout
        self.has_lines = of is not None or bool(splitter.too_long)
        if of:
            self.format = "real-time" if of.is_real_time else "standard"
            self.guessed = of.guessed


class _Blocks:
    """Blocks of text whose beginning can be looked at; damage at their end is kept until they are used up."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self.damage: Damaged | None = None
        self.head = b""
        """The first bytes that are not white space."""
        begun = b""
        for block in self._next():
            begun += block
            self.head = begun.lstrip()[:_HEAD]
            if len(self.head) == _HEAD or len(begun) > _BEGUN:
                break
        self._begun = begun

    def __iter__(self) -> Iterator[bytes]:
        yield self._begun
        yield from self._next()

    def _next(self) -> Iterator[bytes]:
        while self.damage is None:
            try:
                block = next(self._blocks, None)
            except Damaged as error:
                self.damage = error
                return
            if block is None:
                return
            yield block
