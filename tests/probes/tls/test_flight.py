"""The state machine, fed by real servers in memory and by hand-made bytes; no socket."""

from __future__ import annotations

import copy
import ssl
import struct
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cfrunbook.cloudfront.origin_tls import TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3, offer
from cfrunbook.evidence import HandshakeOutcome as Outcome
from cfrunbook.probes.tls.flight import MAX_BYTES, MAX_CERTIFICATES, MAX_WARNINGS, Flight

OFFER = offer("TLSv1.2")


def outcome_of(flight: Flight) -> dict[str, Any]:
    """Everything that a flight tells, without the count of bytes, which depends on how they came."""
    told = {k: v for k, v in vars(flight).items() if not k.startswith("_")}
    del told["bytes_received"]
    return told


def configure(identity: Any, **wanted: Any) -> ssl.SSLContext:
    context: ssl.SSLContext = identity.context()
    for name, value in wanted.items():
        if name == "ciphers":
            context.set_ciphers(value)
        elif name == "curve":
            context.set_ecdh_curve(value)
        elif name == "verify":
            context.load_verify_locations(identity.chain)
            context.verify_mode = value
        else:
            setattr(context, name, value)
    return context


OLD = {"maximum_version": ssl.TLSVersion.TLSv1_2}
NEW = {"minimum_version": ssl.TLSVersion.TLSv1_3}
SERVERS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "1.3 ECDSA": ("ecdsa", NEW, {"version": TLS_1_3, "group": 0x17, "signature_scheme": 0x0403}),
    "1.3 RSA": ("rsa", NEW, {"version": TLS_1_3, "signature_scheme": 0x0804}),
    "1.3 P-521 leaf": ("p521", NEW, {"version": TLS_1_3, "signature_scheme": 0x0603}),
    "1.3 retry P-384": ("ecdsa", {**NEW, "curve": "secp384r1"}, {"group": 0x18, "hello_retry": True}),
    "1.3 retry X25519": ("rsa", {**NEW, "curve": "X25519"}, {"group": 0x1D, "hello_retry": True}),
    "1.3 large chain": ("large", NEW, {"version": TLS_1_3}),
    "1.3 client certificate": (
        "ecdsa",
        {**NEW, "verify": ssl.CERT_REQUIRED},
        {"client_certificate_requested": True},
    ),
    "1.2 ECDSA": (
        "ecdsa",
        {**OLD, "curve": "prime256v1", "ciphers": "ECDHE-ECDSA-AES128-SHA"},
        {"version": TLS_1_2, "group": 0x17, "cipher_suite": 0xC009, "signature_scheme": 0x0403},
    ),
    "1.2 ECDHE-RSA": (
        "rsa",
        {**OLD, "curve": "secp384r1", "ciphers": "ECDHE-RSA-AES256-GCM-SHA384"},
        {"version": TLS_1_2, "group": 0x18, "cipher_suite": 0xC030},
    ),
    "1.2 X25519": ("rsa", {**OLD, "curve": "X25519"}, {"version": TLS_1_2, "group": 0x1D, "hello_retry": False}),
    "1.2 static RSA": (
        "rsa",
        {**OLD, "ciphers": "AES128-GCM-SHA256"},
        {"cipher_suite": 0x009C, "group": None, "signature_scheme": None},
    ),
    "1.2 large chain": ("large", OLD, {"version": TLS_1_2}),
    "1.2 client certificate": ("ecdsa", {**OLD, "verify": ssl.CERT_OPTIONAL}, {"client_certificate_requested": True}),
}


def run(flight: Flight, server: Any, sizes: Any = None) -> Flight:
    """Let both talk until the flight ends; what the server sends is cut into `sizes`, then read whole."""
    to_server = flight.start()
    sizes = iter(sizes or ())
    while flight.outcome is None and to_server:
        data, to_server = server.answer(to_server), b""
        while data:
            size = next(sizes, len(data))
            to_server += flight.feed(data[:size])
            data = data[size:]
    return flight


@pytest.mark.parametrize("case", SERVERS)
def test_reads_what_a_real_server_chose_and_sent(case: str, identities: Any, peers: SimpleNamespace) -> None:
    kind, wanted, expected = SERVERS[case]
    flight = run(Flight(OFFER, peers.name), peers.memory(configure(identities[kind], **wanted)))
    assert (flight.outcome, flight.detail) == (Outcome.HELLO, "")
    assert flight.certificates == identities[kind].sent
    told = outcome_of(flight)
    assert told == told | {"client_certificate_requested": False, "hello_retry": False} | expected


@pytest.mark.parametrize("suite", ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"])
def test_decrypts_every_suite_of_tls_13(suite: str, identities: Any, peers: SimpleNamespace) -> None:
    from msgspec.structs import replace

    codes = {"TLS_AES_128_GCM_SHA256": 0x1301, "TLS_AES_256_GCM_SHA384": 0x1302, "TLS_CHACHA20_POLY1305_SHA256": 0x1303}
    only = replace(OFFER, suites=(codes[suite],))
    for extra in ({}, {"curve": "secp384r1"}):  # with P-384: the same through HelloRetryRequest
        server = peers.memory(configure(identities["ecdsa"], **NEW, **extra))
        flight = run(Flight(only, peers.name), server)
        assert (flight.outcome, flight.cipher_suite) == (Outcome.HELLO, codes[suite])
        assert flight.certificates == identities["ecdsa"].sent


REFUSALS: dict[str, tuple[str, dict[str, Any], int]] = {
    "P-521 leaf in 1.2": ("p521", OLD, 40),
    "Ed25519 leaf in 1.2": ("ed25519", OLD, 40),
    "Ed25519 leaf in 1.3": ("ed25519", NEW, 40),
    "P-521 key exchange": ("ecdsa", {"curve": "secp521r1"}, 40),
    "DHE only": ("rsa", {**OLD, "ciphers": "DHE-RSA-AES256-GCM-SHA384"}, 40),
    "ChaCha20 of TLS 1.2 only": ("rsa", {**OLD, "ciphers": "ECDHE-RSA-CHACHA20-POLY1305"}, 40),
    "ECDSA suites with an RSA certificate": ("rsa", {**OLD, "ciphers": "ECDHE-ECDSA-AES128-GCM-SHA256"}, 40),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_server_that_has_nothing_in_common_answers_with_an_alert(
    case: str, identities: Any, peers: SimpleNamespace
) -> None:
    kind, wanted, alert = REFUSALS[case]
    flight = run(Flight(OFFER, peers.name), peers.memory(configure(identities[kind], **wanted)))
    assert (flight.outcome, flight.alert, flight.certificates) == (Outcome.ALERT, alert, ())


def test_sni_is_what_was_given_and_never_an_address(identities: Any, peers: SimpleNamespace) -> None:
    for sni, sent in (("shop.example.com", "shop.example.com"), ("a.example.", "a.example"), (None, None),
                      ("192.0.2.1", None), ("2001:db8::1", None), ("[2001:db8::1]", None), ("", None)):  # fmt: skip
        seen: list[str | None] = []
        context = identities["ecdsa"].context()
        context.sni_callback = lambda _s, name, _c, seen=seen: seen.append(name)
        run(Flight(OFFER, sni), peers.memory(context))
        assert seen == [sent]


# --- the same whatever the way ------------------------------------------------------------------------------------


@given(data=st.data())
@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_result_does_not_depend_on_how_bytes_are_split(data: Any, identities: Any, peers: SimpleNamespace) -> None:
    kind, wanted, _ = SERVERS[data.draw(st.sampled_from([c for c in SERVERS if "large" not in c]))]
    sizes = data.draw(st.lists(st.integers(1, 700), max_size=60))
    flight = run(Flight(OFFER, peers.name), peers.memory(configure(identities[kind], **wanted)), sizes)
    assert flight.outcome is Outcome.HELLO
    assert flight.certificates == identities[kind].sent


@pytest.mark.parametrize("case", ["1.2 ECDSA", "1.2 client certificate", "1.3 ECDSA", "1.3 client certificate"])
def test_every_truncation_of_a_real_flight_is_told(case: str, identities: Any, peers: SimpleNamespace) -> None:
    kind, wanted, _ = SERVERS[case]
    fresh = Flight(OFFER, peers.name)
    sent = peers.memory(configure(identities[kind], **wanted)).answer(fresh.start())
    seen = set()
    for length in range(len(sent)):
        flight = copy.deepcopy(fresh)
        flight.feed(sent[:length])
        flight.eof()
        assert flight.outcome in (Outcome.CLOSED, Outcome.TRUNCATED, Outcome.HELLO), (length, flight.detail)
        assert (flight.outcome is Outcome.CLOSED) == (length in record_ends(sent)) or flight.outcome is Outcome.HELLO
        assert identities[kind].sent[: len(flight.certificates)] == flight.certificates
        seen.add(flight.outcome)
    assert Outcome.TRUNCATED in seen
    assert outcome_of(fresh)["outcome"] is None, "the copy is what was fed"


def record_ends(sent: bytes) -> set[int]:
    ends, at = {0}, 0
    while at < len(sent):
        at += 5 + int.from_bytes(sent[at + 3 : at + 5], "big")
        ends.add(at)
    return ends


@pytest.mark.parametrize("case", ["1.2 ECDSA", "1.3 ECDSA"])
@given(damage=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=4))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_flight_never_raises(case: str, damage: Any, identities: Any, peers: SimpleNamespace) -> None:
    kind, wanted, _ = SERVERS[case]
    flight = Flight(OFFER, peers.name)
    sent = bytearray(peers.memory(configure(identities[kind], **wanted)).answer(flight.start()))
    for at, value in damage:
        sent[at % len(sent)] = value
    flight.feed(bytes(sent))
    flight.eof()
    assert flight.outcome is not None


@given(chunks=st.lists(st.binary(max_size=80), max_size=20))
def test_garbage_never_raises_and_splits_alike(chunks: list[bytes]) -> None:
    check_splits(b"".join(chunks), chunks)


@given(parts=st.lists(st.tuples(st.sampled_from([20, 21, 22, 23]), st.binary(max_size=80)), max_size=12), cut=st.data())
def test_records_of_garbage_never_raise_and_split_alike(parts: list[tuple[int, bytes]], cut: Any) -> None:
    whole = b"".join(record(kind, content) for kind, content in parts)
    at = cut.draw(st.integers(0, len(whole)))
    check_splits(whole, [whole[:at], whole[at:]])


def check_splits(whole: bytes, chunks: list[bytes]) -> None:
    results = []
    for pieces in ([whole], chunks, [whole[i : i + 1] for i in range(len(whole))]):
        flight = Flight(OFFER, "a.example")
        for piece in pieces:
            flight.feed(piece)
        flight.eof()
        results.append(outcome_of(flight))
    assert results[0] == results[1] == results[2]


# --- hand-made flights --------------------------------------------------------------------------------------------


def record(kind: int, content: bytes, version: int = 0x0303) -> bytes:
    pieces = [content[i : i + 16384] for i in range(0, len(content), 16384)] or [b""]
    return b"".join(struct.pack("!BHH", kind, version, len(p)) + p for p in pieces)


def message(kind: int, body: bytes = b"") -> bytes:
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def vector(body: bytes, width: int) -> bytes:
    return len(body).to_bytes(width, "big") + body


def server_hello(
    suite: int = 0xC02F, version: int = 0x0303, *, random: bytes = bytes(32), sid: bytes = b"", more: bytes = b""
) -> bytes:
    body = struct.pack("!H", version) + random + vector(sid, 1) + struct.pack("!H", suite) + b"\x00"
    return message(2, body + (vector(more, 2) if more else b""))


def certificate(*certificates: bytes) -> bytes:
    return message(11, vector(b"".join(vector(c, 3) for c in certificates), 3))


def key_exchange(group: int = 0x17, scheme: int = 0x0804) -> bytes:
    return message(
        12, b"\x03" + struct.pack("!H", group) + vector(b"k" * 65, 1) + struct.pack("!H", scheme) + vector(b"s", 2)
    )


def extension(kind: int, content: bytes) -> bytes:
    return struct.pack("!H", kind) + vector(content, 2)


DONE = message(14)
FLIGHT = server_hello() + certificate(b"leaf", b"issuer", b"leaf") + key_exchange() + DONE
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
V13 = extension(43, b"\x03\x04")


def fed(*pieces: bytes, end: bool = False) -> Flight:
    flight = Flight(OFFER, "shop.example.com")
    for piece in pieces:
        flight.feed(piece)
    if end:
        flight.eof()
    return flight


WELL_FORMED: dict[str, tuple[bytes, ...]] = {
    "one record": (record(22, FLIGHT),),
    "a record for each byte": tuple(record(22, FLIGHT[i : i + 1]) for i in range(len(FLIGHT))),
    "a record for each message": (record(22, server_hello()), record(22, FLIGHT[len(server_hello()) :])),
    "HelloRequest before": (record(22, message(0) + FLIGHT),),
    "CertificateStatus in between": (
        record(22, server_hello() + certificate(b"leaf", b"issuer", b"leaf") + message(22, b"ocsp")),
        record(22, key_exchange() + DONE),
    ),
    "any record version before ServerHello": (record(21, b"\x01\x5a", 0x7777), record(22, FLIGHT, 0x0000)),
}  # fmt: skip


@pytest.mark.parametrize("case", WELL_FORMED)
def test_a_flight_up_to_tls_12_may_come_in_many_shapes(case: str) -> None:
    flight = fed(*WELL_FORMED[case])
    assert (flight.outcome, flight.detail) == (Outcome.HELLO, "")
    assert flight.certificates == (b"leaf", b"issuer", b"leaf"), "the order and the repetitions in which they were sent"
    assert (flight.group, flight.signature_scheme) == (0x17, 0x0804)


@pytest.mark.parametrize(("minimum", "version"), [("SSLv3", 0x0300), ("TLSv1", TLS_1_0), ("TLSv1.1", TLS_1_1)])
def test_versions_without_signature_schemes(minimum: Any, version: int) -> None:
    flight = Flight(offer(minimum), "shop.example.com")
    signed = message(12, b"\x03\x00\x18" + vector(b"k" * 97, 1) + vector(b"s", 2))
    flight.feed(record(22, server_hello(0xC013, version) + certificate(b"leaf") + signed + DONE, version))
    if version == 0x0300:  # SSL 3.0 has no elliptic curves
        assert flight.outcome is Outcome.MALFORMED
        flight = Flight(offer(minimum), "shop.example.com")
        flight.feed(record(22, server_hello(0x002F, version) + certificate(b"leaf") + DONE, version))
    assert (flight.outcome, flight.version, flight.signature_scheme) == (Outcome.HELLO, version, None)


MALFORMED: dict[str, tuple[bytes, str]] = {
    "a version that was not offered": (record(22, server_hello(0xC013, 0x0301)), "chooses TLS 1.0, which was not"),
    "a version that does not exist": (record(22, server_hello(version=0x0305)), "names version 0x0305"),
    "TLS 1.3 by the old field": (record(22, server_hello(0x1301, 0x0304)), "names TLS 1.3"),
    "a draft of TLS 1.3": (record(22, server_hello(0x1301, more=extension(43, b"\x7f\x1c"))), "version 0x7F1C"),
    "TLS 1.2 by supported_versions": (record(22, server_hello(more=extension(43, b"\x03\x03"))), "names TLS 1.2"),
    "a suite that was not offered": (record(22, server_hello(0x009F)), "DHE-RSA-AES256-GCM-SHA384, which was"),
    "a suite of another version": (record(22, server_hello(0x1301)), "which TLS 1.2 does not have"),
    "a TLS 1.2 suite in TLS 1.3": (record(22, server_hello(more=V13)), "which TLS 1.3 does not have"),
    "a session id that is not ours": (record(22, server_hello(0x1301, more=V13)), "session id"),
    "an extension twice": (record(22, server_hello(more=extension(23, b"") * 2)), "extension 23 twice"),
    "extensions cut short": (record(22, server_hello(more=b"\x00\x17\x00\x05")), "short"),
    "stray bytes": (record(22, message(2, server_hello()[4:] + b"\x00\x00!")), "stray"),
    "compression": (record(22, message(2, server_hello()[4:-1] + b"\x01")), "compression"),
    "a downgrade": (record(22, server_hello(random=bytes(24) + b"DOWNGRD\x01")), "random says"),
    "Certificate first": (record(22, certificate(b"leaf")), "Certificate comes instead of ServerHello"),
    "no Certificate": (record(22, server_hello() + key_exchange()), "ServerKeyExchange follows ServerHello"),
    "no certificates": (record(22, server_hello() + certificate()), "no certificate"),
    "an empty certificate": (record(22, server_hello() + certificate(b"leaf", b"")), "empty certificate"),
    "Certificate twice": (record(22, server_hello() + certificate(b"a") * 2), "Certificate follows Certificate"),
    "no ServerKeyExchange": (record(22, server_hello() + certificate(b"a") + DONE), "ServerKeyExchange is missing"),
    "ServerKeyExchange with static RSA": (
        record(22, server_hello(0x009C) + certificate(b"a") + key_exchange()),
        "although AES128-GCM-SHA256 has none",
    ),
    "a curve that was not offered": (
        record(22, server_hello() + certificate(b"a") + key_exchange(0x19)),
        "P-521, which was not offered",
    ),
    "a signature that was not offered": (
        record(22, server_hello() + certificate(b"a") + key_exchange(scheme=0x0807)),
        "ed25519, which was not offered",
    ),
    "ChangeCipherSpec too early": (record(22, server_hello()) + record(20, b"\x01"), "ChangeCipherSpec follows"),
    "ChangeCipherSpec with content": (record(20, b"\x02"), "ChangeCipherSpec"),
    "application data": (record(23, b"data"), "before there are keys"),
    "an unknown message": (record(22, message(99)), "message type 99"),
    "an unknown content type": (record(22, server_hello()) + record(24, b""), "content type 24"),
    "another record version": (record(22, server_hello()) + record(22, DONE, 0x0301), "record has version 0x0301"),
    "an empty record": (record(22, b"") + record(22, FLIGHT), "a record is empty"),
    "a record too long": (b"\x16\x03\x03\xff\xff", "65535 bytes"),
    "a plain record too long": (b"\x16\x03\x03\x41\x00" + bytes(0x4100), "16640 bytes"),
    "a ServerHello that is too long": (record(22, b"\x02\xff\xff\xff"), "claims 16777215"),
}  # fmt: skip


@pytest.mark.parametrize("case", MALFORMED)
def test_a_flight_that_breaks_the_protocol_says_how(case: str) -> None:
    sent, detail = MALFORMED[case]
    flight = fed(sent)
    assert flight.outcome is Outcome.MALFORMED
    assert detail in flight.detail


def test_a_server_that_ignores_supported_versions_leaves_the_version_it_wants() -> None:
    flight = fed(record(22, server_hello(0x002F, 0x0301)))
    assert (flight.outcome, flight.version, flight.cipher_suite) == (Outcome.MALFORMED, TLS_1_0, 0x002F)


def retry(flight: Flight, more: bytes, suite: int = 0x1301) -> bytes:
    sid = flight.start()[44:76]
    return flight.feed(record(22, server_hello(suite, sid=sid, random=RETRY, more=V13 + more)))


def test_a_retry_is_answered_once_with_the_cookie_and_the_group_asked_for() -> None:
    flight = Flight(OFFER, "shop.example.com")
    first = flight.start()
    second = retry(flight, extension(51, b"\x00\x1d") + extension(44, vector(b"cookie", 2)))
    assert second.startswith(b"\x14\x03\x03\x00\x01\x01\x16\x03\x03")
    assert second[6 + 5 + 4 + 2 :][:65] == first[5 + 4 + 2 :][:65], "the same random and session id"
    assert extension(44, vector(b"cookie", 2)) in second
    assert b"\x00\x1d\x00\x20" in second
    assert (flight.hello_retry, flight.group, flight.outcome) == (True, 0x1D, None)
    assert retry(flight, extension(51, b"\x00\x18")) == b""
    assert (flight.outcome, flight.detail) == (Outcome.MALFORMED, "a second HelloRetryRequest")


def test_a_cookie_alone_is_a_reason_to_retry() -> None:
    flight = Flight(OFFER, "shop.example.com")
    first = flight.start()
    second = retry(flight, extension(44, vector(b"cookie", 2)))
    key_share = extension(51, first[first.index(b"\x00\x45\x00\x17") :][:71])
    assert key_share in first
    assert key_share in second


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        (b"", Outcome.MALFORMED),
        (extension(51, b"\x00\x17"), Outcome.MALFORMED),
        (extension(51, b"\x00\x19"), Outcome.MALFORMED),
        (extension(51, b""), Outcome.MALFORMED),
        (extension(44, b""), Outcome.MALFORMED),
        (extension(44, vector(bytes(9000), 2)), Outcome.TOO_LARGE),
    ],
)
def test_a_retry_that_asks_for_nothing_sensible(more: bytes, outcome: Outcome) -> None:
    flight = Flight(OFFER, "shop.example.com")
    assert retry(flight, more) == b""
    assert flight.outcome is outcome


@pytest.mark.parametrize(
    "share",
    [b"\x00\x17\x00\x41\x04" + bytes(64), b"\x00\x17\x00\x01\x00", b"\x00\x1d\x00\x20" + bytes(32), b"\x00\x17", b""],
)
def test_a_key_share_that_is_none(share: bytes) -> None:
    flight = Flight(OFFER, "shop.example.com")
    flight.feed(record(22, server_hello(0x1301, sid=flight.start()[44:76], more=V13 + extension(51, share))))
    assert flight.outcome is Outcome.MALFORMED


def test_a_protected_record_that_cannot_be_decrypted(identities: Any, peers: SimpleNamespace) -> None:
    flight = Flight(OFFER, peers.name)
    sent = bytearray(peers.memory(configure(identities["ecdsa"], **NEW)).answer(flight.start()))
    sent[-1] ^= 1
    flight.feed(bytes(sent[: 5 + int.from_bytes(sent[3:5], "big")]) + record(20, b"\x01") + record(23, bytes(40)))
    assert (flight.outcome, flight.version) == (Outcome.MALFORMED, TLS_1_3)
    assert "cannot be decrypted" in flight.detail


def test_alerts() -> None:
    def told(flight: Flight) -> tuple[Any, ...]:
        return flight.outcome, flight.alert, flight.warnings

    assert told(fed(record(21, b"\x02\x46"))) == (Outcome.ALERT, 70, ())
    assert told(fed(record(21, b"\x02"), record(21, b"\x28"))) == (Outcome.ALERT, 40, ())
    assert told(fed(record(21, b"\x01\x70"), record(22, FLIGHT))) == (Outcome.HELLO, None, (112,))
    assert told(fed(record(21, b"\x01\x70\x01\x5a"), record(22, FLIGHT))) == (Outcome.HELLO, None, (112, 90))
    assert told(fed(record(21, b"\x01\x70\x02\x28"))) == (Outcome.ALERT, 40, (112,))
    assert told(fed(record(21, b"\x01\x00"))) == (Outcome.ALERT, 0, ())
    assert told(fed(record(21, b"\x01\x70") * 100, record(22, FLIGHT)))[2] == (112,) * MAX_WARNINGS
    assert told(fed(record(22, server_hello()), record(21, b"\x02\x50"))) == (Outcome.ALERT, 80, ())


def test_an_alert_under_the_handshake_keys(identities: Any, peers: SimpleNamespace) -> None:
    """OpenSSL sends no such alert by itself, so the keys of a real flight are used to seal one."""
    flight = Flight(OFFER, peers.name)
    sent = peers.memory(configure(identities["ecdsa"], **NEW)).answer(flight.start())
    flight.feed(sent[: 5 + int.from_bytes(sent[3:5], "big")])
    opener = flight._opener
    assert opener is not None
    header = b"\x17\x03\x03\x00\x13"
    sealed = opener._aead.encrypt(opener._iv.to_bytes(12, "big"), b"\x01\x50\x15", header)
    flight.feed(header + sealed)
    assert (flight.outcome, flight.alert) == (Outcome.ALERT, 80), "TLS 1.3 has no warnings"


@pytest.mark.parametrize(
    ("sent", "outcome", "detail"),
    [
        (b"", Outcome.CLOSED, "closed before any byte"),
        (b"\x16", Outcome.TRUNCATED, "closed in the middle of a record or message, after 1 bytes"),
        (record(22, server_hello()), Outcome.CLOSED, "closed after ServerHello"),
        (record(22, b"\x02\0"), Outcome.TRUNCATED, "closed in the middle of a record or message, after 7 bytes"),
        (record(22, FLIGHT[:-4]), Outcome.CLOSED, "closed after ServerKeyExchange"),
        (record(21, b"\x02"), Outcome.TRUNCATED, "closed in the middle of a record or message, after 6 bytes"),
        (record(21, b"\x01\x70"), Outcome.CLOSED, "closed after a warning alert"),
        (record(20, b"\x01"), Outcome.CLOSED, "closed before a ServerHello"),
    ],
)  # fmt: skip
def test_how_far_a_server_got_that_closed(sent: bytes, outcome: Outcome, detail: str) -> None:
    flight = fed(sent, end=True)
    assert (flight.outcome, flight.detail) == (outcome, detail)


@pytest.mark.parametrize(
    "first", [b"HTTP/1.1 400 Bad Request\r\n", b"SSH-2.0-x\r\n", b"220 mail ESMTP\r\n", b"\x80\x2e"]
)
def test_what_is_not_tls_leaves_its_first_bytes(first: bytes) -> None:
    for pieces in ([first + bytes(100)], [first[i : i + 1] for i in range(len(first))] + [bytes(100)]):
        flight = fed(*pieces)
        assert (flight.outcome, flight.first_bytes) == (Outcome.NOT_TLS, (first + bytes(100))[:64])


TOO_LARGE: dict[str, bytes] = {
    "10 MB of certificates": record(22, server_hello() + certificate(*[bytes(100_000)] * 100)),
    "endless records": record(20, b"\x01") * (MAX_BYTES // 6 + 2),
    "endless warnings": record(21, b"\x01\x70") * (MAX_BYTES // 7 + 2),
    "endless HelloRequests": record(22, message(0)) * (MAX_BYTES // 9 + 2),
    "very many certificates": record(22, server_hello() + certificate(*[b"c"] * (MAX_CERTIFICATES + 1))),
}


@pytest.mark.parametrize("case", TOO_LARGE)
def test_reading_is_bounded(case: str) -> None:
    whole = fed(TOO_LARGE[case])
    assert whole.outcome is Outcome.TOO_LARGE
    assert len(whole.certificates) <= MAX_CERTIFICATES
    pieces = fed(*[TOO_LARGE[case][i : i + 1000] for i in range(0, len(TOO_LARGE[case]), 1000)])
    assert outcome_of(pieces) == outcome_of(whole)
