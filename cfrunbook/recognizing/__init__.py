"""Whatever a person has: what it is, and which input of an incident it becomes.

Content decides, never a name: a file, a folder, a pasted text, a URL, an id, bytes. A text that holds several things is
taken apart. Nothing is executed, nothing is fetched, and everything is read in bounds.

>>> found = recognize(["ticket.txt", "dist.json", "https://www.example.com/cart"])
>>> [(one.given, one.what, one.input) for one in found.items]
>>> found.inputs  # keyword arguments of Incident.load
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from cfrunbook.errors import BadInput
from cfrunbook.evidence import GivenKind, Recognized
from cfrunbook.recognizing import choosing, sources
from cfrunbook.recognizing.sources import Item
from cfrunbook.recognizing.taken import SEVERAL

MAX_ITEMS = 500
"""Things that are given in one call, a folder counted once."""

_TELLING = frozenset({
    GivenKind.REQUEST_ID, GivenKind.POP, GivenKind.FUNCTION_LOG, GivenKind.ALARM, GivenKind.DISTRIBUTION_ID,
    GivenKind.FUNCTION_CODE, GivenKind.LOGS,
})  # fmt: skip
"""Kinds that are of use without becoming an input: they say what to get next."""


class Recognition(msgspec.Struct, frozen=True, kw_only=True):
    """What was given, what each thing was taken for, and the inputs that come of it."""

    items: tuple[Recognized, ...] = ()
    inputs: dict[str, Any] = {}
    """Keyword arguments of `Incident.load`; values may be paths, words, bytes or what was read of them."""
    conflicts: tuple[str, ...] = ()
    """What cannot be decided without the person, a sentence each; `Incident.load` refuses these."""
    is_applied: bool = False
    """The inputs were put where they belong; what is left is what to say of the items."""

    @property
    def is_of_use(self) -> bool:
        """Whether anything was recognised that helps."""
        return bool(self.inputs) or any(item.kind in _TELLING for item in self.items)

    @property
    def parameters(self) -> dict[str, str | list[str]]:
        """The inputs that can be written down as parameters: files, ids, names and URLs, not what was pasted."""
        written: dict[str, str | list[str]] = {}
        for name, value in self.inputs.items():
            shown = [item.value for item in self.items if item.input == name and item.value]
            if name in SEVERAL:
                if files := [text for text in shown if name in ("resolver", "connect_to") or Path(text).exists()]:
                    written[name] = files
            elif isinstance(value, str | Path):
                written[name] = shown[0] if shown else str(value)
        return written


Anything = Iterable[Item] | Item | Recognition | None
"""What `Incident.load` takes as `anything`."""


def recognize(items: Iterable[Item] | Item) -> Recognition:
    """Return what the items are and which inputs they become.

    An item is a file or folder (`Path`, or a `str` that names one), a text or one word (`str`), bytes, or bytes with
    the name of their file (`("dist.json", b"...")`, an upload); `-` is standard input. What is not known is among the
    items and says what it looks like; nothing raises for it. Raises BadInput only for values of other types, and for
    more than `MAX_ITEMS`.
    """
    given: list[Item]
    if isinstance(items, str | bytes | Path):
        given = [items]
    elif isinstance(items, Iterable):
        given = list(items)
    else:
        raise BadInput(f"Anything: give files, folders or texts, not a value of type {type(items).__name__}.")
    if len(given) > MAX_ITEMS:
        raise BadInput(f"Anything: {len(given)} things; at most {MAX_ITEMS} are taken at once: give a folder.")
    chosen, inputs, conflicts = choosing.choose(sources.all_of(given))
    return Recognition(items=chosen, inputs=inputs, conflicts=conflicts)


def applied(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments of `Incident.load` with what `anything` among them holds put where it belongs.

    What was given by name wins; of inputs that take several, all count. `anything` becomes the `Recognition` without
    its inputs. Raises BadInput, in one sentence, where nothing of it is of any use, or it cannot be decided.
    """
    arguments = dict(given)
    anything = arguments.pop("anything", None)
    if anything is None or (isinstance(anything, list | tuple | str | bytes) and not anything):
        return arguments
    found = anything if isinstance(anything, Recognition) else recognize(anything)
    if found.is_applied:
        return arguments | {"anything": found}
    named = {name for name, value in arguments.items() if value not in (None, "", (), [], {}, False)}
    inputs = {name: value for name, value in found.inputs.items() if _is_accepted(name, arguments)}
    conflicts = [c for c in found.conflicts if not ("distribution" in named and "distribution" in c.lower())]
    conflicts = [c for c in conflicts if not ("origin" in named and "the origin's" in c)]
    if conflicts:
        raise BadInput(f"Anything: {conflicts[0]}")
    if not found.is_of_use and not named:
        raise BadInput(_nothing(found.items))
    for name, value in inputs.items():
        if name not in named:
            arguments[name] = value
        elif name in SEVERAL:
            own = arguments[name]
            arguments[name] = [*(own if isinstance(own, list | tuple) else [own]), *value]
    items = tuple(_settled(item, named, arguments) for item in found.items)
    arguments["anything"] = Recognition(items=items, is_applied=True)
    return arguments


def not_fetched(arguments: Mapping[str, Any], why: str) -> dict[str, Any]:
    """Return applied arguments without the distribution whose id was only recognised; `why` is said of it."""
    found: Recognition = arguments["anything"]
    items = tuple(
        msgspec.structs.replace(item, input="", notes=(why, *item.notes))
        if item.kind is GivenKind.DISTRIBUTION_ID and item.input
        else item
        for item in found.items
    )
    return dict(arguments) | {"distribution": None, "anything": msgspec.structs.replace(found, items=items)}


def has_id_alone(arguments: Mapping[str, Any]) -> bool:
    """Tell whether the distribution among applied arguments is an id that was recognised."""
    found = arguments.get("anything")
    return isinstance(found, Recognition) and any(
        item.kind is GivenKind.DISTRIBUTION_ID and item.input for item in found.items
    )


def _is_accepted(name: str, arguments: Mapping[str, Any]) -> bool:
    """Tell whether an input may be used: code is only run where that is asked for."""
    return name != "handler" or bool(arguments.get("run_handler"))


def _settled(item: Recognized, named: set[str], arguments: Mapping[str, Any]) -> Recognized:
    """Return an item as it was used in the end."""
    if not item.input:
        return item
    if item.input in named and item.input not in SEVERAL:
        note = f"It is left out: --{item.input.replace('_', '-')} was given."
        return msgspec.structs.replace(item, input="", notes=(note, *item.notes))
    return item if _is_accepted(item.input, arguments) else msgspec.structs.replace(item, input="")


def _nothing(items: Sequence[Recognized]) -> str:
    """Return the sentence that says that nothing can be used, and why."""
    first = items[0]
    more = f" The other {len(items) - 1} are of no use either." if len(items) > 1 else ""
    note = f" {first.notes[-1]}" if first.notes else ""
    return f"Anything: {first.given} is {first.what}.{note}{more}"
