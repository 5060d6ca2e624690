"""Cause "TLS protocol", within the request: the origin asks for another TLS handshake before it answers.

CloudFront does not support renegotiation for requests to origins. Servers ask for it up to TLS 1.2 once they have read
the path: to get a client certificate for a folder, or other suites.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-https.html
"""

from __future__ import annotations

from collections.abc import Sequence

from cfrunbook.causes.case import Case
from cfrunbook.causes.hellos import place_of
from cfrunbook.causes.sightings import SOMETIMES, some_requests_fail
from cfrunbook.cloudfront.origin_tls import TLS_1_3
from cfrunbook.cloudfront.targets import Target
from cfrunbook.evidence import Exchange, ExchangeOutcome
from cfrunbook.findings import Cause, Evidence, Finding, Remedy, Rule, Stage, Status, Step
from cfrunbook.probes.address import join
from cfrunbook.probes.endpoint import Endpoint
from cfrunbook.text import join_names, visible

__all__ = ["AWS_PAGE", "CAUSE", "NOTEBOOK", "RULES", "judge", "judge_case", "observe"]

CAUSE = Cause.TLS_PROTOCOL
_GUIDE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/"
AWS_PAGE = _GUIDE + "http-502-bad-gateway.html#origin-not-responding-with-supported-ciphers-protocols"
RENEGOTIATION_PAGE = _GUIDE + "using-https.html"
NOTEBOOK = "02_tls_protocol"

_MAX_EVIDENCE = 8
_ASK = (
    "printf 'GET %s HTTP/1.1\\r\\nHost: %s\\r\\nConnection: close\\r\\n\\r\\n' {path!q} {host!q} |"
    " openssl s_client -connect {connect!q} -servername {host!q} -tls1_2 -ign_eof -msg 2>&1 | grep -n HelloRequest"
)
_REMEDY = Remedy(
    kind="one_of",
    steps=(
        Step(
            text="Apache: ask for the client certificate, or set suites, for the whole virtual host or not at all; not"
            " in <Location>, <Directory> or .htaccess. CloudFront has a certificate only with origin mTLS.",
            command="grep -rnE 'SSLVerifyClient|SSLCipherSuite|SSLProtocol' /etc/apache2 /etc/httpd",
        ),
        Step(
            text="IIS: SSL Settings of the folder: Client certificates: Ignore (Accept and Require renegotiate).",
            command="%windir%\\system32\\inetsrv\\appcmd list config /section:access",
        ),
        Step(text="Let CloudFront in without a certificate, and check instead a secret in a custom origin header."),
    ),
)
_VERIFY = Step(
    text="It must print nothing: the origin does not ask any more. Then request the failing URL again.", command=_ASK
)

ASKED = Rule(
    code="tls_protocol.renegotiation",
    cause=CAUSE,
    stage=Stage.HTTP,
    status=Status.FAULT,
    title="{domain}:{port} asks for another TLS handshake (renegotiation) once it has read GET {path}{where}{then}.",
    meaning="CloudFront does not support renegotiation with origins; a server that insists gives no answer, and viewers"
    " get 502. Most often it wants a client certificate for this path.{sometimes}",
    source=RENEGOTIATION_PAGE,
    reproduce=_ASK,
    remedy=_REMEDY,
    verify=_VERIFY,
    cloudfront_status=502,
)
ASKED_AND_ANSWERED = Rule(
    code="tls_protocol.renegotiation_optional",
    cause=CAUSE,
    stage=Stage.HTTP,
    status=Status.WARNING,
    title="{domain}:{port} asks for another TLS handshake (renegotiation) for GET {path}{where}, and answers {answered}"
    " without.",
    meaning="CloudFront does not support renegotiation with origins. This origin goes on when it is refused; whether"
    " CloudFront does, AWS does not say: it may be that answer, or 502.{sometimes}",
    source=RENEGOTIATION_PAGE,
    reproduce=_ASK,
    remedy=_REMEDY,
    verify=_VERIFY,
)
NOT_ASKED = Rule(
    code="tls_protocol.renegotiation_not_asked",
    cause=CAUSE,
    stage=Stage.HTTP,
    status=Status.OK,
    title="{domain}:{port} answers GET {path} without asking for another TLS handshake.",
    meaning="Up to TLS 1.2 a server could ask for one, which CloudFront does not support.",
    source=RENEGOTIATION_PAGE,
    reproduce=_ASK,
)
RULES: tuple[Rule, ...] = (ASKED, ASKED_AND_ANSWERED, NOT_ASKED)


async def observe(target: Target, endpoint: Endpoint, *, deadline: float) -> Exchange:
    """Ask one address of `target` within TLS as CloudFront does, within `deadline` seconds."""
    from cfrunbook.probes.exchange import http_get, of_target

    return await http_get(endpoint, of_target(target), deadline=deadline)


def judge_case(case: Case) -> tuple[Finding, ...]:
    """Judge whether the origin asked for another handshake, see `judge`."""
    return judge(case.exchanges, target=case.target)


def judge(exchanges: Sequence[Exchange], *, target: Target) -> tuple[Finding, ...]:
    """Judge whether a request was answered with the wish for another handshake. Pure."""
    could = [e for e in exchanges if e.tls_version is not None and e.tls_version < TLS_1_3]
    groups: dict[Rule, list[Exchange]] = {}
    for exchange in could:
        answered = exchange.outcome is ExchangeOutcome.HTTP
        if exchange.renegotiation_requested:
            groups.setdefault(ASKED_AND_ANSWERED if answered else ASKED, []).append(exchange)
        elif answered:
            groups.setdefault(NOT_ASKED, []).append(exchange)
    if len(groups) > 1:
        groups.pop(NOT_ASKED, None)  # one address that asks says more than the others that do not
    total = len({place_of(e) for e in could})
    return tuple(_finding(target, rule, groups[rule], total) for rule in RULES if rule in groups)


def _finding(target: Target, rule: Rule, seen: Sequence[Exchange], total: int) -> Finding:
    first = seen[0]
    addresses = list(dict.fromkeys(e.address for e in seen))
    some = len({place_of(e) for e in seen}) < total
    host = target.names[0].host if target.names else target.domain
    return some_requests_fail(
        rule.finding(
            target=target.id,
            evidence=[Evidence(observation=e.id, says=_says(e)) for e in seen[:_MAX_EVIDENCE]],
            domain=target.domain,
            port=target.port,
            host=host,
            path=visible(target.path, 500),
            addresses=addresses,
            where=f" at {len(addresses)} of {total} addresses ({join_names(addresses)})" if some else "",
            then=", and gives no answer without one",
            sometimes=SOMETIMES if some and rule is ASKED else "",
            intermittent=some and rule is ASKED,
            answered=visible(first.status_line.partition(" ")[2], 60) or "something",
            confidence="medium",  # documented as not supported; what follows from it is inferred
            connect=first.connected_to or join(first.address, first.port),
        )
    )


def _says(exchange: Exchange) -> str:
    asked = "a HelloRequest came" if exchange.renegotiation_requested else "no HelloRequest came"
    ended = visible(exchange.status_line, 80) or exchange.outcome.replace("_", " ")
    return f"{visible(exchange.address, 60)}: {asked}, then {ended}"
