"""Cause "TLS protocol": origin and CloudFront have no version, cipher suite, curve or signature in common.

Judged from CloudFront's exact ClientHello. What depends on the server name is left to the cause "TLS name", a port
where nobody answers in TLS to the cause "port".
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/http-502-bad-gateway.html#origin-not-responding-with-supported-ciphers-protocols
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from cfrunbook.causes import tls_answers, tls_second_opinion
from cfrunbook.causes import tls_protocol_rules as rules
from cfrunbook.causes.case import Case
from cfrunbook.causes.hellos import Hellos, observe, place_of
from cfrunbook.causes.remedies import NO_ID, WHICH_NAME
from cfrunbook.causes.sightings import (
    Sightings,
    connect_to,
    hinges_on_name,
    sni_option,
    some_requests_fail,
    spread,
)
from cfrunbook.causes.tls_capabilities import fold_each
from cfrunbook.causes.tls_protocol_rules import AWS_PAGE
from cfrunbook.causes.tls_remedies import ENABLE, server_settings
from cfrunbook.cloudfront.distribution import Distribution
from cfrunbook.cloudfront.origin_tls import (
    TLS_1_0,
    TLS_1_2,
    alert_name,
    offer,
    openssl_options,
    suite,
    suite_name,
    version_name,
)
from cfrunbook.cloudfront.targets import Target
from cfrunbook.cloudfront.tls_offers import Purpose, question
from cfrunbook.evidence import Exchange, ExchangeOutcome, Handshake, HandshakeOutcome
from cfrunbook.findings import Cause, Evidence, Finding, Rule, Status
from cfrunbook.hostname import canonical
from cfrunbook.probes.error_pages import WANTS_CERTIFICATE
from cfrunbook.text import join_names, visible

CAUSE = Cause.TLS_PROTOCOL
RULES: tuple[Rule, ...] = (*rules.RULES, *tls_answers.RULES, *tls_second_opinion.RULES)
NOTEBOOK = "02_tls_protocol"

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
_HANDSHAKE_FAILURE = 40
_WITHOUT_CERTIFICATE = frozenset({_HANDSHAKE_FAILURE, 42, 116})
"""What servers that demand a client certificate answer one without: OpenSSL up to TLS 1.2, Java and Go, TLS 1.3."""
_WEAK_SUITES = frozenset({0x0004, 0x000A})
_MAX_MESSAGE = 64 * 1024
"""Bytes of a handshake message that AWS's s2n-tls takes (tls/s2n_tls_parameters.h)."""
_MAX_EVIDENCE = 8
_PASSED_ON = " If CloudFront sent the request without one all the same, viewers would get that answer instead of 502."


def judge_case(case: Case) -> tuple[Finding, ...]:
    """Judge how a target answers CloudFront's ClientHello, see `judge`, and what it accepts, see `tls_answers`."""
    others = [h for h in case.scanned if (q := question(h.offer)) and q.purpose is not Purpose.EXACT]
    found = judge(
        (*case.handshakes, *others), target=case.target, distribution=case.configuration, exchanges=case.exchanges
    )
    able = fold_each(case.scanned)
    if not others and not any(one.limited for one in able):
        return found  # nobody asked: CloudFront's own hello says whether, the others why
    return tls_answers.merge(found, tls_answers.judge(able, case.target, at=case.at))


def judge(
    handshakes: Sequence[Handshake],
    *,
    target: Target,
    distribution: Distribution | None = None,
    exchanges: Sequence[Exchange] = (),
) -> tuple[Finding, ...]:
    """Judge how a target answers CloudFront's ClientHello: one finding for each result code, naming the addresses.

    Hellos with another server name than CloudFront may send, or with none, only serve for comparison, and such that
    offer something else only show whether TLS is spoken; a fault for names that it may not send is unknown where other
    names fare better. `distribution` says whether CloudFront has a client certificate. Pure.
    """
    if target.protocol != "https":
        return ()
    look = _Look(handshakes, target, distribution, exchanges)
    judged: dict[str, tuple[Rule, list[Handshake]]] = {}
    for handshake in look.concerned:
        for rule in look.rules_of(handshake):
            judged.setdefault(rule.code, (rule, []))[1].append(handshake)
    among = look.concerned
    if among and not judged:  # every name was refused: what the server does for others still tells about the protocol
        among = tuple(h for h in look.hellos.handshakes if h.outcome is HandshakeOutcome.HELLO)
        if among:
            judged[rules.OK.code] = (rules.OK, list(among))
    order = [r.code for r in RULES]
    return tuple(
        look.finding(rule, seen, among)
        for _, (rule, seen) in sorted(judged.items(), key=lambda item: order.index(item[0]))
    )


class _Look:
    """One target's hellos, and what each of them means beside the others."""

    def __init__(
        self,
        handshakes: Sequence[Handshake],
        target: Target,
        distribution: Distribution | None,
        exchanges: Sequence[Exchange],
    ) -> None:
        self.target = target
        self.offered = offer(target.tls_minimum)
        self.hellos = Hellos(tuple(h for h in handshakes if h.offer == self.offered.name))
        self._all = Hellos(tuple(handshakes))
        names = {n.sni for n in target.names} or {target.domain}
        self.certain = names - {n.sni for n in target.names if not n.certain}
        self.concerned = tuple(h for h in self.hellos.handshakes if h.sni in names)
        self.distribution = (distribution.id if distribution else "") or NO_ID
        origins = [o for o in distribution.origins if o.id == target.origin_id] if distribution else []
        self.has_client_certificate = any(o.client_certificate for o in origins)
        self.has_none = bool(origins) and not self.has_client_certificate
        self._exchanges = tuple(e for e in exchanges if e.scheme == "https")

    def rules_of(self, handshake: Handshake) -> Iterator[Rule]:
        """Yield the rules that one hello falls under; none where another cause judges it."""
        outcome = handshake.outcome
        if outcome is HandshakeOutcome.HELLO:
            yield from self._rules_of_success(handshake)
        elif self._is_about_the_name(handshake) or self._is_left_to_port(handshake):
            return
        elif outcome is HandshakeOutcome.ALERT:
            yield _ALERT_RULES.get(handshake.alert, rules.REFUSED)
        elif outcome is HandshakeOutcome.MALFORMED and handshake.version is not None:
            is_older = handshake.version < self.offered.minimum
            yield rules.NO_COMMON_VERSION if is_older else rules.MALFORMED
        elif outcome in _OUTCOME_RULES:
            yield _OUTCOME_RULES[outcome]

    def _rules_of_success(self, handshake: Handshake) -> Iterator[Rule]:
        if sum(map(len, handshake.certificates)) > _MAX_MESSAGE:
            yield rules.TOO_LARGE
            return
        yield rules.OK
        chosen = suite(handshake.cipher_suite or 0)
        if handshake.client_certificate_requested and not self.has_client_certificate:
            demanded = self.has_none and self._refusal_of(handshake) is not None
            yield rules.CLIENT_CERTIFICATE_REQUIRED if demanded else rules.CLIENT_CERTIFICATE
        if handshake.warnings:
            yield rules.WARNING_ALERT
        if chosen is not None and not chosen.documented:
            yield rules.UNDOCUMENTED_SUITE
        if (handshake.version or TLS_1_2) < TLS_1_2 or handshake.cipher_suite in _WEAK_SUITES:
            yield rules.DEPRECATED

    def _requests_like(self, handshake: Handshake) -> tuple[Exchange, ...]:
        """Return the requests within TLS to the same place and name: we have no certificate to show."""
        return tuple(e for e in self._exchanges if (place_of(e), e.sni) == (place_of(handshake), handshake.sni))

    def _refusal_of(self, handshake: Handshake) -> Exchange | None:
        """Return the request that was refused for want of a client certificate; None where none was for certain.

        That is by an alert, or in an answer whose page says so. handshake_failure can also mean that our OpenSSL has
        not what the server chose: then it says nothing.
        """
        requests = self._requests_like(handshake)
        if any(e.outcome is ExchangeOutcome.HTTP and not _wants_certificate(e) for e in requests):
            return None
        is_ours_able = (handshake.version or 0) >= TLS_1_0 and handshake.cipher_suite not in _WEAK_SUITES
        telling = _WITHOUT_CERTIFICATE if is_ours_able else _WITHOUT_CERTIFICATE - {_HANDSHAKE_FAILURE}
        return next((e for e in requests if e.alert in telling or _wants_certificate(e)), None)

    def _is_about_the_name(self, handshake: Handshake) -> bool:
        """True where the name decides: the alert says so, or another name or none is served at the same address."""
        if handshake.outcome is HandshakeOutcome.ALERT:
            if handshake.alert == _UNRECOGNIZED_NAME:
                return True
            if handshake.alert not in _MAY_MEAN_THE_NAME:
                return False
        elif handshake.outcome not in (HandshakeOutcome.CLOSED, HandshakeOutcome.RESET):
            return False
        return self.hellos.served_otherwise(handshake) is not None

    def _is_left_to_port(self, handshake: Handshake) -> bool:
        """True where not a byte came back and nobody has seen TLS there: what the port does is another cause."""
        is_wordless = handshake.outcome in _WORDLESS and not handshake.bytes_received
        return is_wordless and not self._all.speaks_tls(handshake)

    def finding(self, rule: Rule, seen: Sequence[Handshake], among: Sequence[Handshake]) -> Finding:
        """Return the finding that a rule makes of the hellos which fall under it."""
        data = self._data(rule, seen, Sightings(tuple(seen), tuple(among)))
        names = {h.sni or "" for h in seen}
        status, next_check = self._status(rule, seen, among), ""
        if rule.status is Status.UNKNOWN:
            data["confidence"] = "medium"
        if rule.status is not Status.OK and not self.certain & names:
            data["confidence"] = "medium"
            if self._do_others_fare_better(seen):
                data["sometimes"] += f" Whether CloudFront sends {join_names(data['names'])} is not certain."
                if status is Status.FAULT:
                    status, data["confidence"] = Status.UNKNOWN, "low"
                    next_check = f"If CloudFront sends that name, it fails. {WHICH_NAME}"
                elif self.certain and rule in (rules.CLIENT_CERTIFICATE, rules.WARNING_ALERT):
                    status = Status.WARNING
        if rule is rules.CLIENT_CERTIFICATE and any(self._refusal_of(h) is not None for h in seen):
            next_check = rules.WHETHER_CONFIGURED
        evidence = [Evidence(observation=h.id, says=f"{spread([h])}: {_says(h, rule)}") for h in seen[:_MAX_EVIDENCE]]
        if rule in (rules.CLIENT_CERTIFICATE, rules.CLIENT_CERTIFICATE_REQUIRED):
            requests = dict.fromkeys(e for h in seen for e in self._requests_like(h))
            evidence += [Evidence(observation=e.id, says=_went_without(e)) for e in list(requests)[:_MAX_EVIDENCE]]
        is_lowest = rule is rules.NO_COMMON_VERSION and self.offered.minimum <= TLS_1_0
        remedy = ENABLE if is_lowest else None
        finding = rule.finding(target=self.target.id, evidence=evidence, status=status, remedy=remedy, **data)
        if finding.status is not Status.UNKNOWN or next_check:
            finding = msgspec.structs.replace(finding, next_check=next_check)
        return some_requests_fail(finding)

    def _data(self, rule: Rule, seen: Sequence[Handshake], sightings: Sightings) -> dict[str, Any]:
        example, target = seen[0], self.target
        site = canonical(example.sni or target.domain) or "YOUR_NAME"
        connect = connect_to(example, by_address=bool(sightings.sometimes))
        return {
            "place": f"{target.domain}:{target.port}",
            "where": sightings.where,
            "sometimes": sightings.sometimes,
            "intermittent": bool(sightings.sometimes),
            "addresses": sightings.addresses,
            "names": [n for n in sightings.names if n] or [target.domain],
            "site": site,
            "distribution": self.distribution,
            "minimum": target.tls_minimum,
            "offered": join_names([version_name(v) for v in reversed(self.offered.versions)]),
            "versions": sorted({h.version for h in seen if h.version is not None}),
            "cipher_suites": sorted({h.cipher_suite for h in seen if h.cipher_suite is not None}),
            "alerts": sorted({h.alert for h in seen if h.alert is not None}),
            "chosen": _each(_chosen(h) for h in seen),
            "how": _each(_how(h, rule) for h in seen),
            "refusal": _each(_ended(e) for h in seen if (e := self._refusal_of(h)) is not None),
            "without": self._without(seen),
            "passed_on": _PASSED_ON if any((e := self._refusal_of(h)) and _wants_certificate(e) for h in seen) else "",
            "connection_timeout": target.connection_timeout,
            "connect": connect,
            "connect_option": f"::{connect}",
            "url": f"https://{site}:{target.port}/",
            "sni_option": sni_option(example.sni),
            "openssl": openssl_options(self.offered),
            **server_settings(()),
        }

    def _without(self, seen: Sequence[Handshake]) -> str:
        """Return what our own requests, which show no client certificate, came to: a sentence with a space before."""
        requests = dict.fromkeys(e for h in seen for e in self._requests_like(h))
        answers = list(dict.fromkeys(_ended(e) for e in requests))
        return f" Here a request without a client certificate ended so: {join_names(answers)}." if answers else ""

    def _status(self, rule: Rule, seen: Sequence[Handshake], among: Sequence[Handshake]) -> Status:
        """Return how sure an ending without a word is: unknown, unless seen again or as long as it may last.

        An origin that closes on two hellos, and never on none, does so to CloudFront as well; one may be chance, and
        so may all where it closes also on what it answered another time.
        """
        if rule is rules.TIMEOUT:
            patience = self.target.connection_timeout * 1000
            return Status.FAULT if all(h.elapsed_ms >= patience for h in seen) else Status.UNKNOWN
        if rule in (rules.CLOSED, rules.RESET) and len(seen) == len(among):
            alike = [h for h in self.hellos.handshakes if (h.outcome, h.alert) == (seen[0].outcome, seen[0].alert)]
            is_limit = any(self._all.varies(h) for h in seen)
            return Status.FAULT if len(alike) > 1 and not is_limit else Status.UNKNOWN
        return rule.status

    def _do_others_fare_better(self, seen: Sequence[Handshake]) -> bool:
        """Tell whether what was seen depends on the name: at the same places, others that may be sent are spared."""
        concerned = {id(h) for h in seen}
        return hinges_on_name(seen, (h for h in self.concerned if id(h) not in concerned))


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
    if handshake.alert is not None:
        return f"answers with {tls_answers.alert_meaning(handshake.alert)}"
    is_chosen = handshake.outcome is HandshakeOutcome.HELLO and rule not in (rules.WARNING_ALERT, rules.TOO_LARGE)
    return _chosen(handshake) if is_chosen else _how(handshake, rule)


def _wants_certificate(exchange: Exchange) -> bool:
    return exchange.page == WANTS_CERTIFICATE


def _ended(exchange: Exchange) -> str:
    """Return what came of a request, in a few words."""
    if _wants_certificate(exchange):
        status = visible(exchange.status_line.partition(" ")[2], 60)
        return f"{status}, with a page that says that a client certificate is required"
    if exchange.outcome is ExchangeOutcome.HTTP:
        return visible(exchange.status_line.partition(" ")[2], 60) or "an answer without a status"
    if exchange.alert is not None:
        return f"alert {exchange.alert} ({alert_name(exchange.alert)})"
    return exchange.outcome.replace("_", " ")


def _went_without(exchange: Exchange) -> str:
    return f"{visible(exchange.address, 60)}: a request without a client certificate: {_ended(exchange)}"


__all__ = ["AWS_PAGE", "CAUSE", "NOTEBOOK", "RULES", "judge", "judge_case", "observe"]
