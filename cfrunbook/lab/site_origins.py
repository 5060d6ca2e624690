"""The editable files of an origin: `server.json`, which says what each port does, and certificates beside it.

To files and back without loss: what is read from untouched files equals what was written.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any, Final, Literal

import msgspec

from cfrunbook.errors import BadInput
from cfrunbook.files import read_bounded
from cfrunbook.lab.authority import Identity, PrivateKey, pem_bundle
from cfrunbook.lab.scenario import OriginSetup
from cfrunbook.lab.servers import (
    Banner,
    Behind,
    Chain,
    Closed,
    Closes,
    Dropped,
    Http,
    Reply,
    Service,
    Silent,
    Tls,
    check_service,
)
from cfrunbook.text import visible

SERVER_FILE: Final = "server.json"
_LIMIT: Final = 1_000_000
"""Bytes of any one file."""
_MOST_ADDRESSES: Final = 16
_Version = Literal["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"]
_VERSIONS: Final[Mapping[_Version, ssl.TLSVersion]] = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}


class _Certificate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A certificate chain and its key: names of PEM files."""

    certificate: str
    key: str


class _Https(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="answers", tag="https"
):
    """A web server with TLS."""

    certificate: str = ""
    """Empty: names that `names` does not know are refused."""
    key: str = ""
    names: dict[str, _Certificate] = {}
    second: _Certificate | None = None
    """Another kind of key beside the first."""
    minimum: _Version = "TLSv1.2"
    maximum: _Version = "TLSv1.3"
    ciphers: str = ""
    curve: str = ""
    dh_parameters: str = ""
    client_certificates: str = ""
    """The authority that clients are asked for a certificate of; empty: they are not asked."""
    client_certificates_optional: bool = False
    reply: str = ""
    """The file with every answer, byte for byte; empty: the shop's page."""
    hangs: bool = False
    """After `reply` nothing more comes, and the connection stays open."""
    keep_alive: float = 0
    middlebox: bool = False
    """It is behind a device of which only this much is known; false takes the device away."""


class _Http(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="answers", tag="http"
):
    """A web server without TLS."""

    redirect: bool = False
    status: int = 200


class _Silent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="answers", tag="never"):
    pass


class _Closes(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="answers", tag="closes"):
    pass


class _Banner(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="answers", tag="greets"
):
    greeting: str
    waits: bool = False
    then: Literal["keeps", "closes", "resets"] = "keeps"


class _Closed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="answers", tag="refuses"):
    pass


class _Dropped(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="answers", tag="drops"):
    pass


_Plain = _Silent | _Closes | _Closed | _Dropped
_Port = _Https | _Http | _Banner | _Plain
_PLAIN: Final[Mapping[type[_Plain], type[Silent | Closes | Closed | Dropped]]] = {
    _Silent: Silent,
    _Closes: Closes,
    _Closed: Closed,
    _Dropped: Dropped,
}


class _Address(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    ports: dict[str, _Port]
    address: str = ""
    """What DNS is to say; empty where the origin's name is not looked up."""


class _Server(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    addresses: list[_Address]


# --- to files -----------------------------------------------------------------------------------------------------


def files(origin: OriginSetup) -> Mapping[str, bytes]:
    """Return the files of an origin, by their name relative to its folder."""
    made: dict[str, bytes] = {}
    addresses = [
        _Address(
            {
                str(port): _described(service, f"address-{number}-port-{port}", made)
                for port, service in services.items()
            },
            origin.published[number - 1] if origin.published else "",
        )
        for number, services in enumerate(origin.addresses, 1)
    ]
    made[SERVER_FILE] = msgspec.json.format(msgspec.json.encode(_Server(addresses)), indent=2) + b"\n"
    return made


def _described(service: Service, folder: str, made: dict[str, bytes]) -> _Port:
    match service:
        case Tls():
            return _https(service, folder, made)
        case Behind(service=Tls() as behind):
            return msgspec.structs.replace(_https(behind, folder, made), middlebox=True)
        case Http(redirect=redirect, status=status):
            return _Http(redirect, status)
        case Banner(greeting=greeting, waits=waits, then=then):
            return _Banner(greeting.decode("latin-1"), waits, then)
    return next(file() for file, kind in _PLAIN.items() if isinstance(service, kind))


def _https(service: Tls, folder: str, made: dict[str, bytes]) -> _Https:
    first = _written(service.chain, folder, made) if service.chain else None
    versions: Mapping[ssl.TLSVersion, _Version] = {version: name for name, version in _VERSIONS.items()}
    return _Https(
        certificate=first.certificate if first else "",
        key=first.key if first else "",
        names={name: _written(chain, f"{folder}/{name}", made) for name, chain in service.by_name.items()},
        second=_written(service.beside, f"{folder}/second", made) if service.beside else None,
        minimum=versions[service.minimum],
        maximum=versions[service.maximum],
        ciphers=service.ciphers,
        curve=service.curve,
        dh_parameters=_file(f"{folder}/dhparam.pem", service.dh_parameters.encode(), made),
        client_certificates=_file(f"{folder}/clients.pem", service.clients.pem if service.clients else b"", made),
        client_certificates_optional=service.clients_optional,
        reply=_file(f"{folder}/reply.http", service.reply.sent, made, keep_empty=True) if service.reply else "",
        hangs=bool(service.reply and service.reply.then == "keeps"),
        keep_alive=service.keep_alive,
    )


def _written(chain: Chain, folder: str, made: dict[str, bytes]) -> _Certificate:
    return _Certificate(
        _file(f"{folder}/fullchain.pem", pem_bundle(chain.sent), made),
        _file(f"{folder}/privkey.pem", chain.sent[0].key_pem, made),
    )


def _file(name: str, content: bytes, made: dict[str, bytes], *, keep_empty: bool = False) -> str:
    if not content and not keep_empty:
        return ""
    made[name] = content
    return name


# --- from files ---------------------------------------------------------------------------------------------------


def read(folder: Path, before: OriginSetup) -> OriginSetup:
    """Return the origin as its files are now. Raises BadInput with one sentence.

    `before` says what is not in the files, and which device stands in front of which port.
    """
    source = _Source(folder)
    server = source.server()
    if not 1 <= len(server.addresses) <= _MOST_ADDRESSES:
        raise BadInput(f"{source.shown(SERVER_FILE)}: an origin has 1 to {_MOST_ADDRESSES} addresses.")
    if any(bool(entry.address) != bool(before.published) for entry in server.addresses):
        wanted = "needs its `address`" if before.published else "has no `address`: the name is not looked up here"
        raise BadInput(f"{source.shown(SERVER_FILE)}: every entry of `addresses` {wanted}.")
    addresses = tuple(
        dict(_services(source, entry, before.addresses[number] if number < len(before.addresses) else {}))
        for number, entry in enumerate(server.addresses)
    )
    published = tuple(_address(source, entry.address) for entry in server.addresses if entry.address)
    if len(set(published)) < len(published):
        raise BadInput(f"{source.shown(SERVER_FILE)}: the same `address` is there twice.")
    return replace(before, addresses=addresses, published=published)


def _address(source: _Source, text: str) -> str:
    from ipaddress import ip_address

    try:
        return str(ip_address(text))
    except ValueError:
        raise BadInput(f"{source.shown(SERVER_FILE)}: '{visible(text, 60)}' is not an IP address.") from None


def _services(source: _Source, entry: _Address, before: Mapping[int, Service]) -> Iterator[tuple[int, Service]]:
    for name, port in entry.ports.items():
        if not (name.isascii() and name.isdigit() and 0 < int(name) < 65_536):
            raise BadInput(f"{source.shown(SERVER_FILE)}: '{visible(name, 40)}' is not a port number.")
        service = _service(source, port, before.get(int(name)))
        try:
            check_service(service)
        except (ssl.SSLError, OSError, ValueError) as error:
            why = getattr(error, "reason", "") or str(error)
            what = f"OpenSSL does not take what is set for port {name}"
            raise BadInput(f"{source.shown(SERVER_FILE)}: {what}: {visible(why, 120)}.") from None
        yield int(name), service


def _service(source: _Source, port: _Port, before: Service | None) -> Service:
    match port:
        case _Https():
            service = _tls(source, port)
            if not port.middlebox:
                return service
            if not isinstance(before, Behind):
                raise BadInput(f"{source.shown(SERVER_FILE)}: there was no device here: leave `middlebox` out.")
            return replace(before, service=service)
        case _Http(redirect=redirect, status=status):
            if not 200 <= status <= 599:
                raise BadInput(f"{source.shown(SERVER_FILE)}: {status} is no status of an answer.")
            return Http(redirect, status)
        case _Banner(greeting=greeting, waits=waits, then=then):
            return Banner(greeting.encode("latin-1", "replace"), waits, then)
    return _PLAIN[type(port)]()


def _tls(source: _Source, port: _Https) -> Tls:
    chain = source.chain(port.certificate, port.key) if port.certificate or port.key else None
    by_name = {name.lower(): source.chain(pair.certificate, pair.key) for name, pair in port.names.items()}
    if chain is None and not by_name:
        raise BadInput(f"{source.shown(SERVER_FILE)}: https needs a `certificate` and its `key`.")
    if _VERSIONS[port.minimum] > _VERSIONS[port.maximum]:
        raise BadInput(f"{source.shown(SERVER_FILE)}: `minimum` is above `maximum`.")
    reply = Reply(source.bytes(port.reply), "keeps" if port.hangs else "closes") if port.reply else None
    return Tls(
        chain,
        by_name,
        source.chain(port.second.certificate, port.second.key) if port.second else None,
        _VERSIONS[port.minimum],
        _VERSIONS[port.maximum],
        port.ciphers,
        port.curve,
        source.bytes(port.dh_parameters).decode("ascii", "replace") if port.dh_parameters else "",
        source.authority(port.client_certificates) if port.client_certificates else None,
        reply,
        port.keep_alive,
        port.client_certificates_optional,
    )


class _Source:
    """The folder of one origin: reads its files, and says in one sentence what is wrong with one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def shown(self, name: str) -> str:
        """Return how a file is called in sentences."""
        return visible(f"{self._folder.name}/{name}", 160)

    def bytes(self, name: str) -> bytes:
        """Return a file's content."""
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise BadInput(f"{self.shown(SERVER_FILE)}: '{visible(name, 100)}' is not inside this folder.")
        return read_bounded(self._folder / path, self.shown(name), _LIMIT)

    def server(self) -> _Server:
        """Return `server.json`."""
        try:
            return msgspec.json.decode(self.bytes(SERVER_FILE), type=_Server)
        except msgspec.DecodeError as error:
            raise BadInput(f"{self.shown(SERVER_FILE)}: {visible(error, 200)}.") from None

    def certificates(self, name: str) -> list[Any]:
        """Return the certificates of a PEM file, in their order."""
        from cryptography import x509

        try:
            return x509.load_pem_x509_certificates(self.bytes(name))
        except ValueError:
            raise BadInput(f"{self.shown(name)}: there is no certificate in PEM in it, or one is damaged.") from None

    def chain(self, certificate: str, key: str) -> Chain:
        """Return a chain with the key of its first certificate."""
        if not (certificate and key):
            raise BadInput(f"{self.shown(SERVER_FILE)}: `certificate` and `key` go together.")
        certificates, private = self.certificates(certificate), self._key(key)
        if certificates[0].public_key() != private.public_key():
            raise BadInput(f"{self.shown(key)}: it is not the key of the first certificate in {visible(certificate)}.")
        return Chain(tuple(Identity(one, private) for one in certificates))  # with the others' keys nobody signs

    def authority(self, name: str) -> Identity:
        """Return an authority, whose key is of no concern."""
        from cfrunbook.lab.authority import new_key

        return Identity(self.certificates(name)[0], new_key("EC P-256"))

    def _key(self, name: str) -> PrivateKey:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            key = load_pem_private_key(self.bytes(name), None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise BadInput(f"{self.shown(name)}: there is no private key in PEM in it, or it has a password.") from None
        if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
            raise BadInput(f"{self.shown(name)}: servers here take RSA, ECDSA and Ed25519 keys.")
        return key
