"""What is found about one call of an origin helper."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cfrunbook.functions.model import EventType, FunctionRule, Path, Violation
from cfrunbook.text import visible

_MAX_VIOLATIONS = 50


@dataclass(slots=True)
class Notes:
    """The violations of one call, and what its settings are held against."""

    helper: str
    number: int
    """Which call it is, from 0."""
    event_type: EventType | None
    request_headers: frozenset[str] = frozenset()
    """Names of the request's headers, lower case: custom headers must not have one of them."""
    found: list[Violation] = field(default_factory=list)

    def add(self, rule: FunctionRule, path: Path, *, shown: str = "", **data: Any) -> None:
        """Note one violation."""
        if len(self.found) < _MAX_VIOLATIONS:
            data = {"helper": visible(self.helper, 40), "call": self.number, **data}
            self.found.append(Violation(rule, path, shown, data))
