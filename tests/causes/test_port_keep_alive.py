"""How long idle connections are kept, against how long CloudFront keeps them."""

from __future__ import annotations

import pytest

from cfrunbook.causes import port_keep_alive
from cfrunbook.cloudfront.targets import ServerName, Target
from cfrunbook.evidence import Exchange, ExchangeOutcome, IdleEnd
from cfrunbook.findings import Status

HOST = "shop.example.com"


def target(keepalive: int = 5) -> Target:
    names = (ServerName(sni=HOST, host=HOST, acceptable=(HOST,), why=""),)
    return Target(
        id="shop:443", origin_id="shop", domain=HOST, port=443, protocol="https", names=names, keepalive_timeout=keepalive
    )  # fmt: skip


def watched(end: IdleEnd | None, seconds: float, address: str = "192.0.2.1") -> Exchange:
    return Exchange(
        id=f"exchange-{address}", host=HOST, port=443, address=address, scheme="https", request="GET / HTTP/1.1",
        outcome=ExchangeOutcome.HTTP, status_line="HTTP/1.1 200 OK", idle_end=end, idle_ms=seconds * 1000,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("end", "seconds", "keepalive", "code", "status"),
    [
        (IdleEnd.CLOSED, 2.0, 5, "keep_alive_short", Status.WARNING),
        (IdleEnd.CLOSED, 5.0, 5, "keep_alive_short", Status.WARNING),  # Node.js and CloudFront as they come: a race
        (IdleEnd.CLOSED, 5.4, 5, "keep_alive_short", Status.WARNING),
        (IdleEnd.CLOSED, 61.0, 60, "keep_alive_ok", Status.OK),
        (IdleEnd.KEPT, 6.0, 5, "keep_alive_ok", Status.OK),
        (IdleEnd.NOT_OFFERED, 0.0, 5, "keep_alive_none", Status.INFO),
    ],
)
def test_who_closes_first(end: IdleEnd, seconds: float, keepalive: int, code: str, status: Status) -> None:
    (finding,) = port_keep_alive.judge([watched(end, seconds)], target=target(keepalive))
    assert (finding.code, finding.status) == (f"port.{code}", status)


def test_what_was_not_watched_is_not_judged() -> None:
    assert port_keep_alive.judge([watched(None, 0)], target=target()) == ()


def test_one_address_of_two_is_named_with_its_time() -> None:
    seen = [watched(IdleEnd.KEPT, 6), watched(IdleEnd.CLOSED, 2.25, "192.0.2.2")]
    short, _ = port_keep_alive.judge(seen, target=target())
    assert short.title == (
        "shop.example.com:443 closes an idle connection after 2.2 s at 1 of 2 addresses (192.0.2.2);"
        " CloudFront keeps it for 5 s."
    )
    assert any("server.keepAliveTimeout = 65_000" in step.command for step in short.remedy.steps)
