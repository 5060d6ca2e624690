"""The expressions of nft's JSON, answered for one of CloudFront's packets. libnftables-json(5)

What is not known here is never taken for a match nor for a mismatch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cfrunbook.firewall import intervals
from cfrunbook.firewall.intervals import Intervals, Pair
from cfrunbook.firewall.model import NEVER, Match, answer, any_of, exactly, perhaps, yes
from cfrunbook.firewall.packets import ASK_DESTINATION, ASK_INTERFACE, Packet
from cfrunbook.text import visible

_NO_MATCH = frozenset({"comment", "LOG", "NFLOG", "TCPMSS"})
"""xt parts of iptables that neither are a condition nor decide."""
_PROTOCOLS = {"tcp": ("tcp", 6, "6"), "ip": ("ip", 2048, "ipv4"), "ip6": ("ip6", 34525, "ipv6")}


_EQUAL = ("==", "in", "!=")
_ORDER = ("<", "<=", ">", ">=")


class _Unread(ValueError):
    """An expression that is not evaluated."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """Answers expressions for one packet, with the sets of one table."""

    packet: Packet
    sets: Mapping[str, Mapping[str, Any]]
    read: dict[str, Intervals] = field(default_factory=dict)
    """The addresses of named sets that were read already."""

    def unknown(self, why: str) -> Match:
        """Return a match that nobody knows, because of `why`."""
        return perhaps(self.packet.family, why)

    def match(self, body: Any) -> Match:
        """Return for which sources a match statement holds."""
        if not isinstance(body, Mapping) or not {"left", "right"} <= set(body):
            return self.unknown("a condition that is not understood")
        left, operator = self._mirrored(body["left"]), body.get("op", "==")
        right = body["right"]
        if operator not in _EQUAL and not (operator in _ORDER and _is_port(left)):
            return self.unknown(f"the operator {visible(operator, 20)} is not evaluated there")
        try:
            if isinstance(right, str) and right.startswith("@") and _source_of(left) == self.packet.family:
                found = exactly(self._addresses_of(right))
            else:
                found = self._any(left, self._elements(right), operator)
        except _Unread as error:
            return self.unknown(str(error))
        except (ValueError, TypeError):
            return self.unknown("a condition with a value that is not understood")
        return found.negated(self.packet.family) if operator == "!=" else found

    def verdicts(self, body: Any) -> Iterator[tuple[Match, Any]]:
        """Yield when each entry of a verdict map applies, and its verdict."""
        try:
            key = self._mirrored(body["key"])
            entries = [(e[0], e[1]) for e in self._map(body["data"])]
        except (KeyError, TypeError, IndexError, _Unread):
            yield self.unknown("a verdict map that is not understood"), {"queue": None}
            return
        for value, verdict in entries:
            try:
                yield self._any(key, [_plain(value)], "=="), verdict
            except _Unread as error:
                yield self.unknown(str(error)), verdict
            except (ValueError, TypeError):
                yield self.unknown("a verdict map with a value that is not understood"), verdict

    def _mirrored(self, left: Any) -> Any:
        """Return `left`; of an answer, what is the same about the other end."""
        return _mirrored(left) if self.packet.answering else left

    def _map(self, data: Any) -> list[Any]:
        if isinstance(data, str) and data.startswith("@"):
            data = {"set": self._named(data).get("elem", [])}
        if isinstance(data, Mapping) and isinstance(data.get("set"), list):
            return list(data["set"])
        raise _Unread("a verdict map that is not understood")

    def _named(self, reference: str) -> Mapping[str, Any]:
        found = self.sets.get(reference.removeprefix("@"))
        if found is None:
            raise _Unread(f"the set {visible(reference, 60)} is not in the ruleset")
        flags = found.get("flags", [])
        if "dynamic" in flags:
            raise _Unread(f"the set {visible(reference, 60)} changes as packets come")
        return found

    def _addresses_of(self, reference: str) -> Intervals:
        if reference not in self.read:
            pairs = (p for kind, p in map(_addresses, self._elements(reference)) if kind == self.packet.family)
            self.read[reference] = Intervals.of(pairs)
        return self.read[reference]

    def _elements(self, right: Any) -> list[Any]:
        """Return the values of the right side: one, those of a set, or those of a named set."""
        if isinstance(right, str) and right.startswith("@"):
            elements = self._named(right).get("elem", [])
            return [_plain(e) for e in (elements if isinstance(elements, list) else [elements])]
        if isinstance(right, Mapping) and "set" in right:
            inner = right["set"]
            inner = inner if isinstance(inner, list) else [inner]
            return [e for one in inner for e in self._elements(_plain(one))]
        return [right]

    def _any(self, left: Any, elements: list[Any], operator: str) -> Match:
        """Return when `left` is one of `elements`; a negated operator is the caller's business."""
        family = self.packet.family
        source = _source_of(left)
        if source:
            if source != family:  # nft itself puts the family in front as a condition, also of what is negated
                return yes(family) if operator == "!=" else NEVER
            return exactly(Intervals.of(p for kind, p in map(_addresses, elements) if kind == family))
        if isinstance(left, Mapping) and isinstance(left.get("concat"), list):
            if operator == "!=":
                raise _Unread("a negated concatenation is not evaluated")
            return any_of(self._concat(left["concat"], e) for e in elements)
        return any_of(self._one(left, e, operator) for e in elements)

    def _concat(self, parts: list[Any], element: Any) -> Match:
        values = element.get("concat") if isinstance(element, Mapping) else None
        if not isinstance(values, list) or len(values) != len(parts):
            raise _Unread("a concatenation that is not understood")
        found = yes(self.packet.family)
        for part, value in zip(parts, values, strict=True):
            found = found & self._any(part, [_plain(value)], "==")
        return found

    def _one(self, left: Any, value: Any, operator: str) -> Match:
        """Return when something that is no source address has `value`."""
        known, why = self._known(left, value, operator)
        return answer(known, self.packet.family, why)

    def _known(self, left: Any, value: Any, operator: str) -> tuple[bool | None, str]:
        packet = self.packet
        match left:
            case {"payload": {"protocol": ("tcp" | "th"), "field": "dport"}}:
                return _compare(packet.port, value, operator), ""
            case {"payload": {"protocol": ("tcp" | "th"), "field": "sport"}}:
                low, high = _bounds(value, operator)
                return packet.has_client_port(low, high), "the port from which CloudFront connects is not known"
            case {"payload": {"protocol": "tcp", "field": "flags"}}:
                return _flags(packet, value, operator), "whether a packet has PSH is not known"
            case {"&": [{"payload": {"protocol": "tcp", "field": "flags"}}, mask]}:
                return _masked_flags(packet, mask, value), "whether a packet has PSH is not known"
            case {"&": [({"meta": {"key": "mark"}} | {"ct": {"key": "mark"}}), int()]}:
                return None if packet.mark is None else value == 0, "the packet's mark depends on other rules"
            case {"ct": {"key": "mark"}}:
                return None if packet.mark is None else value == 0, "the packet's mark depends on other rules"
            case {"payload": {"protocol": ("udp" | "icmp" | "icmpv6" | "sctp" | "dccp" | "udplite" | "esp" | "ah")}}:
                return _not(operator), ""
            case {"payload": {"protocol": ("ip" | "ip6") as protocol, "field": field}}:
                return self._header(protocol, field, value, operator)
            case {"meta": {"key": key}}:
                return self._meta(str(key), value)
            case {"ct": {"key": "state"}}:
                return packet.state in (value if isinstance(value, list) else [value]), ""
            case {"ct": {"key": "proto-dst", "dir": "original"}}:
                return _compare(packet.original_port or packet.port, value, operator), ""
            case {"ct": {"key": "direction"}}:
                return value == packet.direction, ""
            case {"ct": {"key": "status"}}:
                names = value if isinstance(value, list) else [value]
                return bool(packet.original_port) if names == ["dnat"] else None, "`ct status` is not known"
            case {"fib": {"result": "type", "flags": flags}}:
                return self._fib(value, flags), "what the routing table says of an address is not in the ruleset"
        raise _Unread(f"`{visible(_named(left), 60)}` is not evaluated")

    def _header(self, protocol: str, field: str, value: Any, operator: str) -> tuple[bool | None, str]:
        if (protocol == "ip") != (self.packet.family == 4):
            return _not(operator), ""
        if field == "daddr":
            return self._destination(value), ASK_DESTINATION
        if field in ("protocol", "nexthdr"):
            return value in _PROTOCOLS["tcp"], ""
        raise _Unread(f"`{protocol} {visible(field, 40)}` is not evaluated")

    def _destination(self, value: Any) -> bool | None:
        kind, (a, b) = _addresses(value)
        if kind != self.packet.family:
            return False
        answers = [self.packet.goes_to(n) for n in intervals.to_networks(Intervals(((a, b),)), kind)]
        return True if True in answers else None if None in answers else False

    def _meta(self, key: str, value: Any) -> tuple[bool | None, str]:
        packet = self.packet
        match key:
            case "l4proto":
                return value in _PROTOCOLS["tcp"], ""
            case "nfproto":
                return value in ("ipv4", 2) if packet.family == 4 else value in ("ipv6", 10), ""
            case "protocol":
                return value in _PROTOCOLS["ip" if packet.family == 4 else "ip6"], ""
            case "iif" | "iifname":
                return packet.comes_in_by(str(value), wildcard="*"), ASK_INTERFACE.format(visible(value, 40))
            case "oif" | "oifname":
                known = packet.goes_out_by(str(value), wildcard="*")
                return known, f"whether the connection leaves by {visible(value, 40)} is not in the ruleset"
            case "pkttype" if not packet.answering:
                return value in ("host", "unicast"), ""
            case "mark" if packet.mark is not None and isinstance(value, int):
                return packet.mark == value, ""
            case "iiftype":
                return False if value == "loopback" else None, "the kind of interface is not known"
        raise _Unread(f"`meta {visible(key, 40)}` is not evaluated")

    def _fib(self, value: Any, flags: Any) -> bool | None:
        flags = flags if isinstance(flags, list) else [flags]
        if "daddr" in flags:
            return bool(value == ("unicast" if self.packet.forwarded else "local"))
        return bool(value == "unicast") if "saddr" in flags else None


def perhaps_xt(body: Any, family: intervals.Family) -> Match | None:
    """Return what a part that iptables added means: nothing at all (None), or nobody can tell from here."""
    name = str(body.get("name")) if isinstance(body, Mapping) else ""
    if name in _NO_MATCH:
        return None
    return perhaps(
        family,
        f"nft does not show what iptables's {visible(name, 40) or 'part'} says: give the output of iptables-save"
        f"{'' if family == 4 else ' (ip6tables-save)'} instead",
    )


_MIRRORED = {"saddr": "daddr", "sport": "dport", "iif": "oif", "iifname": "oifname", "iiftype": "oiftype"}
_MIRRORED |= {other: one for one, other in _MIRRORED.items()}


def _mirrored(node: Any, depth: int = 0) -> Any:
    """Return an expression about a packet with its ends exchanged; what connection tracking knows stays as it is."""
    match node:
        case _ if depth > 4:
            return node
        case {"payload": {"field": str(name), **rest}}:
            return {"payload": {**rest, "field": _MIRRORED.get(name, name)}}
        case {"meta": {"key": str(name), **rest}}:
            return {"meta": {**rest, "key": _MIRRORED.get(name, name)}}
        case {"fib": {"flags": flags, **rest}}:
            every = flags if isinstance(flags, list) else [flags]
            return {"fib": {**rest, "flags": [_MIRRORED.get(f, f) if isinstance(f, str) else f for f in every]}}
        case {"concat": list(parts)}:
            return {"concat": [_mirrored(part, depth + 1) for part in parts]}
        case {"&": [part, mask]}:
            return {"&": [_mirrored(part, depth + 1), mask]}
    return node


def _source_of(left: Any) -> int:
    """Return the family whose source address `left` is; 0 for anything else."""
    match left:
        case {"payload": {"protocol": "ip", "field": "saddr"}}:
            return 4
        case {"payload": {"protocol": "ip6", "field": "saddr"}}:
            return 6
    return 0


def _is_port(left: Any) -> bool:
    match left:
        case {"payload": {"protocol": ("tcp" | "th"), "field": ("dport" | "sport")}}:
            return True
        case {"ct": {"key": "proto-dst", "dir": "original"}}:
            return True
    return False


def _plain(element: Any) -> Any:
    """Return a set's element without its counter, timeout or comment."""
    if isinstance(element, Mapping) and isinstance(element.get("elem"), Mapping):
        return element["elem"].get("val")
    return element


def _addresses(value: Any) -> tuple[int, Pair]:
    """Return family and interval of an address, prefix or range. Raises ValueError."""
    match value:
        case str():
            return intervals.network(value)
        case {"prefix": {"addr": str(address), "len": int(length)}}:
            return intervals.network(f"{address}/{length}")
        case {"range": [str(first), str(last)]}:
            family, a = intervals.address(first)
            return family, (a, intervals.address(last)[1] + 1)
    raise _Unread("an address that is not understood")


def _compare(port: int, value: Any, operator: str) -> bool:
    low, high = _bounds(value, operator)
    return low <= port <= high


def _bounds(value: Any, operator: str) -> tuple[int, int]:
    """Return the lowest and highest port that `operator value` means."""
    match value:
        case bool():
            raise _Unread("a port that is not understood")
        case {"range": [int(first), int(last)]}:
            return first, last
        case int():
            at = value
        case str() if value in _SERVICES:
            at = _SERVICES[value]
        case _:
            raise _Unread(f"the port {visible(value, 40)} is not understood")
    return {
        "==": (at, at), "in": (at, at), "!=": (at, at), "<": (0, at - 1), "<=": (0, at), ">": (at + 1, 65535),
        ">=": (at, 65535),
    }[operator]  # fmt: skip


_SERVICES = {"http": 80, "https": 443, "http-alt": 8080, "ssh": 22}


def _not(operator: str) -> bool:
    """Return the answer, before negation, for a header that the packet does not have: no condition on it holds."""
    return operator == "!="


_ALL_FLAGS = ("fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr")


def _flags(packet: Packet, value: Any, operator: str) -> bool | None:
    if operator != "in":
        return _masked_flags(packet, list(_ALL_FLAGS), value)
    names = value if isinstance(value, list) else [value]
    if packet.established:
        return True if "ack" in names else None if "psh" in names else False
    return "syn" in names or (packet.answering and "ack" in names)


def _masked_flags(packet: Packet, mask: Any, value: Any) -> bool | None:
    """Tell whether the packet's flags, as far as `mask` looks at them, are `value`."""
    looked_at = mask if isinstance(mask, list) else [mask]
    wanted = [] if value in (0, [0]) else value if isinstance(value, list) else [value]
    if not all(isinstance(n, str) for n in (*looked_at, *wanted)):
        raise _Unread("TCP flags that are not understood")
    return packet.has_flags(looked_at, wanted)


def _named(left: Any) -> str:
    if isinstance(left, Mapping) and left:
        kind, body = next(iter(left.items()))
        inner = body.get("key") or body.get("field") if isinstance(body, Mapping) else ""
        protocol = body.get("protocol") if isinstance(body, Mapping) else ""
        return " ".join(str(w) for w in (protocol or kind, inner) if w)
    return str(left)
