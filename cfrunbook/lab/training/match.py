"""A game day on one panel: one incident after the other, each with its clock, its hints and its grade."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any, Final

from cfrunbook.lab.training import grading, naming
from cfrunbook.lab.training.desk import Console, in_a_line
from cfrunbook.views.outline import CAUSE_TITLES
from cfrunbook.views.training import Block, Page, page

if TYPE_CHECKING:
    from cfrunbook.lab.running import Running
    from cfrunbook.lab.training.game import GameDay, Round

TICK: Final = 1.0
"""Seconds between two pictures of the clock."""
_UNKNOWN: Final = {naming.NONE: "nothing is broken", naming.UNKNOWN: "what there is does not tell"}


class Match(Console):
    """The panel of a game day."""

    def __init__(self, game: GameDay) -> None:
        super().__init__(None)
        self.game = game
        self.played: Round | None = None
        """The incident that is on."""
        self._hints: list[Block] = []
        self._over = threading.Event()

    def show(self) -> None:
        """Display the panel; its first incident begins with a click."""
        import ipywidgets as widgets

        self.state, self.edge = widgets.HTML(), widgets.HTML()
        self.begin = self.button("Begin", self._begin, place="incident", style="primary", tooltip="The clock starts")
        wide = widgets.Layout(width="100%")
        named = [("", ""), *((f"{cause}: {_title(cause)}", cause) for cause in self.game.causes)]
        self.cause = widgets.Dropdown(options=named, description="Cause")
        asked = "What did you see, and with what? Output of openssl, dig or curl, or a finding's code"
        self.evidence = widgets.Textarea(description="Evidence", placeholder=asked, rows=3, layout=wide)
        self.fix = widgets.Textarea(
            description="Fix", placeholder="What has to be done, and where?", rows=2, layout=wide
        )
        costs = f"The next hint, for {grading.HINT_COSTS} points"
        self._steps = [
            self.button(
                "Hand in", self._hand_in, place="grade", style="primary", tooltip="The clock stops; it counts once"
            ),
            self.button("Hint", self._hint, place="hints", tooltip=costs),
        ]
        if not self.game.by_hand:
            self._steps.append(self.button("Diagnose", self._look, place="looked", tooltip="Ask our own diagnosis"))
        self._playing = widgets.VBox([*self.made(), self.cause, self.evidence, self.fix, widgets.HBox(self._steps)])
        self._playing.layout.display = "none"
        empty = {name: page() for name in ("grade", "hints", "printed", "looked", "incident")}
        self.display([self.state, widgets.HBox([self.begin]), self.edge, self._playing], **empty)
        self._draw()
        if self.game.current:
            self.do(self._go_on, "incident")

    def _title(self) -> str:
        return f"Incident {self.played.number} of {len(self.game)}" if self.played else f"{len(self.game)} incidents"

    def _draw(self) -> None:
        """Show where the game is, and the clock."""
        from cfrunbook.views import panel as views

        if self.played is None:
            self.state.value = views.status(
                views.Said("Nothing is on yet. Begin starts the first clock.", status="info")
            )
            return
        minutes, seconds = divmod(int(self.played.seconds), 60)
        said = f"{minutes:02}:{seconds:02}" + (
            f" · {views.count(self.played.opened, 'hint')}" if self.played.opened else ""
        )
        over = " · handed in" if self._over.is_set() else ""
        self.state.value = views.status(views.Said(f"{said}{over}", status="info", label=f"{self._title()}:"))

    def _begin(self) -> None:
        if self.played is not None and not self._over.is_set():
            return  # clicked twice
        self._put_on(self.played.number + 1 if self.played else 1)

    def _go_on(self) -> None:
        """Go on with the incident that was open when the kernel ended, or when the cell was run before."""
        self.put("incident", page(Block("muted", "Bringing the incident up …")))
        self._put_on(self.game.current)

    def _put_on(self, number: int) -> None:
        """Open an incident, and show where it stands."""
        self.played = played = self.game.open(number)
        self.running, self._printed, self._over = played.running, [], threading.Event()
        self._hints = [*played.hints().blocks]
        for field in (self.edge, self.command, self.cause, self.evidence, self.fix):
            field.value = ""
        for place in ("printed", "looked", "grade"):
            self.put(place, page())
        self.put("hints", page(self._hints))
        self.put("incident", played.pager())
        self._playing.layout.display = ""
        self._follow()
        if played.is_over:
            self.put("grade", self._ended())
        else:
            threading.Thread(target=self._tick, args=(played, self._over), daemon=True).start()

    def _tick(self, played: Round, over: threading.Event) -> None:
        while self.played is played and not over.wait(TICK) and not played.is_over:
            self._draw()

    def _follow(self) -> None:
        """Let the buttons follow where the game is."""
        is_last = self.played is not None and self.played.number == len(self.game)
        self.begin.description = "Next incident" if self.played else "Begin"
        self.begin.layout.display = "none" if self.played and (is_last or not self._over.is_set()) else ""
        self._draw()

    def _disable(self, busy: bool) -> None:
        super()._disable(busy)
        if self._over.is_set():
            for button in self._steps:
                button.disabled = True

    def _ran(self, running: Running, command: str) -> Page:
        assert self.played is not None
        return self.played.run(command)

    def _hint(self) -> Page:
        assert self.played is not None
        self._hints += self.played.hint().blocks
        self._draw()
        return page(self._hints)

    def _look(self) -> Any:
        assert self.played is not None
        self.put("looked", page(Block("muted", "Looking …")))
        return asyncio.run(self.played.look())

    def _hand_in(self) -> Page:
        assert self.played is not None
        self.await_typed()
        if not all((self.cause.value, self.evidence.value.strip())):
            return page(Block("muted", "Choose a cause, and write down the evidence; nothing is handed in yet."))
        self.played.answer(cause=self.cause.value, evidence=self.evidence.value, fix=self.fix.value)
        return self._ended()

    def _ended(self) -> Page:
        """End the incident, and show its grade; after the last one also the score."""
        assert self.played is not None
        self._over.set()
        self._follow()
        played = self.played
        score = self.game.score().blocks if played.number == len(self.game) else ()
        mending = played.to_mend(lambda answer: self._told(played, answer))
        return page(played.graded().blocks, mending.blocks, score)

    def _told(self, played: Round, answer: Block) -> None:
        """Show what the edge answers while an incident that is over is mended."""
        if self.played is played:
            self.edge.value = in_a_line(answer)


def _title(cause: str) -> str:
    titles = {str(known): title for known, title in CAUSE_TITLES.items()}
    return _UNKNOWN.get(cause) or titles.get(cause, cause)
