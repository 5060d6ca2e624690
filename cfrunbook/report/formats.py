"""What a report is written as: which files of the incident folder."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from cfrunbook.errors import BadInput
from cfrunbook.text import visible


class Format(StrEnum):
    """One form of a report."""

    HTML = "html"
    """`report.html`."""
    MARKDOWN = "markdown"
    """`summary.md`, for the ticket."""
    JSON = "json"
    """`diagnosis.json`."""
    PDF = "pdf"
    """`report.pdf`, printed by Chromium where there is one."""


DEFAULT: frozenset[Format] = frozenset({Format.HTML, Format.MARKDOWN, Format.JSON})
"""What is written when nobody says otherwise."""
ALL = "all"


def parse(text: str | Iterable[str] | None) -> frozenset[Format]:
    """Return the formats that `html,pdf` or a list of words names; `all` is every one, nothing the default.

    Raises BadInput for a word that is no format.
    """
    words = [text] if isinstance(text, str) else list(text or ())
    names = [name for word in words for name in word.replace(",", " ").lower().split()]
    if ALL in names:
        return frozenset(Format)
    for name in names:
        if name not in list(Format):
            raise BadInput(f"--format: '{visible(name, 40)}' is none of {', '.join(Format)} and {ALL}.")
    return frozenset(map(Format, names)) or DEFAULT
