"""Kernels of JupyterLab and Voilà, forked from a process that has imported what a runbook that is opened needs.

`jupyter_data/kernels/python3` names what starts them, `managing.LabProvisioner`, by its entry point. Where nothing can
be forked they are started anew, which takes half a second longer. So they are once a file of what was imported ahead
has changed: who edits or updates a package restarts the kernel to have it.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import EntryPoint
from pathlib import Path

from cfrunbook.report.forking import KERNEL, ForkServer, ForkServerLost
from cfrunbook.report.kernel import AHEAD

KERNEL_MODULE = "cfrunbook.report.kernel"
"""What `python -m` runs as a kernel where it is started anew: the command of the kernel's specification."""

log = logging.getLogger(__name__)


class LabKernels:
    """What the kernels of one server are forked from."""

    def __init__(self, folder: Path) -> None:
        """Begin to import what they need, beside this process. `folder` is removed at the end."""
        self.server: ForkServer | None = None
        try:
            self.server = ForkServer(folder, os.environ, (*KERNEL, *AHEAD), unchanged=True)
        except ForkServerLost as lost:
            self.do_not_fork(lost)

    def do_not_fork(self, why: Exception) -> None:
        """Start kernels anew from now on; those already forked live on."""
        log.debug("kernels are started anew, not forked: %s", why)
        self.server = None


def here() -> LabKernels | None:
    """Return what the kernels of this process are forked from."""
    return _here


_here: LabKernels | None = None


def make_known() -> None:
    """Tell jupyter_client of this process what `jupyter_data/kernels/python3` names.

    It knows that from the installation; one that is older than the files it points to, as a working tree's may be,
    would have no kernel at all.
    """
    from jupyter_client.provisioning.factory import KernelProvisionerFactory as Factory

    provisioner = EntryPoint("cfrunbook", "cfrunbook.report.managing:LabProvisioner", Factory.GROUP_NAME)
    Factory.provisioners.setdefault(provisioner.name, provisioner)


@contextmanager
def forked_here() -> Iterator[None]:
    """Fork the kernels of a server that runs in this block; at its end they are gone."""
    global _here  # noqa: PLW0603 - jupyter_client makes provisioners itself
    try:
        folder = Path(tempfile.mkdtemp(prefix="cfr-"))
    except OSError as error:  # a full disk is what somebody may be here for
        log.debug("kernels are started anew, not forked: %s", error)
        yield
        return
    _here = LabKernels(folder)
    server = _here.server
    try:
        yield
    finally:
        _here = None
        if server is not None:
            server.close()
        shutil.rmtree(folder, ignore_errors=True)
