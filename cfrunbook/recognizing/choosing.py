"""Of all that was recognised, what becomes an input: the most explicit of a kind, and said where that is a choice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from cfrunbook.cloudfront import viewer_url
from cfrunbook.errors import BadInput
from cfrunbook.evidence import MAX_RECOGNIZED, GivenKind, Recognized
from cfrunbook.recognizing import earlier
from cfrunbook.recognizing.sources import Found
from cfrunbook.recognizing.taken import SEVERAL, Taken
from cfrunbook.text import join_names, visible

_SILENT = frozenset({GivenKind.REQUEST_ID, GivenKind.POP, GivenKind.TIME})
"""Kinds of which a text may hold many that nobody needs to choose among."""
_CHOSEN = frozenset({"distribution", "evidence", "url"})
"""Inputs that are chosen by what goes with what; of the others the most explicit counts."""


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
    _distribution(choice)
    _recording(choice)
    _url(choice)
    for name in dict.fromkeys(taken.input for _, taken in entries if taken.input):
        if name in SEVERAL:
            _several(choice, name)
        elif name not in _CHOSEN:
            _one(choice, name)
    _companions(choice)
    items = [_item(choice, number) for number in range(min(len(entries), MAX_RECOGNIZED))]
    return tuple(items), choice.inputs, tuple(choice.conflicts)


def _distinct(entries: Iterable[tuple[str, Taken]]) -> list[tuple[str, Taken]]:
    """Return the entries, of those that say the same the most explicit one."""
    kept: dict[tuple[Any, ...], tuple[str, Taken]] = {}
    for given, taken in entries:
        key: tuple[Any, ...] = (taken.kind, taken.shown, taken.digest)
        if taken.kind in (GivenKind.OTHER, GivenKind.UNKNOWN) or not taken.shown:
            key = (given, taken.kind, taken.what, len(kept))
        if key not in kept or taken.rank < kept[key][1].rank:
            kept[key] = (given, taken)
    return list(kept.values())


def _candidates(choice: Choice, name: str) -> list[int]:
    """Return the numbers of entries that can be this input, the most explicit first."""
    numbers = [n for n, (_, taken) in enumerate(choice.entries) if taken.input == name]
    return sorted(numbers, key=lambda n: choice.entries[n][1].rank)


def _use(choice: Choice, number: int, *, name: str = "", others: Iterable[int] = (), why: str = "") -> None:
    """Let an entry be the input that it can be, or the one of that `name`; say `why` the `others` are not."""
    taken = choice.entries[number][1]
    choice.inputs[name or taken.input] = taken.value
    choice.used[number] = name or taken.input
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


def _distribution(choice: Choice) -> None:
    """Choose the distribution: one that serves the URL, its configuration rather than its id, the younger one."""
    numbers = _candidates(choice, "distribution")
    if not numbers:
        return
    best = [n for n in numbers if choice.entries[n][1].rank == choice.entries[numbers[0]][1].rank]
    documents = [n for n in best if choice.entries[n][1].kind is GivenKind.DISTRIBUTION]
    pool = _without_copies(choice, documents) or best
    why = "its configuration was given." if documents else "another one is named more explicitly."
    if not _are_one(choice, pool):
        serving = _serving(choice, pool)
        if not serving:
            names = _named(choice, pool)
            choice.conflicts.append(
                f"There are {len(pool)} distributions ({names}): say which one to look at (--distribution), or give the"
                " failing URL."
            )
            return
        pool, why = serving, "another distribution serves the URL."
    chosen = pool[0] if len(pool) == 1 else _younger(choice, pool)
    if chosen is None:
        return
    for number in [n for n in numbers if n not in choice.used and n != chosen and n not in choice.notes]:
        same = choice.entries[number][1].identity == choice.entries[chosen][1].identity
        fetched = "Its configuration was given, so nothing is fetched."
        choice.note(number, fetched if same and documents else f"It is left out: {why}")
    _use(choice, chosen)


def _without_copies(choice: Choice, documents: Sequence[int]) -> list[int]:
    """Return configurations of which no two say the same; of two that do, the one that also says which it is."""
    kept: dict[str, int] = {}
    for number in sorted(documents, key=lambda n: not choice.entries[n][1].newest):
        taken = choice.entries[number][1]
        first = kept.setdefault(taken.digest or str(number), number)
        if first != number and earlier.are_one(choice.entries[first][1], taken):
            choice.note(number, f"It is left out: it says the same as {visible(choice.entries[first][0], 200)}.")
        elif first != number:
            kept[str(number)] = number
    return sorted(kept.values())


def _are_one(choice: Choice, pool: Sequence[int]) -> bool:
    """Tell whether all of these are one distribution."""
    first, *others = (choice.entries[n][1] for n in pool)
    return all(earlier.are_one(first, other) for other in others)


def _younger(choice: Choice, pool: Sequence[int]) -> int | None:
    """Return which of several configurations of one distribution is in force, the one before put in as that.

    None where nothing shows it, which is a conflict.
    """
    told = earlier.of_two(choice.entries[pool[0]][1], choice.entries[pool[1]][1]) if len(pool) == 2 else None
    if told is None:
        choice.conflicts.append(
            f"There are {len(pool)} configurations of one distribution ({_named(choice, pool)}), and nothing shows"
            " which is the one before: give the one in force with --distribution, the one that worked with --before."
        )
        return None
    older, younger = pool if told.is_first else reversed(pool)
    _before(choice, older, told.why)
    return younger


def _before(choice: Choice, number: int, why: str) -> None:
    """Take an entry for how it was before, and say so."""
    taken = choice.entries[number][1]
    _use(choice, number, name="before")
    choice.note(
        number,
        f"It is taken for how it was before, because {why}. What changed since then is said; to look at it by itself:"
        f" --{taken.input}.",
    )


def _named(choice: Choice, pool: Sequence[int]) -> str:
    shown = [choice.entries[n][1].shown or choice.entries[n][0] for n in pool]
    return join_names([visible(name, 80) for name in shown], 4)


def _serving(choice: Choice, pool: Sequence[int]) -> list[int]:
    """Return the one distribution that serves the host of a URL; nothing where there is none, or several."""
    for _, taken in sorted((e for e in choice.entries if e[1].input == "url"), key=lambda e: e[1].rank):
        serving = [n for n in pool if _serves(choice.entries[n][1], taken.identity)]
        if serving and _are_one(choice, serving):
            return serving
    return []


def _recording(choice: Choice) -> None:
    """Choose the recording to judge: one that was named; one that lies in a folder only where nothing else can be.

    One that is older than the configuration that was given is how it was before; so is the older one of two.
    """
    numbers = _candidates(choice, "evidence")
    now = next((choice.entries[n][1] for n, name in choice.used.items() if name == "distribution"), None)
    if now is not None and now.newest and "before" not in choice.inputs:
        numbers = _before_configuration(choice, numbers, now)
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
    newest, *rest = sorted(named or numbers, key=lambda n: -choice.entries[n][1].newest)
    _use(choice, newest)
    if len(rest) == 1 and "before" not in choice.inputs and _are_two_looks(choice, newest, rest[0]):
        told = earlier.of_two(choice.entries[rest[0]][1], choice.entries[newest][1])
        if told is not None:
            _before(choice, rest[0], told.why)
    for number in [n for n in numbers if n not in choice.used]:
        choice.note(number, "It is left out: a newer recording was given too.")


def _before_configuration(choice: Choice, numbers: Sequence[int], now: Taken) -> list[int]:
    """Put in the youngest recording from before the configuration was modified, and return the recordings left.

    A younger one may be of the configuration as it is: then all of them are left.
    """
    mine = [n for n in numbers if earlier.are_one(choice.entries[n][1], now)]
    if not mine or any(choice.entries[n][1].newest >= now.newest for n in mine):
        return list(numbers)
    newest = max(mine, key=lambda n: choice.entries[n][1].newest)
    if told := earlier.of_two(choice.entries[newest][1], now):
        _before(choice, newest, told.why)
    for number in mine:
        if number != newest:
            choice.note(number, "It is left out: a newer recording was given too.")
    return [n for n in numbers if n not in mine]


def _are_two_looks(choice: Choice, first: int, second: int) -> bool:
    """Tell whether two recordings are of one distribution or origin, seen from one place."""
    one, other = choice.entries[first][1], choice.entries[second][1]
    return one.identity == other.identity and earlier.are_one(one, other)


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
