"""The panel of a runbook: what to examine, the steps with a button each, and what may be done with the result.

Whatever a step shows goes into a display handle below the panel, so that it is in the saved notebook; the widgets hold
nothing that cannot be lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets
from ipywidgets import register_comm_target

from cfrunbook.errors import BadInput
from cfrunbook.files import write_aside, write_new
from cfrunbook.panel import codes, results
from cfrunbook.panel.copying import Clipboard
from cfrunbook.panel.form import Form, culprit
from cfrunbook.panel.frontend import notebook_name, updates_displays
from cfrunbook.panel.keeping import Keeping, evidence_names
from cfrunbook.panel.progress import Progress
from cfrunbook.panel.rows import StepRow
from cfrunbook.panel.stopping import PATIENCE, stopped_from_outside
from cfrunbook.panel.work import Work
from cfrunbook.runbook.guides import HOW, given
from cfrunbook.text import visible
from cfrunbook.views import outline
from cfrunbook.views import panel as views

if TYPE_CHECKING:
    from cfrunbook.evidence import Observations
    from cfrunbook.runbook import Runbook, RunbookStep

TICK = 0.5
"""Seconds between two pictures of a look in which nothing comes in."""
FALLBACK = (
    "The panel of this runbook: run the cell of the parameters and this one to have it here. Its results are below."
)
_OPEN = frozenset({"judge", "fix", "verify"})
"""Steps whose results are shown at once; the others' are a click away."""
_LIVE: dict[str, Panel] = {}
"""The panels on the page, by notebook and runbook: opened again, a runbook gets a new one in place of the old."""


def panel_of(runbook: Runbook) -> Panel:
    """Return the panel of `runbook` that is on a page, with whatever it is doing; a new one, if there is none."""
    return next((panel for panel in _LIVE.values() if panel.runbook is runbook), None) or Panel(runbook)


class Panel:
    """A panel for `runbook`. `show` displays it; it also works without anybody looking, which is how it is tested."""

    def __init__(self, runbook: Runbook, *, keeping: Keeping | None = None) -> None:
        self.runbook = runbook
        name = notebook_name() or runbook.guide.name
        self._key = f"{name}/{runbook.guide.name}"
        self.keeping = keeping or Keeping(name)
        self.work = Work()
        self.shown: dict[str, views.Bundle] = {}
        """What each step shows, by its id; also under `opened` and `report`."""
        self._handles: dict[str, Any] = {}
        self._own = False
        self._lock = threading.RLock()
        """For what is done in the panels' thread and in the kernel's, where it is shown."""
        self._said = ""
        self._not_kept = ""
        """Why what was seen is not where it is looked for after a restart, and where it is instead."""
        self.rows = {
            step.id: StepRow(number, step, run=self._run_one, copy=self._copy)
            for number, step in enumerate(runbook.agenda, 2)
        }
        self._make()
        self._unwatch = runbook.watch(self._watched, so_far=self._keep_so_far)
        self._refresh()
        self._say(self._greeting())

    # --- on the page ----------------------------------------------------------------------------------------------

    def _make(self) -> None:
        """Make the widgets."""
        self.head, self.status, self.script = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self.run_all = _button("Run all", "Do every step but Verify", self._run_all, icon="play", style="primary")
        self.cancel = _button("Cancel", "End the look; what was seen is kept", self.work.stop, icon="stop")
        self.save = _button("Save evidence", "Write everything that was seen to a file", self._save, icon="download")
        self.report = _button("Write report", "Write the incident folder", self._report, icon="file-text-o")
        self.to_form = widgets.ToggleButton(description="Parameters", tooltip="What to examine")
        self.to_code = widgets.ToggleButton(description="As code", tooltip="The calls that do the same")
        self.copy_script = _button("Copy code", "Copy these lines", lambda: self._copy_text(self._code(), "the code"))
        self.clipboard = Clipboard()
        self.form = Form(self.runbook.given, upload=self.keeping.upload, told=self._say)
        self.use = _button("Use these", "Take these parameters; what was seen is forgotten", self._use)
        self.recordings = widgets.Dropdown(options=[], tooltip="Recordings of earlier looks")
        self.resume = _button("Resume", "Judge that recording instead of looking", self._resume, icon="history")
        buttons = (self.run_all, self.cancel, self.save, self.report, self.to_form, self.to_code)
        bar, self._resuming = widgets.HBox(buttons), widgets.HBox([self.recordings, self.resume])
        rows = widgets.VBox([row.widget for row in self.rows.values()])
        self._form = widgets.VBox([self.form.widget, widgets.HBox([self.use])])
        self._code_box = widgets.VBox([self.script, widgets.HBox([self.copy_script])])
        self.widget = widgets.VBox(
            [self.head, bar, self._resuming, self.status, self._form, rows, self._code_box, self.clipboard.widget]
        )
        for box, name in (
            (bar, "cfr-bar"),
            (self._resuming, "cfr-bar"),
            (rows, "cfr-rows"),
            (self.widget, "cfr-panel"),
        ):
            box.add_class(name)
        self.to_form.value = not set(self.runbook.given) - {"lab"}
        self.to_form.observe(lambda _: self._fold(), names="value")
        self.to_code.observe(lambda _: self._fold(), names="value")
        self._fold()

    def show(self) -> None:
        """Display the panel, and below it a place for what each step shows; shown again, it is here as well."""
        register_comm_target()  # it was not, where ipywidgets was imported before there was a kernel
        old = _LIVE.pop(self._key, None)
        if old is self:
            self._renew()
        elif old is not None:
            old.close()
            self._refresh()  # what that saw until now may be resumed from
            self._say(self._greeting())
        _LIVE[self._key] = self
        with self._lock:
            self._display()
        self.work.warm_up()

    def _display(self) -> None:
        from IPython.display import display

        display(views.widget(self.widget.model_id, FALLBACK), raw=True)  # type: ignore[no-untyped-call]
        places = ("opened", *self.rows, "report")
        if not updates_displays():
            self._handles = self._handles or {name: _Place() for name in places}
            boxes = widgets.VBox([place.widget for place in self._handles.values()])
            boxes.add_class("cfr-places-of-results")
            display(views.widget(boxes.model_id, FALLBACK), raw=True)  # type: ignore[no-untyped-call]
        for name in places:
            data, metadata = self.shown.get(name, views.nothing())
            handle = self._handles.get(name)
            if isinstance(handle, _Place):
                handle.update(data)
            else:  # one that is shown already, on another page, follows too
                shown_as = handle.display_id if handle else True
                self._handles[name] = display(data, metadata=metadata, raw=True, display_id=shown_as)  # type: ignore[no-untyped-call]

    def _renew(self) -> None:
        """Make its widgets anew, as they stand.

        A page that is loaded again asks for the widgets that there were, and misses what they are told meanwhile.
        """
        with self._lock:
            old, typed, folded = self.widget, self.form.values, (self.to_form.value, self.to_code.value)
            for row in self.rows.values():
                row.make()
            self._make()
            self.status.value = self._said
            self.form.put(typed)
            self.to_form.value, self.to_code.value = folded
            self._refresh()
        _close(old)

    def close(self) -> None:
        """Take the panel from the page; a look that is under way is stopped, and what it saw is kept."""
        self.work.stop()
        with contextlib.suppress(Exception):  # what it did has nobody left to be told
            self.work.wait(PATIENCE)
        self._unwatch()
        _close(self.widget)

    def wait(self, seconds: float = 60.0) -> None:
        """Wait until what it is doing has ended."""
        self.work.wait(seconds)

    def _put(self, name: str, bundle: views.Bundle) -> None:
        """Show something in its place below the panel."""
        with self._lock:
            self.shown[name] = bundle
            if name in self._handles:
                data, metadata = bundle
                self._handles[name].update(data, metadata=metadata, raw=True)

    def _fold(self) -> None:
        self._form.layout.display = "" if self.to_form.value else "none"
        self._code_box.layout.display = "" if self.to_code.value else "none"

    def _say(self, said: views.Said) -> None:
        self._draw(views.status(said))

    def _refresh(self) -> None:
        """Bring everything that follows from the runbook's state up to date."""
        with self._lock:
            self._follow()

    def _follow(self) -> None:
        runbook, busy = self.runbook, self.work.busy and self._own
        self.head.value = views.head(results.head(runbook, _title(runbook)))
        self.script.value = views.code(self._code())
        self.run_all.disabled = self.use.disabled = self.resume.disabled = busy
        self.cancel.disabled = not busy
        self.save.disabled = self.report.disabled = busy or not runbook.has_looked
        for row in self.rows.values():
            row.refresh(busy=busy, commands=codes.commands(row.step, runbook))
        kept = () if runbook.has_looked or runbook.recorded else self.keeping.kept
        self.recordings.options = [(f"Evidence of {outline.moment(one.at)}", str(one.path)) for one in kept]
        self.recordings.value = str(kept[0].path) if kept else None
        self._resuming.layout.display = "" if kept else "none"
        scenarios = _scenarios() if runbook.incident.inputs.lab else ()
        self.form.suggest(runbook.incident.distribution, scenarios)
        opened = views.Row(1, "What is examined, and why", state="done")
        self._put("opened", views.result(opened, runbook._repr_mimebundle_(), is_open=not runbook.has_looked))

    def _greeting(self) -> views.Said:
        if self.runbook.has_looked:
            return self._verdict()
        if self.keeping.kept and not self.runbook.recorded:
            return views.Said("Run all looks now; or resume from what was seen earlier.", status="info")
        if self.runbook.is_example:
            said = (
                "Nothing was given, so this is practice, on an origin broken on purpose. Fill in what you have below."
            )
            return views.Said(said, status="info")
        return views.Said("Nothing was looked at yet. Run all does every step but Verify.", status="info")

    def _verdict(self) -> views.Said:
        """Return the verdict; with why, if what was seen could not be kept."""
        return self._with_loss(results.verdict(self.runbook))

    def _with_loss(self, said: views.Said) -> views.Said:
        return replace(said, sentence=f"{said.sentence} {self._not_kept}") if self._not_kept else said

    def _code(self) -> str:
        return codes.script(self.runbook)

    # --- what the buttons do --------------------------------------------------------------------------------------

    def _begin(self, doing: Callable[[asyncio.Event], Coroutine[Any, Any, None]]) -> None:
        """Do something in the panels' thread, unless something is being done; the buttons follow."""

        async def all_of_it(stop: asyncio.Event) -> None:
            self._own = True
            try:
                self._refresh()
                await doing(stop)
            except BadInput as error:
                self._say(views.Said(str(error), status="fault"))
            except Exception as error:  # noqa: BLE001 - a button never ends in silence
                self._say(_broken(error))
            finally:
                self._own = False
                self._refresh()

        if self.work.start(all_of_it):
            stopped_from_outside(self.work)

    def _run_all(self) -> None:
        steps = [step for step in self.runbook.agenda if step.method != "verify"]
        self._begin(lambda stop: self._do(steps, stop))

    def _run_one(self, step: RunbookStep) -> None:
        self._begin(lambda stop: self._do([step], stop))

    async def _do(self, steps: Sequence[RunbookStep], stop: asyncio.Event) -> None:
        """Do some steps, one after the other; after a look that was stopped the others judge what there is."""
        if not await self._take_form():
            return
        if not self.runbook.has_looked and steps[0].needs_look:
            steps = [next(step for step in self.runbook.agenda if step.method == "look"), *steps]
        for step in steps:
            await self._step(step, stop)
            self.to_form.value = False
            if step.method == "look" and not self.runbook.has_looked:
                return
        if steps[-1].method != "verify" and self.runbook.has_looked:
            self._say(self._verdict())

    async def _step(self, step: RunbookStep, stop: asyncio.Event) -> None:
        row, begun = self.rows[step.id], time.monotonic()
        before = row.value
        row.put(replace(row.fresh, state="running"))
        try:
            shown = await self._followed(step, stop)
        except BadInput as error:
            self._failed(row, str(error))
        except Exception as error:  # noqa: BLE001 - the other steps are worth doing
            self._failed(row, _broken(error).sentence)
        except asyncio.CancelledError:
            row.put(before)
            raise
        else:
            seconds = time.monotonic() - begun if step.probes else None
            row.put(replace(results.concluded(row.fresh, shown), seconds=seconds))
            bundle = shown._repr_mimebundle_()
            self._put(step.id, views.result(row.value, bundle, is_open=step.method in _OPEN))
            if step.method == "verify":
                said = views.Said(shown.sentence, status=shown.status, label=f"{shown.label}:", code=step.code)
                self._say(self._with_loss(said))

    async def _followed(self, step: RunbookStep, stop: asyncio.Event) -> Any:
        """Do a step; where it probes, show what comes in."""
        if not step.probes:
            return await self.runbook.do(step)
        progress = Progress("Looking" if step.method == "look" else "Looking again", self._draw)
        progress.draw()

        async def tick() -> None:
            while True:
                await asyncio.sleep(TICK)
                progress.draw()

        ticking = asyncio.create_task(tick())
        try:
            return await self.runbook.do(step, progress=progress, stop=stop)
        finally:
            ticking.cancel()

    def _draw(self, drawn: str) -> None:
        with self._lock:
            self._said = drawn
            self.status.value = drawn

    def _failed(self, row: StepRow, sentence: str) -> None:
        from cfrunbook.views import steps

        row.put(replace(row.fresh, state="failed", meaning=sentence))
        self._put(row.step.id, views.result(row.value, steps.note(sentence)._repr_mimebundle_(), is_open=True))
        self._say(views.Said(sentence, status="fault", label=f"{row.step.title}:"))

    async def _take_form(self) -> bool:
        """Take what the form holds, if that is not what is examined; False, and why at its field, if that fails."""
        wanted = self._wanted()
        if wanted == given(self.runbook.given):
            return True
        return await self._reopen(wanted)

    def _wanted(self) -> dict[str, Any]:
        """Return what the form holds; the lab scenario that stood in for nothing gives way to anything real."""
        wanted = self.form.values
        if self.runbook.is_example and wanted.get("lab") == self.runbook.given["lab"] and set(wanted) - HOW - {"lab"}:
            del wanted["lab"]
        return wanted

    async def _reopen(self, wanted: Mapping[str, Any]) -> bool:
        try:
            await asyncio.to_thread(self.runbook.reopen, **wanted)
        except BadInput as error:
            said = str(error)
            name = await asyncio.to_thread(culprit, wanted, self._attempt, said)
            self.to_form.value = True
            if not self.form.say(name, said):
                self.form.say("", "")
            self._say(views.Said(f"{said} Nothing was changed.", status="fault"))
            return False
        self.form.put(self.runbook.given)
        self._forget()
        self._refresh()
        return True

    def _attempt(self, parameters: Mapping[str, Any]) -> None:
        """Try to open this runbook with other parameters. Raises BadInput."""
        type(self.runbook)(self.runbook.guide, parameters)

    def _forget(self) -> None:
        """Take away what was shown, and said, of an earlier look."""
        self._not_kept = ""
        for name, row in self.rows.items():
            row.put(row.fresh)
            if self.shown.get(name):
                self._put(name, views.nothing())

    def _use(self) -> None:
        async def use(_: asyncio.Event) -> None:
            if await self._take_form():
                said = "These are the parameters now; nothing was looked at yet."
                has = self.runbook.has_looked
                self._say(self._verdict() if has else views.Said(said, status="info", code=codes.opening(self.runbook)))

        self._begin(use)

    def _resume(self) -> None:
        path = self.recordings.value

        async def resume(stop: asyncio.Event) -> None:
            kept = {name: value for name, value in self.runbook.given.items() if name != "lab"}
            if path and await self._reopen({**kept, "evidence": path}):
                await self._do([step for step in self.runbook.agenda if step.method != "verify"], stop)

        self._begin(resume)

    def _save(self) -> None:
        async def save(_: asyncio.Event) -> None:
            seen = self.runbook.observations
            try:
                path = write_new(map(Path, evidence_names(seen)), seen.to_json())
            except BadInput as error:
                raise BadInput(_aside(seen, str(error))) from error
            self._say(views.Said(f"Saved {visible(path)}.", status="ok", code=f'runbook.save("{path}")'))

        self._begin(save)

    def _report(self) -> None:
        async def report(_: asyncio.Event) -> None:
            self.cancel.disabled = True  # a folder is written whole or not at all
            self._say(views.Said("Writing the report: every runbook is run on what was seen.", status="info"))
            written = await self.runbook.report("incident")
            row = views.Row(len(self.rows) + 2, "Report", state="done")
            self._put("report", views.result(row, written._repr_mimebundle_(), is_open=True))
            self._say(views.Said(written.sentence, status="ok", code=codes.REPORT))

        self._begin(report)

    def _copy(self, step: RunbookStep) -> None:
        self._copy_text(codes.commands(step, self.runbook), f"the commands of “{step.title}”")

    def _copy_text(self, text: str, what: str) -> None:
        self.clipboard.copy(text, what)

    # --- what happens elsewhere -----------------------------------------------------------------------------------

    def _keep_so_far(self, seen: Observations) -> None:
        """Keep what a look has seen so far: the kernel may be killed before it ends."""
        with contextlib.suppress(BadInput):  # that it cannot be kept is said at its end
            self.keeping.keep(seen, so_far=True)

    def _watched(self, step: RunbookStep, shown: Any) -> None:
        """Follow a look, whoever began it: keep what was seen, and drop what was shown of an earlier one."""
        if self.runbook.recorded:
            seen = None
        elif step.method == "verify":
            seen = self.runbook.second_look
        else:
            seen = self.runbook.observations
        if seen is not None:
            self._not_kept = ""
            try:
                self.keeping.keep(seen)
            except BadInput as error:
                self._not_kept = _aside(seen, str(error))
        if step.method == "look":
            for name, row in self.rows.items():
                if row.step.needs_look:
                    row.put(row.fresh)
                    self._put(name, views.nothing())
        if not self._own:
            row = self.rows[step.id]
            row.put(results.concluded(row.fresh, shown))
            self._put(step.id, views.nothing())  # it stands in the cell that was run
            with contextlib.suppress(BadInput):
                self._say(self._verdict())
            self._refresh()


class _Place:
    """A place on a page, where there are no display handles."""

    def __init__(self) -> None:
        self.widget = widgets.HTML()

    def update(self, data: Mapping[str, Any], **_: Any) -> None:
        """Show the HTML of a bundle."""
        self.widget.value = data["text/html"]


def _button(description: str, tooltip: str, click: Callable[[], None], *, icon: str = "", style: str = "") -> Any:
    button = widgets.Button(description=description, tooltip=tooltip, icon=icon, button_style=style)
    button.on_click(lambda _: click())
    return button


def _close(widget: Any) -> None:
    """Take a widget and all that is in it from the page."""
    for child in getattr(widget, "children", ()):
        _close(child)
    widget.close()


def _broken(error: Exception) -> views.Said:
    """Return a sentence for what should not have happened."""
    kind = f"{type(error).__name__}: {visible(error, 300)}"
    return views.Said(f"This went wrong inside cfrunbook, which is a mistake of ours: {kind}", status="fault")


def _aside(seen: Observations, why: str) -> str:
    """Keep a recording where temporary files go; return, in a sentence, why it is not elsewhere, and where it is."""
    path = write_aside("evidence.json", seen.to_json())
    return f"{why.rstrip('.')}; what was seen is in {visible(path)}." if path else why


def _title(runbook: Runbook) -> str:
    """Return what the runbook is about."""
    titles = [outline.CAUSE_TITLES[cause] for cause in runbook.guide.causes]
    return ", ".join(titles) or runbook.guide.about[:1].upper() + runbook.guide.about[1:]


def _scenarios() -> Sequence[str]:
    from cfrunbook.lab import SCENARIOS

    return sorted(SCENARIOS)
