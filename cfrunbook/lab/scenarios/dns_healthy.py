"""Names that resolve and only look suspicious."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from cfrunbook.lab.authority import Authority
from cfrunbook.lab.dns.internet import (
    ROUTE_53,
    SHOP,
    SHOP_SERVERS,
    Domain,
    Signers,
    delegation,
    domain,
    route_53_names,
    zone,
)
from cfrunbook.lab.dns.setup import NameServer
from cfrunbook.lab.dns.shop import EVERY_SERVER, FIRST, RECORDS, SECOND, cloud, cloud_name, setup, shop, shop_zone
from cfrunbook.lab.scenario import HEALTHY, Difficulty, Scenario, Setup

_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
_PAGE = _GUIDE + "http-502-bad-gateway.html#http-502-dns-error"
_IPV6_PAGE = _GUIDE + "cloudfront-enable-ipv6.html"

_API = "api.shop.lab."
_API_SERVERS = {"ns1.api.shop.lab.": "198.51.100.41", "ns2.api.shop.lab.": "198.51.100.42"}


def _healthy(authority: Authority) -> Setup:
    return setup(authority, shop())


def _route_53(authority: Authority) -> Setup:
    return setup(authority, domain(zone(SHOP, ROUTE_53, RECORDS), ROUTE_53), *route_53_names())


def _weighted(authority: Authority) -> Setup:
    """Every server gives now one address, now the other, as Route 53 does with weighted records."""
    other = shop_zone(f"origin 60 A {SECOND}")
    plain = shop(f"origin 60 A {FIRST}")
    servers = tuple(replace(server, rotation=((other,),)) for server in plain.servers)
    return setup(authority, replace(plain, servers=servers), published=(FIRST, SECOND))


def _geographic(authority: Authority) -> Setup:
    """Two of the servers stand in another region and give its address; the serial is the same."""
    elsewhere = shop_zone(f"origin A {SECOND}")
    instead = dict.fromkeys(EVERY_SERVER[2:], elsewhere)
    return setup(authority, shop(instead=instead), published=(FIRST, SECOND))


def _several_addresses(authority: Authority) -> Setup:
    return setup(authority, shop(f"{RECORDS}origin A {SECOND}"), published=(FIRST, SECOND))


def _large_answer(authority: Authority) -> Setup:
    """More text than fits into a datagram, in the aliases; TCP is open."""
    labels = ["x" * 60 + str(n) for n in range(6)]
    names = ["origin", *(".".join([label] * 3) for label in labels)]
    links = "".join(f"{name} CNAME {target}\n" for name, target in pairwise(names))
    return setup(authority, shop(f"{links}{names[-1]} A {FIRST}"))


def _ipv6_server(authority: Authority) -> Setup:
    servers = dict(SHOP_SERVERS) | {EVERY_SERVER[-1]: "2001:db8::4"}
    return setup(authority, domain(zone(SHOP, servers, RECORDS), servers))


def _ipv6_origin(authority: Authority) -> Setup:
    address = "2001:db8::10"
    return setup(authority, shop(f"origin AAAA {address}"), published=(address,), ip_address_type="ipv6")


def _three_aliases(authority: Authority) -> Setup:
    brand = {"ns1.brand.org.": "198.51.100.61", "ns2.brand.org.": "198.51.100.62"}
    return setup(
        authority,
        shop("origin CNAME shop.brand.org."),
        domain(zone("brand.org.", brand, f"shop CNAME {cloud_name('shop.edge')}"), brand),
        cloud(f"shop.edge CNAME node7.eu\nnode7.eu A {FIRST}"),
    )


def _wildcard(authority: Authority) -> Setup:
    return setup(authority, shop(f"* A {FIRST}"))


def _dname(authority: Authority) -> Setup:
    return setup(authority, shop(f"old DNAME new\norigin.new A {FIRST}"), name="origin.old.shop.lab")


def _low_ttl(authority: Authority) -> Setup:
    return setup(authority, shop(f"origin 5 A {FIRST}"))


def _no_ttl(authority: Authority) -> Setup:
    return setup(authority, shop(f"origin 0 A {FIRST}"))


def _hidden_primary(authority: Authority) -> Setup:
    """The primary is named in the SOA record and in no NS record, and is one change ahead."""
    records, primary = RECORDS + "hidden A 198.51.100.9\n", "hidden.shop.lab."
    ahead = shop_zone(records + "new A 203.0.113.30\n", serial=2026112202, primary=primary)
    public = domain(shop_zone(records, primary=primary), SHOP_SERVERS)
    return setup(authority, public, Domain("", "", (NameServer("198.51.100.9", (ahead,)),)))


def _signed(authority: Authority) -> Setup:
    from cfrunbook.lab.dns.signing import Signer

    signer = Signer()
    delegated = delegation(SHOP, SHOP_SERVERS) + f"{SHOP} 300 IN DS {signer.ds(SHOP)}\n"
    held = zone(SHOP, SHOP_SERVERS, RECORDS, signer=signer)
    signers = Signers(Signer(), {"lab.": Signer()})
    return setup(authority, domain(held, SHOP_SERVERS, published=delegated), signers=signers)


def _subdomain(authority: Authority) -> Setup:
    held = zone(_API, _API_SERVERS, f"@ A {FIRST}")
    child = Domain(_API, "", tuple(NameServer(a, (held,)) for a in _API_SERVERS.values()), above=SHOP)
    return setup(authority, shop(delegation(_API, _API_SERVERS)), child, name="api.shop.lab")


def _parent_and_child_together(authority: Authority) -> Setup:
    """The servers of shop.lab hold the zone api.shop.lab as well: no referral is ever seen between the two."""
    held = zone(_API, SHOP_SERVERS, f"@ A {FIRST}")
    plain = shop("\n".join(f"api NS {server}" for server in SHOP_SERVERS))
    servers = tuple(replace(server, zones=(*server.zones, held)) for server in plain.servers)
    return setup(authority, replace(plain, servers=servers), name="api.shop.lab")


def _split_horizon(authority: Authority) -> Setup:
    """The office's resolver has a zone shop.lab of its own."""
    inside = zone(SHOP, SHOP_SERVERS, "origin A 10.0.3.7")
    return replace(setup(authority, shop()), resolver=NameServer("", (inside,)))


SCENARIOS = (
    Scenario(
        name="dns-healthy",
        title="The name resolves, on four name servers that agree",
        story=(
            "09:00 PAGE  CloudFront 502 for www.shop.example, over after two minutes.",
            "Ticket: it must have been DNS. It always is.",
        ),
        difficulty=Difficulty.EASY,
        expected=HEALTHY,
        hints=(
            "Ask every name server of the zone.",
            "Compare answers and serial numbers.",
            "If they all agree, look elsewhere.",
        ),
        why_in_real_life="DNS is suspected more often than it is guilty; to rule it out is half the work.",
        page=_PAGE,
        set_up=_healthy,
    ),
    Scenario(
        name="dns-route-53",
        title="Four name servers below four other top-level domains, without glue",
        story=(
            "10:30 PAGE  CloudFront 502 for www.shop.example, a single spike.",
            "Ticket: the registry publishes no addresses for our name servers! Is that the missing glue one reads of?",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=HEALTHY,
        hints=(
            "Which names need glue?",
            "Are the name servers' names inside shop.lab?",
            "Resolve them like any other name.",
        ),
        why_in_real_life="Route 53 assigns names below com, net, org and co.uk; only names inside the zone need glue.",
        page=_PAGE,
        set_up=_route_53,
    ),
    Scenario(
        name="dns-weighted",
        title="Every question gets another address: the record is weighted",
        story=(
            "15:12 PAGE  CloudFront 502 for www.shop.example during the load test, over by now.",
            "Ticket: asked twice, the name servers give different addresses. Is the zone corrupt?",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=HEALTHY,
        hints=(
            "Is it the server that makes the difference, or the moment?",
            "Ask the same server several times.",
            "Are all of the addresses good?",
        ),
        why_in_real_life="Weighted, latency and multi-value records differ from answer to answer by intention.",
        page=_PAGE,
        set_up=_weighted,
    ),
    Scenario(
        name="dns-geographic",
        title="The name servers give different addresses: each that of its region",
        story=(
            "16:16 PAGE  CloudFront 502 for www.shop.example, a few minutes, one region.",
            "Ticket: ns1 and ns3 disagree about the origin's address!",
        ),
        difficulty=Difficulty.HARD,
        expected=HEALTHY,
        hints=(
            "Different is not wrong.",
            "Compare the serial numbers.",
            "Does a healthy server stand at each of the addresses?",
        ),
        why_in_real_life="Geographic DNS answers by the server's or asker's place; the zone is the same.",
        page=_PAGE,
        set_up=_geographic,
    ),
    Scenario(
        name="dns-split-horizon",
        title="The office's resolver gives a private address, public DNS a public one",
        story=(
            "09:50 PAGE  CloudFront 502 for www.shop.example, two minutes, during a restart.",
            "Ticket: `dig origin.shop.lab` on my laptop gives 10.0.3.7. No wonder that CloudFront cannot get there!",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=HEALTHY,
        hints=(
            "Whose answer is that?",
            "Which DNS does CloudFront use?",
            "Ask the zone's public name servers themselves.",
        ),
        why_in_real_life="Companies serve a private view of their own zones to their own network.",
        page=_PAGE,
        set_up=_split_horizon,
    ),
    Scenario(
        name="dns-two-addresses",
        title="The name has two addresses, and both are good",
        story=(
            "14:00 PAGE  CloudFront 502 for www.shop.example while one host was restarted.",
            "Ticket: the order of the addresses changes all the time.",
        ),
        difficulty=Difficulty.EASY,
        expected=HEALTHY,
        hints=(
            "A set has no order.",
            "Look at each address.",
            "Do both answer?",
        ),
        why_in_real_life="Servers rotate the addresses of a name to spread load.",
        page=_PAGE,
        set_up=_several_addresses,
    ),
    Scenario(
        name="dns-large-answer",
        title="The answer does not fit into a datagram, and comes over TCP",
        story=(
            "11:11 PAGE  CloudFront 502 for www.shop.example, once.",
            "Ticket: dig says `Truncated, retrying in TCP mode`. Is our zone too large?",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=HEALTHY,
        hints=(
            "What does a resolver do with a truncated answer?",
            "Is TCP port 53 open at every name server?",
            "Then it costs one round trip more, nothing else.",
        ),
        why_in_real_life="Long chains of aliases and many addresses do not fit; TCP is there for that.",
        page=_PAGE,
        set_up=_large_answer,
    ),
    Scenario(
        name="dns-ipv6-name-server",
        title="One of the name servers has an IPv6 address only",
        story=(
            "12:40 PAGE  CloudFront 502 for www.shop.example, no longer seen.",
            "Ticket: ns4 has no A record. Is it dead?",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=HEALTHY,
        hints=(
            "A record or address?",
            "Ask for the AAAA record of the name server.",
            "Does it answer there?",
        ),
        why_in_real_life="Resolvers that speak IPv4 only use the other three; those that speak both use all four.",
        page=_PAGE,
        set_up=_ipv6_server,
    ),
    Scenario(
        name="dns-ipv6-origin",
        title="The origin has an IPv6 address only, and the distribution says so",
        story=(
            "13:05 PAGE  CloudFront 502 for www.shop.example during the switch, over by now.",
            "Ticket: `dig origin.shop.lab A` has no answer!",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=HEALTHY,
        hints=(
            "Which record does CloudFront ask for here?",
            "What is the origin's IP address type?",
            "Ask for AAAA.",
        ),
        why_in_real_life="Since 2025 CloudFront connects to origins over IPv6 where their IP address type says so.",
        page=_IPV6_PAGE,
        set_up=_ipv6_origin,
    ),
    Scenario(
        name="dns-three-aliases",
        title="Three aliases over three zones lead to the address",
        story=(
            "17:50 PAGE  CloudFront 502 for www.shop.example, gone before anybody looked.",
            "Ticket: the name is an alias of an alias of an alias. Is that allowed?",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=HEALTHY,
        hints=(
            "Does the chain end?",
            "Are the name servers of all three zones healthy?",
            "Resolvers follow about ten.",
        ),
        why_in_real_life="One's own name, the brand's name, the provider's name, its node: each layer adds an alias.",
        page=_PAGE,
        set_up=_three_aliases,
    ),
    Scenario(
        name="dns-wildcard",
        title="The name has no record of its own: a wildcard answers for it",
        story=(
            "18:18 PAGE  CloudFront 502 for www.shop.example, one minute.",
            "Ticket: there is no record for origin.shop.lab in the zone file, look!",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=HEALTHY,
        hints=(
            "What does the server answer?",
            "What does a star in a zone file mean?",
            "CloudFront sees answers, not zone files.",
        ),
        why_in_real_life="Platforms publish one wildcard for all their tenants.",
        page=_PAGE,
        set_up=_wildcard,
    ),
    Scenario(
        name="dns-renamed-tree",
        title="The name lies below one that was renamed with DNAME",
        story=(
            "20:02 PAGE  CloudFront 502 for www.shop.example, two requests.",
            "Ticket: origin.old.shop.lab is in no zone file, and still it has an address.",
        ),
        difficulty=Difficulty.HARD,
        expected=HEALTHY,
        hints=(
            "Read the whole answer section.",
            "What does a DNAME record do to names below it?",
            "Does the new name have an address?",
        ),
        why_in_real_life="DNAME renames a whole branch, typically after a merger.",
        page=_PAGE,
        set_up=_dname,
    ),
    Scenario(
        name="dns-no-ttl",
        title="The answer must not be kept at all: its TTL is 0",
        story=(
            "21:05 PAGE  CloudFront 502 for www.shop.example, seconds only, while ns2 was restarted.",
            "Ticket: three of four name servers were up all the time. Should a cache not have carried us over that?",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=HEALTHY,
        hints=(
            "How long may a resolver keep the answer?",
            "Read the number behind the name in dig's answer.",
            "Is an answer that may not be kept a wrong one?",
        ),
        why_in_real_life="A TTL of 0 was set for a move and never raised: every look-up depends on the name servers.",
        page=_PAGE,
        set_up=_no_ttl,
    ),
    Scenario(
        name="dns-low-ttl",
        title="The address may be kept for five seconds only",
        story=(
            "21:45 PAGE  CloudFront 502 for www.shop.example during a failover, over by now.",
            "Ticket: TTL 5, that cannot be right!",
        ),
        difficulty=Difficulty.EASY,
        expected=HEALTHY,
        hints=(
            "Low is not wrong.",
            "What does a low TTL cost, and what is it good for?",
            "Do the name servers answer reliably?",
        ),
        why_in_real_life="Failover by DNS needs a low TTL. Every hiccup of the name servers is then felt at once.",
        page=_PAGE,
        set_up=_low_ttl,
    ),
    Scenario(
        name="dns-hidden-primary-ahead",
        title="The hidden primary has a newer serial than the public servers",
        story=(
            "08:20 PAGE  CloudFront 502 for www.shop.example, a blip.",
            "Ticket: the server in the SOA record has another serial than all the others!",
        ),
        difficulty=Difficulty.HARD,
        expected=HEALTHY,
        hints=(
            "Who asks that server?",
            "Is it among the name servers that the registry lists?",
            "Do those that are asked agree?",
        ),
        why_in_real_life="Hidden primaries are ahead between a change and the next transfer, and nobody asks them.",
        page=_PAGE,
        set_up=_hidden_primary,
    ),
    Scenario(
        name="dns-signed",
        title="The zone is signed, and the chain of trust is whole",
        story=(
            "19:19 PAGE  CloudFront 502 for www.shop.example on the day on which DNSSEC was switched on.",
            "Ticket: DNSSEC always breaks things. Shall we switch it off?",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=HEALTHY,
        hints=(
            "Does the DS record at the registry fit a key of the zone?",
            "Are the signatures valid today?",
            "If both is so, look elsewhere.",
        ),
        why_in_real_life="To switch signing off in a hurry, with the DS record left behind, is what breaks things.",
        page=_PAGE,
        set_up=_signed,
    ),
    Scenario(
        name="dns-subdomain",
        title="The origin's name is a zone of its own, delegated by shop.lab",
        story=(
            "06:50 PAGE  CloudFront 502 for www.shop.example, not reproducible.",
            "Ticket: the servers of shop.lab have no address for api.shop.lab, all four of them!",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=HEALTHY,
        hints=(
            "What do they have instead?",
            "Read the authority section of their answer.",
            "Ask the servers named there.",
        ),
        why_in_real_life="Teams get a subdomain with name servers of its own.",
        page=_PAGE,
        set_up=_subdomain,
    ),
    Scenario(
        name="dns-parent-and-child-together",
        title="Parent and child zone are on the same servers",
        story=(
            "22:05 PAGE  CloudFront 502 for www.shop.example, three requests.",
            "Ticket: the SOA record of api.shop.lab is not that of shop.lab. Who answers here?",
        ),
        difficulty=Difficulty.HARD,
        expected=HEALTHY,
        hints=(
            "A server may hold a zone and one below it.",
            "Then it answers from the lower one, and refers nobody.",
            "Is the answer authoritative and the same everywhere?",
        ),
        why_in_real_life="One provider hosts both zones; the delegation between them is never seen.",
        page=_PAGE,
        set_up=_parent_and_child_together,
    ),
)
