"""What a captured response means: one table of what was captured and what is concluded, and what must never be."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.causes import gateways
from cfrunbook.causes.captured_response import OBSERVATION, RULES, judge, left_out
from cfrunbook.cloudfront.captured_response import load
from cfrunbook.cloudfront.distribution import Distribution
from cfrunbook.cloudfront.distribution_reader import parse
from cfrunbook.cloudfront.policies import Policies
from cfrunbook.evidence import CapturedPage, CapturedResponse, CaptureForm
from cfrunbook.findings import Cause, Finding, Status
from cfrunbook.text import visible
from tests import captures
from tests.captures import REQUEST_ID, URL, classic, curl, of_2026, page, seen, verbose
from tests.test_incident import WEB, behavior, custom, document, items

ACCOUNT = "arn:aws:lambda:us-east-1:111122223333:function:auth:7"
TWO_HOPS = f"1.1 aaaa.cloudfront.net (CloudFront), {captures.VIA}"


def distribution(*origins: dict[str, Any], errors: tuple[dict[str, Any], ...] = (), **default: Any) -> Distribution:
    given = document(*(origins or (WEB,)), default=behavior((origins or (WEB,))[0]["Id"], **default))
    given["Distribution"]["DistributionConfig"]["CustomErrorResponses"] = items(*errors)
    return parse(given)


def masking(error: int, shown: int, page: str = "/sorry.html", ttl: int = 10) -> dict[str, Any]:
    return {"ErrorCode": error, "ResponseCode": str(shown), "ResponsePagePath": page, "ErrorCachingMinTTL": ttl}


def judged(*texts: str, **more: Any) -> tuple[Finding, ...]:
    return judge(load(list(texts)), **more)


def first(*texts: str, **more: Any) -> Finding:
    return judged(*texts, **more)[0]


# What was captured, and which row of the table, cause, status and CloudFront status come first of it.
API = {"Server": None, "x_amz_apigw_id": "abc=", "x_amzn_requestid": "x"}
CASES: dict[str, tuple[str, str, str, int | None]] = {
    # 1. An edge function, by X-Cache; by its sentence where there is no header.
    "LambdaValidationError": (curl(502, classic(502, captures.LAMBDA_SENTENCE), x_cache="LambdaValidationError"), "edge_function.refused_at_edge", "fault", 502),
    "LambdaValidationError, page of 2026": (curl(502, of_2026(), x_cache="LambdaValidationError"), "edge_function.refused_at_edge", "fault", 502),
    "FunctionValidationError": (curl(502, x_cache="FunctionValidationError"), "edge_function.refused_at_edge", "fault", 502),
    "LambdaExecutionError": (curl(503, x_cache="LambdaExecutionError"), "edge_function.failed_at_edge", "fault", 503),
    "LambdaExecutionError of old": (curl(500, x_cache="LambdaExecutionError"), "edge_function.failed_at_edge", "fault", 500),
    "FunctionExecutionError": (curl(503, x_cache="FunctionExecutionError"), "edge_function.failed_at_edge", "fault", 503),
    "LambdaLimitExceeded": (curl(503, x_cache="LambdaLimitExceeded"), "edge_function.throttled_at_edge", "fault", 503),
    "FunctionThrottledError": (curl(503, x_cache="FunctionThrottledError"), "edge_function.throttled_at_edge", "fault", 503),
    "LambdaGeneratedResponse, 502": (curl(502, x_cache="LambdaGeneratedResponse"), "edge_function.answered_itself", "fault", 502),
    "FunctionGeneratedResponse, 503": (curl(503, x_cache="FunctionGeneratedResponse"), "edge_function.answered_itself", "fault", 503),
    "FunctionGeneratedResponse, 302": (curl(302, x_cache="FunctionGeneratedResponse"), "cloudfront.ok", "ok", None),
    "a Lambda@Edge sentence, as seen": (seen(captures.LAMBDA_SENTENCE), "edge_function.refused_at_edge", "fault", 502),
    "a CloudFront Function's sentence": (classic(502, "The CloudFront function returned an invalid value: x"), "edge_function.refused_at_edge", "fault", 502),
    "could not run": (classic(503, "The CloudFront function associated with the CloudFront distribution is invalid or could not run."), "edge_function.failed_at_edge", "fault", 503),
    "was throttled": (classic(503, "The Lambda function associated with the CloudFront distribution was throttled."), "edge_function.throttled_at_edge", "fault", 503),
    # CloudFront's own limits.
    "CapacityExceeded": (curl(503, x_cache="CapacityExceeded"), "cloudfront.limit", "fault", 503),
    "LimitExceeded": (curl(503, x_cache="LimitExceeded"), "cloudfront.limit", "fault", 503),
    # 2. CloudFront's own page.
    "cannot resolve": (curl(502, classic(502, captures.DNS_SENTENCE), Server="CloudFront"), "dns.cloudfront_cannot_resolve", "fault", 502),
    "cannot resolve, as seen": (seen(captures.DNS_SENTENCE), "dns.cloudfront_cannot_resolve", "fault", 502),
    "cannot connect": (curl(502, classic(502, captures.CONNECT_SENTENCE)), "cloudfront.could_not_connect", "unknown", 502),
    "attempted to, 502": (curl(502, classic(502, captures.ATTEMPTED_SENTENCE)), "cloudfront.could_not_connect", "unknown", 502),
    "attempted to, 504": (curl(504, classic(504, captures.ATTEMPTED_SENTENCE)), "cloudfront.timeout", "unknown", 504),
    "or incorrect": (curl(502, classic(502, captures.INCORRECT_SENTENCE)), "cloudfront.could_not_connect", "unknown", 502),
    "failed to contact": (curl(502, classic(502, "Failed to contact the origin.")), "cloudfront.could_not_connect", "unknown", 502),
    "a sentence of tomorrow": (curl(502, classic(502, "The origin smells funny.")), "cloudfront.sentence_not_known", "unknown", 502),
    "2026, 502": (curl(502, of_2026(502)), "cloudfront.page_without_reason", "unknown", 502),
    "2026, 503": (curl(503, of_2026(503)), "cloudfront.unavailable", "unknown", 503),
    "2026, 504": (curl(504, of_2026(504)), "cloudfront.timeout", "unknown", 504),
    "2026, the page alone": (of_2026(502), "cloudfront.page_without_reason", "unknown", 502),
    "classic, no sentence": (curl(502, classic(502, "")), "cloudfront.page_without_reason", "unknown", 502),
    "header only, Server: CloudFront": (curl(502, Server="CloudFront"), "cloudfront.page_not_captured", "unknown", 502),
    "403, blocked": (curl(403, classic(403, "Request blocked."), Server="CloudFront"), "cloudfront.request_refused", "info", None),
    "403, country": (seen("The Amazon CloudFront distribution is configured to block access from your country.", 403), "cloudfront.request_refused", "info", None),
    "400": (curl(400, classic(400, "Bad request."), Server="CloudFront"), "cloudfront.request_refused", "info", None),
    "500 of CloudFront": (curl(500, of_2026(500)), "cloudfront.other_error", "info", None),
    # 3. Passed on.
    "ALB": (curl(502, page(captures.ALB), Server="awselb/2.0"), "origin_response.relayed", "fault", 502),
    "ALB, 503": (curl(503, page(captures.ALB, 503), Server="awselb/2.0"), "origin_response.relayed", "fault", 503),
    "ALB, 504, header only": (curl(504, Server="awselb/2.0"), "origin_response.relayed", "fault", 504),
    "API Gateway": (curl(502, captures.API_GATEWAY, **API), "origin_response.relayed", "fault", 502),
    "a function URL": (curl(502, captures.FUNCTION_URL, x_amzn_requestid="x"), "origin_response.relayed", "fault", 502),
    "nginx": (curl(502, page(captures.NGINX), Server="nginx/1.24.0"), "origin_response.relayed", "fault", 502),
    "Caddy": (curl(502, "", Server="Caddy", content_length="0"), "origin_response.relayed", "fault", 502),
    "IIS": (curl(502, captures.IIS, Server="Microsoft-IIS/10.0"), "origin_response.relayed", "fault", 502),
    "nginx, as seen": ("502 Bad Gateway\nnginx/1.24.0\n", "origin_response.page_recognised", "unknown", 502),
    "nginx, its page alone": (page(captures.NGINX), "origin_response.page_recognised", "unknown", 502),
    "an application": (curl(502, "<h1>Oops</h1>", Server="Apache"), "cloudfront.maker_not_known", "unknown", 502),
    "nothing tells": (curl(502), "cloudfront.maker_not_known", "unknown", 502),
    "404 of the origin": (curl(404, "gone", Server="nginx"), "cloudfront.other_error", "info", None),
    # 4. and the rest.
    "an error behind 200": (curl(200, "<h1>Sorry</h1>", Server="AmazonS3"), "cloudfront.error_masked", "unknown", None),
    "200": (curl(200, "hello", x_cache="Miss", Server="nginx"), "cloudfront.ok", "ok", None),
    "a redirect": (curl(301, x_cache="Redirect", Server="CloudFront"), "cloudfront.ok", "ok", None),
    "another CDN": ("HTTP/2 502\r\nServer: cloudflare\r\nCF-RAY: 1-FRA\r\n\r\n", "cloudfront.not_from_cloudfront", "unknown", None),
    "not through CloudFront": ("HTTP/1.1 502 Bad Gateway\r\nServer: nginx\r\n\r\n" + page(captures.NGINX), "cloudfront.not_from_cloudfront", "unknown", None),
    "a proxy on the way": ("> CONNECT www.example.com:443 HTTP/1.1\n> Host: x\n> \n< HTTP/1.1 502 Bad Gateway\n< \n", "cloudfront.proxy_answered", "unknown", None),
}  # fmt: skip


@pytest.mark.parametrize(("text", "code", "status", "answered"), CASES.values(), ids=CASES)
def test_what_a_response_shows(text: str, code: str, status: str, answered: int | None) -> None:
    found = first(text)
    assert (found.code, found.status, found.cloudfront_status) == (code, status, answered)
    assert found.cause == code.partition(".")[0]
    assert {e.observation for e in found.evidence} == {OBSERVATION}
    for words in (found.title, found.meaning, found.next_check, *(s.text for s in found.remedy.steps)):
        assert "  " not in words
        assert "{" not in words


def test_every_row_of_the_table_has_a_case() -> None:
    beside = {"cloudfront.custom_error_page", "cloudfront.error_cached", "cloudfront.chained", "cloudfront.for_support"}
    beside |= {"cloudfront.x_cache_not_known"}
    assert {code for _, code, *_ in CASES.values()} | beside == {rule.code for rule in RULES}


# --- what must never be concluded ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sentence", [captures.CONNECT_SENTENCE, captures.ATTEMPTED_SENTENCE, captures.INCORRECT_SENTENCE]
)
def test_a_general_sentence_names_candidates_and_decides_nothing(sentence: str) -> None:
    found = judged(curl(502, classic(502, sentence)))
    assert not [f for f in found if f.status is Status.FAULT]
    assert {Cause.PORT, Cause.TLS_PROTOCOL, Cause.CERTIFICATE, Cause.TLS_NAME} <= set(found[0].data["candidates"])
    assert Cause.DNS not in found[0].data["candidates"]


@given(st.sampled_from([*captures.PHRASES, 200, 301, 404]), st.booleans())
def test_x_cache_error_alone_blames_nobody(status: int, lower: bool) -> None:
    assert not [f for f in judged(curl(status, h2=lower)) if f.status is Status.FAULT]


def test_the_sentence_about_names_does_not_decide_with_another_status() -> None:
    assert first(curl(504, classic(504, captures.DNS_SENTENCE))).code == "cloudfront.timeout"


# --- with the distribution ----------------------------------------------------------------------------------------


def test_an_unknown_page_is_the_origins_where_the_distribution_has_none_of_its_own() -> None:
    text = curl(502, "<h1>Oops</h1>", Server="Apache")
    found = first(text, distribution=distribution())
    assert (found.code, found.status, found.data["confidence"]) == ("origin_response.relayed", "fault", "medium")
    own = first(text, distribution=distribution(errors=(masking(502, 502),)))
    assert (own.code, own.cloudfront_status) == ("cloudfront.custom_error_page", 502)
    assert "/sorry.html" in own.title


def test_the_kind_of_origin_tells_who_made_it_unless_the_page_is_the_distributions_own() -> None:
    api = custom("api", "abcdef1234.execute-api.eu-west-1.amazonaws.com")
    text = curl(502, "x")
    found = first(text, distribution=distribution(api))
    assert (found.code, found.data["gateway"]) == ("origin_response.relayed", gateways.API_GATEWAY.key)
    assert found.source == gateways.API_GATEWAY.source
    assert (
        first(text, distribution=distribution(api, errors=(masking(502, 502),))).code == "cloudfront.custom_error_page"
    )


@pytest.mark.parametrize(
    ("errors", "says"),
    [
        ((masking(502, 200), masking(504, 200)), "this distribution shows 502 and 504 as 200"),
        ((masking(404, 404),), "a custom error response must have replaced the status"),
    ],
)
def test_a_hidden_error_names_what_the_distribution_hides(errors: tuple[dict[str, Any], ...], says: str) -> None:
    assert says in first(curl(200, "Sorry"), distribution=distribution(errors=errors)).title


def test_the_function_of_the_behavior_is_named_with_its_log_near_the_edge() -> None:
    association = items({"LambdaFunctionARN": ACCOUNT, "EventType": "viewer-request"})
    made = distribution(LambdaFunctionAssociations=association)
    found = first(verbose(502, x_cache="LambdaValidationError"), distribution=made)
    assert "Lambda@Edge function auth:7 (viewer-request)" in found.title
    assert "/aws/cloudfront/LambdaEdge/E1EXAMPLE --region eu-central-1" in found.remedy.steps[1].command
    unnamed = first(curl(502, x_cache="FunctionValidationError"), distribution=made)
    assert "a CloudFront Function" in unnamed.title


# --- from the cache -----------------------------------------------------------------------------------------------

NOON = dt.datetime(2026, 11, 22, 18, 0, 5, tzinfo=dt.UTC)


def cached(text: str, **more: Any) -> Finding:
    (found,) = [f for f in judged(text, **more) if f.code == "cloudfront.error_cached"]
    return found


def test_a_cached_error_says_until_when_and_how_to_get_past_it() -> None:
    text = curl(502, of_2026(), age="4")
    supposed = cached(text)
    assert "4 s old" in supposed.title
    assert "until 2026-11-22 18:00:10 UTC at the latest, if nothing else is set" in supposed.title
    assert "not known" in supposed.meaning
    made = distribution(errors=(masking(502, 502, ttl=300),))
    assert "is until 2026-11-22 18:05:00 UTC at the latest" in cached(text, distribution=made, at=NOON).title
    late = cached(text, distribution=made, at=NOON + dt.timedelta(hours=1))
    assert "was until 2026-11-22 18:05:00 UTC" in late.title
    assert "another one gets the same cached answer" in late.meaning
    assert "cfrunbook=" not in late.reproduce


def test_only_a_query_string_in_the_cache_key_is_proposed() -> None:
    amplify = distribution(CachePolicyId="2e54312d-136d-493c-8eb9-b001f22f67d2")
    found = cached(verbose(502, of_2026(), age="4"), distribution=amplify, policies=Policies())
    assert "session=[redacted]&cfrunbook=1" in found.reproduce
    own = distribution(CachePolicyId="11111111-1111-4111-8111-111111111111")
    assert "get-cache-policy" in cached(verbose(502, of_2026(), age="4"), distribution=own).next_check


def test_an_error_older_than_its_time_was_kept_by_something_else() -> None:
    assert "regional edge cache" in cached(curl(502, of_2026(), age="120")).meaning
    assert (
        "Cache-Control allows 600 s"
        in cached(curl(502, page(captures.NGINX), age="120", cache_control="max-age=600")).meaning
    )


def test_a_moment_of_the_capture_itself_is_better_than_its_date() -> None:
    text = captures.har(captures.entry(502, of_2026(), age="4"))
    assert "until 2026-11-22 18:00:07 UTC" in cached(text).title


def test_what_is_not_old_or_not_an_error_is_not_called_cached() -> None:
    for text in (
        curl(502, of_2026()),
        curl(502, of_2026(), age="0"),
        curl(200, "x", age="9", x_cache="Hit"),
        curl(502, age="x"),
    ):
        assert not [f for f in judged(text) if f.code == "cloudfront.error_cached"]


# --- beside -------------------------------------------------------------------------------------------------------


def test_what_support_wants_is_said_with_the_edge_location() -> None:
    (found,) = [f for f in judged(curl(502, of_2026())) if f.code == "cloudfront.for_support"]
    for part in (REQUEST_ID, "FRA56-P4", "Frankfurt", "2026-11-22 18:00:00 UTC"):
        assert part in found.title
    (pasted,) = [f for f in judged(seen()) if f.code == "cloudfront.for_support"]
    assert REQUEST_ID in pasted.title


def test_of_two_distributions_the_request_id_on_the_page_tells_which_made_it() -> None:
    inner = curl(502, classic(502, captures.DNS_SENTENCE, "A" * 54 + "=="), Via=TWO_HOPS)
    outer = curl(502, classic(502, captures.DNS_SENTENCE), Via=TWO_HOPS)
    assert "the inner of two distributions" in first(inner).title
    assert "inner" not in first(outer).title
    for text, says in ((inner, "so the inner one made it"), (outer, "next to the viewer made it")):
        (chained,) = [f for f in judged(text) if f.code == "cloudfront.chained"]
        assert "2 CloudFront distributions" in chained.title
        assert says in chained.meaning
    assert "inner" not in first(curl(502, classic(request_id="A" * 56), Via=TWO_HOPS, age="3")).title  # an old page


def test_a_value_of_x_cache_that_is_not_known_is_shown() -> None:
    (found,) = [f for f in judged(curl(502, x_cache="TomorrowError")) if f.code == "cloudfront.x_cache_not_known"]
    assert "TomorrowError" in found.title


def test_equal_responses_are_one_finding_that_counts_them() -> None:
    found = judged(*[curl(502, of_2026())] * 3, curl(504, of_2026(504)))
    codes = [f.code for f in found]
    assert codes == ["cloudfront.page_without_reason", "cloudfront.timeout", "cloudfront.for_support"]
    assert "(3 responses say so)" in found[0].title
    assert (len(found[0].evidence), found[0].data["count"]) == (3, 3)


def test_what_was_not_read_is_said() -> None:
    (gap,) = left_out(load(curl(502) * 103))
    assert "3 further responses" in gap.what


# --- any ----------------------------------------------------------------------------------------------------------

_WORDS = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["Error from cloudfront", "LambdaValidationError from cloudfront", TWO_HOPS, "CloudFront", "awselb/2.0",
                     "FRA56-P4", "4", "99999999999", "Sun, 22 Nov 2026 18:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "max-age=9999999999"]),
)  # fmt: skip
_FIELDS = st.lists(
    st.tuples(
        st.sampled_from(["server", "x-cache", "via", "age", "date", "x-amz-cf-pop", "x-amz-cf-id", "cache-control", "x"]), _WORDS
    ),
    max_size=8,
).map(tuple)  # fmt: skip
_PAGES = st.none() | st.builds(
    CapturedPage,
    made_by=st.sampled_from(["", "cloudfront", "nginx", "awselb", "x"]),
    skeleton=st.sampled_from(["", "classic", "2026", "short"]),
    status=st.none() | st.integers(100, 999),
    sentence=st.one_of(st.text(max_size=60), st.sampled_from([captures.DNS_SENTENCE, captures.LAMBDA_SENTENCE])),
    request_id=st.text(max_size=60),
)
_RESPONSES = st.builds(
    CapturedResponse,
    name=st.text(max_size=20),
    form=st.sampled_from(CaptureForm),
    method=st.sampled_from(["", "GET", "CONNECT"]),
    url=st.one_of(st.text(max_size=40), st.just(URL)),
    status=st.none() | st.integers(100, 999),
    headers=_FIELDS,
    page=_PAGES,
    body_bytes=st.none() | st.integers(0, 2**40),
    at=st.none() | st.datetimes(timezones=st.just(dt.UTC)),
)
_DISTRIBUTIONS = st.sampled_from(
    [None, distribution(), distribution(errors=(masking(502, 200, ttl=2**60), masking(503, 503)))]
)


@given(st.lists(_RESPONSES, max_size=4), _DISTRIBUTIONS, st.none() | st.datetimes())
def test_any_response_is_judged_and_a_fault_has_a_named_cause(captured, known, at) -> None:
    found = judge(captured, distribution=known, at=at)
    assert bool(found) == bool(captured)
    for finding in found:
        assert visible(finding.title, 5000) == finding.title
        if finding.status is Status.FAULT:
            assert finding.remedy.steps
        if finding.status is Status.UNKNOWN:
            assert finding.next_check
