"""Tables of what name servers said: one row for each server, each alias and each question."""

from __future__ import annotations

import datetime as dt
from functools import cache

from cfrunbook.evidence import Observations
from cfrunbook.views import dns_table, html, tables
from tests.causes.test_dns_walk import walk_of

AT = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)


@cache
def seen(scenario: str) -> Observations:
    return Observations(recorded_at=AT, dns_queries=walk_of(scenario)[1])


def test_one_row_for_every_address_of_every_name_server() -> None:
    of, _ = walk_of("dns-stale-server-denies")
    table = dns_table.name_servers(seen("dns-stale-server-denies"), [of])
    assert table.columns[2:5] == ("A", "AAAA", "SOA serial")
    assert [row[0] for row in table.rows] == [f"ns{n}.shop.lab at 198.51.100.{n}" for n in (1, 2, 3, 4)]
    assert {row[1] for row in table.rows} == {"origin.shop.lab in shop.lab"}
    assert [row[2] for row in table.rows] == ["✓ 203.0.113.10", "✓ 203.0.113.10", "✕ NXDOMAIN", "✓ 203.0.113.10"]
    assert table.rows[2][4] == "! 2025010101"


def test_a_server_without_address_says_why() -> None:
    of, _ = walk_of("dns-missing-glue")
    rows = dns_table.name_servers(seen("dns-missing-glue"), [of]).rows
    assert rows[0][:3] == ("ns1.shop.lab at no address", "origin.shop.lab in shop.lab", "✕ no glue")
    assert set(rows[0][3:]) == {""}


def test_the_chain_of_aliases_hop_by_hop() -> None:
    of, _ = walk_of("dns-dangling-alias")
    alias = "shop-1234567890.eu-west-1.elb.cloud.net"
    assert dns_table.alias_chain(seen("dns-dangling-alias"), [of]).rows == (
        ("1", "origin.shop.lab", "shop.lab", f"✓ alias of {alias}", "300 s", "4 of 4 name servers"),
        ("2", alias, "cloud.net", "✕ does not exist (NXDOMAIN)", "–", "2 of 2 name servers"),
    )
    of, _ = walk_of("dns-alias-loop")
    assert dns_table.alias_chain(seen("dns-alias-loop"), [of]).rows[-1] == (
        *("4", "origin.shop.lab", "", "✕ where it began: a circle"),
        *("", ""),
    )
    of, _ = walk_of("dns-healthy")
    assert dns_table.alias_chain(seen("dns-healthy"), [of]).rows == ()


def test_every_question_has_a_row_that_evidence_can_point_to() -> None:
    recording = seen("dns-one-server-dead")
    table = dns_table.dns_queries(recording)
    assert table.ids == tuple(q.id for q in recording.dns_queries)
    silent = [row for row in table.rows if "ns4.shop.lab" in row[1]]
    assert any(row[3] == "origin.shop.lab A over TCP" for row in silent)
    assert any(row[3] == "origin.shop.lab A without EDNS" for row in silent)
    assert all(row[4].startswith(("no answer within", "connected, but")) for row in silent)
    assert any(row[4] == "referral to shop.lab" and row[2] == "lab" for row in table.rows)


def test_names_that_were_not_walked_to_give_nothing() -> None:
    nothing = Observations(recorded_at=AT)
    of, _ = walk_of("dns-healthy")
    assert dns_table.name_servers(nothing, [of]).rows == ()
    assert [t.title for t in tables.observations(nothing, wanted=[of])] == []
    titles = [t.title for t in tables.observations(seen("dns-healthy"), wanted=[of])]
    assert titles == ["What every name server answers", "Questions to name servers"]


def test_tables_become_a_page() -> None:
    of, _ = walk_of("dns-one-server-refuses")
    markup = html.table(dns_table.name_servers(seen("dns-one-server-refuses"), [of]))._repr_mimebundle_()[0][
        "text/html"
    ]
    assert "✕ REFUSED" in markup
    assert "<script" not in markup
