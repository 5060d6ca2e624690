"""Text as matplotlib draws it into SVG, without what a figure of ours never needs of it.

matplotlib's own `Text` is made for rotated, wrapped, interactive lines in any of the machine's fonts, and looks the
font up thrice for each line. Ours is one horizontal line in a font file that is known.

Importing this imports matplotlib.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from matplotlib.artist import Artist
from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.font_manager import FontProperties, get_font
from matplotlib.ft2font import FT2Font
from matplotlib.textpath import TextToPath

ASCENT = 0.76
"""From the base line to the top of a capital or an ascender, as a part of the font size: of DejaVu Sans."""


class Paths(TextToPath):
    """Turns text into paths, in fonts that are given as a file."""

    def _get_font(self, prop: FontProperties) -> FT2Font:
        font = get_font(str(prop.get_file()))
        font.set_size(self.FONT_SCALE, self.DPI)
        return font


PATHS = Paths()


class Renderer(RendererSVG):
    """Writes SVG, with text as paths."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)  # type: ignore[no-untyped-call]
        self._text2path = PATHS


class Label(Artist):
    """One line of text in a colour; its middle is at `y`, and it begins at `x`, in pixels from the top left."""

    zorder = 3
    """Above boxes and lines, as matplotlib's own text."""

    def __init__(self, x: float, y: float, text: str, font: FontProperties, color: str) -> None:
        super().__init__()
        self._place, self._text, self._font, self._color = (x, y), text, font, color

    def draw(self, renderer: Any) -> None:
        """Write it."""
        if not self._text:
            return
        x, y = self._place
        context = renderer.new_gc()
        context.set_foreground(self._color)
        base = y + self._font.get_size_in_points() * ASCENT / 2
        renderer.draw_text(context, x, base, self._text, self._font, 0)
        context.restore()


@lru_cache(maxsize=1024)
def width(text: str, font: FontProperties) -> float:
    """Return how wide a line is in pixels."""
    wide: float = PATHS.get_text_width_height_descent(text, font, ismath=False)[0]
    return wide
