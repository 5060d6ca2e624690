"""What a runbook says of mending: what to do, and whether it worked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from cfrunbook.findings import Cause, Diagnosis, Finding, Status, Step
from cfrunbook.runbook import comparing
from cfrunbook.views import outline, steps

if TYPE_CHECKING:
    from cfrunbook.evidence import Observations


def fix(judged: steps.Judgement, *, is_open: bool) -> steps.Fix:
    """Return what to do about the root cause, or which runbook does; `is_open`: the look was stopped too early."""
    faults = tuple(f for f in judged.findings if f.status is Status.FAULT)
    root = (judged.root,) if judged.root is not None else ()
    findings = (*root, *(f for f in faults if f is not judged.root))
    verdict = judged.diagnosis.verdict
    if is_open:
        sentence = "The look was stopped before its end: whether there is something to fix is open."
    elif judged.elsewhere and judged.elsewhere_status == "unknown":
        sentence = "Nothing to fix here: whether it breaks elsewhere is open, and that comes first."
    elif judged.elsewhere:
        sentence = "Nothing to fix here: the path breaks elsewhere, and that comes first."
    elif verdict.status == "unknown" and not judged.diagnosis.paths:
        sentence = "Nothing to fix yet: what is wrong is not known."
    else:
        sentence = "Nothing to fix: no fault was found."
        if not findings and verdict.status == "ok":
            findings = outline.worth_mending(judged.findings)
            sentence = "No fault was found. Worth mending all the same:" if findings else sentence
    return steps.Fix(
        findings=tuple(_first_of_each_code(findings)),
        sentence=sentence,
        elsewhere="" if is_open else judged.elsewhere,
        elsewhere_title=judged.elsewhere_title,
        elsewhere_status=judged.elsewhere_status,
        runbook=judged.runbook,
    )


def proofs(fix: steps.Fix) -> tuple[Step, ...]:
    """Return what shows elsewhere that each of the faults is mended."""
    return tuple(dict.fromkeys(f.verify for f in fix.findings if f.verify.text or f.verify.command))


def of_a_recording(before: Diagnosis, shown: Sequence[Step], again: str) -> steps.Verification:
    """Return that a recording cannot tell, and with which command to look again."""
    step = Step(text="To see whether it is fixed, look again from a place that can reach the origin:", command=again)
    return steps.Verification(
        status="unknown",
        label="Not verified",
        sentence="A recording cannot tell whether a fix worked: nothing was probed.",
        steps=(*shown, step),
        before=before,
    )


def verified(
    before: Diagnosis, after: Diagnosis, seen: Observations, shown: Sequence[Step], causes: Sequence[Cause]
) -> steps.Verification:
    """Return what changed between two looks within `causes` (empty: all); `seen` is what the second one saw."""
    status, label, sentence = comparing.compare(_problems(before, causes), _problems(after, causes), after)
    if seen.stopped_after is not None:
        status, label = "unknown", "Stopped"
        sentence = f"The second look was stopped after {seen.stopped_after:.1f} s, so it cannot tell."
    return steps.Verification(
        status=status,
        label=label,
        sentence=sentence,
        when=outline.moment(dt.datetime.fromisoformat(after.inputs["recorded_at"])),
        steps=tuple(shown),
        before=before,
        after=after,
    )


def _problems(diagnosis: Diagnosis, causes: Sequence[Cause]) -> dict[tuple[str, str], Finding]:
    """Return what is, or may be, wrong within a runbook's causes, by code and target."""
    findings = (f for f in diagnosis.findings if not causes or f.cause in causes)
    return {(f.code, f.target): f for f in findings if f.status in (Status.FAULT, Status.UNKNOWN)}


def _first_of_each_code(findings: Sequence[Finding]) -> Iterator[Finding]:
    seen: set[str] = set()
    for finding in findings:
        if finding.code not in seen:
            seen.add(finding.code)
            yield finding
