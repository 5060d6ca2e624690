"""The whole request within TLS, to real servers: what is offered, what is seen, and how it may break."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.cloudfront.origin_tls import TLS_1_2, TLS_1_3
from cfrunbook.evidence import Exchange, ExchangeEnd, ExchangeOutcome, IdleEnd
from cfrunbook.lab.authority import Authority
from cfrunbook.lab.connections import Connection
from cfrunbook.lab.servers import Banner, Chain, Closes, Http, Reply, Servers, Service, Silent, Tls
from cfrunbook.probes.endpoint import Endpoint
from cfrunbook.probes.error_pages import page_of, refusal_of
from cfrunbook.probes.exchange import Asked, http_get
from cfrunbook.probes.tls_stream import Records, context

HOST = "origin.shop.example"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage"


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def chain(authority: Authority) -> Chain:
    return Chain((authority.leaf(HOST), authority.intermediate))


@pytest.fixture
def servers() -> Iterator[Servers]:
    with Servers() as running:
        yield running


def ask(servers: Servers, service: Service, *, deadline: float = 5, idle: float = 0, **more: Any) -> Exchange:
    address, port = servers.listen(service)
    endpoint = Endpoint(host=HOST, port=443, address=address, connect_port=port)
    asked = Asked(**{"host": HOST, "path": "/cart", "scheme": "https", "sni": HOST, **more})
    return asyncio.run(http_get(endpoint, asked, deadline=deadline, idle=idle))


@pytest.mark.parametrize(("newest", "version"), [(ssl.TLSVersion.TLSv1_2, TLS_1_2), (ssl.TLSVersion.TLSv1_3, TLS_1_3)])
def test_a_whole_exchange(servers: Servers, chain: Chain, newest: ssl.TLSVersion, version: int) -> None:
    seen = ask(servers, Tls(chain, maximum=newest))
    assert (seen.outcome, seen.status_line, seen.end) == (ExchangeOutcome.HTTP, "HTTP/1.1 200 OK", ExchangeEnd.COMPLETE)
    assert (seen.scheme, seen.sni, seen.tls_version) == ("https", HOST, version)
    assert seen.request == f"GET /cart HTTP/1.1\nHost: {HOST}"
    assert not seen.renegotiation_requested
    assert seen.body_bytes == seen.content_length
    assert seen.connected_ms is not None
    assert seen.secured_ms is not None
    assert seen.first_byte_ms is not None
    assert 0 <= seen.connected_ms <= seen.secured_ms <= seen.first_byte_ms <= seen.elapsed_ms


def test_a_certificate_of_a_stranger_for_another_name_is_no_obstacle(servers: Servers) -> None:
    stranger = Authority()
    seen = ask(servers, Tls(Chain((stranger.leaf("other.example"),))))
    assert seen.status_line == "HTTP/1.1 200 OK"


REPLIES = {
    "nothing": (b"", ExchangeOutcome.CLOSED, None),
    "half a header": (OK[:20], ExchangeOutcome.HTTP, ExchangeEnd.CLOSED),
    "half a page": (OK[:-2], ExchangeOutcome.HTTP, ExchangeEnd.CLOSED),
    "another service": (b"SSH-2.0-x\r\n", ExchangeOutcome.BANNER, ExchangeEnd.ENOUGH),
    "HTTP/2": (bytes.fromhex("000000040000000000"), ExchangeOutcome.BANNER, ExchangeEnd.CLOSED),
    "more than is read": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n" + b"x" * 999_999,
        ExchangeOutcome.HTTP,
        ExchangeEnd.ENOUGH,
    ),
    "endless fields": (
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000,
        ExchangeOutcome.HTTP,
        ExchangeEnd.ENOUGH,
    ),
}


@pytest.mark.parametrize(("sent", "outcome", "end"), REPLIES.values(), ids=REPLIES)
def test_what_comes_within_tls(
    servers: Servers, chain: Chain, sent: bytes, outcome: ExchangeOutcome, end: ExchangeEnd | None
) -> None:
    seen = ask(servers, Tls(chain, reply=Reply(sent)))
    assert (seen.outcome, seen.end) == (outcome, end)
    assert seen.secured_ms is not None


def test_no_answer_costs_one_deadline(servers: Servers, chain: Chain) -> None:
    seen = ask(servers, Tls(chain, reply=Reply(b"", "keeps")), deadline=0.3)
    assert seen.outcome is ExchangeOutcome.SILENT
    assert seen.elapsed_ms >= 300


def test_half_a_header_and_then_silence(servers: Servers, chain: Chain) -> None:
    seen = ask(servers, Tls(chain, reply=Reply(OK[:20], "keeps")), deadline=0.3)
    assert (seen.outcome, seen.end, seen.header_complete) == (ExchangeOutcome.HTTP, ExchangeEnd.TIMEOUT, False)


@pytest.mark.parametrize(
    ("service", "detail"),
    [
        (Http(), "wrong version number"),
        (Banner(b"SSH-2.0-x\r\n"), "wrong version number"),
        (Closes(), "closed the connection during the handshake"),
        (Silent(), "not done within 0.3 s"),
    ],
)
def test_a_handshake_that_fails(servers: Servers, service: Service, detail: str) -> None:
    seen = ask(servers, service, deadline=0.3 if isinstance(service, Silent) else 5)
    assert seen.outcome is ExchangeOutcome.TLS_FAILED
    assert detail in seen.detail or "reset" in seen.detail.lower()
    assert seen.status_line == ""


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_server_that_wants_a_client_certificate_says_so_in_an_alert(
    servers: Servers, authority: Authority, chain: Chain, newest: ssl.TLSVersion
) -> None:
    seen = ask(servers, Tls(chain, maximum=newest, clients=authority.root_ca("Clients")))
    assert seen.outcome in (ExchangeOutcome.TLS_FAILED, ExchangeOutcome.CLOSED)
    assert seen.alert == (116 if newest is ssl.TLSVersion.TLSv1_3 else 40)


@pytest.mark.parametrize("name", ["", "a..b", "x" * 300, ".example", "\0"])
def test_a_name_that_tls_cannot_carry_is_no_exception(servers: Servers, chain: Chain, name: str) -> None:
    seen = ask(servers, Tls(chain), sni=name)
    assert seen.outcome in (ExchangeOutcome.HTTP, ExchangeOutcome.TLS_FAILED)


@pytest.mark.parametrize(
    ("service_keeps", "idle", "end"),
    [(0.15, 5.0, IdleEnd.CLOSED), (60, 0.2, IdleEnd.KEPT), (0, 5.0, IdleEnd.NOT_OFFERED)],
)
def test_an_idle_connection_is_watched(
    servers: Servers, chain: Chain, service_keeps: float, idle: float, end: IdleEnd
) -> None:
    seen = ask(servers, Tls(chain, keep_alive=service_keeps), idle=idle)
    assert seen.idle_end is end
    assert seen.idle_ms < 5000
    assert ask(servers, Tls(chain, keep_alive=service_keeps)).idle_end is None


def test_it_offers_cloudfronts_suites_and_refuses_renegotiation() -> None:
    made = context("TLSv1.2")
    names = [c["name"] for c in made.get_ciphers()]
    assert names[:5] == [
        *("TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"),
        *("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"),
    ]
    assert not [n for n in names if "DHE-RSA-CHACHA20" in n or n.startswith("DHE")]
    assert made.options & ssl.OP_NO_RENEGOTIATION
    assert made.verify_mode is ssl.CERT_NONE


def record(kind: int, payload: bytes = b"xxxx") -> bytes:
    return bytes([kind, 3, 3]) + len(payload).to_bytes(2) + payload


HANDSHAKE, CHANGE, ALERT, DATA = record(22), record(20, b"\1"), record(21, b"\2\x28"), record(23)


@pytest.mark.parametrize(
    ("stream", "after"),
    [
        (HANDSHAKE * 3, 0),
        (HANDSHAKE + CHANGE + HANDSHAKE, 0),  # Finished
        (HANDSHAKE + CHANGE + HANDSHAKE + DATA, 0),
        (HANDSHAKE + CHANGE + HANDSHAKE + HANDSHAKE, 1),  # HelloRequest
        (HANDSHAKE + CHANGE + HANDSHAKE + DATA + HANDSHAKE, 1),
        (HANDSHAKE + ALERT, 0),
    ],
)
def test_a_handshake_record_after_finished_is_a_hello_request(stream: bytes, after: int) -> None:
    for size in (1, 3, 7, len(stream)):
        records = Records()
        for at in range(0, len(stream), size):
            records.feed(stream[at : at + size])
        assert records.after_finished == after
        assert records.alert == ((2, 40) if ALERT in stream else None)


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_any_bytes_are_counted_alike_in_any_pieces(pieces: list[bytes]) -> None:
    one, many = Records(), Records()
    one.feed(b"".join(pieces))
    for piece in pieces:
        many.feed(piece)
    assert (one.after_finished, one.alert) == (many.after_finished, many.alert)


PAGES = {
    "nginx": b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>"
    b"\r\n<hr><center>nginx/1.24.0</center>\r\n</body>\r\n</html>\r\n",
    "awselb": b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>"
    b"\r\n</body>\r\n</html>\r\n",
    "api-gateway": b'{"message": "Internal server error"}',
    "internal-server-error": b"Internal Server Error",
    "haproxy": b"<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body>",
    "apache": b'<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">\n<html><head>\n<title>502 Proxy Error</title>\n</head>'
    b"<body>\n<h1>Proxy Error</h1>\n<p>The proxy server received an invalid response",
    "envoy": b"upstream connect error or disconnect/reset before headers. reset reason: connection refused",
    "iis": b"<h3>502 - Web server received an invalid response while acting as a gateway or proxy server.</h3>",
    "varnish": b"<h1>Error 503 Backend fetch failed</h1><h3>Guru Meditation:</h3>",
    "cloudfront": b"<PRE>\nGenerated by cloudfront (CloudFront)\nRequest ID: x",
    "": b"<h1>Our shop is closed</h1>",
}  # fmt: skip


@pytest.mark.parametrize(("name", "body"), PAGES.items())
def test_error_pages_are_recognised(name: str, body: bytes) -> None:
    assert page_of(body) == name


WANTED = {
    "nginx": b"<html>\r\n<head><title>400 No required SSL certificate was sent</title></head>\r\n<body>\r\n<center><h1>400 Bad"
    b" Request</h1></center>\r\n<center>No required SSL certificate was sent</center>\r\n<hr><center>nginx</center>\r\n",
    "azure": b"<center><h1>400 Bad Request</h1></center>\r\n<center>No required SSL certificate was sent</center>\r\n<hr>"
    b"<center>Microsoft-Azure-Application-Gateway/v2</center>",
    "apache": b"<h1>Forbidden</h1>\n<p>You don't have permission to access this resource.Reason: Cannot perform"
    b" Post-Handshake Authentication.<br />\n</p>",
    "iis": b"<h2>HTTP Error 403.7 - Forbidden</h2><h3>The page you are attempting to access requires your browser to have",
    "iis 6": b"<TITLE>The page requires a client certificate</TITLE>",
}  # fmt: skip


@pytest.mark.parametrize("body", WANTED.values(), ids=WANTED)
@pytest.mark.parametrize(
    ("status", "page"),
    [("400 Bad Request", "client-certificate"), ("403 Forbidden", "client-certificate"), ("200 OK", "")],
)
def test_a_refusal_without_a_client_certificate_is_recognised_by_its_page(
    servers: Servers, chain: Chain, body: bytes, status: str, page: str
) -> None:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    assert ask(servers, Tls(chain, reply=Reply(head + body))).page == page
    assert refusal_of(b"<h1>400 Bad Request</h1>") == ""


@given(st.binary(max_size=2048))
def test_any_body_has_a_name_or_none(body: bytes) -> None:
    assert page_of(body) in PAGES


class _SlowBody(Connection):
    """Sends a header, and then one byte now and then."""

    def data_received(self, _: bytes) -> None:
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")


def test_a_stream_that_never_ends_does_not_cost_the_deadline(servers: Servers) -> None:
    address, port = servers.serve(lambda: _SlowBody(servers.connections))
    endpoint = Endpoint(host=HOST, port=80, address=address, connect_port=port)
    seen = asyncio.run(http_get(endpoint, Asked(host=HOST), deadline=60))
    assert (seen.outcome, seen.end) == (ExchangeOutcome.HTTP, ExchangeEnd.TIMEOUT)
    assert seen.elapsed_ms < 30_000


def test_the_socket_is_closed_when_cancelled(servers: Servers, chain: Chain) -> None:
    address, port = servers.listen(Tls(chain, reply=Reply(b"", "keeps")))

    async def run() -> int:
        sock = socket.create_connection((address, port))
        endpoint = Endpoint(host=HOST, port=443, address=address, connect_port=port)
        task = asyncio.create_task(http_get(endpoint, Asked(host=HOST, scheme="https"), deadline=60, sock=sock))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return sock.fileno()

    assert asyncio.run(run()) == -1
