"""Names without a usable address: the name servers work, and what they say is the trouble."""

from __future__ import annotations

from dataclasses import replace

from cfrunbook.findings import Cause
from cfrunbook.lab.authority import Authority
from cfrunbook.lab.dns.internet import ROUTE_53, SHOP, SHOP_SERVERS, Domain, domain, route_53_names, zone
from cfrunbook.lab.dns.setup import NameServer
from cfrunbook.lab.dns.shop import FIRST, RECORDS, SECOND, cloud, cloud_name, secure, setup, shop, shop_zone
from cfrunbook.lab.scenario import Difficulty, Expected, Scenario, Setup
from cfrunbook.lab.servers import Dropped

_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
_PAGE = _GUIDE + "http-502-bad-gateway.html#http-502-dns-error"
_IPV6_PAGE = _GUIDE + "cloudfront-enable-ipv6.html"
_VPC_PAGE = _GUIDE + "private-content-vpc-origins.html"

_INSIDE = "10.0.3.7"
_ELB = cloud_name("shop-1234567890.eu-west-1.elb")
_BLUE = cloud_name("blue-1122334455.eu-west-1.elb")


def _fault(code: str, status: int = 502, *, edge: frozenset[int] = frozenset()) -> Expected:
    return Expected(status="fault", cause=Cause.DNS, code=code, cloudfront_status=status, edge=edge)


def _nxdomain(authority: Authority) -> Setup:
    return setup(authority, shop(f"origin2 A {FIRST}"))


def _not_delegated(authority: Authority) -> Setup:
    return setup(authority, shop(published=""))


def _other_types_only(authority: Authority) -> Setup:
    return setup(authority, shop('origin TXT "v=spf1 -all"'))


def _empty_non_terminal(authority: Authority) -> Setup:
    return setup(authority, shop(f"blue.origin A {FIRST}\ngreen.origin A {SECOND}"))


def _ipv6_only(authority: Authority) -> Setup:
    return setup(authority, shop("origin AAAA 2001:db8::10"), published=("2001:db8::10",))


def _dangling(authority: Authority) -> Setup:
    return setup(authority, shop(f"origin CNAME {_ELB}"), cloud(f"other.eu-west-1.elb A {FIRST}"))


def _dangling_inside(authority: Authority) -> Setup:
    return setup(authority, shop("origin CNAME blue"))


def _alias_without_address(authority: Authority) -> Setup:
    return setup(authority, shop(f"origin CNAME {_ELB}"), cloud(f"blue.{_ELB} A {FIRST}"))


def _one_target_gone(authority: Authority) -> Setup:
    """The record is weighted: every server names now one load balancer, now the other, and one was deleted."""
    other = shop_zone(f"origin 60 CNAME {_ELB}")
    plain = shop(f"origin 60 CNAME {_BLUE}")
    servers = tuple(replace(server, rotation=((other,),)) for server in plain.servers)
    return setup(authority, replace(plain, servers=servers), cloud(f"{_BLUE} A {FIRST}"))


def _loop(authority: Authority) -> Setup:
    return setup(authority, shop(f"origin CNAME lb\nlb CNAME {_ELB}"), cloud(f"{_ELB} CNAME origin.shop.lab."))


def _long_chain(authority: Authority) -> Setup:
    links = "\n".join(f"hop{n} CNAME hop{n + 1}" for n in range(1, 20))
    return setup(authority, shop(f"origin CNAME hop1\n{links}\nhop20 A {FIRST}"))


def _private(authority: Authority) -> Setup:
    return setup(authority, shop(f"origin A {_INSIDE}"), published=(_INSIDE,), services=(Dropped(),))


def _one_private(authority: Authority) -> Setup:
    both = shop(f"{RECORDS}origin A {_INSIDE}")
    return setup(authority, both, published=(FIRST, _INSIDE), services=(secure(authority), Dropped()))


def _two_zones(authority: Authority) -> Setup:
    """Two hosted zones of one name: the registry names the servers of the one without the record."""
    second = {f"ns{n}.second.net.": f"198.51.100.3{n}" for n in (1, 2, 3, 4)}
    with_record = zone(SHOP, second, RECORDS)
    return setup(
        authority,
        domain(shop_zone("www A 203.0.113.99"), SHOP_SERVERS),
        domain(zone("second.net.", second, ""), second),
        Domain(SHOP, "", tuple(NameServer(address, (with_record,)) for address in second.values())),
    )


def _stale_server(authority: Authority) -> Setup:
    before_the_move = shop_zone(f"old-origin A {FIRST}", serial=2025010101)
    return setup(authority, shop(instead={"ns3.shop.lab.": before_the_move}))


def _route_53_nxdomain(authority: Authority) -> Setup:
    held = zone(SHOP, ROUTE_53, f"origin.shop.lab A {FIRST}")  # relative: it ends up as origin.shop.lab.shop.lab
    return setup(authority, domain(held, ROUTE_53), *route_53_names())


SCENARIOS = (
    Scenario(
        name="dns-nxdomain",
        title="The origin's record was deleted",
        story=(
            "09:04 PAGE  CloudFront 502 for www.shop.example, rising since the clean-up of the zone.",
            "Ticket: the web server idles. Nobody changed it, and by its address it answers.",
        ),
        difficulty=Difficulty.EASY,
        expected=_fault("dns.nxdomain"),
        hints=(
            "How does CloudFront know where the web server is?",
            "Ask for the Origin Domain's address.",
            "Ask the name servers of the zone themselves: do they know the name?",
        ),
        why_in_real_life=(
            "A record that looks unused is deleted: only CloudFront uses it. Resolvers that have it cached hide the "
            "fault until its TTL is over, so that it comes up slowly."
        ),
        page=_PAGE,
        set_up=_nxdomain,
    ),
    Scenario(
        name="dns-record-with-doubled-domain",
        title="The record was created as origin.shop.lab.shop.lab, in Route 53",
        story=(
            "11:20 PAGE  CloudFront 502 for www.shop.example since the zone moved to Amazon Route 53.",
            "Ticket: the record is there, see the export of the zone: `origin.shop.lab  A  203.0.113.10`.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=_fault("dns.nxdomain"),
        hints=(
            "Somebody sees the record, CloudFront does not: who is right?",
            "Ask all four name servers that the registry names.",
            "In a zone file, what does a name without a dot at its end mean?",
        ),
        why_in_real_life="Zone files and many consoles append the zone to a name that does not end with a dot.",
        page=_PAGE,
        set_up=_route_53_nxdomain,
    ),
    Scenario(
        name="dns-two-zones",
        title="The record was created in a zone that the registry does not point to",
        story=(
            "14:31 PAGE  CloudFront 502 for www.shop.example, which is new and has never worked.",
            "Ticket: the record is there! `dig @ns1.second.net origin.shop.lab` gives the right address.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=_fault("dns.nxdomain"),
        hints=(
            "There can be two zones of one name.",
            "Who does the registry say serves shop.lab?",
            "Compare these servers with those in the ticket.",
        ),
        why_in_real_life=(
            "A second hosted zone of the same name, made by a template or another team: records in it are seen by "
            "nobody, as the registrar names the servers of the first."
        ),
        page=_PAGE,
        set_up=_two_zones,
    ),
    Scenario(
        name="dns-not-delegated",
        title="The registry no longer delegates the domain",
        story=(
            "00:17 PAGE  CloudFront 502 for www.shop.example; mail to shop.lab bounces as well.",
            "Ticket: our name servers are up and answer for the zone, we tested each of them.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=_fault("dns.not_delegated"),
        hints=(
            "Mail and web at the same time: what do they share?",
            "How does anybody find the name servers of shop.lab?",
            "Ask the name servers of the zone above.",
        ),
        why_in_real_life=(
            "The domain was not renewed (the card on file ran out), or the registrar put it on hold; also a typing "
            "mistake in the domain gives this picture."
        ),
        page=_PAGE,
        set_up=_not_delegated,
    ),
    Scenario(
        name="dns-nodata",
        title="The name exists and has no address",
        story=(
            "10:12 PAGE  CloudFront 502 for www.shop.example after mail security was tightened.",
            "Ticket: the new record for origin.shop.lab is visible everywhere, DNS has taken the change.",
        ),
        difficulty=Difficulty.EASY,
        expected=_fault("dns.nodata"),
        hints=(
            "Which record was visible everywhere?",
            "Which record does CloudFront need?",
            "Ask for A, not for anything else.",
        ),
        why_in_real_life="Replacing a record of another type through a template or API also replaced the A record.",
        page=_PAGE,
        set_up=_other_types_only,
    ),
    Scenario(
        name="dns-only-names-below",
        title="Only names below the origin's exist",
        story=(
            "16:45 PAGE  CloudFront 502 for www.shop.example since blue/green deployment was introduced.",
            "Ticket: blue.origin.shop.lab and green.origin.shop.lab both answer.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=_fault("dns.nodata"),
        hints=(
            "Which of these names does the distribution use?",
            "A name without records can exist all the same: NOERROR is not an address.",
            "Look at the answer section, not at the status.",
        ),
        why_in_real_life="Names were moved one level down and nobody kept the old one.",
        page=_PAGE,
        set_up=_empty_non_terminal,
    ),
    Scenario(
        name="dns-ipv6-only",
        title="The origin has an IPv6 address only, and the distribution says IPv4",
        story=(
            "12:02 PAGE  CloudFront 502 for www.shop.example since the new platform went live.",
            "Ticket: curl to the origin works from every machine of the team.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=_fault("dns.wrong_family"),
        hints=(
            "How do the machines of the team get there?",
            "Ask for A and for AAAA.",
            "What is the origin's IP address type in the distribution?",
        ),
        why_in_real_life=(
            "New platforms give out IPv6 addresses only. CloudFront connects over IPv4 unless the origin's IP address "
            "type says otherwise."
        ),
        page=_IPV6_PAGE,
        set_up=_ipv6_only,
    ),
    Scenario(
        name="dns-dangling-alias",
        title="The name is an alias of a load balancer that was deleted",
        story=(
            "17:33 PAGE  CloudFront 502 for www.shop.example after the load balancer was replaced.",
            "Ticket: the record of origin.shop.lab is there, nobody touched it for a year.",
        ),
        difficulty=Difficulty.EASY,
        expected=_fault("dns.dangling_alias"),
        hints=(
            "What kind of record is it?",
            "Follow it to its end.",
            "Who owns the name at the end, and does it exist?",
        ),
        why_in_real_life=(
            "A load balancer that is made anew has another name. Whoever can create the old name takes over the origin."
        ),
        page=_PAGE,
        set_up=_dangling,
    ),
    Scenario(
        name="dns-dangling-alias-inside",
        title="The name is an alias of a name in the same zone that was deleted",
        story=(
            "18:02 PAGE  CloudFront 502 for www.shop.example after the end of the blue environment.",
            "Ticket: the record of origin.shop.lab is there, `dig +short` prints it.",
        ),
        difficulty=Difficulty.EASY,
        expected=_fault("dns.dangling_alias"),
        hints=(
            "What does dig print: a name or an address?",
            "Read the status of the answer, not only its content.",
            "Does the name that it points to exist?",
        ),
        why_in_real_life="An environment was taken down with its records, and the alias to it stayed.",
        page=_PAGE,
        set_up=_dangling_inside,
    ),
    Scenario(
        name="dns-alias-without-address",
        title="The name is an alias of a name that has no address",
        story=(
            "08:50 PAGE  CloudFront 502 for www.shop.example since the load balancer was renamed.",
            "Ticket: the target of the alias exists, `dig` says NOERROR.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=_fault("dns.nodata"),
        hints=(
            "NOERROR means that the name is known.",
            "Is there an address at the end of the alias?",
            "Ask the servers of the target's zone for its A record.",
        ),
        why_in_real_life="The target has no healthy host and its provider then publishes no address, or was renamed.",
        page=_PAGE,
        set_up=_alias_without_address,
    ),
    Scenario(
        name="dns-weighted-alias-one-gone",
        title="The record is weighted between two load balancers, and one of them was deleted",
        story=(
            "12:48 PAGE  CloudFront 502 for about half the cold requests to www.shop.example.",
            "Ticket: `dig origin.shop.lab` gives an address. Asked again, too. Mostly.",
        ),
        difficulty=Difficulty.HARD,
        expected=_fault("dns.dangling_alias", edge=frozenset({200, 502})),
        hints=(
            "Is it always the same answer?",
            "Ask one name server several times, and look at the CNAME.",
            "Does each of its targets exist?",
        ),
        why_in_real_life=(
            "The green half of a blue/green deployment was taken down, and its weighted record stayed with a weight."
        ),
        page=_PAGE,
        set_up=_one_target_gone,
    ),
    Scenario(
        name="dns-alias-loop",
        title="The aliases go round in a circle, over two providers",
        story=(
            "13:13 PAGE  CloudFront 502 for www.shop.example since both teams moved to vanity names.",
            "Ticket: every single record is right: each points to what the other team gave us.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=_fault("dns.alias_loop"),
        hints=(
            "Each record for itself is not the whole.",
            "Write down where each alias leads.",
            "Does the chain end at an address?",
        ),
        why_in_real_life="Two teams point to each other's name; each tests its own half.",
        page=_PAGE,
        set_up=_loop,
    ),
    Scenario(
        name="dns-alias-chain-too-long",
        title="Twenty aliases lie between the name and the address",
        story=(
            "15:58 PAGE  CloudFront 502 for www.shop.example; the team's own resolver finds the address.",
            "Ticket: we only added one more alias in front, as with each migration.",
        ),
        difficulty=Difficulty.HARD,
        expected=_fault("dns.alias_chain_too_long"),
        hints=(
            "How many steps does a resolver take before it gives up?",
            "Count the aliases.",
            "Compare with the limits of well-known resolvers.",
        ),
        why_in_real_life="Every migration adds an alias and removes none. Resolvers give up at different lengths.",
        page=_PAGE,
        set_up=_long_chain,
    ),
    Scenario(
        name="dns-private-address",
        title="Public DNS gives a private address",
        story=(
            "19:47 PAGE  CloudFront 504 for www.shop.example since the origin went behind an internal load balancer.",
            "Ticket: from our VPN the origin answers at once.",
        ),
        difficulty=Difficulty.EASY,
        expected=_fault("dns.private_address", 504),
        hints=(
            "Slow failures mean that nobody says anything.",
            "Which address does public DNS give?",
            "Who can reach such an address?",
        ),
        why_in_real_life=(
            "Internal load balancers have public names with private addresses. CloudFront needs a public one, or a VPC "
            "origin."
        ),
        page=_VPC_PAGE,
        set_up=_private,
    ),
    Scenario(
        name="dns-one-private-address",
        title="One of the origin's two addresses is private",
        story=(
            "20:20 PAGE  CloudFront 504 for half the requests to www.shop.example.",
            "Ticket: the second host was added to DNS an hour ago; it is healthy.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=_fault("dns.private_address", 504, edge=frozenset({200, 504})),
        hints=(
            "Half the requests: what is there two of?",
            "Look at every address of the name.",
            "Can each of them be reached from the internet?",
        ),
        why_in_real_life="An instance registers itself in DNS with the only address that it knows: its private one.",
        page=_VPC_PAGE,
        set_up=_one_private,
    ),
    Scenario(
        name="dns-stale-server-denies",
        title="One name server has an old zone without the record",
        story=(
            "07:15 PAGE  CloudFront 502 for www.shop.example, in waves, from some locations only.",
            "Ticket: `dig origin.shop.lab` gives the address each time we try.",
        ),
        difficulty=Difficulty.HARD,
        expected=_fault("dns.servers_disagree", edge=frozenset({200, 502})),
        hints=(
            "Some locations fail, others do not: who is asked differs.",
            "Ask every name server of the zone by itself.",
            "Compare answers and serial numbers.",
        ),
        why_in_real_life=(
            "A secondary no longer gets zone transfers (a changed key, address or firewall rule). It goes on answering "
            "with authority from the old zone until that times out."
        ),
        page=_PAGE,
        set_up=_stale_server,
        has_logs=True,
    ),
)
