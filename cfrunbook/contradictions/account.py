"""What the AWS account shows, against what was seen of the origin and what CloudFront answered. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from cfrunbook.aws_facts import AcmCertificate, AwsFacts, LoadBalancer
from cfrunbook.contradictions import reasons as why
from cfrunbook.evidence import Handshake
from cfrunbook.findings import Cause, Contradiction, Finding, Statement, Status, Witness
from cfrunbook.joining import Scene, moment_of, witness_of
from cfrunbook.text import fill, join_names, visible

if TYPE_CHECKING:
    from cfrunbook.x509.certificate import CertificateFacts

_NO_WAY_IN = ("port.dropped", "port.unreachable", "port.rejected", "port.refused", "port.silent", "port.closes")
_NO_ADDRESS = ("dns.nxdomain", "dns.nodata", "dns.not_delegated", "dns.resolver_nxdomain", "dns.resolver_nodata")
_OTHER_BALANCER = why.Reason(
    why.LIKELY, "The origin's name leads elsewhere: to another load balancer, a proxy or another account."
)


def healthy_but_unreachable(scene: Scene) -> Iterator[Contradiction]:
    """Yield where a load balancer calls all targets healthy, and its port does not answer."""
    for healthy in _all(scene, "distribution.targets_healthy"):
        silent = next((f for f in scene.findings if f.code in _NO_WAY_IN and f.target == healthy.target), None)
        if silent is None:
            continue
        one, other = scene.statement(healthy), scene.statement(silent)
        yield Contradiction(
            code="targets_healthy_but_unreachable",
            cause=Cause.PORT,
            sentence=f"The AWS account calls all targets of the load balancer healthy; {why.noun(other)} does not get"
            " through to it.",
            sides=(one, other),
            reasons=why.ranked(
                why.allow_listed(scene),
                why.Reason(
                    why.LIKELY,
                    "Health checks go from the load balancer to its targets, inside the VPC: they say nothing about the"
                    " way to the load balancer.",
                ),
                _OTHER_BALANCER,
                why.between(other, one),
                why.local(scene),
            ),
            next_check="See whether the load balancer's security group lets in the prefix list"
            " com.amazonaws.global.cloudfront.origin-facing, and whether the Origin Domain leads to this load"
            " balancer.",
            target=healthy.target,
        )


def unhealthy_but_answers(scene: Scene) -> Iterator[Contradiction]:
    """Yield where a load balancer calls all targets of a group unhealthy, and the origin answers well."""
    for code in ("origin_response.alb_targets_unhealthy", "origin_response.alb_no_targets"):
        for bad in _all(scene, code):
            answers = _of(scene, Cause.ORIGIN_RESPONSE, Status.OK, bad.target)
            if answers is None:
                continue
            one, other = scene.statement(bad), scene.statement(answers)
            yield Contradiction(
                code="targets_unhealthy_but_answers",
                cause=Cause.ORIGIN_RESPONSE,
                sentence=f"The AWS account calls no target of a group healthy; {why.noun(other)} gets an answer.",
                sides=(one, other),
                reasons=why.ranked(
                    why.Reason(why.LIKELY, "A rule of the listener sends this request to another target group."),
                    why.Reason(
                        why.LIKELY,
                        "Where all targets are unhealthy the load balancer asks them all the same, and the health check"
                        " asks for another path or port than the request.",
                    ),
                    why.between(one, other),
                    _OTHER_BALANCER,
                ),
                next_check="Ask for the failing path itself, more than once; see the rules of the listener and what the"
                " health check asks for.",
                target=bad.target,
            )


def no_listener_but_open(scene: Scene) -> Iterator[Contradiction]:
    """Yield where a load balancer has no listener on a port that accepts connections."""
    for missing in _all(scene, "port.alb_listener_missing"):
        accepts = _of(scene, Cause.PORT, Status.OK, missing.target)
        if accepts is None or witness_of(accepts) is not Witness.PROBE:
            continue
        one, other = scene.statement(missing), scene.statement(accepts)
        yield Contradiction(
            code="no_listener_but_open",
            cause=Cause.PORT,
            sentence=f"The AWS account shows no listener on this port; in {why.noun(other)} it accepts connections.",
            sides=(one, other),
            reasons=why.ranked(_OTHER_BALANCER, why.between(one, other)),
            next_check="Compare the addresses: dig +short of the Origin Domain and of the load balancer's DNS name.",
            target=missing.target,
        )


# --- certificates -------------------------------------------------------------------------------------------------


def other_certificate_served(scene: Scene) -> Iterator[Contradiction]:
    """Yield where the origin presents a certificate that is none of those its load balancer has in ACM."""
    if scene.facts is None:
        return
    hellos = scene.observations.handshakes
    for balancer in scene.facts.load_balancers:
        for port in sorted({h.port for h in hellos if h.host == balancer.domain and h.certificates}):
            held = _held(balancer, scene.facts, port)
            served = _served(hellos, balancer.domain, port) if held else []
            if served and not _same(held, served):
                yield _other_certificate(scene, balancer, port, held, served)
                break


def _held(balancer: LoadBalancer, facts: AwsFacts, port: int) -> list[AcmCertificate]:
    """Return the certificates of the listener on a port; none unless all of them and their times are known."""
    listener = next((one for one in balancer.listeners or () if one.port == port), None)
    wanted = listener.certificates if listener is not None else None
    known = {c.arn: c for c in facts.certificates if c.not_after is not None and c.not_before is not None}
    return [known[arn] for arn in wanted] if wanted and all(arn in known for arn in wanted) else []


def _served(handshakes: Sequence[Handshake], domain: str, port: int) -> list[CertificateFacts]:
    """Return the certificates of the origin itself that were presented there and can be read."""
    from cfrunbook.x509.certificate import read

    ders = {h.certificates[0] for h in handshakes if (h.host, h.port) == (domain, port) and h.certificates}
    return [c for c in map(read, sorted(ders)) if c.not_after is not None and c.not_before is not None]


def _same(held: Sequence[AcmCertificate], served: Sequence[CertificateFacts]) -> bool:
    """Tell whether one of those presented is one of those in ACM, by when they are valid."""
    known = {(c.not_before, c.not_after) for c in held}
    return any((c.not_before, c.not_after) in known for c in served)


def _other_certificate(
    scene: Scene,
    balancer: LoadBalancer,
    port: int,
    held: Sequence[AcmCertificate],
    served: Sequence[CertificateFacts],
) -> Contradiction:
    in_acm = max(held, key=lambda c: c.not_after or dt.datetime.min.replace(tzinfo=dt.UTC))
    there = served[0]
    one = Statement(
        says=f"Load balancer {visible(balancer.name, 80)} has in ACM a certificate for"
        f" {join_names(list(in_acm.names), 4)}, valid until {_day(in_acm.not_after)}.",
        witness=Witness.ACCOUNT,
        strength="strong",
        at=scene.when(Witness.ACCOUNT),
    )
    other = Statement(
        says=f"{visible(balancer.domain, 120)} presents a certificate that is valid from {_day(there.not_before)} until"
        f" {_day(there.not_after)}.",
        witness=Witness.PROBE,
        strength="strong",
        seen_from=scene.vantage,
        at=scene.when(Witness.PROBE),
    )
    is_older = there.not_after is not None and in_acm.not_after is not None and there.not_after < in_acm.not_after
    return Contradiction(
        code="other_certificate_served",
        cause=Cause.CERTIFICATE,
        sentence=f"The AWS account has a certificate until {_day(in_acm.not_after)}; {why.noun(other)} is shown another"
        f" one, until {_day(there.not_after)}.",
        sides=(one, other),
        reasons=why.ranked(
            why.Reason(
                why.LIKELY, "It was renewed in ACM, and TLS ends before the load balancer, where the old one is."
            )
            if is_older
            else None,
            _OTHER_BALANCER,
            why.Reason(why.POSSIBLE, "The listener got it a moment ago, and not every node has it yet."),
            why.between(other, one),
        ),
        next_check=fill(
            "Ask the load balancer's own DNS name with the same server name: openssl s_client -connect {at!q}"
            " -servername {name!q}",
            {"at": f"{balancer.dns_name or balancer.domain}:{port}", "name": balancer.domain},
        ),
        target=next((t.id for t in scene.targets if (t.domain, t.port) == (balancer.domain, port)), ""),
    )


def _day(moment: dt.datetime | None) -> str:
    return f"{moment:%Y-%m-%d}" if moment else "a day that is not known"


# --- zones and metrics --------------------------------------------------------------------------------------------


def record_but_no_address(scene: Scene) -> Iterator[Contradiction]:
    """Yield where Route 53 holds a record for the name that public DNS was seen to deny, without a reason known."""
    explained = {"dns.route53_not_delegated", "dns.route53_duplicate_zones", "dns.route53_delegation_differs"}
    if scene.facts is None or any(f.code in explained for f in scene.findings):
        return
    for zone in scene.facts.hosted_zones:
        denied = next(
            (f for f in scene.findings if f.code in _NO_ADDRESS and f.data.get("name") == zone.domain),
            None,
        )
        if zone.private or not zone.records or denied is None:
            continue
        shown = visible(zone.domain, 120)
        kinds = join_names(sorted({f"{r.type} {visible(r.name, 80)}" for r in zone.records}), 4)
        one = Statement(
            says=f"Hosted zone {zone.id} of {visible(zone.name, 120)} holds {kinds}.",
            witness=Witness.ACCOUNT,
            strength="strong",
            at=scene.when(Witness.ACCOUNT),
        )
        other = scene.statement(denied)
        yield Contradiction(
            code="record_but_no_address",
            cause=Cause.DNS,
            sentence=f"The AWS account has a record for {shown}; in {why.noun(other)} the name has no address.",
            sides=(one, other),
            reasons=why.ranked(
                why.between(other, one),
                why.Reason(why.LIKELY, "The zone is not the one that the world asks: the delegation leads elsewhere."),
                why.Reason(why.LIKELY, "A resolver still holds the answer from before the record was made."),
            ),
            next_check=fill(
                "Ask each of the zone's own servers: aws route53 get-hosted-zone --id {zone!q}; dig {name!q} @SERVER",
                {"zone": zone.id, "name": zone.domain},
            ),
            target=denied.target,
        )
        return


def metrics_without_it(scene: Scene) -> Iterator[Contradiction]:
    """Yield where CloudWatch has no such error in a time in which one was captured."""
    metrics = scene.facts.metrics if scene.facts else None
    counted = next(
        (f for f in scene.findings if f.code in ("distribution.metrics_no_502", "distribution.metrics_no_5xx")), None
    )
    if metrics is None or counted is None:
        return
    statuses = (502,) if counted.code.endswith("502") else (500, 502, 503, 504)
    for response in scene.responses:
        moment = moment_of(response)
        if response.status in statuses and moment is not None and metrics.start <= moment <= metrics.end:
            one = Statement(
                says=f"A {response.status} was captured at {moment:%Y-%m-%d %H:%M:%S UTC}.",
                witness=Witness.RESPONSE,
                strength="direct",
                at=moment,
            )
            yield Contradiction(
                code="captured_but_not_counted",
                cause=Cause.CLOUDFRONT,
                sentence=f"The captured response is a {response.status}; the AWS account counted none in that time.",
                sides=(one, scene.statement(counted)),
                reasons=why.ranked(
                    why.Reason(why.LIKELY, "The response is of another distribution, or of a proxy before CloudFront."),
                    why.Reason(
                        why.LIKELY, "Metrics come some minutes late, and a rate of a busy minute rounds to zero."
                    ),
                ),
                next_check="Find the response's X-Amz-Cf-Id in this distribution's access log, and ask for the metrics"
                " again in 10 minutes.",
            )
            return


def _all(scene: Scene, code: str) -> list[Finding]:
    return [f for f in scene.findings if f.code == code]


def _of(scene: Scene, cause: Cause, status: Status, target: str) -> Finding | None:
    return next((f for f in scene.findings if (f.cause, f.status, f.target) == (cause, status, target)), None)


DETECTORS = (
    healthy_but_unreachable,
    unhealthy_but_answers,
    no_listener_but_open,
    other_certificate_served,
    record_but_no_address,
    metrics_without_it,
)
