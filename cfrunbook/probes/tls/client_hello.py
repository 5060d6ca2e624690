"""The ClientHello, laid out as AWS's s2n-tls lays it out under its CloudFront policies.

Same order of extensions, a 32-byte session id, renegotiation signalled by a cipher suite value, no GREASE, no ALPN:
https://www.rfc-editor.org/rfc/rfc8446#section-4.1.2
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Sequence

import msgspec

from cfrunbook.cloudfront.origin_tls import TLS_1_0, TLS_1_2, TLS_1_3, Offer
from cfrunbook.probes.tls.keys import KeyShare
from cfrunbook.probes.tls.wire import (
    MessageType,
    push_codes,
    push_extension,
    push_message,
    push_uint,
    push_vector,
)

SERVER_NAME = 0
SUPPORTED_GROUPS = 10
EC_POINT_FORMATS = 11
SIGNATURE_ALGORITHMS = 13
EXTENDED_MASTER_SECRET = 23
SUPPORTED_VERSIONS = 43
COOKIE = 44
KEY_SHARE = 51

RENEGOTIATION_SCSV = 0x00FF
"""TLS_EMPTY_RENEGOTIATION_INFO_SCSV, https://www.rfc-editor.org/rfc/rfc5746#section-3.3"""


class ClientHello(msgspec.Struct, frozen=True):
    """One ClientHello: what is offered to whom, and what must stay the same when it is repeated after a retry."""

    offer: Offer
    sni: str | None
    key_shares: Sequence[KeyShare] = ()
    cookie: bytes | None = None
    """Only after HelloRetryRequest: what the server asked to have echoed."""
    random: bytes = msgspec.field(default_factory=lambda: os.urandom(32))
    session_id: bytes = msgspec.field(default_factory=lambda: os.urandom(32))

    @property
    def record_version(self) -> int:
        """The version for the record around a first ClientHello."""
        return min(TLS_1_0, self.offer.maximum)

    def to_bytes(self) -> bytes:
        """Return the handshake message."""
        body = (
            push_uint(min(self.offer.maximum, TLS_1_2), 2)
            + self.random
            + push_vector(self.session_id, 1)
            + push_codes((*self.offer.suites, RENEGOTIATION_SCSV), 2)
            + push_vector(b"\x00", 1)
            + push_vector(self._extensions(), 2)
        )
        return push_message(MessageType.CLIENT_HELLO, body)

    def _extensions(self) -> bytes:
        offer, parts = self.offer, []
        if offer.maximum >= TLS_1_3:
            parts.append(push_extension(SUPPORTED_VERSIONS, push_codes(offer.versions, 1)))
        if offer.groups:
            parts.append(push_extension(SUPPORTED_GROUPS, push_codes(offer.groups, 2)))
        if offer.maximum >= TLS_1_3:
            shares = b"".join(push_uint(s.group, 2) + push_vector(s.public, 2) for s in self.key_shares)
            parts.append(push_extension(KEY_SHARE, push_vector(shares, 2)))
        if offer.maximum >= TLS_1_2:
            parts.append(push_extension(SIGNATURE_ALGORITHMS, push_codes(offer.schemes, 2)))
        name = server_name(self.sni)
        if name:
            parts.append(push_extension(SERVER_NAME, push_vector(b"\x00" + push_vector(name, 2), 2)))
        parts.append(push_extension(EC_POINT_FORMATS, push_vector(b"\x00", 1)))
        parts.append(push_extension(EXTENDED_MASTER_SECRET, b""))
        if self.cookie is not None:
            parts.append(push_extension(COOKIE, push_vector(self.cookie, 2)))
        return b"".join(parts)


def server_name(sni: str | None) -> bytes:
    """Return the bytes of a server_name; empty where none may be sent: nothing, an IP address, no A-label form.

    https://www.rfc-editor.org/rfc/rfc6066#section-3
    """
    if not sni:
        return b""
    try:
        ipaddress.ip_address(sni.strip("[]"))
    except ValueError:
        pass
    else:
        return b""
    try:
        name = sni.rstrip(".").encode("ascii")
    except UnicodeEncodeError:
        return b""
    return name if len(name) <= 255 else b""
