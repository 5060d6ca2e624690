"""Checks of the calls of origin helpers: which helper, when, in which runtime, for which origin of the distribution."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cfrunbook.findings import Json
from cfrunbook.functions.cloudfront_function import facts, origin_settings
from cfrunbook.functions.cloudfront_function import origin_rules as rules
from cfrunbook.functions.cloudfront_function.calls import OriginCall, Run
from cfrunbook.functions.cloudfront_function.case import kind_of, show
from cfrunbook.functions.cloudfront_function.facts import Helper, Runtime
from cfrunbook.functions.cloudfront_function.known_origins import KnownOrigins, type_of_domain
from cfrunbook.functions.cloudfront_function.notes import Notes
from cfrunbook.functions.model import EventType, Path, Violation
from cfrunbook.text import visible

_MAX_CALLS = 20


def check(
    calls: Iterable[OriginCall],
    run: Run,
    origins: KnownOrigins | None,
    *,
    event_type: EventType | None,
    names: frozenset[str] = frozenset(),
) -> tuple[Violation, ...]:
    """Return what is wrong with the calls of origin helpers; `names` are those of the request's headers."""
    found: list[Violation] = []
    for number, call in enumerate(list(calls)[:_MAX_CALLS]):
        notes = Notes(call.helper, number, event_type, names)
        _check(call, notes, origins, run)
        found.extend(notes.found)
    return tuple(found)


def _check(call: OriginCall, notes: Notes, origins: KnownOrigins | None, run: Run) -> None:
    path: Path = (visible(call.helper, 40),)
    if call.helper not in tuple(Helper):
        notes.add(rules.UNKNOWN_HELPER, path)
        return
    if run.runtime is Runtime.JS_1_0:
        notes.add(rules.RUNTIME_1, path, runtime=run.runtime.value)
        return
    if notes.event_type is EventType.VIEWER_RESPONSE:
        notes.add(rules.AT_RESPONSE, path)
        return
    if call.arguments is None:
        notes.add(rules.NOT_RECORDED, path)
        return
    first = call.arguments[0] if call.arguments else None
    if call.helper == Helper.SELECT:
        _select(call, first, notes, origins)
    elif not isinstance(first, dict):
        notes.add(rules.ARGUMENTS, (call.helper, 0), shown=show(first), kind=kind_of(first), wanted="one object")
    elif call.helper == Helper.UPDATE:
        _update(first, notes, origins)
    else:
        _group(first, notes, origins)


def _update(settings: dict[str, Any], notes: Notes, origins: KnownOrigins | None) -> None:
    assigned = origins.assigned if origins else None
    if assigned is not None and assigned.type == "vpc":
        notes.add(rules.VPC, (notes.helper,), assigned=visible(assigned.id, 80))
        return
    origin_settings.check(settings, notes)
    _access_control(settings, notes, origins)


def _access_control(settings: dict[str, Any], notes: Notes, origins: KnownOrigins | None) -> None:
    """Note what does not go with origin access control, be it set by the call or inherited from the origin."""
    domain = settings.get("domainName")
    new_type = type_of_domain(domain) if isinstance(domain, str) and domain else None
    config = settings.get("originAccessControlConfig")
    is_host_set = "hostHeader" in settings
    path: Path = (notes.helper, 0)
    if isinstance(config, dict):
        wanted = config.get("originType")
        is_enabled = config.get("enabled") is True
        if is_enabled and new_type and wanted in facts.ACCESS_CONTROL_TYPES and wanted != new_type:
            actual = {"custom": "an origin without access control"}.get(new_type, f"of type {new_type}")
            where = (*path, "originAccessControlConfig", "originType")
            notes.add(rules.ACCESS_CONTROL_TYPE, where, shown=show(wanted), domain=visible(domain, 120), actual=actual)
        elif is_enabled and is_host_set:
            notes.add(rules.HOST_AND_ACCESS_CONTROL, (*path, "hostHeader"), how="switched on by the same call")
        return
    if "originAccessControlConfig" in settings or not (is_host_set or new_type):
        return
    assigned = origins.assigned if origins else None
    if assigned is None:
        what = "hostHeader" if is_host_set else "the origin"
        notes.add(rules.ACCESS_CONTROL_UNKNOWN, path, what=what)
    elif assigned.has_access_control and new_type and new_type != assigned.type:
        data = {"assigned": visible(assigned.id, 80), "domain": visible(domain, 120)}
        notes.add(rules.ACCESS_CONTROL_INHERITED, path, **data)
    elif assigned.has_access_control and is_host_set:
        how = f"inherited from {visible(assigned.id, 80)}"
        notes.add(rules.HOST_AND_ACCESS_CONTROL, (*path, "hostHeader"), how=how)


def _select(call: OriginCall, first: Json, notes: Notes, origins: KnownOrigins | None) -> None:
    if not isinstance(first, str) or not first:
        notes.add(rules.ARGUMENTS, (call.helper, 0), shown=show(first), kind=_kind(first), wanted="the id of an origin")
    else:
        _origin_id(first, (call.helper, 0), notes, origins)
    overrides = call.arguments[1] if call.arguments and len(call.arguments) > 1 else None
    if isinstance(overrides, dict):
        _overrides(overrides, (call.helper, 1), notes)
    elif overrides is not None:
        notes.add(rules.ARGUMENTS, (call.helper, 1), shown=show(overrides), kind=kind_of(overrides), wanted="an object")


def _overrides(overrides: dict[str, Any], path: Path, notes: Notes) -> None:
    origin_settings.unknown(overrides, facts.OVERRIDES, path, notes)
    origin_settings.names(overrides, path, notes)


def _origin_id(origin_id: str, path: Path, notes: Notes, origins: KnownOrigins | None) -> None:
    shown = visible(origin_id, 80)
    if origins is None:
        notes.add(rules.ID_UNCHECKED, path, id=shown)
        return
    origin = origins.origin(origin_id)
    if origin is None:
        ids = [visible(known, 80) for known in origins.ids]
        notes.add(rules.ID_UNKNOWN, path, id=shown, ids=ids, first=ids[0] if ids else "an-origin")
    elif origin.has_mutual_tls:
        notes.add(rules.MUTUAL_TLS, path, id=shown)


def _group(settings: dict[str, Any], notes: Notes, origins: KnownOrigins | None) -> None:
    path: Path = (notes.helper, 0)
    origin_settings.unknown(settings, facts.GROUP_SETTINGS, path, notes)
    missing = [name for name in ("originIds", "failoverCriteria") if name not in settings]
    if missing:
        notes.add(rules.GROUP_INCOMPLETE, path, missing=missing)
    if "originIds" in settings:
        _members(settings["originIds"], (*path, "originIds"), notes, origins)
    if "failoverCriteria" in settings:
        _criteria(settings["failoverCriteria"], (*path, "failoverCriteria"), notes)
    origin_settings.choice(settings, "selectionCriteria", facts.SELECTION_CRITERIA, path, notes)


def _members(members: Json, path: Path, notes: Notes, origins: KnownOrigins | None) -> None:
    if not isinstance(members, list) or len(members) != 2:
        problem = f"has {len(members)}" if isinstance(members, list) else f"is {kind_of(members)}"
        notes.add(rules.GROUP_MEMBERS, path, problem=problem)
        return
    for number, member in enumerate(members):
        where: Path = (*path, number)
        origin_id = member.get("originId") if isinstance(member, dict) else member
        if not isinstance(origin_id, str) or not origin_id:
            notes.add(rules.GROUP_MEMBERS, where, problem="names no origin")
            continue
        _origin_id(origin_id, where, notes, origins)
        overrides = member.get("originOverrides") if isinstance(member, dict) else None
        if not isinstance(overrides, dict):
            continue
        if "hostHeader" in overrides:
            shown = show(overrides["hostHeader"])
            notes.add(rules.GROUP_HOST, (*where, "originOverrides", "hostHeader"), shown=shown)
        rest = {name: value for name, value in overrides.items() if name != "hostHeader"}
        _overrides(rest, (*where, "originOverrides"), notes)


def _criteria(criteria: Json, path: Path, notes: Notes) -> None:
    statuses = criteria.get("statusCodes") if isinstance(criteria, dict) else None
    where: Path = (*path, "statusCodes")
    wanted = [str(status) for status in facts.FAILOVER_STATUSES]
    text = ", ".join(wanted)
    if not isinstance(criteria, dict) or "statusCodes" not in criteria:
        notes.add(rules.GROUP_INCOMPLETE, path, missing=["statusCodes"])
    elif not isinstance(statuses, list) or not statuses:
        problem = "is empty" if statuses == [] else f"is {kind_of(statuses)}"
        notes.add(rules.GROUP_STATUSES, where, problem=problem, wanted=text)
    else:
        for number, status in enumerate(statuses):
            if isinstance(status, bool) or status not in facts.FAILOVER_STATUSES:
                place: Path = (*where, number)
                notes.add(rules.GROUP_STATUSES, place, problem=f"is {show(status)}", wanted=text)


def _kind(value: Json) -> str:
    return "an empty string" if value == "" else kind_of(value)
