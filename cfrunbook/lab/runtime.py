"""Where running labs are kept: one folder for each user, in it one folder and one lock for each lab.

A lab's lock is held by the process that owns it, and the kernel lets go of it however that process ends. So whoever
finds a lock free knows that what lies beside it was left behind, and whoever finds it held knows that the process id
in it is the owner's.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import signal
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from cfrunbook.errors import BadInput
from cfrunbook.files import write_whole
from cfrunbook.text import visible

STATE_FILE: Final = "state.json"
LOG_FILE: Final = "lab.log"
OPEN_FILE: Final = "open"
"""Once it is there, a lab of an exam has a site: what the owners can change says what is wrong."""
TOOLS_FOLDER: Final = "bin"
_NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
_TRIES: Final = 5
_MOMENT: Final = 0.005
_PATIENCE: Final = 5.0
"""Seconds that an owner has to end."""


class State(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a running lab."""

    name: str
    scenario: str
    pid: int
    started: str
    """ISO 8601, UTC."""
    edge: str
    """The edge's URL."""
    lab_file: str
    site: str
    access_log: str
    introduction: str
    """What the pager says and the commands that reach the lab."""
    says: tuple[str, ...] = ()
    """What the lab made of edits, the last at the end."""


class Home:
    """The place of one lab, whether it runs or not."""

    def __init__(self, name: str) -> None:
        """Raises BadInput for what cannot be a lab's name."""
        if not _NAME.fullmatch(name) or len(name) > 100:
            raise BadInput(f"Lab: '{visible(name, 60)}' cannot be a lab's name: letters, digits and hyphens.")
        self.name = name
        self.folder = root() / name
        self._lock = root() / f"{name}.lock"

    def own(self) -> int | None:
        """Become the owner and return the descriptor that holds the lock; None where somebody else is.

        What an owner left behind who is gone is removed.
        """
        descriptor = os.open(self._lock, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        for _ in range(_TRIES):  # whoever asks for the owner holds it for a moment
            with contextlib.suppress(OSError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            time.sleep(_MOMENT)
        else:
            os.close(descriptor)
            return None
        shutil.rmtree(self.folder, ignore_errors=True)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        return descriptor

    def owner(self) -> int | None:
        """Return the process id of the owner; None where there is none."""
        try:
            descriptor = os.open(self._lock, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            text = os.pread(descriptor, 20, 0)
            return int(text) if text.isdigit() else None
        else:
            return None
        finally:
            os.close(descriptor)

    def clean(self) -> None:
        """Remove what was left behind, where there is no owner."""
        descriptor = self.own()
        if descriptor is not None:
            os.close(descriptor)

    def state(self) -> State | None:
        """Return what is known of the lab; None where it does not run, or is not ready yet."""
        if self.owner() is None:
            return None
        try:
            return msgspec.json.decode((self.folder / STATE_FILE).read_bytes(), type=State)
        except (OSError, msgspec.DecodeError):
            return None

    def write(self, state: State) -> None:
        """Let others know. Raises BadInput."""
        write_whole(self.folder / STATE_FILE, msgspec.json.format(msgspec.json.encode(state), indent=2) + b"\n")

    def end(self) -> bool:
        """End the owner, by force where it does not listen; return whether there was one. Removes what is left."""
        pid = self.owner()
        if pid is None:
            self.clean()
            return False
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            until = time.monotonic() + _PATIENCE
            while time.monotonic() < until:
                if self.owner() != pid:
                    self.clean()
                    return True
                time.sleep(0.01)
        raise BadInput(f"Lab: the process {pid}, which owns {self.name}, does not end.")


def root() -> Path:
    """Return the folder of this user's labs: $XDG_RUNTIME_DIR/cfrunbook-lab, else one among temporary files.

    Raises BadInput where somebody else could have put it there.
    """
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    is_usable = bool(given) and Path(given).is_absolute() and os.access(given, os.W_OK)
    folder = Path(given) / "cfrunbook-lab" if is_usable else Path(tempfile.gettempdir()) / f"cfrunbook-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise BadInput(f"Lab: cannot make the folder {visible(folder)}: {error.strerror or error}.") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise BadInput(f"Lab: {visible(folder)} is not a folder of this user alone; remove it, or set XDG_RUNTIME_DIR.")
    return folder


def running() -> Iterator[State]:
    """Yield the labs that run, by name; what others left behind is removed."""
    for lock in sorted(root().glob("*.lock")):
        if _NAME.fullmatch(lock.stem):
            home = Home(lock.stem)
            if home.owner() is None:
                home.clean()
            elif state := home.state():
                yield state
