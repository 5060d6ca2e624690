"""The way from the root to the zone: delegations, glue, and DNSSEC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cfrunbook.findings import Cause
from cfrunbook.lab.authority import Authority
from cfrunbook.lab.dns.internet import SHOP, SHOP_SERVERS, Domain, Signers, delegation, domain, zone
from cfrunbook.lab.dns.setup import Fault, NameServer
from cfrunbook.lab.dns.shop import FIRST, RECORDS, setup, shop
from cfrunbook.lab.scenario import Difficulty, Expected, Scenario, Setup

if TYPE_CHECKING:
    from cfrunbook.lab.dns.signing import Signer

_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
_PAGE = _GUIDE + "http-502-bad-gateway.html#http-502-dns-error"

_API = "api.shop.lab."
_API_SERVERS = {"ns1.api.shop.lab.": "198.51.100.41", "ns2.api.shop.lab.": "198.51.100.42"}
_OLD_SERVERS = {"ns1.shop.lab.": "198.51.100.81", "ns2.shop.lab.": "198.51.100.82"}


def _fault(code: str) -> Expected:
    return Expected(status="fault", cause=Cause.DNS, code=code, cloudfront_status=502)


def _missing_glue(authority: Authority) -> Setup:
    return setup(authority, shop(published=delegation(SHOP, SHOP_SERVERS, glue=False)))


def _old_glue(authority: Authority) -> Setup:
    """The hosts have new addresses; the registry still publishes the old ones, where nobody is any more."""
    old = Domain("", "", tuple(NameServer(a, (), (Fault.DROP,)) for a in _OLD_SERVERS.values()))
    new = {name: SHOP_SERVERS[name] for name in _OLD_SERVERS}
    held = zone(SHOP, new, RECORDS)
    return setup(authority, domain(held, new, published=delegation(SHOP, _OLD_SERVERS)), old)


def _server_names_gone(authority: Authority) -> Setup:
    """The name servers' own domain is not delegated any more."""
    servers = {"ns1.olddns.net.": "198.51.100.51", "ns2.olddns.net.": "198.51.100.52"}
    provider = domain(zone("olddns.net.", servers, ""), servers, published="")
    return setup(authority, domain(zone(SHOP, servers, RECORDS), servers), provider)


def _subdomain_refused(authority: Authority) -> Setup:
    parent = shop(f"www A {FIRST}\n{delegation(_API, _API_SERVERS)}")
    child = Domain(_API, "", tuple(NameServer(a, ()) for a in _API_SERVERS.values()), above=SHOP)
    return setup(authority, parent, child, name="api.shop.lab")


def _subdomain_dead(authority: Authority) -> Setup:
    parent = shop(f"www A {FIRST}\n{delegation(_API, _API_SERVERS)}")
    dead = tuple(NameServer(a, (), (Fault.DROP,)) for a in _API_SERVERS.values())
    return setup(authority, parent, Domain(_API, "", dead, above=SHOP), name="api.shop.lab")


def _ds_mismatch(authority: Authority) -> Setup:
    from cfrunbook.lab.dns.signing import Signer

    return _signed(authority, Signer(), published=Signer())


def _signatures_over(authority: Authority) -> Setup:
    from cfrunbook.lab.dns.signing import Signer

    signer = Signer(days=(-30, -2))
    return _signed(authority, signer, published=signer)


def _unsigned_with_ds(authority: Authority) -> Setup:
    from cfrunbook.lab.dns.signing import Signer

    return _signed(authority, None, published=Signer())


def _signed(authority: Authority, signer: Signer | None, *, published: Signer) -> Setup:
    """Return a signed tree in which the registry publishes the key of `published` for the shop."""
    from cfrunbook.lab.dns.signing import Signer

    held = zone(SHOP, SHOP_SERVERS, RECORDS, signer=signer)
    delegated = delegation(SHOP, SHOP_SERVERS) + f"{SHOP} 300 IN DS {published.ds(SHOP)}\n"
    signers = Signers(Signer(), {"lab.": Signer()})
    return setup(authority, domain(held, SHOP_SERVERS, published=delegated), signers=signers)


SCENARIOS = (
    Scenario(
        name="dns-missing-glue",
        title="The registry publishes no addresses for the name servers inside the domain",
        story=(
            "10:10 PAGE  CloudFront 502 for www.shop.example since shop.lab has name servers of its own.",
            "Ticket: all four answer, their names have addresses in the zone. What more can there be?",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=_fault("dns.glue_missing"),
        hints=(
            "How does a resolver come to the address of ns1.shop.lab?",
            "Ask the name servers of lab for shop.lab, and read the additional section.",
            "Whoever wants to ask shop.lab must already have asked shop.lab.",
        ),
        why_in_real_life="Name servers inside their own domain need host records at the registrar; NS is not enough.",
        page=_PAGE,
        set_up=_missing_glue,
    ),
    Scenario(
        name="dns-old-glue",
        title="The registry publishes addresses that the name servers no longer have",
        story=(
            "07:07 PAGE  CloudFront 502 for www.shop.example since the name servers moved to other addresses.",
            "Ticket: the zone has the new addresses, and the name servers answer there.",
        ),
        difficulty=Difficulty.HARD,
        expected=_fault("dns.all_servers_dead"),
        hints=(
            "Who tells the resolver the addresses before it can ask the zone?",
            "Compare the addresses at the registry with those in the zone.",
            "Where are the host records changed?",
        ),
        why_in_real_life="Host records at the registrar are forgotten when name servers get new addresses.",
        page=_PAGE,
        set_up=_old_glue,
    ),
    Scenario(
        name="dns-server-names-gone",
        title="The domain of the name servers' names has gone",
        story=(
            "00:41 PAGE  CloudFront 502 for www.shop.example, and for customers of the same DNS provider.",
            "Ticket: shop.lab is paid for until 2031, the delegation is in place.",
        ),
        difficulty=Difficulty.HARD,
        expected=_fault("dns.server_names_unresolved"),
        hints=(
            "What is delegated is names. What are their addresses?",
            "Resolve the names of the name servers.",
            "Is their own domain still there?",
        ),
        why_in_real_life="The provider was sold and its old domain not renewed: all its customers' zones go with it.",
        page=_PAGE,
        set_up=_server_names_gone,
    ),
    Scenario(
        name="dns-subdomain-refused",
        title="A subdomain is delegated to servers that do not have it",
        story=(
            "11:36 PAGE  CloudFront 502 for www.shop.example, whose origin is api.shop.lab; shop.lab itself is fine.",
            "Ticket: four of four name servers of shop.lab are healthy.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=_fault("dns.all_servers_refuse"),
        hints=(
            "Is api.shop.lab in the zone shop.lab?",
            "Ask a name server of shop.lab, and look at the authority section.",
            "Ask the servers to which it refers.",
        ),
        why_in_real_life="The team's zone was removed with its project, and the NS records in the parent stayed.",
        page=_PAGE,
        set_up=_subdomain_refused,
    ),
    Scenario(
        name="dns-subdomain-dead",
        title="A subdomain is delegated to servers that are no more",
        story=(
            "13:57 PAGE  CloudFront 502 for www.shop.example, whose origin is api.shop.lab; requests hang first.",
            "Ticket: four of four name servers of shop.lab are healthy.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=_fault("dns.all_servers_dead"),
        hints=(
            "Is api.shop.lab in the zone shop.lab?",
            "Follow the delegation one step further.",
            "Does anybody answer there?",
        ),
        why_in_real_life="A subdomain's name servers were switched off with the data center they stood in.",
        page=_PAGE,
        set_up=_subdomain_dead,
    ),
    Scenario(
        name="dns-ds-mismatch",
        title="The registry publishes a key that the zone does not have",
        story=(
            "16:02 PAGE  CloudFront 502 for www.shop.example since the zone moved to another DNS provider.",
            "Ticket: all four name servers give the right address. From some networks the site is up.",
        ),
        difficulty=Difficulty.HARD,
        expected=_fault("dns.dnssec_bogus"),
        hints=(
            "Some resolvers accept the answer, others do not: what do the others check?",
            "Ask the registry for the domain's DS record.",
            "Compare it with the zone's DNSKEY.",
        ),
        why_in_real_life="A signed zone was moved without changing the DS record at the registrar first.",
        page=_PAGE,
        set_up=_ds_mismatch,
    ),
    Scenario(
        name="dns-unsigned-with-ds",
        title="The registry says that the zone is signed, and it is not",
        story=(
            "17:17 PAGE  CloudFront 502 for www.shop.example since signing was switched off at the provider.",
            "Ticket: all four name servers give the right address.",
        ),
        difficulty=Difficulty.HARD,
        expected=_fault("dns.dnssec_bogus"),
        hints=(
            "Signing has two ends.",
            "Ask the registry for the domain's DS record.",
            "Does the zone have a DNSKEY?",
        ),
        why_in_real_life="DNSSEC was switched off in the zone and the DS record stayed at the registrar.",
        page=_PAGE,
        set_up=_unsigned_with_ds,
    ),
    Scenario(
        name="dns-signatures-over",
        title="The zone's signatures are no longer valid",
        story=(
            "01:00 PAGE  CloudFront 502 for www.shop.example. Nothing was changed for weeks.",
            "Ticket: all four name servers give the right address, with the right serial.",
        ),
        difficulty=Difficulty.HARD,
        expected=_fault("dns.dnssec_bogus"),
        hints=(
            "What happens by itself, without a change?",
            "Ask with +dnssec.",
            "Read the two dates of the signature.",
        ),
        why_in_real_life="The job that signs the zone anew has stopped; signatures last two weeks or so.",
        page=_PAGE,
        set_up=_signatures_over,
    ),
)
