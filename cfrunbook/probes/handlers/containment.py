"""How a handler's process is started so that it cannot take more than it may: namespaces, limits, environment.

On Linux, where unprivileged user namespaces are allowed, it has a network namespace without any interface and a
process namespace of its own, which ends with it whatever it started. Everywhere it has resource limits and an
environment of its own. What is not enforced on this machine is said in `Containment`.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache

from cfrunbook.probes.handlers.model import Containment, Guard, Guarded, HandlerLimits

_NAMESPACES = ("--user", "--map-current-user", "--net", "--pid", "--fork", "--kill-child", "--")
_SHELL = "/bin/sh"
_PROBE_SECONDS = 5.0
_PROCESSES = 64
"""Processes and threads of a handler; Node.js has a dozen threads."""
_OPEN_FILES = 256
_LIMITS = (
    '{ ulimit -c 0; ulimit -f 0; ulimit -t "$1"; ulimit -n "$2"; ulimit -d "$3"; '
    '[ "$4" = 0 ] || ulimit -u "$4" || ulimit -p "$4"; } 2>/dev/null; shift 4; exec "$@"'
)
"""Core files, file size, seconds of processor time, open files, kibibytes of private memory, processes (-p in dash).
Where a limit is lower already, it stays."""
_SLACK_SECONDS = 20
"""Processor time beyond the limit, for the start of the runtime: the deadline is what ends it."""


@cache
def namespaces() -> tuple[str, ...]:
    """Return the beginning of a command line that gives a process namespaces of its own; empty where that fails."""
    unshare = shutil.which("unshare") if sys.platform.startswith("linux") else None
    if not unshare:
        return ()
    try:
        tried = subprocess.run(  # noqa: S603 - `true`, to see whether it may be done here
            [unshare, *_NAMESPACES, _SHELL, "-c", ":"], capture_output=True, timeout=_PROBE_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    return (unshare, *_NAMESPACES) if tried.returncode == 0 else ()


def contained(command: Sequence[str], limits: HandlerLimits, overhead_mb: int) -> list[str]:
    """Return `command` behind namespaces and limits."""
    private = namespaces()
    values = (
        math.ceil(limits.seconds) + _SLACK_SECONDS,
        _OPEN_FILES,
        (limits.memory_mb + overhead_mb) * 1024,
        _PROCESSES if private and _counts_by_namespace() else 0,
    )
    return [*private, _SHELL, "-c", _LIMITS, "limits", *map(str, values), *command]


def _counts_by_namespace() -> bool:
    """Tell whether processes are counted within a user namespace (Linux 5.14): else all of the user's would count."""
    release = re.match(r"(\d+)\.(\d+)", os.uname().release)
    return bool(release) and (int(release[1]), int(release[2])) >= (5, 14)  # type: ignore[index]


def environment(*, name: str, arn: str, version: str, limits: HandlerLimits, runtime: str, root: str) -> dict[str, str]:
    """Return all variables that a handler's process gets: Lambda's reserved ones, and nothing of ours.

    https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html; never credentials, and AWS's SDKs are
    told not to look for any.
    """
    function = arn.rpartition("function:")[2].partition(":")[0]
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": "/nonexistent",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EXECUTION_ENV": runtime,
        "AWS_LAMBDA_FUNCTION_NAME": f"us-east-1.{function}",
        "AWS_LAMBDA_FUNCTION_VERSION": version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(limits.memory_mb),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/us-east-1.{function}",
        "AWS_LAMBDA_LOG_STREAM_NAME": f"[{version}]cfrunbook",
        "LAMBDA_TASK_ROOT": root,
        "_HANDLER": name,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        "AWS_CONFIG_FILE": "/nonexistent",
    }


def summary(runtime: Sequence[Containment]) -> tuple[Containment, ...]:
    """Return everything that a handler was held to on this machine; `runtime` is what its runtime keeps it from."""
    linux = sys.platform.startswith("linux")
    private = bool(namespaces())
    found: Mapping[Guarded, Containment] = {
        entry.what: entry
        for entry in (
            *runtime,
            _by_kernel(Guarded.TIME, "killed with its process group"),
            _by_kernel(Guarded.OUTPUT, "read in bounds"),
            _by_kernel(Guarded.ENVIRONMENT, "variables of its own, HOME=/nonexistent")
            if private
            else Containment(
                what=Guarded.ENVIRONMENT,
                by=Guard.RUNTIME,
                how="variables of its own; native code finds ours in /proc",
            ),
            _by_kernel(Guarded.MEMORY, "RLIMIT_DATA")
            if linux
            else Containment(what=Guarded.MEMORY, by=Guard.RUNTIME, how="the JavaScript heap only"),
            _by_kernel(Guarded.CHILDREN, "a process namespace of its own")
            if private
            else Containment(what=Guarded.CHILDREN, by=Guard.NOBODY, how="a child that leaves the process group stays"),
        )
    }
    if private:
        cut = _by_kernel(Guarded.NETWORK, "a network namespace without interfaces; sockets in files can be reached")
        found = {**found, Guarded.NETWORK: cut}
    return tuple(found[what] for what in Guarded if what in found)


def _by_kernel(what: Guarded, how: str) -> Containment:
    return Containment(what=what, by=Guard.KERNEL, how=how)
