"""Running the tools that people know inside a scenario of this process: curl, openssl, dig and nc find its hosts."""

from __future__ import annotations

import os
import selectors
import shlex
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from cfrunbook.files import write_whole
from cfrunbook.lab import shell

if TYPE_CHECKING:
    from cfrunbook.lab.running import Running

PATIENCE: Final = 20.0
"""Seconds that a command may take."""
MOST: Final = 200_000
"""Bytes that a command may print."""
_OURS: Final = "lab: "
"""How the lab says on standard error what it really runs."""
_LATE: Final = 124
"""The exit status of timeout(1)."""
_ENDED: Final = "exec 3<&0 </dev/null; { read -r _; kill -s KILL -- -$$; } <&3 >/dev/null 2>&1 & exec 3<&-"
"""What ends a command, and all that it started, where this process ends first, however it does: its pipe closes."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A command, what it printed on both streams, and its exit status."""

    command: str
    output: str
    status: int


def run(running: Running, command: str, *, patience: float = PATIENCE) -> Ran:
    """Run a shell command inside a scenario. Never raises for what the command does; nothing of it stays behind."""
    ours, theirs = os.pipe()
    try:
        process = subprocess.Popen(  # noqa: S603 - a lesson's own commands, or those that somebody types in a notebook
            ["/bin/sh", "-c", f"{_ENDED}\n{command}"],
            env={**os.environ, **inside(running)},
            cwd=running.site,
            stdin=ours,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        return Ran(command, str(getattr(error, "strerror", None) or error), 127)
    else:
        with process:
            assert process.stdout is not None
            output, ending = _read(process.stdout, patience)
            status = _LATE if ending else _waited(process, patience)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    finally:
        os.close(ours)
        os.close(theirs)
    lines = output.decode("utf-8", "replace").splitlines()
    is_said = [line for line in lines if not line.startswith(_OURS) or line.endswith("is not installed.")]
    return Ran(command, "\n".join([*is_said, ending] if ending else is_said), status)


def _read(stream: IO[bytes], patience: float) -> tuple[bytes, str]:
    """Return what is printed until its end, and why that was not waited for; empty where it was."""
    until, output = time.monotonic() + patience, bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while (left := until - time.monotonic()) > 0:
            if not selector.select(left):
                break
            if not (chunk := os.read(stream.fileno(), 65536)):
                return bytes(output), ""
            output += chunk
            if len(output) > MOST:
                return bytes(output[:MOST]), f"(ended: it printed more than {MOST // 1000} KB)"
    return bytes(output), f"(ended: it took longer than {patience:.0f} s)"


def _waited(process: subprocess.Popen[bytes], patience: float) -> int:
    """Return the exit status of a command that prints nothing more."""
    try:
        return process.wait(patience)
    except subprocess.TimeoutExpired:
        return _LATE


def inside(running: Running) -> Mapping[str, str]:
    """Return the environment variables that a command has inside a scenario."""
    folder = shell.write_tools(running)
    return {
        **running.environment(),
        "CFRUNBOOK_LAB_SITE": str(running.site),
        "PATH": os.pathsep.join((str(folder), os.environ.get("PATH", os.defpath))),
    }


def door(running: Running) -> Path:
    """Write the program that opens a shell inside a scenario, for a terminal of one's own; return its path."""
    told = "curl, openssl, dig and nc find the hosts of the lab here. The folder is that of its files. exit leaves it."
    variables = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in inside(running).items())
    path = running.folder / "enter"
    start = f'cd "$CFRUNBOOK_LAB_SITE" && echo {shlex.quote(told)} && exec "${{SHELL:-/bin/sh}}"\n'
    write_whole(path, f"#!/bin/sh\n{variables}{start}".encode())
    path.chmod(0o700)
    return path
