"""Cause "origin response": the origin's own answer is the error, or no answer that CloudFront can use.

One request was sent to each address, as CloudFront sends it. 502, 503 and 504 in the answer are then the origin's own;
CloudFront relays them with `X-Cache: Error from cloudfront`, so that they look like CloudFront's. What comes to plain
HTTP and is no HTTP at all is judged by the cause "port".
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/http-502-bad-gateway.html#cloudfront-alb-502-error
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from cfrunbook.causes import gateways
from cfrunbook.causes import origin_response_rules as rules
from cfrunbook.causes.case import Case
from cfrunbook.causes.hellos import Place, place_of
from cfrunbook.causes.origin_response_rules import AWS_PAGE, RULES
from cfrunbook.causes.sightings import SOMETIMES, some_requests_fail
from cfrunbook.cloudfront import origins
from cfrunbook.cloudfront.origin_tls import suite_name, version_name
from cfrunbook.cloudfront.targets import OriginKind, Target
from cfrunbook.evidence import Deviation, Exchange, ExchangeEnd, ExchangeOutcome, Framing
from cfrunbook.findings import Cause, Evidence, Finding, Remedy, Rule, Status
from cfrunbook.probes.address import join
from cfrunbook.probes.endpoint import Endpoint
from cfrunbook.probes.error_pages import WANTS_CERTIFICATE
from cfrunbook.text import join_names, visible

__all__ = ["AWS_PAGE", "CAUSE", "NOTEBOOK", "RULES", "judge", "judge_case", "observe"]

CAUSE = Cause.ORIGIN_RESPONSE
NOTEBOOK = "07_origin_response"

_PASSED_ON = frozenset({502, 503, 504})
_OWN_NAME_ONLY = (OriginKind.API_GATEWAY, OriginKind.FUNCTION_URL)
_MAX_EVIDENCE = 8
_INTERIM_NAMES = {100: "100 Continue", 102: "102 Processing", 103: "103 Early Hints"}
_WORST = (Status.FAULT, Status.UNKNOWN, Status.WARNING)


class _Sight(msgspec.Struct, frozen=True):
    """What one answer shows: the rule that applies, how sure that is, and what tells it from others of that rule."""

    exchange: Exchange
    rule: Rule
    status: Status
    variant: str = ""


async def observe(target: Target, endpoint: Endpoint, *, deadline: float) -> Exchange:
    """Ask one address of `target` as CloudFront does, by the first of its names, within `deadline` seconds."""
    from cfrunbook.probes.exchange import http_get, of_target

    return await http_get(endpoint, of_target(target), deadline=deadline)


def judge_case(case: Case) -> tuple[Finding, ...]:
    """Judge what the origin answered, see `judge`."""
    asking = {place_of(h) for h in case.handshakes if h.client_certificate_requested}
    limited = {place_of(h) for h in case.scanned if h.is_wordless}
    served = [h for h in case.handshakes if h.version is not None and h.cipher_suite is not None]
    own = case.configuration.origins if case.configuration else ()
    certificate = next((o.client_certificate for o in own if o.id == case.target.origin_id), "")
    chosen = {place_of(h): f"{version_name(h.version or 0)} with {suite_name(h.cipher_suite or 0)}" for h in served}
    return judge(
        case.exchanges,
        target=case.target,
        left_to_tls=asking,
        limited=limited,
        chosen=chosen,
        client_certificate=certificate,
    )


def judge(
    exchanges: Sequence[Exchange],
    *,
    target: Target,
    left_to_tls: Collection[Place] = (),
    limited: Collection[Place] = (),
    chosen: Mapping[Place, str] | None = None,
    client_certificate: str = "",
) -> tuple[Finding, ...]:
    """Judge the answers to requests: equal ones together, those of other addresses beside them. Pure.

    Where a place is in `left_to_tls` (it asks for a client certificate, which we have not), that nothing came back is
    judged by the cause "TLS protocol". Where it is in `limited` (hellos ended there without a word), a limit on
    connections may be why. `chosen` says what each place chose of CloudFront's own TLS hello, `client_certificate` (an
    ARN) which certificate CloudFront has for this origin, and we have not; empty: none.
    """
    telling = list(_telling(exchanges, target))
    groups: dict[tuple[str, Status, str], list[_Sight]] = {}
    for exchange in telling:
        times = sum(_is_wordless(e) and place_of(e) == place_of(exchange) for e in exchanges)
        times = min(times, 1) if place_of(exchange) in limited else times
        asks = place_of(exchange) in left_to_tls
        if _wants_certificate(exchange) or (_is_wordless(exchange) and asks and not exchange.renegotiation_requested):
            if client_certificate:  # else the cause "TLS protocol" says that CloudFront has none
                sight = _Sight(exchange, rules.NEEDS_CERTIFICATE, Status.UNKNOWN)
                groups.setdefault((sight.rule.code, sight.status, ""), []).append(sight)
            if client_certificate or asks:
                continue
        for sight in _look(exchange, target, times):
            groups.setdefault((sight.rule.code, sight.status, sight.variant), []).append(sight)
    order = [r.code for r in RULES]
    total = list(dict.fromkeys(place_of(e) for e in telling))
    return tuple(
        _finding(target, members, len(total), (chosen or {}).get(place_of(members[0].exchange), ""), client_certificate)
        for _, members in sorted(groups.items(), key=lambda item: order.index(item[0][0]))
    )


def _telling(exchanges: Sequence[Exchange], target: Target) -> Iterator[Exchange]:
    """Yield of each place the answer that counts: what came on a later attempt, when there were fewer connections."""
    best: dict[Place, Exchange] = {}
    names = {n.sni for n in target.names} or {target.domain}
    for exchange in exchanges:
        if exchange.scheme != target.protocol or (exchange.scheme == "https" and exchange.sni not in names):
            continue  # of another name's recording, or of the other port's protocol
        before = best.get(place_of(exchange))
        if before is None or _is_wordless(before):
            best[place_of(exchange)] = exchange
    yield from best.values()


def _is_wordless(exchange: Exchange) -> bool:
    nothing = (ExchangeOutcome.TLS_FAILED, ExchangeOutcome.NOT_CONNECTED, ExchangeOutcome.CLOSED, ExchangeOutcome.RESET)
    return exchange.outcome in nothing


def _wants_certificate(exchange: Exchange) -> bool:
    return exchange.page == WANTS_CERTIFICATE


def _look(exchange: Exchange, target: Target, times: int) -> Iterator[_Sight]:
    """Yield what one answer shows; `times` says how often nothing came back at this place."""
    outcome = exchange.outcome
    if outcome is ExchangeOutcome.HTTP:
        yield from _answer(exchange, target)
    elif exchange.scheme == "http" or exchange.renegotiation_requested:
        return  # judged by the causes "port" and "TLS protocol"
    elif outcome in (ExchangeOutcome.TLS_FAILED, ExchangeOutcome.NOT_CONNECTED):
        yield _Sight(exchange, rules.NOT_ASKED, Status.UNKNOWN)
    elif outcome is ExchangeOutcome.SILENT:
        yield _slow(exchange, target)
    elif outcome in (ExchangeOutcome.CLOSED, ExchangeOutcome.RESET):
        yield _Sight(exchange, rules.EMPTY, Status.FAULT if times > 1 else Status.UNKNOWN, outcome.value)
    elif exchange.service == "http/2":
        yield _Sight(exchange, rules.HTTP2_ONLY, Status.FAULT)
    else:
        yield _Sight(exchange, rules.NOT_HTTP, Status.FAULT, exchange.service)


def _slow(exchange: Exchange, target: Target) -> _Sight:
    waited = exchange.elapsed_ms / 1000 >= target.read_timeout
    return _Sight(exchange, rules.TOO_SLOW, Status.FAULT if waited else Status.UNKNOWN, "answer")


def _answer(exchange: Exchange, target: Target) -> Iterator[_Sight]:
    """Yield what an answer in HTTP shows."""
    if exchange.header_bytes > rules.HEADER_LIMIT:
        yield _Sight(exchange, rules.HEADER_TOO_LARGE, Status.FAULT)
        return
    had_enough = exchange.end is ExchangeEnd.ENOUGH  # reading on would have shown nothing
    if not exchange.header_complete and not (had_enough and exchange.deviations):
        if had_enough or exchange.end is ExchangeEnd.TIMEOUT:
            yield _slow(exchange, target)
        else:
            rule = rules.ONLY_INTERIM if exchange.interim and not exchange.status_line else rules.CUT_OFF
            yield _Sight(exchange, rule, Status.FAULT, exchange.end or "")
        return
    if exchange.header_bytes > rules.OLD_HEADER_LIMIT:
        yield _Sight(exchange, rules.HEADER_LARGE, Status.WARNING)
    usable = True
    if kinds := [d for d, _ in _deviations(exchange)]:
        status = min((rules.DEVIATIONS[d][0] for d in kinds), key=_WORST.index)
        yield _Sight(exchange, rules.MALFORMED, status, " ".join(kinds))
        usable = status is Status.WARNING
    if exchange.interim and Deviation.INTERIM not in kinds:
        yield _Sight(exchange, rules.INTERIM, Status.INFO, " ".join(map(str, exchange.interim)))
    code = _status(exchange)
    if code in _PASSED_ON:
        is_refusal = code == 503 and target.custom_headers
        yield _Sight(exchange, rules.ORIGIN_STATUS, Status.UNKNOWN if is_refusal else Status.FAULT, str(code))
    elif usable:
        yield from _usable(exchange, target, code)


def _usable(exchange: Exchange, target: Target, code: int) -> Iterator[_Sight]:
    """Yield what an answer shows that CloudFront passes on."""
    lengths = exchange.framing in (Framing.LENGTH, Framing.CHUNKED)
    if exchange.end is ExchangeEnd.RESET or (exchange.end is ExchangeEnd.CLOSED and lengths):
        yield _Sight(exchange, rules.CUT_BODY, Status.WARNING)
    if code >= 500:
        yield _Sight(exchange, rules.OTHER_ERROR, Status.INFO, str(code))
    elif code == 417:
        yield _Sight(exchange, rules.EXPECTATION_FAILED, Status.INFO)
    elif code == 403 and target.kind in _OWN_NAME_ONLY and _host(target) != target.domain:
        yield _Sight(exchange, rules.WRONG_HOST, Status.INFO)
    elif code in (401, 403) and target.custom_headers:
        yield _Sight(exchange, rules.HEADERS_NOT_SENT, Status.INFO, str(code))
    else:
        yield _Sight(exchange, rules.OK, Status.OK, str(code))


def _finding(target: Target, members: Sequence[_Sight], total: int, chosen: str, client_certificate: str) -> Finding:
    first = members[0]
    rule, exchange = first.rule, first.exchange
    maker = gateways.maker_of(exchange, target.kind)
    data = _data(target, members, total, maker)
    data["client_certificate"] = client_certificate
    data["chose"] = f" ({chosen} was chosen)" if chosen else ""
    finding = rule.finding(
        target=target.id,
        evidence=[_evidence(member) for member in members[:_MAX_EVIDENCE]],
        status=first.status,
        cloudfront_status=_status(exchange) if rule is rules.ORIGIN_STATUS else None,
        remedy=Remedy(kind="one_of", steps=maker.steps) if rule is rules.ORIGIN_STATUS else None,
        **data,
    )
    if rule is rules.ORIGIN_STATUS:
        finding = msgspec.structs.replace(finding, source=maker.source)
    if first.status is Status.UNKNOWN:
        return finding
    return some_requests_fail(msgspec.structs.replace(finding, next_check=""))


def _banner(exchange: Exchange) -> str:
    return f"“{visible(exchange.first_bytes.decode('ascii', 'backslashreplace').strip(), 80)}”"


_ENDINGS = {
    ExchangeOutcome.SILENT: "not a byte of an answer",
    ExchangeOutcome.CLOSED: "closed without a byte of an answer",
    ExchangeOutcome.RESET: "reset without a byte of an answer",
}


def _evidence(sight: _Sight) -> Evidence:
    exchange = sight.exchange
    said = visible(exchange.status_line, 120) or _ENDINGS.get(exchange.outcome, exchange.outcome.replace("_", " "))
    if sight.rule is rules.CUT_OFF:
        said += f", then the end ({exchange.end}) after {exchange.header_bytes} bytes of a header"
    elif sight.rule in (rules.HEADER_TOO_LARGE, rules.HEADER_LARGE):
        said += f", a header of {exchange.header_bytes} bytes"
    elif sight.rule is rules.MALFORMED:
        said += f", with {join_names([rules.DEVIATIONS[d][1] for d, _ in _deviations(exchange)])}"
    elif sight.rule in (rules.HTTP2_ONLY, rules.NOT_HTTP):
        said = f"the answer begins with {_banner(exchange)}"
    elif exchange.outcome is ExchangeOutcome.SILENT or sight.rule is rules.TOO_SLOW:
        said += f" within {exchange.elapsed_ms / 1000:.1f} s"
    if sight.rule is rules.ORIGIN_STATUS:
        server = next((value for name, value in exchange.headers if name.lower() == "server"), "")
        said += f", Server: {visible(server, 60)}" if server else ", no Server field"
    detail = f" ({visible(exchange.detail, 120)})" if exchange.detail else ""
    return Evidence(observation=exchange.id, says=f"{visible(exchange.address, 60)}: {said}{detail}")


def _data(target: Target, members: Sequence[_Sight], total: int, maker: gateways.Gateway) -> dict[str, Any]:
    first = members[0].exchange
    host, code = _host(target), _status(first)
    asked = visible(first.request.partition(" HTTP/")[0], 120)
    addresses = list(dict.fromkeys(m.exchange.address for m in members))
    some = len({place_of(m.exchange) for m in members}) < total
    fails = members[0].status in (Status.FAULT, Status.UNKNOWN) and some
    server = next((value for name, value in first.headers if name.lower() == "server"), "")
    reached = first.connected_to or join(first.address, first.port)
    default = 443 if target.protocol == "https" else 80
    interim = join_names([_INTERIM_NAMES.get(code, str(code)) for code in dict.fromkeys(first.interim)])
    notes = [(*rules.DEVIATIONS[deviation][1:], line) for deviation, line in _deviations(first)]
    return {
        "domain": target.domain,
        "port": target.port,
        "origin": target.origin_id,
        "host": host,
        "asked": asked,
        "answered": code,
        "status_line": visible(first.status_line.partition(" ")[2], 80),
        "server": server,
        "maker": maker.title or _named(server),
        "gateway": maker.key,
        "where": f" at {len(addresses)} of {total} addresses ({join_names(addresses)})" if some else "",
        "sometimes": SOMETIMES.replace(" 502", " error") if fails else "",
        "addresses": addresses,
        "intermittent": fails,
        "confidence": "medium",  # one request, without what only CloudFront knows
        "scope": _scope(target, asked),
        "custom_headers": join_names(list(target.custom_headers)),
        "kind": origins.KINDS[target.kind].title,
        "ends": "resets" if first.end is ExchangeEnd.RESET or first.outcome is ExchangeOutcome.RESET else "closes",
        "do": _unfinished(first, interim),
        "seconds": f"{first.elapsed_ms / 1000:.1f}",
        "read_timeout": target.read_timeout,
        "attempts": target.connection_attempts,
        "patience": target.read_timeout + 5,
        "header_bytes": first.header_bytes,
        "limit": rules.HEADER_LIMIT,
        "old_limit": rules.OLD_HEADER_LIMIT,
        "deviations": join_names([text + (f" (line {line})" if line else "") for text, _, line in notes]),
        "rfc": " ".join(rfc for _, rfc, _ in notes),
        "body_bytes": first.body_bytes,
        "of": f" of {first.content_length}" if first.framing is Framing.LENGTH else "",
        "banner": _banner(first),
        "service": f"{first.service.upper()} is spoken" if first.service else "nothing that is known here is spoken",
        "detail": visible(first.detail, 160)
        or visible(first.status_line.partition(" ")[2], 80)
        or first.outcome.replace("_", " "),
        "demands": "demands" if first.alert is not None or _wants_certificate(first) else "asks for",
        "interim": interim,
        "unchecked": " The certificate was not looked at for this." if target.protocol == "https" else "",
        "connect": f"{host}:{target.port}:{reached}",
        "url": f"{target.protocol}://{host}{'' if target.port == default else f':{target.port}'}{target.path}",
    }


def _unfinished(exchange: Exchange, interim: str) -> str:
    """Return what an origin does not do in time."""
    if exchange.outcome is not ExchangeOutcome.HTTP:
        return "answer"
    return (
        f"let a final answer follow {interim}"
        if interim and not exchange.status_line
        else "complete its answer's header"
    )


def _deviations(exchange: Exchange) -> tuple[tuple[Deviation, int], ...]:
    """Return the deviations seen; that there is no status counts too where a recording does not say so."""
    if exchange.deviations or _status(exchange):
        return exchange.deviations
    return ((Deviation.STATUS_LINE, 1),)


def _scope(target: Target, asked_for: str) -> str:
    """Return what was asked for and what not, in a sentence."""
    only_root = asked_for.endswith(" /")
    asked = "Only the path / was asked for" if only_root else "The path was asked for without a query"
    left_out = f" and without {join_names(list(target.custom_headers))}" if target.custom_headers else ""
    return f"{asked}{left_out}, with the Host {_host(target)}; other requests may fare otherwise."


def _named(server: str) -> str:
    return f"what names itself {visible(server, 80)}" if server else "the origin or something before it"


def _host(target: Target) -> str:
    return target.names[0].host if target.names else target.domain


def _status(exchange: Exchange) -> int:
    """Return the status of an answer; 0 where it has none of three digits."""
    code = exchange.status_line.partition(" ")[2][:3]
    return int(code) if len(code) == 3 and code.isascii() and code.isdecimal() and code >= "100" else 0
