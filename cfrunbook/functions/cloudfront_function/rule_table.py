"""How a row of the table is written: what is the same for all of CloudFront Functions is said once."""

from __future__ import annotations

from cfrunbook.findings import Status
from cfrunbook.functions.model import EVENT_TYPES, Certainty, Effect, EventType, FunctionRule, Kind

BOTH = EVENT_TYPES[Kind.CLOUDFRONT_FUNCTION]
REQUEST = (EventType.VIEWER_REQUEST,)
RESPONSE = (EventType.VIEWER_RESPONSE,)

INVALID_ORIGIN = "The CloudFront function returned an invalid value for origin rewrite."
COULD_NOT_RUN = "The CloudFront function associated with the CloudFront distribution is invalid or could not run."


def rule(
    name: str,
    *,
    title: str,
    meaning: str,
    source: str,
    events: tuple[EventType, ...] = BOTH,
    status: Status = Status.FAULT,
    effect: Effect = Effect.VALIDATION,
    certainty: Certainty = Certainty.DOCUMENTED,
    page: str = "",
    fix: str = "",
    next_check: str = "",
) -> FunctionRule:
    """Return the rule `cloudfront_function.<name>`. In `fix`, JavaScript, a placeholder is written `«name»`."""
    return FunctionRule(
        id=f"cloudfront_function.{name}",
        kind=Kind.CLOUDFRONT_FUNCTION,
        events=events,
        title=title,
        meaning=meaning,
        status=status,
        effect=effect,
        certainty=certainty,
        source=source,
        page=page,
        node=fix.replace("{", "{{").replace("}", "}}").replace("«", "{").replace("»", "}"),
        next_check=next_check,
    )
