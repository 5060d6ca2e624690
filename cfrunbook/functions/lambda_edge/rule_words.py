"""What Lambda@Edge's tables of rules share: sources, sentences of CloudFront's pages, and how to make a row."""

from __future__ import annotations

from typing import Any

from cfrunbook.functions.model import Certainty, EventType, FunctionRule, Kind

_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
EVENT_STRUCTURE = _GUIDE + "lambda-event-structure.html"
GENERATING = _GUIDE + "lambda-generating-http-responses.html"
RESTRICTIONS = _GUIDE + "lambda-at-edge-function-restrictions.html"
HEADER_RESTRICTIONS = _GUIDE + "edge-function-restrictions-all.html"
CUSTOM_HEADERS = _GUIDE + "add-origin-custom-headers.html"
QUOTAS = _GUIDE + "cloudfront-limits.html"
DEBUGGING = _GUIDE + "lambda-edge-testing-debugging.html"
BAD_GATEWAY = _GUIDE + "http-502-bad-gateway.html"
LAMBDA_QUOTAS = "https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"
REPORT_NULL = "https://github.com/serverless-nextjs/serverless-next.js/issues/525"
REPORT_DISALLOWED = "https://github.com/serverless-nextjs/serverless-next.js/issues/898"
REPORT_DELETED = "https://github.com/CodeGenieApp/serverless-express/issues/369"
REPORT_VALUE_TYPE = "https://github.com/aws-samples/cloudfront-authorization-at-edge/issues/12"
REPORT_CHARACTER = "https://github.com/aws-ia/cloudformation-aws-marketplace-saas/issues/54"
REPORT_URI = "https://github.com/marksteele/edge-rewrite/issues/6"

_FAILED = "The Lambda function result failed validation: "
PAGE_BODY = _FAILED + "The body is not a string, is not an object, or exceeds the maximum size."
PAGE_READ_ONLY = _FAILED + "The function tried to add, delete, or change a read-only header."
PAGE_DISALLOWED = _FAILED + "The function tried to add a blacklisted header."
PAGE_URI = _FAILED + "The specified URI is in an invalid format."
PAGE_NOT_OBJECT = "The Lambda function returned invalid JSON: The JSON output must be an object type."
PAGE_NOT_PARSABLE = "The Lambda function returned invalid json: The json output is not parsable"
PAGE_HEADER_ENTRY = (
    "The Lambda function returned an invalid entry in the headers object:"
    " Each header entry in the headers object must be an array."
)
PAGE_CUSTOM_HEADER = (
    "The Lambda function returned an invalid origin configuration:"
    " One or more HeaderName or HeaderValue values are invalid."
)
PAGE_DOMAIN_NAME = "The Lambda function returned an invalid origin configuration: The value of DomainName is invalid."

LOG_NOT_OBJECT = "The Lambda function returned an invalid json output, parsed json should be an object type."
_LOG_FAILED = "Lambda function result failed validation, the function "
LOG_DISALLOWED = _LOG_FAILED + "tried to add a blacklisted header in headers, headerName : {header}."
LOG_DELETED = _LOG_FAILED + "tried to delete read-only header, headerName : {header}."
LOG_VALUE_TYPE = (
    "The Lambda function returned an invalid entry in the headers object, the value of each header value must be of"
    " string or array of string type, header :{header} has one or more entries whose value is neither string nor array"
    " of strings."
)
LOG_CHARACTER = (
    "Lambda function result validation failed, the function returned an invalid header, invalid character :"
    " '{character}' in header value, headerName : {header}."
)

ALL = tuple(EventType)
VIEWER_REQUEST = (EventType.VIEWER_REQUEST,)
ORIGIN_REQUEST = (EventType.ORIGIN_REQUEST,)
VIEWER_RESPONSE = (EventType.VIEWER_RESPONSE,)
REQUESTS = (EventType.VIEWER_REQUEST, EventType.ORIGIN_REQUEST)
RESPONSES = (EventType.ORIGIN_RESPONSE, EventType.VIEWER_RESPONSE)


def rule(name: str, title: str, meaning: str, **more: Any) -> FunctionRule:
    """Return the row `lambda_edge.<name>`; unless said otherwise a documented fault in all four events."""
    fields: dict[str, Any] = {"events": ALL, "source": EVENT_STRUCTURE, "certainty": Certainty.DOCUMENTED, **more}
    return FunctionRule(id=f"lambda_edge.{name}", kind=Kind.LAMBDA_EDGE, title=title, meaning=meaning, **fields)
