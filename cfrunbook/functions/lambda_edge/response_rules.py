"""Rules about a response that a Lambda@Edge function generated or changed: status, body, encoding and size."""

from __future__ import annotations

from cfrunbook.findings import Status
from cfrunbook.functions.lambda_edge import rule_words as words
from cfrunbook.functions.lambda_edge.rule_words import rule
from cfrunbook.functions.model import Certainty, Effect

_STATUS = "response.status = '200';  // a string of three digits, 200 to 599"
_STATUS_PYTHON = 'response["status"] = "200"  # a string of three digits, 200 to 599'

STATUS_MISSING = rule(
    "status_missing",
    "The response has no “status”.",
    "“status” is the one member that every response needs.",
    source=words.GENERATING,
    node=_STATUS,
    python=_STATUS_PYTHON,
)
STATUS_INVALID = rule(
    "status_invalid",
    "“status” is {value}; it has to be a string of three digits between 200 and 599.",
    "CloudFront answers an error instead of a response with another status. The reason belongs into"
    " “statusDescription”.",
    source=words.GENERATING,
    node=_STATUS,
    python=_STATUS_PYTHON,
)
STATUS_NUMBER = rule(
    "status_number",
    "“status” is the number {value}; AWS documents a string.",
    "Some of AWS's own examples set a number in an origin-response function. That CloudFront always takes one is"
    " documented nowhere.",
    status=Status.WARNING,
    effect=Effect.NONE,
    certainty=Certainty.INFERRED,
    source=words.GENERATING,
    node="response.status = {value!r};",
    python='response["status"] = {value!r}',
)
STATUS_CHANGED = rule(
    "status_changed",
    "The function changed “status” from {before} to {value}; a viewer-response function may not.",
    "In the viewer-response event the status is fixed, whether the response came from the origin or the cache.",
    events=words.VIEWER_RESPONSE,
    source=words.RESTRICTIONS,
    certainty=Certainty.INFERRED,
    node="// Associate the function with origin-response instead: there the status may be changed.\nreturn response;",
    python="# Associate the function with origin-response instead: there the status may be changed.\nreturn response",
)
NO_CONTENT_BODY = rule(
    "no_content_body",
    "The status is 204 (No Content) and there is a body.",
    "In the viewer-request event CloudFront refuses a response that says it has no content and has some.",
    events=words.VIEWER_REQUEST,
    source=words.GENERATING,
    node="return {{ status: '204', headers }};  // no body, no bodyEncoding",
    python='return {{"status": "204", "headers": headers}}  # no body, no bodyEncoding',
)
NO_CONTENT_EMPTY_BODY = rule(
    "no_content_empty_body",
    "The status is 204 (No Content) and “body” is there, although empty.",
    "AWS refuses 204 with a value for “body” and does not say whether an empty one counts.",
    events=words.VIEWER_REQUEST,
    status=Status.WARNING,
    effect=Effect.NONE,
    certainty=Certainty.INFERRED,
    source=words.GENERATING,
    node="return {{ status: '204', headers }};  // no body, no bodyEncoding",
    python='return {{"status": "204", "headers": headers}}  # no body, no bodyEncoding',
)
STATUS_DESCRIPTION_TYPE = rule(
    "status_description_type",
    "“statusDescription” is {value}; it has to be a string.",
    "It is free text, such as “Found”; it may also be left out.",
    certainty=Certainty.INFERRED,
    source=words.GENERATING,
    node="response.statusDescription = 'Found';",
    python='response["statusDescription"] = "Found"',
)
STATUS_DESCRIPTION_CHARACTERS = rule(
    "status_description_characters",
    "“statusDescription” holds the character {character}.",
    "It becomes part of the status line, where line breaks and control characters are not allowed. What CloudFront"
    " makes of them is not documented.",
    status=Status.WARNING,
    effect=Effect.NONE,
    certainty=Certainty.INFERRED,
    source="https://www.rfc-editor.org/rfc/rfc9112#section-4",
    node="response.statusDescription = 'Found';",
    python='response["statusDescription"] = "Found"',
)
BODY_TYPE = rule(
    "body_type",
    "“body” is {value}; a response's body has to be a string.",
    "CloudFront does not turn objects into JSON. Bytes are sent as base64 with “bodyEncoding: 'base64'”.",
    page=words.PAGE_BODY,
    certainty=Certainty.REPORTED,
    source=words.GENERATING,
    node="response.body = JSON.stringify(data);",
    python='response["body"] = json.dumps(data)',
)
BODY_ENCODING = rule(
    "body_encoding",
    "“bodyEncoding” is {value}; only “text” and “base64” exist.",
    "It says how “body” is written in the JSON; the character set belongs into Content-Type, compression into"
    " Content-Encoding.",
    source=words.GENERATING,
    node="response.bodyEncoding = 'text';  // or 'base64'",
    python='response["bodyEncoding"] = "text"  # or "base64"',
)
BODY_BASE64 = rule(
    "body_base64",
    "“bodyEncoding” is base64, but “body” ({value}) is not valid base64.",
    "CloudFront decodes the body and answers an error where it cannot.",
    source=words.GENERATING,
    node="response.body = buffer.toString('base64');\nresponse.bodyEncoding = 'base64';",
    python='response["body"] = base64.b64encode(content).decode()\nresponse["bodyEncoding"] = "base64"',
)
BODY_BASE64_UNUSUAL = rule(
    "body_base64_unusual",
    "{path} is base64 {problem}; whether CloudFront takes it is not documented.",
    "Plain base64 has no white space or line breaks, the characters + and /, and is padded with =.",
    status=Status.WARNING,
    effect=Effect.NONE,
    certainty=Certainty.INFERRED,
    source="https://www.rfc-editor.org/rfc/rfc4648#section-4",
    node="const data = buffer.toString('base64');  // not 'base64url', no line breaks",
    python="data = base64.b64encode(content).decode()  # not encodebytes or urlsafe_b64encode",
)
VIEWER_RESPONSE_BODY = rule(
    "viewer_response_body",
    "The function set “body” in the viewer-response event, and AWS documents that only for origin-response.",
    "Whether CloudFront ignores, uses or refuses it is not documented.",
    events=words.VIEWER_RESPONSE,
    status=Status.WARNING,
    effect=Effect.NONE,
    certainty=Certainty.INFERRED,
    source=words.GENERATING,
    node="delete response.body;  // or associate the function with origin-response",
    python='response.pop("body", None)  # or associate the function with origin-response',
)
RESPONSE_SIZE = rule(
    "response_size",
    "The response is {size:,} bytes of headers and body; the {event_type} event allows {limit:,}.",
    "The limit is 40 KB in viewer events and 1 MB in origin events, headers included. A result over it may also arrive"
    " cut off, and CloudFront then says that the JSON cannot be parsed.",
    page=words.PAGE_BODY,
    source=words.QUOTAS,
    node="return {{ status: '302', headers: {{ location: [{{ key: 'Location', value: urlOfTheFile }}] }} }};",
    python='return {{"status": "302", "headers": {{"location": [{{"key": "Location", "value": url_of_the_file}}]}}}}',
)
SIZE_UNCLEAR = rule(
    "size_unclear",
    "{what} is so close to the {limit} that the {event_type} event allows ({count} bytes) that the count decides.",
    "AWS does not say whether a KB is 1,000 or 1,024 bytes, how it counts the separators of headers, and whether base64"
    " counts before or after decoding.",
    status=Status.UNKNOWN,
    effect=Effect.NONE,
    source=words.QUOTAS,
    next_check="Make it smaller by some percent, or try exactly this size on a staging distribution.",
)

RULES = (
    STATUS_MISSING, STATUS_INVALID, STATUS_NUMBER, STATUS_CHANGED, NO_CONTENT_BODY, NO_CONTENT_EMPTY_BODY,
    STATUS_DESCRIPTION_TYPE, STATUS_DESCRIPTION_CHARACTERS, BODY_TYPE, BODY_ENCODING, BODY_BASE64, BODY_BASE64_UNUSUAL,
    VIEWER_RESPONSE_BODY, RESPONSE_SIZE, SIZE_UNCLEAR,
)  # fmt: skip
