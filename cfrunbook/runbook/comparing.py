"""What changed between two looks, in one sentence. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cfrunbook.findings import Diagnosis, Finding, Status


def compare(
    before: Mapping[tuple[str, str], Finding], after: Mapping[tuple[str, str], Finding], now: Diagnosis
) -> tuple[str, str, str]:
    """Return status, label and sentence for what changed between two looks; `now` is the second look's diagnosis.

    What was wrong and is not seen any more counts as fixed only if it was seen to be right.
    """
    gone = [f for key, f in before.items() if key not in after]
    new = [f for key, f in after.items() if key not in before]
    kept = [f for key, f in after.items() if key in before]
    was = f" Before: {gone[0].title}" if gone else ""
    if new:
        return _worst(new), "Changed", f"Now: {new[0].title}{was}"
    if kept:
        label = "Partly fixed" if gone else "Not fixed yet" if _worst(kept) == "fault" else "Still not known"
        return _worst(kept), label, f"Before and now: {kept[0].title}"
    if not gone and now.verdict.status == "unknown" and not now.paths:
        return "unknown", "Nothing to verify yet", now.verdict.sentence
    if not gone:
        return "ok", "Nothing to verify", "Nothing was wrong here at the first look, and nothing is now."
    right = {(f.cause, f.target) for f in now.findings if f.status in (Status.OK, Status.WARNING)}
    if any((f.cause, f.target) not in right for f in gone):
        return "unknown", "Cannot tell", f"The second look did not come that far: {now.verdict.sentence}{was}"
    if now.verdict.status != "ok":
        return "warning", "Fixed here", f"This is right now, but the path still breaks: {now.verdict.sentence}{was}"
    return "ok", "Fixed", f"A second look found nothing wrong any more.{was}"


def _worst(findings: Sequence[Finding]) -> str:
    return "fault" if any(f.status is Status.FAULT for f in findings) else "unknown"
