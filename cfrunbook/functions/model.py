"""What is said about an edge function's result: a rule, where the result breaks it, and how to mend it.

Lambda@Edge and CloudFront Functions have different events, results and rules, so each has its own table and checks;
only the words in which they answer are shared.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-event-structure.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html
"""

from __future__ import annotations

import copy
import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from cfrunbook.cloudfront.distribution import EventType
from cfrunbook.findings import Json, Status, Struct
from cfrunbook.text import fill, visible

__all__ = [
    "DELETE", "EVENT_TYPES", "TITLES", "Certainty", "Edit", "Effect", "EventType", "FunctionRule", "Kind", "Path",
    "Validation", "Violation", "apply", "show_path",
]  # fmt: skip


class Kind(StrEnum):
    """The two kinds of edge functions."""

    LAMBDA_EDGE = "lambda-edge"
    CLOUDFRONT_FUNCTION = "cloudfront-function"


EVENT_TYPES: Mapping[Kind, tuple[EventType, ...]] = {
    Kind.LAMBDA_EDGE: tuple(EventType),
    Kind.CLOUDFRONT_FUNCTION: (EventType.VIEWER_REQUEST, EventType.VIEWER_RESPONSE),
}
TITLES: Mapping[Kind, str] = {Kind.LAMBDA_EDGE: "Lambda@Edge", Kind.CLOUDFRONT_FUNCTION: "CloudFront Functions"}


class Effect(StrEnum):
    """What CloudFront does with a function that went wrong, and which `X-Cache` says so.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-functions-logs.html
    """

    VALIDATION = "validation"
    """The function ran and gave what CloudFront refuses: 502."""
    EXECUTION = "execution"
    """The function threw, ran too long or needed too much memory: 503."""
    THROTTLE = "throttle"
    """Too many executions at the same time, or too much compute: 503."""
    NONE = "none"
    """CloudFront accepts it."""

    @property
    def status(self) -> int | None:
        """The HTTP status that the viewer gets; None where the function's own result is used."""
        return {Effect.VALIDATION: 502, Effect.NONE: None}.get(self, 503)


class Certainty(StrEnum):
    """How a rule is known."""

    DOCUMENTED = "documented"
    """AWS's developer guide says so."""
    REPORTED = "reported"
    """Seen by people who published the message that CloudFront gave."""
    INFERRED = "inferred"
    """Follows from the documented structure; what CloudFront does then is written nowhere."""


class FunctionRule(Struct, frozen=True, kw_only=True):
    """One thing that CloudFront demands of a result. Texts are templates over a violation's data (`text.fill`)."""

    id: str
    """`<kind>.<name>` with `_` for `-`: `lambda_edge.header_disallowed`."""
    kind: Kind
    events: tuple[EventType, ...]
    """Where the rule holds."""
    title: str
    """One sentence with the actual values: what is wrong with the result."""
    meaning: str
    """Why CloudFront refuses it, in a line or two."""
    status: Status = Status.FAULT
    """`FAULT`, `WARNING` (accepted today as far as known, or not documented), `UNKNOWN` (cannot tell), `INFO`."""
    effect: Effect = Effect.VALIDATION
    certainty: Certainty = Certainty.DOCUMENTED
    source: str
    """URL of the public document."""
    page: str = ""
    """The sentence on CloudFront's error page (until 2025), where known."""
    log: str = ""
    """The line in CloudFront's log group in CloudWatch, without request id, where known."""
    node: str = ""
    """The fix as Node.js code, a few lines."""
    python: str = ""
    """The fix as Python code; empty for CloudFront Functions, which are JavaScript."""
    next_check: str = ""
    """For `UNKNOWN`: what would settle it."""
    since: dt.date | None = None
    until: dt.date | None = None


Path = tuple[str | int, ...]
"""Where in a result: keys and indexes from the top."""

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def show_path(path: Path) -> str:
    """Return a path as code would name it: `headers["x-foo"][0].value`; the top itself is `result`."""
    shown = ""
    for step in path:
        if isinstance(step, int):
            shown += f"[{step}]"
        elif _PLAIN_KEY.fullmatch(step):
            shown += f".{step}" if shown else step
        else:
            quoted = visible(step, 120).replace("\\", "\\\\").replace('"', '\\"')
            shown += f'["{quoted}"]'
    return shown or "result"


class _Delete:
    """Stands for "not there"."""

    def __repr__(self) -> str:
        return "DELETE"


DELETE: Final = _Delete()


@dataclass(frozen=True, slots=True)
class Edit:
    """One change that mends a result: what is at `path` becomes `value`, or goes where that is `DELETE`."""

    path: Path
    value: Json | _Delete


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule, and one place where the result breaks it."""

    rule: FunctionRule
    path: Path
    shown: str = ""
    """The value there, cut and redacted where it may be a secret; empty where it says nothing."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """The arguments of the rule's texts, beside `path` and `value`, which are always there. JSON values, redacted."""
    edits: tuple[Edit, ...] = ()
    """What mends it; empty where only the author can know."""

    @property
    def where(self) -> str:
        """The path as code would name it."""
        return show_path(self.path)

    @property
    def arguments(self) -> dict[str, Any]:
        """What the rule's texts are filled with."""
        return {"path": self.where, "value": self.shown, **self.data}

    def say(self, template: str) -> str:
        """Return one of the rule's texts with the actual values."""
        return fill(template, self.arguments)

    @property
    def title(self) -> str:
        """What is wrong, in one sentence."""
        return self.say(self.rule.title)


@dataclass(frozen=True, slots=True)
class Validation:
    """What CloudFront would make of one result."""

    kind: Kind
    event_type: EventType | None
    """None: it was neither said nor to be seen, and only what holds for all events was checked."""
    shape: str
    """`request`, `response`, or empty where the result is neither."""
    violations: tuple[Violation, ...]
    """In the order of the result; all that is wrong, warned of or could not be told."""
    corrected: Json = None
    """The result with all edits applied; None where it cannot be mended, needs no mending, or is far too large."""
    size: int | None = None
    """Bytes that count against the limit of a generated response or replaced body; None: no limit applies."""
    limit: int | None = None
    left_off: Mapping[str, int] = field(default_factory=dict)
    """How many more violations of a rule (by its id) there are, at least, than are listed; mended are all."""

    def of(self, *statuses: Status) -> tuple[Violation, ...]:
        """Return the violations with one of these statuses."""
        return tuple(v for v in self.violations if v.rule.status in statuses)

    @property
    def is_refused(self) -> bool:
        """True where CloudFront would answer an error instead of using the result."""
        return bool(self.of(Status.FAULT))

    @property
    def effect(self) -> Effect:
        """What CloudFront does with the result."""
        faults = self.of(Status.FAULT)
        return faults[0].rule.effect if faults else Effect.NONE


def apply(edits: Iterable[Edit], result: Json) -> Json:
    """Return a copy of `result` with `edits` applied in order of depth, indexes from the end.

    An edit whose place is not there (another one took it away) is left out. An edit of the top replaces everything.
    """
    changed = copy.deepcopy(result)
    for edit in sorted(edits, key=lambda e: (-len(e.path), tuple(_order(step) for step in e.path))):
        if not edit.path:
            return None if isinstance(edit.value, _Delete) else copy.deepcopy(edit.value)
        holder, last = _at(changed, edit.path[:-1]), edit.path[-1]
        fits = isinstance(holder, dict if isinstance(last, str) else list)
        if not fits or (isinstance(last, int) and last >= len(holder)):
            continue
        if not isinstance(edit.value, _Delete):
            holder[last] = copy.deepcopy(edit.value)
        elif isinstance(last, int) or last in holder:
            del holder[last]
    return changed


def _order(step: str | int) -> tuple[int, int, str]:
    """Sort indexes downwards, so that deleting one does not move the others."""
    return (0, -step, "") if isinstance(step, int) else (1, 0, step)


def _at(value: Any, path: Path) -> Any:
    for step in path:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value):
            value = value[step]
        else:
            return None
    return value
