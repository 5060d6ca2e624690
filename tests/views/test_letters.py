"""The letters of figures against the font that they were taken from, as FreeType reads it."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib.ft2font import FT2Font, LoadFlags

from cfrunbook.views import letters

FONTS = Path(mpl.get_data_path()) / "fonts" / "ttf"


def corners(outline: str) -> list[tuple[float, float]]:
    """The points of relative path data, those that steer its curves included."""
    import re

    points: list[tuple[float, float]] = []
    here = start = (0.0, 0.0)
    for command, numbers in re.findall(r"([mlhvqz])([^mlhvqz]*)", outline):
        values = [int(n) for n in re.findall(r"-?\d+", numbers)]
        if command == "h":
            values = [values[0], 0]
        elif command == "v":
            values = [0, values[0]]
        ends = [(here[0] + dx, here[1] + dy) for dx, dy in zip(values[::2], values[1::2], strict=True)]
        points += ends
        here = start if command == "z" else ends[-1]
        start = here if command == "m" else start
    return points


@pytest.mark.parametrize(("name", "bold"), [("DejaVuSans.ttf", False), ("DejaVuSans-Bold.ttf", True)])
def test_they_are_those_of_the_font(name: str, bold: bool) -> None:
    font = FT2Font(str(FONTS / name))
    for character in letters.table(bold=bold):
        glyph = font.load_char(ord(character), flags=LoadFlags.NO_SCALE)
        advance, outline = letters.letter(character, bold=bold)
        assert advance == glyph.horiAdvance, character
        drawn = corners(outline)
        left, low, right, high = glyph.bbox
        if drawn:
            xs, ys = zip(*drawn, strict=True)
            assert (min(xs), min(ys)) >= (left - 1, low - 1), character
            assert max(abs(min(xs) - left), abs(max(xs) - right), abs(min(ys) - low), abs(max(ys) - high)) <= 1, (
                character
            )
        else:
            assert left == right or low == high, character


def test_either_weight_has_the_same() -> None:
    assert letters.table(bold=False).keys() == letters.table(bold=True).keys()
    assert set(map(chr, range(32, 127))) | set("äßñÅž…–·✓✕→≥€Жλ") <= letters.table(bold=False).keys()


def test_width() -> None:
    assert letters.width("", 11) == 0
    assert letters.width("il", 11) < letters.width("il", 11, bold=True) < letters.width("MW", 11)
    assert letters.width("\U00020000", 11) == 0
