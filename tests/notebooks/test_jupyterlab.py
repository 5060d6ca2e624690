"""A person opens a runbook in JupyterLab, runs all cells, and sees the verdict."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from cfrunbook.report.jupyter import copy_runbooks, lab_command, lab_environment
from cfrunbook.views.mime import DIAGNOSIS

pytestmark = pytest.mark.needs("chromium")

# Waits for everything that Run All needs: clicking the menu as soon as the page looks ready is lost now and then.
RUN_ALL = """
async () => {
  const app = window.jupyterapp;
  await app.restored;
  const { context } = app.shell.currentWidget;
  await context.ready;
  await context.sessionContext.ready;
  const { kernel } = context.sessionContext.session;
  await kernel.info;
  while (kernel.connectionStatus !== "connected") { await new Promise(done => setTimeout(done, 20)); }
  await app.commands.execute("notebook:run-all-cells");
  await context.save();
  return context.model.toJSON();
}
"""


@pytest.fixture(scope="module")
def lab_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """JupyterLab on a working copy of the runbooks, with nothing of this user's configuration."""
    home = tmp_path_factory.mktemp("jupyter")
    work = home / "work"
    copy_runbooks(work)
    variables = ["CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR"]
    environment = {
        **lab_environment(),
        **{f"JUPYTER_{name}": str(home / name.lower()) for name in variables},
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"),
        "TMPDIR": str(home),
    }
    log = (home / "log").open("wb")
    server = subprocess.Popen(
        lab_command(
            *("--no-browser", "--port=0", "--IdentityProvider.token=t", "--LabApp.expose_app_in_browser=True"),
        ),
        cwd=work,
        env=environment,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    try:
        yield _address(server, home / "runtime_dir")
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(timeout=30)
        log.close()


def _address(server: subprocess.Popen[bytes], runtime: Path, patience: float = 60) -> str:
    """The server's address, from the file in which it says so, once it answers."""
    until = time.monotonic() + patience
    while time.monotonic() < until and server.poll() is None:
        for file in runtime.glob("jpserver-*.json"):
            try:
                url = json.loads(file.read_text())["url"]
                with urllib.request.urlopen(f"{url}api", timeout=5):
                    return str(url)
            except (OSError, ValueError, KeyError):
                pass
        time.sleep(0.05)
    pytest.fail("JupyterLab did not start")


def test_run_all_shows_the_verdict(lab_url):
    from playwright.sync_api import sync_playwright

    fetched = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), headless=True, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 1300, "height": 9000})  # off-screen cells are not in the page
        page.on("request", lambda request: fetched.append(request.url))
        page.goto(f"{lab_url}lab/tree/03_certificate.ipynb?token=t")
        page.wait_for_function("() => window.jupyterapp?.shell?.currentWidget?.context", timeout=60_000)
        saved = nbformat.from_dict(page.evaluate(RUN_ALL))
        verdict = page.locator(".cfr-verdict").first
        verdict.wait_for(timeout=30_000)
        seen = verdict.inner_text()
        errors = page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']").count()
        asked = page.locator(".jp-toast, .Toastify__toast").count()
        browser.close()

    outputs = [output for cell in saved.cells for output in cell.get("outputs", ())]
    (judged,) = [output.data[DIAGNOSIS] for output in outputs if DIAGNOSIS in output.get("data", {})]
    assert judged["verdict"]["code"] == "certificate.missing_intermediate"
    assert judged["verdict"]["sentence"][:40] in seen
    assert errors == 0
    assert asked == 0, "an incident is no time for news"
    assert [
        url for url in fetched if not url.startswith((lab_url, "data:", "blob:", lab_url.replace("http", "ws")))
    ] == []
