"""Where the runbooks are, and which there are."""

from __future__ import annotations

from pathlib import Path

from cfrunbook.errors import BadInput


def notebooks_folder() -> Path:
    """Return the folder of the runbooks: beside this package's modules when installed, else the repository's.

    Raises BadInput where neither is there.
    """
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "notebooks", package.parent / "notebooks"):
        if (folder / "00_start_here.ipynb").is_file():
            return folder
    raise BadInput(f"The runbooks are missing from this installation ({package}): install cfrunbook again.")


def training_files() -> tuple[Path, ...]:
    """Return the training notebooks in the order of their numbers."""
    return tuple(sorted((notebooks_folder() / "training").glob("[0-9][0-9]_*.ipynb")))


def runbook_files() -> tuple[Path, ...]:
    """Return the runbooks in the order of their numbers."""
    return tuple(sorted(notebooks_folder().glob("[0-9][0-9]_*.ipynb")))
