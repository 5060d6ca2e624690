"""The access log of the lab's edge: CloudFront's standard log (legacy), version 1.0, 33 tab-separated fields.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Final

FIELDS: Final = (
    *("date", "time", "x-edge-location", "sc-bytes", "c-ip", "cs-method", "cs(Host)", "cs-uri-stem", "sc-status"),
    *("cs(Referer)", "cs(User-Agent)", "cs-uri-query", "cs(Cookie)", "x-edge-result-type", "x-edge-request-id"),
    *("x-host-header", "cs-protocol", "cs-bytes", "time-taken", "x-forwarded-for", "ssl-protocol", "ssl-cipher"),
    *("x-edge-response-result-type", "cs-protocol-version", "fle-status", "fle-encrypted-fields", "c-port"),
    *("time-to-first-byte", "x-edge-detailed-result-type", "sc-content-type", "sc-content-len", "sc-range-start"),
    "sc-range-end",
)
MOST_LINES: Final = 100_000
"""Requests that are logged; whoever lets a load test loose on the lab does not fill the disk."""

_ENCODED = frozenset("<>\"#%{}|\\^~[]'` ")
_LONGEST = 2048


class AccessLog:
    """One log file, which grows by a line with each request."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines = 0

    def write(self, at: dt.datetime, values: Mapping[str, object]) -> None:
        """Add one request; fields without value become `-`. What is wrong with the disk is not the viewer's concern."""
        if self._lines >= MOST_LINES:
            return
        moment = {"date": at.strftime("%Y-%m-%d"), "time": at.strftime("%H:%M:%S")}
        row = "\t".join(_encoded(str({**values, **moment}.get(name, ""))) or "-" for name in FIELDS)
        header = "" if self._lines else f"#Version: 1.0\n#Fields: {' '.join(FIELDS)}\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="ascii") as file:
                file.write(f"{header}{row}\n")
        except OSError:
            return
        self._lines += 1


def file_name(distribution: str, at: dt.datetime, unique: str) -> str:
    """Return the name that CloudFront gives to such a file, without `.gz`: the lab's is not packed.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logging-legacy-s3.html
    """
    return f"{distribution}.{at:%Y-%m-%d-%H}.{unique}"


def _encoded(value: str) -> str:
    """Percent-encode what CloudFront encodes in logs: controls, space, what is not ASCII, and some signs."""
    shown = value[:_LONGEST]
    if shown.isascii() and shown.isprintable() and not _ENCODED & set(shown):
        return shown
    return "".join(
        chr(byte) if 32 < byte < 127 and chr(byte) not in _ENCODED else f"%{byte:02X}" for byte in shown.encode()
    )
