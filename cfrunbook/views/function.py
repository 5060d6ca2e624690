"""What edge functions returned and what CloudFront makes of it: for the terminal and for a notebook."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cfrunbook.causes.edge_function import HANDED_OVER, OF_RUNS, Judged
from cfrunbook.evidence import FunctionOutcome, FunctionResult, FunctionRun
from cfrunbook.findings import Diagnosis, Json, Status
from cfrunbook.functions.model import Effect, Violation
from cfrunbook.text import join_names, visible
from cfrunbook.views import outline, result_tree, style, terminal
from cfrunbook.views.result_tree import Line

MAX_SHOWN = 20
"""Results that are shown; of more, those that are refused come first."""
MAX_CORRECTED = 20_000
"""Characters shown of a corrected result."""
_STATUSES = (Status.FAULT, Status.UNKNOWN, Status.WARNING)


@dataclass(frozen=True, slots=True)
class Shown:
    """One result, as it is shown."""

    status: str
    title: str
    sentence: str
    lines: tuple[Line, ...]
    violations: tuple[Violation, ...]
    corrected: str
    """JSON; empty where it needs no correction, or cannot be corrected."""
    output: str


@dataclass(frozen=True, slots=True)
class Results:
    """Several results, and how many more there are."""

    results: tuple[Shown, ...]
    left_out: int


def results(judged: Sequence[Judged]) -> Results:
    """Return what is shown of results, the refused ones first where there are more than `MAX_SHOWN`."""
    chosen = judged
    if len(judged) > MAX_SHOWN:
        chosen = sorted(judged, key=lambda one: _SEVERITY.index(status(one)))[:MAX_SHOWN]
    return Results(tuple(map(_shown, chosen)), len(judged) - len(chosen))


def status(one: Judged) -> str:
    """Return `fault`, `unknown`, `warning` or `ok`."""
    if one.validation is None:
        could_run = isinstance(one.seen, FunctionRun) and one.seen.outcome is not FunctionOutcome.COULD_NOT_RUN
        return "fault" if could_run else "unknown"
    if isinstance(one.seen, FunctionRun) and one.seen.outcome is not FunctionOutcome.RETURNED:
        return "unknown" if one.seen.outcome is FunctionOutcome.COULD_NOT_RUN else "fault"
    found = {violation.rule.status for violation in one.validation.violations}
    return next((s.value for s in _STATUSES if s in found), "ok")


_ENDED = {
    FunctionOutcome.THREW: "failed, which is 503 at the edge and not 502",
    FunctionOutcome.TIMED_OUT: "did not answer in time, which is 503 at the edge and not 502",
    FunctionOutcome.RAN_OUT_OF_MEMORY: "ran out of memory, which is 503 at the edge and not 502",
    FunctionOutcome.OUTPUT_TOO_LARGE: "returned more than any function may, which is 503 at the edge and not 502",
}
_SEVERITY = ("fault", "unknown", "warning", "ok")


def sentence(one: Judged) -> str:
    """Return in a sentence what CloudFront makes of a result."""
    if isinstance(one.seen, FunctionRun) and one.seen.outcome is not FunctionOutcome.RETURNED:
        error = f" ({visible(one.seen.error, 200)})" if one.seen.error else ""
        if one.seen.outcome is FunctionOutcome.COULD_NOT_RUN:
            return f"It could not be run here{error}, which says nothing about the edge."
        return f"There is no result: it {_ENDED[one.seen.outcome]}{error}."
    validation = one.validation
    if validation is None:
        return "There is no result."
    measured = validation.limit and validation.event_type
    size = f" It counts {validation.size:,} of {validation.limit:,} bytes." if measured else ""
    size += _how_it_came(one.seen)
    if validation.effect is not Effect.NONE:
        number = len(validation.of(Status.FAULT))
        rules = "1 rule is" if number == 1 else f"{number} rules are"
        return f"CloudFront would answer {validation.effect.status}: {rules} broken.{size}"
    if number := len(validation.of(Status.UNKNOWN)):
        return f"Nothing that was checked is wrong; {number} of the rules could not be decided.{size}"
    shape = f" as a {validation.shape}" if validation.shape else ""
    return f"CloudFront would use it{shape}.{size}"


def _how_it_came(seen: FunctionResult | FunctionRun) -> str:
    """Return what a run shows beside its result's JSON."""
    if not isinstance(seen, FunctionRun):
        return ""
    why = f" Why there is none: {HANDED_OVER[seen.returned]}." if seen.returned in HANDED_OVER else ""
    lost = join_names([f"{where or 'the result'} was a {what}" for where, what in seen.lost])
    return why + (f" JSON does not show it as it was: {lost}." if seen.lost and not why else "")


def summary(judged: Sequence[Judged]) -> str:
    """Return in a sentence how several results fared; empty for one."""
    if len(judged) < 2:
        return ""
    number = Counter(map(status, judged))
    words = ((f"{number[name]:,} {said}") for name, said in _FARED.items() if number[name])
    return f"{len(judged):,} results: {', '.join(words)}."


_FARED = {
    "fault": "would be an error",
    "unknown": "could not be told",
    "warning": "would be used, with a warning",
    "ok": "would be used",
}


def render(judged: Sequence[Judged], diagnosis: Diagnosis, *, color: bool, width: int) -> str:
    """Return the verdict, every result as a tree with what is wrong at its place, the fixes, the corrected results."""
    paper = terminal.Paper(color=color, width=width)
    shown = results(judged)
    blocks = [terminal.verdict(diagnosis, color=color, width=width)]
    if said := summary(judged):
        blocks.append("\n".join(paper.wrap(said)))
    for one in shown.results:
        head = paper.item(one.status, f"{one.title}. {one.sentence}")
        blocks.append("\n".join([*head, *(terminal.INDENT + line for line in _tree(paper, one))]))
        if one.corrected:
            lines = [visible(line, 400) for line in one.corrected.splitlines()]
            blocks.append(paper.section("Corrected result", lines, aside=_ASIDE))
        if one.output:
            blocks.append(paper.section("What it printed", [visible(line, 400) for line in one.output.splitlines()]))
    if shown.left_out:
        blocks.append(f"and {shown.left_out} more results (--json has them all)")
    for violation in _once(shown):
        blocks.append(paper.section("Rule", _explained(paper, violation), aside=violation.rule.id))
    first = outline.root(diagnosis)
    if first and first.code in OF_RUNS:
        blocks.append(terminal.finding(first, color=color, width=width))
    elif first and first.verify.command:
        blocks.append(
            paper.section("Verify the fix", [*paper.wrap(first.verify.text), *paper.command(first.verify.command)])
        )
    if diagnosis.verdict.next_check and not (first and first.code in OF_RUNS):
        blocks.append(paper.section("Next check", paper.wrap(diagnosis.verdict.next_check)))
    if diagnosis.not_examined:
        blocks.append("Not examined:\n" + terminal.not_examined(diagnosis.not_examined, width=width))
    return "\n\n".join(blocks)


_ASIDE = "(secrets are masked here; --corrected FILE writes it as it is)"


def plain(judged: Sequence[Judged]) -> str:
    """Return the results as trees in plain text, 100 columns wide."""
    paper = terminal.Paper(color=False, width=100)
    blocks = [
        "\n".join([*paper.item(one.status, f"{one.title}. {one.sentence}"), *_tree(paper, one)])
        for one in results(judged).results
    ]
    return "\n\n".join(blocks)


def to_builtins(one: Judged) -> dict[str, Any]:
    """Return one result, what is wrong with it and the corrected result, as JSON values."""
    validation = one.validation
    return {
        "title": one.title,
        "status": status(one),
        "sentence": sentence(one),
        "kind": one.seen.kind,
        "event_type": one.seen.event_type or None,
        "cloudfront_status": validation.effect.status if validation else None,
        "violations": [_violation(v) for v in validation.violations] if validation else [],
        "corrected": one.corrected,
        "size": validation.size if validation else None,
        "limit": validation.limit if validation else None,
    }


def _violation(violation: Violation) -> dict[str, Any]:
    rule = violation.rule
    return {
        "rule": rule.id,
        "status": rule.status.value,
        "path": violation.where,
        "value": violation.shown,
        "title": violation.title,
        "effect": rule.effect.value,
        "cloudfront_status": rule.effect.status,
        "certainty": rule.certainty.value,
        "page": violation.say(rule.page),
        "log": violation.say(rule.log),
        "node": violation.say(rule.node),
        "python": violation.say(rule.python),
        "source": rule.source,
    }


def _shown(one: Judged) -> Shown:
    validation, document = one.validation, one.document
    violations = validation.violations if validation else ()
    readable = validation is not None and document is not None and not (document.value is None and document.flaws)
    return Shown(
        status=status(one),
        title=one.title,
        sentence=sentence(one),
        lines=result_tree.lines(document.value, violations) if readable and document else _nothing(violations),
        violations=violations,
        corrected=_json(one.corrected) if one.corrected is not None else "",
        output=one.seen.output if isinstance(one.seen, FunctionRun) else "",
    )


def _nothing(violations: Sequence[Violation]) -> tuple[Line, ...]:
    """Return what stands for a result that cannot be read: the reason."""
    return (Line(0, "(no JSON that could be shown)", None, tuple(violations)),) if violations else ()


def _json(value: Json) -> str:
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return text if len(text) <= MAX_CORRECTED else text[:MAX_CORRECTED] + "\n… cut"


def _tree(paper: terminal.Paper, one: Shown) -> Iterator[str]:
    for line in one.lines:
        text = "  " * line.depth + line.text
        mark = paper.mark(line.status) if line.status else " "
        yield f"{mark} {paper.paint(text, style.look(line.status) if line.status else None)}"
        for violation in line.violations:
            indent = "  " * line.depth + "    "
            yield from paper.wrap(f"{violation.title} [{violation.rule.id}]", first=indent + "↑ ", indent=indent + "  ")


def _once(shown: Results) -> Iterator[Violation]:
    """Yield the first violation of each rule."""
    found: dict[str, Violation] = {}
    for one in shown.results:
        for violation in one.violations:
            found.setdefault(violation.rule.id, violation)
    yield from found.values()


def _explained(paper: terminal.Paper, violation: Violation) -> Iterator[str]:
    rule = violation.rule
    yield from paper.wrap(violation.say(rule.meaning))
    if rule.status is Status.FAULT and rule.effect.status:
        yield f"CloudFront answers {rule.effect.status}; this is {rule.certainty.value}: {rule.source}"
    else:
        yield rule.source
    for label, template in (("Page", rule.page), ("CloudWatch", rule.log)):
        if template:
            yield from paper.wrap(violation.say(template), first=f"{label}: ", indent="  ")
    if rule.next_check:
        yield from paper.wrap(violation.say(rule.next_check), first="Next: ", indent="  ")
    for label, template in (("JavaScript" if not rule.python else "Node.js", rule.node), ("Python", rule.python)):
        if template:
            yield f"{label}:"
            yield from paper.command(violation.say(template))
