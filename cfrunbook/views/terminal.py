"""A diagnosis for the on-call person's terminal: the verdict first, then the path, the fix, the proof, the rest.

Nothing that an origin sent can move the cursor: every value goes through `text.visible` before the colours are
added. Sentences are wrapped to the width; commands never are, so that they can be copied.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence

from cfrunbook.findings import (
    STAGE_TITLES,
    CauseResult,
    Contradiction,
    Diagnosis,
    Finding,
    NotExamined,
    Remedy,
    StageResult,
    Step,
    Wanted,
)
from cfrunbook.text import check_parts, visible
from cfrunbook.views import outline, style
from cfrunbook.views.tables import Table

MIN_WIDTH, MAX_WIDTH = 60, 120
MAX_LINE = 1200
"""Characters shown of any one sentence."""
INDENT = "  "

_RESET, _BOLD = "\x1b[0m", "\x1b[1m"
_COLORS: Mapping[style.Look, str] = {
    "ok": "\x1b[32m",
    "warning": "\x1b[33m",
    "fault": "\x1b[31m",
    "unknown": "\x1b[35m",
    "info": "\x1b[34m",
    "none": "\x1b[2m",
}


def render(diagnosis: Diagnosis, *, color: bool, width: int) -> str:
    """Return the diagnosis as text of `width` columns (60 to 120); escape sequences only where `color` is true."""
    paper = Paper(color=color, width=width)
    first = outline.root(diagnosis)
    blocks = [verdict(diagnosis, color=color, width=width)]
    if diagnosis.stages:
        title = visible(outline.path_title(diagnosis), 80)
        lines = _path(paper, diagnosis.stages, diagnosis.verdict.code, said=first.title if first else "")
        blocks.append(paper.section("Path", lines, aside=f"to {title}" if title else ""))
    if diagnosis.changes is not None:
        from cfrunbook.views import comparison

        blocks.append(comparison.section(paper, diagnosis.changes))
    if first:
        blocks += _sections(paper, first)
    next_checks = dict.fromkeys(c for c in (diagnosis.verdict.next_check, first.next_check if first else "") if c)
    if next_checks:
        blocks.append(paper.section("Next check", [line for c in next_checks for line in _check(paper, c)]))
    if diagnosis.contradictions:
        blocks.append(paper.section("Does not go together", _contradictions(paper, diagnosis.contradictions)))
    rest = outline.others(diagnosis)
    if rest:
        lines = [line for f in rest for line in _headline(paper, f)]
        blocks.append(paper.section("Also found" if first else "Found", lines))
    if diagnosis.verdict.status == "ok" and (worth := outline.worth_mending(diagnosis.findings)):
        lines = [line for f in worth for line in _mending(paper, f)]
        blocks.append(paper.section("Worth mending", lines))
    if diagnosis.not_examined:
        blocks.append(paper.section("Not examined", _not_examined(paper, diagnosis.not_examined)))
    if first_wanted := outline.first_wanted(diagnosis):
        more = len(diagnosis.wanted) - len(first_wanted)
        aside = f"(what tells most; {more} more in the report and in --json)" if more > 0 else "(what tells most first)"
        blocks.append(paper.section("Get next", _wanted(paper, first_wanted), aside=aside))
    return "\n\n".join(blocks)


def verdict(diagnosis: Diagnosis, *, color: bool, width: int) -> str:
    """Return the verdict: its sentence, then what CloudFront answers and how sure this is; a lab is said first."""
    paper = Paper(color=color, width=width)
    value = diagnosis.verdict
    lines = []
    lab = outline.lab_of(diagnosis)
    if lab:
        lines += [paper.paint(f"LAB SCENARIO {lab}: not a real incident", "info"), ""]
    first, besides = outline.sentence_parts(value.sentence)
    lines += paper.item(value.status, first, bold=True)
    lines += paper.wrap(besides, first="  ", indent="  ") if besides else []
    label = outline.VERDICT_LABELS[value.status]
    facts = [] if value.sentence.startswith(label) else [label]
    if value.cloudfront_status:
        facts.append(f"CloudFront answers {value.cloudfront_status}")
    facts.append(f"confidence {value.confidence} ({outline.CONFIDENCE[value.confidence]})")
    vantage = outline.given(diagnosis.inputs, "vantage")
    if vantage:
        facts.append(f"seen from {vantage}")
    told = "; ".join(facts) + "."
    told_lines = paper.wrap(told[:1].upper() + told[1:], indent="  ")
    return "\n".join([*lines, *(paper.paint(line, "none") for line in told_lines)])


def path(stages: Sequence[StageResult], *, color: bool, width: int) -> str:
    """Return the edge's path in as few lines as it takes, and what happened at the broken stage."""
    return "\n".join(_path(Paper(color=color, width=width), stages))


def finding(value: Finding, *, color: bool, width: int) -> str:
    """Return one finding in full."""
    paper = Paper(color=color, width=width)
    blocks = ["\n".join(_headline(paper, value)), *_sections(paper, value)]
    if value.next_check:
        blocks.append(paper.section("Next check", _check(paper, value.next_check)))
    return "\n\n".join(blocks)


def causes(results: Sequence[CauseResult], *, color: bool, width: int) -> str:
    """Return the documented causes, each with what speaks for it, against it, and what is missing."""
    paper = Paper(color=color, width=width)
    lines = []
    for result in results:
        lines += paper.item(
            result.status, f"{outline.CAUSE_TITLES[result.cause]}: {style.word(result.status)}. {result.why}"
        )
        for label, items in (
            ("for", result.evidence_for),
            ("against", result.evidence_against),
            ("missing", result.missing),
        ):
            for item in items:
                following = f" Next: {item.next_check}" if item.next_check else ""
                said = f"{item.says} ({outline.whence(item)}){following}"
                lines += paper.wrap(said, first=f"    {label}: ", indent=" " * 6)
    return "\n".join(lines) or "No cause was judged."


def wanted(values: Sequence[Wanted], *, width: int) -> str:
    """Return the evidence that is missing, why it is wanted, and how to get it."""
    paper = Paper(color=False, width=width)
    lines = []
    for number, value in enumerate(values, 1):
        lines += paper.wrap(f"{value.what}{outline.taken_by(value)}: {value.why}", first=f"{number}. ", indent="   ")
        if value.how.text:
            lines += paper.wrap(value.how.text, first="   ", indent="   ")
        lines += ["   " + line for line in paper.command(value.how.command)]
    return "\n".join(lines) or "Nothing more is wanted."


def contradictions(values: Sequence[Contradiction], *, width: int) -> str:
    """Return what does not go together: both sides, the likely reasons and what decides."""
    return "\n".join(_contradictions(Paper(color=False, width=width), values)) or "Nothing contradicts anything else."


def not_examined(values: Sequence[NotExamined], *, width: int) -> str:
    """Return what was not looked at and why."""
    return (
        "\n".join(_not_examined(Paper(color=False, width=width), values))
        or "Nothing that could be looked at was left out."
    )


def table(value: Table, *, limit: int = 60) -> str:
    """Return a table as aligned columns, each cell cut at `limit` characters."""
    if not value.rows:
        return f"{value.title}: {value.empty}"
    rows = [value.columns, *(tuple(visible(cell, limit) for cell in row) for row in value.rows)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(value.columns))]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    more = [f"and {value.left_out} more"] if value.left_out else []
    return "\n".join([value.title, *(INDENT + line for line in [*lines, *more])])


def _mending(paper: Paper, value: Finding) -> list[str]:
    meaning = paper.wrap(value.meaning, first="  ", indent="  ") if value.meaning else []
    return [*paper.item(value.status, value.title), *meaning, *_remedy(paper, value.remedy)]


def _sections(paper: Paper, value: Finding) -> list[str]:
    blocks = []
    if value.meaning:
        blocks.append(paper.section("What it means", paper.wrap(value.meaning)))
    if value.evidence:
        lines = [line for e in value.evidence for line in paper.wrap(e.says, first=f"{visible(e.observation, 60)}: ")]
        blocks.append(paper.section("Evidence", lines))
    if value.reproduce:
        blocks.append(paper.section("See it yourself", paper.command(value.reproduce)))
    if value.remedy.steps:
        one_of = value.remedy.kind == "one_of" and len(value.remedy.steps) > 1
        blocks.append(
            paper.section("What to do", _remedy(paper, value.remedy), aside="(any one of these)" if one_of else "")
        )
    if value.verify.text or value.verify.command:
        blocks.append(paper.section("Verify the fix", _step(paper, value.verify)))
    if value.source:
        page = outline.page_beside(value)
        about = [f"About {value.cloudfront_status}:", page] if page else []
        blocks.append(paper.section("Source", [visible(value.source, 500), *about]))
    return blocks


def _headline(paper: Paper, value: Finding) -> list[str]:
    tail = f" [{value.code}{', ' + value.target if value.target else ''}]"
    return paper.item(value.status, value.title + tail)


def _remedy(paper: Paper, remedy: Remedy) -> list[str]:
    if len(remedy.steps) == 1:
        return _step(paper, remedy.steps[0])
    lines: list[str] = []
    for number, step in enumerate(remedy.steps, 1):
        bullet = "- " if remedy.kind == "one_of" else f"{number}. "
        lines += _step(paper, step, first=bullet, indent=" " * len(bullet))
    return lines


def _check(paper: Paper, text: str) -> list[str]:
    said, command = check_parts(text)
    return _step(paper, Step(text=said, command=command))


def _step(paper: Paper, step: Step, first: str = "", indent: str = "") -> list[str]:
    text = paper.wrap(step.text, first=first, indent=indent) if step.text else []
    return text + [indent + line for line in paper.command(step.command)]


def _not_examined(paper: Paper, values: Sequence[NotExamined]) -> list[str]:
    lines = []
    for value in values:
        lines += paper.item("not_examined", f"{value.what}: {value.why}")
        if value.next_check:
            lines += paper.wrap(f"Next: {value.next_check}", first="  ", indent="  ")
    return lines


def _wanted(paper: Paper, values: Sequence[Wanted]) -> list[str]:
    """Return a line for each, and the first lines of how."""
    lines = []
    for value in values:
        lines += paper.wrap(f"{value.what}{outline.taken_by(value)}: {value.why}", first="- ", indent="  ")
        commands = [line for line in value.how.command.split("\n") if line and not line.startswith("#")]
        if commands:
            lines += [INDENT + line for line in paper.command("\n".join(commands[:2]))]
        elif value.how.text:
            lines += paper.wrap(value.how.text, first="    ", indent="    ")
    return lines


def _contradictions(paper: Paper, values: Sequence[Contradiction]) -> list[str]:
    lines = []
    for value in values:
        lines += paper.item("warning", value.sentence)
        for side in value.sides:
            lines += paper.wrap(f"{outline.dated(side)}: {side.says}", first="  | ", indent="    ")
        lines += [line for reason in value.reasons for line in paper.wrap(reason, first="  Why? ", indent="    ")]
        lines += paper.wrap(f"Next: {value.next_check}", first="  ", indent="  ")
    return lines


def _path(paper: Paper, stages: Sequence[StageResult], code: str | None = None, said: str = "") -> list[str]:
    """Return the stages, and what happened at the one to point at unless it was `said` already."""
    lines, line, length = [], "", 0
    for stage in stages:
        plain = f"{style.symbol(stage.status)} {STAGE_TITLES[stage.stage]}"
        pointed = stage.status in ("fault", "unknown", "warning")
        shown = f"{paper.mark(stage.status)} " + paper.paint(
            STAGE_TITLES[stage.stage], style.look(stage.status) if pointed else "none" if plain[0] == "–" else None
        )
        if length and length + 3 + len(plain) > paper.width:
            lines.append(line + paper.paint(" ›", "none"))
            line, length = "", 0
        line += (paper.paint(" › ", "none") if length else "") + shown
        length += len(plain) + (3 if length else 0)
    lines.append(line)
    at = outline.broken(stages, code)
    if at and at.sentence != said:
        lines += paper.wrap(f"{STAGE_TITLES[at.stage]}: {at.sentence}", first="  → ", indent="    ")
    return lines


class Paper:
    """Where lines are laid out: a width, and colours or none."""

    def __init__(self, *, color: bool, width: int) -> None:
        self.color = color
        self.full = max(MIN_WIDTH, min(MAX_WIDTH, width))
        self.width = self.full - len(INDENT)

    def paint(self, text: str, look: style.Look | None) -> str:
        """Return `text`, made visible, in the colour of `look`."""
        shown = visible(text, MAX_LINE)
        return f"{_COLORS[look]}{shown}{_RESET}" if self.color and look else shown

    def mark(self, status: str) -> str:
        """Return the symbol of `status` in its colour."""
        return self.paint(style.symbol(status), style.look(status))

    def section(self, title: str, lines: Iterable[str], *, aside: str = "") -> str:
        """Return `lines` indented below `title`, which `aside` follows as it is."""
        head = (f"{_BOLD}{title}{_RESET}" if self.color else title.upper()) + (f" {aside}" if aside else "")
        return "\n".join([head, *(INDENT + line for line in lines)])

    def wrap(self, text: str, *, first: str = "", indent: str = "") -> list[str]:
        """Return `text`, made visible, in lines that fit; `first` starts the first one, `indent` the others."""
        return textwrap.wrap(
            visible(text, MAX_LINE),
            self.width,
            initial_indent=first or indent,
            subsequent_indent=indent or " " * min(len(first), 4),
            break_on_hyphens=False,
        ) or [first]

    def item(self, status: str, text: str, *, bold: bool = False) -> list[str]:
        """Return `text` as a list item that starts with the mark of `status`."""
        first, *rest = self.wrap(text, first=f"{style.symbol(status)} ", indent="  ")
        lines = [first[1:], *rest]
        if bold and self.color:
            lines = [f"{_BOLD}{line}{_RESET}" for line in lines]
        return [self.mark(status) + lines[0], *lines[1:]]

    def command(self, command: str) -> list[str]:
        """Return `command` unwrapped and without a prompt, ready to copy."""
        if not command:
            return []
        return [INDENT + line for line in outline.multiline(command).split("\n")]
