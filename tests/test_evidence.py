"""Recordings: what is saved is what is loaded, and nothing else is loaded."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook import evidence, files
from cfrunbook.cloudfront.plan import MAX_TARGETS
from cfrunbook.cloudfront.server_names import MAX_NAMES
from cfrunbook.errors import BadInput
from cfrunbook.evidence import (
    Connection,
    ConnectOutcome,
    DnsOutcome,
    DnsQuery,
    DnsRecord,
    DnsTransport,
    Exchange,
    ExchangeOutcome,
    Handshake,
    HandshakeOutcome,
    Icmp,
    Inputs,
    Observations,
    Resolution,
    ResolutionOutcome,
    SecondOpinion,
)
from cfrunbook.findings import NotExamined
from cfrunbook.observation import MAX_ADDRESSES, MAX_OPINIONS, MAX_SCANS, REPEATS
from cfrunbook.probes.dns.walk import MAX_QUESTIONS_IN_ALL
from cfrunbook.probes.tls import calm
from cfrunbook.probes.tls.scan import MAX_CONNECTIONS, MAX_REPETITIONS

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
BYTE = st.integers(0, 0xFF)
CODE_POINT = st.none() | st.integers(0, 0xFFFF)
MILLISECONDS = st.floats(0, 1e6)
WHERE: dict[str, Any] = {
    "id": TEXT,
    "host": TEXT,
    "port": st.integers(1, 0xFFFF),
    "address": TEXT,
    "connected_to": TEXT,
}
PLACE: dict[str, Any] = {**WHERE, "elapsed_ms": MILLISECONDS}

RESOLUTIONS = st.builds(
    Resolution,
    id=TEXT,
    name=TEXT,
    resolver=TEXT,
    outcome=st.sampled_from(ResolutionOutcome),
    ipv4=st.lists(TEXT, max_size=2).map(tuple),
    cnames=st.lists(TEXT, max_size=2).map(tuple),
    elapsed_ms=MILLISECONDS,
)
CONNECTIONS = st.builds(
    Connection,
    **PLACE,
    outcome=st.sampled_from(ConnectOutcome),
    icmp=st.none() | st.builds(Icmp, type=BYTE, code=BYTE, reporter=TEXT),
)
EXCHANGES = st.builds(
    Exchange,
    **PLACE,
    request=TEXT,
    outcome=st.sampled_from(ExchangeOutcome),
    headers=st.lists(st.tuples(TEXT, TEXT), max_size=2).map(tuple),
    first_bytes=st.binary(max_size=64),
)
HANDSHAKES = st.builds(
    Handshake,
    **PLACE,
    sni=st.none() | TEXT,
    offer=TEXT,
    outcome=st.sampled_from(HandshakeOutcome),
    alert=st.none() | BYTE,
    warnings=st.lists(BYTE, max_size=2).map(tuple),
    version=CODE_POINT,
    cipher_suite=CODE_POINT,
    group=CODE_POINT,
    signature_scheme=CODE_POINT,
    bytes_received=st.integers(0, 2**40),
    certificates=st.lists(st.binary(max_size=40), max_size=2).map(tuple),
)
SECOND_OPINIONS = st.builds(
    SecondOpinion,
    **PLACE,
    sni=TEXT,
    policy=TEXT,
    connected=st.booleans(),
    error=TEXT,
    detail=TEXT,
    alert=st.none() | BYTE,
    version=CODE_POINT,
    cipher=TEXT,
    group=TEXT,
)
DNS_RECORDS = st.lists(
    st.builds(DnsRecord, owner=TEXT, ttl=st.integers(0, 2**32 - 1), type=TEXT, data=TEXT), max_size=2
).map(tuple)
DNS_QUERIES = st.builds(
    DnsQuery,
    **dict.fromkeys(("id", "zone", "server", "address", "connected_to", "name", "type", "rcode", "detail"), TEXT),
    transport=st.sampled_from(DnsTransport),
    sent_at=st.lists(MILLISECONDS, max_size=3).map(tuple),
    outcome=st.sampled_from(DnsOutcome),
    authoritative=st.booleans(),
    answer=DNS_RECORDS,
    authority=DNS_RECORDS,
    additional=DNS_RECORDS,
    first_bytes=st.binary(max_size=64),
    elapsed_ms=MILLISECONDS,
)
INPUTS = st.builds(
    Inputs,
    name=TEXT,
    url=TEXT,
    distribution=st.none() | st.dictionaries(TEXT, TEXT | st.booleans() | st.none(), max_size=2),
    trust_anchors=st.none() | st.lists(st.binary(max_size=9), max_size=2).map(tuple),
)
RECORDINGS = st.builds(
    Observations,
    recorded_at=st.datetimes(timezones=st.just(dt.UTC)),
    vantage=TEXT,
    inputs=INPUTS,
    resolutions=st.lists(RESOLUTIONS, max_size=2).map(tuple),
    dns_queries=st.lists(DNS_QUERIES, max_size=2).map(tuple),
    connections=st.lists(CONNECTIONS, max_size=2).map(tuple),
    exchanges=st.lists(EXCHANGES, max_size=2).map(tuple),
    handshakes=st.lists(HANDSHAKES, max_size=2).map(tuple),
    second_opinions=st.lists(SECOND_OPINIONS, max_size=2).map(tuple),
    not_observed=st.lists(st.builds(NotExamined, what=TEXT, why=TEXT), max_size=2).map(tuple),
)

GOOD: dict[str, Any] = {"kind": "cfrunbook.evidence", "schema": 1, "recorded_at": "2026-11-22T03:00:00Z"}


@given(RECORDINGS)
def test_what_is_recorded_is_what_is_loaded(recording: Observations) -> None:
    assert evidence.from_json(recording.to_json()) == recording


def test_a_recording_on_disk(tmp_path: Path) -> None:
    handshake = Handshake(
        id="handshake-1", host="a", port=443, address="::1", sni="a", offer="o", outcome=HandshakeOutcome.RESET
    )
    opinion = SecondOpinion(
        id="second-opinion-1", host="a", port=443, address="::1", sni="a", policy="p", connected=False, error="CLOSED"
    )
    recording = Observations(
        recorded_at=dt.datetime(2026, 11, 22, 3, tzinfo=dt.UTC), handshakes=(handshake,), second_opinions=(opinion,)
    )
    path = tmp_path / "evidence.json"
    recording.save(path)
    assert evidence.load(path) == recording
    assert evidence.load(path).find("handshake-1") == handshake
    assert evidence.load(path).find("handshake-2") is None
    assert evidence.load(path).find("second-opinion-1") == opinion
    assert [p.name for p in tmp_path.iterdir()] == ["evidence.json"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "not a cfrunbook recording"),
        (b"HTTP/1.1 502 Bad Gateway\r\n", "not a cfrunbook recording"),
        (b"[]", "not a cfrunbook recording"),
        (b"\xff\xfe", "not a cfrunbook recording"),
        (b"[" * 100_000, "not a cfrunbook recording"),
        ({}, "its kind is ''"),
        ({**GOOD, "kind": "cfrunbook.lab"}, "its kind is 'cfrunbook.lab'"),
        ({**GOOD, "kind": "\x1b[2J"}, r"its kind is '\x1b[2J'"),
        ({**GOOD, "schema": 2}, "has schema 2; this version reads schema 1: use a newer cfrunbook."),
        ({**GOOD, "schema": 0}, "has schema 0; this version reads schema 1: record it again."),
        ({**GOOD, "schema": "1"}, "not a cfrunbook recording"),
        ({**GOOD, "surprise": 1}, "unknown field `surprise`"),
        ({**GOOD, "inputs": {"surprise": 1}}, "unknown field `surprise`"),
        ({**GOOD, "connections": [{"id": "c"}]}, "missing required field"),
        (
            {**GOOD, "resolutions": [{"id": "r", "name": "n", "resolver": "r", "outcome": "maybe"}]},
            "Invalid enum value",
        ),
        ({**GOOD, "recorded_at": "2026-11-22T03:00:00"}, "recorded_at has no time zone"),
        ({**GOOD, "recorded_at": "yesterday"}, "does not follow schema 1"),
        ({k: v for k, v in GOOD.items() if k != "recorded_at"}, "missing required field `recorded_at`"),
    ],
)
def test_anything_else_is_refused_in_one_sentence(tmp_path: Path, content: Any, sentence: str) -> None:
    path = tmp_path / "evidence.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    with pytest.raises(BadInput) as refused:
        evidence.load(path)
    assert sentence in str(refused.value)
    assert str(path) in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


WHERE_SEEN = {"host": "h", "port": 443, "address": "192.0.2.1"}
CONNECTION: dict[str, Any] = {"id": "c", **WHERE_SEEN, "outcome": "refused"}
EXCHANGE: dict[str, Any] = {"id": "e", **WHERE_SEEN, "request": "HEAD /", "outcome": "http"}
HANDSHAKE: dict[str, Any] = {"id": "t", **WHERE_SEEN, "sni": None, "offer": "o", "outcome": "hello"}
OPINION: dict[str, Any] = {"id": "s", **WHERE_SEEN, "sni": "a", "policy": "p", "connected": False}
DNS_RECORD: list[Any] = ["shop.lab", 300, "A", "192.0.2.1"]
DNS_QUERY: dict[str, Any] = {
    **dict.fromkeys(("id", "zone", "server", "address", "name", "type"), "x"),
    "transport": "udp",
    "outcome": "answer",
    "answer": [DNS_RECORD],
}
RESOLUTION: dict[str, Any] = {"id": "r", "name": "n", "resolver": "system", "outcome": "timeout"}


@pytest.mark.parametrize(
    ("group", "observation", "field", "values"),
    [
        *((kind, seen, "elapsed_ms", (-1, -0.001, 1e18)) for kind, seen in (
            ("resolutions", RESOLUTION), ("connections", CONNECTION), ("exchanges", EXCHANGE), ("handshakes", HANDSHAKE),
            ("second_opinions", OPINION),
        )),
        *((kind, seen, "port", (-1, 0, 65536, 443.5)) for kind, seen in (
            ("connections", CONNECTION), ("exchanges", EXCHANGE), ("handshakes", HANDSHAKE), ("second_opinions", OPINION),
        )),
        *((kind, seen, "alert", (-1, 256)) for kind, seen in (("handshakes", HANDSHAKE), ("second_opinions", OPINION))),
        ("second_opinions", OPINION, "version", (-1, 0x10000)),
        *(("second_opinions", OPINION, field, ("x" * 201,)) for field in ("policy", "error", "detail", "cipher", "group")),
        ("handshakes", HANDSHAKE, "alert", (-1, 256)),
        ("dns_queries", DNS_QUERY, "elapsed_ms", (-1, 1e18)),
        ("dns_queries", DNS_QUERY, "sent_at", ([-1], [0.0] * 17)),
        ("dns_queries", DNS_QUERY, "first_bytes", ("A" * 88,)),
        *(("dns_queries", DNS_QUERY, section, ([DNS_RECORD] * 129, [["x", -1, "A", ""]], [["x", 2**32, "A", ""]],
            [["x", 1, "A", "x" * 2049]])) for section in ("answer", "authority", "additional")),
        ("handshakes", HANDSHAKE, "warnings", ([-1], [40, 256])),
        *(("handshakes", HANDSHAKE, field, (-1, 0x10000)) for field in (
            "version", "cipher_suite", "group", "signature_scheme"
        )),
        ("handshakes", HANDSHAKE, "bytes_received", (-1,)),
        ("handshakes", HANDSHAKE, "certificates", ([""] * 257,)),
        ("handshakes", HANDSHAKE, "first_bytes", ("A" * 88,)),
        ("exchanges", EXCHANGE, "first_bytes", ("A" * 88,)),
        ("exchanges", EXCHANGE, "headers", ([["a", "b"]] * 101,)),
        ("connections", CONNECTION, "icmp", ({"type": 256, "code": 0, "reporter": ""}, {"type": 3, "code": -1, "reporter": ""})),
    ],
)  # fmt: skip
def test_what_cannot_have_been_seen_is_refused(group: str, observation: Any, field: str, values: Any) -> None:
    evidence.from_json(json.dumps({**GOOD, group: [observation]}).encode())
    for value in values:
        with pytest.raises(BadInput, match="does not follow schema 1: Expected") as refused:
            evidence.from_json(json.dumps({**GOOD, group: [{**observation, field: value}]}).encode())
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_numbers_that_are_not_finite_are_refused(number: str) -> None:
    content = json.dumps({**GOOD, "connections": [{**CONNECTION, "elapsed_ms": 5.25}]}).replace("5.25", number)
    with pytest.raises(BadInput):
        evidence.from_json(content.encode())


def test_more_observations_than_a_run_makes_are_refused() -> None:
    most = {**GOOD, "connections": [CONNECTION] * 70_000, "resolutions": [RESOLUTION] * 10_000}
    assert evidence.from_json(json.dumps(most).encode()).number == evidence.MAX_OBSERVATIONS
    with pytest.raises(BadInput, match=r"evidence holds 80001 observations; refused, since one run makes at most"):
        evidence.from_json(json.dumps({**most, "handshakes": [HANDSHAKE]}).encode())


def test_a_run_makes_fewer_observations_than_that() -> None:
    hellos = MAX_NAMES + 2 + REPEATS  # and one with the Origin Domain, and one without a name
    alone = calm.MAX_NAMES * (calm.TIMES + calm.CONTROLS)
    requests, left_out = 2, 2
    of_addresses = MAX_TARGETS * MAX_ADDRESSES * (1 + hellos + alone + requests + left_out)
    of_scans = MAX_TARGETS * MAX_SCANS * (MAX_CONNECTIONS + MAX_REPETITIONS)
    of_names = MAX_QUESTIONS_IN_ALL + 3 * MAX_TARGETS
    assert of_addresses + of_scans + MAX_OPINIONS + of_names < evidence.MAX_OBSERVATIONS


def test_the_schema_tells_the_bounds() -> None:
    defined = msgspec.json.schema(Observations)["$defs"]
    port = defined["Connection"]["properties"]["port"]
    assert (port["minimum"], port["maximum"]) == (1, 65535)


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "deep.json"
    path.write_text('{"kind": "cfrunbook.evidence", "schema": 1, "recorded_at": ' + '{"a":' * 100_000)
    with pytest.raises(BadInput, match="not a cfrunbook recording"):
        evidence.load(path)


@given(st.binary(max_size=300) | st.recursive(st.none() | st.text(), st.lists).map(lambda v: json.dumps(v).encode()))
def test_no_bytes_raise_anything_else(content: bytes) -> None:
    with pytest.raises(BadInput):
        evidence.from_json(content)


def test_a_file_over_the_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(files.MAX_FILE_BYTES + 1)
    with pytest.raises(BadInput, match=r"huge\.json is larger than 64 MiB; refused\."):
        evidence.load(path)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"Evidence: no such file: .*nowhere\.json\."):
        evidence.load(tmp_path / "nowhere.json")
    with pytest.raises(BadInput, match="Is a directory"):
        evidence.load(tmp_path)
