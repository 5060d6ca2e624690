"""The part of TLS 1.3 that is encrypted before a client has proved anything: key shares, key schedule, records.

Only what is needed to read a server's certificates: https://www.rfc-editor.org/rfc/rfc8446#section-7.1
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from cfrunbook.cloudfront.origin_tls import P_256, P_384, P_521, X448, X25519
from cfrunbook.probes.tls.wire import Malformed, push_uint, push_vector

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305

_HASHES = {0x1301: "sha256", 0x1302: "sha384", 0x1303: "sha256", 0x1304: "sha256", 0x1305: "sha256"}
_KEY_BYTES = {0x1301: 16, 0x1302: 32, 0x1303: 32, 0x1304: 16, 0x1305: 16}
_CCM_TAG_BYTES = {0x1304: 16, 0x1305: 8}


class KeyShare(msgspec.Struct, frozen=True):
    """Our half of a key exchange."""

    group: int
    public: bytes
    """As in a KeyShareEntry."""
    exchange: Callable[[bytes], bytes]
    """Return the shared secret for the peer's public key. Raises ValueError for a key that is none."""


def generate_key_share(group: int) -> KeyShare:
    """Return a fresh key share. Raises KeyError for a group other than P-256, P-384, P-521, X25519 and X448."""
    if group == X25519:
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

        secret = X25519PrivateKey.generate()
        return KeyShare(
            group,
            secret.public_key().public_bytes_raw(),
            lambda peer: secret.exchange(X25519PublicKey.from_public_bytes(peer)),
        )
    if group == X448:
        from cryptography.hazmat.primitives.asymmetric.x448 import X448PrivateKey, X448PublicKey

        other = X448PrivateKey.generate()
        return KeyShare(
            group,
            other.public_key().public_bytes_raw(),
            lambda peer: other.exchange(X448PublicKey.from_public_bytes(peer)),
        )
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    curves: dict[int, ec.EllipticCurve] = {P_256: ec.SECP256R1(), P_384: ec.SECP384R1(), P_521: ec.SECP521R1()}
    curve = curves[group]
    key = ec.generate_private_key(curve)
    return KeyShare(
        group,
        key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
        lambda peer: key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(curve, peer)),
    )


def hash_name(suite: int) -> str:
    """Return the hash of a TLS 1.3 cipher suite, as hashlib names it. Raises Malformed for any other."""
    try:
        return _HASHES[suite]
    except KeyError:
        raise Malformed(f"cipher suite 0x{suite:04X} is none of TLS 1.3 that was offered") from None


def expand_label(algorithm: str, secret: bytes, label: str, context: bytes, length: int) -> bytes:
    """Return HKDF-Expand-Label of RFC 8446 section 7.1."""
    info = push_uint(length, 2) + push_vector(b"tls13 " + label.encode(), 1) + push_vector(context, 1)
    out, block = b"", b""
    for counter in range(1, 256):
        block = hmac.digest(secret, block + info + bytes([counter]), algorithm)
        out += block
        if len(out) >= length:
            break
    return out[:length]


def handshake_secret(algorithm: str, shared: bytes) -> bytes:
    """Return the Handshake Secret of a handshake without pre-shared key."""
    size = hashlib.new(algorithm).digest_size
    early = hmac.digest(bytes(size), bytes(size), algorithm)
    derived = expand_label(algorithm, early, "derived", hashlib.new(algorithm).digest(), size)
    return hmac.digest(derived, shared, algorithm)


def server_handshake_secret(algorithm: str, shared: bytes, transcript: bytes) -> bytes:
    """Return server_handshake_traffic_secret; `transcript` is the hash of ClientHello…ServerHello."""
    size = hashlib.new(algorithm).digest_size
    return expand_label(algorithm, handshake_secret(algorithm, shared), "s hs traffic", transcript, size)


class RecordOpener:
    """Decrypts a server's protected records, in the order in which they come."""

    __slots__ = ("_aead", "_iv", "_sequence")

    def __init__(self, suite: int, secret: bytes) -> None:
        from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305

        algorithm = hash_name(suite)
        key = expand_label(algorithm, secret, "key", b"", _KEY_BYTES[suite])
        self._aead: AESGCM | AESCCM | ChaCha20Poly1305
        if suite in _CCM_TAG_BYTES:
            self._aead = AESCCM(key, tag_length=_CCM_TAG_BYTES[suite])
        else:
            self._aead = ChaCha20Poly1305(key) if suite == 0x1303 else AESGCM(key)
        self._iv = int.from_bytes(expand_label(algorithm, secret, "iv", b"", 12), "big")
        self._sequence = 0

    def open(self, header: bytes, fragment: bytes) -> tuple[int, bytes]:
        """Return content type and content of a protected record. Raises Malformed where it cannot be decrypted."""
        from cryptography.exceptions import InvalidTag

        nonce = (self._iv ^ self._sequence).to_bytes(12, "big")
        try:
            inner = self._aead.decrypt(nonce, fragment, header)
        except (InvalidTag, ValueError):
            raise Malformed("a protected record cannot be decrypted with the keys agreed on") from None
        self._sequence += 1
        content = inner.rstrip(b"\x00")
        if not content:
            raise Malformed("a protected record has no content type")
        return content[-1], content[:-1]
