"""Domain names as plain text: lower case, without the final dot; `.` is the root. Pure."""

from __future__ import annotations

from collections.abc import Iterator

ROOT = "."


def plain(name: str) -> str:
    """Return a domain name in lower case, without the final dot; `.` for the root."""
    return name.lower().removesuffix(".") or ROOT


def is_within(name: str, zone: str) -> bool:
    """Tell whether `name` is `zone` or below it."""
    if zone in (ROOT, name):
        return True
    return name.endswith(f".{zone}") and not name.endswith(f"\\.{zone}")


def is_below(name: str, zone: str) -> bool:
    """Tell whether `name` is below `zone` and not `zone` itself."""
    return name != zone and is_within(name, zone)


def enclosing(name: str) -> Iterator[str]:
    """Yield `name`, its parent, and so on up to the root."""
    while name != ROOT:
        yield name
        name = name.partition(".")[2] or ROOT
    yield ROOT


def below(zone: str, label: str) -> str:
    """Return the name of `label` in `zone`."""
    return label if zone == ROOT else f"{label}.{zone}"


def depth(name: str) -> int:
    """Return the number of labels: 0 for the root, 1 for a top-level domain."""
    return 0 if name == ROOT else name.count(".") + 1
