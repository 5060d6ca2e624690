"""What CloudFront said of an edge function, and which rule it means: for the terminal, and as JSON values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from cfrunbook.functions.messages import Message, Place
from cfrunbook.functions.model import TITLES, Effect, FunctionRule
from cfrunbook.functions.validation import rules
from cfrunbook.text import visible
from cfrunbook.views import terminal

MAX_RULES = 6
"""Rules that are explained of one message; the others are named."""
_PLACES = {Place.LOG: "CloudFront's log", Place.PAGE: "CloudFront's error page", Place.X_CACHE: "X-Cache"}
_EFFECTS = {
    Effect.VALIDATION: "CloudFront refused what the function returned: 502.",
    Effect.EXECUTION: "The function failed, ran too long or needed too much: 503, not 502.",
    Effect.THROTTLE: "Too many or too large executions: 503, not 502.",
    Effect.NONE: "The function itself made this response; CloudFront refused nothing.",
}


def names_something(told: Sequence[Message]) -> bool:
    """Tell whether CloudFront says that a function is why a viewer got an error."""
    return any(message.effect is not Effect.NONE for message in told)


def render(told: Sequence[Message], *, color: bool, width: int) -> str:
    """Return each message with what it means, and the rules behind it with their fixes."""
    paper = terminal.Paper(color=color, width=width)
    if not told:
        head = paper.item("unknown", "Nothing in this text is known as CloudFront speaking of an edge function.")
        rest = paper.wrap(
            "Known are lines of /aws/cloudfront/LambdaEdge/DISTRIBUTION_ID, sentences of CloudFront's error page"
            " (pages since January 2026 have none), and values of X-Cache."
        )
        return "\n".join([*head, *rest])
    return "\n\n".join("\n".join(_lines(paper, message)) for message in told)


def _lines(paper: terminal.Paper, message: Message) -> Iterator[str]:
    status = "info" if message.effect is Effect.NONE else "fault"
    said = f"{_PLACES[message.place]} on {TITLES[message.kind]}: {message.sentence}"
    yield from paper.item(status, said, bold=True)
    yield from paper.wrap(_EFFECTS[message.effect], indent="  ")
    facts = (
        ("Header", message.header), ("Character", message.character), ("Request id", message.request_id),
        ("Invocation", message.invocation_id), ("Function", message.function_arn), ("Region", message.region),
    )  # fmt: skip
    for label, value in facts:
        if value:
            yield f"  {label}: {visible(value, 300)}"
    known = rules()
    named = [known[rule] for rule in message.rules if rule in known]
    for rule in named[:MAX_RULES]:
        yield from _rule(paper, rule)
    if len(named) > MAX_RULES:
        yield from paper.wrap("or: " + ", ".join(rule.id for rule in named[MAX_RULES:]), indent="  ")
    for sentence in message.not_said:
        yield from paper.wrap(sentence, first="  ? ", indent="    ")


def _rule(paper: terminal.Paper, rule: FunctionRule) -> Iterator[str]:
    events = ", ".join(event.value for event in rule.events)
    yield ""
    yield from paper.wrap(f"{rule.id} ({events})", indent="  ")
    yield from paper.wrap(rule.meaning, indent="    ")
    yield f"    {rule.source}"


def to_builtins(told: Sequence[Message]) -> dict[str, Any]:
    """Return the messages as JSON values."""
    return {
        "schema": 1,
        "messages": [
            {
                "place": m.place.value,
                "kind": m.kind.value,
                "effect": m.effect.value,
                "cloudfront_status": m.effect.status,
                "sentence": m.sentence,
                "rules": list(m.rules),
                "header": m.header,
                "character": m.character,
                "request_id": m.request_id,
                "invocation_id": m.invocation_id,
                "function_arn": m.function_arn,
                "region": m.region,
                "not_said": list(m.not_said),
            }
            for m in told
        ],
    }
