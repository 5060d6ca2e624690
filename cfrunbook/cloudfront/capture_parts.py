"""The parts of a captured response as they were written, before anything is redacted or recognised."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from cfrunbook.evidence import CaptureForm

MAX_FIELDS = 200
"""Header fields of one response that are kept."""
MAX_LINE = 65_536
"""Characters of a line that are looked at."""

STATUS_LINE = re.compile(r"HTTP/(\d(?:\.\d)?)[ \t]+([1-5]\d{2})(?:[ \t]+([^\r\n]{0,200}))?[ \t]*\r?", re.ASCII)
REQUEST_LINE = re.compile(
    r"(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|CONNECT)[ \t]+(\S{1,8192})[ \t]+HTTP/\d(?:\.\d)?[ \t]*\r?", re.ASCII
)
_FIELD = re.compile(r"[ \t]*(:?[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256})[ \t]*:[ \t]*(.*)")


@dataclass(slots=True)
class Parts:
    """One response as it was written: secrets are still in it, so it goes no further than the reader."""

    form: CaptureForm
    status: int | None = None
    reason: str = ""
    version: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list, repr=False)
    body: str | None = field(default=None, repr=False)
    """None: not captured."""
    body_bytes: int | None = None
    """Where known better than by `body`."""
    method: str = ""
    url: str = field(default="", repr=False)
    at: dt.datetime | None = None

    def value(self, name: str) -> str:
        """Return the first value of a header field; empty where there is none."""
        return next((value for key, value in self.headers if key.lower() == name), "")

    @property
    def is_interim(self) -> bool:
        """True for 1xx, and for a proxy's yes to CONNECT: neither is the answer."""
        if self.status is None:
            return False
        is_tunnel = self.method == "CONNECT" or "connection established" in self.reason.lower()
        return self.status < 200 or (self.status < 300 and is_tunnel)


def with_status(form: CaptureForm, match: re.Match[str]) -> Parts:
    """Return the beginning of a response from a match of `STATUS_LINE`."""
    return Parts(form, status=int(match[2]), reason=(match[3] or "").strip(), version=f"HTTP/{match[1]}")


def field_of(line: str) -> tuple[str, str] | None:
    """Return name and value of a header line; None where it is none."""
    match = _FIELD.fullmatch(line[:MAX_LINE].rstrip("\r\n"))
    return (match[1], match[2].strip()) if match else None


def read_fields(lines: Iterable[str]) -> list[tuple[str, str]]:
    """Return the header fields of lines; folded lines are joined, what is no field ends the reading."""
    found: list[tuple[str, str]] = []
    for line in lines:
        if found and line[:1] in " \t" and line.strip() and field_of(line) is None:
            name, value = found[-1]
            found[-1] = (name, f"{value} {line.strip()}"[:MAX_LINE])
        elif (one := field_of(line)) is not None:
            if len(found) < MAX_FIELDS:
                found.append(one)
        else:
            break
    return found
