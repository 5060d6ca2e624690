"""Kernels of JupyterLab, started as its server does: forked beside it, and anew where that is not possible."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning import factory

from cfrunbook.report import forking, jupyter, lab_kernels
from cfrunbook.report.lab_kernels import forked_here
from tests.report.test_runner import processes_under

pytestmark = pytest.mark.skipif(bool(forking.unsupported()), reason="no processes are forked here")

IS_FORKED = "'fork_server' in open(f'/proc/{__import__(\"os\").getppid()}/cmdline').read()"
HAS_PANEL = "'cfrunbook.panel.panel' in __import__('sys').modules"
PID = "__import__('os').getpid()"

Asked = Callable[..., Awaitable[str]]


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where temporary files go; the kernels are those that `cfrunbook notebooks` gives JupyterLab."""
    monkeypatch.setenv("JUPYTER_PATH", jupyter.lab_environment(tmp_path)["JUPYTER_PATH"])
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    return tmp_path / "temporary"


def with_kernel(told: Callable[[AsyncKernelManager, Asked], Awaitable[None]]) -> None:
    """Call `told` with a kernel that runs, and what returns the value of an expression after some code, or its error."""

    async def run() -> None:
        manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=KernelSpecManager())
        await manager.start_kernel()

        async def asked(expression: str, code: str = "") -> str:
            client = manager.client()
            client.start_channels()
            try:
                await client.wait_for_ready(timeout=60)
                reply = await client.execute_interactive(code, user_expressions={"it": expression}, timeout=60)
            finally:
                client.stop_channels()
                content: dict[str, Any] = reply["content"]
            return str(content.get("ename") or content["user_expressions"]["it"]["data"]["text/plain"])

        try:
            await told(manager, asked)
        finally:
            await manager.shutdown_kernel(now=True)

    asyncio.run(run())


def test_a_kernel_is_forked_with_the_panel_at_hand_interrupted_and_restarted(folder):
    async def told(manager: AsyncKernelManager, asked: Asked) -> None:
        assert [await asked(e) for e in (IS_FORKED, HAS_PANEL, "__import__('os').getcwd()")] == [
            "True",
            "True",
            repr(str(Path.cwd())),
        ]
        begun = folder / "begun"
        sleeping = asyncio.create_task(asked("0", f"open({str(begun)!r}, 'w'); import time; time.sleep(600)"))
        while not begun.exists():
            await asyncio.sleep(0.02)
        await manager.interrupt_kernel()
        assert await sleeping == "KeyboardInterrupt"
        begun.unlink()
        first = await asked(PID)
        await manager.restart_kernel(now=True)
        assert await asked(IS_FORKED) == "True"
        assert await asked(PID) != first

    with forked_here():
        with_kernel(told)
        assert processes_under(folder)
    assert not processes_under(folder)
    assert list(folder.iterdir()) == []


def test_a_kernel_is_found_where_the_installation_names_no_provisioner_yet(folder, monkeypatch):
    """As one that follows a working tree until it is installed again."""
    known, named = factory.KernelProvisionerFactory, factory.entry_points
    monkeypatch.setattr(factory, "entry_points", lambda **asked: [e for e in named(**asked) if e.name != "cfrunbook"])
    monkeypatch.setattr(known, "provisioners", {})
    monkeypatch.setattr(known, "_instance", None)

    async def told(_: AsyncKernelManager, asked: Asked) -> None:
        assert await asked(IS_FORKED) == "True"

    with forked_here():
        lab_kernels.make_known()
        with_kernel(told)


async def is_started_anew(_: AsyncKernelManager, asked: Asked) -> None:
    assert await asked(IS_FORKED) == "False"


def test_where_nothing_is_forked_a_kernel_is_started_anew(folder, monkeypatch):
    with_kernel(is_started_anew)  # in a server that nothing surrounds
    with forked_here():
        monkeypatch.setenv("PYTHONWARNINGS", "ignore")  # what was imported may have looked at another value
        with_kernel(is_started_anew)
    monkeypatch.setattr("cfrunbook.report.forking.sys.platform", "darwin")
    with forked_here():
        with_kernel(is_started_anew)
    assert list(folder.iterdir()) == []
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "nowhere"))
    with forked_here():
        assert lab_kernels.here() is None


def test_what_is_changed_meanwhile_is_there_after_a_restart(folder, monkeypatch, tmp_path):
    mine = tmp_path / "mine.py"
    mine.write_text("value = 1")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])]))
    monkeypatch.setattr(lab_kernels, "AHEAD", (*lab_kernels.AHEAD, "mine"))

    async def told(manager: AsyncKernelManager, asked: Asked) -> None:
        assert [await asked(e) for e in (IS_FORKED, "__import__('mine').value")] == ["True", "1"]
        mine.write_text("value = 22")
        os.utime(mine, (0, 0))  # as an installer leaves what it took out of an archive
        await manager.restart_kernel(now=True)
        assert [await asked(e) for e in (IS_FORKED, "__import__('mine').value")] == ["False", "22"]

    with forked_here():
        with_kernel(told)
    assert list(folder.iterdir()) == []


def test_kernels_that_are_lost_with_their_server_are_started_anew(folder):
    async def told(manager: AsyncKernelManager, asked: Asked) -> None:
        assert await asked(IS_FORKED) == "True"
        here = lab_kernels.here()
        assert here is not None
        assert here.server is not None
        os.kill(here.server._process.pid, signal.SIGKILL)
        while await manager.is_alive():
            await asyncio.sleep(0.02)
        await manager.restart_kernel(now=True)
        assert await asked(IS_FORKED) == "False"

    with forked_here():
        with_kernel(told)
    assert list(folder.iterdir()) == []
