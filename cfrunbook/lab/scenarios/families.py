"""IPv4 and IPv6 against the origin's IpAddressType: which addresses count, and what one broken family does.

https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-enable-ipv6.html
"""

from __future__ import annotations

from cfrunbook.findings import Cause
from cfrunbook.lab.authority import Authority
from cfrunbook.lab.dns.internet import ORIGIN_NAME
from cfrunbook.lab.dns.shop import FIRST, secure, setup, shop
from cfrunbook.lab.scenario import HEALTHY, Difficulty, Expected, Scenario, Setup
from cfrunbook.lab.servers import Closed

_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
_IPV6_PAGE = _GUIDE + "cloudfront-enable-ipv6.html"
_PORT_PAGE = _GUIDE + "http-502-bad-gateway.html#origin-not-responding-on-specified-ports"
_DNS_PAGE = _GUIDE + "http-502-bad-gateway.html#http-502-dns-error"

_SIX = "2001:db8::10"
_BOTH = f"origin A {FIRST}\norigin AAAA {_SIX}\n"


def _ipv6_refuses(authority: Authority) -> Setup:
    services = (secure(authority, ORIGIN_NAME), Closed())
    return setup(authority, shop(_BOTH), published=(FIRST, _SIX), services=services, ip_address_type="dualstack")


def _broken_and_unused(authority: Authority) -> Setup:
    services = (secure(authority, ORIGIN_NAME), Closed())
    return setup(authority, shop(_BOTH), published=(FIRST, _SIX), services=services, ip_address_type="ipv4")


def _both(authority: Authority) -> Setup:
    return setup(authority, shop(_BOTH), published=(FIRST, _SIX), ip_address_type="dualstack")


def _only_a(authority: Authority) -> Setup:
    return setup(authority, shop(f"origin A {FIRST}"), published=(FIRST,), ip_address_type="dualstack")


def _only_aaaa(authority: Authority) -> Setup:
    return setup(authority, shop(f"origin AAAA {_SIX}"), published=(_SIX,), ip_address_type="dualstack")


def _ipv6_wanted(authority: Authority) -> Setup:
    return setup(authority, shop(f"origin A {FIRST}"), published=(FIRST,), ip_address_type="ipv6")


SCENARIOS = (
    Scenario(
        name="dualstack-ipv6-refuses",
        title="CloudFront uses IPv4 and IPv6, and the origin listens on IPv4 alone",
        story=(
            "10:31 PAGE  CloudFront 502 for www.shop.example, now and then, since IPv6 was switched on for the origin.",
            "Ticket: the origin has an AAAA record since last week. curl works here; the office has no IPv6.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=Expected(
            status="fault",
            cause=Cause.PORT,
            code="port.refused",
            cloudfront_status=502,
            edge=frozenset({200, 502}),
        ),
        hints=(
            "What is different between the requests that fail and those that do not?",
            "Ask for A and for AAAA, and connect to each address.",
            "What does the server listen on: 0.0.0.0, or :: too?",
        ),
        why_in_real_life=(
            "The AAAA record and IpAddressType dualstack are there before the server listens on IPv6 (nginx: listen "
            "[::]:443), or before the firewall lets CloudFront's IPv6 addresses in."
        ),
        page=_PORT_PAGE,
        set_up=_ipv6_refuses,
    ),
    Scenario(
        name="ipv4-unused-ipv6-refuses",
        title="The origin's IPv6 address is dead, and CloudFront does not use it",
        story=(
            "16:12 PAGE  CloudFront 502 for www.shop.example, for a minute, while a host was restarted.",
            "Ticket: the monitoring is red at the IPv6 address of the origin, all day long. That must be it!",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=HEALTHY,
        hints=(
            "Does CloudFront ever go there?",
            "Read the origin's IP address type in the distribution.",
            "Judge by the addresses that count.",
        ),
        why_in_real_life="IpAddressType is ipv4 unless somebody changed it: an AAAA record then means nothing.",
        page=_IPV6_PAGE,
        set_up=_broken_and_unused,
    ),
    Scenario(
        name="dualstack-both",
        title="The origin answers over IPv4 and IPv6, and CloudFront uses both",
        story=(
            "08:20 PAGE  CloudFront 502 for www.shop.example during the network team's IPv6 tests.",
            "Ticket: it has been quiet since. Is everything as it should be?",
        ),
        difficulty=Difficulty.EASY,
        expected=HEALTHY,
        hints=("Which addresses has the name?", "Look at each of them.", "Do both answer alike?"),
        why_in_real_life="This is what dualstack is meant to look like.",
        page=_IPV6_PAGE,
        set_up=_both,
    ),
    Scenario(
        name="dualstack-only-a",
        title="CloudFront would use IPv6, and the origin has an IPv4 address only",
        story=(
            "19:45 PAGE  CloudFront 502 for www.shop.example, once.",
            "Ticket: the distribution says dualstack, but the origin has no AAAA record. Does it need one?",
        ),
        difficulty=Difficulty.EASY,
        expected=HEALTHY,
        hints=("What does dualstack demand?", "One family is enough.", "Does the one address answer?"),
        why_in_real_life="Dualstack takes what there is: the AAAA record may come later.",
        page=_IPV6_PAGE,
        set_up=_only_a,
    ),
    Scenario(
        name="dualstack-only-aaaa",
        title="CloudFront would use IPv4, and the origin has an IPv6 address only",
        story=(
            "21:02 PAGE  CloudFront 502 for www.shop.example, once.",
            "Ticket: the new platform has IPv6 addresses only. The distribution says dualstack.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=HEALTHY,
        hints=("What does dualstack demand?", "One family is enough.", "Does the one address answer?"),
        why_in_real_life="IPv6-only platforms work behind CloudFront once IpAddressType is ipv6 or dualstack.",
        page=_IPV6_PAGE,
        set_up=_only_aaaa,
    ),
    Scenario(
        name="ipv6-only-a",
        title="The distribution says IPv6, and the origin has an IPv4 address only",
        story=(
            "07:07 PAGE  CloudFront 502 for www.shop.example since the cost project (IPv4 addresses are billed).",
            "Ticket: the origin's IP address type is ipv6 now. The origin itself works from everywhere.",
        ),
        difficulty=Difficulty.EASY,
        expected=Expected(status="fault", cause=Cause.DNS, code="dns.wrong_family", cloudfront_status=502),
        hints=(
            "Over what do you connect from everywhere?",
            "Ask for A and for AAAA.",
            "What is the origin's IP address type in the distribution?",
        ),
        why_in_real_life="IpAddressType ipv6 was set before the origin had an AAAA record, or the record was lost.",
        page=_DNS_PAGE,
        set_up=_ipv6_wanted,
    ),
)
