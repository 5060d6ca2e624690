"""Which files are meant by what a person names: files, folders, `-`; and what their names say about their hour."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from cfrunbook.errors import BadInput
from cfrunbook.logs import moments
from cfrunbook.text import visible

MAX_FILES = 500_000
_EARLY, _LATE = 3600, 2 * 3600
"""Seconds before and after the hour in its name that a file may hold requests of, as far as we go."""


class LogFile(msgspec.Struct, frozen=True):
    """One file."""

    path: Path
    size: int
    """As stored, in bytes; 0 where it is no regular file."""
    is_regular: bool = True


def find(paths: Sequence[str | os.PathLike[str]]) -> tuple[LogFile, ...]:
    """Return the files in the order given, those of a folder sorted by name, its hidden ones left out.

    Raises BadInput where there is nothing to read.
    """
    found: dict[Path, LogFile] = {}
    for given in paths:
        path = Path("/dev/stdin") if str(given) == "-" else Path(given)
        try:
            mode = path.stat()
        except OSError as error:
            why = "no such file or folder" if isinstance(error, FileNotFoundError) else f"cannot read: {error.strerror}"
            raise BadInput(f"Access logs: {why}: {visible(path)}.") from None
        except ValueError:
            raise BadInput(f"Access logs: {visible(path)} is not a file name.") from None
        if stat.S_ISDIR(mode.st_mode):
            inside = list(_inside(path))
            if not inside:
                raise BadInput(f"Access logs: {visible(path)} has no file in it.")
            found |= {file.path: file for file in inside}
        else:
            found[path] = LogFile(path, mode.st_size, stat.S_ISREG(mode.st_mode))
        if len(found) > MAX_FILES:
            raise BadInput(f"Access logs: more than {MAX_FILES:,} files; name the folders of fewer days.")
    if not found:
        raise BadInput("Access logs: name a file or a folder.")
    return tuple(found.values())


def _inside(folder: Path) -> Iterable[LogFile]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(place, name)
            if name.startswith("."):
                continue
            try:
                mode = path.stat()
            except OSError:  # a dangling link: to be named as a file that cannot be read
                yield LogFile(path, 0)
                continue
            if stat.S_ISREG(mode.st_mode):
                yield LogFile(path, mode.st_size)


def may_hold(file: LogFile, since: int | None, until: int | None) -> bool:
    """Return whether the hour in the file's name lets it hold requests of the window.

    The name gives the hour in which the requests occurred, also where delivery is late:
    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html
    """
    hour = moments.hour_of_file(file.path.name)
    if hour is None:
        return True
    return (since is None or hour + 3600 + _LATE > since) and (until is None or hour - _EARLY < until)
