"""Asking somebody in a terminal, or whatever is piped in; and being stopped without losing anything."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from select import select
from types import FrameType
from typing import Final, TextIO

from cfrunbook.lab.commands import handling

_PASTED: Final = 0.05
"""Seconds after a line in which further ones belong to it: they were pasted."""
_MOST_LINES: Final = 2_000


class Stopped(BaseException):
    """A signal asked this process to end. No Exception: nobody on the way is to take it for a failure."""


class Stop:
    """Whether, and by which signal, this process was asked to end."""

    by: int = 0

    def __call__(self, number: int, _: FrameType | None) -> None:
        """Take the first signal; those after it do not disturb the tidying up."""
        if not self.by:
            self.by = number
            raise Stopped


@contextmanager
def stopping() -> Iterator[Stop]:
    """Turn the signals that end a process into `Stopped`, so that what is up goes and what was answered is kept."""
    stop = Stop()
    with handling(stop):
        try:
            yield stop
        except Stopped:
            print("cfrunbook: stopped; nothing is left running.", file=sys.stderr)
            raise SystemExit(128 + stop.by) from None


class Asking:
    """Asks for lines on standard input; questions go to `out`."""

    def __init__(self, out: TextIO) -> None:
        self._in, self._out = sys.stdin, out
        with suppress(AttributeError, ValueError):  # it may be closed, or be no file
            self._in.reconfigure(errors="replace")  # type: ignore[union-attr]
        self.is_interactive = _is_terminal(self._in)
        self._edits = self.is_interactive and out is sys.stdout and _is_terminal(out)
        if self._edits:
            with suppress(ImportError):
                import readline  # noqa: F401 - lets `input` edit the line

    def __call__(self, question: str) -> str:
        """Return one answer; what is pasted in several lines is one. Raises EOFError at the end of the input."""
        lines = [self._line(question)]
        while self.is_interactive and len(lines) < _MOST_LINES and select([self._in], [], [], _PASTED)[0]:
            try:
                lines.append(self._line(""))
            except EOFError:
                break
        return "\n".join(lines)

    def _line(self, question: str) -> str:
        if self._edits:
            return input(question)
        self._out.write(question)
        self._out.flush()
        line = self._in.readline() if self._in else ""
        if not self.is_interactive:  # nobody's Enter ended this line on the screen
            self._out.write("\n")
        if not line:
            raise EOFError
        return line


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


def saying(out: TextIO) -> Callable[[str], None]:
    """Return what prints at once."""
    return lambda text: print(text, file=out, flush=True)
