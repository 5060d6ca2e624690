"""What the lab's edge keeps: errors for their minimum time to live, pages for as long as the origin says.

One thing is simpler than at CloudFront, which keeps a page that says nothing of its age for a day: here it is not kept,
so that what somebody breaks or mends in the lab shows at once.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/custom-error-pages-expiration.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Expiration.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from cfrunbook.lab.edge import Answer
from cfrunbook.lab.edge_config import KEPT_ERRORS, Behavior, Config

READING = frozenset({"GET", "HEAD"})
"""The methods whose answers are kept."""
_ERROR = 400
_MOST = 1000
"""Answers that are kept at a time."""
_MAX_AGE = re.compile(r"(?:^|[,\s])(s-maxage|max-age)\s*=\s*\"?(\d{1,9})", re.ASCII)
_UNKEPT = re.compile(r"(?:^|[,\s])(?:no-store|no-cache|private)\b")

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer in the cache."""

    answer: Answer
    since: float
    """In seconds, as `until`, by a clock that never goes back."""
    until: float


@dataclass(slots=True)
class Cache:
    """The answers that are kept, by cache key."""

    _kept: dict[Key, Kept] = field(default_factory=dict)

    def find(self, key: Key, now: float) -> Kept | None:
        """Return what is kept under `key` and still fresh."""
        kept = self._kept.get(key)
        if kept is None or now < kept.until:
            return kept
        del self._kept[key]
        return None

    def keep(self, key: Key, answer: Answer, ttl: int, now: float) -> None:
        """Keep an answer for `ttl` seconds; the oldest goes where there are too many."""
        if ttl <= 0:
            return
        self._kept.pop(key, None)
        while len(self._kept) >= _MOST:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = Kept(answer, now, now + ttl)

    def clear(self) -> None:
        """Forget everything, as an invalidation of `/*` does."""
        self._kept.clear()


def key(behavior: Behavior, method: str, host: str, target: str) -> Key | None:
    """Return the cache key of a request; None where its answer is never kept."""
    if not behavior.keeps or method not in READING:
        return None
    path, _, query = target.partition("?")
    # GET and HEAD are kept apart, for the lab's edge passes HEAD on and gets no page for it.
    return (method, behavior.pattern, host if behavior.host_forwarded else "", path, query * behavior.query_in_key)


def time_to_live(answer: Answer, config: Config) -> int:
    """Return for how many seconds an answer is kept; 0: not at all."""
    said = _cache_control(answer)
    if answer.status < _ERROR:
        return 0 if _UNKEPT.search(said) else _max_age(said)
    if answer.status not in KEPT_ERRORS:
        return 0
    return max(config.error(answer.status).ttl, _max_age(said))  # `no-store` does not shorten it


def _cache_control(answer: Answer) -> str:
    return ", ".join(value for name, value in answer.fields if name.lower() == "cache-control").lower()


def _max_age(cache_control: str) -> int:
    found = {name: int(seconds) for name, seconds in _MAX_AGE.findall(cache_control)}
    return found.get("s-maxage", found.get("max-age", 0))
