"""How long a person waits in JupyterLab: for the first panel, for a runbook opened next, and for *Run all*.

From the start of the server to the first panel that can be clicked; with the server running, from the click on a link
of the start page to the panel; and from the click on *Run all* to the verdict, on an origin of the lab. A browser
without a screen does it (Chromium through Playwright), at the size of a laptop's window. Every round has a server, a
browser profile and a working copy of its own. The peer is an empty notebook, opened in the same way until its kernel is
idle: no notebook can go below that.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from support import bytecode, jupyter_server

from cfrunbook.report import working_copy

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROUNDS = 5
FIRST, NEXT = "03_certificate", "open 00"
GOALS = {
    "server start to the first panel": 7.0,
    "link on the start page to the panel": 2.5,
    "Run all on an origin of the lab": 1.5,
    "peer: an empty notebook to an idle kernel": None,
}
KERNEL = '{"kernelspec": {"name": "python3", "display_name": ""}}'
EMPTY = f'{{"cells": [], "metadata": {KERNEL}, "nbformat": 4, "nbformat_minor": 5}}'
PANEL = ".cfr-panel button:not([disabled])"
IDLE = "() => window.jupyterapp?.shell?.currentWidget?.context?.sessionContext?.session?.kernel?.status === 'idle'"
MS = 60_000


def measure(browser: Browser, folder: Path) -> list[float]:
    """Return the seconds of one round, in the order of GOALS."""
    work, home = folder / "work", folder / "home"
    home.mkdir(parents=True)
    working_copy.make(work)
    (work / "empty.ipynb").write_text(EMPTY)
    with jupyter_server.lab(work, home) as server:
        page = _window(browser)
        page.goto(server.page(f"lab/tree/{FIRST}.ipynb"))  # as `cfrunbook notebooks` opens a page
        page.wait_for_selector(PANEL, timeout=MS)
        seconds = [time.monotonic() - server.started]
        page.context.close()

        page = _window(browser)
        page.goto(server.lab(working_copy.START_PAGE))
        link = page.locator(".jp-MarkdownViewer a", has_text=NEXT)
        link.wait_for(timeout=MS)
        page.wait_for_load_state("networkidle")  # a person reads
        begun = time.monotonic()
        link.click()
        page.wait_for_selector(PANEL, timeout=MS)
        seconds.append(time.monotonic() - begun)

        page.wait_for_load_state("networkidle")
        begun = time.monotonic()
        page.locator(".cfr-panel button", has_text="Run all").click()
        page.locator(".cfr-panel .cfr-status", has_text="Fault found").wait_for(timeout=MS)
        seconds.append(time.monotonic() - begun)
        page.context.close()

        page = _window(browser)
        page.goto(server.lab(working_copy.START_PAGE))
        page.locator(".jp-MarkdownViewer a", has_text=NEXT).wait_for(timeout=MS)
        page.wait_for_load_state("networkidle")
        begun = time.monotonic()
        page.evaluate("() => { window.jupyterapp.commands.execute('docmanager:open', { path: 'empty.ipynb' }); }")
        page.wait_for_function(IDLE, timeout=MS)
        seconds.append(time.monotonic() - begun)
        page.context.close()
    return seconds


def _window(browser: Browser) -> Page:
    return browser.new_context(viewport={"width": 1300, "height": 900}).new_page()


def main() -> int:
    """Measure some rounds and print the medians beside the goals."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"counted rounds (default: {ROUNDS})")
    options = parser.parse_args()
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        print("No Chromium here: nothing was measured.", file=sys.stderr)
        return 2
    bytecode.write()
    rows: list[list[float]] = []
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(executable_path=program, args=list(jupyter_server.CHROMIUM_OPTIONS))
        for number in range(options.rounds + 1):
            row = measure(browser, Path(folder) / str(number))
            rows += [row] if number else []  # the first one warms the disk's cache
        browser.close()
    load = os.getloadavg()[0]
    print(
        f"{options.rounds} rounds, {os.cpu_count()} processors, {load:.1f} processes waited for one in the last minute"
    )
    print(f"{'median':<44}{'s':>7}{'min-max':>14}{'goal s':>9}")
    for (name, goal), column in zip(GOALS.items(), zip(*rows, strict=True), strict=True):
        spread = f"{min(column):.2f}-{max(column):.2f}"
        print(f"{name:<44}{statistics.median(column):>7.2f}{spread:>14}{goal or '':>9}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
