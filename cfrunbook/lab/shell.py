"""A shell inside a running lab: the tools people know find its hosts by their names."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import msgspec

from cfrunbook.errors import BadInput
from cfrunbook.files import write_whole
from cfrunbook.text import visible

if TYPE_CHECKING:
    from cfrunbook.lab.running import Running
    from cfrunbook.lab.runtime import State

ENVIRONMENT = "CFRUNBOOK_LAB"
TOOLS_FILE = "tools.json"
FOLDER = "bin"

_TOOLS = ("curl", "openssl", "dig", "delv", "nc")
_HELLO = """\
You are in a shell of the lab {name}; `exit` leaves it, and the lab stays up.
curl, openssl s_client, dig, delv and nc find the lab's hosts by their names here, and say on standard error what they
really run. They trust the lab's root. `cfrunbook diagnose` and `cfrunbook watch` look at this lab without options.
What the owners can change: {site}
"""


def write_tools(running: Running) -> Path:
    """Write the wrappers, and what they are to know, into the lab's folder; return the folder to put first in PATH."""
    folder = running.folder / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    told = {
        "connect_to": [*running.viewers, *running.connect_to],
        "trust": str(running.trust_store),
        "names": dict(_names(running)),
        "resolver": running.recursor(),
    }
    write_whole(running.folder / TOOLS_FILE, msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n")
    script = Path(__file__).with_name("relocate.py")
    for tool in _TOOLS:
        command = shlex.join([sys.executable, "-I", str(script), str(running.folder), tool])
        _write_program(folder / tool, f'#!/bin/sh\nexec {command} "$@"\n')
    ourselves = shlex.join([sys.executable, "-m", "cfrunbook"])
    _write_program(folder / "cfrunbook", f'#!/bin/sh\nexec {ourselves} "$@"\n')
    return folder


def _write_program(path: Path, text: str) -> None:
    if not path.exists():
        write_whole(path, text.encode())
        path.chmod(0o700)


_ADDRESS = re.compile(r"^(\S+)\s+(?:\d+\s+)?(?:IN\s+)?(?:A|AAAA)\s+(\S+)\s*$", re.MULTILINE)


def _names(running: Running) -> Iterator[tuple[str, str]]:
    """Yield the names that zones give to the addresses of name servers."""
    for server in running.setup.dns.servers if running.setup.dns else ():
        for zone in server.zones:
            for name, address in _ADDRESS.findall(zone.text):
                if address in running.name_servers:
                    whole = name if name.endswith(".") else f"{name}.{zone.origin}"
                    yield whole.rstrip(".").lower(), address


def environment(state: State, outer: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a shell inside this lab."""
    folder = Path(state.lab_file).parent
    return {
        **outer,
        ENVIRONMENT: state.lab_file,
        "CFRUNBOOK_LAB_NAME": state.name,
        "CFRUNBOOK_LAB_SITE": state.site,
        "PATH": os.pathsep.join((str(folder / FOLDER), *filter(None, (outer.get("PATH", os.defpath),)))),
    }


def enter(state: State, command: Sequence[str], err: TextIO) -> int:
    """Become $SHELL, or `command`, inside the lab. Raises BadInput where it cannot be started."""
    inside = environment(state, os.environ)
    if not command:
        print(_HELLO.format(name=state.name, site=state.site), file=err, flush=True)
        command = [os.environ.get("SHELL") or "/bin/sh"]
    try:
        os.execvpe(command[0], list(command), inside)  # noqa: S606 - asked for
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise BadInput(f"Lab: cannot run '{visible(command[0], 200)}': {reason}.") from None
