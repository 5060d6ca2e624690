"""What would have to be seen before "no fault found" may be said, and was not. Pure.

No evidence, no verdict: a recording may hold less than this incident needs, or be of other names.
"""

from __future__ import annotations

from collections.abc import Iterator

from cfrunbook.causes.case import Case
from cfrunbook.evidence import (
    AUTHORITATIVE,
    Connection,
    ConnectOutcome,
    HandshakeOutcome,
    Observations,
    ResolutionOutcome,
)
from cfrunbook.findings import NotExamined
from cfrunbook.observation import MAX_ADDRESSES
from cfrunbook.probes.dns.names import plain
from cfrunbook.text import visible

_NEXT_CHECK = "Look again with these inputs (without --evidence), or record again where the origin can be reached."


def gaps(case: Case) -> Iterator[NotExamined]:
    """Yield what CloudFront would do on the way to a target and nobody tried: addresses, hellos, requests."""
    target = case.target
    if target.not_probed:
        return
    where = f"port {target.port} of {visible(target.domain, 120)}"
    if not case.connections and not _addresses(case):
        yield _nowhere(case, where) or _gap(f"a connection to {where}")
    tried = {c.address for c in case.connections}
    for address in _addresses(case):
        if address not in tried:
            yield _gap(f"a connection to {address}, {where}")
    for connection in case.connections:
        if connection.outcome is ConnectOutcome.CONNECTED:
            yield from _unasked(case, connection, where)


def cut_short(observations: Observations) -> Iterator[NotExamined]:
    """Yield that a look was stopped before its end: what it did not come to may be what is wrong."""
    if observations.stopped_after is not None:
        yield NotExamined(
            what="the rest of the look",
            why=f"it was stopped after {observations.stopped_after:.1f} s, before everything had been looked at",
            next_check="Look again, and let it come to its end.",
        )


def _unasked(case: Case, connection: Connection, where: str) -> Iterator[NotExamined]:
    place = (connection.address, connection.connected_to)
    if case.target.protocol == "http":
        if place not in {(e.address, e.connected_to) for e in case.exchanges}:
            yield _gap(f"an HTTP request to {connection.address}, {where}")
        return
    asked = {h.sni for h in case.handshakes if (h.address, h.connected_to) == place}
    certain = [n.sni for n in case.target.names if n.certain] or [n.sni for n in case.target.names]
    for sni in certain:
        if sni not in asked:
            yield _gap(f"a TLS hello for {visible(sni, 120)} to {connection.address}, {where}")
    first = case.target.names[0].sni if case.target.names else case.target.domain
    hellos = [h for h in case.handshakes if (h.address, h.connected_to) == place and h.sni == first]
    requests = [e for e in case.exchanges if (e.address, e.connected_to) == place and e.sni == first]
    # Only where a hello goes well CloudFront comes to a request.
    if any(h.outcome is HandshakeOutcome.HELLO for h in hellos) and not requests:
        yield _gap(f"an HTTP request within TLS to {connection.address}, {where}")


def _addresses(case: Case) -> list[str]:
    """Return the resolved addresses that CloudFront uses and that a look takes."""
    both = case.target.ip_address_type == "dualstack"
    found: list[str] = []
    walked = [r for r in case.resolutions if r.resolver == AUTHORITATIVE and r.outcome is ResolutionOutcome.ANSWER]
    for resolution in walked or case.resolutions:  # what a resolver says besides is not where CloudFront goes
        if resolution.outcome is ResolutionOutcome.ANSWER:
            found += resolution.ipv4 if both or case.target.ip_address_type == "ipv4" else ()
            found += resolution.ipv6 if both or case.target.ip_address_type == "ipv6" else ()
    return list(dict.fromkeys(found))[:MAX_ADDRESSES]


def _nowhere(case: Case, where: str) -> NotExamined | None:
    """Return that there was no address to connect to; None where nobody asked for one, or somebody has one."""
    asked = [r for r in case.resolutions if r.outcome is not ResolutionOutcome.RELOCATED]
    if not asked and not any(q.name == plain(case.target.domain) for q in case.observations.dns_queries):
        return None
    family = {"ipv4": "IPv4 ", "ipv6": "IPv6 "}.get(case.target.ip_address_type, "")
    name = visible(case.target.domain, 120)
    return NotExamined(
        what=f"everything behind name resolution at {where}",
        why=f"no {family}address was found for {name}, so there was nothing to connect to",
        next_check=f"Once {name} resolves, look again.",
    )


def _gap(what: str) -> NotExamined:
    return NotExamined(what=what, why="it was not tried, so nothing was seen of it", next_check=_NEXT_CHECK)
