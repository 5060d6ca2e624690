"""An exam in a terminal: incidents that nobody has seen, hints that cost points, a written diagnosis, a grade."""

from __future__ import annotations

import http.client
import shlex
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from cfrunbook import __version__
from cfrunbook.errors import BadInput
from cfrunbook.files import read_bounded
from cfrunbook.findings import Struct
from cfrunbook.lab import mending
from cfrunbook.lab.runtime import OPEN_FILE, Home, State
from cfrunbook.lab.scenario import Scenario
from cfrunbook.lab.training import drawing, grading, naming, viewer
from cfrunbook.lab.training.drawing import Draw
from cfrunbook.lab.training.grading import Answer
from cfrunbook.lab.training.sheet import Kind, Line, Sheet, in_the_way
from cfrunbook.text import visible

Ask = Callable[[str], str]
"""Asks for one line; raises EOFError where there are no more."""
Say = Callable[[str], None]

Keep = Callable[[Sheet], object]
"""Keeps the score sheet as it is by now."""

_LIMIT = 32 * 1024 * 1024
"""Bytes of a file of answers: as many of the longest as there can be."""
_HOW = (
    "\nThe clock runs. Look for yourself, in another terminal if you like; then write down cause, evidence and fix.\n"
    f"  Causes: {', '.join(naming.NAMES[:7])},\n          {', '.join(naming.NAMES[7:])}\n"
    f"  Instead of an answer: `hint` opens a hint (-{grading.HINT_COSTS} points), `again` shows the incident again,\n"
    "          `skip` leaves a part out, `quit` ends the exam\n"
)
_CAUSE, _EVIDENCE, _FIX = "Cause", "Evidence (what did you see, and with what?)", "Fix"
_MEND = "Now mend it, if you like. What its owners can change: {} (begin with its README.txt)"
_AFTERWARDS = "It is up until you press Enter; `edge` asks the edge what it answers by now"
_PATIENCE, _MOMENT = 10.0, 0.02
"""Seconds that the site may take; and between two looks."""


class Answers(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of answers, to be graded."""

    seed: int
    count: int = 3
    cause: str = ""
    difficulty: str = ""
    team: str = ""
    version: str = ""
    """Of cfrunbook, which drew the incidents."""
    answers: tuple[Answer, ...]
    """In the order of the incidents; an empty one for an incident that was left out."""

    @property
    def draw(self) -> Draw:
        """What decides which incidents they answer."""
        return Draw(seed=self.seed, count=self.count, cause=self.cause, difficulty=self.difficulty)


def graded(draw: Draw, answers: Sequence[Answer], *, team: str = "") -> Sheet:
    """Return the score sheet of these answers; what an incident was that nobody answered is not told.

    Raises BadInput where there are more answers than incidents.
    """
    drawn = drawing.incidents(draw)
    if len(answers) > len(drawn):
        raise BadInput(f"Grade: there are {len(answers)} answers and {len(drawn)} incidents.")
    given = [*answers, *(Answer() for _ in range(len(drawn) - len(answers)))]
    pairs = enumerate(zip(drawn, given, strict=True), 1)
    return Sheet(draw=draw, team=team, lines=tuple(_line(number, *pair) for number, pair in pairs))


def _line(number: int, scenario: Scenario, answer: Answer) -> Line:
    if not answer.is_given:
        return Line(incident=number, answer=answer)
    made = grading.grade(scenario, answer)
    return Line(incident=number, scenario=scenario.name, title=scenario.title, answer=answer, grade=made)


def read(path: Path) -> Answers:
    """Return a file of answers, or those in a score sheet. Raises BadInput with one sentence."""
    content = read_bounded(path, "Answers", _LIMIT)
    try:
        kind = msgspec.json.decode(content, type=Kind).kind
        answers = msgspec.json.decode(content, type=_Kept).answers() if kind else None
        answers = answers or msgspec.json.decode(content, type=Answers)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadInput(
            f"Answers: {visible(path)} is no file of answers ({visible(error, 120)}); it looks like"
            ' {"seed": 7, "answers": [{"cause": "dns", "evidence": "…", "fix": "…"}]}.'
        ) from None
    if answers.version not in ("", __version__):
        raise BadInput(
            f"Answers: {visible(path)} is of cfrunbook {visible(answers.version, 20)}, and this is {__version__}: a"
            " seed draws other incidents here; grade it with that version."
        )
    return answers


def begun(path: Path, draw: Draw, team: str = "") -> tuple[Answer, ...]:
    """Return what is answered in a score sheet of the same incidents that was left unfinished; nothing without a file.

    The last one may be an answer that only has hints, to an incident that was left. Raises BadInput for any other file,
    and for another team's: nobody's score is written over.
    """
    answers: list[Answer] = []

    def is_unfinished(file: Path) -> bool:
        kept = read(file)
        answers.extend(kept.answers)
        while answers and not (answers[-1].is_given or answers[-1].hints):
            answers.pop()
        is_ours = kept.draw == draw and kept.team in ("", team)
        return is_ours and (len(answers) < len(drawing.incidents(draw)) or not answers[-1].is_given)

    if file := in_the_way(path, is_unfinished):
        raise BadInput(
            f"Score sheet: {visible(file)} is there already, and is no unfinished one of this exam and team; choose"
            " another name."
        )
    return tuple(answers)


class _KeptLine(msgspec.Struct):
    answer: Answer


class _Kept(msgspec.Struct):
    """What of a score sheet is needed to grade it again."""

    draw: Draw
    lines: tuple[_KeptLine, ...]
    team: str = ""
    version: str = ""

    def answers(self) -> Answers:
        drawn = msgspec.structs.asdict(self.draw)
        given = tuple(line.answer for line in self.lines)
        return Answers(**drawn, team=self.team, version=self.version, answers=given)


def is_earlier(path: Path, sheet: Sheet) -> bool:
    """Tell whether a file holds answers or a score of the same team, with nothing that is not in this sheet.

    A file that names no team is by its name the team's, as it is when it is graded.
    """
    try:
        kept = read(path)
    except BadInput:
        return False
    if kept.draw != sheet.draw or sheet.team not in (kept.team, kept.team or path.stem):
        return False
    held = dict(enumerate(line.answer for line in sheet.lines))
    return all(answer == held.get(number) for number, answer in enumerate(kept.answers) if answer.is_given)


def headless(draw: Draw, *, team: str = "") -> Sheet:
    """Let our own diagnosis take the exam: each incident comes up, is looked at, and goes. Raises BadInput."""
    from cfrunbook.lab.running import Running
    from cfrunbook.lab.training import expert

    answers = []
    for number, scenario in enumerate(drawing.incidents(draw), 1):
        began = time.monotonic()
        with Running(scenario, deadline=_UNHURRIED, alias=drawing.alias(number)) as running:
            found = expert.answer(running)
        answers.append(msgspec.structs.replace(found, seconds=round(time.monotonic() - began, 3)))
    return graded(draw, answers, team=team)


_UNHURRIED = 3.0
"""Seconds that a probe waits where no exam is to be lost because the machine is busy."""


class Exam:
    """An exam that somebody takes in a terminal.

    Each incident stays up in the background while it is asked for, as `incident-1` and so on, and no longer than this
    process lives. What is answered is in `sheet()` at any time, and `keep` is told of it.
    """

    def __init__(
        self,
        draw: Draw,
        ask: Ask,
        say: Say,
        *,
        team: str = "",
        by_hand: bool = False,
        waits: bool = True,
        keep: Keep = lambda _: None,
        answered: Sequence[Answer] = (),
    ) -> None:
        """`waits`: an incident stays up after its grade, to be mended, until Enter. `answered`: see `begun`."""
        self.draw = draw.check()
        self.team = team
        self._ask, self._say, self._keep = ask, say, keep
        self._by_hand, self._waits = by_hand, waits
        self._drawn = drawing.incidents(draw)
        self._answers: list[Answer] = [*answered]
        self._opened = max(0, self._answers.pop().hints) if answered and not answered[-1].is_given else 0
        """Hints of an incident that was left before anything was answered: it begins with them."""
        keep(self.sheet())  # whatever cannot be written is said now, and not after an hour

    @property
    def done(self) -> int:
        """The number of the last incident that is answered; 0 where none is."""
        return len(self._answers)

    def sheet(self) -> Sheet:
        """Return the score sheet as it is now."""
        left = [Answer(hints=self._opened)] if self._opened else []
        return graded(self.draw, [*self._answers, *left], team=self.team)

    def take(self) -> None:
        """Ask for every incident. Raises BadInput, and whatever ends it early: EOFError, or what a signal raises."""
        from cfrunbook.lab import background

        with background.tie() as tie:
            for number, scenario in [*enumerate(self._drawn, 1)][len(self._answers) :]:
                started = background.Exam(tie, by_hand=self._by_hand)
                lab = _free_name(number)
                state = background.start(drawing.token(self.draw, number), name=lab, exam=started)
                try:
                    self._incident(number, scenario, state)
                finally:
                    Home(lab).end()

    def _incident(self, number: int, scenario: Scenario, state: State) -> None:
        self._say(f"\n--- Incident {number} of {len(self._drawn)} (seed {self.draw.seed}) ---\n")
        self._say(f"{state.introduction}\n{_HOW}")
        asked = _Asked(scenario, state, self._ask, self._say, opened=self._opened)
        try:
            asked.all_parts()
        finally:
            self._opened = asked.opened
            if asked.has_begun:
                self._answers.append(asked.answer())
                self._opened = 0
            self._keep(self.sheet())
        self._say(shown(self.sheet().lines[number - 1]))
        if self._waits:
            if mending.is_mendable(scenario) and (site := _opened(state)):
                self._say(f"\n{_MEND.format(site)}")
            while self._ask(f"{_AFTERWARDS}: ").strip().lower() == "edge":
                self._say(_edge_says(state))


def _free_name(number: int) -> str:
    """Return what the lab of an incident is called; somebody else may be taking an exam, too."""
    first = drawing.alias(number)
    names = (first, *(f"{first}-{other}" for other in range(2, 100)))
    return next((name for name in names if Home(name).owner() is None), first)


def _opened(state: State) -> str:
    """Let a lab show what its owners can change, and return where that is, for a shell; empty where it was stopped."""
    site = Path(state.site)
    try:
        (site.parent / OPEN_FILE).touch()
    except OSError:  # its folder went with it
        return ""
    until = time.monotonic() + _PATIENCE
    while not (site / "README.txt").exists() and time.monotonic() < until:
        if not site.parent.exists():
            return ""
        time.sleep(_MOMENT)
    return shlex.quote(state.site)


def _edge_says(state: State) -> str:
    """Return what the edge answers now, in a sentence."""
    try:
        status = viewer.status(state.edge)
    except (OSError, http.client.HTTPException):
        return "The edge does not answer: was the lab stopped?"
    later = "; it keeps an error for 10 seconds" if status >= 500 else ""
    return f"The edge answers {status}{later}."


class _Asked:
    """The answer to one incident, as far as it is given."""

    def __init__(self, scenario: Scenario, state: State, ask: Ask, say: Say, *, opened: int = 0) -> None:
        self._scenario, self._state = scenario, state
        self._ask, self._say = ask, say
        self._began = time.monotonic()
        self._parts: list[str] = []
        self.opened = min(opened, len(scenario.hints))
        """How many hints were opened."""
        for number in range(1, self.opened + 1):
            say(grading.hint(scenario, number))

    def answer(self) -> Answer:
        """Return what is answered so far."""
        cause, evidence, fix = [*self._parts, "", "", ""][:3]
        seconds = time.monotonic() - self._began
        return grading.written(cause, evidence, fix, hints=self.opened, seconds=seconds)

    @property
    def has_begun(self) -> bool:
        """Tell whether anything was answered."""
        return bool(self._parts)

    def all_parts(self) -> None:
        """Ask for the three parts. Raises EOFError."""
        for question in (_CAUSE, _EVIDENCE, _FIX):
            self._parts.append(self._part(question))

    def _part(self, question: str) -> str:
        while True:
            minutes, seconds = divmod(int(time.monotonic() - self._began), 60)
            line = self._ask(f"[{minutes}:{seconds:02}] {question}: ").strip()
            match line.lower():
                case "hint":
                    self._say(self._hint())
                case "again":
                    self._say(self._state.introduction)
                case "quit":
                    raise EOFError
                case "skip":
                    return ""
                case "":
                    self._say("Write something down, or `skip`.")
                case _ if question == _CAUSE and not naming.causes(line):
                    near = naming.nearest(line)
                    meant = f"did you mean {near}?" if near else f"causes are {', '.join(naming.NAMES)}."
                    self._say(f"No cause is recognised in '{visible(line, 60)}'; {meant}")
                case _:
                    return line

    def _hint(self) -> str:
        said = grading.hint(self._scenario, self.opened + 1)
        self.opened = min(self.opened + 1, len(self._scenario.hints))
        return said


def shown(line: Line) -> str:
    """Return the grade of one incident as text; nothing where it was not answered."""
    if not line.scenario:
        return ""
    parts = [f"  {p.name}: {p.points}{f' of {p.of}' if p.of else ''}. {visible(p.why, 400)}" for p in line.grade.parts]
    told = [f"  {text}" for text in line.grade.explanation]
    took = f" in {line.answer.seconds / 60:.0f} min" if line.answer.seconds >= 60 else ""
    return "\n".join([f"\n{line.grade.points} of {line.grade.of} points{took}.", *parts, "", *told])


def total(sheet: Sheet) -> str:
    """Return the last line of an exam."""
    left_out = sum(not line.scenario for line in sheet.lines)
    not_answered = f"; {left_out} of {len(sheet.lines)} incidents not answered" if left_out else ""
    return f"\n{sheet.points} of {sheet.of} points ({sheet.percent:.0f} %){not_answered}. Seed {sheet.draw.seed}."


def template(draw: Draw) -> dict[str, Any]:
    """Return an empty file of answers for a draw."""
    empty = {"cause": "", "evidence": "", "fix": "", "hints": 0}
    told: dict[str, Any] = msgspec.to_builtins(draw)
    return {**told, "team": "", "version": __version__, "answers": [dict(empty) for _ in drawing.incidents(draw)]}
