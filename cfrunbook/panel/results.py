"""What a step came to, in a line: from the value that it shows."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cfrunbook.text import visible
from cfrunbook.views import html, outline, steps
from cfrunbook.views.drawing import Picture
from cfrunbook.views.panel import Head, Row, Said, State

if TYPE_CHECKING:
    from cfrunbook.findings import Step
    from cfrunbook.runbook import Runbook


def concluded(row: Row, shown: Any) -> Row:
    """Return the row of a step that has shown `shown`."""
    match shown:
        case steps.Seen():
            state: State = "stopped" if shown.observations.stopped_after is not None else "done"
            return replace(row, state=state, meaning=shown.sentence)
        case steps.Judgement():
            return replace(row, state="done", status=shown.status, meaning=shown.sentence)
        case steps.Verification():
            return replace(row, state="done", status=shown.status, words=shown.label, meaning=shown.sentence)
        case steps.Fix():
            todo = [_first_line(step) for finding in shown.findings[:1] for step in finding.remedy.steps[:1]]
            said = todo or [f.next_check for f in shown.findings[:1]] or [shown.sentence]
            return replace(row, state="done", status="" if shown.findings else "not_applicable", meaning=said[0])
        case steps.Onward():
            return replace(row, state="done", meaning=f"{shown.sentence} {shown.runbook}".rstrip())
        case steps.Given():
            return replace(row, state="done", meaning=shown.sentence.replace("`", ""))
        case steps.Evidence():
            first_wanted = shown.items[0].what if shown.items else "Nothing is missing."
            return replace(row, state="done", meaning=first_wanted)
        case Picture():
            return replace(row, state="done", meaning=shown.meaning or shown.alt)
        case html.Fragment():
            meaning = shown.meaning or next((line for line in shown.text.splitlines() if line.strip()), "")
            if shown.is_note:
                return replace(row, state="done", status="not_applicable", words="nothing to show", meaning=meaning)
            return replace(row, state="done", meaning=meaning)
    return replace(row, state="done")


def _first_line(step: Step) -> str:
    """Return what is to be done; where that only leads up to a command or code, with its first line."""
    return f"{step.text} {step.command.partition(chr(10))[0]}" if step.text.endswith(":") else step.text


def verdict(runbook: Runbook) -> Said:
    """Return the verdict on what was seen, and the runbook to open where that is another one."""
    told = runbook.diagnosis.verdict
    elsewhere = runbook.judge().runbook if told.cause and runbook.judge().elsewhere else ""
    onward = f" Look closer in {elsewhere}." if elsewhere else ""
    return Said(f"{told.sentence}{onward}", status=told.status, label=f"{outline.VERDICT_LABELS[told.status]}:")


def head(runbook: Runbook, title: str) -> Head:
    """Return what is examined, from where, and what was seen of it so far."""
    incident = runbook.incident
    examined = (
        incident.url.text
        if incident.url
        else incident.distribution.title
        if incident.distribution
        else ", ".join(f"{t.domain}:{t.port}" for t in incident.targets[:2]) or "what was given"
    )
    simulated = (f"lab scenario {incident.inputs.lab}",) if incident.inputs.lab else ()
    seen = runbook.observations if runbook.has_looked else incident.observations
    if seen is None:
        return Head(title, (*simulated, visible(examined, 120), f"from {incident.vantage}", "nothing seen yet"))
    when = outline.moment(seen.recorded_at)
    if runbook.recorded:
        when = f"a recording of {when}, {outline.age(dt.datetime.now(dt.UTC) - seen.recorded_at)}"
    else:
        when = f"seen {when}"
    return Head(title, (*simulated, visible(examined, 120), f"from {seen.vantage}", when))
