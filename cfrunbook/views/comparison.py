"""What changed, to look at: the weightiest first, for terminal and tables. Selection and words only, no judging."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from cfrunbook.comparison import phrase
from cfrunbook.findings import WEIGHTS, Change, Comparison, FindingChange, Weight
from cfrunbook.text import visible
from cfrunbook.views import outline, style
from cfrunbook.views.tables import Table
from cfrunbook.views.terminal import Paper

MAX_IN_DIAGNOSIS = 6
"""Changes that a diagnosis in the terminal shows; `cfrunbook compare` shows all."""

LOOKS: Mapping[Weight, style.Look] = {Weight.CAN_502: "warning", Weight.NEIGHBOUR: "info", Weight.OTHER: "none"}
TITLES: Mapping[Weight, str] = {
    Weight.CAN_502: "Can cause a 502",
    Weight.NEIGHBOUR: "Can cause another error",
    Weight.OTHER: "Other differences",
}
KINDS: Mapping[str, str] = {"gone": "gone", "new": "new", "kept": "still there"}
LABELS: Mapping[str, str] = {
    "fixed": "Fixed",
    "broken": "Broken",
    "changed": "Changed",
    "same": "Same",
    "unknown": "Cannot tell",
}
_OUTCOMES: Mapping[str, style.Look] = {"fixed": "ok", "broken": "fault", "same": "ok", "unknown": "unknown"}


def outcome_look(value: Comparison) -> style.Look:
    """Return how the outcome looks: a change that can cause a 502 is a warning, no fault by itself."""
    if value.can_502 and value.outcome != "broken":
        return "warning"
    return _OUTCOMES.get(value.outcome, "info")


def effect(change: Change) -> str:
    """Return what a change can lead to, in a few words: `502: TLS protocol or cipher`."""
    if change.weight is Weight.OTHER:
        return "no error known"
    statuses = " or ".join(str(s) for s in change.statuses) or "an error"
    causes = ", ".join(outline.CAUSE_TITLES[c] for c in change.causes[:3])
    more = f" and {len(change.causes) - 3} more" if len(change.causes) > 3 else ""
    return f"{statuses}: {causes}{more}" if causes else statuses


def aside(change: Change) -> str:
    """Return what is to be known beside: how it was changed, and whether the URL's requests meet it."""
    said: list[str] = [change.kind] if change.kind != "changed" else []
    said += ["not met by requests for the URL"] if change.on_path is False else []
    return "; ".join(said)


def changes(value: Comparison) -> Table:
    """Return the differences of the configuration as a table."""
    return Table(
        title="Differences of the configuration",
        columns=("Can lead to", "Where", "Before", "After", "Why"),
        rows=tuple(
            (effect(c), c.where + (f" ({aside(c)})" if aside(c) else ""), c.before, c.after, c.why)
            for c in value.changes
        ),
        monospace=frozenset({1, 2, 3}),
        wide=frozenset({1, 4}),
        empty="The configurations do not differ.",
        left_out=value.left_out,
    )


def seen(value: Comparison) -> Table:
    """Return what was seen differently as a table."""
    return Table(
        title="Seen differently",
        columns=("Of", "What", "Before", "After"),
        rows=tuple((s.target or "what was given", s.what, s.before, s.after) for s in value.seen),
        monospace=frozenset({0}),
        wide=frozenset({2, 3}),
        empty="Nothing was seen differently.",
    )


def found(value: Comparison) -> Table:
    """Return the findings that are new, gone and kept as a table."""
    return Table(
        title="Findings",
        columns=("Now", "Status", "Finding", "Code"),
        rows=tuple((KINDS[f.kind], style.word(f.status), f.title, f.code) for f in value.findings),
        monospace=frozenset({3}),
        wide=frozenset({2}),
        empty="Nothing was wrong, then or now.",
    )


def tables(value: Comparison) -> tuple[Table, ...]:
    """Return the tables that have something in them."""
    return tuple(table for table in (changes(value), seen(value), found(value)) if table.rows)


# --- terminal -------------------------------------------------------------------------------------------------------


def render(value: Comparison, *, color: bool, width: int) -> str:
    """Return a comparison as text of `width` columns: its sentence, then all that differs, the weightiest first."""
    paper = Paper(color=color, width=width)
    head = paper.item(outcome_look(value), value.sentence, bold=True)
    head += [
        paper.paint(line, "none") for line in paper.wrap(f"Before: {value.before}. After: {value.after}.", first="  ")
    ]
    blocks = ["\n".join(head)]
    for weight in WEIGHTS:
        mine = [c for c in value.changes if c.weight is weight]
        if mine:
            blocks.append(paper.section(TITLES[weight], _changes(paper, mine)))
    if value.left_out:
        blocks.append(f"And {value.left_out} more differences, none weightier than these.")
    blocks += [paper.section(title, lines) for title, lines in _observed(paper, value) if lines]
    if value.notes:
        blocks.append(paper.section("Note", [line for note in value.notes for line in paper.item("info", note)]))
    return "\n\n".join(blocks)


def section(paper: Paper, value: Comparison) -> str:
    """Return what changed as a section of a diagnosis: the explanation of the root cause, then the weightiest."""
    lines = paper.item("info", value.explanation) if value.explanation else []
    lines += paper.wrap(value.sentence) if not value.explanation or value.findings else []
    others = [c for c in value.changes if phrase(c)[1:] not in value.explanation]
    dangerous = [c for c in others if c.weight is not Weight.OTHER][:MAX_IN_DIAGNOSIS]
    lines += list(_changes(paper, dangerous, brief=True))
    rest = len(others) + value.left_out - len(dangerous)
    if rest:
        lines += paper.wrap(f"and {rest} more {'difference' if rest == 1 else 'differences'}: see `cfrunbook compare`")
    for title, more in _observed(paper, value):
        if more:
            lines += [f"{title}:", *more[: 3 * MAX_IN_DIAGNOSIS]]
    lines += [line for note in value.notes for line in paper.item("info", note)]
    return paper.section("What changed", lines, aside=f"since {visible(value.before, 80)}")


def _changes(paper: Paper, values: Sequence[Change], *, brief: bool = False) -> Iterator[str]:
    for change in values:
        beside = f" ({aside(change)})" if aside(change) else ""
        yield from paper.item(LOOKS[change.weight], change.where + beside)
        if change.before != change.after:
            yield from paper.wrap(f"{change.before} → {change.after}", first="    ", indent="      ")
        if not brief:
            yield from paper.wrap(f"{effect(change)}. {change.why}", first="    ", indent="    ")
            if change.weight is not Weight.OTHER:
                yield "    " + paper.paint(change.source, "none")


def _observed(paper: Paper, value: Comparison) -> Iterator[tuple[str, list[str]]]:
    lines = []
    for s in value.seen:
        lines += paper.item("info", f"{s.target}: {s.what}" if s.target else s.what)
        lines += paper.wrap(f"{s.before} → {s.after}", first="    ", indent="      ")
    yield "Seen differently", lines
    yield "Findings", [line for f in value.findings for line in paper.item(_finding_look(f), _finding(f))]


def _finding(value: FindingChange) -> str:
    return f"{KINDS[value.kind]}: {value.title} [{value.code}]"


def _finding_look(value: FindingChange) -> str:
    return "ok" if value.kind == "gone" else value.status
