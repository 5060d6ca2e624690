"""What of a viewer's request goes on to the origin, by policies and by the legacy settings."""

from __future__ import annotations

from typing import Any

import pytest

from cfrunbook.cloudfront import policies
from cfrunbook.cloudfront.distribution import Behavior
from cfrunbook.cloudfront.edge_headers import is_disallowed
from cfrunbook.cloudfront.forwarding import Forwarded, Selection, forwarded
from cfrunbook.cloudfront.policies import MANAGED_CACHE, MANAGED_ORIGIN_REQUEST, Policies
from cfrunbook.cloudfront.request_headers import ALL_CLOUDFRONT_2022_06


def by(cache: str = "", request: str = "", known: Policies | None = None, **legacy: Any) -> Forwarded:
    managed = {p.name: p.id for p in (*MANAGED_CACHE.values(), *MANAGED_ORIGIN_REQUEST.values())}
    behavior = Behavior(
        "*", "web", "DefaultCacheBehavior",
        cache_policy_id=managed.get(cache, cache), origin_request_policy_id=managed.get(request, request), **legacy,
    )  # fmt: skip
    return forwarded(behavior, known or Policies())


@pytest.mark.parametrize(
    ("mode", "names", "taken"),
    [("none", "", ""), ("all", "", "ab"), ("whitelist", "a", "a"), ("allExcept", "a", "b"), ("whitelist", "A", "")],
)
def test_a_selection_takes_names_as_written(mode: Any, names: str, taken: str) -> None:
    assert "".join(name for name in "ab" if Selection(mode, frozenset(names)).takes(name)) == taken


# Cache policy, origin request policy: query string, cookies, encodings.
MANAGED: list[tuple[str, str, str, str, tuple[str, ...]]] = [
    ("CachingOptimized", "", "", "", ("br", "gzip")),
    ("CachingDisabled", "", "", "", ()),
    ("CachingOptimizedForUncompressedObjects", "", "", "", ()),
    ("Amplify", "", "a=1&start=2", "s=1; t=2", ("br", "gzip")),
    ("Elemental-MediaPackage", "", "start=2", "", ("gzip",)),
    ("UseOriginCacheControlHeaders", "", "", "s=1; t=2", ("br", "gzip")),
    ("UseOriginCacheControlHeaders-QueryStrings", "", "a=1&start=2", "s=1; t=2", ("br", "gzip")),
    ("CachingDisabled", "AllViewer", "a=1&start=2", "s=1; t=2", ()),
    ("CachingDisabled", "AllViewerExceptHostHeader", "a=1&start=2", "s=1; t=2", ()),
    ("CachingDisabled", "CORS-CustomOrigin", "", "", ()),
    ("CachingDisabled", "HostHeaderOnly", "", "", ()),
    ("CachingDisabled", "Elemental-MediaTailor-PersonalizedManifests", "a=1&start=2", "", ()),
]


@pytest.mark.parametrize(("cache", "request_policy", "query", "cookies", "encodings"), MANAGED)
def test_managed_policies(
    cache: str, request_policy: str, query: str, cookies: str, encodings: tuple[str, ...]
) -> None:
    found = by(cache, request_policy)
    assert found.query_string("a=1&start=2") == query
    assert found.cookie_header("s=1; t=2") == cookies
    assert found.encodings == encodings
    assert found.unknown == ()


@pytest.mark.parametrize(
    ("name", "plain", "all_viewer", "legacy", "listed"),
    [
        ("Content-Type", True, True, True, True),
        ("Range", True, True, True, True),
        ("Origin", False, True, True, True),
        ("X-Own", False, True, True, True),
        ("Accept-Language", False, True, False, True),
        ("User-Agent", False, True, False, False),
        ("Authorization", False, True, False, False),
        ("TE", False, False, False, False),
        ("X-Real-IP", False, False, False, False),
        ("CloudFront-Viewer-Country", False, False, False, False),
    ],
)
def test_header_fields(name: str, plain: bool, all_viewer: bool, legacy: bool, listed: bool) -> None:
    ways = (
        by("CachingOptimized"),
        by("CachingOptimized", "AllViewer"),
        by(forwarded_headers=()),
        by(forwarded_headers=("accept-language",)),
    )
    assert [way.takes_header(name) for way in ways] == [plain, all_viewer, legacy, listed]


def test_legacy_settings_forward_authorization_with_writing_methods_only() -> None:
    assert [by(forwarded_headers=()).takes_header("authorization", m) for m in ("GET", "OPTIONS", "POST")] == [
        False, False, True,
    ]  # fmt: skip


def test_legacy_settings_count_only_without_a_cache_policy() -> None:
    legacy: dict[str, Any] = {"forwards_query": True, "forwarded_cookies": ("*",), "forwarded_headers": ("*",)}
    alone, beside = by(**legacy), by("CachingDisabled", **legacy)
    assert (alone.query_string("a=1"), alone.cookie_header("s=1"), alone.takes_header("x-own")) == ("a=1", "s=1", True)
    assert (beside.query_string("a=1"), beside.cookie_header("s=1"), beside.takes_header("x-own")) == ("", "", False)


@pytest.mark.parametrize(
    ("sent", "normalized"),
    [("gzip, deflate, br", "br,gzip"), ("GZIP;q=0.5", "gzip"), ("br", "br"), ("identity", ""), ("", "")],
)
def test_accept_encoding_is_normalized(sent: str, normalized: str) -> None:
    assert by("CachingOptimized").accept_encoding(sent) == normalized
    assert by("CachingDisabled").accept_encoding(sent) == ""


def test_a_policy_that_is_not_known_is_named_and_takes_nothing() -> None:
    found = by("CachingDisabled", "own")
    assert found.unknown == ("own",)
    assert (found.query_string("a=1"), found.takes_header("x-own"), found.viewer_headers) == ("", False, ())


def test_a_cache_policy_that_was_given() -> None:
    document = {
        "CachePolicy": {
            "Id": "own",
            "CachePolicyConfig": {
                "Name": "own", "MinTTL": 1,
                "ParametersInCacheKeyAndForwardedToOrigin": {
                    "EnableAcceptEncodingGzip": True, "EnableAcceptEncodingBrotli": False,
                    "HeadersConfig": {
                        "HeaderBehavior": "whitelist",
                        "Headers": {"Quantity": 1, "Items": ["CloudFront-Viewer-City"]},
                    },
                    "CookiesConfig": {"CookieBehavior": "none"},
                    "QueryStringsConfig": {
                        "QueryStringBehavior": "allExcept", "QueryStrings": {"Quantity": 1, "Items": ["token"]},
                    },
                },
            },
        }
    }  # fmt: skip
    found = by("own", known=policies.load([document]))
    assert found.query_string("a=1&token=x&&b") == "a=1&b"
    assert (found.cookie_header("s=1"), found.encodings) == ("", ("gzip",))
    assert found.viewer_headers == ("CloudFront-Viewer-City",)


def test_the_managed_policy_with_cloudfronts_headers_asks_for_those_of_2022() -> None:
    assert by("CachingDisabled", "AllViewerAndCloudFrontHeaders-2022-06").viewer_headers == ALL_CLOUDFRONT_2022_06
    assert ALL_CLOUDFRONT_2022_06[-1] == "CloudFront-Viewer-TLS"


@pytest.mark.parametrize(
    ("name", "exposed"),
    [
        ("Host", True), ("Via", True), ("X-Forwarded-For", True), ("X-Amz-Request-Id", True), ("X-Amzn-Trace-Id", True),
        ("Connection", False), ("Proxy-Authorization", False), ("X-Amz-Cf-Id", False), ("X-Amzn-RequestId", False),
        ("X-Cache", False), ("X-Edge-Anything", False), ("X-Real-IP", False), ("X-Accel-Redirect", False),
        ("X-Forwarded-Proto", False), ("Upgrade", False), ("Expect", False),
    ],
)  # fmt: skip
def test_what_functions_see(name: str, exposed: bool) -> None:
    assert is_disallowed(name) is not exposed
