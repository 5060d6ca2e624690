"""Run the server of JupyterLab or Voilà, a second faster: `python -m cfrunbook.report.serving PROGRAM OPTION…`."""

from __future__ import annotations

import signal
import sys

from cfrunbook.report.kernels import fast_notebook_imports
from cfrunbook.report.lab_kernels import forked_here, make_known


def main(program: str, *options: str) -> None:
    """Run the server until it ends, which ends this process."""
    sys.argv = [program, *options]
    with forked_here():
        with fast_notebook_imports():
            if program == "voila":
                from voila.app import main as serve
            else:
                from jupyterlab.labapp import main as serve
            make_known()
        serve()


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except KeyboardInterrupt:  # before the server handles it itself
        sys.exit(128 + signal.SIGINT)
