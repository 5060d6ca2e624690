"""The rules of the house, held by reading every import: see, judge, show, and imports run one way."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import cfrunbook
from tests.tables import table

PACKAGE = Path(cfrunbook.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

# Bottom to top: a module imports from its own layer and the ones below. A part is a module or folder of the package.
LAYERS: tuple[frozenset[str], ...] = (
    frozenset({"errors", "garbage", "hostname", "redaction", "standins", "text"}),
    frozenset({"files"}),
    frozenset({"aws_facts", "evidence", "findings", "log_summary"}),
    frozenset({"cloudfront", "probes", "x509"}),
    frozenset({"firewall", "functions", "logs"}),
    frozenset({"free_text", "identifying", "pseudonyms", "recognizing"}),
    frozenset({"causes"}),
    frozenset({"idle", "live_ranges", "seen_changes"}),
    frozenset({"comparison"}),
    frozenset({"comparison_inputs"}),
    frozenset({"incident"}),
    frozenset({"function_runs", "resolving"}),
    frozenset({"aws"}),
    frozenset({"observation"}),
    frozenset({"coverage", "direct_evidence", "failover", "validity"}),
    frozenset({"joining", "neighbors"}),
    frozenset({"contradictions"}),
    frozenset({"verdicts", "wanted"}),
    frozenset({"diagnosis"}),
    frozenset({"views"}),
    frozenset({"cli", "commands", "lab", "panel", "report", "runbook", "__init__", "__main__"}),
)
# A finding shows itself in a notebook; the import is inside that method. The version in `__init__` is everybody's.
ALLOWED = {("findings", "views"), *((part, "__init__") for layer in LAYERS for part in layer)}

JUDGES = ("contradictions", "joining", "neighbors", "validity", "verdicts", "direct_evidence", "failover", "coverage")
"""Pure modules of their own."""
CLOCK_CALLS = {"now", "utcnow", "today"}
INPUT_OUTPUT = {"asyncio", "http", "requests", "select", "selectors", "socket", "ssl", "subprocess", "time", "urllib3"}
CONCLUSIONS = {"Cause", "Diagnosis", "Finding", "Remedy", "Rule", "Status", "Verdict"}


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (module, name) of every import in a file, also of those inside functions; name is empty for `import x`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: relative import"
            yield from ((node.module or "", alias.name) for alias in node.names)


def imported_parts(path: Path) -> set[str]:
    parts = set()
    for module, name in imports(path):
        match module.split("."):
            case ["cfrunbook"]:
                parts.add(name if any(name in layer for layer in LAYERS) else "__init__")
            case ["cfrunbook", part, *_]:
                parts.add(part)
    return parts


def named(paths: list[Path]) -> list[object]:
    return [pytest.param(path, id=str(path.relative_to(PACKAGE))) for path in paths]


def inside(*parts: str) -> list[object]:
    return named([path for path in MODULES if part_of(path) in parts])


@table("path", named(MODULES))
def test_imports_run_one_way(path: Path) -> None:
    level = {part: number for number, layer in enumerate(LAYERS) for part in layer}
    own = part_of(path)
    assert own in level, f"say in LAYERS where {own} belongs"
    upward = {part for part in imported_parts(path) if level[part] > level[own]}
    assert not {part for part in upward if (own, part) not in ALLOWED}


@table("path", inside("cloudfront", "firewall", "functions", "x509", "causes", *JUDGES))
def test_judges_and_facts_do_no_input_or_output_and_read_no_clock(path: Path) -> None:
    used = {module.split(".")[0] for module, name in imports(path) if (module, name) != ("http", "HTTPStatus")}
    assert not used & INPUT_OUTPUT
    calls = {
        node.func.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert not calls & CLOCK_CALLS, "time is an argument"


@table("path", inside("probes"))
def test_probes_conclude_nothing(path: Path) -> None:
    assert not {name for module, name in imports(path) if module == "cfrunbook.findings"} & CONCLUSIONS
    assert "causes" not in imported_parts(path)


def test_importing_cfrunbook_is_light() -> None:
    heavy = ("cryptography", "dns", "jinja2", "matplotlib", "msgspec", "asyncio", "ssl", "IPython", "nbformat")
    script = f"import sys, cfrunbook; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_diagnosis_of_the_command_line_needs_only_the_lean_core() -> None:
    """`diagnose` must run, and start fast, where the extras are not installed."""
    extras = (
        "boto3",
        "botocore",
        "jinja2",
        "matplotlib",
        "IPython",
        "ipywidgets",
        "nbclient",
        "nbconvert",
        "nbformat",
        "papermill",
    )
    script = f"import sys, cfrunbook.cli, cfrunbook.diagnosis; print([m for m in {extras!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
