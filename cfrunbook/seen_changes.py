"""What was seen in one recording and otherwise in another: names, ports, certificates, TLS, answers, functions. Pure.

Only what a person would call a change: not durations, the order of addresses, or which resolver came first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec

from cfrunbook.evidence import (
    Connection,
    DnsQuery,
    Exchange,
    ExchangeOutcome,
    FunctionResult,
    Handshake,
    Observations,
    ResolutionOutcome,
)
from cfrunbook.findings import SeenChange
from cfrunbook.text import join_names, visible

MAX_SEEN = 200
"""Differences that are listed."""
_MAX_TEXT = 500
_MAX_VALUES = 8
NOT_SEEN = "not looked at"
_NO_CERTIFICATE = "none came"

Facts = dict[tuple[str, str], list[str]]
"""What was seen: by target and by what it is about, every different thing once, sorted."""


def between(before: Observations, after: Observations) -> tuple[SeenChange, ...]:
    """Return what was seen differently; what only one of the recordings looked at counts, and is said."""
    found: list[SeenChange] = []
    for facts in (_names, _name_servers, _ports, _certificates, _tls, _answers, _functions, _responses):
        first, second = facts(before), facts(after)
        for key in dict.fromkeys((*first, *second)):
            was, now = first.get(key, [NOT_SEEN]), second.get(key, [NOT_SEEN])
            if was != now:
                target, what = key
                found.append(SeenChange(target=target, what=what, before=_shown(was), after=_shown(now)))
    return tuple(found[:MAX_SEEN])


def compared(before: Observations, after: Observations) -> bool:
    """Tell whether there is anything that both recordings looked at."""
    makers = (_names, _ports, _certificates, _answers, _functions, _responses)
    return any(set(facts(before)) & set(facts(after)) for facts in makers)


def _shown(values: Sequence[str]) -> str:
    more = f" and {len(values) - _MAX_VALUES} more" if len(values) > _MAX_VALUES else ""
    return visible("; ".join(values[:_MAX_VALUES]), _MAX_TEXT) + more


T = TypeVar("T")


def _facts(items: Iterable[T], key: Callable[[T], tuple[str, str]], says: Callable[[T], Iterable[str]]) -> Facts:
    found: dict[tuple[str, str], set[str]] = {}
    for item in items:
        found.setdefault(key(item), set()).update(says(item))
    return {k: sorted(values) for k, values in found.items() if values}


def _names(seen: Observations) -> Facts:
    """Return what names resolve to."""
    looked = [r for r in seen.resolutions if r.outcome is not ResolutionOutcome.RELOCATED]
    return {
        **_facts(looked, lambda r: (r.name, "addresses"), lambda r: (*r.ipv4, *r.ipv6) or (_words(r.outcome),)),
        **_facts(looked, lambda r: (r.name, "aliases"), lambda r: [" → ".join(r.cnames) or "none"]),
    }


def _name_servers(seen: Observations) -> Facts:
    """Return what each name server of the zones nearest to the targets' names answers."""
    names = {r.name for r in seen.resolutions} | {q.name for q in seen.dns_queries if q.type in ("A", "AAAA")}
    zones = {q.zone for q in seen.dns_queries if q.zone != "."}
    nearest = {
        max(enclosing, key=len)
        for name in names
        if (enclosing := [z for z in zones if name == z or name.endswith(f".{z}")])
    }
    asked = [q for q in seen.dns_queries if q.zone in nearest]

    def key(query: DnsQuery) -> tuple[str, str]:
        return query.zone, f"name server {visible(query.server, 80)} at {query.address}"

    return {
        **_facts(asked, lambda q: (q.zone, "name servers"), lambda q: [q.server]),
        **_facts([q for q in asked if q.name in names], key, lambda q: [f"{q.type} {q.name}: {_words(q.outcome)}"]),
    }


def _ports(seen: Observations) -> Facts:
    def key(connection: Connection) -> tuple[str, str]:
        return _place(connection), f"port {connection.port} at {connection.address}"

    return _facts(seen.connections, key, lambda c: [_words(c.outcome)])


def _certificates(seen: Observations) -> Facts:
    """Return the certificates that CloudFront's hellos got, by the name that was sent."""
    found = _facts(
        _own_hellos(seen),
        lambda h: (_place(h), f"certificate for {visible(h.sni or 'no name', 80)}"),
        lambda h: [_leaf(h.certificates) if h.certificates else _NO_CERTIFICATE],
    )
    return {key: [v for v in values if v != _NO_CERTIFICATE] or values for key, values in found.items()}


def _leaf(chain: tuple[bytes, ...]) -> str:
    from cfrunbook.x509.certificate import read

    facts = read(chain[0])
    sent = f"{len(chain)} certificate{'s' * (len(chain) > 1)} sent"
    short = facts.fingerprint_sha256[:16]
    if not facts.readable:
        return f"SHA-256 {short}…, which cannot be read, {sent}"
    names = join_names([*facts.dns_names, *facts.ip_names] or [facts.common_name or "no name"], 3)
    ends = f", to {facts.not_after:%Y-%m-%d}" if facts.not_after else ""
    return f"SHA-256 {short}…, for {names}{ends}, issued by {visible(facts.issuer, 60)}, {sent}"


def _tls(seen: Observations) -> Facts:
    """Return what came of CloudFront's hellos, and what AWS's own TLS library made of it."""
    from cfrunbook.cloudfront import origin_tls

    def outcome(hello: Handshake) -> str:
        if hello.alert is not None:
            return f"{_words(hello.outcome)} {origin_tls.alert_name(hello.alert)}"
        if hello.version is None:
            return _words(hello.outcome)
        suite = f", {origin_tls.suite_name(hello.cipher_suite)}" if hello.cipher_suite is not None else ""
        return origin_tls.version_name(hello.version) + suite

    return {
        **_facts(
            _own_hellos(seen),
            lambda h: (_place(h), f"TLS with {visible(h.sni or 'no name', 80)}"),
            lambda h: [outcome(h)],
        ),
        **_facts(
            seen.second_opinions,
            lambda o: (f"{o.host}:{o.port}", f"AWS's own TLS library with {visible(o.sni, 80)}"),
            lambda o: ["connected" if o.connected else visible(o.error, 80)],
        ),
    }


def _own_hellos(seen: Observations) -> Iterator[Handshake]:
    """Yield the hellos that offer just what CloudFront offers."""
    from cfrunbook.cloudfront.tls_offers import Purpose, question

    for hello in seen.handshakes:
        asked = question(hello.offer)
        if asked is None or asked.purpose is Purpose.EXACT:
            yield hello


def _answers(seen: Observations) -> Facts:
    def says(exchange: Exchange) -> str:
        if exchange.outcome is not ExchangeOutcome.HTTP:
            return _words(exchange.outcome)
        return visible(exchange.status_line.partition(" ")[2][:3] or "no status", 40)

    return _facts(seen.exchanges, lambda e: (_place(e), f"answer by {e.scheme}"), lambda e: [says(e)])


def _functions(seen: Observations) -> Facts:
    def says(result: FunctionResult) -> str:
        value = result.result
        content = msgspec.json.encode(value.value, order="sorted")
        return f"{value.size} bytes of JSON ({_digest(content)})"

    return {
        **_facts(seen.inputs.functions, lambda f: ("", f"result of {_function(f.name)}"), lambda f: [says(f)]),
        **_facts(seen.function_runs, lambda r: ("", f"run of {_function(r.handler)}"), lambda r: [_words(r.outcome)]),
    }


def _function(name: str) -> str:
    return visible(name.rpartition("/")[2], 80) or "the function"


def _responses(seen: Observations) -> Facts:
    """Return the captured responses, as one fact: captures of two moments have no names in common."""
    told = []
    for response in seen.inputs.responses:
        cache = response.field("x-cache")
        told.append(f"{response.status or 'no status'}{f' ({visible(cache, 60)})' if cache else ''}")
    return {("", "captured responses"): sorted(set(told))} if told else {}


def _digest(content: bytes) -> str:
    import hashlib

    return f"SHA-256 {hashlib.sha256(content).hexdigest()[:8]}…"


def _place(seen: Connection | Exchange | Handshake) -> str:
    return f"{seen.host}:{seen.port}"


def _words(outcome: str) -> str:
    return _OUTCOMES.get(outcome, outcome.replace("_", " "))


_OUTCOMES: Mapping[str, str] = {
    "nxdomain": "NXDOMAIN: no such name",
    "nodata": "no address",
    "servfail": "SERVFAIL",
    "timeout": "no answer in time",
    "refused": "refused",
}
