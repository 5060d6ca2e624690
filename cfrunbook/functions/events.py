"""Events as CloudFront hands them to edge functions, made from a distribution and a viewer's request.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-event-structure.html
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html
The same request to the same distribution gives the same event, request id included. What no configuration tells is
typical: what the origin answers, where the viewer is. Values of origin custom headers are never known here.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from cfrunbook.cloudfront.distribution import Distribution, EventType
from cfrunbook.cloudfront.policies import Policies
from cfrunbook.cloudfront.viewer_url import ViewerUrl
from cfrunbook.errors import BadInput
from cfrunbook.functions.event_maker import EventMaker, lists, objects
from cfrunbook.functions.event_reader import FunctionEvent, read_event, read_events
from cfrunbook.functions.model import Kind
from cfrunbook.functions.viewer_request import ViewerRequest, viewer_request
from cfrunbook.text import visible

__all__ = [
    "FunctionEvent",
    "Kind",
    "ViewerRequest",
    "cloudfront_function_event",
    "lambda_edge_event",
    "read_event",
    "read_events",
    "viewer_request",
]


_STATUSES = frozenset(int(status) for status in HTTPStatus if 200 <= status <= 599)


def lambda_edge_event(
    event: EventType | str,
    request: ViewerRequest | ViewerUrl | str,
    *,
    distribution: Distribution | None = None,
    policies: Policies | None = None,
    include_body: bool | None = None,
    status: int = 200,
    origin: str = "",
) -> dict[str, Any]:
    """Return the event of a Lambda@Edge function: `{"Records": [{"cf": ...}]}`.

    `include_body` is what the behavior's association says where it is None; `status` is what the origin answers;
    `origin` is the id of one of an origin group's members, the primary where it is empty. Raises BadInput where
    CloudFront makes no such event: a URL that the distribution does not serve, an origin whose events run no function,
    a viewer-response after an error.
    """
    event = _event(event, tuple(EventType))
    made = EventMaker(request, distribution, policies, origin)
    _refuse(event, status)
    cf: dict[str, Any] = {
        "config": {
            "distributionDomainName": made.domain,
            "distributionId": made.id,
            "eventType": str(event),
            "requestId": made.request_id,
        },
        "request": made.lambda_request(event, include_body),
    }
    if event in (EventType.ORIGIN_RESPONSE, EventType.VIEWER_RESPONSE):
        fields = made.answer_fields(event, status)
        cf["response"] = {
            "headers": lists(fields),
            "status": str(status),
            "statusDescription": HTTPStatus(status).phrase,
        }
    return {"Records": [{"cf": cf}]}


def cloudfront_function_event(
    event: EventType | str,
    request: ViewerRequest | ViewerUrl | str,
    *,
    distribution: Distribution | None = None,
    policies: Policies | None = None,
    status: int = 200,
) -> dict[str, Any]:
    """Return the event of a CloudFront Function, version 1.0. Raises BadInput where CloudFront makes no such event."""
    event = _event(event, (EventType.VIEWER_REQUEST, EventType.VIEWER_RESPONSE))
    made = EventMaker(request, distribution, policies, "")
    _refuse(event, status)
    name = "endpoint" if distribution and distribution.tenant_only else "distributionDomainName"
    context = {
        name: made.domain,
        "distributionId": made.id,
        "eventType": str(event),
        "requestId": made.request_id,
    }
    found: dict[str, Any] = {
        "version": "1.0",
        "context": context,
        "viewer": {"ip": made.request.address},
        "request": made.function_request(),
    }
    if event is EventType.VIEWER_RESPONSE:
        fields = made.answer_fields(event, status)
        found["response"] = {
            "statusCode": status,
            "statusDescription": HTTPStatus(status).phrase,
            "headers": objects((name.lower(), value) for name, value in fields),
            "cookies": {},
        }
    return found


def _event(given: EventType | str, possible: tuple[EventType, ...]) -> EventType:
    if given not in possible:
        raise BadInput(f"Event type: '{visible(str(given), 40)}' is not one of {', '.join(possible)}.")
    return EventType(given)


def _refuse(event: EventType, status: int) -> None:
    """Raise BadInput for an answer after which CloudFront does not run functions of this event.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html#function-restrictions-status-codes
    """
    if status not in _STATUSES:
        raise BadInput(f"Status: {status} is no HTTP status that an origin answers with.")
    if event is EventType.VIEWER_RESPONSE and status >= 400:
        raise BadInput(
            f"Status: CloudFront runs no viewer-response function where the origin answers {status}; only"
            " origin-response functions of Lambda@Edge run after an error."
        )
