"""Rules about the `headers` of a Lambda@Edge result: structure, names, characters, disallowed and read-only ones."""

from __future__ import annotations

from cfrunbook.findings import Status
from cfrunbook.functions.lambda_edge import rule_words as words
from cfrunbook.functions.lambda_edge.rule_words import rule
from cfrunbook.functions.model import Certainty, Effect

_ONE_ENTRY = "headers[{header!r}] = [{{ key: {key!r}, value: String(value) }}];"
_ONE_ENTRY_PYTHON = 'headers[{header!r}] = [{{"key": {key!r}, "value": str(value)}}]'
_REMOVE = "delete headers[{header!r}];"
_REMOVE_PYTHON = "headers.pop({header!r}, None)"

HEADERS_TYPE = rule(
    "headers_type",
    "{path} is {value}; it has to be an object of arrays.",
    "Each key is a header name in lower case, each value an array of {{key, value}} objects.",
    certainty=Certainty.INFERRED,
    node="headers: {{ 'cache-control': [{{ key: 'Cache-Control', value: 'no-store' }}] }}",
    python='"headers": {{"cache-control": [{{"key": "Cache-Control", "value": "no-store"}}]}}',
)
HEADER_NAME_INVALID = rule(
    "header_name_invalid",
    "“{header}” in {where} is no header name: it {problem}.",
    "A header name is one or more letters, digits and characters of !#$%&'*+-.^_`|~, without spaces or a colon.",
    certainty=Certainty.INFERRED,
    source="https://www.rfc-editor.org/rfc/rfc9110#section-5.1",
    node="headers['x-name'] = [{{ key: 'X-Name', value }}];  // the name alone",
    python='headers["x-name"] = [{{"key": "X-Name", "value": value}}]  # the name alone',
)
HEADER_NAME_CASE = rule(
    "header_name_case",
    "The header “{header}” in {where} is not in lower case.",
    "AWS documents the keys of “headers” in lower case, and what CloudFront does with others nowhere. A key in another"
    " case also does not replace the header that is there: both remain.",
    status=Status.WARNING,
    effect=Effect.NONE,
    source=words.GENERATING,
    certainty=Certainty.INFERRED,
    node="headers[name.toLowerCase()] = [{{ key: name, value }}];  // {header!r} belongs into `key`",
    python='headers[name.lower()] = [{{"key": name, "value": value}}]  # {header!r} belongs into "key"',
)
HEADER_NOT_ARRAY = rule(
    "header_not_array",
    "{path} is {value}; it has to be an array of {{key, value}} objects.",
    "In Lambda@Edge each header is an array, because it may come more than once.",
    page=words.PAGE_HEADER_ENTRY,
    source=words.GENERATING,
    node=_ONE_ENTRY,
    python=_ONE_ENTRY_PYTHON,
)
HEADER_EMPTY = rule(
    "header_empty",
    "{path} is an empty array.",
    "What CloudFront makes of a header without a value is not documented. A header that is not wanted is deleted.",
    status=Status.WARNING,
    effect=Effect.NONE,
    certainty=Certainty.INFERRED,
    node=_REMOVE,
    python=_REMOVE_PYTHON,
)
HEADER_ENTRY_TYPE = rule(
    "header_entry_type",
    "{path} is {value}; each entry of a header has to be an object with “value”.",
    "An array of plain strings is not enough: every one needs its own {{key, value}} object.",
    page=words.PAGE_HEADER_ENTRY,
    source=words.GENERATING,
    certainty=Certainty.INFERRED,
    node="headers[{header!r}] = values.map((value) => ({{ key: {key!r}, value }}));",
    python='headers[{header!r}] = [{{"key": {key!r}, "value": value}} for value in values]',
)
HEADER_VALUE_MISSING = rule(
    "header_value_missing",
    "{path} has no “value”.",
    "In JavaScript a member that is “undefined” disappears from the JSON: what the value was taken from (a query"
    " parameter, an environment variable) was not there.",
    log=words.LOG_VALUE_TYPE,
    source=words.REPORT_VALUE_TYPE,
    certainty=Certainty.INFERRED,
    node="if (value !== undefined) headers[{header!r}] = [{{ key: {key!r}, value }}];",
    python='if value is not None:\n    headers[{header!r}] = [{{"key": {key!r}, "value": value}}]',
)
HEADER_VALUE_TYPE = rule(
    "header_value_type",
    "{path} is {value}; a header's value has to be a string.",
    "CloudFront does not convert numbers, booleans, null or objects.",
    log=words.LOG_VALUE_TYPE,
    source=words.REPORT_VALUE_TYPE,
    certainty=Certainty.REPORTED,
    node=_ONE_ENTRY,
    python=_ONE_ENTRY_PYTHON,
)
HEADER_VALUE_LIST = rule(
    "header_value_list",
    "{path} is {value} of strings; AWS documents one string.",
    "CloudFront's log line speaks of a string or an array of strings, its guide only of a string.",
    status=Status.WARNING,
    effect=Effect.NONE,
    source=words.REPORT_VALUE_TYPE,
    certainty=Certainty.REPORTED,
    node="headers[{header!r}] = values.map((value) => ({{ key: {key!r}, value }}));",
    python='headers[{header!r}] = [{{"key": {key!r}, "value": value}} for value in values]',
)
HEADER_VALUE_CHARACTERS = rule(
    "header_value_characters",
    "The value of “{header}” ({path}) holds the character {character}, which no header may have.",
    "Line breaks and other control characters end or forge headers. They come from copied request bodies, base64 with"
    " line breaks, or a PEM or JSON text put into a header.",
    log=words.LOG_CHARACTER,
    source=words.REPORT_CHARACTER,
    certainty=Certainty.REPORTED,
    node="value = value.replace(/[\\x00-\\x1f\\x7f]+/g, ' ').trim();  // in a URL: encodeURIComponent(part)",
    python='value = re.sub(r"[\\x00-\\x1f\\x7f]+", " ", value).strip()  # in a URL: urllib.parse.quote(part)',
)
HEADER_VALUE_UNUSUAL = rule(
    "header_value_unusual",
    "The value of “{header}” ({path}) holds {problem}.",
    "What CloudFront makes of it is not documented: header values are printable ASCII in practice.",
    status=Status.WARNING,
    effect=Effect.NONE,
    source="https://www.rfc-editor.org/rfc/rfc9110#section-5.5",
    certainty=Certainty.INFERRED,
    node="value = encodeURI(value.trim());  // in a URL; elsewhere write it in ASCII",
    python='value = urllib.parse.quote(value.strip(), safe="/:?#[]@!$&\'()*+,;=%")  # in a URL; elsewhere in ASCII',
)
HEADER_KEY_TYPE = rule(
    "header_key_type",
    "{path} is {value}; where “key” is given, it has to be a string.",
    "“key” is optional: CloudFront makes one from the header's name.",
    certainty=Certainty.INFERRED,
    source=words.GENERATING,
    node="headers[{header!r}] = [{{ value }}];",
    python='headers[{header!r}] = [{{"value": value}}]',
)
HEADER_KEY_MISMATCH = rule(
    "header_key_mismatch",
    "{path} is “{key_given}”, but the header is “{header}”: they may only differ in case.",
    "“key” is how the name is written to the wire. An entry copied from another header brings that one's name along.",
    certainty=Certainty.INFERRED,
    source=words.GENERATING,
    node="headers[{header!r}] = [{{ key: {key!r}, value: other[0].value }}];  // copy the value, not the entry",
    python='headers[{header!r}] = [{{"key": {key!r}, "value": other[0]["value"]}}]  # the value, not the entry',
)
HEADER_DISALLOWED = rule(
    "header_disallowed",
    "The function set “{header}” ({path}), which no edge function may set.",
    "These headers belong to one connection or to CloudFront itself. They often come along when all headers of an"
    " upstream answer or of a framework are copied.",
    page=words.PAGE_DISALLOWED,
    log=words.LOG_DISALLOWED,
    source=words.HEADER_RESTRICTIONS,
    node=_REMOVE,
    python=_REMOVE_PYTHON,
)
HEADER_READ_ONLY_ADDED = rule(
    "header_read_only_added",
    "The function added “{header}” ({path}), which is read-only in the {event_type} event.",
    "A read-only header may be read and passed on, not added, changed or deleted.",
    page=words.PAGE_READ_ONLY,
    source=words.HEADER_RESTRICTIONS,
    node=_REMOVE,
    python=_REMOVE_PYTHON,
)
HEADER_READ_ONLY_CHANGED = rule(
    "header_read_only_changed",
    "The function changed “{header}” ({path}) from “{before}” to “{value}”; it is read-only in the {event_type} event.",
    "A read-only header may be read and passed on, not added, changed or deleted.",
    page=words.PAGE_READ_ONLY,
    source=words.HEADER_RESTRICTIONS,
    node="headers[{header!r}] = event.Records[0].cf.{object}.headers[{header!r}];  // as it came: do not touch it",
    python='headers[{header!r}] = event["Records"][0]["cf"]["{object}"]["headers"][{header!r}]  # do not touch it',
)
HEADER_READ_ONLY_DELETED = rule(
    "header_read_only_deleted",
    "The function deleted “{header}” from {where}; it is read-only in the {event_type} event.",
    "A new object of headers lacks those that came with the event. Change the object that came instead of making one.",
    page=words.PAGE_READ_ONLY,
    log=words.LOG_DELETED,
    source=words.REPORT_DELETED,
    node="const {object} = event.Records[0].cf.{object};  // change this one, and return it\n"
    "{object}.headers['x-name'] = [{{ key: 'X-Name', value }}];\nreturn {object};",
    python='{object} = event["Records"][0]["cf"]["{object}"]  # change this one, and return it\n'
    '{object}["headers"]["x-name"] = [{{"key": "X-Name", "value": value}}]\nreturn {object}',
)
HEADER_READ_ONLY_UNKNOWN = rule(
    "header_read_only_unknown",
    "Cannot tell without the event whether the function added or changed “{header}” ({path}).",
    "It is read-only in the {event_type} event: passing it on as it came is right, anything else is refused.",
    status=Status.UNKNOWN,
    effect=Effect.NONE,
    source=words.HEADER_RESTRICTIONS,
    next_check="Give the event as well: --function-event event.json",
)
GENERATED_READ_ONLY = rule(
    "generated_read_only",
    "The generated response sets “{header}” ({path}), which CloudFront itself sets.",
    "CloudFront makes this header for a response that a function generates. That a function may not set it there either"
    " is inferred from the lists of read-only headers.",
    events=words.REQUESTS,
    page=words.PAGE_READ_ONLY,
    source=words.HEADER_RESTRICTIONS,
    certainty=Certainty.INFERRED,
    node=_REMOVE,
    python=_REMOVE_PYTHON,
)
VIEWER_COUNTRY_ADDED = rule(
    "viewer_country_added",
    "The function set CloudFront-Viewer-Country ({path}) in the viewer-request event.",
    "CloudFront adds this header after viewer-request functions have run, and refuses one that is already there.",
    events=words.VIEWER_REQUEST,
    page=words.PAGE_DISALLOWED,
    log=words.LOG_DISALLOWED,
    source=words.RESTRICTIONS,
    node="headers['x-country'] = [{{ key: 'X-Country', value }}];  // another name, or an origin-request function",
    python='headers["x-country"] = [{{"key": "X-Country", "value": value}}]  # or an origin-request function',
)
SET_COOKIE_JOINED = rule(
    "set_cookie_joined",
    "{path} seems to hold several cookies, joined by commas.",
    "CloudFront takes it, and the browser keeps only the first cookie. Each cookie is an entry of its own.",
    status=Status.WARNING,
    effect=Effect.NONE,
    source="https://www.rfc-editor.org/rfc/rfc6265#section-3",
    certainty=Certainty.INFERRED,
    node="headers['set-cookie'] = cookies.map((value) => ({{ key: 'Set-Cookie', value }}));",
    python='headers["set-cookie"] = [{{"key": "Set-Cookie", "value": value}} for value in cookies]',
)

RULES = (
    HEADERS_TYPE, HEADER_NAME_INVALID, HEADER_NAME_CASE, HEADER_NOT_ARRAY, HEADER_EMPTY, HEADER_ENTRY_TYPE,
    HEADER_VALUE_MISSING, HEADER_VALUE_TYPE, HEADER_VALUE_LIST, HEADER_VALUE_CHARACTERS, HEADER_VALUE_UNUSUAL,
    HEADER_KEY_TYPE, HEADER_KEY_MISMATCH, HEADER_DISALLOWED, HEADER_READ_ONLY_ADDED, HEADER_READ_ONLY_CHANGED,
    HEADER_READ_ONLY_DELETED, HEADER_READ_ONLY_UNKNOWN, GENERATED_READ_ONLY, VIEWER_COUNTRY_ADDED, SET_COOKIE_JOINED,
)  # fmt: skip
