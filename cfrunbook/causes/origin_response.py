"""`origin_response`: the origin itself made the error, and CloudFront passes it on.

Steps: of every plain HTTP request that was answered, read the status line. 502, 503 and 504 are then the origin's
own; CloudFront relays them with `X-Cache: Error from cloudfront`, so that they look like CloudFront's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from cfrunbook.causes.case import Case
from cfrunbook.cloudfront.targets import Target
from cfrunbook.evidence import Exchange, ExchangeOutcome
from cfrunbook.findings import Cause, Evidence, Finding, Remedy, Rule, Stage, Status, Step
from cfrunbook.probes.address import join
from cfrunbook.probes.endpoint import Endpoint
from cfrunbook.text import visible

CAUSE = Cause.ORIGIN_RESPONSE
AWS_PAGE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/http-502-bad-gateway.html#cloudfront-alb-502-error"
NOTEBOOK = ""

_STATUS_CODES_PAGE = "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/HTTPStatusCodes.html"
_ALB_PAGE = "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html#http-502-issues"
_REQUEST = "curl -sSI --max-time 35 --connect-to {connect!q} {url!q}"
_PASSED_ON = frozenset({502, 503, 504})
_STATUS_LINE = re.compile(r"HTTP/1\.[01] ([1-5][0-9]{2})(?: |$)")

ORIGIN_STATUS = Rule(
    code="origin_response.origin_status",
    cause=CAUSE,
    stage=Stage.HTTP,
    status=Status.FAULT,
    title="{domain}:{port} itself answers {answered} to HEAD /{where}.",
    meaning="The connection is fine: the error is made by {maker}, and CloudFront passes it on. Only the path / was"
    " asked for, with the Host {host}; the failing URL may fare otherwise.",
    reproduce=_REQUEST,
    remedy=Remedy(
        steps=(
            Step(
                text="Look at the log of the origin for the time of the request: a proxy or load balancer that answers"
                " {answered} says there which upstream failed, and how."
            ),
            Step(
                text="An Application Load Balancer says so itself with Server: awselb/2.0. Its metric"
                " HTTPCode_ELB_5XX_Count counts its own errors, HTTPCode_Target_5XX_Count those of the targets: "
                + _ALB_PAGE
            ),
        )
    ),
    verify=Step(
        text="The origin answers without an error. Then request the failing URL again; CloudFront caches an error for"
        " at least 10 seconds.",
        command=_REQUEST,
    ),
    source=_STATUS_CODES_PAGE,
)
OTHER_ERROR = Rule(
    code="origin_response.other_error",
    cause=CAUSE,
    stage=Stage.HTTP,
    status=Status.INFO,
    title="{domain}:{port} answers {answered} to HEAD /{where}.",
    meaning="CloudFront passes it on as {answered}, not as 502.",
    reproduce=_REQUEST,
    source=_STATUS_CODES_PAGE,
)
UNREADABLE = Rule(
    code="origin_response.unreadable",
    cause=CAUSE,
    stage=Stage.HTTP,
    status=Status.UNKNOWN,
    title="{domain}:{port} answers HEAD / with a status line that is no HTTP/1.1{where}: {line}",
    meaning="CloudFront answers 502 to what it cannot read as an HTTP response; how lenient it is, AWS does not say.",
    reproduce=_REQUEST,
    source=_STATUS_CODES_PAGE,
    next_check="See whether other clients accept it, and why the origin deviates: " + _REQUEST,
)
OK = Rule(
    code="origin_response.ok",
    cause=CAUSE,
    stage=Stage.HTTP,
    status=Status.OK,
    title="{domain}:{port} answers HEAD / with {answered}.",
    meaning="An answer that CloudFront can use. The failing URL may fare otherwise.",
    reproduce=_REQUEST,
    source=_STATUS_CODES_PAGE,
)
RULES: tuple[Rule, ...] = (ORIGIN_STATUS, UNREADABLE, OTHER_ERROR, OK)


async def observe(target: Target, endpoint: Endpoint, *, deadline: float) -> Exchange:
    """Ask one address of `target` for `HEAD /` in plain HTTP, with the Host that CloudFront sends."""
    from cfrunbook.probes.exchange import http_get, of_target

    return await http_get(endpoint, of_target(target), deadline=deadline)


def judge_case(case: Case) -> tuple[Finding, ...]:
    """Judge what the origin answered. Pure."""
    return judge(case.exchanges, target=case.target)


def judge(exchanges: Sequence[Exchange], *, target: Target) -> tuple[Finding, ...]:
    """Judge the answers to plain HTTP requests: equal ones together, those of other addresses beside them."""
    answered = [e for e in exchanges if e.outcome is ExchangeOutcome.HTTP]
    groups: dict[int, list[Exchange]] = {}
    for exchange in answered:
        groups.setdefault(_status(exchange), []).append(exchange)
    order = [r.code for r in RULES]
    found = [_finding(target, status, group, answered) for status, group in groups.items()]
    return tuple(sorted(found, key=lambda f: order.index(f.code)))


def _finding(target: Target, status: int, group: Sequence[Exchange], answered: Sequence[Exchange]) -> Finding:
    first = group[0]
    server = next((value for name, value in first.headers if name.lower() == "server"), "")
    addresses = list(dict.fromkeys(e.address for e in group))
    everywhere = len(group) == len(answered)
    host = target.names[0].host if target.names else target.domain
    if not status:
        rule = UNREADABLE
    elif status in _PASSED_ON:
        rule = ORIGIN_STATUS
    else:
        rule = OTHER_ERROR if status >= 500 else OK
    return rule.finding(
        target=target.id,
        evidence=[Evidence(observation=e.id, says=f"{e.address}: {visible(e.status_line, 120)}") for e in group[:8]],
        cloudfront_status=status if rule is ORIGIN_STATUS else None,
        domain=target.domain,
        port=target.port,
        answered=status,
        line=visible(first.status_line, 120),
        host=host,
        server=server,
        maker=f"what names itself {visible(server, 80)}" if server else "the origin or something before it",
        where="" if everywhere else f" at {len(addresses)} of {len({e.address for e in answered})} addresses",
        addresses=addresses,
        intermittent=not everywhere,
        confidence="medium",  # only / was asked for
        connect=f"{host}:{target.port}:{first.connected_to or join(first.address, first.port)}",
        url=f"http://{host}:{target.port}/",
    )


def _status(exchange: Exchange) -> int:
    match = _STATUS_LINE.match(exchange.status_line)
    return int(match[1]) if match else 0


__all__ = ["AWS_PAGE", "CAUSE", "NOTEBOOK", "RULES", "judge", "judge_case", "observe"]
