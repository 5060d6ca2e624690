"""Within the cause "port": what the rules of the firewalls before the origin mean for CloudFront's addresses.

The rules are an input, not seen at work: what they drop is 504, what they reject is 502. Where nginx denies, TCP
and TLS are fine: its 403 is passed on as 403, which is a warning, no cause of a 502 and no end of CloudFront's way.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/LocationsOfEdgeServers.html
"""

from __future__ import annotations

import datetime as dt
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

from cfrunbook.causes import port_firewall_rules as rules
from cfrunbook.causes.case import Case
from cfrunbook.causes.port_firewall_rules import RULES
from cfrunbook.cloudfront.targets import Target
from cfrunbook.errors import BadInput
from cfrunbook.evidence import AddressRanges, FirewallDump, ResolutionOutcome
from cfrunbook.findings import Evidence, Finding, Remedy, Rule, Step
from cfrunbook.firewall import address_ranges, answer, intervals, kinds, remedies
from cfrunbook.firewall.answer import BLOCKED, Answer
from cfrunbook.firewall.intervals import Family, Intervals
from cfrunbook.firewall.model import Part, Question, Verdict
from cfrunbook.firewall.nginx import FORBIDDEN
from cfrunbook.firewall.published import LATEST
from cfrunbook.text import join_names, visible

__all__ = ["RULES", "answers", "ask_each", "judge", "judge_case"]

_FAMILIES: dict[str, tuple[Family, ...]] = {"ipv4": (4,), "ipv6": (6,), "dualstack": (4, 6)}
_MAX_EVIDENCE = 8
_SHOWN_PREFIXES = 3
_LOOK = "look at this rule where it is in force: what it does to CloudFront depends on more than the dump holds"
_EFFECTS = {
    0: "Dropped packets get no answer: CloudFront tries {attempts} x {timeout} s in vain and answers 504.",
    502: "A rejected connection fails at once: CloudFront answers 502.",
}


def judge_case(case: Case) -> tuple[Finding, ...]:
    """Judge what the firewalls say of a target; nothing where no rules were given, or CloudFront comes another way."""
    if not case.firewall or case.target.not_probed:
        return ()
    families = _FAMILIES[case.target.ip_address_type]
    known = [r for r in case.resolutions if r.outcome is ResolutionOutcome.ANSWER]
    if known and not any(r.ipv6 for r in known) and len(families) > 1:
        families = (4,)  # without an IPv6 address nobody connects by IPv6
    return judge(
        case.firewall,
        target=case.target,
        at=case.at,
        ranges=case.address_ranges,
        families=families,
        interface=case.interface,
        destination=case.destination,
    )


def judge(
    dumps: tuple[FirewallDump, ...],
    *,
    target: Target,
    at: dt.datetime,
    ranges: AddressRanges | None = None,
    families: Sequence[Family] = (4,),
    interface: str = "",
    destination: str = "",
) -> tuple[Finding, ...]:
    """Judge what the rules of `dumps` let in at a target's port, family by family. Pure; `at` is aware.

    `interface` and `destination` say how packets come to the firewall's machine, where that is known.
    """
    listed = ranges or LATEST
    common: dict[str, Any] = {
        "host": target.domain,
        "port": target.port,
        "type": target.ip_address_type,
        "how": "".join(
            f" --{name} {shlex.quote(value)}"
            for name, value in (("interface", interface), ("destination", destination))
            if value
        ),
        "files": " ".join(shlex.quote(visible(d.path or d.name, 400)) for d in dumps[:20]),
        "ranges": f"{address_ranges.describe(listed, at)}, {listed.source or 'given'}",
    }
    found: list[Finding] = []
    for family in families:
        try:
            told = answer.ask(dumps, listed, _question(target.port, family, interface, destination))
        except BadInput as error:
            why = str(error)
            one = rules.UNREADABLE.finding(target=target.id, evidence=_inputs(dumps), **common, why=why, notes="")
            return (*found, one)
        found += _findings(told, listed, target, common)
    return tuple(found)


def answers(case: Case) -> tuple[Answer, ...]:
    """Return what the firewalls say of a target in each family that counts; for a picture. Raises BadInput."""
    if not case.firewall or case.target.not_probed:
        return ()
    return ask_each(
        case.firewall,
        case.address_ranges or LATEST,
        case.target.port,
        case.target.ip_address_type,
        interface=case.interface,
        destination=case.destination,
    )


def ask_each(
    dumps: tuple[FirewallDump, ...],
    ranges: AddressRanges,
    port: int,
    ip_address_type: str,
    *,
    interface: str = "",
    destination: str = "",
) -> tuple[Answer, ...]:
    """Return what the rules say in each family of an IpAddressType. Raises BadInput, also for a bad destination."""
    return tuple(
        answer.ask(dumps, ranges, _question(port, family, interface, destination))
        for family in _FAMILIES[ip_address_type]
    )


def _question(port: int, family: Family, interface: str, destination: str) -> Question:
    """Return the question of one family; a destination of the other family says nothing about it. Raises BadInput."""
    if not destination:
        return Question(port, family, interface)
    try:
        kind, _ = intervals.address(destination)
    except ValueError:
        raise BadInput(f"Firewall: the destination '{visible(destination, 60)}' is no IP address.") from None
    return Question(port, family, interface, destination if kind == family else "")


def _findings(told: Answer, ranges: AddressRanges, target: Target, common: dict[str, Any]) -> Iterator[Finding]:
    family = told.question.family
    common = {**common, "family": f"IPv{family}", "notes": "".join(f" {n}" for n in told.notes)}
    parts = told.having(*BLOCKED)
    refused = [p for p in parts if p.status == FORBIDDEN]
    if cut := [p for p in parts if p.status != FORBIDDEN]:
        yield _blocked(told, cut, ranges, target, common)
    if refused:
        remedy = _remedy(told, refused)
        yield _finding(rules.FORBIDS, told, refused, target, common, remedy=remedy, confidence="medium")
    if told.undecidable:
        parts = told.having(Verdict.UNDECIDABLE)
        why, _, ask = parts[0].why.partition(": ")
        yield _finding(
            rules.UNDECIDABLE,
            told,
            parts,
            target,
            common,
            why=_sentence(why or "nothing tells"),
            ask=_sentence(ask or _LOOK),
        )
    if not told.blocked and not told.undecidable:
        yield _finding(rules.ALLOWS, told, told.having(Verdict.ALLOWED), target, common)
        if told.open_to_all:
            yield _finding(rules.OPEN_TO_ALL, told, told.having(Verdict.ALLOWED), target, common)


def _blocked(
    told: Answer, parts: Sequence[Part], ranges: AddressRanges, target: Target, common: dict[str, Any]
) -> Finding:
    sources = Intervals.of(pair for part in parts for pair in part.sources.pairs)
    rejected = parts[0].verdict is Verdict.REJECTED
    status = (parts[0].status or 502) if rejected else 0
    effect = _EFFECTS.get(status, _EFFECTS[502]).format(
        attempts=target.connection_attempts, timeout=target.connection_timeout
    )
    both = {p.verdict for p in parts}
    does = "drops or rejects" if len(both) > 1 else "rejects" if rejected else "drops"
    older = address_ranges.lacked_by(sources, ranges, told.question.family)
    rule = rules.BLOCKS_ALL if sources == told.universe else rules.STALE_LIST if older else rules.BLOCKS_SOME
    made = address_ranges.published_at(older) if older else None
    return _finding(
        rule,
        told,
        parts,
        target,
        common,
        cloudfront_status=status or 504,
        remedy=_remedy(told, parts),
        does=does,
        effect=effect,
        older=f"{made:%Y-%m-%d}" if made else "",
        intermittent=rule is not rules.BLOCKS_ALL,
        confidence="medium",  # the rules are given; that they are the ones at work is taken from that
    )


def _remedy(told: Answer, parts: Sequence[Part]) -> Remedy:
    return Remedy(kind="steps", steps=tuple(map(_escaped, remedies.steps(told, parts))))


def _finding(
    rule: Rule, told: Answer, parts: Sequence[Part], target: Target, common: dict[str, Any], **more: Any
) -> Finding:
    family = told.question.family
    these = Intervals.of(pair for part in parts for pair in part.sources.pairs)
    prefixes = intervals.to_networks(these, family)
    options = {key: more.pop(key) for key in ("cloudfront_status", "remedy") if key in more}
    return rule.finding(
        target=target.id,
        evidence=[_evidence(part, told) for part in parts[:_MAX_EVIDENCE]],
        **options,
        **common,
        **more,
        rule=visible(parts[0].place, 260) + (f" (and {len(parts) - 1} more)" if len(parts) > 1 else ""),
        share=answer.share(these, told.universe, family),
        affected=str(these.size),
        total=str(told.universe.size),
        networks=list(prefixes[:200]),
        prefixes=join_names(list(prefixes), _SHOWN_PREFIXES),
    )


def _evidence(part: Part, told: Answer) -> Evidence:
    family = told.question.family
    prefixes = join_names(list(intervals.to_networks(part.sources, family)), _SHOWN_PREFIXES)
    says = f"{part.verdict.value}: {prefixes} ({answer.share(part.sources, told.universe, family)}): {part.place}"
    return Evidence(observation="input:firewall", says=visible(says, 500))


def _inputs(dumps: Sequence[FirewallDump]) -> list[Evidence]:
    return [
        Evidence(observation="input:firewall", says=f"{d.name}: {kinds.title(d.kind)}") for d in dumps[:_MAX_EVIDENCE]
    ]


def _escaped(step: Step) -> Step:
    """Return a step that says the same once a rule has filled it in: the values are in it already."""
    return Step(text=_braces(step.text), command=_braces(step.command))


def _braces(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _sentence(clause: str) -> str:
    return clause[:1].upper() + clause[1:].rstrip(".")
