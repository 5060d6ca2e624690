"""One document over HTTPS, from a real server: what comes, and the one clause for everything that keeps it from coming."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from cfrunbook.errors import BadInput
from cfrunbook.lab.authority import Authority
from cfrunbook.lab.servers import Banner, Chain, Closed, Closes, Http, Reply, Servers, Service, Silent, Tls
from cfrunbook.probes import download, relocation
from cfrunbook.x509.roots import mozilla

HOST = "ranges.shop.example"
URL = f"https://{HOST}/ip-ranges.json"
DOCUMENT = b'{"prefixes": []}'
OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def servers() -> Iterator[Servers]:
    with Servers() as running:
        yield running


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in download._PROXIES:
        monkeypatch.delenv(name, raising=False)


def get(servers: Servers, service: Service, trust: bytes, *, deadline: float = 5, limit: int = 2**20) -> bytes:
    address, port = servers.listen(service)
    there = relocation.parse_all([f"{HOST}:443:{address}:{port}"])
    location = download.parse(URL, "Address ranges")
    return asyncio.run(download.fetch(location, deadline=deadline, limit=limit, trust_pem=trust, relocations=there))


def tls(authority: Authority, sent: bytes, name: str = HOST, *, keeps: bool = False) -> Tls:
    chain = Chain((authority.leaf(name), authority.intermediate))
    return Tls(chain, reply=Reply(sent, "keeps" if keeps else "closes"))


@pytest.mark.parametrize(
    ("sent", "keeps"),
    [
        (OK + b"Content-Length: 16\r\n\r\n" + DOCUMENT, False),
        (OK + b"content-length:16\r\n\r\n" + DOCUMENT, True),
        (OK + b"\r\n" + DOCUMENT, False),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\n" + DOCUMENT[:4] + b"\r\nC;x=y\r\n" + DOCUMENT[4:] + b"\r\n0\r\n\r\n", True),
    ],
    ids=["length", "length, connection kept", "until the end", "chunks"],
)  # fmt: skip
def test_the_whole_document_comes(servers, authority, sent, keeps):
    assert get(servers, tls(authority, sent, keeps=keeps), authority.root.pem) == DOCUMENT


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "the answer is 403"),
        (b"HTTP/1.1 302 Found\r\nLocation: https://other.example/\r\n\r\n", "the answer is 302 to https://other.example/, and redirects are not followed"),
        (OK + b"Content-Length: 2000000\r\n\r\n", "it is larger than 1 MiB"),
        (OK + b"Content-Length: -1\r\n\r\n", "it is larger than 1 MiB"),
        (OK + b"Content-Length: x\r\n\r\n", "the answer is cut off or is not HTTP"),
        (OK + b"\r\n" + b" " * 1_100_000, "it is larger than 1 MiB"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\nFFFFFFF\r\n", "it is larger than 1 MiB"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\nno\r\n", "the answer is cut off or is not HTTP"),
        (OK + b"Content-Encoding: gzip\r\n\r\n\x1f\x8b", "the answer is compressed, which was not asked for"),
        (OK + b"Content-Length: 16\r\n\r\n" + DOCUMENT[:5], "the answer is cut off or is not HTTP"),
        (OK + b"X: " + b"y" * 100_000, "the answer is cut off or is not HTTP"),
        (b"SSH-2.0-x\r\n\r\n", "the answer is cut off or is not HTTP"),
        (b"", "the answer is cut off or is not HTTP"),
    ],
)  # fmt: skip
def test_what_is_no_document_is_said_in_a_clause(servers, authority, sent, why):
    with pytest.raises(download.DownloadFailed) as failed:
        get(servers, tls(authority, sent), authority.root.pem)
    assert str(failed.value) == why


@pytest.mark.parametrize(
    ("service", "why"),
    [
        (Closed(), "connection refused"),
        (Closes(), ""),
        (Silent(), "it did not come within 0.3 s"),
        (Http(), "TLS failed"),
        (Banner(b"SSH-2.0-x\r\n"), "TLS failed"),
    ],
)
def test_servers_of_another_kind(servers, authority, service, why):
    with pytest.raises(download.DownloadFailed) as failed:
        get(servers, service, authority.root.pem, deadline=0.3)
    assert str(failed.value).startswith(why)
    assert "\n" not in str(failed.value)


def test_a_document_that_stops_half_way_costs_the_deadline_and_no_more(servers, authority):
    with pytest.raises(download.DownloadFailed, match=r"it did not come within 0\.3 s"):
        get(
            servers,
            tls(authority, OK + b"Content-Length: 16\r\n\r\n", keeps=True),
            authority.root.pem,
            deadline=0.3,
        )


def test_only_a_certificate_of_the_right_name_and_a_trusted_authority_counts(servers, authority):
    sent = OK + b"Content-Length: 16\r\n\r\n" + DOCUMENT
    with pytest.raises(download.DownloadFailed, match=r"its certificate is not accepted .*unable to get"):
        get(servers, tls(authority, sent), mozilla().pem)
    with pytest.raises(download.DownloadFailed, match=r"its certificate is not accepted .*mismatch"):
        get(servers, tls(authority, sent, "other.example"), authority.root.pem)


def test_a_proxy_of_the_environment_is_not_used_and_that_is_said(servers, authority, monkeypatch):
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    sent = OK + b"Content-Length: 16\r\n\r\n" + DOCUMENT
    assert get(servers, tls(authority, sent), authority.root.pem) == DOCUMENT
    with pytest.raises(download.DownloadFailed, match="the answer is 500; the proxy of https_proxy is not used"):
        get(servers, tls(authority, b"HTTP/1.1 500 No\r\n\r\n"), authority.root.pem)


def test_relocations_for_any_host_are_about_origins_and_do_not_count(servers, authority):
    _, port = servers.listen(tls(authority, OK + b"\r\n" + DOCUMENT, "localhost"))
    location = download.parse(f"https://localhost:{port}/", "Address ranges")
    there = relocation.parse_all(["::127.0.0.1:9"])
    found = download.fetch(location, deadline=5, limit=99, trust_pem=authority.root.pem, relocations=there)
    assert asyncio.run(found) == DOCUMENT


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://ip-ranges.amazonaws.com/ip-ranges.json", "https://ip-ranges.amazonaws.com/ip-ranges.json"),
        ("HTTPS://Mirror.Example:8443?x=1#part", "https://mirror.example:8443/?x=1"),
        ("https://[2001:db8::1]/a", "https://[2001:db8::1]/a"),
        ("https://bücher.example/a", "https://xn--bcher-kva.example/a"),
    ],
)
def test_urls(url, shown):
    assert str(download.parse(url, "Address ranges")) == shown


@pytest.mark.parametrize(
    "url",
    [
        "http://ip-ranges.amazonaws.com/ip-ranges.json",
        "file:///etc/passwd",
        "https://",
        "https://user:secret@host.example/",
        "https://host.example:99999/",
        "https://host.example:x/",
        "https://a..b/",
        "https://host.example/a b",
        "https://host.example/\r\nX: y",
        "https://host.example/" + "a" * 3000,
        "https://[::1/",
    ],
)
def test_what_is_no_https_url_is_refused_in_a_sentence(url):
    with pytest.raises(BadInput, match=r"^Address ranges: [^\n]*\.$"):
        download.parse(url, "Address ranges")
