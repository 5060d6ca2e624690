"""What follows from an origin's TLS capabilities: why CloudFront cannot connect, what is missing and how to enable it.

Completes what `tls_protocol` judges from CloudFront's own hello alone. Pure.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/http-502-bad-gateway.html#origin-not-responding-with-supported-ciphers-protocols
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from cfrunbook.causes import tls_answer_rules as rules
from cfrunbook.causes.sightings import SOMETIMES, sni_option
from cfrunbook.causes.tls_answer_rules import ALERT_MEANINGS, BROWSERS, RULES, SUPERSEDES
from cfrunbook.causes.tls_capabilities import Answer, Capabilities, Choice, Fact
from cfrunbook.causes.tls_remedies import server_settings
from cfrunbook.cloudfront.origin_tls import (
    P_521,
    PROTOCOLS,
    TLS_1_2,
    TLS_1_3,
    Offer,
    alert_name,
    group_name,
    offer,
    openssl_options,
    scheme_name,
    suite,
    suite_name,
    version_name,
)
from cfrunbook.cloudfront.other_tls import Family, family
from cfrunbook.cloudfront.targets import Target
from cfrunbook.cloudfront.tls_offers import Beyond, suites_of
from cfrunbook.findings import Evidence, Finding, Rule, Status
from cfrunbook.text import fill, join_names

_SIGNED_WITHOUT_CURVE = frozenset({0x0807, 0x0808})
_FAMILY_RULES = {Family.DHE: rules.DHE_ONLY, Family.CHACHA20: rules.CHACHA20_ONLY}
_USABLE_CURVES = ("", "P-256", "P-384")
_MAX_EVIDENCE = 8
_ONE_BY_ONE = " that were asked one at a time"


class _Conclusion(msgspec.Struct, frozen=True):
    """A rule that holds at one address, with the data of its own and what it rests on."""

    rule: Rule
    data: dict[str, Any]
    handshakes: tuple[str, ...]
    says: str
    status: Status | None = None


def judge(
    capabilities: Sequence[Capabilities], target: Target, *, at: dt.datetime | None = None
) -> tuple[Finding, ...]:
    """Judge what the addresses of a target accept: one finding for each result code and its reason.

    `at` is the moment that counts, for rules that have not always held; None: now, whenever that is.
    """
    if target.protocol != "https":
        return ()
    offered = offer(target.tls_minimum)
    judged: dict[tuple[str, str], tuple[_Conclusion, list[tuple[Capabilities, _Conclusion]]]] = {}
    for one in capabilities:
        for told in _conclusions(one, offered):
            conclusion = _in_force(told, at)
            key = (conclusion.rule.code, repr(sorted(conclusion.data.items())))
            judged.setdefault(key, (conclusion, []))[1].append((one, conclusion))
    order = [rule.code for rule in RULES]
    return tuple(
        _finding(conclusion, seen, capabilities, target, offered)
        for _, (conclusion, seen) in sorted(judged.items(), key=lambda item: order.index(item[0][0]))
    )


def _in_force(conclusion: _Conclusion, at: dt.datetime | None) -> _Conclusion:
    """Return a conclusion with the rule that held at a moment, where that was another one."""
    before = rules.BEFORE.get(conclusion.rule.code)
    if at is None or before is None or not before.holds(at.astimezone(dt.UTC).date()):
        return conclusion
    return replace(conclusion, rule=before)


def merge(generic: Sequence[Finding], specific: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return both, without the generic findings of which a specific one about the same target says the reason.

    A specific finding that holds at some addresses only leaves the generic ones in place.
    """
    gone = {
        (f.target, code)
        for f in specific
        if f.status in (Status.FAULT, Status.WARNING) and not f.data.get("where")
        for code in SUPERSEDES.get(f.code, ())
    }
    return (*(f for f in generic if (f.target, f.code) not in gone), *specific)


def would_negotiate(capabilities: Capabilities) -> str:
    """Return what CloudFront's hello gets, as a clause: `TLS 1.3 with …`, the refusal, or that it is not known."""
    choice = capabilities.negotiated
    if choice is not None:
        return f"{version_name(choice.version)} with {suite_name(choice.suite)}"
    fact = capabilities.exact
    return f"{'nothing' if fact.refused else 'no certain answer'}: {fact.why}"


def alert_meaning(alert: int) -> str:
    """Return an alert with its name and what servers mean by it, as a clause."""
    meaning = ALERT_MEANINGS.get(alert, "the server ended the handshake")
    return f"alert {alert} ({alert_name(alert)}): {meaning}"


def why_browser_works(capabilities: Sequence[Capabilities], target: Target) -> str:
    """Return the paragraph “Why your browser works and CloudFront does not”, from what was seen; empty if unknown.

    Where CloudFront's hello is accepted everywhere it says that TLS parameters are not the difference.
    """
    reasons: list[str] = []
    offered = offer(target.tls_minimum)
    for one in capabilities:
        for conclusion in _conclusions(one, offered):
            reasons += [r for r in [_browser(conclusion)] if r and r not in reasons]
    if reasons:
        return f"A browser or a test by hand may well succeed: {'; '.join(reasons)}."
    if capabilities and all(one.exact.accepted for one in capabilities):
        chosen = join_names(list(dict.fromkeys(would_negotiate(one) for one in capabilities)))
        return (
            f"Version, suite and curve are not the difference: CloudFront's own hello gets {chosen}. Look at the"
            " certificate, which browsers complete from their cache where an intermediate is missing, and at the server"
            " name, which CloudFront takes from the Host that it forwards."
        )
    return ""


# --- what holds at one address ------------------------------------------------------------------------------------


def _conclusions(one: Capabilities, offered: Offer) -> Iterator[_Conclusion]:
    if not one.exact.accepted:
        yield from _reasons(one, offered)
    yield from _of_service(one, offered)
    if one.differing:
        differing = [h for h in one.differing if h not in one.limited]
        answers = {one.choices[h].suite if h in one.choices else 0 for h in differing}
        why = (
            "some hellos are answered, others refused" if 0 in answers and len(answers) > 1 else "suite or certificate"
        )
        yield _Conclusion(rules.NODES_DIFFER, {"why": why}, one.differing, why)
    if one.sometimes is not None:
        share = one.sometimes
        data = {"answered": share.answered, "count": share.count, "one_by_one": _ONE_BY_ONE if share.alone else ""}
        says = f"{share.answered} of {share.count} answered; this one ended before any byte"
        yield _Conclusion(rules.ANSWERS_SOMETIMES, data, share.handshakes, says)
    elif one.limited:
        count = len(one.limited)
        yield _Conclusion(rules.LIMITS_CONNECTIONS, {"count": count}, one.limited, "ended before any byte")
    if one.needs_sni.accepted:
        fact = one.needs_sni
        yield _Conclusion(rules.SNI_REQUIRED, {"why": fact.why}, fact.handshakes, _explained(fact))


def _reasons(one: Capabilities, offered: Offer) -> Iterator[_Conclusion]:
    """Yield why CloudFront's hello is refused, where the answers to other hellos show it."""
    usable = [v for v in offered.versions if one.versions[v].accepted]
    spoken = [v for v in one.spoken() if v in offered.versions]
    found = _joined([c for v in spoken if not one.versions[v].accepted for c in _instead(one, v)])
    if one.exact.refused or not usable:
        yield from found
    if found:
        return
    if one.intolerance.accepted and usable:
        fact = one.intolerance
        data = {"version": version_name(usable[0]), "why": one.exact.why, "its_version": _option(usable[0])}
        yield _Conclusion(rules.VERSION_INTOLERANCE, data, fact.handshakes, _explained(fact))
    older = [v for v in one.spoken() if v < offered.minimum]
    if older and not spoken and all(one.versions[v].refused for v in offered.versions):
        names = join_names([version_name(v) for v in older])
        data = {"spoken": names, "lower": version_name(older[0]), "its_version": _option(older[0])}
        ids = tuple(h for v in (*offered.versions, *older) for h in one.versions[v].handshakes[:1])
        refused = _explained(one.versions[offered.versions[0]])
        says = f"{names} is answered, {version_name(offered.versions[0])} is not: {refused}"
        yield _Conclusion(rules.OLD_VERSIONS_ONLY, data, ids, says)


def _explained(fact: Fact) -> str:
    """Return why something is refused, with what servers mean by the alert, if it was one."""
    meaning = ALERT_MEANINGS.get(fact.alert) if fact.alert is not None else None
    return f"{fact.why}: {meaning}" if meaning else fact.why


def _joined(conclusions: Sequence[_Conclusion]) -> list[_Conclusion]:
    """Return what is wanted alike in several versions as one conclusion."""
    found: dict[tuple[str, str], list[_Conclusion]] = {}
    for conclusion in conclusions:
        found.setdefault((conclusion.rule.code, conclusion.data["wanted"]), []).append(conclusion)
    return [
        replace(
            same[0],
            data=same[0].data | {"version": join_names([c.data["version"] for c in same])},
            handshakes=tuple(h for c in same for h in c.handshakes),
        )
        for same in found.values()
    ]


def _instead(one: Capabilities, version: int) -> Iterator[_Conclusion]:
    """Yield what one version wants instead of what CloudFront has for it."""
    by_suite = one.beyond.get((version, Beyond.SUITES))
    by_group = one.beyond.get((version, Beyond.GROUPS))
    by_key = one.beyond.get((version, Beyond.KEYS))
    by_all = one.beyond.get((version, None))
    common = {"version": version_name(version), "its_version": _option(version)}
    if by_key is not None and by_key.scheme in _SIGNED_WITHOUT_CURVE:
        wanted = scheme_name(by_key.scheme).capitalize()
        yield _conclude(rules.UNUSABLE_KEY, common, by_key, wanted)
    elif by_group is not None and version <= TLS_1_2 and (curve := _curve_of_key(by_group)) not in _USABLE_CURVES:
        # The key needs its own curve among those offered, whichever one the server then takes for the key exchange.
        yield _conclude(rules.UNUSABLE_KEY, common, by_group, f"ECDSA on {curve}")
    elif by_group is not None and by_group.group is not None and by_group.group not in _own_groups():
        data = common | {"instead": "", "who": _who_has(by_group.group)}
        yield _conclude(rules.NO_COMMON_CURVE, data, by_group, group_name(by_group.group))
    elif by_suite is not None:
        kind, option = family(by_suite.suite), "-ciphersuites" if version == TLS_1_3 else "-cipher"
        rule = _FAMILY_RULES.get(kind, rules.OTHER_SUITES_ONLY) if kind else rules.OTHER_SUITES_ONLY
        yield _conclude(
            rule,
            common | {"family": str(kind or "another"), "suite_option": option},
            by_suite,
            suite_name(by_suite.suite),
        )
    elif by_all is not None:
        parts = [suite_name(by_all.suite)]
        parts += [group_name(by_all.group)] if by_all.group is not None else []
        parts += [scheme_name(by_all.scheme)] if by_all.scheme is not None else []
        yield _conclude(rules.OTHER_PARAMETERS, common, by_all, join_names(parts))


def _of_service(one: Capabilities, offered: Offer) -> Iterator[_Conclusion]:
    """Yield what is to be said of versions that are accepted."""
    alive = [v for v in one.alive() if v in offered.versions]
    if not alive:
        return
    if one.spoken() == (TLS_1_3,) and all(one.versions[p.code].refused for p in PROTOCOLS if p.code != TLS_1_3):
        yield _Conclusion(rules.TLS13_ONLY, {}, one.versions[TLS_1_3].handshakes, "only TLS 1.3 is answered")
    by_group = one.beyond.get((TLS_1_2, Beyond.GROUPS)) if one.exact.accepted and alive[0] == TLS_1_2 else None
    if by_group is not None and by_group.group not in (None, *_own_groups()):
        wanted = group_name(by_group.group or 0)
        data = {
            "version": version_name(TLS_1_2),
            "who": _who_has(by_group.group or 0),
            "its_version": _option(TLS_1_2),
            "instead": " So only suites without forward secrecy are left: " + would_negotiate(one) + ".",
        }
        yield _conclude(rules.NO_COMMON_CURVE, data, by_group, wanted, status=Status.WARNING)
    accepted = [(v, c) for v in alive for c in one.accepted_suites(v)]
    asked = [one.suites[v, s.code] for v in alive for s in suites_of(v)]
    rows = [suite(code) for _, code in accepted]
    is_settled = all(f.answer is not Answer.UNKNOWN for f in asked)
    if accepted and is_settled and not any(row is not None and row.documented for row in rows):
        names = join_names([suite_name(c) for _, c in accepted])
        ids = tuple(h for key in accepted for h in one.suites[key].handshakes[:1])
        yield _Conclusion(rules.UNDOCUMENTED_ONLY, {"accepted": names}, ids, names)
    if accepted:
        yield _accepted(one, alive)


def _accepted(one: Capabilities, alive: Sequence[int]) -> _Conclusion:
    suites = {(v, c): f for (v, c), f in one.suites.items() if v in alive}
    curves = {(v, c): f for (v, c), f in one.groups.items() if v in alive}

    def named(facts: dict[tuple[int, int], Fact], answer: Answer, name: Any) -> str:
        codes = [c for (_, c), f in facts.items() if f.answer is answer and (f.handshakes or f.refused)]
        return join_names(list(dict.fromkeys(map(name, codes))), limit=24)

    def left_out(version: int) -> str:
        names = [suite_name(c) for (v, c), f in suites.items() if v == version and _is_left_out(f)]
        names += [group_name(c) for (v, c), f in curves.items() if v == version and _is_left_out(f)]
        return f"{version_name(version)} with {join_names(names, limit=24)}" if names else ""

    not_asked = "; ".join(filter(None, map(left_out, alive)))

    data = {
        "versions": join_names([version_name(v) for v in alive]),
        "accepted_count": sum(f.accepted for f in suites.values()),
        "offered_count": len(suites),
        "chosen": would_negotiate(one),
        "accepted": named(suites, Answer.ACCEPTED, suite_name),
        "missing": named(suites, Answer.REFUSED, suite_name),
        "unknown": named(suites, Answer.UNKNOWN, suite_name),
        "curves": named(curves, Answer.ACCEPTED, group_name),
        "missing_curves": named(curves, Answer.REFUSED, group_name),
        "not_asked": f" Not asked: {not_asked}." if not_asked else "",
        "certificates": list(one.certificate_kinds()),
    }
    ids = tuple(dict.fromkeys(h for f in suites.values() if f.accepted for h in f.handshakes[:1]))
    return _Conclusion(rules.ACCEPTED, data, ids, "accepted")


def _is_left_out(fact: Fact) -> bool:
    return fact.answer is Answer.UNKNOWN and not fact.handshakes


def _conclude(
    rule: Rule, data: dict[str, Any], choice: Choice, wanted: str, *, status: Status | None = None
) -> _Conclusion:
    return _Conclusion(rule, {**data, "wanted": wanted}, (choice.handshake,), f"answered with {wanted}", status)


def _curve_of_key(choice: Choice) -> str:
    """Return the curve of the key in the certificate, such as `P-521`; empty where it has none or was not read."""
    from cfrunbook.x509.certificate import read

    kind, _, curve = (read(choice.leaf).key if choice.leaf else "").partition(" ")
    return curve if kind == "EC" else ""


def _who_has(group: int) -> str:
    """Return which clients offer a group that CloudFront does not."""
    name = group_name(group)
    if group == P_521:
        return "Firefox, curl and openssl s_client"
    return "current browsers" if "MLKEM" in name else "curl and openssl s_client, where their OpenSSL has it,"


def _own_groups() -> tuple[int, ...]:
    return offer("TLSv1.2").groups


def _option(version: int) -> str:
    """Return the option of `openssl s_client` for one version."""
    tag = next(p.openssl for p in PROTOCOLS if p.code == version)
    return "-" + tag.lower().replace("tlsv", "tls").replace(".", "_").replace("sslv", "ssl")


def _browser(conclusion: _Conclusion) -> str:
    if conclusion.status is not None:  # less than a fault: CloudFront connects too
        return ""
    template = BROWSERS.get(conclusion.rule.code, "")
    data = {"minimum": "the minimum", "offered": "several versions", **conclusion.data}
    return fill(template, data) if template else ""


# --- findings -----------------------------------------------------------------------------------------------------


def _finding(
    conclusion: _Conclusion,
    seen: Sequence[tuple[Capabilities, _Conclusion]],
    among: Sequence[Capabilities],
    target: Target,
    offered: Offer,
) -> Finding:
    addresses = [one.address for one, _ in seen]
    is_everywhere = len(seen) == len(among)
    where = f" (on {len(seen)} of {len(among)} addresses: {join_names(addresses)})"
    first = seen[0][0]
    names = [n.sni for n in target.names if n.sni] or [target.domain]
    reason = _browser(conclusion)
    address = f"[{first.address}]" if ":" in first.address else first.address
    data: dict[str, Any] = {
        "place": f"{target.domain}:{target.port}",
        "where": "" if is_everywhere else where,
        "sometimes": "" if is_everywhere else SOMETIMES,
        "intermittent": not is_everywhere,
        "addresses": addresses,
        "names": names,
        "first_name": names[0],
        "subject": f"/CN={names[0]}",
        "alternative": "subjectAltName=" + ",".join(f"DNS:{n}" for n in names),
        "minimum": target.tls_minimum,
        "offered": join_names([version_name(v) for v in reversed(offered.versions)]),
        "connect": first.connected_to
        or (f"{address}:{target.port}" if where and not is_everywhere else f"{target.domain}:{target.port}"),
        "sni_option": sni_option(names[0]),
        "openssl": openssl_options(offered),
        **server_settings({k for one, _ in seen for k in one.certificate_kinds()}),
        "browser": f" A test by hand may well succeed: {reason}." if reason else "",
        **conclusion.data,
    }
    evidence = [
        Evidence(observation=h, says=f"{one.address}: {c.says}")
        for one, c in seen
        for h in c.handshakes[:_MAX_EVIDENCE]
    ][: 2 * _MAX_EVIDENCE]
    status = conclusion.status
    return conclusion.rule.finding(target=target.id, evidence=evidence, status=status, **data)


__all__ = [
    "RULES",
    "SUPERSEDES",
    "alert_meaning",
    "judge",
    "merge",
    "why_browser_works",
    "would_negotiate",
]
