"""Cause "certificate": expired, not trusted, incomplete, in the wrong order, or otherwise not to CloudFront's liking.

Whether the certificate carries the right name is another cause: `cfrunbook.causes.tls_name`.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/http-502-bad-gateway.html#ssl-certificate-expired
"""

from __future__ import annotations

import datetime as dt
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from cfrunbook.causes import certificate_rules as rules
from cfrunbook.causes.case import Case
from cfrunbook.causes.certificate_chain import MAX_SHOWN, TLS_1_2, Draft, drafts, plural
from cfrunbook.causes.certificate_rules import AWS_PAGE, RULES
from cfrunbook.causes.hellos import observe
from cfrunbook.causes.remedies import WHICH_NAME
from cfrunbook.causes.sightings import (
    Sightings,
    connect_to,
    hinges_on_name,
    sni_option,
    some_requests_fail,
    spread,
)
from cfrunbook.causes.unmet import Unmet, below_tls_1_3, unmet
from cfrunbook.evidence import Handshake, HandshakeOutcome
from cfrunbook.findings import Cause, Evidence, Finding, Rule, Status
from cfrunbook.hostname import canonical
from cfrunbook.text import fill, join_names, visible
from cfrunbook.x509.roots import TrustStore

CAUSE = Cause.CERTIFICATE
NOTEBOOK = "03_certificate"


def judge(
    sent: Sequence[bytes],
    *,
    names: Sequence[str] = (),
    at: dt.datetime,
    roots: TrustStore,
    host: str = "",
    port: int = 443,
    tls_version: int | None = None,
    expiry_warning_days: int = 14,
    target: str = "",
    evidence: Sequence[Evidence] = (),
) -> tuple[Finding, ...]:
    """Judge the certificates that a server sent: DER, in wire order. Pure; never raises for what was sent.

    `names` are the server names with which they were asked for, and `host` and `port` the server: they appear in the
    commands; whether the certificate carries them is not judged here. `at` is the aware moment that counts, `roots`
    the trusted roots, `tls_version` the negotiated version as on the wire.
    """
    sni = names[0] if names else host
    context = _context(f"{host or sni or 'ORIGIN'}:{port}", sni, roots)
    found = drafts(sent, at=at, roots=roots, tls_version=tls_version, expiry_warning_days=expiry_warning_days)
    return tuple(_finding(d, context, target=target, evidence=evidence) for d in found)


def judge_case(case: Case) -> tuple[Finding, ...]:
    """Judge the certificates of a target as delivered to CloudFront's hellos, equal chains together.

    Returns one finding per result code; it names the addresses and server names concerned where these are not all.
    """
    if case.target.protocol != "https":
        return ()
    certain = {n.sni for n in case.target.names if n.certain}
    known = {n.sni for n in case.target.names}
    hellos = tuple(h for h in case.handshakes if h.sni in known)
    delivered = [h for h in hellos if h.certificates or _sent_none(h)]
    others = tuple(_others(case))
    if not delivered:
        return (*others, *_not_seen(case, hellos))
    groups: dict[tuple[tuple[bytes, ...], bool], list[Handshake]] = {}
    for handshake in delivered:
        groups.setdefault((handshake.certificates, (handshake.version or 0) > TLS_1_2), []).append(handshake)
    by_code: dict[str, list[tuple[Draft, list[Handshake]]]] = {}
    # Hellos that show that another name fares otherwise: see `hinges_on_name`.
    spared = [h for h in hellos if h.sni in certain]
    for (sent, _), members in groups.items():
        found = drafts(
            sent,
            at=case.at,
            roots=case.roots,
            tls_version=members[0].version,
            expiry_warning_days=case.expiry_warning_days,
        )
        for draft in found:
            by_code.setdefault(draft.rule.code, []).append((draft, members))
        if not any(_status(draft) is Status.FAULT for draft in found):
            spared += members
    merged = (_merged(case, found, delivered, spared, certain) for found in by_code.values())
    order = [r.code for r in RULES]
    return tuple(sorted((*merged, *others), key=lambda finding: order.index(finding.code)))


def _merged(
    case: Case,
    found: Sequence[tuple[Draft, list[Handshake]]],
    delivered: Sequence[Handshake],
    spared: Sequence[Handshake],
    certain: set[str],
) -> Finding:
    """Make one finding of what several chains have in common; the chain seen most often speaks for the others.

    A fault for names that CloudFront may not send is unknown where other names fare better, see `hinges_on_name`.
    """
    concerned = [h for _, members in found for h in members]
    draft, lead = max(found, key=lambda pair: (any(h.sni in certain for h in pair[1]), len(pair[1])))
    identities = {id(h) for h in concerned}
    sightings = Sightings(tuple(h for h in delivered if id(h) in identities), tuple(delivered))
    first = next((h for h in lead if h.sni in certain), lead[0])
    if draft.rule is rules.KEY_NEEDS_TLS_1_3:
        draft = Draft(draft.rule, draft.data | {"below": below_tls_1_3(case, concerned)})
    elsewhere = len(sightings.addresses) < len({h.address for h in delivered})
    context = _context(connect_to(first, by_address=elsewhere), first.sni, case.roots) | {
        "where": sightings.where,
        "sometimes": sightings.sometimes,
        "addresses": sightings.addresses,
        "server_names": sightings.names,
        "intermittent": bool(sightings.sometimes),
    }
    evidence = [
        Evidence(
            observation=members[0].id,
            says=f"{spread(members)}: {plural(len(members[0].certificates), 'certificate')} sent",
        )
        for _, members in found[:MAX_SHOWN]
    ]
    if _status(draft) is not Status.FAULT or any(h.sni in certain for h in concerned):
        return _finding(draft, context, target=case.target.id, evidence=evidence)
    if not hinges_on_name(concerned, spared):
        draft = Draft(draft.rule, draft.data | {"confidence": "medium"}, draft.status, draft.remedy)
        return _finding(draft, context, target=case.target.id, evidence=evidence)
    context["where"] += f"; whether CloudFront sends {join_names(sightings.names)} is not certain"
    draft = Draft(draft.rule, draft.data | {"confidence": "low"}, Status.UNKNOWN, draft.remedy)
    finding = _finding(draft, context, target=case.target.id, evidence=evidence)
    next_check = f"If CloudFront sends that name, this is a 502. {WHICH_NAME}"
    return msgspec.structs.replace(finding, next_check=next_check, cloudfront_status=None)


def _others(case: Case) -> Iterator[Finding]:
    """Yield what is wrong with certificates that CloudFront's own hello does not get, once for each result code."""
    found: dict[str, tuple[Rule, list[tuple[Draft, Unmet]]]] = {}
    for other in unmet(case):
        first = other.hellos[0]
        judged = drafts(
            first.certificates,
            at=case.at,
            roots=case.roots,
            tls_version=first.version,
            expiry_warning_days=case.expiry_warning_days,
        )
        fault = next((draft for draft in judged if _status(draft) is Status.FAULT), None)
        if fault is not None:
            rule = rules.DIFFERING if other.alike else rules.OTHER_BAD
            found.setdefault(rule.code, (rule, []))[1].append((fault, other))
    for rule, others in found.values():
        fault, other = others[0]
        data = _context("", other.data["sni"], case.roots) | fault.data | other.data
        told = fill(fault.rule.title, data | {"where": "", "sometimes": ""}).removesuffix(".")
        data |= {"problem": told[:1].lower() + told[1:], "code": fault.rule.code, "aspect": "delivery"}
        evidence = [line for _, each in others for line in each.evidence][:MAX_SHOWN]
        draft = Draft(rule, data, remedy=fault.remedy or fault.rule.remedy)
        yield _finding(draft, {"sni": data["sni"]}, target=case.target.id, evidence=evidence)


def _status(draft: Draft) -> Status:
    return draft.status or draft.rule.status


def _sent_none(handshake: Handshake) -> bool:
    """Tell whether a server sent a Certificate message without any certificate, which TLS forbids."""
    return handshake.outcome is HandshakeOutcome.MALFORMED and "has no certificate" in handshake.detail


def _not_seen(case: Case, hellos: Sequence[Handshake]) -> tuple[Finding, ...]:
    started = [h for h in hellos if h.outcome is HandshakeOutcome.HELLO or h.version is not None]
    if not started:
        return ()
    first = started[0]
    draft = Draft(
        rules.NOT_SEEN,
        {"aspect": "delivery", "reason": visible(first.detail or f"the answer ended as “{first.outcome}”", 200)},
    )
    context = _context(connect_to(first), first.sni, case.roots)
    evidence = [Evidence(observation=h.id, says=f"{spread([h])}: {h.outcome}") for h in started[:MAX_SHOWN]]
    return (_finding(draft, context, target=case.target.id, evidence=evidence),)


def _context(connect: str, sni: str | None, roots: TrustStore) -> dict[str, Any]:
    # OpenSSL's own store will do for Mozilla's roots: it is made from them.
    recorded = "" if roots.path or roots.is_mozilla else " The trusted root is in the recording only: save it, and add"
    return {
        "connect": connect,
        "sni": sni or "",
        "sni_option": sni_option(sni),
        "ca_option": f" -CAfile {shlex.quote(visible(roots.path, 1000))}" if roots.path else "",
        "ca_note": recorded and f"{recorded} -CAfile root.pem.",
        "trust_store": visible(roots.name, 200),
        "where": "",
        "sometimes": "",
    }


def _finding(draft: Draft, context: dict[str, Any], *, target: str, evidence: Sequence[Evidence]) -> Finding:
    data = context | draft.data
    data.setdefault("leaf_name", canonical(context["sni"]) or "YOUR_NAME")
    finding = draft.rule.finding(target=target, evidence=evidence, status=draft.status, remedy=draft.remedy, **data)
    return some_requests_fail(finding)


__all__ = ["AWS_PAGE", "CAUSE", "NOTEBOOK", "RULES", "judge", "judge_case", "observe"]
