"""Where an origin is: its own name servers are believed before a resolver, and neither holds up the other."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import cfrunbook as cf
from cfrunbook import lab
from cfrunbook.evidence import AUTHORITATIVE, DnsOutcome, Observations
from cfrunbook.lab.dns.shop import FIRST, SECOND

CLOSED = ".  3600000  NS  a.root.\na.root.  3600000  A  192.0.2.1\n"
NOBODY = "192.0.2.1:53:127.0.0.1:9"


def look(**given: Any) -> Observations:
    return cf.observe_sync(cf.Incident.load(**given))


def in_lab(scenario: str, **more: Any) -> Observations:
    with lab.start(scenario) as running:
        return look(lab=running.file, **more)


def test_what_the_name_servers_say_is_connected_to_and_not_what_a_resolver_says() -> None:
    seen = in_lab("dns-split-horizon")
    said = {r.resolver == AUTHORITATIVE: r.ipv4 for r in seen.resolutions}
    assert said == {True: (FIRST,), False: ("10.0.3.7",)}
    assert {c.address for c in seen.connections} == {FIRST}


def test_the_system_is_not_asked_about_a_labs_own_tree() -> None:
    assert [r.resolver for r in in_lab("dns-healthy").resolutions] == [AUTHORITATIVE]


def test_addresses_that_some_servers_give_are_connected_to_as_well() -> None:
    seen = in_lab("dns-stale-server-old-address")
    assert {c.address for c in seen.connections} == {FIRST, SECOND}
    assert {c.address: c.outcome for c in seen.connections}[SECOND] == "refused"


def test_an_address_that_is_not_part_of_the_lab_is_left_alone() -> None:
    with lab.start("dns-healthy") as running:
        options = {**running.options, "lab": running.file}
        options["connect_to"] = tuple(entry for entry in running.connect_to if not entry.startswith(FIRST))
        seen = look(**options)
    assert not seen.connections
    assert [(n.what, n.why) for n in seen.not_observed] == [(f"{FIRST}, port 443", "it is not part of this lab")]


@pytest.mark.parametrize("scenario", ["healthy", "certificate-expired"])
def test_a_relocated_name_is_not_looked_up(scenario: str) -> None:
    assert in_lab(scenario).dns_queries == ()


def test_where_no_name_server_can_be_asked_the_resolvers_addresses_do(tmp_path: Path) -> None:
    """The lab's resolver is asked for a name, its servers are not to be had: what it says is connected to."""
    hints = tmp_path / "named.root"
    hints.write_text(CLOSED)
    with lab.start("dns-split-horizon") as running:
        options = cf.Incident.load(lab=running.file)
        inside = "10.0.3.7:443:127.0.0.1:9"
        seen = look(
            origin="origin.shop.lab",
            resolver=options.resolver,
            root_hints=hints,
            connect_to=[NOBODY, inside],
            deadline=1,
        )
    assert {q.outcome for q in seen.dns_queries} == {DnsOutcome.REFUSED_PORT}
    assert [(c.address, c.connected_to) for c in seen.connections] == [("10.0.3.7", "127.0.0.1:9")]
    (missing,) = seen.not_observed
    assert missing.why.startswith("questions to the root servers are rejected on the way (ICMP 3/3 (port unreachable)")
    assert missing.why.endswith("so port 53 seems to be blocked from here")


def test_each_resolver_is_asked_and_quoted(tmp_path: Path) -> None:
    hints = tmp_path / "named.root"
    hints.write_text(CLOSED)
    seen = look(
        origin="shop.invalid",
        resolver=["127.0.0.1:9", "[::1]:9"],
        root_hints=hints,
        connect_to=[NOBODY],
        deadline=0.5,
    )
    assert sorted(r.resolver for r in seen.resolutions) == ["127.0.0.1:9", "[::1]:9"]


def test_every_question_has_a_name_of_its_own() -> None:
    seen = in_lab("dns-three-aliases")
    assert max(Counter(q.id for q in seen.dns_queries).values()) == 1
    assert seen.find("dns-1") == seen.dns_queries[0]
    assert seen.number > len(seen.dns_queries)
