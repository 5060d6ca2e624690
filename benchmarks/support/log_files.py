"""Access logs of a made-up distribution: 33 columns, the same for the same seed, as one file, 24 or thousands of gz.

python log_files.py FOLDER LINES SEED     # makes plain.log, gz24 and gz2400, and prints what is in them
"""

from __future__ import annotations

import gzip
import json
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FIELDS = (
    *("date", "time", "x-edge-location", "sc-bytes", "c-ip", "cs-method", "cs(Host)", "cs-uri-stem", "sc-status"),
    *("cs(Referer)", "cs(User-Agent)", "cs-uri-query", "cs(Cookie)", "x-edge-result-type", "x-edge-request-id"),
    *("x-host-header", "cs-protocol", "cs-bytes", "time-taken", "x-forwarded-for", "ssl-protocol", "ssl-cipher"),
    *("x-edge-response-result-type", "cs-protocol-version", "fle-status", "fle-encrypted-fields", "c-port"),
    *("time-to-first-byte", "x-edge-detailed-result-type", "sc-content-type", "sc-content-len", "sc-range-start"),
    "sc-range-end",
)
HEADER = f"#Version: 1.0\n#Fields: {' '.join(FIELDS)}\n"
DAY = "2026-11-20"
HOURS = 24

_POPS = [f"{city}{number}-{kind}" for city in ("FRA", "LHR", "IAD", "DFW", "NRT", "SIN", "GRU", "SYD", "BOM", "CDG")
         for number, kind in ((50, "P1"), (56, "C2"), (60, "P6"), (3, "C1"))]  # fmt: skip
_HOSTS = ["www.example.com", "shop.example.com", "api.example.com", "static.example.com"]
_PATHS = [f"/{part}/{name}-{number}.html" for part in ("shop", "api/v2/orders", "assets", "blog/2026")
          for name in ("cart", "product", "search", "list", "item") for number in range(150)]  # fmt: skip
_AGENTS = [
    "Mozilla/5.0%20(Windows%20NT%2010.0;%20Win64;%20x64)%20AppleWebKit/537.36%20(KHTML,%20like%20Gecko)%20Chrome/"
    f"{number}.0.0.0%20Safari/537.36"
    for number in range(100, 140)
]
_ERRORS = ("OriginConnectError", "OriginConnectError", "OriginDnsError", "OriginReadError", "Error")
_RARE = (*[("304", "RefreshHit")] * 4, *[("404", "Error")] * 4, ("503", "Error"), ("504", "Error"))
_SHARE = 8987 / 2_600_000
_BAD = 130 / 2_600_000


@dataclass(frozen=True, slots=True)
class Made:
    """What is in the files, counted while they were made."""

    lines: int
    """Without headers."""
    errors: int
    """Requests answered with 502."""
    bad: int


def lines_of_hour(hour: int, count: int, seed: int) -> Iterator[tuple[str, bool, bool]]:
    """Yield each line of one hour, whether its status is 502, and whether it is broken; not in the order of time."""
    dice = random.Random(f"{seed}-{hour}")
    draw, pick = dice.random, dice.choice
    for _ in range(count):
        second = int(draw() * 3600)
        is_error = draw() < _SHARE
        status, result = ("502", "Error") if is_error else ("200", "Miss") if draw() < 0.3 else ("200", "Hit")
        if not is_error and draw() < 0.02:
            status, result = pick(_RARE)
        detailed = pick(_ERRORS) if is_error else result
        number = int(draw() * 1e16)
        took = f"{draw() * 2:.3f}"
        line = (
            f"{DAY}\t{hour:02}:{second // 60:02}:{second % 60:02}\t{pick(_POPS)}\t{number % 90_000}\t"
            f"203.0.113.{number % 256}\t{'POST' if number % 11 == 0 else 'GET'}\td111111abcdef8.cloudfront.net\t"
            f"{pick(_PATHS)}\t{status}\thttps://www.example.com/\t{pick(_AGENTS)}\tutm=a{number % 502}\t-\t{result}\t"
            f"{dice.getrandbits(216):054x}==\t{pick(_HOSTS)}\thttps\t{number % 900}\t{took}\t-\t"
            f"TLSv1.3\tTLS_AES_128_GCM_SHA256\t{result}\tHTTP/2.0\t-\t-\t{number % 65536}\t{took}\t{detailed}\t"
            "text/html\t-\t-\t-\n"
        )
        is_bad = draw() < _BAD
        yield (line[: int(draw() * 60) + 5] + "\n" if is_bad else line), is_error and not is_bad, is_bad


def write_plain(path: Path, lines: int, seed: int) -> Made:
    """Write one file of 24 hours; the header is repeated at each, as where files were put together."""
    errors = bad = 0
    with path.open("w") as file:
        for hour in range(HOURS):
            file.write(HEADER)
            for line, is_error, is_bad in lines_of_hour(hour, lines // HOURS, seed):
                file.write(line)
                errors += is_error
                bad += is_bad
    return Made(lines // HOURS * HOURS, errors, bad)


def compress(plain: Path, folder: Path, files: int) -> None:
    """Divide the plain file among `files` gzip files, each of one hour and with a header of its own."""
    folder.mkdir()
    for hour, lines in enumerate(_hours(plain)):
        share = len(lines) // (files // HOURS) + 1
        for start in range(0, len(lines), share):
            with gzip.open(folder / f"EXAMPLE123.{DAY}-{hour:02}.{start:08x}.gz", "wb", compresslevel=6) as file:
                file.write((HEADER + "".join(lines[start : start + share])).encode())


def _hours(plain: Path) -> Iterator[list[str]]:
    lines: list[str] = []
    with plain.open() as file:
        for line in file:
            if not line.startswith("#"):
                lines.append(line)
            elif lines:
                yield lines
                lines = []
    yield lines


def main(folder: Path, lines: int, seed: int) -> None:
    made = write_plain(folder / "plain.log", lines, seed)
    for files in (24, 2400):
        compress(folder / "plain.log", folder / f"gz{files}", files)
    print(json.dumps([made.lines, made.errors, made.bad]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
