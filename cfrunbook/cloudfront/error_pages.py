"""The error pages that CloudFront makes itself: how to know one, and what its sentence of reason says, as data.

The guide does not document them: skeletons and sentences are those of responses that people published from 2013 to
2026. Pages since January 2026 give no reason, so nothing can be told from the page alone; and a sentence that was seen
on 502 and 504 alike never decides alone. Pure: text in, what was recognised out; the text itself is not kept.
"""

from __future__ import annotations

import html
import re
import string
from dataclasses import dataclass
from enum import StrEnum

from cfrunbook.findings import Cause

MAX_TEXT = 16 * 1024
"""Characters of a body that are looked at; CloudFront's own pages have about a thousand."""
MAX_SENTENCE = 300

_ISSUES = "https://github.com/"


class Skeleton(StrEnum):
    """Which of CloudFront's own pages it is."""

    CLASSIC = "classic"
    """`502 ERROR`, with a sentence of reason: until 2025, and still about."""
    OF_2026 = "2026"
    """`502 Bad Gateway ERROR`, without a reason: since January 2026."""
    SHORT = "short"
    """The few lines of redirects and of 421: `<hr><center>CloudFront</center>`."""


class Says(StrEnum):
    """What a sentence of reason is about."""

    NAME_RESOLUTION = "name_resolution"
    CONNECTION = "connection"
    """TCP, TLS, certificate or name: the sentence does not say which."""
    CONNECTION_OR_ANSWER = "connection_or_answer"
    """As before, or an answer that CloudFront could not use."""
    FUNCTION_REFUSED = "function_refused"
    FUNCTION_FAILED = "function_failed"
    FUNCTION_LIMITED = "function_limited"
    REQUEST_REFUSED = "request_refused"
    """WAF, geographic restriction, a bad request: never a 502."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A sentence of reason on CloudFront's own pages."""

    key: str
    contains: tuple[str, ...]
    """Lower case, with plain apostrophes; any of these."""
    says: Says
    statuses: tuple[int, ...]
    """With which it was seen."""
    causes: tuple[Cause, ...]
    """What it can mean; several: the sentence by itself does not decide."""
    seen: str
    """Where and when."""
    source: str
    kind: str = ""
    """Of a function: `lambda-edge` or `cloudfront-function`."""

    @property
    def decides(self) -> bool:
        """True where the sentence names one cause, and comes with one status only."""
        return len(self.causes) == 1 and len(self.statuses) == 1


_CONNECT = (Cause.PORT, Cause.TLS_PROTOCOL, Cause.CERTIFICATE, Cause.TLS_NAME)
_ANSWER = (*_CONNECT, Cause.ORIGIN_RESPONSE)
_FUNCTION = (Cause.EDGE_FUNCTION,)
_LAMBDA, _CFF = "lambda-edge", "cloudfront-function"

REASONS: tuple[Reason, ...] = (
    Reason(
        "cannot_resolve",
        ("wasn't able to resolve the origin domain name", "couldn't resolve the origin domain name"),
        Says.NAME_RESOLUTION,
        (502,),
        (Cause.DNS,),
        "2021",
        _ISSUES + "aws-amplify/amplify-hosting/issues/1840",
    ),
    Reason(
        "cannot_connect",
        ("wasn't able to connect to the origin",),
        Says.CONNECTION,
        (502, 504),
        _CONNECT,
        "2016 to 2019",
        _ISSUES + "GSA/datagov-wptheme/issues/868",
    ),
    Reason(
        "attempted_to_connect",
        (
            "attempted to establish a connection with the origin, but either the attempt failed or the origin closed"
            " the connection",
        ),
        Says.CONNECTION_OR_ANSWER,
        (502, 504),
        _ANSWER,
        "2018 to 2020, on 502 and on 504",
        _ISSUES + "dyatko/arkit/issues/848",
    ),
    Reason(
        "connect_or_incorrect",
        ("couldn't connect to the origin or the origin returned an incorrect response",),
        Says.CONNECTION_OR_ANSWER,
        (502,),
        _ANSWER,
        "2020 and 2021",
        _ISSUES + "Studio-42/elFinder/issues/3367",
    ),
    Reason(
        "failed_to_contact",
        ("failed to contact the origin",),
        Says.CONNECTION,
        (502,),
        (*_CONNECT, Cause.EDGE_FUNCTION),
        "2016, and in 2026 with an origin that an edge function had chosen",
        _ISSUES + "anomalyco/sst/pull/6743",
    ),
    Reason(
        "lambda_not_permitted",
        ("the lambda function associated with the cloudfront distribution is invalid or doesn't have the required",),
        Says.FUNCTION_FAILED,
        (503,),
        _FUNCTION,
        "2024",
        _ISSUES + "Xray-App/xray-code-snippets/issues/9",
        _LAMBDA,
    ),
    Reason(
        "lambda_throttled",
        ("the lambda function associated with the cloudfront distribution was throttled",),
        Says.FUNCTION_LIMITED,
        (503,),
        _FUNCTION,
        "2018 and later",
        "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/http-503-service-unavailable.html",
        _LAMBDA,
    ),
    Reason(
        "function_could_not_run",
        ("the cloudfront function associated with the cloudfront distribution is invalid or could not run",),
        Says.FUNCTION_FAILED,
        (503,),
        _FUNCTION,
        "2021 and later",
        _ISSUES + "cdklabs/construct-hub/issues/402",
        _CFF,
    ),
    Reason(
        "function_throttled",
        ("the cloudfront function associated with the cloudfront distribution was throttled",),
        Says.FUNCTION_LIMITED,
        (503,),
        _FUNCTION,
        "our reading, after the sentence of Lambda@Edge",
        "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/http-503-service-unavailable.html",
        _CFF,
    ),
    Reason(
        "lambda_refused",
        (
            "the lambda function result failed validation",
            "the lambda function returned invalid json",
            "the lambda function returned an invalid",
            "the lambda function returned a",
            "the body is not a string",
        ),
        Says.FUNCTION_REFUSED,
        (502,),
        _FUNCTION,
        "2018 to 2025",
        _ISSUES + "aws-amplify/amplify-hosting/issues/1176",
        _LAMBDA,
    ),
    Reason(
        "function_refused",
        ("the cloudfront function returned an invalid value", "invalid value for origin rewrite"),
        Says.FUNCTION_REFUSED,
        (502,),
        _FUNCTION,
        "2021 to 2026",
        _ISSUES + "aws-samples/amazon-cloudfront-functions/issues/56",
        _CFF,
    ),
    Reason(
        "request_blocked",
        ("request blocked",),
        Says.REQUEST_REFUSED,
        (403,),
        (),
        "2017 and later: AWS WAF, a viewer's request that CloudFront does not serve, or a name without distribution",
        "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/http-403-permission-denied.html",
    ),
    Reason(
        "country_blocked",
        ("distribution is configured to block access from your country",),
        Says.REQUEST_REFUSED,
        (403,),
        (),
        "2014 and later: geographic restriction",
        "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/georestrictions.html",
    ),
    Reason(
        "bad_request",
        ("bad request",),
        Says.REQUEST_REFUSED,
        (400, 403),
        (),
        "2014 and later",
        "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HTTPStatusCodes.html",
    ),
)
"""In the order in which they are looked for: the special before the general."""

BY_KEY = {reason.key: reason for reason in REASONS}

_GENERATED = re.compile(r"generated by cloudfront \(cloudfront\)")
_SHORT = re.compile(r"<hr[^<>]{0,20}>\s{0,20}<center>\s{0,20}cloudfront\s{0,20}</center>", re.IGNORECASE)
_HEADLINE = re.compile(r"\b([1-5][0-9]{2})((?: [a-z][a-z'-]{0,20}){0,4}) error\b")
_TITLE = "the request could not be satisfied"
_REQUEST_ID = re.compile(r"Request ID: ?([\w-]{20,100}={0,2})", re.ASCII)
_STATUS_LINE = re.compile(r"<(?:title|h1)[^<>]{0,40}>\s{0,20}([1-5][0-9]{2})\b", re.IGNORECASE)
_TEXT_STATUS = re.compile(r"\A\s{0,40}(?:error )?([1-5][0-9]{2})(?: [A-Za-z][A-Za-z -]{0,40})?\s{0,10}$", re.MULTILINE)
_TAG = re.compile(r"<[^<>]{0,2000}>")
_INVISIBLE = re.compile(r"(?is)<(style|script|title)\b[^<>]{0,400}>.{0,8000}?</\1\s{0,20}>|<!--.{0,8000}?-->")
_BOILERPLATE = (
    "we can't connect to the server for this app",
    "if you received this error while",
    "if you provide content to customers",
    "generated by cloudfront (cloudfront)",
)
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
"""ASCII only: places in the result are then places in the text."""
_APOSTROPHES = str.maketrans({"’": "'", "‘": "'", "ʼ": "'", "′": "'", "´": "'", "\u00a0": " "})


@dataclass(frozen=True, slots=True)
class Page:
    """What was recognised in one of CloudFront's own error pages."""

    skeleton: Skeleton
    status: int | None
    """The status that the page itself names."""
    reason: Reason | None
    sentence: str
    """The sentence of reason as it stands there, at most `MAX_SENTENCE` characters; empty: there is none."""
    request_id: str


def recognise(body: str) -> Page | None:
    """Return what one of CloudFront's own pages shows, as HTML or as copied from a browser; None for another page."""
    body = body[:MAX_TEXT]
    text = plain(body)
    lower = text.translate(_LOWER)
    request_id = match[1] if (match := _REQUEST_ID.search(text)) else ""
    start = lower.find(_TITLE)
    if not _GENERATED.search(lower) and (start < 0 or not (request_id or _HEADLINE.search(lower))):
        return Page(Skeleton.SHORT, status_in(body), None, "", "") if _SHORT.search(body) else None
    headline = _HEADLINE.search(lower)
    skeleton = Skeleton.OF_2026 if headline and headline[2] else Skeleton.CLASSIC
    sentence = _sentence(text, lower, start)
    return Page(skeleton, int(headline[1]) if headline else None, reason_of(sentence), sentence, request_id)


def reason_of(sentence: str) -> Reason | None:
    """Return the known reason that a sentence holds; None where it is not known."""
    lower = plain(sentence).translate(_LOWER)
    return next((reason for reason in REASONS if any(part in lower for part in reason.contains)), None)


def status_in(body: str) -> int | None:
    """Return the status that any error page names in its title, its headline or its first line; None where none."""
    match = _STATUS_LINE.search(body[:MAX_TEXT]) or _TEXT_STATUS.search(body[:400])
    return int(match[1]) if match else None


def plain(body: str) -> str:
    """Return a body's text on one line: tags out, entities read, blanks as one, apostrophes plain."""
    text = _TAG.sub(" ", _INVISIBLE.sub(" ", body[:MAX_TEXT]))
    return " ".join(html.unescape(text).translate(_APOSTROPHES).split())


def _sentence(text: str, lower: str, start: int) -> str:
    """Return what stands between the headline and the words that are on every page."""
    if start < 0:
        return ""
    begin = start + len(_TITLE)
    ends = [found for part in _BOILERPLATE if (found := lower.find(part, begin)) >= 0]
    said = text[begin : min(ends, default=begin)].strip(" .")
    is_cut = any(part.startswith(said.translate(_LOWER)) for part in _BOILERPLATE)  # of a page that is not whole
    return "" if is_cut else said[:MAX_SENTENCE]
