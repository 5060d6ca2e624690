"""First match by interval arithmetic, against a reference that follows one address at a time down every way."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfrunbook.firewall import evaluate as module
from cfrunbook.firewall.evaluate import evaluate
from cfrunbook.firewall.intervals import NOTHING, Intervals
from cfrunbook.firewall.model import Action, Chain, Layer, Match, Place, Rule, Verdict

SPACE = 16
UNIVERSE = Intervals(((0, SPACE),))
ENDS = {Action.ACCEPT: Verdict.ALLOWED, Action.DROP: Verdict.DROPPED, Action.REJECT: Verdict.REJECTED}
CHAINS = ("main", "one", "two")


def rule(action: Action, must: Intervals, more: Intervals = NOTHING, chain: str = "", name: str = "r") -> Rule:
    return Rule(Place("dump", name, action.value), action, Match(must, must | more, "why" if more else ""), chain)


def layer(*rules: Rule, policy: Verdict = Verdict.DROPPED, group: str = "", **chains: tuple[Rule, ...]) -> Layer:
    every = {"main": Chain(tuple(rules)), **{name: Chain(tuple(r)) for name, r in chains.items()}}
    return Layer("layer", "main", every, policy, Place("dump", "", "policy"), group=group, group_why="one of two")


def span(a: int, b: int) -> Intervals:
    return Intervals(((a, b),))


def ways(firewall: Layer, address: int) -> set[Verdict]:
    """Return every verdict that an address may meet: each rule that may match does and does not."""

    def chain(name: str, at: int, rest: tuple[tuple[str, int], ...]) -> set[Verdict]:
        rules = firewall.chains[name].rules
        if at == len(rules):
            return chain(*rest[-1], rest[:-1]) if rest else {firewall.policy}
        here = rules[at]
        met: set[Verdict] = set()
        if address not in here.match.must:
            met |= chain(name, at + 1, rest)
        if address in here.match.may:
            match here.action:
                case Action.RETURN:
                    met |= chain(*rest[-1], rest[:-1]) if rest else {firewall.policy}
                case Action.JUMP:
                    met |= chain(here.chain, 0, (*rest, (name, at + 1)))
                case Action.GOTO:
                    met |= chain(here.chain, 0, rest)
                case _:
                    met |= {ENDS[here.action]}
        return met

    return chain(firewall.entry, 0, ())


spans = st.tuples(st.integers(0, SPACE), st.integers(0, SPACE)).map(lambda p: Intervals.of([(min(p), max(p))]))
certain = st.builds(lambda s: (s, NOTHING), spans)
uncertain = st.builds(lambda s, m: (s & m, m), spans, spans)


@st.composite
def firewalls(draw: st.DrawFn, matches: st.SearchStrategy, *, plain: bool = False) -> Layer:
    chains = {}
    for number, name in enumerate(CHAINS):
        rules = []
        for place in range(draw(st.integers(0, 4))):
            must, more = draw(matches)
            onward = CHAINS[number + 1 :]
            kinds = [*ENDS] if plain else [*ENDS, Action.RETURN, *((Action.JUMP, Action.GOTO) if onward else ())]
            action = draw(st.sampled_from(kinds))
            target = draw(st.sampled_from(onward)) if action in (Action.JUMP, Action.GOTO) else ""
            rules.append(rule(action, must, more, target, f"{name} {place}"))
        chains[name] = tuple(rules)
    policy = draw(st.sampled_from([Verdict.ALLOWED, Verdict.DROPPED]))
    return layer(*chains.pop("main"), policy=policy, **chains)


def verdicts(parts) -> dict[int, Verdict]:
    found = {}
    for part in parts:
        for a, b in part.sources.pairs:
            for address in range(a, b):
                assert address not in found, "parts overlap"
                found[address] = part.verdict
    return found


@given(firewalls(certain))
@settings(max_examples=200)
def test_certain_rules_give_every_address_its_one_verdict(firewall):
    found = verdicts(evaluate([firewall], UNIVERSE))
    assert {a: {v} for a, v in found.items()} == {a: ways(firewall, a) for a in range(SPACE)}


@given(firewalls(uncertain))
@settings(max_examples=300)
def test_uncertain_rules_never_give_a_verdict_that_another_way_contradicts(firewall):
    blocked = {Verdict.DROPPED, Verdict.REJECTED}
    for address, verdict in verdicts(evaluate([firewall], UNIVERSE)).items():
        possible = ways(firewall, address)
        if verdict is Verdict.ALLOWED:
            assert possible == {Verdict.ALLOWED}
        elif verdict is not Verdict.UNDECIDABLE:
            assert possible <= blocked


@given(firewalls(uncertain, plain=True))
@settings(max_examples=100)
def test_without_returns_undecidable_means_that_both_ways_are_open(firewall):
    for address, verdict in verdicts(evaluate([firewall], UNIVERSE)).items():
        possible = ways(firewall, address)
        assert (verdict is Verdict.UNDECIDABLE) == (Verdict.ALLOWED in possible and len(possible) > 1)


@given(firewalls(uncertain), firewalls(uncertain))
@settings(max_examples=100)
def test_two_layers_allow_only_what_both_allow_and_block_what_one_blocks(one, other):
    both = verdicts(evaluate([one, other], UNIVERSE))
    each = [verdicts(evaluate([f], UNIVERSE)) for f in (one, other)]
    for address, verdict in both.items():
        pair = {e[address] for e in each}
        if verdict is Verdict.ALLOWED:
            assert pair == {Verdict.ALLOWED}
        elif verdict is Verdict.UNDECIDABLE:
            assert Verdict.UNDECIDABLE in pair
            assert not pair & {Verdict.DROPPED, Verdict.REJECTED}


def test_the_deciding_rule_is_named():
    accept, drop = rule(Action.ACCEPT, span(0, 4), name="line 1"), rule(Action.DROP, span(2, 8), name="line 2")
    parts = evaluate([layer(accept, drop)], UNIVERSE)
    assert [(p.sources.pairs, p.verdict, p.place.where) for p in parts] == [
        (((0, 4),), Verdict.ALLOWED, "line 1"),
        (((4, 8),), Verdict.DROPPED, "line 2"),
        (((8, 16),), Verdict.DROPPED, ""),
    ]


def test_what_made_it_undecidable_is_named_with_the_reason():
    (part,) = evaluate([layer(rule(Action.ACCEPT, NOTHING, UNIVERSE, name="line 7"))], UNIVERSE)
    assert (part.verdict, part.place.where, part.why) == (Verdict.UNDECIDABLE, "line 7", "why")


def test_a_rule_that_may_accept_before_one_that_does_is_no_doubt():
    rules = rule(Action.ACCEPT, NOTHING, UNIVERSE), rule(Action.ACCEPT, UNIVERSE)
    (part,) = evaluate([layer(*rules)], UNIVERSE)
    assert part.verdict is Verdict.ALLOWED


def test_dropped_or_rejected_is_blocked_either_way():
    rules = rule(Action.REJECT, NOTHING, UNIVERSE), rule(Action.DROP, UNIVERSE)
    (part,) = evaluate([layer(*rules)], UNIVERSE)
    assert part.verdict is Verdict.DROPPED


def test_alternatives_that_disagree_are_undecidable_and_those_that_agree_are_not():
    open_below = layer(rule(Action.ACCEPT, span(0, 8)), group="acl")
    open_above = layer(rule(Action.ACCEPT, span(4, 12)), group="acl")
    parts = verdicts(evaluate([open_below, open_above], UNIVERSE))
    undecidable, allowed, dropped = (
        [a for a, v in parts.items() if v is kind] for kind in (Verdict.UNDECIDABLE, Verdict.ALLOWED, Verdict.DROPPED)
    )
    assert (undecidable, allowed, dropped) == ([0, 1, 2, 3, 8, 9, 10, 11], [4, 5, 6, 7], [12, 13, 14, 15])


@pytest.mark.parametrize("action", [Action.JUMP, Action.GOTO])
def test_chains_that_call_each_other_end_as_undecidable(action):
    looped = layer(rule(action, UNIVERSE, chain="one"), one=(rule(action, UNIVERSE, chain="main"),))
    assert set(verdicts(evaluate([looped], UNIVERSE)).values()) == {Verdict.UNDECIDABLE}


def test_chains_that_explode_end_as_undecidable(monkeypatch):
    monkeypatch.setattr(module, "MAX_WORK", 2000)
    names = [f"c{n}" for n in range(30)]
    chains = {a: (rule(Action.JUMP, UNIVERSE, chain=b),) * 2 for a, b in itertools.pairwise(names)}
    bomb = layer(rule(Action.JUMP, UNIVERSE, chain="c0"), **chains, c29=())
    assert set(verdicts(evaluate([bomb], UNIVERSE)).values()) == {Verdict.UNDECIDABLE}


def test_a_jump_to_a_chain_that_is_not_there_is_undecidable():
    lost = layer(rule(Action.JUMP, UNIVERSE, chain="nowhere"))
    assert set(verdicts(evaluate([lost], UNIVERSE)).values()) == {Verdict.UNDECIDABLE}
