"""A captured response: who made it, what CloudFront itself names as the cause, whether it is old. Pure.

The order of looking: an edge function (`X-Cache`), CloudFront's own page, an error that the origin made and CloudFront
passed on, a custom error page that hides it, an error from the cache. `X-Cache: Error from cloudfront` alone decides
nothing: errors of the origin carry it too. A sentence that was seen on 502 and 504 alike does not decide either.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HTTPStatusCodes.html
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from cfrunbook.causes import captured_response_rules as table
from cfrunbook.causes import captured_response_words as words
from cfrunbook.causes import gateways
from cfrunbook.causes.captured_response_reading import Reading, read
from cfrunbook.causes.captured_response_rules import AWS_PAGE, RULES
from cfrunbook.causes.gateways import Gateway
from cfrunbook.cloudfront import error_caching
from cfrunbook.cloudfront.distribution import Distribution
from cfrunbook.cloudfront.error_pages import Says
from cfrunbook.cloudfront.policies import Policies
from cfrunbook.cloudfront.targets import OriginKind
from cfrunbook.cloudfront.x_cache import Answered, Outcome
from cfrunbook.evidence import CapturedResponse
from cfrunbook.findings import Cause, Evidence, Finding, NotExamined, Remedy, Rule
from cfrunbook.text import join_names, visible

__all__ = ["AWS_PAGE", "CAUSE", "NOTEBOOK", "OBSERVATION", "RULES", "judge", "left_out"]

CAUSE = Cause.CLOUDFRONT
NOTEBOOK = "00_start_here"
OBSERVATION = "input:response"
"""What evidence of these findings points to."""

_PASSED_ON = frozenset({502, 503, 504})
_MAX_EVIDENCE = 8


@dataclass(slots=True)
class _Said:
    """One row of the table said of one response; equal ones of several responses become one finding."""

    rule: Rule
    reading: Reading
    key: tuple[object, ...]
    """What tells it from others of the same rule."""
    data: dict[str, Any] = field(default_factory=dict)
    maker: Gateway | None = None
    answered: int | None = None
    """The status that CloudFront gave, where the rule leaves it open."""


def judge(
    captured: Sequence[CapturedResponse],
    *,
    distribution: Distribution | None = None,
    policies: Policies | None = None,
    at: dt.datetime | None = None,
    url: str = "",
) -> tuple[Finding, ...]:
    """Return what captured responses show, the worst first; equal ones are one finding.

    `distribution` and `policies` tell about custom error pages, the origin's kind and the cache key; `at` is the moment
    to judge at (has a cached error expired by now?); `url` is what was asked for where a capture does not say.
    """
    groups: dict[tuple[object, ...], list[_Said]] = {}
    for response in captured:
        reading = read(response, distribution=distribution, policies=policies or Policies(), url=url)
        for said in _look(reading, at):
            groups.setdefault((said.rule.code, *said.key), []).append(said)
    order = {rule.code: number for number, rule in enumerate(RULES)}
    found = sorted(groups.values(), key=lambda members: order[members[0].rule.code])
    return tuple(_finding(members) for members in found)


def left_out(captured: Sequence[CapturedResponse]) -> Iterator[NotExamined]:
    """Yield what of the captures was not read, because there was too much of it."""
    for response in captured:
        if response.left_out:
            yield NotExamined(
                what=f"{response.left_out} further responses in {visible(response.name, 120) or 'the capture'}",
                why=f"at most {len(captured)} captured responses are read",
                next_check="Save a capture of the failing request alone.",
            )


def _look(reading: Reading, at: dt.datetime | None) -> Iterator[_Said]:
    """Yield what one response shows: who made it first, then what else is worth knowing."""
    first = _made(reading)
    yield first
    if reading.x_cache is not None and reading.x_cache.outcome is Outcome.UNKNOWN:
        yield _Said(table.X_CACHE_NOT_KNOWN, reading, (reading.x_cache.value,), {"x_cache": reading.x_cache.value})
    is_error = first.rule not in (table.OK, table.PROXY, table.NOT_FROM_CLOUDFRONT)
    if is_error and reading.age and reading.is_cloudfronts:
        yield _cached(reading, at)
    if reading.hops > 1:
        yield _Said(table.CHAINED, reading, (reading.hops,), {"hops": reading.hops, "inner": words.inner(reading)})
    if is_error and reading.request_id:
        yield _Said(table.FOR_SUPPORT, reading, (), words.for_support(reading))


# --- who made it --------------------------------------------------------------------------------------------------


def _made(reading: Reading) -> _Said:
    """Return who made a response, by the documented order of looking."""
    if reading.response.method == "CONNECT" and reading.is_error:
        return _Said(table.PROXY, reading, (reading.status,))
    if (said := _by_function(reading)) is not None:
        return said
    x_cache = reading.x_cache
    if x_cache and x_cache.outcome is Outcome.LIMITED and x_cache.answered is Answered.CLOUDFRONT:
        return _Said(table.LIMIT, reading, (x_cache.value,), {"by": words.by_x_cache(reading)})
    if reading.is_own_page and (reading.is_error or reading.status is None):
        return _by_page(reading)
    if reading.status is None:
        return _maker_not_known(reading)
    if not reading.is_error:
        return _no_error(reading)
    if reading.status in _PASSED_ON:
        return _passed_on(reading)
    if not reading.is_cloudfronts and reading.response.headers:
        return _Said(table.NOT_FROM_CLOUDFRONT, reading, (reading.status,), {"maker": words.server(reading)})
    return _Said(table.OTHER_ERROR, reading, (reading.status,), {"because": words.OTHER_STATUS})


def _by_function(reading: Reading) -> _Said | None:
    """Return what X-Cache, or else the sentence of CloudFront's page, says of an edge function; None: nothing."""
    x_cache, reason = reading.x_cache, reading.reason
    rule: Rule | None = None
    kind, by = "", f"X-Cache says {x_cache.value}" if x_cache else ""
    if x_cache and x_cache.answered in (Answered.LAMBDA_EDGE, Answered.CLOUDFRONT_FUNCTION):
        kind = x_cache.answered.value
        rule = {
            Outcome.REFUSED: table.REFUSED_AT_EDGE,
            Outcome.FAILED: table.FAILED_AT_EDGE,
            Outcome.LIMITED: table.THROTTLED_AT_EDGE,
        }.get(x_cache.outcome)
        if rule is None and (reading.status or 0) >= 500:
            rule = table.ANSWERED_ITSELF
    elif reason and reason.kind:
        kind, by = reason.kind, words.by_page(reading)
        rule = {
            Says.FUNCTION_REFUSED: table.REFUSED_AT_EDGE,
            Says.FUNCTION_FAILED: table.FAILED_AT_EDGE,
            Says.FUNCTION_LIMITED: table.THROTTLED_AT_EDGE,
        }.get(reason.says)
    if rule is None:
        return None
    answered = reading.status if reading.is_error else rule.cloudfront_status
    data = {"by": by, **words.function(reading, kind)}
    key = (kind, answered, reading.sentence, by)
    return _Said(rule, reading, key, data, answered=answered)


def _by_page(reading: Reading) -> _Said:
    """Return what CloudFront's own page says, or that CloudFront made a page that was not captured."""
    status, reason = reading.status, reading.reason
    key = (status, reading.sentence, reading.whose)
    data = {"by": words.by_page(reading), "or_answer": "", "statuses": "", "seen": "", "no_reason": ""}
    if status is not None and status not in (500, *_PASSED_ON):
        return _Said(table.REQUEST_REFUSED, reading, key, data)
    if status == 504:
        return _Said(table.TIMEOUT, reading, key, data, answered=status)
    if status == 503:
        return _Said(table.UNAVAILABLE, reading, key, data, answered=status)
    if status == 500:
        return _Said(table.OTHER_ERROR, reading, key, {"because": words.OWN_500})
    if reason and reason.decides and reason.causes == (Cause.DNS,):
        return _Said(table.CANNOT_RESOLVE, reading, key, data)
    if reason:
        data |= words.candidates(reason)
        return _Said(table.COULD_NOT_CONNECT, reading, key, data)
    if reading.sentence:
        return _Said(table.SENTENCE_NOT_KNOWN, reading, key, data)
    if reading.response.page is None:
        return _Said(table.NOT_CAPTURED, reading, key, data)
    data["no_reason"] = words.no_reason(reading)
    return _Said(table.WITHOUT_REASON, reading, key, data)


def _passed_on(reading: Reading) -> _Said:
    """Return who made a 502, 503 or 504 whose page is not CloudFront's: the origin, or this distribution's own page."""
    status = reading.status or 0
    custom = reading.custom_error(status)
    kind = reading.origin_kind if custom is None and reading.is_cloudfronts else OriginKind.CUSTOM
    is_empty = reading.response.body_bytes == 0
    made_by = reading.response.page.made_by if reading.response.page else ""
    maker = gateways.maker(reading.response.headers, page=made_by, is_empty=is_empty, kind=kind)
    if not reading.is_cloudfronts and reading.response.headers:
        who = maker.title or words.server(reading)
        return _Said(table.NOT_FROM_CLOUDFRONT, reading, (status, who), {"maker": who})
    if maker is gateways.UNKNOWN and custom is not None:
        return _Said(table.CUSTOM_PAGE, reading, (status,), {"error_page": custom.page}, answered=status)
    named = bool(reading.server) and reading.server.lower() != "cloudfront"
    has_page = bool(reading.response.body_bytes) or bool(reading.response.page)
    if maker is gateways.UNKNOWN and not (reading.distribution and (named or has_page)):
        return _maker_not_known(reading)
    rule = table.RELAYED if reading.is_cloudfronts else table.RECOGNISED
    data = {
        "maker": maker.title or words.server(reading),
        "gateway": maker.key,
        "because": words.recognised(reading, maker),
        "confidence": "medium" if maker is gateways.UNKNOWN else "high",
    }
    return _Said(rule, reading, (status, data["maker"]), data, maker, status)


def _maker_not_known(reading: Reading) -> _Said:
    because, settles = words.why_not_known(reading)
    return _Said(
        table.MAKER_NOT_KNOWN,
        reading,
        (reading.status, because),
        {"because": because, "settles": settles},
        answered=reading.status,
    )


def _no_error(reading: Reading) -> _Said:
    """Return that a response is no error, or hides one."""
    status = reading.status or 0
    if reading.x_cache and reading.x_cache.outcome is Outcome.ERROR:
        return _Said(table.MASKED, reading, (status,), {"masks": words.masks(reading)})
    if not reading.is_cloudfronts and reading.response.headers:
        return _Said(table.NOT_FROM_CLOUDFRONT, reading, (status,), {"maker": words.server(reading)})
    says = f" ({visible(reading.response.field('x-cache'), 80)})" if reading.x_cache else ""
    return _Said(table.OK, reading, (status, says), {"x_cache_says": says})


# --- from the cache -----------------------------------------------------------------------------------------------


def _cached(reading: Reading, at: dt.datetime | None) -> _Said:
    """Return that an error came from the cache, until when, and how to get past it."""
    age, status = reading.age or 0, reading.status or 0
    ttl = error_caching.min_ttl(status, reading.distribution)
    lasting = error_caching.max_age(reading.response.field("cache-control")) or 0
    seconds = max(ttl.seconds, lasting)
    bypass = error_caching.bypass(reading.behavior, reading.policies)
    again = f"{reading.url}{'&' if '?' in reading.url else '?'}{bypass.query}" if bypass.query else reading.url
    data = {
        "age": age,
        "ttl": ttl.seconds,
        "ttl_why": ttl.why,
        "until": words.until(reading, seconds, at, known=ttl.known or bool(lasting)),
        "longer": words.longer(age, ttl.seconds, lasting),
        "bypass": bypass.why,
        "bypass_check": bypass.next_check,
        "again": again,
        "path": reading.path,
    }
    return _Said(table.CACHED, reading, (status,), data)


# --- findings -----------------------------------------------------------------------------------------------------


def _finding(members: Sequence[_Said]) -> Finding:
    """Return one finding of what was said alike of one or several responses."""
    first = members[0]
    data = {**words.common(first.reading), **first.data, "also": words.also(len(members)), "count": len(members)}
    finding = first.rule.finding(
        evidence=[
            Evidence(observation=OBSERVATION, says=words.evidence(member.reading)) for member in members[:_MAX_EVIDENCE]
        ],
        cloudfront_status=first.answered,
        remedy=Remedy(kind="one_of", steps=first.maker.steps) if first.maker is not None else None,
        **data,
    )
    if first.maker is not None:
        finding = msgspec.structs.replace(finding, source=first.maker.source)
    pop = [m.reading.pop for m in members if m.reading.pop]
    if len(set(pop)) > 1 and first.rule is table.FOR_SUPPORT:
        shown = f"{finding.meaning} Edge locations: {join_names(list(dict.fromkeys(pop)))}."
        finding = msgspec.structs.replace(finding, meaning=shown)
    return finding
