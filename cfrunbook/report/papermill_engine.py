"""`papermill --engine cfrunbook`: papermill as it is, with kernels that start faster.

Papermill loads this module at every start, with and without `--engine`: it imports nothing that papermill has not.
What the notebook says, papermill's metadata, its progress bar, logs and errors are papermill's own.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from nbclient.util import run_sync
from papermill.engines import NBClientEngine

if TYPE_CHECKING:
    from jupyter_client.kernelspec import KernelSpec

    from cfrunbook.report.kernels import Kernels

log = logging.getLogger(__name__)


class Engine(NBClientEngine):  # type: ignore[misc]  # papermill has no types
    """Papermill's own engine, with a kernel over private sockets that is forked where that is possible.

    What a kernel imports at its start is imported once in a process that runs several notebooks. A notebook for another
    kernel than this Python's gets papermill's own.
    """

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> Any:
        """Execute the notebook of papermill's manager."""
        why = "a kernel manager was given" if options.get("km") is not None else _foreign(kernel_name)
        if why:
            log.debug("papermill's own engine runs the notebook: %s", why)
            return super().execute_managed_notebook(nb_man, kernel_name, **options)
        manager = _kernels(os.getpid()).manager()
        try:
            return super().execute_managed_notebook(nb_man, kernel_name, **{**options, "km": manager})
        finally:
            run_sync(manager.end)()


def _foreign(kernel_name: str) -> str:
    """Return why the kernel is none that this interpreter can be; empty where it is."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        spec = KernelSpecManager().get_kernel_spec(kernel_name)
    except NoSuchKernel as error:  # papermill says so
        return str(error)
    return "" if is_this_python(spec) else f"{kernel_name!r} is not ipykernel in this Python, or has options of its own"


def is_this_python(spec: KernelSpec) -> bool:
    """Return whether a kernel is ipykernel in this interpreter, without options, environment or launcher of its own."""
    # jupyter_client takes these names for the interpreter that it runs in.
    names = ("python", f"python{sys.version_info[0]}", f"python{sys.version_info[0]}.{sys.version_info[1]}")
    program, *arguments = spec.argv or [""]
    # ipykernel's own specification turns frozen modules off for debuggers; nobody debugs here.
    plain = [argument for argument in arguments if argument != "-Xfrozen_modules=off"]
    return (
        program in (*names, sys.executable)
        and plain == ["-m", "ipykernel_launcher", "-f", "{connection_file}"]
        and not spec.env
        and not spec.metadata.get("kernel_provisioner")
    )


@lru_cache(maxsize=1)
def _kernels(_process: int) -> Kernels:
    """Return where the kernels of this process come from; a process forked from it gets its own."""
    from cfrunbook.report.forking import KERNEL
    from cfrunbook.report.kernels import Kernels

    kernels = Kernels(modules=KERNEL, environment=os.environ, quiet=False)
    atexit.register(kernels.close)
    return kernels
