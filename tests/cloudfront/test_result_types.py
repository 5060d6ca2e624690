"""The meaning of every result type: complete, with a next step, 502 told from 503 and 504; unknown values stay."""

from __future__ import annotations

import pytest

from cfrunbook.cloudfront.result_types import RESULT_TYPES, Side, is_error, is_known, is_repeat, result_type
from cfrunbook.findings import Cause

DOCUMENTED = frozenset(
    [
        "Hit",
        "RefreshHit",
        "Miss",
        "LimitExceeded",
        "CapacityExceeded",
        "Error",
        "Redirect",
        "LambdaExecutionError",
        "OriginShieldHit",
        "MissGeneratedResponse",
        "AbortedOrigin",
        "ClientCommError",
        "ClientGeoBlocked",
        "ClientHungUpRequest",
        "InvalidRequest",
        "InvalidRequestBlocked",
        "InvalidRequestCertificate",
        "InvalidRequestHeader",
        "InvalidRequestMethod",
        "OriginCommError",
        "OriginConnectError",
        "OriginContentRangeLengthError",
        "OriginDnsError",
        "OriginError",
        "OriginHeaderTooBigError",
        "OriginInvalidResponseError",
        "OriginReadError",
        "OriginWriteError",
        "OriginZeroSizeObjectError",
        "SlowReaderOriginError",
    ]
)
SEEN = frozenset(
    [
        "LambdaGeneratedResponse",
        "LambdaValidationError",
        "LambdaLimitExceeded",
        "FunctionGeneratedResponse",
        "FunctionValidationError",
        "FunctionExecutionError",
        "FunctionThrottledError",
    ]
)


def test_every_value_that_is_documented_or_was_seen_is_known() -> None:
    assert {r.name for r in RESULT_TYPES if r.documented} == DOCUMENTED
    assert {r.name for r in RESULT_TYPES if not r.documented} == SEEN
    assert len(RESULT_TYPES) == len(DOCUMENTED) + len(SEEN)


@pytest.mark.parametrize("of", RESULT_TYPES, ids=lambda r: r.name)
def test_each_is_complete(of) -> None:
    assert of.meaning.endswith(".")
    assert of.source.startswith("https://docs.aws.amazon.com/")
    if of.side in (Side.ORIGIN, Side.EDGE_FUNCTION, Side.UNKNOWN, Side.EDGE):
        assert of.next_step.endswith((".", "runbook 05_dns."))
        assert of.statuses
    if of.side is Side.ORIGIN or of.is_cause_of_502:
        assert of.causes, "it points somewhere"
    if of.side is Side.VIEWER:
        assert 502 not in of.statuses
        assert not of.causes
    if of.statuses[:1] and of.statuses[0] in (503, 504):
        assert f"That is a {of.statuses[0]}, not a 502" in of.next_step


@pytest.mark.parametrize(
    ("name", "first", "cause"),
    [
        ("OriginDnsError", 502, Cause.DNS),
        ("OriginConnectError", 502, Cause.PORT),
        ("OriginReadError", 502, Cause.ORIGIN_RESPONSE),
        ("LambdaValidationError", 502, Cause.EDGE_FUNCTION),
        ("FunctionValidationError", 502, Cause.EDGE_FUNCTION),
        ("OriginCommError", 504, Cause.PORT),
    ],
)
def test_what_it_points_to_first(name: str, first: int, cause: Cause) -> None:
    of = result_type(name)
    assert (of.statuses[0], of.causes[0]) == (first, cause)
    assert of.is_cause_of_502 is (first == 502)


@pytest.mark.parametrize(
    "name", ["FunctionThrottledError", "LambdaExecutionError", "CapacityExceeded", "LimitExceeded"]
)
def test_503_is_no_502(name: str) -> None:
    assert result_type(name).statuses == (503,)
    assert not result_type(name).is_cause_of_502


def test_an_unknown_value_keeps_its_name() -> None:
    of = result_type("OriginOnFireError")
    assert (of.name, of.side, of.documented) == ("OriginOnFireError", Side.UNKNOWN, False)
    assert "not known to this version" in of.next_step
    assert not is_known(of.name)
    assert is_error(of.name)
    assert not is_error("Hit")


def test_only_error_itself_may_be_a_repeat() -> None:
    assert [r.name for r in RESULT_TYPES if is_repeat(r.name)] == ["Error"]
    assert not result_type("Error").is_cause_of_502
