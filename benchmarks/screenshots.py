"""Picture every runbook in JupyterLab as people see it (ok, fault, unknown), the start page, the report and the app.

All go to docs/screenshots/, of which git keeps those of KEPT: the README's. Look at each before a release. What is
examined are scenarios of the lab on loopback; the browser is Chromium without a screen.
"""

from __future__ import annotations

import argparse
import fnmatch
import io
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from support import jupyter_server
from support.jupyter_server import Server

from cfrunbook.report import working_copy
from cfrunbook.runbook import GUIDES

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PLACE = Path(__file__).parent.parent / "docs" / "screenshots"
KEPT = ("start", "03_certificate-fault", "03_certificate-fault-dark", "report", "app")
MAX_BYTES = 200 * 1024
COLORS = 128
SCENARIOS: Mapping[str, Mapping[str, str]] = {
    "ok": {"05_dns": "dns-healthy", "06_edge_function": "function-and-healthy", "": "healthy"},
    "fault": {name: guide.scenario for name, guide in GUIDES.items()},
    "unknown": {"06_edge_function": "lambda-edge-not-compared", "": "response-too-slow"},
}
"""What the origin is, and the scenario that is that for a runbook; "" for all others."""
SAID = ".cfr-panel .cfr-status :text-matches('Fault found|No fault found|Could not tell')"
THEME = "async theme => { await window.jupyterapp.commands.execute('apputils:change-theme', { theme }); }"
SIMPLE = "() => { window.jupyterapp.shell.mode = 'single-document'; window.jupyterapp.shell.collapseLeft(); }"
MS = 120_000


class Camera:
    """Takes the pictures whose names match `only`, at the size of a laptop's window."""

    def __init__(self, browser: Browser, only: str) -> None:
        self.browser, self.only = browser, only

    def wants(self, name: str, state: str = "") -> bool:
        """Tell whether a picture is asked for; in the dark only the faults are, which show every colour."""
        return fnmatch.fnmatch(name, self.only) and (state == "fault" or not name.endswith("-dark"))

    def window(self, *, height: int = 900) -> Page:
        return self.browser.new_context(viewport={"width": 1300, "height": height}).new_page()

    def take(self, page: Page, name: str) -> None:
        """Write a picture with few colours, which is a third of its size."""
        from PIL import Image

        page.wait_for_timeout(700)  # what fades in has come
        picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB").quantize(COLORS)
        path = PLACE / f"{name}.png"
        picture.save(path, optimize=True)
        size = path.stat().st_size
        print(f"{path.relative_to(PLACE.parent.parent)}  {size // 1024} KiB")
        if name in KEPT and size > MAX_BYTES:
            raise RuntimeError(f"{path.name} is {size} bytes; at most {MAX_BYTES} are kept")


def runbooks(camera: Camera, server: Server, work: Path) -> None:
    """Picture the panel of each runbook after *Run all*, with what is below it."""
    for state, scenarios in SCENARIOS.items():
        for name in GUIDES:
            wanted = [n for n in (f"{name}-{state}", f"{name}-{state}-dark") if camera.wants(n, state)]
            if not wanted:
                continue
            folder = work / state
            folder.mkdir(exist_ok=True)
            source = (work / f"{name}.ipynb").read_bytes()
            scenario = scenarios.get(name) or scenarios[""]
            (folder / f"{name}.ipynb").write_bytes(working_copy.with_parameters(source, {"lab": scenario}))
            page = camera.window(height=1500)
            page.goto(server.lab(f"{state}/{name}.ipynb"))
            page.locator(".jp-InputPlaceholder").nth(1).wait_for(timeout=MS)
            page.evaluate(SIMPLE)
            page.locator(".cfr-panel button", has_text="Run all").click()
            page.locator(SAID).first.wait_for(timeout=MS)
            page.locator(".cfr-panel").evaluate("panel => panel.scrollIntoView({ block: 'start' })")
            for shot in wanted:
                # JupyterLab remembers it for every page.
                page.evaluate(THEME, f"JupyterLab {'Dark' if shot.endswith('-dark') else 'Light'}")
                camera.take(page, shot)
            page.context.close()


def start_page(camera: Camera, server: Server) -> None:
    page = camera.window()
    page.goto(server.lab(working_copy.START_PAGE))
    page.locator(".jp-MarkdownViewer h1").wait_for(timeout=MS)
    page.locator(".jp-DirListing-item").first.wait_for()  # listed later than the page is shown
    camera.take(page, "start")
    page.evaluate("() => { window.jupyterapp.commands.execute('launcher:create'); }")
    page.locator(".jp-LauncherCard").first.wait_for()
    if camera.wants("launcher"):
        camera.take(page, "launcher")
    page.context.close()


def report(camera: Camera, folder: Path) -> None:
    """Picture the first screen of a report."""
    scenario = GUIDES["03_certificate"].scenario
    written = [sys.executable, "-m", "cfrunbook", "report", "--output", str(folder)]
    subprocess.run([sys.executable, "-m", "cfrunbook", "lab", "run", scenario, "--", *written], check=False)
    (page_file,) = folder.glob("*/report.html")
    page = camera.window()
    page.goto(page_file.as_uri())
    camera.take(page, "report")
    page.context.close()


def app(camera: Camera, folder: Path) -> None:
    """Picture a page of the app."""
    work, home = folder / "app", folder / "app-home"
    home.mkdir()
    working_copy.make(work, pages=True)
    with jupyter_server.app(work, home) as server:
        page = camera.window()
        page.goto(server.page("voila/render/03_certificate.ipynb"))
        page.locator(".cfr-panel button", has_text="Run all").click(timeout=MS)
        page.locator(SAID).first.wait_for(timeout=MS)
        camera.take(page, "app")
        page.context.close()


def main() -> int:
    """Take the pictures that are asked for."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "only", nargs="?", default="*", help="of this name, such as '03*' or '*-unknown' (default: all)"
    )
    options = parser.parse_args()
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        print("No Chromium here: no pictures were taken.", file=sys.stderr)
        return 2
    PLACE.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        browser = playwright.chromium.launch(executable_path=program, args=list(jupyter_server.CHROMIUM_OPTIONS))
        camera = Camera(browser, options.only)
        work, home = folder / "work", folder / "home"
        home.mkdir()
        working_copy.make(work)
        with jupyter_server.lab(work, home) as server:
            if camera.wants("start") or camera.wants("launcher"):
                start_page(camera, server)
            runbooks(camera, server, work)
        if camera.wants("report"):
            report(camera, folder / "incident")
        if camera.wants("app"):
            app(camera, folder)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
