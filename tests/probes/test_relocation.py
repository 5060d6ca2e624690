"""`--connect-to`: curl's syntax in, endpoints out."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.errors import BadInput
from cfrunbook.probes.endpoint import Endpoint
from cfrunbook.probes.relocation import Relocation, Relocations, parse, parse_all


@pytest.mark.parametrize(
    ("text", "host", "port", "address", "to_port"),
    [
        ("shop.example.com:443:127.0.0.1:8443", "shop.example.com", 443, "127.0.0.1", 8443),
        ("Shop.Example.com.:443:127.0.0.1:8443", "shop.example.com", 443, "127.0.0.1", 8443),
        ("bücher.example:443:127.0.0.1:8443", "xn--bcher-kva.example", 443, "127.0.0.1", 8443),
        ("shop.example.com:443:[::1]:8443", "shop.example.com", 443, "::1", 8443),
        ("shop.example.com:443:[2001:db8:0:0::1]:443", "shop.example.com", 443, "2001:db8::1", 443),
        ("[2001:DB8::1]:443:[::1]:8443", "2001:db8::1", 443, "::1", 8443),
        ("::127.0.0.1:", "", 0, "127.0.0.1", 0),
        (":443:127.0.0.1:8443", "", 443, "127.0.0.1", 8443),
        ("shop.example.com::127.0.0.1:8443", "shop.example.com", 0, "127.0.0.1", 8443),
        ("shop.example.com:443:127.0.0.1", "shop.example.com", 443, "127.0.0.1", 0),
        ("shop.example.com:443:localhost:8443", "shop.example.com", 443, "127.0.0.1", 8443),
        ("shop.example.com:443:LOCALHOST.:8443", "shop.example.com", 443, "127.0.0.1", 8443),
    ],
)
def test_curls_syntax_is_understood(text: str, host: str, port: int, address: str, to_port: int) -> None:
    assert parse(text) == Relocation(host=host, port=port, address=address, to_port=to_port)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "HOST:PORT:ADDRESS:PORT"),
        ("shop.example.com", "HOST:PORT:ADDRESS:PORT"),
        ("shop.example.com:443", "HOST:PORT:ADDRESS:PORT"),
        ("shop.example.com:https:127.0.0.1:8443", "HOST:PORT:ADDRESS:PORT"),
        ("shop.example.com:443:::1:8443", "IPv6 addresses in brackets"),
        ("a" * 700 + ":443:127.0.0.1:1", "HOST:PORT:ADDRESS:PORT"),
        ("shop.example.com:443:127.0.0.1:8443:1", "HOST:PORT:ADDRESS:PORT"),
        ("shop.example.com:443:127.0.0.1:٣", "HOST:PORT:ADDRESS:PORT"),
        ("shop.example.com:443:other.example.com:443", "'other.example.com' is not an IP address"),
        ("shop.example.com:443::8443", "give the address to connect to (or localhost)"),
        ("shop.example.com:443:127.0.0.256:8443", "is not an IP address"),
        ("shop.example.com:443:[fe80::1%eth0]:8443", "is not an IP address"),
        ("shop.example.com:0:127.0.0.1:8443", "0 is not a port"),
        ("shop.example.com:443:127.0.0.1:65536", "65536 is not a port"),
        ("shop.example.com:443:127.0.0.1:" + "9" * 99, "is not a port"),
        (".:443:127.0.0.1:8443", "'.' is not a host name"),
        ("a：b:443:127.0.0.1:8443", "is not a host name"),
        ("ü" * 70 + ":443:127.0.0.1:8443", "is not a host name"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(text: str, says: str) -> None:
    with pytest.raises(BadInput) as refusal:
        parse(text)
    assert says in str(refusal.value)
    assert str(refusal.value).startswith("--connect-to")
    assert "\n" not in str(refusal.value)


def test_the_first_entry_that_matches_counts_as_in_curl() -> None:
    given_entries = parse_all(["shop.example.com:443:127.0.0.1:8443", "::127.0.0.2:"])
    assert given_entries.endpoints("SHOP.example.com", 443) == (
        Endpoint(host="SHOP.example.com", port=443, address="127.0.0.1", connect_port=8443),
    )
    assert given_entries.endpoints("other.example.com", 80) == (
        Endpoint(host="other.example.com", port=80, address="127.0.0.2"),
    )


def test_entries_for_the_same_host_and_port_are_its_addresses() -> None:
    found = parse_all(
        [
            "shop.example.com:443:127.0.0.1:8443",
            "shop.example.com:443:[::1]:8443",
            "shop.example.com:443:127.0.0.1:8443",
            "shop.example.com:80:127.0.0.1:8080",
        ]
    ).endpoints("shop.example.com", 443)
    assert found is not None
    assert [e.socket_address for e in found] == [("127.0.0.1", 8443), ("::1", 8443)]
    assert [e.connected_to for e in found] == ["127.0.0.1:8443", "[::1]:8443"]


def test_what_nothing_matches_is_to_be_resolved() -> None:
    assert Relocations().endpoints("shop.example.com", 443) is None
    assert parse_all(["shop.example.com:443:127.0.0.1:8443"]).endpoints("shop.example.com", 80) is None


hosts = st.one_of(
    st.just(""),
    st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?(\.[a-z0-9]{1,20}){0,3}", fullmatch=True),
    st.ip_addresses(v=6).map(lambda ip: str(ipaddress.ip_address(ip))),
)
addresses = st.ip_addresses().map(str)
ports = st.integers(0, 65535)


@given(st.builds(Relocation, host=hosts, port=ports, address=addresses, to_port=ports))
def test_writing_and_reading_is_the_identity(relocation: Relocation) -> None:
    assert parse(str(relocation)) == relocation


@given(st.one_of(st.text(max_size=80), st.text(alphabet="a.:[]0123456789-é：%", max_size=40)))
def test_any_text_is_an_entry_or_one_sentence(text: str) -> None:
    try:
        relocation = parse(text)
    except BadInput:
        return
    assert parse(str(relocation)) == relocation
