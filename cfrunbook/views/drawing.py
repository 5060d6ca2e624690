"""The paper that figures are drawn on: pixels from the top left, text as paths, colours that follow the page's theme.

The SVG is the same for the same input on every machine. Text is never interpreted, and a character that there is no
letter for is shown as its number.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal

from msgspec.structs import asdict

from cfrunbook.text import visible
from cfrunbook.views import letters, style

Point = tuple[float, float]
"""x and y in pixels."""
TEXT, SMALL = 11.0, 9.5
"""Font sizes in pixels at a width of 700."""
_CORNER = 0.41421
_OCTAGON = tuple(
    (sx * a, sy * b)
    for sx, sy, a, b in (
        (1, -1, _CORNER, 1),
        (1, -1, 1, _CORNER),
        (1, 1, 1, _CORNER),
        (1, 1, _CORNER, 1),
        (-1, 1, _CORNER, 1),
        (-1, 1, 1, _CORNER),
        (-1, -1, 1, _CORNER),
        (-1, -1, _CORNER, 1),
    )
)
_TRIANGLE = ((0, -1), (1.1, 0.9), (-1.1, 0.9))
_VARIABLES = {color: f"var(--cfr-{name},{color})" for name, color in asdict(style.LIGHT).items()}


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure: inline SVG without script or external reference, the same in words, and a title."""

    svg: str
    alt: str
    title: str

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        shown = (
            f'<figure class="cfr cfr-figure"><style>{style.fragment_css()}</style>'
            f'<figcaption>{html.escape(self.title)}</figcaption><div class="cfr-drawing">{self.svg}</div></figure>'
        )
        return {"text/plain": f"{self.title}\n{self.alt}", "text/html": shown}, {}


class Drawing:
    """A canvas of 700 by `height` pixels; y grows downwards. Lines lie on shapes, and text on both."""

    def __init__(self, height: float) -> None:
        self.height = height
        self._shapes: list[str] = []
        self._lines: list[str] = []
        self._texts: list[str] = []
        self._letters: dict[str, str] = {}
        """The outlines that are used, by id."""

    def text(
        self,
        x: float,
        y: float,
        value: object,
        *,
        color: str = style.LIGHT.ink,
        size: float = TEXT,
        bold: bool = False,
        align: Literal["left", "center", "right"] = "left",
        width: float = 0,
    ) -> None:
        """Write one line with its middle at `y`, cut with `…` where it is wider than `width` (0: no limit)."""
        shown = drawable(value)
        if width:
            shown = fit(shown, width, size, bold=bold)
        self._write(x, y, shown, color=color, size=size, bold=bold, align=align)

    def _write(self, x: float, y: float, shown: str, *, color: str, size: float, bold: bool, align: str) -> None:
        left = x - letters.width(shown, size, bold=bold) * {"left": 0, "center": 0.5, "right": 1}[align]
        foot = y + letters.HEIGHT / 2 * size / letters.PER_EM
        used, at = [], 0
        for character in shown:
            advance, outline = letters.letter(character, bold=bold)
            if outline:
                name = f"{'b' if bold else 'r'}{ord(character):x}"
                self._letters[name] = outline
                used.append(f'<use href="#{name}" x="{at}"/>')
            at += advance
        scale = f"{size / letters.PER_EM:.6f}"
        self._texts.append(
            f'<g style="fill:{_paint(color)}" transform="translate({_n(left)} {_n(foot)}) scale({scale} -{scale})">'
            f"{''.join(used)}</g>"
        )

    def box(
        self,
        x: float,
        y: float,
        width: float,
        height: float,
        *,
        edge: str = style.LIGHT.line,
        fill: str = "",
        alpha: float = 0.07,
        dashed: bool = False,
        line: float = 1.2,
        rounding: float = 4,
    ) -> None:
        """Draw a box with round corners; `fill` is laid on thinly."""
        r = max(0.0, min(rounding, width / 2, height / 2))
        across, down, r_ = _n(width - 2 * r), _n(height - 2 * r), _n(r)
        outline = (
            f"M{_n(x + r)} {_n(y)}h{across}q{r_} 0 {r_} {r_}v{down}q0 {r_} -{r_} {r_}"
            f"h-{across}q-{r_} 0 -{r_} -{r_}v-{down}q0 -{r_} {r_} -{r_}z"
        )
        if fill:
            self._fill(outline, fill, alpha)
        if edge:
            self._shapes.append(_stroke(outline, edge, line, (4, 3) if dashed else ()))

    def line(
        self,
        points: Sequence[Point],
        *,
        color: str = style.LIGHT.none,
        width: float = 1.2,
        dashed: bool = False,
    ) -> None:
        """Draw straight lines through `points`."""
        outline = "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in points)
        drawn = _stroke(outline, color, width, (3, 3)) if dashed else _stroke(outline, color, width, cap="square")
        self._lines.append(drawn)

    def curve(self, start: Point, end: Point, *, color: str = style.LIGHT.none, width: float = 1.2) -> None:
        """Draw a line from left to right that leaves and arrives horizontally."""
        middle = (start[0] + end[0]) / 2
        corners = (start, (middle, start[1]), (middle, end[1]), end)
        first, *others = (f"{_n(x)} {_n(y)}" for x, y in corners)
        self._shapes.append(_stroke(f"M{first}C{' '.join(others)}", color, width))

    def arrow(
        self,
        x: float,
        y: float,
        *,
        color: str = style.LIGHT.none,
        size: float = 4,
        direction: Literal["down", "right", "left"] = "down",
    ) -> None:
        """Draw an arrow head whose tip is at (x, y)."""
        away = {"down": (0, -1), "right": (-1, 0), "left": (1, 0)}[direction]
        back = (x + away[0] * size * 1.6, y + away[1] * size * 1.6)
        side = (away[1] * size, away[0] * size)
        self.shape([(x, y), (back[0] + side[0], back[1] + side[1]), (back[0] - side[0], back[1] - side[1])], fill=color)

    def shape(self, points: Sequence[Point], *, fill: str) -> None:
        """Draw a filled polygon."""
        self._fill("M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in points) + "z", fill)

    def mark(self, x: float, y: float, status: str, *, radius: float = 8) -> None:
        """Draw the mark of a status around (x, y): the same symbol, shape and colour as on the page."""
        look = style.look(status)
        color: str = getattr(style.LIGHT, look)
        symbol_color, drop = style.LIGHT.paper, 0.0
        r = _n(radius)
        circle = f"M{_n(x - radius)} {_n(y)}a{r} {r} 0 1 1 {_n(2 * radius)} 0a{r} {r} 0 1 1 {_n(-2 * radius)} 0z"
        if look == "fault":
            self.shape([(x + dx * radius, y + dy * radius) for dx, dy in _OCTAGON], fill=color)
        elif look == "warning":
            self.shape([(x + dx * radius, y + dy * radius) for dx, dy in _TRIANGLE], fill=color)
            drop = radius * 0.25
        elif look == "info":
            self.box(x - radius, y - radius, 2 * radius, 2 * radius, edge="", fill=color, alpha=1)
        elif look == "ok":
            self._fill(circle, color)
        else:
            is_unknown = look == "unknown"
            edge = color if is_unknown else style.LIGHT.line
            self._shapes.append(_stroke(circle, edge, 1.3, (2.5, 2) if is_unknown else ()))
            symbol_color = color
        self.text(x, y + drop, style.symbol(status), color=symbol_color, size=radius * 1.3, bold=True, align="center")

    def _fill(self, outline: str, color: str, alpha: float = 1) -> None:
        opacity = f";opacity:{alpha:g}" if alpha != 1 else ""
        self._shapes.append(f'<path d="{outline}" style="fill:{_paint(color)}{opacity}"/>')

    def finish(self, title: str, alt: str) -> Picture:
        """Return the picture."""
        alt, title = visible(_rewritten(alt), 2000), visible(_rewritten(title), 200)
        defined = "".join(f'<path id="{name}" d="{outline}"/>' for name, outline in self._letters.items())
        body = "\n".join((f"<defs>{defined}</defs>", *self._shapes, *self._lines, *self._texts))
        # Several pictures stand in one page, where an id is there once.
        prefix = f"cfr{hashlib.sha256(body.encode()).hexdigest()[:8]}-"
        body = body.replace('id="', f'id="{prefix}').replace('href="#', f'href="#{prefix}')
        svg = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {style.FIGURE_WIDTH} {self.height:g}" role="img" '
            f'aria-label="{html.escape(alt)}" style="stroke-linejoin:round;stroke-linecap:butt">\n{body}\n</svg>'
        )
        return Picture(svg=svg, alt=alt, title=title)


def _stroke(outline: str, color: str, width: float, dashes: tuple[float, ...] = (), cap: str = "") -> str:
    """Return a path that is not filled; `dashes` are in widths of the line."""
    pattern = f";stroke-dasharray:{' '.join(_n(dash * width) for dash in dashes)}" if dashes else ""
    ends = f";stroke-linecap:{cap}" if cap else ""
    return f'<path d="{outline}" style="fill:none;stroke:{_paint(color)};stroke-width:{_n(width)}{pattern}{ends}"/>'


def _paint(color: str) -> str:
    """Return a colour as the page's theme has it."""
    return _VARIABLES.get(color, color)


def _n(value: float) -> str:
    """Return a number of pixels as short as it can be said."""
    return f"{round(value, 2) + 0.0:.2f}".rstrip("0").rstrip(".")


_SHOWN_AS: ContextVar[Callable[[str], str] | None] = ContextVar("shown_as", default=None)


@contextmanager
def shown_as(rewrite: Callable[[str], str]) -> Iterator[None]:
    """Let every text in the pictures that are drawn meanwhile be what `rewrite` makes of it, also their description.

    It is given texts whole, before they are broken into lines or cut; once more does no harm to it.
    """
    token = _SHOWN_AS.set(rewrite)
    try:
        yield
    finally:
        _SHOWN_AS.reset(token)


def _rewritten(value: object) -> str:
    rewrite, text = _SHOWN_AS.get(), value if isinstance(value, str) else str(value)
    return rewrite(text) if rewrite else text


def drawable(value: object) -> str:
    """Return `value` as one visible line in characters that the figures' font has; others as their number."""
    shown = visible(_rewritten(value), 300)
    return "".join(c if letters.has(c) else _number(ord(c)) for c in shown)


def _number(point: int) -> str:
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def fit(text: str, width: float, size: float, *, bold: bool = False) -> str:
    """Return `text`, cut with `…` so that it is at most `width` pixels wide at font size `size`."""
    if text_width(text, size, bold=bold) <= width:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if text_width(text[:middle].rstrip() + "…", size, bold=bold) <= width:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "…"


def wrapped(sentence: str, width: float, size: float) -> Iterator[str]:
    """Yield `sentence` in lines that are at most `width` pixels wide at font size `size`, as far as words allow."""
    line = ""
    for word in _rewritten(sentence).split():
        longer = f"{line} {word}".strip()
        if line and text_width(longer, size) > width:
            yield line
            line = word
        else:
            line = longer
    yield line


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """Return how wide `text` is in pixels."""
    return letters.width(_rewritten(text), size, bold=bold)
