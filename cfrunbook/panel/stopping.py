"""What stops a panel's work beside its Cancel: an interrupted kernel (■ in JupyterLab), and a kernel that is restarted.

ipykernel ignores an interrupt while no cell is running, and a panel's look runs in no cell: our handler is for that
time. While a cell is running, the interrupt is the cell's.
https://github.com/ipython/ipykernel/blob/main/ipykernel/kernelbase.py
"""

from __future__ import annotations

import atexit
import contextlib
import signal
import threading
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from cfrunbook.panel.frontend import kernel

if TYPE_CHECKING:
    from cfrunbook.panel.work import Work

PATIENCE = 2.0
"""Seconds that a kernel's end waits for what was seen to be kept: Jupyter gives it five before it is killed."""
_WORKS: WeakSet[Work] = WeakSet()
_CHANGING = threading.RLock()
"""Buttons are told of in any thread. Reentrant: an interrupt comes at any moment, and its handler looks too."""


def stopped_from_outside(work: Work) -> None:
    """Have an interrupt, and the end of this process, stop `work` once it has begun; what it gathered is kept."""
    with _CHANGING:
        _WORKS.add(work)
    loop = getattr(kernel(), "io_loop", None)
    if loop is not None:
        loop.add_callback(_listen)  # a button is told of in any thread; only the main one may set a handler


def _listen() -> None:
    """Follow interrupts, if they are ignored now: a cell that is running has its own handler."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, _interrupted)


def _interrupted(_number: int, _frame: Any) -> None:
    for work in _works():
        work.stop()


def _works() -> list[Work]:
    with _CHANGING:
        return list(_WORKS)


@atexit.register
def _at_exit() -> None:
    for work in [one for one in _works() if one.busy]:
        work.stop()
        with contextlib.suppress(Exception):  # whatever it was, it has no more readers
            work.wait(PATIENCE)
