"""Outputs and widgets follow VS Code's theme: its page, as its sources make it, in a browser."""

from __future__ import annotations

import shutil

import pytest

from benchmarks.support import jupyter_server
from cfrunbook.views import panel, style

pytestmark = pytest.mark.needs("chromium")

# What its Jupyter extension puts around widgets, and the light colours that it gives them.
# https://github.com/microsoft/vscode-jupyter/tree/main/src/webviews/webview-side/ipywidgets
EXTENSION = """
:root{--jp-layout-color0:white;--jp-content-font-color1:rgba(0,0,0,.87);--jp-widgets-label-color:rgba(0,0,0,.87)}
.cell-output-ipywidget-background{background:white !important}
"""
PAGE = """
<html style="--vscode-editor-background:{paper};--vscode-editor-foreground:{ink};--vscode-foreground:{ink}">
<style>{extension}</style><body class="{theme}"><div id="output">{shown}</div>
<div id="widget" class="cell-output-ipywidget-background"><div class="cfr-panel"><span
style="color:var(--jp-widgets-label-color)">label</span>{shown}</div></div>
<div id="other" class="cell-output-ipywidget-background">another's widget</div></body></html>
"""
COLORS = """
() => {
  const css = (selector) => getComputedStyle(document.querySelector(selector));
  return [css('#output .cfr').backgroundColor, css('#output .cfr').color, css('#widget').backgroundColor,
    css('#widget .cfr').color, css('#widget span').color, css('#other').backgroundColor,
    css('#widget .cfr').getPropertyValue('--cfr-fault')];
}
"""
THEMES = {  # the page's class: background, ink, and our palette
    "vscode-light": ("rgb(255, 255, 254)", "rgb(1, 1, 1)", style.LIGHT),
    "vscode-dark": ("rgb(31, 31, 31)", "rgb(204, 204, 204)", style.DARK),
    "vscode-high-contrast": ("rgb(0, 0, 0)", "rgb(255, 255, 255)", style.DARK),
    "vscode-high-contrast vscode-high-contrast-light": ("rgb(255, 255, 255)", "rgb(41, 41, 41)", style.LIGHT),
}


def test_outputs_and_widgets_have_the_colors_of_the_theme() -> None:
    from playwright.sync_api import sync_playwright

    shown = panel.head(panel.Head("Certificate", ()))
    with sync_playwright() as playwright:
        options = list(jupyter_server.CHROMIUM_OPTIONS)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), headless=True, args=options)
        page = browser.new_page()
        for theme, (paper, ink, palette) in THEMES.items():
            page.set_content(PAGE.format(theme=theme, paper=paper, ink=ink, extension=EXTENSION, shown=shown))
            nothing, white = "rgba(0, 0, 0, 0)", "rgb(255, 255, 255)"
            assert page.evaluate(COLORS) == [paper, ink, nothing, ink, ink, white, palette.fault], theme
        browser.close()
