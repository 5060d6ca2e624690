"""Incidents with more than one thing wrong: which of them breaks the page, and which one waits for its day?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from cfrunbook.findings import Cause
from cfrunbook.lab.authority import DAY, Authority
from cfrunbook.lab.dns.setup import Fault
from cfrunbook.lab.dns.shop import EVERY_SERVER, failing, setup, shop
from cfrunbook.lab.scenario import HEALTHY, ORIGIN, Capture, Difficulty, OriginSetup, Setup, web
from cfrunbook.lab.scenarios.rows import fault, row
from cfrunbook.lab.servers import Chain, Closed, Http, Service, Tls

_PORT = "http-502-bad-gateway.html#origin-not-responding-on-specified-ports"
_CERTIFICATE = "http-502-bad-gateway.html#ssl-certificate-expired"
_DNS = "http-502-bad-gateway.html#http-502-dns-error"
_FAILOVER = "high_availability_origin_failover.html"
STANDBY = "standby.shop.example"


def _expired(authority: Authority, name: str = ORIGIN) -> Tls:
    return Tls(Chain((authority.leaf(name, begins=-93 * DAY, ends=-3 * DAY), authority.intermediate)))


def _healthy(authority: Authority) -> Tls:
    return Tls(Chain((authority.leaf(ORIGIN), authority.intermediate)))


def _dead_server_and_last_days(authority: Authority) -> Setup:
    plain = setup(authority, shop(faults=failing(Fault.CLOSED, servers=(EVERY_SERVER[-1],))))
    domain = plain.origin.domain
    leaf = authority.leaf(domain, begins=-86 * DAY, ends=4 * DAY)
    soon: Mapping[int, Service] = {443: Tls(Chain((leaf, authority.intermediate))), 80: Http(redirect=True)}
    return replace(plain, origin=replace(plain.origin, addresses=tuple(soon for _ in plain.origin.addresses)))


def _refuses_and_expired(authority: Authority) -> Setup:
    return Setup(web(_healthy(authority), Closed(), _expired(authority)))


def _both_members(authority: Authority) -> Setup:
    standby = OriginSetup(web(_expired(authority, STANDBY)).addresses, id="shop-standby", domain=STANDBY)
    return Setup(web(Closed()), secondary=standby)


def _mended_behind_the_cache(authority: Authority) -> Setup:
    return Setup(web(Tls(Chain((authority.leaf(ORIGIN),)))), response=Capture(fields={"Age": "6"}))


SCENARIOS = (
    row(
        "compound-dead-server-and-last-days",
        HEALTHY,
        _dead_server_and_last_days,
        title="One of four name servers is dead, and the certificate has four days left: nothing fails yet",
        pager="04:10 PAGE  one CloudFront 502 for www.shop.example, and slow answers now and then.",
        ticket="ns4 was taken out of the rack in spring. Is that all, or does more come?",
        hints=(
            "That it works now is one question; for how long is another.",
            "Ask each name server by itself, and look at every date.",
            "What will be broken on which day, if nobody does anything?",
        ),
        why="What fails slowly is found when something else fails at once.",
        page=_DNS,
        difficulty=Difficulty.HARD,
    ),
    row(
        "compound-three-addresses",
        fault("port.refused", edge=frozenset({200, 502})),
        _refuses_and_expired,
        also=(Cause.CERTIFICATE,),
        title="Of three addresses one refuses, one has a certificate past its date, and one is fine",
        pager="12:12 PAGE  CloudFront 502 for www.shop.example, two of three requests, at random.",
        ticket="reload helps, mostly not. The monitor is green, and it looks at one address.",
        hints=(
            "How many addresses has the origin?",
            "Look at each of them, and do not stop at the first that is broken.",
            "Are the two broken ones broken in the same way?",
        ),
        why="One host was rebuilt, another forgotten by the renewal. Round robin mixes them.",
        page=_PORT,
        difficulty=Difficulty.HARD,
    ),
    row(
        "compound-both-members",
        fault("port.refused"),
        _both_members,
        also=(Cause.CERTIFICATE,),
        title="The primary refuses, and the standby's certificate is past its date: no failover helps",
        pager="01:01 PAGE  CloudFront 502 for www.shop.example, all of it. There is a standby for this.",
        ticket="the primary is being rebuilt, as planned, and the standby was to take over.",
        hints=(
            "A failover has two halves.",
            "Look at the standby as you would at the primary.",
            "When did anybody last see the standby answer?",
        ),
        why="A standby that nobody asks for months is found to be broken when it is needed.",
        page=_FAILOVER,
        difficulty=Difficulty.HARD,
    ),
    row(
        "compound-renewed-and-cached",
        fault("certificate.missing_intermediate"),
        _mended_behind_the_cache,
        title="The certificate was renewed without its intermediate, and the error is also in CloudFront's cache",
        pager="02:19 PAGE  CloudFront 502 for www.shop.example since the renewal at 02:00. A response is attached.",
        ticket="the response has an Age, so the origin was not even asked. Cache or origin?",
        hints=(
            "The cache keeps what the origin caused.",
            "How long does CloudFront keep an error, and what will it get when it asks again?",
            "Count the certificates that the origin sends.",
        ),
        why="During an incident most errors come from the cache, and say nothing about now.",
        page=_CERTIFICATE,
        difficulty=Difficulty.MEDIUM,
    ),
    row(
        "dns-one-server-without-udp",
        HEALTHY,
        lambda authority: setup(authority, shop(faults=failing(Fault.NO_UDP, servers=(EVERY_SERVER[-1],)))),
        title="One of four name servers answers over TCP only",
        pager="02:20 PAGE  CloudFront answers slowly for www.shop.example now and then.",
        ticket="the firewall before ns4 was set anew; `dig +tcp` works.",
        hints=(
            "One in four: what are there four of?",
            "Ask each name server by itself.",
            "Ask it over both, UDP and TCP.",
        ),
        why="Firewalls are opened for TCP and forgotten for UDP, less often than the other way around.",
        page=_DNS,
    ),
)
