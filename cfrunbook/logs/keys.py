"""Values of columns as keys to count by: clean, short, with nothing of a viewer; and counts of keys, bounded.

Pure.
"""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import islice
from urllib.parse import unquote_to_bytes

from cfrunbook.redaction import REDACTED

MAX_KEY = 200
"""Characters of a key; a longer one is cut, and counts with all that begin the same."""
_RAW_KEY = 512
_PATH_PARAMETER = re.compile(r";[^/;]*")


def text(value: bytes, limit: int = MAX_KEY) -> str:
    """Return the value of a column as a key; `-` and empty give nothing."""
    shown = "" if value == b"-" else value[: 4 * limit].decode("utf-8", "replace")
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def path(value: bytes) -> str:
    """Return a path without query string and path parameters, its percent encoding undone: it may be there twice.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html encodes it once; log
    files of some years are encoded a second time.
    """
    return _path(value[:_RAW_KEY])


@lru_cache(maxsize=8192)
def _path(value: bytes) -> str:
    plain = value.partition(b"?")[0]
    if b"%" in plain:
        plain = unquote_to_bytes(plain)
        if b"%" in plain:
            plain = unquote_to_bytes(plain)
        plain = plain.partition(b"?")[0]
    return text(_PATH_PARAMETER.sub(f";{REDACTED}", plain.decode("utf-8", "replace")).encode())


def host(value: bytes) -> str:
    """Return a host name in lower case, without a final dot."""
    return text(value).lower().rstrip(".")


class BoundedCounts:
    """Counts of keys, so many at most: beyond, the rarest are put together, and the error that makes is known."""

    def __init__(self, limit: int, is_kept: Callable[[bytes], bool] = lambda _: False) -> None:
        """Keys that `is_kept` are never put together."""
        self._limit, self._is_kept = limit, is_kept
        self.counts: Counter[bytes] = Counter()
        self.others = 0
        """Of keys that are no longer counted one by one."""
        self.missed = 0
        """The count of a key may be too low by so much at most."""

    def add(self, keys: Iterable[bytes]) -> None:
        """Count each of `keys`."""
        before = len(self.counts)
        self.counts.update(keys)
        if len(self.counts) > before:
            self._bound(before)

    def add_counts(self, counts: Counter[bytes]) -> None:
        """Add what was counted elsewhere."""
        before = len(self.counts)
        self.counts.update(counts)
        self._bound(before)

    def _bound(self, before: int) -> None:
        counts = self.counts
        for key in [k for k in islice(reversed(counts), len(counts) - before) if len(k) > _RAW_KEY]:
            counts[key[:_RAW_KEY]] += counts.pop(key)
        if len(counts) > 2 * self._limit:
            self._prune()

    def _prune(self) -> None:
        kept = dict(heapq.nlargest(self._limit, self.counts.items(), key=lambda item: item[1]))
        dropped = [(k, n) for k, n in self.counts.items() if k not in kept and not self._is_kept(k)]
        for key, count in dropped:
            del self.counts[key]
            self.others += count
        self.missed += max((count for _, count in dropped), default=0)
