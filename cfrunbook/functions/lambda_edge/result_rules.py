"""Rules about a Lambda@Edge result as a whole: is it JSON, is it an object, and is it a request or a response."""

from __future__ import annotations

from cfrunbook.findings import Status
from cfrunbook.functions.lambda_edge import rule_words as words
from cfrunbook.functions.lambda_edge.rule_words import rule
from cfrunbook.functions.model import Certainty, Effect

_RETURN_REQUEST = "return event.Records[0].cf.{object};"
_RETURN_REQUEST_PYTHON = 'return event["Records"][0]["cf"]["{object}"]'

RESULT_NULL = rule(
    "result_null",
    "The function returned nothing ({what}), and CloudFront needs a request or a response object.",
    "The handler ended without a result: an “async” handler without “return”, a branch without one, a callback that was"
    " never called with an object, or a handler that is not “async” and returns its result, which Lambda ignores.",
    source=words.REPORT_NULL,
    certainty=Certainty.REPORTED,
    page=words.PAGE_NOT_OBJECT,
    log=words.LOG_NOT_OBJECT,
    node="exports.handler = async (event) => {{  // async: what is returned is the result\n"
    "  const request = event.Records[0].cf.request;\n  return request;  // at the end of every branch\n}};",
    python='def handler(event, context):\n    request = event["Records"][0]["cf"]["request"]\n'
    "    return request  # at the end of every branch",
)
RESULT_EMPTY_OBJECT = rule(
    "result_empty_object",
    "The function returned an empty object, which is neither a request nor a response.",
    "A promise that was not awaited becomes {{}} in JSON: the handler handed a promise to the callback or put one where"
    " its result should be.",
    certainty=Certainty.INFERRED,
    node="const response = await makeResponse(event);  // await, then return\nreturn response;",
    python="return make_response(event)  # the object itself; Lambda@Edge does not await a coroutine",
)
RESULT_ARRAY = rule(
    "result_array",
    "The function returned {value}, and CloudFront needs an object.",
    "A result is one request or response object, never a list of them.",
    page=words.PAGE_NOT_OBJECT,
    log=words.LOG_NOT_OBJECT,
    certainty=Certainty.REPORTED,
    source=words.REPORT_NULL,
    node="return response;  // not [response]",
    python="return response  # not [response]; a trailing comma makes a tuple",
)
RESULT_STRING = rule(
    "result_string",
    "The function returned {value}, and CloudFront needs an object.",
    "Lambda itself turns the result into JSON. One that was made JSON before arrives as a string.",
    page=words.PAGE_NOT_OBJECT,
    log=words.LOG_NOT_OBJECT,
    certainty=Certainty.REPORTED,
    source=words.REPORT_NULL,
    node="return response;  // not JSON.stringify(response)",
    python="return response  # not json.dumps(response)",
)
RESULT_SCALAR = rule(
    "result_scalar",
    "The function returned {value}, and CloudFront needs an object.",
    "A result is one request or response object.",
    page=words.PAGE_NOT_OBJECT,
    log=words.LOG_NOT_OBJECT,
    certainty=Certainty.REPORTED,
    source=words.REPORT_NULL,
    node="return request;  // or a response object",
    python="return request  # or a response object",
)
RESULT_EVENT = rule(
    "result_event",
    "The function returned the event; CloudFront needs “event.Records[0].cf.{object}” out of it.",
    "The event wraps the request and the response. Only one of them is a result.",
    certainty=Certainty.INFERRED,
    node=_RETURN_REQUEST,
    python=_RETURN_REQUEST_PYTHON,
)
RESULT_CF = rule(
    "result_cf",
    "The function returned an object around {members}; CloudFront needs the {object} itself.",
    "“event.Records[0].cf” and objects like it hold the request and the response; only one of them is a result.",
    certainty=Certainty.INFERRED,
    node=_RETURN_REQUEST,
    python=_RETURN_REQUEST_PYTHON,
)
RESULT_API_GATEWAY = rule(
    "result_api_gateway",
    "The result is shaped for API Gateway (“statusCode”, plain headers); Lambda@Edge needs “status” and arrays.",
    "CloudFront does not know “statusCode”, “isBase64Encoded” and “multiValueHeaders”. A framework adapter for API"
    " Gateway or a load balancer has to be replaced by one for Lambda@Edge.",
    certainty=Certainty.INFERRED,
    source=words.GENERATING,
    node="return {{\n  status: '200',\n"
    "  headers: {{ 'content-type': [{{ key: 'Content-Type', value: 'text/html' }}] }},\n  body,\n}};",
    python='return {{\n    "status": "200",\n'
    '    "headers": {{"content-type": [{{"key": "Content-Type", "value": "text/html"}}]}},\n    "body": body,\n}}',
)
RESULT_CLOUDFRONT_FUNCTIONS = rule(
    "result_cloudfront_functions",
    "The result is shaped for CloudFront Functions ({members}); Lambda@Edge needs another structure.",
    "In Lambda@Edge a header is an array of {{key, value}} objects, “status” is a string, the query string is a string,"
    " and cookies are headers.",
    certainty=Certainty.INFERRED,
    source=words.GENERATING,
    node="return {{\n  status: '302',\n  headers: {{ location: [{{ key: 'Location', value: url }}] }},\n}};",
    python='return {{\n    "status": "302",\n    "headers": {{"location": [{{"key": "Location", "value": url}}]}},\n}}',
)
RESULT_SHAPE = rule(
    "result_shape",
    "The result is neither a request (no “uri” or “method”) nor a response (no “status”); it has {members}.",
    "CloudFront cannot tell what to do with it.",
    certainty=Certainty.INFERRED,
    node=_RETURN_REQUEST,
    python=_RETURN_REQUEST_PYTHON,
)
RESULT_REQUEST_FOR_RESPONSE = rule(
    "result_request_for_response",
    "The function returned a request, and in the {event_type} event CloudFront needs a response.",
    "After the origin or the cache has answered, the request can no longer be changed.",
    events=words.RESPONSES,
    certainty=Certainty.INFERRED,
    source=words.GENERATING,
    node="const response = event.Records[0].cf.response;\nreturn response;",
    python='response = event["Records"][0]["cf"]["response"]\nreturn response',
)
RESULT_BOTH_SHAPES = rule(
    "result_both_shapes",
    "The result has both “status” and {members}: it is a response and a request at the same time.",
    "AWS does not say which of them CloudFront takes it for. It is judged as a response here.",
    events=words.REQUESTS,
    status=Status.WARNING,
    effect=Effect.NONE,
    certainty=Certainty.INFERRED,
    node="return {{ status: '302', headers }};  // a new object, not the request with a status added",
    python='return {{"status": "302", "headers": headers}}  # a new object, not the request with a status added',
)
JSON_INVALID = rule(
    "json_invalid",
    "The result is not JSON ({detail}).",
    "CloudFront reads the result as JSON. Where Lambda itself wrote it, the usual reason is a result over the size"
    " limit (40 KB in viewer events, 1 MB in origin events), which arrives cut off.",
    source=words.REPORT_NULL,
    certainty=Certainty.REPORTED,
    page=words.PAGE_NOT_PARSABLE,
    node="return response;  // a plain object: let Lambda write the JSON, and keep its body small",
    python="return response  # a dict: let Lambda write the JSON, and keep its body small",
)
JSON_NOT_FINITE = rule(
    "json_not_finite",
    "{path} is {detail}, which JSON does not have.",
    "Python's json module writes NaN and Infinity all the same, and a strict reader refuses the whole document.",
    certainty=Certainty.INFERRED,
    source="https://docs.python.org/3/library/json.html#infinite-and-nan-number-values",
    page=words.PAGE_NOT_PARSABLE,
    node="// JSON.stringify writes null for NaN: compute the number, or leave the member out",
    python="json.dumps(response, allow_nan=False)  # raises where the number comes from",
)
JSON_DUPLICATE_KEY = rule(
    "json_duplicate_key",
    "An object of the result has the key “{detail}” twice.",
    "The last one is judged here. Which of them CloudFront takes is not documented.",
    status=Status.WARNING,
    effect=Effect.NONE,
    certainty=Certainty.INFERRED,
    source="https://www.rfc-editor.org/rfc/rfc8259#section-4",
    node="return response;  // an object cannot have a key twice: do not put the JSON together by hand",
    python="return response  # a dict cannot have a key twice: do not put the JSON together by hand",
)
JSON_LONE_SURROGATE = rule(
    "json_lone_surrogate",
    "{path} holds half of a character, which cannot be written as UTF-8.",
    "A string was cut in the middle of a character above U+FFFF (an emoji). What CloudFront makes of it is not"
    " documented; Python's runtime fails to write such a result, which is an execution error (503).",
    status=Status.WARNING,
    effect=Effect.NONE,
    certainty=Certainty.INFERRED,
    source="https://www.rfc-editor.org/rfc/rfc8259#section-8.2",
    node="text = [...text].slice(0, 100).join('');  // cuts between characters\ntext.toWellFormed();  // Node.js 20",
    python='text = text.encode("utf-8", "replace").decode()',
)
JSON_TOO_DEEP = rule(
    "json_too_deep",
    "The result is nested too deeply to be judged ({detail}).",
    "A valid result has six levels. What CloudFront makes of more is not documented.",
    status=Status.UNKNOWN,
    effect=Effect.NONE,
    certainty=Certainty.INFERRED,
    next_check="Return only the members that a request or response has, and validate that.",
)
RESULT_TOO_LARGE = rule(
    "result_too_large",
    "The result is {size:,} bytes of JSON, and Lambda hands over at most {limit:,}.",
    "Lambda fails the invocation before CloudFront sees a result: the viewer gets 503, as for an exception. That this"
    " is the status for Lambda@Edge too is inferred; AWS does not say so.",
    effect=Effect.EXECUTION,
    certainty=Certainty.INFERRED,
    source=words.LAMBDA_QUOTAS,
    node="return {{ status: '302', headers: {{ location: [{{ value: urlOfTheLargeFile }}] }} }};",
    python='return {{"status": "302", "headers": {{"location": [{{"value": url_of_the_large_file}}]}}}}',
)
EVENT_TYPE_UNKNOWN = rule(
    "event_type_unknown",
    "For which event the result is was not said, so only what holds for all four was checked.",
    "Limits of size, read-only headers and what may be returned differ between the events.",
    status=Status.UNKNOWN,
    effect=Effect.NONE,
    next_check="Say the event type: --event-type viewer-request, origin-request, origin-response or viewer-response.",
)
EVENT_UNUSABLE = rule(
    "event_unusable",
    "The event cannot be compared with the result: {why}.",
    "Without it, it cannot be told whether the function changed or deleted something that it may only read.",
    status=Status.UNKNOWN,
    effect=Effect.NONE,
    next_check="Give the event that the function got: an object with Records[0].cf, as CloudFront sends it.",
)
NOT_COMPARED = rule(
    "not_compared",
    "Cannot tell without the event whether the function changed or deleted {what}.",
    "CloudFront compares the result with what it gave to the function and refuses such a change.",
    status=Status.UNKNOWN,
    effect=Effect.NONE,
    source=words.HEADER_RESTRICTIONS,
    next_check="Give the event as well: --function-event event.json",
)

RULES = (
    RESULT_NULL, RESULT_EMPTY_OBJECT, RESULT_ARRAY, RESULT_STRING, RESULT_SCALAR, RESULT_EVENT, RESULT_CF,
    RESULT_API_GATEWAY, RESULT_CLOUDFRONT_FUNCTIONS, RESULT_SHAPE, RESULT_REQUEST_FOR_RESPONSE, RESULT_BOTH_SHAPES,
    JSON_INVALID, JSON_NOT_FINITE, JSON_DUPLICATE_KEY, JSON_LONE_SURROGATE, JSON_TOO_DEEP, RESULT_TOO_LARGE,
    EVENT_TYPE_UNKNOWN, EVENT_UNUSABLE, NOT_COMPARED,
)  # fmt: skip
