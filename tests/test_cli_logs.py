"""`cfrunbook logs`: exit statuses, what is printed and in which order, JSON, one sentence for bad input."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cfrunbook import cli
from tests.logs.made import failed, line, real_time, request, standard

ROWS = [request(i, pop="LHR3-C1") for i in range(0, 3600, 20)] + [failed(600 + i) for i in range(0, 60, 5)]


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "110")
    monkeypatch.setenv("NO_COLOR", "1")


def save(folder: Path, content: bytes, name: str = "log") -> str:
    (folder / name).write_bytes(content)
    return str(folder / name)


@pytest.mark.parametrize(
    ("content", "status", "says"),
    [
        (standard(ROWS), 1, "✕ 12 of 192 requests were answered with 502 (6.2 %), from 2026-11-20 00:10:00 to 00:10:55 UTC."),
        (standard(ROWS[:180]), 0, "✓ No request was answered with 502 among 180, from 2026-11-20 00:00 to 00:59 UTC."),
        (standard([]), 3, "? The logs hold no request."),
        (standard([]) + b"rubbish\n", 3, "? No request could be read, so nothing can be told."),
        (b"", 3, "? The logs hold no request."),
        (gzip.compress(standard(ROWS[:180]))[:-30], 3, "among the"),
        (standard([failed(1, status="200"), request(2)]), 1, "1 more request failed like a 502; a custom error response"),
    ],
)  # fmt: skip
def test_the_exit_status_and_the_first_line_say_the_answer(tmp_path, capsys, content, status, says):
    assert cli.entry(["logs", save(tmp_path, content)]) == status
    shown = capsys.readouterr()
    assert says in re.sub(r"\s+", " ", shown.out)
    assert shown.err == "", "no progress where there is no terminal"


def test_who_when_where_how_often_why_and_what_next(tmp_path, capsys):
    rows = [*ROWS, *[failed(660 + i, "Error") for i in range(9)], failed(700, "OriginCommError", status="504")]
    log = standard(rows) + line(request(1)).encode()[:40] + b"\n"
    assert cli.entry(["logs", save(tmp_path, log, "E.2026-11-20-00.ab.gz")]) == 1
    printed = capsys.readouterr().out
    out = re.sub(r"\s*\n\s*", " ", printed)
    wanted = [
        "✕ 21 of 202 requests",
        "9 of them say only Error",
        "Beside them: 1 with 504.",
        "WHEN, AND WHAT THEY HAVE IN COMMON",
        "A burst from 2026-11-20 00:10 to 00:12 UTC: 21 of 28 requests fail (75 %).",
        "Only one edge location: FRA56-P1, where 21 of 22 requests fail (95 %).",
        "WHAT CLOUDFRONT SAYS OF THEM",
        "OriginConnectError: 12 (57 %)",
        "Points to: port, tls name, tls protocol, certificate (usual status: 502 or 504).",
        "Next: See which it is",
        "First: 2026-11-20 00:10:00 UTC at FRA56-P1, request id k6WGMNkEzR5BEM",
        "Error: 9 (43 %)",
        "EDGE LOCATION",
        "FRA56-P1  21 of 22  95 %  (9 only Error)",
        "none at 1 other",
        "PATH",
        "/cart  21 of 202  10 %",
        "METHOD",
        "OTHER STATUSES",
        "504 OriginCommError: 1.",
        "WHAT WAS READ",
        "Files: 1 read of 1 (1 standard).",
        "Lines: 203 read, 202 used, 1 malformed.",
        "E.2026-11-20-00.ab.gz:205: no HTTP status in its place (5 of 33 columns, 40 bytes)",
    ]
    at = -1
    for words in wanted:
        found = out.find(words, at + 1)
        assert found > at, f"{words!r} is missing, or not in its place"
        at = found
    assert "secret" not in out
    assert "203.0.113.7" not in out
    assert max(map(len, printed.splitlines())) <= 110


def test_json(tmp_path, capsys):
    assert cli.entry(["logs", "--json", save(tmp_path, standard([*ROWS, failed(1, "OnFire")]))]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["schema"], told["status"]) == (1, "fault")
    assert told["summary"]["errors"] == 13
    assert {r["name"] for r in told["result_types"]} == {"OriginConnectError", "OnFire"}
    known = next(r for r in told["result_types"] if r["name"] == "OriginConnectError")
    assert known["causes"] == ["port", "tls_name", "tls_protocol", "certificate"]
    burst = next(p for p in told["patterns"] if p["kind"] == "burst")
    assert burst["errors"] == 12
    assert "secret" not in json.dumps(told)


def test_a_window_another_status_and_names_of_columns(tmp_path, capsys):
    log = save(tmp_path, standard(ROWS))
    assert cli.entry(["logs", log, "--since", "2026-11-20T00:10:30Z", "--until", "2026-11-20T00:11"]) == 1
    out = capsys.readouterr().out
    assert "✕ 6 of 7 requests" in out
    assert "185 outside the window." in out
    assert cli.entry(["logs", log, "--since", "2026-11-20T02:00"]) == 3
    assert cli.entry(["logs", log, "--status", "404"]) == 0
    capsys.readouterr()
    names = ("timestamp", "sc-status", "cs-uri-stem")
    live = save(tmp_path, real_time(ROWS, names), "live")
    assert cli.entry(["logs", live, "--fields", "timestamp, sc-status, cs-uri-stem"]) == 1
    assert "1 real-time" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["missing"], "Access logs: no such file or folder: missing."),
        ([], "the following arguments are required: PATH"),
        (["x", "--since", "yesterday"], "'yesterday' is not a time like 2026-11-22T18:00:00Z"),
        (["x", "--since", "2026-11-21", "--until", "2026-11-20"], "--since is not before --until"),
        (["x", "--status", "5xx"], "'5xx' is not an HTTP status such as 502"),
        (["x", "--fields", "date time"], "sc-status is not among the names"),
        (["page.gz"], "Access logs: page.gz is an HTML page, not a log"),
        (["."], "Access logs: page.gz is an HTML page, not a log; what it was saved from answered with a page. Fetch the log again. Nor can the other file be used."),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence(tmp_path, monkeypatch, capsys, arguments, says):
    monkeypatch.chdir(tmp_path)
    save(tmp_path, b"<html>", "page.gz")
    save(tmp_path, b"\x89PNG\r\n\x1a\n" + bytes(300), "picture")
    assert cli.entry(["logs", *arguments]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1


def test_hostile_values_move_no_cursor(tmp_path, capsys):
    bad = "\x1b[2J\u202e"
    rows = [failed(i, bad, path="/" + bad, host=bad, pop=bad, method=bad, id=bad) for i in range(9)]
    assert cli.entry(["logs", save(tmp_path, standard(rows))]) == 1
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\u202e" not in out


def test_clocks_that_differ_and_late_delivery_are_said(tmp_path, capsys):
    import datetime as dt

    from cfrunbook.logs import reading
    from cfrunbook.views import logs as views

    seen = reading.read([save(tmp_path, standard(ROWS))])
    newest = dt.datetime(2026, 11, 20, 0, 59, 40, tzinfo=dt.UTC)
    for ahead, says in ((-3, "later than this machine's clock"), (2, "up to 24 hours late"), (100, None)):
        text = views.render(seen, newest + dt.timedelta(hours=ahead), color=False, width=100)
        for words in ("later than this machine's clock", "up to 24 hours late"):
            assert (words in text) is (words == says)


def test_as_a_process_from_a_pipe_with_colour(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "cfrunbook", "logs", "-"],
        input=gzip.compress(standard(ROWS)),
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1, done.stderr
    assert b"12 of 192 requests" in done.stdout
