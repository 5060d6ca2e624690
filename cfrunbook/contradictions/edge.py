"""CloudFront's own word against what was seen, given or fetched besides. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from cfrunbook import direct_evidence
from cfrunbook.contradictions import reasons as why
from cfrunbook.findings import STAGES, Cause, Contradiction, Finding, Statement, Status, Witness
from cfrunbook.joining import ORIGIN, REACH, Scene, witness_of

_AGAIN = "Request the failing URL now (curl -sSi), past the cache, and look again at the same time."
_LOG = " The access log of that time decides, by x-edge-detailed-result-type: cfrunbook logs FILE."


def fault_but_well(scene: Scene) -> Iterator[Contradiction]:
    """Yield where CloudFront names a cause of which everything that was seen is well."""
    said: set[Cause] = set()
    for fault in scene.findings:
        if fault.status is not Status.FAULT or not direct_evidence.is_direct(fault) or fault.cause in said:
            continue
        said.add(fault.cause)
        seen = [f for f in scene.findings if f.cause is fault.cause and not direct_evidence.is_direct(f)]
        well = next((f for f in seen if f.status is Status.OK), None)
        if well is None or any(f.status in (Status.FAULT, Status.UNKNOWN) for f in seen):
            continue
        one, other = scene.statement(fault), scene.statement(well)
        is_function = fault.cause is Cause.EDGE_FUNCTION
        yield Contradiction(
            code="cloudfront_says_fault",
            cause=fault.cause,
            sentence=f"{_capital(why.noun(one))} says that {_FAULT_WORDS.get(fault.cause, 'there is a fault')};"
            f" {why.noun(other)} shows none of it.",
            sides=(one, other),
            reasons=_of_function(one, other) if is_function else _of_origin(scene, fault.cause, one, other),
            next_check=_FUNCTION_CHECK if is_function else _AGAIN + _LOG,
            target=well.target,
        )


_FAULT_WORDS = {
    Cause.DNS: "CloudFront could not resolve the origin's name",
    Cause.ORIGIN_RESPONSE: "the origin itself answered with an error",
    Cause.EDGE_FUNCTION: "CloudFront could not use an edge function's result, or the function failed",
    Cause.PORT: "CloudFront could not connect to the origin",
    Cause.TLS_PROTOCOL: "CloudFront could not make a TLS connection",
    Cause.CERTIFICATE: "CloudFront did not accept the origin's certificate",
    Cause.TLS_NAME: "CloudFront did not accept the name in the certificate",
}
_FUNCTION_CHECK = (
    "Take the result of the failing request itself: its event from the function's log, the version that is associated"
    " (cfrunbook function --event event.json)."
)


def _of_origin(scene: Scene, cause: Cause, one: Statement, other: Statement) -> tuple[str, ...]:
    return why.ranked(
        why.cached(scene),
        why.between(one, other),
        why.SPLIT_VIEW if cause is Cause.DNS else None,
        why.OTHER_REQUEST if cause is Cause.ORIGIN_RESPONSE else None,
        why.shut_out(scene) if cause is Cause.PORT else None,
        why.ELSEWHERE,
        None if cause is Cause.DNS else why.intermittent(scene),
    )


def _of_function(one: Statement, other: Statement) -> tuple[str, ...]:
    return why.ranked(
        why.Reason(why.LIKELY, "The result given is not that of the request that failed, or of another function."),
        why.Reason(why.LIKELY, "The version that is deployed is another than the one that made this result."),
        why.between(one, other),
    )


def error_but_well(scene: Scene) -> Iterator[Contradiction]:
    """Yield where CloudFront answered 502 or 504 without naming a cause, and the origin looks well."""
    question = direct_evidence.open_question(scene.findings)
    if question is None or question.cloudfront_status not in (502, 504):
        return
    seen = [f for f in scene.findings if not direct_evidence.is_direct(f) and f.target]
    if any(f.status is Status.FAULT for f in scene.findings):
        return
    doubtful = {f.target for f in seen if f.status in (Status.FAULT, Status.UNKNOWN)}
    well = [f for f in seen if f.status is Status.OK and f.target not in doubtful and f.cause in ORIGIN]
    if not well:
        return
    furthest = max(well, key=lambda f: STAGES.index(f.stage))
    one, other = scene.statement(question), scene.statement(furthest)
    one_way = "no fault" if question.cloudfront_status == 502 else "nothing that times out"
    yield Contradiction(
        code="cloudfront_has_error",
        cause=furthest.cause,
        sentence=f"{_answered(one, question.cloudfront_status)}; {why.noun(other)} finds {one_way} on the way to the"
        " origin.",
        sides=(one, other),
        reasons=why.ranked(
            why.cached(scene), why.between(one, other), why.shut_out(scene), why.ELSEWHERE, why.intermittent(scene)
        ),
        next_check=_AGAIN + _LOG,
        target=furthest.target,
    )


def reached_but_not_from_here(scene: Scene) -> Iterator[Contradiction]:
    """Yield where CloudFront passed on an answer of the origin, which could not be reached otherwise."""
    relayed = next(
        (
            f
            for f in scene.findings
            if f.status is Status.FAULT and f.cause is Cause.ORIGIN_RESPONSE and direct_evidence.is_direct(f)
        ),
        None,
    )
    if relayed is None:
        return
    seen = [f for f in scene.findings if f.cause in REACH and not direct_evidence.is_direct(f) and f.target]
    bad = [f for f in seen if f.status in (Status.FAULT, Status.UNKNOWN) and not f.data.get("intermittent")]
    broken = {f.target for f in bad}
    if not bad or any(f.status is Status.OK and f.target not in broken for f in seen):
        return
    first = min(bad, key=lambda f: (f.status is not Status.FAULT, STAGES.index(f.stage), f.code))
    one, other = scene.statement(relayed), scene.statement(first)
    yield Contradiction(
        code="cloudfront_reached_origin",
        cause=first.cause,
        sentence=f"{_capital(why.noun(one))} {_MADE_BY[one.witness is Witness.LOGS]} the origin, so that CloudFront"
        f" reached it; {why.noun(other)} {_DOUBT if first.status is Status.UNKNOWN else _BROKEN}.",
        sides=(one, other),
        reasons=_reached(scene, first, one, other),
        next_check="Look from another network, best from within AWS, or at the origin's own log for requests of"
        " CloudFront at this time." + _LOG,
        target=first.target,
    )


_MADE_BY = {False: "was made by", True: "has errors that were made by"}
"""By whether it is a log that says so."""
_BROKEN = "says that it cannot be reached"
_DOUBT = "could not reach it"


def _reached(scene: Scene, fault: Finding, one: Statement, other: Statement) -> tuple[str, ...]:
    is_probe = witness_of(fault) is Witness.PROBE
    return why.ranked(
        why.between(other, one),
        why.cached(scene),
        why.allow_listed(scene) if is_probe and fault.cause is Cause.PORT else None,
        why.SPLIT_VIEW if fault.cause is Cause.DNS else None,
        _OUTDATED if not is_probe else None,
        why.OTHER_REQUEST,
        why.intermittent(scene),
        why.local(scene) if is_probe else None,
    )


_OUTDATED = why.Reason(
    why.LIKELY, "It is not about the way that the request took: another origin, load balancer or firewall."
)


def status_differs(scene: Scene) -> Iterator[Contradiction]:
    """Yield where what was seen would give another status than CloudFront gave."""
    said = direct_evidence.named(scene.findings) or direct_evidence.open_question(scene.findings)
    seen = [f for f in scene.findings if f.status is Status.FAULT and not direct_evidence.is_direct(f)]
    fault = next((f for f in seen if f.cloudfront_status and not f.data.get("intermittent")), None)
    if said is None or fault is None or not said.cloudfront_status or said.cause is Cause.ORIGIN_RESPONSE:
        return
    if said.cloudfront_status == fault.cloudfront_status or said.cause is fault.cause:
        return
    if any(f.cloudfront_status == said.cloudfront_status for f in seen):
        return
    one, other = scene.statement(said), scene.statement(fault)
    yield Contradiction(
        code="status_differs",
        cause=fault.cause,
        sentence=f"{_answered(one, said.cloudfront_status)}; what {why.noun(other)} shows gives"
        f" {fault.cloudfront_status}.",
        sides=(one, other),
        reasons=why.ranked(
            why.Reason(why.LIKELY, "There are two faults, and the one that was seen is not that of the request."),
            why.between(one, other, differs=True),
            why.cached(scene),
            why.ELSEWHERE,
        ),
        next_check=_AGAIN + _LOG,
        target=fault.target,
    )


def says_another(scene: Scene) -> Iterator[Contradiction]:
    """Yield where CloudFront's page, or its log, leaves several causes open, and what was seen is none of them."""
    question = next((f for f in scene.findings if f.status is Status.UNKNOWN and direct_evidence.candidates(f)), None)
    seen = [f for f in scene.findings if f.status is Status.FAULT and not direct_evidence.is_direct(f)]
    if question is None or not seen or any(f.cause in direct_evidence.candidates(question) for f in seen):
        return
    one, other = scene.statement(question), scene.statement(seen[0])
    is_logged = one.witness is Witness.LOGS
    speaks = "names an error that has other causes" if is_logged else "has a page that speaks of the connection"
    has = "CloudFront logs otherwise" if is_logged else "has other words"
    yield Contradiction(
        code="log_names_another" if is_logged else "page_speaks_of_another",
        cause=seen[0].cause,
        sentence=f"{_capital(why.noun(one))} {speaks}; {why.noun(other)} shows a fault that {has}.",
        sides=(one, other),
        reasons=why.ranked(
            why.between(one, other, differs=True),
            why.Reason(why.LIKELY, "There are two faults, and the one that was seen is not that of the request."),
            None if is_logged else why.cached(scene),
            None if is_logged else _NO_CONTRACT,
        ),
        next_check=_AGAIN + ("" if is_logged else _LOG),
        target=seen[0].target,
    )


_NO_CONTRACT = why.Reason(
    why.POSSIBLE, "The words on CloudFront's pages have changed over the years, and are no contract."
)


def _answered(said: Statement, status: int | None) -> str:
    """Return that CloudFront answered with a status, says a captured response or a log."""
    return f"{_capital(why.noun(said))} {f'has {status}s' if said.witness is Witness.LOGS else f'is a {status}'}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


DETECTORS = (fault_but_well, error_but_well, reached_but_not_from_here, status_differs, says_another)
