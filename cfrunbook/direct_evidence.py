"""What CloudFront itself said, against what was seen from here: it comes first, and where the two differ, why. Pure.

A probe looks from another place, at another time; CloudFront's response is of the very request that failed.
"""

from __future__ import annotations

from collections.abc import Sequence

from cfrunbook.findings import Contradiction, Finding, Status

SOURCES = frozenset({"input:response"})
"""What evidence points to that is CloudFront's own word."""


def is_direct(finding: Finding) -> bool:
    """Tell whether a finding rests on CloudFront's own word alone."""
    return bool(finding.evidence) and all(e.observation in SOURCES for e in finding.evidence)


def named(findings: Sequence[Finding]) -> Finding | None:
    """Return the fault that CloudFront itself names; of several, what most responses say. None: it names none."""
    faults = [f for f in findings if f.status is Status.FAULT and is_direct(f)]
    return max(faults, key=lambda f: int(f.data.get("count", 1)), default=None)


def open_question(findings: Sequence[Finding]) -> Finding | None:
    """Return what CloudFront said without naming a cause; None where it said nothing like that."""
    return next((f for f in findings if f.status is Status.UNKNOWN and is_direct(f)), None)


def beside_named(
    fault: Finding,
    root: Finding,
    findings: Sequence[Finding],
    vantage: str,
    contradictions: Sequence[Contradiction] = (),
) -> str:
    """Return how what was seen from here goes with the `fault` that CloudFront names, in a sentence; empty: no word.

    `root` is what the verdict rests on: `fault`, or what was seen of the same cause, which says more.
    """
    if root is not fault:
        return f"CloudFront itself says so too: {fault.title}"
    seen = [f for f in findings if not is_direct(f)]
    other = next((f for f in seen if f.status is Status.FAULT), None)
    if other is not None:
        return f"From {vantage} something else was seen that CloudFront does not name: {other.title}"
    fine = next((f for f in seen if f.status is Status.OK and f.cause is fault.cause), None)
    return f"From {vantage} this looks well: {fine.title} {_why(contradictions)}" if fine is not None else ""


def beside_seen(fault: Finding, findings: Sequence[Finding]) -> str:
    """Return how what CloudFront said goes with a `fault` that was seen from here, in a sentence; empty: no word."""
    question = open_question(findings)
    if question is None:
        return ""
    status, expected = question.cloudfront_status, fault.cloudfront_status
    if status and expected and status != expected and not fault.data.get("intermittent"):
        return f"The captured response has {status}, though, so there may be another fault: {question.title}"
    candidates = question.data.get("candidates")
    if not isinstance(candidates, list):
        return ""
    if fault.cause in candidates:
        return "What CloudFront's own page says fits: it could not connect."
    return f"CloudFront's own page does not speak of this, though: {question.title}"


def beside_open(
    question: Finding,
    seen_well: str,
    vantage: str,
    contradictions: Sequence[Contradiction] = (),
) -> str:
    """Return why `seen_well` looks well from here, though CloudFront has an error; empty: nothing was seen."""
    if not seen_well or not question.cloudfront_status:
        return ""
    return f"From {vantage} no fault was found on the way to {seen_well}. {_why(contradictions)}"


def _why(contradictions: Sequence[Contradiction]) -> str:
    """Return the likely reason why CloudFront and a look from here differ, in a sentence."""
    told = next((c for c in contradictions if c.code in _DIFFERENCES), None)
    if told is not None:
        return told.reasons[0]
    return (
        "CloudFront asks from other places, and may have met another address or name server; or it was put right"
        " meanwhile."
    )


_DIFFERENCES = ("cloudfront_says_fault", "cloudfront_has_error")
"""Contradictions between CloudFront's word and a look at what is well."""
