"""Judge what was seen, and rank: the edge's path to an answer, stage by stage, and one verdict.

`judge` is pure: the same recording and the same moment give the same diagnosis, on a bastion host or a year later.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from cfrunbook import contradictions, coverage, failover, joining, validity, verdicts, wanted
from cfrunbook.causes import registry, tls_second_opinion
from cfrunbook.causes.case import Case
from cfrunbook.evidence import AddressRanges, GivenKind, Observations, ResolutionOutcome
from cfrunbook.findings import (
    STAGE_TITLES,
    STAGES,
    Cause,
    Comparison,
    Diagnosis,
    Finding,
    NotExamined,
    Path,
    Stage,
    StageResult,
    StageStatus,
    Status,
    Verdict,
)
from cfrunbook.observation import Progress, observe, observe_sync
from cfrunbook.text import visible

if TYPE_CHECKING:
    from cfrunbook.incident import Incident

_TLS_STAGES = (Stage.TLS, Stage.CERTIFICATE, Stage.NAME)
_SEVERITY = {Status.FAULT: 0, Status.UNKNOWN: 1, Status.WARNING: 2, Status.INFO: 3, Status.OK: 4}


def cases(incident: Incident, observations: Observations) -> tuple[Case, ...]:
    """Return what each judge is given: one case per target, judged at the incident's moment or the recording's."""
    at = incident.at or observations.recorded_at
    firewall = incident.inputs.firewall if len(_behind_firewall(incident)) == 1 else ()
    return tuple(
        Case(
            target=t,
            observations=observations,
            at=at,
            roots=incident.roots,
            expiry_warning_days=incident.expiry_days,
            distribution=incident.distribution,
            firewall=firewall,
            interface=incident.inputs.interface,
            destination=incident.inputs.destination,
            address_ranges=_address_ranges(incident, observations),
        )
        for t in incident.targets
    )


def _address_ranges(incident: Incident, observations: Observations) -> AddressRanges | None:
    """Return the list that counts: the one given, or the one fetched when looking; None for our own."""
    return incident.inputs.address_ranges or observations.inputs.address_ranges


def _firewall_inputs(incident: Incident, observations: Observations) -> dict[str, Any]:
    given, ranges = incident.inputs, _address_ranges(incident, observations)
    named: dict[str, Any] = {"firewall": [dump.name for dump in given.firewall]} if given.firewall else {}
    return named | ({"address_ranges": ranges.create_date} if ranges else {})


def _log_inputs(incident: Incident, observations: Observations) -> dict[str, Any]:
    logs = incident.inputs.logs or observations.inputs.logs
    return {"logs": list(logs.files.paths), "log_requests": logs.requests} if logs else {}


def _behind_firewall(incident: Incident) -> set[str]:
    """Return the origins that the rules given may be about; of several nobody knows which."""
    return {t.domain for t in incident.targets if not t.not_probed}


def _whose_firewall(incident: Incident) -> Iterable[NotExamined]:
    """Say that rules were given and are not judged, because they may be those of any of several origins."""
    names = sorted(_behind_firewall(incident))
    if incident.inputs.firewall and len(names) != 1:
        yield NotExamined(
            what="the rules of the firewall",
            why=f"there are {len(names)} origins, and which of them it protects is not known"
            if names
            else "CloudFront reaches no origin here over the internet",
            next_check=f"Name the origin too: --origin {visible(names[0], 120)}" if names else "",
        )


def judge(incident: Incident, observations: Observations) -> Diagnosis:
    """Conclude from what was seen. Pure: no input/output, no clock."""
    judged = cases(incident, observations)
    findings = [*incident.findings]
    for case in judged:
        found = [finding for module in registry.modules_for(case) for finding in module.judge_case(case)]
        findings.extend(tls_second_opinion.weigh(case, found))
    if observations.inputs.functions or observations.function_runs or incident.inputs.functions:
        findings.extend(_of_functions(incident, observations))
    findings.extend(_of_responses(incident, observations))
    findings.extend(_of_logs(incident, observations))
    findings.extend(_of_account(incident, observations))
    findings = failover.settle(incident, validity.settle(findings, incident.at or observations.recorded_at))
    untried = (gap for case in judged for gap in coverage.gaps(case))
    stopped = tuple(coverage.cut_short(observations))
    gaps = tuple(dict.fromkeys((*stopped, *untried)))
    paths = tuple(_path(incident, case, findings) for case in judged)
    differing = contradictions.find(joining.scene(incident, observations, findings))
    verdict = verdicts.verdict(
        incident,
        findings,
        gaps,
        vantage=observations.vantage,
        contradictions=differing,
        stopped=bool(stopped),
    )
    ranked = sorted(findings, key=lambda f: _rank(incident, verdict, f))
    fetched = incident.inputs.aws
    said = (
        *incident.not_examined,
        *(fetched.not_fetched if fetched else ()),
        *_whose_firewall(incident),
        *observations.not_observed,
        *_unread(incident),
    )
    not_examined = (*gaps, *_unrecognized(incident), *said, *_left_out(paths))
    concluded = Diagnosis(
        verdict=verdict,
        stages=next((p.stages for p in paths if p.target == verdict.target), paths[0].stages if paths else ()),
        causes=joining.causes(joining.scene(incident, observations, ranked)),
        findings=tuple(ranked),
        not_examined=tuple(dict.fromkeys(not_examined)),
        contradictions=differing,
        paths=paths,
        inputs={
            "name": incident.name,
            "url": observations.inputs.url,
            "origin": observations.inputs.origin,
            "host": observations.inputs.host,
            "distribution": incident.distribution.id if incident.distribution else "",
            "connect_to": list(observations.inputs.connect_to),
            "trust_store": incident.roots.name,
            **_firewall_inputs(incident, observations),
            **_log_inputs(incident, observations),
            "lab": observations.inputs.lab,
            "vantage": observations.vantage,
            "recorded_at": observations.recorded_at.isoformat(),
            "judged_at": (incident.at or observations.recorded_at).isoformat(),
        },
        versions={**observations.versions, "trust_store": incident.roots.name},
    )
    changed = _compared(incident, observations, concluded)
    missing = wanted.of(incident, concluded)
    return msgspec.structs.replace(concluded, changes=changed, wanted=missing)


def _compared(incident: Incident, observations: Observations, now: Diagnosis) -> Comparison | None:
    """Return what changed since the configuration or the recording that was given as the one before, if any."""
    given, earlier = incident.inputs.before, incident.before
    configured = given is not None
    if given is None and earlier is None:
        return None
    from cfrunbook import comparison

    if earlier is not None and earlier.observations is not None:
        was = (earlier.observations, judge(earlier, earlier.observations))
        given = comparison.of_recordings(was, (observations, now), given)
    if given is None:
        return None
    origin = next((t.origin_id for t in incident.targets if t.id == now.verdict.target), "")
    told = comparison.explanation(given, now.verdict, origin, configured=configured)
    return msgspec.structs.replace(given, explanation=told)


def _unrecognized(incident: Incident) -> Iterable[NotExamined]:
    """Say what of that which was given without saying what it is could not be used, and why."""
    for item in incident.inputs.recognized:
        is_needed = item.kind in (GivenKind.UNKNOWN, GivenKind.OTHER) or (item.kind in _SOURCES and not item.input)
        if is_needed:
            why = " ".join((f"it is {item.what}.", *item.notes)).removesuffix(".")
            yield NotExamined(what=f"{item.given}, which was given", why=why)


_SOURCES = (GivenKind.DISTRIBUTION_ID, GivenKind.DISTRIBUTION, GivenKind.FUNCTION_CODE, GivenKind.LOGS)


def _of_functions(incident: Incident, observations: Observations) -> Iterable[Finding]:
    """Return what edge functions' results show: those given now, else those of the recording, and what was run."""
    from cfrunbook.causes import edge_function

    given = incident.inputs.functions or observations.inputs.functions
    origins = incident.known_origins
    return edge_function.judge(given, runs=observations.function_runs, url=incident.inputs.url, origins=origins)


def _of_responses(incident: Incident, observations: Observations) -> Iterable[Finding]:
    """Return what captured responses show: those given now, else those of the recording."""
    given = incident.inputs.responses or observations.inputs.responses
    if not given:
        return ()
    from cfrunbook.causes import captured_response

    return captured_response.judge(
        given,
        distribution=incident.distribution,
        policies=incident.policies,
        at=incident.at or observations.recorded_at,
        url=incident.inputs.url,
    )


def _of_logs(incident: Incident, observations: Observations) -> Iterable[Finding]:
    """Return what access logs show: those given now, else those of the recording."""
    logs = incident.inputs.logs or observations.inputs.logs
    if logs is None:
        return ()
    from cfrunbook.causes import access_logs

    return access_logs.judge(
        logs,
        distribution=incident.distribution,
        host=incident.url.host if incident.url else "",
        url=incident.inputs.url,
        responses=incident.inputs.responses or observations.inputs.responses,
        at=incident.at or observations.recorded_at,
        was_probed=bool(incident.targets),
    )


def _unread(incident: Incident) -> Iterable[NotExamined]:
    """Say what of the captured responses was not read."""
    if not incident.inputs.responses:
        return ()
    from cfrunbook.causes import captured_response

    return captured_response.left_out(incident.inputs.responses)


def _of_account(incident: Incident, observations: Observations) -> tuple[Finding, ...]:
    """Judge what was fetched from an AWS account, against what was seen."""
    if incident.inputs.aws is None:
        return ()
    from cfrunbook.causes import aws_facts

    return aws_facts.judge(
        incident.inputs.aws,
        incident.distribution,
        targets=incident.targets,
        at=incident.at or observations.recorded_at,
        known=incident.policies,
        resolutions=observations.resolutions,
        queries=observations.dns_queries,
        expiry_days=incident.expiry_days,
    )


async def diagnose(incident: Incident, *, progress: Progress | None = None) -> Diagnosis:
    """Observe and judge `incident`."""
    return judge(incident, await observe(incident, progress=progress))


def diagnose_sync(incident: Incident, *, progress: Progress | None = None) -> Diagnosis:
    """Observe and judge `incident`; also works where an event loop already runs (Jupyter)."""
    return judge(incident, observe_sync(incident, progress=progress))


def _path(incident: Incident, case: Case, findings: Sequence[Finding]) -> Path:
    """Return the edge's path to one target: what lies behind the first broken stage and was not seen is not reached.

    What is about CloudFront's response as such has no place there.
    """
    target = case.target
    known = {s.stage: s for s in incident.stages_for(target)}
    stages: list[StageResult] = []
    broken: Stage | None = None
    for stage in STAGES:
        here = sorted(
            (
                f
                for f in findings
                if f.stage is stage and f.target in (target.id, "") and f.cause is not Cause.CLOUDFRONT
            ),
            key=lambda f: _SEVERITY[f.status],
        )
        status, sentence = _stage(stage, here, known.get(stage), case, broken)
        stages.append(
            StageResult(
                stage=stage,
                status=status,
                sentence=sentence,
                target=target.id,
                findings=tuple(dict.fromkeys(f.code for f in here)),
            )
        )
        if broken is None and status in ("fault", "unknown"):
            broken = stage
    return Path(target=target.id, title=f"{target.domain}:{target.port} ({target.protocol})", stages=tuple(stages))


def _stage(
    stage: Stage, here: Sequence[Finding], known: StageResult | None, case: Case, broken: Stage | None
) -> tuple[StageStatus, str]:
    target = case.target
    if here:
        worst = here[0]
        if worst.status in (Status.FAULT, Status.UNKNOWN, Status.WARNING):
            return _STAGE_STATUS[worst.status], worst.title
        if known is None or known.status != "ok":
            best = next((f for f in here if f.status is Status.OK), worst)
            return "ok", best.title
    if known is not None:
        return known.status, known.sentence
    if broken is not None:
        return "not_reached", f"Not reached: the path broke at “{STAGE_TITLES[broken]}”."
    if stage in _TLS_STAGES and target.protocol == "http":
        return "not_applicable", "CloudFront speaks plain HTTP to this origin."
    if target.not_probed:
        return "not_examined", target.not_probed
    if stage is Stage.DNS and any(r.outcome is ResolutionOutcome.RELOCATED for r in case.resolutions):
        return "not_examined", "Not examined: --connect-to said where to go."
    return "not_examined", _NOT_EXAMINED.get(stage, "Not examined.")


_STAGE_STATUS: dict[Status, StageStatus] = {
    Status.FAULT: "fault",
    Status.UNKNOWN: "unknown",
    Status.WARNING: "warning",
}
_NOT_EXAMINED = {
    Stage.DISTRIBUTION: "Not examined: no distribution was given (--distribution).",
    Stage.BEHAVIOR: "Not examined: no distribution was given (--distribution).",
    Stage.HTTP: "Not examined: no request was sent through the origin's application.",
    Stage.EDGE_FUNCTION: "Not examined: no edge function's result was given.",
}


def _left_out(paths: Iterable[Path]) -> Iterable[NotExamined]:
    """Say of every stage that nobody looked at that nobody did, and what would show it."""
    for path in paths:
        for stage in path.stages:
            if stage.status == "not_examined" and stage.stage in _NEXT_CHECK:
                why = stage.sentence.removeprefix("Not examined: ").removesuffix(".")
                yield NotExamined(
                    what=f"{STAGE_TITLES[stage.stage]} of {path.title}", why=why, next_check=_NEXT_CHECK[stage.stage]
                )


_NEXT_CHECK = {
    Stage.DNS: "Look without --connect-to, from a machine on the public internet.",
    Stage.HTTP: "Send the failing request to the origin itself (curl --connect-to) and compare the answers.",
    Stage.EDGE_FUNCTION: "See which functions the behavior runs; their results decide when the origin is fine.",
}


def _rank(incident: Incident, verdict: Verdict, finding: Finding) -> tuple[int, int, int, int, str]:
    """Order findings: the root cause, then by severity, importance of the target and place on the path."""
    root = finding.code == verdict.code and finding.target == verdict.target
    return (
        0 if root else 1,
        _SEVERITY[finding.status],
        verdicts.importance(incident, finding.target),
        STAGES.index(finding.stage),
        finding.code,
    )
