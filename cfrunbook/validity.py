"""Rules hold from a day on, or until one: what CloudFront did at the incident's moment counts. Pure.

Where CloudFront changed and nobody knows the day, the rule has no date, and its words say what is known.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import msgspec

from cfrunbook.findings import Finding, Status

_COUNTS = (Status.FAULT, Status.UNKNOWN, Status.WARNING)


def settle(findings: Iterable[Finding], at: dt.datetime) -> list[Finding]:
    """Return the findings whose rules held at a moment; of others, what was wrong stays as a remark that says so."""
    day = at.astimezone(dt.UTC).date()
    return [f if f.holds(day) else _not_in_force(f, day) for f in findings if f.holds(day) or f.status in _COUNTS]


def _not_in_force(finding: Finding, day: dt.date) -> Finding:
    """Return a finding whose rule did not hold on a day: no fault then, and why it is said at all."""
    when = f"since {finding.since}" if finding.since and day < finding.since else f"until {finding.until}"
    return msgspec.structs.replace(
        finding,
        status=Status.INFO,
        title=f"Not in force on {day} (it is so {when}): {finding.title}",
        cloudfront_status=None,
    )
