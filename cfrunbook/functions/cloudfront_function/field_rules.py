"""Rules about the fields of a request or response: status, body, method, path and query string."""

from __future__ import annotations

from cfrunbook.findings import Status
from cfrunbook.functions.cloudfront_function.facts import GUIDE, QUOTAS, RESTRICTIONS, STRUCTURE
from cfrunbook.functions.cloudfront_function.rule_table import COULD_NOT_RUN, REQUEST, rule
from cfrunbook.functions.model import Certainty, Effect

_REQUEST = f"{STRUCTURE}#functions-event-structure-request"
_RESPONSE = f"{STRUCTURE}#functions-event-structure-response"
_BODY = f"{STRUCTURE}#functions-event-structure-status-body"

STATUS_MISSING = rule(
    "status_missing",
    title="The response has no statusCode.",
    meaning="A response needs its status as a number; only statusDescription and body are optional.",
    source=_RESPONSE,
    fix="response.statusCode = 200;",
)
STATUS_NOT_INTEGER = rule(
    "status_not_integer",
    title="statusCode is {kind} ({value}); it must be an integer.",
    meaning="The guide: an integer, not a string. (Lambda@Edge is the one that wants text.)",
    source=_RESPONSE,
    fix="response.statusCode = 302;   // not '302'",
)
STATUS_RANGE = rule(
    "status_out_of_range",
    status=Status.WARNING,
    certainty=Certainty.INFERRED,
    title="statusCode is {value}, outside 200 to 599.",
    meaning="The range is documented for Lambda@Edge; for CloudFront Functions the guide names none.",
    source=_RESPONSE,
    fix="response.statusCode = 200;",
)
DESCRIPTION_TYPE = rule(
    "status_description_type",
    title="statusDescription is {kind}; it must be a string, or not there.",
    meaning="It is optional where the function makes the response.",
    source=_RESPONSE,
    fix="response.statusDescription = 'Found';",
)
DESCRIPTION_CONTROL = rule(
    "status_description_control",
    status=Status.WARNING,
    certainty=Certainty.INFERRED,
    title="statusDescription holds a control character ({character}).",
    meaning="No status line can carry it.",
    source=_RESPONSE,
    fix="response.statusDescription = 'Found';",
)
BODY_TYPE = rule(
    "body_type",
    title="The body is {kind}; it must be a string, or an object with encoding and data.",
    meaning="Objects are not turned into JSON for you.",
    source=_RESPONSE,
    fix="response.body = { encoding: 'text', data: JSON.stringify(answer) };",
)
BODY_ENCODING = rule(
    "body_encoding",
    title="body.encoding is {value}; only text and base64 are valid.",
    meaning="The encoding says how body.data is written, not how the content is compressed.",
    source=_RESPONSE,
    fix="response.body = { encoding: 'text', data: page };",
)
BODY_ENCODING_MISSING = rule(
    "body_encoding_missing",
    status=Status.WARNING,
    certainty=Certainty.INFERRED,
    title="The body has data but no encoding.",
    meaning="The guide gives the two together; what CloudFront takes data alone for is not documented.",
    source=_RESPONSE,
    fix="response.body = { encoding: 'text', data: page };",
)
BODY_DATA = rule(
    "body_data",
    title="body.data is {kind}; it must be a string.",
    meaning="The content of the body is text, or base64 of bytes.",
    source=_RESPONSE,
    fix="response.body = { encoding: 'text', data: JSON.stringify(answer) };",
)
BODY_BASE64 = rule(
    "body_base64",
    title="body.encoding is base64, and body.data is not valid base64 ({problem}).",
    meaning="The guide: then CloudFront returns an error.",
    source=_RESPONSE,
    fix="response.body = { encoding: 'base64', data: Buffer.from(bytes).toString('base64') };   // runtime 2.0",
)
BODY_LARGE = rule(
    "body_large",
    status=Status.WARNING,
    certainty=Certainty.REPORTED,
    title="The body has {size} bytes; people met errors above about {limit}.",
    meaning="No limit of the body is documented for CloudFront Functions. Code and memory are limited to 10 KB and"
    " 2 MB, and Lambda@Edge takes 40 KB at viewer events.",
    source=QUOTAS,
    fix="return { statusCode: 302, headers: { location: { value: '/large.html' } } };   // let an origin serve it",
)
MEMORY = rule(
    "memory",
    effect=Effect.EXECUTION,
    title="The result is larger than all memory that a function has: {size} bytes; the limit is {limit}.",
    meaning="A function that needs more memory fails to run: 503, FunctionExecutionError.",
    source=QUOTAS,
    page=COULD_NOT_RUN,
    fix="return { statusCode: 302, headers: { location: { value: '/large.html' } } };   // let an origin serve it",
)
BODY_NO_CONTENT = rule(
    "body_no_content",
    status=Status.WARNING,
    certainty=Certainty.INFERRED,
    title="A {status} answer has no content, but the result has a body.",
    meaning="Lambda@Edge refuses a 204 with a body; for CloudFront Functions nothing is documented.",
    source=f"{GUIDE}/lambda-generating-http-responses-in-requests.html",
    fix="delete response.body;",
)
BODY_STALE_HEADERS = rule(
    "body_stale_headers",
    status=Status.WARNING,
    title="The function replaces the body, but {header}, {value}, still describes another one.",
    meaning="The guide: align content-encoding, content-type and content-length with the new body. Viewers may fail"
    " to read the answer.",
    source=_BODY,
    fix="delete response.headers['«header»'];",
)
METHOD_CHANGED = rule(
    "method_changed",
    events=REQUEST,
    title="The function {what} method{from_to}, the one read-only field of a request.",
    meaning="A function cannot change the HTTP method.",
    source=_REQUEST,
    fix="var request = event.request;   // and leave request.method alone\nreturn request;",
)
URI_MISSING = rule(
    "uri_missing",
    events=REQUEST,
    title="The request has no uri.",
    meaning="A request that is returned must have the same structure as event.request.",
    source=_REQUEST,
    fix="request.uri = '/index.html';",
)
URI_TYPE = rule(
    "uri_type",
    events=REQUEST,
    title="uri is {kind}; it must be a string.",
    meaning="It is the path of the object, without the query string.",
    source=_REQUEST,
    fix="request.uri = '/index.html';",
)
URI_NO_SLASH = rule(
    "uri_no_slash",
    events=REQUEST,
    title="uri is {value}; it must begin with a slash.",
    meaning="It is the path alone: no scheme, no host, no relative path.",
    source=_REQUEST,
    fix="request.uri = '/' + path;   // to send viewers elsewhere, return a response with location",
)
URI_CHARACTERS = rule(
    "uri_characters",
    events=REQUEST,
    status=Status.WARNING,
    certainty=Certainty.INFERRED,
    title="uri holds {character}, which no path can carry as it is.",
    meaning="The guide recommends percent-encoding; what CloudFront does with such a path is not documented.",
    source=_REQUEST,
    fix="request.uri = encodeURI(path);",
)
URI_QUERY = rule(
    "uri_query",
    events=REQUEST,
    status=Status.WARNING,
    certainty=Certainty.INFERRED,
    title="uri holds a {character}: the query string belongs into querystring.",
    meaning="uri is the path; a ? or # in it is not what separates a query or a fragment.",
    source=_REQUEST,
    fix="request.uri = '/index.html';\nrequest.querystring = { a: { value: '1' } };",
)
URI_LONG = rule(
    "uri_long",
    events=REQUEST,
    title="uri and querystring have {size} characters together; they must have fewer than {limit}.",
    meaning="The limit holds for all edge functions.",
    source=f"{RESTRICTIONS}#function-restrictions-uri",
    fix="request.uri = '/short';",
)
QUERY_TYPE = rule(
    "querystring_type",
    events=REQUEST,
    title="querystring is {kind}; it must be an object, or a string.",
    meaning="One field for each parameter, each an object with a value; empty where there is no query string.",
    source=_REQUEST,
    fix="request.querystring = { page: { value: '2' } };",
)
QUERY_CHARACTERS = rule(
    "querystring_characters",
    events=REQUEST,
    title="{path} holds {character}, which a query string cannot include.",
    meaning="Spaces, control characters and # must be percent-encoded; that holds for all edge functions.",
    source=f"{RESTRICTIONS}#function-restrictions-query-strings",
    fix="request.querystring.q = { value: encodeURIComponent(text) };",
)

RULES = (
    STATUS_MISSING, STATUS_NOT_INTEGER, STATUS_RANGE, DESCRIPTION_TYPE, DESCRIPTION_CONTROL, BODY_TYPE, BODY_ENCODING,
    BODY_ENCODING_MISSING, BODY_DATA, BODY_BASE64, BODY_LARGE, MEMORY, BODY_NO_CONTENT, BODY_STALE_HEADERS,
    METHOD_CHANGED, URI_MISSING, URI_TYPE, URI_NO_SLASH, URI_CHARACTERS, URI_QUERY, URI_LONG, QUERY_TYPE,
    QUERY_CHARACTERS,
)  # fmt: skip
