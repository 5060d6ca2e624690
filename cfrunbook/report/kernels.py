"""Kernels for headless runbooks: this interpreter, private sockets, nothing of the user's configuration.

Each is a process of its own: forked from one that has done the imports (`forking`), or started anew where that is not
possible. A notebook sees the same.
"""

from __future__ import annotations

import _thread
import itertools
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

from cfrunbook.errors import BadInput
from cfrunbook.files import short_temporary_folder
from cfrunbook.report.forking import KERNEL, ForkServer, ForkServerLost
from cfrunbook.runbook import gallery
from cfrunbook.standins import WhenUsed
from cfrunbook.text import visible

if TYPE_CHECKING:
    from cfrunbook.report.managing import Client, Manager

log = logging.getLogger(__name__)

MAX_SOCKET_PATH = 90
"""Characters. Linux allows 107 in a socket's address, macOS 103; jupyter_client appends `-ipc-5` to what we give."""
START_SECONDS = 60.0
"""How long a kernel may take to start: generous, for a busy machine."""
RUNBOOK = (*KERNEL, "cfrunbook.runbook.steps", "cfrunbook.observation", "cfrunbook.runbook.rehearsal:rehearse")
"""What the fork server does once for all kernels of runbooks."""
IMPORTING_CLIENT, IMPORTING_TOOLS = threading.Lock(), threading.Lock()
"""Held while jupyter_client, and papermill, are imported: two threads that do it at once meet in their circles, and one
of them is then given half a module."""
QUIET = (
    "--HistoryManager.enabled=False",
    "--Application.log_level=ERROR",  # over TCP every kernel warns on stderr that it is not encrypted
)


class Kernels:
    """Where the kernels of one run come from. A context manager: at its end they are gone, with all they left behind.

    What kernels need is imported beside you from the beginning: make it before you wait for something else.
    """

    def __init__(
        self,
        *,
        forked: bool = True,
        modules: Sequence[str] = RUNBOOK,
        environment: Mapping[str, str] | None = None,
        quiet: bool = True,
    ) -> None:
        """Make kernels for `environment`; default is this process's, without our own options.

        With `forked` they are forked from a process that has imported `modules` (a `module:function` is called too).
        Where that is not possible they are started anew, and so are all that follow when that process is lost; either
        is said at level debug. `quiet`: what they print beside their notebooks is nobody's but that of who asks why one
        did not start. Raises BadInput where no temporary file can be made.
        """
        self._left = ExitStack()
        try:
            self.folder = self._left.enter_context(socket_folder())
            """For what is needed while it runs: sockets first of all."""
            self._printed = self._left.enter_context((self.folder / "printed").open("ab")) if quiet else None
        except OSError as error:
            self._left.close()
            raise BadInput(
                f"Kernels need a folder for temporary files: {error.strerror or error} (see TMPDIR)."
            ) from error
        self.gallery = self.folder / "pictures"
        """For the pictures that the runbooks share; it may not be there."""
        given = without_our_options(os.environ) if environment is None else environment
        # What is started from a notebook's panel inherits what says that somebody sits there: nobody does here.
        self.environment = {
            **given,
            "IPYTHONDIR": str(self.folder / "ipython"),
            "CFRUNBOOK_WIDGETS": "no",
            gallery.VARIABLE: str(self.gallery),
        }
        self._beside: list[subprocess.Popen[bytes]] = []
        self.drawer: subprocess.Popen[bytes] | None = None
        """Waits to be told what to draw, see `pictures_apart`."""
        self._process = os.getpid()
        self._names = itertools.count(1)
        self._server: ForkServer | None = None
        self._forked = forked
        if forked:
            try:
                self._server = ForkServer(self.folder, self.environment, modules, printed=self._printed)
            except ForkServerLost as lost:
                self.do_not_fork(lost)

    @property
    def server(self) -> ForkServer | None:
        """What kernels are forked from; None where they are started anew."""
        return self._server if self._forked else None

    def do_not_fork(self, why: Exception) -> None:
        """Start kernels anew from now on; those already forked live on."""
        log.debug("kernels are started anew, not forked: %s", why)
        self._forked = False

    def beside(self, command: Sequence[str], *, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        """Start a process in the environment of the kernels that ends with them. Raises OSError."""
        process = subprocess.Popen(  # noqa: S603 - our own interpreter
            command,
            env=self.environment,
            cwd=self.folder,  # nothing in there can be imported by mistake
            stdin=stdin,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl+C in a terminal is for us to handle
        )
        self._beside.append(process)
        return process

    def manager(self, extra_arguments: Sequence[str] = ()) -> Manager:
        """Return the manager of a new kernel, which is not started yet, with sockets of its own.

        Its connection file is unique: over IPC the sockets are named after it, and kernels that share one name hang.
        """
        with IMPORTING_CLIENT, fast_notebook_imports():
            from cfrunbook.report.managing import Manager

        return Manager.of(self, self.folder / f"{next(self._names)}.json")

    @asynccontextmanager
    async def kernel(self, *, cwd: Path) -> AsyncIterator[tuple[Manager, Client]]:
        """Yield a kernel that runs in `cwd`; at the end kill it and remove its sockets, also when cancelled.

        Raises RuntimeError if it does not start.
        """
        manager, client = await self._started(cwd)
        try:
            yield manager, client
        finally:
            await manager.end()

    async def _started(self, cwd: Path) -> tuple[Manager, Client]:
        printed = {"stdout": self._printed, "stderr": self._printed} if self._printed else {}
        while True:
            _make_sure_of_threads()
            manager = self.manager()
            try:
                await manager.start_kernel(cwd=str(cwd), env=self.environment, extra_arguments=list(QUIET), **printed)
                client = manager.client()
                client.start_channels()
                await client.wait_for_ready(timeout=START_SECONDS)
            except BaseException as failure:
                was_forked = manager.forked
                await manager.end()
                if not isinstance(failure, RuntimeError):
                    raise
                if not was_forked:
                    raise RuntimeError(f"{failure}{self._last_words()}") from failure
                self.do_not_fork(failure)
            else:
                return manager, client

    def _last_words(self) -> str:
        """Return the last line that a kernel printed, in parentheses; empty where there is none."""
        if self._printed is None:
            return ""
        with (self.folder / "printed").open("rb") as printed:
            printed.seek(max(0, printed.seek(0, os.SEEK_END) - 4000))
            lines = printed.read(4000).decode("utf-8", "replace").split("\n")
        last = next((line for line in reversed(lines) if line.strip()), "")
        return f" ({visible(last.strip(), 200)})" if last else ""

    def close(self) -> None:
        """End the kernels that were forked and what is beside them, and remove the folder.

        Nothing in a process forked from this one.
        """
        if os.getpid() != self._process:
            return
        self._forked = False
        for process in self._beside:
            process.kill()
            process.wait()
            if process.stdin is not None:
                process.stdin.close()
        if self._server is not None:
            self._server.close()
        self._left.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_THREADS = 4
"""More than one kernel's sockets take: ZeroMQ has two for each context."""


def _make_sure_of_threads() -> None:
    """Raise RuntimeError where no more threads can be started: ZeroMQ aborts the whole process there.

    https://github.com/zeromq/libzmq/blob/master/src/thread.cpp
    """
    end = threading.Event()
    try:
        for _ in range(_THREADS):
            _thread.start_new_thread(end.wait, ())  # nothing waits for its start, which in need may never come
    except RuntimeError:
        raise RuntimeError("no more threads can be started here: a limit of processes or memory is reached") from None
    finally:
        end.set()


_FORMATS = ("isoduration", "rfc3986_validator", "rfc3987_syntax")
"""What jsonschema imports, where it is installed, to check formats that no Jupyter schema uses: duration, uri, iri."""


_CLOUDS = ("papermill.abs", "papermill.adl", "papermill.s3", "gcsfs", "github", "pyarrow")
"""What papermill imports, where it is installed, to reach notebooks elsewhere."""
_WEB = "requests"
"""What papermill imports, always, to reach notebooks on a web server."""
_blocked: Counter[str] = Counter()
_blocking = threading.Lock()


@contextmanager
def fast_notebook_imports(*, clouds: bool = True) -> Iterator[None]:
    """Import nbformat, nbclient or papermill in this block: a second faster where JupyterLab is installed.

    JupyterLab's dependencies bring what jsonschema imports to check formats; `rfc3987-syntax` compiles dozens of
    grammars at import, `isoduration` brings a library of calendars. Validation says the same without them:
    https://github.com/python-jsonschema/jsonschema/issues/1428, https://github.com/jupyter/nbformat/issues/420
    Without `clouds`, what papermill imports here does without storage elsewhere for good; what it needs
    for notebooks on a web server is loaded when they are asked for. Several threads may do so.
    """
    with _blocking:
        names = [name for name in (*_FORMATS, *(() if clouds else _CLOUDS)) if sys.modules.get(name) is None]
        _blocked.update(names)
        for name in names:
            sys.modules[name] = None  # type: ignore[assignment]  # None makes the import raise ImportError
        later = sys.modules.setdefault(_WEB, WhenUsed(_WEB))
    try:
        yield
    finally:
        with _blocking:
            if isinstance(later, WhenUsed):
                later.make_room()  # only who imported it in this block waits for it
            _blocked.subtract(names)
            for name in names:
                if not _blocked[name]:
                    sys.modules.pop(name, None)


@contextmanager
def socket_folder() -> Iterator[Path]:
    """Yield a private folder for kernels' connection files and sockets; its path is as short as can be had."""
    folder = Path(tempfile.mkdtemp(prefix="cfr-", dir=short_temporary_folder()))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def transport(connection_file: Path) -> str:
    """Return `ipc` where unix sockets exist and the path fits: no TCP port to lose a race for, none to listen on."""
    import zmq

    return "ipc" if zmq.has("ipc") and len(str(connection_file)) <= MAX_SOCKET_PATH else "tcp"


def without_our_options(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without our own options, which a runbook would take for its parameters."""
    return {name: value for name, value in environment.items() if not name.startswith("CFRUNBOOK_")}
