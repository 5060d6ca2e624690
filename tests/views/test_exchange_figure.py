"""The picture of where a request's time goes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.evidence import Connection, ConnectOutcome, Deviation, Exchange, ExchangeEnd, ExchangeOutcome
from cfrunbook.views import exchange_figure, figures
from cfrunbook.views.exchange_figure import exchange_timeline
from tests.views.test_figures import check


def exchange(address: str = "192.0.2.1", **more: Any) -> Exchange:
    fields = {
        "outcome": ExchangeOutcome.HTTP, "status_line": "HTTP/1.1 200 OK", "end": ExchangeEnd.COMPLETE,
        "scheme": "https", "connected_ms": 20.0, "secured_ms": 61.0, "first_byte_ms": 1500.0, "elapsed_ms": 1520.0,
    }  # fmt: skip
    return Exchange(
        id="exchange-1", host="a.example", port=443, address=address, request="GET /cart HTTP/1.1\nHost: a.example",
        **fields | more,
    )  # fmt: skip


WORDS = {
    "all phases": (
        exchange(),
        "GET /cart at 192.0.2.1: HTTP/1.1 200 OK; connect 20 ms, TLS handshake 41 ms, wait for the first byte 1.4 s,"
        " rest 20 ms.",
    ),
    "no answer": (
        exchange(outcome=ExchangeOutcome.SILENT, status_line="", first_byte_ms=None, elapsed_ms=5000.0, end=None),
        "silent; connect 20 ms, TLS handshake 41 ms, wait for the first byte 4.9 s.",
    ),
    "no handshake": (
        exchange(outcome=ExchangeOutcome.TLS_FAILED, status_line="", secured_ms=None, first_byte_ms=None, end=None),
        "tls failed; connect 20 ms, TLS handshake 1.5 s.",
    ),
    "plain, connected before": (
        exchange(scheme="http", connected_ms=None, secured_ms=None, first_byte_ms=9.0, elapsed_ms=10.0),
        "connect 3.0 ms, wait for the first byte 9.0 ms, rest 1.0 ms.",
    ),
}


@pytest.mark.parametrize(("seen", "words"), WORDS.values(), ids=WORDS)
def test_the_phases_in_words(seen: Exchange, words: str) -> None:
    connection = Connection(
        id="connection-1", host="a.example", port=443, address="192.0.2.1", outcome=ConnectOutcome.CONNECTED,
        elapsed_ms=3.0,
    )  # fmt: skip
    assert words in check(exchange_timeline([seen], [connection])).alt


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({}, "ok"),
        ({"deviations": ((Deviation.LENGTH_DIFFERS, 2),)}, "warning"),
        ({"status_line": "HTTP/1.1 502 Bad Gateway"}, "fault"),
    ],
)
def test_the_mark_is_no_tick_where_the_answer_is_not_what_http_allows(more: dict[str, Any], status: str) -> None:
    assert exchange_figure._status(exchange(**more)) == status


def test_nothing_and_too_many() -> None:
    assert check(exchange_timeline([])).alt == "No HTTP request was sent."
    many = [exchange(f"192.0.2.{n}") for n in range(20)]
    assert check(figures.exchange_timeline(many)).alt.count("GET /cart at") == exchange_figure.MAX_EXCHANGES


TIMES = st.one_of(st.none(), st.floats(0, 86_400_000))


@given(
    st.builds(
        exchange,
        outcome=st.sampled_from(list(ExchangeOutcome)),
        status_line=st.text(max_size=30),
        scheme=st.sampled_from(["http", "https"]),
        connected_ms=TIMES,
        secured_ms=TIMES,
        first_byte_ms=TIMES,
        elapsed_ms=st.floats(0, 86_400_000),
        end=st.sampled_from([None, *ExchangeEnd]),
    )
)
def test_phases_follow_one_another_whatever_was_recorded(seen: Exchange) -> None:
    phases = list(exchange_figure._phases(seen, {}))
    assert phases
    assert all(p.begin <= p.end for p in phases)
    assert all(a.end == b.begin for a, b in pairwise(phases))
