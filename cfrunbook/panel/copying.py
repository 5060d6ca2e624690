"""Put text on the clipboard of the person's browser.

No library for that and no front-end extension: a click makes one line of script, which runs once in the page and is
gone from the kernel's state. It works offline. Where a page may not (no secure context: Voilà behind a proxy), the text
itself is beside the button and one click on it selects all of it; where no script runs (VS Code), it is shown for that.
"""

from __future__ import annotations

import json

import ipywidgets as widgets

from cfrunbook.panel.frontend import runs_scripts
from cfrunbook.text import visible
from cfrunbook.views import panel as views

_SCRIPT = """\
const said = document.createElement("span");
said.setAttribute("role", "status");
element.append(said);
const tell = (text) => {{ said.textContent = text; setTimeout(() => said.remove(), 4000); }};
const refused = () => tell("The browser refused: click on the text to select it, then copy.");
try {{ navigator.clipboard.writeText({text}).then(() => tell({copied}), refused); }} catch (error) {{ refused(); }}
"""


class Clipboard:
    """The way to the clipboard; `widget` must be on the page."""

    def __init__(self) -> None:
        self.widget = widgets.Output() if runs_scripts() else widgets.HTML()
        self.widget.add_class("cfr-clipboard")
        self.text = ""
        """What was copied last."""

    def copy(self, text: str, what: str) -> None:
        """Copy `text` and say that `what` was copied; where that is not possible, show `text` to be copied by hand."""
        self.text = text
        if isinstance(self.widget, widgets.HTML):
            self.widget.value = views.to_copy(text, what)
            return
        script = _SCRIPT.format(text=_literal(text), copied=_literal(f"Copied: {visible(what, 60)}."))
        self.widget.outputs = (
            {"output_type": "display_data", "metadata": {}, "data": {"application/javascript": script}},
        )


def _literal(text: str) -> str:
    """Return `text` as a literal of JavaScript that also ends no element of HTML."""
    return json.dumps(text).replace("<", "\\u003c").replace(">", "\\u003e")
