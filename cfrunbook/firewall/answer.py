"""The answer: which of CloudFront's addresses the firewalls let in at a port, and by which rule. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from cfrunbook.errors import BadInput
from cfrunbook.evidence import AddressRanges, FirewallDump
from cfrunbook.firewall import (
    address_ranges,
    cloud_rules,
    dumps,
    intervals,
    ipset,
    iptables,
    kinds,
    network_acls,
    network_policies,
    nftables,
    nginx,
    prefix_lists,
    security_groups,
)
from cfrunbook.firewall.evaluate import evaluate
from cfrunbook.firewall.intervals import Family, Intervals
from cfrunbook.firewall.model import Companions, IpSet, Layer, Part, Place, Question, Ruleset, Verdict, undecidable
from cfrunbook.firewall.published import SERVICE, SOURCE
from cfrunbook.text import visible

BLOCKED = (Verdict.DROPPED, Verdict.REJECTED)
_STRANGER = 0xC6336401, 0x20010DB8 << 96 | 1
"""198.51.100.1 and 2001:db8::1, documentation addresses (RFC 5737, RFC 3849): let in only where everybody is."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What becomes of CloudFront's addresses of one family at one port."""

    question: Question
    universe: Intervals
    parts: tuple[Part, ...]
    """A partition of `universe`, in order of address."""
    notes: tuple[str, ...]
    open_to_all: bool
    """An address that is nobody's is let in too: whoever knows the origin's address gets around CloudFront."""
    layers: tuple[Layer, ...] = field(default=(), repr=False, compare=False)
    """All that CloudFront's packets have to get through."""

    def having(self, *verdicts: Verdict) -> tuple[Part, ...]:
        """Return the parts with one of these verdicts, the largest first."""
        return tuple(sorted((p for p in self.parts if p.verdict in verdicts), key=lambda p: -p.sources.size))

    def blocked_by_each(self, sources: Intervals) -> Iterator[tuple[Layer, tuple[Part, ...]]]:
        """Yield every layer that blocks any of `sources`, also behind another one that does, and what it blocks."""
        for layer in self.layers:
            parts = tuple(p for p in evaluate((replace(layer, group=""),), sources) if p.verdict in BLOCKED)
            if parts:
                yield layer, parts

    def sources(self, *verdicts: Verdict) -> Intervals:
        """Return the addresses that meet one of these verdicts."""
        return Intervals.of(pair for part in self.having(*verdicts) for pair in part.sources.pairs)

    @property
    def blocked(self) -> Intervals:
        """The addresses that certainly do not get in."""
        return self.sources(*BLOCKED)

    @property
    def undecidable(self) -> Intervals:
        """The addresses of which the dumps do not tell."""
        return self.sources(Verdict.UNDECIDABLE)

    @property
    def verdict(self) -> str:
        """`allowed`, `blocked`, `some blocked` or `undecidable`: what is certain comes first."""
        if self.blocked:
            return "blocked" if self.blocked == self.universe else "some blocked"
        return "undecidable" if self.undecidable else "allowed"


@lru_cache(maxsize=64)
def ask(given: tuple[FirewallDump, ...], ranges: AddressRanges, question: Question) -> Answer:
    """Return what becomes of CloudFront's addresses behind all of the dumps `given`.

    Raises BadInput, in one sentence, for a dump that cannot be read.
    """
    universe = address_ranges.sources(ranges, question.family)
    if not universe:  # nothing is not allowed
        raise BadInput(
            f"Address ranges: the list has no IPv{question.family} prefix of the service {SERVICE}; fetch it again:"
            f" curl -sO {SOURCE}."
        )
    companions = _companions(given, ranges)
    layers: list[Layer] = []
    notes: list[str] = []
    if_allowed: list[str] = []
    for ruleset in _rulesets(given, question, companions):
        layers += ruleset.layers
        notes += ruleset.notes
        if_allowed += ruleset.if_allowed
    if not layers:
        place = Place(", ".join(visible(d.name, 60) for d in given[:3]), "", "no rule for this")
        layers = [undecidable("firewall", place, f"none of the dumps says anything about IPv{question.family}")]
    number = _STRANGER[question.family == 6]
    stranger = evaluate(layers, Intervals(((number, number + 1),)))
    parts = evaluate(layers, universe)
    if any(part.verdict is Verdict.ALLOWED for part in parts):
        notes += if_allowed
    return Answer(
        question=question,
        universe=universe,
        parts=parts,
        notes=tuple(dict.fromkeys(notes)),
        open_to_all=all(p.verdict is Verdict.ALLOWED for p in stranger),
        layers=tuple(layers),
    )


def _rulesets(given: Sequence[FirewallDump], question: Question, companions: Companions) -> list[Ruleset]:
    """Return what each dump says; those of security groups say it together."""
    found = []
    groups = [d for d in given if d.kind in ("security_groups", "security_group_rules")]
    if groups:
        named = [(visible(d.name, 120), dumps.mapping(d)) for d in groups]
        found.append(security_groups.read(named, question, companions))
    tables = [d for d in given if d.kind == "iptables"]
    if tables and not any(iptables.family_of(d.text) == question.family for d in tables):
        tool = "iptables-save" if question.family == 4 else "ip6tables-save"
        place = Place(visible(tables[0].name, 120), "", f"it has no rules for IPv{question.family}")
        why = f"this host's rules for IPv{question.family} are not in it: give the output of {tool} too"
        found.append(Ruleset((undecidable(tool, place, why),)))
    found += _hidden(given, tables, question)
    for dump in given:
        file = visible(dump.name, 120)
        match dump.kind:
            case "iptables":
                found.append(iptables.read(dump.text, file, question, companions))
            case "nginx":
                found.append(nginx.read(dump.text, file, question, companions))
            case "nftables":
                found.append(nftables.read(dumps.mapping(dump), file, question, companions))
            case "network_acls":
                found.append(network_acls.read(dumps.mapping(dump), file, question, companions))
            case "network_policies":
                found.append(network_policies.read(dumps.mapping(dump), file, question, companions))
            case "google":
                found.append(cloud_rules.read_google(dumps.document(dump), file, question, companions))
            case "azure":
                found.append(cloud_rules.read_azure(dumps.document(dump), file, question, companions))
    return found


def _hidden(given: Sequence[FirewallDump], tables: Sequence[FirewallDump], question: Question) -> Iterator[Ruleset]:
    """Yield what iptables-save says is in force and does not show: packets have to get through that too."""
    mine = [d for d in tables if iptables.family_of(d.text) == question.family]
    tool = "iptables" if question.family == 4 else "ip6tables"
    for dump in mine:
        place = Place(visible(dump.name, 120), "", "a remark of iptables-save about tables that it does not show")
        if f"{tool}-legacy tables present" in dump.text and len(mine) == 1:
            why = f"the tables of {tool}-legacy are in force as well: give the output of {tool}-legacy-save too"
            yield Ruleset((undecidable(f"{tool}-legacy", place, why),))
        if "is incompatible, use 'nft' tool" in dump.text and not any(d.kind == "nftables" for d in given):
            why = "there are tables of nft's own: give the output of nft -j list ruleset too"
            yield Ruleset((undecidable("nftables", place, why),))


def _companions(given: Sequence[FirewallDump], ranges: AddressRanges) -> Companions:
    names: dict[str, str] = {}
    entries: dict[str, tuple[str, ...]] = {}
    sets: dict[str, IpSet] = {}
    for dump in given:
        if dump.kind == "prefix_lists":
            names |= prefix_lists.names_of(dumps.mapping(dump), dump.name)
        elif dump.kind == "prefix_list_entries":
            for key, cidrs in prefix_lists.entries_of(dumps.mapping(dump), dump.name).items():
                if key in entries:
                    raise BadInput(
                        f"Firewall: {visible(dump.name, 60)}: of which prefix list these entries are is not clear; name"
                        " the file by the list's id, such as pl-3b927c52.json."
                    )
                entries[key] = cidrs
        elif dump.kind == "ipset":
            sets |= ipset.read(dump.text)
    families: tuple[Family, ...] = (4, 6)
    return Companions(
        cloudfront={family: address_ranges.sources(ranges, family) for family in families},
        prefix_list_names=names,
        prefix_list_entries=entries,
        ip_sets=sets,
    )


def decides(given: Sequence[FirewallDump]) -> bool:
    """Tell whether any of the dumps has rules of its own."""
    return any(dump.kind not in kinds.COMPANIONS for dump in given)


def share(some: Intervals, of: Intervals, family: Family) -> str:
    """Return `36,864 of 343,616 addresses (10.7 %)`; of IPv6, where numbers tell nothing, the share."""
    if some == of:
        return f"all {of.size:,} addresses" if family == 4 else "all of the IPv6 addresses"
    percent = 100 * some.size / of.size if of.size else 0.0
    shown = f"{percent:.1f} %"
    if some and shown == "0.0 %":
        shown = "less than 0.1 %"
    elif some.size < of.size and shown == "100.0 %":
        shown = "more than 99.9 %"
    if family == 4:
        return f"{some.size:,} of {of.size:,} addresses ({shown})"
    return f"{shown} of the IPv6 addresses"


def prefixes(these: Intervals, family: Family) -> list[str]:
    """Return the prefixes of a set, those of the larger part first come in order of address."""
    return list(intervals.to_networks(these, family))
