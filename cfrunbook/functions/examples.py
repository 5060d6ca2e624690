"""For every rule a result that breaks it and nothing else, made from a valid one: for tests, the lab and training.

The tables are in `cfrunbook.functions.<kind>.examples`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from cfrunbook.findings import Json
from cfrunbook.functions.model import EventType, Kind


@dataclass(frozen=True, slots=True)
class Example:
    """One rule, and a result that breaks it."""

    rule: str
    """The id of the rule; empty for the valid twin."""
    kind: Kind
    event_type: EventType | None
    """None where the rule is about not knowing it."""
    event: Json
    """What the function was called with; None where the rule is about not having it."""
    result: Json
    story: str
    """How such a result comes about, in one line."""
    raw: str | None = None
    """The result as text, where that is no JSON, or JSON that not every reader takes."""

    @property
    def text(self) -> str:
        """The result as it is given to the validation: JSON, or what was to be JSON."""
        return self.raw if self.raw is not None else json.dumps(self.result)
