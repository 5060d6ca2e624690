"""The form: what to examine, prefilled from the notebook's parameters; an error stands beside its field."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import ipywidgets as widgets

from cfrunbook.cloudfront.distribution import Distribution
from cfrunbook.errors import BadInput
from cfrunbook.panel.fields import GROUPS, Field, Group, fields
from cfrunbook.text import join_names, visible
from cfrunbook.views import panel as views

Upload = Callable[[str, bytes], Any]
"""Stores a file that was given and returns its path. Raises BadInput."""

FILES = (
    *("distribution", "policies", "response", "logs", "evidence", "function_result", "function_event", "handler"),
    *("firewall", "address_ranges", "trust_store", "root_hints"),
)
"""Parameters that take a file."""
MOST_SUGGESTIONS = 200
_LARGE = "Over 10 MB: drag it into JupyterLab’s list of files, and put its name into the field."
"""A server of Jupyter that we did not start drops what is larger, and nobody is told."""
_BY_CONTENT = "what it is, by what is in it"


class _Entry:
    """One field: its widget, the line beside it, and the value that it was given."""

    def __init__(self, field: Field, value: Any) -> None:
        self.field = field
        self.original = value
        self.input = _input(field)
        self.beside = widgets.HTML(views.beside(views.Beside(help=field.help)))
        self.box = widgets.VBox([self.input, self.beside])
        if field.name == "anything":
            self.box.add_class("cfr-wide")
        self.given: Any = ""
        self.put(value)

    def put(self, value: Any) -> None:
        """Show `value`, which may be one that no text can stand for: it is kept as it is while the text is."""
        self.original = value
        if self.field.kind == "flag":
            self.given = bool(value) and str(value).lower() not in ("no", "false", "0")
        elif isinstance(value, Mapping):
            self.given = "(a value given in code)"
        elif isinstance(value, list | tuple):
            self.given = "\n".join(_line(v) for v in value)
        else:
            self.given = _line(value) if value not in (None, "") else ""
        if self.field.kind == "choice" and self.given not in self.input.options:
            self.input.options = (*self.input.options, self.given)
        self.input.value = self.given

    @property
    def value(self) -> Any:
        """What the field holds now; empty where it holds nothing."""
        if self.input.value == self.given:
            return self.original if self.given else ""
        if self.field.kind == "lines":
            return [line.strip() for line in self.input.value.splitlines() if line.strip()]
        return self.input.value.strip() if isinstance(self.input.value, str) else self.input.value

    def say(self, error: str = "") -> None:
        """Put an error, or else the field's help, beside it."""
        self.beside.value = views.beside(views.Beside(help=self.field.help, error=error))


class Form:
    """All fields, files that are given, and text that is pasted. `widget` is what is to be shown."""

    def __init__(self, given: Mapping[str, Any], *, upload: Upload, told: Callable[[views.Said], None]) -> None:
        self._upload, self._told = upload, told
        self._fields = {field.name: field for field in fields()}
        self._given = dict(given)
        self._entries: dict[str, _Entry] = {}
        """The fields that were shown; the others are made when somebody wants to see them."""
        self._suggested: dict[str, tuple[str, ...]] = {}
        self.files = widgets.FileUpload(multiple=True, description="Files …", tooltip="Give any files you have")
        self.files.observe(self._received, names="value")
        self.use_as = widgets.Dropdown(
            options=[(_BY_CONTENT, "anything"), *((self._label(name), name) for name in FILES)],
            description="Take it as",
            tooltip="What the files and the pasted text are",
        )
        self.pasted = widgets.Textarea(
            placeholder="Paste a response, a configuration, a function's result, rules of a firewall …",
            description="Paste",
            rows=2,
            layout=widgets.Layout(width="100%"),
        )
        self.add = widgets.Button(description="Add", tooltip="Add the pasted text")
        self.add.on_click(lambda _: self._take_pasted())
        self.more = widgets.ToggleButton(description="More fields", value=self._uses_more, icon="")
        self.more.observe(lambda _: self._show_more(), names="value")
        self._first, self._others = self._group("first"), widgets.VBox()
        bar = widgets.HBox([self.files, self.use_as, self.more, widgets.HTML(views.beside(views.Beside(help=_LARGE)))])
        bar.add_class("cfr-bar")
        paste = widgets.HBox([self.pasted, self.add])
        self.widget = widgets.VBox([self._first, bar, paste, self._others])
        self.widget.add_class("cfr-form")
        self._show_more()

    @property
    def values(self) -> dict[str, Any]:
        """What the fields hold, empty ones left out."""
        held = {n: self._entries[n].value if n in self._entries else self._given.get(n) for n in self._fields}
        return {name: value for name, value in held.items() if value not in ("", None, [], False)}

    def field(self, name: str) -> Any:
        """Return the widget of a parameter."""
        return self._entry(name).input

    def _entry(self, name: str) -> _Entry:
        """Return a field, made now if nobody has seen it yet."""
        if name not in self._entries:
            entry = self._entries[name] = _Entry(self._fields[name], self._given.get(name))
            if name in self._suggested:
                entry.input.options = self._suggested[name]
        return self._entries[name]

    def put(self, given: Mapping[str, Any]) -> None:
        """Show these values instead of those that are there."""
        self._given = dict(given)
        for name, entry in self._entries.items():
            entry.put(given.get(name))
            entry.say()

    def suggest(self, distribution: Distribution | None, scenarios: Sequence[str] = ()) -> None:
        """Offer a distribution's origins and names, and the lab's scenarios; anything else may be typed too."""
        names = [name for name in distribution.names if "*" not in name] if distribution else []
        origins = [origin.domain_name for origin in distribution.origins] if distribution else []
        for field, options in (
            ("origin", origins),
            ("host", names),
            ("url", [f"https://{name}/" for name in names]),
            ("lab", list(scenarios)),
        ):
            shown = dict.fromkeys(visible(option, 300) for option in options[:MOST_SUGGESTIONS])
            self._suggested[field] = tuple(shown)
            if field in self._entries and self._entries[field].input.options != self._suggested[field]:
                self._entries[field].input.options = self._suggested[field]

    def say(self, name: str, error: str) -> bool:
        """Put an error beside the field of a parameter, and take the others away; False for no such field."""
        if name in self._fields and self._fields[name].group != "first":
            self.more.value = True
        for other, entry in self._entries.items():
            entry.say(error if other == name else "")
        return name in self._fields

    def _group(self, group: Group) -> widgets.VBox:
        entries = [self._entry(field.name) for field in self._fields.values() if field.group == group]
        grid = widgets.Box([entry.box for entry in entries])
        grid.add_class("cfr-fields")
        title = widgets.HTML(f'<div class="cfr"><h4>{GROUPS[group]}</h4></div>')
        return widgets.VBox([title, grid] if group != "first" else [grid])

    def _show_more(self) -> None:
        if self.more.value and not self._others.children:
            self._others.children = tuple(self._group(group) for group in GROUPS if group != "first")
        self._others.layout.display = "" if self.more.value else "none"
        self.more.description = "Fewer fields" if self.more.value else "More fields"

    @property
    def _uses_more(self) -> bool:
        """Whether something is given that the first fields do not show; a lab scenario alone is no reason to."""
        return any(self._fields[name].group != "first" for name in self.values if name != "lab")

    def _label(self, name: str) -> str:
        field = self._fields[name]
        return f"{GROUPS[field.group]}: {field.label}".removeprefix("What fails: ")

    def _received(self, change: Mapping[str, Any]) -> None:
        given = change["new"]
        if not given:
            return
        for file in given:
            self._take(str(file["name"]), bytes(file["content"]))
        self.files.value = ()

    def _take_pasted(self) -> None:
        text = self.pasted.value
        if not text.strip():
            self._told(views.Said("There is no text to add: paste some first.", status="info"))
        elif self._take("pasted.txt", text.encode("utf-8", "replace")):
            self.pasted.value = ""

    def _take(self, name: str, content: bytes) -> bool:
        """Store a file and put its path into the field that takes it; False, with a sentence, where it is of no use."""
        shown, field = visible(name, 80), self.use_as.value
        try:
            path = str(self._upload(name, content))
        except BadInput as error:
            self._told(views.Said(str(error), status="fault"))
            return False
        taken, is_known = self._taken_for(shown, field, (name, content))
        if not is_known:
            self._told(views.Said(f"{taken} Or choose what it is at “Take it as”.", status="warning"))
            return False
        entry = self._entry(field)
        entry.put([*_listed(entry.value), path] if entry.field.kind == "lines" else path)
        if entry.field.group != "first":
            self.more.value = True
        self._told(views.Said(taken, status="info", code=f"{field} = {entry.value!r}"))
        return True

    def _taken_for(self, shown: str, field: str, file: tuple[str, bytes]) -> tuple[str, bool]:
        """Return in a sentence what a file was taken for, and whether it is of any use."""
        from cfrunbook.recognizing import recognize

        if field != "anything":
            return f"{shown} is taken as: {self._label(field)}.", True
        items = recognize([file]).items
        taken = f"{shown}: {join_names([item.what for item in items], 3)}."
        notes = " ".join(note for item in items for note in item.notes)
        return (taken, True) if any(item.input for item in items) else (f"{taken} {notes}", False)


def culprit(given: Mapping[str, Any], attempt: Callable[[Mapping[str, Any]], object], error: str) -> str:
    """Return the parameter without which `attempt` no longer fails with `error`: what is wrong is in its field.

    Empty where none, or only more than one together, makes the difference.
    """

    def errors() -> Iterator[tuple[str, str]]:
        for name in reversed(list(given)):
            try:
                attempt({key: value for key, value in given.items() if key != name})
            except BadInput as other:
                yield name, str(other)
            else:
                yield name, ""

    different = [(name, other) for name, other in errors() if other != error]
    cured = [name for name, other in different if not other]
    return next(iter((*cured, *(name for name, _ in different))), "")


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value] if value else []


def _line(value: Any) -> str:
    """Return a value as one line of a field; text that was pasted in code stays there."""
    text = str(value)
    return "(text given in code)" if "\n" in text or isinstance(value, Mapping) else text


@lru_cache(maxsize=1)
def _wide() -> Any:
    """Return the layout that all inputs share: a browser is told of each widget's own one by one."""
    return widgets.Layout(width="100%")


def _input(field: Field) -> Any:
    named = {"description": field.label, "tooltip": f"{field.label}: {field.help}"}
    wide = _wide()
    if field.kind == "flag":
        return widgets.Checkbox(value=False, indent=True, layout=wide, **named)
    if field.kind == "choice":
        return widgets.Dropdown(options=("", *field.choices), value="", layout=wide, **named)
    if field.kind == "suggestions":
        return widgets.Combobox(ensure_option=False, layout=wide, **named)
    if field.kind == "lines":
        return widgets.Textarea(rows=1, layout=wide, **named)
    return widgets.Text(layout=wide, **named)
