"""The pictures of one incident, from what was seen and concluded: for a runbook's cells and for the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfrunbook.views import figures, outline

if TYPE_CHECKING:
    from cfrunbook.causes.case import Case
    from cfrunbook.evidence import Handshake, Observations
    from cfrunbook.findings import Diagnosis
    from cfrunbook.incident import Incident
    from cfrunbook.views.figures import Picture


def path(diagnosis: Diagnosis) -> Picture:
    """Return the way of the edge to the target that the verdict is about."""
    return figures.stage_path(diagnosis)


def certificates(
    incident: Incident, observations: Observations, diagnosis: Diagnosis
) -> tuple[Picture, Picture] | None:
    """Return the chain as sent and as it should be, and when its certificates are valid; None if none was seen."""
    from cfrunbook.diagnosis import cases
    from cfrunbook.x509.path import analyze

    target = diagnosis.verdict.target
    for case in sorted(cases(incident, observations), key=lambda case: case.target.id != target):
        hello = _telling(case, diagnosis)
        if hello is not None:
            report = analyze(hello.certificates, roots=case.roots, at=case.at)
            return figures.chain(report), figures.validity_timeline(report.sent, case.at)
    return None


def everything(incident: Incident, observations: Observations, diagnosis: Diagnosis) -> tuple[Picture, ...]:
    """Return every picture there is."""
    return (path(diagnosis), *(certificates(incident, observations, diagnosis) or ()))


def _telling(case: Case, diagnosis: Diagnosis) -> Handshake | None:
    """Return the hello that tells most: one that the root cause cites, else that of the likeliest name."""
    root = outline.root(diagnosis)
    cited = {e.observation for e in root.evidence} if root else set()
    names = [name.sni for name in case.target.names]
    return min(
        (h for h in case.handshakes if h.certificates),
        key=lambda h: (h.id not in cited, names.index(h.sni) if h.sni in names else len(names)),
        default=None,
    )
