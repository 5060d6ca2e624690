"""The incident folder: one self-contained HTML page, Markdown for the ticket, JSON for machines, the runbooks run."""

from cfrunbook.report.folder import Report, write_report
from cfrunbook.report.jupyter import open_notebooks
from cfrunbook.report.runbooks import notebooks_folder, runbook_files
from cfrunbook.report.runner import Job, Run, run_notebooks

__all__ = [
    "Job",
    "Report",
    "Run",
    "notebooks_folder",
    "open_notebooks",
    "run_notebooks",
    "runbook_files",
    "write_report",
]
