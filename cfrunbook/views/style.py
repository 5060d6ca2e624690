"""One look for page, notebook, figure and terminal: colours, symbols, shapes and words for each status.

A status is always shown three ways, as a symbol, a shape and a colour, so that it survives colour blindness, a
black-and-white printer and a screen reader. The colours keep a contrast of at least 4.5:1 on their paper.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Literal

import msgspec
from msgspec.structs import asdict

Look = Literal["ok", "warning", "fault", "unknown", "info", "none"]
"""How a status looks; the stage statuses that say "nothing was seen" share one look and differ in their words."""

SANS = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'
MONO = 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace'
FIGURE_WIDTH = 700
"""Width of a figure in pixels: it is drawn to be read at this size."""


class Palette(msgspec.Struct, frozen=True):
    """The colours of one theme, as `#rrggbb`; every value within a palette is different (figures map them back)."""

    ink: str
    muted: str
    line: str
    paper: str
    ok: str
    warning: str
    fault: str
    unknown: str
    info: str
    none: str


LIGHT = Palette(
    ink="#1a222c",
    muted="#56616d",
    line="#d5dae0",
    paper="#ffffff",
    ok="#00705f",
    warning="#8a5800",
    fault="#b42a17",
    unknown="#6a48b8",
    info="#2463a8",
    none="#66717d",
)
DARK = Palette(
    ink="#e5e9ee",
    muted="#a4aeb9",
    line="#3a434e",
    paper="#13171c",
    ok="#4fc3ae",
    warning="#e2b04a",
    fault="#ff8d76",
    unknown="#b9a5f6",
    info="#7db4f0",
    none="#98a3ae",
)

# In JupyterLab the neutral colours follow the person's theme.
_LAB_NEUTRALS: Mapping[str, str] = {
    "ink": "--jp-content-font-color1",
    "muted": "--jp-content-font-color2",
    "line": "--jp-border-color2",
    "paper": "--jp-layout-color0",
}

SYMBOLS: Mapping[Look, str] = {"ok": "✓", "warning": "!", "fault": "✕", "unknown": "?", "info": "i", "none": "–"}

WORDS: Mapping[str, str] = {
    "ok": "ok",
    "warning": "warning",
    "fault": "fault",
    "unknown": "could not tell",
    "info": "for information",
    "not_examined": "not examined",
    "not_reached": "not reached",
    "not_applicable": "does not apply",
}


def look(status: str) -> Look:
    """Return how `status` (of a finding, a stage, a cause or a verdict) looks."""
    return status if status in SYMBOLS else "none"  # type: ignore[return-value]


def symbol(status: str) -> str:
    """Return the one character that stands for `status`."""
    return SYMBOLS[look(status)]


def word(status: str) -> str:
    """Return the words that stand for `status`."""
    return WORDS.get(status, status)


def variables(palette: Palette, *, follow_lab: bool) -> str:
    """Return the CSS custom properties of `palette`; with `follow_lab` the neutral ones prefer JupyterLab's own."""
    declarations = []
    for name, color in asdict(palette).items():
        value = f"var({_LAB_NEUTRALS[name]},{color})" if follow_lab and name in _LAB_NEUTRALS else color
        declarations.append(f"--cfr-{name}:{value}")
    return ";".join(declarations)


@lru_cache(maxsize=1)
def fragment_css() -> str:
    """Return the style sheet that every fragment carries: scoped to `.cfr`, light and dark as JupyterLab is."""
    rules = (Path(__file__).parent / "templates" / "fragment.css").read_text(encoding="utf-8")
    return (
        f".cfr{{{variables(LIGHT, follow_lab=True)}}}"
        f'[data-jp-theme-light="false"] .cfr{{{variables(DARK, follow_lab=True)}}}'
        f".cfr{{--cfr-sans:{SANS};--cfr-mono:{MONO}}}\n" + compact(rules)
    )


@lru_cache(maxsize=1)
def page_css() -> str:
    """Return the style sheet of the report page: dark as the system is, light in print."""
    rules = (Path(__file__).parent / "templates" / "page.css").read_text(encoding="utf-8")
    dark = f"@media screen and (prefers-color-scheme:dark){{.cfr-page{{{variables(DARK, follow_lab=False)}}}}}\n"
    return fragment_css() + dark + compact(rules)


def compact(css: str) -> str:
    """Drop comments and indentation: a notebook carries the sheet once per output."""
    import re

    return re.sub(r"\s*\n\s*", "\n", re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)).strip() + "\n"
