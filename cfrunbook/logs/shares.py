"""What to read, divided among processes: whole files, and ranges of large plain ones that begin at a line."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from cfrunbook.logs.files import LogFile
from cfrunbook.logs.lines import MAX_LINE

MAX_PROCESSES = 2
"""Each process holds its own counts: two of them stay below 80 MB together."""
WORTH = 48 << 20
"""Bytes of log text from which a second process pays for its start."""
_SPLIT_FROM = 32 << 20
_INFLATED = 6
"""How much longer the text in a .gz is, about."""
_STEP = 1 << 20


class Part(msgspec.Struct, frozen=True):
    """A file, or a range of a plain one that begins and ends at line ends."""

    path: Path
    size: int
    start: int = 0
    end: int | None = None
    is_regular: bool = True

    @property
    def length(self) -> int:
        """Stored bytes."""
        return (self.size if self.end is None else self.end) - self.start

    @property
    def weight(self) -> int:
        """Bytes of text, about: a guess by the name, which decides nothing else."""
        return self.length * (_INFLATED if self.path.suffix == ".gz" else 1)


def divide(found: Sequence[LogFile], processes: int | None) -> list[list[Part]]:
    """Return a share for each process, equal in work as far as can be foreseen; None processes: as many as help."""
    parts = [Part(file.path, file.size, is_regular=file.is_regular) for file in found]
    total = sum(part.weight for part in parts)
    if processes is None:
        processes = min(MAX_PROCESSES, cpus()) if total >= WORTH else 1
    if processes < 2:
        return [parts]
    ranges = [piece for part in parts for piece in _split(part, processes)]
    shares: list[list[tuple[int, Part]]] = [[] for _ in range(processes)]
    loads = [0] * processes
    for number, part in sorted(enumerate(ranges), key=lambda item: -item[1].weight):
        least = loads.index(min(loads))
        shares[least].append((number, part))
        loads[least] += part.weight
    return [[part for _, part in sorted(share, key=lambda item: item[0])] for share in shares if share]


def cpus() -> int:
    """Return how many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except (AttributeError, OSError):  # not Linux
        return os.cpu_count() or 1


def _split(part: Part, count: int) -> list[Part]:
    """Return ranges of a large plain file with a header; any other file whole."""
    if not part.is_regular or part.size < _SPLIT_FROM:
        return [part]
    try:
        with part.path.open("rb") as file:
            if file.read(1) != b"#":
                return [part]
            cuts = [0]
            for number in range(1, count):
                file.seek(part.size * number // count)
                end = file.read(MAX_LINE).find(b"\n")
                if end >= 0:
                    cuts.append(part.size * number // count + end + 1)
    except OSError:
        return [part]  # whoever reads it says what is wrong
    ends: list[int | None] = [*cuts[1:], None]
    return [Part(part.path, part.size, start, end) for start, end in zip(cuts, ends, strict=True)]


def header_before(path: Path, offset: int) -> bytes:
    """Return the last `#Fields:` line before `offset`; empty where there is none. Raises OSError."""
    with path.open("rb") as file:
        end = offset
        while end > 0:
            start = max(0, end - _STEP)
            file.seek(start)
            block = file.read(min(offset, end + MAX_LINE) - start)
            at = len(block)
            while (at := block.rfind(b"#Fields:", 0, at)) >= 0:
                if start + at < end and (start + at == 0 or block[at - 1 : at] == b"\n"):
                    return block[at:].partition(b"\n")[0]
            end = start + 1 if start else 0  # the byte before a header may be in the block before
    return b""


def lines_before(path: Path, offset: int) -> int:
    """Return how many lines end before `offset`. Raises OSError."""
    count = 0
    with path.open("rb") as file:
        while offset > 0 and (block := file.read(min(_STEP, offset))):
            count += block.count(b"\n")
            offset -= len(block)
    return count
