"""Where two JSON documents of the CloudFront API differ: no opinion, only places and values.

Lists that are sets are compared as sets, lists of objects by what tells these apart (an origin's id, a behavior's path
pattern). A member that is absent, null or empty is the same as one with the API's default.
https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_DistributionConfig.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from cfrunbook.cloudfront import shapes
from cfrunbook.redaction import REDACTED, redact_words
from cfrunbook.text import visible

MAX_VALUE = 240
"""Characters shown of a value."""
MAX_KEY = 80
NOT_SET = "not set"

KEYS: Mapping[str, str] = {
    "Origins": "Id",
    "OriginGroups": "Id",
    "CacheBehaviors": "PathPattern",
    "CustomHeaders": "HeaderName",
    "LambdaFunctionAssociations": "EventType",
    "FunctionAssociations": "EventType",
    "CustomErrorResponses": "ErrorCode",
}
"""Lists of objects, and the member that tells their items apart."""
_IN_ORDER = frozenset({"Members"})
"""Lists whose order matters: the first member of an origin group is its primary."""
_CASELESS = frozenset({"Aliases", "CustomHeaders", "Headers"})
_WHOLE = frozenset({"CustomOriginConfig", "S3OriginConfig", "VpcOriginConfig"})
"""Objects of which one stands in place of another: where one is missing, that is one difference."""

DEFAULTS: Mapping[str, Any] = {
    "Origins[].ConnectionAttempts": 3,
    "Origins[].ConnectionTimeout": 10,
    "Origins[].CustomOriginConfig.IpAddressType": "ipv4",
    "Origins[].CustomOriginConfig.OriginReadTimeout": 30,
    "Origins[].CustomOriginConfig.OriginKeepaliveTimeout": 5,
    "Origins[].S3OriginConfig.OriginReadTimeout": 30,
    "Origins[].VpcOriginConfig.OriginReadTimeout": 30,
    "Origins[].VpcOriginConfig.OriginKeepaliveTimeout": 5,
    "OriginGroups[].SelectionCriteria": "default",
    "Enabled": True,
    "HttpVersion": "http2",
    "PriceClass": "PriceClass_All",
    "ConnectionMode": "direct",
}
"""What the API takes where the document is silent; a flag of which nothing is said here is false."""


class Difference(msgspec.Struct, frozen=True):
    """One place where the documents differ."""

    where: str
    """For people: `Origins[api].CustomHeaders[X-Key].HeaderValue`, made visible."""
    rule: str
    """The same without keys: `Origins[].CustomHeaders[].HeaderValue`."""
    keys: tuple[str, ...]
    """The keys, from left to right, as they are."""
    before: Any
    """None: not set. A secret, or a member that is not known here, is `[redacted]` on either side that has it."""
    after: Any
    known: bool = True
    """Whether the API, as known here, has this member."""


def between(before: Mapping[str, Any], after: Mapping[str, Any], shape: Any, where: str = "") -> Iterator[Difference]:
    """Yield where two objects of `shape` differ, in the order of the first document, what is new behind it."""
    yield from _objects(before, after, shape, _Place(where, where, ()))


class _Place(msgspec.Struct, frozen=True):
    where: str
    rule: str
    keys: tuple[str, ...]

    def member(self, name: str) -> _Place:
        shown = visible(name, MAX_KEY)
        join = "." if self.where else ""
        return _Place(f"{self.where}{join}{shown}", f"{self.rule}{join}{shown}", self.keys)

    def item(self, key: str, number: int) -> _Place:
        again = f"#{number}" if number > 1 else ""
        return _Place(f"{self.where}[{visible(key, MAX_KEY)}{again}]", f"{self.rule}[]", (*self.keys, key))

    @property
    def name(self) -> str:
        return self.rule.rpartition(".")[2]


def _objects(before: Mapping[str, Any], after: Mapping[str, Any], shape: Any, at: _Place) -> Iterator[Difference]:
    for name in dict.fromkeys((*before, *after)):
        if isinstance(shape, Mapping) and name not in shape:
            yield from _unknown(before.get(name), after.get(name), at.member(name))
        else:
            inner = shape[name] if isinstance(shape, Mapping) else shape
            yield from _values(before.get(name), after.get(name), inner, at.member(name))


def _unknown(before: Any, after: Any, at: _Place) -> Iterator[Difference]:
    """Yield a member that is not known here: that it differs, and not what it is, for it may be a secret."""
    if canonical(before) != canonical(after):
        yield Difference(at.where, at.rule, at.keys, _hidden(before), _hidden(after), known=False)


def _values(before: Any, after: Any, shape: Any, at: _Place) -> Iterator[Difference]:
    opaque = shape is None and any(isinstance(v, Mapping) and _as_list(v) is None for v in (before, after))
    if shape is shapes.SECRET or opaque:
        if canonical(before) != canonical(after):
            yield _differing(at, _hidden(before), _hidden(after))
        return
    first, second = _as_list(before), _as_list(after)
    if first is not None or second is not None:
        if (first is None and before is not None) or (second is None and after is not None):
            yield from _leaf(before, after, shape, at)  # a list here, something else there
            return
        yield from _lists(first or [], second or [], shape.get("Items") if isinstance(shape, Mapping) else None, at)
        before, after = _beside(before), _beside(after)
        if before or after:
            yield from _objects(before, after, shape, at)
    elif isinstance(before, Mapping | None) and isinstance(after, Mapping | None) and (before or after):
        if at.name in _WHOLE and not (before and after):
            yield from _leaf(before, after, shape, at)
        else:
            yield from _objects(before or {}, after or {}, shape, at)
    else:
        yield from _leaf(before, after, shape, at)


def _leaf(before: Any, after: Any, shape: Any, at: _Place) -> Iterator[Difference]:
    first, second = (DEFAULTS.get(at.rule) if v is None or v == "" else v for v in (before, after))
    if canonical(first) != canonical(second):
        yield _differing(at, shapes.redacted(first, shape), shapes.redacted(second, shape))


def _lists(before: list[Any], after: list[Any], shape: Any, at: _Place) -> Iterator[Difference]:
    key = KEYS.get(at.name, "")
    if key and all(isinstance(item, Mapping) for item in (*before, *after)):
        yield from _keyed(before, after, key, shape, at)
        return
    first, second = ([canonical(item, caseless=at.name in _CASELESS) for item in items] for items in (before, after))
    if at.name not in _IN_ORDER:
        first, second = sorted(set(first)), sorted(set(second))
    if first != second:
        was, now = ([shapes.redacted(item, shape) for item in items] or None for items in (before, after))
        yield _differing(at, was, now)


def _keyed(
    before: Iterable[Mapping[str, Any]], after: Iterable[Mapping[str, Any]], key: str, shape: Any, at: _Place
) -> Iterator[Difference]:
    first, second = by_key(before, key, at.name), by_key(after, key, at.name)
    for found in dict.fromkeys((*first, *second)):
        mine, other = first.get(found), second.get(found)
        place = at.item(str((mine or other or {}).get(key, "")), found[1])
        if mine is None or other is None:
            was, now = (None if item is None else shapes.redacted(item, shape) for item in (mine, other))
            yield _differing(place, was, now)
        else:
            yield from _objects(_without(mine, key), _without(other, key), shape, place)


def _without(item: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name != key}


def _differing(at: _Place, before: Any, after: Any) -> Difference:
    return Difference(at.where, at.rule, at.keys, before, after)


def by_key(items: Iterable[Mapping[str, Any]], key: str, name: str = "") -> dict[tuple[str, int], Mapping[str, Any]]:
    """Return the items of a list by what tells them apart, and a number for those that have it in common."""
    met: Counter[str] = Counter()
    found = {}
    for item in items:
        value = item.get(key)
        text = "" if value is None else str(value)
        text = text.lower() if name in _CASELESS else text
        met[text] += 1
        found[text, met[text]] = item
    return found


def canonical(value: Any, *, caseless: bool = False) -> str:
    """Return a text that is the same for the same value: digits in quotes are a number, an empty value is none."""
    return msgspec.json.encode(_plain(value, caseless), order="sorted").decode() if _is_set(value) else ""


def _plain(value: Any, caseless: bool) -> Any:
    if (items := _as_list(value)) is not None and not _beside(value):
        return [_plain(item, caseless) for item in items]
    if isinstance(value, Mapping):
        return {key: _plain(inner, caseless) for key, inner in value.items() if key != "Quantity" and _is_set(inner)}
    if isinstance(value, str):
        if value.isascii() and value.isdecimal() and len(value) <= 18:
            return int(value)
        return value.lower() if caseless else value
    return value


def _is_set(value: Any) -> bool:
    """Tell whether a member says something: one that is null, empty or false does not, nor does an empty list."""
    if value is None or value is False or value in ("", [], {}):
        return False
    items = _as_list(value)
    return items is None or bool(items) or any(_is_set(inner) for inner in _beside(value).values())


def _as_list(value: Any) -> list[Any] | None:
    """Return a list that comes as such, or as `{Quantity, Items}`; None for what is none."""
    if isinstance(value, Mapping) and ("Quantity" in value or "Items" in value):
        value = value.get("Items") or []
    return value if isinstance(value, list) else None


def _beside(value: Any) -> dict[str, Any]:
    """Return what an object has beside its list: `CachedMethods` within `AllowedMethods`."""
    return {k: v for k, v in value.items() if k not in ("Quantity", "Items")} if isinstance(value, Mapping) else {}


def _hidden(value: Any) -> str | None:
    return REDACTED if _is_set(value) else None


def show(value: Any, name: str = "") -> str:
    """Return a value of a difference in a line; objects by the members that say most."""
    items = _as_list(value)
    if items is not None and not _beside(value):
        return visible(", ".join(show(item) for item in items[:20]), MAX_VALUE) or NOT_SET
    if isinstance(value, Mapping):
        told = (f"{key}={show(inner)}" for key, inner in value.items() if _is_set(inner))
        return visible(", ".join(t for t, _ in zip(told, range(12), strict=False)), MAX_VALUE) or "set"
    if value is None or value == "":
        return NOT_SET
    if isinstance(value, bool):
        return "true" if value else "false"
    return visible(redact_words(value) if name == "Comment" and isinstance(value, str) else value, MAX_VALUE)
