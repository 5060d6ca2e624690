"""Read-only headers: what a function adds, changes or deletes, seen by comparing its result with the event."""

from __future__ import annotations

from typing import Any

from cfrunbook.cloudfront import edge_headers
from cfrunbook.findings import Json
from cfrunbook.functions.cloudfront_function import header_rules as rules
from cfrunbook.functions.cloudfront_function.case import Case, show_field
from cfrunbook.functions.cloudfront_function.entries import values_of
from cfrunbook.functions.cloudfront_function.result_rules import NOT_COMPARED
from cfrunbook.functions.model import DELETE, Edit, EventType

_READ_ONLY = edge_headers.READ_ONLY_CLOUDFRONT_FUNCTION
_ANY_VIEWER = frozenset().union(*_READ_ONLY.values())


def check(case: Case) -> None:
    """Note read-only headers that are not as they came; without the event, that nobody can tell."""
    if case.is_generated:
        _generated(case)
    elif case.before is None:
        what = (
            "the method or read-only headers (Host and the like)" if case.shape == "request" else "a read-only header"
        )
        case.add(NOT_COMPARED, ("headers",), what=what)
    else:
        event_type = EventType.VIEWER_REQUEST if case.shape == "request" else EventType.VIEWER_RESPONSE
        _against_event(case, case.before, event_type)


def _generated(case: Case) -> None:
    headers = case.result.get("headers")
    for name, entry in headers.items() if isinstance(headers, dict) else ():
        if name in _ANY_VIEWER:
            path = ("headers", name)
            shown = _shown(name, entry)
            case.add(rules.READ_ONLY_GENERATED, path, shown=shown, edits=[Edit(path, DELETE)], name=name)


def _against_event(case: Case, before: dict[str, Any], event_type: EventType) -> None:
    raw = case.result.get("headers", {})
    if not isinstance(raw, dict):
        return  # said already; with another type of headers nothing can be compared
    old = before.get("headers")
    came = {name.lower(): entry for name, entry in old.items()} if isinstance(old, dict) else {}
    now = {name.lower(): (name, entry) for name, entry in raw.items()}
    whole = [] if "headers" in case.result else [Edit(("headers",), _kept(came, event_type))]
    for name in sorted(_READ_ONLY[event_type]):
        if name in came and name not in now:
            rule = rules.HOST_DELETED if name == "host" else rules.READ_ONLY_DELETED
            edits = whole or [Edit(("headers", name), came[name])]
            shown = _shown(name, came[name])
            data = {"name": name, "event_type": event_type.value}
            case.add(rule, ("headers", name), shown=shown, edits=edits, **data)
        elif name in now:
            _present(case, name, now[name], came, event_type)


def _present(case: Case, name: str, now: tuple[str, Json], came: dict[str, Json], event_type: EventType) -> None:
    written, entry = now
    path = ("headers", written)
    shown = _shown(name, entry)
    if name not in came:
        edits = [Edit(path, DELETE)]
        case.add(rules.READ_ONLY_ADDED, path, shown=shown, edits=edits, name=name, event_type=event_type.value)
        return
    values = values_of(entry)
    if written == name and values is not None and values != values_of(came[name]):
        edits = [Edit(path, came[name])]
        case.add(rules.READ_ONLY_CHANGED, path, shown=shown, edits=edits, name=name, event_type=event_type.value)


def _kept(came: dict[str, Json], event_type: EventType) -> dict[str, Json]:
    return {name: entry for name, entry in came.items() if name in _READ_ONLY[event_type]}


def _shown(name: str, entry: Json) -> str:
    value = entry.get("value") if isinstance(entry, dict) else entry
    return show_field(name, value)
