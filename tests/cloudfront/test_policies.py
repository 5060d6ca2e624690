"""Is the viewer's Host forwarded? Every rule, and the policies' JSON in the forms that the CLI prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.cloudfront import policies
from cfrunbook.cloudfront.distribution import Behavior, EventType, FunctionAssociation, Origin
from cfrunbook.cloudfront.policies import Forwarding, Policies
from cfrunbook.errors import BadInput

# Managed policies
ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3"
ALL_VIEWER_AND_CLOUDFRONT = "33f36d7e-f396-46d9-90e0-52428a34d9dc"
EXCEPT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
HOST_ONLY = "bf0718e1-ba1e-49d1-88b1-f726733018ae"
CORS_CUSTOM = "59781a5b-3903-41f3-afcb-af62929ccde1"
AMPLIFY = "2e54312d-136d-493c-8eb9-b001f22f67d2"
DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
ORIGIN_HEADERS = "83da9c7e-98b4-4e11-a168-04f0df8e2c65"
ORIGIN_HEADERS_QUERY = "4cc15a8a-d715-48a4-82b8-cc0b614638fe"
# Custom policies
KEY_WITH_HOST, KEY_WITHOUT_HOST = "c-host", "c-none"
LIST_WITH_HOST, ALL_BUT_COOKIE, ALL_BUT_HOST = "r-host", "r-all-but-cookie", "r-all-but-host"

CUSTOM = Origin(id="o", domain_name="origin.example.com", where="Origins.Items[0]")
BUCKET = Origin(id="b", domain_name="b.s3.eu-west-1.amazonaws.com", where="Origins.Items[1]", member="s3")
STORE = Origin(id="m", domain_name="a.data.mediastore.eu-west-1.amazonaws.com", where="Origins.Items[2]")


def request_policy(policy_id: str, behavior: str, *headers: str) -> dict[str, Any]:
    listed = {"Headers": {"Quantity": len(headers), "Items": list(headers)}} if headers else {}
    config = {"Name": policy_id, "HeadersConfig": {"HeaderBehavior": behavior, **listed}}
    return {"ETag": "E1", "OriginRequestPolicy": {"Id": policy_id, "OriginRequestPolicyConfig": config}}


def cache_policy(policy_id: str, behavior: str, *headers: str) -> dict[str, Any]:
    headers_config = request_policy(policy_id, behavior, *headers)["OriginRequestPolicy"]["OriginRequestPolicyConfig"]
    key = {"ParametersInCacheKeyAndForwardedToOrigin": {"HeadersConfig": headers_config["HeadersConfig"]}}
    return {
        "ETag": "E1",
        "CachePolicy": {"Id": policy_id, "CachePolicyConfig": {"Name": policy_id, "MinTTL": 0, **key}},
    }


VPC_ORIGIN = {
    "VpcOrigin": {
        "Id": "vo_1",
        "Status": "Deployed",
        "VpcOriginEndpointConfig": {
            "Name": "private",
            "Arn": "arn",
            "HTTPPort": 8080,
            "HTTPSPort": 8443,
            "OriginProtocolPolicy": "https-only",
            "OriginSslProtocols": {"Quantity": 1, "Items": ["TLSv1.2"]},
        },
    }
}
KNOWN = policies.load(
    [
        cache_policy(KEY_WITH_HOST, "whitelist", "host"),
        cache_policy(KEY_WITHOUT_HOST, "none"),
        request_policy(LIST_WITH_HOST, "whitelist", "Origin", "Host"),
        request_policy(ALL_BUT_COOKIE, "allExcept", "cookie"),
        request_policy(ALL_BUT_HOST, "allExcept", "host"),
        VPC_ORIGIN,
    ]
)


def behavior(cache: str = "", request: str = "", headers: Any = None, functions: Any = ()) -> Behavior:
    return Behavior(
        path_pattern="*",
        target_origin_id="o",
        where="DefaultCacheBehavior",
        is_default=True,
        cache_policy_id=cache,
        origin_request_policy_id=request,
        forwarded_headers=headers,
        functions=functions,
    )


@pytest.mark.parametrize(
    ("cache", "request_policy_id", "value", "why"),
    [
        (
            OPTIMIZED,
            "",
            "no",
            "cache policy CachingOptimized does not forward Host and there is no origin request policy",
        ),
        (DISABLED, ALL_VIEWER, "yes", "origin request policy AllViewer forwards Host"),
        (DISABLED, ALL_VIEWER_AND_CLOUDFRONT, "yes", "AllViewerAndCloudFrontHeaders-2022-06 forwards Host"),
        (DISABLED, HOST_ONLY, "yes", "origin request policy HostHeaderOnly forwards Host"),
        (DISABLED, EXCEPT_HOST, "no", "AllViewerExceptHostHeader does not forward Host"),
        (DISABLED, CORS_CUSTOM, "no", "CORS-CustomOrigin does not forward Host"),
        (AMPLIFY, "", "yes", "cache policy Amplify forwards Host"),
        (ORIGIN_HEADERS, "", "yes", "cache policy UseOriginCacheControlHeaders forwards Host"),
        # a cache policy beats the exception of an origin request policy: the console's own trap
        (ORIGIN_HEADERS, EXCEPT_HOST, "yes", "cache policy UseOriginCacheControlHeaders forwards Host"),
        (ORIGIN_HEADERS_QUERY, EXCEPT_HOST, "yes", "UseOriginCacheControlHeaders-QueryStrings forwards Host"),
        (KEY_WITH_HOST, EXCEPT_HOST, "yes", "cache policy c-host forwards Host"),
        (KEY_WITHOUT_HOST, LIST_WITH_HOST, "yes", "origin request policy r-host forwards Host"),
        (KEY_WITHOUT_HOST, ALL_BUT_COOKIE, "yes", "origin request policy r-all-but-cookie forwards Host"),
        (KEY_WITHOUT_HOST, ALL_BUT_HOST, "no", "r-all-but-host does not forward Host"),
        ("unknown-1", "", "unknown", "what cache policy unknown-1 forwards is not known here"),
        ("unknown-1", ALL_VIEWER, "yes", "origin request policy AllViewer forwards Host"),
        (OPTIMIZED, "unknown-2", "unknown", "what origin request policy unknown-2 forwards is not known here"),
        ("unknown-1", "unknown-2", "unknown", "cache policy unknown-1 and origin request policy unknown-2"),
    ],
)
def test_host_forwarding_by_policies(cache: str, request_policy_id: str, value: str, why: str) -> None:
    # ForwardedValues is ignored beside a cache policy, whatever it holds
    for headers in (None, ("Host",), ("*",)):
        found = policies.host_forwarding(behavior(cache, request_policy_id, headers), CUSTOM, KNOWN)
        assert found.value == value
        assert why in found.why


@pytest.mark.parametrize(
    ("headers", "request_policy_id", "value", "why"),
    [
        (None, "", "no", "neither a cache policy nor ForwardedValues"),
        ((), "", "no", "ForwardedValues.Headers (legacy settings) does not hold Host"),
        (("Origin",), "", "no", "does not hold Host"),
        (("host",), "", "yes", "holds Host"),
        (("Origin", "HOST"), "", "yes", "holds Host"),
        (("*",), "", "yes", "holds *"),
        ((), ALL_VIEWER, "yes", "origin request policy AllViewer forwards Host"),
    ],
)
def test_host_forwarding_by_legacy_settings(headers: Any, request_policy_id: str, value: str, why: str) -> None:
    found = policies.host_forwarding(behavior("", request_policy_id, headers), CUSTOM, KNOWN)
    assert (found.value, why in found.why) == (value, True), found.why


def test_unknown_names_the_commands_that_settle_it() -> None:
    found = policies.host_forwarding(behavior("unknown-1", "unknown-2"), CUSTOM, KNOWN)
    assert "aws cloudfront get-cache-policy --id unknown-1 > policy.json" in found.next_check
    assert "aws cloudfront get-origin-request-policy --id unknown-2 > policy.json" in found.next_check


@pytest.mark.parametrize("origin", [BUCKET, STORE])
def test_s3_and_mediastore_always_get_their_own_name(origin: Origin) -> None:
    assert policies.host_forwarding(behavior(ORIGIN_HEADERS, ALL_VIEWER), origin, KNOWN).value is Forwarding.NO


def function(kind: Any, event: EventType) -> FunctionAssociation:
    arn = "arn:aws:lambda:us-east-1:111122223333:function:pick:3"
    return FunctionAssociation(
        kind, arn if kind == "lambda-edge" else "arn:aws:cloudfront::111122223333:function/f", event
    )


@pytest.mark.parametrize(
    ("kind", "event", "title"),
    [
        ("lambda-edge", EventType.ORIGIN_REQUEST, "origin-request Lambda@Edge function pick:3"),
        ("lambda-edge", EventType.VIEWER_REQUEST, ""),
        ("lambda-edge", EventType.ORIGIN_RESPONSE, ""),
        ("cloudfront-function", EventType.VIEWER_REQUEST, "viewer-request CloudFront Function f"),
        ("cloudfront-function", EventType.VIEWER_RESPONSE, ""),
    ],
)
def test_functions_that_may_change_host(kind: str, event: EventType, title: str) -> None:
    way = behavior(DISABLED, EXCEPT_HOST, functions=(function(kind, event),))
    found = policies.host_forwarding(way, CUSTOM, KNOWN)
    assert found.value == ("unknown" if title else "no")
    assert found.configured == "no"
    if title:
        assert found.why.startswith(f"the {title} may set another Host; without it, ")
        assert found.next_check.startswith("aws ")


@given(
    st.sampled_from(sorted(KNOWN.cache)),
    st.sampled_from(["", *sorted(KNOWN.origin_request)]),
)
def test_host_goes_along_if_either_policy_says_so(cache: str, request_policy_id: str) -> None:
    either = KNOWN.cache[cache].forwards("host")
    if request_policy_id:
        either = either or KNOWN.origin_request[request_policy_id].forwards("Host")
    found = policies.host_forwarding(behavior(cache, request_policy_id), CUSTOM, KNOWN)
    assert found.value is (Forwarding.YES if either else Forwarding.NO)


def test_the_managed_policies_are_complete() -> None:
    assert (len(policies.MANAGED_ORIGIN_REQUEST), len(policies.MANAGED_CACHE)) == (8, 7)
    by_host = {p.name for p in (*Policies().cache.values(), *Policies().origin_request.values()) if p.forwards("host")}
    assert by_host == {
        "AllViewer",
        "AllViewerAndCloudFrontHeaders-2022-06",
        "HostHeaderOnly",
        "Amplify",
        "UseOriginCacheControlHeaders",
        "UseOriginCacheControlHeaders-QueryStrings",
    }


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(request_policy("p1", "whitelist", "Host"), id="get-origin-request-policy"),
        pytest.param(
            {
                "OriginRequestPolicyList": {
                    "Quantity": 1,
                    "Items": [{"Type": "custom", **request_policy("p1", "allViewer")}],
                }
            },
            id="list-origin-request-policies",
        ),
        pytest.param(
            [request_policy("p0", "none"), request_policy("p1", "allExcept", "Cookie")], id="several in a list"
        ),
    ],
)
def test_forms_of_policies(document: Any, tmp_path: Path) -> None:
    path = tmp_path / "policy.json"
    path.write_bytes(json.dumps(document).encode("utf-8-sig"))
    known = policies.load([path])
    assert known.origin_request["p1"].forwards("host")
    assert policies.load(known.given) == known


@pytest.mark.parametrize(
    "document", [request_policy("p1", "whitelist", "Host"), cache_policy("p1", "whitelist", "Host"), VPC_ORIGIN]
)
def test_what_is_kept_of_a_policy_is_what_the_api_documents(document: dict[str, Any]) -> None:
    assert policies.load([document]).given == (document,)
    (kind,) = (key for key in document if key != "ETag")
    hiding = {**document, kind: {**document[kind], "ApiKey": "hunter2"}, "Note": {"Password": ["hunter2"]}}
    kept = policies.load([hiding]).given
    assert "hunter2" not in repr(kept)
    assert policies.load(kept).given == kept


def test_a_given_policy_wins_over_the_managed_one_of_its_id() -> None:
    assert not policies.load([request_policy(ALL_VIEWER, "none")]).origin_request[ALL_VIEWER].forwards("host")


def test_a_vpc_origin() -> None:
    settings = KNOWN.vpc_origins["vo_1"]
    assert (settings.http_port, settings.https_port, settings.protocol_policy) == (8080, 8443, "https-only")
    assert (settings.status, settings.ssl_protocols, settings.ip_address_type) == ("Deployed", ("TLSv1.2",), "ipv4")


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"ETag": "E1"}, "the document holds no policy (its members: ETag)"),
        ([1], "a number is not a policy"),
        ({"OriginRequestPolicyConfig": {}}, "configuration without its id"),
        ({"OriginRequestPolicy": {"OriginRequestPolicyConfig": {}}}, "is ''"),
        (request_policy("p", "everything"), "HeaderBehavior is 'everything', not one of none"),
        ({"CachePolicy": {"Id": 5}}, "Id is a number, not text"),
        ({"VpcOrigin": {}}, "Id is missing"),
        (b"nothing", "is not JSON"),
        ("/nowhere.json", "no such file"),
    ],
)
def test_what_is_no_policy_is_refused_in_one_sentence(document: Any, says: str) -> None:
    with pytest.raises(BadInput) as raised:
        policies.load([document])
    assert str(raised.value).startswith("Policy: ")
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)
