"""How long an error stays in the cache, and whether a query string gets past it: the cache policy decides."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.cloudfront import error_caching
from cfrunbook.cloudfront.distribution_reader import parse
from cfrunbook.cloudfront.policies import load
from tests.test_incident import WEB, behavior, document, items

AMPLIFY = "2e54312d-136d-493c-8eb9-b001f22f67d2"
OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
MEDIA_PACKAGE = "08627262-05a9-4f76-9ded-b50ca2e3a84f"
WITH_QUERY = "4cc15a8a-d715-48a4-82b8-cc0b614638fe"
OWN = "11111111-1111-4111-8111-111111111111"


def cache_policy(mode: str, *names: str) -> dict[str, Any]:
    strings = {"QueryStringBehavior": mode, "QueryStrings": items(*names)}
    parameters = {"HeadersConfig": {"HeaderBehavior": "none"}, "QueryStringsConfig": strings}
    config = {"Name": "own", "MinTTL": 0, "ParametersInCacheKeyAndForwardedToOrigin": parameters}
    return {"CachePolicy": {"Id": OWN, "CachePolicyConfig": config}}


# What the behavior has, the policies that were given, a query string that gets past the cache, and a word of why.
LEGACY: dict[str, Any] = {"CachePolicyId": ""}
KEYS: list[tuple[dict[str, Any], list[dict[str, Any]], str, str]] = [
    ({"CachePolicyId": OPTIMIZED}, [], "", "leaves query strings out"),
    ({"CachePolicyId": AMPLIFY}, [], "cfrunbook=1", "has the query string in"),
    ({"CachePolicyId": WITH_QUERY}, [], "cfrunbook=1", "has the query string in"),
    ({"CachePolicyId": MEDIA_PACKAGE}, [], "aws.manifestfilter=cfrunbook-1", "has only"),
    ({"CachePolicyId": OWN}, [], "", "is not known here"),
    ({"CachePolicyId": OWN}, [cache_policy("none")], "", "leaves query strings out"),
    ({"CachePolicyId": OWN}, [cache_policy("all")], "cfrunbook=1", "has the query string in"),
    ({"CachePolicyId": OWN}, [cache_policy("whitelist", "page")], "page=cfrunbook-1", "has only page"),
    ({"CachePolicyId": OWN}, [cache_policy("allExcept", "cfrunbook")], "cfrunbook-again=1", "has the query string in"),
    (LEGACY | {"ForwardedValues": {"QueryString": True}}, [], "cfrunbook=1", "legacy"),
    (LEGACY | {"ForwardedValues": {"QueryString": False}}, [], "", "legacy"),
]


@pytest.mark.parametrize(("settings", "given", "query", "why"), KEYS)
def test_only_a_query_string_in_the_cache_key_gets_past_the_cache(settings, given, query, why) -> None:
    distribution = parse(document(WEB, default=behavior("web", **settings)))
    found = error_caching.bypass(distribution.behaviors[-1], load(given))
    assert found.query == query
    assert why in found.why
    assert bool(found.next_check) == ("not known" in why)


def test_without_a_behavior_nothing_is_claimed() -> None:
    found = error_caching.bypass(None, load([]))
    assert (found.query, bool(found.next_check)) == ("", True)


def test_the_time_in_the_cache_is_that_of_the_distribution_for_this_status() -> None:
    errors = items(
        {"ErrorCode": 502, "ErrorCachingMinTTL": 300}, {"ErrorCode": 504, "ErrorCachingMinTTL": 0}, {"ErrorCode": 503}
    )
    made = document(WEB)
    made["Distribution"]["DistributionConfig"]["CustomErrorResponses"] = errors
    distribution = parse(made)
    assert [error_caching.min_ttl(s, distribution).seconds for s in (502, 503, 504, 404)] == [300, 10, 0, 10]
    assert not error_caching.min_ttl(502, None).known


@pytest.mark.parametrize(
    ("field", "seconds"),
    [
        ("max-age=60", 60), ("public, s-maxage=5, max-age=60", 5), ("no-store", None), ("", None), ("max-age=", None),
        ("x-max-age=9", None), ("MAX-AGE=7", 7),
    ],
)  # fmt: skip
def test_cache_control_may_prolong_it(field: str, seconds: int | None) -> None:
    assert error_caching.max_age(field) == seconds


@pytest.mark.parametrize(
    ("field", "seconds"), [("4", 4), ("", None), ("-1", None), ("3, 9", 9), ("1e9", None), ("٣", None)]
)
def test_age_is_a_number_of_seconds(field: str, seconds: int | None) -> None:
    assert error_caching.seconds_of(field) == seconds


def test_a_date_is_a_moment() -> None:
    assert error_caching.moment_of("Sun, 22 Nov 2026 18:00:00 GMT") == dt.datetime(2026, 11, 22, 18, tzinfo=dt.UTC)


@given(st.text(max_size=60))
def test_any_field_is_read(field: str) -> None:
    moment = error_caching.moment_of(field)
    assert moment is None or moment.tzinfo
    error_caching.seconds_of(field)
    error_caching.max_age(field)
