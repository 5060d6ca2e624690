"""The room of a notebook's lesson: a scenario in this kernel, to be broken, looked at, mended and asked about.

Each call shows one thing, with or without anybody before the screen.
"""

from __future__ import annotations

import atexit
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from cfrunbook.errors import BadInput
from cfrunbook.findings import Diagnosis, Finding, Status
from cfrunbook.lab import DEFAULT, commands
from cfrunbook.lab.edge import fetch_all
from cfrunbook.lab.running import Running, start
from cfrunbook.lab.training import tools
from cfrunbook.lab.training.lessons import LESSONS, Plan, Question
from cfrunbook.text import visible
from cfrunbook.views.training import Block, Page, page

if TYPE_CHECKING:
    from cfrunbook.views import html

_LETTERS = "abc"
_OPEN: dict[str, Running] = {}
"""The scenarios of this kernel, by name: run again, a cell gets the one that is up."""


def up(scenario: str) -> Running:
    """Return the scenario, up in this process until it ends. Raises BadInput."""
    if scenario not in _OPEN:
        running = _OPEN[scenario] = start(scenario)
        atexit.register(running.stop)
    return _OPEN[scenario]


class Incident:
    """A scenario in this kernel, with what can be done about it."""

    def __init__(self, scenario: str) -> None:
        self.running = up(scenario)

    def pager(self) -> Page:
        """Show what the pager says, and how the incident is reached."""
        return page(
            Block("story", items=self.running.scenario.story),
            Block("command", commands.introduction(self.running, in_kernel=True).split("\n\n", 1)[1]),
        )

    def run(self, command: str) -> Page:
        """Run a shell command inside the lab, in which curl, openssl, dig and nc find its hosts by their names."""
        ran = tools.run(self.running, command)
        return page(Block("command", ran.command, output=ran.output or f"(nothing; exit status {ran.status})"))

    async def look(self) -> html.Fragment:
        """Show what our diagnosis says now: the verdict, with the finding behind it."""
        from cfrunbook.views import html

        diagnosis = await self.diagnose()
        root = [f for f in diagnosis.findings if f.code == diagnosis.verdict.code]
        told, found = html.verdict(diagnosis), html.findings(root or self._fine(diagnosis))
        return html.Fragment(html=told.html + found.html, text=f"{told.text}\n{found.text}")

    def _fine(self, diagnosis: Diagnosis) -> Sequence[Finding]:
        """Return what was found in order of what was broken."""
        fine = [f for f in diagnosis.findings if f.status is Status.OK]
        return [f for f in fine if f.cause == self.running.scenario.expected.cause][:1] or fine[:1]

    async def diagnose(self) -> Diagnosis:
        """Look, and judge."""
        from cfrunbook import diagnose
        from cfrunbook.incident import Incident as Known

        return await diagnose(Known.load(lab=self.running.file))

    def site(self) -> Page:
        """Show which files the owners can change, and where they are."""
        folder = self.running.site
        files = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
        names = sorted(str(path) for path in files if path.parts[0] != "authority")
        return page(
            Block("text", "What the owners can change, for any editor. Save a file, then run the next cell."),
            Block("command", f"cd {folder}"),
            Block("list", items=tuple(names[:40])),
        )

    def reload(self) -> Page:
        """Bring up what the files say by now, and show what the edge answers."""
        try:
            if self.running.has_changed():
                self.running.reload()
        except BadInput as error:
            return page(Block("verdict", str(error), "Not used, all stays as it was", "unknown"))
        return self.edge()

    def mend(self) -> Page:
        """Mend it as its owner would, and show what the edge answers."""
        self.running.mend()
        return self.edge()

    def broken(self) -> Page:
        """Break it again, as it began, and show what the edge answers."""
        self.running.break_again()
        return self.edge()

    def edge(self) -> Page:
        """Show what CloudFront answers now, over all addresses and name servers that it may pick."""
        answers = fetch_all(self.running.edge_facts, patience=2.0)
        statuses = sorted({answer.status for answer in answers})
        bad = [status for status in statuses if status >= 500]
        said = " or ".join(map(str, statuses))
        if not bad:
            return page(Block("verdict", f"The edge answers {said}.", "Works", "ok"))
        sentence = f"The edge answers {said}" + (", depending on where it looks first." if len(statuses) > 1 else ".")
        return page(Block("verdict", sentence, "Broken", "fault"))


class Lesson(Incident):
    """One cause: what it is, how to see it, how to mend it, and three questions."""

    def __init__(self, plan: Plan, *, answers: Mapping[str, str]) -> None:
        super().__init__(plan.scenario)
        self.plan = plan
        self.answers = dict(answers)
        """What was answered, by number from 1, by letter; empty where nobody has."""

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        title = Block("heading", self.plan.title)
        return page(title, [Block("text", text) for text in self.plan.what])._repr_mimebundle_()

    def healthy(self) -> Page:
        """Show it as it should be: mended, before anything breaks."""
        return self.mend()

    def broken(self) -> Page:
        """Break it, say how, and show what the edge answers."""
        shown = super().broken()
        return page(Block("text", f"How it is broken: {self.plan.to_break}"), shown.blocks)

    def by_hand(self) -> Page:
        """Look with the tools that everybody has: each command, what it prints, and what is to be read there."""
        blocks: list[Block] = []
        for look in self.plan.by_hand:
            ran = tools.run(self.running, look.command)
            blocks += [Block("command", look.command, output=ran.output), Block("text", look.read)]
        return page(blocks)

    def how_to_mend(self) -> Page:
        """Show what to do, and where."""
        folder = self.running.site
        return page(
            Block("text", "Mend it yourself, in a terminal or an editor; or let the next cell do it."),
            Block("command", f"export CFRUNBOOK_LAB_SITE={folder}\ncd {folder}\n{self.plan.to_mend}"),
        )

    def questions(self) -> Page | None:
        """Ask: with buttons where somebody is there, else as text; what was answered is graded."""
        from cfrunbook.lab.training import forms

        if forms.are_shown():
            forms.Quiz(self).show()
            return None
        return self.graded()

    def graded(self) -> Page:
        """Show each question, and what is to be said of its answer."""
        blocks: list[Block] = []
        right = 0
        for number, question in enumerate(self.plan.questions, 1):
            letter = self.answers.get(str(number), "").strip().lower()[:1]
            blocks += _asked(number, question, letter)
            right += _is_right(question, letter)
        if any(self.answers.values()):
            whole = len(self.plan.questions)
            status = "ok" if right == whole else "warning"
            blocks.append(Block("verdict", f"{right} of {whole} right.", "Graded", status))
        else:
            how = 'answers = {"1": "a", "2": "b", "3": "c"}'
            blocks.append(Block("muted", f"To answer: put {how} into the parameters cell, and run this cell again."))
        return page(blocks)


def _asked(number: int, question: Question, letter: str) -> list[Block]:
    choices = tuple(f"{name}) {choice}" for name, choice in zip(_LETTERS, question.choices, strict=True))
    blocks = [Block("heading", f"{number}. {question.text}"), Block("list", items=choices)]
    if letter:
        is_right = _is_right(question, letter)
        named = f"{_LETTERS[question.right]}) {question.choices[question.right]}."
        said = question.why if is_right else f"{named} {question.why}"
        label = f"{visible(letter, 3)}) is {'right' if is_right else 'not right'}"
        blocks.append(Block("verdict", said, label, "ok" if is_right else "fault"))
    return blocks


def _is_right(question: Question, letter: str) -> bool:
    return letter == _LETTERS[question.right]


def lesson(cause: str, *, answers: Mapping[str, str] | None = None) -> Lesson:
    """Open the lesson about a cause. Raises BadInput for one that has none."""
    if cause not in LESSONS:
        raise BadInput(f"Lesson: there is none about {visible(cause, 40)!r}; there are {', '.join(LESSONS)}.")
    return Lesson(LESSONS[cause], answers=answers or {})


def guided() -> Incident:
    """Open the guided first incident: the classic of renewals."""
    return Incident(DEFAULT)
