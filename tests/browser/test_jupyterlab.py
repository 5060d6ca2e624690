"""A person opens a runbook in JupyterLab, with cells or with the panel, or in Voilà, and sees the verdict."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
import pytest
from support import jupyter_server
from support.jupyter_server import Server

from cfrunbook import evidence, lab
from cfrunbook.incident import Incident
from cfrunbook.observation import observe_sync
from cfrunbook.report import forking, working_copy
from cfrunbook.runbook import GUIDES
from cfrunbook.views.mime import DIAGNOSIS
from tests.report.test_runner import processes_under

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

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
SHUTDOWN = "() => window.jupyterapp.shell.currentWidget.context.sessionContext.shutdown()"
INTERRUPT = "() => window.jupyterapp.commands.execute('notebook:interrupt-kernel')"
PROCESS = """
async () => {
  const { kernel } = window.jupyterapp.shell.currentWidget.context.sessionContext.session;
  const asked = { code: "", silent: true, user_expressions: { process: "__import__('os').getpid()" } };
  const reply = await kernel.requestExecute(asked).done;
  return Number(reply.content.user_expressions.process.data["text/plain"]);
}
"""
THEME = "theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"
FOCUSED = """
() => {
  const one = document.activeElement, look = getComputedStyle(one);
  return {
    inside: Boolean(one.closest(".cfr-panel")),
    name: one.innerText || one.labels?.[0]?.innerText || one.title,
    ring: look.outlineStyle === "solid" && parseFloat(look.outlineWidth) >= 2 ? look.outlineColor : "",
    place: [...document.querySelectorAll(".cfr-panel *")].indexOf(one),
  };
}
"""
LAUNCHER = "() => { window.jupyterapp.commands.execute('launcher:create'); }"
FOLLOWED = """
Object.defineProperty(window, "jupyterapp", {
  configurable: true,
  set: app => {
    Object.defineProperty(window, "jupyterapp", { value: app });
    window.opened = [];
    app.commands.commandExecuted.connect((_, { id, args, result }) => {
      if (!["docmanager:open", "filebrowser:open-path"].includes(id)) return;
      window.opened.push(`${id} ${args.path}`);
      if (id !== "filebrowser:open-path") return;
      if (window.meanwhile) app.commands.execute(window.meanwhile);
      result.then(() => setTimeout(() => { window.addressed = true; }));
    });
  },
});
"""
"""Notes which files are opened by which commands, and when JupyterLab has opened that of its address; a person may do
something just then."""
CURRENT = "() => window.jupyterapp.shell.currentWidget.title.label"
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
def server(work: Path) -> Iterator[Server]:
    """JupyterLab on the working copy."""
    with jupyter_server.lab(work, work.parent) as server:
        yield server


def are_forked(server: Server) -> bool:
    """Whether kernels are forked; one has the command line of the process that it was forked from."""
    processes = processes_under(server.log.parent)
    return bool(forking.unsupported()) or sum("cfrunbook.report.fork_server" in line for line in processes) > 1


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        options = list(jupyter_server.CHROMIUM_OPTIONS)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), headless=True, args=options)
        yield browser
        browser.close()


class Seen:
    """A notebook on the page, and everything that the browser asked for."""

    def __init__(self, page: Page, server: Server) -> None:
        self.page, self.server = page, server
        self.fetched: list[str] = []
        page.on("request", lambda request: self.fetched.append(request.url))

    def open(self, name: str) -> None:
        """Open a runbook and wait for the panel, which is there without a click."""
        self.page.goto(self.server.lab(f"{name}.ipynb"))
        self.panel()
        self.page.locator(".jp-InputPlaceholder").nth(1).wait_for()  # its code is folded last

    def panel(self) -> None:
        self.button("Run all").wait_for(timeout=60_000)

    def run(self, *cells: str, **parameters: Any) -> nbformat.NotebookNode:
        """Run these cells (none: all) with these parameters, save, and return the notebook."""
        wanted = [list(cells), [f"{name} = {value!r}" for name, value in parameters.items()]]
        return nbformat.from_dict(self.page.evaluate(RUN, wanted))

    def saved(self) -> nbformat.NotebookNode:
        return nbformat.from_dict(self.page.evaluate(SAVE))

    def button(self, name: str) -> Locator:
        return self.page.locator(".cfr-panel button", has_text=name)

    def fill(self, **values: str) -> None:
        """Fill in fields, by their labels with `_` for a space."""
        for label, value in values.items():
            name = label.replace("_", " ")
            self.page.locator(".cfr-panel").get_by_label(name, exact=True).fill(value)

    def says(self, start: str) -> str:
        """Wait until the panel says something that begins so, and return all of it."""
        status = self.page.locator(".cfr-panel .cfr-status", has_text=start)
        status.wait_for(timeout=120_000)
        return status.inner_text()

    @property
    def elsewhere(self) -> list[str]:
        """What was asked for of anybody but the server."""
        here = (self.server.url, "data:", "blob:", self.server.url.replace("http", "ws"))
        return [url for url in self.fetched if not url.startswith(here)]


def seen_on(browser: Browser, server: Server) -> Iterator[Seen]:
    context = browser.new_context(viewport={"width": 1300, "height": 9000})  # off-screen cells are not in the page
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    yield Seen(context.new_page(), server)
    context.close()


@pytest.fixture
def seen(browser: Browser, server: Server) -> Iterator[Seen]:
    yield from seen_on(browser, server)


def shown(notebook: nbformat.NotebookNode, mime: str) -> list[Any]:
    """Everything of the type `mime` in a notebook's outputs."""
    return [o.data[mime] for c in notebook.cells for o in c.get("outputs", ()) if mime in o.get("data", {})]


def test_the_start_page_leads_to_a_runbook_whose_panel_is_there_without_a_click(seen):
    seen.page.goto(seen.server.lab("START.md"))
    seen.page.locator(".jp-MarkdownViewer a", has_text="01 · Wrong name").click(timeout=60_000)
    seen.panel()
    seen.button("Run all").click()
    assert "origin.shop.example" in seen.says("Fault found")
    seen.page.evaluate(LAUNCHER)
    cards = seen.page.locator(".jp-LauncherCard-label")
    cards.first.wait_for()
    assert cards.all_inner_texts()[: len(GUIDES) : len(GUIDES) - 1] == ["Start here", "Incident report"]
    seen.page.locator('.jp-LauncherCard[title="DNS"]').click()
    seen.page.wait_for_function("() => window.jupyterapp.shell.currentWidget.context?.path === '05_dns.ipynb'")
    assert seen.elsewhere == []
    assert are_forked(seen.server)


def test_the_file_of_the_address_is_opened_before_jupyterlab_gets_to_it_and_does_not_come_back(seen):
    seen.page.add_init_script(FOLLOWED)
    seen.page.goto(seen.server.lab("START.md"))
    seen.page.locator(".jp-MarkdownViewer a", has_text="01 · Wrong name").click(timeout=60_000)
    seen.page.wait_for_function("() => window.addressed")
    opened = [what for what in seen.page.evaluate("() => window.opened") if "START.md" in what]
    assert opened == ["docmanager:open START.md", "filebrowser:open-path START.md", "docmanager:open START.md"]
    assert seen.page.evaluate(CURRENT) == "01_tls_name.ipynb"
    seen.page.add_init_script("window.meanwhile = 'launcher:create'")
    seen.page.goto(seen.server.lab("START.md"))
    seen.page.wait_for_function("() => window.addressed")
    assert seen.page.evaluate(CURRENT) == "Launcher"
    seen.page.goto(seen.server.lab("nowhere.ipynb"))
    seen.page.locator(".jp-Dialog", has_text="Could not find path: nowhere.ipynb").wait_for(timeout=60_000)
    assert seen.page.locator(".jp-Dialog").count() == 1


def test_a_recorded_incident_is_opened_and_judged(seen, work, tmp_path):
    with lab.start("port-refused") as running:
        incident = Incident.load(lab=running.file)
        observe_sync(incident).save(tmp_path / "evidence.json")
    working_copy.make(work / "recorded", working_copy.read_recording(tmp_path))
    seen.open("recorded/00_start_here")
    assert "a recording of" in seen.page.locator(".cfr-panel").inner_text()
    seen.button("Run all").click()
    assert "refuse" in seen.says("Fault found")


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


def test_a_newcomer_is_led_from_the_page_to_a_verified_fix(seen):
    """The guided first incident: look, ask the runbook, decide, mend; the edge's answer follows, and Verify says fixed."""
    seen.page.goto(seen.server.lab("START.md"))
    seen.page.locator(".jp-MarkdownViewer a", has_text="A guided first incident").first.click(timeout=60_000)
    opened = "() => window.jupyterapp.shell.currentWidget?.context?.path === 'training/01_guided_incident.ipynb'"
    seen.page.wait_for_function(opened)
    looked = seen.run("parameters", "open", "ask-the-edge", "by-openssl", "your-command", "diagnose", "decision")
    printed = "\n".join(shown(looked, "text/plain"))
    assert "02:13 PAGE" in printed
    assert "HTTP/1.1 502 Bad Gateway" in printed
    assert "unable to verify the first certificate" in printed

    seen.page.locator(".cfr-command input").press("Enter")
    seen.page.get_by_text("curl -sI https://www.shop.example/cart", exact=True).wait_for(timeout=30_000)
    seen.button("Run all").click()
    assert "intermediate" in seen.says("Fault found")
    seen.page.locator(".cfr-panel label", has_text="The certificate, or the chain").click()
    seen.button("Check").click()
    seen.page.locator(".cfr-label", has_text="c) is right").wait_for(timeout=30_000)

    seen.run("desk-of-files")
    assert "502" in seen.says("Broken")
    seen.run("issue")
    assert "200" in seen.says("Works")
    seen.button("Verify").click()
    assert "nothing wrong any more" in seen.says("Fixed")
    verified = seen.run("verify-by-diagnosis")
    assert "Verified: The incident is over." in "\n".join(shown(verified, "text/plain"))
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


def test_a_person_works_with_the_panel(seen, work):
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
            seen.button("Run 2").click()
            seen.says("Looking")
            seen.page.evaluate(INTERRUPT)
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
            dead = seen.page.locator(".cfr-panel.jupyter-widgets-disconnected")
            told = dead.evaluate("panel => getComputedStyle(panel, '::before').content")
            assert "Run the notebook’s first two code cells" in told
            seen.run("parameters", "open")
            assert "resume" in seen.says("Run all looks now")
            seen.button("Resume").click()
            assert "No fault found" in seen.says("No fault found"), "the newest is the one that verified"
            assert seen.elsewhere == []
        finally:
            service.stop()


def test_two_runbooks_look_at_once_and_each_keeps_its_own(browser, server, work):
    context = browser.new_context(viewport={"width": 1300, "height": 9000})
    names = ("01_tls_name", "07_origin_response")
    both = [Seen(context.new_page(), server) for _ in names]
    for seen, name in zip(both, names, strict=True):
        seen.open(name)
    for seen in both:
        seen.button("Run all").click()
    said = [seen.says("Fault found") for seen in both]
    for seen in both:
        seen.button("Save evidence").click()
    saved = [evidence.load(work / seen.says("Saved").split()[2].rstrip(".")) for seen in both]

    both[0].saved()
    both[0].page.evaluate(SHUTDOWN)
    both[0].page.close()
    page = context.new_page()
    page.goto(server.lab(f"{names[0]}.ipynb"))
    page.locator(".jp-OutputArea", has_text="run the cell of the parameters and this one to have it here").wait_for()
    context.close()
    assert "The certificate for the server name" in said[0]
    assert "502" in said[1]
    for name, looked in zip(names, saved, strict=True):
        kept = [evidence.load(path) for path in work.glob(f".cfrunbook/{name}/*.json")]
        assert [one in kept for one in saved] == [one is looked for one in saved]


def test_a_look_outlives_its_page_and_what_it_saw_its_kernel(browser, server, work):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        for seen in seen_on(browser, server):
            seen.open("02_tls_protocol")
            seen.button("More fields").click()
            relocated = f"shop.example:443:127.0.0.1:{silent.getsockname()[1]}"
            seen.fill(Origin="shop.example", Connect_to=relocated, Deadline="600")
            seen.button("Run all").click()
            seen.says("Looking")
            process = seen.page.evaluate(PROCESS)
            seen.page.close()

            again = Seen(seen.page.context.new_page(), server)
            again.page.goto(server.lab("02_tls_protocol.ipynb"))
            before = again.says("Looking")
            again.page.wait_for_function(
                "said => document.querySelector('.cfr-panel .cfr-status').innerText !== said", arg=before
            )
            assert again.button("Cancel").is_enabled()
            for _ in range(1200):
                if kept := list(work.glob(".cfrunbook/02_tls_protocol/*.json")):
                    break
                again.page.wait_for_timeout(50)

            os.kill(process, signal.SIGKILL)
            again.page.locator(".jp-Dialog button", has_text="Ok").click(timeout=60_000)
            assert "resume" in again.says("Run all looks now")
            again.button("Resume").click()
            assert "the rest of the look" in again.says("Could not tell")
            assert evidence.load(*kept).connections[0].outcome == "connected"


def test_the_keyboard_reaches_all_of_the_panel_and_axe_finds_nothing(seen, work):
    from axe_playwright_python.sync_playwright import Axe

    seen.open("05_dns")
    for button in ("More fields", "As code"):
        seen.button(button).click()
    can = ".cfr-panel :is(button, input, textarea, select):visible:enabled"
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        seen.page.evaluate(THEME, theme)
        seen.page.wait_for_function("theme => document.body.dataset.jpThemeName === theme", arg=theme)
        assert Axe().run(seen.page, context=".cfr-panel").response["violations"] == []
        seen.page.locator(can).first.focus()
        seen.page.keyboard.press("Tab")
        seen.page.keyboard.press("Shift+Tab")
        reached = []
        while (one := seen.page.evaluate(FOCUSED))["inside"]:
            reached.append(one)
            seen.page.keyboard.press("Tab")
        assert [one["name"] for one in reached if not one["ring"]] == []
        assert [one for one in reached if not one["name"]] == []
        places = [one["place"] for one in reached]
        assert places == sorted(places)
        assert len(places) == seen.page.locator(can).count()

    seen.button("Run all").press("Enter")
    seen.says("Fault found")
    seen.page.keyboard.press("Tab")
    assert seen.page.evaluate(FOCUSED)["name"] == "Save evidence"


def test_a_team_uses_pages_in_voila(browser, tmp_path):
    """Title, panel and what it is about; no code, no step run before somebody asks, nothing fetched from elsewhere."""
    work, home = tmp_path / "work", tmp_path / "home"
    home.mkdir()
    working_copy.make(work, pages=True)
    with jupyter_server.app(work, home) as server:
        for seen in seen_on(browser, server):
            seen.page.goto(server.page())
            assert seen.page.locator("li").count() == len(GUIDES)
            seen.page.locator("a", has_text="Certificate").click()
            seen.panel()
            assert "nothing seen yet" in seen.page.locator(".cfr-panel").inner_text()
            assert seen.page.locator(".jp-InputArea .jp-CodeMirrorEditor, .highlight").count() == 0
            seen.button("Run all").click()
            assert "intermediate" in seen.says("Fault found")
            seen.page.locator(".cfr-places-of-results", has_text="certificate.missing_intermediate").wait_for()
            assert seen.elsewhere == []
            assert are_forked(server)
