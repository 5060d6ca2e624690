"""Of two configurations of one distribution, or two looks at it: which is the earlier one, and how that is known.

What CloudFront wrote itself (LastModifiedTime) comes first, then what people call their files, then the files' times.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from cfrunbook.cloudfront.distribution import Distribution
from cfrunbook.evidence import GivenKind, Observations
from cfrunbook.recognizing.taken import Taken
from cfrunbook.text import visible

_BEFORE = frozenset({
    "backup", "bak", "before", "earlier", "good", "old", "older", "orig", "original", "prev", "previous", "worked",
    "working", "yesterday",
})  # fmt: skip
_AFTER = frozenset({"after", "bad", "broken", "current", "failing", "latest", "new", "newer", "now", "today"})
"""Words in the name of a file, or of its folder, by which people tell what was from what is."""
_DATE = re.compile(r"(?<!\d)(20\d\d)-?([01]\d)-?([0-3]\d)(?!\d)", re.ASCII)
_FIRST_YEAR, _LAST_YEAR = 2008, 2999
"""Years in which a time is believed; CloudFront began in 2008."""
_LEAST = 60.0
"""Seconds by which the times of two files must differ to tell anything: copies are made at once."""


class Earlier(msgspec.Struct, frozen=True):
    """Which of two is the earlier one, and why, as a clause."""

    is_first: bool
    why: str


def modified(document: Any) -> float:
    """Return when a configuration was last modified, in seconds since 1970; 0 where it does not say."""
    said = document.get("LastModifiedTime") if isinstance(document, Mapping) else None
    try:
        moment = dt.datetime.fromisoformat(said) if isinstance(said, str) else None
    except ValueError:
        return 0.0
    if moment is None or not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        return 0.0
    return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()


def marks(read: Distribution, config: Any) -> tuple[str, ...]:
    """Return what no other distribution has at the same time: its id, its names, the reference it was created with."""
    reference = config.get("CallerReference") if isinstance(config, Mapping) else None
    return (
        *([f"id {read.id}"] if read.id else []),
        *([f"reference {reference}"] if isinstance(reference, str) and reference else []),
        *(f"name {name}" for name in read.names),
    )


def marks_of_recording(seen: Observations) -> tuple[str, ...]:
    """Return the marks of the distribution that a recording has; none where it has none."""
    from cfrunbook.cloudfront import distribution_reader
    from cfrunbook.errors import BadInput

    if seen.inputs.distribution is None:
        return ()
    try:
        read = distribution_reader.parse(seen.inputs.distribution, url=seen.inputs.url)
        return marks(read, distribution_reader.config_of(read))
    except BadInput:
        return ()


def digest(config: Any) -> str:
    """Return a text that is equal where two configurations say the same, whatever the order of their members."""
    return hashlib.sha256(msgspec.json.encode(config, order="sorted")).hexdigest()


def are_one(first: Taken, second: Taken) -> bool:
    """Tell whether two things are about one distribution, or look at one origin of it. Two ids that differ are two."""
    ids = [{mark for mark in taken.marks if mark.startswith("id ")} for taken in (first, second)]
    if all(ids):
        return ids[0] == ids[1]
    if first.marks and second.marks:
        return not set(first.marks).isdisjoint(second.marks)
    return GivenKind.EVIDENCE in (first.kind, second.kind) and not _origins(first).isdisjoint(_origins(second))


def _origins(taken: Taken) -> set[str]:
    return set(taken.names[taken.names.index("") + 1 :]) - {""} if taken.names else set()


def of_two(first: Taken, second: Taken) -> Earlier | None:
    """Return which of two is the earlier one; None where nothing shows it."""
    if first.newest and second.newest and first.newest != second.newest:
        is_first = first.newest < second.newest
        one, other = (first, second) if is_first else (second, first)
        return Earlier(is_first, f"it is of {_when(one)}, and the other one of {_when(other)}")
    return _by_name(first.shown, second.shown) or _by_file(first.value, second.value)


def _when(taken: Taken) -> str:
    return f"{dt.datetime.fromtimestamp(taken.newest, dt.UTC):%Y-%m-%d %H:%M:%S} UTC"


def _by_name(first: str, second: str) -> Earlier | None:
    """Return what the files' names, and their folders', say where they differ."""
    words = [_words(name) for name in (first, second)]
    own = [words[0] - words[1], words[1] - words[0]]
    told = [bool(mine & _BEFORE) - bool(mine & _AFTER) for mine in own]
    if told[0] != told[1]:
        is_first = told[0] > told[1]
        name = Path(first if told[0] else second).name
        return Earlier(is_first, f"the name {visible(name, 80)} says so")
    dates = [max(_DATE.findall(name), default=None) for name in (first, second)]
    if dates[0] and dates[1] and dates[0] != dates[1]:
        return Earlier(dates[0] < dates[1], "its name has the earlier date")
    return None


def _words(name: str) -> set[str]:
    return {word for part in Path(name).parts[-2:] for word in re.split(r"[^a-z0-9]+", part.lower()) if word}


def _by_file(first: Any, second: Any) -> Earlier | None:
    """Return what the times at which two files were written say."""
    if not isinstance(first, Path) or not isinstance(second, Path):
        return None
    try:
        written = [path.stat().st_mtime for path in (first, second)]
    except OSError:
        return None
    if abs(written[0] - written[1]) < _LEAST:
        return None
    return Earlier(written[0] < written[1], "its file was written earlier, and nothing else tells")
