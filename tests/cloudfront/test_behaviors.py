"""From a URL to its behavior, its origins and the functions on the way."""

from __future__ import annotations

import fnmatch
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cfrunbook.cloudfront import behaviors, distribution_reader, viewer_url
from cfrunbook.cloudfront.distribution import Distribution
from cfrunbook.errors import BadInput


def items(*values: Any) -> dict[str, Any]:
    return {"Quantity": len(values), "Items": list(values)}


def document(patterns: dict[str, str], **config: Any) -> dict[str, Any]:
    origins = [
        {"Id": name, "DomainName": f"{name}.example", "CustomOriginConfig": {"OriginProtocolPolicy": "https-only"}}
        for name in ("web", "api", "spare")
    ]
    group = {
        "Id": "pair",
        "Members": items({"OriginId": "api"}, {"OriginId": "spare"}),
        "FailoverCriteria": {"StatusCodes": items(502, 503, 504)},
    }
    function = {"FunctionARN": "arn:aws:cloudfront::111122223333:function/tidy", "EventType": "viewer-request"}
    return {
        "Id": "E1EXAMPLE",
        "DomainName": "d111111abcdef8.cloudfront.net",
        "Aliases": items("www.example.com", "*.example.org"),
        "Origins": items(*origins),
        "OriginGroups": items(group),
        "DefaultCacheBehavior": {"TargetOriginId": "web", "FunctionAssociations": items(function)},
        "CacheBehaviors": items(*({"PathPattern": p, "TargetOriginId": t} for p, t in patterns.items())),
        **config,
    }


def served(patterns: dict[str, str], **config: Any) -> Distribution:
    return distribution_reader.load(document(patterns, **config))


@pytest.mark.parametrize(
    ("pattern", "path", "takes"),
    [
        ("/api/*", "/api/cart", True),
        ("api/*", "/api/cart", True),
        ("/api/*", "/api/", True),
        ("/api/*", "/api", False),
        ("/api/*", "/API/cart", False),
        ("*.jpg", "/a/b/c.jpg", True),
        ("*.jpg", "/a/b/c.jpg/d", False),
        ("/images/*.jp?g", "/images/a/b.jpeg", True),
        ("/images/?.png", "/images/ab.png", False),
        ("/images/?.png", "/images/.png", False),
        ("*", "/", True),
        ("/*", "/", True),
        ("/", "/", True),
        ("/index.html", "/", False),
        ("/a*b*c", "/a/x/b/y/c", True),
        ("/a.c", "/abc", False),
        # normalized for matching: RFC 3986
        ("/api/*", "//api/cart", True),
        ("/api/*", "/static/../api/cart", True),
        ("/api/*", "/./api/cart", True),
        ("/api/*", "/%61pi/cart", True),
        ("/api/*", "/static/%2e%2e/api/cart", True),
        ("/api/*", "/api/../admin", False),
        ("/api/*", "/../../api/x", True),
        ("/a%2Fb", "/a%2fb", True),
        ("/caf%C3%A9", "/café", True),
        ("/a/", "/a/b/..", True),
        ("/api/*", "/other?x=/api/", False),
    ],
)
def test_path_patterns(pattern: str, path: str, takes: bool) -> None:
    assert behaviors.matches(pattern, viewer_url.parse(f"https://www.example.com{path}").path) is takes


plain = st.text("ab/.*?", max_size=12)


def oracle(pattern: str, path: str) -> bool:
    """Say the same with a regular expression, made by fnmatch from a pattern without its bracket syntax."""
    return re.fullmatch(fnmatch.translate(pattern.removeprefix("/").replace("[", "[[]")), path) is not None


@given(plain, st.text("ab", max_size=12))
def test_path_patterns_agree_with_an_independent_oracle(pattern: str, path: str) -> None:
    assert behaviors.matches(pattern, f"/{path}") == oracle(pattern, path)


@given(st.text(max_size=30))
@example("/..")
@example("/a/./b//../%7e%2F%zz")
def test_normalizing_twice_is_normalizing_once(path: str) -> None:
    once = behaviors.normalize(f"/{path}")
    assert once.startswith("/")
    assert "//" not in once
    assert behaviors.normalize(once) == once


def test_a_hostile_pattern_costs_no_more_than_its_length_times_the_paths() -> None:
    assert not behaviors.matches("*a" * 127 + "b", "/" + "a" * 8000)


@pytest.mark.parametrize(
    ("url", "pattern", "origins"),
    [
        ("https://www.example.com/", "*", [("web", "only")]),
        ("https://www.example.com/cart?x=/api/", "*", [("web", "only")]),
        ("https://WWW.Example.COM./api/cart", "/api/*", [("api", "primary"), ("spare", "secondary")]),
        ("https://user:pw@www.example.com:443/api/v2/x", "/api/*", [("api", "primary"), ("spare", "secondary")]),
        ("www.example.com/img/a", "/img/*", [("spare", "only")]),
        ("//d111111abcdef8.cloudfront.net/img/a", "/img/*", [("spare", "only")]),
        ("http://a.b.example.org:80/img/a#x", "/img/*", [("spare", "only")]),
    ],
)
def test_routes(url: str, pattern: str, origins: list[tuple[str, str]]) -> None:
    found = served({"/api/*": "pair", "/api/v2/*": "web", "/img/*": "spare"})
    route = behaviors.route(found, url)
    assert route.behavior.path_pattern == pattern
    assert [(d.origin.id, d.role) for d in route.destinations] == origins
    assert all(why.endswith(".") for why in route.why)


def test_a_route_says_why_at_every_step() -> None:
    route = behaviors.route(served({"/img/*": "api", "/api/*": "pair"}), "https://www.example.com/api/cart")
    assert route.why == (
        "www.example.com is one of its alternate domain names.",
        "/api/* is the first path pattern that takes /api/cart (1 before it does not).",
        "It sends requests to origin group pair: api (primary) and spare (secondary).",
    )
    route = behaviors.route(served({}), "https://d111111abcdef8.cloudfront.net/")
    assert route.why[0] == "d111111abcdef8.cloudfront.net is its own name."
    assert route.why[-1] == "At viewer-request, CloudFront Function tidy runs."
    assert [f.name for f in route.functions] == ["tidy"]


def test_a_default_root_object_with_a_behavior_of_its_own_is_said() -> None:
    found = served({"/index.html": "api"}, DefaultRootObject="index.html")
    route = behaviors.route(found, "https://www.example.com/")
    assert route.behavior.is_default
    assert "AWS does not say which of the two decides" in route.why[1]


def test_a_missing_target_is_a_route_to_nowhere() -> None:
    route = behaviors.route(served({"/old/*": "gone"}), "https://www.example.com/old/x")
    assert route.destinations == ()
    assert route.why[-1] == "Its target 'gone' is neither an origin nor an origin group of this distribution."


def test_behaviors_that_lead_to_an_origin() -> None:
    found = served({"/api/*": "pair", "/img/*": "spare"})
    assert [b.path_pattern for b in behaviors.leads_to(found, "spare")] == ["/api/*", "/img/*"]
    assert [b.path_pattern for b in behaviors.leads_to(found, "web")] == ["*"]


@pytest.mark.parametrize("host", ["example.com", "www.example.net", "example.org", "d222222abcdef8.cloudfront.net"])
def test_a_host_that_is_not_served_is_refused_naming_those_that_are(host: str) -> None:
    with pytest.raises(BadInput) as raised:
        behaviors.route(served({}), f"https://{host}/")
    assert str(raised.value) == (
        f"URL: no behavior of distribution E1EXAMPLE serves {host}; its names are:"
        " www.example.com, *.example.org and d111111abcdef8.cloudfront.net."
    )


@pytest.mark.parametrize(
    ("config", "host"),
    [
        ({"DomainName": None, "Id": None}, "d222222abcdef8.cloudfront.net"),
        ({"ConnectionMode": "tenant-only"}, "tenant.example.net"),
    ],
)
def test_a_host_that_may_be_served_is_let_pass(config: dict[str, Any], host: str) -> None:
    assert behaviors.route(served({}, **config), f"https://{host}/").behavior.is_default


def test_an_internationalized_host_matches_its_alias_in_either_spelling() -> None:
    found = served({}, Aliases=items("xn--bcher-kva.example"))
    assert behaviors.route(found, "https://Bücher.example/").why[0].startswith("xn--bcher-kva.example is one")


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "it is empty"),
        ("ftp://www.example.com/", "is not an http or https URL"),
        ("https://", "it is empty"),
        ("https:///x", "it is empty"),
        ("https://www.example.com:0/", "has the port '0'"),
        ("https://www.example.com:65536/", "has the port '65536'"),
        ("https://www.example.com:http/", "has the port 'http'"),
        ("https://www.example.com/a b", "holds a space"),
        ("https://www.example.com/\x1b[2J", "holds a space or a control character"),
        ("https://[::1]/", "it is an IP address"),
        ("https://[::1/", "is not a host name"),
        ("https://" + "a" * 9000, "longer than 8192"),
    ],
)
def test_urls_that_are_none(url: str, says: str) -> None:
    with pytest.raises(BadInput) as raised:
        viewer_url.parse(url)
    assert str(raised.value).startswith("URL: ")
    assert says in str(raised.value)


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://user:pw@www.example.com/a?token=x&b#c", "https://www.example.com/a?token=[redacted]&[redacted]"),
        ("user:pw@www.example.com/a?token=x", "//www.example.com/a?token=[redacted]"),
        ("www.example.com:8080", "//www.example.com:8080/"),
        ("wss://www.example.com/x", "wss://www.example.com/x"),
    ],
)
def test_what_is_kept_of_a_url_holds_no_secret_and_reads_the_same(url: str, kept: str) -> None:
    parsed = viewer_url.parse(url)
    assert parsed.text == kept
    again = viewer_url.parse(kept)
    assert (again.scheme, again.host, again.path, again.text) == (parsed.scheme, parsed.host, parsed.path, kept)


def test_a_secret_in_a_bad_url_is_not_repeated() -> None:
    with pytest.raises(BadInput) as raised:
        viewer_url.parse("gopher://user:hunter2@www.example.com/?token=hunter2")
    assert "hunter2" not in str(raised.value)


@given(st.text(max_size=60))
def test_any_text_is_a_url_or_bad_input(text: str) -> None:
    try:
        parsed = viewer_url.parse(text)
    except BadInput:
        return
    assert parsed.path.startswith("/")
    assert viewer_url.parse(parsed.text).host == parsed.host
