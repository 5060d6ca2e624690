"""Values out of AWS's answers: typed, cut to size, never failing. What is of another type counts as not there."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from typing import Any

from cfrunbook.aws_facts import MAX_NAMES, MAX_SHORT
from cfrunbook.findings import NotExamined

REGION = r"[a-z]{2}(?:-[a-z]+)+-\d+"
"""What the name of a region looks like."""


def text(node: Mapping[str, Any], key: str, most: int = MAX_SHORT) -> str:
    """Return the text at `key`, cut; empty where there is none."""
    value = node.get(key)
    return cut(value, most) if isinstance(value, str) else ""


def cut(value: str, most: int = MAX_SHORT) -> str:
    """Return text that JSON can hold, of at most `most` characters."""
    return value[:most].encode("utf-8", "backslashreplace").decode("utf-8")[:most]


def texts(node: Mapping[str, Any], key: str, most: int = MAX_NAMES, each: int = MAX_SHORT) -> tuple[str, ...]:
    """Return the texts of the list at `key`, at most `most` of them."""
    value = node.get(key)
    found = [cut(item, each) for item in value if isinstance(item, str)] if isinstance(value, list | tuple) else []
    return tuple(found[:most])


def nodes(node: Mapping[str, Any], key: str, most: int = MAX_NAMES) -> list[dict[str, Any]]:
    """Return the objects of the list at `key`, at most `most` of them."""
    value = node.get(key)
    found = [item for item in value if isinstance(item, dict)] if isinstance(value, list | tuple) else []
    return found[:most]


def node(within: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return the object at `key`; an empty one where there is none."""
    value = within.get(key)
    return value if isinstance(value, Mapping) else {}


def number(node: Mapping[str, Any], key: str, most: int = 2**53) -> int:
    """Return the whole number at `key`, from 0 to `most`; 0 where there is none."""
    value = node.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        return 0
    return value if 0 <= value <= most else 0


def flag(node: Mapping[str, Any], key: str, default: bool = False) -> bool:
    """Return the boolean at `key`."""
    value = node.get(key)
    return value if isinstance(value, bool) else default


def moment(value: Any) -> dt.datetime | None:
    """Return an aware moment in UTC, from boto3's, from ISO 8601 text or from milliseconds; None where it is none."""
    try:
        if isinstance(value, str):
            value = dt.datetime.fromisoformat(value.replace("+0000", "+00:00"))
        elif isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            value = dt.datetime.fromtimestamp(value / 1000, dt.UTC)
        if not isinstance(value, dt.datetime):
            return None
        return (value if value.tzinfo else value.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (ValueError, OverflowError, OSError):
        return None


def some_left_out(what: str, kept: int) -> NotExamined:
    """Return that a listing went on beyond what is read."""
    return NotExamined(what=what, why=f"there are more than the {kept} that are read")
