"""503 and 504 are no 502: which one it is comes first, and AWS's own page about it is where to go on. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cfrunbook import direct_evidence
from cfrunbook.findings import Finding

_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
PAGES: Mapping[int, str] = {
    502: _GUIDE + "http-502-bad-gateway.html",
    503: _GUIDE + "http-503-service-unavailable.html",
    504: _GUIDE + "http-504-gateway-timeout.html",
}
"""AWS's page about each status that CloudFront gives by itself."""

NEIGHBORS = (503, 504)

CHECKS: Mapping[int, str] = {
    503: "If 503 goes on after that, see what else gives one: an edge function that throws or is throttled (its log and"
    " CloudWatch), a quota or the edge's capacity in a load test, an origin without healthy targets.",
    504: "If 504 goes on after that, see what else gives one: security groups, network ACLs and firewalls that drop"
    " CloudFront's addresses, a private address, an application slower than the origin's response timeout.",
}


def page(status: int | None) -> str:
    """Return AWS's page about a status; empty where there is none."""
    return PAGES.get(status or 0, "")


def next_check(status: int | None) -> str:
    """Return what else to look at for a 503 or 504, with AWS's page; empty for any other status."""
    return f"{CHECKS[status]} AWS's own steps: {PAGES[status]}" if status and status in CHECKS else ""


def answered(findings: Sequence[Finding]) -> int | None:
    """Return the status that CloudFront itself is known to have given; None where it is not known, or no such error."""
    said = direct_evidence.named(findings) or direct_evidence.open_question(findings)
    return said.cloudfront_status if said is not None and said.cloudfront_status in PAGES else None


def of_fault(expected: int | None, findings: Sequence[Finding]) -> str:
    """Return how a sentence about a fault that gives `expected` begins, with a space behind; empty for a 502.

    What CloudFront is known to have answered counts before what the fault would give.
    """
    known = answered(findings)
    if known in NEIGHBORS and expected in PAGES and expected != known:
        return f"This is a {known}, not a 502, and what was seen would give {expected}: "
    status = known or expected
    return f"This is a {status}, not a 502: " if status in NEIGHBORS else ""


def of_open(findings: Sequence[Finding]) -> str:
    """Return how a sentence begins that leaves the cause open: `Inconclusive: `, or which neighbor of 502 it is."""
    known = answered(findings)
    return f"This is a {known}, not a 502, and its cause is open: " if known in NEIGHBORS else "Inconclusive: "


def would_be(finding: Finding, findings: Sequence[Finding]) -> str:
    """Return that what could not be told would give a 503 or 504, in a sentence; empty where that is said already."""
    status = finding.cloudfront_status
    if status not in NEIGHBORS or answered(findings) is not None:
        return ""
    return f"Where it is so for CloudFront too, viewers get {status} and not 502."
