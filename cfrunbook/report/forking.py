"""Kernels forked from one process that has done their imports: the side that asks (`fork_server` is the other one).

Each kernel is a process of its own, as any kernel is; it only starts faster, and shares its memory with the others as
long as nobody writes to it.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

KERNEL = ("cfrunbook.report.fork_server:import_kernel",)
"""What every kernel imports at its start."""
ANSWER_SECONDS = 60.0
"""The longest wait for an answer: the first comes when everything is imported."""
SINGLE_THREADED = dict.fromkeys(
    ("MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"
)
"""Keeps the libraries below numpy from starting threads when they are loaded."""
OF_ONE_KERNEL = ("IPYTHONDIR", "JPY_PARENT_PID", "JPY_SESSION_NAME")
"""Variables that may differ from one kernel to the next: no import of ours looks at them."""
OF_ONE_PAGE = ("PATH_INFO", "QUERY_STRING", "SCRIPT_NAME", "SERVER_", "VOILA_")
"""How those begin by which Voilà tells a kernel what page it is for (of CGI: RFC 3875, section 4.1):
https://github.com/voila-dashboards/voila/pull/414"""


class ForkServerLost(Exception):
    """No kernel can be forked; the message says why."""


def unsupported() -> str:
    """Return why kernels cannot be forked here; empty where they can.

    On macOS a process that forks and goes on without exec may crash in system libraries:
    https://docs.python.org/3/library/multiprocessing.html#contexts-and-start-methods
    """
    return "" if sys.platform == "linux" else f"processes are not forked on {sys.platform}"


class ForkServer:
    """The fork server of this process. All its methods may be called from any thread; in a child of it they fail."""

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        modules: Sequence[str],
        *,
        printed: IO[bytes] | None = None,
        unchanged: bool = False,
    ) -> None:
        """Start it; it imports `modules` and removes `folder` at its end. Raises ForkServerLost.

        Kernels can be forked for `environment` alone, see `fits`. What it and they print goes to the file `printed`,
        else where ours goes. `unchanged`: only until a file of what it imported is changed, by an editor or an update.
        """
        if why := unsupported():
            raise ForkServerLost(why)
        self._environment = _lasting(environment)
        self._unchanged = unchanged
        self._lock = threading.Lock()
        self._ready = False
        self._lost = ""
        self._owner = os.getpid()
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "cfrunbook.report.fork_server", str(theirs.fileno()), str(folder), *modules]
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter
                command,
                env={**environment, **SINGLE_THREADED},
                cwd=folder,  # nothing in there can be imported by mistake
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=printed,
                pass_fds=[theirs.fileno()],
                start_new_session=True,  # Ctrl+C in a terminal is for us to handle
            )
        except OSError as error:
            ours.close()
            raise ForkServerLost(f"cannot start the fork server: {error.strerror}") from None
        finally:
            theirs.close()
        ours.settimeout(ANSWER_SECONDS)
        self._channel, self._lines = ours, ours.makefile("rwb")

    def kernel(self, arguments: Sequence[str], *, cwd: str, environment: Mapping[str, str]) -> ForkedProcess:
        """Fork a kernel with the arguments of `ipykernel_launcher`. Waits for the imports. Raises ForkServerLost."""
        return self._fork("cfrunbook.report.fork_server:be_kernel", arguments, cwd=cwd, environment=environment)

    def fits(self, environment: Mapping[str, str]) -> bool:
        """Return whether a kernel for `environment` can be forked: the imports were done with the same one."""
        return _lasting(environment) == self._environment

    def call(self, function: str, arguments: Sequence[str]) -> ForkedProcess:
        """Call `module:function` in a process of its own. Waits for the imports. Raises ForkServerLost."""
        return self._fork(function, arguments, cwd=str(Path.cwd()), environment=self._environment)

    def _fork(
        self, function: str, arguments: Sequence[str], *, cwd: str, environment: Mapping[str, str]
    ) -> ForkedProcess:
        request = {
            "function": function,
            "arguments": list(arguments),
            "cwd": str(Path(cwd).absolute()),  # the server is elsewhere
            "environment": dict(environment),
        }
        return ForkedProcess(self, int(self.ask({"fork": request, "unchanged": self._unchanged})["pid"]))

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request and return its answer; nobody else's comes between. Raises ForkServerLost."""
        if os.getpid() != self._owner:
            raise ForkServerLost("the fork server belongs to another process")
        with self._lock:
            if self._lost:  # who waited for the lock need not wait for an answer that does not come
                raise ForkServerLost(self._lost)
            try:
                if not self._ready:
                    self._wait_for_imports()
                self._lines.write(json.dumps(request).encode() + b"\n")
                self._lines.flush()
                answer = dict(json.loads(self._lines.readline()))
            except (OSError, ValueError, LookupError, TypeError) as error:  # ended, killed, closed, silent, or astray
                self._lost = f"the fork server is gone ({type(error).__name__})"
                raise ForkServerLost(self._lost) from None
            except ForkServerLost as lost:
                self._lost = str(lost)
                raise
        if "error" in answer:
            raise ForkServerLost(answer["error"])
        return answer

    def _wait_for_imports(self) -> None:
        threads = json.loads(self._lines.readline())["threads"]
        if threads != 1:
            raise ForkServerLost(f"its imports started threads ({threads - 1}), and a fork would lose them")
        self._ready = True

    def close(self) -> None:
        """End the server, its kernels and its folder."""
        if not self._ready:  # it still imports, and has no kernels
            self._process.kill()
        with suppress(OSError):
            self._channel.shutdown(socket.SHUT_RDWR)
        with self._lock:
            with suppress(OSError, ValueError):
                self._lines.close()
            self._channel.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class ForkedProcess:
    """A process that was forked: the part of `subprocess.Popen` that jupyter_client uses."""

    stdin = stdout = stderr = None

    def __init__(self, server: ForkServer, pid: int) -> None:
        self._server = server
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return how it ended, as `subprocess.Popen.poll` does; None if it has not. With its server it has ended."""
        if self.returncode is None:
            try:
                self.returncode = self._server.ask({"poll": self.pid})["status"]
            except ForkServerLost:
                self.returncode = -signal.SIGKILL
        return self.returncode

    def wait(self) -> int | None:
        """Return how it ended. To be called when it has."""
        return self.poll()

    def send_signal(self, number: int) -> None:
        """Send a signal to it and to what it started; nothing happens if it has ended."""
        if self.returncode is None:
            with suppress(ForkServerLost):
                self._server.ask({"signal": [self.pid, int(number)]})

    def kill(self) -> None:
        """Kill it and what it started."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it, and what it started, to end."""
        self.send_signal(signal.SIGTERM)


def _lasting(environment: Mapping[str, str]) -> dict[str, str]:
    return {n: v for n, v in environment.items() if n not in OF_ONE_KERNEL and not n.startswith(OF_ONE_PAGE)}
