"""Checks of headers, cookies and query string parameters: each a field of an object, with a value that is text."""

from __future__ import annotations

from dataclasses import dataclass

from cfrunbook.cloudfront import edge_headers
from cfrunbook.findings import Json
from cfrunbook.functions.cloudfront_function import facts
from cfrunbook.functions.cloudfront_function import header_rules as rules
from cfrunbook.functions.cloudfront_function.case import (
    Case,
    kind_of,
    name_character,
    same,
    show,
    show_field,
    show_secret,
)
from cfrunbook.functions.cloudfront_function.conversions import cookies_of, entry_of
from cfrunbook.functions.cloudfront_function.field_rules import QUERY_CHARACTERS
from cfrunbook.functions.cloudfront_function.fields import percent_encoded
from cfrunbook.functions.model import DELETE, Edit, Path

_PROMISE = "[object Promise]"


@dataclass(frozen=True, slots=True)
class Container:
    """One of the objects that hold entries."""

    field: str
    noun: str


HEADERS = Container("headers", "header")
COOKIES = Container("cookies", "cookie")
QUERY = Container("querystring", "query string parameter")


def check(case: Case) -> None:
    """Note what is wrong with headers, cookies and parameters in themselves."""
    for container in (HEADERS, COOKIES, *([QUERY] if case.shape == "request" else [])):
        if container.field in case.result:
            _container(case, container, case.result[container.field])


def values_of(entry: Json) -> list[Json] | None:
    """Return all values of an entry, None where its structure is not that of one."""
    if not isinstance(entry, dict):
        return None
    several = entry.get("multiValue")
    if isinstance(several, list) and several:
        return [item.get("value") if isinstance(item, dict) else item for item in several]
    return [entry["value"]] if "value" in entry else None


def _container(case: Case, container: Container, entries: Json) -> None:
    path: Path = (container.field,)
    if not isinstance(entries, dict):
        if container is QUERY:
            return  # may be a string; see `fields`
        before = case.before.get(container.field) if case.before else None
        edits = [Edit(path, before if isinstance(before, dict) else {})]
        case.add(
            rules.CONTAINER_TYPE, path, shown=show(entries), edits=edits, kind=kind_of(entries), noun=container.noun
        )
        return
    old = case.before.get(container.field) if case.before else None
    came = old if isinstance(old, dict) else {}
    for name, entry in entries.items():
        if name in came and same(entry, came[name]):
            continue  # passed on as it came
        where = (*path, name)
        if container is HEADERS and not _header_name(case, name, entry, where):
            continue
        if container is COOKIES and facts.COOKIE_NAME.fullmatch(name) is None:
            case.add(rules.NAME_INVALID, where, edits=[Edit(where, DELETE)], name=name[:80], noun=container.noun)
        _entry(case, container, name, entry, where)


def _header_name(case: Case, name: str, entry: Json, path: Path) -> bool:
    """Note what is wrong with a header's name; False where nothing more is to be said about the header."""
    lower = name.lower()
    if facts.TOKEN.fullmatch(name) is None:
        case.add(rules.NAME_INVALID, path, edits=[Edit(path, DELETE)], name=name[:80], noun="header")
        return False
    if edge_headers.is_disallowed(name):
        case.add(rules.DISALLOWED, path, edits=[Edit(path, DELETE)], name=name)
        return False
    if lower in ("cookie", "set-cookie"):
        case.add(rules.COOKIE_IN_HEADERS, path, edits=_moved(case, lower, entry, path), name=name)
        return False
    if name != lower:
        edits = [Edit(path, DELETE), Edit((*path[:-1], lower), entry)]
        case.add(rules.NAME_CASE, path, shown=_shown(HEADERS, name, entry), edits=edits, name=name, lower=lower)
        return False  # the rest is asked of the name it should have
    return True


def _moved(case: Case, name: str, entry: Json, path: Path) -> list[Edit]:
    """Return the edits that take a cookie out of the headers and put it where cookies are."""
    made = cookies_of(name, entry)
    jar = case.result.get("cookies")
    if isinstance(jar, dict):
        return [Edit(path, DELETE), *(Edit(("cookies", key), value) for key, value in made.items() if key not in jar)]
    return [Edit(path, DELETE), *([Edit(("cookies",), made)] if "cookies" not in case.result else [])]


def _entry(case: Case, container: Container, name: str, entry: Json, path: Path) -> None:
    noun = container.noun
    if not isinstance(entry, dict):
        made = entry_of(entry)
        edits = [Edit(path, made if made is not None else DELETE)]
        case.add(
            rules.ENTRY_NOT_OBJECT,
            path,
            shown=_shown(container, name, entry),
            edits=edits,
            kind=kind_of(entry),
            noun=noun,
        )
        return
    _multi_value(case, container, name, entry, path)
    if "value" in entry:
        _value(case, container, entry["value"], path)
    elif isinstance(several := entry.get("multiValue"), list) and several:
        first = several[0].get("value") if isinstance(several[0], dict) else None
        edits = [Edit((*path, "value"), first)] if isinstance(first, str) else [Edit(path, DELETE)]
        case.add(rules.VALUE_ONLY_MULTI, path, edits=edits)
    else:
        case.add(rules.VALUE_MISSING, path, edits=[Edit(path, DELETE)], noun=noun)
    attributes = entry.get("attributes", "")
    if container is COOKIES and not isinstance(attributes, str):
        where = (*path, "attributes")
        case.add(rules.COOKIE_ATTRIBUTES, where, edits=[Edit(where, DELETE)], kind=kind_of(attributes))


def _value(case: Case, container: Container, value: Json, entry: Path) -> None:
    path: Path = (*entry, "value")
    if value == {}:
        case.add(rules.VALUE_PROMISE, path, shown="{}")
    elif not isinstance(value, str):
        text = entry_of(value)
        edit = Edit(path, text["value"]) if text and not isinstance(value, list) else Edit(entry, DELETE)
        case.add(rules.VALUE_NOT_STRING, path, shown=show(value), edits=[edit], kind=kind_of(value))
    else:
        _text(case, container, value, path)


def _text(case: Case, container: Container, value: str, path: Path) -> None:
    if _PROMISE in value:
        case.add(rules.PROMISE_TEXT, path, shown=_PROMISE)
    if container is QUERY:
        if found := facts.NOT_IN_QUERY.search(value):
            edits = [Edit(path, percent_encoded(value))]
            case.add(QUERY_CHARACTERS, path, edits=edits, character=name_character(found[0]))
    elif found := facts.CONTROL.search(value):
        edits = [Edit(path, facts.CONTROL.sub(" ", value))]
        case.add(rules.VALUE_CONTROL, path, edits=edits, character=name_character(found[0]))


def _multi_value(case: Case, container: Container, name: str, entry: dict[str, Json], path: Path) -> None:
    if "multiValue" not in entry:
        return
    several = entry["multiValue"]
    where: Path = (*path, "multiValue")
    problem = ""
    if not isinstance(several, list):
        problem = f"is {kind_of(several)}, not an array"
    else:
        for number, item in enumerate(several):
            if not isinstance(item, dict) or not isinstance(item.get("value"), str):
                where, problem = (*where, number), f"is {kind_of(item)}, not an object with a value that is a string"
                break
            _text(case, container, item["value"], (*where, number, "value"))
    if problem:
        case.add(
            rules.MULTI_VALUE_INVALID,
            where,
            edits=[Edit((*path, "multiValue"), DELETE)],
            problem=problem,
            noun=container.noun,
        )
    elif isinstance(several, list) and several and isinstance(entry.get("value"), str):
        first = several[0]
        if isinstance(first, dict) and first.get("value") != entry["value"]:
            case.add(rules.MULTI_VALUE_WINS, path, shown=_shown(container, name, entry))


def _shown(container: Container, name: str, entry: Json) -> str:
    value = entry.get("value") if isinstance(entry, dict) else entry
    return show_field(name, value) if container is HEADERS else show_secret(value)
