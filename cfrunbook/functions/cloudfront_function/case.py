"""One result being checked: what it is compared with, and what was found so far."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cfrunbook.findings import Json
from cfrunbook.functions.model import Edit, EventType, FunctionRule, Path, Violation
from cfrunbook.redaction import REDACTED, redact_headers, redact_url, redact_words
from cfrunbook.text import visible

Shape = Literal["request", "response"]
MAX_SHOWN = 80
MAX_VIOLATIONS = 200
"""A result of a thousand broken headers is as broken as one of two hundred."""


@dataclass(slots=True)
class Case:
    """A request or response that a function returned."""

    result: dict[str, Any]
    shape: Shape
    event_type: EventType | None
    before: dict[str, Any] | None = None
    """The same object as it came in the event; None where there is no event, or where the function made it."""
    request: dict[str, Any] | None = None
    """The event's request, at both events; None without the event."""
    is_generated: bool = False
    """A response made at viewer-request."""
    found: list[Violation] = field(default_factory=list)

    def add(self, rule: FunctionRule, path: Path, *, shown: str = "", edits: Iterable[Edit] = (), **data: Any) -> None:
        """Note one violation. A rule that does not hold at this event says nothing."""
        if self.event_type is not None and self.event_type not in rule.events:
            return
        if len(self.found) < MAX_VIOLATIONS:
            self.found.append(Violation(rule, path, shown, {"object": self.shape, **data}, tuple(edits)))


def kind_of(value: Json) -> str:
    """Return what a value is, in a word or two: `a number`, `an array`."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"


def show(value: Json, limit: int = MAX_SHOWN) -> str:
    """Return a value that is no secret: text in quotes, cut; of lists and objects only what they are."""
    if isinstance(value, str):
        return json.dumps(visible(redact_words(value[: 4 * limit]), limit), ensure_ascii=False)
    if isinstance(value, list | dict):
        return kind_of(value)
    return visible(json.dumps(value), limit)


def show_field(name: str, value: Json) -> str:
    """Return a header's value: shown where its name is known to be harmless."""
    if not isinstance(value, str):
        return show(value)
    return json.dumps(visible(redact_headers([(name, value)])[0][1], MAX_SHOWN), ensure_ascii=False)


def show_url(uri: str) -> str:
    """Return a path or URL without what may be secret in it."""
    return json.dumps(visible(redact_url(uri[: 4 * MAX_SHOWN]), MAX_SHOWN), ensure_ascii=False)


def show_secret(value: Json) -> str:
    """Return what stands for the value of a cookie or parameter."""
    return REDACTED if isinstance(value, str) and value else show(value)


def name_character(character: str) -> str:
    """Return a character for a sentence: `a line feed`, `a space`, `U+0007`."""
    known: Mapping[str, str] = {
        "\r": "a carriage return",
        "\n": "a line feed",
        " ": "a space",
        "\t": "a tab",
        "#": "a #",
    }
    return known.get(character, f"U+{ord(character):04X}")


def same(one: Json, other: Json) -> bool:
    """Tell whether two JSON values are the same, true and 1 told apart, NaN the same as itself."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
