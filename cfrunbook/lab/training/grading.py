"""Grading a written diagnosis: the right cause, evidence that proves it, a fix, and nobody accused who is innocent.

Pure. What counts as evidence is a finding's code, or words that only somebody has who saw it: those of the finding,
and what openssl, curl and dig say in such a case. Which causes an answer names is read in `naming`, what it proves and
mends in `proofs`.
"""

from __future__ import annotations

from typing import Final

from cfrunbook.findings import Struct
from cfrunbook.lab.scenario import Scenario
from cfrunbook.lab.training import fixes, naming, proofs
from cfrunbook.lab.training.naming import NONE, UNKNOWN

CAUSE_POINTS, EVIDENCE_POINTS, FIX_POINTS = 40, 40, 20
WHOLE: Final = CAUSE_POINTS + EVIDENCE_POINTS + FIX_POINTS
HINT_COSTS: Final = 10
FALSE_COSTS: Final = 20
"""For each cause that is accused and innocent."""
LONGEST: Final = 20_000
"""Characters of an answer that are read."""


class Answer(Struct, frozen=True, kw_only=True):
    """A written diagnosis."""

    cause: str = ""
    """One of `Cause`, `none` where nothing is broken, `unknown` where what there is does not tell; several with `,`."""
    evidence: str = ""
    """A finding's code, or what was seen and with what: output of openssl, curl or dig, a log line."""
    fix: str = ""
    hints: int = 0
    """How many were opened."""
    seconds: float = 0.0
    """How long it took."""

    @property
    def is_given(self) -> bool:
        """Tell whether it was handed in; of one that was left after a hint only the hint is kept."""
        return bool(f"{self.cause}{self.evidence}{self.fix}".strip() or self.seconds)


def written(cause: str, evidence: str, fix: str, *, hints: int, seconds: float) -> Answer:
    """Return an answer as it is kept: of each part as much as is read, and what can be written to a file."""
    cause, evidence, fix = (text[:LONGEST].encode(errors="replace").decode() for text in (cause, evidence, fix))
    return Answer(cause=cause, evidence=evidence, fix=fix, hints=hints, seconds=round(seconds, 1))


class Part(Struct, frozen=True, kw_only=True):
    """One part of a grade."""

    name: str
    points: int
    of: int
    why: str


class Grade(Struct, frozen=True, kw_only=True):
    """What a written diagnosis is worth, and why."""

    points: int
    of: int = WHOLE
    parts: tuple[Part, ...]
    explanation: tuple[str, ...]
    """What it really was, how that shows, what mends it, how people get there, and where AWS says so."""


def grade(scenario: Scenario, answer: Answer) -> Grade:
    """Return the grade of an answer to a scenario."""
    accused = naming.causes(answer.cause[:LONGEST])
    right = _right(scenario)
    wrong = sorted(accused - right - {cause.value for cause in scenario.also})
    found = bool(accused & right)
    parts = [_of_cause(scenario, answer, accused, right, found=found)]
    parts.append(_of_evidence(scenario, answer, found=found))
    parts.append(_of_fix(scenario, answer, found=found))
    if wrong and found:
        innocent = f"Not at fault here: {', '.join(wrong)}."
        parts.append(Part(name="False accusations", points=-FALSE_COSTS * len(wrong), of=0, why=innocent))
    if answer.hints > 0:
        opened = min(answer.hints, len(scenario.hints))
        why = f"{opened} hint{'s' * (opened > 1)} opened."
        parts.append(Part(name="Hints", points=-HINT_COSTS * opened, of=0, why=why))
    points = max(0, sum(part.points for part in parts))
    return Grade(points=points, parts=tuple(parts), explanation=explanation(scenario))


def hint(scenario: Scenario, number: int) -> str:
    """Return the hint with this number, which counts from 1, and what it costs; without one, that there are no more."""
    hints = scenario.hints
    if number > len(hints):
        return "There are no more hints."
    return f"Hint {number} of {len(hints)} (-{HINT_COSTS} points): {hints[number - 1]}"


def explanation(scenario: Scenario) -> tuple[str, ...]:
    """Return what a scenario really was."""
    expected = scenario.expected
    what = {
        "fault": f"The cause is {expected.cause}; the finding is {expected.code}.",
        "ok": "Nothing is broken.",
        "unknown": f"What there is does not tell; the open question is {expected.code or 'what to examine'}.",
    }[expected.status]
    answers = f"CloudFront answers {expected.cloudfront_status}." if expected.cloudfront_status else ""
    rule = naming.rules().get(expected.code or "")
    means = f"What it means: {rule.meaning}" if rule and rule.meaning and "{" not in rule.meaning else ""
    return tuple(
        line
        for line in (
            f"{scenario.title}.",
            f"{what} {answers}".rstrip(),
            means,
            f"The way there: {' '.join(scenario.hints)}",
            f"The fix: {fixes.fix_of(scenario)}",
            *fixes.code_of(scenario),
            f"In real life: {scenario.why_in_real_life}",
            f"AWS: {scenario.page}",
        )
        if line
    )


def _right(scenario: Scenario) -> set[str]:
    expected = scenario.expected
    if expected.status == "ok":
        return {NONE}
    found = {expected.cause.value if expected.cause else UNKNOWN, (expected.code or "").partition(".")[0]} - {""}
    return found | {UNKNOWN} if expected.status == "unknown" else found


def _of_cause(scenario: Scenario, answer: Answer, accused: set[str], right: set[str], *, found: bool) -> Part:
    if found:
        return Part(name="Cause", points=CAUSE_POINTS, of=CAUSE_POINTS, why="Right.")
    is_fine = scenario.expected.status == "ok"
    was = "nothing is broken" if is_fine else f"it is {' or '.join(sorted(right))}"
    if not accused:
        why = f"{'No cause is recognised in that' if answer.cause.strip() else 'None was named'}; {was}."
    else:
        blamed = ", ".join(sorted(accused - {NONE, UNKNOWN}))
        why = f"{was[0].upper()}{was[1:]}{f'; not at fault: {blamed}' if blamed else ''}."
    return Part(name="Cause", points=0, of=CAUSE_POINTS, why=why)


def _of_evidence(scenario: Scenario, answer: Answer, *, found: bool) -> Part:
    share, why = proofs.evidence(scenario, answer.evidence[:LONGEST])
    if not found and answer.evidence.strip():
        share, why = 0.0, "It is evidence for something else, as long as the cause is not right."
    elif share < 1:
        why = f"{why} What shows it: {scenario.hints[-1]}"
    return Part(name="Evidence", points=round(EVIDENCE_POINTS * share), of=EVIDENCE_POINTS, why=why)


def _of_fix(scenario: Scenario, answer: Answer, *, found: bool) -> Part:
    wanted = fixes.fix_of(scenario)
    is_fine = scenario.expected.status == "ok"
    share = proofs.fix(scenario, answer.fix[:LONGEST]) if found else 0.0
    if share == 1:
        why = "Right: nothing." if is_fine else "Right."
    elif not answer.fix.strip() and not is_fine:
        why = f"None was given. {wanted}"
    else:
        why = f"{'Not all of it. ' if share else ''}{wanted}"
    return Part(name="Fix", points=round(FIX_POINTS * share), of=FIX_POINTS, why=why)
