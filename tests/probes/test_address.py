"""Addresses with ports, as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.probes.address import is_loopback, join, split, version


@given(st.ip_addresses(), st.integers(1, 65535))
def test_what_is_joined_can_be_split(address: object, port: int) -> None:
    assert split(join(str(address), port), 1) == (str(address), port)
    assert split(str(address), port) == (str(address), port)


@given(st.text(max_size=30) | st.text(alphabet="[]:.0123456789a", max_size=20))
def test_any_text_is_an_address_or_a_value_error(text: str) -> None:
    try:
        address, port = split(text, 443)
    except ValueError:
        return
    assert version(address) in (4, 6)
    assert 1 <= port <= 65535


@pytest.mark.parametrize(
    ("address", "family", "loopback"),
    [("127.0.0.1", 4, True), ("127.9.9.9", 4, True), ("::1", 6, True), ("192.0.2.1", 4, False), ("x", 0, False)],
)
def test_families_and_loopback(address: str, family: int, loopback: bool) -> None:
    assert (version(address), is_loopback(address)) == (family, loopback)
