"""`papermill --engine cfrunbook` does what papermill does, with the real papermill command line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpec
from papermill.execute import execute_notebook

from cfrunbook.report import papermill_engine
from cfrunbook.report.kernels import Kernels

ROOT = Path(__file__).parents[2]
METADATA = {
    "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
    "language_info": {"name": "python"},
}
NOTEBOOKS = {
    "good": (
        "who = 'nobody'",
        "# papermill_description=Greeting\nimport os, sys\nprint('hello', who, os.getcwd())\nprint('aside', file=sys.stderr)",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2]);",
        "import ipywidgets\nipywidgets.IntSlider(value=3)",
    ),
    "wrong": ("who = 'nobody'", "1 / 0", "print('not reached')"),
    "dead": ("who = 'nobody'", "import os; os._exit(7)"),
    "slow": ("who = 'nobody'", "import time; time.sleep(600)"),
}
OPTIONS = {
    "good": ("-p", "who", "you", "--log-output", "--start-timeout", "50", "--stdout-file", "said.txt"),
    "slow": ("--execution-timeout", "1"),
}
STATUS = {"good": 0, "wrong": 1, "dead": 138, "slow": 1}
VOLATILE = re.compile(
    r'"(start_time|end_time)": "[^"]+"|"duration": [\d.]+|"id": "[0-9a-f]{8}"|[0-9a-f]{32}|(nbclient|cfrunbook)/|"(iopub|shell)[.a-z_]+": "[^"]+"'
)

# The kernel says it itself, also in the middle of a line of papermill's.
OF_KERNELS = re.compile(
    r"\[IPKernelApp\] (WARNING \| Kernel is running over TCP.*?provisioned\s+CurveZMQ keys to[a-z ]*"
    # papermill interrupts a kernel that it ends; whether that still finds it at work is chance
    r"|ERROR \| KeyboardInterrupt caught in kernel)\.",
    re.DOTALL,
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the notebooks, and with our entry points as an installation has them."""
    folder = tmp_path_factory.mktemp("papermill")
    for name, cells in NOTEBOOKS.items():
        made = [nbformat.v4.new_code_cell(source, id=f"cell-{number}") for number, source in enumerate(cells)]
        made[0].metadata.tags = ["parameters"]
        nbformat.write(nbformat.v4.new_notebook(cells=made, metadata=METADATA), folder / f"{name}.ipynb")
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["papermill.engine"]
    installed = folder / "site" / "engine_under_test-1.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: engine-under-test\nVersion: 1\n")
    lines = "".join(f"{name} = {place}\n" for name, place in declared.items())
    (installed / "entry_points.txt").write_text(f"[papermill.engine]\n{lines}")
    return folder


def papermill(place: Path, name: str, engine: str) -> subprocess.CompletedProcess[str]:
    (place / engine).mkdir(exist_ok=True)
    path = os.pathsep.join([str(place / "site"), str(ROOT)])
    command = [sys.executable, "-m", "papermill", f"{name}.ipynb", f"{engine}/{name}.ipynb", "--engine", engine]
    return subprocess.run(
        [*command, "--no-progress-bar", *OPTIONS.get(name, ())],
        cwd=place,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", ["good", "wrong"])
def test_everything_is_as_with_papermills_own_engine(place, name):
    """Outputs, metadata of papermill, logs, files, errors and exit status; but not what kernels say of themselves."""
    told = {}
    for engine in ("nbclient", "cfrunbook"):
        done = papermill(place, name, engine)
        assert done.returncode == STATUS[name], done.stderr
        said = [line for line in OF_KERNELS.sub("", done.stderr).splitlines() if line.strip()]
        output = json.loads((place / engine / f"{name}.ipynb").read_text())
        widgets = output["metadata"].pop("widgets", {})  # their names, and so their order, are random
        models = [json.dumps(model) for kind in widgets.values() for model in kind["state"].values()]
        file = (place / "said.txt").read_text() if name == "good" else ""
        told[engine] = [VOLATILE.sub("…", part) for part in (json.dumps(output), "\n".join(said), done.stdout, file)]
        told[engine] += sorted(VOLATILE.sub("…", model) for model in models)
    assert told["cfrunbook"] == told["nbclient"]
    if name == "good":
        assert f"hello you {place}" in told["cfrunbook"][1]
        assert "image/png" in told["cfrunbook"][0]
    else:
        assert "PapermillExecutionError" in told["cfrunbook"][1]
        assert "papermill-error-cell" in told["cfrunbook"][0]


@pytest.mark.parametrize("name", ["dead", "slow"])
def test_a_kernel_that_dies_or_does_not_end_is_reported_as_papermill_does(place, name):
    done = papermill(place, name, "cfrunbook")
    assert done.returncode == STATUS[name]
    assert ("DeadKernelError" if name == "dead" else "CellTimeoutError") in done.stderr
    kept = nbformat.read(place / "cfrunbook" / f"{name}.ipynb", as_version=4)
    assert kept.cells[1].metadata.papermill.start_time
    assert "zmq" not in done.stderr.splitlines()[-1]


def test_several_notebooks_of_one_process_share_what_was_imported(place, tmp_path, monkeypatch):
    made = []

    def counted(**options):
        made.append(Kernels(**options))
        return made[-1]

    monkeypatch.setattr("cfrunbook.report.kernels.Kernels", counted)
    monkeypatch.setattr("papermill.engines.papermill_engines._engines", {"mine": papermill_engine.Engine})
    papermill_engine._kernels.cache_clear()
    try:
        for who in ("one", "two"):
            done = execute_notebook(
                place / "good.ipynb", tmp_path / f"{who}.ipynb", {"who": who}, engine_name="mine", progress_bar=False
            )
            assert f"hello {who}" in done.cells[2].outputs[0].text
        assert len(made) == 1
    finally:
        papermill_engine._kernels.cache_clear()
        made[0].close()


ARGUMENTS = ["-m", "ipykernel_launcher", "-f", "{connection_file}"]


@pytest.mark.parametrize(
    ("spec", "ours"),
    [
        (KernelSpec(argv=["python", *ARGUMENTS]), True),
        (KernelSpec(argv=[sys.executable, "-Xfrozen_modules=off", *ARGUMENTS]), True),
        (KernelSpec(argv=["/opt/other/bin/python", *ARGUMENTS]), False),
        (KernelSpec(argv=["R", "--slave", "-e", "IRkernel::main()", "--args", "{connection_file}"]), False),
        (KernelSpec(argv=["python", *ARGUMENTS, "--matplotlib=agg"]), False),
        (KernelSpec(argv=["python", *ARGUMENTS], env={"SPARK_HOME": "/opt"}), False),
        (KernelSpec(argv=["python", *ARGUMENTS], metadata={"kernel_provisioner": {"provisioner_name": "k8s"}}), False),
        (KernelSpec(argv=[]), False),
    ],
)
def test_another_kernel_gets_papermills_own_engine(spec, ours):
    assert papermill_engine.is_this_python(spec) is ours
