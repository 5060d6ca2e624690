"""Origins with more than one address or more than one member, of which one is broken: who notices, and how often?"""

from __future__ import annotations

from cfrunbook.findings import Cause
from cfrunbook.lab.authority import DAY, Authority
from cfrunbook.lab.scenario import (
    ALL_METHODS,
    ORIGIN,
    Difficulty,
    Expected,
    OriginSetup,
    Scenario,
    Setup,
    web,
)
from cfrunbook.lab.servers import Chain, Closed, Tls

_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
_PORT_PAGE = _GUIDE + "http-502-bad-gateway.html#origin-not-responding-on-specified-ports"
_CERTIFICATE_PAGE = _GUIDE + "http-502-bad-gateway.html#ssl-certificate-expired"
_FAILOVER_PAGE = _GUIDE + "high_availability_origin_failover.html"

SECONDARY = "standby.shop.example"


def _healthy(authority: Authority, name: str = ORIGIN) -> Tls:
    return Tls(Chain((authority.leaf(name), authority.intermediate)))


def _expired(authority: Authority, name: str = ORIGIN) -> Tls:
    return Tls(Chain((authority.leaf(name, begins=-93 * DAY, ends=-3 * DAY), authority.intermediate)))


def _secondary(service: Tls) -> OriginSetup:
    return OriginSetup(web(service).addresses, id="shop-standby", domain=SECONDARY)


def _one_refuses(authority: Authority) -> Setup:
    good = _healthy(authority)
    return Setup(web(good, Closed(), good))


def _one_expired(authority: Authority) -> Setup:
    good = _healthy(authority)
    return Setup(web(good, good, _expired(authority)))


def _primary_broken(authority: Authority) -> Setup:
    return Setup(web(Closed()), secondary=_secondary(_healthy(authority, SECONDARY)), methods=ALL_METHODS)


def _secondary_broken(authority: Authority) -> Setup:
    return Setup(web(_healthy(authority)), secondary=_secondary(_expired(authority, SECONDARY)), methods=ALL_METHODS)


def _criteria_miss(authority: Authority) -> Setup:
    secondary = _secondary(_healthy(authority, SECONDARY))
    return Setup(web(Closed()), secondary=secondary, failover_at=(500, 502), methods=ALL_METHODS)


SCENARIOS = (
    Scenario(
        name="one-address-of-three-refuses",
        title="One of the origin's three addresses does not listen",
        story=(
            "03:33 PAGE  CloudFront 502 for www.shop.example, about a third of the uncached requests.",
            "Ticket: we asked the origin ten times with curl and it worked ten times. It must be CloudFront.",
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
            "What has one part in three?",
            "A name can have several addresses; curl goes on to the next where one fails, and says nothing.",
            "Connect to every address by itself.",
        ),
        why_in_real_life=(
            "One server of several is down or was replaced, and its address is still in the DNS answer. Clients that "
            "try the next address do not notice."
        ),
        page=_PORT_PAGE,
        set_up=_one_refuses,
    ),
    Scenario(
        name="one-address-of-three-expired",
        title="One of the origin's three servers still has the old certificate",
        story=(
            "12:00 PAGE  CloudFront 502 for www.shop.example, now and then, since noon.",
            "Ticket: the certificate was renewed last week, and the monitor has seen the new one ever since.",
        ),
        difficulty=Difficulty.HARD,
        expected=Expected(
            status="fault",
            cause=Cause.CERTIFICATE,
            code="certificate.expired",
            cloudfront_status=502,
            edge=frozenset({200, 502}),
        ),
        hints=(
            "The monitor saw a certificate. Whose?",
            "List the addresses of the origin's name.",
            "Compare the dates of what each of them sends.",
        ),
        why_in_real_life="The renewal was rolled out to all servers but one, or one was not reloaded.",
        page=_CERTIFICATE_PAGE,
        set_up=_one_expired,
    ),
    Scenario(
        name="origin-group-primary-broken",
        title="The primary origin is down; reading fails over, writing does not",
        story=(
            "09:41 PAGE  www.shop.example: nobody can check out. CloudFront answers 502.",
            "Ticket: all pages load, also uncached ones. Only the forms fail.",
        ),
        difficulty=Difficulty.HARD,
        expected=Expected(
            status="fault",
            cause=Cause.PORT,
            code="port.refused",
            cloudfront_status=502,
            edge=frozenset({200, 502}),
        ),
        hints=(
            "Which method loads a page, and which sends a form?",
            "Read in the distribution where requests go: is it one origin?",
            "For which methods does CloudFront fail over?",
        ),
        why_in_real_life=(
            "An origin group hides a dead primary from everybody who reads. CloudFront fails over for GET, HEAD and "
            "OPTIONS only."
        ),
        page=_FAILOVER_PAGE,
        set_up=_primary_broken,
    ),
    Scenario(
        name="origin-group-secondary-broken",
        title="The secondary origin could not step in, but nobody asks it to",
        story=(
            "14:14 PAGE  CloudFront 502 for www.shop.example while the primary was restarted, for two minutes.",
            "Ticket: why did the failover not work? Everything is fine again.",
        ),
        difficulty=Difficulty.MEDIUM,
        expected=Expected(status="ok"),
        hints=(
            "Who answered during the restart?",
            "Look at the secondary origin as CloudFront would, although it is not asked now.",
            "What will happen at the next restart?",
        ),
        why_in_real_life="A standby that nobody uses rots: its certificate expires, and no viewer ever notices.",
        page=_FAILOVER_PAGE,
        set_up=_secondary_broken,
    ),
    Scenario(
        name="origin-group-criteria-miss",
        title="The primary origin is down, and the criteria do not name what happens then",
        story=(
            "01:10 PAGE  CloudFront 502 for www.shop.example, although there is a second origin.",
            "Ticket: the standby is healthy. We set failover at 500 and 502, and 502 is what we get!",
        ),
        difficulty=Difficulty.HARD,
        expected=Expected(status="fault", cause=Cause.PORT, code="port.refused", cloudfront_status=502),
        hints=(
            "Who makes the 502 in the criteria, and who made this one?",
            "What happens when CloudFront connects to the primary?",
            "Read which criterion stands for a connection that fails.",
        ),
        why_in_real_life=(
            "Criteria are statuses that the primary answers. A primary that cannot be connected to counts as 503, one "
            "that takes too long as 504, whatever viewers then get to see."
        ),
        page=_FAILOVER_PAGE,
        set_up=_criteria_miss,
    ),
)
