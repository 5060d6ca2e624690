"""Name servers that all fail, or of which one denies what the others say: CloudFront answers 502, now or sometimes."""

from __future__ import annotations

from cfrunbook.findings import Cause
from cfrunbook.lab.authority import Authority
from cfrunbook.lab.dns.internet import ROUTE_53, SHOP, domain, route_53_names, zone
from cfrunbook.lab.dns.setup import Fault
from cfrunbook.lab.dns.shop import FIRST, RECORDS, SECOND, cloud, cloud_name, failing, secure, setup, shop, shop_zone
from cfrunbook.lab.scenario import Difficulty, Expected, Scenario, Setup
from cfrunbook.lab.servers import Closed

_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
_PAGE = _GUIDE + "http-502-bad-gateway.html#http-502-dns-error"

_LARGE = "\n".join([RECORDS, *(f"origin A 203.0.113.{n}" for n in range(100, 200))])
"""More addresses than fit into a datagram of 1232 bytes."""


def _fault(code: str) -> Expected:
    return Expected(status="fault", cause=Cause.DNS, code=code, cloudfront_status=502)


def _all_dead(authority: Authority) -> Setup:
    return setup(authority, shop(faults=failing(Fault.DROP)))


def _all_stopped(authority: Authority) -> Setup:
    return setup(authority, shop(faults=failing(Fault.CLOSED)))


def _all_refuse(authority: Authority) -> Setup:
    """The zone was deleted and made anew: the registry still names the servers of the old one."""
    without_zone = domain(zone(SHOP, ROUTE_53, RECORDS), ROUTE_53, instead=dict.fromkeys(ROUTE_53))
    return setup(authority, without_zone, *route_53_names())


def _all_servfail(authority: Authority) -> Setup:
    return setup(authority, shop(faults=failing(Fault.SERVFAIL)))


def _addresses_servfail(authority: Authority) -> Setup:
    return setup(authority, shop(faults=failing(Fault.SERVFAIL), types=("A", "AAAA")))


def _all_upward(authority: Authority) -> Setup:
    return setup(authority, shop(faults=failing(Fault.UPWARD_REFERRAL)))


def _all_garbage(authority: Authority) -> Setup:
    return setup(authority, shop(faults=failing(Fault.GARBAGE)))


def _addresses_ignored(authority: Authority) -> Setup:
    return setup(authority, shop(faults=failing(Fault.SILENT), types=("A", "AAAA")))


def _edns_dropped(authority: Authority) -> Setup:
    return setup(authority, shop(faults=failing(Fault.DROP_EDNS)))


def _truncated_without_tcp(authority: Authority) -> Setup:
    return setup(authority, shop(_LARGE, faults=failing(Fault.TCP_REFUSED)))


def _truncated_tcp_dropped(authority: Authority) -> Setup:
    return setup(authority, shop(faults=failing(Fault.TRUNCATE, Fault.NO_TCP)))


def _alias_into_dead_zone(authority: Authority) -> Setup:
    name = cloud_name("shop-1234567890.eu-west-1.elb")
    return setup(authority, shop(f"origin CNAME {name}"), cloud(f"{name} A {FIRST}", faults=(Fault.DROP,)))


def _stale_address(authority: Authority) -> Setup:
    before_the_move = shop_zone(f"origin A {SECOND}", serial=2025010101)
    domains = shop(instead={"ns2.shop.lab.": before_the_move})
    return setup(authority, domains, published=(FIRST, SECOND), services=(secure(authority), Closed()))


SCENARIOS = (
    Scenario(
        name="dns-all-servers-dead",
        title="None of the zone's name servers answers",
        story=(
            "02:58 PAGE  CloudFront 502 for www.shop.example, and for every other name of ours.",
            "Ticket: the DNS provider's status page is green.",
        ),
        difficulty=Difficulty.EASY,
        expected=_fault("dns.all_servers_dead"),
        hints=(
            "Every name at once: what do they share?",
            "Which name servers does the registry name?",
            "Ask each of them, over UDP and TCP.",
        ),
        why_in_real_life="A DNS provider is down or under attack, or a firewall change dropped port 53.",
        page=_PAGE,
        set_up=_all_dead,
    ),
    Scenario(
        name="dns-all-servers-stopped",
        title="On none of the name servers does a name server run",
        story=(
            "05:31 PAGE  CloudFront 502 for www.shop.example since the upgrade of the DNS hosts.",
            "Ticket: all four hosts answer ping.",
        ),
        difficulty=Difficulty.EASY,
        expected=_fault("dns.all_servers_dead"),
        hints=(
            "A host that answers ping is not a name server yet.",
            "Ask each of the four, and note how fast it fails.",
            "Who says that a port is closed, and how?",
        ),
        why_in_real_life="The configuration does not load after an upgrade, on all hosts at the same time.",
        page=_PAGE,
        set_up=_all_stopped,
    ),
    Scenario(
        name="dns-all-servers-refuse",
        title="The registry names Route 53 servers that do not have the zone",
        story=(
            "09:40 PAGE  CloudFront 502 for www.shop.example since the infrastructure was rebuilt from code.",
            "Ticket: the hosted zone and its record are there, see the console.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=_fault("dns.all_servers_refuse"),
        hints=(
            "What did the rebuild do to the hosted zone?",
            "Which four servers does Route 53 assign to the new zone?",
            "Which four does the registrar name?",
        ),
        why_in_real_life=(
            "A hosted zone that is deleted and made anew gets four other name servers; the registrar still names the "
            "old ones, which answer REFUSED."
        ),
        page=_PAGE,
        set_up=_all_refuse,
    ),
    Scenario(
        name="dns-all-servers-fail",
        title="All name servers answer SERVFAIL",
        story=(
            "04:04 PAGE  CloudFront 502 for www.shop.example; exactly two weeks after the primary was moved.",
            "Ticket: the name servers are up and answer within a millisecond.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=_fault("dns.servfail"),
        hints=(
            "What do they answer within a millisecond?",
            "Two weeks is a familiar number in an SOA record.",
            "When did the secondaries last get the zone?",
        ),
        why_in_real_life="Secondaries that cannot reach their primary give up the zone when its SOA expire is over.",
        page=_PAGE,
        set_up=_all_servfail,
    ),
    Scenario(
        name="dns-addresses-fail",
        title="Name servers answer for SOA and NS, and SERVFAIL for addresses",
        story=(
            "23:23 PAGE  CloudFront 502 for www.shop.example.",
            "Ticket: the zone check of the monitoring (SOA at all four servers, serials equal) is green.",
        ),
        difficulty=Difficulty.HARD,
        expected=_fault("dns.servfail"),
        hints=(
            "What does the check ask for, and what does CloudFront ask for?",
            "Ask the same servers for the A record.",
            "A server may fail for one type of record only.",
        ),
        why_in_real_life="Servers that compute addresses (geographic, load balanced) fail where their back end does.",
        page=_PAGE,
        set_up=_addresses_servfail,
    ),
    Scenario(
        name="dns-all-servers-refer-upward",
        title="All name servers send the asker back to the root",
        story=(
            "12:12 PAGE  CloudFront 502 for www.shop.example since the DNS hosts were installed anew.",
            "Ticket: they answer, with NOERROR even.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=_fault("dns.all_servers_lame"),
        hints=(
            "NOERROR with which sections filled?",
            "Is the answer authoritative?",
            "Whom do they refer to?",
        ),
        why_in_real_life="Old name servers without the zone refer to the root instead of refusing.",
        page=_PAGE,
        set_up=_all_upward,
    ),
    Scenario(
        name="dns-all-servers-garbled",
        title="What the name servers answer is no DNS message",
        story=(
            "03:30 PAGE  CloudFront 502 for www.shop.example since the DNS firewall was switched on.",
            "Ticket: packets go both ways, we see them in the trace.",
        ),
        difficulty=Difficulty.HARD,
        expected=_fault("dns.all_servers_dead"),
        hints=(
            "Packets are not answers.",
            "Decode one of them.",
            "Who rewrites packets on the way?",
        ),
        why_in_real_life="Middleboxes that rewrite DNS get compression or lengths wrong; another protocol has port 53.",
        page=_PAGE,
        set_up=_all_garbage,
    ),
    Scenario(
        name="dns-addresses-ignored",
        title="Name servers answer for SOA and NS, and are silent when asked for addresses",
        story=(
            "23:40 PAGE  CloudFront 502 for www.shop.example, with a delay.",
            "Ticket: the zone check of the monitoring (SOA at all four servers, serials equal) is green.",
        ),
        difficulty=Difficulty.HARD,
        expected=_fault("dns.no_server_helps"),
        hints=(
            "What does the check ask for, and what does CloudFront ask for?",
            "Ask the same servers for the A record, and wait.",
            "Who could let some questions pass and others not?",
        ),
        why_in_real_life="A DNS firewall or rate limiter counts address questions as an attack.",
        page=_PAGE,
        set_up=_addresses_ignored,
    ),
    Scenario(
        name="dns-edns-dropped",
        title="Questions with EDNS get no answer",
        story=(
            "18:09 PAGE  CloudFront 502 for www.shop.example after the firewall's signature update.",
            "Ticket: `dig +noedns @ns1.shop.lab origin.shop.lab` answers.",
        ),
        difficulty=Difficulty.HARD,
        expected=_fault("dns.edns_dropped"),
        hints=(
            "What does the option in the ticket switch off?",
            "Do resolvers ask like that?",
            "Ask with and without it.",
        ),
        why_in_real_life=(
            "Old firewalls drop DNS packets with an OPT record. Since 2019 resolvers no longer ask again without."
        ),
        page=_PAGE,
        set_up=_edns_dropped,
    ),
    Scenario(
        name="dns-large-answer-without-tcp",
        title="The answer does not fit into a datagram, and TCP port 53 is closed",
        story=(
            "10:55 PAGE  CloudFront 502 for www.shop.example since the pool was enlarged to a hundred hosts.",
            "Ticket: with ninety less it worked. DNS is UDP, and UDP is open.",
        ),
        difficulty=Difficulty.HARD,
        expected=_fault("dns.tcp_needed"),
        hints=(
            "How long is the answer?",
            "What does a server do with an answer that does not fit?",
            "Try the same question over TCP.",
        ),
        why_in_real_life="Port 53 is opened for UDP only; that goes well until an answer is longer than 1232 bytes.",
        page=_PAGE,
        set_up=_truncated_without_tcp,
    ),
    Scenario(
        name="dns-truncated-tcp-dropped",
        title="Every answer is truncated, and TCP is swallowed",
        story=(
            "21:21 PAGE  CloudFront 502 for www.shop.example while the provider defends against a flood.",
            "Ticket: every question gets an answer, from all four servers.",
        ),
        difficulty=Difficulty.HARD,
        expected=_fault("dns.tcp_needed"),
        hints=(
            "An answer with which flags?",
            "What does TC ask the resolver to do?",
            "Can it ask them over TCP?",
        ),
        why_in_real_life=(
            "Response rate limiting truncates answers so that real clients come back over TCP, which a firewall drops."
        ),
        page=_PAGE,
        set_up=_truncated_tcp_dropped,
    ),
    Scenario(
        name="dns-alias-target-dead",
        title="The name is an alias into a zone whose name servers are dead",
        story=(
            "06:06 PAGE  CloudFront 502 for www.shop.example.",
            "Ticket: all name servers of shop.lab answer, authoritatively, with the same serial.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=_fault("dns.all_servers_dead"),
        hints=(
            "What do they answer?",
            "In which zone is the alias's target?",
            "Ask the name servers of that zone.",
        ),
        why_in_real_life="The trouble is the provider's, and one's own monitoring looks at one's own zone only.",
        page=_PAGE,
        set_up=_alias_into_dead_zone,
    ),
    Scenario(
        name="dns-stale-server-old-address",
        title="One name server still gives the address that the origin had before",
        story=(
            "08:08 PAGE  CloudFront 502 for www.shop.example for about a quarter of the requests.",
            "Ticket: the origin moved last week, and the old host was switched off today.",
        ),
        difficulty=Difficulty.HARD,
        expected=Expected(
            status="fault",
            cause=Cause.DNS,
            code="dns.servers_disagree",
            cloudfront_status=502,
            edge=frozenset({200, 502}),
        ),
        hints=(
            "A quarter of the requests: what is there four of?",
            "Ask each name server for the address.",
            "Compare serial numbers.",
        ),
        why_in_real_life="A secondary no longer gets zone transfers; nobody notices until the old address is closed.",
        page=_PAGE,
        set_up=_stale_address,
    ),
)
