"""What an origin accepts, asked of real servers on loopback; and what difficult ones do to the asking."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from cfrunbook.causes import tls_answers
from cfrunbook.causes.tls_capabilities import Answer, Capabilities, fold
from cfrunbook.cloudfront.origin_tls import PROTOCOLS, TLS_1_0, TLS_1_2, TLS_1_3, Offer, offer, suite
from cfrunbook.cloudfront.targets import ServerName, Target
from cfrunbook.cloudfront.tls_offers import authenticates, suites_of
from cfrunbook.evidence import Handshake
from cfrunbook.evidence import HandshakeOutcome as Outcome
from cfrunbook.probes import tls
from cfrunbook.probes.endpoint import POLITE_CONNECTIONS, Endpoint
from cfrunbook.probes.tls.scan import MAX_CONNECTIONS, next_offers, opening_offers

NAME = "shop.example.com"
ALL_SUITES = ["-cipher", "ALL:@SECLEVEL=0"]


def ask(
    endpoint: Endpoint, *, minimum: Any = "TLSv1.2", pace: Any = "polite", deadline: float = 10, exact: int = 1
) -> tuple[Handshake, ...]:
    """Ask the exact hello, then everything else, then again what is in doubt."""

    async def go() -> list[Handshake]:
        hellos = [tls.hello(endpoint, sni=NAME, offer=offer(minimum), deadline=deadline) for _ in range(exact)]
        first = [await one for one in hellos]
        rest = await tls.scan(endpoint, sni=NAME, minimum=minimum, deadline=deadline, pace=pace, known=first)
        again = tls.in_doubt((*first, *rest), offer(minimum))
        return [*first, *rest, *await tls.ask_alone(endpoint, again, deadline=deadline)]

    seen = asyncio.run(go())
    return tuple(msgspec.structs.replace(h, id=f"handshake-{n}") for n, h in enumerate(seen, 1))


def target(minimum: Any) -> Target:
    name = ServerName(sni=NAME, host=NAME, acceptable=(NAME,), why="")
    return Target(
        id="web:443", origin_id="web", domain=NAME, port=443, protocol="https", names=(name,), tls_minimum=minimum
    )


def judge(seen: tuple[Handshake, ...], minimum: Any = "TLSv1.2") -> dict[str, str]:
    findings = tls_answers.judge([fold(seen)], target(minimum))
    ids = {h.id for h in seen}
    assert all(e.observation in ids for f in findings for e in f.evidence)
    return {
        f.code.removeprefix("tls_protocol."): f.title for f in findings if not f.code.endswith("accepted_parameters")
    }


# --- OpenSSL ------------------------------------------------------------------------------------------------------


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("pace", ["polite", "fast"])
@pytest.mark.parametrize(
    ("kind", "options", "minimum", "code", "says"),
    [
        ("rsa", ["-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"], "TLSv1.2", "dhe_only", "DHE-RSA-AES128-GCM-SHA256"),
        ("rsa", ["-tls1_2", "-cipher", "ECDHE-RSA-CHACHA20-POLY1305"], "TLSv1.2", "chacha20_only", "TLS 1.2"),
        ("rsa", ["-tls1_2", "-cipher", "AES256-SHA256"], "TLSv1.2", "other_suites_only", "AES256-SHA256"),
        ("rsa", ["-tls1_2", "-cipher", "ECDHE-ARIA256-GCM-SHA384"], "TLSv1.2", "other_suites_only", "ARIA"),
        ("rsa", ["-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256"], "TLSv1.2", "other_suites_only", "AES-CCM"),
        ("rsa", ["-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_8_SHA256"], "TLSv1.2", "other_suites_only", "AES-CCM"),
        ("rsa", ["-groups", "P-521", "-cipher", "ECDHE"], "TLSv1.2", "no_common_curve", "TLS 1.3 and TLS 1.2"),
        ("rsa", ["-tls1_2", "-groups", "P-521", "-cipher", "ECDHE"], "TLSv1.2", "no_common_curve", "P-521"),
        ("rsa", ["-tls1_2", "-groups", "P-521"], "TLSv1.2", "no_common_curve", "P-521"),
        ("ecdsa", ["-tls1_3", "-groups", "X448"], "TLSv1.2", "no_common_curve", "X448"),
        ("ecdsa", ["-tls1_3", "-groups", "ffdhe2048"], "TLSv1.2", "no_common_curve", "ffdhe2048"),
        ("ed25519", [], "TLSv1.2", "unusable_key", "TLS 1.3 and TLS 1.2: Ed25519"),
        ("p521", ["-tls1_2"], "TLSv1.2", "unusable_key", "ECDSA on P-521"),
        ("rsa", ["-tls1_2", "-groups", "P-521", "-cipher", "ECDHE-RSA-CHACHA20-POLY1305"], "TLSv1.2", "other_parameters", "P-521"),
        ("rsa", ["-tls1_1", *ALL_SUITES], "TLSv1.2", "old_versions_only", "TLS 1.1 only"),
        ("rsa", ["-no_tls1_2", "-no_tls1_3", *ALL_SUITES], "TLSv1.2", "old_versions_only", "TLS 1.1 and TLS 1.0 only"),
        ("rsa", ["-tls1_3"], "TLSv1.2", "tls13_only", "TLS 1.3 only"),
        ("rsa", ["-tls1_2", "-cipher", "AES128-GCM-SHA256"], "TLSv1.2", "undocumented_only", "only AES128-GCM-SHA256"),
        ("rsa", [], "TLSv1.2", "", ""),
        ("rsa", ["-tls1_1", *ALL_SUITES], "TLSv1", "", ""),
        ("ecdsa", ["-tls1_2"], "TLSv1.2", "", ""),
    ],
)  # fmt: skip
def test_what_openssl_is_configured_for_is_what_is_found(
    kind: str,
    options: list[str],
    minimum: Any,
    code: str,
    says: str,
    pace: str,
    identities: Any,
    peers: SimpleNamespace,
) -> None:
    with peers.s_server(identities[kind], *options) as endpoint:
        seen = ask(endpoint, minimum=minimum, pace=pace)
    found = judge(seen, minimum)
    assert list(found) == ([code] if code else [])
    assert says in found.get(code, "")
    assert len(seen) <= 1 + MAX_CONNECTIONS
    would_connect = fold(seen).exact.accepted
    status = {f.code: f.status.value for f in tls_answers.judge([fold(seen)], target(minimum))}
    assert would_connect == ("fault" not in status.values())


@pytest.mark.needs("openssl")
@pytest.mark.parametrize("pace", ["polite", "fast"])
def test_both_certificates_of_a_server_are_seen(pace: str, identities: Any, peers: SimpleNamespace) -> None:
    second = ["-dcert", str(identities["rsa"].leaf), "-dkey", str(identities["rsa"].key)]
    with peers.s_server(identities["ecdsa"], *second) as endpoint:
        seen = ask(endpoint, pace=pace)
    able = fold(seen)
    assert able.certificate_kinds() == ("ECDSA", "RSA")
    leaves = {choice.leaf for choice in able.choices.values()}
    assert leaves == {identities["ecdsa"].sent[0], identities["rsa"].sent[0]}
    assert all(able.kinds[v, kind].accepted for v in (TLS_1_2, TLS_1_3) for kind in ("ECDSA", "RSA"))


@pytest.mark.needs("openssl")
def test_a_server_of_one_kind_refuses_the_suites_of_the_other_at_the_price_of_one_hello(
    identities: Any, peers: SimpleNamespace
) -> None:
    with peers.s_server(identities["rsa"]) as endpoint:
        seen = ask(endpoint)
    able = fold(seen)
    assert able.kinds[TLS_1_2, "ECDSA"].refused
    assert able.suites[TLS_1_2, 0xC02B].refused
    assert able.suites[TLS_1_2, 0xC02F].accepted
    assert able.accepted_groups(TLS_1_3) == (0x17, 0x1D, 0x18)
    assert not {h.offer for h in seen} & {"suite-TLSv1.2-C02B", "suite-TLSv1.2-C02C"}
    assert len(seen) <= 27
    with peers.s_server(identities["rsa"]) as endpoint:
        fast = ask(endpoint, pace="fast")
    assert {v: f.answer for v, f in fold(fast).kinds.items() if v[0] >= TLS_1_2} == {
        v: f.answer for v, f in able.kinds.items() if v[0] >= TLS_1_2
    }
    assert "ecdsa-TLSv1.2" not in {h.offer for h in fast}, "its suites were all asked for by themselves"


@pytest.mark.needs("openssl")
def test_the_suites_accepted_are_those_that_openssl_was_given(identities: Any, peers: SimpleNamespace) -> None:
    given = "ECDHE-RSA-AES256-GCM-SHA384:AES128-SHA:ECDHE-RSA-AES128-SHA256"
    with peers.s_server(identities["rsa"], "-tls1_2", "-cipher", given) as endpoint:
        for pace in ("polite", "fast"):
            able = fold(ask(endpoint, pace=pace))
            assert able.accepted_suites(TLS_1_2) == (0xC030, 0xC027, 0x002F)
            assert not [f for (v, _), f in able.suites.items() if v == TLS_1_2 and f.answer is Answer.UNKNOWN]
            assert able.versions[TLS_1_3].alert == 70


@pytest.mark.needs("nginx")
def test_nginx_with_two_certificates_and_sni_required(identities: Any, tmp_path: Path) -> None:
    port = free_port()
    pairs = "".join(
        f"ssl_certificate {identities[k].chain}; ssl_certificate_key {identities[k].key};\n" for k in ("ecdsa", "rsa")
    )
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {tmp_path}/pid; error_log {tmp_path}/log;\nevents {{}}\n"
        f"http {{ access_log off; client_body_temp_path {tmp_path}; proxy_temp_path {tmp_path};\n"
        f"fastcgi_temp_path {tmp_path}; uwsgi_temp_path {tmp_path}; scgi_temp_path {tmp_path};\n"
        f"server {{ listen 127.0.0.1:{port} ssl default_server; ssl_reject_handshake on; }}\n"
        f"server {{ listen 127.0.0.1:{port} ssl; server_name {NAME}; ssl_protocols TLSv1.2;\n{pairs} }} }}\n"
    )
    process = subprocess.Popen(
        ["nginx", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")], stderr=subprocess.DEVNULL
    )
    try:
        wait_for(port)
        endpoint = Endpoint(NAME, 443, "192.0.2.1", "127.0.0.1", port)
        without = asyncio.run(tls.hello(endpoint, sni=None, offer=offer("TLSv1.2"), deadline=10))
        seen = (*ask(endpoint), msgspec.structs.replace(without, id="handshake-0"))
    finally:
        process.terminate()
        process.wait(10)
    able = fold(seen)
    assert able.certificate_kinds() == ("ECDSA", "RSA")
    assert (able.needs_sni.answer, able.needs_sni.alert) == (Answer.ACCEPTED, 112)
    assert list(judge(seen)) == ["sni_required"]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_for(port: int) -> None:
    for _ in range(200):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        threading.Event().wait(0.02)
    raise TimeoutError("nginx did not start")


# --- old and odd servers ------------------------------------------------------------------------------------------


@contextmanager
def tlslite_server(identity: Any, peers: SimpleNamespace, **settings: Any) -> Iterator[Endpoint]:
    """Run a server of tlslite-ng, which still has what OpenSSL is built without."""
    pytest.importorskip("tlslite")
    from tlslite.api import HandshakeSettings, TLSConnection, X509CertChain, parsePEMKey

    chain = X509CertChain()
    chain.parsePemList(identity.chain.read_text())
    key = parsePEMKey(identity.key.read_text(), private=True)

    def behave(peer: socket.socket) -> None:
        own = HandshakeSettings()
        for name, value in settings.items():
            setattr(own, name, value)
        with suppress(Exception):
            TLSConnection(peer).handshakeServer(certChain=chain, privateKey=key, settings=own)

    with peers.listen(behave) as endpoint:
        yield endpoint


@pytest.mark.parametrize(
    ("settings", "minimum", "version", "suites"),
    [
        ({"minVersion": (3, 0), "maxVersion": (3, 0), "cipherNames": ["aes128", "3des", "rc4"], "keyExchangeNames": ["rsa"]}, "SSLv3", 0x0300, {0x2F, 0x0A, 0x04}),
        ({"minVersion": (3, 1), "maxVersion": (3, 1), "cipherNames": ["3des"], "keyExchangeNames": ["rsa"]}, "TLSv1", TLS_1_0, {0x0A}),
        ({"minVersion": (3, 1), "maxVersion": (3, 1), "cipherNames": ["rc4"], "keyExchangeNames": ["rsa"]}, "TLSv1", TLS_1_0, {0x04}),
    ],
)  # fmt: skip
def test_versions_and_suites_that_openssl_no_longer_has(
    settings: Any, minimum: Any, version: int, suites: set[int], identities: Any, peers: SimpleNamespace
) -> None:
    settings = settings | {"macNames": ["sha", "md5"], "minKeySize": 1024, "versions": [settings["maxVersion"]]}
    with tlslite_server(identities["rsa"], peers, **settings) as endpoint:
        seen = ask(endpoint, minimum=minimum)
    able = fold(seen)
    assert able.alive() == (version,)
    assert set(able.accepted_suites(version)) == suites
    assert judge(seen, minimum) == {}
    assert "old_versions_only" in judge(ask_again(seen), "TLSv1.2")


def ask_again(seen: tuple[Handshake, ...]) -> tuple[Handshake, ...]:
    """Return the same, as if CloudFront's hello with minimum TLS 1.2 had been refused."""
    exact = {
        "offer": "cloudfront-TLSv1.2",
        "outcome": Outcome.ALERT,
        "alert": 70,
        "version": None,
        "cipher_suite": None,
    }
    return (msgspec.structs.replace(seen[0], **exact), *seen[1:])


def client_hello(peer: socket.socket) -> bytes:
    """Return the first record without taking it from the socket."""
    while True:
        data = peer.recv(4096, socket.MSG_PEEK)
        if not data or (len(data) >= 5 and len(data) >= 5 + int.from_bytes(data[3:5], "big")):
            return data


def offers_tls13(hello: bytes) -> bool:
    return b"\x00\x2b\x00" in hello[44:]


def serve(identity: Any) -> Callable[[socket.socket], None]:
    context = identity.context()

    def behave(peer: socket.socket) -> None:
        with context.wrap_socket(peer, server_side=True):
            pass

    return behave


def reset(peer: socket.socket) -> None:
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_a_server_that_gives_up_on_newer_versions_is_told_from_one_that_lacks_them(
    identities: Any, peers: SimpleNamespace
) -> None:
    context = identities["rsa"].context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2

    def behave(peer: socket.socket) -> None:
        if offers_tls13(client_hello(peer)):
            return
        with context.wrap_socket(peer, server_side=True):
            pass

    with peers.listen(behave) as endpoint:
        seen = ask(endpoint, exact=3)
    assert list(judge(seen)) == ["version_intolerance"]
    assert "answers TLS 1.2 by itself" in judge(seen)["version_intolerance"]
    assert fold(seen).accepted_suites(TLS_1_2)


def test_two_connections_at_a_time_are_enough(identities: Any, peers: SimpleNamespace) -> None:
    free, serving = threading.Semaphore(2), serve(identities["rsa"])

    def behave(peer: socket.socket) -> None:
        if not free.acquire(blocking=False):
            client_hello(peer)
            reset(peer)
            return
        try:
            serving(peer)
        finally:
            free.release()

    with peers.listen(serving) as endpoint:
        expected = fold(ask(endpoint))
    for pace in ("polite", "fast"):
        with peers.listen(behave) as endpoint:
            seen = ask(endpoint, pace=pace)
        able = fold(seen)
        assert {k: f.answer for k, f in able.suites.items() if k[0] >= TLS_1_2 and f.answer is not Answer.UNKNOWN} == {
            k: f.answer for k, f in expected.suites.items() if k[0] >= TLS_1_2
        }
        assert {v: f.answer for v, f in able.versions.items()} == {v: f.answer for v, f in expected.versions.items()}
        assert set(judge(seen)) <= {"limits_connections"}


def test_a_server_that_answers_every_second_hello_only(identities: Any, peers: SimpleNamespace) -> None:
    turn, serving, lock = [0], serve(identities["rsa"]), threading.Lock()

    def behave(peer: socket.socket) -> None:
        with lock:
            turn[0] += 1
            is_served = turn[0] % 2 == 0
        if is_served:
            serving(peer)
        else:
            client_hello(peer)
            peer.recv(4096)

    with peers.listen(behave) as endpoint:
        seen = ask(endpoint, exact=4)
    able = fold(seen)
    assert able.limited
    assert able.exact.accepted
    assert "answers_sometimes" in judge(seen)
    assert {v for v, f in able.versions.items() if f.refused} <= {0x0300, 0x0301, 0x0302}
    assert not able.suites[TLS_1_2, 0xC02F].refused


def test_after_a_rate_limit_nothing_is_called_refused(identities: Any, peers: SimpleNamespace) -> None:
    served, serving, lock = Counter[str](), serve(identities["rsa"]), threading.Lock()

    def behave(peer: socket.socket) -> None:
        with lock:
            served["all"] += 1
            is_over = served["all"] > 9
        if is_over:
            client_hello(peer)
            reset(peer)
        else:
            serving(peer)

    with peers.listen(behave) as endpoint:
        seen = ask(endpoint)
    able = fold(seen)
    assert able.limited, "a hello that was answered before is asked again at the end"
    assert {f.alert for f in (*able.suites.values(), *able.groups.values()) if f.refused} <= {40, 70, 80}
    assert Answer.UNKNOWN in {f.answer for (v, _), f in able.suites.items() if v == TLS_1_2}
    assert "answers_sometimes" in judge(seen), "now it would end CloudFront's hello, too"


def test_a_server_that_closes_what_it_refuses_is_understood_all_the_same(
    identities: Any, peers: SimpleNamespace
) -> None:
    """Windows closes without an alert where there is no cipher suite in common."""
    context = identities["rsa"].context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")

    def behave(peer: socket.socket) -> None:
        hello = client_hello(peer)
        suites = hello[76 + 2 :][: int.from_bytes(hello[76:78], "big")]
        codes = {suites[i : i + 2] for i in range(0, len(suites), 2)}
        if b"\xc0\x2f" in codes and hello[9:11] == b"\x03\x03":
            serve_context(peer, context)
        else:
            peer.recv(4096)

    with peers.listen(behave) as endpoint:
        seen = ask(endpoint)
    able = fold(seen)
    assert not able.limited
    assert able.accepted_suites(TLS_1_2) == (0xC02F,)
    assert able.suites[TLS_1_2, 0xC030].refused
    assert "2 times" in able.suites[TLS_1_2, 0xC030].why


def serve_context(peer: socket.socket, context: ssl.SSLContext) -> None:
    with context.wrap_socket(peer, server_side=True):
        pass


# --- politeness and time ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("pace", "most"), [("polite", POLITE_CONNECTIONS), ("fast", 40)])
def test_a_dead_server_costs_one_deadline_and_few_connections(pace: str, most: int, peers: SimpleNamespace) -> None:
    with peers.listen(lambda peer: (peer.recv(4096), peer.recv(1))) as endpoint:  # type: ignore[func-returns-value]
        seen = ask(endpoint, pace=pace, deadline=1.0, exact=0)
    assert 0 < len(seen) <= most
    assert {h.outcome for h in seen} == {Outcome.TIMEOUT}
    able = fold(seen)
    assert {f.answer for f in (*able.versions.values(), *able.suites.values())} == {Answer.UNKNOWN}
    assert judge(seen) == {}


def test_stalling_on_one_version_does_not_stop_the_others(identities: Any, peers: SimpleNamespace) -> None:
    context = identities["rsa"].context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2

    def behave(peer: socket.socket) -> None:
        if offers_tls13(client_hello(peer)):
            peer.recv(4096)
            peer.recv(1)
        else:
            serve_context(peer, context)

    with peers.listen(behave) as endpoint:
        seen = ask(endpoint, deadline=1, exact=0)
    able = fold(seen)
    assert able.versions[TLS_1_3].answer is Answer.UNKNOWN
    assert able.suites[TLS_1_2, 0xC030].accepted
    assert not [f for (v, _), f in able.suites.items() if v == TLS_1_2 and f.answer is Answer.UNKNOWN]


@pytest.mark.parametrize(("pace", "most"), [("polite", POLITE_CONNECTIONS), ("fast", MAX_CONNECTIONS)])
def test_concurrent_connections_are_capped(pace: str, most: int, identities: Any, peers: SimpleNamespace) -> None:
    now, peak, lock, serving = [0], [0], threading.Lock(), serve(identities["rsa"])

    def behave(peer: socket.socket) -> None:
        with lock:
            now[0] += 1
            peak[0] = max(peak[0], now[0])
        client_hello(peer)
        with lock:
            now[0] -= 1
        serving(peer)

    with peers.listen(behave) as endpoint:
        seen = ask(endpoint, pace=pace)
    assert 1 <= peak[0] <= most
    assert len(seen) <= 1 + MAX_CONNECTIONS


def test_a_service_that_is_not_tls_is_asked_one_round_of_questions(peers: SimpleNamespace) -> None:
    def behave(peer: socket.socket) -> None:
        peer.sendall(b"SSH-2.0-OpenSSH_9.6\r\n")
        peer.recv(4096)

    with peers.listen(behave) as endpoint:
        seen = ask(endpoint, exact=0)
    assert len(seen) <= POLITE_CONNECTIONS
    assert {h.outcome for h in seen} == {Outcome.NOT_TLS}


def test_nobody_there(peers: SimpleNamespace) -> None:
    endpoint = Endpoint(NAME, 443, "192.0.2.1", "127.0.0.1", free_port())
    seen = ask(endpoint)
    assert {h.outcome for h in seen} == {Outcome.NOT_CONNECTED}
    able: Capabilities = fold(seen)
    assert able.exact.answer is Answer.UNKNOWN


# --- what to ask, without a network -------------------------------------------------------------------------------


def simulate(*, minimum: Any, versions: Sequence[int], kinds: Sequence[str], most: int = MAX_CONNECTIONS) -> list[str]:
    """Return the offers that an origin with these versions and certificates is asked, in waves, as far as `most`."""

    def answer(asked: Offer) -> Handshake:
        shared = [v for v in asked.versions if v in versions]
        suites = [s for s in asked.suites if shared and s in {x.code for x in suites_of(shared[0])}]
        chosen = next((c for c in suites if authenticates(suite(c)) in ("", *kinds)), None)  # type: ignore[arg-type]
        told: dict[str, Any] = {"outcome": Outcome.ALERT, "alert": 70 if not shared else 40, "bytes_received": 7}
        if chosen is not None:
            scheme = 0x0403 if kinds[0] == "ECDSA" else 0x0804
            told = {"outcome": Outcome.HELLO, "version": shared[0], "cipher_suite": chosen, "bytes_received": 900}
            told |= {"group": asked.groups[0] if asked.groups else None, "signature_scheme": scheme}
        return Handshake(id="", host=NAME, port=443, address="192.0.2.1", sni=NAME, offer=asked.name, **told)

    seen = [answer(offer(minimum))]
    wave = opening_offers(seen, minimum)
    while wave and len(seen) <= most:
        seen += [answer(o) for o in wave[: most + 1 - len(seen)]]
        wave = next_offers(seen, minimum)
    return [h.offer for h in seen[1:]]


ALL_VERSIONS = [p.code for p in PROTOCOLS]


@pytest.mark.parametrize("kinds", [["RSA"], ["ECDSA", "RSA"], ["ECDSA"]], ids="-".join)
def test_every_version_that_the_minimum_allows_is_taken_apart_the_newest_first(kinds: list[str]) -> None:
    asked = simulate(minimum="TLSv1", versions=ALL_VERSIONS, kinds=kinds, most=200)
    details = [o for o in asked if not o.startswith("version-")]
    old = [n for n, o in enumerate(details) if "TLSv1.1" in o or "TLSv1-" in o]
    assert [n for n, o in enumerate(details) if "TLSv1.2" in o or "TLSv1.3" in o] == list(range(old[0]))
    is_newer = ["TLSv1.1" in details[n] for n in old]
    assert is_newer == sorted(is_newer, reverse=True), "TLS 1.1 before TLS 1.0"
    assert {o for o in asked if "SSLv3" in o} == {"version-SSLv3"}
    assert "suite-TLSv1-0035" in asked or kinds == ["ECDSA"]
    assert "group-TLSv1-X25519" in asked
    assert len(set(asked)) == len(asked)


def test_where_there_are_too_many_questions_the_oldest_versions_are_left_out() -> None:
    everything = simulate(minimum="SSLv3", versions=ALL_VERSIONS, kinds=["ECDSA", "RSA"], most=200)
    asked = simulate(minimum="SSLv3", versions=ALL_VERSIONS, kinds=["ECDSA", "RSA"], most=40)
    assert len(everything) <= MAX_CONNECTIONS, "an origin that has everything is taken apart whole"
    assert len(asked) == 40
    left_out = set(everything) - set(asked)
    assert "suite-TLSv1-0035" in left_out
    assert not [o for o in left_out if "TLSv1.3" in o or "TLSv1.2" in o]


@pytest.mark.parametrize("kinds", [["RSA"], ["ECDSA", "RSA"], ["ECDSA"]], ids="-".join)
def test_with_the_default_minimum_old_versions_are_not_taken_apart(kinds: list[str]) -> None:
    asked = simulate(minimum="TLSv1.2", versions=ALL_VERSIONS, kinds=kinds)
    assert not [o for o in asked if not o.startswith("version-") and ("TLSv1.1" in o or "TLSv1-" in o)]
    assert len(asked) <= 2 * POLITE_CONNECTIONS, "two rounds"


def test_nothing_is_guessed_where_cloudfronts_hello_is_refused() -> None:
    refused = Handshake(
        id="", host=NAME, port=443, address="192.0.2.1", sni=NAME, offer="cloudfront-TLSv1.2", outcome=Outcome.ALERT,
        alert=70,
    )  # fmt: skip
    assert {o.name.partition("-")[0] for o in opening_offers([refused], "TLSv1.2")} == {"version"}
    assert len(opening_offers([], "TLSv1.2")) <= POLITE_CONNECTIONS - 2, (
        "beside CloudFront's hello with and without name"
    )


@pytest.mark.needs("openssl")
def test_an_old_origin_is_taken_apart_down_to_its_minimum(identities: Any, peers: SimpleNamespace) -> None:
    with peers.s_server(identities["rsa"], *ALL_SUITES) as endpoint:
        seen = ask(endpoint, minimum="TLSv1")
    able = fold(seen)
    assert able.alive() == (TLS_1_3, TLS_1_2, 0x0302, TLS_1_0)
    for version in able.alive():
        assert not [c for (v, c), f in able.suites.items() if v == version and f.answer is Answer.UNKNOWN]
        assert able.accepted_groups(version) == (0x17, 0x1D, 0x18)
    assert able.accepted_suites(TLS_1_0) == (0xC013, 0xC014, 0x2F, 0x35)
    assert len(seen) <= 1 + MAX_CONNECTIONS
