"""Cause "TLS protocol": origin and CloudFront have no version, cipher suite, curve or signature in common.

Judged from CloudFront's exact ClientHello. What depends on the server name is left to the cause "TLS name", a port
where nobody answers in TLS to the cause "port".
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/http-502-bad-gateway.html#origin-not-responding-with-supported-ciphers-protocols
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cfrunbook.causes import tls_protocol_rules as rules
from cfrunbook.causes.case import Case
from cfrunbook.causes.sightings import Sightings, connect_to, sni_option, spread
from cfrunbook.causes.tls_protocol_rules import AWS_PAGE, RULES
from cfrunbook.cloudfront.origin_tls import (
    TLS_1_0,
    TLS_1_2,
    Offer,
    alert_name,
    offer,
    openssl_options,
    suite,
    suite_name,
    version_name,
)
from cfrunbook.errors import BadInput
from cfrunbook.evidence import Handshake, HandshakeOutcome
from cfrunbook.findings import Cause, Evidence, Finding, Rule, Status
from cfrunbook.text import join_names, visible

CAUSE = Cause.TLS_PROTOCOL
NOTEBOOK = ""

_PROTOCOL_VERSION, _UNRECOGNIZED_NAME, _CLOSE_NOTIFY = 70, 112, 0
_ALERT_RULES: Mapping[int | None, Rule] = {
    _PROTOCOL_VERSION: rules.NO_COMMON_VERSION,
    40: rules.NO_COMMON_SUITE,
    71: rules.NO_COMMON_SUITE,
    80: rules.INTERNAL_ERROR,
    _CLOSE_NOTIFY: rules.CLOSED,
}
_OUTCOME_RULES = {
    HandshakeOutcome.MALFORMED: rules.MALFORMED,
    HandshakeOutcome.TRUNCATED: rules.TRUNCATED,
    HandshakeOutcome.TOO_LARGE: rules.TOO_LARGE,
    HandshakeOutcome.RESET: rules.RESET,
    HandshakeOutcome.CLOSED: rules.CLOSED,
    HandshakeOutcome.TIMEOUT: rules.TIMEOUT,
}
_MAY_MEAN_THE_NAME = frozenset({40, 80, _UNRECOGNIZED_NAME})
_WORDLESS = frozenset({HandshakeOutcome.CLOSED, HandshakeOutcome.RESET, HandshakeOutcome.TIMEOUT})
_WEAK_SUITES = frozenset({0x0004, 0x000A})
_MAX_MESSAGE = 64 * 1024
"""Bytes of a handshake message that AWS's s2n-tls takes (tls/s2n_tls_parameters.h)."""
_MAX_EVIDENCE = 8


def judge_case(case: Case) -> tuple[Finding, ...]:
    """Judge how a target answers CloudFront's ClientHello: one finding for each result code, naming the addresses."""
    if case.target.protocol != "https":
        return ()
    offered = offer(case.target.tls_minimum)
    hellos = [h for h in case.handshakes if h.offer == offered.name]
    named = [h for h in hellos if h.sni] or hellos  # CloudFront always sends a name
    judged: dict[str, tuple[Rule, list[Handshake]]] = {}
    for handshake in named:
        for rule in _rules(handshake, offered, case, hellos):
            judged.setdefault(rule.code, (rule, []))[1].append(handshake)
    if not judged:  # every name was refused: what the server does without one still tells about the protocol
        named = [h for h in hellos if h.sni is None and h.outcome is HandshakeOutcome.HELLO]
        if named:
            judged[rules.OK.code] = (rules.OK, named)
    order = [r.code for r in RULES]
    return tuple(
        _finding(case, offered, rule, seen, named)
        for _, (rule, seen) in sorted(judged.items(), key=lambda item: order.index(item[0]))
    )


def _rules(handshake: Handshake, offered: Offer, case: Case, hellos: Sequence[Handshake]) -> Iterator[Rule]:
    """Yield the rules that one hello falls under; none where another cause judges it."""
    outcome = handshake.outcome
    if outcome is HandshakeOutcome.HELLO:
        yield from _rules_of_success(handshake, case)
    elif _is_about_the_name(handshake, hellos) or _is_left_to_port(handshake, case):
        return
    elif outcome is HandshakeOutcome.ALERT:
        yield _ALERT_RULES.get(handshake.alert, rules.REFUSED)
    elif outcome is HandshakeOutcome.MALFORMED and handshake.version is not None:
        is_older = handshake.version < offered.minimum
        yield rules.NO_COMMON_VERSION if is_older else rules.MALFORMED
    elif outcome in _OUTCOME_RULES:
        yield _OUTCOME_RULES[outcome]


def _rules_of_success(handshake: Handshake, case: Case) -> Iterator[Rule]:
    if sum(map(len, handshake.certificates)) > _MAX_MESSAGE:
        yield rules.TOO_LARGE
        return
    yield rules.OK
    chosen = suite(handshake.cipher_suite or 0)
    if handshake.client_certificate_requested and not _has_client_certificate(case):
        yield rules.CLIENT_CERTIFICATE
    if handshake.warnings:
        yield rules.WARNING_ALERT
    if chosen is not None and not chosen.documented:
        yield rules.UNDOCUMENTED_SUITE
    if (handshake.version or TLS_1_2) < TLS_1_2 or handshake.cipher_suite in _WEAK_SUITES:
        yield rules.DEPRECATED


def _is_about_the_name(handshake: Handshake, hellos: Sequence[Handshake]) -> bool:
    """True where the server name decides: the alert says so, or another name or none is served at the same address."""
    if handshake.outcome is HandshakeOutcome.ALERT:
        if handshake.alert == _UNRECOGNIZED_NAME:
            return True
        if handshake.alert not in _MAY_MEAN_THE_NAME:
            return False
    elif handshake.outcome not in (HandshakeOutcome.CLOSED, HandshakeOutcome.RESET):
        return False
    place = (handshake.address, handshake.connected_to)
    return any(h.certificates and h.sni != handshake.sni and (h.address, h.connected_to) == place for h in hellos)


def _is_left_to_port(handshake: Handshake, case: Case) -> bool:
    """True where not a byte came back and nobody has seen TLS there: what the port does is another cause."""
    if handshake.outcome not in _WORDLESS or handshake.bytes_received:
        return False
    place = (handshake.address, handshake.connected_to)
    return not any(
        h.bytes_received and h.outcome is not HandshakeOutcome.NOT_TLS
        for h in case.handshakes
        if (h.address, h.connected_to) == place
    )


def _has_client_certificate(case: Case) -> bool:
    """True where the distribution given configures origin mTLS for this origin."""
    from cfrunbook.cloudfront.distribution import parse

    document = case.observations.inputs.distribution
    if document is None:
        return False
    try:
        origins = parse(document).origins
    except BadInput:  # a recording's own distribution is judged elsewhere
        return False
    return any(o.id == case.target.origin_id and o.client_certificate for o in origins)


def _finding(case: Case, offered: Offer, rule: Rule, seen: Sequence[Handshake], among: Sequence[Handshake]) -> Finding:
    sightings = Sightings(tuple(seen), tuple(among))
    example, target = seen[0], case.target
    names = sightings.names
    data: dict[str, Any] = {
        "place": f"{target.domain}:{target.port}",
        "where": sightings.where,
        "sometimes": sightings.sometimes,
        "intermittent": bool(sightings.sometimes),
        "addresses": sightings.addresses,
        "names": [n for n in names if n] or [target.domain],
        "first_name": example.sni or target.domain,
        "minimum": target.tls_minimum,
        "offered": join_names([version_name(v) for v in reversed(offered.versions)]),
        "versions": sorted({h.version for h in seen if h.version is not None}),
        "cipher_suites": sorted({h.cipher_suite for h in seen if h.cipher_suite is not None}),
        "alerts": sorted({h.alert for h in seen if h.alert is not None}),
        "chosen": _each(_chosen(h) for h in seen),
        "how": _each(_how(h, rule) for h in seen),
        "connection_timeout": target.connection_timeout,
        "connect": connect_to(example, by_address=bool(sightings.sometimes)),
        "sni_option": sni_option(example.sni),
        "openssl": openssl_options(offered),
    }
    status = _status(rule, seen, among, target.connection_timeout)
    if rule.status is Status.UNKNOWN:
        data["confidence"] = "medium"
    evidence = [Evidence(observation=h.id, says=f"{spread([h])}: {_says(h, rule)}") for h in seen[:_MAX_EVIDENCE]]
    is_lowest = rule is rules.NO_COMMON_VERSION and offered.minimum <= TLS_1_0
    remedy = rules.SERVER_REMEDY if is_lowest else None
    return rule.finding(target=target.id, evidence=evidence, status=status, remedy=remedy, **data)


def _status(rule: Rule, seen: Sequence[Handshake], among: Sequence[Handshake], timeout: int) -> Status:
    """Return how sure an ending without a word is: unknown, unless it was seen again or lasted as long as it may.

    An origin that closes on two hellos, and never on none, does so to CloudFront as well; one attempt may be chance.
    """
    if rule is rules.TIMEOUT:
        return Status.FAULT if all(h.elapsed_ms >= timeout * 1000 for h in seen) else Status.UNKNOWN
    if rule.status is Status.UNKNOWN:
        return Status.FAULT if len(seen) > 1 and len(seen) == len(among) else Status.UNKNOWN
    return rule.status


def _each(texts: Iterable[str]) -> str:
    """Return the different texts of several hellos as one, in the order in which they came."""
    return "; elsewhere ".join(dict.fromkeys(texts))


def _chosen(handshake: Handshake) -> str:
    if handshake.version is None or handshake.cipher_suite is None:
        return "nothing"
    return f"{version_name(handshake.version)} with {suite_name(handshake.cipher_suite)}"


def _how(handshake: Handshake, rule: Rule) -> str:
    """Return what the server did, as the predicate of a sentence (or a clause where the rule's title takes one)."""
    if rule is rules.WARNING_ALERT:
        return join_names([f"{a} ({alert_name(a)})" for a in dict.fromkeys(handshake.warnings)])
    if rule is rules.TOO_LARGE and handshake.outcome is HandshakeOutcome.HELLO:
        return f"certificates of {sum(map(len, handshake.certificates))} bytes"
    if handshake.alert is not None:
        return f"answers with alert {handshake.alert} ({alert_name(handshake.alert)})"
    if rule is rules.NO_COMMON_VERSION and handshake.version is not None:
        return f"chooses {version_name(handshake.version)}"
    return visible(handshake.detail, 200) or handshake.outcome.value


def _says(handshake: Handshake, rule: Rule) -> str:
    is_chosen = handshake.outcome is HandshakeOutcome.HELLO and rule not in (rules.WARNING_ALERT, rules.TOO_LARGE)
    return _chosen(handshake) if is_chosen else _how(handshake, rule)


__all__ = ["AWS_PAGE", "CAUSE", "NOTEBOOK", "RULES", "judge_case"]
