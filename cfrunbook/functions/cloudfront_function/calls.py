"""What a function did beside its result: calls of CloudFront's helpers, and how the run itself went."""

from __future__ import annotations

from dataclasses import dataclass

from cfrunbook.findings import Json
from cfrunbook.functions.cloudfront_function.facts import Runtime
from cfrunbook.functions.documents import read


@dataclass(frozen=True, slots=True)
class OriginCall:
    """One call of an origin helper, as a harness records it.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/helper-functions-origin-modification.html
    """

    helper: str
    """`updateRequestOrigin`, `selectRequestOriginById` or `createRequestOriginGroup`."""
    arguments: tuple[Json, ...] | None = ()
    """As JSON; `undefined` is None. None in place of all: they were not recorded."""


def recorded(helper: str, arguments: str) -> OriginCall:
    """Return a call from its record: the helper's name, and its arguments as a JSON array (`null`: not recorded)."""
    document = read(arguments)
    given = document.value if document.is_readable else None
    return OriginCall(helper, tuple(given) if isinstance(given, list) else None)


@dataclass(frozen=True, slots=True)
class Run:
    """What is known of the function and its run; all of it is optional."""

    threw: str = ""
    """What the handler threw, as text: `Error: KeyNotFound`. Then there is no result."""
    code: str | None = None
    """The function's source."""
    runtime: Runtime | None = None
    compute_utilization: int | None = None
    """Percent of the time allowed, as `test-function` says."""
