"""Kernels forked from one process: as apart from each other as any kernels, the same outputs, and never a must."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from cfrunbook.report import Job, Kernels, fork_server, forking, run_notebooks
from cfrunbook.report.forking import ForkServerLost

pytestmark = pytest.mark.skipif(bool(forking.unsupported()), reason="no processes are forked here")

WAIT = 20.0


def until(true: Callable[[], bool]) -> bool:
    """Wait until something is true; False if it does not become so."""
    end = time.monotonic() + WAIT
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    return true()


def gone(pid: int) -> bool:
    """Whether a process has ended: it is not there, or only still to be reaped by who started it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def children(pid: int) -> list[int]:
    return [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def write(folder: Path, name: str, *cells: str) -> Path:
    metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python"},
    }
    notebook = nbformat.v4.new_notebook(
        metadata=metadata,
        cells=[nbformat.v4.new_code_cell(source, id=f"cell-{number}") for number, source in enumerate(cells)],
    )
    path = folder / f"{name}.ipynb"
    nbformat.write(notebook, path)
    return path


def run(folder: Path, kernels: Kernels, **notebooks: tuple[str, ...]) -> dict[str, str]:
    """Run notebooks and return what each printed; none may fail."""
    (folder / "done").mkdir(exist_ok=True)
    jobs = [Job(write(folder, name, *cells), folder / "done" / f"{name}.ipynb") for name, cells in notebooks.items()]
    done = run_notebooks(jobs, kernels=kernels, at_once=len(jobs))
    assert [r.error for r in done] == [""] * len(jobs)
    return {r.name: "".join(o.get("text", "") for c in cells(r.output) for o in c.outputs) for r in done}


def cells(path: Path) -> list[nbformat.NotebookNode]:
    return nbformat.read(path, as_version=4).cells


@pytest.fixture(scope="module")
def kernels():
    """Kernels as those of runbooks are: of a process that has imported what they all need."""
    with Kernels() as made:
        made.server.ask({"poll": 0})
        yield made


# --- the same ------------------------------------------------------------------------------------------------------

SHOWING = (
    "import os, sys\nprint(os.getcwd(), __name__, sys.argv[0], sys.path, sys.flags, sys.executable)",
    "os.environ.pop('PYDEVD_USE_FRAME_EVAL', '')  # of the debugger, which we do without\nprint(sorted(os.environ.items()))\nprint('aside', file=sys.stderr)",
    "os.system('echo from a child'); os.write(1, b'from below\\n'); import signal; signal.getsignal(signal.SIGINT)",
    "import threading; [t.name for t in threading.enumerate()], os.getpid() == os.getpgid(0)",
    "from IPython.display import HTML, display\ndisplay(HTML('<b>bold</b>'), display_id='one')\nHTML('<i>i</i>')",
    "import matplotlib as mpl, matplotlib.pyplot as plt\nprint(mpl.rcParams['backend'])\nplt.plot([1, 2], [1, 3]);",
    "import ipywidgets\nipywidgets.IntSlider(value=3)",
    "_oh, In[-1], get_ipython().history_manager.enabled",
    "await __import__('asyncio').sleep(0)\ninput",
    "def wrong():\n    return {}['nothing']\nwrong()",
    "print('not reached')",
)
# JPY_PARENT_PID is the process that a kernel ends with.
VOLATILE = re.compile(
    r"""[0-9a-f]{32}|0x[0-9a-f]+|JPY_PARENT_PID', '\d+|PYTEST_CURRENT_TEST', '[^']+|/tmp/cfr-\w+"""
    r"""|"(start_time|end_time)": "[^"]+"|"duration": [\d.]+"""
)


def lasting(path: Path) -> list[str]:
    """A notebook without what differs from run to run; widgets, which have random names, in an order of their own."""
    document = json.loads(path.read_text())
    document["metadata"]["widgets"] = sorted(
        VOLATILE.sub("…", json.dumps(model))
        for kind in document["metadata"]["widgets"].values()
        for model in kind["state"].values()
    )
    return VOLATILE.sub("…", json.dumps(document, indent=1)).splitlines()


def test_a_notebook_comes_out_the_same(tmp_path, kernels):
    """Whatever a notebook shows, its error included; only times and random names are left out."""
    outputs = []
    for forked in (True, False):
        source = write(tmp_path, "showing", *SHOWING)
        with Kernels(forked=False) as ordinary:
            (done,) = run_notebooks([Job(source, tmp_path / "out.ipynb")], kernels=kernels if forked else ordinary)
        assert done.error == "KeyError: 'nothing'"
        outputs.append(lasting(done.output))
    assert outputs[0] == outputs[1]
    for shown in ("image/png", "from a child", "IntSliderModel"):
        assert any(shown in line for line in outputs[0])


def test_chance_is_not_the_same(tmp_path, kernels):
    """What a fork copies would give every kernel the same numbers."""
    source = ("import random, uuid, numpy.random; print(random.random(), uuid.uuid4(), numpy.random.random())",)
    first, second = (run(tmp_path, kernels, chance=source)["chance"].split() for _ in range(2))
    assert not set(first) & set(second)


# --- apart ---------------------------------------------------------------------------------------------------------


def test_nothing_leaks_from_one_notebook_into_another(tmp_path, kernels):
    (tmp_path / "elsewhere").mkdir()
    leaking = (
        "import builtins, json, os, sys, warnings, matplotlib",
        f"os.chdir({str(tmp_path / 'elsewhere')!r}); os.environ['LEAKED'] = '1'; builtins.leaked = 1; mine = 1",
        "sys.modules['leaked'] = sys.modules['shlex'] = json; json.loads.leaked = 1; sys.path.append('leaked')",
        "matplotlib.rcParams['lines.linewidth'] = 77; warnings.simplefilter('error', UserWarning)",
        "import cfrunbook.views.style as style; style.FIGURE_WIDTH = 1",
        "open('written', 'w').close(); import time; time.sleep(0.3)",
    )
    looking = (
        "import time; time.sleep(0.3)\nimport builtins, json, os, sys, warnings, matplotlib, shlex",
        "import cfrunbook.views.style as style",
        "print(os.getcwd(), 'LEAKED' in os.environ, hasattr(builtins, 'leaked'), 'mine' in globals(), 'leaked' in"
        " sys.modules, hasattr(json.loads, 'leaked'), 'leaked' in sys.path, matplotlib.rcParams['lines.linewidth'] == 77,"
        " ('error', None, UserWarning, None, 0) in warnings.filters, style.FIGURE_WIDTH > 1, shlex.__name__)",
    )
    expected = f"{tmp_path / 'done'} False False False False False False False False True shlex\n"
    assert run(tmp_path, kernels, leaking=leaking, beside=looking)["beside"] == expected
    assert run(tmp_path, kernels, after=looking)["after"] == expected


async def execute(client, code: str) -> dict:
    """Run code in a kernel and return the answer's content."""
    asked = client.execute(code, allow_stdin=False)
    while True:
        answer = await client.get_shell_msg(timeout=WAIT)
        if answer["parent_header"].get("msg_id") == asked:
            return answer["content"]


def test_an_interrupt_a_crash_and_a_kill_hit_one_alone(tmp_path, kernels):
    async def scene() -> None:
        async with (
            kernels.kernel(cwd=tmp_path) as (interrupted, one),
            kernels.kernel(cwd=tmp_path) as (_, two),
            kernels.kernel(cwd=tmp_path) as (killed, three),
            kernels.kernel(cwd=tmp_path) as (crashed, four),
        ):
            assert interrupted.forked
            assert killed.forked
            pids = {m.provisioner.pid for m in (interrupted, killed, crashed)}
            assert len(pids) == 3
            await execute(two, "mine = 2")
            started = tmp_path / "started"
            sleeping = asyncio.create_task(
                execute(one, f"open({str(started)!r}, 'w').close(); import time; time.sleep(600)")
            )
            bystander = asyncio.create_task(
                execute(two, f"import os, time\nwhile not os.path.exists({str(tmp_path / 'go')!r}): time.sleep(0.02)")
            )
            while not started.exists():
                await asyncio.sleep(0.02)
            await interrupted.interrupt_kernel()
            assert (await sleeping)["ename"] == "KeyboardInterrupt"
            await killed.provisioner.kill()
            four.execute("import ctypes; ctypes.string_at(0)")
            while await crashed.is_alive():
                await asyncio.sleep(0.02)
            assert await crashed.provisioner.poll() == -signal.SIGSEGV
            assert await killed.provisioner.poll() == -signal.SIGKILL
            assert not await killed.is_alive()
            (tmp_path / "go").touch()
            assert (await bystander)["status"] == "ok"
            assert (await execute(two, "assert mine == 2"))["status"] == "ok"
            assert (await execute(one, "1"))["status"] == "ok"
            three.stop_channels()

    asyncio.run(scene())


# --- nothing left behind -------------------------------------------------------------------------------------------


def test_the_server_has_one_thread_and_reaps_its_kernels(tmp_path, kernels):
    server = kernels.server._process.pid
    run(tmp_path, kernels, a=("1",), b=("2",))
    assert len(list(Path(f"/proc/{server}/task").iterdir())) == 1
    assert children(server) == []


def test_a_run_leaves_no_socket_process_or_file(tmp_path):
    def opened() -> list[str]:
        links = list(Path("/proc/self/fd").iterdir())
        return sorted(re.sub(r"\d+", "", str(link.readlink())) for link in links if link.is_symlink())

    for attempt in range(2):  # the first opens what stays for the process, as an event loop's own pipe
        before = opened(), children(os.getpid())
        with Kernels() as made:
            run(tmp_path, made, a=("1",))
        if attempt:
            assert (opened(), children(os.getpid())) == before
        assert not made.folder.exists()


HOLDING = """
import asyncio, json, signal, sys
from pathlib import Path
from cfrunbook.report import Kernels
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it in what it starts in the background
async def main():
    with Kernels(modules=("ipykernel.kernelapp",)) as kernels:
        async with kernels.kernel(cwd=Path(".")) as (one, client), kernels.kernel(cwd=Path(".")) as (two, _):
            client.execute("import subprocess, signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
                "open('started', 'w').write(str(subprocess.Popen(['sleep', '600']).pid)); import time; time.sleep(600)")
            while not Path("started").exists() or not Path("started").read_text():
                await asyncio.sleep(0.02)
            pids = [kernels.server._process.pid, one.provisioner.pid, two.provisioner.pid, int(Path("started").read_text())]
            print(json.dumps([str(kernels.folder), pids]), flush=True)
            await asyncio.sleep(600)
asyncio.run(main())
"""


@pytest.mark.parametrize("victim", ["parent", "server"])
def test_when_one_is_killed_the_others_go_and_the_folder_too(tmp_path, victim):
    with subprocess.Popen([sys.executable, "-c", HOLDING], cwd=tmp_path, stdout=subprocess.PIPE) as parent:
        folder, (server, *kernels) = json.loads(parent.stdout.readline())
        assert Path(folder).is_dir()
        if victim == "parent":
            parent.kill()
            assert until(lambda: all(map(gone, [server, *kernels])))
            assert until(lambda: not Path(folder).exists())
        else:
            os.kill(server, signal.SIGKILL)
            assert until(lambda: all(map(gone, kernels[:2])))
            os.kill(kernels[2], signal.SIGKILL)  # what a notebook started outlives a kernel that was killed
            parent.send_signal(signal.SIGINT)
            parent.wait()
            assert not Path(folder).exists()


# --- never a must --------------------------------------------------------------------------------------------------

BAD = {
    "import_threads": "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()",
    "import_breaks": "import os, ipykernel.kernelapp as k; k.IPKernelApp.start = lambda app: os._exit(3)",
    "import_ends": "raise SystemExit('no')",
}


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("import_threads", "its imports started threads (1)"),
        ("import_breaks", "Kernel died before replying to kernel_info"),
        ("import_ends", "the fork server is gone"),
    ],
)
def test_where_forking_goes_wrong_kernels_are_started_anew(tmp_path, caplog, module, said):
    (tmp_path / f"{module}.py").write_text(BAD[module])
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    with (
        caplog.at_level(logging.DEBUG, logger="cfrunbook"),
        Kernels(modules=("ipykernel.kernelapp", module), environment={**os.environ, "PYTHONPATH": path}) as made,
    ):
        assert run(tmp_path, made, a=("print(1)",)) == {"a": "1\n"}
        assert made.server is None
        if module != "import_breaks":
            for _ in range(2):  # at once: nobody else waits for an answer that does not come
                with pytest.raises(ForkServerLost, match=re.escape(said)):
                    made._server.ask({"poll": 0})
    (record,) = [r for r in caplog.records if r.name.startswith("cfrunbook")]
    assert said in record.getMessage()
    assert record.levelno == logging.DEBUG


def test_a_lost_server_is_replaced_by_ordinary_kernels(tmp_path):
    with Kernels(modules=("ipykernel.kernelapp",)) as made:
        server = made.server
        server.ask({"poll": 0})
        os.kill(server._process.pid, signal.SIGKILL)
        assert run(tmp_path, made, a=("print(1)",), b=("print(2)",)) == {"a": "1\n", "b": "2\n"}
        with pytest.raises(ForkServerLost, match="gone"):
            server.ask({"poll": 0})


@pytest.mark.parametrize("why", ["unsupported", "no program"])
def test_where_nothing_can_be_forked_nothing_is_tried(tmp_path, monkeypatch, why):
    if why == "unsupported":
        monkeypatch.setattr(sys, "platform", "darwin")
        assert forking.unsupported() == "processes are not forked on darwin"
        made = Kernels()
        monkeypatch.undo()
    else:
        monkeypatch.setattr(sys, "executable", str(tmp_path / "none"))
        made = Kernels()
        monkeypatch.undo()
    with made:
        assert made.server is None
        assert run(tmp_path, made, a=("print(1)",)) == {"a": "1\n"}


def test_another_environment_gets_a_kernel_of_its_own(kernels):
    server = kernels.server
    assert server.fits({**kernels.environment, "IPYTHONDIR": "elsewhere", "JPY_PARENT_PID": "1"})
    assert not server.fits({**kernels.environment, "OPENSSL_CONF": "elsewhere"})


def test_a_process_forked_from_ours_leaves_the_server_alone(kernels):
    pid = os.fork()
    if pid == 0:
        try:
            kernels.close()
            kernels.server.ask({"poll": 0})
        except ForkServerLost as lost:
            os._exit(7 if "another process" in str(lost) else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    assert kernels.server.ask({"poll": 0}) == {"status": -signal.SIGKILL}


def test_a_module_that_another_version_lacks_costs_no_kernel(monkeypatch):
    monkeypatch.setattr(fork_server, "KERNEL_MODULES", ("ipykernel.no_such_module", "comm"))
    fork_server.import_kernel()
