"""Hostile origins by the million: arbitrary bytes into the reader of TLS flights, and only what it documents comes out.

With atheris (https://pypi.org/project/atheris/) coverage leads the fuzzer; without it the same seeds are mutated
blindly, which is said and finds less. An input plays the server: as raw bytes, or as messages and records that are
framed for it, also protected with the right TLS 1.3 keys, so that what lies behind the framing is reached as well.

    python benchmarks/fuzz_tls.py --seconds 600      # what is found is written as crash-…
    python benchmarks/fuzz_tls.py crash-0123abcd     # replay
"""

from __future__ import annotations

import copy
import hashlib
import random
import sys
from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from support import fuzzing

if TYPE_CHECKING:
    from cfrunbook.probes.tls.flight import Flight

MAX_INPUT = 300 * 1024
MAX_STREAM = 300 * 1024
"""Bytes, more than a flight may have."""
STEP = 1 << 14
"""Bytes in a record that we frame."""
MESSAGE, REPEATED = 0x80, 0x40
"""Bits of an item, see `items`."""
HEADER = 4

with fuzzing.instrumented("cfrunbook"):
    from cfrunbook.cloudfront.origin_tls import P_256, P_384, TLS_1_0, TLS_1_2, TLS_1_3, offer
    from cfrunbook.cloudfront.tls_offers import beyond_offer
    from cfrunbook.evidence import HandshakeOutcome as Outcome
    from cfrunbook.probes.tls import flight as reader
    from cfrunbook.probes.tls import keys
    from cfrunbook.probes.tls.client_hello import KEY_SHARE, SUPPORTED_VERSIONS
    from cfrunbook.probes.tls.wire import (
        Buffer,
        ContentType,
        MessageType,
        pull_extensions,
        push_extension,
        push_message,
        push_record,
        push_uint,
        push_vector,
    )

EXACT = (offer("TLSv1.2"), offer("TLSv1.1"), offer("TLSv1"), offer("SSLv3"))
OFFERS_OLD = (*EXACT, beyond_offer(TLS_1_2))
OFFERS_13 = (*EXACT, beyond_offer(TLS_1_3))
SUITE_13 = 0x1301
BY_BYTES = frozenset({Outcome.HELLO, Outcome.ALERT, Outcome.NOT_TLS, Outcome.MALFORMED, Outcome.TOO_LARGE})
"""Ends that bytes can bring about; the others belong to the network."""
BY_EOF = BY_BYTES | {Outcome.TRUNCATED, Outcome.CLOSED}
MAX_ANSWER = reader.MAX_COOKIE + 4096
"""Bytes that a flight may make us send: a second ClientHello with its cookie."""


class Mode(IntEnum):
    """How the rest of an input becomes what the server sends."""

    RAW = 0
    FRAMED = 1
    """Items become records and handshake messages with right lengths."""
    PROTECTED = 2
    """After a good ServerHello of TLS 1.3, items become protected records."""
    RETRIED = 3
    """The same after a HelloRetryRequest."""


# --- the server that an input plays ---------------------------------------------------------------------------------


def items(payload: bytes) -> Iterator[tuple[ContentType, bytes]]:
    """Cut a payload into records: a byte that says what it is, two bytes of length, content.

    Bit 7 makes it a handshake message of the type in bits 0 to 5, else it is a record of the type in bits 0 and 1;
    bit 6 repeats the content, so that a short input can be a long flight.
    """
    place = total = 0
    while place + 3 <= len(payload) and total < MAX_STREAM:
        what = payload[place]
        end = place + 3 + int.from_bytes(payload[place + 1 : place + 3], "big")
        content, place = payload[place + 3 : end], end
        if what & REPEATED:
            content = (content * 256)[:MAX_STREAM]
        total += len(content)
        if what & MESSAGE:
            message = push_uint(what & 0x3F, 1) + push_vector(content, 3)
            yield from ((ContentType.HANDSHAKE, message[at : at + STEP]) for at in range(0, len(message), STEP))
        else:
            yield ContentType(20 + what % 4), content[:STEP]


def framed(payload: bytes, version: int = TLS_1_2) -> bytes:
    """Return the items as records without protection."""
    return b"".join(push_record(kind, version, content) for kind, content in items(payload))


def server_hello(hello: bytes, *, group: int, share: bytes | None) -> bytes:
    """Return the ServerHello message that agrees to a ClientHello record; without `share` a HelloRetryRequest."""
    session_id, _ = parsed(hello)
    entry = push_uint(group, 2) + (b"" if share is None else push_vector(share, 2))
    extensions = push_extension(SUPPORTED_VERSIONS, push_uint(TLS_1_3, 2)) + push_extension(KEY_SHARE, entry)
    chosen = push_vector(session_id, 1) + push_uint(SUITE_13, 2) + b"\x00" + push_vector(extensions, 2)
    token = hashlib.sha256(b"HelloRetryRequest").digest() if share is None else bytes(32)
    return push_message(MessageType.SERVER_HELLO, push_uint(TLS_1_2, 2) + token + chosen)


def parsed(hello: bytes) -> tuple[bytes, bytes]:
    """Return session id and the first key share of a ClientHello record."""
    body = Buffer(hello[9:], "ClientHello")
    body.pull_bytes(34)
    session_id = body.pull_vector(1)
    body.pull_vector(2)
    body.pull_vector(1)
    shares = Buffer(Buffer(pull_extensions(body, "ClientHello")[KEY_SHARE], "key_share").pull_vector(2), "shares")
    shares.pull_uint(2)
    return session_id, shares.pull_vector(2)


def agreement(hello: bytes, group: int, transcript: bytes) -> tuple[bytes, bytes]:
    """Return a ServerHello message for `hello` and the traffic secret of what follows it."""
    share = keys.generate_key_share(group)
    message = server_hello(hello, group=group, share=share.public)
    shared = share.exchange(parsed(hello)[1])
    return message, keys.server_handshake_secret(
        "sha256", shared, hashlib.sha256(transcript + hello[5:] + message).digest()
    )


def protected(payload: bytes, secret: bytes) -> bytes:
    """Return the items as records protected under `secret`; a ChangeCipherSpec stays as it is."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    aead = AESGCM(keys.expand_label("sha256", secret, "key", b"", 16))
    iv = int.from_bytes(keys.expand_label("sha256", secret, "iv", b"", 12), "big")
    sent, sequence = [], 0
    for kind, content in items(payload):
        if kind is ContentType.CHANGE_CIPHER_SPEC:
            sent.append(push_record(kind, TLS_1_2, content))
            continue
        inner = content + bytes([kind])
        header = push_uint(ContentType.APPLICATION_DATA, 1) + push_uint(TLS_1_2, 2) + push_uint(len(inner) + 16, 2)
        sent.append(header + aead.encrypt((iv ^ sequence).to_bytes(12, "big"), inner, header))
        sequence += 1
    return b"".join(sent)


def record(message: bytes) -> bytes:
    """Return a handshake message as one record."""
    return push_record(ContentType.HANDSHAKE, TLS_1_2, message)


# --- what must hold -------------------------------------------------------------------------------------------------


def test_one_input(data: bytes) -> None:
    """Play one input. Raises AssertionError for what the reader must never do; any other exception is a finding too."""
    if len(data) < HEADER:
        return
    mode, seed = Mode(data[0] % len(Mode)), data[2]
    offers = OFFERS_13 if mode in {Mode.PROTECTED, Mode.RETRIED} else OFFERS_OLD
    offered = offers[data[1] % len(offers)]
    payload = data[HEADER:]
    flight = reader.Flight(offered, "shop.example.com" if data[3] % 2 else None)
    hello = flight.start()
    if mode is Mode.RAW:
        stream = payload
    elif mode is Mode.FRAMED:
        stream = framed(payload, TLS_1_2 - (data[3] >> 1) % 4)
    elif mode is Mode.PROTECTED:
        message, secret = agreement(hello, P_256, b"")
        stream = record(message) + protected(payload, secret)
    else:
        retry = server_hello(hello, group=P_384, share=None)
        answer = flight.feed(record(retry))
        assert flight.outcome is None, flight.detail
        transcript = push_message(MessageType.MESSAGE_HASH, hashlib.sha256(hello[5:]).digest()) + retry
        message, secret = agreement(answer[6:], P_384, transcript)  # behind the ChangeCipherSpec record
        stream = record(message) + protected(payload, secret)
    whole, split = flight, copy.deepcopy(flight)
    feed(whole, [stream])
    feed(split, pieces(stream, seed))
    assert told(whole) == told(split), (told(whole), told(split))


def pieces(stream: bytes, seed: int) -> list[bytes]:
    """Split a stream somewhere, small pieces first; every seed splits otherwise."""
    chance, place = random.Random(seed), 0
    cut: list[bytes] = []
    while place < len(stream):
        size = chance.choice((1, 2, 5, 64, 4096)) if len(cut) < 64 else len(stream)
        cut.append(stream[place : place + size])
        place += size
    return cut


def feed(flight: Flight, stream: Sequence[bytes]) -> None:
    """Feed a flight to its end and check it at every step."""
    sent = 0
    for piece in stream:
        before = flight.outcome
        sent += len(flight.feed(piece))
        assert flight.outcome is None or flight.outcome in BY_BYTES
        assert before in {None, flight.outcome}
    check(flight)
    assert sent <= MAX_ANSWER
    flight.eof()
    assert flight.outcome in BY_EOF
    assert flight.reached
    check(flight)


def check(flight: Flight) -> None:
    """Require what holds at any time."""
    offered = flight._offer
    assert len(flight.first_bytes) <= reader.FIRST_BYTES
    assert bool(flight.first_bytes) == (flight.outcome is Outcome.NOT_TLS)
    assert len(flight.warnings) <= reader.MAX_WARNINGS
    assert len(flight.certificates) <= reader.MAX_CERTIFICATES
    assert sum(map(len, flight.certificates)) <= reader.MAX_BYTES
    assert (flight.alert is not None) == (flight.outcome is Outcome.ALERT)
    assert bool(flight.detail) == (flight.outcome not in {None, Outcome.HELLO, Outcome.ALERT})
    assert len(flight.detail) < 300, flight.detail
    if flight.outcome is Outcome.HELLO:
        assert flight.version in offered.versions
        assert flight.cipher_suite in offered.suites
        assert flight.certificates
        assert all(flight.certificates)
        assert flight.group is None or flight.group in offered.groups
        assert flight.signature_scheme is None or flight.signature_scheme in offered.schemes


def told(flight: Flight) -> dict[str, Any]:
    """Return everything that a flight tells, without the count of bytes, which may differ with the way."""
    return {k: v for k, v in vars(flight).items() if not k.startswith("_")} | {"bytes_received": None}


# --- seeds ----------------------------------------------------------------------------------------------------------


def seeds() -> list[bytes]:
    """Return good flights in every mode, to start from."""
    leaf = bytes.fromhex("308201") + bytes(100)
    chain = push_vector(leaf, 3) + push_vector(leaf[:50], 3)
    entries = push_vector(leaf, 3) + push_vector(b"", 2) + push_vector(leaf[:50], 3) + push_vector(b"", 2)

    def old_hello(suite: int, version: int = TLS_1_2) -> bytes:
        return push_uint(version, 2) + bytes(32) + push_vector(b"", 1) + push_uint(suite, 2) + b"\x00"

    def item(kind: int, content: bytes) -> bytes:
        return push_uint(kind | MESSAGE, 1) + push_vector(content, 2)

    exchange = b"\x03" + push_uint(P_256, 2) + push_vector(bytes(65), 1) + push_uint(0x0804, 2) + push_vector(b"s", 2)
    ephemeral = (
        item(MessageType.SERVER_HELLO, old_hello(0xC02F))
        + item(MessageType.CERTIFICATE, push_vector(chain, 3))
        + item(MessageType.SERVER_KEY_EXCHANGE, exchange)
        + item(MessageType.CERTIFICATE_REQUEST, bytes(8))
        + item(MessageType.SERVER_HELLO_DONE, b"")
    )
    static = (
        item(MessageType.SERVER_HELLO, old_hello(0x002F, TLS_1_0))
        + item(MessageType.CERTIFICATE, push_vector(chain, 3))
        + item(MessageType.SERVER_HELLO_DONE, b"")
    )
    finite_field = (
        item(MessageType.SERVER_HELLO, old_hello(0x009F))
        + item(MessageType.CERTIFICATE, push_vector(chain, 3))
        + item(MessageType.SERVER_KEY_EXCHANGE, push_vector(b"p" * 9, 2) * 3 + exchange[-5:])
        + item(MessageType.SERVER_HELLO_DONE, b"")
    )
    crowds = [  # as many certificates as are kept, and one more
        item(MessageType.SERVER_HELLO, old_hello(0x002F))
        + item(MessageType.CERTIFICATE, push_vector(push_vector(b"c", 3) * count, 3))
        + item(MessageType.SERVER_HELLO_DONE, b"")
        for count in (reader.MAX_CERTIFICATES, reader.MAX_CERTIFICATES + 1)
    ]
    new = (
        item(MessageType.ENCRYPTED_EXTENSIONS, push_vector(b"", 2))
        + item(MessageType.CERTIFICATE_REQUEST, push_vector(b"", 1) + push_vector(b"", 2))
        + item(MessageType.CERTIFICATE, push_vector(b"", 1) + push_vector(entries, 3))
        + item(MessageType.CERTIFICATE_VERIFY, push_uint(0x0403, 2) + push_vector(b"s", 2))
    )
    endless = push_uint(MessageType.CERTIFICATE | MESSAGE | REPEATED, 1) + push_vector(bytes(600), 2)
    warning = b"\x01\x00\x02\x01\x70"  # an item that is an alert record: warning, unrecognized_name
    flood = push_uint(1 | REPEATED, 1) + warning[1:]
    fatal = b"\x01\x00\x02\x02\x28"
    payloads = {
        Mode.RAW: [framed(ephemeral), framed(static, TLS_1_0), framed(fatal), b"HTTP/1.1 400 Bad Request\r\n"],
        Mode.FRAMED: [ephemeral, warning + ephemeral, flood + ephemeral, fatal, *crowds, ephemeral[:41] + endless],
        Mode.PROTECTED: [new, fatal, new[:5] + endless],
        Mode.RETRIED: [new, fatal],
    }
    found = [bytes([mode, 2, n, 1]) + payload for mode, rows in payloads.items() for n, payload in enumerate(rows)]
    beyond = OFFERS_OLD.index(beyond_offer(TLS_1_2))
    found.append(bytes([Mode.FRAMED, beyond, 1, 0]) + finite_field)
    return [*found, bytes([Mode.FRAMED, 2, 1, 2 * (TLS_1_2 - TLS_1_0)]) + static]


if __name__ == "__main__":
    sys.exit(fuzzing.main(__doc__.splitlines()[0] if __doc__ else "", test_one_input, seeds(), MAX_INPUT))
