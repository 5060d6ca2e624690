"""Every way in which access logs differ from what a fixed list of 33 columns expects: the 502s are found all the same."""

from __future__ import annotations

import codecs
import gzip
import json
import sys
from pathlib import Path

import pytest

from cfrunbook.cloudfront.log_fields import COLUMN_SETS, REAL_TIME_FIELDS
from cfrunbook.errors import BadInput
from tests.logs.made import EPOCH, NAMES, as_real_time, count, failed, line, objects, real_time, request, standard

ROWS = [request(1), failed(2), failed(61, "OriginDnsError"), request(62, path="/other"), failed(125, "Error")]
REVERSED = NAMES[::-1]
LAST = (*[n for n in NAMES if n != "sc-status"], "sc-status")
FIRST = ("sc-status", *[n for n in NAMES if n != "sc-status"])
FEW = ("x-edge-detailed-result-type", "sc-status", "time", "date", "cs-uri-stem")
MS = [row | {"timestamp(ms)": str(1000 * (EPOCH + at))} for row, at in zip(ROWS, (1, 2, 61, 62, 125), strict=True)]
STAMPED = ("timestamp(ms)", *NAMES[2:])
CHOSEN = ("timestamp", "sc-status", "cs-method", "cs-host", "cs-uri-stem", "x-edge-location", "x-host-header")
CHOSEN += ("x-edge-response-result-type", "x-edge-result-type", "x-edge-detailed-result-type", "r-host")

FILES = {
    "33 columns": standard(ROWS),
    "35 columns of 2026": standard(ROWS, COLUMN_SETS[-1].names),
    "other order": standard(ROWS, REVERSED),
    "status last": standard(ROWS, LAST),
    "status first": standard(ROWS, FIRST),
    "few columns": standard(ROWS, FEW),
    "time stamp in milliseconds": standard(MS, STAMPED),
    "trailing TAB": standard(ROWS).replace(b"\n2026", b"\t\n2026")[:-1] + b"\t\n",
    "41 columns": standard([r | {"sc-range-end": "-\t-\t-\t-\t-\t-\t-\t-\t-"} for r in ROWS]),
    "31 columns of 33": b"\n".join(b"\t".join(one.split(b"\t")[:31]) for one in standard(ROWS).split(b"\n")),
    "CRLF": standard(ROWS, end="\r\n"),
    "CRLF, status last": standard(ROWS, LAST, end="\r\n"),
    "no end of the last line": standard(ROWS)[:-1],
    "UTF-8 BOM": codecs.BOM_UTF8 + standard(ROWS),
    "UTF-16": standard(ROWS).decode().encode("utf-16"),
    "UTF-16 big endian": codecs.BOM_UTF16_BE + standard(ROWS).decode().encode("utf-16-be"),
    "blank lines": standard(ROWS).replace(b"\n2026", b"\n\n2026"),
    "many blank lines": standard(ROWS).replace(b"\n2026", b"\n" * 9 + b"2026"),
    "a hundred blank lines first": b"\n" * 200 + standard(ROWS).split(b"\n", 2)[2],
    "marks in the middle": standard(ROWS[:2]) + codecs.BOM_UTF8 + standard(ROWS[2:], REVERSED),
    "comments in between": standard(ROWS).replace(b"\n2026", b"\n# a comment\n2026"),
    "header once more in the middle": standard(ROWS[:2]) + standard(ROWS[2:]),
    "another header in the middle": standard(ROWS[:2]) + standard(ROWS[2:], REVERSED) + standard([]),
    "older columns in the middle": standard(ROWS[2:]) + standard(ROWS[:2], COLUMN_SETS[4].names),
    "only #Fields": standard(ROWS).partition(b"\n")[2],
    "header with TABs": standard(ROWS).replace(b" ", b"\t"),
    "commas": standard(ROWS, delimiter=","),
    "pipes": standard(ROWS, delimiter="|"),
    "spaces": standard(ROWS, delimiter=" "),
    "runs of spaces": standard(ROWS, delimiter="     "),
    "two signs": standard(ROWS, delimiter="||"),
    "an odd sign": standard(ROWS, delimiter="\x01"),
    "no header": standard(ROWS).split(b"\n", 2)[2],
    "no header, commas": standard(ROWS, delimiter=",").split(b"\n", 2)[2],
    "no header, any order": standard(ROWS, REVERSED).split(b"\n", 2)[2],
    "no header, few columns": standard(ROWS, FEW).split(b"\n", 2)[2],
    "no header, odd sign": standard(ROWS, delimiter="~").split(b"\n", 2)[2],
    "real-time": real_time(ROWS),
    "real-time, 46 columns": real_time(ROWS, REAL_TIME_FIELDS[:46]),
    "real-time, some columns": real_time(ROWS, CHOSEN),
    "JSON": objects(ROWS),
    "JSON with numbers": objects(ROWS, numbers=True),
    "JSON with milliseconds": objects([{k: v for k, v in r.items() if k not in ("date", "time")} for r in MS], numbers=True),
    "JSON array": b"[" + objects(ROWS).replace(b"\n", b",")[:-1] + b"]",
    "JSON objects without line ends": objects(ROWS).replace(b"\n", b""),
    "JSON, some line ends": objects(ROWS).replace(b"}\n", b"}", 1),
    "JSON, pretty": "\n".join(json.dumps(r, indent=2) for r in ROWS).encode(),
    "JSON with null and absent": objects([{k: v for k, v in r.items() if v != "-"} | {"c-ip": None} for r in ROWS]),  # type: ignore[list-item]
    "JSON of a real-time log": objects([{k: v for k, v in as_real_time(r).items() if k not in ("date", "time", "cs(Host)")} for r in ROWS]),
    "JSON, Athena's names": objects([{k.replace("-", "_").replace("(", "_").replace(")", ""): v for k, v in r.items()} for r in ROWS]),
    "gzip": gzip.compress(standard(ROWS)),
    "gzip in several members": gzip.compress(standard(ROWS[:2])) + gzip.compress(standard(ROWS[2:])),
    "a member in the middle of a line": gzip.compress(standard(ROWS)[:900]) + gzip.compress(standard(ROWS)[900:]),
    "gzip with padding": gzip.compress(standard(ROWS)) + b"\0" * 600,
    "gzip of JSON": gzip.compress(objects(ROWS)),
    "gzip of UTF-16": gzip.compress(standard(ROWS).decode().encode("utf-16")),
}  # fmt: skip


@pytest.mark.parametrize("what", FILES)
def test_the_same_502s_whatever_the_file_looks_like(tmp_path: Path, what: str) -> None:
    seen = count(tmp_path, FILES[what], name="EXAMPLE.2026-11-20-00.x.txt")
    assert (seen.lines.read, seen.lines.parsed, seen.lines.malformed) == (5, 5, 0)
    assert (seen.requests, seen.errors) == (5, 3)
    is_old = what == "older columns in the middle"  # none of 23 columns is the detailed type
    first = ("Error", False) if is_old else ("OriginConnectError", True)
    assert {(t.name, t.detailed) for t in seen.types} == {first, ("OriginDnsError", True), ("Error", True)}
    assert {t.count for t in seen.types} == {1}
    assert (seen.repeats, seen.untyped) == (1, is_old)
    assert [(p.at, p.requests, p.errors) for p in seen.series.points] == [
        (EPOCH, 2, 1),
        (EPOCH + 60, 2, 1),
        (EPOCH + 120, 1, 1),
    ]
    assert (seen.first_error, seen.last_error) == (EPOCH + 2, EPOCH + 125)
    assert {k.key: (k.requests, k.errors) for k in seen.paths.keys} == {"/cart": (4, 3), "/other": (1, 0)}
    assert [k.key for k in seen.hosts.keys] == (["www.example.com"] if seen.hosts.known else [])


@pytest.mark.parametrize("names", [s.names for s in COLUMN_SETS], ids=lambda names: str(len(names)))
@pytest.mark.parametrize("has_header", [True, False])
def test_every_set_of_columns_that_ever_was(tmp_path: Path, names: tuple[str, ...], has_header: bool) -> None:
    log = standard(ROWS, names)
    seen = count(tmp_path, log if has_header else log.split(b"\n", 2)[2])
    assert (seen.errors, seen.requests, seen.lines.malformed) == (3, 5, 0)
    assert seen.untyped == (0 if "x-edge-detailed-result-type" in names else 3)
    assert seen.hosts.known
    assert bool(seen.files.guesses) is not has_header


def test_what_was_guessed_is_said(tmp_path: Path) -> None:
    def guessed(name: str) -> list[str]:
        return list(count(tmp_path, FILES[name]).files.guesses)

    assert guessed("33 columns") == []
    assert guessed("no header") == ["taken to be those of standard logs with 33 columns: the file has no #Fields line"]
    assert guessed("real-time") == ["taken to be those of real-time logs with 69 columns: the file has no #Fields line"]
    (told,) = guessed("no header, few columns")
    assert told.startswith(
        "told by their values (x-edge-detailed-result-type, sc-status, time, date, cs-uri-stem): the file has no"
    )
    assert "--fields" in told


def test_fields_that_a_person_names_are_used_where_the_file_has_none(tmp_path: Path) -> None:
    log = real_time(ROWS, CHOSEN)
    seen = count(tmp_path, log, fields=CHOSEN)
    assert (seen.errors, seen.requests, seen.files.guesses) == (3, 5, {})
    assert [k.key for k in seen.hosts.keys] == ["www.example.com"]
    assert count(tmp_path, standard(ROWS), fields=CHOSEN).errors == 3, "a header counts more"


def test_a_line_that_is_cut_off_is_counted_apart(tmp_path: Path) -> None:
    whole = standard(ROWS)
    cut = whole + line(failed(200)).encode()[:330] + b"\n" + line(failed(201)).encode()[:40] + b"\n"
    seen = count(tmp_path, cut)
    assert (seen.errors, seen.cut, seen.untyped) == (4, 1, 1)
    assert (seen.lines.read, seen.lines.parsed, seen.lines.malformed) == (7, 6, 1)
    assert seen.lines.samples[0].line == 9
    assert seen.lines.samples[0].says.startswith("no HTTP status in its place (")


def test_a_line_with_more_columns_than_the_header_is_used_and_said(tmp_path: Path) -> None:
    seen = count(tmp_path, FILES["41 columns"])
    assert seen.wide == 3
    assert count(tmp_path, FILES["trailing TAB"]).wide == 0


def test_a_path_encoded_twice_is_the_same_path(tmp_path: Path) -> None:
    rows = [failed(1, path="/a%2520b"), failed(2, path="/a%20b"), failed(3, path="/a b;jsessionid=SECRET")]
    seen = count(tmp_path, standard(rows))
    assert [(k.key, k.errors, k.requests) for k in seen.paths.keys] == [("/a b", 2, 2), ("/a b;[redacted]", 1, 1)]


def test_the_hour_in_the_files_name_stands_for_times_that_were_not_selected(tmp_path: Path) -> None:
    names = NAMES[2:]
    seen = count(tmp_path, standard(ROWS, names), name="EXAMPLE123.2026-11-20-14.1a2b3c4d.")
    assert (seen.errors, seen.first_error) == (3, EPOCH + 14 * 3600)
    with pytest.raises(BadInput, match="has no column that says when; select date and time"):
        count(tmp_path, standard(ROWS, names), name="log")


def test_status_000_and_numbers_are_statuses(tmp_path: Path) -> None:
    rows = [request(1, status="000"), failed(2)]
    for log in (standard(rows), objects(rows), objects([rows[0] | {"sc-status": 0}, rows[1]])):  # type: ignore[list-item]
        seen = count(tmp_path, log)
        assert seen.statuses == {"000": 1, "502": 1}
        assert seen.lines.malformed == 0


def test_what_awss_guide_and_public_samples_really_hold(tmp_path: Path) -> None:
    odd = [
        failed(
            1, "OriginDnsError", **{"x-forwarded-for": "192.0.2.1, 198.51.100.2", "x-host-header": "localhost:8080"}
        ),
        failed(2, "OriginDnsError", **{"cs(User-Agent)": "Mozilla/5.0%2520(Windows%2520NT)"}),
    ]
    seen = count(tmp_path, standard(odd))
    assert (seen.errors, seen.hosts.keys[0].key) == (2, "localhost:8080")


def test_parquet_without_pyarrow_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setattr("cfrunbook.logs.parquet.util.find_spec", lambda _: None)
    with pytest.raises(BadInput, match=r"log0 is Parquet: pip install pyarrow, or let CloudFront deliver w3c"):
        count(tmp_path, b"PAR1" + b"\0" * 100)


def test_parquet(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "log.parquet"
    for rows in (ROWS, [r | {"sc-status": int(r["sc-status"])} for r in ROWS]):
        parquet.write_table(arrow.Table.from_pylist(rows), path)
        seen = count(tmp_path, path.read_bytes())
        assert (seen.errors, seen.requests, seen.files.formats) == (3, 5, {"Parquet": 1})
    with pytest.raises(BadInput, match="is a Parquet file that is damaged"):
        count(tmp_path, path.read_bytes()[:-20])
