"""A temporary folder that belongs to one process: gone with it, or, where it was killed, at the next start.

A lock tells whether the owner is alive, since the kernel lets go of it however a process ends; a process id may have
been given to somebody else since, and means nothing in another container that shares the folder.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
import weakref
from pathlib import Path

PREFIX = "cfrunbook-lab-"
_LOCK = ".owner"


class OwnedFolder:
    """A new folder in the system's place for temporary files, until `remove`, collection or the process's end."""

    def __init__(self) -> None:
        _remove_abandoned()
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX))
        self.remove = weakref.finalize(self, _remove, self.path, _lock(self.path))


def _lock(folder: Path) -> int:
    """Lock `folder`, which has no lock yet, and return the descriptor that holds the lock."""
    unlocked = folder / f"{_LOCK}.new"
    descriptor = os.open(unlocked, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    unlocked.rename(folder / _LOCK)  # only now can anybody take it for abandoned, and it is locked
    return descriptor


def _remove(folder: Path, lock: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    os.close(lock)


def _remove_abandoned() -> None:
    """Remove folders like ours, of this user, whose lock nobody holds; leave alone whatever looks different."""
    with contextlib.suppress(OSError):
        for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
            with contextlib.suppress(OSError):  # somebody else's, in use, or gone by now
                found = folder.lstat()
                if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid():
                    _remove_if_abandoned(folder)


def _remove_if_abandoned(folder: Path) -> None:
    """Remove `folder` if its lock can be had. Raises OSError if not, or if there is none."""
    lock = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)
