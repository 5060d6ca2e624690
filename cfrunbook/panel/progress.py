"""What a look has brought so far, place by place, from the lines of progress that it tells."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable

from cfrunbook.text import visible
from cfrunbook.views import panel as views

MOST_PLACES = 6
"""Places that are listed."""
PAUSE = 0.1
"""Seconds between two pictures: a browser need not draw every answer."""
_LINE = re.compile(r"(?P<place>.+?)(?:, |: )(?P<said>.*)", re.DOTALL)
_NOUNS = (
    ("version-", "TLS version"), ("suite-", "cipher suite"), ("group-", "curve"), ("rsa-", "kind of key"),
    ("ecdsa-", "kind of key"), ("SNI ", "server name"),
)  # fmt: skip
_OTHER = "answer"


class Progress:
    """Collects lines and has `show` draw them, now and then."""

    def __init__(self, what: str, show: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic) -> None:
        self.what = what
        self._show, self._clock = show, clock
        self._begun = self._shown = clock()
        self.number = 0
        self._counted: dict[str, Counter[str]] = {}
        self._last: dict[str, str] = {}

    @property
    def seconds(self) -> float:
        """Seconds since it began."""
        return self._clock() - self._begun

    def __call__(self, line: str) -> None:
        """Take one line."""
        match = _LINE.fullmatch(line)
        place, said = (match["place"], match["said"]) if match else (line, "")
        self.number += 1
        noun = next((noun for start, noun in _NOUNS if said.startswith(start)), _OTHER)
        self._counted.setdefault(place, Counter())[noun] += 1
        self._last.pop(place, None)
        self._last[place] = said  # the place that spoke last is the last one
        if self._clock() - self._shown >= PAUSE:
            self.draw()

    def draw(self) -> None:
        """Draw what there is now."""
        self._shown = self._clock()
        self._show(views.progress(self.underway))

    @property
    def underway(self) -> views.Underway:
        """What there is now: of many places, those that spoke last."""
        listed = list(self._last)[-MOST_PLACES:]
        return views.Underway(
            what=self.what,
            seconds=self.seconds,
            number=self.number,
            places=tuple(
                views.Place(visible(p, 100), views.listed(self._counted[p].most_common()), visible(self._last[p], 100))
                for p in reversed(listed)
            ),
            more=len(self._last) - len(listed),
        )
