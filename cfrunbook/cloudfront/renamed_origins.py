"""Origins that another configuration has by another id, and that are the same in everything else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cfrunbook.cloudfront import differences, shapes

MAX_ORIGINS = 100
"""Origins of either side that are looked at; CloudFront's quota is as high."""


def find(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, str]:
    """Return the origins that have another id and else are the same: old id to new."""
    old, new = (_origins(document) for document in (before, after))
    gone = {i: o for i, o in old.items() if i not in new}
    come = {i: o for i, o in new.items() if i not in old}
    found: dict[str, str] = {}
    for identity, origin in list(gone.items())[:MAX_ORIGINS]:
        for other, candidate in list(come.items())[:MAX_ORIGINS]:
            if other not in found.values() and not any(differences.between(origin, candidate, shapes.ORIGIN)):
                found[identity] = other
                break
    return found


def _origins(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the origins without their id, by it."""
    found: dict[str, Mapping[str, Any]] = {}
    for item in _items(document.get("Origins")):
        if isinstance(item, Mapping) and isinstance(item.get("Id"), str):
            found.setdefault(item["Id"], {k: v for k, v in item.items() if k != "Id"})
    return found


def _items(value: Any) -> list[Any]:
    items = value.get("Items") if isinstance(value, Mapping) else value
    return items if isinstance(items, list) else []


def apply(document: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return a configuration in which origins have other ids, wherever they are named."""

    def named(member: str) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
        return lambda item: {**item, member: names.get(str(item.get(member)), item.get(member))}

    def group(item: Mapping[str, Any]) -> dict[str, Any]:
        return {**item, "Members": _each(item.get("Members"), named("OriginId"))}

    places = {"Origins": named("Id"), "OriginGroups": group, "CacheBehaviors": named("TargetOriginId")}
    changed = {place: _each(document.get(place), rename) for place, rename in places.items() if place in document}
    default = document.get("DefaultCacheBehavior")
    own = {"DefaultCacheBehavior": named("TargetOriginId")(default)} if isinstance(default, Mapping) else {}
    return {**document, **changed, **own}


def _each(listing: Any, change: Callable[[Mapping[str, Any]], dict[str, Any]]) -> Any:
    """Return a list, plain or as `{Quantity, Items}`, with every object in it changed."""
    if isinstance(listing, Mapping):
        return {**listing, "Items": _each(listing.get("Items") or [], change)}
    if isinstance(listing, list):
        return [change(item) if isinstance(item, Mapping) else item for item in listing]
    return listing
