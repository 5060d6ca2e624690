"""How name servers are, each address by itself: what a question's fate says, and what it says of ourselves. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from cfrunbook.evidence import DnsOutcome, DnsQuery, DnsTransport
from cfrunbook.probes import address as addresses
from cfrunbook.probes.dns.names import ROOT, depth, is_below, is_within
from cfrunbook.probes.dns.patience import TIMES_SLOWER
from cfrunbook.probes.dns.questions import RANDOM_LABEL

PROOF_SENDS, PROOF_SECONDS = 3, 2.0
"""Sends, and seconds of waiting, without which nobody is called silent; on loopback any silence is proof."""

REPLIES = frozenset({DnsOutcome.ANSWER, DnsOutcome.NODATA, DnsOutcome.NXDOMAIN})
"""What is an answer to the question, also that there is none."""
_UNTRIED = frozenset({DnsOutcome.NO_LOCAL_ROUTE, DnsOutcome.ERROR})


class Control(StrEnum):
    """Whether the root and top-level domains answered: what is silent below them is then not silent because of us."""

    FINE = "fine"
    BLOCKED = "blocked"
    """No root server answered anything."""
    NO_UDP = "no_udp"
    """Root servers answer over TCP, and none does over UDP."""
    INTERCEPTED = "intercepted"
    """Something answers in the place of the root servers."""
    NOT_ASKED = "not_asked"


class Condition(StrEnum):
    """How one address of a name server is, as far as resolvers that look for the origin are concerned."""

    WELL = "well"
    SILENT = "silent"
    NO_UDP = "no_udp"
    """Silent over UDP, and answers over TCP: resolvers never try that first."""
    NOT_RUNNING = "not_running"
    """ICMP port unreachable or RST: nothing listens there."""
    UNREACHABLE = "unreachable"
    REFUSES = "refuses"
    """REFUSED or NOTAUTH: it does not hold the zone, or not for us."""
    FAILS = "fails"
    """SERVFAIL, NOTIMP or another error."""
    NOT_AUTHORITATIVE = "not_authoritative"
    """It answers without AA, or refers to where one already is."""
    UPWARD = "upward"
    """It refers up to the root or to a zone above."""
    MALFORMED = "malformed"
    DROPS_EDNS = "drops_edns"
    """Questions with EDNS get no answer, those without do."""
    TRUNCATES = "truncates"
    """The answer does not fit into a datagram, and TCP does not bring it."""
    IGNORES = "ignores"
    """It answers other questions, but not the one for the address."""
    LIMITS = "limits"
    """It answers other questions, and this one over TCP: the answer is right, and does not come over UDP."""
    UNPROVEN = "unproven"
    """No answer, after too short a time to say more."""
    UNFINISHED = "unfinished"
    """The walk was over before the question was."""
    NOT_TRIED = "not_tried"
    """This machine could not ask."""


def is_local(query: DnsQuery) -> bool:
    """Tell whether a question went to this machine itself: there, silence needs no further proof."""
    try:
        at, _ = addresses.split(query.connected_to or addresses.join(query.address, 53), 53)
    except ValueError:
        return False
    return addresses.is_loopback(at)


def cut_of(query: DnsQuery) -> str:
    """Return the zone that a referral leads down to; empty if it leads nowhere."""
    if query.outcome is not DnsOutcome.REFERRAL:
        return ""
    for record in query.authority:
        if record.type == "NS" and is_below(record.owner, query.zone) and is_within(query.name, record.owner):
            return record.owner
    return ""


class Heard(msgspec.Struct, frozen=True):
    """What of the network this machine can use: someone, somewhere, answered over it."""

    families: frozenset[int]
    over_tcp: bool


def control(queries: Sequence[DnsQuery]) -> Control:
    """Return what the root servers' answers say of the vantage."""
    root = [q for q in queries if q.zone == ROOT]
    if not root:
        return Control.NOT_ASKED
    if not any(q.rcode for q in root if q.transport is DnsTransport.UDP):
        return Control.NO_UDP if any(q.rcode for q in root) else Control.BLOCKED
    # Only zones above have DS records: a cache that answers for everybody refers, too, but has no authority over them.
    above = [q for q in queries if q.type == "DS" and depth(q.zone) < 2 and q.rcode in ("NOERROR", "NXDOMAIN")]
    borrowed = bool(above) and not any(q.authoritative for q in above)
    # The root knows of no addresses: what gives one in its name is a login page for every name there is.
    if any(cut_of(q) or (q.authoritative and _is_denied(q)) for q in root) and not borrowed:
        return Control.FINE
    return Control.INTERCEPTED


def _is_denied(query: DnsQuery) -> bool:
    """Tell whether a server says, with its SOA record, that there is no such thing."""
    denied = query.outcome in (DnsOutcome.NXDOMAIN, DnsOutcome.NODATA)
    return denied and any(r.type == "SOA" and is_within(query.name, r.owner) for r in query.authority)


def condition(zone: str, queries: list[DnsQuery], heard: Heard, kind: str, name: str) -> tuple[Condition, DnsQuery]:
    """Return how one place is, and the question that shows it: one for an address with EDNS, over UDP.

    That for `name` counts, where there is one: servers may fail for some names only.
    """
    udp = [q for q in queries if q.transport is DnsTransport.UDP]
    asked = [q for q in udp if q.edns and q.type in ("A", kind) and not q.name.startswith(RANDOM_LABEL)]
    asked = [q for q in asked if q.name == name] or asked
    normal = [q for q in asked if q.type == kind] or asked
    main = next(iter(normal), (udp or queries)[0])
    same = [q for q in queries if q.name == main.name and q.type in ("A", main.type) and q is not main]
    if any(_helps(q) for q in normal if q.name == main.name):
        return Condition.WELL, next(q for q in normal if q.name == main.name and _helps(q))
    match main.outcome:
        case outcome if outcome in _UNTRIED:
            return Condition.NOT_TRIED, main
        case DnsOutcome.UNFINISHED:
            return Condition.UNFINISHED, main
        case DnsOutcome.REFUSED_PORT:
            return Condition.NOT_RUNNING, main
        case DnsOutcome.UNREACHABLE:
            return Condition.UNREACHABLE, main
        case DnsOutcome.TRUNCATED:
            over_tcp = next((q for q in same if q.transport is DnsTransport.TCP), None)
            if over_tcp and over_tcp.outcome is DnsOutcome.UNFINISHED:
                return Condition.UNFINISHED, over_tcp
            if over_tcp and not over_tcp.rcode and not heard.over_tcp and not is_local(over_tcp):
                return Condition.NOT_TRIED, over_tcp  # nobody at all answered over TCP: it may be our own network
            return (
                (Condition.WELL, over_tcp) if over_tcp and _helps(over_tcp) else (Condition.TRUNCATES, over_tcp or main)
            )
        case DnsOutcome.RCODE:
            if main.rcode == "FORMERR" and any(_helps(q) for q in same if not q.edns):
                return Condition.WELL, main  # resolvers ask again without EDNS (RFC 6891, section 7)
            return (Condition.REFUSES if main.rcode in ("REFUSED", "NOTAUTH") else Condition.FAILS), main
        case DnsOutcome.TIMEOUT | DnsOutcome.CLOSED:
            return _silence(main, same, udp, heard), main
        case DnsOutcome.REFERRAL:
            owners = [r.owner for r in main.authority if r.type == "NS"]
            upward = any(is_below(zone, owner) for owner in owners)
            return (Condition.UPWARD if upward else Condition.NOT_AUTHORITATIVE), main
        case DnsOutcome.MALFORMED:
            return Condition.MALFORMED, main
    return Condition.NOT_AUTHORITATIVE, main


def _helps(query: DnsQuery) -> bool:
    """Tell whether an answer brings a resolver on."""
    return bool(cut_of(query)) or (query.authoritative and query.outcome in REPLIES)


def _silence(main: DnsQuery, same: list[DnsQuery], udp: list[DnsQuery], heard: Heard) -> Condition:
    """Return what it means that a question got no answer."""
    others = [q for q in udp if q.rcode and (q.name, q.type) != (main.name, main.type)]
    without = any(_helps(q) for q in same if not q.edns and q.transport is DnsTransport.UDP)
    if without and not any(q.edns for q in others):
        return Condition.DROPS_EDNS
    over_tcp = any(_helps(q) for q in same if q.transport is DnsTransport.TCP)
    if others:
        # Where half of its answers take this long, or are heard this late, this one may have been about to come.
        is_slow = main.elapsed_ms < TIMES_SLOWER * sorted(q.elapsed_ms for q in others)[(len(others) - 1) // 2]
        return Condition.LIMITS if over_tcp else Condition.UNPROVEN if is_slow else Condition.IGNORES
    if any(q.rcode for q in same if q.transport is DnsTransport.TCP):
        return Condition.NO_UDP
    if is_local(main):
        return Condition.SILENT
    if addresses.version(main.address) not in heard.families:
        return Condition.NOT_TRIED  # nobody at all answered over this family: it may be our own network
    proven = len(main.sent_at) >= PROOF_SENDS and main.elapsed_ms >= PROOF_SECONDS * 1000
    return Condition.SILENT if proven else Condition.UNPROVEN
