"""Notebooks run at once, apart from each other, and no failure of one loses another."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from queue import Empty
from typing import Any

import nbformat
import pytest

from cfrunbook import files
from cfrunbook.errors import BadInput
from cfrunbook.report import Kernels, kernels
from cfrunbook.report.runner import Job, run_notebooks, run_notebooks_async

WAIT = 20.0


def write(folder: Path, name: str, *cells: str) -> Path:
    notebook = nbformat.v4.new_notebook(
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
        },
        cells=[
            nbformat.v4.new_code_cell("given = 1", metadata={"tags": ["parameters"]}),
            *(nbformat.v4.new_code_cell(source) for source in cells),
        ],
    )
    path = folder / f"{name}.ipynb"
    nbformat.write(notebook, path)
    return path


def text(path: Path) -> str:
    """Everything printed in an executed notebook."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return "".join(o.text for c in notebook.cells for o in c.get("outputs", ()) if o.output_type == "stream")


def errors(path: Path) -> list[str]:
    notebook = nbformat.read(path, as_version=4)
    return [o.ename for c in notebook.cells for o in c.get("outputs", ()) if o.output_type == "error"]


def processes_under(folder: Path) -> list[str]:
    """Command lines of live processes that name `folder`."""
    listed = subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in listed.splitlines() if str(folder) in line]


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory):
    """One run of notebooks that end in every way there is, all at once."""
    folder = tmp_path_factory.mktemp("mixed")
    (folder / "done").mkdir()
    sources = {
        "one": ["mine = given", "import time; time.sleep(0.2)", "print(mine, 'other' in globals())"],
        "two": ["mine = given * 10; other = 1", "import time; time.sleep(0.2)", "print(mine)"],
        "where": ["import os, sys; print(os.getcwd()); print(sys.executable); print(os.environ.get('CFRUNBOOK_LAB'))"],
        "fails": ["print('before')", "1 / 0", "print('after')"],
        "hangs": ["print('before')", "import time; time.sleep(600)"],
        "dies": ["import os; os._exit(7)"],
    }
    jobs = [
        Job(write(folder, name, *cells), folder / "done" / f"{name}.ipynb", {"given": number})
        for number, (name, cells) in enumerate(sources.items(), 1)
    ]
    os.environ["CFRUNBOOK_LAB"] = "nowhere.json"
    try:
        runs = run_notebooks(jobs, seconds=6, at_once=len(jobs))
    finally:
        del os.environ["CFRUNBOOK_LAB"]
    return {run.name: run for run in runs}


def test_runs_come_back_in_the_order_of_the_jobs(mixed):
    assert list(mixed) == ["one", "two", "where", "fails", "hangs", "dies"]


def test_parameters_arrive_and_equal_names_do_not_meet(mixed):
    assert text(mixed["one"].output) == "1 False\n"
    assert text(mixed["two"].output) == "20\n"


def test_the_kernel_is_this_interpreter_in_the_folder_of_the_output_without_our_environment(mixed):
    where = mixed["where"].output
    assert text(where).splitlines() == [str(where.parent), sys.executable, "None"]


@pytest.mark.parametrize(
    ("name", "said", "shown", "printed"),
    [
        ("fails", "ZeroDivisionError: division by zero", ["ZeroDivisionError"], "before\n"),
        ("hangs", "did not finish within 6 s", ["CellTimeoutError"], "before\n"),
        ("dies", "DeadKernelError: Kernel died", ["DeadKernelError"], ""),
    ],
)
def test_a_failure_is_named_and_kept_with_what_ran_before_it(mixed, name, said, shown, printed):
    run = mixed[name]
    assert run.failed
    assert run.error == said
    assert errors(run.output) == shown
    assert text(run.output) == printed
    assert nbformat.read(run.output, as_version=4).metadata.papermill.exception is True


def test_metadata_are_papermills_and_name_no_path_of_this_machine(mixed):
    run = mixed["one"]
    papermill = nbformat.read(run.output, as_version=4).metadata.papermill
    assert papermill.parameters == {"given": 1}
    assert (papermill.input_path, papermill.output_path, papermill.exception) == ("one.ipynb", "one.ipynb", None)
    assert papermill.duration > 0
    assert str(run.output.parent) not in run.output.read_text()


def test_it_also_works_where_a_loop_runs_already(tmp_path):
    (tmp_path / "done").mkdir()

    async def inside() -> None:
        (run,) = run_notebooks([Job(write(tmp_path, "a", "print(given)"), tmp_path / "done" / "a.ipynb")])
        assert text(run.output) == "1\n"

    asyncio.run(inside())


def test_cancelling_stops_the_kernels_and_writes_nothing(tmp_path, monkeypatch):
    sockets = tmp_path / "s"
    sockets.mkdir()
    monkeypatch.setattr(kernels.tempfile, "gettempdir", lambda: str(sockets))
    monkeypatch.setattr(files, "MOST_BEFORE_SOCKETS", len(str(sockets)))  # keep them where we can see them
    done = tmp_path / "done"
    done.mkdir()
    started = tmp_path / "started"
    job = Job(
        write(tmp_path, "a", f"open({str(started)!r}, 'w').close(); import time; time.sleep(600)"), done / "a.ipynb"
    )

    async def interrupted() -> None:
        task = asyncio.create_task(run_notebooks_async([job]))
        while not started.exists():
            await asyncio.sleep(0.02)
        assert processes_under(sockets)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(interrupted())
    assert not processes_under(sockets)
    assert list(sockets.iterdir()) == []
    assert list(done.iterdir()) == []


def test_kernels_use_private_sockets_or_tcp_where_the_path_does_not_fit():
    assert kernels.transport(Path("/tmp/cfr-x/0.json")) == "ipc"
    assert kernels.transport(Path("/tmp") / ("x" * 100) / "0.json") == "tcp"


def test_a_kernel_over_tcp_works_and_does_not_warn(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(kernels, "MAX_SOCKET_PATH", 0)
    (run,) = run_notebooks([Job(write(tmp_path, "a", "print(given)"), tmp_path / "out.ipynb")])
    assert text(run.output) == "1\n"
    assert capfd.readouterr().err == ""


VALIDATE = """
import sys
{block}
import nbformat
from nbformat.v4 import new_code_cell, new_notebook
from papermill.iorw import load_notebook_node
good = nbformat.reads(nbformat.writes(new_notebook(cells=[new_code_cell("1", id="a")])), as_version=4)
print(nbformat.validator.isvalid(good), nbformat.writes(good))
good.cells[0].id = "not an id!"
try:
    nbformat.validate(good)
except nbformat.ValidationError as error:
    print(error)
good.cells[0].cell_type = "codex"
print(nbformat.validator.isvalid(good))
"""


def test_importing_faster_changes_no_result():
    """The same notebooks are valid, and the same are not, with and without the blocked import."""
    with_block = (
        "from cfrunbook.report.kernels import fast_notebook_imports\n"
        "with fast_notebook_imports():\n    import nbformat, papermill"
    )

    def run(block: str) -> str:
        program = VALIDATE.format(block=block)
        return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert run("") == run(with_block)
    assert "True" in run(with_block)


def test_the_block_is_lifted_after_the_import():
    program = (
        "import sys\nfrom cfrunbook.report.kernels import fast_notebook_imports\n"
        "with fast_notebook_imports():\n    import nbformat\n    assert sys.modules['rfc3987_syntax'] is None\n"
        "assert 'rfc3987_syntax' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


# --- what may go wrong before a cell runs --------------------------------------------------------------------------


def test_two_threads_may_import_what_runs_notebooks_at_once():
    """In the circles of jupyter_client and papermill one of them would be given half a module."""
    script = (
        "import sys, threading\n"
        "from cfrunbook.report.kernels import Kernels\n"
        "from cfrunbook.report.runner import import_tools\n"
        "sys.setswitchinterval(1e-6)\n"
        "failed = []\n"
        "def call(what):\n"
        "    try:\n        begin.wait()\n        what()\n"
        "    except Exception as error:\n        failed.append(error)\n"
        "with Kernels(forked=False) as kernels:\n"
        "    begin = threading.Barrier(3)\n"
        "    calls = (import_tools, import_tools, kernels.manager)\n"
        "    threads = [threading.Thread(target=call, args=(what,)) for what in calls]\n"
        "    [thread.start() for thread in threads]\n"
        "    [thread.join() for thread in threads]\n"
        "assert not failed, failed\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)


def test_half_an_installation_costs_the_runbooks_and_is_named(tmp_path, monkeypatch):
    def broken(**_: bool) -> None:
        raise ImportError("no zmq here")

    monkeypatch.setattr("cfrunbook.report.runner.import_tools", broken)
    source = write(tmp_path, "a", "print(1)")
    with Kernels(forked=False) as made:
        (done,) = run_notebooks([Job(source, tmp_path / "out.ipynb")], kernels=made)
    assert done.error == "what runs notebooks cannot be imported (ImportError: no zmq here)"
    assert (tmp_path / "out.ipynb").read_bytes() == source.read_bytes()


def test_a_kernel_that_does_not_start_says_why_in_its_notebook_alone(tmp_path, capfd):
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\n"
        "if any('kernel' in word for word in sys.orig_argv):\n"
        "    os.write(2, b'no licence for a kernel\\n')\n"
        "    os._exit(3)\n"
    )
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    source = write(tmp_path, "a", "print(1)")
    with Kernels(forked=False, environment={**os.environ, "PYTHONPATH": path}) as made:
        (done,) = run_notebooks([Job(source, tmp_path / "out.ipynb")], kernels=made)
    assert done.error == "RuntimeError: Kernel died before replying to kernel_info (no licence for a kernel)"
    assert capfd.readouterr() == ("", "")


def test_where_no_thread_can_be_started_zeromq_is_not_asked_to(tmp_path, monkeypatch):
    """It would abort this process."""

    def none_left(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    with Kernels(forked=False) as made:
        monkeypatch.setattr("_thread.start_new_thread", none_left)
        with pytest.raises(RuntimeError, match="a limit of processes or memory is reached"):
            asyncio.run(made._started(tmp_path))


def test_kernels_without_a_folder_for_temporary_files_are_bad_input(monkeypatch):
    def full(**_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.mkdtemp", full)
    with pytest.raises(BadInput, match=r"temporary files: No space left on device \(see TMPDIR\)"):
        Kernels()


def test_of_kernels_that_cannot_be_made_nothing_is_left(tmp_path, monkeypatch):
    def prepared(**_: object) -> str:
        (tmp_path / "cfr" / "printed").mkdir(parents=True)
        return str(tmp_path / "cfr")

    monkeypatch.setattr("tempfile.mkdtemp", prepared)
    with pytest.raises(BadInput, match=r"temporary files: Is a directory"):
        Kernels()
    assert not (tmp_path / "cfr").exists()


def test_a_kernel_whose_first_words_came_too_late_and_too_early_is_ready_soon(tmp_path, monkeypatch):
    """It took seconds to start, and what it published of the first question came before anybody had subscribed."""
    from cfrunbook.report import managing

    class Late(managing.Client):
        waited = 0
        asked = ""

        async def get_shell_msg(self, *given: Any, **options: Any) -> dict[str, Any]:
            self.waited += 1
            if self.waited < 4:
                raise Empty
            answer = dict(await super().get_shell_msg(*given, timeout=WAIT))
            self.asked = self.asked or answer["parent_header"]["msg_id"]
            return answer

        async def get_iopub_msg(self, *given: Any, **options: Any) -> dict[str, Any]:
            while True:
                published = await super().get_iopub_msg(*given, **options)
                if published["parent_header"].get("msg_id") != self.asked:
                    return dict(published)

    monkeypatch.setattr(managing, "Client", Late)
    monkeypatch.setattr("cfrunbook.report.kernels.START_SECONDS", WAIT)
    with Kernels(forked=False) as made:
        (done,) = run_notebooks([Job(write(tmp_path, "a", "print(1)"), tmp_path / "out.ipynb")], kernels=made)
    assert done.error == ""
