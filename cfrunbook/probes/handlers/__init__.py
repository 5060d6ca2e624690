"""Running an edge function on one event: only when asked, in a process of its own, within limits.

Nothing here is called unless a person asks for it by naming a handler: it executes that handler's code. What that code
is held to, and by whom, comes with every run (`HandlerRun.containment`). Time, memory, output, processes and, where
user namespaces are allowed, the network are enforced by the kernel; reading and writing files only by Node.js's
permission model or an audit hook in Python, which stop accidents and not malice. What came back is not judged here.
"""

from cfrunbook.probes.handlers.model import (
    Attempt,
    Containment,
    Guard,
    Guarded,
    HandlerError,
    HandlerLimits,
    HandlerOutcome,
    HandlerRun,
    HelperCall,
    JavaScriptRuntime,
    Kind,
    Lost,
    Phase,
    ReturnKind,
    Wanted,
    WhyNot,
)
from cfrunbook.probes.handlers.run import run_handler, run_handlers

__all__ = [
    "Attempt",
    "Containment",
    "Guard",
    "Guarded",
    "HandlerError",
    "HandlerLimits",
    "HandlerOutcome",
    "HandlerRun",
    "HelperCall",
    "JavaScriptRuntime",
    "Kind",
    "Lost",
    "Phase",
    "ReturnKind",
    "Wanted",
    "WhyNot",
    "run_handler",
    "run_handlers",
]
