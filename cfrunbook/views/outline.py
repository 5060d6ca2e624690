"""What every view shows first: the root cause, the broken stage, the rest in order. Selection only, no judging."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from cfrunbook import neighbors
from cfrunbook.findings import Cause, Diagnosis, Finding, Path, StageResult, Statement, Status, Wanted, Witness
from cfrunbook.text import check_parts, visible

if TYPE_CHECKING:
    from cfrunbook.log_summary import LogSummary

CAUSE_TITLES: Mapping[Cause, str] = {
    Cause.TLS_NAME: "TLS name",
    Cause.TLS_PROTOCOL: "TLS protocol or cipher",
    Cause.CERTIFICATE: "Certificate or chain",
    Cause.PORT: "Port and connection",
    Cause.DNS: "Name resolution",
    Cause.EDGE_FUNCTION: "Edge function",
    Cause.ORIGIN_RESPONSE: "Origin's own answer",
    Cause.DISTRIBUTION: "Distribution configuration",
    Cause.CLOUDFRONT: "What CloudFront said",
}

VERDICT_LABELS: Mapping[str, str] = {
    "fault": "Fault found",
    "ok": "No fault found",
    "unknown": "Could not tell",
}

CONFIDENCE: Mapping[str, str] = {
    "high": "seen directly, and documented",
    "medium": "seen; what CloudFront makes of it is inferred",
    "low": "indirect",
}


WITNESSES: Mapping[Witness, str] = {
    Witness.RESPONSE: "captured response",
    Witness.LOGS: "access log",
    Witness.ACCOUNT: "AWS account",
    Witness.FUNCTION: "function's result",
    Witness.FIREWALL: "firewall rules",
    Witness.CONFIGURATION: "configuration",
    Witness.PROBE: "probe",
}


def whence(statement: Statement) -> str:
    """Return whose word a statement is and how much it weighs: `CloudFront's own word, captured response`."""
    who = WITNESSES[statement.witness]
    if statement.witness is Witness.PROBE and statement.seen_from:
        who += f" from {visible(statement.seen_from, 80)}"
    return {"direct": f"CloudFront's own word, {who}", "weak": f"{who}, weak"}.get(statement.strength, who)


def dated(statement: Statement) -> str:
    """Return the same as `whence`, with when that was where it is known."""
    return whence(statement) + (f", {moment(statement.at)}" if statement.at else "")


def page_beside(finding: Finding) -> str:
    """Return AWS's page about the 503 or 504 that a finding gives, where that is not its source; else empty."""
    page = neighbors.page(finding.cloudfront_status) if finding.cloudfront_status in neighbors.NEIGHBORS else ""
    return "" if finding.source.startswith(page) else page


def root(diagnosis: Diagnosis) -> Finding | None:
    """Return the finding that the verdict rests on, or None where the verdict names none."""
    verdict = diagnosis.verdict
    if not verdict.code:
        return None
    named = [f for f in diagnosis.findings if f.code == verdict.code]
    return next((f for f in named if f.target == verdict.target), named[0] if named else None)


def sentence_parts(said: str) -> tuple[str, str]:
    """Return a verdict's sentence in two: what it is and what CloudFront answers, and what else speaks for it."""
    end = found.end() if (found := _ANSWERS.search(said)) else len(said)
    return said[:end], said[end:].strip()


_ANSWERS = re.compile(r"CloudFront answers \d{3}(?: to those)?\.(?= )")


def below_label(said: str) -> tuple[str, str]:
    """Return the same two where they stand below or after the verdict's label, which says how they begin already."""
    first, besides = sentence_parts(said)
    return _capital(first.removeprefix("Inconclusive: ").removeprefix(f"{VERDICT_LABELS['ok']} ")), besides


def _capital(said: str) -> str:
    """Return a sentence with a capital, unless it begins with a name: `origin.example`, `localhost:443`."""
    return said if re.search(r"[.:]", said.split(" ", 1)[0]) else said[:1].upper() + said[1:]


def others(diagnosis: Diagnosis) -> tuple[Finding, ...]:
    """Return every finding but the root one, in the diagnosis's rank."""
    first = root(diagnosis)
    return tuple(f for f in diagnosis.findings if f is not first)


def worth_mending(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return what is no fault and will or may become one, each kind once, where something can be done about it."""
    kept: dict[str, Finding] = {}
    for finding in findings:
        if finding.status is Status.WARNING and finding.remedy.steps:
            kept.setdefault(finding.code, finding)
    return tuple(kept.values())


def broken(stages: Iterable[StageResult], code: str | None = None) -> StageResult | None:
    """Return the stage to point at: the first fault, else the first that could not be told; None if all is well.

    The root cause's stage, where its `code` is given, comes first: a function may run before the origin is asked.
    """
    kept = tuple(stages)
    if code and (at := next((s for s in kept if code in s.findings and s.status in ("fault", "unknown")), None)):
        return at
    return next((s for status in ("fault", "unknown") for s in kept if s.status == status), None)


def paths(diagnosis: Diagnosis) -> tuple[Path, ...]:
    """Return every target's path, the one that the verdict is about first."""
    target = diagnosis.verdict.target
    if not diagnosis.paths:
        return (Path(target=target, title=target, stages=diagnosis.stages),) if diagnosis.stages else ()
    return tuple(sorted(diagnosis.paths, key=lambda path: path.target != target))


def path_title(diagnosis: Diagnosis) -> str:
    """Return the title of the path that the verdict is about; empty where there is none."""
    for path in diagnosis.paths:
        if path.target == diagnosis.verdict.target:
            return path.title or path.target
    return diagnosis.verdict.target


FIRST_WANTED = 3
"""Pieces of evidence that are named where there is little room."""


def first_wanted(diagnosis: Diagnosis) -> tuple[Wanted, ...]:
    """Return the first pieces of missing evidence, without what is said as the verdict's next check already."""
    first = root(diagnosis)
    checks = (diagnosis.verdict.next_check, first.next_check if first else "")
    said = {check_parts(check)[0] for check in checks}
    said.discard("")
    return tuple(w for w in diagnosis.wanted if not w.how.text.endswith(tuple(said)))[:FIRST_WANTED]


def taken_by(value: Wanted) -> str:
    """Return which option takes a piece of evidence, in brackets; empty where none does."""
    return f" (--{value.parameter.replace('_', '-')})" if value.parameter else ""


def wanted_for(value: Wanted) -> str:
    """Return the causes that a piece of evidence would confirm or exclude, for people."""
    return ", ".join(CAUSE_TITLES[cause] for cause in value.causes) or "every cause"


class Anchor(msgspec.Struct, frozen=True):
    """The ids that lead to a finding on a page."""

    own: str
    """`finding-<code>--<target>`, or `finding-<code>` where it is about no target: the same from report to report."""
    shared: str = ""
    """`finding-<code>`, which leads to the first finding of this code; empty where it is not the first."""


def anchors(findings: Sequence[Finding]) -> tuple[Anchor, ...]:
    """Return the ids of each finding, from its code and its target alone; numbered where these are the same."""
    taken: set[str] = set()
    result = []
    for finding in findings:
        shared = f"finding-{slug(finding.code)}"
        base = f"{shared}--{slug(finding.target)}" if finding.target else shared
        numbered = (f"{base}-{number}" for number in itertools.count(2))
        own = next(candidate for candidate in itertools.chain([base], numbered) if candidate not in taken)
        result.append(Anchor(own, "" if shared in taken or shared == own else shared))
        taken |= {own, shared}
    return tuple(result)


def slug(text: str) -> str:
    """Return `text` as an HTML id: letters, digits, `.`, `_` and `-`, at most 100 characters."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text[:100])


def moment(value: dt.datetime) -> str:
    """Return an aware moment in UTC, to the second, as people write it in a ticket."""
    return value.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def age(past: dt.timedelta) -> str:
    """Return how long ago something was, in the one unit that matters."""
    seconds = past.total_seconds()
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            number = int(seconds // size)
            return f"{number} {unit}{'' if number == 1 else 's'} old"
    return "just made" if seconds >= 0 else "from the future: check the clocks"


def given(inputs: Mapping[str, Any], name: str) -> str:
    """Return the input `name` as one line, or an empty string where it was not given."""
    value = inputs.get(name)
    return visible(value) if isinstance(value, str | int | float) and value != "" else ""


def logged(summary: LogSummary) -> str:
    """Return how often and since when requests failed, by the access logs, in a line or two."""
    from cfrunbook.logs import patterns, words

    when = (p for p in patterns.find(summary) if p.kind in _OVER_TIME)
    return " ".join([words.headline(summary), *(words.pattern(p) for p in itertools.islice(when, 1))])


_OVER_TIME = ("ongoing", "ended", "steady", "burst")


def short(value: object) -> str:
    """Return a name in a line."""
    return visible(value, 100)


def lab_of(diagnosis: Diagnosis) -> str:
    """Return the lab scenario that the diagnosis is about; empty for a real incident."""
    return given(diagnosis.inputs, "lab")


def multiline(value: object, limit: int = 6000) -> str:
    """Return `value` line by line as `visible` shows it; at most `limit` characters, and the cut is said."""
    text = str(value)
    kept = "\n".join(visible(line.expandtabs(4), limit) for line in text[:limit].split("\n"))
    return kept if len(text) <= limit else kept + "\n… (cut here)"
