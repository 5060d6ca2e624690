"""The lab's own DNS: it comes up with a scenario, is found through root hints, and leads nowhere but to loopback."""

from __future__ import annotations

import ipaddress
import json

import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest

from cfrunbook import lab
from cfrunbook.incident import Incident
from cfrunbook.lab.authority import Authority
from cfrunbook.lab.commands import introduction
from cfrunbook.lab.dns.resolver import Resolver, Unresolved, View
from cfrunbook.lab.edge import Origin
from cfrunbook.probes.dns import Hint
from cfrunbook.probes.dns import hints as readers

SCENARIOS = [name for name in lab.SCENARIOS if name.startswith("dns-")]
each = pytest.mark.parametrize("name", SCENARIOS)

DOCUMENTATION = [
    ipaddress.ip_network(n) for n in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
]


@each
def test_every_address_is_one_that_belongs_to_nobody(name: str) -> None:
    setup = lab.SCENARIOS[name].set_up(Authority())
    assert setup.dns
    addresses = [ipaddress.ip_address(a) for a in (*setup.dns.addresses(), *setup.origin.published)]
    assert len(set(addresses)) == len(addresses)
    assert all(a.is_private for a in addresses), "private in the sense of the IANA registries: never routed"
    servers = [ipaddress.ip_address(a) for a in setup.dns.addresses()]
    assert all(any(a in network for network in DOCUMENTATION) for a in servers)


@each
def test_the_name_is_published_where_the_edge_is_to_connect(name: str) -> None:
    setup = lab.SCENARIOS[name].set_up(Authority())
    assert len(setup.origin.published) == len(setup.origin.addresses)
    assert setup.origin.domain.endswith(".lab")


def test_everything_is_relocated_to_loopback_and_what_is_unknown_to_nowhere() -> None:
    with lab.start("dns-healthy") as running:
        targets = [ipaddress.ip_address(entry.rsplit(":", 2)[1]) for entry in running.connect_to]
        assert all(address.is_loopback for address in targets)
        incident = Incident.load(**running.options)
        for address in running.setup.dns.addresses() if running.setup.dns else ():
            (endpoint,) = incident.relocations.endpoints(address, 53) or ()
            assert endpoint.socket_address == running.name_servers[address]
        (nowhere,) = incident.relocations.endpoints("8.8.8.8", 53) or ()
        query = dns.message.make_query("origin.shop.lab", "A")
        with pytest.raises(dns.exception.Timeout):
            dns.query.udp(query, nowhere.address, port=nowhere.connect_port, timeout=0.05)
        assert incident.relocations.endpoints("origin.shop.lab", 443) is None


def test_ipv6_addresses_stand_in_brackets() -> None:
    with lab.start("dns-ipv6-origin") as running:
        incident = Incident.load(**running.options)
        (endpoint,) = incident.relocations.endpoints("2001:db8::10", 443) or ()
        assert endpoint.socket_address == running.origins[0].places[0]


def test_the_lab_file_says_where_the_root_is() -> None:
    with lab.start("dns-split-horizon") as running:
        options = json.loads(running.file.read_bytes())["options"]
        assert options["root_hints"] == "root.hints"
        assert readers.load(running.folder / "root.hints") == (
            Hint("a.root-servers", "192.0.2.1"),
            Hint("b.root-servers", "192.0.2.2"),
        )
        assert options["resolver"] == list(running.resolver)
        by_file, by_options = Incident.load(lab=running.file), Incident.load(**running.options)
        assert by_file.root_hints == by_options.root_hints
        assert by_file.resolver == by_options.resolver == running.resolver
        assert by_file.relocations == by_options.relocations
        assert by_file.inputs.lab == by_options.inputs.lab == "dns-split-horizon"


def test_other_scenarios_have_neither() -> None:
    with lab.start("healthy") as running:
        options = json.loads(running.file.read_bytes())["options"]
        assert not {"root_hints", "resolver"} & (options.keys() | running.options.keys())
        assert not (running.folder / "root.hints").exists()
        assert not running.name_servers


def test_the_introduction_says_how_to_ask_each_name_server() -> None:
    with lab.start("dns-healthy") as running:
        text = introduction(running)
        at, port = running.name_servers["198.51.100.3"]
    assert f"dig +norecurse @{at} -p {port} origin.shop.lab  # 198.51.100.3" in text


def test_the_root_knows_its_servers_and_the_top_level_domains() -> None:
    with lab.start("dns-route-53") as running:
        at, port = running.name_servers["192.0.2.1"]

        def ask(name: str, kind: str) -> dns.message.Message:
            return dns.query.udp(dns.message.make_query(name, kind), at, port=port, timeout=10)

        root = ask(".", "NS")
        assert root.flags & dns.flags.AA
        assert sorted(str(r) for r in root.answer[0]) == ["a.root-servers.", "b.root-servers."]
        assert sorted(r[0].address for r in root.additional) == ["192.0.2.1", "192.0.2.2"]
        for tld in ("lab", "com", "net", "org", "uk"):
            referral = ask(f"www.example.{tld}", "A")
            assert [str(r.name) for r in referral.authority] == [f"{tld}."]
        assert ask("www.example.nowhere", "A").rcode() == dns.rcode.NXDOMAIN


# --- the edge's resolver ----------------------------------------------------------------------------------------------


def view(running: lab.Running) -> View:
    assert isinstance(running.edge_facts, Origin)
    assert running.edge_facts.names
    return running.edge_facts.names.view


def found(name: str) -> list[str]:
    """Return what the resolver comes to, whichever of four name servers it asks first."""
    with lab.start(name) as running:
        resolver, results = Resolver(view(running)), []
        for first in range(4):
            try:
                results.append(" ".join(resolver.resolve(running.setup.origin.domain, first=first)))
            except Unresolved as error:
                results.append(str(error))
    return results


GOOD = "203.0.113.10"
RESOLVED = {
    "dns-stale-server-denies": [GOOD, GOOD, "origin.shop.lab.: it does not exist", GOOD],
    "dns-geographic": [GOOD, GOOD, "203.0.113.20", "203.0.113.20"],
    "dns-two-addresses": ["203.0.113.10 203.0.113.20"] * 4,
    "dns-one-server-refuses": [GOOD] * 4,
    "dns-without-edns": [GOOD] * 4,
    "dns-large-answer": [GOOD] * 4,
    "dns-all-servers-refuse": ["origin.shop.lab.: no server of shop.lab. gives a usable answer (REFUSED)"] * 4,
    "dns-missing-glue": ["shop.lab.: none of its name servers has a known address"] * 4,
    "dns-alias-loop": ["origin.shop.lab.: too many aliases"] * 4,
    "dns-ds-mismatch": ["shop.lab. bogus: the DS record fits no key"] * 4,
    "dns-unsigned-with-ds": ["shop.lab. bogus: signed, says the zone above, and has no keys"] * 4,
}


@pytest.mark.parametrize(("name", "expected"), RESOLVED.items())
def test_the_edge_resolves(name: str, expected: list[str]) -> None:
    assert found(name) == expected


def test_it_goes_only_where_it_is_told() -> None:
    with lab.start("dns-healthy") as running:
        resolver = Resolver(View(("192.0.2.1",), {"192.0.2.1": running.name_servers["192.0.2.1"]}))
        with pytest.raises(Unresolved, match="no server of lab"):
            resolver.resolve("origin.shop.lab")


def test_the_answer_is_really_truncated_and_comes_over_tcp() -> None:
    with lab.start("dns-large-answer") as running:
        at, port = running.name_servers["198.51.100.1"]
        query = dns.message.make_query("origin.shop.lab", "A", use_edns=0, payload=1232)
        assert dns.query.udp(query, at, port=port, timeout=10).flags & dns.flags.TC
        assert len(dns.query.tcp(query, at, port=port, timeout=10).answer) > 2
