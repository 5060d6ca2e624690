"""dnspython without `importlib.metadata`: it is the same, and whoever else wants that has it. In fresh interpreters."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import cfrunbook

OURS = "import cfrunbook.probes.dns.library\n"
FEATURES = """\
import json, dns.name, dns._features
features = {name: dns._features.have(name) for name in dns._features._requirements}
print(json.dumps([dns.name.have_idna_2008, features]))
"""


def run(script: str, *options: str, path: str = "") -> Any:
    """Run a script; return what it prints, read as JSON."""
    environment = {**os.environ, "PYTHONPATH": path or os.pathsep.join(sys.path)}
    command = [sys.executable, *options, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def environment_with(tmp_path: Path) -> Callable[[dict[str, str]], str]:
    """Return what makes a search path of what we need and packages of these versions; others are not installed."""

    def make(installed: dict[str, str]) -> str:
        for name in ("dns", "msgspec"):
            spec = find_spec(name)
            assert spec is not None
            assert spec.origin is not None
            (tmp_path / name).symlink_to(Path(spec.origin).parent)
        for name, version in installed.items():
            (tmp_path / name).mkdir()
            (tmp_path / name / "__init__.py").write_text(f"__version__ = {version!r}\n")
            metadata = tmp_path / f"{name}-{version}.dist-info"
            metadata.mkdir()
            (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        return os.pathsep.join([str(tmp_path), str(Path(cfrunbook.__file__).parents[1])])

    return make


@pytest.mark.parametrize(
    ("installed", "able"),
    [
        ({}, set()),
        ({"idna": "2.0", "cryptography": "999.0"}, {"dnssec"}),
        ({"idna": "999.0", "cryptography": "2.0"}, {"idna"}),
    ],
)
def test_dnspython_can_do_what_it_can_without_us(
    installed: dict[str, str], able: set[str], environment_with: Callable[[dict[str, str]], str]
) -> None:
    path = environment_with(installed)
    has_idna, features = run(FEATURES, "-S", path=path)
    assert {name for name, can in features.items() if can} == able
    assert has_idna is ("idna" in able)
    assert run(f"{OURS}{FEATURES}", "-S", path=path) == [has_idna, features]


def test_the_real_module_is_there_for_whoever_imports_it() -> None:
    script = f"""\
{OURS}
import importlib, json, sys, types
before = [name in sys.modules for name in ("dns.name", "importlib.metadata", "email")]
import importlib.metadata
from importlib.metadata import PackageNotFoundError
whole = importlib.metadata is sys.modules["importlib.metadata"] and type(importlib.metadata) is types.ModuleType
print(json.dumps([before, whole, importlib.metadata.version("dnspython") != ""]))
"""
    assert run(script) == [[True, False, False], True, True]


def test_another_thread_may_import_it_meanwhile() -> None:
    script = f"""\
import importlib, json, sys, threading, types
found = []
def elsewhere():
    import importlib.metadata
    from importlib.metadata import PackageNotFoundError
    found.append(importlib.metadata.version("dnspython") != "" and issubclass(PackageNotFoundError, Exception))
def meanwhile(event, arguments):
    if event == "import" and arguments[0] == "dns._features":
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
sys.addaudithook(meanwhile)
{OURS}
import dns.name
whole = importlib.metadata is sys.modules["importlib.metadata"] and type(importlib.metadata) is types.ModuleType
print(json.dumps([found, whole, dns.name.have_idna_2008]))
"""
    assert run(script) == [[True], True, run(FEATURES)[0]]


def test_where_it_is_there_already_it_stays() -> None:
    script = f"""\
import importlib.metadata, json, sys
real = importlib.metadata
{OURS}
print(json.dumps(importlib.metadata is real is sys.modules["importlib.metadata"]))
"""
    assert run(script) is True
