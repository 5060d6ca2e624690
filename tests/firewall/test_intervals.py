"""Interval sets obey the laws of sets, and prefixes come out as few as can be."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.firewall import intervals
from cfrunbook.firewall.intervals import Intervals

SPACE = 64
pairs = st.tuples(st.integers(0, SPACE), st.integers(0, SPACE))
sets = st.lists(pairs, max_size=8).map(Intervals.of)


def members(these: Intervals) -> set[int]:
    return {n for a, b in these.pairs for n in range(a, b)}


@given(st.lists(pairs, max_size=8))
def test_any_pairs_become_sorted_disjoint_and_apart(given_pairs):
    made = Intervals.of(given_pairs)
    assert members(made) == {n for a, b in given_pairs for n in range(a, b)}
    assert all(a < b for a, b in made.pairs)
    assert all(before[1] < after[0] for before, after in zip(made.pairs, made.pairs[1:], strict=False))


@given(sets, sets)
def test_operations_are_those_of_sets(one, other):
    assert members(one | other) == members(one) | members(other)
    assert members(one & other) == members(one) & members(other)
    assert members(one - other) == members(one) - members(other)
    assert one.size == len(members(one))


@given(sets, sets, sets)
def test_laws_of_sets_hold(a, b, c):
    assert a & (b | c) == (a & b) | (a & c)
    assert a - (b | c) == (a - b) & (a - c)
    assert (a - b) | (a & b) == a
    assert not (a - b) & b


@given(sets, st.integers(0, SPACE))
def test_membership(these, number):
    assert (number in these) == (number in members(these))


@given(st.lists(st.tuples(st.integers(0, 2**32), st.integers(0, 2**10)), max_size=5))
def test_prefixes_hold_exactly_the_set_and_are_the_fewest(spans):
    these = Intervals.of((a, min(a + n, 2**32)) for a, n in spans)
    prefixes = intervals.to_networks(these, 4)
    assert intervals.of_networks(prefixes, 4) == these
    assert [ipaddress.ip_network(p) for p in prefixes] == list(
        ipaddress.collapse_addresses(ipaddress.ip_network(p) for p in prefixes)
    )


def blocks(family: int) -> st.SearchStrategy[list[str]]:
    """Return prefixes close to each other, so that they overlap, touch and nest."""
    base, bits = (0xC0000200, 32) if family == 4 else (0x20010DB8 << 96, 128)

    def prefix(offset: int, size: int) -> str:
        first = base + (offset >> size << size)
        return f"{intervals.show(first, family)}/{bits - size}"

    return st.lists(st.builds(prefix, st.integers(0, 255), st.integers(0, 8)), max_size=8)


def networks(prefixes: list[str]) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    return list(ipaddress.collapse_addresses(map(ipaddress.ip_network, prefixes)))


def without(kept: list, others: list) -> list:
    """Return networks without others, by the standard library's own exclusion, one pair at a time."""
    for other in others:
        left = []
        for one in kept:
            if not one.overlaps(other):
                left.append(one)
            elif other.prefixlen > one.prefixlen:
                left += one.address_exclude(other)
        kept = left
    return list(ipaddress.collapse_addresses(kept))


@given(st.sampled_from([4, 6]).flatmap(lambda f: st.tuples(st.just(f), blocks(f), blocks(f))))
def test_the_standard_library_does_the_same_sums(given_blocks):
    family, ones, others = given_blocks
    one, other = intervals.of_networks(ones, family), intervals.of_networks(others, family)
    cases = {
        "or": (one | other, networks([*ones, *others])),
        "minus": (one - other, without(networks(ones), networks(others))),
        "and": (one & other, without(networks(ones), without(networks(ones), networks(others)))),
    }
    for name, (ours, theirs) in cases.items():
        assert list(intervals.to_networks(ours, family)) == list(map(str, theirs)), name
        assert ours.size == sum(n.num_addresses for n in theirs)


@pytest.mark.parametrize("family", [4, 6])
def test_everything_is_one_prefix(family):
    assert intervals.to_networks(intervals.everything(family), family) == ("0.0.0.0/0" if family == 4 else "::/0",)


@pytest.mark.parametrize(
    ("text", "family", "prefix"),
    [
        ("192.0.2.0/24", 4, "192.0.2.0/24"),
        ("192.0.2.77/24", 4, "192.0.2.0/24"),
        ("192.0.2.0/255.255.255.0", 4, "192.0.2.0/24"),
        ("192.0.2.1", 4, "192.0.2.1/32"),
        ("2001:db8::/32", 6, "2001:db8::/32"),
        ("0.0.0.0/0", 4, "0.0.0.0/0"),
    ],
)
def test_networks_as_dumps_write_them(text, family, prefix):
    kind, pair = intervals.network(text)
    assert (kind, intervals.to_networks(Intervals((pair,)), kind)) == (family, (prefix,))


@pytest.mark.parametrize(
    "text", ["", "192.0.2.256", "example.com", "fe80::1%eth0", "192.0.2.0/33", "1.2.3.4/255.0.255.0"]
)
def test_what_is_no_network_is_refused(text):
    with pytest.raises(ValueError):
        intervals.network(text)
