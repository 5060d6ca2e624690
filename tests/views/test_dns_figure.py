"""The delegation, the matrix of servers and the chain of aliases say in words what they draw; trees of the lab."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cfrunbook import evidence
from cfrunbook.causes import dns as cause
from cfrunbook.causes.dns_conditions import Condition
from cfrunbook.causes.dns_delegation import Delegations, fold
from cfrunbook.evidence import DnsOutcome, DnsQuery, DnsTransport
from cfrunbook.findings import Finding, Status
from cfrunbook.lab.dns.internet import internet
from cfrunbook.lab.dns.setup import Fault
from cfrunbook.lab.dns.shop import EVERY_SERVER, shop
from cfrunbook.views import delegation_figure, dns_figure, figures, style
from cfrunbook.views.dns_cells import CONDITIONS, OUTCOMES, Row, rows, zones_in_order
from tests.causes.test_dns_walk import DNS_SCENARIOS, judge, target, walk_of
from tests.probes.dns.replayed import walked
from tests.views.test_figures import SVG, check

NAME = "origin.shop.lab"
ALIAS = "shop-1234567890.eu-west-1.elb.cloud.net"


@cache
def seen(scenario: str) -> tuple[Delegations, tuple[Finding, ...]]:
    of, queries = walk_of(scenario)
    kind = "AAAA" if of.ip_address_type == "ipv6" else "A"
    return fold(queries, of.domain, kind=kind), judge(queries, of=of)


def picture(queries: list[DnsQuery]) -> figures.Picture:
    return figures.delegation(fold(queries, NAME), judge(queries))


# --- the delegation -----------------------------------------------------------------------------------------------------

DRAWN = {
    "dns-weighted-alias-one-gone": (
        f"{NAME}: alias of blue-1122334455.eu-west-1.elb.cloud.net or {ALIAS}  (TTL 60 s)",
        "blue-1122334455.eu-west-1.elb.cloud.net: 203.0.113.10  (TTL 300 s); or, for about 50 % of lookups, from"
        f" {NAME} on; dangling alias: in cloud.net, above: 2 of 2 name servers answer; {ALIAS}: does not exist",
    ),
    "dns-healthy": (
        f"{NAME} resolves to 203.0.113.10: 4 of 4 name servers of shop.lab say so.",
        "the root: 2 addresses asked, all answer; the root names 2 name servers and gives their addresses; lab: 2",
        "shop.lab: 4 addresses asked, all answer · serial 2026112201 (ns1.shop.lab (198.51.100.1) 203.0.113.10; ns2",
        f"4 of 4 name servers answer; {NAME}: 203.0.113.10  (TTL 300 s).",
    ),
    "dns-missing-glue": (
        "lab gives no address for any of the 4 name servers of shop.lab",
        "glue missing: lab names 4 name servers; shop.lab: no server could be asked (ns1.shop.lab no glue; ns2",
        f"nobody can tell; {NAME}: not reached.",
    ),
    "dns-server-names-gone": ("server names unresolved: lab names 2 name servers; shop.lab: no server", " no address;"),
    "dns-all-servers-dead": (
        "all servers dead: lab names 4 name servers and gives their addresses; shop.lab: 4 addresses asked, 4 in trouble",
        "(ns1.shop.lab (198.51.100.1) no answer; ns2",
        f"{NAME}: not reached.",
    ),
    "dns-all-servers-refuse": ("all servers refuse: lab names 4 name servers; shop.lab", "(198.51.100.101) REFUSED;"),
    "dns-subdomain-dead": (
        "(ns1.shop.lab (198.51.100.1) refers on; ns2",
        "all servers dead: shop.lab names 2 name servers and gives their addresses; api.shop.lab: 2 addresses asked, 2 in",
    ),
    "dns-ds-mismatch": ("DNSSEC bogus: lab names 4 name servers", f"{NAME}: 203.0.113.10"),
    "dns-nxdomain": ("NXDOMAIN: 4 of 4 name servers answer", f"{NAME}: does not exist (NXDOMAIN)."),
    "dns-nodata": ("no such record: 4 of 4 name servers answer", f"{NAME}: exists, and has no address."),
    "dns-not-delegated": ("lab: 2 addresses asked, all answer (a.nic.lab", "not delegated: 2 of 2 name servers answer"),
    "dns-stale-server-denies": (
        "shop.lab, serials differ: 4 addresses asked, 1 in trouble · 2 serials (ns3.shop.lab (198.51.100.3) NXDOMAIN)",
        "servers disagree: 4 of 4 name servers answer",
        f"{NAME}: 203.0.113.10; or NXDOMAIN, depending on the server  (TTL 300 s)",
    ),
    "dns-one-server-refuses": (
        "shop.lab, server refuses: 4 addresses asked, 1 in trouble · serial 2026112201 (ns4.shop.lab (198.51.100.4)",
        f"3 of 4 name servers answer; {NAME}: 203.0.113.10",
    ),
    "dns-registry-lists-more": ("servers mismatch: lab names 4 name servers", "shop.lab, server silent: 4 addresses"),
    "dns-old-glue-of-one": ("glue wrong: lab names 4", "ns4.shop.lab (198.51.100.84) no answer"),
    "dns-dangling-alias": (
        f"{NAME}: alias of {ALIAS}  (TTL 300 s); from the root again: the root names 2 name servers",
        f"dangling alias: 2 of 2 name servers answer; {ALIAS}: does not exist (NXDOMAIN).",
    ),
    "dns-alias-loop": (
        "in shop.lab, above: 4 of 4 name servers answer; lb.shop.lab: alias of",
        f"back to {NAME}: it never ends.",
    ),
    "dns-alias-chain-too-long": ("13 aliases later, in shop.lab, above", "alias chain too long"),
    "dns-parent-and-child-together": ("shop.lab: also holds api.shop.lab · 4 addresses asked, all answer",),
    "dns-truncated-tcp-dropped": ("TCP needed: lab names 4", "(198.51.100.1) cut off, no TCP;"),
}


@pytest.mark.parametrize("scenario", DRAWN)
def test_the_delegation_says_where_it_breaks(scenario: str) -> None:
    walk, findings = seen(scenario)
    drawn = check(figures.delegation(walk, findings))
    for words in DRAWN[scenario]:
        assert words in drawn.alt
    is_broken = any(f.status is Status.FAULT for f in findings)
    assert ("stroke-dasharray" in drawn.svg) == is_broken
    assert ("--cfr-fault" in drawn.svg) == any(f.status in (Status.FAULT, Status.WARNING) for f in findings)


def test_without_findings_only_servers_are_marked() -> None:
    walk, _ = seen("dns-stale-server-denies")
    told = check(figures.delegation(walk)).alt
    assert "(ns3.shop.lab (198.51.100.3) NXDOMAIN)" in told
    assert "disagree" not in told


def test_where_port_53_is_blocked_nothing_is_called_broken() -> None:
    _, queries = walk_of("dns-healthy")
    silent = [
        evidence.DnsQuery(
            id=q.id,
            zone=".",
            server=q.server,
            address=q.address,
            transport=q.transport,
            name=NAME,
            type="A",
            outcome=DnsOutcome.TIMEOUT,
        )
        for q in queries
        if q.zone == "."
    ]
    drawn = check(picture(silent))
    assert "so UDP port 53 seems to be blocked from here. the root: no server could be asked" in drawn.alt
    assert "--cfr-ok" not in drawn.svg
    assert "--cfr-fault" not in drawn.svg


def test_many_servers_are_bounded_and_the_broken_ones_come_first() -> None:
    _, queries = walk_of("dns-one-server-refuses")
    shop_queries = [q for q in queries if q.zone == "shop.lab"]
    well = [q for q in shop_queries if q.server == "ns1.shop.lab"]
    more = [
        evidence.DnsQuery(**{f: getattr(q, f) for f in q.__struct_fields__} | {"server": f"m{n:02}.shop.lab"})
        for n in range(40)
        for q in well
    ]
    walk = fold([*queries, *more], NAME)
    told = check(figures.delegation(walk, judge([*queries, *more])))
    assert "44 addresses asked, 1 in trouble" in told.alt
    assert len(told.svg) < 600_000
    matrix = check(figures.servers(walk)).alt
    assert "ns4.shop.lab" in matrix
    assert "and 18 more addresses of shop.lab" in matrix


# --- the matrix ---------------------------------------------------------------------------------------------------------


def servers_of(scenario: str, zone: str = "shop.lab") -> dict[str, Row]:
    walk, _ = seen(scenario)
    return {row.server: row for z in walk.zones if z.name == zone for row in rows(walk, z)}


def told(row: Row) -> list[str]:
    """The answers of a row, each with its mark."""
    return [f"{style.symbol(c.status)} {c.words}" if c.status else "" for c in row.cells.values()]


WELL = ["✓ 203.0.113.10", "– none", "✓ 2026112201", "✓ 4 servers", "– none", "✓ 203.0.113.10", "✓ 203.0.113.10"]
NOTHING = ["✕ no answer"] * 7
ROWS = {
    "dns-healthy": ("ns1.shop.lab", WELL),
    "dns-one-server-dead": ("ns4.shop.lab", NOTHING),
    "dns-one-server-refuses": ("ns4.shop.lab", ["✕ REFUSED"] * 7),
    "dns-one-server-stopped": ("ns4.shop.lab", ["✕ port closed"] * 7),
    "dns-one-server-lame": ("ns4.shop.lab", ["✕ no authority"] * 2),
    "dns-one-server-refers-upward": ("ns4.shop.lab", ["✕ refers back"] * 2),
    "dns-stale-server-denies": ("ns3.shop.lab", ["✕ NXDOMAIN", "✕ NXDOMAIN", "! 2025010101", "✓ 4 servers"]),
    "dns-signed": ("ns1.shop.lab", [*WELL[:4], "✓ 1 key"]),
    "dns-edns-dropped": ("ns1.shop.lab", [*["✕ no answer"] * 5, "✓ 203.0.113.10"]),
    "dns-without-edns": ("ns1.shop.lab", ["! FORMERR"] * 5),
    "dns-without-tcp": ("ns3.shop.lab", [*WELL[:6], "! port closed"]),
    "dns-truncated-tcp-dropped": ("ns1.shop.lab", [*["✕ cut off"] * 6, "✕ no answer"]),
    "dns-subdomain-dead": ("ns1.shop.lab", ["✓ refers on", "✓ refers on", *WELL[2:5], "✓ refers on", "✓ refers on"]),
    "dns-three-aliases": ("ns1.shop.lab", ["✓ alias", "✓ alias"]),
    "dns-missing-glue": ("ns1.shop.lab", []),
}


@pytest.mark.parametrize("scenario", ROWS)
def test_every_answer_has_a_mark_and_words(scenario: str) -> None:
    server, expected = ROWS[scenario]
    found = told(servers_of(scenario)[server])
    assert found[: len(expected)] == expected


@pytest.mark.parametrize("scenario", [s for s in DNS_SCENARIOS if s.startswith("dns-one-server-")])
def test_one_bad_server_is_the_only_one_in_trouble(scenario: str) -> None:
    found = servers_of(scenario)
    assert [s for s, row in found.items() if style.look(row.summary.status) in ("fault", "warning")] == ["ns4.shop.lab"]


@pytest.mark.parametrize("scenario", ["dns-healthy", "dns-route-53", "dns-weighted", "dns-three-aliases", "dns-signed"])
def test_where_all_is_well_no_mark_says_otherwise(scenario: str) -> None:
    walk, findings = seen(scenario)
    found = [row for zone in zones_in_order(walk) for row in rows(walk, zone)]
    assert {c.status for row in found for c in (row.summary, *row.cells.values())} <= {"ok", "none", ""}
    for drawn in (figures.delegation(walk, findings), figures.servers(walk), figures.aliases(walk, findings)):
        assert "--cfr-fault" not in drawn.svg
        assert "--cfr-warning" not in drawn.svg


def test_the_matrix_follows_the_aliases_from_zone_to_zone() -> None:
    walk, _ = seen("dns-dangling-alias")
    alt = check(figures.servers(walk)).alt
    assert alt.index("shop.lab, asked for origin.shop.lab: ns1.shop.lab") < alt.index(
        f"cloud.net, asked for {ALIAS}: ns1"
    )
    assert "A NXDOMAIN (fault), AAAA NXDOMAIN (fault), SOA serial 2026112201, NS 2 servers" in alt


def test_servers_without_an_address_have_the_reason_for_an_answer() -> None:
    walk, _ = seen("dns-missing-glue")
    assert "ns1.shop.lab, ns2.shop.lab, ns3.shop.lab and ns4.shop.lab: no glue" in check(figures.servers(walk)).alt


def test_no_server_asked_draws_that() -> None:
    assert "No name server could be asked" in check(figures.servers(fold([], NAME))).alt
    assert f"{NAME}: nobody says what it is" in check(figures.delegation(fold([], NAME))).alt


def test_each_fault_of_four_servers_is_told_apart() -> None:
    kinds = (Fault.DROP, Fault.REFUSED, Fault.SERVFAIL, Fault.UPWARD_REFERRAL)
    tree = internet(shop(faults={server: (kind,) for server, kind in zip(EVERY_SERVER, kinds, strict=True)}))
    walk = fold(walked(tree, NAME).queries, NAME)
    (zone,) = [z for z in walk.zones if z.name == "shop.lab"]
    assert [str(row.summary) for row in rows(walk, zone)] == ["no answer", "REFUSED", "SERVFAIL", "refers back up"]


def test_every_condition_and_outcome_has_its_mark_and_words() -> None:
    assert set(CONDITIONS) == set(Condition)
    assert set(OUTCOMES) == set(DnsOutcome)
    for status, words in (*CONDITIONS.values(), *OUTCOMES.values()):
        assert style.look(status) == status or status == "not_examined"
        assert 0 < len(words) <= 15


# --- the chain of aliases -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scenario", "said"),
    [
        ("dns-healthy", f"{NAME} (zone shop.lab · 4 of 4 name servers answer, TTL 300 s): 203.0.113.10. It is no alias."),
        (
            "dns-dangling-alias",
            f"TTL 300 s): alias of {ALIAS}; {ALIAS} (zone cloud.net · 2 of 2 name servers answer): does not exist",
        ),
        ("dns-alias-loop", f"; and back to {NAME}: a circle."),
        ("dns-three-aliases", "shop.brand.org (zone brand.org · 2 of 2 name servers answer"),
        ("dns-alias-target-dead", f"{ALIAS} (zone cloud.net · 0 of 2 name servers answer): nobody says what it is"),
        ("dns-alias-chain-too-long", "hop16.shop.lab (zone shop.lab"),
    ],
)  # fmt: skip
def test_the_chain_of_aliases_says_who_says_what(scenario: str, said: str) -> None:
    assert said in check(figures.aliases(*seen(scenario))).alt


def test_a_circle_is_drawn_broken_and_back_to_where_it_began() -> None:
    walk, findings = seen("dns-alias-loop")
    assert "stroke-dasharray" in figures.aliases(walk, findings).svg
    assert "stroke-dasharray" not in figures.aliases(*seen("dns-three-aliases")).svg


# --- what is hostile ----------------------------------------------------------------------------------------------------

TEXTS = st.sampled_from(
    [NAME, "shop.lab", "lab", ".", "ns1.shop.lab", "<script>", "\x1b[2J\u202e", "$x$", "", "w" * 400]
)
RECORDS = st.lists(
    st.builds(
        evidence.DnsRecord,
        owner=TEXTS,
        ttl=st.integers(0, 9),
        type=st.sampled_from(["A", "AAAA", "NS", "SOA", "CNAME", "DS", "DNSKEY", "<b>"]),
        data=st.one_of(TEXTS, st.sampled_from(["192.0.2.1", f"{NAME}.", "a. b. 1 2 3 4 5"])),
    ),
    max_size=3,
).map(tuple)
QUERIES = st.lists(
    st.builds(
        DnsQuery,
        id=st.just("dns-1"),
        zone=st.sampled_from([".", "lab", "shop.lab", "<b>", ""]),
        server=TEXTS,
        address=st.sampled_from(["192.0.2.1", "::1", "<i>nonsense", ""]),
        transport=st.sampled_from(DnsTransport),
        name=st.sampled_from([NAME, "shop.lab", "."]),
        type=st.sampled_from(["A", "AAAA", "NS", "SOA", "DNSKEY"]),
        edns=st.booleans(),
        outcome=st.sampled_from(DnsOutcome),
        rcode=st.sampled_from(["", "NOERROR", "SERVFAIL", "\x1b[2J<b>"]),
        authoritative=st.booleans(),
        **dict.fromkeys(("answer", "authority", "additional"), RECORDS),
    ),
    max_size=6,
)


@settings(max_examples=10, deadline=None)
@given(QUERIES)
def test_any_recording_can_be_drawn(queries: list[DnsQuery]) -> None:
    walk = fold(queries, NAME)
    findings = cause.judge((), target=target(), queries=queries)
    for drawn in (figures.delegation(walk, findings), figures.servers(walk), figures.aliases(walk, findings)):
        root = ElementTree.fromstring(drawn.svg)
        assert {e.tag.removeprefix(SVG) for e in root.iter()} <= {"svg", "g", "path", "use", "defs", "clipPath", "rect"}
        assert root.attrib["aria-label"] == drawn.alt
        assert "\x1b" not in drawn.alt


def test_figures_keep_their_bounds() -> None:
    limits: dict[str, Any] = {"servers": delegation_figure.MAX_SERVERS, "rows": dns_figure.MAX_SERVERS}
    assert limits == {"servers": 26, "rows": 26}
    names = [f"a{n}.shop.lab" for n in range(30)]
    chain = [
        DnsQuery(
            id=f"dns-{n}",
            zone="shop.lab",
            server="ns1.shop.lab",
            address="192.0.2.1",
            transport=DnsTransport.UDP,
            name=name,
            type="A",
            outcome=DnsOutcome.ANSWER,
            rcode="NOERROR",
            authoritative=True,
            answer=(evidence.DnsRecord(owner=name, ttl=0, type="CNAME", data=f"{after}."),),
        )
        for n, (name, after) in enumerate(pairwise(names))
    ]
    walk = fold(chain, names[0])
    assert len(walk.hops) <= dns_figure.MAX_HOPS
    assert "TTL 0 s" in check(figures.aliases(walk)).alt
