"""What CloudFront said before a watch began, against what is seen while it goes on.

A captured response and access logs tell of their own moment, and would tell the same at every look: a fault that was
mended would be one for ever. So the first look counts all of it; from then on what is seen decides, and CloudFront's
word again once it has something newer. Where its fault was never seen from here, its absence here proves nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from cfrunbook import direct_evidence, joining
from cfrunbook.diagnosis import judge
from cfrunbook.findings import Diagnosis, Status, Verdict
from cfrunbook.views import outline

if TYPE_CHECKING:
    import datetime as dt

    from cfrunbook.evidence import Inputs, Observations
    from cfrunbook.incident import Incident

_NEWER = (
    "Capture a new response (curl -sSi) or give newer logs, under the same names: they are read again at every look."
)


class Past:
    """CloudFront's word as it was given at the first look of a watch."""

    def __init__(self) -> None:
        self.note = ""
        """Said once: that it is of before, and what decides from now on; empty where there is nothing of the kind."""
        self._first: Inputs | None = None
        self._told_error = False
        self._is_seen = False  # from here as well, so that its end can be seen

    def settle(self, incident: Incident, observations: Observations, diagnosis: Diagnosis) -> Diagnosis:
        """Return the diagnosis of a look, its verdict resting on what is new."""
        given = incident.inputs
        if not (given.responses or given.logs) or given.lab or incident.observations is not None:
            return diagnosis  # a lab's are made when they are read, and of a recording all is of before
        if not incident.targets:
            return diagnosis  # nothing else will ever be seen
        if self._first is None or _is_newer(given, self._first):
            self._begin(incident, observations, diagnosis)
            return diagnosis
        alone = judge(_without(incident), replace(observations, inputs=_silent(observations.inputs)))
        return replace(diagnosis, verdict=self._verdict(alone.verdict, given, observations.vantage))

    def _begin(self, incident: Incident, observations: Observations, diagnosis: Diagnosis) -> None:
        self._first = incident.inputs
        of_cloudfront = [f for f in diagnosis.findings if direct_evidence.is_direct(f)]
        self._told_error = any(f.status in (Status.FAULT, Status.UNKNOWN) for f in of_cloudfront)
        verdict = diagnosis.verdict
        root = (verdict.code, verdict.target)
        self._is_seen = verdict.status == "fault" and any(
            (f.code, f.target) == root for f in diagnosis.findings if not direct_evidence.is_direct(f)
        )
        scene = joining.scene(incident, observations, diagnosis.findings)
        told = []
        if incident.inputs.responses:
            told.append(f"the captured response{_when(' of', scene.captured_at)}")
        if incident.inputs.logs:
            told.append(f"the access logs{_when(' until', scene.logged_until)}")
        blind = " What CloudFront has there is not seen from here: only that can tell when it is over."
        self.note = (
            f"What CloudFront said is of before ({' and '.join(told)}): from the next look on what is seen counts, and"
            f" these again once they hold something newer.{blind if self._told_error and not self._is_seen else ''}"
        )

    def _verdict(self, seen: Verdict, given: Inputs, vantage: str) -> Verdict:
        """Return the verdict on what is seen now; that all is well only where the fault could be seen before."""
        if seen.status != "ok" or not self._told_error:
            return seen
        went_on_well = self._went_on_well(given)
        if not self._is_seen and not went_on_well:
            sentence = (
                f"From {vantage} no fault is seen, and none was when CloudFront had one: whether it is over cannot be"
                " told from here."
            )
            return replace(seen, status="unknown", sentence=sentence, next_check=_NEWER)
        logged = " The access logs have newer requests, and no newer error." if went_on_well else ""
        mended = "Mended since, as far as this shows: what CloudFront said is of before."
        return replace(seen, sentence=f"{mended}{logged} {seen.sentence}")

    def _went_on_well(self, given: Inputs) -> bool:
        """Tell whether the logs have requests that are newer than at the first look, without a newer error."""
        first, now = self._first.logs if self._first else None, given.logs
        return bool(first and now and (now.last_request or 0) > (first.last_request or 0))


def _is_newer(given: Inputs, first: Inputs) -> bool:
    """Tell whether CloudFront says something else than at the first look: another response, or a newer error."""
    if given.responses != first.responses or (given.logs is None) != (first.logs is None):
        return True
    return bool(given.logs and first.logs and (given.logs.last_error or 0) > (first.logs.last_error or 0))


def _without(incident: Incident) -> Incident:
    return replace(incident, inputs=_silent(incident.inputs))


def _silent(inputs: Inputs) -> Inputs:
    """Return inputs without what CloudFront said."""
    return replace(inputs, responses=(), logs=None)


def _when(word: str, moment: dt.datetime | None) -> str:
    return f"{word} {outline.moment(moment)}" if moment else ""
