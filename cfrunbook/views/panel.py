"""What a runbook's panel says: values in, escaped static HTML out. What is done with buttons is elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from cfrunbook.text import visible
from cfrunbook.views import html, outline, style

State = Literal["waiting", "running", "done", "stopped", "failed"]
Bundle = tuple[dict[str, Any], dict[str, Any]]

_WORDS: dict[State, str] = {
    "waiting": "not run yet",
    "running": "running",
    "done": "done",
    "stopped": "stopped",
    "failed": "failed",
}
_LOOKS: dict[State, style.Look] = {
    "waiting": "none",
    "running": "info",
    "done": "none",  # not "ok": that it was done says nothing of what it found
    "stopped": "unknown",
    "failed": "fault",
}
_SHORT = 240
"""Characters of a sentence that stands for a result in a line."""


@dataclass(frozen=True, slots=True)
class Row:
    """One step of a runbook: where it stands, how long it took, and what it means in a line."""

    number: int
    title: str
    code: str = ""
    """The call that does the same."""
    state: State = "waiting"
    status: str = ""
    """For a step that concludes: fault, ok, unknown …"""
    words: str = ""
    """Instead of the usual words for the state."""
    seconds: float | None = None
    meaning: str = ""

    @property
    def look(self) -> style.Look:
        """How it looks."""
        return style.look(self.status) if self.state == "done" and self.status else _LOOKS[self.state]

    @property
    def symbol(self) -> str:
        """The character that stands for where it stands."""
        if self.is_running:
            return "…"
        return "✓" if self.is_done else style.SYMBOLS[self.look]

    @property
    def word(self) -> str:
        """The words for where it stands."""
        concluded = style.word(self.status) if self.state == "done" and self.status else _WORDS[self.state]
        return self.words or concluded

    @property
    def took(self) -> str:
        """How long it took."""
        return seconds(self.seconds) if self.seconds is not None else ""

    @property
    def is_done(self) -> bool:
        """Whether it was done, and concludes nothing by itself."""
        return self.state == "done" and not self.status

    @property
    def is_running(self) -> bool:
        """Whether it is being done."""
        return self.state == "running"


@dataclass(frozen=True, slots=True)
class Head:
    """What is examined, from where, and how old the evidence is."""

    title: str
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """One sentence of the panel: a verdict, what was done, or why not."""

    sentence: str = ""
    status: str = ""
    label: str = ""
    code: str = ""

    @property
    def goes_on(self) -> tuple[str, str] | None:
        """The label and how the sentence goes on, where it begins with the label; else None."""
        begins = self.label.removesuffix(":")
        return (begins, self.sentence.removeprefix(begins)) if begins and self.sentence.startswith(begins) else None


@dataclass(frozen=True, slots=True)
class Place:
    """What has been seen at one place so far."""

    name: str
    counted: str
    last: str


@dataclass(frozen=True, slots=True)
class Underway:
    """What has been seen so far."""

    what: str
    seconds: float
    number: int
    places: tuple[Place, ...]
    more: int = 0
    """Places that are not listed."""

    @property
    def took(self) -> str:
        """For how long it has been going on."""
        return seconds(self.seconds)


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside a field: what it is, or what is wrong with what it holds."""

    help: str = ""
    error: str = ""


def head(value: Head) -> str:
    """Return the panel's head, with the style of everything in it."""
    return _framed(_macro("head", value), styled=True)


def row(value: Row) -> str:
    """Return one step's line."""
    return _framed(_macro("row", value))


def status(value: Said) -> str:
    """Return a sentence with its symbol; empty for none."""
    return _framed(_macro("status", value)) if value.sentence else ""


def progress(value: Underway) -> str:
    """Return what has been seen so far, place by place."""
    return _framed(_macro("progress", value))


def beside(value: Beside) -> str:
    """Return what stands beside a field."""
    return _framed(_macro("beside", value))


def code(text: str) -> str:
    """Return lines of code, one click on which selects all of them."""
    return _framed(_macro("code", text))


def to_copy(text: str, what: str) -> str:
    """Return `what`, as lines to be copied by hand."""
    return _framed(_macro("to_copy", text, what))


def result(value: Row, shown: Bundle, *, is_open: bool) -> Bundle:
    """Return what a step shows, under a heading that says what it came to; closed unless `is_open`."""
    from markupsafe import Markup

    data, metadata = shown
    inner = Markup(data.get("text/html", ""))  # noqa: S704 - drawn by our own templates
    drawn = str(_macro("result", value, inner, is_open))
    lines = [f"{value.symbol} {value.number}. {visible(value.title)}: {value.word} {value.took}".rstrip()]
    text = "\n".join([*lines, str(data.get("text/plain", ""))])
    return {**data, "text/html": _framed(drawn, styled=True), "text/plain": text}, metadata


def nothing() -> Bundle:
    """Return what stands where a step has not been done."""
    return {"text/plain": "", "text/html": ""}, {}


def seconds(value: float) -> str:
    """Return a duration for people: 0.31 s, 4.2 s, 75 s."""
    return f"{value:.2f} s" if value < 1 else f"{value:.1f} s" if value < 10 else f"{value:.0f} s"


def widget(model_id: str, what: str) -> dict[str, Any]:
    """Return the bundle of a widget, with a sentence for where there is none to be shown: a saved notebook, a page."""
    view = {"version_major": 2, "version_minor": 0, "model_id": model_id}
    return {"application/vnd.jupyter.widget-view+json": view, "text/plain": what}


def _framed(body: object, *, styled: bool = False) -> str:
    sheet = f"<style>{style.fragment_css()}{css()}</style>" if styled else ""
    return f'<div class="cfr">{sheet}{body}</div>'


def _macro(name: str, *values: object) -> object:
    return getattr(_template(), name)(*values)


def _shorter(text: str) -> str:
    """Return as much of a sentence as stands in two lines: of a verdict without what else speaks for it."""
    shown = outline.sentence_parts(visible(text, 2000))[0]
    return shown if len(shown) <= _SHORT else shown[:_SHORT].rsplit(" ", 1)[0] + " …"


@lru_cache(maxsize=1)
def _template() -> Any:
    environment = html.environment()
    environment.filters.setdefault("short_sentence", _shorter)
    return environment.get_template("panel.html.j2").module


@lru_cache(maxsize=1)
def css() -> str:
    """Return the style sheet of fields and buttons."""
    return style.rules("panel.css") + style.rules("vscode.css")


def count(number: int, noun: str) -> str:
    """Return `3 suites`, `1 suite`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def listed(counted: Sequence[tuple[str, int]]) -> str:
    """Return counts by noun in one line."""
    return ", ".join(count(number, noun) for noun, number in counted)
