"""Dates and times of log lines as seconds since 1970 in UTC. Pure."""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache

EARLIEST, LATEST = 1_199_145_600, 4_102_444_800
"""2008, when CloudFront began, to 2100: a line of another time is no line of a log."""
_EPOCH = dt.date(1970, 1, 1).toordinal()
_SHORT, _MINUTE = 10, 16
_CLOCK = re.compile(rb"(\d\d):(\d\d)(?::(\d\d)(?:[.,]\d*)?)?(?:Z|\+00:?00)?")
_FILE_HOUR = re.compile(r"\.(\d{4})-(\d\d)-(\d\d)-(\d\d)\.")


def minute(key: bytes) -> int | None:
    """Return the second at which the minute of `key` begins; None for what is no time.

    `key` is `2026-11-20` and `00:45` with any one byte between them, or the ten digits of the seconds since 1970.
    """
    if len(key) == _MINUTE and key[13:14] == b":":
        day, hour, part = _day(key[:10]), key[11:13], key[14:16]
        if day is None or not (hour.isdigit() and part.isdigit() and hour < b"24" and part < b"60"):
            return None
        return _bounded(day + int(hour) * 3600 + int(part) * 60)
    if len(key) == _SHORT:
        return _bounded(int(key)) if key.isdigit() else _day(key)
    return None


def second(text: bytes, clock: bytes = b"") -> int | None:
    """Return the second that a time stamp, or a date and a `clock`, names; None for what names none."""
    if clock:
        day, found = _day(text), _CLOCK.fullmatch(clock)
    elif text[:_SHORT].isdigit() and len(text) >= _SHORT:
        return _bounded(int(text[:_SHORT]))
    else:
        day, found = _day(text[:_SHORT]), _CLOCK.fullmatch(text[_SHORT + 1 :])
        if not found and len(text) == _SHORT:
            return day
    if day is None or not found:
        return None
    hour, part, last = int(found[1]), int(found[2]), int(found[3] or 0)
    return _bounded(day + hour * 3600 + part * 60 + last) if hour < 24 and part < 60 and last < 61 else None


def hour_of_file(name: str) -> int | None:
    """Return the hour that CloudFront's name of a standard log file holds: `EXAMPLE.2026-11-20-14.1a2b3c4d.gz`."""
    found = _FILE_HOUR.search(name)
    if not found:
        return None
    try:
        moment = dt.datetime(*(int(part) for part in found.groups()), tzinfo=dt.UTC)  # type: ignore[misc,arg-type]
    except ValueError:
        return None
    return int(moment.timestamp())


@lru_cache(maxsize=4096)
def _day(text: bytes) -> int | None:
    try:
        return _bounded((dt.date.fromisoformat(text.decode("ascii")).toordinal() - _EPOCH) * 86400)
    except ValueError:
        return None


def _bounded(moment: int) -> int | None:
    return moment if EARLIEST <= moment < LATEST else None
