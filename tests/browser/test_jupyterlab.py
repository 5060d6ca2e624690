"""A person opens a runbook in JupyterLab, with cells or with the panel, and sees the verdict."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import socketserver
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest

from cfrunbook import evidence, lab
from cfrunbook.report import working_copy
from cfrunbook.report.jupyter import lab_command, lab_environment
from cfrunbook.views.mime import DIAGNOSIS

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.needs("chromium")

# Waits for everything that running needs: what is started as soon as the page looks ready is lost now and then.
SAVE = """
async () => {
  const { context } = window.jupyterapp.shell.currentWidget;
  await context.save();
  return context.model.toJSON();
}
"""
RESTART = "() => window.jupyterapp.shell.currentWidget.context.sessionContext.restartKernel()"
RUN = """
async ([cells, parameters]) => {
  const app = window.jupyterapp;
  await app.restored;
  const { context, content } = app.shell.currentWidget;
  await context.ready;
  await context.sessionContext.ready;
  const { kernel } = context.sessionContext.session;
  await kernel.info;
  while (kernel.connectionStatus !== "connected") { await new Promise(done => setTimeout(done, 20)); }
  const place = id => content.widgets.findIndex(cell => cell.model.id === id);
  const given = content.widgets[place("parameters")].model.sharedModel;
  given.setSource([given.getSource(), ...parameters].join("\\n"));
  for (const id of cells) {
    content.activeCellIndex = place(id);
    await app.commands.execute("notebook:run-cell");
  }
  if (!cells.length) { await app.commands.execute("notebook:run-all-cells"); }
  await context.save();
  return context.model.toJSON();
}
"""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working copy of the runbooks."""
    work = tmp_path_factory.mktemp("jupyter") / "work"
    working_copy.make(work)
    return work


@pytest.fixture(scope="module")
def lab_url(work: Path) -> Iterator[str]:
    """JupyterLab on the working copy, with nothing of this user's configuration."""
    home = work.parent
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


class Seen:
    """A notebook on the page, and everything that the browser asked for."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.fetched: list[str] = []
        page.on("request", lambda request: self.fetched.append(request.url))

    def open(self, name: str) -> None:
        self.page.goto(f"{self.url}lab/tree/{name}.ipynb?token=t&reset")
        self.page.wait_for_function("() => window.jupyterapp?.shell?.currentWidget?.context", timeout=60_000)

    def run(self, *cells: str, **parameters: Any) -> nbformat.NotebookNode:
        """Run these cells (none: all) with these parameters, save, and return the notebook."""
        wanted = [list(cells), [f"{name} = {value!r}" for name, value in parameters.items()]]
        return nbformat.from_dict(self.page.evaluate(RUN, wanted))

    def saved(self) -> nbformat.NotebookNode:
        return nbformat.from_dict(self.page.evaluate(SAVE))

    def button(self, name: str) -> Locator:
        return self.page.locator(".cfr-panel button", has_text=name)

    def says(self, start: str) -> str:
        """Wait until the panel says something that begins so, and return all of it."""
        status = self.page.locator(".cfr-panel .cfr-status", has_text=start)
        status.wait_for(timeout=120_000)
        return status.inner_text()

    @property
    def elsewhere(self) -> list[str]:
        """What was asked for of anybody but the server."""
        here = (self.url, "data:", "blob:", self.url.replace("http", "ws"))
        return [url for url in self.fetched if not url.startswith(here)]


@pytest.fixture
def seen(lab_url: str) -> Iterator[Seen]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), headless=True, args=["--no-sandbox", "--disable-gpu"]
        )
        context = browser.new_context(viewport={"width": 1300, "height": 9000})  # off-screen cells are not in the page
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        yield Seen(context.new_page(), lab_url)
        browser.close()


def shown(notebook: nbformat.NotebookNode, mime: str) -> list[Any]:
    """Everything of the type `mime` in a notebook's outputs."""
    return [o.data[mime] for c in notebook.cells for o in c.get("outputs", ()) if mime in o.get("data", {})]


def test_run_all_cells_shows_the_verdict_and_the_panel_follows(seen):
    seen.open("03_certificate")
    saved = seen.run()
    verdict = seen.page.locator(".cfr-verdict").first
    verdict.wait_for(timeout=30_000)
    (judged,) = shown(saved, DIAGNOSIS)
    assert judged["verdict"]["code"] == "certificate.missing_intermediate"
    assert judged["verdict"]["sentence"][:40] in verdict.inner_text()
    assert judged["verdict"]["sentence"][:40] in seen.says("Fault found")
    assert seen.page.locator(".jp-RenderedText[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    assert seen.page.locator(".jp-toast, .Toastify__toast").count() == 0, "an incident is no time for news"
    assert seen.elsewhere == []


class Service:
    """A service on a port: silent, down, or up, which is to say what `backend` is."""

    def __init__(self, backend: tuple[str, int]) -> None:
        self.backend = backend
        self.silent = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.silent.getsockname()[1]
        self.server: socketserver.ThreadingTCPServer | None = None

    def goes_down(self) -> None:
        self.silent.close()

    def is_repaired(self) -> None:
        backend = self.backend

        class Forward(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with socket.create_connection(backend) as behind:
                    threading.Thread(target=self.pump, args=(behind, self.request), daemon=True).start()
                    self.pump(self.request, behind)

            @staticmethod
            def pump(source: socket.socket, sink: socket.socket) -> None:
                with contextlib.suppress(OSError):
                    while data := source.recv(65536):
                        sink.sendall(data)
                    sink.shutdown(socket.SHUT_WR)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address, daemon_threads, block_on_close = True, True, False

        self.server = Server(("127.0.0.1", self.port), Forward)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.silent.close()
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()


def test_a_person_works_with_the_panel(seen, lab_url, work):
    """Cancels a look at a silent server, finds out that it is down, repairs it, verifies that, and writes it up."""
    with lab.start("healthy") as running:
        _, _, address, port = running.connect_to[0].rsplit(":", 3)
        service = Service((address, int(port)))
        try:
            seen.open("04_port")
            relocated = f"origin.shop.example:443:127.0.0.1:{service.port}"
            seen.run("parameters", "open", lab=str(running.file), connect_to=[relocated], deadline=30)

            seen.button("Run all").click()
            seen.says("Looking")
            seen.button("Cancel").click()
            assert "the rest of the look" in seen.says("Could not tell")

            service.goes_down()
            seen.button("Run all").click()
            assert "refuse" in seen.says("Fault found")
            seen.button("Copy command").first.click()
            seen.page.locator(".cfr-clipboard", has_text="Copied").wait_for(timeout=30_000)
            assert str(service.port) in seen.page.evaluate("navigator.clipboard.readText()")

            service.is_repaired()
            seen.button("Verify").click()
            assert "nothing wrong any more" in seen.says("Fixed")

            seen.button("Save evidence").click()
            name = seen.says("Saved").split()[2].rstrip(".")
            assert evidence.load(work / name).connections

            seen.button("Write report").click()
            seen.says("Written")
            (page,) = work.glob("incident/*/report.html")
            assert "refuse" in page.read_text()

            saved = seen.saved()
            assert [d["verdict"]["code"] for d in shown(saved, DIAGNOSIS)] == ["port.refused"]
            texts = "\n".join(shown(saved, "text/plain"))
            assert "✓ 7. Verify: Fixed" in texts
            assert "report.html" in texts
            assert not any(
                "application/javascript" in o.get("data", {}) for c in saved.cells for o in c.get("outputs", ())
            )

            seen.page.evaluate(RESTART)
            seen.run("parameters", "open")
            assert "resume" in seen.says("Run all looks now")
            seen.button("Resume").click()
            assert "No fault found" in seen.says("No fault found"), "the newest is the one that verified"
            assert seen.elsewhere == []
        finally:
            service.stop()
