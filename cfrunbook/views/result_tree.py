"""A function's result as a tree of lines, each violation at its place: for the terminal and a notebook."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from cfrunbook.findings import Json, Status
from cfrunbook.functions.model import Path, Violation
from cfrunbook.text import visible

MAX_LINES = 400
"""Members shown of one tree; those with a violation and their way there are shown beyond that too."""
MAX_TEXT = 100
"""Characters shown of one string."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: how deep, what it says, where it is in the result, and what is wrong there."""

    depth: int
    text: str
    path: Path | None
    """None: a closing bracket, or a remark that something was left out."""
    violations: tuple[Violation, ...] = ()

    @property
    def status(self) -> Status | None:
        """The status of the worst violation there; None where nothing is wrong."""
        order = (Status.FAULT, Status.UNKNOWN, Status.WARNING, Status.INFO, Status.OK)
        return min((v.rule.status for v in self.violations), key=order.index, default=None)


def lines(value: Json, violations: Sequence[Violation]) -> tuple[Line, ...]:
    """Return `value` as indented JSON, cut where it is long; a violation of what is not there is at what holds it."""
    marks: dict[Path, list[Violation]] = {}
    for violation in violations:
        marks.setdefault(_nearest(value, violation.path), []).append(violation)
    return tuple(_Tree(marks).lines(value, (), "", ""))


def _nearest(value: Json, path: Path) -> Path:
    """Return the longest part of `path` that is there."""
    here, found = value, 0
    for step in path:
        inside = (isinstance(here, dict) and step in here) or (
            isinstance(here, list) and isinstance(step, int) and 0 <= step < len(here)
        )
        if not inside:
            break
        here, found = here[step], found + 1  # type: ignore[index]
    return path[:found]


class _Tree:
    """Makes the lines, and once there are many only those on the way to a violation."""

    def __init__(self, marks: Mapping[Path, Sequence[Violation]]) -> None:
        self._marks = marks
        self._on_the_way: dict[Path, set[str | int]] = {}
        for path in marks:
            for length, step in enumerate(path):
                self._on_the_way.setdefault(path[:length], set()).add(step)
        self._left = MAX_LINES

    def lines(self, value: Json, path: Path, name: str, comma: str) -> Iterator[Line]:
        self._left -= 1
        found, depth = tuple(self._marks.get(path, ())), len(path)
        if isinstance(value, dict) and value:
            yield Line(depth, f"{name}{{", path, found)
            yield from self._inside(((key, f"{_string(key)}: ", item) for key, item in value.items()), len(value), path)
            yield Line(depth, "}" + comma, None)
        elif isinstance(value, list) and value:
            yield Line(depth, f"{name}[", path, found)
            yield from self._inside(((number, "", item) for number, item in enumerate(value)), len(value), path)
            yield Line(depth, "]" + comma, None)
        else:
            yield Line(depth, f"{name}{_scalar(value)}{comma}", path, found)

    def _inside(self, members: Iterable[tuple[str | int, str, Json]], size: int, path: Path) -> Iterator[Line]:
        wanted, left_out = self._on_the_way.get(path, ()), 0
        for number, (step, name, item) in enumerate(members, 1):
            if self._left <= 0 and step not in wanted:
                left_out += 1
            else:
                yield from self.lines(item, (*path, step), name, "," * (number < size))
        if left_out:
            yield Line(len(path) + 1, f"… and {left_out:,} more", None)


def _scalar(value: Json) -> str:
    if isinstance(value, str):
        return _string(value)
    return visible(json.dumps(value, allow_nan=True), MAX_TEXT)


def _string(value: str) -> str:
    more = len(value) - MAX_TEXT
    shown = visible(json.dumps(value[:MAX_TEXT], ensure_ascii=False), 6 * MAX_TEXT)
    return f"{shown}… ({len(value):,} characters)" if more > 0 else shown
