"""`cfrunbook notebooks`: a working copy of the runbooks, opened in JupyterLab, or as an app for the team in Voilà."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from cfrunbook.errors import BadInput
from cfrunbook.panel.keeping import FOLDER as KEPT
from cfrunbook.report import working_copy
from cfrunbook.text import visible

Command = Callable[..., list[str]]
"""Makes the command of a server from further options."""
_HERE = Path(__file__).resolve().parent
# A larger message ends the connection without a word, and files are given in one: 10 MiB by default.
# https://www.tornadoweb.org/en/stable/websocket.html#tornado.websocket.WebSocketHandler
_LARGE_FILES = f'tornado_settings={{"websocket_max_message_size":{512 * 1024 * 1024}}}'
LAB_OPTIONS = (
    f"--ServerApp.{_LARGE_FILES}",
    # An incident is no time for news, and the machine may have no way out: JupyterLab fetches neither.
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
)
APP_OPTIONS = (
    f"--Voila.{_LARGE_FILES}",
    "--template=cfrunbook",
    "--token",  # who may open a page has this machine's view of the network, and its files
    # What failed is told by the panel; a page shows nobody the insides of this machine.
    "--show_tracebacks=False",
    "--VoilaConfiguration.extension_denylist=cfrunbook",
)


def open_notebooks(
    folder: Path | None = None,
    *,
    incident: Path | None = None,
    app: bool = False,
    browser: bool = True,
    copy_only: bool = False,
) -> int:
    """Copy the runbooks to `folder`, open them in JupyterLab and return its exit status when it ends.

    `incident` is a folder that `cfrunbook report` wrote, or a recording: the runbooks then judge that, in a folder of
    its own. `app`: open them in Voilà, pages with the panel and without code; `copy_only`: open nothing. A file of
    yours is never overwritten.

    Raises BadInput if a folder cannot be read or written or the program is missing; the copies are made
    nevertheless, for any other editor of notebooks.
    """
    recording = working_copy.read_recording(incident) if incident is not None else None
    place = folder or (working_copy.FOLDER / recording.name if recording else working_copy.FOLDER)
    place = place / "app" if app else place
    for name in working_copy.make(place, recording, pages=app):
        print(f"Kept {visible(place / name)}: it differs from the runbook shipped; rename it to get a fresh copy.")
    if copy_only:
        print(f"The runbooks are in {visible(place)}. Their kernel is the Python of {visible(sys.prefix)}.")
        return 0
    program, extra = ("Voilà", "app") if app else ("JupyterLab", "lab")
    if find_spec("voila" if app else "jupyterlab") is None:
        raise BadInput(
            f"The runbooks are in {visible(place)}, but {program} is not installed here: "
            f'pip install "cfrunbook[{extra}]".'
        )
    options = () if browser else ("--no-browser",)
    if app:
        return _run(app_command(*options), place, app_environment())
    first = "00_start_here.ipynb" if recording else working_copy.START_PAGE
    return _run(lab_command(*options, first), place, lab_environment(place))


def _run(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> int:
    """Run a server in `folder` until it ends; return its exit status, as a shell tells that of one a signal ended."""
    server = subprocess.Popen(command, cwd=folder, env=environment)  # noqa: S603 - our own interpreter
    with server, _terminated_with(server):
        while True:
            try:
                status = server.wait()
                return status if status >= 0 else 128 - status
            except KeyboardInterrupt:  # the server got it too, and asks whether to stop, or stops
                continue


@contextmanager
def _terminated_with(server: subprocess.Popen[bytes]) -> Iterator[None]:
    """Pass SIGTERM on: who manages services ends us alone, and nobody else would end the server."""
    if threading.current_thread() is not threading.main_thread():  # which alone may handle signals
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def lab_command(*options: str) -> list[str]:
    """Return the command that starts JupyterLab, with `options` added."""
    # In a container people are root, and JupyterLab would not start; it listens on loopback only, behind a token.
    root = ("--allow-root",) if getattr(os, "geteuid", lambda: 1)() == 0 else ()
    return [
        sys.executable,
        "-m",
        "cfrunbook.report.serving",
        "jupyterlab",
        "--ip=127.0.0.1",
        *root,
        *LAB_OPTIONS,
        *options,
    ]


def lab_environment(folder: Path) -> dict[str, str]:
    """Return the environment that JupyterLab is run in on `folder`.

    That is the user's with our data first (`jupyter_data/` beside this module: cards in the launcher, panels that open
    by themselves, and a kernel of this Python, for a `python3` of the user's may not know cfrunbook) and our settings
    (`labconfig/`, `jupyter_server_config.d/`: it does not ask whether it may fetch news, looks for no language servers,
    shows Markdown rendered). Which notebooks are open is remembered in the folder itself: JupyterLab has one such
    memory for all folders, and would look here for what somebody left open elsewhere.
    """
    windows = str((folder / KEPT / "workspaces").absolute())
    return {
        **app_environment(),
        "JUPYTER_CONFIG_PATH": _first(_HERE, "JUPYTER_CONFIG_PATH"),
        "JUPYTERLAB_WORKSPACES_DIR": os.environ.get("JUPYTERLAB_WORKSPACES_DIR", windows),
    }


def app_command(*options: str) -> list[str]:
    """Return the command that starts Voilà on the folder it is run in, with `options` added."""
    return [
        sys.executable,
        "-m",
        "cfrunbook.report.serving",
        "voila",
        ".",
        "--Voila.ip=127.0.0.1",
        *APP_OPTIONS,
        *options,
    ]


def app_environment() -> dict[str, str]:
    """Return the environment that Voilà is run in: the user's with our data first, which hold its template too."""
    return {**os.environ, "JUPYTER_PATH": _first(_HERE / "jupyter_data", "JUPYTER_PATH")}


def _first(path: Path, variable: str) -> str:
    """Return a search path that begins with `path` and goes on with the user's."""
    return os.pathsep.join([str(path), *filter(None, [os.environ.get(variable)])])
