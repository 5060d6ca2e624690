"""What AWS's own TLS library adds to our reading: it confirms, or it differs and then both are said.

s2n-tls publishes security policies named after CloudFront (https://github.com/aws/s2n-tls/pull/5460). What it makes of
an origin is evidence of what CloudFront does, not proof: which version and settings an edge location runs is not known.
It never changes a status; where it comes to the same, it becomes evidence of the finding that says so. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from cfrunbook.causes.case import Case
from cfrunbook.causes.hellos import place_of
from cfrunbook.causes.tls_remedies import ENABLE, server_settings
from cfrunbook.cloudfront.origin_tls import POLICY_AT, alert_name, version_name
from cfrunbook.evidence import HandshakeOutcome, SecondOpinion
from cfrunbook.findings import Cause, Evidence, Finding, Remedy, Rule, Stage, Status, Step
from cfrunbook.text import visible

_ASK = (
    "python3 -m cfrunbook.probes.s2n {address!q} {port!q} {sni!q} {minimum!q} {trust!q}"
    "   # in the environment of cfrunbook, with the extra s2n"
)
_VERIFY = Step(text="It must print connected=True, several times in a row.", command=_ASK)
_SEE_WHAT_CLOUDFRONT_DOES = Step(
    text="See what CloudFront itself does: where it cannot connect, its access log has OriginConnectError as"
    " x-edge-detailed-result-type for requests to this origin.",
)


def _rule(code: str, status: Status, title: str, meaning: str, remedy: Remedy | None = None) -> Rule:
    return Rule(
        code=f"tls_protocol.{code}",
        cause=Cause.TLS_PROTOCOL,
        stage=Stage.TLS,
        status=status,
        title=title,
        meaning=meaning + " It is evidence of what CloudFront does, not proof: which version and settings an edge"
        " location runs is not known.",
        source=POLICY_AT,
        reproduce=_ASK,
        remedy=remedy or Remedy(),
        verify=_VERIFY if remedy else Step(text=""),
    )


FAILS = _rule(
    "s2n_fails",
    Status.WARNING,
    "AWS's own TLS library fails at {place} ({at}), where by our reading CloudFront connects: {did}.",
    "s2n-tls shook hands for {sni} under {policy}, AWS's policy for CloudFront. Repeat it: the same error every time is"
    " something that our reading misses, and CloudFront probably meets it too; now and then it is chance, a limit on"
    " connections, or one of several nodes.",
    Remedy(kind="one_of", steps=(_SEE_WHAT_CLOUDFRONT_DOES, *ENABLE.steps)),
)
CONNECTS = _rule(
    "s2n_connects",
    Status.WARNING,
    "AWS's own TLS library connects to {place} ({at}), where by our reading CloudFront does not ({faults}): {chosen}.",
    "s2n-tls shook hands for {sni} under {policy}, AWS's policy for CloudFront. Either CloudFront is stricter than its"
    " library, or our reading is wrong.",
    Remedy(
        kind="one_of",
        steps=(
            _SEE_WHAT_CLOUDFRONT_DOES,
            Step(text="Where requests fail, do what the fault says: its source is what CloudFront promises."),
        ),
    ),
)
AGREES = _rule(
    "s2n_agrees",
    Status.INFO,
    "AWS's own TLS library connects to {place} ({at}) too: {chosen}.",
    "s2n-tls shook hands for {sni} under {policy}, AWS's policy for CloudFront, and accepted certificate and name.",
)
RULES: tuple[Rule, ...] = (FAILS, CONNECTS, AGREES)

_STAGES = (Stage.TCP, Stage.TLS, Stage.CERTIFICATE, Stage.NAME)
_STRICTER: Mapping[str, str] = {
    "certificate.wrong_order": "it sorts a chain itself, and AWS documents that a wrong order fails",
    "certificate.key_unsupported": "it knows no limit on RSA keys, and AWS documents one",
    "tls_protocol.client_certificate_required": "it stops at the handshake's end; TLS 1.3 has the refusal after it",
}
"""By code of a fault: why its library passes over it."""
_WORDLESS = frozenset({"CLOSED", "IO", "NOT_CONNECTED", "TIMEOUT"})
_EXPLAINED: Mapping[str, frozenset[str]] = {
    "tls_name.origin_domain_only": frozenset({"CERT_INVALID_HOSTNAME"}),
    "certificate.too_many": frozenset({"CERT_MAX_CHAIN_DEPTH_EXCEEDED", "CERT_UNTRUSTED"}),
    "tls_protocol.limits_connections": _WORDLESS,
}
"""By code of a warning: the errors of the library that it foresees. Nodes that differ foresee every one."""
_REFUSALS = _WORDLESS | {"ALERT"}
_NODES_DIFFER = "tls_protocol.nodes_differ"


def weigh(case: Case, findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return the findings about one target with what AWS's own TLS library adds to them.

    Where a recording is judged at another moment or with other roots than it was made with, nothing: the library
    cannot be asked again.
    """
    weighed = list(findings)
    for opinion in case.second_opinions if case.is_as_recorded else ():
        weighed = _with_opinion(case, opinion, weighed)
    return tuple(weighed)


def _with_opinion(case: Case, opinion: SecondOpinion, findings: list[Finding]) -> list[Finding]:
    here = [f for f in findings if f.stage in _STAGES and _concerns(f, opinion)]
    faults = [f for f in here if f.status is Status.FAULT]
    undecided = [f for f in here if f.status is Status.UNKNOWN]
    if opinion.connected:
        if any(f.data.get("intermittent") for f in faults):  # it met a node, or a moment, where all is well
            return _supported(findings, faults[0], opinion)
        differing = [f for f in faults if f.code not in _STRICTER]
        if differing:
            return [*findings, _finding(CONNECTS, case, opinion, differing)]
        if faults:
            return _supported(findings, faults[0], opinion, _STRICTER[faults[0].code])
    elif faults:
        return _supported(findings, faults[0], opinion)
    if undecided:
        return _supported(findings, undecided[0], opinion)
    if opinion.connected:
        return [*findings, _finding(AGREES, case, opinion)] if _is_answered(case, opinion) else findings
    foreseen = [f for f in here if f.code == _NODES_DIFFER or opinion.error in _EXPLAINED.get(f.code, ())]
    if foreseen:
        return _supported(findings, foreseen[0], opinion)
    if not _is_answered(case, opinion) or (opinion.error in _WORDLESS and _are_others_turned_away(case, opinion)):
        return findings
    if opinion.error in _REFUSALS and _is_asked_for_certificate(case, opinion):
        return findings  # no finding says so: CloudFront has the certificate that is asked for, and the library has not
    return [*findings, _finding(FAILS, case, opinion)]


def _concerns(finding: Finding, opinion: SecondOpinion) -> bool:
    """Tell whether a finding is about the address and the server name of an opinion, as far as it names any."""
    data = finding.data
    names = data.get("server_names") or data.get("names") or [data.get("sni") or opinion.sni]
    places = data.get("addresses") or [opinion.address]
    return (opinion.address in places or opinion.connected_to in places) and opinion.sni in names


def _is_answered(case: Case, opinion: SecondOpinion) -> bool:
    place = (opinion.address, opinion.connected_to)
    hellos = (h for h in case.handshakes if place_of(h) == place and h.sni == opinion.sni)
    return any(h.outcome is HandshakeOutcome.HELLO for h in hellos)


def _is_asked_for_certificate(case: Case, opinion: SecondOpinion) -> bool:
    place = (opinion.address, opinion.connected_to)
    hellos = (h for h in case.handshakes if place_of(h) == place and h.sni == opinion.sni)
    return any(h.client_certificate_requested for h in hellos)


def _are_others_turned_away(case: Case, opinion: SecondOpinion) -> bool:
    """Tell whether hellos of ours ended without a byte too: a limit, which turns away whoever comes next."""
    place = (opinion.address, opinion.connected_to)
    ended = (HandshakeOutcome.CLOSED, HandshakeOutcome.RESET, HandshakeOutcome.NOT_CONNECTED)
    return any(place_of(h) == place and h.outcome in ended and not h.bytes_received for h in case.scanned)


def _supported(findings: list[Finding], which: Finding, opinion: SecondOpinion, why: str = "") -> list[Finding]:
    """Return the findings, `which` of them with the opinion among its evidence."""
    says = f"AWS's own TLS library, at {visible(opinion.address, 60)}: {_did(opinion)}{f'; {why}' if why else ''}"
    more = Evidence(observation=opinion.id, says=says)
    return [msgspec.structs.replace(f, evidence=(*f.evidence, more)) if f is which else f for f in findings]


def _finding(rule: Rule, case: Case, opinion: SecondOpinion, faults: Sequence[Finding] = ()) -> Finding:
    address, _, port = opinion.connected_to.rpartition(":") if opinion.connected_to else (opinion.address, "", "")
    data: dict[str, Any] = {
        "place": f"{case.target.domain}:{case.target.port}",
        "at": opinion.address,
        "addresses": [opinion.address],
        "address": address.strip("[]"),
        "port": port or str(opinion.port),
        "sni": opinion.sni,
        "minimum": case.target.tls_minimum,
        "policy": opinion.policy,
        "trust": case.roots.path,
        "error": opinion.error,
        "did": _did(opinion),
        "chosen": _chosen(opinion),
        "faults": [f.code for f in faults],
        **server_settings(()),
    }
    evidence = [Evidence(observation=opinion.id, says=f"SNI {visible(opinion.sni, 120)}: {_did(opinion)}")]
    evidence += [e for f in faults for e in f.evidence[:1]]
    return rule.finding(target=case.target.id, evidence=evidence, **data)


def _did(opinion: SecondOpinion) -> str:
    """Return what came of it, in a few words."""
    if opinion.connected:
        return f"connected, {_chosen(opinion)}"
    error = visible(opinion.error, 60) or "it failed"
    if opinion.alert is not None:
        return f"{error} {opinion.alert} ({alert_name(opinion.alert)})"
    return f"{error} ({visible(opinion.detail, 120)})" if opinion.detail else error


def _chosen(opinion: SecondOpinion) -> str:
    version = version_name(opinion.version) if opinion.version is not None else "an unknown version"
    return f"{version} with {visible(opinion.cipher, 60) or 'an unknown suite'}"
