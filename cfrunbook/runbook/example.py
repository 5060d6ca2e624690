"""The lab scenario that a runbook examines: named, or its own where nothing was given."""

from __future__ import annotations

import atexit
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cfrunbook.lab import Running

_LABS: dict[str, Running] = {}
"""The scenarios brought up in this process: opening a runbook again examines the same broken origin."""


def scenario_of(given: Mapping[str, Any]) -> str:
    """Return the name of the lab scenario to bring up here; empty for none, or where a running lab's file was given."""
    value = str(given.get("lab", ""))
    return "" if Path(value).is_file() else value


def bring_up(scenario: str) -> tuple[Path, tuple[str, ...]]:
    """Bring `scenario` up until this process ends; return its file and story. Raises BadInput if unknown."""
    from cfrunbook import lab

    if scenario not in _LABS:
        running = _LABS[scenario] = lab.start(scenario)
        atexit.register(running.stop)
    return _LABS[scenario].file, _LABS[scenario].scenario.story
