"""What a judge concludes: a stable code with its arguments first, the sentences for people rendered from a rule.

A `Rule` is one row of a cause's table of result codes. A `Finding` is a rule applied to what was seen: it carries
its evidence, a command that reproduces it, a remedy, a step that verifies the fix, and the public source of the
fact. A `Diagnosis` is all of it, ranked, with one verdict.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec

from cfrunbook.text import fill

Json = None | bool | int | float | str | list[Any] | dict[str, Any]


class Cause(StrEnum):
    """The documented causes of a CloudFront 502; and, as places where a fault can be, the distribution and CloudFront.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/http-502-bad-gateway.html
    """

    TLS_NAME = "tls_name"
    TLS_PROTOCOL = "tls_protocol"
    CERTIFICATE = "certificate"
    PORT = "port"
    DNS = "dns"
    EDGE_FUNCTION = "edge_function"
    ORIGIN_RESPONSE = "origin_response"
    DISTRIBUTION = "distribution"
    CLOUDFRONT = "cloudfront"
    """What CloudFront itself said: its response and its logs."""


class Status(StrEnum):
    """What a check says. `UNKNOWN` always carries why and what to do next."""

    FAULT = "fault"
    UNKNOWN = "unknown"
    WARNING = "warning"
    INFO = "info"
    OK = "ok"


class Stage(StrEnum):
    """The edge's path to an answer, in order. The first broken stage is the root cause."""

    DISTRIBUTION = "distribution"
    BEHAVIOR = "behavior"
    ORIGIN = "origin"
    DNS = "dns"
    TCP = "tcp"
    TLS = "tls"
    CERTIFICATE = "certificate"
    NAME = "name"
    HTTP = "http"
    EDGE_FUNCTION = "edge_function"


STAGES: tuple[Stage, ...] = tuple(Stage)

STAGE_TITLES: Mapping[Stage, str] = {
    Stage.DISTRIBUTION: "Distribution",
    Stage.BEHAVIOR: "Cache behavior",
    Stage.ORIGIN: "Origin",
    Stage.DNS: "Name resolution",
    Stage.TCP: "TCP connection",
    Stage.TLS: "TLS hello",
    Stage.CERTIFICATE: "Certificate",
    Stage.NAME: "Certificate name",
    Stage.HTTP: "HTTP answer",
    Stage.EDGE_FUNCTION: "Edge function",
}


class Struct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of every value that travels: immutable, typed, strict when read from JSON."""


class Step(Struct, frozen=True, kw_only=True):
    """One thing to do: a sentence, and the command or configuration lines that do it (may be empty)."""

    text: str
    command: str = ""

    def fill(self, data: Mapping[str, Any]) -> Step:
        """Return this step with its placeholders filled in from `data`."""
        return Step(text=fill(self.text, data), command=fill(self.command, data))


class Remedy(Struct, frozen=True, kw_only=True):
    """How to fix it: `steps` are either done one after the other, or are alternatives of which one suffices."""

    kind: Literal["steps", "one_of"] = "steps"
    steps: tuple[Step, ...] = ()

    def fill(self, data: Mapping[str, Any]) -> Remedy:
        """Return this remedy with its placeholders filled in from `data`."""
        return Remedy(kind=self.kind, steps=tuple(s.fill(data) for s in self.steps))


class Evidence(Struct, frozen=True, kw_only=True):
    """What a finding rests on: the id of an observation, and what is to be read there, in a line."""

    observation: str
    """The `id` of an observation (`handshake-2`), or `input:<name>` for something the person gave."""
    says: str


class Finding(Struct, frozen=True, kw_only=True):
    """One conclusion, complete: anyone can check it, act on it and prove the fix."""

    code: str
    cause: Cause
    stage: Stage
    status: Status
    title: str
    meaning: str
    data: dict[str, Any] = {}
    target: str = ""
    """`Target.id`, or empty where the finding is about the distribution as a whole."""
    evidence: tuple[Evidence, ...] = ()
    reproduce: str = ""
    remedy: Remedy = Remedy()
    verify: Step = Step(text="")
    source: str = ""
    cloudfront_status: int | None = None
    """The HTTP status that CloudFront gives for this: 502, 504, 503; None where it gives none."""
    next_check: str = ""
    """For `unknown`: what would settle it."""
    since: dt.date | None = None
    """The first day on which CloudFront behaves so; None: not known to have been otherwise."""
    until: dt.date | None = None
    """The last day on which it does; None: it still does."""

    def holds(self, day: dt.date) -> bool:
        """Tell whether the rule behind this held on a day (UTC)."""
        return _holds(self.since, self.until, day)

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        from cfrunbook.views.mime import bundle

        return bundle(self)


def _holds(since: dt.date | None, until: dt.date | None, day: dt.date) -> bool:
    return (since is None or since <= day) and (until is None or day <= until)


class Rule(Struct, frozen=True, kw_only=True):
    """One row of a cause's table of result codes: everything about a finding but its arguments.

    `title`, `meaning`, `reproduce`, `remedy`, `verify` and `next_check` are templates over the finding's data;
    see `cfrunbook.text.fill`.
    """

    code: str
    cause: Cause
    stage: Stage
    status: Status
    title: str
    meaning: str
    source: str
    reproduce: str = ""
    remedy: Remedy = Remedy()
    verify: Step = Step(text="")
    cloudfront_status: int | None = None
    next_check: str = ""
    since: dt.date | None = None
    """The first day on which CloudFront behaves so; None: not known to have been otherwise."""
    until: dt.date | None = None
    """The last day on which it did; None: it still does."""

    def holds(self, day: dt.date) -> bool:
        """Tell whether CloudFront behaved so on a day (UTC)."""
        return _holds(self.since, self.until, day)

    def finding(
        self,
        *,
        target: str = "",
        evidence: Sequence[Evidence] = (),
        status: Status | None = None,
        cloudfront_status: int | None = None,
        remedy: Remedy | None = None,
        **data: Any,
    ) -> Finding:
        """Return the finding that this rule makes of `data` (JSON values only).

        `status`, `cloudfront_status` and `remedy` override the rule's own where the circumstances decide.
        Raises KeyError where a template needs a value that `data` lacks.
        """
        return self.apply(
            data, target=target, evidence=evidence, status=status, cloudfront_status=cloudfront_status, remedy=remedy
        )

    def apply(
        self,
        data: Mapping[str, Any],
        *,
        target: str = "",
        evidence: Sequence[Evidence] = (),
        status: Status | None = None,
        cloudfront_status: int | None = None,
        remedy: Remedy | None = None,
    ) -> Finding:
        """Do as `finding`, for data whose names may be any."""
        return Finding(
            code=self.code,
            cause=self.cause,
            stage=self.stage,
            status=status or self.status,
            title=fill(self.title, data),
            meaning=fill(self.meaning, data),
            data=dict(data),
            target=target,
            evidence=tuple(evidence),
            reproduce=fill(self.reproduce, data),
            remedy=(remedy or self.remedy).fill(data),
            verify=self.verify.fill(data),
            source=self.source,
            cloudfront_status=self.cloudfront_status if cloudfront_status is None else cloudfront_status,
            next_check=fill(self.next_check, data),
            since=self.since,
            until=self.until,
        )


StageStatus = Literal["ok", "warning", "fault", "unknown", "not_examined", "not_reached", "not_applicable"]


class StageResult(Struct, frozen=True, kw_only=True):
    """One stage of the edge's path for one target: what happened there, and the findings that say so."""

    stage: Stage
    status: StageStatus
    sentence: str
    target: str = ""
    findings: tuple[str, ...] = ()
    """Codes of the findings at this stage, worst first."""


class Path(Struct, frozen=True, kw_only=True):
    """The edge's path to one target, stage by stage."""

    target: str
    title: str
    stages: tuple[StageResult, ...]


class Witness(StrEnum):
    """Who says something, or would have to."""

    RESPONSE = "captured_response"
    LOGS = "access_logs"
    ACCOUNT = "aws_account"
    """Load balancers, certificates, zones, metrics and function logs, as the AWS account shows them."""
    FUNCTION = "function_result"
    FIREWALL = "firewall_rules"
    CONFIGURATION = "configuration"
    PROBE = "probe"
    """A look from one place on the network, which is not the edge."""


Strength = Literal["direct", "strong", "weak", "open"]
"""How much a statement weighs: CloudFront's own word; seen, with documented consequences; seen, but its consequences
are inferred or for some requests only; nothing yet."""


class Statement(Struct, frozen=True, kw_only=True):
    """One piece of evidence: what it says, whose word that is, and how much it weighs."""

    says: str
    witness: Witness
    strength: Strength
    code: str = ""
    """Of the finding that says so in full; empty where there is none."""
    target: str = ""
    seen_from: str = ""
    """The vantage point of a probe."""
    at: dt.datetime | None = None
    """When that was so, as far as is known."""
    next_check: str = ""
    """What would settle it, where it is open."""


class CauseResult(Struct, frozen=True, kw_only=True):
    """One documented cause: is it this one? What speaks for it, against it, and what is missing, strongest first."""

    cause: Cause
    status: Literal["fault", "warning", "unknown", "ok", "not_examined"]
    why: str
    evidence_for: tuple[Statement, ...] = ()
    evidence_against: tuple[Statement, ...] = ()
    missing: tuple[Statement, ...] = ()


class Contradiction(Struct, frozen=True, kw_only=True):
    """Two pieces of evidence that cannot both hold of the same request at the same time, and why they may differ."""

    code: str
    cause: Cause
    """The cause that it is about."""
    sentence: str
    """What both sides say, in short."""
    sides: tuple[Statement, Statement]
    """The one that counts for more first."""
    reasons: tuple[str, ...]
    """Why they may differ, the most likely first."""
    next_check: str
    """What decides between them."""
    target: str = ""


class Verdict(Struct, frozen=True, kw_only=True):
    """The answer in one sentence, with how sure it is and why.

    `status` is `fault`, `ok` (nothing wrong was found in what was examined) or `unknown` (could not tell).
    `confidence` is `high` (seen directly, documented), `medium` (seen, outcome inferred) or `low`.
    """

    status: Literal["fault", "ok", "unknown"]
    sentence: str
    cause: Cause | None = None
    code: str | None = None
    cloudfront_status: int | None = None
    confidence: Literal["high", "medium", "low"] = "low"
    target: str = ""
    next_check: str = ""
    page: str = ""
    """AWS's page about `cloudfront_status`."""


class NotExamined(Struct, frozen=True, kw_only=True):
    """Something that was not looked at, why, and how to have it looked at."""

    what: str
    why: str
    next_check: str = ""


class Weight(StrEnum):
    """What a change of a configuration can lead to. The first is shown first."""

    CAN_502 = "can_502"
    NEIGHBOUR = "neighbour"
    """Another error that CloudFront gives, such as 503, 504 or 403; not 502."""
    OTHER = "other"
    """No error of CloudFront is known to come from it."""


WEIGHTS: tuple[Weight, ...] = tuple(Weight)


class Change(Struct, frozen=True, kw_only=True):
    """One difference between two configurations, and what it can lead to."""

    where: str
    """The place in AWS's terms, origins by id, behaviors by pattern: `Origins[api].CustomOriginConfig.HTTPSPort`."""
    kind: Literal["changed", "added", "removed", "moved", "renamed"] = "changed"
    before: str
    """The value in a line, secrets redacted; `not set` where there was none."""
    after: str
    weight: Weight
    statuses: tuple[int, ...] = ()
    """The statuses that CloudFront can give because of it; empty where it gives none, or where none is known."""
    causes: tuple[Cause, ...] = ()
    """The causes that it can produce."""
    why: str
    """In one sentence."""
    source: str
    origins: tuple[str, ...] = ()
    """Ids of the origins that it concerns; empty: none in particular."""
    on_path: bool | None = None
    """Whether requests for the failing URL meet it; None: not known, for no URL was given."""


class SeenChange(Struct, frozen=True, kw_only=True):
    """One difference between what was seen in two recordings."""

    target: str
    """`domain:port`, or a name that was resolved; empty: what a person gave."""
    what: str
    """What differs, in a few words: `addresses`, `certificate`."""
    before: str
    after: str


class FindingChange(Struct, frozen=True, kw_only=True):
    """A finding of one or both of two diagnoses."""

    kind: Literal["gone", "new", "kept"]
    status: Status
    code: str
    target: str
    title: str


class Comparison(Struct, frozen=True, kw_only=True):
    """What is different between two configurations, or between two recordings, the one before and the one after."""

    before: str
    """What was there before, for people: `distribution E1EXAMPLE`, `the recording of 2026-11-22 03:12:05 UTC`."""
    after: str
    outcome: Literal["fixed", "broken", "changed", "same", "unknown"]
    """Of two recordings: what became of the verdict. Of two configurations: `changed`, `same`, or `unknown`."""
    sentence: str
    explanation: str = ""
    """Which change can explain the root cause; empty where none is known to."""
    changes: Annotated[tuple[Change, ...], msgspec.Meta(max_length=1000)] = ()
    """Differences of the configuration: those that can cause a 502 first."""
    left_out: int = 0
    """Further differences of the configuration, none weightier than those that are listed."""
    seen: tuple[SeenChange, ...] = ()
    findings: tuple[FindingChange, ...] = ()
    notes: Annotated[tuple[str, ...], msgspec.Meta(max_length=100)] = ()
    """What could not be compared, and what is unusual about the two."""

    @property
    def can_502(self) -> bool:
        """Tell whether a difference can cause a 502, or a fault was found after that was not found before."""
        relevant = (c for c in self.changes if c.weight is Weight.CAN_502 and c.on_path is not False)
        return any(relevant) or any(f.kind == "new" and f.status is Status.FAULT for f in self.findings)


class Wanted(Struct, frozen=True, kw_only=True):
    """A piece of evidence that is missing: what to get, what it would tell, how to get it, and where it goes."""

    key: str
    """Stable: `distribution`, `response`, `logs` …; `check:<code>` for what an undecided finding asks for."""
    what: str
    """What to get, in words."""
    why: str
    """What it would confirm or exclude, in a sentence."""
    causes: tuple[Cause, ...] = ()
    """The causes that it would confirm or exclude; empty: all of them."""
    how: Step
    """How to get it: the command has the values of this incident in it."""
    parameter: str = ""
    """The parameter that takes it (`response`; on the command line `--response`); empty: none."""


class Diagnosis(Struct, frozen=True, kw_only=True):
    """Everything concluded about one incident. The JSON form of this is the public contract, schema 1."""

    schema: Literal[1] = 1
    verdict: Verdict
    stages: tuple[StageResult, ...]
    """The path that the verdict is about; `paths` has every target's."""
    causes: tuple[CauseResult, ...]
    findings: tuple[Finding, ...]
    """Ranked: the root cause first."""
    not_examined: tuple[NotExamined, ...]
    wanted: tuple[Wanted, ...] = ()
    """The evidence that is missing, what would tell most first."""
    contradictions: tuple[Contradiction, ...] = ()
    """What does not go together, that of CloudFront's own word first."""
    paths: tuple[Path, ...] = ()
    changes: Comparison | None = None
    """What is different from an earlier configuration or recording; None: none was given."""
    inputs: dict[str, Any] = {}
    versions: dict[str, str] = {}

    def to_json(self) -> bytes:
        """Return the public JSON contract (UTF-8, indented)."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        from cfrunbook.views.mime import bundle

        return bundle(self)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a diagnosis, generated from these types."""
    return schema_of(Diagnosis, "cfrunbook diagnosis")


def schema_of(document: type, title: str) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a type of documents."""
    from inspect import cleandoc

    schema: dict[str, Any] = msgspec.json.schema(document)
    for definition in schema["$defs"].values():
        if "description" in definition:  # docstrings: only Python 3.13 and later take their indentation away
            definition["description"] = cleandoc(definition["description"])
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = title
    return schema
