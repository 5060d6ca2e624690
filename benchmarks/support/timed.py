"""One command as a process of its own: what it says, how long it takes and what it uses."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

# Whoever measures memory imports this, and the kernel counts the peak memory of who starts a process as that process's.


@dataclass(frozen=True, slots=True)
class Run:
    """A process from its start to its end."""

    wall_s: float
    cpu_s: float
    """User and system, of the process and the children that it waited for."""
    memory_mib: float
    """Peak resident size of the largest of them."""
    output: str
    """Standard output and standard error as they came."""
    stopped: bool
    """Whether it took too long and was stopped."""


def run(command: Sequence[str], limit_s: float) -> Run:
    """Run `command`, for at most `limit_s` seconds. Raises OSError where there is no such program."""
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            close_fds=False,
            start_new_session=True,
        )
        stop = threading.Timer(limit_s, os.killpg, (process.pid, signal.SIGKILL))
        stop.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        finally:
            stop.cancel()
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        said = output.read().decode(errors="replace")
    stopped = process.returncode == -signal.SIGKILL
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, said, stopped)
