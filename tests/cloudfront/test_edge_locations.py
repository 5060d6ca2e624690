"""Codes of edge locations: the city, and the regions to look for logs in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook.cloudfront.edge_locations import PLACES, REGIONS, locate

ALL = tuple(region.name for region in REGIONS)


@pytest.mark.parametrize(
    ("pop", "code", "city", "country", "region"),
    [
        ("IAD89-C1", "IAD89-C1", "Ashburn", "US", "us-east-1"),
        ("FRA56-P4", "FRA56-P4", "Frankfurt", "DE", "eu-central-1"),
        ('"FRA56-P4"', "FRA56-P4", "Frankfurt", "DE", "eu-central-1"),
        ("X-Amz-Cf-Pop: LHR61-P6", "LHR61-P6", "London", "GB", "eu-west-2"),
        ("x-amz-cf-pop: hio52-p1", "HIO52-P1", "Hillsboro", "US", "us-west-2"),
        (" HIO50 ", "HIO50", "Hillsboro", "US", "us-west-2"),
        ("BOM78-P10", "BOM78-P10", "Mumbai", "IN", "ap-south-1"),
        ("DUB2-C1", "DUB2-C1", "Dublin", "IE", "eu-west-1"),
        ("GRU3-C2", "GRU3-C2", "Sao Paulo", "BR", "sa-east-1"),
        ("NRT57-P3", "NRT57-P3", "Tokyo", "JP", "ap-northeast-1"),
        ("ICN57-P1", "ICN57-P1", "Seoul", "KR", "ap-northeast-2"),
        ("SIN2-P2", "SIN2-P2", "Singapore", "SG", "ap-southeast-1"),
        ("AKL50-C1", "AKL50-C1", "Auckland", "NZ", "ap-southeast-2"),
        ("CMH68-P5", "CMH68-P5", "Columbus", "US", "us-east-2"),
        ("SFO53-P7", "SFO53-P7", "San Francisco", "US", "us-west-1"),
    ],
)
def test_known_locations(pop: str, code: str, city: str, country: str, region: str) -> None:
    found = locate(pop)
    assert (found.code, found.city, found.country, found.region) == (code, city, country, region)
    assert found.regions[0] == region
    assert sorted(found.regions) == sorted(ALL)
    assert found.sentence == (
        f"Edge location {code} is in {city} ({country}); the nearest regional edge cache that AWS lists is in"
        f" {region}, so look there first."
    )


@pytest.mark.parametrize(
    ("pop", "sentence"),
    [
        ("QQQ50-C1", "Where edge location QQQ50-C1 is, is not known here: look into every region."),
        ("PVG52-E1", "Edge location PVG52-E1 is in Shanghai (CN): CloudFront in China is a service of its own"),
        ("", "'' is no code of an edge location, such as FRA56-P4: look into every region."),
        ("Frankfurt", "'Frankfurt' is no code of an edge location"),
        ("FRA", "'FRA' is no code of an edge location"),
        ("FRA56-P4\x1b[2J", "'FRA56-P4\\\\x1b[2J' is no code of an edge location"),
        ("FRA\uff15\uff16", "'FRA\uff15\uff16' is no code of an edge location"),
    ],
)
def test_what_is_not_known_is_said(pop: str, sentence: str) -> None:
    found = locate(pop)
    assert found.sentence.startswith(sentence)
    assert found.region == ""
    assert found.regions == ALL


@pytest.mark.parametrize(
    ("pop", "second"),
    [("CDG50-P1", "eu-west-3"), ("ARN54-C1", "eu-north-1"), ("BAH52-C1", "me-south-1"), ("CPT52-C1", "af-south-1")],
)
def test_a_nearer_region_that_aws_does_not_list_comes_second(pop: str, second: str) -> None:
    found = locate(pop)
    assert found.regions[1] == second
    assert found.region != second


def test_regions_to_opt_in_to_come_last_where_they_are_far() -> None:
    assert set(locate("IAD89-C1").regions[-3:]) == {r.name for r in REGIONS if r.opt_in}


def test_every_place_is_on_earth_and_has_a_country() -> None:
    assert len(PLACES) > 100
    for code, place in PLACES.items():
        assert len(code) == 3
        assert code.isalpha()
        assert code.isupper()
        assert len(place.country) == 2
        assert -90 <= place.latitude <= 90
        assert -180 <= place.longitude <= 180


@given(st.text(max_size=30) | st.from_regex(r"[A-Z]{3}[0-9]{1,3}-[A-Z][0-9]{1,2}", fullmatch=True))
def test_whatever_a_header_says_there_is_an_answer(pop: str) -> None:
    found = locate(pop)
    assert sorted(found.regions) == sorted(ALL)
    assert found.sentence.endswith(".")
    assert not {"\n", "\x1b", "\0"} & set(found.sentence)
