"""Rules about the result as a whole: is it a request or a response at all, and could it be read and compared?"""

from __future__ import annotations

from cfrunbook.findings import Status
from cfrunbook.functions.cloudfront_function.facts import GUIDE, STRUCTURE
from cfrunbook.functions.cloudfront_function.rule_table import REQUEST, RESPONSE, rule
from cfrunbook.functions.model import Certainty

_EXAMPLE = f"{STRUCTURE}#functions-event-structure-example"
_PROMISES = f"{GUIDE}/async-await-syntax.html"

UNREADABLE = rule(
    "unreadable",
    status=Status.UNKNOWN,
    title="The result cannot be judged: it is not readable JSON ({problem}).",
    meaning="A CloudFront Function returns a JavaScript object; what was given here is not how one is written as JSON.",
    source=STRUCTURE,
    fix="console.log(JSON.stringify(result));   // then give that line",
    next_check="Write the result with JSON.stringify(result), and validate that.",
)
MISSING = rule(
    "result_missing",
    title="The function returned nothing ({problem}).",
    meaning="CloudFront needs the request or the response object back. A handler that ends without “return”, also on"
    " one branch only, returns undefined.",
    source=_EXAMPLE,
    fix="function handler(event) {\n  var «object» = event.«object»;\n  // ...\n"
    "  return «object»;   // on every branch\n}",
)
IS_PROMISE = rule(
    "result_promise",
    title="The result is an empty object, as a promise looks in JSON: nothing in it is a request or a response.",
    meaning="A promise that nobody awaits has no fields. The handler must be “async” and “return await” what it calls,"
    " in runtime 2.0; runtime 1.0 has neither.",
    source=_PROMISES,
    fix="async function handler(event) {\n  return await work(event);\n}",
)
NOT_OBJECT = rule(
    "result_not_object",
    title="The result is {kind}, not a request or response object.",
    meaning="CloudFront takes one object, with the structure of event.request or of event.response.",
    source=_EXAMPLE,
    fix="return event.«object»;   // the object itself, not text or a list",
)
IS_EVENT = rule(
    "result_event",
    title="The function returned the whole event; CloudFront takes event.{object} alone.",
    meaning="The event is the function's input. Its result is only the request or the response in it.",
    source=_EXAMPLE,
    fix="return event.«object»;   // not: return event;",
)
WRAPPED = rule(
    "result_wrapped",
    title="The {object} is inside an object of its own; CloudFront takes what is under “{object}”.",
    meaning="The result is the request or the response itself, not an object that holds it. (If this is the"
    " FunctionOutput of test-function, the wrapping is that command's: give its whole output, or what is inside.)",
    source=_EXAMPLE,
    fix="return «object»;   // not: return { «object»: «object» };",
)
LAMBDA_EDGE = rule(
    "result_lambda_edge",
    title="The result has the structure of Lambda@Edge ({problem}), which CloudFront Functions do not take.",
    meaning="In CloudFront Functions the status is statusCode, a number, each header is an object with a value and"
    " not an array, and cookies are apart from headers.",
    source=STRUCTURE,
    fix="return {\n  statusCode: 302,\n  statusDescription: 'Found',\n"
    "  headers: { location: { value: 'https://example.com/' } },\n};",
)
API_GATEWAY = rule(
    "result_api_gateway",
    title="The result has the structure of an API Gateway or Lambda answer ({problem}): headers must be objects with"
    " a value.",
    meaning="statusCode is right, but each header is an object with a value, and an encoded body is an object.",
    source=STRUCTURE,
    fix="return {\n  statusCode: 200,\n  headers: { 'content-type': { value: 'text/plain' } },\n"
    "  body: { encoding: 'text', data: 'hello' },\n};",
)
WRONG_KIND = rule(
    "result_wrong_kind",
    events=RESPONSE,
    title="The function returned a request at viewer-response, where only a response can be returned.",
    meaning="After the answer is there, the request cannot be changed any more.",
    source=f"{STRUCTURE}#functions-event-structure-response",
    fix="return event.response;   // at viewer-response",
)
NEITHER = rule(
    "result_neither",
    title="The result has neither uri and method, as a request has, nor statusCode, as a response has; its keys are"
    " {keys}.",
    meaning="CloudFront cannot tell what to do with it.",
    source=STRUCTURE,
    fix="return event.«object»;",
)
BOTH_KINDS = rule(
    "result_both",
    status=Status.WARNING,
    certainty=Certainty.INFERRED,
    events=REQUEST,
    title="The result is a request that also has {fields}, as a response has: which of the two counts is not"
    " documented.",
    meaning="A function that wants to answer by itself returns a new object, not the request with a status.",
    source=STRUCTURE,
    fix="return { statusCode: 302, headers: { location: { value: '/' } } };   // a new object",
)
JSON_FLAW = rule(
    "json_flaw",
    status=Status.WARNING,
    certainty=Certainty.INFERRED,
    title="The JSON of the result {problem}; what CloudFront would see is not what was read here.",
    meaning="Such JSON does not come from JSON.stringify of a valid result.",
    source="https://www.rfc-editor.org/rfc/rfc8259",
    fix="console.log(JSON.stringify(result));   // then give that line",
)
FOREIGN_FIELD = rule(
    "foreign_field",
    status=Status.WARNING,
    certainty=Certainty.INFERRED,
    title="CloudFront Functions know no {path} in a {object}: {hint}.",
    meaning="At best CloudFront ignores the field; what it does is not documented.",
    source=STRUCTURE,
    fix="delete result.«path»;",
)
EVENT_UNUSABLE = rule(
    "event_unusable",
    status=Status.UNKNOWN,
    title="The event cannot be used: {problem}.",
    meaning="The result was not compared with it.",
    source=STRUCTURE,
    next_check="Give the event that the function was run on, as CloudFront Functions get it: version, context, viewer,"
    " request, and response at viewer-response.",
)
NOT_COMPARED = rule(
    "not_compared",
    status=Status.UNKNOWN,
    title="Cannot tell whether the function changed {what}: the event is not here to compare with.",
    meaning="Passing read-only fields on as they came is right; adding, changing or deleting one is refused with 502.",
    source=f"{GUIDE}/edge-function-restrictions-all.html",
    next_check="Give the event that the function was run on (--function-event).",
)

RULES = (
    UNREADABLE, MISSING, IS_PROMISE, NOT_OBJECT, IS_EVENT, WRAPPED, LAMBDA_EDGE, API_GATEWAY, WRONG_KIND, NEITHER,
    BOTH_KINDS, JSON_FLAW, FOREIGN_FIELD, EVENT_UNUSABLE, NOT_COMPARED,
)  # fmt: skip
