"""`ipset save`: the named sets that iptables rules refer to. https://ipset.netfilter.org/ipset.man.html"""

from __future__ import annotations

import re

from cfrunbook.firewall import intervals
from cfrunbook.firewall.intervals import Intervals, Pair
from cfrunbook.firewall.model import IpSet, Match, exactly, perhaps, yes
from cfrunbook.firewall.packets import Packet, port_range

_CREATE = re.compile(r"create (\S+) (\S+)(.*)")
_ADD = re.compile(r"add (\S+) (\S+)(.*)")
_MASK = re.compile(r"\bnetmask (\d{1,3})\b")
_ADDRESSES = ("hash:ip", "hash:net", "bitmap:ip")
_WITH_PORT = ("hash:ip,port", "hash:net,port")


def read(text: str) -> dict[str, IpSet]:
    """Return the sets of an `ipset save`; lines that are none of its own are left out."""
    made: dict[str, tuple[str, bool, str]] = {}
    entries: dict[str, list[str]] = {}
    for line in text.splitlines():
        if created := _CREATE.match(line):
            mask = _MASK.search(created[3])
            kind = f"{created[2]} bitmask" if "bitmask" in created[3] else created[2]
            made[created[1]] = kind, "family inet6" in created[3], f"/{mask[1]}" if mask else ""
            entries.setdefault(created[1], [])
        elif (added := _ADD.match(line)) and added[1] in made:
            entry = added[2] if "/" in added[2] else added[2] + made[added[1]][2]
            entries[added[1]].append(f"!{entry}" if "nomatch" in added[3].split() else entry)
    return {name: IpSet(kind, 6 if v6 else 4, tuple(entries[name])) for name, (kind, v6, _) in made.items()}


def match(name: str, flags: str, packet: Packet, sets: dict[str, IpSet], depth: int = 0) -> Match:
    """Return for which sources `--match-set name flags` matches `packet`."""
    family = packet.family
    found = sets.get(name)
    if found is None:
        return perhaps(family, f"the set {name} is not in the files given: give the output of ipset save too")
    directions = flags.split(",")
    if found.type.startswith("list:") and depth < 4:
        members = [match(entry, flags, packet, sets, depth + 1) for entry in found.entries]
        return Match(
            Intervals.of(p for m in members for p in m.must.pairs),
            Intervals.of(p for m in members for p in m.may.pairs),
            next((m.why for m in members if m.why), ""),
        )
    unread = perhaps(family, f"the set {name} ({found.type}, matched by {flags}) is not evaluated")
    try:
        if found.type == "bitmap:port" and directions == ["dst"]:
            hit = any(_in_ports(entry, packet.port, "-") for entry in found.entries)
            return yes(family) if hit else exactly(Intervals())
        if found.family != family:
            return exactly(Intervals())
        if found.type in _ADDRESSES and directions == ["src"]:
            return exactly(_members(found.entries))
        if found.type in _WITH_PORT and directions == ["src", "dst"]:
            here = [entry for entry in found.entries if _names_port(entry, packet.port)]
            marks = [("!" if e.startswith("!") else "") + e.removeprefix("!").partition(",")[0] for e in here]
            return exactly(_members(marks))
    except ValueError:
        return unread
    return unread


def _members(entries: tuple[str, ...] | list[str]) -> Intervals:
    """Return what entries hold: of those that overlap, the most specific counts. Raises ValueError."""
    if not any(e.startswith("!") for e in entries):
        return Intervals.of(map(_pair, entries))
    inside = Intervals()
    sized = [(_pair(e.removeprefix("!")), e.startswith("!")) for e in entries]
    for size in sorted({b - a for (a, b), _ in sized}, reverse=True):
        inside |= Intervals.of(p for p, out in sized if not out and p[1] - p[0] == size)
        inside -= Intervals.of(p for p, out in sized if out and p[1] - p[0] == size)
    return inside


def _pair(entry: str) -> Pair:
    first, dash, last = entry.partition("-")
    _, pair = intervals.network(first)
    return (pair[0], intervals.address(last)[1] + 1) if dash else pair


def _names_port(entry: str, port: int) -> bool:
    protocol, mark, ports = entry.partition(",")[2].rpartition(":")
    return (not mark or protocol == "tcp") and _in_ports(ports, port, "-")


def _in_ports(text: str, port: int, separator: str) -> bool:
    low, high = port_range(text, separator)
    return low <= port <= high
