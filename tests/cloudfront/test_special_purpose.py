"""Addresses that nobody reaches over the internet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.cloudfront.special_purpose import ENTRIES, special_purpose


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("10.0.3.7", "private address"),
        ("172.31.255.255", "private address"),
        ("192.168.1.1", "private address"),
        ("100.64.0.1", "shared address (carrier-grade NAT)"),
        ("127.0.0.1", "loopback address"),
        ("169.254.169.254", "link-local address"),
        ("0.0.0.0", "address of “this network”"),
        ("255.255.255.255", "reserved address"),
        ("::1", "loopback address"),
        ("::", "unspecified address"),
        ("::ffff:8.8.8.8", "IPv4-mapped address"),
        ("fd12:3456::1", "unique local address"),
        ("fe80::1", "link-local address"),
        ("ff02::1", "multicast address"),
    ],
)
def test_unreachable_addresses_have_a_name(address: str, name: str) -> None:
    found = special_purpose(address)
    assert found is not None
    assert found.name == name
    assert found.source.startswith("RFC ")


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "172.32.0.1",
        "100.128.0.1",
        "192.88.99.1",
        "2606:4700::1111",
        "64:ff9b::808:808",  # NAT64: reachable through a translator
        "203.0.113.10",  # documentation stands for public addresses
        "2001:db8::1",
        "shop.example.com",
        "",
    ],
)
def test_other_addresses_have_none(address: str) -> None:
    assert special_purpose(address) is None


@given(st.ip_addresses())
def test_what_is_found_contains_the_address(address: object) -> None:
    found = special_purpose(str(address))
    assert found is None or address in found.prefix


def test_no_entry_is_inside_another() -> None:
    for entry in ENTRIES:
        others = [e.prefix for e in ENTRIES if e is not entry and e.prefix.version == entry.prefix.version]
        assert not [other for other in others if entry.prefix.overlaps(other)]  # type: ignore[arg-type]
