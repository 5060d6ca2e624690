"""An exam in a terminal: incidents that nobody has seen, hints that cost points, a written diagnosis, a grade."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from cfrunbook.errors import BadInput
from cfrunbook.files import read_bounded
from cfrunbook.findings import Cause, Struct
from cfrunbook.lab.scenario import Scenario
from cfrunbook.lab.training import drawing, grading
from cfrunbook.lab.training.drawing import Draw
from cfrunbook.lab.training.grading import Answer
from cfrunbook.lab.training.sheet import Line, Sheet
from cfrunbook.text import visible

Ask = Callable[[str], str]
"""Asks for one line; raises EOFError where there are no more."""
Say = Callable[[str], None]

_LIMIT = 1_000_000
_HOW = (
    "Look for yourself, in another terminal if you like. Then write down three things; `hint` opens a hint and costs"
    f" {grading.HINT_COSTS} points, `again` shows the incident again."
)
_CAUSES = f"Cause ({', '.join(cause.value for cause in Cause)}, none, unknown): "
_EVIDENCE = "Evidence (what did you see, and with what?): "
_FIX = "Fix: "


class Answers(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of answers, to be graded."""

    seed: int
    count: int = 3
    cause: str = ""
    difficulty: str = ""
    team: str = ""
    answers: tuple[Answer, ...]
    """In the order of the incidents; an empty one for an incident that was left out."""


def graded(draw: Draw, answers: Sequence[Answer], *, team: str = "") -> Sheet:
    """Return the score sheet of these answers. Raises BadInput where there are more answers than incidents."""
    drawn = drawing.incidents(draw)
    if len(answers) > len(drawn):
        raise BadInput(f"Grade: there are {len(answers)} answers and {len(drawn)} incidents.")
    given = [*answers, *(Answer() for _ in range(len(drawn) - len(answers)))]
    pairs = enumerate(zip(drawn, given, strict=True), 1)
    return Sheet(draw=draw, team=team, lines=tuple(_line(number, *pair) for number, pair in pairs))


def _line(number: int, scenario: Scenario, answer: Answer) -> Line:
    return Line(
        incident=number,
        scenario=scenario.name,
        title=scenario.title,
        answer=answer,
        grade=grading.grade(scenario, answer),
    )


def read(path: Path) -> Answers:
    """Return a file of answers. Raises BadInput with one sentence."""
    content = read_bounded(path, "Answers", _LIMIT)
    try:
        return msgspec.json.decode(content, type=Answers)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput(
            f"Answers: {visible(path)} is no file of answers ({visible(error, 120)}); it looks like"
            ' {"seed": 7, "answers": [{"cause": "dns", "evidence": "…", "fix": "…"}]}.'
        ) from None


def headless(draw: Draw, *, team: str = "") -> Sheet:
    """Let our own diagnosis take the exam: each incident comes up, is looked at, and goes. Raises BadInput."""
    from cfrunbook.lab.running import Running
    from cfrunbook.lab.training import expert

    answers = []
    for number, scenario in enumerate(drawing.incidents(draw), 1):
        began = time.monotonic()
        with Running(scenario, alias=drawing.alias(number)) as running:
            found = expert.answer(running)
        answers.append(msgspec.structs.replace(found, seconds=round(time.monotonic() - began, 3)))
    return graded(draw, answers, team=team)


def take(draw: Draw, ask: Ask, say: Say, *, team: str = "", by_hand: bool = False) -> Sheet:
    """Let somebody take the exam in a terminal; whoever ends it early is graded for what was answered.

    Each incident stays up in the background while it is asked for, as `incident-1` and so on. Raises BadInput.
    """
    from cfrunbook.lab import background

    drawn = drawing.incidents(draw)
    answers: list[Answer] = []
    for number, scenario in enumerate(drawn, 1):
        lab = drawing.alias(number)
        state = background.start(drawing.token(draw, number), name=lab, by_hand=by_hand)
        try:
            say(f"\n--- Incident {number} of {len(drawn)} (seed {draw.seed}) ---\n\n{state.introduction}\n\n{_HOW}\n")
            answer = _asked(scenario, ask, say, state.introduction)
        except EOFError:
            say("\nEnded here.")
            break
        finally:
            background.stop([lab])
        answers.append(answer)
        say(shown(graded(draw, answers, team=team).lines[number - 1]))
    return graded(draw, answers, team=team)


def _asked(scenario: Scenario, ask: Ask, say: Say, introduction: str) -> Answer:
    """Ask for the three parts of an answer. Raises EOFError."""
    began, opened = time.monotonic(), 0
    given = []
    for question in (_CAUSES, _EVIDENCE, _FIX):
        while (line := ask(question).strip()).lower() in ("hint", "again"):
            if line.lower() == "again":
                say(introduction)
            elif opened < len(scenario.hints):
                opened += 1
                say(f"Hint {opened} of {len(scenario.hints)}: {scenario.hints[opened - 1]}")
            else:
                say("There are no more hints.")
        given.append(line)
    seconds = round(time.monotonic() - began, 1)
    return Answer(cause=given[0], evidence=given[1], fix=given[2], hints=opened, seconds=seconds)


def shown(line: Line) -> str:
    """Return the grade of one incident as text."""
    parts = [f"  {p.name}: {p.points}{f' of {p.of}' if p.of else ''}. {visible(p.why, 400)}" for p in line.grade.parts]
    told = [f"  {text}" for text in line.grade.explanation]
    return "\n".join([f"\n{line.grade.points} of {line.grade.of} points.", *parts, "", *told])


def total(sheet: Sheet) -> str:
    """Return the last line of an exam."""
    return f"\n{sheet.points} of {sheet.of} points ({sheet.percent:.0f} %)."


def template(draw: Draw) -> dict[str, Any]:
    """Return an empty file of answers for a draw."""
    empty = {"cause": "", "evidence": "", "fix": "", "hints": 0}
    told: dict[str, Any] = msgspec.to_builtins(draw)
    return {**told, "team": "", "answers": [dict(empty) for _ in drawing.incidents(draw)]}
