"""JSON: configurations, policies, rules, events, results, captures, recordings, alarms. Told by their members alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from cfrunbook.cloudfront import documents
from cfrunbook.errors import BadInput
from cfrunbook.evidence import GivenKind
from cfrunbook.recognizing import alarms, earlier, mentions
from cfrunbook.recognizing.taken import GIVEN, MENTIONED, Content, Taken, other
from cfrunbook.text import join_names, visible

_LOG_MEMBERS = frozenset({"sc-status", "x-edge-location", "x-edge-result-type", "sc_status", "x_edge_result_type"})
_POLICIES = frozenset({"OriginRequestPolicy", "CachePolicy", "VpcOrigin", "OriginRequestPolicyList", "CachePolicyList"})
_RESULT_MEMBERS = frozenset({"uri", "method", "querystring", "headers", "status", "statusCode", "clientIp", "body"})
_OTHERS: tuple[tuple[frozenset[str], str, str], ...] = (
    (frozenset({"LoadBalancers"}), "the output of describe-load-balancers",
     "A load balancer behind CloudFront is looked at by its name: give the origin."),
    (frozenset({"TargetHealthDescriptions"}), "the output of describe-target-health",
     "With a distribution's id it is fetched from AWS and judged."),
    (frozenset({"Certificate", "CertificateChain"}), "the output of acm get-certificate",
     "The certificate that counts is the one that the origin sends: give the origin."),
    (frozenset({"CertificateSummaryList"}), "the output of acm list-certificates",
     "The certificate that counts is the one that the origin sends: give the origin."),
    (frozenset({"ResourceRecordSets"}), "the output of list-resource-record-sets",
     "Name resolution is looked at from the root down: give the origin."),
    (frozenset({"HostedZones"}), "the output of list-hosted-zones", "Give the origin: its zone is looked at."),
    (frozenset({"FunctionSummary"}), "the output of describe-function",
     "Give what the function returned: aws cloudfront test-function."),
    (frozenset({"DistributionTenant"}), "a distribution tenant", "Give the distribution that it belongs to."),
    (frozenset({"AWSTemplateFormatVersion"}), "a CloudFormation template", ""),
    (frozenset({"Resources"}), "a CloudFormation template", ""),
    (frozenset({"terraform_version"}), "Terraform's state", ""),
    (frozenset({"planned_values"}), "a plan of Terraform", ""),
)  # fmt: skip
"""Members by which a document is known that is of no use here: what it is, and what to give instead."""
_GET = "Give what `aws cloudfront get-distribution --id ...` prints."


def read(content: Content, text: str) -> list[Taken] | None:
    """Return what a JSON document is; None where the text is none. Never raises."""
    if text.lstrip("\ufeff \t\r\n")[:1] not in ("{", "["):
        return None
    if len(content.content) > documents.MAX_BYTES:
        return _large(content)
    try:
        value = documents.decode(content.content, "Document", "it")
    except BadInput as error:
        return _lines(content, text) or _not_json(content, text, error)
    for reader in _READERS:
        if (found := reader(content, value)) is not None:
            return found
    return [
        *other(f"JSON with the members {join_names(_members(value), 4)}, which is nothing that is known here"),
        *mentions.read(text),
    ]


def _members(value: Any) -> list[str]:
    first = value[0] if isinstance(value, list) and value else value
    return [visible(key, 40) for key in list(first)[:40]] if isinstance(first, Mapping) and first else ["none"]


def _large(content: Content) -> list[Taken]:
    """Return what more than 16 MiB of JSON can be: a capture or a recording, read by their own readers."""
    if content.content[:4096].find(b'"cfrunbook.evidence"') >= 0:
        return _recording(content)
    return _response(content) or other(
        f"more than {documents.MAX_BYTES // (1024 * 1024)} MiB of JSON",
        "Only captures (HAR), recordings and logs may be as large; give the part that matters.",
    )


def _not_json(content: Content, text: str, error: BadInput) -> list[Taken] | None:
    """Return what begins as JSON and is none; None where it is rather something else, as nginx's or Terraform's."""
    start = text.lstrip("\ufeff \t\r\n")
    if not re.match(r"[{\[]\s*(?:[\"{\[\]}]|-?\d|true|false|null)", start):
        return None
    why = re.sub(r"^Document: it ", "", str(error)).rstrip(".")
    return [*other(f"JSON that cannot be read: it {why}", "Save it again, whole."), *mentions.read(text)]


# --- one document -------------------------------------------------------------------------------------------------


def _own(content: Content, value: Any) -> list[Taken] | None:
    """Return what this program wrote itself."""
    if not isinstance(value, Mapping):
        return None
    match value.get("kind"):
        case "cfrunbook.evidence":
            return _recording(content)
        case "cfrunbook.lab":
            if content.path is None:
                return other("the file of a running lab", "Name the file: it leads to others beside it.")
            return [_taken(content, GivenKind.LAB, "a running lab", "lab")]
        case "cfrunbook.function-run":
            return [_taken(content, GivenKind.FUNCTION_RESULT, "a recorded run of an edge function", "function_result")]
    if {"verdict", "findings", "stages"} <= value.keys():
        return other("a diagnosis of cfrunbook", "It cannot be judged again: give the evidence.json it rests on.")
    if {"nbformat", "cells"} <= value.keys():
        return other("a Jupyter notebook")
    return None


def _recording(content: Content) -> list[Taken]:
    from cfrunbook import evidence

    try:
        seen = evidence.from_json(content.content, name=content.label)
    except BadInput as error:
        return other(f"a recording of cfrunbook that cannot be read: {error}")
    value: Any = content.path if content.path is not None else seen
    return [
        Taken(
            kind=GivenKind.EVIDENCE,
            what=f"a recording of {seen.recorded_at:%Y-%m-%d %H:%M} by {visible(seen.vantage, 60)}",
            input="evidence",
            value=value,
            shown=_shown(content),
            newest=seen.recorded_at.timestamp(),
            identity=visible(seen.vantage, 60),
            marks=earlier.marks_of_recording(seen),
            names=("", seen.inputs.origin.partition(":")[0].lower()),
            notes=("It is judged, and nothing is probed.",),
        )
    ]


def _policy(content: Content, value: Any) -> list[Taken] | None:
    first = value[0] if isinstance(value, list) and value else value
    if not isinstance(first, Mapping):
        return None
    if first.keys() & {"OriginRequestPolicyConfig", "CachePolicyConfig"} and "Id" not in first:
        return other("a policy's configuration without its id", "Give what get-cache-policy --id ... prints.")
    held = [key for key in _POLICIES if isinstance(first.get(key), Mapping)]
    if not held:
        return None
    from cfrunbook.cloudfront import policies

    try:
        known = policies.load([content.source])
    except BadInput as error:
        return other(f"a policy that cannot be read: {error}")
    what = {"VpcOrigin": "a VPC origin", "CachePolicy": "a cache policy"}.get(held[0], "an origin request policy")
    names = [
        visible(policy.name, 60)
        for policy in (*known.origin_request.values(), *known.cache.values())
        if any(policy.id in str(document.get(key, {})) for document in known.given for key in _POLICIES)
    ][:4]
    named = f" ({join_names(names)})" if names else ""
    if held[0].endswith("List"):
        what = "cache policies" if held[0].startswith("Cache") else "origin request policies"
    return [_taken(content, GivenKind.POLICY, f"{what}{named}", "policies")]


def _distribution(content: Content, value: Any) -> list[Taken] | None:
    first = value[0] if isinstance(value, list) and value else value
    if not isinstance(first, Mapping):
        return None
    inner = first.get("Distribution", first)
    config = inner.get("DistributionConfig", inner) if isinstance(inner, Mapping) else {}
    is_one = isinstance(config, Mapping) and {"Origins", "DefaultCacheBehavior"} & config.keys()
    if not is_one and not isinstance(first.get("DistributionList"), Mapping) and not _is_list(first):
        return None
    from cfrunbook.cloudfront import distribution_reader

    try:
        read = distribution_reader.parse(value, name=content.label)
    except BadInput as error:
        if "give the failing URL to choose one" in str(error):
            return [_taken(content, GivenKind.DISTRIBUTION, "a list of distributions", "distribution")]
        return other("a distribution's configuration that cannot be used", str(error).removeprefix("Distribution: "))
    return [
        msgspec.structs.replace(
            _taken(content, GivenKind.DISTRIBUTION, f"the configuration of {visible(read.title, 80)}", "distribution"),
            identity=read.id or read.domain_name or ",".join(read.aliases) or "a distribution without an id",
            names=(*read.names, "", *(origin.domain_name.lower() for origin in read.origins)),
            newest=earlier.modified(inner),
            marks=earlier.marks(read, config),
            digest=earlier.digest(config),
        )
    ]


def _is_list(value: Mapping[str, Any]) -> bool:
    items = value.get("Items")
    return isinstance(items, list) and bool(items) and isinstance(items[0], Mapping) and "Origins" in items[0]


def _captured(content: Content, value: Any) -> list[Taken] | None:
    log = value.get("log") if isinstance(value, Mapping) else None
    if isinstance(log, Mapping) and "entries" in log:
        return _response(content) or other(
            "a HAR file without a failing response and without one from CloudFront",
            "Save it again while the request fails.",
        )
    return None


def _logs(content: Content, value: Any) -> list[Taken] | None:
    first = value[0] if isinstance(value, list) and value else value
    if not isinstance(first, Mapping) or len(first.keys() & _LOG_MEMBERS) < 2:
        return None
    return [logs(content, "an access log in JSON")]


def logs(content: Content, what: str) -> Taken:
    """Return that a content is an access log; one that came as bytes is put into a file."""
    from cfrunbook.recognizing import spool

    try:
        path = content.path or (None if content.is_head else spool.put(content.content, content.name))
    except BadInput as error:
        return Taken(kind=GivenKind.LOGS, what=what, notes=(str(error),))
    return Taken(kind=GivenKind.LOGS, what=what, input="logs", value=path, shown=_shown(content), identity=str(path))


def _ranges(content: Content, value: Any) -> list[Taken] | None:
    if not isinstance(value, Mapping) or not {"prefixes", "syncToken"} <= value.keys():
        return None
    from cfrunbook.firewall import address_ranges

    try:
        read = address_ranges.read(value)
    except BadInput as error:
        return other("AWS's ip-ranges.json", str(error).removeprefix("Address ranges: "))
    what = f"AWS's list of addresses of {visible(read.create_date, 40)}"
    return [_taken(content, GivenKind.ADDRESS_RANGES, what, "address_ranges")]


def _event(content: Content, value: Any) -> list[Taken] | None:
    from cfrunbook.functions import event_reader

    try:
        found = event_reader.read_events(value if isinstance(value, Mapping | list) else content.content)
    except BadInput:
        return None
    first = found[0]
    what = f"the event of a {first.event_type} function ({first.kind})"
    notes = () if len(found) == 1 else (f"It holds {len(found)} events: say which with --event-type.",)
    taken = _taken(content, GivenKind.FUNCTION_EVENT, what, "function_event")
    following = [taken] if not notes else [msgspec.structs.replace(taken, notes=notes)]
    from cfrunbook.recognizing import words

    if words.REQUEST_ID.fullmatch(first.request_id):
        following.append(msgspec.structs.replace(words.request_id(first.request_id), rank=MENTIONED))
    return following


def _result(content: Content, value: Any) -> list[Taken] | None:
    """Return that a document is what a function returned, where its members leave little doubt."""
    if not isinstance(value, Mapping):
        return None
    inner = value.get("TestResult")
    is_test = isinstance(inner, Mapping) and "FunctionOutput" in inner
    shape = value.keys() & _RESULT_MEMBERS
    wrapped = {"request", "response"} & value.keys() and len(value) <= 2
    is_request = {"uri", "method"} <= shape or ({"uri", "headers"} <= shape)
    is_response = ("status" in shape or "statusCode" in shape) and bool(shape & {"headers", "body"})
    if not (is_test or is_request or is_response or wrapped) or (not is_test and not wrapped and _is_gateway(value)):
        return None
    from cfrunbook.functions import inputs

    what = "the output of aws cloudfront test-function" if is_test else "what an edge function returned"
    taken = _taken(content, GivenKind.FUNCTION_RESULT, what, "function_result")
    try:
        inputs.read(content.content)
    except BadInput:
        note = "It does not show which kind of function returned it: say --function-kind, or give its event too."
        return [msgspec.structs.replace(taken, notes=(note,))]
    return [taken]


def _is_gateway(value: Mapping[str, Any]) -> bool:
    return bool(value.keys() & {"message", "Message", "errors", "error", "timestamp", "path", "type", "title"})


def _firewall(content: Content, value: Any) -> list[Taken] | None:
    from cfrunbook.firewall import kinds

    try:
        found = kinds.of_document(value, content.label)
    except BadInput:
        return None
    return rules(content, found)


def rules(content: Content, kind: str) -> list[Taken]:
    """Return that a content is the rules of a firewall."""
    from cfrunbook.firewall import dumps, kinds

    try:
        dump = dumps.read(content.content, visible(content.path.name if content.path else content.name or "given", 120))
    except BadInput as error:
        return other(f"{kinds.title(kind)} that cannot be read", str(error).removeprefix("Firewall: "))
    taken = _taken(content, GivenKind.FIREWALL, kinds.title(kind), "firewall")
    return [msgspec.structs.replace(taken, value=dump, identity=dump.kind)]


def _error_body(content: Content, value: Any) -> list[Taken] | None:
    """Return that a document is the answer of a gateway: `{"message": "Internal server error"}` and the like."""
    return _response(content) if isinstance(value, Mapping) and len(value) <= 8 else None


def _alarm(_: Content, value: Any) -> list[Taken] | None:
    return alarms.read(value)


def _known_others(content: Content, value: Any) -> list[Taken] | None:
    first = value[0] if isinstance(value, list) and value else value
    if not isinstance(first, Mapping):
        return None
    for members, what, note in _OTHERS:
        if members <= first.keys():
            return other(what, note or _GET)
    if {"resource", "aws_cloudfront_distribution"} & first.keys():
        return other("Terraform", _GET)
    return None


_READERS: tuple[Callable[[Content, Any], list[Taken] | None], ...] = (
    _own, _captured, _policy, _distribution, _logs, _ranges, _firewall, _event, _result, _known_others, _alarm,
    _error_body,
)  # fmt: skip


# --- several lines ------------------------------------------------------------------------------------------------


def _lines(content: Content, text: str) -> list[Taken] | None:
    """Return what JSON Lines are: a log, events, results of a function; None where that is not what it is."""
    lines = [line for line in text.lstrip("\ufeff").splitlines()[:50] if line.strip()]
    if len(lines) < 2 or not all(line.lstrip()[:1] == "{" for line in lines[:2]):
        return None
    try:
        first = documents.decode(lines[0].encode("utf-8", "replace"), "Document", "it")
    except BadInput:
        return None
    for reader in (_logs, _lines_of_events, _lines_of_results):
        if (found := reader(content, first)) is not None:
            return found
    return None


def _lines_of_events(content: Content, first: Any) -> list[Taken] | None:
    return _event(content, content.content) if _event(content, first) else None


def _lines_of_results(content: Content, first: Any) -> list[Taken] | None:
    if (found := _result(content, first)) is None:
        return None
    return [msgspec.structs.replace(found[0], what="results of an edge function, one on a line")]


# --- parts --------------------------------------------------------------------------------------------------------


def _response(content: Content) -> list[Taken] | None:
    from cfrunbook.recognizing import texts

    return texts.response(content)


def _taken(content: Content, kind: GivenKind, what: str, name: str) -> Taken:
    value = content.source
    return Taken(kind=kind, what=what, input=name, value=value, shown=_shown(content), rank=GIVEN)


def _shown(content: Content) -> str:
    return visible(content.path, 2000) if content.path is not None else visible(content.name, 300)
