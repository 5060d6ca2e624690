"""What is concluded about results of edge functions and about runs of their handlers."""

from __future__ import annotations

import shlex
import subprocess
from typing import Any

import msgspec
import pytest

from cfrunbook.causes import edge_function as cause
from cfrunbook.evidence import FunctionFacts, FunctionLimits, FunctionOutcome, FunctionResult, FunctionRun
from cfrunbook.findings import Finding, Status
from cfrunbook.functions import documents, events, inputs
from cfrunbook.functions.recording import unmasked

ACCEPTED = {"status": "200"}
REFUSED = {"status": "200", "headers": {"connection": [{"value": "close"}]}}  # documented
FOR_API_GATEWAY = {"statusCode": 302, "headers": {"location": "/"}, "body": ""}  # inferred
EVENTS = {
    "lambda-edge": events.lambda_edge_event("viewer-request", "https://www.example.com/"),
    "cloudfront-function": events.cloudfront_function_event("viewer-request", "https://www.example.com/"),
}
LIMITS = FunctionLimits(seconds=5, memory_mb=128, result_bytes=8 * 1024 * 1024)


def given(value: Any = ACCEPTED, **more: Any) -> FunctionResult:
    more = {"name": "result.json", "kind": "lambda-edge", "event_type": "viewer-request", **more}
    return FunctionResult(result=unmasked(documents.of_value(value)), **more)


def run(outcome: str = "returned", value: Any = None, **more: Any) -> FunctionRun:
    kind = more.get("kind", "lambda-edge")
    more = {"handler": "index.js", "event_type": "viewer-request", "limits": LIMITS, "id": "function-run-1", **more}
    result = unmasked(documents.of_value(value)) if outcome == "returned" else None
    event = unmasked(documents.of_value(EVENTS[kind]))
    return FunctionRun(**{"kind": kind, **more}, event=event, outcome=FunctionOutcome(outcome), result=result)


def only(findings: tuple[Finding, ...]) -> Finding:
    assert len(findings) == 1, [f.code for f in findings]
    return findings[0]


@pytest.mark.parametrize(
    ("seen", "code", "status", "cloudfront", "confidence", "says"),
    [
        (run("threw", error="TypeError: x is undefined"), "threw", "fault", 503, "medium", "failed instead of returning a result at viewer-request: TypeError: x is undefined."),
        (run("timed_out"), "timed_out", "fault", 503, "low", "had not answered viewer-request after 5 s and was ended."),
        (run("timed_out", kind="cloudfront-function"), "timed_out", "fault", 503, "medium", "after 5 s"),
        (run("ran_out_of_memory"), "ran_out_of_memory", "fault", 503, "low", "ran out of its 128 MB of memory at viewer-request."),
        (run("output_too_large"), "output_too_large", "fault", 503, "medium", "returned more than 8 MB at viewer-request, which no edge function may."),
        (run("could_not_run", error="it is TypeScript", advice="Give the JavaScript."), "could_not_run", "unknown", None, "medium", "could not be run here: it is TypeScript."),
        (run(value=ACCEPTED), "ok", "ok", None, "high", "CloudFront accepts what the Lambda@Edge function (index.js) returned at viewer-request."),
        (run(value=REFUSED), "lambda_edge.header_disallowed", "fault", 502, "medium", "“connection”"),
        (run(value=None), "lambda_edge.result_null", "fault", 502, "medium", "returned nothing"),
    ],
    ids=lambda value: value.outcome.value if isinstance(value, FunctionRun) else None,
)  # fmt: skip
def test_each_outcome_of_a_run(seen, code, status, cloudfront, confidence, says):
    found = only(cause.judge((), runs=(seen,)))
    assert (found.code, found.status, found.cloudfront_status) == (f"edge_function.{code}", status, cloudfront)
    assert found.data["confidence"] == confidence
    assert says in found.title
    assert [e.observation for e in found.evidence] == ["function-run-1"]
    assert (found.code in cause.OF_RUNS) == (seen.outcome is not FunctionOutcome.RETURNED)


def test_what_threw_in_a_cloudfront_function_is_said_by_its_own_rule():
    seen = run("threw", kind="cloudfront-function", facts=FunctionFacts(threw="TypeError: x"), error="TypeError: x")
    found = cause.judge((), runs=(seen,))
    assert {f.cloudfront_status for f in found if f.status is Status.FAULT} == {503}
    assert all(f.code.startswith("edge_function.cloudfront_function.") for f in found)


@pytest.mark.parametrize(
    ("limits", "says"),
    [(LIMITS, "--deadline 30"), (msgspec.structs.replace(LIMITS, seconds=30), "waits for something that never comes")],
)
def test_a_run_shorter_than_the_edge_allows_says_so(limits, says):
    found = only(cause.judge((), runs=(run("timed_out", limits=limits),)))
    assert says in found.meaning
    assert ("--deadline" in found.meaning) == (limits.seconds < 30)


@pytest.mark.parametrize("returned", sorted(cause.HANDED_OVER))
def test_a_run_without_a_result_says_how_that_came(returned):
    found = only(cause.judge((), runs=(run(value=None, returned=returned),)))
    assert cause.HANDED_OVER[returned] in found.evidence[0].says


@pytest.mark.parametrize(
    ("value", "confidence"),
    [(REFUSED, "high"), (FOR_API_GATEWAY, "medium")],
    ids=["documented", "inferred"],
)
def test_how_sure_a_finding_is_follows_from_how_the_rule_is_known(value, confidence):
    assert only(cause.judge((given(value),))).data["confidence"] == confidence


def test_what_could_not_be_run_says_what_to_do():
    found = only(cause.judge((), runs=(run("could_not_run", error="it is an archive", advice="Unpack it."),)))
    assert found.next_check == "Unpack it."
    assert not found.remedy.steps


def test_no_event_type_is_unknown_and_says_how_to_go_on():
    lambda_edge = cause.judge((given(event_type=""),))
    function = cause.judge((given({"statusCode": 200}, kind="cloudfront-function", event_type=""),))
    for found in (lambda_edge, function):
        assert {f.status for f in found} == {Status.UNKNOWN}
        assert all("event" in f.next_check for f in found)


def test_given_results_and_runs_are_judged_in_that_order():
    found = cause.judge((given(REFUSED),), runs=(run("threw", error="Error: x"),))
    assert [f.code for f in found] == ["edge_function.lambda_edge.header_disallowed", "edge_function.threw"]
    assert [f.evidence[0].observation for f in found] == ["input:function_result", "function-run-1"]


def test_what_is_the_same_in_many_results_is_said_once_and_counted():
    names = [f"r.jsonl:{number}" for number in range(1, 1001)]
    found = cause.judge(tuple(given(REFUSED if n % 2 else ACCEPTED, name=name) for n, name in enumerate(names)))
    assert [(f.code, f.data["results"]) for f in found] == [
        ("edge_function.ok", 500),
        ("edge_function.lambda_edge.header_disallowed", 500),
    ]
    assert found[0].evidence[1].says == "the same in 499 more"


def test_files_of_the_same_name_are_told_apart():
    names = ("/tmp/x/a/result.json", "/tmp/x/b/result.json", "/tmp/x/b/other.json", "-:7", "")
    shown = [one.file for one in cause.judged([given(REFUSED, name=name) for name in names])]
    assert shown == [*names[:2], "other.json", "standard input, line 7", ""]


def test_there_are_bounds_and_faults_come_first():
    warned = tuple(given({"status": 200 + n}, name=f"{n}.json") for n in range(300))
    different = tuple(given({"status": f"{n}"}, name=f"{n}.json") for n in range(600, 850))
    found = cause.judge((*warned, *different))
    assert len(found) == cause.MAX_FINDINGS
    assert {f.status for f in found} == {Status.FAULT}
    assert found[-1].data["left_out"] == 250 + 300 + 1 - cause.MAX_FINDINGS  # and one that all others are accepted


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (given(name="it's $(id) here.json"), ["--result", "it's $(id) here.json"]),
        (given(name="r.jsonl:17"), ["--result", "r.jsonl"]),
        (given(name="r.json:17"), ["--result", "r.json"]),
        (given(name="-:3"), ["--result", "-"]),
        (given(name=""), ["--result", "result.json"]),
        (given(name="a:b.json", event_name="e v.json"), ["--result", "a:b.json", "--event", "e v.json"]),
        (run(value=ACCEPTED, handler="my code.js"), ["--handler", "my code.js", "--run-handler", "--url", "https://x.example/?a=b&c"]),
        (run(value=ACCEPTED, event_name="e.json", key_value_store="kv.json"), ["--handler", "index.js", "--run-handler", "--event", "e.json", "--key-value-store", "kv.json"]),
    ],
)  # fmt: skip
def test_the_command_that_judges_it_again_survives_a_shell(seen, words):
    command = cause.reproduce(seen, "https://x.example/?a=b&c")
    printed = subprocess.run(["sh", "-c", f"printf '%s\\n' {command}"], capture_output=True, text=True, check=True)
    start = ["cfrunbook", "function", "--kind", "lambda-edge", "--event-type", "viewer-request"]
    assert printed.stdout.splitlines() == [*start, *words]
    assert shlex.split(command) == [*start, *words]


def test_the_failing_url_is_in_the_proof_of_the_fix():
    with_url, without = (only(cause.judge((given(REFUSED),), url=url)) for url in ("https://x.example/a?b", ""))
    assert "curl -sS -o /dev/null -D - 'https://x.example/a?b'" in with_url.verify.command
    assert "https://YOUR_SITE/THE_PATH_THAT_FAILS" in without.verify.command


def test_a_result_that_lost_something_on_its_way_to_json_is_not_corrected():
    broken = {"status": "200", "body": {}}
    (as_given,) = cause.judged((given(broken),))
    (as_run,) = cause.judged((), (run(value=broken, lost=(("body", "promise"),)),))
    assert as_given.corrected == {"status": "200", "body": "{}"}
    assert as_run.corrected is None


def test_a_line_of_standard_input_is_called_so():
    (one,) = cause.judged((given(name="-:3"),))
    assert one.title == "Lambda@Edge standard input, line 3, viewer-request"


def test_results_as_people_give_them_are_judged_as_python_values():
    found = cause.judge(inputs.load(REFUSED, event_type="viewer-request"))
    assert only(found).cloudfront_status == 502
