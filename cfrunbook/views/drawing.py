"""The paper that figures are drawn on: pixels from the top left, text as paths, colours that follow the page's theme.

matplotlib's artists are drawn by its SVG renderer. They need no `Figure` and no axes: to import these takes as long as
to draw everything, and to make them as long as to draw a small figure. matplotlib is imported when the first figure is
drawn, and never its global state machine (pyplot). The SVG is the
same for the same input on every machine with the same matplotlib: fixed salt, no date, the font that matplotlib
brings. Text is never interpreted (`$` starts no formula), and a character that the font lacks is shown as its
number.
"""

from __future__ import annotations

import hashlib
import html
import io
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from msgspec.structs import asdict

from cfrunbook.text import visible
from cfrunbook.views import style

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.font_manager import FontProperties

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
    meaning: str = ""
    """In one line, what is to be seen; empty where `alt` begins with it."""

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        shown = (
            f'<figure class="cfr cfr-figure"><style>{style.fragment_css()}</style>'
            f'<figcaption>{html.escape(self.title)}</figcaption><div class="cfr-drawing">{self.svg}</div></figure>'
        )
        return {"text/plain": f"{self.title}\n{self.alt}", "text/html": shown}, {}


class Drawing:
    """A canvas of 700 by `height` pixels; y grows downwards."""

    def __init__(self, height: float) -> None:
        from matplotlib.transforms import Affine2D

        self.height = height
        self._artists: list[Artist] = []
        self._from_top = Affine2D().scale(1, -1).translate(0, height)

    def _add(self, artist: Artist) -> None:
        """Lay an artist, whose coordinates are pixels from the top left, on the paper."""
        artist.set_transform(self._from_top)
        self._artists.append(artist)

    def text(
        self,
        x: float,
        y: float,
        value: object,
        *,
        color: str = style.LIGHT.ink,
        size: float = TEXT,
        bold: bool = False,
        align: str = "left",
        width: float = 0,
    ) -> None:
        """Write one line with its middle at `y`, cut with `…` where it is wider than `width` (0: no limit)."""
        shown = drawable(value)
        if width:
            shown = fit(shown, width, size, bold=bold)
        if align != "left":
            x -= text_width(shown, size, bold=bold) / (2 if align == "center" else 1)
        from cfrunbook.views.lettering import Label

        self._add(Label(x, y, shown, _font(size, bold=bold), color))

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
        from matplotlib.patches import FancyBboxPatch

        shape = f"round,pad=0,rounding_size={rounding}" if rounding else "square,pad=0"
        layers: list[dict[str, Any]] = []
        if fill:
            layers.append({"facecolor": fill, "edgecolor": "none", "alpha": alpha})
        if edge:
            pattern = (0, (4, 3)) if dashed else "solid"
            layers.append({"facecolor": "none", "edgecolor": edge, "linewidth": line, "linestyle": pattern})
        for layer in layers:
            self._add(FancyBboxPatch((x, y), width, height, boxstyle=shape, **layer))

    def line(
        self,
        points: Sequence[Point],
        *,
        color: str = style.LIGHT.none,
        width: float = 1.2,
        dashed: bool = False,
    ) -> None:
        """Draw straight lines through `points`."""
        from matplotlib.lines import Line2D

        pattern: Any = (0, (3, 3)) if dashed else "solid"
        xs, ys = zip(*points, strict=True)
        self._add(Line2D(xs, ys, color=color, linewidth=width, linestyle=pattern))

    def curve(self, start: Point, end: Point, *, color: str = style.LIGHT.none, width: float = 1.2) -> None:
        """Draw a line from left to right that leaves and arrives horizontally."""
        from matplotlib.patches import PathPatch
        from matplotlib.path import Path

        middle = (start[0] + end[0]) / 2
        corners = [start, (middle, start[1]), (middle, end[1]), end]
        path = Path(corners, [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4])
        self._add(PathPatch(path, facecolor="none", edgecolor=color, linewidth=width))

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
        from matplotlib.patches import Polygon

        self._add(Polygon(list(points), closed=True, facecolor=fill, edgecolor="none"))

    def mark(self, x: float, y: float, status: str, *, radius: float = 8) -> None:
        """Draw the mark of a status around (x, y): the same symbol, shape and colour as on the page."""
        from matplotlib.patches import Circle

        look = style.look(status)
        color: str = getattr(style.LIGHT, look)
        symbol_color, drop = style.LIGHT.paper, 0.0
        if look == "fault":
            self.shape([(x + dx * radius, y + dy * radius) for dx, dy in _OCTAGON], fill=color)
        elif look == "warning":
            self.shape([(x + dx * radius, y + dy * radius) for dx, dy in _TRIANGLE], fill=color)
            drop = radius * 0.25
        elif look == "info":
            self.box(x - radius, y - radius, 2 * radius, 2 * radius, edge="", fill=color, alpha=1)
        elif look == "ok":
            self._add(Circle((x, y), radius, facecolor=color, edgecolor="none"))
        else:
            pattern: Any = (0, (2.5, 2)) if look == "unknown" else "solid"
            edge = color if look == "unknown" else style.LIGHT.line
            circle = Circle((x, y), radius, facecolor="none", edgecolor=edge, linewidth=1.3, linestyle=pattern)
            self._add(circle)
            symbol_color = color
        self.text(x, y + drop, style.symbol(status), color=symbol_color, size=radius * 1.3, bold=True, align="center")

    def finish(self, title: str, alt: str, meaning: str = "") -> Picture:
        """Return the picture; `alt` is all of it in words, `meaning` one line."""
        from matplotlib.artist import Artist

        from cfrunbook.views.lettering import Renderer

        output = io.StringIO()
        with settings():
            nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
            renderer = Renderer(style.FIGURE_WIDTH, self.height, output, image_dpi=72, metadata=nothing)
            for artist in sorted(self._artists, key=Artist.get_zorder):
                artist.draw(renderer)
            renderer.finalize()  # type: ignore[no-untyped-call]
        alt, title = visible(_rewritten(alt), 2000), visible(_rewritten(title), 200)
        meaning = visible(_rewritten(meaning), 500)
        return Picture(svg=_inline(output.getvalue(), alt, self.height), alt=alt, title=title, meaning=meaning)


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
    known = _characters()
    return "".join(c if ord(c) in known else _number(ord(c)) for c in shown)


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
    from cfrunbook.views import lettering

    return lettering.width(_rewritten(text), _font(size, bold=bold))


@lru_cache(maxsize=32)
def _font(size: float, *, bold: bool) -> FontProperties:
    from matplotlib.font_manager import FontProperties

    return FontProperties(fname=_font_file("DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"), size=size)


def _font_file(name: str) -> str:
    from pathlib import Path

    import matplotlib as mpl

    return str(Path(mpl.get_data_path()) / "fonts" / "ttf" / name)


@lru_cache(maxsize=1)
def _characters() -> frozenset[int]:
    """Return the code points that both weights of the font have."""
    from matplotlib.ft2font import FT2Font

    sets = [frozenset(FT2Font(_font_file(name)).get_charmap()) for name in ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf")]
    return sets[0] & sets[1]


_READ = ("hatch.", "lines.", "patch.", "path.", "svg.", "text.")
"""What the artists and the renderer read of matplotlib's settings. To read its backend would import pyplot."""
_DRAWING = threading.RLock()
_SETTLED: ContextVar[bool] = ContextVar("settled", default=False)


@contextmanager
def settings() -> Iterator[None]:
    """Let only our settings hold, whatever matplotlibrc says: they are the process's, so one thread at a time draws.

    Setting them takes a while: who draws several figures does it once around all of them.
    """
    if _SETTLED.get():
        yield
        return
    import matplotlib as mpl

    ours: dict[Any, Any] = {name: mpl.rcParamsDefault[name] for name in mpl.rcParams if name.startswith(_READ)}
    ours |= {"svg.hashsalt": "cfrunbook", "svg.fonttype": "path", "path.sketch": None, "path.simplify": False}
    with _DRAWING, mpl.rc_context(ours):
        token = _SETTLED.set(True)
        try:
            yield
        finally:
            _SETTLED.reset(token)


def _inline(document: str, alt: str, height: float) -> str:
    """Return an SVG document as an element for a page: no prolog, no comment, own ids, the page's colours."""
    body = document[document.index("<svg") :]
    body = re.sub(r"<!--.*?-->\s*", "", body, flags=re.DOTALL)
    body = re.sub(r"<defs>\s*<style[^>]*>.*?</style>\s*</defs>\s*", "", body, flags=re.DOTALL)
    body = re.sub(r"<metadata>.*?</metadata>\s*", "", body, flags=re.DOTALL)
    body = re.sub(r"\s*\n\s*", "\n", body[body.index(">") + 1 :])
    prefix = "cfr" + hashlib.sha256(body.encode()).hexdigest()[:8] + "-"
    body = re.sub(r'\bid="', f'id="{prefix}', body)
    body = re.sub(r'(xlink:href="|url\()#', rf"\g<1>#{prefix}", body).replace("xlink:href", "href")
    body = re.sub("#[0-9a-f]{6}", lambda found: _VARIABLES.get(found[0], found[0]), body)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {style.FIGURE_WIDTH} {height:g}" role="img" '
        f'aria-label="{html.escape(alt)}" style="stroke-linejoin:round;stroke-linecap:butt">{body.strip()}'
    )
