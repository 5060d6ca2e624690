"""Which incidents a seed draws: the same ones for everybody who has the same seed and the same version.

What people see of a drawn incident is a token. It says how to draw again, and no scenario's name.
"""

from __future__ import annotations

import base64
import binascii
import random
from collections.abc import Sequence
from typing import Final

import msgspec

from cfrunbook.errors import BadInput
from cfrunbook.findings import Struct
from cfrunbook.lab import DEFAULT, catalogue
from cfrunbook.lab.scenario import Scenario
from cfrunbook.lab.scenarios import configured, function_results
from cfrunbook.text import visible

MOST: Final = 50
"""Incidents in one exam."""
LARGEST_SEED: Final = 2**63 - 1

_HEALTHY: Final = "none"
_RARE: Final = frozenset({"distribution", "cloudfront"})
"""No documented causes of a 502, but places where one can be; each comes once the others have had their turn."""
_MARK: Final = "exam-"


class Draw(Struct, frozen=True, kw_only=True):
    """What decides which incidents there are."""

    seed: int
    count: int = 3
    cause: str = ""
    """A cause of `Cause`; empty: all of them, and incidents in which nothing is broken."""
    difficulty: str = ""

    def check(self) -> Draw:
        """Return this, in order. Raises BadInput."""
        if not 1 <= self.count <= MOST:
            raise BadInput(f"Exam: {self.count} incidents are not possible; 1 to {MOST} are.")
        if not 0 <= self.seed <= LARGEST_SEED:
            raise BadInput(f"Exam: a seed is a number from 0 to {LARGEST_SEED}.")
        catalogue.choose(cause=self.cause, difficulty=self.difficulty)
        return self


def incidents(draw: Draw) -> tuple[Scenario, ...]:
    """Return the scenarios of a draw, none twice; fewer than wanted where there are no more. Raises BadInput.

    The seven causes, and incidents in which nothing is broken, take turns, so that there is something of everything;
    of what shows on paper only, and of functions' results, which are many and alike, there is one for every three
    others.
    """
    draw.check()
    dice = random.Random(f"{draw.seed} {draw.cause} {draw.difficulty}")  # noqa: S311 - nothing secret is made of it
    left = _by_cause(catalogue.choose(cause=draw.cause, difficulty=draw.difficulty), dice)
    drawn: list[Scenario] = []
    while left and len(drawn) < draw.count:
        turns = sorted(left)
        dice.shuffle(turns)
        for cause in sorted(turns, key=lambda cause: cause in _RARE):
            drawn.append(left[cause].pop())
            if not left[cause]:
                del left[cause]
    return tuple(drawn[: draw.count])


def _by_cause(scenarios: Sequence[Scenario], dice: random.Random) -> dict[str, list[Scenario]]:
    """Return the scenarios of each cause, shuffled, those to be drawn first at the end."""
    alike = {scenario.name for scenario in (*function_results.SCENARIOS, *configured.SCENARIOS)}
    groups: dict[str, tuple[list[Scenario], list[Scenario]]] = {}
    for scenario in sorted(scenarios, key=lambda s: s.name):
        if scenario.name != DEFAULT:  # everybody has seen it in the guided incident
            cause = scenario.expected.cause.value if scenario.expected.cause else _HEALTHY
            groups.setdefault(cause, ([], []))[scenario.on_paper or scenario.name in alike].append(scenario)
    return {cause: _mixed(*both, dice) for cause, both in groups.items()}


def _mixed(others: list[Scenario], alike: list[Scenario], dice: random.Random) -> list[Scenario]:
    dice.shuffle(others)
    dice.shuffle(alike)
    mixed: list[Scenario] = []
    while others or alike:
        mixed += [others.pop() for _ in range(min(3, len(others)))]
        mixed += [alike.pop()] if alike else []
    return mixed[::-1]


def token(draw: Draw, number: int) -> str:
    """Return the token of the incident with this number, which counts from 1."""
    told = [draw.seed, draw.count, draw.cause, draw.difficulty, number]
    return _MARK + base64.b32encode(msgspec.json.encode(told)).decode().rstrip("=").lower()


def is_token(text: str) -> bool:
    """Tell whether this is a token, and not a scenario's name."""
    return text.startswith(_MARK)


def read(text: str) -> tuple[Draw, int]:
    """Return the draw and the number that a token says. Raises BadInput."""
    coded = text.removeprefix(_MARK).upper()
    try:
        told = base64.b32decode(coded + "=" * (-len(coded) % 8))
        seed, count, cause, difficulty, number = msgspec.json.decode(told, type=tuple[int, int, str, str, int])
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise BadInput(f"Exam: '{visible(text, 80)}' is no incident of an exam.") from None
    return Draw(seed=seed, count=count, cause=cause, difficulty=difficulty), number


def find(text: str) -> tuple[Scenario, int]:
    """Return the scenario that a token stands for, and its number. Raises BadInput."""
    draw, number = read(text)
    drawn = incidents(draw)
    if not 1 <= number <= len(drawn):
        raise BadInput(f"Exam: there is no incident {number}; this draw has {len(drawn)}.")
    return drawn[number - 1], number


def alias(number: int) -> str:
    """Return what people call the incident with this number."""
    return f"incident-{number}"
