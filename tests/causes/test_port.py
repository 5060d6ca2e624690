"""What a port's behaviour means: one table of what was seen and what is concluded, and what must never be concluded."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
import socket
import subprocess
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.causes import port
from cfrunbook.causes.case import Case
from cfrunbook.cloudfront.targets import ServerName, Target
from cfrunbook.evidence import (
    Connection,
    ConnectOutcome,
    Exchange,
    ExchangeOutcome,
    Handshake,
    HandshakeOutcome,
    Icmp,
    Observations,
    Resolution,
    ResolutionOutcome,
)
from cfrunbook.findings import Finding, Stage, Status
from cfrunbook.probes.endpoint import Endpoint
from cfrunbook.probes.exchange import Asked, http_get
from cfrunbook.probes.tcp import connect
from cfrunbook.x509.roots import from_der

NOW = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
HOST = "shop.example.com"
OFFER = "cloudfront-TLSv1.2"
ROOTS = from_der([], name="none")
Seen = Connection | Exchange | Handshake | Resolution


def target(protocol: str = "https", **more: Any) -> Target:
    number = 443 if protocol == "https" else 80
    names = (ServerName(sni=HOST, host="www.example.com", acceptable=(HOST,), why="the Origin Domain"),)
    fields = {"id": f"shop:{number}", "origin_id": "shop", "domain": HOST, "port": number, "names": names, **more}
    return Target(protocol=protocol, **fields)  # type: ignore[arg-type]


def connection(outcome: str, address: str = "203.0.113.10", **more: Any) -> Connection:
    fields = {"id": "connection-1", "host": HOST, "port": 443, "elapsed_ms": 3.0, **more}
    return Connection(address=address, outcome=ConnectOutcome(outcome), **fields)


def handshake(outcome: str, address: str = "203.0.113.10", **more: Any) -> Handshake:
    fields = {"id": "handshake-1", "host": HOST, "port": 443, "sni": HOST, "offer": OFFER, "elapsed_ms": 2000.0, **more}
    return Handshake(address=address, outcome=HandshakeOutcome(outcome), **fields)


def exchange(outcome: str, address: str = "203.0.113.10", **more: Any) -> Exchange:
    fields = {"id": "exchange-1", "host": HOST, "port": 80, "request": "HEAD / HTTP/1.1", "elapsed_ms": 2000.0, **more}
    return Exchange(address=address, outcome=ExchangeOutcome(outcome), **fields)


def resolution(*ipv4: str, ipv6: tuple[str, ...] = (), outcome: str = "answer") -> Resolution:
    return Resolution(
        id="resolution-1", name=HOST, resolver="system", outcome=ResolutionOutcome(outcome), ipv4=ipv4, ipv6=ipv6
    )


def judge(*seen: Seen, of: Target | None = None) -> tuple[Finding, ...]:
    groups: dict[str, tuple[Any, ...]] = {
        kind: tuple(s for s in seen if isinstance(s, cls))
        for kind, cls in {
            "connections": Connection,
            "exchanges": Exchange,
            "handshakes": Handshake,
            "resolutions": Resolution,
        }.items()
    }
    case = Case(target=of or target(), observations=Observations(recorded_at=NOW, **groups), at=NOW, roots=ROOTS)
    return port.judge_case(case)


LOCAL: dict[str, Any] = {"address": "127.0.0.1", "connected_to": "127.0.0.1:8443"}
CONNECTED = connection("connected")
BY_ROUTER = Icmp(type=3, code=13, reporter="198.51.100.1")
NGINX_400 = b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n"

# what was seen over HTTPS -> code, status, CloudFront's status, what the title says
HTTPS = [
    ((connection("refused"),), "refused", "fault", 502, "shop.example.com:443 refuses connections at 203.0.113.10."),
    ((connection("refused", **LOCAL),), "refused", "fault", 502, "refuses connections at 127.0.0.1:8443."),
    ((connection("reset"),), "closes", "fault", 502, "accepts connections at 203.0.113.10 and resets them"),
    ((connection("prohibited", icmp=BY_ROUTER),), "rejected", "unknown", 502, "ICMP 3/13 (communication admin"),
    ((connection("refused", icmp=Icmp(type=3, code=3, reporter="203.0.113.10")),), "rejected", "unknown", 502, "3/3"),
    ((connection("prohibited", icmp=BY_ROUTER, **LOCAL),), "rejected", "fault", 502, "from 198.51.100.1"),
    ((connection("unreachable", icmp=Icmp(type=3, code=1, reporter="")),), "unreachable", "unknown", 504, "ICMP 3/1"),
    (
        (connection("timeout", elapsed_ms=2000),),
        "dropped",
        "unknown",
        504,
        "does not answer connection attempts at 203",
    ),
    ((connection("timeout", elapsed_ms=2000, **LOCAL),), "dropped", "fault", 504, "at 127.0.0.1:8443 within 2.0 s."),
    ((connection("timeout", "::1"),), "dropped", "fault", 504, "at ::1 within"),
    ((connection("no_local_route", "2001:db8::1"),), "no_local_route", "unknown", None, "this machine has no route"),
    ((connection("error", detail="no free port"),), "not_tried", "unknown", None, "no free port"),
    ((CONNECTED, handshake("hello")), "ok", "ok", None, "accepts connections at 203.0.113.10 and answers in TLS."),
    ((CONNECTED, handshake("alert", alert=40)), "ok", "ok", None, "answers in TLS"),
    ((CONNECTED, handshake("closed", bytes_received=20)), "ok", "ok", None, "answers in TLS"),
    ((CONNECTED, handshake("malformed", bytes_received=20)), "ok", "ok", None, "answers in TLS"),
    ((CONNECTED,), "ok", "ok", None, "accepts connections at 203.0.113.10."),
    ((CONNECTED, handshake("not_connected")), "ok", "ok", None, "accepts connections at 203.0.113.10."),
    ((handshake("hello"),), "ok", "ok", None, "answers in TLS"),
    ((CONNECTED, handshake("timeout", elapsed_ms=10_000)), "silent", "fault", 504, "says nothing for 10.0 s to a TLS"),
    (
        (CONNECTED, handshake("timeout", elapsed_ms=6_000)),
        "silent",
        "unknown",
        504,
        "nothing for 6.0 s to a TLS hello.",
    ),
    ((CONNECTED, handshake("timeout", elapsed_ms=200)), "silent", "unknown", 504, "nothing for 0.2 s"),
    ((CONNECTED, handshake("closed")), "closes", "fault", 502, "and closes them without a byte."),
    ((CONNECTED, handshake("reset")), "closes", "fault", 502, "and resets them without a byte."),
    ((CONNECTED, handshake("closed"), handshake("timeout", sni=None)), "closes", "fault", 502, "closes them"),
    ((CONNECTED, handshake("closed"), handshake("hello", sni=None)), "ok", "ok", None, "answers in TLS"),
    (
        (CONNECTED, handshake("not_tls", first_bytes=NGINX_400)),
        "http_on_tls_port",
        "fault",
        502,
        "speaks plain HTTP at",
    ),
    (
        (CONNECTED, handshake("closed"), exchange("http", port=443, status_line="HTTP/1.1 200 OK")),
        "http_on_tls_port",
        "fault",
        502,
        "speaks plain HTTP",
    ),
    (
        (CONNECTED, handshake("not_tls", first_bytes=b"SSH-2.0-OpenSSH_9.2\r\n")),
        "wrong_service",
        "fault",
        502,
        "shop.example.com:443 speaks SSH at 203.0.113.10, not HTTPS: “SSH-2.0-OpenSSH_9.2”.",
    ),
    (
        (CONNECTED, handshake("not_tls", first_bytes=b"\x4a\x00\x00\x00\x0a8.0.36\x00")),
        "wrong_service",
        "fault",
        502,
        "speaks MySQL",
    ),
    (
        (CONNECTED, handshake("not_tls", first_bytes=b"\x1b[2J\xff\x00")),
        "wrong_service",
        "fault",
        502,
        "speaks an unknown protocol at 203.0.113.10, not HTTPS: “\\x1b[2J\\xff\\x00”.",
    ),
]

HTTP_CONNECTED = connection("connected", port=80)
HTTP = [
    ((connection("refused", port=80),), "refused", "fault", 502, "shop.example.com:80 refuses"),
    ((HTTP_CONNECTED, exchange("http", status_line="HTTP/1.1 200 OK")), "ok", "ok", None, "and answers HTTP."),
    ((HTTP_CONNECTED, exchange("http", status_line="")), "ok", "ok", None, "and answers HTTP."),
    (
        (HTTP_CONNECTED, exchange("tls", first_bytes=b"\x15\x03\x01")),
        "tls_on_plain_port",
        "fault",
        502,
        "speaks TLS at",
    ),
    (
        (HTTP_CONNECTED, exchange("closed"), handshake("hello", port=80)),
        "tls_on_plain_port",
        "fault",
        502,
        "speaks TLS",
    ),
    ((HTTP_CONNECTED, exchange("http"), handshake("hello", port=80)), "ok", "ok", None, "answers HTTP"),
    (
        (HTTP_CONNECTED, exchange("banner", first_bytes=b"220 mx ESMTP\r\n", service="smtp")),
        "wrong_service",
        "fault",
        502,
        "speaks SMTP at 203.0.113.10, not HTTP: “220 mx ESMTP”.",
    ),
    # An application may take as long as CloudFront waits (30 s by default); a shorter silence proves nothing.
    ((HTTP_CONNECTED, exchange("silent")), "silent", "unknown", 504, "nothing for 2.0 s to an HTTP request."),
    ((HTTP_CONNECTED, exchange("silent", elapsed_ms=30_100)), "silent", "fault", 504, "nothing for 30.1 s"),
    ((HTTP_CONNECTED, exchange("closed")), "closes", "fault", 502, "closes them without a byte"),
    ((HTTP_CONNECTED, exchange("reset")), "closes", "fault", 502, "resets them without a byte"),
]
CASES = [(target(ip_address_type="dualstack"), *row) for row in HTTPS] + [(target("http"), *row) for row in HTTP]


@pytest.mark.parametrize(("of", "seen", "code", "status", "cloudfront_status", "title"), CASES)
def test_what_was_seen_and_what_it_means(
    of: Target, seen: tuple[Seen, ...], code: str, status: str, cloudfront_status: int | None, title: str
) -> None:
    (finding,) = judge(*seen, of=of)
    assert (finding.code, finding.status) == (f"port.{code}", Status(status))
    assert finding.cloudfront_status == cloudfront_status
    assert title in finding.title
    assert (finding.target, finding.stage) == (of.id, Stage.TCP)
    assert {e.observation for e in finding.evidence} <= {s.id for s in seen}
    assert finding.evidence
    assert bool(finding.next_check) == (finding.status is Status.UNKNOWN)
    if finding.status is Status.FAULT:
        assert finding.remedy.steps
        assert finding.reproduce
        assert finding.verify.command


def test_nothing_seen_nothing_said() -> None:
    assert judge() == ()
    assert judge(resolution("203.0.113.10", outcome="nxdomain")) == ()


def test_one_bad_address_of_three_is_named_and_counted() -> None:
    (finding,) = judge(
        CONNECTED,
        connection("refused", "203.0.113.11", id="connection-2"),
        connection("connected", "203.0.113.12", id="connection-3"),
    )
    assert finding.title == (
        "shop.example.com:443 refuses connections at 1 of 3 addresses (203.0.113.11); some requests fail."
    )
    assert "intermittent" in finding.meaning
    assert finding.data["intermittent"] is True
    assert [e.observation for e in finding.evidence] == ["connection-2"]
    assert "--connect-to shop.example.com:443:203.0.113.11:443 https://shop.example.com/" in finding.reproduce


def test_different_troubles_are_different_findings() -> None:
    findings = judge(
        connection("timeout", "203.0.113.11"),
        connection("refused", "203.0.113.12"),
        connection("refused", "203.0.113.13"),
        connection("no_local_route", "2001:db8::1"),
        of=target(ip_address_type="dualstack"),
    )
    assert [(f.code, f.status) for f in findings] == [
        ("port.refused", Status.FAULT),
        ("port.dropped", Status.UNKNOWN),
        ("port.no_local_route", Status.UNKNOWN),
    ]
    assert "2 of 4 addresses (203.0.113.12 and 203.0.113.13)" in findings[0].title


def test_no_ipv6_here_is_a_remark_where_ipv4_could_be_tried() -> None:
    findings = judge(CONNECTED, connection("no_local_route", "2001:db8::1"), of=target(ip_address_type="dualstack"))
    assert [(f.code, f.status) for f in findings] == [("port.no_local_route", Status.INFO), ("port.ok", Status.OK)]
    assert "IPv6 connectivity" in findings[0].meaning


SIX, SIX_TOO = "2001:db8::1", "2001:db8::2"


@pytest.mark.parametrize(
    ("kind", "broken", "good", "says"),
    [
        ("dualstack", [SIX], ["203.0.113.10"], "It is every IPv6 address of the origin and no IPv4 one. With IpAddressType dualstack CloudFront uses either family, so this shows as an intermittent error; IpAddressType ipv4 keeps it on IPv4 until IPv6 works."),
        ("dualstack", [SIX, SIX_TOO], ["203.0.113.10", "203.0.113.11"], "It is every IPv6 address of the origin and no IPv4 one."),
        ("dualstack", ["203.0.113.10"], [SIX], "IpAddressType ipv6 keeps it on IPv6 until IPv4 works."),
        ("dualstack", [SIX], ["203.0.113.10", SIX_TOO], "Only some of the addresses are concerned"),
        ("dualstack", [SIX, "203.0.113.11"], ["203.0.113.10"], "Only some of the addresses are concerned"),
        ("ipv4", ["203.0.113.11"], ["203.0.113.10"], "Only some of the addresses are concerned"),
    ],
)  # fmt: skip
def test_a_whole_family_that_is_broken_is_told_from_an_address(
    kind: str, broken: list[str], good: list[str], says: str
) -> None:
    seen = [connection("connected", a) for a in good] + [connection("refused", a) for a in broken]
    (finding,) = judge(*seen, of=target(ip_address_type=kind))
    assert says in finding.meaning
    assert finding.data["intermittent"] is True


def test_only_a_fault_says_that_some_requests_fail() -> None:
    (finding,) = judge(CONNECTED, connection("timeout", "203.0.113.11", elapsed_ms=2000))
    assert finding.status is Status.UNKNOWN
    assert finding.title.endswith("at 1 of 2 addresses (203.0.113.11) within 2.0 s.")


def test_the_fix_is_verified_at_every_address_concerned() -> None:
    (finding,) = judge(
        CONNECTED,
        connection("refused", "203.0.113.11"),
        connection("refused", "2001:db8::1"),
        connection("refused", "203.0.113.12; reboot"),
        of=target(ip_address_type="dualstack"),
    )
    assert "for at in 203.0.113.11:443 '[2001:db8::1]:443' '203.0.113.12; reboot:443'; do" in finding.verify.command


@pytest.mark.needs("curl")
def test_the_commands_of_a_refused_port_and_of_a_wrong_service_run_as_they_are_shown() -> None:
    import threading

    with socket.socket() as closed, socket.create_server(("127.0.0.1", 0)) as ssh:
        closed.bind(("127.0.0.1", 0))

        def serve() -> None:
            peer, _ = ssh.accept()
            with peer:
                peer.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        place = f"127.0.0.1:{closed.getsockname()[1]}"
        (refused,) = judge(connection("refused", connected_to=place), connection("refused", "203.0.113.11"))
        verify = refused.verify.command.replace("203.0.113.11:443", place)
        verified = subprocess.run(["sh", "-c", verify], capture_output=True, text=True, check=False, timeout=30)
        seen = handshake(
            "not_tls", first_bytes=b"SSH-2.0", connected_to=f"127.0.0.1:{ssh.getsockname()[1]}", elapsed_ms=1.0
        )
        (wrong,) = judge(seen)
        shown = subprocess.run(["sh", "-c", wrong.reproduce], capture_output=True, text=True, check=False, timeout=30)
        thread.join(10)
    assert verified.stderr.count("curl: (7)") == 2, verified.stderr
    assert "S   S   H   -   2" in shown.stdout


@pytest.mark.parametrize(
    ("ip_address_type", "codes"),
    [("ipv4", ["port.ok"]), ("dualstack", ["port.refused"]), ("ipv6", ["port.refused"])],
)
def test_addresses_of_a_family_that_cloudfront_does_not_use_do_not_count(
    ip_address_type: str, codes: list[str]
) -> None:
    findings = judge(
        resolution("203.0.113.10", ipv6=("2001:db8::1",)),
        CONNECTED,
        connection("refused", "2001:db8::1"),
        of=target(ip_address_type=ip_address_type),
    )
    assert [f.code for f in findings] == codes


def test_a_relocated_address_counts_whatever_its_family() -> None:
    (finding,) = judge(
        resolution(outcome="relocated"), connection("refused", "::1", connected_to="[::1]:8443"), of=target()
    )
    assert finding.title == "shop.example.com:443 refuses connections at [::1]:8443."
    assert "--connect-to 'shop.example.com:443:[::1]:8443' https://shop.example.com/" in finding.reproduce
    assert finding.verify.command.startswith("for at in '[::1]:8443'; do")


def test_the_firewall_step_names_the_list_of_the_family_that_failed() -> None:
    (v4,) = judge(connection("timeout"))
    (v6,) = judge(connection("timeout", "2001:db8::1"), of=target(ip_address_type="ipv6"))
    assert "Values=com.amazonaws.global.cloudfront.origin-facing " in v4.remedy.steps[0].command
    assert "Values=com.amazonaws.global.ipv6.cloudfront.origin-facing " in v6.remedy.steps[0].command
    assert '"IpProtocol=tcp,FromPort=443,ToPort=443,PrefixListIds=[{PrefixListId=$PREFIX_LIST}]"' in (
        v4.remedy.steps[0].command
    )
    assert "com.amazonaws.global.cloudfront.origin-facing" in v4.next_check


@pytest.mark.parametrize(("of", "seen", "code", "status", "cloudfront_status", "title"), CASES)
def test_commands_are_shell(
    of: Target, seen: tuple[Seen, ...], code: str, status: str, cloudfront_status: int | None, title: str
) -> None:
    (finding,) = judge(*seen, of=of)
    servers = re.compile(r"^(listen |# )", re.MULTILINE)  # nginx configuration is not shell
    commands = [finding.reproduce, finding.verify.command, *(s.command for s in finding.remedy.steps)]
    script = "\n".join(c for c in commands if not servers.search(c))
    done = subprocess.run(["sh", "-n"], input=script, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


# --- from a real socket to a finding ----------------------------------------------------------------------------------


def look(number: int, protocol: str, *, deadline: float) -> tuple[Finding, ...]:
    async def run() -> list[Seen]:
        endpoint = Endpoint(
            host=HOST, port=443 if protocol == "https" else 80, address="127.0.0.1", connect_port=number
        )
        seen, sock = await connect(endpoint, deadline=deadline)
        found: list[Seen] = [msgspec.structs.replace(seen, id="connection-1")]
        if sock is not None:
            found.append(await http_get(endpoint, Asked(host=HOST), deadline=deadline, sock=sock))
        return found

    return judge(*asyncio.run(run()), of=target(protocol))


@pytest.mark.parametrize(
    ("behave", "code"),
    [
        (lambda peer: peer.sendall(b"SSH-2.0-OpenSSH_9.2\r\n"), "port.wrong_service"),
        (lambda peer: peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n"), "port.ok"),
        (lambda peer: peer.sendall(bytes.fromhex("15030100020246")), "port.tls_on_plain_port"),
    ],
)
def test_a_real_service_is_judged(behave: Callable[[socket.socket], None], code: str) -> None:
    import threading

    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            peer, _ = listener.accept()
            with peer:
                behave(peer)
                while peer.recv(4096):
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        findings = look(listener.getsockname()[1], "http", deadline=10)
        thread.join()
    assert [f.code for f in findings] == [code]


@pytest.mark.parametrize("protocol", ["https", "http"])
def test_one_address_is_observed_and_judged_as_it_is(protocol: str) -> None:
    import threading

    of = target(protocol)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        endpoint = Endpoint(HOST, of.port, "203.0.113.10", "127.0.0.1", listener.getsockname()[1])

        def serve() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.recv(1)
                peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                while peer.recv(4096):
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        seen = asyncio.run(port.observe(of, endpoint, deadline=10))
        thread.join(10)
    (finding,) = port.judge(seen, target=of)
    assert finding.code == ("port.http_on_tls_port" if protocol == "https" else "port.ok")
    (refused,) = port.judge(asyncio.run(port.observe(of, endpoint, deadline=10)), target=of)
    assert refused.code == "port.refused"


def test_a_really_closed_port_is_judged() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        (finding,) = look(sock.getsockname()[1], "https", deadline=10)
    assert (finding.code, finding.cloudfront_status) == ("port.refused", 502)


# --- whatever was seen ------------------------------------------------------------------------------------------------

addresses = st.sampled_from(["203.0.113.10", "203.0.113.11", "2001:db8::1", "10.0.0.1", "127.0.0.1", "nonsense", ""])
places = st.sampled_from(["", "", "127.0.0.1:8443", "[::1]:8443", "192.0.2.1:1", "nonsense", "[::1]:x"])
elapsed = st.floats(0, 100_000)
common: dict[str, Any] = {
    "id": st.sampled_from(["a-1", "a-2"]),
    "host": st.just(HOST),
    "port": st.sampled_from([443, 443, 80]),
    "address": addresses,
    "connected_to": places,
    "elapsed_ms": elapsed,
}
icmps = st.none() | st.builds(
    Icmp, type=st.integers(0, 255), code=st.integers(0, 255), reporter=st.sampled_from(["", "192.0.2.1", "\x1b[2J"])
)
connections = st.builds(
    Connection, outcome=st.sampled_from(ConnectOutcome), icmp=icmps, detail=st.text(max_size=20), **common
)
first_bytes = st.binary(max_size=64) | st.sampled_from([b"SSH-2.0", NGINX_400, b"\x15\x03\x01"])
handshakes = st.builds(
    Handshake,
    outcome=st.sampled_from(HandshakeOutcome),
    sni=st.sampled_from([None, HOST]),
    offer=st.sampled_from([OFFER, OFFER, "another"]),
    first_bytes=first_bytes,
    bytes_received=st.sampled_from([0, 0, 7]),
    **common,
)
exchanges = st.builds(
    Exchange,
    outcome=st.sampled_from(ExchangeOutcome),
    request=st.just(""),
    status_line=st.text(max_size=20),
    first_bytes=first_bytes,
    service=st.sampled_from(["", "ssh", "smtp or ftp", "made up"]),
    **common,
)
resolutions = st.builds(
    Resolution,
    id=st.just("r"),
    name=st.just(HOST),
    resolver=st.just("system"),
    outcome=st.sampled_from(ResolutionOutcome),
    ipv4=st.lists(addresses, max_size=2).map(tuple),
    ipv6=st.lists(addresses, max_size=2).map(tuple),
)
targets = st.builds(
    target,
    st.sampled_from(["https", "http"]),
    port=st.just(443),
    ip_address_type=st.sampled_from(["ipv4", "ipv6", "dualstack"]),
)


def test_how_long_until_504_is_said() -> None:
    (finding,) = judge(connection("timeout"), of=target(connection_attempts=2, connection_timeout=7))
    assert "viewers get 504 after 14 s (2 attempts of 7 s)." in finding.meaning


@pytest.mark.parametrize("outcome", list(ExchangeOutcome))
def test_a_request_within_tls_says_nothing_about_the_port(outcome: ExchangeOutcome) -> None:
    seen = exchange(outcome, port=443, scheme="https", status_line="HTTP/1.1 502 Bad Gateway")
    assert [f.code for f in judge(CONNECTED, handshake("hello"), seen)] == ["port.ok"]


@given(targets, st.lists(st.one_of(connections, handshakes, exchanges, resolutions), max_size=6))
def test_any_combination_is_judged_completely(of: Target, seen: list[Seen]) -> None:
    findings = judge(*seen, of=of)
    for finding in findings:
        assert finding.code in {r.code for r in port.RULES}
        assert "\x1b" not in finding.title + finding.meaning + finding.reproduce
        assert bool(finding.next_check) == (finding.status is Status.UNKNOWN)
        msgspec.json.encode(finding)
    statuses = {f.status for f in findings}
    assert not (Status.OK in statuses and statuses & {Status.FAULT, Status.UNKNOWN})


LOCAL_ONLY = [ConnectOutcome.NO_LOCAL_ROUTE, ConnectOutcome.ERROR]
UNANSWERED = [*LOCAL_ONLY, ConnectOutcome.TIMEOUT, ConnectOutcome.UNREACHABLE, ConnectOutcome.PROHIBITED]
remote = {**common, "address": st.sampled_from(["203.0.113.10", "2001:db8::1"]), "connected_to": st.just("")}


@given(targets, st.lists(st.builds(Connection, outcome=st.sampled_from(UNANSWERED), icmp=icmps, **remote), max_size=4))
def test_what_did_not_come_from_the_origin_is_never_its_fault(of: Target, seen: list[Connection]) -> None:
    assert all(f.status in (Status.UNKNOWN, Status.INFO) for f in judge(*seen, of=of))


@given(targets, st.lists(st.builds(Connection, outcome=st.sampled_from(LOCAL_ONLY), icmp=icmps, **common), max_size=4))
def test_what_this_machine_cannot_do_is_never_anybodys_fault(of: Target, seen: list[Connection]) -> None:
    assert all(f.status in (Status.UNKNOWN, Status.INFO) for f in judge(*seen, of=of))
