"""What the walk to the name servers shows and what that means: trees of the lab, walked in memory, and judged."""

from __future__ import annotations

import datetime as dt
import json
import shlex
import subprocess
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import jmespath
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cfrunbook import evidence
from cfrunbook.causes import dns as cause
from cfrunbook.causes import dns_answer_rules, dns_rules, dns_server_rules
from cfrunbook.causes.dns_conditions import Control
from cfrunbook.causes.dns_delegation import MAX_WAYS, fold
from cfrunbook.causes.dns_zones import is_newer
from cfrunbook.cloudfront.targets import Target
from cfrunbook.evidence import DnsOutcome, DnsQuery, Observations, Resolution, ResolutionOutcome
from cfrunbook.findings import Finding, Status
from cfrunbook.lab.authority import Authority
from cfrunbook.lab.dns.internet import SHOP_SERVERS, Tree, delegation, domain, internet, zone
from cfrunbook.lab.dns.setup import Fault, Template, Zone
from cfrunbook.lab.dns.shop import EVERY_SERVER, FIRST, SHOP, failing, shop, shop_zone
from cfrunbook.lab.scenario import Scenario
from cfrunbook.lab.scenarios import SCENARIOS
from cfrunbook.probes.endpoint import Endpoint
from tests.probes.dns.replayed import Respond, responding, walked

NAME = "origin.shop.lab"
NOW = dt.datetime.now(dt.UTC)  # the lab signs zones for a few days around now
DNS_SCENARIOS = {name: scenario for name, scenario in SCENARIOS.items() if name.startswith("dns-")}
SERVER, OTHERS = EVERY_SERVER[-1], EVERY_SERVER[:-1]


@cache
def authority() -> Authority:
    return Authority()


def target(name: str = NAME, ip_address_type: str = "ipv4") -> Target:
    return Target(
        id="shop:443",
        origin_id="shop",
        domain=name,
        port=443,
        protocol="https",
        ip_address_type=ip_address_type,  # type: ignore[arg-type]
    )


def judge(queries: Sequence[DnsQuery], *resolutions: Resolution, of: Target | None = None) -> tuple[Finding, ...]:
    return cause.judge(resolutions, target=of or target(), queries=queries, at=NOW)


def codes(findings: Sequence[Finding]) -> dict[str, Status]:
    return {f.code.removeprefix("dns."): f.status for f in findings}


@cache
def walk_of(scenario: str) -> tuple[Target, tuple[DnsQuery, ...]]:
    setup = DNS_SCENARIOS[scenario].set_up(authority())
    assert setup.dns is not None
    of = target(setup.origin.domain, setup.origin.ip_address_type)
    return of, tuple(walked(setup.dns, of.domain).queries)


# --- the lab's scenarios ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scenario", DNS_SCENARIOS.values(), ids=lambda s: s.name)
def test_the_judge_says_what_is_wrong_in_every_scenario(scenario: Scenario) -> None:
    of, queries = walk_of(scenario.name)
    faults = [f for f in judge(queries, of=of) if f.status is Status.FAULT]
    assert [f.code for f in faults] == ([scenario.expected.code] if scenario.expected.code else [])
    assert [f.cloudfront_status for f in faults] == ([scenario.expected.cloudfront_status] if faults else [])


# what else there is to be said: warnings, remarks, and that all is well
BESIDES = {
    "dns-one-server-dead": {"server_silent": "warning", "resolves": "ok"},
    "dns-one-server-stopped": {"server_not_running": "warning", "resolves": "ok"},
    "dns-one-server-refuses": {"server_refuses": "warning", "resolves": "ok"},
    "dns-one-server-fails": {"server_fails": "warning", "resolves": "ok"},
    "dns-one-server-lame": {"server_not_authoritative": "warning", "resolves": "ok"},
    "dns-one-server-refers-upward": {"server_refers_upward": "warning", "resolves": "ok"},
    "dns-one-server-garbled": {"server_garbles": "warning", "resolves": "ok"},
    "dns-one-server-wrong-id": {"server_garbles": "warning", "resolves": "ok"},
    "dns-one-server-stale": {"serials_differ": "warning", "resolves": "ok"},
    "dns-stale-server-denies": {"serials_differ": "warning", "servers_disagree": "fault", "resolves": "ok"},
    "dns-registry-lists-more": {"server_silent": "warning", "servers_mismatch": "warning", "resolves": "ok"},
    "dns-zone-lists-more": {"servers_mismatch": "warning", "resolves": "ok"},
    "dns-old-glue-of-one": {"server_silent": "warning", "glue_wrong": "warning", "resolves": "ok"},
    "dns-without-tcp": {"server_without_tcp": "warning", "resolves": "ok"},
    "dns-without-edns": {"resolves": "ok"},
    "dns-alias-at-apex": {"alias_and_other_data": "warning", "resolves": "ok"},
    "dns-weighted": {"answers_vary": "info", "resolves": "ok"},
    "dns-weighted-alias-one-gone": {"answers_vary": "info", "resolves": "ok", "dangling_alias": "fault"},
    "dns-two-aliases": {"several_aliases": "warning", "resolves": "ok"},
    "dns-one-instance-stale": {"instances_differ": "warning", "resolves": "ok"},
    "dns-aaaa-denied": {"denied_by_type": "warning", "resolves": "ok"},
    "dns-geographic": {"answers_vary": "info", "resolves": "ok"},
    "dns-wildcard": {"any_name_resolves": "info", "resolves": "ok"},
    "dns-healthy": {"resolves": "ok"},
    "dns-no-ttl": {"ttl_zero": "info", "resolves": "ok"},
    "dns-route-53": {"resolves": "ok"},
    "dns-signed": {"dnssec_followed": "info", "resolves": "ok"},
    "dns-alias-chain-too-long": {"alias_chain_too_long": "fault"},
    "dns-missing-glue": {"glue_missing": "fault"},
}


@pytest.mark.parametrize("scenario", BESIDES)
def test_what_else_there_is_to_be_said(scenario: str) -> None:
    of, queries = walk_of(scenario)
    assert codes(judge(queries, of=of)) == {code: Status(status) for code, status in BESIDES[scenario].items()}


TITLES = {
    "dns-nxdomain": "origin.shop.lab does not exist: the zone shop.lab (serial 2026112201) says so at",
    "dns-not-delegated": "The domain of origin.shop.lab does not exist: lab does not delegate it.",
    "dns-nodata": "origin.shop.lab exists in the zone shop.lab (serial 2026112201) but has no A record.",
    "dns-dangling-alias": "is an alias of shop-1234567890.eu-west-1.elb.cloud.net, which does not exist: the zone cloud.net",
    "dns-weighted-alias-one-gone": "which does not exist: the zone cloud.net says so; about 50 % of lookups go there.",
    "dns-weighted": "varies: now 203.0.113.10, now 203.0.113.20, from each of its 4 name servers.",
    "dns-two-aliases": "origin.shop.lab has more than one CNAME record: blue.cloud.net and green.cloud.net.",
    "dns-aaaa-denied": "(198.51.100.4); every cold lookup asks one of them.",
    "dns-alias-loop": "origin.shop.lab → lb.shop.lab → shop-1234567890.eu-west-1.elb.cloud.net → origin.shop.lab.",
    "dns-all-servers-stopped": "198.51.100.4): port 53 is closed.",
    "dns-all-servers-refuse": "ns-1901.awsdns-45.co.uk (198.51.100.104)",
    "dns-server-names-gone": "because their names do not resolve: ns1.olddns.net and ns2.olddns.net; nobody can resolve",
    "dns-one-server-dead": "1 of 4 name servers of shop.lab does not answer: ns4.shop.lab (198.51.100.4); about 25 % of cold",
    "dns-registry-lists-more": "ns3.shop.lab and ns4.shop.lab only in lab.",
    "dns-old-glue-of-one": "lab gives 198.51.100.84 as the address of ns4.shop.lab, a name server of shop.lab; the zone itself"
    " says 198.51.100.4.",
    "dns-one-server-stale": "; serial 2025010101 at ns4.shop.lab (198.51.100.4).",
    "dns-three-aliases": "by way of shop.brand.org, shop.edge.cloud.net and node7.eu.cloud.net: 2 of 2 name servers of cloud.net",
    "dns-unsigned-with-ds": "and the zone has no key at all.",
    "dns-signed": "shop.lab is signed, and its keys fit its DS record; that record was not followed up to the root: the",
    "dns-signatures-over": "DNSSEC of shop.lab is broken: the signature over shop.lab DNSKEY ended ",
}


@pytest.mark.parametrize("scenario", TITLES)
def test_a_title_names_the_actual_values(scenario: str) -> None:
    of, queries = walk_of(scenario)
    assert any(TITLES[scenario] in f.title for f in judge(queries, of=of)), [f.title for f in judge(queries, of=of)]


# --- what no scenario is about ------------------------------------------------------------------------------------------


def altered(respond: Respond, servers: Sequence[str], outcome: DnsOutcome | None, *, types: str = "") -> Respond:
    """Return how servers answer when some of them do something else, or do so for some types only."""
    addresses = {SHOP_SERVERS[s] for s in servers}

    def changed(endpoint: Endpoint, question: bytes, over_tcp: bool) -> bytes | DnsOutcome | None:
        asked = dns.message.from_wire(question).question[0]
        concerned = endpoint.address in addresses and (not types or asked.to_text().endswith(f" {types}"))
        return outcome if concerned else respond(endpoint, question, over_tcp)

    return changed


def plain() -> Tree:
    return internet(shop())


def only_a_is_dropped(tree: Tree) -> Respond:
    return altered(responding(tree), [SERVER], None, types="A")


def no_time_left(tree: Tree) -> Respond:
    return altered(responding(tree), [SERVER], DnsOutcome.UNFINISHED)


def unreachable(tree: Tree) -> Respond:
    return altered(responding(tree), [SERVER], DnsOutcome.UNREACHABLE)


def each_its_own_way() -> Tree:
    kinds = (Fault.DROP, Fault.REFUSED, Fault.SERVFAIL, Fault.UPWARD_REFERRAL)
    return internet(shop(faults={server: (kind,) for server, kind in zip(EVERY_SERVER, kinds, strict=True)}))


def some_glue() -> Tree:
    glue = "".join(f"{server} 300 IN A {SHOP_SERVERS[server]}\n" for server in OTHERS)
    return internet(shop(published=delegation(SHOP, SHOP_SERVERS, glue=False) + glue))


def hosting(name: str) -> Tree:
    return internet(shop(f"origin CNAME {name}"))


def two_providers() -> Tree:
    other = zone(SHOP, SHOP_SERVERS, "origin A 203.0.113.99", serial=7)
    return internet(shop(instead={SERVER: other}))


Rewrite = Callable[[dns.message.Message, bytes, int], bytes | None]


def rewritten(tree: Tree, rewrite: Rewrite, *, name: str = NAME, servers: Sequence[str] = EVERY_SERVER) -> Respond:
    """Return how servers answer when `rewrite` makes something else of their answers for addresses of `name`.

    It is given the question, the right answer, and how many answers this server has given.
    """
    respond, given = responding(tree), Counter[str]()
    addresses = {SHOP_SERVERS[s] for s in servers}

    def changed(endpoint: Endpoint, question: bytes, over_tcp: bool) -> bytes | DnsOutcome | None:
        said, asked = respond(endpoint, question, over_tcp), dns.message.from_wire(question)
        concerned = endpoint.address in addresses and asked.question[0].to_text() == f"{name}. IN A"
        if not concerned or not isinstance(said, bytes):
            return said
        given[endpoint.address] += 1
        return rewrite(asked, said, given[endpoint.address])

    return changed


def weighted(tree: Tree) -> Respond:
    def rewrite(_: dns.message.Message, said: bytes, number: int) -> bytes:
        reply = dns.message.from_wire(said)
        reply.answer = [dns.rrset.from_text(f"{NAME}.", 60, "IN", "A", f"203.0.113.{20 + number % 2}")]
        return reply.to_wire()

    return rewritten(tree, rewrite)


def with_signatures_wanted_is_lost(tree: Tree) -> Respond:
    """Only the answer for the address, with EDNS, does not come through: it may be too large."""
    return rewritten(tree, lambda asked, said, _: None if asked.edns >= 0 else said, servers=[SERVER])


def limiting(servers: Sequence[str]) -> Callable[[Tree], Respond]:
    """Return how servers answer when these drop questions for addresses, over UDP only."""

    def change(tree: Tree) -> Respond:
        respond, dropped = responding(tree), altered(responding(tree), servers, None, types="A")
        return lambda endpoint, question, over_tcp: (respond if over_tcp else dropped)(endpoint, question, over_tcp)

    return change


def instances(*zones: Zone) -> Tree:
    """Return a tree in which several instances answer in turn, behind each server's address."""
    plain = shop()
    return internet(
        replace(plain, servers=tuple(replace(s, rotation=tuple((z,) for z in zones)) for s in plain.servers))
    )


def alias_target_fails(tree: Tree) -> Respond:
    def rewrite(asked: dns.message.Message, *_: object) -> bytes:
        reply = dns.message.make_response(asked)
        reply.set_rcode(dns.rcode.SERVFAIL)
        return reply.to_wire()

    return rewritten(tree, rewrite, name="farm.shop.lab")


def no_tcp_from_here(tree: Tree) -> Respond:
    """A firewall before us lets nothing out to TCP port 53."""
    respond = responding(tree)
    return lambda endpoint, question, over_tcp: (
        DnsOutcome.REFUSED_PORT if over_tcp else respond(endpoint, question, over_tcp)
    )


OTHER_ROWS: Sequence[tuple[str, Callable[[], Tree], Callable[[Tree], Respond] | None, Mapping[str, str]]] = (
    ("one unreachable", plain, unreachable, {"server_unreachable": "warning", "resolves": "ok"}),
    ("A dropped at one", plain, only_a_is_dropped, {"server_ignores": "warning", "resolves": "ok"}),
    ("no time left for one", plain, no_time_left, {"server_unfinished": "info", "resolves": "ok"}),
    ("each its own way", each_its_own_way, None, {"no_server_helps": "fault"}),
    ("TTL 0", lambda: internet(shop(f"origin 0 A {FIRST}")), None, {"ttl_zero": "info", "resolves": "ok"}),
    ("no glue for one", some_glue, None, {"glue_missing": "warning", "resolves": "ok"}),
    (
        "one drops EDNS",
        lambda: internet(shop(faults=failing(Fault.DROP_EDNS, servers=(SERVER,)))),
        None,
        {"edns_dropped": "warning", "resolves": "ok"},
    ),
    (
        "one truncates without TCP",
        lambda: internet(shop(faults=failing(Fault.TRUNCATE, Fault.TCP_REFUSED, servers=(SERVER,)))),
        None,
        {"tcp_needed": "warning", "resolves": "ok"},
    ),
    (
        "one answers over TCP only",
        lambda: internet(shop(faults=failing(Fault.NO_UDP, servers=(SERVER,)))),
        None,
        {"server_without_udp": "warning", "resolves": "ok"},
    ),
    (
        "all answer over TCP only",
        lambda: internet(shop(faults=failing(Fault.NO_UDP))),
        None,
        {"no_server_helps": "fault"},
    ),
    (
        "all without authority",
        lambda: internet(shop(faults=failing(Fault.NOT_AUTHORITATIVE))),
        None,
        {"all_servers_lame": "fault"},
    ),
    (
        "nine aliases",
        lambda: internet(
            shop("origin CNAME h1\n" + "".join(f"h{n} CNAME h{n + 1}\n" for n in range(1, 9)) + f"h9 A {FIRST}")
        ),
        None,
        {"alias_chain_too_long": "warning", "resolves": "ok"},
    ),
    (
        "alias within the zone fails",
        lambda: internet(shop(f"origin CNAME farm\nfarm A {FIRST}")),
        alias_target_fails,
        {"servfail": "fault"},
    ),
    ("one answer lost", plain, with_signatures_wanted_is_lost, {"server_ignores": "warning", "resolves": "ok"}),
    (
        "two providers, weighted",
        two_providers,
        weighted,
        {"serials_differ": "warning", "answers_vary": "info", "resolves": "ok"},
    ),
    (
        "two providers, one with the old address",
        two_providers,
        None,
        {"serials_differ": "warning", "servers_disagree": "fault", "resolves": "ok"},
    ),
    (
        "one implements nothing",
        lambda: internet(shop(faults=failing(Fault.NOTIMP, servers=(SERVER,)))),
        None,
        {"server_fails": "warning", "resolves": "ok"},
    ),
    ("one limits its rate", plain, limiting([SERVER]), {"server_limits": "warning", "resolves": "ok"}),
    ("all limit their rate", plain, limiting(EVERY_SERVER), {"server_limits": "warning", "resolves": "ok"}),
    (
        "instances with an old copy everywhere",
        lambda: instances(shop_zone(serial=7)),
        None,
        {"instances_differ": "warning", "resolves": "ok"},
    ),
    (
        "instances with an old address",
        lambda: instances(shop_zone("origin A 203.0.113.99", serial=7)),
        None,
        {"instances_differ": "warning", "servers_disagree": "fault", "resolves": "ok"},
    ),
    ("no TCP from here", plain, no_tcp_from_here, {"resolves": "ok"}),
    (
        "no TCP from here, and none there",
        lambda: internet(shop(faults=failing(Fault.TRUNCATE))),
        no_tcp_from_here,
        {"not_walked": "info"},
    ),
    ("alias within the zone", lambda: internet(shop("origin CNAME gone")), None, {"dangling_alias": "fault"}),
    (
        "one says NODATA",
        lambda: internet(shop(instead={SERVER: shop_zone("origin TXT x")})),
        None,
        {"servers_disagree": "fault", "resolves": "ok"},
    ),
)


@pytest.mark.parametrize(("tree", "change", "expected"), [r[1:] for r in OTHER_ROWS], ids=[r[0] for r in OTHER_ROWS])
def test_other_trees(
    tree: Callable[[], Tree], change: Callable[[Tree], Respond] | None, expected: Mapping[str, str]
) -> None:
    grown = tree()
    found = judge(walked(grown, NAME, respond=change(grown) if change else None).queries)
    assert codes(found) == {code: Status(status) for code, status in expected.items()}
    assert all(f.cloudfront_status == (502 if f.status is Status.FAULT else None) for f in found)


def remedy_of(found: Sequence[Finding], code: str) -> str:
    """Return the texts of a finding's remedy."""
    (finding,) = (f for f in found if f.code == f"dns.{code}")
    return "\n".join(step.text for step in finding.remedy.steps)


def delegating(scenario: str) -> list[list[str]]:
    """Return the words of the commands that show and change who serves the zone of a scenario."""
    of, queries = walk_of(scenario)
    (finding,) = (f for f in judge(queries, of=of) if f.code == "dns.all_servers_refuse")
    (command,) = (s.command for s in finding.remedy.steps if s.text.startswith("Amazon Route 53"))
    return [shlex.split(line, posix=True) for line in command.split("\n")[1:]]


def test_a_subdomain_is_delegated_in_the_zone_above_and_not_at_a_registrar() -> None:
    written, changed = delegating("dns-subdomain-refused")
    query = written[written.index("--query") + 1]
    of_the_zone = {"DelegationSet": {"NameServers": ["ns-1.awsdns-00.com", "ns-2.awsdns-01.net"]}}
    record = {
        "Name": "api.shop.lab",
        "Type": "NS",
        "TTL": 300,
        "ResourceRecords": [{"Value": "ns-1.awsdns-00.com"}, {"Value": "ns-2.awsdns-01.net"}],
    }
    wanted = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record}]}
    assert jmespath.search(query, of_the_zone) == wanted  # as the AWS CLI reads it
    assert "change-resource-record-sets" in changed
    assert "--dns-name shop.lab " in " ".join(changed)
    assert [words[1] for words in delegating("dns-all-servers-refuse")] == ["route53domains"] * 2


@pytest.mark.parametrize(
    ("queries", "meaning", "first_step"),
    [
        (
            lambda: walked(internet(shop(faults=failing(Fault.NO_UDP))), NAME).queries,
            "to them these servers are silent.",
            "Open UDP port 53 to these 4 servers ",
        ),
        (
            lambda: walk_of("dns-addresses-ignored")[1],
            "so they are up; a rate limiter, a firewall or the servers drop this one.",
            "See what drops questions for A of origin.shop.lab on these 4 servers",
        ),
    ],
)
def test_servers_that_all_fail_in_one_way_are_told_what_to_do_about_that(
    queries: Callable[[], Sequence[DnsQuery]], meaning: str, first_step: str
) -> None:
    (found,) = judge(queries())
    assert found.code == "dns.no_server_helps"
    assert found.meaning.endswith(meaning)
    assert found.remedy.steps[0].text.startswith(first_step)


@pytest.mark.parametrize(
    ("scenario", "code", "is_told"),
    [
        ("dns-old-glue", "all_servers_dead", True),  # the addresses of servers of the zone are the registry's to say
        ("dns-one-server-dead", "server_silent", True),
        ("dns-alias-target-dead", "all_servers_dead", True),
        ("dns-one-server-refuses", "server_refuses", False),
    ],
)
def test_silent_servers_may_have_moved(scenario: str, code: str, is_told: bool) -> None:
    of, queries = walk_of(scenario)
    assert ("moved to other addresses" in remedy_of(judge(queries, of=of), code)) is is_told


@pytest.mark.parametrize(("scenario", "both_ways"), [("dns-registry-lists-more", False), ("dns-zone-lists-more", True)])
def test_nobody_is_told_to_list_dead_servers_in_the_zone(scenario: str, both_ways: bool) -> None:
    of, queries = walk_of(scenario)
    assert ("change the NS records in the zone" in remedy_of(judge(queries, of=of), "servers_mismatch")) is both_ways


def test_servers_that_fail_for_the_family_that_counts_have_failed() -> None:
    """A is answered and AAAA is not: that is no lack of IPv6 addresses."""
    tree = internet(shop(faults=failing(Fault.SERVFAIL), types=("AAAA",)))
    queries = walked(tree, NAME).queries
    assert codes(judge(queries, of=target(ip_address_type="ipv6"))) == {"servfail": Status.FAULT}
    assert codes(judge(queries)) == {"resolves": Status.OK}


def signed(*, child: bool = False, of_one: bool = False) -> Tree:
    from cfrunbook.lab.dns.signing import Signer

    signer = Signer()
    text = "origin A 203.0.113.10\nold DNAME new\norigin.new A 203.0.113.10\n"
    text += "\n".join(f"api NS {server}" for server in EVERY_SERVER) if child else ""
    good = zone(SHOP, SHOP_SERVERS, text, signer=signer)
    over = zone(SHOP, SHOP_SERVERS, text, signer=signer.__class__(days=(-30, -2)))
    published = delegation(SHOP, SHOP_SERVERS) + f"{SHOP} 300 IN DS {signer.ds(SHOP)}\n"
    made = domain(good, SHOP_SERVERS, published=published, instead={SERVER: over} if of_one else {})
    if child:
        held = zone("api.shop.lab.", SHOP_SERVERS, f"@ A {FIRST}")
        made = replace(made, servers=tuple(replace(s, zones=(*s.zones, held)) for s in made.servers))
    return internet(made)


@pytest.mark.parametrize(
    ("tree", "name", "expected"),
    [
        (signed, NAME, {"dnssec_followed": "info", "resolves": "ok"}),
        # what follows from a DNAME record is not signed
        (signed, "origin.old.shop.lab", {"dnssec_followed": "info", "resolves": "ok"}),
        # an unsigned zone on the same servers
        (lambda: signed(child=True), "api.shop.lab", {"dnssec_followed": "info", "resolves": "ok"}),
        (lambda: signed(of_one=True), NAME, {"dnssec_bogus": "warning", "resolves": "ok"}),
    ],
)
def test_signed_zones(tree: Callable[[], Tree], name: str, expected: Mapping[str, str]) -> None:
    found = judge(walked(tree(), name).queries, of=target(name))
    assert codes(found) == {code: Status(status) for code, status in expected.items()}


def test_a_name_that_anybody_may_register_is_said_to_be() -> None:
    (finding,) = judge(walked(hosting("shop.azurewebsites.net."), NAME).queries)
    assert finding.code == "dns.dangling_alias"
    assert finding.title.endswith("; anybody may register that name.")


def test_silence_is_proof_only_after_three_questions_and_two_seconds() -> None:
    tree = internet(shop(faults=failing(Fault.DROP)))
    (proven,) = judge(walked(tree, NAME, deadline=3.0).queries)
    assert (proven.code, proven.status, proven.data["confidence"]) == ("dns.all_servers_dead", Status.FAULT, "medium")
    assert codes(judge(walked(tree, NAME, deadline=1.0).queries)) == {"server_unproven": Status.UNKNOWN}


def test_silence_of_this_machine_itself_is_proof_at_once() -> None:
    tree = internet(shop(faults=failing(Fault.DROP)))
    queries = [
        msgspec.structs.replace(q, connected_to="127.0.0.1:5353") for q in walked(tree, NAME, deadline=0.5).queries
    ]
    assert codes(judge(queries)) == {"all_servers_dead": Status.FAULT}


@pytest.mark.parametrize(
    ("took", "code", "status"),
    [(300.0, "dns.no_server_helps", Status.FAULT), (400.0, "dns.server_unproven", Status.UNKNOWN)],
)
def test_who_answers_other_questions_slowly_may_have_been_about_to_answer(
    took: float, code: str, status: Status
) -> None:
    def silent_for_addresses(q: DnsQuery) -> DnsQuery:
        if q.zone != "shop.lab":
            return q
        if q.type in ("A", "AAAA"):
            timeout = {"outcome": DnsOutcome.TIMEOUT, "rcode": "", "authoritative": False, "answer": ()}
            return msgspec.structs.replace(q, **timeout, connected_to="127.0.0.1:5353", elapsed_ms=1000.0)
        return msgspec.structs.replace(q, elapsed_ms=took)

    walk = walked(internet(shop(f"origin A {FIRST}")), NAME)
    found = judge([silent_for_addresses(q) for q in walk.queries])
    assert [(f.code, f.status) for f in found] == [(code, status)]


@pytest.mark.parametrize("kinds", [{"A"}, {"A", "AAAA", "NS", "SOA"}])
def test_what_there_was_no_time_for_says_nothing_about_servers(kinds: set[str]) -> None:
    """Not even where they are on this machine, and answer other questions."""
    queries = [
        msgspec.structs.replace(
            q, outcome=DnsOutcome.UNFINISHED, rcode="", authoritative=False, answer=(), connected_to="127.0.0.1:5353"
        )
        if q.zone == "shop.lab" and q.type in kinds
        else q
        for q in walked(internet(shop(f"origin A {FIRST}")), NAME).queries
    ]
    (found,) = judge(queries)
    assert (found.code, found.status) == ("dns.server_unfinished", Status.UNKNOWN)
    assert found.title.startswith("There was no time left to hear ")


# --- an alias with several targets --------------------------------------------------------------------------------------

GOOD = f"good A {FIRST}\n"
DEAD = domain(zone("dead.net.", {"ns1.dead.net.": "198.51.100.71"}, ""), {"ns1.dead.net.": "198.51.100.71"})
DEAD = replace(DEAD, servers=tuple(s.failing(Fault.DROP) for s in DEAD.servers))


def to(first: str, other: str, *servers: str, records: str = GOOD) -> Tree:
    """Return a tree in which these servers name the `other` target, and the rest the `first`."""
    held = {name: zone(SHOP, SHOP_SERVERS, f"{records}origin CNAME {t}") for name, t in (("a", first), ("b", other))}
    return internet(domain(held["a"], SHOP_SERVERS, instead=dict.fromkeys(servers, held["b"])), DEAD)


WAYS = (
    (
        "one server names what is gone",
        to("good", "gone", SERVER),
        "dangling_alias",
        "; about 25 % of lookups go there.",
    ),
    (
        "three name a dead zone",
        to("good", "x.dead.net.", *OTHERS),
        "all_servers_dead",
        "so about 75 % of lookups of origin.shop.lab, those that come here, fail: ns1.dead.net (198.51.100.71): no answer.",
    ),
    ("one leads back", to("good", "origin", SERVER), "alias_loop", "origin.shop.lab; about 25 % of lookups go there."),
    ("one has no address", to("good", "text", SERVER, records=GOOD + "text TXT x\n"), "nodata", "about 25 % of"),
    (
        "one has IPv6 only",
        to("good", "six", SERVER, records=GOOD + "six AAAA 2001:db8::1\n"),
        "wrong_family",
        "about 25 % of lookups go there.",
    ),
)


@pytest.mark.parametrize(("tree", "code", "words"), [way[1:] for way in WAYS], ids=[way[0] for way in WAYS])
def test_each_target_of_an_alias_is_judged_with_its_share(tree: Tree, code: str, words: str) -> None:
    found = judge(walked(tree, NAME).queries)
    assert codes(found) == {code: Status.FAULT, "answers_vary": Status.INFO, "resolves": Status.OK}
    (fault,) = [f for f in found if f.status is Status.FAULT]
    assert words in fault.title
    if code == "wrong_family":
        assert fault.data["confidence"] == "medium"  # that it gives 502 is inferred
    assert (fault.data["intermittent"], fault.data["share"]) == (True, 0.75 if code == "all_servers_dead" else 0.25)
    (well,) = [f for f in found if f.status is Status.OK]
    assert "by way of good.shop.lab" in well.title


def test_ways_part_again_and_again_and_an_end_is_judged_once() -> None:
    """Two targets at each of seven steps: 128 ways, of which some are judged, and one end."""
    links = "".join(f"{side}{n} CNAME {s}{n + 1}\n" for n in range(7) for side in "ab" for s in "ab")
    lines = [line.replace(" ", ".shop.lab. 300 IN ", 1).replace("\n", "") for line in links.splitlines()]
    templates = tuple(
        Template(f"{side}{n}.shop.lab.", "\n".join(f"{x}.shop.lab." for x in lines if x.startswith(f"{side}{n}.")))
        for n in range(7)
        for side in "ab"
    )
    plain = shop(f"origin CNAME a0\na7 A {FIRST}\nb7 A {FIRST}")
    tree = internet(replace(plain, servers=tuple(replace(s, templates=templates) for s in plain.servers)))
    walk = fold(walked(tree, NAME).queries, NAME)
    assert len(walk.ways) == MAX_WAYS
    assert {way.last.name for way in walk.ways} <= {"a7.shop.lab", "b7.shop.lab"}
    assert all(way.share == pytest.approx(1 / 128) for way in walk.ways)


def test_a_name_denied_for_ipv4_and_known_for_ipv6_is_told_as_both() -> None:
    tree = internet(shop("origin AAAA 2001:db8::1", faults=failing(Fault.NXDOMAIN), types=("A",)))
    found = judge(walked(tree, NAME).queries, of=target(ip_address_type="ipv6"))
    assert codes(found) == {"denied_by_type": Status.WARNING, "resolves": Status.OK}
    found = judge(walked(tree, NAME).queries)
    assert codes(found) == {"denied_by_type": Status.WARNING, "wrong_family": Status.FAULT}


# --- the vantage --------------------------------------------------------------------------------------------------------


def unheard(outcome: DnsOutcome | None) -> Respond:
    return lambda *_: outcome


SYSTEM = Resolution(id="r-1", name=NAME, resolver="system", outcome=ResolutionOutcome.ANSWER, ipv4=(FIRST,))


def no_udp_from_here(tree: Tree) -> Respond:
    respond = responding(tree)
    return lambda endpoint, question, over_tcp: respond(endpoint, question, over_tcp) if over_tcp else None


def on_ipv6_only() -> Tree:
    servers = {name: f"2001:db8::{n}" for n, name in enumerate(EVERY_SERVER, 1)}
    return internet(domain(zone(SHOP, servers, f"origin A {FIRST}"), servers))


def no_ipv6_from_here(tree: Tree) -> Respond:
    respond = responding(tree)
    return lambda endpoint, question, over_tcp: (
        DnsOutcome.NO_LOCAL_ROUTE if ":" in endpoint.address else respond(endpoint, question, over_tcp)
    )


BLOCKED = (
    (plain(), unheard(None), "no root server answered, over UDP or TCP, so port 53 seems to be blocked from here."),
    (
        plain(),
        unheard(DnsOutcome.REFUSED_PORT),
        "questions to the root servers are rejected on the way (as kept), so port 53 seems to be blocked from here.",
    ),
    (plain(), unheard(DnsOutcome.UNREACHABLE), "are rejected on the way (as kept), so port 53 seems to be blocked"),
    (plain(), unheard(DnsOutcome.NO_LOCAL_ROUTE), "this machine could not ask the root servers (as kept)."),
    (
        plain(),
        no_udp_from_here(plain()),
        "no root server answered over UDP, and one did over TCP, so UDP port 53 seems to be blocked from here, and TCP"
        " port 53 is not.",
    ),
    (
        internet(shop(faults=failing(Fault.TRUNCATE))),
        no_tcp_from_here(internet(shop(faults=failing(Fault.TRUNCATE)))),
        "the answer of the name servers of shop.lab does not fit into UDP, and no server anywhere answered over TCP, so"
        " TCP port 53 seems to be blocked from here.",
    ),
    (
        on_ipv6_only(),
        no_ipv6_from_here(on_ipv6_only()),
        "those of shop.lab have IPv6 addresses only, and this machine seems to have no way to the IPv6 internet.",
    ),
)


@pytest.mark.parametrize(("tree", "respond", "why"), BLOCKED)
def test_where_port_53_is_blocked_nothing_is_said_of_the_servers(tree: Tree, respond: Respond, why: str) -> None:
    found = judge(walked(tree, NAME, respond=respond).queries, SYSTEM)
    assert codes(found) == {"not_walked": Status.INFO, "ok": Status.OK}
    assert found[0].title.startswith(f"Nothing was learned from the name servers of {NAME}: ")
    assert why in found[0].title
    assert found[0].evidence


def test_where_something_answers_for_the_root_nothing_is_said_of_the_servers() -> None:
    def cache(endpoint: Endpoint, question: bytes, over_tcp: bool) -> bytes:
        reply = dns.message.make_response(dns.message.from_wire(question), recursion_available=True)
        reply.answer = [dns.rrset.from_text(f"{NAME}.", 60, "IN", "A", FIRST)]
        return reply.to_wire()

    found = judge(walked(plain(), NAME, respond=cache).queries, SYSTEM)
    assert codes(found) == {"not_walked": Status.INFO, "ok": Status.OK}
    assert "intercepted" in found[0].title


def test_a_login_page_that_answers_every_name_with_authority_is_no_root() -> None:
    def portal(endpoint: Endpoint, question: bytes, over_tcp: bool) -> bytes:
        asked = dns.message.from_wire(question)
        reply = dns.message.make_response(asked)
        reply.flags |= dns.flags.AA
        reply.answer = [dns.rrset.from_text(asked.question[0].name, 60, "IN", "A", "10.1.1.1")]
        return reply.to_wire()

    found = judge(walked(plain(), NAME, respond=portal).queries, SYSTEM)
    assert codes(found) == {"not_walked": Status.INFO, "ok": Status.OK}
    assert "intercepted" in found[0].title


def test_a_cache_that_answers_for_every_server_makes_none_of_them_lame() -> None:
    """What BIND does with questions that do not desire recursion: it refers as far as it knows, and has no authority."""
    tree = plain()
    respond = responding(tree)

    def cache(endpoint: Endpoint, question: bytes, over_tcp: bool) -> bytes | DnsOutcome | None:
        said = respond(endpoint, question, over_tcp)
        if not isinstance(said, bytes):
            return said
        reply = dns.message.from_wire(said)
        reply.flags &= ~dns.flags.AA
        reply.flags |= dns.flags.RA
        return reply.to_wire()

    found = judge(walked(tree, NAME, respond=cache).queries, SYSTEM)
    assert codes(found) == {"not_walked": Status.INFO, "ok": Status.OK}
    assert "intercepted" in found[0].title


def test_where_edns_is_taken_out_on_the_way_signatures_are_not_called_missing() -> None:
    tree = signed()
    respond = responding(tree)

    def stripped(endpoint: Endpoint, question: bytes, over_tcp: bool) -> bytes | DnsOutcome | None:
        asked = dns.message.from_wire(question)
        asked.use_edns(False)
        return respond(endpoint, asked.to_wire(), over_tcp)

    assert codes(judge(walked(tree, NAME, respond=stripped).queries)) == {"resolves": Status.OK}


def test_without_ipv6_here_ipv6_addresses_of_servers_are_not_called_dead() -> None:
    servers = dict(SHOP_SERVERS) | {SERVER: "2001:db8::4"}
    both = "".join(f"{SERVER} 300 IN {k} {a}\n" for k, a in (("A", SHOP_SERVERS[SERVER]), ("AAAA", "2001:db8::4")))
    tree = internet(shop(published=delegation(SHOP, servers, glue=True) + both))
    assert codes(judge(walked(tree, NAME).queries)) == {"resolves": Status.OK}


def test_each_resolver_is_compared_with_the_name_servers() -> None:
    _, queries = walk_of("dns-healthy")
    rows = [
        (replace_(SYSTEM), None, ""),
        (replace_(SYSTEM, ipv4=("10.0.3.7",)), Status.WARNING, "split horizon"),
        (replace_(SYSTEM, ipv4=("203.0.113.99",)), Status.INFO, "older answer"),
        (replace_(SYSTEM, ipv4=(), outcome=ResolutionOutcome.NXDOMAIN), Status.WARNING, "cached an error"),
        (replace_(SYSTEM, ipv4=(), outcome=ResolutionOutcome.SERVFAIL, resolver="8.8.8.8"), Status.WARNING, "DNSSEC"),
        (replace_(SYSTEM, ipv4=(), outcome=ResolutionOutcome.TIMEOUT), Status.INFO, "says nothing about the name"),
    ]
    for seen, status, words in rows:
        found = {f.code: f for f in judge(queries, seen)}
        assert found.pop("dns.resolves").status is Status.OK
        if status is None:
            assert not found
            continue
        finding = found.pop("dns.resolver_differs")
        assert (finding.status, not found) == (status, True)
        assert words in finding.meaning
        assert "r-1" in [e.observation for e in finding.evidence]


def replace_(seen: Resolution, **changes: object) -> Resolution:
    return msgspec.structs.replace(seen, **changes)


def test_a_resolver_that_still_has_it_cached_changes_nothing() -> None:
    of, queries = walk_of("dns-all-servers-dead")
    found = judge(queries, SYSTEM, of=of)
    assert codes(found) == {"all_servers_dead": Status.FAULT, "resolver_differs": Status.INFO}
    assert "still hold an answer" in found[1].meaning


# --- every finding ------------------------------------------------------------------------------------------------------


def everything() -> list[Finding]:
    found = [f for name in DNS_SCENARIOS for of, queries in [walk_of(name)] for f in judge(queries, SYSTEM, of=of)]
    for _, tree, change, _ in OTHER_ROWS:
        grown = tree()
        found += judge(walked(grown, NAME, respond=change(grown) if change else None).queries)
    found += judge(walked(plain(), NAME, respond=unheard(None)).queries)
    found += judge(walked(internet(shop(faults=failing(Fault.DROP))), NAME, deadline=1.0).queries)
    return found


def test_every_rule_has_its_row_and_every_finding_is_complete() -> None:
    found = everything()
    rules = {r.code for r in (*dns_server_rules.RULES, *dns_answer_rules.RULES)}
    shared = {dns_rules.WRONG_FAMILY.code, dns_rules.PRIVATE_ADDRESS.code}
    assert {f.code for f in found} == rules | shared
    for finding in found:
        assert finding.evidence, finding.code
        assert bool(finding.next_check) == (finding.status is Status.UNKNOWN), finding.code
        assert "{" not in finding.title + finding.meaning, finding
        msgspec.json.encode(finding)
    script = "\n".join(
        "\n".join([f.reproduce, f.verify.command, *(step.command for step in f.remedy.steps)]) for f in found
    )
    done = subprocess.run(["sh", "-n"], input=script, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_same_question_can_be_asked_again_where_it_went() -> None:
    of, queries = walk_of("dns-one-server-refuses")
    (finding,) = [f for f in judge(queries, of=of) if f.code == "dns.server_refuses"]
    assert finding.reproduce == "dig +norecurse @198.51.100.4 -p 53 origin.shop.lab A"
    relocated = [msgspec.structs.replace(q, connected_to="127.0.0.1:5353") for q in queries]
    (finding,) = [f for f in judge(relocated, of=of) if f.code == "dns.server_refuses"]
    assert finding.reproduce == "dig +norecurse @127.0.0.1 -p 5353 origin.shop.lab A"
    assert finding.data["share"] == 0.25


HOSTILE = [
    "$(reboot).lab",
    "`reboot`.lab",
    "a'; reboot; '.lab",
    'a"; reboot; ".lab',
    "a\nreboot\n.lab",
    "{name}; reboot",
]


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize(
    "scenario", ["dns-nxdomain", "dns-all-servers-refuse", "dns-registry-lists-more", "dns-ds-mismatch"]
)
def test_names_get_into_no_command_as_anything_but_one_word(scenario: str, hostile: str) -> None:
    _, queries = walk_of(scenario)
    text = msgspec.json.encode(queries).decode()
    for name in ("shop.lab", "ns1.shop.lab", "ns-101.awsdns-12.com"):
        text = text.replace(f'"{name}', f'"{json.dumps(hostile)[1:-1]}').replace(
            f"{name}.", f"{json.dumps(hostile)[1:-1]}."
        )
    renamed = msgspec.json.decode(text.replace(NAME, json.dumps(hostile)[1:-1]), type=tuple[DnsQuery, ...])
    found = judge(renamed, of=target(hostile))
    assert found
    for finding in found:
        for command in (finding.reproduce, finding.verify.command, *(s.command for s in finding.remedy.steps)):
            for line in command.splitlines():
                assert not [w for w in shlex.split(line, comments=True) if w.startswith("reboot")], command


# --- folding ------------------------------------------------------------------------------------------------------------


def test_a_recording_is_judged_as_the_walk_was() -> None:
    of, queries = walk_of("dns-three-aliases")
    recording = evidence.from_json(Observations(recorded_at=NOW, dns_queries=queries).to_json())
    assert recording.dns_queries == queries
    assert recording.find("dns-3") == queries[2]
    assert judge(recording.dns_queries, of=of) == judge(queries, of=of)


def test_what_is_known_of_the_way() -> None:
    _, queries = walk_of("dns-subdomain")
    walk = fold(queries, "api.shop.lab")
    assert (walk.control, walk.apex, [z.name for z in walk.zones]) == (
        Control.FINE,
        "api.shop.lab",
        ["shop.lab", "api.shop.lab"],
    )
    zone = walk.last.zone
    assert (zone.parent, zone.listed, zone.held) == ("shop.lab", *[("ns1.api.shop.lab", "ns2.api.shop.lab")] * 2)
    assert zone.glue == {"ns1.api.shop.lab": ("198.51.100.41",), "ns2.api.shop.lab": ("198.51.100.42",)}
    assert set(zone.serials.values()) == {2026112201}


def test_the_apex_is_where_the_soa_record_is_also_when_no_referral_leads_there() -> None:
    _, queries = walk_of("dns-parent-and-child-together")
    walk = fold(queries, "api.shop.lab")
    assert (walk.last.zone.name, walk.apex) == ("shop.lab", "api.shop.lab")


@pytest.mark.parametrize(
    ("one", "other", "newer"),
    [(2, 1, True), (1, 2, False), (1, 1, False), (0, 2**32 - 1, True), (2**32 - 1, 0, False), (2**31 + 5, 5, False)],
)
def test_serials_wrap_around(one: int, other: int, newer: bool) -> None:
    assert is_newer(one, other) is newer


@given(st.data())
def test_any_part_of_any_walk_in_any_order_is_judged(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(DNS_SCENARIOS)))
    of, queries = walk_of(name)
    some = data.draw(st.permutations(queries).map(list))[: data.draw(st.integers(0, len(queries)))]
    changed = [
        msgspec.structs.replace(q, outcome=data.draw(st.sampled_from(DnsOutcome))) if n % 7 == 0 else q
        for n, q in enumerate(some)
    ]
    for finding in judge(changed, SYSTEM, of=of):
        assert finding.code in {r.code for r in cause.RULES}
        assert bool(finding.next_check) == (finding.status is Status.UNKNOWN)


@given(st.lists(st.builds(
    DnsQuery,
    id=st.just("dns-1"),
    zone=st.sampled_from([".", "lab", "shop.lab", "x", ""]),
    server=st.sampled_from(["ns1.shop.lab", ""]),
    address=st.sampled_from(["192.0.2.1", "::1", "nonsense", ""]),
    connected_to=st.sampled_from(["", "127.0.0.1:53", "x"]),
    transport=st.sampled_from(evidence.DnsTransport),
    name=st.sampled_from([NAME, "shop.lab", ".", ""]),
    type=st.sampled_from(["A", "AAAA", "NS", "SOA", "DNSKEY", "DS", "?"]),
    outcome=st.sampled_from(DnsOutcome),
    rcode=st.sampled_from(["", "NOERROR", "SERVFAIL", "\x1b[2J"]),
    authoritative=st.booleans(),
    **{section: st.lists(st.builds(
        evidence.DnsRecord,
        owner=st.sampled_from([NAME, "shop.lab", "lab", ".", "ns1.shop.lab"]),
        ttl=st.integers(0, 9),
        type=st.sampled_from(["A", "AAAA", "NS", "SOA", "CNAME", "DS", "DNSKEY", "RRSIG", "?"]),
        data=st.sampled_from(["192.0.2.1", "ns1.shop.lab.", f"{NAME}.", ".", "a. b. 1 2 3 4 5", "1 8 2 AB", "\x1b[2J", ""]),
    ), max_size=3).map(tuple) for section in ("answer", "authority", "additional")},
), max_size=8))  # fmt: skip
def test_no_recording_raises(queries: list[DnsQuery]) -> None:
    for finding in judge(queries, SYSTEM):
        assert "\x1b" not in finding.title + finding.meaning + finding.reproduce
