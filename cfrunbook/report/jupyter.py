"""`cfrunbook notebooks`: a working copy of the runbooks, opened in JupyterLab."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from cfrunbook.errors import BadInput
from cfrunbook.report.runbooks import runbook_files
from cfrunbook.text import visible

LAB_OPTIONS = (
    # An incident is no time for news, and the machine may have no way out: JupyterLab fetches neither.
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
)


def open_notebooks(folder: Path = Path("cfrunbook-notebooks"), *, browser: bool = True) -> int:
    """Copy the runbooks to `folder`, open them in JupyterLab and return its exit status when it ends.

    A file of yours there is never overwritten. Raises BadInput if `folder` cannot be written or JupyterLab is
    missing; the copies are made nevertheless, for any other editor of notebooks.
    """
    kept = copy_runbooks(folder)
    for name in kept:
        print(f"Kept {visible(folder / name)}: it differs from the runbook shipped; rename it to get a fresh copy.")
    if find_spec("jupyterlab") is None:
        raise BadInput(
            f"The runbooks are in {visible(folder)}, but JupyterLab is not installed here: "
            'pip install "cfrunbook[lab]".'
        )
    return start_lab(folder, () if browser else ("--no-browser",))


def copy_runbooks(folder: Path) -> tuple[str, ...]:
    """Copy the runbooks to `folder` and return the names of those that are there already and differ: they are kept.

    Raises BadInput if `folder` cannot be written.
    """
    kept = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for source in runbook_files():
            content, copy = source.read_bytes(), folder / source.name
            if not copy.exists():
                copy.write_bytes(content)
            elif copy.read_bytes() != content:
                kept.append(source.name)
    except OSError as error:
        raise BadInput(f"Cannot copy the runbooks to {visible(folder)}: {error.strerror or error}.") from error
    return tuple(kept)


def start_lab(folder: Path, options: Sequence[str] = ()) -> int:
    """Run JupyterLab on `folder`, opened at the first runbook, until it ends; return its exit status."""
    command = lab_command(*options, "00_start_here.ipynb")
    with subprocess.Popen(command, cwd=folder, env=lab_environment()) as server:  # noqa: S603 - our own interpreter
        while True:
            try:
                return server.wait()
            except KeyboardInterrupt:  # JupyterLab got it too, and asks whether to stop
                continue


def lab_command(*options: str) -> list[str]:
    """Return the command that starts JupyterLab, with `options` added."""
    # In a container people are root, and JupyterLab would not start; it listens on loopback only, behind a token.
    root = ("--allow-root",) if getattr(os, "geteuid", lambda: 1)() == 0 else ()
    return [sys.executable, "-m", "jupyterlab", "--ip=127.0.0.1", *root, *LAB_OPTIONS, *options]


def lab_environment() -> dict[str, str]:
    """Return the environment that JupyterLab is run in: the user's, with two things settled.

    The kernels of this Python come first, for a `python3` of the user's may not know cfrunbook; and JupyterLab does
    not ask whether it may fetch news (`labconfig/page_config.json` beside this module).
    """
    here = str(Path(__file__).resolve().parent)
    search = [here, *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])]
    return {**os.environ, "JUPYTER_PREFER_ENV_PATH": "1", "JUPYTER_CONFIG_PATH": os.pathsep.join(search)}
