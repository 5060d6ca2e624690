"""Figures: the edge's path, name servers, firewalls, TLS, what the origin accepts and shows, certificates, requests."""

from __future__ import annotations

from collections.abc import Sequence

from cfrunbook.findings import STAGE_TITLES, Diagnosis, StageResult
from cfrunbook.findings import Path as EdgePath
from cfrunbook.text import join_names, visible
from cfrunbook.views import outline, style
from cfrunbook.views.chain_figure import chain
from cfrunbook.views.delegation_figure import delegation
from cfrunbook.views.dns_figure import aliases, servers
from cfrunbook.views.drawing import SMALL, Drawing, Picture
from cfrunbook.views.exchange_figure import exchange_timeline
from cfrunbook.views.firewall_figure import address_space
from cfrunbook.views.leaf_figure import served
from cfrunbook.views.tls_figure import ladder, suites
from cfrunbook.views.validity_figure import validity_timeline

__all__ = [
    "Picture",
    "address_space",
    "aliases",
    "chain",
    "delegation",
    "exchange_timeline",
    "ladder",
    "served",
    "servers",
    "stage_path",
    "suites",
    "validity_timeline",
]

MAX_PATHS = 8
"""Paths drawn; what is left out is counted."""
WIDTH, EDGE = style.FIGURE_WIDTH, 8
_C = style.LIGHT
_NOTHING = "There is no path to show: no origin is known."


def stage_path(value: Diagnosis | EdgePath) -> Picture:
    """Draw the edge's path stage by stage, one row per target, the one that the verdict is about first."""
    rows = outline.paths(value) if isinstance(value, Diagnosis) else (value,)
    shown = rows[:MAX_PATHS]
    first_row, row_height = 66.0, 46.0
    height = first_row + row_height * (len(shown) - 1) + 22 + (18 if len(rows) > MAX_PATHS else 0)
    drawing = Drawing(height)
    stages = [s.stage for s in shown[0].stages] if shown else []
    pitch = (WIDTH - 2 * EDGE) / max(1, len(stages))
    for place, stage in enumerate(stages):
        x = EDGE + pitch * (place + 0.5)
        for line, text in enumerate(_two_lines(STAGE_TITLES[stage])):
            drawing.text(x, 14 + 13 * line, text, size=SMALL, color=_C.muted, align="center", width=pitch - 2)
    for number, path in enumerate(shown):
        y = first_row + row_height * number
        drawing.text(EDGE, y - 17, path.title or path.target, size=SMALL, bold=True, width=WIDTH - 2 * EDGE)
        _row(drawing, path.stages, y + 4, pitch)
    if len(rows) > MAX_PATHS:
        drawing.text(EDGE, height - 10, f"and {len(rows) - MAX_PATHS} more targets", size=SMALL, color=_C.muted)
    if not shown:
        drawing.text(EDGE, 14, _NOTHING, color=_C.muted)
    words = " ".join(_path_words(path) for path in shown) or _NOTHING
    return drawing.finish("The path of a request, stage by stage", words, _path_meaning(shown[0]) if shown else "")


def _row(drawing: Drawing, stages: Sequence[StageResult], y: float, pitch: float) -> None:
    xs = [EDGE + pitch * (place + 0.5) for place in range(len(stages))]
    for (x, stage), after in zip(zip(xs, stages, strict=True), stages[1:], strict=False):
        reached = after.status not in ("not_reached", "not_examined", "not_applicable") and stage.status != "fault"
        color = _C.ok if reached and stage.status == "ok" else _C.line
        drawing.line([(x + 13, y), (x + pitch - 13, y)], color=color, width=1.6, dashed=not reached)
    for x, stage in zip(xs, stages, strict=True):
        drawing.mark(x, y, stage.status, radius=9 if stage.status in ("fault", "unknown", "warning") else 8)


def _two_lines(title: str) -> tuple[str, ...]:
    first, _, second = title.partition(" ")
    return (first, second) if second else (first,)


def _path_meaning(path: EdgePath) -> str:
    """Return in a line where the path breaks, or what of it was not examined."""
    told = {
        status: [STAGE_TITLES[s.stage] for s in path.stages if s.status == status]
        for status in ("fault", "unknown", "not_examined")
    }
    name = path.title or path.target
    if told["fault"]:
        return f"{name} breaks at: {told['fault'][0]}. CloudFront gets no further."
    if told["unknown"]:
        return f"{name}: it could not be told whether it breaks at: {join_names(told['unknown'])}."
    if len(told["not_examined"]) == len(path.stages):
        return f"{name}: nothing was examined."
    but = f" Not examined: {join_names(told['not_examined'])}." if told["not_examined"] else ""
    return f"{name}: no stage that was examined breaks.{but}"


def _path_words(path: EdgePath) -> str:
    told = ", ".join(f"{STAGE_TITLES[s.stage]} {style.word(s.status)}" for s in path.stages)
    return f"{visible(path.title or path.target, 120)}: {told}."
