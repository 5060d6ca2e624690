"""Every form in which a distribution reaches us is read the same; what is none is refused in one sentence."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfrunbook.cloudfront import distribution_reader as distributions
from cfrunbook.cloudfront.distribution import Distribution, EventType
from cfrunbook.errors import BadInput

NONE: dict[str, Any] = {"Quantity": 0}


def items(*values: Any) -> dict[str, Any]:
    return {"Quantity": len(values), "Items": list(values)} if values else {"Quantity": 0}


ORIGIN: dict[str, Any] = {
    "Id": "o1",
    "DomainName": "Origin.Example.com",
    "OriginPath": "",
    "CustomHeaders": items({"HeaderName": "X-Secret", "HeaderValue": "hunter2"}),
    "CustomOriginConfig": {
        "HTTPPort": 80,
        "HTTPSPort": 8443,
        "OriginProtocolPolicy": "https-only",
        "OriginSslProtocols": items("TLSv1", "TLSv1.2"),
        "OriginReadTimeout": 60,
        "OriginKeepaliveTimeout": 5,
        "IpAddressType": "dualstack",
        "OriginMtlsConfig": {"ClientCertificateArn": "arn:aws:acm:us-east-1:111122223333:certificate/1"},
    },
    "ConnectionAttempts": 2,
    "ConnectionTimeout": 4,
    "ResponseCompletionTimeout": 90,
    "OriginShield": {"Enabled": False},
    "OriginAccessControlId": "",
}
BUCKET: dict[str, Any] = {
    "Id": "bucket",
    "DomainName": "b.s3.eu-west-1.amazonaws.com",
    "S3OriginConfig": {"OriginAccessIdentity": "", "OriginReadTimeout": 30},
}
BEHAVIOR: dict[str, Any] = {
    "TargetOriginId": "o1",
    "ViewerProtocolPolicy": "redirect-to-https",
    "AllowedMethods": {**items("HEAD", "GET"), "CachedMethods": items("HEAD", "GET")},
    "LambdaFunctionAssociations": items(
        {
            "LambdaFunctionARN": "arn:aws:lambda:us-east-1:111122223333:function:auth:7",
            "EventType": "origin-request",
            "IncludeBody": True,
        }
    ),
    "FunctionAssociations": items(
        {"FunctionARN": "arn:aws:cloudfront::111122223333:function/tidy", "EventType": "viewer-request"}
    ),
    "GrpcConfig": {"Enabled": False},
    "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
    "OriginRequestPolicyId": "216adef6-5c7f-47e4-b989-5492eafa07d3",
}
CONFIG: dict[str, Any] = {
    "CallerReference": "x",
    "Aliases": items("WWW.Example.com", "*.example.org"),
    "DefaultRootObject": "index.html",
    "Origins": items(ORIGIN, BUCKET),
    "OriginGroups": items(
        {
            "Id": "both",
            "FailoverCriteria": {"StatusCodes": items(502, 504)},
            "Members": items({"OriginId": "o1"}, {"OriginId": "bucket"}),
        }
    ),
    "DefaultCacheBehavior": BEHAVIOR,
    "CacheBehaviors": items({**BEHAVIOR, "PathPattern": "/img/*", "TargetOriginId": "both"}),
    "CustomErrorResponses": items(
        {"ErrorCode": 502, "ResponsePagePath": "/sorry.html", "ResponseCode": "200", "ErrorCachingMinTTL": 10}
    ),
    "Comment": "",
    "Enabled": True,
    "Restrictions": {"GeoRestriction": {"RestrictionType": "none", "Quantity": 0}},
}
OWN = {"Id": "E1EXAMPLE", "ARN": "arn", "Status": "Deployed", "DomainName": "d111111abcdef8.cloudfront.net"}
GET_DISTRIBUTION = {"ETag": "E2", "Distribution": {**OWN, "DistributionConfig": CONFIG}}
GET_CONFIG = {"ETag": "E2", "DistributionConfig": CONFIG}
SUMMARY = {**OWN, **CONFIG}
OTHER = {**SUMMARY, "Id": "E2EXAMPLE", "DomainName": "d222222abcdef8.cloudfront.net", "Aliases": items("b.example.org")}


def listing(*summaries: Any) -> dict[str, Any]:
    return {"DistributionList": {"Marker": "", "MaxItems": 100, "IsTruncated": False, **items(*summaries)}}


def refusal(source: Any, **options: Any) -> str:
    with pytest.raises(BadInput) as raised:
        distributions.load(source, **options)
    sentence = str(raised.value)
    assert sentence.startswith("Distribution: ")
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


@pytest.mark.parametrize(
    ("document", "identity"),
    [
        pytest.param(GET_DISTRIBUTION, "E1EXAMPLE", id="get-distribution"),
        pytest.param({**GET_DISTRIBUTION, "ResponseMetadata": {"RequestId": "1"}}, "E1EXAMPLE", id="boto3"),
        pytest.param(GET_DISTRIBUTION["Distribution"], "E1EXAMPLE", id="query Distribution"),
        pytest.param(GET_CONFIG, "", id="get-distribution-config"),
        pytest.param(CONFIG, "", id="bare config"),
        pytest.param(listing(SUMMARY), "E1EXAMPLE", id="list-distributions with one"),
        pytest.param(listing(SUMMARY)["DistributionList"], "E1EXAMPLE", id="query DistributionList"),
        pytest.param([SUMMARY], "E1EXAMPLE", id="query DistributionList.Items"),
        pytest.param(SUMMARY, "E1EXAMPLE", id="list item"),
    ],
)
def test_every_form_is_read_the_same(document: Any, identity: str) -> None:
    read = distributions.load(document)
    assert read.id == identity
    assert read.domain_name == ("d111111abcdef8.cloudfront.net" if identity else "")
    assert read.aliases == ("www.example.com", "*.example.org")
    assert read.unknown_fields == ()
    assert read.malformed == ()
    origin, bucket = read.origins
    assert (origin.id, origin.domain_name, origin.member) == ("o1", "Origin.Example.com", "custom")
    assert (origin.http_port, origin.https_port, origin.protocol_policy) == (80, 8443, "https-only")
    assert origin.ssl_protocols == ("TLSv1", "TLSv1.2")
    assert (origin.ip_address_type, origin.read_timeout, origin.connection_attempts) == ("dualstack", 60, 2)
    assert origin.client_certificate.endswith("certificate/1")
    assert origin.custom_headers == ("X-Secret",)
    assert (bucket.member, bucket.custom_headers) == ("s3", ())
    assert read.groups[0].members == ("o1", "bucket")
    assert read.groups[0].status_codes == (502, 504)
    images, default = read.behaviors
    assert (images.path_pattern, images.target_origin_id, images.is_default) == ("/img/*", "both", False)
    assert (default.path_pattern, default.is_default) == ("*", True)
    assert default.allowed_methods == ("HEAD", "GET")
    assert [(f.kind, f.name, f.event) for f in default.functions] == [
        ("lambda-edge", "auth:7", EventType.ORIGIN_REQUEST),
        ("cloudfront-function", "tidy", EventType.VIEWER_REQUEST),
    ]
    assert read.custom_error_responses[0].response_code == "200"


TEXT = json.dumps(GET_DISTRIBUTION, indent=1)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(TEXT.encode(), id="UTF-8"),
        pytest.param(TEXT.encode("utf-8-sig"), id="UTF-8 with byte order mark"),
        pytest.param(b"\xff\xfe" + TEXT.encode("utf-16-le"), id="UTF-16 of PowerShell"),
        pytest.param(b"\xfe\xff" + TEXT.encode("utf-16-be"), id="UTF-16, big end first"),
        pytest.param(TEXT.encode("utf-16-le"), id="UTF-16 without mark"),
        pytest.param(TEXT.replace("\n", "\r\n").encode(), id="CRLF"),
        pytest.param(TEXT.replace('"ETag"', '"ETag": "first", "ETag"').encode(), id="duplicate key"),
        pytest.param(TEXT.replace('"ETag"', '"A": NaN, "B": -Infinity, "C": 1e999, "ETag"').encode(), id="NaN"),
    ],
)
def test_files_in_every_encoding(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "distribution.json"
    path.write_bytes(content)
    for source in (path, str(path), content):
        assert distributions.load(source).id == "E1EXAMPLE"


def test_json_text_is_read_too() -> None:
    assert distributions.load("\n " + TEXT).id == "E1EXAMPLE"


def test_secrets_are_not_kept() -> None:
    read = distributions.load(GET_DISTRIBUTION)
    assert "hunter2" not in repr(read)
    assert read.document["Distribution"]["DistributionConfig"]["Origins"]["Items"][0]["CustomHeaders"]["Items"] == [
        {"HeaderName": "X-Secret", "HeaderValue": "[redacted]"}
    ]


@pytest.mark.parametrize("document", [GET_DISTRIBUTION, GET_CONFIG, CONFIG, SUMMARY])
def test_nothing_else_is_redacted_in_what_the_api_documents(document: Any) -> None:
    redacted = json.loads(json.dumps(document).replace("hunter2", "[redacted]"))
    assert distributions.load(document).document == redacted


def test_what_is_kept_reads_the_same_again_also_through_a_recording() -> None:
    read = distributions.load(listing(SUMMARY))
    again = msgspec.json.decode(msgspec.json.encode(read.document))
    assert distributions.load(again) == read


def test_the_value_of_an_unknown_member_is_not_kept_but_its_path_is() -> None:
    for value in ("hunter2", ["hunter2"], {"HeaderValue": "hunter2"}, 5, None):
        read = distributions.load(changed("Origins.Items.0.ApiKey", value))
        assert read.unknown_fields == ("Origins.Items[0].ApiKey",)
        assert read.document["Origins"]["Items"][0]["ApiKey"] == "[redacted]"
        assert distributions.load(read.document) == read


@pytest.mark.parametrize(
    ("path", "value", "where", "says"),
    [
        ("CustomHeaders", "X-Secret: hunter2", "CustomHeaders", "is text, not a list"),
        ("CustomHeaders", ["X-Secret: hunter2"], "CustomHeaders.Items[0]", "is text, not an object"),
        ("CustomHeaders", items("X-Secret: hunter2"), "CustomHeaders.Items[0]", "is text, not an object"),
        ("CustomHeaders", items(["hunter2"]), "CustomHeaders.Items[0]", "is a list, not an object"),
        ("DomainName", {"a": "hunter2"}, "DomainName", "is an object, not text"),
        ("DomainName", [["hunter2"], {"a": "hunter2"}], "DomainName", "is a list, not text"),
        ("CustomOriginConfig", "hunter2", "CustomOriginConfig", "is text, not an object"),
    ],
)
def test_wrong_types_are_reported_and_hide_no_secret(path: str, value: Any, where: str, says: str) -> None:
    read = distributions.load(changed(f"Origins.Items.0.{path}", value))
    assert (f"Origins.Items[0].{where}", says) in [(m.where, m.says) for m in read.malformed]
    assert "hunter2" not in repr(read)


def test_settings_that_an_origin_of_this_kind_has_not_are_unknown_and_not_read() -> None:
    read = distributions.load(changed("Origins.Items.1.S3OriginConfig.HTTPSPort", 8443))
    assert read.unknown_fields == ("Origins.Items[1].S3OriginConfig.HTTPSPort",)
    assert (read.origins[1].https_port, read.malformed) == (443, ())


def test_a_plain_list_has_the_members_of_its_items() -> None:
    behaviors = [{**BEHAVIOR, "PathPattern": "/img/*", "Tomorrow": 1}]
    read = distributions.load({**CONFIG, "CacheBehaviors": behaviors})
    assert read.unknown_fields == ("CacheBehaviors[0].Tomorrow",)
    assert read.behaviors[0].path_pattern == "/img/*"


def changed(path: str, value: Any) -> dict[str, Any]:
    """Return the document with the member at `path` replaced."""
    config = copy.deepcopy(CONFIG)
    node: Any = config
    *way, last = path.split(".")
    for key in way:
        node = node[int(key) if key.isdigit() else key]
    node[int(last) if last.isdigit() else last] = value
    return config


@pytest.mark.parametrize(
    ("path", "value", "where", "says"),
    [
        ("Aliases", "www.example.com", "Aliases", "is text, not a list"),
        ("Aliases", items("not a name"), "Aliases.Items[0]", "is 'not a name', which is not a host name"),
        ("Aliases", {"Quantity": 2, "Items": ["a.example"]}, "Aliases.Quantity", "is 2, but there are 1 Items"),
        ("Enabled", "yes", "Enabled", "is text, not true or false"),
        ("Origins.Items.0.DomainName", 7, "Origins.Items[0].DomainName", "is a number, not text"),
        ("Origins.Items.0", None, "Origins.Items[0]", "is null, not an object"),
        ("Origins.Items.1.Id", "o1", "Origins.Items[1].Id", "is 'o1', which another origin has too"),
        (
            "Origins.Items.0.CustomOriginConfig.HTTPSPort",
            "https",
            "Origins.Items[0].CustomOriginConfig.HTTPSPort",
            "is text, not a whole number",
        ),
        (
            "Origins.Items.0.CustomOriginConfig.OriginProtocolPolicy",
            "tls",
            "Origins.Items[0].CustomOriginConfig.OriginProtocolPolicy",
            "is 'tls', not one of http-only, match-viewer, https-only",
        ),
        (
            "Origins.Items.1.CustomOriginConfig",
            {},
            "Origins.Items[1]",
            "has CustomOriginConfig and S3OriginConfig of CustomOriginConfig, S3OriginConfig and VpcOriginConfig",
        ),
        (
            "DefaultCacheBehavior.FunctionAssociations",
            items({"FunctionARN": "a", "EventType": "never"}),
            "DefaultCacheBehavior.FunctionAssociations.Items[0].EventType",
            "is 'never', which is no event",
        ),
    ],
)
def test_wrong_types_are_reported_and_left_out(path: str, value: Any, where: str, says: str) -> None:
    read = distributions.load(changed(path, value))
    assert (where, says) in [(m.where, m.says) for m in read.malformed]


def test_methods_as_a_plain_list_and_ports_in_quotes_are_taken() -> None:
    read = distributions.load(changed("DefaultCacheBehavior.AllowedMethods", ["GET", "HEAD"]))
    assert read.behaviors[-1].allowed_methods == ("GET", "HEAD")
    read = distributions.load(changed("Origins.Items.0.CustomOriginConfig.HTTPSPort", "9443"))
    assert (read.origins[0].https_port, read.malformed) == (9443, ())


def test_endless_lists_are_cut_and_that_is_reported() -> None:
    origins = [{**ORIGIN, "Id": f"o{number}"} for number in range(1001)]
    read = distributions.load({**CONFIG, "Origins": items(*origins)})
    assert len(read.origins) == 1000
    assert [m.says for m in read.malformed] == ["has 1001 Items, of which 1000 are read"]


def test_unknown_members_are_reported_not_refused() -> None:
    document = changed("Origins.Items.0.CustomOriginConfig.QuantumPort", 1)
    document["Tomorrow"] = {"Any": "thing"}
    read = distributions.load({**GET_DISTRIBUTION, "Distribution": {**OWN, "New": 1, "DistributionConfig": document}})
    assert read.unknown_fields == ("New", "Origins.Items[0].CustomOriginConfig.QuantumPort", "Tomorrow")


def test_absent_settings_have_the_defaults_of_cloudfront() -> None:
    origin = {"Id": "o", "DomainName": "o.example", "CustomOriginConfig": {"OriginProtocolPolicy": "http-only"}}
    read = distributions.load({"Origins": items(origin), "DefaultCacheBehavior": {"TargetOriginId": "o"}})
    (found,) = read.origins
    assert (found.http_port, found.https_port, found.ip_address_type) == (80, 443, "ipv4")
    assert (found.connection_attempts, found.connection_timeout, found.read_timeout) == (3, 10, 30)
    assert (read.enabled, read.behaviors[0].viewer_protocol_policy) == (True, "allow-all")


@pytest.mark.parametrize(
    ("url", "identity"),
    [
        ("https://www.example.com/", "E1EXAMPLE"),
        ("https://d222222abcdef8.cloudfront.net/x", "E2EXAMPLE"),
        ("https://a.example.org/", "E1EXAMPLE"),
        ("https://b.example.org/", "E2EXAMPLE"),
    ],
)
def test_the_url_chooses_from_a_list_an_own_name_beats_a_wildcard(url: str, identity: str) -> None:
    assert distributions.load(listing(SUMMARY, OTHER), url=url).id == identity


@pytest.mark.parametrize(
    ("source", "says"),
    [
        pytest.param("/nowhere/at/all.json", "no such file: /nowhere/at/all.json", id="missing file"),
        pytest.param("E1EXAMPLE", "aws cloudfront get-distribution --id E1EXAMPLE > E1EXAMPLE.json", id="id"),
        pytest.param("arn:aws:cloudfront::111122223333:distribution/E1EXAMPLE", "--id E1EXAMPLE", id="ARN"),
        pytest.param(b"", "is empty", id="empty"),
        pytest.param(b"\xff\xff\xff", "neither UTF-8 nor UTF-16", id="binary"),
        pytest.param(b"{'Origins': 1}", "is not JSON (line 1, column 2", id="not JSON"),
        pytest.param(b'resource "aws_cloudfront_distribution" "x" {}', "it is Terraform: run `aws cloud", id="HCL"),
        pytest.param(b"Type: AWS::CloudFront::Distribution", "it is CloudFormation: run `aws cloud", id="YAML"),
        pytest.param({"Resources": {}}, "a CloudFormation template; run `aws cloudfront get-distr", id="template"),
        pytest.param(
            {"DistributionConfig": {"Origins": [{"Id": "o"}], "DefaultCacheBehavior": {}}},
            "in CloudFormation's form (Origins is a plain list)",
            id="CloudFormation properties",
        ),
        pytest.param({"terraform_version": "1"}, "is Terraform's; run", id="Terraform state"),
        pytest.param({"CachePolicy": {}}, "give it as policies", id="policy"),
        pytest.param({"kind": "cfrunbook.evidence"}, "is a recording; give it as evidence", id="recording"),
        pytest.param(b"7", "is a number, not an object", id="number"),
        pytest.param({}, "holds no CloudFront distribution", id="empty object"),
        pytest.param({"Origins": items(ORIGIN)}, "DefaultCacheBehavior is missing, not an object", id="no behavior"),
        pytest.param({**CONFIG, "Origins": "o"}, "Origins is text, not an object", id="origins of a wrong type"),
        pytest.param({**CONFIG, "Origins": NONE}, "has no origins", id="no origins"),
        pytest.param(listing(), "lists no distribution", id="empty list"),
        pytest.param(
            listing(SUMMARY, OTHER),
            "lists 2: E1EXAMPLE WWW.Example.com and E2EXAMPLE b.example.org; give the failing URL to choose one",
            id="several and no URL",
        ),
        pytest.param(b"[" * 100_000, "nested deeper than 64 levels", id="deep"),
        pytest.param(b"[" * 100 + b"]" * 100, "nested deeper than 64 levels", id="a little too deep"),
        pytest.param(b"1" * 10_000, "a number with thousands of digits", id="endless number"),
        pytest.param(b" " * (16 * 1024 * 1024 + 1), "larger than 16 MiB", id="hostile size"),
        pytest.param("a\0b", "is not a file name", id="NUL in the name"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_sentence(source: Any, says: str) -> None:
    assert says in refusal(source)


def test_a_file_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.truncate(16 * 1024 * 1024 + 1)
    assert "larger than 16 MiB" in refusal(path)


def test_a_url_that_none_or_several_of_a_list_serve() -> None:
    assert "none serves www.other.example" in refusal(listing(SUMMARY, OTHER), url="www.other.example")
    assert "more than one serves b.example.org" in refusal(listing(OTHER, OTHER), url="//b.example.org/")


def taken_or_refused(source: Any) -> Distribution | None:
    try:
        return distributions.load(source)
    except BadInput:
        assert refusal(source)
        return None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["o1", "both", "*"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
members = sorted(CONFIG)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(members), json_values, max_size=4), json_values)
def test_arbitrary_values_give_a_distribution_or_one_sentence(changes: dict[str, Any], whole: Any) -> None:
    for document in ({**CONFIG, **changes}, {"Distribution": {**OWN, "DistributionConfig": changes}}, whole):
        read = taken_or_refused(document)
        assert read is None or (read.behaviors[-1].is_default and distributions.load(read.document) == read)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200) | json_values.map(lambda v: json.dumps(v).encode()))
def test_arbitrary_bytes_give_a_distribution_or_one_sentence(content: bytes) -> None:
    taken_or_refused(content)


paths_into_origin = st.sampled_from(
    [("Id",), ("DomainName",), ("CustomHeaders",), ("CustomOriginConfig",), ("ConnectionTimeout",)]
    + [("CustomOriginConfig", key) for key in ORIGIN["CustomOriginConfig"]]
)


@settings(max_examples=150, deadline=None)
@given(paths_into_origin, json_values)
def test_arbitrary_values_inside_an_origin_are_reported_or_taken(path: tuple[str, ...], value: Any) -> None:
    origin = copy.deepcopy(ORIGIN)
    node = origin
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    read = distributions.load({**CONFIG, "Origins": items(origin, BUCKET)})
    msgspec.json.encode(read.document)
    assert len(read.origins) in (1, 2)


names = st.from_regex(r"[a-z]{1,8}\.example", fullmatch=True)


@settings(max_examples=80, deadline=None)
@given(
    origins=st.lists(st.tuples(names, st.integers(1024, 65535), st.lists(st.sampled_from(["TLSv1", "TLSv1.2"]), unique=True)), min_size=1, max_size=4),
    aliases=st.lists(names, unique=True, max_size=3),
    patterns=st.lists(st.from_regex(r"/[a-z*?/]{0,8}", fullmatch=True), max_size=3),
)  # fmt: skip
def test_items_may_be_absent_or_empty(origins: Any, aliases: list[str], patterns: list[str]) -> None:
    def document(wrap: Any) -> dict[str, Any]:
        return {
            "Aliases": wrap(aliases),
            "Origins": wrap(
                [
                    {
                        "Id": f"o{number}",
                        "DomainName": name,
                        "CustomHeaders": wrap([]),
                        "CustomOriginConfig": {
                            "HTTPPort": 80,
                            "HTTPSPort": port,
                            "OriginProtocolPolicy": "https-only",
                            "OriginSslProtocols": wrap(protocols),
                        },
                    }
                    for number, (name, port, protocols) in enumerate(origins)
                ]
            ),
            "OriginGroups": wrap([]),
            "DefaultCacheBehavior": {"TargetOriginId": "o0", "FunctionAssociations": wrap([])},
            "CacheBehaviors": wrap([{"PathPattern": pattern, "TargetOriginId": "o0"} for pattern in patterns]),
        }

    absent = distributions.load(document(lambda v: items(*v)))
    empty = distributions.load(document(lambda v: {"Quantity": len(v), "Items": list(v)}))
    assert absent.malformed == ()
    assert [(o.domain_name, o.https_port) for o in absent.origins] == [(n, p) for n, p, _ in origins]
    assert [b.path_pattern for b in absent.behaviors] == [*patterns, "*"]
    assert absent.aliases == tuple(aliases)
    for kept in ("origins", "groups", "behaviors", "aliases", "malformed", "unknown_fields"):
        assert getattr(absent, kept) == getattr(empty, kept)
