"""What people give of an edge function: results in every form, events, kinds, handlers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfrunbook.cloudfront import distribution_reader, viewer_url
from cfrunbook.errors import BadInput
from cfrunbook.evidence import FunctionResult
from cfrunbook.functions import documents, inputs
from cfrunbook.functions.cloudfront_function.calls import OriginCall, Run
from cfrunbook.functions.cloudfront_function.facts import Runtime
from cfrunbook.functions.events import cloudfront_function_event, lambda_edge_event
from cfrunbook.functions.model import EventType, Kind
from cfrunbook.functions.recording import calls_of, run_of

URL = "https://www.example.com/a"
LAMBDA, FUNCTION = Kind.LAMBDA_EDGE, Kind.CLOUDFRONT_FUNCTION
ACCEPTED = {"status": "200"}


def one(source: Any, **more: Any) -> FunctionResult:
    (found,) = inputs.load(source, **more)
    return found


# --- which kind of function, at which event -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({"status": "200"}, LAMBDA),
        ({"headers": {"a": [{"value": "b"}]}}, LAMBDA),
        ({"uri": "/", "clientIp": "192.0.2.7"}, LAMBDA),
        ({"uri": "/", "origin": {}}, LAMBDA),
        ({"headers": {"a": {"value": "b"}}}, FUNCTION),
        ({"statusCode": 200, "cookies": {}}, FUNCTION),
        ({"TestResult": {"FunctionOutput": "{}", "FunctionErrorMessage": "", "ComputeUtilization": "7"}}, FUNCTION),
        ({"kind": "cfrunbook.function-run", "result": "{}"}, FUNCTION),
        ({"statusCode": 200, "headers": {"a": "b"}}, None),
        ({"uri": "/"}, None),
        ({}, None),
        ([], None),
        (None, None),
    ],
    ids=lambda value: json.dumps(value)[:50] if not isinstance(value, Kind) else "",
)
def test_the_kind_is_told_by_the_result_or_has_to_be_said(value, kind):
    text = json.dumps(value).encode()
    if kind is None:
        with pytest.raises(BadInput, match=r"does not show which kind of function returned it; say --function-kind"):
            inputs.load(text)
    else:
        assert one(text).kind == kind
    assert one(text, kind="Lambda_Edge").kind == LAMBDA
    assert one(text, event_type="origin-response").kind == LAMBDA  # only Lambda@Edge runs there


@pytest.mark.parametrize("event_type", EventType)
def test_an_event_says_kind_and_type(event_type):
    found = one(b"null", event=lambda_edge_event(event_type, URL))
    assert (found.kind, found.event_type) == (LAMBDA, event_type)
    assert found.event is not None


@pytest.mark.parametrize("event_type", [EventType.VIEWER_REQUEST, EventType.VIEWER_RESPONSE])
def test_an_event_of_cloudfront_functions_says_both_too(event_type):
    found = one(b"null", event=cloudfront_function_event(event_type, URL))
    assert (found.kind, found.event_type) == (FUNCTION, event_type)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"kind": "x"}, "Function kind: 'x' is none of"),
        ({"event_type": "x"}, "Event type: 'x' is none of"),
        ({"kind": FUNCTION, "event_type": "origin-request"}, "a CloudFront Function never runs at origin-request"),
        ({"kind": FUNCTION, "event": lambda_edge_event("viewer-request", URL)}, "it is an event of lambda-edge"),
        ({"event_type": "viewer-response", "event": lambda_edge_event("viewer-request", URL)}, "viewer-response"),
        ({"event": ACCEPTED}, "Event: this is a function's result"),
        ({"event": "no.json"}, "Event: no such file: no.json"),
    ],
    ids=str,
)
def test_what_cannot_go_together_is_said_in_a_sentence(more, says):
    with pytest.raises(BadInput, match=says):
        inputs.load(ACCEPTED, **more)


# --- forms --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["path", "name", "text", "bytes", "value", "list"])
def test_a_result_comes_in_any_form(tmp_path, form):
    file = tmp_path / "r.json"
    file.write_text(json.dumps(ACCEPTED))
    source: Any = {
        "path": file,
        "name": str(file),
        "text": json.dumps(ACCEPTED),
        "bytes": json.dumps(ACCEPTED).encode(),
        "value": ACCEPTED,
        "list": [file],
    }[form]
    found = one(source)
    assert found.result.value == ACCEPTED
    assert found.name == (str(file) if form in ("path", "name", "list") else "")


@pytest.mark.parametrize(
    ("content", "values"),
    [
        (b'{"status":"200"}\n{"status":"201"}\n', [1, 2]),
        (b'\n{"status":"200"}\r\n\r\n  {"status":"201"}  \n', [2, 4]),
        (b'{"status":"200"}\n{broken}\n', [1, 2]),
        (b'{"status":"200"}\n', None),
        (b'{\n"status":"200"\n}\n', None),
        (b'{"status":"200"\n', None),
        (b"", None),
    ],
)
def test_json_lines_are_told_by_what_is_in_them(tmp_path, content, values):
    for name in ("r.json", "r.jsonl", "R.NDJSON"):
        (tmp_path / name).write_bytes(content)
    found = inputs.load(tmp_path / "r.json", kind="lambda-edge")
    text = inputs.load(content, kind="lambda-edge")
    if values is None:
        assert [f.name for f in (*found, *text)] == [str(tmp_path / "r.json"), ""]
        return
    assert [f.name for f in found] == [f"{tmp_path / 'r.json'}:{number}" for number in values]
    assert [f.name for f in text] == [f"-:{number}" for number in values]
    for name in ("r.jsonl", "R.NDJSON"):
        lines = inputs.load(tmp_path / name, kind="lambda-edge")
        assert [f.name for f in lines] == [f"{tmp_path / name}:{number}" for number in values]


@pytest.mark.parametrize(
    ("content", "flaw"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"undefined", "undefined"),
        (b"<html>", "not_json"),
        (b"{'status': '200'}", "not_json"),
        (b'{"status": "200"', "not_json"),
        (b'{"n": ' + b"1" * 5000 + b"}", "not_json"),
        (b'{"status": "\xff"}', "not_utf8"),
        (b'{"n": NaN}', "not_finite"),
        (b'{"a": 1, "a": 2}', "duplicate_key"),
        (rb'{"a": "\ud800"}', "lone_surrogate"),
        (b"[" * 100_000, "too_deep"),
        (b'{"a":' * 100 + b"1" + b"}" * 100, "too_deep"),
        (b" " * (documents.MAX_BYTES + 1), "too_large"),
    ],
    ids=lambda value: str(value[:20]),
)
def test_what_is_no_json_is_no_bad_input_but_a_flaw(tmp_path, content, flaw):
    file = tmp_path / "r.json"
    file.write_bytes(content)
    for source in (file, content):
        assert [f.kind for f in one(source, kind="lambda-edge").result.flaws] == [flaw]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig"])
def test_files_as_powershell_writes_them(encoding):
    mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}.get(encoding, b"")
    found = one(mark + json.dumps({"status": "200", "body": "ü"}, ensure_ascii=False).encode(encoding))
    assert found.result.value == {"status": "200", "body": "ü"}
    assert found.result.flaws == ()


def test_a_large_file_is_not_read_at_all(tmp_path):
    file = tmp_path / "r.json"
    with file.open("wb") as sparse:
        sparse.truncate(1 << 40)
    found = one(file, kind="lambda-edge")
    assert found.result.size == 1 << 40
    assert [f.kind for f in found.result.flaws] == ["too_large"]


@pytest.mark.parametrize(
    "source",
    [None, 7, "", {1, 2}, {"a": object()}, "\0", "no.json"],
    ids=["None", "number", "empty", "set", "no JSON form", "NUL", "no file"],
)
def test_what_is_no_result_is_bad_input(source):
    with pytest.raises(BadInput):
        inputs.load(source, kind="lambda-edge")


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read(content):
    for found in inputs.load(content, kind="lambda-edge", event_type="viewer-request"):
        assert found.result.value is not None or found.result.flaws or content.strip() == b"null"


# --- what is known of a run beside its result ----------------------------------------------------------------------


def test_the_output_of_test_function_is_taken_apart(tmp_path):
    output = json.dumps({"request": {"uri": "/", "headers": {}}})
    tested = {"TestResult": {"FunctionOutput": output, "FunctionErrorMessage": "", "ComputeUtilization": "85"}}
    found = one(tested)
    assert found.kind == FUNCTION
    assert found.facts.compute_utilization == 85
    assert "uri" in json.dumps(found.result.value)
    failed = {"TestResult": {"FunctionOutput": "", "FunctionErrorMessage": "TypeError: x", "ComputeUtilization": "7"}}
    assert one(failed).facts.threw == "TypeError: x"


def test_a_run_that_was_written_is_read_again():
    calls = (OriginCall("updateRequestOrigin", ({"domainName": "a.example"},)), OriginCall("kvs", None))
    run = Run(threw="", code="var a;", runtime=Runtime.JS_2_0, compute_utilization=3)
    found = one(inputs.write_run('{"uri":"/"}', calls, run))
    assert found.result.value == {"uri": "/"}
    assert calls_of(found.facts) == calls
    assert (run_of(found.facts).code, run_of(found.facts).runtime) == ("var a;", Runtime.JS_2_0)


def test_a_run_of_another_version_is_refused():
    with pytest.raises(BadInput, match="it is no run as cfrunbook writes one"):
        inputs.load({"kind": "cfrunbook.function-run", "schema": 2})


# --- handlers -----------------------------------------------------------------------------------------------------

ARN = "arn:aws:lambda:us-east-1:111122223333:function:shop:7"


def distribution(*functions: tuple[str, str]) -> Any:
    items = [
        {"LambdaFunctionARN": ARN, "EventType": event, "IncludeBody": False}
        for kind, event in functions
        if kind == LAMBDA
    ]
    others = [
        {"FunctionARN": "arn:aws:cloudfront::111122223333:function/f", "EventType": event}
        for kind, event in functions
        if kind == FUNCTION
    ]  # fmt: skip
    origin = {
        "Id": "o",
        "DomainName": "o.example.com",
        "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"},
    }
    behavior = {
        "TargetOriginId": "o",
        "ViewerProtocolPolicy": "allow-all",
        "LambdaFunctionAssociations": {"Quantity": len(items), "Items": items},
        "FunctionAssociations": {"Quantity": len(others), "Items": others},
    }
    config = {
        "CallerReference": "x",
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": behavior,
        "Aliases": {"Quantity": 1, "Items": ["www.example.com"]},
        "Comment": "",
        "Enabled": True,
    }
    return distribution_reader.load({"DistributionConfig": config})


@pytest.mark.parametrize(
    ("file", "more", "functions", "expected"),
    [
        ("a.py", {"event_type": "viewer-request"}, (), (LAMBDA, "viewer-request")),
        ("a.js", {"event_type": "origin-request"}, (), (LAMBDA, "origin-request")),
        ("a.js", {"kind": FUNCTION, "event_type": "viewer-request"}, (), (FUNCTION, "viewer-request")),
        ("a.js", {}, ((LAMBDA, "origin-response"),), (LAMBDA, "origin-response")),
        ("a.js", {}, ((FUNCTION, "viewer-request"),), (FUNCTION, "viewer-request")),
        ("a.js", {"event_type": "origin-request"}, ((LAMBDA, "origin-request"), (LAMBDA, "origin-response")), (LAMBDA, "origin-request")),
        ("a.js", {}, (), "--function-kind lambda-edge or cloudfront-function"),
        ("a.py", {}, (), "--event-type viewer-request or origin-request or origin-response or viewer-response"),
        ("a.js", {}, ((LAMBDA, "origin-request"), (LAMBDA, "origin-response")), "--function-kind"),
        ("a.js", {"kind": FUNCTION}, ((LAMBDA, "viewer-request"),), "--event-type viewer-request or viewer-response"),
        ("none.js", {}, (), "Handler: no such file"),
    ],
    ids=str,
)  # fmt: skip
def test_what_a_handler_is_run_for_is_said_or_told_by_the_distribution(tmp_path, file, more, functions, expected):
    for name in ("a.py", "a.js"):
        (tmp_path / name).write_text("")
    arguments = {"distribution": distribution(*functions), "url": viewer_url.parse(URL), **more} if functions else more
    if isinstance(expected, str):
        with pytest.raises(BadInput, match=expected):
            inputs.handler(tmp_path / file, **arguments)
        return
    event = inputs.handler(tmp_path / file, **arguments).event
    assert (event.kind, event.event_type) == expected
    assert event.name == ""


def test_a_handler_is_run_with_the_event_that_was_given(tmp_path):
    (tmp_path / "a.js").write_text("")
    (tmp_path / "e.json").write_text(json.dumps(lambda_edge_event("origin-response", URL)))
    event = inputs.handler(tmp_path / "a.js", event=tmp_path / "e.json").event
    assert (event.kind, event.event_type, event.name) == (LAMBDA, "origin-response", str(tmp_path / "e.json"))
    with pytest.raises(BadInput, match="it is an event of lambda-edge"):
        inputs.handler(tmp_path / "a.js", event=tmp_path / "e.json", kind=FUNCTION)


@pytest.mark.parametrize("path", [None, 7, "", Path("none")], ids=str)
def test_what_is_no_handler_is_bad_input(path):
    with pytest.raises(BadInput, match=r"^Handler: "):
        inputs.handler(path, event_type="viewer-request")
