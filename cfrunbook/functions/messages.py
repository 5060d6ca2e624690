"""From what CloudFront said of an edge function back to the rule: a log line, an error page, or a value of `X-Cache`.

The sentences are those of the rules' own tables (`page`, `log`); what is here are the families they belong to, for
variants that nobody has published, and what stands around them. Pure, and bounded: text in, what it says out.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-functions-logs.html
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from string import Formatter

from cfrunbook.cloudfront import x_cache
from cfrunbook.cloudfront.x_cache import Answered, Outcome
from cfrunbook.functions.model import Effect, FunctionRule, Kind
from cfrunbook.functions.validation import table
from cfrunbook.redaction import redact_words
from cfrunbook.text import visible

MAX_TEXT, MAX_LINE = 1 << 20, 4096
"""Characters that are read of a text, and of one line of it."""
MAX_MESSAGES = 50
_LAMBDA, _FUNCTION = Kind.LAMBDA_EDGE, Kind.CLOUDFRONT_FUNCTION


class Place(StrEnum):
    """Where CloudFront said it."""

    LOG = "log"
    """A line of the log group /aws/cloudfront/LambdaEdge/<distribution>."""
    PAGE = "page"
    """A sentence of CloudFront's error page; pages since January 2026 have none."""
    X_CACHE = "x-cache"


@dataclass(frozen=True, slots=True)
class Message:
    """What CloudFront said of a function, and what that means."""

    place: Place
    kind: Kind
    effect: Effect
    """What CloudFront did, and so the status; `NONE`: the function itself made the response."""
    sentence: str
    """What was recognised, as it may be shown."""
    rules: tuple[str, ...] = ()
    """Ids of the rules that it can mean; none where it does not say."""
    header: str = ""
    """The name of the header it is about, as CloudFront wrote it."""
    character: str = ""
    """The character that was refused, percent-encoded: `%0D`."""
    request_id: str = ""
    """CloudFront's id of the request: X-Amz-Cf-Id, x-edge-request-id."""
    invocation_id: str = ""
    """Lambda's id of the invocation, as in the function's own log."""
    function_arn: str = ""
    region: str = ""
    """The Region the function ran in."""
    not_said: tuple[str, ...] = ()
    """What could not be told, and where it would be found, a sentence each."""


_EFFECTS = {
    Outcome.GENERATED: Effect.NONE,
    Outcome.REFUSED: Effect.VALIDATION,
    Outcome.FAILED: Effect.EXECUTION,
    Outcome.LIMITED: Effect.THROTTLE,
}
X_CACHE: Mapping[str, tuple[Kind, Effect]] = {
    row.value: (Kind(row.answered), _EFFECTS[row.outcome])
    for row in x_cache.VALUES.values()
    if row.answered in (Answered.LAMBDA_EDGE, Answered.CLOUDFRONT_FUNCTION)
}
"""Values of X-Cache that speak of a function."""


@dataclass(frozen=True, slots=True)
class _Family:
    """Sentences that begin alike, whatever follows."""

    pattern: str
    """A regular expression over the text in lower case."""
    kind: Kind
    effect: Effect
    names: tuple[str, ...] = ()
    """Names of rules, without their kind; none: those in whose sentences it is found."""


FAMILIES: tuple[_Family, ...] = (
    _Family(
        r"tried to add a? ?(?:blacklisted|disallowed) header", _LAMBDA, Effect.VALIDATION,
        ("header_disallowed", "viewer_country_added"),
    ),
    _Family(r"tried to delete a? ?read-?only header", _LAMBDA, Effect.VALIDATION, ("header_read_only_deleted",)),
    _Family(
        r"tried to add a? ?read-?only header", _LAMBDA, Effect.VALIDATION,
        ("header_read_only_added", "generated_read_only"),
    ),
    _Family(
        r"tried to (?:change|edit|modify|update) a? ?read-?only header", _LAMBDA, Effect.VALIDATION,
        ("header_read_only_changed",),
    ),
    _Family(r"invalid header, invalid character", _LAMBDA, Effect.VALIDATION, ("header_value_characters",)),
    _Family(r"the lambda function returned an invalid entry in the headers object", _LAMBDA, Effect.VALIDATION),
    _Family(
        r"the lambda function returned an invalid origin configuration", _LAMBDA, Effect.VALIDATION,
        (
            "origin_type", "origin_kind", "origin_member_missing", "origin_path", "origin_port", "origin_protocol",
            "origin_ssl_protocols", "origin_read_timeout", "origin_keepalive_timeout", "origin_completion_timeout",
            "origin_auth_method", "origin_region",
        ),
    ),
    _Family(r"the lambda function returned (?:an )?invalid json", _LAMBDA, Effect.VALIDATION),
    _Family(r"lambda function result (?:failed validation|validation failed)", _LAMBDA, Effect.VALIDATION, ("",)),
    _Family(
        r"the lambda function associated with the cloudfront distribution is invalid or doesn't have the required"
        r" permissions", _LAMBDA, Effect.EXECUTION, ("",),
    ),
    _Family(
        r"the lambda function associated with the cloudfront distribution was throttled", _LAMBDA, Effect.THROTTLE,
        ("",),
    ),
    _Family(r"invalid value for origin rewrite", _FUNCTION, Effect.VALIDATION),
    _Family(r"the cloudfront function returned an invalid value", _FUNCTION, Effect.VALIDATION, ("",)),
    _Family(
        r"the cloudfront function associated with the cloudfront distribution is invalid or could not run", _FUNCTION,
        Effect.EXECUTION,
    ),
    _Family(
        r"the cloudfront function associated with the cloudfront distribution was throttled", _FUNCTION,
        Effect.THROTTLE, ("",),
    ),
)  # fmt: skip
"""From the particular to the general; an empty name: the sentence does not say which rule.

Seen in https://github.com/serverless-nextjs/serverless-next.js/issues/525 and /898,
https://github.com/CodeGenieApp/serverless-express/issues/369,
https://github.com/aws-samples/cloudfront-authorization-at-edge/issues/12 and
https://github.com/aws-samples/amazon-cloudfront-functions/issues/56
"""

_TAG = re.compile(r"<(?:br|p|hr|h[1-6]|pre|title|div|/)[^<>]{0,200}>|<[a-z!][^<>]{0,200}>", re.IGNORECASE)
_LOG_MESSAGE = re.compile(r"\bERROR\s+Validation error:\s*(?P<message>.*)", re.IGNORECASE)
_X_CACHE = re.compile(r"\b(?:" + "|".join(X_CACHE) + r")\b", re.IGNORECASE)
_HEADER = re.compile(
    r"headerName\s*:\s*(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256})|header\s*:\s*(?P<other>\S{1,256})\s+has one or more",
    re.IGNORECASE,
)
_CHARACTER = re.compile(r"invalid character\s*:\s*'(?P<character>[^']{1,12})'", re.IGNORECASE)
_PAGE_ID = re.compile(r"Request ID:\s*([A-Za-z0-9_-]{8,100}={0,2})", re.IGNORECASE)
_LOG_ID = re.compile(r"(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{20,100}==")
_INVOKING = re.compile(
    r"LambdaFunctionARN:\s*(?P<arn>arn:aws[a-z-]*:lambda:[a-z0-9-]{1,40}:[0-9]{12}:function:[A-Za-z0-9_.:$-]{1,200})",
    re.IGNORECASE,
)
_REGION = re.compile(r"\bRegion:\s*(?P<region>[a-z]{2}(?:-[a-z]{1,15}){1,3}-[0-9]{1,2})", re.IGNORECASE)
_INVOCATION = re.compile(r"\bRequestId:\s*(?P<id>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.IGNORECASE)
_COUNTRY = "cloudfront-viewer-country"

_NO_RULE: Mapping[Kind, str] = {
    _LAMBDA: "It does not say which rule was broken: CloudFront's log line does.",
    _FUNCTION: "It does not say which rule was broken, and no log does: judge what the function returned.",
}
_NO_HEADER = "It does not name the header: CloudFront's log line does."
_SEVERAL = "The same sentence stands for several rules: validate the function's result to tell which."
_OWN_LOG = "It does not say why: the function's own log does."
_NO_ID = "It has no request id: X-Amz-Cf-Id of the response is the one to search the logs for."


def read(text: str) -> tuple[Message, ...]:
    """Return what CloudFront says of functions in `text`: log lines, an error page or its text, header fields.

    Empty where nothing is recognised. Never raises; at most `MAX_MESSAGES`, each said once.
    """
    bounded = text[:MAX_TEXT]
    plain = html.unescape(_TAG.sub(" ", bounded)) if "<" in bounded else html.unescape(bounded)
    lines = [line[:MAX_LINE] for line in plain.splitlines()]
    around = _surroundings(lines)
    found: dict[Message, None] = {}
    for line in lines:
        if len(found) < MAX_MESSAGES and (match := _LOG_MESSAGE.search(line)):
            found.update(dict.fromkeys(_of_log(match["message"], line, around)))
    if not found:
        page_id = match[1] if (match := _PAGE_ID.search(plain[: 16 * MAX_LINE])) else ""
        found.update(dict.fromkeys(_of_page(" ".join(plain[: 16 * MAX_LINE].split()), page_id)))
    for match in _X_CACHE.finditer(plain):
        if len(found) < MAX_MESSAGES:
            found[_of_x_cache(match[0])] = None
    return tuple(found)


def _of_x_cache(value: str) -> Message:
    name = next(known for known in X_CACHE if known.lower() == value.lower())
    kind, effect = X_CACHE[name]
    not_said: tuple[str, ...] = ()
    if effect is not Effect.NONE:
        not_said = (_NO_RULE[kind] if effect is Effect.VALIDATION else _OWN_LOG,)
    return Message(Place.X_CACHE, kind, effect, f"{name} from cloudfront", not_said=not_said)


def _surroundings(lines: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return, by request id, what other log lines of the same request say: function, Region, invocation."""
    known: dict[str, dict[str, str]] = {}
    for line in lines:
        said = {
            name: match[group]
            for name, pattern, group in (
                ("function_arn", _INVOKING, "arn"), ("region", _REGION, "region"), ("invocation_id", _INVOCATION, "id")
            )
            if (match := pattern.search(line))
        }  # fmt: skip
        if said and (ids := _LOG_ID.search(line)):
            known.setdefault(ids[0], {}).update(said)
    return known


def _of_log(sentence: str, line: str, around: Mapping[str, dict[str, str]]) -> Iterable[Message]:
    """Yield what a log line says; a sentence that is not known is still a validation error."""
    header = _HEADER.search(sentence)
    character = _CHARACTER.search(sentence)
    ids = _LOG_ID.search(line)
    request_id = ids[0] if ids else ""
    name = (header["name"] or header["other"]).rstrip(".") if header else ""
    words = {"header": name, "character": character["character"] if character else "", "request_id": request_id}
    kind, effect, rules = _match(sentence) or (_LAMBDA, Effect.VALIDATION, ())
    words |= around.get(request_id, {})
    yield _message(Place.LOG, kind, effect, sentence, _narrowed(rules, name), **words)


def _of_page(text: str, request_id: str) -> Iterable[Message]:
    """Yield what the sentence of an error page says."""
    matched = _match(text)
    if matched is None:
        return
    kind, effect, rules = matched
    header = _HEADER.search(text)
    name = (header["name"] or header["other"]).rstrip(".") if header else ""
    sentence = _sentence(text)
    yield _message(Place.PAGE, kind, effect, sentence, _narrowed(rules, name), header=name, request_id=request_id)


def _message(place: Place, kind: Kind, effect: Effect, sentence: str, rules: tuple[str, ...], **words: str) -> Message:
    not_said = []
    if effect is not Effect.VALIDATION:
        not_said.append(_OWN_LOG)
    elif not rules:
        not_said.append(_NO_RULE[kind] if place is not Place.LOG else "The rule is not one that this program knows.")
    elif place is Place.PAGE and not words.get("header") and any("header" in rule for rule in rules):
        not_said.append(_NO_HEADER)
    if len(rules) > 1:
        not_said.append(_SEVERAL)
    if not words.get("request_id"):
        not_said.append(_NO_ID)
    shown = visible(redact_words(sentence[:600].strip()), 300)
    return Message(place, kind, effect, shown, rules, not_said=tuple(not_said), **words)


def _narrowed(rules: tuple[str, ...], header: str) -> tuple[str, ...]:
    """Return the rules that can be meant with this header; one of them is about one header only."""
    country = {rule for rule in rules if rule.endswith(".viewer_country_added")}
    if not header or not country:
        return rules
    return tuple(rule for rule in rules if (rule in country) is (header.lower() == _COUNTRY))


def _plain(text: str) -> str:
    """Return a text as it is compared: lower case, plain apostrophes, single spaces."""
    return " ".join(text.replace("\u2019", "'").lower().split())


def _match(text: str) -> tuple[Kind, Effect, tuple[str, ...]] | None:
    """Return what the longest sentence known that stands in `text` says, else its family."""
    plain = _plain(text)
    for pattern, kind, effect, rules in _sentences():
        if pattern.search(plain):
            return kind, effect, rules
    for family in FAMILIES:
        if re.search(family.pattern, plain):
            return family.kind, family.effect, _rules_of(family)
    return None


def _sentence(text: str) -> str:
    """Return the part of a page's text that speaks of the function."""
    plain = text.replace("\u2019", "'")
    starts = [at for word in ("The Lambda function", "The CloudFront function") if (at := plain.find(word)) >= 0]
    start = min(starts, default=0)
    return plain[start:].split(" We can't connect", 1)[0].split(" Generated by", 1)[0][:600]


@lru_cache(maxsize=1)
def _sentences() -> tuple[tuple[re.Pattern[str], Kind, Effect, tuple[str, ...]], ...]:
    """Return the patterns of all sentences of the tables, the longest first, each with the rules that share it."""
    shared: dict[str, list[FunctionRule]] = {}
    for kind in Kind:
        for rule in table(kind):
            for template in {rule.page, rule.log} - {""}:
                shared.setdefault(template, []).append(rule)
    ordered = sorted(shared.items(), key=lambda item: -len(item[0]))
    return tuple(
        (_pattern(template), rules[0].kind, rules[0].effect, tuple(rule.id for rule in rules))
        for template, rules in ordered
    )


def _pattern(template: str) -> re.Pattern[str]:
    """Return the pattern of a template: its words, anything short for a field, with the last full stop or without."""
    pieces = []
    for literal, field, _, _ in Formatter().parse(template):
        pieces.append(re.escape(" ".join(literal.lower().split(" "))))
        if field is not None:
            pieces.append(r"\S{1,256}?")
    return re.compile("".join(pieces).removesuffix(r"\."))


@lru_cache(maxsize=64)
def _rules_of(family: _Family) -> tuple[str, ...]:
    """Return the ids of the rules that a family can mean."""
    prefix = _LAMBDA_PREFIX if family.kind is _LAMBDA else _FUNCTION_PREFIX
    if family.names:
        return tuple(prefix + name for name in family.names if name)
    pattern = re.compile(family.pattern)
    return tuple(rule.id for rule in table(family.kind) if pattern.search(_plain(f"{rule.page} {rule.log}")))


_LAMBDA_PREFIX, _FUNCTION_PREFIX = "lambda_edge.", "cloudfront_function."
