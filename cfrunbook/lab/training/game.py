"""The game day in a notebook: unseen incidents by seed, a clock, hints that cost points, a diagnosis that is graded.

No scenario's name is in the notebook: an incident is its number, and what it was is shown with its grade.
"""

from __future__ import annotations

import atexit
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from cfrunbook.errors import BadInput
from cfrunbook.lab.running import Running, start
from cfrunbook.lab.training import asking, drawing, exam, grading, naming, scene, tools
from cfrunbook.lab.training.drawing import Draw
from cfrunbook.lab.training.grading import Answer
from cfrunbook.lab.training.sheet import Line, Sheet
from cfrunbook.text import visible
from cfrunbook.views.training import Block, Page, page

Clock = Callable[[], float]


class Round:
    """One incident of a game day, from when it is opened."""

    def __init__(self, game: GameDay, number: int) -> None:
        self.game = game
        self.number = number
        self._clock = game.clock
        self._scene = scene.Scene(start(drawing.token(game.draw, number)))
        atexit.register(self._scene.stop)
        self._began = self._clock()
        self._opened = 0

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return self.pager()._repr_mimebundle_()

    def __repr__(self) -> str:
        return f"<incident {self.number} of {len(self.game)}>"

    @property
    def running(self) -> Running:
        """The incident that is up, by its alias."""
        return self._scene.running

    @property
    def is_over(self) -> bool:
        """Whether it was handed in."""
        return self.game.answered(self.number) is not None

    @property
    def opened(self) -> int:
        """How many hints were opened."""
        return self._opened

    @property
    def seconds(self) -> float:
        """How long it has been open, or was until it was handed in."""
        given = self.game.answered(self.number)
        return given.seconds if given else self._clock() - self._began

    def pager(self) -> Page:
        """Show what the pager says, and how the incident is reached."""
        title = Block("heading", f"Incident {self.number} of {len(self.game)}")
        return page(title, scene.pager(self.running, by_hand=self.game.by_hand, in_exam=True).blocks)

    def run(self, command: str) -> Page:
        """Run a shell command inside the lab, in which curl, openssl, dig and nc find its hosts by their names."""
        return scene.shown(tools.run(self.running, command, in_site=self.is_over))

    async def look(self) -> Any:
        """Show the verdict of our own diagnosis, where the game allows it. Raises BadInput."""
        if self.game.by_hand:
            raise BadInput("Game day: it is by hand today; the runbooks are for afterwards.")
        from cfrunbook import diagnose
        from cfrunbook.incident import Incident

        return await diagnose(Incident.load(lab=self.running.file))

    def hint(self) -> Page:
        """Open the next hint."""
        scenario = self.running.scenario
        said = grading.hint(scenario, self._opened + 1)
        self._opened = min(self._opened + 1, len(scenario.hints))
        return page(Block("text", said))

    def answer(self, *, cause: str = "", evidence: str = "", fix: str = "") -> Page:
        """Hand in a diagnosis, and show its grade; an empty one is not handed in. The first one counts."""
        if self.is_over:
            return self.graded()
        if not any((cause.strip(), evidence.strip(), fix.strip())):
            return page(
                Block("text", "Write down cause, evidence and fix; nothing is handed in yet."),
                Block("muted", f"Causes: {', '.join(naming.NAMES)}."),
            )
        given = Answer(cause=cause, evidence=evidence, fix=fix, hints=self._opened, seconds=round(self.seconds, 1))
        self.game.hand_in(self.number, given)
        return self.graded()

    def graded(self) -> Page:
        """Show its grade. Raises BadInput where nothing was handed in."""
        if not self.is_over:
            raise BadInput(f"Game day: nothing was handed in for incident {self.number}.")
        return _shown(self.game.sheet().lines[self.number - 1])

    def to_mend(self, told: scene.Told) -> Page:
        """Follow what is edited once it was handed in, and show where; `told` is told what the edge answers.

        Where nothing can be mended, nothing is shown.
        """
        if not (self.is_over and self.running.is_mendable):
            return page()
        site = self.running.site
        self._scene.watch("game", told)
        told(self._scene.answer())
        how = f"Now mend it, if you like. The field for commands is in the folder of its owners: {site}"
        return page(Block("muted", f"{how} (begin with README.txt)."))

    def stop(self) -> None:
        """Take it down."""
        self._scene.stop()


class GameDay:
    """A game day: rounds, and the score sheet."""

    def __init__(self, draw: Draw, *, team: str = "", by_hand: bool = False, clock: Clock = time.monotonic) -> None:
        self.draw = draw.check()
        self.team = team
        self.by_hand = by_hand
        self.clock = clock
        self._count = len(drawing.incidents(draw))
        self._answers: dict[int, Answer] = {}
        self._rounds: dict[int, Round] = {}

    def __len__(self) -> int:
        return self._count

    def __repr__(self) -> str:
        return f"<game day, seed {self.draw.seed}, {len(self)} incidents>"

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        seed = f"Seed {self.draw.seed}: everybody with this seed gets the same {len(self)} incidents."
        costs = (
            f"Cause {grading.CAUSE_POINTS} points, evidence {grading.EVIDENCE_POINTS}, fix {grading.FIX_POINTS};"
            f" a hint costs {grading.HINT_COSTS}, a false accusation {grading.FALSE_COSTS}."
        )
        return page(Block("text", seed), Block("text", costs))._repr_mimebundle_()

    def open(self, number: int) -> Round:
        """Open an incident; its clock begins with that. Raises BadInput for a number that there is not."""
        if not 1 <= number <= len(self):
            raise BadInput(f"Game day: there is no incident {number}; there are {len(self)}.")
        if number not in self._rounds:
            self._rounds[number] = Round(self, number)
        return self._rounds[number]

    def play(self, number: int, answer: Mapping[str, str] | None = None) -> Page:
        """Hand in a diagnosis of one incident, given in code, and show its grade. Raises BadInput."""
        if not isinstance(answer, Mapping | None):
            raise BadInput(f'Game day: answer {number} is no {{"cause": …, "evidence": …, "fix": …}}.')
        given = {key: str(value) for key, value in (answer or {}).items() if key in ("cause", "evidence", "fix")}
        return self.open(number).answer(**given)

    def play_all(self, answers: Mapping[str, Mapping[str, str]] | None = None) -> Page | None:
        """Play: with a panel where somebody is there, else by `answers`, by number from 1. Raises BadInput."""
        from cfrunbook.lab.training import forms

        if forms.are_shown():
            from cfrunbook.lab.training.match import Match

            Match(self).show()
            return None
        given = asking.by_number(answers or {})
        return page(*((*self.open(n).pager().blocks, *self.play(n, given.get(str(n))).blocks) for n in self.numbers))

    @property
    def numbers(self) -> range:
        """The numbers of its incidents."""
        return range(1, len(self) + 1)

    @property
    def causes(self) -> tuple[str, ...]:
        """What may be accused."""
        return naming.NAMES

    def answered(self, number: int) -> Answer | None:
        """Return what was handed in for an incident; None where nothing was."""
        return self._answers.get(number)

    def hand_in(self, number: int, answer: Answer) -> Line:
        """Take an answer, and return the line that it makes on the score sheet; the first one counts."""
        self._answers.setdefault(number, answer)
        return self.sheet().lines[number - 1]

    def sheet(self) -> Sheet:
        """Return the score sheet as it is now; what is not handed in is not told."""
        given = [self._answers.get(n, Answer()) for n in self.numbers]
        sheet = exam.graded(self.draw, given, team=self.team)
        told = tuple(line if line.incident in self._answers else _untold(line) for line in sheet.lines)
        return msgspec.structs.replace(sheet, lines=told)

    def score(self) -> Page:
        """Show the score sheet."""
        sheet = self.sheet()
        rows = []
        for line in sheet.lines:
            is_in = line.incident in self._answers
            minutes = f"{line.answer.seconds / 60:.1f}" if is_in else ""
            points = f"{line.grade.points} of {line.grade.of}" if is_in else "0"
            rows.append((str(line.incident), line.title, visible(line.answer.cause, 60), minutes, points))
        sentence = f"{sheet.points} of {sheet.of} points ({sheet.percent:.0f} %)."
        label = visible(self.team, 60) or "Score"
        return page(
            Block("verdict", sentence, label, "ok" if sheet.points == sheet.of else "info"),
            Block("table", items=("Incident", "What it was", "Answered", "Minutes", "Points"), rows=tuple(rows)),
        )

    def save(self, folder: str = "") -> Page:
        """Write the score sheet as JSON, CSV and Markdown into `folder`; without one, say how. Raises BadInput."""
        if not folder:
            return page(Block("muted", "To keep it: put a folder into save_to in the parameters cell."))
        if not self._answers:
            return page(Block("muted", "Nothing was handed in yet, so there is no score sheet to write."))
        written = self.sheet().save(Path(folder) / f"score-{self.draw.seed}")
        return page(Block("list", items=tuple(f"Written: {file}" for file in written)))

    def stop(self) -> None:
        """Take every incident down."""
        for played in self._rounds.values():
            played.stop()


def _untold(line: Line) -> Line:
    """Return the line of an incident that was not handed in: no points, and not what it was."""
    nothing = msgspec.structs.replace(line.grade, points=0, parts=(), explanation=())
    return msgspec.structs.replace(line, scenario="", title="not handed in", grade=nothing)


def _shown(line: Line) -> Page:
    status = "ok" if line.grade.points == line.grade.of else "warning" if line.grade.points else "fault"
    rows = tuple((p.name, f"{p.points} of {p.of}" if p.of else str(p.points), p.why) for p in line.grade.parts)
    return page(
        Block("verdict", line.grade.explanation[0], f"{line.grade.points} of {line.grade.of} points", status),
        Block("table", items=("Part", "Points", "Why"), rows=rows),
        Block("list", items=line.grade.explanation[1:]),
    )


def game_day(
    seed: int = 1,
    *,
    count: int = 3,
    cause: str = "",
    difficulty: str = "",
    team: str = "",
    by_hand: bool = False,
) -> GameDay:
    """Begin a game day with the incidents that `seed` draws. Raises BadInput."""
    try:
        draw = Draw(seed=int(seed), count=int(count), cause=str(cause or ""), difficulty=str(difficulty or ""))
    except (TypeError, ValueError, OverflowError):
        raise BadInput("Game day: seed and count are whole numbers.") from None
    return GameDay(draw, team=str(team), by_hand=by_hand)
