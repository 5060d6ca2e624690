"""TLS records and handshake messages: bounded pulls from bytes that are not trusted, and pushes for what we send.

https://www.rfc-editor.org/rfc/rfc8446#section-5.1 and https://www.rfc-editor.org/rfc/rfc5246#section-6.2
"""

from __future__ import annotations

from enum import IntEnum

import msgspec

MAX_RECORD = (1 << 14) + 2048
"""Bytes in a protected record's fragment, the larger of RFC 5246 and RFC 8446."""
MAX_PLAINTEXT = 1 << 14
MAX_MESSAGE = 96 * 1024
"""Bytes in a handshake message, more than the vectors in it can fill."""
MAX_LARGE_MESSAGE = 256 * 1024
"""Bytes that we are willing to collect of a message that may be larger: certificates, and what names them."""


class ContentType(IntEnum):
    """What a record carries."""

    CHANGE_CIPHER_SPEC = 20
    ALERT = 21
    HANDSHAKE = 22
    APPLICATION_DATA = 23


class MessageType(IntEnum):
    """What a handshake message is."""

    HELLO_REQUEST = 0
    CLIENT_HELLO = 1
    SERVER_HELLO = 2
    NEW_SESSION_TICKET = 4
    ENCRYPTED_EXTENSIONS = 8
    CERTIFICATE = 11
    SERVER_KEY_EXCHANGE = 12
    CERTIFICATE_REQUEST = 13
    SERVER_HELLO_DONE = 14
    CERTIFICATE_VERIFY = 15
    FINISHED = 20
    CERTIFICATE_STATUS = 22
    MESSAGE_HASH = 254


class Malformed(Exception):
    """The peer breaks the protocol; `str(error)` says how, in a clause."""


class TooLarge(Exception):
    """The peer sends more than we are willing to read; `str(error)` says what."""


class Buffer:
    """A view on bytes from which fields are pulled in order; asking for more than is there is `Malformed`."""

    __slots__ = ("_data", "_end", "_position", "_what")

    def __init__(self, data: bytes, what: str) -> None:
        self._data = data
        self._position = 0
        self._end = len(data)
        self._what = what

    def __len__(self) -> int:
        """Return how many bytes are left."""
        return self._end - self._position

    def pull_bytes(self, count: int) -> bytes:
        """Return the next `count` bytes."""
        end = self._position + count
        if end > self._end:
            raise Malformed(f"the {self._what} ends {end - self._end} bytes short")
        piece = self._data[self._position : end]
        self._position = end
        return piece

    def pull_uint(self, width: int) -> int:
        """Return the next `width` bytes as an unsigned number."""
        return int.from_bytes(self.pull_bytes(width), "big")

    def pull_vector(self, width: int) -> bytes:
        """Return a vector whose length stands before it in `width` bytes."""
        return self.pull_bytes(self.pull_uint(width))

    def pull_rest(self) -> bytes:
        """Return everything that is left."""
        return self.pull_bytes(len(self))

    def end(self) -> None:
        """Require that nothing is left."""
        if len(self):
            raise Malformed(f"{len(self)} stray bytes follow the {self._what}")


def pull_extensions(buffer: Buffer, what: str) -> dict[int, bytes]:
    """Return the extensions by type; one that comes twice is `Malformed`."""
    block = Buffer(buffer.pull_vector(2), f"extensions of the {what}")
    found: dict[int, bytes] = {}
    while block:
        kind = block.pull_uint(2)
        if kind in found:
            raise Malformed(f"the {what} has extension {kind} twice")
        found[kind] = block.pull_vector(2)
    return found


def push_uint(value: int, width: int) -> bytes:
    """Return `value` in `width` bytes."""
    return value.to_bytes(width, "big")


def push_vector(content: bytes, width: int) -> bytes:
    """Return `content` with its length before it in `width` bytes."""
    return len(content).to_bytes(width, "big") + content


def push_codes(codes: tuple[int, ...], width: int) -> bytes:
    """Return two-byte codes as a vector whose length stands in `width` bytes."""
    return push_vector(b"".join(code.to_bytes(2, "big") for code in codes), width)


def push_extension(kind: int, content: bytes) -> bytes:
    """Return one extension."""
    return push_uint(kind, 2) + push_vector(content, 2)


def push_message(kind: MessageType, body: bytes) -> bytes:
    """Return a handshake message with its header."""
    return push_uint(kind, 1) + push_vector(body, 3)


def push_record(kind: ContentType, version: int, fragment: bytes) -> bytes:
    """Return a record; `fragment` must not exceed `MAX_PLAINTEXT` bytes."""
    return push_uint(kind, 1) + push_uint(version, 2) + push_vector(fragment, 2)


class Record(msgspec.Struct, frozen=True):
    """One record as it came: `header` is needed to decrypt it."""

    kind: int
    header: bytes
    fragment: bytes

    @property
    def version(self) -> int:
        """The version in the record's header."""
        return int.from_bytes(self.header[1:3], "big")


class RecordReader:
    """Cuts a stream into records, wherever it was split on its way."""

    __slots__ = ("_pending",)

    def __init__(self) -> None:
        self._pending = bytearray()

    @property
    def is_empty(self) -> bool:
        """True where no record has been begun."""
        return not self._pending

    def feed(self, data: bytes) -> None:
        """Take bytes in."""
        self._pending += data

    def peek(self, count: int) -> bytes:
        """Return up to `count` bytes that are still to be read."""
        return bytes(self._pending[:count])

    def pull(self) -> Record | None:
        """Return the next complete record, or None. Raises Malformed for a header that no TLS record has."""
        if len(self._pending) < 5:
            return None
        header = bytes(self._pending[:5])
        length = int.from_bytes(header[3:5], "big")
        if header[0] not in _CONTENT_TYPES:
            raise Malformed(f"a record has content type {header[0]}, which TLS does not have")
        if length > MAX_RECORD:
            raise Malformed(f"a record claims {length} bytes; TLS allows at most {MAX_RECORD}")
        if len(self._pending) < 5 + length:
            return None
        fragment = bytes(self._pending[5 : 5 + length])
        del self._pending[: 5 + length]
        return Record(header[0], header, fragment)


_CONTENT_TYPES = frozenset(int(kind) for kind in ContentType)


class MessageReader:
    """Cuts handshake fragments into messages: several in a record, or one across many records."""

    __slots__ = ("_pending",)

    def __init__(self) -> None:
        self._pending = bytearray()

    @property
    def is_empty(self) -> bool:
        """True where no message has been begun."""
        return not self._pending

    def feed(self, fragment: bytes) -> None:
        """Take a record's handshake fragment in."""
        self._pending += fragment

    @property
    def next_kind(self) -> int:
        """The type of the message that has begun."""
        return self._pending[0]

    def pull(self, limit: int) -> bytes | None:
        """Return the next message, header included, or None where it is not complete.

        One that claims more than `limit` bytes is TooLarge where it may be large, else Malformed.
        """
        if len(self._pending) < 4:
            return None
        length = int.from_bytes(self._pending[1:4], "big")
        if length > limit:
            claim = f"a handshake message of type {self._pending[0]} claims {length} bytes"
            raise TooLarge(claim) if limit > MAX_MESSAGE else Malformed(claim)
        if len(self._pending) < 4 + length:
            return None
        message = bytes(self._pending[: 4 + length])
        del self._pending[: 4 + length]
        return message
