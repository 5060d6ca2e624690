"""The edge is a judge of its own: what it connects to, what it accepts, and what the viewer sees."""

from __future__ import annotations

import ast
import http.client
import inspect
import re
import ssl
from dataclasses import replace
from types import ModuleType

import pytest

from cfrunbook.lab import edge, edge_config, middlebox
from cfrunbook.lab.authority import CLIENT_AUTH, SERVER_AUTH, Authority, Identity, KeyType
from cfrunbook.lab.connections import Connection, HttpConnection, Request
from cfrunbook.lab.dns import resolver
from cfrunbook.lab.edge import Answer, Origin, OriginGroup
from cfrunbook.lab.edge import fetch as impatient_fetch
from cfrunbook.lab.edge_front import Edge
from cfrunbook.lab.servers import Banner, Chain, Closed, Http, Reply, Servers, Service, Silent, Tls
from cfrunbook.probes import s2n
from tests.conftest import REQUIRE_ALL

WHY_NOT = s2n.available()
asked = pytest.mark.skipif(bool(WHY_NOT) and not REQUIRE_ALL, reason=f"needs awscrt: {WHY_NOT}")

ORIGIN = "origin.shop.example"
HOST = "www.shop.example"


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def fetch(target: Origin | OriginGroup, path: str = "/", method: str = "GET", patience: float = 10.0) -> Answer:
    return impatient_fetch(target, path, method=method, patience=patience)


def facts(authority: Authority, address: tuple[str, int], **changes: object) -> Origin:
    origin = Origin(
        domain=ORIGIN,
        protocol="https",
        addresses=(address,),
        viewer_host=HOST,
        host_forwarded=False,
        roots=authority.root.pem.decode(),
    )
    return replace(origin, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("module", "shared"),
    [
        (edge, {"cfrunbook.lab.dns.resolver", "cfrunbook.probes"}),
        (edge_config, {"cfrunbook.lab.edge"}),
        (resolver, set()),
    ],
)
def test_it_shares_no_code_with_probes_and_judges_but_the_way_to_awss_library(
    module: ModuleType, shared: set[str]
) -> None:
    imported = {
        name
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [a.name for a in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    }
    assert {name for name in imported if name.startswith("cfrunbook")} == shared
    assert not {
        alias.name
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.ImportFrom) and node.module == "cfrunbook.probes"
        for alias in node.names
    } - {"s2n"}
    assert not {name for name in imported if "verification" in name}


NAMES = {
    "origin's name, Host not forwarded": (ORIGIN, False, 200),
    "viewer's name, Host not forwarded": (HOST, False, 502),
    "viewer's name, Host forwarded": (HOST, True, 200),
    "origin's name, Host forwarded": (ORIGIN, True, 200),
    "wildcard, Host forwarded": ("*.shop.example", True, 200),
    "wildcard of a zone below": ("*.www.shop.example", True, 502),
    "wildcard of a zone above": ("*.example", True, 502),
    "another name, Host forwarded": ("shop.example", True, 502),
}


@pytest.mark.parametrize(("name", "forwarded", "status"), NAMES.values(), ids=NAMES)
def test_the_certificate_is_for_host_or_origin_domain(
    servers: Servers, authority: Authority, name: str, forwarded: bool, status: int
) -> None:
    address = servers.listen(Tls(Chain((authority.leaf(name), authority.intermediate))))
    assert fetch(facts(authority, address, host_forwarded=forwarded)).status == status


def upper_and_lower(authority: Authority) -> tuple[Identity, Identity, Identity]:
    upper = authority.intermediate_ca("Upper", issuer=authority.root)
    lower = authority.intermediate_ca("Lower", issuer=upper)
    return authority.leaf(ORIGIN, issuer=lower), lower, upper


@pytest.mark.parametrize(
    ("order", "status"),
    [((0, 1, 2), 200), ((0, 2, 1), 502), ((0, 1), 502), ((0,), 502), ((0, 1, 1, 2), 200)],
)
def test_the_order_on_the_wire_counts(
    servers: Servers, authority: Authority, order: tuple[int, ...], status: int
) -> None:
    minted = upper_and_lower(authority)
    address = servers.listen(Tls(Chain(tuple(minted[place] for place in order))))
    assert fetch(facts(authority, address)).status == status


def test_the_root_in_between_is_the_wrong_order(servers: Servers, authority: Authority) -> None:
    address = servers.listen(Tls(Chain((authority.leaf(ORIGIN), authority.root, authority.intermediate))))
    assert fetch(facts(authority, address)).reason == "certificate: chain in wrong order after certificate 0"


@pytest.mark.parametrize(("usages", "status"), [((SERVER_AUTH,), 200), ((), 200), ((CLIENT_AUTH,), 502)])
def test_the_certificate_is_for_servers(
    servers: Servers, authority: Authority, usages: tuple[object, ...], status: int
) -> None:
    leaf = authority.leaf(ORIGIN, usages=usages)  # type: ignore[arg-type]
    assert fetch(facts(authority, servers.listen(Tls(Chain((leaf, authority.intermediate)))))).status == status


@pytest.mark.parametrize(
    ("minimum", "status"), [("TLSv1.2", 502), ("TLSv1.1", 200), ("TLSv1", 200)], ids=["1.2", "1.1", "1.0"]
)
def test_the_minimum_version_counts(servers: Servers, authority: Authority, minimum: str, status: int) -> None:
    old = Tls(
        Chain((authority.leaf(ORIGIN), authority.intermediate)),
        minimum=ssl.TLSVersion.TLSv1,
        maximum=ssl.TLSVersion.TLSv1_1,
        ciphers="ECDHE+AES:@SECLEVEL=0",
    )
    assert fetch(facts(authority, servers.listen(old), minimum_tls=minimum)).status == status


@pytest.mark.parametrize(
    ("suites", "status"),
    [("ECDHE-ECDSA-AES128-GCM-SHA256", 200), ("ECDHE-ECDSA-CHACHA20-POLY1305", 502), ("ECDHE-ECDSA-AES256-CCM", 502)],
)
def test_the_suites_are_cloudfronts(servers: Servers, authority: Authority, suites: str, status: int) -> None:
    chain = Chain((authority.leaf(ORIGIN), authority.intermediate))
    address = servers.listen(Tls(chain, maximum=ssl.TLSVersion.TLSv1_2, ciphers=suites))
    assert fetch(facts(authority, address)).status == status


class Says(Connection):
    """Answers every request with the same bytes, and closes or keeps the connection."""

    def __init__(self, servers: Servers, words: bytes, *, close: bool) -> None:
        super().__init__(servers.connections)
        self._words = words
        self._close = close

    def data_received(self, data: bytes) -> None:
        self.transport.write(self._words)
        if self._close:
            self.transport.close()


ANSWERS = {
    "ok": (b"HTTP/1.1 200 OK\r\n\r\nhi", True, 200, b"hi"),
    "the origin's own 502": (b"HTTP/1.1 502 Bad Gateway\r\n\r\nmine", True, 502, b"mine"),
    "not found": (b"HTTP/1.0 404 Not Found\r\n\r\n", True, 404, b""),
    "no answer, closed": (b"", True, 502, b""),
    "no end of the head": (b"HTTP/1.1 200 OK\r\nServer: x\r\n", True, 502, b""),
    "no HTTP": (b"SSH-2.0-x\r\n\r\n", True, 502, b""),
    "no status": (b"HTTP/1.1 abc\r\n\r\n", True, 502, b""),
    "no spaces": (b"HTTP/1.1\r\n\r\n", True, 502, b""),
    "half an answer, then silence": (b"HTTP/1.1 200", False, 504, b""),
    "endless": (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 400_000, False, 200, None),
}


@pytest.mark.parametrize(("words", "close", "status", "body"), ANSWERS.values(), ids=ANSWERS)
def test_answers_of_origins(
    servers: Servers, authority: Authority, words: bytes, close: bool, status: int, body: bytes | None
) -> None:
    address = servers.serve(lambda: Says(servers, words, close=close))
    patience = 0.2 if status == 504 else 10.0
    answer = fetch(facts(authority, address, protocol="http"), patience=patience)
    assert answer.status == status
    assert body is None or answer.body == body


def test_what_the_origin_is_asked(servers: Servers, authority: Authority) -> None:
    asked: list[Request] = []

    class Asked(HttpConnection):
        def answer(self, request: Request) -> None:
            asked.append(request)
            self.respond(200, {}, b"")

    address = servers.serve(lambda: Asked(servers.connections))
    for forwarded in (False, True):
        fetch(facts(authority, address, protocol="http", host_forwarded=forwarded), "/cart?x=1")
    assert [(r.method, r.target, r.headers["host"]) for r in asked] == [
        ("GET", "/cart?x=1", ORIGIN),
        ("GET", "/cart?x=1", HOST),
    ]


def view(edge: Edge, path: str = "/cart", method: str = "GET") -> tuple[http.client.HTTPResponse, str]:
    connection = http.client.HTTPConnection(edge.url.removeprefix("http://"), timeout=20)
    try:
        connection.request(method, path, headers={"Host": HOST})
        response = connection.getresponse()
        return response, response.read().decode()
    finally:
        connection.close()


def test_the_viewer_sees_cloudfronts_headers_and_no_reason(servers: Servers, authority: Authority) -> None:
    response, page = view(Edge(servers, facts(authority, servers.listen(Closed())), patience=10.0))
    assert (response.status, response.reason) == (502, "Bad Gateway")
    assert response.headers["X-Cache"] == "Error from cloudfront"
    assert re.fullmatch(r"1\.1 [0-9a-f]{32}\.cloudfront\.net \(CloudFront\)", response.headers["Via"])
    assert re.fullmatch(r"[A-Z]{3}\d+-[PC]\d+", response.headers["X-Amz-Cf-Pop"])
    assert re.fullmatch(r"[\w-]{54}==", response.headers["X-Amz-Cf-Id"])
    assert response.headers["Server"] is None
    assert "<H1>502 Bad Gateway ERROR</H1>" in page
    assert "Generated by cloudfront (CloudFront)" in page
    assert response.headers["X-Amz-Cf-Id"].replace("=", "&#x3D;") in page
    assert "refused" not in page


def test_a_timeout_is_504(servers: Servers, authority: Authority) -> None:
    response, page = view(Edge(servers, facts(authority, servers.listen(Silent())), patience=0.2))
    assert (response.status, "<H1>504 Gateway Timeout ERROR</H1>" in page) == (504, True)


def test_the_origins_page_is_passed_on(servers: Servers, authority: Authority) -> None:
    address = servers.listen(Tls(Chain((authority.leaf(ORIGIN), authority.intermediate))))
    response, page = view(Edge(servers, facts(authority, address)))
    assert (response.status, response.headers["X-Cache"], "Shop" in page) == (200, "Miss from cloudfront", True)


def test_an_error_of_the_origin_is_passed_on(servers: Servers, authority: Authority) -> None:
    address = servers.serve(lambda: Says(servers, b"HTTP/1.1 599 Strange\r\n\r\nmine", close=True))
    response, page = view(Edge(servers, facts(authority, address, protocol="http")))
    assert (response.status, response.headers["X-Cache"], page) == (599, "Error from cloudfront", "mine")


def test_head_and_methods_that_are_not_allowed(servers: Servers, authority: Authority) -> None:
    front = Edge(servers, facts(authority, servers.listen(Banner(b"SSH-2.0-lab\r\n"))))
    assert (view(front, method="HEAD")[0].status, view(front, method="HEAD")[1]) == (502, "")
    assert view(front, method="POST")[0].status == 403


def test_the_methods_are_the_behaviors(servers: Servers, authority: Authority) -> None:
    asked: list[str] = []

    class Asked(HttpConnection):
        def answer(self, request: Request) -> None:
            asked.append(request.method)
            self.respond(200, {}, b"")

    address = servers.serve(lambda: Asked(servers.connections))
    front = Edge(servers, facts(authority, address, protocol="http"), methods=("GET", "POST"))
    assert [view(front, method=m)[0].status for m in ("GET", "POST", "PUT", "HEAD")] == [200, 200, 403, 403]
    assert asked == ["GET", "POST"]


def test_one_address_is_picked_and_all_can_be_asked(servers: Servers, authority: Authority) -> None:
    good = servers.listen(Tls(Chain((authority.leaf(ORIGIN), authority.intermediate))))
    bad = servers.listen(Closed())
    origin = facts(authority, good, addresses=(good, bad, good))
    assert [a.status for a in edge.fetch_all(origin, patience=10.0)] == [200, 502, 200]
    some = {impatient_fetch(origin, patience=10.0, with_s2n=False).status for _ in range(40)}
    assert some == {200, 502}  # by chance the same: once in ten million times


PAGE = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
REPLIES = {
    "a page": (PAGE + b"Content-Length: 4\r\n\r\npage", 200),
    "the same length twice": (PAGE + b"Content-Length: 4\r\nContent-Length: 4\r\n\r\npage", 200),
    "two lengths": (PAGE + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\npage", 502),
    "a length in words": (PAGE + b"Content-Length: four\r\n\r\npage", 502),
    "a large header": (PAGE + b"Set-Cookie: " + b"x" * 30_000 + b"\r\n\r\n", 200),
    "a header that is too large": (PAGE + b"Set-Cookie: " + b"x" * 33_000 + b"\r\n\r\n", 502),
    "half a header": (PAGE, 502),
    "nothing": (b"", 502),
    "another service": (b"SSH-2.0-x\r\n", 502),
    "HTTP/2": (bytes.fromhex("000000040000000000"), 502),
    "its own 504": (b"HTTP/1.1 504 X\r\nContent-Length: 0\r\n\r\n", 504),
}


@pytest.mark.parametrize(("sent", "status"), REPLIES.values(), ids=REPLIES)
def test_an_answer_is_passed_on_or_502(servers: Servers, authority: Authority, sent: bytes, status: int) -> None:
    chain = Chain((authority.leaf(ORIGIN), authority.intermediate))
    answer = fetch(facts(authority, servers.listen(Tls(chain, reply=Reply(sent)))))
    assert answer.status == status
    assert bool(answer.reason) == (status == 502)


FAILOVER = {
    "refused": (Closed(), "https", (502, 503, 504), 200),
    "refused, 503 alone": (Closed(), "https", (503,), 200),
    "refused, 503 missing": (Closed(), "https", (500, 502, 504), 502),
    "no TLS counts as no connection": (Banner(b"SSH-2.0-lab\r\n"), "https", (503,), 200),
    "no answer in time": (Silent(), "http", (504,), 200),
    "no answer in time, 504 missing": (Silent(), "http", (502, 503), 504),
    "its own 502": (Http(status=502), "http", (502,), 200),
    "its own 502, missing": (Http(status=502), "http", (503, 504), 502),
    "its own 404": (Http(status=404), "http", (404,), 200),
    "all is well": (Http(), "http", (502, 503, 504), 200),
}


@pytest.mark.parametrize(("service", "protocol", "criteria", "status"), FAILOVER.values(), ids=FAILOVER)
def test_a_group_fails_over_as_its_criteria_say(
    servers: Servers, authority: Authority, service: Service, protocol: str, criteria: tuple[int, ...], status: int
) -> None:
    primary = facts(authority, servers.listen(service), protocol=protocol)
    secondary = facts(authority, servers.listen(Http()), protocol="http")
    group = OriginGroup(primary, secondary, criteria)
    patience = 0.2 if isinstance(service, Silent) else 10.0
    assert fetch(group, patience=patience).status == status
    assert {a.status for a in edge.fetch_all(group, patience=patience)} == {status}


@pytest.mark.parametrize(
    ("method", "status"), [("GET", 200), ("HEAD", 200), ("OPTIONS", 200), ("POST", 502), ("PUT", 502), ("DELETE", 502)]
)
def test_only_reading_fails_over(servers: Servers, authority: Authority, method: str, status: int) -> None:
    primary = facts(authority, servers.listen(Closed()))
    secondary = facts(authority, servers.listen(Http()), protocol="http")
    assert fetch(OriginGroup(primary, secondary, (502, 503, 504)), method=method).status == status


def test_the_secondarys_error_is_what_viewers_see(servers: Servers, authority: Authority) -> None:
    primary = facts(authority, servers.listen(Closed()))
    secondary = facts(authority, servers.listen(Http(status=404)), protocol="http")
    assert fetch(OriginGroup(primary, secondary, (503,))).status == 404


def test_a_group_is_asked_at_all_addresses(servers: Servers, authority: Authority) -> None:
    good, bad = servers.listen(Http()), servers.listen(Closed())
    origin = facts(authority, good, addresses=(good, bad), protocol="http")
    group = OriginGroup(origin, origin, (503,))
    assert [a.status for a in edge.fetch_all(group, patience=10.0)] == [
        200,
        200,
        502,
    ]  # the secondary is asked only where the primary failed


@pytest.mark.parametrize(
    ("key", "newest", "reason"),
    [
        ("EC P-384", ssl.TLSVersion.TLSv1_2, ""),
        ("EC P-521", ssl.TLSVersion.TLSv1_3, ""),
        ("EC P-521", ssl.TLSVersion.TLSv1_2, "TLS: the key's curve secp521r1 is not offered"),
        ("Ed25519", ssl.TLSVersion.TLSv1_3, "TLS: no signature in common with Ed25519PublicKey"),
        ("Ed25519", ssl.TLSVersion.TLSv1_2, "TLS: no signature in common with Ed25519PublicKey"),
    ],
)
def test_the_kind_of_key_counts(
    servers: Servers, authority: Authority, key: KeyType, newest: ssl.TLSVersion, reason: str
) -> None:
    chain = Chain((authority.leaf(ORIGIN, key=key), authority.intermediate))
    origin = facts(authority, servers.listen(Tls(chain, maximum=newest)))
    for with_s2n in (False, True):
        answer = impatient_fetch(origin, patience=10.0, with_s2n=with_s2n)
        assert (answer.status, answer.reason) == (502 if reason else 200, reason)


# --- AWS's own TLS library ------------------------------------------------------------------------------------------


def chain_of(authority: Authority, name: str = ORIGIN) -> Chain:
    return Chain((authority.leaf(name), authority.intermediate))


@asked
@pytest.mark.parametrize(("curve", "status"), [("secp521r1", 502), ("secp384r1", 200), ("X25519", 200)])
def test_the_curve_counts(servers: Servers, authority: Authority, curve: str, status: int) -> None:
    origin = facts(authority, servers.listen(Tls(chain_of(authority), curve=curve)))
    answer = fetch(origin)
    assert (answer.status, answer.reason.startswith("AWS's s2n-tls: ALERT")) == (status, status != 200)
    assert impatient_fetch(origin, patience=10.0, with_s2n=False).status == 200


@asked
def test_a_warning_is_fatal_to_it(servers: Servers, authority: Authority) -> None:
    behind = servers.listen(Tls(chain_of(authority)))
    answer = fetch(facts(authority, middlebox.listen(servers, behind, middlebox.Warns())))
    assert (answer.status, answer.reason) == (502, "AWS's s2n-tls: ALERT: TLS alert received")


@asked
def test_the_origin_domains_certificate_will_do_where_host_is_forwarded(servers: Servers, authority: Authority) -> None:
    origin = facts(authority, servers.listen(Tls(chain_of(authority))), host_forwarded=True)
    asked_for = s2n.connect(
        *origin.addresses[0], sni=HOST, minimum="TLSv1.2", trust_pem=authority.root.pem, deadline=10.0
    )
    assert asked_for.error == "CERT_INVALID_HOSTNAME"
    assert fetch(origin).status == 200


@asked
def test_it_is_asked_when_the_other_connection_has_ended(servers: Servers, authority: Authority) -> None:
    behind = servers.listen(Tls(chain_of(authority)))
    for _ in range(3):
        one_at_a_time = middlebox.listen(servers, behind, middlebox.AtMost(1))
        assert fetch(facts(authority, one_at_a_time)).status == 200


@pytest.mark.parametrize(
    ("error", "status", "criteria", "after_failover"),
    [
        ("TIMEOUT", 504, (504,), 200),
        ("TIMEOUT", 504, (502, 503), 504),
        ("ALERT", 502, (503,), 200),
        ("NOT_CONNECTED", 502, (503,), 200),
        ("CERT_INVALID_HOSTNAME", 502, (504,), 502),
    ],
)
def test_its_failures_have_cloudfronts_status(
    servers: Servers,
    authority: Authority,
    monkeypatch: pytest.MonkeyPatch,
    error: str,
    status: int,
    criteria: tuple[int, ...],
    after_failover: int,
) -> None:
    monkeypatch.setattr(s2n, "connect", lambda *_, **__: s2n.S2nResult(connected=False, error=error, detail="x"))
    primary = facts(authority, servers.listen(Tls(chain_of(authority))))
    answer = fetch(primary)
    assert (answer.status, answer.reason) == (status, f"AWS's s2n-tls: {error}: x")
    secondary = facts(authority, servers.listen(Http()), protocol="http")
    assert fetch(OriginGroup(primary, secondary, criteria)).status == after_failover


def test_without_it_openssl_decides_and_the_blind_spot_is_named(
    servers: Servers, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert edge.blind_spot() == "" or "curve" in edge.blind_spot()
    monkeypatch.setattr(s2n, "_library", lambda: "")
    assert "pip install" in edge.blind_spot()
    assert fetch(facts(authority, servers.listen(Tls(chain_of(authority), curve="secp521r1")))).status == 200


@pytest.mark.parametrize("newest", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_it_has_no_client_certificate(servers: Servers, authority: Authority, newest: ssl.TLSVersion) -> None:
    chain = Chain((authority.leaf(ORIGIN), authority.intermediate))
    demanding = Tls(chain, maximum=newest, clients=authority.root_ca("Clients"))
    assert fetch(facts(authority, servers.listen(demanding))).status == 502
