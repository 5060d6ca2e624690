"""What access logs show, from real lines: the type that names a cause, the one that does not, and how far to trust it."""

from __future__ import annotations

import datetime as dt
import shlex
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfrunbook import cli
from cfrunbook.causes import access_logs
from cfrunbook.causes.access_logs import RULES, judge
from cfrunbook.cloudfront import distribution_reader
from cfrunbook.errors import BadInput
from cfrunbook.evidence import CapturedResponse, CaptureForm
from cfrunbook.findings import Cause, Finding, Status
from cfrunbook.log_summary import LogSummary
from cfrunbook.logs import given as given_logs
from cfrunbook.views import log_figures
from tests.logs.made import EPOCH, NAMES, count, failed, real_time, request, standard

HOUR = 3600
NOON = EPOCH + 12 * HOUR
AT = dt.datetime.fromtimestamp(NOON, dt.UTC)
OLD_NAMES = NAMES[:19]
"""The columns of 2014: no detailed result type."""
NO_TYPES = NAMES[:12]

Rows = list[dict[str, str]]


def traffic(hours: int = 12, every: int = 30, **columns: str) -> Rows:
    return [request(at, **columns) for at in range(0, hours * HOUR, every)]


def errors(detailed: str = "OriginConnectError", number: int = 40, start: int = 11 * HOUR, **columns: str) -> Rows:
    return [failed(start + 61 * i, detailed, path=f"/p/{i % 7}", **columns) for i in range(number)]


def by_function(name: str, status: str = "502") -> Rows:
    return errors(name, result=name, status=status)


def judged(folder: Path, content: bytes, **more: Any) -> tuple[Finding, ...]:
    return judge(count(folder, content), **({"at": AT} | more))


# What is in the log beside traffic that is fine; the finding that it makes, its status, and the status CloudFront gave.
TYPED: dict[str, tuple[Rows, str, Status, int | None]] = {
    "name": (errors("OriginDnsError"), "dns.logged_cannot_resolve", Status.FAULT, 502),
    "the guide's other word": (errors("NonS3OriginDnsError"), "dns.logged_cannot_resolve", Status.FAULT, 502),
    "connection": (errors(), "cloudfront.logged_could_not_connect", Status.UNKNOWN, 502),
    "communication": (errors("OriginCommError"), "cloudfront.logged_communication_failed", Status.UNKNOWN, 502),
    "no HTTP": (errors("OriginInvalidResponseError"), "origin_response.logged_invalid", Status.FAULT, 502),
    "header": (errors("OriginHeaderTooBigError"), "origin_response.logged_header_too_big", Status.FAULT, 502),
    "reading": (errors("OriginReadError"), "origin_response.logged_read_failed", Status.FAULT, 502),
    "writing": (errors("OriginWriteError"), "origin_response.logged_write_failed", Status.FAULT, 502),
    "range": (errors("OriginContentRangeLengthError"), "origin_response.logged_range", Status.FAULT, 502),
    "nothing": (errors("OriginZeroSizeObjectError"), "origin_response.logged_empty_object", Status.FAULT, 502),
    "its own": (errors("OriginError"), "origin_response.logged_origin_error", Status.FAULT, 502),
    "unspecific": (errors("AbortedOrigin"), "cloudfront.logged_unspecific", Status.UNKNOWN, 502),
    "Lambda@Edge": (by_function("LambdaValidationError"), "edge_function.logged_refused", Status.FAULT, 502),
    "Function": (by_function("FunctionValidationError"), "edge_function.logged_refused", Status.FAULT, 502),
    "new value": (errors("OriginMoonError"), "cloudfront.logged_value_not_known", Status.UNKNOWN, 502),
    "repeats": (errors("Error"), "cloudfront.logged_only_repeats", Status.UNKNOWN, 502),
    "hidden": (errors("OriginDnsError", status="200"), "dns.logged_cannot_resolve", Status.FAULT, 502),
    "throws": (by_function("LambdaExecutionError", "503"), "edge_function.logged_failed", Status.FAULT, 503),
    "throttled": (by_function("FunctionThrottledError", "503"), "edge_function.logged_throttled", Status.FAULT, 503),
    "capacity": (by_function("CapacityExceeded", "503"), "cloudfront.logged_limit", Status.FAULT, 503),
    "its own 503": (errors("OriginError", status="503"), "origin_response.logged_origin_error", Status.FAULT, 503),
    "drops": (errors("OriginConnectError", status="504"), "cloudfront.logged_timeout", Status.UNKNOWN, 504),
    "slow": (errors("OriginCommError", status="504", took="30.01"), "cloudfront.logged_timeout", Status.UNKNOWN, 504),
}  # fmt: skip


@pytest.mark.parametrize(("rows", "code", "status", "answered"), TYPED.values(), ids=TYPED)
def test_a_result_type_becomes_a_finding_with_its_numbers(tmp_path: Path, rows, code, status, answered) -> None:
    (first, *_) = found = judged(tmp_path, standard(traffic() + rows))
    assert (first.code, first.status, first.cloudfront_status) == (code, status, answered)
    assert first.cause is Cause(code.partition(".")[0])
    assert "40 of 1,480 requests (2.7 %)" in first.title
    assert (first.data["count"], first.data["requests"], first.data["direct"]) == (40, 1480, True)
    assert {e.observation for f in found for e in f.evidence} == {access_logs.OBSERVATION}
    assert "k6WGMNkEzR5BEM_SaF47gjtX9zBDO2m349OY2an0QPEaUum1ZOLrow==" in str(first.remedy)
    assert first.next_check or status is not Status.UNKNOWN
    assert "secret" not in str(found)


def test_the_command_that_reproduces_it_counts_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "my logs"
    folder.mkdir()
    (folder / "one").write_bytes(standard(traffic() + errors("OriginDnsError") + [failed(3, "OriginReadError")]))
    found = judge(given_logs.load(folder), at=AT)
    by_code = {f.code: f for f in found}
    resolve = by_code["dns.logged_cannot_resolve"]
    assert cli.entry(shlex.split(resolve.reproduce)[1:]) == 1
    assert "OriginDnsError: 40" in capsys.readouterr().out
    assert cli.entry(shlex.split(resolve.verify.command)[1:]) == 0  # nothing comes after it
    # One line of another type is worth knowing, and not what the incident is about.
    assert by_code["origin_response.logged_read_failed"].status is Status.WARNING


# --- what else the logs tell ----------------------------------------------------------------------------------------

DISTRIBUTION = distribution_reader.load({
    "Id": "E123EXAMPLE", "DomainName": "d111111abcdef8.cloudfront.net", "Status": "Deployed",
    "DistributionConfig": {
        "Aliases": {"Quantity": 1, "Items": ["*.example.com"]},
        "Origins": {"Quantity": 1, "Items": [{"Id": "o", "DomainName": "origin.example.com", "CustomOriginConfig": {
            "HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}}]},
        "DefaultCacheBehavior": {"TargetOriginId": "o", "ViewerProtocolPolicy": "allow-all"},
    },
})  # fmt: skip
CAPTURED = CapturedResponse(form=CaptureForm.CURL, status=502, headers=(("Date", "Fri, 20 Nov 2026 15:00:00 GMT"),))
LATER = AT + dt.timedelta(days=3)
BURST = traffic() + [failed(11 * HOUR + 7 * i, "OriginDnsError") for i in range(60)]
REPEATED = traffic() + errors(number=20) + errors("Error", number=15, start=11 * HOUR + 5)
MINUTES = [failed(11 * HOUR + 300 * i, "OriginReadError") for i in range(-30, 12)]

# The log, what else is given, and a finding that must be there: its code, status, and a word of its title or meaning.
BESIDE: dict[str, tuple[bytes, dict[str, Any], str, Status, str]] = {
    "nothing fails": (standard(traffic()), {}, "cloudfront.logs_without_error", Status.OK, "None of the 1,440 requests"),
    "no request": (standard([]), {}, "cloudfront.logs_without_request", Status.INFO, "hold no request"),
    "2014": (standard(traffic() + errors("-"), OLD_NAMES), {}, "cloudfront.logged_without_type", Status.UNKNOWN, "no detailed result type"),
    "2013": (standard(traffic() + errors("-"), NO_TYPES), {}, "cloudfront.logged_without_type", Status.UNKNOWN, "no detailed result type"),
    "2014, function": (standard(traffic() + by_function("LambdaValidationError"), OLD_NAMES), {}, "edge_function.logged_refused", Status.FAULT, "could not use"),
    "repeats beside": (standard(REPEATED), {}, "cloudfront.logged_repeats", Status.INFO, "15 of the 35"),
    "hidden": (standard(traffic() + errors(status="200")), {}, "cloudfront.logged_masked", Status.INFO, "40 requests failed like a 502"),
    "504 beside": (standard(traffic() + errors() + errors("OriginCommError", status="504")), {}, "cloudfront.logged_beside", Status.INFO, "40 requests answered 504"),
    "a few 503": (standard(traffic() + errors("OriginError", 2, status="503")), {}, "cloudfront.logged_beside", Status.INFO, "2 requests answered 503"),
    "a burst": (standard(BURST), {}, "cloudfront.logged_burst", Status.INFO, "a burst from 2026-11-20 11:00"),
    "it ended": (standard(traffic(24) + BURST), {}, "cloudfront.logged_ended", Status.INFO, "over since"),
    "it goes on": (standard(traffic() + errors(number=59)), {}, "cloudfront.logged_ongoing", Status.INFO, "still goes on"),
    "all the time": (standard(traffic() + [failed(600 * i) for i in range(72)]), {}, "cloudfront.logged_steady", Status.INFO, "all the time"),
    "one place": (standard(traffic() + traffic(pop="NRT57-P2") + errors(pop="NRT57-P2")), {}, "cloudfront.logged_one_pop", Status.INFO, "only one edge location: NRT57-P2"),
    "one host": (standard(traffic() + traffic(host="b.example.com") + errors(host="b.example.com")), {}, "cloudfront.logged_one_host", Status.INFO, "only one host: b.example.com"),
    "one path": (standard(traffic() + [failed(11 * HOUR + 61 * i, path="/pay") for i in range(40)]), {}, "cloudfront.logged_one_path", Status.INFO, "only one path: /pay"),
    "one method": (standard(traffic() + traffic(method="POST") + errors("OriginReadError", method="POST")), {}, "cloudfront.logged_one_method", Status.INFO, "only one method: POST"),
    "one origin": (real_time(traffic(origin="a.example.com") + traffic(origin="b.example.com") + errors(origin="b.example.com")), {}, "cloudfront.logged_one_origin", Status.INFO, "only one origin: b.example.com"),
    "a rhythm": (standard(traffic() + MINUTES), {}, "cloudfront.logged_periodic", Status.INFO, "every 300 seconds"),
    "for AWS": (standard(traffic() + errors()), {}, "cloudfront.logged_requests", Status.INFO, "k6WGMNkEzR5BEM_SaF47gjtX9zBDO2m349OY2an0QPEaUum1ZOLrow== at FRA56-P1"),
    "a bad line": (standard(traffic() + errors()) + b"oops\n", {}, "cloudfront.logs_not_whole", Status.INFO, "1 of 1,481 lines are malformed"),
    "bad lines": (standard(traffic(1) + errors()) + b"oops\n" * 50, {}, "cloudfront.logs_not_whole", Status.WARNING, "50 of 210 lines are malformed"),
    "other hosts": (standard(traffic() + errors()), {"host": "www.example.org"}, "cloudfront.logs_of_other_hosts", Status.WARNING, "are of www.example.com"),
    "other distribution": (standard(traffic(host="other.example.org")), {"distribution": DISTRIBUTION}, "cloudfront.logs_of_other_hosts", Status.WARNING, "*.example.com"),
    "long ago": (standard(traffic() + errors()), {"at": LATER}, "cloudfront.logs_end_earlier", Status.INFO, "3 days before the moment to judge at"),
    "before the response": (standard(traffic() + errors()), {"responses": (CAPTURED,)}, "cloudfront.logs_end_earlier", Status.INFO, "3 hours before the captured response"),
    "later than --at": (standard(traffic(20) + errors()), {}, "cloudfront.logs_go_on_later", Status.INFO, "7 hours after the moment to judge at"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "more", "code", "status", "says"), BESIDE.values(), ids=BESIDE)
def test_what_else_the_logs_tell(tmp_path: Path, content, more, code, status, says) -> None:
    found = {f.code: f for f in judged(tmp_path, content, **more)}
    assert code in found
    assert found[code].status is status
    assert says in found[code].title


def test_every_rule_is_met_by_a_case() -> None:
    met = {code for _, code, *_ in TYPED.values()} | {code for _, _, code, *_ in BESIDE.values()}
    assert {rule.code for rule in RULES} == met


def test_logs_of_other_hosts_decide_nothing(tmp_path: Path) -> None:
    content = standard(traffic() + errors("OriginDnsError"))
    assert {f.status for f in judged(tmp_path, content, host="www.example.org")} == {Status.WARNING}
    for same in ({"host": "www.example.com"}, {"distribution": DISTRIBUTION}, {}):
        assert judged(tmp_path, content, **same)[0].status is Status.FAULT
    # A log without the Host of the viewer has the distribution's own name, which nobody knows without it.
    old = standard(traffic() + errors("LambdaValidationError", result="LambdaValidationError"), NAMES[:15])
    assert judged(tmp_path, old, host="www.example.org")[0].status is Status.FAULT


def test_logs_of_another_day_do_not_outrank_a_look_of_today(tmp_path: Path) -> None:
    content = standard(traffic() + errors("OriginDnsError"))
    assert judged(tmp_path, content, at=LATER, was_probed=True)[0].status is Status.WARNING
    assert judged(tmp_path, content, at=LATER)[0].status is Status.FAULT
    assert judged(tmp_path, content, was_probed=True)[0].status is Status.FAULT


def test_where_the_function_s_log_is(tmp_path: Path) -> None:
    found = judged(tmp_path, standard(traffic() + by_function("LambdaValidationError")), distribution=DISTRIBUTION)
    assert "/aws/cloudfront/LambdaEdge/E123EXAMPLE in the region eu-central-1, probably" in str(found[0].remedy)
    assert "--kind lambda-edge" in str(found[0].remedy)


def test_a_broken_file_among_many_is_named_and_the_rest_counted(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(b"\x1f\x8b\x08 and no more")
    (tmp_path / "b").write_bytes(standard(traffic() + errors("OriginDnsError")))
    found = {f.code: f for f in judge(given_logs.load(tmp_path), at=AT)}
    assert found["dns.logged_cannot_resolve"].data["count"] == 40
    not_whole = found["cloudfront.logs_not_whole"]
    assert not_whole.status is Status.WARNING
    assert "1 of 2 files" in not_whole.title
    assert str(tmp_path / "a.gz") in not_whole.meaning


# --- hostile recordings ---------------------------------------------------------------------------------------------

SOUND = msgspec.to_builtins(
    LogSummary(requests=99, errors=9, first_request=EPOCH, last_request=NOON, first_error=EPOCH + 1, last_error=NOON)
) | {"series": {"points": [[EPOCH, 99, 9]]}}
few = st.integers(0, 2)
moments = st.one_of(st.integers(EPOCH, NOON), st.integers(0, 32_503_680_000))
words = st.one_of(st.text(max_size=5), st.sampled_from(["\u202e\x1b[31m", "www.example.com", "/a b", "-"]))
names = st.one_of(words, st.sampled_from(["OriginDnsError", "Error", "AbortedOrigin", "LambdaValidationError"]))


def points(least: int = 0) -> st.SearchStrategy[list[list[int]]]:
    """Steps of time in order, with at least as many requests as errors."""
    counts = st.tuples(st.integers(least, 40), few)
    made = st.dictionaries(moments, counts, min_size=least, max_size=6)
    return made.map(lambda found: [[at, more + errors, errors] for at, (more, errors) in sorted(found.items())])


def series(least: int = 0) -> st.SearchStrategy[dict[str, Any]]:
    widths = st.sampled_from([1, 60, 3600, 31_449_600])
    return st.fixed_dictionaries({"width_s": widths, "points": points(least)})


key_counts = st.builds(
    lambda key, more, errors, repeats: {"key": key, "requests": more, "errors": errors + repeats, "repeats": repeats},
    words, st.integers(0, 90), st.integers(0, 9), few,
)  # fmt: skip
dimensions = st.fixed_dictionaries({
    "known": st.booleans(), "keys": st.lists(key_counts, max_size=4), "others": key_counts, "missed": few,
})  # fmt: skip
types = st.builds(
    lambda name, status, count, detailed, first, lasted, of, took, examples: {
        "name": name, "status": status, "count": count, "detailed": detailed, "first": first,
        "last": min(first + lasted, 32_503_680_000), "took": took, "examples": examples,
        "series": of | {"points": [[at, 0, 1 + errors] for at, _, errors in of["points"]]},
    },
    names, st.sampled_from([0, 200, 502, 503, 504]), st.integers(1, 2), st.booleans(), moments, st.integers(0, HOUR), series(1),
    st.lists(few, min_size=8, max_size=8),
    st.lists(st.fixed_dictionaries({"at": moments, "path": words, "request_id": words}), max_size=2),
)  # fmt: skip
summaries = st.fixed_dictionaries({}, optional={
    "status": st.sampled_from([502, 504, 0]), "repeats": few, "untyped": few, "masked": few, "cut": few,
    "statuses": st.dictionaries(st.sampled_from(["502", "503", "x"]), few), "series": series(1),
    "neighbors": st.dictionaries(st.sampled_from(["503", "504", "odd", "²"]), series()),
    "types": st.lists(types, max_size=4), "seconds": st.lists(moments, max_size=12, unique=True).map(sorted),
    **dict.fromkeys(("pops", "hosts", "paths", "methods", "origins"), dimensions),
    "grid": st.fixed_dictionaries({"rows": st.lists(st.fixed_dictionaries({"key": words, "points": points()}), max_size=3)}),
    "files": st.fixed_dictionaries({"paths": st.lists(words, max_size=2), "failed": few}),
})  # fmt: skip


@settings(max_examples=60)
@given(summaries, st.sampled_from([None, AT, LATER]))
def test_whatever_a_recording_holds_of_logs_is_judged(changes: dict[str, Any], at: dt.datetime | None) -> None:
    short = given_logs.load(msgspec.convert(SOUND | changes, LogSummary))
    for finding in judge(short, at=at, host="www.example.com", distribution=DISTRIBUTION, responses=(CAPTURED,)):
        assert not {"\x1b", "\u202e"} & set(finding.title + finding.meaning)
        assert shlex.split(finding.reproduce)


@settings(max_examples=3)  # a picture takes its time
@given(summaries)
def test_whatever_a_recording_holds_of_logs_is_drawn(changes: dict[str, Any]) -> None:
    short = given_logs.load(msgspec.convert(SOUND | changes, LogSummary))
    for draw in (log_figures.error_rate, log_figures.heat_map, log_figures.detailed_types, log_figures.top_keys):
        assert "<svg" in draw(short).svg


@pytest.mark.parametrize(
    "changes",
    [
        {"errors": 100},
        {"first_error": None},
        {"last_request": None},
        {"repeats": 10},
        {"series": {"points": [[EPOCH, 1, 2]]}},
        {"series": {"points": [[NOON, 9, 0], [EPOCH, 9, 0]]}},
        {"series": {"points": []}},
        {"seconds": [NOON, EPOCH]},
        {"types": [{"name": "x", "status": 502, "count": 10, "first": 1, "last": 2}]},
        {"types": [{"name": "x", "status": 503, "count": 1, "first": 1, "last": 2}]},
        {"types": [{"name": "x", "status": 503, "count": 1, "first": 2, "last": 1, "series": {"points": [[1, 0, 1]]}}]},
        {"paths": {"keys": [{"key": "x", "requests": 9, "errors": 1, "repeats": 2}]}},
    ],
)
def test_counts_that_contradict_each_other_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match="contradicts itself"):
        given_logs.load(msgspec.convert(SOUND | changes, LogSummary))
