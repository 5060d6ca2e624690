"""Which certificate an origin shows to which hello: a grid of server names and versions, a letter for each leaf."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from string import ascii_uppercase

from cfrunbook.causes.leaf_grid import Cell, Grid, Leaf
from cfrunbook.causes.leaves import CLOUDFRONTS
from cfrunbook.cloudfront.origin_tls import version_name
from cfrunbook.findings import Status
from cfrunbook.text import join_names, visible
from cfrunbook.views import style
from cfrunbook.views.drawing import SMALL, TEXT, Drawing, Picture, text_width, wrapped

_C = style.LIGHT
_WIDTH, _EDGE = style.FIGURE_WIDTH, 8.0
_NAMES, _HEAD, _ROW, _LINE = 196.0, 62.0, 28.0, 19.0
_MOST = 104.0
"""Pixels that a column has at most."""
MAX_NAMES, MAX_SHOWN = 13, 8
"""Server names and leaves drawn; what is left out is counted."""


def served(grid: Grid, *, place: str = "", note: str = "") -> Picture:
    """Draw which certificate comes for which server name and version, and which of them CloudFront gets.

    `place` says of whom this is, and `note` how it is with others, in a clause.
    """
    names, leaves = grid.names[:MAX_NAMES], grid.leaves[:MAX_SHOWN]
    bottom = _HEAD + _ROW * len(names)
    lines = [line for number, leaf in enumerate(leaves) for line in _told(number, leaf)]
    counts = ((len(grid.names), MAX_NAMES, "server names"), (len(grid.leaves), MAX_SHOWN, "certificates"))
    left_out = [f"and {number - most} more {what}, not drawn" for number, most, what in counts if number > most]
    height = bottom + 22 + _LINE * (len(lines) + len(left_out)) + 24
    drawing = Drawing(height)
    shown = f"{place or grid.place[0]}{f' ({note})' if note else ''}"
    drawing.text(_EDGE, 12, shown, size=SMALL + 0.5, bold=True, width=_WIDTH - 2 * _EDGE)
    pitch = min(_MOST, (_WIDTH - 2 * _EDGE - _NAMES) / max(1, len(grid.ways)))
    _head(drawing, grid, pitch, bottom)
    for number, sni in enumerate(names):
        _row(drawing, grid, sni, _HEAD + _ROW * (number + 0.5), pitch)
    y = bottom + 20
    for letter, status, line in lines:
        if letter:
            _badge(drawing, _EDGE + 9, y, letter, status)
        drawing.text(
            _EDGE + 26,
            y,
            line,
            size=SMALL,
            bold=bool(letter),
            width=_WIDTH - 2 * _EDGE - 26,
            color=_C.ink if letter else getattr(_C, style.look(status or "")),
        )
        y += _LINE
    for line in left_out:
        drawing.text(_EDGE, y, line, size=SMALL, color=_C.muted)
        y += _LINE
    _legend(drawing, height - 12)
    of_leaves = (f"{letter}: {line}." if letter else f"{line}." for letter, _, line in lines)
    told = [f"{shown}.", *_words(grid), *(f"{line}." for line in left_out), *of_leaves]
    return drawing.finish("Which certificate each hello gets", " ".join(told), _meaning(grid))


def _head(drawing: Drawing, grid: Grid, pitch: float, bottom: float) -> None:
    for column, way in enumerate(grid.ways):
        left = _EDGE + _NAMES + pitch * column
        middle = left + pitch / 2
        if way == CLOUDFRONTS:
            frame = _HEAD + _ROW * len(grid.sent)
            drawing.box(left + 3, 24, pitch - 6, min(frame, bottom) - 26, edge=_C.info, fill=_C.info, alpha=0.05)
            above, below = "CloudFront", "its own hello"
        else:
            above, below = version_name(way.version), f"{way.kind} only" if way.kind else "alone"
        drawing.text(middle, 35, above, bold=way == CLOUDFRONTS, align="center", size=SMALL + 0.5, width=pitch - 4)
        drawing.text(middle, 50, below, size=SMALL - 0.5, color=_C.muted, align="center", width=pitch - 4)
    drawing.text(_EDGE, 50, "Server name (SNI)", size=SMALL, color=_C.muted)


def _row(drawing: Drawing, grid: Grid, sni: str | None, y: float, pitch: float) -> None:
    left, is_sent = _EDGE + _NAMES, sni in grid.sent
    below = y + _ROW / 2
    drawing.line([(_EDGE, below), (left + pitch * len(grid.ways), below)], color=_C.line, width=0.6)
    color = _C.ink if is_sent else _C.muted
    drawing.text(_EDGE, y, sni or "no server name", size=SMALL, bold=is_sent, width=_NAMES - 8, color=color)
    for column, way in enumerate(grid.ways):
        cell, is_own = grid.cells.get((sni, way)), is_sent and way == CLOUDFRONTS
        _cell(drawing, left + pitch * (column + 0.5), y, cell, grid.leaves, is_sent=is_sent, is_own=is_own)


def _cell(
    drawing: Drawing, x: float, y: float, cell: Cell | None, leaves: Sequence[Leaf], *, is_sent: bool, is_own: bool
) -> None:
    """Draw what came; `is_own`: for CloudFront's own hello, with a name that it sends."""
    if cell is None:
        drawing.text(x, y, style.symbol("none"), color=_C.none, size=TEXT, align="center")
    elif cell.leaves:
        shown = cell.leaves[:3]
        for number, leaf in enumerate(shown):
            status = _of_leaf(leaves[leaf], cell)
            _badge(drawing, x + 21 * (number - (len(shown) - 1) / 2), y, ascii_uppercase[leaf], status)
    elif not cell.is_known:
        drawing.mark(x, y, "unknown", radius=6)
    elif is_own:
        drawing.mark(x, y, "fault", radius=7)
    else:
        color = _C.fault if is_sent else _C.none
        drawing.text(x, y, style.symbol("fault"), color=color, size=TEXT, bold=True, align="center")


def _of_leaf(leaf: Leaf, cell: Cell) -> str | None:
    """Return what CloudFront thinks of a leaf in a cell, where several may have come and one of them be at fault."""
    return leaf.status if len(cell.leaves) > 1 and cell.status and leaf.status else cell.status


def _badge(drawing: Drawing, x: float, y: float, letter: str, status: str | None) -> None:
    """Draw a leaf's letter; the colour and a small mark say what CloudFront thinks of it there."""
    look = style.look(status) if status else "none"
    color: str = getattr(_C, look)
    drawing.box(x - 9, y - 8, 18, 16, edge=color, fill=color, alpha=0.14, line=1.4, rounding=3, dashed=status is None)
    drawing.text(x, y, letter, size=TEXT, bold=True, color=color, align="center")
    if status not in (None, "ok", "info"):
        drawing.mark(x + 9, y - 7, status, radius=4.5)


def _told(number: int, leaf: Leaf) -> Iterator[tuple[str, str | None, str]]:
    """Yield the lines about a leaf: letter, status, words."""
    facts = leaf.facts
    parts = (
        [facts.label, facts.key, f"issued by {facts.issuer_name.common_name or facts.issuer}"] if facts.readable else []
    )
    parts += [f"until {facts.not_after:%Y-%m-%d}"] if facts.not_after else []
    parts += [f"SHA-256 {facts.fingerprint_sha256[:8]}"]
    yield ascii_uppercase[number], leaf.status, ", ".join(visible(part, 100) for part in parts)
    for problem in leaf.problems[:3]:
        for line in wrapped(visible(problem, 400), _WIDTH - 2 * _EDGE - 26, SMALL):
            yield "", leaf.status, line


def _meaning(grid: Grid) -> str:
    """Return in a line whether it matters how one asks."""
    got = {leaf for cell in grid.cells.values() for leaf in cell.leaves}
    if not got:
        return "No hello gets a certificate."
    if len(got) > 1:
        return f"{len(got)} different certificates: which one comes depends on how one asks, or on chance."
    return "The same certificate for every hello that gets one."


def _words(grid: Grid) -> Iterator[str]:
    """Yield a sentence for each server name."""
    for sni in grid.names[:MAX_NAMES]:
        cells = [(way, grid.cells[sni, way]) for way in grid.ways if (sni, way) in grid.cells]
        told = [f"{way} gets {_said(cell)}" for way, cell in cells]
        yield f"{visible(sni, 100) if sni else 'No server name'}: {', '.join(told)}."


def _said(cell: Cell) -> str:
    if cell.leaves:
        letters = join_names([ascii_uppercase[leaf] for leaf in cell.leaves])
        return letters + (f" ({style.word(cell.status)})" if cell.status not in (None, Status.OK) else "")
    return f"none: {cell.refused}"


def _legend(drawing: Drawing, y: float) -> None:
    x = _EDGE
    for status, words in (
        ("ok", "fine for CloudFront"),
        ("fault", "refused by CloudFront"),
        (None, "not what CloudFront asks"),
    ):
        _badge(drawing, x + 9, y, "A", status)
        drawing.text(x + 24, y, words, size=SMALL, color=_C.muted)
        x += 24 + text_width(words, SMALL) + 14
    for symbol, color, words in (
        (style.symbol("fault"), _C.fault, "none"),
        (style.symbol("none"), _C.none, "not asked"),
    ):
        drawing.text(x + 5, y, symbol, size=TEXT, bold=True, color=color, align="center")
        drawing.text(x + 14, y, words, size=SMALL, color=_C.muted)
        x += 14 + text_width(words, SMALL) + 14
    drawing.mark(x + 6, y, "unknown", radius=6)
    drawing.text(x + 16, y, "no answer", size=SMALL, color=_C.muted)
