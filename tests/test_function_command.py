"""`cfrunbook function`: exit statuses, JSON, what is written, one sentence for bad input."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from cfrunbook import cli, lab
from cfrunbook.functions import masking
from cfrunbook.functions.documents import Document

ACCEPTED = {"status": "200", "headers": {"content-type": [{"key": "Content-Type", "value": "text/html"}]}, "body": "x"}
REFUSED = {"status": "200", "headers": {"connection": [{"key": "Connection", "value": "close"}]}}
VIEWER = ("--kind", "lambda-edge", "--event-type", "viewer-request")
SECRET = "Zm9vYmFyYmF6cXV4"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the files are, and the working directory."""
    monkeypatch.setenv("COLUMNS", "110")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("CFRUNBOOK_LAB", raising=False)
    monkeypatch.chdir(tmp_path)
    for name, value in {"ok.json": ACCEPTED, "bad.json": REFUSED, "null.json": None}.items():
        Path(name).write_text(json.dumps(value))
    Path("results.jsonl").write_text("".join(json.dumps(r) + "\n" for r in (ACCEPTED, REFUSED, None, ACCEPTED)))
    Path("distribution.json").write_text("{}")
    Path("handler.py").write_text("def lambda_handler(event, context):\n    return None\n")
    return tmp_path


def stdin(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


@pytest.fixture
def masked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let masking take out all text, so that whatever is seen of it was not masked."""

    def mask(document: Document, kind: object, **_: object) -> Document:
        return Document(json.loads(json.dumps(document.value).replace(SECRET, "…")), document.size, document.flaws)

    monkeypatch.setattr(masking, "mask", mask)


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (("--result", "ok.json", *VIEWER), 0, "✓ CloudFront accepts what the Lambda@Edge function (ok.json) returned at viewer-request."),
        (("--result", "bad.json", *VIEWER), 1, "CloudFront answers 502; confidence high"),
        (("--result", "ok.json"), 3, "? Inconclusive: "),
        (("--result", '{"status": "200"}', *VIEWER), 0, "CloudFront would use it as a response."),
        (("--function-result", "bad.json", "--function-kind", "lambda-edge", "--event-type", "VIEWER_REQUEST"), 1, "↑ The function set “connection”"),
        (("--result", "results.jsonl", *VIEWER), 1, "4 results: 2 would be an error, 2 would be used."),
        (("--handler", "handler.py", "--run-handler", "--event-type", "origin-request"), 1, "it returned null itself, or a Python handler ended without return"),
        (("--handler", "handler.ts", "--run-handler", *VIEWER), 3, "handler.ts is TypeScript"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, tuple) else "",
)  # fmt: skip
def test_the_exit_status_says_the_verdict(capsys, arguments, status, says):
    Path("handler.ts").write_text("export const handler = async (event: any) => event;")
    assert cli.entry(["function", *arguments]) == status
    told = capsys.readouterr()
    assert says in " ".join(told.out.split())
    assert told.err == ""


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "function: give one of --result, --handler, --message, --print-event, --print-logs; there is none of them."),
        (("--result", "ok.json", "--handler", "handler.py"), "there is --result and --handler."),
        (("--result", "nothing.json"), "Function result: no such file: nothing.json."),
        (("--result", "."), "Function result: cannot read .: Is a directory."),
        (("--result", ""), "Function result: give a file, JSON text or an object, not an empty name."),
        (("--result", "-", "-"), "function: standard input (-) can be given once."),
        (("--result", "null.json"), "null.json does not show which kind of function returned it; say --function-kind"),
        (("--result", "ok.json", "--kind", "lambda"), "Function kind: 'lambda' is none of lambda-edge, cloudfront-function."),
        (("--result", "ok.json", "--event-type", "x"), "Event type: 'x' is none of viewer-request, "),
        (("--result", "ok.json", "--kind", "cloudfront-function", "--event-type", "origin-request"), "a CloudFront Function never runs at origin-request"),
        (("--result", "ok.json", "--event", "bad.json"), "Event: this is a function's result, not its event"),
        (("--result", "ok.json", "--event", "none.json"), "Event: no such file: none.json."),
        (("--result", "ok.json", "--event", "event.json", "--event-type", "viewer-response"), "viewer-response"),
        (("--result", "ok.json", "--kind", "cloudfront-function", "--event", "event.json"), "Function event: it is an event of lambda-edge"),
        (("--result", "ok.json", "--distribution", "distribution.json"), "Distribution: distribution.json holds no CloudFront distribution"),
        (("--result", "ok.json", "--url", "::::"), "URL: "),
        (("--result", "ok.json", "--deadline", "0"), "Deadline: "),
        (("--result", "ok.json", "--save-evidence", "none/e.json"), "--save-evidence: cannot write in the folder none"),
        (("--result", "bad.json", "--corrected", "none/c.json"), "--corrected: cannot write in the folder none"),
        (("--result", "bad.json", "--corrected", "."), "--corrected: . is a folder; give a file name."),
        (("--handler", "none.py", "--run-handler"), "Handler: no such file: none.py."),
        (("--handler", "handler.py"), "Handler: running it is code execution on this machine"),
        (("--handler", "handler.js", "--run-handler"), "Handler: to make an event for it, say --function-kind lambda-edge or cloudfront-function; or give"),
        (("--handler", "handler.js", "--run-handler", "--kind", "cloudfront-function"), "say --event-type viewer-request or viewer-response; or give"),
        (("--handler", "handler.py", "--run-handler", "--event-type", "origin-request", "--key-value-store", "none.json"), "The key value store: no such file: none.json."),
        (("--print-event",), "function: --print-event needs the --event-type."),
        (("--print-event", "--event-type", "origin-request", "--kind", "cloudfront-function"), "Event type: 'origin-request' is not one of viewer-request, viewer-response."),
        (("--print-logs",), "function: no function is known: give --function-name"),
        (("--print-logs", "--function-name", "x", "--request-id", "a'b"), "Request id: "),
        (("--print-logs", "--function-name", "x", "--at", "yesterday"), "At: 'yesterday' is not a time like"),
        (("--lab", "none"), "lab"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)  # fmt: skip
def test_bad_input_is_one_sentence(capsys, arguments, says):
    Path("handler.js").write_text("exports.handler = async () => null;")
    assert cli.entry(["function", "--print-event", "--event-type", "viewer-request"]) == 0
    Path("event.json").write_text(capsys.readouterr().out)
    assert cli.entry(["function", *arguments]) == cli.EXIT_BAD_INPUT
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("cfrunbook: ")
    assert told.err.count("\n") == 1
    assert says.lower() in told.err.lower()
    assert "Error" not in told.err


@pytest.mark.parametrize("kind", ["lambda-edge", "cloudfront-function"])
@pytest.mark.parametrize("event_type", ["viewer-request", "viewer-response"])
def test_an_event_that_was_printed_is_taken_and_says_what_the_function_is(capsys, kind, event_type):
    asked = ["--print-event", "--kind", kind, "--event-type", event_type, "--url", "https://www.example.com/a?b=c"]
    assert cli.entry(["function", *asked]) == 0
    Path("event.json").write_text(event := capsys.readouterr().out)
    part = "request" if event_type == "viewer-request" else "response"
    whole = json.loads(event)
    result = (whole["Records"][0]["cf"] if kind == "lambda-edge" else whole)[part]
    Path("result.json").write_text(json.dumps(result))
    assert cli.entry(["function", "--result", "result.json", "--event", "event.json", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["results"]
    assert (told["kind"], told["event_type"], told["violations"]) == (kind, event_type, [])


def test_json_has_the_verdict_and_every_result_with_its_place_and_its_fix(capsys):
    assert cli.entry(["function", "--json", "--result", "results.jsonl", *VIEWER]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["schema"] == 1
    assert told["verdict"]["cloudfront_status"] == 502
    assert [r["status"] for r in told["results"]] == ["ok", "fault", "fault", "ok"]
    assert [r["title"] for r in told["results"]][1] == "Lambda@Edge results.jsonl:2, viewer-request"
    (violation,) = told["results"][1]["violations"]
    assert (violation["rule"], violation["path"]) == ("lambda_edge.header_disallowed", "headers.connection")
    assert (violation["cloudfront_status"], violation["certainty"]) == (502, "documented")
    assert violation["page"].endswith("The function tried to add a blacklisted header.")
    assert violation["log"].endswith("headerName : connection.")
    assert violation["node"] == "delete headers['connection'];"
    assert violation["python"] == "headers.pop('connection', None)"
    assert told["results"][1]["corrected"] == {"status": "200", "headers": {}}


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(REFUSED).encode(),
        json.dumps(REFUSED, indent=2).encode(),
        b"\xef\xbb\xbf" + json.dumps(REFUSED).encode(),
        json.dumps(REFUSED).encode("utf-16"),
        b'{"status": "200"}\n\n' + json.dumps(REFUSED).encode() + b"\n",
    ],
    ids=["one line", "indented", "byte order mark", "UTF-16", "JSON Lines"],
)
def test_a_result_comes_from_standard_input_too(capsys, monkeypatch, content):
    stdin(monkeypatch, content)
    assert cli.entry(["function", "--json", "--result", "-", *VIEWER]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["verdict"]["code"] == "edge_function.lambda_edge.header_disallowed"


def test_endless_standard_input_is_refused(capsys, monkeypatch):
    monkeypatch.setattr("cfrunbook.files.MAX_FILE_BYTES", 1024)
    stdin(monkeypatch, b" " * 2000)
    assert cli.entry(["function", "--result", "-", *VIEWER]) == cli.EXIT_BAD_INPUT
    assert "standard input is larger than" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "status", "says"),
    [("lambda-edge", 1, "CloudFront would answer 503"), ("cloudfront-function", 3, "too large: 104,857,600 bytes")],
)
def test_a_result_of_100_mb_is_not_even_read(capsys, kind, status, says):
    with Path("large.json").open("wb") as file:
        file.truncate(100 * 1024 * 1024)
    assert cli.entry(["function", "--result", "large.json", "--kind", kind, "--event-type", "viewer-request"]) == status
    assert says in " ".join(capsys.readouterr().out.split())


def test_a_thousand_results_are_one_finding_each_rule(capsys):
    lines = [ACCEPTED if number % 4 else REFUSED for number in range(1000)]
    Path("many.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert cli.entry(["function", "--json", "--result", "many.jsonl", *VIEWER]) == 1
    told = json.loads(capsys.readouterr().out)
    assert len(told["results"]) == 1000
    assert sorted(f["data"]["results"] for f in told["findings"]) == [250, 750]
    Path("many.jsonl").write_text("".join(json.dumps(ACCEPTED) + "\n" for _ in range(1000)))
    assert cli.entry(["function", "--result", "many.jsonl", *VIEWER]) == 0
    assert "So it does with 999 more results." in " ".join(capsys.readouterr().out.split())


def test_more_results_than_one_call_takes(capsys):
    Path("many.jsonl").write_text('{"status":"200"}\n' * 10_001)
    assert cli.entry(["function", "--result", "many.jsonl", *VIEWER]) == cli.EXIT_BAD_INPUT
    assert "more than 10,000 results; give them in several calls" in capsys.readouterr().err


# --- what is written ----------------------------------------------------------------------------------------------


def with_secret(result: dict[str, object]) -> dict[str, object]:
    return {**result, "headers": {**result.get("headers", {}), "x-token": [{"key": "X-Token", "value": SECRET}]}}  # type: ignore[dict-item]


@pytest.mark.usefixtures("masked")
@pytest.mark.parametrize("broken", [REFUSED, ACCEPTED], ids=["mended", "as it was"])
def test_the_corrected_result_has_its_authors_values_and_nothing_else_has_them(capsys, broken):
    Path("r.json").write_text(json.dumps(with_secret(broken)))
    arguments = ["--result", "r.json", *VIEWER, "--corrected", "c.json", "--save-evidence", "e.json"]
    cli.entry(["function", *arguments])
    cli.entry(["function", "--json", *arguments])
    written = json.loads(Path("c.json").read_text())
    assert written["headers"]["x-token"][0]["value"] == SECRET
    assert "connection" not in written["headers"]
    assert SECRET not in capsys.readouterr().out
    assert SECRET not in Path("e.json").read_text()
    assert cli.entry(["function", "--result", "c.json", *VIEWER]) == 0


@pytest.mark.usefixtures("masked")
def test_so_has_the_corrected_result_of_a_run(capsys):
    Path("handler.py").write_text(
        dedent(f"""
        def lambda_handler(event, context):
            return {{"status": 200, "headers": {{"x-token": [{{"key": "X-Token", "value": "{SECRET}"}}]}}}}
        """)
    )
    run = ["--handler", "handler.py", "--run-handler", "--event-type", "viewer-request"]
    cli.entry(["function", *run, "--corrected", "c.json", "--save-evidence", "e.json"])
    written = json.loads(Path("c.json").read_text())
    assert written == {"status": "200", "headers": {"x-token": [{"key": "X-Token", "value": SECRET}]}}
    assert SECRET not in capsys.readouterr().out
    assert SECRET not in Path("e.json").read_text()


def test_of_several_results_every_line_has_its_own(capsys):
    assert cli.entry(["function", "--result", "results.jsonl", *VIEWER, "--corrected", "c.jsonl"]) == 1
    written = [json.loads(line) for line in Path("c.jsonl").read_text().splitlines()]
    assert written == [ACCEPTED, {"status": "200", "headers": {}}, None, ACCEPTED]
    assert capsys.readouterr().err == (
        "cfrunbook: --corrected: 1 of 4 results are null: what is wrong there only its author can mend.\n"
    )


def test_what_only_its_author_can_mend_is_not_written(capsys):
    assert cli.entry(["function", "--result", "null.json", *VIEWER, "--corrected", "c.json"]) == 1
    told = capsys.readouterr()
    assert "nothing was written" in told.err
    assert "CloudFront would answer 502" in told.out
    assert not Path("c.json").exists()


@pytest.mark.parametrize(
    "arguments",
    [("--result", "bad.json", *VIEWER), ("--handler", "handler.py", "--run-handler", "--event-type", "origin-request")],
    ids=["result", "run"],
)
def test_a_recording_is_judged_alike_elsewhere(capsys, arguments):
    assert cli.entry(["function", "--json", *arguments, "--save-evidence", "e.json"]) == 1
    here = json.loads(capsys.readouterr().out)
    assert cli.entry(["diagnose", "--json", "--evidence", "e.json"]) == 1
    there = json.loads(capsys.readouterr().out)
    assert there["verdict"] == here["verdict"]
    assert there["findings"] == here["findings"]


def test_a_pipe_is_read_once(capsys, tmp_path):
    import os
    import threading

    os.mkfifo("pipe")
    writer = threading.Thread(target=lambda: Path("pipe").write_text(json.dumps(REFUSED)))
    writer.start()
    assert cli.entry(["function", "--result", "pipe", *VIEWER, "--corrected", "c.json"]) == 1
    writer.join()
    assert json.loads(Path("c.json").read_text()) == {"status": "200", "headers": {}}


# --- the lab, the logs --------------------------------------------------------------------------------------------


def test_a_lab_is_examined_without_further_options(capsys, monkeypatch):
    with lab.start("lambda-edge-header-read-only-deleted") as running:
        for name, value in running.environment().items():
            monkeypatch.setenv(name, value)
        assert cli.entry(["function"]) == 1
        assert capsys.readouterr().out.startswith("LAB SCENARIO lambda-edge-header-read-only-deleted")
        assert cli.entry(["function", "--result", "ok.json", *VIEWER]) == 0
        assert "LAB" not in capsys.readouterr().out


def test_a_lab_without_a_function_is_for_diagnose(capsys, monkeypatch):
    with lab.start("healthy-http-only") as running:
        assert cli.entry(["function", "--lab", str(running.file)]) == cli.EXIT_BAD_INPUT
    assert "use `cfrunbook diagnose`" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "groups"),
    [
        ("lambda-edge", ("/aws/cloudfront/LambdaEdge/DISTRIBUTION_ID", "/aws/lambda/us-east-1.shop")),
        ("cloudfront-function", ("/aws/cloudfront/function/shop",)),
    ],
)
def test_where_the_logs_are(capsys, kind, groups):
    asked = [
        "--print-logs",
        "--function-name",
        "shop",
        "--kind",
        kind,
        "--pop",
        "FRA56-P4",
        "--at",
        "2026-11-22T03:12:00Z",
    ]
    assert cli.entry(["function", *asked]) == 0
    told = capsys.readouterr().out
    assert all(group in told for group in groups)
    assert "--start-time 17953" in told
    assert cli.entry(["function", *asked, "--json"]) == 0
    steps = json.loads(capsys.readouterr().out)
    assert len(steps) == len(groups)
    assert all(set(step) == {"text", "command"} for step in steps)


def test_the_functions_of_the_distribution_are_those_whose_logs_are_shown(capsys):
    with lab.start("lambda-edge-header-read-only-deleted") as running:
        file = running.file.with_name("distribution.json")
        assert cli.entry(["function", "--print-logs", "--distribution", str(file), "--url", running.setup.url]) == 0
    told = capsys.readouterr().out
    assert "Lambda@Edge function shop:7 at origin-response" in " ".join(told.split())
    assert "/aws/cloudfront/LambdaEdge/EDFDVBD6EXAMPLE" in told


def test_the_distributions_origins_decide_what_a_function_may_do(capsys):
    with lab.start("cloudfront-function-origin-vpc") as running:
        assert cli.entry(["function", "--json", "--lab", str(running.file)]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["verdict"]["code"] == "edge_function.cloudfront_function.origin_vpc"
    assert [v["rule"] for v in told["results"][0]["violations"]] == ["cloudfront_function.origin_vpc"]
