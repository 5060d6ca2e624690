"""What access logs say: for the terminal, and as JSON."""

from __future__ import annotations

import datetime as dt
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from cfrunbook.cloudfront.result_types import ResultType, result_type
from cfrunbook.log_summary import Dimension, LogSummary, TypeCount
from cfrunbook.logs import merging, patterns, words
from cfrunbook.logs.patterns import Pattern
from cfrunbook.text import visible
from cfrunbook.views import style

MAX_TYPES, MAX_KEYS, MAX_OTHER_TYPES = 8, 8, 6
"""Result types, keys of a column, and result types of other statuses that are printed; the rest is counted."""

_BOLD, _RESET = "\x1b[1m", "\x1b[0m"
_COLORS = {"ok": "\x1b[32m", "fault": "\x1b[31m", "unknown": "\x1b[35m", "warning": "\x1b[33m"}
_COLUMNS = (
    ("origins", "Origin"),
    ("pops", "Edge location"),
    ("hosts", "Host"),
    ("paths", "Path"),
    ("methods", "Method"),
)


def render(summary: LogSummary, at: dt.datetime, *, color: bool, width: int) -> str:
    """Return who, when, where, how often and why, as text of `width` columns."""
    paper = _Paper(color=color, width=width)
    state = words.status(summary)
    blocks = [paper.lines(words.headline(summary), mark=state)]
    if summary.errors or summary.masked:
        blocks[0] += [line for sentence in words.more(summary) for line in paper.lines(sentence)]
        seen = patterns.find(summary)
        if seen:
            blocks.append(paper.section("When, and what they have in common", _patterns(paper, seen)))
    own = [t for t in summary.types if t.status == summary.status]
    if own:
        blocks.append(paper.section("What CloudFront says of them", _types(paper, own, summary)))
    masked = [t for t in summary.types if t.status < 400]
    if masked:
        blocks.append(paper.section("Behind another status", _types(paper, masked, summary)))
    if summary.errors:
        for name, title in _COLUMNS:
            dimension: Dimension = getattr(summary, name)
            if dimension.known:
                blocks.append(paper.section(title, _keys(paper, dimension, summary)))
    others = [t for t in summary.types if t.status != summary.status and t.status >= 400]
    if others:
        blocks.append(paper.section("Other statuses", _others(paper, others)))
    blocks.append(paper.section("What was read", _read(paper, summary, at)))
    return "\n\n".join("\n".join(block) for block in blocks)


def to_json(summary: LogSummary) -> bytes:
    """Return the summary, what is to be seen in it and what its result types mean, as JSON (UTF-8, indented)."""
    short = merging.shortened_summary(summary)
    value = {
        "schema": 1,
        "status": words.status(summary),
        "sentence": words.headline(summary),
        "notes": words.more(summary),
        "patterns": [
            {**msgspec.to_builtins(p), "rate": round(p.rate, 6), "sentence": words.pattern(p)}
            for p in patterns.find(summary)
        ],
        "result_types": [_meaning(result_type(name)) for name in dict.fromkeys(t.name for t in short.types)],
        "summary": short,
    }
    return msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n"


def _meaning(known: ResultType) -> dict[str, Any]:
    return {
        "name": known.name,
        "meaning": known.meaning,
        "side": known.side.value,
        "statuses": list(known.statuses),
        "causes": [cause.value for cause in known.causes],
        "next_step": known.next_step,
        "source": known.source,
        "documented": known.documented,
        "since": known.since,
        "until": known.until,
    }


def _patterns(paper: _Paper, seen: Sequence[Pattern]) -> Iterator[str]:
    for value in seen:
        yield from paper.lines(words.pattern(value), first="- ")
        yield from paper.lines(value.next_check, first="  ")


def _types(paper: _Paper, types: Sequence[TypeCount], summary: LogSummary) -> Iterator[str]:
    total = sum(t.count for t in types)
    for value in types[:MAX_TYPES]:
        name = visible(value.name, 60) or "(none)"
        code = "" if value.status == summary.status else f", answered with {value.status:03}"
        yield paper.bold(f"{name}: {value.count:,} ({words.percent(value.count, total)}){code}")
        for sentence in words.describe(value, summary):
            yield from paper.lines(sentence, first="  ")
        for example in value.examples[:1]:
            where = f" at {visible(example.pop, 40)}" if example.pop else ""
            ident = f", request id {visible(example.request_id, 120)}" if example.request_id else ""
            yield from paper.lines(f"First: {words.moment(value.first, seconds=True)}{where}{ident}", first="  ")
    if types[MAX_TYPES:]:
        yield f"and {len(types) - MAX_TYPES} more result types"


def _keys(paper: _Paper, dimension: Dimension, summary: LogSummary) -> Iterator[str]:
    shown = [key for key in dimension.keys if key.errors][:MAX_KEYS]
    room = max(20, paper.width - 48)
    rows = [
        (
            visible(key.key, room) or "-",
            f"{key.errors:,}",
            f"of {key.requests:,}",
            words.percent(key.errors, key.requests),
        )
        for key in shown
    ]
    sizes = [max(len(row[i]) for row in rows) for i in range(4)] if rows else []
    for key, row in zip(shown, rows, strict=True):
        repeats = f"  ({key.repeats:,} only Error)" if key.repeats else ""
        yield f"{row[0]:<{sizes[0]}}  {row[1]:>{sizes[1]}} {row[2]:<{sizes[2]}}  {row[3]:>{sizes[3]}}{repeats}"
    rest = summary.errors - sum(key.errors for key in shown)
    others = sum(1 for key in dimension.keys if key.errors) - len(shown)
    if rest > 0:
        yield f"and {rest:,} errors of {f'{others:,} ' if others > 0 else ''}others"
    quiet = sum(1 for key in dimension.keys if key.key and not key.errors)
    if quiet and not dimension.others.requests:
        yield f"none at {quiet:,} {'other' if quiet == 1 else 'others'}"
    if dimension.missed:
        yield f"(too many to count each: a number of requests may be too low by {dimension.missed:,} at most)"


def _others(paper: _Paper, types: Sequence[TypeCount]) -> Iterator[str]:
    for value in types[:MAX_OTHER_TYPES]:
        known = result_type(value.name)
        yield from paper.lines(
            f"{value.status:03} {visible(value.name, 60)}: {value.count:,}. {known.meaning}", first="- "
        )
    if types[MAX_OTHER_TYPES:]:
        yield f"and {len(types) - MAX_OTHER_TYPES} more"


def _read(paper: _Paper, summary: LogSummary, at: dt.datetime) -> Iterator[str]:
    for sentence in (*words.read(summary.files, summary.lines), *words.clocks(summary, at)):
        yield from paper.lines(sentence)
    for sample in summary.lines.samples:
        place = f"{visible(sample.file, 200)}:{sample.line}" if sample.line else visible(sample.file, 200)
        yield from paper.lines(f"{place}: {sample.says}", first="  ")
    for problem in summary.files.problems:
        yield from paper.lines(f"{problem.file} {problem.says}", mark="warning")
    if summary.files.failed > len(summary.files.problems):
        yield f"and {summary.files.failed - len(summary.files.problems):,} more files that failed"


class _Paper:
    """Where lines are laid out: a width, and colours or none."""

    def __init__(self, *, color: bool, width: int) -> None:
        self._color = color
        self.width = max(60, width)

    def lines(self, sentence: str, *, first: str = "", mark: str = "") -> list[str]:
        """Return a sentence in lines that fit, below one another."""
        if mark:
            first = f"{style.symbol(mark)} "
        wrapped = textwrap.wrap(
            visible(sentence, 2000),
            self.width - 2,
            initial_indent=first,
            subsequent_indent=" " * len(first),
            break_on_hyphens=False,
        )
        if mark and self._color and wrapped:
            wrapped[0] = f"{_COLORS[mark]}{style.symbol(mark)}{_RESET}{wrapped[0][1:]}"
        return wrapped

    def bold(self, text: str) -> str:
        """Return a line in bold."""
        return f"{_BOLD}{text}{_RESET}" if self._color else text

    def section(self, title: str, lines: Iterator[str]) -> list[str]:
        """Return lines indented below a title."""
        return [self.bold(title if self._color else title.upper()), *(f"  {line}" for line in lines)]
