"""How long an origin keeps an idle connection, against how long CloudFront does: a part of the cause "port".

CloudFront keeps connections to an origin open for the next request. An origin that closes them sooner may do so at the
moment in which the next request is on its way: then there is no answer, now and then. That this shows as a sporadic 502
is our reading; AWS's guide says how long CloudFront keeps them.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesOrigin.html#DownloadDistValuesOriginKeepaliveTimeout
"""

from __future__ import annotations

from collections.abc import Sequence

from cfrunbook.causes.hellos import place_of
from cfrunbook.cloudfront.targets import Target
from cfrunbook.evidence import Exchange, IdleEnd
from cfrunbook.findings import Cause, Evidence, Finding, Remedy, Rule, Stage, Status, Step
from cfrunbook.probes.address import join
from cfrunbook.text import join_names, visible

__all__ = ["RULES", "judge"]

_PAGE = (
    "https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesOrigin.html"
    "#DownloadDistValuesOriginKeepaliveTimeout"
)
_MAX_EVIDENCE = 12
_WATCH = "cfrunbook diagnose --keep-alive --origin {scheme_and_place!q} --host {host!q} --connect-to {connect!q}"

SHORT = Rule(
    code="port.keep_alive_short",
    cause=Cause.PORT,
    stage=Stage.HTTP,
    status=Status.WARNING,
    title="{place} closes an idle connection after {idle} s{where}; CloudFront keeps it for {keepalive} s.",
    meaning="A request that CloudFront sends in the moment in which the origin closes gets no answer: a 502 now and"
    " then, more often with little traffic. The origin must keep connections longer than CloudFront does.",
    source=_PAGE,
    reproduce=_WATCH,
    remedy=Remedy(
        kind="one_of",
        steps=(
            Step(
                text="Node.js (5 s by itself): keep connections longer.",
                command="server.keepAliveTimeout = {wanted}_000;\nserver.headersTimeout = {wanted}_500;",
            ),
            Step(text="nginx (75 s by itself):", command="keepalive_timeout {wanted}s;"),
            Step(text="Apache httpd (5 s by itself):", command="KeepAlive On\nKeepAliveTimeout {wanted}"),
            Step(
                text="gunicorn (2 s by itself; its workers gthread and gevent keep connections), uvicorn (5 s):",
                command="gunicorn --keep-alive {wanted} …\nuvicorn --timeout-keep-alive {wanted} …",
            ),
            Step(
                text="Or let CloudFront keep them for a shorter time: CloudFront console > the distribution > Origins >"
                " {origin} > Edit: Keep-alive timeout (OriginKeepaliveTimeout, 1 to 120 s) below {idle} s.",
            ),
        ),
    ),
    verify=Step(text="The origin keeps the connection for longer than {keepalive} s.", command=_WATCH),
)
NONE = Rule(
    code="port.keep_alive_none",
    cause=Cause.PORT,
    stage=Stage.HTTP,
    status=Status.INFO,
    title="{place} closes the connection with each answer{where}.",
    meaning="CloudFront then connects anew for every request: slower, but no request meets a connection that is being"
    " closed.",
    source=_PAGE,
    reproduce=_WATCH,
)
LONG_ENOUGH = Rule(
    code="port.keep_alive_ok",
    cause=Cause.PORT,
    stage=Stage.HTTP,
    status=Status.OK,
    title="{place} keeps an idle connection for more than {idle} s{where}; CloudFront keeps it for {keepalive} s.",
    meaning="The origin does not close first, as far as it was watched.",
    source=_PAGE,
    reproduce=_WATCH,
)
RULES: tuple[Rule, ...] = (SHORT, NONE, LONG_ENOUGH)

_RULE_OF = {IdleEnd.CLOSED: SHORT, IdleEnd.NOT_OFFERED: NONE, IdleEnd.KEPT: LONG_ENOUGH}


def judge(exchanges: Sequence[Exchange], *, target: Target) -> tuple[Finding, ...]:
    """Judge how long idle connections were kept, where that was watched. Pure."""
    watched = [e for e in exchanges if e.idle_end is not None and e.scheme == target.protocol]
    total = len({place_of(e) for e in watched})
    found = []
    for rule in RULES:
        seen = [e for e in watched if e.idle_end is not None and _rule(e, target) is rule]
        if seen:
            found.append(_finding(target, rule, seen, total))
    return tuple(found)


def _rule(exchange: Exchange, target: Target) -> Rule:
    """Return what an idle connection's end means; one that outlasted CloudFront's own time by a second is kept."""
    if exchange.idle_end is IdleEnd.CLOSED and exchange.idle_ms / 1000 >= target.keepalive_timeout + 1:
        return LONG_ENOUGH
    return _RULE_OF[exchange.idle_end or IdleEnd.KEPT]


def _finding(target: Target, rule: Rule, seen: Sequence[Exchange], total: int) -> Finding:
    first = min(seen, key=lambda e: e.idle_ms)
    addresses = list(dict.fromkeys(e.address for e in seen))
    some = len({place_of(e) for e in seen}) < total
    reached = first.connected_to or join(first.address, first.port)
    return rule.finding(
        target=target.id,
        evidence=[Evidence(observation=e.id, says=_says(e)) for e in seen[:_MAX_EVIDENCE]],
        place=f"{target.domain}:{target.port}",
        scheme_and_place=f"{target.protocol}://{target.domain}:{target.port}",
        host=target.names[0].host if target.names else target.domain,
        origin=target.origin_id,
        addresses=addresses,
        where=f" at {len(addresses)} of {total} addresses ({join_names(addresses)})" if some else "",
        idle=f"{first.idle_ms / 1000:.1f}",
        keepalive=target.keepalive_timeout,
        wanted=max(65, target.keepalive_timeout + 5),
        connect=f"{target.domain}:{target.port}:{reached}",
    )


def _says(exchange: Exchange) -> str:
    ended = (exchange.idle_end or IdleEnd.KEPT).replace("_", " ")
    return f"{visible(exchange.address, 60)}: {ended} after {exchange.idle_ms / 1000:.1f} s without a request"
