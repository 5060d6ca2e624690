"""Fields and buttons of a lesson and a game day, where somebody is there; results go into display handles."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cfrunbook.errors import BadInput
from cfrunbook.lab.training import game
from cfrunbook.views.training import Block, Page, page

if TYPE_CHECKING:
    from cfrunbook.lab.training.game import Round
    from cfrunbook.lab.training.room import Lesson

_LETTERS = "abc"


def are_shown() -> bool:
    """Tell whether somebody sits before this notebook, in something that shows widgets."""
    from cfrunbook.panel.frontend import shows_widgets

    return shows_widgets()


class _Form:
    """Widgets above a place that is saved with the notebook."""

    def __init__(self) -> None:
        self._handle: Any = None

    def _display(self, box: Any, first: Page) -> None:
        from IPython.display import display

        display(box)  # type: ignore[no-untyped-call]
        self._handle = display(first, display_id=True)  # type: ignore[no-untyped-call]

    def _put(self, shown: Page) -> None:
        self._handle.update(shown)

    def _button(self, label: str, call: Callable[[], Page], *, style: str = "") -> Any:
        import ipywidgets as widgets

        button = widgets.Button(description=label, button_style=style)

        def clicked(_: Any) -> None:
            try:
                self._put(call())
            except BadInput as error:
                self._put(page(Block("verdict", str(error), "Not possible", "unknown")))

        button.on_click(clicked)
        return button


class Quiz(_Form):
    """The questions of a lesson."""

    def __init__(self, lesson: Lesson) -> None:
        super().__init__()
        self.lesson = lesson

    def show(self) -> None:
        """Display the questions, and below what is to be said of the answers."""
        import ipywidgets as widgets

        self.fields = []
        boxes = []
        for number, question in enumerate(self.lesson.plan.questions, 1):
            options = [(choice, letter) for letter, choice in zip(_LETTERS, question.choices, strict=True)]
            given = self.lesson.answers.get(str(number)) or None
            field = widgets.RadioButtons(options=options, value=given, layout={"width": "auto"})
            self.fields.append(field)
            boxes += [widgets.Label(f"{number}. {question.text}"), field]
        self._display(widgets.VBox([*boxes, self._button("Grade", self._graded, style="primary")]), page())

    def _graded(self) -> Page:
        self.lesson.answers = {str(n): field.value or "" for n, field in enumerate(self.fields, 1)}
        return self.lesson.graded()


class Diagnosis(_Form):
    """The diagnosis of one incident of a game day."""

    def __init__(self, played: Round) -> None:
        super().__init__()
        self.played = played

    def show(self) -> None:
        """Display the fields, and below the grade."""
        import ipywidgets as widgets

        wide = widgets.Layout(width="100%")
        self.cause = widgets.Dropdown(options=[("", ""), *((c, c) for c in game.LEGAL_CAUSES)], description="Cause")
        asked = "What did you see, and with what?"
        self.evidence = widgets.Textarea(description="Evidence", placeholder=asked, layout=wide)
        self.fix = widgets.Textarea(description="Fix", placeholder="What has to be done?", layout=wide)
        example = "curl -si https://www.shop.example/cart"
        self.command = widgets.Text(description="Command", placeholder=example, layout=wide)
        buttons = [
            self._button("Run", lambda: self.played.run(self.command.value)),
            self._button("Hint", self.played.hint),
            self._button("Hand in", self._hand_in, style="primary"),
        ]
        boxes = [self.command, self.cause, self.evidence, self.fix, widgets.HBox(buttons)]
        self._display(widgets.VBox(boxes), page(Block("muted", "The clock runs.")))

    def _hand_in(self) -> Page:
        return self.played.answer(cause=self.cause.value, evidence=self.evidence.value, fix=self.fix.value)
