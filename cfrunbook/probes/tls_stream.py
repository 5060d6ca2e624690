"""A TLS connection over a socket of our own, with Python's `ssl` on memory buffers, so that its records are seen.

What CloudFront offers as far as OpenSSL can: its versions and suites in its order. Certificates are not verified here:
judging them is a cause of its own. Renegotiation is refused, as CloudFront does not support it:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-https.html
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import warnings
from functools import cache

from cfrunbook.cloudfront.origin_tls import SUITES, TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3, offer
from cfrunbook.cloudfront.targets import TlsMinimum

CHUNK = 64 * 1024
_HANDSHAKE, _CHANGE_CIPHER_SPEC = 22, 20  # record types, RFC 5246 section 6.2.1
_HEADER = 5  # bytes: type, version, length
_LEGACY_SERVER_CONNECT = 0x4  # SSL_OP_LEGACY_SERVER_CONNECT, which `ssl` names since Python 3.12
_VERSIONS = {"TLSv1": TLS_1_0, "TLSv1.1": TLS_1_1, "TLSv1.2": TLS_1_2, "TLSv1.3": TLS_1_3}
_MINIMUM = {
    "SSLv3": ssl.TLSVersion.TLSv1,  # OpenSSL is built without SSL 3.0
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
}


class TlsFailed(OSError):
    """TLS broke, in the handshake or after it: why, and the fatal alert that said so, if one did."""

    def __init__(self, reason: str, alert: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.alert = alert


class Records:
    """Counts the handshake records that a server sends after its Finished, from raw bytes. Never raises.

    Up to TLS 1.2 everything after ChangeCipherSpec is encrypted, record types are not: the first handshake record there
    is the Finished message, and a second can only be a HelloRequest (RFC 5246 section 7.4.1.1).
    """

    def __init__(self) -> None:
        self.after_finished = 0
        self.alert: tuple[int, int] | None = None
        """Level and description of the first alert that came unencrypted."""
        self._header = bytearray()
        self._skip = 0
        self._payload: bytearray | None = None
        self._changed = False
        self._finished = False

    def feed(self, data: bytes) -> None:
        """Take the next raw bytes from the server."""
        at = 0
        while at < len(data):
            if self._skip:
                size = min(self._skip, len(data) - at)
                if self._payload is not None:
                    self._payload += data[at : at + size]
                self._skip -= size
                at += size
                if not self._skip and self._payload is not None:
                    self._alert(bytes(self._payload))
                continue
            size = min(_HEADER - len(self._header), len(data) - at)
            self._header += data[at : at + size]
            at += size
            if len(self._header) == _HEADER:
                self._record(self._header[0], int.from_bytes(self._header[3:5]))
                self._header.clear()

    def _record(self, kind: int, length: int) -> None:
        self._skip = length
        self._payload = bytearray() if kind == 21 and length == 2 and not self._changed else None
        if kind == _CHANGE_CIPHER_SPEC:
            self._changed = True
        elif kind == _HANDSHAKE and self._changed:
            self.after_finished += self._finished
            self._finished = True

    def _alert(self, payload: bytes) -> None:
        self._payload = None
        if self.alert is None:
            self.alert = payload[0], payload[1]


@cache
def context(minimum: TlsMinimum) -> ssl.SSLContext:
    """Return a context that offers what CloudFront offers an origin with this minimum, and verifies nothing."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    codes = offer(minimum).suites
    old = ":".join(s.openssl for s in SUITES if s.code in codes and s.minimum < TLS_1_3)
    made.set_ciphers(f"{old}:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # CloudFront still speaks what Python deprecates
        made.minimum_version = _MINIMUM[minimum]
    made.maximum_version = ssl.TLSVersion.TLSv1_3
    made.options |= ssl.OP_NO_RENEGOTIATION | _LEGACY_SERVER_CONNECT
    return made


class TlsStream:
    """A TLS connection over a connected, non-blocking socket, which stays the caller's to close."""

    def __init__(self, sock: socket.socket, *, sni: str | None, minimum: TlsMinimum) -> None:
        """Raises TlsFailed for a server name that TLS cannot carry."""
        self._sock = sock
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._records = Records()
        self.version: int | None = None
        """The negotiated version as on the wire; None before the handshake is done."""
        try:
            self._tls = context(minimum).wrap_bio(self._incoming, self._outgoing, server_hostname=sni or None)
        except (ValueError, TypeError, ssl.SSLError) as error:  # too long, empty labels; NUL is a TypeError
            raise TlsFailed(f"the name cannot be sent as SNI: {error}") from None

    @property
    def renegotiation_requested(self) -> bool:
        """Tell whether the server asked for another handshake; from TLS 1.3 on it cannot."""
        return (self.version or TLS_1_3) < TLS_1_3 and self._records.after_finished > 0

    @property
    def alert(self) -> int | None:
        """Description of the fatal alert that the server sent unencrypted."""
        return self._records.alert[1] if self._records.alert and self._records.alert[0] == 2 else None

    async def shake_hands(self) -> None:
        """Complete the handshake. Raises TlsFailed or OSError."""
        while True:
            try:
                self._tls.do_handshake()
                self.version = _VERSIONS.get(self._tls.version() or "")  # OpenSSL forgets it when a connection breaks
                return await self._flush()
            except ssl.SSLWantReadError:
                await self._flush()
                if not await self._fill():
                    raise TlsFailed("the server closed the connection during the handshake") from None
            except ssl.SSLError as error:
                await self._last_words()
                raise TlsFailed(_reason(error), self.alert or _alert_of(error)) from None

    async def send(self, data: bytes) -> None:
        """Send `data` encrypted. Raises TlsFailed or OSError."""
        try:
            self._tls.write(data)
        except ssl.SSLError as error:
            raise TlsFailed(_reason(error)) from None
        await self._flush()

    async def receive(self) -> bytes:
        """Return what comes next; empty at the end of the stream, also where it ends without close_notify.

        Raises TlsFailed or OSError.
        """
        while True:
            try:
                return self._tls.read(CHUNK)
            except ssl.SSLWantReadError:
                await self._flush()
                if not await self._fill():
                    return b""
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""
            except ssl.SSLError as error:
                await self._last_words()
                raise TlsFailed(_reason(error), _alert_of(error)) from None

    async def _fill(self) -> bool:
        data = await asyncio.get_running_loop().sock_recv(self._sock, CHUNK)
        self._records.feed(data)
        self._incoming.write(data)
        return bool(data)

    async def _flush(self) -> None:
        if self._outgoing.pending:
            await asyncio.get_running_loop().sock_sendall(self._sock, self._outgoing.read())

    async def _last_words(self) -> None:
        """Send the alert that says why we give up, if the server still listens."""
        try:
            await self._flush()
        except OSError:
            return


# OpenSSL's names of alerts received, as `ssl.SSLError.reason`: SSL_R_TLSV1_ALERT_..., SSL_R_TLSV13_ALERT_...
_ALERTS = {
    "HANDSHAKE_FAILURE": 40,
    "BAD_CERTIFICATE": 42,
    "CERTIFICATE_UNKNOWN": 46,
    "UNKNOWN_CA": 48,
    "ACCESS_DENIED": 49,
    "DECODE_ERROR": 50,
    "DECRYPT_ERROR": 51,
    "PROTOCOL_VERSION": 70,
    "INSUFFICIENT_SECURITY": 71,
    "INTERNAL_ERROR": 80,
    "UNRECOGNIZED_NAME": 112,
    "CERTIFICATE_REQUIRED": 116,
    "NO_APPLICATION_PROTOCOL": 120,
}


def _alert_of(error: ssl.SSLError) -> int | None:
    """Return the description of a fatal alert that came encrypted, from OpenSSL's words for it."""
    _, found, name = (error.reason or "").partition("_ALERT_")
    return _ALERTS.get(name) if found else None


def _reason(error: ssl.SSLError) -> str:
    return (error.reason or str(error) or type(error).__name__).replace("_", " ").lower()
