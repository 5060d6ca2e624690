"""`papermill --engine cfrunbook`: papermill as it is, with kernels that start faster.

Papermill loads this module at every start, with and without `--engine`: it imports nothing that papermill has not.
What the notebook says, papermill's metadata, its progress bar, logs and errors are papermill's own.
"""

from __future__ import annotations

import atexit
import logging
import os
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

    The first notebook of a process takes as long as with papermill's engine; what its kernel imports at its start is not
    imported again for the ones that follow. A notebook for another kernel than this Python's gets papermill's engine.
    """

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> Any:
        """Execute the notebook of papermill's manager."""
        why = "a kernel manager is given" if "km" in options else _foreign(kernel_name)
        if why:
            log.debug("papermill's own engine runs the notebook: %s", why)
            return super().execute_managed_notebook(nb_man, kernel_name, **options)
        manager = _kernels().manager()
        try:
            return super().execute_managed_notebook(nb_man, kernel_name, km=manager, **options)
        finally:
            if nb_man.nb is not None and getattr(manager, "_attempted_start", True):
                run_sync(manager.end)()


def _foreign(kernel_name: str) -> str:
    """Return why the kernel is not one that this interpreter can be; empty where it is."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        spec = KernelSpecManager().get_kernel_spec(kernel_name)
    except NoSuchKernel as error:
        return str(error)  # papermill says so
    return "" if is_this_python(spec) else f"the kernel {kernel_name} is not ipykernel of this Python"


def is_this_python(spec: KernelSpec) -> bool:
    """Return whether a kernel is ipykernel in this interpreter, with nothing special about it."""
    from cfrunbook.report.managing import LAUNCH, Manager

    plain = not spec.env and not spec.metadata.get("kernel_provisioner")
    return plain and Manager(kernel_spec=spec)
