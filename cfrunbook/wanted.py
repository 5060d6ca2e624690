"""The evidence that is missing: what to get next, why, and how, with the values of this incident. Pure.

Each kind of evidence is a row of `KINDS`, with the causes that it would confirm or exclude and how much it tells. What
is there already is left out; what bears on the cause that the verdict is about comes before the rest.
"""

from __future__ import annotations

import datetime as dt
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from cfrunbook import direct_evidence
from cfrunbook.cloudfront import function_associations
from cfrunbook.cloudfront.distribution import FunctionAssociation
from cfrunbook.errors import BadInput
from cfrunbook.evidence import GivenKind
from cfrunbook.findings import Cause, Diagnosis, Stage, Status, Step, Wanted
from cfrunbook.text import check_parts, join_names, visible

if TYPE_CHECKING:
    from cfrunbook.incident import Incident

MAX_CHECKS = 4
"""Undecided findings of which each says what would settle it."""
MAX_IDS = 6
"""Policies or functions that are fetched by one command each."""

_ORIGIN_SIDE = (Cause.TLS_NAME, Cause.TLS_PROTOCOL, Cause.CERTIFICATE, Cause.PORT, Cause.DNS)


class Kind(msgspec.Struct, frozen=True):
    """One kind of evidence."""

    key: str
    worth: int
    """How much it tells: the higher, the earlier it is wanted."""
    causes: tuple[Cause, ...]
    parameter: str
    what: str
    why: str


KINDS: Mapping[str, Kind] = {
    kind.key: kind
    for kind in (
        Kind(
            "distribution", 100, (), "distribution", "The distribution's configuration",
            "It says to which origin, port and names the failing request goes, and which functions it meets.",
        ),
        Kind(
            "response", 90, (Cause.CLOUDFRONT, Cause.ORIGIN_RESPONSE, Cause.EDGE_FUNCTION), "response",
            "A response that fails, with its header",
            "It says who made the error, CloudFront, a function or the origin, and whether it is a cached one.",
        ),
        Kind(
            "url", 80, (), "url", "The failing URL",
            "It selects one cache behavior, and with it the origin; without it all of them count.",
        ),
        Kind(
            "origin", 70, _ORIGIN_SIDE, "origin", "The origin's name",
            "Without a distribution it is what can be looked at: name resolution, port, TLS, certificate.",
        ),
        Kind(
            "evidence", 66, (Cause.PORT, Cause.DNS), "evidence", "A recording from where the origin can be reached",
            "From here it could not be reached, which may be so for this place alone.",
        ),
        Kind(
            "firewall", 62, (Cause.PORT,), "firewall", "The rules of what stands before the origin",
            "They say whether CloudFront's addresses are let in, all of them or some.",
        ),
        Kind(
            "policies", 60, (Cause.TLS_NAME,), "policies", "The policies of the cache behavior",
            "They say whether Host goes to the origin, and so for which name its certificate must be.",
        ),
        Kind(
            "vpc_origin", 58, (Cause.PORT, Cause.TLS_PROTOCOL), "policies", "The VPC origin's settings",
            "Its ports and protocols are not in the distribution.",
        ),
        Kind(
            "logs", 56, (), "logs", "Access logs of the minutes in which it failed",
            "x-edge-detailed-result-type names the cause in CloudFront's own words, with since when and how often.",
        ),
        Kind(
            "function_log", 50, (Cause.EDGE_FUNCTION,), "", "The log lines about the edge functions on the way",
            "CloudFront's line about a function's result names the rule that was broken.",
        ),
        Kind(
            "function_result", 48, (Cause.EDGE_FUNCTION,), "function_result", "What the edge functions return",
            "A result that breaks a rule is a 502 of CloudFront's own; one that breaks none excludes that.",
        ),
    )
}  # fmt: skip


def of(incident: Incident, diagnosis: Diagnosis) -> tuple[Wanted, ...]:
    """Return the evidence that is missing, what would tell most first. No input or output, no clock."""
    known = _Known(incident, diagnosis)
    found: list[tuple[int, Wanted]] = [(_worth(KINDS[w.key], known), w) for w in _missing(known)]
    found += [(95 - number, w) for number, w in enumerate(_checks(known))]
    told = (wanted for _, wanted in sorted(found, key=lambda pair: -pair[0]))
    return tuple(map(_of_lab, told)) if incident.inputs.lab else tuple(told)


_ELSEWHERE = re.compile(r"(?:^|[\s(=])(?:aws|sudo|cfrunbook aws) ", re.MULTILINE)
"""A command that asks an AWS account, or the machine of an origin."""
_LAB_HAS_NONE = "This is a lab: no AWS account has its distribution, and there is nothing to get. In a real incident:"
_INSIDE_LAB = (
    "This is a lab. Its names are found inside it: where `cfrunbook lab shell` leads, or, in a training notebook, in"
    " the field for commands."
)
"""No command that leads there: a lab's own name says neither what it was started as, nor whether a kernel has it."""


def _of_lab(wanted: Wanted) -> Wanted:
    """Return evidence that is missing in a lab, without commands that lead out of it."""
    how = wanted.how
    if _ELSEWHERE.search(how.command):
        text = how.text.removesuffix(":").rstrip(".")
        how = Step(text=f"{_LAB_HAS_NONE} {text[:1].lower()}{text[1:]}.")
    elif how.command.startswith("curl "):
        how = Step(text=f"{_INSIDE_LAB} {how.text}", command=how.command)
    return msgspec.structs.replace(wanted, how=how)


class _Known:
    """What the incident and its diagnosis tell: the values that commands are made of."""

    def __init__(self, incident: Incident, diagnosis: Diagnosis) -> None:
        self.incident, self.diagnosis = incident, diagnosis
        self.verdict = diagnosis.verdict
        given = incident.inputs.recognized
        mentioned = [item for item in given if item.kind is GivenKind.DISTRIBUTION_ID]
        self.distribution = incident.distribution
        self.id = (self.distribution.id if self.distribution else "") or (mentioned[0].value if mentioned else "")
        self.request_id = next((i.value for i in given if i.kind is GivenKind.REQUEST_ID), "")
        self.pop = next((i.value for i in given if i.kind is GivenKind.POP), "")
        for response in incident.inputs.responses:
            self.request_id = self.request_id or response.field("x-amz-cf-id")
            self.pop = self.pop or response.field("x-amz-cf-pop")
        self.moment = _moment(incident, diagnosis)
        self.functions: tuple[FunctionAssociation, ...] = function_associations.in_order(
            tuple(dict.fromkeys(f for route in incident.plan.routes for f in route.functions))
        )

    @property
    def host(self) -> str:
        """The name that viewers ask for; empty where it is not known."""
        if self.incident.url:
            return self.incident.url.host
        return next((n for n in self.distribution.names if "*" not in n), "") if self.distribution else ""

    @property
    def url(self) -> str:
        """The URL to ask for, without its query, whose values are not kept."""
        if self.incident.url:
            return self.incident.url.text.partition("?")[0]
        return f"https://{self.host}/" if self.host else "https://HOST/PATH"

    @property
    def is_settled(self) -> bool:
        """Whether a fault was seen directly: then what is missing confirms it, and finds no other."""
        return self.verdict.status == "fault" and self.verdict.confidence == "high"

    def stage(self, stage: Stage) -> str:
        """The worst that happened at a stage, over all paths."""
        seen = {s.status for path in self.diagnosis.paths for s in path.stages if s.stage is stage}
        return next((s for s in ("fault", "unknown", "warning", "ok") if s in seen), "")


def _moment(incident: Incident, diagnosis: Diagnosis) -> tuple[dt.datetime, bool]:
    """Return when it failed and whether that was said; else when it was looked at."""
    if incident.at is not None:
        return incident.at, True
    told = [i.value for i in incident.inputs.recognized if i.kind is GivenKind.TIME and i.value]
    told += [r.at.isoformat() for r in incident.inputs.responses if r.at is not None]
    for text in told:
        try:
            return dt.datetime.fromisoformat(text), True
        except ValueError:
            continue
    return dt.datetime.fromisoformat(str(diagnosis.inputs["recorded_at"])), False


def _worth(kind: Kind, known: _Known) -> int:
    cause = known.verdict.cause
    bears = cause is not None and known.verdict.status == "unknown" and cause in kind.causes
    return kind.worth + (40 if bears else 0)


def _missing(known: _Known) -> Iterator[Wanted]:
    for key, command in _COMMANDS.items():
        how = command(known)
        if how is not None:
            kind = KINDS[key]
            why = f"To make sure that this is what viewers get. {kind.why}" if _confirms(known, key) else kind.why
            yield Wanted(
                key=key, what=kind.what, why=why, causes=kind.causes, how=how, parameter=kind.parameter
            )  # fmt: skip


def _confirms(known: _Known, key: str) -> bool:
    return known.is_settled and key in ("response", "logs")


def _checks(known: _Known) -> Iterator[Wanted]:
    """Yield what would settle the findings that could not be decided; they know best themselves.

    What CloudFront's own word leaves open is settled by a look at the origin: where a fault was seen there that it may
    mean, nothing is open; where nothing says which origin it is, the distribution is wanted, and that is said already.
    """
    undecided = [
        f
        for f in known.diagnosis.findings
        if f.status is Status.UNKNOWN
        and f.next_check
        and (known.incident.targets or not direct_evidence.is_direct(f))
        and not (known.is_settled and known.verdict.cause in direct_evidence.candidates(f))
    ]
    for finding in list({f.next_check: f for f in reversed(undecided)}.values())[::-1][:MAX_CHECKS]:
        text, command = check_parts(finding.next_check)
        yield Wanted(
            key=f"check:{finding.code}",
            what="An answer to what was left open",
            why=finding.title,
            causes=(finding.cause,),
            how=Step(text=text, command=command or finding.reproduce),
        )


# --- how, by kind: None where it is there already, or would tell nothing ------------------------------------------


def _distribution(known: _Known) -> Step | None:
    if known.distribution is not None or (known.is_settled and known.incident.targets):
        return None
    if known.id:
        file = f"{known.id}.json"
        return Step(
            text=f"In the account of the distribution {known.id}:",
            command=f"aws cloudfront get-distribution --id {known.id} > {file}",
        )
    list_all = "aws cloudfront list-distributions --output text --query "
    if known.host:
        has = f"contains(Aliases.Items || `[]`, '{known.host}') || DomainName=='{known.host}'"
        query = shlex.quote(f"DistributionList.Items[?{has}].Id")
        return Step(
            text=f"In the account that serves {visible(known.host, 120)} (an alias may also be a wildcard):",
            command=f'id=$({list_all}{query})\naws cloudfront get-distribution --id "$id" > distribution.json',
        )
    query = shlex.quote("DistributionList.Items[].[Id,DomainName,Comment]")
    return Step(
        text="Find its id in the list, then get it:",
        command=f"{list_all}{query}\naws cloudfront get-distribution --id ID > distribution.json",
    )


def _response(known: _Known) -> Step | None:
    captured = known.incident.inputs.responses
    if any(r.headers and (r.status or 0) >= 500 for r in captured):
        return None
    query = ", with the query it fails with" if known.incident.url and "?" in known.incident.url.text else ""
    text = "The page alone was given; ask again with the header" if captured else "While it fails"
    return Step(
        text=f"{text}{query}, two or three times; once with another path shows whether it is all of them:",
        command=f"curl -sSi {shlex.quote(known.url)} > response.txt",
    )


def _url(known: _Known) -> Step | None:
    if known.incident.url is not None or known.distribution is None or len(known.incident.plan.routes) < 2:
        return None
    return Step(text="As the browser, the pager or the access log has it (cs-uri-stem), with its host.")


def _origin(known: _Known) -> Step | None:
    if known.distribution is not None or known.incident.targets:
        return None
    return Step(
        text="Who runs the origin knows its name (CloudFront console > Distributions > Origins > Origin domain):",
        command="cfrunbook diagnose --origin ORIGIN_DOMAIN"
        + (f" --url {shlex.quote(known.url)}" if known.incident.url else ""),
    )


def _evidence(known: _Known) -> Step | None:
    targets = [t for t in known.incident.targets if not t.not_probed]
    open_stages = known.stage(Stage.TCP) == "unknown" or known.stage(Stage.DNS) == "unknown"
    if not targets or not open_stages or known.incident.inputs.lab:
        return None
    first = targets[0]
    return Step(
        text="On a machine on the internet, or one that may reach the origin; then judge the recording here:",
        command=f"cfrunbook diagnose --origin {shlex.quote(f'{first.domain}:{first.port}')}"
        " --save-evidence evidence.json",
    )


_BALANCER = re.compile(r"\.elb\.[a-z0-9-]+\.amazonaws\.com$|\.[a-z0-9-]+\.elb\.amazonaws\.com$")


def _firewall(known: _Known) -> Step | None:
    targets = [t for t in known.incident.targets if not t.not_probed]
    about = known.verdict.cause is Cause.PORT or known.stage(Stage.TCP) in ("fault", "unknown")
    if known.incident.inputs.firewall or not targets or not (about or known.verdict.status == "ok"):
        return None
    first = targets[0]
    balancers = [t for t in targets if _BALANCER.search(t.domain)]
    if balancers:
        name = balancers[0].domain.removeprefix("dualstack.")
        region = next((p for p in name.split(".") if re.fullmatch(r"[a-z]{2}(?:-[a-z]+)+-\d", p)), "")
        at = f" --region {region}" if region else ""
        query = shlex.quote(f"LoadBalancers[?DNSName=='{name}'].SecurityGroups[]")
        return Step(
            text=f"The security groups of the load balancer {visible(name, 120)}:",
            command=f"aws ec2 describe-security-groups{at} --group-ids $(aws elbv2 describe-load-balancers{at}"
            f" --query {query} --output text) > security-groups.json",
        )
    return Step(
        text=f"On the machine behind {visible(first.domain, 120)}, port {first.port}; of an EC2 instance its security"
        " groups too (aws ec2 describe-security-groups):",
        command="sudo iptables-save > iptables.txt; sudo nft -j list ruleset > nftables.json",
    )


def _policies(known: _Known) -> Step | None:
    policies = known.incident.policies
    commands: list[str] = []
    for route in known.incident.plan.routes:
        behavior = route.behavior
        for identity, ours, name in (
            (behavior.cache_policy_id, policies.cache, "get-cache-policy"),
            (behavior.origin_request_policy_id, policies.origin_request, "get-origin-request-policy"),
        ):
            if identity and identity not in ours and re.fullmatch(r"[A-Za-z0-9-]{1,64}", identity):
                commands.append(f"aws cloudfront {name} --id {identity} > {identity}.json")
    return _commands("Policies of your own are not in the distribution:", commands)


def _vpc_origin(known: _Known) -> Step | None:
    if known.distribution is None:
        return None
    lacking = [
        origin.vpc_origin_id
        for origin in known.distribution.origins
        if origin.vpc_origin_id
        and origin.vpc_origin_id not in known.incident.policies.vpc_origins
        and any(stop.origin is not None and stop.origin.id == origin.id for stop in known.incident.plan.stops)
        and re.fullmatch(r"[A-Za-z0-9_-]{1,64}", origin.vpc_origin_id)
    ]
    return _commands(
        "A VPC origin's ports and protocols are settings of its own:",
        [f"aws cloudfront get-vpc-origin --id {i} > {i}.json" for i in lacking],
    )


def _commands(text: str, commands: list[str]) -> Step | None:
    distinct = list(dict.fromkeys(commands))[:MAX_IDS]
    return Step(text=text, command="\n".join(distinct)) if distinct else None


def _logs(known: _Known) -> Step | None:
    if known.incident.inputs.logs is not None:
        return None
    moment, is_said = known.moment
    start, end = moment - dt.timedelta(minutes=30 if is_said else 60), moment + dt.timedelta(minutes=30)
    window = f"--since {_minute(start)} --until {_minute(end)}"
    bucket, prefix = _standard_logs(known)
    identity = known.id or "ID"
    fetch = f"cfrunbook aws logs {identity} --folder logs {window}"
    if bucket and known.id:
        hour = start.astimezone(dt.UTC)
        patterns = {f"*{known.id}.{h:%Y-%m-%d-%H}*" for h in (hour, hour + dt.timedelta(hours=1))}
        included = " ".join(f"--include {shlex.quote(p)}" for p in sorted(patterns))
        place = shlex.quote(f"s3://{bucket}/{prefix}")
        return Step(
            text=f"Standard logs go to the bucket {visible(bucket, 80)}; they come some minutes late:",
            command=f"{fetch}\n# or\naws s3 cp {place} logs/ --recursive --exclude '*' {included}",
        )
    where = (
        "Where they go is asked of AWS (standard logs, v2 deliveries)"
        if known.distribution is None or known.id
        else "The distribution's id is not in what was given"
    )
    return Step(text=f"{where}; they come some minutes late:", command=fetch)


def _standard_logs(known: _Known) -> tuple[str, str]:
    """Return the bucket and prefix of standard logs (v1); empty where they are off or not known."""
    if known.distribution is None:
        return "", ""
    document: Any = known.distribution.document
    outer = document.get("Distribution", document)
    config = outer.get("DistributionConfig", outer) if isinstance(outer, Mapping) else {}
    logging = config.get("Logging") if isinstance(config, Mapping) else None
    if not isinstance(logging, Mapping) or logging.get("Enabled") is not True:
        return "", ""
    bucket, prefix = logging.get("Bucket"), logging.get("Prefix")
    if not isinstance(bucket, str) or not re.fullmatch(r"[a-z0-9.-]{3,120}", bucket):
        return "", ""
    return bucket.split(".s3.")[0], prefix if isinstance(prefix, str) and prefix.isprintable() else ""


def _minute(moment: dt.datetime) -> str:
    return f"{moment.astimezone(dt.UTC):%Y-%m-%dT%H:%MZ}"


def _function_log(known: _Known) -> Step | None:
    if not known.functions or known.incident.inputs.functions or _has_function_log(known):
        return None
    from cfrunbook.functions import log_places

    moment, is_said = known.moment
    try:
        window = log_places.around(moment) if is_said else log_places.Window(moment - dt.timedelta(hours=1), moment)
        place = log_places.log_places(known.functions[0], distribution_id=known.id, pop=known.pop)[0]
        search = log_places.search(place, window, request_id=known.request_id)
    except (BadInput, OverflowError):
        return None
    regions = f" Look into these regions in this order: {join_names(list(place.regions), 4)}."
    return Step(
        text=f"Log group {place.group}, of {visible(known.functions[0].title, 120)}.{regions}",
        command=(f"# which regions have it\n{place.find}\n" if len(place.regions) > 1 else "") + search.filter,
    )


def _has_function_log(known: _Known) -> bool:
    return any(item.kind is GivenKind.FUNCTION_LOG for item in known.incident.inputs.recognized)


def _function_result(known: _Known) -> Step | None:
    if known.incident.inputs.functions or not (known.functions or _has_function_log(known)):
        return None
    commands: list[str] = []
    for function in known.functions[:MAX_IDS]:
        arn = function_associations.read_arn(function)
        if arn is None:
            continue
        make = f"cfrunbook function --print-event --kind {function.kind} --event-type {function.event}"
        event = f"{make} --url {shlex.quote(known.url)} > event.json"
        if function.kind == "cloudfront-function":
            name = shlex.quote(arn.name)
            commands.append(
                f"{event}\naws cloudfront test-function --stage LIVE --name {name} --event-object fileb://event.json"
                f" --if-match $(aws cloudfront describe-function --stage LIVE --name {name} --query ETag --output text)"
                f" > {name}.json"
            )
        else:
            region = arn.region or function_associations.REGION
            version = f" --qualifier {arn.qualifier}" if arn.is_version else ""
            name = shlex.quote(arn.name)
            commands.append(
                f"{event}\naws lambda invoke --region {region} --function-name {name}{version}"
                f" --cli-binary-format raw-in-base64-out --payload file://event.json {name}.json"
            )
    return Step(
        text="Run each with an event like that of the failing request (this runs the function in your account):"
        if commands
        else "As the function returned it, as JSON; or its code and event, to be run here (cfrunbook function --help).",
        command="\n".join(commands),
    )


_COMMANDS: Mapping[str, Callable[[_Known], Step | None]] = {
    "distribution": _distribution,
    "response": _response,
    "url": _url,
    "origin": _origin,
    "evidence": _evidence,
    "firewall": _firewall,
    "policies": _policies,
    "vpc_origin": _vpc_origin,
    "logs": _logs,
    "function_log": _function_log,
    "function_result": _function_result,
}
