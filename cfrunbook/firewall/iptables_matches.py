"""The conditions of one iptables rule, answered for one of CloudFront's packets. iptables-extensions(8)

What is not known here is never taken for a match nor for a mismatch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cfrunbook.firewall import intervals, ipset
from cfrunbook.firewall.intervals import Intervals
from cfrunbook.firewall.model import NEVER, Companions, Match, answer, exactly, perhaps, yes
from cfrunbook.firewall.packets import ASK_DESTINATION, ASK_INTERFACE, Packet, port_range
from cfrunbook.text import visible

ALL_BITS = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Marks:
    """What the dump as a whole tells of a packet's state."""

    tracked: bool = True
    """Nothing in the dump takes packets out of connection tracking."""
    bits: int = ALL_BITS
    """Bits that something in the dump may set in a packet's mark."""


@dataclass(frozen=True, slots=True)
class Target:
    """When a rule matches, and where it leads."""

    match: Match
    name: str = ""
    goto: bool = False
    options: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Words:
    """The words of a rule, read from left to right."""

    words: list[str]
    at: int = 0

    def take(self) -> str:
        word = self.words[self.at] if self.at < len(self.words) else ""
        self.at += 1
        return word

    def values(self) -> list[str]:
        """Take all words up to the next option."""
        start = self.at
        while self.at < len(self.words) and not self.words[self.at].startswith("-") and self.words[self.at] != "!":
            self.at += 1
        return self.words[start : self.at]


def target_of(given: list[str], packet: Packet, companions: Companions, marks: Marks) -> Target:
    """Return when the rule of these words matches `packet`, and its target."""
    words = _Words(given)
    family = packet.family
    match = every = yes(family)
    inverted = False
    while words.at < len(words.words):
        option = words.take()
        if option == "!":
            inverted = True
            continue
        if option in ("-j", "-g", "--jump", "--goto"):
            return Target(match, words.take(), option in ("-g", "--goto"), words.words[words.at :])
        if packet.answering:
            option = _MIRRORED.get(option, option)
        found = _condition(option, words, packet, companions, marks)
        if found is not None:
            if inverted:
                found = found.negated(family)
            if found is every:  # most conditions hold for every source or for none
                inverted = False
                continue
            match = found if match is every else match & found
            if not match.may:
                return Target(match)
        inverted = False
    return Target(match)


def _condition(option: str, words: _Words, packet: Packet, companions: Companions, marks: Marks) -> Match | None:
    """Return when one option matches; None for one that is no condition."""
    family = packet.family
    if option in ("-m", "--match"):
        module = words.take()
        return perhaps(family, _not_known(f"-m {module}")) if module in _CONDITION_BY_ITSELF else None
    if option in _WITH_TEXT:
        words.take()  # whatever it looks like
        return None
    if option in _NO_CONDITION:
        words.values()
        return None
    if option == "--tcp-flags":
        return answer(_flags(words.take(), words.take(), packet), family, "whether a packet has PSH is not known")
    if option == "--match-set":
        name, flags = words.take(), words.take()
        if packet.answering:
            flags = ",".join({"src": "dst", "dst": "src"}.get(f, f) for f in flags.split(","))
        return ipset.match(name, flags, packet, dict(companions.ip_sets))
    try:
        if option in ("-s", "--source", "--src-range"):
            return exactly(_sources(words.take(), packet))
        if option in _SIMPLE:
            values = words.values()
            known = _SIMPLE[option](",".join(values), packet, marks)
            if known is not None:
                return yes(family) if known else NEVER
            why = _WHY.get(option) or _not_known(option)
            return perhaps(family, why.replace("{0}", visible(",".join(values), 40)))
    except ValueError:
        return perhaps(family, f"{visible(option, 40)} has a value that is not understood")
    words.values()
    return perhaps(family, _not_known(option))


def _sources(text: str, packet: Packet) -> Intervals:
    pairs = []
    for word in text.split(","):
        first, dash, last = word.partition("-")
        family, pair = intervals.network(first)
        if dash:
            pair = pair[0], intervals.address(last)[1] + 1
        if family == packet.family:
            pairs.append(pair)
    return Intervals.of(pairs)


def _not_known(option: str) -> str:
    what = _LIMITS.get(option.lstrip("-").partition("-")[0], "")
    return f"{visible(option, 40)} depends on {what or 'what is not in the dump'}"


_LIMITS = {
    "limit": "how many packets came before", "hashlimit": "how many packets came before",
    "connlimit": "how many connections there are", "rcheck": "which addresses were seen before",
    "update": "which addresses were seen before", "string": "the packet's content", "hex": "the packet's content",
    "source": "where an address is (geoip)", "src": "where an address is (geoip)",
    "probability": "chance", "every": "how many packets came before", "mark": "marks that other rules set",
    "timestart": "the time of day",
}  # fmt: skip
_WHY = {
    "-i": ASK_INTERFACE, "--in-interface": ASK_INTERFACE, "-d": ASK_DESTINATION, "--destination": ASK_DESTINATION,
    "--dst-range": ASK_DESTINATION,
    "-o": "whether the connection leaves by {0} is not in the dump",
}  # fmt: skip


def _flags(mask: str, wanted: str, packet: Packet) -> bool | None:
    """Tell whether `--tcp-flags mask wanted` matches."""

    def named(words: str) -> set[str]:
        return set(_ALL_FLAGS if words == "ALL" else words.lower().split(",")) - {"none"}

    return packet.has_flags(named(mask), named(wanted))


_ALL_FLAGS = ("fin", "syn", "rst", "psh", "ack", "urg")


def _any(answers: list[bool | None]) -> bool | None:
    return True if True in answers else None if None in answers else False


def _destination_ports(text: str, packet: Packet, _: Marks) -> bool:
    return any(low <= packet.port <= high for low, high in map(port_range, text.split(",")))


def _source_ports(text: str, packet: Packet, _: Marks) -> bool | None:
    return _any([packet.has_client_port(*port_range(word)) for word in text.split(",")])


def _state(text: str, packet: Packet, marks: Marks) -> bool | None:
    states = set(text.upper().split(","))
    if packet.state.upper() in states or ("DNAT" in states and packet.original_port):
        return True if marks.tracked else None
    return None if "UNTRACKED" in states and not marks.tracked else False


def _destination_type(text: str, packet: Packet, _: Marks) -> bool | None:
    kinds = set(text.upper().split(","))
    local = "LOCAL" in kinds
    if local and not packet.forwarded:
        return True
    return "UNICAST" in kinds and packet.forwarded


def _mark(text: str, packet: Packet, marks: Marks) -> bool | None:
    first, _, second = text.partition("/")
    value, mask = int(first, 0), int(second, 0) if second else ALL_BITS
    if packet.mark is None:
        return False if value & ~marks.bits else None  # a bit that no rule ever sets
    return packet.mark & mask == value


def _original_port(text: str, packet: Packet, _: Marks) -> bool:
    low, high = port_range(text)
    return low <= (packet.original_port or packet.port) <= high


def _destination_range(text: str, packet: Packet, _: Marks) -> bool | None:
    first, _dash, last = text.partition("-")
    family, a = intervals.address(first)
    if not packet.destination:
        return None
    return family == packet.family and a <= intervals.address(packet.destination)[1] <= intervals.address(last)[1]


_Answer = Callable[[str, Packet, Marks], bool | None]
_SIMPLE: dict[str, _Answer] = {
    "-p": lambda text, *_: text in ("tcp", "6", "all", "0"),
    "-d": lambda text, packet, _: _any([packet.goes_to(word) for word in text.split(",")]),
    "--dst-range": _destination_range,
    "-i": lambda text, packet, _: packet.comes_in_by(text),
    "-o": lambda text, packet, _: packet.goes_out_by(text),
    "-f": lambda *_: False,
    "--dport": _destination_ports,
    "--sport": _source_ports,
    "--ports": lambda text, packet, m: _any([_destination_ports(text, packet, m), _source_ports(text, packet, m)]),
    "--syn": lambda _, packet, __: not packet.established and not packet.answering,
    "--ctstate": _state,
    "--ctdir": lambda text, packet, _: text.lower() == packet.direction,
    "--ctproto": lambda text, *_: text in ("tcp", "6"),
    "--ctorigdstport": _original_port,
    "--ctstatus": lambda text, packet, _: None if text != "DNAT" else bool(packet.original_port),
    "--dst-type": _destination_type,
    "--src-type": lambda text, *_: "UNICAST" in text.upper().split(","),
    "--set": lambda *_: True,  # -m recent --set notes the address and always matches
    "--mark": _mark,
    "--pkt-type": lambda text, packet, _: None if packet.answering else text in ("host", "unicast"),
    "--pol": lambda text, *_: text == "none",
    "--icmp-type": lambda *_: False,
    "--icmpv6-type": lambda *_: False,
}
for _short, _names in {
    "-p": ("--protocol",), "-d": ("--destination",), "-i": ("--in-interface",), "-o": ("--out-interface",),
    "-f": ("--fragment",), "--dport": ("--dports", "--destination-port", "--destination-ports"),
    "--sport": ("--sports", "--source-port", "--source-ports"), "--ctstate": ("--state",),
}.items():  # fmt: skip
    _SIMPLE |= dict.fromkeys(_names, _SIMPLE[_short])

_MIRRORED: dict[str, str] = {}
"""Options about one end of a packet, and the same about the other end: for answers."""
for _one, _other in (
    ("-s", "-d"), ("--source", "--destination"), ("--src-range", "--dst-range"), ("--src-type", "--dst-type"),
    ("-i", "-o"), ("--in-interface", "--out-interface"), ("--sport", "--dport"), ("--sports", "--dports"),
    ("--source-port", "--destination-port"), ("--source-ports", "--destination-ports"),
):  # fmt: skip
    _MIRRORED |= {_one: _other, _other: _one}

_NO_CONDITION = frozenset({
    "--limit-burst", "--rsource", "--rdest", "--mask", "--seconds", "--hitcount", "--reap",
    "--rttl", "--dir", "--strict", "--limit-iface-in", "--validmark", "--loose", "--accept-local", "--algo", "--from",
    "--to", "--icase", "--hashlimit-burst", "--hashlimit-mode", "--hashlimit-srcmask",
    "--hashlimit-dstmask", "--hashlimit-htable-size", "--hashlimit-htable-max", "--hashlimit-htable-expire",
    "--hashlimit-htable-gcinterval", "--connlimit-mask", "--connlimit-saddr", "--connlimit-daddr", "--kerneltz",
    "--return-nomatch", "--packet", "--utc",
})  # fmt: skip
"""Options that say how another condition is meant."""
_WITH_TEXT = frozenset({"--comment", "--name", "--hashlimit-name"})
"""Options whose value is any text, also one like an option."""
_CONDITION_BY_ITSELF = frozenset({"eui64", "ipv4options", "rpfilter", "socket", "unclean"})
"""Matches that are a condition without any option. iptables-extensions(8)"""
