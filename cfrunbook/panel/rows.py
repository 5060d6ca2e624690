"""One step's line in the panel: its button, where it stands, and its commands."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

import ipywidgets as widgets

from cfrunbook.views import panel as views

if TYPE_CHECKING:
    from cfrunbook.runbook import RunbookStep

Clicked = Callable[["RunbookStep"], None]


class StepRow:
    """The line of one step."""

    def __init__(self, number: int, step: RunbookStep, *, run: Clicked, copy: Clicked) -> None:
        self.step = step
        self.fresh = views.Row(
            number, step.title, code=step.code, words="after the fix" if step.method == "verify" else ""
        )
        """How it stands before it is done."""
        self.value = self.fresh
        self._clicked = run, copy
        self._lock = threading.Lock()
        """For where it stands: put by one thread, and drawn by another that makes its widgets anew."""
        self.make()

    def make(self) -> None:
        """Make its widgets, as it stands."""
        step, (run, copy) = self.step, self._clicked
        with self._lock:
            self._line = widgets.HTML(views.row(self.value))
        verb = "Verify" if step.method == "verify" else f"Run {self.fresh.number}"
        self.run = widgets.Button(description=verb, tooltip=f"{verb}: {step.title}")
        self.run.on_click(lambda _: run(step))
        self.copy = widgets.Button(description="Copy command", tooltip=f"Copy the commands of: {step.title}")
        self.copy.on_click(lambda _: copy(step))
        has_commands = step.method in ("judge", "fix", "verify")
        self.widget = widgets.HBox([self._line, *([self.copy] if has_commands else []), self.run])

    def put(self, value: views.Row) -> None:
        """Show where the step stands."""
        with self._lock:
            self.value = value
            self._line.value = views.row(value)

    def refresh(self, *, busy: bool, commands: str) -> None:
        """Follow what can be done now."""
        self.run.disabled = busy
        self.copy.disabled = not commands
        self.copy.tooltip = commands[:500] or "There is no command yet"
