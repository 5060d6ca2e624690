"""An incident: what is known, and from it which origins, names and ports to examine, and why.

Everything a person can give comes in through `Incident.load`, from files, values, a recording or a running lab.
"""

from __future__ import annotations

import datetime as dt
import math
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import msgspec
from msgspec.structs import replace

from cfrunbook import evidence as recordings
from cfrunbook import hostname
from cfrunbook.aws_facts import AwsFacts
from cfrunbook.cloudfront import distribution_reader as distributions
from cfrunbook.cloudfront import documents, origins, plan, policies, viewer_url
from cfrunbook.cloudfront.distribution import Distribution
from cfrunbook.cloudfront.documents import Source
from cfrunbook.cloudfront.plan import Plan, Stop
from cfrunbook.cloudfront.policies import Policies
from cfrunbook.cloudfront.targets import Target
from cfrunbook.cloudfront.viewer_url import ViewerUrl
from cfrunbook.errors import BadInput
from cfrunbook.evidence import (
    AddressRanges,
    CapturedResponse,
    FirewallDump,
    FunctionResult,
    Inputs,
    Observations,
    Recognized,
)
from cfrunbook.findings import Comparison, Finding, NotExamined, Stage, StageResult, StageStatus, Status
from cfrunbook.redaction import Secrets
from cfrunbook.text import join_names, visible

if TYPE_CHECKING:
    from cfrunbook.cloudfront.captured_response import ResponseSource
    from cfrunbook.firewall.dumps import Rules
    from cfrunbook.functions.cloudfront_function.known_origins import KnownOrigins
    from cfrunbook.functions.inputs import Handler, ResultSource
    from cfrunbook.log_summary import LogSummary
    from cfrunbook.logs.given import LogSource
    from cfrunbook.logs.given import Progress as LogProgress
    from cfrunbook.probes.dns.hints import Hint
    from cfrunbook.probes.relocation import Relocations
    from cfrunbook.recognizing import Anything
    from cfrunbook.x509.roots import TrustStore

Pace = Literal["polite", "fast"]

DEFAULT_DEADLINE = 5.0
"""Seconds that one probe may take."""
SHORTEST_DEADLINE, LONGEST_DEADLINE = 0.05, 600.0
DEFAULT_EXPIRY_DAYS = 14
LONGEST_EXPIRY_DAYS = 825
"""Beyond this, a certificate is always about to expire."""
_DNS_PORT = 53
_LONGEST_INTERFACE = 15
"""Bytes of an interface's name on Linux (IFNAMSIZ without its NUL)."""
_SOURCE_FIELDS = (
    "distribution", "before", "trust_store", "root_hints", "function_result", "function_event", "handler", "logs",
    "response",
)  # fmt: skip
_LAB_OPTIONS = (
    "distribution", "policies", "before", "url", "origin", "host", "connect_to", "trust_store", "deadline", "pace",
    "resolver", "root_hints", "at", "vantage", "name", "expiry_days", "keep_alive", "function_result", "function_event",
    "event_type", "function_kind", "handler", "run_handler", "logs", "response", "firewall", "aws",
)  # fmt: skip


MAX_FACTS = 5
"""Results of functions that are named one by one."""
MAX_RECOGNIZED_FACTS = 20
"""Things given without saying what they are, of which each is told by itself."""


class Fact(msgspec.Struct, frozen=True):
    """One thing that is known about an incident, for people."""

    label: str
    value: str
    why: str = ""


class Incident(msgspec.Struct, frozen=True):
    """What is known about a failing request, and what is to be examined because of it."""

    inputs: Inputs
    """What was given, redacted; enough to load the same incident again."""
    distribution: Distribution | None
    policies: Policies
    url: ViewerUrl | None
    plan: Plan
    findings: tuple[Finding, ...]
    """What the configuration alone shows."""
    relocations: Relocations
    roots: TrustStore
    at: dt.datetime | None
    """The moment to judge at; None: now, or when the recording was made."""
    deadline: float
    """Seconds that one probe may take."""
    pace: Pace
    vantage: str
    expiry_days: int
    """A certificate that ends within so many days is about to expire."""
    resolver: tuple[str, ...]
    """Addresses of the resolvers to ask; empty: the system's."""
    address_ranges_url: str
    """Where AWS's ip-ranges.json is to be fetched from when looking; empty: it is not."""
    keep_alive: bool
    """Whether to watch how long the origin keeps an idle connection open."""
    handler: Handler | None
    """The handler of an edge function that is to be run here; None: none was given, or running was not asked for."""
    root_hints: tuple[Hint, ...]
    """The root's name servers where they are not the internet's; empty: the built-in ones."""
    observations: Observations | None
    """The recording to judge instead of probing."""
    before: Incident | None
    """The incident of an earlier recording, to be compared with; None: none was given."""
    name: str
    """A short name fit for a folder."""
    secrets: Secrets = Secrets()
    """Values of custom headers, to be taken out of what others wrote."""

    @classmethod
    def load(
        cls,
        *,
        anything: Anything = None,
        distribution: Source | None = None,
        policies: Source | Sequence[Source] | None = (),
        before: Source | Observations | None = None,
        url: str | None = "",
        origin: str | None = "",
        host: str | None = "",
        connect_to: str | Sequence[str] | None = (),
        trust_store: Path | str | None = None,
        evidence: Path | str | Observations | None = None,
        lab: Path | str | None = None,
        vantage: str | None = "",
        at: dt.datetime | str | None = None,
        deadline: float | None = None,
        pace: str | None = "",
        resolver: str | Sequence[str] | None = (),
        root_hints: Path | str | None = None,
        expiry_days: int | None = None,
        keep_alive: bool | str | None = None,
        firewall: Rules | Sequence[Rules] | None = (),
        interface: str | None = "",
        destination: str | None = "",
        address_ranges: Source | None = None,
        function_result: ResultSource | Sequence[ResultSource] | tuple[FunctionResult, ...] = None,
        function_event: ResultSource = None,
        event_type: str | None = "",
        function_kind: str | None = "",
        handler: Path | str | None = None,
        run_handler: bool | str | None = None,
        key_value_store: Path | str | None = None,
        response: ResponseSource | Sequence[ResponseSource] | None = (),
        logs: LogSource | Sequence[LogSource] | None = (),
        aws: AwsFacts | None = None,
        name: str | None = "",
        secrets: Secrets | None = None,
        progress: LogProgress | None = None,
    ) -> Incident:
        """Return the incident that these inputs describe; any subset will do that gives something to examine.

        That is a distribution, an origin, a captured response, access logs, or an edge function's result or handler. A
        handler is only run, which is code execution on this machine, if `run_handler` says so. Access logs are read
        here, last and whole; `progress` is told how many bytes were read, about, and how many there are. `anything` is
        whatever a person has, files, folders, texts, URLs, ids: what it is is told from its content, and what is given
        by name wins. `before` is the configuration, or a recording, of a time when it worked: what changed since then
        becomes a part of the diagnosis. `secrets` are those that a distribution lost before it was given; they are
        taken out of what others wrote, as those of a distribution given whole are.

        What is given here wins over the options of `lab`, and those over the inputs of `evidence`. Raises BadInput,
        in one sentence, for anything that cannot be used; never another exception.
        """
        given: dict[str, Any] = {
            "anything": anything,
            "distribution": distribution, "policies": policies,
            "before": before, "url": url, "origin": origin, "host": host,
            "connect_to": connect_to, "trust_store": trust_store, "vantage": vantage, "at": at, "deadline": deadline,
            "pace": pace, "resolver": resolver, "root_hints": root_hints, "expiry_days": expiry_days,
            "keep_alive": keep_alive, "firewall": firewall, "interface": interface, "destination": destination,
            "address_ranges": address_ranges, "name": name,
            "function_result": function_result, "function_event": function_event, "event_type": event_type,
            "function_kind": function_kind, "handler": handler, "run_handler": run_handler,
            "key_value_store": key_value_store,
            "response": response,
            "logs": logs,
            "aws": aws,
            "secrets": secrets,
        }  # fmt: skip
        given = {key: value for key, value in given.items() if value not in (None, "", (), [], {})}
        if "anything" in given:
            from cfrunbook import recognizing

            given = recognizing.applied(given | {"evidence": evidence, "lab": lab})
            evidence, lab = given.pop("evidence"), given.pop("lab")
            if isinstance(given.get("distribution"), str) and recognizing.has_id_alone(given):
                given = recognizing.not_fetched(given, "It was not fetched: `cfrunbook.fetch` does that.")
            given["anything"] = given["anything"].items
        scenario, options = _lab(lab) if lab else ("", {})
        observations = _recording(evidence) if evidence else None
        recorded = observations.inputs if observations else Inputs()
        return _assemble(given, options, recorded, observations, scenario, progress=progress)

    @property
    def targets(self) -> tuple[Target, ...]:
        """What is to be examined, in the order in which CloudFront comes to it."""
        return self.plan.targets

    @property
    def not_examined(self) -> tuple[NotExamined, ...]:
        """What is not examined, and why."""
        return self.plan.not_examined

    @property
    def known_origins(self) -> KnownOrigins | None:
        """The distribution's origins, as far as they decide what a CloudFront Function may do; None without one."""
        if self.distribution is None:
            return None
        from cfrunbook.functions.cloudfront_function import known_origins

        ways = {route.behavior.target_origin_id for route in self.plan.routes}
        return known_origins.of_distribution(self.distribution, ways.pop() if len(ways) == 1 else "")

    def stages_for(self, target: Target) -> tuple[StageResult, ...]:
        """Return what the configuration says of the stages up to the connection: distribution, behavior, origin."""
        stop = self.plan.stop(target.id)
        if stop is None:
            return ()
        said = {
            Stage.DISTRIBUTION: self._distribution_sentence(),
            Stage.BEHAVIOR: _behavior_sentence(stop, self.distribution),
            Stage.ORIGIN: _origin_sentence(stop),
        }
        return tuple(self._stage(stage, sentence, target) for stage, sentence in said.items())

    def describe(self) -> tuple[Fact, ...]:
        """Return what is examined and why, for people, in the order in which CloudFront comes to it."""
        return tuple(self._facts())

    def _facts(self) -> Iterable[Fact]:
        if self.inputs.lab:
            yield Fact("Lab scenario", self.inputs.lab, "made for training and tests, not a real incident")
        yield from self._recognized_facts()
        if self.distribution:
            kind = "Staging distribution" if self.distribution.staging else "Distribution"
            yield Fact(kind, self.distribution.title, join_names(list(self.distribution.names)))
            yield from self._deployment_facts(self.distribution)
        if self.url:
            yield Fact("URL", self.url.text)
        if self.inputs.before:
            found = len(self.inputs.before.changes) + self.inputs.before.left_out
            count = f"{found} difference{'s' * (found != 1)} to the configuration now"
            yield Fact("Before", self.inputs.before.before, count)
        if self.before and self.before.observations:
            when = self.before.observations.recorded_at.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
            yield Fact("Before", f"the recording of {when}", "judged too, and compared")
        for route in self.plan.routes:
            yield Fact("Cache behavior", visible(route.behavior.path_pattern), " ".join(route.why))
        for stop in self.plan.stops:
            target = stop.target
            yield Fact("Origin", f"{visible(target.domain)}:{target.port} ({target.protocol})", target.why)
            if target.not_probed:
                yield Fact("Not probed", visible(target.domain), target.not_probed)
                continue
            for sent in target.names:
                perhaps = "" if sent.certain else " (perhaps)"
                yield Fact("Host and SNI" if target.protocol == "https" else "Host", f"{sent.host}{perhaps}", sent.why)
        for dump in self.inputs.firewall:
            from cfrunbook.firewall import kinds

            yield Fact("Firewall", visible(dump.name, 80), f"its {kinds.title(dump.kind)} are judged, not probed")
        if self.inputs.firewall and (self.inputs.interface or self.inputs.destination):
            by = f"by {visible(self.inputs.interface, 40)}" if self.inputs.interface else ""
            to = f"to {self.inputs.destination}" if self.inputs.destination else ""
            yield Fact("Firewall", f"{by} {to}".strip(), "how the internet's packets come to its machine")
        if self.inputs.address_ranges:
            made = visible(self.inputs.address_ranges.create_date, 40)
            yield Fact("Address ranges", f"of {made}", visible(self.inputs.address_ranges.source, 200) or "given")
        if self.address_ranges_url:
            yield Fact("Address ranges", "as they are when looking", f"fetched from {self.address_ranges_url}")
        yield from self._function_facts()
        for response in self.inputs.responses:
            shown = response.status if response.status is not None else "no status"
            origin = f"response {response.number} of {response.name}" if response.name else "as given"
            yield Fact("Captured response", f"{response.version} {shown}".strip(), visible(origin, 120))
        yield from self._log_facts()
        at_53 = [e for e in self.relocations.entries if e.port == _DNS_PORT]
        servers = [e for e in at_53 if hostname.is_address(e.host)]
        others = [e for e in at_53 if servers and not e.host]
        for entry in self.relocations.entries:
            if entry not in (*servers, *others):
                yield Fact("Connects to", str(entry), "instead of what name resolution says")
        if servers:
            places = "1 address" if len(servers) == 1 else f"{len(servers)} addresses"
            any_other = " and every other" if others else ""
            yield Fact("Name servers", f"{places}{any_other}, relocated", f"asked elsewhere; the first: {servers[0]}")
        yield Fact("Trusts", self.roots.name)

    def _deployment_facts(self, distribution: Distribution) -> Iterable[Fact]:
        policy = distribution.continuous_deployment_policy_id
        if policy:
            found = self.policies.continuous.get(policy)
            says = (
                f"{found.requests} to {join_names(list(found.staging_names))}" if found else "which requests: not given"
            )
            yield Fact("Continuous deployment", visible(policy, 80), f"a staging distribution: {says}")

    def _recognized_facts(self) -> Iterable[Fact]:
        """Yield what each thing was taken for that was given without saying what it is."""
        given = self.inputs.recognized
        for item in given[:MAX_RECOGNIZED_FACTS]:
            how = f"given as {item.input.replace('_', '-')}" if item.input else "no input"
            yield Fact("Given", item.given, f"taken for {item.what}; {how}")
        if len(given) > MAX_RECOGNIZED_FACTS:
            yield Fact("Given", f"and {len(given) - MAX_RECOGNIZED_FACTS} more")

    def _log_facts(self) -> Iterable[Fact]:
        if self.inputs.logs is None:
            return
        from cfrunbook.logs import words

        logs = self.inputs.logs
        when = words.span(logs.first_request, logs.last_request) if logs.requests else ""
        # The moment to judge at is no window: whoever wants one counts with `cfrunbook logs --since --until`.
        whole = "all of it counts, also what is far from the moment to judge at" if self.at else "all of it counts"
        yield Fact("Access logs", f"{logs.requests:,} requests {when}".strip(), f"{words.files(logs.files)}; {whole}")

    def _function_facts(self) -> Iterable[Fact]:
        given = self.inputs.functions
        for one in given[:MAX_FACTS]:
            kind = "Lambda@Edge" if one.kind == "lambda-edge" else "CloudFront Functions"
            with_event = "compared with its event" if one.event else "its event was not given"
            when = one.event_type or "the event type was not said"
            yield Fact("Function result", visible(one.name or "given as text", 120), f"{kind}, {when}; {with_event}")
        if len(given) > MAX_FACTS:
            yield Fact("Function result", f"and {len(given) - MAX_FACTS} more")
        if self.handler:
            event = self.handler.event
            made = f"the event in {event.name}" if event.name else "an event made for it"
            yield Fact("Handler", visible(self.handler.path, 120), f"run here, {event.event_type}, with {made}")

    def _distribution_sentence(self) -> tuple[StageStatus, str]:
        if self.distribution is None:
            return "not_applicable", "No distribution was given: the origin is examined by itself."
        title = visible(self.distribution.title, 80)
        if self.url:
            return "ok", f"Distribution {title} serves {self.url.host}."
        names = f" ({join_names(list(self.distribution.names), 3)})" if self.distribution.names else ""
        return "ok", f"Distribution {title}{names} is read; no URL was given, so all its behaviors count."

    def _stage(self, stage: Stage, said: tuple[StageStatus, str], target: Target) -> StageResult:
        status, sentence = said
        mine = sorted(
            (f for f in self.findings if f.stage is stage and f.target in ("", target.id)),
            key=lambda f: list(_STAGE_STATUS).index(f.status),
        )
        if mine and (worse := _STAGE_STATUS[mine[0].status]) != "ok":
            status, sentence = worse, mine[0].title
        codes = tuple(dict.fromkeys(f.code for f in mine))
        return StageResult(stage=stage, status=status, sentence=sentence, target=target.id, findings=codes)


_STAGE_STATUS: Mapping[Status, StageStatus] = {
    Status.FAULT: "fault",
    Status.UNKNOWN: "unknown",
    Status.WARNING: "warning",
    Status.INFO: "ok",
    Status.OK: "ok",
}


def _assemble(
    given: Mapping[str, Any],
    options: Mapping[str, Any],
    recorded: Inputs,
    observations: Observations | None,
    scenario: str,
    *,
    progress: LogProgress | None,
) -> Incident:
    """Merge the three places that inputs come from, and work out the plan."""
    from cfrunbook.causes import distribution as judgement
    from cfrunbook.probes import relocation

    def pick(key: str) -> Any:
        value = given.get(key, options.get(key))
        return getattr(recorded, key, None) if value is None else value

    def pick_given(key: str) -> Any:
        return given.get(key, options.get(key))

    recognized: tuple[Recognized, ...] = given.get("anything") or recorded.recognized
    url_text = _text(pick("url"), "URL")
    url = viewer_url.parse(url_text) if url_text else None
    origin, host = _text(pick("origin"), "Origin").strip(), _text(pick("host"), "Host").strip()
    source = pick("distribution")
    read = distributions.load(source, url=url_text) if source is not None else None
    known = policies.load(_sources(pick("policies")))
    if read:
        planned = plan.of_distribution(read, known, url=url, origin=origin, host=host)
    elif origin:
        planned = plan.of_origin(origin, host=host, url=url)
    elif (
        recorded.functions
        or given.get("function_result", options.get("function_result")) is not None
        or (given.get("handler", options.get("handler")) is not None)
        or (observations and observations.function_runs)
    ):
        planned = plan.of_functions()
    elif direct := _direct_evidence(pick_given, recorded):
        planned = plan.of_direct_evidence(direct)
    elif recognized:
        planned = plan.of_nothing()
    else:
        raise BadInput(
            "There is nothing to examine: give a distribution (the output of aws cloudfront get-distribution), an"
            " origin (NAME or NAME:PORT), a captured response, access logs, an edge function's result, a recording or a"
            " lab."
        )
    is_kept = given.get("distribution", options.get("distribution")) is None
    compared, earlier, secrets = _before(pick_given("before"), recorded, source, is_kept=is_kept, known=known, url=url)
    secrets |= (read.secrets if read else Secrets()) | _secrets(given.get("secrets"))
    connect_to = _texts(pick("connect_to"), "--connect-to")
    roots = _roots(given.get("trust_store", options.get("trust_store")), recorded)
    name = _text(pick("name"), "Name")
    ranges_url = _ranges_url(given.get("address_ranges"))
    inputs = Inputs(
        recognized=recognized,
        name=name,
        distribution=read.document if read else None,
        policies=known.given,
        before=compared,
        url=url.text if url else "",
        origin=origin,
        host=host,
        connect_to=connect_to,
        trust_anchors=None if roots.is_mozilla else roots.anchors,
        trust_store=roots.name,
        trust_store_path=roots.path,
        firewall=_firewall(pick_given("firewall"), recorded),
        interface=_interface(pick("interface")),
        destination=_destination(pick("destination")),
        address_ranges=None if ranges_url else _address_ranges(given.get("address_ranges"), recorded),
        functions=_function_results(pick_given, recorded),
        responses=_responses(pick_given("response"), recorded),
        aws=_aws(pick_given("aws"), recorded),
        lab=scenario or recorded.lab,
    )
    vantage = _text(given.get("vantage", options.get("vantage")), "Vantage")
    incident = Incident(
        inputs=inputs,
        distribution=read,
        policies=known,
        url=url,
        plan=planned,
        findings=judgement.judge_plan(planned, read, known),
        relocations=relocation.parse_all(connect_to),
        roots=roots,
        at=moment(given.get("at", options.get("at"))),
        deadline=_deadline(given.get("deadline", options.get("deadline"))),
        pace=_pace(given.get("pace", options.get("pace"))),
        vantage=vantage or (observations.vantage if observations else "this machine"),
        expiry_days=_expiry_days(given.get("expiry_days", options.get("expiry_days"))),
        resolver=_resolvers(given.get("resolver", options.get("resolver"))),
        address_ranges_url=ranges_url,
        keep_alive=_flag("Keep-alive", pick_given("keep_alive")),
        handler=_handler(pick_given, read, url, known),
        root_hints=_root_hints(given.get("root_hints", options.get("root_hints"))),
        observations=observations,
        before=earlier,
        name=_slug(name or (url.host if url else "") or origin or (read.id or read.domain_name if read else "")),
        secrets=secrets,
    )
    if logs := _logs(pick_given("logs"), recorded, progress):  # last: to read them may take a while
        incident = replace(incident, inputs=replace(inputs, logs=logs))
    return _without_secrets(incident, secrets) if secrets else incident


def _without_secrets(incident: Incident, secrets: Secrets) -> Incident:
    """Return the incident, and the one before, with secrets taken out of what others wrote, whatever was read first."""
    from cfrunbook import free_text

    seen, before, inputs = incident.observations, incident.before, free_text.of_inputs(incident.inputs, secrets)
    return replace(
        incident,
        inputs=inputs,
        policies=replace(incident.policies, given=inputs.policies),
        observations=free_text.of_observations(seen, secrets) if seen is not None else None,
        before=_without_secrets(before, secrets) if before is not None else None,
    )


def _before(
    value: Any, recorded: Inputs, source: Any, *, is_kept: bool, known: Policies, url: ViewerUrl | None
) -> tuple[Comparison | None, Incident | None, Secrets]:
    """Return how the configuration differs from the one before, else as the recording has it; and the incident before.

    Last come the secrets of the configuration before. `is_kept`: the configuration now is a recording's, without
    secrets. Raises BadInput.
    """
    if value is None:
        return recorded.before, None, Secrets()
    from cfrunbook import comparison_inputs as compared

    text = url.text if url else ""
    side = compared.load(value, known, url=text, what="Before")
    if side.policies is not None:
        raise BadInput(f"Before: {side.name} is a policy; give a distribution's configuration, or a recording.")
    earlier = Incident.load(evidence=side.observations) if side.observations is not None else None
    if side.configuration is None or source is None:
        if earlier is None:
            raise BadInput("Before: there is no configuration now to compare with: give the distribution too.")
        return None, earlier, Secrets()
    now = compared.load(source, known, url=text, what="Distribution")
    if is_kept and now.configuration is not None:
        now = replace(now, configuration=compared.of_kept(now.configuration.distribution, known))
    return compared.compare(side, now, url=url), earlier, side.configuration.distribution.secrets


def _recording(source: Path | str | Observations) -> Observations:
    if isinstance(source, Observations):
        return source
    if isinstance(source, str | os.PathLike):
        return recordings.load(Path(source))
    raise BadInput(f"Evidence: give a file, not a value of type {type(source).__name__}.")


class _LabFile(msgspec.Struct, forbid_unknown_fields=True):
    kind: Literal["cfrunbook.lab"]
    schema: Literal[1]
    scenario: str = ""
    options: dict[str, Any] = {}


def _lab(source: Path | str) -> tuple[str, dict[str, Any]]:
    """Return the scenario and the options of a lab file, its relative paths made absolute."""
    if not isinstance(source, str | os.PathLike):
        raise BadInput(f"Lab: give a file, not a value of type {type(source).__name__}.")
    path, shown = Path(source), visible(source)
    try:
        file = msgspec.convert(documents.read(path, "Lab"), _LabFile)
    except msgspec.ValidationError as error:
        raise BadInput(f"Lab: {shown} is not the file of a running lab ({visible(error, 120)}).") from None
    if unknown := [key for key in file.options if key not in _LAB_OPTIONS]:
        raise BadInput(f"Lab: {shown} has the option '{visible(unknown[0], 60)}', which this version does not know.")
    options = dict(file.options)
    for key in _SOURCE_FIELDS:
        if isinstance(options.get(key), str):
            options[key] = path.parent / options[key]
    for key in ("policies", "firewall"):
        if isinstance(options.get(key), list):
            options[key] = [path.parent / one if isinstance(one, str) else one for one in options[key]]
    if "aws" in options:
        options["aws"] = _facts_of(path.parent, options["aws"])
    return file.scenario, options


def _facts_of(folder: Path, name: Any) -> AwsFacts:
    """Return what a lab's AWS account says. Raises BadInput."""
    try:
        return msgspec.convert(documents.read(folder / str(name), "Lab"), AwsFacts)
    except msgspec.ValidationError as error:
        raise BadInput(f"Lab: {visible(name, 80)} is not what an account says ({visible(error, 120)}).") from None


def _roots(trust_store: Any, recorded: Inputs) -> TrustStore:
    """Return the roots of a PEM file, else those of the recording, else Mozilla's."""
    from cfrunbook.x509 import roots

    if trust_store is not None:
        if not isinstance(trust_store, str | os.PathLike):
            raise BadInput(f"Trust store: give a file, not a value of type {type(trust_store).__name__}.")
        return roots.load(Path(trust_store))
    if recorded.trust_anchors is not None:
        name = recorded.trust_store or "the recording's trust store"
        store = roots.from_der(recorded.trust_anchors, name=name, path=recorded.trust_store_path)
        if not store.anchors or len(store.certificates) < len(store.anchors):
            raise BadInput("Evidence: its trust_anchors hold one that is no certificate, or none at all; refused.")
        return store
    return roots.mozilla()


def _firewall(value: Any, recorded: Inputs) -> tuple[FirewallDump, ...]:
    """Return the rule dumps that were given, else those of the recording. Raises BadInput."""
    found = recorded.firewall
    if value is None and not found:
        return ()
    from cfrunbook.firewall import answer, dumps

    if value is not None:
        found = tuple(dumps.load(one) for one in (value if isinstance(value, list | tuple) else (value,)))
        if not answer.decides(found):
            raise BadInput("Firewall: what was given only goes with rules, and has none itself; give the rules too.")
    dumps.check(found)
    return found


def _interface(value: Any) -> str:
    """Return the name of a network interface. Raises BadInput."""
    name = _text(value, "Interface")
    if len(name) > _LONGEST_INTERFACE or re.search(r"[\s/]", name):
        raise BadInput(f"Interface: '{visible(name, 60)}' is no name of a network interface, such as eth0.")
    return name


def _destination(value: Any) -> str:
    """Return an IP address. Raises BadInput."""
    address = _text(value, "Destination")
    if address and (not hostname.is_address(address) or "%" in address or "[" in address):
        raise BadInput(f"Destination: '{visible(address, 60)}' is no IP address.")
    return address


def _ranges_url(value: Any) -> str:
    """Return where the address ranges are to be fetched; empty where they are not. Raises BadInput."""
    if not isinstance(value, str):
        return ""
    from cfrunbook import live_ranges

    return live_ranges.url_of(value)


def _address_ranges(value: Any, recorded: Inputs) -> AddressRanges | None:
    """Return the ranges given, or our own if newer, else those of the recording; None for our own. Raises BadInput."""
    if value is None and recorded.address_ranges is None:
        return None
    from cfrunbook.firewall import address_ranges

    if value is not None:
        return address_ranges.newest(address_ranges.read(value))
    if recorded.address_ranges is not None:
        address_ranges.check(recorded.address_ranges)
    return recorded.address_ranges


def _function_results(pick: Callable[[str], Any], recorded: Inputs) -> tuple[FunctionResult, ...]:
    """Return the results of edge functions that were given, else those of the recording. Raises BadInput."""
    if pick("function_result") is None:
        return recorded.functions
    from cfrunbook.functions import inputs

    given = pick("function_result")
    if isinstance(given, tuple) and all(isinstance(one, FunctionResult) for one in given):
        return given
    return inputs.load(
        given,
        event=pick("function_event"),
        event_type=_text(pick("event_type"), "Event type"),
        kind=_text(pick("function_kind"), "Function kind"),
    )


def _responses(value: Any, recorded: Inputs) -> tuple[CapturedResponse, ...]:
    """Return the captured responses that were given, else those of the recording. Raises BadInput."""
    if value is None:
        return recorded.responses
    from cfrunbook.cloudfront import captured_response

    return captured_response.load(value)


def _logs(value: Any, recorded: Inputs, progress: LogProgress | None) -> LogSummary | None:
    """Return what the access logs say that were given, else those of the recording. Raises BadInput."""
    if value is None and recorded.logs is None:
        return None
    from cfrunbook.logs import given

    if value is not None:
        return given.load(value, progress)
    if recorded.logs is not None:
        given.check(recorded.logs)
    return recorded.logs


def _direct_evidence(pick: Callable[[str], Any], recorded: Inputs) -> str:
    """Return what was given of CloudFront's own word, for a sentence; empty for none of it."""
    has_response = recorded.responses or pick("response") is not None
    has_logs = recorded.logs is not None or pick("logs") is not None
    named = [*(["a captured response"] if has_response else []), *(["access logs"] if has_logs else [])]
    return " and ".join(named)


def _handler(
    pick: Callable[[str], Any], read: Distribution | None, url: ViewerUrl | None, known: Policies
) -> Handler | None:
    """Return the handler that is to be run and the event for it. Raises BadInput."""
    if pick("handler") is None:
        if pick("key_value_store") is not None:
            raise BadInput("Key value store: it is for a run of the function; give its code too (--handler).")
        return None
    if not _flag("Run handler", pick("run_handler")):
        raise BadInput(
            "Handler: running it is code execution on this machine, so it is only done when asked for: add"
            " --run-handler; or give a result that it returned (--function-result)."
        )
    from cfrunbook.functions import inputs

    return inputs.handler(
        pick("handler"),
        event=pick("function_event"),
        event_type=_text(pick("event_type"), "Event type"),
        kind=_text(pick("function_kind"), "Function kind"),
        distribution=read,
        url=url,
        policies=known,
        key_value_store=pick("key_value_store"),
    )


def _aws(value: Any, recorded: Inputs) -> AwsFacts | None:
    """Return what was fetched from an AWS account, else what the recording has of it. Raises BadInput."""
    if value is not None and not isinstance(value, AwsFacts):
        raise BadInput(f"AWS: give what `cfrunbook.fetch` returns, not a value of type {type(value).__name__}.")
    return recorded.aws if value is None else value


def _secrets(value: Any) -> Secrets:
    """Return the secrets of a distribution that was given without them. Raises BadInput, without the value."""
    if value is not None and not isinstance(value, Secrets):
        raise BadInput(f"Secrets: give what `cfrunbook.fetch` returns, not a value of type {type(value).__name__}.")
    return value or Secrets()


def _sources(value: Any) -> Sequence[Source]:
    """Return several documents, where one may be given by itself."""
    if value is None:
        return ()
    return value if isinstance(value, list | tuple) else (value,)


def _text(value: Any, what: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadInput(f"{what}: give text, not a value of type {type(value).__name__}.")
    try:
        value.encode()
    except UnicodeEncodeError:  # how bytes of the command line that are not UTF-8 reach us
        raise BadInput(f"{what}: it holds bytes that are not UTF-8 text.") from None
    return value


def _texts(value: Any, what: str) -> tuple[str, ...]:
    """Return a list of words; one string may hold several, with spaces or commas between them."""
    parts = [value] if isinstance(value, str) else ([] if value is None else value)
    if not isinstance(parts, list | tuple) or not all(isinstance(part, str) for part in parts):
        raise BadInput(f"{what}: give text or a list of texts.")
    return tuple(word for part in parts for word in re.split(r"[\s,]+", _text(part, what)) if word)


def _resolvers(value: Any) -> tuple[str, ...]:
    """Return resolvers' addresses. Raises BadInput for one that is none, before anything is asked of it."""
    words = _texts(value, "--resolver")
    if words:
        from cfrunbook.probes import resolve

        for word in words:
            resolve.server(word)
    return words


def _root_hints(value: Any) -> tuple[Hint, ...]:
    """Return the name servers in a root hints file; none where there is no file. Raises BadInput."""
    if value is None:
        return ()
    if not isinstance(value, str | os.PathLike):
        raise BadInput(f"Root hints: give a file, not a value of type {type(value).__name__}.")
    from cfrunbook.probes.dns import hints

    return hints.load(Path(value))


def moment(value: Any) -> dt.datetime | None:
    """Return an aware moment; one without a time zone is UTC. Raises BadInput for what is none."""
    if value is None:
        return None
    if isinstance(value, str):
        try:
            value = dt.datetime.fromisoformat(value.strip())
        except ValueError:
            raise BadInput(f"At: '{visible(value, 60)}' is not a time like 2026-11-22T18:00:00Z.") from None
    if not isinstance(value, dt.datetime):
        raise BadInput(f"At: give a time like 2026-11-22T18:00:00Z, not a value of type {type(value).__name__}.")
    return value if value.tzinfo else value.replace(tzinfo=dt.UTC)


def _deadline(value: Any) -> float:
    if value is None:
        return DEFAULT_DEADLINE
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        seconds = math.nan
    if SHORTEST_DEADLINE <= seconds <= LONGEST_DEADLINE:
        return seconds
    raise BadInput(
        f"Deadline: '{visible(value, 40)}' is not a number of seconds from {SHORTEST_DEADLINE:g} to"
        f" {LONGEST_DEADLINE:g}."
    )


def _expiry_days(value: Any) -> int:
    if value is None:
        return DEFAULT_EXPIRY_DAYS
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= 4:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LONGEST_EXPIRY_DAYS:
        return value
    raise BadInput(
        f"Expiry days: '{visible(value, 40)}' is not a whole number of days from 1 to {LONGEST_EXPIRY_DAYS}."
    )


def _flag(what: str, value: Any) -> bool:
    """Return yes or no, also as an environment variable says it."""
    known = {"": False, "0": False, "no": False, "false": False, "1": True, "yes": True, "true": True}
    text = "" if value is None else str(value).strip().lower()
    if text not in known:
        raise BadInput(f"{what}: '{visible(value, 40)}' is neither yes nor no.")
    return known[text]


def _pace(value: Any) -> Pace:
    if value is None or value in ("polite", "fast"):
        return cast(Pace, value or "polite")
    raise BadInput(f"Pace: '{visible(value, 40)}' is neither polite nor fast.")


def _slug(name: str) -> str:
    """Return `name` as a folder name: lower case letters, digits, dots and hyphens."""
    slug = re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.")[:60].strip("-.")
    return slug or "incident"


def _behavior_sentence(stop: Stop, distribution: Distribution | None) -> tuple[StageStatus, str]:
    if distribution is None:
        return "not_applicable", "No distribution was given: which behavior sends requests there is not known."
    if not stop.routes:
        return "not_applicable", "No behavior sends requests to this origin."
    route = stop.routes[0]
    if route.url:
        return "ok", " ".join(route.why[1:2])
    titles = list(dict.fromkeys(r.behavior.title for r in stop.routes))
    sentence = f"{join_names(titles, 4)} send{'s' if len(titles) == 1 else ''} requests there."
    return "ok", sentence[0].upper() + sentence[1:]


def _origin_sentence(stop: Stop) -> tuple[StageStatus, str]:
    target = stop.target
    where = f"{visible(target.domain, 120)}, port {target.port}, by {target.protocol}"
    if stop.origin is None:
        return "ok", f"You named it: {where}."
    title = origins.KINDS[target.kind].title
    if target.not_probed:
        return "ok", f"Origin {visible(stop.origin.id, 80)} is {title}: {visible(target.domain, 120)}."
    place = f" ({target.role} in its group)" if target.role != "only" else ""
    return "ok", f"Origin {visible(stop.origin.id, 80)}{place} is {title}: {where}."
