"""CloudFront's address space behind a firewall: every prefix a block, allowed, blocked or undecidable."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from cfrunbook.firewall import answer, intervals
from cfrunbook.firewall.answer import BLOCKED, Answer
from cfrunbook.firewall.intervals import BITS, Family, Intervals
from cfrunbook.firewall.model import Verdict
from cfrunbook.text import join_names
from cfrunbook.views import style
from cfrunbook.views.drawing import SMALL, Drawing, Picture

MAX_BLOCKS = 240
"""Prefixes drawn; what is left out is counted. AWS has about 50."""
MAX_NAMED = 6
"""Prefixes named in words."""

_C = style.LIGHT
_WIDTH, _EDGE = style.FIGURE_WIDTH, 8.0
_LEFT: dict[Family, float] = {4: 92.0, 6: 166.0}
_GAP = 3.0
_ROW, _HIGH = 26.0, 18.0
_HEAD, _LEGEND = 24.0, 20.0
_KINDS: tuple[tuple[str, style.Look, tuple[Verdict, ...]], ...] = (
    ("allowed", "ok", (Verdict.ALLOWED,)),
    ("blocked", "fault", BLOCKED),
    ("undecidable", "unknown", (Verdict.UNDECIDABLE,)),
)
_NOTHING = "No rules of a firewall were given."


@dataclass(frozen=True, slots=True)
class _Block:
    """One prefix, and how many of its addresses meet each end."""

    prefix: str
    bits: int
    """Of its host part: 16 for a /16."""
    sizes: tuple[int, ...]
    """In the order of `_KINDS`."""


def address_space(told: Sequence[Answer]) -> Picture:
    """Draw each family's prefixes in rows by their first byte (IPv6: one row each); wider means more addresses."""
    laid = [(one, _rows(_blocks(one), one.question.family)) for one in told]
    height = sum(_HEAD + _ROW * len(rows) + _LEGEND * _legend_lines(one) + 8 for one, rows in laid) or 40
    drawing = Drawing(height)
    y = 0.0
    for one, rows in laid:
        y = _family(drawing, one, rows, y)
    if not laid:
        drawing.text(_EDGE, 18, _NOTHING, color=_C.muted)
    return drawing.finish("CloudFront's addresses behind the firewall", " ".join(map(_words, told)) or _NOTHING)


def _family(drawing: Drawing, one: Answer, rows: list[tuple[str, list[_Block]]], y: float) -> float:
    port, family = one.question.port, one.question.family
    title = f"IPv{family}, port {port}: CloudFront's origin-facing prefixes"
    drawing.text(_EDGE, y + 12, title, size=SMALL + 0.5, bold=True)
    y += _HEAD
    for label, blocks in rows:
        drawing.text(_EDGE, y + _HIGH / 2, label, size=SMALL, color=_C.muted, width=_LEFT[family] - _EDGE - 6)
        x = _LEFT[family]
        for block in blocks:
            _draw(drawing, block, x, y)
            x += _wide(block) + _GAP
        y += _ROW
    for name, look, verdicts in _KINDS:
        these = one.sources(*verdicts)
        if not these:
            continue
        drawing.mark(_EDGE + 8, y + 8, look, radius=7)
        named = "" if look == "ok" else f": {_named(these, family)}"
        says = f"{name}, {answer.share(these, one.universe, family)}{named}"
        drawing.text(_EDGE + 22, y + 8, says, size=SMALL, width=_WIDTH - _EDGE - 30)
        y += _LEGEND
    return y + 8


def _draw(drawing: Drawing, block: _Block, x: float, y: float) -> None:
    """Draw one prefix, divided by what becomes of its addresses."""
    total = sum(block.sizes)
    shown = [(look, size) for (_, look, _v), size in zip(_KINDS, block.sizes, strict=True) if size]
    least = 6.0
    spare = _wide(block) - least * len(shown)
    at = x
    for look, size in shown:
        wide = least + spare * size / total
        color = getattr(_C, look)
        solid = look == "fault"
        drawing.box(
            at, y, wide, _HIGH, edge=color, fill=color, alpha=1 if solid else 0.12, rounding=2, dashed=look == "unknown"
        )
        ink = _C.paper if solid else color
        drawing.text(at + wide / 2, y + _HIGH / 2, style.SYMBOLS[look], size=8, bold=True, color=ink, align="center")
        at += wide


def _wide(block: _Block) -> float:
    return 10.0 + 1.6 * min(block.bits, 20)


def _blocks(one: Answer) -> list[_Block]:
    """Return the prefixes in order of address, with what becomes of each."""
    family = one.question.family
    ends = [one.sources(*verdicts) for _, _, verdicts in _KINDS]
    blocks = []
    for prefix in intervals.to_networks(one.universe, family):
        _, pair = intervals.network(prefix)
        inside = Intervals((pair,))
        length = int(prefix.rpartition("/")[2])
        bits = BITS[family] - length if family == 4 else max(0, 56 - length)
        blocks.append(_Block(prefix, bits, tuple((inside & end).size for end in ends)))
    return blocks


def _rows(blocks: list[_Block], family: Family) -> list[tuple[str, list[_Block]]]:
    """Return labelled rows that fit the width; beyond `MAX_BLOCKS` the rest is counted."""
    rows: list[tuple[str, list[_Block]]] = []
    x = 0.0
    group = ""
    for block in blocks[:MAX_BLOCKS]:
        own = block.prefix if family == 6 else f"{ipaddress.ip_network(block.prefix)}".partition(".")[0]
        label = block.prefix if family == 6 else f"{own}.0.0.0/8"
        if own != group or x + _wide(block) > _WIDTH - _EDGE:
            rows.append((label if own != group else "", []))
            x, group = _LEFT[family], own
        rows[-1][1].append(block)
        x += _wide(block) + _GAP
    if len(blocks) > MAX_BLOCKS:
        rows.append((f"and {len(blocks) - MAX_BLOCKS} more", []))
    return rows


def _legend_lines(one: Answer) -> int:
    return sum(1 for _, _, verdicts in _KINDS if one.sources(*verdicts))


def _named(these: Intervals, family: Family) -> str:
    return join_names(list(intervals.to_networks(these, family)), MAX_NAMED)


def _words(one: Answer) -> str:
    """Return the picture of one family in words."""
    family = one.question.family
    said = []
    for name, look, verdicts in _KINDS:
        these = one.sources(*verdicts)
        if these:
            which = "" if look == "ok" else f" ({_named(these, family)})"
            said.append(f"{name} {answer.share(these, one.universe, family)}{which}")
    return f"IPv{family}, port {one.question.port}: {'; '.join(said)}."
