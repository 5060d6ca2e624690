"""What the steps of a runbook show: values that display themselves in a notebook, as static HTML and as text."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from cfrunbook.evidence import Observations, Recognized
from cfrunbook.findings import (
    Cause,
    CauseResult,
    Contradiction,
    Diagnosis,
    Finding,
    NotExamined,
    Status,
    Step,
    Wanted,
)
from cfrunbook.text import visible
from cfrunbook.views import html, mime, outline, style, tables, terminal

Bundle = tuple[dict[str, Any], dict[str, Any]]

MAX_FACTS = 60
"""Lines shown of what is to be examined: a distribution may have a hundred origins."""
_WIDTH = 100
_FULL = (Status.FAULT, Status.UNKNOWN, Status.WARNING)
"""Findings of these are shown whole; the others in a line."""


class Opened(msgspec.Struct, frozen=True):
    """What is to be examined and why, from where, and how."""

    lab: str
    story: tuple[str, ...]
    """What the pager and the ticket say, in a lab scenario."""
    facts: tuple[tuple[str, str, str], ...]
    """What, its value, and why (may be empty), for people."""

    @property
    def shown(self) -> tuple[tuple[str, str, str], ...]:
        """As many facts as a person reads."""
        left_out = len(self.facts) - MAX_FACTS
        return self.facts if left_out <= 0 else (*self.facts[:MAX_FACTS], ("…", f"and {left_out} more", ""))

    def _repr_mimebundle_(self, **_: Any) -> Bundle:
        lines = [*_lab(self.lab), *self.story]
        for name, value, why in self.shown:
            lines.append(f"{name}: {visible(value)}" + (f" ({visible(why)})" if why else ""))
        return _bundle("opened", self, "\n".join(lines))


class Seen(msgspec.Struct, frozen=True):
    """What was seen, as far as it matters to one runbook."""

    observations: Observations
    sentence: str
    tables: tuple[tables.Table, ...]

    @property
    def not_observed(self) -> tuple[NotExamined, ...]:
        """What was left out while looking."""
        return self.observations.not_observed

    def _repr_mimebundle_(self, **_: Any) -> Bundle:
        parts = [self.sentence]
        for table in self.tables:
            parts += ["", terminal.table(table)]
        if self.not_observed:
            parts += ["", "Not looked at", terminal.not_examined(self.not_observed, width=_WIDTH)]
        return _bundle("seen", self, "\n".join(parts))


class Given(msgspec.Struct, frozen=True):
    """What a person gave without saying what it is, and what each thing was taken for."""

    items: tuple[Recognized, ...]
    sentence: str
    """Said where there is none."""

    @property
    def shown(self) -> tuple[Recognized, ...]:
        """As many as a person reads."""
        return self.items[:MAX_FACTS]

    @property
    def left_out(self) -> int:
        """How many are not shown."""
        return len(self.items) - len(self.shown)

    def _repr_mimebundle_(self, **_: Any) -> Bundle:
        lines = []
        for item in self.shown:
            lines.append(f"{item.given}: taken for {item.what} -> {item.input or 'no input'}")
            lines += [f"    {visible(note)}" for note in item.notes]
        more = [f"and {self.left_out} more"] if self.left_out else []
        return _bundle("recognized", self, "\n".join([*lines, *more]) or self.sentence)


class Evidence(msgspec.Struct, frozen=True):
    """The evidence that is missing, what would tell most first."""

    items: tuple[Wanted, ...]

    def _repr_mimebundle_(self, **_: Any) -> Bundle:
        return _bundle("wanted", self, terminal.wanted(self.items, width=_WIDTH))


class Judgement(msgspec.Struct, frozen=True):
    """What one runbook concludes: the findings of its causes, and where the root cause is if it is none of them."""

    diagnosis: Diagnosis
    """The whole diagnosis."""
    causes: tuple[Cause, ...]
    """The causes of this runbook; empty: all."""
    runbook: str = ""
    """The runbook of the root cause where that is another one."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings of this runbook's causes, in the diagnosis's rank."""
        return tuple(f for f in self.diagnosis.findings if not self.causes or f.cause in self.causes)

    @property
    def root(self) -> Finding | None:
        """The finding that the verdict rests on, if it is of this runbook's causes."""
        root = outline.root(self.diagnosis)
        return root if root in self.findings else None

    @property
    def subset(self) -> Diagnosis:
        """The diagnosis with this runbook's causes and findings alone; the verdict is the whole's."""
        return msgspec.structs.replace(
            self.diagnosis, findings=self.findings, causes=self.results, contradictions=self.contradictions
        )

    @property
    def results(self) -> tuple[CauseResult, ...]:
        """The rows of this runbook's causes."""
        return tuple(c for c in self.diagnosis.causes if not self.causes or c.cause in self.causes)

    @property
    def contradictions(self) -> tuple[Contradiction, ...]:
        """What does not go together about this runbook's causes."""
        return tuple(c for c in self.diagnosis.contradictions if not self.causes or c.cause in self.causes)

    # What the templates ask for.

    @property
    def lab(self) -> str:
        """The lab scenario that was judged."""
        return outline.lab_of(self.diagnosis)

    @property
    def status(self) -> str:
        """The worst status of this runbook's causes; of a runbook about all of them, the verdict's."""
        if not self.causes:
            return self.diagnosis.verdict.status
        order = ("fault", "unknown", "warning", "not_examined", "ok")
        return min((r.status for r in self.results), key=order.index, default="not_examined")

    @property
    def label(self) -> str:
        """The status in words, with the causes it is about."""
        titles = ", ".join(outline.CAUSE_TITLES[cause] for cause in self.causes)
        return f"{titles}: {style.word(self.status)}"

    @property
    def sentence(self) -> str:
        """The conclusion of this runbook."""
        if self.root is not None or not self.causes:
            return self.diagnosis.verdict.sentence
        shown = next((r for r in self.results if r.status == self.status), None)
        return shown.why if shown else "Not examined."

    @property
    def elsewhere(self) -> str:
        """The verdict's sentence where the root cause is not of this runbook."""
        verdict = self.diagnosis.verdict
        return verdict.sentence if self.causes and verdict.status != "ok" and self.root is None else ""

    @property
    def elsewhere_title(self) -> str:
        """Where the root cause is."""
        verdict = self.diagnosis.verdict
        return outline.CAUSE_TITLES[verdict.cause] if verdict.cause else "What stopped this"

    @property
    def elsewhere_status(self) -> str:
        """How the verdict looks."""
        return self.diagnosis.verdict.status

    @property
    def full(self) -> tuple[Finding, ...]:
        """The findings to be shown whole."""
        return tuple(f for f in self.findings if f.status in _FULL)

    @property
    def brief(self) -> tuple[Finding, ...]:
        """The findings that a line each suffices for, but for the one that is the conclusion."""
        return tuple(f for f in self.findings if f.status not in _FULL and f.title != self.sentence)

    @property
    def brief_title(self) -> str:
        """Heading of the brief findings."""
        return "Also seen" if self.full else "Seen"

    def _repr_mimebundle_(self, **_: Any) -> Bundle:
        if not self.causes:
            shown, text = "overview", terminal.render(self.diagnosis, color=False, width=_WIDTH)
        else:
            lines = [*_lab(self.lab), f"{style.symbol(self.status)} {self.label}", self.sentence]
            if self.elsewhere:
                lines += [
                    "",
                    f"{self.elsewhere_title}: {self.elsewhere}" + (f" -> {self.runbook}" if self.runbook else ""),
                ]
            for finding in self.full:
                lines += ["", terminal.finding(finding, color=False, width=_WIDTH)]
            if self.contradictions:
                lines += ["", "Does not go together", terminal.contradictions(self.contradictions, width=_WIDTH), ""]
            lines += [f"{style.symbol(f.status)} {f.title}" for f in self.brief]
            shown, text = "cause", "\n".join(lines)
        data, metadata = mime.bundle(self.subset)
        if self.findings:
            first, more = mime.bundle(self.findings[0])
            data, metadata = {**first, **data}, {**more, **metadata}
        drawn, _ = _bundle(shown, self, text)
        return {**data, **drawn}, metadata


class Fix(msgspec.Struct, frozen=True):
    """What to do about the root cause, or why there is nothing to do here."""

    findings: tuple[Finding, ...]
    sentence: str
    """Said where there are no findings, or before those that are no faults."""
    elsewhere: str = ""
    elsewhere_title: str = ""
    elsewhere_status: str = ""
    runbook: str = ""

    @property
    def is_fault(self) -> bool:
        """Whether there is a fault to fix, not only something that will or may bite."""
        return any(f.status is not Status.WARNING for f in self.findings)

    def _repr_mimebundle_(self, **_: Any) -> Bundle:
        if not self.findings:
            return _bundle("fixes", self, "\n".join(filter(None, [self.sentence, self.elsewhere])))
        lines = [] if self.is_fault else [self.sentence, ""]
        for finding in self.findings:
            lines.append(finding.title)
            for step in finding.remedy.steps or (Step(text=finding.next_check, command=finding.reproduce),):
                lines += [f"- {step.text}", *(f"    {line}" for line in step.command.splitlines())]
            lines.append("")
        return _bundle("fixes", self, "\n".join(lines).rstrip())


class Verification(msgspec.Struct, frozen=True):
    """Whether the fix worked, in one sentence, and how to make sure from elsewhere."""

    status: str
    label: str
    sentence: str
    when: str = ""
    """When it was looked at again."""
    steps: tuple[Step, ...] = ()
    before: Diagnosis | None = None
    after: Diagnosis | None = None
    """None where nothing was probed: a recording cannot tell."""

    def _repr_mimebundle_(self, **_: Any) -> Bundle:
        when = [f"Second look: {self.when}"] if self.when else []
        lines = [f"{style.symbol(self.status)} {self.label}", self.sentence, *when, *_step_lines(self.steps)]
        return _bundle("verification", self, "\n".join(lines))


class Link(msgspec.Struct, frozen=True):
    """One thing to do next: a sentence, maybe a runbook to open, maybe lines to run or paste."""

    text: str
    link: str = ""
    """A runbook's name."""
    command: str = ""
    file: str = ""
    """A file to open, relative to the notebook."""


class Onward(msgspec.Struct, frozen=True):
    """Where to go from here."""

    sentence: str
    runbook: str = ""
    """The runbook to open next; empty: none."""
    steps: tuple[Link, ...] = ()

    def _repr_mimebundle_(self, **_: Any) -> Bundle:
        lines = [f"{self.sentence} {self.runbook}".rstrip()]
        for step in self.steps:
            shown = " ".join(filter(None, (f"- {step.text}", step.link, visible(step.file))))
            lines += [shown, *(f"    {line}" for line in step.command.splitlines())]
        return _bundle("onward", self, "\n".join(lines))


def note(sentence: str, meaning: str = "") -> html.Fragment:
    """Return one sentence to be shown where there is nothing else to show; `meaning` is the shorter one for a line."""
    return msgspec.structs.replace(_text("sentence", sentence), meaning=meaning, is_note=True)


def paragraph(text: str) -> html.Fragment:
    """Return a paragraph that is to be read."""
    return _text("paragraph", text)


def _text(macro: str, text: str) -> html.Fragment:
    data, _ = _bundle(macro, text, outline.multiline(text))
    return html.Fragment(html=data["text/html"], text=data["text/plain"])


def _lab(scenario: str) -> list[str]:
    return [f"Lab scenario: simulated. {scenario!r} on this machine's loopback.", ""] if scenario else []


def _step_lines(steps: Sequence[Step]) -> list[str]:
    lines = []
    for step in steps:
        lines += [f"- {step.text}", *(f"    {line}" for line in step.command.splitlines())]
    return lines


def _bundle(macro: str, value: object, text: str) -> Bundle:
    from markupsafe import Markup

    body = getattr(_template(), macro)(value)
    sheet = Markup(style.fragment_css() + css())  # noqa: S704 - our own style sheets, no input
    drawn = Markup('<div class="cfr"><style>{}</style>{}</div>').format(sheet, body)
    return {"text/plain": text, "text/html": str(drawn)}, {}


@lru_cache(maxsize=1)
def _template() -> Any:
    return html.environment().get_template("steps.html.j2").module


@lru_cache(maxsize=1)
def css() -> str:
    """Return the style sheet of what steps show."""
    return (Path(__file__).parent / "templates" / "steps.css").read_text(encoding="utf-8")
