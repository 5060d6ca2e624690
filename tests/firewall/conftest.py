"""Ask what rules say of single addresses, so that the tests read like tables of cases."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from cfrunbook.evidence import AddressRanges, FirewallDump
from cfrunbook.firewall import answer, dumps
from cfrunbook.firewall.model import Question

Told = Callable[..., str]
RANGES = AddressRanges(
    create_date="2026-08-22-15-17-05", ipv4=("192.0.2.0/24", "198.51.100.0/24"), ipv6=("2001:db8::/32",)
)


def dumped(given: Any, name: str = "rules") -> FirewallDump:
    """Return the dump of a text or of a JSON document."""
    text = given if isinstance(given, str) else json.dumps(given)
    return dumps.read(text.encode(), name)


def asked(*given: Any, port: int = 443, family: int = 4, **question: str) -> answer.Answer:
    """Return what rules say of `RANGES`."""
    found = tuple(g if isinstance(g, FirewallDump) else dumped(g, f"rules-{n}") for n, g in enumerate(given, 1))
    return answer.ask(found, RANGES, Question(port, family, **question))


def verdicts(found: answer.Answer) -> str:
    """Return the verdicts in order of address, such as `allowed dropped`."""
    cuts = sorted((pair, part.verdict.value) for part in found.parts for pair in part.sources.pairs)
    said = [verdict for _, verdict in cuts]
    return " ".join(v for n, v in enumerate(said) if n == 0 or v != said[n - 1])


@pytest.fixture
def ask() -> Callable[..., answer.Answer]:
    return asked


@pytest.fixture
def told() -> Told:
    return lambda *given, **question: verdicts(asked(*given, **question))


@pytest.fixture
def dump() -> Callable[..., FirewallDump]:
    return dumped
