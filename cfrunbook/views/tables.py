"""Observations and targets as tables of plain strings, once, for page, notebook and terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

import msgspec

from cfrunbook.cloudfront.targets import Target
from cfrunbook.evidence import (
    AUTHORITATIVE,
    Connection,
    Exchange,
    ExchangeOutcome,
    FunctionRun,
    Handshake,
    Observations,
    Resolution,
    ResolutionOutcome,
    SecondOpinion,
)
from cfrunbook.text import join_names, visible

if TYPE_CHECKING:
    from cfrunbook.causes.tls_capabilities import Capabilities

MAX_ROWS = 400
"""Rows shown of one table; what is left out is counted and is in the recording."""
MAX_FIELDS = 12
"""Response header fields shown of one answer."""
_MOST_NAMES = 3
"""Names that one line tells of."""


class Table(msgspec.Struct, frozen=True):
    """Rows of strings under column titles. Cells are as observed: each view makes them harmless in its own way."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    ids: tuple[str, ...] = ()
    """One observation id per row, or nothing."""
    monospace: frozenset[int] = frozenset()
    """Columns of addresses, names and code points."""
    wide: frozenset[int] = frozenset()
    """Columns of sentences and lists, which need room."""
    empty: str = "Nothing."
    left_out: int = 0
    """Rows not shown, for there were more than `MAX_ROWS`."""


def with_cells(table: Table, shown_as: Callable[[str], str]) -> Table:
    """Return `table` with `shown_as` applied to every cell."""
    return msgspec.structs.replace(table, rows=tuple(tuple(map(shown_as, row)) for row in table.rows))


KINDS = (
    *("resolutions", "name_servers", "alias_chain", "connections", "handshakes", "capabilities", "second_opinions"),
    *("leaves", "certificates", "exchanges", "dns_queries", "function_runs", "account"),
    *("log_types", "log_keys"),
)
"""What there are tables of, in their order on a page."""


def observations(
    seen: Observations, *, wanted: Sequence[Target] = (), kinds: Sequence[str] = KINDS
) -> tuple[Table, ...]:
    """Return one table per kind of observation that was made; kinds never tried have none.

    `wanted` are the targets: the walk to their names is shown, and certificates are compared with the names that
    CloudFront sends there. Raises KeyError for a kind that is none of `KINDS`.
    """
    from cfrunbook.views import account_table, dns_table, log_table
    from cfrunbook.views.leaf_table import leaves

    makers: dict[str, Callable[[Observations], Table]] = {
        "resolutions": resolutions,
        "name_servers": lambda seen: dns_table.name_servers(seen, wanted),
        "alias_chain": lambda seen: dns_table.alias_chain(seen, wanted),
        "connections": connections,
        "handshakes": handshakes,
        "capabilities": capabilities,
        "second_opinions": second_opinions,
        "leaves": lambda seen: leaves(seen, wanted),
        "certificates": certificates,
        "exchanges": exchanges,
        "dns_queries": dns_table.dns_queries,
        "function_runs": function_runs,
        "account": account_table.account,
        "log_types": log_table.log_types,
        "log_keys": log_table.log_keys,
    }
    return tuple(table for table in (makers[kind](seen) for kind in kinds) if table.rows)


def resolutions(seen: Observations) -> Table:
    """Return what resolvers said about names."""
    return _table(
        "Name resolution",
        ("Id", "Name", "Resolver", "Outcome", "Addresses", "Aliases", "Time"),
        seen.resolutions,
        _resolution,
        monospace={0, 1, 2, 4, 5},
        wide={1},
        empty="No name was resolved.",
    )


def meaning(kind: str, seen: Observations) -> str:
    """Return in a line what a table says; empty for one that is only to be read row by row."""
    return _resolved(seen) if kind == "resolutions" else ""


def _resolved(seen: Observations) -> str:
    """Return in a line whether those who were asked for addresses agree."""
    asked = [r for r in seen.resolutions if r.outcome is not ResolutionOutcome.RELOCATED]
    if not asked:
        return "No resolver was asked: the addresses were given, so name resolution was not examined."
    by_name: dict[str, list[Resolution]] = {}
    for one in asked:
        by_name.setdefault(one.name, []).append(one)
    told = []
    for name, answers in list(by_name.items())[:_MOST_NAMES]:
        said: dict[str, list[str]] = {}
        for one in answers:
            addresses = ", ".join(sorted((*one.ipv4, *one.ipv6))[:4])
            said.setdefault(addresses or _words(one.outcome), []).append(one.resolver)
        if len(said) == 1:
            told.append(f"{name}: {next(iter(said))}, from {join_names([_by(one.resolver) for one in answers], 3)}")
        else:
            sides = (f"{what} from {join_names([_by(r) for r in who], 3)}" for what, who in said.items())
            told.append(f"{name}: they disagree: {'; '.join(sides)}")
    more = f" And {len(by_name) - _MOST_NAMES} more names." if len(by_name) > _MOST_NAMES else ""
    return visible(f"{'. '.join(told)}.{more}", 500)


def _by(resolver: str) -> str:
    """Return who was asked, in words: the walk serves several names at once."""
    words = {AUTHORITATIVE: "the zone's name servers", "system": "this system's resolver"}
    return words.get(resolver, resolver)


def connections(seen: Observations) -> Table:
    """Return the TCP connection attempts."""
    return _table(
        "TCP connections",
        ("Id", "To", "Outcome", "Detail", "Time"),
        seen.connections,
        _connection,
        monospace={0, 1},
        wide={1, 3},
        empty="No TCP connection was tried.",
    )


def exchanges(seen: Observations) -> Table:
    """Return the HTTP requests, plain and within TLS, and what came back."""
    return _table(
        "HTTP exchanges",
        ("Id", "To", "Request", "Outcome", "Answer", "Time"),
        seen.exchanges,
        _exchange,
        monospace={0, 1, 2, 4},
        wide={1, 2, 4},
        empty="No HTTP request was sent.",
    )


def handshakes(seen: Observations) -> Table:
    """Return CloudFront's own TLS hellos, with the names of what was negotiated or of the alert that came back.

    Hellos that each ask one question about a version, a suite or a curve are summed up by `capabilities`.
    """
    from cfrunbook.cloudfront.tls_offers import Purpose, question

    asked = ((h, question(h.offer)) for h in seen.handshakes)
    return _table(
        "TLS hellos",
        ("Id", "To", "SNI", "Offer", "Outcome", "Negotiated", "Certificates", "Time"),
        [h for h, q in asked if q is None or q.purpose is Purpose.EXACT],
        _handshake,
        monospace={0, 1, 2},
        wide={1, 5},
        empty="No TLS hello was sent.",
    )


def capabilities(seen: Observations) -> Table:
    """Return what each address accepts of what CloudFront has, by version; nothing where that was not asked for."""
    from cfrunbook.causes.tls_capabilities import fold
    from cfrunbook.cloudfront.tls_offers import Purpose, question

    by_place: dict[str, list[Handshake]] = {}
    for handshake in seen.handshakes:
        by_place.setdefault(_where(handshake), []).append(handshake)
    rows: list[tuple[str, ...]] = []
    for place, hellos in by_place.items():
        questions = [q for h in hellos if (q := question(h.offer)) is not None and q.purpose is not Purpose.EXACT]
        if questions:
            rows += _accepted(place, fold(hellos))
    return Table(
        title="What the origin accepts of what CloudFront has",
        columns=("At", "Version", "Answer", "Cipher suites", "Curves", "Instead"),
        rows=tuple(rows[:MAX_ROWS]),
        monospace=frozenset({0}),
        wide=frozenset({0, 3}),
        empty="No version, suite or curve was asked for by itself.",
        left_out=max(0, len(rows) - MAX_ROWS),
    )


def second_opinions(seen: Observations) -> Table:
    """Return what AWS's own TLS library, s2n-tls, made of the origins."""
    return _table(
        "AWS's own TLS library (s2n-tls)",
        ("Id", "To", "SNI", "Policy", "Outcome", "Negotiated", "Time"),
        seen.second_opinions,
        _second_opinion,
        monospace={0, 1, 2, 3},
        wide={1, 4, 5},
        empty="It was not asked.",
    )


def function_runs(seen: Observations) -> Table:
    """Return the runs of edge functions' handlers on the machine that looked."""
    return _table(
        "Handlers that were run here",
        ("Id", "Handler", "Event", "Outcome", "Runtime", "Kept from, by whom", "Tried to have", "Time"),
        seen.function_runs,
        _function_run,
        monospace={0, 1},
        wide={1, 3, 5, 6},
        empty="No handler was run.",
    )


def certificates(seen: Observations) -> Table:
    """Return the certificates in the order sent, each different chain once, under the hello that first showed it."""
    from cfrunbook.x509.certificate import read

    rows: list[tuple[str, ...]] = []
    chains: set[tuple[bytes, ...]] = set()
    for handshake in seen.handshakes:
        if not handshake.certificates or handshake.certificates in chains:
            continue
        chains.add(handshake.certificates)
        for place, der in enumerate(handshake.certificates):
            facts = read(der)
            if not facts.readable:
                rows.append((handshake.id, str(place), f"Cannot be read: {facts.problem}", "", "", "", ""))
                continue
            names = join_names([*facts.dns_names, *facts.ip_names]) if facts.dns_names or facts.ip_names else ""
            validity = " to ".join(d.strftime("%Y-%m-%d") if d else "?" for d in (facts.not_before, facts.not_after))
            rows.append(
                (handshake.id, str(place), facts.subject, facts.issuer, names, validity, facts.fingerprint_sha256)
            )
    return Table(
        title="Certificates, as sent",
        columns=("Hello", "Place", "Subject", "Issuer", "Names", "Valid", "SHA-256 fingerprint"),
        rows=tuple(rows[:MAX_ROWS]),
        monospace=frozenset({0, 6}),
        wide=frozenset({2, 3, 4, 5, 6}),
        empty="No certificate was seen.",
        left_out=max(0, len(rows) - MAX_ROWS),
    )


def targets(wanted: Sequence[Target]) -> Table:
    """Return what CloudFront would connect to, the names it would send there, and why."""
    return _table(
        "What CloudFront would connect to, and why",
        ("Target", "Connects to", "Names sent (SNI / Host)", "Why"),
        wanted,
        _target,
        monospace={0, 1, 2},
        wide={3},
        ids=False,
        empty="Nothing: no origin could be worked out from what was given.",
    )


Item = TypeVar("Item", FunctionRun, Resolution, Connection, Exchange, Handshake, SecondOpinion, Target)


def _table(
    title: str,
    columns: tuple[str, ...],
    items: Sequence[Item],
    row: Callable[[Item], tuple[str, ...]],
    *,
    monospace: set[int],
    wide: set[int],
    empty: str,
    ids: bool = True,
) -> Table:
    kept = items[:MAX_ROWS]
    return Table(
        title=title,
        columns=columns,
        rows=tuple(row(item) for item in kept),
        ids=tuple(item.id for item in kept) if ids else (),
        monospace=frozenset(monospace),
        wide=frozenset(wide),
        empty=empty,
        left_out=len(items) - len(kept),
    )


def _resolution(r: Resolution) -> tuple[str, ...]:
    detail = r.detail.removeprefix(f"{r.resolver}: ")
    outcome = _words(r.outcome) + (f": {detail}" if detail else "")
    addresses = ", ".join((*r.ipv4, *r.ipv6))
    # The walk to the name servers serves several names at once: it has no time of one of them.
    own = r.resolver == AUTHORITATIVE
    resolver, took = ("the zone's name servers", "–") if own else (r.resolver, _time(r.elapsed_ms))
    return r.id, r.name, resolver, outcome, addresses, " → ".join(r.cnames), took


def _connection(c: Connection) -> tuple[str, ...]:
    icmp = f"ICMP type {c.icmp.type} code {c.icmp.code} from {c.icmp.reporter or 'unknown'}" if c.icmp else ""
    detail = "; ".join(part for part in (icmp, c.detail) if part)
    return c.id, _where(c), _words(c.outcome), detail, _time(c.elapsed_ms)


def _exchange(e: Exchange) -> tuple[str, ...]:
    fields = [f"{visible(name, 60)}: {visible(value, 120)}" for name, value in e.headers[:MAX_FIELDS]]
    if len(e.headers) > MAX_FIELDS:
        fields.append(f"and {len(e.headers) - MAX_FIELDS} more fields")
    banner = f"{len(e.first_bytes)} bytes: {_bytes(e.first_bytes)}" if e.first_bytes else ""
    notes = [_words(deviation) + (f" in line {line}" if line else "") for deviation, line in e.deviations]
    deviations = f"deviates from HTTP/1.1: {', '.join(notes)}" if notes else ""
    interim = f"first {join_names([str(s) for s in e.interim])}" if e.interim else ""
    service = e.service if e.outcome is not ExchangeOutcome.HTTP else ""
    answer = " · ".join(p for p in (interim, e.status_line, *fields, _size(e), deviations, service, banner) if p)
    outcome = [_words(e.outcome)]
    if e.end is not None and e.outcome is ExchangeOutcome.HTTP:
        outcome.append(_words(e.end))
    outcome += ["asked to renegotiate"] if e.renegotiation_requested else []
    outcome += [f"idle connection {_words(e.idle_end)} after {_time(e.idle_ms)}"] if e.idle_end else []
    outcome += [e.detail] if e.detail else []
    request = e.request.replace("\n", " · ")
    request += f" (within TLS, SNI {e.sni or 'none'})" if e.scheme == "https" else ""
    return e.id, _where(e), request, "; ".join(outcome), answer, _time(e.elapsed_ms)


def _size(e: Exchange) -> str:
    if e.outcome is not ExchangeOutcome.HTTP or not e.header_bytes:
        return ""
    return f"{e.header_bytes} bytes of header, {e.body_bytes} of body"


def _handshake(h: Handshake) -> tuple[str, ...]:
    from cfrunbook.cloudfront import origin_tls

    outcome = _words(h.outcome)
    if h.alert is not None:
        outcome += f": {origin_tls.alert_name(h.alert)} ({h.alert})"
    if h.warnings:
        outcome += "; warned: " + ", ".join(origin_tls.alert_name(w) for w in h.warnings)
    if h.first_bytes:
        outcome += f"; first bytes: {_bytes(h.first_bytes)}"
    if h.detail:
        outcome += f"; {h.detail}"
    parts = [
        origin_tls.version_name(h.version) if h.version is not None else "",
        origin_tls.suite_name(h.cipher_suite) if h.cipher_suite is not None else "",
        origin_tls.group_name(h.group) if h.group is not None else "",
        "after a HelloRetryRequest" if h.hello_retry else "",
        "asks for a client certificate" if h.client_certificate_requested else "",
    ]
    sni = h.sni if h.sni is not None else "(none sent)"
    negotiated = ", ".join(part for part in parts if part)
    certificates = str(len(h.certificates)) if h.certificates else "–"
    return h.id, _where(h), sni, h.offer, outcome, negotiated, certificates, _time(h.elapsed_ms)


def _second_opinion(o: SecondOpinion) -> tuple[str, ...]:
    from cfrunbook.cloudfront import origin_tls

    alert = f"{origin_tls.alert_name(o.alert)} ({o.alert})" if o.alert is not None else ""
    why = ", ".join(part for part in (alert, o.detail) if part)
    outcome = "connected" if o.connected else ": ".join(part for part in (o.error, why) if part) or "failed"
    version = origin_tls.version_name(o.version) if o.version is not None else ""
    negotiated = ", ".join(part for part in (version, o.cipher, o.group) if part)
    return o.id, _where(o), o.sni, o.policy, outcome, negotiated, _time(o.elapsed_ms)


def _function_run(run: FunctionRun) -> tuple[str, ...]:
    outcome = _words(run.outcome) + (f": {run.error}" if run.error else "")
    event = f"{run.event_type}, {run.event_name or 'made for it'}"
    contained = join_names([f"{_words(what)} ({who})" for what, who in run.contained], limit=12)
    attempts = join_names([f"{_words(what)} {where}" for what, where in run.attempts]) if run.attempts else "–"
    return run.id, run.handler, event, outcome, run.runtime, contained, attempts, _time(run.elapsed_ms)


def _accepted(place: str, accepts: Capabilities) -> Iterator[tuple[str, ...]]:
    """Yield a row for each version, the newest first."""
    from cfrunbook.cloudfront.origin_tls import group_name, suite_name, version_name

    for version in sorted(accepts.versions, reverse=True):
        fact = accepts.versions[version]
        lists = (
            [suite_name(code) for code in accepts.accepted_suites(version)],
            [group_name(code) for code in accepts.accepted_groups(version)],
            instead(accepts, version),
        )
        answer = "accepted" if fact.accepted else f"{fact.answer}: {fact.why}"
        named = (join_names(names, limit=24) if names else "–" for names in lists)
        yield (place, version_name(version), answer, *named)


def instead(accepts: Capabilities, version: int) -> list[str]:
    """Return what CloudFront does not offer and a version was answered with, where a hello offered more."""
    from cfrunbook.cloudfront.origin_tls import GROUPS, SCHEMES, SUITES, group_name, scheme_name, suite_name

    own_suites, own_groups = {s.code for s in SUITES}, {g.code for g in GROUPS}
    own_schemes = {s.code for s in SCHEMES}
    names = []
    for choice in (c for (v, _), c in accepts.beyond.items() if v == version):
        names += [suite_name(choice.suite)] if choice.suite not in own_suites else []
        names += [group_name(choice.group)] if choice.group is not None and choice.group not in own_groups else []
        names += [scheme_name(choice.scheme)] if choice.scheme is not None and choice.scheme not in own_schemes else []
    return list(dict.fromkeys(names))


def _target(t: Target) -> tuple[str, ...]:
    names = ", ".join(
        (n.host if n.sni in ("", n.host) else f"{n.sni} / {n.host}") + ("" if n.certain else " (perhaps)")
        for n in t.names
    )
    sentences = [t.why]
    if t.role != "only" and f"the {t.role} of origin group" not in t.why:
        sentences.append(f"It is the {t.role} of an origin group.")
    if t.not_probed:
        sentences.append(f"Not probed: {t.not_probed.rstrip('.')}.")
    return t.id, f"{t.protocol}://{t.domain}:{t.port}", names, " ".join(s for s in sentences if s)


def _where(seen: Connection | Exchange | Handshake | SecondOpinion) -> str:
    relocated = f" (relocated to {seen.connected_to})" if seen.connected_to else ""
    return f"{seen.host}:{seen.port} at {seen.address}{relocated}"


def _words(outcome: str) -> str:
    return outcome.replace("_", " ")


def _time(elapsed_ms: float) -> str:
    return f"{elapsed_ms:.0f} ms" if elapsed_ms >= 1 else "<1 ms"


def _bytes(first: bytes) -> str:
    return visible("".join(chr(b) for b in first), 200)
