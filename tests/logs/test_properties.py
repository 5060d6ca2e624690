"""However bytes are cut, packed, ordered and divided, the counts are the same; hostile bytes never raise."""

from __future__ import annotations

import gzip
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfrunbook.cloudfront.log_fields import REAL_TIME_FIELDS
from cfrunbook.errors import BadInput
from cfrunbook.log_summary import Files, LogSummary
from cfrunbook.logs import delimited, inflate, json_rows, lines, merging, reading, shares, tally, worker
from cfrunbook.logs.files import LogFile
from cfrunbook.logs.reading import Options
from cfrunbook.logs.refusal import Refused
from cfrunbook.logs.shares import Part
from tests.logs.made import EPOCH, NAMES, failed, objects, real_time, request, standard
from tests.logs.test_tally import check_sums

requests = st.builds(
    lambda at, status, pop, path, detailed, is_bad: request(
        at, status="oops" if is_bad else status, pop=pop, path=path, detailed=detailed, result="Error" if status > "4" else "Hit"
    ),
    at=st.integers(0, 100_000),
    status=st.sampled_from(["200", "404", "502", "502", "503", "504", "000"]),
    pop=st.sampled_from(["FRA56-P1", "LHR3-C1", "NRT57-P2"]),
    path=st.sampled_from(["/", "/a%20b", "/c;d=1", "/e"]),
    detailed=st.sampled_from(["Error", "OriginDnsError", "OriginConnectError", "Hit", "-"]),
    is_bad=st.sampled_from([False] * 9 + [True]),
)  # fmt: skip
some = st.lists(requests, min_size=1, max_size=150)


def plain(summary: LogSummary) -> LogSummary:
    """The summary without what says where it was read."""
    return msgspec.structs.replace(summary, files=Files(), lines=msgspec.structs.replace(summary.lines, samples=()))


def read(*contents: bytes, options: Options | None = None) -> LogSummary:
    with tempfile.TemporaryDirectory() as folder:
        for number, content in enumerate(contents):
            Path(folder, f"{number:03}").write_bytes(content)
        seen = reading.read([folder], options, processes=1)
    check_sums(seen)
    return plain(seen)


def cut(content: bytes, places: list[int]) -> Iterator[bytes]:
    ends = sorted({p % (len(content) + 1) for p in places} | {len(content)})
    start = 0
    for end in ends:
        yield content[start:end]
        start = end


def counted(content: bytes, places: list[int]) -> LogSummary:
    """What the parts of the reader make of blocks that are cut at any place."""
    total = tally.Tally()
    if content[:1] in b"{[":
        of = json_rows.JsonReader()
        for block in cut(content, places):
            for batch in of.batches(block):
                total.add(batch, "")
        for batch in of.finish():
            total.add(batch, "")
    else:
        splitter, rows = lines.LineSplitter(), delimited.DelimitedReader()
        for block in cut(content, places):
            for batch in rows.batches(splitter.feed(block)):
                total.add(batch, "")
        for batch in (*rows.batches(splitter.finish()), *rows.finish()):
            total.add(batch, "")
    return plain(total.summary())


FORMATS = [
    standard,
    lambda rows: standard(rows, end="\r\n"),
    lambda rows: standard(rows[:9]) + standard(rows[9:], NAMES[::-1]),
    real_time,
    objects,
    lambda rows: objects(rows).replace(b"\n", b""),
]


def outcome(content: bytes, places: list[int]) -> LogSummary | str:
    try:
        return counted(content, places)
    except Refused as error:  # so few lines without a header may be no log
        return str(error)


@given(rows=some, places=st.lists(st.integers(0, 1 << 30), max_size=40), made=st.sampled_from(FORMATS))
def test_blocks_may_end_anywhere(rows, places, made):
    whole = outcome(made(rows), [])
    assert outcome(made(rows), places) == whole


@settings(max_examples=30)
@given(rows=some, order=st.permutations(NAMES), level=st.integers(0, 9))
def test_any_order_of_columns_plain_or_packed(rows, order, level):
    expected = read(standard(rows))
    assert read(standard(rows, order)) == expected
    assert read(gzip.compress(standard(rows, order), level)) == expected


@settings(max_examples=30)
@given(rows=some, place=st.integers(0, 1 << 30))
def test_files_may_be_divided_anywhere(rows, place):
    at = place % len(rows)
    together = read(standard(rows))
    assert read(standard(rows[:at]), standard(rows[at:])) == together
    first, second = read(standard(rows[:at])), read(standard(rows[at:]))
    assert merging.merged([first, second]) == together == merging.merged([second, first])


@settings(max_examples=30)
@given(rows=some)
def test_a_short_summary_loses_no_number(rows):
    whole = read(standard(rows))
    short = merging.shortened_summary(whole)
    check_sums(short)
    assert msgspec.json.decode(short.to_json(), type=LogSummary) == short


def test_a_short_summary_is_short():
    rows = [
        failed(i * 37, f"Type{i % 40}", path=f"/{i}", pop=f"FRA{i % 60}", host=f"h{i}.example.com") for i in range(5000)
    ]
    short = merging.shortened_summary(read(standard(rows)))
    check_sums_of_keys = [len(d.keys) for d in (short.pops, short.hosts, short.paths)]
    assert check_sums_of_keys == [merging.SHORT_KEYS] * 3
    assert len(short.series.points) <= merging.SHORT_STEPS
    assert len(msgspec.json.encode(short)) < 120_000


@given(
    content=st.one_of(
        st.binary(max_size=3000),
        st.builds(lambda a, b, at: a[: at % len(a)] + b + a[at % len(a) :], st.just(standard([failed(1)] * 9)), st.binary(max_size=400), st.integers(0, 1 << 20)),
        st.builds(lambda a, b, at: a[: at % len(a)] + b + a[at % len(a) :], st.just(gzip.compress(standard([failed(1)] * 99))), st.binary(max_size=40), st.integers(0, 1 << 20)),
        st.builds(lambda a, b, at: a[: at % len(a)] + b + a[at % len(a) :], st.just(objects([failed(1)] * 9)), st.binary(max_size=400), st.integers(0, 1 << 20)),
        st.builds(lambda names, rest: b"#Fields: " + " ".join(names).encode() + b"\n" + rest, st.lists(st.sampled_from(REAL_TIME_FIELDS + NAMES), max_size=9), st.binary(max_size=300)),
    )
)  # fmt: skip
@settings(max_examples=150)
def test_hostile_bytes_are_counted_or_refused(content):
    sentence = ""
    try:
        seen = read(content)
    except BadInput as error:
        sentence = str(error)
    else:
        msgspec.json.decode(seen.to_json(), type=LogSummary)
    assert "\n" not in sentence


@settings(max_examples=30)
@given(rows=some, cuts=st.integers(2, 5))
def test_ranges_of_a_plain_file_add_up(rows, cuts):
    content = standard(rows[:40]) + standard(rows[40:], NAMES[::-1])
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        patched.setattr(shares, "_SPLIT_FROM", 1)
        path = Path(folder, "log")
        path.write_bytes(content)
        divided = shares.divide([LogFile(path, len(content))], cuts)
        found = [reading.count(share, Options()) for share in divided]
        merged, alone = merging.merged(found), reading.read([path], processes=1)
        assert plain(merged) == plain(alone)
        assert merged.lines.samples == alone.lines.samples
        assert merged.files.read == 1


def test_two_processes_count_as_one(tmp_path, monkeypatch):
    for number in range(8):
        rows = [failed(i + 100 * number) for i in range(20)] + [request(i) for i in range(30)]
        name = os.fsdecode(b"\xff%d.gz" % number)  # it need not be text
        (tmp_path / name).write_bytes(gzip.compress(standard(rows)))
    told: list[tuple[int, int]] = []
    alone = reading.read([tmp_path], processes=1, progress=lambda *step: told.append(step))
    assert reading.read([tmp_path], processes=2) == alone
    assert told[-1][0] == told[-1][1] == sum(p.stat().st_size for p in tmp_path.iterdir())
    monkeypatch.setattr(worker.sys, "executable", "/nonexistent/python")
    assert reading.read([tmp_path], processes=2) == alone, "a process that does not start leaves its share to us"


def test_a_process_that_dies_leaves_its_share_to_us(tmp_path, monkeypatch):
    for number in range(4):
        (tmp_path / f"{number}.log").write_bytes(standard([failed(number)]))
    monkeypatch.setattr(worker.sys, "executable", "/bin/false")
    assert reading.read([tmp_path], processes=2).errors == 4


def test_the_header_of_a_range_is_looked_for_backwards(tmp_path, monkeypatch):
    monkeypatch.setattr(shares, "_STEP", 100)
    path = tmp_path / "log"
    content = standard([failed(1)] * 5) + standard([failed(1)] * 5, NAMES[::-1])
    path.write_bytes(content)
    second = content.rindex(b"#Fields")
    starts = [at + 1 for at, byte in enumerate(content) if byte == ord("\n")]
    for offset in starts:
        names = NAMES[::-1] if offset > second else NAMES if offset > starts[0] else ()
        assert [n.decode() for n in shares.header_before(path, offset).split()[1:]] == list(names), offset


@given(blocks=st.lists(st.binary(max_size=30).map(lambda b: b.replace(b"\r", b"\n")), max_size=30))
def test_lines_longer_than_the_limit_are_dropped_wherever_blocks_end(blocks):
    splitter = lines.LineSplitter(limit=8)
    given_lines = b"".join(splitter.feed(b) for b in blocks) + splitter.finish()
    every = b"".join(blocks).split(b"\n")
    kept = [one for one in every[:-1] if len(one) <= 8] + ([every[-1]] if len(every[-1]) <= 8 else [])
    assert given_lines.split(b"\n") == (kept if len(every[-1]) <= 8 else [*kept, b""])
    assert splitter.too_long == sum(len(one) > 8 for one in every)


def test_utf_16_may_be_cut_within_a_character(monkeypatch, tmp_path):
    monkeypatch.setattr(inflate, "BLOCK", 7)
    text = standard([failed(1, path="/ünï")]).decode().encode("utf-16")
    path = tmp_path / "log"
    path.write_bytes(text)
    seen = reading.read([path])
    assert (seen.errors, seen.first_error, seen.paths.keys[0].key) == (1, EPOCH + 1, "/ünï")


def test_a_part_says_how_much_work_it_is():
    assert Part(Path("a.gz"), 100).weight > Part(Path("a.log"), 100).weight
    files = [LogFile(Path(f"{n}.gz"), size) for n, size in enumerate((5, 900, 30, 400, 470, 10))]
    divided = shares.divide(files, 2)
    assert [sorted(p.size for p in share) for share in divided] == [[10, 900], [5, 30, 400, 470]]
    assert len(shares.divide(files, None)) == 1, "so little is read faster than a process starts"
