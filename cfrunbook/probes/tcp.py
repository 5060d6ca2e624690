"""One TCP connection attempt: connected, refused, rejected (by whom), unreachable, dropped, or not possible from here.

A raw non-blocking socket with IP_RECVERR tells a closed port (RST) from a firewall that answers with ICMP, and names
the router that answered, without privileges. Where there is no error queue (macOS), only the error number is known.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import socket
import time

from cfrunbook.evidence import Connection, ConnectOutcome, Icmp
from cfrunbook.probes import icmp as messages
from cfrunbook.probes.deadline import within
from cfrunbook.probes.endpoint import Endpoint

_MAX_QUEUED = 16  # more error messages than one attempt can cause
_ERRQUEUE: int = getattr(socket, "MSG_ERRQUEUE", 0)
_HOST_UNREACHABLE = ((4, 3, 1), (6, 1, 3))  # family, ICMP type and code: no neighbour with that address

_LOCAL = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EAFNOSUPPORT})
_AT_ONCE = {
    errno.EPERM: "this machine's own firewall forbids it",
    errno.EACCES: "this machine's own routing or firewall forbids it",
    errno.EADDRNOTAVAIL: "this machine has no free local port or address for it",
    errno.EMFILE: "this machine has no free file descriptor",
}


async def connect(endpoint: Endpoint, *, deadline: float) -> tuple[Connection, socket.socket | None]:
    """Try to connect to `endpoint` within `deadline` seconds; return what was seen, and the socket if connected.

    The socket is non-blocking and the caller's to close. Never raises for what the network does; on cancellation
    the socket is closed.
    """
    begin = time.perf_counter()
    outcome, icmp, detail, sock = await _attempt(*endpoint.socket_address, deadline)
    connection = Connection(
        id="",
        host=endpoint.host,
        port=endpoint.port,
        address=endpoint.address,
        connected_to=endpoint.connected_to,
        outcome=outcome,
        icmp=icmp,
        detail=detail,
        elapsed_ms=round((time.perf_counter() - begin) * 1000, 3),
    )
    return connection, sock


_Attempt = tuple[ConnectOutcome, Icmp | None, str, socket.socket | None]


async def _attempt(address: str, port: int, deadline: float) -> _Attempt:
    try:
        version = ipaddress.ip_address(address).version
    except ValueError:
        return ConnectOutcome.ERROR, None, "not an IP address", None
    if deadline <= 0:
        return ConnectOutcome.ERROR, None, "no time was left to try", None
    try:
        sock = socket.socket(socket.AF_INET if version == 4 else socket.AF_INET6, socket.SOCK_STREAM)
    except OSError as error:
        return *_judge_local(error.errno or 0, version), None
    connected = False
    try:
        sock.setblocking(False)
        ask_for_icmp(sock, version, on=True)
        try:
            code = sock.connect_ex((address, port))
        except (OSError, OverflowError, ValueError) as error:
            return ConnectOutcome.ERROR, None, str(error), None
        if code not in (0, errno.EINPROGRESS):
            return *_at_once(sock, code, version, address), None
        source = sock.getsockname()[0]
        try:
            async with within(deadline):
                queued, code = await _settled(sock)
        except TimeoutError:
            return ConnectOutcome.TIMEOUT, None, f"no answer within {deadline:g} s", None
        if code == 0 and sock.getsockname()[:2] == (address, port):  # Linux lets a socket meet itself on loopback
            return ConnectOutcome.REFUSED, None, "nothing listens there", None
        if code == 0:
            ask_for_icmp(sock, version, on=False)  # later ICMP must not disturb the conversation
            connected = True
            return ConnectOutcome.CONNECTED, None, "", sock
        return *_failure(code, queued, version, source=source, destination=address), None
    finally:
        if not connected:
            sock.close()


def ask_for_icmp(sock: socket.socket, version: int, *, on: bool) -> None:
    """Let the kernel keep ICMP errors for this socket, or not; where it cannot, nothing happens."""
    if not _ERRQUEUE:
        return
    option = (
        (messages.LEVEL_IPV4, messages.RECVERR_IPV4) if version == 4 else (messages.LEVEL_IPV6, messages.RECVERR_IPV6)
    )
    try:
        sock.setsockopt(*option, int(on))
    except OSError:  # a kernel without it: the error number alone will have to do
        return


async def _settled(sock: socket.socket) -> tuple[messages.QueuedError | None, int]:
    """Wait until the attempt has ended; return what the error queue held, and the error number (0: connected)."""
    loop = asyncio.get_running_loop()
    while True:
        writable: asyncio.Future[None] = loop.create_future()
        loop.add_writer(sock.fileno(), _resolve, writable)
        try:
            await writable
        finally:
            loop.remove_writer(sock.fileno())
        queued = queued_error(sock)  # before SO_ERROR: reading the queue may clear the socket's error
        code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) or (queued.errno if queued else 0)
        if code:
            return queued, code
        try:
            sock.getpeername()
        except OSError:
            continue  # an error that did not end the attempt
        return queued, 0


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def queued_error(sock: socket.socket) -> messages.QueuedError | None:
    """Return the last error in the socket's error queue; None where there is no queue or nothing in it."""
    found = None
    for _ in range(_MAX_QUEUED if _ERRQUEUE else 0):
        try:
            _, ancillary, _, _ = sock.recvmsg(512, 512, _ERRQUEUE)
        except OSError:
            break
        found = messages.read_ancillary(ancillary) or found
    return found


_Failure = tuple[ConnectOutcome, Icmp | None, str]


def _at_once(sock: socket.socket, code: int, version: int, address: str) -> _Failure:
    """Judge an error that `connect` gave before anything could come back from the network."""
    queued = queued_error(sock)
    if queued and queued.icmp:
        return _failure(code, queued, version, source="", destination=address)
    if code in (errno.ECONNREFUSED, errno.ECONNRESET):  # loopback may answer before connect returns
        return _failure(code, None, version, source="", destination=address)
    return _judge_local(code, version)


def _judge_local(code: int, version: int) -> _Failure:
    if code in _LOCAL or (version == 6 and code == errno.EADDRNOTAVAIL):
        return ConnectOutcome.NO_LOCAL_ROUTE, None, f"this machine has no IPv{version} route to it ({_name(code)})"
    return ConnectOutcome.ERROR, None, _AT_ONCE.get(code, "this machine could not try") + f" ({_name(code)})"


def _failure(
    code: int, queued: messages.QueuedError | None, version: int, *, source: str, destination: str
) -> _Failure:
    icmp = queued.icmp if queued else None
    if icmp is not None:
        _, outcome = messages.meaning(icmp, ipv6=version == 6)
        words = messages.describe(icmp, ipv6=version == 6)
        if icmp.reporter == source != destination:
            if (version, icmp.type, icmp.code) in _HOST_UNREACHABLE:
                return outcome, icmp, f"{words}, which is this machine: nothing on its network has that address"
            return ConnectOutcome.ERROR, icmp, f"{words}, which is this machine: its own firewall rejects it"
        return outcome, icmp, words
    if code == errno.ECONNREFUSED:
        return ConnectOutcome.REFUSED, None, "RST" if _ERRQUEUE else _name(code)
    if code in (errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE):
        return ConnectOutcome.RESET, None, _name(code)
    if code == errno.ETIMEDOUT:
        return ConnectOutcome.TIMEOUT, None, "no answer before the system gave up"
    if code == errno.EHOSTUNREACH and not queued:
        return ConnectOutcome.UNREACHABLE, None, f"{_name(code)}; by whom is not known"
    return _judge_local(code, version)


def _name(code: int) -> str:
    return f"{errno.errorcode.get(code, code)}: {os.strerror(code)}"
