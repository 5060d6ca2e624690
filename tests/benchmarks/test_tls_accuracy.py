"""The accuracy table: fair marks, and the whole of it for the servers that answer at once."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import tls_accuracy
from support.accuracy import Judged, Line, Mark, judge_ours, judge_peer, markdown, text
from support.difficult_servers import ROWS, Difficult
from support.peers import NMAP, S_CLIENT
from support.readers import Reading, Trouble

from cfrunbook.cloudfront.origin_tls import TLS_1_0, TLS_1_2, TLS_1_3
from tests.real import difficult

A, B = "ECDHE-RSA-AES128-GCM-SHA256", "AES128-SHA"
GOOD = Difficult("good", difficult.nginx("plain"), "connects", True, (TLS_1_2,), (A, B))
OLD = Difficult("old", difficult.nginx("tls10"), "old version only", False, (TLS_1_0,), code="old.only")
CURVE = dataclasses.replace(GOOD, connects=False, suites=(), trouble=(Trouble.CURVE,), code="no.curve")
MUTE = Difficult("mute", difficult.nginx("http"), "HTTP", False, trouble=(Trouble.NOT_TLS,), code="http?")


def reading(*suites: tuple[int, str], troubles: tuple[Trouble, ...] = ()) -> Reading:
    return Reading(frozenset(version for version, _ in suites), frozenset(suites), frozenset(troubles))


BOTH = ((TLS_1_2, A), (TLS_1_2, B))


@pytest.mark.parametrize(
    ("row", "said", "mark"),
    [
        pytest.param(GOOD, reading(*BOTH), Mark.RIGHT, id="everything listed"),
        pytest.param(GOOD, reading(), Mark.WRONG, id="nothing listed of a server that works"),
        pytest.param(GOOD, reading((TLS_1_2, A)), Mark.WRONG, id="a suite left out without a word"),
        pytest.param(GOOD, reading((TLS_1_3, A), (TLS_1_3, B)), Mark.WRONG, id="a version left out"),
        pytest.param(GOOD, reading((TLS_1_2, A), troubles=(Trouble.FAILED,)), Mark.SILENT, id="it says that it failed"),
        pytest.param(OLD, reading((TLS_1_0, B)), Mark.RIGHT, id="the list shows that there is nothing in common"),
        pytest.param(OLD, reading(), Mark.WRONG, id="an old version is there"),
        pytest.param(CURVE, reading((TLS_1_2, A), troubles=(Trouble.CURVE,)), Mark.RIGHT, id="the trouble is named"),
        pytest.param(CURVE, reading((TLS_1_2, A)), Mark.SILENT, id="a true list that hides the trouble"),
        pytest.param(MUTE, reading(), Mark.SILENT, id="nothing listed where there is nothing"),
        pytest.param(MUTE, reading(troubles=(Trouble.NOT_TLS,)), Mark.RIGHT, id="it says what it is"),
    ],
)
def test_a_peers_mark(row: Difficult, said: Reading, mark: Mark) -> None:
    assert judge_peer(row, NMAP, said).mark is mark


def test_a_peer_that_cannot_ask_is_silent_not_wrong() -> None:
    assert judge_peer(dataclasses.replace(GOOD, cannot_ask=(S_CLIENT,)), S_CLIENT, reading()).mark is Mark.SILENT


@pytest.mark.parametrize(
    ("row", "status", "code", "mark"),
    [
        (GOOD, "ok", "", Mark.RIGHT),
        (GOOD, "fault", "port.silent", Mark.WRONG),
        (GOOD, "unknown", "tls_protocol.unknown", Mark.SILENT),
        (OLD, "fault", "old.only", Mark.RIGHT),
        (OLD, "fault", "another.code", Mark.WRONG),
        (OLD, "ok", "", Mark.WRONG),
        (MUTE, "unknown", "http", Mark.RIGHT),
        (MUTE, "fault", "http", Mark.WRONG),
    ],
)
def test_our_mark(row: Difficult, status: str, code: str, mark: Mark) -> None:
    assert judge_ours(row, status, code, 1.0).mark is mark


def test_the_table_says_why_and_counts() -> None:
    judged = {"cfrunbook": Judged(Mark.RIGHT, "ok", 0.5), NMAP: Judged(Mark.WRONG, "lists nothing", 16)}
    lines = [Line("one byte in a record", "connects", "connects", judged)]
    assert "nmap: lists nothing" in text(lines, tuple(judged))
    page = markdown(lines, tuple(judged))
    assert "| one byte in a record | connects (s2n: connects) | ✓ 0.5 s, ok | ✗ 16.0 s, lists nothing |" in page
    assert "- nmap: 0 right, 1 wrong, 0 silent, 0 gave up of 1" in page


@pytest.mark.needs("nginx", "openssl")
def test_the_whole_of_it(tmp_path: Path) -> None:
    expected = {
        "nginx, RSA and ECDSA": (Mark.RIGHT, Mark.RIGHT),
        "P-521 curve only": (Mark.RIGHT, Mark.RIGHT),
        "plain HTTP": (Mark.RIGHT, Mark.SILENT),
    }
    rows = [row for row in ROWS if row.server in expected]
    tools = (tls_accuracy.OURS, S_CLIENT)
    kept = tmp_path / "kept"
    kept.mkdir()
    with difficult.bench(tmp_path) as bench:
        lines = list(tls_accuracy.table(bench, rows, tools, tls_accuracy.Outputs(60, keep=kept)))
        again = list(tls_accuracy.table(bench, rows, tools, tls_accuracy.Outputs(60, again=kept)))
    assert {line.server: tuple(line.judged[tool].mark for tool in tools) for line in lines} == expected
    assert again == lines


def test_a_tool_that_takes_too_long_is_stopped() -> None:
    status, output, _ = tls_accuracy.run(["sh", "-c", "echo started; sleep 60"], 1)
    assert (status, output) == (tls_accuracy.GAVE_UP, "started\n")


def test_every_server_is_there_once_and_says_what_is_true() -> None:
    assert len({row.server for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert row.connects == (not row.code), row.server
        assert row.connects == (not row.trouble) or row.speaks, row.server
