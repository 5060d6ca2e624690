"""What differs between two configurations: found whatever its form, weighed by what it can lead to, secrets kept back."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfrunbook.cloudfront import change_rules, changes, policies, viewer_url
from cfrunbook.cloudfront.changes import Changes
from cfrunbook.findings import WEIGHTS, Cause, Change, Weight
from cfrunbook.text import visible

ALL_VIEWER = "216adef6-5c7f-47e4-b989-5492eafa07d3"
EXCEPT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
OPTIMIZED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
LAMBDA = "arn:aws:lambda:us-east-1:111122223333:function:auth:"
FUNCTION = "arn:aws:cloudfront::111122223333:function/"
SECRET = "hunter2-swordfish"

Edit = Callable[[dict[str, Any]], object]


def items(*values: Any) -> dict[str, Any]:
    return {"Quantity": len(values), "Items": list(values)} if values else {"Quantity": 0}


def origin(identity: str, domain: str, **more: Any) -> dict[str, Any]:
    return {
        "Id": identity,
        "DomainName": domain,
        "OriginPath": "",
        "CustomHeaders": items({"HeaderName": "X-Key", "HeaderValue": SECRET}),
        "CustomOriginConfig": {
            "HTTPPort": 80,
            "HTTPSPort": 443,
            "OriginProtocolPolicy": "https-only",
            "OriginSslProtocols": items("TLSv1.1", "TLSv1.2"),
            "OriginReadTimeout": 30,
            "OriginKeepaliveTimeout": 5,
        },
        "ConnectionAttempts": 3,
        "ConnectionTimeout": 10,
        "OriginShield": {"Enabled": False},
        **more,
    }


def behavior(target: str, **more: Any) -> dict[str, Any]:
    return {
        "TargetOriginId": target,
        "ViewerProtocolPolicy": "redirect-to-https",
        "AllowedMethods": {**items("HEAD", "GET", "POST"), "CachedMethods": items("HEAD", "GET")},
        "CachePolicyId": OPTIMIZED,
        "OriginRequestPolicyId": EXCEPT_HOST,
        "LambdaFunctionAssociations": items(),
        "FunctionAssociations": items(),
        **more,
    }


def config() -> dict[str, Any]:
    group = {
        "Id": "pair",
        "FailoverCriteria": {"StatusCodes": items(502, 503, 504)},
        "Members": items({"OriginId": "web"}, {"OriginId": "spare"}),
    }
    functions = {
        "LambdaFunctionAssociations": items({"LambdaFunctionARN": f"{LAMBDA}7", "EventType": "origin-request"}),
        "FunctionAssociations": items({"FunctionARN": f"{FUNCTION}tidy", "EventType": "viewer-request"}),
    }
    return {
        "CallerReference": "x",
        "Aliases": items("www.example.com", "shop.example.com"),
        "Origins": items(
            *(origin(i, f"{i}.example.com") for i in ("web", "api", "spare")), origin("idle", "idle.example.net")
        ),
        "OriginGroups": items(group),
        "DefaultCacheBehavior": behavior("pair"),
        "CacheBehaviors": items(
            behavior("api", PathPattern="/api/*", **functions), behavior("web", PathPattern="/img/*")
        ),
        "CustomErrorResponses": items({"ErrorCode": 502, "ResponseCode": "503", "ErrorCachingMinTTL": 10}),
        "Comment": "",
        "Enabled": True,
        "WebACLId": "",
        "HttpVersion": "http2",
        "IsIPV6Enabled": True,
        "ContinuousDeploymentPolicyId": "",
        "Staging": False,
        "Logging": {"Enabled": True, "Bucket": "logs", "Prefix": ""},
        "Restrictions": {"GeoRestriction": {"RestrictionType": "none", "Quantity": 0}},
    }


def compare(edit: Edit | None = None, *, before: Edit | None = None, url: str = "") -> Changes:
    sides = []
    for change in (before, edit):
        document = config()
        if change:
            change(document)
        sides.append(changes.load(document))
    return changes.compare(*sides, url=viewer_url.parse(url) if url else None)


def only(found: Changes) -> Change:
    assert len(found.found) == 1, [c.where for c in found.found]
    return found.found[0]


def web(document: dict[str, Any]) -> dict[str, Any]:
    return document["Origins"]["Items"][0]  # type: ignore[no-any-return]


def custom(document: dict[str, Any]) -> dict[str, Any]:
    return web(document)["CustomOriginConfig"]  # type: ignore[no-any-return]


def api(document: dict[str, Any]) -> dict[str, Any]:
    return document["CacheBehaviors"]["Items"][0]  # type: ignore[no-any-return]


def default(document: dict[str, Any]) -> dict[str, Any]:
    return document["DefaultCacheBehavior"]  # type: ignore[no-any-return]


def group(document: dict[str, Any]) -> dict[str, Any]:
    return document["OriginGroups"]["Items"][0]  # type: ignore[no-any-return]


def put(part: Callable[[dict[str, Any]], dict[str, Any]], **members: Any) -> Edit:
    return lambda document: part(document).update(members)


def whole(document: dict[str, Any]) -> dict[str, Any]:
    return document


CUSTOM = "Origins[web].CustomOriginConfig"
# Where, before, after, what it can lead to (a status, or none), one of its causes: the edit that makes it.
CASES: list[tuple[str, str, str, int | None, Cause | None, Edit]] = [
    (f"{CUSTOM}.OriginSslProtocols", "TLSv1.1, TLSv1.2", "TLSv1", 502, Cause.TLS_PROTOCOL,
     put(custom, OriginSslProtocols=items("TLSv1"))),
    ("Origins[web].DomainName", "web.example.com", "new.example.com", 502, Cause.DNS, put(web, DomainName="new.example.com")),
    (f"{CUSTOM}.OriginProtocolPolicy", "https-only", "http-only", 502, Cause.PORT, put(custom, OriginProtocolPolicy="http-only")),
    (f"{CUSTOM}.HTTPSPort", "443", "8443", 502, Cause.PORT, put(custom, HTTPSPort=8443)),
    (f"{CUSTOM}.IpAddressType", "ipv4", "dualstack", 502, Cause.DNS, put(custom, IpAddressType="dualstack")),
    (f"{CUSTOM}.OriginKeepaliveTimeout", "5", "60", 502, Cause.PORT, put(custom, OriginKeepaliveTimeout=60)),
    (f"{CUSTOM}.OriginKeepaliveTimeout", "5", "4", None, None, put(custom, OriginKeepaliveTimeout=4)),
    (f"{CUSTOM}.OriginReadTimeout", "30", "5", 504, Cause.ORIGIN_RESPONSE, put(custom, OriginReadTimeout=5)),
    (f"{CUSTOM}.OriginReadTimeout", "30", "60", None, None, put(custom, OriginReadTimeout=60)),
    (f"{CUSTOM}.OriginMtlsConfig.ClientCertificateArn", "not set", "arn:x", 502, Cause.TLS_PROTOCOL,
     put(custom, OriginMtlsConfig={"ClientCertificateArn": "arn:x"})),
    ("Origins[web].ConnectionAttempts", "3", "1", 502, Cause.PORT, put(web, ConnectionAttempts=1)),
    ("Origins[web].ConnectionTimeout", "10", "2", 504, Cause.PORT, put(web, ConnectionTimeout=2)),
    ("Origins[web].ResponseCompletionTimeout", "not set", "40", 504, Cause.ORIGIN_RESPONSE, put(web, ResponseCompletionTimeout=40)),
    ("Origins[web].OriginPath", "not set", "/v2", 403, None, put(web, OriginPath="/v2")),
    ("Origins[web].OriginShield.Enabled", "false", "true", 502, Cause.PORT, put(web, OriginShield={"Enabled": True})),
    ("Origins[web].CustomHeaders[X-Key]", "HeaderName=X-Key", "not set", 403, None, put(web, CustomHeaders=items())),
    ("OriginGroups[pair].FailoverCriteria.StatusCodes", "502, 503, 504", "504", 502, Cause.DISTRIBUTION,
     put(group, FailoverCriteria={"StatusCodes": items(504)})),
    ("OriginGroups[pair].Members", "OriginId=web, OriginId=spare", "OriginId=spare, OriginId=web", 502, Cause.CERTIFICATE,
     put(group, Members=items({"OriginId": "spare"}, {"OriginId": "web"}))),
    ("CacheBehaviors[/api/*].TargetOriginId", "api", "web", 502, Cause.CERTIFICATE, put(api, TargetOriginId="web")),
    ("CacheBehaviors[/api/*].LambdaFunctionAssociations[origin-request].LambdaFunctionARN", f"{LAMBDA}7", f"{LAMBDA}8", 502,
     Cause.EDGE_FUNCTION,
     put(api, LambdaFunctionAssociations=items({"LambdaFunctionARN": f"{LAMBDA}8", "EventType": "origin-request"}))),
    ("CacheBehaviors[/api/*].FunctionAssociations[viewer-request].FunctionARN", f"{FUNCTION}tidy", f"{FUNCTION}neat", 502,
     Cause.EDGE_FUNCTION,
     put(api, FunctionAssociations=items({"FunctionARN": f"{FUNCTION}neat", "EventType": "viewer-request"}))),
    ("DefaultCacheBehavior.OriginRequestPolicyId", f"{EXCEPT_HOST} (AllViewerExceptHostHeader)", f"{ALL_VIEWER} (AllViewer)",
     502, Cause.TLS_NAME, put(default, OriginRequestPolicyId=ALL_VIEWER)),
    ("DefaultCacheBehavior.OriginRequestPolicyId", f"{EXCEPT_HOST} (AllViewerExceptHostHeader)", "own-policy", 502,
     Cause.TLS_NAME, put(default, OriginRequestPolicyId="own-policy")),
    ("DefaultCacheBehavior.OriginRequestPolicyId", f"{EXCEPT_HOST} (AllViewerExceptHostHeader)", "not set", None, None,
     put(default, OriginRequestPolicyId="")),
    ("DefaultCacheBehavior.ViewerProtocolPolicy", "redirect-to-https", "https-only", 403, None,
     put(default, ViewerProtocolPolicy="https-only")),
    ("DefaultCacheBehavior.AllowedMethods", "HEAD, GET, POST", "GET, HEAD", 403, None,
     put(default, AllowedMethods={**items("GET", "HEAD"), "CachedMethods": items("GET", "HEAD")})),
    ("CustomErrorResponses[404]", "not set", "ErrorCode=404, ResponseCode=502", 502, Cause.DISTRIBUTION,
     put(whole, CustomErrorResponses=items({"ErrorCode": 404, "ResponseCode": "502"}, {"ErrorCode": 502, "ResponseCode": 503, "ErrorCachingMinTTL": 10}))),
    ("CustomErrorResponses[502].ErrorCachingMinTTL", "10", "3600", None, None,
     put(whole, CustomErrorResponses=items({"ErrorCode": 502, "ResponseCode": "503", "ErrorCachingMinTTL": 3600}))),
    ("ContinuousDeploymentPolicyId", "not set", "policy-1", 502, Cause.DISTRIBUTION, put(whole, ContinuousDeploymentPolicyId="policy-1")),
    ("Aliases", "www.example.com, shop.example.com", "www.example.com", 403, None, put(whole, Aliases=items("www.example.com"))),
    ("WebACLId", "not set", "arn:waf", 403, None, put(whole, WebACLId="arn:waf")),
    ("HttpVersion", "http2", "http3", None, None, put(whole, HttpVersion="http3")),
    ("Staging", "false", "true", None, None, put(whole, Staging=True)),
    ("Logging.Enabled", "true", "false", None, None, put(whole, Logging={"Enabled": False, "Bucket": "logs"})),
    ("Comment", "not set", "token: [redacted]", None, None, put(whole, Comment="token: abcdef")),
    ("Brandnew", "not set", "[redacted]", None, None, put(whole, Brandnew={"Key": SECRET})),
    ("Origins[idle].DomainName", "idle.example.net", "x.example.net", 502, Cause.DNS,
     lambda d: d["Origins"]["Items"][3].update(DomainName="x.example.net")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("where", "before", "after", "status", "cause", "edit"),
    [pytest.param(*case, id=f"{case[0]}-{case[2]}") for case in CASES],
)
def test_one_change_is_one_difference_with_what_it_can_lead_to(
    where: str, before: str, after: str, status: int | None, cause: Cause | None, edit: Edit
) -> None:
    change = only(compare(edit))
    assert (change.where, change.before, change.after) == (where, before, after)
    weight = Weight.CAN_502 if status == 502 else Weight.NEIGHBOUR if status else Weight.OTHER
    assert change.weight is weight, change.why
    assert status in change.statuses if status else change.statuses == ()
    assert cause in change.causes if cause else change.causes == ()
    assert change.why.endswith(".")


def test_a_disabled_distribution_serves_nobody() -> None:
    assert only(compare(put(whole, Enabled=False))).weight is Weight.NEIGHBOUR
    assert only(compare(before=put(whole, Enabled=False))).weight is Weight.OTHER


def test_whether_host_is_forwarded_is_said_in_words() -> None:
    change = only(compare(put(default, OriginRequestPolicyId=ALL_VIEWER)))
    assert change.why.startswith("The viewer's Host was not forwarded (")
    assert "now it is (origin request policy AllViewer forwards Host)" in change.why
    assert change.origins == ("web", "spare")
    legacy = put(default, CachePolicyId="", OriginRequestPolicyId="", ForwardedValues={"Headers": items("Host")})
    found = [c for c in compare(legacy).found if c.weight is Weight.CAN_502]
    assert {c.where.rpartition(".")[2] for c in found} == {"CachePolicyId", "OriginRequestPolicyId", "Headers"}


def test_a_value_that_is_a_secret_is_not_shown_but_that_it_differs_is() -> None:
    change = only(compare(put(web, CustomHeaders=items({"HeaderName": "X-Key", "HeaderValue": "other"}))))
    assert (change.where, change.before, change.after) == (
        "Origins[web].CustomHeaders[X-Key].HeaderValue",
        *["[redacted]"] * 2,
    )
    assert "Its value differs" in change.why


def test_an_origin_by_another_id_is_recognised_wherever_it_is_named() -> None:
    def rename(document: dict[str, Any]) -> None:
        text = json.dumps(document).replace('"web"', '"www"')
        document.update(json.loads(text))

    change = only(compare(rename))
    assert (change.where, change.kind, change.before, change.after) == ("Origins[www].Id", "renamed", "web", "www")
    assert change.weight is Weight.OTHER


def test_origins_and_behaviors_come_and_go() -> None:
    def add(document: dict[str, Any]) -> None:
        document["Origins"] = items(*document["Origins"]["Items"], origin("new", "new.example.org"))

    change = only(compare(add))
    assert (change.where, change.kind, change.after) == ("Origins[new]", "added", "DomainName=new.example.org")
    assert change.weight is Weight.OTHER

    def use(document: dict[str, Any]) -> None:
        add(document)
        document["CacheBehaviors"] = items(*document["CacheBehaviors"]["Items"], behavior("new", PathPattern="/new/*"))

    assert {(c.where, c.kind, c.weight) for c in compare(use).found} == {
        ("CacheBehaviors[/new/*]", "added", Weight.CAN_502),
        ("Origins[new]", "added", Weight.CAN_502),
    }
    assert {c.kind for c in compare(before=use).found} == {"removed"}


def test_a_staging_distribution_has_no_names_and_no_policy_of_its_own() -> None:
    """https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/understanding-continuous-deployment.html"""
    staging = compare(put(whole, Staging=True, Aliases=items()), before=put(whole, ContinuousDeploymentPolicyId="p"))
    assert {(c.where, c.weight) for c in staging.found} == {
        (where, Weight.OTHER) for where in ("Aliases", "ContinuousDeploymentPolicyId", "Staging")
    }


def test_the_order_of_behaviors_matters() -> None:
    change = only(compare(lambda d: d["CacheBehaviors"]["Items"].reverse()))
    assert (change.where, change.kind, change.before, change.after) == (
        *("CacheBehaviors", "moved"),
        *("/api/*, /img/*", "/img/*, /api/*"),
    )
    assert change.weight is Weight.CAN_502


def test_https_redirects_decide_the_protocol_to_a_match_viewer_origin() -> None:
    def matching(document: dict[str, Any]) -> None:
        custom(document).update(OriginProtocolPolicy="match-viewer")

    def open_to_http(document: dict[str, Any]) -> None:
        matching(document)
        default(document).update(ViewerProtocolPolicy="allow-all")

    assert only(compare(open_to_http, before=matching)).weight is Weight.CAN_502


def test_the_url_tells_which_changes_its_requests_meet() -> None:
    def edit(document: dict[str, Any]) -> None:
        custom(document).update(HTTPSPort=8443)
        document["Origins"]["Items"][1]["CustomOriginConfig"]["HTTPSPort"] = 9443

    found = compare(edit, url="https://www.example.com/api/x").found
    assert [(c.where, c.on_path) for c in found] == [
        ("Origins[api].CustomOriginConfig.HTTPSPort", True),
        (f"{CUSTOM}.HTTPSPort", False),
    ]
    assert {c.on_path for c in compare(edit).found} == {None}
    assert {c.on_path for c in compare(edit, url="https://elsewhere.example/").found} == {None}


def test_what_can_cause_a_502_comes_first_and_no_more_than_a_bound_is_listed() -> None:
    def many(document: dict[str, Any]) -> None:
        document |= {f"New{n}": n + 1 for n in range(300)}
        document["HttpVersion"] = "http3"
        document["Aliases"] = items("www.example.com")
        custom(document)["HTTPSPort"] = 8443

    found = compare(many)
    assert (len(found.found), found.left_out) == (changes.MAX_CHANGES, 303 - changes.MAX_CHANGES)
    assert [c.where for c in found.found[:2]] == [f"{CUSTOM}.HTTPSPort", "Aliases"]
    order = [WEIGHTS.index(c.weight) for c in found.found]
    assert order == sorted(order)


# --- the same in another form -----------------------------------------------------------------------------------------

OWN = {"Id": "E1EXAMPLE", "ARN": "arn", "Status": "Deployed", "DomainName": "d111111abcdef8.cloudfront.net"}
FORMS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "get-distribution": lambda c: {"ETag": "E2", "Distribution": {**OWN, "DistributionConfig": c}},
    "get-distribution-config": lambda c: {"ETag": "E3", "DistributionConfig": c},
    "bare": lambda c: c,
    "list item": lambda c: {**OWN, **c},
    "list": lambda c: {"DistributionList": items({**OWN, **c})},
    "text": json.dumps,
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_distribution_is_the_same(form: str) -> None:
    assert changes.compare(changes.load(config()), changes.load(FORMS[form](config()))) == Changes(())


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(put(custom, OriginSslProtocols=items("TLSv1.2", "TLSv1.1")), id="another order"),
        pytest.param(put(whole, Aliases=items("SHOP.example.com", "www.example.com")), id="another order and case"),
        pytest.param(lambda d: d["Origins"]["Items"].reverse(), id="origins in another order"),
        pytest.param(put(custom, IpAddressType="ipv4"), id="a default written out"),
        pytest.param(put(custom, OriginReadTimeout=None), id="a default left out"),
        pytest.param(put(web, OriginShield=None, OriginAccessControlId="", ConnectionTimeout="10"), id="empty or null"),
        pytest.param(put(default, LambdaFunctionAssociations={"Quantity": 0, "Items": []}), id="an empty list"),
        pytest.param(lambda d: default(d).pop("FunctionAssociations"), id="no list"),
        pytest.param(put(whole, CustomErrorResponses=[{"ErrorCode": "502", "ResponseCode": 503, "ErrorCachingMinTTL": 10}]), id="a plain list"),
    ],
)  # fmt: skip
def test_what_means_the_same_is_no_difference(edit: Edit) -> None:
    assert compare(edit) == Changes(())


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
_PARTS = st.sampled_from([whole, web, custom, api, default, group])
_MEMBERS = st.sampled_from([
    *("CustomHeaders", "OriginSslProtocols", "FunctionAssociations", "Members", "HTTPSPort", "PathPattern", "Unheard"),
    *("ForwardedValues", "Aliases", "CustomErrorResponses", "TargetOriginId", "Staging", "Comment", "OriginShield"),
])  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(part=_PARTS, member=_MEMBERS, value=_JSON, shuffle=st.randoms(use_true_random=False))
def test_whatever_is_in_a_document_compares_with_itself_as_the_same(
    part: Callable[[dict[str, Any]], dict[str, Any]], member: str, value: Any, shuffle: random.Random
) -> None:
    document = config()
    part(document)[member] = value
    other = copy.deepcopy(document)
    if isinstance(other["Origins"], dict):
        shuffle.shuffle(other["Origins"]["Items"])
    sides = changes.load(document), changes.load(other)
    assert changes.compare(*sides) == Changes(())
    plain = changes.load(config())
    there, back = changes.compare(sides[0], plain), changes.compare(plain, sides[0])
    assert len(there.found) == len(back.found)
    assert all(text == visible(text, 1000) for c in there.found for text in (c.where, c.before, c.after, c.why))


@settings(max_examples=60, deadline=None)
@given(
    secret=st.text("abcdefghijkmnopqrstuvwxyz", min_size=12, max_size=30), place=st.integers(0, 3), first=st.booleans()
)
def test_no_secret_of_either_side_is_in_what_is_said(secret: str, place: int, first: bool) -> None:
    secret = f"{secret}9Q"
    edits: list[Edit] = [
        put(web, CustomHeaders=items({"HeaderName": "X-Key", "HeaderValue": secret})),
        put(web, CustomHeaders=items({"HeaderName": "X-Other", "HeaderValue": secret, "Also": secret})),
        put(whole, Unheard={"of": [secret]}, Comment=f"password={secret}"),
        put(custom, Unheard=secret, OriginMtlsConfig={"PrivateKey": secret}),
    ]
    found = compare(None, before=edits[place]) if first else compare(edits[place])
    assert found.found
    assert secret not in repr(found)


# --- policies, recordings, the rules ------------------------------------------------------------------------------------


def request_policy(*headers: str, identity: str = "own") -> dict[str, Any]:
    wanted = {"HeaderBehavior": "whitelist", "Headers": items(*headers)} if headers else {"HeaderBehavior": "none"}
    return {
        "OriginRequestPolicy": {"Id": identity, "OriginRequestPolicyConfig": {"Name": "own", "HeadersConfig": wanted}}
    }


def vpc_origin(port: int) -> dict[str, Any]:
    endpoint = {"Name": "n", "HTTPSPort": port, "OriginProtocolPolicy": "https-only"}
    return {"VpcOrigin": {"Id": "vo_1", "Status": "Deployed", "VpcOriginEndpointConfig": endpoint}}


def test_policies_of_the_same_id_are_compared() -> None:
    sides = [policies.load([request_policy(*h), vpc_origin(p)]) for h, p in ((("X-A",), 443), (("X-A", "Host"), 8443))]
    found = changes.compare_policies(*sides).found
    assert [(c.where, c.before, c.after, c.weight) for c in found] == [
        (
            "OriginRequestPolicy[own].OriginRequestPolicyConfig.HeadersConfig.Headers",
            "X-A",
            "X-A, Host",
            Weight.CAN_502,
        ),
        ("VpcOrigin[vo_1].VpcOriginEndpointConfig.HTTPSPort", "443", "8443", Weight.CAN_502),
    ]
    assert Cause.TLS_NAME in found[0].causes
    harmless = [policies.load([request_policy(h)]) for h in ("X-A", "X-B")]
    assert [c.weight for c in changes.compare_policies(*harmless).found] == [Weight.OTHER]
    assert not changes.in_common(policies.load([request_policy("X-A")]), policies.load([vpc_origin(1)]))


def test_of_a_recording_values_that_it_does_not_hold_are_not_compared_and_that_is_said() -> None:
    whole_one = changes.load(put_header("other"))
    kept = changes.Configuration(
        whole_one.distribution, whole_one.distribution.document, whole_one.policies, complete=False
    )
    found = changes.compare(changes.load(config()), kept)
    assert found.found == ()
    assert "Values of custom headers" in found.notes[0]


def put_header(value: str) -> dict[str, Any]:
    document = config()
    web(document)["CustomHeaders"] = items({"HeaderName": "X-Key", "HeaderValue": value})
    return document


def test_the_change_that_is_about_one_cause_alone_explains_it_best() -> None:
    def edit(document: dict[str, Any]) -> None:
        custom(document).update(HTTPSPort=8443, OriginSslProtocols=items("TLSv1"))

    found = compare(edit).found
    explains = changes.explaining(found, Cause.TLS_PROTOCOL, "web", 502)
    assert explains is not None
    assert explains.where.endswith("OriginSslProtocols")
    assert changes.explaining(found, Cause.TLS_PROTOCOL, "api", 502) is None
    assert changes.explaining(found, Cause.EDGE_FUNCTION, "web", 502) is None


def test_every_rule_says_why_and_where_that_is_documented() -> None:
    own = [rule for rule in vars(change_rules).values() if isinstance(rule, change_rules.ChangeRule)]
    for rule in (*change_rules.RULES.values(), *own):
        assert rule.why.endswith(".")
        assert urlsplit(rule.source).hostname == "docs.aws.amazon.com"
        assert (rule.weight is Weight.CAN_502) == (502 in rule.statuses)
        assert rule.weight is Weight.CAN_502 or not set(rule.causes) & {Cause.TLS_NAME, Cause.CERTIFICATE}
        assert rule.weight is not Weight.OTHER or not rule.causes
