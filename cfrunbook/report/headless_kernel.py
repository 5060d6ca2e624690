"""An ordinary kernel that nobody sits at: IPython's own, as `ipykernel_launcher` starts it, without a debugger."""

from __future__ import annotations

import gc
import sys

from cfrunbook.report.fork_server import import_kernel


def main() -> None:
    """Be the kernel of the command line's arguments until it is told to end."""
    gc.disable()  # imports leave no garbage behind, and looking for it takes a tenth of their time
    import_kernel()
    import ipykernel_launcher  # type: ignore[import-untyped]
    from ipykernel import kernelapp

    gc.freeze()
    gc.enable()
    sys.argv[0] = ipykernel_launcher.__file__
    kernelapp.launch_new_instance()
