"""How long it takes to hold 1,000 rules against all of CloudFront's origin-facing addresses, by first match.

Ours reads the rules from iptables-save text and names the deciding rule of every address; `evaluate` is that without
the reading. The peers only compute which addresses a first-match list leaves over, with the arithmetic that people
reach for: `ipaddress.address_exclude`, and netaddr's IPSet where it is installed. All take turns in one run: read the
ratios. The answers have to be the same.
"""

from __future__ import annotations

import ipaddress
import random
import statistics
import time
from collections.abc import Callable
from importlib import import_module, util

from cfrunbook.firewall import address_ranges, dumps, intervals, iptables
from cfrunbook.firewall.evaluate import evaluate
from cfrunbook.firewall.model import Companions, Layer, Question, Verdict
from cfrunbook.firewall.published import LATEST

ROUNDS = 9
RULES = 1000
UNIVERSE = address_ranges.sources(LATEST, 4)


def prefixes() -> list[tuple[str, bool]]:
    """Return the source of each rule and whether it accepts: small prefixes in CloudFront's, and some elsewhere."""
    dice = random.Random(502)
    found = []
    for _ in range(RULES):
        first, after = dice.choice(UNIVERSE.pairs)
        at = dice.randrange(first, after) if dice.random() < 0.7 else dice.randrange(1 << 32)
        found.append((str(ipaddress.ip_network((at, dice.randint(20, 32)), strict=False)), dice.random() < 0.5))
    return found


def text(rules: list[tuple[str, bool]]) -> str:
    """Return the rules as iptables-save prints them."""
    lines = (f"-A INPUT -s {p} -p tcp -m tcp --dport 443 -j {'ACCEPT' if accept else 'DROP'}" for p, accept in rules)
    return "\n".join(["*filter", ":INPUT DROP [0:0]", *lines, "COMMIT"]) + "\n"


def whole(dump: str) -> int:
    """Read the dump, evaluate it, and return how many addresses are allowed."""
    given = dumps.read(dump.encode(), "rules")
    ruleset = iptables.read(given.text, given.name, Question(443, 4), Companions())
    return evaluated(ruleset.layers)


def evaluated(layers: tuple[Layer, ...]) -> int:
    """Return how many of CloudFront's addresses get through."""
    return sum(part.sources.size for part in evaluate(layers, UNIVERSE) if part.verdict is Verdict.ALLOWED)


def excluding(rules: list[tuple[str, bool]]) -> int:
    """Do the same with the standard library's own networks."""
    left = [ipaddress.ip_network(p) for p in intervals.to_networks(UNIVERSE, 4)]
    allowed = 0
    for prefix, accept in rules:
        rule = ipaddress.ip_network(prefix)
        kept = []
        for net in left:
            if not net.overlaps(rule):
                kept.append(net)
            elif net.subnet_of(rule):  # type: ignore[arg-type]
                allowed += net.num_addresses * accept
            else:
                kept += net.address_exclude(rule)  # type: ignore[arg-type]
                allowed += rule.num_addresses * accept
        left = kept
    return allowed


def netaddr_sets(rules: list[tuple[str, bool]]) -> int:
    """Do the same with netaddr."""
    netaddr = import_module("netaddr")
    left = netaddr.IPSet(intervals.to_networks(UNIVERSE, 4))
    allowed = 0
    for prefix, accept in rules:
        rule = netaddr.IPSet([prefix])
        allowed += len(left & rule) * accept
        left -= rule
    return allowed


def main() -> None:
    rules = prefixes()
    dump = text(rules)
    layers = iptables.read(dump, "rules", Question(443, 4), Companions()).layers
    evaluated(layers)  # reads the chains
    table: dict[str, Callable[[], int]] = {
        "cfrunbook, from text": lambda: whole(dump),
        "cfrunbook, evaluate": lambda: evaluated(layers),
        "ipaddress.address_exclude": lambda: excluding(rules),
    }
    if util.find_spec("netaddr"):
        table["netaddr.IPSet"] = lambda: netaddr_sets(rules)
    times: dict[str, list[float]] = {name: [] for name in table}
    answers: dict[str, int] = {}
    for _ in range(ROUNDS):
        for name, call in table.items():
            intervals.network.cache_clear()
            start = time.perf_counter()
            answers[name] = call()
            times[name].append(1000 * (time.perf_counter() - start))
    if len(set(answers.values())) != 1:
        raise SystemExit(f"The answers differ: {answers}")
    base = statistics.median(times["cfrunbook, from text"])
    print(f"{RULES} rules, {UNIVERSE.size:,} addresses in {len(UNIVERSE.pairs)} intervals, median of {ROUNDS} rounds:")
    for name, took in times.items():
        median = statistics.median(took)
        print(f"  {name:28} {median:8.1f} ms  {median / base:6.2f} x")


if __name__ == "__main__":
    main()
