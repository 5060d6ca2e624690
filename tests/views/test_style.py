from __future__ import annotations

import pytest
from msgspec.structs import asdict

from cfrunbook.findings import StageStatus, Status
from cfrunbook.views import style

PALETTES = {"light": style.LIGHT, "dark": style.DARK}


def luminance(color: str) -> float:
    """Relative luminance, https://www.w3.org/TR/WCAG22/#dfn-relative-luminance."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", PALETTES)
@pytest.mark.parametrize("name", ["ink", "muted", "ok", "warning", "fault", "unknown", "info", "none"])
def test_text_is_readable_on_its_paper(theme: str, name: str) -> None:
    palette = PALETTES[theme]
    lighter, darker = sorted((luminance(getattr(palette, name)), luminance(palette.paper)), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 4.5


@pytest.mark.parametrize("theme", PALETTES)
def test_no_two_colours_are_the_same(theme: str) -> None:
    colors = list(asdict(PALETTES[theme]).values())
    assert len(set(colors)) == len(colors)


def test_every_status_has_a_symbol_and_words() -> None:
    for status in (*Status, *StageStatus.__args__):
        assert style.symbol(status)
        assert style.word(status) in style.WORDS.values()
    assert len(set(style.SYMBOLS.values())) == len(style.SYMBOLS)
