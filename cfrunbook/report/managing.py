"""jupyter_client's manager and client of a kernel, without their waits, and with kernels that may be forked.

Import this within `kernels.fast_notebook_imports`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from queue import Empty
from typing import TYPE_CHECKING, Any, Protocol, Self

import zmq
import zmq.asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from cfrunbook.report import lab_kernels
from cfrunbook.report.forking import ForkedProcess, ForkServer, ForkServerLost
from cfrunbook.report.kernels import transport

if TYPE_CHECKING:
    from cfrunbook.report.kernels import Kernels

log = logging.getLogger(__name__)

LAUNCH = (
    sys.executable,
    "-c",
    # As ipykernel_launcher: nothing is imported from the kernel's working directory before a notebook does.
    "import sys; '' in sys.path and sys.path.remove(''); from cfrunbook.report.headless_kernel import main; main()",
)
RECONNECT_MILLISECONDS = 10
"""Between two looks for a socket of a kernel that is starting. ZeroMQ's own 100 are a wait on each of them: the kernel
answers on one that was found while what it publishes on another is lost."""
RARELY_MILLISECONDS = 100
"""The same in the end where a server waits for a kernel that may never come: each wait is twice the one before."""
SUBSCRIBED_SECONDS = 0.2
"""How long to wait for a kernel's word on a channel that may not be connected yet, before asking again."""
GONE_SECONDS = 0.1
"""How long a process that was killed is waited for closely."""


class ThisInterpreter(KernelSpecManager):
    """Knows one kernel: the interpreter that runs this. An installed `python3` of elsewhere is never picked up."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return it, whatever its name."""
        return KernelSpec(
            argv=[*LAUNCH, "-f", "{connection_file}"], display_name="Python 3", language="python", name=kernel_name
        )


class Client(AsyncKernelClient):
    """A client that is ready when its kernel says so on both channels, and not 0.2 s of silence later."""

    def _context_default(self) -> zmq.asyncio.Context:
        context = super()._context_default()
        context.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MILLISECONDS)
        return context

    def start_channels(self, *_: Any, **__: Any) -> None:
        """Connect; without heartbeat, because whether our own process lives is known better."""
        super().start_channels(hb=False)

    async def wait_for_ready(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - its own signature
        """Wait until the kernel answers, and what it publishes arrives. Raises RuntimeError if it does not or dies."""
        until = time.monotonic() + timeout if timeout is not None else float("inf")
        asked = ""
        while True:
            # One question at a time: the answer to an earlier one would be held against what is published of a later.
            asked = asked or self.kernel_info()
            with suppress(Empty):
                answer = await self.get_shell_msg(timeout=1)
                if await self._was_published(asked):
                    self._handle_kernel_info_reply(answer)
                    return
                asked = ""
            if not await self.is_alive():
                raise RuntimeError("Kernel died before replying to kernel_info")
            if time.monotonic() > until:
                raise RuntimeError(f"Kernel didn't respond in {timeout:g} seconds")

    async def _was_published(self, asked: str) -> bool:
        """Return whether what is published of an answered question arrives.

        When that is over, everything published before has been read: later messages belong to later questions.
        """
        with suppress(Empty):
            while True:
                published = await self.get_iopub_msg(timeout=SUBSCRIBED_SECONDS)
                of_it = published["parent_header"].get("msg_id") == asked
                if of_it and published["content"].get("execution_state") == "idle":
                    return True
        return False


class ForkSource(Protocol):
    """What kernels are forked from, as long as that is possible."""

    @property
    def server(self) -> ForkServer | None:
        """The fork server; None where kernels are started anew."""

    def do_not_fork(self, why: Exception) -> None:
        """Start kernels anew from now on."""


class Provisioner(LocalProvisioner):
    """Starts the kernel as a process of its own, forked where that is possible."""

    kernels: ForkSource | None = None
    launch: tuple[str, ...] = LAUNCH
    """How the command begins that a forked kernel can stand for; the kernel's arguments follow."""

    async def launch_kernel(self, cmd: list[str], **options: Any) -> KernelConnectionInfo:
        """Start the kernel that `cmd` starts."""
        process = await self._forked(cmd, options)
        if process is None:
            connection = await super().launch_kernel(cmd, **options)
            if self.pgid != self.pid:
                # Ctrl-C ended it before it led a group of its own: the group that would be killed with it is ours.
                # CPython lets signals through before setsid: Modules/_posixsubprocess.c, child_exec.
                self.pgid = None
            return connection
        self.process = process  # type: ignore[assignment]  # has what is used of a Popen
        self.pid, self.pgid = process.pid, None  # it is signalled through its server
        self.cwd = options.get("cwd", Path.cwd())
        return self.connection_info

    async def _forked(self, cmd: list[str], options: dict[str, Any]) -> ForkedProcess | None:
        kernels = self.kernels
        if kernels is None or kernels.server is None or tuple(cmd[: len(self.launch)]) != self.launch:
            return None
        environment = options.get("env") or dict(os.environ)
        if not kernels.server.fits(environment):
            log.debug("a kernel is started anew, not forked: its environment is another one")
            return None
        try:
            return await asyncio.to_thread(
                kernels.server.kernel,
                cmd[len(self.launch) :],
                cwd=str(options.get("cwd") or "."),
                environment=environment,
            )
        except ForkServerLost as lost:
            kernels.do_not_fork(lost)
            return None

    async def kill(self, restart: bool = False) -> None:
        """Kill the kernel and what it started, and wait a moment for its end: others look only ten times a second."""
        await super().kill(restart)
        until = time.monotonic() + GONE_SECONDS
        while await self.poll() is None and time.monotonic() < until:  # noqa: ASYNC110 - a process sets no Event
            await asyncio.sleep(0.002)


class LabProvisioner(Provisioner):
    """Starts a kernel of JupyterLab or Voilà, of a server that `lab_kernels.forked_here` surrounds."""

    launch = (sys.executable, "-m", lab_kernels.KERNEL_MODULE)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.kernels = lab_kernels.here()
        if self.parent is not None:  # the kernel's manager, whose sockets look for the kernel while it starts
            self.parent.context.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MILLISECONDS)
            self.parent.context.setsockopt(zmq.RECONNECT_IVL_MAX, RARELY_MILLISECONDS)


class Manager(AsyncKernelManager):
    """The manager of a kernel from `Kernels`."""

    _clients: list[Client]

    @classmethod
    def of(cls, kernels: Kernels, connection_file: Path) -> Self:
        """Return one whose kernel is not started yet. `connection_file` must be unique."""
        manager = cls(
            connection_file=str(connection_file),
            transport=transport(connection_file),
            kernel_spec_manager=ThisInterpreter(),
            client_factory=Client,
        )
        manager._clients = []
        manager.provisioner = Provisioner(kernel_spec=manager.kernel_spec, parent=manager)
        manager.provisioner.kernels = kernels
        return manager

    def client(self, **options: Any) -> Client:  # type: ignore[override]  # as AsyncKernelManager does
        """Return a client of its kernel."""
        client = super().client(**options)
        assert isinstance(client, Client)
        self._clients.append(client)
        return client

    @property
    def forked(self) -> bool:
        """Whether its kernel was forked."""
        return isinstance(self.provisioner, Provisioner) and isinstance(self.provisioner.process, ForkedProcess)

    async def end(self) -> None:
        """Disconnect its clients, kill the kernel and remove its sockets."""
        for client in self._clients:
            client.stop_channels()
        self._clients.clear()
        if self.provisioner is not None and self.has_kernel:
            await self.provisioner.kill()
            await self.provisioner.wait()
        await self.cleanup_resources()
