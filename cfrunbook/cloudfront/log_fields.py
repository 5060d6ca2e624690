"""The columns of CloudFront's access logs: every set of standard logs, those of real-time logs, in one spelling.

Standard logs say in `#Fields:` what their columns are, and that line is what counts: the sets of columns only serve
where it is missing. CloudFront appends new columns at the end, so every set begins with the one before it.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html

Two names are traps. In standard logs `cs(Host)` is the distribution's own name and `x-host-header` the Host that the
viewer sent; in real-time logs `cs-host` is what the viewer sent and `x-host-header` the distribution's name. And
`ssl-protocol` and `ssl-cipher` are the viewer's connection: they say nothing about TLS to the origin.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from functools import lru_cache

import msgspec

_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
STANDARD_PAGE = _GUIDE + "standard-logs-reference.html"
V2_PAGE = _GUIDE + "standard-logging.html"
REAL_TIME_PAGE = _GUIDE + "real-time-logs.html"
ATHENA_PAGE = "https://docs.aws.amazon.com/athena/latest/ug/cloudfront-logs.html"


class Field(StrEnum):
    """The columns that are read; the value is the name in the spelling of `spelled`."""

    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    """Seconds since 1970 with three decimals (real-time logs), or a date with time."""
    TIMESTAMP_MS = "timestamp-ms"
    """Milliseconds since 1970."""
    POP = "x-edge-location"
    METHOD = "cs-method"
    HOST = "cs-host"
    """`cs(Host)` of standard logs: the distribution's name. `cs-host` of real-time logs: what the viewer sent."""
    PATH = "cs-uri-stem"
    """With the query string in real-time logs."""
    STATUS = "sc-status"
    """`000` where the viewer went away first; the replaced status where a custom error response sets another one."""
    RESULT = "x-edge-result-type"
    REQUEST_ID = "x-edge-request-id"
    HOST_HEADER = "x-host-header"
    """Standard logs: what the viewer sent. Real-time logs: the distribution's name."""
    TIME_TAKEN = "time-taken"
    """Seconds."""
    RESPONSE_RESULT = "x-edge-response-result-type"
    DETAILED = "x-edge-detailed-result-type"
    ORIGIN = "r-host"
    """The origin of the last attempt, also for errors. Real-time logs only."""


class ColumnSet(msgspec.Struct, frozen=True):
    """The columns of standard logs at one time, in their order."""

    names: tuple[str, ...]
    seen: dt.date
    """In use by then, as `source` shows; not the day on which it began."""
    source: str


_FIRST = (
    *("date", "time", "x-edge-location", "sc-bytes", "c-ip", "cs-method", "cs(Host)", "cs-uri-stem", "sc-status"),
    *("cs(Referer)", "cs(User-Agent)", "cs-uri-query"),
)
_ADDED: tuple[tuple[tuple[str, ...], dt.date, str], ...] = (
    (
        ("cs(Cookie)", "x-edge-result-type", "x-edge-request-id"),
        dt.date(2013, 10, 16),
        "https://github.com/snowplow/snowplow/issues/384",
    ),
    (
        ("x-host-header", "cs-protocol", "cs-bytes"),
        dt.date(2013, 10, 21),
        "https://github.com/snowplow/snowplow/issues/384",
    ),
    (("time-taken",), dt.date(2014, 7, 29), "https://github.com/matomo-org/matomo-log-analytics/issues/27"),
    (
        ("x-forwarded-for", "ssl-protocol", "ssl-cipher", "x-edge-response-result-type"),
        dt.date(2016, 11, 10),
        "https://github.com/snowplow/snowplow/issues/2933",
    ),
    (("cs-protocol-version",), dt.date(2016, 11, 10), "https://github.com/snowplow/snowplow/issues/2933"),
    (
        ("fle-status", "fle-encrypted-fields"),
        dt.date(2018, 7, 25),
        "https://github.com/logstash-plugins/logstash-patterns-core/issues/232",
    ),
    (
        (
            *("c-port", "time-to-first-byte", "x-edge-detailed-result-type", "sc-content-type", "sc-content-len"),
            *("sc-range-start", "sc-range-end"),
        ),
        dt.date(2019, 12, 12),
        "https://aws.amazon.com/about-aws/whats-new/2019/12/cloudfront-detailed-logs/",
    ),
    (("distribution-tenant-id", "connection-id"), dt.date(2026, 4, 12), STANDARD_PAGE),
)


def _sets() -> tuple[ColumnSet, ...]:
    names: tuple[str, ...] = _FIRST
    found = [ColumnSet(_FIRST, dt.date(2013, 10, 16), "https://github.com/snowplow/snowplow/issues/384")]
    for added, seen, source in _ADDED:
        names += added
        found.append(ColumnSet(names, seen, source))
    return tuple(found)


COLUMN_SETS: tuple[ColumnSet, ...] = _sets()
"""12, 15, 18, 19, 23, 24, 26, 33 and 35 columns. The guide's list of 2026 has 35, its prose still says 33."""

V2_FIELDS = (
    *COLUMN_SETS[-1].names,
    *("timestamp(ms)", "origin-fbl", "origin-lbl", "asn", "c-country", "cache-behavior-path-pattern"),
)
"""What standard logging v2 lets one choose from, in any order: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logging.html"""

REAL_TIME_FIELDS = (
    *("timestamp", "c-ip", "s-ip", "time-to-first-byte", "sc-status", "sc-bytes", "cs-method", "cs-protocol"),
    *("cs-host", "cs-uri-stem", "cs-bytes", "x-edge-location", "x-edge-request-id", "x-host-header", "time-taken"),
    *("cs-protocol-version", "c-ip-version", "cs-user-agent", "cs-referer", "cs-cookie", "cs-uri-query"),
    *("x-edge-response-result-type", "x-forwarded-for", "ssl-protocol", "ssl-cipher", "x-edge-result-type"),
    *("fle-encrypted-fields", "fle-status", "sc-content-type", "sc-content-len", "sc-range-start", "sc-range-end"),
    *("c-port", "x-edge-detailed-result-type", "c-country", "cs-accept-encoding", "cs-accept"),
    *("cache-behavior-path-pattern", "cs-headers", "cs-header-names", "cs-headers-count", "primary-distribution-id"),
    *("primary-distribution-dns-name", "origin-fbl", "origin-lbl", "asn", "cmcd-encoded-bitrate"),
    *("cmcd-buffer-length", "cmcd-buffer-starvation", "cmcd-content-id", "cmcd-object-duration", "cmcd-deadline"),
    *("cmcd-measured-throughput", "cmcd-next-object-request", "cmcd-next-range-request", "cmcd-object-type"),
    *("cmcd-playback-rate", "cmcd-requested-maximum-throughput", "cmcd-streaming-format", "cmcd-session-id"),
    *("cmcd-stream-type", "cmcd-startup", "cmcd-top-bitrate", "cmcd-version", "r-host", "sr-reason", "x-edge-mqcs"),
    *("distribution-tenant-id", "connection-id"),
)
"""In the order in which real-time logs have them; a configuration selects some. Such logs have no header line.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/real-time-logs.html: its numbers run to 70 because a
heading of the table is counted; the order is what matters."""

RTMP_FIELDS = frozenset({"x-event", "x-cf-status", "x-cf-client-id", "x-sname", "x-sid"})
"""Names that only logs of RTMP distributions have. CloudFront ended those on 2020-12-31; such a log has no HTTP status.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DocumentHistory.html"""

OTHER_SPELLINGS: Mapping[str, str] = {
    "location": Field.POP,
    "method": Field.METHOD,
    "request-method": Field.METHOD,
    "host": Field.HOST,
    "uri": Field.PATH,
    "status": Field.STATUS,
    "result-type": Field.RESULT,
    "response-result-type": Field.RESPONSE_RESULT,
    "detailed-result-type": Field.DETAILED,
    "request-id": Field.REQUEST_ID,
    "host-header": Field.HOST_HEADER,
}
"""Names of the table that Athena's guide makes of these logs, which what is exported from there has.

https://docs.aws.amazon.com/athena/latest/ug/cloudfront-logs.html"""

_NEEDED = (Field.STATUS, (Field.DATE, Field.TIMESTAMP, Field.TIMESTAMP_MS))


@lru_cache(maxsize=4096)
def spelled(name: str) -> str:
    """Return a column's name in the one spelling used here: `cs(User-Agent)`, `cs_user_agent` are `cs-user-agent`."""
    plain = re.sub(r"[-_()\s]+", "-", name.strip().lower()).strip("-")
    return OTHER_SPELLINGS.get(plain, plain)


def positions(names: Sequence[str]) -> dict[Field, int]:
    """Return where each column that is read stands among `names`; of a name that is there twice, the first one."""
    return dict(_positions(tuple(names)))


@lru_cache(maxsize=256)
def _positions(names: tuple[str, ...]) -> Mapping[Field, int]:
    found: dict[str, int] = {}
    for position, name in enumerate(names):
        found.setdefault(spelled(name), position)
    return {field: found[field] for field in Field if field in found}


def is_log(names: Sequence[str]) -> bool:
    """Return whether columns of these names can be a CloudFront access log that is of use: a status and a time."""
    found = positions(names)
    status, times = _NEEDED
    return status in found and any(time in found for time in times)


def is_real_time(names: Sequence[str]) -> bool:
    """Return whether these are the columns of real-time logs, where the two names of hosts mean the reverse."""
    plain = {name.strip().lower() for name in names}
    return "timestamp" in plain and not plain & {"date", "time", "cs(host)", "timestamp(ms)"}


def is_rtmp(names: Sequence[str]) -> bool:
    """Return whether these are the columns of an RTMP distribution's log."""
    return len(RTMP_FIELDS.intersection(map(spelled, names))) >= 2


def columns_of(count: int) -> tuple[str, ...]:
    """Return the columns of a standard log that has `count` of them; empty where none ever had so many."""
    return next((s.names for s in COLUMN_SETS if len(s.names) == count), ())
