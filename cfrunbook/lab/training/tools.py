"""Running the tools that people know inside a scenario of this process: curl, openssl, dig and nc find its hosts."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cfrunbook.lab import shell

if TYPE_CHECKING:
    from cfrunbook.lab.running import Running

PATIENCE: Final = 20.0
"""Seconds that a command may take."""
_OURS: Final = "lab: "
"""How the lab says on standard error what it really runs."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A command, what it printed on both streams, and its exit status."""

    command: str
    output: str
    status: int


def run(running: Running, command: str, *, in_site: bool = True) -> Ran:
    """Run a shell command inside a scenario. Never raises for what the command does.

    `in_site`: where the owners' files are, which say what is wrong.
    """
    folder = shell.write_tools(running)
    inside = {
        **os.environ,
        **running.environment(),
        "CFRUNBOOK_LAB_SITE": str(running.site_folder),
        "PATH": os.pathsep.join((str(folder), os.environ.get("PATH", os.defpath))),
    }
    try:
        done = subprocess.run(  # noqa: S602 - a lesson's own commands, or those that somebody types before a notebook
            command,
            shell=True,
            env=inside,
            cwd=running.site if in_site else running.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PATIENCE,
            check=False,
        )
        output, status = done.stdout, done.returncode
    except subprocess.TimeoutExpired as late:
        output, status = late.stdout or b"", 124
    except OSError as error:
        return Ran(command, str(error.strerror or error), 127)
    lines = output.decode("utf-8", "replace").splitlines()
    is_said = [line for line in lines if not line.startswith(_OURS) or line.endswith("is not installed.")]
    return Ran(command, "\n".join(is_said), status)
