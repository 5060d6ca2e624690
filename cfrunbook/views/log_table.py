"""Access logs in numbers, for a page: what was counted in sentences, by result type, and by where it happened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from cfrunbook.cloudfront.result_types import result_type
from cfrunbook.evidence import Observations
from cfrunbook.log_summary import Dimension, KeyCount, LogSummary
from cfrunbook.logs import words
from cfrunbook.views.tables import Table

MAX_TYPES, MAX_KEYS = 12, 5
"""Result types, and keys of each column, that are shown."""

_COLUMNS = (
    ("origins", "Origin"),
    ("pops", "Edge location"),
    ("hosts", "Host"),
    ("paths", "Path"),
    ("methods", "Method"),
)


class Section(msgspec.Struct, frozen=True):
    """What is shown of access logs beside their figures."""

    headline: str
    notes: tuple[str, ...]
    """What else is to be known of the errors, and what was read, a sentence each."""
    tables: tuple[Table, ...]


def section(summary: LogSummary) -> Section:
    """Return the numbers of access logs."""
    found = (of_types(summary), of_keys(summary))
    notes = (*words.more(summary), *words.read(summary.files, summary.lines))
    return Section(words.headline(summary), notes, tuple(table for table in found if table.rows))


def log_types(seen: Observations) -> Table:
    """Return the result types of the failing requests in the logs that were given."""
    return of_types(seen.inputs.logs or LogSummary())


def log_keys(seen: Observations) -> Table:
    """Return where requests fail by the logs that were given."""
    return of_keys(seen.inputs.logs or LogSummary())


def of_types(summary: LogSummary) -> Table:
    """Return what CloudFront says of failing requests: each result type with its meaning."""
    shown = summary.types[:MAX_TYPES]
    return Table(
        "What CloudFront logged",
        ("Result type", "Status", "Requests", "From", "To", "Time taken", "Meaning"),
        tuple(
            (
                (t.name or "(none)") + ("" if t.detailed else " (x-edge-result-type)"),
                f"{t.status:03}",
                f"{t.count:,}",
                words.moment(t.first, seconds=True),
                words.moment(t.last, seconds=True),
                words.usual_time(t).removesuffix(".") or "-",
                result_type(t.name).meaning,
            )
            for t in shown
        ),
        monospace=frozenset({0, 1}),
        wide=frozenset({6}),
        empty="No request failed in the access logs.",
        left_out=len(summary.types) - len(shown),
    )


def of_keys(summary: LogSummary) -> Table:
    """Return where requests fail: origins, edge locations, hosts, paths and methods, with rates."""
    return Table(
        f"The {summary.status:03}s by where they are",
        ("By", "Value", "Failing", "Of", "Rate", "Only Error"),
        tuple(row for name, title in _COLUMNS for row in _rows(title, getattr(summary, name))),
        monospace=frozenset({1}),
        wide=frozenset({1}),
        empty="No request failed in the access logs.",
    )


def _rows(title: str, dimension: Dimension) -> Iterator[tuple[str, ...]]:
    failing = [key for key in dimension.keys if key.errors]
    for key in failing[:MAX_KEYS]:
        yield title, key.key or "-", *_counts(key)
    if rest := failing[MAX_KEYS:]:
        yield title, f"and {len(rest)} more", *_counts(_sum(rest))


def _counts(key: KeyCount) -> tuple[str, ...]:
    return f"{key.errors:,}", f"{key.requests:,}", words.percent(key.errors, key.requests), f"{key.repeats:,}"


def _sum(keys: Sequence[KeyCount]) -> KeyCount:
    return KeyCount(
        key="",
        requests=sum(k.requests for k in keys),
        errors=sum(k.errors for k in keys),
        repeats=sum(k.repeats for k in keys),
    )
