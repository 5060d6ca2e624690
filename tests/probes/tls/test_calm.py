"""What is asked again one at a time, and how: a table of what was seen, then real sockets."""

from __future__ import annotations

import asyncio
import socket
from types import SimpleNamespace
from typing import Any

import pytest

from cfrunbook.cloudfront.origin_tls import TLS_1_1, TLS_1_2, TLS_1_3, offer
from cfrunbook.cloudfront.tls_offers import version_offer
from cfrunbook.evidence import Handshake
from cfrunbook.evidence import HandshakeOutcome as Outcome
from cfrunbook.probes import tls
from cfrunbook.probes.endpoint import Endpoint
from cfrunbook.probes.tls import calm

NAME, OTHER = "shop.example.com", "www.example.com"
EXACT = offer("TLSv1.2")
GOOD = {"outcome": Outcome.HELLO, "version": TLS_1_2, "cipher_suite": 0xC02F, "bytes_received": 900}
ALERT = {"outcome": Outcome.ALERT, "alert": 70, "bytes_received": 7}
CLOSED, REFUSED = {"outcome": Outcome.CLOSED}, {"outcome": Outcome.NOT_CONNECTED}


def seen(offered: str, answer: dict[str, Any], sni: str | None = NAME) -> Handshake:
    return Handshake(id="", host=NAME, port=443, address="192.0.2.1", sni=sni, offer=offered, **answer)


def exact(answer: dict[str, Any], sni: str | None = NAME) -> Handshake:
    return seen(EXACT.name, answer, sni)


def version(code: int, answer: dict[str, Any]) -> Handshake:
    return seen(version_offer(code).name, answer)


OWN, CONTROL = [("cloudfront-TLSv1.2", NAME)] * calm.TIMES, [("version-TLSv1.2", NAME)] * calm.CONTROLS


@pytest.mark.parametrize(
    ("hellos", "expected"),
    [
        ([], []),
        ([exact(GOOD), version(TLS_1_2, GOOD)], []),
        ([exact(ALERT), version(TLS_1_2, GOOD)], []),
        ([exact(CLOSED), exact(CLOSED)], []),
        ([exact(CLOSED), exact(CLOSED, OTHER)], []),
        ([exact(GOOD), exact(CLOSED)], OWN),
        ([exact(GOOD), exact(REFUSED)], OWN),
        ([exact(CLOSED), version(TLS_1_2, GOOD)], OWN + CONTROL),
        ([exact(CLOSED), version(TLS_1_3, CLOSED), version(TLS_1_2, GOOD), version(TLS_1_1, GOOD)], OWN + CONTROL),
        ([exact(CLOSED), version(TLS_1_1, GOOD)], OWN),
        ([exact(GOOD), version(TLS_1_2, GOOD), version(TLS_1_2, CLOSED)], OWN),
        ([exact(GOOD), version(TLS_1_2, CLOSED)], []),
        ([exact(GOOD), exact(CLOSED, None)], [("cloudfront-TLSv1.2", None)] * calm.TIMES),
    ],
)
def test_what_is_in_doubt(hellos: list[Handshake], expected: list[tuple[str, str | None]]) -> None:
    assert [(o.name, sni) for o, sni in tls.in_doubt(hellos, EXACT)] == expected


def test_an_origin_of_many_names_is_not_asked_for_all_of_them_again() -> None:
    hellos = [exact(GOOD), *(exact(CLOSED, f"{n}.example.com") for n in range(50))]
    assert len(tls.in_doubt(hellos, EXACT)) == calm.MAX_NAMES * calm.TIMES


def test_hellos_are_asked_one_at_a_time(identities: Any, peers: SimpleNamespace) -> None:
    now, peak, context = [0], [0], identities["rsa"].context()

    def behave(peer: socket.socket) -> None:
        now[0] += 1
        peak[0] = max(peak[0], now[0])
        try:
            with context.wrap_socket(peer, server_side=True):
                pass
        finally:
            now[0] -= 1

    with peers.listen(behave) as endpoint:
        answers = asyncio.run(tls.ask_alone(endpoint, [(EXACT, NAME)] * 3, deadline=10))
    assert [(a.outcome, a.alone, a.offer) for a in answers] == [(Outcome.HELLO, True, EXACT.name)] * 3
    assert peak[0] == 1


def test_after_one_without_an_answer_no_other_is_asked() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = Endpoint(NAME, 443, "192.0.2.1", "127.0.0.1", silent.getsockname()[1])
        answers = asyncio.run(tls.ask_alone(endpoint, [(EXACT, NAME)] * 3, deadline=0.1))
    assert [a.outcome for a in answers] == [Outcome.TIMEOUT]
