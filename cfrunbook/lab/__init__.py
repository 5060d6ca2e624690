"""Really broken origins on this machine's loopback, to practice on and to hold every diagnosis against.

>>> from cfrunbook import lab
>>> with lab.start("certificate-expired") as running:
...     incident = cf.Incident.load(**running.options)

Nothing leaves the machine: servers on 127.0.0.1, an authority minted at start, names under `.example`; scenarios about
DNS have a public DNS of their own, from the root servers down, and names under `.lab`. Each scenario comes with an edge
that really resolves and connects as CloudFront does, with OpenSSL as its judge, and answers 200, 502 or 504.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cfrunbook.lab.commands import list_scenarios as list_scenarios
    from cfrunbook.lab.commands import run_command as run_command
    from cfrunbook.lab.commands import serve as serve
    from cfrunbook.lab.lab_file import LabFile as LabFile
    from cfrunbook.lab.lab_file import LabOptions as LabOptions
    from cfrunbook.lab.running import Running as Running
    from cfrunbook.lab.running import start as start
    from cfrunbook.lab.scenario import Expected as Expected
    from cfrunbook.lab.scenario import Scenario as Scenario
    from cfrunbook.lab.scenarios import SCENARIOS as SCENARIOS

DEFAULT = "certificate-missing-intermediate"
"""What a runbook shows when it is given nothing: the classic of renewals."""

# What stays in the background is started by a command that imports none of this: it is ready sooner.
_HOME = {
    "Expected": "scenario",
    "LabFile": "lab_file",
    "LabOptions": "lab_file",
    "Running": "running",
    "SCENARIOS": "scenarios",
    "Scenario": "scenario",
    "list_scenarios": "commands",
    "run_command": "commands",
    "serve": "commands",
    "start": "running",
}

__all__ = [*_HOME, "DEFAULT"]  # noqa: PLE0604 - all are strings


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
