"""What a reader makes of something that was given: the values that go from the readers to the choice among them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from cfrunbook.evidence import GivenKind

SEVERAL = frozenset({"policies", "response", "logs", "firewall", "function_result", "resolver", "connect_to"})
"""Inputs of which all that are recognised are used; of the others there is one."""

GIVEN, SAID, MENTIONED = 0, 1, 2
"""How explicit something is: given by itself; named at its place in a document; found in a text."""


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was found in what a person gave."""

    kind: GivenKind
    what: str
    """In words that follow "taken for"."""
    input: str = ""
    """The parameter of `Incident.load` that it can be; empty: none."""
    value: Any = None
    """What that parameter gets."""
    shown: str = ""
    """The value in a form that may be shown."""
    rank: int = GIVEN
    identity: str = ""
    """By which two of a kind are known to be the same: the id of a distribution, a URL's host."""
    names: tuple[str, ...] = ()
    """Of a distribution: the names that viewers ask it for, then its origins' names."""
    newest: float = 0.0
    """When a recording was made, or a configuration was last modified: seconds since 1970; 0: not known."""
    marks: tuple[str, ...] = ()
    """Of a distribution, or a recording of one: what no other distribution has at the same time."""
    digest: str = ""
    """Of a distribution: equal where two configurations say the same."""
    notes: tuple[str, ...] = ()
    is_inside: bool = False
    """Found in a folder that was given as a whole."""


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes to be recognised, and where they are from."""

    content: bytes
    name: str = ""
    """The file's name, for people; empty where it was none."""
    path: Path | None = None
    """A regular file that can be read again; None: what is not kept here is gone."""
    is_head: bool = False
    """Only the beginning of something, looked at to tell what that is."""

    @property
    def label(self) -> str:
        """The name in a sentence."""
        return self.name or "what was given"

    @property
    def source(self) -> Path | bytes:
        """What a reader of files or bytes is handed."""
        return self.path if self.path is not None else self.content


Reader = Callable[[Content, str], "list[Taken] | None"]
"""Returns what a content is, by its bytes and its text; None where it is nothing that this reader knows."""


def other(what: str, *notes: str, kind: GivenKind = GivenKind.OTHER) -> list[Taken]:
    """Return that something is known and of no use here."""
    return [Taken(kind=kind, what=what, notes=notes)]
