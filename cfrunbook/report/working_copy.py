"""A working copy of the runbooks: yours to fill in and to run, on an incident of your own or on a recorded one."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from cfrunbook.errors import BadInput
from cfrunbook.files import read_bounded
from cfrunbook.report.runbooks import notebooks_folder, runbook_files, training_files
from cfrunbook.text import visible

START_PAGE = "START.md"
FOLDER = Path("cfrunbook-notebooks")
"""Where working copies are, below the folder one works in."""
_ON_A_PAGE = ("title", "parameters", "open", "what-this-checks", "symptoms")
"""Cells of a runbook, by their ids."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What was recorded of an incident, to be judged in a working copy of its own."""

    name: str
    """Of the incident folder, or of the file."""
    files: Mapping[str, bytes]
    """`evidence.json`, and `before.json` where there is one."""
    at: str = ""
    """The moment that it was judged at, where that is not when it was recorded."""
    parameters: Mapping[str, str] = field(init=False)
    """What its runbooks are given."""

    def __post_init__(self) -> None:
        given = {name.removesuffix(".json"): name for name in self.files}
        object.__setattr__(self, "parameters", {**given, "at": self.at} if self.at else given)


class _Judged(msgspec.Struct):
    class Inputs(msgspec.Struct):
        recorded_at: dt.datetime
        judged_at: dt.datetime

    inputs: Inputs


def read_recording(path: Path) -> Recording:
    """Read an incident folder that `cfrunbook report` wrote, or an evidence file. Raises BadInput."""
    from cfrunbook import evidence

    folder = path if path.is_dir() else None
    source = folder / "evidence.json" if folder else path
    if not source.exists():
        where = f"{visible(path)} holds no evidence.json" if folder else f"no such folder or file: {visible(path)}"
        raise BadInput(
            f"Incident: {where}. Give a folder that cfrunbook report wrote, or a recording of diagnose --save-evidence."
        )
    files = {"evidence.json": read_bounded(source, "Incident")}
    evidence.from_json(files["evidence.json"], name=str(source))
    if folder is None:
        return Recording(_plain(path.stem), files)
    if (before := folder / "before.json").exists():
        files["before.json"] = read_bounded(before, "Incident")
        evidence.from_json(files["before.json"], name=str(before))
    return Recording(_plain(path.resolve().name), files, _judged_at(folder / "diagnosis.json"))


def _judged_at(path: Path) -> str:
    """Return the moment that a report judges at; empty where that is when its evidence was recorded."""
    if not path.exists():
        return ""
    try:
        found = msgspec.json.decode(read_bounded(path, "Incident"), type=_Judged).inputs
        if found.judged_at.tzinfo is None:
            raise ValueError("judged_at has no time zone")
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise BadInput(
            f"Incident: {visible(path)} is not one that cfrunbook report wrote ({visible(error, 120)})."
        ) from None
    return "" if found.judged_at == found.recorded_at else found.judged_at.isoformat()


def make(folder: Path, recording: Recording | None = None, *, pages: bool = False) -> tuple[str, ...]:
    """Copy the runbooks and the start page to `folder`, given `recording` if there is one; `pages`: as pages of an app.

    Training comes along where it is neither.

    What is there already is kept, for it may be yours; returns the names of the runbooks among that which are not
    those shipped, leaving parameters and outputs aside. Raises BadInput if `folder` cannot be written, or holds another
    recording.
    """
    kept = []
    parameters = recording.parameters if recording else {}
    start = notebooks_folder() / START_PAGE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in (recording.files if recording else {}).items():
            _put_recording(folder / name, content)
        if not pages and not (folder / START_PAGE).exists():
            (folder / START_PAGE).write_bytes(start.read_bytes())
        for source in runbook_files():
            content, copy = with_parameters(source.read_bytes(), parameters), folder / source.name
            content = as_page(content) if pages else content
            if not copy.exists():
                copy.write_bytes(content)
            elif not is_same_runbook(copy.read_bytes(), content):
                kept.append(source.name)
        if recording is None and not pages:
            kept += _put_training(folder / "training")
    except OSError as error:
        raise BadInput(f"Cannot copy the runbooks to {visible(folder)}: {error.strerror or error}.") from error
    return tuple(kept)


def _put_training(folder: Path) -> list[str]:
    """Copy the training notebooks; return the names of those that were there already and are not those shipped."""
    kept = []
    folder.mkdir(exist_ok=True)
    for source in training_files():
        content, copy = source.read_bytes(), folder / source.name
        if not copy.exists():
            copy.write_bytes(content)
        elif not is_same_runbook(copy.read_bytes(), content):
            kept.append(f"{folder.name}/{source.name}")
    return kept


def _put_recording(path: Path, content: bytes) -> None:
    if not path.exists():
        path.write_bytes(content)
    elif path.read_bytes() != content:
        raise BadInput(f"{visible(path)} is another recording: say with --folder where this one shall go.")


def with_parameters(notebook: bytes, values: Mapping[str, str]) -> bytes:
    """Return a runbook of ours with these values in its parameters cell; as it is, where there are none."""
    if not values:
        return notebook
    document = json.loads(notebook)
    for cell in document["cells"]:
        if _is_parameters(cell):
            cell["source"] = [_filled_in(line, values) for line in cell["source"]]
    return _written(document)


def as_page(notebook: bytes) -> bytes:
    """Return a runbook of ours as a page of an app, where all cells are run for everyone who opens it.

    That is its title, the panel, and what it is about; not the steps, which are in the panel, each with its button.
    """
    document = json.loads(notebook)
    cells = {cell["id"]: cell for cell in document["cells"]}
    document["cells"] = [cells[name] for name in _ON_A_PAGE]
    return _written(document)


def _written(document: object) -> bytes:
    return f"{json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False)}\n".encode()


def _filled_in(line: str, values: Mapping[str, str]) -> str:
    name = line.partition(":")[0]
    return line.replace('= ""', f"= {json.dumps(values[name])}", 1) if name in values else line


def is_same_runbook(one: bytes, other: bytes) -> bool:
    """Tell whether two notebooks have the same cells and parameters, whatever the values of these and the outputs."""
    try:
        return _cells(one) == _cells(other)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return False


def _cells(notebook: bytes) -> list[tuple[Any, Any]]:
    return [
        (cell["cell_type"], re.findall(r"^\w+(?=[: =])", source, re.MULTILINE) if _is_parameters(cell) else source)
        for cell in json.loads(notebook)["cells"]
        for source in ["".join(cell["source"]).rstrip()]
    ]


def _is_parameters(cell: Mapping[str, Any]) -> bool:
    return "parameters" in cell.get("metadata", {}).get("tags", ())


def _plain(name: str) -> str:
    """Return `name` as a folder's name that shows as it is, at most 80 characters."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:80].strip(".-") or "incident"
