"""Access logs for tests: a request as a dict of columns, written in every format that CloudFront has or had."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from cfrunbook.cloudfront.log_fields import COLUMN_SETS, REAL_TIME_FIELDS
from cfrunbook.log_summary import LogSummary
from cfrunbook.logs import reading
from cfrunbook.logs.reading import Options

NAMES = COLUMN_SETS[-2].names
"""The 33 columns of 2019."""
EPOCH = 1_795_132_800
"""2026-11-20 00:00:00 UTC."""

_DEFAULTS = {
    "date": "2026-11-20",
    "time": "00:00:00",
    "x-edge-location": "FRA56-P1",
    "sc-bytes": "507",
    "c-ip": "203.0.113.7",
    "cs-method": "GET",
    "cs(Host)": "d111111abcdef8.cloudfront.net",
    "cs-uri-stem": "/cart",
    "sc-status": "200",
    "cs(Referer)": "https://www.example.com/?secret=referer",
    "cs(User-Agent)": "Mozilla/5.0%20(secret-agent)",
    "cs-uri-query": "token=secret-query",
    "cs(Cookie)": "session=secret-cookie",
    "x-edge-result-type": "Miss",
    "x-edge-request-id": "k6WGMNkEzR5BEM_SaF47gjtX9zBDO2m349OY2an0QPEaUum1ZOLrow==",
    "x-host-header": "www.example.com",
    "cs-protocol": "https",
    "cs-bytes": "23",
    "time-taken": "0.100",
    "x-forwarded-for": "-",
    "ssl-protocol": "TLSv1.3",
    "ssl-cipher": "TLS_AES_128_GCM_SHA256",
    "x-edge-response-result-type": "Miss",
    "cs-protocol-version": "HTTP/2.0",
    "c-port": "11040",
    "time-to-first-byte": "0.100",
    "x-edge-detailed-result-type": "Miss",
    "sc-content-type": "text/html",
}


def request(at: int = 0, **columns: str) -> dict[str, str]:
    """Return one request at `at` seconds after 2026-11-20 00:00 UTC; `status=502` and such name columns in short."""
    short = {
        "status": "sc-status",
        "path": "cs-uri-stem",
        "pop": "x-edge-location",
        "host": "x-host-header",
        "method": "cs-method",
        "result": "x-edge-result-type",
        "detailed": "x-edge-detailed-result-type",
        "took": "time-taken",
        "origin": "r-host",
        "id": "x-edge-request-id",
    }
    day, rest = divmod(at, 86400)
    clock = f"{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}"
    row = _DEFAULTS | {"date": f"2026-11-{20 + day:02}", "time": clock}
    return row | {short.get(name, name): value for name, value in columns.items()}


def failed(at: int = 0, detailed: str = "OriginConnectError", **columns: str) -> dict[str, str]:
    """Return one request that was answered with 502."""
    error = {"status": "502", "result": "Error", "detailed": detailed, "x-edge-response-result-type": "Error"}
    return request(at, **(error | columns))


def line(row: Mapping[str, str], names: Sequence[str] = NAMES, delimiter: str = "\t") -> str:
    """Return a request as a line."""
    return delimiter.join(row.get(name, "-") for name in names)


def standard(
    rows: Iterable[Mapping[str, str]], names: Sequence[str] = NAMES, delimiter: str = "\t", end: str = "\n"
) -> bytes:
    """Return a standard log with its header."""
    head = f"#Version: 1.0{end}#Fields: {' '.join(names)}{end}"
    return (head + "".join(line(row, names, delimiter) + end for row in rows)).encode()


def real_time(rows: Iterable[Mapping[str, str]], names: Sequence[str] = REAL_TIME_FIELDS) -> bytes:
    """Return a real-time log: no header, a time stamp, the two names of hosts the other way round."""
    return "".join(line(as_real_time(row), names) + "\n" for row in rows).encode()


def as_real_time(row: Mapping[str, str]) -> dict[str, str]:
    hour, minute, second = map(int, row["time"].split(":"))
    stamp = EPOCH + (int(row["date"][-2:]) - 20) * 86400 + hour * 3600 + minute * 60 + second
    return {
        **row,
        "timestamp": f"{stamp}.814",
        "cs-host": row["x-host-header"],
        "x-host-header": row["cs(Host)"],
        "cs-uri-stem": row["cs-uri-stem"] + "?token=secret-query",
        "cs-user-agent": row["cs(User-Agent)"],
    }


def objects(rows: Iterable[Mapping[str, str]], *, numbers: bool = False) -> bytes:
    """Return JSON lines; with `numbers`, what looks like a number is one."""
    return "".join(
        json.dumps({n: _number(v) if numbers else v for n, v in row.items()}) + "\n" for row in rows
    ).encode()


def _number(value: str) -> object:
    try:
        return int(value)
    except ValueError:
        try:
            return float(value)
        except ValueError:
            return value


def count(folder: Path, *contents: bytes, name: str = "log", **options: object) -> LogSummary:
    """Return what files of these contents say."""
    paths = []
    for number, content in enumerate(contents):
        path = folder / f"{name}{number}"
        path.write_bytes(content)
        paths.append(path)
    return reading.read(paths, Options(**options), processes=1)  # type: ignore[arg-type]
