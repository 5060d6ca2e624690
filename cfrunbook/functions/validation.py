"""The one question about a result: would CloudFront use it, or answer 502, because of which rule, where?"""

from __future__ import annotations

from cfrunbook.functions.documents import Document
from cfrunbook.functions.model import EventType, FunctionRule, Kind, Validation


def validate(
    kind: Kind, result: Document, event_type: EventType | None = None, event: Document | None = None
) -> Validation:
    """Return what CloudFront makes of `result`. Pure; never raises, whatever the documents hold.

    Without `event_type` it is taken from `event`; without either, only what holds for all events is checked. Without
    `event`, what must be compared with it (read-only headers, the method) is reported as "cannot tell".
    """
    if kind is Kind.LAMBDA_EDGE:
        from cfrunbook.functions.lambda_edge import validation as lambda_edge

        return lambda_edge.validate(result, event_type, event)
    from cfrunbook.functions.cloudfront_function import validation as cloudfront_function

    return cloudfront_function.validate(result, event_type, event)


def rules(kind: Kind | None = None) -> dict[str, FunctionRule]:
    """Return all rules of one kind, or of both, by their ids."""
    return {rule.id: rule for one in ([kind] if kind else Kind) for rule in table(one)}


def table(kind: Kind) -> tuple[FunctionRule, ...]:
    """Return the rules of one kind, in their order."""
    if kind is Kind.LAMBDA_EDGE:
        from cfrunbook.functions.lambda_edge.rules import RULES as LAMBDA_EDGE

        return LAMBDA_EDGE
    from cfrunbook.functions.cloudfront_function.rules import RULES as CLOUDFRONT_FUNCTION

    return CLOUDFRONT_FUNCTION
