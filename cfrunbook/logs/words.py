"""What access logs say, in sentences: once, for findings, terminal and figures."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from cfrunbook.cloudfront.result_types import ResultType, Side, is_repeat, result_type
from cfrunbook.log_summary import TOOK_S, Files, Lines, LogSummary, TypeCount
from cfrunbook.logs.patterns import Pattern, PatternKind
from cfrunbook.text import visible

LATE_S = 86_400
"""CloudFront delivers logs up to a day late:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html"""
AHEAD_S = 900
"""So much later than our own clock no request can be, unless a clock is wrong."""

_NAMES: Mapping[PatternKind, str] = {
    PatternKind.ONE_POP: "edge location",
    PatternKind.ONE_HOST: "host",
    PatternKind.ONE_PATH: "path",
    PatternKind.ONE_METHOD: "method",
    PatternKind.ONE_ORIGIN: "origin",
}


def status(summary: LogSummary) -> str:
    """Return `fault` where there is such an error, `ok` where there is none in all that was read, else `unknown`."""
    if summary.errors or summary.masked:
        return "fault"
    whole = summary.requests and not summary.files.failed and summary.lines.malformed < summary.lines.parsed
    return "ok" if whole else "unknown"


def headline(summary: LogSummary) -> str:
    """Return the answer in a sentence."""
    code, total = summary.status, f"{summary.requests:,}"
    when = span(summary.first_request, summary.last_request)
    if summary.errors:
        times = span(summary.first_error, summary.last_error, seconds=True)
        share = percent(summary.errors, summary.requests)
        return f"{summary.errors:,} of {total} requests were answered with {code} ({share}), {times}."
    if not summary.requests:
        return (
            "No request could be read, so nothing can be told." if summary.lines.read else "The logs hold no request."
        )
    if summary.files.failed or summary.lines.malformed >= summary.lines.parsed:
        return f"No {code} among the {total} requests that could be read, but not everything could."
    return f"No request was answered with {code} among {total}, {when}."


def more(summary: LogSummary) -> list[str]:
    """Return what else is to be known of the errors, a sentence each."""
    told = []
    if summary.repeats:
        explained = summary.repeats_explained
        rest = summary.repeats - explained
        sentence = f"{summary.repeats:,} of them say only Error: a repeat of a cached error, or something unspecific."
        if explained:
            sentence += f" Of {explained:,} the same path also has an error with a cause."
        if rest:
            sentence += f" Of {rest:,} it has none in these logs: look at earlier ones."
        told.append(sentence)
    if summary.untyped:
        told.append(
            f"{summary.untyped:,} of them have no detailed result type: logs have it since 2019-12-12, where it was"
            " selected."
        )
    if summary.cut:
        told.append(f"{summary.cut:,} of them are on lines that end early; what is missing there counts as unknown.")
    if summary.wide:
        told.append(f"{summary.wide:,} of them are on lines with more columns than the header names.")
    if summary.masked:
        told.append(
            f"{summary.masked:,} more {'request' if summary.masked == 1 else 'requests'} failed like a 502; a custom"
            " error response made another status of that."
        )
    neighbors = [
        f"{summary.statuses[code]:,} with {code}"
        for code in summary.neighbors
        if code != f"{summary.status:03}" and summary.statuses.get(code)
    ]
    if neighbors:
        told.append(f"Beside them: {_listed(neighbors)}.")
    return told


def pattern(value: Pattern) -> str:
    """Return one pattern in a sentence."""
    share = f"{value.errors:,} of {value.requests:,} requests fail ({percent(value.errors, value.requests)})"
    match value.kind:
        case PatternKind.BURST:
            return f"A burst {span(value.start, value.end)}: {share}."
        case PatternKind.ONGOING:
            return f"Since {moment(value.start, seconds=True)}, and at the end of the logs it still goes on: {share}."
        case PatternKind.ENDED:
            return f"Over since {moment(value.end, seconds=True)}; until then {share}."
        case PatternKind.STEADY:
            return f"All the time: {share}."
        case PatternKind.PERIODIC:
            return f"Every {value.period_s:g} seconds: {value.errors:,} events in this rhythm."
    return f"Only one {_NAMES[value.kind]}: {visible(value.key, 120)}, where {share}."


def describe(value: TypeCount, summary: LogSummary) -> list[str]:
    """Return what a result type means, what it points to, and the next step, a sentence each."""
    known = result_type(value.name)
    told = [known.meaning]
    pointing = _pointing(known)
    if pointing:
        told.append(pointing)
    took = usual_time(value)
    if took:
        told.append(took)
    if not value.detailed:
        told.append("This is x-edge-result-type: these logs do not have the detailed one.")
    if known.next_step:
        told.append(f"Next: {known.next_step}")
    return told


def _pointing(known: ResultType) -> str:
    codes = " or ".join(str(code) for code in known.statuses)
    if known.side is Side.VIEWER:
        return "It is about the viewer."
    causes = ", ".join(cause.replace("_", " ") for cause in known.causes)
    if not causes:
        return ""
    return f"Points to: {causes}" + (f" (usual status: {codes})." if codes and not is_repeat(known.name) else ".")


def usual_time(value: TypeCount) -> str:
    """Return how long most of these took, where that can be told."""
    total = sum(value.took)
    if not total:
        return ""
    most = max(range(len(value.took)), key=lambda i: value.took[i])
    low = TOOK_S[most - 1] if most else 0.0
    if value.took[most] < 0.6 * total:
        return ""
    share = "All" if value.took[most] == total else f"{percent(value.took[most], total)}"
    if most == len(TOOK_S):
        return f"{share} took more than {low:g} seconds."
    if not most:
        return f"{share} took less than {TOOK_S[0]:g} seconds."
    return f"{share} took {low:g} to {TOOK_S[most]:g} seconds."


def files(files: Files) -> str:
    """Return what was read, in a few words: `3 of 4 files`."""
    return f"{files.read:,} of {files.given:,} {'file' if files.given == 1 else 'files'}"


def read(files: Files, lines: Lines) -> list[str]:
    """Return what was read and what was not, a sentence each."""
    formats = ", ".join(f"{count:,} {name}" for name, count in files.formats.items())
    told = [f"Files: {files.read:,} read of {files.given:,}" + (f" ({formats})." if formats else ".")]
    if files.skipped:
        told.append(f"{files.skipped:,} were left out: the hour in their name is outside the window.")
    if files.empty:
        told.append(f"{files.empty:,} hold no request.")
    told.append(
        f"Lines: {lines.read:,} read, {lines.parsed:,} used, {lines.malformed:,} malformed"
        + (f", {lines.outside:,} outside the window." if lines.outside else ".")
    )
    told += [
        f"In {count:,} {'file' if count == 1 else 'files'} the columns were {guess}."
        for guess, count in files.guesses.items()
    ]
    return told


def clocks(summary: LogSummary, at: dt.datetime) -> list[str]:
    """Return what the times in the logs say about clocks and late delivery, seen at `at`."""
    last = summary.last_request
    if last is None:
        return []
    ahead = last - at.timestamp()
    if ahead > AHEAD_S:
        return [
            f"The newest request is {_duration(ahead)} later than this machine's clock: one of the clocks is wrong, or"
            " the logs were edited; CloudFront's times are UTC."
        ]
    if ahead > -LATE_S:
        return ["CloudFront delivers logs up to 24 hours late: the newest hours may not be complete."]
    return []


def span(start: int | None, end: int | None, *, seconds: bool = False) -> str:
    """Return `from … to … UTC`, the day only once where it is the same."""
    if start is None or end is None:
        return "at a time that is not known"
    first, last = moment(start, seconds=seconds), moment(end, seconds=seconds)
    if start == end:
        return f"at {first}"
    first = first.removesuffix(" UTC")
    return f"from {first} to {last[11:] if first[:10] == last[:10] else last}"


def moment(second: int | None, *, seconds: bool = False) -> str:
    """Return a moment in UTC, to the minute or second."""
    if second is None:
        return "a time that is not known"
    return dt.datetime.fromtimestamp(second, dt.UTC).strftime(f"%Y-%m-%d %H:%M{':%S' if seconds else ''} UTC")


def percent(part: int, whole: int) -> str:
    """Return a share with two digits that count."""
    if not whole or not part:
        return "0 %"
    share = 100 * part / whole
    if share >= 99.5:
        return "100 %" if part == whole else "over 99 %"
    return f"{share:.0f} %" if share >= 10 else f"{share:.1f} %" if share >= 1 else f"{share:.2g} %"


def _duration(seconds: float) -> str:
    if seconds < 2 * 3600:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.0f} hours" if seconds < 2 * 86_400 else f"{seconds / 86_400:,.0f} days"


def _listed(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else ", ".join(items[:-1]) + " and " + items[-1]
