"""Where the walk begins: the root's name servers, built in or from a file in the usual named.root format."""

from __future__ import annotations

import ipaddress
import random
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import msgspec

from cfrunbook import files
from cfrunbook.errors import BadInput
from cfrunbook.probes.dns.names import ROOT, plain
from cfrunbook.text import visible

SOURCE = "https://www.internic.net/domain/named.root"
READ = "2024-04-18"
"""The file's own date; the addresses have changed about once in five years."""
MAX_HINTS = 64

_TTL_OR_CLASS = re.compile(r"[0-9]+[SMHDWsmhdw]?|[Ii][Nn]")
_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_TYPES_READ = ("NS", "A", "AAAA")

_ROOT_SERVERS = """
a 198.41.0.4 2001:503:ba3e::2:30
b 170.247.170.2 2801:1b8:10::b
c 192.33.4.12 2001:500:2::c
d 199.7.91.13 2001:500:2d::d
e 192.203.230.10 2001:500:a8::e
f 192.5.5.241 2001:500:2f::f
g 192.112.36.4 2001:500:12::d0d
h 198.97.190.53 2001:500:1::53
i 192.36.148.17 2001:7fe::53
j 192.58.128.30 2001:503:c27::2:30
k 193.0.14.129 2001:7fd::1
l 199.7.83.42 2001:500:9f::42
m 202.12.27.33 2001:dc3::35
"""


class Hint(msgspec.Struct, frozen=True):
    """One address of one name server of the root."""

    server: str
    """Lower case, without the final dot."""
    address: str


@cache
def built_in() -> tuple[Hint, ...]:
    """Return the 13 root servers of the internet, each with its IPv4 and IPv6 address (`SOURCE`, read `READ`)."""
    rows = (line.split() for line in _ROOT_SERVERS.split("\n") if line)
    return tuple(Hint(f"{letter}.root-servers.net", address) for letter, *both in rows for address in both)


def shuffled(hints: Sequence[Hint]) -> tuple[Hint, ...]:
    """Return the hints with the servers in another order, so that not everybody asks the same three."""
    servers = list(dict.fromkeys(hint.server for hint in hints))
    random.shuffle(servers)
    return tuple(sorted(hints, key=lambda hint: servers.index(hint.server)))


def load(path: Path) -> tuple[Hint, ...]:
    """Read a root hints file. Raises BadInput with one sentence for anything else."""
    content = files.read_bounded(path, "Root hints")
    try:
        return parse(content.decode())
    except UnicodeDecodeError:
        why = "it is not text"
    except ValueError as error:
        why = visible(error, 120)
    raise BadInput(f"--root-hints: {visible(path)} is not a root hints file like {SOURCE} ({why}).")


def parse(text: str) -> tuple[Hint, ...]:
    """Return the addresses of the root's name servers in `text`, in its order. Raises ValueError that says why not.

    Read are NS, A and AAAA records of one line each, as that file and `dig . NS` have them; records of other types are
    passed over, directives ($INCLUDE, $GENERATE) refused.
    """
    servers: set[str] = set()
    found: list[Hint] = []
    owner = ""
    for number, line in enumerate(text.split("\n"), 1):
        words = line.partition(";")[0].split()
        if not words:
            continue
        if not line[0].isspace():  # else the record belongs to the owner of the one before
            owner = plain(words.pop(0))
        match [word for word in words if not _TTL_OR_CLASS.fullmatch(word)] if owner else []:
            case [kind, data] if kind.upper() == "NS":
                if owner == ROOT:
                    servers.add(plain(data))
            case [kind, data] if kind.upper() in ("A", "AAAA"):
                found.append(Hint(owner, _address(kind.upper(), data, number)))
            case [kind, _, *_] if (
                _TYPE.fullmatch(kind) and kind.upper() not in _TYPES_READ and not owner.startswith("$")
            ):
                continue
            case _:
                raise ValueError(f"line {number} is no record of a name server or its address")
    hints = [hint for hint in found if hint.server in servers]
    if not hints:
        raise ValueError("it names no name server of the root with an address")
    return tuple(dict.fromkeys(hints))[:MAX_HINTS]


def _address(kind: str, text: str, line: int) -> str:
    try:
        return str(ipaddress.IPv4Address(text) if kind == "A" else ipaddress.IPv6Address(text))
    except ValueError:
        raise ValueError(f"line {line}: {text} is no address of type {kind}") from None
