"""What the report page shows where: one section per cause, commands by purpose, and the facts of the first screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from cfrunbook.evidence import Observations
from cfrunbook.findings import Cause, CauseResult, Diagnosis, Finding, Statement
from cfrunbook.views import outline, style

_ORDER = ("fault", "warning", "unknown", "info", "ok", "not_examined")


@dataclass(frozen=True, slots=True)
class Placed:
    """A finding, and the ids that lead to it."""

    finding: Finding
    anchor: outline.Anchor
    opened: bool
    """Whether it is the root cause, and shown in full at once."""
    says: str = ""
    """What it says about its cause, and whose word it is."""


@dataclass(frozen=True, slots=True)
class CauseSection:
    """One cause: what speaks for it, against it, what is missing, and its findings."""

    cause: Cause
    status: str
    why: str
    evidence: tuple[tuple[str, tuple[Statement, ...]], ...]
    """`For`, `Against` and `Missing`, each where there is some that no finding says."""
    findings: tuple[Placed, ...]

    @property
    def id(self) -> str:
        """The id of the section on the page."""
        return f"cause-{self.cause}"

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing behind its line in the overview."""
        return not self.evidence and not self.findings


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of the first screen, and the part of the page that says more."""

    label: str
    value: str
    href: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class CommandGroup:
    """Commands of one purpose, each with whose it is."""

    title: str
    commands: tuple[tuple[str, str], ...]


def causes(diagnosis: Diagnosis) -> tuple[CauseSection, ...]:
    """Return a section for each cause that is documented or has a finding, the root cause first, then the worst."""
    first = outline.root(diagnosis)
    placed: dict[Cause, list[Placed]] = {}
    for finding, anchor in zip(diagnosis.findings, outline.anchors(diagnosis.findings), strict=True):
        placed.setdefault(finding.cause, []).append(Placed(finding, anchor, finding is first))
    known = {result.cause: result for result in diagnosis.causes}
    found = [
        _section(cause, known.get(cause), placed.get(cause, []), outline.given(diagnosis.inputs, "vantage"))
        for cause in Cause
        if cause in known or cause in placed
    ]
    return tuple(sorted(found, key=lambda s: (not (first and s.cause is first.cause), _ORDER.index(s.status))))


def _section(cause: Cause, result: CauseResult | None, findings: Sequence[Placed], here: str) -> CauseSection:
    if result is None:
        worst = min((p.finding.status.value for p in findings), key=_ORDER.index)
        return CauseSection(cause, worst, "", (), tuple(findings))
    placed = {p.finding.title: p for p in reversed(findings)}
    evidence = []
    for title, says, items in (
        ("For", "for", result.evidence_for),
        ("Against", "against", result.evidence_against),
        ("Missing", "open", result.missing),
    ):
        for item in items:
            if (found := placed.get(item.says)) is not None:
                whose = outline.whence(item).replace(f" from {here}", "") if here else outline.whence(item)
                placed[item.says] = replace(found, says=f"{says}: {whose}")
        if rest := tuple(item for item in items if item.says not in placed):
            evidence.append((title, rest))
    why = "" if placed else result.why
    shown = tuple(placed[p.finding.title] if placed[p.finding.title].anchor is p.anchor else p for p in findings)
    return CauseSection(cause, result.status, why, tuple(evidence), shown)


def glance(diagnosis: Diagnosis, seen: Observations | None, say: Callable[[str], str] = str) -> tuple[Fact, ...]:
    """Return what a person asks next after the verdict: which URL, since when and how often, what was looked at.

    `say` is what becomes of each value.
    """
    return tuple(Fact(fact.label, say(fact.value), fact.href, fact.link) for fact in _glance(diagnosis, seen))


def _glance(diagnosis: Diagnosis, seen: Observations | None) -> Iterator[Fact]:
    if url := outline.given(diagnosis.inputs, "url"):
        yield Fact("Failing URL", url)
    if seen is not None and seen.inputs.logs is not None:
        yield Fact("Logged", outline.logged(seen.inputs.logs), "#access-logs", "Access logs")
    if diagnosis.stages:
        looked = [s for s in diagnosis.stages if s.status not in ("not_examined", "not_reached", "not_applicable")]
        value = f"{len(looked)} of {len(diagnosis.stages)} stages of the request"
        if seen is not None and seen.vantage:
            value += f", from {outline.short(seen.vantage)}"
        left = len(diagnosis.not_examined)
        yield Fact("Looked at", value, "#not-examined" if left else "", "What was not, and why" if left else "")


def commands(diagnosis: Diagnosis) -> tuple[CommandGroup, ...]:
    """Return every different command once, under the first purpose that it serves, in the order of an incident."""
    seen: set[str] = set()
    groups = (
        ("See it yourself", [(f.code, f.reproduce) for f in diagnosis.findings]),
        ("What to do", [(f.code, s.command) for f in diagnosis.findings for s in f.remedy.steps]),
        ("Verify the fix", [(f.code, f.verify.command) for f in diagnosis.findings]),
        ("Get more evidence", [(w.what, w.how.command) for w in diagnosis.wanted]),
    )
    shown = (CommandGroup(title, tuple(_once(listed, seen))) for title, listed in groups)
    return tuple(group for group in shown if group.commands)


def _once(listed: Sequence[tuple[str, str]], seen: set[str]) -> Iterator[tuple[str, str]]:
    for whose, command in listed:
        if command and command not in seen:
            seen.add(command)
            yield whose, command


def versions(diagnosis: Diagnosis) -> tuple[tuple[str, str], ...]:
    """Return what took part in the diagnosis, each with its version."""
    return tuple(sorted(diagnosis.versions.items()))


def page_title(diagnosis: Diagnosis, title: str) -> str:
    """Return what a browser's tab and a printed page are headed by: the incident and how it stands."""
    name = outline.given(diagnosis.inputs, "name")
    code = diagnosis.verdict.code or style.word(diagnosis.verdict.status)
    return " · ".join(part for part in (name, code, title) if part)
