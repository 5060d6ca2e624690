"""The expert: what our own diagnosis writes down for an incident, to be graded like anybody's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfrunbook.diagnosis import diagnose_sync
from cfrunbook.findings import Diagnosis, Finding, Status
from cfrunbook.incident import Incident
from cfrunbook.lab.training.fixes import NOTHING
from cfrunbook.lab.training.grading import Answer
from cfrunbook.lab.training.naming import NONE, UNKNOWN

if TYPE_CHECKING:
    from cfrunbook.lab.running import Running


def answer(running: Running) -> Answer:
    """Look at a running scenario and return what the diagnosis says of it."""
    return written(diagnose_sync(Incident.load(lab=running.file)))


def written(diagnosis: Diagnosis) -> Answer:
    """Return a diagnosis as an answer."""
    verdict = diagnosis.verdict
    root = _root(diagnosis)
    if verdict.status == "ok":
        seen = [f.title for f in diagnosis.findings if f.status is Status.OK]
        return Answer(cause=NONE, evidence=" ".join((verdict.sentence, *seen)), fix=NOTHING)
    evidence = f"{verdict.code or ''}: {verdict.sentence}"
    steps = [part for step in root.remedy.steps for part in (step.text, step.command)] if root else []
    fix = " ".join(filter(None, (*steps, root.next_check if root else "", verdict.next_check)))
    return Answer(cause=verdict.cause.value if verdict.cause else UNKNOWN, evidence=evidence, fix=fix)


def _root(diagnosis: Diagnosis) -> Finding | None:
    return next((f for f in diagnosis.findings if f.code == diagnosis.verdict.code), None)
