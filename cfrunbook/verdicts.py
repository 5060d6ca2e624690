"""The verdict: the first broken stage of the most important broken target, in one sentence. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cfrunbook import direct_evidence, failover, neighbors
from cfrunbook.findings import STAGES, Contradiction, Finding, NotExamined, Stage, Status, Verdict

if TYPE_CHECKING:
    from cfrunbook.incident import Incident


def importance(incident: Incident, target_id: str) -> int:
    """Return 0 for the distribution and 1, 2, … for targets; an origin group's secondaries come after all others."""
    for place, target in enumerate(incident.targets, 1):
        if target.id == target_id:
            return place + (1000 if target.role == "secondary" else 0)
    return 0


def verdict(
    incident: Incident,
    findings: Sequence[Finding],
    gaps: Sequence[NotExamined],
    *,
    vantage: str,
    contradictions: Sequence[Contradiction] = (),
    stopped: bool = False,
) -> Verdict:
    """Return the answer: the first broken stage of the most important broken target is the root cause.

    A fault that CloudFront itself names comes before all that was seen from here; of the same cause, or one that looks
    the same to CloudFront, what was seen says more. A secondary origin never speaks before a primary that is broken or
    could not be looked at. With `gaps` in what had to be seen, "no fault found" is not said. `contradictions` say why
    two witnesses may differ; `stopped`: the look was ended before its end. Where there is no fault, there is a next
    check.
    """
    if (named := direct_evidence.named(findings)) is not None:
        same = [f for f in findings if _explains(f, named)]
        root = _first(incident, same, Status.FAULT) or named
        return _broken(
            incident,
            root,
            findings,
            direct_evidence.beside_named(named, root, findings, vantage, contradictions),
            contradictions,
        )
    seen = {t.id for t in incident.targets if any(f.target == t.id and f.status is Status.OK for f in findings)}
    secondary = {t.id for t in incident.targets if t.role == "secondary"}
    for pool in (
        [f for f in findings if f.target not in secondary],
        [f for f in findings if f.target in secondary],
    ):
        if fault := _first(incident, pool, Status.FAULT):
            return _broken(incident, fault, findings, direct_evidence.beside_seen(fault, findings), contradictions)
        if unknown := _first(incident, pool, Status.UNKNOWN):
            if direct_evidence.is_direct(unknown):  # nothing seen leaves a question: what CloudFront says, does
                unknown = direct_evidence.open_question(pool) or unknown
            return _undecided(unknown, findings, _names(incident, seen) if seen else "", vantage, contradictions)
    if not incident.targets and (told := next((f for f in findings if direct_evidence.is_direct(f)), None)):
        return _of_direct_evidence(told)
    if not incident.targets and (accepted := [f for f in findings if f.code == "edge_function.ok"]):
        others = sum(int(f.data.get("results", 1)) for f in accepted) - 1
        more = f" So it does with {others:,} more result{'s' * (others > 1)}." if others else ""
        return Verdict(
            status="ok",
            sentence=f"{accepted[0].title}{more}{_warned(findings)} Nothing else was examined.",
            confidence="medium",
            next_check="If CloudFront still answers 502 for this function: its log in CloudWatch names the rule and the"
            " header; or the origin is the cause, see there.",
        )
    if not seen and not incident.targets and incident.inputs.recognized:
        return Verdict(
            status="unknown",
            sentence="Inconclusive: nothing was examined, because what was given does not say which origin it is of.",
            next_check="Give the distribution's configuration, a failing response (curl -sSi), or the origin's name.",
        )
    if not seen:
        if blind := next((f for f in findings if f.code == "dns.not_walked"), None):
            return Verdict(
                status="unknown",
                sentence=f"Inconclusive: {blind.title}",
                cause=blind.cause,
                code=blind.code,
                target=blind.target,
                next_check="Look again where name servers may be asked (UDP and TCP port 53 to everywhere), or judge a"
                " recording that was made there.",
            )
        came_to = "the look was stopped before it came to anything" if stopped else "no origin could be examined"
        why = next((t.not_probed for t in incident.targets if t.not_probed), came_to)
        return Verdict(
            status="unknown",
            sentence=f"Inconclusive: nothing was examined, because {_as_clause(why)}",
            next_check=gaps[0].next_check
            if stopped
            else "Give a captured response, logs or a recording made where the origin can be reached.",
        )
    if gaps:
        tried = f" and {len(gaps) - 1} more were not tried" if len(gaps) > 1 else " was not tried"
        return Verdict(
            status="unknown",
            sentence=f"Inconclusive: no fault was found, but {gaps[0].what}{tried}.",
            target=next(t.id for t in incident.targets if t.id in seen),
            next_check=gaps[0].next_check or LAST_RESORT,
        )
    tail = f"{direct_evidence.beside_well(findings)}{_warned(findings)} {_differing(contradictions)}".rstrip()
    what = _names(incident, seen)
    return Verdict(
        status="ok",
        sentence=f"No fault found on the way to {what}, as far as this was examined from {vantage}.{tail}",
        confidence="medium",
        target=next(t.id for t in incident.targets if t.id in seen),
        next_check="If CloudFront still answers 502: its error may be cached, intermittent, from an edge function "
        "or from the application; capture a response with curl -i and look at the access log.",
    )


def _explains(finding: Finding, named: Finding) -> bool:
    """Tell whether what was seen may be what CloudFront names: of this cause, this kind of function, this status."""
    if finding.cause not in direct_evidence.causes_of(named) or direct_evidence.is_direct(finding):
        return False
    kind, of = str(named.data.get("kind", "")).replace("-", "_"), finding.code.split(".")[1]
    if of in _KINDS and kind in _KINDS and of != kind:
        return False
    return named.cloudfront_status is None or finding.cloudfront_status in (None, named.cloudfront_status)


_KINDS = frozenset({"lambda_edge", "cloudfront_function"})
"""Of functions, as in codes."""


def _warned(findings: Sequence[Finding]) -> str:
    """Return how many warnings there are and what the first one says, to go behind a sentence; empty for none."""
    warnings = [f for f in findings if f.status is Status.WARNING]
    return f" {len(warnings)} warning{'s' * (len(warnings) > 1)}: {warnings[0].title}" if warnings else ""


def _first(incident: Incident, findings: Sequence[Finding], status: Status) -> Finding | None:
    return min(
        (f for f in findings if f.status is status),
        key=lambda f: (*_place(incident, f), _is_given(f), f.data.get("confidence", "high") != "high", f.code),
        default=None,
    )


def _place(incident: Incident, finding: Finding) -> tuple[int, float]:
    """Return where on the edge's way a finding is: of which target, at which stage. CloudFront's response comes last.

    A function runs where its event is: one at viewer-request before the origin is looked for, one at origin-request
    once its name is resolved, the others when the origin has answered. It concerns the first target's way.
    """
    if direct_evidence.is_direct(finding):
        return len(incident.targets) + 2000, 0
    if finding.stage is Stage.EDGE_FUNCTION and not finding.target:
        event_type = str(finding.data.get("event_type"))
        before = _RUNS_AFTER.get(event_type, Stage.HTTP)
        return 1, STAGES.index(before) + (0.75 if event_type == "viewer-response" else 0.5)
    return importance(incident, finding.target), STAGES.index(finding.stage)


LAST_RESORT = (
    "Capture a response of the failing request (curl -sSi), and find it in the access log: x-edge-detailed-result-type"
    " names what failed."
)
"""What always helps, where nothing says what would."""

_RUNS_AFTER = {"viewer-request": Stage.BEHAVIOR, "origin-request": Stage.DNS}
"""https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-at-edge-function-restrictions.html"""


def _is_given(finding: Finding) -> bool:
    """Tell whether a finding rests on what a person gave alone: what was seen comes before it."""
    return bool(finding.evidence) and all(e.observation.startswith("input:") for e in finding.evidence)


def _broken(
    incident: Incident,
    fault: Finding,
    findings: Sequence[Finding],
    beside: str,
    contradictions: Sequence[Contradiction],
) -> Verdict:
    """Return the verdict that rests on a fault; `beside` is what else was said or seen, in a sentence."""
    given = fault.cloudfront_status
    some = " to those" if fault.data.get("intermittent") else ""  # the title says: some requests fail
    first = neighbors.of_fault(given, findings)
    known = neighbors.answered(findings)
    status = known if first and known else given  # what CloudFront is known to have answered counts
    sentences = [
        first + fault.title,
        f"CloudFront answers {given}{some}." if given and not first and not direct_evidence.is_direct(fault) else "",
        failover.note(incident, fault, findings),
        beside or _differing(contradictions, fault.target),
    ]
    return Verdict(
        status="fault",
        sentence=" ".join(s for s in sentences if s),
        cause=fault.cause,
        code=fault.code,
        cloudfront_status=status,
        confidence=fault.data.get("confidence", "high"),
        target=fault.target,
        next_check=neighbors.next_check(status),
        page=neighbors.page(status),
    )


def _differing(contradictions: Sequence[Contradiction], target: str = "") -> str:
    """Return the first contradiction about a target (without one: any) and its likely reason; empty: there is none."""
    of = next((c for c in contradictions if not target or c.target in ("", target)), None)
    return f"But: {of.sentence} {of.reasons[0]}" if of is not None else ""


def _undecided(
    unknown: Finding,
    findings: Sequence[Finding],
    seen_well: str,
    vantage: str,
    contradictions: Sequence[Contradiction],
) -> Verdict:
    """Return that it could not be told, and what CloudFront said where that is not the same."""
    question = direct_evidence.open_question(findings)
    is_own = question is not None and direct_evidence.is_direct(unknown)
    beside = ""
    if question is not None:
        beside = (
            direct_evidence.beside_open(unknown, seen_well, findings, vantage, contradictions)
            if is_own
            else direct_evidence.beside_unknown(question)
        )
    sentences = [
        neighbors.of_open(findings) + unknown.title,
        neighbors.would_be(unknown, findings),
        beside or _differing(contradictions, unknown.target),
    ]
    known = neighbors.answered(findings)
    return Verdict(
        status="unknown",
        sentence=" ".join(s for s in sentences if s),
        cause=unknown.cause,
        code=unknown.code,
        cloudfront_status=unknown.cloudfront_status if is_own else None,
        target=unknown.target,
        next_check=unknown.next_check or LAST_RESORT,
        page=neighbors.page(known or unknown.cloudfront_status),
    )


def _of_direct_evidence(told: Finding) -> Verdict:
    """Return what CloudFront's own word alone shows that is no 502: no error at all, or another one."""
    if told.status is Status.OK:
        return Verdict(
            status="ok",
            sentence=f"{told.title} Nothing else was examined.",
            confidence="medium",
            next_check="Give the logs of the time at which it fails, or the distribution and the failing URL."
            if direct_evidence.is_logged(told)
            else "Capture a response that fails (curl -sSi), or give the distribution and the failing URL.",
        )
    return Verdict(
        status="unknown",
        sentence=f"Inconclusive: {told.title}",
        cause=told.cause,
        code=told.code,
        next_check=(told.next_check if direct_evidence.is_logged(told) else "")
        or "Capture the 502 itself (curl -sSi), or give the distribution and the failing URL.",
    )


def _as_clause(sentence: str) -> str:
    text = sentence[:1].lower() + sentence[1:] if sentence[1:2].islower() else sentence
    return text if text.endswith(".") else text + "."


def _names(incident: Incident, seen: set[str]) -> str:
    names = [f"{t.domain}:{t.port}" for t in incident.targets if t.id in seen]
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
