"""Give a notebook its parameters as papermill does, without importing papermill.

The result is what papermill's `load_notebook_node` and `parameterize_notebook` give
(https://papermill.readthedocs.io/en/stable/usage-parameterize.html), which a test holds. Papermill itself imports its
ways to every cloud's storage, a third of a second that nobody here needs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfrunbook.report.kernels import fast_notebook_imports

if TYPE_CHECKING:
    from nbformat import NotebookNode

TAG, INJECTED = "parameters", "injected-parameters"
"""Tags of the cell with the defaults, and of the one that is put behind it."""


def read(path: Path) -> NotebookNode:
    """Read a notebook, of any version, with papermill's metadata. Raises OSError, or what nbformat raises."""
    with fast_notebook_imports():
        import nbformat
        from nbformat.v4 import upgrade

    read = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    notebook: NotebookNode = upgrade(read) or read
    if "papermill" not in notebook.metadata:
        notebook.metadata["papermill"] = nbformat.from_dict(
            {
                "default_parameters": {},
                "parameters": {},
                "environment_variables": {},
                "version": _papermill_version(),
            }
        )
    for cell in notebook.cells:
        cell.metadata.setdefault("tags", [])
        cell.metadata.setdefault("papermill", nbformat.NotebookNode())
    return notebook


def inject(notebook: NotebookNode, parameters: Mapping[str, Any]) -> None:
    """Put a cell that sets `parameters` behind the one with the defaults, or in place of one injected earlier."""
    from nbformat.v4 import new_code_cell

    cell = new_code_cell(source="\n".join(("# Parameters", *_assignments(parameters), "")))
    cell.metadata["tags"] = [INJECTED]
    injected, defaults = _first(notebook, INJECTED), _first(notebook, TAG)
    if injected is not None:
        notebook.cells[injected] = cell
    else:
        notebook.cells.insert(0 if defaults is None else defaults + 1, cell)
    notebook.metadata.papermill["parameters"] = dict(parameters)


def _first(notebook: NotebookNode, tag: str) -> int | None:
    return next((index for index, cell in enumerate(notebook.cells) if tag in cell.metadata.tags), None)


def _assignments(parameters: Mapping[str, Any]) -> Iterable[str]:
    return (f"{name} = {literal(value)}" for name, value in parameters.items())


def literal(value: object) -> str:
    """Return a value of JSON as Python writes it, strings in ASCII; anything else as the string that it is shown as."""
    if value is None or isinstance(value, bool | int):
        return str(value)
    if isinstance(value, float):
        return str(value) if math.isfinite(value) else f"float('{value}')"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{literal(str(key))}: {literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(literal, value)) + "]"
    escaped = str(value).encode("unicode_escape").decode().replace('"', r"\"")
    return f'"{escaped}"'


@lru_cache(maxsize=1)
def _papermill_version() -> str:
    return version("papermill")
