"""A desk to work at an incident without leaving the notebook: commands in the lab, its files, what the edge answers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from cfrunbook.errors import BadInput
from cfrunbook.lab.training import scene, tools
from cfrunbook.lab.training.forms import Call, Form, are_shown
from cfrunbook.views.training import Block, Page, page

if TYPE_CHECKING:
    from cfrunbook.lab.running import Running
    from cfrunbook.lab.training.scene import Scene

__all__ = ["Console", "Desk", "are_shown", "show_runbook"]

MOST_KEPT = 6
"""Commands whose output stays on the page."""


class Console(Form):
    """A field for commands: Enter runs one in the lab, and what it prints is shown, the newest first."""

    def __init__(self, running: Running | None, command: str = "") -> None:
        super().__init__()
        self.running = running
        self._first = command
        self._printed: list[Page] = []

    def show(self) -> None:
        """Display the field, and below it what was printed."""
        self.display(self.made(), printed=page())

    def made(self) -> list[Any]:
        """Return the field and its button."""
        import ipywidgets as widgets

        self.command = widgets.Text(
            value=self._first, placeholder="curl -si https://www.shop.example/cart", description="Command"
        )
        self.command.on_msg(lambda _, content, __: self._entered(content))
        self.command.add_class("cfr-command")
        run = widgets.Button(description="Run", tooltip="Run it in the lab; Enter does, too", button_style="primary")
        run.on_click(lambda _: self._enter())
        return [widgets.HBox([self.command, run])]

    def _entered(self, content: Any) -> None:
        if content.get("event") == "submit":
            self._enter()

    def _enter(self) -> None:
        """Run what the field holds now, after what is running."""
        command = self.command.value.strip()
        if command:
            self.do(partial(self._run, command), "printed")

    def _run(self, command: str) -> Page:
        assert self.running is not None
        self.put("printed", page(Block("command", command, output="…"), *self._blocks))
        self._printed = [self._ran(self.running, command), *self._printed][:MOST_KEPT]
        return page(*self._blocks)

    @property
    def _blocks(self) -> list[Sequence[Block]]:
        return [printed.blocks for printed in self._printed]

    def _ran(self, running: Running, command: str) -> Page:
        """Run a command where this console stands."""
        return scene.shown(tools.run(running, command))


class Desk(Console):
    """What the edge answers, followed as files change; the files, to be edited here; a field for commands."""

    def __init__(self, worked_on: Scene, first: str = "") -> None:
        super().__init__(worked_on.running)
        self.scene = worked_on
        self._first_file = first
        self._read = ""

    def show(self) -> None:
        """Display all of it."""
        import ipywidgets as widgets

        from cfrunbook.views import panel as views

        self.state = widgets.HTML(views.status(views.Said("Asking the edge …", status="info")))
        files = self.scene.files
        first = self._first_file if self._first_file in files else files[0]
        self.file = widgets.Dropdown(options=files, value=first, description="File")
        self.text = widgets.Textarea(rows=16, layout={"width": "100%"})
        self.text.add_class("cfr-editor")
        self.file.observe(lambda _: self._open(), names="value")
        save = self.button(
            "Save", self._save, place="saved", style="primary", tooltip="Save this file; the lab follows"
        )
        undo = self.button(
            "Break it again", self._undo, place="saved", tooltip="All files as they were at the beginning"
        )
        is_mendable = self.scene.running.is_mendable
        mend = [self.button("Mend it for me", self._mend, place="saved")] if is_mendable else []
        edited = widgets.VBox([widgets.HBox([self.file, save, undo, *mend]), self.text])
        edited.add_class("cfr-file")
        self._open()
        self.display([self.state, *self.made(), edited], saved=page(), printed=page())
        self.scene.watch("desk", self._told)
        self.do(self._asked, "saved")

    def _told(self, answer: Block) -> None:
        """Show what the edge answers; and the file, which somebody may have changed elsewhere."""
        self.state.value = in_a_line(answer)
        if self.text.value == self._read:  # else it is being edited
            self._open()

    def _open(self) -> None:
        """Show the chosen file as it is on the disk; one that cannot be shown is not to be saved either."""
        why = ""
        try:
            self._read = self.scene.read(self.file.value)
        except BadInput as error:  # somebody may have removed it
            self._read, why = "", str(error)
        self.text.value, self.text.placeholder, self.text.disabled = self._read, why, bool(why)

    def _asked(self) -> None:
        self._told(self.scene.answer())

    def do(self, call: Call, place: str) -> None:
        """Do something in the background; where that is to save, no other file is chosen meanwhile."""
        if call == self._save:
            self.file.disabled = True
        super().do(call, place)

    def _save(self) -> Page:
        try:
            self.await_typed()
            return self._saved()
        finally:
            self.file.disabled = False

    def _saved(self) -> Page:
        if self.text.disabled:
            return page(Block("verdict", self.text.placeholder, "Not saved", "unknown"))
        self._read = self.text.value
        try:
            self.scene.write(self.file.value, self.text.value)
        except BadInput as error:
            return page(Block("verdict", str(error), "Saved, but not used: all stays as it was", "unknown"))
        return page(Block("muted", f"Saved {self.file.value}."))

    def _undo(self) -> Page:
        self.scene.break_again()
        return page(Block("muted", "All files are as they were at the beginning."))

    def _mend(self) -> Page:
        self.scene.mend()
        return page(Block("muted", "Its author's mend was made: read the files."))


def in_a_line(answer: Block) -> str:
    """Return what the edge answers, for a line above the fields."""
    from cfrunbook.views import panel as views

    return views.status(views.Said(answer.text, status=answer.status, label=f"{answer.label}:"))


def show_runbook(running: Running, name: str) -> None:
    """Display the panel of a runbook for a scenario; what it keeps goes with the scenario."""
    from cfrunbook.panel.keeping import Keeping
    from cfrunbook.panel.panel import Panel
    from cfrunbook.runbook import open_runbook

    runbook = open_runbook(name, lab=str(running.file))
    panel = Panel(runbook, keeping=Keeping("panel", folder=running.folder / "kept"))
    panel.to_form.value = False  # the lab says what to examine
    panel.show()
