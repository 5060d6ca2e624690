"""Of all that was recognised, what becomes an input: the most explicit of a kind, and said where that is a choice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from cfrunbook.cloudfront import viewer_url
from cfrunbook.errors import BadInput
from cfrunbook.evidence import MAX_RECOGNIZED, GivenKind, Recognized
from cfrunbook.recognizing.sources import Found
from cfrunbook.recognizing.taken import SEVERAL, Taken
from cfrunbook.text import join_names, visible

_SILENT = frozenset({GivenKind.REQUEST_ID, GivenKind.POP, GivenKind.TIME})
"""Kinds of which a text may hold many that nobody needs to choose among."""


class Choice(msgspec.Struct, kw_only=True):
    """What was chosen, while it is being chosen."""

    entries: list[tuple[str, Taken]]
    inputs: dict[str, Any] = {}
    used: dict[int, str] = {}
    """Which entries became an input, and which."""
    notes: dict[int, list[str]] = {}
    conflicts: list[str] = []

    def note(self, number: int, sentence: str) -> None:
        """Say something of an entry."""
        self.notes.setdefault(number, []).append(sentence)


def choose(found: Sequence[Found]) -> tuple[tuple[Recognized, ...], dict[str, Any], tuple[str, ...]]:
    """Return what was given and what it was taken for, the inputs, and what cannot be decided, a sentence each."""
    entries = _distinct((one.given, taken) for one in found for taken in one.taken)
    choice = Choice(entries=entries)
    _name(choice)
    _recording(choice)
    _distribution(choice)
    _url(choice)
    for name in dict.fromkeys(taken.input for _, taken in entries if taken.input):
        if name in SEVERAL:
            _several(choice, name)
        elif name not in ("distribution", "url", "evidence"):
            _one(choice, name)
    _companions(choice)
    items = [_item(choice, number) for number in range(min(len(entries), MAX_RECOGNIZED))]
    return tuple(items), choice.inputs, tuple(choice.conflicts)


def _distinct(entries: Iterable[tuple[str, Taken]]) -> list[tuple[str, Taken]]:
    """Return the entries, of those that say the same the most explicit one."""
    kept: dict[tuple[Any, ...], tuple[str, Taken]] = {}
    for given, taken in entries:
        key: tuple[Any, ...] = (taken.kind, taken.shown)
        if taken.kind in (GivenKind.OTHER, GivenKind.UNKNOWN) or not taken.shown:
            key = (given, taken.kind, taken.what, len(kept))
        if key not in kept or taken.rank < kept[key][1].rank:
            kept[key] = (given, taken)
    return list(kept.values())


def _candidates(choice: Choice, name: str) -> list[int]:
    """Return the numbers of entries that can be this input, the most explicit first."""
    numbers = [n for n, (_, taken) in enumerate(choice.entries) if taken.input == name]
    return sorted(numbers, key=lambda n: choice.entries[n][1].rank)


def _use(choice: Choice, number: int, *, others: Iterable[int] = (), why: str = "") -> None:
    taken = choice.entries[number][1]
    choice.inputs[taken.input] = taken.value
    choice.used[number] = taken.input
    for other in others:
        if other != number and why:
            choice.note(other, why)


def _name(choice: Choice) -> None:
    """Decide what a host name is: an origin's, or one that viewers ask for, which a distribution tells."""
    known = [taken for _, taken in choice.entries if taken.kind is GivenKind.DISTRIBUTION and taken.names]
    urls = {taken.identity for _, taken in choice.entries if taken.kind is GivenKind.URL}
    for number, (given, taken) in enumerate(choice.entries):
        if taken.kind is not GivenKind.NAME:
            continue
        viewers = {n for one in known for n in one.names[: one.names.index("")]}
        if taken.identity in viewers or (not known and taken.identity in urls):
            address = f"https://{taken.value}/"
            choice.entries[number] = (
                given,
                msgspec.structs.replace(
                    taken, what="a name that viewers ask for", input="url", value=address, shown=address
                ),
            )
        elif not known:
            choice.note(
                number, "Without a distribution a name is taken for the origin's, not for one that viewers ask for."
            )


def _recording(choice: Choice) -> None:
    """Choose the recording to judge: one that was named; one that lies in a folder only where nothing else can be."""
    numbers = _candidates(choice, "evidence")
    if not numbers:
        return
    others = any(
        taken.input in ("distribution", "origin") and taken.rank < 2
        for number, (_, taken) in enumerate(choice.entries)
        if number not in numbers
    )
    named = [n for n in numbers if not choice.entries[n][1].is_inside]
    if not named and others:
        for number in numbers:
            choice.note(
                number,
                "It is left out, because what lies beside it says what to look at now; to judge it instead, name it.",
            )
        return
    newest = max(named or numbers, key=lambda n: choice.entries[n][1].newest)
    _use(choice, newest, others=numbers, why="It is left out: a newer recording was given too.")


def _distribution(choice: Choice) -> None:
    numbers = _candidates(choice, "distribution")
    if not numbers:
        return
    best = [n for n in numbers if choice.entries[n][1].rank == choice.entries[numbers[0]][1].rank]
    documents = [n for n in best if choice.entries[n][1].kind is GivenKind.DISTRIBUTION]
    pool = documents or best
    identities = dict.fromkeys(choice.entries[n][1].identity for n in pool)
    if len(identities) > 1 and (serving := _serving(choice, pool)):
        pool, why = serving, "It is left out: another distribution serves the URL."
    elif len(identities) > 1 or len(pool) > 1:
        names = join_names([visible(choice.entries[n][1].shown, 80) for n in pool], 4)
        choice.conflicts.append(
            f"There are {len(pool)} distributions ({names}): say which one to look at (--distribution), or give the"
            " failing URL."
            if len(identities) > 1
            else f"There are {len(pool)} configurations of one distribution ({names}): give the one that is in force."
        )
        return
    else:
        why = "It is left out: " + (
            "its configuration was given." if documents else "another one is named more explicitly."
        )
    chosen = choice.entries[pool[0]][1]
    for number in numbers:
        taken = choice.entries[number][1]
        if number != pool[0]:
            same = taken.identity == chosen.identity
            choice.note(number, "Its configuration was given, so nothing is fetched." if same and documents else why)
    _use(choice, pool[0])


def _serving(choice: Choice, pool: Sequence[int]) -> list[int]:
    """Return the one distribution that serves the host of a URL; nothing where there is none, or several."""
    for _, taken in sorted((e for e in choice.entries if e[1].input == "url"), key=lambda e: e[1].rank):
        serving = [n for n in pool if _serves(choice.entries[n][1], taken.identity)]
        if len(serving) == 1:
            return serving
    return []


def _serves(taken: Taken, host: str) -> bool:
    viewers = taken.names[: taken.names.index("")] if "" in taken.names else ()
    return any(name == host or (name.startswith("*.") and host.endswith(name[1:])) for name in viewers)


def _url(choice: Choice) -> None:
    """Choose the URL: one that the distribution serves, then the most explicit."""
    numbers = _candidates(choice, "url")
    if not numbers:
        return
    known = next((t for n, (_, t) in enumerate(choice.entries) if choice.used.get(n) == "distribution"), None)
    serving = [n for n in numbers if known is not None and _serves(known, _host(choice.entries[n][1]))]
    chosen = (serving or numbers)[0]
    kept = choice.entries[chosen][1].shown
    why = f"It is left out: {visible(kept, 200)} " + (
        "is what the distribution serves." if serving and chosen != numbers[0] else "came first."
    )
    _use(choice, chosen, others=numbers, why=why)


def _host(taken: Taken) -> str:
    return taken.identity or viewer_url.parse(taken.value).host


def _several(choice: Choice, name: str) -> None:
    """Use all that can be this input."""
    values: list[Any] = []
    for number in _candidates(choice, name):
        value = choice.entries[number][1].value
        values += value if name == "response" and isinstance(value, tuple) else [value]
        choice.used[number] = name
    choice.inputs[name] = values


def _one(choice: Choice, name: str) -> None:
    numbers = _candidates(choice, name)
    first = choice.entries[numbers[0]][1]
    differing = [n for n in numbers if choice.entries[n][1].shown != first.shown]
    equal = [n for n in differing if choice.entries[n][1].rank == first.rank]
    if equal and name == "origin":
        names = join_names([first.shown, *(choice.entries[n][1].shown for n in equal)], 4)
        choice.conflicts.append(f"There are several names that may be the origin's ({names}): say which (--origin).")
        return
    _use(choice, numbers[0], others=differing, why=f"It is left out: {visible(first.shown, 200)} came first.")


def _companions(choice: Choice) -> None:
    """Leave out what says nothing alone: rules that others refer to, code that is not to be run, a lone event."""
    if dumps := choice.inputs.get("firewall"):
        from cfrunbook.firewall import answer

        try:
            decides = answer.decides(tuple(dumps))
        except BadInput:
            decides = False
        if not decides:
            _drop(choice, "firewall", "It only goes with rules that refer to it: give the rules too.")
    if "function_event" in choice.inputs and not {"function_result", "handler"} & choice.inputs.keys():
        for number, used in choice.used.items():
            if used == "function_event":
                choice.note(number, "What the function returned for it is what can be judged: give that too.")
    if results := choice.inputs.get("function_result"):
        _results(choice, results)


def _results(choice: Choice, results: Sequence[Any]) -> None:
    """Leave out results of which nothing tells by which kind of function they were returned."""
    from cfrunbook.functions import inputs

    for number in [n for n, used in choice.used.items() if used == "function_result"]:
        taken = choice.entries[number][1]
        try:
            inputs.read(taken.value, event=choice.inputs.get("function_event"))
        except BadInput as error:
            choice.inputs["function_result"] = [r for r in choice.inputs["function_result"] if r is not taken.value]
            del choice.used[number]
            choice.note(number, str(error).removeprefix("Function result: "))
    if not choice.inputs["function_result"]:
        del choice.inputs["function_result"]


def _drop(choice: Choice, name: str, why: str) -> None:
    del choice.inputs[name]
    for number in [n for n, used in choice.used.items() if used == name]:
        del choice.used[number]
        choice.note(number, why)


def _item(choice: Choice, number: int) -> Recognized:
    given, taken = choice.entries[number]
    used = choice.used.get(number, "")
    return Recognized(
        given=visible(given, 500),
        kind=taken.kind,
        what=visible(taken.what, 900),
        input=used,
        value=visible(taken.shown, 1900) if used or taken.kind in _SILENT or taken.input else "",
        notes=tuple(visible(note, 900) for note in (*choice.notes.get(number, ()), *taken.notes)),
    )
