"""Every runbook has the same shape, stays thin, and is committed without anything that a run leaves behind."""

from __future__ import annotations

import ast
import inspect
import json
import re
from pathlib import Path

import nbformat
import pytest

from cfrunbook.cli import _parser
from cfrunbook.incident import Incident
from cfrunbook.report.runbooks import runbook_files
from cfrunbook.runbook import AGENDA, GUIDES, PARAMETERS

FILES = runbook_files()
SECTIONS = ["What this checks", "Symptoms", "Steps", "Finding", "Fix", "Verify", "Next"]
AWS_PAGE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/http-502-bad-gateway.html"

each = pytest.mark.parametrize("path", FILES, ids=[p.stem for p in FILES])


def load(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def source(cell: dict) -> str:
    return "".join(cell["source"])


def cells(path: Path, kind: str) -> list[dict]:
    return [c for c in load(path)["cells"] if c["cell_type"] == kind]


def parameters_cell(path: Path) -> dict:
    (cell,) = [c for c in cells(path, "code") if "parameters" in c["metadata"].get("tags", [])]
    return cell


def test_the_runbooks_are_there():
    assert [p.stem for p in FILES] == list(GUIDES)


@each
def test_sections_are_the_same_and_in_order(path):
    found = re.findall(r"^## (.+)$", "\n".join(source(c) for c in cells(path, "markdown")), flags=re.MULTILINE)
    assert found == SECTIONS


@each
def test_it_opens_with_one_title(path):
    titles = re.findall(r"^# (.+)$", "\n".join(source(c) for c in cells(path, "markdown")), flags=re.MULTILINE)
    assert titles == [load(path)["metadata"]["title"]]
    assert source(load(path)["cells"][0]).startswith(f"# {titles[0]}\n")


@each
def test_it_links_to_what_aws_says(path):
    what = next(source(c) for c in cells(path, "markdown") if source(c).startswith("## What this checks"))
    if path.stem.startswith(("00", "99")):
        assert f"]({AWS_PAGE})" in what
    else:
        from cfrunbook.causes import edge_function, registry

        (page,) = {m.AWS_PAGE for m in (*registry.modules(), edge_function) if path.stem == m.NOTEBOOK}
        assert page.startswith(f"{AWS_PAGE}#")
        assert f"]({page})" in what


@each
def test_links_to_other_runbooks_lead_somewhere(path):
    for link in re.findall(r"\]\(([^)#]+\.ipynb)\)", path.read_text(encoding="utf-8")):
        assert (path.parent / link).is_file(), link


@each
def test_code_cells_are_thin(path):
    for cell in cells(path, "code"):
        if cell != parameters_cell(path):
            lines = source(cell).splitlines()
            assert len(lines) <= 6, source(cell)
            shown = [n for n in ast.parse(source(cell), mode="exec").body if isinstance(n, ast.Expr)]
            assert len(shown) == 1, "a cell shows one thing"
            assert not re.search(
                r"^\s*(def|class|for|while|if|try|with|import (?!cfrunbook))\b", source(cell), re.MULTILINE
            )


@each
def test_its_cells_are_the_steps_of_its_panel(path):
    opening, *after_opening = cells(path, "code")[1:]
    assert source(opening) == (
        f'import cfrunbook as cf\n\nrunbook = cf.open_runbook("{path.stem}", namespace=globals())'
        "  # takes the parameters above\nrunbook"
    )
    assert [source(cell) for cell in after_opening] == [step.code for step in AGENDA[path.stem]]
    titles = [step.title for step in AGENDA[path.stem]]
    headings = re.findall(r"^### \d+\. (.+)$", "\n".join(map(source, cells(path, "markdown"))), flags=re.MULTILINE)
    assert set(headings[1:]) <= set(titles)
    assert set(SECTIONS[3:]) <= set(titles)


@each
def test_parameters_are_literals_and_are_those_of_the_command_line(path):
    """papermill's -p NAME is the command line's --NAME with _ for -."""
    names = []
    for line, statement in zip(
        source(parameters_cell(path)).splitlines(), ast.parse(source(parameters_cell(path))).body, strict=True
    ):
        assert isinstance(statement, ast.AnnAssign), line
        ast.literal_eval(statement.value)  # type: ignore[arg-type]
        assert re.search(r"  # \w.+", line), "each parameter says what it is"
        names.append(statement.target.id)  # type: ignore[union-attr]
    assert tuple(names) == PARAMETERS
    options = _parser().parse_args(["diagnose"])
    assert set(names) <= set(vars(options))
    fetching = {"aws_profile"}  # says how to fetch what an incident is then loaded from
    assert set(names) - fetching <= set(inspect.signature(Incident.load).parameters)


@each
def test_papermill_can_tell_the_parameters(path):
    from papermill import inspect_notebook

    found = inspect_notebook(str(path))
    assert tuple(found) == PARAMETERS
    assert all(p["help"] and p["inferred_type_name"] != "None" for p in found.values())


@each
def test_nothing_of_a_run_is_left(path):
    document = load(path)
    for cell in document["cells"]:
        assert set(cell["metadata"]) <= {"tags"}
        assert "attachments" not in cell
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None
    assert set(document["metadata"]) == {"kernelspec", "language_info", "title"}
    assert document["metadata"]["language_info"] == {"name": "python"}
    assert document["metadata"]["kernelspec"]["name"] == "python3"


@each
def test_ids_are_readable_and_unique(path):
    ids = [c["id"] for c in load(path)["cells"]]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z][a-z-]{2,40}", i) for i in ids)
    assert not any(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f-]+)?", i) for i in ids)


@each
def test_it_is_valid_and_in_canonical_form(path):
    """As nbformat writes it, so that opening and saving it changes nothing."""
    document = load(path)
    nbformat.validate(nbformat.from_dict(document))
    assert path.read_text(encoding="utf-8") == json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    assert nbformat.writes(nbformat.from_dict(document)).rstrip("\n") == path.read_text(encoding="utf-8").rstrip("\n")
