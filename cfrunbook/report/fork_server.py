"""A process that has imported what kernels need, and forks one for each request.

`forking.ForkServer` runs it: `python -m cfrunbook.report.fork_server DESCRIPTOR FOLDER MODULE…`. It has one thread: a
fork copies only the thread that forks, and a lock that another one held would stay locked in the copy
(https://docs.python.org/3/library/os.html#os.fork). It answers one request at a time. When the channel ends, that is
also when its parent was killed, it kills its kernels and removes `FOLDER`.

A kernel is reaped when it is asked about, and not before: until then its process id belongs to nobody else, so that no
signal can hit a stranger.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import signal
import site
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from io import BufferedRWPair
from pathlib import Path
from socket import socket
from typing import Any

INLINE = "module://matplotlib_inline.backend_inline"
"""What ipykernel sets MPLBACKEND to where it is not set, before matplotlib can be imported; here it already is."""
KERNEL_MODULES = (
    "ipykernel.kernelapp",
    "ipykernel.zmqshell",
    "IPython.core.completer",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "comm",
    "faulthandler",
    "tornado.platform.asyncio",
)
"""What a kernel imports at its start at the latest."""
_TASKS = Path("/proc/self/task")
_DIE_WITH_PARENT = 1
"""PR_SET_PDEATHSIG: https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html"""


def main(arguments: Sequence[str]) -> None:
    """Import the modules named (`module:function` is called too) and serve; in a forked process, do what was asked."""
    descriptor, folder, *modules = arguments
    if sys.path and (not sys.path[0] or Path(sys.path[0]) == Path.cwd()):
        del sys.path[0]  # as ipykernel_launcher does: a kernel puts its own working directory there
    gc.disable()  # imports leave little garbage behind, and looking for it takes a tenth of their time
    given = os.environ.setdefault("MPLBACKEND", INLINE)
    for module in modules:
        with suppress(Exception):  # who needs it in a kernel is told there
            if ":" in module:
                _called(module)()
            else:
                import_module(module)
    if given is INLINE:
        del os.environ["MPLBACKEND"]
    gc.collect()
    gc.enable()
    gc.freeze()  # nothing imported so far is written to by a garbage collection: the kernels share its pages
    request = serve(socket(fileno=int(descriptor)), Path(folder))
    if request is not None:
        try:
            os.chdir(request["cwd"])
        except OSError:  # the run was stopped meanwhile and its folder is gone: nobody waits for this kernel
            os._exit(1)
        os.environ.clear()
        os.environ.update(request["environment"])
        _called(request["function"])(*request["arguments"])


def serve(channel: socket, folder: Path) -> dict[str, Any] | None:
    """Answer requests until the channel ends; in a process forked for one, return that one.

    Requests and answers are lines of JSON: `fork` starts a process and tells its id, with `unchanged` only as long as
    no file of what is imported was changed; `poll` tells how one ended, as `subprocess` would (null: it has not);
    `signal` sends one to its process group.
    """
    server, imported = os.getpid(), time.time_ns()
    kernels: set[int] = set()
    with suppress(ConnectionError), channel, channel.makefile("rwb") as lines:
        _say(lines, {"threads": threads()})
        for line in lines:
            request = json.loads(line)
            if "poll" in request:
                pid = request["poll"]
                status = _reaped(pid) if pid in kernels else -signal.SIGKILL
                if status is not None:
                    kernels.discard(pid)
                _say(lines, {"status": status})
            elif "signal" in request:
                pid, number = request["signal"]
                if pid in kernels:
                    _signal(pid, number)
                _say(lines, {})
            elif request["unchanged"] and (file := changed(imported)):
                _say(lines, {"error": f"{file} was changed since it was imported"})
            else:
                try:
                    pid = os.fork()
                except OSError as error:  # too many processes, too little memory
                    _say(lines, {"error": f"cannot fork: {error.strerror}"})
                    continue
                if pid == 0:
                    _leave(server)
                    return dict(request["fork"])
                kernels.add(pid)
                _say(lines, {"pid": pid})
    for pid in kernels:
        _signal(pid, signal.SIGKILL)
    for pid in kernels:
        os.waitpid(pid, 0)
    shutil.rmtree(folder, ignore_errors=True)
    return None


def threads() -> int:
    """Return how many threads this process has, those of C libraries included; 1 where that cannot be told."""
    try:
        return len(list(_TASKS.iterdir()))
    except OSError:
        return 1


def changed(since: int) -> str:
    """Return what was written or replaced `since` (ns) and only a new interpreter would read again; "" if nothing was.

    That is a file of an imported module, or a folder of installed packages: a new entry may add to `sys.path`.
    """
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    for file in filter(None, (*files, *site.getsitepackages(), site.getusersitepackages())):
        with suppress(OSError):  # not there, or within an archive
            # Not the time of its content: an installer may keep that of the archive.
            if Path(file).stat().st_ctime_ns > since:
                return str(file)
    return ""


def import_kernel() -> None:
    """Import what every kernel does at its start, but no debugger: it takes half the time, and nobody debugs here."""
    for module in KERNEL_MODULES:
        with suppress(ImportError):  # of another version, which does without
            import_module(module)
    missing = sys.modules.setdefault("debugpy", None) is None  # type: ignore[arg-type]  # None: its import fails
    import_module("ipykernel.debugger")  # does without; a notebook can still import debugpy
    if missing:
        del sys.modules["debugpy"]


def be_kernel(*arguments: str) -> None:
    """Do what `python -m ipykernel_launcher` with `arguments` does, until the kernel ends."""
    import ipykernel_launcher  # type: ignore[import-untyped]
    from ipykernel.kernelapp import IPKernelApp

    sys.argv = [ipykernel_launcher.__file__, *arguments]
    if "numpy.random" in sys.modules:  # seeded at import: not the same numbers in every kernel
        sys.modules["numpy.random"].seed()
    # ipykernel looked at the variable when it was imported. It ends the kernel when this parent is gone.
    os.environ["JPY_PARENT_PID"] = str(os.getppid())
    app = IPKernelApp.instance(parent_handle=os.getppid())
    app.initialize(list(arguments))  # type: ignore[no-untyped-call]
    app.start()  # type: ignore[no-untyped-call]


def _called(name: str) -> Callable[..., object]:
    module, _, function = name.partition(":")
    return getattr(import_module(module), function)  # type: ignore[no-any-return]  # only ours are named


def _leave(server: int) -> None:
    """Become a process group of one's own that ends with the server, however that ends."""
    os.setsid()
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != server:
        os._exit(1)


def _say(lines: BufferedRWPair, answer: dict[str, Any]) -> None:
    lines.write(json.dumps(answer).encode() + b"\n")
    lines.flush()


def _reaped(pid: int) -> int | None:
    """Return how the kernel ended, as `subprocess` tells it; None if it has not."""
    reaped, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if reaped else None


def _signal(pid: int, number: int) -> None:
    """Send a signal to a kernel and what it started."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:  # it was forked this very moment and leads no group yet, or has ended
        with suppress(ProcessLookupError):
            os.kill(pid, number)


if __name__ == "__main__":
    main(sys.argv[1:])
