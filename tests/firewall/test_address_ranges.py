"""AWS's ip-ranges.json: read, dated, refused in a sentence; and what an older list lacks."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from cfrunbook.errors import BadInput
from cfrunbook.firewall import address_ranges, intervals
from cfrunbook.firewall.published import LATEST, OLDER

AT = dt.datetime(2026, 11, 22, 18, tzinfo=dt.UTC)
FILE = {
    "syncToken": "1",
    "createDate": "2026-11-01-00-00-00",
    "prefixes": [
        {
            "ip_prefix": "192.0.2.0/24",
            "region": "GLOBAL",
            "service": "CLOUDFRONT_ORIGIN_FACING",
            "network_border_group": "GLOBAL",
        },
        {"ip_prefix": "198.51.100.0/24", "region": "GLOBAL", "service": "CLOUDFRONT", "network_border_group": "GLOBAL"},
    ],
    "ipv6_prefixes": [{"ipv6_prefix": "2001:db8::/32", "region": "GLOBAL", "service": "CLOUDFRONT_ORIGIN_FACING"}],
}


def test_the_copies_that_come_with_us_are_what_aws_published():
    assert (len(LATEST.ipv4), len(LATEST.ipv6)) == (46, 3)
    assert (
        address_ranges.sources(LATEST, 4).size,
        len(intervals.to_networks(address_ranges.sources(LATEST, 4), 4)),
    ) == (343_616, 45)
    (older,) = OLDER
    assert (len(older.ipv4), len(older.ipv6)) == (46, 8)
    missing = address_ranges.sources(LATEST, 4) - address_ranges.sources(older, 4)
    assert (intervals.to_networks(missing, 4), missing.size) == (("24.110.128.0/17", "52.46.0.0/20"), 36_864)
    for ranges in (LATEST, older):
        address_ranges.check(ranges)
        assert dt.datetime.fromtimestamp(int(ranges.sync_token), dt.UTC) == address_ranges.published_at(ranges)


def test_only_the_origin_facing_service_counts():
    ranges = address_ranges.read(json.dumps(FILE).encode())
    assert (ranges.ipv4, ranges.ipv6, ranges.sync_token) == (("192.0.2.0/24",), ("2001:db8::/32",), "1")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"<html>", "is not JSON"),
        (b"{}", "is not AWS's ip-ranges.json"),
        (json.dumps({**FILE, "prefixes": FILE["prefixes"][1:], "ipv6_prefixes": []}).encode(), "no prefix of the service CLOUDFRONT_ORIGIN_FACING"),
        (json.dumps({**FILE, "createDate": "yesterday"}).encode(), "createDate 'yesterday' is no date"),
        (json.dumps({**FILE, "prefixes": [{"ip_prefix": "x", "service": "CLOUDFRONT_ORIGIN_FACING"}]}).encode(), "'x' is no IPv4 prefix"),
        (json.dumps({**FILE, "prefixes": [{"service": "CLOUDFRONT_ORIGIN_FACING"}]}).encode(), "has no ip_prefix"),
    ],
)  # fmt: skip
def test_what_is_no_list_is_refused_in_a_sentence(content, says):
    with pytest.raises(BadInput, match="Address ranges: ") as error:
        address_ranges.read(content)
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("created", "described"),
    [
        ("2026-08-22-15-17-05", "the list of 2026-08-22, 92 days old"),
        ("2026-11-22-01-00-00", "the list of 2026-11-22, of the same day"),
        ("2026-11-21-01-00-00", "the list of 2026-11-21, 1 day old"),
        ("2026-12-01-00-00-00", "the list of 2026-12-01, newer than the moment judged at"),
    ],
)
def test_the_age_of_a_list_is_told(created, described):
    ranges = address_ranges.read({**FILE, "createDate": created})
    assert address_ranges.describe(ranges, AT) == described
