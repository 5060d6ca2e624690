"""Certificates of our own and real TLS servers for them: in memory, in a thread, and `openssl s_server`."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from cfrunbook.probes.endpoint import Endpoint

NAME = "shop.example.com"
KEYS: dict[str, Callable[[], object]] = {
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
    "ecdsa": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}


@dataclass(frozen=True)
class Identity:
    """A leaf with its intermediate, as files and as the DER that a server sends."""

    chain: Path
    leaf: Path
    intermediate: Path
    key: Path
    sent: tuple[bytes, ...]

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.chain, self.key)
        return context


def mint(folder: Path, kind: str, filler: int = 0) -> Identity:
    """Make an identity; `filler` bytes of a private extension make its certificates large."""
    issuer_key = ec.generate_private_key(ec.SECP256R1())
    key = KEYS[kind]()

    def certificate(subject: str, public: object, issuer: str) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .public_key(public)  # type: ignore[arg-type]
            .serial_number(x509.random_serial_number())
            .not_valid_before(dt.datetime(2020, 1, 1))
            .not_valid_after(dt.datetime(2049, 1, 1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        )
        if filler:
            private = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), bytes(filler))
            builder = builder.add_extension(private, critical=False)
        return builder.sign(issuer_key, hashes.SHA256())

    leaf = certificate(NAME, key.public_key(), "Test Intermediate")  # type: ignore[attr-defined]
    intermediate = certificate("Test Intermediate", issuer_key.public_key(), "Test Root")
    folder.mkdir()
    identity = Identity(
        folder / "chain.pem",
        folder / "leaf.pem",
        folder / "intermediate.pem",
        folder / "key.pem",
        tuple(c.public_bytes(Encoding.DER) for c in (leaf, intermediate)),
    )
    identity.leaf.write_bytes(leaf.public_bytes(Encoding.PEM))
    identity.intermediate.write_bytes(intermediate.public_bytes(Encoding.PEM))
    identity.chain.write_bytes(identity.leaf.read_bytes() + identity.intermediate.read_bytes())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())  # type: ignore[attr-defined]
    identity.key.write_bytes(pem)
    return identity


class MemoryServer:
    """A real TLS server (Python's ssl) without a socket: bytes in, bytes out."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._server = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    def answer(self, data: bytes) -> bytes:
        self._incoming.write(data)
        with suppress(ssl.SSLError):  # it wants more, or has written an alert
            self._server.do_handshake()
        return self._outgoing.read()


@contextmanager
def listen(behave: Callable[[socket.socket], None]) -> Iterator[Endpoint]:
    """Accept connections on loopback and let `behave` serve each in a thread."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def serve(peer: socket.socket) -> None:
        with peer:
            peer.settimeout(10)
            with suppress(OSError):
                behave(peer)

    def accept() -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=serve, args=(peer,), daemon=True))
            threads[-1].start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield Endpoint(NAME, 443, "192.0.2.1", "127.0.0.1", listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        acceptor.join(10)
        for thread in threads:
            thread.join(10)


@contextmanager
def serve_tls(context: ssl.SSLContext) -> Iterator[Endpoint]:
    """Run a TLS server of Python's ssl on loopback."""

    def behave(peer: socket.socket) -> None:
        with context.wrap_socket(peer, server_side=True):
            pass

    with listen(behave) as endpoint:
        yield endpoint


@contextmanager
def s_server(identity: Identity, *options: str) -> Iterator[Endpoint]:
    """Run `openssl s_server` on loopback with a leaf and its intermediate."""
    command = ["openssl", "s_server", "-accept", "127.0.0.1:0"]
    command += ["-cert", str(identity.leaf), "-key", str(identity.key), "-cert_chain", str(identity.intermediate)]
    process = subprocess.Popen(
        [*command, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    try:
        seen: list[str] = []
        for line in process.stdout:
            seen.append(line)
            if line.startswith("ACCEPT"):
                port = int(line.rpartition(":")[2])
                break
        else:
            raise RuntimeError("".join(seen))
        yield Endpoint(NAME, 443, "192.0.2.1", "127.0.0.1", port)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def identities(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Identity]:
    folder = tmp_path_factory.mktemp("identities")
    made = {kind: mint(folder / kind, kind) for kind in KEYS}
    made["large"] = mint(folder / "large", "ecdsa", filler=28_000)
    return made


@pytest.fixture(scope="session")
def peers() -> SimpleNamespace:
    """The servers of this file: importlib mode has no way to import them from a test."""
    return SimpleNamespace(memory=MemoryServer, listen=listen, tls=serve_tls, s_server=s_server, name=NAME)
