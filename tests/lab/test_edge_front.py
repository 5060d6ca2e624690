"""What viewers meet: CloudFront's page and headers of 2026, its cache of errors, its access log."""

from __future__ import annotations

import contextlib
import http.client
import socket
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cfrunbook.cloudfront import error_pages
from cfrunbook.lab import edge_front
from cfrunbook.lab.authority import Authority
from cfrunbook.lab.connections import Connection, HttpConnection, Request
from cfrunbook.lab.edge import Answer, Origin, Refusing
from cfrunbook.lab.edge_config import ErrorResponse
from cfrunbook.lab.edge_front import Edge, Serving, plainly
from cfrunbook.lab.edge_log import AccessLog
from cfrunbook.lab.servers import Banner, Chain, Closed, Http, Reply, Servers, Service, Silent, Tls
from cfrunbook.logs import reading

HOST = "www.shop.example"
ORIGIN = "origin.shop.example"


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def log(tmp_path: Path) -> AccessLog:
    return AccessLog(tmp_path / "logs" / "E1.2026-11-23-04.abcd1234")


def plain(servers: Servers, service: Service) -> Origin:
    return Origin(ORIGIN, "http", (servers.listen(service),), viewer_host=HOST, host_forwarded=False)


def serving(target: Origin | Refusing, **changes: Any) -> Serving:
    base = plainly(target, ("GET", "HEAD", "POST"))
    return Serving(replace(base.config, **changes), base.target)


@contextlib.contextmanager
def viewer(edge: Edge) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(edge.url.removeprefix("http://"), timeout=20)
    with contextlib.closing(connection):
        yield connection


def view(
    edge: Edge, path: str = "/cart", method: str = "GET", headers: Mapping[str, str] = {}
) -> tuple[http.client.HTTPResponse, bytes]:
    with viewer(edge) as connection:
        connection.request(method, path, headers={"Host": HOST, **headers})
        response = connection.getresponse()
        return response, response.read()


# --- the page -----------------------------------------------------------------------------------------------------


def test_the_page_is_the_one_of_2026(servers: Servers) -> None:
    """As captured in https://github.com/caddyserver/caddy/issues/7445: its fields, their order, its length."""
    response, page = view(Edge(servers, plain(servers, Closed())))
    assert (response.status, response.reason) == (502, "Bad Gateway")
    names = ["Content-Type", "Content-Length", "Connection", "Date", "X-Cache", "Via", "X-Amz-Cf-Pop", "X-Amz-Cf-Id"]
    assert [name for name, _ in response.getheaders()] == names
    assert (response.headers["Content-Type"], len(page)) == ("text/html", 937)
    found = error_pages.recognise(page.decode())
    assert found == error_pages.Page(error_pages.Skeleton.OF_2026, 502, None, "", response.headers["X-Amz-Cf-Id"])


def test_every_request_has_its_own_id(servers: Servers) -> None:
    edge = Edge(servers, plain(servers, Closed()))
    assert len({view(edge)[0].headers["X-Amz-Cf-Id"] for _ in range(5)}) == 5


def test_http_3_is_offered_where_the_distribution_has_it(servers: Servers) -> None:
    edge = Edge(servers, serving(plain(servers, Http()), http3=True))
    assert view(edge)[0].headers["Alt-Svc"] == 'h3=":443"; ma=86400'


# --- the connection -----------------------------------------------------------------------------------------------


def raw(edge: Edge, sent: bytes) -> bytes:
    host, port = edge.address
    with socket.create_connection((host, port), timeout=20) as sock:
        sock.sendall(sent)
        return b"".join(iter(lambda: sock.recv(65_536), b""))


def test_a_connection_stays_open(servers: Servers) -> None:
    edge = Edge(servers, plain(servers, Http()))
    with viewer(edge) as connection:
        for method, status in (("GET", 200), ("HEAD", 200), ("PUT", 403), ("GET", 200)):
            connection.request(method, "/", headers={"Host": HOST}, body=b"x" * 10 if method == "PUT" else None)
            response = connection.getresponse()
            assert (response.status, response.headers["Connection"]) == (status, "keep-alive")
            assert bool(response.read()) == (method != "HEAD")


def test_requests_in_one_packet_are_answered_in_their_order(servers: Servers) -> None:
    head = f"Host: {HOST}\r\n".encode()
    sent = b"HEAD /a HTTP/1.1\r\n" + head + b"\r\nHEAD /b HTTP/1.1\r\nConnection: close\r\n" + head + b"\r\n"
    answers = raw(Edge(servers, plain(servers, Closed())), sent)
    assert answers.count(b"HTTP/1.1 502 Bad Gateway\r\n") == 2
    assert answers.index(b"Connection: keep-alive") < answers.index(b"Connection: close")


UNUSABLE = {
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\r\n", b"400"),
    "no path": (b"GET cart HTTP/1.1\r\n\r\n", b"400"),
    "a strange length": (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
    "a body that is too large": (b"POST / HTTP/1.1\r\nContent-Length: 9999999\r\n\r\n", b"413"),
    "a long URL": (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n\r\n", b"414"),
    "a large head": (b"GET / HTTP/1.1\r\nX: " + b"x" * 40_000, b"494"),
}


@pytest.mark.parametrize(("sent", "status"), UNUSABLE.values(), ids=UNUSABLE)
def test_unusable_requests_are_refused_and_end_the_connection(servers: Servers, sent: bytes, status: bytes) -> None:
    answer = raw(Edge(servers, plain(servers, Http())), sent)
    assert answer.startswith(b"HTTP/1.1 " + status + b" ")
    assert b"Connection: close" in answer


HOSTS = {
    "an alias": ("www.shop.example:80", 200),
    "a wildcard alias": ("de.shop.example", 200),
    "CloudFront's own name": ("d111111abcdef8.cloudfront.net", 200),
    "an address": ("127.0.0.1:4711", 200),
    "another name": ("example.com", 403),
}


@pytest.mark.parametrize(("host", "status"), HOSTS.values(), ids=HOSTS)
def test_only_names_of_the_distribution_are_served(servers: Servers, host: str, status: int) -> None:
    edge = Edge(servers, serving(plain(servers, Http()), aliases=(HOST, "*.shop.example")))
    assert view(edge, headers={"Host": host})[0].status == status


def test_what_the_origin_says_is_passed_on(servers: Servers) -> None:
    said = (
        b"HTTP/1.1 404 Not Found\r\nServer: shop\r\nX-Shop: 1\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"
        b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nmine\r\n0\r\n\r\n"
    )

    class Says(HttpConnection):
        def answer(self, request: Request) -> None:
            self.send(said)
            self.finish()

    address = servers.serve(lambda: Says(servers.connections))
    response, body = view(Edge(servers, Origin(ORIGIN, "http", (address,), HOST, host_forwarded=False)))
    assert (response.status, body, response.headers["Content-Length"]) == (404, b"mine", "4")
    assert (response.headers["Server"], response.headers["X-Shop"]) == ("shop", "1")
    assert response.headers.get_all("Set-Cookie") == ["a=1", "b=2"]
    assert response.headers["X-Cache"] == "Error from cloudfront"


def test_half_a_page_is_half_a_page(servers: Servers, authority: Authority) -> None:
    reply = Reply(b"HTTP/1.1 200 OK\r\nContent-Length: 28\r\n\r\nhalf a page")
    chain = Chain((authority.leaf(ORIGIN), authority.intermediate))
    origin = Origin(
        ORIGIN, "https", (servers.listen(Tls(chain, reply=reply)),), HOST, False, roots=authority.root.pem.decode()
    )
    with pytest.raises(http.client.IncompleteRead) as caught:
        view(Edge(servers, origin, patience=10.0))
    assert caught.value.partial == b"half a page"


def test_many_viewers_at_once_wait_for_nobody(servers: Servers) -> None:
    edge = Edge(servers, plain(servers, Silent()), patience=0.5)
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda n: view(edge, f"/{n}")[0].status, range(12)))
    assert answers == [504] * 12


# --- the cache ----------------------------------------------------------------------------------------------------


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(edge_front, "time", made)
    return made


def seen(edge: Edge, path: str = "/cart", method: str = "GET") -> tuple[int, str, str | None]:
    response, _ = view(edge, path, method)
    return response.status, response.headers["X-Cache"].removesuffix(" from cloudfront"), response.headers["Age"]


def test_an_error_is_kept_for_ten_seconds(servers: Servers, clock: Clock) -> None:
    edge = Edge(servers, plain(servers, Closed()))
    assert seen(edge) == (502, "Error", None)
    edge.serving = plainly(plain(servers, Http()))
    clock.now += 9
    assert seen(edge) == (502, "Error", "9")
    assert seen(edge, "/cart?new=1") == (502, "Error", "9")  # the query string is no part of the key
    assert seen(edge, "/other") == (200, "Miss", None)
    clock.now += 1
    assert seen(edge) == (200, "Miss", None)


def test_the_time_is_the_distributions_and_an_invalidation_ends_it(servers: Servers, clock: Clock) -> None:
    errors = {502: ErrorResponse(ttl=300), 504: ErrorResponse(ttl=0)}
    edge = Edge(servers, serving(plain(servers, Closed()), errors=errors))
    assert [seen(edge)[2], seen(edge)[2]] == [None, "0"]
    clock.now += 299
    assert seen(edge)[2] == "299"
    edge.invalidate()
    assert seen(edge)[2] is None


@pytest.mark.parametrize(
    ("control", "first", "second"),
    [
        ("max-age=60", "Miss", "Hit"),
        ("max-age=0, s-maxage=60", "Miss", "Hit"),
        ("private, max-age=60", "Miss", "Miss"),
        ("no-store", "Miss", "Miss"),
        ("", "Miss", "Miss"),
    ],
)
def test_a_page_is_kept_for_as_long_as_it_says(
    servers: Servers, clock: Clock, control: str, first: str, second: str
) -> None:
    class Says(HttpConnection):
        def answer(self, request: Request) -> None:
            self.respond(200, {"Cache-Control": control}, b"page", head_only=request.method == "HEAD")

    address = servers.serve(lambda: Says(servers.connections))
    edge = Edge(servers, Origin(ORIGIN, "http", (address,), HOST, host_forwarded=False))
    assert [seen(edge)[1], seen(edge)[1]] == [first, second]


def test_posts_are_not_kept(servers: Servers) -> None:
    edge = Edge(servers, serving(plain(servers, Closed())))
    assert [seen(edge, method="POST")[2] for _ in range(2)] == [None, None]


def test_a_custom_error_page_stands_in(servers: Servers, log: AccessLog) -> None:
    class Shop(HttpConnection):
        def answer(self, request: Request) -> None:
            self.respond(200 if request.target == "/sorry.html" else 502, {}, request.target.encode())

    address = servers.serve(lambda: Shop(servers.connections))
    origin = Origin(ORIGIN, "http", (address,), HOST, host_forwarded=False)
    errors = {502: ErrorResponse(page="/sorry.html", status=200)}
    edge = Edge(servers, serving(origin, errors=errors), log=log)
    response, page = view(edge)
    assert (response.status, response.headers["X-Cache"], page) == (200, "Error from cloudfront", b"/sorry.html")
    assert rows(log)[0]["sc-status"] == "200"
    assert rows(log)[0]["x-edge-detailed-result-type"] == "OriginError"
    gone = Edge(servers, serving(plain(servers, Closed()), errors=errors))  # the page's origin is the broken one
    assert view(gone)[0].status == 502


# --- the access log -----------------------------------------------------------------------------------------------


def rows(log: AccessLog) -> list[dict[str, str]]:
    version, fields, *lines = log.path.read_text().splitlines()
    assert version == "#Version: 1.0"
    names = fields.removeprefix("#Fields: ").split(" ")
    assert len(names) == 33
    return [dict(zip(names, line.split("\t"), strict=True)) for line in lines]


class Mute(Connection):
    """Reads a request and closes."""

    def data_received(self, data: bytes) -> None:
        self.transport.close()


def test_the_log_names_the_failure(servers: Servers, log: AccessLog) -> None:
    address = servers.serve(lambda: Mute(servers.connections))
    mute = Origin(ORIGIN, "http", (address,), HOST, host_forwarded=False)
    unnamed = Answer(502, "DNS: nothing", detail="OriginDnsError")
    cases: dict[str, Origin | Refusing] = {
        "OriginConnectError": plain(servers, Closed()),
        "OriginCommError": plain(servers, Silent()),
        "OriginReadError": mute,
        "OriginInvalidResponseError": plain(servers, Banner(b"SSH-2.0-x\r\n")),
        "OriginError": plain(servers, Http(status=502)),
        "OriginDnsError": replace(mute, addresses=(unnamed,)),
        "LambdaValidationError": Refusing(mute, 502, "LambdaValidationError", "viewer-request"),
        "FunctionExecutionError": Refusing(mute, 503, "FunctionExecutionError", "viewer-request"),
    }
    edge = Edge(servers, mute, patience=0.3, log=log)
    for number, target in enumerate(cases.values()):
        edge.serving = plainly(target)
        view(edge, f"/{number}")
    found = rows(log)
    assert [row["x-edge-detailed-result-type"] for row in found] == list(cases)
    assert {row["x-edge-result-type"] for row in found[:6]} == {"Error"}
    assert [row["sc-status"] for row in found] == ["502", "504", "502", "502", "502", "502", "502", "503"]


def test_the_log_is_read_by_our_own_reader(servers: Servers, log: AccessLog) -> None:
    edge = Edge(servers, plain(servers, Closed()), log=log)
    for headers in ({}, {}, {"User-Agent": "a b%c\td", "Referer": "https://example.com/ä".encode().decode("latin-1")}):
        response, page = view(edge, "/cart?a=1&b=2", headers=headers)
    first, repeat, last = rows(log)
    assert first["x-edge-location"] == response.headers["X-Amz-Cf-Pop"]
    assert last["x-edge-request-id"] == response.headers["X-Amz-Cf-Id"]
    assert int(last["sc-bytes"]) > len(page)
    assert (first["cs(Host)"], first["x-host-header"]) == ("d111111abcdef8.cloudfront.net", HOST)
    assert (first["cs-uri-stem"], first["cs-uri-query"], first["cs(Cookie)"]) == ("/cart", "a=1&b=2", "-")
    assert last["cs(User-Agent)"] == "a%20b%25c%09d"
    assert repeat["x-edge-detailed-result-type"] == "Error"  # from the cache: the first cause is in an earlier line
    summary = reading.read((str(log.path),), reading.Options())
    assert (summary.requests, summary.errors, summary.lines.malformed) == (3, 3, 0)


# --- https --------------------------------------------------------------------------------------------------------


@pytest.mark.needs("curl")
def test_curl_by_https_and_http(servers: Servers, authority: Authority, tmp_path: Path, log: AccessLog) -> None:
    edge = Edge(servers, plain(servers, Http()), log=log)
    edge.serve_https(Chain((authority.leaf(HOST), authority.intermediate)))
    assert edge.secure_address
    (tmp_path / "root.pem").write_bytes(authority.root.pem)
    places = {80: edge.address, 443: edge.secure_address}
    there = [x for port, at in places.items() for x in ("--connect-to", f"{HOST}:{port}:{at[0]}:{at[1]}")]
    urls = [f"https://{HOST}/a", f"https://{HOST}/b", f"http://{HOST}/c"]
    command = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code} %{num_connects}\\n", "--cacert"]
    done = subprocess.run(
        [*command, str(tmp_path / "root.pem"), *there, *(x for url in urls for x in ("-o", "/dev/null", url))],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert done.stdout.splitlines() == ["200 1", "200 0", "200 1"]
    assert [(row["cs-protocol"], row["ssl-protocol"]) for row in rows(log)] == [
        ("https", "TLSv1.3"),
        ("https", "TLSv1.3"),
        ("http", "-"),
    ]


def test_a_tls_handshake_that_stays_half_does_not_stop_the_end(servers: Servers, authority: Authority) -> None:
    edge = Edge(servers, plain(servers, Http()))
    edge.serve_https(Chain((authority.leaf(HOST), authority.intermediate)))
    assert edge.secure_address
    with socket.create_connection(edge.secure_address, timeout=20) as sock:
        sock.sendall(b"\x16\x03\x01")
        servers.stop()
        assert sock.recv(1) == b""
