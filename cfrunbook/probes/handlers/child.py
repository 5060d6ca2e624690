"""One process with a report on a pipe: fed once, read in bounds, ended with everything it started."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import tempfile
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

_CHUNK = 1 << 16
_START_SECONDS = 20.0
"""For namespaces, shell and runtime to come up, on a machine that is busy."""
_LAST_WORDS_SECONDS = 1.0
"""For what is left in the pipes once all writers have been killed."""
MAX_HEADER = 2 * 1024 * 1024 + _CHUNK
"""Of the two lines before the result: 20 calls of helpers of 100,000 characters each, and the rest."""


@dataclass(slots=True)
class Ended:
    """What came of a process."""

    report: bytearray = field(default_factory=bytearray)
    """The two lines and the result, as far as they were wanted."""
    up: asyncio.Event = field(default_factory=asyncio.Event)
    """Set with the first line: the runtime has come up."""
    whole: bool = False
    """There is a report, as far as it was wanted."""
    overflow: bool = False
    """The report was larger than wanted; the process was ended there."""
    timed_out: bool = False
    console: bytearray = field(default_factory=bytearray)
    console_bytes: int = 0
    status: int | None = None
    """Exit status, negative for a signal, where the process ended by itself."""
    elapsed_ms: float = 0.0

    @property
    def started(self) -> bool:
        """Whether the runtime came up."""
        return self.up.is_set()


async def run(
    command: Callable[[int], tuple[Sequence[str], bytes]],
    *,
    environment: Mapping[str, str],
    directory: str,
    seconds: float,
    keep_report: int,
    keep_console: int,
) -> Ended:
    """Start a process, wait for its report, its end or the deadline, and end it with all that it started.

    `command` gets the number of the pipe for the report and returns the command line and what goes to stdin. The
    report is whole with two lines and the bytes that the second one announces, of which `keep_report` are read.
    Raises OSError where the process cannot be started.
    """
    began = time.monotonic()
    ended = Ended()
    async with _pipe() as (report, report_end), _pipe() as (console, console_end):
        with report_end, console_end:
            process = await _start(command, report_end.fileno(), console_end.fileno(), environment, directory)
        tasks = (
            asyncio.create_task(_read_report(report, ended, keep_report)),
            asyncio.create_task(_read_console(console, ended, keep_console)),
            asyncio.create_task(process.wait()),
        )
        try:
            await _attend(process, ended, tasks, seconds=seconds)
        finally:
            _kill(process)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await process.wait()
    ended.elapsed_ms = (time.monotonic() - began) * 1000
    return ended


@contextlib.asynccontextmanager
async def _pipe() -> AsyncIterator[tuple[asyncio.StreamReader, BinaryIO]]:
    """Make a pipe: a reader for us, and its other end. Whoever still holds that cannot keep ours open."""
    reading, writing = os.pipe()
    stream = asyncio.StreamReader(limit=_CHUNK)
    with os.fdopen(writing, "wb", buffering=0) as end:
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(reading, "rb", buffering=0)
        )
        try:
            yield stream, end
        finally:
            transport.close()


async def _start(
    command: Callable[[int], tuple[Sequence[str], bytes]],
    report: int,
    console: int,
    environment: Mapping[str, str],
    directory: str,
) -> Process:
    arguments, given = command(report)
    # A file, because a pipe would have to be fed while everything else is read. It has no name and no room to grow.
    with tempfile.TemporaryFile() as stdin:
        stdin.write(given)
        stdin.seek(0)
        return await asyncio.create_subprocess_exec(
            *arguments,
            stdin=stdin,
            stdout=console,
            stderr=console,
            env=dict(environment),
            cwd=directory,
            pass_fds=(report,),
            start_new_session=True,
        )


async def _attend(
    process: Process,
    ended: Ended,
    tasks: tuple[asyncio.Task[None], asyncio.Task[None], asyncio.Task[int]],
    *,
    seconds: float,
) -> None:
    """Wait until there is a report, the process has ended or the time is over; then kill it and read what is left."""
    reporting, printing, ending = tasks
    starting = asyncio.create_task(ended.up.wait())
    first = asyncio.FIRST_COMPLETED
    await asyncio.wait({starting, reporting, ending}, timeout=_START_SECONDS, return_when=first)
    starting.cancel()
    if ended.started:
        end = time.monotonic() + seconds
        await asyncio.wait({reporting, ending}, timeout=seconds, return_when=first)
        if (
            reporting.done() and not ended.whole
        ):  # nobody can report any more: how the process ends is all there will be
            await asyncio.wait({ending}, timeout=end - time.monotonic())
    ended.timed_out = not ended.whole and not ending.done()
    ended.status = ending.result() if ending.done() else None
    _kill(process)
    await asyncio.wait({reporting, printing}, timeout=_LAST_WORDS_SECONDS)


def _kill(process: Process) -> None:
    """End the process group; with namespaces that ends whatever left the group too."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


async def _read_report(stream: asyncio.StreamReader, ended: Ended, keep: int) -> None:
    """Read until the report is whole or too large, or nobody can write any more."""
    lines, end = 0, MAX_HEADER
    while chunk := await stream.read(_CHUNK):
        ended.report += chunk
        if lines < 2 and (lines := min(ended.report.count(b"\n"), 2)):
            ended.up.set()
            if lines == 2:
                header = _header(ended.report)
                size = announced(bytes(ended.report[:header]))
                ended.overflow = size > keep
                end = header + min(size, keep)
        if ended.overflow or len(ended.report) >= end:
            ended.whole = True
            return


def _header(report: bytearray) -> int:
    return report.index(b"\n", report.index(b"\n") + 1) + 1


def announced(header: bytes) -> int:
    """Return how many bytes follow the two lines of a report; 0 where they do not say it."""
    try:
        told = json.loads(header.splitlines()[1])
    except (ValueError, RecursionError, IndexError):
        return 0
    size = told.get("bytes") if isinstance(told, dict) and told.get("end") == "returned" else 0
    return size if isinstance(size, int) and size > 0 else 0


async def _read_console(stream: asyncio.StreamReader, ended: Ended, keep: int) -> None:
    """Read until nobody can write any more; keep the beginning."""
    while chunk := await stream.read(_CHUNK):
        ended.console_bytes += len(chunk)
        ended.console += chunk[: max(0, keep - len(ended.console))]
