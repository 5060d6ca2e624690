"""Servers on loopback that are broken exactly as wanted: one background thread, its own event loop, a clean stop.

What a port does is a value (`Tls`, `Http`, `Silent`, …); `Servers.listen` makes it so on an ephemeral port of a
loopback address. TLS runs through OpenSSL on memory buffers, so that every connection, also one that never finishes its
handshake, is an ordinary transport that `stop` can end.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
import struct
import tempfile
import threading
import warnings
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import responses
from typing import Literal, cast

from cfrunbook.lab.authority import Identity, pem_bundle
from cfrunbook.lab.connections import Connection, HttpConnection, Request, TlsLayer

LOOPBACK = "127.0.0.1"
_START_LIMIT = 10.0
_WORKERS = 32  # viewers whom the edge serves at a time
_FILLERS = 16
_FILLER_WAIT = 0.05

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Chain:
    """What a TLS server sends, in wire order, and the key it holds: that of the first certificate."""

    sent: tuple[Identity, ...]

    @property
    def der(self) -> tuple[bytes, ...]:
        """The certificates, DER, in wire order."""
        return tuple(identity.der for identity in self.sent)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a web server sends, byte for byte, in answer to any request, and what it does then."""

    sent: bytes
    then: Literal["closes", "keeps"] = "closes"
    """`keeps`: the connection stays open, and nothing more comes."""


@dataclass(frozen=True, slots=True)
class Tls:
    """A web server with TLS."""

    chain: Chain | None = None
    """For every name that `by_name` does not know; None: such a handshake ends in alert 112, unrecognized_name."""
    by_name: Mapping[str, Chain] = field(default_factory=dict)
    """By SNI, lower case."""
    beside: Chain | None = None
    """A second certificate beside `chain`, with the other kind of key: RSA where that is ECDSA. The client's hello, the
    version and the ciphers decide which of the two it gets."""
    minimum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    maximum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    ciphers: str = ""
    """OpenSSL cipher string for TLS 1.2 and below; empty: OpenSSL's default."""
    curve: str = ""
    """OpenSSL's name of the only curve for key exchange, in every version; empty: OpenSSL's default."""
    dh_parameters: str = ""
    """PEM; without them there is no DHE suite below TLS 1.3."""
    clients: Identity | None = None
    """The authority that clients are asked for a certificate of; None: they are not asked."""
    reply: Reply | None = None
    """What every request is answered with; None: the shop's page."""
    keep_alive: float = 0
    """Seconds for which an idle connection is kept; 0: it is closed with the answer."""
    clients_optional: bool = False
    """Clients that have no certificate are served all the same."""


@dataclass(frozen=True, slots=True)
class Http:
    """A web server without TLS. To a ClientHello it answers 400, as nginx and Apache do."""

    redirect: bool = False
    """Answer 301 to the same URL with https."""
    status: int = 200
    """What every other request is answered with."""


@dataclass(frozen=True, slots=True)
class Silent:
    """Accepts connections, reads, and never says a word."""


@dataclass(frozen=True, slots=True)
class Closes:
    """Accepts connections and closes them at once."""


@dataclass(frozen=True, slots=True)
class Banner:
    """Speaks first, as SSH, SMTP and FTP servers do."""

    greeting: bytes
    waits: bool = False
    """Not first: says it to whatever it is told, as a broken server does to a TLS hello."""
    then: Literal["keeps", "closes", "resets"] = "keeps"
    """What becomes of the connection."""


@dataclass(frozen=True, slots=True)
class Closed:
    """Nothing listens: the port is bound, so that nobody else gets it, and the kernel answers RST."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """SYNs get no answer, as behind a security group: the accept queue is full and nobody accepts."""


@dataclass(frozen=True, slots=True)
class Behind:
    """A service that is reached only through something else."""

    service: Service
    relay: Callable[[Servers, Address, str], Address]
    """Puts it in front of where the service is, on a new port of the address given last."""


_Protocol = Callable[[], Connection]
Service = Tls | Http | Silent | Closes | Banner | Closed | Dropped | Behind
Address = tuple[str, int]


class Servers:
    """Services on loopback, from construction until `stop`. Also a context manager."""

    def __init__(self) -> None:
        self._loop = asyncio.SelectorEventLoop()
        self._loop.set_exception_handler(_note)
        self._loop.set_default_executor(ThreadPoolExecutor(_WORKERS, thread_name_prefix="cfrunbook-lab"))
        # All by where they are; a name server has TCP and UDP at one port.
        self._listeners: dict[Address, asyncio.Server] = {}
        self._protocols: dict[Address, _Protocol] = {}
        self._datagrams: dict[Address, asyncio.DatagramTransport] = {}
        self._held: dict[Address, list[socket.socket]] = {}
        self._open: set[asyncio.Transport] = set()
        self._lock = threading.Lock()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="cfrunbook-lab", daemon=True)
        self._thread.start()

    def __enter__(self) -> Servers:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def listen(self, service: Service, address: str = LOOPBACK, port: int = 0) -> Address:
        """Make `service` available, on a new port unless one is given, and return where.

        Another `address` than 127.0.0.1 is used where the system has it: Linux has all of 127.0.0.0/8, macOS not.
        Raises OSError or ssl.SSLError.
        """
        match service:
            case Closed():
                return self.hold(_bound(address, port))
            case Dropped():
                return self.hold(*fill_queue(_bound(address, port)))
            case Behind(service=behind, relay=relay) if not port:
                return relay(self, self.listen(behind, address), address)
        return self.serve_on(self._protocol(service), _bound(address, port))

    def replace(self, where: Address, service: Service) -> Address:
        """Let the port at `where` do something else and return where it is: there, unless that became impossible.

        Connections that are open stay as they are. Raises OSError or ssl.SSLError, and then nothing has changed.
        """
        protocol = None if isinstance(service, Closed | Dropped) else self._protocol(service)
        if protocol and where in self._listeners:
            self._protocols[where] = protocol
            return where
        self.close(where)
        try:
            return self.listen(service, *where)
        except OSError:  # somebody took the port in that moment
            return self.listen(service, where[0])

    def close(self, where: Address) -> None:
        """Give the port at `where` back; connections that are open stay."""

        async def end() -> None:
            if listener := self._listeners.pop(where, None):
                listener.close()
            if datagrams := self._datagrams.pop(where, None):
                datagrams.abort()
            await asyncio.sleep(0)  # what is closed ends in the loop's next turn

        self._protocols.pop(where, None)
        asyncio.run_coroutine_threadsafe(end(), self._loop).result(_START_LIMIT)
        for sock in self._held.pop(where, ()):
            sock.close()

    def _protocol(self, service: Service) -> _Protocol:
        """Return what serves connections to `service`. Raises OSError or ssl.SSLError."""
        match service:
            case Tls():
                contexts = _contexts(service)
                return lambda: _TlsServer(self._open, contexts, service)
            case Http(redirect=redirect, status=status):
                return lambda: _HttpServer(self._open, redirect=redirect, status=status)
            case Banner():
                return lambda: _BannerServer(self._open, service)
            case Silent():
                return lambda: Connection(self._open)
            case Closes():
                return lambda: _ClosingServer(self._open)
            case Behind(service=behind, relay=relay):
                front = relay(self, self.listen(behind), LOOPBACK)
                protocol = self._protocols[front]
                self.close(front)
                return protocol
        raise AssertionError(f"{service} serves nobody")

    def serve(self, protocol: _Protocol, address: str = LOOPBACK) -> Address:
        """Serve connections with `protocol` on a new port and return where."""
        return self.serve_on(protocol, _bound(address))

    def serve_on(self, protocol: _Protocol, sock: socket.socket) -> Address:
        """Serve connections to a bound socket with `protocol` and return where it is bound."""
        where = cast("Address", sock.getsockname())
        # Not before: a port that is chosen among free ones could then be one that somebody holds without listening.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)

        def accept() -> Connection:
            return self._protocols[where]()  # what is there by then

        async def start() -> None:
            self._protocols[where] = protocol
            self._listeners[where] = await self._loop.create_server(accept, sock=sock)

        return self._start(start(), sock)

    def serve_datagrams(self, protocol: Callable[[], asyncio.DatagramProtocol], sock: socket.socket) -> Address:
        """Serve a bound UDP socket with `protocol` and return where it is bound."""

        async def start() -> None:
            transport, _ = await self._loop.create_datagram_endpoint(protocol, sock=sock)
            self._datagrams[sock.getsockname()] = transport

        return self._start(start(), sock)

    def hold(self, first: socket.socket, *others: socket.socket) -> Address:
        """Keep sockets as they are until `stop`; return where the first is bound."""
        where = cast("Address", first.getsockname())
        self._held.setdefault(where, []).extend((first, *others))
        return where

    @property
    def connections(self) -> set[asyncio.Transport]:
        """The open connections; a `Connection` is constructed with it."""
        return self._open

    def stop(self) -> None:
        """Close every port and connection and end the thread. Does nothing the second time."""
        with self._lock:
            if self._stopped:
                return
            self._stopped = True
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        for held in self._held.values():
            for sock in held:
                sock.close()

    def _run(self) -> None:
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()

    def _start(self, starting: Coroutine[None, None, None], sock: socket.socket) -> Address:
        bound = sock.getsockname()
        try:
            asyncio.run_coroutine_threadsafe(starting, self._loop).result(_START_LIMIT)
        except BaseException:
            sock.close()
            raise
        return cast("Address", bound)

    async def _close(self) -> None:
        for datagrams in self._datagrams.values():
            datagrams.abort()
        listeners = tuple(self._listeners.values())
        for listener in listeners:
            for sock in listener.sockets:  # accept no more; closing at once would lose what was just accepted
                self._loop.remove_reader(sock.fileno())
        for _ in range(3):  # what was just accepted becomes a transport in the loop's next turns
            await asyncio.sleep(0)
        for listener in listeners:
            listener.close()
        running = asyncio.all_tasks() - {cast("asyncio.Task[object]", asyncio.current_task())}
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        while self._open:
            for transport in tuple(self._open):
                transport.abort()
            await asyncio.sleep(0)  # connection_lost, too, comes in a later turn
        await asyncio.gather(*(listener.wait_closed() for listener in listeners))
        await self._loop.shutdown_default_executor()


# --- what is served --------------------------------------------------------------------------------------------------


class _ClosingServer(Connection):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport.close()


class _BannerServer(Connection):
    def __init__(self, open_connections: set[asyncio.Transport], service: Banner) -> None:
        super().__init__(open_connections)
        self._service = service
        self._has_spoken = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if not self._service.waits:
            self._speak()

    def data_received(self, _: bytes) -> None:
        """Answer the first that is said, whatever it is."""
        if not self._has_spoken:
            self._speak()

    def _speak(self) -> None:
        self._has_spoken = True
        self.transport.write(self._service.greeting)
        if self._service.then == "closes":
            self.transport.close()
        elif self._service.then == "resets":
            reset(self.transport)


class _HttpServer(HttpConnection):
    """The shop: 200, or the answer wanted, to whatever it is asked."""

    def __init__(
        self,
        open_connections: set[asyncio.Transport],
        *,
        redirect: bool = False,
        status: int = 200,
        reply: Reply | None = None,
        keep_alive: float = 0,
    ) -> None:
        super().__init__(open_connections)
        self._redirect = redirect
        self._status = status
        self._reply = reply
        self._keep_alive = keep_alive

    def answer(self, request: Request) -> None:
        headers = {"Server": "lab-origin", "Content-Type": "text/html; charset=utf-8"}
        if not request.method:
            self.respond(400, headers, b"<h1>400 Bad Request</h1>\n")
        elif self._reply:
            self.send(self._reply.sent)
            if self._reply.then == "closes":
                self.finish()
        elif self._keep_alive and request.headers.get("connection", "").lower() != "close":
            self.send(b"HTTP/1.1 200 OK\r\nServer: lab-origin\r\nContent-Length: 0\r\n\r\n")
            asyncio.get_running_loop().call_later(self._keep_alive, self.finish)
        elif self._redirect:
            location = f"https://{request.headers.get('host', '')}{request.target}"
            self.respond(301, headers | {"Location": location}, b"")
        elif self._status != 200:
            page = f"<h1>{self._status} {responses.get(self._status, '')}</h1>\n".encode()
            self.respond(self._status, headers, page, head_only=request.method == "HEAD")
        else:
            head_only = request.method == "HEAD"
            self.respond(200, headers, b"<h1>Shop</h1>\n<p>Everything is fine here.\n", head_only=head_only)


class _TlsServer(TlsLayer, _HttpServer):
    """The shop behind TLS."""

    def __init__(self, open_connections: set[asyncio.Transport], context: ssl.SSLContext, service: Tls) -> None:
        _HttpServer.__init__(self, open_connections, reply=service.reply, keep_alive=service.keep_alive)
        self.wrap(context)


# --- parts --------------------------------------------------------------------------------------------------------


def reset(transport: asyncio.Transport) -> None:
    """End a connection with RST."""
    linger_none = struct.pack("ii", 1, 0)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_none)
    transport.abort()


def _note(_: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """Keep what goes wrong in one connection out of the terminal and away from the others."""
    _log.debug("%s: %r", context.get("message"), context.get("exception"))


def _bound(address: str, port: int = 0) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if port:  # one that was ours: connections that have ended linger there
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((address, port))
        except OSError as error:
            if error.errno != errno.EADDRNOTAVAIL:
                raise
            sock.bind((LOOPBACK, 0))
    except OSError:
        sock.close()
        raise
    return sock


def fill_queue(listener: socket.socket) -> list[socket.socket]:
    """Let a bound socket listen until its accept queue is full; return it and the connections that fill it."""
    listener.listen(0)
    held = [listener]
    for _ in range(_FILLERS):
        filler = socket.socket(listener.family, socket.SOCK_STREAM)
        held.append(filler)
        filler.settimeout(_FILLER_WAIT)
        try:
            filler.connect(listener.getsockname())
        except TimeoutError:  # this one already met a full queue, as everybody after it will
            return held
    for sock in held:
        sock.close()
    raise OSError("this system accepts connections beyond listen(0): dropped packets cannot be shown here")


def _contexts(service: Tls) -> ssl.SSLContext:
    """Return the context that a connection starts with; by its SNI it changes to another or is refused."""
    by_name = {name: _context(service, chain) for name, chain in service.by_name.items()}
    chains = (service.chain or next(iter(service.by_name.values())), *((service.beside,) if service.beside else ()))
    first = _context(service, *chains)

    def choose(tls: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
        chosen = by_name.get((name or "").lower())
        if chosen is not None:
            tls.context = chosen
        elif service.chain is None:
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        return None

    first.sni_callback = choose
    return first


def check_service(service: Service) -> None:
    """Raise ssl.SSLError, OSError or ValueError for a service that cannot be brought up."""
    if isinstance(service, Behind):
        check_service(service.service)
    elif isinstance(service, Tls):
        _contexts(service)


def server_context(chain: Chain) -> ssl.SSLContext:
    """Return the context of an ordinary server with this chain."""
    return _context(Tls(chain), chain)


def _context(service: Tls, *chains: Chain) -> ssl.SSLContext:
    """Return the context that holds these chains, each with another kind of key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # TLS 1.0 and 1.1 are what a scenario may be about
        context.minimum_version = service.minimum
        context.maximum_version = service.maximum
    if service.ciphers:
        context.set_ciphers(service.ciphers)
    if service.curve:
        context.set_ecdh_curve(service.curve)
    if service.clients:
        context.verify_mode = ssl.CERT_OPTIONAL if service.clients_optional else ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=service.clients.pem.decode())
    for chain in chains:
        with tempfile.NamedTemporaryFile(suffix=".pem") as file:  # ssl reads these from files only
            file.write(chain.sent[0].key_pem + pem_bundle(chain.sent) + service.dh_parameters.encode())
            file.flush()
            context.load_cert_chain(file.name)
            if service.dh_parameters:
                context.load_dh_params(file.name)
    return context
