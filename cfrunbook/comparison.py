"""What changed, as one value: between two configurations, or between two recordings and what was concluded. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from cfrunbook import seen_changes
from cfrunbook.cloudfront import changes
from cfrunbook.cloudfront.changes import Changes, Configuration
from cfrunbook.evidence import Observations
from cfrunbook.findings import (
    Change,
    Comparison,
    Diagnosis,
    Finding,
    FindingChange,
    Status,
    Verdict,
    Weight,
)
from cfrunbook.text import visible

Outcome = Literal["fixed", "broken", "changed", "same", "unknown"]
_PROBLEMS = (Status.FAULT, Status.UNKNOWN, Status.WARNING)


def of_configurations(before: Configuration, after: Configuration, found: Changes) -> Comparison:
    """Return the comparison of two configurations, in which `found` differs."""
    return Comparison(
        before=before.title,
        after=after.title,
        outcome="changed" if found.found else "same",
        sentence=configuration_sentence(found.found, found.left_out),
        changes=found.found,
        left_out=found.left_out,
        notes=(*_of_two(before, after), *_of_staging(before, after), *found.notes),
    )


MIXED = "One of the two is a recording and the other a configuration: only configurations are compared."


def with_note(found: Comparison, note: str) -> Comparison:
    """Return a comparison with one more note."""
    import msgspec

    return msgspec.structs.replace(found, notes=(note, *found.notes))


def of_policies(before: str, after: str, found: Changes) -> Comparison:
    """Return the comparison of policies by themselves; `before` and `after` are their files."""
    return Comparison(
        before=visible(before, 120),
        after=visible(after, 120),
        outcome="changed" if found.found else "same",
        sentence=configuration_sentence(found.found, found.left_out).replace("configurations", "policies"),
        changes=found.found,
        left_out=found.left_out,
        notes=found.notes,
    )


def configuration_sentence(found: Sequence[Change], left_out: int = 0) -> str:
    """Return in a sentence how many differences there are, and which comes first."""
    if not found:
        return "The configurations do not differ."
    count = len(found) + left_out
    differences = f"{count} difference{'s' * (count > 1)}"
    dangerous = [c for c in found if c.weight is Weight.CAN_502]
    met = [c for c in dangerous if c.on_path is not False]
    if not dangerous:
        return f"{differences}, none of which is known to cause a 502; the first: {phrase(found[0])}."
    if not met:
        return (
            f"{differences}; those that can cause a 502 are not met by requests for this URL; {phrase(dangerous[0])}."
        )
    can = f"{len(met)} of them can cause a 502" if count > 1 else "which can cause a 502"
    first = "; the first: " if len(met) > 1 else ": "
    return f"{differences}{'; ' if count > 1 else ', '}{can}{first}{phrase(met[0])}."


def phrase(change: Change) -> str:
    """Return what happened at a place, as a clause."""
    match change.kind:
        case "added":
            return f"{change.where} was added ({change.after})"
        case "removed":
            return f"{change.where} was removed ({change.before})"
        case "moved":
            return f"the order of {change.where} was changed from {change.before} to {change.after}"
        case "renamed":
            return f"origin {change.before} was renamed to {change.after}"
    if change.before == change.after:
        return f"{change.where} was changed"
    return f"{change.where} was changed from {change.before} to {change.after}"


def _of_two(before: Configuration, after: Configuration) -> tuple[str, ...]:
    """Say where they are two distributions, or the first one is the younger."""
    ids = [side.distribution.id for side in (before, after)]
    moments = [side.modified for side in (before, after)]
    notes = []
    if all(ids) and ids[0] != ids[1] and before.distribution.staging == after.distribution.staging:
        notes.append(f"They are two distributions, {visible(ids[0], 60)} and {visible(ids[1], 60)}.")
    if moments[0] is not None and moments[1] is not None and ids[0] == ids[1] and moments[0] > moments[1]:
        notes.append("The first configuration is the younger one: read the comparison the other way round.")
    return tuple(notes)


def _of_staging(before: Configuration, after: Configuration) -> tuple[str, ...]:
    """Say where one of the two is a staging distribution: both are at work at the same time."""
    sides = [side.document.get("Staging") is True for side in (before, after)]
    if sides[0] == sides[1]:
        return ()
    primary = (after if sides[0] else before).distribution.continuous_deployment_policy_id
    by = f" (continuous deployment policy {visible(primary, 80)})" if primary else ""
    which = "the one before" if sides[0] else "the one after"
    return (
        f"One of the two is a staging distribution, {which}: it serves a part of the primary's requests{by}, and both"
        " are at work at the same time.",
    )


# --- recordings -----------------------------------------------------------------------------------------------------


def of_recordings(
    before: tuple[Observations, Diagnosis],
    after: tuple[Observations, Diagnosis],
    configuration: Comparison | None = None,
) -> Comparison:
    """Return the comparison of two judged recordings; `configuration` is what differs between what was given."""
    (was_seen, was), (is_seen, now) = before, after
    outcome, sentence = became(was.verdict, now.verdict)
    seen = seen_changes.between(was_seen, is_seen)
    found = _findings(was.findings, now.findings)
    own = configuration or Comparison(before="", after="", outcome="same", sentence="")
    if outcome == "same" and (seen or own.changes):
        sentence += " What was seen, or the configuration, differs all the same."
    return Comparison(
        before=f"the recording of {_moment(was_seen)}",
        after=f"the recording of {_moment(is_seen)}",
        outcome=outcome,
        sentence=sentence,
        changes=own.changes,
        left_out=own.left_out,
        seen=seen,
        findings=found,
        notes=(*_unusual(was_seen, is_seen), *own.notes, *_configurations_given(was_seen, is_seen)),
    )


def became(before: Verdict, after: Verdict) -> tuple[Outcome, str]:
    """Return what became of a verdict, in a word and in a sentence."""
    match before.status, after.status:
        case "fault", "ok":
            return "fixed", f"Fixed: before, {before.sentence} Now: {after.sentence}"
        case "ok", "fault":
            return "broken", f"Broken: no fault was found before. Now: {after.sentence}"
        case "fault", "fault":
            if (before.code, before.target) == (after.code, after.target):
                return "same", f"Same: before and now, {after.sentence}"
            return "changed", f"Changed: before, {before.sentence} Now: {after.sentence}"
        case "ok", "ok":
            return "same", "Same: no fault was found before, and none is found now."
    told = "before" if before.status == "unknown" else "now"
    return "unknown", f"Cannot tell what changed, because {told} it could not be told. Now: {after.sentence}"


def _findings(before: Sequence[Finding], after: Sequence[Finding]) -> tuple[FindingChange, ...]:
    """Return what is new, gone and kept among what is, or may be, wrong."""
    first, second = (_problems(found) for found in (before, after))
    new = [("new", f) for key, f in second.items() if key not in first]
    gone = [("gone", f) for key, f in first.items() if key not in second]
    kept = [("kept", f) for key, f in second.items() if key in first]
    return tuple(
        FindingChange(kind=kind, status=f.status, code=f.code, target=f.target, title=f.title)  # type: ignore[arg-type]
        for kind, f in (*new, *gone, *kept)
    )


def _problems(found: Sequence[Finding]) -> Mapping[tuple[str, str, Status], Finding]:
    return {(f.code, f.target, f.status): f for f in reversed(found) if f.status in _PROBLEMS}


def _unusual(before: Observations, after: Observations) -> tuple[str, ...]:
    notes = []
    if before.recorded_at > after.recorded_at:
        notes.append(
            "The first recording is the younger one: read the comparison the other way round, or give them in their"
            f" order ({_moment(after)}, then {_moment(before)})."
        )
    if before.vantage != after.vantage:
        notes.append(
            f"They were seen from different places, {visible(before.vantage, 80)} and {visible(after.vantage, 80)}:"
            " what differs may be due to that."
        )
    if not seen_changes.compared(before, after):
        notes.append("Nothing was looked at in both: what was seen cannot be compared.")
    return tuple(notes)


def _configurations_given(before: Observations, after: Observations) -> tuple[str, ...]:
    has = [o.inputs.distribution is not None for o in (before, after)]
    if all(has):
        return ()
    which = "Neither recording" if not any(has) else "The first recording" if not has[0] else "The second recording"
    does_not = "holds" if not any(has) else "does not hold"
    return (f"{which} {does_not} a configuration: configurations are not compared.",)


def _moment(seen: Observations) -> str:
    import datetime as dt

    return seen.recorded_at.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


# --- the root cause -------------------------------------------------------------------------------------------------


def explanation(comparison: Comparison, verdict: Verdict, origin_id: str, *, configured: bool = True) -> str:
    """Return in a sentence which change can explain the root cause; that none does, where nothing fitting changed.

    `configured`: configurations were compared; without, nothing can be said.
    """
    if verdict.status != "fault" or verdict.code is None:
        return ""
    found = changes.explaining(comparison.changes, verdict.cause, origin_id, verdict.cloudfront_status)
    if found is not None:
        clause = phrase(found)
        return f"{clause[:1].upper() + clause[1:]} between the two configurations: this can explain {verdict.code}."
    if comparison.left_out or not configured:
        return ""
    return (
        f"Nothing in the configuration changed that is known to lead to {verdict.code}: look for what changed at the"
        " origin, its DNS, its certificate or its firewall."
    )
