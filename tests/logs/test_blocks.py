"""Lines counted many at once with numpy give the summary that they give one by one."""

from __future__ import annotations

import gzip
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfrunbook.log_summary import LogSummary
from cfrunbook.logs import blocks, delimited, inflate, reading, shares
from cfrunbook.logs.reading import Options
from cfrunbook.logs.shares import Part
from tests.logs.made import EPOCH, NAMES, failed, request, standard
from tests.logs.test_drift import FILES

vectors = pytest.importorskip("cfrunbook.logs.vectors")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is soon full, values of a few bytes are long, and half of the hashes are the same."""
    monkeypatch.setattr(inflate, "BLOCK", 1000)
    monkeypatch.setattr(delimited, "BLOCK", 1500)
    monkeypatch.setattr(blocks, "_LEAST", 1)
    monkeypatch.setattr(vectors, "_MAX_LINES", 60)
    monkeypatch.setattr(vectors, "_MAX_VALUES", 5)
    monkeypatch.setattr(vectors, "_SLOTS", 3)
    monkeypatch.setattr(vectors, "_WIDTHS", {"pop": 8, "method": 8, "host": 16, "path": 8, "origin": 8})


def both(content: bytes, options: Options | None = None, start: int = 0) -> tuple[LogSummary, LogSummary]:
    """What a file says, read line by line and in blocks."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "log")
        path.write_bytes(content)
        part = Part(path, len(content), start)
        one, other = (reading.count([part], options or Options(), in_blocks=is_told) for is_told in (False, True))
    return one, other


odd = st.sampled_from(
    ["", "-", "x" * 8, "x" * 9, "x" * 15 + "y", "é", "a;b=1", "%2520", "X" * 700, " ", "Error", "\x01"]
)
rows = st.builds(
    lambda at, status, values, detailed: request(at, status=status, detailed=detailed, **values),
    at=st.one_of(st.integers(0, 300), st.integers(0, 200_000)),
    status=st.sampled_from(["200", "200", "304", "404", "502", "503", "000", "20", "2000", "x", ""]),
    values=st.dictionaries(
        st.sampled_from(["pop", "path", "host", "method", "result", "date", "time", "cs(User-Agent)"]),
        st.one_of(odd, st.text(st.sampled_from("aZ/01.:-"), max_size=18)), max_size=2,
    ),
    detailed=st.sampled_from(["Error", "OriginDnsError", "LambdaValidationError", "Hit", "-"]),
)  # fmt: skip
breaks = st.lists(
    st.tuples(st.integers(0, 1 << 20), st.sampled_from([b"\n", b"\n\n\n", b"\t", b"\0", b"\r\n", b"#x\n", b"\x0b", b"\xff"])),
    max_size=4,
)  # fmt: skip
windows = st.sampled_from(
    [{}, {"since": EPOCH + 60}, {"until": EPOCH + 121}, {"since": EPOCH + 7, "until": EPOCH + 200}]
)


@settings(max_examples=150, deadline=None)
@given(
    some=st.lists(rows, min_size=1, max_size=40),
    count=st.one_of(st.integers(1, 300), st.integers(61, 200)),
    order=st.permutations(NAMES[2:]),
    size=st.integers(100, 3000),
    breaks=breaks,
    cut=st.one_of(st.just(0), st.integers(0, 900)),
    window=windows,
    status=st.sampled_from([502, 502, 200, 404]),
)
def test_blocks_say_what_lines_say(some, count, order, size, breaks, cut, window, status):
    content = standard((some * count)[:count], [*NAMES[:2], *order])
    for at, what in breaks:
        place = at % len(content)
        content = content[:place] + what + content[place:]
    content = content[: max(1, len(content) - cut)]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(inflate, "BLOCK", size)
        one, other = both(content, Options(status=status, **window))
    assert other == one


@pytest.mark.parametrize("what", FILES)
def test_files_of_every_kind(what: str) -> None:
    one, other = both(FILES[what])
    assert (other, other.errors) == (one, 3)


def test_blocks_count_and_not_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """That the summaries are equal says something only if nearly all lines were counted in blocks."""
    seen: list[vectors.Found] = []
    add = vectors.BlockCounter.add
    monkeypatch.setattr(vectors.BlockCounter, "add", lambda *given: seen.append(add(*given)) or seen[-1])
    content = standard([request(i) for i in range(500)] + [failed(7), request(8, status="?")] + [request(9)] * 80)
    one, other = both(gzip.compress(content))
    assert other == one
    assert sum(found.lines for found in seen) == 582
    assert sum(found.parsed for found in seen) == 581
    assert sum(len(found.odd) for found in seen) == 1
    assert sum(len(found.chosen) for found in seen) == 1
    (sample,) = other.lines.samples
    assert sample.line == 2 + 502, "the line's number in the file"


def test_values_that_begin_the_same_are_told_apart() -> None:
    paths = ["/long", "/longer.", "/longer.1", "/longer.2", "/longer", "", "/longer.1"]
    one, other = both(standard([request(i, path=paths[i % 7]) for i in range(200)]))
    assert other == one
    assert len(other.paths.keys) == 6


def test_the_last_line_without_an_end_has_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "BLOCK", 1 << 20)
    one, other = both(standard([request(i) for i in range(100)]) + b"2026-11-20\tcut")
    assert other == one
    assert [sample.line for sample in other.lines.samples] == [103]


def test_a_range_of_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    content = standard([failed(i) for i in range(90)]) + standard([failed(1, status="?")] * 90, NAMES[::-1])
    starts = [at + 1 for at, byte in enumerate(content) if byte == ord("\n")]
    for start in starts[2:-1:37]:
        one, other = both(content, start=start)
        assert other == one


def test_without_numpy_it_is_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cfrunbook.logs.vectors", None)
    one, other = both(standard([failed(i) for i in range(90)]))
    assert other == one


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bool]]:
    told: list[bool] = []
    count = reading.count
    monkeypatch.setattr(
        reading, "count", lambda *given, in_blocks: told.append(in_blocks) or count(*given, in_blocks=in_blocks)
    )
    return told


def test_only_large_logs_are_worth_the_start_of_numpy(
    tmp_path: Path, asked: list[bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log"
    path.write_bytes(standard([failed(i) for i in range(200)]))
    small = reading.read([path], processes=1)
    monkeypatch.setattr(reading, "WORTH_BLOCKS", 1000)
    assert reading.read([path], processes=1) == small
    monkeypatch.setattr(shares, "_SPLIT_FROM", 1)
    assert reading.read([path], processes=2).errors == 200
    assert asked[:2] == [False, True]
