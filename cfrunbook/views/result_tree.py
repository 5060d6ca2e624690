"""A function's result as a tree of lines, each violation at its place: for the terminal, a notebook and the report."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cfrunbook.findings import Json, Status
from cfrunbook.functions.model import Path, Violation
from cfrunbook.text import visible

MAX_LINES = 400
"""Lines of one tree; lines with a violation and their way there are always among them."""
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
    on_the_way = {path[:length] for path in marks for length in range(len(path) + 1)}
    made = list(_lines(value, (), "", "", marks))
    if len(made) <= MAX_LINES:
        return tuple(made)
    kept = [line for number, line in enumerate(made) if number < MAX_LINES or line.path in on_the_way]
    return (*kept, Line(0, f"… and {len(made) - len(kept)} more lines", None))


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


def _lines(value: Json, path: Path, name: str, comma: str, marks: dict[Path, list[Violation]]) -> Iterator[Line]:
    found, depth = tuple(marks.get(path, ())), len(path)
    if isinstance(value, dict) and value:
        yield Line(depth, f"{name}{{", path, found)
        last = len(value) - 1
        for number, (key, item) in enumerate(value.items()):
            yield from _lines(item, (*path, key), f"{_string(key)}: ", "," * (number < last), marks)
        yield Line(depth, "}" + comma, None)
    elif isinstance(value, list) and value:
        yield Line(depth, f"{name}[", path, found)
        last = len(value) - 1
        for number, item in enumerate(value):
            yield from _lines(item, (*path, number), "", "," * (number < last), marks)
        yield Line(depth, "]" + comma, None)
    else:
        yield Line(depth, f"{name}{_scalar(value)}{comma}", path, found)


def _scalar(value: Json) -> str:
    if isinstance(value, str):
        return _string(value)
    return visible(json.dumps(value, allow_nan=True), MAX_TEXT)


def _string(value: str) -> str:
    more = len(value) - MAX_TEXT
    shown = visible(json.dumps(value[:MAX_TEXT], ensure_ascii=False), 6 * MAX_TEXT)
    return f"{shown}… ({len(value):,} characters)" if more > 0 else shown
