"""CloudFront's own pages and the sentences on them, old and new; and what X-Cache says: one table each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.cloudfront import error_pages, x_cache
from cfrunbook.cloudfront.error_pages import REASONS, Skeleton, reason_of, recognise
from cfrunbook.cloudfront.x_cache import VALUES, Answered, Outcome
from cfrunbook.findings import Cause
from tests import captures
from tests.captures import REQUEST_ID, classic, of_2026, page, seen
from tests.tables import table

LAMBDA = "The Lambda function associated with the CloudFront distribution "
FUNCTION = "The CloudFront function associated with the CloudFront distribution is invalid or could not run."
SENTENCES = [
    (captures.DNS_SENTENCE, "cannot_resolve", True),
    ("CloudFront couldn't resolve the origin domain name", "cannot_resolve", True),
    (captures.CONNECT_SENTENCE, "cannot_connect", False),
    (captures.ATTEMPTED_SENTENCE, "attempted_to_connect", False),
    (captures.INCORRECT_SENTENCE, "connect_or_incorrect", False),
    ("Failed to contact the origin.", "failed_to_contact", False),
    (captures.LAMBDA_SENTENCE, "lambda_refused", True),
    ("The Lambda function returned invalid JSON: The JSON output is not parsable.", "lambda_refused", True),
    ("The Lambda function returned an invalid entry in the headers object: x", "lambda_refused", True),
    ("The Lambda function returned an invalid origin configuration: The value of DomainName is invalid.", "lambda_refused", True),
    ("The CloudFront function returned an invalid value: response.headers must have header names in lower case", "function_refused", True),
    ("The CloudFront function tried an invalid value for origin rewrite", "function_refused", True),
    (LAMBDA + "is invalid or doesn't have the required permissions.", "lambda_not_permitted", True),
    (LAMBDA + "was throttled.", "lambda_throttled", True),
    (FUNCTION, "function_could_not_run", True),
    ("The CloudFront function associated with the CloudFront distribution was throttled.", "function_throttled", True),
    ("Request blocked.", "request_blocked", False),
    ("The Amazon CloudFront distribution is configured to block access from your country.", "country_blocked", False),
    ("Bad request.", "bad_request", False),
]  # fmt: skip


@table(("sentence", "key", "decides"), SENTENCES)
@pytest.mark.parametrize("write", [classic, lambda s, t: seen(t, s)], ids=["page", "as seen"])
@pytest.mark.parametrize("apostrophe", ["'", "\u2019", "&#39;", "&rsquo;", "&#x27;"])
def test_every_sentence_is_found_however_it_was_copied(sentence, key, decides, write, apostrophe) -> None:
    status = reason_of(sentence).statuses[0]  # type: ignore[union-attr]
    found = recognise(write(status, sentence.replace("'", apostrophe)))
    assert found is not None
    assert found.reason is not None
    assert (found.reason.key, found.reason.decides, found.status) == (key, decides, status)
    assert found.sentence == sentence.rstrip(".")
    assert found.request_id == REQUEST_ID


def test_every_reason_has_a_case_here() -> None:
    assert {key for _, key, _ in SENTENCES} == {reason.key for reason in REASONS}


def test_a_sentence_of_several_statuses_or_causes_never_decides() -> None:
    for reason in REASONS:
        if len(reason.statuses) > 1 or len(reason.causes) != 1:
            assert not reason.decides
    assert {r.causes for r in REASONS if r.decides} == {(Cause.DNS,), (Cause.EDGE_FUNCTION,)}


@pytest.mark.parametrize("status", [502, 503, 504])
def test_pages_of_2026_have_a_status_and_no_reason(status: int) -> None:
    found = recognise(of_2026(status))
    assert found is not None
    assert (found.skeleton, found.status, found.sentence, found.reason) == (Skeleton.OF_2026, status, "", None)
    assert found.request_id == REQUEST_ID


OTHERS = {
    "ALB": page(captures.ALB),
    "nginx": page(captures.NGINX),
    "API Gateway": captures.API_GATEWAY,
    "a function URL": captures.FUNCTION_URL,
    "IIS": captures.IIS,
    "a page about CloudFront": "<h1>What does 502 mean?</h1><p>The request could not be satisfied, says CloudFront.</p>",
    "nothing": "",
}


@pytest.mark.parametrize("body", OTHERS.values(), ids=OTHERS)
def test_pages_of_others_are_not_taken_for_cloudfronts(body: str) -> None:
    assert recognise(body) is None


def test_a_page_that_was_cut_off_says_nothing_that_is_not_there() -> None:
    whole = of_2026(502)
    for end in range(whole.index("satisfied.</H2>") + 20, len(whole), 20):
        found = recognise(whole[:end])
        assert found is not None
        assert found.sentence == ""


def test_short_pages_of_cloudfront_itself() -> None:
    found = recognise("<html><body><center><h1>421 Misdirected Request</h1></center><hr><center>CloudFront</center>")
    assert found is not None
    assert (found.skeleton, found.status) == (Skeleton.SHORT, 421)


@given(st.text(max_size=300), st.integers(0, 900))
def test_any_text_is_looked_at(text: str, cut: int) -> None:
    for body in (text, classic()[:cut] + text + classic()[cut:]):
        found = recognise(body)
        if found is not None:
            assert len(found.sentence) <= error_pages.MAX_SENTENCE
            assert "\n" not in found.sentence


# --- X-Cache ------------------------------------------------------------------------------------------------------

X_CACHE = [
    ("Hit", Outcome.SERVED, Answered.CACHE, None),
    ("RefreshHit", Outcome.SERVED, Answered.CACHE, None),
    ("Miss", Outcome.SERVED, Answered.ORIGIN, None),
    ("Redirect", Outcome.SERVED, Answered.CLOUDFRONT, None),
    ("Error", Outcome.ERROR, Answered.NOT_SAID, None),
    ("LambdaGeneratedResponse", Outcome.GENERATED, Answered.LAMBDA_EDGE, None),
    ("LambdaValidationError", Outcome.REFUSED, Answered.LAMBDA_EDGE, 502),
    ("LambdaExecutionError", Outcome.FAILED, Answered.LAMBDA_EDGE, 503),
    ("LambdaLimitExceeded", Outcome.LIMITED, Answered.LAMBDA_EDGE, 503),
    ("FunctionGeneratedResponse", Outcome.GENERATED, Answered.CLOUDFRONT_FUNCTION, None),
    ("FunctionValidationError", Outcome.REFUSED, Answered.CLOUDFRONT_FUNCTION, 502),
    ("FunctionExecutionError", Outcome.FAILED, Answered.CLOUDFRONT_FUNCTION, 503),
    ("FunctionThrottledError", Outcome.LIMITED, Answered.CLOUDFRONT_FUNCTION, 503),
    ("LimitExceeded", Outcome.LIMITED, Answered.CLOUDFRONT, 503),
    ("CapacityExceeded", Outcome.LIMITED, Answered.CLOUDFRONT, 503),
]


@table(("value", "outcome", "answered", "status"), X_CACHE)
@pytest.mark.parametrize(
    "write", ["{} from cloudfront", "{} FROM CloudFront", " {}  from cloudfront ", "HIT, {} from cloudfront"]
)
def test_what_x_cache_says(value, outcome, answered, status, write) -> None:
    found = x_cache.read(write.format(value))
    assert found is not None
    assert (found.value, found.outcome, found.answered, found.status) == (value, outcome, answered, status)


def test_every_value_has_a_case_here() -> None:
    assert {value.lower() for value, *_ in X_CACHE} == set(VALUES)


@pytest.mark.parametrize(
    "field", ["", "HIT", "MISS from varnish", "cp-fra-1", "Error", "from cloudfront", "a b from cloudfront"]
)
def test_other_caches_say_nothing_about_cloudfront(field: str) -> None:
    assert x_cache.read(field) is None


def test_a_value_that_is_not_known_is_kept() -> None:
    found = x_cache.read("TomorrowError from cloudfront")
    assert found is not None
    assert (found.value, found.outcome, found.answered) == ("TomorrowError", Outcome.UNKNOWN, Answered.NOT_SAID)


@given(st.text(max_size=80))
def test_any_field_is_read(field: str) -> None:
    x_cache.read(field)
    x_cache.read(f"{field} from cloudfront")
