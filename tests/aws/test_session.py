"""The session: boto3's own ways to credentials, no call outside the table, every failure a value with its reason."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import exceptions
from botocore.stub import Stubber

from cfrunbook.aws.session import AwsError, Reason, Session, UndeclaredCall, open_session
from cfrunbook.errors import BadInput
from tests.aws.answers import Account, Refused

CODES: list[tuple[Exception, Reason]] = [
    (Refused("AccessDenied", 403), Reason.DENIED),
    (Refused("AccessDeniedException", 400), Reason.DENIED),
    (Refused("UnauthorizedOperation", 403), Reason.DENIED),
    (Refused("SomethingNew", 403), Reason.DENIED),
    (Refused("ExpiredToken", 403), Reason.EXPIRED),
    (Refused("ExpiredTokenException", 400), Reason.EXPIRED),
    (Refused("InvalidClientTokenId", 403), Reason.REJECTED),
    (Refused("UnrecognizedClientException", 400), Reason.REJECTED),
    (Refused("Throttling", 400), Reason.THROTTLED),
    (Refused("TooManyRequestsException", 429), Reason.THROTTLED),
    (Refused("Odd", 429), Reason.THROTTLED),
    (Refused("NoSuchDistribution", 404), Reason.NOT_FOUND),
    (Refused("com.amazonaws#ResourceNotFoundException", 400), Reason.NOT_FOUND),
    (Refused("404", 404), Reason.NOT_FOUND),
    (Refused("InternalError", 500), Reason.FAILED),
    (exceptions.EndpointConnectionError(endpoint_url="https://x"), Reason.UNREACHABLE),
    (exceptions.ConnectTimeoutError(endpoint_url="https://x"), Reason.OUT_OF_TIME),
    (exceptions.ReadTimeoutError(endpoint_url="https://x"), Reason.OUT_OF_TIME),
    (exceptions.TokenRetrievalError(provider="sso", error_msg="x"), Reason.EXPIRED),
    (exceptions.NoCredentialsError(), Reason.REJECTED),
    (ValueError("what a parser says of a hostile answer"), Reason.UNREADABLE),
    (RecursionError(), Reason.UNREADABLE),
]


@pytest.mark.parametrize(("raised", "reason"), CODES, ids=lambda value: str(value)[:40])
def test_every_failure_has_a_reason_and_says_what_to_do(raised: Exception, reason: Reason) -> None:
    account = Account(GetCachePolicy=raised)
    session = Session(account.session, seconds=5)
    with pytest.raises(AwsError) as caught:
        session.call("cloudfront", "GetCachePolicy", Id="x")
    assert caught.value.reason is reason
    missed = caught.value.not_examined("cache policy x")
    assert missed.what == "cache policy x"
    assert missed.why
    assert missed.next_check.endswith(".")
    assert "{" not in missed.why + missed.next_check


def test_a_missing_permission_is_named_with_the_policy_and_the_command() -> None:
    session = Session(Account().session, seconds=5)
    with pytest.raises(AwsError) as caught:
        session.call("elbv2", "DescribeTargetHealth", TargetGroupArn="arn")
    missed = caught.value.not_examined("x")
    assert "needs elasticloadbalancing:DescribeTargetHealth" in missed.why
    assert "cfrunbook aws policy --tier 3" in missed.next_check
    assert "aws elbv2 describe-target-health --target-group-arn ARN" in missed.next_check


def test_no_call_outside_the_table_leaves() -> None:
    account = Account(DeleteDistribution={})
    client = Session(account.session, seconds=5).client("cloudfront")
    with pytest.raises(UndeclaredCall, match="cloudfront:DeleteDistribution"):
        client.delete_distribution(Id="E1EXAMPLE", IfMatch="x")
    assert not account.calls


def test_an_undeclared_call_of_ours_is_a_defect() -> None:
    with pytest.raises(KeyError):
        Session(Account().session, seconds=5).call("cloudfront", "UpdateDistribution")


def test_nothing_is_asked_when_the_time_is_over() -> None:
    account = Account(GetCachePolicy={})
    with pytest.raises(AwsError) as caught:
        Session(account.session, seconds=0).call("cloudfront", "GetCachePolicy", Id="x")
    assert caught.value.reason is Reason.OUT_OF_TIME
    assert not account.calls


def test_times_and_attempts_are_bounded() -> None:
    config = Session(Account().session, seconds=5).client("cloudfront").meta.config
    assert config.connect_timeout == 4.0
    assert config.read_timeout == 5.0
    assert config.retries["total_max_attempts"] == 3
    assert "cfrunbook/" in config.user_agent_extra


def test_answers_come_without_metadata() -> None:
    answer = Session(Account(GetMonitoringSubscription={}).session, seconds=5).call(
        "cloudfront", "GetMonitoringSubscription", DistributionId="x"
    )
    assert answer == {}


def test_pages_are_followed_in_order_with_botocores_stubber() -> None:
    session = Session(Account().session, seconds=5)
    with Stubber(session.client("elbv2")) as stub:
        first = {"TargetGroups": [{"TargetGroupName": "a"}], "NextMarker": "more"}
        stub.add_response("describe_target_groups", first, {"LoadBalancerArn": "lb"})
        last = {"TargetGroups": [{"TargetGroupName": "b"}]}
        stub.add_response("describe_target_groups", last, {"LoadBalancerArn": "lb", "Marker": "more"})
        found, more = session.pages(
            "elbv2", "DescribeTargetGroups", "TargetGroups", marks=("Marker", "NextMarker"), LoadBalancerArn="lb"
        )
        stub.assert_no_pending_responses()
    assert [group["TargetGroupName"] for group in found] == ["a", "b"]
    assert not more


@pytest.mark.parametrize("endless", [lambda p: "same", lambda p: str(int(p.get("Marker", 0)) + 1)])
def test_a_listing_without_end_is_left(endless: Any) -> None:
    account = Account(DescribeTargetGroups=lambda p: {"TargetGroups": [{}], "NextMarker": endless(p)})
    found, more = Session(account.session, seconds=5).pages(
        "elbv2", "DescribeTargetGroups", "TargetGroups", marks=("Marker", "NextMarker"), most=5
    )
    assert more
    assert len(found) <= 5


@pytest.mark.parametrize("listed", [None, "x", 7, [None, 3, "x"], {"a": 1}])
def test_a_listing_of_something_else_is_empty(listed: Any) -> None:
    account = Account(DescribeTargetGroups={"TargetGroups": listed, "NextMarker": 7})
    account.unchecked.add("DescribeTargetGroups")
    session = Session(account.session, seconds=5)
    marks = ("Marker", "NextMarker")
    assert session.pages("elbv2", "DescribeTargetGroups", "TargetGroups", marks=marks) == ([], False)


def test_an_answer_that_is_no_object_is_unreadable() -> None:
    account = Account(GetCachePolicy=lambda _: ["x"])
    account.unchecked.add("GetCachePolicy")
    with pytest.raises(AwsError) as caught:
        Session(account.session, seconds=5).call("cloudfront", "GetCachePolicy", Id="x")
    assert caught.value.reason is Reason.UNREADABLE


# --- credentials, as boto3's users expect -------------------------------------------------------------------------


def test_without_credentials_one_sentence() -> None:
    with pytest.raises(BadInput, match="AWS: no credentials were found; set AWS_PROFILE"):
        open_session()


def test_a_profile_that_is_none_is_named() -> None:
    with pytest.raises(BadInput, match="there is no profile gone; `aws configure list-profiles`"):
        open_session("gone")


def test_a_configuration_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("[profile x\nregion")
    with pytest.raises(BadInput, match="AWS: the configuration cannot be used"):
        open_session("x")


def test_a_profile_brings_region_and_credentials(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("[profile shop]\nregion = eu-north-1\n")
    (tmp_path / "credentials").write_text("[shop]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = x\n")
    session = Session(open_session("shop"), seconds=5)
    assert (session.profile, session.region, session.home) == ("shop", "eu-north-1", "us-east-1")
    assert Session(open_session("shop", "ap-south-1"), seconds=5).region == "ap-south-1"


def test_in_china_cloudfront_lives_elsewhere() -> None:
    boto = boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="cn-north-1")
    assert Session(boto, seconds=5).home == "cn-northwest-1"


def test_an_sso_session_that_has_ended_says_how_to_sign_in(tmp_path: Path) -> None:
    (tmp_path / "config").write_text(
        "[profile shop]\nsso_session = corp\nsso_account_id = 111122223333\nsso_role_name = Look\n"
        "[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.example/start\n"
    )
    with pytest.raises(BadInput, match="SSO session of profile shop has ended: run `aws sso login --profile shop`"):
        open_session("shop")


def test_a_role_is_assumed_as_the_profile_says(endpoint: str, tmp_path: Path) -> None:
    (tmp_path / "config").write_text(
        "[profile shop]\nrole_arn = arn:aws:iam::123456789012:role/look\ncredential_source = Environment\n"
        "region = eu-west-1\n"
    )
    boto = open_session("shop")
    assert boto.get_credentials().method == "assume-role"
    assert boto.client("sts").get_caller_identity()["Arn"].startswith("arn:aws:sts::123456789012:assumed-role/look/")


def test_a_role_that_may_not_be_assumed_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("[profile shop]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = gone\n")
    with pytest.raises(BadInput, match=r"AWS: .*"):
        open_session("shop")


def test_boto3_is_imported_only_to_fetch() -> None:
    script = (
        "import sys, cfrunbook, cfrunbook.aws as aws\n"
        "aws.policy(); aws.ACTIONS; aws.fetch\n"
        "from cfrunbook.aws.inputs import with_fetched\n"
        "assert with_fetched(distribution='dist.json') == {'distribution': 'dist.json'}\n"
        "print([m for m in ('boto3', 'botocore') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_without_boto3_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(BadInput, match=r'pip install "cfrunbook\[aws\]"'):
        open_session()


def test_a_moment_is_a_moment_in_whatever_form() -> None:
    from cfrunbook.aws.reading import moment

    wanted = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
    assert moment(wanted) == moment("2026-01-02T03:04:05.000+0000") == moment(1767323045000) == wanted
    assert moment(wanted.replace(tzinfo=None)) == wanted
    for nothing in (None, "x", True, [], 10**30, float("nan"), float("inf"), -(10**18)):
        assert moment(nothing) is None
