"""Edge functions in a distribution: what CloudFront refuses, what it does not support, and what runs when."""

from __future__ import annotations

import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.causes import distribution as cause
from cfrunbook.causes.distribution_function_rules import REFUSALS, RULES
from cfrunbook.cloudfront import distribution_reader
from cfrunbook.errors import BadInput
from cfrunbook.findings import Finding, Status

ACCOUNT = "111122223333"
LAMBDA = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:auth"
FUNCTION = f"arn:aws:cloudfront::{ACCOUNT}:function/tidy"
EVENTS = ("viewer-request", "origin-request", "origin-response", "viewer-response")
CLIENT_CERTIFICATE = {"ClientCertificateArn": f"arn:aws:acm:us-east-1:{ACCOUNT}:certificate/1"}
REFUSED = {rule.code for rule in REFUSALS.values()}


def items(*values: Any) -> dict[str, Any]:
    return {"Quantity": len(values), "Items": list(values)} if values else {"Quantity": 0}


def at(event: str, arn: str = f"{LAMBDA}:7", **more: Any) -> dict[str, Any]:
    return {"LambdaFunctionARN": arn, "EventType": event, **more}


def tidy(event: str, arn: str = FUNCTION) -> dict[str, Any]:
    return {"FunctionARN": arn, "EventType": event}


def document(
    *functions: dict[str, Any], origin: dict[str, Any] | None = None, arn: str = ACCOUNT, **behavior: Any
) -> dict[str, Any]:
    config = {"CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}}
    settings = {
        "TargetOriginId": "web", "ViewerProtocolPolicy": "redirect-to-https",
        "CachePolicyId": "658327ea-f89d-4fab-a63d-7e88639e58f6",
        "LambdaFunctionAssociations": items(*(f for f in functions if "LambdaFunctionARN" in f)),
        "FunctionAssociations": items(*(f for f in functions if "FunctionARN" in f)),
        **behavior,
    }  # fmt: skip
    return {
        "Distribution": {
            "Id": "E1EXAMPLE", "ARN": f"arn:aws:cloudfront::{arn}:distribution/E1EXAMPLE" if arn else "",
            "DomainName": "d111111abcdef8.cloudfront.net", "Status": "Deployed",
            "DistributionConfig": {
                "Aliases": items("www.example.com"), "Enabled": True, "DefaultCacheBehavior": settings,
                "Origins": items({"Id": "web", "DomainName": "origin.example.com", **(origin or config)}),
                "CacheBehaviors": items({**settings, "PathPattern": "/api/*"}),
            },
        }
    }  # fmt: skip


def judge(source: dict[str, Any], url: str = "https://www.example.com/") -> list[Finding]:
    return list(cause.judge(distribution_reader.load(source), url=url))


def shown(found: list[Finding], where: str = "DefaultCacheBehavior") -> dict[str, Finding]:
    return {f.code.removeprefix("distribution."): f for f in found if f.data["where"].startswith(where)}


VERSION = "names no published version: "
# Associations, and the codes and a part of the title that they give.
MISTAKES: list[tuple[str, list[dict[str, Any]], dict[str, str]]] = [
    ("$LATEST", [at("viewer-request", f"{LAMBDA}:$LATEST")], {"unversioned": f"{VERSION}the qualifier is '$LATEST'"}),
    ("alias", [at("viewer-request", f"{LAMBDA}:live")], {"unversioned": f"{VERSION}the qualifier is 'live'"}),
    ("alias of digits", [at("viewer-request", f"{LAMBDA}:007")], {"unversioned": f"{VERSION}the qualifier is '007'"}),
    ("no version", [at("origin-response", LAMBDA)], {"unversioned": f"{VERSION}there is no version"}),
    (
        "another region", [at("origin-request", f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:auth:7")],
        {"region": "is in eu-west-1; Lambda@Edge takes functions of us-east-1 only"},
    ),
    (
        "another region and no version", [at("origin-request", f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:auth")],
        {"region": "is in eu-west-1", "unversioned": "there is no version"},
    ),
    (
        "another account", [at("viewer-response", "arn:aws:lambda:us-east-1:999999999999:function:auth:7")],
        {"other_account": "999999999999, not 111122223333"},
    ),
    (
        "another account's function", [tidy("viewer-response", "arn:aws:cloudfront::999999999999:function/tidy")],
        {"other_account": "999999999999, not 111122223333"},
    ),
    ("no ARN", [at("viewer-request", "")], {"arn_malformed": "stands '', which is not the ARN of a Lambda@Edge function"}),
    ("a name", [tidy("viewer-request", "tidy")], {"arn_malformed": "which is not the ARN of a CloudFront Function"}),
    ("too long", [tidy("viewer-request", FUNCTION + "x" * 61)], {"arn_malformed": "is not the ARN of"}),
    ("kinds exchanged", [tidy("viewer-request", f"{LAMBDA}:7")], {"arn_malformed": "is not the ARN of a CloudFront"}),
    (
        "a function URL", [at("viewer-request", "https://a.lambda-url.us-east-1.on.aws/")],
        {"arn_malformed": "is not the ARN of a Lambda@Edge function"},
    ),
    ("body of a response", [at("origin-response", IncludeBody=True)], {"body_of_response": "asks for the body"}),
    ("function at the origin", [tidy("origin-response")], {"wrong_event": "tidy of the default cache behavior is at"}),
    (
        "twice", [tidy("viewer-request"), tidy("viewer-request", f"{FUNCTION}-2")],
        {"event_twice": "has 2 functions at viewer-request: CloudFront Function tidy and CloudFront Function tidy-2"},
    ),
    (
        "both kinds at one event", [at("viewer-request"), tidy("viewer-request")],
        {"event_twice": "2 functions at viewer-request", "kinds_mixed": "both kinds"},
    ),
    (
        "both kinds, request and response", [at("viewer-response"), tidy("viewer-request")],
        {"kinds_mixed": "tidy at viewer-request, Lambda@Edge function auth:7 at viewer-response"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("functions", "wanted"), [m[1:] for m in MISTAKES], ids=[m[0] for m in MISTAKES])
def test_what_cloudfront_refuses_is_information(functions: list[dict[str, Any]], wanted: dict[str, str]) -> None:
    found = shown(judge(document(*functions)))
    assert found.keys() == {f"function_{code}" for code in wanted}
    for code, part in wanted.items():
        finding = found[f"function_{code}"]
        assert finding.status is Status.INFO
        assert finding.cloudfront_status is None
        assert finding.title.startswith("CloudFront refuses this: ")
        assert part in finding.title
        assert "no cause of a 502" in finding.meaning
        complete(finding)


def complete(finding: Finding) -> None:
    assert finding.title.endswith(".")
    assert finding.source.startswith("https://docs.aws.amazon.com/")
    assert all(e.observation == "input:distribution" and e.says for e in finding.evidence)
    for command in (finding.reproduce, finding.verify.command, *(s.command for s in finding.remedy.steps)):
        shlex.split(command, comments=True)


FINE: list[tuple[str, list[dict[str, Any]]]] = [
    ("no function", []),
    ("a version", [at("viewer-request", IncludeBody=True)]),
    ("Lambda@Edge everywhere", [at(event) for event in EVENTS]),
    (
        "functions at the viewer, Lambda@Edge at the origin",
        [tidy(EVENTS[0]), at(EVENTS[1]), at(EVENTS[2]), tidy(EVENTS[3])],
    ),
    ("China", [at("viewer-request", f"arn:aws-cn:lambda:cn-north-1:{ACCOUNT}:function:auth:7")]),
]


@pytest.mark.parametrize("functions", [f[1] for f in FINE], ids=[f[0] for f in FINE])
def test_what_cloudfront_takes(functions: list[dict[str, Any]]) -> None:
    found = judge(document(*functions))
    assert not {f.code for f in found} & REFUSED
    assert any(f.status is Status.OK for f in found)
    # whose the distribution is, only get-distribution says
    unknown = document(*functions, arn="")
    assert not {f.code for f in judge(unknown)} & REFUSED


def test_a_configuration_that_is_refused_is_not_called_free_of_mistakes() -> None:
    assert not any(f.status is Status.OK for f in judge(document(at("viewer-request", LAMBDA))))


def test_the_account_is_compared_only_where_it_is_known() -> None:
    other = at("viewer-response", "arn:aws:lambda:us-east-1:999999999999:function:auth:7")
    assert "distribution.function_other_account" not in {f.code for f in judge(document(other, arn=""))}


def test_what_is_met_is_said_in_order_with_when_it_runs() -> None:
    functions = [tidy("viewer-response"), at("origin-response"), at("origin-request"), tidy("viewer-request")]
    found = shown(judge(document(*functions)))
    met = found["functions_met"]
    assert met.data["functions"] == [
        "CloudFront Function tidy at viewer-request", "Lambda@Edge function auth:7 at origin-request",
        "Lambda@Edge function auth:7 at origin-response", "CloudFront Function tidy at viewer-response",
    ]  # fmt: skip
    assert (
        "tidy at viewer-response runs for every answer, cached ones too; not where the origin answers 400"
        in met.meaning
    )
    assert "auth:7 at origin-response runs for every answer of the origin, errors included" in met.meaning
    after = found["function_after_dns"]
    assert after.title.endswith("runs only after CloudFront has resolved origin.example.com.")
    assert "CloudFront answers 502" in after.meaning


def test_behaviors_with_the_same_functions_are_one_finding_without_a_url() -> None:
    found = [f for f in judge(document(at("origin-response")), url="") if f.code == "distribution.functions_met"]
    assert [f.data["behaviors"] for f in found] == [["the cache behavior /api/*", "the default cache behavior"]]


VPC = {"VpcOriginConfig": {"VpcOriginId": "vo_1"}}
MUTUAL_TLS = {"CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only",
                                     "OriginMtlsConfig": CLIENT_CERTIFICATE}}  # fmt: skip
# Origin, function, whether gRPC is allowed: the codes that are warnings, and those that are information.
UNSUPPORTED: list[tuple[dict[str, Any] | None, dict[str, Any] | None, bool, set[str], set[str]]] = [
    (None, at("origin-request"), True, set(), {"functions_met", "function_after_dns"}),
    (VPC, at("origin-request"), False, {"function_with_vpc_origin"}, {"functions_met"}),
    (VPC, at("viewer-request"), False, set(), {"functions_met"}),
    (VPC, tidy("viewer-request"), False, set(), {"functions_met", "function_moves_vpc_origin"}),
    (VPC, tidy("viewer-response"), True, {"grpc_with_vpc_origin"}, {"functions_met"}),
    (MUTUAL_TLS, at("origin-response"), True, {"function_with_mutual_tls", "grpc_with_mutual_tls"}, {"functions_met"}),
    (MUTUAL_TLS, tidy("viewer-request"), False, set(), {"functions_met"}),
    (MUTUAL_TLS, None, True, {"grpc_with_mutual_tls"}, set()),
]


@pytest.mark.parametrize(("origin", "function", "grpc", "warnings", "infos"), UNSUPPORTED)
def test_what_is_not_supported_with_an_origin(
    origin: dict[str, Any] | None,
    function: dict[str, Any] | None,
    grpc: bool,
    warnings: set[str],
    infos: set[str],
) -> None:
    functions = [function] if function else []
    found = shown(judge(document(*functions, origin=origin, GrpcConfig={"Enabled": grpc})))
    assert {code for code, f in found.items() if f.status is Status.WARNING} == warnings
    assert {code for code, f in found.items() if f.status is Status.INFO} == infos
    for finding in found.values():
        complete(finding)


def test_every_result_code_is_tried_here() -> None:
    tried = {f"function_{code}" for _, _, wanted in MISTAKES for code in wanted}
    for *_, warnings, infos in UNSUPPORTED:
        tried |= warnings | infos
    assert {f"distribution.{code}" for code in tried} == {rule.code for rule in RULES}


arns = st.one_of(
    st.text(max_size=30),
    st.sampled_from([f"{LAMBDA}:7", LAMBDA, FUNCTION, f"{LAMBDA}:x'; rm -rf / #", f"{LAMBDA}:7\n", "\x1b[2J"]),
)


@given(
    st.lists(
        st.builds(at, st.sampled_from(EVENTS), arns, IncludeBody=st.booleans())
        | st.builds(tidy, st.sampled_from(EVENTS), arns),
        max_size=5,
    ),
    st.sampled_from([None, VPC, MUTUAL_TLS]),
    st.booleans(),
)
def test_whatever_stands_there_every_finding_is_complete(
    functions: list[dict[str, Any]], origin: dict[str, Any] | None, grpc: bool
) -> None:
    try:
        found = judge(document(*functions, origin=origin, GrpcConfig={"Enabled": grpc}))
    except BadInput:
        return
    for finding in found:
        complete(finding)
        assert finding.status is not Status.FAULT
        assert not set("\x1b\n\0") & set(finding.title + finding.meaning)
