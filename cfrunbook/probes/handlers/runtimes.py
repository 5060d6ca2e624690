"""The programs that run handlers: where they are, which version, and what of them keeps a handler in."""

from __future__ import annotations

import contextlib
import marshal
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.machinery import SourceFileLoader
from importlib.util import find_spec
from pathlib import Path

from cfrunbook.probes.handlers.model import Containment, Guard, Guarded

SCRIPTS = Path(__file__).with_name("scripts")
_START_SECONDS = 20.0
_NODE_OVERHEAD_MB = 512
"""What Node.js takes beside the heap: code, stacks of its threads, buffers."""
_PYTHON_OVERHEAD_MB = 64
_RUN_COMPILED = "import marshal,sys;exec(marshal.load(sys.stdin.buffer))"


@dataclass(frozen=True, slots=True)
class Runtime:
    """A program that can run a handler."""

    name: str
    program: str
    version: tuple[int, ...] = ()
    overhead_mb: int = _PYTHON_OVERHEAD_MB

    @property
    def permission_flag(self) -> str:
        """The option for its permission model, if any: https://nodejs.org/api/permissions.html."""
        if self.name != "node" or self.version < (20,):
            return ""
        stable = self.version >= (23, 5) or (22, 13) <= self.version < (23,)
        return "--permission" if stable else "--experimental-permission"


def python() -> Runtime:
    """Return the Python that runs this."""
    return Runtime("python", sys.executable, sys.version_info[:3])


def quickjs() -> Runtime | None:
    """Return QuickJS inside another process of this Python (extra `quickjs`); None where it is not installed."""
    return Runtime("quickjs", sys.executable) if find_spec("quickjs") else None


def node() -> Runtime | None:
    """Return the Node.js on PATH; None where there is none that can be started."""
    found = shutil.which("node")
    return _node(found, Path(found).stat().st_mtime_ns) if found else None


@cache
def _node(path: str, _modified: int) -> Runtime | None:
    """Ask a Node.js for its version; a script in its place (nvm, volta, asdf) for the real one, which needs no HOME."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        with Path(path).open("rb") as file:
            is_script = file.read(2) == b"#!"
        ask = ["-p", "process.version + ' ' + process.execPath"] if is_script else ["--version"]
        said = subprocess.run(  # noqa: S603 - the user's own node
            [path, *ask], stdin=subprocess.DEVNULL, capture_output=True, timeout=_START_SECONDS, check=True
        ).stdout.decode("utf-8", "replace")
        if match := re.match(r"v(\d+)\.(\d+)\.(\d+)(?:-\S*)?(?: (.+))?", said.strip()):
            version = (int(match[1]), int(match[2]), int(match[3]))
            return Runtime("node", match[4] or path, version, _NODE_OVERHEAD_MB)
    return None


def command(runtime: Runtime, script: str, *, memory_mb: int, readable: Sequence[Path]) -> list[str]:
    """Return the command line that starts `script` of ours; nothing of the user's stands in it but paths."""
    if runtime.name == "quickjs":
        return [runtime.program, "-I", "-B", "-u", str(SCRIPTS / script)]
    if runtime.name == "python":  # -S: a deployment package brings its own modules, and not those installed here
        return [runtime.program, "-I", "-S", "-B", "-u", "-c", _RUN_COMPILED]
    options = ["--no-warnings", f"--max-old-space-size={memory_mb}"]
    if runtime.permission_flag:
        options.append(runtime.permission_flag)
        options += [f"--allow-fs-read={_with_wildcard(path)}" for path in (SCRIPTS, *readable)]
    if script == "run_cloudfront.cjs":
        options.append("--disallow-code-generation-from-strings")
    return [runtime.program, *options, str(SCRIPTS / script)]


@cache
def python_script(script: str) -> bytes:
    """Return `script` compiled, which `command` wants first on stdin: compiling it anew would take a while."""
    path = SCRIPTS / script
    code = SourceFileLoader(f"{__name__}.{path.stem}", str(path)).get_code(f"{__name__}.{path.stem}")
    return marshal.dumps(code)


def _with_wildcard(path: Path) -> str:
    return f"{path}{os.sep}*" if path.is_dir() else str(path)


def guards(runtime: Runtime, kind: str) -> tuple[Containment, ...]:
    """Return what the runtime itself keeps a handler from."""
    if runtime.name == "quickjs" or kind == "cloudfront-function":
        return tuple(
            Containment(what=what, by=Guard.RUNTIME, how="the code's world has no such function")
            for what in (Guarded.FILE_WRITES, Guarded.FILE_READS, Guarded.PROCESSES, Guarded.NETWORK)
        )
    if runtime.name == "python":
        return tuple(
            Containment(what=what, by=Guard.RUNTIME, how="an audit hook; native code gets around it")
            for what in (Guarded.FILE_WRITES, Guarded.FILE_READS, Guarded.PROCESSES, Guarded.NETWORK)
        )
    by = Guard.RUNTIME if runtime.permission_flag else Guard.NOBODY
    how = f"node {runtime.permission_flag}" if runtime.permission_flag else "Node.js 20 and newer could"
    return (
        *(
            Containment(what=what, by=by, how=how)
            for what in (Guarded.FILE_WRITES, Guarded.FILE_READS, Guarded.PROCESSES)
        ),
        Containment(what=Guarded.NETWORK, by=Guard.RUNTIME, how="net.Socket connects nowhere; UDP is not kept in"),
    )
