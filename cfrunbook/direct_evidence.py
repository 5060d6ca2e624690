"""What CloudFront itself said, against what was seen from here: it comes first, and where the two differ, why. Pure.

A probe looks from another place, at another time. CloudFront's response is of the very request that failed, and its
access logs are of all of them.
"""

from __future__ import annotations

from collections.abc import Sequence

from cfrunbook.findings import Cause, Contradiction, Finding, Status

LOGS = "input:logs"
SOURCES = frozenset({"input:response", LOGS})
"""What evidence points to that is CloudFront's own word."""

_ENDED = "cloudfront.logged_ended"
_NO_ERROR_LOGGED = "cloudfront.logs_without_error"


def is_direct(finding: Finding) -> bool:
    """Tell whether a finding rests on CloudFront's own word alone."""
    return bool(finding.evidence) and all(e.observation in SOURCES for e in finding.evidence)


def is_logged(finding: Finding) -> bool:
    """Tell whether a finding rests on access logs alone."""
    return bool(finding.evidence) and all(e.observation == LOGS for e in finding.evidence)


def named(findings: Sequence[Finding]) -> Finding | None:
    """Return the fault that CloudFront itself names; of several, what most responses or log lines say; or None."""
    faults = [f for f in findings if f.status is Status.FAULT and is_direct(f)]
    return max(faults, key=_count, default=None)


def open_question(findings: Sequence[Finding]) -> Finding | None:
    """Return what CloudFront said without naming a cause, first what names candidates; None: nothing like that."""
    open_ones = [f for f in findings if f.status is Status.UNKNOWN and is_direct(f)]
    return max(open_ones, key=lambda f: (bool(candidates(f)), is_logged(f), _count(f)), default=None)


def candidates(finding: Finding) -> tuple[Cause, ...]:
    """Return the causes that CloudFront's own word leaves open, in the documented order."""
    given = finding.data.get("candidates")
    if not is_direct(finding) or not isinstance(given, list):
        return ()
    return tuple(cause for cause in Cause if cause in given)


def causes_of(fault: Finding) -> frozenset[Cause]:
    """Return the causes that the `fault` which CloudFront names may have: its own, and others that look the same."""
    return frozenset({fault.cause, *candidates(fault)})


def beside_named(
    fault: Finding,
    root: Finding,
    findings: Sequence[Finding],
    vantage: str,
    contradictions: Sequence[Contradiction] = (),
) -> str:
    """Return how what was seen from here goes with the `fault` that CloudFront names, in sentences; empty: no word.

    `root` is what the verdict rests on: `fault`, or what was seen of the same cause, which says more.
    """
    more = _more_often(fault, findings)
    if root is not fault:
        return f"CloudFront itself says so too: {fault.title}{more}"
    seen = [f for f in findings if not is_direct(f)]
    other = next((f for f in seen if f.status is Status.FAULT), None)
    if other is not None:
        return f"From {vantage} something else was seen that CloudFront does not name: {other.title}{more}"
    fine = next((f for f in seen if f.status is Status.OK and f.cause is fault.cause), None)
    if fine is None:
        return more.strip()
    return f"From {vantage} this looks well: {fine.title} {_why(findings, contradictions)}{more}"


def beside_seen(fault: Finding, findings: Sequence[Finding]) -> str:
    """Return how what CloudFront said goes with a `fault` that was seen from here, in sentences; empty: no word."""
    response = open_question([f for f in findings if not is_logged(f)])
    logged = open_question([f for f in findings if is_logged(f)])
    told = [_beside_response(fault, response) if response else "", _beside_logged(fault, logged) if logged else ""]
    silent = next((f for f in findings if f.code == _NO_ERROR_LOGGED), None)
    if silent is not None and logged is None:
        told.append(f"The access logs do not show it, so it may be newer than they are, or rare: {silent.title}")
    return " ".join(sentence for sentence in told if sentence)


def _beside_response(fault: Finding, question: Finding) -> str:
    if _differs(fault, question):
        has = f"The captured response has {question.cloudfront_status}"
        return f"{has}, though, so there may be another fault: {question.title}"
    if not (left_open := candidates(question)):
        return ""
    if fault.cause in left_open:
        return "What CloudFront's own page says fits: it could not connect."
    return f"CloudFront's own page does not speak of this, though: {question.title}"


def _beside_logged(fault: Finding, question: Finding) -> str:
    if _differs(fault, question):
        has = f"The access logs have {question.cloudfront_status}"
        return f"{has}, though, so there may be another fault: {question.title}"
    if not (left_open := candidates(question)):
        return f"The access logs: {question.title}"
    fits = fault.cause in left_open
    return f"The access logs {'fit' if fits else 'speak of something else, though'}: {question.title}"


def _differs(fault: Finding, question: Finding) -> bool:
    """Tell whether CloudFront answered with another status than a fault gives that every request meets."""
    status, expected = question.cloudfront_status, fault.cloudfront_status
    return bool(status and expected and status != expected and not fault.data.get("intermittent"))


def beside_open(
    question: Finding,
    seen_well: str,
    findings: Sequence[Finding],
    vantage: str,
    contradictions: Sequence[Contradiction] = (),
) -> str:
    """Return why `seen_well` looks well from here, though CloudFront has an error; empty: nothing was seen."""
    if not seen_well or not question.cloudfront_status:
        return ""
    return f"From {vantage} no fault was found on the way to {seen_well}. {_why(findings, contradictions)}"


def beside_unknown(question: Finding) -> str:
    """Return what CloudFront said without naming a cause, beside what could not be told from here."""
    where = "The access logs" if is_logged(question) else "CloudFront's own response"
    return f"{where}: {question.title}"


def beside_well(findings: Sequence[Finding]) -> str:
    """Return that the access logs show no error either, where all looks well from here; empty: they say nothing."""
    silent = next((f for f in findings if f.code == _NO_ERROR_LOGGED), None)
    return f" {silent.title}" if silent else ""


def _why(findings: Sequence[Finding], contradictions: Sequence[Contradiction]) -> str:
    """Return the likely reason why CloudFront and a look from here differ, in a sentence."""
    ended = next((f for f in findings if f.code == _ENDED), None)
    if ended is not None:
        return f"It was put right meanwhile, by what the logs say. {ended.title}"
    some = next((f for f in findings if is_logged(f) and f.data.get("intermittent") and _count(f)), None)
    rare = " Only some of the requests in the logs fail, so one look may well miss it." if some else ""
    told = next((c for c in contradictions if c.code in _DIFFERENCES), None)
    if told is not None:
        return told.reasons[0] + rare
    return (
        "CloudFront asks from other places, and may have met another address or name server; or it was put right"
        f" meanwhile.{rare}"
    )


def _more_often(fault: Finding, findings: Sequence[Finding]) -> str:
    """Return what more of the log lines say without naming a cause, in a sentence; empty: nothing does."""
    if not is_logged(fault):
        return ""
    question = max((f for f in findings if f.status is Status.UNKNOWN and is_logged(f)), key=_count, default=None)
    if question is None or _count(question) <= _count(fault):
        return ""
    return f" More often something else is logged: {question.title}"


def _count(finding: Finding) -> int:
    return int(finding.data.get("count", 1))


_DIFFERENCES = ("cloudfront_says_fault", "cloudfront_has_error")
"""Contradictions between CloudFront's word and a look at what is well."""
