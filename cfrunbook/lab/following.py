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


@dataclass(frozen=True, slots=True)
class Noticed:
    """That the site was edited, and what the lab made of it."""

    at: dt.datetime
    refused: str = ""
    """Why what the files say is not used, in a sentence: all stays as it was. Empty: it is how things are now."""

    def __str__(self) -> str:
        said = f"not used, all stays as it was: {self.refused}" if self.refused else ""
        return f"{self.at:%H:%M:%S} {said or 'the site was changed, and this is how it is now.'}"


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
        refused = ""
        with self._lock:
            if not self._running.has_changed():
                return None
            try:
                self._running.reload()
            except BadInput as error:
                refused = str(error)
            except OSError as error:
                refused = f"{error.strerror or error}."
        return Noticed(dt.datetime.now(dt.UTC), refused)
