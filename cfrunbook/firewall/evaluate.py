"""First match by interval arithmetic: what becomes of every address, and by which rule.

Where a rule may match and may not, both ways are followed: an address keeps the verdicts it may already have met.
One that meets only one verdict on every way is decided all the same; one that meets several is undecidable, and the
first rule that parted the ways is named. This is exact but for conditions that depend on each other, where it says
undecidable rather than guess.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from cfrunbook.firewall.intervals import NOTHING, Intervals, Pair
from cfrunbook.firewall.model import Action, Layer, Part, Place, Rule, Verdict
from cfrunbook.firewall.packets import ANSWERS, LATER

MAX_DEPTH = 64
"""Chains within chains. nftables itself allows 16."""
MAX_WORK = 4_000_000
"""Rules tried and intervals cut, before the rest is called undecidable: chains that call each other twice explode."""

_BIT = {Verdict.ALLOWED: 1, Verdict.DROPPED: 2, Verdict.REJECTED: 4, Verdict.UNDECIDABLE: 8}
_DECISIONS = {
    Action.ACCEPT: Verdict.ALLOWED,
    Action.DROP: Verdict.DROPPED,
    Action.REJECT: Verdict.REJECTED,
    Action.UNKNOWN: Verdict.UNDECIDABLE,
}


_Choose = Callable[[Part, Part], Part]


@dataclass(frozen=True, slots=True)
class _Doubt:
    """What first parted the ways."""

    place: Place
    why: str


@dataclass(frozen=True, slots=True)
class _Piece:
    """Addresses that are still under way, and what they may have met already."""

    a: int
    b: int
    met: int = 0
    doubt: _Doubt | None = None


@dataclass(frozen=True, slots=True)
class _End:
    """Addresses that met their last verdict."""

    piece: _Piece
    verdict: Verdict
    place: Place
    why: str = ""
    tag: str = ""


def evaluate(layers: Iterable[Layer], universe: Intervals) -> tuple[Part, ...]:
    """Return what becomes of every address of `universe` that has to get through all `layers`, in order of address.

    Where no layer blocks for certain and one is undecidable, the whole is undecidable. Pure.
    """
    result: list[Part] | None = None
    groups: dict[str, list[list[Part]]] = {}
    whys: dict[str, str] = {}
    for layer in layers:
        parts = _layer(layer, universe)
        if layer.group:
            groups.setdefault(layer.group, []).append(parts)
            whys[layer.group] = layer.group_why
        else:
            result = parts if result is None else _overlay(result, parts, _both)
    for name, alternatives in groups.items():
        parts = alternatives[0]
        for other in alternatives[1:]:
            parts = _overlay(parts, other, _either(whys[name]))
        result = parts if result is None else _overlay(result, parts, _both)
    return _gather(result or [])


def decided(layer: Layer, universe: Intervals) -> list[tuple[Pair, Verdict, Place, str, str]]:
    """Return interval, verdict, deciding rule, its tag and why for every piece of `universe` in one layer."""
    return [
        ((e.piece.a, e.piece.b), *_outcome(e)) for e in sorted(_walk_layer(layer, universe), key=lambda e: e.piece.a)
    ]


def _layer(layer: Layer, universe: Intervals) -> list[Part]:
    here = universe if layer.within is None else universe & layer.within
    parts = [
        Part(Intervals((pair,)), verdict, place, layer.name, why, layer.status if verdict is Verdict.REJECTED else 0)
        for pair, verdict, place, _, why in decided(layer, here)
    ]
    if layer.within is None:
        return parts
    beside = (Part(Intervals((p,)), Verdict.ALLOWED, layer.policy_place, "") for p in (universe - here).pairs)
    return sorted([*parts, *beside], key=lambda part: part.sources.pairs)


def _walk_layer(layer: Layer, universe: Intervals) -> list[_End]:
    walk = _Walk(layer)
    live = [_Piece(a, b) for a, b in universe.pairs]
    back = walk.chain(layer.entry, live, ()) if layer.entry in layer.chains else live
    policy = layer.policy_place
    walk.ends += [_End(p, layer.policy, policy, layer.policy_why) for p in back]
    return walk.ends


def _outcome(end: _End) -> tuple[Verdict, Place, str, str]:
    met = end.piece.met | _BIT[end.verdict]
    blocked = _BIT[Verdict.DROPPED] | _BIT[Verdict.REJECTED]
    if met == _BIT[end.verdict] or (end.verdict is not Verdict.UNDECIDABLE and not met & ~blocked):
        return end.verdict, end.place, end.tag, end.why
    doubt = end.piece.doubt or _Doubt(end.place, end.why)
    return Verdict.UNDECIDABLE, doubt.place, "", doubt.why


class _Walk:
    """One walk of some addresses through the chains of a layer."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.ends: list[_End] = []
        self.work = 0

    def chain(self, name: str, live: list[_Piece], callers: tuple[str, ...]) -> list[_Piece]:
        """Lead `live` through a chain; what is decided goes to `ends`, what comes back is returned."""
        back: list[_Piece] = []
        callers = (*callers, name)
        for rule in self.layer.chains[name].rules:
            if not live:
                break
            self.work += 1
            if self.work > MAX_WORK:
                self._give_up(live, rule, "there are too many rules to work through")
                return back
            if rule.match.may:
                live = self._rule(rule, live, back, callers)
        return _sorted(back, live)

    def _rule(self, rule: Rule, live: list[_Piece], back: list[_Piece], callers: tuple[str, ...]) -> list[_Piece]:
        """Apply one rule; return what goes on to the next. What leaves the chain goes to `back`."""
        may = rule.match.may.pairs
        # Only pieces between the rule's first and last address are concerned.
        low = bisect_right(live, may[0][0], key=_last)
        high = bisect_left(live, may[-1][1], key=_first)
        if low >= high:
            return live
        concerned = live[low:high]
        self.work += high - low
        must = rule.match.must
        inside, beside, outside = [], [], []
        for piece in concerned:
            at = piece.a
            for a, b in rule.match.may.overlapping(piece.a, piece.b):
                if a > at:
                    outside.append(_cut(piece, at, a))
                at = b
                if must is rule.match.may:
                    inside.append(_cut(piece, a, b))
                    continue
                spot = a
                for c, d in must.overlapping(a, b):
                    if c > spot:
                        beside.append(_cut(piece, spot, c))
                    inside.append(_cut(piece, c, d))
                    spot = d
                if spot < b:
                    beside.append(_cut(piece, spot, b))
            if at < piece.b:
                outside.append(_cut(piece, at, piece.b))
        if not inside and not beside:
            return live
        on: list[_Piece] = []
        if beside:
            on += self._perhaps(rule, beside, callers)
        if inside:
            on += self._certainly(rule, inside, back, callers)
        return [*live[:low], *_sorted(outside, on), *live[high:]]

    def _certainly(
        self, rule: Rule, pieces: list[_Piece], back: list[_Piece], callers: tuple[str, ...]
    ) -> list[_Piece]:
        """Apply a rule to addresses that it matches; return what goes on to the next rule."""
        match rule.action:
            case Action.RETURN:
                back += pieces
                return []
            case Action.JUMP | Action.GOTO:
                if why := self._cannot_follow(rule, callers):
                    self._give_up(pieces, rule, why)
                    return []
                came = self.chain(rule.chain, pieces, callers)
                if rule.action is Action.JUMP:
                    return came
                back += came
                return []
            case _:
                why = rule.match.why if rule.action is Action.UNKNOWN else ""
                verdict = _DECISIONS[rule.action]
                self.ends += [_End(p, verdict, rule.place, why, rule.tag) for p in pieces]
                return []

    def _perhaps(self, rule: Rule, pieces: list[_Piece], callers: tuple[str, ...]) -> list[_Piece]:
        """Apply a rule to addresses that it may match; all of them go on, with what they may have met."""
        doubt = _Doubt(rule.place, rule.match.why)
        match rule.action:
            case Action.RETURN:
                # Those that return meet what the rest of the callers have for them, which is not followed: undecidable.
                return [_meet(p, Verdict.UNDECIDABLE, doubt) for p in pieces]
            case Action.JUMP | Action.GOTO:
                if self._cannot_follow(rule, callers):
                    return [_meet(p, Verdict.UNDECIDABLE, doubt) for p in pieces]
                kept, self.ends = self.ends, []
                came = self.chain(rule.chain, [replace(p, doubt=p.doubt or doubt) for p in pieces], callers)
                ended, self.ends = self.ends, kept
                on = [_meet(e.piece, e.verdict, doubt) for e in ended]
                if rule.action is Action.JUMP:
                    # One that came back without a verdict is where one that did not jump is: the ways never parted.
                    return _sorted(on, [p if p.met else _Piece(p.a, p.b) for p in came])
                return _sorted(on, [_meet(p, Verdict.UNDECIDABLE, doubt) for p in came])
            case _:
                return [_meet(p, _DECISIONS[rule.action], doubt) for p in pieces]

    def _cannot_follow(self, rule: Rule, callers: tuple[str, ...]) -> str:
        if rule.chain not in self.layer.chains:
            return "the chain that it leads to is not in the dump"
        if rule.chain in callers or len(callers) >= MAX_DEPTH:
            return "its chains call each other in a circle, or too deep"
        return ""

    def _give_up(self, pieces: Sequence[_Piece], rule: Rule, why: str) -> None:
        self.ends += [_End(p, Verdict.UNDECIDABLE, rule.place, why) for p in pieces]


def _first(piece: _Piece) -> int:
    return piece.a


def _last(piece: _Piece) -> int:
    return piece.b


def _cut(piece: _Piece, a: int, b: int) -> _Piece:
    return piece if (a, b) == (piece.a, piece.b) else _Piece(a, b, piece.met, piece.doubt)


def _meet(piece: _Piece, verdict: Verdict, doubt: _Doubt) -> _Piece:
    return _Piece(piece.a, piece.b, piece.met | _BIT[verdict], piece.doubt or doubt)


def _sorted(some: list[_Piece], others: list[_Piece]) -> list[_Piece]:
    return sorted([*some, *others], key=_first)


# --- several layers -----------------------------------------------------------------------------------------------


def _both(one: Part, other: Part) -> Part:
    """Return what holds where both layers have to be passed."""
    for verdicts in ((Verdict.DROPPED, Verdict.REJECTED), (Verdict.UNDECIDABLE,)):
        for part in (one, other):
            if part.verdict in verdicts:
                return part
    if not one.layer or not other.layer:  # one of them never saw the packet
        return one if one.layer else other
    # A rule says more than a policy, unless it is about packets that nobody sends who was not let in before.
    told = not other.place.is_policy and not other.layer.endswith((LATER, ANSWERS))
    return other if not one.place.where or (one.place.is_policy and told) else one


def _either(why: str) -> _Choose:
    """Return what holds where one of two layers has to be passed, and nobody knows which."""

    def choose(one: Part, other: Part) -> Part:
        if Verdict.UNDECIDABLE in (one.verdict, other.verdict):
            return one if one.verdict is Verdict.UNDECIDABLE else other
        if (one.verdict is Verdict.ALLOWED) == (other.verdict is Verdict.ALLOWED):
            return one
        blocking = one if one.verdict is not Verdict.ALLOWED else other
        return replace(blocking, verdict=Verdict.UNDECIDABLE, why=why, status=0)

    return choose


def _overlay(ones: list[Part], others: list[Part], choose: _Choose) -> list[Part]:
    """Cut two partitions of the same addresses, in order, along each other and choose for each piece."""
    result: list[Part] = []
    i = j = 0
    while i < len(ones) and j < len(others):
        (a, b), (c, d) = ones[i].sources.pairs[0], others[j].sources.pairs[0]
        first, last = max(a, c), min(b, d)
        if first < last:
            result.append(replace(choose(ones[i], others[j]), sources=Intervals(((first, last),))))
        if b <= d:
            i += 1
        if d <= b:
            j += 1
    return result


def _gather(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Return one part for each rule and verdict, in the order of their first addresses."""
    found: dict[Part, list[Pair]] = {}
    for part in parts:
        found.setdefault(replace(part, sources=NOTHING), []).extend(part.sources.pairs)
    return tuple(replace(part, sources=Intervals.of(pairs)) for part, pairs in found.items())
