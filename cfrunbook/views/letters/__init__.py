"""The letters that figures are written with: outlines and widths of DejaVu Sans, as lines of text.

Text in a figure is drawn, not set: it looks the same on every machine, whatever fonts are there. A line of a table is a
character's code point (hexadecimal), its advance and its outline as SVG path data, in units of the font: `PER_EM` to
the font size, y upwards. They are those of DejaVu 2.35 without hints, rounded to whole units; its licence is beside
them: https://dejavu-fonts.github.io/License.html
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

PER_EM = 2048
HEIGHT = 1556
"""Units from the line that letters stand on to the top of `l`."""


@lru_cache(maxsize=2)
def table(*, bold: bool) -> dict[str, str]:
    """Return of each character its advance and outline, with a space between."""
    name = "dejavu-sans-bold.txt" if bold else "dejavu-sans.txt"
    lines = (Path(__file__).parent / name).read_text(encoding="ascii").splitlines()
    return {chr(int(point, 16)): rest for point, _, rest in (line.partition(" ") for line in lines)}


@lru_cache(maxsize=512)
def letter(character: str, *, bold: bool) -> tuple[int, str]:
    """Return a character's advance and its outline, which is empty for a space. Raises KeyError if there is none."""
    advance, _, outline = table(bold=bold)[character].partition(" ")
    return int(advance), outline


def has(character: str) -> bool:
    """Return whether there is a letter for it; either weight has the same."""
    return character in table(bold=False)


def width(text: str, size: float, *, bold: bool = False) -> float:
    """Return how wide `text` is at font size `size`; what there is no letter for has no width."""
    return sum(letter(c, bold=bold)[0] for c in text if has(c)) * size / PER_EM
