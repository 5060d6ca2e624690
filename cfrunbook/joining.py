"""All evidence about a cause, put together: whose word it is, how much it weighs, for, against, and what lacks. Pure.

What CloudFront itself said comes first, then what was seen, then what is inferred. A cause's own findings speak about
it; so does CloudFront's word about another one: a response that the origin made came through DNS, port and TLS.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import msgspec

from cfrunbook import direct_evidence
from cfrunbook.aws_facts import AwsFacts
from cfrunbook.cloudfront.distribution import Distribution
from cfrunbook.cloudfront.targets import Target
from cfrunbook.evidence import CapturedResponse, Observations
from cfrunbook.findings import Cause, CauseResult, Finding, Statement, Status, Strength, Witness

if TYPE_CHECKING:
    from cfrunbook.incident import Incident
    from cfrunbook.log_summary import LogSummary

_WEIGHT: Mapping[Strength, int] = {"direct": 0, "strong": 1, "weak": 2, "open": 3}
REACH = (Cause.DNS, Cause.PORT, Cause.TLS_PROTOCOL, Cause.CERTIFICATE, Cause.TLS_NAME)
"""What must be well for an answer of the origin to come about."""
ORIGIN = (*REACH, Cause.ORIGIN_RESPONSE)
CLOUDFRONTS_RECORDS = frozenset(
    {"edge_function.validation_logged", "edge_function.validation_counted", "edge_function.execution_counted"}
)
"""What CloudFront wrote about functions into CloudWatch: its own word, though not about one request."""
_FIRST_YEAR, _LAST_YEAR = 1990, 2999


class Scene(msgspec.Struct, frozen=True):
    """Everything that was given and seen, with what was concluded of each piece by itself."""

    findings: tuple[Finding, ...]
    observations: Observations
    at: dt.datetime
    """The moment of judging."""
    distribution: Distribution | None = None
    facts: AwsFacts | None = None
    responses: tuple[CapturedResponse, ...] = ()
    targets: tuple[Target, ...] = ()
    logged_until: dt.datetime | None = None
    """When the last request of the access logs was."""

    @property
    def vantage(self) -> str:
        """Where probes looked from."""
        return self.observations.vantage

    @property
    def captured_at(self) -> dt.datetime | None:
        """When the last captured error was made, as far as the captures say."""
        errors = [r for r in self.responses if (r.status or 500) >= 400]
        return max((m for r in errors if (m := moment_of(r)) is not None), default=None)

    def statement(self, finding: Finding) -> Statement:
        """Return a finding as a piece of evidence."""
        witness = witness_of(finding)
        return Statement(
            says=finding.title,
            witness=witness,
            strength=strength_of(finding),
            code=finding.code,
            target=finding.target,
            seen_from=self.vantage if witness is Witness.PROBE else "",
            at=self.when(witness),
            next_check=finding.next_check,
        )

    def when(self, witness: Witness) -> dt.datetime | None:
        """Return when a witness saw what it tells, as far as that is known."""
        match witness:
            case Witness.PROBE:
                return self.observations.recorded_at
            case Witness.RESPONSE:
                return self.captured_at
            case Witness.LOGS:
                return self.logged_until
            case Witness.ACCOUNT:
                return self.facts.fetched_at if self.facts else None
            case _:
                return None


def scene(incident: Incident, observations: Observations, findings: Sequence[Finding]) -> Scene:
    """Return what is known of an incident: what was given now counts before what the recording holds."""
    return Scene(
        findings=tuple(findings),
        observations=observations,
        at=incident.at or observations.recorded_at,
        distribution=incident.distribution,
        facts=incident.inputs.aws or observations.inputs.aws,
        responses=incident.inputs.responses or observations.inputs.responses,
        targets=tuple(incident.targets),
        logged_until=_logged_until(incident.inputs.logs or observations.inputs.logs),
    )


def _logged_until(logs: LogSummary | None) -> dt.datetime | None:
    if logs is None or logs.last_request is None:
        return None
    return dt.datetime.fromtimestamp(logs.last_request, dt.UTC)


def moment_of(response: CapturedResponse) -> dt.datetime | None:
    """Return when a response was made; an answer from the cache is as much older as its Age says."""
    from cfrunbook.cloudfront import error_caching

    moment = response.at or error_caching.moment_of(response.field("date"))
    if moment is None or not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        return None
    # A Date field may be of the first answer already, so that only a capture's own moment has to be put back.
    age = error_caching.seconds_of(response.field("age")) or 0 if response.at else 0
    return moment - dt.timedelta(seconds=min(age, 10**9))


def witness_of(finding: Finding) -> Witness:
    """Return whose word a finding is: that of the first thing it points to."""
    if not finding.evidence:
        return Witness.CONFIGURATION if finding.cause is Cause.DISTRIBUTION else Witness.PROBE
    first = finding.evidence[0].observation
    for beginning, witness in _WITNESSES:
        if first.startswith(beginning):
            return witness
    return Witness.PROBE


_WITNESSES = (
    ("input:response", Witness.RESPONSE),
    ("input:log", Witness.LOGS),
    ("input:access_log", Witness.LOGS),
    ("input:aws", Witness.ACCOUNT),
    ("input:function", Witness.FUNCTION),
    ("function", Witness.FUNCTION),
    ("input:firewall", Witness.FIREWALL),
    ("input:", Witness.CONFIGURATION),
)
"""By how the id of what evidence points to begins; all others are observations of a probe."""


def strength_of(finding: Finding) -> Strength:
    """Return how much a finding weighs for or against its cause."""
    if direct_evidence.is_direct(finding) or finding.code in CLOUDFRONTS_RECORDS:
        return "direct"
    if finding.status is Status.UNKNOWN:
        return "open"
    sure = finding.data.get("confidence", "high") == "high" and not finding.data.get("intermittent")
    return "strong" if sure and finding.status in (Status.FAULT, Status.OK) else "weak"


# --- the causes, one by one -----------------------------------------------------------------------------------------


def causes(scene: Scene) -> tuple[CauseResult, ...]:
    """Return one row per cause, in the documented order; what is no documented cause only where something says so."""
    return tuple(
        _row(scene, cause)
        for cause in Cause
        if cause not in (Cause.DISTRIBUTION, Cause.CLOUDFRONT) or any(f.cause is cause for f in scene.findings)
    )


def _row(scene: Scene, cause: Cause) -> CauseResult:
    """Return one row of the table of causes: evidence for, against, and what is missing."""
    mine = [f for f in scene.findings if f.cause is cause]
    by = {status: [f for f in mine if f.status is status] for status in Status}
    pointing, clearing = _of_others(scene, cause)
    speaks_for = _ordered((*map(scene.statement, (*by[Status.FAULT], *by[Status.WARNING])), *pointing))
    against = _ordered((*map(scene.statement, by[Status.OK]), *clearing))
    missing = tuple(map(scene.statement, by[Status.UNKNOWN]))
    status, why = _answer(cause, mine, by)
    if not mine and cause in _WANTED:
        missing = (_WANTED[cause],)
    return CauseResult(
        cause=cause, status=status, why=why, evidence_for=speaks_for, evidence_against=against, missing=missing
    )


def _answer(
    cause: Cause, mine: Sequence[Finding], by: Mapping[Status, Sequence[Finding]]
) -> tuple[Literal["fault", "warning", "unknown", "ok", "not_examined"], str]:
    """Return a cause's status and why, by its own findings alone."""
    if not mine:
        return "not_examined", _UNSEEN.get(cause, "The path did not get that far, or nothing there was looked at.")
    if by[Status.FAULT]:
        return "fault", by[Status.FAULT][0].title
    if by[Status.UNKNOWN]:
        return "unknown", by[Status.UNKNOWN][0].title
    if by[Status.WARNING]:
        return "warning", by[Status.WARNING][0].title
    return "ok", (by[Status.OK] or mine)[0].title


def _ordered(statements: Iterable[Statement]) -> tuple[Statement, ...]:
    return tuple(sorted(statements, key=lambda s: _WEIGHT[s.strength]))


def _of_others(scene: Scene, cause: Cause) -> tuple[list[Statement], list[Statement]]:
    """Return what findings about another cause say for and against this one."""
    pointing, clearing = [], []
    for finding in scene.findings:
        if finding.cause is cause:
            continue
        if cause in direct_evidence.candidates(finding):
            pointing.append(msgspec.structs.replace(scene.statement(finding), strength="weak", next_check=""))
        elif cause in cleared_by(finding):
            clearing.append(scene.statement(finding))
    return pointing, clearing


def cleared_by(finding: Finding) -> tuple[Cause, ...]:
    """Return the causes that CloudFront's own word about another one speaks against, for those requests."""
    if finding.status is not Status.FAULT or not direct_evidence.is_direct(finding):
        return ()
    match finding.cause:
        case Cause.ORIGIN_RESPONSE:
            return REACH
        case Cause.EDGE_FUNCTION | Cause.CLOUDFRONT:
            return ORIGIN
        case Cause.DNS:
            return tuple(cause for cause in ORIGIN if cause is not Cause.DNS)
        case _:
            return ()


_UNSEEN = {
    Cause.EDGE_FUNCTION: "No edge function's result was given.",
    Cause.ORIGIN_RESPONSE: "No answer of the origin to a request was seen.",
    Cause.DNS: "Name resolution was not examined.",
}


def _wanted(says: str, witness: Witness, next_check: str) -> Statement:
    return Statement(says=says, witness=witness, strength="open", next_check=next_check)


_WANTED = {
    Cause.EDGE_FUNCTION: _wanted(
        "The result that the edge function returned, and its event.", Witness.FUNCTION, "Give them: --function-result."
    ),
    Cause.ORIGIN_RESPONSE: _wanted(
        "A response of the failing request.", Witness.RESPONSE, "Capture one (curl -sSi URL), or give the access log."
    ),
    Cause.DNS: _wanted("What public name servers say.", Witness.PROBE, "Look without --connect-to."),
}
