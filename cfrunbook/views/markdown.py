"""A diagnosis for the ticket: Markdown that GitHub and Jira render alike, in which hostile strings stay text.

https://github.github.com/gfm/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from cfrunbook.evidence import Observations
from cfrunbook.findings import (
    STAGE_TITLES,
    CauseResult,
    Comparison,
    Contradiction,
    Diagnosis,
    Finding,
    NotExamined,
    StageResult,
    Statement,
    Step,
    Wanted,
)
from cfrunbook.text import check_parts, visible
from cfrunbook.views import comparison as changed
from cfrunbook.views import outline, style

MAX_LINE = 1000
"""Characters shown of any one value."""
MAX_CHANGES = 40
"""Differences of a configuration in the table; a ticket need not hold all."""

_ICONS = {"ok": "✅", "warning": "⚠️", "fault": "❌", "unknown": "❔", "info": "ℹ️", "none": "➖"}
_BREAK = (
    "\u200b"  # zero-width space: GitHub looks for mentions and references in the rendered text, where escapes are gone
)


def summary(diagnosis: Diagnosis, observations: Observations | None = None) -> str:
    """Return the diagnosis as Markdown: verdict, path, evidence, fix, verification, causes, what was not examined."""
    value = diagnosis.verdict
    lab = (observations.inputs.lab if observations else "") or outline.lab_of(diagnosis)
    first = outline.root(diagnosis)
    blocks = []
    if lab:
        blocks.append(f"**LAB SCENARIO** {code(lab)}: not a real incident.")
    sentence, besides = outline.sentence_parts(value.sentence)
    blocks.append(f"## {_icon(value.status)} {text(sentence)}")
    if besides:
        blocks.append(text(besides))
    blocks.append(_facts(diagnosis, observations))
    if diagnosis.stages:
        blocks.append(_path(diagnosis.stages, diagnosis.verdict.code, said=first.title if first else ""))
    if diagnosis.changes is not None:
        blocks.append("### What changed\n\n" + _comparison(diagnosis.changes))
    if first:
        blocks += _finding(first)
    if value.next_check:
        said, command = check_parts(value.next_check)
        blocks.append(f"### Next check\n\n{_step(Step(text=said, command=command))}")
    if diagnosis.contradictions:
        blocks.append("### Does not go together\n\n" + "\n".join(map(_contradiction, diagnosis.contradictions)))
    if diagnosis.causes:
        blocks.append("### Causes\n\n" + _causes(diagnosis.causes))
    rest = outline.others(diagnosis)
    if rest:
        blocks.append(f"### {'Also found' if first else 'Found'}\n\n" + _bullets(_headline(f) for f in rest))
    if diagnosis.not_examined:
        blocks.append("### Not examined\n\n" + _bullets(_unseen(n) for n in diagnosis.not_examined))
    if diagnosis.wanted:
        items = (_indented(_wanted(w), f"{number}. ") for number, w in enumerate(diagnosis.wanted, 1))
        blocks.append("### Evidence to get next\n\n" + "\n".join(items))
    return "\n\n".join(blocks) + "\n"


def text(value: object) -> str:
    """Return `value` as one line in which no markup, link, mention, reference or HTML takes effect."""
    shown = visible(value, MAX_LINE)
    shown = shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    shown = re.sub(r"([\\`*_\[\]{}|~!])", r"\\\1", shown)
    shown = re.sub(r"(?i)\b(www)\.", r"\1\\.", shown).replace("://", "\\://")
    return re.sub(r"([@#])(?=\w)", rf"\1{_BREAK}", shown)


def prose(value: str) -> str:
    """Return `value` as one line of text in which what stands between backticks, or is a command, is code."""
    said, command = check_parts(visible(value, MAX_LINE))
    parts = re.split(r"`([^`]+)`", said)
    shown = "".join(code(part) if i % 2 else text(part) for i, part in enumerate(parts))
    return f"{shown} {code(command)}" if command else shown


def code(value: object) -> str:
    """Return `value` as a code span whose fence is longer than any run of backticks inside."""
    shown = visible(value, MAX_LINE) or " "
    fence = "`" * (_longest_run(shown) + 1)
    pad = " " if shown.strip() and (shown[0] in "` " or shown[-1] in "` ") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def block(value: str, language: str = "") -> str:
    """Return `value` as a fenced code block whose fence is longer than any run of backticks inside."""
    shown = outline.multiline(value)
    fence = "`" * max(3, _longest_run(shown) + 1)
    return f"{fence}{language}\n{shown}\n{fence}"


def _longest_run(value: str) -> int:
    return max((len(run) for run in re.findall("`+", value)), default=0)


def _icon(status: str) -> str:
    return _ICONS[style.look(status)]


def _facts(diagnosis: Diagnosis, observations: Observations | None) -> str:
    value = diagnosis.verdict
    facts = [f"**{outline.VERDICT_LABELS[value.status]}**"]
    if value.cloudfront_status:
        facts.append(f"CloudFront answers **{value.cloudfront_status}**")
    if value.cause:
        facts.append(f"cause {outline.CAUSE_TITLES[value.cause]}" + (f" ({code(value.code)})" if value.code else ""))
    if value.target:
        facts.append(f"origin {code(value.target)}")
    facts.append(f"confidence {value.confidence} ({outline.CONFIDENCE[value.confidence]})")
    if observations:
        facts.append(f"seen from {text(observations.vantage)} at {outline.moment(observations.recorded_at)}")
    return " · ".join(facts)


def _path(stages: Sequence[StageResult], root: str | None, said: str) -> str:
    """Return the stages, and what happened at the one to point at unless it was `said` already."""
    line = " → ".join(
        f"{_icon(s.status)} {'**' + STAGE_TITLES[s.stage] + '**' if s.status == 'fault' else STAGE_TITLES[s.stage]}"
        for s in stages
    )
    at = outline.broken(stages, root)
    return line + (f"\n\n**{STAGE_TITLES[at.stage]}:** {text(at.sentence)}" if at and at.sentence != said else "")


def _finding(value: Finding) -> list[str]:
    blocks = [text(value.meaning)] if value.meaning else []
    if value.evidence:
        lines = _bullets(f"{code(e.observation)} {text(e.says)}" for e in value.evidence)
        blocks.append("### Evidence\n\n" + lines)
    if value.reproduce:
        blocks.append("See it yourself:\n\n" + block(value.reproduce, "sh"))
    if value.remedy.steps:
        one_of = value.remedy.kind == "one_of" and len(value.remedy.steps) > 1
        steps = value.remedy.steps
        body = (
            _step(steps[0])
            if len(steps) == 1
            else "\n".join(_indented(_step(s), "- " if one_of else f"{n}. ") for n, s in enumerate(steps, 1))
        )
        blocks.append(f"### What to do{' (any one of these)' if one_of else ''}\n\n{body}")
    if value.verify.text or value.verify.command:
        blocks.append("### Verify the fix\n\n" + _step(value.verify))
    if value.source:
        page = outline.page_beside(value)
        shown = f"<{value.source}>" if _plain_url(value.source) else text(value.source)
        blocks.append(f"Source: {shown}" + (f" · about {value.cloudfront_status}: <{page}>" if page else ""))
    return blocks


def _step(step: Step) -> str:
    return "\n\n".join(part for part in (prose(step.text), block(step.command) if step.command else "") if part)


def _indented(body: str, bullet: str) -> str:
    first, *rest = body.split("\n")
    return "\n".join([bullet + first, *(" " * len(bullet) + line if line else "" for line in rest)])


def _headline(value: Finding) -> str:
    return f"{_icon(value.status)} {text(value.title)} {code(value.code)}"


def _unseen(value: NotExamined) -> str:
    following = f"<br>Next: {prose(value.next_check)}" if value.next_check else ""
    return f"**{text(value.what)}**: {text(value.why)}{following}"


def _wanted(value: Wanted) -> str:
    head = f"**{text(value.what)}**{text(outline.taken_by(value))}: {text(value.why)}"
    how = "\n\n".join(part for part in (prose(value.how.text), block(value.how.command, "sh")) if part)
    return f"{head}\n\n{how if value.how.command else prose(value.how.text)}"


def _causes(results: Sequence[CauseResult]) -> str:
    rows = ["| Cause | Answer | For | Against | Missing |", "|---|---|---|---|---|"]
    for r in results:
        cells = [outline.CAUSE_TITLES[r.cause], f"{_icon(r.status)} {style.word(r.status)}"]
        judged = (r.evidence_for, r.evidence_against, r.missing)
        cells += ["<br>".join(map(_statement, items)) for items in judged]
        if not any(judged):
            cells[1] += f": {text(r.why)}"
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _comparison(value: Comparison) -> str:
    lines = [text(value.explanation)] if value.explanation else []
    lines.append(f"Since {text(value.before)}: {text(value.sentence)}")
    if value.changes:
        rows = ["| Can lead to | Where | Before | After |", "|---|---|---|---|"]
        rows += [
            f"| {text(changed.effect(c))} | {_cell(c.where)} | {_cell(c.before)} | {_cell(c.after)} |"
            for c in value.changes[:MAX_CHANGES]
        ]
        lines.append("\n".join(rows))
    left = value.left_out + max(0, len(value.changes) - MAX_CHANGES)
    lines += [f"and {left} more."] if left else []
    told = [f"{text(s.target or 'given')}: {text(s.what)}: {text(s.before)} → {text(s.after)}" for s in value.seen]
    told += [f"{changed.KINDS[f.kind]}: {_icon(f.status)} {text(f.title)} {code(f.code)}" for f in value.findings]
    told += [text(note) for note in value.notes]
    return "\n\n".join([*lines, *([_bullets(told)] if told else [])])


def _cell(value: str) -> str:
    """Return a value as code within a table, where a pipe would begin the next cell."""
    return code(value.replace("|", "¦"))


def _statement(value: Statement) -> str:
    # A bar in code would end the cell of the table: https://github.github.com/gfm/#example-200
    following = " Next: " + re.sub(r"(?<!\\)\|", r"\|", prose(value.next_check)) if value.next_check else ""
    return f"{text(value.says)} ({text(outline.whence(value))}){following}"


def _contradiction(value: Contradiction) -> str:
    lines = [f"- {_icon('warning')} **{text(value.sentence)}**"]
    lines += [f"  - {text(outline.dated(side))}: {text(side.says)}" for side in value.sides]
    lines += [f"  - Why? {text(reason)}" for reason in value.reasons]
    return "\n".join([*lines, f"  - Next: {prose(value.next_check)}"])


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _plain_url(url: str) -> bool:
    return re.fullmatch(r"https://[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]{1,500}", url) is not None
