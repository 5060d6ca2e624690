"""The game day in a notebook: unseen incidents by seed, a clock, hints that cost points, a diagnosis that is graded.

No scenario's name is in the notebook: an incident is its number, and what it was is shown with its grade.
"""

from __future__ import annotations

import atexit
import datetime as dt
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from cfrunbook.errors import BadInput
from cfrunbook.lab.running import Running, start
from cfrunbook.lab.training import asking, drawing, exam, forms, grading, naming, scene, tools
from cfrunbook.lab.training.drawing import Draw
from cfrunbook.lab.training.grading import Answer
from cfrunbook.lab.training.past import Game, Memory, Past
from cfrunbook.lab.training.sheet import Line, Sheet, in_the_way
from cfrunbook.text import visible
from cfrunbook.views.training import Block, Page, page

Clock = Callable[[], float]
_MOST_SHEETS: Final = 100
_ANEW: Final = "For other incidents, change the seed. To begin this game anew: run game.forget() in a new cell."
_ON: list[GameDay] = []
"""The game that is on in this process: there is one, and its servers go when another one begins."""


class Round:
    """One incident of a game day, from when it is opened."""

    def __init__(self, game: GameDay, number: int) -> None:
        self.game = game
        self.number = number
        self._scene = scene.Scene(start(drawing.token(game.draw, number)))
        atexit.register(self._scene.stop)

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
        return self._past.answer is not None

    @property
    def _past(self) -> Past:
        return self.game.since(self.number)

    @property
    def opened(self) -> int:
        """How many hints were opened."""
        return self._past.hints

    @property
    def seconds(self) -> float:
        """How long it has been open, or was until it was handed in."""
        given = self._past.answer
        return given.seconds if given else max(0.0, self.game.clock() - self._past.began)

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
        said = self._said(self.opened + 1)
        self.game.opened(self.number, hints=min(self.opened + 1, len(self.running.scenario.hints)))
        return page(said)

    def hints(self) -> Page:
        """Show the hints that were opened."""
        return page([self._said(number + 1) for number in range(self.opened)])

    def _said(self, number: int) -> Block:
        return Block("text", grading.hint(self.running.scenario, number))

    def answer(self, *, cause: str = "", evidence: str = "", fix: str = "") -> Page:
        """Hand in a diagnosis, and show its grade; an empty one is not handed in. The first one counts."""
        if self.is_over:
            return self.graded()
        if not any((cause.strip(), evidence.strip(), fix.strip())):
            return page(
                Block("text", "Write down cause, evidence and fix; nothing is handed in yet."),
                Block("muted", f"Causes: {', '.join(naming.NAMES)}."),
            )
        given = grading.written(cause, evidence, fix, hints=self.opened, seconds=self.seconds)
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

    def __init__(
        self,
        game: Game,
        *,
        clock: Clock = time.time,
        memory: Memory | None = None,
        note: str = "",
    ) -> None:
        """`clock`: seconds since 1970. `memory` keeps what is done; what is in it already goes on. Raises BadInput.

        `note`: what is to be said of how it came about.
        """
        self.game = game
        self.draw, self.team, self.by_hand = game.draw.check(), game.team, game.by_hand
        self.clock = clock
        self._note = note
        self._count = len(drawing.incidents(self.draw))
        self._memory = memory
        self.past: dict[int, Past] = memory.recall() if memory else {}
        """What was done so far, by the incident's number."""
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
        return page(Block("text", seed), Block("text", costs), self._history())._repr_mimebundle_()

    @property
    def current(self) -> int:
        """The number of the incident that was opened last; 0 where none was."""
        return max(self.past, default=0)

    def _history(self) -> list[Block]:
        """Say what was there before this cell was run."""
        blocks = [Block("muted", self._note)] if self._note else []
        if self.past:
            began = dt.datetime.fromtimestamp(self.past[min(self.past)].began).astimezone()
            done = sum(past.answer is not None for past in self.past.values())
            said = f"This game was begun at {began:%Y-%m-%d %H:%M}, and goes on: {done} of {len(self)} handed in"
            said += "." if done == len(self.past) else f"; the clock of incident {self.current} ran on."
            blocks += [Block("text", said), Block("muted", _ANEW)]
        return blocks

    @property
    def is_kept(self) -> bool:
        """Whether it goes on where it was left, should this process end."""
        return self._memory is not None

    def forget(self) -> Page:
        """Take every incident down, and forget what was done: the game can be begun anew. Raises BadInput."""
        self.stop()
        self.past.clear()
        if self._memory:
            self._memory.forget()
        return page(Block("text", "Forgotten. Run the cells above again: the game begins anew."))

    def open(self, number: int) -> Round:
        """Open an incident; its clock begins with that. Raises BadInput for a number that there is not."""
        if not 1 <= number <= len(self):
            raise BadInput(f"Game day: there is no incident {number}; there are {len(self)}.")
        if number not in self._rounds:
            self._rounds[number] = Round(self, number)
        if number not in self.past:
            self._done(number, Past(began=self.clock()))
        return self._rounds[number]

    def play(self, number: int, answer: Mapping[str, str] | None = None) -> Page:
        """Hand in a diagnosis of one incident, given in code, and show its grade. Raises BadInput."""
        if not isinstance(answer, Mapping | None):
            raise BadInput(f'Game day: answer {number} is no {{"cause": …, "evidence": …, "fix": …}}.')
        given = {key: str(value) for key, value in (answer or {}).items() if key in ("cause", "evidence", "fix")}
        return self.open(number).answer(**given)

    def play_all(self, answers: Mapping[str, Mapping[str, str]] | None = None) -> Page | None:
        """Play: with a panel where somebody is there, else by `answers`, by number from 1. Raises BadInput."""
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
        return self.since(number).answer

    def since(self, number: int) -> Past:
        """Return what was done about an incident since it was opened."""
        return self.past.get(number) or Past(began=self.clock())

    def opened(self, number: int, *, hints: int) -> None:
        """Take how many hints of an incident were opened."""
        self._done(number, msgspec.structs.replace(self.since(number), hints=hints))

    def hand_in(self, number: int, answer: Answer) -> Line:
        """Take an answer, and return the line that it makes on the score sheet; the first one counts."""
        if self.answered(number) is None:
            self._done(number, msgspec.structs.replace(self.since(number), answer=answer))
        return self.sheet().lines[number - 1]

    def _done(self, number: int, past: Past) -> None:
        self.past[number] = past
        if self._memory:
            self._memory.keep(self.past)

    def sheet(self) -> Sheet:
        """Return the score sheet as it is now; what is not handed in is not told."""
        given = [self.answered(n) or Answer() for n in self.numbers]
        sheet = exam.graded(self.draw, given, team=self.team)
        told = tuple(line if self.answered(line.incident) else _untold(line) for line in sheet.lines)
        return msgspec.structs.replace(sheet, lines=told)

    def score(self) -> Page:
        """Show the score sheet."""
        sheet = self.sheet()
        rows = []
        for line in sheet.lines:
            is_in = self.answered(line.incident) is not None
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
        if not any(map(self.answered, self.numbers)):
            return page(Block("muted", "Nothing was handed in yet, so there is no score sheet to write."))
        sheet = self.sheet()
        written = sheet.save(self._place(Path(folder), sheet))
        return page(Block("list", items=tuple(f"Written: {file}" for file in written)))

    def _place(self, folder: Path, sheet: Sheet) -> Path:
        """Return where the sheet goes: where no other one is, and none that this one would not hold."""
        first = folder / f"score-{self.draw.seed}"
        for path in (first, *(first.with_name(f"{first.name}-{number}") for number in range(2, _MOST_SHEETS))):
            if not in_the_way(path, lambda there: exam.is_earlier(there, sheet)):
                return path
        raise BadInput(
            f"Score sheet: there are {_MOST_SHEETS} of this seed in {visible(folder)}; choose another folder."
        )

    def stop(self) -> None:
        """Take every incident down."""
        for played in self._rounds.values():
            played.stop()
        self._rounds.clear()


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
    wanted = Game(draw=draw.check(), team=str(team or ""), by_hand=bool(by_hand))
    attended = forms.are_shown()
    on = _ON[0] if _ON else None
    if on and attended and on.is_kept and on.game == wanted:
        return on
    begun = GameDay(wanted, memory=Memory(wanted) if attended else None, note=_taken_down(on) if on else "")
    _ON[:] = [begun]
    return begun


def _taken_down(on: GameDay) -> str:
    """Take the game down that is on, and return what is to be said of that."""
    on.stop()
    is_kept = on.is_kept and on.past
    back = " What was done in it is kept: the same seed, team and rules bring it back." if is_kept else ""
    return f"The game of before (seed {on.draw.seed}) was taken down.{back}"
