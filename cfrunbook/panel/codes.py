"""What the panel does, as code: the public calls that do the same in a script."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfrunbook.findings import Finding
from cfrunbook.text import visible

if TYPE_CHECKING:
    from cfrunbook.runbook import Runbook, RunbookStep

RUN = "await runbook.run()"
REPORT = 'await runbook.report("incident")'


def arguments(given: Mapping[str, Any]) -> str:
    """Return parameters as a call's arguments; a value that was given in code has its name there."""
    return ", ".join(f"{name}={_literal(name, value)}" for name, value in given.items())


def opening(runbook: Runbook) -> str:
    """Return the call that opens this runbook with what it was given."""
    given = arguments(runbook.given)
    return f'runbook = cf.open_runbook("{runbook.guide.name}"{", " + given if given else ""})'


def script(runbook: Runbook) -> str:
    """Return the whole runbook as a notebook's cell, and the same without a runbook."""
    calls = [step.code for step in runbook.agenda if step.method != "verify"]
    return "\n".join(
        [
            "import cfrunbook as cf",
            "",
            opening(runbook),
            *calls,
            'runbook.save("evidence.json")',
            REPORT,
            "await runbook.verify()  # after the fix",
            "",
            "# Without a runbook, in a plain script:",
            *_plainly(runbook.given),
        ]
    )


def _plainly(given: Mapping[str, Any]) -> Sequence[str]:
    """Return the lines that diagnose the same without a runbook."""
    said = "print(cf.diagnose_sync(incident).verdict.sentence)"
    scenario = str(given.get("lab", ""))
    if not scenario or Path(scenario).is_file():
        return (f"incident = cf.Incident.load({arguments(given)})", said)
    others = {name: value for name, value in given.items() if name != "lab"}
    more = f", {arguments(others)}" if others else ""
    return (
        f"with cf.lab.start({_literal('lab', scenario)}) as running:",
        f"    incident = cf.Incident.load(lab=running.file{more})",
        f"    {said}",
    )


def commands(step: RunbookStep, runbook: Runbook) -> str:
    """Return the shell commands that belong to a step, each with what it is for; empty where there are none."""
    if not runbook.has_looked or step.method not in ("judge", "fix", "verify"):
        return ""
    root = runbook.judge().root
    findings: Sequence[Finding] = (root,) if root is not None else runbook.fix().findings[:1]
    told: list[tuple[str, str]] = []
    for finding in findings:
        if step.method == "judge":
            told.append(("see it yourself", finding.reproduce))
        elif step.method == "verify":
            told.append((finding.verify.text, finding.verify.command))
        else:
            told += [(one.text, one.command) for one in finding.remedy.steps]
    kept = [(visible(why, 200), command) for why, command in told if command]
    if len(kept) == 1:
        return kept[0][1]
    return "\n".join(f"# {why}\n{command}" for why, command in kept)


def _literal(name: str, value: Any) -> str:
    if isinstance(value, Mapping) or "\n" in str(value):
        return name
    if isinstance(value, bool | int | float):
        return repr(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(_literal(name, v) for v in value)}]"
    return json.dumps(str(value), ensure_ascii=True)
