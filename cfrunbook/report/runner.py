"""Run notebooks headless and at once in one process, as papermill would one after the other.

Each notebook has a kernel of its own: nothing leaks from one into another. A notebook that fails is kept with its
error, is named, and stops no other.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfrunbook.report.kernels import IMPORTING_CLIENT, IMPORTING_TOOLS, Kernels, fast_notebook_imports
from cfrunbook.text import visible

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from cfrunbook.report.managing import Client, Manager

SECONDS = 120.0
"""Seconds that one notebook may take, its kernel's start included."""
MAX_ERROR = 500
"""Characters of an error that is told in a line."""


@dataclass(frozen=True, slots=True)
class Job:
    """One notebook to run: where it is, where its executed form goes, and its parameters."""

    notebook: Path
    output: Path
    """The kernel's working directory is this file's folder, so that relative parameters still hold when reopened."""
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Run:
    """How one notebook ended."""

    name: str
    """The notebook's file name without its suffix."""
    output: Path
    seconds: float
    error: str = ""
    """One line; empty when every cell ran."""

    @property
    def failed(self) -> bool:
        """Whether a cell failed, the kernel died or the time was over."""
        return bool(self.error)


def run_notebooks(
    jobs: Sequence[Job], *, seconds: float = SECONDS, at_once: int | None = None, kernels: Kernels | None = None
) -> tuple[Run, ...]:
    """Run `jobs` at once and return how each ended, in their order; also works where an event loop already runs.

    At most `at_once` kernels run at the same time (default: two for each processor and one more, since some of them
    wait for a picture). Each notebook may take `seconds`. Kernels come from `kernels`; by default they are made here.
    Raises OSError if an output cannot be written.
    """
    run = partial(run_notebooks_async, jobs, seconds=seconds, at_once=at_once, kernels=kernels)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(run())
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(max_workers=1) as executor:
        return executor.submit(lambda: asyncio.run(run())).result()


async def run_notebooks_async(
    jobs: Sequence[Job], *, seconds: float = SECONDS, at_once: int | None = None, kernels: Kernels | None = None
) -> tuple[Run, ...]:
    """Run `jobs` as `run_notebooks` does, within the running event loop."""
    with Kernels() if kernels is None else nullcontext(kernels) as ours:
        gate = asyncio.Semaphore(at_once or (os.cpu_count() or 1) * 2 + 1)
        tools = asyncio.create_task(asyncio.to_thread(import_tools))  # beside the start of the first kernels

        async def one(job: Job, kernels: Kernels) -> Run:
            async with gate:
                return await _run(job, kernels, seconds, tools)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(job, ours)) for job in jobs]
        except* OSError as failures:
            raise _first(failures) from None
        return tuple(task.result() for task in tasks)


def import_tools(*, clouds: bool = True) -> None:
    """Import what it takes to run notebooks.

    Without `clouds`, papermill's ways to notebooks elsewhere are left out for the rest of this process: where boto3 is
    installed, they take longer than all else.
    """
    with fast_notebook_imports(clouds=clouds):
        with IMPORTING_CLIENT:
            import cfrunbook.report.managing  # noqa: F401
        with IMPORTING_TOOLS:
            import papermill.iorw
            import papermill.parameterize  # noqa: F401


async def _run(job: Job, kernels: Kernels, seconds: float, tools: asyncio.Task[None]) -> Run:
    """Run one notebook once the `tools` are there, and write what became of it."""
    name = job.notebook.stem
    begun, clock = dt.datetime.now(dt.UTC), time.monotonic()
    notebook: NotebookNode | None = None
    failed: Exception | None = None
    try:
        # The kernel is ours, not the client's: a client that owns its kernel installs and removes signal handlers, and
        # several at once would take Ctrl+C from each other.
        async with kernels.kernel(cwd=job.output.parent) as (manager, messages):
            await asyncio.shield(tools)
            notebook = _prepared(job)
            await _execute(notebook, manager, messages, deadline=clock + seconds)
    except Exception as failure:  # whatever a kernel does, its notebook is kept and the others go on
        if (task := asyncio.current_task()) is not None and task.cancelling():
            # nbclient takes a cancellation for the death of its kernel.
            raise asyncio.CancelledError from failure
        failed = failure
    if notebook is None:  # no kernel came, or it is no notebook
        try:
            await asyncio.shield(tools)
            notebook = _prepared(job)
        except Exception as failure:  # a file that somebody edited, half an installation: whatever is wrong, it is kept
            if isinstance(failure, OSError):
                raise
            shutil.copyfile(job.notebook, job.output)
            is_ours = isinstance(failure, ImportError)
            why = "what runs notebooks cannot be imported" if is_ours else "not a notebook that can be run"
            error = visible(f"{why} ({type(failure).__name__}: {failure})", MAX_ERROR)
            return Run(name=name, output=job.output, seconds=time.monotonic() - clock, error=error)
    error = ""
    if failed is not None:
        error = _explain(failed, seconds)
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        if code and not any(output.output_type == "error" for cell in code for output in cell.outputs):
            _show(failed, code[0])
    took = time.monotonic() - clock
    # What papermill records of a run, with file names instead of this machine's paths.
    notebook.metadata.papermill.update(
        input_path=job.notebook.name,
        output_path=job.output.name,
        start_time=begun.isoformat(),
        end_time=dt.datetime.now(dt.UTC).isoformat(),
        duration=round(took, 3),
        exception=bool(error) or None,
    )
    job.output.write_text(_written(notebook) + "\n", encoding="utf-8")
    return Run(name=name, output=job.output, seconds=took, error=error)


def _prepared(job: Job) -> NotebookNode:
    """Return the notebook with its parameters and without outputs of an earlier run."""
    from papermill.iorw import load_notebook_node
    from papermill.parameterize import parameterize_notebook

    notebook: NotebookNode = load_notebook_node(str(job.notebook))
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    if job.parameters:
        if not any("parameters" in cell.metadata.get("tags", ()) for cell in notebook.cells):
            raise ValueError("no cell has the tag “parameters”, so it cannot be told what to examine")
        # The kernel is this interpreter, whatever an edited notebook says of itself or leaves out.
        notebook = parameterize_notebook(notebook, dict(job.parameters), kernel_name="python3", language="python")
    return notebook


def _written(notebook: NotebookNode) -> str:
    import nbformat

    text: str = nbformat.writes(notebook)
    return text


async def _execute(notebook: NotebookNode, manager: Manager, messages: Client, *, deadline: float) -> None:
    """Run the cells of `notebook` in order in its kernel; raises nbclient's errors at the first that fails."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    client = NotebookClient(
        notebook,
        km=manager,
        record_timing=False,
        timeout_func=lambda _cell: max(1, round(deadline - time.monotonic())),
    )
    client.kc = messages
    client.kc.allow_stdin = False
    try:
        for index, cell in enumerate(notebook.cells):
            try:
                await client.async_execute_cell(cell, index, execution_count=client.code_cells_executed + 1)
            except CellExecutionError:  # the cell shows it already
                raise
            except Exception as failure:
                _show(failure, cell)
                raise
    finally:
        client.set_widgets_metadata()


def _first(failures: BaseExceptionGroup[OSError]) -> OSError:
    """Return the first of what went wrong while outputs were written."""
    found = failures.exceptions[0]
    return _first(found) if isinstance(found, BaseExceptionGroup) else found


def _show(failure: Exception, cell: NotebookNode) -> None:
    """Let `cell` show an error that is not its own: its kernel died or did not start, or the time was over."""
    from nbformat.v4 import new_output

    lines = [visible(line) for line in str(failure).splitlines()] or ["no details"]
    cell.outputs.append(new_output("error", ename=type(failure).__name__, evalue=lines[0], traceback=lines))


def _explain(failure: Exception, seconds: float) -> str:
    """Return `failure` in one line."""
    from nbclient.exceptions import CellExecutionError, CellTimeoutError

    if isinstance(failure, CellExecutionError):
        return visible(f"{failure.ename}: {failure.evalue}")
    if isinstance(failure, CellTimeoutError):
        return f"did not finish within {seconds:g} s"
    return visible(f"{type(failure).__name__}: {failure}")
