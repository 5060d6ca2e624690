"""A second process that counts its share, started by `reading` and asked over a pipe.

A program of its own instead of a fork: a fork of a process with threads, such as a notebook's kernel, may hang.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

import cfrunbook
from cfrunbook.findings import Struct
from cfrunbook.log_summary import LogSummary
from cfrunbook.logs.reading import Options, count, steps
from cfrunbook.logs.shares import Part


class Share(Struct, frozen=True, kw_only=True):
    """What the other process is to do."""

    parts: tuple[tuple[bytes, int, int, int | None], ...]
    """Path, size, start and end; a path need not be text."""
    options: Options
    in_blocks: bool


def work(
    shares: Sequence[Sequence[Part]],
    options: Options,
    progress: Callable[[int, int], None] | None,
    *,
    in_blocks: bool = False,
) -> list[LogSummary]:
    """Return the summary of each share: the first is counted here, the others each in a process of its own.

    A process that cannot be started, or dies, leaves its share to us.
    """
    total = sum(part.length for share in shares for part in share)
    others: list[subprocess.Popen[bytes] | None] = []
    try:
        others.extend(_start(share, options, in_blocks) for share in shares[1:])
        found = [count(shares[0], options, steps(progress, total, len(shares)), in_blocks=in_blocks)]
        for share, process in zip(shares[1:], others, strict=True):
            found.append(_finish(process) or count(share, options, in_blocks=in_blocks))
        return found
    finally:
        for process in others:
            if process is not None:
                _stop(process)


def _start(share: Sequence[Part], options: Options, in_blocks: bool) -> subprocess.Popen[bytes] | None:
    if not all(part.is_regular for part in share):
        return None  # a pipe is ours alone
    home = str(Path(cfrunbook.__file__).resolve().parent.parent)
    path = os.pathsep.join([home, *filter(None, [os.environ.get("PYTHONPATH")])])
    asked = Share(
        parts=tuple((os.fsencode(p.path), p.size, p.start, p.end) for p in share),
        options=options,
        in_blocks=in_blocks,
    )
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "cfrunbook.logs.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": path},
        )
    except OSError:
        return None
    assert process.stdin is not None
    with suppress(OSError):
        process.stdin.write(msgspec.json.encode(asked, enc_hook=str))
        process.stdin.close()
    return process


def _finish(process: subprocess.Popen[bytes] | None) -> LogSummary | None:
    if process is None:
        return None
    assert process.stdout is not None
    answer = process.stdout.read()
    process.wait()
    with suppress(msgspec.DecodeError, msgspec.ValidationError):
        return msgspec.msgpack.decode(answer, type=LogSummary)
    return None


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(OSError):
                stream.close()


def main() -> None:
    """Read a share from standard input, and write its summary to standard output."""
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Share)
    parts = [Part(Path(os.fsdecode(path)), size, start, end) for path, size, start, end in asked.parts]
    sys.stdout.buffer.write(msgspec.msgpack.encode(count(parts, asked.options, in_blocks=asked.in_blocks)))


if __name__ == "__main__":
    main()
