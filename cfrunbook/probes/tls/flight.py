"""The server's first flight as a state machine: bytes in, bytes to send and at the end an outcome out. No I/O.

A flight ends with the server's part before it waits for us: ServerHelloDone up to TLS 1.2, CertificateVerify in
TLS 1.3 (whose messages are decrypted with keys that need no secret of the server). The handshake is never finished.
https://www.rfc-editor.org/rfc/rfc5246#section-7.3 and https://www.rfc-editor.org/rfc/rfc8446#section-2
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from msgspec.structs import replace

from cfrunbook.cloudfront.origin_tls import (
    TLS_1_2,
    TLS_1_3,
    Offer,
    group_name,
    scheme_name,
    suite,
    suite_name,
    version_name,
)
from cfrunbook.evidence import HandshakeOutcome
from cfrunbook.probes.tls.client_hello import COOKIE, KEY_SHARE, SUPPORTED_VERSIONS, ClientHello
from cfrunbook.probes.tls.keys import KeyShare, RecordOpener, generate_key_share, hash_name, server_handshake_secret
from cfrunbook.probes.tls.wire import (
    MAX_LARGE_MESSAGE,
    MAX_MESSAGE,
    MAX_PLAINTEXT,
    Buffer,
    ContentType,
    Malformed,
    MessageReader,
    MessageType,
    Record,
    RecordReader,
    TooLarge,
    pull_extensions,
    push_message,
    push_record,
)

MAX_BYTES = 256 * 1024
"""Bytes of a flight that we are willing to read."""
MAX_CERTIFICATES = 256
MAX_COOKIE = 8 * 1024
_LARGE = frozenset({MessageType.CERTIFICATE, MessageType.CERTIFICATE_REQUEST, MessageType.ENCRYPTED_EXTENSIONS})
MAX_WARNINGS = 16
"""Warning alerts that are kept; further ones are passed over."""
FIRST_BYTES = 64

_RETRY_RANDOM = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
"""The random of a ServerHello that is a HelloRetryRequest, RFC 8446 section 4.1.3."""
_DOWNGRADES = {b"DOWNGRD\x01": "TLS 1.3", b"DOWNGRD\x00": "TLS 1.2 or later"}
_USER_CANCELED = 90
_CLOSE_NOTIFY = 0

_M = MessageType
_NEXT_OLD: Mapping[MessageType, frozenset[MessageType]] = {
    _M.SERVER_HELLO: frozenset({_M.CERTIFICATE}),
    _M.CERTIFICATE: frozenset(
        {_M.CERTIFICATE_STATUS, _M.SERVER_KEY_EXCHANGE, _M.CERTIFICATE_REQUEST, _M.SERVER_HELLO_DONE}
    ),
    _M.CERTIFICATE_STATUS: frozenset({_M.SERVER_KEY_EXCHANGE, _M.CERTIFICATE_REQUEST, _M.SERVER_HELLO_DONE}),
    _M.SERVER_KEY_EXCHANGE: frozenset({_M.CERTIFICATE_REQUEST, _M.SERVER_HELLO_DONE}),
    _M.CERTIFICATE_REQUEST: frozenset({_M.SERVER_HELLO_DONE}),
}
"""What may follow what up to TLS 1.2."""
_NEXT_13: Mapping[MessageType, frozenset[MessageType]] = {
    _M.SERVER_HELLO: frozenset({_M.ENCRYPTED_EXTENSIONS}),
    _M.ENCRYPTED_EXTENSIONS: frozenset({_M.CERTIFICATE_REQUEST, _M.CERTIFICATE}),
    _M.CERTIFICATE_REQUEST: frozenset({_M.CERTIFICATE}),
    _M.CERTIFICATE: frozenset({_M.CERTIFICATE_VERIFY}),
}
"""What may follow what in TLS 1.3."""


class Flight:
    """One ClientHello and the flight it is answered with.

    Send `start()`, then `feed` what arrives and send what that returns, until `outcome` is set; `eof` and `abort` set
    it for ends that bytes do not tell. Whatever was read before an outcome stays readable in the attributes. Neither
    the outcome nor what was read depends on how the bytes were split on their way. Never raises for what it is fed.
    """

    def __init__(self, offer: Offer, sni: str | None) -> None:
        self.outcome: HandshakeOutcome | None = None
        self.detail = ""
        self.alert: int | None = None
        self.warnings: tuple[int, ...] = ()
        self.version: int | None = None
        self.cipher_suite: int | None = None
        self.group: int | None = None
        self.signature_scheme: int | None = None
        self.hello_retry = False
        self.certificates: tuple[bytes, ...] = ()
        self.client_certificate_requested = False
        self.first_bytes = b""
        self.bytes_received = 0
        self._offer = offer
        shares = tuple(generate_key_share(g) for g in offer.key_shares) if offer.maximum >= TLS_1_3 else ()
        self._hello = ClientHello(offer, sni, shares)
        self._transcript = self._hello.to_bytes()
        self._records = RecordReader()
        self._messages = MessageReader()
        self._alerts = b""
        self._last: MessageType | None = None
        self._opener: RecordOpener | None = None
        self._to_send = b""

    def start(self) -> bytes:
        """Return the first ClientHello, as a record."""
        return push_record(ContentType.HANDSHAKE, self._hello.record_version, self._hello.to_bytes())

    def feed(self, data: bytes) -> bytes:
        """Take what arrived in and return what is to be sent (mostly nothing)."""
        if self.outcome is HandshakeOutcome.NOT_TLS:
            self.first_bytes = (self.first_bytes + data)[:FIRST_BYTES]
        if self.outcome is not None or not data:
            return b""
        if not self.bytes_received and data[0] not in _CONTENT_TYPES:
            self.first_bytes = data[:FIRST_BYTES]
            self._end(HandshakeOutcome.NOT_TLS, "the first bytes are no TLS record")
        room = MAX_BYTES - self.bytes_received
        self._records.feed(data[:room])
        self.bytes_received += len(data)
        try:
            self._read()
            if self.outcome is None and len(data) > room:
                raise TooLarge("the flight goes on")
        except Malformed as error:
            self._end(HandshakeOutcome.MALFORMED, f"{error}")
        except TooLarge as error:
            self._end(HandshakeOutcome.TOO_LARGE, f"{error}; at most {MAX_BYTES} bytes are read")
        to_send, self._to_send = self._to_send, b""
        return to_send

    def eof(self) -> None:
        """Note that the server closed its side."""
        if self._is_cut:
            self._end(HandshakeOutcome.TRUNCATED, f"closed {self.reached}")
        else:
            self._end(HandshakeOutcome.CLOSED, f"closed {self.reached}")

    def abort(self, outcome: HandshakeOutcome, detail: str) -> None:
        """Note an end of which the bytes tell nothing (`RESET`, `TIMEOUT`), unless there is an outcome already."""
        self._end(outcome, detail)

    @property
    def reached(self) -> str:
        """How far the server got, as the end of a sentence."""
        if not self.bytes_received:
            return "before any byte"
        if self._is_cut:
            return f"in the middle of a record or message, after {self.bytes_received} bytes"
        if self._last is not None:
            return f"after {_title(self._last)}"
        if self.hello_retry:
            return "after HelloRetryRequest"
        return "after a warning alert" if self.warnings else "before a ServerHello"

    @property
    def _is_cut(self) -> bool:
        return not (self._records.is_empty and self._messages.is_empty) or bool(self._alerts)

    def _end(self, outcome: HandshakeOutcome, detail: str = "") -> None:
        if self.outcome is None:
            self.outcome, self.detail = outcome, detail

    # --- records --------------------------------------------------------------------------------------------------

    def _read(self) -> None:
        while self.outcome is None:
            record = self._records.pull()
            if record is None:
                return
            self._record(record)

    def _record(self, record: Record) -> None:
        kind, content = record.kind, record.fragment
        if self._last is not None and record.version != min(self.version or 0, TLS_1_2):
            raise Malformed(f"after {_title(self._last)} a record has version 0x{record.version:04X}")
        if not content and kind != ContentType.APPLICATION_DATA:
            raise Malformed("a record is empty")  # RFC 5246 section 6.2.1, RFC 8446 section 5.1
        if kind == ContentType.CHANGE_CIPHER_SPEC:
            if content != b"\x01":
                raise Malformed("a ChangeCipherSpec record holds something else")
            if self._last is not None and self._opener is None:
                raise Malformed(f"ChangeCipherSpec follows {_title(self._last)}")
            return  # middlebox compatibility, RFC 8446 appendix D.4
        if kind == ContentType.APPLICATION_DATA:
            if self._opener is None:
                raise Malformed("a protected record comes before there are keys")
            kind, content = self._opener.open(record.header, content)
        elif self._opener is not None and kind == ContentType.HANDSHAKE:
            raise Malformed("a handshake record is not protected although there are keys")
        if len(content) > MAX_PLAINTEXT:
            raise Malformed(f"a record holds {len(content)} bytes; TLS allows at most {MAX_PLAINTEXT}")
        if kind == ContentType.ALERT:
            self._alert(content)
        elif kind == ContentType.HANDSHAKE:
            self._messages.feed(content)
            self._pull_messages()
        else:
            raise Malformed(f"application data (type {kind}) comes during the handshake")

    def _alert(self, content: bytes) -> None:
        self._alerts += content
        while len(self._alerts) >= 2 and self.outcome is None:
            level, description, self._alerts = self._alerts[0], self._alerts[1], self._alerts[2:]
            if self._opener is not None:  # TLS 1.3 has no warnings but this one, RFC 8446 section 6
                is_warning = description == _USER_CANCELED
            else:
                is_warning = level == 1 and description != _CLOSE_NOTIFY
            if not is_warning:
                self.alert = description
                self._end(HandshakeOutcome.ALERT)
            elif len(self.warnings) < MAX_WARNINGS:
                self.warnings += (description,)

    # --- messages -------------------------------------------------------------------------------------------------

    def _pull_messages(self) -> None:
        while self.outcome is None and not self._messages.is_empty:
            kind = self._admit(self._messages.next_kind)
            message = self._messages.pull(MAX_LARGE_MESSAGE if kind in _LARGE else MAX_MESSAGE)
            if message is None:
                return
            self._message(kind, message)

    def _admit(self, kind: int) -> MessageType:
        """Return the type of a message that may come now, before its length is believed."""
        if kind == MessageType.HELLO_REQUEST and self._opener is None:
            return MessageType.HELLO_REQUEST
        if self._last is None:
            if kind != MessageType.SERVER_HELLO:
                raise Malformed(f"{_title(kind)} comes instead of ServerHello")
        elif kind not in (_NEXT_13 if self._opener else _NEXT_OLD)[self._last]:
            raise Malformed(f"{_title(kind)} follows {_title(self._last)}")
        return MessageType(kind)

    def _message(self, kind: MessageType, message: bytes) -> None:
        if kind is MessageType.HELLO_REQUEST:
            return  # to be ignored while a handshake is under way, RFC 5246 section 7.4.1.1
        if kind is MessageType.SERVER_HELLO:
            self._server_hello(message)
            return
        self._last = kind
        body = Buffer(message[4:], _title(kind))
        if kind is MessageType.CERTIFICATE:
            self._certificate(body)
        elif kind is MessageType.SERVER_KEY_EXCHANGE:
            self._server_key_exchange(body)
        elif kind is MessageType.CERTIFICATE_REQUEST:
            self.client_certificate_requested = True
        elif kind is MessageType.CERTIFICATE_VERIFY:
            self._signature(body.pull_uint(2))
            body.pull_vector(2)
            body.end()
            self._end(HandshakeOutcome.HELLO)
        elif kind is MessageType.SERVER_HELLO_DONE:
            if self._is_ephemeral and self.group is None and not self._has_finite_field:
                raise Malformed("ServerKeyExchange is missing")
            self._end(HandshakeOutcome.HELLO)

    @property
    def _is_ephemeral(self) -> bool:
        return "DHE-" in suite_name(self.cipher_suite or 0)

    @property
    def _has_finite_field(self) -> bool:
        return suite_name(self.cipher_suite or 0).startswith("DHE-")

    def _server_hello(self, message: bytes) -> None:
        body = Buffer(message[4:], "ServerHello")
        version = body.pull_uint(2)
        random = body.pull_bytes(32)
        session_id = body.pull_vector(1)
        chosen = body.pull_uint(2)
        compression = body.pull_uint(1)
        extensions = pull_extensions(body, "ServerHello") if len(body) else {}
        body.end()
        if SUPPORTED_VERSIONS in extensions:
            version = Buffer(extensions[SUPPORTED_VERSIONS], "supported_versions").pull_uint(2)
            if version < TLS_1_3:
                raise Malformed(f"supported_versions of the ServerHello names {version_name(version)}")
        elif version > TLS_1_2:
            raise Malformed(f"the ServerHello names {version_name(version)} where TLS 1.2 is the most that may stand")
        is_retry = random == _RETRY_RANDOM and version == TLS_1_3
        retried_with, self.version, self.cipher_suite = self.cipher_suite, version, chosen
        if version not in self._offer.versions:
            raise Malformed(f"the ServerHello chooses {version_name(version)}, which was not offered")
        if chosen not in self._offer.suites:
            raise Malformed(f"the ServerHello chooses {suite_name(chosen)}, which was not offered")
        row = suite(chosen)
        if row and (version < row.minimum or (version == TLS_1_3) != (row.minimum == TLS_1_3)):
            raise Malformed(f"the ServerHello chooses {row.openssl}, which {version_name(version)} does not have")
        if compression:
            raise Malformed("the ServerHello chooses compression, which was not offered")
        if self.hello_retry and (version != TLS_1_3 or chosen != retried_with):
            raise Malformed("the ServerHello does not keep what HelloRetryRequest chose")
        if version == TLS_1_3:
            if session_id != self._hello.session_id:
                raise Malformed("the ServerHello does not echo the session id")
            if is_retry:
                self._retry(message, chosen, extensions)
            else:
                self._agree(message, chosen, extensions)
            return
        sentinel = _DOWNGRADES.get(random[-8:])
        if sentinel and self._offer.maximum == TLS_1_3 and (version == TLS_1_2) == (sentinel == "TLS 1.3"):
            raise Malformed(
                f"the ServerHello chooses {version_name(version)} and its random says that the server can do {sentinel}"
            )
        self._last = MessageType.SERVER_HELLO

    def _retry(self, message: bytes, chosen: int, extensions: Mapping[int, bytes]) -> None:
        """Answer a HelloRetryRequest (RFC 8446 section 4.1.4): the same hello with the group asked for."""
        if self.hello_retry:
            raise Malformed("a second HelloRetryRequest")
        self.hello_retry = True
        hello, cookie = self._hello, None
        if COOKIE in extensions:
            cookie = Buffer(extensions[COOKIE], "cookie").pull_vector(2)
            if len(cookie) > MAX_COOKIE:
                raise TooLarge(f"HelloRetryRequest has a cookie of {len(cookie)} bytes")
            hello = replace(hello, cookie=cookie)
        if KEY_SHARE in extensions:
            group = Buffer(extensions[KEY_SHARE], "key_share").pull_uint(2)
            if group not in self._offer.groups or group in self._offer.key_shares:
                raise Malformed(f"HelloRetryRequest asks for {group_name(group)}")
            self.group = group
            hello = replace(hello, key_shares=(_share(group),))
        if hello is self._hello:
            raise Malformed("HelloRetryRequest asks for no change")
        algorithm = hash_name(chosen)
        first = hashlib.new(algorithm, self._transcript).digest()
        second = hello.to_bytes()
        self._transcript = push_message(MessageType.MESSAGE_HASH, first) + message + second
        self._hello = hello
        self._to_send += push_record(ContentType.CHANGE_CIPHER_SPEC, TLS_1_2, b"\x01")
        self._to_send += push_record(ContentType.HANDSHAKE, TLS_1_2, second)

    def _agree(self, message: bytes, chosen: int, extensions: Mapping[int, bytes]) -> None:
        """Derive the server's handshake keys from its key share."""
        if KEY_SHARE not in extensions:
            raise Malformed("the ServerHello has no key_share")
        entry = Buffer(extensions[KEY_SHARE], "key_share")
        group, public = entry.pull_uint(2), entry.pull_vector(2)
        entry.end()
        share = next((s for s in self._hello.key_shares if s.group == group), None)
        if share is None:
            raise Malformed(f"the ServerHello has a key share for {group_name(group)}, for which we sent none")
        self.group = group
        if not self._messages.is_empty:
            raise Malformed("handshake data follows the ServerHello unprotected")
        try:
            shared = share.exchange(public)
        except ValueError:
            raise Malformed(f"the key share of the ServerHello is no {group_name(group)} key") from None
        algorithm = hash_name(chosen)
        transcript = hashlib.new(algorithm, self._transcript + message).digest()
        self._opener = RecordOpener(chosen, server_handshake_secret(algorithm, shared, transcript))
        self._last = MessageType.SERVER_HELLO

    def _certificate(self, body: Buffer) -> None:
        is_13 = self._opener is not None
        if is_13:
            body.pull_vector(1)
        entries = Buffer(body.pull_vector(3), "list of certificates")
        body.end()
        while entries:
            if len(self.certificates) == MAX_CERTIFICATES:
                raise TooLarge(f"the Certificate message has more than {MAX_CERTIFICATES} certificates")
            certificate = entries.pull_vector(3)
            if not certificate:
                raise Malformed("the Certificate message has an empty certificate")
            self.certificates += (certificate,)
            if is_13:
                entries.pull_vector(2)
        if not self.certificates:
            raise Malformed("the Certificate message has no certificate")

    def _server_key_exchange(self, body: Buffer) -> None:
        if not self._is_ephemeral:
            raise Malformed(f"ServerKeyExchange comes although {suite_name(self.cipher_suite or 0)} has none")
        if self._has_finite_field:
            for _ in ("dh_p", "dh_g", "dh_Ys"):
                body.pull_vector(2)
        else:
            if body.pull_uint(1) != 3:
                raise Malformed("ServerKeyExchange uses a curve without a name")
            self.group = body.pull_uint(2)
            if self.group not in self._offer.groups:
                raise Malformed(f"ServerKeyExchange uses {group_name(self.group)}, which was not offered")
            body.pull_vector(1)
        if self.version == TLS_1_2:
            self._signature(body.pull_uint(2))
        body.pull_vector(2)
        body.end()

    def _signature(self, scheme: int) -> None:
        self.signature_scheme = scheme
        if scheme not in self._offer.schemes:
            raise Malformed(f"the server signs with {scheme_name(scheme)}, which was not offered")


def _share(group: int) -> KeyShare:
    try:
        return generate_key_share(group)
    except KeyError:
        raise Malformed(f"HelloRetryRequest asks for {group_name(group)}, which this probe cannot do") from None


def _title(kind: int) -> str:
    """Return a message type as the RFCs write it: `ServerHelloDone`."""
    try:
        return MessageType(kind).name.title().replace("_", "")
    except ValueError:
        return f"message type {kind}"


_CONTENT_TYPES = frozenset(int(kind) for kind in ContentType)
