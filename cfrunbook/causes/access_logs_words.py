"""The words of findings about access logs: clauses and sentences with the actual counts. Pure."""

from __future__ import annotations

import datetime as dt
import shlex
from collections.abc import Sequence
from typing import Any

from cfrunbook.causes.remedies import NO_ID
from cfrunbook.cloudfront.distribution import Distribution
from cfrunbook.cloudfront.edge_locations import locate
from cfrunbook.cloudfront.result_types import result_type
from cfrunbook.log_summary import Dimension, Example, KeyCount, LogSummary, TypeCount
from cfrunbook.logs import patterns, words
from cfrunbook.text import join_names, visible

_EXAMPLE_HOST, _EXAMPLE_PATH = "www.example.com", "/"
_NO_LOGS = "ACCESS_LOGS"
"""Stands for the files where only their counts are known."""


def common(summary: LogSummary, distribution: Distribution | None, url: str) -> dict[str, Any]:
    """Return the data that every finding about these logs has."""
    since = summary.first_error if summary.first_error is not None else summary.first_request
    until = summary.last_error if summary.last_error is not None else summary.last_request
    files = files_of(summary)
    return {
        "direct": True,
        "logged_status": f"{summary.status:03}",
        "requests": summary.requests,
        "errors": summary.errors,
        "when": words.span(summary.first_request, summary.last_request),
        "since": moment(since),
        "until": moment(None if until is None else until + 1),
        "first": words.moment(summary.first_request),
        "last": words.moment(summary.last_request),
        "read": words.files(summary.files),
        "files": files,
        "log_files": files if "." in files or files == _NO_LOGS else f"-r {files}",
        "url": url or _url(summary),
        "path": _top(summary.paths) or _EXAMPLE_PATH,
        "distribution": (distribution.id if distribution else "") or NO_ID,
    }


def files_of(summary: LogSummary) -> str:
    """Return the files and folders for a command, quoted for a shell."""
    return shlex.join(visible(path, 1000) for path in summary.files.paths) or _NO_LOGS


def moment(second: int | None) -> str:
    """Return a moment for a command: `2026-11-20T14:03:10Z`."""
    if second is None:
        return "TIME"
    return dt.datetime.fromtimestamp(second, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _url(summary: LogSummary) -> str:
    host = _top(summary.hosts) or _EXAMPLE_HOST
    return f"https://{host}{_top(summary.paths) or _EXAMPLE_PATH}"


def _top(dimension: Dimension) -> str:
    """Return the key with most errors; empty where no key has one."""
    return next((key.key for key in dimension.keys if key.errors and key.key), "")


def typed(types: Sequence[TypeCount], summary: LogSummary) -> dict[str, Any]:
    """Return the data of a finding about one result type, whose counts may be of several statuses."""
    first = types[0]
    count = sum(t.count for t in types)
    since, until = min(t.first for t in types), max(t.last for t in types)
    statuses = sorted({t.status for t in types}, key=lambda s: s != summary.status)
    hidden = sum(t.count for t in types if t.status < 400)
    times = words.span(since, until, seconds=True)
    examples = sorted({e for t in types for e in t.examples}, key=lambda e: (e.at, e.request_id, e.pop, e.path))
    took = words.usual_time(first)
    return {
        "name": first.name,
        "count": count,
        "share": round(count / max(1, summary.requests), 6),
        "intermittent": count < 0.9 * summary.requests,
        "many": f"{count:,} of {summary.requests:,} requests ({words.percent(count, summary.requests)}), {times},",
        "answered": " or ".join(f"{status:03}" for status in statuses),
        "since": moment(since),
        "until": moment(until + 1),
        "last_error": moment(until),
        "type_meaning": result_type(first.name).meaning,
        "took": f"{took} " if took else "",
        "masked": f"Of them {hidden:,} were shown with another status by a custom error response. " if hidden else "",
        "when_most": when_most(summary),
        "example": _example(examples[0]) if examples else "",
        "examples": for_support(examples),
        "request_ids": [e.request_id for e in examples if e.request_id],
    }


def when_most(summary: LogSummary) -> str:
    """Return when the errors were most, in a sentence; empty where they were no more at one time than at another."""
    found = patterns.bursts(summary)
    return words.pattern(found[0]) if found else ""


def for_support(examples: Sequence[Example]) -> str:
    """Return requests as AWS Support wants to know them, in a sentence."""
    told = [_example(e) for e in examples[:3]]
    return "; ".join(told) + "." if told else "these logs have no request id."


def _example(example: Example) -> str:
    ident = f"request id {visible(example.request_id, 120)}" if example.request_id else "a request without id"
    where = f" at {visible(example.pop, 40)}" if example.pop else ""
    path = f" for {visible(example.path, 120)}" if example.path else ""
    return f"{ident}{where}, {words.moment(example.at, seconds=True)}{path}"


def function(name: str, summary: LogSummary, distribution: Distribution | None) -> dict[str, Any]:
    """Return of which kind the edge function is that a result type is about, and where its log is."""
    kind = "lambda-edge" if name.startswith("Lambda") else "cloudfront-function"
    associated = [f for b in (distribution.behaviors if distribution else ()) for f in b.functions if f.kind == kind]
    titles = list(dict.fromkeys(visible(f.title, 120) for f in associated))
    if kind == "lambda-edge":
        places = [locate(key.key) for key in _failing(summary.pops)]
        regions = list(dict.fromkeys(place.region for place in places if place and place.region))
        near = f"the regions {join_names(regions, 4)}" if len(regions) > 1 else f"the region {join_names(regions)}"
        near = f"{near}, probably" if regions else "the regions near the viewers"
        identity = visible((distribution.id if distribution else "") or NO_ID, 60)
        log = f"/aws/cloudfront/LambdaEdge/{identity} in {near}."
    else:
        log = "/aws/cloudfront/function/FUNCTION_NAME in us-east-1."
    return {
        "kind": kind,
        "functions": titles,
        "function_log": log + (f" Associated: {join_names(titles)}." if titles else ""),
    }


def _failing(dimension: Dimension) -> list[KeyCount]:
    return [key for key in dimension.keys if key.errors][:6]


def evidence(types: Sequence[TypeCount], summary: LogSummary) -> str:
    """Return the line that evidence shows: how many lines of which type, and where most of them are."""
    counted = "; ".join(f"{t.count:,} lines with {t.status:03} {visible(t.name, 60) or '(none)'}" for t in types[:3])
    most = [
        f"{label} {visible(key.key, 60)} {key.errors:,} of {key.requests:,}"
        for label, dimension in (("at", summary.pops), ("path", summary.paths), ("origin", summary.origins))
        for key in _failing(dimension)[:1]
        if key.key
    ]
    return f"access logs: {counted}" + (f"; most: {', '.join(most)}" if most else "")


def lacking(summary: LogSummary) -> str:
    """Return what of the logs could not be used, as a clause; empty where all of it was."""
    told = []
    files, lines = summary.files, summary.lines
    if files.failed:
        salvaged = sum(p.salvaged for p in files.problems)
        more = f" (of {salvaged:,} the beginning was counted)" if salvaged else ""
        told.append(f"{files.failed:,} of {files.given:,} files could not be read to their end{more}")
    if lines.malformed:
        share = words.percent(lines.malformed, lines.read)
        told.append(f"{lines.malformed:,} of {lines.read:,} lines are malformed ({share})")
    if summary.cut:
        told.append(f"{summary.cut:,} failing requests are on lines that end early")
    return "; ".join(told)


def problems(summary: LogSummary) -> str:
    """Return the first things that were wrong, a sentence each."""
    files = [f"{visible(p.file, 120)} {p.says}" for p in summary.files.problems[:3]]
    lines = [f"{visible(s.file, 120)}:{s.line}: {s.says}." for s in summary.lines.samples[:2]]
    return " ".join([*files, *lines])


def explained(summary: LogSummary) -> str:
    """Return for how many repeats the same path also has an error with a cause, as a clause."""
    if not summary.repeats_explained:
        return "none of their paths has an error with a cause in these logs"
    if summary.repeats_explained == summary.repeats:
        return "the paths of all of them also have an error with a cause"
    return f"the paths of {summary.repeats_explained:,} of them also have an error with a cause"


def others(counts: dict[int, int], requests: int) -> str:
    """Return how many requests had which other status."""
    told = [f"{n:,} requests answered {code:03} ({words.percent(n, requests)})" for code, n in counts.items()]
    return ", ".join(told[:-1]) + (" and " if len(told) > 1 else "") + told[-1]


def types_of(types: Sequence[TypeCount]) -> str:
    """Return the most frequent types of other statuses, in a sentence."""
    told = [f"{t.status:03} {visible(t.name, 60) or '(no type)'} {t.count:,}" for t in types[:5]]
    return f"Their types: {', '.join(told)}." if told else ""


def expected(distribution: Distribution | None, host: str) -> str:
    """Return the names that this incident is about."""
    names = list(distribution.names) if distribution else []
    return join_names(list(dict.fromkeys([*([host] if host else []), *names])), 4)


def duration(seconds: float) -> str:
    """Return a span of time in the unit that matters."""
    for size, unit in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{int(seconds // size):,} {unit}"
    return f"{int(seconds)} seconds"
