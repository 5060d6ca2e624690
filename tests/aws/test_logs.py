"""Tier 1: where access logs go, and the files of a window brought into a folder, in bounds and whole."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest

import cfrunbook as cf
from cfrunbook import aws
from cfrunbook.aws.logs import Place, places
from cfrunbook.aws_facts import LogDestination
from cfrunbook.errors import BadInput
from tests.aws.answers import ARN, ID, Account, Refused, behavior, distribution

START, END = dt.datetime(2026, 11, 23, 10, 15, tzinfo=dt.UTC), dt.datetime(2026, 11, 23, 11, 45, tzinfo=dt.UTC)
LOGGING = {"Enabled": True, "IncludeCookies": False, "Bucket": "logs.s3.amazonaws.com", "Prefix": "cf/"}
SOURCE = {"name": "mine", "resourceArns": [ARN], "logType": "ACCESS_LOGS", "service": "cloudfront"}
DELIVERY = {
    "id": "d",
    "deliverySourceName": "mine",
    "deliveryDestinationArn": "arn:dest",
    "deliveryDestinationType": "S3",
}
DESTINATION = {
    "arn": "arn:dest", "outputFormat": "json",
    "deliveryDestinationConfiguration": {"destinationResourceArn": "arn:aws:s3:::bucket/prefix"},
}  # fmt: skip


def account(logging: dict[str, Any] | None = None, **answers: Any) -> Account:
    document = distribution(**({"Logging": logging} if logging else {}))
    known = {"GetDistribution": document, "DescribeDeliverySources": {"deliverySources": []}}
    return Account(**{**known, **answers})


def v2(**delivery: Any) -> Account:
    return account(
        DescribeDeliverySources={
            "deliverySources": [SOURCE, {**SOURCE, "name": "other", "resourceArns": ["arn:other"]}]
        },
        DescribeDeliveries={"deliveries": [{**DELIVERY, **delivery}, {**DELIVERY, "deliverySourceName": "other"}]},
        DescribeDeliveryDestinations={"deliveryDestinations": [DESTINATION]},
    )


def destinations(found: Account) -> tuple[LogDestination, ...]:
    fetched = cf.fetch(ID, session=found.session, tiers=(1,))
    assert not fetched.not_examined
    return fetched.facts.log_destinations


def test_standard_logs_are_in_the_distribution() -> None:
    assert destinations(account(LOGGING)) == (
        LogDestination(kind="standard", type="S3", where="logs.s3.amazonaws.com", prefix="cf/", format="w3c"),
    )
    assert destinations(account()) == ()


def test_standard_logs_v2_are_with_cloudwatch_and_only_our_own_count() -> None:
    found = v2(s3DeliveryConfiguration={"suffixPath": "{DistributionId}/{yyyy}/{MM}/{dd}/{HH}"})
    (one,) = destinations(found)
    assert (one.kind, one.type, one.where, one.format) == ("standard-v2", "S3", "arn:aws:s3:::bucket/prefix", "json")
    assert one.prefix == "{DistributionId}/{yyyy}/{MM}/{dd}/{HH}"


def test_real_time_logs_are_named() -> None:
    arn = "arn:aws:cloudfront::111122223333:realtime-log-config/x"
    found = account(GetDistribution=distribution(default=behavior(RealtimeLogConfigArn=arn)))
    assert destinations(found) == (LogDestination(kind="real-time", type="Kinesis", where=arn),)


def test_a_missing_permission_is_said() -> None:
    found = account(LOGGING, DescribeDeliverySources=Refused("AccessDeniedException"))
    fetched = cf.fetch(ID, session=found.session, tiers=(1,))
    assert len(fetched.facts.log_destinations) == 1
    assert "needs logs:DescribeDeliverySources" in fetched.not_examined[0].why


HOUR = [dt.datetime(2026, 11, 3, 4, tzinfo=dt.UTC)]


@pytest.mark.parametrize(
    ("destination", "found"),
    [
        ({"kind": "standard", "where": "logs.s3.amazonaws.com", "prefix": "cf/"}, ["cf/E1.2026-11-03-04."]),
        ({"kind": "standard", "where": "logs.s3.eu-west-1.amazonaws.com", "prefix": ""}, ["E1.2026-11-03-04."]),
        ({"kind": "standard", "where": "logs", "prefix": "cf"}, ["cf/E1.2026-11-03-04.", "cfE1.2026-11-03-04."]),
        (
            {"kind": "standard-v2", "where": "arn:aws:s3:::logs/p", "prefix": "{DistributionId}/{yyyy}/{MM}/{dd}/{HH}"},
            [f"p/{base}E1/2026/11/03/04/E1.2026-11-03-04." for base in ("", "AWSLogs/1/CloudFront/")],
        ),
        ({"kind": "standard-v2", "where": "arn:aws:s3:::logs", "prefix": ""}, ["AWSLogs/1/CloudFront/E1.2026-11-03-04.", "E1.2026-11-03-04."]),
        ({"kind": "standard-v2", "where": "arn:aws:s3:::logs", "prefix": "{odd}"}, []),
        ({"kind": "standard-v2", "where": "arn:aws:s3:::logs", "prefix": "{yyyy}", "hive": True}, []),
        ({"kind": "standard-v2", "where": "arn:aws:logs:us-east-1:1:log-group:x", "type": "CWL"}, []),
        ({"kind": "standard-v2", "where": "not an arn"}, []),
    ],
)  # fmt: skip
def test_where_the_files_of_an_hour_are(destination: dict[str, Any], found: list[str]) -> None:
    made = LogDestination(**{"type": "S3", **destination})
    assert sorted(place.prefix for place in places(made, "E1", HOUR, "1")) == sorted(found)
    assert {place.bucket for place in places(made, "E1", HOUR, "1")} <= {"logs"}
    assert all(isinstance(place, Place) for place in places(made, "E1", HOUR, "1"))


# --- downloads ----------------------------------------------------------------------------------------------------


def put(bucket: str, *keys: str) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=gzip.compress(key.encode()))


def made(**config: Any) -> str:
    document = distribution()["Distribution"]["DistributionConfig"] | config
    document["DefaultCacheBehavior"]["ForwardedValues"] = {"QueryString": False, "Cookies": {"Forward": "none"}}
    found: str = boto3.client("cloudfront").create_distribution(DistributionConfig=document)["Distribution"]["Id"]
    return found


def test_the_files_of_the_window_come_and_no_others(endpoint: str, tmp_path: Path) -> None:
    found = made(Logging=LOGGING)
    inside = [f"cf/{found}.2026-11-23-10.aaaa.gz", f"cf/{found}.2026-11-23-11.bbbb.gz"]
    put(
        "logs",
        *inside,
        f"cf/{found}.2026-11-23-09.cccc.gz",
        f"cf/{found}.2026-11-23-12.dddd.gz",
        "cf/E2OTHER.2026-11-23-10.e.gz",
    )
    fetched = aws.fetch_logs(found, tmp_path / "logs", start=START, end=END)
    assert sorted(path.name for path in fetched.files) == [key.removeprefix("cf/") for key in inside]
    assert {gzip.decompress(path.read_bytes()).decode() for path in fetched.files} == set(inside)
    assert sorted(p.name for p in (tmp_path / "logs").iterdir()) == sorted(p.name for p in fetched.files)
    again = aws.fetch_logs(found, tmp_path / "logs", start=START, end=END)
    assert (again.files, again.bytes) == (fetched.files, 0), "what is there is not fetched again"


def test_the_command_line_downloads(endpoint: str, tmp_path: Path) -> None:
    found = made(Logging=LOGGING)
    put("logs", f"cf/{found}.2026-11-23-10.aaaa.gz")
    command = [sys.executable, "-m", "cfrunbook", "aws", "logs", found, "--folder", str(tmp_path)]
    window = ["--since", "2026-11-23T10:00Z", "--until", "2026-11-23T10:59Z"]
    done = subprocess.run([*command, *window, "--json"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["files"] == [f"{found}.2026-11-23-10.aaaa.gz"]
    done = subprocess.run([*command, "--since", "2020-01-01", "--until", "2020-01-01"], capture_output=True, text=True, timeout=60, check=False)  # fmt: skip
    assert done.returncode == 3
    assert "no log file of this window" in done.stdout
    done = subprocess.run([*command, "--since", "noon"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr == "cfrunbook: --since: 'noon' is not a time like 2026-11-22T18:00:00Z.\n"


def contents(*keys: str, size: int = 3) -> dict[str, Any]:
    return {"Contents": [{"Key": key, "Size": size} for key in keys]}


def download(found: Account, folder: Path, **options: Any) -> aws.FetchedLogs:
    return aws.fetch_logs(ID, folder, session=found.session, start=START, end=START, **options)


def listed(*keys: str, body: bytes = b"abc", **answers: Any) -> Account:
    known = {"ListObjectsV2": contents(*keys), "GetObject": lambda _: {"Body": io.BytesIO(body)}}
    found = account(LOGGING, **{**known, **answers})
    found.unchecked.add("GetObject")
    return found


NAME = f"{ID}.2026-11-23-10"


@pytest.mark.parametrize(
    "key",
    [
        f"cf/{NAME}.a/../../../etc/passwd",
        f"elsewhere/{NAME}.a.gz",
        f"cf/{NAME}.a/",
        "cf/",
        f"/{NAME}.a.gz",
    ],
)
def test_keys_that_are_no_log_files_are_left(key: str, tmp_path: Path) -> None:
    fetched = download(listed(key), tmp_path / "in")
    assert fetched.files == ()
    assert list(tmp_path.rglob("*")) == [tmp_path / "in"]


def test_a_key_with_odd_characters_becomes_a_plain_name(tmp_path: Path) -> None:
    fetched = download(listed(f"cf/{NAME}.a b\x1b[31m.gz"), tmp_path)
    assert [path.name for path in fetched.files] == [f"{NAME}.a_b_31m.gz"]


@pytest.mark.parametrize("body", [b"ab", b"abcd", b"x" * 10_000, None])
def test_a_file_that_does_not_come_whole_is_not_kept(body: Any, tmp_path: Path) -> None:
    fetched = download(
        listed(f"cf/{NAME}.a.gz", GetObject=lambda _: {"Body": io.BytesIO(body) if body else None}), tmp_path
    )
    assert fetched.files == ()
    assert "did not come whole" in fetched.not_examined[0].why
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("options", [{"max_files": 1}, {"max_bytes": 5}])
def test_number_and_bytes_are_bounded(options: dict[str, int], tmp_path: Path) -> None:
    fetched = download(listed(f"cf/{NAME}.a.gz", f"cf/{NAME}.b.gz"), tmp_path, **options)
    assert len(fetched.files) == 1
    assert "files and" in fetched.not_examined[0].why


def test_a_bucket_that_may_not_be_listed_is_asked_once(tmp_path: Path) -> None:
    found = listed(ListObjectsV2=Refused("AccessDenied", 403))
    fetched = aws.fetch_logs(ID, tmp_path, session=found.session, start=START, end=START + dt.timedelta(hours=5))
    (gap,) = fetched.not_examined
    assert gap.what == "the log files in bucket logs"
    assert "needs s3:ListBucket" in gap.why
    assert len(found.asked("ListObjectsV2")) == 1


def test_logs_that_are_not_files_are_said(tmp_path: Path) -> None:
    fetched = download(v2(deliveryDestinationType="CWL"), tmp_path)
    assert fetched.not_examined[0].why == "they go to CloudWatch Logs, not to S3"
    fetched = download(account(), tmp_path)
    assert fetched.not_examined[0].why == "distribution E1EXAMPLE writes none"


@pytest.mark.parametrize(("start", "end"), [(END, START), (START, START + dt.timedelta(days=30))])
def test_a_window_that_is_none_or_too_long_is_bad_input(start: dt.datetime, end: dt.datetime, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="Logs: the window"):
        aws.fetch_logs(ID, tmp_path, session=account().session, start=start, end=end)


def test_a_folder_that_cannot_be_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadInput, match="Logs: cannot make the folder"):
        download(account(LOGGING), tmp_path / "file")


def test_a_distribution_that_cannot_be_had_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="needs cloudfront:GetDistribution"):
        download(account(GetDistribution=Refused("AccessDenied", 403)), tmp_path)
