"""A kernel of Python that has the panel at hand: `python -m cfrunbook.report.kernel -f CONNECTION_FILE`.

It is IPython's own. What a runbook that is opened needs is imported while the front end still connects.
"""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from importlib import import_module
from pathlib import Path

AHEAD = ("cfrunbook.panel.panel", "cfrunbook.lab.running", "cfrunbook.incident")


def main() -> None:
    """Be the kernel until it is told to end."""
    if sys.path and (not sys.path[0] or Path(sys.path[0]) == Path.cwd()):
        del sys.path[0]  # as ipykernel_launcher does: a kernel puts its own working directory there
    from cfrunbook.report.fork_server import import_kernel

    import_kernel()
    from ipykernel import kernelapp

    threading.Thread(target=_import_ahead, name="cfrunbook-imports", daemon=True).start()
    kernelapp.launch_new_instance()


def _import_ahead() -> None:
    for name in AHEAD:
        with suppress(Exception):  # who needs it is told there
            import_module(name)


if __name__ == "__main__":
    main()
