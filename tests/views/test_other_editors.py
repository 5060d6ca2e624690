"""What notebooks show relies on nothing that only JupyterLab has: other editors have other colours and run no scripts."""

from __future__ import annotations

import re
from pathlib import Path

import ipywidgets as widgets

from cfrunbook.panel.panel import Panel
from cfrunbook.runbook import open_runbook
from cfrunbook.views import style

TEMPLATES = Path(style.__file__).parent / "templates"
USED = re.compile(r"var\((--[\w-]+)(,?)")
OURS = ("--cfr-", "--c")


def test_every_variable_of_an_editor_has_a_color_to_fall_back_to() -> None:
    sheets = {path.name: path.read_text(encoding="utf-8") for path in TEMPLATES.glob("*.css")}
    for_vs_code = sheets.pop("vscode.css")
    for name, sheet in {**sheets, "fragment_css": style.fragment_css()}.items():
        bare = {variable for variable, fallback in USED.findall(sheet) if not fallback}
        assert {v for v in bare if not v.startswith(OURS)} == set(), name
        set_somewhere = {*re.findall(r"(--[\w-]+):", style.fragment_css() + sheet)}
        assert bare <= set_somewhere, name
    assert re.findall(r"(\S+)\{", style._compact(for_vs_code)) == [
        ".cell-output-ipywidget-background:has(.cfr,.cfr-panel,.cfr-places-of-results)"
    ], "VS Code's variables are used only where nothing but VS Code puts widgets"
    assert all(variable.startswith("--vscode-") for variable, _ in USED.findall(for_vs_code))


def test_no_template_has_a_script_or_fetches_anything() -> None:
    active = re.compile(r"<script|<iframe|<object|<link rel=.?stylesheet|\son\w+=|javascript:|@import|url\((?!#)", re.I)
    for path in TEMPLATES.iterdir():
        assert active.findall(path.read_text(encoding="utf-8")) == [], path.name


def test_the_panel_is_of_widgets_that_every_editor_brings() -> None:
    """Any other would be fetched from a CDN, in VS Code. https://github.com/microsoft/vscode-jupyter/wiki/IPyWidget-Support-in-VS-Code-Python"""
    Panel(open_runbook("00_start_here", origin="origin.example.com"))
    made = widgets.Widget.get_manager_state()["state"].values()
    assert {(model["model_module"], model["model_module_version"]) for model in made} <= {
        ("@jupyter-widgets/base", "2.0.0"),
        ("@jupyter-widgets/controls", "2.0.0"),
        ("@jupyter-widgets/output", "1.0.0"),
    }
