"""The room of a notebook's lesson: a scenario in this kernel, to be broken, looked at, mended and asked about.

Each call shows one thing, with or without anybody before the screen.
"""

from __future__ import annotations

import atexit
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from cfrunbook.errors import BadInput
from cfrunbook.findings import Diagnosis, Finding, Status
from cfrunbook.lab import DEFAULT
from cfrunbook.lab.running import Running, find
from cfrunbook.lab.training import asking, scene, tools
from cfrunbook.lab.training.lessons import LESSONS, Edit, Plan, Todo
from cfrunbook.lab.training.questions import DECISION
from cfrunbook.text import visible
from cfrunbook.views.training import Block, Page, page

if TYPE_CHECKING:
    from cfrunbook.views import html

FIRST = "your first incident"
"""What the guided incident is called where its scenario's name would tell what is wrong."""
_OPEN: dict[str, scene.Scene] = {}
"""The scenarios of this kernel, by name: run again, a cell gets the one that is up."""


def up(scenario: str, *, alias: str = "") -> scene.Scene:
    """Return the scenario, up in this process until it ends, and as broken as it began. Raises BadInput."""
    if scenario not in _OPEN:
        opened = _OPEN[scenario] = scene.Scene(Running(find(scenario), alias=alias))
        atexit.register(opened.stop)
    else:
        _OPEN[scenario].break_again()
    return _OPEN[scenario]


class Incident:
    """A scenario in this kernel, with what can be done about it."""

    def __init__(self, scenario: str, *, alias: str = "") -> None:
        self.scene = up(scenario, alias=alias)

    def __repr__(self) -> str:
        return f"<incident at {self.running.edge_url}>"

    @property
    def running(self) -> Running:
        """The scenario that is up."""
        return self.scene.running

    def pager(self) -> Page:
        """Show what the pager says, and how the incident is reached."""
        return scene.pager(self.running)

    def run(self, command: str) -> Page:
        """Run a shell command inside the lab, in which curl, openssl, dig and nc find its hosts by their names."""
        return scene.shown(tools.run(self.running, command))

    def console(self, command: str = "") -> Page | None:
        """Ask for commands to run in the lab; with nobody before the screen, run this one."""
        from cfrunbook.lab.training import desk

        if desk.are_shown():
            desk.Console(self.running, command).show()
            return None
        return self.run(command)

    def desk(self) -> Page | None:
        """Show what the edge answers, and the files that the owners can change, to be edited here.

        With nobody before the screen: which files there are, and where.
        """
        from cfrunbook.lab.training import desk

        if desk.are_shown():
            desk.Desk(self.scene, self.first_file).show()
            return None
        return self.site()

    @property
    def first_file(self) -> str:
        """The file of the site that is open first."""
        return ""

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

    async def runbook(self, name: str = "00_start_here") -> Any:
        """Show the panel of a runbook for this incident; with nobody before the screen: what it says."""
        from cfrunbook.lab.training import desk

        if desk.are_shown():
            desk.show_runbook(self.running, name)
            return None
        return await self.look()

    async def verify(self) -> Page:
        """Show whether the incident is over: what viewers get, what the edge gets, and what the diagnosis says."""
        return scene.verified(self.running, await self.diagnose())

    def site(self) -> Page:
        """Show which files the owners can change, and where they are."""
        return page(
            Block("text", "What the owners can change, for any editor. What is saved there counts within a second."),
            Block("command", f"cd {self.running.site}"),
            Block("list", items=self.scene.files[:40]),
        )

    def reload(self) -> Page:
        """Bring up what the files say by now, and show what the edge answers."""
        try:
            self.scene.follow()
        except BadInput as error:
            return page(scene.not_used(str(error)))
        return self.edge()

    def mend(self) -> Page:
        """Mend it as its owner would, unless somebody has already, and show what the edge answers."""
        with suppress(BadInput):  # what cannot be used is no mend
            self.scene.follow()
        if self.scene.answer().status != "ok":
            self.scene.mend()
        return self.edge()

    def broken(self) -> Page:
        """Break it again, as it began, and show what the edge answers."""
        self.scene.break_again()
        return self.edge()

    def edge(self) -> Page:
        """Show what CloudFront answers now, over all addresses and name servers that it may pick."""
        return page(self.scene.answer())


class Guided(Incident):
    """The guided first incident, in which one thing is to be decided."""

    def __init__(self, *, decision: str = "") -> None:
        super().__init__(DEFAULT, alias=FIRST)
        self.decision = decision

    @property
    def first_file(self) -> str:
        """The certificates that are sent."""
        return "origins/origin.shop.example/address-1-port-443/fullchain.pem"

    def decide(self) -> Page | None:
        """Ask which cause it is: with buttons where somebody is there, else as text; what was answered is graded."""
        return asking.ask([DECISION], {"1": self.decision}, where="decision")


class Lesson(Incident):
    """One cause: what it is, how to see it, how to mend it, and three questions."""

    def __init__(self, plan: Plan, *, answers: Mapping[str, str]) -> None:
        super().__init__(plan.scenario, alias=f"lesson {plan.notebook}")
        self.plan = plan
        self.answers = asking.by_number(answers)
        """What was answered, by number from 1, by letter; empty where nobody has."""

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        return page([Block("text", text) for text in self.plan.what])._repr_mimebundle_()

    @property
    def first_file(self) -> str:
        """The file in which it is mended."""
        return self.plan.file

    def healthy(self) -> Page:
        """Show it as it should be: mended, before anything breaks."""
        return self.mend()

    def broken(self) -> Page:
        """Break it, say how, and show what the edge answers."""
        shown = super().broken()
        story = Block("story", items=self.running.scenario.story)
        return page(Block("text", self.plan.broken), story, shown.blocks)

    def by_hand(self) -> Page:
        """Look with the tools that everybody has: each command, what it prints, and what is to be read there."""
        blocks: list[Block] = []
        for number, look in enumerate(self.plan.by_hand, 1):
            ran = tools.run(self.running, look.command)
            blocks += [Block("heading", f"{number}. {look.why}"), *scene.shown(ran).blocks, Block("text", look.read)]
        return page(blocks)

    def how_to_mend(self) -> Page:
        """Show what to do, and where."""
        return page(Block("text", self.plan.to_mend), *_told(self.plan.mending))

    def how_to_break(self) -> Page:
        """Show what else breaks it, to be done by hand."""
        return page(Block("text", self.plan.to_break), *_told(self.plan.breaking))

    def questions(self) -> Page | None:
        """Ask: with buttons where somebody is there, else as text; what was answered is graded."""
        return asking.ask(self.plan.questions, self.answers, where="answers")


def _told(todos: Sequence[Todo]) -> Iterator[Block]:
    """Yield what is to be edited or typed."""
    for todo in todos:
        if isinstance(todo, Edit):
            yield Block("text", f"In the file `{todo.file}`:")
            yield Block("edit", todo.old, output=todo.new)
        else:
            yield Block("command", todo)


def lesson(cause: str, *, answers: Mapping[str, str] | None = None) -> Lesson:
    """Open the lesson about a cause. Raises BadInput for one that has none."""
    if cause not in LESSONS:
        raise BadInput(f"Lesson: there is none about '{visible(cause, 40)}'; there are {', '.join(LESSONS)}.")
    return Lesson(LESSONS[cause], answers=answers or {})


def guided(*, decision: str = "") -> Guided:
    """Open the guided first incident: the classic of renewals."""
    return Guided(decision=decision)
