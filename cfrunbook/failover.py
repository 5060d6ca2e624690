"""Origin groups: what a broken member means for viewers. Pure.

A failure to connect (a connection attempt that times out included) makes CloudFront turn to the secondary only if 503
is among the group's failover status codes, an answer that takes too long only if 504 is; and only for GET, HEAD and
OPTIONS. That a failed TLS handshake counts as a failure to connect is our reading.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/high_availability_origin_failover.html
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from cfrunbook.findings import Finding, Status
from cfrunbook.text import join_names, visible

if TYPE_CHECKING:
    from cfrunbook.cloudfront.distribution import OriginGroup
    from cfrunbook.incident import Incident

_BAD = (Status.FAULT, Status.UNKNOWN)
_ANSWER_TIMED_OUT = frozenset({"port.silent", "tls_protocol.timeout"})


def settle(incident: Incident, findings: Sequence[Finding]) -> list[Finding]:
    """Return `findings` with what is wrong at a secondary as a warning: viewers feel it only when the primary fails.

    Where the primary is broken as well, or nobody could look at it, the secondary's fault stays what it is.
    """
    waiting = {
        t.id
        for t in incident.targets
        if t.role == "secondary" and (group := _group_of(incident, t.origin_id, place=1)) is not None
        if _is_well(incident, group.members[0], findings)
    }
    return [_as_warning(f) if f.target in waiting and f.status in _BAD else f for f in findings]


def note(incident: Incident, fault: Finding, findings: Sequence[Finding]) -> str:
    """Return what failover makes of a fault at a group's primary, in a sentence; empty where there is no group."""
    origin = next((t.origin_id for t in incident.targets if t.id == fault.target and t.role == "primary"), "")
    group = _group_of(incident, origin, place=0)
    if group is None:
        return ""
    secondary = visible(group.members[1], 60)
    needed = 504 if fault.code in _ANSWER_TIMED_OUT else 503
    if needed not in group.status_codes:
        codes = join_names([str(c) for c in group.status_codes])
        return f"The origin group does not fail over on this: {needed} is not among its status codes ({codes})."
    if not _is_well(incident, group.members[1], findings):
        return f"Failover does not help: the secondary, origin {secondary}, is not well either, or could not be seen."
    return f"GET, HEAD and OPTIONS fail over to origin {secondary}, which is well; other methods get the error."


def _group_of(incident: Incident, origin_id: str, *, place: int) -> OriginGroup | None:
    groups = incident.distribution.groups if incident.distribution else ()
    return next((g for g in groups if len(g.members) == 2 and g.members[place] == origin_id), None)


def _is_well(incident: Incident, origin_id: str, findings: Sequence[Finding]) -> bool:
    """Return whether something good and nothing bad was seen at every target of an origin."""
    targets = [t.id for t in incident.targets if t.origin_id == origin_id]
    said = {target: {f.status for f in findings if f.target == target} for target in targets}
    return bool(targets) and all(Status.OK in statuses and not statuses & {*_BAD} for statuses in said.values())


def _as_warning(finding: Finding) -> Finding:
    may = "would" if finding.status is Status.FAULT else "may"
    return msgspec.structs.replace(
        finding, status=Status.WARNING, title=f"If the primary origin failed, failover {may} fail too: {finding.title}"
    )
