"""Rules about a request that a Lambda@Edge function hands on: URI, query string, method and body."""

from __future__ import annotations

from cfrunbook.findings import Status
from cfrunbook.functions.lambda_edge import rule_words as words
from cfrunbook.functions.lambda_edge.rule_words import rule
from cfrunbook.functions.model import Certainty, Effect

_REQUEST = "const request = event.Records[0].cf.request;  // change this one, and return it"
_REQUEST_PYTHON = 'request = event["Records"][0]["cf"]["request"]  # change this one, and return it'
_REPLACE = "request.body = {{ action: 'replace', encoding: 'text', data: newBody }};"
_REPLACE_PYTHON = 'request["body"] = {{"action": "replace", "encoding": "text", "data": new_body}}'

REQUEST_MEMBER_MISSING = rule(
    "request_member_missing",
    "The request has no “{member}”.",
    "The request that came with the event always has it. What CloudFront makes of one without is not documented.",
    events=words.REQUESTS,
    status=Status.WARNING,
    effect=Effect.NONE,
    certainty=Certainty.INFERRED,
    node=_REQUEST,
    python=_REQUEST_PYTHON,
)
URI_TYPE = rule(
    "uri_type",
    "“uri” is {value}; it has to be a string that begins with /.",
    "“uri” is the path of the object, without host and query string.",
    events=words.REQUESTS,
    page=words.PAGE_URI,
    certainty=Certainty.INFERRED,
    node="request.uri = '/index.html';",
    python='request["uri"] = "/index.html"',
)
URI_NO_SLASH = rule(
    "uri_no_slash",
    "“uri” is “{value}”; it has to begin with /.",
    "“uri” is the path of the object, without host and query string.",
    events=words.REQUESTS,
    page=words.PAGE_URI,
    certainty=Certainty.DOCUMENTED,
    node="request.uri = '/' + path.replace(/^\\/+/, '');",
    python='request["uri"] = "/" + path.lstrip("/")',
)
URI_ABSOLUTE = rule(
    "uri_absolute",
    "“uri” is the whole URL “{value}”; it has to be the path alone.",
    "A function cannot send the viewer elsewhere by the URI: that is a redirect. Another origin is chosen by"
    " “request.origin”, in the origin-request event.",
    events=words.REQUESTS,
    page=words.PAGE_URI,
    node="request.uri = new URL(url).pathname;",
    python='request["uri"] = urllib.parse.urlsplit(url).path',
)
URI_CHARACTERS = rule(
    "uri_characters",
    "“uri” holds the character {character}.",
    "Spaces, control characters and # are not allowed: they have to be percent-encoded.",
    events=words.REQUESTS,
    page=words.PAGE_URI,
    source=words.REPORT_URI,
    certainty=Certainty.INFERRED,
    node="request.uri = encodeURI(path).replace(/#/g, '%23');",
    python='request["uri"] = urllib.parse.quote(path, safe="/%:@!$&\'()*+,;=~-._")',
)
URI_QUERY = rule(
    "uri_query",
    "“uri” holds a “?”; the query string is a member of its own.",
    "CloudFront takes “uri” as a path, so the origin is asked for an object with ? in its name, or the request is"
    " refused; neither is documented.",
    events=words.REQUESTS,
    status=Status.WARNING,
    effect=Effect.NONE,
    certainty=Certainty.INFERRED,
    node="[request.uri, request.querystring] = target.split('?');",
    python='request["uri"], _, request["querystring"] = target.partition("?")',
)
NOT_ENCODED = rule(
    "not_percent_encoded",
    "“{path}” holds {character}, which is not ASCII.",
    "AWS requires UTF-8 here and recommends percent-encoding. What the origin gets otherwise depends on CloudFront.",
    events=words.REQUESTS,
    status=Status.WARNING,
    effect=Effect.NONE,
    source=words.HEADER_RESTRICTIONS,
    node="request.uri = encodeURI(path);",
    python='request["uri"] = urllib.parse.quote(path, safe="/%:@!$&\'()*+,;=~-._")',
)
QUERYSTRING_TYPE = rule(
    "querystring_type",
    "“querystring” is {value}; it has to be a string.",
    "Without a query string it is the empty string.",
    events=words.REQUESTS,
    certainty=Certainty.INFERRED,
    node="request.querystring = new URLSearchParams(parameters).toString();",
    python='request["querystring"] = urllib.parse.urlencode(parameters)',
)
QUERYSTRING_CHARACTERS = rule(
    "querystring_characters",
    "“querystring” holds the character {character}.",
    "Spaces, control characters and # are not allowed: they have to be percent-encoded.",
    events=words.REQUESTS,
    source=words.HEADER_RESTRICTIONS,
    node="request.querystring = new URLSearchParams(parameters).toString();",
    python='request["querystring"] = urllib.parse.urlencode(parameters)',
)
QUERYSTRING_QUESTION_MARK = rule(
    "querystring_question_mark",
    "“querystring” begins with “?”, which does not belong to it.",
    "CloudFront puts the “?” in between itself, so the origin gets two.",
    events=words.REQUESTS,
    status=Status.WARNING,
    effect=Effect.NONE,
    certainty=Certainty.INFERRED,
    node="request.querystring = search.replace(/^\\?/, '');",
    python='request["querystring"] = search.removeprefix("?")',
)
URI_TOO_LONG = rule(
    "uri_too_long",
    "“uri” and “querystring” together have {size:,} characters; they have to be fewer than {limit:,}.",
    "The limit holds for what a function may read and for what it returns.",
    events=words.REQUESTS,
    source=words.HEADER_RESTRICTIONS,
    node="request.headers['x-state'] = [{{ key: 'X-State', value }}];  // carry long data in a header or the body",
    python='request["headers"]["x-state"] = [{{"key": "X-State", "value": value}}]  # or in the body',
)
METHOD_CHANGED = rule(
    "method_changed",
    "The function changed “method” from {before} to {value}; it is read-only.",
    "A function cannot turn one method into another.",
    events=words.REQUESTS,
    certainty=Certainty.INFERRED,
    node="request.method = event.Records[0].cf.request.method;  // leave it",
    python='request["method"] = event["Records"][0]["cf"]["request"]["method"]  # leave it',
)
CLIENT_IP_CHANGED = rule(
    "client_ip_changed",
    "The function changed “clientIp”; it is read-only.",
    "What the origin should know of the viewer goes into a header.",
    events=words.REQUESTS,
    certainty=Certainty.INFERRED,
    node="request.headers['x-client'] = [{{ key: 'X-Client', value: request.clientIp }}];",
    python='request["headers"]["x-client"] = [{{"key": "X-Client", "value": request["clientIp"]}}]',
)
REQUEST_BODY_TYPE = rule(
    "request_body_type",
    "“body” is {value}; a request's body has to be an object with “action”, “encoding” and “data”.",
    "Only a response's body is a plain string.",
    events=words.REQUESTS,
    page=words.PAGE_BODY,
    certainty=Certainty.REPORTED,
    node=_REPLACE,
    python=_REPLACE_PYTHON,
)
REQUEST_BODY_ACTION = rule(
    "request_body_action",
    "“body.action” is {value}; only “read-only” and “replace” exist.",
    "With “read-only” the origin gets the body that the viewer sent, with “replace” that of the function.",
    events=words.REQUESTS,
    node=_REPLACE,
    python=_REPLACE_PYTHON,
)
REQUEST_BODY_ENCODING = rule(
    "request_body_encoding",
    "“body.encoding” is {value}; only “base64” and “text” exist.",
    "It says how “body.data” is written in the JSON.",
    events=words.REQUESTS,
    node=_REPLACE,
    python=_REPLACE_PYTHON,
)
REQUEST_BODY_DATA_TYPE = rule(
    "request_body_data_type",
    "“body.data” is {value}; it has to be a string.",
    "CloudFront does not turn objects into JSON.",
    events=words.REQUESTS,
    certainty=Certainty.INFERRED,
    page=words.PAGE_BODY,
    node="request.body = {{ action: 'replace', encoding: 'text', data: JSON.stringify(data) }};",
    python='request["body"] = {{"action": "replace", "encoding": "text", "data": json.dumps(data)}}',
)
REQUEST_BODY_BASE64 = rule(
    "request_body_base64",
    "“body.encoding” is {encoding}, but “body.data” ({value}) is not valid base64.",
    "Where “encoding” is not given, CloudFront takes the data for base64.",
    events=words.REQUESTS,
    certainty=Certainty.INFERRED,
    node=_REPLACE,
    python=_REPLACE_PYTHON,
)
REQUEST_BODY_SIZE = rule(
    "request_body_size",
    "The replaced body is {size:,} bytes of {encoding}; the {event_type} event allows {limit:,}.",
    "The limit is 40 KB of text or 53.2 KB of base64 in the viewer-request event, 1 MB or 1.33 MB in origin-request.",
    events=words.REQUESTS,
    page=words.PAGE_BODY,
    source=words.RESTRICTIONS,
    node="request.body.action = 'read-only';  // the origin then gets the whole body of the viewer",
    python='request["body"]["action"] = "read-only"  # the origin then gets the whole body of the viewer',
)
REQUEST_BODY_NOT_INCLUDED = rule(
    "request_body_not_included",
    "The function replaces the body of a request that came without one: Include Body is not set for it.",
    "What CloudFront makes of a body where the function was not given one is not documented.",
    events=words.REQUESTS,
    status=Status.WARNING,
    effect=Effect.NONE,
    certainty=Certainty.INFERRED,
    source=words.RESTRICTIONS,
    node="// Set IncludeBody: true in the distribution's LambdaFunctionAssociations for this function.",
    python="# Set IncludeBody: true in the distribution's LambdaFunctionAssociations for this function.",
)
INPUT_TRUNCATED_CHANGED = rule(
    "input_truncated_changed",
    "The function changed “body.inputTruncated”; it is read-only.",
    "It says whether the function was given only the beginning of the body. What CloudFront does with a change is not"
    " documented.",
    events=words.REQUESTS,
    status=Status.WARNING,
    effect=Effect.NONE,
    certainty=Certainty.INFERRED,
    node=_REPLACE,
    python=_REPLACE_PYTHON,
)

RULES = (
    REQUEST_MEMBER_MISSING, URI_TYPE, URI_NO_SLASH, URI_ABSOLUTE, URI_CHARACTERS, URI_QUERY, NOT_ENCODED,
    QUERYSTRING_TYPE, QUERYSTRING_CHARACTERS, QUERYSTRING_QUESTION_MARK, URI_TOO_LONG, METHOD_CHANGED,
    CLIENT_IP_CHANGED, REQUEST_BODY_TYPE, REQUEST_BODY_ACTION, REQUEST_BODY_ENCODING, REQUEST_BODY_DATA_TYPE,
    REQUEST_BODY_BASE64, REQUEST_BODY_SIZE, REQUEST_BODY_NOT_INCLUDED, INPUT_TRUNCATED_CHANGED,
)  # fmt: skip
