"""Run the server of JupyterLab or Voilà, a second faster: `python -m cfrunbook.report.serving PROGRAM OPTION…`."""

from __future__ import annotations

import sys

from cfrunbook.report.kernels import fast_notebook_imports
from cfrunbook.report.lab_kernels import forked_here


def main(program: str, *options: str) -> None:
    """Run the server until it ends, which ends this process."""
    sys.argv = [program, *options]
    with forked_here():
        with fast_notebook_imports():
            if program == "voila":
                from voila.app import main as serve
            else:
                from jupyterlab.labapp import main as serve
        serve()


if __name__ == "__main__":
    main(*sys.argv[1:])
