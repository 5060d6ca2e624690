"""What is no log, or a broken one: named in one sentence, in bounded memory, and what can be read is read."""

from __future__ import annotations

import gzip
import os
import threading
import tracemalloc
import zlib
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import pytest

from cfrunbook.errors import BadInput
from cfrunbook.logs import inflate, reading
from cfrunbook.logs.lines import MAX_LINE
from cfrunbook.logs.reading import Options
from tests.logs.made import NAMES, count, failed, line, objects, request, standard

ALB = (
    b"https 2026-11-20T00:00:01.000000Z app/shop/50dc6c495c0c9188 203.0.113.7:2817 10.0.0.1:80 0.0 0.0 0.0 502 - 34"
    b' 366 "GET https://www.example.com:443/ HTTP/1.1" "curl/7.46.0" - - arn:aws:x "Root=1" "-" "-" 0\n'
)
S3 = (
    b"79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be shop [20/Nov/2026:00:00:38 +0000] 203.0.113.7"
    b' 79a5 3E57427F3EXAMPLE REST.GET.VERSIONING - "GET /shop HTTP/1.1" 200 - 113 - 7 - "-" "S3Console/0.4" -\n'
)
NGINX = b'203.0.113.7 - - [20/Nov/2026:00:00:38 +0000] "GET / HTTP/1.1" 502 157 "-" "curl/8.5.0"\n'
RTMP = (
    b"#Version: 1.0\n#Fields: date time x-edge-location c-ip x-event sc-bytes x-cf-status x-cf-client-id cs-uri-stem"
    b" cs-uri-query c-referrer x-page-url\tc-user-agent x-sname x-sname-query x-file-ext x-sid\n"
    b"2010-03-12\t23:51:20\tSEA4\t192.0.2.147\tconnect\t2014\tOK\tbfd8\trtmp://x.cloudfront.net/cfx/st\t-\t-\t-\t-\t-\t-\t-\t-\n"
)

REFUSED = {
    "an ALB's log": (ALB, "is an access log of an Application Load Balancer, not of CloudFront."),
    "a gzip of an ALB's log": (gzip.compress(ALB), "is an access log of an Application Load Balancer"),
    "S3's log": (S3, "is an S3 server access log, not CloudFront's."),
    "nginx's log": (NGINX, "is a web server's access log (nginx, Apache), not CloudFront's."),
    "IIS's log": (b"#Software: Microsoft Internet Information Services 10.0\n#Fields: date time sc-status\n", "is a log of IIS"),
    "RTMP": (RTMP, "is a log of an RTMP distribution, which has no HTTP status; CloudFront ended those on 2020-12-31."),
    "an HTML page": (b"\n<!DOCTYPE html>\n<html><body>Sign in</body></html>", "is an HTML page, not a log;"),
    "S3's error": (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "is XML, such as S3 sends for an error"),
    "CloudTrail": (b'{"Records":[{"eventVersion":"1.08","eventSource":"s3"}]}', "is a CloudTrail log."),
    "a configuration": (b'{"ETag": "E2", "DistributionConfig": {}}', "is a distribution's configuration; give it as --distribution"),
    "other JSON": (b'{"level": "info", "msg": "hello"}\n', "is JSON, but its objects have no sc-status"),
    "a list of numbers": (b"[1, 2, 3]\n", "has no object in it: it is no CloudFront access log."),
    "a picture": (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40, "is not text."),
    "random bytes": (os.urandom(70_000).replace(b"\x1f\x8b", b""), "is not text."),
    "ZIP": (b"PK\x03\x04" + b"\0" * 50, "is a ZIP archive; unpack it first: unzip."),
    "Zstandard": (b"\x28\xb5\x2f\xfd" + b"\0" * 50, "is compressed with Zstandard; unpack it first: zstd -d."),
    "some text": (b"hello world\nthis is no log\n", "has no #Fields line, and its lines are not those of a CloudFront access log"),
    "a header without status": (b"#Fields: date time cs-method\n2026-11-20\t00:00:01\tGET\n", "has no column sc-status"),
    "no time": (b"#Fields: sc-status cs-method\n502\tGET\n", "has no column that says when"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_log_is_named(tmp_path: Path, what: str) -> None:
    content, says = REFUSED[what]
    with pytest.raises(BadInput) as caught:
        count(tmp_path, content)
    sentence = str(caught.value)
    assert f"log0 {says}" in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize("what", ["missing", "empty folder", "nothing", "NUL in the name"])
def test_nothing_to_read(tmp_path: Path, what: str) -> None:
    (tmp_path / ".hidden").write_bytes(b"x")
    given = {"missing": [tmp_path / "no"], "empty folder": [tmp_path], "nothing": [], "NUL in the name": ["a\0b"]}[what]
    says = {
        "missing": r"no such file or folder: .*/no\.",
        "empty folder": r"has no file in it\.",
        "nothing": r"name a file or a folder\.",
        "NUL in the name": r"is not a file name\.",
    }[what]
    with pytest.raises(BadInput, match=rf"^Access logs: .*{says}$|^Access logs: {says}$"):
        reading.read(given)


def test_a_broken_file_among_many_is_named_and_the_rest_is_counted(tmp_path: Path) -> None:
    for number in range(60):
        (tmp_path / f"E.2026-11-20-{number // 3:02}.{number:08x}.gz").write_bytes(
            gzip.compress(standard([failed(number)]))
        )
    (tmp_path / "E.2026-11-20-05.0000000f.gz").write_bytes(gzip.compress(b"<html>Service Unavailable</html>"))
    (tmp_path / "E.2026-11-20-07.00000015.gz").unlink()
    (tmp_path / "E.2026-11-20-07.00000015.gz").symlink_to("gone")
    sub = tmp_path / "older"
    sub.mkdir()
    (sub / "empty.gz").write_bytes(b"")
    (sub / "header-only.gz").write_bytes(gzip.compress(standard([])))
    for processes in (1, 2):
        seen = reading.read([tmp_path], processes=processes)
        assert (seen.errors, seen.files.given, seen.files.read, seen.files.empty, seen.files.failed) == (
            58,
            62,
            60,
            2,
            2,
        )
        assert [(Path(p.file).name, p.says.split(",")[0]) for p in seen.files.problems] == [
            ("E.2026-11-20-05.0000000f.gz", "is an HTML page"),
            ("E.2026-11-20-07.00000015.gz", "cannot be read: No such file or directory."),
        ]


def test_a_cut_off_gzip_is_salvaged(tmp_path: Path) -> None:
    whole = gzip.compress(standard(failed(i, path=f"/{i * 7919}") for i in range(3000)))
    seen = count(tmp_path, whole[: len(whole) // 2])
    assert 1000 < seen.errors < 2500
    assert seen.files.problems[0].salvaged
    assert "is cut off in the middle of its gzip data; what came before was counted." in seen.files.problems[0].says
    assert seen.lines.read - seen.lines.parsed <= 1, "only the last line may be broken"


def test_a_damaged_gzip_is_salvaged(tmp_path: Path) -> None:
    rows = [failed(i, path=f"/{i * 7919}") for i in range(3000)]
    good, later = gzip.compress(standard(rows[:1500])), gzip.compress(standard(rows[1500:]))
    flipped = later[:2000] + bytes(b ^ 0xFF for b in later[2000:2100]) + later[2100:]
    seen = count(tmp_path, good + flipped)
    assert 1500 <= seen.errors < 3000
    assert "is damaged at about byte" in seen.files.problems[0].says
    seen = count(tmp_path, good + b"rubbish")
    assert seen.errors == 1500
    assert "goes on after its end with bytes that are not gzip" in seen.files.problems[0].says


def test_a_bomb_is_left_at_its_ratio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inflate, "RATIO_FROM", 1 << 20)
    packer = zlib.compressobj(9, wbits=31)
    bomb = packer.compress(standard([failed(1)]))
    for _ in range(20):
        bomb += packer.compress(b"\n" * (1 << 20))
    bomb += packer.flush()
    assert len(bomb) < 30_000
    seen = count(tmp_path, bomb)
    assert seen.errors == 1
    assert seen.files.problems[0].says.startswith("inflates to more than 400 times its size")
    monkeypatch.setattr(inflate, "MAX_RATIO", 10_000)
    monkeypatch.setattr(inflate, "MAX_OUTPUT", 5 << 20)
    assert count(tmp_path, bomb).files.failed == 1


@pytest.mark.parametrize("what", ["line", "object", "binary"])
def test_a_line_without_end_takes_no_memory(tmp_path: Path, what: str) -> None:
    path = tmp_path / "log"
    begin, end = {
        "line": (standard([failed(1)]), b"\n" + line(failed(2)).encode() + b"\n"),
        "object": (objects([failed(1)]) + b'{"sc-status": "', b'"}\n' + objects([failed(2)])),
        "binary": (standard([failed(1)]), b"\n" + line(failed(2)).encode() + b"\n"),
    }[what]
    filler = (b"\0" if what == "binary" else b"x") * (1 << 20)
    with path.open("wb") as file:
        file.write(begin)
        for _ in range(40):
            file.write(filler)
        file.write(end)
    tracemalloc.start()
    seen = reading.read([path], processes=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (seen.errors, seen.lines.malformed) == (2, 1)
    assert f"more than {MAX_LINE // 1024} KiB" in seen.lines.samples[0].says
    assert peak < 6 << 20


def test_keys_without_end_take_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("wb") as file:
        file.write(standard([]))
        for number in range(2000):
            long = f"{number}-" + "y" * 8000
            row = failed(number, path="/" + long, host=long, method=long, pop=long, detailed=long, id=long)
            file.write(line(row).encode() + b"\n")
    with suppress(ImportError):
        import_module("numpy")  # what it takes by itself is always the same
    tracemalloc.start()
    seen = reading.read([path], processes=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seen.errors == 2000
    assert peak < 20 << 20
    assert max(len(k.key) for d in (seen.paths, seen.hosts, seen.methods, seen.pops) for k in d.keys) <= 200


def test_lines_that_cannot_be_used_are_counted_and_shown_without_their_text(tmp_path: Path) -> None:
    secret = "203.0.113.99"
    bad = [
        f"garbage {secret}",
        f"2026-11-20\t00:00:01\t{secret}",
        line(request(1, status="abc")),
        line(request(1, date="yesterday")),
    ]
    bad += [line(request(1, date="1850-01-01")), line(request(1, time="25:00:00"))]
    seen = count(tmp_path, standard([failed(1)]) + "\n".join(bad).encode())
    assert (seen.lines.read, seen.lines.parsed, seen.lines.malformed) == (7, 1, 6)
    assert [s.line for s in seen.lines.samples] == [4, 5, 6, 7, 8]
    assert {s.says.partition(" (")[0] for s in seen.lines.samples} == {
        "no HTTP status in its place",
        "no date and time in their place",
    }
    assert secret not in seen.to_json().decode()


def test_broken_objects_are_counted(tmp_path: Path) -> None:
    log = objects([failed(1)]) + b'{"broken": \n' + b"null\n" + b'{"other": 1}\n' + objects([failed(2)])
    seen = count(tmp_path, log)
    assert (seen.errors, seen.lines.malformed, seen.lines.read) == (2, 3, 5)
    deep = b'{"a":' * 5000 + b"1" + b"}" * 5000
    seen = count(tmp_path, objects([failed(1)]) + deep + b"\n" + objects([failed(2)]))
    assert (seen.errors, seen.lines.malformed) == (2, 1)


def test_nothing_of_a_viewer_is_kept(tmp_path: Path) -> None:
    from tests.logs.made import real_time

    for log in (standard([failed(1)]), real_time([failed(1)]), objects([failed(1)])):
        told = count(tmp_path, log).to_json().decode()
        assert "secret" not in told
        assert "203.0.113.7" not in told
        assert "/cart" in told


def test_a_pipe_is_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(gzip.compress(standard([failed(1)]))))
    writer.start()
    assert reading.read([pipe]).errors == 1
    writer.join()


def test_files_of_other_hours_are_not_even_opened(tmp_path: Path) -> None:
    for hour in range(24):
        (tmp_path / f"E.2026-11-20-{hour:02}.0a0b0c0d.gz").write_bytes(gzip.compress(standard([failed(hour * 3600)])))
    (tmp_path / "E.2026-11-20-03.ffffffff.gz").write_bytes(b"<html>")
    since = 1_795_132_800 + 12 * 3600
    seen = reading.read([tmp_path], Options(since=since, until=since + 3600))
    assert (seen.errors, seen.lines.outside, seen.files.failed) == (1, 3, 0)
    assert (seen.files.given, seen.files.skipped, seen.files.read) == (25, 21, 4)


def test_a_window_cuts_minutes_to_the_second(tmp_path: Path) -> None:
    since = 1_795_132_800 + 30
    rows = [failed(at) for at in (0, 29, 30, 31, 89, 90, 91, 200)]
    for log in (standard(rows), objects(rows), standard(rows, NAMES[::-1])):
        seen = count(tmp_path, log, since=since, until=since + 60)
        assert (seen.errors, seen.lines.outside, seen.lines.read) == (3, 5, 8)
        assert (seen.first_error, seen.last_error) == (since, since + 59)


def test_a_file_of_nothing_but_rubbish_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_MALFORMED", 500)
    seen = count(tmp_path, standard([]) + b"rubbish\n" * 100_000, standard([failed(1)]))
    assert (seen.errors, seen.files.failed, seen.files.read) == (1, 1, 1)
    assert seen.files.problems[0].says == "begins with more than 500 malformed lines; it was left at that."
    assert 500 < seen.lines.malformed < 20_000
