"""Origins whose own answer is an error that is no 502, and a client certificate that only CloudFront has."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from http.client import responses
from typing import Final

from cfrunbook.lab import tls_flight
from cfrunbook.lab.authority import Authority
from cfrunbook.lab.scenario import HEALTHY, ORIGIN, VIEWER_HOST, Difficulty, Expected, OriginSetup, Scenario, Setup, web
from cfrunbook.lab.scenarios.rows import fault, row, unknown
from cfrunbook.lab.servers import Banner, Chain, Closed, Reply, Tls

_BEHAVIOR: Final = "RequestAndResponseBehaviorCustomOrigin.html"
_API: Final = "abc123.execute-api.eu-west-1.amazonaws.com"
_HEADERS: Final = "add-origin-custom-headers.html"
_MUTUAL: Final = "origin-mtls-authentication.html"


def _replies(status: int, authority: Authority, *names: str) -> Tls:
    page = f"<h1>{status}</h1>\n".encode()
    head = f"HTTP/1.1 {status} {responses[status]}\r\nServer: lab-origin\r\nContent-Length: {len(page)}\r\n"
    chain = Chain((authority.leaf(ORIGIN, *names), authority.intermediate))
    return Tls(chain, reply=Reply(head.encode() + b"Connection: close\r\n\r\n" + page))


def _with(status: int) -> Callable[[Authority], Setup]:
    return lambda authority: Setup(web(_replies(status, authority)))


def _api_by_host(authority: Authority) -> Setup:
    origin = dataclasses.replace(web(_replies(403, authority, _API, VIEWER_HOST)), domain=_API)
    return Setup(origin, host_forwarded=True)


def _without_header(authority: Authority) -> Setup:
    def revise(document: dict[str, object]) -> None:
        config: dict[str, dict[str, list[dict[str, object]]]] = document["Distribution"]["DistributionConfig"]  # type: ignore[index]
        secret = {"HeaderName": "X-Shop-Secret", "HeaderValue": "open-sesame"}
        config["Origins"]["Items"][0]["CustomHeaders"] = {"Quantity": 1, "Items": [secret]}

    return Setup(web(_replies(403, authority)), revise=revise)


def _tls_on_80(_: Authority) -> Setup:
    unexpected = Banner(tls_flight.alert(10), waits=True, then="closes")
    return Setup(OriginSetup(({80: unexpected, 443: Closed()},), protocol_policy="http-only"))


def _closes_each(authority: Authority) -> Setup:
    return Setup(web(Tls(Chain((authority.leaf(ORIGIN), authority.intermediate)))), keep_alive=True)


def _mutual(authority: Authority) -> Setup:
    chain = Chain((authority.leaf(ORIGIN), authority.intermediate))
    return Setup(dataclasses.replace(web(Tls(chain, clients=authority.root)), mutual_tls=True))


def _answer(  # noqa: PLR0917 - one row of a table
    name: str,
    expected: Expected,
    set_up: Callable[[Authority], Setup],
    title: str,
    ticket: str,
    hint: str,
    why: str,
    *,
    page: str = _BEHAVIOR,
    difficulty: Difficulty = Difficulty.EASY,
    on_paper: bool = False,
) -> Scenario:
    return row(
        name,
        expected,
        set_up,
        title=title,
        pager="08:44 PAGE  www.shop.example fails for some. Somebody said 502; the graphs say nothing yet.",
        ticket=ticket,
        hints=(
            "Which status is it, really?",
            "Ask the origin as CloudFront does, and compare.",
            hint,
        ),
        why=why,
        page=page,
        difficulty=difficulty,
        on_paper=on_paper,
    )


SCENARIOS = (
    _answer(
        "response-origin-500",
        Expected("ok", edge=frozenset({500})),
        _with(500),
        "The origin answers 500, which CloudFront passes on: no 502",
        "the page is broken.",
        "What does CloudFront do with a 500 of the origin?",
        "The application fails, and whoever sees an error from CloudFront says 502.",
        difficulty=Difficulty.MEDIUM,
    ),
    _answer(
        "response-origin-417",
        Expected("ok", edge=frozenset({417})),
        _with(417),
        "The origin answers 417 to a request that expects nothing",
        "the page is broken.",
        "What does 417 mean, and what did the request expect?",
        "Old proxies answer 417 to what they do not understand.",
    ),
    _answer(
        "response-wants-own-host",
        Expected("ok", edge=frozenset({403})),
        _api_by_host,
        "API Gateway answers 403, since it gets the viewer's Host and wants its own",
        "the API answers under its own name, and through CloudFront it is forbidden.",
        "Which Host does the origin get, and which does it want?",
        "AllViewer forwards Host; services of AWS know their own names only.",
        page="DownloadDistS3AndCustomOrigins.html",
        difficulty=Difficulty.MEDIUM,
    ),
    _answer(
        "response-wants-secret-header",
        Expected("ok", edge=frozenset({403})),
        _without_header,
        "The origin refuses whoever lacks the header that CloudFront adds",
        "from my machine the origin is forbidden. Is that why?",
        "What does CloudFront add to its requests, and do we have it?",
        "A secret header keeps everybody out who goes around CloudFront, also whoever looks into the incident.",
        page=_HEADERS,
        difficulty=Difficulty.MEDIUM,
    ),
    _answer(
        "port-tls-on-80",
        fault("port.tls_on_plain_port"),
        _tls_on_80,
        "CloudFront speaks plain HTTP to a port that speaks TLS",
        "since TLS was switched on everywhere, also on port 80. In a browser https://origin.shop.example:80 works.",
        "What does CloudFront speak to the origin, and what does that port speak?",
        "One line in a template: `listen 80 ssl`.",
        page="http-502-bad-gateway.html#origin-not-responding-on-specified-ports",
    ),
    _answer(
        "healthy-closes-each-connection",
        HEALTHY,
        _closes_each,
        "The origin closes the connection with each answer, and says so",
        "the origin hangs up after each answer. Is that it?",
        "Does it say that it will, and does CloudFront ask over a closed connection?",
        "Keep-alive is switched off on small servers: slower, and not broken.",
    ),
    _answer(
        "tls-client-certificate-of-cloudfront",
        unknown("origin_response.needs_certificate", frozenset({502})),
        _mutual,
        "The origin wants a client certificate, which CloudFront has and this machine has not",
        "the origin wants a certificate from clients; CloudFront was given one. From here nothing can be seen.",
        "Who has the client certificate?",
        "With origin mutual TLS, whoever looks into the incident cannot take CloudFront's place.",
        page=_MUTUAL,
        difficulty=Difficulty.HARD,
        on_paper=True,
    ),
)
