"""The incident folder: one self-contained HTML page, Markdown for the ticket, JSON for machines, the runbooks run."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cfrunbook.report.folder import Report as Report
    from cfrunbook.report.folder import keep_gathered as keep_gathered
    from cfrunbook.report.folder import keep_recording as keep_recording
    from cfrunbook.report.folder import write_report as write_report
    from cfrunbook.report.jupyter import open_notebooks as open_notebooks
    from cfrunbook.report.kernels import Kernels as Kernels
    from cfrunbook.report.runbooks import notebooks_folder as notebooks_folder
    from cfrunbook.report.runbooks import runbook_files as runbook_files
    from cfrunbook.report.runner import Job as Job
    from cfrunbook.report.runner import Run as Run
    from cfrunbook.report.runner import run_notebooks as run_notebooks

# Imported on first use: papermill loads our engine, which is in this package, at every start of its own.
_HOME = {
    "Job": "runner",
    "Kernels": "kernels",
    "Report": "folder",
    "Run": "runner",
    "keep_gathered": "folder",
    "keep_recording": "folder",
    "notebooks_folder": "runbooks",
    "open_notebooks": "jupyter",
    "run_notebooks": "runner",
    "runbook_files": "runbooks",
    "write_report": "folder",
}

__all__ = [*_HOME]  # noqa: PLE0604 - all are strings


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"cfrunbook.report.{_HOME[name]}"), name)
    raise AttributeError(f"module 'cfrunbook.report' has no attribute {name!r}")
