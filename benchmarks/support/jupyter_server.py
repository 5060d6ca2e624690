"""JupyterLab or Voilà on loopback as `cfrunbook notebooks` runs them, with nothing of this user's configuration."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cfrunbook.report import jupyter

PATIENCE = 60
_WORKSPACES = itertools.count(1)
"""Names of layouts of windows. JupyterLab can empty one too (`reset`), but waits a second before it goes on."""
CHROMIUM_OPTIONS = ("--no-sandbox", "--disable-gpu")


@dataclass(frozen=True)
class Server:
    """A server that answers."""

    url: str
    """Ends with `/`."""
    log: Path
    started: float
    """When its process was started, as `time.monotonic` has it."""

    def page(self, path: str = "") -> str:
        """Return the address of a page, with what lets one in."""
        return f"{self.url}{path}?token=t"

    def lab(self, file: str) -> str:
        """Return the address of JupyterLab with a file open, and nothing of what was open before."""
        return self.page(f"lab/workspaces/{next(_WORKSPACES)}/tree/{file}")


@contextmanager
def lab(work: Path, home: Path) -> Iterator[Server]:
    """Run JupyterLab on the folder `work`; its own files go to `home`."""
    options = ("--IdentityProvider.token=t", "--LabApp.expose_app_in_browser=True")
    with _server(jupyter.lab_command, options, jupyter.lab_environment(work), work, home) as server:
        yield server


@contextmanager
def app(work: Path, home: Path) -> Iterator[Server]:
    """Run Voilà on the folder `work`; its own files go to `home`."""
    with _server(jupyter.app_command, ("--token=t",), jupyter.app_environment(), work, home) as server:
        yield server


@contextmanager
def _server(
    command: jupyter.Command, options: Sequence[str], environment: dict[str, str], work: Path, home: Path
) -> Iterator[Server]:
    names = ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")
    own = {f"JUPYTER_{name}": str(home / name.lower()) for name in names}
    own |= {"JUPYTERLAB_SETTINGS_DIR": str(home / "settings"), "IPYTHONDIR": str(home / "ipython"), "TMPDIR": str(home)}
    log, port = home / "log", _free_port()
    with log.open("wb") as written:
        started = time.monotonic()
        process = subprocess.Popen(
            command("--no-browser", f"--port={port}", *options),
            cwd=work,
            env={**environment, **own},
            stdout=written,
            stderr=written,
            start_new_session=True,
        )
        try:
            url = f"http://127.0.0.1:{port}/"
            _wait(process, url, log)
            yield Server(url, log, started)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=30)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}?token=t", timeout=PATIENCE):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"The server did not start:\n{log.read_text(errors='replace')[-2000:]}")
