"""`nft -j list ruleset`: base chains in the order of their hooks and priorities, with sets, maps and jumps.

An accept in one base chain does not stop later ones, a drop does, so each base chain is something to get through, for
what comes in and for the answers on their way out.
https://wiki.nftables.org/wiki-nftables/index.php/Configuring_chains and libnftables-json(5)
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cfrunbook.errors import BadInput
from cfrunbook.firewall import intervals
from cfrunbook.firewall.evaluate import decided
from cfrunbook.firewall.intervals import Intervals, Pair
from cfrunbook.firewall.model import (
    Action,
    Chain,
    Companions,
    Layer,
    Match,
    Place,
    Question,
    Room,
    Rule,
    Ruleset,
    Verdict,
    shorten,
    undecidable,
    yes,
)
from cfrunbook.firewall.nftables_matches import Matcher, perhaps_xt
from cfrunbook.firewall.packets import ANSWERS, ASK_INTERFACE, LATER, Packet
from cfrunbook.text import join_names, visible

_BEFORE, _AT_HOME, _ONWARD, _OUT = ("ingress", "prerouting"), "input", "forward", ("output", "postrouting")
_FAMILIES = {4: ("ip", "inet", "netdev"), 6: ("ip6", "inet", "netdev")}
_VERDICTS = {
    "accept": Action.ACCEPT, "drop": Action.DROP, "reject": Action.REJECT, "return": Action.RETURN,
    "jump": Action.JUMP, "goto": Action.GOTO, "queue": Action.UNKNOWN, "synproxy": Action.UNKNOWN,
    "fwd": Action.UNKNOWN, "tproxy": Action.UNKNOWN,
}  # fmt: skip
_PASSING = frozenset({
    "continue", "counter", "log", "mangle", "notrack", "ct helper", "ct timeout",
    "ct expectation", "flow", "dup", "comment", "masquerade", "snat", "secmark", "reset", "last",
})  # fmt: skip
"""Statements after which the packet goes on to the next one."""
_LIMITS = frozenset({"limit", "quota", "ct count", "meter"})


@dataclass(frozen=True, slots=True)
class _Base:
    """A base chain: where in the packet's way it stands."""

    key: str
    type: str
    hook: str
    priority: int
    policy: str
    place: Place
    devices: tuple[str, ...] = ()
    """The interfaces whose packets come here; none named: all."""


@dataclass(frozen=True, slots=True)
class _Raw:
    """A rule as it stands in the dump."""

    where: str
    chain: str
    family: str
    table: str
    statements: list[Any]


def read(document: Mapping[str, Any], file: str, question: Question, companions: Companions) -> Ruleset:
    """Return what a packet must get through. Raises BadInput for what is no ruleset."""
    del companions
    return _Reading(document, file, question).ruleset()


class _Reading:
    """One ruleset, read for one question."""

    def __init__(self, document: Mapping[str, Any], file: str, question: Question) -> None:
        self.file, self.question = file, question
        self.bases: list[_Base] = []
        self.rules: dict[str, list[_Raw]] = {}
        self.sets: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = {}
        self.matchers: dict[tuple[str, str, Packet], Matcher] = {}
        self.marks = False
        self.tables: set[tuple[str, str]] = set()
        wanted = _FAMILIES[question.family]
        for number, item in enumerate(document["nftables"]):
            where = f"nftables[{number}]"
            if not isinstance(item, Mapping) or len(item) != 1:
                raise BadInput(f"Firewall: {file}, {where}: this is no object of nft -j list ruleset.")
            ((kind, body),) = item.items()
            if kind in ("chain", "rule", "set", "map") and not isinstance(body, Mapping):
                raise BadInput(f"Firewall: {file}, {where}: {visible(kind, 20)} is not an object.")
            if kind in ("table", "chain", "rule") and isinstance(body, Mapping):
                name = body.get("name" if kind == "table" else "table")
                self.tables.add((visible(body.get("family"), 20), visible(name, 60)))
            if kind in ("chain", "rule", "set", "map") and body.get("family") in wanted:
                self._take(kind, body, where)
        self.packet = Packet(
            question.port,
            question.family,
            question.interface,
            question.destination,
            mark=None if self.marks else 0,
        )

    def _take(self, kind: str, body: Mapping[str, Any], where: str) -> None:
        family, table = str(body.get("family")), str(body.get("table"))
        if kind == "chain":
            key = _key(family, table, str(body.get("name")))
            self.rules.setdefault(key, [])
            if "hook" in body:
                self.bases.append(self._base(key, body, where))
        elif kind == "rule":
            statements = body.get("expr", [])
            if not isinstance(statements, list):
                raise BadInput(f"Firewall: {self.file}, {where}: expr is not a list.")
            self.marks = self.marks or any(_sets_mark(s) for s in statements)
            chain = str(body.get("chain"))
            raw = _Raw(where, chain, family, table, statements)
            self.rules.setdefault(_key(family, table, chain), []).append(raw)
        else:
            self.sets.setdefault((family, table), {})[str(body.get("name"))] = body

    def _base(self, key: str, body: Mapping[str, Any], where: str) -> _Base:
        priority, policy = body.get("prio", 0), str(body.get("policy", "accept"))
        if not isinstance(priority, int) or isinstance(priority, bool):
            raise BadInput(f"Firewall: {self.file}, {where}: prio is not a whole number.")
        place = Place(self.file, where, f"policy {visible(policy, 20)} of chain {visible(key, 120)}", is_policy=True)
        given = body.get("dev", ())
        devices = tuple(map(str, given)) if isinstance(given, list) else (given,) if isinstance(given, str) else ()
        return _Base(key, str(body.get("type", "filter")), str(body.get("hook")), priority, policy, place, devices)

    def ruleset(self) -> Ruleset:
        """Return the layers in the order in which a packet comes to them."""
        bases = sorted(self.bases, key=lambda b: b.priority)
        layers = [
            layer for h in _BEFORE for b in bases if _filters(b, h) for layer in self._layers(b, self.packet, None)
        ]
        nats = [b for b in bases if b.type == "nat" and b.hook == "prerouting"]
        ways: dict[str, list[Pair]] = {}
        left = intervals.everything(self.question.family)
        for nat in nats:
            passed = []
            for pair, verdict, place, tag, why in decided(self._layer(nat, self.packet, None), left):
                if verdict is Verdict.UNDECIDABLE:
                    says = f"whether nat sends this connection elsewhere is not known: {why}"
                    one = undecidable(visible(nat.key, 120), place, says)
                    layers.append(replace(one, within=Intervals((pair,))))
                elif verdict is not Verdict.ALLOWED:
                    name = f"nftables {visible(nat.key, 120)}"
                    layers.append(Layer(name, "", {}, verdict, place, within=Intervals((pair,))))
                elif tag:
                    ways.setdefault(tag, []).append(pair)
                else:
                    passed.append(pair)
            left = Intervals.of(passed)
        here = None if left == intervals.everything(self.question.family) else left
        layers += self._hooked(bases, _AT_HOME, self.packet, here)
        layers += self._answers(bases, _OUT, self.packet, here)
        sent = []
        for tag, pairs in ways.items():
            address, _, port = tag.partition("|")
            number = int(port) if port else self.packet.port
            packet = replace(self.packet, port=number, original_port=self.packet.port)
            if address:
                packet = replace(packet, destination=address, forwarded=True)
                sent.append(f"{address} port {number}")
            layers += self._hooked(bases, _ONWARD if address else _AT_HOME, packet, Intervals.of(pairs))
            layers += self._answers(bases, (_ONWARD,) if address else _OUT, packet, Intervals.of(pairs))
        notes = (
            (f"{self.file} sends port {self.question.port} on to {', '.join(sent)}: forward counts.",) if sent else ()
        )
        return Ruleset(tuple(layers), notes, self._taken_for_the_whole())

    def _taken_for_the_whole(self) -> tuple[str, ...]:
        """Return what is assumed of a dump with a single table: nft prints one table and a whole ruleset alike."""
        if len(self.tables) != 1:
            return ()
        ((family, name),) = self.tables
        return (
            f"The table {family} {name} of {self.file} is taken for the whole ruleset: if it is what nft -j list table"
            " prints, another table may block too, and nft -j list ruleset has them all.",
        )

    def _hooked(self, bases: Iterable[_Base], hook: str, packet: Packet, within: Intervals | None) -> Iterator[Layer]:
        found = [layer for b in bases if _filters(b, hook) for layer in self._layers(b, packet, within)]
        if not found:
            place = Place(self.file, "", f"the ruleset has no chain at hook {hook} for IPv{packet.family}")
            found = [Layer(f"nftables {hook}", "", {}, Verdict.ALLOWED, place, within=within)]
        yield from found

    def _answers(
        self, bases: Iterable[_Base], hooks: Iterable[str], packet: Packet, within: Intervals | None
    ) -> Iterator[Layer]:
        """Yield what the answers must get through on their way out: nothing where no chain is hooked there."""
        back = replace(packet, answering=True)
        kinds = ("filter", "route")  # a chain of the type route drops too
        found = (b for h in hooks for b in bases if b.type in kinds and b.hook == h)
        return (layer for b in found for layer in self._layers(b, back, within))

    def _layers(self, base: _Base, packet: Packet, within: Intervals | None) -> Iterator[Layer]:
        """Yield what a base chain does to the first packet of one way and to those that follow."""
        comes = [packet.comes_in_by(device, wildcard="*") for device in base.devices]
        for one in (packet, replace(packet, established=True)):
            layer = self._layer(base, one, within)
            if not comes or True in comes:
                yield layer
            elif None in comes:  # through this chain or past it
                why = ASK_INTERFACE.format(visible(join_names(list(base.devices), 3), 60))
                past = Layer(layer.name, "", {}, Verdict.ALLOWED, layer.policy_place, within=within)
                yield replace(layer, group=layer.name, group_why=why)
                yield replace(past, group=layer.name, group_why=why)

    def _layer(self, base: _Base, packet: Packet, within: Intervals | None) -> Layer:
        later = ANSWERS * packet.answering + LATER * packet.established
        place = replace(base.place, text=base.place.text + later)
        return Layer(
            name=f"nftables {visible(base.key, 120)}{later}",
            entry=base.key,
            chains=_Chains(self, packet),
            policy=Verdict.DROPPED if base.policy == "drop" else Verdict.ALLOWED,
            policy_place=place,
            within=within,
            room=Room(names=self._names(base), translated=bool(packet.original_port)),
        )

    def _names(self, base: _Base) -> frozenset[str]:
        family, table, *_ = base.key.split(" ")
        return frozenset(self.sets.get((family, table), ()))

    def _matcher(self, family: str, table: str, packet: Packet) -> Matcher:
        key = family, table, packet
        if key not in self.matchers:
            self.matchers[key] = Matcher(packet, self.sets.get((family, table), {}))
        return self.matchers[key]

    def compiled(self, raw: _Raw, packet: Packet) -> Iterator[Rule]:
        """Yield what a rule does to `packet`: several where a verdict map decides by a value."""
        matcher = self._matcher(raw.family, raw.table, packet)
        match = yes(packet.family)
        place = Place(self.file, f"{raw.where}.rule", shorten(_shown(raw)))
        hidden: Match | None = None  # a part of iptables of which not even the name is shown: perhaps the target
        for statement in raw.statements:
            if not match.may:
                return
            if not isinstance(statement, Mapping) or not statement:
                raise BadInput(f"Firewall: {self.file}, {raw.where}: expr holds what is no statement.")
            kind, body = next(iter(statement.items()))
            if kind == "match":
                match = match & matcher.match(body)
            elif kind in ("set", "map"):
                if isinstance(body, Mapping) and body.get("stmt"):
                    match = match & matcher.unknown("a limit for each address depends on how many packets came before")
            elif kind in _LIMITS:
                match = match & matcher.unknown(f"`{kind}` depends on how many packets came before")
            elif kind == "xt":
                found = perhaps_xt(body, packet.family)
                hidden = found if not isinstance(body, Mapping) else hidden
                if found is not None:
                    match = match & found
                    if isinstance(body, Mapping) and body.get("type") == "target":
                        yield Rule(place, Action.UNKNOWN, found & match)
                        return
            elif kind == "vmap":
                for key_match, verdict in matcher.verdicts(body):
                    yield from self._verdict(place, verdict, match & key_match, raw)
            elif kind in ("dnat", "redirect"):
                yield self._sent(place, kind, body, match, packet)
                return
            elif kind in _VERDICTS:
                yield from self._verdict(place, statement, match, raw)
                return
            elif kind not in _PASSING:
                why = f"what `{visible(kind, 40)}` does is not evaluated"
                yield Rule(place, Action.UNKNOWN, replace(match, why=match.why or why))
                return
        if hidden is not None:
            yield Rule(place, Action.UNKNOWN, match)

    def _verdict(self, place: Place, verdict: Any, match: Match, raw: _Raw) -> Iterator[Rule]:
        kind, body = next(iter(verdict.items())) if isinstance(verdict, Mapping) and verdict else ("", None)
        action = _VERDICTS.get(kind)
        if action is None:
            if kind != "continue":
                yield Rule(place, Action.UNKNOWN, replace(match, why="a verdict that is not understood"))
            return
        chain = ""
        if action in (Action.JUMP, Action.GOTO):
            target = body.get("target") if isinstance(body, Mapping) else body
            chain = _key(raw.family, raw.table, str(target))
        elif action is Action.UNKNOWN:
            match = replace(match, why=match.why or f"what `{kind}` does with the packet is not in the ruleset")
        yield Rule(place, action, match, chain)

    def _sent(self, place: Place, kind: str, body: Any, match: Match, packet: Packet) -> Rule:
        """Return the rule of a dnat or redirect, its tag `address|port`."""
        given = body if isinstance(body, Mapping) else {}
        address, port = given.get("addr", ""), given.get("port", "")
        try:
            if kind == "dnat" and address:
                family, number = intervals.address(str(address))
                address = intervals.show(number, family)
            known = port == "" or str(port).isdecimal()
        except ValueError:
            known = False
        if not known or (kind == "dnat" and not address and not port):
            return Rule(
                place, Action.UNKNOWN, replace(match, why=f"where this {kind} leads is not one address and port")
            )
        return Rule(place, Action.ACCEPT, match, tag=f"{address if kind == 'dnat' else ''}|{port or packet.port}")


class _Chains(Mapping[str, Chain]):
    """The chains of a ruleset, each read when a packet first comes there."""

    def __init__(self, reading: _Reading, packet: Packet) -> None:
        self._reading, self._packet = reading, packet
        self._read: dict[str, Chain] = {}

    def __getitem__(self, key: str) -> Chain:
        if key not in self._read:
            raws = self._reading.rules[key]
            rules = (rule for raw in raws for rule in self._reading.compiled(raw, self._packet))
            if self._packet.answering:  # a reject tells this machine alone
                rules = (replace(r, action=Action.DROP) if r.action is Action.REJECT else r for r in rules)
            self._read[key] = Chain(tuple(r for r in rules if r.match.may))
        return self._read[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._reading.rules)

    def __len__(self) -> int:
        return len(self._reading.rules)

    def __contains__(self, key: object) -> bool:
        return key in self._reading.rules


def _filters(base: _Base, hook: str) -> bool:
    return base.type == "filter" and base.hook == hook


def _key(family: str, table: str, chain: str) -> str:
    return f"{family} {table} {chain}"


def _sets_mark(statement: Any) -> bool:
    if not isinstance(statement, Mapping):
        return False
    if "mangle" in statement:
        return "mark" in json.dumps(statement["mangle"], default=str)
    target = statement.get("xt")
    return isinstance(target, Mapping) and target.get("type") == "target"


def _shown(raw: _Raw) -> str:
    """Return a rule nearly as nft writes it."""
    return f"{raw.family} {raw.table} {raw.chain}: " + " ".join(_word(s) for s in raw.statements[:20])


def _word(node: Any, depth: int = 0) -> str:
    if depth > 8:
        return "…"
    match node:
        case {"match": {"left": left, "right": right, "op": op}}:
            shown = "" if op in ("==", "in") else f"{op} "
            return f"{_word(left, depth + 1)} {shown}{_word(right, depth + 1)}"
        case {"payload": {"protocol": protocol, "field": name}}:
            return f"{protocol} {name}"
        case {"meta": {"key": key}} | {"ct": {"key": key}}:
            return f"{'ct ' if 'ct' in node else ''}{key}"
        case {"prefix": {"addr": address, "len": length}}:
            return f"{address}/{length}"
        case {"range": [first, last]}:
            return f"{first}-{last}"
        case {"set": list(items)} | list(items):
            more = ", …" if len(items) > 4 else ""
            return "{ " + ", ".join(_word(i, depth + 1) for i in items[:4]) + more + " }"
        case {"jump": {"target": target}} | {"goto": {"target": target}}:
            return f"{next(iter(node))} {target}"
        case {"elem": {"val": value}}:
            return _word(value, depth + 1)
        case {"counter": _}:
            return "counter"
        case Mapping() if len(node) == 1 and next(iter(node.values())) is None:
            return str(next(iter(node)))
        case str() | int():
            return str(node)
        case _:
            return json.dumps(node, ensure_ascii=False, default=str)[:120]
