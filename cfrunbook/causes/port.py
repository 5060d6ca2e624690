"""Cause "port": the origin refuses, rejects or drops connections, or something else answers on its port.

Each address counts for itself: one bad address of several is an intermittent 502. What was refused by the origin is
a fault; what got no answer may be an allow-list that lets in CloudFront and not us, and is unknown.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/http-502-bad-gateway.html#origin-not-responding-on-specified-ports
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from cfrunbook.causes import port_firewall_rules, port_keep_alive
from cfrunbook.causes import port_rules as rules
from cfrunbook.causes.case import Case
from cfrunbook.causes.hellos import place_of
from cfrunbook.causes.port_rules import AWS_PAGE
from cfrunbook.causes.sightings import some_requests_fail
from cfrunbook.cloudfront.targets import Target
from cfrunbook.evidence import (
    Connection,
    ConnectOutcome,
    Exchange,
    ExchangeOutcome,
    Handshake,
    HandshakeOutcome,
)
from cfrunbook.findings import Cause, Evidence, Finding, Rule, Status
from cfrunbook.probes import address as addresses
from cfrunbook.probes import icmp
from cfrunbook.probes.endpoint import Endpoint
from cfrunbook.probes.services import service_of
from cfrunbook.text import join_names, visible

__all__ = ["AWS_PAGE", "CAUSE", "NOTEBOOK", "RULES", "judge", "judge_case", "observe"]

CAUSE = Cause.PORT
NOTEBOOK = "04_port"
RULES: tuple[Rule, ...] = (*rules.RULES, *port_keep_alive.RULES, *port_firewall_rules.RULES)

SILENCE_MARGIN = 0.05
"""Seconds by which our waiting may fall short of CloudFront's and count as the same."""
_MAX_EVIDENCE = 12
_SOMETIMES = (
    " Only some of the addresses are concerned, and CloudFront picks one for each connection, so this shows as an"
    " intermittent error."
)
_ONE_FAMILY = (
    " It is every {family} address of the origin and no {other} one. With IpAddressType dualstack CloudFront uses"
    " either family, so this shows as an intermittent error; IpAddressType {only} keeps it on {other} until {family}"
    " works."
)
_PREFIX_LISTS = {
    4: "com.amazonaws.global.cloudfront.origin-facing",
    6: "com.amazonaws.global.ipv6.cloudfront.origin-facing",
}
_SERVICE_NAMES = {
    "": "an unknown protocol",
    "echo": "an echo of what was sent",
    "icecast": "Icecast",
    "memcached": "memcached",
    "mysql": "MySQL",
    "postgresql": "PostgreSQL",
    "proxy-protocol": "the PROXY protocol",
    "redis": "Redis",
    "rsync": "rsync",
    "smtp or ftp": "SMTP or FTP",
    "telnet": "Telnet",
}

_FAILED: dict[ConnectOutcome, Rule] = {
    ConnectOutcome.REFUSED: rules.REFUSED,
    ConnectOutcome.RESET: rules.CLOSES,
    ConnectOutcome.PROHIBITED: rules.REJECTED,
    ConnectOutcome.UNREACHABLE: rules.UNREACHABLE,
    ConnectOutcome.TIMEOUT: rules.DROPPED,
    ConnectOutcome.NO_LOCAL_ROUTE: rules.NO_LOCAL_ROUTE,
    ConnectOutcome.ERROR: rules.NOT_TRIED,
}
# Of several attempts on one address, the first of these counts. A refusal was really seen, whatever else was.
_ORDER = (ConnectOutcome.REFUSED, ConnectOutcome.CONNECTED, *(o for o in _FAILED if o is not ConnectOutcome.REFUSED))


_Seen = Connection | Exchange | Handshake


class _Place(msgspec.Struct, frozen=True):
    """One address of the target, and everything that was seen there."""

    address: str
    connected_to: str
    port: int
    connections: tuple[Connection, ...]
    handshakes: tuple[Handshake, ...]
    exchanges: tuple[Exchange, ...]

    @property
    def reached(self) -> tuple[str, int]:
        """The address and port that were really used from here."""
        try:
            return addresses.split(self.connected_to, self.port)
        except ValueError:
            return self.address, self.port

    @property
    def shown(self) -> str:
        return visible(addresses.join(*self.reached) if self.connected_to else self.address, 80)

    @property
    def is_local(self) -> bool:
        """Tell whether nothing can be between this machine and the address."""
        return addresses.is_loopback(self.reached[0])


class _Sight(msgspec.Struct, frozen=True):
    """What one address showed: the rule that applies, how sure that is, and what it rests on."""

    place: _Place
    rule: Rule
    status: Status
    evidence: tuple[Evidence, ...]
    detail: str = ""
    variant: str = ""
    """What is spoken there, or how the connection ends."""
    banner: str = ""
    seconds: float = 0.0
    reporter: str = ""


async def observe(target: Target, endpoint: Endpoint, *, deadline: float) -> tuple[_Seen, ...]:
    """Connect to one address of `target` and say what CloudFront would say first, each within `deadline` seconds.

    Returns the connection, and where it came about the TLS hello or the plain HTTP request.
    """
    from cfrunbook.cloudfront.origin_tls import offer
    from cfrunbook.probes import exchange, tcp, tls

    connection, sock = await tcp.connect(endpoint, deadline=deadline)
    if sock is None:
        return (connection,)
    if target.protocol == "http":
        return connection, await exchange.http_get(endpoint, exchange.of_target(target), deadline=deadline, sock=sock)
    sni = target.names[0].sni if target.names else target.domain
    offered = offer(target.tls_minimum)
    return connection, await tls.hello(endpoint, sni=sni, offer=offered, deadline=deadline, sock=sock)


def judge_case(case: Case) -> tuple[Finding, ...]:
    """Judge how a port behaves, see `judge`, how long it keeps idle connections, and what firewalls before it let in.

    A port that answers any hello in TLS is not silent or closed.
    """
    own = {h.id for h in case.handshakes}
    others = [h for h in case.scanned if h.bytes_received and h.id not in own and _has_tls(h)]
    found = judge((*case.connections, *case.handshakes, *others, *case.exchanges), target=case.target)
    found = (*found, *port_keep_alive.judge(case.exchanges, target=case.target))
    if not case.firewall:
        return found
    from cfrunbook.causes import port_firewall  # with its readers of dumps, which few incidents need

    return (*found, *port_firewall.judge_case(case))


def judge(seen: Iterable[_Seen], *, target: Target) -> tuple[Finding, ...]:
    """Judge how a target's port behaves, address by address; equal ones together, the worst first. Pure."""
    sights = [_look(target, place) for place in _places(seen, target.port)]
    groups: dict[tuple[str, Status, str], list[_Sight]] = {}
    for sight in sights:
        groups.setdefault((sight.rule.code, sight.status, sight.variant), []).append(sight)
    good = any(s.rule is rules.OK for s in sights)
    order = [r.code for r in rules.RULES]
    findings = []
    for (code, status, _), members in sorted(groups.items(), key=lambda item: order.index(item[0][0])):
        if code == rules.OK.code and len(members) < sum(s.rule is not rules.NO_LOCAL_ROUTE for s in sights):
            continue  # one address that is not well says more than the others that are
        if code == rules.NO_LOCAL_ROUTE.code and good:
            status = Status.INFO  # noqa: PLW2901 - the other addresses could be tried
        findings.append(_finding(target, members, sights, status))
    return tuple(findings)


def _places(seen: Iterable[_Seen], port: int) -> list[_Place]:
    """Return what was seen, address by address; a hello or request that was never sent is no more than that."""
    found: dict[tuple[str, str], tuple[list[Connection], list[Handshake], list[Exchange]]] = {}
    for one in seen:
        connections, handshakes, exchanges = found.setdefault(place_of(one), ([], [], []))
        if isinstance(one, Connection):
            connections.append(one)
        elif isinstance(one, Handshake) and one.outcome is not HandshakeOutcome.NOT_CONNECTED:
            handshakes.append(one)
        elif isinstance(one, Exchange) and one.scheme == "http" and one.outcome is not ExchangeOutcome.NOT_CONNECTED:
            exchanges.append(one)
    return [_Place(*key, port, tuple(c), tuple(h), tuple(e)) for key, (c, h, e) in found.items()]


def _look(target: Target, place: _Place) -> _Sight:
    """Return what one address showed."""
    attempt = min(place.connections, key=lambda c: _ORDER.index(c.outcome), default=None)
    talked = bool(place.handshakes or place.exchanges)
    if attempt is None or attempt.outcome is ConnectOutcome.CONNECTED:
        if not talked and attempt is None:
            return _Sight(place, rules.NOT_TRIED, Status.UNKNOWN, (), detail="no connection was recorded")
        return _conversation(target, place, attempt)
    if talked and attempt.outcome is not ConnectOutcome.REFUSED:
        return _conversation(target, place, None)
    return _failure(place, attempt)


def _failure(place: _Place, attempt: Connection) -> _Sight:
    """Return what a failed connection attempt means."""
    rule = _FAILED[attempt.outcome]
    detail, reporter = visible(attempt.detail, 200), ""
    if attempt.icmp is not None:
        reporter = visible(attempt.icmp.reporter, 60)
        if rule is rules.REFUSED:
            rule = rules.REJECTED
        if rule in (rules.REJECTED, rules.UNREACHABLE) and not detail:
            detail = icmp.describe(attempt.icmp, ipv6=addresses.version(place.reached[0]) == 6)
    status = rule.status
    if place.is_local and rule in (rules.REJECTED, rules.DROPPED, rules.UNREACHABLE):
        status = Status.FAULT
    milliseconds = f"after {attempt.elapsed_ms:.0f} ms"
    says = f"{place.shown}: {attempt.outcome.replace('_', ' ')} {milliseconds}{f' ({detail})' if detail else ''}"
    return _Sight(
        place,
        rule,
        status,
        (Evidence(observation=attempt.id, says=says),),
        detail=detail or attempt.outcome.replace("_", " "),
        seconds=attempt.elapsed_ms / 1000,
        reporter=reporter,
        variant="resets" if rule is rules.CLOSES else "",
    )


def _conversation(target: Target, place: _Place, attempt: Connection | None) -> _Sight:
    """Return what came over an accepted connection."""
    accepted: tuple[Evidence, ...] = ()
    if attempt is not None:
        says = f"{place.shown}: connected after {attempt.elapsed_ms:.0f} ms"
        accepted = (Evidence(observation=attempt.id, says=says),)
    wanted = "tls" if target.protocol == "https" else "http"
    spoken = _spoken(place, wanted)
    if spoken is not None:
        seen, service, first_bytes = spoken
        evidence = (*accepted, Evidence(observation=seen.id, says=f"{place.shown}: {_said(seen, first_bytes)}"))
        banner = _banner(first_bytes)
        rule = rules.WRONG_SERVICE
        if service == wanted:
            rule = rules.OK
        elif service == "http":
            rule = rules.HTTP_ON_TLS_PORT
        elif service == "tls":
            rule = rules.TLS_ON_PLAIN_PORT
        return _Sight(place, rule, rule.status, evidence, variant=service, banner=banner)
    quiet = place.handshakes if target.protocol == "https" else place.exchanges
    quiet = quiet or place.handshakes or place.exchanges
    if not quiet:
        return _Sight(place, rules.OK, Status.OK, accepted)
    return _hush(target, place, quiet, accepted)


_Spoken = tuple[Handshake | Exchange, str, bytes]


def _spoken(place: _Place, wanted: str) -> _Spoken | None:
    """Return the observation that tells what is spoken there, its name and its first bytes; None if nothing came."""
    found: list[_Spoken] = [(h, "tls", b"") for h in place.handshakes if _has_tls(h)]
    for exchange in place.exchanges:
        if exchange.outcome is ExchangeOutcome.HTTP:
            found.append((exchange, "http", exchange.status_line.encode("utf-8", "replace")))
        elif exchange.outcome is ExchangeOutcome.TLS:
            found.append((exchange, "tls", exchange.first_bytes))
    found += [
        (h, service_of(h.first_bytes), h.first_bytes) for h in place.handshakes if h.outcome is HandshakeOutcome.NOT_TLS
    ]
    found += [
        (e, e.service or service_of(e.first_bytes), e.first_bytes)
        for e in place.exchanges
        if e.outcome is ExchangeOutcome.BANNER
    ]
    return next((one for one in found if one[1] == wanted), found[0] if found else None)


def _has_tls(handshake: Handshake) -> bool:
    if handshake.outcome in (HandshakeOutcome.TIMEOUT, HandshakeOutcome.CLOSED, HandshakeOutcome.RESET):
        return handshake.bytes_received > 0
    return handshake.outcome is not HandshakeOutcome.NOT_TLS


def _hush(
    target: Target, place: _Place, quiet: Sequence[Handshake | Exchange], accepted: tuple[Evidence, ...]
) -> _Sight:
    """Return what it means that a connection was accepted and not a byte came back."""
    silences = [q for q in quiet if q.outcome in (HandshakeOutcome.TIMEOUT, ExchangeOutcome.SILENT)]
    ended = [q for q in quiet if q not in silences]
    chosen = (ended or silences)[0]
    seconds = max(q.elapsed_ms for q in (ended or silences)) / 1000
    if ended:
        end = "resets" if all(q.outcome in (HandshakeOutcome.RESET, ExchangeOutcome.RESET) for q in ended) else "closes"
        says = f"{place.shown}: {end} the connection after {chosen.elapsed_ms:.0f} ms, not a byte received"
        evidence = (*accepted, Evidence(observation=chosen.id, says=says))
        return _Sight(place, rules.CLOSES, Status.FAULT, evidence, variant=end, seconds=seconds)
    hello = isinstance(chosen, Handshake)
    # How long CloudFront waits for a TLS handshake AWS does not say: not shorter than for a connection, we presume.
    enough = target.connection_timeout if hello else target.read_timeout
    proven = seconds + SILENCE_MARGIN >= enough
    says = f"{place.shown}: not a byte within {seconds:.1f} s"
    return _Sight(
        place,
        rules.SILENT,
        Status.FAULT if proven else Status.UNKNOWN,
        (*accepted, Evidence(observation=chosen.id, says=says)),
        seconds=seconds,
        detail="a TLS hello" if hello else "an HTTP request",
    )


def _said(seen: Handshake | Exchange, first_bytes: bytes) -> str:
    """Return what an observation shows, in a line."""
    asked = "a TLS hello" if isinstance(seen, Handshake) else "an HTTP request"
    if isinstance(seen, Handshake) and seen.outcome is not HandshakeOutcome.NOT_TLS:
        return f"{asked} was answered in TLS ({seen.outcome.replace('_', ' ')})"
    return f"{asked} was answered with {_banner(first_bytes)}"


def _banner(first_bytes: bytes) -> str:
    r"""Return the first line of `first_bytes` for people: text as text, everything else as `\xNN`."""
    lines = first_bytes.decode("ascii", "backslashreplace").strip().splitlines()
    return f"“{visible(lines[0], 80)}”" if lines else "nothing to show"


def _finding(target: Target, members: Sequence[_Sight], sights: Sequence[_Sight], status: Status) -> Finding:
    first = members[0]
    finding = first.rule.finding(
        target=target.id,
        evidence=[e for member in members for e in member.evidence][:_MAX_EVIDENCE],
        status=status,
        **_data(target, members, sights),
    )
    return finding if status is Status.UNKNOWN else msgspec.structs.replace(some_requests_fail(finding), next_check="")


def _sometimes(target: Target, members: Sequence[_Sight], sights: Sequence[_Sight]) -> str:
    """Return what it means that only some addresses are concerned; a whole family is something to be switched off."""
    concerned = {addresses.version(m.place.address) for m in members}
    tried = [s for s in sights if s.rule not in (rules.NO_LOCAL_ROUTE, rules.NOT_TRIED)]
    others = {addresses.version(s.place.address) for s in tried if s not in members and s.rule is rules.OK}
    whole = all(s in members for s in tried if addresses.version(s.place.address) in concerned)
    if target.ip_address_type == "dualstack" and whole and (concerned, others) in (({4}, {6}), ({6}, {4})):
        family, other = concerned.pop(), others.pop()
        return _ONE_FAMILY.format(family=f"IPv{family}", other=f"IPv{other}", only=f"ipv{other}")
    return _SOMETIMES


def _data(target: Target, members: Sequence[_Sight], sights: Sequence[_Sight]) -> dict[str, Any]:
    first, total = members[0], len(sights)
    places = [m.place for m in members]
    shown = list(dict.fromkeys(p.shown for p in places))
    address, port = places[0].reached
    https = target.protocol == "https"
    families = sorted({addresses.version(p.reached[0]) for p in places} - {0})
    default = 443 if https else 80
    some = len(members) < total
    counts = first.rule not in (rules.NO_LOCAL_ROUTE, rules.NOT_TRIED, rules.OK)
    reporters = list(dict.fromkeys(m.reporter for m in members if m.reporter))
    return {
        "host": target.domain,
        "port": target.port,
        "origin": target.origin_id,
        "protocol": "HTTPS" if https else "HTTP",
        "addresses": shown,
        "affected": len(members),
        "total": total,
        "at": f"{len(members)} of {total} addresses ({join_names(shown)})" if some else join_names(shown),
        "sometimes": _sometimes(target, members, sights) if some and counts else "",
        "intermittent": some and counts,
        "address": address,
        "address_port": port,
        "at_first": addresses.join(address, port),
        "everywhere": " ".join(dict.fromkeys(shlex.quote(visible(addresses.join(*p.reached), 80)) for p in places)),
        "connect_to": f"{target.domain}:{target.port}:{addresses.join(address, port)}",
        "url": f"{target.protocol}://{target.domain}{'' if target.port == default else f':{target.port}'}/",
        "read_timeout": target.read_timeout,
        "patience": max(target.read_timeout + 5, 10),
        "enough": target.connection_timeout if https else target.read_timeout,
        "attempts": target.connection_attempts,
        "connection_timeout": target.connection_timeout,
        "gives_up_after": target.connection_attempts * target.connection_timeout,
        "port_label": "HTTPS port" if https else "HTTP port",
        "port_key": "HTTPSPort" if https else "HTTPPort",
        "ssl": " ssl" if https else "",
        "prefix_list": _PREFIX_LISTS[6 if families == [6] else 4],
        "families": " and ".join(f"IPv{family}" for family in families) or "network",
        "reporter": join_names(reporters) if reporters else "the machine",
        "detail": "; ".join(list(dict.fromkeys(m.detail for m in members if m.detail))[:3]),
        "spoken": first.detail or "what was sent",
        "ends": first.variant or "closes",
        "service": _SERVICE_NAMES.get(first.variant, first.variant.upper()),
        "speaks": {"tls": " and answers in TLS", "http": " and answers HTTP"}.get(first.variant, ""),
        "banner": first.banner,
        "seconds": f"{max(m.seconds for m in members):.1f}",
    }
