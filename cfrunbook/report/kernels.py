"""Kernels for headless runbooks: this interpreter, private sockets, nothing of the user's configuration."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_client.manager import AsyncKernelManager

MAX_SOCKET_PATH = 90
"""Characters. Linux allows 107 in a socket's address, macOS 103; jupyter_client appends `-ipc-5` to what we give."""


@contextmanager
def fast_notebook_imports() -> Iterator[None]:
    """Import nbformat, nbclient or papermill in this block: a second faster where JupyterLab is installed.

    JupyterLab's dependencies bring `rfc3987-syntax`, which jsonschema imports to check the format `iri`; it compiles
    dozens of grammars at import. No Jupyter schema uses that format, so validation says the same without it:
    https://github.com/python-jsonschema/jsonschema/issues/1428, https://github.com/jupyter/nbformat/issues/420
    """
    blocked = "rfc3987_syntax" not in sys.modules
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # None makes the import raise ImportError
    try:
        yield
    finally:
        if blocked:
            sys.modules.pop("rfc3987_syntax", None)


@contextmanager
def socket_folder() -> Iterator[Path]:
    """Yield a private folder for kernels' connection files and sockets; its path is as short as can be had."""
    place = Path(tempfile.gettempdir())
    if len(str(place)) > MAX_SOCKET_PATH // 2 and os.access("/tmp", os.W_OK):  # noqa: S108 - mkdtemp makes it private
        place = Path("/tmp")  # noqa: S108
    folder = Path(tempfile.mkdtemp(prefix="cfr-", dir=place))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def kernel(connection_file: Path, *, cwd: Path) -> AsyncIterator[AsyncKernelManager]:
    """Start a kernel of this interpreter in `cwd`; kill it and remove its sockets at the end, also when cancelled.

    `connection_file` must be unique: over IPC the sockets are named after it, and kernels that share one name hang.
    """
    with fast_notebook_imports():
        from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
        from jupyter_client.manager import AsyncKernelManager

    class ThisInterpreter(KernelSpecManager):
        """Knows one kernel: the interpreter that runs this. An installed `python3` of elsewhere is never picked up."""

        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            return KernelSpec(
                argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
                display_name="Python 3",
                language="python",
                name=kernel_name,
            )

    manager = AsyncKernelManager(
        connection_file=str(connection_file),
        transport=_transport(connection_file),
        kernel_spec_manager=ThisInterpreter(),
    )
    try:
        await manager.start_kernel(
            cwd=str(cwd),
            env=_environment(connection_file.parent),
            extra_arguments=[
                "--HistoryManager.enabled=False",
                "--Application.log_level=ERROR",  # over TCP every kernel warns on stderr that it is not encrypted
            ],
        )
        yield manager
    finally:
        if manager.has_kernel:
            await manager.shutdown_kernel(now=True)
        await manager.cleanup_resources()


def _transport(connection_file: Path) -> str:
    """Return `ipc` where unix sockets exist and the path fits: no TCP port to lose a race for, none to listen on."""
    import zmq

    return "ipc" if zmq.has("ipc") and len(str(connection_file)) <= MAX_SOCKET_PATH else "tcp"


def _environment(folder: Path) -> dict[str, str]:
    """Return this process's environment without our own options, which a runbook would take for its parameters."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CFRUNBOOK_")}
    # A report that is written from a notebook's panel inherits what says that somebody sits there.
    return {**kept, "IPYTHONDIR": str(folder / "ipython"), "CFRUNBOOK_WIDGETS": "no"}
