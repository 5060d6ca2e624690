"""The words of findings about captured responses: clauses and sentences with the actual values. Pure."""

from __future__ import annotations

import datetime as dt
from typing import Any

from cfrunbook.causes.captured_response_reading import Reading
from cfrunbook.causes.gateways import Gateway
from cfrunbook.cloudfront import error_caching, function_associations
from cfrunbook.cloudfront.distribution import FunctionAssociation
from cfrunbook.cloudfront.error_pages import Reason, Says, Skeleton
from cfrunbook.findings import Cause
from cfrunbook.text import join_names, visible

_FIRST_YEAR, _LAST_YEAR = 1990, 2999
_LONGEST = 100 * 365 * 86_400
"""Seconds: beyond this, a time in a cache is no time."""

OTHER_STATUS = (
    "CloudFront passes on what the origin answers, or says it itself about the request; capture one with 502."
)
OWN_500 = "CloudFront's own 500 is rare: S3 said so, or an edge function failed (500 until 2023, 503 since)."
CAPTURE_HEADERS = (
    "Capture the header fields too, to see that it came through CloudFront: curl -sSi URL (or the browser's HAR file)."
)
_CAUSE_WORDS = {
    Cause.PORT: "port",
    Cause.TLS_PROTOCOL: "TLS protocol or cipher",
    Cause.CERTIFICATE: "certificate",
    Cause.TLS_NAME: "TLS name",
    Cause.ORIGIN_RESPONSE: "the origin's answer",
    Cause.EDGE_FUNCTION: "an edge function that chose the origin",
}
_KINDS = {"lambda-edge": "a Lambda@Edge function", "cloudfront-function": "a CloudFront Function"}


def common(reading: Reading) -> dict[str, Any]:
    """Return the data that every finding about a response has."""
    page = reading.response.page
    return {
        "answered": answered(reading),
        "http_status": reading.status,
        "x_cache": reading.x_cache.value if reading.x_cache else "",
        "server": reading.server,
        "sentence": reading.sentence,
        "sentence_says": f" Its page says: “{reading.sentence}”." if reading.sentence else "",
        "page": page.made_by if page else "",
        "whose": reading.whose,
        "pop": reading.pop,
        "request_id": reading.request_id or "REQUEST_ID",
        "this_request": f"request {reading.request_id}"
        if reading.request_id
        else "this request (its id was not captured: by time, path and status)",
        "url": reading.url,
        "host": reading.host,
        "distribution": reading.distribution_id,
        "missing": list(reading.response.missing),
        "direct": True,
    }


def answered(reading: Reading) -> str:
    """Return the status for a sentence."""
    return str(reading.status) if reading.status is not None else "error"


def evidence(reading: Reading) -> str:
    """Return the line that evidence shows: the file, the status line, and the fields that tell."""
    response = reading.response
    file = visible(response.name, 80) if response.name else "the capture"
    number = f" (response {response.number})" if response.number > 1 else ""
    said = [f"{response.version or 'HTTP'} {answered(reading)}"]
    for name in ("Server", "X-Cache", "Age", "X-Amz-Cf-Pop"):
        if value := response.field(name):
            said.append(f"{name}: {visible(value, 60)}")
    if response.page and response.page.made_by:
        said.append(f"page of {visible(response.page.made_by, 40)}")
    if response.missing:
        said.append(f"not captured: {join_names(list(response.missing))}")
    return visible(f"{file}{number}: {', '.join(said)}", 400)


def also(number: int) -> str:
    """Return how many responses say so, as an insertion."""
    return f" ({number} responses say so)" if number > 1 else ""


def by_x_cache(reading: Reading) -> str:
    """Return X-Cache as a clause."""
    return f"X-Cache says {reading.x_cache.value}, {reading.x_cache.meaning}" if reading.x_cache else ""


def by_page(reading: Reading) -> str:
    """Return the page's sentence as a clause."""
    return f"its page says “{reading.sentence}”" if reading.sentence else "its page gives no reason"


def server(reading: Reading) -> str:
    """Return who made an answer, by its Server field only."""
    named = reading.server
    return f"something that calls itself {visible(named, 60)}" if named else "something that does not name itself"


def recognised(reading: Reading, maker: Gateway) -> str:
    """Return by what the maker of a relayed error was recognised, in a sentence."""
    page = reading.response.page.made_by if reading.response.page else ""
    by = []
    if reading.server and reading.server.lower() != "cloudfront":
        by.append(f"Server: {visible(reading.server, 60)}")
    if page:
        by.append(f"the page is {visible(page, 40)}'s own")
    if reading.response.field("x-amz-apigw-id"):
        by.append("X-Amz-Apigw-Id")
    if maker.key == "" and not page:
        by.append("the page is not CloudFront's, and this distribution has no error page of its own for it")
    return f"That is told by {join_names(by)}." if by else "That is told by the kind of origin."


def why_not_known(reading: Reading) -> tuple[str, str]:
    """Return why nothing tells who made an error, and what would, in a sentence each."""
    response = reading.response
    if not response.headers:
        return "Only a page was given, and it is of no product that is known here.", CAPTURE_HEADERS
    capture = "Capture header and page together: curl -sSi URL."
    if response.page is None and not response.body_bytes:
        return (
            "The page was not captured, and there is no Server field (CloudFront's own pages of 2026 come"
            " without one).",
            capture,
        )
    if reading.distribution is None:
        return (
            "The page is not CloudFront's own: either the origin made the error, or the distribution has an error page"
            " of its own for it.",
            "Give the distribution (--distribution): its CustomErrorResponses decide.",
        )
    return "Neither the header nor the page names a product.", capture


def function(reading: Reading, kind: str) -> dict[str, Any]:
    """Return which function a response is about, and where its log is."""
    met = [f for f in (reading.route.functions if reading.route else ()) if f.kind == kind]
    named = [f"{visible(f.title, 120)} ({f.event})" for f in met]
    region = reading.place.region if reading.place else ""
    if kind == "lambda-edge":
        group = f"/aws/cloudfront/LambdaEdge/{visible(reading.distribution_id, 60)}"
        where = f"near {reading.pop}, probably {region}" if region else "near the edge location, not in us-east-1 alone"
        log = f"for Lambda@Edge, {group} in the region {where}"
        command = f"aws logs tail {group} --region {region or 'REGION_OF_THE_EDGE'} --since 1h"
    else:
        name = _plain(met[0]) if len(met) == 1 else "FUNCTION_NAME"
        log = f"for a CloudFront Function, /aws/cloudfront/function/{name} in us-east-1."
        command = f"aws logs tail /aws/cloudfront/function/{name} --region us-east-1 --since 1h"
    return {
        "kind": kind,
        "function": named[0] if len(named) == 1 else f"{_KINDS[kind]}{f' (of {join_names(named)})' if named else ''}",
        "functions": named,
        "log_words": log + ("" if log.endswith(".") else "."),
        "log_command": command,
    }


def _plain(association: FunctionAssociation) -> str:
    arn = function_associations.read_arn(association)
    name = arn.name if arn else ""
    return name if name and all(c.isalnum() or c in "-_" for c in name) else "FUNCTION_NAME"


def candidates(reason: Reason) -> dict[str, Any]:
    """Return what a sentence that does not decide may mean."""
    return {
        "candidates": [str(cause) for cause in reason.causes],
        "causes": join_names([_CAUSE_WORDS[c] for c in reason.causes if c in _CAUSE_WORDS], 9),
        "or_answer": ", or for an answer that it cannot use" if reason.says is Says.CONNECTION_OR_ANSWER else "",
        "statuses": join_names([str(s) for s in reason.statuses]),
        "seen": reason.seen,
    }


def no_reason(reading: Reading) -> str:
    """Return why a page of CloudFront's own gives no reason, in a sentence."""
    page = reading.response.page
    if page and page.skeleton == Skeleton.OF_2026.value:
        return "Its pages since January 2026 have no sentence of reason any more."
    return "This page has no sentence of reason; some pages before 2026 have none either."


def inner(reading: Reading) -> str:
    """Return which of several distributions made the page, in a sentence."""
    if reading.whose:
        return "Its page names another request id than the header, so the inner one made it (our reading)."
    page = reading.response.page
    if page and page.request_id and page.request_id == reading.request_id:
        return "Its page names the same request id as the header, so the one next to the viewer made it (our reading)."
    return "An error may be of either."


def masks(reading: Reading) -> str:
    """Return which errors the distribution shows as this status, as an insertion."""
    errors = [str(e) for e in reading.shown_as(reading.status or 0)]
    if errors:
        return f", and this distribution shows {join_names(errors)} as {reading.status}"
    return ", so a custom error response must have replaced the status"


def for_support(reading: Reading) -> dict[str, Any]:
    """Return what AWS Support and the logs want to know of a response."""
    place = reading.place
    city = f" in {place.city} ({place.country})" if place and place.city else ""
    moment = moment_of(reading)
    return {
        "where": f" at edge location {visible(reading.pop, 20)}{city}" if reading.pop else "",
        "when": f", {_moment(moment)}" if moment else "",
        "place": place.sentence if place else "",
        "more": "",
    }


def moment_of(reading: Reading) -> dt.datetime | None:
    """Return when the response was made, as far as the capture tells."""
    moment = reading.response.at or error_caching.moment_of(reading.response.field("date"))
    return moment if moment and _FIRST_YEAR <= moment.year <= _LAST_YEAR else None


def until(reading: Reading, seconds: int, at: dt.datetime | None, *, known: bool) -> str:
    """Return until when an error stays in the cache, as an insertion; empty where nothing tells."""
    moment = moment_of(reading)
    if moment is None:
        return ""
    # A Date field may be of the first answer or of this one: the later counts.
    rest = max(0, seconds - (reading.age or 0)) if reading.response.at else seconds
    end = moment + dt.timedelta(seconds=min(rest, _LONGEST))
    is_over = at is not None and (at if at.tzinfo else at.replace(tzinfo=dt.UTC)) > end
    unless = "" if known else ", if nothing else is set"
    return f", where it {'was' if is_over else 'is'} until {_moment(end)} at the latest{unless}"


def longer(age: int, ttl: int, lasting: int) -> str:
    """Return why an error is older than ErrorCachingMinTTL, in a sentence; empty where it is not."""
    if lasting > ttl:
        return f"Here Cache-Control allows {lasting} s. "
    if age > ttl:
        return f"It is older than {ttl} s: the origin's max-age, or a regional edge cache, kept it longer. "
    return ""


def _moment(value: dt.datetime) -> str:
    return value.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
