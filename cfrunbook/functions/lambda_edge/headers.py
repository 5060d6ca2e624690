"""Checks of header objects: their structure, names and values, and what was done to read-only ones.

`headers` of requests and responses, and the `customHeaders` of an origin, have the same structure.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

from cfrunbook.cloudfront.edge_headers import READ_ONLY_LAMBDA_EDGE, is_disallowed
from cfrunbook.functions.documents import utf8_size
from cfrunbook.functions.lambda_edge import header_rules as rules
from cfrunbook.functions.lambda_edge.subject import Object, Subject, found, new
from cfrunbook.functions.model import DELETE, Edit, EventType, Path, Violation, show_path
from cfrunbook.functions.secrets import URLS, describe, show_header

GENERATED_READ_ONLY: dict[EventType, frozenset[str]] = {
    EventType.VIEWER_REQUEST: frozenset({"content-length", "transfer-encoding", "via", "warning"}),
    EventType.ORIGIN_REQUEST: frozenset({"content-length", "transfer-encoding", "via"}),
}
"""What a generated response cannot set: the read-only ones of the event itself, or of the response on the same side.

Content-Encoding is not among them: AWS's own example of a compressed page sets it.
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/lambda-examples.html
"""
COUNTRY = "cloudfront-viewer-country"

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PLAIN_NAME = re.compile(r"[a-z0-9-]+")
_PLAIN_VALUE = re.compile(r"(?! )[\x20-\x7e]*(?<! )")
_FORBIDDEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]+")
_JOINED_COOKIE = re.compile(r",(?=\s*[!#$%&'*+.^_`|~0-9A-Za-z-]+=)")
_URL_SAFE = "/:?#[]@!$&'()*+,;=%"


def canonical(name: str) -> str:
    """Return a header's name as CloudFront writes it where none is given: `X-Frame-Options`."""
    return "-".join(part.capitalize() for part in name.split("-"))


def check(subject: Subject, *, generated: bool = False) -> None:
    """Check `headers` of the result; `generated` says that it is a response made in a request event."""
    value = subject.value.get("headers")
    before = None if generated else (subject.before or {}).get("headers")
    before = before if isinstance(before, dict) else None
    if "headers" in subject.value and not isinstance(value, dict):
        subject.add(_no_object(value, before))
        return
    headers: Object = value if isinstance(value, dict) else {}
    known = {name.lower(): entry for name, entry in before.items()} if before else {}
    spellings = Counter(name.lower() for name in headers)
    for name, entry in headers.items():
        subject.add_all(entry_violations(headers, name, entry, known, spellings), "headers")
        if subject.report.is_full:
            return
    if generated:
        _check_generated(subject, headers)
    elif subject.event_type:
        _check_read_only(subject, subject.event_type, headers, known)


def entry_violations(
    headers: Object, name: str, entry: Any, known: Object, spellings: Counter[str], *, base: Path = ("headers",)
) -> list[Violation]:
    """Return what is wrong with one header, by paths inside `headers`, which is at `base`.

    `known` has the headers that came with the event, by lower-case names: what they break is nobody's fault.
    `spellings` says how many names there are that differ in case only.
    """
    lower = name.lower()
    if is_disallowed(lower):
        if lower in known:
            return []
        return [found(rules.HEADER_DISALLOWED, (name,), edits=[Edit((name,), DELETE)], header=lower)]
    if _is_plain(name, entry):
        return []
    violations = [*_name_violations(headers, name, spellings, base)]
    violations += new(lambda one: _structure_violations(name, one), entry, known.get(lower))
    return violations


def _is_plain(name: str, entry: Any) -> bool:
    """Tell whether nothing can be wrong with a header, as with almost all of them: a quick look spares a close one."""
    if not _PLAIN_NAME.fullmatch(name) or name == "set-cookie" or not isinstance(entry, list) or not entry:
        return False
    for item in entry:
        if not isinstance(item, dict):
            return False
        value, key = item.get("value"), item.get("key", name)
        if not isinstance(value, str) or not _PLAIN_VALUE.fullmatch(value):
            return False
        if not isinstance(key, str) or key.lower() != name:
            return False
    return True


def byte_size(headers: Any) -> tuple[int, int]:
    """Return how many bytes the names and values of headers are at least, and with their separators."""
    least = entries = 0
    for name, entry in headers.items() if isinstance(headers, dict) else ():
        for item in entry if isinstance(entry, list) else ():
            value = item.get("value") if isinstance(item, dict) else None
            if isinstance(value, str):
                entries += 1
                least += utf8_size(name) + utf8_size(value)
    return least, least + 4 * entries


def _no_object(value: Any, before: Object | None) -> Violation:
    made: Any = dict(before or {})
    if isinstance(value, list):
        for item in value:
            if isinstance(item, dict) and isinstance(item.get("key"), str):
                made.setdefault(item["key"].lower(), []).append(item)
    edit = Edit(("headers",), made if made or before is not None else DELETE)
    return found(rules.HEADERS_TYPE, ("headers",), describe(value), [edit])


def _name_violations(headers: Object, name: str, spellings: Counter[str], base: Path) -> Iterator[Violation]:
    lower = name.lower()
    if not _TOKEN.fullmatch(name):
        stripped = name.strip().removesuffix(":").strip()
        edits = _renamed(headers, name, stripped.lower(), spellings) if _TOKEN.fullmatch(stripped) else []
        yield found(
            rules.HEADER_NAME_INVALID, (name,), edits=edits, header=name[:120], where=show_path(base),
            problem="is empty" if not name else "has characters that no name has",
        )  # fmt: skip
    elif name != lower:
        edits = _renamed(headers, name, lower, spellings)
        yield found(rules.HEADER_NAME_CASE, (name,), edits=edits, header=name, where=show_path(base))


def _renamed(headers: Object, name: str, to: str, spellings: Counter[str]) -> list[Edit]:
    """Return the edits that give a header its right name; entries that are already there come first."""
    entry, there = headers[name], headers.get(to)
    others = spellings[to] - (name.lower() == to) - (to in headers)
    if others or (there is not None and not (isinstance(there, list) and isinstance(entry, list))):
        return [Edit((name,), DELETE)]
    return [Edit((name,), DELETE), Edit((to,), [*there, *entry] if there is not None else entry)]


def _structure_violations(name: str, entry: Any) -> Iterator[Violation]:
    data = {"header": name.lower(), "key": canonical(name)}
    if not isinstance(entry, list):
        edit = Edit((name,), [item] if (item := _as_item(name, entry)) else DELETE)
        yield found(rules.HEADER_NOT_ARRAY, (name,), describe(entry), [edit], **data)
        return
    if not entry:
        yield found(rules.HEADER_EMPTY, (name,), edits=[Edit((name,), DELETE)], **data)
    for number, item in enumerate(entry):
        path = (name, number)
        if not isinstance(item, dict):
            edit = Edit(path, _as_item(name, item) or DELETE)
            yield found(rules.HEADER_ENTRY_TYPE, path, describe(item), [edit], **data)
            continue
        yield from _key_violations(name, item, path, data)
        if "value" not in item:
            edits = [Edit(path, DELETE)]
            yield found(rules.HEADER_VALUE_MISSING, path, edits=edits, **data)
        else:
            yield from _value_violations(name, item["value"], path, data)


def _as_item(name: str, value: Any) -> Object | None:
    """Return the {key, value} object that was meant, or None where that cannot be told."""
    if isinstance(value, dict):
        return value if "value" in value else None
    text = _as_text(value)
    return None if text is None else {"key": canonical(name), "value": text}


def _as_text(value: Any) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else None


def _key_violations(name: str, item: Object, path: Path, data: Object) -> Iterator[Violation]:
    if "key" not in item:
        return
    key, at = item["key"], (*path, "key")
    if not isinstance(key, str):
        yield found(rules.HEADER_KEY_TYPE, at, describe(key), [Edit(at, DELETE)], **data)
    elif key.lower() != name.lower():
        yield found(rules.HEADER_KEY_MISMATCH, at, edits=[Edit(at, DELETE)], key_given=key[:80], **data)


def _value_violations(name: str, value: Any, path: Path, data: Object) -> Iterator[Violation]:
    at = (*path, "value")
    if isinstance(value, str):
        yield from _text_violations(name, value, at, data)
    elif isinstance(value, list) and value and all(isinstance(one, str) for one in value):
        edits = [Edit(at, ", ".join(value))] if name.lower() != "set-cookie" else [Edit(at, value[0])]
        yield found(rules.HEADER_VALUE_LIST, at, describe(value), edits, **data)
    else:
        text = _as_text(value)
        edits = [Edit(at, text)] if text is not None else [Edit(path, DELETE)]
        yield found(rules.HEADER_VALUE_TYPE, at, describe(value), edits, **data)


def _text_violations(name: str, value: str, at: Path, data: Object) -> Iterator[Violation]:
    lower = name.lower()
    bad = _FORBIDDEN.search(value)
    if bad:
        edits = [Edit(at, _CONTROLS.sub(" ", value).strip())]
        character = f"%{ord(bad[0]):02X}"
        yield found(rules.HEADER_VALUE_CHARACTERS, at, show_header(name, value), edits, character=character, **data)
    elif not value.isascii() or "\t" in value or value != value.strip(" "):
        plain = value.replace("\t", " ").strip(" ")
        problem = "a tab" if "\t" in value else "white space at its ends"
        if not plain.isascii():
            problem = "characters that are not ASCII"
            plain = quote(plain, safe=_URL_SAFE, errors="replace") if lower in URLS else plain
        edits = [Edit(at, plain)] if plain.isascii() else []
        yield found(rules.HEADER_VALUE_UNUSUAL, at, show_header(name, value), edits, problem=problem, **data)
    if lower == "set-cookie" and not bad and _JOINED_COOKIE.search(value):
        cookies = [{"key": "Set-Cookie", "value": one.strip()} for one in _JOINED_COOKIE.split(value)]
        edits = [Edit((name,), cookies)] if at[-2] == 0 else []
        yield found(rules.SET_COOKIE_JOINED, at, edits=edits, **data)


def _check_generated(subject: Subject, headers: Object) -> None:
    event_type = subject.event_type
    closed = GENERATED_READ_ONLY[event_type] if event_type in GENERATED_READ_ONLY else frozenset[str]()
    for name in headers:
        if name.lower() in closed:
            edits = [Edit(("headers", name), DELETE)]
            subject.add(found(rules.GENERATED_READ_ONLY, ("headers", name), edits=edits, header=name.lower()))


def _check_read_only(subject: Subject, event_type: EventType, headers: Object, known: Object) -> None:
    """Compare the read-only headers with those of the event; without the event that cannot be told."""
    given = {name.lower(): name for name in headers}
    words: Object = {"event_type": event_type.value, "object": "request" if event_type.is_request else "response"}
    closed = READ_ONLY_LAMBDA_EDGE[event_type]
    country_open = event_type is not EventType.VIEWER_REQUEST or COUNTRY in known
    if COUNTRY in given and not country_open:
        path = ("headers", given[COUNTRY])
        subject.add(found(rules.VIEWER_COUNTRY_ADDED, path, edits=[Edit(path, DELETE)], header=COUNTRY))
    for lower in sorted(closed & (given.keys() | known.keys())):
        name = given.get(lower, lower)
        path = ("headers", name)
        values, before = _values(headers.get(name)), _values(known.get(lower))
        data: Object = {"header": lower, **words}
        if subject.before is None:
            subject.add(found(rules.HEADER_READ_ONLY_UNKNOWN, path, **data))
        elif values is None or before is None or values == before:
            continue
        elif not before:
            subject.add(found(rules.HEADER_READ_ONLY_ADDED, path, edits=[Edit(path, DELETE)], **data))
        elif not values:
            edits = [Edit(path, known[lower])] if "headers" in subject.value else _whole(subject)
            subject.add(found(rules.HEADER_READ_ONLY_DELETED, path, edits=edits, where="headers", **data))
        else:
            shown = show_header(lower, ", ".join(values))
            old = show_header(lower, ", ".join(before))
            edits = [Edit(path, known[lower])]
            subject.add(found(rules.HEADER_READ_ONLY_CHANGED, path, shown, edits, before=old, **data))


def _whole(subject: Subject) -> list[Edit]:
    return [Edit(("headers",), (subject.before or {}).get("headers"))]


def _values(entry: Any) -> list[str] | None:
    """Return the values of a header; none where it is not there, None where its structure does not tell."""
    if entry is None:
        return []
    if not isinstance(entry, list):
        return None
    values: Iterable[Any] = (item.get("value") if isinstance(item, dict) else None for item in entry)
    known = [value for value in values if isinstance(value, str)]
    return known if len(known) == len(entry) else None
