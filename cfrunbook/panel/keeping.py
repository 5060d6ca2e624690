"""What a panel keeps in the working folder: every look, and the files that were given; for after a kernel's restart.

`.cfrunbook/<notebook>/` is this user's alone, is not committed (it holds a .gitignore), and differs between notebooks.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cfrunbook.errors import BadInput
from cfrunbook.files import write_new, write_whole
from cfrunbook.text import visible

if TYPE_CHECKING:
    from cfrunbook.evidence import Observations

FOLDER = Path(".cfrunbook")
MOST_KEPT = 10
"""Recordings; the oldest beyond that are removed."""
MAX_UPLOAD_BYTES = 64 * 1024 * 1024
_NAME = re.compile(r"evidence-(\d{8}T\d{6})Z(?:-(\d+))?\.json")


@dataclass(frozen=True, slots=True)
class Kept:
    """A recording that was kept."""

    path: Path
    at: dt.datetime
    """When it was made, in UTC, to the second."""
    number: int = 1
    """Which one it is of those made in that second."""


class Keeping:
    """The folder of one notebook. Nothing is written before there is something to keep."""

    def __init__(self, name: str, *, folder: Path = FOLDER) -> None:
        self.folder = folder / _plain(name)
        self._unfinished: dict[dt.datetime, Path] = {}
        """What was kept of looks that go on, by when they began."""

    def keep(self, seen: Observations, *, so_far: bool = False) -> Path:
        """Write a recording and return where it is. Raises BadInput if it cannot be written.

        What was kept `so_far` of a look gives way to what that look has seen later.
        """
        if path := self._unfinished.get(seen.recorded_at):
            keep(path, seen.to_json())
        else:
            kept = [one for one in self.kept if one.at == seen.recorded_at.astimezone(dt.UTC).replace(microsecond=0)]
            path = self._new(evidence_names(seen, kept[0].number + 1 if kept else 1), seen.to_json())
        if so_far:
            self._unfinished[seen.recorded_at] = path
        else:
            self._unfinished.pop(seen.recorded_at, None)
        for old in self.kept[MOST_KEPT:]:
            with suppress(OSError):  # it is gone already, or not ours to remove
                old.path.unlink()
        return path

    @property
    def kept(self) -> Sequence[Kept]:
        """The recordings that are there, the newest first."""
        found = []
        try:
            for path in self.folder.glob("evidence-*.json"):
                if named := _NAME.fullmatch(path.name):
                    at = dt.datetime.strptime(named[1], "%Y%m%dT%H%M%S").replace(tzinfo=dt.UTC)
                    found.append(Kept(path, at, int(named[2] or 1)))
        except (OSError, ValueError):
            return ()
        return sorted(found, key=lambda kept: (kept.at, kept.number), reverse=True)

    def upload(self, name: str, content: bytes) -> Path:
        """Write a file that was given and return where it is. Raises BadInput for one that is too large."""
        if len(content) > MAX_UPLOAD_BYTES:
            most = MAX_UPLOAD_BYTES // (1024 * 1024)
            raise BadInput(
                f"{visible(name, 80)} is larger than {most} MiB: put it beside the notebook and give its name."
            )
        return self._new(numbered(_plain(name) or "file"), content)

    def _new(self, names: Iterator[str], content: bytes) -> Path:
        """Write a file by the first of these names that is not taken: another kernel may keep things here too."""
        _make(self.folder)
        return write_new((self.folder / name for name in names), content)


def keep(path: Path, content: bytes) -> None:
    """Write a file into a folder of FOLDER, which is made where it is not there. Raises BadInput."""
    _make(path.parent)
    write_whole(path, content)


def _make(folder: Path) -> None:
    try:
        folder.parent.mkdir(exist_ok=True)
        ignore = folder.parent / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise BadInput(f"Cannot write {visible(folder)}: {error.strerror or error}.") from error


def evidence_names(seen: Observations, first: int = 1) -> Iterator[str]:
    """Yield names for a recording's file: when it was made, and which one of that second it is, from the `first` on."""
    return numbered(f"evidence-{seen.recorded_at.astimezone(dt.UTC):%Y%m%dT%H%M%SZ}.json", first)


def numbered(name: str, first: int = 1) -> Iterator[str]:
    """Yield `name`, and then with a number in it, from 2 on."""
    path = Path(name)
    for number in range(first, 1000):
        yield f"{path.stem}-{number}{path.suffix}" if number > 1 else name


def _plain(name: str) -> str:
    """Return `name` as a file's name that means no other folder and shows as it is; at most 80 characters."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name)[-80:].lstrip(".-")
