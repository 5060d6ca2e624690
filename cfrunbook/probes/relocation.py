"""`--connect-to HOST1:PORT1:HOST2:PORT2`, curl's own syntax: go there instead, with the names of the origin kept.

https://curl.se/docs/manpage.html#--connect-to - an empty HOST1 or PORT1 matches any, an empty PORT2 keeps the
port, IPv6 addresses stand in brackets, and the first entry that matches counts. Two things differ from curl, since
name resolution is not to be examined on the way: HOST2 is an IP address (or `localhost`, which is 127.0.0.1), and
further entries for the same HOST1:PORT1 are further addresses of that host.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

import msgspec

from cfrunbook import hostname
from cfrunbook.errors import BadInput
from cfrunbook.probes.endpoint import Endpoint
from cfrunbook.text import visible

_HOST = r"(\[[^\[\]]*\]|[^:\[\]]*)"
_SYNTAX = re.compile(rf"{_HOST}:([0-9]*):{_HOST}(?::([0-9]*))?", re.ASCII)
_MAX_TEXT = 600  # two names of 253 characters, two ports and the punctuation


class Relocation(msgspec.Struct, frozen=True):
    """One entry: what it applies to, and the address to use there."""

    host: str
    """Lower case, A-label form, no trailing dot; empty: any."""
    port: int
    """0: any."""
    address: str
    """IP address in its shortest form, without brackets."""
    to_port: int = 0
    """0: the port asked for."""

    def __str__(self) -> str:
        ports = [str(port) if port else "" for port in (self.port, self.to_port)]
        return f"{_bracketed(self.host)}:{ports[0]}:{_bracketed(self.address)}:{ports[1]}"

    def matches(self, host: str, port: int) -> bool:
        """Tell whether this entry applies to `host` (A-label form, any case) and `port`."""
        return self.host in ("", _plain(host)) and self.port in (0, port)


class Relocations(msgspec.Struct, frozen=True):
    """The entries of a run, in the order given."""

    entries: tuple[Relocation, ...] = ()

    def endpoints(self, host: str, port: int) -> tuple[Endpoint, ...] | None:
        """Return where to go for `host:port`, one endpoint per address; None where no entry applies."""
        first = next((entry for entry in self.entries if entry.matches(host, port)), None)
        if first is None:
            return None
        same = (e for e in self.entries if (e.host, e.port) == (first.host, first.port))
        found = (Endpoint(host=host, port=port, address=e.address, connect_port=e.to_port) for e in same)
        return tuple(dict.fromkeys(found))


def parse(text: str) -> Relocation:
    """Read one entry. Raises BadInput with one sentence that says which part is wrong."""
    match = _SYNTAX.fullmatch(text) if len(text) <= _MAX_TEXT else None
    if match is None:
        raise BadInput(
            f"--connect-to '{visible(text, 80)}': expected HOST:PORT:ADDRESS:PORT, as for curl, "
            "with IPv6 addresses in brackets."
        )
    host, port, address, to_port = match.groups(default="")
    return Relocation(
        host=_host(host, text),
        port=_port(port, text),
        address=_address(address, text),
        to_port=_port(to_port, text),
    )


def parse_all(texts: Iterable[str]) -> Relocations:
    """Read several entries, in order. Raises BadInput for the first that is wrong."""
    return Relocations(tuple(parse(text) for text in texts))


def _host(host: str, text: str) -> str:
    if host.startswith("["):
        return _literal(host[1:-1], text)
    plain = _plain(host) if host.isascii() else hostname.to_ascii(host, "--connect-to")
    if host and not re.fullmatch(r"[^\s:\[\]]+", plain):  # "." must not become "any host"
        raise BadInput(f"--connect-to '{visible(text, 80)}': '{visible(host, 60)}' is not a host name.")
    return plain


def _address(address: str, text: str) -> str:
    if address.startswith("["):
        return _literal(address[1:-1], text)
    if _plain(address) == "localhost":
        return "127.0.0.1"
    return _literal(address, text)


def _literal(address: str, text: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        parsed = None
    if parsed is None or "%" in address:
        raise BadInput(
            f"--connect-to '{visible(text, 80)}': '{visible(address, 60)}' is not an IP address; give the address "
            "to connect to (or localhost), since a name there would have to be resolved first."
        )
    return str(parsed)


def _port(digits: str, text: str) -> int:
    if not digits:
        return 0
    port = int(digits) if len(digits) <= 5 else 0
    if not 1 <= port <= 65535:
        raise BadInput(f"--connect-to '{visible(text, 80)}': {visible(digits, 20)} is not a port (1 to 65535).")
    return port


def _plain(host: str) -> str:
    return host.lower().rstrip(".")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
