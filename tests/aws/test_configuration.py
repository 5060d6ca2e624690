"""Tier 0: a distribution by id, ARN or name, its policies, VPC origins and tenants; each part fails by itself."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from botocore.stub import Stubber

import cfrunbook as cf
from cfrunbook.aws.actions import Tier, is_declared
from cfrunbook.aws.fetching import Fetched, Request, run
from cfrunbook.aws.identity import identity, is_to_be_fetched
from cfrunbook.aws.inputs import with_fetched
from cfrunbook.aws.session import Session
from cfrunbook.errors import BadInput
from tests.aws.answers import (
    ARN,
    AT,
    ID,
    Account,
    Refused,
    behavior,
    cache_policy,
    distribution,
    items,
    origin,
    vpc_origin,
)

MINE = "11111111-2222-3333-4444-555555555555"


def fetch(account: Account, given: str = ID, **options: Any) -> Fetched:
    return cf.fetch(given, session=account.session, **{"tiers": (0,), **options})


def missing(fetched: Fetched) -> dict[str, str]:
    return {gap.what: gap.why for gap in fetched.not_examined}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (ID, ID),
        (ARN, ID),
        (f" {ID} ", ID),
        ("arn:aws-cn:cloudfront::111122223333:distribution/E1EXAMPLE", ID),
        ("dist.json", ""),
        ("www.example.com", ""),
        ("arn:aws:cloudfront::111122223333:function/x", ""),
        (None, ""),
        (7, ""),
    ],
)
def test_ids_and_arns_are_told_from_files(given: Any, found: str) -> None:
    assert identity(given) == found
    assert is_to_be_fetched(given) == bool(found)


def test_a_file_of_that_name_is_read_not_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ID).write_text("{}")
    assert not is_to_be_fetched(ID)


@pytest.mark.parametrize("given", [ID, ARN])
def test_a_distribution_becomes_an_incident(given: str) -> None:
    account = Account(GetDistribution=distribution())
    fetched = fetch(account, given)
    incident = cf.Incident.load(**fetched.inputs)
    assert [t.domain for t in incident.targets] == ["origin.example.com"]
    assert incident.distribution is not None
    assert incident.distribution.id == ID
    assert account.calls == [("cloudfront", "GetDistribution")]
    assert incident.inputs.aws == fetched.facts
    assert not fetched.not_examined


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("www.example.com", ID),
        ("WWW.example.com.", ID),
        ("d111111abcdef8.cloudfront.net", ID),
        ("a.shop.example", "E2WILD"),
    ],
)
def test_a_distribution_is_found_by_its_name_over_pages(name: str, found: str) -> None:
    def listed(given: dict[str, Any]) -> dict[str, Any]:
        summary = {
            "ARN": ARN, "Status": "Deployed", "LastModifiedTime": AT, "Comment": "", "Enabled": True, "Staging": False,
            "WebACLId": "", "HttpVersion": "http2", "IsIPV6Enabled": True, "PriceClass": "PriceClass_All",
            "Origins": items(origin("o.example")), "DefaultCacheBehavior": behavior(), "CacheBehaviors": items(),
            "CustomErrorResponses": items(), "ViewerCertificate": {}, "Restrictions": {"GeoRestriction": {"RestrictionType": "none", "Quantity": 0}},
        }  # fmt: skip
        first = {**summary, "Id": "E2WILD", "DomainName": "d2.cloudfront.net", "Aliases": items("*.shop.example")}
        last = {**summary, "Id": ID, "DomainName": "d111111abcdef8.cloudfront.net", "Aliases": items("www.example.com")}
        page = {"Marker": "", "MaxItems": 100, "IsTruncated": "Marker" not in given, "Quantity": 1}
        more = {} if "Marker" in given else {"NextMarker": "next"}
        return {"DistributionList": {**page, **more, "Items": [last if "Marker" in given else first]}}

    account = Account(
        GetDistribution=lambda p: distribution() if p["Id"] == found else Refused("NoSuchDistribution", 404)
    )
    account.answers["ListDistributions"] = listed
    fetch(account, name)
    assert account.asked("GetDistribution") == [{"Id": found}]
    with pytest.raises(BadInput, match=r"has the name other\.example; give its id"):
        fetch(account, "other.example")


def test_an_id_that_does_not_exist_is_bad_input() -> None:
    account = Account(GetDistribution=Refused("NoSuchDistribution", 404))
    with pytest.raises(BadInput, match="has no distribution E1EXAMPLE; look at the id, and at the account"):
        fetch(account)


@pytest.mark.parametrize("given", ["", "  ", None, 7])
def test_nothing_given_is_bad_input(given: Any) -> None:
    with pytest.raises(BadInput, match="give an id, an ARN or a name"):
        fetch(Account(), given)


@pytest.mark.parametrize("options", [{"tiers": (9,)}, {"deadline": 0}, {"deadline": 1e9}, {"url": "ftp://x"}])
def test_options_that_cannot_be_used_are_bad_input(options: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        fetch(Account(GetDistribution=distribution()), **options)


def test_custom_policies_are_fetched_and_managed_ones_are_known() -> None:
    default = behavior(CachePolicyId=MINE, OriginRequestPolicyId="216adef6-5c7f-47e4-b989-5492eafa07d3")
    account = Account(GetDistribution=distribution(default=default), GetCachePolicy=cache_policy(MINE, "host"))
    fetched = fetch(account)
    assert account.asked("GetCachePolicy") == [{"Id": MINE}]
    assert not account.asked("GetOriginRequestPolicy")
    incident = cf.Incident.load(**fetched.inputs)
    assert incident.policies.cache[MINE].forwards("host")


def test_a_policy_that_may_not_be_read_leaves_the_rest() -> None:
    account = Account(GetDistribution=distribution(default=behavior(CachePolicyId=MINE)))
    fetched = fetch(account)
    assert missing(fetched) == {
        f"cache policy {MINE}": "needs cloudfront:GetCachePolicy, which these credentials do not have"
    }
    assert fetched.distribution is not None
    incident = cf.Incident.load(**fetched.inputs)
    assert incident.targets


def test_a_policy_that_cannot_be_read_leaves_the_rest() -> None:
    other = "22222222-2222-3333-4444-555555555555"
    account = Account(
        GetDistribution=distribution(
            default=behavior(CachePolicyId=MINE),
            CacheBehaviors=items({**behavior(CachePolicyId=other), "PathPattern": "/a"}),
        ),
        GetCachePolicy=lambda p: {"CachePolicy": {"Id": 7}} if p["Id"] == MINE else cache_policy(other),
    )
    account.unchecked.add("GetCachePolicy")
    fetched = fetch(account)
    assert [p["CachePolicy"]["Id"] for p in fetched.policies] == [other]
    assert "was not understood" in next(iter(missing(fetched).values()))


def test_vpc_origins_are_fetched() -> None:
    config = {"Name": "x", "Arn": "arn:aws:ec2:eu-west-1:111122223333:instance/i-1", "HTTPPort": 80, "HTTPSPort": 8443, "OriginProtocolPolicy": "https-only"}  # fmt: skip
    answer = {"VpcOrigin": {"Id": "vo_1", "Arn": "x", "Status": "Deployed", "CreatedTime": AT, "LastModifiedTime": AT, "VpcOriginEndpointConfig": config}}  # fmt: skip
    account = Account(GetDistribution=distribution(vpc_origin("in.example")), GetVpcOrigin=answer)
    incident = cf.Incident.load(**fetch(account).inputs)
    assert incident.policies.vpc_origins["vo_1"].https_port == 8443


def test_the_continuous_deployment_policy_is_fetched() -> None:
    traffic = {"Type": "SingleWeight", "SingleWeightConfig": {"Weight": 0.05}}
    config = {"StagingDistributionDnsNames": items("d9.cloudfront.net"), "Enabled": True, "TrafficConfig": traffic}
    policy = {"Id": "p1", "LastModifiedTime": AT, "ContinuousDeploymentPolicyConfig": config}
    account = Account(
        GetDistribution=distribution(ContinuousDeploymentPolicyId="p1"),
        GetContinuousDeploymentPolicy={"ContinuousDeploymentPolicy": policy},
    )
    incident = cf.Incident.load(**fetch(account).inputs)
    assert incident.policies.continuous["p1"].requests == "5 % of the requests"


@pytest.mark.parametrize("code", ["AccessDenied", "ExpiredToken", "Throttling"])
def test_a_distribution_that_could_not_be_had_is_said(code: str) -> None:
    account = Account(GetDistribution=Refused(code, 400))
    fetched = fetch(account)
    assert fetched.distribution is None
    assert list(missing(fetched)) == [f"distribution {ID}"]
    assert set(fetched.inputs) == {"aws"}


@pytest.mark.parametrize(
    "hostile",
    [
        {"Distribution": None},
        {"Distribution": {"DistributionConfig": {"Origins": "x"}}},
        {
            "Distribution": {
                "DistributionConfig": {"Origins": {"Quantity": 1, "Items": [7]}, "DefaultCacheBehavior": {}}
            }
        },
        {},
        {"Distribution": [[[]]]},
    ],
)
def test_a_hostile_distribution_is_one_sentence(hostile: dict[str, Any]) -> None:
    account = Account(GetDistribution=hostile)
    account.unchecked.add("GetDistribution")
    with pytest.raises(BadInput, match="Distribution: "):
        fetch(account)


def test_secrets_in_the_configuration_are_not_kept() -> None:
    secret = origin("o.example", CustomHeaders=items({"HeaderName": "X-Secret", "HeaderValue": "hunter2"}))
    fetched = fetch(Account(GetDistribution=distribution(secret)))
    assert "hunter2" not in repr(fetched)


# --- tenants ------------------------------------------------------------------------------------------------------

TENANT = {
    "DistributionTenant": {
        "Id": "dt_1", "DistributionId": ID, "Name": "blue", "Enabled": True, "Status": "Deployed",
        "Domains": [{"Domain": "blue.example", "Status": "active"}], "ConnectionGroupId": "cg_1",
        "Parameters": [{"Name": "tenant", "Value": "blue"}],
    }
}  # fmt: skip


def multi_tenant(domain: str = "{{tenant}}.{{ zone }}") -> dict[str, Any]:
    definition = {
        "Name": "zone",
        "Definition": {"StringSchema": {"Required": False, "DefaultValue": "origins.example"}},
    }
    return distribution(
        origin(domain),
        Aliases=items(),
        ConnectionMode="tenant-only",
        TenantConfig={"ParameterDefinitions": [definition]},
    )


def test_a_tenant_fills_in_its_origin() -> None:
    account = Account(
        GetDistribution=multi_tenant(),
        GetDistributionTenantByDomain=TENANT,
        GetConnectionGroup={"ConnectionGroup": {"Id": "cg_1", "Enabled": False}},
    )
    fetched = fetch(account, url="https://blue.example/x")
    incident = cf.Incident.load(**fetched.inputs, url="https://blue.example/x")
    assert [t.domain for t in incident.targets] == ["blue.origins.example"]
    assert fetched.facts.tenant is not None
    assert (fetched.facts.tenant.domain_status, fetched.facts.tenant.group_enabled) == ("active", False)
    assert fetched.facts.tenant.parameters == ("tenant",)


def test_a_parameter_without_a_value_stays() -> None:
    account = Account(GetDistribution=multi_tenant("{{other}}.example"), GetDistributionTenantByDomain=TENANT)
    fetched = fetch(account, url="https://blue.example/x")
    assert "{{other}}.example" in repr(fetched.distribution)
    assert "needs cloudfront:GetConnectionGroup" in missing(fetched)["connection group cg_1"]


def test_a_tenant_that_may_not_be_read_is_said_and_one_of_another_distribution_refused() -> None:
    url = "https://blue.example/x"
    assert "the tenant that serves blue.example" in missing(fetch(Account(GetDistribution=multi_tenant()), url=url))
    other = {"DistributionTenant": {**TENANT["DistributionTenant"], "DistributionId": "E9OTHER"}}
    with pytest.raises(BadInput, match=r"blue\.example is served by a tenant of E9OTHER, not of E1EXAMPLE"):
        fetch(Account(GetDistribution=multi_tenant(), GetDistributionTenantByDomain=other), url=url)


# --- with botocore's Stubber, and all tiers -----------------------------------------------------------------------


def test_calls_and_answers_are_as_awss_model_says() -> None:
    session = Session(Account().session, seconds=5)
    with Stubber(session.client("cloudfront")) as stub:
        stub.add_response("get_distribution", distribution(default=behavior(CachePolicyId=MINE)), {"Id": ID})
        stub.add_response("get_cache_policy", cache_policy(MINE), {"Id": MINE})
        fetched = run(session, Request(ID, "", "", "", AT, frozenset({Tier.CONFIGURATION})), workers=1)
        stub.assert_no_pending_responses()
    assert [p["CachePolicy"]["Id"] for p in fetched.policies] == [MINE]


def test_throttling_is_tried_again_and_then_said() -> None:
    session = Session(Account().session, seconds=5)
    with Stubber(session.client("cloudfront")) as stub:
        stub.add_response("get_distribution", distribution(default=behavior(CachePolicyId=MINE)), {"Id": ID})
        stub.add_client_error("get_cache_policy", "Throttling", http_status_code=400)
        fetched = run(session, Request(ID, "", "", "", AT, frozenset({Tier.CONFIGURATION})), workers=1)
    assert missing(fetched) == {f"cache policy {MINE}": "AWS limits how often this may be asked (Throttling)"}


@pytest.mark.parametrize("tier", Tier)
def test_a_tier_that_is_not_allowed_is_said_and_never_fails_the_run(tier: Tier) -> None:
    function = {
        "LambdaFunctionARN": "arn:aws:lambda:us-east-1:111122223333:function:auth:7",
        "EventType": "origin-request",
    }
    edge = {"FunctionARN": "arn:aws:cloudfront::111122223333:function/rewrite", "EventType": "viewer-request"}
    document = distribution(
        origin("shop.example.com"),
        origin("shop-1.eu-west-1.elb.amazonaws.com", "alb"),
        default=behavior(
            CachePolicyId=MINE, LambdaFunctionAssociations=items(function), FunctionAssociations=items(edge)
        ),
        CacheBehaviors=items({**behavior("alb"), "PathPattern": "/api/*"}),
    )
    account = Account(GetDistribution=document)
    fetched = fetch(account, tiers=(tier,))
    assert fetched.distribution is not None
    assert fetched.not_examined
    for gap in fetched.not_examined:
        assert gap.why.startswith("needs "), gap
        assert f"cfrunbook aws policy --tier {tier.value}" in gap.next_check or "--tier 0" in gap.next_check
    assert all(is_declared(service, operation) for service, operation in account.calls)
    assert cf.Incident.load(**fetched.inputs).targets


def test_what_is_not_answered_in_time_is_said() -> None:
    def late(_: dict[str, Any]) -> dict[str, Any]:
        time.sleep(3)
        return cache_policy(MINE)

    account = Account(GetDistribution=distribution(default=behavior(CachePolicyId=MINE)), GetCachePolicy=late)
    fetched = fetch(account, deadline=1)
    assert missing(fetched) == {f"cache policy {MINE}": "AWS did not answer within the time allowed"}
    assert fetched.policies == ()


def test_a_defect_in_a_step_is_not_hidden() -> None:
    account = Account(GetDistribution=distribution(default=behavior(CachePolicyId=MINE)))

    def broken(*_: Any) -> None:
        raise ZeroDivisionError

    from cfrunbook.aws.steps import Steps

    steps = Steps(Session(account.session, seconds=5))
    steps.start("x", broken)
    with pytest.raises(ZeroDivisionError):
        steps.wait()


def test_progress_is_told() -> None:
    lines: list[str] = []
    account = Account(
        GetDistribution=distribution(default=behavior(CachePolicyId=MINE)), GetCachePolicy=cache_policy(MINE)
    )
    fetch(account, progress=lines.append)
    assert lines == [f"AWS: cache policy {MINE}"]


# --- the door -----------------------------------------------------------------------------------------------------


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    found = Account(
        GetDistribution=distribution(default=behavior(CachePolicyId=MINE)), GetCachePolicy=cache_policy(MINE)
    )
    monkeypatch.setattr("cfrunbook.aws.fetching.open_session", lambda *_: found.session)
    return found


def test_an_id_is_fetched_and_everything_else_stays(account: Account) -> None:
    arguments = with_fetched(distribution=ID, url="https://www.example.com/", policies=[cache_policy("own")], host=None)
    assert arguments["url"] == "https://www.example.com/"
    incident = cf.Incident.load(**arguments)
    assert {MINE, "own"} <= set(incident.policies.cache)
    assert incident.inputs.aws is not None
    assert incident.inputs.aws.not_fetched


@pytest.mark.parametrize(
    "given",
    [
        {"distribution": "dist.json"},
        {"origin": "x.example"},
        {"distribution": distribution()},
        {"distribution": ID, "evidence": "e.json"},
        {},
    ],
)
def test_nothing_is_fetched_unless_an_id_is_given(account: Account, given: dict[str, Any]) -> None:
    assert with_fetched(**given) == given
    assert not account.calls


def test_without_a_distribution_or_an_origin_there_is_nothing_to_examine(account: Account) -> None:
    account.answers["GetDistribution"] = Refused("AccessDenied", 403)
    with pytest.raises(BadInput, match="E1EXAMPLE could not be fetched: needs cloudfront:GetDistribution"):
        with_fetched(distribution=ID)
    incident = cf.Incident.load(**with_fetched(distribution=ID, origin="o.example"))
    assert [t.domain for t in incident.targets] == ["o.example"]


def test_facts_of_something_else_are_bad_input() -> None:
    with pytest.raises(BadInput, match=r"AWS: give what `cfrunbook\.fetch` returns"):
        cf.Incident.load(origin="x.example", aws={"a": 1})  # type: ignore[arg-type]


def test_facts_travel_in_a_recording(account: Account, tmp_path: Path) -> None:
    incident = cf.Incident.load(**with_fetched(distribution=ID))
    observations = cf.Observations(recorded_at=AT, inputs=incident.inputs)
    observations.save(tmp_path / "evidence.json")
    again = cf.Incident.load(evidence=tmp_path / "evidence.json")
    assert again.inputs.aws == incident.inputs.aws
