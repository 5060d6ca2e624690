"""Run the server of JupyterLab or Voilà, a second faster: `python -m cfrunbook.report.serving PROGRAM OPTION…`."""

from __future__ import annotations

import atexit
import os
import signal
import sys
from typing import NoReturn

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


def end() -> NoReturn:
    """End this process as any other, but wait for no thread.

    JupyterLab may leave one behind, of a request that it had when it was told to end, which waits for work for ever:
    https://github.com/jupyterlab/jupyterlab/issues/10442
    """
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
        end()
    except KeyboardInterrupt:  # before the server handles it itself
        sys.exit(128 + signal.SIGINT)
