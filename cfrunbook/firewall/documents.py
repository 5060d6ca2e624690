"""Places in a JSON document: typed access that refuses, in one sentence, what is of the wrong kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cfrunbook.cloudfront.documents import kind
from cfrunbook.errors import BadInput

Node = Mapping[str, Any]


def objects(node: Node, key: str, where: str, file: str) -> Iterator[tuple[str, Node]]:
    """Yield the objects of the list at `key` with their JSON paths; a missing list has none. Raises BadInput."""
    value = node.get(key)
    path = f"{where}.{key}" if where else key
    if value is None:
        return
    if not isinstance(value, list):
        raise BadInput(f"Firewall: {file}, {path} is {kind(value)}, not a list.")
    for number, item in enumerate(value):
        if not isinstance(item, Mapping):
            raise BadInput(f"Firewall: {file}, {path}[{number}] is {kind(item)}, not an object.")
        yield f"{path}[{number}]", item


def text(node: Node, key: str, where: str, file: str, default: str = "") -> str:
    """Return the text at `key`; a missing or null one is `default`. Raises BadInput."""
    value = node.get(key)
    if value is None:
        return default
    if not isinstance(value, str):
        raise BadInput(f"Firewall: {file}, {where}.{key} is {kind(value)}, not text.")
    return value


def number(node: Node, key: str, where: str, file: str, default: int | None = None) -> int:
    """Return the whole number at `key`, digits in quotes too. Raises BadInput, also where it is missing."""
    value = node.get(key)
    if value is None and default is not None:
        return default
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 12:
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadInput(f"Firewall: {file}, {where}.{key} is {kind(value)}, not a whole number.")
    return value


def texts(node: Node, key: str, where: str, file: str) -> list[str]:
    """Return the list of texts at `key`; a missing one is empty, one text stands for a list. Raises BadInput."""
    value = node.get(key)
    if value is None:
        return []
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise BadInput(f"Firewall: {file}, {where}.{key} is not a list of texts.")
    return value
