"""Name servers of which one fails, or that fail in one respect: resolvers get by, and it will bite one day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from cfrunbook.lab.authority import Authority
from cfrunbook.lab.dns.internet import SHOP, SHOP_SERVERS, Domain, delegation, domain, zone
from cfrunbook.lab.dns.setup import Fault, NameServer, Template
from cfrunbook.lab.dns.shop import EVERY_SERVER, FIRST, RECORDS, cloud, cloud_name, failing, setup, shop, shop_zone
from cfrunbook.lab.scenario import HEALTHY, Difficulty, Scenario, Setup

_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
_PAGE = _GUIDE + "http-502-bad-gateway.html#http-502-dns-error"

_LAST = EVERY_SERVER[-1]


def _one_of_four(*faults: Fault) -> Callable[[Authority], Setup]:
    """Return a setup in which the last of four name servers fails so."""
    return lambda authority: setup(authority, shop(faults=failing(*faults, servers=(_LAST,))))


def _each(*faults: Fault) -> Callable[[Authority], Setup]:
    """Return a setup in which every name server fails so."""
    return lambda authority: setup(authority, shop(faults=failing(*faults)))


def _one_without_zone(authority: Authority) -> Setup:
    return setup(authority, shop(instead={_LAST: None}))


def _one_stale(authority: Authority) -> Setup:
    return setup(authority, shop(instead={_LAST: shop_zone(serial=2025010101)}))


def _one_instance_stale(authority: Authority) -> Setup:
    """Behind the address of the last server stand two, and answer in turn; one has an old copy."""
    plain = shop()
    *others, last = plain.servers
    last = replace(last, rotation=((shop_zone(serial=2025010101),),))
    return setup(authority, replace(plain, servers=(*others, last)))


def _registry_lists_more(authority: Authority) -> Setup:
    """The zone names two servers; the registry still lists two more, which were switched off."""
    kept = {name: SHOP_SERVERS[name] for name in EVERY_SERVER[:2]}
    held = zone(SHOP, kept, RECORDS)
    gone = tuple(NameServer(SHOP_SERVERS[name], (), (Fault.DROP,)) for name in EVERY_SERVER[2:])
    return setup(authority, domain(held, kept, published=delegation(SHOP, SHOP_SERVERS)), Domain("", "", gone))


def _zone_lists_more(authority: Authority) -> Setup:
    """The registry lists two servers; the zone names four, and all are healthy."""
    listed = {name: SHOP_SERVERS[name] for name in EVERY_SERVER[:2]}
    return setup(authority, shop(published=delegation(SHOP, listed)))


def _old_glue_of_one(authority: Authority) -> Setup:
    published = delegation(SHOP, dict(SHOP_SERVERS) | {_LAST: "198.51.100.84"})
    return setup(
        authority, shop(published=published), Domain("", "", (NameServer("198.51.100.84", (), (Fault.DROP,)),))
    )


def _alias_at_apex(authority: Authority) -> Setup:
    """The zone's own name is an alias: no zone file may hold that, and some providers answer so all the same."""
    target = cloud_name("shop.edge")
    template = Template(SHOP, f"{SHOP} 300 IN CNAME {target}", types=("A", "AAAA"))
    plain = shop()
    servers = tuple(replace(server, templates=(template,)) for server in plain.servers)
    return setup(authority, replace(plain, servers=servers), cloud(f"shop.edge A {FIRST}"), name="shop.lab")


def _two_aliases(authority: Authority) -> Setup:
    """Two CNAME records at one name: no zone file may hold that, and some providers' consoles let it through."""
    records = "".join(f"origin.shop.lab. 300 IN CNAME {cloud_name(label)}\n" for label in ("blue", "green"))
    template = Template("origin.shop.lab.", records, types=("A", "AAAA"))
    plain = shop()
    servers = tuple(replace(server, templates=(template,)) for server in plain.servers)
    return setup(authority, replace(plain, servers=servers), cloud(f"blue A {FIRST}\ngreen A {FIRST}"))


def _aaaa_denied(authority: Authority) -> Setup:
    return setup(authority, shop(faults=failing(Fault.NXDOMAIN), types=("AAAA",)))


SCENARIOS = (
    Scenario(
        name="dns-one-server-dead",
        title="One of four name servers is dead",
        story=(
            "02:20 PAGE  CloudFront answers slowly for www.shop.example now and then, and once with 502.",
            "Ticket: `dig +short origin.shop.lab` takes one second in four tries, and nothing in the others.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=HEALTHY,
        hints=(
            "One in four: what are there four of?",
            "Ask each name server by itself.",
            "What does a resolver do when one of them is silent?",
        ),
        why_in_real_life="A name server was switched off and stayed in the delegation. Cold lookups wait for it.",
        page=_PAGE,
        set_up=_one_of_four(Fault.DROP),
    ),
    Scenario(
        name="dns-one-server-stopped",
        title="On one of four hosts no name server runs",
        story=(
            "03:44 PAGE  one CloudFront 502 for www.shop.example.",
            "Ticket: ns4 was patched last night and answers ping.",
        ),
        difficulty=Difficulty.EASY,
        expected=HEALTHY,
        hints=(
            "Ping says little about a name server.",
            "Ask each name server by itself.",
            "How fast do you learn that nobody listens?",
        ),
        why_in_real_life="The service was not enabled at boot.",
        page=_PAGE,
        set_up=_one_of_four(Fault.CLOSED),
    ),
    Scenario(
        name="dns-one-server-refuses",
        title="One of four name servers does not have the zone",
        story=(
            "09:26 PAGE  one CloudFront 502 for www.shop.example.",
            "Ticket: `dig +nssearch shop.lab` lists three servers, all with the same serial.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=HEALTHY,
        hints=(
            "Three? How many does the registry list?",
            "Ask the one that is missing.",
            "What does it answer?",
        ),
        why_in_real_life="A provider was given notice and the NS record stayed. `dig +nssearch` leaves it out.",
        page=_PAGE,
        set_up=_one_without_zone,
    ),
    Scenario(
        name="dns-one-server-fails",
        title="One of four name servers answers SERVFAIL",
        story=(
            "04:18 PAGE  one CloudFront 502 for www.shop.example.",
            "Ticket: all four name servers are up.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=HEALTHY,
        hints=("Up is not well.", "Ask each name server by itself.", "When did it last get the zone?"),
        why_in_real_life="A secondary could not reach the primary until its copy of the zone was no longer valid.",
        page=_PAGE,
        set_up=_one_of_four(Fault.SERVFAIL),
    ),
    Scenario(
        name="dns-one-server-lame",
        title="One of four name servers answers without authority",
        story=(
            "10:01 PAGE  one CloudFront 502 for www.shop.example.",
            "Ticket: all four name servers give the right address.",
        ),
        difficulty=Difficulty.HARD,
        expected=HEALTHY,
        hints=(
            "Where does the fourth have its answer from?",
            "Look at the flags.",
            "Resolvers want an authoritative answer.",
        ),
        why_in_real_life="A resolver was entered as name server: it answers from its cache, sometimes.",
        page=_PAGE,
        set_up=_one_of_four(Fault.NOT_AUTHORITATIVE),
    ),
    Scenario(
        name="dns-one-server-refers-upward",
        title="One of four name servers sends the asker back to the root",
        story=(
            "10:47 PAGE  one CloudFront 502 for www.shop.example.",
            "Ticket: all four name servers answer NOERROR.",
        ),
        difficulty=Difficulty.HARD,
        expected=HEALTHY,
        hints=(
            "NOERROR with which sections filled?",
            "Ask each name server by itself.",
            "Where does the fourth send you?",
        ),
        why_in_real_life="An old name server without the zone.",
        page=_PAGE,
        set_up=_one_of_four(Fault.UPWARD_REFERRAL),
    ),
    Scenario(
        name="dns-one-server-garbled",
        title="What one of four name servers answers is no DNS message",
        story=(
            "11:59 PAGE  one CloudFront 502 for www.shop.example.",
            "Ticket: ns4 stands behind a new firewall.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=HEALTHY,
        hints=(
            "Ask each name server by itself.",
            "dig says what it thinks of the message.",
            "Who rewrites packets on the way?",
        ),
        why_in_real_life="A middlebox rewrites DNS messages and gets it wrong.",
        page=_PAGE,
        set_up=_one_of_four(Fault.GARBAGE),
    ),
    Scenario(
        name="dns-one-server-wrong-id",
        title="One of four name servers answers with the ID of another question",
        story=(
            "12:31 PAGE  one CloudFront 502 for www.shop.example.",
            "Ticket: the trace shows an answer from each of the four.",
        ),
        difficulty=Difficulty.HARD,
        expected=HEALTHY,
        hints=(
            "An answer to which question?",
            "Compare the ID of question and answer.",
            "What does a resolver do with somebody else's answer?",
        ),
        why_in_real_life="A load balancer mixes up conversations. To resolvers it is an attack, and ignored.",
        page=_PAGE,
        set_up=_one_of_four(Fault.WRONG_ID),
    ),
    Scenario(
        name="dns-one-server-stale",
        title="One of four name servers has an old serial, with the same address in it",
        story=(
            "13:31 PAGE  one CloudFront 502 for www.shop.example, a month ago. Is DNS in order?",
            "Ticket: all four name servers give the right address.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=HEALTHY,
        hints=(
            "Today they do.",
            "Compare the serial numbers.",
            "What happens at the next change?",
        ),
        why_in_real_life="Zone transfers to one secondary stopped; it shows with the next change of the address.",
        page=_PAGE,
        set_up=_one_stale,
    ),
    Scenario(
        name="dns-one-instance-stale",
        title="Behind the address of one name server stand two, and one has an old copy of the zone",
        story=(
            "13:52 PAGE  one CloudFront 502 for www.shop.example, a month ago. Is DNS in order?",
            "Ticket: monitoring says that ns4 is stale, then that it is not, then that it is.",
        ),
        difficulty=Difficulty.HARD,
        expected=HEALTHY,
        hints=(
            "Is ns4 one server?",
            "Ask it for its serial number several times.",
            "What is anycast?",
        ),
        why_in_real_life="One site of an anycast service, or one server behind a load balancer, missed an update.",
        page=_PAGE,
        set_up=_one_instance_stale,
    ),
    Scenario(
        name="dns-registry-lists-more",
        title="The registry lists two name servers that are no longer in use",
        story=(
            "14:44 PAGE  CloudFront is slow for www.shop.example now and then.",
            "Ticket: both name servers in the zone are healthy.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=HEALTHY,
        hints=(
            "Who lists the name servers, besides the zone?",
            "Compare both lists.",
            "Ask those that are in one list only.",
        ),
        why_in_real_life="Changing NS records in the zone does not change the registry's. Resolvers begin there.",
        page=_PAGE,
        set_up=_registry_lists_more,
    ),
    Scenario(
        name="dns-zone-lists-more",
        title="The zone names two name servers that the registry does not list",
        story=(
            "15:30 PAGE  one CloudFront 502 for www.shop.example.",
            "Ticket: we have four name servers, and the registrar shows two!",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=HEALTHY,
        hints=(
            "Which list do resolvers begin with?",
            "Are the two that are listed healthy?",
            "Is there less redundancy than you thought?",
        ),
        why_in_real_life="New name servers were added to the zone and not at the registrar.",
        page=_PAGE,
        set_up=_zone_lists_more,
    ),
    Scenario(
        name="dns-old-glue-of-one",
        title="The registry publishes an old address for one name server",
        story=(
            "16:29 PAGE  CloudFront is slow for www.shop.example now and then.",
            "Ticket: ns4 moved last week. `dig @ns4.shop.lab` answers at once.",
        ),
        difficulty=Difficulty.HARD,
        expected=HEALTHY,
        hints=(
            "Which address of ns4 did dig ask, and who told it?",
            "Ask the name servers of lab for the address of ns4.",
            "Does anybody answer at that address?",
        ),
        why_in_real_life="The host record at the registrar was forgotten when the name server moved.",
        page=_PAGE,
        set_up=_old_glue_of_one,
    ),
    Scenario(
        name="dns-without-tcp",
        title="No name server answers over TCP, and so far none has to",
        story=(
            "17:05 PAGE  one CloudFront 502 for www.shop.example.",
            "Ticket: the auditors say that TCP port 53 is closed. Does anybody need it?",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=HEALTHY,
        hints=(
            "When does a resolver use TCP?",
            "How long is the answer today?",
            "What if it grows, or the provider limits rates?",
        ),
        why_in_real_life="TCP is closed because DNS is UDP, as everybody knows; until an answer does not fit.",
        page=_PAGE,
        set_up=_each(Fault.TCP_REFUSED),
    ),
    Scenario(
        name="dns-without-edns",
        title="The name servers do not know EDNS",
        story=(
            "18:36 PAGE  one CloudFront 502 for www.shop.example.",
            "Ticket: dig warns about EDNS. Our name servers are of 1998, and proven.",
        ),
        difficulty=Difficulty.HARD,
        expected=HEALTHY,
        hints=(
            "What exactly do they answer to EDNS: silence, or an error?",
            "What does a resolver do then?",
            "Ask with +noedns.",
        ),
        why_in_real_life="Very old servers answer FORMERR to EDNS; resolvers ask again without, one round trip later.",
        page=_PAGE,
        set_up=_each(Fault.FORMERR_EDNS),
    ),
    Scenario(
        name="dns-alias-at-apex",
        title="The zone's own name is an alias",
        story=(
            "19:53 PAGE  CloudFront 502 for www.shop.example, whose origin is shop.lab, from one resolver's customers.",
            "Ticket: the record works for us. Mail to shop.lab fails sometimes.",
        ),
        difficulty=Difficulty.HARD,
        expected=HEALTHY,
        hints=(
            "Which other records does this name have?",
            "May an alias have company?",
            "Which record type do providers offer for this?",
        ),
        why_in_real_life="An alias at the apex hides NS and MX from some resolvers; ALIAS or ANAME is for that.",
        page=_PAGE,
        set_up=_alias_at_apex,
    ),
    Scenario(
        name="dns-two-aliases",
        title="The name has two CNAME records",
        story=(
            "20:40 PAGE  CloudFront 502 for www.shop.example from some locations, now and then.",
            "Ticket: origin.shop.lab is balanced over two load balancers, and both are healthy.",
        ),
        difficulty=Difficulty.HARD,
        expected=HEALTHY,
        hints=(
            "Balanced by what?",
            "How many CNAME records may a name have?",
            "What do resolvers make of two?",
        ),
        why_in_real_life="Somebody balanced load with two CNAME records; resolvers follow one of them, or refuse both.",
        page=_PAGE,
        set_up=_two_aliases,
    ),
    Scenario(
        name="dns-aaaa-denied",
        title="Asked for IPv6 addresses, the name servers deny that the name exists",
        story=(
            "22:15 PAGE  CloudFront 502 for www.shop.example in bursts of a few minutes, from one location at a time.",
            "Ticket: `dig origin.shop.lab` gives the address, on all four name servers, each time.",
        ),
        difficulty=Difficulty.HARD,
        expected=HEALTHY,
        hints=(
            "Which types do resolvers ask for, besides A?",
            "Compare the status of the answers: NOERROR or NXDOMAIN?",
            "What may a resolver conclude from NXDOMAIN?",
        ),
        why_in_real_life="DNS made by load balancers and scripts knows type A only, and says NXDOMAIN to all others.",
        page=_PAGE,
        set_up=_aaaa_denied,
    ),
)
