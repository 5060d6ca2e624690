"""Cause "TLS name": the origin's certificate is for another name than the one that CloudFront sends.

CloudFront sends the Origin Domain as server name, or the viewer's Host where a policy forwards it, and looks for
either on the certificate.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/http-502-bad-gateway.html#ssl-negotitation-failure
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from cfrunbook.causes import tls_name_rules as rules
from cfrunbook.causes.case import Case
from cfrunbook.causes.hellos import observe, place_of
from cfrunbook.causes.remedies import NO_ID
from cfrunbook.causes.sightings import Sightings, connect_to, sni_option, some_requests_fail, spread
from cfrunbook.causes.tls_name_rules import AWS_PAGE, RULES
from cfrunbook.causes.unmet import Unmet, unmet
from cfrunbook.cloudfront.targets import ServerName
from cfrunbook.evidence import Handshake, HandshakeOutcome
from cfrunbook.findings import Cause, Evidence, Finding, Remedy, Rule, Status
from cfrunbook.hostname import MAX_NAME, canonical
from cfrunbook.text import join_names, visible
from cfrunbook.x509.certificate import CertificateFacts, read
from cfrunbook.x509.names import Match, MatchedBy, find_match, matches, near_misses
from cfrunbook.x509.path import MAX_CERTIFICATES, presumed_leaf

CAUSE = Cause.TLS_NAME
NOTEBOOK = "01_tls_name"

_SHOWN = 50  # names listed in a finding's data
_MAX_EVIDENCE = 12
_REFUSALS = {
    40: "alert 40 (handshake_failure)",
    80: "alert 80 (internal_error)",
    112: "alert 112 (unrecognized_name)",
}
_UNRECOGNIZED_NAME = 112  # says by itself what is wrong; the others need a name that is served for comparison


class Judgement(msgspec.Struct, frozen=True):
    """What one certificate means for one server name: a rule and its arguments."""

    rule: Rule
    data: dict[str, Any]
    remedy: Remedy | None = None


def judge(leaf: CertificateFacts, name: ServerName, *, domain: str = "", is_default: bool = False) -> Judgement:
    """Judge whether `leaf`, sent for `name`, carries what CloudFront accepts. Pure.

    `domain` is the Origin Domain; `is_default` says that the server sends the same certificate without server name.
    """
    domain = domain or next((a for a in name.acceptable if a != name.sni), name.sni)
    data = _names_data(name, domain) | {
        "dns_names": [visible(n, MAX_NAME) for n in leaf.dns_names[:_SHOWN]],
        "dns_names_total": len(leaf.dns_names),
        "ip_names": list(leaf.ip_names[:_SHOWN]),
        "common_name": visible(leaf.common_name, MAX_NAME),
        "fingerprint": leaf.fingerprint_sha256,
    }
    if not leaf.readable:
        return Judgement(rules.UNREADABLE, data | {"reason": leaf.problem})
    if "2.5.29.17" in leaf.extension_problem:
        return Judgement(rules.UNREADABLE, data | {"reason": leaf.extension_problem})
    near = near_misses(leaf.dns_names, name.sni, common_name=leaf.common_name)
    data |= {
        "carried": _carried(leaf),
        "near_misses": [{"pattern": visible(m.pattern, MAX_NAME), "kind": m.kind, "why": m.sentence} for m in near],
        "near": f"Close, but no match: {'; '.join(m.sentence for m in near)}. " if near else "",
        "default": "It is what the server sends without a server name too: its default certificate. "
        if is_default
        else "",
        "usable": _usable(leaf),
    }
    found = _find(leaf, name, domain)
    if found is None:
        rule = rules.MISMATCH if name.certain else rules.MISMATCH_IF_SENT
        return Judgement(rule, data, _remedy(name, domain))
    accepted, match = found
    data |= {"matched": accepted, "pattern": visible(match.pattern, MAX_NAME), "matched_by": match.by}
    if accepted == domain and name.sni != domain:
        return Judgement(rules.ORIGIN_DOMAIN_ONLY, data)
    return Judgement(rules.COMMON_NAME_ONLY if match.by is MatchedBy.COMMON_NAME else rules.OK, data)


def judge_case(case: Case) -> tuple[Finding, ...]:
    """Judge the names of a target: for each server name the certificate that came for it, or its refusal.

    Where a name that CloudFront certainly sends is fine, one that it may not send at all is worth a warning only.
    """
    if case.target.protocol != "https":
        return ()
    facts: dict[bytes, CertificateFacts] = {}
    judged = [(name, list(_judge_name(case, name, facts))) for name in case.target.names]
    is_one_fine = any(
        name.certain and found and not any(f.status in (Status.FAULT, Status.UNKNOWN) for f in found)
        for name, found in judged
    )
    findings = [f for _, found in judged for f in found]
    return (*(map(_warning, findings) if is_one_fine else findings), *_others(case))


def _others(case: Case) -> Iterator[Finding]:
    """Yield which certificates that CloudFront's own hello does not get lack the name, once for each result code."""
    names = {name.sni: name for name in case.target.names}
    found: dict[str, tuple[Judgement, list[Unmet]]] = {}
    for other in unmet(case):
        judgement = judge(other.leaf, names[other.data["sni"]], domain=case.target.domain)
        if judgement.rule in (rules.MISMATCH, rules.MISMATCH_IF_SENT):
            rule = rules.DIFFERING if other.alike else rules.OTHER_MISMATCH
            data = judgement.data | other.data
            found.setdefault(rule.code, (Judgement(rule, data), []))[1].append(other)
    for judgement, others in found.values():
        evidence = [line for other in others for line in other.evidence][:_MAX_EVIDENCE]
        yield judgement.rule.finding(target=case.target.id, evidence=evidence, **judgement.data)


def _warning(finding: Finding) -> Finding:
    """Return what is only wrong if a name is sent as a warning, and everything else as it is."""
    if finding.code not in (rules.MISMATCH_IF_SENT.code, rules.SNI_REFUSED_IF_SENT.code):
        return finding
    return msgspec.structs.replace(finding, status=Status.WARNING, next_check="")


def _judge_name(case: Case, name: ServerName, facts: dict[bytes, CertificateFacts]) -> Iterator[Finding]:
    hellos = case.hellos.named(name.sni)
    delivered = [h for h in hellos if h.certificates]
    served = {place_of(h) for h in case.scanned if h.sni == name.sni and h.certificates}
    refused = [(h, case.hellos.served_otherwise(h)) for h in hellos if _names_are_refused(h, place_of(h) in served)]
    refused = [(h, other) for h, other in refused if other is not None or h.alert == _UNRECOGNIZED_NAME]
    among = [*delivered, *(h for h, _ in refused)]
    if refused:
        yield _refused(case, name, refused, among)
    leaves: dict[bytes, list[Handshake]] = {}
    for handshake in delivered:
        leaves.setdefault(_leaf(handshake, facts).der, []).append(handshake)
    judged: dict[str, list[tuple[Judgement, list[Handshake]]]] = {}
    for der, members in leaves.items():
        defaults = [(h, d) for h in members if (d := case.hellos.without_name(h)) is not None]
        default = any(_leaf(d, facts).der == der for _, d in defaults)
        judgement = judge(facts[der], name, domain=case.target.domain, is_default=default)
        judged.setdefault(judgement.rule.code, []).append((judgement, members))
        differing = [(h, d) for h, d in defaults if _leaf(d, facts).der != der]
        if differing:
            data = _names_data(name, case.target.domain)
            data |= {"default_names": join_names(_carried(_leaf(differing[0][1], facts)), 3)}
            pair = (Judgement(rules.DEFAULT_DIFFERS, data), [h for h, _ in differing])
            judged.setdefault(rules.DEFAULT_DIFFERS.code, []).append(pair)
    order = [r.code for r in RULES]
    for code in sorted(judged, key=order.index):
        yield _merged(case, name, judged[code], among, facts)


def _merged(
    case: Case,
    name: ServerName,
    judged: Sequence[tuple[Judgement, list[Handshake]]],
    among: Sequence[Handshake],
    facts: dict[bytes, CertificateFacts],
) -> Finding:
    lead, members = max(judged, key=lambda pair: len(pair[1]))
    concerned = {id(h) for _, group in judged for h in group}
    sightings = Sightings(tuple(h for h in among if id(h) in concerned), tuple(among))
    evidence = [
        Evidence(
            observation=group[0].id,
            says=f"{spread(group)}: certificate for {join_names(_carried(_leaf(group[0], facts)), 4)}",
        )
        for _, group in judged[:_MAX_EVIDENCE]
    ]
    return _finding(case, name, lead, sightings=sightings, example=members[0], evidence=evidence)


def _refused(
    case: Case, name: ServerName, refused: Sequence[tuple[Handshake, Handshake | None]], among: Sequence[Handshake]
) -> Finding:
    first, served = min(refused, key=lambda pair: pair[1] is None)
    data = _names_data(name, case.target.domain) | {
        "how": _how(first),
        "alert": first.alert,
        "otherwise": _otherwise(served),
        "usable": "see the certificate that it sends otherwise",
    }
    rule = rules.SNI_REFUSED if name.certain else rules.SNI_REFUSED_IF_SENT
    evidence = [
        item
        for refusal, other in refused[:8]
        for item in (
            Evidence(observation=refusal.id, says=f"{spread([refusal])}: {_how(refusal)}"),
            *((Evidence(observation=other.id, says=f"{spread([other])}: a certificate"),) if other else ()),
        )
    ]
    sightings = Sightings(tuple(h for h, _ in refused), tuple(among))
    judgement = Judgement(rule, data, _remedy(name, case.target.domain))
    return _finding(case, name, judgement, sightings=sightings, example=first, evidence=evidence)


def _finding(
    case: Case,
    name: ServerName,
    judgement: Judgement,
    *,
    sightings: Sightings,
    example: Handshake,
    evidence: Sequence[Evidence],
) -> Finding:
    data = judgement.data | {
        "connect": connect_to(example, by_address=bool(sightings.sometimes)),
        "sni_option": sni_option(name.sni),
        "where": sightings.where,
        "sometimes": sightings.sometimes,
        "addresses": sightings.addresses,
        "intermittent": bool(sightings.sometimes),
        "distribution": (case.configuration.id if case.configuration else "") or NO_ID,
    }
    finding = judgement.rule.finding(target=case.target.id, evidence=evidence, remedy=judgement.remedy, **data)
    return some_requests_fail(finding)


def _otherwise(served: Handshake | None) -> str:
    if served is None:
        return "; no other name that was tried there got a certificate either"
    name = f"the server name {visible(served.sni, MAX_NAME)}" if served.sni else "no server name"
    return f"; with {name} the same address sends a certificate"


def _names_are_refused(hello: Handshake, served: bool) -> bool:
    """Return whether a hello ended as it ends where a server has nothing for its server name.

    Where the same name was `served` at the same place, an end without an alert is about something else: a limit.
    """
    alerted = hello.outcome is HandshakeOutcome.ALERT and hello.alert in _REFUSALS
    return alerted or (not served and hello.outcome in (HandshakeOutcome.CLOSED, HandshakeOutcome.RESET))


def _how(handshake: Handshake) -> str:
    if handshake.alert is not None:
        return _REFUSALS.get(handshake.alert, f"alert {handshake.alert}")
    return "it resets the connection" if handshake.outcome is HandshakeOutcome.RESET else "it closes the connection"


def _leaf(handshake: Handshake, facts: dict[bytes, CertificateFacts]) -> CertificateFacts:
    chain = []
    for der in handshake.certificates[:MAX_CERTIFICATES]:
        if der not in facts:
            facts[der] = read(der)
        chain.append(facts[der])
    return chain[presumed_leaf(chain) or 0]


def _find(leaf: CertificateFacts, name: ServerName, domain: str) -> tuple[str, Match] | None:
    """Return the first name that CloudFront accepts and the certificate carries: the server name, others, the domain.

    What a function allows in addition (`allowedCertificateNames`) may be a wildcard; it then equals one on the
    certificate.
    """
    others = [a for a in name.acceptable if a not in (name.sni, domain)]
    accepted = dict.fromkeys((name.sni, *others, *((domain,) if domain in name.acceptable else ())))
    for candidate in accepted:
        match = find_match(
            candidate,
            dns_names=leaf.dns_names,
            common_name=leaf.common_name,
            has_alternative_names=leaf.has_alternative_names,
        )
        if match:
            return candidate, match
    return None


def _names_data(name: ServerName, domain: str) -> dict[str, Any]:
    return {
        "sni": name.sni,
        "host": name.host,
        "domain": domain,
        "acceptable": join_names(list(name.acceptable)).replace(" and ", " or "),
        "why": name.why.rstrip(".") or "the server name that follows from the configuration",
        "certain": name.certain,
    }


def _carried(leaf: CertificateFacts) -> list[str]:
    """Return what a certificate is for: its alternative names, or its common name where there are none."""
    if leaf.has_alternative_names:
        names = [visible(n, MAX_NAME) for n in leaf.dns_names[:_SHOWN]]
        return [*names, *(f"address {a}" for a in leaf.ip_names[:4])] or ["no DNS name"]
    return [f"{visible(leaf.common_name, MAX_NAME)} (common name only)"] if leaf.common_name else ["no name at all"]


def _usable(leaf: CertificateFacts) -> str:
    """Return the names on a certificate that could be an Origin Domain."""
    candidates = [n for n in leaf.dns_names[:_SHOWN] if canonical(n) or matches(n, "a" + n[1:])]
    return join_names(candidates) if candidates else "none of its names could be"


def _remedy(name: ServerName, domain: str) -> Remedy:
    return rules.HOST_FORWARDED_REMEDY if name.sni != domain else rules.ORIGIN_DOMAIN_REMEDY


__all__ = ["AWS_PAGE", "CAUSE", "NOTEBOOK", "RULES", "Judgement", "judge", "judge_case", "observe"]
