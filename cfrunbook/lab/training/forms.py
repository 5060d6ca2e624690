"""Fields and buttons of the training room, where somebody is there; results go into display handles."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from cfrunbook.errors import BadInput
from cfrunbook.lab.training import asking
from cfrunbook.text import visible
from cfrunbook.views.training import Block, Page, page, styles

if TYPE_CHECKING:
    from cfrunbook.lab.training.asking import Question

Call = Callable[[], Page | None]
"""Does something, and returns what is to be shown of it; None: nothing."""
TYPED = 0.3
"""Seconds until what was typed before a click is here, too."""
FALLBACK = "Fields and buttons: run this cell to have them here. What they showed is below."


def are_shown() -> bool:
    """Tell whether somebody sits before this notebook, in something that shows widgets."""
    from cfrunbook.panel.frontend import shows_widgets

    return shows_widgets()


class Form:
    """Widgets above places that are saved with the notebook; what takes long is done in a thread of its own."""

    def __init__(self) -> None:
        self._todo: SimpleQueue[tuple[Call, str]] = SimpleQueue()
        self._doing: threading.Thread | None = None
        self._handles: dict[str, Any] = {}
        self._buttons: list[Any] = []

    def display(self, boxes: Sequence[Any], **places: Page) -> None:
        """Display widgets below one another, and below them the places."""
        import ipywidgets as widgets
        from IPython.display import display

        from cfrunbook.views import panel as views

        style = widgets.HTML(styles())
        style.layout.display = "none"
        box = self.box = widgets.VBox([style, *boxes])
        for name in ("cfr-panel", "cfr-desk"):
            box.add_class(name)
        display(views.widget(box.model_id, FALLBACK), raw=True)  # type: ignore[no-untyped-call]
        for name, shown in places.items():
            self._handles[name] = display(shown, display_id=True)  # type: ignore[no-untyped-call]

    def put(self, place: str, shown: Page) -> None:
        """Show something in its place."""
        self._handles[place].update(shown)

    def button(self, label: str, call: Call, *, place: str, tooltip: str = "", style: str = "") -> Any:
        """Return a button that does something, one thing at a time, and shows what comes of it."""
        import ipywidgets as widgets

        button = widgets.Button(description=label, tooltip=tooltip or label, button_style=style)
        button.on_click(lambda _: self.do(call, place))
        self._buttons.append(button)
        return button

    def do(self, call: Call, place: str) -> None:
        """Do something in the background, after what was begun before, and show what comes of it."""
        self._todo.put((call, place))
        if self._doing is None:
            self._doing = threading.Thread(target=self._work, name="cfrunbook-form", daemon=True)
            self._doing.start()

    def await_typed(self) -> None:
        """Wait for what was typed last: a click may overtake it, since widgets send one change at a time.

        https://github.com/jupyter-widgets/ipywidgets/blob/main/packages/base/src/widget.ts (msg_throttle)
        """
        time.sleep(TYPED)

    def _work(self) -> None:
        while True:
            call, place = self._todo.get()
            self._disable(True)
            try:
                shown = call()
            except BadInput as error:
                shown = page(Block("verdict", str(error), "Not possible", "unknown"))
            except Exception as error:  # noqa: BLE001 - a button never ends in silence
                shown = page(Block("verdict", f"{type(error).__name__}: {visible(error, 300)}", "Failed", "fault"))
            self._disable(False)
            if shown is not None:
                self.put(place, shown)

    def _disable(self, busy: bool) -> None:
        for button in self._buttons:
            button.disabled = busy


class Quiz(Form):
    """A few questions; each answer is told about as soon as it is checked."""

    def __init__(self, questions: Sequence[Question], answers: Mapping[str, str]) -> None:
        super().__init__()
        self.questions = questions
        self.answers = dict(answers)

    def show(self) -> None:
        """Display the questions, and below what is to be said of the answers."""
        import ipywidgets as widgets

        from cfrunbook.views import panel as views

        self.fields = []
        boxes: list[Any] = []
        for number, question in enumerate(self.questions, 1):
            letters = asking.LETTERS[: len(question.choices)]
            options = [(choice.text, letter) for letter, choice in zip(letters, question.choices, strict=True)]
            given = asking.given(self.answers, number)
            field = widgets.RadioButtons(options=options, value=given if given in letters and given else None)
            self.fields.append(field)
            title = f"{number}. {question.text}" if len(self.questions) > 1 else question.text
            boxes += [widgets.HTML(views.status(views.Said(title))), field]
        check = self.button("Check", self._graded, place="graded", style="primary", tooltip="What is right, and why")
        self.display([*boxes, widgets.HBox([check])], graded=page())

    def _graded(self) -> Page:
        self.await_typed()
        self.answers = {str(n): field.value or "" for n, field in enumerate(self.fields, 1)}
        if not any(self.answers.values()):
            return page(Block("muted", "Nothing is chosen yet."))
        return asking.graded(self.questions, self.answers, with_choices=False)
