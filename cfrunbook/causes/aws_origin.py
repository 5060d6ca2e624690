"""What the load balancer behind an origin shows: listeners, certificates, health of its targets. Pure."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from cfrunbook.aws_facts import AcmCertificate, Listener, LoadBalancer, TargetGroup, TargetHealth
from cfrunbook.causes import aws_listeners
from cfrunbook.causes import aws_rules as rules
from cfrunbook.cloudfront.targets import ServerName, Target
from cfrunbook.findings import Evidence, Finding, Rule, Status
from cfrunbook.text import join_names, visible
from cfrunbook.x509.names import matches

_HEALTHY = frozenset({"healthy"})
_BAD = frozenset({"unhealthy", "unhealthy.draining"})
_NOT_IN_USE = frozenset({"unused", "draining"})
_WRONG_ANSWER = "Target.ResponseCodeMismatch"
_SILENT = "Target.Timeout"


def judge(
    balancer: LoadBalancer,
    certificates: Sequence[AcmCertificate],
    target: Target,
    *,
    distribution: str,
    at: dt.datetime,
    expiry_days: int,
) -> Iterator[Finding]:
    """Yield what a load balancer shows about the target whose name leads to it."""
    look = _Look(balancer, target, distribution)
    if balancer.state not in ("", "active"):
        reason = visible(balancer.state_reason, 200) or "no reason is given"
        yield look.say(rules.NOT_ACTIVE, f"state {balancer.state}", state=balancer.state, reason=reason)
    listener = look.listener
    if balancer.listeners is not None and listener is None:
        listening = [f"{one.port} ({one.protocol})" for one in balancer.listeners]
        says = f"listeners: {join_names(listening)}"
        yield look.say(rules.LISTENER_MISSING, says, listening=listening, confidence="medium")
    elif listener is not None:
        yield from _protocol(look, listener)
        if target.protocol == "https" and listener.protocol in ("HTTPS", "TLS"):
            yield from _certificates(look, listener, {c.arn: c for c in certificates}, at, expiry_days)
    yield from _health(look)


class _Look:
    """One load balancer, seen for one target."""

    def __init__(self, balancer: LoadBalancer, target: Target, distribution: str) -> None:
        self.balancer = balancer
        self.target = target
        self.distribution = distribution

    @property
    def listener(self) -> Listener | None:
        """The listener on the port that CloudFront connects to."""
        found = (one for one in self.balancer.listeners or () if one.port == self.target.port)
        return next((one for one in found if one.protocol not in ("UDP", "QUIC")), None)

    def say(
        self, rule: Rule, says: str, *, status: Status | None = None, given: int | None = None, **data: Any
    ) -> Finding:
        """Return a finding about the load balancer; `given` is the status that CloudFront gives, where it differs."""
        read = f"load balancer {self.balancer.name}: {says}"
        return rule.finding(
            target=self.target.id,
            evidence=[Evidence(observation="input:aws", says=visible(read, 300))],
            status=status,
            cloudfront_status=given,
            **{
                "balancer": self.balancer.name,
                "balancer_arn": self.balancer.arn,
                "region": self.balancer.region,
                "distribution": self.distribution,
                "origin": self.target.origin_id,
                "domain": self.target.domain,
                "port": self.target.port,
                **data,
            },
        )


def _protocol(look: _Look, listener: Listener) -> Iterator[Finding]:
    known: dict[str, Any] = {"protocol": listener.protocol, "listener_arn": listener.arn}
    says = f"port {listener.port} is {listener.protocol}"
    if look.target.protocol == "https" and listener.protocol == "HTTP":
        yield look.say(rules.LISTENER_NOT_TLS, says, **known)
    elif look.target.protocol == "http" and listener.protocol in ("HTTPS", "TLS"):
        yield look.say(rules.LISTENER_NOT_PLAIN, says, **known)


# --- certificates -------------------------------------------------------------------------------------------------


def _certificates(
    look: _Look, listener: Listener, described: dict[str, AcmCertificate], at: dt.datetime, expiry_days: int
) -> Iterator[Finding]:
    """Judge what the listener presents for each name, where all its certificates are known."""
    if not listener.certificates or any(arn not in described for arn in listener.certificates):
        return
    held = [described[arn] for arn in listener.certificates]
    default = described.get(listener.default_certificate, held[0])
    said: set[tuple[str, str]] = set()
    for name in look.target.names:
        fitting = [c for c in held if any(matches(pattern, name.sni) for pattern in c.names)]
        for finding in _presented(look, listener, fitting or [default], name, at=at, expiry_days=expiry_days):
            key = (finding.code, finding.data["certificate"])
            if key not in said:
                said.add(key)
                yield finding


def _presented(
    look: _Look,
    listener: Listener,
    presented: Sequence[AcmCertificate],
    name: ServerName,
    *,
    at: dt.datetime,
    expiry_days: int,
) -> Iterator[Finding]:
    """Judge the certificates of which the listener presents one for a name: a fault is what all of them have."""
    perhaps = None if name.certain else Status.WARNING

    def say(
        rule: Rule, certificate: AcmCertificate, says: str, *, status: Status | None = None, **data: Any
    ) -> Finding:
        region = certificate.arn.split(":")[3] if certificate.arn.count(":") >= 5 else look.balancer.region
        return look.say(
            rule,
            f"certificate {certificate.arn}: {says}",
            status=status,
            **{
                "certificate": certificate.arn,
                "listener_arn": listener.arn,
                "sni": name.sni,
                "names": list(certificate.names),
                "region": region,
                "renewal": _renewal(certificate),
                **data,
            },
        )

    expired = [c for c in presented if c.status == "EXPIRED" or (c.not_after is not None and c.not_after <= at)]
    if len(expired) == len(presented):
        one = expired[0]
        yield say(rules.ACM_EXPIRED, one, f"NotAfter {_day(one.not_after)}", status=perhaps, until=_day(one.not_after))
    for one in presented:
        soon = one.not_after is not None and at < one.not_after <= at + dt.timedelta(days=expiry_days)
        if one not in expired and soon:
            yield say(rules.ACM_EXPIRES_SOON, one, f"NotAfter {_day(one.not_after)}", until=_day(one.not_after))
        if one.status not in ("", "ISSUED", "EXPIRED"):
            yield say(rules.ACM_STATUS, one, f"status {one.status}", state=one.status)
    if all(c.type == "PRIVATE" for c in presented):
        yield say(rules.ACM_PRIVATE, presented[0], "type PRIVATE", status=perhaps)
    if not any(matches(p, wanted) for c in presented for p in c.names for wanted in name.acceptable):
        one = presented[0]
        yield say(
            rules.ACM_NAME_MISSING,
            one,
            f"names {join_names(list(one.names))}",
            status=perhaps,
            acceptable=" or ".join(name.acceptable),
            perhaps="" if name.certain else f" Whether CloudFront asks for {name.sni} is not certain: {name.why}.",
        )


def _renewal(certificate: AcmCertificate) -> str:
    """Return a sentence about its renewal, with a space before it; empty where there is nothing to say."""
    if certificate.type == "IMPORTED":
        return " It was imported: ACM does not renew it."
    if certificate.renewal in ("", "SUCCESS"):
        return ""
    failure = f" ({visible(certificate.failure, 80)})" if certificate.failure else ""
    return f" ACM's renewal of it is {visible(certificate.renewal, 40)}{failure}."


def _day(moment: dt.datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "a day that is not known"


# --- targets ------------------------------------------------------------------------------------------------------


def _health(look: _Look) -> Iterator[Finding]:
    """Judge the target groups that requests come to; without the listener's rules the default's is the certain one."""
    groups = [g for g in look.balancer.target_groups or () if g.targets is not None]
    listener = look.listener
    asked = aws_listeners.target_groups(listener, look.target) if listener else None
    if asked is not None:
        groups = [group for group in groups if group.arn in asked]
    certain = asked if asked is not None else frozenset(listener.target_groups if listener else ())
    found = [finding for group in groups if (finding := _of_group(look, group, certain)) is not None]
    yield from found
    targets = [t for g in groups for t in g.targets or ()]
    wanted = len(asked) if asked is not None else len(look.balancer.target_groups or ())
    is_whole = look.balancer.target_groups is not None and len(groups) == wanted
    if not found and is_whole and targets and all(t.state in _HEALTHY for t in targets):
        yield look.say(rules.TARGETS_HEALTHY, f"{len(targets)} targets healthy", count=len(targets))


def _of_group(look: _Look, group: TargetGroup, certain: frozenset[str]) -> Finding | None:
    targets = group.targets or ()
    bad = [t for t in targets if t.state in _BAD]
    used = [t for t in targets if t.state not in _NOT_IN_USE]
    is_asked = group.arn in certain
    depends = "" if is_asked else " Which requests come to this group, a listener's rules decide."
    known: dict[str, Any] = {
        "group": group.name,
        "group_arn": group.arn,
        "check": group.check or "its health check",
        "depends": depends,
    }
    status = None if is_asked else Status.WARNING
    if not used:
        return look.say(rules.NO_TARGETS, f"target group {group.name}: {len(targets)} targets", status=status, **known)
    if not bad:
        return None
    reasons = _reasons(bad)
    says = f"target group {group.name}: {join_names(reasons)}"
    if len(bad) < len(used):
        return look.say(rules.SOME_UNHEALTHY, says, bad=len(bad), count=len(used), reasons=reasons, **known)
    kinds = {t.reason for t in bad}
    if kinds == {_WRONG_ANSWER}:  # they do answer: what other requests get is not known
        status = Status.WARNING
    given = 504 if kinds == {_SILENT} else None
    return look.say(
        rules.TARGETS_UNHEALTHY, says, status=status, given=given, count=len(used), reasons=reasons, **known
    )


def _reasons(targets: Sequence[TargetHealth]) -> list[str]:
    """Return why targets are unhealthy, the most frequent first, each with how many."""
    counted = Counter((t.reason or t.state, t.description) for t in targets)
    return [
        f"{number} × {visible(reason, 60)}{f' ({visible(description, 120)})' if description else ''}"
        for (reason, description), number in counted.most_common(4)
    ]
