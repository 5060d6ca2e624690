"""Noticing that somebody edited the site of a running scenario, and bringing up what the files say then."""

from __future__ import annotations

import datetime as dt

from cfrunbook.errors import BadInput
from cfrunbook.lab import site
from cfrunbook.lab.running import Running

EVERY = 0.2
"""Seconds between two looks at the files."""


class Follower:
    """Looks at the site's files whenever it is told to."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self._site = running.site
        self._last = site.fingerprint(self._site)

    def look(self) -> str:
        """Bring up what was edited; return what is to be said of it in a sentence, empty where nothing was edited.

        Files that still change are left for the next look: an editor may be in the middle of writing them.
        """
        now = site.fingerprint(self._site)
        is_settled, self._last = now == self._last, now
        if not is_settled or not self._running.has_changed():
            return ""
        try:
            self._running.reload()
        except BadInput as error:
            return f"{_moment()} not used, all stays as it was: {error}"
        except OSError as error:
            return f"{_moment()} not used: {error.strerror or error}."
        return f"{_moment()} the site was changed, and this is how it is now."


def _moment() -> str:
    return f"{dt.datetime.now(dt.UTC):%H:%M:%S}"
