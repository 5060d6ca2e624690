"""pyproject.toml is the one source of dependencies; what is built from it is complete."""

from __future__ import annotations

import re
import stat
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PYTHONS = ("3.11", "3.12", "3.13")

# Where conda-forge has another name for the same thing.
CONDA_NAMES = {"matplotlib": "matplotlib-base", "playwright": "playwright-python"}

# What conda-forge does not have, so that pip brings it into the environment.
PIP_ONLY = {"axe-playwright-python", "quickjs-ng", "tlslite-ng"}


def declared() -> dict[str, Requirement]:
    """Every direct dependency of pyproject.toml, by canonical name, extras included."""
    lines = [*PROJECT["dependencies"], *(line for extra in PROJECT["optional-dependencies"].values() for line in extra)]
    requirements = map(Requirement, lines)
    return {canonicalize_name(r.name): r for r in requirements if r.name != "cfrunbook"}


def locked() -> dict[str, list[tuple[Requirement, int]]]:
    """Every entry of requirements.lock: by canonical name, the pinned requirements with their number of hashes."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "requirements.lock").read_text(), flags=re.MULTILINE)
    entries: dict[str, list[tuple[Requirement, int]]] = {}
    for entry in text.replace("\\\n", " ").splitlines():
        words = re.split(r"\s+--hash=", entry.strip())
        requirement = Requirement(words[0])
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", word) for word in words[1:]), entry
        entries.setdefault(canonicalize_name(requirement.name), []).append((requirement, len(words) - 1))
    return entries


def test_the_environment_of_conda_users_is_in_step() -> None:
    text = (ROOT / "environment.yml").read_text().partition("dependencies:\n")[2]
    by_conda, by_pip = (
        {line.strip()[2:] for line in part.splitlines() if "- " in line} for part in text.split("  - pip:\n")
    )
    expected = {CONDA_NAMES.get(name, name) + str(r.specifier) for name, r in declared().items()}
    from_pip = {name + str(declared()[name].specifier) for name in PIP_ONLY}
    assert by_pip == from_pip
    assert by_conda == expected - from_pip | {f"python{PROJECT['requires-python']}", "pip"}


@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_satisfies_pyproject_on_every_supported_python(python: str) -> None:
    entries = locked()
    here = {"python_version": python, "python_full_version": f"{python}.7", "sys_platform": "linux", "os_name": "posix"}
    for name, wanted in declared().items():
        pins = [r for r, _ in entries.get(name, []) if r.marker is None or r.marker.evaluate(here)]
        assert len(pins) == 1, f"{name} on Python {python}: {pins}; run `make lock`"
        (pin,) = pins[0].specifier
        assert pin.operator == "=="
        assert wanted.specifier.contains(Version(pin.version)), f"{pins[0]} is not {wanted}; run `make lock`"


def test_the_lock_checks_everything_by_hash_and_names_no_place() -> None:
    assert all(hashes for entries in locked().values() for _, hashes in entries)
    text = (ROOT / "requirements.lock").read_text()
    assert not re.search(r"://|^-|@|/(?:home|root|tmp|work|opt|usr)/", text, re.MULTILINE)


def test_the_lock_brings_the_build_back_end() -> None:
    """So that an installation with --no-build-isolation, from a wheelhouse, needs nothing else."""
    (backend,) = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    assert canonicalize_name(Requirement(backend).name) in locked()


def test_the_lean_core_stays_lean() -> None:
    core = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    assert core == {"certifi", "cryptography", "dnspython", "msgspec"}
    headless = {canonicalize_name(Requirement(line).name) for line in PROJECT["optional-dependencies"]["run"]}
    assert "jupyterlab" not in headless


def test_the_supported_pythons_are_declared() -> None:
    for python in PYTHONS:
        assert f"Programming Language :: Python :: {python}" in PROJECT["classifiers"]
        assert python in (ROOT / ".ci" / "run").read_text() or python == PYTHONS[0]


def test_the_version_is_the_same_everywhere() -> None:
    import cfrunbook

    assert cfrunbook.__version__ == PROJECT["version"] == version("cfrunbook")
    assert f"## [{PROJECT['version']}]" in (ROOT / "CHANGELOG.md").read_text()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    return Path(next(WheelBuilder(str(ROOT)).build(directory=str(folder))))


def test_the_wheel_holds_all_that_is_needed_and_nothing_else(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    committed = [*(ROOT / "notebooks").glob("*.*"), *(ROOT / "notebooks/training").glob("*.ipynb")]
    notebooks = {f"cfrunbook/{path.relative_to(ROOT)}" for path in committed}
    assert notebooks
    data = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "cfrunbook").rglob("*")
        if path.is_file() and path.suffix != ".pyc" and "__pycache__" not in path.parts
    }
    assert {"cfrunbook/py.typed", "cfrunbook/diagnosis.schema.json", "cfrunbook/notification.schema.json"} <= data
    info = f"cfrunbook-{PROJECT['version']}.dist-info"
    assert names - {name for name in names if name.startswith(f"{info}/")} == data | notebooks
    assert {f"{info}/licenses/LICENSE", f"{info}/entry_points.txt"} <= names


def test_the_wheel_runs_where_there_is_no_checkout(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    script = "import cfrunbook.cli, sys; print(cfrunbook.__file__); sys.exit(cfrunbook.cli.entry(['--help']))"
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {script}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(str(tmp_path))
    assert "diagnose" in done.stdout


def test_a_wheel_can_be_built_from_the_sdist(tmp_path: Path, wheel: Path) -> None:
    sdist = Path(next(SdistBuilder(str(ROOT)).build(directory=str(tmp_path))))
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (source,) = (tmp_path / "unpacked").iterdir()
    again = Path(next(WheelBuilder(str(source)).build(directory=str(tmp_path / "again"))))
    assert set(zipfile.ZipFile(again).namelist()) == set(zipfile.ZipFile(wheel).namelist())


def test_the_licence_is_the_whole_text() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
    assert PROJECT["license"] == "Apache-2.0"


@pytest.mark.parametrize("script", [".ci/run", ".ci/venv"])
def test_scripts_are_executable_and_parse(script: str) -> None:
    path = ROOT / script
    assert path.stat().st_mode & stat.S_IXUSR
    subprocess.run(["bash", "-n", str(path)], check=True)


def test_every_make_target_is_explained() -> None:
    text = (ROOT / "Makefile").read_text()
    phony = set(re.findall(r"^\.PHONY: (\S+)$", text, re.MULTILINE))
    assert phony == set(re.findall(r"^([a-z-]+):.*  ## .", text, re.MULTILINE))
    listed = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert phony == set(re.findall(r"^  make (\S+)", listed, re.MULTILINE))
