"""Real TLS servers, each set up to be difficult: nginx, openssl s_server, NSS selfserv, gnutls-serv and tlslite-ng."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import socket
import subprocess
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

from tests.x509.pki import DAY, NOW, SERVER, Party, mint, usage

Address = tuple[str, int]

LOOPBACK = "127.0.0.1"
ORIGIN = "origin.shop.example"
OTHER = "other.shop.example"
START_LIMIT = 20.0
"""Seconds that a server may take to start; only a broken one takes them."""

TODAY = dt.datetime.now(dt.UTC) - NOW
SIGN_AND_ENCIPHER = usage("digital_signature", "key_encipherment")  # NSS and GnuTLS insist on it for RSA key exchange


def leaf(issuer: Party, kind: str, name: str = ORIGIN, **more: Any) -> Party:
    key_usage = SIGN_AND_ENCIPHER if kind.startswith("RSA") else usage("digital_signature")
    more = {"names": (name,), "eku": [SERVER], "key_usage": key_usage} | more
    return mint(name, issuer, key_kind=kind, begins=TODAY - 30 * DAY, ends=TODAY + 60 * DAY, **more)


def private_extension(size: int) -> tuple[x509.ExtensionType, bool]:
    return x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), bytes(size)), False


class Certificates:
    """One trusted root, and the certificates that the servers use, as files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = mint("Difficult Root", ca=True, begins=-3000 * DAY, ends=9000 * DAY)
        self.issuing = mint("Difficult CA", self.root, ca=True, begins=-300 * DAY, ends=3000 * DAY)
        self.rsa_issuing = mint("Difficult RSA CA", self.root, ca=True, key_kind="RSA 2048", ends=3000 * DAY)
        many = tuple(f"shop-{n:05}.customers-of-the-shop.example" for n in range(1200))
        self.leaves: Mapping[str, Party] = {
            "rsa": leaf(self.issuing, "RSA 2048"),
            "rsa-by-rsa": leaf(self.rsa_issuing, "RSA 2048"),
            "ecdsa": leaf(self.issuing, "P-256"),
            "p384": leaf(self.issuing, "P-384"),
            "p521": leaf(self.issuing, "P-521"),
            "ed25519": leaf(self.issuing, "Ed25519"),
            "other": leaf(self.issuing, "P-256", OTHER),
            "cn-only": leaf(self.issuing, "P-256", names=()),
            "57k": leaf(self.issuing, "P-256", names=(*many, ORIGIN)),
            "80k": leaf(self.issuing, "P-256", extra=[private_extension(80_000)]),
        }
        for name, party in self.leaves.items():
            self.key(name).write_bytes(party.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            self.chain(name).write_bytes(party.pem + self.issuing.pem)
            self.only(name).write_bytes(party.pem)
        self.trust = folder / "root.pem"
        self.trust.write_bytes(self.root.pem)
        self.issuer = folder / "issuing.pem"
        self.issuer.write_bytes(self.issuing.pem)
        self.rsa_issuer = folder / "rsa-issuing.pem"
        self.rsa_issuer.write_bytes(self.rsa_issuing.pem)

    def key(self, name: str) -> Path:
        return self.folder / f"{name}.key.pem"

    def chain(self, name: str) -> Path:
        return self.folder / f"{name}.chain.pem"

    def only(self, name: str) -> Path:
        return self.folder / f"{name}.pem"

    @cached_property
    def nss(self) -> Path:
        """The RSA identity as a database of NSS."""
        folder = self.folder / "nss"
        folder.mkdir()
        party = self.leaves["rsa"]
        packed = pkcs12.serialize_key_and_certificates(
            b"origin",
            party.key,
            party.certificate,
            [self.issuing.certificate],
            PrivateFormat.PKCS12.encryption_builder().build(b"nss"),
        )
        (folder / "rsa.p12").write_bytes(packed)
        database = f"sql:{folder}"
        for command in (
            ["certutil", "-N", "-d", database, "--empty-password"],
            ["pk12util", "-i", str(folder / "rsa.p12"), "-d", database, "-W", "nss", "-K", ""],
        ):
            subprocess.run(command, check=True, capture_output=True, timeout=START_LIMIT)
        return folder


# --- nginx: one process, one port for each way to be difficult ------------------------------------------------------

TLS12 = "ssl_protocols TLSv1.2;"
TLS13 = "ssl_protocols TLSv1.3;"

NGINX: Mapping[str, tuple[tuple[str, ...], str]] = {
    # name: certificates, directives
    "plain": (("rsa", "ecdsa"), ""),
    "rsa": (("rsa",), ""),
    "tls12": (("rsa",), TLS12),
    "tls13": (("rsa",), TLS13),
    "sni-required": (("rsa",), f"server_name {ORIGIN};"),
    "sni-refused": (("rsa",), f"server_name {OTHER};"),
    "default-certificate": (("other",), ""),
    "by-name": (("ecdsa",), f"server_name {ORIGIN};"),
    "client-certificate": (("rsa",), "ssl_verify_client on; ssl_client_certificate {folder}/root.pem;"),
    "client-certificate-12": (("rsa",), TLS12 + "ssl_verify_client on; ssl_client_certificate {folder}/root.pem;"),
    "old-security-level": (("rsa",), "ssl_protocols TLSv1 TLSv1.1;"),
    "tls10": (("rsa",), "ssl_protocols TLSv1; ssl_ciphers ALL:@SECLEVEL=0;"),
    "tls11": (("rsa",), "ssl_protocols TLSv1.1; ssl_ciphers ALL:@SECLEVEL=0;"),
    "p521-curve": (("rsa",), TLS12 + "ssl_ecdh_curve secp521r1; ssl_ciphers ECDHE+AESGCM;"),
    "p521-curve-13": (("rsa",), TLS13 + "ssl_ecdh_curve secp521r1;"),
    "p521-curve-rsa-kx": (("rsa",), TLS12 + "ssl_ecdh_curve secp521r1; ssl_ciphers ECDHE+AESGCM:kRSA+AES;"),
    "rsa-kx-undocumented": (("rsa",), TLS12 + "ssl_ciphers AES128-SHA256:AES128-GCM-SHA256;"),
    "rsa-kx-aes256-sha256": (("rsa",), TLS12 + "ssl_ciphers AES256-SHA256;"),
    "p384-curve": (("rsa",), TLS13 + "ssl_ecdh_curve secp384r1;"),
    "x25519-curve": (("ecdsa",), TLS13 + "ssl_ecdh_curve X25519;"),
    "chacha-12": (("rsa", "ecdsa"), TLS12 + "ssl_ciphers CHACHA20;"),
    "chacha-13": (("rsa",), TLS13 + "ssl_conf_command Ciphersuites TLS_CHACHA20_POLY1305_SHA256;"),
    "ccm-13": (("rsa",), TLS13 + "ssl_conf_command Ciphersuites TLS_AES_128_CCM_SHA256;"),
    "ecdsa-one-suite": (("ecdsa",), TLS12 + "ssl_ciphers ECDHE-ECDSA-AES256-SHA384;"),
    "ecdsa-suites-rsa-certificate": (("rsa",), TLS12 + "ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256;"),
    "server-preference": (
        ("rsa", "ecdsa"),
        TLS12 + "ssl_prefer_server_ciphers on; ssl_ciphers AES256-SHA:ECDHE+AESGCM;",
    ),
    "ed25519": (("ed25519",), ""),
    "p384": (("p384",), ""),
    "p521-12": (("p521",), TLS12),
    "p521-13": (("p521",), TLS13),
    "per-version": (("rsa", "ecdsa"), "ssl_ciphers ECDHE-RSA-AES128-GCM-SHA256;"),
    "57k": (("57k",), ""),
    "57k-12": (("57k",), TLS12),
    "80k": (("80k",), ""),
    "cn-only": (("cn-only",), ""),
    "http": ((), ""),
    "ipv6": (("rsa",), ""),
}


def _server_block(name: str, address: str, certificates: Certificates) -> str:
    identities, directives = NGINX[name]
    folder = certificates.folder
    lines = [f"listen {address}{' ssl' if identities else ''};"]
    if "server_name" in directives:  # the first block of a port serves the names that no other has
        first = "ssl_reject_handshake on;"
        if name == "by-name":
            first = f"ssl_certificate {certificates.chain('other')}; ssl_certificate_key {certificates.key('other')};"
        lines = [f"listen {address} ssl default_server; {first} }} server {{ listen {address} ssl;"]
    for identity in identities:
        lines.append(f"ssl_certificate {certificates.chain(identity)};")
        lines.append(f"ssl_certificate_key {certificates.key(identity)};")
    lines.append(directives.replace("{folder}", str(folder)))
    return f"server {{ {' '.join(lines)} location / {{ return 200 'hello'; }} }}"


@contextmanager
def nginx(certificates: Certificates) -> Iterator[Mapping[str, Address]]:
    """Run one nginx with every row of `NGINX` on a port of its own; the sockets are handed over, so nothing waits."""
    listeners: dict[str, socket.socket] = {}
    with contextlib.ExitStack() as stack:
        for name in NGINX:
            if name == "ipv6" and not has_ipv6():
                continue
            family, host = (socket.AF_INET6, "::1") if name == "ipv6" else (socket.AF_INET, LOOPBACK)
            listeners[name] = stack.enter_context(socket.create_server((host, 0), family=family))
        addresses = {name: sock.getsockname()[:2] for name, sock in listeners.items()}
        shown = {
            name: f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for name, (host, port) in addresses.items()
        }
        home = certificates.folder
        temporary = " ".join(f"{kind}_temp_path {home}/{kind};" for kind in ("proxy", "fastcgi", "uwsgi", "scgi"))
        blocks = "\n".join(_server_block(name, where, certificates) for name, where in shown.items())
        (home / "nginx.conf").write_text(
            f"daemon off; user root; pid {home}/nginx.pid; error_log {home}/error.log;"
            f"events {{ worker_connections 512; }} http {{ access_log off; client_body_temp_path {home}/body; {temporary}\n"
            f"ssl_protocols TLSv1.2 TLSv1.3;\n{blocks}\n}}\n"
        )
        command = ["nginx", "-p", str(home), "-c", str(home / "nginx.conf"), "-e", str(home / "error.log")]
        tested = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False, timeout=START_LIMIT)
        assert tested.returncode == 0 or "Address already in use" in tested.stderr, tested.stderr
        inherited = [sock.fileno() for sock in listeners.values()]
        process = subprocess.Popen(
            command,
            pass_fds=inherited,
            env=os.environ | {"NGINX": "".join(f"{fd};" for fd in inherited)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield addresses
        finally:
            process.terminate()
            process.wait(START_LIMIT)


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


# --- single servers -------------------------------------------------------------------------------------------------


@contextmanager
def s_server(certificates: Certificates, identity: str, *options: str) -> Iterator[Address]:
    """Run `openssl s_server`, which says itself which port it got."""
    command = ["openssl", "s_server", "-accept", f"{LOOPBACK}:0", "-www"]
    command += ["-cert", str(certificates.only(identity)), "-key", str(certificates.key(identity))]
    command += ["-cert_chain", str(certificates.issuer), *options]
    with _process(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith(b"ACCEPT"):
                yield LOOPBACK, int(line.rpartition(b":")[2])
                return
        raise RuntimeError("openssl s_server did not start")


@contextmanager
def selfserv(certificates: Certificates, versions: str, suites: str) -> Iterator[Address]:
    """Run NSS's test server: the one that still has SSL 3.0, RC4 and 3DES."""
    port = _free_port()
    command = ["selfserv", "-d", f"sql:{certificates.nss}", "-n", "origin", "-p", str(port), "-V", versions]
    with _process([*command, "-c", suites]) as process:
        yield _when_listening(process, port)


@contextmanager
def gnutls_serv(certificates: Certificates, priority: str, *options: str) -> Iterator[Address]:
    """Run GnuTLS's test server."""
    port = _free_port()
    command = ["gnutls-serv", "--http", "--disable-client-cert", "--port", str(port), "--priority", priority]
    command += ["--x509certfile", str(certificates.chain("rsa")), "--x509keyfile", str(certificates.key("rsa"))]
    with _process([*command, *options]) as process:
        yield _when_listening(process, port)


@contextmanager
def tlslite(certificates: Certificates, *, leaf_first: bool) -> Iterator[Address]:
    """Run tlslite-ng, which sends certificates in any order."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it imports asyncore where there still is one
        from tlslite.api import TLSConnection, X509CertChain, parsePEMKey
        from tlslite.errors import BaseTLSException

    chain = X509CertChain()
    sent = (certificates.only("rsa-by-rsa"), certificates.rsa_issuer)
    chain.parsePemList("".join(file.read_text() for file in (sent if leaf_first else reversed(sent))))
    key = parsePEMKey(certificates.key("rsa-by-rsa").read_text(), private=True)

    def shake_hands(peer: socket.socket) -> None:
        with contextlib.suppress(OSError, BaseTLSException, ValueError):
            connection = TLSConnection(peer)
            connection.handshakeServer(certChain=chain, privateKey=key)
            connection.read(min=1, max=4096)
            connection.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
            connection.close()

    with _threads(shake_hands) as address:
        yield address


@contextmanager
def _threads(serve: Callable[[socket.socket], None]) -> Iterator[Address]:
    listener = socket.create_server((LOOPBACK, 0))
    threads: list[threading.Thread] = []

    def one(peer: socket.socket) -> None:
        with peer:
            peer.settimeout(START_LIMIT)
            serve(peer)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threads.append(threading.Thread(target=one, args=(listener.accept()[0],)))
                threads[-1].start()

    acceptor = threading.Thread(target=accept)
    acceptor.start()
    try:
        yield listener.getsockname()
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        acceptor.join()
        for thread in threads:
            thread.join()


@contextmanager
def _process(command: list[str], stdout: int = subprocess.DEVNULL) -> Iterator[subprocess.Popen[bytes]]:
    # An open stdin: s_server ends with it.
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=stdout, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind((LOOPBACK, 0))
        return int(sock.getsockname()[1])


def _when_listening(process: subprocess.Popen[bytes], port: int) -> Address:
    """Wait for a server that cannot say when it is ready."""
    end = time.monotonic() + START_LIMIT
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((LOOPBACK, port), 1):
            return LOOPBACK, port
        time.sleep(0.01)
    raise RuntimeError(f"{process.args!r} does not listen")
