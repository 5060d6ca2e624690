"""The editable files of the lab's DNS: `name-servers.json`, which says what each server holds and does, and zone files.

A zone that several servers hold is one file, as with a provider, where it is edited once for all. To files and back
without loss: what is read from untouched files equals what was written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

import dns.exception
import msgspec

from cfrunbook.errors import BadInput
from cfrunbook.files import read_bounded
from cfrunbook.lab.dns.setup import Fault, NameServer, Template, Tree, Zone
from cfrunbook.text import visible

if TYPE_CHECKING:
    from cfrunbook.lab.dns.signing import Signer

SERVERS_FILE: Final = "name-servers.json"
_LIMIT: Final = 1_000_000
"""Bytes of any one file."""
_MOST_SERVERS: Final = 64


class _Template(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    name: str
    records: str
    types: list[str] = []


class _Held(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A zone that a server holds."""

    zone: str
    """Its name, absolute."""
    file: str
    key: str = ""
    """The file of the key that signs it; empty: it is not signed."""
    days: tuple[int, int] = (-1, 14)
    """From when to when signatures are valid, in days from the lab's start."""


class _Server(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    zones: list[_Held]
    faults: list[Fault] = []
    types: list[str] = []
    templates: list[_Template] = []
    rotation: list[list[_Held]] = []
    delay: float = 0.0


def files(tree: Tree) -> Mapping[str, bytes]:
    """Return the files of a tree, by their name relative to its folder."""
    made: dict[str, bytes] = {}
    names: dict[Zone, _Held] = {}

    def held(zones: tuple[Zone, ...]) -> list[_Held]:
        return [names.get(zone) or names.setdefault(zone, _written(zone, made)) for zone in zones]

    servers = {
        server.address: _Server(
            held(server.zones),
            list(server.faults),
            list(server.types),
            [_Template(t.name, t.records, list(t.types)) for t in server.templates],
            [held(zones) for zones in server.rotation],
            server.delay,
        )
        for server in tree.servers
    }
    made[SERVERS_FILE] = msgspec.json.format(msgspec.json.encode(servers), indent=2) + b"\n"
    return made


def _written(zone: Zone, made: dict[str, bytes]) -> _Held:
    base = zone.origin.rstrip(".") or "root"
    number = sum(name == f"{base}.zone" or name.startswith(f"{base}-") for name in made) + 1
    name = f"{base}.zone" if number == 1 else f"{base}-{number}.zone"
    made[name] = zone.text.encode()
    if zone.signer is None:
        return _Held(zone.origin, name)
    key = name.removesuffix(".zone") + ".key.pem"
    made[key] = zone.signer.pem
    return _Held(zone.origin, name, key, zone.signer.days)


def read(folder: Path, before: Tree) -> Tree:
    """Return the tree as its files are now. Raises BadInput with one sentence."""
    return _Reader(folder).tree(before)


class _Reader:
    """The folder, and what was read in it already."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._zones: dict[_Held, Zone] = {}

    def tree(self, before: Tree) -> Tree:
        try:
            servers = msgspec.json.decode(self._bytes(SERVERS_FILE), type=dict[str, _Server])
        except msgspec.DecodeError as error:
            raise BadInput(f"{self._shown(SERVERS_FILE)}: {visible(error, 200)}.") from None
        if len(servers) > _MOST_SERVERS:
            raise BadInput(f"{self._shown(SERVERS_FILE)}: more than {_MOST_SERVERS} name servers.")
        return replace(before, servers=tuple(self._server(*item) for item in servers.items()))

    def _server(self, address: str, server: _Server) -> NameServer:
        try:
            ip_address(address)
        except ValueError:
            raise BadInput(f"{self._shown(SERVERS_FILE)}: '{visible(address, 60)}' is not an IP address.") from None
        made = NameServer(
            address,
            tuple(map(self._zone, server.zones)),
            tuple(server.faults),
            tuple(server.types),
            tuple(Template(t.name, t.records, tuple(t.types)) for t in server.templates),
            tuple(tuple(map(self._zone, zones)) for zones in server.rotation),
            min(max(server.delay, 0.0), 60.0),
        )
        self._check(made)
        return made

    def _zone(self, held: _Held) -> Zone:
        if held not in self._zones:
            text = self._bytes(held.file).decode("utf-8", "replace")
            origin = held.zone if held.zone.endswith(".") else f"{held.zone}."
            zone = Zone(origin, text, self._signer(held) if held.key else None)
            self._zones[held] = zone
            self._check(NameServer("", (zone,)), held.file)
        return self._zones[held]

    def _signer(self, held: _Held) -> Signer:
        from cfrunbook.lab.dns.signing import Signer

        try:
            return Signer(days=held.days, pem=self._bytes(held.key))
        except (ValueError, TypeError):
            raise BadInput(f"{self._shown(held.key)}: it is not the ECDSA P-256 key of a zone in PEM.") from None

    def _check(self, server: NameServer, file: str = SERVERS_FILE) -> None:
        """Raise BadInput where a name server could not be brought up so."""
        from cfrunbook.lab.dns.server import Responder

        try:
            Responder(server)
        except (dns.exception.DNSException, ValueError, KeyError) as error:
            why = visible(str(error) or type(error).__name__, 160)
            raise BadInput(f"{self._shown(file)}: it is not a zone that a name server can load: {why}.") from None

    def _bytes(self, name: str) -> bytes:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise BadInput(f"{self._shown(SERVERS_FILE)}: '{visible(name, 100)}' is not inside this folder.")
        return read_bounded(self._folder / path, self._shown(name), _LIMIT)

    def _shown(self, name: str) -> str:
        return visible(f"{self._folder.name}/{name}", 160)
