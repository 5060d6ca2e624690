"""Noticing that somebody edited the site of a running scenario, and bringing up what the files say then."""

from __future__ import annotations

import datetime as dt
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Final

from cfrunbook.errors import BadInput
from cfrunbook.lab import site
from cfrunbook.lab.running import Running

EVERY: Final = 0.2
"""Seconds between two looks at the files."""
NOT_USED: Final = "not used, all stays as it was"


@dataclass(frozen=True, slots=True)
class Noticed:
    """That the site was edited, and what the lab made of it."""

    at: dt.datetime
    refused: str = ""
    """Why what the files say is not used, in a sentence. Empty: it is how things are now."""
    label: str = NOT_USED
    """For what was refused: whether all stays as it was."""

    def __str__(self) -> str:
        said = f"{self.label}: {self.refused}" if self.refused else "the site was changed, and this is how it is now."
        return f"{self.at:%H:%M:%S} {said}"


class Follower:
    """Looks at the site's files whenever it is told to."""

    def __init__(self, running: Running, *, lock: AbstractContextManager[object] | None = None) -> None:
        """`lock` is held while what was edited is brought up, where others do that, too."""
        self._running = running
        self._lock = lock or nullcontext()
        self._site = running.site
        self._last = site.fingerprint(self._site)

    def look(self) -> Noticed | None:
        """Bring up what was edited, and return what came of it; None where nothing was edited.

        Files that still change are left for the next look: an editor may be in the middle of writing them.
        """
        now = site.fingerprint(self._site)
        is_settled, self._last = now == self._last, now
        if not is_settled:
            return None
        refused, label = "", NOT_USED
        with self._lock:
            if not self._running.has_changed():
                return None
            try:
                self._running.reload()
            except BadInput as error:
                refused = str(error)
            except OSError as error:
                refused, label = f"{error.strerror or error}.", "not all of it is used"  # a port was not to be had
        return Noticed(dt.datetime.now(dt.UTC), refused, label)
