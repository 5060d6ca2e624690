"""Rules about headers, cookies and parameters: their structure, their names, and which ones are not the function's."""

from __future__ import annotations

from cfrunbook.findings import Status
from cfrunbook.functions.cloudfront_function.facts import GUIDE, RESTRICTIONS, STRUCTURE
from cfrunbook.functions.cloudfront_function.rule_table import REQUEST, RESPONSE, rule
from cfrunbook.functions.model import Certainty

_ENTRIES = f"{STRUCTURE}#functions-event-structure-query-header-cookie"
_MULTI = f"{STRUCTURE}#functions-event-structure-multivalue"
_READ_ONLY_PAGE = "The CloudFront function tried to add, delete, or change a read-only header."

CONTAINER_TYPE = rule(
    "entries_type",
    title="{path} is {kind}; it must be an object with one field for each {noun}.",
    meaning="The field's name is the {noun}'s name, and the field is an object with a value.",
    source=_ENTRIES,
    fix="«object».«path» = { 'name': { value: 'text' } };",
)
NAME_CASE = rule(
    "header_name_case",
    certainty=Certainty.REPORTED,
    title="The header name {name} has upper-case letters; header names must be in lower case.",
    meaning="CloudFront writes the first letter of each word in upper case by itself.",
    source=_ENTRIES,
    page="The CloudFront function returned an invalid value: response.headers must have header names in lower case.",
    fix="«object».headers['«lower»'] = { value: value };   // not «object».headers['«name»']",
)
NAME_INVALID = rule(
    "name_invalid",
    certainty=Certainty.INFERRED,
    title="{name!r} cannot be the name of a {noun}.",
    meaning="A name has letters, digits and a few signs, all of ASCII, and is not empty. What CloudFront does then is"
    " not documented; no HTTP message can carry it.",
    source="https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2",
    fix="«object».headers['x-name'] = { value: value };",
)
ENTRY_NOT_OBJECT = rule(
    "entry_not_object",
    title="{path} is {kind}; it must be an object with a value.",
    meaning="A {noun} is an object with a value, not text, and not an array as in Lambda@Edge.",
    source=_ENTRIES,
    fix="«object».«path» = { value: 'text' };",
)
VALUE_MISSING = rule(
    "value_missing",
    title="{path} has no value.",
    meaning="A {noun} whose value was undefined when it was set has none. Delete the field, or give it text.",
    source=_ENTRIES,
    fix="if (value) {\n  «object».«path» = { value: value };\n}",
)
VALUE_NOT_STRING = rule(
    "value_not_string",
    title="{path} is {kind} ({value}); it must be a string.",
    meaning="Numbers, true, false and null are not turned into text for you.",
    source=_ENTRIES,
    fix="«object».«path» = String(number);",
)
VALUE_PROMISE = rule(
    "value_promise",
    title="{path} is an empty object, as a promise looks in JSON: something was not awaited.",
    meaning="kvs().get(), crypto.subtle and every async function return a promise, not the value.",
    source=f"{GUIDE}/async-await-syntax.html",
    fix="async function handler(event) {\n  var value = await kvs.get(key);\n  «object».«path» = value;\n}",
)
PROMISE_TEXT = rule(
    "promise_text",
    status=Status.WARNING,
    title="{path} holds the text [object Promise]: something was not awaited.",
    meaning="The value was put into a string before it was there. The text breaks no rule; it is not what is meant.",
    source=f"{GUIDE}/async-await-syntax.html",
    fix="var value = await kvs.get(key);   // in an async function",
)
VALUE_CONTROL = rule(
    "value_control",
    certainty=Certainty.INFERRED,
    title="{path} holds a control character ({character}).",
    meaning="A line break would start another header. Lambda@Edge refuses it with 502; for CloudFront Functions it is"
    " not documented, but no HTTP message can carry it.",
    source="https://www.rfc-editor.org/rfc/rfc9110#section-5.5",
    fix="«object».«path» = text.replace(/[\\x00-\\x1f\\x7f]/g, ' ');   // or encodeURIComponent(text)",
)
VALUE_ONLY_MULTI = rule(
    "value_only_multi",
    status=Status.WARNING,
    certainty=Certainty.INFERRED,
    title="{path} has multiValue, but no value beside it.",
    meaning="In CloudFront's structure value repeats the first element of multiValue; what happens without it is not"
    " documented.",
    source=_MULTI,
    fix="«object».«path».value = «object».«path».multiValue[0].value;",
)
MULTI_VALUE_INVALID = rule(
    "multi_value_invalid",
    title="{path} {problem}.",
    meaning="multiValue is an array with one object with a value for each {noun} of that name.",
    source=_MULTI,
    fix="field.multiValue = [{ value: 'a' }, { value: 'b' }];",
)
MULTI_VALUE_WINS = rule(
    "multi_value_wins",
    status=Status.WARNING,
    title="{path} has another value than the first element of its multiValue.",
    meaning="If multiValue was modified, value is ignored; if only value was, the other elements of multiValue stay."
    " Both are easily not what is meant.",
    source=_MULTI,
    fix="«object».«path» = { value: 'the only one' };   // without multiValue",
)
COOKIE_ATTRIBUTES = rule(
    "cookie_attributes",
    events=RESPONSE,
    title="{path} is {kind}; attributes of a cookie are one string.",
    meaning="As in a Set-Cookie header: “Secure; HttpOnly; Path=/”.",
    source=f"{STRUCTURE}#functions-event-structure-cookie-attributes",
    fix="response.cookies.session = { value: id, attributes: 'Secure; HttpOnly; Path=/' };",
)
COOKIE_IN_HEADERS = rule(
    "cookie_in_headers",
    certainty=Certainty.INFERRED,
    title="{name} is among the headers; cookies have their own object, cookies.",
    meaning="The guide: such headers are not part of headers, cookies are represented separately. What CloudFront"
    " does with them there is not documented.",
    source=f"{STRUCTURE}#functions-event-structure-response",
    fix="response.cookies['session'] = { value: id, attributes: 'Secure; HttpOnly; Path=/' };   // not a header",
)
DISALLOWED = rule(
    "header_disallowed",
    title="The function adds {name}, a header that no edge function may set.",
    meaning="CloudFront sets it by itself or keeps it for itself. It is never shown to functions, so it did not come"
    " with the event.",
    source=f"{RESTRICTIONS}#function-restrictions-disallowed-headers",
    page="The CloudFront function tried to add a disallowed header.",
    fix="delete «object».headers['«name»'];",
)
READ_ONLY_ADDED = rule(
    "header_read_only_added",
    title="The function adds {name}, which is read-only at {event_type}.",
    meaning="A read-only header may be passed on as it came, and nothing else.",
    source=f"{RESTRICTIONS}#function-restrictions-read-only-headers",
    page=_READ_ONLY_PAGE,
    fix="delete «object».headers['«name»'];",
)
READ_ONLY_CHANGED = rule(
    "header_read_only_changed",
    title="The function changes {name}, which is read-only at {event_type}.",
    meaning="A read-only header may be passed on as it came, and nothing else. The Host that an origin gets is set"
    " with an origin request policy or cf.updateRequestOrigin().",
    source=f"{RESTRICTIONS}#function-restrictions-read-only-headers",
    page=_READ_ONLY_PAGE,
    fix="// leave «name» as it is; another name is free:\n«object».headers['x-original-«name»'] = { value: text };",
)
READ_ONLY_DELETED = rule(
    "header_read_only_deleted",
    title="The function deletes {name}, which is read-only at {event_type}.",
    meaning="Deleting is a change too. A new headers object must take the read-only ones along.",
    source=f"{RESTRICTIONS}#function-restrictions-read-only-headers",
    page=_READ_ONLY_PAGE,
    fix="var headers = event.«object».headers;   // change this object, do not make a new one",
)
HOST_DELETED = rule(
    "host_deleted",
    events=REQUEST,
    title="The function deletes the Host header.",
    meaning="“test-function” and the console's test pass, and every request of a viewer gets 502.",
    source=f"{GUIDE}/test-function.html",
    page=_READ_ONLY_PAGE,
    fix="var headers = event.request.headers;   // change this object, do not make a new one",
)
READ_ONLY_GENERATED = rule(
    "header_read_only_generated",
    events=REQUEST,
    status=Status.WARNING,
    certainty=Certainty.INFERRED,
    title="The response that the function makes has {name}, a read-only header of viewer events.",
    meaning="CloudFront sets it by itself. Adding a read-only header is refused; whether that holds for a response made"
    " at viewer-request is not documented.",
    source=f"{RESTRICTIONS}#function-restrictions-read-only-headers",
    page=_READ_ONLY_PAGE,
    fix="delete response.headers['«name»'];",
)

RULES = (
    CONTAINER_TYPE, NAME_CASE, NAME_INVALID, ENTRY_NOT_OBJECT, VALUE_MISSING, VALUE_NOT_STRING, VALUE_PROMISE,
    PROMISE_TEXT, VALUE_CONTROL, VALUE_ONLY_MULTI, MULTI_VALUE_INVALID, MULTI_VALUE_WINS, COOKIE_ATTRIBUTES,
    COOKIE_IN_HEADERS, DISALLOWED, READ_ONLY_ADDED, READ_ONLY_CHANGED, READ_ONLY_DELETED, HOST_DELETED,
    READ_ONLY_GENERATED,
)  # fmt: skip
