"""What the training room shows: paragraphs, commands with what they printed, tables; static, and as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from cfrunbook.text import visible
from cfrunbook.views import html, style

Kind = Literal[
    "heading", "text", "muted", "story", "list", "ways", "command", "edit", "checks", "verdict", "source", "table"
]
MAX_OUTPUT = 6000
"""Characters shown of what a command printed."""


@dataclass(frozen=True, slots=True)
class Block:
    """One thing on the page."""

    kind: Kind
    text: str = ""
    """The words; of a command: the command; of a verdict: its sentence; of a source: its address."""
    label: str = ""
    """Of a verdict: what it says in a word or two."""
    status: str = ""
    """Of a verdict: fault, ok, unknown, info …"""
    output: str = ""
    """Of a command: what it printed; of an edit of `text`: what is to stand there instead."""
    items: tuple[str, ...] = ()
    """Of a list or a story: its lines; of a table: the head."""
    rows: tuple[tuple[str, ...], ...] = ()
    """Of a table: its lines; of ways: what for, and the command; of checks: the status, and what was seen."""

    @property
    def shown_output(self) -> str:
        """What a command printed, bounded, its lines kept."""
        lines = [visible(line, 300) for line in self.output[:MAX_OUTPUT].splitlines()]
        return "\n".join([*lines, "…"] if len(self.output) > MAX_OUTPUT else lines)

    def plain(self) -> str:
        """Return the block as text."""
        match self.kind:
            case "heading":
                return f"\n{self.text}"
            case "command":
                return f"$ {self.text}\n{self.shown_output}".rstrip()
            case "verdict":
                return f"{self.label}: {self.text}"
            case "edit":
                new = self.output.splitlines() or ["(nothing)"]
                return "\n".join([*(f"- {line}" for line in self.text.splitlines()), *(f"+ {line}" for line in new)])
            case "ways":
                return "\n".join(f"{what}: {command}" for what, command in self.rows)
            case "checks":
                return "\n".join(f"{style.symbol(status)} {said}" for status, said in self.rows)
            case "source":
                return f"Source: {self.text}"
            case "list":
                return "\n".join(f"- {item}" for item in self.items)
            case "story":
                return "\n".join(self.items)
            case "table":
                return "\n".join("  ".join(row) for row in (self.items, *self.rows))
        return self.text


@dataclass(frozen=True, slots=True)
class Page:
    """A few blocks below one another; displays itself."""

    blocks: tuple[Block, ...]

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        from markupsafe import Markup

        sheet = Markup(style.fragment_css() + _css())  # noqa: S704 - our own style sheets, no input
        drawn = Markup('<div class="cfr"><style>{}</style>{}</div>').format(sheet, _template().page(self.blocks))
        return {"text/plain": str(self), "text/html": str(drawn)}, {}

    def __str__(self) -> str:
        return "\n".join(visible(line, 2000) for block in self.blocks for line in block.plain().splitlines())


def styles() -> str:
    """Return the style sheets of the room and of its fields and buttons, as an element of HTML."""
    from cfrunbook.views import panel

    return f"<style>{style.fragment_css()}{panel.css()}{_css()}</style>"


def page(*blocks: Block | Sequence[Block]) -> Page:
    """Return a page of blocks, and of lists of them."""
    return Page(tuple(one for block in blocks for one in ((block,) if isinstance(block, Block) else block)))


@lru_cache(maxsize=1)
def _template() -> Any:
    return html.environment().get_template("training.html.j2").module


@lru_cache(maxsize=1)
def _css() -> str:
    from cfrunbook.views import steps

    return steps.css() + style.rules("training.css")
