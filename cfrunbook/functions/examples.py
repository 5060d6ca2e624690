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


def examples(kind: Kind) -> dict[str, Example]:
    """Return the broken results of one kind, by the ids of the rules that they break."""
    if kind is Kind.LAMBDA_EDGE:
        from cfrunbook.functions.lambda_edge import examples as lambda_edge

        return lambda_edge.examples()
    from cfrunbook.functions.cloudfront_function import examples as cloudfront_function

    return cloudfront_function.examples()


def twins(kind: Kind) -> tuple[Example, ...]:
    """Return valid results of one kind, for each of its events."""
    if kind is Kind.LAMBDA_EDGE:
        from cfrunbook.functions.lambda_edge import examples as lambda_edge

        return lambda_edge.twins()
    from cfrunbook.functions.cloudfront_function import examples as cloudfront_function

    return cloudfront_function.twins()
