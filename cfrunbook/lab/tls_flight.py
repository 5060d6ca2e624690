"""A server's first flight in TLS 1.2, put together byte by byte: what no TLS library would send.

https://www.rfc-editor.org/rfc/rfc5246#section-7.4
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

TLS_1_0, TLS_1_2 = 0x0301, 0x0303
ECDHE_ECDSA_AES128_GCM: Final = 0xC02B
_ALERT, _HANDSHAKE = 21, 22
_SERVER_HELLO, _CERTIFICATE, _SERVER_KEY_EXCHANGE, _HELLO_DONE = 2, 11, 12, 14
_FATAL = 2
_RENEGOTIATION_INFO = bytes.fromhex("ff010001 00".replace(" ", ""))
_SECP256R1 = 23
_ECDSA_SHA256 = 0x0403
_LARGEST_RECORD = 16_384


def alert(description: int) -> bytes:
    """Return a fatal alert."""
    return record(bytes((_FATAL, description)), _ALERT)


def record(content: bytes, kind: int = _HANDSHAKE, version: int = TLS_1_2) -> bytes:
    """Return `content` in as many records as it takes."""
    parts = [content[at : at + _LARGEST_RECORD] for at in range(0, len(content), _LARGEST_RECORD)]
    return b"".join(struct.pack(">BHH", kind, version, len(part)) + part for part in parts)


def server_hello(version: int = TLS_1_2, suite: int = ECDHE_ECDSA_AES128_GCM) -> bytes:
    """Return a ServerHello message that chooses this, whatever was offered."""
    body = struct.pack(">H32sBHB", version, b"\x07" * 32, 0, suite, 0)
    return _message(_SERVER_HELLO, body + struct.pack(">H", len(_RENEGOTIATION_INFO)) + _RENEGOTIATION_INFO)


def certificate(chain: Sequence[bytes]) -> bytes:
    """Return a Certificate message with these, which need not be certificates."""
    listed = b"".join(_length(one) + one for one in chain)
    return _message(_CERTIFICATE, _length(listed) + listed)


def rest() -> bytes:
    """Return ServerKeyExchange and ServerHelloDone; the signature is nobody's."""
    point, signature = b"\x04" + b"\x09" * 64, b"\x30\x06\x02\x01\x01\x02\x01\x01"
    exchange = struct.pack(">BHB", 3, _SECP256R1, len(point)) + point
    exchange += struct.pack(">HH", _ECDSA_SHA256, len(signature)) + signature
    return _message(_SERVER_KEY_EXCHANGE, exchange) + _message(_HELLO_DONE, b"")


def whole(chain: Sequence[bytes]) -> bytes:
    """Return a whole flight with these certificates."""
    return record(server_hello() + certificate(chain) + rest())


def _message(kind: int, body: bytes) -> bytes:
    return bytes((kind,)) + _length(body) + body


def _length(content: bytes) -> bytes:
    return len(content).to_bytes(3, "big")
