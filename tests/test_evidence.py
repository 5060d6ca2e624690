"""Recordings: what is saved is what is loaded, and nothing else is loaded."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook import evidence
from cfrunbook.errors import BadInput
from cfrunbook.evidence import (
    Connection,
    ConnectOutcome,
    Exchange,
    ExchangeOutcome,
    Handshake,
    HandshakeOutcome,
    Icmp,
    Inputs,
    Observations,
    Resolution,
    ResolutionOutcome,
)
from cfrunbook.findings import NotExamined

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
NUMBER = st.integers(0, 2**31)
MILLISECONDS = st.floats(0, 1e6)
WHERE: dict[str, Any] = {"id": TEXT, "host": TEXT, "port": NUMBER, "address": TEXT, "connected_to": TEXT}
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
    icmp=st.none() | st.builds(Icmp, type=NUMBER, code=NUMBER, reporter=TEXT),
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
    alert=st.none() | st.integers(0, 255),
    certificates=st.lists(st.binary(max_size=40), max_size=2).map(tuple),
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
    connections=st.lists(CONNECTIONS, max_size=2).map(tuple),
    exchanges=st.lists(EXCHANGES, max_size=2).map(tuple),
    handshakes=st.lists(HANDSHAKES, max_size=2).map(tuple),
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
    recording = Observations(recorded_at=dt.datetime(2026, 11, 22, 3, tzinfo=dt.UTC), handshakes=(handshake,))
    path = tmp_path / "evidence.json"
    recording.save(path)
    assert evidence.load(path) == recording
    assert evidence.load(path).find("handshake-1") == handshake
    assert evidence.load(path).find("handshake-2") is None
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
        ({**GOOD, "kind": "\x1b[2J"}, r"its kind is '\\x1b[2J'"),
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
        file.truncate(evidence.MAX_FILE_BYTES + 1)
    with pytest.raises(BadInput, match=r"huge\.json is larger than 64 MiB; refused\."):
        evidence.load(path)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"Evidence: no such file: .*nowhere\.json\."):
        evidence.load(tmp_path / "nowhere.json")
    with pytest.raises(BadInput, match="Is a directory"):
        evidence.load(tmp_path)


def test_a_failed_save_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "evidence.json").mkdir()
    with pytest.raises(BadInput, match="Cannot write"):
        evidence.write_whole(tmp_path / "evidence.json", b"{}")
    assert [p.name for p in tmp_path.iterdir()] == ["evidence.json"]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("Server", True),
        ("Content-Type", True),
        ("X-Amz-Cf-Id", True),
        ("Set-Cookie", False),
        ("COOKIE", False),
        ("Authorization", False),
        ("Proxy-Authorization", False),
        ("x-amz-security-token", False),
        ("X-Api-Key", False),
        ("X-Origin-Secret", False),
        ("X-Hub-Signature-256", False),
    ],
)
def test_secret_headers_are_redacted(name: str, kept: bool) -> None:
    assert evidence.redact_headers([(name, "s3cret")]) == ((name, "s3cret" if kept else "[redacted]"),)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://www.example.com/cart", "https://www.example.com/cart"),
        ("https://user:pw@www.example.com:8443/a#b", "https://www.example.com:8443/a"),
        ("https://e.com/?Signature=abc&Expires=1", "https://e.com/?Signature=[redacted]&Expires=[redacted]"),
        ("https://e.com/?flag", "https://e.com/?flag"),
    ],
)
def test_redact_url(url: str, shown: str) -> None:
    assert evidence.redact_url(url) == shown


@given(st.text(st.characters(categories=("L", "N")), min_size=8, max_size=20).map(lambda s: "s3cret" + s))
def test_no_url_keeps_a_secret(secret: str) -> None:
    word = quote(secret)
    shown = evidence.redact_url(f"https://{word}:{word}@e.com/p?a={word}&b={word}#{word}")
    assert word not in shown
    assert urlsplit(shown).hostname == "e.com"


def test_custom_header_values_are_redacted_at_any_depth() -> None:
    headers = {"Quantity": 1, "Items": [{"HeaderName": "X-Shared", "HeaderValue": "s3cret"}]}
    document = {"DistributionConfig": {"Origins": {"Items": [{"Id": "shop", "CustomHeaders": headers}]}}}
    shown = json.dumps(evidence.redact_distribution(document))
    assert "s3cret" not in shown
    assert '"HeaderName": "X-Shared", "HeaderValue": "[redacted]"' in shown
    assert "s3cret" in json.dumps(document), "the original is left alone"
