"""Log groups, regions and commands: the names are AWS's, and a shell hands `aws` exactly what is meant."""

from __future__ import annotations

import datetime as dt
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.cloudfront.distribution import EventType, FunctionAssociation
from cfrunbook.cloudfront.edge_locations import REGIONS
from cfrunbook.errors import BadInput
from cfrunbook.functions.log_places import LogKind, LogPlace, Window, around, log_places, search

AUTH = FunctionAssociation(
    "lambda-edge", "arn:aws:lambda:us-east-1:111122223333:function:auth:7", EventType.ORIGIN_REQUEST
)
TIDY = FunctionAssociation(
    "cloudfront-function", "arn:aws:cloudfront::111122223333:function/tidy", EventType.VIEWER_REQUEST
)
ID = "EDFDVBD6EXAMPLE"
REQUEST = "4TyzHTaYWb1GX1qTfsHhEqV6HUDd_BzoBZnwfnvQc_1oF26ClkoUSEQ=="
INVOCATION = "8f5e1b0a-0c2d-4a3e-9b1c-1234567890ab"
MOMENT = dt.datetime(2026, 11, 23, 3, 0, tzinfo=dt.UTC)
WINDOW = around(MOMENT)
EVERYWHERE = tuple(region.name for region in REGIONS)

GROUPS: list[tuple[FunctionAssociation, dict[str, str], list[tuple[LogKind, str, str]]]] = [
    (
        AUTH, {"distribution_id": ID},
        [
            (LogKind.CLOUDFRONT, f"/aws/cloudfront/LambdaEdge/{ID}", "us-east-1"),
            (LogKind.LAMBDA, "/aws/lambda/us-east-1.auth", "us-east-1"),
        ],
    ),
    (
        AUTH, {"pop": "FRA56-P4"},
        [
            (LogKind.CLOUDFRONT, "/aws/cloudfront/LambdaEdge/DISTRIBUTION_ID", "eu-central-1"),
            (LogKind.LAMBDA, "/aws/lambda/us-east-1.auth", "eu-central-1"),
        ],
    ),
    (
        AUTH, {"distribution_id": ID, "log_group": "/edge/auth"},
        [
            (LogKind.CLOUDFRONT, f"/aws/cloudfront/LambdaEdge/{ID}", "us-east-1"),
            (LogKind.LAMBDA, "/edge/auth", "us-east-1"),
        ],
    ),
    # a custom group of the default's name gets the prefix too
    (
        AUTH, {"distribution_id": ID, "log_group": "/aws/lambda/auth"},
        [
            (LogKind.CLOUDFRONT, f"/aws/cloudfront/LambdaEdge/{ID}", "us-east-1"),
            (LogKind.LAMBDA, "/aws/lambda/us-east-1.auth", "us-east-1"),
        ],
    ),
    (TIDY, {"pop": "FRA56-P4"}, [(LogKind.FUNCTION, "/aws/cloudfront/function/tidy", "us-east-1")]),
]  # fmt: skip


@pytest.mark.parametrize(("function", "known", "wanted"), GROUPS)
def test_log_groups(
    function: FunctionAssociation, known: dict[str, str], wanted: list[tuple[LogKind, str, str]]
) -> None:
    places = log_places(function, **known)
    assert [(p.kind, p.group, p.regions[0]) for p in places] == wanted
    for place in places:
        regions = ["us-east-1"] if place.kind is LogKind.FUNCTION else sorted(EVERYWHERE)
        assert sorted(place.regions) == regions
        assert place.source.startswith("https://docs.aws.amazon.com/AmazonCloudFront/")
        assert place.holds.endswith(".")
        assert place.needs.endswith(".")


def test_cloudfronts_own_log_needs_its_role() -> None:
    place = log_places(AUTH)[0]
    assert "AWSServiceRoleForCloudFrontLogger" in place.needs
    assert place.check == "aws iam get-role --role-name AWSServiceRoleForCloudFrontLogger"


PLACES = {place.kind: place for function in (AUTH, TIDY) for place in log_places(function, distribution_id=ID)}
# Place, ids: what Insights looks for, what the filter looks for.
SEARCHES: list[tuple[LogKind, dict[str, str], list[str], str]] = [
    (LogKind.CLOUDFRONT, {"request_id": REQUEST}, [REQUEST], f'"{REQUEST}"'),
    (LogKind.CLOUDFRONT, {}, ["Validation error", "ERROR"], '?"Validation error" ?"ERROR"'),
    (
        LogKind.LAMBDA, {"request_id": REQUEST, "invocation_id": INVOCATION}, [REQUEST, INVOCATION],
        f'?"{REQUEST}" ?"{INVOCATION}"',
    ),
    (LogKind.LAMBDA, {"invocation_id": INVOCATION}, [INVOCATION], f'"{INVOCATION}"'),
    (
        LogKind.LAMBDA, {}, ["ERROR", "Error", "Exception", "Task timed out"],
        '?"ERROR" ?"Error" ?"Exception" ?"Task timed out"',
    ),
    (LogKind.FUNCTION, {"request_id": REQUEST, "invocation_id": INVOCATION}, [REQUEST], f'"{REQUEST}"'),
    (LogKind.FUNCTION, {}, [ID], f'"{ID}"'),
]  # fmt: skip


@pytest.fixture
def aws(tmp_path: Path) -> dict[str, str]:
    """Return an environment in which `aws` writes down what it is handed, and prints an id."""
    log, program = tmp_path / "handed", tmp_path / "aws"
    program.write_text(f"#!/bin/sh\nprintf '%s\\0' \"$@\" END >> {log}\necho id-1\n")
    program.chmod(0o755)
    return {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "HANDED": str(log)}


def handed(command: str, aws: dict[str, str]) -> tuple[list[list[str]], str]:
    """Return what `aws` is handed when a shell runs `command`, and what that prints."""
    done = subprocess.run(["sh", "-c", command], env=aws, capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == ""
    calls = Path(aws["HANDED"]).read_text().split("END\0")[:-1]
    return [call.split("\0")[:-1] for call in calls], done.stdout


def options(arguments: list[str]) -> dict[str, str]:
    return dict(zip(arguments[2::2], arguments[3::2], strict=True))


@pytest.mark.parametrize(("kind", "ids", "terms", "pattern"), SEARCHES)
def test_a_shell_hands_on_what_is_meant(
    kind: LogKind, ids: dict[str, str], terms: list[str], pattern: str, aws: dict[str, str]
) -> None:
    place = PLACES[kind]
    found = search(place, WINDOW, **ids)
    assert re.findall(r'@message like "([^"]*)"', found.query) == terms
    calls, _ = handed(f"{found.start_query}\n{found.get_results}\n{found.filter}", aws)
    assert [call[:2] for call in calls] == [["logs", "start-query"], ["logs", "get-query-results"],
                                            ["logs", "filter-log-events"]]  # fmt: skip
    start, results, filtered = map(options, calls)
    assert (start["--region"], start["--log-group-name"]) == ("us-east-1", place.group)
    assert start["--query-string"] == found.query
    begin, end = int(start["--start-time"]), int(start["--end-time"])
    assert (begin, end) == (MOMENT.timestamp() - 900, MOMENT.timestamp() + 900)
    assert results["--query-id"] == "id-1"
    assert filtered["--filter-pattern"] == pattern
    assert (int(filtered["--start-time"]), int(filtered["--end-time"])) == (begin * 1000, end * 1000)


@pytest.mark.parametrize("kind", LogKind)
def test_the_regions_that_have_the_group_are_printed(kind: LogKind, aws: dict[str, str]) -> None:
    place = PLACES[kind]
    calls, printed = handed(place.find, aws)
    assert printed.split() == list(place.regions)
    assert [options(call)["--region"] for call in calls] == list(place.regions)
    assert {options(call)["--query"] for call in calls} == {f"logGroups[?logGroupName=='{place.group}'].logGroupName"}


def test_without_a_distribution_a_functions_log_is_searched_for_any() -> None:
    (place,) = log_places(TIDY)
    assert '@message like "START DistributionID"' in search(place, WINDOW).query


def test_another_region_than_the_first() -> None:
    found = search(PLACES[LogKind.LAMBDA], WINDOW, region="eu-west-1")
    assert found.region == "eu-west-1"
    assert "--region eu-west-1 " in found.start_query


REFUSED: list[tuple[Any, str]] = [
    (lambda: log_places(FunctionAssociation("lambda-edge", "auth", EventType.VIEWER_REQUEST)), "'auth' is not the ARN"),
    (lambda: log_places(AUTH, distribution_id="E1'; rm"), "is not the id of a distribution"),
    (lambda: log_places(AUTH, log_group="/a b"), "'/a b' is not the name of a log group"),
    (lambda: search(PLACES[LogKind.LAMBDA], WINDOW, region="here"), "'here' is not the name of a region"),
    (lambda: search(PLACES[LogKind.LAMBDA], WINDOW, request_id='x"; |'), "is not the X-Amz-Cf-Id of a request"),
    (
        lambda: search(PLACES[LogKind.LAMBDA], WINDOW, invocation_id=REQUEST),
        "is not the request id of a Lambda function",
    ),
    (lambda: Window(MOMENT, MOMENT), "is not after"),
    (lambda: Window(MOMENT.replace(tzinfo=None), MOMENT.replace(tzinfo=None)), "give it with its zone"),
    (lambda: around(MOMENT.replace(tzinfo=None)), "give it with its zone"),
    (lambda: around(dt.datetime.min.replace(tzinfo=dt.UTC)), "too near the end of the calendar"),
]


@pytest.mark.parametrize(("ask", "sentence"), REFUSED)
def test_what_has_not_its_form_is_refused_in_a_sentence(ask: Any, sentence: str) -> None:
    with pytest.raises(BadInput, match=re.escape(sentence)):
        ask()


@given(
    st.sampled_from([AUTH, TIDY]), st.text(max_size=12), st.text(max_size=12), st.text(max_size=12),
    st.datetimes(timezones=st.just(dt.UTC)),
)  # fmt: skip
def test_nothing_that_is_given_gets_into_a_command_unchecked(
    function: FunctionAssociation, group: str, request: str, pop: str, moment: dt.datetime
) -> None:
    try:
        places: tuple[LogPlace, ...] = log_places(function, log_group=group, pop=pop)
        found = [search(place, around(moment), request_id=request) for place in places]
    except BadInput:
        return
    for each in found:
        assert re.fullmatch(r"[ -~]*", each.start_query + each.filter + each.query)
