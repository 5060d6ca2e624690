"""A diagnosis for the ticket: Markdown that GitHub and Jira render alike, in which hostile strings stay text.

https://github.github.com/gfm/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from cfrunbook.evidence import Observations
from cfrunbook.findings import STAGE_TITLES, CauseResult, Diagnosis, Finding, NotExamined, StageResult, Step, Wanted
from cfrunbook.text import visible
from cfrunbook.views import outline, style

MAX_LINE = 1000
"""Characters shown of any one value."""

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
    blocks.append(f"## {_icon(value.status)} {text(value.sentence)}")
    blocks.append(_facts(diagnosis, observations))
    if diagnosis.stages:
        blocks.append(_path(diagnosis.stages, diagnosis.verdict.code))
    if first:
        blocks += _finding(first)
    if value.next_check:
        blocks.append(f"### Next check\n\n{text(value.next_check)}")
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


def _path(stages: Sequence[StageResult], root: str | None) -> str:
    line = " → ".join(
        f"{_icon(s.status)} {'**' + STAGE_TITLES[s.stage] + '**' if s.status == 'fault' else STAGE_TITLES[s.stage]}"
        for s in stages
    )
    at = outline.broken(stages, root)
    return line + (f"\n\n**{STAGE_TITLES[at.stage]}:** {text(at.sentence)}" if at else "")


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
        blocks.append(f"Source: {text(value.source)}" if not _plain_url(value.source) else f"Source: <{value.source}>")
    return blocks


def _step(step: Step) -> str:
    return "\n\n".join(part for part in (text(step.text), block(step.command) if step.command else "") if part)


def _indented(body: str, bullet: str) -> str:
    first, *rest = body.split("\n")
    return "\n".join([bullet + first, *(" " * len(bullet) + line if line else "" for line in rest)])


def _headline(value: Finding) -> str:
    return f"{_icon(value.status)} {text(value.title)} {code(value.code)}"


def _unseen(value: NotExamined) -> str:
    following = f"<br>Next: {text(value.next_check)}" if value.next_check else ""
    return f"**{text(value.what)}**: {text(value.why)}{following}"


def _wanted(value: Wanted) -> str:
    head = f"**{text(value.what)}**{text(outline.taken_by(value))}: {text(value.why)}"
    how = "\n\n".join(part for part in (text(value.how.text), block(value.how.command, "sh")) if part)
    return f"{head}\n\n{how if value.how.command else text(value.how.text)}"


def _causes(results: Sequence[CauseResult]) -> str:
    rows = ["| Cause | Answer | For | Against | Missing |", "|---|---|---|---|---|"]
    for r in results:
        cells = [outline.CAUSE_TITLES[r.cause], f"{_icon(r.status)} {style.word(r.status)}"]
        judged = (r.evidence_for, r.evidence_against, r.missing)
        cells += ["<br>".join(text(item) for item in items) for items in judged]
        if not any(judged):
            cells[1] += f": {text(r.why)}"
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _bullets(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _plain_url(url: str) -> bool:
    return re.fullmatch(r"https://[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]{1,500}", url) is not None
