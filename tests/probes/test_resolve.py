"""Name resolution through a real DNS server on loopback, small but with every way of failing."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset
import pytest

from cfrunbook.errors import BadInput
from cfrunbook.evidence import Resolution, ResolutionOutcome
from cfrunbook.probes import resolve as module
from cfrunbook.probes.resolve import MAX_ADDRESSES, resolve, server

NAME = "shop.example.com"
Zone = dict[tuple[str, str], tuple[str, ...]]
Answer = Callable[[dns.message.Message, bool], bytes | None]


def zone(records: Zone, *, nxdomain: Sequence[str] = ()) -> Answer:
    """Answer from `records`, following aliases; names in `nxdomain` do not exist."""

    def answer(query: dns.message.Message, over_tcp: bool) -> bytes:
        response = dns.message.make_response(query, recursion_available=True)
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype)
        for _ in range(40):
            target = records.get((name, "CNAME"))
            if target is None:
                break
            response.answer.append(dns.rrset.from_text(name + ".", 60, "IN", "CNAME", target[0] + "."))
            name = target[0]
        if name in nxdomain:
            response.set_rcode(dns.rcode.NXDOMAIN)
        elif (name, kind) in records:
            response.answer.append(dns.rrset.from_text(name + ".", 60, "IN", kind, *records[name, kind]))
        wire = response.to_wire(max_size=65535)
        if len(wire) > 1232 and not over_tcp:
            response.answer.clear()
            response.flags |= dns.flags.TC
            wire = response.to_wire()
        return wire

    return answer


def rcode(code: dns.rcode.Rcode, *, only: str = "") -> Answer:
    """Answer with an error, or only those questions of one type; the others get an address of documentation."""
    good = zone({(NAME, "A"): ("192.0.2.1",), (NAME, "AAAA"): ("2001:db8::1",)})

    def answer(query: dns.message.Message, over_tcp: bool) -> bytes | None:
        if only and dns.rdatatype.to_text(query.question[0].rdtype) != only:
            return good(query, over_tcp)
        response = dns.message.make_response(query)
        response.set_rcode(code)
        return response.to_wire()

    return answer


def silent(_: dns.message.Message, __: bool) -> None:
    return None


def garbage(_: dns.message.Message, __: bool) -> bytes:
    return b"\x00garbage"


def empty(query: dns.message.Message, _: bool) -> bytes:
    return dns.message.make_response(query).to_wire()


class _Udp(asyncio.DatagramProtocol):
    def __init__(self, answer: Answer, asked: list[str]) -> None:
        self.answer, self.asked = answer, asked

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        self.asked.append(query.question[0].to_text())
        wire = self.answer(query, False)
        if wire is not None:
            self.transport.sendto(wire, address)  # type: ignore[attr-defined]


def ask(
    *answers: Answer | None,
    name: str = NAME,
    ip_address_type: str = "ipv4",
    deadline: float = 5,
    address: str = "127.0.0.1",
    asked: list[str] | None = None,
) -> Resolution:
    """Resolve through one server per answer, UDP and TCP on one port; None is a port where nothing listens."""

    async def run() -> Resolution:
        loop = asyncio.get_running_loop()
        questions = asked if asked is not None else []
        resolvers, transports, servers = [], [], []
        for answer in answers:

            async def stream(
                reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answer | None = answer
            ) -> None:
                assert answer is not None
                size = int.from_bytes(await reader.readexactly(2), "big")
                wire = answer(dns.message.from_wire(await reader.readexactly(size)), True)
                if wire is not None:
                    writer.write(len(wire).to_bytes(2, "big") + wire)
                writer.close()

            tcp = await asyncio.start_server(stream, address, 0)
            port = tcp.sockets[0].getsockname()[1]
            udp, _ = await loop.create_datagram_endpoint(
                lambda answer=answer: _Udp(answer, questions), local_addr=(address, port)
            )
            resolvers.append(f"[{address}]:{port}" if ":" in address else f"{address}:{port}")
            servers.append(tcp)
            transports.append(udp)
            if answer is None:
                udp.close()
                tcp.close()
        try:
            return await resolve(name, ip_address_type=ip_address_type, resolvers=resolvers, deadline=deadline)  # type: ignore[arg-type]
        finally:
            for transport in transports:
                transport.close()
            for one in servers:
                one.close()

    return asyncio.run(run())


BOTH: Zone = {(NAME, "A"): ("192.0.2.1", "192.0.2.2"), (NAME, "AAAA"): ("2001:db8::1",)}
ALIASED: Zone = {
    (NAME, "CNAME"): ("lb.example.net",),
    ("lb.example.net", "CNAME"): ("lb-1.Example.NET",),
    ("lb-1.Example.NET", "A"): ("192.0.2.1",),
}


@pytest.mark.parametrize(
    ("answer", "outcome", "ipv4", "ipv6", "cnames"),
    [
        (zone(BOTH), "answer", ("192.0.2.1", "192.0.2.2"), ("2001:db8::1",), ()),
        (zone({(NAME, "A"): ("192.0.2.1",)}), "answer", ("192.0.2.1",), (), ()),
        (zone({(NAME, "AAAA"): ("2001:db8::1",)}), "answer", (), ("2001:db8::1",), ()),
        (zone(ALIASED), "answer", ("192.0.2.1",), (), ("lb.example.net", "lb-1.example.net")),
        (zone({}), "nodata", (), (), ()),
        (zone({(NAME, "CNAME"): ("gone.example.net",)}), "nodata", (), (), ("gone.example.net",)),
        (zone({}, nxdomain=[NAME]), "nxdomain", (), (), ()),
        (
            zone({(NAME, "CNAME"): ("gone.example.net",)}, nxdomain=["gone.example.net"]),
            "nxdomain",
            (),
            (),
            ("gone.example.net",),
        ),
        (rcode(dns.rcode.SERVFAIL), "servfail", (), (), ()),
        (rcode(dns.rcode.REFUSED), "refused", (), (), ()),
        (rcode(dns.rcode.NOTIMP), "error", (), (), ()),
        (rcode(dns.rcode.YXDOMAIN), "error", (), (), ()),
        (zone({(NAME, "CNAME"): (NAME,)}), "error", (), (), ()),
    ],
)
def test_outcomes_are_told_apart(
    answer: Answer, outcome: str, ipv4: tuple[str, ...], ipv6: tuple[str, ...], cnames: tuple[str, ...]
) -> None:
    seen = ask(answer)
    assert (seen.outcome, seen.ipv4, seen.ipv6, seen.cnames) == (ResolutionOutcome(outcome), ipv4, ipv6, cnames)
    assert (seen.id, seen.name) == ("", NAME)
    assert seen.resolver.startswith("127.0.0.1:")


@pytest.mark.parametrize(
    ("answer", "needs", "outcome"),
    [
        # What was found counts only if the family that CloudFront needs was really answered.
        (rcode(dns.rcode.SERVFAIL, only="A"), "ipv4", "servfail"),
        (rcode(dns.rcode.SERVFAIL, only="A"), "ipv6", "answer"),
        (rcode(dns.rcode.SERVFAIL, only="A"), "dualstack", "answer"),
        (rcode(dns.rcode.SERVFAIL, only="AAAA"), "ipv4", "answer"),
        (rcode(dns.rcode.REFUSED, only="AAAA"), "ipv6", "refused"),
        (zone({(NAME, "AAAA"): ("2001:db8::1",)}), "ipv4", "answer"),
    ],
)
def test_an_error_in_the_family_that_counts_is_not_hidden_by_the_other(
    answer: Answer, needs: str, outcome: str
) -> None:
    seen = ask(answer, ip_address_type=needs)
    assert seen.outcome == outcome
    assert seen.ipv4 or seen.ipv6
    if outcome == "servfail":
        assert seen.detail.startswith("A SERVFAIL: 127.0.0.1:")


@pytest.mark.parametrize("bad", [rcode(dns.rcode.SERVFAIL), rcode(dns.rcode.REFUSED), None])
def test_the_next_resolver_is_asked_when_one_fails(bad: Answer | None) -> None:
    seen = ask(bad, zone(BOTH))
    assert seen.outcome is ResolutionOutcome.ANSWER
    assert seen.ipv4 == ("192.0.2.1", "192.0.2.2")


def test_a_silent_resolver_leaves_time_for_the_next() -> None:
    assert ask(silent, zone(BOTH), deadline=0.6).outcome is ResolutionOutcome.ANSWER


def test_silence_is_a_timeout() -> None:
    seen = ask(silent, deadline=0.3)
    assert seen.outcome is ResolutionOutcome.TIMEOUT
    assert seen.detail


def test_garbage_is_ignored_like_any_datagram_that_is_no_answer() -> None:
    assert ask(garbage, deadline=0.3).outcome is ResolutionOutcome.TIMEOUT


def test_a_resolver_that_does_not_run_is_noticed_at_once() -> None:
    seen = ask(None, deadline=30)
    assert seen.outcome is ResolutionOutcome.ERROR
    assert "nothing listens on this port" in seen.detail
    assert seen.elapsed_ms < 30_000


def test_a_truncated_answer_is_asked_for_again_by_tcp_and_bounded() -> None:
    many = tuple(f"198.51.100.{n}" for n in range(200))
    seen = ask(zone({(NAME, "A"): many}))
    assert seen.outcome is ResolutionOutcome.ANSWER
    assert seen.ipv4 == many[:MAX_ADDRESSES]


def test_a_resolver_on_ipv6() -> None:
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        pytest.skip("needs IPv6 on loopback")
    seen = ask(zone(BOTH), address="::1")
    assert seen.outcome is ResolutionOutcome.ANSWER
    assert seen.resolver.startswith("[::1]:")


@pytest.mark.parametrize("name", ["localhost", "LocalHost.", "shop.localhost"])
def test_localhost_is_loopback_without_asking(name: str) -> None:
    seen = asyncio.run(resolve(name, resolvers=["127.0.0.1:9"], deadline=5))
    assert (seen.outcome, seen.ipv4, seen.ipv6) == (ResolutionOutcome.ANSWER, ("127.0.0.1",), ("::1",))
    assert seen.resolver == "system"


@pytest.mark.parametrize(
    ("name", "ipv4", "ipv6"),
    [("192.0.2.1", ("192.0.2.1",), ()), ("2001:DB8::1", (), ("2001:db8::1",)), ("[::1]", (), ("::1",))],
)
def test_an_address_is_its_own_answer(name: str, ipv4: tuple[str, ...], ipv6: tuple[str, ...]) -> None:
    seen = asyncio.run(resolve(name, resolvers=["127.0.0.1:9"], ip_address_type="dualstack", deadline=5))
    assert (seen.outcome, seen.ipv4, seen.ipv6) == (ResolutionOutcome.ANSWER, ipv4, ipv6)


@pytest.mark.parametrize(
    "name", ["", ".", "a..b", "x" * 64 + ".example", "a." * 130 + "b", "\ud800.example", "a\x00b c"]
)
def test_a_name_that_is_none_never_raises(name: str) -> None:
    seen = ask(zone({}, nxdomain=[name]), name=name)
    assert seen.outcome is not ResolutionOutcome.ANSWER


def test_search_domains_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dns.resolver.BaseResolver, "_get_qnames_to_try", _only_absolute)
    asked: list[str] = []
    ask(zone({}), name="shop", asked=asked)
    assert sorted(asked) == ["shop. IN A", "shop. IN AAAA"]


def _only_absolute(_: object, name: dns.name.Name, search: bool | None) -> list[dns.name.Name]:
    assert name.is_absolute()
    assert search is False
    return [name]


def test_a_machine_without_resolvers_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def unconfigured(*_: object) -> None:
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.resolver.BaseResolver, "read_resolv_conf", unconfigured)
    seen = asyncio.run(resolve(NAME, deadline=1))
    assert (seen.outcome, seen.resolver) == (ResolutionOutcome.ERROR, "system")
    assert seen.detail


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("192.0.2.1", ("192.0.2.1", 53)),
        ("127.0.0.1:5353", ("127.0.0.1", 5353)),
        ("::1", ("::1", 53)),
        ("[::1]", ("::1", 53)),
        ("[::1]:5353", ("::1", 5353)),
        ("2001:DB8:0::1", ("2001:db8::1", 53)),
    ],
)
def test_resolvers_are_addresses_with_or_without_a_port(text: str, parsed: tuple[str, int]) -> None:
    assert server(text) == parsed


@pytest.mark.parametrize(
    "text", ["", "dns.example.com", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:99999", "[::1]5353x", "[::1"]
)
def test_other_resolvers_are_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(BadInput, match="--resolver"):
        server(text)


def test_cancelling_is_clean() -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        asked: list[str] = []
        udp, _ = await loop.create_datagram_endpoint(lambda: _Udp(silent, asked), local_addr=("127.0.0.1", 0))
        port = udp.get_extra_info("sockname")[1]
        task = asyncio.create_task(resolve(NAME, resolvers=[f"127.0.0.1:{port}"], deadline=60))
        while len(asked) < 2:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        udp.close()

    asyncio.run(run())


def test_everybodys_dnspython_is_left_alone() -> None:
    import dns.asyncbackend

    module._connected_sockets()
    assert dns.asyncbackend.get_backend("asyncio").datagram_connection_required() is False
